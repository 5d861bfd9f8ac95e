/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* SBC-4 5.11 ff.: READ. */
#include <string.h>

#include "conform.h"

RULE(read, lengths, DESTROYS,
     "READ (6, 10, 12, 16) give what was written, at the first, the last and other blocks")
{
	static const unsigned len[] = { 6, 10, 12, 16 };
	struct nexus *a = nexus_a(t);
	uint64_t last = unit_of(t)->n_blocks - 1;
	uint32_t block = unit_of(t)->block;
	const uint8_t *first = pattern(t, 1, block);
	const uint8_t *end = pattern(t, 2, block);

	write_blocks(a, 0, 1, first);
	write_blocks(a, last, 1, end);
	for (unsigned i = 0; i < 4; i++) {
		struct cmd *c = read_new(a, len[i], 0, 1);

		expect_good(c);
		EXPECT(t, !memcmp(c->in, first, block),
		       "READ(%u) of the first block gives other data", len[i]);
		if (last > 0x1fffff && len[i] == 6)
			continue;
		c = read_new(a, len[i], last, 1);
		expect_good(c);
		EXPECT(t, !memcmp(c->in, end, block), "READ(%u) of the last block gives other data",
		       len[i]);
	}
}
