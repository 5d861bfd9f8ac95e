/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Two queue pairs and a wire between them, under any legal order of what their users may do: post, send in any
 * portion, take bytes in any portion, poll, grant and take away memory, give up, be destroyed at any moment.
 * The wire is honest until an event makes it not so: a byte changed, lost, put in. Checked for each side at all
 * times: each request completes exactly once and in order, no buffer changes once it came back, nothing
 * outside buffers and regions changes. While all are honest: nothing fails, and what arrives is what was
 * sent.
 *
 * Input: options (bit 0 CRC, 1-2 RTR frame, 3 small segments), then events: a byte (bit 7: which side, bits
 * 0-3 what, bits 4-6 small number) and an argument byte.
 */
#include "fuzz.h"
#include "iwarp/qp.h"

#define DEPTH    4u
#define BUF_LEN  400u
#define WIRE_MAX 16384u
#define ORD      2u
#define OPS_MAX  200u /* of one side: so a peer's memory can remember all of them */

enum buf_state {
	BUF_MINE,
	BUF_POSTED
};

/* A buffer on the heap of its own, so that any touch after its end is seen. */
struct buf {
	uint8_t *p;
	uint32_t len;
	enum buf_state state;
	uint8_t fill; /* while it is the user's: every byte of it */
};

struct op {
	enum iw_wr_op op;
	unsigned flags;
	uint32_t len;
	unsigned buf;
	uint32_t off; /* in the peer's region */
};

struct side {
	struct iw_qp qp;
	void *mem;
	bool alive;
	struct buf sbuf[DEPTH]; /* by wr_id % DEPTH */
	struct buf rbuf[DEPTH];
	uint64_t sq_posted, sq_back, rq_posted, rq_back;
	struct op ops[DEPTH];
	bool failed_once; /* a completion was not OK: from then on all are flushed */
	uint8_t *region;  /* the peer reads the first half, writes the second */
	uint8_t *shadow;  /* what the region must be while all are honest */
	uint32_t rkey;
	unsigned slot;
	bool granted;
	unsigned sends; /* to the peer that have a receive there, or had one */
	uint32_t send_len[OPS_MAX];
	unsigned n_ops;
	/* bytes on their way to this side */
	uint8_t wire[WIRE_MAX];
	size_t n_wire;
};

struct world {
	struct side s[2];
	bool honest; /* nothing happened that may make something fail */
	bool crc;
};

#define REGION_HALF ((size_t)256)

static uint8_t send_pattern(unsigned msg, size_t i)
{
	return (uint8_t)((size_t)msg * 29 + i * 5 + 1);
}

static struct side *other(struct world *w, const struct side *s)
{
	return s == &w->s[0] ? &w->s[1] : &w->s[0];
}

/* --- buffers --- */

static void buf_give_back(struct buf *b, uint8_t fill)
{
	b->state = BUF_MINE;
	b->fill = fill;
	memset(b->p, fill, b->len);
}

static void buf_take(struct buf *b, uint32_t len)
{
	check(b->state == BUF_MINE);
	for (uint32_t i = 0; i < b->len; i++) /* nobody wrote to it since it came back */
		check(b->p[i] == b->fill);
	free(b->p);
	b->p = malloc(len ? len : 1);
	check(b->p);
	b->len = len;
	memset(b->p, 0x77, len);
	b->state = BUF_POSTED;
}

static void bufs_free(struct buf *b)
{
	for (unsigned i = 0; i < DEPTH; i++) {
		if (b[i].state == BUF_MINE && b[i].p)
			for (uint32_t k = 0; k < b[i].len; k++)
				check(b[i].p[k] == b[i].fill);
		free(b[i].p);
	}
}

/* --- a side's life --- */

static void side_init(struct side *s, const struct iw_qp_attr *attr)
{
	size_t n = iw_qp_mem_size(attr);

	memset(s, 0, sizeof(*s));
	s->mem = malloc(n);
	s->region = malloc(2 * REGION_HALF);
	s->shadow = malloc(2 * REGION_HALF);
	check(s->mem && s->region && s->shadow);
	memset(s->mem, 0xa5, n);
	for (unsigned i = 0; i < 2 * REGION_HALF; i++)
		s->shadow[i] = s->region[i] = (uint8_t)(i * 3);
	check(iw_qp_init(&s->qp, attr, s->mem, n) == 0);
	check(iw_stag_add(&s->qp, s->region, 2 * REGION_HALF,
			  IW_ACCESS_REMOTE_READ | IW_ACCESS_REMOTE_WRITE, &s->rkey, &s->slot) == 0);
	s->granted = true;
	s->alive = true;
}

