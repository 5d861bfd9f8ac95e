/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Sending. Work requests and Reads owed to the peer are cut into FPDUs, one message after the other, and
 * "staged": headers, trailers and small payloads are written into a ring, large payloads stay where they
 * are, and a list of pieces says what follows what in the stream. The owner carries the pieces to TCP.
 *
 *   send queue, Reads of the peer --stage--> pieces --iw_tx()--> TCP --iw_tx_done()--> completions
 *
 * Only whole FPDUs are staged, so the end of what is staged always is the end of an FPDU.
 */
#include "iwarp/qp_i.h"

/* Ring bytes that one FPDU can need: the longest header, small payload, pad and CRC. */
#define FPDU_RING_MAX (DDP_UNTAGGED_LEN + RDMAP_READ_REQ_LEN + IW_INLINE_MAX + FPDU_TRAILER_MAX)
/* Pieces that one FPDU can need: each source piece with ring bytes before it, and the trailer. */
#define FPDU_PIECES_MAX (2 * IW_SGE_MAX + 1)

/* So far behind, the beginning of the message in progress is moved up. */
#define LONG_WAY (1u << 30)

/* An FPDU being written. */
struct fpdu {
	struct iw_tx_state *tx;
	uint8_t *run; /* ring bytes written but not in a piece yet ... */
	uint8_t *w;   /* ... up to here */
	uint32_t len; /* in pieces already */
	bool crc_on;
	uint32_t crc;
};

static uint32_t pieces_used(const struct iw_tx_state *tx)
{
	return tx->piece_tail - tx->piece_head;
}

static struct iw_piece *piece_at(const struct iw_tx_state *tx, uint32_t i)
{
	return &tx->pieces[i % IW_TX_PIECES];
}

/*
 * FPDU_RING_MAX contiguous bytes of the ring, or NULL. Head and tail are equal only when it is empty:
 * then there are no pieces either and both have been set to 0.
 */
static uint8_t *ring_reserve(struct iw_tx_state *tx)
{
	if (tx->ring_head < tx->ring_tail)
		return tx->ring_tail - tx->ring_head > FPDU_RING_MAX ? tx->ring + tx->ring_head
								     : NULL;
	if (IW_TX_RING - tx->ring_head >= FPDU_RING_MAX)
		return tx->ring + tx->ring_head;
	return tx->ring_tail > FPDU_RING_MAX ? tx->ring : NULL;
}

static void piece_push(struct iw_tx_state *tx, uint8_t *p, uint32_t len, uint32_t mark)
{
	*piece_at(tx, tx->piece_tail++) = (struct iw_piece){ p, len, mark };
}

/* Put the ring bytes written so far into a piece, the last one if they continue it. */
static void fpdu_commit(struct fpdu *f)
{
	struct iw_tx_state *tx = f->tx;
	uint32_t n = (uint32_t)(f->w - f->run);
	uint32_t end = (uint32_t)(f->w - tx->ring);
	struct iw_piece *last;

	if (!n)
		return;
	tx->ring_head = end;
	f->len += n;
	if (pieces_used(tx)) {
		last = piece_at(tx, tx->piece_tail - 1);
		if (last->ring_end < PIECE_REGION && last->p + last->len == f->run) {
			last->len += n;
			last->ring_end = end;
			f->run = f->w;
			return;
		}
	}
	piece_push(tx, f->run, n, end);
	f->run = f->w;
}

static void fpdu_crc_run(struct fpdu *f)
{
	if (f->crc_on)
		f->crc = crc32c_update(f->crc, f->run, (size_t)(f->w - f->run));
}

/*
 * Add @n payload bytes of @src, from where the message stands. Short pieces are copied as long as the
 * budget of IW_INLINE_MAX bytes lasts, for a copy is cheaper than two more pieces.
 */
