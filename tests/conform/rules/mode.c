/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* SPC-5 6.13, 6.14, 7.5; SBC-4 6.5: MODE SENSE and MODE SELECT. */
#include <string.h>

#include "conform.h"

static struct cmd *sense10(struct nexus *n, uint8_t flags, uint8_t pc, uint8_t page, uint8_t sub,
			   uint16_t room)
{
	struct cmd *c = CMD(n, 0x5a, flags, (uint8_t)(pc << 6 | page), sub, 0, 0, 0,
			    (uint8_t)(room >> 8), (uint8_t)room, 0);

	if (room)
		data_in(c, room);
	return c;
}

static struct cmd *sense6(struct nexus *n, uint8_t flags, uint8_t pc, uint8_t page, uint8_t sub,
			  uint8_t room)
{
	struct cmd *c = CMD(n, 0x1a, flags, (uint8_t)(pc << 6 | page), sub, room, 0);

	if (room)
		data_in(c, room);
	return c;
}

/* Call @fn for each page and subpage that MODE SENSE(10) of all gives. */
static unsigned each_page(struct test *t, uint8_t pc,
			  void (*fn)(struct test *t, const uint8_t *page))
{
	struct cmd *c = sense10(nexus_a(t), 0x08, pc, 0x3f, 0xff, 4096);
	uint32_t end;
	unsigned n = 0;

	expect_good(c);
	end = got_in(c);
	EXPECT(t, get_be16(c->in) + 2u == end, "MODE DATA LENGTH says %u bytes, %u came",
	       get_be16(c->in) + 2u, end);
	for (uint32_t at = 8u + get_be16(c->in + 6); at < end;
	     at += mode_page_len(c->in + at), n++) {
		EXPECT(t, at + 4 <= end && at + mode_page_len(c->in + at) <= end,
		       "page %02x is cut off", c->in[at] & 0x3f);
		if (fn)
			fn(t, c->in + at);
	}
	return n;
}

static void read_alone(struct test *t, const uint8_t *page)
{
	uint8_t sub = page[0] & 0x40 ? page[1] : 0;
	unsigned len = mode_page_len(page);

	for (uint8_t pc = 0; pc < 3; pc++) {
		struct cmd *c = sense10(nexus_a(t), 0x08, pc, page[0] & 0x3f, sub, 512);
		struct cmd *d = sense6(nexus_a(t), 0x08, pc, page[0] & 0x3f, sub, 255);

		expect_good(c);
		EXPECT(t, got_in(c) == 8 + len,
		       "page %02x/%02x, PC %u: %u bytes, among all pages it has %u", page[0] & 0x3f,
		       sub, pc, got_in(c) - 8, len);
		EXPECT(t, c->in[8] == page[0] && (pc || !memcmp(c->in + 8, page, len)),
		       "page %02x/%02x alone is another one", page[0] & 0x3f, sub);
		expect_good(d);
		EXPECT(t, d->in[0] + 1u == got_in(d) && !memcmp(d->in + 4, c->in + 8, len),
		       "MODE SENSE(6) of page %02x/%02x gives something else", page[0] & 0x3f, sub);
		EXPECT(t, d->in[2] == c->in[3], "the device-specific parameter is %02x and %02x",
		       d->in[2], c->in[3]);
	}
}

RULE(mode, pages, SAFE,
     "each page that is among all of them can be read alone, by MODE SENSE (6) and (10), with all "
     "values of PC")
{
	need_op(t, 0x5a, -1);
	need_op(t, 0x1a, -1);
	EXPECT(t, each_page(t, 0, read_alone) >= 3, "fewer than three pages");
}

RULE(mode, same_pages, SAFE,
     "all values of PC give the same pages, and page 3F without subpages is a part of them")
{
	unsigned n = each_page(t, 0, NULL);

	need_op(t, 0x5a, -1);
	EXPECT(t, each_page(t, 1, NULL) == n && each_page(t, 2, NULL) == n,
	       "the changeable or default values have another number of pages than %u", n);
	expect_good(sense10(nexus_a(t), 0x08, 0, 0x3f, 0, 4096));
}

