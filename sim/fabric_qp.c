/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Queue pairs: what is posted, sent, taken and completed; and the memory the peer may touch. */
#include <errno.h>

#include "base/check.h"
#include "sim/dice.h"
#include "sim/fabric_i.h"
#include "sim/world.h"

#define SCRIBBLE_BYTES 128u
#define TX_NS          2000u /* what was posted leaves after up to so long */
#define INLINE_BYTES   128u
#define PASS_MAX       8u /* requests that may go before a READ that waits */

static struct swr *swr_at(const struct qp *q, uint64_t i)
{
	return &q->sq[i % q->attr.sq_depth];
}

static struct rwr *rwr_at(const struct qp *q, uint64_t i)
{
	return &q->rq[i % q->attr.rq_depth];
}

static uint32_t wr_len(const struct fab_wr *wr)
{
	uint32_t len = 0;

	for (unsigned i = 0; i < wr->n_sge; i++)
		len += wr->sge[i].len;
	return len;
}

static void gather(uint8_t *to, const struct fab_wr *wr)
{
	for (unsigned i = 0; i < wr->n_sge; i++) {
		if (wr->sge[i].len)
			memcpy(to, wr->sge[i].addr, wr->sge[i].len);
		to += wr->sge[i].len;
	}
}

static void scatter(const struct fab_wr *wr, const uint8_t *from)
{
	for (unsigned i = 0; i < wr->n_sge; i++) {
		if (wr->sge[i].len)
			memcpy(wr->sge[i].addr, from, wr->sge[i].len);
		from += wr->sge[i].len;
	}
}

/* Memory that was handed in is ours: who still looks at it shall see that. */
static void scribble(void *p, uint32_t len)
{
	if (fabric_net.scribble)
		memset(p, 0xdb, dice_below(8) ? min_u32(len, SCRIBBLE_BYTES) : len);
}

/* --- completing --- */

/* What nobody wants to be told gives its slot back at once. */
static void free_silent(struct qp *q)
{
	while (q->sq_freed < q->sq_head) {
		const struct swr *s = swr_at(q, q->sq_freed);

		if (s->status != FAB_WC_OK || s->wr.flags & FAB_WR_SIGNALED)
			return;
		q->sq_freed++;
	}
}

static bool unanswered(const struct qp *q)
{
	for (uint64_t i = q->sq_head; i < q->sq_next; i++)
		if (swr_at(q, i)->state == SWR_SENT && swr_at(q, i)->wr.op != FAB_WR_MARKER)
			return true;
	return false;
}

static void arm_retry(struct end *e)
{
	if (unanswered(e->qp))
		sched_in(&e->qp->retry, fabric_net.retry_ns);
	else
		sched_cancel(&e->qp->retry);
}

/* Requests are completed in the order of posting. */
static void advance(struct end *e)
{
	struct qp *q = e->qp;

	while (q->sq_head < q->sq_tail) {
		struct swr *s = swr_at(q, q->sq_head);

		if (s->state == SWR_SENT && s->wr.op == FAB_WR_MARKER)
			s->state = SWR_DONE;
		if (s->state != SWR_DONE)
			break;
		q->sq_head++;
	}
	free_silent(q);
	if (fabric_qp_has_news(e))
		fabric_wake(e);
	if (q->sq_head == q->sq_tail)
		fabric_cm_sent_all(e);
}

static void done(struct end *e, struct swr *s)
{
	if (s->wr.op == FAB_WR_READ)
		e->qp->n_reads--;
	s->state = SWR_DONE;
	s->status = FAB_WC_OK;
	advance(e);
}

bool fabric_qp_has_news(const struct end *e)
{
	const struct qp *q = e->qp;

	return q && (q->sq_freed < q->sq_head || q->rq_freed < q->rq_head);
}

static bool take_sq(struct qp *q, struct fab_wc *wc)
{
	static const enum fab_wc_op op[] = { [FAB_WR_SEND] = FAB_WC_SEND,
					     [FAB_WR_READ] = FAB_WC_READ,
					     [FAB_WR_WRITE] = FAB_WC_WRITE,
					     [FAB_WR_MARKER] = FAB_WC_MARKER };
	const struct swr *s;

	if (q->sq_freed == q->sq_head)
		return false;
	s = swr_at(q, q->sq_freed++);
	*wc = (struct fab_wc){ .wr_id = s->wr.wr_id, .op = op[s->wr.op], .status = s->status };
	free_silent(q);
	return true;
}

