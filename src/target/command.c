/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The life of a command on its channel's worker: from the received IU through the SCSI core's actions to
 * the response. */
#include <errno.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/log.h"
#include "run/worker.h"
#include "target/remote_i.h"
#include "target/unit.h"
#include "wire/sense.h"
#include "wire/srp_rsp.h"

/* --- the end --- */

static void cmd_uncount(struct cmd *c)
{
	if (!c->unit)
		return;
	c->tasks->n--;
	if (!c->is.home && c->tasks->wanted)
		gather_wanted_ended(c);
	c->unit = NULL;
}

/* The unit of a task is known when it is routed, and may be another after a step at home. */
static void cmd_count(struct cmd *c)
{
	struct tgt_unit *u = c->task.lu ? c->task.lu->owner : NULL;

	if (u == c->unit)
		return;
	cmd_uncount(c);
	c->unit = u;
	c->lu = c->task.lu;
	if (u) {
		c->tasks = &u->tasks[worker_index(c->ch->tw->w)];
		c->tasks->n++;
	}
}

void cmd_put(struct cmd *c)
{
	list_push_front(&c->ch->free_cmds, &c->node);
}

void cmd_free(struct cmd *c)
{
	struct tchan *ch = c->ch;
	struct tworker *tw = ch->tw;
	bool counted = c->is.tmf_counted;

	check(list_empty(&c->wait) && !c->is.io && !c->is.at_home);
	data_put_buf(c, &c->buf);
	data_put_buf(c, &c->param);
	data_put_buf(c, &c->table);
	free(c->list);
	c->list = NULL;
	if (c->is.remote)
		remote_forget(c);
	cmd_uncount(c);
	ch->n_ordered -= c->is.ordered;
	chan_sq_release(&ch->chan, c->rsp_slots);
	list_del(&c->node);
	c->is.ended = true;
	if (!c->is.orphan)
		cmd_put(c);
	data_slots(ch);
	channel_resources(ch);
	if (counted)
		tmf_cmd_ended(tw);
}

/* Its receive can take the next IU: nothing of the one in it is needed any more. */
static void cmd_give_rx(struct cmd *c)
{
	struct tchan *ch = c->ch;

	/* Behind the marker nothing may be posted: its completion would come too late (INV-11). */
	if (ch->chan.state < CHAN_DRAINING)
		channel_post_rx(ch, c->rx);
	c->rx = NULL;
	chan_recv_posted(&ch->chan);
}

static void cmd_end_aborted(struct cmd *c)
{
	struct tchan *ch = c->ch;

	cmd_give_rx(c);
	cmd_free(c);
	channel_step(ch, CHAN_EV_TASK_ABORTED, 0, NULL, NULL);
}

void cmd_respond(struct cmd *c)
{
	cmd_give_rx(c);
	channel_respond(c->ch, c);
}

static void cmd_residuals(const struct scsi_task *t, struct srp_rsp *rsp)
{
	if (t->out_resid > 0) {
		rsp->flags |= SRP_RSP_DOOVER;
		rsp->data_out_res = (uint32_t)min_u64((uint64_t)t->out_resid, UINT32_MAX);
	} else if (t->out_resid < 0) {
		rsp->flags |= SRP_RSP_DOUNDER;
		rsp->data_out_res = (uint32_t)-t->out_resid;
	}
	if (t->in_resid > 0) {
		rsp->flags |= SRP_RSP_DIOVER;
		rsp->data_in_res = (uint32_t)min_u64((uint64_t)t->in_resid, UINT32_MAX);
	} else if (t->in_resid < 0) {
		rsp->flags |= SRP_RSP_DIUNDER;
		rsp->data_in_res = (uint32_t)-t->in_resid;
	}
}

/* Does the initiator want to be woken for this outcome? */
static bool cmd_solicited(const struct cmd *c)
{
	bool good = c->is.tmf ? c->rsp_code == SRP_RSP_CODE_OK : c->task.status == SCSI_STATUS_GOOD;

	return c->sol_not & (good ? SRP_SCSOLNT : SRP_UCSOLNT);
}

