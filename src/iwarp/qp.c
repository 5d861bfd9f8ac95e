/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Life of a queue pair: memory, posting, completions, error. Receiving is in rx.c, sending in tx.c. */
#include <errno.h>

#include "iwarp/qp_i.h"

#define QUEUE_MAX 65536u
#define READS_MAX 4096u
#define MEM_ALIGN 16u

/* Where the parts of a queue pair's memory lie. */
struct layout {
	size_t sq, rq, orq, irq, regions, pieces, msgs, ring;
	size_t total;
	uint32_t sq_stride;
	uint32_t sq_n, rq_n, orq_n, irq_n; /* powers of two */
};

static uint32_t pow2_above(uint32_t n)
{
	uint32_t p = 1;

	while (p < n)
		p *= 2;
	return p;
}

static size_t place(struct layout *l, size_t n, size_t size)
{
	size_t at = l->total;

	l->total += (n * size + MEM_ALIGN - 1) & ~(size_t)(MEM_ALIGN - 1);
	return at;
}

static bool attr_valid(const struct iw_qp_attr *a)
{
	return a->sq_depth >= 1 && a->sq_depth <= QUEUE_MAX && a->rq_depth >= 1 &&
	       a->rq_depth <= QUEUE_MAX && a->max_sge >= 1 && a->max_sge <= IW_SGE_MAX &&
	       a->ord <= READS_MAX && a->ird <= READS_MAX && a->n_stags <= QUEUE_MAX &&
	       a->max_payload >= 4 && a->max_payload <= IW_PAYLOAD_MAX && a->max_payload % 4 == 0 &&
	       a->rtr <= MPA_RTR_READ;
}

static struct layout layout_of(const struct iw_qp_attr *a)
{
	struct layout l = { 0 };

	l.sq_stride = (uint32_t)(sizeof(struct iw_sqe) + a->max_sge * sizeof(struct iw_sge));
	l.sq_n = pow2_above(a->sq_depth);
	l.rq_n = pow2_above(a->rq_depth);
	l.orq_n = pow2_above(a->ord);
	l.irq_n = pow2_above(a->ird + 1); /* one for the RTR frame */
	l.sq = place(&l, l.sq_n, l.sq_stride);
	l.rq = place(&l, l.rq_n, sizeof(struct iw_rqe));
	l.orq = place(&l, l.orq_n, sizeof(uint32_t));
	l.irq = place(&l, l.irq_n, sizeof(struct iw_irqe));
	l.regions = place(&l, a->n_stags, sizeof(struct iw_region));
	l.pieces = place(&l, IW_TX_PIECES, sizeof(struct iw_piece));
	l.msgs = place(&l, IW_TX_MSGS, sizeof(struct iw_txmsg));
	l.ring = place(&l, IW_TX_RING, 1);
	return l;
}

size_t iw_qp_mem_size(const struct iw_qp_attr *attr)
{
	return attr_valid(attr) ? layout_of(attr).total : 0;
}

int iw_qp_init(struct iw_qp *qp, const struct iw_qp_attr *attr, void *mem, size_t mem_len)
{
	uint8_t *m = mem;
	struct layout l;

	if (!attr_valid(attr) || (uintptr_t)mem % MEM_ALIGN)
		return -EINVAL;
	l = layout_of(attr);
	if (mem_len < l.total)
		return -EINVAL;
	*qp = (struct iw_qp){ .attr = *attr };
	qp->sq = m + l.sq;
	qp->sq_stride = l.sq_stride;
	qp->sq_mask = l.sq_n - 1;
	qp->rq = (struct iw_rqe *)(void *)(m + l.rq);
	qp->rq_mask = l.rq_n - 1;
	qp->orq = (uint32_t *)(void *)(m + l.orq);
	qp->orq_mask = l.orq_n - 1;
	qp->irq = (struct iw_irqe *)(void *)(m + l.irq);
	qp->irq_mask = l.irq_n - 1;
	qp->regions = (struct iw_region *)(void *)(m + l.regions);
	qp->tx.pieces = (struct iw_piece *)(void *)(m + l.pieces);
	qp->tx.msgs = (struct iw_txmsg *)(void *)(m + l.msgs);
	qp->tx.ring = m + l.ring;
	qp->tx.hold = attr->responder;
	qp->tx.rtr = attr->responder ? MPA_RTR_NONE : attr->rtr;
	qp->tx.msn_send = 1;
	qp->tx.msn_read = 1;
	qp->rx.msn_send = 1;
	qp->rx.msn_read = 1;
	stag_init(qp);
	return 0;
}

