/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Segments made by hand against one queue pair: what is accepted, what is refused and with which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "iwarp/test_pair.h"
#include "wire/crc32c.h"
#include "wire/rdmap.h"

#define MEM_LEN  256u
#define RECV_LEN 64u
#define SINK_LEN 16u

/* STags the queue pair gives: first use of slots 0 and 1, and its first READ sink. */
#define STAG_R    0x00000001u
#define STAG_W    0x00000101u
#define STAG_SINK 0x80000001u

/* In struct fseg.to: an offset in the region the STag names. */
#define TO(off)  (uint64_t)(off), true
#define ABS(off) (uint64_t)(off), false

/* A segment to be sent to the queue pair. */
struct fseg {
	uint8_t ddp, rdmap; /* control bytes */
	uint32_t len;       /* payload */
	uint32_t stag;
	uint64_t to;
	bool in_region; /* @to counts from the region's beginning */
	uint32_t qn, msn, mo;
	struct {
		uint32_t stag;
		uint64_t to;
		bool in_region;
		uint32_t len;
	} rr;           /* Read Request */
	int ulpdu_less; /* the length field says so much less */
	bool bad_crc;
};

struct bed {
	struct side s;
	uint8_t mem_r[MEM_LEN], mem_w[MEM_LEN];
	uint8_t recv[2][RECV_LEN];
	uint8_t sink[SINK_LEN];
	bool crc;
};

static void bed_init(struct bed *b, bool crc, bool responder)
{
	struct iw_qp_attr attr = { .sq_depth = 4,
				   .rq_depth = 4,
				   .max_sge = 3,
				   .ord = 1,
				   .ird = 2,
				   .n_stags = 4,
				   .crc = crc,
				   .responder = responder,
				   .max_payload = 1024 };
	struct iw_sge sge[3] = { { b->sink, 5 }, { b->sink, 0 }, { b->sink + 5, SINK_LEN - 5 } };
	struct iw_wr read = { .wr_id = 100,
			      .op = IW_WR_READ,
			      .flags = IW_WR_SIGNALED,
			      .n_sge = 3,
			      .sge = sge,
			      .rkey = 9 };
	struct iovec iov[4];
	uint32_t rkey;
	unsigned slot;
	size_t n;

	memset(b, 0x5a, sizeof(*b));
	b->crc = crc;
	side_init(&b->s, &attr);
	assert_int_equal(
		iw_stag_add(&b->s.qp, b->mem_r, MEM_LEN, IW_ACCESS_REMOTE_READ, &rkey, &slot), 0);
	assert_int_equal(rkey, STAG_R);
	assert_int_equal(
		iw_stag_add(&b->s.qp, b->mem_w, MEM_LEN, IW_ACCESS_REMOTE_WRITE, &rkey, &slot), 0);
	assert_int_equal(rkey, STAG_W);
	iw_post_recv(&b->s.qp, 1, b->recv[0], RECV_LEN);
	iw_post_recv(&b->s.qp, 2, b->recv[1], RECV_LEN);
	if (responder)
		return;
	assert_int_equal(iw_post_send(&b->s.qp, &read), 0);
	assert_int_equal(iw_tx(&b->s.qp, iov, 4, 1000, &n), 1);
	iw_tx_done(&b->s.qp, n);
}

static void bed_deinit(struct bed *b)
{
	side_deinit(&b->s);
}

static uint64_t place(const struct bed *b, uint32_t stag, uint64_t to, bool in_region)
{
	const uint8_t *base = (stag & ~0xffu) == (STAG_W & ~0xffu) ? b->mem_w : b->mem_r;

	return in_region ? (uintptr_t)base + to : to;
}