void cmd_send_rsp(struct cmd *c, int32_t delta)
{
	struct tchan *ch = c->ch;
	struct scsi_task *t = &c->task;
	struct srp_rsp rsp = { .tag = c->tag, .req_lim_delta = delta };
	struct pen pen = pen_of(c->rsp, sizeof(c->rsp));
	struct fab_sge sge = { .addr = c->rsp };
	struct fab_wr wr = { .wr_id = (uint64_t)c->index << 8 | WR_RSP,
			     .op = FAB_WR_SEND,
			     .flags = FAB_WR_SIGNALED,
			     .n_sge = 1,
			     .sge = &sge };

	if (cmd_solicited(c)) {
		rsp.sol_not = SRP_SOLNT;
		wr.flags |= FAB_WR_SOLICITED;
	}
	if (c->is.tmf) {
		rsp.flags = SRP_RSP_RSPVALID;
		rsp.rsp_code = c->rsp_code;
	} else {
		rsp.status = t->status;
		rsp.sense = t->sense;
		rsp.sense_len = t->sense_len;
		cmd_residuals(t, &rsp);
		count_cmd(c);
		ch->errors += t->status != SCSI_STATUS_GOOD;
	}
	check(srp_rsp_encode(&rsp, &pen) == 0);
	sge.len = (uint32_t)pen.pos;
	c->is.responding = true;
	if (c->is.tmf_counted && c->is.tell) {
		/* It has ended for SCSI, and who asked for that is another initiator. */
		c->is.tmf_counted = false;
		tmf_cmd_ended(ch->tw);
	}
	channel_owed(ch, OWED_TAKE);
	/* A slot was kept for it since SUBMIT, so only a queue pair that is gone can refuse. */
	if (ch->t->ops->post_send(ch->conn, &wr, 1)) {
		channel_paid(ch, OWED_TAKE);
		channel_step(ch, CHAN_EV_RSP_POST_FAILED, (uint32_t)delta, NULL, NULL);
		cmd_free(c);
		channel_step(ch, CHAN_EV_TASK_ABORTED, 0, NULL, NULL);
		/* Its initiator would wait for it for ever, were the channel to live on. */
		channel_broke(ch, "a response could not be posted");
	}
}

/* --- the SCSI core's actions --- */

/* GOOD without its data would be a lie. */
static void cmd_data_failed(struct cmd *c)
{
	static const struct sense s = { .key = SENSE_ABORTED_COMMAND, .asc = ASC_DATA_PHASE };

	c->task.status = SCSI_STATUS_CHECK_CONDITION;
	c->task.sense_len = (uint8_t)sense_encode(&s, c->task.sense);
	c->task.in_resid = -(int64_t)min_u64(c->task.in_len, INT64_MAX);
	cmd_respond(c);
}

/* One that was aborted on the way gets no response, or TASK ABORTED. */
static void cmd_data_canceled(struct cmd *c)
{
	struct scsi_task *t = &c->task;

	if (!c->is.tell) {
		cmd_end_aborted(c);
		return;
	}
	t->status = SCSI_STATUS_TASK_ABORTED;
	t->in_resid = -(int64_t)min_u64(t->in_len, INT64_MAX);
	cmd_respond(c);
}

void cmd_data_ended(struct cmd *c)
{
	if (c->move_error == -ECANCELED)
		cmd_data_canceled(c);
	else if (c->move_error)
		cmd_data_failed(c);
	else
		cmd_respond(c);
}

static void cmd_data_sent(struct cmd *c)
{
	if (c->move_error && c->task.ua_told)
		home_unsent(c);
	else
		cmd_data_ended(c);
}

