/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "wire/mpa.h"

#define REQ "MPA ID Req Frame"
#define REP "MPA ID Rep Frame"

static void fill(uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(i * 7 + 1);
}

/* The frames a Linux initiator and its target exchange at a login. */
static void test_known_frames(void **state)
{
	uint8_t req[80] = REQ "\x10\x02\x00\x3c\x00\x04\x00\x00";
	uint8_t rep[76] = REP "\x10\x02\x00\x38\x00\x00\x00\x04";
	uint8_t out[80];
	struct mpa_frame f;
	struct cur c = cur_of(req, sizeof(req));
	struct pen w = pen_of(out, sizeof(out));

	(void)state;
	fill(req + 24, 56);
	fill(rep + 24, 52);
	assert_int_equal(mpa_frame_decode(&c, false, &f), 0);
	assert_int_equal(cur_left(&c), 0);
	assert_int_equal(f.flags, MPA_S);
	assert_int_equal(f.rev, 2);
	assert_true(f.enhanced);
	assert_int_equal(f.ird, 4);
	assert_int_equal(f.ord, 0);
	assert_false(f.a || f.b || f.c || f.d);
	assert_int_equal(f.priv_len, 56);
	assert_ptr_equal(f.priv, req + 24);
	mpa_frame_encode(&w, &f);
	assert_false(w.bad);
	assert_int_equal(w.pos, sizeof(req));
	assert_memory_equal(out, req, sizeof(req));

	c = cur_of(rep, sizeof(rep));
	w = pen_of(out, sizeof(out));
	assert_int_equal(mpa_frame_decode(&c, true, &f), 0);
	assert_int_equal(f.ird, 0);
	assert_int_equal(f.ord, 4);
	assert_int_equal(f.priv_len, 52);
	mpa_frame_encode(&w, &f);
	assert_int_equal(w.pos, sizeof(rep));
	assert_memory_equal(out, rep, sizeof(rep));
}

static void test_every_truncation(void **state)
{
	uint8_t req[80] = REQ "\x10\x02\x00\x3c";
	struct mpa_frame f = { .rev = 77 };
	size_t len = 0;

	(void)state;
	for (size_t n = 0; n < sizeof(req); n++) {
		struct cur c = cur_of(req, n);

		assert_int_equal(mpa_frame_decode(&c, false, &f), MPA_E_TRUNCATED);
		assert_int_equal(c.pos, 0);
		assert_int_equal(mpa_frame_len(req, n, false, &len), n < 20 ? MPA_E_TRUNCATED : 0);
	}
	assert_int_equal(f.rev, 77);
	assert_int_equal(len, 80);
}

static void test_wrong_key_is_seen_at_its_first_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < 16; i++) {
		uint8_t req[24] = REQ "\x00\x01\x00\x00";
		struct mpa_frame f;
		struct cur c;

		req[i] ^= 1;
		c = cur_of(req, i);
		assert_int_equal(mpa_frame_decode(&c, false, &f), MPA_E_TRUNCATED);
		c = cur_of(req, i + 1);
		assert_int_equal(mpa_frame_decode(&c, false, &f), MPA_E_KEY);
	}
}