/* Write the FPDU of @f to @p. Return: its length. */
static size_t build(const struct bed *b, const struct fseg *f, uint8_t *p)
{
	bool tagged = f->ddp & DDP_CTL_T;
	size_t hl = tagged ? DDP_TAGGED_LEN : DDP_UNTAGGED_LEN;
	size_t n = hl + f->len;
	bool rr = (f->rdmap & 15) == RDMAP_READ_REQ;

	p[2] = f->ddp;
	p[3] = f->rdmap;
	put_be32(p + 4, f->stag);
	if (tagged) {
		put_be64(p + 8, place(b, f->stag, f->to, f->in_region));
	} else {
		put_be32(p + 8, f->qn);
		put_be32(p + 12, f->msn);
		put_be32(p + 16, f->mo);
	}
	for (size_t i = 0; i < f->len; i++)
		p[hl + i] = (uint8_t)(0xc0 + i + f->mo);
	if (rr && f->len >= RDMAP_READ_REQ_LEN) {
		struct rdmap_read_req r = { .sink_stag = 7, .sink_to = 70, .len = f->rr.len };
		struct pen w = pen_of(p + hl, RDMAP_READ_REQ_LEN);

		r.src_stag = f->rr.stag;
		r.src_to = place(b, f->rr.stag, f->rr.to, f->rr.in_region);
		rdmap_read_req_encode(&w, &r);
	}
	put_be16(p, (uint16_t)((int)n - 2 - f->ulpdu_less));
	while (n % 4)
		p[n++] = 0;
	memset(p + n, 0, 4);
	if (b->crc)
		crc32c_put(p + n, crc32c_update(CRC32C_INIT, p, n));
	if (f->bad_crc)
		p[n] ^= 1;
	return n + 4;
}

/* How the stream is cut: 0 not at all, else pieces of so many bytes. */
static int feed(struct bed *b, const uint8_t *p, size_t n, size_t cut)
{
	int r = 0;

	if (!cut)
		return side_feed(&b->s, p, n, false);
	for (size_t at = 0; at < n && !r; at += cut)
		r = side_feed(&b->s, p + at, min_size(cut, n - at), true);
	return r;
}

#define L   0x40
#define UN  0x01
#define TG  0x81
#define OP  0x40
#define WR  (OP | RDMAP_WRITE)
#define RQ  (OP | RDMAP_READ_REQ)
#define RS  (OP | RDMAP_READ_RSP)
#define SND (OP | RDMAP_SEND)
#define INV (OP | RDMAP_SEND_INV)
#define TRM (OP | RDMAP_TERMINATE)

struct row {
	const char *what;
	struct fseg seg[3]; /* the last one that is not empty is the one judged */
	int layer, type, code;
	bool crc_only;
};

#define SEND(msn_, mo_, len_, l_)                                                    \
	{                                                                            \
		(uint8_t)(UN | (l_)), SND, .len = (len_), .msn = (msn_), .mo = (mo_) \
	}
#define WRITE(stag_, to_, len_, l_)                            \
	{                                                      \
		(uint8_t)(TG | (l_)), WR, (len_), (stag_), to_ \
	}
#define RSP(stag_, to_, len_, l_)                                       \
	{                                                               \
		(uint8_t)(TG | (l_)), RS, (len_), (stag_), (to_), false \
	}
#define REQ(msn_, stag_, to_, len_)                                                          \
	{                                                                                    \
		UN | L, RQ, .len = 28, .qn = 1, .msn = (msn_), .rr = {(stag_), to_, (len_) } \
	}

