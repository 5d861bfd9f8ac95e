/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "initiator/ichan_rig.h"
#include "wire/srp_aer.h"
#include "wire/srp_cred.h"
#include "wire/srp_login_rej.h"
#include "wire/srp_logout.h"

static void step_type(struct world *w, enum ichan_ev_type type)
{
	step(w, (struct ichan_event){ .type = type });
}

static void assert_acts(const struct world *w, unsigned n, const enum ichan_act_type *want)
{
	assert_int_equal(w->out.count, n);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(w->out.act[i].type, want[i]);
}
#define ASSERT_ACTS(w, ...)                                                                       \
	assert_acts(w,                                                                            \
		    sizeof((enum ichan_act_type[]){ __VA_ARGS__ }) / sizeof(enum ichan_act_type), \
		    (enum ichan_act_type[]){ __VA_ARGS__ })

static void go_connecting(struct world *w)
{
	step_type(w, ICHAN_EV_START);
	step_type(w, ICHAN_EV_RESOLVED);
}

static void go_live(struct world *w, int32_t credits)
{
	struct srp_login_rsp rsp;

	go_connecting(w);
	rsp = good_login(w);
	rsp.req_lim_delta = credits;
	establish(w, &rsp, SRP_LOGIN_RSP_BYTES);
	assert_int_equal(w->c.state, ICHAN_LIVE);
}

static const uint8_t tur_cdb[16];

/* Submit, and return the tag that went out; 0: refused. */
static uint64_t submit(struct world *w, struct ichan_cmd cmd)
{
	const struct ichan_action *a;

	cmd.cdb = tur_cdb;
	cmd.cdb_len = 6;
	step(w, (struct ichan_event){ .type = ICHAN_EV_SUBMIT, .cmd = &cmd });
	a = find(w, ICHAN_ACT_SEND);
	return a ? srp_tag_get(w->iu + 8) : 0;
}

static void respond(struct world *w, struct srp_rsp rsp)
{
	uint8_t b[128];
	struct pen pen = pen_of(b, sizeof(b));

	assert_int_equal(srp_rsp_encode(&rsp, &pen), 0);
	step(w, (struct ichan_event){ .type = ICHAN_EV_RECV, .data = b, .len = pen.pos });
}

/* --- the table --- */

static void test_table(void **state)
{
	(void)state;
	assert_true(ichan_table_complete());
}

/* --- login --- */

static void test_login_request(void **state)
{
	struct srp_login_req req;
	struct world w;
	struct cur in;

	(void)state;
	world_init(&w, true);
	step_type(&w, ICHAN_EV_START);
	ASSERT_ACTS(&w, ICHAN_ACT_ARM, ICHAN_ACT_RESOLVE);
	step_type(&w, ICHAN_EV_RESOLVED);
	ASSERT_ACTS(&w, ICHAN_ACT_OPEN);
	in = cur_of(w.iu, w.out.act[0].len);
	assert_int_equal(srp_login_req_cm_decode(&in, &req), 0);
	assert_int_equal(req.req_it_iu_len, 8260);
	assert_int_equal(req.req_flags, SRP_LOGIN_MULTI | SRP_LOGIN_IMMED);
	assert_int_equal(req.imm_data_offset, 68);
}

static void test_login_ok(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, true);
	go_live(&w, 8);
	ASSERT_ACTS(&w, ICHAN_ACT_DISARM, ICHAN_ACT_UP);
	assert_true(w.c.immediate);
	assert_int_equal(w.c.multi_result, 2);
}

static void refused_login(struct srp_login_rsp rsp, size_t cut)
{
	struct world w;

	world_init(&w, true);
	go_connecting(&w);
	establish(&w, &rsp, cut);
	assert_int_equal(w.c.state, ICHAN_CLOSED);
	assert_int_equal(w.c.why.why, ICHAN_WHY_PROTOCOL);
	ASSERT_ACTS(&w, ICHAN_ACT_DISARM, ICHAN_ACT_DESTROY, ICHAN_ACT_DOWN);
}