RULE(mode, saved, SAFE,
     "saved values: as current ones in form, or SAVING PARAMETERS NOT SUPPORTED where PS is 0")
{
	struct cmd *c = sense10(nexus_a(t), 0x08, 3, 0x0a, 0, 512);
	const uint8_t *page = mode_page(nexus_a(t), 0, 0x0a, 0);

	need_op(t, 0x5a, -1);
	if (page[0] & 0x80)
		expect_good(c);
	else
		expect_sense(c, ILLEGAL_REQUEST, SAVING_NOT_SUPPORTED);
}

RULE(mode, no_page, SAFE, "a page or subpage that there is not is INVALID FIELD IN CDB")
{
	need_op(t, 0x5a, -1);
	expect_bad_cdb(sense10(nexus_a(t), 0x08, 0, 0x2a, 0, 512), 2);
	expect_bad_cdb(sense6(nexus_a(t), 0x08, 0, 0x2a, 0, 255), 2);
	expect_sense(sense10(nexus_a(t), 0x08, 0, 0x08, 0x77, 512), ILLEGAL_REQUEST,
		     INVALID_FIELD_IN_CDB);
}

RULE(mode, allocation, SAFE, "with too little room: the first bytes, MODE DATA LENGTH as ever")
{
	struct cmd *whole = sense10(nexus_a(t), 0, 0, 0x3f, 0, 4096);

	need_op(t, 0x5a, -1);
	expect_good(whole);
	for (uint16_t room = 0; room < 40; room = (uint16_t)(room + 3)) {
		struct cmd *c = sense10(nexus_a(t), 0, 0, 0x3f, 0, room);

		expect_good(c);
		EXPECT(t, !room || (got_in(c) == room && !memcmp(c->in, whole->in, room)),
		       "with %u bytes of room the data are others", room);
	}
}

RULE(mode, thresholds, SAFE,
     "page 1C/02: whole descriptors, each with a type, a direction and a resource that there are; "
     "a "
     "unit that has it says in page B2 what it counts in")
{
	const uint8_t *page;
	struct cmd *c = inquiry_run(nexus_a(t), 0xb2);
	struct cmd *there = sense10(nexus_a(t), 0x08, 0, 0x1c, 0x02, 512);

	need_op(t, 0x5a, -1);
	need_vpd(t, 0xb2);
	cmd_run(there);
	if (there->status != GOOD)
		skip(t, "the unit does not have the page");
	expect_good(c);
	EXPECT(t, c->in[4], "THRESHOLD EXPONENT is 0");
	page = mode_page(nexus_a(t), 0, 0x1c, 0x02);
	EXPECT(t, mode_page_len(page) >= 16 && mode_page_len(page) % 8 == 0, "a page of %u bytes",
	       mode_page_len(page));
	for (unsigned at = 16; at < mode_page_len(page); at += 8) {
		const uint8_t *d = page + at;

		EXPECT(t, !(d[0] & 0x38) && (d[0] & 7) >= 1 && (d[0] & 7) <= 2,
		       "the descriptor at byte %u begins with %02x", at, d[0]);
		EXPECT(t, d[1] == 1 || d[1] == 2, "the resource at byte %u is %02x", at, d[1]);
	}
}

RULE(mode, block_descriptor, SAFE,
     "without DBD the block descriptor has the block length of READ CAPACITY; LLBAA makes it 16 "
     "bytes long")
{
	struct cmd *c = sense10(nexus_a(t), 0, 0, 0x3f, 0, 512);
	struct cmd *d = sense10(nexus_a(t), 0x10, 0, 0x3f, 0, 512);

	need_op(t, 0x5a, -1);
	expect_good(c);
	if (!get_be16(c->in + 6))
		skip(t, "there is no block descriptor");
	EXPECT(t, get_be16(c->in + 6) == 8 && get_be24(c->in + 13) == unit_of(t)->block,
	       "%u bytes of descriptors, a block length of %u", get_be16(c->in + 6),
	       get_be24(c->in + 13));
	cmd_run(d);
	if (d->status != GOOD || !(d->in[4] & 1))
		return;
	EXPECT(t,
	       get_be16(d->in + 6) == 16 && get_be64(d->in + 8) == unit_of(t)->n_blocks &&
		       get_be32(d->in + 20) == unit_of(t)->block,
	       "the long descriptor: %u bytes, %llu blocks of %u", get_be16(d->in + 6),
	       (unsigned long long)get_be64(d->in + 8), get_be32(d->in + 20));
}