/* The queue pair ends when its memory is taken away; all buffers are the user's again at once. */
static void side_destroy(struct side *s)
{
	if (!s->alive)
		return;
	s->alive = false;
	free(s->mem);
	bufs_free(s->sbuf);
	bufs_free(s->rbuf);
	free(s->region);
	free(s->shadow);
}

/* --- completions --- */

/* Those in front of @until that nobody wants to hear of have completed. */
static void silent_back(struct side *s, uint64_t until)
{
	while (s->sq_back < until) {
		check(!(s->ops[s->sq_back % DEPTH].flags & IW_WR_SIGNALED) && !s->failed_once);
		buf_give_back(&s->sbuf[s->sq_back++ % DEPTH], 0xee);
	}
}

static void sent_back(struct world *w, struct side *s, const struct iw_wc *wc)
{
	struct op *o = &s->ops[wc->wr_id % DEPTH];
	struct buf *b = &s->sbuf[wc->wr_id % DEPTH];

	silent_back(s, wc->wr_id);
	check(wc->wr_id == s->sq_back && s->sq_back < s->sq_posted);
	check((unsigned)wc->op == (unsigned)o->op);
	check(wc->status != IW_WC_OK || (o->flags & IW_WR_SIGNALED));
	check(wc->status == IW_WC_OK || !s->failed_once || wc->status == IW_WC_FLUSHED);
	check(wc->status != IW_WC_OK || !s->failed_once);
	check(wc->status == IW_WC_OK || !w->honest);
	s->failed_once |= wc->status != IW_WC_OK;
	if (w->honest && o->op == IW_WR_READ)
		check(memcmp(b->p, other(w, s)->region + o->off, o->len) == 0);
	buf_give_back(b, 0xee);
	s->sq_back++;
}

static void received(struct world *w, struct side *s, const struct iw_wc *wc)
{
	struct buf *b = &s->rbuf[wc->wr_id % DEPTH];

	check(wc->wr_id == s->rq_back && s->rq_back < s->rq_posted);
	check(wc->byte_len <= b->len && (wc->status == IW_WC_OK || !wc->byte_len));
	check(wc->status == IW_WC_OK || !w->honest);
	if (w->honest) {
		check(wc->byte_len == other(w, s)->send_len[wc->wr_id]);
		for (uint32_t i = 0; i < wc->byte_len; i++)
			check(b->p[i] == send_pattern((unsigned)wc->wr_id, i));
	}
	if (wc->status == IW_WC_OK)
		for (uint32_t i = wc->byte_len; i < b->len; i++)
			check(b->p[i] == 0x77);
	buf_give_back(b, 0xdd);
	s->rq_back++;
}

static void poll_some(struct world *w, struct side *s, unsigned max)
{
	struct iw_wc wc[8];
	unsigned n = iw_poll(&s->qp, wc, max);

	check(n <= max);
	for (unsigned i = 0; i < n; i++) {
		if (wc[i].op == IW_WC_RECV)
			received(w, s, &wc[i]);
		else
			sent_back(w, s, &wc[i]);
	}
	silent_back(s, s->sq_posted - (DEPTH - iw_sq_free(&s->qp)));
}

/* --- posting --- */

static void post_recv(struct side *s, unsigned arg)
{
	struct buf *b = &s->rbuf[s->rq_posted % DEPTH];
	uint32_t len = arg & 1 ? BUF_LEN : 64;

	if (s->rq_posted >= OPS_MAX)
		return;
	if (s->rq_posted - s->rq_back == DEPTH) {
		check(iw_rq_free(&s->qp) == 0);
		check(iw_post_recv(&s->qp, 0, NULL, 0) != 0);
		return;
	}
	buf_take(b, len);
	check(iw_post_recv(&s->qp, s->rq_posted, b->p, len) == 0);
	s->rq_posted++;
}