static void test_login_bad(void **state)
{
	struct srp_login_rsp rsp;
	struct world w;

	(void)state;
	world_init(&w, true);
	for (size_t cut = 0; cut < SRP_LOGIN_RSP_BYTES; cut++)
		refused_login(good_login(&w), cut);
	rsp = good_login(&w);
	rsp.req_lim_delta = 1;
	refused_login(rsp, SRP_LOGIN_RSP_BYTES);
	rsp.req_lim_delta = -5;
	refused_login(rsp, SRP_LOGIN_RSP_BYTES);
	rsp = good_login(&w);
	rsp.max_it_iu_len--;
	refused_login(rsp, SRP_LOGIN_RSP_BYTES);
	rsp = good_login(&w);
	rsp.max_ti_iu_len = 1025;
	refused_login(rsp, SRP_LOGIN_RSP_BYTES);
	rsp.max_ti_iu_len = 0;
	refused_login(rsp, SRP_LOGIN_RSP_BYTES);
	rsp = good_login(&w);
	rsp.buf_fmt = 0;
	refused_login(rsp, SRP_LOGIN_RSP_BYTES);
}

static void test_login_rejected(void **state)
{
	struct srp_login_rej rej = { .reason = SRP_REJ_NEXUS };
	uint8_t b[SRP_LOGIN_REJ_BYTES];
	struct pen pen = pen_of(b, sizeof(b));
	struct world w;

	(void)state;
	assert_int_equal(srp_login_rej_encode(&rej, &pen), 0);
	for (size_t cut = 0; cut <= sizeof(b); cut++) {
		world_init(&w, true);
		go_connecting(&w);
		step(&w, (struct ichan_event){ .type = ICHAN_EV_REJECTED, .data = b, .len = cut });
		assert_int_equal(w.c.state, ICHAN_CLOSED);
		assert_int_equal(w.c.why.why, ICHAN_WHY_REJECTED);
		assert_int_equal(w.c.why.code, cut == sizeof(b) ? SRP_REJ_NEXUS : 0);
	}
}

/* --- credits and tags --- */

static void test_credits(void **state)
{
	struct world w;
	uint64_t tag[3];

	(void)state;
	world_init(&w, false);
	go_live(&w, 3);
	tag[0] = submit(&w, (struct ichan_cmd){ 0 });
	tag[1] = submit(&w, (struct ichan_cmd){ 0 });
	assert_true(tag[0] && tag[1] && tag[0] != tag[1]);
	assert_false(ichan_room(&w.c)); /* one is kept for a task */
	assert_int_equal(submit(&w, (struct ichan_cmd){ 0 }), 0);
	assert_int_equal(w.out.act[0].code, EAGAIN);
	step(&w,
	     (struct ichan_event){ .type = ICHAN_EV_TASK,
				   .task = &(struct ichan_task){ .function = SRP_TMF_LUN_RESET } });
	ASSERT_ACTS(&w, ICHAN_ACT_SEND);
	assert_int_equal(w.c.req_lim, 0);
	respond(&w, (struct srp_rsp){ .tag = tag[0], .req_lim_delta = 2 });
	ASSERT_ACTS(&w, ICHAN_ACT_ANSWER, ICHAN_ACT_FINISH);
	tag[2] = submit(&w, (struct ichan_cmd){ 0 });
	assert_true(tag[2] && tag[2] != tag[0]);
	/* The old tag finds nothing now, though its slot may be busy again. */
	respond(&w, (struct srp_rsp){ .tag = tag[0], .req_lim_delta = 1 });
	assert_int_equal(w.out.count, 0);
	assert_int_equal(w.c.n_late, 1);
}

