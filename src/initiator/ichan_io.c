/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The LIVE state's work: commands, their answers, task management, the target's requests. */
#include <errno.h>

#include "initiator/ichan_priv.h"
#include "wire/srp_aer.h"
#include "wire/srp_cred.h"
#include "wire/srp_logout.h"

static uint64_t tag_of(const struct ichan *c, uint16_t slot, uint32_t gen)
{
	return (uint64_t)c->cfg.channel << 48 | (uint64_t)gen << 16 | slot;
}

static uint16_t slot_take(struct ichan *c)
{
	uint16_t i = c->free_head;
	struct ichan_slot *s = &c->slot[i];

	c->free_head = s->next_free;
	c->n_free--;
	s->gen++;
	s->seq = c->n_seq++;
	s->state = ICHAN_SLOT_BUSY;
	s->outcome = ICHAN_OUT_LOST;
	s->expired = false;
	return i;
}

static void slot_put(struct ichan *c, uint16_t i)
{
	struct ichan_slot *s = &c->slot[i];

	s->state = ICHAN_SLOT_FREE;
	s->send_pending = false;
	s->next_free = c->free_head;
	c->free_head = i;
	c->n_free++;
}

bool ichan_take_over(struct ichan *c, uint16_t *ret_slot, enum ichan_outcome *ret_outcome)
{
	while (c->n_over) {
		uint16_t i = c->scan;

		c->scan = i + 1 < c->n_slots ? (uint16_t)(i + 1) : 0;
		if (c->slot[i].state != ICHAN_SLOT_OVER)
			continue;
		*ret_slot = i;
		*ret_outcome = c->slot[i].outcome;
		c->n_over--;
		slot_put(c, i);
		return true;
	}
	return false;
}

/* --- commands --- */

static int encode_cmd(const struct ichan_cmd *cmd, uint64_t tag, struct pen *pen)
{
	uint8_t desc[ICHAN_PIECES_MAX * SRP_MEM_DESC_BYTES];
	struct srp_cmd iu = { .tag = tag,
			      .lun = cmd->lun,
			      .cdb = cmd->cdb,
			      .cdb_len = cmd->cdb_len,
			      .task_attr = cmd->task_attr };
	struct srp_cmd_data data = { 0 };
	struct srp_data *d = cmd->out ? &data.out : &data.in;

	d->len = cmd->len;
	if (cmd->immediate) {
		d->fmt = SRP_FMT_IMMEDIATE;
	} else if (cmd->n_pieces) {
		d->fmt = cmd->n_pieces == 1 ? SRP_FMT_DIRECT : SRP_FMT_INDIRECT;
		d->n_desc = cmd->n_pieces;
		d->n_table = cmd->n_pieces;
		d->desc = desc;
		/* The whole table is in the IU, so nobody has to read it from memory: it has no key. */
		d->table.len = (uint32_t)cmd->n_pieces * SRP_MEM_DESC_BYTES;
		for (uint16_t i = 0; i < cmd->n_pieces; i++)
			srp_mem_desc_put(desc + (size_t)i * SRP_MEM_DESC_BYTES, &cmd->piece[i]);
	}
	return srp_cmd_encode(&iu, &data, ICHAN_IMM_OFFSET, pen);
}

static enum ichan_state refuse(struct ichan *c, struct ichan_actions *out, int error)
{
	ichan_add(out, ICHAN_ACT_REFUSE)->code = error;
	return c->state;
}

enum ichan_state ichan_on_submit(struct ichan *c, const struct ichan_event *ev,
				 struct ichan_actions *out)
{
	const struct ichan_cmd *cmd = ev->cmd;
	struct pen pen = pen_of(ev->iu, ev->iu ? ev->iu_max : 0);
	struct ichan_action *a;
	struct ichan_slot *s;
	uint16_t i;

