/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Receiving. The stream is a sequence of FPDUs, each one DDP segment:
 *
 *   HEAD (16 or 20 bytes) -> PAYLOAD -> TAIL (pad, CRC) -> HEAD ...      any error: -> DEAD
 *
 * A header is judged as a whole before a byte of payload is placed; what a segment means is done when its
 * tail has come and its CRC is right. When a whole FPDU lies in the batch its CRC is checked before anything
 * else. Judgement and Terminate codes follow RFC 5040 7, RFC 5041 7 and RFC 5044 8.
 */
#include "iwarp/qp_i.h"

/* What is read from a header before it is placed in the state. */
struct seg {
	const uint8_t *hdr;
	struct ddp_hdr h;
	uint32_t payload;
	bool last;
};

static int rx_die(struct iw_qp *qp, uint32_t why, const uint8_t *hdr)
{
	qp_fail(qp, why, hdr, NULL);
	return IW_E_TERMINATE;
}

/*
 * Untagged segments: queue number, sequence number and offset [RFC 5041 5.3, 7].
 * Return: 0 or a TERM().
 */
static uint32_t judge_untagged(const struct ddp_hdr *h, uint32_t qn, uint32_t msn, uint32_t mo)
{
	if (h->qn != qn)
		return TERM(TERM_DDP, TERM_UNTAGGED, TERM_UNTAG_QN);
	if (h->msn != msn)
		return TERM(TERM_DDP, TERM_UNTAGGED, TERM_UNTAG_MSN);
	if (h->mo != mo)
		return TERM(TERM_DDP, TERM_UNTAGGED, TERM_UNTAG_MO);
	return 0;
}

static uint32_t begin_send(struct iw_qp *qp, const struct seg *s)
{
	struct iw_rx_state *rx = &qp->rx;
	uint32_t why = judge_untagged(&s->h, DDP_QN_SEND, rx->msn_send, rx->mo);
	struct iw_rqe *e;

	if (why)
		return why;
	if (rx->mid_send && rx->mid_op != rx->op)
		return TERM(TERM_RDMAP, TERM_OPERATION, TERM_OP_OPCODE);
	rx->swallow = !rx->seen && qp->attr.responder && qp->attr.rtr == MPA_RTR_SEND &&
		      rx->op == RDMAP_SEND && !s->payload && s->last;
	if (rx->swallow)
		return 0;
	if (qp->rq_cur == qp->rq_tail)
		return TERM(TERM_DDP, TERM_UNTAGGED, TERM_UNTAG_NO_BUFFER);
	e = &qp->rq[qp->rq_cur & qp->rq_mask];
	if (s->payload > e->len - rx->mo) {
		e->status = IW_WC_LOCAL;
		qp->rq_cur++;
		return TERM(TERM_DDP, TERM_UNTAGGED, TERM_UNTAG_TOO_LONG);
	}
	rx->inv_stag = s->h.stag;
	rx->dst = s->payload ? e->buf + rx->mo : NULL;
	rx->dst_left = s->payload;
	return 0;
}

/* What stag_find() said, as a DDP error; the peer does not learn more of rights than that it has none. */
static uint32_t write_error(int found)
{
	switch (found - 1) {
	case TERM_PROT_WRAP:
		return TERM(TERM_DDP, TERM_TAGGED, TERM_TAG_WRAP);
	case TERM_PROT_BOUNDS:
		return TERM(TERM_DDP, TERM_TAGGED, TERM_TAG_BOUNDS);
	default:
		return TERM(TERM_DDP, TERM_TAGGED, TERM_TAG_STAG);
	}
}

