/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "target/pool.h"

static void test_smallest_class_then_larger_then_empty(void **state)
{
	static const unsigned n[POOL_CLASS_COUNT] = { 1, 1, 1 };
	struct pool_buf *b[3];
	struct pool p;

	(void)state;
	assert_int_equal(pool_init(&p, n), 0);
	b[0] = pool_get(&p, 512);
	b[1] = pool_get(&p, 4096);
	b[2] = pool_get(&p, 1);
	assert_int_equal(b[0]->cap, 4096);
	assert_int_equal(b[1]->cap, 64 * 1024);
	assert_int_equal(b[2]->cap, POOL_MAX_BYTES);
	assert_null(pool_get(&p, 1));
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal((uintptr_t)b[i]->addr % 4096, 0);
		memset(b[i]->addr, (int)i, b[i]->cap); /* the sanitizer and munmap see an overlap */
		pool_put(&p, b[i]);
	}
	assert_non_null(b[0] = pool_get(&p, POOL_MAX_BYTES));
	assert_null(pool_get(&p, 64 * 1024 + 1)); /* a smaller class never serves */
	pool_put(&p, b[0]);
	pool_put(&p, NULL);
	pool_deinit(&p);
	pool_deinit(&p);
}

static void test_last_back_is_first_out(void **state)
{
	static const unsigned n[POOL_CLASS_COUNT] = { 4, 0, 0 };
	struct pool_buf *a;
	struct pool_buf *b;
	struct pool p;

	(void)state;
	assert_int_equal(pool_init(&p, n), 0);
	a = pool_get(&p, 1);
	b = pool_get(&p, 1);
	assert_ptr_not_equal(a->addr, b->addr);
	pool_put(&p, a);
	pool_put(&p, b);
	assert_ptr_equal(pool_get(&p, 1), b);
	pool_put(&p, b);
	pool_deinit(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_smallest_class_then_larger_then_empty),
		cmocka_unit_test(test_last_back_is_first_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