static void test_slots_limit(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, false);
	go_live(&w, 100);
	for (unsigned i = 0; i < N_SLOTS; i++)
		assert_true(submit(&w, (struct ichan_cmd){ .lun = i }) != 0);
	assert_int_equal(submit(&w, (struct ichan_cmd){ 0 }), 0);
	assert_int_equal(w.out.act[0].code, EAGAIN);
}

/* --- commands --- */

static void test_descriptors(void **state)
{
	const struct srp_mem_desc piece[3] = { { 0x1000, 1, 512 }, { 9, 2, 1024 }, { 77, 3, 1 } };
	struct srp_cmd_data data;
	struct srp_cmd cmd;
	struct world w;
	struct cur in;

	(void)state;
	for (uint16_t n = 1; n <= 3; n += 2) {
		world_init(&w, false);
		go_live(&w, 8);
		assert_true(submit(&w, (struct ichan_cmd){ .lun = 5,
							   .len = n == 1 ? 512 : 1537,
							   .n_pieces = n,
							   .piece = piece }) != 0);
		in = cur_of(w.iu, w.out.act[0].len);
		assert_int_equal(srp_cmd_decode(&in, &cmd), 0);
		assert_int_equal(srp_cmd_data_decode(&cmd, 0, &data), 0);
		assert_int_equal(data.in.fmt, n == 1 ? SRP_FMT_DIRECT : SRP_FMT_INDIRECT);
		assert_int_equal(data.in.n_desc, n);
		assert_true(srp_data_whole(&data.in));
		assert_int_equal(srp_data_desc(&data.in, n - 1u).key, n);
		assert_int_equal(data.out.fmt, SRP_FMT_NONE);
	}
}

static void test_immediate(void **state)
{
	struct world w;
	uint64_t tag;

	(void)state;
	world_init(&w, true);
	go_live(&w, 8);
	assert_true(ichan_immediate_fits(&w.c, 8192, 32));
	assert_false(ichan_immediate_fits(&w.c, 8193, 16));
	tag = submit(&w, (struct ichan_cmd){ .out = true, .immediate = true, .len = 4096 });
	assert_int_equal(w.out.act[0].len, ICHAN_IMM_OFFSET);
	assert_int_equal(w.out.act[0].flags, ICHAN_SEND_REPORT | ICHAN_SEND_DATA);
	/* Answered before its SEND is known to be done: the data are still being read. */
	respond(&w, (struct srp_rsp){ .tag = tag, .req_lim_delta = 1 });
	ASSERT_ACTS(&w, ICHAN_ACT_ANSWER);
	assert_int_equal(ichan_n_busy(&w.c), 1);
	/* A second answer to it finds nothing. */
	respond(&w, (struct srp_rsp){ .tag = tag, .req_lim_delta = 1 });
	assert_int_equal(w.out.count, 0);
	assert_int_equal(w.c.n_late, 1);
	step(&w, (struct ichan_event){ .type = ICHAN_EV_SENT, .slot = 0 });
	ASSERT_ACTS(&w, ICHAN_ACT_FINISH);
	assert_int_equal(ichan_n_busy(&w.c), 0);
}