static uint32_t begin_write(struct iw_qp *qp, const struct seg *s)
{
	struct iw_rx_state *rx = &qp->rx;
	int r;

	/* A tagged message within another one. */
	if (qp->orq_head != qp->orq_tail && !qp->rtr_read &&
	    sqe_at(qp, qp->orq[qp->orq_head & qp->orq_mask])->placed)
		return TERM(TERM_RDMAP, TERM_OPERATION, TERM_OP_STREAM);
	if (rx->mid_write && s->h.stag != rx->write_stag)
		return TERM(TERM_DDP, TERM_TAGGED, TERM_TAG_STAG);
	if (rx->mid_write && s->h.to != rx->write_to)
		return TERM(TERM_DDP, TERM_TAGGED, TERM_TAG_BOUNDS);
	rx->write_stag = s->h.stag;
	rx->write_to = s->h.to;
	if (!s->payload)
		return 0; /* of a zero-length Write nothing is checked [RFC 5040 5.1] */
	r = stag_find(qp, s->h.stag, IW_ACCESS_REMOTE_WRITE, s->h.to, s->payload, &rx->slot);
	if (r)
		return write_error(r);
	rx->dst = region_at(qp, rx->slot, s->h.to);
	rx->dst_left = s->payload;
	return 0;
}

/* Where the sink of READ @e goes on; a Send may have come between two segments of the response. */
static void seek_sink(struct iw_rx_state *rx, const struct iw_sqe *e)
{
	uint32_t skip = e->placed;

	rx->sge = 0;
	rx->dst_left = 0;
	while (skip) {
		const struct iw_sge *s = &e->sge[rx->sge++];
		uint32_t k = min_u32(skip, s->len);

		rx->dst = (uint8_t *)s->addr + k;
		rx->dst_left = s->len - k;
		skip -= k;
	}
}

static uint32_t begin_read_rsp(struct iw_qp *qp, const struct seg *s)
{
	struct iw_rx_state *rx = &qp->rx;
	const uint32_t bad_stag = TERM(TERM_DDP, TERM_TAGGED, TERM_TAG_STAG);
	const uint32_t bad_bounds = TERM(TERM_DDP, TERM_TAGGED, TERM_TAG_BOUNDS);
	struct iw_sqe *e;
	uint32_t rest;

	if (rx->mid_write)
		return TERM(TERM_RDMAP, TERM_OPERATION, TERM_OP_STREAM);
	if (qp->rtr_read) {
		if (s->h.stag != qp->rtr_stag)
			return bad_stag;
		return s->h.to || s->payload || !s->last ? bad_bounds : 0;
	}
	if (qp->orq_head == qp->orq_tail)
		return TERM(TERM_DDP, TERM_CATASTROPHIC, 0);
	e = sqe_at(qp, qp->orq[qp->orq_head & qp->orq_mask]);
	if (s->h.stag != e->sink_stag)
		return bad_stag;
	rest = e->len - e->placed;
	if (s->h.to != e->placed || s->payload > rest || s->last != (s->payload == rest))
		return bad_bounds;
	seek_sink(rx, e);
	return 0;
}

/* Read Request and Terminate: their payload is put aside and read at the end of the segment. */
static uint32_t begin_ctl(struct iw_qp *qp, const struct seg *s)
{
	struct iw_rx_state *rx = &qp->rx;
	bool read = rx->op == RDMAP_READ_REQ;
	uint32_t why =
		judge_untagged(&s->h, read ? DDP_QN_READ : DDP_QN_TERM, read ? rx->msn_read : 1, 0);

	if (why)
		return why;
	/* Each is one segment; an untagged message within another one breaks the stream [RFC 5041 5.2]. */
	if (read && rx->mid_send)
		return TERM(TERM_RDMAP, TERM_OPERATION, TERM_OP_STREAM);
	if (!s->last || s->payload > (read ? RDMAP_READ_REQ_LEN : sizeof(rx->ctl)))
		return TERM(TERM_DDP, TERM_UNTAGGED, TERM_UNTAG_TOO_LONG);
	if (read)
		memcpy(rx->ctl_head, s->hdr, DDP_UNTAGGED_LEN);
	rx->dst = rx->ctl;
	rx->dst_left = s->payload;
	return 0;
}

static uint32_t begin_op(struct iw_qp *qp, const struct seg *s)
{
	switch ((enum rdmap_op)qp->rx.op) {
	case RDMAP_SEND:
	case RDMAP_SEND_SE:
	case RDMAP_SEND_INV:
	case RDMAP_SEND_SE_INV:
		return begin_send(qp, s);
	case RDMAP_WRITE:
		return begin_write(qp, s);
	case RDMAP_READ_RSP:
		return begin_read_rsp(qp, s);
	default:
		return begin_ctl(qp, s);
	}
}

