/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A seeded pseudo-random generator (xorshift64*), for tests, benchmarks and patterns; not for secrets. */
#pragma once

#include <stdint.h>

struct prng {
	uint64_t s;
};

static inline struct prng prng_of(uint64_t seed)
{
	return (struct prng){ .s = seed * 0x9e3779b97f4a7c15ull + 0x2545f4914f6cdd1dull };
}

static inline uint64_t prng_u64(struct prng *r)
{
	r->s ^= r->s >> 12;
	r->s ^= r->s << 25;
	r->s ^= r->s >> 27;
	return r->s * 0x2545f4914f6cdd1dull;
}

/* A number in [0, n); @n > 0. */
static inline uint64_t prng_below(struct prng *r, uint64_t n)
{
	return (prng_u64(r) >> 11) % n;
}
