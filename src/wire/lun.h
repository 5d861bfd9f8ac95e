/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The eight bytes of a logical unit number (SAM-5 4.7): single level, as disks use them. */
#pragma once

#include "base/util.h"

#define LUN_WELL_KNOWN_REPORT_LUNS 0xc101 /* first two bytes of the REPORT LUNS well known unit */

enum lun_kind {
	LUN_UNIT,        /* a number, by the peripheral (0-255) or flat space (0-16383) method */
	LUN_REPORT_LUNS, /* the REPORT LUNS well known logical unit */
	LUN_UNKNOWN,     /* everything else: deeper levels, other buses, other well known units */
};

/* @ret is set for LUN_UNIT only. */
enum lun_kind lun_decode(const uint8_t lun[8], uint16_t *ret);

/* Peripheral method below 256, flat space below 16384; @n must be less than that. */
void lun_encode(uint16_t n, uint8_t lun[8]);