/* Versions, opcode, shape and length of the header at @hdr. Return: 0 or a TERM(). */
static uint32_t judge_head(const struct ddp_hdr *h)
{
	bool tagged = h->ddp_ctl & DDP_CTL_T;
	unsigned op = h->rdmap_ctl & RDMAP_CTL_OP_MASK;
	unsigned body = tagged ? DDP_TAGGED_BODY : DDP_UNTAGGED_BODY;

	if ((h->ddp_ctl & DDP_CTL_VERSION_MASK) != DDP_CTL_VERSION)
		return tagged ? TERM(TERM_DDP, TERM_TAGGED, TERM_TAG_VERSION)
			      : TERM(TERM_DDP, TERM_UNTAGGED, TERM_UNTAG_VERSION);
	if ((h->rdmap_ctl & RDMAP_CTL_VERSION_MASK) != RDMAP_CTL_VERSION)
		return TERM(TERM_RDMAP, TERM_OPERATION, TERM_OP_VERSION);
	if (op >= RDMAP_OP_COUNT || tagged != rdmap_op_tagged(op))
		return TERM(TERM_RDMAP, TERM_OPERATION, TERM_OP_OPCODE);
	if (op == RDMAP_READ_REQ)
		body += RDMAP_READ_REQ_LEN;
	else if (op == RDMAP_TERMINATE)
		body += RDMAP_TERM_LEN;
	return h->ulpdu_len < body ? TERM(TERM_MPA, TERM_CATASTROPHIC, TERM_MPA_LENGTH) : 0;
}

/* A whole header. Return: 0 or what iw_rx() returns. */
static int rx_head(struct iw_qp *qp, const uint8_t *hdr, bool crc_done)
{
	struct iw_rx_state *rx = &qp->rx;
	struct seg s = { .hdr = hdr, .h = ddp_hdr_get(hdr) };
	uint32_t why = judge_head(&s.h);

	if (!why) {
		s.payload = FPDU_LEN_LEN + s.h.ulpdu_len - ddp_hdr_len(hdr);
		s.last = s.h.ddp_ctl & DDP_CTL_L;
		rx->op = s.h.rdmap_ctl & RDMAP_CTL_OP_MASK;
		rx->last = s.last;
		rx->payload = s.payload;
		rx->left = s.payload;
		why = begin_op(qp, &s);
	}
	if (why)
		return rx_die(qp, why, why >> 16 == TERM_MPA ? NULL : hdr);
	rx->have = 0;
	rx->tail_need = (uint8_t)(fpdu_pad(s.h.ulpdu_len) + FPDU_CRC_LEN);
	rx->crc_done = crc_done;
	if (!crc_done)
		rx->crc = crc32c_update(CRC32C_INIT, hdr, ddp_hdr_len(hdr));
	rx->phase = rx->left ? RX_PAYLOAD : RX_TAIL;
	return 0;
}

/* The next piece of a READ's sink that has room. There is one: header and request agree. */
static void next_sink(struct iw_qp *qp)
{
	struct iw_rx_state *rx = &qp->rx;
	struct iw_sqe *e = sqe_at(qp, qp->orq[qp->orq_head & qp->orq_mask]);

	while (!rx->dst_left) {
		check(rx->op == RDMAP_READ_RSP && rx->sge < e->n_sge);
		rx->dst = e->sge[rx->sge].addr;
		rx->dst_left = e->sge[rx->sge].len;
		rx->sge++;
	}
}