unsigned iw_sq_free(const struct iw_qp *qp)
{
	return qp->attr.sq_depth - (qp->sq_tail - qp->sq_report);
}

unsigned iw_rq_free(const struct iw_qp *qp)
{
	return qp->attr.rq_depth - (qp->rq_tail - qp->rq_report);
}

void sq_retire(struct iw_qp *qp)
{
	while (qp->sq_report != qp->sq_tail) {
		const struct iw_sqe *e = sqe_at(qp, qp->sq_report);

		if (e->state != SQE_DONE || e->flags & IW_WR_SIGNALED)
			break;
		qp->sq_report++;
	}
}

void sq_pass_markers(struct iw_qp *qp)
{
	while (qp->sq_tx != qp->sq_tail) {
		struct iw_sqe *e = sqe_at(qp, qp->sq_tx);

		if (e->op != IW_WR_MARKER)
			break;
		e->state = SQE_DONE;
		qp->sq_tx++;
	}
}

int iw_post_send(struct iw_qp *qp, const struct iw_wr *wr)
{
	struct iw_sqe *e;
	uint64_t len = 0;

	if (!iw_sq_free(qp))
		return -ENOMEM;
	if (wr->n_sge > qp->attr.max_sge || (wr->op == IW_WR_READ && !qp->attr.ord))
		return -EINVAL;
	/* Nothing is left: begin at the front again, whose memory is warm. */
	if (qp->sq_report == qp->sq_tail) {
		qp->sq_report = 0;
		qp->sq_tx = 0;
		qp->sq_tail = 0;
	}
	e = sqe_at(qp, qp->sq_tail);
	for (unsigned i = 0; i < wr->n_sge; i++) {
		e->sge[i] = wr->sge[i];
		len += wr->sge[i].len;
	}
	if (len > UINT32_MAX)
		return -EINVAL;
	e->wr_id = wr->wr_id;
	e->remote_va = wr->remote_va;
	e->rkey = wr->rkey;
	e->len = (uint32_t)len;
	e->placed = 0;
	e->op = (uint8_t)wr->op;
	e->flags = (uint8_t)wr->flags;
	e->state = SQE_POSTED;
	e->n_sge = (uint8_t)wr->n_sge;
	qp->sq_tail++;
	if (wr->op == IW_WR_MARKER && !qp->error) {
		sq_pass_markers(qp);
		sq_retire(qp);
	}
	return 0;
}

/* May a receive be put in front of those that wait? Not before one that a Send has begun to fill. */
static bool rq_front_free(const struct iw_qp *qp)
{
	return qp->rq_report == qp->rq_cur && qp->rx.phase == RX_HEAD && !qp->rx.mid_send;
}

int iw_post_recv(struct iw_qp *qp, uint64_t wr_id, void *buf, uint32_t len)
{
	uint32_t at;

	if (!iw_rq_free(qp))
		return -ENOMEM;
	if (qp->attr.any_recv && rq_front_free(qp)) {
		at = --qp->rq_cur;
		qp->rq_report = at;
	} else {
		at = qp->rq_tail++;
	}
	qp->rq[at & qp->rq_mask] = (struct iw_rqe){ .wr_id = wr_id, .buf = buf, .len = len };
	return 0;
}

static enum iw_wc_op wc_op(unsigned wr_op)
{
	switch (wr_op) {
	case IW_WR_SEND:
		return IW_WC_SEND;
	case IW_WR_READ:
		return IW_WC_READ;
	case IW_WR_WRITE:
		return IW_WC_WRITE;
	default:
		return IW_WC_MARKER;
	}
}

static unsigned poll_sq(struct iw_qp *qp, struct iw_wc *wc, unsigned max)
{
	unsigned n = 0;

	while (n < max && qp->sq_report != qp->sq_tail) {
		const struct iw_sqe *e = sqe_at(qp, qp->sq_report);
		enum iw_wc_status status = IW_WC_OK;

		if (e->state != SQE_DONE || qp->sq_failed) {
			if (!qp->error)
				break;
			status = qp->sq_failed ? IW_WC_FLUSHED : qp->fail_status;
			qp->sq_failed = true;
		}
		if (status != IW_WC_OK || e->flags & IW_WR_SIGNALED)
			wc[n++] = (struct iw_wc){ e->wr_id, wc_op(e->op), status, 0 };
		qp->sq_report++;
	}
	return n;
}

