/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "fabric/fabric_rig.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/check.h"

#define WAIT_NS       (10 * NSEC_PER_SEC)
#define ROUNDS_AT_END 4u

bool rig_virtual;
struct in_addr rig_addr4;
struct in6_addr rig_addr6;
static unsigned fds_at_start;

unsigned rig_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(d);
	/* Read by this thread only, while the workers open nothing. */
	while (readdir(d)) /* NOLINT(concurrency-mt-unsafe) */
		n++;
	assert_int_equal(closedir(d), 0);
	return n;
}

/* Let time go by: run a round, or let the threads do so. */
static void rig_step(struct rig *r)
{
	if (r->n_workers == 1 || rig_virtual)
		assert_int_equal(worker_run_once(r->w[0], NSEC_PER_MSEC), 0);
	else
		(void)usleep(200);
}

void rig_pass(struct rig *r, unsigned ms)
{
	uint64_t end = worker_clock_ns() + ms * NSEC_PER_MSEC;

	while (worker_clock_ns() < end)
		rig_step(r);
}

/* What came, for the reader of a failure. */
static void ep_print(const struct ep *e)
{
	for (unsigned i = 0; i < e->n_ev; i++)
		print_error("event %d, error %d, %s\n", (int)e->ev[i].type, e->ev[i].error,
			    e->ev[i].text);
	for (unsigned i = e->n_wc > 20 ? e->n_wc - 20 : 0; i < e->n_wc; i++)
		print_error("completion %u: wr_id %llu, op %d, status %d\n", i,
			    (unsigned long long)e->wc[i].wr_id, (int)e->wc[i].op,
			    (int)e->wc[i].status);
}

void rig_wait(struct ep *e, bool (*done)(struct ep *, unsigned), unsigned arg)
{
	uint64_t end = worker_clock_ns() + WAIT_NS;
	bool is_done;

	for (;;) {
		(void)pthread_mutex_lock(&e->lock);
		is_done = done(e, arg);
		(void)pthread_mutex_unlock(&e->lock);
		if (is_done)
			return;
		if (worker_clock_ns() > end) {
			ep_print(e);
			fail_msg("waited in vain: %u events, %u completions, for %u", e->n_ev,
				 e->n_wc, arg);
		}
		rig_step(e->rig);
	}
}

struct call {
	struct worker_msg msg;
	int (*fn)(struct ep *, void *);
	struct ep *e;
	void *arg;
	int ret;
	atomic_bool done;
};

static void call_run(struct call *c)
{
	if (c->e)
		c->e->in_call = true;
	c->ret = c->fn(c->e, c->arg);
	if (c->e)
		c->e->in_call = false;
}

static void call_msg(struct worker *w, struct worker_msg *m)
{
	struct call *c = container_of(m, struct call, msg);

	(void)w;
	call_run(c);
	atomic_store(&c->done, true);
}

int rig_do_on(struct rig *r, struct worker *w, int (*fn)(struct ep *, void *), struct ep *e,
	      void *arg)
{
	struct call c = { .msg.run = call_msg, .fn = fn, .e = e, .arg = arg };

	if (r->n_workers == 1) {
		call_run(&c);
		return c.ret;
	}
	worker_post(w, &c.msg);
	while (!atomic_load(&c.done)) {
		if (rig_virtual)
			rig_step(r);
		else
			(void)usleep(20);
	}
	return c.ret;
}

int rig_do(struct ep *e, int (*fn)(struct ep *, void *), void *arg)
{
	return rig_do_on(e->rig, e->w, fn, e, arg);
}

/* --- events --- */

static ep_event_fn *ep_note(struct ep *e, const struct fab_event *ev)
{
	ep_event_fn *hook;
	struct ep_event *to;

	/* The seam's rule: never from inside a call, always on the owner. */
	check(!e->in_call);
	(void)pthread_mutex_lock(&e->lock);
	check(e->n_ev < EP_EVENTS && ev->priv_len <= FAB_PRIVATE_DATA_MAX);
	to = &e->ev[e->n_ev++];
	to->type = ev->type;
	to->error = ev->error;
	to->priv_len = ev->priv_len;
	if (ev->priv_len)
		memcpy(to->priv, ev->priv, ev->priv_len);
	to->initiator_depth = ev->initiator_depth;
	to->responder_resources = ev->responder_resources;
	(void)snprintf(to->text, sizeof(to->text), "%s", ev->text ? ev->text : "");
	hook = e->on_event;
	(void)pthread_mutex_unlock(&e->lock);
	return hook;
}

static void ep_event(struct fab_conn *c, const struct fab_event *ev)
{
	struct ep *e = c->fab->ops->ctx(c);
	ep_event_fn *hook;

	if (e->rig->n_workers == 2)
		check(worker_self() == e->w);
	hook = ep_note(e, ev);
	if (hook)
		hook(e, ev);
}

