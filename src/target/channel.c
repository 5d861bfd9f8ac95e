/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A channel on its worker: builds it, feeds events to the channel core and carries out its actions. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/log.h"
#include "run/worker.h"
#include "target/remote_i.h"
#include "target/unit.h"
#include "wire/srp_aer.h"
#include "wire/srp_cred.h"
#include "wire/srp_logout.h"

static uint64_t wr_id(enum wr_kind kind, uint64_t index)
{
	return index << 8 | (uint64_t)kind;
}

/*
 * NOLINTBEGIN(misc-no-recursion)
 * An action that fails, or ends at once, is told to the core by a step inside the step. The state machine
 * bounds that: each such event leads towards the end of the channel or gives back the IU it is about.
 */

/* --- sending what is not a response --- */

/* @solnt: the login's bit that asks for solicited notification of such an IU. Return: whether it was posted. */
static bool channel_send_small(struct tchan *ch, enum wr_kind kind, uint8_t *iu, size_t len,
			       uint8_t solnt)
{
	struct fab_sge sge = { .addr = iu, .len = (uint32_t)len };
	struct fab_wr wr = { .wr_id = wr_id(kind, 0),
			     .op = FAB_WR_SEND,
			     .flags = FAB_WR_SIGNALED,
			     .n_sge = 1,
			     .sge = &sge };

	if (ch->login.solnt & solnt) {
		iu[1] |= SRP_SOLNT; /* where all of them have it */
		wr.flags |= FAB_WR_SOLICITED;
	}
	if (!chan_sq_reserve(&ch->chan, 1))
		return false;
	if (!ch->t->ops->post_send(ch->conn, &wr, 1))
		return true;
	chan_sq_release(&ch->chan, 1);
	/* A slot was there, so the queue pair is gone; if nothing else is posted, nothing will complete and tell. */
	if (kind == WR_ASK)
		channel_broke(ch, "a request of the target could not be posted");
	return false;
}

static void channel_t_logout(struct tchan *ch, uint32_t reason)
{
	struct srp_t_logout lo = { .reason = reason };
	struct pen pen = pen_of(ch->logout_iu, sizeof(ch->logout_iu));

	check(srp_t_logout_encode(&lo, &pen) == 0);
	/* Best effort: a disconnect follows in any case. */
	(void)channel_send_small(ch, WR_LOGOUT, ch->logout_iu, pen.pos, SRP_LOGIN_LOSOLNT);
}

/* One request of ours is under way at a time, so there is one place for it. */
static void channel_cred_req(struct tchan *ch, int32_t delta)
{
	struct srp_cred_req req = { .tag = ch->ask_tag++, .req_lim_delta = delta };
	struct pen pen = pen_of(ch->ask_iu, sizeof(ch->ask_iu));

	check(srp_cred_req_encode(&req, &pen) == 0);
	if (!chan_may_send(&ch->chan) ||
	    !channel_send_small(ch, WR_ASK, ch->ask_iu, pen.pos, SRP_LOGIN_CRSOLNT))
		channel_step(ch, CHAN_EV_ASK_FAILED, (uint32_t)delta, NULL, NULL);
}

static void channel_aer_req(struct tchan *ch)
{
	const struct scsi_report *rep = &ch->view->report;
	struct srp_aer_req req = { .tag = ch->ask_tag++,
				   .lun = get_be64(rep->lun),
				   .sense = rep->sense,
				   .sense_len = rep->sense_len };
	struct pen pen = pen_of(ch->ask_iu, min_size(sizeof(ch->ask_iu), ch->login.max_ti_iu_len));

	check(srp_aer_req_encode(&req, &pen) == 0);
	if (!chan_may_send(&ch->chan) ||
	    !channel_send_small(ch, WR_ASK, ch->ask_iu, pen.pos, SRP_LOGIN_AESOLNT))
		channel_step(ch, CHAN_EV_ASK_FAILED, 0, NULL, NULL);
}

/* --- login --- */

