/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Logical unit numbers, SAM-5 4.7. */
#include "wire/lun.h"

#include "base/check.h"
#include "base/cur.h"

#define METHOD_PERIPHERAL 0 /* first two bits of the first byte */
#define METHOD_FLAT       1
#define METHOD_EXTENDED   3
#define FLAT_MAX          0x3fff

enum lun_kind lun_decode(const uint8_t lun[8], uint16_t *ret)
{
	uint16_t first = get_be16(lun);

	if (get_be16(lun + 2) || get_be32(lun + 4))
		return LUN_UNKNOWN; /* a second level */
	switch (lun[0] >> 6) {
	case METHOD_PERIPHERAL:
		if (lun[0])
			return LUN_UNKNOWN; /* another bus */
		*ret = lun[1];
		return LUN_UNIT;
	case METHOD_FLAT:
		*ret = first & FLAT_MAX;
		return LUN_UNIT;
	case METHOD_EXTENDED:
		return first == LUN_WELL_KNOWN_REPORT_LUNS ? LUN_REPORT_LUNS : LUN_UNKNOWN;
	default:
		return LUN_UNKNOWN;
	}
}

void lun_encode(uint16_t n, uint8_t lun[8])
{
	check(n <= FLAT_MAX);
	memset(lun, 0, 8);
	put_be16(lun, n < 256 ? n : (uint16_t)(METHOD_FLAT << 14 | n));
}
