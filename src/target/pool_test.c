/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "target/pool.h"

static struct pool_buf *get(struct pool *p, struct pool_share *s, size_t len)
{
	return pool_get(p, s, pool_class_of(len), POOL_1M);
}

static void test_smallest_class_then_larger_then_empty(void **state)
{
	static const unsigned n[POOL_CLASS_COUNT] = { 1, 1, 1 };
	struct pool_share s = { 0 };
	struct pool_buf *b[3];
	struct pool p;

	(void)state;
	assert_int_equal(pool_init(&p, n), 0);
	b[0] = get(&p, &s, 512);
	b[1] = get(&p, &s, 4096);
	b[2] = get(&p, &s, 1);
	assert_int_equal(b[0]->cap, 4096);
	assert_int_equal(b[1]->cap, 64 * 1024);
	assert_int_equal(b[2]->cap, POOL_MAX_BYTES);
	assert_null(get(&p, &s, 1));
	assert_false(pool_has(&p, POOL_4K, POOL_1M));
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal((uintptr_t)b[i]->addr % 4096, 0);
		memset(b[i]->addr, (int)i, b[i]->cap); /* the sanitizer and munmap see an overlap */
		pool_put(&p, &s, b[i]);
	}
	assert_non_null(b[0] = get(&p, &s, POOL_MAX_BYTES));
	assert_null(get(&p, &s, 64 * 1024 + 1)); /* a smaller class never serves */
	assert_false(pool_has(&p, POOL_1M, POOL_1M));
	pool_put(&p, &s, b[0]);
	pool_put(&p, &s, NULL);
	pool_deinit(&p);
	pool_deinit(&p);
}

static void test_last_back_is_first_out(void **state)
{
	static const unsigned n[POOL_CLASS_COUNT] = { 4, 0, 0 };
	struct pool_share s = { 0 };
	struct pool_buf *a;
	struct pool_buf *b;
	struct pool p;

	(void)state;
	assert_int_equal(pool_init(&p, n), 0);
	a = get(&p, &s, 1);
	b = get(&p, &s, 1);
	assert_ptr_not_equal(a->addr, b->addr);
	pool_put(&p, &s, a);
	pool_put(&p, &s, b);
	assert_ptr_equal(get(&p, &s, 1), b);
	pool_put(&p, &s, b);
	pool_deinit(&p);
}

static void test_no_user_takes_all(void **state)
{
	static const unsigned n[POOL_CLASS_COUNT] = { 12, 0, 0 };
	struct pool_share s[3] = { 0 };
	struct pool_buf *b[12];
	unsigned n_b = 0;
	struct pool p;

	(void)state;
	assert_int_equal(pool_init(&p, n), 0);
	while ((b[n_b] = get(&p, &s[0], 1)))
		n_b++;
	assert_int_equal(n_b, 6);
	while ((b[n_b] = get(&p, &s[1], 1)))
		n_b++;
	assert_int_equal(n_b, 9);
	assert_non_null(b[n_b++] = get(&p, &s[2], 1));
	while (n_b-- > 0)
		pool_put(&p, &s[n_b < 6 ? 0 : n_b < 9 ? 1 : 2], b[n_b]);
	pool_deinit(&p);
}

static void test_class_limit(void **state)
{
	static const unsigned n[POOL_CLASS_COUNT] = { 1, 1, 1 };
	struct pool_share s = { 0 };
	struct pool_buf *b;
	struct pool p;

	(void)state;
	assert_int_equal(pool_class_of(1), POOL_4K);
	assert_int_equal(pool_class_of(4096), POOL_4K);
	assert_int_equal(pool_class_of(4097), POOL_64K);
	assert_int_equal(pool_class_of(POOL_MAX_BYTES), POOL_1M);
	assert_int_equal(pool_init(&p, n), 0);
	b = pool_get(&p, &s, POOL_4K, POOL_4K);
	assert_non_null(b);
	assert_null(pool_get(&p, &s, POOL_4K, POOL_4K));
	assert_false(pool_has(&p, POOL_4K, POOL_4K));
	assert_true(pool_has(&p, POOL_4K, POOL_64K));
	pool_put(&p, &s, b);
	pool_deinit(&p);
}

/* One that does not come back for long is replaced meanwhile, however long its replacement is used. */
static void test_lent(void **state)
{
	static const unsigned n[POOL_CLASS_COUNT] = { 1, 0, 1 };
	struct pool_share s = { 0 };
	struct pool_share other = { 0 };
	struct pool_buf *stuck;
	struct pool_buf *b;
	struct pool p;

	(void)state;
	assert_int_equal(pool_init(&p, n), 0);
	stuck = get(&p, &s, POOL_MAX_BYTES);
	assert_null(get(&p, &other, POOL_MAX_BYTES));
	assert_int_equal(pool_lend(&p, POOL_1M), 0);
	b = get(&p, &other, POOL_MAX_BYTES);
	assert_non_null(b);
	memset(b->addr, 1, b->cap);
	memset(stuck->addr, 2, stuck->cap);
	assert_null(get(&p, &other, POOL_MAX_BYTES));
	/* it comes back while the other is in use: that one goes when it is given back */
	pool_put(&p, &s, stuck);
	pool_repay(&p, POOL_1M);
	assert_int_equal(p.n_all[POOL_1M], 2);
	pool_put(&p, &other, b);
	assert_int_equal(p.n_all[POOL_1M], 1);
	assert_int_equal(p.n_free[POOL_1M], 1);
	/* or while it is free */
	stuck = get(&p, &s, POOL_MAX_BYTES);
	assert_int_equal(pool_lend(&p, POOL_1M), 0);
	pool_put(&p, &s, stuck);
	pool_repay(&p, POOL_1M);
	assert_int_equal(p.n_all[POOL_1M], 1);
	/* or not at all: the end takes it */
	assert_int_equal(pool_lend(&p, POOL_4K), 0);
	assert_int_equal(p.n_free[POOL_4K], 2);
	pool_deinit(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_smallest_class_then_larger_then_empty),
		cmocka_unit_test(test_last_back_is_first_out),
		cmocka_unit_test(test_no_user_takes_all),
		cmocka_unit_test(test_class_limit),
		cmocka_unit_test(test_lent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
