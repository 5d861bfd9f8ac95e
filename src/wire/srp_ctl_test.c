/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "wire/srp_codec_test.h"
#include "wire/srp_aer.h"
#include "wire/srp_cred.h"
#include "wire/srp_logout.h"
#include "wire/srp_tsk_mgmt.h"

/* clang-format off: eight bytes of the IU to a line */
#define TAG 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18
#define LUN 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef

static const uint8_t abort_task[SRP_TSK_MGMT_BYTES] = {
	0x01, 0x06, 0, 0,    0, 0,    0,    0,    TAG,  0,    0,    0,    0,
	LUN,  0,    0, 0x01, 0, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28, /* task_tag */
	0,    0,    0, 0,    0, 0,    0,    0,
};

static const uint8_t lun_reset[SRP_TSK_MGMT_BYTES] = {
	0x01, 0x00, 0, 0, 0, 0, 0, 0, TAG, 0, 0, 0, 0, LUN, 0, 0, 0x08,
	0,    0,    0, 0, 0, 0, 0, 0, 0,   0, 0, 0, 0, 0,   0, 0, 0,
};

static const uint8_t cred_req[SRP_CRED_BYTES] = { 0x81, 0x01, 0, 0, 0xff, 0xff, 0xff, 0xfe, TAG };
static const uint8_t cred_rsp[SRP_CRED_BYTES] = { 0x41, 0, 0, 0, 0, 0, 0, 0, TAG };
static const uint8_t aer_rsp[SRP_AER_RSP_BYTES] = { 0x42, 0, 0, 0, 0, 0, 0, 0, TAG };
static const uint8_t i_logout[SRP_LOGOUT_BYTES] = { 0x03, 0, 0, 0, 0, 0, 0, 0, TAG };
static const uint8_t t_logout[SRP_LOGOUT_BYTES] = { 0x80, 0x01, 0, 0, 0, 0, 0, 0x04, TAG };

static const uint8_t aer_req[SRP_AER_REQ_BYTES + 18] = {
	0x82, 0x00, 0,    0,    0x00, 0x00, 0x00, 0x01, TAG,  0, 0,    0, 0, LUN,
	0x00, 0x00, 0x00, 0x12, 0,    0,    0,    0,    0x70, 0, 0x06, 0, 0, 0,
	0,    10,   0,    0,    0,    0,    0x29, 0x00, 0,    0, 0,    0, /* reset */
};
/* clang-format on */

SRP_DEFINE_RECODE(srp_tsk_mgmt, srp_tsk_mgmt)
SRP_DEFINE_RECODE(srp_cred_req, srp_cred_req)
SRP_DEFINE_RECODE(srp_cred_rsp, srp_cred_rsp)
SRP_DEFINE_RECODE(srp_aer_req, srp_aer_req)
SRP_DEFINE_RECODE(srp_aer_rsp, srp_aer_rsp)
SRP_DEFINE_RECODE(srp_i_logout, srp_i_logout)
SRP_DEFINE_RECODE(srp_t_logout, srp_t_logout)

static void check_all(srp_recode_fn *recode, const uint8_t *iu, size_t len,
		      const struct codec_field *field)
{
	const struct codec_case c = {
		.recode = recode,
		.iu = iu,
		.len = len,
		.field = field,
		.min_pen = min_size(len, iu[0] == SRP_OP_AER_REQ ? SRP_AER_REQ_BYTES : len),
	};

	codec_check(&c);
}

static const uint8_t tag_bytes[] = { TAG };

