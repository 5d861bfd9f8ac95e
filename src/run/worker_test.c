/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Rounds: messages, jobs, timers, sleeping, the event fd; mostly without a thread, so order is exact. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "run/worker.h"

struct fixture {
	struct worker *w;
	char log[128]; /* one letter per call */
	size_t n_log;
};

static struct fixture f;

static void note(char c)
{
	assert_true(f.n_log < sizeof(f.log) - 1);
	f.log[f.n_log++] = c;
	f.log[f.n_log] = '\0';
}

static void assert_log(const char *want)
{
	assert_string_equal(f.log, want);
	f.n_log = 0;
	f.log[0] = '\0';
}

static int setup(void **state)
{
	const struct worker_opts opts = { .n_timers = 4 };

	(void)state;
	memset(&f, 0, sizeof(f));
	return worker_new(&f.w, 3, &opts);
}

static int teardown(void **state)
{
	(void)state;
	f.w = worker_free(f.w);
	return 0;
}

static void run(unsigned rounds)
{
	while (rounds--)
		assert_int_equal(worker_run_once(f.w, 0), 0);
}

/* --- jobs and messages --- */

struct step {
	struct worker_job job;
	struct worker_msg msg;
	char letter;
	struct step *defers; /* another (or itself), once */
	struct step *undefers;
	struct step *posts;
};

static void step_do(struct worker *w, struct step *s)
{
	assert_ptr_equal(worker_self(), w);
	note(s->letter);
	if (s->defers)
		worker_defer(w, &s->defers->job);
	s->defers = NULL;
	if (s->undefers)
		worker_undefer(w, &s->undefers->job);
	if (s->posts)
		worker_post(w, &s->posts->msg);
	s->posts = NULL;
}

static void on_job(struct worker *w, struct worker_job *j)
{
	step_do(w, container_of(j, struct step, job));
}

static void on_msg(struct worker *w, struct worker_msg *m)
{
	step_do(w, container_of(m, struct step, msg));
}

static void step_init(struct step *s, char letter)
{
	memset(s, 0, sizeof(*s));
	worker_job_init(&s->job, on_job);
	s->msg.run = on_msg;
	s->letter = letter;
}

static void test_identity(void **state)
{
	(void)state;
	assert_int_equal(worker_index(f.w), 3);
	assert_null(worker_self());
	assert_null(worker_free(NULL));
	assert_true(strncmp(worker_engine(f.w), "io_uring", 8) == 0);
}

static void test_jobs_run_once_at_the_end_of_the_round(void **state)
{
	struct step a;
	struct step b;
	struct step m;

	(void)state;
	step_init(&a, 'a');
	step_init(&b, 'b');
	step_init(&m, 'm');
	worker_defer(f.w, &a.job);
	worker_defer(f.w, &b.job);
	worker_defer(f.w, &a.job);
	worker_post(f.w, &m.msg);
	run(1);
	assert_log("mab"); /* messages first */
	run(2);
	assert_log("");
	worker_defer(f.w, &a.job);
	worker_undefer(f.w, &a.job);
	worker_undefer(f.w, &b.job);
	run(1);
	assert_log("");
}

static void test_job_deferred_by_a_job_runs_in_the_next_round(void **state)
{
	struct step a;
	struct step b;
	struct step c;

	(void)state;
	step_init(&a, 'a');
	step_init(&b, 'b');
	step_init(&c, 'c');
	a.defers = &a;
	b.defers = &c;
	b.undefers = &c; /* taken off again before it ran */
	worker_defer(f.w, &a.job);
	worker_defer(f.w, &b.job);
	run(1);
	assert_log("ab");
	assert_int_equal(worker_run_once(f.w, UINT64_MAX), 0); /* must not sleep */
	assert_log("a");
	/* a job that is due in this very round can still be taken off */
	a.undefers = &b;
	worker_defer(f.w, &a.job);
	worker_defer(f.w, &b.job);
	run(1);
	assert_log("a");
}

static void test_message_posted_by_a_message_runs_in_the_next_round(void **state)
{
	struct step a;
	struct step b;

	(void)state;
	step_init(&a, 'a');
	step_init(&b, 'b');
	a.posts = &a; /* free again as soon as it runs */
	a.defers = &b;
	worker_post(f.w, &a.msg);
	run(1);
	assert_log("ab");
	assert_int_equal(worker_run_once(f.w, UINT64_MAX), 0);
	assert_log("a");
}

/* --- timers --- */

struct alarm {
	struct worker_timer t;
	char letter;
	uint64_t again_ns; /* start again this much later, once */
	struct alarm *stops;
};

