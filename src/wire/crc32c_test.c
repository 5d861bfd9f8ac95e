/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/prng.h"
#include "wire/crc32c.h"

static void test_known_values(void **state)
{
	static const uint8_t zeros_stored[] = { 0xaa, 0x36, 0x91, 0x8a };
	static const uint8_t ones_stored[] = { 0x43, 0xab, 0xa8, 0x62 };
	uint8_t bytes[32];
	uint8_t stored[4];

	(void)state;
	assert_int_equal(crc32c("123456789", 9), 0xe3069283);
	assert_int_equal(crc32c("", 0), 0);
	memset(bytes, 0, sizeof(bytes));
	crc32c_put(stored, crc32c_update(CRC32C_INIT, bytes, sizeof(bytes)));
	assert_memory_equal(stored, zeros_stored, 4);
	memset(bytes, 0xff, sizeof(bytes));
	crc32c_put(stored, crc32c_update(CRC32C_INIT, bytes, sizeof(bytes)));
	assert_memory_equal(stored, ones_stored, 4);
	assert_true(crc32c_fits(stored, crc32c_update(CRC32C_INIT, bytes, sizeof(bytes))));
	stored[3] ^= 0x80;
	assert_false(crc32c_fits(stored, crc32c_update(CRC32C_INIT, bytes, sizeof(bytes))));
}

/* Every length around the limits of the faster ways, every alignment, cut at a random place. */
static void test_all_ways_agree(void **state)
{
	static uint8_t bytes[3000];
	struct prng r = prng_of(1);

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)prng_u64(&r);
	for (size_t len = 0; len < 2900; len += len < 600 ? 1 : 97) {
		const uint8_t *p = bytes + len % 17;
		uint32_t want = crc32c_update_table(CRC32C_INIT, p, len);
		size_t cut = len ? prng_below(&r, len + 1) : 0;
		uint32_t parts = crc32c_update(CRC32C_INIT, p, cut);

		assert_int_equal(crc32c_update(CRC32C_INIT, p, len), want);
		assert_int_equal(crc32c_update(parts, p + cut, len - cut), want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_values),
		cmocka_unit_test(test_all_ways_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