static const struct row rows[] = {
	/* lengths and CRC */
	{ "no header at all", { { UN | L, SND, .msn = 1, .ulpdu_less = 18 } }, 2, 0, 3, 0 },
	{ "tagged header too short", { { TG | L, WR, .ulpdu_less = 1 } }, 2, 0, 3, 0 },
	{ "untagged header too short", { { UN | L, SND, .msn = 1, .ulpdu_less = 1 } }, 2, 0, 3, 0 },
	{ "read request too short", { { UN | L, RQ, .len = 27, .qn = 1, .msn = 1 } }, 2, 0, 3, 0 },
	{ "terminate too short", { { UN | L, TRM, .len = 3, .qn = 2, .msn = 1 } }, 2, 0, 3, 0 },
	{ "crc, with payload",
	  { { UN | L, SND, .len = 5, .msn = 1, .bad_crc = true } },
	  2,
	  0,
	  2,
	  1 },
	{ "crc, without payload", { { TG | L, WR, .bad_crc = true } }, 2, 0, 2, 1 },
	{ "crc, read response", { { TG | L, RS, 16, STAG_SINK, .bad_crc = true } }, 2, 0, 2, 1 },
	/* versions and opcodes */
	{ "ddp version, tagged", { { 0x82 | L, WR } }, 1, 1, 4, 0 },
	{ "ddp version, untagged", { { 0x00 | L, SND, .msn = 1 } }, 1, 2, 6, 0 },
	{ "rdmap version", { { UN | L, RDMAP_SEND, .msn = 1 } }, 0, 2, 5, 0 },
	{ "rdmap version 3", { { UN | L, 0xc0 | RDMAP_SEND, .msn = 1 } }, 0, 2, 5, 0 },
	{ "opcode 8", { { UN | L, OP | 8, .msn = 1 } }, 0, 2, 6, 0 },
	{ "opcode 15, tagged", { { TG | L, OP | 15 } }, 0, 2, 6, 0 },
	{ "tagged send", { { TG | L, SND, 4 } }, 0, 2, 6, 0 },
	{ "untagged write", { { UN | L, WR, .msn = 1 } }, 0, 2, 6, 0 },
	{ "untagged read response", { { UN | L, RS, .msn = 1 } }, 0, 2, 6, 0 },
	/* untagged numbering */
	{ "send on queue 1", { { UN | L, SND, .qn = 1, .msn = 1 } }, 1, 2, 1, 0 },
	{ "read request on queue 0", { { UN | L, RQ, .len = 28, .msn = 1 } }, 1, 2, 1, 0 },
	{ "terminate on queue 0", { { UN | L, TRM, .len = 4, .msn = 1 } }, 1, 2, 1, 0 },
	{ "first msn 0", { SEND(0, 0, 4, L) }, 1, 2, 3, 0 },
	{ "first msn 2", { SEND(2, 0, 4, L) }, 1, 2, 3, 0 },
	{ "msn repeated", { SEND(1, 0, 4, L), SEND(1, 0, 4, L) }, 1, 2, 3, 0 },
	{ "read request msn 2", { REQ(2, STAG_R, TO(0), 4) }, 1, 2, 3, 0 },
	{ "terminate msn 2", { { UN | L, TRM, .len = 4, .qn = 2, .msn = 2 } }, 1, 2, 3, 0 },
	{ "first mo 4", { SEND(1, 4, 4, L) }, 1, 2, 4, 0 },
	{ "mo hole", { SEND(1, 0, 4, 0), SEND(1, 8, 4, L) }, 1, 2, 4, 0 },
	{ "mo again", { SEND(1, 0, 4, 0), SEND(1, 0, 4, L) }, 1, 2, 4, 0 },
	{ "read request mo",
	  { { UN | L, RQ, .len = 28, .qn = 1, .msn = 1, .mo = 4 } },
	  1,
	  2,
	  4,
	  0 },
	{ "next send before the end of the first",
	  { SEND(1, 0, 4, 0), SEND(2, 0, 4, L) },
	  1,
	  2,
	  3,
	  0 },
	{ "opcode changes within a message",
	  { SEND(1, 0, 4, 0), { UN | L, INV, 4, STAG_W, .msn = 1, .mo = 4 } },
	  0,
	  2,
	  6,
	  0 },
	{ "read request within a send",
	  { SEND(1, 0, 4, 0), REQ(1, STAG_R, TO(0), 4) },
	  0,
	  2,
	  7,
	  0 },
	/* receives */
	{ "no buffer", { SEND(1, 0, 4, L), SEND(2, 0, 4, L), SEND(3, 0, 4, L) }, 1, 2, 2, 0 },
	{ "no buffer, empty send",
	  { SEND(1, 0, 0, L), SEND(2, 0, 0, L), SEND(3, 0, 0, L) },
	  1,
	  2,
	  2,
	  0 },
	{ "longer than the receive", { SEND(1, 0, RECV_LEN + 1, L) }, 1, 2, 5, 0 },
	{ "second segment too long",
	  { SEND(1, 0, RECV_LEN, 0), SEND(1, RECV_LEN, 1, L) },
	  1,
	  2,
	  5,
	  0 },
	/* writes */
	{ "write, guessed stag", { WRITE(0x00000201, TO(0), 4, L) }, 1, 1, 0, 0 },
	{ "write, stag of the far end of the table",
	  { WRITE(0x7fffff01, TO(0), 4, L) },
	  1,
	  1,
	  0,
	  0 },
	{ "write, other key", { WRITE(STAG_W + 1, TO(0), 4, L) }, 1, 1, 0, 0 },
	{ "write to a sink", { WRITE(STAG_SINK, ABS(0), 4, L) }, 1, 1, 0, 0 },
	{ "write without the right", { WRITE(STAG_R, TO(0), 4, L) }, 1, 1, 0, 0 },
	{ "write before the region", { WRITE(STAG_W, TO(-1), 4, L) }, 1, 1, 1, 0 },
	{ "write over its end", { WRITE(STAG_W, TO(MEM_LEN - 3), 4, L) }, 1, 1, 1, 0 },
	{ "write behind it", { WRITE(STAG_W, TO(MEM_LEN), 1, L) }, 1, 1, 1, 0 },
	{ "write wraps", { { TG | L, WR, 8, STAG_W, UINT64_MAX - 3, false } }, 1, 1, 3, 0 },
	{ "write goes on with another stag",
	  { WRITE(STAG_W, TO(0), 4, 0), WRITE(STAG_R, TO(4), 4, L) },
	  1,
	  1,
	  0,
	  0 },
	{ "write goes on elsewhere",
	  { WRITE(STAG_W, TO(0), 4, 0), WRITE(STAG_W, TO(8), 4, L) },
	  1,
	  1,
	  1,
	  0 },
	{ "empty write opens, then a guess",
	  { WRITE(0x201, TO(0), 0, 0), WRITE(0x201, TO(0), 4, L) },
	  1,
	  1,
	  0,
	  0 },
	{ "read response within a write",
	  { WRITE(STAG_W, TO(0), 4, 0), RSP(STAG_SINK, 0, 16, L) },
	  0,
	  2,
	  7,
	  0 },
	{ "write within a read response",
	  { RSP(STAG_SINK, 0, 8, 0), WRITE(STAG_W, TO(0), 4, L) },
	  0,
	  2,
	  7,
	  0 },
	/* reads of the peer */
	{ "a read too many",
	  { REQ(1, STAG_R, TO(0), 4), REQ(2, STAG_R, TO(0), 4), REQ(3, STAG_R, TO(0), 4) },
	  0,
	  2,
	  7,
	  0 },
	{ "read, guessed stag", { REQ(1, 0x201, TO(0), 4) }, 0, 1, 0, 0 },
	{ "read, other key", { REQ(1, STAG_R + 1, TO(0), 4) }, 0, 1, 0, 0 },
	{ "read over the end", { REQ(1, STAG_R, TO(1), MEM_LEN) }, 0, 1, 1, 0 },
	{ "read before", { REQ(1, STAG_R, TO(-1), 4) }, 0, 1, 1, 0 },
	{ "read without the right", { REQ(1, STAG_W, TO(0), 4) }, 0, 1, 2, 0 },
	{ "read wraps",
	  { { UN | L, RQ, .len = 28, .qn = 1, .msn = 1,
	      .rr = { STAG_R, UINT64_MAX - 1, false, 4 } } },
	  0,
	  1,
	  4,
	  0 },
	{ "read request with payload",
	  { { UN | L, RQ, .len = 32, .qn = 1, .msn = 1 } },
	  1,
	  2,
	  5,
	  0 },
	{ "read request in parts", { { UN, RQ, .len = 28, .qn = 1, .msn = 1 } }, 1, 2, 5, 0 },
	/* our reads */
	{ "response, guessed stag", { RSP(STAG_SINK + 1, 0, 16, L) }, 1, 1, 0, 0 },
	{ "response, stag of a region", { RSP(STAG_W, 0, 16, L) }, 1, 1, 0, 0 },
	{ "response at another place", { RSP(STAG_SINK, 1, 15, L) }, 1, 1, 1, 0 },
	{ "response too long", { RSP(STAG_SINK, 0, 17, L) }, 1, 1, 1, 0 },
	{ "response too short", { RSP(STAG_SINK, 0, 15, L) }, 1, 1, 1, 0 },
	{ "response does not end", { RSP(STAG_SINK, 0, 16, 0) }, 1, 1, 1, 0 },
	{ "response again", { RSP(STAG_SINK, 0, 8, 0), RSP(STAG_SINK, 0, 8, L) }, 1, 1, 1, 0 },
	{ "response without request",
	  { RSP(STAG_SINK, 0, 16, L), RSP(STAG_SINK, 0, 0, L) },
	  1,
	  0,
	  0,
	  0 },
	/* invalidation */
	{ "invalidate a guess", { { UN | L, INV, 4, 0x201, .msn = 1 } }, 0, 2, 9, 0 },
	{ "write after invalidation",
	  { { UN | L, INV, 4, STAG_W, .msn = 1 }, WRITE(STAG_W, TO(0), 4, L) },
	  1,
	  1,
	  0,
	  0 },
	{ "read after invalidation",
	  { { UN | L, INV, 4, STAG_R, .msn = 1 }, REQ(1, STAG_R, TO(0), 4) },
	  0,
	  1,
	  0,
	  0 },
};

