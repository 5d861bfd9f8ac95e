/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Bounded cursors over bytes: `struct cur` reads, `struct pen` writes. The first access past the end
 * makes the cursor bad; from then on reads yield zero and writes do nothing, so a codec runs
 * straight through and asks once, at the end. Multi-byte values are big-endian unless named le.
 */
#pragma once

#include <string.h>

#include "base/util.h"

struct cur {
	const uint8_t *p; /* start; borrowed */
	size_t len;       /* bytes at @p */
	size_t pos;       /* next byte; <= len */
	bool bad;         /* an access went past the end */
};

struct pen {
	uint8_t *p;
	size_t len;
	size_t pos;
	bool bad;
};

static inline struct cur cur_of(const void *p, size_t len)
{
	return (struct cur){ .p = p, .len = len };
}

static inline struct pen pen_of(void *p, size_t len)
{
	return (struct pen){ .p = p, .len = len };
}

static inline size_t cur_left(const struct cur *c)
{
	return c->bad ? 0 : c->len - c->pos;
}

/* Borrow the next @n bytes and step over them; NULL (and bad) when there are fewer. */
static inline const uint8_t *cur_take(struct cur *c, size_t n)
{
	const uint8_t *at;

	if (c->bad || n > c->len - c->pos) {
		c->bad = true;
		return NULL;
	}
	at = c->p + c->pos;
	c->pos += n;
	return at;
}

static inline void cur_skip(struct cur *c, size_t n)
{
	(void)cur_take(c, n);
}

/* Copy the next @n bytes to @to, zeroes when there are fewer. */
static inline void cur_copy(struct cur *c, void *to, size_t n)
{
	const uint8_t *from = cur_take(c, n);

	if (from)
		memcpy(to, from, n);
	else
		memset(to, 0, n);
}

static inline uint16_t get_be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t get_be24(const uint8_t *p)
{
	return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}

static inline uint32_t get_be32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return __builtin_bswap32(v);
}

static inline uint64_t get_be64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return __builtin_bswap64(v);
}

static inline void put_be16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void put_be24(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 16);
	p[1] = (uint8_t)(v >> 8);
	p[2] = (uint8_t)v;
}

static inline void put_be32(uint8_t *p, uint32_t v)
{
	v = __builtin_bswap32(v);
	memcpy(p, &v, sizeof(v));
}

static inline void put_be64(uint8_t *p, uint64_t v)
{
	v = __builtin_bswap64(v);
	memcpy(p, &v, sizeof(v));
}

static inline uint8_t cur_u8(struct cur *c)
{
	const uint8_t *p = cur_take(c, 1);

	return p ? *p : 0;
}

static inline uint16_t cur_be16(struct cur *c)
{
	const uint8_t *p = cur_take(c, 2);

	return p ? get_be16(p) : 0;
}

static inline uint32_t cur_be24(struct cur *c)
{
	const uint8_t *p = cur_take(c, 3);

	return p ? get_be24(p) : 0;
}

static inline uint32_t cur_be32(struct cur *c)
{
	const uint8_t *p = cur_take(c, 4);

	return p ? get_be32(p) : 0;
}

static inline uint64_t cur_be64(struct cur *c)
{
	const uint8_t *p = cur_take(c, 8);

	return p ? get_be64(p) : 0;
}

/* Reserve the next @n bytes for writing; NULL (and bad) when there are fewer. */
static inline uint8_t *pen_take(struct pen *c, size_t n)
{
	uint8_t *at;

	if (c->bad || n > c->len - c->pos) {
		c->bad = true;
		return NULL;
	}
	at = c->p + c->pos;
	c->pos += n;
	return at;
}

static inline void pen_zero(struct pen *c, size_t n)
{
	uint8_t *p = pen_take(c, n);

	if (p)
		memset(p, 0, n);
}

static inline void pen_copy(struct pen *c, const void *from, size_t n)
{
	uint8_t *p = pen_take(c, n);

	if (p && n)
		memcpy(p, from, n);
}

static inline void pen_u8(struct pen *c, uint8_t v)
{
	uint8_t *p = pen_take(c, 1);

	if (p)
		*p = v;
}

static inline void pen_be16(struct pen *c, uint16_t v)
{
	uint8_t *p = pen_take(c, 2);

	if (p)
		put_be16(p, v);
}

static inline void pen_be24(struct pen *c, uint32_t v)
{
	uint8_t *p = pen_take(c, 3);

	if (p)
		put_be24(p, v);
}

static inline void pen_be32(struct pen *c, uint32_t v)
{
	uint8_t *p = pen_take(c, 4);

	if (p)
		put_be32(p, v);
}

static inline void pen_be64(struct pen *c, uint64_t v)
{
	uint8_t *p = pen_take(c, 8);

	if (p)
		put_be64(p, v);
}