/* Place @n payload bytes: those at @p, or if @there those that lie in their place already. */
static void rx_place(struct iw_qp *qp, const uint8_t *p, size_t n, bool there)
{
	struct iw_rx_state *rx = &qp->rx;

	rx->left -= (uint32_t)n;
	while (n) {
		size_t k;

		if (!rx->dst_left)
			next_sink(qp);
		k = min_size(n, rx->dst_left);
		/* Over the batch, not over the place: the owner of a region may be writing there too. */
		if (!rx->crc_done)
			rx->crc = crc32c_update(rx->crc, there ? rx->dst : p, k);
		if (!there) {
			memcpy(rx->dst, p, k);
			p += k;
		}
		rx->dst += k;
		rx->dst_left -= (uint32_t)k;
		n -= k;
	}
	if (!rx->left)
		rx->phase = RX_TAIL;
}

static int end_send(struct iw_qp *qp)
{
	struct iw_rx_state *rx = &qp->rx;
	struct iw_rqe *e = &qp->rq[qp->rq_cur & qp->rq_mask];

	rx->mo += rx->payload;
	rx->mid_op = rx->op;
	rx->mid_send = !rx->last;
	if (!rx->last)
		return 0;
	if ((rx->op == RDMAP_SEND_INV || rx->op == RDMAP_SEND_SE_INV) &&
	    !stag_invalidate(qp, rx->inv_stag))
		return rx_die(qp, TERM(TERM_RDMAP, TERM_OPERATION, TERM_OP_INVALIDATE), NULL);
	if (qp->error)
		return rx->result; /* the STag was in use */
	if (!rx->swallow) {
		e->got = rx->mo;
		qp->rq_cur++;
	}
	rx->msn_send++;
	rx->mo = 0;
	return 0;
}

static int end_read_rsp(struct iw_qp *qp)
{
	struct iw_rx_state *rx = &qp->rx;
	struct iw_sqe *e;

	if (qp->rtr_read) {
		qp->rtr_read = false;
		return 0;
	}
	e = sqe_at(qp, qp->orq[qp->orq_head & qp->orq_mask]);
	e->placed += rx->payload;
	if (rx->last) {
		e->state = SQE_DONE;
		qp->orq_head++;
		sq_retire(qp);
	}
	return 0;
}

static int end_read_req(struct iw_qp *qp)
{
	struct iw_rx_state *rx = &qp->rx;
	struct cur in = cur_of(rx->ctl, RDMAP_READ_REQ_LEN);
	struct rdmap_read_req r = { 0 };
	uint32_t slots = qp->attr.ird;
	struct iw_irqe e;
	int found;

	check(rdmap_read_req_decode(&in, &r) == 0);
	e = (struct iw_irqe){ .sink_stag = r.sink_stag, .sink_to = r.sink_to, .len = r.len };
	if (!rx->seen && qp->attr.responder && qp->attr.rtr == MPA_RTR_READ && !r.len)
		slots++;
	if (qp->irq_tail - qp->irq_head >= slots) {
		qp_fail(qp, TERM(TERM_RDMAP, TERM_OPERATION, TERM_OP_STREAM), rx->ctl_head,
			rx->ctl);
		return IW_E_TERMINATE;
	}
	if (r.len) {
		found = stag_find(qp, r.src_stag, IW_ACCESS_REMOTE_READ, r.src_to, r.len, &e.slot);
		if (found) {
			qp_fail(qp, TERM(TERM_RDMAP, TERM_PROTECTION, found - 1), rx->ctl_head,
				rx->ctl);
			return IW_E_TERMINATE;
		}
		e.src = region_at(qp, e.slot, r.src_to);
	}
	qp->irq[qp->irq_tail++ & qp->irq_mask] = e;
	rx->msn_read++;
	return 0;
}

/* The status of the oldest unfinished request when a Terminate about remote memory has come. */
static enum iw_wc_status blame(const struct iw_qp *qp, const struct rdmap_term *t)
{
	uint32_t i = qp->sq_report;
	unsigned op;

	while (i != qp->sq_tail && sqe_at(qp, i)->state == SQE_DONE)
		i++;
	if (i == qp->sq_tail || sqe_at(qp, i)->state == SQE_POSTED)
		return IW_WC_FLUSHED;
	op = sqe_at(qp, i)->op;
	if ((op == IW_WR_READ && t->layer == TERM_RDMAP && t->type == TERM_PROTECTION) ||
	    (op == IW_WR_WRITE && t->layer == TERM_DDP && t->type == TERM_TAGGED))
		return IW_WC_REMOTE;
	return IW_WC_FLUSHED;
}