static void select_as_is(struct test *t, const uint8_t *page)
{
	expect_good(mode_select(nexus_a(t), page, false));
}

RULE(mode, select_nothing_new, DESTROYS,
     "MODE SELECT of each page as it is changes nothing and tells nobody")
{
	struct cmd *c;

	need_op(t, 0x55, -1);
	(void)nexus_b(t);
	(void)each_page(t, 0, select_as_is);
	c = attention(nexus_b(t));
	EXPECT(t, c->status == GOOD || is_sense(c, UNIT_ATTENTION, MODE_PARAMETERS_CHANGED), "%s",
	       cmd_text(c));
}

static void fixed_bits(struct test *t, const uint8_t *page)
{
	uint8_t sub = page[0] & 0x40 ? page[1] : 0;
	unsigned from = page[0] & 0x40 ? 4 : 2;
	const uint8_t *can = mode_page(nexus_a(t), 1, page[0] & 0x3f, sub);
	uint8_t copy[256];

	EXPECT(t, mode_page_len(page) <= sizeof(copy), "page %02x has %u bytes", page[0] & 0x3f,
	       mode_page_len(page));
	for (unsigned i = from; i < mode_page_len(page); i++) {
		uint8_t fixed = (uint8_t)~can[i];
		struct cmd *c;

		if (!fixed)
			continue;
		memcpy(copy, page, mode_page_len(page));
		copy[i] ^= (uint8_t)(fixed & -fixed);
		c = mode_select(nexus_a(t), copy, false);
		EXPECT(t, is_sense(c, ILLEGAL_REQUEST, INVALID_FIELD_IN_PARAMETERS),
		       "page %02x/%02x, byte %u, a bit that cannot be changed: %s", page[0] & 0x3f,
		       sub, i, cmd_text(c));
		EXPECT(t, !c->field_valid || (!c->field_in_cdb && c->field == 8 + i),
		       "the field pointer says byte %u, it is %u", c->field, 8 + i);
	}
}

RULE(mode, fixed_bits, DESTROYS,
     "a change of a bit that is not changeable is INVALID FIELD IN PARAMETER LIST, and changes "
     "nothing")
{
	struct cmd *before = sense10(nexus_a(t), 0x08, 0, 0x3f, 0xff, 4096);
	struct cmd *after = sense10(nexus_a(t), 0x08, 0, 0x3f, 0xff, 4096);

	need_op(t, 0x55, -1);
	expect_good(before);
	(void)each_page(t, 0, fixed_bits);
	expect_good(after);
	EXPECT(t, got_in(before) == got_in(after) && !memcmp(before->in, after->in, got_in(before)),
	       "the pages are others now");
}

RULE(mode, change, DESTROYS,
     "a change is seen by MODE SENSE of every nexus, and is MODE PARAMETERS CHANGED for the others "
     "only")
{
	struct nexus *b;

	need_op(t, 0x55, -1);
	b = nexus_b(t);
	mode_set(t, 0x0a, 2, 0x04, 0x04); /* D_SENSE */
	expect_good(attention(nexus_a(t)));
	expect_sense(attention(b), UNIT_ATTENTION, MODE_PARAMETERS_CHANGED);
	EXPECT(t, mode_page(b, 0, 0x0a, 0)[2] & 0x04, "the other nexus sees the old value");
	EXPECT(t, mode_page(nexus_a(t), 0, 0x0a, 0)[2] & 0x04, "the value is the old one");
}