static unsigned poll_rq(struct iw_qp *qp, struct iw_wc *wc, unsigned max)
{
	uint32_t end = qp->error ? qp->rq_tail : qp->rq_cur;
	unsigned n = 0;

	while (n < max && qp->rq_report != end) {
		const struct iw_rqe *e = &qp->rq[qp->rq_report & qp->rq_mask];
		enum iw_wc_status status = e->status;

		if (qp->rq_report == qp->rq_cur) {
			status = IW_WC_FLUSHED;
			qp->rq_cur++;
		}
		wc[n++] = (struct iw_wc){ e->wr_id, IW_WC_RECV, status,
					  status == IW_WC_OK ? e->got : 0 };
		qp->rq_report++;
	}
	return n;
}

unsigned iw_poll(struct iw_qp *qp, struct iw_wc *wc, unsigned max)
{
	unsigned n = poll_sq(qp, wc, max);

	return n + poll_rq(qp, wc + n, max - n);
}

bool iw_sq_idle(const struct iw_qp *qp)
{
	return qp->sq_tx == qp->sq_tail && qp->orq_head == qp->orq_tail &&
	       qp->irq_head == qp->irq_tail && qp->tx.rtr == MPA_RTR_NONE &&
	       qp->tx.staged == qp->tx.sent;
}

void qp_enter_error(struct iw_qp *qp, enum iw_wc_status first)
{
	if (qp->error)
		return;
	qp->error = true;
	qp->fail_status = first;
	qp->rx.phase = RX_DEAD;
}

void iw_qp_error(struct iw_qp *qp, enum iw_wc_status first)
{
	qp_enter_error(qp, first);
}

/* Encode the Terminate; it goes out when what is half sent has been finished. */
static void term_encode(struct iw_qp *qp, const uint8_t *hdr, const uint8_t *read_req)
{
	struct pen out = pen_of(qp->tx.term, sizeof(qp->tx.term) - FPDU_CRC_LEN);
	struct rdmap_term t = { qp->term.layer, qp->term.type, qp->term.code, hdr, read_req };
	uint8_t *head = pen_take(&out, DDP_UNTAGGED_LEN);
	uint8_t *end;

	rdmap_term_encode(&out, &t);
	check(!out.bad && out.pos % 4 == 0); /* so there is no pad */
	ddp_untagged_put(head, RDMAP_TERMINATE, true, (uint32_t)(out.pos - DDP_UNTAGGED_LEN), 0,
			 DDP_QN_TERM);
	ddp_untagged_seq(head, 1, 0);
	end = out.p + out.pos;
	if (qp->attr.crc)
		crc32c_put(end, crc32c_update(CRC32C_INIT, out.p, out.pos));
	else
		memset(end, 0, FPDU_CRC_LEN);
	qp->tx.term_len = (uint32_t)out.pos + FPDU_CRC_LEN;
}

static void fail(struct iw_qp *qp, uint32_t why, const uint8_t *hdr, const uint8_t *read_req)
{
	qp->term = (struct iw_term){
		.valid = true,
		.layer = (uint8_t)(why >> 16),
		.type = (uint8_t)(why >> 8),
		.code = (uint8_t)why,
	};
	term_encode(qp, hdr, read_req);
	qp_enter_error(qp, IW_WC_FLUSHED);
}

void qp_fail(struct iw_qp *qp, uint32_t why, const uint8_t *hdr, const uint8_t *read_req)
{
	check(!qp->error);
	fail(qp, why, hdr, read_req);
	/* Something of the peer has come, so it is ready to receive. */
	qp->tx.hold = false;
	qp->rx.result = IW_E_TERMINATE;
}

void iw_qp_terminate(struct iw_qp *qp, uint8_t layer, uint8_t type, uint8_t code)
{
	if (!qp->error)
		fail(qp, TERM(layer, type, code), NULL, NULL);
}

const char *iw_term_text(const struct iw_term *t)
{
	return t->valid ? rdmap_term_text(t->layer, t->type, t->code) : "no error";
}
