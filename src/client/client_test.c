/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The library end to end, over TCP on loopback, against the rig. */
#include <errno.h>
#include <netdb.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cur.h"
#include "base/prng.h"
#include "client/rig.h"
#include "client/client_priv.h"

struct world {
	struct rig rig;
	struct srp_ctx *ctx;
	struct srp_conn *conn;
	bool up;
	bool down;
	struct srp_down why;
	unsigned n_done;
	unsigned n_tasks;
	unsigned n_trace;
	char last_trace[256];
	uint8_t last_attr; /* of the last CMD sent */
};

static void on_up(struct srp_conn *conn, void *user)
{
	struct world *w = user;

	assert_ptr_equal(conn, w->conn);
	assert_false(w->up);
	w->up = true;
}

static void on_down(struct srp_conn *conn, void *user, const struct srp_down *why)
{
	struct world *w = user;

	assert_ptr_equal(conn, w->conn);
	assert_false(w->down);
	w->down = true;
	w->why = *why;
}

static const struct srp_conn_ops test_ops = { .up = on_up, .down = on_down };

static void on_done(struct srp_io *io)
{
	((struct world *)io->user)->n_done++;
}

static void on_task(struct srp_task *t)
{
	((struct world *)t->user)->n_tasks++;
}

#define RUN_UNTIL(w, cond)                                          \
	do {                                                        \
		uint64_t end_ = worker_clock_ns() + 20000000000ull; \
		while (!(cond) && worker_clock_ns() < end_)         \
			rig_run(&(w)->rig, (w)->ctx);               \
		assert_true(cond);                                  \
	} while (0)

static void start(struct world *w, enum rig_fault fault, struct srp_connect_opts o)
{
	memset(w, 0, sizeof(*w));
	rig_init(&w->rig);
	w->rig.fault = fault;
	assert_int_equal(srp_ctx_new(&w->ctx, NULL), 0);
	o.host = o.host ? o.host : "127.0.0.1";
	o.port = w->rig.port;
	assert_int_equal(srp_connect(&w->conn, w->ctx, &o, &test_ops, w), 0);
}

static void start_up(struct world *w, enum rig_fault fault)
{
	start(w, fault, (struct srp_connect_opts){ 0 });
	RUN_UNTIL(w, w->up || w->down);
	assert_true(w->up);
}

static void stop(struct world *w)
{
	if (!w->down) {
		assert_int_equal(srp_conn_free(w->conn), -EBUSY);
		srp_close(w->conn, SRP_CLOSE_LOGOUT);
		RUN_UNTIL(w, w->down);
	}
	assert_int_equal(srp_ctx_free(w->ctx), -EBUSY);
	assert_int_equal(srp_conn_free(w->conn), 0);
	assert_int_equal(srp_ctx_free(w->ctx), 0);
	rig_deinit(&w->rig);
}

static struct srp_io rw(struct world *w, enum srp_dir dir, uint32_t lba, void *buf, size_t len)
{
	struct srp_io io = { .cdb_len = 10,
			     .dir = dir,
			     .n_iov = 1,
			     .one = { buf, len },
			     .done = on_done,
			     .user = w };

	io.cdb[0] = dir == SRP_DIR_READ ? 0x28 : 0x2a;
	put_be32(io.cdb + 2, lba);
	put_be16(io.cdb + 7, (uint16_t)(len / 512));
	return io;
}

static struct srp_io tur(struct world *w)
{
	return (struct srp_io){ .cdb_len = 6, .done = on_done, .user = w };
}

static void fill(uint8_t *p, size_t len, uint64_t seed)
{
	struct prng r = prng_of(seed);

	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)prng_u64(&r);
}

/* --- what works --- */

static void do_io(struct world *w, struct srp_io *io)
{
	unsigned before = w->n_done;

	assert_int_equal(srp_submit(w->conn, io), 0);
	RUN_UNTIL(w, w->n_done > before);
}

