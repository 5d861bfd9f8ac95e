/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* SBC-4 5.35: UNMAP; 5.6: GET LBA STATUS. */
#include <string.h>

#include "conform.h"

static struct cmd *unmap(struct nexus *n, unsigned n_desc)
{
	uint16_t len = (uint16_t)(8 + n_desc * 16);
	struct cmd *c = CMD(n, 0x42, 0, 0, 0, 0, 0, 0, (uint8_t)(len >> 8), (uint8_t)len, 0);
	uint8_t *p = data_out(c, NULL, len);

	put_be16(p, (uint16_t)(len - 2));
	put_be16(p + 2, (uint16_t)(n_desc * 16));
	return c;
}

static void desc(struct cmd *c, unsigned i, uint64_t lba, uint32_t blocks)
{
	put_be64(c->out + 8 + (size_t)i * 16, lba);
	put_be32(c->out + 16 + (size_t)i * 16, blocks);
}

static const uint8_t *zeroes(struct test *t, size_t len)
{
	return memset(pattern(t, 0, len), 0, len);
}

RULE(unmap, ranges, DESTROYS,
     "what is unmapped reads as zeroes (LBPRZ), and nothing else is touched")
{
	uint64_t lba = scratch(t);
	uint32_t block = unit_of(t)->block;
	const uint8_t *old = pattern(t, 240, (size_t)96 * block);
	struct cmd *c;

	need_op(t, 0x42, -1);
	write_blocks(nexus_a(t), lba, 96, old);
	c = unmap(nexus_a(t), 3);
	desc(c, 0, lba + 64, 32);
	desc(c, 1, lba + 8, 8);
	desc(c, 2, lba + 40, 1);
	expect_good(c);
	expect_blocks(nexus_a(t), lba, 8, old, "before the ranges");
	expect_blocks(nexus_a(t), lba + 16, 24, old + (size_t)16 * block, "between the ranges");
	expect_blocks(nexus_a(t), lba + 41, 23, old + (size_t)41 * block, "between the ranges");
	if (!unit_of(t)->lbprz)
		return;
	expect_blocks(nexus_a(t), lba + 64, 32, zeroes(t, (size_t)32 * block), "the first range");
	expect_blocks(nexus_a(t), lba + 8, 8, zeroes(t, (size_t)8 * block), "the second range");
}

RULE(unmap, empty, DESTROYS,
     "no parameters, no descriptors, and descriptors of no blocks are no errors and do nothing")
{
	struct cmd *c = CMD(nexus_a(t), 0x42, 0, 0, 0, 0, 0, 0, 0, 0, 0);

	need_op(t, 0x42, -1);
	expect_good(c);
	expect_good(unmap(nexus_a(t), 0));
	c = unmap(nexus_a(t), 1);
	desc(c, 0, 0, 0);
	expect_good(c);
}

RULE(unmap, out_of_range, DESTROYS, "a range behind the last block is out of range")
{
	uint64_t n = unit_of(t)->n_blocks;
	const uint64_t lba[] = { n, n - 1, UINT64_MAX, UINT64_MAX - 1 };

	need_op(t, 0x42, -1);
	for (unsigned i = 0; i < ARRAY_SIZE(lba); i++) {
		struct cmd *c = unmap(nexus_a(t), 1);

		desc(c, 0, lba[i], 2);
		expect_sense(c, ILLEGAL_REQUEST, LBA_OUT_OF_RANGE);
	}
}

RULE(unmap, lengths, DESTROYS,
     "a parameter list shorter than its header is an error, and so is one with more descriptors "
     "than the limit")
{
	struct nexus *a = nexus_a(t);
	uint32_t max = unit_of(t)->max_unmap_desc;

	need_op(t, 0x42, -1);
	for (uint8_t len = 1; len < 8; len += 2) {
		struct cmd *c = CMD(a, 0x42, 0, 0, 0, 0, 0, 0, 0, len, 0);

		data_out(c, NULL, len);
		expect_sense(c, ILLEGAL_REQUEST, PARAMETER_LIST_LENGTH_ERROR);
	}
	if (max && max < 4000)
		expect_key(unmap(a, max + 1), ILLEGAL_REQUEST);
}