static void fpdu_payload(struct fpdu *f, const struct iw_sge *src, uint32_t n, uint32_t mark)
{
	struct iw_tx_state *tx = f->tx;
	uint32_t budget = IW_INLINE_MAX;

	while (n) {
		uint8_t *p = (uint8_t *)src[tx->sge].addr + tx->sge_off;
		uint32_t k = min_u32(n, src[tx->sge].len - tx->sge_off);

		if (!k) {
			tx->sge++;
			tx->sge_off = 0;
			continue;
		}
		if (k <= budget) {
			memcpy(f->w, p, k);
			f->w += k;
			budget -= k;
		} else {
			fpdu_crc_run(f);
			fpdu_commit(f);
			if (f->crc_on)
				f->crc = crc32c_update(f->crc, p, k);
			piece_push(tx, p, k, mark);
			f->len += k;
		}
		tx->sge_off += k;
		n -= k;
	}
}

/* Pad and CRC; the FPDU is staged then. */
static void fpdu_finish(struct fpdu *f)
{
	uint32_t so_far = f->len + (uint32_t)(f->w - f->run);

	while (so_far++ & 3)
		*f->w++ = 0;
	fpdu_crc_run(f);
	if (f->crc_on)
		crc32c_put(f->w, f->crc);
	else
		memset(f->w, 0, FPDU_CRC_LEN);
	f->w += FPDU_CRC_LEN;
	fpdu_commit(f);
	f->tx->staged += f->len;
}

static struct fpdu fpdu_begin(struct iw_qp *qp, uint8_t *w)
{
	return (struct fpdu){
		.tx = &qp->tx, .run = w, .w = w, .crc_on = qp->attr.crc, .crc = CRC32C_INIT
	};
}

static void msg_push(struct iw_tx_state *tx, uint32_t stride, uint32_t sq, bool completes)
{
	tx->msgs[tx->msg_tail++ % IW_TX_MSGS] =
		(struct iw_txmsg){ tx->staged, stride, sq, completes };
}

static void msg_open(struct iw_qp *qp, bool irq, uint32_t hdr_len)
{
	struct iw_tx_state *tx = &qp->tx;

	if (tx->open)
		return;
	tx->open = true;
	tx->open_irq = irq;
	tx->seg_off = 0;
	tx->sge = 0;
	tx->sge_off = 0;
	tx->stride = hdr_len + qp->attr.max_payload + FPDU_CRC_LEN;
}

static enum rdmap_op send_op(unsigned flags)
{
	if (flags & IW_WR_INVALIDATE)
		return flags & IW_WR_SOLICITED ? RDMAP_SEND_SE_INV : RDMAP_SEND_INV;
	return flags & IW_WR_SOLICITED ? RDMAP_SEND_SE : RDMAP_SEND;
}

/* The next segment of a SEND or WRITE. */
static void stage_data(struct iw_qp *qp, struct iw_sqe *e, uint8_t *w)
{
	struct iw_tx_state *tx = &qp->tx;
	bool tagged = e->op == IW_WR_WRITE;
	struct fpdu f = fpdu_begin(qp, w);
	uint32_t rest, n;
	bool last;

	msg_open(qp, false, tagged ? DDP_TAGGED_LEN : DDP_UNTAGGED_LEN);
	rest = e->len - tx->seg_off;
	last = rest <= qp->attr.max_payload;
	n = last ? rest : qp->attr.max_payload;
	if (tagged) {
		ddp_tagged_put(w, RDMAP_WRITE, last, n, e->rkey, e->remote_va + tx->seg_off);
		f.w += DDP_TAGGED_LEN;
	} else {
		ddp_untagged_put(w, send_op(e->flags), last, n,
				 e->flags & IW_WR_INVALIDATE ? e->rkey : 0, DDP_QN_SEND);
		ddp_untagged_seq(w, tx->msn_send, tx->seg_off);
		f.w += DDP_UNTAGGED_LEN;
	}
	fpdu_payload(&f, e->sge, n, PIECE_FOREIGN);
	fpdu_finish(&f);
	tx->seg_off += n;
	e->state = SQE_STAGED;
	if (!last)
		return;
	tx->open = false;
	if (!tagged)
		tx->msn_send++;
	msg_push(tx, tx->stride, qp->sq_tx, true);
	qp->sq_tx++;
	sq_pass_markers(qp);
}

