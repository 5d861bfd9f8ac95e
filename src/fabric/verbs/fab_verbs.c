/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "fabric/verbs/fab_verbs.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <infiniband/ib.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fabric/verbs/fv.h"

#define IB_SERVICE 0x00000000013f0000ull /* what AF_IB ids of RDMA_PS_IB may have, see discovery */

static void fv_free(struct fab *f)
{
	fv_unref(fv_of(f));
}

static void fv_set_handler(struct fab_conn *base, const struct fab_handler *handler, void *ctx)
{
	struct fv_conn *c = fv_conn_of(base);

	c->handler = handler;
	c->ctx = ctx;
}

static void *fv_ctx(const struct fab_conn *c)
{
	return fv_conn_of(c)->ctx;
}

static struct worker *fv_worker(const struct fab_conn *c)
{
	return fv_conn_of(c)->w;
}

static void fv_peer_addr(const struct fab_conn *c, struct sockaddr_storage *ret)
{
	*ret = fv_conn_of(c)->peer;
}

static const struct fab_ops fv_ops = {
	.name = "verbs",
	.request_priv_max = 56, /* 92 of an InfiniBand REQ without the 36 of rdma_cm's header */
	.listen = fv_listen,
	.unlisten = fv_unlisten,
	.listener_addr = fv_listener_addr,
	.conn_new = fv_conn_new,
	.connect = fv_conn_connect,
	.migrate = fv_conn_migrate,
	.qp_create = fv_qp_create,
	.accept = fv_conn_accept,
	.reject = fv_conn_reject,
	.disconnect = fv_conn_disconnect,
	.qp_error = fv_conn_qp_error,
	.qp_destroy = fv_qp_destroy,
	.destroy = fv_conn_destroy,
	.post_recv = fv_post_recv,
	.post_send = fv_post_send,
	.mr_reg = fv_mr_reg,
	.mr_dereg = fv_mr_dereg,
	.mem_add = fv_mem_add,
	.mem_del = fv_mem_del,
	.set_handler = fv_set_handler,
	.ctx = fv_ctx,
	.worker = fv_worker,
	.peer_addr = fv_peer_addr,
	.free = fv_free,
};

void fv_ref(struct fv *fv)
{
	atomic_fetch_add_explicit(&fv->refs, 1, memory_order_relaxed);
}

void fv_unref(struct fv *fv)
{
	if (atomic_fetch_sub_explicit(&fv->refs, 1, memory_order_acq_rel) != 1)
		return;
	fv_dev_free_all(fv);
	free(fv->regions);
	(void)pthread_mutex_destroy(&fv->lock);
	free(fv);
}

bool fv_admit(struct fv *fv)
{
	if (atomic_fetch_add_explicit(&fv->n_conns, 1, memory_order_relaxed) <
	    fv->opts.limits.max_conns)
		return true;
	fv_dismiss(fv);
	return false;
}

void fv_dismiss(struct fv *fv)
{
	atomic_fetch_sub_explicit(&fv->n_conns, 1, memory_order_relaxed);
}

int fv_nonblock(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	return 0;
}

socklen_t fv_addr_len(const struct sockaddr *a)
{
	switch (a->sa_family) {
	case AF_INET:
		return sizeof(struct sockaddr_in);
	case AF_INET6:
		return sizeof(struct sockaddr_in6);
	case AF_IB:
		return sizeof(struct sockaddr_ib);
	default:
		return 0;
	}
}

void fv_addr_text(const struct sockaddr *a, char ret[FV_ADDR_TEXT])
{
	char host[INET6_ADDRSTRLEN] = "?";

	if (a->sa_family == AF_INET) {
		const struct sockaddr_in *in4 = (const void *)a;

		(void)inet_ntop(AF_INET, &in4->sin_addr, host, sizeof(host));
		(void)snprintf(ret, FV_ADDR_TEXT, "%s:%u", host, ntohs(in4->sin_port));
	} else if (a->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const void *)a;

		(void)inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
		(void)snprintf(ret, FV_ADDR_TEXT, "[%s]:%u", host, ntohs(in6->sin6_port));
	} else {
		const struct sockaddr_ib *ib = (const void *)a;

		(void)inet_ntop(AF_INET6, &ib->sib_addr, host, sizeof(host));
		(void)snprintf(ret, FV_ADDR_TEXT, "gid:%s", host);
	}
}

int fv_addr_take(const struct sockaddr *addr, socklen_t len, struct sockaddr_storage *ret)
{
	struct sockaddr_ib *ib = (void *)ret;
	struct fab_verbs_ib_port any;

	memset(ret, 0, sizeof(*ret));
	if (addr->sa_family == AF_IB && len == sizeof(any)) {
		memcpy(&any, addr, sizeof(any));
		ib->sib_family = AF_IB;
		ib->sib_pkey = htons(0xffff);
		ib->sib_sid = htobe64(IB_SERVICE + ntohs(any.port));
		ib->sib_sid_mask = htobe64(UINT64_MAX);
		return 0;
	}
	if (len > sizeof(*ret) || !fv_addr_len(addr) || len < fv_addr_len(addr))
		return -EINVAL;
	memcpy(ret, addr, len);
	return 0;
}

bool fab_verbs_present(const struct sockaddr *addr)
{
	struct sockaddr_storage at = { 0 };
	struct rdma_cm_id *id = NULL;
	int n = 0;
	struct ibv_context **devs = rdma_get_devices(&n);
	bool found = false;

	if (devs)
		rdma_free_devices(devs);
	if (!n || addr->sa_family == AF_IB)
		return n;
	memcpy(&at, addr, fv_addr_len(addr));
	if (at.ss_family == AF_INET)
		((struct sockaddr_in *)&at)->sin_port = 0;
	else
		((struct sockaddr_in6 *)&at)->sin6_port = 0;
	/* The kernel binds to an address of a device only, or to a wildcard. */
	if (rdma_create_id(NULL, &id, NULL, RDMA_PS_TCP))
		return false;
	found = rdma_bind_addr(id, (struct sockaddr *)&at) == 0;
	(void)rdma_destroy_id(id);
	return found;
}

static void or_default(unsigned *value, unsigned otherwise)
{
	if (!*value)
		*value = otherwise;
}

/* Whether the connection manager can be used at all. This opens the devices, and librdmacm keeps them: who may wait for
 * one does not look, or a program that uses none would keep them all from being removed. */
static int fv_probe(const struct fab_verbs_opts *opts)
{
	struct ibv_context **devs;
	int n = 0;
	int err;

	if (opts && opts->wait_for_device)
		return 0;
	devs = rdma_get_devices(&n);
	err = errno;
	if (devs)
		rdma_free_devices(devs);
	if (n)
		return 0;
	return err ? -err : -ENODEV;
}

int fab_verbs_new(struct fab **ret, const struct fab_verbs_opts *opts)
{
	struct fab_verbs_opts *o;
	struct fv *fv;
	int r = fv_probe(opts);

	if (r)
		return r;
	fv = calloc(1, sizeof(*fv));
	if (!fv)
		return -ENOMEM;
	o = &fv->opts;
	if (opts)
		*o = *opts;
	or_default(&o->limits.handshakes, 1024);
	or_default(&o->limits.max_conns, 4096);
	or_default(&o->connect_ms, 2000);
	or_default(&o->disconnect_ms, 5000);
	if (pthread_mutex_init(&fv->lock, NULL)) {
		free(fv);
		return -ENOMEM;
	}
	list_init(&fv->devs);
	fv->fab.ops = &fv_ops;
	atomic_init(&fv->refs, 1);
	*ret = &fv->fab;
	return 0;
}
