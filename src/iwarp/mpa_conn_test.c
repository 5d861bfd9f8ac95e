/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "iwarp/mpa_conn.h"

#define NO  MPA_NO_NEGOTIATE
#define S   MPA_S
#define ENH .rev = 2, .enhanced = true

static void test_responder(void **state)
{
	static const struct {
		struct iw_mpa_cfg cfg;
		struct mpa_frame req;
		int r;
		struct iw_mpa_agreed want;
	} t[] = {
		/* what the Linux initiator asks for */
		{ { .ord = 16 }, { .flags = S, ENH, .ird = 4 }, 0, { .ord = 4 } },
		{ { .ord = 2 }, { .flags = S, ENH, .ird = 4 }, 0, { .ord = 2 } },
		{ { .ord = 16 }, { .flags = S, ENH, .ird = 0 }, 0, { .ord = 0 } },
		{ { .ord = 16, .ird = 3 },
		  { .flags = S, ENH, .ird = NO, .ord = 9 },
		  0,
		  { .ord = 16, .ird = 3 } },
		/* no words, no negotiation */
		{ { .ord = 16, .ird = 3 }, { .rev = 1 }, 0, { .ord = 16, .ird = 3 } },
		{ { .ord = 16 }, { .rev = 2 }, 0, { .ord = 16 } },
		/* CRC if either wants it */
		{ { 0 }, { .rev = 1, .flags = MPA_C }, 0, { .crc = true } },
		{ { .crc = true }, { .rev = 1 }, 0, { .crc = true } },
		/* markers never */
		{ { 0 }, { .rev = 1, .flags = MPA_M }, IW_MPA_E_MARKERS, { 0 } },
		{ { 0 }, { .flags = S | MPA_M, ENH }, IW_MPA_E_MARKERS, { 0 } },
		/* RTR kinds by preference */
		{ { 0 },
		  { .flags = S, ENH, .a = 1, .b = 1, .c = 1, .d = 1 },
		  0,
		  { .rtr = MPA_RTR_WRITE } },
		{ { 0 }, { .flags = S, ENH, .a = 1, .b = 1, .d = 1 }, 0, { .rtr = MPA_RTR_READ } },
		{ { 0 }, { .flags = S, ENH, .a = 1, .b = 1 }, 0, { .rtr = MPA_RTR_SEND } },
		{ { 0 }, { .flags = S, ENH, .a = 1 }, IW_MPA_E_RTR, { 0 } },
		{ { 0 }, { .flags = S, ENH, .b = 1, .c = 1, .d = 1 }, 0, { 0 } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct iw_mpa_agreed got = { 0 };

		assert_int_equal(iw_mpa_responder(&t[i].cfg, &t[i].req, &got), t[i].r);
		assert_int_equal(got.crc, t[i].want.crc);
		assert_int_equal(got.ird, t[i].want.ird);
		assert_int_equal(got.ord, t[i].want.ord);
		assert_int_equal(got.rtr, t[i].want.rtr);
	}
}

static void test_replies_mirror_the_request(void **state)
{
	static const struct mpa_frame reqs[] = {
		{ .rev = 0 },
		{ .rev = 1, .flags = MPA_C },
		{ .rev = 2 },
		{ .flags = S, ENH, .ird = 4, .a = true, .c = true, .d = true },
		{ .flags = S | MPA_C | MPA_M, ENH },
	};
	const struct iw_mpa_agreed agreed = {
		.crc = true, .ird = 1, .ord = 2, .rtr = MPA_RTR_READ
	};
	struct mpa_frame f;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(reqs); i++) {
		iw_mpa_accept_frame(&reqs[i], &agreed, "x", 1, &f);
		assert_true(f.reply && f.rev == reqs[i].rev && f.enhanced == reqs[i].enhanced);
		assert_int_equal(f.flags, MPA_C | (reqs[i].enhanced ? MPA_S : 0));
		assert_true(f.a && !f.b && !f.c && f.d && f.ird == 1 && f.ord == 2);
		assert_int_equal(f.priv_len, 1);
		iw_mpa_reject_frame(&reqs[i], "xy", 2, &f);
		assert_true(f.reply && f.rev == reqs[i].rev && f.enhanced == reqs[i].enhanced);
		assert_int_equal(f.flags, MPA_R | (reqs[i].flags & (MPA_S | MPA_C)));
		assert_int_equal(f.priv_len, 2);
	}
	iw_mpa_reject_frame(NULL, NULL, 0, &f);
	assert_true(f.reply && f.rev == 2 && !f.enhanced && f.flags == MPA_R);
}

