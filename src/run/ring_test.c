/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Readiness and file I/O through a worker. Polls live in malloc()ed memory, freed in stopped(): an address
 * sanitizer sees every completion that comes too late. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/prng.h"
#include "run/worker.h"

static struct worker *w;

static int setup(void **state)
{
	(void)state;
	return worker_new(&w, 0, NULL);
}

/* So small a ring that its queues overflow. */
static int setup_small(void **state)
{
	const struct worker_opts opts = { .ring_entries = 2 };

	(void)state;
	return worker_new(&w, 0, &opts);
}

static int teardown(void **state)
{
	(void)state;
	w = worker_free(w);
	return 0;
}

static void run(unsigned rounds)
{
	while (rounds--)
		assert_int_equal(worker_run_once(w, NSEC_PER_MSEC), 0);
}

/* --- polls --- */

struct watch {
	struct worker_poll p;
	unsigned n_ready;
	unsigned revents; /* of all calls */
	bool stops_itself;
	struct watch *stops;
	unsigned *n_stopped;
};

static void on_ready(struct worker *wk, struct worker_poll *p, unsigned revents)
{
	struct watch *x = container_of(p, struct watch, p);

	assert_ptr_equal(wk, w);
	x->n_ready++;
	x->revents |= revents;
	if (x->stops_itself)
		worker_poll_stop(wk, p);
	if (x->stops)
		worker_poll_stop(wk, &x->stops->p);
}

static void on_stopped(struct worker *wk, struct worker_poll *p)
{
	struct watch *x = container_of(p, struct watch, p);

	assert_ptr_equal(wk, w);
	++*x->n_stopped;
	free(x);
}

static struct watch *watch_new(int fd, unsigned events, unsigned *n_stopped)
{
	struct watch *x = calloc(1, sizeof(*x));

	assert_non_null(x);
	x->p = (struct worker_poll){
		.fd = fd,
		.events = events,
		.ready = on_ready,
		.stopped = on_stopped,
	};
	x->n_stopped = n_stopped;
	worker_poll_start(w, &x->p);
	return x;
}

static void put(int fd)
{
	const uint64_t one = 1;

	assert_int_equal(write(fd, &one, sizeof(one)), sizeof(one));
}

static void pair(int s[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, s), 0);
}

static void test_every_edge_is_told(void **state)
{
	unsigned n_stopped = 0;
	int s[2];
	struct watch *x;
	uint64_t word;

	(void)state;
	pair(s);
	put(s[1]);
	x = watch_new(s[0], POLLIN, &n_stopped); /* ready already */
	run(3);
	assert_int_equal(x->n_ready, 1);
	assert_int_equal(x->revents, POLLIN);
	for (unsigned i = 0; i < 1000; i++) {
		const unsigned before = x->n_ready;

		put(s[1]); /* more than a ring's worth: it must stay armed */
		run(1);
		assert_int_equal(x->n_ready, before + 1);
		assert_int_equal(read(s[0], &word, sizeof(word)), sizeof(word));
	}
	close(s[1]);
	run(2);
	assert_true(x->revents & POLLHUP);
	worker_poll_stop(w, &x->p);
	worker_poll_stop(w, &x->p);
	assert_int_equal(n_stopped, 0); /* not before a later round */
	run(3);
	assert_int_equal(n_stopped, 1);
	close(s[0]);
}

static void test_writable_again(void **state)
{
	static uint8_t junk[65536];
	unsigned n_stopped = 0;
	int s[2];
	struct watch *x;

	(void)state;
	pair(s);
	while (write(s[0], junk, sizeof(junk)) > 0)
		;
	assert_int_equal(errno, EAGAIN);
	x = watch_new(s[0], POLLOUT, &n_stopped);
	run(3);
	assert_int_equal(x->n_ready, 0);
	while (read(s[1], junk, sizeof(junk)) > 0)
		;
	run(3);
	assert_true(x->n_ready >= 1);
	assert_true(x->revents & POLLOUT);
	worker_poll_stop(w, &x->p);
	run(3);
	assert_int_equal(n_stopped, 1);
	close(s[0]);
	close(s[1]);
}