/* A transient STag: no region has it, and no outstanding READ until 2^31 others have come between. */
static uint32_t sink_stag_new(struct iw_qp *qp)
{
	return STAG_SINK | (++qp->sink_seq & ~STAG_SINK);
}

static void stage_read_req(struct iw_qp *qp, const struct rdmap_read_req *r, uint8_t *w)
{
	struct fpdu f = fpdu_begin(qp, w);
	struct pen body = pen_of(w + DDP_UNTAGGED_LEN, RDMAP_READ_REQ_LEN);

	ddp_untagged_put(w, RDMAP_READ_REQ, true, RDMAP_READ_REQ_LEN, 0, DDP_QN_READ);
	ddp_untagged_seq(w, qp->tx.msn_read++, 0);
	rdmap_read_req_encode(&body, r);
	f.w += DDP_UNTAGGED_LEN + RDMAP_READ_REQ_LEN;
	fpdu_finish(&f);
	msg_push(&qp->tx, RDMAP_READ_REQ_FPDU, 0, false);
}

static void stage_read(struct iw_qp *qp, struct iw_sqe *e, uint8_t *w)
{
	struct rdmap_read_req r = { .len = e->len, .src_stag = e->rkey, .src_to = e->remote_va };

	e->sink_stag = sink_stag_new(qp);
	e->state = SQE_STAGED;
	r.sink_stag = e->sink_stag; /* its offsets start at 0 */
	stage_read_req(qp, &r, w);
	qp->orq[qp->orq_tail++ & qp->orq_mask] = qp->sq_tx;
	qp->sq_tx++;
	sq_pass_markers(qp);
}

/* The next segment of the oldest Read owed to the peer. */
static void stage_read_rsp(struct iw_qp *qp, uint8_t *w)
{
	const struct iw_irqe *e = &qp->irq[qp->irq_head & qp->irq_mask];
	struct iw_sge src = { e->src, e->len };
	struct iw_tx_state *tx = &qp->tx;
	struct fpdu f = fpdu_begin(qp, w);
	uint32_t rest, n;
	bool last;

	msg_open(qp, true, DDP_TAGGED_LEN);
	rest = e->len - tx->seg_off;
	last = rest <= qp->attr.max_payload;
	n = last ? rest : qp->attr.max_payload;
	ddp_tagged_put(w, RDMAP_READ_RSP, last, n, e->sink_stag, e->sink_to + tx->seg_off);
	f.w += DDP_TAGGED_LEN;
	fpdu_payload(&f, &src, n, PIECE_REGION | e->slot);
	fpdu_finish(&f);
	tx->seg_off += n;
	if (!last)
		return;
	tx->open = false;
	msg_push(tx, tx->stride, 0, false);
	qp->irq_head++;
}

static void stage_rtr(struct iw_qp *qp, uint8_t *w)
{
	struct rdmap_read_req r = { 0 };
	struct fpdu f = fpdu_begin(qp, w);
	enum mpa_rtr kind = qp->tx.rtr;

	qp->tx.rtr = MPA_RTR_NONE;
	if (kind == MPA_RTR_READ) {
		qp->rtr_read = true;
		qp->rtr_stag = sink_stag_new(qp);
		r.sink_stag = qp->rtr_stag;
		stage_read_req(qp, &r, w);
		return;
	}
	if (kind == MPA_RTR_WRITE) {
		/* Some hardware dislikes STag 0. */
		ddp_tagged_put(w, RDMAP_WRITE, true, 0, 1, 0);
		f.w += DDP_TAGGED_LEN;
	} else {
		ddp_untagged_put(w, RDMAP_SEND, true, 0, 0, DDP_QN_SEND);
		ddp_untagged_seq(w, qp->tx.msn_send++, 0);
		f.w += DDP_UNTAGGED_LEN;
	}
	fpdu_finish(&f);
	msg_push(&qp->tx, DDP_UNTAGGED_LEN + FPDU_CRC_LEN, 0, false);
}