static void ep_complete(struct fab_conn *c, const struct fab_wc *wc, unsigned n)
{
	struct ep *e = c->fab->ops->ctx(c);
	ep_wc_fn *hook;

	check(!e->in_call && n >= 1 && n <= 64);
	if (e->rig->n_workers == 2)
		check(worker_self() == e->w);
	(void)pthread_mutex_lock(&e->lock);
	check(e->n_wc + n <= EP_WCS);
	memcpy(&e->wc[e->n_wc], wc, n * sizeof(*wc));
	e->n_wc += n;
	hook = e->on_wc;
	(void)pthread_mutex_unlock(&e->lock);
	if (hook)
		hook(e, wc, n);
}

const struct fab_handler ep_handler = { .event = ep_event, .complete = ep_complete };

/* A request: hand it to the end that waits for one. */
static void rig_request(struct fab_conn *c, const struct fab_event *ev)
{
	const struct fab_ops *ops = c->fab->ops;
	struct rig *r = ops->ctx(c);
	struct ep *e = atomic_exchange(&r->next, NULL);
	ep_event_fn *hook;

	check(ev->type == FAB_EV_CONNECT_REQUEST);
	if (!e) {
		(void)ops->reject(c, NULL, 0);
		ops->destroy(c);
		atomic_fetch_add(&r->n_refused, 1);
		return;
	}
	ops->set_handler(c, &ep_handler, e);
	if (e->w != ops->worker(c))
		ops->migrate(c, e->w);
	check(ops->worker(c) == e->w);
	e->c = c;
	hook = ep_note(e, ev);
	if (hook)
		hook(e, ev);
}

static void rig_no_complete(struct fab_conn *c, const struct fab_wc *wc, unsigned n)
{
	(void)c;
	(void)wc;
	(void)n;
	check_unreachable();
}

static const struct fab_handler rig_handler = { .event = rig_request, .complete = rig_no_complete };

/* --- start and stop --- */

static int do_listen(struct ep *e, void *arg)
{
	struct rig *r = arg;
	socklen_t len = r->addr.ss_family == AF_INET ? sizeof(struct sockaddr_in)
						     : sizeof(struct sockaddr_in6);
	int ret;

	(void)e;
	ret = r->f->ops->listen(&r->l, r->f, r->w[0], (struct sockaddr *)&r->addr, len,
				&rig_handler, r);
	if (ret == 0)
		r->f->ops->listener_addr(r->l, &r->addr);
	return ret;
}

static int do_unlisten(struct ep *e, void *arg)
{
	struct rig *r = arg;

	(void)e;
	r->f->ops->unlisten(r->l);
	r->l = NULL;
	return 0;
}

void rig_start(struct rig *r, rig_make_fn *make, const struct fab_limits *limits,
	       unsigned n_workers, int family)
{
	struct sockaddr_in *in4 = (void *)&r->addr;
	struct sockaddr_in6 *in6 = (void *)&r->addr;
	unsigned i;

	memset(r, 0, sizeof(*r));
	r->n_workers = n_workers;
	for (i = 0; i < n_workers; i++) {
		assert_int_equal(worker_new(&r->w[i], i, NULL), 0);
		if (n_workers > 1)
			assert_int_equal(worker_start(r->w[i]), 0);
	}
	rig_pass(r, 5);
	fds_at_start = rig_fds();
	assert_int_equal(make(&r->f, limits), 0);
	r->addr.ss_family = (sa_family_t)family;
	if (family == AF_INET)
		in4->sin_addr.s_addr = rig_addr4.s_addr ? rig_addr4.s_addr : htonl(INADDR_LOOPBACK);
	else
		in6->sin6_addr = IN6_IS_ADDR_UNSPECIFIED(&rig_addr6) ? in6addr_loopback : rig_addr6;
	assert_int_equal(rig_do_on(r, r->w[0], do_listen, NULL, r), 0);
}

void rig_unlisten(struct rig *r)
{
	(void)rig_do_on(r, r->w[0], do_unlisten, NULL, r);
}

static int do_nothing(struct ep *e, void *arg)
{
	(void)e;
	(void)arg;
	return 0;
}

void rig_stop(struct rig *r)
{
	uint64_t end = worker_clock_ns() + WAIT_NS;
	unsigned i;

	if (r->l)
		rig_unlisten(r);
	r->f->ops->free(r->f);
	while (rig_fds() != fds_at_start && worker_clock_ns() < end)
		rig_pass(r, 5);
	assert_int_equal(rig_fds(), fds_at_start);
	/* The last ones go in a round after their sockets did, perhaps by a message to another worker. */
	rig_pass(r, 40);
	for (i = 0; i < ROUNDS_AT_END * r->n_workers; i++)
		(void)rig_do_on(r, r->w[i % r->n_workers], do_nothing, NULL, NULL);
	for (i = 0; i < r->n_workers; i++) {
		if (r->n_workers > 1) {
			worker_stop(r->w[i]);
			worker_join(r->w[i]);
		}
		worker_free(r->w[i]);
	}
}

