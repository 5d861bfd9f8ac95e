/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* SRP 6.9: residuals, in both directions, less and more than the command wants. */
#include <string.h>

#include "conform.h"

static void expect_residual(struct cmd *c, uint8_t flag, uint32_t in_res, uint32_t out_res)
{
	uint8_t flags;

	expect_good(c);
	flags = c->flags & (RSP_DIOVER | RSP_DIUNDER | RSP_DOOVER | RSP_DOUNDER);
	EXPECT(c->n->t, flags == flag, "%s with residual flags %02x, they must be %02x",
	       cmd_text(c), flags, flag);
	EXPECT(c->n->t, c->in_res == in_res && c->out_res == out_res,
	       "%s with residuals in %u, out %u; they must be %u, %u", cmd_text(c), c->in_res,
	       c->out_res, in_res, out_res);
}

RULE(residual, none, DESTROYS, "a buffer of just the size: no residual")
{
	struct nexus *a = nexus_a(t);

	expect_residual(read_new(a, 10, 0, 4), 0, 0, 0);
	expect_residual(write_new(a, 10, scratch(t), 4, NULL), 0, 0, 0);
	expect_residual(tur_new(a), 0, 0, 0);
}

RULE(residual, read_under, SAFE,
     "READ into a longer buffer: DIUNDER with what is left, and the rest is not touched")
{
	uint32_t block = unit_of(t)->block;

	for (uint32_t more = 1; more <= 2 * block; more += more == 1 ? block - 1 : block) {
		struct cmd *c = range_new(nexus_a(t), 0x28, 0, 0, 2);

		data_in(c, 2 * block + more);
		expect_residual(c, RSP_DIUNDER, more, 0);
	}
}

RULE(residual, read_over, SAFE,
     "READ into a shorter buffer: DIOVER with what was not moved, at most a block more than what "
     "has no room")
{
	struct nexus *a = nexus_a(t);
	uint32_t block = unit_of(t)->block;
	const uint8_t *whole = read_blocks(a, 0, 4);

	for (uint32_t less = 1; less < 4 * block; less += less == 1 ? block - 1 : block) {
		struct cmd *c = range_new(a, 0x28, 0, 0, 4);

		data_in(c, 4 * block - less);
		expect_good(c);
		EXPECT(t, c->flags & RSP_DIOVER && c->in_res >= less && c->in_res < less + block,
		       "%u bytes too few of room: flags %02x, residual %u", less, c->flags,
		       c->in_res);
		EXPECT(t, !memcmp(c->in, whole, 4 * block - c->in_res),
		       "with %u bytes too few of room the data are others", less);
	}
	/* No buffer at all. */
	expect_residual(range_new(a, 0x28, 0, 0, 4), RSP_DIOVER, 4 * block, 0);
}

RULE(residual, write_under, DESTROYS,
     "WRITE from a longer buffer: DOUNDER, and no more blocks than asked for are written")
{
	struct nexus *a = nexus_a(t);
	uint64_t lba = scratch(t);
	uint32_t block = unit_of(t)->block;
	const enum shape shapes[] = { SHAPE_USUAL, SHAPE_DIRECT };
	const uint8_t *old = pattern(t, 60, (size_t)4 * block);

	for (unsigned i = 0; i < 2; i++) {
		const uint8_t *data = pattern(t, 61 + i, (size_t)3 * block);
		struct cmd *c = range_new(a, 0x2a, 0, lba, 1);

		write_blocks(a, lba, 4, old);
		c->shape = shapes[i];
		data_out(c, data, 3 * block);
		expect_residual(c, RSP_DOUNDER, 0, 2 * block);
		expect_blocks(a, lba, 1, data, "the block written");
		expect_blocks(a, lba + 1, 3, old + block, "the blocks behind it");
	}
}