/* The initiator's description of its buffers is wrong. */
void cmd_fail_buffers(struct cmd *c)
{
	static const struct sense s = { .key = SENSE_ILLEGAL_REQUEST,
					.asc = ASC_INVALID_FIELD_IN_CDB };

	c->is.no_data = true;
	c->task.status = SCSI_STATUS_CHECK_CONDITION;
	c->task.sense_len = (uint8_t)sense_encode(&s, c->task.sense);
	c->task.in_resid = 0;
	c->task.out_resid = 0;
	cmd_respond(c);
}

static void cmd_send_data(struct cmd *c)
{
	c->in_pos = (struct xfer_pos){ 0 };
	data_move(c, FAB_WR_WRITE, c->task.data, c->task.data_len, cmd_chan_live(c), cmd_data_sent);
}

static void cmd_tabled(struct cmd *c)
{
	if (c->move_error == -EBADMSG)
		cmd_fail_buffers(c);
	else if (c->move_error)
		cmd_data_sent(c);
	else
		cmd_send_data(c);
}

/* In line where each command passes; remote.c calls it, too. */
static inline void cmd_do_complete(struct cmd *c)
{
	struct scsi_task *t = &c->task;

	if (t->aborted)
		cmd_end_aborted(c);
	else if (!t->data_len)
		cmd_respond(c);
	else if (c->is.need_table)
		table_fetch(c, cmd_tabled);
	else
		cmd_send_data(c);
}

void cmd_complete(struct cmd *c)
{
	cmd_do_complete(c);
}

static void cmd_do(struct cmd *c)
{
	switch (c->act.type) {
	case SCSI_ACT_COMPLETE:
		cmd_do_complete(c);
		break;
	case SCSI_ACT_NONE: /* every event here answers an action */
	case SCSI_ACT_WAIT: /* these stay at home */
	case SCSI_ACT_COUNT:
	case SCSI_ACT_TOKEN:
	case SCSI_ACT_SET_STATES:
	case SCSI_ACT_SAVE:
	case SCSI_ACT_HOLD:
	case SCSI_ACT_CLEAR:
		check_unreachable();
	default:
		data_begin(c);
		break;
	}
}

/* One step on this worker. An abort is told in front of the event that ends the action under way. */
static void cmd_step(struct cmd *c)
{
	const struct scsi_event abort = { .type = SCSI_EV_ABORT, .tell = c->is.tell };

	if (c->is.tell_abort) {
		c->act = scsi_task_step(&c->task, &abort);
		if (c->act.type == SCSI_ACT_COMPLETE)
			return;
	}
	c->act = scsi_task_step(&c->task, &c->event);
}

/* Actions that end at once give the next event while this runs: a loop instead of a recursion. */
static void cmd_run(struct cmd *c, bool have_act)
{
	c->is.running = true;
	do {
		c->is.has_event = false;
		if (!have_act) {
			c->is.tell_abort = c->is.abort && !c->is.abort_told;
			c->is.abort_told |= c->is.abort;
			if (c->is.home) {
				home_step(c);
				break;
			}
			cmd_step(c);
		}
		have_act = false;
		cmd_do(c);
	} while (c->is.has_event);
	c->is.running = false;
}

void cmd_event(struct cmd *c, enum scsi_event_type type, int result)
{
	c->event =
		(struct scsi_event){ .type = type, .result = result, .done_bytes = c->done_bytes };
	if (c->is.running)
		c->is.has_event = true;
	else
		cmd_run(c, false);
}

void cmd_act(struct cmd *c)
{
	cmd_count(c);
	cmd_run(c, true);
}

/* --- the beginning --- */

/*
 * Where is it stepped? Behind a command that wants order the later ones of its channel go the same way, so that
 * they come to the task set in the order they came here.
 */
static void cmd_route(struct cmd *c)
{
	struct tchan *ch = c->ch;
	enum scsi_route route = scsi_route(&ch->view->scsi, &c->task);

	if (route == SCSI_ROUTE_REMOTE) {
		/* Its order is kept there, and nobody who gathers a unit here waits for it. */
		c->is.home = c->is.remote = true;
		return;
	}
	if (route == SCSI_ROUTE_HOME) {
		c->is.home = true;
	} else if (ch->n_ordered) {
		scsi_route_home(&c->task);
		c->is.home = true;
	}
	if (c->task.attr != SCSI_ATTR_SIMPLE) {
		c->is.ordered = true;
		ch->n_ordered++;
	}
}