static void test_tsk_mgmt(void **state)
{
	static const struct codec_field abort_field[] = {
		{ 0, 1, 0xff },  { 1, 1, 0x06 },  { 8, 8, 0xff }, { 20, 8, 0xff },
		{ 30, 1, 0xff }, { 32, 8, 0xff }, { 0 },
	};
	static const struct codec_field reset_field[] = {
		{ 0, 1, 0xff },  { 1, 1, 0x06 },  { 8, 8, 0xff },
		{ 20, 8, 0xff }, { 30, 1, 0xff }, { 0 },
	};
	struct cur in = cur_of(abort_task, sizeof(abort_task));
	struct srp_tsk_mgmt t;

	(void)state;
	check_all(recode_srp_tsk_mgmt, abort_task, sizeof(abort_task), abort_field);
	/* Its task_tag has no meaning; kernel initiators put a constant there. */
	check_all(recode_srp_tsk_mgmt, lun_reset, sizeof(lun_reset), reset_field);
	assert_int_equal(srp_tsk_mgmt_decode(&in, &t), 0);
	assert_memory_equal(&t.tag, tag_bytes, 8);
	assert_memory_equal(&t.task_tag, abort_task + 32, 8);
	assert_true(t.lun == 0x0123456789abcdef);
	assert_int_equal(t.function, SRP_TMF_ABORT_TASK);
	assert_int_equal(t.sol_not, SRP_SCSOLNT | SRP_UCSOLNT);
	assert_string_equal(srp_tmf_text(t.function), "ABORT TASK");
	in = cur_of(lun_reset, sizeof(lun_reset));
	assert_int_equal(srp_tsk_mgmt_decode(&in, &t), 0);
	assert_int_equal(t.function, SRP_TMF_LUN_RESET);
	assert_true(t.task_tag == 0);
	assert_string_equal(srp_tmf_text(0x20), "unknown function");
}

static void test_cred(void **state)
{
	static const struct codec_field req_field[] = {
		{ 0, 1, 0xff },
		{ 1, 1, 0x01 },
		{ 4, 12, 0xff },
		{ 0 },
	};
	static const struct codec_field rsp_field[] = { { 0, 1, 0xff }, { 8, 8, 0xff }, { 0 } };
	struct cur in = cur_of(cred_req, sizeof(cred_req));
	struct srp_cred_req r;

	(void)state;
	check_all(recode_srp_cred_req, cred_req, sizeof(cred_req), req_field);
	check_all(recode_srp_cred_rsp, cred_rsp, sizeof(cred_rsp), rsp_field);
	assert_int_equal(srp_cred_req_decode(&in, &r), 0);
	assert_int_equal(r.req_lim_delta, -2);
	assert_int_equal(r.sol_not, SRP_SOLNT);
	assert_memory_equal(&r.tag, tag_bytes, 8);
}

static void test_aer(void **state)
{
	static const struct codec_field req_field[] = {
		{ 0, 1, 0xff },  { 1, 1, 0x01 },  { 4, 4, 0xff },   { 8, 8, 0xff },
		{ 20, 8, 0xff }, { 28, 4, 0xff }, { 36, 18, 0xff }, { 0 },
	};
	static const struct codec_field rsp_field[] = { { 0, 1, 0xff }, { 8, 8, 0xff }, { 0 } };
	struct cur in = cur_of(aer_req, sizeof(aer_req));
	struct srp_aer_req r;

	(void)state;
	check_all(recode_srp_aer_req, aer_req, sizeof(aer_req), req_field);
	check_all(recode_srp_aer_rsp, aer_rsp, sizeof(aer_rsp), rsp_field);
	assert_int_equal(srp_aer_req_decode(&in, &r), 0);
	assert_int_equal(r.req_lim_delta, 1);
	assert_true(r.lun == 0x0123456789abcdef);
	assert_int_equal(r.sense_len, 18);
	assert_ptr_equal(r.sense, aer_req + 36);
	assert_int_equal(cur_left(&in), 0);
}

/* The length on the wire is the length of what was sent, not of what there was to send. */
static void test_aer_sense_is_cut(void **state)
{
	uint8_t buf[SRP_AER_REQ_BYTES + 8];
	struct pen out = pen_of(buf, sizeof(buf));
	struct srp_aer_req r = { .sense = aer_req + 36, .sense_len = 18 };
	struct srp_aer_req none = { .tag = 1 };

	(void)state;
	assert_int_equal(srp_aer_req_encode(&r, &out), 0);
	assert_int_equal(out.pos, 44);
	assert_int_equal(get_be32(buf + 28), 8);
	assert_memory_equal(buf + 36, r.sense, 8);
	out = pen_of(buf, sizeof(buf));
	assert_int_equal(srp_aer_req_encode(&none, &out), 0);
	assert_int_equal(out.pos, 36);
}

