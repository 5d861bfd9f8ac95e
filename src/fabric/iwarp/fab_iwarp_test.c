/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What is particular to iWARP over TCP: peers that misbehave below the seam, played by plain sockets. */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "fabric/fabric_rig.h"
#include "fabric/iwarp/fab_iwarp.h"
#include "fabric/iwarp/fi.h"

static const struct fab_qp_attr attr = { .sq_depth = 64,
					 .rq_depth = 64,
					 .max_sge = 8,
					 .max_rd_atomic = 4 };

/* Revision 2, IRD 4, ORD 0, no private data behind the enhanced words. */
static const uint8_t request[24] = "MPA ID Req Frame\x10\x02\x00\x04\x00\x04\x00\x00";

static struct rig rig;
static struct ep a;
static struct ep b;
static char last_line[256];
static unsigned n_lines;

/* Lines come from worker 0 only, which is this thread. */
static void keep_line(enum log_level level, const char *line, size_t len)
{
	(void)level;
	n_lines++;
	len = min_size(len, sizeof(last_line) - 1);
	memcpy(last_line, line, len);
	last_line[len] = 0;
}

static int make(struct fab **ret, const struct fab_limits *limits)
{
	struct fab_iwarp_opts opts = { .disconnect_ms = 100, .connect_ms = 100 };

	if (limits)
		opts.limits = *limits;
	return fab_iwarp_new(ret, &opts);
}

static int make_crc(struct fab **ret, const struct fab_limits *limits)
{
	struct fab_iwarp_opts opts = { .crc_required = true,
				       .max_payload = 1024,
				       .direct_threshold = 512,
				       .first_fpdu_delay_us = 1000 };

	(void)limits;
	return fab_iwarp_new(ret, &opts);
}

static void start(const struct fab_limits *limits)
{
	n_lines = 0;
	log_set_sink(keep_line);
	rig_start(&rig, make, limits, 1, AF_INET);
}

static int raw_connect(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&rig.addr, sizeof(struct sockaddr_in)), 0);
	return fd;
}

static void raw_send(int fd, const void *p, size_t len)
{
	assert_int_equal(send(fd, p, len, MSG_NOSIGNAL), (ssize_t)len);
}

/* Read up to @len bytes; fewer when the connection ends before. */
static size_t raw_recv(int fd, uint8_t *p, size_t len)
{
	uint64_t end = worker_clock_ns() + 5 * NSEC_PER_SEC;
	size_t got = 0;
	ssize_t n;

	while (got < len) {
		n = recv(fd, p + got, len - got, MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EAGAIN))
			break;
		if (n > 0)
			got += (size_t)n;
		else
			rig_pass(&rig, 1);
		if (worker_clock_ns() > end)
			fail_msg("nothing came and nothing ended");
	}
	return got;
}

static void expect_end(int fd)
{
	uint8_t byte;

	assert_int_equal(raw_recv(fd, &byte, 1), 0);
	assert_int_equal(close(fd), 0);
}

/* A raw peer through the handshake, @b at our side. */
static int raw_login(void)
{
	uint8_t reply[24];
	int fd = raw_connect();

	ep_init(&b, &rig, rig.w[0]);
	atomic_store(&rig.next, &b);
	raw_send(fd, request, sizeof(request));
	(void)ep_wait_event(&b, FAB_EV_CONNECT_REQUEST);
	assert_int_equal(ep_qp(&b, &attr), 0);
	assert_int_equal(ep_accept(&b, NULL, 0, 16), 0);
	assert_int_equal(raw_recv(fd, reply, sizeof(reply)), sizeof(reply));
	assert_memory_equal(reply, "MPA ID Rep Frame\x10\x02\x00\x04\x00\x00\x00\x04", 24);
	(void)ep_wait_event(&b, FAB_EV_ESTABLISHED);
	return fd;
}

/* --- handshake, passive --- */

static void bad_requests(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *says;
	} bad[] = {
		{ "GET / HTTP/1.1\r\n", 16, "not an MPA request" },
		{ "MPA ID Rep Frame\x10\x02\x00\x04\x00\x04\x00\x00", 24, "not an MPA request" },
		{ "MPA ID Req Frame\x10\x02\x02\x01", 20, "too much private data" },
		{ "MPA ID Req Frame\x10\x02\x00\x02xx", 22, "malformed" },
		{ "MPA ID Req Frame\x10\x02\x00\x04\x00\x04\x00\x00!", 25, "data behind" },
		{ "MPA", 3, "closed before" },
	};
	unsigned i;
	int fd;

	(void)state;
	start(NULL);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		fd = raw_connect();
		raw_send(fd, bad[i].bytes, bad[i].len);
		if (bad[i].len < 16)
			assert_int_equal(shutdown(fd, SHUT_WR), 0);
		expect_end(fd);
		assert_int_equal(n_lines, i + 1);
		assert_non_null(strstr(last_line, bad[i].says));
		assert_non_null(strstr(last_line, "127.0.0.1:"));
	}
	assert_int_equal(atomic_load(&rig.n_refused), 0);
	rig_stop(&rig);
}