/* A SEND is honest if its message fits in a receive that waits for it. */
static void send_fill(struct world *w, struct side *s, struct buf *b, uint32_t len)
{
	struct side *to = other(w, s);

	if (!to->alive || s->sends >= to->rq_posted || to->rq_back > s->sends ||
	    to->rbuf[s->sends % DEPTH].len < len)
		w->honest = false;
	for (uint32_t i = 0; i < len; i++)
		b->p[i] = send_pattern(s->sends, i);
	s->send_len[s->sends++] = len;
}

static void write_fill(struct world *w, struct side *s, struct buf *b, const struct op *o)
{
	struct side *to = other(w, s);

	for (uint32_t i = 0; i < o->len; i++)
		b->p[i] = (uint8_t)(s->n_ops * 11 + i);
	if (to->alive)
		memcpy(to->shadow + o->off, b->p, o->len);
}

/* Two pieces, or one, or more than are allowed. */
static unsigned pieces_of(const struct buf *b, unsigned arg, struct iw_sge *sge)
{
	uint32_t cut = b->len ? (arg * 13) % (b->len + 1) : 0;

	if (!(arg & 0x10)) {
		sge[0] = (struct iw_sge){ b->p, b->len };
		return 1;
	}
	sge[0] = (struct iw_sge){ b->p, cut };
	sge[1] = (struct iw_sge){ b->p + cut, b->len - cut };
	return 2;
}

static void post_send(struct world *w, struct side *s, unsigned arg, unsigned small)
{
	const struct op o = { .op = (enum iw_wr_op)(arg & 3),
			      .flags = arg & 4 ? IW_WR_SIGNALED : 0,
			      .len = (arg & 3) == IW_WR_MARKER ? 0 : (arg >> 3) * (small + 1),
			      .off = (arg & 3) == IW_WR_WRITE ? REGION_HALF : 0 };
	struct iw_sge sge[2];
	struct iw_wr wr = { .wr_id = s->sq_posted, .op = o.op, .flags = o.flags, .sge = sge };
	struct side *to = other(w, s);
	struct buf *b = &s->sbuf[s->sq_posted % DEPTH];

	check(o.len <= REGION_HALF);
	silent_back(s, s->sq_posted - (DEPTH - iw_sq_free(&s->qp)));
	if (s->n_ops == OPS_MAX || !iw_sq_free(&s->qp))
		return;
	check(s->sq_posted - s->sq_back < DEPTH);
	buf_take(b, o.len);
	if (o.op == IW_WR_SEND)
		send_fill(w, s, b, o.len);
	else if (o.op == IW_WR_WRITE)
		write_fill(w, s, b, &o);
	if (!to->alive || (o.len && !to->granted && (o.op == IW_WR_READ || o.op == IW_WR_WRITE)))
		w->honest = false;
	wr.n_sge = o.op == IW_WR_MARKER ? 0 : pieces_of(b, arg ^ small << 4, sge);
	wr.rkey = to->alive ? to->rkey : 0x4711;
	wr.remote_va = to->alive ? (uintptr_t)to->region + o.off : 0;
	check(iw_post_send(&s->qp, &wr) == 0);
	s->ops[s->sq_posted % DEPTH] = o;
	s->sq_posted++;
	s->n_ops++;
}

/* What the engine must refuse, and then has not taken. */
static void post_wrong(struct side *s)
{
	struct iw_sge sge[3] = { { s->region, 1 }, { s->region, 1 }, { s->region, 1 } };
	struct iw_sge huge[2] = { { s->region, UINT32_MAX }, { s->region, 1 } };
	struct iw_wr many = { .wr_id = 999, .op = IW_WR_SEND, .n_sge = 3, .sge = sge };
	struct iw_wr big = { .wr_id = 998, .op = IW_WR_SEND, .n_sge = 2, .sge = huge };
	unsigned before = iw_sq_free(&s->qp);

	check(iw_post_send(&s->qp, &many) != 0 && iw_post_send(&s->qp, &big) != 0);
	check(iw_sq_free(&s->qp) == before);
}

/* --- the wire --- */

