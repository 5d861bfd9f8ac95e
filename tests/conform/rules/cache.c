/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* SBC-4 5.8: PRE-FETCH; 5.33: SYNCHRONIZE CACHE. */
#include "conform.h"

RULE(prefetch, status, SAFE,
     "PRE-FETCH ends with GOOD, or CONDITION MET where all blocks have room in the cache")
{
	static const uint8_t ops[] = { 0x34, 0x90 };

	for (unsigned i = 0; i < 2; i++)
		for (uint8_t immed = 0; immed < 4; immed = (uint8_t)(immed + 2)) {
			struct cmd *c = range_new(nexus_a(t), ops[i], immed, 0, 64);

			need_op(t, ops[i], -1);
			cmd_run(c);
			EXPECT(t, c->status == GOOD || c->status == CONDITION_MET, "%s",
			       cmd_text(c));
		}
}

RULE(prefetch, range, SAFE,
     "PRE-FETCH of blocks behind the last one is out of range; 0 blocks reach to the end")
{
	struct cmd *c = range_new(nexus_a(t), 0x90, 0, 0, 0);

	need_op(t, 0x90, -1);
	expect_sense(range_new(nexus_a(t), 0x90, 0, unit_of(t)->n_blocks, 1), ILLEGAL_REQUEST,
		     LBA_OUT_OF_RANGE);
	expect_sense(range_new(nexus_a(t), 0x90, 0, UINT64_MAX, 1), ILLEGAL_REQUEST,
		     LBA_OUT_OF_RANGE);
	cmd_run(c);
	EXPECT(t, c->status == GOOD || c->status == CONDITION_MET, "%s", cmd_text(c));
}

RULE(sync_cache, ranges, DESTROYS,
     "SYNCHRONIZE CACHE of a range, of all, and with IMMED; data stay as they are")
{
	static const uint8_t ops[] = { 0x35, 0x91 };
	uint64_t lba = scratch(t);
	const uint8_t *data = pattern(t, 260, (size_t)8 * unit_of(t)->block);

	for (unsigned i = 0; i < 2; i++) {
		if (!op_find(t, ops[i], -1))
			continue;
		write_blocks(nexus_a(t), lba, 8, data);
		expect_good(range_new(nexus_a(t), ops[i], 0, lba, 8));
		expect_good(range_new(nexus_a(t), ops[i], 0, 0, 0));
		expect_good(range_new(nexus_a(t), ops[i], 2, 0, 0));
		expect_blocks(nexus_a(t), lba, 8, data, "after SYNCHRONIZE CACHE");
	}
	need_op(t, 0x35, -1);
}

RULE(sync_cache, out_of_range, DESTROYS,
     "SYNCHRONIZE CACHE of blocks behind the last one is out of range")
{
	need_op(t, 0x91, -1);
	expect_sense(range_new(nexus_a(t), 0x91, 0, unit_of(t)->n_blocks, 1), ILLEGAL_REQUEST,
		     LBA_OUT_OF_RANGE);
	expect_sense(range_new(nexus_a(t), 0x91, 0, UINT64_MAX, 1), ILLEGAL_REQUEST,
		     LBA_OUT_OF_RANGE);
}
