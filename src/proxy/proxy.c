/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "proxy/proxy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libsrp/libsrp.h>

#include "base/check.h"
#include "base/list.h"
#include "client/embed.h"

#define DEPTH      127u
#define PLACES     (DEPTH + 1) /* one more, for asking whether there is room */
#define CONNECT_MS 3000u
#define TASK_MS    2000u      /* Linux waits 5 s for its own */
#define NEVER_MS   UINT32_MAX /* the initiator, not we, decides when a command takes too long */

struct proxy {
	struct srp_ctx
		*ctx[PROXY_WORKERS_MAX]; /* each of its worker, made there when first needed */
};

struct proxy_unit {
	struct remote base;
	struct proxy *proxy;
	char host[64];
	struct proxy_opts o;
};

struct remote_cmd {
	struct list node; /* on free of its login, when it is not in use */
	struct remote_login *login;
	void *user;
	struct srp_io io;
};

struct remote_login {
	struct srp_conn *conn;
	struct proxy_unit *unit;
	const struct remote_handler *h;
	void *ctx;
	struct srp_task task;
	struct list free;
	struct remote_cmd cmds[PLACES];
};

static struct proxy_unit *unit_of(struct remote *r)
{
	return container_of(r, struct proxy_unit, base);
}

/* --- what libsrp tells --- */

static void proxy_up(struct srp_conn *conn, void *user)
{
	struct remote_login *l = user;

	(void)conn;
	l->h->up(l->ctx);
}

static void proxy_down(struct srp_conn *conn, void *user, const struct srp_down *why)
{
	struct remote_login *l = user;
	char text[160];

	if (why->reason == SRP_DOWN_REJECTED)
		(void)snprintf(text, sizeof(text), "the login was rejected, reason 0x%08x",
			       (unsigned)why->code);
	else
		(void)snprintf(text, sizeof(text), "%s%s%s", why->text, why->error ? ": " : "",
			       why->error ? strerrordesc_np(-why->error) : "");
	check(srp_conn_free(conn) == 0); /* from here on the place is free for another login */
	l->h->down(l->ctx, text);
	free(l);
}

static void proxy_ready(struct srp_conn *conn, void *user)
{
	struct remote_login *l = user;

	(void)conn;
	l->h->ready(l->ctx);
}

static const struct srp_conn_ops proxy_conn_ops = {
	.up = proxy_up,
	.down = proxy_down,
	.ready = proxy_ready,
};

static void proxy_io_done(struct srp_io *io)
{
	struct remote_cmd *c = io->user;
	struct remote_login *l = c->login;
	void *user = c->user;
	struct srp_io was = *io; /* its place may be used again by who is told */
	struct remote_answer a = { .status = was.status,
				   .sense_len = was.sense_len,
				   .sense = was.sense,
				   .resid = -was.residual,
				   .resid_out = was.residual_out };

	switch (was.outcome) {
	case SRP_IO_DONE: /* one that found fault with the IU has carried nothing out */
		a.outcome = was.rsp_code ? REMOTE_LOST : REMOTE_ANSWERED;
		break;
	case SRP_IO_ABORTED:
		a.outcome = REMOTE_ABORTED;
		break;
	case SRP_IO_TIMEOUT:
	case SRP_IO_LOST:
		a.outcome = REMOTE_LOST;
		break;
	}
	list_push_front(&l->free, &c->node);
	l->h->answered(l->ctx, user, &a);
}

static void proxy_task_done(struct srp_task *task)
{
	struct remote_login *l = task->user;

	l->h->task_done(l->ctx, task->outcome == SRP_TASK_DONE ? task->code : -ENOTCONN);
}

/* --- the seam --- */

static int proxy_ctx(struct srp_ctx **ret, struct proxy *p, struct worker *w)
{
	struct srp_ctx **ctx = &p->ctx[worker_index(w)];
	int r = 0;

	check(worker_index(w) < PROXY_WORKERS_MAX);
	if (!*ctx)
		r = srp_ctx_on_worker(ctx, w, PROXY_CONNS_MAX);
	*ret = *ctx;
	return r;
}