static void refused_in_words(void **state)
{
	static const char *const req[] = { "MPA ID Req Frame\x10\x03\x00\x04\x00\x04\x00\x00",
					   "MPA ID Req Frame\x90\x02\x00\x04\x00\x04\x00\x00" };
	uint8_t reply[24];
	unsigned i;
	int fd;

	(void)state;
	start(NULL);
	for (i = 0; i < ARRAY_SIZE(req); i++) {
		fd = raw_connect();
		raw_send(fd, req[i], 24);
		assert_true(raw_recv(fd, reply, sizeof(reply)) >= 20);
		assert_memory_equal(reply, "MPA ID Rep Frame", 16);
		assert_true(reply[16] & 0x20);
		assert_int_equal(reply[17], 2);
		expect_end(fd);
	}
	rig_stop(&rig);
}

static void request_in_pieces(void **state)
{
	uint8_t reply[24];
	unsigned i;
	int fd;

	(void)state;
	start(NULL);
	fd = raw_connect();
	for (i = 0; i < sizeof(request); i++) {
		raw_send(fd, request + i, 1);
		rig_pass(&rig, 1);
	}
	assert_int_equal(raw_recv(fd, reply, sizeof(reply)), sizeof(reply));
	assert_true(reply[16] & 0x20); /* nobody was waiting: refused */
	expect_end(fd);
	assert_int_equal(atomic_load(&rig.n_refused), 1);
	rig_stop(&rig);
}

static void request_must_come_in_time(void **state)
{
	struct fab_limits limits = { .handshake_ms = 60 };
	uint64_t begin;
	uint64_t took;
	int fd;

	(void)state;
	start(&limits);
	begin = worker_clock_ns();
	fd = raw_connect();
	raw_send(fd, request, sizeof(request) - 1);
	expect_end(fd);
	took = worker_clock_ns() - begin;
	assert_true(took >= 60 * NSEC_PER_MSEC && took < 2 * NSEC_PER_SEC);
	assert_non_null(strstr(last_line, "in time"));
	rig_stop(&rig);
}

static void half_open_logins_are_limited(void **state)
{
	struct fab_limits limits = { .handshakes_per_peer = 3 };
	uint8_t byte;
	int fd[4];
	unsigned i;

	(void)state;
	start(&limits);
	for (i = 0; i < 4; i++) {
		fd[i] = raw_connect();
		rig_pass(&rig, 2);
	}
	expect_end(fd[3]);
	assert_non_null(strstr(last_line, "of this address"));
	/* One that gives up makes room for another. */
	assert_int_equal(close(fd[0]), 0);
	rig_pass(&rig, 5);
	fd[0] = raw_connect();
	raw_send(fd[0], request, sizeof(request));
	assert_int_equal(raw_recv(fd[0], &byte, 1), 1);
	/* The end of the listener is theirs. */
	rig_unlisten(&rig);
	expect_end(fd[1]);
	expect_end(fd[2]);
	assert_int_equal(close(fd[0]), 0);
	rig_stop(&rig);
}

static void all_half_open_logins_are_limited(void **state)
{
	struct fab_limits limits = { .handshakes = 2 };
	int fd[3];
	unsigned i;

	(void)state;
	start(&limits);
	for (i = 0; i < 3; i++) {
		fd[i] = raw_connect();
		rig_pass(&rig, 2);
	}
	expect_end(fd[2]);
	assert_non_null(strstr(last_line, "too many half-open logins,"));
	assert_int_equal(close(fd[0]), 0);
	assert_int_equal(close(fd[1]), 0);
	rig_stop(&rig);
}

/* Without descriptors accept() is tried again later, and then the peers that waited get in. */
static void descriptors_run_out(void **state)
{
	struct rlimit old;
	struct rlimit none;
	struct worker_stats before;
	struct worker_stats after;
	uint8_t reply[24];
	int fd;

	(void)state;
	start(NULL);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = old;
	none.rlim_cur = 3;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&rig.addr, sizeof(struct sockaddr_in)), 0);
	raw_send(fd, request, sizeof(request));
	rig_pass(&rig, 20);
	assert_non_null(strstr(last_line, "cannot accept"));
	before = worker_stats(rig.w[0]);
	rig_pass(&rig, 50);
	after = worker_stats(rig.w[0]);
	assert_true(after.rounds - before.rounds < 200);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_int_equal(raw_recv(fd, reply, sizeof(reply)), sizeof(reply));
	assert_int_equal(close(fd), 0);
	rig_stop(&rig);
}

