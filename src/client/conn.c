/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A connection: carries events of the fabric to the channel core and the core's actions to the fabric
 * and the user. An action that calls the user may come back in here (srp_submit(), srp_close()); that
 * is harmless, because the core is consistent after each step and a SEND is always carried out before
 * the user is called.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "client/client_priv.h"

#define DEFAULT_DEPTH       127u
#define DEFAULT_RESPONSE_IU 1024u
#define DEFAULT_CONNECT_MS  10000u
#define DEFAULT_READS       16u
#define LOGOUT_MS           2000u
#define DRAIN_MS            2000u
#define SPARE_RECVS         4u /* one answer to a task, the target's own requests */

static void conn_event(struct fab_conn *fc, const struct fab_event *ev);
static void conn_complete(struct fab_conn *fc, const struct fab_wc *wc, unsigned n);

static const struct fab_handler conn_handler = {
	.event = conn_event,
	.complete = conn_complete,
};

static void trace(struct srp_conn *c, bool sent, bool login, const uint8_t *iu, size_t len)
{
	char text[256];

	if (!c->ctx->trace)
		return;
	trace_text(iu, len, login, text, sizeof(text));
	c->ctx->trace(c->ctx->trace_user, c, sent, iu, len, text);
}

/* Carrying out an action led to an event: step it when all actions of the step before are done. */
static void then(struct srp_conn *c, enum ichan_ev_type type, int error, const char *text)
{
	/* At most two come together, both failures: one is enough. */
	if (c->has_next)
		return;
	c->has_next = true;
	c->next = (struct ichan_event){ .type = type, .error = error, .text = text };
}

/* --- carrying out actions --- */

static void post_recv(struct srp_conn *c, uint64_t index)
{
	int r = c->fc->fab->ops->post_recv(c->fc, index, c->recv_buf + index * c->recv_stride,
					   c->recv_stride);

	if (r)
		then(c, ICHAN_EV_FAILED, r, "a receive could not be posted");
}

static uint8_t *send_slot(struct srp_conn *c, uint32_t seq)
{
	return c->send_buf + (size_t)(seq & (c->n_send - 1)) * c->send_stride;
}

/* wr_id of a SEND: place in the ring below, slot that waits for the report (plus one) above. */
static void post_send(struct srp_conn *c, const struct ichan_action *a, const struct iovec *iov,
		      unsigned n_iov)
{
	struct fab_sge sge[FAB_SGE_MAX];
	struct fab_wr wr = { .op = FAB_WR_SEND, .n_sge = 1, .sge = sge };
	uint32_t seq = c->send_head++;
	int r;

	sge[0] = (struct fab_sge){ send_slot(c, seq), a->len };
	if (a->flags & ICHAN_SEND_DATA)
		for (unsigned i = 0; i < n_iov; i++)
			sge[wr.n_sge++] =
				(struct fab_sge){ iov[i].iov_base, (uint32_t)iov[i].iov_len };
	wr.wr_id = seq;
	if (a->flags & ICHAN_SEND_REPORT) {
		wr.wr_id |= (uint64_t)(a->slot + 1u) << 32;
		wr.flags = FAB_WR_SIGNALED;
	}
	/* A quarter of the ring is given back by one report. */
	if ((seq & (c->n_send / 4 - 1)) == 0)
		wr.flags = FAB_WR_SIGNALED;
	trace(c, true, false, sge[0].addr, sge[0].len);
	r = c->fc->fab->ops->post_send(c->fc, &wr, 1);
	if (r)
		then(c, ICHAN_EV_FAILED, r, "a send could not be posted");
}

