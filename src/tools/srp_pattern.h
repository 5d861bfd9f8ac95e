/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Test data that can be checked without keeping them: each 8 bytes depend on a seed and their place. */
#pragma once

#include <string.h>

#include "base/util.h"

static inline uint64_t pattern_word(uint64_t seed, uint64_t index)
{
	uint64_t x = seed * 0xd1342543de82ef95ull + index * 0x9e3779b97f4a7c15ull;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	return x ^ x >> 27;
}

/* @off and @len are multiples of 8; @off is the place of the first byte in the whole. */
static inline void pattern_fill(void *buf, size_t len, uint64_t seed, uint64_t off)
{
	uint8_t *p = buf;

	for (size_t i = 0; i < len; i += 8) {
		uint64_t w = pattern_word(seed, (off + i) / 8);

		memcpy(p + i, &w, 8);
	}
}

/* Return: offset in @buf of the first word that differs, or @len. */
static inline size_t pattern_check(const void *buf, size_t len, uint64_t seed, uint64_t off)
{
	const uint8_t *p = buf;

	for (size_t i = 0; i < len; i += 8) {
		uint64_t w = pattern_word(seed, (off + i) / 8);

		if (memcmp(p + i, &w, 8) != 0)
			return i;
	}
	return len;
}