static void test_aer_huge_sense(void **state)
{
	uint8_t iu[sizeof(aer_req)];
	struct cur in = cur_of(iu, sizeof(iu));
	struct srp_aer_req r;

	(void)state;
	memcpy(iu, aer_req, sizeof(iu));
	put_be32(iu + 28, UINT32_MAX);
	assert_int_equal(srp_aer_req_decode(&in, &r), SRP_E_TRUNCATED);
}

static void test_logout(void **state)
{
	static const struct codec_field i_field[] = { { 0, 1, 0xff }, { 8, 8, 0xff }, { 0 } };
	static const struct codec_field t_field[] = {
		{ 0, 1, 0xff },
		{ 1, 1, 0x01 },
		{ 4, 12, 0xff },
		{ 0 },
	};
	struct cur in = cur_of(t_logout, sizeof(t_logout));
	struct srp_t_logout t;

	(void)state;
	check_all(recode_srp_i_logout, i_logout, sizeof(i_logout), i_field);
	check_all(recode_srp_t_logout, t_logout, sizeof(t_logout), t_field);
	assert_int_equal(srp_t_logout_decode(&in, &t), 0);
	assert_int_equal(t.reason, SRP_LOGOUT_MULTI_CHANNEL);
	assert_string_equal(srp_logout_reason_text(t.reason), "terminated by a new login");
	assert_string_equal(srp_logout_reason_text(5), "unknown reason");
}

static void test_head_peek(void **state)
{
	struct cur in = cur_of(cred_req, sizeof(cred_req));
	struct srp_head h = { .op = 0xff };

	(void)state;
	for (size_t n = 0; n < SRP_HEAD_BYTES; n++) {
		struct cur cut = cur_of(cred_req, n);

		assert_int_equal(srp_head_peek(&cut, &h), SRP_E_TRUNCATED);
		assert_int_equal(h.op, 0xff);
	}
	assert_int_equal(srp_head_peek(&in, &h), 0);
	assert_int_equal(in.pos, 0);
	assert_int_equal(h.op, SRP_OP_CRED_REQ);
	assert_memory_equal(&h.tag, tag_bytes, 8);
}

static void test_texts(void **state)
{
	int named = 0;

	(void)state;
	for (int op = 0; op < 256; op++)
		named += strcmp(srp_op_text((uint8_t)op), "unknown IU") != 0;
	assert_int_equal(named, 12);
	assert_string_equal(srp_op_text(SRP_OP_CMD), "CMD");
	for (int e = 0; e <= SRP_E_NO_SPACE; e++)
		assert_string_not_equal(srp_e_text(e), "unknown outcome");
	assert_string_equal(srp_e_text(SRP_E_NO_SPACE + 1), "unknown outcome");
	assert_string_equal(srp_e_text(-1), "unknown outcome");
}

static void test_mem_desc(void **state)
{
	static const uint8_t bytes[SRP_MEM_DESC_BYTES] = {
		1, 2, 3, 4, 5, 6, 7, 8, 0xa, 0xb, 0xc, 0xd, 0xfe, 0xff, 0, 1,
	};
	struct srp_mem_desc d = srp_mem_desc_get(bytes);
	uint8_t back[SRP_MEM_DESC_BYTES];

	(void)state;
	assert_true(d.va == 0x0102030405060708);
	assert_int_equal(d.key, 0x0a0b0c0d);
	assert_int_equal(d.len, 0xfeff0001);
	srp_mem_desc_put(back, &d);
	assert_memory_equal(back, bytes, sizeof(bytes));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tsk_mgmt),
		cmocka_unit_test(test_cred),
		cmocka_unit_test(test_aer),
		cmocka_unit_test(test_aer_sense_is_cut),
		cmocka_unit_test(test_aer_huge_sense),
		cmocka_unit_test(test_logout),
		cmocka_unit_test(test_head_peek),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_mem_desc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
