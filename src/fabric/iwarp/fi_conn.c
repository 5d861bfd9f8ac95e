/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A connection: its queue pair, its way through the states of fi.h and its end. Nothing here moves
 * payload; that is fi_stream.c.
 */
#include "fabric/iwarp/fi.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define CACHE_LINE 64u

/* Work requests, pieces and completions are handed on as they are. */
/* NOLINTBEGIN(bugprone-sizeof-expression,misc-redundant-expression): sizes of members, some of them
 * pointers; constants whose equality is what is asserted */
#define SAME_MEMBER(s, m)                                             \
	(offsetof(struct fab_##s, m) == offsetof(struct iw_##s, m) && \
	 sizeof(((struct fab_##s *)0)->m) == sizeof(((struct iw_##s *)0)->m))
_Static_assert(sizeof(struct fab_wr) == sizeof(struct iw_wr) && SAME_MEMBER(wr, wr_id) &&
		       SAME_MEMBER(wr, op) && SAME_MEMBER(wr, flags) &&
		       SAME_MEMBER(wr, remote_va) && SAME_MEMBER(wr, rkey) &&
		       SAME_MEMBER(wr, n_sge) && SAME_MEMBER(wr, sge),
	       "struct fab_wr and struct iw_wr");
_Static_assert(sizeof(struct fab_sge) == sizeof(struct iw_sge) && SAME_MEMBER(sge, addr) &&
		       SAME_MEMBER(sge, len),
	       "struct fab_sge and struct iw_sge");
_Static_assert((int)FAB_WR_SEND == (int)IW_WR_SEND && (int)FAB_WR_READ == (int)IW_WR_READ &&
		       (int)FAB_WR_WRITE == (int)IW_WR_WRITE &&
		       (int)FAB_WR_MARKER == (int)IW_WR_MARKER &&
		       FAB_WR_SIGNALED == IW_WR_SIGNALED && FAB_WR_SOLICITED == IW_WR_SOLICITED &&
		       FAB_SGE_MAX == IW_SGE_MAX,
	       "operations and flags");
_Static_assert(sizeof(struct fab_wc) == sizeof(struct iw_wc) && SAME_MEMBER(wc, wr_id) &&
		       SAME_MEMBER(wc, op) && SAME_MEMBER(wc, status) && SAME_MEMBER(wc, byte_len),
	       "struct fab_wc and struct iw_wc");
_Static_assert((int)FAB_WC_SEND == (int)IW_WC_SEND && (int)FAB_WC_READ == (int)IW_WC_READ &&
		       (int)FAB_WC_WRITE == (int)IW_WC_WRITE &&
		       (int)FAB_WC_MARKER == (int)IW_WC_MARKER &&
		       (int)FAB_WC_RECV == (int)IW_WC_RECV && (int)FAB_WC_OK == (int)IW_WC_OK &&
		       (int)FAB_WC_FLUSHED == (int)IW_WC_FLUSHED &&
		       (int)FAB_WC_LOCAL == (int)IW_WC_LOCAL &&
		       (int)FAB_WC_REMOTE == (int)IW_WC_REMOTE &&
		       (int)FAB_WC_TRANSPORT == (int)IW_WC_TRANSPORT,
	       "completions");
/* NOLINTEND(bugprone-sizeof-expression,misc-redundant-expression) */

static void conn_stopped(struct worker *w, struct worker_poll *p);
static void conn_timeout(struct worker *w, struct worker_timer *t);

/* The last of a destroyed connection. */
static void conn_free(struct fi_conn *c)
{
	struct fi *fi = fi_of(c->base.fab);

	free(c->qp);
	free(c->active);
	free(c);
	fi_dismiss(fi);
	fi_unref(fi);
}

static void conn_free_msg(struct worker *w, struct worker_msg *m)
{
	(void)w;
	conn_free(container_of(m, struct fi_conn, free_msg));
}

int fi_conn_make(struct fi_conn **ret, struct fi *fi, struct worker *w)
{
	struct fi_conn *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->base.fab = &fi->fab;
	c->w = w;
	c->fd = -1;
	c->batch_len = fi->opts.batch_bytes;
	c->early_at = FI_EARLY_POSTS;
	worker_job_init(&c->job, fi_stream_job);
	worker_timer_init(&c->timer, conn_timeout);
	c->poll.ready = fi_stream_ready;
	c->poll.stopped = conn_stopped;
	c->free_msg.run = conn_free_msg;
	fi_ref(fi);
	*ret = c;
	return 0;
}

int fi_conn_new(struct fab_conn **ret, struct fab *f, struct worker *w,
		const struct fab_handler *handler, void *ctx)
{
	struct fi *fi = fi_of(f);
	struct fi_conn *c;
	int r;

	if (!fi_admit(fi))
		return -EMFILE;
	r = fi_conn_make(&c, fi, w);
	if (r) {
		fi_dismiss(fi);
		return r;
	}
	c->handler = handler;
	c->ctx = ctx;
	*ret = &c->base;
	return 0;
}

void fi_conn_migrate(struct fab_conn *base, struct worker *w)
{
	struct fi_conn *c = fi_conn_of(base);

	/* Nothing of the old worker is in use: the socket is not watched between request and answer. */
	check(c->state == FI_REQUESTED && !c->qp && !c->dying);
	c->w = w;
}

void fi_conn_kick(struct fi_conn *c)
{
	if (c->in_job)
		c->again = true;
	else
		worker_defer(c->w, &c->job);
}

void fi_conn_watch(struct fi_conn *c)
{
	c->poll.fd = c->fd;
	c->poll.events = FI_POLL_EVENTS;
	c->polling = true;
	worker_poll_start(c->w, &c->poll);
}

bool fi_conn_arm(struct fi_conn *c, uint64_t after_ns)
{
	return worker_timer_start(c->w, &c->timer, worker_now_ns(c->w) + after_ns) == 0;
}

static void conn_close(struct fi_conn *c, bool reset)
{
	worker_timer_stop(c->w, &c->timer);
	if (c->fd < 0)
		return;
	if (c->polling)
		worker_poll_stop(c->w, &c->poll);
	if (reset) {
		fi_sock_reset(c->fd);
	} else {
		/* The engine may hold the file for another round; the peer shall hear now. */
		(void)shutdown(c->fd, SHUT_RDWR);
		(void)close(c->fd);
	}
	c->fd = -1;
}

void fi_conn_down(struct fi_conn *c, unsigned events, int err, bool reset)
{
	if (c->state == FI_DOWN)
		return;
	c->state = FI_DOWN;
	conn_close(c, reset);
	c->rx_more = false;
	c->tx_held = false;
	c->discard = true;
	c->events |= events;
	c->ev_error = err;
	if (c->qp)
		iw_qp_error(c->qp, err ? IW_WC_TRANSPORT : IW_WC_FLUSHED);
	fi_conn_kick(c);
}

/* Start to wait for the peer's FIN, at most for the deadline. */
static void conn_closing(struct fi_conn *c, bool flush)
{
	struct fi *fi = fi_of(c->base.fab);

	c->state = FI_CLOSING;
	c->flush = flush;
	c->tx_held = false;
	fi_conn_kick(c);
	if (!fi_conn_arm(c, fi->opts.disconnect_ms * NSEC_PER_MSEC))
		fi_conn_down(c, FI_EV_DISCONNECTED, -ENOSPC, true);
}

int fi_conn_disconnect(struct fab_conn *base)
{
	struct fi_conn *c = fi_conn_of(base);

	switch (c->state) {
	case FI_LIVE:
		conn_closing(c, true);
		return 0;
	case FI_CLOSING:
	case FI_DOWN: /* its end was told, or will be */
		return 0;
	case FI_CONNECTING:
	case FI_WAIT_REPLY:
		fi_conn_down(c, FI_EV_CONNECT_ERROR, -ECANCELED, true);
		return 0;
	default:
		return -ENOTCONN;
	}
}

void fi_conn_qp_error(struct fab_conn *base)
{
	struct fi_conn *c = fi_conn_of(base);

	if (!c->qp || c->discard)
		return;
	c->discard = true;
	iw_qp_error(c->qp, IW_WC_FLUSHED);
	if (c->state == FI_LIVE)
		conn_closing(c, false);
	c->flush = false;
	fi_conn_kick(c);
}

int fi_conn_qp_create(struct fab_conn *base, const struct fab_qp_attr *attr)
{
	struct fi_conn *c = fi_conn_of(base);
	const struct fab_iwarp_opts *opts = &fi_of(base->fab)->opts;
	const size_t head = (sizeof(struct iw_qp) + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
	struct iw_qp_attr a = { .sq_depth = attr->sq_depth,
				.rq_depth = attr->rq_depth,
				.max_sge = attr->max_sge,
				.ord = attr->max_rd_atomic,
				.ird = attr->max_dest_rd_atomic,
				.n_stags = opts->n_stags,
				.any_recv = attr->any_recv,
				.crc = c->agreed.crc,
				.rtr = c->agreed.rtr,
				.responder = c->state == FI_REQUESTED,
				.max_payload = opts->max_payload,
				.direct_threshold = opts->direct_threshold };
	size_t len = iw_qp_mem_size(&a);
	uint8_t *mem;

	if ((c->state != FI_NEW && c->state != FI_REQUESTED) || c->lane || !len)
		return -EINVAL;
	c->lane = fi_lane_get(fi_of(base->fab), c->w);
	mem = c->lane ? aligned_alloc(CACHE_LINE,
				      (head + len + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE)
		      : NULL;
	if (!mem)
		return -ENOMEM;
	/* Keys hard to guess are no protection, only a help against a peer that mixes connections up. */
	if (getrandom(&a.stag_seed, sizeof(a.stag_seed), GRND_NONBLOCK) < 0)
		a.stag_seed = (uint32_t)worker_clock_ns();
	c->qp = (void *)mem;
	check(iw_qp_init(c->qp, &a, mem + head, len) == 0);
	c->attr = *attr;
	return 0;
}

void fi_conn_qp_destroy(struct fab_conn *base)
{
	struct fi_conn *c = fi_conn_of(base);

	free(c->qp);
	c->qp = NULL;
	c->discard = true;
	c->flush = false;
	if (c->state == FI_LIVE)
		conn_closing(c, false);
	else if (c->state == FI_CLOSING)
		fi_conn_kick(c); /* what was to be sent before the FIN is gone */
}

/* Write a handshake frame in one go; the fresh socket's buffer always has the room. */
static int conn_reply(struct fi_conn *c, const struct mpa_frame *f)
{
	uint8_t out[MPA_FRAME_MAX];
	struct pen pen = pen_of(out, sizeof(out));
	ssize_t n;

	mpa_frame_encode(&pen, f);
	if (pen.bad)
		return -EINVAL;
	n = send(c->fd, out, pen.pos, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0)
		return -errno;
	return (size_t)n == pen.pos ? 0 : -ECONNRESET;
}

int fi_conn_accept(struct fab_conn *base, const void *priv, size_t priv_len,
		   unsigned initiator_depth)
{
	struct fi_conn *c = fi_conn_of(base);
	struct iw_mpa_cfg cfg = { .crc = fi_of(base->fab)->opts.crc_required };
	struct mpa_frame reply;
	int r;

	if (c->state != FI_REQUESTED || !c->qp || c->discard || priv_len > FAB_PRIVATE_DATA_MAX)
		return -EINVAL;
	cfg.ird = (uint16_t)min_u32(c->attr.max_dest_rd_atomic, FI_RD_MAX);
	cfg.ord = (uint16_t)min_u32(min_u32(initiator_depth, c->attr.max_rd_atomic), FI_RD_MAX);
	r = iw_mpa_responder(&cfg, &c->req, &c->agreed);
	if (r)
		return -EPROTO;
	c->agreed.ord = (uint16_t)min_u32(c->agreed.ord, cfg.ord);
	iw_mpa_accept_frame(&c->req, &c->agreed, priv, priv_len, &reply);
	r = conn_reply(c, &reply);
	if (r)
		return r;
	/* Nothing was posted to the wire yet: the queue pair may still learn what came of the handshake. */
	c->qp->attr.ord = c->agreed.ord;
	c->state = FI_LIVE;
	c->events |= FI_EV_ESTABLISHED;
	fi_conn_watch(c);
	fi_conn_kick(c);
	return 0;
}

int fi_conn_reject(struct fab_conn *base, const void *priv, size_t priv_len)
{
	struct fi_conn *c = fi_conn_of(base);
	struct mpa_frame reply;
	int r;

	if (c->state != FI_REQUESTED || priv_len > FAB_PRIVATE_DATA_MAX)
		return -EINVAL;
	iw_mpa_reject_frame(&c->req, priv, priv_len, &reply);
	r = conn_reply(c, &reply);
	(void)shutdown(c->fd, SHUT_WR);
	c->state = FI_REJECTING;
	fi_conn_qp_error(base);
	/* A close now could reset the connection before the peer has read why. */
	if (r == 0 && fi_conn_arm(c, FI_LINGER_MS * NSEC_PER_MSEC))
		fi_conn_watch(c);
	else
		fi_conn_down(c, 0, 0, true);
	return r;
}

static void conn_release(struct fi_conn *c)
{
	conn_close(c, false);
	worker_undefer(c->w, &c->job);
	/* Not now: a handler of this connection may be what we are called from. */
	if (!c->polling)
		worker_post(c->w, &c->free_msg);
}

void fi_conn_destroy(struct fab_conn *base)
{
	struct fi_conn *c = fi_conn_of(base);

	check(!c->dying);
	c->dying = true;
	free(c->qp);
	c->qp = NULL;
	worker_undefer(c->w, &c->job);
	if (c->state != FI_REJECTING)
		conn_release(c);
}

static void conn_linger_end(struct fi_conn *c)
{
	if (c->dying) {
		c->state = FI_DOWN;
		conn_release(c);
	} else {
		fi_conn_down(c, 0, 0, false);
	}
}

void fi_conn_linger(struct fi_conn *c)
{
	char sink[1024];
	ssize_t n;
	unsigned i;

	/* What a rejected peer still sends is of no interest; one that sends much is cut off. */
	for (i = 0; i < 64; i++) {
		n = recv(c->fd, sink, sizeof(sink), MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n == 0 || (n < 0 && errno != EINTR))
			break;
	}
	conn_linger_end(c);
}

static void conn_stopped(struct worker *w, struct worker_poll *p)
{
	struct fi_conn *c = container_of(p, struct fi_conn, poll);

	(void)w;
	c->polling = false;
	if (c->dying)
		conn_free(c);
}

static void conn_timeout(struct worker *w, struct worker_timer *t)
{
	struct fi_conn *c = container_of(t, struct fi_conn, timer);

	(void)w;
	switch (c->state) {
	case FI_CONNECTING:
	case FI_WAIT_REPLY:
		fi_active_timeout(c);
		break;
	case FI_LIVE:
		c->tx_held = false;
		fi_conn_kick(c);
		break;
	case FI_CLOSING:
		fi_conn_down(c, FI_EV_DISCONNECTED, -ETIMEDOUT, true);
		break;
	case FI_REJECTING:
		conn_linger_end(c);
		break;
	default:
		break;
	}
}

int fi_conn_post_recv(struct fab_conn *base, uint64_t wr_id, void *buf, uint32_t len)
{
	struct fi_conn *c = fi_conn_of(base);
	int r;

	if (!c->qp)
		return -EINVAL;
	r = iw_post_recv(c->qp, wr_id, buf, len);
	if (c->discard) /* it is flushed already; somebody must say so */
		fi_conn_kick(c);
	return r;
}

/* Whether the engine will take @wr, so that a chain is posted whole or not at all. */
static bool wr_ok(const struct fi_conn *c, const struct fab_wr *wr)
{
	uint64_t len = 0;
	unsigned i;

	if (wr->n_sge > c->attr.max_sge || (wr->op == FAB_WR_READ && !c->qp->attr.ord))
		return false;
	for (i = 0; i < wr->n_sge; i++)
		len += wr->sge[i].len;
	return len <= UINT32_MAX;
}

int fi_conn_post_send(struct fab_conn *base, const struct fab_wr *wr, unsigned n)
{
	struct fi_conn *c = fi_conn_of(base);
	unsigned i;
	int r;

	if (!c->qp)
		return -EINVAL;
	if (n == 1) { /* the engine looks at it itself */
		r = iw_post_send(c->qp, (const void *)wr);
		if (!r)
			fi_stream_posted(c);
		return r;
	}
	if (n > iw_sq_free(c->qp))
		return -ENOMEM;
	for (i = 0; i < n; i++)
		if (!wr_ok(c, &wr[i]))
			return -EINVAL;
	for (i = 0; i < n; i++)
		check(iw_post_send(c->qp, (const void *)&wr[i]) == 0);
	fi_stream_posted(c);
	return 0;
}

bool fi_conn_tell(struct fi_conn *c, unsigned which)
{
	static const enum fab_event_type type[] = { FAB_EV_ESTABLISHED, FAB_EV_REJECTED,
						    FAB_EV_UNREACHABLE, FAB_EV_CONNECT_ERROR,
						    FAB_EV_QP_FATAL,    FAB_EV_DISCONNECTED };
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(type); i++) {
		struct fab_event ev = { .type = type[i], .text = c->ev_text };

		if (!(c->events & which & BIT(i)))
			continue;
		c->events &= ~BIT(i);
		if (BIT(i) == FI_EV_ESTABLISHED)
			ev.text = NULL;
		else
			ev.error = c->ev_error;
		if (c->active && (BIT(i) & (FI_EV_ESTABLISHED | FI_EV_REJECTED))) {
			ev.priv = c->active->reply.priv;
			ev.priv_len = c->active->reply.priv_len;
		}
		if (!c->ev_text[0])
			ev.text = NULL;
		c->handler->event(&c->base, &ev);
		if (c->dying)
			return false;
	}
	return true;
}