static void test_stop_from_inside_ready(void **state)
{
	unsigned n_stopped = 0;
	int a = eventfd(0, EFD_CLOEXEC);
	int b = eventfd(0, EFD_CLOEXEC);
	struct watch *x = watch_new(a, POLLIN, &n_stopped);
	struct watch *y = watch_new(b, POLLIN, &n_stopped);

	(void)state;
	run(1);
	x->stops_itself = true;
	x->stops = y; /* whose completion is in the same batch, behind */
	put(a);
	put(b);
	assert_int_equal(worker_run_once(w, UINT64_MAX), 0);
	assert_int_equal(x->n_ready, 1);
	assert_int_equal(y->n_ready, 0);
	assert_int_equal(n_stopped, 0);
	put(a); /* more of what nobody wants to hear */
	put(b);
	run(4);
	assert_int_equal(n_stopped, 2);
	close(a);
	close(b);
}

static void test_stop_before_it_was_armed(void **state)
{
	unsigned n_stopped = 0;
	int a = eventfd(1, EFD_CLOEXEC);
	struct watch *x = watch_new(a, POLLIN, &n_stopped);

	(void)state;
	worker_poll_stop(w, &x->p);
	assert_int_equal(n_stopped, 0);
	run(1);
	assert_int_equal(n_stopped, 1);
	close(a);
}

/* The number of a closed fd is used again at once, for another file, while the old stop is under way. */
static void test_stop_close_and_reuse_of_the_number(void **state)
{
	unsigned n_stopped = 0;
	int old[2];
	int new[2];

	(void)state;
	for (unsigned i = 1; i <= 200; i++) {
		struct watch *x;
		struct watch *y;

		pair(old);
		x = watch_new(old[0], POLLIN, &n_stopped);
		run(1);
		if (i % 2)
			put(old[1]); /* sometimes with a completion on its way */
		worker_poll_stop(w, &x->p);
		close(old[0]);
		pair(new);
		assert_int_equal(new[0], old[0]);
		y = watch_new(new[0], POLLIN, &n_stopped);
		run(3);
		assert_int_equal(n_stopped, 2 * i - 1);
		assert_int_equal(y->n_ready, 0);
		put(new[1]);
		run(2);
		assert_int_equal(y->n_ready, 1);
		worker_poll_stop(w, &y->p);
		run(3);
		assert_int_equal(n_stopped, 2 * i);
		close(old[1]);
		close(new[0]);
		close(new[1]);
	}
}

static void test_fd_that_cannot_be_watched(void **state)
{
	unsigned n_stopped = 0;
	struct watch *x = watch_new(9999, POLLIN, &n_stopped);
	FILE *file = tmpfile();
	struct watch *y = watch_new(fileno(file), POLLIN, &n_stopped);

	(void)state;
	run(3);
	assert_int_equal(x->n_ready, 1);
	assert_int_equal(x->revents, POLLNVAL);
	assert_int_equal(y->n_ready, 1); /* always ready: told once, not for ever */
	assert_int_equal(y->revents, POLLIN);
	worker_poll_stop(w, &x->p);
	worker_poll_stop(w, &y->p);
	run(2);
	assert_int_equal(n_stopped, 2);
	(void)fclose(file);
}

/* More edges at once than the completion queue holds: polls are armed again, nothing is lost. */
static void test_many_polls_on_a_small_ring(void **state)
{
	enum {
		N = 100
	};
	unsigned n_stopped = 0;
	struct watch *x[N];
	int fd[N];

	(void)state;
	for (unsigned i = 0; i < N; i++) {
		fd[i] = eventfd(0, EFD_CLOEXEC);
		x[i] = watch_new(fd[i], POLLIN, &n_stopped);
	}
	run(4);
	for (unsigned turn = 1; turn <= 5; turn++) {
		for (unsigned i = 0; i < N; i++)
			put(fd[i]);
		run(150);
		for (unsigned i = 0; i < N; i++)
			assert_true(x[i]->n_ready >= turn);
	}
	for (unsigned i = 0; i < N; i++)
		worker_poll_stop(w, &x[i]->p);
	run(150);
	assert_int_equal(n_stopped, N);
	for (unsigned i = 0; i < N; i++)
		close(fd[i]);
}

/* --- file I/O --- */

