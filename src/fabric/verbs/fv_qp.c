/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A queue pair: the rings in our memory, and the device's. */
#include <errno.h>
#include <stdlib.h>

#include "fabric/verbs/fv.h"

#define HW_SQ_MIN   16u
#define HW_SQ_EXTRA 32u /* room for entries that become several work requests */

/* Ring size for @depth entries. */
static uint32_t ring_size(unsigned depth)
{
	uint32_t n = 1;

	while (n < depth)
		n *= 2;
	return n;
}

static int rings_new(struct fv_conn *c, const struct fab_qp_attr *attr)
{
	uint32_t n_sq = ring_size(attr->sq_depth);
	uint32_t n_rq = ring_size(attr->rq_depth);

	c->sqe = calloc(n_sq, sizeof(*c->sqe));
	c->rqe = calloc(n_rq, sizeof(*c->rqe));
	c->sge = calloc((size_t)n_sq * (attr->max_sge ? attr->max_sge : 1), sizeof(*c->sge));
	if (!c->sqe || !c->rqe || !c->sge)
		return -ENOMEM;
	c->sq = (struct fv_queue){ .mask = n_sq - 1, .depth = attr->sq_depth };
	c->rq = (struct fv_queue){ .mask = n_rq - 1, .depth = attr->rq_depth };
	return 0;
}

static void rings_free(struct fv_conn *c)
{
	free(c->sqe);
	free(c->rqe);
	free(c->sge);
	c->sqe = NULL;
	c->rqe = NULL;
	c->sge = NULL;
	c->sq = (struct fv_queue){ 0 };
	c->rq = (struct fv_queue){ 0 };
}

int fv_qp_create(struct fab_conn *base, const struct fab_qp_attr *attr)
{
	struct fv_conn *c = fv_conn_of(base);
	int r;

	if ((c->state != FV_NEW && c->state != FV_REQUESTED) || c->has_qp || !attr->sq_depth ||
	    attr->max_sge > FAB_SGE_MAX)
		return -EINVAL;
	if (!c->lane) /* the move to this worker failed */
		return -ENOMEM;
	r = rings_new(c, attr);
	c->attr = *attr;
	/* The active side has its device only when the address is resolved. */
	if (!r && c->state == FV_REQUESTED)
		r = fv_qp_make(c);
	if (r) {
		rings_free(c);
		return r;
	}
	c->has_qp = true;
	return 0;
}

static int hw_create(struct fv_conn *c, unsigned sq, unsigned inl)
{
	struct fv_dev *d = c->port->dev;
	struct ibv_qp_init_attr init = {
		.qp_context = c,
		.send_cq = c->cq[FV_CQ_SEND]->cq,
		.recv_cq = c->cq[FV_CQ_RECV]->cq,
		.qp_type = IBV_QPT_RC,
		.cap = { .max_send_wr = sq,
			 .max_recv_wr = c->hw_rq ? c->hw_rq : 1,
			 .max_send_sge = c->hw_sges,
			 .max_recv_sge = 1,
			 .max_inline_data = inl },
	};

	if (rdma_create_qp(c->id, d->pd, &init))
		return errno ? -errno : -ENOMEM;
	c->hw_sq = sq; /* what the completion queue was sized for; the device may have rounded up */
	c->hw_inline = init.cap.max_inline_data;
	return 0;
}

/* Devices trade depth, pieces and inline data against each other: ask for less until it will do. */
static int hw_create_some(struct fv_conn *c, unsigned sq)
{
	static const unsigned inl[] = { FV_INLINE, 64, 0 };
	int r = -EINVAL;

	for (unsigned depth = sq; depth >= min_u32(sq, HW_SQ_MIN); depth /= 2) {
		for (unsigned i = 0; i < ARRAY_SIZE(inl); i++) {
			r = hw_create(c, depth, inl[i]);
			if (!r || (r != -EINVAL && r != -ENOMEM))
				return r;
		}
		if (depth == 1)
			break;
	}
	return r;
}

int fv_qp_make(struct fv_conn *c)
{
	unsigned sq = c->attr.sq_depth + HW_SQ_EXTRA;
	/* Twice the entries is a bound that holds for all devices but those with one piece a READ. */
	const unsigned room[FV_CQ_KINDS] = {
		[FV_CQ_SEND] = 2 * sq, [FV_CQ_RECV] = c->attr.rq_depth
	};
	unsigned max_wr;
	struct fv_dev *d;
	int r;

	r = fv_port_join(c, room);
	if (r)
		return r;
	d = c->port->dev;
	max_wr = (unsigned)d->attr.max_qp_wr;
	c->hw_sges = min_u32(c->attr.max_sge ? c->attr.max_sge : 1, (unsigned)d->attr.max_sge);
	c->hw_rd_sges = d->attr.max_sge_rd > 0 ? min_u32(c->hw_sges, (unsigned)d->attr.max_sge_rd)
					       : c->hw_sges;
	if (d->iwarp)
		c->hw_rd_sges = 1;
	if (c->hw_rd_sges < c->attr.max_sge)
		sq += c->attr.sq_depth;
	c->hw_rq = min_u32(c->attr.rq_depth, max_wr);
	r = fv_lane_slot(c->lane, c);
	if (!r) {
		r = hw_create_some(c, min_u32(sq, max_wr));
		if (r)
			fv_lane_unslot(c->lane, c);
	}
	if (r)
		fv_port_leave(c);
	return r;
}

/* Nothing of the rings is with the device: give back what was registered for single entries. */
static void rings_untmp(struct fv_conn *c)
{
	for (uint32_t i = c->sq.head; i != c->sq.tail; i++)
		fv_post_untmp_send(c, &c->sqe[i & c->sq.mask]);
	for (uint32_t i = c->rq.head; i != c->rq.tail; i++)
		fv_post_untmp_recv(&c->rqe[i & c->rq.mask]);
}

void fv_qp_drop_hw(struct fv_conn *c)
{
	if (!c->port)
		return;
	/* Completions that are still on the queue find no connection under this name any more. P2: what
	 * asynchronous events were read are acknowledged by their reader without waiting for us. */
	rdma_destroy_qp(c->id);
	fv_lane_unslot(c->lane, c);
	rings_untmp(c);
	fv_mr_dereg_all(c);
	fv_port_leave(c);
}

void fv_qp_free(struct fv_conn *c)
{
	fv_qp_drop_hw(c);
	rings_free(c);
	c->has_qp = false;
}

void fv_qp_destroy(struct fab_conn *base)
{
	struct fv_conn *c = fv_conn_of(base);

	if (!c->has_qp)
		return;
	fv_conn_break(c); /* the peer shall hear of it */
	fv_qp_free(c);
	c->hw_dead = true;
	fv_conn_kick(c);
}
