/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* SPC-5 7.7, SBC-4 6.6: vital product data. */
#include <string.h>

#include "conform.h"

RULE(vpd, list, SAFE,
     "page 00 lists itself and the mandatory 80 and 83, ascending, each of them can be read and "
     "says its code")
{
	struct nexus *a = nexus_a(t);
	struct cmd *list = inquiry_run(a, 0);
	uint16_t n;

	expect_good(list);
	n = get_be16(list->in + 2);
	EXPECT(t, n + 4u == got_in(list), "PAGE LENGTH says %u pages, %u bytes came", n,
	       got_in(list));
	for (unsigned i = 0; i < n; i++) {
		uint8_t page = list->in[4 + i];
		struct cmd *c = inquiry_run(a, page);

		EXPECT(t, !i || page > list->in[3 + i], "page %02x stands behind %02x", page,
		       list->in[3 + i]);
		expect_good(c);
		EXPECT(t, c->in[1] == page, "page %02x says that it is %02x", page, c->in[1]);
		EXPECT(t, get_be16(c->in + 2) + 4u == got_in(c),
		       "page %02x: PAGE LENGTH says %u bytes, %u came", page,
		       get_be16(c->in + 2) + 4u, got_in(c));
		EXPECT(t, c->in[0] == 0, "page %02x: peripheral qualifier and type are %02x", page,
		       c->in[0]);
	}
	EXPECT(t, list->in[4] == 0 && unit_of(t)->vpd[0x80] && unit_of(t)->vpd[0x83],
	       "page 00, 80 or 83 is missing");
}

RULE(vpd, not_listed, SAFE, "a page that is not listed is INVALID FIELD IN CDB")
{
	for (unsigned page = 0; page < 256; page++)
		if (!unit_of(t)->vpd[page])
			expect_bad_cdb(inquiry_run(nexus_a(t), (int)page), 2);
}

RULE(vpd, allocation, SAFE, "with too little room: the first bytes, PAGE LENGTH as ever")
{
	struct nexus *a = nexus_a(t);

	for (unsigned page = 0; page < 256; page++) {
		struct cmd *whole;

		if (!unit_of(t)->vpd[page])
			continue;
		whole = inquiry_run(a, (int)page);
		expect_good(whole);
		for (uint8_t room = 0; room < 24; room++) {
			struct cmd *c = CMD(a, 0x12, 1, (uint8_t)page, 0, room, 0);
			uint32_t n = min_u32(room, got_in(whole));

			if (room)
				data_in(c, room);
			expect_good(c);
			EXPECT(t, !room || (got_in(c) == n && !memcmp(c->in, whole->in, n)),
			       "page %02x with %u bytes of room: %u bytes, or others", page, room,
			       got_in(c));
		}
	}
}

RULE(vpd, serial, SAFE,
     "page 80: a serial number that is printable, and the same to every initiator")
{
	struct cmd *c = inquiry_run(nexus_a(t), 0x80);
	struct cmd *d = inquiry_run(nexus_b(t), 0x80);

	need_vpd(t, 0x80);
	expect_good(c);
	expect_good(d);
	for (uint32_t i = 4; i < got_in(c); i++)
		EXPECT(t, c->in[i] >= 0x20 && c->in[i] < 0x7f, "byte %u is %02x", i, c->in[i]);
	EXPECT(t, got_in(c) == got_in(d) && !memcmp(c->in, d->in, got_in(c)),
	       "another initiator sees another one");
}

RULE(vpd, identification, SAFE,
     "page 83: whole designators, one of NAA, EUI-64 or T10 that names the unit, and the port's "
     "relative number")
{
	struct cmd *c = inquiry_run(nexus_a(t), 0x83);
	bool unit = false;
	bool port = false;
	uint32_t at;

	expect_good(c);
	for (at = 4; at + 4 <= got_in(c) && at + 4u + c->in[at + 3] <= got_in(c);
	     at += 4u + c->in[at + 3]) {
		const uint8_t *d = c->in + at;
		uint8_t association = d[1] >> 4 & 3;
		uint8_t type = d[1] & 0x0f;

		if (type == 3) {
			unsigned naa = d[4] >> 4;

			EXPECT(t, naa == 2 || naa == 3 || naa == 5 || naa == 6, "NAA %u", naa);
			EXPECT(t, d[3] == (naa == 6 ? 16 : 8),
			       "a designator of NAA %u with %u bytes", naa, d[3]);
		}
		EXPECT(t, (d[0] & 0x0f) == 1 || (d[0] & 0x0f) == 2 || (d[0] & 0x0f) == 3,
		       "code set %u", d[0] & 0x0f);
		EXPECT(t, !(d[1] & 0x80) || d[0] >> 4 == 4, "PIV with protocol %u, SRP is 4",
		       d[0] >> 4);
		unit = unit || (association == 0 && type >= 1 && type <= 3);
		port = port || (association == 1 && type == 4 && d[3] == 4 && get_be16(d + 6));
	}
	EXPECT(t, at == got_in(c), "the designators end at byte %u of %u", at, got_in(c));
	EXPECT(t, unit, "no designator of type T10, EUI-64 or NAA names the unit");
	EXPECT(t, port, "no relative target port identifier");
}

