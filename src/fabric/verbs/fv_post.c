/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * From the seam's work requests to the device's. Sends are only queued; at the end of the worker's round
 * the connection's job hands them over, many in a chain of one call.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "fabric/verbs/fv.h"

static unsigned queue_len(const struct fv_queue *q)
{
	return q->tail - q->head;
}

/* Whether the device will take it, so that a chain is posted whole or not at all. */
static bool wr_ok(const struct fv_conn *c, const struct fab_wr *wr)
{
	uint64_t len = 0;

	if (wr->n_sge > c->attr.max_sge || (wr->op == FAB_WR_READ && !c->attr.max_rd_atomic))
		return false;
	/* A message goes in one piece: its parts must fit one work request. */
	if (wr->op == FAB_WR_SEND && c->port && wr->n_sge > c->hw_sges)
		return false;
	for (unsigned i = 0; i < wr->n_sge; i++)
		len += wr->sge[i].len;
	return len <= UINT32_MAX;
}

int fv_post_send(struct fab_conn *base, const struct fab_wr *wr, unsigned n)
{
	struct fv_conn *c = fv_conn_of(base);

	if (!c->has_qp)
		return -EINVAL;
	if (n > c->sq.depth - queue_len(&c->sq))
		return -ENOMEM;
	for (unsigned i = 0; i < n; i++)
		if (!wr_ok(c, &wr[i]))
			return -EINVAL;
	for (unsigned i = 0; i < n; i++) {
		uint32_t at = c->sq.tail++ & c->sq.mask;
		struct fab_sge *sge = c->sge + (size_t)at * c->attr.max_sge;

		c->sqe[at] = (struct fv_sqe){ .wr_id = wr[i].wr_id,
					      .remote_va = wr[i].remote_va,
					      .rkey = wr[i].rkey,
					      .op = (uint8_t)wr[i].op,
					      .flags = (uint8_t)wr[i].flags,
					      .n_sge = (uint8_t)wr[i].n_sge };
		for (unsigned k = 0; k < wr[i].n_sge; k++)
			sge[k] = wr[i].sge[k];
	}
	fv_conn_kick(c);
	return 0;
}

/* --- memory that was not announced, and sinks of iWARP's READs --- */

void fv_post_untmp_send(struct fv_conn *c, struct fv_sqe *e)
{
	(void)c;
	for (unsigned i = 0; e->tmp && i < e->n_sge; i++)
		if (e->tmp[i])
			(void)ibv_dereg_mr(e->tmp[i]);
	free(e->tmp);
	e->tmp = NULL;
}

void fv_post_untmp_recv(struct fv_rqe *e)
{
	if (e->tmp)
		(void)ibv_dereg_mr(e->tmp);
	e->tmp = NULL;
}

/* Register piece @i of @e for itself alone. iWARP writes what was READ as the peer would: the sink
 * must be writable from outside, so it is so for this buffer and this request only. */
static int tmp_key(struct fv_conn *c, struct fv_sqe *e, unsigned i, const struct fab_sge *s,
		   uint32_t *ret)
{
	unsigned access = IBV_ACCESS_LOCAL_WRITE;

	if (e->op == FAB_WR_READ && c->port->dev->iwarp)
		access |= IBV_ACCESS_REMOTE_WRITE;
	if (!e->tmp)
		e->tmp = calloc(e->n_sge, sizeof(struct ibv_mr *));
	if (!e->tmp)
		return -ENOMEM;
	e->tmp[i] = ibv_reg_mr(c->port->dev->pd, s->addr, s->len, access);
	if (!e->tmp[i])
		return errno ? -errno : -ENOMEM;
	*ret = e->tmp[i]->lkey;
	return 0;
}

static int sge_key(struct fv_conn *c, struct fv_sqe *e, unsigned i, const struct fab_sge *s,
		   uint32_t *ret)
{
	bool sink = e->op == FAB_WR_READ && c->port->dev->iwarp;

	*ret = 0;
	if (!s->len || (!sink && fv_mem_find(c->port, s->addr, s->len, ret)))
		return 0;
	return tmp_key(c, e, i, s, ret);
}

/* --- a chain for the device --- */

struct chain {
	struct ibv_send_wr wr[FV_CHAIN];
	struct ibv_sge sge[FV_CHAIN * FAB_SGE_MAX];
	unsigned n;
	unsigned n_sge;
};