static bool seg_empty(const struct fseg *f)
{
	return !f->ddp && !f->rdmap;
}

/* The Terminate that the queue pair has made: right FPDU, right words, and the header of the culprit. */
static void expect_terminate(struct bed *b, const struct row *row, const uint8_t *culprit)
{
	struct iovec iov[2];
	struct ddp_hdr h;
	const uint8_t *p;
	size_t n = 0;

	assert_true(iw_tx_pending(&b->s.qp));
	assert_int_equal(iw_tx(&b->s.qp, iov, 2, 1000, &n), 1);
	p = iov[0].iov_base;
	h = ddp_hdr_get(p);
	assert_int_equal(n, fpdu_len(h.ulpdu_len));
	assert_int_equal(h.rdmap_ctl, TRM);
	assert_int_equal(h.ddp_ctl, UN | L);
	assert_true(h.qn == 2 && h.msn == 1 && h.mo == 0);
	assert_int_equal(p[20], row->layer << 4 | row->type);
	assert_int_equal(p[21], row->code);
	if (p[22] & TERM_HAS_DDP)
		assert_memory_equal(p + 24, culprit, ddp_hdr_len(culprit));
	if (p[22] & TERM_HAS_READ)
		assert_memory_equal(p + 24 + 20, culprit + 20, RDMAP_READ_REQ_LEN);
	if (b->crc)
		assert_true(crc32c_fits(p + n - 4, crc32c_update(CRC32C_INIT, p, n - 4)));
	else
		assert_int_equal(get_be32(p + n - 4), 0);
	iw_tx_done(&b->s.qp, n);
	assert_false(iw_tx_pending(&b->s.qp));
}