RULE(unmap, anchor, DESTROYS, "ANCHOR without ANC_SUP is INVALID FIELD IN CDB")
{
	struct cmd *b2 = inquiry_run(nexus_a(t), 0xb2);
	struct cmd *c;

	need_op(t, 0x42, -1);
	if (b2->status == GOOD && b2->in[5] & 2)
		skip(t, "ANC_SUP is 1");
	c = unmap(nexus_a(t), 0);
	c->cdb[1] = 1;
	expect_bad_cdb(c, 1);
}

/* --- GET LBA STATUS --- */

static struct cmd *lba_status(struct nexus *n, uint64_t lba, uint32_t room)
{
	struct cmd *c = range_new(n, 0x9e, 0x12, lba, room);

	if (room)
		data_in(c, room);
	return c;
}

RULE(lba_status, extents, SAFE,
     "descriptors follow each other without gaps from the LBA asked for, neighbours differ, states "
     "are known")
{
	struct cmd *c = lba_status(nexus_a(t), 5, 4096);
	uint64_t next = 5;

	need_op(t, 0x9e, 0x12);
	expect_good(c);
	EXPECT(t, got_in(c) >= 24 && (got_in(c) - 8) % 16 == 0, "%u bytes", got_in(c));
	EXPECT(t, get_be32(c->in) + 4 == got_in(c), "PARAMETER DATA LENGTH %u, %u bytes came",
	       get_be32(c->in), got_in(c));
	for (uint32_t at = 8; at + 16 <= got_in(c); at += 16) {
		EXPECT(t, get_be64(c->in + at) == next,
		       "a descriptor begins at %llu, the one before ends at %llu",
		       (unsigned long long)get_be64(c->in + at), (unsigned long long)next);
		EXPECT(t, get_be32(c->in + at + 8), "a descriptor of no blocks");
		EXPECT(t, (c->in[at + 12] & 0x0f) <= 2, "provisioning status %u",
		       c->in[at + 12] & 0x0f);
		next += get_be32(c->in + at + 8);
	}
	EXPECT(t, next <= unit_of(t)->n_blocks,
	       "the last descriptor ends at %llu, the unit at %llu", (unsigned long long)next,
	       (unsigned long long)unit_of(t)->n_blocks);
}

RULE(lba_status, follows, DESTROYS,
     "what is written is mapped; what is unmapped is not, if whole pieces of the granularity were")
{
	uint64_t lba = scratch(t);
	struct cmd *c;

	need_op(t, 0x9e, 0x12);
	need_op(t, 0x42, -1);
	write_blocks(nexus_a(t), lba, 1024, NULL);
	c = lba_status(nexus_a(t), lba + 3, 24);
	expect_good(c);
	EXPECT(t, (c->in[20] & 0x0f) == 0, "written blocks have the status %u", c->in[20] & 0x0f);
	c = unmap(nexus_a(t), 1);
	desc(c, 0, lba, 1024);
	expect_good(c);
	c = lba_status(nexus_a(t), lba + 3, 24);
	expect_good(c);
	if ((c->in[20] & 0x0f) == 0)
		skip(t, "the unit does not follow what is mapped");
	EXPECT(t, get_be32(c->in + 16) >= 1000, "unmapped are only %u blocks",
	       get_be32(c->in + 16));
}

RULE(lba_status, range, SAFE, "behind the last block it is out of range")
{
	need_op(t, 0x9e, 0x12);
	expect_good(lba_status(nexus_a(t), unit_of(t)->n_blocks - 1, 24));
	expect_sense(lba_status(nexus_a(t), unit_of(t)->n_blocks, 24), ILLEGAL_REQUEST,
		     LBA_OUT_OF_RANGE);
	expect_sense(lba_status(nexus_a(t), UINT64_MAX, 24), ILLEGAL_REQUEST, LBA_OUT_OF_RANGE);
}
