/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The commands that most rules need. */
#include <string.h>

#include "base/prng.h"
#include "test.h"

#define INQUIRY_ROOM  4096u
#define PAGES_CHANGED 8u
#define MODE_HEADER   8u

struct cmd *range_new(struct nexus *n, uint8_t opcode, uint8_t flags, uint64_t lba, uint32_t blocks)
{
	uint8_t cdb[16] = { opcode, flags };

	switch (opcode >> 5) {
	case 0:
		put_be24(cdb + 1, (uint32_t)lba & 0x1fffff);
		cdb[4] = (uint8_t)blocks;
		return cmd_new(n, cdb, 6);
	case 1:
	case 2:
		put_be32(cdb + 2, (uint32_t)lba);
		put_be16(cdb + 7, (uint16_t)blocks);
		return cmd_new(n, cdb, 10);
	case 5:
		put_be32(cdb + 2, (uint32_t)lba);
		put_be32(cdb + 6, blocks);
		return cmd_new(n, cdb, 12);
	default:
		put_be64(cdb + 2, lba);
		put_be32(cdb + 10, blocks);
		return cmd_new(n, cdb, 16);
	}
}

static uint8_t opcode_of(unsigned cdb_len, uint8_t op6)
{
	switch (cdb_len) {
	case 6:
		return op6;
	case 10:
		return op6 | 0x20;
	case 12:
		return op6 | 0xa0;
	default:
		return op6 | 0x80;
	}
}

struct cmd *read_new(struct nexus *n, unsigned cdb_len, uint64_t lba, uint32_t blocks)
{
	struct cmd *c = range_new(n, opcode_of(cdb_len, 0x08), 0, lba, blocks);

	if (blocks)
		data_in(c, blocks * n->t->unit.block);
	return c;
}

struct cmd *write_new(struct nexus *n, unsigned cdb_len, uint64_t lba, uint32_t blocks,
		      const void *data)
{
	struct cmd *c = range_new(n, opcode_of(cdb_len, 0x0a), 0, lba, blocks);

	if (blocks)
		data_out(c, data, blocks * n->t->unit.block);
	return c;
}

uint8_t *read_blocks(struct nexus *n, uint64_t lba, uint32_t blocks)
{
	struct cmd *c = read_new(n, 16, lba, blocks);

	expect_good(c);
	return c->in;
}

void write_blocks(struct nexus *n, uint64_t lba, uint32_t blocks, const void *data)
{
	expect_good(write_new(n, 16, lba, blocks, data));
}

void expect_blocks(struct nexus *n, uint64_t lba, uint32_t blocks, const void *data,
		   const char *what)
{
	uint32_t block = n->t->unit.block;
	const uint8_t *got = read_blocks(n, lba, blocks);

	for (uint32_t i = 0; i < blocks; i++)
		EXPECT(n->t,
		       !memcmp(got + (size_t)i * block, (const uint8_t *)data + (size_t)i * block,
			       block),
		       "%s: block %u of %u, at LBA %llu, has other data than it must have", what, i,
		       blocks, (unsigned long long)(lba + i));
}

uint8_t *pattern(struct test *t, uint64_t seed, size_t len)
{
	uint8_t *p = test_mem(t, len);
	struct prng r = prng_of(seed);

	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)(prng_u64(&r) >> 32);
	return p;
}

uint64_t scratch(struct test *t)
{
	const struct unit *u = &t->unit;

	if (u->n_blocks < 16384)
		skip(t, "the unit has only %llu blocks", (unsigned long long)u->n_blocks);
	return u->n_blocks / 2 & ~(uint64_t)4095;
}

struct cmd *tur_new(struct nexus *n)
{
	return CMD(n, 0x00, 0, 0, 0, 0, 0);
}

struct cmd *attention(struct nexus *n)
{
	struct cmd *c = tur_new(n);

	c->keep_ua = true;
	cmd_run(c);
	return c;
}

struct cmd *inquiry_run(struct nexus *n, int page)
{
	struct cmd *c =
		CMD(n, 0x12, page >= 0, (uint8_t)(page >= 0 ? page : 0), INQUIRY_ROOM >> 8, 0, 0);

	data_in(c, INQUIRY_ROOM);
	cmd_run(c);
	return c;
}

/* --- mode pages --- */

unsigned mode_page_len(const uint8_t *page)
{
	return page[0] & 0x40 ? 4u + get_be16(page + 2) : 2u + page[1];
}

uint8_t *mode_page(struct nexus *n, uint8_t pc, uint8_t page, uint8_t subpage)
{
	struct cmd *c = CMD(n, 0x5a, 0x08, (uint8_t)(pc << 6 | page), subpage, 0, 0, 0, 1, 0, 0);
	uint8_t *p = data_in(c, 256) + MODE_HEADER;

	cmd_run(c);
	if (is_sense(c, ILLEGAL_REQUEST, INVALID_OPCODE) ||
	    is_sense(c, ILLEGAL_REQUEST, INVALID_FIELD_IN_CDB))
		skip(n->t, "the unit does not have mode page %02x/%02x", page, subpage);
	expect_good(c);
	EXPECT(n->t, got_in(c) >= MODE_HEADER + 4 && got_in(c) >= MODE_HEADER + mode_page_len(p),
	       "mode page %02x/%02x with DBD comes with %u bytes in all", page, subpage, got_in(c));
	EXPECT(n->t, (p[0] & 0x3f) == page, "mode page %02x says that it is %02x", page,
	       p[0] & 0x3f);
	return p;
}

struct cmd *mode_select(struct nexus *n, const uint8_t *page, bool save)
{
	unsigned len = mode_page_len(page);
	struct cmd *c = CMD(n, 0x55, (uint8_t)(0x10 | save), 0, 0, 0, 0, 0, 0,
			    (uint8_t)(MODE_HEADER + len), 0);

	data_out(c, NULL, MODE_HEADER + len);
	memcpy(c->out + MODE_HEADER, page, len);
	c->out[MODE_HEADER] &= 0x7f; /* PS is reserved here */
	cmd_run(c);
	return c;
}

/* Pages as they were before the rule changed them. */
static uint8_t before[PAGES_CHANGED][64];
static unsigned n_before;

static void restore_page(struct test *t)
{
	struct nexus *n = nexus_a(t);

	t->quiet = true;
	(void)mode_select(n, before[--n_before], false);
	t->quiet = false;
}

void mode_set(struct test *t, uint8_t page, unsigned byte, uint8_t mask, uint8_t value)
{
	struct nexus *a = nexus_a(t);
	uint8_t *can;
	uint8_t *now;

	t->quiet = true;
	can = mode_page(a, 1, page, 0);
	now = mode_page(a, 0, page, 0);
	t->quiet = false;
	if ((can[byte] & mask) != mask)
		skip(t, "bits %02x in byte %u of mode page %02x cannot be changed", mask, byte,
		     page);
	EXPECT(t, n_before < PAGES_CHANGED && mode_page_len(now) <= sizeof(before[0]),
	       "a rule changes at most %u mode pages", PAGES_CHANGED);
	memcpy(before[n_before++], now, mode_page_len(now));
	at_end(t, restore_page);
	now[byte] = (uint8_t)((now[byte] & ~mask) | (value & mask));
	t->quiet = true;
	expect_good(mode_select(a, now, false));
	t->quiet = false;
}