static bool take_rq(struct qp *q, struct fab_wc *wc)
{
	const struct rwr *r;

	if (q->rq_freed == q->rq_head)
		return false;
	r = rwr_at(q, q->rq_freed++);
	*wc = (struct fab_wc){ .wr_id = r->wr_id,
			       .op = FAB_WC_RECV,
			       .status = r->status,
			       .byte_len = r->status == FAB_WC_OK ? r->byte_len : 0 };
	return true;
}

unsigned fabric_qp_take(struct end *e, struct fab_wc *wc, unsigned max)
{
	unsigned n = 0;

	while (n < max && fabric_qp_has_news(e)) {
		bool sq = dice_below(2);

		n += sq ? take_sq(e->qp, &wc[n]) : take_rq(e->qp, &wc[n]);
	}
	return n;
}

/* --- the error state --- */

static void flush_now(struct end *e)
{
	struct qp *q = e->qp;

	q->flushed = true;
	for (uint64_t i = q->sq_head; i < q->sq_tail; i++) {
		struct swr *s = swr_at(q, i);

		if (s->state == SWR_DONE)
			continue;
		s->state = SWR_DONE;
		s->status = FAB_WC_FLUSHED;
	}
	for (; q->rq_head < q->rq_tail; q->rq_head++)
		rwr_at(q, q->rq_head)->status = FAB_WC_FLUSHED;
	advance(e);
	if (fabric_qp_has_news(e))
		fabric_wake(e);
}

static void flush(struct sched_ev *ev)
{
	struct qp *q = container_of(ev, struct qp, flush);

	flush_now(q->owner);
	if (q->owner->side == 1 && dice_pct(fabric_net.last_wqe_pct))
		fabric_tell(q->owner, FAB_EV_LAST_WQE, 0, NULL, NULL);
}

void fabric_qp_fail(struct end *e)
{
	struct qp *q = e->qp;

	if (!q || q->error)
		return;
	q->error = true;
	sched_cancel(&q->tx);
	sched_cancel(&q->retry);
	q->mute = e->side == 1 && dice_pct(fabric_net.mute_pct);
	/* The event may be faster than what it is about. */
	if (e->side == 1 && dice_pct(fabric_net.last_wqe_pct / 4))
		fabric_tell(e, FAB_EV_LAST_WQE, 0, NULL, NULL);
	if (q->mute)
		trace("a queue pair in error will not flush");
	else
		sched_in(&q->flush, dice_log(0, fabric_net.flush_ns));
}

void fabric_qp_break(struct end *e, enum fab_wc_status status, const char *text)
{
	struct qp *q = e->qp;

	if (!q || q->error)
		return;
	trace("side %u: a queue pair breaks: %s", e->side, text);
	for (uint64_t i = q->sq_head; i < q->sq_tail; i++) {
		struct swr *s = swr_at(q, i);

		if (s->state != SWR_SENT)
			continue;
		s->state = SWR_DONE;
		s->status = status;
		break;
	}
	fabric_qp_fail(e);
	advance(e);
	if (dice_pct(fabric_net.fatal_pct))
		fabric_tell(e, FAB_EV_QP_FATAL, -EPROTO, text, NULL);
	if (!e->f->dreq)
		fabric_down(e, FAB_EV_DISCONNECTED, -ECONNRESET, true);
}

/* The peer broke the rules: here the queue pair dies with an event that says so. */
static void refuse(struct end *e, struct pkt *p, enum fab_wc_status status, const char *text)
{
	struct pkt *nak = fabric_send(e, PKT_NAK);

	if (nak) {
		nak->wr = p->wr;
		nak->status = status;
	}
	trace("side %u: refuses a packet: %s", e->side, text);
	if (dice_below(2))
		fabric_qp_fail(e);
	fabric_tell(e, FAB_EV_QP_FATAL, -EPROTO, text, NULL);
	fabric_qp_fail(e);
	if (!e->f->dreq)
		fabric_down(e, FAB_EV_DISCONNECTED, -EPROTO, false);
}

static void no_answer(struct sched_ev *ev)
{
	struct end *e = container_of(ev, struct qp, retry)->owner;
	const struct end *peer = end_peer(e);

	/* A peer that lets us wait is there; one that is gone is not. */
	if (peer && (peer->frozen || peer->deaf) && !e->link->cut)
		sched_in(ev, fabric_net.retry_ns);
	else
		fabric_qp_break(e, FAB_WC_TRANSPORT, "no answer");
}

