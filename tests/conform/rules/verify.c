/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* SBC-4 5.36 ff., 5.44 ff.: VERIFY and WRITE AND VERIFY. */
#include <string.h>

#include "conform.h"

static const uint8_t verifies[] = { 0x2f, 0xaf, 0x8f };
static const uint8_t writes[] = { 0x2e, 0xae, 0x8e };

static struct cmd *compare(struct nexus *n, uint8_t op, uint8_t bytchk, uint64_t lba,
			   uint32_t blocks, const void *data)
{
	struct cmd *c = range_new(n, op, (uint8_t)(bytchk << 1), lba, blocks);

	data_out(c, data, (bytchk == 3 ? 1 : blocks) * unit_of(n->t)->block);
	return c;
}

static bool has_bytchk(struct test *t, uint8_t op, uint8_t bytchk)
{
	const struct op *o = op_find(t, op, -1);

	return o && (o->usage[1] & bytchk << 1) == bytchk << 1;
}

RULE(verify, medium, SAFE,
     "VERIFY without BYTCHK of blocks that can be read is GOOD and moves nothing")
{
	for (unsigned i = 0; i < 3; i++) {
		struct cmd *c = range_new(nexus_a(t), verifies[i], 0, 0, 8);

		if (!op_find(t, verifies[i], -1))
			continue;
		expect_good(c);
		EXPECT(t, !(c->flags & 0x3c), "residual flags %02x", c->flags);
		expect_good(range_new(nexus_a(t), verifies[i], 0, 0, 0));
	}
	need_op(t, 0x2f, -1);
}

RULE(verify, range, SAFE, "VERIFY of blocks behind the last one is out of range")
{
	uint64_t n = unit_of(t)->n_blocks;

	need_op(t, 0x8f, -1);
	expect_good(range_new(nexus_a(t), 0x8f, 0, n - 1, 1));
	expect_sense(range_new(nexus_a(t), 0x8f, 0, n - 1, 2), ILLEGAL_REQUEST, LBA_OUT_OF_RANGE);
	expect_sense(range_new(nexus_a(t), 0x8f, 0, UINT64_MAX, 2), ILLEGAL_REQUEST,
		     LBA_OUT_OF_RANGE);
	expect_sense(range_new(nexus_a(t), 0x8f, 0, n + 1, 0), ILLEGAL_REQUEST, LBA_OUT_OF_RANGE);
}

RULE(verify, same_data, DESTROYS, "BYTCHK 01b: GOOD with the data that are there")
{
	uint64_t lba = scratch(t);
	const uint8_t *data = pattern(t, 200, (size_t)16 * unit_of(t)->block);

	write_blocks(nexus_a(t), lba, 16, data);
	for (unsigned i = 0; i < 3; i++)
		if (has_bytchk(t, verifies[i], 1))
			expect_good(compare(nexus_a(t), verifies[i], 1, lba, 16, data));
	need_op(t, 0x2f, -1);
}

RULE(verify, miscompare, DESTROYS,
     "BYTCHK 01b: MISCOMPARE with other data, wherever the difference is; INFORMATION is its "
     "offset if there is one")
{
	uint64_t lba = scratch(t);
	uint32_t len = 16 * unit_of(t)->block;
	uint8_t *data = pattern(t, 201, len);
	const uint32_t at[] = { 0, 1, 511, len / 2, len - 1 };

	need_op(t, 0x2f, -1);
	write_blocks(nexus_a(t), lba, 16, data);
	for (unsigned i = 0; i < 3; i++)
		for (unsigned k = 0; k < ARRAY_SIZE(at) && has_bytchk(t, verifies[i], 1); k++) {
			struct cmd *c;

			data[at[k]] ^= 0x10;
			c = compare(nexus_a(t), verifies[i], 1, lba, 16, data);
			data[at[k]] ^= 0x10;
			expect_sense(c, MISCOMPARE, MISCOMPARE_DURING_VERIFY);
			EXPECT(t,
			       !c->info_valid || c->info == at[k] ||
				       c->info == lba + at[k] / unit_of(t)->block,
			       "a difference at byte %u, INFORMATION is %llu", at[k],
			       (unsigned long long)c->info);
		}
	expect_blocks(nexus_a(t), lba, 16, data, "after VERIFY");
}