static bool untouched(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != 0x5a)
			return false;
	return true;
}

/* Nothing of a refused first segment has reached any memory. */
static void expect_untouched(const struct bed *b)
{
	assert_true(untouched(b->mem_r, MEM_LEN) && untouched(b->mem_w, MEM_LEN));
	assert_true(untouched(b->recv[0], RECV_LEN) && untouched(b->recv[1], RECV_LEN));
	assert_true(untouched(b->sink, SINK_LEN));
}

static void run_row(const struct row *row, bool crc, size_t cut)
{
	uint8_t buf[512];
	struct bed b;
	unsigned last = 0;
	struct iw_wc wc[8];
	int r = 0;
	unsigned n;

	bed_init(&b, crc, false);
	while (last < 2 && !seg_empty(&row->seg[last + 1]))
		last++;
	for (unsigned i = 0; i <= last; i++) {
		size_t len = build(&b, &row->seg[i], buf);

		assert_int_equal(r, 0);
		assert_false(iw_qp_failed(&b.s.qp));
		r = feed(&b, buf, len, cut);
	}
	if (r != IW_E_TERMINATE)
		print_error("row '%s', crc %d, cut %zu\n", row->what, crc, cut);
	assert_int_equal(r, IW_E_TERMINATE);
	assert_true(iw_qp_failed(&b.s.qp) && b.s.qp.term.valid && !b.s.qp.term.from_peer);
	if (b.s.qp.term.layer != row->layer || b.s.qp.term.type != row->type ||
	    b.s.qp.term.code != row->code)
		print_error("row '%s', crc %d, cut %zu: %s\n", row->what, crc, cut,
			    iw_term_text(&b.s.qp.term));
	assert_int_equal(b.s.qp.term.layer, row->layer);
	assert_int_equal(b.s.qp.term.type, row->type);
	assert_int_equal(b.s.qp.term.code, row->code);
	assert_null(strstr(iw_term_text(&b.s.qp.term), "unknown"));
	/* A Send that cannot invalidate is found out at its end: its receive has been written, and flushed. */
	if (last == 0 && !row->crc_only && row->seg[0].rdmap != INV)
		expect_untouched(&b);
	assert_int_equal(iw_rx(&b.s.qp, 0, buf, 20), IW_E_TERMINATE);
	n = iw_poll(&b.s.qp, wc, 8);
	assert_int_equal(n, 3); /* a READ and two receives */
	expect_terminate(&b, row, buf);
	bed_deinit(&b);
}