static void channel_accept(struct tchan *ch, uint32_t result)
{
	uint8_t iu[SRP_LOGIN_RSP_BYTES];
	struct pen pen = pen_of(iu, sizeof(iu));
	struct srp_login_rsp rsp = { .tag = ch->login_tag,
				     .req_lim_delta = (int32_t)ch->chan.limit,
				     .max_it_iu_len = ch->login.max_it_iu_len,
				     .max_ti_iu_len = ch->login.max_ti_iu_len,
				     .buf_fmt = ch->login.buf_fmt,
				     .rsp_flags = (uint8_t)(ch->login.rsp_flags | result) };

	check(srp_login_rsp_encode(&rsp, &pen) == 0);
	log_info("%s: initiator 0x%016" PRIx64 "%016" PRIx64 " logged in to target %s", ch->name,
		 get_be64(ch->initiator.ext), get_be64(ch->initiator.guid), ch->port->name);
	if (ch->t->ops->accept(ch->conn, iu, sizeof(iu), 16))
		channel_step(ch, CHAN_EV_ACCEPT_FAILED, 0, NULL, NULL);
}

static void channel_reject(struct tchan *ch, uint32_t reason)
{
	uint8_t iu[SRP_LOGIN_REJ_BYTES];
	struct pen pen = pen_of(iu, sizeof(iu));
	struct srp_login_rej rej = { .tag = ch->login_tag,
				     .reason = reason,
				     .buf_fmt = LOGIN_BUF_FMT };

	log_warn("%s: login to %s rejected: %s", ch->name, ch->port->name, login_why((int)reason));
	check(srp_login_rej_encode(&rej, &pen) == 0);
	(void)ch->t->ops->reject(ch->conn, iu, sizeof(iu));
}

/* --- actions --- */

static int channel_try_rx(struct tchan *ch, size_t i)
{
	if (ch->all_rx[i].lost)
		return 0;
	return ch->t->ops->post_recv(ch->conn, wr_id(WR_RX, i), channel_rx_buf(ch, i),
				     ch->login.max_it_iu_len);
}

void channel_post_rx(struct tchan *ch, struct rx *rx)
{
	/* There is always room; but the device may be gone already, and nobody has told us yet. */
	if (channel_try_rx(ch, (size_t)(rx - ch->all_rx)))
		channel_broke(ch, "a receive could not be posted");
}

static void channel_post_marker(struct tchan *ch)
{
	struct fab_wr wr = { .wr_id = wr_id(WR_MARKER, 0),
			     .op = FAB_WR_MARKER,
			     .flags = FAB_WR_SIGNALED };

	if (ch->t->ops->post_send(ch->conn, &wr, 1))
		channel_step(ch, CHAN_EV_MARKER_POST_FAILED, 0, NULL, NULL);
}

static void channel_abort_tasks(struct tchan *ch)
{
	struct list *pos;
	struct list *tmp;

	remote_leave(ch);
	list_for_each_safe (pos, tmp, &ch->cmds)
		cmd_abort(list_entry(pos, struct cmd, node), false);
	/* Those that wait at home hear of it there, behind all that is on its way. */
	if (!ch->aborted_all)
		worker_post(tgt_home(ch->t), &ch->to_home_abort);
	ch->aborted_all = true;
}

/* The queue pair goes: what it still had posted will never complete (INV-12). */
static void channel_destroy_qp(struct tchan *ch)
{
	struct list *pos;
	struct list *tmp;

	ch->t->ops->qp_destroy(ch->conn);
	list_for_each_safe (pos, tmp, &ch->cmds) {
		struct cmd *c = list_entry(pos, struct cmd, node);

		if (c->is.responding) {
			channel_paid(ch, OWED_TAKE);
			cmd_free(c);
		} else if (c->is.posted) {
			data_wc(c, FAB_WC_FLUSHED);
		}
	}
}

static void channel_release(struct tchan *ch)
{
	struct worker *w = ch->tw->w;

	check(list_empty(&ch->cmds));
	remote_free(ch);
	ch->quiet = true;
	worker_timer_stop(w, &ch->timer);
	worker_timer_stop(w, &ch->stall);
	worker_undefer(w, &ch->job);
	list_del(&ch->tw_node);
	fence_give_timer(ch->tw);
	log_info("%s: gone", ch->name);
	worker_post(tgt_home(ch->t), &ch->to_home_release);
}

