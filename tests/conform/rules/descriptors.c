/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* SRP 6.8.4: data buffer descriptors of every shape, and those that contradict themselves. */
#include <string.h>

#include "conform.h"

#define LEN 65536u

static void both_ways(struct test *t, enum shape shape, unsigned n_pieces)
{
	struct nexus *a = nexus_a(t);
	uint64_t lba = scratch(t);
	uint32_t blocks = LEN / unit_of(t)->block;
	const uint8_t *data = pattern(t, 70 + n_pieces, LEN);
	struct cmd *c;

	if (80u + n_pieces * 16 > a->max_it_iu && shape == SHAPE_INDIRECT)
		skip(t, "IUs of %u bytes have no room for %u descriptors", a->max_it_iu, n_pieces);
	c = write_new(a, 10, lba, blocks, data);
	c->shape = shape;
	c->n_pieces = n_pieces;
	expect_good(c);
	expect_blocks(a, lba, blocks, data, "written in pieces");
	c = read_new(a, 10, lba, blocks);
	c->shape = shape;
	c->n_pieces = n_pieces;
	expect_good(c);
	EXPECT(t, !memcmp(c->in, data, LEN), "read in %u pieces the data are others", n_pieces);
}

RULE(descriptors, direct, DESTROYS, "direct descriptors move data in both directions")
{
	both_ways(t, SHAPE_DIRECT, 0);
}

RULE(descriptors, indirect, DESTROYS,
     "tables of 1, 2, 3, 16 and 255 descriptors in the IU move data in both directions")
{
	static const unsigned n[] = { 1, 2, 3, 16, 255 };

	if (!(get_be16(nexus_a(t)->answer + 24) & 4))
		skip(t, "the target does not offer indirect descriptors");
	for (unsigned i = 0; i < ARRAY_SIZE(n); i++)
		both_ways(t, SHAPE_INDIRECT, n[i]);
}

RULE(descriptors, external, DESTROYS,
     "tables that are not in the IU are fetched from memory: 2, 64 and 1000 descriptors")
{
	static const unsigned n[] = { 2, 64, 1000 };
	struct nexus *a = nexus_a(t);
	struct cmd *c;

	if (!(get_be16(a->answer + 24) & 4))
		skip(t, "the target does not offer indirect descriptors");
	c = read_new(a, 10, 0, 1);
	c->shape = SHAPE_EXTERNAL;
	c->n_pieces = 2;
	cmd_run(c);
	if (c->status != GOOD)
		skip(t, "the target does not fetch tables: %s", cmd_text(c));
	for (unsigned i = 0; i < ARRAY_SIZE(n); i++)
		both_ways(t, SHAPE_EXTERNAL, n[i]);
}

RULE(descriptors, odd_pieces, DESTROYS, "pieces of one byte, and pieces across block borders")
{
	struct nexus *a = nexus_a(t);
	uint64_t lba = scratch(t);
	uint32_t block = unit_of(t)->block;
	const uint8_t *data = pattern(t, 75, block);
	struct cmd *c = write_new(a, 10, lba, 1, data);

	c->shape = SHAPE_INDIRECT;
	c->n_pieces = 129; /* 3 bytes each of 512, and a longer last one */
	expect_good(c);
	c = read_new(a, 10, lba, 1);
	c->shape = SHAPE_INDIRECT;
	c->n_pieces = 251;
	expect_good(c);
	EXPECT(t, !memcmp(c->in, data, block), "the data are others");
}

/* A READ with an indirect table of four, whose IU the rule spoils. */
static struct cmd *table_cmd(struct test *t, uint8_t *iu, size_t size, size_t *ret_len)
{
	struct cmd *c = read_new(nexus_a(t), 10, 0, 4);

	c->shape = SHAPE_INDIRECT;
	c->n_pieces = 4;
	*ret_len = cmd_encode(c, iu, size);
	return c;
}

/* It ends with ILLEGAL REQUEST, or its response code says so, and the channel lives. */
static void expect_refused(struct test *t, struct cmd *c, const char *what)
{
	cmd_wait(c);
	EXPECT(t,
	       (c->status == CHECK_CONDITION &&
		(c->key == ILLEGAL_REQUEST || c->key == ABORTED_COMMAND)) ||
		       c->code == CODE_INVALID_FIELDS,
	       "%s: %s", what, cmd_text(c));
	expect_good(tur_new(nexus_a(t)));
}