static void test_every_refusal(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (size_t cut = 0; cut < 24; cut++) {
			run_row(&rows[i], true, cut);
			if (!rows[i].crc_only)
				run_row(&rows[i], false, cut);
		}
	}
}

/* What must be accepted although it looks odd. */
static void test_accepted(void **state)
{
	static const struct fseg ok[][3] = {
		{ WRITE(0xdeadbeef, ABS(5), 0, L), WRITE(0, ABS(0), 0, L) },
		{ WRITE(STAG_W, TO(0), 4, 0), SEND(1, 0, 4, L), WRITE(STAG_W, TO(4), 4, L) },
		{ WRITE(STAG_W, TO(MEM_LEN - 4), 4, L), WRITE(STAG_W, TO(0), MEM_LEN, L) },
		{ RSP(STAG_SINK, 0, 4, 0), SEND(1, 0, 9, 0), RSP(STAG_SINK, 4, 12, L) },
		{ SEND(1, 0, 0, 0), SEND(1, 0, RECV_LEN, 0), SEND(1, RECV_LEN, 0, L) },
		{ REQ(1, 0x77777777, ABS(3), 0), REQ(2, STAG_R, TO(0), MEM_LEN) },
		{ { UN | L, INV, 4, STAG_W, .msn = 1 }, { UN | L, INV, 4, STAG_W, .msn = 2 } },
		{ { 0x3c | UN | L, 0x30 | SND, 4, .msn = 1 } }, /* reserved bits */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ok); i++) {
		for (size_t cut = 0; cut < 12; cut++) {
			struct bed b;
			uint8_t buf[512];

			bed_init(&b, cut & 1, false);
			for (unsigned k = 0; k < 3 && !seg_empty(&ok[i][k]); k++) {
				size_t len = build(&b, &ok[i][k], buf);

				assert_int_equal(feed(&b, buf, len, cut), 0);
				assert_true(iw_rx_at_boundary(&b.s.qp));
			}
			assert_false(iw_qp_failed(&b.s.qp));
			bed_deinit(&b);
		}
	}
}

static void test_message_too_long_is_the_receives_own_error(void **state)
{
	static const struct fseg f = SEND(1, 0, RECV_LEN + 1, L);
	uint8_t buf[512];
	struct iw_wc wc[8];
	struct bed b;

	(void)state;
	bed_init(&b, false, false);
	assert_int_equal(feed(&b, buf, build(&b, &f, buf), 0), IW_E_TERMINATE);
	assert_int_equal(iw_poll(&b.s.qp, wc, 8), 3);
	assert_true(wc[0].wr_id == 100 && wc[0].op == IW_WC_READ && wc[0].status == IW_WC_FLUSHED);
	assert_true(wc[1].wr_id == 1 && wc[1].op == IW_WC_RECV && wc[1].status == IW_WC_LOCAL);
	assert_true(wc[2].wr_id == 2 && wc[2].status == IW_WC_FLUSHED);
	bed_deinit(&b);
}

/* A Terminate ends all, is not answered, and blames the READ it is about. */
/* The receive that was posted last is taken, but not before one that a Send has begun to fill. */
static void test_any_receive(void **state)
{
	static const struct fseg f[] = { SEND(1, 0, 4, L), SEND(2, 0, 4, 0), SEND(2, 4, 4, L),
					 SEND(3, 0, 4, L) };
	static const uint64_t taken[] = { 2, 3, 1 };
	uint8_t buf[512];
	struct iw_wc wc[8];
	struct bed b;
	unsigned n = 0;

	(void)state;
	bed_init(&b, false, true);
	b.s.qp.attr.any_recv = true;
	/* The first two were posted in order; the third comes in front of them. */
	assert_int_equal(iw_post_recv(&b.s.qp, 2, b.recv[0], RECV_LEN), 0);
	for (size_t i = 0; i < ARRAY_SIZE(f); i++) {
		assert_int_equal(feed(&b, buf, build(&b, &f[i], buf), 0), 0);
		if (iw_poll(&b.s.qp, wc, 8)) {
			assert_int_equal(wc[0].wr_id, taken[n++]);
			if (n == 1)
				assert_int_equal(iw_post_recv(&b.s.qp, 3, b.recv[0], RECV_LEN), 0);
		} else {
			/* in the middle of the second Send: this one has to stand behind */
			assert_int_equal(iw_post_recv(&b.s.qp, 4, b.recv[1], RECV_LEN), 0);
		}
	}
	assert_int_equal(n, ARRAY_SIZE(taken));
	iw_qp_error(&b.s.qp, IW_WC_FLUSHED);
	assert_int_equal(iw_poll(&b.s.qp, wc, 8), 2);
	assert_true(wc[0].wr_id == 2 && wc[1].wr_id == 4);
	bed_deinit(&b);
}

