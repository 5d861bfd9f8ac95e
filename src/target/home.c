/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The home worker's part of the SCSI core: steps of commands that need what it owns, and views. */
#include "base/check.h"
#include "run/worker.h"
#include "target/internal.h"

/* --- views --- */

static void home_send_view(struct tchan *ch)
{
	unsigned next = ch->view_next ^ 1u;

	scsi_view_build(&ch->session->nexus, &ch->views[next].scsi);
	ch->views[next].limit = ch->pc.limit;
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
		login_free(ch);
	} else if (ch->view_dirty) {
		ch->view_since = ch->dirty_since;
		home_send_view(ch);
	}
	home_view_check(t);
}

/* --- steps --- */

static void home_back(struct worker *w, struct worker_msg *m)
{
	struct cmd *c = container_of(m, struct cmd, msg);

	(void)w;
	c->is.at_home = false;
	cmd_act(c);
}

static void home_reply(struct cmd *c)
{
	struct tworker *tw = c->ch->tw;

	c->msg.run = home_back;
	worker_post(tw->w, &c->msg);
}

static void home_seen(struct view_wait *v)
{
	home_reply(container_of(v, struct cmd, seen));
}

static void home_run(struct worker *w, struct worker_msg *m)
{
	static const struct scsi_event abort = { .type = SCSI_EV_ABORT };
	struct cmd *c = container_of(m, struct cmd, msg);

	(void)w;
	c->act.type = SCSI_ACT_NONE;
	if (c->is.tell_abort)
		c->act = scsi_task_step(&c->task, &abort);
	/* An abort before START is answered by COMPLETE at once; else the event is still to be told. */
	if (c->act.type != SCSI_ACT_COMPLETE)
		c->act = scsi_task_step(&c->task, &c->event);
	switch (c->act.changed) {
	case SCSI_CHANGED_NOTHING:
		break;
	case SCSI_CHANGED_NEXUS:
		home_publish_nexus(c->ch->session);
		break;
	case SCSI_CHANGED_LU:
		home_publish_lu(c->ch->t, c->task.lu);
		c->seen.done = home_seen;
		home_view_wait(c->ch->t, &c->seen);
		return;
	}
	home_reply(c);
}

void home_step(struct cmd *c)
{
	c->is.at_home = true;
	c->msg.run = home_run;
	worker_post(tgt_home(c->ch->t), &c->msg);
}
