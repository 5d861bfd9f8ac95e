/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Task management. The home worker takes one function at a time: it decides, asks every worker to abort
 * the commands that are meant, waits until all of those have ended, so that none can touch the medium or
 * the initiator's memory any more (INV-15), and answers.
 */
#include "base/check.h"
#include "base/log.h"
#include "run/worker.h"
#include "target/inject.h"
#include "target/remote_i.h"
#include "wire/lun.h"
#include "wire/srp_rsp.h"
#include "wire/srp_tsk_mgmt.h"

static void tmf_next(struct tgt *t);

/* --- the answer --- */

static void tmf_back(struct worker *w, struct worker_msg *m)
{
	struct cmd *c = container_of(m, struct cmd, msg);

	(void)w;
	c->is.at_home = false;
	cmd_respond(c);
}

static void tmf_answer(struct cmd *c)
{
	switch (c->tmf.response) {
	case SCSI_TMF_FUNCTION_COMPLETE:
	case SCSI_TMF_FUNCTION_SUCCEEDED: /* of queries, which SRP has not */
		c->rsp_code = SRP_RSP_CODE_OK;
		break;
	case SCSI_TMF_NOT_SUPPORTED:
		c->rsp_code = SRP_RSP_CODE_TMF_NOT_SUPPORTED;
		break;
	case SCSI_TMF_INCORRECT_LUN:
		c->rsp_code = SRP_RSP_CODE_TMF_FAILED;
		break;
	}
	c->msg.run = tmf_back;
	worker_post(c->ch->tw->w, &c->msg);
}

static void tmf_done(struct tgt *t)
{
	struct cmd *c = t->tmf;

	t->tmf = NULL;
	if (c->is.tmf)
		tmf_answer(c);
	else
		home_cleared(c);
	tmf_next(t);
}

static void tmf_seen(struct view_wait *v)
{
	tmf_done(container_of(v, struct tgt, tmf_wait));
}

/* Every command that was meant has ended. */
static void tmf_finish(struct tgt *t)
{
	struct cmd *c = t->tmf;
	struct list *pos;

	/* Copies that were sent to other units may still be at this one, for the piece they are at. */
	t->tmf_visited = scsi_tmf_visited(&c->tmf);
	if (t->tmf_visited)
		return;
	list_for_each (pos, &t->chans) {
		struct tchan *ch = list_entry(pos, struct tchan, home_node);

		if (ch->tmf_hit)
			scsi_tmf_hit(&c->tmf, &ch->session->nexus);
		ch->tmf_hit = false;
	}
	switch (scsi_tmf_finish(&c->tmf)) {
	case SCSI_CHANGED_NOTHING:
		home_drain(c->tmf.lu);
		tmf_done(t);
		return;
	case SCSI_CHANGED_NEXUS:
		home_publish_nexus(c->ch->session);
		break;
	case SCSI_CHANGED_LU:
		home_publish_lu(t, c->tmf.lu);
		break;
	}
	home_drain(c->tmf.lu);
	t->tmf_wait.done = tmf_seen;
	home_view_wait(t, &t->tmf_wait);
}

void tmf_look(struct tgt *t)
{
	if (t->tmf_visited)
		tmf_finish(t);
}

/* --- on every worker --- */

static void tmf_worker_answered(struct worker *w, struct worker_msg *m)
{
	struct tworker *tw = container_of(m, struct tworker, tmf_msg);

	(void)w;
	if (--tw->t->tmf_workers == 0)
		tmf_finish(tw->t);
}

void tmf_cmd_ended(struct tworker *tw)
{
	check(tw->tmf_left > 0);
	if (--tw->tmf_left)
		return;
	tw->tmf = NULL;
	tw->tmf_msg.run = tmf_worker_answered;
	worker_post(tgt_home(tw->t), &tw->tmf_msg);
}

/* By an initiator, not by a command. */
static bool tmf_is_asked(const struct scsi_tmf *m)
{
	return m->fn != SCSI_TMF_TASK_CLEARS;
}

/* A command that its initiator sent behind the function, and that has begun while that was on its way home. */
static bool tmf_is_newer(const struct scsi_tmf *m, const struct cmd *c)
{
	const struct cmd *tmf = container_of(m, const struct cmd, tmf);

	return c->ch == tmf->ch && c->seq > tmf->seq;
}

bool tmf_takes(const struct scsi_tmf *m, const struct cmd *c)
{
	return scsi_tmf_means(m, &c->task, c->lu) && !(tmf_is_asked(m) && tmf_is_newer(m, c));
}

static void tmf_abort_matching(struct tworker *tw, struct tchan *ch)
{
	struct list *pos;
	struct list *tmp;

	list_for_each_safe (pos, tmp, &ch->cmds) {
		struct cmd *c = list_entry(pos, struct cmd, node);

		if (c->is.tmf || !tmf_takes(tw->tmf, c))
			continue;
		/* One whose response is posted has ended for SCSI; for the initiator that asks it must have left,
		 * since it may use its memory again when we answer. */
		if (c->is.responding && (tw->tmf->nexus != c->task.nexus || !tmf_is_asked(tw->tmf)))
			continue;
		ch->tmf_hit = true;
		c->is.tmf_counted = true;
		tw->tmf_left++;
		if (c->is.posted || c->is.responding)
			channel_hurry(ch);
		cmd_abort(c, scsi_tmf_tells(tw->tmf, c->task.nexus));
	}
}

