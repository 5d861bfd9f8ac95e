/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* SBC-4 5.12, 5.59: POPULATE TOKEN and WRITE USING TOKEN; SPC-5 6.26: RECEIVE ROD TOKEN INFORMATION. */
#include <string.h>

#include "conform.h"

#define TOKEN_BYTES    512u
#define TOKEN_LENGTH   0x1f8u
#define ANSWER_BYTES   1024u
#define POPULATE_HEAD  16u
#define USE_HEAD       536u
#define BLOCKS_UNITS   0xf1
#define TYPE_ZERO      0xffff0001u
#define OPERATION_DONE 0x01

static void need_tokens(struct test *t)
{
	need_op(t, 0x83, 0x10);
	need_op(t, 0x83, 0x11);
	need_op(t, 0x84, 0x07);
}

/* A command of @head bytes of parameters, then one range. */
static struct cmd *out_new(struct nexus *n, uint8_t action, uint8_t id, uint32_t head, uint64_t lba,
			   uint32_t blocks)
{
	uint16_t len = (uint16_t)(head + 16);
	struct cmd *c = CMD(n, 0x83, action, 0, 0, 0, 0, 0, 0, 0, id, 0, 0, (uint8_t)(len >> 8),
			    (uint8_t)len, 0, 0);
	uint8_t *p = data_out(c, NULL, len);

	put_be16(p, (uint16_t)(len - 2));
	put_be16(p + head - 2, 16);
	put_be64(p + head, lba);
	put_be32(p + head + 8, blocks);
	return c;
}

static struct cmd *populate(struct nexus *n, uint8_t id, uint64_t lba, uint32_t blocks)
{
	return out_new(n, 0x10, id, POPULATE_HEAD, lba, blocks);
}

static struct cmd *use(struct nexus *n, uint8_t id, const uint8_t *token, uint64_t lba,
		       uint32_t blocks)
{
	struct cmd *c = out_new(n, 0x11, id, USE_HEAD, lba, blocks);

	memcpy(c->out + 16, token, TOKEN_BYTES);
	return c;
}

static struct cmd *info(struct nexus *n, uint8_t id)
{
	struct cmd *c =
		CMD(n, 0x84, 0x07, 0, 0, 0, id, 0, 0, 0, 0, 0, 0, ANSWER_BYTES >> 8, 0, 0, 0);

	data_in(c, ANSWER_BYTES);
	return c;
}

/* What RECEIVE ROD TOKEN INFORMATION must say of a copy that went well. Return: where the tokens are. */
static const uint8_t *told(struct test *t, struct cmd *c, uint8_t action, uint64_t blocks)
{
	expect_good(c);
	EXPECT(t, got_in(c) >= 36 && get_be32(c->in) + 4 == got_in(c),
	       "AVAILABLE DATA %u, %u bytes came", get_be32(c->in), got_in(c));
	EXPECT(t, (c->in[4] & 0x1f) == action, "RESPONSE TO SERVICE ACTION %02xh", c->in[4] & 0x1f);
	EXPECT(t, (c->in[5] & 0x7f) == OPERATION_DONE, "COPY OPERATION STATUS %02xh",
	       c->in[5] & 0x7f);
	EXPECT(t, get_be32(c->in + 8) == 0xfffffffe,
	       "ESTIMATED STATUS UPDATE DELAY of a copy that is done: %u", get_be32(c->in + 8));
	EXPECT(t, c->in[15] != BLOCKS_UNITS || get_be64(c->in + 16) == blocks,
	       "TRANSFER COUNT %llu, not %llu", (unsigned long long)get_be64(c->in + 16),
	       (unsigned long long)blocks);
	EXPECT(t, c->in[13] % 4 == 0 && 36u + c->in[13] <= got_in(c),
	       "LENGTH OF THE SENSE DATA FIELD %u", c->in[13]);
	return c->in + 32 + c->in[13];
}

/* Make a token of blocks, which lives as long as the rule. */
static const uint8_t *make(struct test *t, uint64_t lba, uint32_t blocks)
{
	const uint8_t *at;
	struct cmd *c;

	expect_good(populate(nexus_a(t), 1, lba, blocks));
	c = info(nexus_a(t), 1);
	at = told(t, c, 0x10, blocks);
	EXPECT(t, get_be32(at) == 2 + TOKEN_BYTES, "ROD TOKEN DESCRIPTORS LENGTH %u", get_be32(at));
	at += 6;
	EXPECT(t, get_be32(at) >> 16 == 0x0080, "ROD TYPE %08xh is no point in time copy",
	       get_be32(at));
	EXPECT(t, get_be16(at + 6) == TOKEN_LENGTH, "ROD TOKEN LENGTH %u", get_be16(at + 6));
	EXPECT(t, get_be64(at + 56) == (uint64_t)blocks * unit_of(t)->block,
	       "it represents %llu bytes", (unsigned long long)get_be64(at + 56));
	return at;
}