static void test_read_write(void **state)
{
	/* immediate at its limit, just above it, small, large */
	static const size_t sizes[] = { 512, 8192, 8704, 524288 };
	static uint8_t a[524288];
	static uint8_t b[524288];
	struct srp_io io;
	struct world w;

	(void)state;
	start_up(&w, RIG_OK);
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		fill(a, sizes[i], i);
		io = rw(&w, SRP_DIR_WRITE, 7, a, sizes[i]);
		do_io(&w, &io);
		assert_int_equal(io.outcome, SRP_IO_DONE);
		assert_int_equal(io.status, 0);
		assert_memory_equal(w.rig.disk + (size_t)7 * 512, a, sizes[i]);
		io = rw(&w, SRP_DIR_READ, 7, b, sizes[i]);
		do_io(&w, &io);
		assert_memory_equal(a, b, sizes[i]);
	}
	stop(&w);
	assert_int_equal(w.rig.n_logouts, 1);
	assert_int_equal(w.why.reason, SRP_DOWN_CLOSED);
}

static void test_pieces(void **state)
{
	static uint8_t a[32768];
	static uint8_t b[32768];
	const struct iovec out[3] = { { a, 512 }, { a + 512, 20000 }, { a + 20512, 12256 } };
	const struct iovec in[2] = { { b, 32767 }, { b + 32767, 1 } };
	struct srp_io io;
	struct world w;

	(void)state;
	start_up(&w, RIG_OK);
	fill(a, sizeof(a), 5);
	io = rw(&w, SRP_DIR_WRITE, 0, a, sizeof(a));
	io.iov = out;
	io.n_iov = 3;
	do_io(&w, &io);
	io = rw(&w, SRP_DIR_READ, 0, b, sizeof(b));
	io.iov = in;
	io.n_iov = 2;
	do_io(&w, &io);
	assert_memory_equal(a, b, sizeof(a));
	stop(&w);
}

static void test_registered(void **state)
{
	static uint8_t a[65536];
	struct srp_mem *mem;
	struct srp_io io;
	struct world w;

	(void)state;
	start_up(&w, RIG_OK);
	fill(w.rig.disk, sizeof(a), 6);
	assert_int_equal(srp_mem_reg(&mem, w.conn, a, 0, SRP_MEM_WRITABLE), -EINVAL);
	assert_int_equal(srp_mem_reg(&mem, w.conn, a, sizeof(a), SRP_MEM_WRITABLE), 0);
	io = rw(&w, SRP_DIR_READ, 8, a + 4096, 4096);
	io.mem = mem;
	do_io(&w, &io);
	assert_memory_equal(a + 4096, w.rig.disk + 4096, 4096);
	io = rw(&w, SRP_DIR_READ, 8, a + 65536 - 512, 1024); /* one half lies outside */
	io.mem = mem;
	assert_int_equal(srp_submit(w.conn, &io), -EINVAL);
	srp_mem_dereg(mem);
	stop(&w);
}

static void test_credit_limit(void **state)
{
	struct srp_io io[RIG_CREDITS];
	struct srp_conn_info info;
	struct world w;

	(void)state;
	start_up(&w, RIG_OK);
	srp_conn_info(w.conn, &info);
	assert_int_equal(info.depth, RIG_CREDITS - 1);
	for (unsigned i = 0; i < RIG_CREDITS; i++) {
		io[i] = tur(&w);
		assert_int_equal(srp_submit(w.conn, &io[i]), i + 1 < RIG_CREDITS ? 0 : -EAGAIN);
	}
	RUN_UNTIL(&w, w.n_done == RIG_CREDITS - 1);
	srp_conn_info(w.conn, &info);
	assert_int_equal(info.in_flight, 0);
	assert_int_equal(info.req_lim, RIG_CREDITS);
	stop(&w);
}

/* Far more commands than the ring of IUs has places. */
struct flood {
	struct world *w;
	unsigned left;
};