/* --- sending --- */

static bool may_send(const struct end *e)
{
	const struct end *peer = end_peer(e);

	if (!e->qp || e->qp->error || (e->qp->hold && e->state != END_CLOSING))
		return false;
	switch (e->state) {
	case END_LIVE:
		return true;
	case END_ACCEPTED:
		return peer && peer->state >= END_LIVE;
	case END_CLOSING:
		return e->f->dreq || e->fin_due;
	case END_ASKED:
		return true;
	default:
		return false;
	}
}

static void transmit_data(struct end *e, struct swr *s, struct pkt *p)
{
	bool early = dice_pct(fabric_net.early_pct);

	if (early && p) {
		p->data = world_alloc(p->len);
		gather(p->data, &s->wr);
	}
	/* A stream has taken over what was written to it. */
	if (early && !e->f->dreq)
		done(e, s);
}

static void transmit(struct end *e, uint64_t i)
{
	static const enum pkt_type type[] = {
		[FAB_WR_SEND] = PKT_SEND, [FAB_WR_READ] = PKT_READ, [FAB_WR_WRITE] = PKT_WRITE
	};
	struct swr *s = swr_at(e->qp, i);
	struct pkt *p;

	s->state = SWR_SENT;
	if (s->wr.op == FAB_WR_MARKER)
		return;
	p = fabric_send(e, type[s->wr.op]);
	if (p) {
		p->wr = i;
		p->va = s->wr.remote_va;
		p->rkey = s->wr.rkey;
		p->len = wr_len(&s->wr);
	}
	if (s->wr.op == FAB_WR_READ) {
		e->qp->n_reads++;
		for (unsigned k = 0; k < s->wr.n_sge; k++)
			scribble(s->wr.sge[k].addr, s->wr.sge[k].len);
	} else {
		transmit_data(e, s, p);
	}
}

static bool waits(const struct qp *q, const struct swr *s)
{
	return s->wr.op == FAB_WR_READ && q->n_reads >= q->ord;
}

/* Only a READ may be passed by what follows it. */
static void pass(struct end *e)
{
	struct qp *q = e->qp;

	for (uint64_t i = q->sq_next; i < q->sq_tail && i < q->sq_next + PASS_MAX; i++) {
		const struct swr *s = swr_at(q, i);

		if (s->state == SWR_POSTED && s->wr.op != FAB_WR_READ) {
			if (s->wr.op != FAB_WR_MARKER)
				transmit(e, i);
			return;
		}
	}
}

static void tx(struct sched_ev *ev)
{
	struct qp *q = container_of(ev, struct qp, tx);
	struct end *e = q->owner;
	unsigned n = (unsigned)dice_log(1, 16);

	while (n-- && q->sq_next < q->sq_tail && may_send(e)) {
		struct swr *s = swr_at(q, q->sq_next);

		if (dice_permille(fabric_net.wr_fail_pmille)) {
			if (s->state == SWR_POSTED)
				s->state = SWR_SENT; /* so that one ends with the reason */
			fabric_qp_break(e, FAB_WC_TRANSPORT, "a work request failed");
			return;
		}
		if (s->state == SWR_POSTED && waits(q, s)) {
			if (dice_below(2))
				pass(e);
			break;
		}
		if (s->state == SWR_POSTED)
			transmit(e, q->sq_next);
		q->sq_next++;
	}
	advance(e);
	if (q->error)
		return;
	arm_retry(e);
	if (q->sq_next < q->sq_tail && may_send(e) && !waits(q, swr_at(q, q->sq_next)))
		sched_in(&q->tx, dice_range(0, TX_NS));
}

static void kick(struct end *e)
{
	if (e->qp && !e->qp->error && e->qp->sq_next < e->qp->sq_tail && may_send(e) &&
	    !sched_planned(&e->qp->tx))
		sched_in(&e->qp->tx, dice_range(0, TX_NS));
}

/* --- arriving --- */

static struct mr *mr_find(const struct end *e, uint32_t rkey, uint64_t va, uint32_t len,
			  unsigned access)
{
	struct mr *m = rkey % FABRIC_MRS_MAX < e->n_mrs ? &e->mr[rkey % FABRIC_MRS_MAX] : NULL;

	if (!m || !m->valid || m->rkey != rkey || !(m->access & access) || va < m->va ||
	    va - m->va > m->len || len > m->len - (va - m->va))
		return NULL;
	return m;
}