static int try_addr(struct srp_conn *c)
{
	const struct fab_ops *ops = c->ctx->fab->ops;
	struct fab_qp_attr attr = {
		.sq_depth = c->n_send + 1,
		.rq_depth = c->n_recv,
		.any_recv = true,
		.max_sge = FAB_SGE_MAX,
		.max_rd_atomic = 1,
		.max_dest_rd_atomic = c->opts.reads,
	};
	int r;

	r = ops->conn_new(&c->fc, c->ctx->fab, c->ctx->w, &conn_handler, c);
	if (r)
		return r;
	r = ops->qp_create(c->fc, &attr);
	for (uint64_t i = 0; !r && i < c->n_recv; i++)
		r = ops->post_recv(c->fc, i, c->recv_buf + i * c->recv_stride, c->recv_stride);
	if (!r)
		r = ops->connect(c->fc, (const struct sockaddr *)&c->addrs.addr[c->addrs.at],
				 c->addrs.len[c->addrs.at], c->login_req, c->login_req_len, 0,
				 c->opts.reads);
	if (r) {
		ops->destroy(c->fc);
		c->fc = NULL;
	}
	return r;
}

/* Try addresses from the current one on until one gets as far as an attempt. */
static void open_conn(struct srp_conn *c)
{
	int r = -EHOSTUNREACH;

	for (; c->addrs.at < c->addrs.n; c->addrs.at++) {
		r = try_addr(c);
		if (r == 0) {
			trace(c, true, true, c->login_req, c->login_req_len);
			return;
		}
	}
	then(c, ICHAN_EV_UNREACHABLE, r, NULL);
}

static void resolve(struct srp_conn *c)
{
	if (c->addrs.n)
		then(c, ICHAN_EV_RESOLVED, 0, NULL);
	else
		then(c, ICHAN_EV_RESOLVE_FAILED, -EHOSTUNREACH, c->text);
}

static void drain(struct srp_conn *c)
{
	const struct fab_wr marker = { .op = FAB_WR_MARKER, .flags = FAB_WR_SIGNALED };

	c->fc->fab->ops->qp_error(c->fc);
	/* If there is no room for it the drain deadline ends the channel instead. */
	(void)c->fc->fab->ops->post_send(c->fc, &marker, 1);
}

static void destroy(struct srp_conn *c)
{
	struct list *pos;

	if (c->fc)
		c->fc->fab->ops->destroy(c->fc);
	c->fc = NULL;
	list_for_each (pos, &c->mems)
		list_entry(pos, struct srp_mem, node)->live = false;
	worker_timer_stop(c->ctx->w, &c->tick_timer);
}

static void arm(struct srp_conn *c, uint32_t ms)
{
	/* The clock is read anew: outside a round the round's time may be long past. */
	int r = worker_timer_start(c->ctx->w, &c->deadline_timer,
				   worker_clock_ns() + ms * NSEC_PER_MSEC);

	check(r == 0); /* the context has room for the timers of all its connections */
}

static void task_done(struct srp_conn *c, enum srp_task_outcome outcome, int code)
{
	struct srp_task *t = take(c->task);

	t->outcome = outcome;
	t->code = (uint8_t)code;
	t->done(t);
}

static void finish_many(struct srp_conn *c)
{
	enum ichan_outcome outcome;
	uint16_t slot;

	while (ichan_take_over(&c->chan, &slot, &outcome))
		conn_finish(c, slot, outcome);
}

