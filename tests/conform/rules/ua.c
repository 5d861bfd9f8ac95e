/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* SAM-5 5.14: unit attentions, per nexus. */
#include "conform.h"

static struct nexus *fresh(struct test *t)
{
	return nexus_new(t, &(struct login){ .flags = LOGIN_MULTI });
}

static struct cmd *keep(struct cmd *c)
{
	c->keep_ua = true;
	return c;
}

RULE(ua, first_command, SAFE, "the first command of a new nexus hears POWER ON or the like, once")
{
	struct nexus *n = fresh(t);
	struct cmd *c = attention(n);

	expect_key(c, UNIT_ATTENTION);
	EXPECT(t, c->asc >> 8 == 0x29, "%s; the additional code must be 29xxh", cmd_text(c));
	nexus_settle(n);
	expect_good(attention(n));
}

RULE(ua, inquiry, SAFE,
     "INQUIRY and REPORT LUNS are done in spite of a unit attention, which stays (REPORT LUNS may "
     "take 3F0Eh)")
{
	struct nexus *n = fresh(t);
	struct cmd *c = keep(CMD(n, 0x12, 0, 0, 0, 96, 0));
	struct cmd *l = keep(CMD(n, 0xa0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0));

	data_in(c, 96);
	expect_good(c);
	data_in(l, 256);
	expect_good(l);
	expect_key(attention(n), UNIT_ATTENTION);
}

RULE(ua, request_sense, SAFE,
     "REQUEST SENSE gives a unit attention as its data, with GOOD, and so it is heard")
{
	struct nexus *n = fresh(t);
	unsigned i;

	for (i = 0; i < 8; i++) {
		struct cmd *c = keep(CMD(n, 0x03, 0, 0, 0, 252, 0));

		data_in(c, 252);
		expect_good(c);
		EXPECT(t, (c->in[0] & 0x7f) == 0x70, "response code %02x", c->in[0]);
		if ((c->in[2] & 0x0f) == NO_SENSE)
			break;
		EXPECT(t, (c->in[2] & 0x0f) == UNIT_ATTENTION, "sense key %x", c->in[2] & 0x0f);
	}
	EXPECT(t, i > 0, "no unit attention was there");
	expect_good(attention(n));
}

RULE(ua, not_done, DESTROYS, "a command that ends with a unit attention has done nothing")
{
	uint64_t lba = scratch(t);
	const uint8_t *old = pattern(t, 100, unit_of(t)->block);
	struct nexus *n;
	struct cmd *w;

	write_blocks(nexus_a(t), lba, 1, old);
	n = fresh(t);
	w = keep(write_new(n, 10, lba, 1, pattern(t, 101, unit_of(t)->block)));
	expect_key(w, UNIT_ATTENTION);
	expect_blocks(nexus_a(t), lba, 1, old, "a WRITE that ended with a unit attention");
}

RULE(ua, logout_forgets, SAFE,
     "a nexus that logs in again after its last channel was logged out hears of it anew")
{
	struct login l = { .who = 'u', .flags = LOGIN_MULTI };
	struct nexus *n = nexus_new(t, &l);

	nexus_settle(n);
	nexus_end(n, false);
	n = nexus_new(t, &l);
	expect_key(attention(n), UNIT_ATTENTION);
}

RULE(ua, no_unit, SAFE,
     "at a LUN without a unit there is none: a command ends with LOGICAL UNIT NOT SUPPORTED at "
     "once")
{
	struct nexus *n = fresh(t);
	struct cmd *c = keep(tur_new(n));

	c->lun = unit_of(t)->no_lun;
	expect_sense(c, ILLEGAL_REQUEST, LUN_NOT_SUPPORTED);
}

RULE(ua, unknown_command, SAFE,
     "a unit attention comes before the complaint about a command that there is not")
{
	struct nexus *n = fresh(t);

	expect_key(keep(CMD(n, 0x02, 0, 0, 0, 0, 0)), UNIT_ATTENTION);
}
