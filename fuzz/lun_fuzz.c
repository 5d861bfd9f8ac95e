/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Any eight bytes as a LUN: what names a number is encoded to the shortest form of that number. */
#include "fuzz.h"
#include "wire/lun.h"

static void number(uint16_t n)
{
	uint8_t lun[8];
	uint16_t back = 0;

	lun_encode(n, lun);
	check(lun_decode(lun, &back) == LUN_UNIT && back == n);
	check(n < 256 ? lun[0] == 0 : lun[0] >> 6 == 1);
	check(mem_is_zero(lun + 2, 6));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint16_t n = 0xeeee;
	uint8_t *lun;

	if (len < 8)
		return 0;
	lun = fuzz_copy(data, 8);
	switch (lun_decode(lun, &n)) {
	case LUN_UNIT:
		check(n < 16384 && mem_is_zero(lun + 2, 6));
		check(lun[1] == (n & 0xff)); /* both methods have the low byte there */
		number(n);
		break;
	case LUN_REPORT_LUNS:
		check(get_be16(lun) == LUN_WELL_KNOWN_REPORT_LUNS && n == 0xeeee);
		break;
	case LUN_UNKNOWN:
		check(n == 0xeeee);
		break;
	}
	number(get_be16(lun) & 0x3fff);
	free(lun);
	return 0;
}