static void wire_put(struct side *to, const uint8_t *p, size_t n)
{
	check(n <= WIRE_MAX - to->n_wire);
	memcpy(to->wire + to->n_wire, p, n);
	to->n_wire += n;
}

static void send_some(struct world *w, struct side *s, unsigned max_iov, size_t max_bytes)
{
	struct side *to = other(w, s);
	struct iovec iov[8];
	size_t bytes = 0;
	size_t left;
	unsigned n;

	max_bytes = min_size(max_bytes, WIRE_MAX - to->n_wire);
	if (!max_bytes)
		return;
	n = iw_tx(&s->qp, iov, max_iov, max_bytes, &bytes);
	check(n <= max_iov && bytes <= max_bytes && !n == !bytes);
	left = bytes > 3 && max_bytes & 1 ? bytes / 2 : bytes;
	iw_tx_done(&s->qp, 0); /* TCP took nothing the first time: the same comes again */
	for (unsigned i = 0; i < n && left; i++) {
		size_t k = min_size(iov[i].iov_len, left);

		if (to->alive)
			wire_put(to, iov[i].iov_base, k);
		left -= k;
	}
	iw_tx_done(&s->qp, bytes > 3 && max_bytes & 1 ? bytes / 2 : bytes);
}

static void take_some(struct world *w, struct side *s, size_t n, bool direct)
{
	struct iovec iov[4];
	size_t placed = 0;
	unsigned pieces;
	uint8_t *batch;
	int r;

	n = min_size(n, s->n_wire);
	pieces = direct ? iw_rx_direct(&s->qp, iov, ARRAY_SIZE(iov)) : 0;
	for (unsigned i = 0; i < pieces && placed < n; i++) {
		size_t k = min_size(n - placed, iov[i].iov_len);

		memcpy(iov[i].iov_base, s->wire + placed, k);
		placed += k;
	}
	batch = fuzz_copy(s->wire + placed, n - placed);
	r = iw_rx(&s->qp, placed, batch, n - placed);
	free(batch);
	check(!r || (!w->honest && iw_qp_failed(&s->qp) && s->qp.term.valid));
	memmove(s->wire, s->wire + n, s->n_wire - n);
	s->n_wire -= n;
}

/* The network, or a peer that is not one of ours. */
static void spoil(struct world *w, struct side *s, unsigned how, unsigned arg)
{
	/* A Terminate, right but for its CRC. */
	static const uint8_t term[28] = { 0, 22, 0x41, 0x47, [11] = 2, [15] = 1, [20] = 0x10 };

	w->honest = false;
	if (how & 1 && s->n_wire) {
		s->wire[arg % s->n_wire] ^= (uint8_t)(1u << (how >> 1 & 3) | 0x10);
	} else if (how & 4) {
		s->n_wire -= min_size(s->n_wire, arg);
	} else {
		size_t n = min_size(sizeof(term), WIRE_MAX - s->n_wire);

		wire_put(s, term, arg & 1 ? n : min_size(n, arg % sizeof(term)));
	}
}

/* --- memory --- */

static void regrant(struct world *w, struct side *s)
{
	struct side *peer = other(w, s);

	if (s->granted) {
		iw_stag_del(&s->qp, s->slot);
		/* The peer may be about to use it. */
		if (peer->alive && (peer->sq_posted != peer->sq_back || s->n_wire || peer->n_wire))
			w->honest = false;
	} else {
		check(iw_stag_add(&s->qp, s->region, 2 * REGION_HALF,
				  IW_ACCESS_REMOTE_READ | IW_ACCESS_REMOTE_WRITE, &s->rkey,
				  &s->slot) == 0);
	}
	s->granted = !s->granted;
}

/* The half that the peer only reads never changes; the other one only while it is granted. */
static void judge_region(const struct world *w, const struct side *s)
{
	if (!s->alive)
		return;
	for (unsigned i = 0; i < REGION_HALF; i++)
		check(s->region[i] == (uint8_t)(i * 3) || !w->honest);
}

/* --- events --- */

