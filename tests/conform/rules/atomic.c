/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* SBC-4 5.3: COMPARE AND WRITE; 5.10: ORWRITE. */
#include <string.h>

#include "conform.h"

static struct cmd *caw(struct nexus *n, uint64_t lba, uint8_t blocks, const void *was,
		       const void *then)
{
	uint32_t half = blocks * unit_of(n->t)->block;
	struct cmd *c = range_new(n, 0x89, 0, lba,
				  blocks); /* the number stands in byte 13, as the last of four */

	if (!blocks)
		return c;
	data_out(c, NULL, 2 * half);
	memcpy(c->out, was, half);
	memcpy(c->out + half, then, half);
	return c;
}

RULE(compare_and_write, writes, DESTROYS,
     "COMPARE AND WRITE writes when the data are the same, and nothing else")
{
	uint64_t lba = scratch(t);
	uint32_t block = unit_of(t)->block;
	const uint8_t *a = pattern(t, 250, (size_t)16 * block);
	const uint8_t *b = pattern(t, 251, (size_t)16 * block);
	uint8_t n = unit_of(t)->max_caw < 8 ? unit_of(t)->max_caw : 8;

	need_op(t, 0x89, -1);
	for (uint8_t k = 1; k <= n; k = (uint8_t)(k * 2)) {
		write_blocks(nexus_a(t), lba, 16, a);
		expect_good(caw(nexus_a(t), lba + 4, k, a + (size_t)4 * block, b));
		expect_blocks(nexus_b(t), lba, 4, a, "before the blocks");
		expect_blocks(nexus_b(t), lba + 4, k, b, "the blocks");
		expect_blocks(nexus_b(t), lba + 4 + k, 12u - k, a + (size_t)(4 + k) * block,
			      "behind the blocks");
	}
}

RULE(compare_and_write, miscompare, DESTROYS,
     "other data: MISCOMPARE, INFORMATION is the offset of the first difference, nothing is "
     "written")
{
	uint64_t lba = scratch(t);
	uint32_t block = unit_of(t)->block;
	uint32_t len = (unit_of(t)->max_caw < 4 ? unit_of(t)->max_caw : 4u) * block;
	uint8_t *a = pattern(t, 252, (size_t)4 * block);
	const uint8_t *b = pattern(t, 253, (size_t)4 * block);
	const uint32_t at[] = { 0, 1, len / 2 + 7, len - 1 };

	need_op(t, 0x89, -1);
	for (unsigned i = 0; i < ARRAY_SIZE(at); i++) {
		struct cmd *c;

		write_blocks(nexus_a(t), lba, 4, a);
		a[at[i]] ^= 1;
		c = caw(nexus_a(t), lba, (uint8_t)(len / block), a, b);
		a[at[i]] ^= 1;
		expect_sense(c, MISCOMPARE, MISCOMPARE_DURING_VERIFY);
		EXPECT(t, c->info_valid && c->info == at[i],
		       "a difference at byte %u, INFORMATION %s %llu", at[i],
		       c->info_valid ? "is" : "is not valid,", (unsigned long long)c->info);
		expect_blocks(nexus_b(t), lba, 4, a, "after a miscompare");
	}
}

RULE(compare_and_write, limits, DESTROYS,
     "no blocks do nothing; more than the limit, WRPROTECT and a wrong range are refused")
{
	uint64_t lba = scratch(t);
	const uint8_t *z = pattern(t, 254, (size_t)256 * unit_of(t)->block);
	struct cmd *c;

	need_op(t, 0x89, -1);
	expect_good(caw(nexus_a(t), lba, 0, NULL, NULL));
	if (unit_of(t)->max_caw < 255)
		expect_bad_cdb(caw(nexus_a(t), lba, (uint8_t)(unit_of(t)->max_caw + 1), z, z), 13);
	expect_sense(caw(nexus_a(t), unit_of(t)->n_blocks, 1, z, z), ILLEGAL_REQUEST,
		     LBA_OUT_OF_RANGE);
	expect_sense(caw(nexus_a(t), UINT64_MAX, 1, z, z), ILLEGAL_REQUEST, LBA_OUT_OF_RANGE);
	c = caw(nexus_a(t), lba, 1, z, z);
	c->cdb[1] = 0x20;
	expect_bad_cdb(c, 1);
}

