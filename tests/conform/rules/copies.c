/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* SPC-5 5.18, 6.4: third-party copies by EXTENDED COPY(LID1). */
#include <string.h>

#include "conform.h"

#define HEAD_BYTES   16u
#define TARGET_BYTES 32u
#define SEG_BYTES    28u

/* An identification descriptor of the unit by its NAA designator. */
static void target_put(struct test *t, uint8_t *p)
{
	struct cmd *c = inquiry_run(nexus_a(t), 0x83);

	expect_good(c);
	for (uint32_t at = 4; at + 4 <= got_in(c) && at + 4u + c->in[at + 3] <= got_in(c);
	     at += 4u + c->in[at + 3]) {
		const uint8_t *d = c->in + at;

		if ((d[1] & 0x3f) != 0x03 || d[3] > 20)
			continue;
		p[0] = 0xe4;
		p[4] = d[0] & 0x0f;
		p[5] = d[1] & 0x3f;
		p[7] = d[3];
		memcpy(p + 8, d + 4, d[3]);
		put_be24(p + 29, unit_of(t)->block);
		return;
	}
	skip(t, "the unit has no NAA designator");
}

/* One segment of @blocks blocks within the unit. */
static struct cmd *xcopy(struct test *t, uint64_t from, uint64_t to, uint16_t blocks)
{
	uint32_t len = HEAD_BYTES + TARGET_BYTES + SEG_BYTES;
	struct cmd *c =
		CMD(nexus_a(t), 0x83, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, (uint8_t)len, 0, 0);
	uint8_t *p = data_out(c, NULL, len);

	p[0] = 1; /* list identifier */
	put_be16(p + 2, TARGET_BYTES);
	put_be32(p + 8, SEG_BYTES);
	target_put(t, p + HEAD_BYTES);
	p += HEAD_BYTES + TARGET_BYTES;
	p[0] = 0x02; /* block to block */
	put_be16(p + 2, SEG_BYTES - 4);
	put_be16(p + 10, blocks);
	put_be64(p + 12, from);
	put_be64(p + 20, to);
	return c;
}

RULE(copy, block_to_block, DESTROYS,
     "EXTENDED COPY copies blocks within the unit, and no others are changed")
{
	uint64_t lba;
	uint32_t block = unit_of(t)->block;
	const uint8_t *data;
	const uint8_t *old;

	need_op(t, 0x83, 0x00);
	lba = scratch(t);
	data = pattern(t, 410, (size_t)64 * block);
	old = pattern(t, 411, (size_t)80 * block);
	write_blocks(nexus_a(t), lba, 64, data);
	write_blocks(nexus_a(t), lba + 1000, 80, old);
	expect_good(xcopy(t, lba, lba + 1008, 64));
	expect_blocks(nexus_b(t), lba + 1008, 64, data, "the copy");
	expect_blocks(nexus_b(t), lba, 64, data, "the source");
	expect_blocks(nexus_b(t), lba + 1000, 8, old, "before the copy");
	expect_blocks(nexus_b(t), lba + 1072, 8, old + (size_t)72 * block, "behind the copy");
}

RULE(copy, no_parameters, DESTROYS, "a parameter list length of 0 is no error")
{
	need_op(t, 0x83, 0x00);
	expect_good(CMD(nexus_a(t), 0x83, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
}

RULE(copy, refused, DESTROYS,
     "unknown targets and segments, lists that are cut off and ranges beyond the unit copy nothing")
{
	uint64_t lba;
	const uint8_t *old;
	struct cmd *c;

	need_op(t, 0x83, 0x00);
	lba = scratch(t);
	old = pattern(t, 412, (size_t)8 * unit_of(t)->block);
	write_blocks(nexus_a(t), lba + 100, 8, old);
	c = xcopy(t, lba, lba + 100, 8);
	c->out[HEAD_BYTES + 8 + 3] ^= 0xff; /* another unit's name */
	cmd_run(c);
	EXPECT(t, c->status == CHECK_CONDITION, "a target that there is not: %s", cmd_text(c));
	c = xcopy(t, lba, lba + 100, 8);
	c->out[HEAD_BYTES + TARGET_BYTES] = 0x3f;
	expect_key(c, ILLEGAL_REQUEST);
	c = xcopy(t, lba, lba + 100, 8);
	c->cdb[13] = HEAD_BYTES + TARGET_BYTES;
	expect_key(c, ILLEGAL_REQUEST);
	c = xcopy(t, unit_of(t)->n_blocks - 4, lba + 100, 8);
	cmd_run(c);
	EXPECT(t, c->status == CHECK_CONDITION, "a range beyond the unit: %s", cmd_text(c));
	expect_blocks(nexus_a(t), lba + 100, 8, old, "after copies that were refused");
}

RULE(copy, parameters, SAFE,
     "RECEIVE COPY OPERATING PARAMETERS: the block to block segment and the identification "
     "descriptor are listed")
{
	struct cmd *c = CMD(nexus_a(t), 0x84, 0x03, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0);
	bool segment = false;
	bool target = false;

	need_op(t, 0x84, 0x03);
	data_in(c, 512);
	expect_good(c);
	EXPECT(t, get_be32(c->in) + 4 == got_in(c) && got_in(c) >= 44,
	       "AVAILABLE DATA %u, %u bytes came", get_be32(c->in), got_in(c));
	for (uint32_t at = 44; at < got_in(c); at++) {
		segment = segment || c->in[at] == 0x02;
		target = target || c->in[at] == 0xe4;
	}
	EXPECT(t, segment && target, "%s is missing in the list of descriptor types",
	       segment ? "E4h" : "02h");
}
