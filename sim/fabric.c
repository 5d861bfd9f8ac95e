/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The fabric as a whole: ends, what is delivered to them, listeners, and what the world may do. */
#include <errno.h>
#include <netinet/in.h>

#include "base/check.h"
#include "sim/dice.h"
#include "sim/fabric_i.h"
#include "sim/world.h"

#define BATCH_MAX 64u /* completions of one call, by the contract */

struct fabric_net fabric_net;
struct fabric_watch fabric_watch;

const char *fabric_call_text(enum fabric_call call)
{
	static const char *const text[FABRIC_CALL_COUNT] = {
		[FABRIC_LISTEN] = "listen",
		[FABRIC_MEM_ADD] = "mem_add",
		[FABRIC_QP_CREATE] = "qp_create",
		[FABRIC_FIRST_RECV] = "post_recv before the answer",
		[FABRIC_ACCEPT] = "accept",
		[FABRIC_REJECT] = "reject",
		[FABRIC_DISCONNECT] = "disconnect",
		[FABRIC_RECV] = "post_recv",
		[FABRIC_SEND] = "post_send of a SEND",
		[FABRIC_READ] = "post_send of a READ",
		[FABRIC_WRITE] = "post_send of a WRITE",
		[FABRIC_MARKER] = "post_send of a marker",
	};

	return text[call];
}

bool fabric_call_fails(const struct end *e, enum fabric_call call, const void *by)
{
	return e->side == 1 && fabric_watch.call_fails && fabric_watch.call_fails(call, by);
}

/* --- delivering --- */

void fabric_wake(struct end *e)
{
	if (!e->dying)
		worker_inlet_ready(e->w, &e->inlet);
}

void fabric_tell(struct end *e, enum fab_event_type type, int error, const char *text,
		 const struct end *priv)
{
	struct evq *q;

	if (e->dying)
		return;
	q = world_alloc(sizeof(*q));
	q->ev.type = type;
	q->ev.error = error;
	q->ev.text = text;
	if (priv) {
		memcpy(q->priv, priv->priv, priv->priv_len);
		q->ev.priv = q->priv;
		q->ev.priv_len = priv->priv_len;
		q->ev.initiator_depth = priv->resources;
		q->ev.responder_resources = priv->depth;
	}
	list_push(&e->events, &q->node);
	fabric_wake(e);
}

static void deliver_event(struct end *e)
{
	struct evq *q = list_entry(list_pop(&e->events), struct evq, node);
	struct evq now = *q;

	/* Private data is valid during the call only: it goes right behind it. */
	if (q->ev.priv)
		now.ev.priv = q->priv;
	e->asked = NULL;
	e->handler->event(&e->base, &now.ev);
	world_free(q);
}

static void deliver_wcs(struct end *e)
{
	struct fab_wc wc[BATCH_MAX];
	unsigned n = fabric_qp_take(e, wc, (unsigned)dice_log(1, BATCH_MAX));

	if (n)
		e->handler->complete(&e->base, wc, n);
}

static bool has_news(const struct end *e)
{
	return !list_empty(&e->events) || fabric_qp_has_news(e);
}

static void deliver(struct worker *w, struct worker_inlet *in)
{
	struct end *e = container_of(in, struct end, inlet);
	unsigned n = 1 + dice_below(4);

	(void)w;
	e->delivering = true;
	while (n-- && !e->dying && has_news(e) && e->w == w) {
		bool event = !list_empty(&e->events);

		if (event && fabric_qp_has_news(e))
			event = dice_below(2);
		if (event)
			deliver_event(e);
		else
			deliver_wcs(e);
	}
	e->delivering = false;
	if (e->dying)
		fabric_end_free(e);
	else if (has_news(e))
		worker_inlet_ready(e->w, &e->inlet);
}

/* --- ends --- */

struct end *fabric_end_new(struct fsim *f, struct worker *w, unsigned side)
{
	struct end *e;

