/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Where everything that happens by chance comes from: one stream of random numbers for a run, made from
 * its seed. Nothing else (no address, no real time) may decide anything in this folder.
 */
#pragma once

#include "base/prng.h"
#include "base/util.h"

extern struct prng dice_stream;

static inline void dice_init(uint64_t seed)
{
	dice_stream = prng_of(seed);
	/* The first numbers of neighbouring seeds resemble each other. */
	for (unsigned i = 0; i < 4; i++)
		(void)prng_u64(&dice_stream);
}

/* A number in [0, n); @n > 0. */
static inline uint32_t dice_below(uint32_t n)
{
	return (uint32_t)prng_below(&dice_stream, n);
}

/* A number in [lo, hi]. */
static inline uint64_t dice_range(uint64_t lo, uint64_t hi)
{
	return lo + prng_below(&dice_stream, hi - lo + 1);
}

/* True in @n of 100 cases. */
static inline bool dice_pct(unsigned n)
{
	return n && dice_below(100) < n;
}

/* True in @n of 1000 cases. */
static inline bool dice_permille(unsigned n)
{
	return n && dice_below(1000) < n;
}

/* A number in [lo, hi], small ones more often: each power of two is as likely as the next. */
static inline uint64_t dice_log(uint64_t lo, uint64_t hi)
{
	unsigned bits = 64u - (unsigned)__builtin_clzll((hi - lo) | 1);
	uint64_t span = bits >= 63 ? hi - lo : (1ull << dice_below(bits + 1)) - 1;

	return dice_range(lo, lo + min_u64(span, hi - lo));
}

/* Index of a weight; the weights' sum must not be 0. */
static inline unsigned dice_pick(const unsigned *weight, unsigned n)
{
	unsigned sum = 0;
	unsigned at;
	unsigned i;

	for (i = 0; i < n; i++)
		sum += weight[i];
	at = dice_below(sum);
	for (i = 0; at >= weight[i]; i++)
		at -= weight[i];
	return i;
}