RULE(compare_and_write, atomic, DESTROYS,
     "of many COMPARE AND WRITE at once by two nexuses that expect the same, one succeeds each "
     "time")
{
	uint64_t lba = scratch(t);
	uint32_t block = unit_of(t)->block;
	uint8_t *now = pattern(t, 255, block);

	need_op(t, 0x89, -1);
	write_blocks(nexus_a(t), lba, 1, now);
	for (unsigned round = 0; round < 10; round++) {
		struct cmd *c[8];
		unsigned won = 8;

		for (unsigned i = 0; i < 8; i++)
			cmd_send(c[i] = caw(i & 1 ? nexus_b(t) : nexus_a(t), lba, 1, now,
					    pattern(t, 300 + round * 8 + i, block)));
		for (unsigned i = 0; i < 8; i++) {
			cmd_wait(c[i]);
			if (c[i]->status != GOOD) {
				expect_key(c[i], MISCOMPARE);
				continue;
			}
			EXPECT(t, won == 8, "two succeeded");
			won = i;
		}
		EXPECT(t, won < 8, "none succeeded");
		now = pattern(t, 300 + round * 8 + won, block);
		expect_blocks(nexus_a(t), lba, 1, now, "the one that succeeded");
	}
}

RULE(orwrite, bits, DESTROYS, "ORWRITE sets the bits of both")
{
	uint64_t lba = scratch(t);
	uint32_t len = 8 * unit_of(t)->block;
	uint8_t *a = pattern(t, 256, len);
	const uint8_t *b = pattern(t, 257, len);
	struct cmd *c;

	need_op(t, 0x8b, -1);
	write_blocks(nexus_a(t), lba, 8, a);
	c = range_new(nexus_a(t), 0x8b, 0, lba, 8);
	data_out(c, b, len);
	expect_good(c);
	for (uint32_t i = 0; i < len; i++)
		a[i] |= b[i];
	expect_blocks(nexus_a(t), lba, 8, a, "ORWRITE");
}

RULE(orwrite, limits, DESTROYS,
     "ORWRITE of no blocks does nothing; behind the last block it is out of range; ORPROTECT is "
     "refused")
{
	struct cmd *c;

	need_op(t, 0x8b, -1);
	expect_good(range_new(nexus_a(t), 0x8b, 0, 0, 0));
	c = range_new(nexus_a(t), 0x8b, 0, unit_of(t)->n_blocks, 1);
	data_out(c, NULL, unit_of(t)->block);
	expect_sense(c, ILLEGAL_REQUEST, LBA_OUT_OF_RANGE);
	c = range_new(nexus_a(t), 0x8b, 0x20, 0, 1);
	data_out(c, NULL, unit_of(t)->block);
	expect_bad_cdb(c, 1);
}

RULE(orwrite, atomic, DESTROYS, "ORWRITEs of two nexuses at once lose no bit")
{
	uint64_t lba = scratch(t);
	uint32_t block = unit_of(t)->block;
	uint8_t *all = memset(pattern(t, 0, block), 0, block);
	struct cmd *c[32];

	need_op(t, 0x8b, -1);
	write_blocks(nexus_a(t), lba, 1, NULL);
	for (unsigned i = 0; i < 32; i++) {
		uint8_t *one = memset(pattern(t, 0, block), 0, block);

		one[i * 13 % block] = (uint8_t)(1u << i % 8);
		all[i * 13 % block] |= one[i * 13 % block];
		c[i] = range_new(i & 1 ? nexus_b(t) : nexus_a(t), 0x8b, 0, lba, 1);
		data_out(c[i], one, block);
		cmd_send(c[i]);
	}
	for (unsigned i = 0; i < 32; i++)
		expect_good(c[i]);
	expect_blocks(nexus_a(t), lba, 1, all, "32 ORWRITEs");
}
