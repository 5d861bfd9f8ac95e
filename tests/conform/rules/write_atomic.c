/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* SBC-4 4.29, 5.47, 6.6.4: WRITE ATOMIC(16). */
#include <string.h>

#include "conform.h"

#define BLOCKS_MAX 64u /* of one command of these rules */

static struct cmd *atomic_new(struct nexus *n, uint64_t lba, uint16_t boundary, uint16_t blocks,
			      const void *data)
{
	uint8_t cdb[16] = { 0x9c };
	struct cmd *c;

	put_be64(cdb + 2, lba);
	put_be16(cdb + 10, boundary);
	put_be16(cdb + 12, blocks);
	c = cmd_new(n, cdb, 16);
	if (blocks)
		data_out(c, data, blocks * unit_of(n->t)->block);
	return c;
}

static uint32_t grain(const struct test *t)
{
	return unit_of(t)->atomic_grain ? unit_of(t)->atomic_grain : 1;
}

/* The longest that these rules write, at @lba of scratch(). */
static uint16_t longest(struct test *t)
{
	uint32_t n = min_u32(unit_of(t)->max_atomic, BLOCKS_MAX);

	need_op(t, 0x9c, -1);
	if (n < grain(t))
		skip(t, "not even %u blocks can be written at once", grain(t));
	return (uint16_t)(n / grain(t) * grain(t));
}

RULE(write_atomic, page, SAFE,
     "page B0: a longest WRITE ATOMIC where there is the command, else none of its fields; not "
     "longer than any transfer, and a whole number of its grains")
{
	const struct unit *u = unit_of(t);
	struct cmd *c = inquiry_run(nexus_a(t), 0xb0);

	need_vpd(t, 0xb0);
	expect_good(c);
	EXPECT(t, !op_find(t, 0x9c, -1) == !get_be32(c->in + 44),
	       "WRITE ATOMIC is%s there, MAXIMUM ATOMIC TRANSFER LENGTH is %u",
	       op_find(t, 0x9c, -1) ? "" : " not", get_be32(c->in + 44));
	if (!op_find(t, 0x9c, -1)) {
		for (unsigned i = 48; i < 64; i++)
			EXPECT(t, !c->in[i], "byte %u is %02x, without the command", i, c->in[i]);
		return;
	}
	EXPECT(t, !u->max_transfer || u->max_atomic <= u->max_transfer,
	       "%u blocks, any transfer has at most %u", u->max_atomic, u->max_transfer);
	EXPECT(t, u->max_atomic % grain(t) == 0, "%u blocks in grains of %u", u->max_atomic,
	       grain(t));
	EXPECT(t, !u->max_boundary || u->max_atomic_boundary,
	       "boundaries up to %u, and no WRITE ATOMIC with one", u->max_boundary);
}

RULE(write_atomic, writes, DESTROYS, "WRITE ATOMIC writes its blocks, and nothing else")
{
	uint64_t lba = scratch(t);
	uint32_t block = unit_of(t)->block;
	uint16_t most = longest(t);
	const uint32_t lens[] = { grain(t), most / 2 / grain(t) * grain(t), most };
	const uint8_t *a = pattern(t, 400, (size_t)3 * BLOCKS_MAX * block);

	for (unsigned i = 0; i < ARRAY_SIZE(lens); i++) {
		uint16_t n = (uint16_t)lens[i];
		const uint8_t *b = pattern(t, 401 + i, (size_t)BLOCKS_MAX * block);

		if (!n)
			continue;
		write_blocks(nexus_a(t), lba, 2 * BLOCKS_MAX, a);
		expect_good(atomic_new(nexus_a(t), lba + BLOCKS_MAX, 0, n, b));
		expect_blocks(nexus_b(t), lba, BLOCKS_MAX, a, "before the blocks");
		expect_blocks(nexus_b(t), lba + BLOCKS_MAX, n, b, "the blocks");
		if (n < BLOCKS_MAX)
			expect_blocks(nexus_b(t), lba + BLOCKS_MAX + n, BLOCKS_MAX - n,
				      a + (size_t)(BLOCKS_MAX + n) * block, "behind the blocks");
	}
}

RULE(write_atomic, limits, DESTROYS,
     "no blocks do nothing; more than the limit, a wrong grain, alignment or boundary, WRPROTECT "
     "and a wrong range are refused")
{
	const struct unit *u = unit_of(t);
	uint64_t lba = scratch(t);
	uint16_t g = (uint16_t)grain(t);
	struct cmd *c;

	need_op(t, 0x9c, -1);
	expect_good(atomic_new(nexus_a(t), lba, 0, 0, NULL));
	if (u->max_atomic < UINT16_MAX) {
		c = atomic_new(nexus_a(t), lba, 0, g, NULL);
		put_be16(c->cdb + 12, (uint16_t)(u->max_atomic + g));
		expect_bad_cdb(c, 12);
	}
	if (g > 1)
		expect_bad_cdb(atomic_new(nexus_a(t), lba, 0, (uint16_t)(g - 1), NULL), 12);
	if (u->atomic_align > 1)
		expect_sense(atomic_new(nexus_a(t), lba + 1, 0, g, NULL), ILLEGAL_REQUEST,
			     INVALID_FIELD_IN_CDB);
	if (u->max_boundary < UINT16_MAX)
		expect_bad_cdb(
			atomic_new(nexus_a(t), lba, (uint16_t)(u->max_boundary + 1), g, NULL), 10);
	expect_sense(atomic_new(nexus_a(t), u->n_blocks, 0, g, NULL), ILLEGAL_REQUEST,
		     LBA_OUT_OF_RANGE);
	c = atomic_new(nexus_a(t), lba, 0, g, NULL);
	c->cdb[1] = 0x20;
	expect_bad_cdb(c, 1);
}