static void happen(struct world *w, uint8_t what, uint8_t arg)
{
	struct side *s = &w->s[what >> 7];
	unsigned small = what >> 4 & 7;

	if (!s->alive)
		return;
	switch (what & 15) {
	case 0:
	case 1:
		post_send(w, s, arg, small);
		break;
	case 2:
		post_recv(s, arg);
		break;
	case 3:
		post_wrong(s);
		break;
	case 4:
	case 5:
		send_some(w, s, 1 + small, 1 + arg * (small + 1u));
		break;
	case 6:
	case 7:
		take_some(w, s, 1 + arg, what & 1);
		break;
	case 8:
	case 9:
		poll_some(w, s, 1 + small);
		break;
	case 10:
		regrant(w, s);
		break;
	case 11:
		spoil(w, s, small, arg);
		break;
	case 12:
		w->honest = false;
		iw_qp_error(&s->qp, arg & 1 ? IW_WC_TRANSPORT : IW_WC_FLUSHED);
		break;
	case 13:
		w->honest = false;
		iw_qp_terminate(&s->qp, 2, 0, 5);
		break;
	case 14: /* nothing is torn down by accident: only with this argument */
		if (arg == 0xdd) {
			w->honest = false;
			side_destroy(s);
		}
		break;
	default:
		check(iw_sq_free(&s->qp) <= DEPTH && iw_rq_free(&s->qp) <= DEPTH);
		(void)iw_rx_at_boundary(&s->qp);
	}
}

static bool quiet(const struct world *w)
{
	for (unsigned i = 0; i < 2; i++)
		if (w->s[i].n_wire || iw_tx_pending(&w->s[i].qp))
			return false;
	return true;
}

/* With an honest wire everything gets through in the end, if only the responder has been spoken to. */
static void settle(struct world *w)
{
	/* Reads go one way and then the other, two at a time. */
	for (unsigned turn = 0; turn < 8 || (turn < 600 && !quiet(w)); turn++) {
		for (unsigned i = 0; i < 2; i++) {
			send_some(w, &w->s[i], 8, 4096);
			take_some(w, &w->s[!i], WIRE_MAX, true);
			poll_some(w, &w->s[i], 8);
		}
	}
	check(quiet(w));
	for (unsigned i = 0; i < 2; i++) {
		struct side *s = &w->s[i];
		struct side *to = &w->s[!i];

		check(iw_rx_at_boundary(&s->qp));
		if (s->qp.attr.responder && !iw_rx_seen(&s->qp))
			continue; /* it may not speak yet */
		check(iw_sq_idle(&s->qp) && iw_sq_free(&s->qp) == DEPTH);
		check(to->rq_back == s->sends);
		check(memcmp(to->region, to->shadow, 2 * REGION_HALF) == 0);
	}
}

static void finish(struct world *w)
{
	if (w->honest)
		settle(w);
	w->honest = false;
	for (unsigned i = 0; i < 2; i++) {
		struct side *s = &w->s[i];

		if (!s->alive)
			continue;
		iw_qp_error(&s->qp, IW_WC_FLUSHED);
		for (unsigned k = 0; k < 2 * DEPTH; k++)
			poll_some(w, s, 1);
		check(iw_sq_free(&s->qp) == DEPTH && iw_rq_free(&s->qp) == DEPTH);
		check(s->sq_back == s->sq_posted && s->rq_back == s->rq_posted);
		side_destroy(s);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct world w;
	struct iw_qp_attr attr = { .sq_depth = DEPTH,
				   .rq_depth = DEPTH,
				   .max_sge = 2,
				   .ord = ORD,
				   .ird = ORD,
				   .n_stags = 1,
				   .direct_threshold = 16 };

	if (!len)
		return 0;
	attr.crc = data[0] & 1;
	attr.rtr = (enum mpa_rtr)(data[0] >> 1 & 3);
	attr.max_payload = data[0] & 8 ? 24 : 4096;
	w.honest = true;
	side_init(&w.s[0], &attr);
	attr.responder = true;
	attr.stag_seed = 0x123456;
	side_init(&w.s[1], &attr);
	for (size_t i = 1; i + 2 <= len && i < 3000; i += 2) {
		happen(&w, data[i], data[i + 1]);
		judge_region(&w, &w.s[0]);
		judge_region(&w, &w.s[1]);
	}
	finish(&w);
	return 0;
}
