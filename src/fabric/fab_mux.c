/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "fabric/fab_mux.h"

#include <errno.h>
#include <stdlib.h>

#include "base/check.h"

struct mux {
	struct fab fab;
	struct fab_mux_opts opts;
};

/* One address, one or several providers. */
struct mux_listener {
	struct fab_listener base;
	struct fab_listener *at[FAB_MUX_MAX]; /* NULL: that one does not listen */
};

static struct mux *mux_of(const struct fab *f)
{
	return container_of(f, struct mux, fab);
}

static const struct fab_ops *ops_of(const struct fab_conn *c)
{
	return c->fab->ops;
}

static void mux_unlisten(struct fab_listener *base)
{
	struct mux_listener *l = container_of(base, struct mux_listener, base);

	for (unsigned i = 0; i < FAB_MUX_MAX; i++)
		if (l->at[i])
			l->at[i]->fab->ops->unlisten(l->at[i]);
	free(l);
}

/* NOLINTNEXTLINE(readability-function-size): the parameters are the seam's */
static int mux_listen(struct fab_listener **ret, struct fab *f, struct worker *w,
		      const struct sockaddr *addr, socklen_t addr_len,
		      const struct fab_handler *handler, void *ctx)
{
	struct mux *m = mux_of(f);
	unsigned which = m->opts.choose(m->opts.ctx, addr, addr_len);
	struct mux_listener *l = calloc(1, sizeof(*l));
	int first = which ? 0 : -EADDRNOTAVAIL;
	unsigned n = 0;

	if (!l)
		return -ENOMEM;
	l->base.fab = f;
	for (unsigned i = 0; i < m->opts.n; i++) {
		struct fab *one = m->opts.fab[i];
		int r;

		if (!(which & BIT(i)))
			continue;
		r = one->ops->listen(&l->at[i], one, w, addr, addr_len, handler, ctx);
		if (r)
			l->at[i] = NULL;
		else
			n++;
		first = first ? first : r;
	}
	if (!n) {
		free(l);
		return first;
	}
	*ret = &l->base;
	return 0;
}

static void mux_listener_addr(const struct fab_listener *base, struct sockaddr_storage *ret)
{
	const struct mux_listener *l = container_of(base, const struct mux_listener, base);

	for (unsigned i = 0; i < FAB_MUX_MAX; i++) {
		if (!l->at[i])
			continue;
		l->at[i]->fab->ops->listener_addr(l->at[i], ret);
		return;
	}
}

static int mux_conn_new(struct fab_conn **ret, struct fab *f, struct worker *w,
			const struct fab_handler *handler, void *ctx)
{
	struct fab *one = mux_of(f)->opts.fab[0];

	return one->ops->conn_new(ret, one, w, handler, ctx);
}

/* --- the connection knows whose it is --- */

/* NOLINTNEXTLINE(readability-function-size): the parameters are the seam's */
static int mux_connect(struct fab_conn *c, const struct sockaddr *addr, socklen_t addr_len,
		       const void *priv, size_t priv_len, unsigned initiator_depth,
		       unsigned responder_resources)
{
	return ops_of(c)->connect(c, addr, addr_len, priv, priv_len, initiator_depth,
				  responder_resources);
}

static void mux_migrate(struct fab_conn *c, struct worker *w)
{
	ops_of(c)->migrate(c, w);
}

static int mux_qp_create(struct fab_conn *c, const struct fab_qp_attr *attr)
{
	return ops_of(c)->qp_create(c, attr);
}

static int mux_accept(struct fab_conn *c, const void *priv, size_t len, unsigned depth)
{
	return ops_of(c)->accept(c, priv, len, depth);
}

static int mux_reject(struct fab_conn *c, const void *priv, size_t len)
{
	return ops_of(c)->reject(c, priv, len);
}

static int mux_disconnect(struct fab_conn *c)
{
	return ops_of(c)->disconnect(c);
}

static void mux_qp_error(struct fab_conn *c)
{
	ops_of(c)->qp_error(c);
}