/* Those of its commands that were on their way here have come; who waits here ends here. */
static void tmf_worker_marked(struct worker *w, struct worker_msg *m)
{
	struct tworker *tw = container_of(m, struct tworker, tmf_marked);
	struct tgt *t = tw->t;
	struct list *pos;

	(void)w;
	list_for_each (pos, &t->chans) {
		struct tchan *ch = list_entry(pos, struct tchan, home_node);

		if (ch->tw == tw)
			home_abort_waiting(ch, &t->tmf->tmf);
	}
	/* Not before, so that of those it means none runs because another one has ended. */
	if (--t->tmf_unmarked)
		return;
	if (t->tmf->tmf.lu)
		home_drain(t->tmf->tmf.lu);
	else
		home_drain_all(t);
}

static void tmf_on_worker(struct worker *w, struct worker_msg *m)
{
	struct tworker *tw = container_of(m, struct tworker, tmf_msg);
	struct list *pos;

	(void)w;
	tw->tmf_left = 1;
	list_for_each (pos, &tw->chans)
		tmf_abort_matching(tw, list_entry(pos, struct tchan, tw_node));
	tw->tmf_marked.run = tmf_worker_marked;
	worker_post(tgt_home(tw->t), &tw->tmf_marked);
	tmf_cmd_ended(tw);
}

/* --- at home --- */

static void tmf_next(struct tgt *t)
{
	while (!t->tmf && !list_empty(&t->tmfs)) {
		struct cmd *c = list_entry(list_pop(&t->tmfs), struct cmd, wait);

		if (c->is.tmf)
			scsi_tmf_start(&c->tmf);
		else
			scsi_task_clear(&c->tmf, &c->task);
		if (c->tmf.scope == SCSI_TMF_SCOPE_NONE) {
			tmf_answer(c);
			continue;
		}
		t->tmf = c;
		t->tmf_workers = t->n_workers;
		t->tmf_unmarked = t->n_workers;
		for (unsigned i = 0; i < t->n_workers; i++) {
			t->tw[i].tmf = &c->tmf;
			t->tw[i].tmf_msg.run = tmf_on_worker;
			worker_post(t->tw[i].w, &t->tw[i].tmf_msg);
		}
	}
}

static void tmf_queue(struct cmd *c)
{
	struct tgt *t = c->ch->t;

	list_push(&t->tmfs, &c->wait);
	tmf_next(t);
}

void tmf_clear(struct cmd *c)
{
	tmf_queue(c);
}

static void tmf_arrived(struct worker *w, struct worker_msg *m)
{
	struct cmd *c = container_of(m, struct cmd, msg);

	(void)w;
	if (!inject_tmf(c))
		tmf_queue(c);
}

void tmf_go(struct cmd *c)
{
	list_del(&c->home_wait);
	tmf_queue(c);
}

void tmf_lost(struct cmd *c)
{
	c->msg.run = tmf_back;
	worker_post(c->ch->tw->w, &c->msg);
}

void tmf_here(struct cmd *c)
{
	struct tchan *ch = c->ch;

	c->is.at_home = true;
	c->msg.run = tmf_arrived;
	/* It may have to wait for what its sender owes us, and others behind it. Their deadlines begin now, so that
	 * functions that wait for several such initiators do not add them up. */
	if (channel_is_owed(ch))
		channel_hurry(ch);
	worker_post(tgt_home(ch->t), &c->msg);
}

void tmf_start(struct cmd *c)
{
	static const struct {
		uint8_t function;
		enum scsi_tmf_fn fn;
	} map[] = {
		{ SRP_TMF_ABORT_TASK, SCSI_TMF_ABORT_TASK },
		{ SRP_TMF_ABORT_TASK_SET, SCSI_TMF_ABORT_TASK_SET },
		{ SRP_TMF_CLEAR_TASK_SET, SCSI_TMF_CLEAR_TASK_SET },
		{ SRP_TMF_LUN_RESET, SCSI_TMF_LUN_RESET },
		{ SRP_TMF_CLEAR_ACA, SCSI_TMF_CLEAR_ACA },
	};
	struct tchan *ch = c->ch;
	struct cur in = cur_of(c->rx->buf, c->rx->len);
	struct srp_tsk_mgmt req;
	uint8_t lun[8];
	uint16_t n;

	/* The core classified it by length and opcode, which is all that decoding can object to. */
	check(srp_tsk_mgmt_decode(&in, &req) == 0);
	c->tag = req.tag;
	c->sol_not = req.sol_not;
	c->rsp_code = SRP_RSP_CODE_TMF_NOT_SUPPORTED;
	put_be64(lun, req.lun);
	if (lun_decode(lun, &n) == LUN_UNKNOWN) {
		c->rsp_code = SRP_RSP_CODE_INVALID_FIELDS;
		cmd_respond(c);
		return;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(map); i++) {
		if (map[i].function != req.function)
			continue;
		c->tmf = (struct scsi_tmf){ .fn = map[i].fn,
					    .tag = req.task_tag,
					    .nexus = &ch->session->nexus };
		memcpy(c->tmf.lun, lun, sizeof(lun));
		log_info("%s: task management function 0x%02x, aborting what it means", ch->name,
			 req.function);
		if (!remote_tmf(c, n))
			tmf_here(c);
		return;
	}
	cmd_respond(c);
}
