/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* SBC-4 5.49, 5.50: WRITE SAME. */
#include <string.h>

#include "conform.h"

static struct cmd *same(struct nexus *n, uint8_t op, uint8_t flags, uint64_t lba, uint32_t blocks,
			const void *data)
{
	struct cmd *c = range_new(n, op, flags, lba, blocks);

	if (!(flags & 1))
		data_out(c, data, unit_of(n->t)->block);
	return c;
}

static const uint8_t *repeated(struct test *t, const uint8_t *block, uint32_t n)
{
	uint32_t len = unit_of(t)->block;
	uint8_t *p = pattern(t, 1, (size_t)n * len);

	for (uint32_t i = 0; i < n; i++)
		memcpy(p + (size_t)i * len, block, len);
	return p;
}

RULE(write_same, data, DESTROYS,
     "WRITE SAME (10, 16) writes one block to each of the range, and to no other")
{
	static const uint8_t ops[] = { 0x41, 0x93 };
	uint64_t lba = scratch(t);
	uint32_t block = unit_of(t)->block;

	for (unsigned i = 0; i < 2; i++) {
		const uint8_t *old = pattern(t, 220 + i, (size_t)64 * block);
		const uint8_t *one = pattern(t, 222 + i, block);

		need_op(t, ops[i], -1);
		write_blocks(nexus_a(t), lba, 64, old);
		expect_good(same(nexus_a(t), ops[i], 0, lba + 3, 50, one));
		expect_blocks(nexus_a(t), lba, 3, old, "before the range");
		expect_blocks(nexus_a(t), lba + 3, 50, repeated(t, one, 50), "the range");
		expect_blocks(nexus_a(t), lba + 53, 11, old + (size_t)53 * block,
			      "behind the range");
	}
}

RULE(write_same, range, DESTROYS, "WRITE SAME of blocks behind the last one is out of range")
{
	uint64_t n = unit_of(t)->n_blocks;

	need_op(t, 0x93, -1);
	expect_sense(same(nexus_a(t), 0x93, 0, n, 1, NULL), ILLEGAL_REQUEST, LBA_OUT_OF_RANGE);
	expect_sense(same(nexus_a(t), 0x93, 0, n - 1, 2, NULL), ILLEGAL_REQUEST, LBA_OUT_OF_RANGE);
	expect_sense(same(nexus_a(t), 0x93, 0, UINT64_MAX, 2, NULL), ILLEGAL_REQUEST,
		     LBA_OUT_OF_RANGE);
}

RULE(write_same, zero_blocks, DESTROYS, "with WSNZ no blocks at all are INVALID FIELD IN CDB")
{
	need_op(t, 0x93, -1);
	if (!unit_of(t)->wsnz)
		skip(t, "WSNZ is 0: it would be all blocks");
	expect_bad_cdb(same(nexus_a(t), 0x93, 0, 0, 0, NULL), 10);
}

RULE(write_same, too_long, DESTROYS, "more than MAXIMUM WRITE SAME LENGTH is INVALID FIELD IN CDB")
{
	uint64_t max = unit_of(t)->max_same;

	need_op(t, 0x93, -1);
	if (!max || max >= UINT32_MAX || max >= unit_of(t)->n_blocks)
		skip(t, "no limit that the unit could pass");
	expect_bad_cdb(same(nexus_a(t), 0x93, 0, 0, (uint32_t)max + 1, NULL), 10);
}

RULE(write_same, ndob, DESTROYS, "NDOB: zeroes, without any data")
{
	uint64_t lba = scratch(t);
	uint32_t block = unit_of(t)->block;

	need_op(t, 0x93, -1);
	if (!(op_find(t, 0x93, -1)->usage[1] & 1))
		skip(t, "NDOB is not supported");
	write_blocks(nexus_a(t), lba, 16, pattern(t, 230, (size_t)16 * block));
	expect_good(same(nexus_a(t), 0x93, 1, lba + 2, 12, NULL));
	expect_blocks(nexus_a(t), lba + 2, 12,
		      memset(pattern(t, 0, (size_t)12 * block), 0, (size_t)12 * block), "NDOB");
	expect_blocks(nexus_a(t), lba, 2, pattern(t, 230, (size_t)16 * block), "before the range");
}

RULE(write_same, unmap, DESTROYS,
     "UNMAP with a block of zeroes: the range reads as zeroes, others stay")
{
	uint64_t lba = scratch(t);
	uint32_t block = unit_of(t)->block;
	const uint8_t *old = pattern(t, 231, (size_t)64 * block);

	need_op(t, 0x93, -1);
	if (!unit_of(t)->lbpws)
		skip(t, "LBPWS is 0");
	write_blocks(nexus_a(t), lba, 64, old);
	expect_good(same(nexus_a(t), 0x93, 0x08, lba + 8, 32, NULL));
	expect_blocks(nexus_a(t), lba, 8, old, "before the range");
	expect_blocks(nexus_a(t), lba + 8, 32,
		      memset(pattern(t, 0, (size_t)32 * block), 0, (size_t)32 * block),
		      "the range");
	expect_blocks(nexus_a(t), lba + 40, 24, old + (size_t)40 * block, "behind the range");
}

RULE(write_same, unmap_data, DESTROYS,
     "UNMAP with a block that is not zero: the range reads as this block")
{
	uint64_t lba = scratch(t);
	const uint8_t *one = pattern(t, 232, unit_of(t)->block);

	need_op(t, 0x93, -1);
	if (!unit_of(t)->lbpws)
		skip(t, "LBPWS is 0");
	expect_good(same(nexus_a(t), 0x93, 0x08, lba, 16, one));
	expect_blocks(nexus_a(t), lba, 16, repeated(t, one, 16), "the range");
}

RULE(write_same, bad_bits, DESTROYS,
     "WRPROTECT, and ANCHOR without ANC_SUP, are INVALID FIELD IN CDB")
{
	struct cmd *c;

	need_op(t, 0x93, -1);
	for (unsigned p = 1; p < 8; p++)
		expect_bad_cdb(same(nexus_a(t), 0x93, (uint8_t)(p << 5), 0, 1, NULL), 1);
	c = inquiry_run(nexus_a(t), 0xb2);
	if (c->status == GOOD && c->in[5] & 2)
		return;
	expect_bad_cdb(same(nexus_a(t), 0x93, 0x18, 0, 1, NULL), 1);
}