static void on_alarm(struct worker *w, struct worker_timer *t)
{
	struct alarm *a = container_of(t, struct alarm, t);

	assert_true(worker_now_ns(w) >= t->deadline_ns);
	note(a->letter);
	if (a->again_ns)
		assert_int_equal(worker_timer_start(w, t, t->deadline_ns + a->again_ns), 0);
	a->again_ns = 0;
	if (a->stops)
		worker_timer_stop(w, &a->stops->t);
}

static void alarm_start(struct alarm *a, char letter, uint64_t at_ns)
{
	memset(a, 0, sizeof(*a));
	worker_timer_init(&a->t, on_alarm);
	a->letter = letter;
	assert_int_equal(worker_timer_start(f.w, &a->t, at_ns), 0);
}

static void test_timers_fire_in_order_and_stop(void **state)
{
	const uint64_t now = worker_clock_ns();
	struct alarm a[4];
	struct alarm extra = { 0 };

	(void)state;
	alarm_start(&a[0], 'a', now + 3);
	alarm_start(&a[1], 'b', now + 2);
	alarm_start(&a[2], 'c', now + 1);
	alarm_start(&a[3], 'd', now + NSEC_PER_SEC * 3600);
	worker_timer_init(&extra.t, on_alarm);
	assert_int_equal(worker_timer_start(f.w, &extra.t, now), -ENOSPC); /* the limit is 4 */
	a[1].stops = &a[0];
	run(1);
	assert_log("cb");
	assert_int_equal(worker_timer_start(f.w, &a[3].t, now), 0); /* earlier than before */
	run(1);
	assert_log("d");
	worker_timer_stop(f.w, &a[3].t);
	run(1);
	assert_log("");
}

static void test_timer_for_the_past_does_not_hold_the_round(void **state)
{
	struct alarm a;

	(void)state;
	alarm_start(&a, 'a', 1);
	a.again_ns = 1;
	run(1);
	assert_log("a");
	assert_int_equal(worker_run_once(f.w, UINT64_MAX), 0);
	assert_log("a");
}

static void test_waits_for_a_timer_and_for_the_timeout(void **state)
{
	const uint64_t start = worker_clock_ns();
	struct alarm a;

	(void)state;
	assert_int_equal(worker_run_once(f.w, 20 * NSEC_PER_MSEC), 0);
	assert_true(worker_clock_ns() - start >= 20 * NSEC_PER_MSEC);
	assert_true(worker_stats(f.w).sleeps == 1);
	alarm_start(&a, 'a', start + 40 * NSEC_PER_MSEC);
	while (!f.n_log)
		assert_int_equal(worker_run_once(f.w, UINT64_MAX), 0);
	assert_true(worker_clock_ns() - start >= 40 * NSEC_PER_MSEC);
	assert_true(worker_stats(f.w).rounds <= 4);
	/* a timeout shorter than the timer's */
	alarm_start(&a, 'a', worker_clock_ns() + NSEC_PER_SEC * 3600);
	assert_int_equal(worker_run_once(f.w, NSEC_PER_MSEC), 0);
	assert_log("a");
}

/* --- the event fd of a worker without a thread --- */

static bool readable(int timeout_ms)
{
	struct pollfd pfd = { .fd = worker_event_fd(f.w), .events = POLLIN };

	return poll(&pfd, 1, timeout_ms) == 1 && (pfd.revents & POLLIN);
}

/* Wait for the fd; being told only by the time-out would not do. */
static void await_readable(void)
{
	const uint64_t start = worker_clock_ns();

	assert_true(readable(5000));
	assert_true(worker_clock_ns() - start < 2 * NSEC_PER_SEC);
}

/* Run until the fd has nothing more to tell; that must not take long. */
static void drain(void)
{
	for (unsigned i = 0; readable(0); i++) {
		assert_true(i < 10);
		run(1);
	}
}

static void *post_from_thread(void *arg)
{
	const struct timespec pause = { .tv_nsec = 20000000 };

	nanosleep(&pause, NULL);
	worker_post(f.w, arg);
	return NULL;
}

static void test_event_fd_tells_of_messages(void **state)
{
	struct step a;
	pthread_t thread;

	(void)state;
	(void)worker_event_fd(f.w);
	run(1);
	drain();
	assert_false(readable(30));
	step_init(&a, 'a');
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(pthread_create(&thread, NULL, post_from_thread, &a.msg), 0);
		await_readable();
		pthread_join(thread, NULL);
		drain();
		assert_log("a");
		assert_false(readable(10));
	}
}