static int end_terminate(struct iw_qp *qp)
{
	struct iw_rx_state *rx = &qp->rx;
	struct cur in = cur_of(rx->ctl, rx->payload);
	struct rdmap_term t = { 0 };

	check(rdmap_term_decode(&in, &t) == 0);
	qp->term = (struct iw_term){ true, true, t.layer, t.type, t.code };
	qp_enter_error(qp, blame(qp, &t));
	/* A Terminate is not answered, and nothing else is of use to a peer that has given up. */
	qp->tx.hold = true;
	rx->result = IW_E_PEER_TERMINATE;
	return IW_E_PEER_TERMINATE;
}

/* The segment is complete and its CRC right: do what it says. Return: 0 or what iw_rx() returns. */
static int rx_end(struct iw_qp *qp)
{
	struct iw_rx_state *rx = &qp->rx;
	int r = 0;

	rx->have = 0;
	rx->phase = RX_HEAD;
	switch ((enum rdmap_op)rx->op) {
	case RDMAP_WRITE:
		rx->mid_write = !rx->last;
		rx->write_to += rx->payload;
		break;
	case RDMAP_READ_RSP:
		r = end_read_rsp(qp);
		break;
	case RDMAP_READ_REQ:
		r = end_read_req(qp);
		break;
	case RDMAP_TERMINATE:
		return end_terminate(qp);
	default:
		r = end_send(qp);
	}
	if (!rx->seen && !r) {
		rx->seen = true;
		qp->tx.hold = false;
	}
	return r;
}

/* Pad and CRC at @p. */
static int rx_tail(struct iw_qp *qp, const uint8_t *p)
{
	struct iw_rx_state *rx = &qp->rx;
	size_t pad = rx->tail_need - FPDU_CRC_LEN;

	if (!rx->crc_done && !crc32c_fits(p + pad, crc32c_update(rx->crc, p, pad)))
		return rx_die(qp, TERM(TERM_MPA, TERM_CATASTROPHIC, TERM_MPA_CRC), NULL);
	return rx_end(qp);
}

/* Move up to @want bytes into @to, where @rx->have are already. Return: how many. */
static size_t gather(struct iw_rx_state *rx, uint8_t *to, size_t want, const uint8_t *p, size_t n)
{
	size_t k = min_size(n, want - rx->have);

	memcpy(to + rx->have, p, k);
	rx->have = (uint8_t)(rx->have + k);
	return k;
}

/* A header in parts. Return: bytes taken; *ret as rx_head(). */
static size_t rx_head_parts(struct iw_qp *qp, const uint8_t *p, size_t n, int *ret)
{
	struct iw_rx_state *rx = &qp->rx;
	size_t k = 0;

	*ret = 0;
	if (rx->have < DDP_PEEK_LEN) {
		k = gather(rx, rx->head, DDP_PEEK_LEN, p, n);
		if (rx->have < DDP_PEEK_LEN)
			return k;
		/* An FPDU too short for its header: the bytes waited for might never come. */
		if (FPDU_LEN_LEN + get_be16(rx->head) < ddp_hdr_len(rx->head)) {
			*ret = rx_die(qp, TERM(TERM_MPA, TERM_CATASTROPHIC, TERM_MPA_LENGTH), NULL);
			return k;
		}
	}
	k += gather(rx, rx->head, ddp_hdr_len(rx->head), p + k, n - k);
	if (rx->have == ddp_hdr_len(rx->head))
		*ret = rx_head(qp, rx->head, !qp->attr.crc);
	return k;
}

