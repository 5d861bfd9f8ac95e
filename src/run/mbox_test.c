/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Messages between real threads: order, none lost, no wake-up lost. A lost one hangs until the timeout. */
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/prng.h"
#include "run/mbox.h"

/* The mailbox alone, one thread: marks and order. */
static void test_mark_of_a_sleeper(void **state)
{
	struct mbox b;
	struct worker_msg m[3];
	struct worker_msg *got;
	uint64_t writes = 0;
	struct pollfd pfd = { .events = POLLIN };

	(void)state;
	assert_int_equal(mbox_init(&b), 0);
	pfd.fd = b.fd[MBOX_IN_RING];
	assert_null(mbox_take(&b));
	assert_false(mbox_pending(&b));
	mbox_post(&b, &m[0]);
	assert_true(mbox_pending(&b));
	assert_false(mbox_sleep(&b, MBOX_IN_RING)); /* there is something to do */
	mbox_post(&b, &m[1]);
	assert_int_equal(poll(&pfd, 1, 0), 0); /* awake: no write */
	got = mbox_take(&b);
	assert_ptr_equal(got, &m[0]);
	assert_ptr_equal(got->next, &m[1]);
	assert_null(got->next->next);

	assert_true(mbox_sleep(&b, MBOX_IN_RING));
	assert_true(mbox_sleep(&b, MBOX_IN_RING)); /* still asleep */
	assert_false(mbox_pending(&b));
	mbox_post(&b, &m[0]);
	mbox_post(&b, &m[1]);
	mbox_post_last(&b, &m[2]);
	mbox_post_last(&b, &m[2]); /* without effect */
	assert_int_equal(read(b.fd[MBOX_IN_RING], &writes, sizeof(writes)), sizeof(writes));
	assert_int_equal(writes, 1); /* only the first one found it asleep */
	got = mbox_take(&b);
	assert_ptr_equal(got, &m[0]);
	assert_ptr_equal(got->next, &m[1]);
	assert_ptr_equal(got->next->next, &m[2]);
	assert_null(got->next->next->next);

	assert_true(mbox_sleep(&b, MBOX_IN_RING));
	assert_null(mbox_take(&b)); /* woken by something else: awake again */
	mbox_post(&b, &m[0]);
	assert_int_equal(poll(&pfd, 1, 0), 0);
	assert_ptr_equal(mbox_take(&b), &m[0]);

	assert_true(mbox_sleep(&b, MBOX_IN_RING));
	assert_true(mbox_sleep(&b, MBOX_OUTSIDE)); /* has moved */
	assert_int_equal(read(b.fd[MBOX_OUTSIDE], &writes, sizeof(writes)), sizeof(writes));
	mbox_post(&b, &m[0]);
	assert_int_equal(poll(&pfd, 1, 0), 0);
	assert_int_equal(read(b.fd[MBOX_OUTSIDE], &writes, sizeof(writes)), sizeof(writes));
	assert_int_equal(writes, 1);
	mbox_deinit(&b);
}

/* --- order of many senders --- */

#define N_SENDERS  8u
#define N_MESSAGES 100000u

struct numbered {
	struct worker_msg msg;
	struct sender *from;
	unsigned seq;
};

struct sender {
	pthread_t thread;
	struct worker *to;
	struct numbered *box; /* N_MESSAGES */
	unsigned next_seq;    /* the receiver's */
	unsigned *n_left;     /* the receiver's */
	sem_t *all_done;
};

static void on_numbered(struct worker *w, struct worker_msg *m)
{
	struct numbered *n = container_of(m, struct numbered, msg);

	if (w != n->from->to || worker_self() != w || n->seq != n->from->next_seq)
		abort(); /* assertions belong to the main thread */
	n->from->next_seq++;
	if (--*n->from->n_left == 0)
		sem_post(n->from->all_done);
}

static void *sender_main(void *arg)
{
	struct sender *s = arg;

	for (unsigned i = 0; i < N_MESSAGES; i++) {
		s->box[i] = (struct numbered){
			.msg.run = on_numbered,
			.from = s,
			.seq = i,
		};
		worker_post(s->to, &s->box[i].msg);
	}
	return NULL;
}

