/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "wire/srp_codec_test.h"
#include "wire/srp_login_rej.h"
#include "wire/srp_login_req.h"
#include "wire/srp_login_rsp.h"

/* clang-format off: eight bytes of the IU to a line */
#define TAG 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18
#define IPID                                                                                      \
	0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xab, 0xac, 0xad, 0xae, \
		0xaf
#define TPID                                                                                      \
	0xb0, 0xb1, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xbb, 0xbc, 0xbd, 0xbe, \
		0xbf

static const uint8_t req_ib[SRP_LOGIN_REQ_IB_BYTES] = {
	0x00, 0,    0,    0, 0,    0,    0, 0, TAG, 0x00, 0x00, 0x20, 0x44, 0, 0, 0, 0, /* 8260 */
	0x00, 0x06, 0x81, 0, 0x00, 0x44, 0, 0, /* formats, multi + immediate, 68 */
	IPID, TPID,
};

static const uint8_t req_cm[SRP_LOGIN_REQ_CM_BYTES] = {
	TAG,  0x00, 0x06, 0x81, 0x00, 0x00, 0x00, 0x20, 0x44, /* formats, flags, opcode, 8260 */
	IPID, TPID, 0x00, 0x44, 0,    0,    0,    0,    0,    0,
};

static const uint8_t rsp[SRP_LOGIN_RSP_BYTES] = {
	0xc0, 0,    0,    0,    0x00, 0x00, 0x00, 0x80,       /* 128 credits */
	TAG,  0x00, 0x00, 0x20, 0x54, 0x00, 0x00, 0x04, 0x00, /* 8276, 1024 */
	0x00, 0x06, 0x82, 0,    0,    0,    0,    0,          /* formats, continue + immediate */
};

static const uint8_t rej[SRP_LOGIN_REJ_BYTES] = {
	0xc2, 0, 0, 0, 0x00, 0x01, 0x00, 0x03, /* no such nexus */
	TAG,  0, 0, 0, 0,    0,    0,    0,    0, 0x00, 0x06, 0, 0, 0, 0, 0, 0,
};
/* clang-format on */

SRP_DEFINE_RECODE(srp_login_rsp, srp_login_rsp)
SRP_DEFINE_RECODE(srp_login_rej, srp_login_rej)
SRP_DEFINE_RECODE(srp_login_req_ib, srp_login_req)
SRP_DEFINE_RECODE(srp_login_req_cm, srp_login_req)

static void check_req(const struct srp_login_req *r)
{
	static const struct srp_port_id ipid = {
		.ext = { 0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7 },
		.guid = { 0xa8, 0xa9, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf },
	};
	static const uint8_t tag[] = { TAG };

	assert_memory_equal(&r->tag, tag, 8);
	assert_int_equal(r->req_it_iu_len, 8260);
	assert_int_equal(r->req_buf_fmt, SRP_BUF_FMT_DIRECT | SRP_BUF_FMT_INDIRECT);
	assert_int_equal(r->req_flags, SRP_LOGIN_IMMED | SRP_LOGIN_MULTI);
	assert_int_equal(r->imm_data_offset, 68);
	assert_true(srp_port_id_eq(&r->initiator, &ipid));
	assert_false(srp_port_id_eq(&r->target, &ipid));
	assert_int_equal(r->target.ext[0], 0xb0);
	assert_int_equal(r->target.guid[7], 0xbf);
}

static void test_req_ib(void **state)
{
	static const struct codec_field field[] = {
		{ 0, 1, 0xff },  { 8, 8, 0xff },  { 16, 4, 0xff },  { 24, 2, 0xff },
		{ 26, 1, 0xf3 }, { 28, 2, 0xff }, { 32, 32, 0xff }, { 0 },
	};
	const struct codec_case c = {
		.recode = recode_srp_login_req_ib,
		.iu = req_ib,
		.len = sizeof(req_ib),
		.field = field,
		.min_pen = sizeof(req_ib),
	};
	struct cur in = cur_of(req_ib, sizeof(req_ib));
	struct srp_login_req r;

	(void)state;
	codec_check(&c);
	assert_int_equal(srp_login_req_ib_decode(&in, &r), 0);
	check_req(&r);
	assert_int_equal(in.pos, sizeof(req_ib));
}

static void test_req_cm(void **state)
{
	static const struct codec_field field[] = {
		{ 0, 10, 0xff },
		{ 10, 1, 0xf3 },
		{ 11, 39, 0xff },
		{ 0 },
	};
	const struct codec_case c = {
		.recode = recode_srp_login_req_cm,
		.iu = req_cm,
		.len = sizeof(req_cm),
		.field = field,
		.min_pen = sizeof(req_cm),
	};
	struct cur in = cur_of(req_cm, sizeof(req_cm));
	struct srp_login_req r;

	(void)state;
	codec_check(&c);
	assert_int_equal(srp_login_req_cm_decode(&in, &r), 0);
	check_req(&r);
	assert_int_equal(in.pos, sizeof(req_cm));
}

