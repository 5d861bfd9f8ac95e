/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What a queue pair puts into the stream: known bytes, limits, turns, and the end of the stream. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "iwarp/test_pair.h"
#include "wire/rdmap.h"

#define STREAM_MAX 65536u

static const struct iw_qp_attr plain = { .sq_depth = 16,
					 .rq_depth = 4,
					 .max_sge = 3,
					 .ord = 2,
					 .ird = 2,
					 .n_stags = 2,
					 .max_payload = 1024 };

static size_t from_hex(const char *hex, uint8_t *to)
{
	size_t n = strlen(hex) / 2;

	for (size_t i = 0; i < 2 * n; i++) {
		int digit = hex[i] <= '9' ? hex[i] - '0' : hex[i] - 'a' + 10;

		to[i / 2] = (uint8_t)(i % 2 ? to[i / 2] | digit : digit << 4);
	}
	return n;
}

static int post(struct side *s, uint64_t id, enum iw_wr_op op, void *buf, uint32_t len)
{
	struct iw_sge sge = { buf, len };
	struct iw_wr wr = {
		.wr_id = id, .op = op, .flags = IW_WR_SIGNALED, .n_sge = 1, .sge = &sge
	};

	wr.rkey = 0x55667788;
	wr.remote_va = 0x2000;
	return iw_post_send(&s->qp, &wr);
}

/* All that @s has to say, to @to. Return: bytes. */
static size_t drain(struct side *s, uint8_t *to)
{
	struct iovec iov[64];
	size_t total = 0;
	size_t n;
	unsigned k;

	while ((k = iw_tx(&s->qp, iov, 64, 100000, &n))) {
		for (unsigned i = 0; i < k; i++) {
			assert_true(total + iov[i].iov_len <= STREAM_MAX);
			memcpy(to + total, iov[i].iov_base, iov[i].iov_len);
			total += iov[i].iov_len;
		}
		iw_tx_done(&s->qp, n);
	}
	return total;
}

/* Opcodes of the FPDUs in @n bytes of stream, as digits. */
static void opcodes(const uint8_t *p, size_t n, char *to)
{
	for (size_t at = 0; at < n; at += fpdu_len(get_be16(p + at)))
		*to++ = (char)('0' + (p[at + 3] & 15));
	*to = 0;
}

static void test_known_bytes(void **state)
{
	static const char *want[] = {
		"001541430000000000000000000000010000000061626300447065aa",
		"001a01430000000000000000000000020000000061626364656667687aeda254"
		"0014414300000000000000000000000200000008696a000078571079",
		"002e414100000000000000010000000100000000800000010000000000000000000002005566778800"
		"000000"
		"00002000",
		"0013c140aabbcc01ffff88800123456768656c6c6f0000005dd6fee5",
		"000ec140000000010000000000000000ebd34c5f",
	};
	struct iw_qp_attr attr = plain;
	uint8_t bytes[64], got[128], sink[512];
	struct iw_sge sge = { (char[]){ "hello" }, 5 };
	struct iw_wr wr = { .op = IW_WR_WRITE, .n_sge = 1, .sge = &sge };
	struct side s;
	size_t n;

	(void)state;
	attr.crc = true;
	attr.max_payload = 8;
	side_init(&s, &attr);
	n = from_hex(want[0], bytes);
	assert_int_equal(post(&s, 1, IW_WR_SEND, (char[]){ "abc" }, 3), 0);
	assert_int_equal(drain(&s, got), n);
	assert_memory_equal(got, bytes, n);
	n = from_hex(want[1], bytes);
	assert_int_equal(post(&s, 1, IW_WR_SEND, (char[]){ "abcdefghij" }, 10), 0);
	assert_int_equal(drain(&s, got), n);
	assert_memory_equal(got, bytes, n);
	n = from_hex(want[2], bytes);
	assert_int_equal(post(&s, 1, IW_WR_READ, sink, 512), 0);
	assert_int_equal(drain(&s, got), n + 4);
	assert_memory_equal(got, bytes, n);
	n = from_hex(want[3], bytes);
	wr.rkey = 0xaabbcc01;
	wr.remote_va = 0xffff888001234567;
	assert_int_equal(iw_post_send(&s.qp, &wr), 0);
	assert_int_equal(drain(&s, got), n);
	assert_memory_equal(got, bytes, n);
	n = from_hex(want[4], bytes);
	wr.rkey = 1;
	wr.remote_va = 0;
	wr.n_sge = 0;
	assert_int_equal(iw_post_send(&s.qp, &wr), 0);
	assert_int_equal(drain(&s, got), n);
	assert_memory_equal(got, bytes, n);
	side_deinit(&s);
}