static struct rx *rx_of(struct chan_iu *iu)
{
	return container_of(iu, struct rx, iu);
}

static void channel_submit(struct tchan *ch, struct chan_iu *iu)
{
	/* Once one was handed back, the others of the same step go back too, so that none overtakes. */
	if (!chan_may_submit(&ch->chan) || !cmd_submit(ch, rx_of(iu)))
		channel_step(ch, CHAN_EV_BUSY, 0, iu, NULL);
}

/* The actions of login and of the way down: none of them is on a command's path. */
static void channel_act_life(struct tchan *ch, const struct chan_action *a)
{
	const struct fab_ops *ops = ch->t->ops;

	switch (a->type) {
	case CHAN_ACT_ACCEPT:
		channel_accept(ch, a->value);
		break;
	case CHAN_ACT_REJECT:
		channel_reject(ch, a->value);
		break;
	case CHAN_ACT_CLOSING:
		log_debug("%s: closing: %s", ch->name, ch->chan.why ? ch->chan.why : "asked to");
		worker_post(tgt_home(ch->t), &ch->to_home_closing);
		break;
	case CHAN_ACT_T_LOGOUT:
		channel_t_logout(ch, a->value);
		break;
	case CHAN_ACT_DISCONNECT:
	case CHAN_ACT_SEND_DREP:
		(void)ops->disconnect(ch->conn);
		break;
	case CHAN_ACT_QP_ERROR:
		ops->qp_error(ch->conn);
		break;
	case CHAN_ACT_POST_MARKER:
		channel_post_marker(ch);
		break;
	case CHAN_ACT_ABORT_TASKS:
		channel_abort_tasks(ch);
		break;
	case CHAN_ACT_UNREGISTER_SESSION:
		ch->unregister = true; /* channel_run() looks for the last task */
		break;
	case CHAN_ACT_DESTROY_QP:
		channel_destroy_qp(ch);
		break;
	case CHAN_ACT_DESTROY_ID:
		ops->destroy(ch->conn);
		ch->conn = NULL;
		break;
	case CHAN_ACT_RELEASE:
		channel_release(ch);
		break;
	default: /* channel_act(), which names every action, does the others */
		check_unreachable();
	}
}

/* @c: the command whose RESPOND this is, else NULL */
static void channel_act(struct tchan *ch, const struct chan_action *a, struct cmd *c)
{
	switch (a->type) {
	case CHAN_ACT_SUBMIT:
		channel_submit(ch, a->iu);
		break;
	case CHAN_ACT_REPOST:
		channel_post_rx(ch, rx_of(a->iu));
		break;
	case CHAN_ACT_DROP:
		break; /* receives are an array: nothing to give back */
	case CHAN_ACT_DROP_PARKED:
		while (chan_drop_parked(&ch->chan))
			;
		break;
	case CHAN_ACT_KICK:
		ch->kick = true;
		worker_defer(ch->tw->w, &ch->job);
		break;
	case CHAN_ACT_SEND_RSP:
		cmd_send_rsp(c, (int32_t)a->value);
		break;
	case CHAN_ACT_DROP_RSP:
		cmd_free(c);
		break;
	case CHAN_ACT_SEND_CRED_REQ:
		channel_cred_req(ch, (int32_t)a->value);
		break;
	case CHAN_ACT_SEND_AER_REQ:
		channel_aer_req(ch);
		break;
	case CHAN_ACT_AER_DONE:
		worker_post(tgt_home(ch->t), &ch->to_home_reported);
		break;
	case CHAN_ACT_VIOLATION:
		log_warn("%s: %s, closing the channel", ch->name, a->text);
		break;
	case CHAN_ACT_LOG:
		log_info("%s: %s", ch->name, a->text);
		break;
	case CHAN_ACT_ACCEPT:
	case CHAN_ACT_REJECT:
	case CHAN_ACT_CLOSING:
	case CHAN_ACT_T_LOGOUT:
	case CHAN_ACT_DISCONNECT:
	case CHAN_ACT_SEND_DREP:
	case CHAN_ACT_QP_ERROR:
	case CHAN_ACT_POST_MARKER:
	case CHAN_ACT_ABORT_TASKS:
	case CHAN_ACT_UNREGISTER_SESSION:
	case CHAN_ACT_DESTROY_QP:
	case CHAN_ACT_DESTROY_ID:
	case CHAN_ACT_RELEASE:
		channel_act_life(ch, a);
		break;
	case CHAN_ACT_COMM_EST: /* channel_step() does, after the others */
	case CHAN_ACT_COUNT:
		check_unreachable();
	}
}

