/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Erasing a whole unit (scsi/erase.h), one piece at a time. Each piece ends by a message to ourselves: between two of them
 * everybody else has a turn, also where the store does it at once.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/log.h"
#include "run/worker.h"
#include "target/unit.h"

#define ERASE_ALIGN 4096u

static void erase_step(struct worker *w, struct worker_msg *m);

static void erase_go_on(struct tgt_unit *u, int result)
{
	if (result)
		log_error("device %s: erasing it fails: %s, it stays not ready", u->name,
			  strerrordesc_np(-result));
	scsi_erase_done(&u->lu, result);
	u->erase.msg.run = erase_step;
	worker_post(tgt_home(u->t), &u->erase.msg);
}

/* Is it to end before its time? */
static bool erase_stops(const struct tgt_unit *u)
{
	return u->retired || u->t->stopping;
}

static void erase_io_done(struct worker *w, struct backend_io *io, int result)
{
	struct tgt_unit *u = container_of(io, struct tgt_unit, erase.io);

	(void)w;
	u->erase.io_out = false;
	/* What was given up is done when the unit is opened again: it begins anew. */
	erase_go_on(u, result == -ECANCELED && erase_stops(u) ? 0 : result);
}

static void erase_saved(struct keep_wait *w, int result)
{
	erase_go_on(container_of(w, struct tgt_unit, erase.kept), result);
}

static void erase_io(struct tgt_unit *u, enum backend_op op, const struct scsi_erase_act *a)
{
	struct unit_erase *e = &u->erase;

	e->iov = (struct iovec){ .iov_base = e->buf, .iov_len = a->len_bytes };
	e->io = (struct backend_io){ .op = op,
				     .iov = &e->iov,
				     .n_iov = op == BACKEND_WRITE ? 1 : 0,
				     .off_bytes = a->off_bytes,
				     .len_bytes = a->len_bytes,
				     .done = erase_io_done };
	e->io_out = true;
	backend_submit(u->backend, tgt_home(u->t), &e->io);
}

static void erase_write(struct tgt_unit *u, const struct scsi_erase_act *a)
{
	if (!u->erase.buf)
		u->erase.buf = aligned_alloc(ERASE_ALIGN, SCSI_ERASE_WRITE_BYTES);
	if (!u->erase.buf) {
		erase_go_on(u, -ENOMEM);
		return;
	}
	scsi_erase_fill(&u->lu, u->erase.buf, a->len_bytes);
	erase_io(u, BACKEND_WRITE, a);
}

static void erase_end(struct tgt_unit *u)
{
	struct tgt *t = u->t;

	free(u->erase.buf);
	u->erase.buf = NULL;
	u->erase.busy = false;
	t->n_erasing--;
	home_drain(&u->lu);
	login_check_stopped(t);
}

static void erase_break_off(struct tgt_unit *u)
{
	log_warn("device %s: it is not erased completely; %s", u->name,
		 u->keep.to.save ? "that begins anew when it is opened again"
				 : "without state_dir it will be served as it is");
	scsi_erase_stop(&u->lu);
	erase_end(u);
}

static void erase_do(struct tgt_unit *u, const struct scsi_erase_act *a)
{
	switch (a->type) {
	case SCSI_ERASE_UNMAP:
		erase_io(u, BACKEND_UNMAP, a);
		break;
	case SCSI_ERASE_ZERO:
		erase_io(u, BACKEND_WRITE_ZEROES, a);
		break;
	case SCSI_ERASE_WRITE:
		erase_write(u, a);
		break;
	case SCSI_ERASE_FLUSH:
		erase_io(u, BACKEND_FLUSH, a);
		break;
	case SCSI_ERASE_SAVE:
		u->erase.kept.done = erase_saved;
		keep_unit(u, &u->erase.kept);
		break;
	case SCSI_ERASE_END:
		if (!u->lu.erase.failed)
			log_info("device %s: it is erased, serving it again", u->name);
		erase_end(u);
		break;
	}
}

static void erase_step(struct worker *w, struct worker_msg *m)
{
	struct tgt_unit *u = container_of(m, struct tgt_unit, erase.msg);
	struct scsi_erase_act a;

	(void)w;
	if (erase_stops(u)) {
		erase_break_off(u);
		return;
	}
	if (u->fence.state != FENCE_OPEN) { /* what was given up may still write */
		u->erase.held = true;
		return;
	}
	a = scsi_erase_next(&u->lu);
	erase_do(u, &a);
}

void erase_start(struct tgt_unit *u)
{
	check(!u->erase.busy);
	log_info("device %s: erasing it (%s), it is not ready meanwhile", u->name,
		 u->lu.erase.kind == SCSI_ERASE_FORMAT ? "FORMAT UNIT" : "SANITIZE");
	u->erase.busy = true;
	u->t->n_erasing++;
	u->erase.msg.run = erase_step;
	worker_post(tgt_home(u->t), &u->erase.msg);
}

static void erase_post(struct tgt_unit *u)
{
	u->erase.held = false;
	worker_post(tgt_home(u->t), &u->erase.msg);
}

void erase_resume(struct tgt_unit *u)
{
	if (u->erase.held)
		erase_post(u);
}

void erase_cancel(struct tgt_unit *u)
{
	if (u->erase.held)
		erase_post(u); /* to see that it is to end */
	if (u->erase.io_out)
		backend_cancel(&u->erase.io, tgt_home(u->t));
}
