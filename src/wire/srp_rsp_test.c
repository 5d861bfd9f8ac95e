/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "wire/srp_codec_test.h"
#include "wire/srp_rsp.h"

#define TAG 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18

/* clang-format off: eight bytes of the IU to a line */
/* CHECK CONDITION with sense (invalid field in CDB), both residuals. */
static const uint8_t failed[SRP_RSP_BYTES + 18] = {
	0xc1, 0x01, 0,    0,    0x00, 0x00, 0x00, 0x01, TAG,  0,    0,    0x26, 0x02, 0x00, 0x00,
	0x02, 0x00, /* DIUNDER, DOOVER, SNSVALID; 512 */
	0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x12, 0x00, 0x00, 0x00, 0x00, 0x70, 0,    0x05,
	0,    0,    0,    0,    10,   0,    0,    0,    0,    0x24, 0x00, 0,    0,    0,    0,
};

/* Task management function failed. */
static const uint8_t tmf[SRP_RSP_BYTES + SRP_RSP_DATA_BYTES] = {
	0xc1, 0x00, 0, 0, 0xff, 0xff, 0xff, 0xff, TAG,  0,    0,    0x01, 0x00, 0, 0, 0,    0,
	0,    0,    0, 0, 0,    0,    0,    0,    0x00, 0x00, 0x00, 0x04, 0,    0, 0, 0x05,
};

/* Both at once: the sense data stand behind the response data. */
static const uint8_t both[SRP_RSP_BYTES + SRP_RSP_DATA_BYTES + 3] = {
	0xc1, 0x00, 0,    0,    0x00, 0x00, 0x00, 0x02, TAG,  0,    0,    0x03,
	0x02, 0,    0,    0,    0,    0,    0,    0,    0,    0x00, 0x00, 0x00,
	0x03, 0x00, 0x00, 0x00, 0x04, 0,    0,    0,    0x02, 0x70, 0x71, 0x72,
};
/* clang-format on */

SRP_DEFINE_RECODE(srp_rsp, srp_rsp)

static void test_failed(void **state)
{
	static const struct codec_field field[] = {
		{ 0, 1, 0xff },  { 1, 1, 0x01 },  { 4, 12, 0xff },  { 18, 1, 0x3f },
		{ 19, 9, 0xff }, { 28, 4, 0xff }, { 36, 18, 0xff }, { 0 },
	};
	const struct codec_case c = {
		.recode = recode_srp_rsp,
		.iu = failed,
		.len = sizeof(failed),
		.field = field,
		.min_pen = SRP_RSP_BYTES,
	};
	struct cur in = cur_of(failed, sizeof(failed));
	struct srp_rsp r;

	(void)state;
	codec_check(&c);
	assert_int_equal(srp_rsp_decode(&in, &r), 0);
	assert_memory_equal(&r.tag, failed + 8, 8);
	assert_int_equal(r.req_lim_delta, 1);
	assert_int_equal(r.sol_not, SRP_SOLNT);
	assert_int_equal(r.status, 2);
	assert_int_equal(r.flags, SRP_RSP_DIUNDER | SRP_RSP_DOOVER | SRP_RSP_SNSVALID);
	assert_int_equal(r.data_out_res, 512);
	assert_int_equal(r.data_in_res, 65536);
	assert_int_equal(r.sense_len, 18);
	assert_ptr_equal(r.sense, failed + 36);
	assert_int_equal(r.rsp_code, 0);
}

static void test_tmf(void **state)
{
	/*
	 * Residuals and sense length mean nothing here and are ignored; SNSVALID would announce no
	 * bytes, and is dropped.
	 */
	static const struct codec_field field[] = {
		{ 0, 1, 0xff },  { 1, 1, 0x01 },  { 4, 12, 0xff }, { 18, 1, 0x3d },
		{ 19, 1, 0xff }, { 32, 4, 0xff }, { 39, 1, 0xff }, { 0 },
	};
	const struct codec_case c = {
		.recode = recode_srp_rsp,
		.iu = tmf,
		.len = sizeof(tmf),
		.field = field,
		.min_pen = sizeof(tmf),
	};
	struct cur in = cur_of(tmf, sizeof(tmf));
	struct srp_rsp r;

	(void)state;
	codec_check(&c);
	assert_int_equal(srp_rsp_decode(&in, &r), 0);
	assert_int_equal(r.req_lim_delta, -1);
	assert_int_equal(r.rsp_code, SRP_RSP_CODE_TMF_FAILED);
	assert_int_equal(r.sense_len, 0);
	assert_null(r.sense);
}

static void test_both(void **state)
{
	static const struct codec_field field[] = {
		{ 0, 1, 0xff },  { 1, 1, 0x01 },  { 4, 12, 0xff }, { 18, 1, 0x3f },
		{ 19, 1, 0xff }, { 28, 8, 0xff }, { 39, 4, 0xff }, { 0 },
	};
	const struct codec_case c = {
		.recode = recode_srp_rsp,
		.iu = both,
		.len = sizeof(both),
		.field = field,
		.min_pen = SRP_RSP_BYTES + SRP_RSP_DATA_BYTES,
	};
	struct cur in = cur_of(both, sizeof(both));
	struct srp_rsp r;

	(void)state;
	codec_check(&c);
	assert_int_equal(srp_rsp_decode(&in, &r), 0);
	assert_int_equal(r.rsp_code, SRP_RSP_CODE_INVALID_FIELDS);
	assert_ptr_equal(r.sense, both + 40);
	assert_int_equal(r.sense_len, 3);
}

