/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Events of the connection manager. Each is copied, acknowledged, and only then acted upon: private data
 * are freed by the acknowledgement (P3), and destroying an id waits for it (P2).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "fabric/verbs/fv.h"

#define IB_REJ_NO_SERVICE 8 /* nobody listens there */

/* What is kept of an event. */
struct note {
	enum rdma_cm_event_type type;
	int status;
	unsigned depth;     /* READs we may have outstanding */
	unsigned resources; /* READs of the peer */
	size_t priv_len;
	uint8_t priv[FAB_PRIVATE_DATA_MAX];
};

static void note_of(const struct rdma_cm_event *ev, struct note *n)
{
	n->type = ev->event;
	n->status = ev->status;
	n->depth = ev->param.conn.initiator_depth;
	n->resources = ev->param.conn.responder_resources;
	n->priv_len = min_size(ev->param.conn.private_data_len, sizeof(n->priv));
	if (!ev->param.conn.private_data)
		n->priv_len = 0;
	if (n->priv_len)
		memcpy(n->priv, ev->param.conn.private_data, n->priv_len);
}

/* A status is a negative errno, or a reason of the InfiniBand CM. */
static int note_errno(const struct note *n, int otherwise)
{
	return n->status < 0 ? n->status : otherwise;
}

/* --- the passive side --- */

static void cm_request(struct fv_listener *l, struct rdma_cm_id *id, const struct note *n)
{
	struct fv *fv = l->lane->fv;
	struct fab_event ev = { .type = FAB_EV_CONNECT_REQUEST,
				.priv = n->priv,
				.priv_len = n->priv_len,
				.initiator_depth = n->depth,
				.responder_resources = n->resources };
	char text[FV_ADDR_TEXT];
	struct fv_conn *c;

	fv_addr_text(rdma_get_peer_addr(id), text);
	if (!fv_admit(fv)) {
		log_warn("verbs: login of %s: too many connections, refusing it", text);
		(void)rdma_destroy_id(id); /* P12: this rejects */
		return;
	}
	if (fv_conn_make(&c, fv, l->lane->w)) {
		log_warn("verbs: login of %s: no memory, refusing it", text);
		fv_dismiss(fv);
		(void)rdma_destroy_id(id);
		return;
	}
	c->id = id;
	id->context = c;
	c->passive = true;
	c->state = FV_REQUESTED;
	c->lane = l->lane;
	c->lane->n_users++;
	c->handler = l->handler;
	c->ctx = l->ctx;
	c->depth_offered = n->depth;
	c->depth_wanted = n->resources;
	/* P11: a GID where the id is of AF_IB. */
	memcpy(&c->peer, rdma_get_peer_addr(id), fv_addr_len(rdma_get_peer_addr(id)));
	c->handler->event(&c->base, &ev);
}

/* --- the active side --- */

int fv_cm_start(struct fv_conn *c)
{
	enum rdma_port_space ps = c->dest.ss_family == AF_IB ? RDMA_PS_IB : RDMA_PS_TCP;
	int ms = (int)fv_of(c->base.fab)->opts.connect_ms;
	int r;

	if (rdma_create_id(c->lane->channel, &c->id, c, ps))
		return errno ? -errno : -ENOMEM;
	c->state = FV_RESOLVING;
	if (rdma_resolve_addr(c->id, NULL, (struct sockaddr *)&c->dest, ms) == 0)
		return 0;
	r = errno ? -errno : -EIO;
	(void)rdma_destroy_id(c->id);
	c->id = NULL;
	c->state = FV_NEW;
	return r;
}

static bool cm_fail(struct fv_conn *c, int err, const char *text)
{
	return fv_conn_end(c, FAB_EV_CONNECT_ERROR, err, text);
}

static bool cm_addr_resolved(struct fv_conn *c)
{
	int r = fv_qp_make(c);

	if (r)
		return cm_fail(c, r, "cannot make a queue pair");
	if (rdma_resolve_route(c->id, (int)fv_of(c->base.fab)->opts.connect_ms))
		return cm_fail(c, -errno, "cannot resolve the route");
	fv_conn_kick(c); /* the receives */
	return true;
}

static bool cm_route_resolved(struct fv_conn *c)
{
	const struct ibv_device_attr *d = &c->port->dev->attr;
	struct rdma_conn_param p = {
		.private_data = c->priv,
		.private_data_len = (uint8_t)c->priv_len,
		.responder_resources =
			(uint8_t)min_u32(min_u32(c->conn_resources, c->attr.max_dest_rd_atomic),
					 min_u32((unsigned)d->max_qp_rd_atom, UINT8_MAX)),
		.initiator_depth =
			(uint8_t)min_u32(min_u32(c->conn_depth, c->attr.max_rd_atomic),
					 min_u32((unsigned)d->max_qp_init_rd_atom, UINT8_MAX)),
		.flow_control = 1,
		.retry_count = 7,
		.rnr_retry_count = 7,
	};
	int r = fv_post_receives(c);

	if (r)
		return cm_fail(c, r, "cannot post receives");
	if (rdma_connect(c->id, &p))
		return cm_fail(c, -errno, "cannot send the request");
	c->state = FV_CONNECTING;
	return true;
}

