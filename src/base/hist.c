/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "base/hist.h"

/* The largest value that falls into bucket @i. */
static uint64_t hist_bound(unsigned i)
{
	unsigned octave = i >> HIST_SUB_BITS;
	uint64_t sub = i & ((1u << HIST_SUB_BITS) - 1);

	if (octave == 0)
		return sub;
	return (((1ull << HIST_SUB_BITS) + sub + 1) << (octave - 1)) - 1;
}

void hist_merge(struct hist *to, const struct hist *from)
{
	to->count += from->count;
	to->sum += from->sum;
	to->max = from->max > to->max ? from->max : to->max;
	for (unsigned i = 0; i < HIST_BUCKETS; i++)
		to->bucket[i] += from->bucket[i];
}

uint64_t hist_permille(const struct hist *h, unsigned permille)
{
	uint64_t want = (h->count * permille + 999) / 1000;
	uint64_t seen = 0;

	for (unsigned i = 0; i < HIST_BUCKETS && h->count; i++) {
		seen += h->bucket[i];
		if (seen >= want)
			return hist_bound(i) < h->max ? hist_bound(i) : h->max;
	}
	return h->max;
}
