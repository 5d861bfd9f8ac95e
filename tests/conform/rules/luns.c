/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* SPC-5 6.33: REPORT LUNS, and LUNs in general (SAM-5 4.7). */
#include <string.h>

#include "conform.h"

static struct cmd *report(struct nexus *n, uint8_t select, uint32_t room)
{
	struct cmd *c = CMD(n, 0xa0, 0, select, 0, 0, 0, (uint8_t)(room >> 24),
			    (uint8_t)(room >> 16), (uint8_t)(room >> 8), (uint8_t)room, 0, 0);

	if (room)
		data_in(c, room);
	return c;
}

static bool has(const struct cmd *c, uint64_t lun)
{
	for (uint32_t at = 8; at + 8 <= got_in(c); at += 8)
		if (get_be64(c->in + at) == lun)
			return true;
	return false;
}

RULE(luns, list, SAFE, "REPORT LUNS: a whole list that has the unit, and each unit once")
{
	struct cmd *c = report(nexus_a(t), 0, 8192);

	expect_good(c);
	EXPECT(t, get_be32(c->in) + 8 == got_in(c) || get_be32(c->in) > 8184,
	       "LUN LIST LENGTH %u, %u bytes came", get_be32(c->in), got_in(c));
	EXPECT(t, get_be32(c->in) % 8 == 0, "LUN LIST LENGTH %u", get_be32(c->in));
	EXPECT(t, has(c, unit_of(t)->lun), "the unit under test is not in the list");
	for (uint32_t at = 8; at + 8 <= got_in(c); at += 8)
		for (uint32_t i = 8; i < at; i += 8)
			EXPECT(t, get_be64(c->in + at) != get_be64(c->in + i),
			       "a LUN is there twice");
}

RULE(luns, well_known, SAFE, "SELECT REPORT 01h: well known units only; 02h: those and the others")
{
	struct cmd *c = report(nexus_a(t), 1, 8192);
	struct cmd *d = report(nexus_a(t), 2, 8192);
	struct cmd *e = report(nexus_a(t), 0, 8192);

	expect_good(c);
	expect_good(d);
	expect_good(e);
	for (uint32_t at = 8; at + 8 <= got_in(c); at += 8)
		EXPECT(t, c->in[at] == 0xc1, "a LUN that begins with %02x is no well known one",
		       c->in[at]);
	EXPECT(t, get_be32(d->in) == get_be32(c->in) + get_be32(e->in),
	       "%u bytes of all, %u of well known, %u of other units", get_be32(d->in),
	       get_be32(c->in), get_be32(e->in));
}

RULE(luns, administrative, SAFE,
     "SELECT REPORT 10h, 11h and 12h: whole lists of units that 02h has; 11h has all of 10h")
{
	struct cmd *all = report(nexus_a(t), 2, 8192);
	struct cmd *c[3];

	expect_good(all);
	for (uint8_t i = 0; i < 3; i++) {
		c[i] = report(nexus_a(t), (uint8_t)(0x10 + i), 8192);
		cmd_run(c[i]);
		if (c[i]->status != GOOD) {
			expect_bad_cdb(report(nexus_a(t), (uint8_t)(0x10 + i), 8192), 2);
			skip(t, "SELECT REPORT %02xh is not known", 0x10 + i);
		}
		EXPECT(t, get_be32(c[i]->in) + 8 == got_in(c[i]),
		       "%02xh: LUN LIST LENGTH %u, %u bytes came", 0x10 + i, get_be32(c[i]->in),
		       got_in(c[i]));
		for (uint32_t at = 8; at + 8 <= got_in(c[i]); at += 8)
			EXPECT(t, has(all, get_be64(c[i]->in + at)),
			       "%02xh has a unit that 02h has not", 0x10 + i);
	}
	for (uint32_t at = 8; at + 8 <= got_in(c[0]); at += 8)
		EXPECT(t, has(c[1], get_be64(c[0]->in + at)), "11h lacks a unit of 10h");
}

RULE(luns, reserved_select, SAFE, "a reserved SELECT REPORT is INVALID FIELD IN CDB")
{
	expect_bad_cdb(report(nexus_a(t), 0x03, 256), 2);
	expect_bad_cdb(report(nexus_a(t), 0x80, 256), 2);
}

RULE(luns, short_room, SAFE, "with room for fewer LUNs the length is as ever")
{
	struct cmd *whole = report(nexus_a(t), 2, 8192);
	struct cmd *c = report(nexus_a(t), 2, 16);

	expect_good(whole);
	expect_good(c);
	EXPECT(t, got_in(c) <= 16 && get_be32(c->in) == get_be32(whole->in),
	       "LUN LIST LENGTH %u, with all the room %u", get_be32(c->in), get_be32(whole->in));
}

RULE(luns, anywhere, SAFE,
     "REPORT LUNS is answered at LUN 0 and where no unit is, with the same list")
{
	struct cmd *whole = report(nexus_a(t), 0, 4096);
	struct cmd *c = report(nexus_a(t), 0, 4096);

	c->lun = 0;
	expect_good(whole);
	expect_good(c);
	EXPECT(t, got_in(c) == got_in(whole) && !memcmp(c->in, whole->in, got_in(c)),
	       "LUN 0 tells of other units");
}

RULE(luns, not_supported, SAFE,
     "commands to a LUN without a unit end with LOGICAL UNIT NOT SUPPORTED")
{
	const uint64_t nowhere[] = { unit_of(t)->no_lun, 0x7fffull << 48, 0x0001000100000000ull,
				     0x00ff000000000001ull, UINT64_MAX };

	for (unsigned i = 0; i < ARRAY_SIZE(nowhere); i++) {
		struct cmd *c = tur_new(nexus_a(t));
		struct cmd *r = read_new(nexus_a(t), 10, 0, 1);

		c->lun = r->lun = nowhere[i];
		expect_sense(c, ILLEGAL_REQUEST, LUN_NOT_SUPPORTED);
		expect_sense(r, ILLEGAL_REQUEST, LUN_NOT_SUPPORTED);
	}
}

RULE(luns, flat, SAFE, "a LUN below 256 in flat space addressing is the same unit, or none")
{
	struct cmd *c = inquiry_run(nexus_a(t), -1);
	struct cmd *d = CMD(nexus_a(t), 0x12, 0, 0, 0, 96, 0);

	expect_good(c);
	d->lun = unit_of(t)->lun | 0x4000ull << 48;
	data_in(d, 96);
	expect_good(d);
	EXPECT(t, d->in[0] == 0x7f || d->in[0] == c->in[0], "byte 0 is %02x", d->in[0]);
}