RULE(verify, one_block, DESTROYS, "BYTCHK 11b: one block is compared with each of the range")
{
	uint64_t lba = scratch(t);
	uint32_t block = unit_of(t)->block;
	uint8_t *data = pattern(t, 202, (size_t)8 * block);
	bool any = false;

	for (uint32_t i = 1; i < 8; i++)
		memcpy(data + (size_t)i * block, data, block);
	write_blocks(nexus_a(t), lba, 8, data);
	for (unsigned i = 0; i < 3; i++)
		if (has_bytchk(t, verifies[i], 3)) {
			struct cmd *c = compare(nexus_a(t), verifies[i], 3, lba, 8, data);

			cmd_run(c);
			if (is_sense(c, ILLEGAL_REQUEST, INVALID_FIELD_IN_CDB))
				continue;
			any = true;
			expect_good(c);
			write_blocks(nexus_a(t), lba + 5, 1, NULL);
			expect_sense(compare(nexus_a(t), verifies[i], 3, lba, 8, data), MISCOMPARE,
				     MISCOMPARE_DURING_VERIFY);
			write_blocks(nexus_a(t), lba + 5, 1, data);
		}
	if (!any)
		skip(t, "BYTCHK 11b is not supported");
}

RULE(verify, reserved_bytchk, SAFE, "BYTCHK 10b is INVALID FIELD IN CDB")
{
	need_op(t, 0x8f, -1);
	expect_bad_cdb(compare(nexus_a(t), 0x8f, 2, 0, 1, NULL), 1);
}

RULE(verify, vrprotect, SAFE, "VRPROTECT without protection information is INVALID FIELD IN CDB")
{
	need_op(t, 0x8f, -1);
	for (unsigned p = 1; p < 8; p++)
		expect_bad_cdb(range_new(nexus_a(t), 0x8f, (uint8_t)(p << 5), 0, 1), 1);
}

RULE(write_verify, writes, DESTROYS, "WRITE AND VERIFY (10, 12, 16) write, with and without BYTCHK")
{
	uint64_t lba = scratch(t);
	bool any = false;

	for (unsigned i = 0; i < 3; i++)
		for (uint8_t bytchk = 0; bytchk < 2; bytchk++) {
			const uint8_t *data =
				pattern(t, 210 + i * 2 + bytchk, (size_t)8 * unit_of(t)->block);

			if (!op_find(t, writes[i], -1) || !has_bytchk(t, writes[i], bytchk))
				continue;
			any = true;
			expect_good(compare(nexus_a(t), writes[i], bytchk, lba, 8, data));
			expect_blocks(nexus_a(t), lba, 8, data, "WRITE AND VERIFY");
		}
	if (!any)
		skip(t, "there is no WRITE AND VERIFY");
}

RULE(write_verify, range, DESTROYS,
     "WRITE AND VERIFY of blocks behind the last one is out of range, WRPROTECT an invalid field")
{
	struct cmd *c;

	need_op(t, 0x8e, -1);
	expect_sense(compare(nexus_a(t), 0x8e, 0, unit_of(t)->n_blocks, 1, NULL), ILLEGAL_REQUEST,
		     LBA_OUT_OF_RANGE);
	expect_sense(compare(nexus_a(t), 0x8e, 0, UINT64_MAX, 1, NULL), ILLEGAL_REQUEST,
		     LBA_OUT_OF_RANGE);
	c = compare(nexus_a(t), 0x8e, 0, 0, 1, NULL);
	c->cdb[1] |= 0x20;
	expect_bad_cdb(c, 1);
}
