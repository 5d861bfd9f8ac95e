/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Stores that change by themselves: a file that is made longer, a device that goes away, a file system that fills up.
 * Who is told of it has them looked at at once (tgt_unit_look()); beside that all are looked at now and then, since
 * not everything is told. On the helper, since that may block. See docs/design/0026-stores-that-change.md.
 */
#include "base/check.h"
#include "base/log.h"
#include "run/worker.h"
#include "target/unit.h"

static bool watch_size(struct tgt_unit *u)
{
	struct scsi_lu *lu = &u->lu;
	uint64_t was = lu->n_blocks;

	if (u->watch.now.size_bytes == u->backend->size_bytes)
		return false;
	backend_resize(u->backend, u->watch.now.size_bytes);
	if (!scsi_lu_set_size(lu, u->watch.now.size_bytes))
		return false;
	log_info("device %s: its store has %llu blocks now, it had %llu; telling the initiators",
		 u->name, (unsigned long long)lu->n_blocks, (unsigned long long)was);
	return true;
}

static bool watch_present(struct tgt_unit *u, bool present)
{
	if (!scsi_lu_set_present(&u->lu, present))
		return false;
	if (present)
		log_info("device %s: its store is back, serving it again", u->name);
	else
		log_error(
			"device %s: its store is gone (%s), it is not ready until that comes back",
			u->name,
			u->watch.result ? strerrordesc_np(-u->watch.result) : "it is empty");
	return true;
}

static bool watch_space(struct tgt_unit *u)
{
	const struct scsi_space s = { .used_bytes = u->watch.now.used_bytes,
				      .available_bytes = u->watch.now.free_bytes };

	if (!u->watch.now.space_known || !scsi_lu_set_space(&u->lu, &s))
		return false;
	log_warn("device %s: its file system has only %llu bytes left, telling the initiators",
		 u->name, (unsigned long long)s.available_bytes);
	return true;
}

/* Somebody may reopen the store by its name, we shall ourselves at the next start. Until then nothing changes. */
static void watch_name(struct tgt_unit *u)
{
	if (u->watch.now.misnamed == u->watch.misnamed)
		return;
	u->watch.misnamed = u->watch.now.misnamed;
	if (u->watch.misnamed)
		log_warn("device %s: its name does not lead to its store any more (removed, "
			 "renamed or "
			 "replaced); serving what was opened until the device is closed",
			 u->name);
	else
		log_info("device %s: its name leads to its store again", u->name);
}

static void watch_begin(struct tgt_unit *u);

static void watch_seen(struct worker *w, struct worker_msg *m)
{
	struct tgt_unit *u = container_of(m, struct tgt_unit, watch.msg);
	bool present = !u->watch.result && u->watch.now.size_bytes >= u->lu.block_bytes;
	bool changed;

	(void)w;
	u->watch.busy = false;
	if (u->retired)
		return;
	watch_name(u);
	changed = watch_present(u, present);
	if (present) {
		changed |= watch_size(u);
		changed |= watch_space(u);
	}
	if (changed)
		home_publish_lu(u->t, &u->lu);
	if (u->watch.again)
		watch_begin(u);
}

static void watch_look(struct worker *w, struct worker_msg *m)
{
	struct tgt_unit *u = container_of(m, struct tgt_unit, watch.msg);

	(void)w;
	u->watch.result = backend_probe(u->backend, &u->watch.now);
	m->run = watch_seen;
	worker_post(tgt_home(u->t), m);
}

static void watch_begin(struct tgt_unit *u)
{
	struct tgt *t = u->t;

	u->watch.again = false;
	u->watch.busy = true;
	u->watch.msg.run = watch_look;
	worker_post(t->stores ? t->stores : tgt_home(t), &u->watch.msg);
}

void tgt_unit_look(struct tgt_unit *u)
{
	if (u->retired || u->remote || !backend_can_probe(u->backend))
		return;
	u->watch.n.told++;
	/* The look that is under way may have been before that: one more, however often it is told. */
	u->watch.again = u->watch.busy;
	if (!u->watch.busy)
		watch_begin(u);
}

struct tgt_unit_looks tgt_unit_looks(const struct tgt_unit *u)
{
	return u->watch.n;
}

static void watch_tick(struct worker *w, struct worker_timer *timer)
{
	struct tgt *t = container_of(timer, struct tgt, watch);
	struct list *pos;
	bool any = false;

	list_for_each (pos, &t->units) {
		struct tgt_unit *u = list_entry(pos, struct tgt_unit, node);

		if (u->retired || u->remote || !backend_can_probe(u->backend))
			continue;
		any = true;
		if (u->watch.busy) /* the last look has not ended: one is enough */
			continue;
		u->watch.n.polled++;
		watch_begin(u);
	}
	/* Its place is free again just now. */
	if (any)
		check(worker_timer_start(w, timer, worker_now_ns(w) + t->watch_ns) == 0);
}

void watch_init(struct tgt *t)
{
	worker_timer_init(&t->watch, watch_tick);
}

int watch_start(struct tgt_unit *u)
{
	struct worker *home = tgt_home(u->t);

	if (u->remote || !backend_can_probe(u->backend) || u->t->watch.slot)
		return 0;
	return worker_timer_start(home, &u->t->watch, worker_now_ns(home));
}

void watch_stop(struct tgt *t)
{
	if (t->watch.slot) /* else there may be no worker yet */
		worker_timer_stop(tgt_home(t), &t->watch);
}
