/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* SPC-5 6.45, 6.42; SBC-4 5.33: TEST UNIT READY, SEND DIAGNOSTIC, START STOP UNIT, PREVENT ALLOW. */
#include "conform.h"

static void start(struct test *t)
{
	cmd_run(CMD(nexus_a(t), 0x1b, 0, 0, 0, 1, 0));
}

RULE(start_stop, stopped, DESTROYS,
     "a stopped unit: medium commands of every nexus are NOT READY, 0402h, until it is started")
{
	need_op(t, 0x1b, -1);
	if (unit_of(t)->removable)
		skip(t, "the medium can be removed: such drives start by themselves");
	at_end(t, start);
	expect_good(CMD(nexus_a(t), 0x1b, 0, 0, 0, 0, 0));
	for (unsigned i = 0; i < 2; i++) {
		struct nexus *n = i ? nexus_b(t) : nexus_a(t);

		expect_sense(tur_new(n), NOT_READY, NEEDS_START);
		expect_sense(read_new(n, 10, 0, 1), NOT_READY, NEEDS_START);
		expect_sense(write_new(n, 10, 0, 1, NULL), NOT_READY, NEEDS_START);
		expect_good(inquiry_run(n, -1));
	}
	expect_good(CMD(nexus_b(t), 0x1b, 0, 0, 0, 1, 0));
	expect_good(tur_new(nexus_a(t)));
	expect_good(tur_new(nexus_b(t)));
}

RULE(start_stop, immed, DESTROYS, "IMMED is taken, or refused as an invalid field")
{
	struct cmd *c = CMD(nexus_a(t), 0x1b, 1, 0, 0, 1, 0);

	need_op(t, 0x1b, -1);
	cmd_run(c);
	if (c->status != GOOD)
		expect_bad_cdb(c, 1);
	expect_good(tur_new(nexus_a(t)));
}

RULE(start_stop, power_condition, DESTROYS, "a reserved POWER CONDITION is INVALID FIELD IN CDB")
{
	need_op(t, 0x1b, -1);
	if (unit_of(t)->removable)
		skip(t, "the medium can be removed: such drives take them for nothing");
	expect_bad_cdb(CMD(nexus_a(t), 0x1b, 0, 0, 0, 0x90, 0), 4);
	expect_bad_cdb(CMD(nexus_a(t), 0x1b, 0, 0, 0, 0xf0, 0), 4);
	expect_good(tur_new(nexus_a(t)));
}

RULE(start_stop, eject_fixed, DESTROYS,
     "LOEJ of a medium that stays in its drive is INVALID FIELD IN CDB")
{
	struct cmd *c = CMD(nexus_a(t), 0x1b, 0, 0, 0, 0x02, 0);

	need_op(t, 0x1b, -1);
	if (unit_of(t)->removable)
		skip(t, "the medium can be removed");
	at_end(t, start);
	expect_bad_cdb(c, 4);
}

/* What REQUEST SENSE says of a unit that is ready. */
static uint16_t condition(struct nexus *n)
{
	struct cmd *c = CMD(n, 0x03, 0, 0, 0, 252, 0);

	data_in(c, 252);
	expect_good(c);
	EXPECT(n->t, (c->in[0] & 0x7f) == 0x70 && (c->in[2] & 0x0f) == NO_SENSE,
	       "response code %02x, sense key %x", c->in[0], c->in[2] & 0x0f);
	return get_be16(c->in + 12);
}

RULE(start_stop, low_power, DESTROYS,
     "in idle and standby, which REQUEST SENSE tells, TEST UNIT READY is GOOD and changes nothing; "
     "a READ ends both")
{
	need_op(t, 0x1b, -1);
	at_end(t, start);
	for (uint8_t pc = 2; pc < 4; pc++) {
		struct cmd *c = CMD(nexus_a(t), 0x1b, 0, 0, 0, (uint8_t)(pc << 4), 0);
		uint16_t is;

		cmd_run(c);
		if (is_sense(c, ILLEGAL_REQUEST, INVALID_FIELD_IN_CDB))
			skip(t, "it has no power condition %u", pc);
		expect_good(c);
		expect_good(tur_new(nexus_b(t)));
		is = condition(nexus_a(t));
		EXPECT(t, is >> 8 == LOW_POWER >> 8, "after power condition %u: %04x", pc, is);
		(void)read_blocks(nexus_b(t), 0, 1);
		is = condition(nexus_a(t));
		EXPECT(t, is == NO_ADDITIONAL_SENSE, "after a READ: %04x", is);
	}
}

RULE(diagnostic, default_test, SAFE, "the default self-test passes")
{
	need_op(t, 0x1d, -1);
	expect_good(CMD(nexus_a(t), 0x1d, 0x04, 0, 0, 0, 0));
	expect_good(tur_new(nexus_a(t)));
}

RULE(diagnostic, contradictions, SAFE,
     "SELFTEST together with a self-test code is INVALID FIELD IN CDB, and so is a reserved code")
{
	struct cmd *c = CMD(nexus_a(t), 0x1d, 0x24, 0, 0, 0, 0);

	need_op(t, 0x1d, -1);
	expect_bad_cdb(c, 1);
	expect_key(CMD(nexus_a(t), 0x1d, 0x60, 0, 0, 0, 0), ILLEGAL_REQUEST);
	expect_key(CMD(nexus_a(t), 0x1d, 0xe0, 0, 0, 0, 0), ILLEGAL_REQUEST);
}

RULE(prevent, fixed, SAFE, "PREVENT ALLOW MEDIUM REMOVAL can be taken back")
{
	need_op(t, 0x1e, -1);
	expect_good(CMD(nexus_a(t), 0x1e, 0, 0, 0, 1, 0));
	expect_good(CMD(nexus_a(t), 0x1e, 0, 0, 0, 0, 0));
}

RULE(ready, always, SAFE,
     "TEST UNIT READY of a unit that is ready is GOOD, for every nexus and with every attribute")
{
	for (uint8_t attr = 0; attr < 3; attr++) {
		struct cmd *c = tur_new(attr & 1 ? nexus_b(t) : nexus_a(t));

		c->attr = attr;
		expect_good(c);
	}
}