/* What a login asks for follows the configuration: event reports, and IUs long enough for the data. */
static void test_login_asks(void **state)
{
	static const struct {
		bool immediate, events;
		uint32_t imm_max, it_iu_len;
	} rows[] = {
		{ false, false, 0, 340 },
		{ false, true, 65536, 340 },
		{ true, false, 0, ICHAN_IMM_OFFSET + 8192 },
		{ true, false, 100, 340 },
		{ true, true, 65536, ICHAN_IMM_OFFSET + 65536 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct ichan_cfg cfg = { .immediate = rows[i].immediate,
					 .events = rows[i].events,
					 .imm_max = rows[i].imm_max,
					 .n_slots = N_SLOTS,
					 .n_pieces = ICHAN_PIECES_MAX,
					 .recv_len = 64 };
		struct srp_login_req req;
		struct world w = { 0 };
		struct cur in;

		ichan_init(&w.c, &cfg, w.slot);
		go_connecting(&w);
		in = cur_of(w.iu, SRP_LOGIN_REQ_CM_BYTES);
		assert_int_equal(srp_login_req_cm_decode(&in, &req), 0);
		assert_int_equal(req.req_it_iu_len, rows[i].it_iu_len);
		assert_int_equal(!!(req.req_flags & SRP_LOGIN_IMMED), rows[i].immediate);
		assert_int_equal(!!(req.req_flags & SRP_LOGIN_AESOLNT), rows[i].events);
	}
}

static void test_answer(void **state)
{
	uint8_t sense[18] = { 0x70, 0, 5 };
	const struct srp_mem_desc piece = { 0x1000, 1, 4096 };
	const struct ichan_cmd cmd = { .len = 4096, .n_pieces = 1, .piece = &piece };
	struct world w;

	(void)state;
	world_init(&w, true);
	go_live(&w, 8);
	respond(&w, (struct srp_rsp){ .tag = submit(&w, cmd),
				      .req_lim_delta = 1,
				      .status = 2,
				      .flags = SRP_RSP_DIUNDER,
				      .data_in_res = 4000,
				      .sense = sense,
				      .sense_len = sizeof(sense) });
	ASSERT_ACTS(&w, ICHAN_ACT_ANSWER, ICHAN_ACT_FINISH);
	assert_int_equal(w.out.act[0].answer.status, 2);
	assert_int_equal(w.out.act[0].answer.residual, 4000);
	assert_int_equal(w.out.act[0].answer.sense_len, sizeof(sense));
	/* More left over than there was. */
	respond(&w, (struct srp_rsp){ .tag = submit(&w, cmd),
				      .flags = SRP_RSP_DIUNDER,
				      .data_in_res = UINT32_MAX });
	assert_int_equal(w.out.act[0].answer.residual, 4096);
	respond(&w, (struct srp_rsp){
			    .tag = submit(&w, cmd), .flags = SRP_RSP_DIOVER, .data_in_res = 512 });
	assert_int_equal(w.out.act[0].answer.residual, -512);
	assert_false(w.out.act[0].answer.residual_out);
	/* Of a command without data nothing else tells which residual it is. */
	respond(&w, (struct srp_rsp){ .tag = submit(&w, (struct ichan_cmd){ 0 }),
				      .flags = SRP_RSP_DOOVER,
				      .data_out_res = 512 });
	assert_int_equal(w.out.act[0].answer.residual, -512);
	assert_true(w.out.act[0].answer.residual_out);
}

/* --- task management --- */

static void task_rsp(struct world *w, uint64_t tag, uint8_t code)
{
	respond(w, (struct srp_rsp){ .tag = tag,
				     .req_lim_delta = 1,
				     .flags = SRP_RSP_RSPVALID,
				     .rsp_code = code });
}

static void test_lun_reset(void **state)
{
	enum ichan_outcome outcome;
	struct world w;
	uint64_t tag;
	uint16_t slot;

	(void)state;
	world_init(&w, false);
	go_live(&w, 8);
	submit(&w, (struct ichan_cmd){ .lun = 1 });
	submit(&w, (struct ichan_cmd){ .lun = 2 });
	step(&w, (struct ichan_event){
			 .type = ICHAN_EV_TASK,
			 .task = &(struct ichan_task){ .lun = 1, .function = SRP_TMF_LUN_RESET } });
	tag = srp_tag_get(w.iu + 8);
	submit(&w, (struct ichan_cmd){ .lun = 1 }); /* after it: not concerned */
	task_rsp(&w, tag, 0);
	ASSERT_ACTS(&w, ICHAN_ACT_FINISH_MANY, ICHAN_ACT_TASK_DONE);
	assert_true(ichan_take_over(&w.c, &slot, &outcome));
	assert_int_equal(slot, 0);
	assert_int_equal(outcome, ICHAN_OUT_ABORTED);
	assert_false(ichan_take_over(&w.c, &slot, &outcome));
	assert_int_equal(ichan_n_busy(&w.c), 2);
}

static void test_expire(void **state)
{
	enum ichan_outcome outcome;
	struct srp_tsk_mgmt tmf;
	struct world w;
	uint64_t tag;
	uint16_t slot;
	struct cur in;

	(void)state;
	for (uint8_t code = 0; code <= 5; code += 5) {
		world_init(&w, false);
		go_live(&w, 8);
		tag = submit(&w, (struct ichan_cmd){ .lun = 1 });
		step(&w, (struct ichan_event){ .type = ICHAN_EV_EXPIRE, .slot = 0 });
		in = cur_of(w.iu, w.out.act[0].len);
		assert_int_equal(srp_tsk_mgmt_decode(&in, &tmf), 0);
		assert_int_equal(tmf.function, SRP_TMF_ABORT_TASK);
		assert_true(tmf.task_tag == tag);
		task_rsp(&w, tmf.tag, code);
		if (code) { /* neither answered nor aborted: nobody knows what the target does */
			assert_int_equal(w.c.state, ICHAN_DRAINING);
			assert_int_equal(w.c.why.why, ICHAN_WHY_TIMEOUT);
			continue;
		}
		ASSERT_ACTS(&w, ICHAN_ACT_FINISH_MANY);
		assert_true(ichan_take_over(&w.c, &slot, &outcome));
		assert_int_equal(outcome, ICHAN_OUT_TIMEOUT);
	}
}

static void test_abort_crosses_answer(void **state)
{
	struct world w;
	uint64_t tag;
	uint64_t abort_tag;

	(void)state;
	world_init(&w, false);
	go_live(&w, 8);
	tag = submit(&w, (struct ichan_cmd){ .lun = 1 });
	step(&w, (struct ichan_event){ .type = ICHAN_EV_EXPIRE, .slot = 0 });
	abort_tag = srp_tag_get(w.iu + 8);
	respond(&w, (struct srp_rsp){ .tag = tag, .req_lim_delta = 1 });
	ASSERT_ACTS(&w, ICHAN_ACT_ANSWER, ICHAN_ACT_FINISH);
	submit(&w, (struct ichan_cmd){ .lun = 1 }); /* the same slot again */
	task_rsp(&w, abort_tag, 5);
	assert_int_equal(w.c.state, ICHAN_LIVE);
	assert_int_equal(ichan_n_busy(&w.c), 1);
	task_rsp(&w, abort_tag, 0); /* answered twice */
	assert_int_equal(w.c.n_late, 1);
	assert_int_equal(ichan_n_busy(&w.c), 1);
}

/* --- the target's requests, violations, the end --- */

static void test_target_requests(void **state)
{
	struct srp_cred_req cred = { .tag = 77, .req_lim_delta = 5 };
	struct srp_aer_req aer = { .tag = 78, .lun = 9, .req_lim_delta = -1 };
	uint8_t b[64];
	struct pen pen = pen_of(b, sizeof(b));
	struct world w;

	(void)state;
	world_init(&w, false);
	go_live(&w, 8);
	assert_int_equal(srp_cred_req_encode(&cred, &pen), 0);
	step(&w, (struct ichan_event){ .type = ICHAN_EV_RECV, .data = b, .len = pen.pos });
	ASSERT_ACTS(&w, ICHAN_ACT_SEND);
	assert_int_equal(w.iu[0], SRP_OP_CRED_RSP);
	assert_int_equal(srp_tag_get(w.iu + 8), 77);
	assert_int_equal(w.c.req_lim, 13);
	pen = pen_of(b, sizeof(b));
	assert_int_equal(srp_aer_req_encode(&aer, &pen), 0);
	step(&w, (struct ichan_event){ .type = ICHAN_EV_RECV, .data = b, .len = pen.pos });
	ASSERT_ACTS(&w, ICHAN_ACT_SEND, ICHAN_ACT_AER);
	assert_int_equal(w.iu[0], SRP_OP_AER_RSP);
	assert_int_equal(w.c.req_lim, 12);
}

static void test_violations(void **state)
{
	static const uint8_t ops[] = { SRP_OP_RSP,      SRP_OP_CRED_REQ, SRP_OP_AER_REQ,
				       SRP_OP_T_LOGOUT, SRP_OP_CMD,      0xff };
	struct world w;

	(void)state;
	for (unsigned i = 0; i < sizeof(ops); i++) {
		uint8_t b[15] = { ops[i] };

		world_init(&w, false);
		go_live(&w, 8);
		step(&w, (struct ichan_event){ .type = ICHAN_EV_RECV, .data = b, .len = 15 });
		assert_int_equal(w.c.state, ICHAN_DRAINING);
		assert_int_equal(w.c.why.why, ICHAN_WHY_PROTOCOL);
		ASSERT_ACTS(&w, ICHAN_ACT_DRAIN, ICHAN_ACT_ARM);
	}
}

static void test_end(void **state)
{
	enum ichan_outcome outcome;
	struct world w;
	uint16_t slot;

	(void)state;
	world_init(&w, false);
	go_live(&w, 8);
	submit(&w, (struct ichan_cmd){ .lun = 1 });
	step_type(&w, ICHAN_EV_LOGOUT);
	ASSERT_ACTS(&w, ICHAN_ACT_SEND, ICHAN_ACT_DISCONNECT, ICHAN_ACT_ARM);
	assert_int_equal(w.iu[0], SRP_OP_I_LOGOUT);
	step_type(&w, ICHAN_EV_DISCONNECTED);
	ASSERT_ACTS(&w, ICHAN_ACT_DRAIN, ICHAN_ACT_ARM);
	assert_int_equal(submit(&w, (struct ichan_cmd){ 0 }), 0);
	assert_int_equal(w.out.act[0].code, ENOTCONN);
	step_type(&w, ICHAN_EV_DRAINED);
	ASSERT_ACTS(&w, ICHAN_ACT_DISARM, ICHAN_ACT_DESTROY, ICHAN_ACT_FINISH_MANY, ICHAN_ACT_DOWN);
	assert_true(ichan_take_over(&w.c, &slot, &outcome));
	assert_int_equal(outcome, ICHAN_OUT_LOST);
	assert_int_equal(w.c.why.why, ICHAN_WHY_CLOSED);
}

static void test_marker_lost(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, false);
	go_live(&w, 8);
	step_type(&w, ICHAN_EV_LOGOUT);
	step_type(&w, ICHAN_EV_DEADLINE);
	ASSERT_ACTS(&w, ICHAN_ACT_DRAIN, ICHAN_ACT_ARM);
	step_type(&w, ICHAN_EV_DEADLINE);
	assert_int_equal(w.c.state, ICHAN_CLOSED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_login_request),
		cmocka_unit_test(test_login_ok),
		cmocka_unit_test(test_login_bad),
		cmocka_unit_test(test_login_rejected),
		cmocka_unit_test(test_credits),
		cmocka_unit_test(test_slots_limit),
		cmocka_unit_test(test_descriptors),
		cmocka_unit_test(test_immediate),
		cmocka_unit_test(test_login_asks),
		cmocka_unit_test(test_answer),
		cmocka_unit_test(test_lun_reset),
		cmocka_unit_test(test_expire),
		cmocka_unit_test(test_abort_crosses_answer),
		cmocka_unit_test(test_target_requests),
		cmocka_unit_test(test_violations),
		cmocka_unit_test(test_end),
		cmocka_unit_test(test_marker_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