/*
 * A channel takes its timers when it is built and keeps them: one that has nothing to wait for is set to
 * never. So a deadline cannot be lost when the worker has no timer left (INV-28), only a login can.
 */
static bool channel_take_timer(struct tchan *ch, struct worker_timer *t)
{
	return worker_timer_start(ch->tw->w, t, UINT64_MAX) == 0;
}

static void channel_arm(struct tchan *ch, struct worker_timer *t, uint64_t deadline_ns)
{
	/* It runs, or has just fired and given its place back. */
	check(worker_timer_start(ch->tw->w, t, deadline_ns) == 0);
}

static bool channel_is_armed(const struct worker_timer *t)
{
	return t->deadline_ns != UINT64_MAX;
}

static void channel_set_timer(struct tchan *ch)
{
	uint64_t want = chan_deadline_ns(&ch->chan);

	if (want != ch->timer.deadline_ns && !ch->chan.released)
		channel_arm(ch, &ch->timer, want);
}

/* Somebody may wait until none of its commands can do anything any more (INV-25). */
static void channel_tell_quiet(struct tchan *ch)
{
	if (!ch->chan.left || ch->chan.n_tasks || ch->quiet || remote_is_in(ch))
		return;
	ch->quiet = true;
	worker_post(tgt_home(ch->t), &ch->to_home_quiet);
}

/* The session is unregistered when the last task has ended, however that ended: every end is a step. */
static void channel_try_unregister(struct tchan *ch)
{
	if (!ch->unregister || ch->unregistered || ch->chan.n_tasks || remote_is_in(ch))
		return;
	ch->unregistered = true;
	channel_step(ch, CHAN_EV_SESSION_UNREGISTERED, 0, NULL, NULL);
}

static void channel_run(struct tchan *ch, const struct chan_event *ev, struct cmd *c)
{
	struct chan_actions out;
	bool comm_est = false;

	chan_step(&ch->chan, ev, &out);
	ch->acting++;
	for (uint32_t i = 0; i < out.count; i++) {
		if (out.a[i].type == CHAN_ACT_COMM_EST)
			comm_est = true;
		else
			channel_act(ch, &out.a[i], c);
	}
	ch->acting--;
	channel_set_timer(ch);
	channel_tell_quiet(ch);
	if (comm_est)
		channel_step(ch, CHAN_EV_USER_ESTABLISHED, 0, NULL, NULL);
	if (!ch->acting)
		channel_try_unregister(ch);
}

void channel_step(struct tchan *ch, enum chan_ev type, uint32_t value, struct chan_iu *iu,
		  const char *text)
{
	struct chan_event ev = { .type = type,
				 .value = value,
				 .now_ns = worker_now_ns(ch->tw->w),
				 .iu = iu,
				 .text = text };

	channel_run(ch, &ev, NULL);
}

void channel_respond(struct tchan *ch, struct cmd *c)
{
	struct chan_event ev = { .type = CHAN_EV_RESPOND, .now_ns = worker_now_ns(ch->tw->w) };

	channel_run(ch, &ev, c);
}
/* NOLINTEND(misc-no-recursion) */

void channel_left_there(struct tchan *ch)
{
	channel_tell_quiet(ch);
	if (!ch->acting)
		channel_try_unregister(ch);
}