static void test_outcomes(void **state)
{
	static const struct {
		const char *head;
		bool reply;
		int want;
	} t[] = {
		{ REQ "\x00\x00\x00\x00", false, 0 },
		{ REQ "\x00\x01\x00\x00", false, 0 },
		{ REQ "\x00\x02\x00\x00", false, 0 },
		{ REQ "\x00\x03\x00\x00", false, MPA_E_REVISION },
		{ REQ "\x00\xff\x00\x00", false, MPA_E_REVISION },
		{ REP "\x00\x01\x00\x00", false, MPA_E_KEY },
		{ REQ "\x00\x01\x00\x00", true, MPA_E_KEY },
		{ REQ "\x00\x01\x02\x01", false, MPA_E_TOO_LONG },
		{ REQ "\x00\x01\xff\xff", false, MPA_E_TOO_LONG },
		{ REQ "\x00\x01\x02\x00", false, 0 },
		{ REQ "\x10\x02\x00\x00", false, MPA_E_ENHANCED },
		{ REQ "\x10\x02\x00\x03", false, MPA_E_ENHANCED },
		{ REQ "\x10\x02\x00\x04", false, 0 },
		{ REQ "\x10\x01\x00\x00", false, 0 },
		{ REP "\x30\x02\x00\x24", true, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		uint8_t bytes[MPA_FRAME_MAX] = { 0 };
		struct cur c = cur_of(bytes, sizeof(bytes));
		struct mpa_frame f;

		memcpy(bytes, t[i].head, 20);
		assert_int_equal(mpa_frame_decode(&c, t[i].reply, &f), t[i].want);
	}
}

static void test_bits_and_reserved_bits(void **state)
{
	uint8_t req[24] = REQ "\xff\x02\x00\x04\xff\xff\xff\xff";
	uint8_t rev1[24] = REQ "\xff\x01\x00\x04\xff\xff\xff\xff";
	struct mpa_frame f;
	struct cur c = cur_of(req, sizeof(req));

	(void)state;
	assert_int_equal(mpa_frame_decode(&c, false, &f), 0);
	assert_int_equal(f.flags, MPA_M | MPA_C | MPA_R | MPA_S);
	assert_true(f.a && f.b && f.c && f.d);
	assert_int_equal(f.ird, MPA_NO_NEGOTIATE);
	assert_int_equal(f.ord, MPA_NO_NEGOTIATE);
	c = cur_of(rev1, sizeof(rev1));
	assert_int_equal(mpa_frame_decode(&c, false, &f), 0);
	assert_false(f.enhanced);
	assert_int_equal(f.priv_len, 4);
}

static void test_each_word_bit_round_trip(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 16; i++) {
		struct mpa_frame f = { .reply = true, .rev = 2, .enhanced = true, .ird = 5 };
		struct mpa_frame g;
		uint8_t bytes[24];
		struct pen w = pen_of(bytes, sizeof(bytes));
		struct cur c;

		f.a = i & 1;
		f.b = i & 2;
		f.c = i & 4;
		f.d = i & 8;
		f.ord = (uint16_t)(i * 1000);
		mpa_frame_encode(&w, &f);
		assert_false(w.bad);
		c = cur_of(bytes, w.pos);
		assert_int_equal(mpa_frame_decode(&c, true, &g), 0);
		assert_true(g.a == f.a && g.b == f.b && g.c == f.c && g.d == f.d);
		assert_true(g.ird == f.ird && g.ord == f.ord && g.reply);
	}
}

static void test_encode_limits(void **state)
{
	static const uint8_t priv[MPA_PRIV_MAX + 1];
	struct mpa_frame f = { .rev = 1, .priv = priv, .priv_len = MPA_PRIV_MAX };
	uint8_t bytes[MPA_FRAME_MAX + 8];
	struct pen w = pen_of(bytes, sizeof(bytes));

	(void)state;
	mpa_frame_encode(&w, &f);
	assert_false(w.bad);
	assert_int_equal(w.pos, MPA_FRAME_MAX);
	f.priv_len++;
	w = pen_of(bytes, sizeof(bytes));
	mpa_frame_encode(&w, &f);
	assert_true(w.bad);
	f.rev = 2;
	f.enhanced = true;
	f.priv_len = MPA_PRIV_MAX - 3;
	w = pen_of(bytes, sizeof(bytes));
	mpa_frame_encode(&w, &f);
	assert_true(w.bad);
	f.priv_len = 4;
	w = pen_of(bytes, 27);
	mpa_frame_encode(&w, &f);
	assert_true(w.bad);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_frames),
		cmocka_unit_test(test_every_truncation),
		cmocka_unit_test(test_wrong_key_is_seen_at_its_first_byte),
		cmocka_unit_test(test_outcomes),
		cmocka_unit_test(test_bits_and_reserved_bits),
		cmocka_unit_test(test_each_word_bit_round_trip),
		cmocka_unit_test(test_encode_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
