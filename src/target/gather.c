/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Gathering a unit (scsi/set.h): when its views send every command home, and the commands that were routed
 * before have ended, the home worker knows all there are. Two rounds: until every channel has its new view,
 * then until every worker has no command of the unit left that runs where it arrived.
 */
#include "base/check.h"
#include "base/log.h"
#include "run/worker.h"
#include "target/internal.h"

static void gather_answered(struct worker *w, struct worker_msg *m)
{
	struct tgt_unit *u = container_of(m, struct unit_tasks, msg)->unit;

	(void)w;
	check(u->gathering && u->gather_left > 0);
	if (--u->gather_left)
		return;
	u->gathering = false;
	scsi_lu_gathered(&u->lu);
	home_drain(&u->lu);
}

static void gather_answer(struct unit_tasks *k)
{
	k->wanted = false;
	k->msg.run = gather_answered;
	worker_post(tgt_home(k->unit->t), &k->msg);
}

void gather_local_ended(struct unit_tasks *k)
{
	check(k->local > 0);
	if (--k->local == 0 && k->wanted)
		gather_answer(k);
}

/* Somebody waits for what the initiators owe us, as with task management. */
static void gather_hurry(struct tworker *tw, const struct tgt_unit *u)
{
	struct list *pos, *n;

	list_for_each (pos, &tw->chans) {
		struct tchan *ch = list_entry(pos, struct tchan, tw_node);

		list_for_each (n, &ch->cmds) {
			const struct cmd *c = list_entry(n, struct cmd, node);

			if (c->unit != u || c->is.home || !(c->is.posted || c->is.responding))
				continue;
			channel_hurry(ch);
			break;
		}
	}
}

static void gather_on_worker(struct worker *w, struct worker_msg *m)
{
	struct unit_tasks *k = container_of(m, struct unit_tasks, msg);
	struct tgt_unit *u = k->unit;

	if (!k->local) {
		gather_answer(k);
		return;
	}
	k->wanted = true;
	gather_hurry(&u->t->tw[worker_index(w)], u);
}

static void gather_seen(struct view_wait *v)
{
	struct tgt_unit *u = container_of(v, struct tgt_unit, gather_views);

	u->gather_left = u->t->n_workers;
	for (unsigned i = 0; i < u->t->n_workers; i++) {
		u->tasks[i].msg.run = gather_on_worker;
		worker_post(u->t->tw[i].w, &u->tasks[i].msg);
	}
}

void gather_start(struct tgt_unit *u)
{
	check(!u->gathering);
	log_debug("device %s: gathering its commands", u->name);
	u->gathering = true;
	home_publish_lu(u->t, &u->lu);
	u->gather_views.done = gather_seen;
	home_view_wait(u->t, &u->gather_views);
}
