/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The home worker's part of the SCSI core: steps of commands that need what it owns, and views. */
#include <errno.h>

#include "base/check.h"
#include "run/worker.h"
#include "target/alua.h"
#include "target/inject.h"
#include "target/unit.h"

/* --- views --- */

static void home_send_view(struct tchan *ch)
{
	unsigned next = ch->view_next ^ 1u;

	scsi_view_build(&ch->session->nexus, &ch->views[next].scsi);
	ch->views[next].limit = ch->pc.limit;
	inject_view(ch, &ch->views[next]);
	ch->views[next].report_seq = ch->report_seq;
	ch->views[next].report = ch->report;
	ch->view_next = next;
	ch->view_posted = true;
	ch->view_dirty = false;
	ch->to_view.run = channel_new_view;
	worker_post(ch->tw->w, &ch->to_view);
}

void home_publish(struct tchan *ch)
{
	if (ch->ended)
		return;
	/* The buffer that is not in use may be written once the worker has taken the other one. */
	if (!ch->view_posted) {
		ch->view_since = ch->t->view_time;
		home_send_view(ch);
	} else if (!ch->view_dirty) {
		ch->view_dirty = true;
		ch->dirty_since = ch->t->view_time;
	}
}

void home_publish_nexus(struct session *s)
{
	struct list *pos;

	list_for_each (pos, &s->port->t->chans) {
		struct tchan *ch = list_entry(pos, struct tchan, home_node);

		if (ch->session == s)
			home_publish(ch);
	}
	event_check(s);
}

void home_publish_lu(struct tgt *t, const struct scsi_lu *lu)
{
	struct list *pos;

	list_for_each (pos, &t->chans) {
		struct tchan *ch = list_entry(pos, struct tchan, home_node);
		struct list *n;

		list_for_each (n, &lu->nexuses) {
			if (list_entry(n, struct scsi_itl, lu_node)->nexus == &ch->session->nexus) {
				home_publish(ch);
				event_check(ch->session);
				break;
			}
		}
	}
}

/* Has @ch still to take a view that was asked for before @v began? */
static bool view_missing(const struct tchan *ch, const struct view_wait *v)
{
	return (ch->view_posted && ch->view_since <= v->at) ||
	       (ch->view_dirty && ch->dirty_since <= v->at);
}

static bool view_wait_over(const struct tgt *t, const struct view_wait *v)
{
	const struct list *pos;

	list_for_each (pos, &t->chans) {
		if (view_missing(container_of(pos, struct tchan, home_node), v))
			return false;
	}
	return true;
}

void home_view_check(struct tgt *t)
{
	struct list *pos = t->view_waits.next;

	/* They began one after the other, so the first that must go on waiting ends the search. */
	while (pos != &t->view_waits) {
		struct view_wait *v = list_entry(pos, struct view_wait, node);

		if (!view_wait_over(t, v))
			return;
		list_del(&v->node);
		v->done(v);
		pos = t->view_waits.next;
	}
}

void home_view_wait(struct tgt *t, struct view_wait *v)
{
	v->at = t->view_time++;
	list_push(&t->view_waits, &v->node);
	home_view_check(t);
}

void home_view_acked(struct worker *w, struct worker_msg *m)
{
	struct tchan *ch = container_of(m, struct tchan, to_home_view);
	struct tgt *t = ch->t;

	(void)w;
	ch->view_posted = false;
	if (ch->ended) {
		t->n_viewing--;
		login_free(ch);
	} else if (ch->view_dirty) {
		ch->view_since = ch->dirty_since;
		home_send_view(ch);
	}
	home_view_check(t);
	login_check_stopped(t); /* it may have waited for the memory of this one */
}

/* --- steps --- */

static void home_back(struct worker *w, struct worker_msg *m)
{
	struct cmd *c = container_of(m, struct cmd, msg);

	(void)w;
	c->is.at_home = false;
	cmd_act(c);
}

