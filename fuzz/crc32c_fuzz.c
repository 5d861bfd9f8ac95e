/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* CRC32c of any bytes at any alignment, in pieces of any size: every way gives what the table gives. */
#include "fuzz.h"
#include "wire/crc32c.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint32_t want = crc32c_update_table(CRC32C_INIT, data, len);
	uint32_t got = CRC32C_INIT;
	size_t step = len ? data[0] % 37u + 1 : 1;
	uint8_t *p = fuzz_copy(data, len);
	uint8_t end[4];

	check(crc32c_update(CRC32C_INIT, p, len) == want);
	for (size_t at = 0; at < len; at += step, step = step % 61 + 3)
		got = crc32c_update(got, p + at, min_size(step, len - at));
	check(got == want);
	check(crc32c(p, len) == ~want);
	crc32c_put(end, want);
	check(crc32c_fits(end, want));
	end[len % 4] ^= 0x10;
	check(!crc32c_fits(end, want));
	free(p);
	return 0;
}
