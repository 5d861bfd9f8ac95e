/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "wire/crc32c.h"
#include "wire/rdmap.h"

static size_t from_hex(const char *hex, uint8_t *to, size_t max)
{
	size_t n = strlen(hex) / 2;

	assert_true(n <= max);
	for (size_t i = 0; i < 2 * n; i++) {
		int digit = hex[i] <= '9' ? hex[i] - '0' : hex[i] - 'a' + 10;

		to[i / 2] = (uint8_t)(i % 2 ? to[i / 2] | digit : digit << 4);
	}
	return n;
}

/* Known FPDUs: a header made from these values and the CRC over it must give the bytes, and back. */
static const struct {
	const char *hex;
	enum rdmap_op op;
	bool last;
	uint32_t payload;
	uint32_t stag;
	uint64_t to;
	uint32_t qn, msn, mo;
} vectors[] = {
	{ "000ec140000000010000000000000000ebd34c5f", RDMAP_WRITE, true, 0, 1, 0, 0, 0, 0 },
	{ "000ec140000000000000000000000000a30572ab", RDMAP_WRITE, true, 0, 0, 0, 0, 0, 0 },
	{ "0013c140aabbcc01ffff88800123456768656c6c6f0000005dd6fee5", RDMAP_WRITE, true, 5,
	  0xaabbcc01, 0xffff888001234567, 0, 0, 0 },
	{ "001541430000000000000000000000010000000061626300447065aa", RDMAP_SEND, true, 3, 0, 0, 0,
	  1, 0 },
	{ "001a01430000000000000000000000020000000061626364656667687aeda254", RDMAP_SEND, false, 8,
	  0, 0, 0, 2, 0 },
	{ "0014414300000000000000000000000200000008696a000078571079", RDMAP_SEND, true, 2, 0, 0, 0,
	  2, 8 },
	{ "00224143000000000000000000000001000000004100000000000000000000000000000086cf0eb8",
	  RDMAP_SEND, true, 16, 0, 0, 0, 1, 0 },
	{ "002e414100000000000000010000000100000000112233440000000000001000000002005566778800000000"
	  "00"
	  "0020006fd5c402",
	  RDMAP_READ_REQ, true, 28, 0, 0, 1, 1, 0 },
	{ "0016c1421122334400000000000010000001020304050607b130002f", RDMAP_READ_RSP, true, 8,
	  0x11223344, 0x1000, 0, 0, 0 },
	{ "00164147000000000000000200000001000000001202000048620304", RDMAP_TERMINATE, true, 4, 0,
	  0, 2, 1, 0 },
};

static void test_known_fpdus(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		uint8_t want[80];
		uint8_t got[80] = { 0 };
		size_t len = from_hex(vectors[i].hex, want, sizeof(want));
		struct ddp_hdr h = ddp_hdr_get(want);
		unsigned hl = ddp_hdr_len(want);

		assert_int_equal(len, fpdu_len(h.ulpdu_len));
		assert_int_equal(h.ulpdu_len + FPDU_LEN_LEN - hl, vectors[i].payload);
		assert_int_equal(h.rdmap_ctl & RDMAP_CTL_OP_MASK, vectors[i].op);
		assert_int_equal(!!(h.ddp_ctl & DDP_CTL_L), vectors[i].last);
		assert_int_equal(ddp_tagged(want), rdmap_op_tagged(vectors[i].op));
		assert_int_equal(h.stag, vectors[i].stag);
		assert_true(h.to == vectors[i].to);
		assert_int_equal(h.qn, vectors[i].qn);
		assert_int_equal(h.msn, vectors[i].msn);
		assert_int_equal(h.mo, vectors[i].mo);
		if (rdmap_op_tagged(vectors[i].op)) {
			ddp_tagged_put(got, vectors[i].op, vectors[i].last, vectors[i].payload,
				       vectors[i].stag, vectors[i].to);
		} else {
			ddp_untagged_put(got, vectors[i].op, vectors[i].last, vectors[i].payload,
					 vectors[i].stag, vectors[i].qn);
			ddp_untagged_seq(got, vectors[i].msn, vectors[i].mo);
		}
		memcpy(got + hl, want + hl, vectors[i].payload);
		crc32c_put(got + len - 4, crc32c_update(CRC32C_INIT, got, len - 4));
		assert_memory_equal(got, want, len);
	}
}

static void test_padding(void **state)
{
	(void)state;
	for (unsigned l = 0; l <= FPDU_ULPDU_MAX; l++) {
		assert_true(fpdu_pad(l) < 4);
		assert_int_equal((2 + l + fpdu_pad(l)) % 4, 0);
		assert_int_equal(fpdu_len(l), 2 + l + fpdu_pad(l) + 4);
	}
}

