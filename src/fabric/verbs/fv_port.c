/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A worker's use of a device: one completion channel, one completion queue for sends and one for receives
 * that grow with the connections (or, where the device cannot resize, more of them), and the pump that
 * empties them.
 *
 * The pump polls while completions come and for poll_us after the last, then asks for an event and
 * sleeps: under load there is no event and no system call for a completion. The end of a response alone is
 * nothing to wake up for: it is found when the next command comes, or FV_LAZY_MS later.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "fabric/verbs/fv.h"

#define CQ_FIRST 1024u

/* --- the pump --- */

/* The connection of a completion; NULL for one that came after its queue pair went. */
static struct fv_conn *port_conn(const struct fv_port *p, uint64_t name)
{
	unsigned slot = (unsigned)(name >> 44);
	struct fv_conn *c = slot < p->lane->n_slots ? p->lane->slots[slot] : NULL;

	return c && ((name >> 32) & 0xfff) == (c->gen & 0xfff) ? c : NULL;
}

/* Completions of one connection that follow each other are delivered together. */
static void port_dispatch(struct fv_port *p, const struct ibv_wc *wc, unsigned n)
{
	struct fv_conn *c;
	unsigned i = 0;

	while (i < n) {
		c = port_conn(p, wc[i].wr_id);
		if (!c) {
			i++;
			continue;
		}
		for (; i < n && wc[i].wr_id >> 32 == fv_wr_name(c, false, 0) >> 32; i++)
			fv_comp_note(c, &wc[i]);
		/* The job looks whether the queue has room again or the flush is complete. */
		fv_conn_kick(c);
		(void)fv_comp_deliver(c);
	}
}

/* Take what is there of a kind, at most @budget. Return: how many. */
static unsigned port_take_kind(struct fv_port *p, enum fv_cq_kind kind, unsigned budget)
{
	struct ibv_wc wc[FV_POLL_BATCH];
	struct list *pos;
	struct list *tmp;
	unsigned all = 0;
	int n;

	list_for_each_safe (pos, tmp, &p->cqs[kind]) {
		struct fv_cq *q = list_entry(pos, struct fv_cq, node);

		do {
			n = ibv_poll_cq(q->cq, FV_POLL_BATCH, wc);
			if (n <= 0)
				break;
			all += (unsigned)n;
			port_dispatch(p, wc, (unsigned)n);
			/* The last connection may have gone, and the queue with it. */
			if (p->closing)
				return all;
		} while (n == FV_POLL_BATCH && all < budget);
		if (n < 0)
			log_error("verbs: %s: a completion queue cannot be polled, its "
				  "connections will time out",
				  ibv_get_device_name(p->dev->verbs->device));
	}
	return all;
}

static unsigned port_take(struct fv_port *p, unsigned budget)
{
	unsigned n = port_take_kind(p, FV_CQ_SEND, budget);

	return p->closing ? n : n + port_take_kind(p, FV_CQ_RECV, budget);
}

void fv_port_poll(struct fv_port *p)
{
	while (!p->closing && port_take(p, UINT32_MAX))
		;
}

static void port_arm(struct fv_port *p, enum fv_cq_kind kind)
{
	struct list *pos;

	list_for_each (pos, &p->cqs[kind])
		(void)ibv_req_notify_cq(list_entry(pos, struct fv_cq, node)->cq, 0);
	p->armed[kind] = true;
}

/* Look after sends that nothing waits for. Return: a later look is certain. */
static bool port_be_lazy(struct fv_port *p)
{
	uint64_t at = worker_now_ns(p->lane->w) + FV_LAZY_MS * NSEC_PER_MSEC;

	if (!p->lazy_on)
		p->lazy_on = worker_timer_start(p->lane->w, &p->lazy, at) == 0;
	return p->lazy_on;
}

static void port_lazy(struct worker *w, struct worker_timer *t)
{
	struct fv_port *p = container_of(t, struct fv_port, lazy);

	p->lazy_on = false;
	worker_defer(w, &p->job);
}

/* Ask for events of what has to be heard of at once. Return: something was armed. */
static bool port_arm_needed(struct fv_port *p)
{
	bool sends = !p->armed[FV_CQ_SEND] && (p->n_urgent || (p->n_out && !port_be_lazy(p)));
	bool recvs = !p->armed[FV_CQ_RECV];

	if (sends)
		port_arm(p, FV_CQ_SEND);
	if (recvs)
		port_arm(p, FV_CQ_RECV);
	return sends || recvs;
}

void fv_port_urgent(struct fv_conn *c)
{
	bool now = c->n_urgent || c->error || c->state == FV_CLOSING || c->hw_used > c->hw_sq / 2;
	struct fv_port *p = c->port;

	if (!p)
		return;
	if (now != c->urgent)
		p->n_urgent += now ? 1u : -1u;
	/* The pump may be asleep. */
	if ((now && !c->urgent) || (c->n_out && !p->lazy_on && !p->armed[FV_CQ_SEND]))
		worker_defer(p->lane->w, &p->job);
	c->urgent = now;
}