RULE(descriptors, contradictions, SAFE,
     "a total length, a count or a format that does not fit is refused, and the channel goes on")
{
	uint8_t iu[512];
	size_t len;
	struct cmd *c;

	c = table_cmd(t, iu, sizeof(iu), &len);
	put_be32(iu + 64, get_be32(iu + 64) + 512); /* total length */
	cmd_send_iu(c, iu, len);
	expect_refused(t, c, "a total length beyond what the descriptors have");
	c = table_cmd(t, iu, sizeof(iu), &len);
	put_be32(iu + 64, get_be32(iu + 64) - 512);
	cmd_send_iu(c, iu, len);
	expect_refused(t, c, "a total length of less than what the descriptors have");
	c = table_cmd(t, iu, sizeof(iu), &len);
	iu[7] = 5; /* descriptors counted */
	cmd_send_iu(c, iu, len);
	expect_refused(t, c, "more descriptors in the IU than the table has");
	c = table_cmd(t, iu, sizeof(iu), &len);
	cmd_send_iu(c, iu, len - 16);
	expect_refused(t, c, "an IU that ends before its last descriptor");
	c = table_cmd(t, iu, sizeof(iu), &len);
	iu[5] = 0x05; /* DATA-IN format */
	cmd_send_iu(c, iu, len);
	expect_refused(t, c, "a descriptor format that there is not");
	c = table_cmd(t, iu, sizeof(iu), &len);
	put_be32(iu + 48 + 12, 60); /* table length: three descriptors and three quarters */
	cmd_send_iu(c, iu, len);
	expect_refused(t, c, "a table with a part of a descriptor");
	c = table_cmd(t, iu, sizeof(iu), &len);
	put_be32(iu + 68 + 12, UINT32_MAX); /* lengths whose sum wraps */
	put_be32(iu + 84 + 12, get_be32(iu + 84 + 12) + get_be32(iu + 68 + 12) + 513);
	cmd_send_iu(c, iu, len);
	expect_refused(t, c, "lengths whose sum does not fit into 32 bits");
}

RULE(descriptors, truncated, SAFE,
     "a command whose descriptor is cut off anywhere is refused, and the channel goes on")
{
	for (size_t cut = 48; cut < 64; cut += 5) {
		uint8_t iu[128];
		struct cmd *c = read_new(nexus_a(t), 10, 0, 1);

		c->shape = SHAPE_DIRECT;
		(void)cmd_encode(c, iu, sizeof(iu));
		cmd_send_iu(c, iu, cut);
		expect_refused(t, c, text_of(t, "cut at %zu", cut));
	}
}

RULE(descriptors, count_without_table, SAFE,
     "a descriptor count next to a direct descriptor has no meaning")
{
	uint8_t iu[128];
	struct cmd *c = read_new(nexus_a(t), 10, 0, 1);
	size_t len;

	c->shape = SHAPE_DIRECT;
	len = cmd_encode(c, iu, sizeof(iu));
	iu[6] = 0;
	iu[7] = 1;
	cmd_send_iu(c, iu, len);
	expect_good(c);
}

RULE(descriptors, bidirectional, SAFE,
     "a command with descriptors of both directions uses its own, and leaves the other over")
{
	struct cmd *c = read_new(nexus_a(t), 10, 0, 1);

	c->shape = SHAPE_DIRECT;
	data_out(c, NULL, 1024);
	cmd_run(c);
	if (c->status == CHECK_CONDITION)
		skip(t, "the target refuses such commands: %s", cmd_text(c));
	expect_good(c);
	EXPECT(t, c->flags & RSP_DOUNDER && c->out_res == 1024, "flags %02x, data-out residual %u",
	       c->flags, c->out_res);
	EXPECT(t, !(c->flags & (RSP_DIUNDER | RSP_DIOVER)),
	       "the data-in direction has a residual of %u", c->in_res);
}

RULE(descriptors, wrong_key, SAFE,
     "a descriptor with a key that was not given out moves nothing; the channel may end, others go "
     "on")
{
	struct nexus *c = nexus_new(t, &(struct login){ .flags = LOGIN_MULTI });
	uint8_t iu[128];
	struct cmd *r;
	size_t len;

	nexus_settle(c);
	r = read_new(c, 10, 0, 8);
	r->shape = SHAPE_DIRECT;
	len = cmd_encode(r, iu, sizeof(iu));
	put_be32(iu + 56, ~get_be32(iu + 56));
	cmd_send_iu(r, iu, len);
	pump(t, 3000);
	for (uint32_t i = 0; i < r->in_len; i++)
		EXPECT(t, r->in[i] == FILL, "byte %u was written", i);
	EXPECT(t, c->down || (r->done && r->status != GOOD), "%s", cmd_text(r));
	expect_good(tur_new(nexus_a(t)));
}