static void test_order_of_each_sender(void **state)
{
	struct sender s[N_SENDERS] = { 0 };
	unsigned n_left = N_SENDERS * N_MESSAGES;
	struct worker *w = NULL;
	sem_t all_done;

	(void)state;
	sem_init(&all_done, 0, 0);
	assert_int_equal(worker_new(&w, 0, NULL), 0);
	assert_int_equal(worker_start(w), 0);
	for (unsigned i = 0; i < N_SENDERS; i++) {
		s[i].to = w;
		s[i].box = malloc(N_MESSAGES * sizeof(*s[i].box));
		s[i].n_left = &n_left;
		s[i].all_done = &all_done;
		assert_non_null(s[i].box);
		assert_int_equal(pthread_create(&s[i].thread, NULL, sender_main, &s[i]), 0);
	}
	sem_wait(&all_done);
	for (unsigned i = 0; i < N_SENDERS; i++)
		pthread_join(s[i].thread, NULL);
	worker_stop(w);
	worker_join(w);
	for (unsigned i = 0; i < N_SENDERS; i++) {
		assert_int_equal(s[i].next_seq, N_MESSAGES);
		free(s[i].box);
	}
	assert_int_equal(worker_stats(w).messages, N_SENDERS * N_MESSAGES + 1); /* and the stop */
	worker_free(w);
	sem_destroy(&all_done);
}

/* --- a receiver that sleeps between any two messages --- */

#define N_BOUNCES 30000u

struct ball {
	struct worker_msg msg;
	struct worker *side[2];
	unsigned n;
	sem_t *all_done;
};

static void on_ball(struct worker *w, struct worker_msg *m)
{
	struct ball *b = container_of(m, struct ball, msg);

	if (b->side[b->n % 2] != w)
		abort();
	if (++b->n == N_BOUNCES)
		sem_post(b->all_done);
	else
		worker_post(b->side[b->n % 2], m); /* the message is ours again from here on */
}

static void test_no_wake_up_is_lost_between_workers(void **state)
{
	struct ball balls[2];
	struct worker *w[2] = { NULL, NULL };
	sem_t all_done;

	(void)state;
	sem_init(&all_done, 0, 0);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(worker_new(&w[i], i, NULL), 0);
		assert_int_equal(worker_start(w[i]), 0);
		assert_int_equal(worker_index(w[i]), i);
	}
	for (unsigned i = 0; i < 2; i++) {
		balls[i] = (struct ball){
			.msg.run = on_ball,
			.side = { w[i], w[!i] },
			.all_done = &all_done,
		};
		worker_post(w[i], &balls[i].msg);
	}
	sem_wait(&all_done);
	sem_wait(&all_done);
	for (unsigned i = 0; i < 2; i++)
		worker_stop(w[i]);
	for (unsigned i = 0; i < 2; i++) {
		worker_join(w[i]);
		assert_true(worker_stats(w[i]).sleeps > 0);
	}
	for (unsigned i = 0; i < 2; i++)
		worker_free(w[i]); /* only now is the other one surely not in worker_post() */
	sem_destroy(&all_done);
}

#define N_KNOCKS 20000u

struct knock {
	struct worker_msg msg;
	sem_t heard;
};

static void on_knock(struct worker *w, struct worker_msg *m)
{
	struct knock *k = container_of(m, struct knock, msg);

	(void)w;
	sem_post(&k->heard);
}

/* A thread that is no worker, at moments around the receiver's falling asleep. */
static void knock_at(const struct worker_opts *opts)
{
	struct knock k = { .msg.run = on_knock };
	struct prng r = prng_of(1);
	struct worker *w = NULL;

	sem_init(&k.heard, 0, 0);
	assert_int_equal(worker_new(&w, 0, opts), 0);
	assert_int_equal(worker_start(w), 0);
	for (unsigned i = 0; i < N_KNOCKS; i++) {
		for (volatile uint64_t pause = prng_below(&r, 4000); pause; pause--)
			;
		worker_post(w, &k.msg);
		sem_wait(&k.heard);
	}
	worker_stop(w);
	worker_join(w);
	assert_int_equal(worker_stats(w).messages, N_KNOCKS + 1);
	worker_free(w);
	sem_destroy(&k.heard);
}

static void test_no_wake_up_is_lost_from_outside(void **state)
{
	(void)state;
	knock_at(NULL);
}

static void test_no_wake_up_is_lost_while_busy_polling(void **state)
{
	const struct worker_opts opts = { .poll_us = 3, .ring_entries = 8, .name = "busy" };

	(void)state;
	knock_at(&opts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mark_of_a_sleeper),
		cmocka_unit_test(test_order_of_each_sender),
		cmocka_unit_test(test_no_wake_up_is_lost_between_workers),
		cmocka_unit_test(test_no_wake_up_is_lost_from_outside),
		cmocka_unit_test(test_no_wake_up_is_lost_while_busy_polling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