	if (!ichan_room(c) || !ev->iu)
		return refuse(c, out, EAGAIN);
	check(cmd->cdb_len <= 32 && cmd->n_pieces <= c->cfg.n_pieces);
	i = slot_take(c);
	s = &c->slot[i];
	if (encode_cmd(cmd, tag_of(c, i, s->gen), &pen)) {
		slot_put(c, i);
		return refuse(c, out, EINVAL);
	}
	s->lun = cmd->lun;
	s->len = cmd->len;
	s->send_pending = cmd->immediate;
	c->req_lim--;
	c->spent++;
	a = ichan_add(out, ICHAN_ACT_SEND);
	a->slot = i;
	a->len = (uint32_t)pen.pos;
	if (cmd->immediate)
		a->flags = ICHAN_SEND_REPORT | ICHAN_SEND_DATA;
	return ICHAN_LIVE;
}

/* The command of @i is over for the target. While its SEND still reads the user's data it stays. */
static void slot_over(struct ichan *c, uint16_t i, enum ichan_outcome outcome,
		      struct ichan_actions *out)
{
	struct ichan_slot *s = &c->slot[i];
	struct ichan_action *a;

	s->outcome = (uint8_t)outcome;
	if (s->send_pending) {
		s->state = ICHAN_SLOT_ANSWERED;
		return;
	}
	slot_put(c, i);
	a = ichan_add(out, ICHAN_ACT_FINISH);
	a->slot = i;
	a->outcome = outcome;
}

enum ichan_state ichan_on_sent(struct ichan *c, const struct ichan_event *ev,
			       struct ichan_actions *out)
{
	struct ichan_slot *s;

	check(ev->slot < c->n_slots);
	s = &c->slot[ev->slot];
	check(s->send_pending);
	s->send_pending = false;
	if (s->state == ICHAN_SLOT_ANSWERED)
		slot_over(c, ev->slot, s->outcome, out);
	return ICHAN_LIVE;
}

/* --- task management --- */

static void send_task(struct ichan *c, const struct ichan_event *ev, struct ichan_actions *out,
		      const struct ichan_task *task)
{
	struct pen pen = pen_of(ev->iu, ev->iu_max);
	struct srp_tsk_mgmt iu = { .lun = task->lun, .function = task->function };
	struct ichan_action *a;

	c->tmf.gen++;
	c->tmf.busy = true;
	c->tmf.function = task->function;
	c->tmf.lun = task->lun;
	c->tmf.seq = c->n_seq;
	c->tmf.victim = task->victim;
	if (task->function == SRP_TMF_ABORT_TASK) {
		c->tmf.victim_gen = c->slot[task->victim].gen;
		iu.task_tag = tag_of(c, task->victim, c->tmf.victim_gen);
	}
	iu.tag = tag_of(c, c->n_slots, c->tmf.gen);
	check(srp_tsk_mgmt_encode(&iu, &pen) == 0);
	c->req_lim--;
	c->spent++;
	a = ichan_add(out, ICHAN_ACT_SEND);
	a->len = (uint32_t)pen.pos;
	a->flags = ICHAN_SEND_ORPHAN;
}

enum ichan_state ichan_on_task(struct ichan *c, const struct ichan_event *ev,
			       struct ichan_actions *out)
{
	const struct ichan_task *task = ev->task;

	if (c->tmf.busy)
		return refuse(c, out, EBUSY);
	if (c->req_lim < 1 || !ev->iu)
		return refuse(c, out, EAGAIN);
	if (task->function == SRP_TMF_ABORT_TASK &&
	    (task->victim >= c->n_slots || c->slot[task->victim].state != ICHAN_SLOT_BUSY))
		return refuse(c, out, ENOENT);
	c->tmf.internal = false;
	send_task(c, ev, out, task);
	return ICHAN_LIVE;
}

enum ichan_state ichan_on_expire(struct ichan *c, const struct ichan_event *ev,
				 struct ichan_actions *out)
{
	struct ichan_task task = { .function = SRP_TMF_ABORT_TASK, .victim = ev->slot };
	struct ichan_slot *s;