RULE(residual, write_over, DESTROYS,
     "WRITE from a shorter buffer: DOOVER or an error, and no block gets data that were not sent")
{
	struct nexus *a = nexus_a(t);
	uint64_t lba = scratch(t);
	uint32_t block = unit_of(t)->block;
	const uint8_t *old = pattern(t, 65, (size_t)4 * block);
	const uint8_t *data = pattern(t, 66, (size_t)4 * block);
	struct cmd *c = range_new(a, 0x2a, 0, lba, 4);
	const uint8_t *now;

	write_blocks(a, lba, 4, old);
	data_out(c, data, 2 * block);
	c->shape = SHAPE_DIRECT;
	cmd_run(c);
	EXPECT(t, c->flags & RSP_DOOVER && c->out_res == 2 * block,
	       "%s with flags %02x and residual %u; DOOVER with %u is due", cmd_text(c), c->flags,
	       c->out_res, 2 * block);
	EXPECT(t, c->status == GOOD || (c->status == CHECK_CONDITION && c->key != UNIT_ATTENTION),
	       "%s", cmd_text(c));
	now = read_blocks(a, lba, 4);
	for (uint32_t i = 0; i < 4; i++) {
		bool is_old = !memcmp(now + (size_t)i * block, old + (size_t)i * block, block);
		bool is_new = !memcmp(now + (size_t)i * block, data + (size_t)i * block, block);

		EXPECT(t, is_old || (is_new && i < 2), "block %u has data that it was not sent", i);
		EXPECT(t, c->status != GOOD || i >= 2 || is_new,
		       "block %u was sent and not written", i);
	}
}

RULE(residual, write_no_data, DESTROYS,
     "WRITE without any buffer: DOOVER of the whole length or an error, and nothing is written")
{
	struct nexus *a = nexus_a(t);
	uint64_t lba = scratch(t);
	const uint8_t *old = pattern(t, 67, unit_of(t)->block);
	struct cmd *c = range_new(a, 0x2a, 0, lba, 1);

	write_blocks(a, lba, 1, old);
	cmd_run(c);
	EXPECT(t, c->flags & RSP_DOOVER && c->out_res == unit_of(t)->block,
	       "%s with flags %02x and residual %u", cmd_text(c), c->flags, c->out_res);
	expect_blocks(a, lba, 1, old, "a WRITE without data");
}

RULE(residual, parameters, SAFE,
     "parameter data shorter than the buffer: DIUNDER; shorter room than the allocation length: "
     "DIOVER")
{
	struct cmd *c = CMD(nexus_a(t), 0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0);

	data_in(c, 100);
	expect_residual(c, RSP_DIUNDER, 92, 0);
	c = CMD(nexus_a(t), 0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0);
	data_in(c, 3);
	expect_residual(c, RSP_DIOVER, 5, 0);
	c = CMD(nexus_a(t), 0x12, 0, 0, 0, 5, 0); /* the allocation length limits, not the buffer */
	data_in(c, 64);
	expect_residual(c, RSP_DIUNDER, 59, 0);
}

RULE(residual, wrong_direction, SAFE,
     "a buffer of the direction that the command does not use is left over as a whole")
{
	struct cmd *c = tur_new(nexus_a(t));

	data_in(c, 512);
	expect_residual(c, RSP_DIUNDER, 512, 0);
	c = tur_new(nexus_a(t));
	data_out(c, NULL, 512);
	expect_residual(c, RSP_DOUNDER, 0, 512);
}

RULE(residual, on_error, SAFE,
     "a command that fails before any transfer leaves the whole buffer over")
{
	struct cmd *c = range_new(nexus_a(t), 0x88, 0, unit_of(t)->n_blocks, 1);

	data_in(c, unit_of(t)->block);
	expect_sense(c, ILLEGAL_REQUEST, LBA_OUT_OF_RANGE);
	EXPECT(t, c->flags & RSP_DIUNDER && c->in_res == c->in_len, "flags %02x, residual %u of %u",
	       c->flags, c->in_res, c->in_len);
}