/* May the next entry of the send queue be staged? A READ waits for a free slot at the peer. */
static bool sq_ready(const struct iw_qp *qp)
{
	uint32_t reads = qp->orq_tail - qp->orq_head + qp->rtr_read;

	return qp->sq_tx != qp->sq_tail &&
	       (reads < qp->attr.ord || sqe_at(qp, qp->sq_tx)->op != IW_WR_READ);
}

static bool irq_ready(const struct iw_qp *qp)
{
	return qp->irq_head != qp->irq_tail;
}

static void stage_sq(struct iw_qp *qp, uint8_t *w)
{
	struct iw_sqe *e = sqe_at(qp, qp->sq_tx);

	if (e->op == IW_WR_READ)
		stage_read(qp, e, w);
	else
		stage_data(qp, e, w);
}

/*
 * Stage one FPDU. Messages are not interleaved (a receiver may have room for one at a time); between
 * messages the Reads of the peer and the send queue take turns.
 *
 * Return: false when there is nothing to stage, or no room.
 */
static bool stage_one(struct iw_qp *qp)
{
	struct iw_tx_state *tx = &qp->tx;
	uint8_t *w;
	bool irq, sq;

	if (pieces_used(tx) > IW_TX_PIECES - FPDU_PIECES_MAX ||
	    tx->msg_tail - tx->msg_head == IW_TX_MSGS)
		return false;
	w = ring_reserve(tx);
	if (!w)
		return false;
	if (tx->rtr != MPA_RTR_NONE) {
		stage_rtr(qp, w);
		return true;
	}
	if (tx->open) {
		irq = tx->open_irq;
		sq = !irq;
	} else {
		irq = irq_ready(qp);
		sq = sq_ready(qp);
	}
	if (irq && (tx->irq_turn || !sq)) {
		stage_read_rsp(qp, w);
		tx->irq_turn = tx->open;
		return true;
	}
	if (sq) {
		stage_sq(qp, w);
		tx->irq_turn = !tx->open;
		return true;
	}
	return false;
}

/* Length of the FPDUs of the oldest message that is not all sent. */
static uint32_t msg_stride(const struct iw_tx_state *tx)
{
	if (tx->msg_head != tx->msg_tail)
		return tx->msgs[tx->msg_head % IW_TX_MSGS].stride;
	return tx->stride;
}

/* Where the FPDU ends that the last byte handed to TCP is in; the same place when it is the end. */
static uint32_t fpdu_end(const struct iw_tx_state *tx)
{
	uint32_t pos = tx->sent - tx->msg_start;
	uint32_t stride = msg_stride(tx);
	uint32_t end = tx->staged;
	uint32_t next;

	if (tx->msg_head != tx->msg_tail)
		end = tx->msgs[tx->msg_head % IW_TX_MSGS].end;
	if (tx->sent == tx->staged || pos % stride == 0)
		return tx->sent;
	next = tx->msg_start + (pos / stride + 1) * stride;
	return (int32_t)(next - end) < 0 ? next : end;
}

/*
 * In error, once: forget what is staged, save the rest of an FPDU that TCP has got a part of, and put the
 * Terminate behind that. When that rest lies in buffers that are flushed by now there is no way to send
 * a Terminate: the peer would take it for payload.
 */
static void tx_settle(struct iw_qp *qp)
{
	struct iw_tx_state *tx = &qp->tx;
	uint32_t keep = fpdu_end(tx) - tx->sent;
	struct iw_piece *head = piece_at(tx, tx->piece_head);
	bool can = !keep || (head->ring_end < PIECE_REGION && head->len - tx->piece_off >= keep);

	tx->closed = true;
	tx->msg_head = tx->msg_tail;
	tx->piece_tail = tx->piece_head;
	tx->staged = tx->sent;
	if (can && keep) {
		head->len = tx->piece_off + keep;
		tx->piece_tail++;
		tx->staged += keep;
	} else {
		tx->piece_off = 0;
	}
	if (can && tx->term_len) {
		piece_push(tx, tx->term, tx->term_len, PIECE_FOREIGN);
		tx->staged += tx->term_len;
	}
	tx->term_len = 0;
}