static void test_event_fd_tells_of_timers(void **state)
{
	const uint64_t start = worker_clock_ns();
	struct alarm a;
	struct alarm b;

	(void)state;
	(void)worker_event_fd(f.w);
	run(1);
	drain();
	alarm_start(&a, 'a', start + 60 * NSEC_PER_MSEC);
	assert_true(readable(0)); /* handed in between rounds */
	drain();
	alarm_start(&b, 'b', start + 30 * NSEC_PER_MSEC);
	b.again_ns = 50 * NSEC_PER_MSEC;
	drain();
	while (f.n_log < 3) {
		await_readable();
		run(1);
	}
	assert_log("bab");
	assert_true(worker_clock_ns() - start >= 80 * NSEC_PER_MSEC);
	drain();
	assert_false(readable(20));
	/* few idle rounds: the fd is not simply always readable */
	assert_true(worker_stats(f.w).rounds < 25);
}

static void test_event_fd_tells_of_deferred_work(void **state)
{
	struct step a;

	(void)state;
	(void)worker_event_fd(f.w);
	run(1);
	drain();
	step_init(&a, 'a');
	a.defers = &a;
	worker_defer(f.w, &a.job);
	assert_true(readable(0));
	drain();
	assert_log("aa");
	assert_false(readable(10));
}

/* --- a thread --- */

static void sleep_ms(long ms)
{
	const struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

static void test_idle_worker_makes_no_rounds(void **state)
{
	struct worker_stats before;

	(void)state;
	assert_int_equal(worker_start(f.w), 0);
	for (unsigned i = 0; i < 5000 && !worker_stats(f.w).sleeps; i++)
		sleep_ms(1);
	sleep_ms(50);
	before = worker_stats(f.w);
	assert_true(before.sleeps > 0);
	sleep_ms(300);
	assert_true(worker_stats(f.w).rounds == before.rounds);
	assert_true(worker_stats(f.w).sleeps == before.sleeps);
	worker_stop(f.w);
	worker_stop(f.w);
	worker_join(f.w);
	worker_join(f.w);
	assert_true(worker_stats(f.w).messages == 1);
}

static char thread_name[32];
static sigset_t thread_mask;

static void on_look(struct worker *w, struct worker_msg *m)
{
	(void)w;
	(void)m;
	(void)pthread_getname_np(pthread_self(), thread_name, sizeof(thread_name));
	(void)pthread_sigmask(SIG_SETMASK, NULL, &thread_mask);
}

static void test_thread_has_a_name_and_no_signals(void **state)
{
	struct worker_msg look = { .run = on_look };
	const struct worker_opts opts = { .name = "a-rather-long-name" };
	struct worker *w = NULL;
	sigset_t mine;

	(void)state;
	assert_int_equal(worker_new(&w, 12, &opts), 0);
	assert_int_equal(worker_start(w), 0);
	sleep_ms(20); /* the name is given after the start */
	worker_post(w, &look);
	worker_stop(w); /* messages posted before are run */
	worker_join(w);
	worker_free(w);
	assert_string_equal(thread_name, "a-rather-lo/12");
	assert_true(sigismember(&thread_mask, SIGTERM));
	assert_true(sigismember(&thread_mask, SIGUSR1));
	assert_false(sigismember(&thread_mask, SIGSEGV));
	assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &mine), 0);
	assert_false(sigismember(&mine, SIGTERM)); /* the caller's mask is as before */
}

/* What is asked of a worker before its thread exists happens when it runs. */
static void test_work_handed_in_before_the_start(void **state)
{
	struct step a;
	struct alarm t;

	(void)state;
	step_init(&a, 'j');
	worker_defer(f.w, &a.job);
	alarm_start(&t, 't', worker_clock_ns() + NSEC_PER_MSEC);
	assert_int_equal(worker_start(f.w), 0);
	sleep_ms(100);
	worker_stop(f.w);
	worker_join(f.w);
	/* once each; on a slow machine the timer is due before the first round's jobs */
	assert_string_equal(f.log, f.log[0] == 'j' ? "jt" : "tj");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_identity, setup, teardown),
		cmocka_unit_test_setup_teardown(test_jobs_run_once_at_the_end_of_the_round, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_job_deferred_by_a_job_runs_in_the_next_round,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_message_posted_by_a_message_runs_in_the_next_round, setup, teardown),
		cmocka_unit_test_setup_teardown(test_timers_fire_in_order_and_stop, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_timer_for_the_past_does_not_hold_the_round,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_waits_for_a_timer_and_for_the_timeout, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_event_fd_tells_of_messages, setup, teardown),
		cmocka_unit_test_setup_teardown(test_event_fd_tells_of_timers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_event_fd_tells_of_deferred_work, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_idle_worker_makes_no_rounds, setup, teardown),
		cmocka_unit_test_setup_teardown(test_thread_has_a_name_and_no_signals, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_work_handed_in_before_the_start, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
