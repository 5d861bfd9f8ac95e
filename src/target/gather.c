/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Gathering a unit (scsi/set.h): when its views send every command home, and the commands that were routed
 * before have ended, the home worker knows all there are. Two rounds: until every channel has its new view,
 * then until every worker has no command of the unit left that runs where it arrived. Holding some blocks
 * (scsi/hold.h) is the same, but that only commands that overlap with them count.
 */
#include "base/check.h"
#include "base/log.h"
#include "run/worker.h"
#include "target/unit.h"

static void gather_answered(struct worker *w, struct worker_msg *m)
{
	struct tgt_unit *u = container_of(m, struct unit_tasks, msg)->unit;

	(void)w;
	check(u->gathering && u->gather_left > 0);
	if (--u->gather_left)
		return;
	u->gathering = false;
	if (u->gather_some)
		scsi_lu_held(&u->lu);
	else
		scsi_lu_gathered(&u->lu);
	home_drain(&u->lu);
}

static void gather_answer(struct unit_tasks *k)
{
	k->wanted = false;
	k->msg.run = gather_answered;
	worker_post(tgt_home(k->unit->t), &k->msg);
}

/* Is @c, of @u and not stepped at home, one of those that must end first? */
static bool gather_means(const struct tgt_unit *u, const struct cmd *c)
{
	return !u->gather_some || scsi_local_overlaps(&c->task, &u->gather_holds);
}

void gather_wanted_ended(struct cmd *c)
{
	struct unit_tasks *k = c->tasks;

	/* One that began since may touch the blocks of a hold that is over. */
	if (!c->is.gather_counted)
		return;
	c->is.gather_counted = false;
	check(k->left > 0);
	if (--k->left == 0)
		gather_answer(k);
}

/* Count those of @ch that must end first. Somebody waits for what its initiator owes us, as with task management. */
static unsigned gather_count(struct tchan *ch, const struct tgt_unit *u)
{
	struct list *pos;
	unsigned n = 0;
	bool hurry = false;

	list_for_each (pos, &ch->cmds) {
		struct cmd *c = list_entry(pos, struct cmd, node);

		if (c->unit != u || c->is.home || !gather_means(u, c))
			continue;
		c->is.gather_counted = true;
		n++;
		hurry |= c->is.posted || c->is.responding;
	}
	if (hurry)
		channel_hurry(ch);
	return n;
}

static void gather_on_worker(struct worker *w, struct worker_msg *m)
{
	struct unit_tasks *k = container_of(m, struct unit_tasks, msg);
	struct tgt_unit *u = k->unit;
	struct tworker *tw = &u->t->tw[worker_index(w)];
	struct list *pos;

	k->left = 0;
	list_for_each (pos, &tw->chans)
		k->left += gather_count(list_entry(pos, struct tchan, tw_node), u);
	k->wanted = k->left;
	if (!k->left)
		gather_answer(k);
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

void gather_start(struct tgt_unit *u, bool some)
{
	check(!u->gathering);
	log_debug("device %s: gathering %s commands", u->name, some ? "some of its" : "its");
	u->gathering = true;
	u->gather_some = some;
	u->gather_holds = u->lu.order.holds;
	home_publish_lu(u->t, &u->lu);
	u->gather_views.done = gather_seen;
	home_view_wait(u->t, &u->gather_views);
}