static const enum ibv_wr_opcode opcode[] = {
	[FAB_WR_SEND] = IBV_WR_SEND,
	[FAB_WR_READ] = IBV_WR_RDMA_READ,
	[FAB_WR_WRITE] = IBV_WR_RDMA_WRITE,
	/* P4: on iWARP this is a real message. It is held until the peer has spoken, as all are. */
	[FAB_WR_MARKER] = IBV_WR_RDMA_WRITE,
};

/* Bytes of an entry. */
static uint64_t entry_len(const struct fv_sqe *e, const struct fab_sge *sge)
{
	uint64_t len = 0;

	for (unsigned i = 0; i < e->n_sge; i++)
		len += sge[i].len;
	return len;
}

/* How many work requests an entry becomes at most. */
static unsigned entry_wrs(const struct fv_conn *c, const struct fv_sqe *e,
			  const struct fab_sge *sge)
{
	unsigned per = e->op == FAB_WR_READ ? c->hw_rd_sges : c->hw_sges;

	if (e->op == FAB_WR_SEND || e->op == FAB_WR_MARKER)
		return 1;
	return (e->n_sge + per - 1) / per + (unsigned)(entry_len(e, sge) / c->port->dev->max_msg) +
	       (e->n_sge == 0);
}

static struct ibv_send_wr *chain_wr(struct chain *ch, const struct fv_conn *c,
				    const struct fv_sqe *e, uint32_t seq)
{
	struct ibv_send_wr *wr = &ch->wr[ch->n++];

	*wr = (struct ibv_send_wr){ .wr_id = fv_wr_name(c, false, seq),
				    .sg_list = &ch->sge[ch->n_sge],
				    .opcode = opcode[e->op] };
	if (e->flags & FAB_WR_SOLICITED)
		wr->send_flags |= IBV_SEND_SOLICITED;
	if (e->op == FAB_WR_MARKER)
		wr->send_flags |= IBV_SEND_FENCE; /* it is to be behind the READs */
	wr->wr.rdma.remote_addr = e->remote_va;
	wr->wr.rdma.rkey = e->rkey;
	return wr;
}

/* Cut an entry into work requests: not too many pieces, not too many bytes. Return: 0 or -errno. */
static int chain_add(struct chain *ch, struct fv_conn *c, struct fv_sqe *e, uint32_t seq)
{
	const struct fab_sge *sge = c->sge + (size_t)(seq & c->sq.mask) * c->attr.max_sge;
	unsigned per = e->op == FAB_WR_READ ? c->hw_rd_sges : c->hw_sges;
	bool inl = e->op != FAB_WR_READ && e->n_sge && entry_len(e, sge) <= c->hw_inline;
	struct ibv_send_wr *wr = chain_wr(ch, c, e, seq);
	unsigned first = ch->n;
	uint64_t done = 0;
	uint32_t room = c->port->dev->max_msg;

	for (unsigned i = 0; i < e->n_sge; i++) {
		uint32_t key = 0;
		uint32_t off = 0;
		int r = inl ? 0 : sge_key(c, e, i, &sge[i], &key);

		if (r)
			return r;
		while (off < sge[i].len) {
			uint32_t len;

			if (wr->num_sge == (int)per || !room) {
				wr = chain_wr(ch, c, e, seq);
				wr->wr.rdma.remote_addr += done;
				room = c->port->dev->max_msg;
			}
			len = min_u32(sge[i].len - off, room);
			ch->sge[ch->n_sge++] =
				(struct ibv_sge){ (uintptr_t)sge[i].addr + off, len, key };
			wr->num_sge++;
			off += len;
			done += len;
			room -= len;
		}
	}
	if (inl && wr->num_sge)
		wr->send_flags |= IBV_SEND_INLINE;
	e->n_hw = (uint8_t)(ch->n - first + 1);
	c->unsignaled += e->n_hw;
	/* Without a signal now and then nobody would learn that the queue has room again. */
	if (e->flags & FAB_WR_SIGNALED || e->tmp || c->unsignaled >= c->hw_sq / 4) {
		wr->send_flags |= IBV_SEND_SIGNALED;
		e->reports = true;
		c->unsignaled = 0;
	}
	return 0;
}

/* Most providers return an errno, some a negative one. */
static int post_errno(int r)
{
	return r > 0 ? -r : r;
}