RULE(write_atomic, boundary, DESTROYS, "with an atomic boundary all blocks are written, too")
{
	uint64_t lba = scratch(t);
	uint16_t n = longest(t);
	const uint8_t *a = pattern(t, 410, (size_t)BLOCKS_MAX * unit_of(t)->block);

	if (!unit_of(t)->max_boundary)
		skip(t, "there is no WRITE ATOMIC with a boundary");
	n = (uint16_t)min_u32(n, unit_of(t)->max_atomic_boundary);
	expect_good(atomic_new(nexus_a(t), lba, (uint16_t)grain(t), n, a));
	expect_blocks(nexus_b(t), lba, n, a, "the blocks");
}

RULE(write_atomic, short_data, DESTROYS,
     "with less data than its blocks have it writes nothing, whatever its status is")
{
	uint64_t lba = scratch(t);
	uint32_t block = unit_of(t)->block;
	uint16_t n = longest(t);
	const uint8_t *a = pattern(t, 411, (size_t)BLOCKS_MAX * block);
	struct cmd *c;

	if (n < 2)
		skip(t, "it has one block at most");
	write_blocks(nexus_a(t), lba, n, a);
	c = atomic_new(nexus_a(t), lba, 0, (uint16_t)(n / 2), NULL);
	put_be16(c->cdb + 12, n);
	cmd_run(c);
	expect_blocks(nexus_b(t), lba, n, a, "after a WRITE ATOMIC with too few data");
}

RULE(write_atomic, aborted, DESTROYS, "after ABORT TASK of it all of its blocks are new, or none")
{
	uint64_t lba = scratch(t);
	uint32_t block = unit_of(t)->block;
	uint16_t n = longest(t);
	struct nexus *a = nexus_a(t);

	write_blocks(a, lba, n, memset(pattern(t, 0, (size_t)n * block), 0, (size_t)n * block));
	for (uint8_t round = 1; round < 9; round++) {
		uint8_t *data = memset(pattern(t, 0, (size_t)n * block), round, (size_t)n * block);
		struct cmd *w = atomic_new(a, lba, 0, n, data);
		struct cmd *f;
		const uint8_t *now;

		w->shape = SHAPE_DIRECT;
		cmd_send(w);
		f = tmf_send(a, ABORT_TASK, unit_of(t)->lun, w->tag); /* both leave in one go */
		expect_code(f, CODE_DONE);
		now = read_blocks(nexus_b(t), lba, n);
		EXPECT(t, !w->done || w->status != GOOD || now[0] == round,
		       "it ended with GOOD and has not written");
		EXPECT(t, now[0] <= round, "byte %02x, which nobody wrote", now[0]);
		for (uint32_t k = 0; k < n * block; k++)
			EXPECT(t, now[k] == now[0], "block %u has byte %02x, the first one %02x",
			       k / block, now[k], now[0]);
	}
}

RULE(write_atomic, atomic, DESTROYS,
     "READs beside WRITE ATOMICs of two nexuses give all blocks of one of them, never of two")
{
	uint64_t lba = scratch(t);
	uint32_t block = unit_of(t)->block;
	uint16_t n = longest(t);
	uint8_t *data[4];

	for (unsigned i = 0; i < ARRAY_SIZE(data); i++)
		data[i] = memset(pattern(t, 0, (size_t)n * block), 'a' + (int)i, (size_t)n * block);
	expect_good(atomic_new(nexus_a(t), lba, 0, n, data[0]));
	for (unsigned round = 0; round < 10; round++) {
		struct cmd *w[4];
		struct cmd *r[4];

		for (unsigned i = 0; i < 4; i++) {
			cmd_send(w[i] = atomic_new(i & 1 ? nexus_b(t) : nexus_a(t), lba, 0, n,
						   data[(i + round) % 4]));
			cmd_send(r[i] = read_new(i & 1 ? nexus_a(t) : nexus_b(t), 16, lba, n));
		}
		for (unsigned i = 0; i < 4; i++) {
			expect_good(w[i]);
			expect_good(r[i]);
			EXPECT(t, r[i]->in[0] >= 'a' && r[i]->in[0] < 'e',
			       "a block of byte %02x, which nobody wrote", r[i]->in[0]);
			for (uint32_t k = 0; k < n * block; k++)
				EXPECT(t, r[i]->in[k] == r[i]->in[0],
				       "block %u has '%c', the first one '%c'", k / block,
				       r[i]->in[k], r[i]->in[0]);
		}
	}
}
