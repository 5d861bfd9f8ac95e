/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/prng.h"
#include "target/arena.h"

static void test_all_of_it_and_no_more(void **state)
{
	struct arena a = { 0 };
	void *big[ARENA_BYTES / ARENA_MAX_BYTES];

	(void)state;
	arena_deinit(&a); /* of zero bytes */
	assert_int_equal(arena_init(&a), 0);
	for (size_t i = 0; i < ARRAY_SIZE(big); i++)
		assert_non_null(big[i] = arena_get(&a, ARENA_MAX_BYTES));
	assert_null(arena_get(&a, 1));
	arena_put(&a, big[3], ARENA_MAX_BYTES);
	assert_ptr_equal(arena_get(&a, ARENA_MAX_BYTES - ARENA_GRAIN), big[3]);
	assert_null(arena_get(&a, ARENA_GRAIN + 1)); /* one grain is left */
	assert_ptr_equal(arena_get(&a, 1), (char *)big[4] - ARENA_GRAIN);
	assert_null(arena_get(&a, 1));
	arena_put(&a, (char *)big[4] - ARENA_GRAIN, 1);
	arena_put(&a, big[3], ARENA_MAX_BYTES - ARENA_GRAIN);
	for (size_t i = 0; i < ARRAY_SIZE(big); i++) {
		if (i != 3)
			arena_put(&a, big[i], ARENA_MAX_BYTES);
	}
	arena_deinit(&a); /* it checks that all is back */
}

/* What is in use never overlaps, whatever comes and goes. */
static void test_random(void **state)
{
	struct prng rnd = prng_of(7);
	struct {
		uint8_t *at;
		uint32_t len;
	} got[64] = { 0 };
	struct arena a;

	(void)state;
	assert_int_equal(arena_init(&a), 0);
	for (unsigned n = 0; n < 20000; n++) {
		size_t i = prng_below(&rnd, ARRAY_SIZE(got));

		if (got[i].at) {
			assert_int_equal(got[i].at[0], i);
			assert_int_equal(got[i].at[got[i].len - 1], i);
			arena_put(&a, got[i].at, got[i].len);
			got[i].at = NULL;
			continue;
		}
		got[i].len = 1 + (uint32_t)prng_below(&rnd, 1u << prng_below(&rnd, 24));
		got[i].len = got[i].len > ARENA_MAX_BYTES ? ARENA_MAX_BYTES : got[i].len;
		got[i].at = arena_get(&a, got[i].len);
		if (!got[i].at)
			continue;
		assert_int_equal((uintptr_t)got[i].at % 4096, 0);
		got[i].at[0] = (uint8_t)i;
		got[i].at[got[i].len - 1] = (uint8_t)i;
	}
	for (size_t i = 0; i < ARRAY_SIZE(got); i++) {
		if (got[i].at)
			arena_put(&a, got[i].at, got[i].len);
	}
	arena_deinit(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_of_it_and_no_more),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
