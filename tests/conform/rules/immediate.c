/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* SRP-2: immediate data, which stand in the command's IU. */
#include <string.h>

#include "conform.h"

static struct nexus *with_immediate(struct test *t)
{
	if (!nexus_a(t)->immediate)
		skip(t, "the target does not offer immediate data");
	return nexus_a(t);
}

RULE(immediate, sizes, DESTROYS, "WRITEs of 1 to 16 blocks with their data in the IU")
{
	struct nexus *a = with_immediate(t);
	uint64_t lba = scratch(t);
	uint32_t block = unit_of(t)->block;

	for (uint32_t n = 1; n * block <= 8192; n *= 2) {
		const uint8_t *data = pattern(t, 80 + n, (size_t)n * block);
		struct cmd *c = write_new(a, 10, lba, n, data);

		c->shape = SHAPE_IMMEDIATE;
		expect_good(c);
		expect_blocks(a, lba, n, data, "immediate data");
	}
}

RULE(immediate, overlong, DESTROYS,
     "a length beyond the IU's end, or data that begin inside of the descriptors, are refused")
{
	struct nexus *a = with_immediate(t);
	uint64_t lba = scratch(t);
	uint32_t block = unit_of(t)->block;
	const uint8_t *old = pattern(t, 85, block);
	/* The last two end where they begin, and before it, in 32 bits. */
	const uint32_t len_of[] = { block + 1,  block + 512, 0x7fffffff,
				    0xffffffff, 0xffffffbc,  0xffffffbb };

	write_blocks(a, lba, 1, old);
	for (unsigned i = 0; i < ARRAY_SIZE(len_of); i++) {
		static uint8_t iu[16384];
		struct cmd *c = write_new(a, 10, lba, 1, NULL);
		size_t len;

		c->shape = SHAPE_IMMEDIATE;
		len = cmd_encode(c, iu, sizeof(iu));
		put_be32(iu + 48, len_of[i]);
		cmd_send_iu(c, iu, len);
		expect_key(c, ILLEGAL_REQUEST);
	}
	expect_blocks(a, lba, 1, old, "refused immediate data");
}

RULE(immediate, not_negotiated, SAFE, "immediate data without their flag in the login are refused")
{
	struct nexus *c = nexus_new(t, &(struct login){ .flags = LOGIN_MULTI });
	static uint8_t iu[16384];
	struct cmd *w;
	size_t len;

	EXPECT(t, !(c->answer[26] & 0x80),
	       "the login did not ask for immediate data and the response offers them");
	nexus_settle(c);
	w = write_new(c, 10, unit_of(t)->n_blocks, 1, NULL); /* out of range in case it is taken */
	w->shape = SHAPE_IMMEDIATE;
	len = cmd_encode(w, iu, sizeof(iu));
	cmd_send_iu(w, iu, len);
	expect_key(w, ILLEGAL_REQUEST);
	EXPECT(t, w->asc != LBA_OUT_OF_RANGE, "the data were taken");
}

RULE(immediate, data_in, SAFE, "the immediate format in the data-in direction is refused")
{
	uint8_t iu[128];
	struct cmd *c = read_new(with_immediate(t), 10, 0, 1);
	size_t len;

	c->shape = SHAPE_DIRECT;
	len = cmd_encode(c, iu, sizeof(iu));
	iu[5] = 0x03;
	cmd_send_iu(c, iu, len);
	expect_key(c, ILLEGAL_REQUEST);
}