/* --- one end --- */

void ep_init(struct ep *e, struct rig *r, struct worker *w)
{
	memset(e, 0, sizeof(*e));
	e->rig = r;
	e->w = w;
	assert_int_equal(pthread_mutex_init(&e->lock, NULL), 0);
}

void ep_hook(struct ep *e, ep_event_fn *on_event, ep_wc_fn *on_wc)
{
	(void)pthread_mutex_lock(&e->lock);
	e->on_event = on_event;
	e->on_wc = on_wc;
	(void)pthread_mutex_unlock(&e->lock);
}

static bool has_events(struct ep *e, unsigned n)
{
	return e->n_ev >= n;
}

static bool has_wcs(struct ep *e, unsigned n)
{
	return e->n_wc >= n;
}

static bool has_event(struct ep *e, unsigned type)
{
	unsigned i;

	for (i = 0; i < e->n_ev; i++)
		if (e->ev[i].type == type)
			return true;
	return false;
}

void ep_wait_events(struct ep *e, unsigned n)
{
	rig_wait(e, has_events, n);
}

void ep_wait_wcs(struct ep *e, unsigned n)
{
	rig_wait(e, has_wcs, n);
}

struct ep_event ep_wait_event(struct ep *e, enum fab_event_type type)
{
	struct ep_event ret;
	unsigned i;

	rig_wait(e, has_event, type);
	(void)pthread_mutex_lock(&e->lock);
	for (i = 0; e->ev[i].type != type; i++)
		;
	ret = e->ev[i];
	(void)pthread_mutex_unlock(&e->lock);
	return ret;
}

unsigned ep_count(struct ep *e, enum fab_event_type type)
{
	unsigned n = 0;
	unsigned i;

	(void)pthread_mutex_lock(&e->lock);
	for (i = 0; i < e->n_ev; i++)
		n += e->ev[i].type == type;
	(void)pthread_mutex_unlock(&e->lock);
	return n;
}

unsigned ep_n_evs(struct ep *e)
{
	unsigned n;

	(void)pthread_mutex_lock(&e->lock);
	n = e->n_ev;
	(void)pthread_mutex_unlock(&e->lock);
	return n;
}

unsigned ep_n_wcs(struct ep *e)
{
	unsigned n;

	(void)pthread_mutex_lock(&e->lock);
	n = e->n_wc;
	(void)pthread_mutex_unlock(&e->lock);
	return n;
}

/* The calls of the seam, each as a function that can be sent to the worker. */

static const struct fab_ops *ops_of(const struct ep *e)
{
	return e->rig->f->ops;
}

static int do_open(struct ep *e, void *arg)
{
	int ret = ops_of(e)->conn_new(&e->c, e->rig->f, e->w, &ep_handler, e);

	return ret ? ret : ops_of(e)->qp_create(e->c, arg);
}

void ep_open(struct ep *e, struct rig *r, const struct fab_qp_attr *attr)
{
	struct fab_qp_attr a = *attr;

	ep_init(e, r, r->w[0]);
	assert_int_equal(rig_do(e, do_open, &a), 0);
}

static int do_qp(struct ep *e, void *arg)
{
	return ops_of(e)->qp_create(e->c, arg);
}

int ep_qp(struct ep *e, const struct fab_qp_attr *attr)
{
	struct fab_qp_attr a = *attr;

	return rig_do(e, do_qp, &a);
}

struct bytes {
	const void *p;
	size_t len;
	unsigned depth;
};

static int do_connect(struct ep *e, void *arg)
{
	struct bytes *b = arg;
	socklen_t len = e->rig->addr.ss_family == AF_INET ? sizeof(struct sockaddr_in)
							  : sizeof(struct sockaddr_in6);

	return ops_of(e)->connect(e->c, (struct sockaddr *)&e->rig->addr, len, b->p, b->len, 4, 4);
}

int ep_connect(struct ep *e, const void *priv, size_t priv_len)
{
	struct bytes b = { .p = priv, .len = priv_len };

	return rig_do(e, do_connect, &b);
}

static int do_accept(struct ep *e, void *arg)
{
	struct bytes *b = arg;

	return ops_of(e)->accept(e->c, b->p, b->len, b->depth);
}

