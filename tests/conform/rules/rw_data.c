/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* SBC-4 5.11 ff., 5.39 ff.: what READ and WRITE do to the data. */
#include <string.h>

#include "conform.h"

static const unsigned lens[] = { 6, 10, 12, 16 };

static uint64_t place(struct test *t, unsigned cdb_len)
{
	uint64_t lba = scratch(t);

	return cdb_len == 6 && lba > 0x1fff00 ? 0x1fff00 : lba;
}

RULE(write, lengths, DESTROYS, "WRITE (6, 10, 12, 16) write these blocks and no others")
{
	struct nexus *a = nexus_a(t);
	uint32_t block = unit_of(t)->block;

	for (unsigned i = 0; i < 4; i++) {
		uint64_t lba = place(t, lens[i]);
		uint8_t *whole = pattern(t, 10 + i, 16 * (size_t)block);
		const uint8_t *part = pattern(t, 20 + i, 5 * (size_t)block);

		write_blocks(a, lba, 16, whole);
		expect_good(write_new(a, lens[i], lba + 3, 5, part));
		memcpy(whole + (size_t)3 * block, part, (size_t)5 * block);
		expect_blocks(a, lba, 16, whole, text_of(t, "WRITE(%u)", lens[i]));
	}
}

RULE(write, fua, DESTROYS, "FUA and DPO change nothing about the data of WRITE and READ")
{
	struct nexus *a = nexus_a(t);
	uint64_t lba = scratch(t);
	uint32_t len = 8 * unit_of(t)->block;

	for (unsigned i = 1; i < 4; i++) {
		const uint8_t *data = pattern(t, 30 + i, len);
		struct cmd *c = write_new(a, lens[i], lba, 8, data);
		const struct op *op = op_find(t, c->cdb[0], -1);

		if (op && (op->usage[1] & 0x18) != 0x18)
			skip(t, "FUA and DPO are not supported");
		c->cdb[1] = 0x18;
		expect_good(c);
		c = read_new(a, lens[i], lba, 8);
		c->cdb[1] = 0x18;
		expect_good(c);
		EXPECT(t, !memcmp(c->in, data, len),
		       "READ(%u) with FUA gives other data than were written", lens[i]);
	}
}

RULE(write, dpofua, SAFE,
     "DPOFUA of the mode parameter header says what the usage map of WRITE(10) says")
{
	struct cmd *c = CMD(nexus_a(t), 0x5a, 0x08, 0x3f, 0, 0, 0, 0, 1, 0, 0);
	const struct op *op = op_find(t, 0x2a, -1);

	need_op(t, 0x5a, -1);
	need_op(t, 0x2a, -1);
	data_in(c, 256);
	expect_good(c);
	EXPECT(t, !(c->in[3] & 0x10) == !(op->usage[1] & 0x08),
	       "DPOFUA is %u, the usage map of byte 1 is %02x", c->in[3] >> 4 & 1, op->usage[1]);
}

RULE(read, other_nexus, DESTROYS, "what one initiator has written, another one reads")
{
	uint64_t lba = scratch(t);
	const uint8_t *data = pattern(t, 40, 32 * (size_t)unit_of(t)->block);

	write_blocks(nexus_a(t), lba, 32, data);
	expect_blocks(nexus_b(t), lba, 32, data, "the other nexus");
}

RULE(write, large, DESTROYS,
     "a WRITE and a READ of up to 4 MiB (or the unit's limit) in one command")
{
	uint32_t max = unit_of(t)->max_transfer;
	uint32_t blocks = (4u << 20) / unit_of(t)->block;
	const uint8_t *data;

	if (max && max < blocks)
		blocks = max;
	scratch(t);
	if (unit_of(t)->n_blocks < blocks)
		skip(t, "the unit is smaller");
	data = pattern(t, 41, (size_t)blocks * unit_of(t)->block);
	write_blocks(nexus_a(t), 1, blocks, data);
	expect_blocks(nexus_a(t), 1, blocks, data, "one long command");
}

RULE(write, many, DESTROYS,
     "as many WRITEs at once as there are credits all take effect, and so do READs")
{
	struct nexus *a = nexus_a(t);
	uint64_t lba = scratch(t);
	uint32_t block = unit_of(t)->block;
	int n = a->credits - 1 < 100 ? a->credits - 1 : 100;
	const uint8_t *data = pattern(t, 42, (size_t)n * 8 * block);
	struct cmd *c[100];

	for (int i = 0; i < n; i++)
		cmd_send(c[i] = write_new(a, 10, lba + 8 * (uint64_t)i, 8,
					  data + (size_t)i * 8 * block));
	for (int i = 0; i < n; i++)
		expect_good(c[i]);
	for (int i = 0; i < n; i++)
		cmd_send(c[i] = read_new(a, 10, lba + 8 * (uint64_t)i, 8));
	for (int i = 0; i < n; i++) {
		expect_good(c[i]);
		EXPECT(t, !memcmp(c[i]->in, data + (size_t)i * 8 * block, (size_t)8 * block),
		       "command %d of %d has other data", i, n);
	}
}
