/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Log-linear histogram of 64-bit values (latencies in ns): 32 buckets an octave, error below 3.2 %. */
#pragma once

#include <stdint.h>

#define HIST_SUB_BITS 5
#define HIST_BUCKETS  ((64 - HIST_SUB_BITS + 1) << HIST_SUB_BITS)

struct hist {
	uint64_t count;
	uint64_t sum;
	uint64_t max;
	uint64_t bucket[HIST_BUCKETS];
};

static inline unsigned hist_index(uint64_t v)
{
	unsigned msb;

	if (v < (1u << HIST_SUB_BITS))
		return (unsigned)v;
	msb = 63u - (unsigned)__builtin_clzll(v);
	return ((msb - HIST_SUB_BITS + 1) << HIST_SUB_BITS) +
	       (unsigned)((v >> (msb - HIST_SUB_BITS)) & ((1u << HIST_SUB_BITS) - 1));
}

static inline void hist_add(struct hist *h, uint64_t v)
{
	h->count++;
	h->sum += v;
	h->max = v > h->max ? v : h->max;
	h->bucket[hist_index(v)]++;
}

/* Add everything @from has seen to @to. */
void hist_merge(struct hist *to, const struct hist *from);

/* The smallest bucket bound that at least @permille of the values do not exceed; 0 when empty. */
uint64_t hist_permille(const struct hist *h, unsigned permille);
