/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* From the device's completions to the seam's, and the flush of what never got to the device. */
#include "base/log.h"
#include "fabric/verbs/fv.h"

static enum fab_wc_status status_of(enum ibv_wc_status s)
{
	switch (s) {
	case IBV_WC_SUCCESS:
		return FAB_WC_OK;
	case IBV_WC_WR_FLUSH_ERR:
		return FAB_WC_FLUSHED;
	case IBV_WC_LOC_LEN_ERR:
	case IBV_WC_LOC_QP_OP_ERR:
	case IBV_WC_LOC_PROT_ERR:
	case IBV_WC_LOC_ACCESS_ERR:
	case IBV_WC_MW_BIND_ERR:
		return FAB_WC_LOCAL;
	case IBV_WC_REM_INV_REQ_ERR:
	case IBV_WC_REM_ACCESS_ERR:
	case IBV_WC_REM_OP_ERR:
		return FAB_WC_REMOTE;
	default:
		return FAB_WC_TRANSPORT;
	}
}

static enum fab_wc_op op_of(unsigned op)
{
	static const enum fab_wc_op of[] = {
		[FAB_WR_SEND] = FAB_WC_SEND,
		[FAB_WR_READ] = FAB_WC_READ,
		[FAB_WR_WRITE] = FAB_WC_WRITE,
		[FAB_WR_MARKER] = FAB_WC_MARKER,
	};

	return of[op];
}

/* The entry that a completion names, if it is one that is still out. */
static bool queue_seq(const struct fv_queue *q, uint64_t name, uint32_t *ret)
{
	uint32_t ahead = ((uint32_t)name - q->head) & 0x7fffffffu;

	*ret = q->head + ahead;
	return ahead < q->posted - q->head;
}

static void send_done(struct fv_conn *c, struct fv_sqe *e, enum fab_wc_status status)
{
	if (e->done)
		return; /* the rest of an entry that became several, behind the part that failed */
	check(c->hw_used >= e->n_hw);
	c->hw_used -= e->n_hw;
	c->n_out -= e->reports;
	c->port->n_out -= e->reports;
	c->n_urgent -= e->urgent;
	e->done = true;
	e->status = (uint8_t)status;
	fv_post_untmp_send(c, e);
}

static void note_send(struct fv_conn *c, const struct ibv_wc *wc)
{
	uint32_t seq;
	uint32_t i;

	if (!queue_seq(&c->sq, wc->wr_id, &seq))
		return;
	/* What stands before it and tells nothing was done. What does tell still may be under way: on
	 * iWARP a READ is passed by what follows it, and siw reports it so. */
	if ((int32_t)(c->sq.seen - c->sq.head) < 0)
		c->sq.seen = c->sq.head;
	for (i = c->sq.seen; (int32_t)(i - seq) < 0; i++)
		if (!c->sqe[i & c->sq.mask].reports)
			send_done(c, &c->sqe[i & c->sq.mask], FAB_WC_OK);
	c->sq.seen = i;
	send_done(c, &c->sqe[seq & c->sq.mask], status_of(wc->status));
}

static void note_recv(struct fv_conn *c, const struct ibv_wc *wc)
{
	struct fv_rqe *e;
	uint32_t seq;

	if (!queue_seq(&c->rq, wc->wr_id, &seq))
		return;
	e = &c->rqe[seq & c->rq.mask];
	if (e->done)
		return;
	e->done = true;
	e->status = (uint8_t)status_of(wc->status);
	if (e->status == FAB_WC_OK) {
		e->got = wc->byte_len;
		/* P6: this may be before ESTABLISHED, which comes by another descriptor. It is delivered as it is:
		 * the channel parks what is early. */
		c->peer_spoke = true;
	}
	fv_post_untmp_recv(e);
}

void fv_comp_note(struct fv_conn *c, const struct ibv_wc *wc)
{
	if (wc->status != IBV_WC_SUCCESS && !c->error) {
		if (wc->status != IBV_WC_WR_FLUSH_ERR)
			log_debug("verbs: %s on a queue pair", ibv_wc_status_str(wc->status));
		/* The queue pair is in error now: what is posted from here on would be lost (P5). */
		fv_conn_break(c);
	}
	if (wc->wr_id >> 31 & 1)
		note_recv(c, wc);
	else
		note_send(c, wc);
}

bool fv_comp_drained(const struct fv_conn *c)
{
	return c->sq.head == c->sq.posted && c->rq.head == c->rq.posted;
}

/* Take entries from the front of the queue: those that are done, and when the device has none of the queue
 * any more (or is dead) those that it never got, or will never finish. */
static unsigned pop_sends(struct fv_conn *c, struct fab_wc *out)
{
	unsigned n = 0;

	while (n < FV_POLL_BATCH && c->sq.head != c->sq.tail) {
		struct fv_sqe *e = &c->sqe[c->sq.head & c->sq.mask];
		bool flush = c->error && (c->hw_dead || c->sq.head == c->sq.posted);

		if (!e->done && !flush)
			break;
		if (!e->done)
			e->status = FAB_WC_FLUSHED;
		if (c->sq.head++ == c->sq.posted)
			c->sq.posted++;
		if (e->status == FAB_WC_OK && !(e->flags & FAB_WR_SIGNALED))
			continue;
		out[n++] = (struct fab_wc){ .wr_id = e->wr_id,
					    .op = op_of(e->op),
					    .status = (enum fab_wc_status)e->status };
	}
	return n;
}

static unsigned pop_recvs(struct fv_conn *c, struct fab_wc *out)
{
	unsigned n = 0;

	while (n < FV_POLL_BATCH && c->rq.head != c->rq.tail) {
		struct fv_rqe *e = &c->rqe[c->rq.head & c->rq.mask];
		bool flush = c->error && (c->hw_dead || c->rq.head == c->rq.posted);

		if (!e->done && !flush)
			break;
		if (!e->done)
			e->status = FAB_WC_FLUSHED;
		if (c->rq.head++ == c->rq.posted)
			c->rq.posted++;
		out[n++] = (struct fab_wc){ .wr_id = e->wr_id,
					    .op = FAB_WC_RECV,
					    .status = (enum fab_wc_status)e->status,
					    .byte_len = e->got };
	}
	return n;
}

bool fv_comp_deliver(struct fv_conn *c)
{
	static unsigned (*const pop[])(struct fv_conn *, struct fab_wc *) = { pop_sends,
									      pop_recvs };
	struct fab_wc out[FV_POLL_BATCH];
	unsigned n;

	for (unsigned i = 0; i < ARRAY_SIZE(pop); i++) {
		do {
			n = c->has_qp ? pop[i](c, out) : 0;
			if (n)
				c->handler->complete(&c->base, out, n);
			if (c->dying)
				return false;
		} while (n == FV_POLL_BATCH);
	}
	return true;
}
