/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The active side's handshake: TCP connect, MPA request, MPA reply. */
#include "fabric/iwarp/fi.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MPA_REV 2

static void active_fail(struct fi_conn *c, unsigned event, int err, const char *why)
{
	(void)snprintf(c->ev_text, sizeof(c->ev_text), "%s", why);
	fi_conn_down(c, event, -err, true);
}

static void active_unconnected(struct fi_conn *c, int err)
{
	bool silent = err == ETIMEDOUT || err == EHOSTUNREACH || err == ENETUNREACH;

	active_fail(c, silent ? FI_EV_UNREACHABLE : FI_EV_CONNECT_ERROR, err, "cannot connect");
}

void fi_active_timeout(struct fi_conn *c)
{
	active_fail(c, FI_EV_UNREACHABLE, ETIMEDOUT,
		    c->state == FI_CONNECTING ? "no answer to the TCP connection"
					      : "no MPA reply in time");
}

/* Start to connect @c's new socket. What the network says at once is told like what it says later. */
static int active_start(struct fi_conn *c, const struct sockaddr *addr, socklen_t addr_len)
{
	const struct fi *fi = fi_of(c->base.fab);
	int fd = fi_sock_new(addr->sa_family);
	int err;

	if (fd < 0)
		return fd;
	fi_sock_tune(fi, fd);
	err = connect(fd, addr, addr_len) ? errno : 0;
	if (err == EINVAL || err == EAFNOSUPPORT || err == EACCES || err == EPERM) {
		(void)close(fd);
		return -err;
	}
	if (!fi_conn_arm(c, fi->opts.connect_ms * NSEC_PER_MSEC)) {
		(void)close(fd);
		return -ENOSPC;
	}
	memcpy(&c->peer, addr, min_size(addr_len, sizeof(c->peer)));
	c->fd = fd;
	c->state = FI_CONNECTING;
	if (err && err != EINPROGRESS)
		active_unconnected(c, err);
	else
		fi_conn_watch(c);
	return 0;
}

/* NOLINTNEXTLINE(readability-function-size): the parameters are the seam's */
int fi_active_connect(struct fab_conn *base, const struct sockaddr *addr, socklen_t addr_len,
		      const void *priv, size_t priv_len, unsigned initiator_depth,
		      unsigned responder_resources)
{
	struct fi_conn *c = fi_conn_of(base);
	struct mpa_frame req;
	struct fi_active *a;
	struct pen pen;

	if (c->state != FI_NEW || !c->qp || c->discard || addr_len < sizeof(addr->sa_family) ||
	    priv_len > FAB_PRIVATE_DATA_MAX)
		return -EINVAL;
	a = c->active ? c->active : calloc(1, sizeof(*a));
	if (!a)
		return -ENOMEM;
	c->active = a;
	a->cfg.crc = fi_of(base->fab)->opts.crc_required;
	a->cfg.rev = MPA_REV;
	a->cfg.ord = (uint16_t)min_u32(min_u32(initiator_depth, c->attr.max_rd_atomic), FI_RD_MAX);
	a->cfg.ird = (uint16_t)min_u32(min_u32(responder_resources, c->attr.max_dest_rd_atomic),
				       FI_RD_MAX);
	iw_mpa_request_frame(&a->cfg, priv, priv_len, &req);
	pen = pen_of(a->out, sizeof(a->out));
	mpa_frame_encode(&pen, &req);
	if (pen.bad)
		return -EINVAL;
	a->out_len = pen.pos;
	return active_start(c, addr, addr_len);
}

/* Whether the TCP connection stands; if it failed, that is told. */
static bool active_connected(struct fi_conn *c, unsigned revents)
{
	int err = 0;
	socklen_t len = sizeof(err);

	if (!(revents & (POLLOUT | POLLERR | POLLHUP)))
		return false;
	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &len))
		err = errno;
	if (!err && (revents & POLLOUT) && !(revents & POLLERR))
		return true;
	/* A fresh socket says POLLHUP before its connection attempt has begun to count. */
	if (!err && !(revents & POLLERR))
		return false;
	active_unconnected(c, err ? err : ECONNRESET);
	return false;
}