	if (f->n_ends >= f->max_conns)
		return NULL;
	e = world_alloc(sizeof(*e));
	e->base.fab = &f->fab;
	e->base.dreq_handshake = f->dreq;
	e->f = f;
	e->w = w;
	e->side = side;
	e->state = side ? END_REQUESTED : END_NEW;
	worker_inlet_init(&e->inlet, deliver);
	list_init(&e->events);
	list_init(&e->held);
	list_init(&e->node);
	fabric_cm_init(e);
	list_push(&f->ends, &e->node);
	f->n_ends++;
	return e;
}

void fabric_end_free(struct end *e)
{
	struct link *l = e->link;
	struct list *n;

	if (!e->dying) {
		e->dying = true;
		worker_inlet_gone(&e->inlet);
		sched_cancel(&e->cm);
		sched_cancel(&e->late);
		sched_cancel(&e->est);
		sched_cancel(&e->fin);
		fabric_qp_free(e);
		fabric_drop_held(e);
		if (l)
			l->end[e->side] = NULL;
		e->link = NULL;
		if (l)
			fabric_link_check(l);
		list_del(&e->node);
		e->f->n_ends--;
	}
	if (e->delivering)
		return; /* who delivers comes here again */
	while ((n = list_pop(&e->events)))
		world_free(list_entry(n, struct evq, node));
	world_free(e->mr);
	world_free(e);
}

static int conn_new(struct fab_conn **ret, struct fab *f, struct worker *w,
		    const struct fab_handler *handler, void *ctx)
{
	struct end *e = fabric_end_new(fsim_of(f), w, 0);

	if (!e)
		return -EMFILE;
	e->handler = handler;
	e->ctx = ctx;
	*ret = &e->base;
	return 0;
}

static void destroy(struct fab_conn *c)
{
	struct end *e = end_of(c);

	check(!e->dying);
	fabric_cm_gone(e);
	fabric_end_free(e);
}

static void migrate(struct fab_conn *c, struct worker *w)
{
	struct end *e = end_of(c);

	check(e->state == END_REQUESTED || e->state == END_DOWN);
	check(!e->qp && !e->dying);
	worker_inlet_gone(&e->inlet);
	e->w = w;
	if (has_news(e))
		worker_inlet_ready(w, &e->inlet);
}

static void set_handler(struct fab_conn *c, const struct fab_handler *handler, void *ctx)
{
	end_of(c)->handler = handler;
	end_of(c)->ctx = ctx;
}

static void *ctx_of(const struct fab_conn *c)
{
	return end_of(c)->ctx;
}

static struct worker *worker_of(const struct fab_conn *c)
{
	return end_of(c)->w;
}

static void peer_addr(const struct fab_conn *c, struct sockaddr_storage *ret)
{
	const struct end *e = end_of(c);

	*ret = e->side ? e->link->from : e->link->to;
}

/* --- listeners --- */

struct flistener *fabric_listener_find(struct fsim *f, const struct sockaddr_storage *addr)
{
	struct list *pos;

	list_for_each (pos, &f->listeners) {
		struct flistener *l = list_entry(pos, struct flistener, node);

		if (!memcmp(&l->addr, addr, sizeof(*addr)))
			return l;
	}
	return NULL;
}

/* NOLINTNEXTLINE(readability-function-size): the parameters are the seam's */
static int listen_at(struct fab_listener **ret, struct fab *fab, struct worker *w,
		     const struct sockaddr *addr, socklen_t addr_len,
		     const struct fab_handler *handler, void *ctx)
{
	struct fsim *f = fsim_of(fab);
	struct sockaddr_storage at = { 0 };
	struct flistener *l;

	memcpy(&at, addr, min_size(addr_len, sizeof(at)));
	if (fabric_listener_find(f, &at))
		return -EADDRINUSE;
	if (fabric_watch.call_fails &&
	    fabric_watch.call_fails(FABRIC_LISTEN, __builtin_return_address(0)))
		return -ENOMEM;
	l = world_alloc(sizeof(*l));
	*l = (struct flistener){ .base.fab = fab,
				 .f = f,
				 .w = w,
				 .addr = at,
				 .len = addr_len,
				 .handler = handler,
				 .ctx = ctx };
	list_init(&l->node);
	list_push(&f->listeners, &l->node);
	*ret = &l->base;
	return 0;
}