RULE(token, copies, DESTROYS,
     "blocks that a token represents are written, and no others; both nexuses may use it")
{
	uint64_t lba;
	uint32_t block = unit_of(t)->block;
	const uint8_t *data, *old, *token;
	struct cmd *c;

	need_tokens(t);
	lba = scratch(t);
	data = pattern(t, 420, (size_t)64 * block);
	old = pattern(t, 421, (size_t)80 * block);
	write_blocks(nexus_a(t), lba, 64, data);
	write_blocks(nexus_a(t), lba + 1000, 80, old);
	token = make(t, lba, 64);
	expect_good(use(nexus_a(t), 2, token, lba + 1008, 64));
	(void)told(t, info(nexus_a(t), 2), 0x11, 64);
	expect_blocks(nexus_b(t), lba + 1008, 64, data, "the copy");
	expect_blocks(nexus_b(t), lba, 64, data, "the source");
	expect_blocks(nexus_b(t), lba + 1000, 8, old, "before the copy");
	expect_blocks(nexus_b(t), lba + 1072, 8, old + (size_t)72 * block, "behind the copy");
	c = use(nexus_b(t), 2, token, lba + 1000, 4);
	put_be64(c->out + 8, 60);
	expect_good(c);
	expect_blocks(nexus_a(t), lba + 1000, 4, data + (size_t)60 * block, "the end of it");
}

RULE(token, point_in_time, DESTROYS,
     "a token whose blocks were written represents them as they were, or nothing any more")
{
	uint64_t lba;
	uint32_t block = unit_of(t)->block;
	const uint8_t *was, *is, *token;
	struct cmd *c;

	need_tokens(t);
	lba = scratch(t);
	was = pattern(t, 422, (size_t)16 * block);
	is = pattern(t, 423, (size_t)16 * block);
	write_blocks(nexus_a(t), lba, 16, was);
	token = make(t, lba, 16);
	write_blocks(nexus_b(t), lba + 100, 16, is); /* not its blocks */
	expect_good(use(nexus_a(t), 2, token, lba + 200, 16));
	write_blocks(nexus_b(t), lba, 16, is);
	c = use(nexus_a(t), 2, token, lba + 300, 16);
	cmd_run(c);
	if (c->status == GOOD)
		expect_blocks(nexus_a(t), lba + 300, 16, was, "the blocks as they were");
	else
		expect_sense(c, ILLEGAL_REQUEST, TOKEN_CANCELLED);
	expect_blocks(nexus_a(t), lba + 200, 16, was, "the copy from before");
}

RULE(token, zeroes, DESTROYS, "the block device zero token writes zeroes")
{
	uint64_t lba;
	uint32_t block = unit_of(t)->block;
	uint8_t zero[TOKEN_BYTES] = { 0 };
	uint8_t *none;
	const uint8_t *old;

	need_tokens(t);
	lba = scratch(t);
	none = memset(mem(nexus_a(t), (size_t)8 * block), 0, (size_t)8 * block);
	old = pattern(t, 424, (size_t)16 * block);
	write_blocks(nexus_a(t), lba, 16, old);
	put_be32(zero, TYPE_ZERO);
	put_be16(zero + 6, TOKEN_LENGTH);
	expect_good(use(nexus_a(t), 2, zero, lba + 4, 8));
	expect_blocks(nexus_b(t), lba, 4, old, "before");
	expect_blocks(nexus_b(t), lba + 4, 8, none, "the blocks");
	expect_blocks(nexus_b(t), lba + 12, 4, old + (size_t)12 * block, "behind");
}

RULE(token, unknown, DESTROYS,
     "a token that was never made is TOKEN UNKNOWN, of another length INVALID TOKEN LENGTH; "
     "nothing is written")
{
	uint64_t lba;
	const uint8_t *old;
	uint8_t token[TOKEN_BYTES];

	need_tokens(t);
	lba = scratch(t);
	old = pattern(t, 425, (size_t)8 * unit_of(t)->block);
	write_blocks(nexus_a(t), lba + 100, 8, old);
	memcpy(token, make(t, lba, 8), sizeof(token));
	token[TOKEN_BYTES - 1] ^= 1;
	expect_sense(use(nexus_a(t), 2, token, lba + 100, 8), ILLEGAL_REQUEST, TOKEN_UNKNOWN);
	token[TOKEN_BYTES - 1] ^= 1;
	put_be16(token + 6, TOKEN_LENGTH - 1);
	expect_sense(use(nexus_a(t), 2, token, lba + 100, 8), ILLEGAL_REQUEST,
		     INVALID_TOKEN_LENGTH);
	expect_blocks(nexus_a(t), lba + 100, 8, old, "after copies that were refused");
}