static void on_flood(struct srp_io *io)
{
	struct flood *f = io->user;

	assert_int_equal(io->outcome, SRP_IO_DONE);
	f->w->n_done++;
	if (f->left) {
		f->left--;
		assert_int_equal(srp_submit(f->w->conn, io), 0);
	}
}

static void test_many(void **state)
{
	struct srp_io io[8];
	uint8_t buf[8][1024];
	struct world w;
	struct flood f = { &w, 5000 };

	(void)state;
	start_up(&w, RIG_CRED_REQ);
	for (unsigned i = 0; i < 8; i++) {
		io[i] = rw(&w, i & 1 ? SRP_DIR_READ : SRP_DIR_WRITE, i, buf[i], 1024);
		io[i].done = on_flood;
		io[i].user = &f;
		assert_int_equal(srp_submit(w.conn, &io[i]), 0);
	}
	RUN_UNTIL(&w, w.n_done == 5008);
	RUN_UNTIL(&w, w.rig.n_cred_rsps == 5008);
	stop(&w);
}

static void test_sense(void **state)
{
	uint8_t buf[512];
	struct srp_io io;
	struct world w;

	(void)state;
	start_up(&w, RIG_SENSE);
	io = rw(&w, SRP_DIR_READ, 0, buf, sizeof(buf));
	do_io(&w, &io);
	assert_int_equal(io.outcome, SRP_IO_DONE);
	assert_int_equal(io.status, 2);
	assert_int_equal(io.residual, 100);
	assert_int_equal(io.sense_len, 18);
	assert_int_equal(io.sense[12], 0x24);
	stop(&w);
}

static void on_trace(void *user, struct srp_conn *conn, bool sent, const void *iu, size_t len,
		     const char *text)
{
	struct world *w = user;

	(void)conn;
	assert_true(len >= 16);
	w->n_trace++;
	if (sent && *(const uint8_t *)iu == 0x02)
		w->last_attr = ((const uint8_t *)iu)[29];
	if (sent)
		(void)snprintf(w->last_trace, sizeof(w->last_trace), "%s", text);
}

static void test_trace(void **state)
{
	uint8_t buf[512] = { 0 };
	struct srp_io io;
	struct world w;

	(void)state;
	start_up(&w, RIG_OK);
	srp_ctx_set_trace(w.ctx, on_trace, &w);
	io = rw(&w, SRP_DIR_WRITE, 0, buf, sizeof(buf));
	do_io(&w, &io);
	assert_int_equal(w.n_trace, 2);
	assert_non_null(strstr(w.last_trace, "WRITE(10)"));
	assert_non_null(strstr(w.last_trace, "out 512 bytes immediate"));
	assert_int_equal(w.last_attr, SRP_ATTR_SIMPLE);
	io.task_attr = SRP_ATTR_ORDERED;
	do_io(&w, &io);
	assert_int_equal(w.last_attr, SRP_ATTR_ORDERED);
	stop(&w);
}

/* --- misuse that is reported --- */

static void test_bad_calls(void **state)
{
	uint8_t buf[512];
	struct srp_conn *conn;
	struct srp_io io;
	struct srp_task task = { .function = SRP_TASK_ABORT, .victim = &io, .done = on_task };
	struct world w;

	(void)state;
	start_up(&w, RIG_OK);
	assert_int_equal(srp_connect(&conn, w.ctx, &(struct srp_connect_opts){ 0 }, &test_ops, &w),
			 -EINVAL);
	io = tur(&w);
	io.cdb_len = 7;
	assert_int_equal(srp_submit(w.conn, &io), -EINVAL);
	io = tur(&w);
	io.task_attr = 3; /* is reserved */
	assert_int_equal(srp_submit(w.conn, &io), -EINVAL);
	io = rw(&w, SRP_DIR_READ, 0, buf, 0);
	assert_int_equal(srp_submit(w.conn, &io), -EINVAL);
	io = rw(&w, SRP_DIR_READ, 0, buf, 512);
	io.n_iov = 2;
	assert_int_equal(srp_submit(w.conn, &io), -EINVAL);
	assert_int_equal(srp_task_mgmt(w.conn, &task), -ENOENT);
	stop(&w);
}

