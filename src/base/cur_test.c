/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/cur.h"

static void test_read_stops_at_the_end(void **state)
{
	static const uint8_t bytes[] = { 1, 2, 3, 4, 5 };
	struct cur c = cur_of(bytes, sizeof(bytes));

	(void)state;
	assert_int_equal(cur_be32(&c), 0x01020304);
	assert_int_equal(cur_left(&c), 1);
	assert_int_equal(cur_be16(&c), 0);
	assert_true(c.bad);
	/* Once bad, always bad: the byte that is left is not given out any more. */
	assert_int_equal(cur_u8(&c), 0);
	assert_null(cur_take(&c, 0));
}

static void test_huge_length_does_not_wrap(void **state)
{
	static const uint8_t bytes[] = { 1, 2, 3, 4 };
	struct cur c = cur_of(bytes, sizeof(bytes));

	(void)state;
	assert_int_equal(cur_u8(&c), 1);
	assert_null(cur_take(&c, SIZE_MAX));
	assert_true(c.bad);
}

static void test_write_and_read_back(void **state)
{
	uint8_t bytes[18];
	struct pen w = pen_of(bytes, sizeof(bytes));
	struct cur c = cur_of(bytes, sizeof(bytes));

	(void)state;
	pen_u8(&w, 0xab);
	pen_be16(&w, 0x1234);
	pen_be24(&w, 0x56789a);
	pen_be32(&w, 0xdeadbeef);
	pen_be64(&w, 0x0102030405060708);
	assert_false(w.bad);
	assert_int_equal(w.pos, 18);
	pen_u8(&w, 0xff);
	assert_true(w.bad);
	assert_int_equal(cur_u8(&c), 0xab);
	assert_int_equal(cur_be16(&c), 0x1234);
	assert_int_equal(cur_be24(&c), 0x56789a);
	assert_int_equal(cur_be32(&c), 0xdeadbeef);
	assert_int_equal(cur_be64(&c), 0x0102030405060708);
	assert_false(c.bad);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read_stops_at_the_end),
		cmocka_unit_test(test_huge_length_does_not_wrap),
		cmocka_unit_test(test_write_and_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
