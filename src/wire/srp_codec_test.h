/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What every codec of this folder is held to, given one known IU: it reads and writes that IU,
 * refuses every shorter one, carries every defined bit, ignores every reserved bit and sends it as
 * zero. Included by the tests only.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "wire/srp_recode.h"

struct codec_field {
	uint16_t off;
	uint16_t len;
	uint8_t mask; /* defined bits of each of its bytes */
};

struct codec_case {
	srp_recode_fn *recode;
	const uint8_t *iu; /* reserved bits are zero */
	size_t len;
	const struct codec_field *field; /* everything that is not reserved; ends with len 0 */
	size_t min_pen;  /* fewest bytes it can be encoded in; less than len cuts sense */
	size_t imm_from; /* a cut from here on is SRP_E_IMMEDIATE; 0: never */
};

#define CODEC_MAX 1024

/* Recode a copy that ends where its allocation ends, so a sanitizer sees an overrun of one byte. */
static inline int codec_run(const struct codec_case *c, const uint8_t *iu, size_t len,
			    struct pen *out)
{
	uint8_t *copy = malloc(len + 1);
	struct cur in;
	int r;

	assert_non_null(copy);
	memcpy(copy + 1, iu, len);
	in = cur_of(copy + 1, len);
	r = c->recode(&in, out);
	free(copy);
	return r;
}

static inline void codec_known(const struct codec_case *c)
{
	uint8_t got[CODEC_MAX + 4];
	struct pen out = pen_of(got, sizeof(got));

	assert_true(c->len <= CODEC_MAX);
	memset(got, 0x5a, sizeof(got));
	assert_int_equal(codec_run(c, c->iu, c->len, &out), 0);
	assert_int_equal(out.pos, c->len);
	assert_memory_equal(got, c->iu, c->len);
	assert_int_equal(got[c->len], 0x5a);
}

static inline void codec_truncated(const struct codec_case *c)
{
	uint8_t got[CODEC_MAX];

	for (size_t n = 0; n < c->len; n++) {
		struct pen out = pen_of(got, sizeof(got));
		bool imm = c->imm_from && n >= c->imm_from;

		assert_int_equal(codec_run(c, c->iu, n, &out),
				 imm ? SRP_E_IMMEDIATE : SRP_E_TRUNCATED);
		assert_int_equal(out.pos, 0);
	}
}

static inline void codec_short_pen(const struct codec_case *c)
{
	for (size_t n = 0; n < c->len; n++) {
		uint8_t *buf = malloc(n + 1);
		struct pen out = pen_of(buf, n);

		assert_non_null(buf);
		if (n < c->min_pen) {
			assert_int_equal(codec_run(c, c->iu, c->len, &out), SRP_E_NO_SPACE);
		} else {
			assert_int_equal(codec_run(c, c->iu, c->len, &out), 0);
			assert_int_equal(out.pos, n);
		}
		free(buf);
	}
}

static inline uint8_t codec_mask(const struct codec_case *c, size_t at)
{
	for (const struct codec_field *f = c->field; f->len; f++)
		if (at >= f->off && at < (size_t)f->off + f->len)
			return f->mask;
	return 0;
}

/* A reserved bit leaves no trace; a defined one changes the result or is refused. */
static inline void codec_bits(const struct codec_case *c)
{
	uint8_t iu[CODEC_MAX];
	uint8_t got[CODEC_MAX];

	memcpy(iu, c->iu, c->len);
	for (size_t bit = 0; bit < c->len * 8; bit++) {
		struct pen out = pen_of(got, sizeof(got));
		uint8_t flip = (uint8_t)BIT(bit % 8);
		bool same;
		int r;

		iu[bit / 8] ^= flip;
		r = codec_run(c, iu, c->len, &out);
		same = r == 0 && out.pos == c->len && memcmp(got, c->iu, c->len) == 0;
		if (same == !!(codec_mask(c, bit / 8) & flip))
			fail_msg("byte %zu, bit %zu: %s", bit / 8, bit % 8,
				 same ? "defined but ignored" : "reserved but not ignored");
		iu[bit / 8] ^= flip;
	}
}

static inline void codec_check(const struct codec_case *c)
{
	codec_known(c);
	codec_truncated(c);
	codec_short_pen(c);
	codec_bits(c);
}