static bool cm_refused(struct fv_conn *c, const struct note *n)
{
	const struct fab_event ev = { .type = FAB_EV_REJECTED,
				      .error = note_errno(n, -ECONNREFUSED),
				      .priv = n->priv,
				      .priv_len = n->priv_len };
	bool told = c->told_end;

	if (!c->passive && (n->status == IB_REJ_NO_SERVICE || n->status == -ECONNREFUSED))
		return cm_fail(c, -ECONNREFUSED, "nobody listens there");
	c->told_end = true;
	(void)fv_conn_end(c, FAB_EV_REJECTED, 0, NULL);
	if (told)
		return true;
	c->handler->event(&c->base, &ev);
	return !c->dying;
}

/* --- both --- */

static bool cm_established(struct fv_conn *c, const struct note *n)
{
	const struct fab_event ev = { .type = FAB_EV_ESTABLISHED,
				      .priv = c->passive ? NULL : n->priv,
				      .priv_len = c->passive ? 0 : n->priv_len };

	if (c->state != FV_ACCEPTED && c->state != FV_CONNECTING)
		return true;
	c->state = FV_LIVE;
	fv_conn_kick(c);
	c->handler->event(&c->base, &ev);
	return !c->dying;
}

/* P9: also for a channel whose peer begins anew from the same queue pair: the InfiniBand CM answers that request itself, and
 * we see the end of the old channel and nothing of the new one, which comes with the peer's next try. */
static bool cm_disconnected(struct fv_conn *c, const struct note *n)
{
	/* P7: what was received before is on the completion queue, maybe not looked at yet. */
	if (c->port)
		fv_port_poll(c->port);
	if (c->dying)
		return false;
	return fv_conn_end(c, FAB_EV_DISCONNECTED, note_errno(n, 0), NULL);
}

static bool cm_device_removed(struct fv_conn *c)
{
	if (c->id->verbs)
		fv_dev_gone(fv_of(c->base.fab), c->id->verbs);
	return fv_conn_device_lost(c, "the device was removed");
}

/* Return: false when @c was destroyed. */
static bool cm_conn_event(struct fv_conn *c, const struct note *n)
{
	switch (n->type) {
	case RDMA_CM_EVENT_ADDR_RESOLVED:
		return cm_addr_resolved(c);
	case RDMA_CM_EVENT_ROUTE_RESOLVED:
		return cm_route_resolved(c);
	case RDMA_CM_EVENT_ADDR_ERROR:
	case RDMA_CM_EVENT_ROUTE_ERROR:
		return cm_fail(c, note_errno(n, -EHOSTUNREACH), "no way to the address");
	case RDMA_CM_EVENT_CONNECT_ERROR:
		return cm_fail(c, note_errno(n, -ECONNRESET), "the connection could not be made");
	case RDMA_CM_EVENT_UNREACHABLE:
		return fv_conn_end(c, FAB_EV_UNREACHABLE, note_errno(n, -ETIMEDOUT), NULL);
	case RDMA_CM_EVENT_REJECTED:
		return cm_refused(c, n);
	case RDMA_CM_EVENT_ESTABLISHED:
		return cm_established(c, n);
	case RDMA_CM_EVENT_DISCONNECTED:
		return cm_disconnected(c, n);
	case RDMA_CM_EVENT_DEVICE_REMOVAL:
		return cm_device_removed(c);
	case RDMA_CM_EVENT_ADDR_CHANGE:
		return fv_conn_tell(c, FAB_EV_ADDR_CHANGE, 0,
				    "the address moved to another device");
	case RDMA_CM_EVENT_TIMEWAIT_EXIT:
		return fv_conn_tell(c, FAB_EV_TIMEWAIT_EXIT, 0, NULL);
	default:
		return true;
	}
}

static void cm_dispatch(struct rdma_cm_id *id, struct rdma_cm_id *listen_id, const struct note *n)
{
	/* Both kinds of context begin with it. */
	const enum fv_kind *kind =
		n->type == RDMA_CM_EVENT_CONNECT_REQUEST ? listen_id->context : id->context;

	if (n->type == RDMA_CM_EVENT_CONNECT_REQUEST) {
		cm_request(container_of(kind, struct fv_listener, kind), id, n);
	} else if (*kind == FV_CONN) {
		(void)cm_conn_event(container_of(kind, struct fv_conn, kind), n);
	} else if (n->type == RDMA_CM_EVENT_DEVICE_REMOVAL) {
		struct fv_listener *l = container_of(kind, struct fv_listener, kind);

		fv_listener_lost(l, "its device was removed");
	}
}

void fv_cm_events(struct fv_lane *l)
{
	struct rdma_cm_event *ev;
	struct note n;

	l->n_users++; /* the last user may go by an event */
	while (l->n_users && l->channel && rdma_get_cm_event(l->channel, &ev) == 0) {
		struct rdma_cm_id *id = ev->id;
		struct rdma_cm_id *listen_id = ev->listen_id;

		note_of(ev, &n);
		(void)rdma_ack_cm_event(ev);
		cm_dispatch(id, listen_id, &n);
	}
	fv_lane_put(l);
}
