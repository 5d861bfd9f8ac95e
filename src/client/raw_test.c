/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Raw channels end to end, over TCP on loopback, against the rig. */
#include <libsrp/raw.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cur.h"
#include "client/rig.h"

#define LOGIN_BYTES 56u

struct world {
	struct rig rig;
	struct srp_ctx *ctx;
	struct srp_raw *raw;
	bool up;
	bool down;
	enum srp_down_reason why;
	uint8_t answer[64]; /* of the login */
	size_t answer_len;
	unsigned n_ius;
	uint8_t iu[256]; /* the last one */
	size_t iu_len;
};

static void on_up(struct srp_raw *raw, void *user, const void *iu, size_t len)
{
	struct world *w = user;

	assert_ptr_equal(raw, w->raw);
	assert_false(w->up || w->down);
	w->up = true;
	w->answer_len = len;
	memcpy(w->answer, iu, min_size(len, sizeof(w->answer)));
}

static void on_recv(struct srp_raw *raw, void *user, const void *iu, size_t len)
{
	struct world *w = user;

	(void)raw;
	assert_true(w->up && !w->down);
	w->n_ius++;
	w->iu_len = len;
	memcpy(w->iu, iu, min_size(len, sizeof(w->iu)));
}

static void on_down(struct srp_raw *raw, void *user, const struct srp_raw_down *why)
{
	struct world *w = user;

	(void)raw;
	assert_false(w->down);
	assert_non_null(why->text);
	w->down = true;
	w->why = why->reason;
	if (why->reason != SRP_DOWN_REJECTED)
		return;
	w->answer_len = why->iu_len;
	if (why->iu_len)
		memcpy(w->answer, why->iu, min_size(why->iu_len, sizeof(w->answer)));
}

static const struct srp_raw_ops ops = { on_up, on_recv, on_down };

#define RUN_UNTIL(w, cond)                                         \
	do {                                                       \
		for (unsigned i_ = 0; !(cond) && i_ < 20000; i_++) \
			rig_run(&(w)->rig, (w)->ctx);              \
		assert_true(cond);                                 \
	} while (0)

static void start(struct world *w, enum rig_fault fault, struct srp_raw_opts o)
{
	uint8_t login[LOGIN_BYTES] = { 'm', 'y', ' ', 't', 'a', 'g' };

	memset(w, 0, sizeof(*w));
	rig_init(&w->rig);
	w->rig.fault = fault;
	put_be16(login + 8, 6);
	put_be32(login + 12, 8276);
	assert_int_equal(srp_ctx_new(&w->ctx, NULL), 0);
	o.host = o.host ? o.host : "127.0.0.1";
	o.port = w->rig.port;
	o.login = login;
	o.login_len = sizeof(login);
	assert_int_equal(srp_raw_connect(&w->raw, w->ctx, &o, &ops, w), 0);
	memset(login, 0xff, sizeof(login)); /* it was copied */
	RUN_UNTIL(w, w->up || w->down);
}

static void stop(struct world *w)
{
	if (!w->down) {
		assert_int_equal(srp_raw_free(w->raw), -EBUSY);
		srp_raw_close(w->raw, SRP_CLOSE_LOGOUT);
		srp_raw_close(w->raw, SRP_CLOSE_LOGOUT); /* once more does nothing */
		RUN_UNTIL(w, w->down);
	}
	assert_int_equal(srp_ctx_free(w->ctx), -EBUSY);
	assert_int_equal(srp_raw_free(w->raw), 0);
	assert_int_equal(srp_ctx_free(w->ctx), 0);
	rig_deinit(&w->rig);
}

/* A READ(10) or WRITE(10) with one direct descriptor. */
static void rw(struct world *w, bool write, uint32_t lba, void *buf, uint32_t len, uint32_t key,
	       uint64_t tag)
{
	uint8_t iu[64] = { 0x02 };

	iu[5] = write ? 0x10 : 0x01;
	put_be64(iu + 8, tag);
	iu[32] = write ? 0x2a : 0x28;
	put_be32(iu + 34, lba);
	put_be16(iu + 39, (uint16_t)(len / 512));
	put_be64(iu + 48, (uintptr_t)buf);
	put_be32(iu + 56, key);
	put_be32(iu + 60, len);
	assert_int_equal(srp_raw_send(w->raw, iu, sizeof(iu)), 0);
}

static void moves_data(void **state)
{
	static uint8_t out[8192];
	static uint8_t in[8192];
	uint32_t out_key;
	uint32_t in_key;
	struct world w;

	(void)state;
	start(&w, RIG_OK, (struct srp_raw_opts){ 0 });
	assert_true(w.up);
	assert_int_equal(w.answer_len, 52);
	assert_int_equal(w.answer[0], 0xc0);
	assert_int_equal(srp_raw_reg(w.raw, out, sizeof(out), SRP_MEM_READABLE, &out_key), 0);
	assert_int_equal(srp_raw_reg(w.raw, in, sizeof(in), SRP_MEM_WRITABLE, &in_key), 0);
	memset(out, 0x5c, sizeof(out));
	rw(&w, true, 8, out, sizeof(out), out_key, 0x1122334455667788);
	RUN_UNTIL(&w, w.n_ius == 1);
	assert_int_equal(w.iu[0], 0xc1);
	assert_true(get_be64(w.iu + 8) == 0x1122334455667788);
	rw(&w, false, 8, in, sizeof(in), in_key, 7);
	RUN_UNTIL(&w, w.n_ius == 2);
	assert_memory_equal(in, out, sizeof(in));
	stop(&w);
	assert_int_equal(w.why, SRP_DOWN_CLOSED);
}