/* Whether to look again in the next round instead of sleeping. */
static bool port_busy(struct fv_port *p, unsigned n)
{
	uint64_t now = worker_clock_ns();

	if (n)
		p->idle_ns = now;
	return n || now - p->idle_ns < p->lane->fv->opts.poll_us * NSEC_PER_USEC;
}

static void port_job(struct worker *w, struct worker_job *j)
{
	struct fv_port *p = container_of(j, struct fv_port, job);
	struct fv_lane *l = p->lane;
	unsigned n;

	l->n_users++; /* its tables are in use until we return */
	n = port_take(p, FV_POLL_ROUND);
	/* What came between the last look and the arming raises no event: look once more. */
	if (!p->closing && (port_busy(p, n) || port_arm_needed(p)))
		worker_defer(w, j);
	fv_lane_put(l);
}

static void port_ack(struct fv_cq *q)
{
	if (q->unacked)
		ibv_ack_cq_events(q->cq, q->unacked);
	q->unacked = 0;
}

static void port_comp_ready(struct worker *w, struct worker_poll *poll, unsigned revents)
{
	struct fv_port *p = container_of(poll, struct fv_port, comp_poll);
	struct ibv_cq *cq;
	void *ctx;

	(void)revents;
	while (!p->closing && ibv_get_cq_event(p->channel, &cq, &ctx) == 0) {
		struct fv_cq *q = ctx;

		p->armed[q->kind] = false;
		if (++q->unacked == FV_ACK_BATCH)
			port_ack(q);
	}
	if (p->closing)
		return;
	worker_defer(w, &p->job);
}

static void port_async_ready(struct worker *w, struct worker_poll *poll, unsigned revents)
{
	struct fv_port *p = container_of(poll, struct fv_port, async_poll);

	(void)w;
	(void)revents;
	if (!p->closing)
		fv_dev_events(p);
}

/* --- completion queues --- */

static struct fv_cq *cq_new(struct fv_port *p, enum fv_cq_kind kind, unsigned room)
{
	struct ibv_context *verbs = p->dev->verbs;
	struct fv_cq *q = calloc(1, sizeof(*q));
	int vector = (int)worker_index(p->lane->w) %
		     (verbs->num_comp_vectors > 0 ? verbs->num_comp_vectors : 1);

	if (!q)
		return NULL;
	q->cq = ibv_create_cq(verbs, (int)room, q, p->channel, vector);
	if (!q->cq) {
		free(q);
		return NULL;
	}
	q->port = p;
	q->kind = kind;
	q->room = room;
	list_push(&p->cqs[kind], &q->node);
	if (p->armed[kind])
		(void)ibv_req_notify_cq(q->cq, 0);
	return q;
}

static void cq_free(struct fv_cq *q)
{
	list_del(&q->node);
	port_ack(q); /* ibv_destroy_cq() waits for it */
	(void)ibv_destroy_cq(q->cq);
	free(q);
}

/* Make room for @n more work requests on @q. */
static bool cq_grow(struct fv_cq *q, unsigned n)
{
	unsigned max = (unsigned)q->port->dev->attr.max_cqe;
	unsigned room = q->room;

	while (room - q->used < n) {
		if (room >= max)
			return false;
		room = min_u32(2 * room, max);
	}
	if (room != q->room && ibv_resize_cq(q->cq, (int)room))
		return false;
	q->room = room;
	return true;
}

static struct fv_cq *cq_for(struct fv_port *p, enum fv_cq_kind kind, unsigned n)
{
	unsigned room = CQ_FIRST;
	struct list *pos;

	list_for_each (pos, &p->cqs[kind]) {
		struct fv_cq *q = list_entry(pos, struct fv_cq, node);

		if (q->room - q->used >= n || cq_grow(q, n))
			return q;
	}
	while (room < n)
		room *= 2;
	return cq_new(p, kind, min_u32(room, (unsigned)p->dev->attr.max_cqe));
}

/* --- life --- */

static void port_stopped(struct fv_port *p)
{
	struct fv *fv = p->lane->fv;
	struct fv_lane *l = p->lane;

	if (--p->n_polls)
		return;
	/* Until now the descriptors were held by the watch, and a removal of the device with them. */
	fv_dev_put(p->dev, p);
	free(p->keys.v);
	free(p);
	fv_lane_put(l);
	fv_unref(fv);
}

static void port_comp_stopped(struct worker *w, struct worker_poll *poll)
{
	(void)w;
	port_stopped(container_of(poll, struct fv_port, comp_poll));
}

static void port_async_stopped(struct worker *w, struct worker_poll *poll)
{
	(void)w;
	port_stopped(container_of(poll, struct fv_port, async_poll));
}