	/* The task itself is overdue: there is no other way left to learn what the target does. */
	if (ev->slot == c->n_slots || ev->hopeless) {
		ichan_blame(c, ICHAN_WHY_TIMEOUT, -ETIMEDOUT, 0,
			    "the target answers neither a command nor its abort");
		return ichan_drain(c, out);
	}
	check(ev->slot < c->n_slots);
	s = &c->slot[ev->slot];
	if (s->state != ICHAN_SLOT_BUSY)
		return ICHAN_LIVE;
	s->expired = true;
	if (c->tmf.busy || c->req_lim < 1 || !ev->iu)
		return ICHAN_LIVE; /* the caller comes again */
	task.lun = s->lun;
	c->tmf.internal = true;
	send_task(c, ev, out, &task);
	return ICHAN_LIVE;
}

static bool concerns(const struct ichan *c, uint16_t i)
{
	const struct ichan_slot *s = &c->slot[i];

	if (s->state != ICHAN_SLOT_BUSY)
		return false;
	switch (c->tmf.function) {
	case SRP_TMF_ABORT_TASK:
		return i == c->tmf.victim && s->gen == c->tmf.victim_gen;
	case SRP_TMF_ABORT_TASK_SET:
	case SRP_TMF_CLEAR_TASK_SET:
	case SRP_TMF_LUN_RESET:
		return s->lun == c->tmf.lun && s->seq < c->tmf.seq;
	default:
		return false;
	}
}

/* The target does not answer commands that a task ended: give them back here. */
static void end_victims(struct ichan *c, struct ichan_actions *out)
{
	for (uint16_t i = 0; i < c->n_slots; i++) {
		struct ichan_slot *s = &c->slot[i];

		if (!concerns(c, i))
			continue;
		s->outcome = s->expired ? ICHAN_OUT_TIMEOUT : ICHAN_OUT_ABORTED;
		s->state = s->send_pending ? ICHAN_SLOT_ANSWERED : ICHAN_SLOT_OVER;
		c->n_over = (uint16_t)(c->n_over + (s->state == ICHAN_SLOT_OVER));
	}
	if (c->n_over)
		ichan_add(out, ICHAN_ACT_FINISH_MANY);
}

static enum ichan_state on_task_rsp(struct ichan *c, const struct srp_rsp *rsp,
				    struct ichan_actions *out)
{
	int code = rsp->flags & SRP_RSP_RSPVALID ? rsp->rsp_code : SRP_RSP_CODE_TMF_FAILED;

	c->tmf.busy = false;
	if (code == SRP_RSP_CODE_OK)
		end_victims(c, out);
	if (!c->tmf.internal) {
		ichan_add(out, ICHAN_ACT_TASK_DONE)->code = code;
		return ICHAN_LIVE;
	}
	if (code != SRP_RSP_CODE_OK && concerns(c, c->tmf.victim)) {
		ichan_blame(c, ICHAN_WHY_TIMEOUT, -ETIMEDOUT, 0,
			    "the target does not abort a command that is overdue");
		return ichan_drain(c, out);
	}
	return ICHAN_LIVE;
}

/* --- what the target sends --- */

static int64_t residual_of(const struct srp_rsp *rsp, uint32_t len)
{
	/* More left over than there was is nonsense: callers compute lengths from it. */
	if (rsp->flags & SRP_RSP_DIUNDER)
		return min_u32(rsp->data_in_res, len);
	if (rsp->flags & SRP_RSP_DOUNDER)
		return min_u32(rsp->data_out_res, len);
	if (rsp->flags & SRP_RSP_DIOVER)
		return -(int64_t)rsp->data_in_res;
	if (rsp->flags & SRP_RSP_DOOVER)
		return -(int64_t)rsp->data_out_res;
	return 0;
}

static enum ichan_state on_rsp(struct ichan *c, struct cur *in, struct ichan_actions *out)
{
	struct ichan_action *a;
	struct srp_rsp rsp;
	uint16_t i;

