/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The pump between a socket and its queue pair. Input is read when the socket is ready: payload that is
 * worth it straight into its sink, everything else into the worker's batch buffer, so that one system
 * call serves many FPDUs. Output is gathered once a round, by the connection's job; but where the worker
 * was idle, parts of it leave as soon as they are there, so that two sides that wait for each other work
 * at the same time. Handlers are called
 * from here only, and after each such call the connection may be destroyed (@dying) or without its
 * queue pair.
 */
#include "fabric/iwarp/fi.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* What one connection may do before others get their turn. */
#define RX_READS   8u
#define RX_BYTES   (1u << 20)
#define WC_BATCHES 16u
#define JOB_TURNS  4u

/*
 * The answers to what came together leave in parts when the peer may be waiting: so many came. A command may be
 * answered by more than one post, then the parts are smaller.
 */
static void stream_note_peak(struct fi_conn *c, unsigned n)
{
	c->peak_in -= c->peak_in / FI_PEAK_ONE;
	if (c->peak_in < n * FI_PEAK_ONE)
		c->peak_in = n * FI_PEAK_ONE;
	c->early_at = c->peak_in / FI_PEAK_ONE / 2;
	if (c->early_at < FI_EARLY_POSTS)
		c->early_at = FI_EARLY_POSTS;
}

/* Bring completions up, and the events that are due in between. False when @c is destroyed. */
static bool stream_complete(struct fi_conn *c)
{
	struct fab_wc wc[FI_POLL_BATCH];
	unsigned batch;
	unsigned n;
	unsigned k;

	for (batch = 0; c->qp && batch < WC_BATCHES; batch++) {
		n = iw_poll(c->qp, (void *)wc, FI_POLL_BATCH);
		if (!n)
			break;
		if (!batch)
			stream_note_peak(c, n);
		/* An end of the connection is told behind what was done before it and before the flushes. */
		for (k = 0; k < n && (!c->events || wc[k].status == FAB_WC_OK); k++)
			;
		if (k)
			c->handler->complete(&c->base, wc, k);
		if (k == n) {
			if (c->dying)
				return false;
			continue;
		}
		if (c->dying || !fi_conn_tell(c, c->events))
			return false;
		if (c->qp)
			c->handler->complete(&c->base, wc + k, n - k);
		if (c->dying)
			return false;
	}
	if (batch == WC_BATCHES)
		fi_conn_kick(c);
	return fi_conn_tell(c, c->events);
}