struct op {
	struct worker_io io;
	unsigned n_done;
	int result;
};

static void on_done(struct worker *wk, struct worker_io *io, int result)
{
	struct op *o = container_of(io, struct op, io);

	assert_ptr_equal(wk, w);
	o->n_done++;
	o->result = result;
}

static int finish(struct op *o)
{
	for (unsigned i = 0; i < 5000 && !o->n_done; i++)
		run(1);
	assert_int_equal(o->n_done, 1);
	return o->result;
}

static int do_io(struct worker_io io)
{
	struct op o = { .io = io };

	o.io.done = on_done;
	worker_io_submit(w, &o.io);
	assert_int_equal(o.n_done, 0);
	return finish(&o);
}

static void test_file_operations(void **state)
{
	uint8_t out[3][1000];
	uint8_t in[3000];
	struct iovec pieces[3];
	struct iovec whole = { .iov_base = in, .iov_len = sizeof(in) };
	struct prng r = prng_of(3);
	FILE *file = tmpfile();
	const int fd = fileno(file);
	struct stat st;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		for (unsigned k = 0; k < sizeof(out[i]); k++)
			out[i][k] = (uint8_t)prng_u64(&r);
		pieces[i] = (struct iovec){ .iov_base = out[i], .iov_len = sizeof(out[i]) };
	}
	assert_int_equal(do_io((struct worker_io){ .op = WORKER_IO_WRITEV,
						   .fd = fd,
						   .iov = pieces,
						   .n_iov = 3,
						   .flags = RWF_DSYNC,
						   .off_bytes = 4096 }),
			 3000);
	assert_int_equal(do_io((struct worker_io){ .op = WORKER_IO_READV,
						   .fd = fd,
						   .iov = &whole,
						   .n_iov = 1,
						   .off_bytes = 4096 }),
			 3000);
	assert_memory_equal(in, out, sizeof(in));
	assert_int_equal(do_io((struct worker_io){ .op = WORKER_IO_FSYNC, .fd = fd }), 0);
	assert_int_equal(do_io((struct worker_io){ .op = WORKER_IO_FSYNC, .fd = fd, .flags = 1 }),
			 0);
	assert_int_equal(do_io((struct worker_io){ .op = WORKER_IO_FALLOCATE,
						   .fd = fd,
						   .off_bytes = 0,
						   .len_bytes = 1 << 20 }),
			 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, 1 << 20);
	/* errors are passed on */
	assert_int_equal(do_io((struct worker_io){ .op = WORKER_IO_FSYNC, .fd = 9999 }), -EBADF);
	whole.iov_base = NULL;
	assert_int_equal(do_io((struct worker_io){
				 .op = WORKER_IO_READV, .fd = fd, .iov = &whole, .n_iov = 1 }),
			 -EFAULT);
	(void)fclose(file);
}

static struct op reader(int fd, const struct iovec *iov)
{
	return (struct op){
		.io = { .op = WORKER_IO_READV, .fd = fd, .iov = iov, .n_iov = 1, .done = on_done }
	};
}

static void test_cancel(void **state)
{
	uint8_t byte;
	const struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct op o;
	int p[2];

	(void)state;
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	/* before the kernel has it */
	o = reader(p[0], &iov);
	worker_io_submit(w, &o.io);
	worker_io_cancel(w, &o.io);
	worker_io_cancel(w, &o.io);
	assert_int_equal(o.n_done, 0);
	assert_int_equal(finish(&o), -ECANCELED);
	/* while the kernel waits for data */
	o = reader(p[0], &iov);
	worker_io_submit(w, &o.io);
	run(2);
	assert_int_equal(o.n_done, 0);
	worker_io_cancel(w, &o.io);
	worker_io_cancel(w, &o.io);
	assert_int_equal(finish(&o), -ECANCELED);
	run(2);
	assert_int_equal(o.n_done, 1);
	/* too late: it is done, but not yet told */
	o = reader(p[0], &iov);
	worker_io_submit(w, &o.io);
	run(2);
	assert_int_equal(write(p[1], "x", 1), 1);
	worker_io_cancel(w, &o.io);
	finish(&o);
	assert_true(o.result == 1 || o.result == -ECANCELED);
	run(2);
	assert_int_equal(o.n_done, 1);
	/* the pipe still works, no stale cancellation is about */
	if (o.result != 1)
		assert_int_equal(read(p[0], &byte, 1), 1);
	o = reader(p[0], &iov);
	worker_io_submit(w, &o.io);
	assert_int_equal(write(p[1], "y", 1), 1);
	assert_int_equal(finish(&o), 1);
	assert_int_equal(byte, 'y');
	close(p[0]);
	close(p[1]);
}