/* Send the rest of the request. False when the connection failed. */
static bool active_send(struct fi_conn *c)
{
	struct fi_active *a = c->active;
	ssize_t n;

	while (a->sent < a->out_len) {
		n = send(c->fd, a->out + a->sent, a->out_len - a->sent,
			 MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n >= 0) {
			a->sent += (size_t)n;
		} else if (errno == EAGAIN) {
			return true;
		} else if (errno != EINTR) {
			active_fail(c, FI_EV_CONNECT_ERROR, errno, "cannot send the MPA request");
			return false;
		}
	}
	return true;
}

/* The reply agrees: let traffic begin. @rest bytes came behind it. */
static void active_live(struct fi_conn *c, const struct iw_mpa_agreed *agreed, size_t rest)
{
	const struct fab_iwarp_opts *opts = &fi_of(c->base.fab)->opts;
	struct fi_active *a = c->active;

	/* Nothing was exchanged yet: the queue pair may still learn what came of the handshake. */
	c->qp->attr.crc = agreed->crc;
	c->qp->attr.ord = agreed->ord;
	c->state = FI_LIVE;
	worker_timer_stop(c->w, &c->timer);
	c->tx_held = opts->first_fpdu_delay_us &&
		     fi_conn_arm(c, opts->first_fpdu_delay_us * NSEC_PER_USEC);
	c->events |= FI_EV_ESTABLISHED;
	if (fi_conn_tell(c, FI_EV_ESTABLISHED))
		fi_stream_begin(c, a->in + a->got - rest, rest);
}

static void active_reply(struct fi_conn *c)
{
	struct fi_active *a = c->active;
	struct cur in = cur_of(a->in, a->got);
	struct iw_mpa_agreed agreed;

	if (mpa_frame_decode(&in, true, &a->reply)) {
		active_fail(c, FI_EV_CONNECT_ERROR, EPROTO, "malformed MPA reply");
		return;
	}
	if (!c->qp || c->discard) {
		active_fail(c, FI_EV_CONNECT_ERROR, ECANCELED, "given up by our side");
		return;
	}
	switch (iw_mpa_initiator(&a->cfg, &a->reply, &agreed)) {
	case 0:
		active_live(c, &agreed, cur_left(&in));
		return;
	case IW_MPA_E_REJECTED:
		active_fail(c, FI_EV_REJECTED, ECONNREFUSED, "refused by the peer");
		return;
	case IW_MPA_E_IRD:
		iw_qp_terminate(c->qp, 2, 0, 6);
		fi_stream_last_words(c);
		break;
	case IW_MPA_E_RTR:
		iw_qp_terminate(c->qp, 2, 0, 7);
		fi_stream_last_words(c);
		break;
	default:
		break;
	}
	active_fail(c, FI_EV_CONNECT_ERROR, EPROTO, "the MPA reply does not fit the request");
}

/* Look at what has come. True: more is needed. */
static bool active_check(struct fi_conn *c)
{
	struct fi_active *a = c->active;
	size_t len;

	switch (mpa_frame_len(a->in, a->got, true, &len)) {
	case 0:
		if (a->got < len)
			return true;
		active_reply(c);
		return false;
	case MPA_E_TRUNCATED:
		return true;
	default:
		active_fail(c, FI_EV_CONNECT_ERROR, EPROTO, "the answer is no MPA reply");
		return false;
	}
}

void fi_active_ready(struct fi_conn *c, unsigned revents)
{
	struct fi_active *a = c->active;
	ssize_t n;

	if (revents & POLLRDHUP)
		c->hangup = true;
	if (c->state == FI_CONNECTING) {
		if (!active_connected(c, revents))
			return;
		c->state = FI_WAIT_REPLY;
	}
	if (!active_send(c))
		return;
	do {
		n = recv(c->fd, a->in + a->got, sizeof(a->in) - a->got, MSG_DONTWAIT);
		if (n > 0)
			a->got += (size_t)n;
		else if (n < 0 && errno == EAGAIN)
			return;
		else if (n == 0 || errno != EINTR) {
			active_fail(c, FI_EV_CONNECT_ERROR, n ? errno : ECONNRESET,
				    "connection ended before the MPA reply");
			return;
		}
	} while (active_check(c));
}