/* InfiniBand pads private data to 92 bytes; the padding is no part of the IU. */
static void test_req_padded(void **state)
{
	uint8_t padded[92];
	struct cur in = cur_of(padded, sizeof(padded));
	struct srp_login_req r;

	(void)state;
	memset(padded, 0xee, sizeof(padded));
	memcpy(padded, req_ib, sizeof(req_ib));
	assert_int_equal(srp_login_req_ib_decode(&in, &r), 0);
	check_req(&r);
	assert_int_equal(cur_left(&in), 92 - 64);
}

static void test_req_offset_needs_the_flag(void **state)
{
	struct srp_login_req r;
	uint8_t iu[SRP_LOGIN_REQ_IB_BYTES];
	uint8_t cm[SRP_LOGIN_REQ_CM_BYTES];
	struct cur in = cur_of(iu, sizeof(iu));
	struct cur cm_in = cur_of(cm, sizeof(cm));
	struct pen out = pen_of(iu, sizeof(iu));

	(void)state;
	memcpy(cm, req_cm, sizeof(cm));
	cm[10] = SRP_LOGIN_SINGLE;
	assert_int_equal(srp_login_req_cm_decode(&cm_in, &r), 0);
	assert_int_equal(r.imm_data_offset, 0);
	r.imm_data_offset = 68;
	assert_int_equal(srp_login_req_ib_encode(&r, &out), 0);
	assert_int_equal(get_be16(iu + 28), 0);
	iu[28] = 1;
	assert_int_equal(srp_login_req_ib_decode(&in, &r), 0);
	assert_int_equal(r.imm_data_offset, 0);
}

static void test_opcode(void **state)
{
	struct srp_login_req r = { .tag = 7 };
	struct srp_login_rsp s = { .tag = 8 };
	struct cur in = cur_of(rej, sizeof(rej));
	uint8_t iu[SRP_LOGIN_REQ_IB_BYTES];
	struct cur req_in = cur_of(iu, sizeof(iu));

	(void)state;
	memcpy(iu, req_ib, sizeof(iu));
	iu[0] = SRP_OP_CMD;
	assert_int_equal(srp_login_req_ib_decode(&req_in, &r), SRP_E_OPCODE);
	assert_int_equal(r.tag, 7);
	/* A reject is shorter than a response, and that is what is noticed first. */
	assert_int_equal(srp_login_rsp_decode(&in, &s), SRP_E_TRUNCATED);
	assert_int_equal(s.tag, 8);
}

static void test_rsp(void **state)
{
	static const struct codec_field field[] = {
		{ 0, 1, 0xff },
		{ 4, 22, 0xff },
		{ 26, 1, 0x93 },
		{ 0 },
	};
	const struct codec_case c = {
		.recode = recode_srp_login_rsp,
		.iu = rsp,
		.len = sizeof(rsp),
		.field = field,
		.min_pen = sizeof(rsp),
	};
	struct cur in = cur_of(rsp, sizeof(rsp));
	struct srp_login_rsp r;

	(void)state;
	codec_check(&c);
	assert_int_equal(srp_login_rsp_decode(&in, &r), 0);
	assert_int_equal(r.req_lim_delta, 128);
	assert_int_equal(r.max_it_iu_len, 8276);
	assert_int_equal(r.max_ti_iu_len, 1024);
	assert_int_equal(r.buf_fmt, 6);
	assert_int_equal(r.rsp_flags, SRP_LOGIN_IMMED_SUPP | SRP_LOGIN_RESULT_CONTINUE);
}

static void test_rej(void **state)
{
	static const struct codec_field field[] = {
		{ 0, 1, 0xff },
		{ 4, 12, 0xff },
		{ 24, 2, 0xff },
		{ 0 },
	};
	const struct codec_case c = {
		.recode = recode_srp_login_rej,
		.iu = rej,
		.len = sizeof(rej),
		.field = field,
		.min_pen = sizeof(rej),
	};
	struct cur in = cur_of(rej, sizeof(rej));
	struct srp_login_rej r;

	(void)state;
	codec_check(&c);
	assert_int_equal(srp_login_rej_decode(&in, &r), 0);
	assert_int_equal(r.reason, SRP_REJ_NEXUS);
	assert_int_equal(r.buf_fmt, 6);
}

static void test_reason_text(void **state)
{
	const char *unknown = srp_rej_reason_text(0);

	(void)state;
	assert_string_equal(unknown, "unknown reason");
	assert_string_equal(srp_rej_reason_text(SRP_REJ_CHANNEL_LIMIT + 1), unknown);
	for (uint32_t r = SRP_REJ_UNSPECIFIED; r <= SRP_REJ_CHANNEL_LIMIT; r++) {
		assert_string_not_equal(srp_rej_reason_text(r), unknown);
		if (r > SRP_REJ_UNSPECIFIED)
			assert_string_not_equal(srp_rej_reason_text(r), srp_rej_reason_text(r - 1));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_req_ib),     cmocka_unit_test(test_req_cm),
		cmocka_unit_test(test_req_padded), cmocka_unit_test(test_req_offset_needs_the_flag),
		cmocka_unit_test(test_opcode),     cmocka_unit_test(test_rsp),
		cmocka_unit_test(test_rej),        cmocka_unit_test(test_reason_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
