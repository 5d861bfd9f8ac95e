/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A connection: its way through the states of fv.h and its end. The end is told once (DISCONNECTED or
 * what stands for it); everything posted is flushed; destroy releases in the order queue pair, id, the rest.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "fabric/verbs/fv.h"

static void conn_job(struct worker *w, struct worker_job *j);
static void conn_timer(struct worker *w, struct worker_timer *t);
static void conn_async(struct worker *w, struct worker_msg *m);

static void conn_free_msg(struct worker *w, struct worker_msg *m)
{
	(void)w;
	fv_conn_unref(container_of(m, struct fv_conn, free_msg));
}

void fv_conn_unref(struct fv_conn *c)
{
	struct fv *fv = fv_of(c->base.fab);

	if (atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
		return;
	free(c);
	fv_dismiss(fv);
	fv_unref(fv);
}

int fv_conn_make(struct fv_conn **ret, struct fv *fv, struct worker *w)
{
	struct fv_conn *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->kind = FV_CONN;
	c->base.fab = &fv->fab;
	c->w = w;
	list_init(&c->port_node);
	worker_job_init(&c->job, conn_job);
	worker_timer_init(&c->timer, conn_timer);
	c->async_msg.run = conn_async;
	c->free_msg.run = conn_free_msg;
	atomic_init(&c->refs, 1);
	fv_ref(fv);
	*ret = c;
	return 0;
}

int fv_conn_new(struct fab_conn **ret, struct fab *f, struct worker *w,
		const struct fab_handler *handler, void *ctx)
{
	struct fv *fv = fv_of(f);
	struct fv_conn *c;
	int r;

	if (!fv_admit(fv))
		return -EMFILE;
	r = fv_conn_make(&c, fv, w);
	if (r) {
		fv_dismiss(fv);
		return r;
	}
	c->handler = handler;
	c->ctx = ctx;
	r = fv_lane_get(&c->lane, fv, w);
	if (r) {
		fv_conn_unref(c);
		return r;
	}
	*ret = &c->base;
	return 0;
}

void fv_conn_kick(struct fv_conn *c)
{
	worker_defer(c->w, &c->job);
}

bool fv_conn_tell(struct fv_conn *c, enum fab_event_type type, int error, const char *text)
{
	const struct fab_event ev = { .type = type, .error = error, .text = text };

	c->handler->event(&c->base, &ev);
	return !c->dying;
}

/* --- deadlines --- */

/* Run the timer for the nearer of the deadlines; without a timer what they stand for happens at once. */
static void conn_arm(struct fv_conn *c)
{
	uint64_t at =
		c->drain_ns && (!c->end_ns || c->drain_ns < c->end_ns) ? c->drain_ns : c->end_ns;

	if (!at)
		worker_timer_stop(c->w, &c->timer);
	else if (worker_timer_start(c->w, &c->timer, at))
		fv_conn_abandon(c);
}

static uint64_t conn_after(const struct fv_conn *c, unsigned ms)
{
	return worker_now_ns(c->w) + ms * NSEC_PER_MSEC;
}

static void conn_timer(struct worker *w, struct worker_timer *t)
{
	struct fv_conn *c = container_of(t, struct fv_conn, timer);
	uint64_t now = worker_now_ns(w);

	if (c->drain_ns && now >= c->drain_ns) {
		c->drain_ns = 0;
		/* P5: siw forgets what was posted while its queue pair fell into the error state. */
		if (!fv_comp_drained(c))
			fv_conn_abandon(c);
	}
	if (c->end_ns && now >= c->end_ns) {
		bool early = c->state == FV_RESOLVING || c->state == FV_CONNECTING;

		c->end_ns = 0;
		if (!fv_conn_end(c, early ? FAB_EV_CONNECT_ERROR : FAB_EV_DISCONNECTED,
				 early ? -ECANCELED : -ETIMEDOUT,
				 early ? NULL : "the peer did not answer our disconnect"))
			return;
	}
	conn_arm(c);
}

/* --- the end --- */

static void conn_qp_to_error(const struct fv_conn *c)
{
	struct ibv_qp_attr attr = { .qp_state = IBV_QPS_ERR };

	if (c->port)
		(void)ibv_modify_qp(c->id->qp, &attr, IBV_QP_STATE);
}

/* Tell the peer, or answer it; the queue pair falls into the error state by it. */
static void conn_part(struct fv_conn *c)
{
	bool drain = c->port && !fv_comp_drained(c);

	c->error = true;
	if (rdma_disconnect(c->id))
		conn_qp_to_error(c); /* there was nobody to tell */
	c->state = FV_DISCONNECTING;
	c->drain_ns = drain ? conn_after(c, FV_DRAIN_MS) : 0;
	c->end_ns = c->told_end ? 0 : conn_after(c, fv_of(c->base.fab)->opts.disconnect_ms);
	conn_arm(c);
	fv_conn_kick(c);
}

void fv_conn_break(struct fv_conn *c)
{
	if (c->error)
		return;
	switch (c->state) {
	case FV_ACCEPTED:
	case FV_LIVE:
	case FV_CLOSING:
		conn_part(c);
		return;
	default:
		break;
	}
	c->error = true;
	conn_qp_to_error(c);
	if (c->port && !fv_comp_drained(c)) {
		c->drain_ns = conn_after(c, FV_DRAIN_MS);
		conn_arm(c);
	}
	fv_conn_kick(c);
}

void fv_conn_abandon(struct fv_conn *c)
{
	c->error = true;
	c->drain_ns = 0;
	fv_qp_drop_hw(c);
	c->hw_dead = true;
	fv_conn_kick(c);
}

bool fv_conn_end(struct fv_conn *c, enum fab_event_type type, int error, const char *text)
{
	bool told = c->told_end;

	c->told_end = true;
	fv_conn_break(c);
	c->state = FV_DOWN;
	c->end_ns = 0;
	conn_arm(c);
	fv_conn_kick(c);
	return told || fv_conn_tell(c, type, error, text);
}

bool fv_conn_device_lost(struct fv_conn *c, const char *text)
{
	if (c->hw_dead || c->dying)
		return !c->dying;
	/* What completed before is worth having. */
	if (c->port)
		fv_port_poll(c->port);
	if (c->dying)
		return false;
	c->state = FV_DOWN;
	c->end_ns = 0;
	fv_conn_abandon(c);
	conn_arm(c);
	if (c->told_end)
		return true;
	c->told_end = true;
	return fv_conn_tell(c, FAB_EV_DEVICE_REMOVAL, -ENODEV, text);
}

int fv_conn_disconnect(struct fab_conn *base)
{
	struct fv_conn *c = fv_conn_of(base);

	switch (c->state) {
	case FV_ACCEPTED:
	case FV_LIVE:
		c->state = FV_CLOSING;
		c->end_ns = conn_after(c, fv_of(base->fab)->opts.disconnect_ms);
		conn_arm(c);
		fv_conn_kick(c);
		return 0;
	case FV_CLOSING:
	case FV_DISCONNECTING:
	case FV_DOWN: /* its end was told, or will be */
		return 0;
	case FV_RESOLVING:
	case FV_CONNECTING:
		/* Told by the timer, not from inside this call. */
		c->end_ns = worker_now_ns(c->w);
		conn_arm(c);
		return 0;
	default:
		return -ENOTCONN;
	}
}

void fv_conn_qp_error(struct fab_conn *base)
{
	struct fv_conn *c = fv_conn_of(base);

	if (c->has_qp)
		fv_conn_break(c);
}

void fv_conn_destroy(struct fab_conn *base)
{
	struct fv_conn *c = fv_conn_of(base);

	check(!c->dying);
	c->dying = true;
	worker_undefer(c->w, &c->job);
	worker_timer_stop(c->w, &c->timer);
	/* The release order of docs/design/0015: queue pair, its registrations and rings, the id, the channel and
	 * completion queue when their last user goes, memory. */
	fv_qp_free(c);
	/* P2: events are acknowledged before anybody is told of them, so this does not wait for us. P10, P12: an
	 * established connection is disconnected by it, a request that was not answered is rejected. */
	if (c->id)
		(void)rdma_destroy_id(c->id);
	c->id = NULL;
	fv_lane_put(c->lane);
	c->lane = NULL;
	/* Not now: a handler of this connection may be what we are called from. */
	worker_post(c->w, &c->free_msg);
}

/* --- the job --- */

static bool conn_may_send(const struct fv_conn *c)
{
	/* The passive side waits for the peer's first message: MPA demands it (P4), and on InfiniBand it
	 * makes sure that the peer has posted its receives. */
	return (c->state == FV_ACCEPTED || c->state == FV_LIVE || c->state == FV_CLOSING) &&
	       (!c->passive || c->peer_spoke);
}

static void conn_flow(struct fv_conn *c)
{
	int r = 0;

	if (c->port) {
		r = fv_post_receives(c);
		if (!r && conn_may_send(c))
			r = fv_post_sends(c);
	}
	if (r) {
		log_error("verbs: cannot post: %s, ending the connection", strerror(-r));
		fv_conn_break(c);
		(void)fv_conn_tell(c, FAB_EV_QP_FATAL, r, "the device takes no work requests");
		return;
	}
	/* An orderly end: what is posted is out, or can never go. */
	if (c->state == FV_CLOSING && (c->sq.head == c->sq.tail || !conn_may_send(c)))
		conn_part(c);
}

static void conn_job(struct worker *w, struct worker_job *j)
{
	struct fv_conn *c = container_of(j, struct fv_conn, job);

	(void)w;
	if (!c->error) {
		conn_flow(c);
	} else if (!fv_comp_deliver(c)) {
		return;
	} else if (c->drain_ns && fv_comp_drained(c)) {
		c->drain_ns = 0;
		conn_arm(c);
	}
	if (!c->dying)
		fv_port_urgent(c);
}

/* --- the device's asynchronous events --- */

void fv_conn_async(struct fv_conn *c, unsigned what)
{
	atomic_fetch_or(&c->async, what);
	if (atomic_exchange(&c->async_posted, true))
		return;
	/* The queue pair exists until this event is acknowledged, so the connection does. */
	atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
	worker_post(c->w, &c->async_msg);
}

static void conn_async(struct worker *w, struct worker_msg *m)
{
	struct fv_conn *c = container_of(m, struct fv_conn, async_msg);
	unsigned what;

	(void)w;
	atomic_store(&c->async_posted, false);
	what = atomic_exchange(&c->async, 0);
	if (!c->dying && what & FV_ASYNC_COMM_EST && c->state == FV_ACCEPTED) {
		/* The reply's answer was lost or comes later; the CM makes ESTABLISHED of this. */
		(void)rdma_notify(c->id, IBV_EVENT_COMM_EST);
		(void)fv_conn_tell(c, FAB_EV_COMM_EST, 0, NULL);
	}
	if (!c->dying && what & FV_ASYNC_FATAL && !c->told_end) {
		fv_conn_break(c);
		(void)fv_conn_tell(c, FAB_EV_QP_FATAL, -EIO,
				   "the device reports an error of the queue pair");
	}
	if (!c->dying && what & FV_ASYNC_LAST_WQE)
		(void)fv_conn_tell(c, FAB_EV_LAST_WQE, 0, NULL);
	fv_conn_unref(c);
}

/* --- set-up --- */

/* The old worker's lane is free of us. */
static void conn_left(struct worker *w, struct worker_msg *m)
{
	struct fv_conn *c = container_of(m, struct fv_conn, left_msg);

	(void)w;
	fv_lane_put(c->left);
	fv_conn_unref(c);
}

static void conn_moved(struct worker *w, struct worker_msg *m)
{
	struct fv_conn *c = container_of(m, struct fv_conn, migrate_msg);
	int r = fv_lane_get(&c->lane, fv_of(c->base.fab), w);

	c->migrating = false;
	if (!r && rdma_migrate_id(c->id, c->lane->channel)) {
		r = -errno;
		fv_lane_put(c->lane);
		c->lane = NULL;
	}
	if (r) /* qp_create() will say so */
		log_error("verbs: cannot move a connection to its worker: %s", strerror(-r));
	worker_post(c->left->w, &c->left_msg);
}

/* P13: the id of a request is on its listener's channel. The new worker fetches it, with a message that is
 * ahead of everything the caller posts there from now on; until then that channel must live. */
void fv_conn_migrate(struct fab_conn *base, struct worker *w)
{
	struct fv_conn *c = fv_conn_of(base);

	check(c->state == FV_REQUESTED && !c->has_qp && !c->dying && !c->migrating);
	if (w == c->w)
		return;
	c->left = c->lane;
	c->lane = NULL;
	c->w = w;
	c->migrating = true;
	c->migrate_msg.run = conn_moved;
	c->left_msg.run = conn_left;
	atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
	worker_post(w, &c->migrate_msg);
}

/* NOLINTNEXTLINE(readability-function-size): the parameters are the seam's */
int fv_conn_connect(struct fab_conn *base, const struct sockaddr *addr, socklen_t addr_len,
		    const void *priv, size_t priv_len, unsigned initiator_depth,
		    unsigned responder_resources)
{
	struct fv_conn *c = fv_conn_of(base);

	if (c->state != FV_NEW || !c->has_qp || priv_len > sizeof(c->priv) ||
	    fv_addr_take(addr, addr_len, &c->dest))
		return -EINVAL;
	if (priv_len)
		memcpy(c->priv, priv, priv_len);
	c->priv_len = priv_len;
	c->peer = c->dest;
	c->conn_depth = initiator_depth;
	c->conn_resources = responder_resources;
	return fv_cm_start(c);
}

/* READs we may have outstanding: what the peer, the caller and the device allow. */
static uint8_t conn_depth(const struct fv_conn *c, unsigned wanted, unsigned peer)
{
	unsigned n = min_u32(min_u32(wanted, c->attr.max_rd_atomic), peer);

	return (uint8_t)min_u32(
		n, min_u32((unsigned)c->port->dev->attr.max_qp_init_rd_atom, UINT8_MAX));
}

int fv_conn_accept(struct fab_conn *base, const void *priv, size_t priv_len,
		   unsigned initiator_depth)
{
	struct fv_conn *c = fv_conn_of(base);
	struct rdma_conn_param p = { .private_data = priv,
				     .private_data_len = (uint8_t)priv_len,
				     .flow_control = 1,
				     .rnr_retry_count = 7 };
	int r;

	if (c->state != FV_REQUESTED || !c->port || c->error || priv_len > FAB_PRIVATE_DATA_MAX)
		return -EINVAL;
	/* All receives before the reply, not at the end of the round. */
	r = fv_post_receives(c);
	if (r)
		return r;
	p.initiator_depth = conn_depth(c, initiator_depth, c->depth_offered);
	p.responder_resources =
		(uint8_t)min_u32(min_u32(c->attr.max_dest_rd_atomic, c->depth_wanted),
				 min_u32((unsigned)c->port->dev->attr.max_qp_rd_atom, UINT8_MAX));
	/* P14: when this fails the kernel has rejected the request itself, without our words. P1: until now it
	 * kept what happened to the request to itself, so that a peer which is gone shows here. */
	if (rdma_accept(c->id, &p)) {
		r = errno ? -errno : -EIO;
		c->state = FV_DOWN;
		c->told_end = true;
		return r;
	}
	c->attr.max_rd_atomic = p.initiator_depth;
	c->state = FV_ACCEPTED;
	fv_conn_kick(c);
	return 0;
}

int fv_conn_reject(struct fab_conn *base, const void *priv, size_t priv_len)
{
	struct fv_conn *c = fv_conn_of(base);
	int r = 0;

	if (c->state != FV_REQUESTED || priv_len > FAB_PRIVATE_DATA_MAX || !c->id)
		return -EINVAL;
	if (rdma_reject(c->id, priv, (uint8_t)priv_len))
		r = errno ? -errno : -EIO;
	c->state = FV_REJECTED;
	c->told_end = true;
	fv_conn_break(c);
	return r;
}
