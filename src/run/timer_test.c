/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/prng.h"
#include "run/timer.h"

#define N 500u

struct fixture {
	struct timer_heap heap;
	struct worker_timer *mem[N + 1];
	struct worker_timer t[N + 1];
};

static struct fixture f;

static int setup(void **state)
{
	(void)state;
	timer_heap_init(&f.heap, f.mem, N);
	for (unsigned i = 0; i <= N; i++)
		worker_timer_init(&f.t[i], NULL);
	return 0;
}

static void test_capacity_and_empty(void **state)
{
	(void)state;
	assert_int_equal(timer_heap_size(N), sizeof(f.mem));
	assert_null(timer_heap_pop(&f.heap, UINT64_MAX));
	assert_true(timer_heap_first_ns(&f.heap) == UINT64_MAX);
	for (unsigned i = 0; i < N; i++)
		assert_int_equal(timer_heap_start(&f.heap, &f.t[i], 10 + i), 0);
	assert_int_equal(timer_heap_start(&f.heap, &f.t[N], 1), -ENOSPC);
	assert_int_equal(f.t[N].slot, 0);
	/* a restart needs no room */
	assert_int_equal(timer_heap_start(&f.heap, &f.t[N - 1], 1), 0);
	assert_ptr_equal(timer_heap_pop(&f.heap, 1), &f.t[N - 1]);
	assert_int_equal(timer_heap_start(&f.heap, &f.t[N], 2), 0);
}

static void test_due_means_deadline_reached(void **state)
{
	(void)state;
	assert_int_equal(timer_heap_start(&f.heap, &f.t[0], 100), 0);
	assert_null(timer_heap_pop(&f.heap, 99));
	assert_ptr_equal(timer_heap_pop(&f.heap, 100), &f.t[0]);
	assert_int_equal(f.t[0].slot, 0);
	timer_heap_stop(&f.heap, &f.t[0]); /* not running: harmless */
	/* a timer for the end of time still counts as running */
	assert_int_equal(timer_heap_start(&f.heap, &f.t[0], UINT64_MAX), 0);
	assert_ptr_equal(timer_heap_pop(&f.heap, UINT64_MAX), &f.t[0]);
}

/* Every child is later than its parent, and every timer knows its slot. */
static void assert_heap(void)
{
	for (unsigned i = 1; i <= f.heap.n; i++) {
		assert_int_equal(f.heap.v[i]->slot, i);
		assert_true(i == 1 || f.heap.v[i]->deadline_ns >= f.heap.v[i / 2]->deadline_ns);
	}
}

static void test_random_start_restart_stop(void **state)
{
	struct prng r = prng_of(7);
	uint64_t last = 0;
	unsigned running = 0;

	(void)state;
	for (unsigned step = 0; step < 20000; step++) {
		struct worker_timer *t = &f.t[prng_below(&r, N)];
		const bool was = t->slot != 0;

		if (prng_below(&r, 3)) {
			const uint64_t at = prng_below(&r, 1000);

			assert_int_equal(timer_heap_start(&f.heap, t, at), 0);
			assert_int_equal(t->deadline_ns, at);
			running += !was;
		} else {
			timer_heap_stop(&f.heap, t);
			assert_int_equal(t->slot, 0);
			running -= was;
		}
		assert_int_equal(f.heap.n, running);
		if (step % 16 == 0)
			assert_heap();
	}
	assert_true(running > N / 4);
	while (running--) {
		const struct worker_timer *t = timer_heap_pop(&f.heap, UINT64_MAX);

		assert_non_null(t);
		assert_true(t->deadline_ns >= last);
		last = t->deadline_ns;
		assert_heap();
	}
	assert_null(timer_heap_pop(&f.heap, UINT64_MAX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_capacity_and_empty, setup),
		cmocka_unit_test_setup(test_due_means_deadline_reached, setup),
		cmocka_unit_test_setup(test_random_start_restart_stop, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