/* The same vectors, received; the last one is a Terminate. */
static void test_known_bytes_received(void **state)
{
	static const char *hex = "001541430000000000000000000000010000000061626300447065aa"
				 "001a01430000000000000000000000020000000061626364656667687aeda254"
				 "0014414300000000000000000000000200000008696a000078571079"
				 "000ec140000000010000000000000000ebd34c5f"
				 "000ec140000000000000000000000000a30572ab"
				 "00164147000000000000000200000001000000001202000048620304";
	struct iw_qp_attr attr = plain;
	uint8_t bytes[256], a[16], b[16];
	struct iw_wc wc[4];
	size_t n = from_hex(hex, bytes);

	(void)state;
	attr.crc = true;
	for (size_t cut = 0; cut <= n; cut++) {
		struct side s;

		side_init(&s, &attr);
		memset(a, 0, sizeof(a));
		memset(b, 0, sizeof(b));
		iw_post_recv(&s.qp, 1, a, sizeof(a));
		iw_post_recv(&s.qp, 2, b, sizeof(b));
		if (cut < n)
			assert_int_equal(side_feed(&s, bytes, cut, true), 0);
		assert_int_equal(
			side_feed(&s, bytes + (cut < n ? cut : 0), n - (cut < n ? cut : 0), true),
			IW_E_PEER_TERMINATE);
		assert_int_equal(iw_poll(&s.qp, wc, 4), 2);
		assert_true(wc[0].wr_id == 1 && wc[0].byte_len == 3 && wc[0].status == IW_WC_OK);
		assert_true(wc[1].wr_id == 2 && wc[1].byte_len == 10 && wc[1].status == IW_WC_OK);
		assert_memory_equal(a, "abc", 4);
		assert_memory_equal(b, "abcdefghij", 11);
		assert_string_equal(iw_term_text(&s.qp.term), "DDP: no receive buffer");
		side_deinit(&s);
	}
}

static void test_send_kinds(void **state)
{
	static const struct {
		unsigned flags;
		uint8_t op;
		uint32_t stag;
	} t[] = {
		{ 0, RDMAP_SEND, 0 },
		{ IW_WR_SOLICITED, RDMAP_SEND_SE, 0 },
		{ IW_WR_INVALIDATE, RDMAP_SEND_INV, 77 },
		{ IW_WR_INVALIDATE | IW_WR_SOLICITED, RDMAP_SEND_SE_INV, 77 },
	};
	uint8_t got[64];
	struct side s;

	(void)state;
	side_init(&s, &plain);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct iw_wr wr = { .op = IW_WR_SEND, .flags = t[i].flags, .rkey = 77 };
		struct ddp_hdr h;

		assert_int_equal(iw_post_send(&s.qp, &wr), 0);
		assert_int_equal(drain(&s, got), 24);
		h = ddp_hdr_get(got);
		assert_int_equal(h.rdmap_ctl & 15, t[i].op);
		assert_int_equal(h.stag, t[i].stag);
		assert_int_equal(h.msn, i + 1);
	}
	side_deinit(&s);
}

