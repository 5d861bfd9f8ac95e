/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "fabric/iwarp/fab_iwarp.h"

#include <errno.h>
#include <stdlib.h>

#include "fabric/iwarp/fi.h"

static void fi_free(struct fab *f)
{
	fi_unref(fi_of(f));
}

static void fi_set_handler(struct fab_conn *base, const struct fab_handler *handler, void *ctx)
{
	struct fi_conn *c = fi_conn_of(base);

	c->handler = handler;
	c->ctx = ctx;
}

static void *fi_ctx(const struct fab_conn *c)
{
	return fi_conn_of(c)->ctx;
}

static struct worker *fi_worker(const struct fab_conn *c)
{
	return fi_conn_of(c)->w;
}

static void fi_peer_addr(const struct fab_conn *c, struct sockaddr_storage *ret)
{
	*ret = fi_conn_of(c)->peer;
}

static const struct fab_ops fi_ops = {
	.name = "iwarp",
	.request_priv_max = FAB_PRIVATE_DATA_MAX,
	.listen = fi_listen,
	.unlisten = fi_unlisten,
	.listener_addr = fi_listener_addr,
	.conn_new = fi_conn_new,
	.connect = fi_active_connect,
	.migrate = fi_conn_migrate,
	.qp_create = fi_conn_qp_create,
	.accept = fi_conn_accept,
	.reject = fi_conn_reject,
	.disconnect = fi_conn_disconnect,
	.qp_error = fi_conn_qp_error,
	.qp_destroy = fi_conn_qp_destroy,
	.destroy = fi_conn_destroy,
	.post_recv = fi_conn_post_recv,
	.post_send = fi_conn_post_send,
	.mr_reg = fi_mr_reg,
	.mr_dereg = fi_mr_dereg,
	.set_handler = fi_set_handler,
	.ctx = fi_ctx,
	.worker = fi_worker,
	.peer_addr = fi_peer_addr,
	.free = fi_free,
};

void fi_ref(struct fi *fi)
{
	atomic_fetch_add_explicit(&fi->refs, 1, memory_order_relaxed);
}

void fi_unref(struct fi *fi)
{
	unsigned i;

	if (atomic_fetch_sub_explicit(&fi->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (i = 0; i < FI_WORKERS; i++)
		free(fi->lanes[i]);
	free(fi);
}

bool fi_admit(struct fi *fi)
{
	if (atomic_fetch_add_explicit(&fi->n_conns, 1, memory_order_relaxed) <
	    fi->opts.limits.max_conns)
		return true;
	fi_dismiss(fi);
	return false;
}

void fi_dismiss(struct fi *fi)
{
	atomic_fetch_sub_explicit(&fi->n_conns, 1, memory_order_relaxed);
}

struct fi_lane *fi_lane_get(struct fi *fi, const struct worker *w)
{
	unsigned i = worker_index(w);

	check(i < FI_WORKERS);
	if (!fi->lanes[i]) {
		fi->lanes[i] = malloc(sizeof(*fi->lanes[i]) + fi->opts.batch_bytes);
		if (fi->lanes[i])
			fi->lanes[i]->batch_len = fi->opts.batch_bytes;
	}
	return fi->lanes[i];
}

static void or_default(unsigned *value, unsigned otherwise)
{
	if (!*value)
		*value = otherwise;
}

int fab_iwarp_new(struct fab **ret, const struct fab_iwarp_opts *opts)
{
	struct fi *fi = calloc(1, sizeof(*fi));
	struct fab_iwarp_opts *o;

	if (!fi)
		return -ENOMEM;
	o = &fi->opts;
	if (opts)
		*o = *opts;
	or_default(&o->limits.handshake_ms, 5000);
	or_default(&o->limits.handshakes_per_peer, 32);
	or_default(&o->limits.handshakes, 1024);
	or_default(&o->limits.max_conns, 4096);
	or_default(&o->max_payload, IW_PAYLOAD_MAX);
	or_default(&o->direct_threshold, 16384);
	or_default(&o->batch_bytes, 256u << 10);
	or_default(&o->n_stags, 256);
	or_default(&o->connect_ms, 10000);
	or_default(&o->disconnect_ms, 5000);
	or_default(&o->user_timeout_ms, 60000);
	if (o->max_payload % 4 || o->max_payload > IW_PAYLOAD_MAX ||
	    o->batch_bytes < FI_BATCH_SMALL || o->batch_bytes > FI_BATCH_LIMIT ||
	    o->n_stags > FI_STAGS_LIMIT) {
		free(fi);
		return -EINVAL;
	}
	fi->fab.ops = &fi_ops;
	atomic_init(&fi->refs, 1);
	*ret = &fi->fab;
	return 0;
}