/* The bytes of a SEND or WRITE: as they were when it left, or as they are now. */
static const uint8_t *payload(struct end *e, struct pkt *p)
{
	const struct end *from = end_peer(e);
	const struct swr *s;

	if (p->data || !p->len)
		return p->data ? p->data : (const uint8_t *)"";
	s = from && from->qp && !from->qp->error ? swr_at(from->qp, p->wr) : NULL;
	if (!s || s->state != SWR_SENT || p->wr < from->qp->sq_head) {
		/* The sender is no more, and what it wanted to say neither. */
		p->link->broken[p->to] = true;
		return NULL;
	}
	p->data = world_alloc(p->len);
	gather(p->data, &s->wr);
	return p->data;
}

static void answer(struct end *e, struct pkt *p)
{
	struct pkt *ack = fabric_send(e, PKT_ACK);

	if (ack)
		ack->wr = p->wr;
}

static void on_send(struct end *e, struct pkt *p)
{
	struct qp *q = e->qp;
	const uint8_t *data = payload(e, p);
	struct rwr *r;

	if (!data)
		return;
	if (q->rq_head == q->rq_tail) {
		if (fabric_watch.no_receive)
			fabric_watch.no_receive(&e->base);
		refuse(e, p, FAB_WC_TRANSPORT, "a message came and no receive was posted");
		return;
	}
	r = rwr_at(q, q->rq_head++);
	if (p->len > r->len) {
		r->status = FAB_WC_LOCAL;
		fabric_wake(e);
		refuse(e, p, FAB_WC_REMOTE, "a message was longer than the receive");
		return;
	}
	if (p->len)
		memcpy(r->buf, data, p->len);
	r->byte_len = p->len;
	r->status = FAB_WC_OK;
	fabric_wake(e);
	answer(e, p);
	if (fabric_watch.taken)
		fabric_watch.taken(&e->base, r->buf, p->len);
}

static bool access_ok(struct end *e, struct pkt *p, bool write)
{
	unsigned access = write ? FAB_ACCESS_REMOTE_WRITE : FAB_ACCESS_REMOTE_READ;

	if (mr_find(e, p->rkey, p->va, p->len, access))
		return true;
	if (fabric_watch.bad_access)
		fabric_watch.bad_access(&e->base, write, p->rkey);
	refuse(e, p, FAB_WC_REMOTE, "access to memory that is not registered for it");
	return false;
}

static void on_write(struct end *e, struct pkt *p)
{
	const uint8_t *data = payload(e, p);
	const struct mr *m;

	if (!data || !access_ok(e, p, true))
		return;
	m = mr_find(e, p->rkey, p->va, p->len, FAB_ACCESS_REMOTE_WRITE);
	if (p->len)
		memcpy(m->ptr + (p->va - m->va), data, p->len);
	answer(e, p);
}

static void on_read(struct end *e, struct pkt *p)
{
	const struct mr *m;
	struct pkt *rsp;

	if (e->deaf || !access_ok(e, p, false))
		return;
	m = mr_find(e, p->rkey, p->va, p->len, FAB_ACCESS_REMOTE_READ);
	rsp = fabric_send(e, PKT_READ_RSP);
	if (!rsp)
		return;
	rsp->wr = p->wr;
	rsp->va = p->va;
	rsp->rkey = p->rkey;
	rsp->len = p->len;
	if (!dice_pct(fabric_net.early_pct))
		return;
	rsp->data = world_alloc(p->len);
	memcpy(rsp->data, m->ptr + (p->va - m->va), p->len);
}

static void on_read_rsp(struct end *e, struct pkt *p)
{
	struct swr *s = swr_at(e->qp, p->wr);
	struct end *from = end_peer(e);
	const struct mr *m = NULL;
	const uint8_t *data = p->data;

	if (p->wr < e->qp->sq_head || s->state != SWR_SENT)
		return;
	if (!data) {
		if (from)
			m = mr_find(from, p->rkey, p->va, p->len, FAB_ACCESS_REMOTE_READ);
		/* The memory went away before we had read all of it. */
		if (from && !m && fabric_watch.bad_access)
			fabric_watch.bad_access(&from->base, false, p->rkey);
		if (!m) {
			fabric_qp_break(e, FAB_WC_REMOTE, "a READ was refused");
			return;
		}
		data = m->ptr + (p->va - m->va);
	}
	scatter(&s->wr, data);
	done(e, s);
	arm_retry(e);
	kick(e);
}