/* What must not happen inside the actions of a step happens here, at the end of the round. */
static void channel_job(struct worker *w, struct worker_job *j)
{
	struct tchan *ch = container_of(j, struct tchan, job);
	const char *broke = ch->broke;

	(void)w;
	ch->broke = NULL;
	if (broke)
		channel_step(ch, CHAN_EV_QP_FATAL, 0, NULL, broke);
	if (ch->kick) {
		ch->kick = false;
		channel_step(ch, CHAN_EV_KICK, 0, NULL, NULL);
	}
	if (chan_wants_resources(&ch->chan))
		channel_step(ch, CHAN_EV_RESOURCES, 0, NULL, NULL);
}

void channel_broke(struct tchan *ch, const char *why)
{
	ch->broke = why;
	worker_defer(ch->tw->w, &ch->job);
}

void channel_resources(struct tchan *ch)
{
	if (chan_wants_resources(&ch->chan))
		worker_defer(ch->tw->w, &ch->job);
}

static void channel_timer(struct worker *w, struct worker_timer *timer)
{
	struct tchan *ch = container_of(timer, struct tchan, timer);

	(void)w;
	channel_arm(ch, timer, UINT64_MAX);
	channel_step(ch, CHAN_EV_TIMER, 0, NULL, NULL);
}

/* --- the deadline of an initiator that lets us wait --- */

bool channel_is_owed(const struct tchan *ch)
{
	return ch->owing[OWED_READ].n || ch->owing[OWED_TAKE].n;
}

static void channel_stall_set(struct tchan *ch, uint64_t after_ns)
{
	for (unsigned i = 0; i < OWED_COUNT; i++) {
		ch->owing[i].armed = ch->owing[i].n != 0;
		ch->owing[i].seen = ch->owing[i].done;
	}
	channel_arm(ch, &ch->stall, worker_now_ns(ch->tw->w) + after_ns);
}

static void channel_stalled(struct worker *w, struct worker_timer *timer)
{
	static const char *const text[OWED_COUNT] = {
		[OWED_READ] = "the initiator does not answer our RDMA READs",
		[OWED_TAKE] = "the initiator does not take what we send",
	};
	struct tchan *ch = container_of(timer, struct tchan, stall);

	(void)w;
	channel_arm(ch, timer, UINT64_MAX);
	for (unsigned i = 0; i < OWED_COUNT; i++) {
		const struct owing *o = &ch->owing[i];

		if (o->armed && o->n && o->done == o->seen) {
			channel_step(ch, CHAN_EV_QP_FATAL, 0, NULL, text[i]);
			return;
		}
	}
	if (channel_is_owed(ch))
		channel_stall_set(ch, TGT_STALL_NS);
}

void channel_owed(struct tchan *ch, enum owed what)
{
	ch->owing[what].n++;
	/* While it runs it is left alone: when it fires it looks at what came since. */
	if (!channel_is_armed(&ch->stall))
		channel_stall_set(ch, TGT_STALL_NS);
}

void channel_paid(struct tchan *ch, enum owed what)
{
	check(ch->owing[what].n > 0);
	ch->owing[what].n--;
	ch->owing[what].done++;
}

void channel_hurry(struct tchan *ch)
{
	uint64_t soon_ns = worker_now_ns(ch->tw->w) + TGT_STALL_ABORT_NS;

	if (ch->stall.deadline_ns > soon_ns)
		channel_stall_set(ch, TGT_STALL_ABORT_NS);
}

/* --- events of the fabric --- */

static void channel_event(struct fab_conn *conn, const struct fab_event *ev)
{
	static const enum chan_ev map[FAB_EV_COUNT] = {
		[FAB_EV_CONNECT_REQUEST] = CHAN_EV_COUNT,
		[FAB_EV_ESTABLISHED] = CHAN_EV_ESTABLISHED,
		[FAB_EV_COMM_EST] = CHAN_EV_COMM_EST,
		[FAB_EV_REJECTED] = CHAN_EV_REJECTED,
		[FAB_EV_UNREACHABLE] = CHAN_EV_UNREACHABLE,
		[FAB_EV_CONNECT_ERROR] = CHAN_EV_UNREACHABLE,
		[FAB_EV_DISCONNECTED] = CHAN_EV_DISCONNECTED,
		[FAB_EV_TIMEWAIT_EXIT] = CHAN_EV_TIMEWAIT_EXIT,
		[FAB_EV_DEVICE_REMOVAL] = CHAN_EV_DEVICE_REMOVAL,
		[FAB_EV_ADDR_CHANGE] = CHAN_EV_ADDR_CHANGE,
		[FAB_EV_QP_FATAL] = CHAN_EV_QP_FATAL,
		[FAB_EV_LAST_WQE] = CHAN_EV_LAST_WQE,
	};
	struct tchan *ch = conn->fab->ops->ctx(conn);

	if (!ch->built) {
		ch->down_early |= ev->type != FAB_EV_ESTABLISHED;
		return;
	}
	if (map[ev->type] == CHAN_EV_COUNT)
		return;
	channel_step(ch, map[ev->type], 0, NULL, ev->text);
}

