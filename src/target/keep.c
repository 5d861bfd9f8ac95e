/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Saving what of a unit must outlive the process (scsi/saved.h). One save of a unit is under way at a time; who asks
 * meanwhile is served by the next one, all of them together, since each writes the whole.
 */
#include "base/check.h"
#include "base/log.h"
#include "run/worker.h"
#include "target/unit.h"

static void keep_next(struct tgt_unit *u);

static void keep_ended(struct worker *w, struct worker_msg *m)
{
	struct tgt_unit *u = container_of(m, struct tgt_unit, keep.msg);
	struct list *node;

	(void)w;
	if (u->keep.result)
		log_error("device %s: its state could not be saved: %s, telling who asked for that",
			  u->name, strerrordesc_np(-u->keep.result));
	while ((node = list_pop(&u->keep.served))) {
		struct keep_wait *wait = list_entry(node, struct keep_wait, node);

		wait->done(wait, u->keep.result);
	}
	/* Until here it is busy: who asks for more while others are told is served by the next one. */
	u->keep.busy = false;
	if (!list_empty(&u->keep.waiting))
		keep_next(u);
	home_drain(&u->lu);
}

static void keep_save(struct worker *w, struct worker_msg *m)
{
	struct tgt_unit *u = container_of(m, struct tgt_unit, keep.msg);
	const struct tgt_keep *k = &u->keep.to;

	(void)w;
	u->keep.result = k->save(k->ctx, u->keep.buf, u->keep.len);
	m->run = keep_ended;
	worker_post(tgt_home(u->t), m);
}

static void keep_next(struct tgt_unit *u)
{
	struct worker *helper = u->t->helper ? u->t->helper : tgt_home(u->t);

	list_splice(&u->keep.served, &u->keep.waiting);
	u->keep.len = scsi_lu_save(&u->lu, u->keep.buf);
	u->keep.busy = true;
	u->keep.msg.run = keep_save;
	worker_post(helper, &u->keep.msg);
}

void keep_unit(struct tgt_unit *u, struct keep_wait *w)
{
	check(u->keep.to.save);
	list_push(&u->keep.waiting, &w->node);
	if (!u->keep.busy)
		keep_next(u);
}