	if (srp_rsp_decode(in, &rsp))
		return ichan_violation(c, out, "a response is shorter than its fields say");
	c->req_lim += rsp.req_lim_delta;
	c->granted += rsp.req_lim_delta;
	i = (uint16_t)(rsp.tag & 0xffff);
	if (c->tmf.busy && rsp.tag == tag_of(c, c->n_slots, c->tmf.gen))
		return on_task_rsp(c, &rsp, out);
	if (i >= c->n_slots || c->slot[i].state != ICHAN_SLOT_BUSY ||
	    rsp.tag != tag_of(c, i, c->slot[i].gen)) {
		c->n_late++;
		return ICHAN_LIVE;
	}
	a = ichan_add(out, ICHAN_ACT_ANSWER);
	a->slot = i;
	a->answer = (struct ichan_answer){
		.status = rsp.status,
		.rsp_code = rsp.rsp_code,
		.residual_out = !(rsp.flags & (SRP_RSP_DIUNDER | SRP_RSP_DIOVER)) &&
				rsp.flags & (SRP_RSP_DOUNDER | SRP_RSP_DOOVER),
		.residual = residual_of(&rsp, c->slot[i].len),
		.sense = rsp.sense,
		.sense_len = rsp.sense_len,
	};
	slot_over(c, i, ICHAN_OUT_ANSWERED, out);
	return ICHAN_LIVE;
}

static void send_answer(struct ichan_actions *out, const struct pen *pen)
{
	struct ichan_action *a = ichan_add(out, ICHAN_ACT_SEND);

	a->len = (uint32_t)pen->pos;
	a->flags = ICHAN_SEND_ORPHAN;
}

static enum ichan_state on_cred_req(struct ichan *c, const struct ichan_event *ev, struct cur *in,
				    struct ichan_actions *out)
{
	struct pen pen = pen_of(ev->iu, ev->iu ? ev->iu_max : 0);
	struct srp_cred_req req;
	struct srp_cred_rsp rsp;

	if (srp_cred_req_decode(in, &req))
		return ichan_violation(c, out, "a credit request is too short");
	c->req_lim += req.req_lim_delta;
	c->granted += req.req_lim_delta;
	rsp.tag = req.tag;
	if (srp_cred_rsp_encode(&rsp, &pen))
		return ichan_violation(c, out, "the target floods us with credit requests");
	send_answer(out, &pen);
	return ICHAN_LIVE;
}

static enum ichan_state on_aer_req(struct ichan *c, const struct ichan_event *ev, struct cur *in,
				   struct ichan_actions *out)
{
	struct pen pen = pen_of(ev->iu, ev->iu ? ev->iu_max : 0);
	struct ichan_action *a;
	struct srp_aer_req req;
	struct srp_aer_rsp rsp;

	if (srp_aer_req_decode(in, &req))
		return ichan_violation(c, out, "an event report is shorter than its fields say");
	c->req_lim += req.req_lim_delta;
	c->granted += req.req_lim_delta;
	rsp.tag = req.tag;
	if (srp_aer_rsp_encode(&rsp, &pen))
		return ichan_violation(c, out, "the target floods us with event reports");
	send_answer(out, &pen);
	a = ichan_add(out, ICHAN_ACT_AER);
	a->lun = req.lun;
	a->answer = (struct ichan_answer){ .sense = req.sense, .sense_len = req.sense_len };
	return ICHAN_LIVE;
}

static enum ichan_state on_t_logout(struct ichan *c, struct cur *in, struct ichan_actions *out)
{
	struct srp_t_logout iu;

	if (srp_t_logout_decode(in, &iu))
		return ichan_violation(c, out, "a logout is too short");
	ichan_blame(c, ICHAN_WHY_LOGGED_OUT, 0, iu.reason, srp_logout_reason_text(iu.reason));
	return ichan_leave(c, out);
}

enum ichan_state ichan_on_recv(struct ichan *c, const struct ichan_event *ev,
			       struct ichan_actions *out)
{
	struct cur in = cur_of(ev->data, ev->len);
	struct srp_head head;

	if (srp_head_peek(&in, &head))
		return ichan_violation(c, out, "an IU is shorter than 16 bytes");
	switch (head.op) {
	case SRP_OP_RSP:
		return on_rsp(c, &in, out);
	case SRP_OP_CRED_REQ:
		return on_cred_req(c, ev, &in, out);
	case SRP_OP_AER_REQ:
		return on_aer_req(c, ev, &in, out);
	case SRP_OP_T_LOGOUT:
		return on_t_logout(c, &in, out);
	default:
		return ichan_violation(c, out, "an IU that no target may send");
	}
}