static void carry_out_rare(struct srp_conn *c, const struct ichan_action *a, const uint8_t *iu)
{
	switch (a->type) {
	case ICHAN_ACT_RESOLVE:
		resolve(c);
		break;
	case ICHAN_ACT_OPEN:
		check(iu && a->len <= sizeof(c->login_req));
		memcpy(c->login_req, iu, a->len);
		c->login_req_len = a->len;
		open_conn(c);
		break;
	case ICHAN_ACT_UP:
		c->ops->up(c, c->user);
		break;
	case ICHAN_ACT_TASK_DONE:
		task_done(c, SRP_TASK_DONE, a->code);
		break;
	case ICHAN_ACT_TASK_LOST:
		task_done(c, SRP_TASK_LOST, 0);
		break;
	case ICHAN_ACT_AER:
		if (c->ops->event)
			c->ops->event(c, c->user, a->lun, a->answer.sense, a->answer.sense_len);
		break;
	case ICHAN_ACT_ARM:
		arm(c, a->ms);
		break;
	case ICHAN_ACT_DISARM:
		worker_timer_stop(c->ctx->w, &c->deadline_timer);
		break;
	case ICHAN_ACT_DISCONNECT:
		if (c->fc->fab->ops->disconnect(c->fc))
			then(c, ICHAN_EV_FAILED, -EIO, "the disconnect failed");
		break;
	case ICHAN_ACT_DRAIN:
		drain(c);
		break;
	case ICHAN_ACT_DESTROY:
		destroy(c);
		break;
	case ICHAN_ACT_DOWN:
		worker_post(c->ctx->w, &c->down_msg);
		break;
	default:
		check_unreachable();
	}
}

static int carry_out(struct srp_conn *c, const struct ichan_actions *acts, const uint8_t *iu,
		     const struct iovec *iov, unsigned n_iov)
{
	for (unsigned i = 0; i < acts->count; i++) {
		const struct ichan_action *a = &acts->act[i];

		switch (a->type) {
		case ICHAN_ACT_SEND:
			post_send(c, a, iov, n_iov);
			break;
		case ICHAN_ACT_ANSWER:
			conn_answer(c, a->slot, &a->answer);
			break;
		case ICHAN_ACT_FINISH:
			conn_finish(c, a->slot, a->outcome);
			break;
		case ICHAN_ACT_FINISH_MANY:
			finish_many(c);
			break;
		case ICHAN_ACT_REFUSE:
			return -a->code;
		default:
			carry_out_rare(c, a, iu);
			break;
		}
	}
	return 0;
}

static int step_once(struct srp_conn *c, struct ichan_event *ev, const struct iovec *iov,
		     unsigned n)
{
	struct ichan_actions acts;

	ev->iu = conn_can_send(c) ? send_slot(c, c->send_head) : NULL;
	ev->iu_max = c->send_stride;
	ichan_step(&c->chan, ev, &acts);
	return carry_out(c, &acts, ev->iu, iov, n);
}

/* Step what carrying out led to. */
static void settle(struct srp_conn *c)
{
	while (c->has_next) {
		struct ichan_event ev = c->next;

		c->has_next = false;
		if (c->chan.state != ICHAN_CLOSED)
			(void)step_once(c, &ev, NULL, 0);
	}
}

int conn_step_data(struct srp_conn *c, struct ichan_event *ev, const struct iovec *iov, unsigned n)
{
	int r = step_once(c, ev, iov, n);

	settle(c);
	return r;
}

void conn_step(struct srp_conn *c, struct ichan_event *ev)
{
	(void)conn_step_data(c, ev, NULL, 0);
}

/* --- events of the fabric --- */

static void keep_text(struct srp_conn *c, struct ichan_event *ev, const struct fab_event *fev)
{
	ev->error = fev->error;
	if (!fev->text)
		return;
	(void)snprintf(c->text, sizeof(c->text), "%s", fev->text);
	ev->text = c->text;
}

/* No connection with this address: the name may have more. */
static void on_unreachable(struct srp_conn *c, struct ichan_event *ev)
{
	if (c->addrs.at + 1 < c->addrs.n) {
		c->ctx->fab->ops->destroy(c->fc);
		c->fc = NULL;
		c->addrs.at++;
		open_conn(c);
		settle(c);
		return;
	}
	ev->type = ICHAN_EV_UNREACHABLE;
	conn_step(c, ev);
}

