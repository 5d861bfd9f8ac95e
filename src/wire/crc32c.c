/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include <string.h>

#include "wire/crc32c.h"

#ifdef HAVE_ISAL
#include <isa-l/crc.h>
#endif

/* Below this a loop over the processor's crc32 instruction is done before the library has set up. */
#define SMALL_LEN 128u

/* The library takes an int. */
#define LIBRARY_MAX (1u << 30)

/* What the low four bits of the running value become in four steps of the polynomial. */
static const uint32_t nibble[16] = {
	0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
	0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
	0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
};

uint32_t crc32c_update_table(uint32_t crc, const void *p, size_t n)
{
	const uint8_t *b = p;

	for (size_t i = 0; i < n; i++) {
		crc ^= b[i];
		crc = crc >> 4 ^ nibble[crc & 15];
		crc = crc >> 4 ^ nibble[crc & 15];
	}
	return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t update_instruction(uint32_t crc, const uint8_t *p,
								     size_t n)
{
	uint64_t c = crc;
	uint64_t word;

	for (; n >= 8; p += 8, n -= 8) {
		memcpy(&word, p, sizeof(word));
		c = __builtin_ia32_crc32di(c, word);
	}
	crc = (uint32_t)c;
	for (; n; p++, n--)
		crc = __builtin_ia32_crc32qi(crc, *p);
	return crc;
}
#endif

#ifdef HAVE_ISAL
static uint32_t update_library(uint32_t crc, const uint8_t *p, size_t n)
{
	while (n) {
		size_t part = min_size(n, LIBRARY_MAX);

		/* The library only reads, but does not say so. */
		crc = crc32_iscsi((unsigned char *)p, (int)part, crc);
		p += part;
		n -= part;
	}
	return crc;
}
#endif

uint32_t crc32c_update(uint32_t crc, const void *p, size_t n)
{
#if defined(__x86_64__)
	bool instruction = __builtin_cpu_supports("sse4.2");

#ifdef HAVE_ISAL
	if (n >= SMALL_LEN || !instruction)
		return update_library(crc, p, n);
#endif
	if (instruction)
		return update_instruction(crc, p, n);
#elif defined(HAVE_ISAL)
	if (n >= SMALL_LEN)
		return update_library(crc, p, n);
#endif
	return crc32c_update_table(crc, p, n);
}