void fabric_qp_arrive(struct end *e, struct pkt *p)
{
	if (!e->qp || e->qp->error || e->state < END_ACCEPTED || e->state == END_DOWN)
		return;
	fabric_cm_traffic(e);
	kick(e);
	switch (p->type) {
	case PKT_SEND:
		on_send(e, p);
		break;
	case PKT_WRITE:
		on_write(e, p);
		break;
	case PKT_READ:
		on_read(e, p);
		break;
	default:
		on_read_rsp(e, p);
		break;
	}
}

void fabric_qp_answer(struct end *e, struct pkt *p)
{
	struct swr *s;

	if (!e->qp || e->qp->error || p->wr < e->qp->sq_head)
		return;
	if (p->type == PKT_NAK) {
		fabric_qp_break(e, p->status, "the peer refused a packet");
		return;
	}
	/* What was sent before has arrived, too; the data of a READ have not. */
	for (uint64_t i = e->qp->sq_head; i <= p->wr; i++) {
		s = swr_at(e->qp, i);
		if (s->state == SWR_SENT && s->wr.op != FAB_WR_READ && s->wr.op != FAB_WR_MARKER)
			s->state = SWR_DONE;
	}
	advance(e);
	arm_retry(e);
	kick(e);
}

/* --- calls --- */

int fabric_qp_create(struct fab_conn *c, const struct fab_qp_attr *attr)
{
	struct end *e = end_of(c);
	struct qp *q;

	if (e->removed)
		return -ENODEV;
	if ((e->state != END_NEW && e->state != END_REQUESTED) || e->had_qp || !attr->sq_depth ||
	    !attr->rq_depth || attr->max_sge > FAB_SGE_MAX)
		return -EINVAL;
	if (fabric_call_fails(e, FABRIC_QP_CREATE, __builtin_return_address(0)))
		return -ENOMEM;
	q = world_alloc(sizeof(*q));
	q->attr = *attr;
	q->owner = e;
	q->sq = world_alloc(attr->sq_depth * sizeof(*q->sq));
	q->sge = world_alloc((size_t)attr->sq_depth * attr->max_sge * sizeof(*q->sge));
	q->rq = world_alloc(attr->rq_depth * sizeof(*q->rq));
	q->tx.run = tx;
	q->flush.run = flush;
	q->retry.run = no_answer;
	/* On a stream a responder may not speak first. */
	q->hold = e->side == 1 && !e->f->dreq;
	e->qp = q;
	e->had_qp = true;
	return 0;
}

void fabric_qp_start(struct end *e, unsigned ord)
{
	e->qp->ord = min_u32(ord, e->qp->attr.max_rd_atomic);
	kick(e);
}

void fabric_qp_free(struct end *e)
{
	struct qp *q = e->qp;

	if (!q)
		return;
	sched_cancel(&q->tx);
	sched_cancel(&q->flush);
	sched_cancel(&q->retry);
	world_free(q->sq);
	world_free(q->sge);
	world_free(q->rq);
	world_free(q);
	e->qp = NULL;
}

void fabric_qp_error(struct fab_conn *c)
{
	struct end *e = end_of(c);

	if (!e->qp || e->qp->error)
		return;
	fabric_qp_fail(e);
	fabric_cm_qp_error(e);
}

void fabric_qp_destroy(struct fab_conn *c)
{
	struct end *e = end_of(c);

	if (!e->qp)
		return;
	fabric_qp_free(e);
	fabric_cm_qp_error(e);
}

static void look_at_memory(const struct end *e, const void *addr, uint32_t len)
{
	if (e->side == 1 && fabric_watch.unknown_memory && !fabric_mem_known(e->f, addr, len))
		fabric_watch.unknown_memory(&e->base);
}

int fabric_post_recv(struct fab_conn *c, uint64_t wr_id, void *buf, uint32_t len)
{
	struct end *e = end_of(c);
	struct qp *q = e->qp;

	if (!q)
		return -EINVAL;
	if (e->removed)
		return -ENODEV;
	if (q->rq_tail - q->rq_freed >= q->attr.rq_depth)
		return -ENOMEM;
	if (fabric_call_fails(e, e->state == END_REQUESTED ? FABRIC_FIRST_RECV : FABRIC_RECV,
			      __builtin_return_address(0)))
		return -EIO;
	look_at_memory(e, buf, len);
	*rwr_at(q, q->rq_tail++) = (struct rwr){ .wr_id = wr_id, .buf = buf, .len = len };
	scribble(buf, len);
	if (q->flushed)
		flush_now(e);
	return 0;
}

