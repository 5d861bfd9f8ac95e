/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Each reject reason of the login policy, its order, and what an accepted login gets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "srp/login.h"

static const struct login_params params = {
	.target = { .ext = { 1 }, .guid = { 2 } },
	.enabled = true,
	.acl_ok = true,
	.multi_channel = true,
	.immediate = true,
	.max_it_iu_len = 8276,
	.max_ti_iu_len = 1024,
};

/* What a Linux initiator asks for by default. */
static const struct srp_login_req linux_req = {
	.req_it_iu_len = 8260,
	.req_buf_fmt = SRP_BUF_FMT_DIRECT | SRP_BUF_FMT_INDIRECT,
	.req_flags = SRP_LOGIN_IMMED,
	.imm_data_offset = 68,
	.initiator = { .guid = { 9 } },
	.target = { .ext = { 1 }, .guid = { 2 } },
};

static struct login_params p;
static struct srp_login_req req;
static struct login_result res;

static int reset(void **state)
{
	(void)state;
	p = params;
	req = linux_req;
	memset(&res, 0xee, sizeof(res));
	return 0;
}

static void rejects(int reason)
{
	struct login_result before = res;

	assert_int_equal(login_check(&req, &p, &res), reason);
	assert_memory_equal(&res, &before, sizeof(res)); /* set on success only */
	assert_string_not_equal(login_why(reason), "unknown reason");
	assert_string_not_equal(login_why(reason), "login accepted");
}

static void accepts_linux(void **state)
{
	(void)state;
	assert_int_equal(login_check(&req, &p, &res), 0);
	assert_int_equal(res.max_it_iu_len, 8260);
	assert_int_equal(res.max_ti_iu_len, 1024);
	assert_int_equal(res.buf_fmt, 6);
	assert_true(res.single);
	assert_true(res.immediate);
	assert_int_equal(res.imm_data_offset, 68);
	assert_int_equal(res.rsp_flags, SRP_LOGIN_IMMED_SUPP | SRP_LOGIN_SOLNTSUP);
	req.req_flags = SRP_LOGIN_MULTI | SRP_LOGIN_CRSOLNT;
	assert_int_equal(login_check(&req, &p, &res), 0);
	assert_false(res.single);
	assert_false(res.immediate);
	assert_int_equal(res.imm_data_offset, 0);
	assert_int_equal(res.solnt, SRP_LOGIN_CRSOLNT);
}

static void target_id(void **state)
{
	(void)state;
	req.target.guid[7] = 1; /* both halves count */
	rejects(SRP_REJ_NEXUS);
	req.target = params.target;
	req.target.ext[0] = 0;
	rejects(SRP_REJ_NEXUS);
	memset(&req.target, 0, sizeof(req.target));
	rejects(SRP_REJ_NEXUS);
	p.any_target = true;
	assert_int_equal(login_check(&req, &p, &res), 0);
	reset(NULL);
	p.acl_ok = false;
	rejects(SRP_REJ_NEXUS);
}

static void disabled(void **state)
{
	(void)state;
	p.enabled = false;
	rejects(SRP_REJ_RESOURCES);
}

static void iu_length(void **state)
{
	static const uint32_t bad[] = { 0, 1, 63, 8277, 0x7fffffff, 0xffffffff };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		req.req_it_iu_len = bad[i];
		rejects(SRP_REJ_IT_IU_LEN);
	}
	req.req_it_iu_len = 64;
	assert_int_equal(login_check(&req, &p, &res), 0);
	req.req_it_iu_len = 8276;
	assert_int_equal(login_check(&req, &p, &res), 0);
}

static void buffer_formats(void **state)
{
	unsigned bit;

	(void)state;
	for (bit = 0; bit < 16; bit++) {
		reset(NULL);
		req.req_buf_fmt = (uint16_t)BIT(bit);
		if (bit == 1 || bit == 2)
			assert_int_equal(login_check(&req, &p, &res), 0);
		else
			rejects(SRP_REJ_BUF_FMT);
	}
}

static void multi_channel(void **state)
{
	(void)state;
	req.req_flags = SRP_LOGIN_MULTI;
	p.multi_channel = false;
	rejects(SRP_REJ_MULTI_CHANNEL);
	req.req_flags = SRP_LOGIN_SINGLE;
	assert_int_equal(login_check(&req, &p, &res), 0);
	reset(NULL);
	req.req_flags = 2;
	rejects(SRP_REJ_UNSPECIFIED);
	req.req_flags = 3;
	rejects(SRP_REJ_UNSPECIFIED);
}

/* An offset that leaves no room is no reason to refuse; immediate data are just not offered. */
static void immediate_offset(void **state)
{
	static const uint16_t bad[] = { 0, 47, 48, 51, 8260, 0xffff };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		req.imm_data_offset = bad[i];
		assert_int_equal(login_check(&req, &p, &res), 0);
		assert_false(res.immediate);
		assert_int_equal(res.rsp_flags & SRP_LOGIN_IMMED_SUPP, 0);
	}
	req.imm_data_offset = 52;
	assert_int_equal(login_check(&req, &p, &res), 0);
	assert_true(res.immediate);
	p.immediate = false;
	assert_int_equal(login_check(&req, &p, &res), 0);
	assert_false(res.immediate);
}

/* The first rule that fails decides. */
static void order(void **state)
{
	(void)state;
	memset(&req, 0xff, sizeof(req));
	p.enabled = false;
	rejects(SRP_REJ_NEXUS);
	req.target = params.target;
	rejects(SRP_REJ_RESOURCES);
	p.enabled = true;
	rejects(SRP_REJ_IT_IU_LEN);
	req.req_it_iu_len = 64;
	rejects(SRP_REJ_BUF_FMT);
	req.req_buf_fmt = 0;
	rejects(SRP_REJ_UNSPECIFIED);
	req.req_flags = (uint8_t)(0xfc | SRP_LOGIN_MULTI);
	assert_int_equal(login_check(&req, &p, &res), 0);
	assert_false(res.immediate);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(accepts_linux, reset),
		cmocka_unit_test_setup(target_id, reset),
		cmocka_unit_test_setup(disabled, reset),
		cmocka_unit_test_setup(iu_length, reset),
		cmocka_unit_test_setup(buffer_formats, reset),
		cmocka_unit_test_setup(multi_channel, reset),
		cmocka_unit_test_setup(immediate_offset, reset),
		cmocka_unit_test_setup(order, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
