/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Raw channels: a connection of the fabric with rings of IUs, and no opinion about what they say.
 *
 *	CONNECTING --established--> UP --srp_raw_close()--> CLOSING --answered, or late--> DOWN
 *	CONNECTING, UP --any failure--> DOWN
 */
#include <libsrp/raw.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "client/client_priv.h"

#define DEFAULT_IUS        256u
#define DEFAULT_IU_BYTES   8276u
#define DEFAULT_READS      16u
#define DEFAULT_CONNECT_MS 10000u
#define CLOSE_MS           2000u
#define RAW_IUS_MAX        4096u
#define RAW_IU_BYTES_MAX   (1u << 20)

_Static_assert(SRP_RAW_LOGIN_MAX == FAB_PRIVATE_DATA_MAX, "what a provider carries");

enum raw_phase {
	RAW_CONNECTING,
	RAW_UP,
	RAW_CLOSING, /* the disconnect is sent and not answered */
	RAW_DOWN     /* the queue pair is gone; down() was called or its message is posted */
};

struct srp_raw {
	struct srp_ctx *ctx;
	const struct srp_raw_ops *ops;
	void *user;
	enum raw_phase phase;
	bool is_down;        /* down() was called */
	struct fab_conn *fc; /* NULL when DOWN, and between two addresses */
	struct srp_raw_opts opts;
	uint8_t login[SRP_RAW_LOGIN_MAX];
	struct addrs addrs;
	uint8_t *send_buf; /* n_send of max_send bytes, used in the order of posting */
	uint32_t send_head;
	uint32_t send_tail;
	uint8_t *recv_buf; /* n_recv of max_recv bytes */
	unsigned n_regs;
	struct fab_mr reg[SRP_RAW_REGS_MAX];
	struct worker_timer timer; /* CONNECTING, CLOSING */
	struct worker_msg down_msg;
	struct srp_raw_down why;
	uint8_t rej[SRP_RAW_LOGIN_MAX];
	char text[CONN_TEXT_MAX];
};

static void on_event(struct fab_conn *fc, const struct fab_event *ev);
static void on_complete(struct fab_conn *fc, const struct fab_wc *wc, unsigned n);

static const struct fab_handler raw_handler = { .event = on_event, .complete = on_complete };

static const struct fab_ops *fab_of(const struct srp_raw *r)
{
	return r->ctx->fab->ops;
}

static void drop_conn(struct srp_raw *r)
{
	if (!r->fc)
		return;
	fab_of(r)->destroy(r->fc); /* and with it what was registered */
	r->fc = NULL;
}

/* To DOWN: nothing moves data from here on, and the caller is told in a later round. */
static void end(struct srp_raw *r, enum srp_down_reason reason, int error, const char *text)
{
	if (r->phase == RAW_DOWN)
		return;
	r->phase = RAW_DOWN;
	worker_timer_stop(r->ctx->w, &r->timer);
	drop_conn(r);
	if (text != r->text)
		(void)snprintf(r->text, sizeof(r->text), "%s", text);
	r->why.reason = reason;
	r->why.error = error;
	r->why.text = r->text;
	worker_post(r->ctx->w, &r->down_msg);
}

static void on_down(struct worker *w, struct worker_msg *m)
{
	struct srp_raw *r = container_of(m, struct srp_raw, down_msg);

	(void)w;
	r->is_down = true;
	r->ops->down(r, r->user, &r->why);
}

static void arm(struct srp_raw *r, unsigned ms)
{
	int e = worker_timer_start(r->ctx->w, &r->timer, worker_clock_ns() + ms * NSEC_PER_MSEC);

	check(e == 0); /* the context has room for the timers of all its connections */
}

static void on_timer(struct worker *w, struct worker_timer *t)
{
	struct srp_raw *r = container_of(t, struct srp_raw, timer);

	(void)w;
	if (r->phase == RAW_CLOSING)
		end(r, SRP_DOWN_CLOSED, 0, "closed");
	else
		end(r, SRP_DOWN_TIMEOUT, -ETIMEDOUT, "the login was not answered in time");
}

/* --- making one --- */

static int post_recv(struct srp_raw *r, uint64_t i)
{
	return fab_of(r)->post_recv(r->fc, i, r->recv_buf + i * r->opts.max_recv, r->opts.max_recv);
}