/* A stream of all shapes, cut at every byte: nothing is lost, repeated or changed. */
static void test_done_at_every_byte(void **state)
{
	static uint8_t whole[STREAM_MAX], got[STREAM_MAX], payload[3000];
	struct iw_qp_attr attr = plain;
	size_t len = 0;

	(void)state;
	attr.crc = true;
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i * 11);
	for (size_t cut = 0; cut == 0 || cut < len; cut++) {
		struct iovec iov[64];
		struct side s;
		size_t n, at = 0;
		unsigned k;

		side_init(&s, &attr);
		post(&s, 1, IW_WR_WRITE, payload, sizeof(payload));
		post(&s, 2, IW_WR_SEND, payload, 48);
		post(&s, 3, IW_WR_READ, got, 100);
		post(&s, 4, IW_WR_SEND, payload, 2500);
		if (!cut) {
			len = drain(&s, whole);
			side_deinit(&s);
			continue;
		}
		k = iw_tx(&s.qp, iov, 64, 100000, &n);
		assert_int_equal(n, len);
		for (unsigned i = 0; i < k && at < cut; i++) {
			size_t part = min_size(iov[i].iov_len, cut - at);

			memcpy(got + at, iov[i].iov_base, part);
			at += part;
		}
		iw_tx_done(&s.qp, cut);
		assert_int_equal(drain(&s, got + cut), len - cut);
		assert_memory_equal(got, whole, len);
		side_deinit(&s);
	}
	assert_true(len > 5600);
}

static void test_tx_is_repeatable_and_limited(void **state)
{
	static uint8_t payload[2000];
	struct iovec a[64], b[64];
	struct side s;
	size_t n, m;

	(void)state;
	side_init(&s, &plain);
	post(&s, 1, IW_WR_WRITE, payload, sizeof(payload));
	assert_int_equal(iw_tx(&s.qp, a, 64, 10, &n), 1);
	assert_int_equal(n, 10);
	assert_int_equal(iw_tx(&s.qp, b, 64, 10, &m), 1);
	assert_ptr_equal(a[0].iov_base, b[0].iov_base);
	assert_int_equal(a[0].iov_len, b[0].iov_len);
	assert_int_equal(iw_tx(&s.qp, a, 1, 100000, &n), 1);
	assert_int_equal(n, 16);
	assert_true(iw_tx_pending(&s.qp));
	assert_int_equal(iw_tx(&s.qp, a, 64, 100000, &n), 5);
	assert_int_equal(n, 2000 + 2 * 20);
	assert_ptr_equal(a[1].iov_base, payload);
	/* All is staged and all but a byte of it sent: that byte is still to come. */
	iw_tx_done(&s.qp, n - 1);
	assert_true(iw_tx_pending(&s.qp));
	assert_false(iw_sq_idle(&s.qp));
	iw_tx_done(&s.qp, 1);
	assert_false(iw_tx_pending(&s.qp));
	assert_true(iw_sq_idle(&s.qp));
	side_deinit(&s);
}

/* Small messages need one piece all together. */
static void test_small_sends_share_a_piece(void **state)
{
	uint8_t rsp[48] = { 0xc1 };
	struct iovec iov[64];
	struct side s;
	size_t n;

	(void)state;
	side_init(&s, &plain);
	for (unsigned i = 0; i < 16; i++)
		assert_int_equal(post(&s, i, IW_WR_SEND, rsp, sizeof(rsp)), 0);
	assert_int_equal(post(&s, 16, IW_WR_SEND, rsp, sizeof(rsp)), -ENOMEM);
	assert_int_equal(iw_tx(&s.qp, iov, 64, 100000, &n), 1);
	assert_int_equal(n, 16 * (20 + 48 + 4));
	side_deinit(&s);
}

/*
 * Far more work than the ring, the pieces or the messages have room for, taken as fast as it comes and
 * finished in odd portions: the stream is the same as when everything is sent at once.
 */
