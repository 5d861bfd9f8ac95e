/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A half-open login: collects the MPA request of a new TCP connection within its deadline. */
#include "fabric/iwarp/fi.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"

/* It is no half-open login any more; the memory goes when the engine lets go of the poll. */
static void half_end(struct fi_half *h)
{
	list_del(&h->node);
	worker_timer_stop(h->w, &h->timer);
	worker_poll_stop(h->w, &h->poll);
	atomic_fetch_sub_explicit(&h->fi->n_halves, 1, memory_order_relaxed);
}

void fi_half_drop(struct fi_half *h)
{
	half_end(h);
	fi_sock_reset(h->fd);
	h->fd = -1;
	fi_dismiss(h->fi);
}

static void half_fail(struct fi_half *h, const char *why)
{
	char text[FI_ADDR_TEXT];

	fi_sock_text(&h->peer, text);
	log_warn("iwarp: login of %s: %s, dropping the connection", text, why);
	fi_half_drop(h);
}

/* Refuse in the protocol's own words; @req is NULL when it could not be decoded. */
static void half_refuse(struct fi_half *h, const struct mpa_frame *req, const char *why)
{
	uint8_t out[MPA_FRAME_MAX];
	struct pen pen = pen_of(out, sizeof(out));
	struct mpa_frame reply;
	char text[FI_ADDR_TEXT];

	fi_sock_text(&h->peer, text);
	log_warn("iwarp: login of %s: %s, refusing it", text, why);
	iw_mpa_reject_frame(req, NULL, 0, &reply);
	mpa_frame_encode(&pen, &reply);
	/* Best effort: a peer that does not get it sees the connection end. */
	(void)send(h->fd, out, pen.pos, MSG_NOSIGNAL | MSG_DONTWAIT);
	half_end(h);
	(void)shutdown(h->fd, SHUT_RDWR);
	(void)close(h->fd);
	h->fd = -1;
	fi_dismiss(h->fi);
}

/* Make a connection of it and ask the consumer. */
static void half_request(struct fi_half *h, const struct mpa_frame *req,
			 const struct iw_mpa_agreed *agreed)
{
	struct fi_listener *l = h->listener;
	struct fab_event ev = { .type = FAB_EV_CONNECT_REQUEST,
				.priv = req->priv,
				.priv_len = req->priv_len,
				.initiator_depth = agreed->ord };
	struct fi_conn *c;

	if (fi_conn_make(&c, h->fi, h->w)) {
		half_fail(h, "no memory");
		return;
	}
	half_end(h);
	c->fd = h->fd; /* and its admission */
	h->fd = -1;
	c->state = FI_REQUESTED;
	c->handler = l->handler;
	c->ctx = l->ctx;
	c->peer = h->peer;
	c->req = *req;
	c->req.priv = NULL;
	c->req.priv_len = 0;
	c->agreed = *agreed;
	if (req->enhanced && req->ord != MPA_NO_NEGOTIATE)
		ev.responder_resources = req->ord;
	c->handler->event(&c->base, &ev);
}

static void half_frame(struct fi_half *h)
{
	struct cur in = cur_of(h->buf, h->got);
	struct iw_mpa_cfg cfg = { .crc = h->fi->opts.crc_required, .ird = FI_RD_MAX };
	struct iw_mpa_agreed agreed;
	struct mpa_frame req;

	switch (mpa_frame_decode(&in, false, &req)) {
	case 0:
		break;
	case MPA_E_REVISION:
		half_refuse(h, NULL, "unknown MPA revision");
		return;
	default:
		half_fail(h, "malformed MPA request");
		return;
	}
	cfg.ord = req.enhanced ? FI_RD_MAX : FI_RD_UNTOLD;
	switch (iw_mpa_responder(&cfg, &req, &agreed)) {
	case 0:
		half_request(h, &req, &agreed);
		return;
	case IW_MPA_E_MARKERS:
		half_refuse(h, &req, "wants MPA markers");
		return;
	default:
		half_refuse(h, &req, "offers no RTR frame we take");
		return;
	}
}

/* Look at what has come. True: more is needed. */
static bool half_check(struct fi_half *h)
{
	size_t len = 0;

	switch (mpa_frame_len(h->buf, h->got, false, &len)) {
	case 0:
		break;
	case MPA_E_TRUNCATED:
		return true;
	case MPA_E_TOO_LONG:
		half_fail(h, "MPA request with too much private data");
		return false;
	default:
		half_fail(h, "not an MPA request");
		return false;
	}
	if (h->got < len)
		return true;
	/* The peer must be quiet until it has our reply [RFC 5044 7.1.2]. */
	if (h->got > len)
		half_fail(h, "data behind the MPA request");
	else
		half_frame(h);
	return false;
}

static void half_ready(struct worker *w, struct worker_poll *p, unsigned revents)
{
	struct fi_half *h = container_of(p, struct fi_half, poll);
	ssize_t n;

	(void)w;
	(void)revents;
	do {
		/* There is always room: a request that fills the buffer is complete or refused. */
		n = recv(h->fd, h->buf + h->got, sizeof(h->buf) - h->got, MSG_DONTWAIT);
		if (n > 0)
			h->got += (size_t)n;
		else if (n < 0 && errno == EAGAIN)
			return;
		else if (n == 0 || errno != EINTR) {
			half_fail(h, n ? "connection broke before the MPA request"
				       : "closed before the MPA request");
			return;
		}
	} while (half_check(h));
}

static void half_timeout(struct worker *w, struct worker_timer *t)
{
	(void)w;
	half_fail(container_of(t, struct fi_half, timer), "no MPA request in time");
}

static void half_stopped(struct worker *w, struct worker_poll *p)
{
	struct fi_half *h = container_of(p, struct fi_half, poll);
	struct fi *fi = h->fi;

	(void)w;
	free(h);
	fi_unref(fi);
}

int fi_half_new(struct fi_listener *l, int fd, const struct sockaddr_storage *peer)
{
	struct fi *fi = fi_of(l->base.fab);
	struct fi_half *h = calloc(1, sizeof(*h));
	int r;

	if (!h)
		return -ENOMEM;
	worker_timer_init(&h->timer, half_timeout);
	r = worker_timer_start(l->w, &h->timer,
			       worker_now_ns(l->w) + fi->opts.limits.handshake_ms * NSEC_PER_MSEC);
	if (r) {
		free(h);
		return r;
	}
	h->listener = l;
	h->fi = fi;
	h->w = l->w;
	h->fd = fd;
	h->peer = *peer;
	h->poll.fd = fd;
	h->poll.events = POLLIN | POLLRDHUP;
	h->poll.ready = half_ready;
	h->poll.stopped = half_stopped;
	fi_sock_tune(fi, fd);
	fi_ref(fi);
	atomic_fetch_add_explicit(&fi->n_halves, 1, memory_order_relaxed);
	list_init(&h->node);
	list_push(&l->halves, &h->node);
	worker_poll_start(l->w, &h->poll);
	return 0;
}