RULE(mode, select_lengths, DESTROYS,
     "a parameter list that ends inside of a header or a page is PARAMETER LIST LENGTH ERROR; an "
     "empty one is no error")
{
	const uint8_t *page;

	need_op(t, 0x55, -1);
	page = mode_page(nexus_a(t), 0, 0x0a, 0);
	for (unsigned len = 0; len < 8 + mode_page_len(page); len++) {
		struct cmd *c = CMD(nexus_a(t), 0x55, 0x10, 0, 0, 0, 0, 0, 0, (uint8_t)len, 0);

		if (len) {
			data_out(c, NULL, len);
			if (len > 8)
				memcpy(c->out + 8, page, len - 8u);
			if (len > 8)
				c->out[8] &= 0x7f;
		}
		if (len == 0 || len == 8)
			expect_good(c);
		else
			expect_sense(c, ILLEGAL_REQUEST, PARAMETER_LIST_LENGTH_ERROR);
	}
}

RULE(mode, select_wrong_page, DESTROYS,
     "a page that there is not, or with another length, is INVALID FIELD IN PARAMETER LIST")
{
	static const uint8_t none[] = { 0x2a, 0x06, 0, 0, 0, 0, 0, 0 };
	uint8_t page[64];

	need_op(t, 0x55, -1);
	expect_sense(mode_select(nexus_a(t), none, false), ILLEGAL_REQUEST,
		     INVALID_FIELD_IN_PARAMETERS);
	memset(page, 0, sizeof(page));
	page[0] = 0x0a;
	page[1] = 0x10;
	expect_sense(mode_select(nexus_a(t), page, false), ILLEGAL_REQUEST,
		     INVALID_FIELD_IN_PARAMETERS);
}

RULE(mode, select_six, DESTROYS, "MODE SELECT(6) does what MODE SELECT(10) does")
{
	struct cmd *c;
	uint8_t *page;

	need_op(t, 0x15, -1);
	mode_set(t, 0x0a, 2, 0x04, 0x00);
	page = mode_page(nexus_a(t), 0, 0x0a, 0);
	c = CMD(nexus_a(t), 0x15, 0x10, 0, 0, (uint8_t)(4 + mode_page_len(page)), 0);
	data_out(c, NULL, 4 + mode_page_len(page));
	memcpy(c->out + 4, page, mode_page_len(page));
	c->out[4] &= 0x7f;
	c->out[6] |= 0x04;
	expect_good(c);
	EXPECT(t, mode_page(nexus_a(t), 0, 0x0a, 0)[2] & 0x04, "the value was not changed");
}

RULE(mode, save, DESTROYS,
     "SP: saved where PS is 1, so that a reset gives the saved values; else INVALID FIELD IN CDB")
{
	uint8_t *page;
	uint8_t copy[256];
	bool ps;

	need_op(t, 0x55, -1);
	page = mode_page(nexus_a(t), 0, 0x0a, 0);
	ps = page[0] & 0x80;
	memcpy(copy, page, mode_page_len(page));
	if (!ps) {
		expect_bad_cdb(mode_select(nexus_a(t), copy, true), 1);
		return;
	}
	mode_set(t, 0x0a, 2, 0x04, (uint8_t)~copy[2] & 0x04); /* not saved */
	expect_good(mode_select(nexus_a(t), copy, true));
	EXPECT(t, mode_page(nexus_a(t), 3, 0x0a, 0)[2] == copy[2],
	       "the saved value is another one");
	mode_set(t, 0x0a, 2, 0x04, (uint8_t)~copy[2] & 0x04);
	expect_code(tmf_run(nexus_a(t), LUN_RESET, unit_of(t)->lun, 0), CODE_DONE);
	EXPECT(t, mode_page(nexus_a(t), 0, 0x0a, 0)[2] == copy[2],
	       "the reset did not give the saved value");
}

RULE(mode, reset_default, ALONE, "LOGICAL UNIT RESET takes changes back that were not saved")
{
	uint8_t *page;
	uint8_t before;

	need_op(t, 0x55, -1);
	page = mode_page(nexus_a(t), 0, 0x0a, 0);
	before = page[2];
	mode_set(t, 0x0a, 2, 0x04, (uint8_t)~before & 0x04);
	expect_code(tmf_run(nexus_a(t), LUN_RESET, unit_of(t)->lun, 0), CODE_DONE);
	EXPECT(t, mode_page(nexus_a(t), 0, 0x0a, 0)[2] == before, "byte 2 is %02x, it was %02x",
	       mode_page(nexus_a(t), 0, 0x0a, 0)[2], before);
}