/* More than the ring of three holds, many times over. */
static void ring(void **state)
{
	uint8_t iu[48] = { 0x02 };
	unsigned sent = 0;
	struct world w;

	(void)state;
	start(&w, RIG_OK, (struct srp_raw_opts){ .n_send = 3, .max_send = 48, .n_recv = 4 });
	while (sent < 50) {
		int r = srp_raw_send(w.raw, iu, sizeof(iu));

		if (r == 0) {
			sent++;
			continue;
		}
		assert_int_equal(r, -EAGAIN);
		RUN_UNTIL(&w, w.n_ius == sent);
	}
	RUN_UNTIL(&w, w.n_ius == 50);
	assert_int_equal(srp_raw_send(w.raw, iu, 49), -EMSGSIZE);
	assert_int_equal(srp_raw_send(w.raw, iu, 0), -EMSGSIZE);
	stop(&w);
}

static void refused(void **state)
{
	struct world w;

	(void)state;
	start(&w, RIG_REJECT, (struct srp_raw_opts){ 0 });
	assert_false(w.up);
	assert_int_equal(w.why, SRP_DOWN_REJECTED);
	assert_true(w.answer_len >= 32 && w.answer[0] == 0xc2);
	assert_int_equal(get_be32(w.answer + 4), 0x00010003);
	stop(&w);
	start(&w, RIG_REJECT_BARE, (struct srp_raw_opts){ 0 });
	assert_int_equal(w.why, SRP_DOWN_REJECTED);
	assert_int_equal(w.answer_len, 0);
	stop(&w);
}

static void ends(void **state)
{
	uint8_t iu[48] = { 0x02 };
	uint32_t key;
	struct world w;

	(void)state;
	start(&w, RIG_CUT, (struct srp_raw_opts){ 0 });
	assert_int_equal(srp_raw_send(w.raw, iu, sizeof(iu)), 0);
	RUN_UNTIL(&w, w.down);
	assert_int_equal(w.why, SRP_DOWN_DISCONNECTED);
	assert_int_equal(srp_raw_send(w.raw, iu, sizeof(iu)), -ENOTCONN);
	assert_int_equal(srp_raw_reg(w.raw, iu, sizeof(iu), SRP_MEM_READABLE, &key), -ENOTCONN);
	stop(&w);
	start(&w, RIG_OK, (struct srp_raw_opts){ 0 });
	srp_raw_close(w.raw, SRP_CLOSE_ABRUPT);
	assert_false(w.down); /* in a later round */
	RUN_UNTIL(&w, w.down);
	assert_int_equal(w.why, SRP_DOWN_CLOSED);
	stop(&w);
}

static void arguments(void **state)
{
	struct srp_raw_opts o = { .host = "127.0.0.1",
				  .login_len = SRP_RAW_LOGIN_MAX + 1,
				  .login = "" };
	struct srp_ctx *ctx;
	struct srp_raw *raw;
	uint8_t buf[64];
	uint32_t key;
	struct world w;

	(void)state;
	assert_int_equal(srp_ctx_new(&ctx, NULL), 0);
	assert_int_equal(srp_raw_connect(&raw, ctx, &o, &ops, NULL), -EINVAL);
	o.login_len = 0;
	o.reads = 256;
	assert_int_equal(srp_raw_connect(&raw, ctx, &o, &ops, NULL), -EINVAL);
	assert_int_equal(srp_ctx_free(ctx), 0);
	assert_int_equal(srp_raw_free(NULL), 0);
	start(&w, RIG_OK, (struct srp_raw_opts){ 0 });
	assert_int_equal(srp_raw_reg(w.raw, buf, 0, SRP_MEM_READABLE, &key), -EINVAL);
	assert_int_equal(srp_raw_reg(w.raw, buf, 64, 0, &key), -EINVAL);
	for (unsigned i = 0; i < SRP_RAW_REGS_MAX; i++)
		assert_int_equal(srp_raw_reg(w.raw, buf, 64, SRP_MEM_READABLE, &key), 0);
	assert_int_equal(srp_raw_reg(w.raw, buf, 64, SRP_MEM_READABLE, &key), -ENOSPC);
	stop(&w);
}

static void nobody_there(void **state)
{
	struct srp_raw_opts o = { .host = "127.0.0.1", .port = 1 };
	struct world w = { 0 };

	(void)state;
	assert_int_equal(srp_ctx_new(&w.ctx, NULL), 0);
	assert_int_equal(srp_raw_connect(&w.raw, w.ctx, &o, &ops, &w), 0);
	for (unsigned i = 0; i < 5000 && !w.down; i++)
		assert_int_equal(srp_ctx_process(w.ctx, 1), 0);
	assert_true(w.down && !w.up);
	assert_int_equal(w.why, SRP_DOWN_UNREACHABLE);
	assert_int_equal(srp_raw_free(w.raw), 0);
	assert_int_equal(srp_ctx_free(w.ctx), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(moves_data), cmocka_unit_test(ring),
		cmocka_unit_test(refused),    cmocka_unit_test(ends),
		cmocka_unit_test(arguments),  cmocka_unit_test(nobody_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
