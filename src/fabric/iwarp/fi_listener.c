/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A listening socket: accepts TCP connections within the limits and makes half-open logins of them. */
#include "fabric/iwarp/fi.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

#define LISTEN_BACKLOG 1024
#define ACCEPT_BUDGET  64u    /* connections taken in one step */
#define PAUSE_MS       100ull /* before the next try when descriptors or memory ran out */

static struct fi_listener *fi_listener_of(const struct fab_listener *l)
{
	return container_of(l, struct fi_listener, base);
}

/* Why a further half-open login of @peer may not be, or NULL. */
static const char *listener_refusal(const struct fi_listener *l,
				    const struct sockaddr_storage *peer)
{
	struct fi *fi = fi_of(l->base.fab);
	const struct list *i;
	unsigned n = 0;

	if (atomic_load_explicit(&fi->n_halves, memory_order_relaxed) >= fi->opts.limits.handshakes)
		return "too many half-open logins";
	/* The walk is bounded by limits.handshakes, and an accept is no fast path. */
	list_for_each (i, &l->halves)
		n += fi_sock_same_host(&list_entry(i, struct fi_half, node)->peer, peer);
	if (n >= fi->opts.limits.handshakes_per_peer)
		return "too many half-open logins of this address";
	return NULL;
}

static void listener_take(struct fi_listener *l, int fd, const struct sockaddr_storage *peer)
{
	struct fi *fi = fi_of(l->base.fab);
	const char *why = listener_refusal(l, peer);
	char text[FI_ADDR_TEXT];
	bool admitted = false;

	if (!why) {
		admitted = fi_admit(fi);
		why = admitted ? NULL : "too many connections";
	}
	if (!why && fi_half_new(l, fd, peer))
		why = "no memory or timer";
	if (!why)
		return;
	fi_sock_text(peer, text);
	log_warn("iwarp: connection of %s: %s, dropping it", text, why);
	if (admitted)
		fi_dismiss(fi);
	fi_sock_reset(fd);
}

/* Whether accept() failed for want of something that time may bring back. */
static bool accept_short(int err)
{
	return err == EMFILE || err == ENFILE || err == ENOBUFS || err == ENOMEM;
}

static void listener_accept(struct fi_listener *l)
{
	struct sockaddr_storage peer;
	socklen_t len;
	unsigned n;
	int fd;

	for (n = 0; n < ACCEPT_BUDGET; n++) {
		len = sizeof(peer);
		memset(&peer, 0, sizeof(peer));
		fd = accept4(l->fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			listener_take(l, fd, &peer);
			continue;
		}
		if (errno == EAGAIN)
			return;
		if (accept_short(errno)) {
			log_warn("iwarp: cannot accept: %s, trying again in %llu ms",
				 strerrordesc_np(errno), PAUSE_MS);
			if (worker_timer_start(l->w, &l->pause,
					       worker_now_ns(l->w) + PAUSE_MS * NSEC_PER_MSEC))
				break; /* no timer: try in the next round */
			return;
		}
		/* What else accept() reports (ECONNABORTED, network errors) concerns that peer only. */
	}
	worker_defer(l->w, &l->again);
}

static void listener_ready(struct worker *w, struct worker_poll *p, unsigned revents)
{
	struct fi_listener *l = container_of(p, struct fi_listener, poll);

	(void)w;
	(void)revents;
	/* While a pause runs, new arrivals wait for its end like the others. */
	if (!l->pause.slot)
		listener_accept(l);
}

static void listener_resume(struct worker *w, struct worker_timer *t)
{
	(void)w;
	listener_accept(container_of(t, struct fi_listener, pause));
}

static void listener_again(struct worker *w, struct worker_job *j)
{
	(void)w;
	listener_accept(container_of(j, struct fi_listener, again));
}

static void listener_stopped(struct worker *w, struct worker_poll *p)
{
	struct fi_listener *l = container_of(p, struct fi_listener, poll);
	struct fi *fi = fi_of(l->base.fab);

	(void)w;
	free(l);
	fi_unref(fi);
}

/* Bind and listen. Return: 0 or -errno. */
static int listener_bind(int fd, const struct sockaddr *addr, socklen_t addr_len)
{
	const int on = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)))
		return -errno;
	/* "::" takes IPv6 only, so that a listener on 0.0.0.0 can stand beside it. */
	if (addr->sa_family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)))
		return -errno;
	if (bind(fd, addr, addr_len) || listen(fd, LISTEN_BACKLOG))
		return -errno;
	return 0;
}

/* A socket that listens at @addr. Return: it, or -errno. */
static int listener_socket(const struct fi *fi, const struct sockaddr *addr, socklen_t addr_len)
{
	const struct fab_iwarp_sockets *s = &fi->opts.sockets;
	int fd = s->find ? s->find(s->ctx, addr, addr_len) : -1;
	int r;

	if (fd >= 0)
		return fd;
	fd = fi_sock_new(addr->sa_family);
	if (fd < 0)
		return fd;
	r = listener_bind(fd, addr, addr_len);
	if (r)
		(void)close(fd);
	return r ? r : fd;
}

/* NOLINTNEXTLINE(readability-function-size): the parameters are the seam's */
int fi_listen(struct fab_listener **ret, struct fab *f, struct worker *w,
	      const struct sockaddr *addr, socklen_t addr_len, const struct fab_handler *handler,
	      void *ctx)
{
	struct fi_listener *l;
	int r;

	if (addr_len < sizeof(addr->sa_family))
		return -EINVAL;
	l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	r = listener_socket(fi_of(f), addr, addr_len);
	if (r < 0) {
		free(l);
		return r;
	}
	l->fd = r;
	l->base.fab = f;
	l->w = w;
	l->handler = handler;
	l->ctx = ctx;
	list_init(&l->halves);
	worker_timer_init(&l->pause, listener_resume);
	worker_job_init(&l->again, listener_again);
	l->poll.fd = l->fd;
	l->poll.events = POLLIN;
	l->poll.ready = listener_ready;
	l->poll.stopped = listener_stopped;
	fi_ref(fi_of(f));
	worker_poll_start(w, &l->poll);
	*ret = &l->base;
	return 0;
}

void fi_unlisten(struct fab_listener *base)
{
	struct fi_listener *l = fi_listener_of(base);
	const struct fab_iwarp_sockets *s = &fi_of(base->fab)->opts.sockets;

	while (!list_empty(&l->halves))
		fi_half_drop(list_entry(l->halves.next, struct fi_half, node));
	worker_timer_stop(l->w, &l->pause);
	worker_undefer(l->w, &l->again);
	worker_poll_stop(l->w, &l->poll);
	if (!s->keep || !s->keep(s->ctx, l->fd)) {
		/* The engine may hold the socket for another round; the address shall be free now. */
		(void)shutdown(l->fd, SHUT_RDWR);
		(void)close(l->fd);
	}
	l->fd = -1;
}

void fi_listener_addr(const struct fab_listener *base, struct sockaddr_storage *ret)
{
	const struct fi_listener *l = fi_listener_of(base);
	socklen_t len = sizeof(*ret);

	memset(ret, 0, sizeof(*ret));
	(void)getsockname(l->fd, (struct sockaddr *)ret, &len);
}
