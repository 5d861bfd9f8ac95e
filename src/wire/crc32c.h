/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * CRC32c (Castagnoli, reflected polynomial 0x82F63B78) as MPA uses it: start with CRC32C_INIT, update over
 * any number of pieces, invert at the end; stored least-significant byte first (RFC 5044 5.1).
 */
#pragma once

#include "base/util.h"

#define CRC32C_INIT 0xffffffffu

/**
 * crc32c_update() - continue a checksum over the next @n bytes
 * @crc: CRC32C_INIT or the result of the previous call
 *
 * Return: running value; its inverse is the CRC.
 */
uint32_t crc32c_update(uint32_t crc, const void *p, size_t n);

/* The same by table only: the reference the faster ways are tested against. */
uint32_t crc32c_update_table(uint32_t crc, const void *p, size_t n);

/* CRC of @n bytes in one go. */
static inline uint32_t crc32c(const void *p, size_t n)
{
	return ~crc32c_update(CRC32C_INIT, p, n);
}

/* Store the finished CRC of the running value @crc. */
static inline void crc32c_put(uint8_t *p, uint32_t crc)
{
	crc = ~crc;
	p[0] = (uint8_t)crc;
	p[1] = (uint8_t)(crc >> 8);
	p[2] = (uint8_t)(crc >> 16);
	p[3] = (uint8_t)(crc >> 24);
}

/* Do the 4 bytes at @p store the finished CRC of the running value @crc? */
static inline bool crc32c_fits(const uint8_t *p, uint32_t crc)
{
	uint32_t stored =
		(uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;

	return stored == ~crc;
}