/* Far more than the ring takes at once; a third is cancelled in one of three stages. */
static void test_more_io_than_the_ring_holds(void **state)
{
	enum {
		N = 600
	};
	static struct op o[N];
	static uint8_t bytes[N];
	static struct iovec iov[N];
	int p[2];
	unsigned left = N;

	(void)state;
	memset(o, 0, sizeof(o));
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	for (unsigned i = 0; i < N; i++) {
		iov[i] = (struct iovec){ .iov_base = &bytes[i], .iov_len = 1 };
		o[i] = reader(p[0], &iov[i]);
		worker_io_submit(w, &o[i].io);
		if (i % 9 == 0)
			worker_io_cancel(w, &o[i].io);
	}
	run(1);
	for (unsigned i = 3; i < N; i += 9)
		worker_io_cancel(w, &o[i].io);
	run(300);
	for (unsigned i = 0; i < N; i++) {
		const bool cancelled = i % 9 == 0 || i % 9 == 3;

		assert_int_equal(o[i].n_done, cancelled);
		assert_true(!cancelled || o[i].result == -ECANCELED);
		left -= cancelled;
	}
	while (left--)
		assert_int_equal(write(p[1], "z", 1), 1);
	run(300);
	for (unsigned i = 0; i < N; i++) {
		assert_int_equal(o[i].n_done, 1);
		assert_true(o[i].result == 1 || o[i].result == -ECANCELED);
	}
	close(p[0]);
	close(p[1]);
}

/* Work from between rounds reaches the kernel, and its completion the watcher, by the event fd alone. */
static void test_event_fd_tells_of_io_and_polls(void **state)
{
	uint8_t byte;
	const struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct pollfd pfd = { .fd = worker_event_fd(w), .events = POLLIN };
	unsigned n_stopped = 0;
	struct watch *x;
	struct op o;
	int p[2];

	(void)state;
	assert_int_equal(worker_run_once(w, 0), 0);
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	o = reader(p[0], &iov);
	worker_io_submit(w, &o.io);
	x = watch_new(p[0], POLLIN, &n_stopped);
	while (poll(&pfd, 1, 10) == 1)
		assert_int_equal(worker_run_once(w, 0), 0);
	assert_int_equal(o.n_done, 0);
	assert_int_equal(write(p[1], "a", 1), 1);
	while (!o.n_done || !x->n_ready) {
		const uint64_t start = worker_clock_ns();

		assert_int_equal(poll(&pfd, 1, 5000), 1);
		assert_true(worker_clock_ns() - start < 2 * NSEC_PER_SEC); /* not by the time-out */
		assert_int_equal(worker_run_once(w, 0), 0);
	}
	worker_poll_stop(w, &x->p);
	while (!n_stopped) {
		const uint64_t start = worker_clock_ns();

		assert_int_equal(poll(&pfd, 1, 5000), 1);
		assert_true(worker_clock_ns() - start < 2 * NSEC_PER_SEC); /* not by the time-out */
		assert_int_equal(worker_run_once(w, 0), 0);
	}
	assert_true(worker_stats(w).rounds < 20);
	close(p[0]);
	close(p[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_every_edge_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(test_writable_again, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stop_from_inside_ready, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stop_before_it_was_armed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stop_close_and_reuse_of_the_number, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_fd_that_cannot_be_watched, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_polls_on_a_small_ring, setup_small,
						teardown),
		cmocka_unit_test_setup_teardown(test_file_operations, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cancel, setup, teardown),
		cmocka_unit_test_setup_teardown(test_more_io_than_the_ring_holds, setup_small,
						teardown),
		cmocka_unit_test_setup_teardown(test_event_fd_tells_of_io_and_polls, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
