/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Suspending a unit (scsi/suspend.h): the deadline of what is in flight, the flush, and the time after which the unit
 * is resumed by itself. Home worker.
 */
#include <errno.h>

#include "base/check.h"
#include "base/log.h"
#include "run/worker.h"
#include "target/unit.h"

/* Who asked is told, once. */
static void suspend_tell(struct tgt_unit *u, int result)
{
	tgt_suspend_done_fn *done = u->suspend.done;

	worker_timer_stop(tgt_home(u->t), &u->suspend.deadline);
	u->suspend.done = NULL;
	if (done)
		done(u->suspend.ctx, result);
}

/* The unit serves again, or still. */
static void suspend_end(struct tgt_unit *u, int result)
{
	worker_timer_stop(tgt_home(u->t), &u->suspend.until);
	(void)scsi_lu_resume(&u->lu);
	suspend_tell(u, result);
	home_drain(&u->lu);
}

static void suspend_late(struct worker *w, struct worker_timer *timer)
{
	struct tgt_unit *u = container_of(timer, struct tgt_unit, suspend.deadline);

	(void)w;
	log_error("device %s: it is not suspended, %s has not ended in time; serving it as before",
		  u->name,
		  u->lu.suspend == SCSI_SUSPEND_FLUSHING ? "the flush of its store"
							 : "what was in flight");
	suspend_end(u, -ETIMEDOUT);
}

static void suspend_over(struct worker *w, struct worker_timer *timer)
{
	struct tgt_unit *u = container_of(timer, struct tgt_unit, suspend.until);

	if (u->lu.suspend != SCSI_SUSPEND_SUSPENDED) {
		suspend_late(w, &u->suspend.deadline);
		return;
	}
	log_warn("device %s: nobody has resumed it in time, serving it again", u->name);
	suspend_end(u, 0);
}

/* --- the flush --- */

static void suspend_flushed(struct worker *w, struct worker_msg *m)
{
	struct tgt_unit *u = container_of(m, struct tgt_unit, suspend.msg);
	int r = u->suspend.result;

	(void)w;
	u->suspend.busy = false;
	u->t->n_flushing--;
	login_check_stopped(u->t);
	if (u->lu.suspend != SCSI_SUSPEND_FLUSHING) /* it was too late */
		return;
	if (u->suspend.again) {
		suspend_drained(u);
		return;
	}
	scsi_lu_flushed(&u->lu, r);
	if (r) {
		log_error("device %s: it is not suspended, its store cannot be flushed: %s; "
			  "serving it as before",
			  u->name, strerrordesc_np(-r));
		suspend_end(u, r);
		return;
	}
	log_info("device %s: suspended, nothing reaches its store", u->name);
	suspend_tell(u, 0);
}

static void suspend_io_done(struct worker *w, struct backend_io *io, int result)
{
	struct tgt_unit *u = container_of(io, struct tgt_unit, suspend.io);

	u->suspend.io_out = false;
	u->suspend.result = result;
	u->suspend.msg.run = suspend_flushed;
	worker_post(w, &u->suspend.msg);
}

static void suspend_flush(struct tgt_unit *u)
{
	u->suspend.again = false;
	u->suspend.busy = true;
	u->suspend.io_out = true;
	u->t->n_flushing++;
	u->suspend.io = (struct backend_io){ .op = BACKEND_FLUSH, .done = suspend_io_done };
	backend_submit(u->backend, tgt_home(u->t), &u->suspend.io);
}

void suspend_drained(struct tgt_unit *u)
{
	/* A flush that was too late for the last time says nothing of what was written since. */
	if (u->suspend.busy)
		u->suspend.again = true;
	else if (u->fence.state == FENCE_OPEN) /* else what was given up may still write */
		suspend_flush(u);
}

void suspend_unfenced(struct tgt_unit *u)
{
	if (u->lu.suspend == SCSI_SUSPEND_FLUSHING && !u->suspend.busy)
		suspend_drained(u);
}

/* --- from outside --- */

/* Both timers, or none. */
static int suspend_timers(struct tgt_unit *u, uint64_t deadline_ns, uint64_t for_ns)
{
	struct worker *w = tgt_home(u->t);
	uint64_t now = worker_now_ns(w);
	uint64_t end = for_ns ? now + for_ns : UINT64_MAX;
	int r = worker_timer_start(w, &u->suspend.until, end);

	if (!r)
		r = worker_timer_start(w, &u->suspend.deadline, min_u64(now + deadline_ns, end));
	if (r)
		worker_timer_stop(w, &u->suspend.until);
	else
		u->suspend.until_ns = end;
	return r;
}

int tgt_unit_suspend(struct tgt_unit *u, uint64_t deadline_ns, uint64_t for_ns,
		     tgt_suspend_done_fn *done, void *ctx)
{
	int r = scsi_lu_suspend(&u->lu);

	if (r == SCSI_SUSPEND_E_ALREADY) {
		struct worker *w = tgt_home(u->t);

		u->suspend.until_ns = for_ns ? worker_now_ns(w) + for_ns : UINT64_MAX;
		/* It runs, so this cannot fail. */
		check(worker_timer_start(w, &u->suspend.until, u->suspend.until_ns) == 0);
		return r;
	}
	if (r)
		return r;
	r = suspend_timers(u, deadline_ns, for_ns);
	if (r) {
		suspend_end(u, r);
		return r;
	}
	log_info("device %s: suspending it, new commands wait, those in flight are waited for",
		 u->name);
	u->suspend.done = done;
	u->suspend.ctx = ctx;
	home_drain(&u->lu);
	return 0;
}

bool tgt_unit_resume(struct tgt_unit *u)
{
	if (u->lu.suspend == SCSI_SUSPEND_SERVING)
		return false;
	log_info("device %s: resumed, serving it again", u->name);
	suspend_end(u, -ECANCELED);
	return true;
}

uint64_t tgt_unit_suspend_left_ns(const struct tgt_unit *u)
{
	uint64_t now = worker_clock_ns();

	if (u->suspend.until_ns == UINT64_MAX)
		return UINT64_MAX;
	return u->suspend.until_ns > now ? u->suspend.until_ns - now : 0;
}

/* --- the end --- */

static void suspend_cancel(struct tgt_unit *u)
{
	if (u->suspend.io_out)
		backend_cancel(&u->suspend.io, tgt_home(u->t));
}

void suspend_retire(struct tgt_unit *u)
{
	if (u->lu.suspend == SCSI_SUSPEND_SUSPENDED)
		log_warn("device %s: it is taken away while it is suspended, that ends now",
			 u->name);
	if (u->lu.suspend != SCSI_SUSPEND_SERVING)
		suspend_end(u, -ECANCELED);
	suspend_cancel(u);
}

void suspend_shutdown(struct tgt_unit *u)
{
	if (u->lu.suspend == SCSI_SUSPEND_SUSPENDED) {
		log_warn("device %s: stopping while it is suspended; what waits is aborted",
			 u->name);
		return;
	}
	if (u->lu.suspend != SCSI_SUSPEND_SERVING)
		suspend_end(u, -ECANCELED);
	suspend_cancel(u);
}

void suspend_init(struct tgt_unit *u)
{
	worker_timer_init(&u->suspend.deadline, suspend_late);
	worker_timer_init(&u->suspend.until, suspend_over);
}

void suspend_close(struct tgt_unit *u)
{
	worker_timer_stop(tgt_home(u->t), &u->suspend.deadline);
	worker_timer_stop(tgt_home(u->t), &u->suspend.until);
}
