/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* SPC-5 6.32, 6.45: identifying information; 6.38, 6.47, 5.3: the timestamp. */
#include <string.h>

#include "conform.h"

#define DEVICE    0x00 /* byte 10 of the CDB: the type, shifted */
#define TEXT      0x04
#define SUPPORTED 0xfe
#define ROOM      1024u

static struct cmd *report(struct nexus *n, uint8_t type, uint32_t room)
{
	struct cmd *c =
		CMD(n, 0xa3, 0x05, 0, 0, 0, 0, 0, 0, (uint8_t)(room >> 8), (uint8_t)room, type, 0);

	if (room)
		data_in(c, room);
	return c;
}

static struct cmd *set_ident(struct nexus *n, uint8_t type, const void *value, uint16_t len)
{
	struct cmd *c =
		CMD(n, 0xa4, 0x06, 0, 0, 0, 0, 0, 0, (uint8_t)(len >> 8), (uint8_t)len, type, 0);

	if (len)
		data_out(c, value, len);
	return c;
}

/* The longest information of this type that can be set; 0 when the type is not named. */
static uint16_t longest(struct test *t, uint8_t type)
{
	struct cmd *c = report(nexus_a(t), SUPPORTED, ROOM);

	expect_good(c);
	for (uint32_t at = 4; at + 4 <= got_in(c); at += 4)
		if (c->in[at] == type)
			return get_be16(c->in + at + 2);
	return 0;
}

/* What was there before a rule; set again when it has ended. */
static uint8_t before[2][ROOM];
static uint16_t before_len[2];

static void give_back(struct test *t)
{
	for (unsigned i = 0; i < 2; i++)
		cmd_run(set_ident(nexus_a(t), i ? TEXT : DEVICE, before[i], before_len[i]));
}

static void note_before(struct test *t)
{
	for (unsigned i = 0; i < 2; i++) {
		struct cmd *c = report(nexus_a(t), i ? TEXT : DEVICE, ROOM);

		cmd_run(c);
		before_len[i] = 0;
		if (c->status != GOOD || get_be16(c->in + 2) > ROOM - 4)
			continue;
		before_len[i] = get_be16(c->in + 2);
		memcpy(before[i], c->in + 4, before_len[i]);
	}
	at_end(t, give_back);
}

RULE(ident, report, SAFE,
     "REPORT IDENTIFYING INFORMATION: its length field says what follows; with little room the "
     "first bytes of that")
{
	struct cmd *c = report(nexus_a(t), DEVICE, ROOM);
	struct cmd *cut = report(nexus_a(t), DEVICE, 3);

	need_op(t, 0xa3, 0x05);
	expect_good(c);
	EXPECT(t, got_in(c) == 4u + get_be16(c->in + 2), "the length says %u bytes, %u came",
	       4u + get_be16(c->in + 2), got_in(c));
	expect_good(cut);
	EXPECT(t, got_in(cut) == 3 && !memcmp(cut->in, c->in, 3), "3 bytes of room: %u came",
	       got_in(cut));
}

RULE(ident, supported, SAFE,
     "the list of what is supported is in ascending order, and has room for 64 bytes of device "
     "information and, where there is text, 256 of it")
{
	struct cmd *c = report(nexus_a(t), SUPPORTED, ROOM);
	int last = -1;

	need_op(t, 0xa3, 0x05);
	cmd_run(c);
	if (c->status != GOOD)
		skip(t, "the type 7Fh is not supported");
	EXPECT(t, got_in(c) >= 8 && got_in(c) % 4 == 0 && got_in(c) == 4u + get_be16(c->in + 2),
	       "%u bytes came, the length says %u", got_in(c), get_be16(c->in + 2));
	for (uint32_t at = 4; at < got_in(c); at += 4) {
		EXPECT(t, c->in[at] > last && !(c->in[at] & 1), "type %02x follows %02x", c->in[at],
		       (unsigned)last);
		last = c->in[at];
	}
	EXPECT(t, longest(t, DEVICE) >= 64, "up to %u bytes", longest(t, DEVICE));
	EXPECT(t, !longest(t, TEXT) || longest(t, TEXT) >= 256, "up to %u bytes of text",
	       longest(t, TEXT));
}

RULE(ident, no_type, SAFE, "a reserved type of information is INVALID FIELD IN CDB")
{
	need_op(t, 0xa3, 0x05);
	expect_bad_cdb(report(nexus_a(t), 0x7a, ROOM), 10);
}

RULE(ident, set, DESTROYS,
     "what SET IDENTIFYING INFORMATION wrote is reported to every nexus, and is DEVICE IDENTIFIER "
     "CHANGED for the others")
{
	uint8_t value[64];
	struct cmd *c;

	need_op(t, 0xa4, 0x06);
	note_before(t);
	memcpy(value, pattern(t, 300, sizeof(value)), sizeof(value));
	for (uint16_t len = 64;; len = (uint16_t)(len / 4)) {
		expect_good(attention(nexus_b(t)));
		expect_good(set_ident(nexus_a(t), DEVICE, value, len));
		expect_sense(attention(nexus_b(t)), UNIT_ATTENTION, IDENTIFIER_CHANGED);
		expect_good(attention(nexus_a(t)));
		c = report(nexus_b(t), DEVICE, ROOM);
		expect_good(c);
		EXPECT(t,
		       got_in(c) == 4u + len && get_be16(c->in + 2) == len &&
			       !memcmp(c->in + 4, value, len),
		       "%u bytes were set, %u are reported, or others", len, get_be16(c->in + 2));
		if (!len)
			return;
	}
}