/* --- the stream --- */

static void garbage_is_answered_with_terminate(void **state)
{
	uint8_t in[8];
	uint8_t out[64];
	struct ep_event ev;
	int fd;

	(void)state;
	start(NULL);
	fd = raw_login();
	assert_int_equal(ep_recv(&b, 1, in, sizeof(in)), 0);
	assert_int_equal(ep_marker(&b, 2), 0);
	ep_wait_wcs(&b, 1); /* the marker: nothing was posted before it */
	raw_send(fd,
		 "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
		 "\xff\xff\xff\xff\xff\xff\xff\xff",
		 24);
	ev = ep_wait_event(&b, FAB_EV_QP_FATAL);
	assert_int_equal(ev.error, -EPROTO);
	assert_non_null(strstr(ev.text, "protocol error: "));
	(void)ep_wait_event(&b, FAB_EV_DISCONNECTED);
	ep_wait_wcs(&b, 2);
	assert_int_equal(b.wc[1].op, FAB_WC_RECV);
	assert_int_equal(b.wc[1].status, FAB_WC_FLUSHED);
	assert_true(raw_recv(fd, out, 28) == 28);
	assert_int_equal(out[3], 0x47); /* RDMAP version 1, Terminate */
	ep_destroy(&b);
	assert_int_equal(close(fd), 0);
	rig_stop(&rig);
}

static void broken_connections(void **state)
{
	static const struct linger now = { .l_onoff = 1 };
	/* The beginning of a Send. */
	static const uint8_t part[] = { 0x00, 0x15, 0x41, 0x43, 0x00, 0x00 };
	int fd;

	(void)state;
	start(NULL);
	fd = raw_login();
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
	assert_int_equal(close(fd), 0);
	assert_int_equal(ep_wait_event(&b, FAB_EV_DISCONNECTED).error, -ECONNRESET);
	ep_destroy(&b);

	fd = raw_login();
	raw_send(fd, part, sizeof(part));
	assert_int_equal(close(fd), 0);
	assert_int_equal(ep_wait_event(&b, FAB_EV_DISCONNECTED).error, -ECONNRESET);
	ep_destroy(&b);

	fd = raw_login();
	assert_int_equal(close(fd), 0);
	assert_int_equal(ep_wait_event(&b, FAB_EV_DISCONNECTED).error, 0);
	rig_pass(&rig, 5);
	assert_int_equal(ep_n_evs(&b), 3);
	ep_destroy(&b);
	rig_stop(&rig);
}

/* A peer that vanished between request and answer. */
static void gone_before_the_answer(void **state)
{
	int fd;

	(void)state;
	start(NULL);
	fd = raw_connect();
	ep_init(&b, &rig, rig.w[0]);
	atomic_store(&rig.next, &b);
	raw_send(fd, request, sizeof(request));
	(void)ep_wait_event(&b, FAB_EV_CONNECT_REQUEST);
	assert_int_equal(close(fd), 0);
	assert_int_equal(ep_qp(&b, &attr), 0);
	if (ep_accept(&b, NULL, 0, 4) == 0)
		(void)ep_wait_event(&b, FAB_EV_DISCONNECTED);
	ep_destroy(&b);
	rig_stop(&rig);
}

/* Neither a peer that never answers our FIN nor one that never reads blocks an end. */
static void silent_peer_is_reset(void **state)
{
	static uint8_t big[1u << 20];
	unsigned i;
	int fd;

	(void)state;
	start(NULL);
	fd = raw_login();
	assert_int_equal(ep_disconnect(&b), 0);
	assert_int_equal(ep_wait_event(&b, FAB_EV_DISCONNECTED).error, -ETIMEDOUT);
	ep_destroy(&b);
	expect_end(fd);

	fd = raw_login();
	/* A zero-length WRITE opens the way for our sends. */
	raw_send(fd, "\x00\x0e\xc1\x40\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0", 20);
	for (i = 0; i < 32; i++)
		assert_int_equal(ep_send(&b, i, big, sizeof(big)), 0);
	rig_pass(&rig, 20);
	assert_int_equal(ep_disconnect(&b), 0);
	assert_int_equal(ep_wait_event(&b, FAB_EV_DISCONNECTED).error, -ETIMEDOUT);
	ep_wait_wcs(&b, 32);
	for (i = 0; i < 32; i++)
		assert_int_equal(b.wc[i].wr_id, i);
	assert_int_not_equal(b.wc[31].status, FAB_WC_OK);
	ep_destroy(&b);
	assert_int_equal(close(fd), 0);
	rig_stop(&rig);
}