static void channel_received(struct tchan *ch, const struct fab_wc *wc)
{
	const size_t i = wc->wr_id >> 8;
	struct rx *rx = &ch->all_rx[i];

	rx->buf = channel_rx_buf(ch, i);
	rx->len = wc->byte_len;
	chan_iu_classify(&rx->iu, rx->buf, rx->len);
	channel_step(ch, CHAN_EV_RECV, 0, &rx->iu, NULL);
}

static void channel_sent(struct tchan *ch, const struct fab_wc *wc)
{
	struct cmd *c = &ch->all_cmds[wc->wr_id >> 8];

	switch ((enum wr_kind)(wc->wr_id & 0xff)) {
	case WR_MID:
		break;
	case WR_DATA:
		data_wc(c, wc->status);
		break;
	case WR_RSP:
		channel_paid(ch, OWED_TAKE);
		cmd_free(c);
		break;
	case WR_LOGOUT:
	case WR_ASK:
		chan_sq_release(&ch->chan, 1);
		data_slots(ch);
		channel_resources(ch);
		break;
	case WR_MARKER:
		channel_step(ch, CHAN_EV_MARKER_DONE, 0, NULL, NULL);
		break;
	case WR_RX:
		check_unreachable();
	}
}

static const char *wc_text(enum fab_wc_status s)
{
	static const char *const text[] = {
		[FAB_WC_OK] = "no error",
		[FAB_WC_FLUSHED] = "flushed",
		[FAB_WC_LOCAL] =
			"a message was longer than the receive, or a buffer of ours was bad",
		[FAB_WC_REMOTE] = "the initiator's memory could not be accessed",
		[FAB_WC_TRANSPORT] = "the connection broke",
	};

	return text[s];
}

static void channel_complete(struct fab_conn *conn, const struct fab_wc *wc, unsigned n)
{
	struct tchan *ch = conn->fab->ops->ctx(conn);

	/* The marker ends the send queue only: receives that completed before it may be told after it. They are
	 * left where they are, like those that were flushed (INV-11). */
	for (unsigned i = 0; i < n && ch->chan.state < CHAN_DISCONNECTED; i++) {
		if (wc[i].status != FAB_WC_OK && wc[i].status != FAB_WC_FLUSHED)
			channel_step(ch, CHAN_EV_WC_ERROR, 0, NULL, wc_text(wc[i].status));
		if (ch->chan.state >= CHAN_DISCONNECTED)
			return;
		if ((wc[i].wr_id & 0xff) != WR_RX)
			channel_sent(ch, &wc[i]);
		else if (wc[i].status == FAB_WC_OK)
			channel_received(ch, &wc[i]);
	}
}

const struct fab_handler channel_handler = { .event = channel_event, .complete = channel_complete };

/* --- build and free --- */

static int channel_make_qp(struct tchan *ch)
{
	struct fab_qp_attr attr = { .sq_depth = ch->n_cmds + TGT_SQ_DATA +
						3, /* marker, T_LOGOUT, a request of ours */
				    .rq_depth = ch->n_rx,
				    .any_recv = true,
				    .max_sge = 1,
				    .max_rd_atomic = 16 };
	struct chan_config cfg = { .now_ns = worker_now_ns(ch->tw->w),
				   .limit = min_u32(ch->login_limit, ch->credits),
				   .max_limit = ch->credits,
				   .n_recv = ch->n_rx,
				   .sq_depth = attr.sq_depth,
				   .dreq_handshake = ch->conn->dreq_handshake };
	int r = ch->t->ops->qp_create(ch->conn, &attr);

	if (r)
		return r;
	for (unsigned i = 0; i < ch->n_rx && !r; i++)
		r = channel_try_rx(ch, i); /* all before the reply (INV-5) */
	if (r)
		return r;
	chan_init(&ch->chan, &cfg);
	ch->built = true;
	return 0;
}