static struct scsi_act home_ended(struct cmd *c)
{
	static const struct scsi_event cleared = { .type = SCSI_EV_CLEARED };
	static const struct scsi_event not_set = { .type = SCSI_EV_STATES, .result = -ECANCELED };
	static const struct scsi_event held = { .type = SCSI_EV_HELD };

	switch (c->act.type) {
	case SCSI_ACT_SET_STATES:
		return scsi_task_step(&c->task, &not_set);
	case SCSI_ACT_HOLD:
		return scsi_task_step(&c->task, &held);
	default:
		return scsi_task_step(&c->task, &cleared);
	}
}

/* End it without carrying out the WAIT, SET_STATES, HOLD or CLEAR that it is at. */
static void home_abort_now(struct cmd *c, bool tell)
{
	const struct scsi_event abort = { .type = SCSI_EV_ABORT, .tell = tell };
	struct scsi_act now = scsi_task_step(&c->task, &abort);

	c->act = now.type == SCSI_ACT_NONE ? home_ended(c) : now;
	check(c->act.type == SCSI_ACT_COMPLETE);
}

/* It stays here: others may abort it. */
static void home_keep(struct cmd *c, enum cmd_home state)
{
	c->home_state = state;
	list_push(&c->ch->waiting, &c->home_wait);
}

static void home_saved(struct keep_wait *w, int result);

static void home_act(struct cmd *c)
{
	switch (c->act.type) {
	case SCSI_ACT_WAIT:
		home_keep(c, CMD_HOME_WAITS);
		break;
	case SCSI_ACT_CLEAR:
		home_keep(c, CMD_HOME_WAITS);
		tmf_clear(c);
		break;
	case SCSI_ACT_SET_STATES:
		home_keep(c, CMD_HOME_WAITS);
		alua_cmd(c);
		break;
	case SCSI_ACT_HOLD:
		home_keep(c, CMD_HOME_WAITS);
		inject_hold(c);
		break;
	case SCSI_ACT_SAVE: /* it may clear others next: who waits for an abort of it must find it */
		home_keep(c, CMD_HOME_SAVES);
		c->kept.done = home_saved;
		keep_unit(c->task.lu->owner, &c->kept);
		break;
	default:
		c->msg.run = home_back;
		worker_post(c->ch->tw->w, &c->msg);
	}
}

/* What changed is known everywhere. */
static void home_seen(struct view_wait *v)
{
	struct cmd *c = container_of(v, struct cmd, seen);
	struct scsi_lu *lu = c->task.lu;

	list_del(&c->home_wait);
	if (c->act.type == SCSI_ACT_CLEAR && c->home_state == CMD_HOME_ENDS)
		home_abort_now(c, c->home_tell);
	home_act(c);
	home_drain(lu);
}

/* What can be answered here at once. */
static void home_answer(struct cmd *c)
{
	static const struct scsi_event counted = { .type = SCSI_EV_COUNTED };

	for (;;) {
		struct scsi_event ev = counted;

		if (c->act.type == SCSI_ACT_COUNT)
			count_sum(c->task.lu->owner);
		else if (c->act.type == SCSI_ACT_TOKEN)
			ev = token_fresh(c);
		else
			return;
		c->act = scsi_task_step(&c->task, &ev);
	}
}

/* Carry out c->act. It may be the channel's worker's afterwards. */
static void home_carry(struct cmd *c)
{
	home_answer(c);
	switch (c->act.changed) {
	case SCSI_CHANGED_NOTHING:
		break;
	case SCSI_CHANGED_NEXUS:
		home_publish_nexus(c->ch->session);
		break;
	case SCSI_CHANGED_LU:
		/* Who waits for an abort of it must find it, else it waits for them. */
		if (c->act.type == SCSI_ACT_CLEAR)
			home_keep(c, CMD_HOME_VIEWS);
		home_publish_lu(c->ch->t, c->task.lu);
		c->seen.done = home_seen;
		home_view_wait(c->ch->t, &c->seen);
		return;
	}
	home_act(c);
}