static void port_close(struct fv_port *p)
{
	struct list *pos;
	struct list *tmp;

	p->closing = true;
	list_del(&p->node);
	worker_undefer(p->lane->w, &p->job);
	worker_timer_stop(p->lane->w, &p->lazy);
	for (unsigned kind = 0; kind < FV_CQ_KINDS; kind++)
		list_for_each_safe (pos, tmp, &p->cqs[kind])
			cq_free(list_entry(pos, struct fv_cq, node));
	worker_poll_stop(p->lane->w, &p->comp_poll);
	worker_poll_stop(p->lane->w, &p->async_poll);
	(void)ibv_destroy_comp_channel(p->channel);
}

/* Another worker read that the device is dead. */
static void port_fatal(struct worker *w, struct worker_msg *m)
{
	struct fv_port *p = container_of(m, struct fv_port, fatal_msg);
	struct list *pos;

	(void)w;
	atomic_store(&p->fatal_posted, false);
	/* A handler may destroy connections, the next one of the list among them: start again each time. */
again:
	if (p->closing)
		return;
	list_for_each (pos, &p->conns) {
		struct fv_conn *c = list_entry(pos, struct fv_conn, port_node);

		if (c->hw_dead)
			continue;
		(void)fv_conn_device_lost(c, "the device reports a fatal error");
		goto again;
	}
}

static int port_watch(struct fv_port *p)
{
	struct worker *w = p->lane->w;
	int r = fv_nonblock(p->channel->fd);

	if (!r)
		r = fv_nonblock(p->dev->verbs->async_fd);
	if (r)
		return r;
	p->comp_poll.fd = p->channel->fd;
	p->comp_poll.events = POLLIN;
	p->comp_poll.ready = port_comp_ready;
	p->comp_poll.stopped = port_comp_stopped;
	p->async_poll.fd = p->dev->verbs->async_fd;
	p->async_poll.events = POLLIN;
	p->async_poll.ready = port_async_ready;
	p->async_poll.stopped = port_async_stopped;
	p->n_polls = 2;
	worker_poll_start(w, &p->comp_poll);
	worker_poll_start(w, &p->async_poll);
	return 0;
}

static int port_new(struct fv_port **ret, struct fv_lane *l, struct ibv_context *verbs)
{
	struct fv_port *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	p->lane = l;
	list_init(&p->conns);
	for (unsigned kind = 0; kind < FV_CQ_KINDS; kind++)
		list_init(&p->cqs[kind]);
	worker_job_init(&p->job, port_job);
	worker_timer_init(&p->lazy, port_lazy);
	p->fatal_msg.run = port_fatal;
	r = fv_dev_get(&p->dev, l->fv, verbs, p);
	if (r)
		goto fail;
	p->gen = atomic_load(&p->dev->gen) - 1; /* copy the keys at the first look-up */
	p->channel = ibv_create_comp_channel(verbs);
	r = p->channel ? port_watch(p) : errno ? -errno : -ENOMEM;
	if (r) {
		if (p->channel)
			(void)ibv_destroy_comp_channel(p->channel);
		fv_dev_put(p->dev, p);
		goto fail;
	}
	p->armed[FV_CQ_RECV] = true; /* each queue is armed when it is made */
	list_push(&l->ports, &p->node);
	l->n_users++;
	fv_ref(l->fv);
	*ret = p;
	return 0;
fail:
	free(p);
	return r;
}

static struct fv_port *port_find(const struct fv_lane *l, const struct ibv_context *verbs)
{
	const struct list *pos;

	list_for_each (pos, &l->ports) {
		struct fv_port *p = list_entry(pos, struct fv_port, node);

		if (p->dev->verbs == verbs && !p->dev->gone)
			return p;
	}
	return NULL;
}

int fv_port_join(struct fv_conn *c, const unsigned n[FV_CQ_KINDS])
{
	struct fv_port *p = port_find(c->lane, c->id->verbs);
	int r = p ? 0 : port_new(&p, c->lane, c->id->verbs);

	if (r)
		return r;
	for (unsigned kind = 0; kind < FV_CQ_KINDS; kind++)
		c->cq[kind] = cq_for(p, (enum fv_cq_kind)kind, n[kind]);
	if (!c->cq[FV_CQ_SEND] || !c->cq[FV_CQ_RECV]) {
		r = errno ? -errno : -ENOMEM;
		if (!p->n_conns)
			port_close(p);
		return r;
	}
	for (unsigned kind = 0; kind < FV_CQ_KINDS; kind++) {
		c->cq[kind]->used += n[kind];
		c->cq_used[kind] = n[kind];
	}
	c->port = p;
	list_push(&p->conns, &c->port_node);
	p->n_conns++;
	return 0;
}

void fv_port_leave(struct fv_conn *c)
{
	struct fv_port *p = c->port;

	if (!p)
		return;
	c->port = NULL;
	for (unsigned kind = 0; kind < FV_CQ_KINDS; kind++) {
		c->cq[kind]->used -= c->cq_used[kind];
		c->cq[kind] = NULL;
	}
	p->n_out -= c->n_out;
	p->n_urgent -= c->urgent;
	c->hw_used = 0;
	c->n_out = 0;
	c->n_urgent = 0;
	c->urgent = false;
	list_del(&c->port_node);
	if (!--p->n_conns)
		port_close(p);
}