static void unlisten(struct fab_listener *base)
{
	struct flistener *l = container_of(base, struct flistener, base);
	struct list *pos;
	struct list *tmp;

	list_for_each_safe (pos, tmp, &l->f->ends) {
		struct end *e = list_entry(pos, struct end, node);

		/* No request is delivered afterwards. */
		if (e->asked == l) {
			fabric_cm_gone(e);
			fabric_end_free(e);
		}
	}
	list_del(&l->node);
	world_free(l);
}

static void listener_addr(const struct fab_listener *base, struct sockaddr_storage *ret)
{
	*ret = container_of(base, struct flistener, base)->addr;
}

/* --- local memory --- */

static int mem_add(struct fab *fab, void *addr, size_t len)
{
	struct fsim *f = fsim_of(fab);

	if (fabric_watch.call_fails &&
	    fabric_watch.call_fails(FABRIC_MEM_ADD, __builtin_return_address(0)))
		return -ENOMEM;
	check(f->n_mems < FABRIC_MEMS_MAX);
	f->mems[f->n_mems++] = (struct mem){ .at = addr, .len = len };
	return 0;
}

static void mem_del(struct fab *fab, void *addr, size_t len)
{
	struct fsim *f = fsim_of(fab);

	for (unsigned i = 0; i < f->n_mems; i++) {
		if (f->mems[i].at != addr || f->mems[i].len != len)
			continue;
		f->mems[i] = f->mems[--f->n_mems];
		return;
	}
}

bool fabric_mem_known(const struct fsim *f, const void *addr, size_t len)
{
	const uint8_t *at = addr;

	if (!f->registers || !len)
		return true;
	for (unsigned i = 0; i < f->n_mems; i++) {
		const struct mem *m = &f->mems[i];

		if (at >= m->at && at < m->at + m->len && len <= (size_t)(m->at + m->len - at))
			return true;
	}
	return false;
}

unsigned fabric_n_mems(const struct fab *fab)
{
	return container_of(fab, const struct fsim, fab)->n_mems;
}

/* --- the table --- */

static void fab_free(struct fab *fab)
{
	struct fsim *f = fsim_of(fab);

	check(list_empty(&f->ends) && list_empty(&f->listeners));
	/* Packets may still be on their way between ends that are no more. */
	while (!list_empty(&f->links))
		fabric_link_free(list_entry(f->links.next, struct link, node));
	world_free(f);
}

static const struct fab_ops ops = {
	.name = "simulated",
	.request_priv_max = FAB_PRIVATE_DATA_MAX,
	.listen = listen_at,
	.unlisten = unlisten,
	.listener_addr = listener_addr,
	.conn_new = conn_new,
	.connect = fabric_connect,
	.migrate = migrate,
	.qp_create = fabric_qp_create,
	.accept = fabric_accept,
	.reject = fabric_reject,
	.disconnect = fabric_disconnect,
	.qp_error = fabric_qp_error,
	.qp_destroy = fabric_qp_destroy,
	.destroy = destroy,
	.post_recv = fabric_post_recv,
	.post_send = fabric_post_send,
	.mr_reg = fabric_mr_reg,
	.mr_dereg = fabric_mr_dereg,
	.set_handler = set_handler,
	.ctx = ctx_of,
	.worker = worker_of,
	.peer_addr = peer_addr,
	.free = fab_free,
};