static void test_limits_of_the_staging_memory(void **state)
{
	/* Lengths of every other request: full are first the ring (twice), the messages, the pieces. */
	static const uint32_t lens[][2] = { { 250, 250 }, { 250, 300 }, { 1, 1 }, { 300, 300 } };
	static uint8_t payload[300], whole[1 << 18], got[1 << 18];
	struct iw_qp_attr attr = plain;
	struct prng r = prng_of(5);

	(void)state;
	attr.sq_depth = 700;
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i * 13 + 1);
	for (size_t kind = 0; kind < ARRAY_SIZE(lens); kind++) {
		struct iovec iov[IW_TX_PIECES];
		struct iw_wc wc[4];
		struct side s, ref;
		size_t len = 0, at = 0;
		uint64_t id = 0;
		size_t n, most = 0;
		unsigned k;

		side_init(&s, &attr);
		side_init(&ref, &attr);
		for (unsigned i = 0; i < 700; i++) {
			post(&s, i, IW_WR_SEND, payload, lens[kind][i & 1]);
			post(&ref, i, IW_WR_SEND, payload, lens[kind][i & 1]);
			len += drain(&ref, whole + len);
		}
		while ((k = iw_tx(&s.qp, iov, IW_TX_PIECES, 1 << 20, &n))) {
			size_t done = 1 + prng_below(&r, n);
			size_t left = done;

			most = n > most ? n : most;
			for (unsigned i = 0; i < k && left; i++) {
				size_t part = min_size(left, iov[i].iov_len);

				memcpy(got + at, iov[i].iov_base, part);
				at += part;
				left -= part;
			}
			iw_tx_done(&s.qp, done);
			while (iw_poll(&s.qp, wc, 1))
				assert_int_equal(wc[0].wr_id, id++);
		}
		assert_int_equal(id, 700);
		assert_int_equal(at, len);
		assert_memory_equal(got, whole, len);
		assert_true(most < len);
		assert_true(iw_sq_idle(&s.qp));
		side_deinit(&s);
		side_deinit(&ref);
	}
}