static int try_addr(struct srp_raw *r)
{
	const struct fab_qp_attr attr = {
		.sq_depth = r->opts.n_send + 1,
		.rq_depth = r->opts.n_recv,
		.max_sge = 1,
		.max_rd_atomic = 1,
		.max_dest_rd_atomic = r->opts.reads,
	};
	int e = fab_of(r)->conn_new(&r->fc, r->ctx->fab, r->ctx->w, &raw_handler, r);

	if (e)
		return e;
	e = fab_of(r)->qp_create(r->fc, &attr);
	for (uint64_t i = 0; !e && i < r->opts.n_recv; i++)
		e = post_recv(r, i);
	if (!e)
		e = fab_of(r)->connect(r->fc, (const struct sockaddr *)&r->addrs.addr[r->addrs.at],
				       r->addrs.len[r->addrs.at], r->login, r->opts.login_len, 0,
				       r->opts.reads);
	if (e)
		drop_conn(r);
	return e;
}

/* Try addresses from the current one on until one gets as far as an attempt. */
static void open_conn(struct srp_raw *r)
{
	int e = -EHOSTUNREACH;

	for (; r->addrs.at < r->addrs.n; r->addrs.at++) {
		e = try_addr(r);
		if (!e)
			return;
	}
	end(r, SRP_DOWN_UNREACHABLE, e, r->text[0] ? r->text : "the connection could not be made");
}

static void or_default(unsigned *v, unsigned def)
{
	if (!*v)
		*v = def;
}

static bool opts_ok(const struct srp_raw_opts *o)
{
	return o->host && o->login_len <= SRP_RAW_LOGIN_MAX && (o->login || !o->login_len) &&
	       o->n_send <= RAW_IUS_MAX && o->n_recv <= RAW_IUS_MAX &&
	       o->max_send <= RAW_IU_BYTES_MAX && o->max_recv <= RAW_IU_BYTES_MAX &&
	       o->reads <= 255;
}

static void release(struct srp_raw *r)
{
	free(r->send_buf);
	free(r->recv_buf);
	free(r);
}

int srp_raw_connect(struct srp_raw **ret, struct srp_ctx *ctx, const struct srp_raw_opts *opts,
		    const struct srp_raw_ops *ops, void *user)
{
	struct srp_raw *r;

	if (!opts_ok(opts))
		return -EINVAL;
	if (ctx->n_conns >= ctx->max_conns)
		return -EUSERS;
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->ctx = ctx;
	r->ops = ops;
	r->user = user;
	r->opts = *opts;
	r->opts.host = NULL;
	r->opts.login = NULL;
	or_default(&r->opts.n_send, DEFAULT_IUS);
	or_default(&r->opts.max_send, DEFAULT_IU_BYTES);
	or_default(&r->opts.n_recv, DEFAULT_IUS);
	or_default(&r->opts.max_recv, DEFAULT_IU_BYTES);
	or_default(&r->opts.reads, DEFAULT_READS);
	or_default(&r->opts.connect_timeout_ms, DEFAULT_CONNECT_MS);
	r->send_buf = calloc(r->opts.n_send, r->opts.max_send);
	r->recv_buf = calloc(r->opts.n_recv, r->opts.max_recv);
	if (!r->send_buf || !r->recv_buf) {
		release(r);
		return -ENOMEM;
	}
	if (opts->login_len)
		memcpy(r->login, opts->login, opts->login_len);
	worker_timer_init(&r->timer, on_timer);
	r->down_msg.run = on_down;
	ctx->n_conns++;
	*ret = r;
	arm(r, r->opts.connect_timeout_ms);
	addrs_find(&r->addrs, opts->host, opts->port, r->text, sizeof(r->text));
	open_conn(r);
	return 0;
}

int srp_raw_free(struct srp_raw *r)
{
	if (!r)
		return 0;
	if (!r->is_down)
		return -EBUSY;
	r->ctx->n_conns--;
	release(r);
	return 0;
}

/* --- using it --- */

int srp_raw_send(struct srp_raw *r, const void *iu, size_t len)
{
	struct fab_wr wr = { .op = FAB_WR_SEND, .flags = FAB_WR_SIGNALED, .n_sge = 1 };
	struct fab_sge sge;
	int e;

	if (r->phase != RAW_UP)
		return -ENOTCONN;
	if (!len || len > r->opts.max_send)
		return -EMSGSIZE;
	if (r->send_head - r->send_tail >= r->opts.n_send)
		return -EAGAIN;
	sge.addr = r->send_buf + (size_t)(r->send_head % r->opts.n_send) * r->opts.max_send;
	sge.len = (uint32_t)len;
	memcpy(sge.addr, iu, len);
	wr.sge = &sge;
	e = fab_of(r)->post_send(r->fc, &wr, 1);
	if (e)
		return -EAGAIN;
	/* The ring's size need not divide 2^32: both counters start anew before they wrap. */
	if (++r->send_head == 2 * r->opts.n_send) {
		r->send_head -= r->opts.n_send;
		r->send_tail -= r->opts.n_send;
	}
	return 0;
}