int ep_accept(struct ep *e, const void *priv, size_t priv_len, unsigned initiator_depth)
{
	struct bytes b = { .p = priv, .len = priv_len, .depth = initiator_depth };

	return rig_do(e, do_accept, &b);
}

static int do_reject(struct ep *e, void *arg)
{
	struct bytes *b = arg;

	return ops_of(e)->reject(e->c, b->p, b->len);
}

int ep_reject(struct ep *e, const void *priv, size_t priv_len)
{
	struct bytes b = { .p = priv, .len = priv_len };

	return rig_do(e, do_reject, &b);
}

struct post {
	const struct fab_wr *wr;
	unsigned n;
	uint64_t wr_id;
	void *buf;
	uint32_t len;
};

static int do_recv(struct ep *e, void *arg)
{
	struct post *p = arg;

	return ops_of(e)->post_recv(e->c, p->wr_id, p->buf, p->len);
}

int ep_recv(struct ep *e, uint64_t wr_id, void *buf, uint32_t len)
{
	struct post p = { .wr_id = wr_id, .buf = buf, .len = len };

	return rig_do(e, do_recv, &p);
}

static int do_post(struct ep *e, void *arg)
{
	struct post *p = arg;

	return ops_of(e)->post_send(e->c, p->wr, p->n);
}

int ep_post(struct ep *e, const struct fab_wr *wr, unsigned n)
{
	struct post p = { .wr = wr, .n = n };

	return rig_do(e, do_post, &p);
}

int ep_send(struct ep *e, uint64_t wr_id, const void *buf, uint32_t len)
{
	struct fab_sge sge = { .addr = (void *)buf, .len = len };
	struct fab_wr wr = {
		.wr_id = wr_id, .op = FAB_WR_SEND, .flags = FAB_WR_SIGNALED, .n_sge = 1, .sge = &sge
	};

	return ep_post(e, &wr, 1);
}

int ep_marker(struct ep *e, uint64_t wr_id)
{
	struct fab_wr wr = { .wr_id = wr_id, .op = FAB_WR_MARKER, .flags = FAB_WR_SIGNALED };

	return ep_post(e, &wr, 1);
}

struct region {
	void *addr;
	size_t len;
	unsigned access;
	struct fab_mr *mr;
};

static int do_reg(struct ep *e, void *arg)
{
	struct region *g = arg;

	return ops_of(e)->mr_reg(e->c, g->addr, g->len, g->access, g->mr);
}

int ep_reg(struct ep *e, void *addr, size_t len, unsigned access, struct fab_mr *ret)
{
	struct region g = { .addr = addr, .len = len, .access = access, .mr = ret };

	return rig_do(e, do_reg, &g);
}

static int do_dereg(struct ep *e, void *arg)
{
	ops_of(e)->mr_dereg(e->c, arg);
	return 0;
}

void ep_dereg(struct ep *e, struct fab_mr *mr)
{
	(void)rig_do(e, do_dereg, mr);
}

static int do_disconnect(struct ep *e, void *arg)
{
	(void)arg;
	return ops_of(e)->disconnect(e->c);
}

int ep_disconnect(struct ep *e)
{
	return rig_do(e, do_disconnect, NULL);
}

static int do_qp_error(struct ep *e, void *arg)
{
	(void)arg;
	ops_of(e)->qp_error(e->c);
	return 0;
}

void ep_qp_error(struct ep *e)
{
	(void)rig_do(e, do_qp_error, NULL);
}

static int do_qp_destroy(struct ep *e, void *arg)
{
	(void)arg;
	ops_of(e)->qp_destroy(e->c);
	return 0;
}

void ep_qp_destroy(struct ep *e)
{
	(void)rig_do(e, do_qp_destroy, NULL);
}

static int do_destroy(struct ep *e, void *arg)
{
	(void)arg;
	if (e->c)
		ops_of(e)->destroy(e->c);
	e->c = NULL;
	return 0;
}

void ep_destroy(struct ep *e)
{
	(void)rig_do(e, do_destroy, NULL);
	(void)pthread_mutex_destroy(&e->lock);
}

void ep_pair(struct rig *r, struct ep *a, struct ep *b, const struct fab_qp_attr *a_attr,
	     const struct fab_qp_attr *b_attr)
{
	ep_open(a, r, a_attr);
	ep_init(b, r, r->w[r->n_workers - 1]);
	atomic_store(&r->next, b);
	assert_int_equal(ep_connect(a, "hello", 5), 0);
	(void)ep_wait_event(b, FAB_EV_CONNECT_REQUEST);
	assert_int_equal(ep_qp(b, b_attr), 0);
	assert_int_equal(ep_accept(b, "welcome", 7, 4), 0);
	(void)ep_wait_event(a, FAB_EV_ESTABLISHED);
	(void)ep_wait_event(b, FAB_EV_ESTABLISHED);
}