static void test_terminate_of_the_peer(void **state)
{
	static const struct fseg f = { UN | L, TRM, .len = 4, .qn = 2, .msn = 1 };
	uint8_t buf[512];
	struct iw_wc wc[8];
	struct bed b;
	size_t n;

	(void)state;
	for (size_t cut = 0; cut < 5; cut++) {
		bed_init(&b, false, false);
		n = build(&b, &f, buf);
		buf[20] = 0x01; /* RDMAP, remote protection, bounds */
		buf[21] = 0x01;
		assert_int_equal(feed(&b, buf, n, cut), IW_E_PEER_TERMINATE);
		assert_true(b.s.qp.term.valid && b.s.qp.term.from_peer);
		assert_string_equal(iw_term_text(&b.s.qp.term), "RDMAP: outside the memory region");
		assert_false(iw_tx_pending(&b.s.qp));
		assert_int_equal(iw_poll(&b.s.qp, wc, 8), 3);
		assert_true(wc[0].wr_id == 100 && wc[0].status == IW_WC_REMOTE);
		assert_true(wc[1].status == IW_WC_FLUSHED && wc[2].status == IW_WC_FLUSHED);
		assert_int_equal(feed(&b, buf, n, cut), IW_E_PEER_TERMINATE);
		bed_deinit(&b);
	}
}

/* A Terminate that carries headers: more body than we read. */
static void test_terminate_with_headers(void **state)
{
	static const struct fseg f = { UN | L, TRM, .len = RDMAP_TERM_MAX, .qn = 2, .msn = 1 };
	uint8_t buf[512];
	struct bed b;

	(void)state;
	bed_init(&b, true, false);
	assert_int_equal(feed(&b, buf, build(&b, &f, buf), 7), IW_E_PEER_TERMINATE);
	bed_deinit(&b);
}

static void test_responder_waits_for_the_first_fpdu(void **state)
{
	static const struct fseg first = SEND(1, 0, 4, L);
	struct iw_sge sge = { (char[4]){ "abc" }, 4 };
	struct iw_wr wr = { .op = IW_WR_SEND, .flags = IW_WR_SIGNALED, .n_sge = 1, .sge = &sge };
	uint8_t buf[512];
	struct iovec iov[4];
	struct bed b;
	size_t n = 99;
	size_t len;

	(void)state;
	bed_init(&b, true, true);
	assert_int_equal(iw_post_send(&b.s.qp, &wr), 0);
	len = build(&b, &first, buf);
	for (size_t i = 0; i < len; i++) {
		assert_false(iw_tx_pending(&b.s.qp));
		assert_false(iw_rx_seen(&b.s.qp));
		assert_int_equal(iw_tx(&b.s.qp, iov, 4, 1000, &n), 0);
		assert_int_equal(n, 0);
		assert_int_equal(feed(&b, buf + i, 1, 1), 0);
		assert_int_equal(iw_rx_at_boundary(&b.s.qp), i == len - 1);
	}
	assert_true(iw_rx_seen(&b.s.qp));
	assert_true(iw_tx_pending(&b.s.qp));
	assert_int_equal(iw_tx(&b.s.qp, iov, 4, 1000, &n), 1);
	assert_int_equal(n, 28);
	bed_deinit(&b);
}

/* A Terminate of our own must not be the responder's first word, nor leave anything unflushed. */
static void test_responder_terminate_is_held_back(void **state)
{
	struct iw_wc wc[8];
	struct iovec iov[4];
	struct bed b;
	size_t n;

	(void)state;
	bed_init(&b, true, true);
	iw_qp_terminate(&b.s.qp, 2, 0, 6);
	assert_int_equal(iw_tx(&b.s.qp, iov, 4, 1000, &n), 0);
	assert_int_equal(iw_poll(&b.s.qp, wc, 8), 2);
	bed_deinit(&b);
}