/* --- the active side --- */

/* A listener that does what a test wants; the rig's address becomes its own. */
static int raw_listen(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(listen(fd, 4), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	memcpy(&rig.addr, &sin, sizeof(sin));
	return fd;
}

static void answers_of_all_kinds(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		enum fab_event_type type;
		int error;
	} answer[] = {
		{ "", 0, FAB_EV_UNREACHABLE, -ETIMEDOUT },
		{ "MPA ID Rep", 10, FAB_EV_UNREACHABLE, -ETIMEDOUT },
		{ "HTTP/1.1 400 Bad Request", 24, FAB_EV_CONNECT_ERROR, -EPROTO },
		{ "MPA ID Rep Frame\x10\x02\xff\xff", 20, FAB_EV_CONNECT_ERROR, -EPROTO },
		{ "MPA ID Rep Frame\x90\x02\x00\x04\0\0\0\0", 24, FAB_EV_CONNECT_ERROR, -EPROTO },
		{ "MPA ID Rep Frame\x30\x02\x00\x06\0\0\0\0no", 26, FAB_EV_REJECTED,
		  -ECONNREFUSED },
		{ "MPA ID Rep Frame\x10\x02\x00\x06\0\4\0\0ok", 26, FAB_EV_ESTABLISHED, 0 },
	};
	struct ep_event ev;
	unsigned i;
	int lfd;
	int fd;

	(void)state;
	start(NULL);
	rig_unlisten(&rig);
	lfd = raw_listen();
	for (i = 0; i < ARRAY_SIZE(answer); i++) {
		ep_open(&a, &rig, &attr);
		assert_int_equal(ep_connect(&a, "x", 1), 0);
		fd = accept4(lfd, NULL, NULL, SOCK_CLOEXEC);
		assert_true(fd >= 0);
		raw_send(fd, answer[i].bytes, answer[i].len);
		ev = ep_wait_event(&a, answer[i].type);
		assert_int_equal(ev.error, answer[i].error);
		assert_int_equal(ev.priv_len, answer[i].len == 26 ? 2 : 0);
		assert_int_equal(ep_n_evs(&a), 1);
		ep_destroy(&a);
		assert_int_equal(close(fd), 0);
	}
	assert_int_equal(close(lfd), 0);
	rig_stop(&rig);
}

/* The peer's first message may come in one segment with its reply. */
static void message_behind_the_reply(void **state)
{
	static const uint8_t reply[] = "MPA ID Rep Frame\x10\x02\x00\x04\0\4\0\0"
				       "\x00\x15\x41\x43\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\0"
				       "abc\0\0\0\0";
	uint8_t in[8];
	int lfd;
	int fd;

	(void)state;
	start(NULL);
	rig_unlisten(&rig);
	lfd = raw_listen();
	ep_open(&a, &rig, &attr);
	assert_int_equal(ep_recv(&a, 1, in, sizeof(in)), 0);
	assert_int_equal(ep_connect(&a, NULL, 0), 0);
	fd = accept4(lfd, NULL, NULL, SOCK_CLOEXEC);
	/* 24 bytes of reply; a Send: 2 length, 18 header, 3 payload, 1 pad, 4 for the CRC. */
	raw_send(fd, reply, 24 + 28);
	ep_wait_wcs(&a, 1);
	assert_int_equal(a.ev[0].type, FAB_EV_ESTABLISHED);
	assert_int_equal(a.wc[0].status, FAB_WC_OK);
	assert_int_equal(a.wc[0].byte_len, 3);
	assert_memory_equal(in, "abc", 3);
	ep_destroy(&a);
	assert_int_equal(close(fd), 0);
	assert_int_equal(close(lfd), 0);
	rig_stop(&rig);
}

/* --- when what is posted leaves --- */

#define BURST 6u

struct burst {
	struct worker_timer timer;
	struct worker_job job;
	bool arrived[BURST]; /* is there something at @b behind the post? */
	bool done;
};

static struct burst burst;

static void burst_post(void)
{
	struct fab_wr wr = { .op = FAB_WR_SEND };
	struct pollfd at_b = { .fd = fi_conn_of(b.c)->fd, .events = POLLIN };
	unsigned i;

	for (i = 0; i < BURST; i++) {
		wr.wr_id = i;
		assert_int_equal(rig.f->ops->post_send(a.c, &wr, 1), 0);
		/* What was sent must come; nothing tells that nothing was, so that is given a moment only. */
		burst.arrived[i] = poll(&at_b, 1, i ? 1000 : 20) == 1;
		if (i && !burst.arrived[i])
			break;
	}
	burst.done = true;
}