void fi_stream_last_words(struct fi_conn *c)
{
	struct iovec iov[FI_TX_PIECES];
	struct msghdr msg = { .msg_iov = iov };
	size_t bytes;

	msg.msg_iovlen = iw_tx(c->qp, iov, FI_TX_PIECES, FI_TX_BYTES, &bytes);
	if (!msg.msg_iovlen)
		return;
	/* Best effort: the connection ends in any case. */
	if (sendmsg(c->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
		(void)shutdown(c->fd, SHUT_WR);
}

/* The queue pair went to error by itself: a rule was broken, here or there. */
static void stream_fatal(struct fi_conn *c)
{
	const struct iw_term *t = &c->qp->term;

	(void)snprintf(c->ev_text, sizeof(c->ev_text), "%s: %s",
		       t->from_peer ? "the peer sent Terminate" : "protocol error",
		       iw_term_text(t));
	if (!t->from_peer)
		fi_stream_last_words(c);
	fi_conn_down(c, FI_EV_FATAL | FI_EV_DISCONNECTED, -EPROTO, false);
}

static void stream_lost(struct fi_conn *c, int err)
{
	(void)snprintf(c->ev_text, sizeof(c->ev_text), "connection lost: %s", strerrordesc_np(err));
	fi_conn_down(c, FI_EV_DISCONNECTED, -err, true);
}

static void stream_eof(struct fi_conn *c)
{
	if (c->discard || iw_rx_at_boundary(c->qp)) {
		fi_conn_down(c, FI_EV_DISCONNECTED, 0, false);
		return;
	}
	(void)snprintf(c->ev_text, sizeof(c->ev_text), "closed by the peer inside a message");
	fi_conn_down(c, FI_EV_DISCONNECTED, -ECONNRESET, false);
}

/* How much to ask for behind direct payload: little while bulk data comes, so that the next payload is
 * not caught in the batch buffer and copied; more again as soon as little is too little. */
static void stream_adapt(struct fi_conn *c, size_t direct, bool full)
{
	if (direct)
		c->batch_len = FI_BATCH_SMALL;
	else if (full)
		c->batch_len = min_size(c->batch_len * 4, c->lane->batch_len);
}

/* One read. Return: 1 there may be more, 0 drained (or down), -1 @c is destroyed. */
static int stream_read(struct fi_conn *c, size_t *ret_bytes)
{
	struct iovec iov[FI_RX_PIECES + 1];
	struct msghdr msg = { .msg_iov = iov };
	size_t direct = 0;
	size_t got;
	size_t i;
	ssize_t n;

	msg.msg_iovlen = c->discard ? 0 : iw_rx_direct(c->qp, iov, FI_RX_PIECES);
	for (i = 0; i < msg.msg_iovlen; i++)
		direct += iov[i].iov_len;
	stream_adapt(c, direct, false);
	iov[msg.msg_iovlen++] =
		(struct iovec){ .iov_base = c->lane->batch, .iov_len = c->batch_len };
	do {
		n = recvmsg(c->fd, &msg, MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	if (n <= 0) {
		if (n == 0)
			stream_eof(c);
		else if (errno != EAGAIN)
			stream_lost(c, errno);
		return 0;
	}
	got = (size_t)n;
	*ret_bytes += got;
	n = got == direct + c->batch_len || c->hangup;
	if (c->discard)
		return (int)n;
	stream_adapt(c, direct, got == direct + c->batch_len);
	direct = min_size(direct, got);
	if (iw_rx(c->qp, direct, c->lane->batch, got - direct))
		stream_fatal(c);
	if (!stream_complete(c))
		return -1;
	return c->state == FI_DOWN ? 0 : (int)n;
}

/* Read until drained or the budget is used up. False when @c is destroyed. */
static bool stream_rx(struct fi_conn *c)
{
	size_t bytes = 0;
	unsigned i;
	int r;

	c->rx_more = false;
	for (i = 0; i < RX_READS && bytes < RX_BYTES; i++) {
		if (c->state != FI_LIVE && c->state != FI_CLOSING)
			return true;
		r = stream_read(c, &bytes);
		if (r <= 0)
			return r == 0;
	}
	c->rx_more = true;
	fi_conn_kick(c);
	return true;
}

static bool stream_may_send(const struct fi_conn *c)
{
	return c->qp && !c->discard && !c->tx_blocked && !c->tx_held && !c->wr_shut &&
	       (c->state == FI_LIVE || c->state == FI_CLOSING);
}

static void stream_tx(struct fi_conn *c)
{
	struct iovec iov[FI_TX_PIECES];
	struct msghdr msg = { .msg_iov = iov };
	size_t bytes;
	ssize_t n;

	c->n_unsent = 0;
	while (stream_may_send(c)) {
		msg.msg_iovlen = iw_tx(c->qp, iov, FI_TX_PIECES, FI_TX_BYTES, &bytes);
		if (!msg.msg_iovlen)
			return;
		n = sendmsg(c->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n >= 0)
			iw_tx_done(c->qp, (size_t)n);
		else if (errno == EAGAIN)
			c->tx_blocked = true;
		else if (errno != EINTR)
			stream_lost(c, errno);
	}
}

void fi_stream_posted(struct fi_conn *c)
{
	fi_conn_kick(c);
	c->n_unsent++;
	if (c->n_unsent >= c->early_at && worker_was_idle(c->w))
		stream_tx(c);
}

/* FI_CLOSING: our FIN goes out behind the last byte of what was posted. */
static void stream_shut(struct fi_conn *c)
{
	/* A responder whose peer never sent an FPDU may not send one either. */
	bool held = c->qp && c->qp->attr.responder && !iw_rx_seen(c->qp);

	if (c->state != FI_CLOSING || c->wr_shut)
		return;
	if (c->flush && c->qp && !held && !iw_sq_idle(c->qp))
		return;
	c->wr_shut = true;
	(void)shutdown(c->fd, SHUT_WR);
}

void fi_stream_job(struct worker *w, struct worker_job *j)
{
	struct fi_conn *c = container_of(j, struct fi_conn, job);
	unsigned turn = 0;

	(void)w;
	c->in_job = true;
	if (!fi_conn_tell(c, FI_EV_ESTABLISHED))
		return;
	do {
		c->again = false;
		if (c->rx_more && turn == 0 && !stream_rx(c))
			return;
		if (c->qp && c->qp->error && !c->discard)
			stream_fatal(c);
		stream_tx(c);
		if (!stream_complete(c))
			return;
	} while (c->again && ++turn < JOB_TURNS);
	stream_shut(c);
	c->in_job = false;
	if (c->again || c->rx_more)
		worker_defer(c->w, &c->job);
}

void fi_stream_begin(struct fi_conn *c, const uint8_t *p, size_t n)
{
	if (n && !c->discard && c->state == FI_LIVE) {
		if (iw_rx(c->qp, 0, p, n))
			stream_fatal(c);
		if (!stream_complete(c))
			return;
	}
	if (stream_rx(c))
		fi_conn_kick(c);
}

void fi_stream_ready(struct worker *w, struct worker_poll *p, unsigned revents)
{
	struct fi_conn *c = container_of(p, struct fi_conn, poll);

	(void)w;
	switch (c->state) {
	case FI_CONNECTING:
	case FI_WAIT_REPLY:
		fi_active_ready(c, revents);
		return;
	case FI_REJECTING:
		fi_conn_linger(c);
		return;
	case FI_LIVE:
	case FI_CLOSING:
		break;
	default:
		return;
	}
	if (revents & (POLLRDHUP | POLLHUP | POLLERR))
		c->hangup = true;
	if ((revents & POLLOUT) && c->tx_blocked) {
		c->tx_blocked = false;
		fi_conn_kick(c);
	}
	if (!(revents & ~(unsigned)POLLOUT))
		return;
	if (!fi_conn_tell(c, FI_EV_ESTABLISHED) || !stream_rx(c))
		return;
	/* What came may have let something go: answers to the peer's READs, a READ that waited. */
	if (c->state == FI_CLOSING || (c->qp && iw_tx_pending(c->qp)))
		fi_conn_kick(c);
}