static int chain_post(struct fv_conn *c, struct chain *ch)
{
	struct ibv_send_wr *bad = NULL;
	int r;

	if (!ch->n)
		return 0;
	for (unsigned i = 0; i + 1 < ch->n; i++)
		ch->wr[i].next = &ch->wr[i + 1];
	r = ibv_post_send(c->id->qp, ch->wr, &bad);
	ch->n = 0;
	ch->n_sge = 0;
	return post_errno(r);
}

int fv_post_sends(struct fv_conn *c)
{
	struct chain ch;
	int r = 0;

	ch.n = 0;
	ch.n_sge = 0;
	while (c->sq.posted != c->sq.tail && !r) {
		struct fv_sqe *e = &c->sqe[c->sq.posted & c->sq.mask];
		const struct fab_sge *sge =
			c->sge + (size_t)(c->sq.posted & c->sq.mask) * c->attr.max_sge;
		unsigned n = entry_wrs(c, e, sge);

		if (c->hw_used + n > c->hw_sq)
			break;
		if (ch.n + n > FV_CHAIN)
			r = chain_post(c, &ch);
		if (!r)
			r = chain_add(&ch, c, e, c->sq.posted);
		if (r)
			break;
		c->hw_used += e->n_hw;
		c->n_out += e->reports;
		c->port->n_out += e->reports;
		/* Data to be written, memory that others may wait for, the end of a drain. */
		e->urgent = e->op == FAB_WR_READ || e->op == FAB_WR_MARKER ||
			    entry_len(e, sge) > FV_LAZY_BYTES;
		c->n_urgent += e->urgent;
		c->sq.posted++;
	}
	if (!r)
		r = chain_post(c, &ch);
	return r;
}

/* --- receives --- */

static int recv_wr(struct fv_conn *c, uint32_t seq, struct ibv_recv_wr *wr, struct ibv_sge *s)
{
	struct fv_rqe *e = &c->rqe[seq & c->rq.mask];
	uint32_t key = 0;

	if (e->len && !fv_mem_find(c->port, e->buf, e->len, &key)) {
		e->tmp = ibv_reg_mr(c->port->dev->pd, e->buf, e->len, IBV_ACCESS_LOCAL_WRITE);
		if (!e->tmp)
			return errno ? -errno : -ENOMEM;
		key = e->tmp->lkey;
	}
	*s = (struct ibv_sge){ (uintptr_t)e->buf, e->len, key };
	*wr = (struct ibv_recv_wr){ .wr_id = fv_wr_name(c, true, seq),
				    .sg_list = s,
				    .num_sge = 1 }; /* libsiw takes no receive without a piece */
	return 0;
}

int fv_post_receives(struct fv_conn *c)
{
	struct ibv_recv_wr wr[FV_CHAIN];
	struct ibv_sge sge[FV_CHAIN];
	struct ibv_recv_wr *bad = NULL;
	unsigned n;
	int r = 0;

	while (c->rq.posted != c->rq.tail && !r) {
		for (n = 0; n < FV_CHAIN && c->rq.posted + n != c->rq.tail &&
			    c->rq.posted + n - c->rq.head < c->hw_rq && !r;
		     n++) {
			r = recv_wr(c, c->rq.posted + n, &wr[n], &sge[n]);
			if (n)
				wr[n - 1].next = &wr[n];
		}
		if (!n || r)
			break;
		r = post_errno(ibv_post_recv(c->id->qp, wr, &bad));
		c->rq.posted += r ? (unsigned)(bad - wr) : n;
	}
	return r;
}

int fv_post_recv(struct fab_conn *base, uint64_t wr_id, void *buf, uint32_t len)
{
	struct fv_conn *c = fv_conn_of(base);

	if (!c->has_qp)
		return -EINVAL;
	if (queue_len(&c->rq) >= c->rq.depth)
		return -ENOMEM;
	c->rqe[c->rq.tail++ & c->rq.mask] =
		(struct fv_rqe){ .wr_id = wr_id, .buf = buf, .len = len };
	/* At once where that is possible: on iWARP a message that meets no receive ends the connection. Posting
	 * one is a few stores, without a system call or a doorbell worth saving. What fails is seen by the job. */
	if (c->port && !c->error)
		(void)fv_post_receives(c);
	if (c->rq.posted != c->rq.tail)
		fv_conn_kick(c);
	return 0;
}