/* --- what goes wrong --- */

static void login_fails(enum rig_fault fault, enum srp_down_reason reason, uint32_t code)
{
	struct world w;

	start(&w, fault, (struct srp_connect_opts){ 0 });
	RUN_UNTIL(&w, w.up || w.down);
	assert_false(w.up);
	assert_int_equal(w.why.reason, reason);
	assert_int_equal(w.why.code, code);
	stop(&w);
}

static void test_login_fails(void **state)
{
	struct world w;

	(void)state;
	login_fails(RIG_REJECT, SRP_DOWN_REJECTED, 0x00010003);
	login_fails(RIG_REJECT_BARE, SRP_DOWN_REJECTED, 0);
	login_fails(RIG_SHORT_LOGIN, SRP_DOWN_PROTOCOL, 0);
	login_fails(RIG_ONE_CREDIT, SRP_DOWN_PROTOCOL, 0);
	start(&w, RIG_OK, (struct srp_connect_opts){ .host = "not a name" });
	RUN_UNTIL(&w, w.down);
	assert_int_equal(w.why.reason, SRP_DOWN_UNREACHABLE);
	stop(&w);
}

/* A name with several addresses: the rig listens on one of them only. */
static void test_second_address(void **state)
{
	struct addrinfo *a;
	struct world w;

	(void)state;
	if (getaddrinfo("localhost", NULL, NULL, &a))
		skip(); /* a root directory without /etc/hosts knows no such name */
	freeaddrinfo(a);
	start(&w, RIG_OK, (struct srp_connect_opts){ .host = "localhost" });
	RUN_UNTIL(&w, w.up || w.down);
	assert_true(w.up);
	stop(&w);
}

static void test_close_early(void **state)
{
	struct world w;

	(void)state;
	start(&w, RIG_OK, (struct srp_connect_opts){ 0 });
	srp_close(w.conn, SRP_CLOSE_LOGOUT);
	srp_close(w.conn, SRP_CLOSE_ABRUPT);
	assert_false(w.down);
	RUN_UNTIL(&w, w.down);
	assert_int_equal(w.why.reason, SRP_DOWN_CLOSED);
	stop(&w);
}

static void lost(enum rig_fault fault, bool close_it, enum srp_down_reason reason)
{
	uint8_t buf[65536];
	struct srp_io io[2];
	struct world w;

	start_up(&w, fault);
	io[0] = rw(&w, SRP_DIR_WRITE, 0, buf, sizeof(buf));
	io[1] = tur(&w);
	memset(buf, 1, sizeof(buf));
	assert_int_equal(srp_submit(w.conn, &io[0]), 0);
	assert_int_equal(srp_submit(w.conn, &io[1]), 0);
	if (close_it)
		srp_close(w.conn, SRP_CLOSE_ABRUPT);
	RUN_UNTIL(&w, w.down);
	assert_int_equal(w.n_done, 2);
	assert_int_equal(io[0].outcome, SRP_IO_LOST);
	assert_int_equal(io[1].outcome, SRP_IO_LOST);
	assert_int_equal(w.why.reason, reason);
	assert_int_equal(srp_submit(w.conn, &io[0]), -ENOTCONN);
	stop(&w);
}

static void test_lost(void **state)
{
	(void)state;
	lost(RIG_CUT, false, SRP_DOWN_DISCONNECTED);
	lost(RIG_LOGOUT, false, SRP_DOWN_LOGGED_OUT);
	lost(RIG_SILENT, true, SRP_DOWN_CLOSED);
	lost(RIG_OK, true, SRP_DOWN_CLOSED);
}

static void test_twice(void **state)
{
	struct srp_conn_info info;
	struct srp_io io;
	struct world w;

	(void)state;
	start_up(&w, RIG_TWICE);
	io = tur(&w);
	do_io(&w, &io);
	io = tur(&w);
	do_io(&w, &io);
	RUN_UNTIL(&w, (srp_conn_info(w.conn, &info), info.late_responses >= 2));
	assert_int_equal(w.n_done, 2);
	stop(&w);
}