/* A residual or a length without its flag is stale memory of the sender, not a value. */
static void test_fields_need_their_flags(void **state)
{
	uint8_t iu[SRP_RSP_BYTES];
	struct cur in = cur_of(iu, sizeof(iu));
	struct pen out = pen_of(iu, sizeof(iu));
	struct srp_rsp r = { .data_out_res = 5, .data_in_res = 6, .rsp_code = 7 };

	(void)state;
	assert_int_equal(srp_rsp_encode(&r, &out), 0);
	for (size_t i = 18; i < sizeof(iu); i++)
		assert_int_equal(iu[i], 0);
	memset(iu + 20, 0xff, 16);
	assert_int_equal(srp_rsp_decode(&in, &r), 0);
	assert_int_equal(r.data_out_res, 0);
	assert_int_equal(r.data_in_res, 0);
	assert_int_equal(r.sense_len, 0);
	assert_int_equal(r.rsp_code, 0);
}

static void test_residual_flags_one_by_one(void **state)
{
	static const uint8_t flag[] = { SRP_RSP_DOOVER, SRP_RSP_DOUNDER, SRP_RSP_DIOVER,
					SRP_RSP_DIUNDER };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(flag); i++) {
		uint8_t iu[SRP_RSP_BYTES];
		struct cur in = cur_of(iu, sizeof(iu));
		struct pen out = pen_of(iu, sizeof(iu));
		struct srp_rsp r = { .flags = flag[i], .data_out_res = 5, .data_in_res = 6 };

		assert_int_equal(srp_rsp_encode(&r, &out), 0);
		assert_int_equal(srp_rsp_decode(&in, &r), 0);
		assert_int_equal(r.flags, flag[i]);
		assert_int_equal(r.data_out_res, i < 2 ? 5 : 0);
		assert_int_equal(r.data_in_res, i < 2 ? 0 : 6);
	}
}

static void test_sense_is_cut(void **state)
{
	uint8_t buf[64];
	struct pen out;
	struct srp_rsp r = { .status = 2, .sense = failed + 36, .sense_len = 18 };

	(void)state;
	out = pen_of(buf, SRP_RSP_BYTES + 8);
	assert_int_equal(srp_rsp_encode(&r, &out), 0);
	assert_int_equal(out.pos, SRP_RSP_BYTES + 8);
	assert_int_equal(buf[18], SRP_RSP_SNSVALID);
	assert_int_equal(get_be32(buf + 28), 8);
	assert_memory_equal(buf + 36, failed + 36, 8);
	/* Nothing left of it: then it is not announced either. */
	out = pen_of(buf, SRP_RSP_BYTES);
	assert_int_equal(srp_rsp_encode(&r, &out), 0);
	assert_int_equal(buf[18], 0);
	assert_int_equal(get_be32(buf + 28), 0);
	/* The flag follows the data, whatever the caller says. */
	r = (struct srp_rsp){ .flags = SRP_RSP_SNSVALID };
	out = pen_of(buf, sizeof(buf));
	assert_int_equal(srp_rsp_encode(&r, &out), 0);
	assert_int_equal(buf[18], 0);
}

static void test_hostile_lengths(void **state)
{
	static const uint32_t bad[] = { 0, 3, 8, 0x7fffffff, 0xfffffffc, UINT32_MAX };
	uint8_t iu[sizeof(both)];
	struct srp_rsp r = { .tag = 9 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct cur in = cur_of(iu, sizeof(iu));

		memcpy(iu, both, sizeof(iu));
		put_be32(iu + 32,
			 bad[i]); /* response data: not 4, so too short or no room for sense */
		assert_int_equal(srp_rsp_decode(&in, &r), SRP_E_TRUNCATED);
		in = cur_of(iu, sizeof(iu));
		put_be32(iu + 32, 4);
		put_be32(iu + 28, bad[i] > 3 ? bad[i] : 4);
		assert_int_equal(srp_rsp_decode(&in, &r), SRP_E_TRUNCATED);
		assert_int_equal(r.tag, 9);
	}
}

/* Longer response data than the standard's are skipped, so the sense behind them is found. */
static void test_long_response_data(void **state)
{
	uint8_t iu[SRP_RSP_BYTES + 8 + 3] = { 0xc1, [18] = 0x03, [31] = 3, [35] = 8, [39] = 4 };
	struct cur in = cur_of(iu, sizeof(iu));
	struct srp_rsp r;

	(void)state;
	assert_int_equal(srp_rsp_decode(&in, &r), 0);
	assert_int_equal(r.rsp_code, SRP_RSP_CODE_TMF_NOT_SUPPORTED);
	assert_ptr_equal(r.sense, iu + 44);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_failed),
		cmocka_unit_test(test_tmf),
		cmocka_unit_test(test_both),
		cmocka_unit_test(test_fields_need_their_flags),
		cmocka_unit_test(test_residual_flags_one_by_one),
		cmocka_unit_test(test_sense_is_cut),
		cmocka_unit_test(test_hostile_lengths),
		cmocka_unit_test(test_long_response_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