static void home_go(struct cmd *c)
{
	static const struct scsi_event go = { .type = SCSI_EV_GO };

	list_del(&c->home_wait);
	c->act = scsi_task_step(&c->task, &go);
	home_carry(c);
}

/* What is due at @u; units that are to be asked as well go on @todo. */
static void drain_unit(struct tgt_unit *u, struct list *todo)
{
	struct scsi_task *task = NULL;
	struct tgt_unit *other;

	for (;;) {
		switch (scsi_lu_next(&u->lu, &task)) {
		case SCSI_ASK_NOTHING:
			return;
		case SCSI_ASK_GATHER:
			gather_start(u, false);
			break;
		case SCSI_ASK_HOLD:
			gather_start(u, true);
			break;
		case SCSI_ASK_PUBLISH:
			home_publish_lu(u->t, &u->lu);
			break;
		case SCSI_ASK_OTHER:
			other = u->lu.order.other->owner;
			if (list_empty(&other->drain_node))
				list_push(todo, &other->drain_node);
			break;
		case SCSI_ASK_ERASE:
			erase_start(u);
			break;
		case SCSI_ASK_FLUSH:
			suspend_drained(u);
			break;
		case SCSI_ASK_GO:
			home_go(container_of(task, struct cmd, task));
			break;
		}
	}
}

void home_drain(struct scsi_lu *lu)
{
	struct list todo;
	struct list *node = NULL;
	struct tgt_unit *u = lu ? lu->owner : NULL;

	list_init(&todo);
	while (u) {
		list_del(&u->drain_node);
		drain_unit(u, &todo);
		node = list_pop(&todo);
		u = node ? list_entry(node, struct tgt_unit, drain_node) : NULL;
	}
}

void home_drain_all(struct tgt *t)
{
	struct list *pos;

	list_for_each (pos, &t->units)
		home_drain(&list_entry(pos, struct tgt_unit, node)->lu);
}

/* Tell the SCSI core c->event. */
static void home_tell(struct cmd *c)
{
	struct tgt *t = c->ch->t; /* it may be its channel's again after the step */
	struct scsi_lu *was = c->task.lu;
	struct scsi_lu *now;

	c->act.type = SCSI_ACT_NONE;
	if (c->is.tell_abort) {
		const struct scsi_event abort = { .type = SCSI_EV_ABORT, .tell = c->is.tell };

		c->act = scsi_task_step(&c->task, &abort);
	}
	/* An abort before START is answered by COMPLETE at once; else the event is still to be told. */
	if (c->act.type != SCSI_ACT_COMPLETE)
		c->act = scsi_task_step(&c->task, &c->event);
	now = c->task.lu;
	home_carry(c);
	home_drain(was);
	if (now != was)
		home_drain(now);
	tmf_look(t);
}

static void home_run(struct worker *w, struct worker_msg *m)
{
	struct cmd *c = container_of(m, struct cmd, msg);

	(void)w;
	if (c->event.type == SCSI_EV_START && !c->is.tell_abort && inject_cmd(c))
		return;
	home_tell(c);
}

void home_step(struct cmd *c)
{
	c->is.at_home = true;
	c->msg.run = home_run;
	worker_post(tgt_home(c->ch->t), &c->msg);
}

static void home_saved(struct keep_wait *w, int result)
{
	const struct scsi_event saved = { .type = SCSI_EV_SAVED, .result = result };
	struct cmd *c = container_of(w, struct cmd, kept);
	bool ends = c->home_state == CMD_HOME_ENDS;
	enum scsi_changed changed;

	list_del(&c->home_wait);
	c->act = scsi_task_step(&c->task, &saved);
	changed = c->act.changed;
	/* The function that it would wait for waits for its end. */
	if (ends && c->act.type == SCSI_ACT_CLEAR) {
		home_abort_now(c, c->home_tell);
		if (c->act.changed == SCSI_CHANGED_NOTHING)
			c->act.changed = changed;
	}
	home_carry(c);
}

