/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* SPC-5 6.37, 6.46, 5.16: target port groups. */
#include <string.h>

#include "conform.h"

static uint8_t tpgs(struct test *t)
{
	struct cmd *c = inquiry_run(nexus_a(t), -1);

	expect_good(c);
	return c->in[5] >> 4 & 3;
}

static struct cmd *report(struct nexus *n, bool extended, uint32_t room)
{
	struct cmd *c =
		CMD(n, 0xa3, (uint8_t)(extended ? 0x2a : 0x0a), 0, 0, 0, 0, (uint8_t)(room >> 24),
		    (uint8_t)(room >> 16), (uint8_t)(room >> 8), (uint8_t)room, 0, 0);

	if (room)
		data_in(c, room);
	return c;
}

RULE(alua, claims, SAFE,
     "TPGS, REPORT and SET TARGET PORT GROUPS and the designator in page 83 agree with each other")
{
	uint8_t claimed = tpgs(t);
	struct cmd *c = inquiry_run(nexus_a(t), 0x83);
	bool group = false;

	if (!unit_of(t)->has_rsoc)
		skip(t, "the unit does not tell which commands it has");
	expect_good(c);
	for (uint32_t at = 4; at + 4 <= got_in(c); at += 4u + c->in[at + 3])
		group = group || (c->in[at + 1] & 0x3f) == 0x15;
	EXPECT(t, !claimed == !op_find(t, 0xa3, 0x0a),
	       "TPGS is %u, REPORT TARGET PORT GROUPS is%s there", claimed,
	       op_find(t, 0xa3, 0x0a) ? "" : " not");
	EXPECT(t, !(claimed & 2) == !op_find(t, 0xa4, 0x0a),
	       "TPGS is %u, SET TARGET PORT GROUPS is%s there", claimed,
	       op_find(t, 0xa4, 0x0a) ? "" : " not");
	EXPECT(t, !claimed == !group, "TPGS is %u, page 83 names %s target port group", claimed,
	       group ? "a" : "no");
}

RULE(alua, report, SAFE,
     "REPORT TARGET PORT GROUPS: whole groups with a state that there is, and one has the port of "
     "page 83")
{
	struct cmd *c = report(nexus_a(t), false, 4096);
	uint32_t at;
	unsigned n = 0;

	need_op(t, 0xa3, 0x0a);
	expect_good(c);
	EXPECT(t, get_be32(c->in) + 4 == got_in(c), "RETURN DATA LENGTH says %u bytes, %u came",
	       get_be32(c->in) + 4, got_in(c));
	for (at = 4; at + 8 <= got_in(c); at += 8u + 4u * c->in[at + 7], n++) {
		uint8_t state = c->in[at] & 0x0f;

		EXPECT(t, state <= 4 || state >= 0x0e, "group %u has the state %x",
		       get_be16(c->in + at + 2), state);
		EXPECT(t, c->in[at + 5] <= 2, "group %u has the status %u",
		       get_be16(c->in + at + 2), c->in[at + 5]);
		EXPECT(t, c->in[at + 7], "group %u has no port", get_be16(c->in + at + 2));
	}
	EXPECT(t, at == got_in(c) && n, "%u groups end at byte %u of %u", n, at, got_in(c));
}

RULE(alua, extended, SAFE,
     "REPORT TARGET PORT GROUPS with the extended header, where it is supported, gives the same "
     "groups behind four bytes")
{
	struct cmd *c = report(nexus_a(t), false, 4096);
	struct cmd *d = report(nexus_a(t), true, 4096);

	need_op(t, 0xa3, 0x0a);
	expect_good(c);
	cmd_run(d);
	if (d->status != GOOD) {
		expect_bad_cdb(d, 1);
		return;
	}
	EXPECT(t, (d->in[4] >> 4 & 7) == 1 && get_be32(d->in) == get_be32(c->in) + 4,
	       "format %u, %u bytes", d->in[4] >> 4 & 7, get_be32(d->in));
	EXPECT(t, !memcmp(d->in + 8, c->in + 4, get_be32(c->in)), "other groups");
}

RULE(alua, allocation, SAFE, "REPORT TARGET PORT GROUPS with too little room: the first bytes")
{
	struct cmd *whole = report(nexus_a(t), false, 4096);

	need_op(t, 0xa3, 0x0a);
	expect_good(whole);
	for (uint32_t room = 0; room < 12; room += 2) {
		struct cmd *c = report(nexus_a(t), false, room);

		expect_good(c);
		EXPECT(t, !room || !memcmp(c->in, whole->in, room),
		       "with %u bytes of room the data are others", room);
	}
}

RULE(alua, set_nonsense, DESTROYS,
     "SET TARGET PORT GROUPS of a group or state that there is not is INVALID FIELD IN PARAMETER "
     "LIST")
{
	struct cmd *c = CMD(nexus_a(t), 0xa4, 0x0a, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0);

	need_op(t, 0xa4, 0x0a);
	data_out(c, NULL, 8);
	put_be16(c->out + 6, 0xfffe);
	expect_sense(c, ILLEGAL_REQUEST, INVALID_FIELD_IN_PARAMETERS);
	c = CMD(nexus_a(t), 0xa4, 0x0a, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0);
	data_out(c, NULL, 8);
	c->out[4] = 0x0d;
	expect_sense(c, ILLEGAL_REQUEST, INVALID_FIELD_IN_PARAMETERS);
}
