/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* SBC-4 5.20, 5.21: READ CAPACITY. */
#include "conform.h"

static struct cmd *rc16(struct nexus *n, uint8_t room)
{
	struct cmd *c = CMD(n, 0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, room, 0, 0);

	if (room)
		data_in(c, room);
	return c;
}

RULE(capacity, agree, SAFE,
     "READ CAPACITY (10) and (16) agree, with FFFFFFFFh where 32 bits do not do")
{
	struct cmd *c = CMD(nexus_a(t), 0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0);
	struct cmd *d = rc16(nexus_a(t), 32);
	uint64_t last;

	need_op(t, 0x9e, 0x10);
	data_in(c, 8);
	expect_good(c);
	expect_good(d);
	last = get_be64(d->in);
	EXPECT(t, got_in(c) == 8 && got_in(d) == 32, "%u and %u bytes, there are 8 and 32",
	       got_in(c), got_in(d));
	EXPECT(t, get_be32(c->in) == (last > UINT32_MAX - 1 ? UINT32_MAX : last),
	       "the last block is %u and %llu", get_be32(c->in), (unsigned long long)last);
	EXPECT(t, get_be32(c->in + 4) == get_be32(d->in + 8), "the block length is %u and %u",
	       get_be32(c->in + 4), get_be32(d->in + 8));
}

RULE(capacity, block_length, SAFE,
     "the block length is a power of two from 512 on, and the physical block is aligned with it")
{
	struct cmd *c = rc16(nexus_a(t), 32);
	uint32_t block;

	need_op(t, 0x9e, 0x10);
	expect_good(c);
	block = get_be32(c->in + 8);
	EXPECT(t, block >= 512 && !(block & (block - 1)), "a block length of %u", block);
	EXPECT(t, (get_be16(c->in + 14) & 0x3fffu) < 1u << (c->in[13] & 0x0f),
	       "LOWEST ALIGNED LBA %u with %u blocks per physical one",
	       get_be16(c->in + 14) & 0x3fffu, 1u << (c->in[13] & 0x0f));
	EXPECT(t, !(c->in[12] & 0x01), "PROT_EN is 1, which SRP does not carry");
}

RULE(capacity, allocation, SAFE, "READ CAPACITY(16) with too little room gives the first bytes")
{
	need_op(t, 0x9e, 0x10);
	for (uint8_t room = 0; room <= 32; room += 4) {
		struct cmd *c = rc16(nexus_a(t), room);

		expect_good(c);
		EXPECT(t, room < 8 || get_be64(c->in) == unit_of(t)->n_blocks - 1,
		       "the last block is another one with %u bytes of room", room);
		EXPECT(t, !room || got_in(c) == room, "%u bytes of room, %u came", room, got_in(c));
	}
}

RULE(capacity, no_unit, SAFE, "where no unit is it is LOGICAL UNIT NOT SUPPORTED")
{
	struct cmd *c = rc16(nexus_a(t), 32);

	c->lun = unit_of(t)->no_lun;
	expect_sense(c, ILLEGAL_REQUEST, LUN_NOT_SUPPORTED);
}