void home_states(struct cmd *c, int result)
{
	const struct scsi_event states = { .type = SCSI_EV_STATES, .result = result };
	struct scsi_lu *lu = c->task.lu;

	list_del(&c->home_wait);
	c->act = scsi_task_step(&c->task, &states);
	home_carry(c);
	home_drain(lu);
}

/* CLEAR or HOLD of it is over. */
void home_cleared(struct cmd *c)
{
	struct scsi_lu *lu = c->task.lu;

	list_del(&c->home_wait);
	c->act = home_ended(c);
	home_carry(c);
	home_drain(lu);
}

/* --- data that could not be sent --- */

static void home_unsent_back(struct worker *w, struct worker_msg *m)
{
	struct cmd *c = container_of(m, struct cmd, msg);

	(void)w;
	c->is.at_home = false;
	cmd_data_ended(c);
}

static void home_unsent_run(struct worker *w, struct worker_msg *m)
{
	struct cmd *c = container_of(m, struct cmd, msg);

	(void)w;
	if (scsi_task_unsent(&c->task) == SCSI_CHANGED_NEXUS)
		home_publish_nexus(c->ch->session);
	c->msg.run = home_unsent_back;
	worker_post(c->ch->tw->w, &c->msg);
}

void home_unsent(struct cmd *c)
{
	c->is.at_home = true;
	c->msg.run = home_unsent_run;
	worker_post(tgt_home(c->ch->t), &c->msg);
}

/* --- aborting what waits here --- */

/* The first command that waits and is meant; but not one whose own clearing of others is under way: it ends soon. */
static struct cmd *home_find_waiting(struct tchan *ch, const struct scsi_tmf *m)
{
	struct list *pos;

	list_for_each (pos, &ch->waiting) {
		struct cmd *c = list_entry(pos, struct cmd, home_wait);

		if (c != ch->t->tmf && (!m || tmf_takes(m, c)))
			return c;
	}
	return NULL;
}

void home_abort_waiting(struct tchan *ch, const struct scsi_tmf *m)
{
	struct cmd *c;

	while ((c = home_find_waiting(ch, m))) {
		list_del(&c->home_wait);
		c->home_tell = m && scsi_tmf_tells(m, c->task.nexus);
		if (c->home_state != CMD_HOME_WAITS && c->home_state != CMD_HOME_LOST) {
			c->home_state = CMD_HOME_ENDS;
			continue;
		}
		list_del(
			&c->wait); /* its clearing of others has not begun, other states come without it */
		home_abort_now(c, c->home_tell);
		home_carry(c);
	}
}

void home_abort_all(struct worker *w, struct worker_msg *m)
{
	struct tchan *ch = container_of(m, struct tchan, to_home_abort);

	(void)w;
	home_abort_waiting(ch, NULL);
	inject_abort_tmfs(ch);
	home_drain_all(ch->t);
}

/* --- faults --- */

void home_lose(struct cmd *c)
{
	c->act.type = SCSI_ACT_WAIT;
	home_keep(c, CMD_HOME_LOST);
}

void home_held(struct cmd *c)
{
	struct tgt *t = c->ch->t;

	home_cleared(c);
	tmf_look(t);
}

static struct cmd *home_find_kept(struct tchan *ch, const struct scsi_lu *lu)
{
	struct list *pos;

	list_for_each (pos, &ch->waiting) {
		struct cmd *c = list_entry(pos, struct cmd, home_wait);

		if (c->task.lu == lu &&
		    (c->home_state == CMD_HOME_LOST || c->act.type == SCSI_ACT_HOLD))
			return c;
	}
	return NULL;
}

void home_let_go(struct tchan *ch, const struct scsi_lu *lu)
{
	struct cmd *c;

	while ((c = home_find_kept(ch, lu))) {
		list_del(&c->wait);
		if (c->home_state == CMD_HOME_LOST) {
			list_del(&c->home_wait);
			home_tell(c);
		} else {
			home_held(c);
		}
	}
}