static int proxy_login(struct remote *r, struct worker *w, const struct srp_port_id *initiator,
		       const struct remote_handler *h, void *ctx, struct remote_login **ret)
{
	struct proxy_unit *u = unit_of(r);
	struct srp_connect_opts o = { .host = u->host,
				      .port = u->o.port,
				      .id_ext = u->o.id_ext,
				      .ioc_guid = u->o.ioc_guid,
				      .mode = SRP_MULTI,
				      .depth = DEPTH,
				      .max_pieces = 1,
				      .connect_timeout_ms = CONNECT_MS };
	struct remote_login *l = calloc(1, sizeof(*l));
	struct srp_ctx *on;
	int e = l ? proxy_ctx(&on, u->proxy, w) : -ENOMEM;

	if (e) {
		free(l);
		return e;
	}
	memcpy(o.initiator.b, initiator, sizeof(o.initiator.b));
	l->unit = u;
	l->h = h;
	l->ctx = ctx;
	list_init(&l->free);
	for (unsigned i = 0; i < PLACES; i++) {
		l->cmds[i].login = l;
		list_push(&l->free, &l->cmds[i].node);
	}
	e = srp_connect(&l->conn, on, &o, &proxy_conn_ops, l);
	if (e) {
		free(l);
		return e;
	}
	*ret = l;
	return 0;
}

static int proxy_submit(struct remote_login *l, const struct remote_request *req, void *user,
			struct remote_cmd **ret)
{
	struct list *node = list_pop(&l->free);
	struct remote_cmd *c;
	int r;

	check(node); /* libsrp takes no more than there are */
	c = list_entry(node, struct remote_cmd, node);
	c->user = user;
	c->io = (struct srp_io){ .lun = srp_lun(l->unit->o.lun),
				 .cdb_len = req->cdb_len,
				 .task_attr = req->attr,
				 .timeout_ms = NEVER_MS,
				 .done = proxy_io_done,
				 .user = c };
	check(req->cdb_len <= sizeof(c->io.cdb));
	memcpy(c->io.cdb, req->cdb, req->cdb_len);
	if (req->addr) {
		c->io.dir = req->out ? SRP_DIR_WRITE : SRP_DIR_READ;
		c->io.n_iov = 1;
		c->io.one = (struct iovec){ .iov_base = req->addr, .iov_len = req->len };
	}
	*ret = c;
	r = srp_submit(l->conn, &c->io);
	if (r)
		list_push_front(&l->free, &c->node);
	return r;
}

static int proxy_task(struct remote_login *l, enum remote_function f, struct remote_cmd *victim)
{
	static const enum srp_task_function map[] = {
		[REMOTE_ABORT] = SRP_TASK_ABORT,         [REMOTE_ABORT_SET] = SRP_TASK_ABORT_SET,
		[REMOTE_CLEAR_SET] = SRP_TASK_CLEAR_SET, [REMOTE_LUN_RESET] = SRP_TASK_LUN_RESET,
		[REMOTE_CLEAR_ACA] = SRP_TASK_CLEAR_ACA,
	};

	l->task = (struct srp_task){ .lun = srp_lun(l->unit->o.lun),
				     .function = map[f],
				     .victim = victim ? &victim->io : NULL,
				     .timeout_ms = TASK_MS,
				     .done = proxy_task_done,
				     .user = l };
	return srp_task_mgmt(l->conn, &l->task);
}

static void proxy_logout(struct remote_login *l)
{
	srp_close(l->conn, SRP_CLOSE_LOGOUT);
}

static void proxy_drop(struct remote_login *l)
{
	srp_close(l->conn, SRP_CLOSE_ABRUPT);
}

static void proxy_close(struct remote *r)
{
	free(unit_of(r));
}

static const struct remote_ops proxy_ops = {
	.login = proxy_login,
	.submit = proxy_submit,
	.task = proxy_task,
	.logout = proxy_logout,
	.drop = proxy_drop,
	.close = proxy_close,
};

/* --- making --- */

int proxy_new(struct proxy **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : -ENOMEM;
}

struct proxy *proxy_free(struct proxy *p)
{
	if (!p)
		return NULL;
	for (unsigned i = 0; i < PROXY_WORKERS_MAX; i++)
		check(srp_ctx_free(p->ctx[i]) == 0);
	free(p);
	return NULL;
}

int proxy_unit_new(struct remote **ret, struct proxy *p, const struct proxy_opts *o)
{
	struct proxy_unit *u = calloc(1, sizeof(*u));

	if (!u)
		return -ENOMEM;
	u->base.ops = &proxy_ops;
	u->proxy = p;
	u->o = *o;
	(void)snprintf(u->host, sizeof(u->host), "%s", o->host);
	u->o.host = u->host;
	(void)snprintf(u->base.name, sizeof(u->base.name), "LUN %u of srp://%s%s%s:%u", o->lun,
		       strchr(u->host, ':') ? "[" : "", u->host, strchr(u->host, ':') ? "]" : "",
		       (unsigned)o->port);
	*ret = &u->base;
	return 0;
}