static void test_initiator(void **state)
{
	static const struct {
		struct iw_mpa_cfg cfg;
		struct mpa_frame reply;
		int r;
		struct iw_mpa_agreed want;
	} t[] = {
		{ { .rev = 2, .ird = 16 }, { .flags = S, ENH, .ord = 4 }, 0, { .ird = 4 } },
		{ { .rev = 2, .ird = 16 }, { .flags = S, ENH, .ord = 17 }, IW_MPA_E_IRD, { 0 } },
		{ { .rev = 2, .ird = 16 }, { .flags = S, ENH, .ord = NO }, 0, { .ird = 16 } },
		{ { .rev = 2, .ord = 8 }, { .flags = S, ENH, .ird = 3 }, 0, { .ord = 3 } },
		{ { .rev = 2, .ord = 8 }, { .flags = S, ENH, .ird = NO }, 0, { .ord = 8 } },
		{ { .rev = 2, .ord = 8 }, { .flags = S, ENH, .ird = 100 }, 0, { .ord = 8 } },
		{ { .rev = 1, .ord = 8, .ird = 4 }, { .rev = 1 }, 0, { .ord = 8, .ird = 4 } },
		{ { .rev = 1 }, { .rev = 1, .flags = MPA_C }, 0, { .crc = true } },
		{ { .rev = 1, .crc = true }, { .rev = 1 }, 0, { .crc = true } },
		{ { .rev = 1 }, { .rev = 1, .flags = MPA_M }, IW_MPA_E_MARKERS, { 0 } },
		{ { .rev = 1 }, { .rev = 1, .flags = MPA_R }, IW_MPA_E_REJECTED, { 0 } },
		{ { .rev = 2 }, { .rev = 1, .flags = MPA_R }, IW_MPA_E_REJECTED, { 0 } },
		{ { .rev = 2 }, { .rev = 1 }, IW_MPA_E_REVISION, { 0 } },
		{ { .rev = 2 }, { .rev = 2 }, IW_MPA_E_REVISION, { 0 } },
		{ { .rev = 1 }, { .flags = S, ENH }, IW_MPA_E_REVISION, { 0 } },
		{ { .rev = 2, .rtr_kinds = BIT(MPA_RTR_READ) | BIT(MPA_RTR_WRITE) },
		  { .flags = S, ENH, .a = 1, .d = 1 },
		  0,
		  { .rtr = MPA_RTR_READ } },
		{ { .rev = 2, .rtr_kinds = BIT(MPA_RTR_WRITE) },
		  { .flags = S, ENH, .a = 1, .d = 1 },
		  IW_MPA_E_RTR,
		  { 0 } },
		{ { .rev = 2, .rtr_kinds = BIT(MPA_RTR_WRITE) },
		  { .flags = S, ENH, .c = 1 },
		  IW_MPA_E_RTR,
		  { 0 } },
		{ { .rev = 2 }, { .flags = S, ENH, .a = 1, .d = 1 }, 0, { 0 } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct iw_mpa_agreed got = { 0 };

		assert_int_equal(iw_mpa_initiator(&t[i].cfg, &t[i].reply, &got), t[i].r);
		assert_int_equal(got.crc, t[i].want.crc);
		assert_int_equal(got.ird, t[i].want.ird);
		assert_int_equal(got.ord, t[i].want.ord);
		assert_int_equal(got.rtr, t[i].want.rtr);
	}
}

/* Whatever two sides are set to: if both are content they agree on the same things. */
static void test_both_sides_agree(void **state)
{
	unsigned agreed = 0;

	(void)state;
	for (unsigned i = 0; i < 2 * 2 * 2 * 8 * 4 * 4; i++) {
		struct iw_mpa_cfg ini = { .rev = (uint8_t)(1 + (i & 1)), .crc = i & 2 };
		struct iw_mpa_cfg rsp = { .crc = i & 4 };
		struct iw_mpa_agreed a = { 0 };
		struct iw_mpa_agreed b = { 0 };
		struct mpa_frame req, rep;

		if (ini.rev == 2)
			ini.rtr_kinds = (i >> 3 & 7) << 1;
		ini.ird = (uint16_t)(i >> 6 & 3);
		ini.ord = 3;
		rsp.ord = 2;
		rsp.ird = (uint16_t)(i >> 8 & 3);
		iw_mpa_request_frame(&ini, NULL, 0, &req);
		assert_int_equal(iw_mpa_responder(&rsp, &req, &b), 0);
		iw_mpa_accept_frame(&req, &b, NULL, 0, &rep);
		assert_int_equal(iw_mpa_initiator(&ini, &rep, &a), 0);
		assert_int_equal(a.crc, b.crc);
		assert_int_equal(a.rtr, b.rtr);
		assert_int_equal(a.rtr != MPA_RTR_NONE, ini.rtr_kinds != 0);
		if (ini.rev == 2) {
			assert_true(a.ord <= b.ird);
			assert_true(b.ord <= a.ird);
		}
		agreed++;
	}
	assert_int_equal(agreed, 1024);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_responder),
		cmocka_unit_test(test_replies_mirror_the_request),
		cmocka_unit_test(test_initiator),
		cmocka_unit_test(test_both_sides_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