int srp_raw_reg(struct srp_raw *r, void *addr, size_t len, unsigned access, uint32_t *ret_key)
{
	unsigned fab = (access & SRP_MEM_READABLE ? (unsigned)FAB_ACCESS_REMOTE_READ : 0) |
		       (access & SRP_MEM_WRITABLE ? (unsigned)FAB_ACCESS_REMOTE_WRITE : 0);
	int e;

	if (!len || !fab || access & ~(SRP_MEM_READABLE | SRP_MEM_WRITABLE))
		return -EINVAL;
	if (r->phase != RAW_UP)
		return -ENOTCONN;
	if (r->n_regs == SRP_RAW_REGS_MAX)
		return -ENOSPC;
	e = fab_of(r)->mr_reg(r->fc, addr, len, fab, &r->reg[r->n_regs]);
	if (e)
		return e;
	*ret_key = r->reg[r->n_regs++].rkey;
	return 0;
}

void srp_raw_close(struct srp_raw *r, enum srp_close_how how)
{
	if (r->phase == RAW_DOWN || r->phase == RAW_CLOSING)
		return;
	if (r->phase == RAW_CONNECTING || how == SRP_CLOSE_ABRUPT || fab_of(r)->disconnect(r->fc)) {
		end(r, SRP_DOWN_CLOSED, 0, "closed");
		return;
	}
	r->phase = RAW_CLOSING;
	arm(r, CLOSE_MS);
}

/* --- events of the fabric --- */

static void on_established(struct srp_raw *r, const struct fab_event *ev)
{
	if (r->phase != RAW_CONNECTING)
		return;
	r->phase = RAW_UP;
	worker_timer_stop(r->ctx->w, &r->timer);
	r->ops->up(r, r->user, ev->priv, ev->priv ? ev->priv_len : 0);
}

static void on_rejected(struct srp_raw *r, const struct fab_event *ev)
{
	r->why.iu_len = ev->priv ? min_size(ev->priv_len, sizeof(r->rej)) : 0;
	if (r->why.iu_len)
		memcpy(r->rej, ev->priv, r->why.iu_len);
	r->why.iu = r->rej;
	end(r, SRP_DOWN_REJECTED, -ECONNREFUSED, "the target refused the login");
}

static void on_unreachable(struct srp_raw *r, const struct fab_event *ev)
{
	if (r->phase == RAW_CONNECTING && r->addrs.at + 1 < r->addrs.n) {
		drop_conn(r);
		r->addrs.at++;
		open_conn(r);
		return;
	}
	end(r, SRP_DOWN_UNREACHABLE, ev->error,
	    ev->text ? ev->text : "the connection could not be made");
}

static void on_event(struct fab_conn *fc, const struct fab_event *ev)
{
	struct srp_raw *r = fc->fab->ops->ctx(fc);

	switch (ev->type) {
	case FAB_EV_ESTABLISHED:
		on_established(r, ev);
		break;
	case FAB_EV_REJECTED:
		on_rejected(r, ev);
		break;
	case FAB_EV_UNREACHABLE:
	case FAB_EV_CONNECT_ERROR:
		on_unreachable(r, ev);
		break;
	case FAB_EV_DISCONNECTED:
		if (r->phase == RAW_CLOSING)
			end(r, SRP_DOWN_CLOSED, 0, "closed");
		else
			end(r, SRP_DOWN_DISCONNECTED, ev->error,
			    ev->text ? ev->text : "the target disconnected");
		break;
	case FAB_EV_QP_FATAL:
	case FAB_EV_DEVICE_REMOVAL:
		end(r, SRP_DOWN_BROKEN, ev->error, ev->text ? ev->text : "the connection broke");
		break;
	default:
		break;
	}
}

static void on_wc(struct srp_raw *r, const struct fab_wc *wc)
{
	if (wc->op == FAB_WC_SEND)
		r->send_tail++;
	if (wc->status != FAB_WC_OK) {
		/* What was flushed is the consequence of an event that says more. */
		if (wc->status != FAB_WC_FLUSHED)
			end(r, SRP_DOWN_BROKEN, -EIO, "a work request failed");
		return;
	}
	if (wc->op != FAB_WC_RECV)
		return;
	r->ops->recv(r, r->user, r->recv_buf + wc->wr_id * r->opts.max_recv, wc->byte_len);
	if (r->phase != RAW_DOWN && post_recv(r, wc->wr_id))
		end(r, SRP_DOWN_BROKEN, -ENOMEM, "a receive could not be posted");
}

static void on_complete(struct fab_conn *fc, const struct fab_wc *wc, unsigned n)
{
	struct srp_raw *r = fc->fab->ops->ctx(fc);

	for (unsigned i = 0; i < n && r->phase != RAW_DOWN; i++)
		on_wc(r, &wc[i]);
}