void channel_build(struct worker *w, struct worker_msg *m)
{
	struct tchan *ch = container_of(m, struct tchan, to_build);
	int r;

	list_init(&ch->free_cmds);
	list_init(&ch->cmds);
	list_init(&ch->sq_wait);
	list_init(&ch->remotes);
	worker_job_init(&ch->job, channel_job);
	worker_timer_init(&ch->timer, channel_timer);
	worker_timer_init(&ch->stall, channel_stalled);
	r = channel_alloc(ch);
	if (!r && (!channel_take_timer(ch, &ch->timer) || !channel_take_timer(ch, &ch->stall) ||
		   !fence_take_timer(ch->tw)))
		r = -ENOSPC;
	if (!r)
		r = channel_make_qp(ch);
	if (r) {
		log_error("%s: no memory or no timer for a channel, rejected", ch->name);
		worker_timer_stop(w, &ch->timer);
		worker_timer_stop(w, &ch->stall);
		fence_give_timer(ch->tw);
		channel_reject(ch, SRP_REJ_RESOURCES);
		ch->t->ops->destroy(ch->conn);
		worker_post(tgt_home(ch->t), &ch->to_home_release);
		return;
	}
	list_push(&ch->tw->chans, &ch->tw_node);
	channel_set_timer(ch);
	worker_post(tgt_home(ch->t), &ch->to_home_ready);
	if (ch->down_early)
		channel_step(ch, CHAN_EV_DISCONNECTED, 0, NULL, NULL);
}

/* --- messages of the home worker --- */

void channel_admission(struct worker *w, struct worker_msg *m)
{
	struct tchan *ch = container_of(m, struct tchan, to_admission);

	(void)w;
	if (ch->pc.reject)
		channel_step(ch, CHAN_EV_REFUSED, ch->pc.reject, NULL, NULL);
	else
		channel_step(ch, CHAN_EV_ADMITTED, ch->pc.result, NULL, NULL);
}

static void channel_close(struct tchan *ch, enum chan_ev why)
{
	/* One that could not be built is on its way out already. */
	if (ch->built)
		channel_step(ch, why, SRP_LOGOUT_NONE, NULL, NULL);
}

void channel_close_evicted(struct worker *w, struct worker_msg *m)
{
	(void)w;
	channel_close(container_of(m, struct tchan, to_close[PORT_CLOSE_EVICTED]), CHAN_EV_EVICTED);
}

void channel_close_disabled(struct worker *w, struct worker_msg *m)
{
	(void)w;
	channel_close(container_of(m, struct tchan, to_close[PORT_CLOSE_DISABLED]),
		      CHAN_EV_PORT_DISABLED);
}

void channel_close_session(struct worker *w, struct worker_msg *m)
{
	(void)w;
	channel_close(container_of(m, struct tchan, to_close[PORT_CLOSE_SESSION]),
		      CHAN_EV_CLOSE_SESSION);
}

void channel_new_view(struct worker *w, struct worker_msg *m)
{
	struct tchan *ch = container_of(m, struct tchan, to_view);

	(void)w;
	ch->view = &ch->views[ch->view_next];
	worker_post(tgt_home(ch->t), &ch->to_home_view);
	if (!ch->built)
		return; /* it could not be, and is on its way out */
	if (min_u32(ch->view->limit, ch->credits) != ch->chan.want)
		channel_step(ch, CHAN_EV_SET_LIMIT, min_u32(ch->view->limit, ch->credits), NULL,
			     NULL);
	if (ch->view->report_seq != ch->report_seen) {
		ch->report_seen = ch->view->report_seq;
		channel_step(ch, CHAN_EV_AER_DUE, 0, NULL, NULL);
	}
}
