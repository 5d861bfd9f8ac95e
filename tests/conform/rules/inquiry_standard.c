/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* SPC-5 6.6: standard INQUIRY data. */
#include <string.h>

#include "conform.h"

#define CLAIM_SAM5 0x00a0
#define CLAIM_SPC5 0x05c0
#define CLAIM_SBC4 0x0600
#define CLAIM_SRP  0x0940

static bool printable(const uint8_t *p, unsigned len)
{
	for (unsigned i = 0; i < len; i++)
		if (p[i] < 0x20 || p[i] > 0x7e)
			return false;
	return true;
}

RULE(inquiry, fields, SAFE, "standard data are of the format of SPC-3 or later, and consistent")
{
	struct cmd *c = inquiry_run(nexus_a(t), -1);
	const uint8_t *p = c->in;

	expect_good(c);
	EXPECT(t, got_in(c) >= 36, "%u bytes, there are at least 36", got_in(c));
	EXPECT(t, (p[0] & 0x1f) == 0 && p[0] >> 5 == 0,
	       "peripheral qualifier and type are %02x, not 00", p[0]);
	EXPECT(t, (p[1] & 0x7f) == 0, "reserved bits of byte 1: %02x", p[1]);
	EXPECT(t, p[2] >= 5 && p[2] <= 7, "version %02x is none of SPC-3 to SPC-5", p[2]);
	EXPECT(t, (p[3] & 0x0f) == 2, "response data format %u, it must be 2", p[3] & 0x0f);
	EXPECT(t, p[3] & 0x10, "HISUP is 0, but REPORT LUNS uses the hierarchical addressing");
	EXPECT(t, p[7] & 0x02, "CMDQUE is 0, but the unit takes more than one command");
	EXPECT(t, got_in(c) == p[4] + 5u, "ADDITIONAL LENGTH says %u bytes, %u came", p[4] + 5u,
	       got_in(c));
}

RULE(inquiry, text, SAFE, "vendor, product and revision are printable ASCII")
{
	struct cmd *c = inquiry_run(nexus_a(t), -1);

	expect_good(c);
	EXPECT(t, printable(c->in + 8, 8), "the vendor identification is not printable");
	EXPECT(t, printable(c->in + 16, 16), "the product identification is not printable");
	EXPECT(t, printable(c->in + 32, 4), "the product revision is not printable");
	EXPECT(t, c->in[8] != ' ', "the vendor identification is not left-aligned");
}

RULE(inquiry, versions, SAFE, "version descriptors claim SAM, SPC, SBC and SRP")
{
	struct cmd *c = inquiry_run(nexus_a(t), -1);
	bool sam = false, spc = false, sbc = false, srp = false;

	expect_good(c);
	if (got_in(c) < 74)
		skip(t, "the standard data have no version descriptors");
	for (unsigned at = 58; at < 74; at += 2) {
		unsigned v = get_be16(c->in + at);

		sam = sam || (v >= 0x0040 && v < 0x0120);
		spc = spc || (v >= 0x0260 && v < 0x0320) || (v >= 0x0460 && v < 0x04a0) ||
		      (v >= CLAIM_SPC5 && v < 0x0600);
		sbc = sbc || (v >= 0x0320 && v < 0x0340) || (v >= 0x04c0 && v < 0x04e0) ||
		      (v >= CLAIM_SBC4 && v < 0x0620);
		srp = srp || (v >= CLAIM_SRP && v < 0x0960);
	}
	EXPECT(t, sam && spc && sbc && srp, "claimed:%s%s%s%s; SAM, SPC, SBC and SRP must be",
	       sam ? " SAM" : "", spc ? " SPC" : "", sbc ? " SBC" : "", srp ? " SRP" : "");
}

RULE(inquiry, allocation, SAFE,
     "fewer bytes of room than data: the first ones, without an error, ADDITIONAL LENGTH as ever")
{
	struct nexus *a = nexus_a(t);
	struct cmd *whole = inquiry_run(a, -1);

	expect_good(whole);
	for (unsigned n = 0; n <= 96; n += n < 8 ? 1 : 11) {
		struct cmd *c = CMD(a, 0x12, 0, 0, 0, (uint8_t)n, 0);

		if (n)
			data_in(c, n);
		expect_good(c);
		EXPECT(t, !n || !memcmp(c->in, whole->in, min_u32(n, got_in(whole))),
		       "with %u bytes of room the data are others", n);
	}
}

RULE(inquiry, page_without_evpd, SAFE, "a page code without EVPD is INVALID FIELD IN CDB")
{
	struct cmd *c = CMD(nexus_a(t), 0x12, 0, 0x83, 0, 96, 0);

	data_in(c, 96);
	expect_bad_cdb(c, 2);
}

RULE(inquiry, cmddt, SAFE, "the obsolete CMDDT bit is INVALID FIELD IN CDB")
{
	struct cmd *c = CMD(nexus_a(t), 0x12, 0x02, 0, 0, 96, 0);

	data_in(c, 96);
	expect_bad_cdb(c, 1);
}

RULE(inquiry, no_unit, SAFE, "where no unit is, the peripheral qualifier is 011b and the type 1Fh")
{
	struct cmd *c = CMD(nexus_a(t), 0x12, 0, 0, 0, 96, 0);

	c->lun = unit_of(t)->no_lun;
	data_in(c, 96);
	expect_good(c);
	EXPECT(t, c->in[0] == 0x7f, "byte 0 is %02x, it must be 7f", c->in[0]);
}