static void test_garbage(void **state)
{
	(void)state;
	for (unsigned seed = 0; seed < 60; seed++) {
		uint8_t buf[512];
		struct srp_io io;
		struct world w;

		start_up(&w, RIG_GARBAGE);
		w.rig.seed = seed;
		io = rw(&w, SRP_DIR_READ, 0, buf, sizeof(buf));
		assert_int_equal(srp_submit(w.conn, &io), 0);
		for (unsigned i = 0; i < 20 && !w.down; i++)
			rig_run(&w.rig, w.ctx);
		if (!w.down)
			srp_close(w.conn, SRP_CLOSE_ABRUPT);
		RUN_UNTIL(&w, w.down);
		assert_int_equal(w.n_done, 1);
		stop(&w);
	}
}

static void test_timeout(void **state)
{
	struct srp_io io[2];
	struct world w;

	(void)state;
	start_up(&w, RIG_SILENT);
	for (unsigned i = 0; i < 2; i++) {
		io[i] = tur(&w);
		io[i].timeout_ms = 300;
		assert_int_equal(srp_submit(w.conn, &io[i]), 0);
	}
	RUN_UNTIL(&w, w.n_done == 2);
	assert_int_equal(io[0].outcome, SRP_IO_TIMEOUT);
	assert_int_equal(io[1].outcome, SRP_IO_TIMEOUT);
	assert_false(w.down);
	stop(&w);
}

static void test_task(void **state)
{
	struct srp_io io[2];
	struct srp_task task = { .function = SRP_TASK_ABORT, .victim = &io[1], .done = on_task };
	struct world w;

	(void)state;
	start_up(&w, RIG_SILENT);
	task.user = &w;
	for (unsigned i = 0; i < 2; i++) {
		io[i] = tur(&w);
		io[i].lun = srp_lun(i);
		assert_int_equal(srp_submit(w.conn, &io[i]), 0);
	}
	assert_int_equal(srp_task_mgmt(w.conn, &task), 0);
	assert_int_equal(srp_task_mgmt(w.conn, &task), -EBUSY);
	RUN_UNTIL(&w, w.n_tasks == 1);
	assert_int_equal(task.outcome, SRP_TASK_DONE);
	assert_int_equal(w.n_done, 1);
	assert_int_equal(io[1].outcome, SRP_IO_ABORTED);
	task = (struct srp_task){ .function = SRP_TASK_LUN_RESET, .done = on_task, .user = &w };
	assert_int_equal(srp_task_mgmt(w.conn, &task), 0);
	RUN_UNTIL(&w, w.n_tasks == 2);
	assert_int_equal(w.n_done, 2);
	assert_int_equal(io[0].outcome, SRP_IO_ABORTED);
	stop(&w);
}

static void test_task_unanswered(void **state)
{
	struct srp_task task = { .function = SRP_TASK_LUN_RESET,
				 .timeout_ms = 300,
				 .done = on_task };
	struct world w;

	(void)state;
	start_up(&w, RIG_DEAF);
	task.user = &w;
	assert_int_equal(srp_task_mgmt(w.conn, &task), 0);
	RUN_UNTIL(&w, w.down);
	assert_int_equal(w.n_tasks, 1);
	assert_int_equal(task.outcome, SRP_TASK_LOST);
	assert_int_equal(w.why.reason, SRP_DOWN_TIMEOUT);
	stop(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read_write),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_registered),
		cmocka_unit_test(test_credit_limit),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_sense),
		cmocka_unit_test(test_trace),
		cmocka_unit_test(test_bad_calls),
		cmocka_unit_test(test_login_fails),
		cmocka_unit_test(test_second_address),
		cmocka_unit_test(test_close_early),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_twice),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_timeout),
		cmocka_unit_test(test_task),
		cmocka_unit_test(test_task_unanswered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