int fabric_new(struct fab **ret, const struct fabric_opts *o)
{
	struct fsim *f = world_alloc(sizeof(*f));

	f->ops = ops;
	if (o->registers) {
		f->ops.mem_add = mem_add;
		f->ops.mem_del = mem_del;
	}
	f->fab.ops = &f->ops;
	f->dreq = o->dreq;
	f->registers = o->registers;
	f->max_conns = o->max_conns ? o->max_conns : 4096;
	list_init(&f->ends);
	list_init(&f->listeners);
	list_init(&f->links);
	*ret = &f->fab;
	return 0;
}

/* --- what the world may do --- */

void fabric_set_who(struct fab_conn *c, void *who)
{
	end_of(c)->who = who;
}

void *fabric_who(const struct fab_conn *c)
{
	const struct end *e = end_of(c);

	if (e->side)
		e = end_peer(e);
	return e ? e->who : NULL;
}

bool fabric_has_peer(const struct fab_conn *c)
{
	return end_peer(end_of(c)) != NULL;
}

bool fabric_passive(const struct fab_conn *c)
{
	return end_of(c)->side == 1;
}

void fabric_deaf(struct fab_conn *c)
{
	end_of(c)->deaf = true;
}

void fabric_no_rtu(struct fab_conn *c)
{
	end_of(c)->no_rtu = true;
}

void fabric_cut(struct fab_conn *c)
{
	if (end_of(c)->link)
		end_of(c)->link->cut = true;
}

void fabric_remove_device(struct fab *fab)
{
	struct fsim *f = fsim_of(fab);
	struct list *pos;
	struct list *tmp;

	trace("the target's device is removed");
	f->removed = true;
	list_for_each_safe (pos, tmp, &f->ends) {
		struct end *e = list_entry(pos, struct end, node);

		if (e->side == 0)
			continue;
		if (e->asked) {
			fabric_cm_gone(e);
			fabric_end_free(e);
			continue;
		}
		fabric_cm_gone(e); /* the peer hears of it like of any other end */
		e->removed = true;
		e->state = END_DOWN;
		fabric_tell(e, FAB_EV_DEVICE_REMOVAL, -ENODEV, NULL, NULL);
		fabric_qp_fail(e);
	}
}

void fabric_return_device(struct fab *fab)
{
	trace("the target's device is back");
	fsim_of(fab)->removed = false;
}

bool fabric_change_address(struct fab *fab)
{
	struct fsim *f = fsim_of(fab);
	struct list *pos;

	list_for_each (pos, &f->ends) {
		struct end *e = list_entry(pos, struct end, node);

		if (e->side == 0 || e->asked || dice_below(3))
			continue;
		fabric_tell(e, FAB_EV_ADDR_CHANGE, 0, NULL, NULL);
		return true;
	}
	return false;
}

void fabric_crash(struct fab *fab)
{
	struct fsim *f = fsim_of(fab);
	struct list *pos;
	struct list *tmp;

	list_for_each_safe (pos, tmp, &f->ends) {
		struct end *e = list_entry(pos, struct end, node);

		if (e->side == 0)
			continue;
		fabric_cm_gone(e);
		fabric_end_free(e);
	}
	f->n_mems = 0;
	while (!list_empty(&f->listeners)) {
		pos = list_pop(&f->listeners);
		world_free(list_entry(pos, struct flistener, node));
	}
}

unsigned fabric_n_passive(const struct fab *fab)
{
	const struct fsim *f = container_of(fab, const struct fsim, fab);
	const struct list *pos;
	unsigned n = 0;

	list_for_each (pos, &f->ends)
		n += list_entry(pos, struct end, node)->side;
	return n;
}

unsigned fabric_n_listeners(const struct fab *fab)
{
	const struct fsim *f = container_of(fab, const struct fsim, fab);
	const struct list *pos;
	unsigned n = 0;

	list_for_each (pos, &f->listeners)
		n++;
	return n;
}