static void conn_event(struct fab_conn *fc, const struct fab_event *fev)
{
	struct srp_conn *c = fc->fab->ops->ctx(fc);
	struct ichan_event ev = { .data = fev->priv, .len = fev->priv ? fev->priv_len : 0 };

	if (c->chan.state == ICHAN_CLOSED)
		return;
	keep_text(c, &ev, fev);
	switch (fev->type) {
	case FAB_EV_ESTABLISHED:
		trace(c, false, false, ev.data, ev.len);
		ev.type = ICHAN_EV_ESTABLISHED;
		break;
	case FAB_EV_REJECTED:
		trace(c, false, false, ev.data, ev.len);
		ev.type = ICHAN_EV_REJECTED;
		break;
	case FAB_EV_UNREACHABLE:
	case FAB_EV_CONNECT_ERROR:
		if (c->chan.state == ICHAN_CONNECTING) {
			on_unreachable(c, &ev);
			return;
		}
		ev.type = ICHAN_EV_FAILED;
		break;
	case FAB_EV_DISCONNECTED:
		ev.type = ICHAN_EV_DISCONNECTED;
		break;
	case FAB_EV_QP_FATAL:
	case FAB_EV_DEVICE_REMOVAL:
		ev.type = ICHAN_EV_FAILED;
		break;
	default:
		return;
	}
	conn_step(c, &ev);
}

static const char *wc_text(enum fab_wc_status s)
{
	switch (s) {
	case FAB_WC_LOCAL:
		return "the target sent an IU longer than it said at login";
	case FAB_WC_REMOTE:
		return "the target refused an access";
	default:
		return "the connection broke";
	}
}

static void on_recv(struct srp_conn *c, const struct fab_wc *wc)
{
	const uint8_t *iu = c->recv_buf + wc->wr_id * c->recv_stride;
	struct ichan_event ev = { .type = ICHAN_EV_RECV, .data = iu, .len = wc->byte_len };

	trace(c, false, false, iu, wc->byte_len);
	conn_step(c, &ev);
	if (c->chan.state == ICHAN_LIVE) {
		post_recv(c, wc->wr_id);
		settle(c);
	}
}

static void on_sent(struct srp_conn *c, const struct fab_wc *wc)
{
	struct ichan_event ev = { .type = ICHAN_EV_SENT };

	c->send_tail = (uint32_t)wc->wr_id + 1;
	if (wc->wr_id >> 32 == 0)
		return;
	ev.slot = (uint16_t)((wc->wr_id >> 32) - 1);
	conn_step(c, &ev);
}

static void on_wc(struct srp_conn *c, const struct fab_wc *wc)
{
	if (wc->op == FAB_WC_MARKER) {
		if (c->chan.state == ICHAN_DRAINING)
			conn_step(c, &(struct ichan_event){ .type = ICHAN_EV_DRAINED });
		return;
	}
	if (wc->status != FAB_WC_OK) {
		/* Flushed work while LIVE: the reason follows, or came, as an event. */
		if (c->chan.state != ICHAN_DRAINING)
			conn_step(c, &(struct ichan_event){ .type = ICHAN_EV_FAILED,
							    .error = -EIO,
							    .text = wc_text(wc->status) });
		return;
	}
	if (wc->op == FAB_WC_RECV)
		on_recv(c, wc);
	else if (wc->op == FAB_WC_SEND)
		on_sent(c, wc);
}

static void conn_complete(struct fab_conn *fc, const struct fab_wc *wc, unsigned n)
{
	struct srp_conn *c = fc->fab->ops->ctx(fc);

	/* Not freed meanwhile: down() is called in a later round. */
	for (unsigned i = 0; i < n && c->chan.state != ICHAN_CLOSED; i++)
		on_wc(c, &wc[i]);
	if (c->want_ready && ichan_room(&c->chan) && conn_can_send(c)) {
		c->want_ready = false;
		if (c->ops->ready)
			c->ops->ready(c, c->user);
	}
}

static void on_deadline(struct worker *w, struct worker_timer *t)
{
	struct srp_conn *c = container_of(t, struct srp_conn, deadline_timer);

	(void)w;
	conn_step(c, &(struct ichan_event){ .type = ICHAN_EV_DEADLINE });
}