RULE(vpd, same_unit, SAFE, "page 83 names the same unit to every initiator")
{
	struct cmd *c = inquiry_run(nexus_a(t), 0x83);
	struct cmd *d = inquiry_run(nexus_b(t), 0x83);

	expect_good(c);
	expect_good(d);
	EXPECT(t, got_in(c) == got_in(d) && !memcmp(c->in, d->in, got_in(c)),
	       "another initiator sees another one");
}

RULE(vpd, extended, SAFE,
     "page 86: 60 bytes, and SIMPSUP, ORDSUP, HEADSUP as the task attributes work")
{
	static const struct {
		uint8_t attr;
		uint8_t bit;
	} of[] = { { SIMPLE, 0x01 }, { ORDERED, 0x02 }, { HEAD_OF_QUEUE, 0x04 } };
	struct cmd *c = inquiry_run(nexus_a(t), 0x86);

	need_vpd(t, 0x86);
	expect_good(c);
	EXPECT(t, get_be16(c->in + 2) == 0x3c, "PAGE LENGTH %u", get_be16(c->in + 2));
	for (unsigned i = 0; i < ARRAY_SIZE(of); i++) {
		struct cmd *x = tur_new(nexus_a(t));

		x->attr = of[i].attr;
		cmd_run(x);
		EXPECT(t, !(c->in[5] & of[i].bit) || x->status == GOOD,
		       "attribute %u is claimed: %s", of[i].attr, cmd_text(x));
	}
}

RULE(vpd, block_limits, SAFE,
     "page B0: 60 bytes; limits that do not contradict each other or what the unit has")
{
	struct cmd *c = inquiry_run(nexus_a(t), 0xb0);
	const uint8_t *p = c->in;

	need_vpd(t, 0xb0);
	expect_good(c);
	EXPECT(t, get_be16(p + 2) == 0x3c, "PAGE LENGTH %u", get_be16(p + 2));
	EXPECT(t, !get_be32(p + 8) || get_be32(p + 12) <= get_be32(p + 8),
	       "the optimal transfer (%u) is longer than the longest (%u)", get_be32(p + 12),
	       get_be32(p + 8));
	EXPECT(t, !p[5] == !op_find(t, 0x89, -1), "MAXIMUM COMPARE AND WRITE LENGTH is %u", p[5]);
	EXPECT(t,
	       !op_find(t, 0x42, -1) == !get_be32(p + 20) && !get_be32(p + 20) == !get_be32(p + 24),
	       "UNMAP is%s there, MAXIMUM UNMAP LBA COUNT is %u, DESCRIPTOR COUNT %u",
	       op_find(t, 0x42, -1) ? "" : " not", get_be32(p + 20), get_be32(p + 24));
	EXPECT(t, p[32] & 0x80 || !(get_be32(p + 32) & 0x7fffffff),
	       "an unmap granularity alignment without UGAVALID");
}

RULE(vpd, characteristics, SAFE, "page B1: 60 bytes, a rotation rate that there is")
{
	struct cmd *c = inquiry_run(nexus_a(t), 0xb1);
	uint16_t rate;

	need_vpd(t, 0xb1);
	expect_good(c);
	rate = get_be16(c->in + 4);
	EXPECT(t, get_be16(c->in + 2) == 0x3c, "PAGE LENGTH %u", get_be16(c->in + 2));
	EXPECT(t, rate <= 1 || (rate > 0x400 && rate < 0xffff),
	       "the rotation rate %04x is reserved", rate);
	EXPECT(t, (c->in[7] & 0x0f) <= 5, "the form factor %u is reserved", c->in[7] & 0x0f);
}

RULE(vpd, provisioning, SAFE,
     "page B2: where the unit is thin, and its bits say what UNMAP and WRITE SAME do")
{
	struct cmd *c = inquiry_run(nexus_a(t), 0xb2);

	need_vpd(t, 0xb2);
	expect_good(c);
	EXPECT(t, got_in(c) >= 8, "%u bytes", got_in(c));
	EXPECT(t, !(c->in[5] & 0x80) == !op_find(t, 0x42, -1), "LBPU is %u, and UNMAP is%s there",
	       c->in[5] >> 7, op_find(t, 0x42, -1) ? "" : " not");
	EXPECT(t, (c->in[6] & 7) <= 2, "PROVISIONING TYPE %u is reserved", c->in[6] & 7);
	EXPECT(t, unit_of(t)->lbpme == ((c->in[6] & 7) != 0),
	       "LBPME of READ CAPACITY(16) is %u, PROVISIONING TYPE %u", unit_of(t)->lbpme,
	       c->in[6] & 7);
	EXPECT(t, !(c->in[5] & 0x40) || op_find(t, 0x93, -1), "LBPWS without WRITE SAME(16)");
}
