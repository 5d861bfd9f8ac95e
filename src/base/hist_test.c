/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/hist.h"

static void test_percentiles_within_error(void **state)
{
	static struct hist h;

	(void)state;
	for (uint64_t v = 1; v <= 100000; v++)
		hist_add(&h, v);
	assert_int_equal(h.count, 100000);
	assert_in_range(hist_permille(&h, 500), 50000, 51600);
	assert_in_range(hist_permille(&h, 990), 99000, 100000);
	assert_int_equal(hist_permille(&h, 1000), 100000);
}

static void test_extremes_and_merge(void **state)
{
	static struct hist a;
	static struct hist b;

	(void)state;
	assert_int_equal(hist_permille(&a, 500), 0);
	hist_add(&a, 0);
	hist_add(&b, UINT64_MAX);
	hist_merge(&a, &b);
	assert_int_equal(a.count, 2);
	assert_int_equal(hist_permille(&a, 500), 0);
	assert_true(hist_permille(&a, 999) == UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_percentiles_within_error),
		cmocka_unit_test(test_extremes_and_merge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