static void on_down(struct worker *w, struct worker_msg *m)
{
	static const enum srp_down_reason reason[] = {
		[ICHAN_WHY_NONE] = SRP_DOWN_BROKEN,
		[ICHAN_WHY_CLOSED] = SRP_DOWN_CLOSED,
		[ICHAN_WHY_UNREACHABLE] = SRP_DOWN_UNREACHABLE,
		[ICHAN_WHY_REJECTED] = SRP_DOWN_REJECTED,
		[ICHAN_WHY_LOGGED_OUT] = SRP_DOWN_LOGGED_OUT,
		[ICHAN_WHY_DISCONNECTED] = SRP_DOWN_DISCONNECTED,
		[ICHAN_WHY_BROKEN] = SRP_DOWN_BROKEN,
		[ICHAN_WHY_PROTOCOL] = SRP_DOWN_PROTOCOL,
		[ICHAN_WHY_TIMEOUT] = SRP_DOWN_TIMEOUT,
	};
	struct srp_conn *c = container_of(m, struct srp_conn, down_msg);
	struct srp_down down = {
		.reason = reason[c->chan.why.why],
		.error = c->chan.why.error,
		.code = c->chan.why.code,
		.text = c->chan.why.text ? c->chan.why.text : "",
	};

	(void)w;
	c->is_down = true;
	c->ops->down(c, c->user, &down);
}

/* --- making and ending one --- */

static bool opts_ok(const struct srp_connect_opts *o)
{
	return o->host && o->depth < ICHAN_SLOTS_MAX && o->max_pieces <= ICHAN_PIECES_MAX &&
	       o->immediate_max <= ICHAN_IMM_MAX && o->reads <= 255 &&
	       (o->mode == SRP_MULTI || o->mode == SRP_SINGLE) && o->max_response_iu <= 65536 &&
	       (!o->max_response_iu || o->max_response_iu >= 64);
}

static void or_default(unsigned *v, unsigned def)
{
	if (!*v)
		*v = def;
}

static void core_init(struct srp_conn *c)
{
	const struct srp_connect_opts *o = &c->opts;
	struct srp_initiator_id id = o->initiator;
	struct srp_initiator_id zero = { { 0 } };
	struct ichan_cfg cfg = {
		.action = o->mode == SRP_SINGLE ? SRP_LOGIN_SINGLE : SRP_LOGIN_MULTI,
		.immediate = !o->no_immediate,
		.events = c->ops->event != NULL,
		.imm_max = o->immediate_max,
		.n_slots = (uint16_t)o->depth,
		.n_pieces = (uint16_t)o->max_pieces,
		.channel = c->ctx->next_channel++,
		.first_gen = (uint32_t)prng_u64(&c->ctx->prng),
		.recv_len = c->recv_stride,
		.connect_ms = o->connect_timeout_ms,
		.logout_ms = LOGOUT_MS,
		.drain_ms = DRAIN_MS,
	};

	if (memcmp(&id, &zero, sizeof(id)) == 0)
		id = srp_default_initiator();
	memcpy(&cfg.initiator, id.b, sizeof(id.b));
	put_be64(cfg.target.ext, o->id_ext);
	put_be64(cfg.target.guid, o->ioc_guid);
	ichan_init(&c->chan, &cfg, c->core_slot);
}

static void conn_release(struct srp_conn *c)
{
	free(c->slot);
	free(c->core_slot);
	free(c->mr);
	free(c->send_buf);
	free(c->recv_buf);
	free(c);
}

