/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tools/srp_pattern.h"
#include "tools/srp_tool.h"
#include "tools/srp_url.h"

static void test_good(void **state)
{
	struct url u;

	(void)state;
	assert_null(url_parse("srp://10.0.0.1", &u));
	assert_string_equal(u.host, "10.0.0.1");
	assert_int_equal(u.port, 5555);
	assert_false(u.has_lun);
	assert_true(u.id_ext == 0 && u.ioc_guid == 0);
	assert_null(url_parse("srp://host:1/", &u));
	assert_int_equal(u.port, 1);
	assert_null(url_parse("srp://host/7", &u));
	assert_true(u.has_lun);
	assert_int_equal(u.lun, 7);
	assert_null(url_parse("srp://host:65535/0002c903:0xABCDEF0123456789/16383", &u));
	assert_true(u.id_ext == 0x2c903 && u.ioc_guid == 0xabcdef0123456789);
	assert_int_equal(u.lun, 16383);
	assert_null(url_parse("srp://[fe80::1%eth0]:99/1:2", &u));
	assert_string_equal(u.host, "fe80::1%eth0");
	assert_int_equal(u.port, 99);
	assert_true(u.id_ext == 1 && u.ioc_guid == 2);
}

static void test_bad(void **state)
{
	static const char *const bad[] = {
		"",
		"srp:/",
		"http://host",
		"srp://",
		"srp:///1",
		"srp://host:",
		"srp://host:0",
		"srp://host:65536",
		"srp://host:99999999999",
		"srp://fe80::1",
		"srp://[fe80::1",
		"srp://[]",
		"srp://host/16384",
		"srp://host/x",
		"srp://host/1/2",
		"srp://host/1/1:2",
		"srp://host/:",
		"srp://host/1:",
		"srp://host/:1",
		"srp://host/12345678901234567:1",
		"srp://host/g:1",
		"srp://host/1:2/3/4",
		"srp://[::1]5555",
		"srp://[::1]x/0",
	};
	struct url u = { .port = 77 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_non_null(url_parse(bad[i], &u));
		assert_int_equal(u.port, 77); /* untouched */
	}
}

static void test_numbers(void **state)
{
	static const struct {
		const char *text;
		uint64_t want;
	} good[] = { { "0", 0 },
		     { "4k", 4096 },
		     { "4KiB", 4096 },
		     { "1M", 1048576 },
		     { "2g", 2147483648 },
		     { "0x10", 16 },
		     { "1TB", 1099511627776 },
		     { "16777215T", 0xffffff0000000000 } };
	static const char *const bad[] = { "",   "-1",   "k",
					   "4q", "4kk",  "16777216T",
					   " 1", "1.5k", "18446744073709551616" };
	uint64_t v = 1;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_true(opt_number(good[i].text, &v));
		assert_true(v == good[i].want);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(opt_number(bad[i], &v));
}

/* A piece checks wherever it is, and only as itself. */
static void test_pattern(void **state)
{
	uint8_t a[4096];
	uint8_t b[512];

	(void)state;
	pattern_fill(a, sizeof(a), 9, 1 << 20);
	pattern_fill(b, sizeof(b), 9, (1 << 20) + 1024);
	assert_memory_equal(a + 1024, b, sizeof(b));
	assert_int_equal(pattern_check(a, sizeof(a), 9, 1 << 20), sizeof(a));
	assert_int_equal(pattern_check(a, sizeof(a), 8, 1 << 20), 0);
	assert_int_equal(pattern_check(a, sizeof(a), 9, 0), 0);
	a[2051] ^= 1;
	assert_int_equal(pattern_check(a, sizeof(a), 9, 1 << 20), 2048);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_pattern),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