static void mux_qp_destroy(struct fab_conn *c)
{
	ops_of(c)->qp_destroy(c);
}

static void mux_destroy(struct fab_conn *c)
{
	ops_of(c)->destroy(c);
}

static int mux_post_recv(struct fab_conn *c, uint64_t wr_id, void *buf, uint32_t len)
{
	return ops_of(c)->post_recv(c, wr_id, buf, len);
}

static int mux_post_send(struct fab_conn *c, const struct fab_wr *wr, unsigned n)
{
	return ops_of(c)->post_send(c, wr, n);
}

static int mux_mr_reg(struct fab_conn *c, void *addr, size_t len, unsigned access,
		      struct fab_mr *ret)
{
	return ops_of(c)->mr_reg(c, addr, len, access, ret);
}

static void mux_mr_dereg(struct fab_conn *c, struct fab_mr *mr)
{
	ops_of(c)->mr_dereg(c, mr);
}

static void mux_set_handler(struct fab_conn *c, const struct fab_handler *handler, void *ctx)
{
	ops_of(c)->set_handler(c, handler, ctx);
}

static void *mux_ctx(const struct fab_conn *c)
{
	return ops_of(c)->ctx(c);
}

static struct worker *mux_worker(const struct fab_conn *c)
{
	return ops_of(c)->worker(c);
}

static void mux_peer_addr(const struct fab_conn *c, struct sockaddr_storage *ret)
{
	ops_of(c)->peer_addr(c, ret);
}

/* --- memory is announced to all --- */

static void mux_mem_del(struct fab *f, void *addr, size_t len)
{
	struct mux *m = mux_of(f);

	for (unsigned i = 0; i < m->opts.n; i++)
		if (m->opts.fab[i]->ops->mem_del)
			m->opts.fab[i]->ops->mem_del(m->opts.fab[i], addr, len);
}

static int mux_mem_add(struct fab *f, void *addr, size_t len)
{
	struct mux *m = mux_of(f);
	int r = 0;

	for (unsigned i = 0; i < m->opts.n && !r; i++)
		if (m->opts.fab[i]->ops->mem_add)
			r = m->opts.fab[i]->ops->mem_add(m->opts.fab[i], addr, len);
	if (r)
		mux_mem_del(f, addr, len); /* harmless where it was not added */
	return r;
}

static void mux_free(struct fab *f)
{
	struct mux *m = mux_of(f);

	for (unsigned i = 0; i < m->opts.n; i++)
		m->opts.fab[i]->ops->free(m->opts.fab[i]);
	free(m);
}

static const struct fab_ops mux_ops = {
	.name = "mux",
	.request_priv_max = FAB_PRIVATE_DATA_MAX,
	.listen = mux_listen,
	.unlisten = mux_unlisten,
	.listener_addr = mux_listener_addr,
	.conn_new = mux_conn_new,
	.connect = mux_connect,
	.migrate = mux_migrate,
	.qp_create = mux_qp_create,
	.accept = mux_accept,
	.reject = mux_reject,
	.disconnect = mux_disconnect,
	.qp_error = mux_qp_error,
	.qp_destroy = mux_qp_destroy,
	.destroy = mux_destroy,
	.post_recv = mux_post_recv,
	.post_send = mux_post_send,
	.mr_reg = mux_mr_reg,
	.mr_dereg = mux_mr_dereg,
	.mem_add = mux_mem_add,
	.mem_del = mux_mem_del,
	.set_handler = mux_set_handler,
	.ctx = mux_ctx,
	.worker = mux_worker,
	.peer_addr = mux_peer_addr,
	.free = mux_free,
};

int fab_mux_new(struct fab **ret, const struct fab_mux_opts *opts)
{
	struct mux *m = calloc(1, sizeof(*m));

	check(opts->n >= 1 && opts->n <= FAB_MUX_MAX);
	if (!m)
		return -ENOMEM;
	m->fab.ops = &mux_ops;
	m->opts = *opts;
	*ret = &m->fab;
	return 0;
}