RULE(ident, text, DESTROYS, "text ends with a NUL, and is kept apart from device information")
{
	struct cmd *c;

	need_op(t, 0xa4, 0x06);
	if (!longest(t, TEXT))
		skip(t, "text is not supported");
	note_before(t);
	expect_good(set_ident(nexus_a(t), DEVICE, "blue", 4));
	expect_good(set_ident(nexus_a(t), TEXT, "green", 6));
	c = report(nexus_a(t), TEXT, ROOM);
	expect_good(c);
	EXPECT(t, get_be16(c->in + 2) == 6 && !memcmp(c->in + 4, "green", 6), "another text");
	c = report(nexus_a(t), DEVICE, ROOM);
	expect_good(c);
	EXPECT(t, get_be16(c->in + 2) == 4 && !memcmp(c->in + 4, "blue", 4), "other bytes");
}

RULE(ident, too_long, DESTROYS,
     "a parameter list longer than the type may be is INVALID FIELD IN CDB, and nothing is set")
{
	uint16_t max;
	struct cmd *was, *is;

	need_op(t, 0xa4, 0x06);
	max = longest(t, DEVICE);
	was = report(nexus_a(t), DEVICE, ROOM);
	is = report(nexus_a(t), DEVICE, ROOM);
	if (!max || max >= ROOM)
		skip(t, "up to %u bytes", max);
	note_before(t);
	expect_good(was);
	expect_sense(set_ident(nexus_a(t), DEVICE, pattern(t, 301, max + 1u), max + 1),
		     ILLEGAL_REQUEST, INVALID_FIELD_IN_CDB);
	expect_good(is);
	EXPECT(t, got_in(is) == got_in(was) && !memcmp(is->in, was->in, got_in(was)),
	       "it is something else now");
}

/* --- the timestamp --- */

static uint64_t timestamp(struct nexus *n, unsigned *origin)
{
	struct cmd *c = CMD(n, 0xa3, 0x0f, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0);

	data_in(c, 16);
	expect_good(c);
	EXPECT(n->t, got_in(c) == 12 && get_be16(c->in) == 10, "%u bytes, the length says %u",
	       got_in(c), get_be16(c->in) + 2u);
	*origin = c->in[2] & 7;
	return (uint64_t)get_be16(c->in + 4) << 32 | get_be32(c->in + 6);
}

static struct cmd *set_timestamp(struct nexus *n, uint64_t ms, uint8_t len)
{
	struct cmd *c = CMD(n, 0xa4, 0x0f, 0, 0, 0, 0, 0, 0, 0, len, 0, 0);
	uint8_t list[12] = { 0 };

	put_be16(list + 4, (uint16_t)(ms >> 32));
	put_be32(list + 6, (uint32_t)ms);
	if (len)
		data_out(c, list, len);
	return c;
}

RULE(timestamp, runs, SAFE, "the timestamp goes on, by about what has passed")
{
	unsigned origin;
	uint64_t first, second;

	need_op(t, 0xa3, 0x0f);
	first = timestamp(nexus_a(t), &origin);
	EXPECT(t, origin == 0 || origin == 2 || origin == 3, "timestamp origin %u", origin);
	idle(t, 200);
	second = timestamp(nexus_b(t), &origin);
	EXPECT(t, second >= first + 100 && second <= first + 60000, "%llu ms in 200 ms",
	       (unsigned long long)(second - first));
}

RULE(timestamp, set, DESTROYS,
     "after SET TIMESTAMP it goes on from there, its origin says so, and it is TIMESTAMP CHANGED "
     "for the others")
{
	uint64_t set = UINT64_C(0x0123456789ab), now;
	unsigned origin;

	need_op(t, 0xa4, 0x0f);
	(void)nexus_b(t);
	expect_good(set_timestamp(nexus_a(t), set, 12));
	expect_sense(attention(nexus_b(t)), UNIT_ATTENTION, TIMESTAMP_CHANGED);
	expect_good(attention(nexus_a(t)));
	now = timestamp(nexus_b(t), &origin);
	EXPECT(t, origin == 2 && now >= set && now < set + 60000,
	       "origin %u, %llu ms after what was set", origin, (unsigned long long)(now - set));
}

RULE(timestamp, lengths, DESTROYS,
     "an empty parameter list sets nothing; one that cuts the timestamp is PARAMETER LIST LENGTH "
     "ERROR")
{
	unsigned origin;
	uint64_t was, now;

	need_op(t, 0xa4, 0x0f);
	was = timestamp(nexus_a(t), &origin);
	expect_good(set_timestamp(nexus_a(t), 5, 0));
	expect_sense(set_timestamp(nexus_a(t), 5, 9), ILLEGAL_REQUEST, PARAMETER_LIST_LENGTH_ERROR);
	now = timestamp(nexus_a(t), &origin);
	EXPECT(t, now >= was && now < was + 60000, "it is another one now");
	expect_good(attention(nexus_b(t)));
}