static void test_read_request(void **state)
{
	struct rdmap_read_req r = { 0x11223344, 0x1000, 512, 0x55667788, 0x2000 };
	struct rdmap_read_req got = { 0 };
	uint8_t want[80];
	uint8_t body[RDMAP_READ_REQ_LEN];
	struct pen w = pen_of(body, sizeof(body));

	(void)state;
	from_hex(vectors[7].hex, want, sizeof(want));
	rdmap_read_req_encode(&w, &r);
	assert_false(w.bad);
	assert_memory_equal(body, want + DDP_UNTAGGED_LEN, sizeof(body));
	for (size_t n = 0; n <= sizeof(body); n++) {
		struct cur c = cur_of(body, n);

		assert_int_equal(rdmap_read_req_decode(&c, &got),
				 n < sizeof(body) ? RDMAP_E_TRUNCATED : 0);
	}
	assert_memory_equal(&got.sink_stag, &r.sink_stag, sizeof(r.sink_stag));
	assert_true(got.sink_to == r.sink_to && got.len == r.len && got.src_stag == r.src_stag &&
		    got.src_to == r.src_to);
}

static void test_terminate(void **state)
{
	uint8_t hdr[20] = { 0, 46, 0x41, 0x41 };
	uint8_t req[RDMAP_READ_REQ_LEN] = { 9, 8, 7 };
	uint8_t body[RDMAP_TERM_MAX];
	struct rdmap_term t = { TERM_RDMAP, TERM_PROTECTION, TERM_PROT_BOUNDS, hdr, req };
	struct rdmap_term got;
	struct pen w = pen_of(body, sizeof(body));
	struct cur c;

	(void)state;
	rdmap_term_encode(&w, &t);
	assert_false(w.bad);
	assert_int_equal(w.pos, sizeof(body));
	assert_int_equal(body[0], 0x01);
	assert_int_equal(body[1], 0x01);
	assert_int_equal(body[2], 0xe0);
	assert_memory_equal(body + 4, hdr, 20);
	assert_memory_equal(body + 24, req, 28);
	c = cur_of(body, sizeof(body));
	assert_int_equal(rdmap_term_decode(&c, &got), 0);
	assert_true(got.layer == 0 && got.type == 1 && got.code == 1);
	for (size_t n = 0; n < 4; n++) {
		c = cur_of(body, n);
		assert_int_equal(rdmap_term_decode(&c, &got), RDMAP_E_TRUNCATED);
	}
	/* A tagged header is 16 bytes, and its presence is told. */
	hdr[2] = 0xc1;
	t.read_req = NULL;
	w = pen_of(body, sizeof(body));
	rdmap_term_encode(&w, &t);
	assert_int_equal(w.pos, 4 + 16);
	assert_int_equal(body[2], 0xc0);
}

/* Layer and type swapped, as one implementation sends them: 1,2,x means DDP untagged in any order. */
static void test_terminate_with_swapped_nibbles(void **state)
{
	const uint8_t mpa[] = { 0x02, 0x02, 0, 0 }; /* 0,2,2 does not exist; 2,0,2 is a wrong CRC */
	const uint8_t ddp[] = { 0x21, 0x05, 0, 0 }; /* 2,1,5 does not exist */
	const uint8_t odd[] = { 0xff, 0xff, 0, 0 };
	struct rdmap_term got;
	struct cur c = cur_of(mpa, sizeof(mpa));

	(void)state;
	assert_int_equal(rdmap_term_decode(&c, &got), 0);
	assert_true(got.layer == 2 && got.type == 0 && got.code == 2);
	c = cur_of(ddp, sizeof(ddp));
	assert_int_equal(rdmap_term_decode(&c, &got), 0);
	assert_true(got.layer == 1 && got.type == 2 && got.code == 5);
	c = cur_of(odd, sizeof(odd));
	assert_int_equal(rdmap_term_decode(&c, &got), 0);
	assert_true(got.layer == 15 && got.type == 15);
	assert_string_equal(rdmap_term_text(2, 0, 2), "MPA: wrong CRC");
	assert_string_equal(rdmap_term_text(2, 3, 2), "MPA: unknown error");
	assert_string_equal(rdmap_term_text(15, 3, 2), "error of an unknown layer");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_fpdus),
		cmocka_unit_test(test_padding),
		cmocka_unit_test(test_read_request),
		cmocka_unit_test(test_terminate),
		cmocka_unit_test(test_terminate_with_swapped_nibbles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