/* ORD 2: the third READ and the SEND behind it wait; the SEND before it does not. */
static void test_read_beyond_ord_waits(void **state)
{
	static uint8_t sink[3][8];
	uint8_t got[512], rsp[64];
	char ops[16];
	struct iw_wc wc[8];
	struct side s;
	size_t n;

	(void)state;
	side_init(&s, &plain);
	for (unsigned i = 0; i < 3; i++)
		post(&s, i, i < 2 ? IW_WR_READ : IW_WR_SEND, sink[i], 8);
	post(&s, 3, IW_WR_READ, sink[2], 8);
	post(&s, 4, IW_WR_MARKER, NULL, 0);
	post(&s, 5, IW_WR_SEND, sink[2], 1);
	n = drain(&s, got);
	opcodes(got, n, ops);
	assert_string_equal(ops, "113");
	assert_false(iw_tx_pending(&s.qp));
	assert_false(iw_sq_idle(&s.qp));
	assert_int_equal(iw_poll(&s.qp, wc, 8), 0);
	memset(rsp, 0, sizeof(rsp));
	ddp_tagged_put(rsp, RDMAP_READ_RSP, true, 8, 0x80000001, 0);
	memcpy(rsp + 16, (char[8]){ 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H' }, 8);
	assert_int_equal(side_feed(&s, rsp, 28, false), 0);
	assert_memory_equal(sink[0], "ABCDEFGH", 8);
	assert_true(iw_tx_pending(&s.qp));
	n = drain(&s, got);
	opcodes(got, n, ops);
	assert_string_equal(ops, "13");
	assert_int_equal(iw_poll(&s.qp, wc, 8), 1);
	assert_true(wc[0].wr_id == 0 && wc[0].op == IW_WC_READ);
	for (uint32_t i = 2; i < 4; i++) {
		ddp_tagged_put(rsp, RDMAP_READ_RSP, true, 8, 0x80000000 + i, 0);
		assert_int_equal(side_feed(&s, rsp, 28, false), 0);
	}
	assert_int_equal(iw_poll(&s.qp, wc, 8), 5);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(wc[i].wr_id, i + 1);
	assert_true(iw_sq_idle(&s.qp));
	side_deinit(&s);
}

static void test_read_needs_ord(void **state)
{
	struct iw_qp_attr attr = plain;
	struct side s;
	uint8_t b;

	(void)state;
	attr.ord = 0;
	side_init(&s, &attr);
	assert_int_equal(post(&s, 1, IW_WR_READ, &b, 1), -EINVAL);
	assert_int_equal(post(&s, 1, IW_WR_SEND, &b, 1), 0);
	side_deinit(&s);
}

static void test_marker_alone(void **state)
{
	struct iw_wc wc;
	struct side s;

	(void)state;
	side_init(&s, &plain);
	assert_int_equal(post(&s, 7, IW_WR_MARKER, NULL, 0), 0);
	assert_false(iw_tx_pending(&s.qp));
	assert_int_equal(iw_poll(&s.qp, &wc, 1), 1);
	assert_true(wc.wr_id == 7 && wc.op == IW_WC_MARKER && wc.status == IW_WC_OK);
	side_deinit(&s);
}

/* A Read Request of the peer for @len bytes of region @rkey at @addr. */
static size_t read_request(uint8_t *p, uint32_t msn, uint32_t rkey, const void *addr, uint32_t len)
{
	struct rdmap_read_req r = { 0x11223344, 0x1000, len, rkey, (uintptr_t)addr };
	struct pen w = pen_of(p + 20, RDMAP_READ_REQ_LEN);

	memset(p, 0, RDMAP_READ_REQ_FPDU);
	ddp_untagged_put(p, RDMAP_READ_REQ, true, RDMAP_READ_REQ_LEN, 0, DDP_QN_READ);
	ddp_untagged_seq(p, msn, 0);
	rdmap_read_req_encode(&w, &r);
	return RDMAP_READ_REQ_FPDU;
}

static void test_responses_and_requests_take_turns(void **state)
{
	static uint8_t region[2048], got[STREAM_MAX];
	uint8_t req[64];
	char ops[32];
	struct side s;
	uint32_t rkey;
	unsigned slot;
	size_t n;

	(void)state;
	side_init(&s, &plain);
	iw_stag_add(&s.qp, region, sizeof(region), IW_ACCESS_REMOTE_READ, &rkey, &slot);
	for (uint32_t i = 1; i <= 2; i++) {
		n = read_request(req, i, rkey, region, sizeof(region));
		assert_int_equal(side_feed(&s, req, n, false), 0);
	}
	for (unsigned i = 0; i < 3; i++)
		post(&s, i, IW_WR_WRITE, region, 1500);
	n = drain(&s, got);
	opcodes(got, n, ops);
	/* Two segments each, never mixed: Write, Response, Write, Response, Write. */
	assert_string_equal(ops, "0022002200");
	/* The second message answers to the sink of the first request. */
	assert_int_equal(get_be32(got + 16 + 1024 + 4 + 16 + 476 + 4 + 4), 0x11223344);
	side_deinit(&s);
}

/* A region taken away while a response from it waits to be sent: its memory is not given out again. */
static void test_region_deleted_under_a_response(void **state)
{
	uint8_t *region = malloc(2048);
	uint8_t req[64], got[256];
	struct iovec iov[64];
	struct side s;
	uint32_t rkey;
	unsigned slot;
	size_t n;

	(void)state;
	for (int staged = 0; staged < 3; staged++) {
		side_init(&s, &plain);
		iw_stag_add(&s.qp, region, 2048, IW_ACCESS_REMOTE_READ, &rkey, &slot);
		n = read_request(req, 1, rkey, region, 2048);
		assert_int_equal(side_feed(&s, req, n, false), 0);
		if (staged)
			assert_true(iw_tx(&s.qp, iov, 64, 100000, &n) > 1);
		if (staged == 2)
			iw_tx_done(&s.qp, 100); /* within its payload */
		iw_stag_del(&s.qp, slot);
		assert_true(iw_qp_failed(&s.qp));
		assert_true(s.qp.term.layer == 0 && s.qp.term.type == 1 && s.qp.term.code == 0);
		n = drain(&s, got);
		assert_int_equal(n, staged == 2 ? 0 : 28);
		if (n)
			assert_int_equal(got[3] & 15, RDMAP_TERMINATE);
		assert_int_equal(iw_rx(&s.qp, 0, req, 10), IW_E_TERMINATE);
		side_deinit(&s);
	}
	free(region);
}

/*
 * In error, at every place of a stream of two small SENDs and a large one: what follows is the rest of the
 * FPDU that TCP has begun, from our own memory, and the Terminate - or nothing.
 */
static void test_terminate_only_between_fpdus(void **state)
{
	static uint8_t payload[1500], whole[STREAM_MAX], got[STREAM_MAX];
	static const uint32_t starts[] = { 0, 72, 144, 144 + 1048 };
	size_t len = 144 + 1048 + 20 + 476 + 4;

	(void)state;
	memset(payload, 0x77, sizeof(payload));
	for (size_t cut = 0; cut <= len; cut++) {
		struct iovec iov[64];
		struct side s;
		struct iw_wc wc[4];
		size_t n, rest = 0;
		bool foreign;

		side_init(&s, &plain);
		post(&s, 1, IW_WR_SEND, payload, 48);
		post(&s, 2, IW_WR_SEND, payload, 48);
		post(&s, 3, IW_WR_SEND, payload, sizeof(payload));
		iw_tx(&s.qp, iov, 64, 100000, &n);
		assert_int_equal(n, len);
		if (!cut)
			for (size_t i = 0, at = 0; at < len; at += iov[i++].iov_len)
				memcpy(whole + at, iov[i].iov_base, iov[i].iov_len);
		iw_tx_done(&s.qp, cut);
		iw_qp_terminate(&s.qp, 2, 0, 5);
		while (iw_poll(&s.qp, wc, 4))
			;
		while (rest < ARRAY_SIZE(starts) && starts[rest] < cut)
			rest++;
		rest = (rest < ARRAY_SIZE(starts) ? starts[rest] : len) - cut;
		/* In the large FPDUs only the trailer is ours. */
		foreign = cut > 144 && rest > 4;
		n = drain(&s, got);
		assert_int_equal(n, foreign ? 0 : rest + 28);
		if (!foreign) {
			assert_memory_equal(got, whole + cut, rest);
			assert_int_equal(got[rest + 3] & 15, RDMAP_TERMINATE);
		}
		assert_false(iw_tx_pending(&s.qp));
		side_deinit(&s);
	}
}

/* Every kind of RTR frame between two sides; none of them completes anything or takes a receive. */
static void test_rtr_frames(void **state)
{
	static const char *first[] = { "", "3", "0", "1" };

	(void)state;
	for (int kind = MPA_RTR_SEND; kind <= MPA_RTR_READ; kind++) {
		struct iw_qp_attr attr = plain;
		struct side a, b;
		uint8_t got[256], sink[8], region[8] = "RTRTEST";
		char ops[16];
		struct iw_wc wc[4];
		uint32_t rkey;
		unsigned slot;
		size_t n;

		attr.rtr = (enum mpa_rtr)kind;
		side_init(&a, &attr);
		attr.responder = true;
		attr.ird = 0;
		side_init(&b, &attr);
		assert_true(iw_tx_pending(&a.qp));
		assert_false(iw_sq_idle(&a.qp));
		n = drain(&a, got);
		opcodes(got, n, ops);
		assert_string_equal(ops, first[kind]);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(side_feed(&b, got + i, 1, false), 0);
		assert_true(iw_rx_seen(&b.qp));
		/* Traffic both ways goes on from there. */
		n = drain(&b, got);
		assert_int_equal(n, kind == MPA_RTR_READ ? 20 : 0);
		assert_int_equal(side_feed(&a, got, n, false), 0);
		assert_true(iw_sq_idle(&a.qp) && iw_sq_idle(&b.qp));
		iw_post_recv(&b.qp, 5, sink, 8);
		post(&a, 6, IW_WR_SEND, region, 8);
		n = drain(&a, got);
		assert_int_equal(side_feed(&b, got, n, false), 0);
		assert_int_equal(iw_poll(&a.qp, wc, 4), 1);
		assert_int_equal(iw_poll(&b.qp, wc, 4), 1);
		assert_true(wc[0].wr_id == 5 && wc[0].byte_len == 8);
		assert_int_equal(iw_stag_add(&a.qp, region, 8, IW_ACCESS_REMOTE_READ, &rkey, &slot),
				 0);
		n = read_request(got, 1, rkey, region, 8);
		assert_int_equal(side_feed(&a, got, n, false), 0);
		assert_int_equal(drain(&a, got), 28);
		assert_memory_equal(got + 16, region, 8);
		/* The extra slot is gone. */
		n = read_request(got, kind == MPA_RTR_READ ? 2 : 1, 1, NULL, 0);
		assert_int_equal(side_feed(&b, got, n, false), IW_E_TERMINATE);
		assert_int_equal(b.qp.term.code, TERM_OP_STREAM);
		side_deinit(&a);
		side_deinit(&b);
	}
}

static void test_attributes(void **state)
{
	const struct iw_qp_attr bad[] = {
		{ .sq_depth = 0, .rq_depth = 1, .max_sge = 1, .max_payload = 4 },
		{ .sq_depth = 1, .rq_depth = 0, .max_sge = 1, .max_payload = 4 },
		{ .sq_depth = 1, .rq_depth = 1, .max_sge = 0, .max_payload = 4 },
		{ .sq_depth = 1, .rq_depth = 1, .max_sge = 17, .max_payload = 4 },
		{ .sq_depth = 1, .rq_depth = 1, .max_sge = 1, .max_payload = 0 },
		{ .sq_depth = 1, .rq_depth = 1, .max_sge = 1, .max_payload = 6 },
		{ .sq_depth = 1, .rq_depth = 1, .max_sge = 1, .max_payload = 65520 },
		{ .sq_depth = 1, .rq_depth = 1, .max_sge = 1, .max_payload = 4, .ord = 4097 },
		{ .sq_depth = 65537, .rq_depth = 1, .max_sge = 1, .max_payload = 4 },
	};
	struct iw_qp qp;
	uint8_t *mem = malloc(1 << 20);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(iw_qp_mem_size(&bad[i]), 0);
		assert_int_equal(iw_qp_init(&qp, &bad[i], mem, 1 << 20), -EINVAL);
	}
	assert_int_equal(iw_qp_init(&qp, &plain, mem, iw_qp_mem_size(&plain) - 1), -EINVAL);
	assert_int_equal(iw_qp_init(&qp, &plain, mem + 1, 1 << 20), -EINVAL);
	assert_int_equal(iw_qp_init(&qp, &plain, mem, iw_qp_mem_size(&plain)), 0);
	free(mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_bytes),
		cmocka_unit_test(test_known_bytes_received),
		cmocka_unit_test(test_send_kinds),
		cmocka_unit_test(test_done_at_every_byte),
		cmocka_unit_test(test_tx_is_repeatable_and_limited),
		cmocka_unit_test(test_small_sends_share_a_piece),
		cmocka_unit_test(test_limits_of_the_staging_memory),
		cmocka_unit_test(test_read_beyond_ord_waits),
		cmocka_unit_test(test_read_needs_ord),
		cmocka_unit_test(test_marker_alone),
		cmocka_unit_test(test_responses_and_requests_take_turns),
		cmocka_unit_test(test_region_deleted_under_a_response),
		cmocka_unit_test(test_terminate_only_between_fpdus),
		cmocka_unit_test(test_rtr_frames),
		cmocka_unit_test(test_attributes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