static void test_invalidated_region_with_a_read_in_progress(void **state)
{
	static const struct fseg req = REQ(1, STAG_R, TO(0), MEM_LEN);
	static const struct fseg inv = { UN | L, INV, 4, STAG_R, .msn = 1 };
	uint8_t buf[512];
	struct iovec iov[4];
	struct bed b;
	size_t n;

	(void)state;
	for (int staged = 0; staged < 2; staged++) {
		bed_init(&b, false, false);
		b.s.qp.attr.max_payload = 1024;
		assert_int_equal(feed(&b, buf, build(&b, &req, buf), 0), 0);
		if (staged)
			assert_true(iw_tx(&b.s.qp, iov, 4, 1000, &n) > 0);
		if (staged)
			assert_int_equal(n, 16 + MEM_LEN + 4);
		assert_int_equal(feed(&b, buf, build(&b, &inv, buf), 0),
				 staged ? 0 : IW_E_TERMINATE);
		bed_deinit(&b);
	}
}

static void test_region_deleted_under_a_write(void **state)
{
	static const struct fseg f = WRITE(STAG_W, TO(0), 64, L);
	uint8_t buf[512];
	struct bed b;
	size_t len;

	(void)state;
	bed_init(&b, false, false);
	len = build(&b, &f, buf);
	assert_int_equal(feed(&b, buf, 30, 0), 0);
	iw_stag_del(&b.s.qp, 1);
	assert_true(iw_qp_failed(&b.s.qp));
	memset(b.mem_w, 0x5a, MEM_LEN);
	assert_int_equal(feed(&b, buf + 30, len - 30, 1), IW_E_TERMINATE);
	assert_true(untouched(b.mem_w, MEM_LEN));
	bed_deinit(&b);
}

static void test_keys_change_on_reuse(void **state)
{
	struct iw_qp_attr attr = { .sq_depth = 1,
				   .rq_depth = 1,
				   .max_sge = 1,
				   .n_stags = 2,
				   .max_payload = 4,
				   .stag_seed = 0x12345678 };
	uint32_t old[2] = { 0, 0 };
	struct side s;
	uint8_t byte;

	(void)state;
	side_init(&s, &attr);
	for (unsigned i = 0; i < 1000; i++) {
		unsigned slot, other;
		uint32_t rkey, rkey2;

		assert_int_equal(iw_stag_add(&s.qp, &byte, 1, 1, &rkey, &slot), 0);
		assert_int_equal(iw_stag_add(&s.qp, &byte, 1, 1, &rkey2, &other), 0);
		assert_int_equal(iw_stag_add(&s.qp, &byte, 1, 1, &rkey2, &other), -ENOSPC);
		assert_true(slot < 2 && other < 2 && slot != other && rkey != rkey2);
		assert_true((rkey & 0xff) != (old[slot] & 0xff) || !i);
		assert_false(rkey >> 31);
		old[slot] = rkey;
		old[other] = rkey2;
		iw_stag_del(&s.qp, i & 1 ? slot : other);
		iw_stag_del(&s.qp, i & 1 ? other : slot);
	}
	assert_int_equal(iw_stag_add(&s.qp, &byte, 1, 0, old, (unsigned[1]){ 0 }), -EINVAL);
	assert_int_equal(iw_stag_add(&s.qp, &byte, 1, 4, old, (unsigned[1]){ 0 }), -EINVAL);
	assert_int_equal(iw_stag_add(&s.qp, &byte, SIZE_MAX, 1, old, (unsigned[1]){ 0 }), -EINVAL);
	side_deinit(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_refusal),
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_message_too_long_is_the_receives_own_error),
		cmocka_unit_test(test_any_receive),
		cmocka_unit_test(test_terminate_of_the_peer),
		cmocka_unit_test(test_terminate_with_headers),
		cmocka_unit_test(test_responder_waits_for_the_first_fpdu),
		cmocka_unit_test(test_responder_terminate_is_held_back),
		cmocka_unit_test(test_invalidated_region_with_a_read_in_progress),
		cmocka_unit_test(test_region_deleted_under_a_write),
		cmocka_unit_test(test_keys_change_on_reuse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
