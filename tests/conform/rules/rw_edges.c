/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* SBC-4 4.5, 5.11 ff., 5.39 ff.: which blocks READ and WRITE may name. */
#include "conform.h"

static const uint8_t reads[] = { 0x08, 0x28, 0xa8, 0x88 };
static const uint8_t writes[] = { 0x0a, 0x2a, 0xaa, 0x8a };

static uint64_t max_lba(uint8_t opcode)
{
	switch (opcode >> 5) {
	case 0:
		return 0x1fffff;
	case 4:
		return UINT64_MAX;
	default:
		return UINT32_MAX;
	}
}

/* A command of the range with a buffer for it, written in the direction of @out. */
static struct cmd *ranged(struct nexus *n, uint8_t opcode, bool out, uint64_t lba, uint32_t blocks)
{
	struct cmd *c = range_new(n, opcode, 0, lba, blocks);
	uint32_t len = (blocks ? blocks : 1) * unit_of(n->t)->block;

	if (out)
		data_out(c, NULL, len);
	else
		data_in(c, len);
	return c;
}

static void past_the_end(struct test *t, const uint8_t *opcode, bool out)
{
	uint64_t n = unit_of(t)->n_blocks;
	bool tried = false;

	for (unsigned i = 0; i < 4; i++) {
		uint64_t top = max_lba(opcode[i]);

		if (!op_find(t, opcode[i], -1) || n > top)
			continue;
		tried = true;
		expect_good(ranged(nexus_a(t), opcode[i], out, n - 1, 1));
		expect_sense(ranged(nexus_a(t), opcode[i], out, n - 1, 2), ILLEGAL_REQUEST,
			     LBA_OUT_OF_RANGE);
		expect_sense(ranged(nexus_a(t), opcode[i], out, n, 1), ILLEGAL_REQUEST,
			     LBA_OUT_OF_RANGE);
		expect_sense(ranged(nexus_a(t), opcode[i], out, top, 1), ILLEGAL_REQUEST,
			     LBA_OUT_OF_RANGE);
		expect_sense(ranged(nexus_a(t), opcode[i], out, top, 3), ILLEGAL_REQUEST,
			     LBA_OUT_OF_RANGE);
	}
	if (!tried)
		skip(t, "no command reaches behind the last block");
}

RULE(read, past_the_end, SAFE,
     "READ of blocks behind the last one is out of range, the last block itself is not")
{
	past_the_end(t, reads, false);
}

RULE(write, past_the_end, DESTROYS,
     "WRITE of blocks behind the last one is out of range, the last block itself is not")
{
	past_the_end(t, writes, true);
}

static void wraps(struct test *t, uint8_t op16, bool out)
{
	static const struct {
		uint64_t lba;
		uint32_t blocks;
	} range[] = { { UINT64_MAX, 1 },     { UINT64_MAX, 2 }, { UINT64_MAX - 7, 8 },
		      { UINT64_MAX - 7, 9 }, { 1ull << 63, 1 }, { (1ull << 32) + 1, 1 },
		      { 1ull << 55, 4 } };

	need_op(t, op16, -1);
	for (unsigned i = 0; i < ARRAY_SIZE(range); i++)
		if (range[i].lba > unit_of(t)->n_blocks)
			expect_sense(ranged(nexus_a(t), op16, out, range[i].lba, range[i].blocks),
				     ILLEGAL_REQUEST, LBA_OUT_OF_RANGE);
}

RULE(read, wraps, SAFE,
     "READ(16) of a range whose end does not fit into 64 bits (or 32) is out of range")
{
	wraps(t, 0x88, false);
}

RULE(write, wraps, DESTROYS,
     "WRITE(16) of a range whose end does not fit into 64 bits (or 32) is out of range")
{
	wraps(t, 0x8a, true);
}