/* The descriptors make no sense: the command fails, the channel lives (srp.md 12). */
static void cmd_refuse(struct cmd *c, const char *why)
{
	log_warn("%s: a command's data descriptors make no sense: %s, refused", c->ch->name, why);
	c->task.lu = NULL;
	cmd_fail_buffers(c);
}

static void cmd_fill(struct cmd *c, const struct srp_cmd *req)
{
	struct scsi_task *t = &c->task;

	memcpy(t->cdb, req->cdb, sizeof(t->cdb));
	put_be64(t->lun, req->lun);
	t->cdb_add = req->cdb + SRP_CDB_BYTES;
	t->cdb_add_len = (uint16_t)(req->cdb_len - SRP_CDB_BYTES);
	t->attr = req->task_attr;
	t->tag = req->tag;
	t->in_len = c->data.in.len;
	t->out_len = c->data.out.len;
	t->nexus = &c->ch->session->nexus;
	t->data = NULL;
	t->data_cap = 0;
}

static void cmd_begin(struct cmd *c)
{
	struct tchan *ch = c->ch;
	struct cur in = cur_of(c->rx->buf, c->rx->len);
	struct srp_cmd req;
	const char *why;
	int r;

	/* The core classified it by length and opcode, which is all that decoding can object to. */
	check(srp_cmd_decode(&in, &req) == 0);
	c->tag = req.tag;
	c->sol_not = req.sol_not;
	c->task.nexus = &ch->session->nexus;
	r = srp_cmd_data_decode(&req, ch->login.imm_data_offset, &c->data);
	if (r) {
		cmd_refuse(c, srp_e_text(r));
		return;
	}
	c->is.need_table = !srp_data_whole(&c->data.in) || !srp_data_whole(&c->data.out);
	why = table_check(c);
	if (why) {
		cmd_refuse(c, why);
		return;
	}
	cmd_fill(c, &req);
	cmd_route(c);
	cmd_count(c);
	if (c->is.remote)
		remote_begin(c);
	else
		cmd_event(c, SCSI_EV_START, 0);
}

/* One that is free, rather one that was used before: its memory is there, and warm. */
static struct cmd *cmd_get(struct tchan *ch)
{
	struct list *node = list_pop(&ch->free_cmds);
	struct cmd *c;

	if (node)
		return list_entry(node, struct cmd, node);
	c = &ch->all_cmds[ch->n_cmds_used];
	c->ch = ch;
	c->index = ch->n_cmds_used++;
	list_init(&c->wait);
	list_init(&c->home_wait);
	return c;
}

bool cmd_submit(struct tchan *ch, struct rx *rx)
{
	struct cmd *c;

	if ((list_empty(&ch->free_cmds) && ch->n_cmds_used == ch->n_cmds) ||
	    !chan_sq_reserve(&ch->chan, 1))
		return false;
	c = cmd_get(ch);
	list_push(&ch->cmds, &c->node);
	c->is = (struct cmd_is){ 0 };
	c->rx = rx;
	c->seq = ch->cmd_seq++;
	c->rsp_slots = 1;
	c->done_bytes = 0;
	c->lu = NULL;
	ch->commands++;
	c->is.tmf = rx->iu.kind == CHAN_IU_TSK_MGMT;
	if (c->is.tmf)
		tmf_start(c);
	else
		cmd_begin(c);
	return true;
}

void cmd_abort(struct cmd *c, bool tell)
{
	if (c->is.tmf || c->is.responding || c->is.abort)
		return;
	c->is.abort = true;
	c->is.tell = tell;
	if (c->is.io)
		fence_cancel(c);
	else if (!c->is.at_home &&
		 data_unwait(c)) /* there, its list is that of functions to come */
		c->resume(c);
	else if (c->is.remote)
		remote_abort(c);
}