static bool wr_ok(const struct qp *q, const struct fab_wr *wr)
{
	uint64_t len = 0;

	if (wr->n_sge > q->attr.max_sge || (wr->op == FAB_WR_READ && !q->ord))
		return false;
	for (unsigned i = 0; i < wr->n_sge; i++)
		len += wr->sge[i].len;
	return len <= UINT32_MAX;
}

static int post_send(struct fab_conn *c, const struct fab_wr *wr, unsigned n, const void *by)
{
	static const enum fabric_call call[] = { [FAB_WR_SEND] = FABRIC_SEND,
						 [FAB_WR_READ] = FABRIC_READ,
						 [FAB_WR_WRITE] = FABRIC_WRITE,
						 [FAB_WR_MARKER] = FABRIC_MARKER };
	struct end *e = end_of(c);
	struct qp *q = e->qp;

	if (!q)
		return -EINVAL;
	if (e->removed)
		return -ENODEV;
	if (q->sq_tail - q->sq_freed + n > q->attr.sq_depth)
		return -ENOMEM;
	for (unsigned i = 0; i < n; i++)
		if (!wr_ok(q, &wr[i]))
			return -EINVAL;
	if (fabric_call_fails(e, call[wr[0].op], by))
		return -EIO;
	for (unsigned i = 0; i < n; i++) {
		/* A short message goes along with the request itself. */
		if (wr[i].op == FAB_WR_SEND && wr_len(&wr[i]) <= INLINE_BYTES)
			continue;
		for (unsigned k = 0; k < wr[i].n_sge; k++)
			look_at_memory(e, wr[i].sge[k].addr, wr[i].sge[k].len);
	}
	for (unsigned i = 0; i < n; i++) {
		struct swr *s = swr_at(q, q->sq_tail);
		struct fab_sge *sge = &q->sge[q->sq_tail % q->attr.sq_depth * q->attr.max_sge];

		*s = (struct swr){ .wr = wr[i] };
		if (wr[i].n_sge)
			memcpy(sge, wr[i].sge, wr[i].n_sge * sizeof(*sge));
		s->wr.sge = sge;
		q->sq_tail++;
	}
	if (q->flushed)
		flush_now(e);
	else
		kick(e);
	return 0;
}

int fabric_post_send(struct fab_conn *c, const struct fab_wr *wr, unsigned n)
{
	int r = post_send(c, wr, n, __builtin_return_address(0));

	end_of(c)->send_failed |= r && wr[0].op == FAB_WR_SEND;
	return r;
}

bool fabric_send_failed(const struct fab_conn *c)
{
	return end_of(c)->send_failed;
}

/* --- memory --- */

/* NOLINTNEXTLINE(readability-function-size): like mr_reg(), with an address */
int fabric_mr_reg_at(struct fab_conn *c, void *ptr, uint64_t va, size_t len, unsigned access,
		     struct fab_mr *ret)
{
	struct end *e = end_of(c);
	uint32_t i = 0;

	if (!e->mr)
		e->mr = world_alloc(FABRIC_MRS_MAX * sizeof(*e->mr));
	while (i < e->n_mrs && e->mr[i].valid)
		i++;
	if (i == FABRIC_MRS_MAX)
		return -ENOSPC;
	if (i == e->n_mrs)
		e->n_mrs++;
	e->mr[i] = (struct mr){ .valid = true,
				.rkey = ++e->f->n_mrs * FABRIC_MRS_MAX + i,
				.access = access,
				.va = va,
				.len = len,
				.ptr = ptr };
	*ret = (struct fab_mr){ .addr = ptr, .len = len, .rkey = e->mr[i].rkey, .slot = i };
	return 0;
}

int fabric_mr_reg(struct fab_conn *c, void *addr, size_t len, unsigned access, struct fab_mr *ret)
{
	return fabric_mr_reg_at(c, addr, (uintptr_t)addr, len, access, ret);
}

void fabric_mr_dereg(struct fab_conn *c, struct fab_mr *mr)
{
	struct end *e = end_of(c);

	check(mr->slot < e->n_mrs && e->mr[mr->slot].rkey == mr->rkey);
	e->mr[mr->slot].valid = false;
}

unsigned fabric_n_receives(const struct fab_conn *c)
{
	const struct qp *q = end_of(c)->qp;

	return q ? (unsigned)(q->rq_tail - q->rq_head) : 0;
}
