/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A listener: an id that is bound to an address, or the wish for one while no device has that address. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "fabric/verbs/fv.h"

static struct fv_listener *fv_listener_of(const struct fab_listener *l)
{
	return container_of(l, struct fv_listener, base);
}

static struct fv *listener_fv(const struct fv_listener *l)
{
	return fv_of(l->base.fab);
}

/* Make the id. Return: 0 or -errno. */
static int listener_bind(struct fv_listener *l)
{
	enum rdma_port_space ps = l->addr.ss_family == AF_IB ? RDMA_PS_IB : RDMA_PS_TCP;
	int on = 1;
	int r;

	if (!l->lane) {
		/* Without any device there is no event channel either. */
		r = fv_lane_get(&l->lane, listener_fv(l), l->w);
		if (r)
			return r;
	}
	if (rdma_create_id(l->lane->channel, &l->id, l, ps)) {
		l->id = NULL;
		return errno ? -errno : -ENOMEM;
	}
	/* As the other providers: [::] is IPv6 alone, so that 0.0.0.0 can be listened on as well. */
	if (l->addr.ss_family == AF_INET6)
		(void)rdma_set_option(l->id, RDMA_OPTION_ID, RDMA_OPTION_ID_AFONLY, &on,
				      sizeof(on));
	if (rdma_bind_addr(l->id, (struct sockaddr *)&l->addr) == 0 &&
	    /* P8: requests that we have not fetched count; what is beyond is rejected by the kernel. */
	    rdma_listen(l->id, (int)listener_fv(l)->opts.limits.handshakes) == 0)
		return 0;
	r = errno ? -errno : -EIO;
	(void)rdma_destroy_id(l->id);
	l->id = NULL;
	return r;
}

/* @err: why it does not listen */
static void listener_wait(struct fv_listener *l, int err)
{
	uint64_t ms = err == -EADDRINUSE ? FV_RETRY_BUSY_MS : FV_RETRY_MS;

	if (worker_timer_start(l->w, &l->retry, worker_now_ns(l->w) + ms * NSEC_PER_MSEC))
		log_error("verbs: no timer to wait for a device with");
}

static void listener_retry(struct worker *w, struct worker_timer *t)
{
	struct fv_listener *l = container_of(t, struct fv_listener, retry);
	char text[FV_ADDR_TEXT];
	int r = listener_bind(l);

	(void)w;
	if (r) {
		listener_wait(l, r);
		return;
	}
	fv_addr_text((struct sockaddr *)&l->addr, text);
	log_info("verbs: listening on %s, its device has come", text);
}

/* Whether time may change it: no device at all, or none with this address. */
static bool listener_may_wait(const struct fv_listener *l, int err)
{
	return listener_fv(l)->opts.wait_for_device &&
	       (err == -ENODEV || err == -EADDRNOTAVAIL || err == -ENOENT);
}

static void listener_free_msg(struct worker *w, struct worker_msg *m)
{
	struct fv_listener *l = container_of(m, struct fv_listener, free_msg);
	struct fv *fv = listener_fv(l);

	(void)w;
	free(l);
	fv_unref(fv);
}

/* NOLINTNEXTLINE(readability-function-size): the parameters are the seam's */
int fv_listen(struct fab_listener **ret, struct fab *f, struct worker *w,
	      const struct sockaddr *addr, socklen_t addr_len, const struct fab_handler *handler,
	      void *ctx)
{
	struct fv_listener *l;
	char text[FV_ADDR_TEXT];
	int r;

	l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	r = fv_addr_take(addr, addr_len, &l->addr);
	if (r) {
		free(l);
		return r;
	}
	l->kind = FV_LISTENER;
	l->base.fab = f;
	l->w = w;
	l->handler = handler;
	l->ctx = ctx;
	l->free_msg.run = listener_free_msg;
	worker_timer_init(&l->retry, listener_retry);
	r = listener_bind(l);
	if (r && !listener_may_wait(l, r)) {
		fv_lane_put(l->lane);
		free(l);
		return r;
	}
	fv_ref(fv_of(f));
	if (r) {
		fv_addr_text((struct sockaddr *)&l->addr, text);
		log_info("verbs: no RDMA device has %s, waiting for one", text);
		listener_wait(l, r);
	}
	*ret = &l->base;
	return 0;
}

void fv_listener_lost(struct fv_listener *l, const char *why)
{
	char text[FV_ADDR_TEXT];

	fv_addr_text((struct sockaddr *)&l->addr, text);
	log_warn("verbs: listener on %s: %s, waiting for another", text, why);
	if (l->id)
		(void)rdma_destroy_id(l->id);
	l->id = NULL;
	listener_wait(l, -ENODEV);
}

void fv_unlisten(struct fab_listener *base)
{
	struct fv_listener *l = fv_listener_of(base);

	worker_timer_stop(l->w, &l->retry);
	/* Requests that nobody has fetched are rejected by this. */
	if (l->id)
		(void)rdma_destroy_id(l->id);
	l->id = NULL;
	fv_lane_put(l->lane);
	l->lane = NULL;
	/* Not now: its own event may be what we are called from. */
	worker_post(l->w, &l->free_msg);
}

void fv_listener_addr(const struct fab_listener *base, struct sockaddr_storage *ret)
{
	const struct fv_listener *l = fv_listener_of(base);

	*ret = l->addr;
	if (l->id)
		memcpy(ret, rdma_get_local_addr(l->id), fv_addr_len(rdma_get_local_addr(l->id)));
}