static void zero_blocks(struct test *t, const uint8_t *opcode, bool out)
{
	uint64_t n = unit_of(t)->n_blocks;

	for (unsigned i = 1; i < 4; i++) {
		if (!op_find(t, opcode[i], -1))
			continue;
		expect_good(range_new(nexus_a(t), opcode[i], 0, 0, 0));
		expect_good(range_new(nexus_a(t), opcode[i], 0, n - 1, 0));
		if (n + 1 <= max_lba(opcode[i]))
			expect_sense(range_new(nexus_a(t), opcode[i], 0, n + 1, 0), ILLEGAL_REQUEST,
				     LBA_OUT_OF_RANGE);
	}
	/* With a buffer: all of it is left over. */
	{
		struct cmd *c = ranged(nexus_a(t), opcode[1], out, 0, 0);
		uint32_t res;

		expect_good(c);
		res = out ? c->out_res : c->in_res;
		EXPECT(t, c->flags & (out ? RSP_DOUNDER : RSP_DIUNDER) && res == unit_of(t)->block,
		       "a transfer of no blocks leaves a residual of %u with flags %02x", res,
		       c->flags);
	}
}

RULE(read, zero_blocks, SAFE,
     "READ (10, 12, 16) of no blocks does nothing, except that the LBA is checked")
{
	zero_blocks(t, reads, false);
}

RULE(write, zero_blocks, DESTROYS,
     "WRITE (10, 12, 16) of no blocks does nothing, except that the LBA is checked")
{
	zero_blocks(t, writes, true);
}

static void too_long(struct test *t, uint8_t op, bool out)
{
	uint32_t max = unit_of(t)->max_transfer;
	struct cmd *c;

	if (!max || max == UINT32_MAX)
		skip(t, "the unit sets no limit");
	need_op(t, op, -1);
	if (unit_of(t)->n_blocks <= max + 1ull)
		skip(t, "the unit is shorter than its limit");
	c = range_new(nexus_a(t), op, 0, 0, max + 1);
	if (out)
		data_out(c, NULL, 4096);
	else
		data_in(c, 4096);
	expect_bad_cdb(c, 10);
}

RULE(read, too_long, SAFE,
     "READ of more than MAXIMUM TRANSFER LENGTH is INVALID FIELD IN CDB at the transfer length")
{
	too_long(t, 0x88, false);
}

RULE(write, too_long, DESTROYS,
     "WRITE of more than MAXIMUM TRANSFER LENGTH is INVALID FIELD IN CDB at the transfer length")
{
	too_long(t, 0x8a, true);
}

static void protect(struct test *t, const uint8_t *opcode, bool out)
{
	if (inquiry_run(nexus_a(t), -1)->in[5] & 1)
		skip(t, "the unit supports protection information");
	for (unsigned i = 1; i < 4; i++)
		for (unsigned p = 1; p < 8; p++) {
			struct cmd *c;

			if (!op_find(t, opcode[i], -1))
				continue;
			c = ranged(nexus_a(t), opcode[i], out, 0, 1);
			c->cdb[1] = (uint8_t)(p << 5);
			expect_bad_cdb(c, 1);
		}
}

RULE(read, rdprotect, SAFE, "RDPROTECT without protection information is INVALID FIELD IN CDB")
{
	protect(t, reads, false);
}

RULE(write, wrprotect, DESTROYS, "WRPROTECT without protection information is INVALID FIELD IN CDB")
{
	protect(t, writes, true);
}

RULE(read, six_zero, SAFE, "READ(6) of a transfer length of 0 reads 256 blocks")
{
	struct cmd *c = range_new(nexus_a(t), 0x08, 0, 0, 0);
	uint32_t len = 256 * unit_of(t)->block;

	if (unit_of(t)->n_blocks < 256)
		skip(t, "the unit has fewer than 256 blocks");
	data_in(c, len);
	expect_good(c);
	EXPECT(t, got_in(c) == len, "%u bytes came, 256 blocks have %u", got_in(c), len);
}

RULE(write, six_zero, DESTROYS, "WRITE(6) of a transfer length of 0 writes 256 blocks")
{
	uint32_t len = 256 * unit_of(t)->block;
	const uint8_t *data = pattern(t, 3, len);
	struct cmd *c = range_new(nexus_a(t), 0x0a, 0, 8, 0);

	if (unit_of(t)->n_blocks < 264)
		skip(t, "the unit has fewer than 264 blocks");
	write_blocks(nexus_a(t), 8, 256, NULL);
	data_out(c, data, len);
	expect_good(c);
	expect_blocks(nexus_a(t), 8, 256, data, "WRITE(6)");
}