/* Pieces for what is staged. */
static unsigned give_pieces(struct iw_tx_state *tx, struct iovec *iov, unsigned max_iov,
			    size_t max_bytes, size_t *ret_bytes)
{
	uint32_t off = tx->piece_off;
	size_t bytes = 0;
	unsigned n = 0;

	for (uint32_t i = tx->piece_head; i != tx->piece_tail && n < max_iov && bytes < max_bytes;
	     i++) {
		const struct iw_piece *p = piece_at(tx, i);
		size_t k = min_size(p->len - off, max_bytes - bytes);

		iov[n++] = (struct iovec){ p->p + off, k };
		bytes += k;
		off = 0;
	}
	*ret_bytes = bytes;
	return n;
}

unsigned iw_tx(struct iw_qp *qp, struct iovec *iov, unsigned max_iov, size_t max_bytes,
	       size_t *ret_bytes)
{
	struct iw_tx_state *tx = &qp->tx;

	*ret_bytes = 0;
	if (tx->hold)
		return 0;
	if (!qp->error) {
		while (tx->staged - tx->sent < max_bytes && pieces_used(tx) < max_iov &&
		       stage_one(qp))
			;
	} else if (!tx->closed) {
		tx_settle(qp);
	}
	return give_pieces(tx, iov, max_iov, max_bytes, ret_bytes);
}

static void msgs_done(struct iw_qp *qp)
{
	struct iw_tx_state *tx = &qp->tx;

	while (tx->msg_head != tx->msg_tail) {
		const struct iw_txmsg *m = &tx->msgs[tx->msg_head % IW_TX_MSGS];

		if ((int32_t)(m->end - tx->sent) > 0)
			break;
		tx->msg_start = m->end;
		/* In error the entries are being flushed, or are others by now. */
		if (m->completes && !qp->error)
			sqe_at(qp, m->sq)->state = SQE_DONE;
		tx->msg_head++;
	}
	if (tx->msg_head == tx->msg_tail) {
		tx->msg_head = 0;
		tx->msg_tail = 0;
	}
	/* Places are compared in 32 bits: keep up with a message of gigabytes. */
	if (tx->sent - tx->msg_start >= LONG_WAY)
		tx->msg_start += (tx->sent - tx->msg_start) / msg_stride(tx) * msg_stride(tx);
	if (!qp->error)
		sq_retire(qp);
}

void iw_tx_done(struct iw_qp *qp, size_t n)
{
	struct iw_tx_state *tx = &qp->tx;

	check(n <= tx->staged - tx->sent);
	tx->sent += (uint32_t)n;
	while (n) {
		const struct iw_piece *p = piece_at(tx, tx->piece_head);
		size_t left = p->len - tx->piece_off;

		if (n < left) {
			tx->piece_off += (uint32_t)n;
			if (p->ring_end < PIECE_REGION)
				tx->ring_tail = p->ring_end - (uint32_t)(left - n);
			break;
		}
		n -= left;
		tx->piece_off = 0;
		if (p->ring_end < PIECE_REGION)
			tx->ring_tail = p->ring_end;
		tx->piece_head++;
	}
	if (!pieces_used(tx)) { /* begin at the front again, whose memory is warm */
		tx->piece_head = 0;
		tx->piece_tail = 0;
		tx->ring_head = 0;
		tx->ring_tail = 0;
	}
	msgs_done(qp);
}

bool iw_tx_pending(const struct iw_qp *qp)
{
	const struct iw_tx_state *tx = &qp->tx;

	if (tx->hold)
		return false;
	if (qp->error)
		return tx->closed ? pieces_used(tx) != 0 : tx->term_len != 0;
	return pieces_used(tx) || tx->open || tx->rtr != MPA_RTR_NONE || sq_ready(qp) ||
	       irq_ready(qp);
}