RULE(token, refused, DESTROYS,
     "lists that are cut off, blocks twice, ranges beyond the unit and offsets beyond the token")
{
	uint64_t lba;
	uint64_t end = unit_of(t)->n_blocks;
	const uint8_t *token;
	struct cmd *c;

	need_tokens(t);
	lba = scratch(t);
	c = populate(nexus_a(t), 1, lba, 8);
	c->cdb[13] = POPULATE_HEAD - 1;
	expect_sense(c, ILLEGAL_REQUEST, PARAMETER_LIST_LENGTH_ERROR);
	expect_sense(populate(nexus_a(t), 1, end - 4, 8), ILLEGAL_REQUEST, LBA_OUT_OF_RANGE);
	c = populate(nexus_a(t), 1, lba, 8);
	put_be16(c->out, 29);
	expect_bad_parameter(c, 0);
	c = populate(nexus_a(t), 1, lba, 8);
	put_be16(c->out + 14, 15);
	expect_bad_parameter(c, 14);
	c = populate(nexus_a(t), 1, lba, 8);
	c->out[2] = 0x02; /* RTV: access upon reference is no point in time copy */
	put_be32(c->out + 8, 0x00010000);
	expect_bad_parameter(c, 8);
	token = make(t, lba, 8);
	expect_sense(use(nexus_a(t), 2, token, end - 4, 8), ILLEGAL_REQUEST, LBA_OUT_OF_RANGE);
	c = use(nexus_a(t), 2, token, lba + 100, 8);
	put_be64(c->out + 8, 8);
	expect_bad_parameter(c, 8);
}

RULE(token, no_parameters, SAFE, "a parameter list length of 0 is no error")
{
	need_tokens(t);
	expect_good(CMD(nexus_a(t), 0x83, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
	expect_good(CMD(nexus_a(t), 0x83, 0x11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
}

RULE(token, whose_list, SAFE,
     "a list identifier that is not known, or is another nexus's, is INVALID FIELD IN CDB; a token "
     "is "
     "told until it was told")
{
	struct cmd *c;

	need_tokens(t);
	expect_bad_cdb(info(nexus_a(t), 77), 2);
	expect_good(populate(nexus_a(t), 78, 0, 8));
	expect_bad_cdb(info(nexus_b(t), 78), 2);
	c = info(nexus_a(t), 78);
	(void)told(t, c, 0x10, 8);
	expect_bad_cdb(info(nexus_a(t), 78), 2);
}

/* The descriptor of this type in VPD page 8Fh, of at least @len bytes behind its header. */
static const uint8_t *vpd_part(struct test *t, struct cmd *c, uint16_t type, unsigned len)
{
	for (uint32_t at = 4; at + 4 <= got_in(c); at += 4u + get_be16(c->in + at + 2)) {
		if (get_be16(c->in + at) != type)
			continue;
		EXPECT(t, get_be16(c->in + at + 2) >= len && at + 4 + len <= got_in(c),
		       "descriptor %04xh has %u bytes", type, get_be16(c->in + at + 2));
		return c->in + at + 4;
	}
	fail(t, "VPD page 8Fh has no descriptor %04xh", type);
}

RULE(token, vital_data, DESTROYS,
     "VPD page 8F has the block device limits and the types of tokens, and the limits hold")
{
	uint64_t lba;
	struct cmd *c;
	const uint8_t *p;
	uint32_t timeout;
	bool copies = false;
	bool zeroes = false;

	need_tokens(t);
	need_vpd(t, 0x8f);
	lba = scratch(t);
	c = inquiry_run(nexus_a(t), 0x8f);
	expect_good(c);
	p = vpd_part(t, c, 0x0000, 32);
	EXPECT(t, get_be16(p + 6), "MAXIMUM RANGE DESCRIPTORS is 0");
	timeout = get_be32(p + 8);
	EXPECT(t, !timeout || get_be32(p + 12) <= timeout,
	       "the default time-out %u is above the greatest, %u", get_be32(p + 12), timeout);
	p = vpd_part(t, c, 0x0108, 4);
	for (unsigned i = 0; i + 64 <= get_be16(p + 2); i += 64) {
		copies |= get_be32(p + 4 + i) >> 16 == 0x0080 && p[8 + i] & 1;
		zeroes |= get_be32(p + 4 + i) == TYPE_ZERO && p[8 + i] & 2;
	}
	EXPECT(t, copies && zeroes, "%s is missing in the list of ROD types",
	       copies ? "block device zero" : "a point in time copy");
	if (!timeout || timeout == UINT32_MAX)
		return;
	c = populate(nexus_a(t), 1, lba, 8);
	put_be32(c->out + 4, timeout + 1);
	expect_bad_parameter(c, 4);
	c = populate(nexus_a(t), 1, lba, 8);
	put_be32(c->out + 4, timeout);
	expect_good(c);
}