static void burst_fire(struct worker *w, struct worker_timer *t)
{
	(void)t;
	assert_true(worker_was_idle(w));
	burst_post();
}

static void burst_run(struct worker *w, struct worker_job *j)
{
	(void)j;
	assert_false(worker_was_idle(w));
	burst_post();
}

/* A connected pair, @b ready to receive. */
static void burst_begin(void)
{
	static uint8_t in[16];
	unsigned i;

	start(NULL);
	ep_pair(&rig, &a, &b, &attr, &attr);
	for (i = 0; i < 16; i++)
		assert_int_equal(ep_recv(&b, i, in, sizeof(in)), 0);
	rig_pass(&rig, 5);
	burst = (struct burst){ 0 };
}

static void burst_end(void)
{
	ep_destroy(&a);
	ep_destroy(&b);
	rig_stop(&rig);
}

static void burst_wait(void)
{
	unsigned i;

	for (i = 0; i < 10 && !burst.done; i++)
		assert_int_equal(worker_run_once(rig.w[0], NSEC_PER_SEC), 0);
	assert_true(burst.done);
	ep_wait_wcs(&b, BURST);
}

/* An idle worker lets go of what it has as soon as that is half as much as came lately, and two at the least. */
static void idle_worker_sends_early(void **state)
{
	unsigned i;

	(void)state;
	burst_begin();
	worker_timer_init(&burst.timer, burst_fire);
	assert_int_equal(
		worker_timer_start(rig.w[0], &burst.timer, worker_clock_ns() + 20 * NSEC_PER_MSEC),
		0);
	burst_wait();
	assert_false(burst.arrived[0]);
	for (i = 1; i < BURST; i++)
		assert_true(burst.arrived[i]);
	burst_end();
}

static void busy_worker_sends_at_the_end_of_the_round(void **state)
{
	(void)state;
	burst_begin();
	worker_job_init(&burst.job, burst_run);
	worker_defer(rig.w[0], &burst.job);
	assert_int_equal(worker_run_once(rig.w[0], 0), 0);
	assert_true(burst.done);
	assert_false(burst.arrived[0] || burst.arrived[1]);
	burst_end();
}

/* With CRCs, small segments and the pause of a careful initiator. */
static void other_options(void **state)
{
	static uint8_t out[100000];
	static uint8_t in[100000];
	size_t i;

	(void)state;
	rig_start(&rig, make_crc, NULL, 1, AF_INET);
	ep_pair(&rig, &a, &b, &attr, &attr);
	for (i = 0; i < sizeof(out); i++)
		out[i] = (uint8_t)(i * 7 + i / 256);
	assert_int_equal(ep_recv(&b, 1, in, sizeof(in)), 0);
	assert_int_equal(ep_send(&a, 1, out, sizeof(out)), 0);
	ep_wait_wcs(&b, 1);
	assert_int_equal(b.wc[0].status, FAB_WC_OK);
	assert_memory_equal(in, out, sizeof(in));
	ep_destroy(&a);
	ep_destroy(&b);
	rig_stop(&rig);
}

static void senseless_options(void **state)
{
	static const struct fab_iwarp_opts bad[] = { { .max_payload = 6 },
						     { .max_payload = 1u << 20 },
						     { .batch_bytes = 100 },
						     { .n_stags = 1u << 20 } };
	struct fab *f;
	unsigned i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(fab_iwarp_new(&f, &bad[i]), -EINVAL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_requests),
		cmocka_unit_test(refused_in_words),
		cmocka_unit_test(request_in_pieces),
		cmocka_unit_test(request_must_come_in_time),
		cmocka_unit_test(half_open_logins_are_limited),
		cmocka_unit_test(all_half_open_logins_are_limited),
		cmocka_unit_test(descriptors_run_out),
		cmocka_unit_test(garbage_is_answered_with_terminate),
		cmocka_unit_test(broken_connections),
		cmocka_unit_test(gone_before_the_answer),
		cmocka_unit_test(silent_peer_is_reset),
		cmocka_unit_test(answers_of_all_kinds),
		cmocka_unit_test(message_behind_the_reply),
		cmocka_unit_test(idle_worker_sends_early),
		cmocka_unit_test(busy_worker_sends_at_the_end_of_the_round),
		cmocka_unit_test(other_options),
		cmocka_unit_test(senseless_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