/* A header that lies in the batch as a whole: at least DDP_UNTAGGED_LEN bytes, the shortest FPDU. */
static size_t rx_head_batch(struct iw_qp *qp, const uint8_t *p, size_t n, int *ret)
{
	uint32_t body_len = get_be16(p);
	uint32_t whole = fpdu_len(body_len);
	bool crc_done = !qp->attr.crc;

	if (FPDU_LEN_LEN + body_len < ddp_hdr_len(p)) {
		*ret = rx_die(qp, TERM(TERM_MPA, TERM_CATASTROPHIC, TERM_MPA_LENGTH), NULL);
		return 0;
	}
	if (!crc_done && n >= whole) {
		uint32_t crc = crc32c_update(CRC32C_INIT, p, whole - FPDU_CRC_LEN);

		if (!crc32c_fits(p + whole - FPDU_CRC_LEN, crc)) {
			*ret = rx_die(qp, TERM(TERM_MPA, TERM_CATASTROPHIC, TERM_MPA_CRC), NULL);
			return 0;
		}
		crc_done = true;
	}
	*ret = rx_head(qp, p, crc_done);
	return ddp_hdr_len(p);
}

static size_t rx_tail_bytes(struct iw_qp *qp, const uint8_t *p, size_t n, int *ret)
{
	struct iw_rx_state *rx = &qp->rx;
	size_t k;

	if (!rx->have && n >= rx->tail_need) {
		k = rx->tail_need;
		*ret = rx_tail(qp, p);
		return k;
	}
	k = gather(rx, rx->tail, rx->tail_need, p, n);
	*ret = rx->have == rx->tail_need ? rx_tail(qp, rx->tail) : 0;
	return k;
}

/* Take some of the @n >= 1 bytes at @p. Return: how many; *ret as iw_rx(). */
static size_t rx_step(struct iw_qp *qp, const uint8_t *p, size_t n, int *ret)
{
	struct iw_rx_state *rx = &qp->rx;
	size_t k;

	switch ((enum rx_phase)rx->phase) {
	case RX_HEAD:
		if (!rx->have && n >= DDP_UNTAGGED_LEN)
			return rx_head_batch(qp, p, n, ret);
		return rx_head_parts(qp, p, n, ret);
	case RX_PAYLOAD:
		k = min_size(n, rx->left);
		rx_place(qp, p, k, false);
		return k;
	case RX_TAIL:
		return rx_tail_bytes(qp, p, n, ret);
	case RX_DEAD:
		break;
	}
	*ret = rx->result;
	return n;
}

int iw_rx(struct iw_qp *qp, size_t direct_len, const uint8_t *p, size_t n)
{
	int r = 0;

	if (qp->rx.phase == RX_DEAD)
		return qp->rx.result;
	if (direct_len) {
		check(qp->rx.phase == RX_PAYLOAD && direct_len <= qp->rx.left);
		rx_place(qp, NULL, direct_len, true);
	}
	while (n && !r) {
		size_t k = rx_step(qp, p, n, &r);

		p += k;
		n -= k;
	}
	return r;
}

unsigned iw_rx_direct(struct iw_qp *qp, struct iovec *iov, unsigned max)
{
	const struct iw_rx_state *rx = &qp->rx;
	uint32_t left = rx->left;
	const struct iw_sqe *e;
	unsigned n = 0;

	if (rx->phase != RX_PAYLOAD || left < qp->attr.direct_threshold || !max ||
	    rx->op == RDMAP_READ_REQ || rx->op == RDMAP_TERMINATE)
		return 0;
	if (rx->dst_left) {
		iov[n++] = (struct iovec){ rx->dst, min_u32(left, rx->dst_left) };
		left -= min_u32(left, rx->dst_left);
	}
	if (rx->op != RDMAP_READ_RSP)
		return n;
	e = sqe_at(qp, qp->orq[qp->orq_head & qp->orq_mask]);
	for (uint32_t i = rx->sge; left && n < max && i < e->n_sge; i++) {
		uint32_t k = min_u32(left, e->sge[i].len);

		if (k)
			iov[n++] = (struct iovec){ e->sge[i].addr, k };
		left -= k;
	}
	return n;
}

bool iw_rx_seen(const struct iw_qp *qp)
{
	return qp->rx.seen;
}

bool iw_rx_at_boundary(const struct iw_qp *qp)
{
	return qp->rx.phase == RX_HEAD && !qp->rx.have;
}