static int conn_alloc(struct srp_conn **ret, const struct srp_connect_opts *opts)
{
	struct srp_conn *c = calloc(1, sizeof(*c));
	struct srp_connect_opts *o;

	if (!c)
		return -ENOMEM;
	o = &c->opts;
	*o = *opts;
	o->host = NULL;
	or_default(&o->depth, DEFAULT_DEPTH);
	or_default(&o->max_pieces, ICHAN_PIECES_MAX);
	or_default(&o->max_response_iu, DEFAULT_RESPONSE_IU);
	or_default(&o->connect_timeout_ms, DEFAULT_CONNECT_MS);
	or_default(&o->reads, DEFAULT_READS);
	for (c->n_send = 16; c->n_send < 2 * o->depth + 8;)
		c->n_send *= 2;
	c->send_stride =
		(ICHAN_IU_HEAD_MAX - (ICHAN_PIECES_MAX - o->max_pieces) * 16u + 63u) & ~63u;
	c->n_recv = o->depth + SPARE_RECVS;
	c->recv_stride = (o->max_response_iu + 63u) & ~63u;
	c->slot = calloc(o->depth, sizeof(*c->slot));
	c->core_slot = calloc(o->depth, sizeof(*c->core_slot));
	c->mr = calloc((size_t)o->depth * o->max_pieces, sizeof(*c->mr));
	c->send_buf = calloc(c->n_send, c->send_stride);
	c->recv_buf = calloc(c->n_recv, c->recv_stride);
	if (!c->slot || !c->core_slot || !c->mr || !c->send_buf || !c->recv_buf) {
		conn_release(c);
		return -ENOMEM;
	}
	*ret = c;
	return 0;
}

int srp_connect(struct srp_conn **ret, struct srp_ctx *ctx, const struct srp_connect_opts *opts,
		const struct srp_conn_ops *ops, void *user)
{
	struct srp_conn *c;
	int r;

	if (!opts_ok(opts))
		return -EINVAL;
	if (ctx->n_conns >= ctx->max_conns)
		return -EUSERS;
	r = conn_alloc(&c, opts);
	if (r)
		return r;
	c->ctx = ctx;
	c->ops = ops;
	c->user = user;
	list_init(&c->mems);
	worker_timer_init(&c->tick_timer, conn_on_tick);
	worker_timer_init(&c->deadline_timer, on_deadline);
	c->down_msg.run = on_down;
	core_init(c);
	addrs_find(&c->addrs, opts->host, opts->port, c->text, sizeof(c->text));
	ctx->n_conns++;
	*ret = c;
	conn_step(c, &(struct ichan_event){ .type = ICHAN_EV_START });
	return 0;
}

void srp_close(struct srp_conn *c, enum srp_close_how how)
{
	conn_step(c, &(struct ichan_event){ .type = how == SRP_CLOSE_LOGOUT ? ICHAN_EV_LOGOUT
									    : ICHAN_EV_DROP });
}

int srp_conn_free(struct srp_conn *c)
{
	if (!c)
		return 0;
	if (!c->is_down)
		return -EBUSY;
	check(list_empty(&c->mems)); /* srp_mem_dereg() comes first, as its description says */
	c->ctx->n_conns--;
	conn_release(c);
	return 0;
}

void srp_conn_info(const struct srp_conn *c, struct srp_conn_info *ret)
{
	int64_t by_credit = c->chan.req_lim - 1 + ichan_n_busy(&c->chan);

	*ret = (struct srp_conn_info){
		.up = c->chan.state == ICHAN_LIVE,
		.depth =
			by_credit < 0 ? 0 : (unsigned)min_u64((uint64_t)by_credit, c->chan.n_slots),
		.in_flight = ichan_n_busy(&c->chan),
		.req_lim = (int32_t)c->chan.req_lim,
		.max_it_iu_len = c->chan.max_it_iu_len,
		.max_ti_iu_len = c->chan.max_ti_iu_len,
		.immediate = c->chan.immediate,
		.multi_result = c->chan.multi_result,
		.late_responses = c->chan.n_late,
	};
}

void *srp_conn_user(const struct srp_conn *c)
{
	return c->user;
}
