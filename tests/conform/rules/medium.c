/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* SBC-4 5.31, 5.15; SPC-5 5.14: a medium that can be taken out, and who keeps it in. */
#include "conform.h"

#define EJECT 0x02
#define LOAD  0x03

static struct cmd *start_stop(struct nexus *n, uint8_t what)
{
	return CMD(n, 0x1b, 0, 0, 0, what, 0);
}

static struct cmd *prevent(struct nexus *n, uint8_t what)
{
	return CMD(n, 0x1e, 0, 0, 0, what, 0);
}

static void give_back(struct test *t)
{
	cmd_run(prevent(nexus_a(t), 0));
	cmd_run(prevent(nexus_b(t), 0));
	cmd_run(start_stop(nexus_a(t), LOAD));
	nexus_settle(nexus_b(t));
}

static void need_removable(struct test *t)
{
	if (!unit_of(t)->removable)
		skip(t, "the medium stays in its drive");
	need_op(t, 0x1b, -1);
	(void)nexus_b(t);
	at_end(t, give_back);
}

static void expect_no_medium(struct cmd *c)
{
	cmd_run(c);
	EXPECT(c->n->t,
	       c->status == CHECK_CONDITION && c->key == NOT_READY &&
		       c->asc >> 8 == MEDIUM_NOT_PRESENT >> 8,
	       "%s; it must end with NOT READY, 3Axxh", cmd_text(c));
}

RULE(medium, ejected, DESTROYS,
     "without its medium commands that need it are NOT READY, 3Axxh, for every nexus; INQUIRY and "
     "REQUEST SENSE answer")
{
	need_removable(t);
	expect_good(start_stop(nexus_a(t), EJECT));
	for (unsigned i = 0; i < 2; i++) {
		struct nexus *n = i ? nexus_b(t) : nexus_a(t);
		struct cmd *c = CMD(n, 0x03, 0, 0, 0, 252, 0);
		struct cmd *capacity = CMD(n, 0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0);

		expect_no_medium(tur_new(n));
		expect_no_medium(read_new(n, 10, 0, 1));
		expect_no_medium(write_new(n, 10, 0, 1, NULL));
		data_in(capacity, 8);
		expect_no_medium(capacity);
		expect_no_medium(start_stop(n, 0x01));
		expect_good(inquiry_run(n, -1));
		data_in(c, 252);
		expect_good(c);
		EXPECT(t, (c->in[2] & 0x0f) == NOT_READY && c->in[12] == MEDIUM_NOT_PRESENT >> 8,
		       "REQUEST SENSE says %x, %02x%02x", c->in[2] & 0x0f, c->in[12], c->in[13]);
	}
}

RULE(medium, loaded, DESTROYS,
     "when the medium is back the unit is ready, and every other nexus hears MEDIUM MAY HAVE "
     "CHANGED")
{
	need_removable(t);
	expect_good(start_stop(nexus_a(t), EJECT));
	expect_no_medium(tur_new(nexus_b(t)));
	expect_good(start_stop(nexus_a(t), LOAD));
	expect_good(attention(nexus_a(t)));
	expect_sense(attention(nexus_b(t)), UNIT_ATTENTION, MEDIUM_CHANGED);
	expect_good(attention(nexus_b(t)));
	(void)read_blocks(nexus_b(t), 0, 1);
}

RULE(medium, data, DESTROYS,
     "what was written before the medium was taken out is there when it is back")
{
	uint64_t lba = scratch(t);
	const uint8_t *data = pattern(t, 400, unit_of(t)->block);

	need_removable(t);
	write_blocks(nexus_a(t), lba, 1, data);
	expect_good(start_stop(nexus_a(t), EJECT));
	expect_no_medium(read_new(nexus_a(t), 10, lba, 1));
	expect_good(start_stop(nexus_a(t), LOAD));
	expect_blocks(nexus_a(t), lba, 1, data, "a medium that was out");
}

RULE(medium, prevented, DESTROYS,
     "while a nexus prevents it none takes the medium out: MEDIUM REMOVAL PREVENTED, and the unit "
     "stays ready")
{
	need_removable(t);
	need_op(t, 0x1e, -1);
	expect_good(prevent(nexus_a(t), 1));
	expect_sense(start_stop(nexus_a(t), EJECT), ILLEGAL_REQUEST, REMOVAL_PREVENTED);
	expect_sense(start_stop(nexus_b(t), EJECT), ILLEGAL_REQUEST, REMOVAL_PREVENTED);
	expect_good(tur_new(nexus_b(t)));
	/* it is each nexus' own */
	expect_good(prevent(nexus_b(t), 1));
	expect_good(prevent(nexus_a(t), 0));
	expect_sense(start_stop(nexus_a(t), EJECT), ILLEGAL_REQUEST, REMOVAL_PREVENTED);
	expect_good(prevent(nexus_b(t), 0));
	expect_good(start_stop(nexus_a(t), EJECT));
	expect_no_medium(tur_new(nexus_b(t)));
}

static void expect_end_allows(struct test *t, bool abrupt)
{
	struct nexus *n;
	struct cmd *c;

	need_removable(t);
	need_op(t, 0x1e, -1);
	n = nexus_new(t, &(struct login){ .flags = LOGIN_MULTI });
	nexus_settle(n);
	expect_good(prevent(n, 1));
	expect_sense(start_stop(nexus_a(t), EJECT), ILLEGAL_REQUEST, REMOVAL_PREVENTED);
	nexus_end(n, abrupt);
	for (unsigned i = 0; i < 50; i++) { /* the target notices it in its own time */
		c = start_stop(nexus_a(t), EJECT);
		cmd_run(c);
		if (c->status == GOOD)
			break;
		idle(t, 100);
	}
	EXPECT(t, c->status == GOOD, "5 s after the end: %s", cmd_text(c));
}

RULE(medium, logout_allows, DESTROYS, "who logs out prevents nothing any more")
{
	expect_end_allows(t, false);
}

RULE(medium, loss_allows, DESTROYS, "whose connection is lost prevents nothing any more")
{
	expect_end_allows(t, true);
}

RULE(medium, reset_allows, DESTROYS | ALONE,
     "LOGICAL UNIT RESET ends what prevents it, and brings no medium back")
{
	need_removable(t);
	need_op(t, 0x1e, -1);
	expect_good(prevent(nexus_b(t), 1));
	expect_code(tmf_run(nexus_a(t), LUN_RESET, unit_of(t)->lun, 0), CODE_DONE);
	nexus_settle(nexus_a(t));
	expect_good(start_stop(nexus_a(t), EJECT));
	expect_code(tmf_run(nexus_a(t), LUN_RESET, unit_of(t)->lun, 0), CODE_DONE);
	expect_no_medium(tur_new(nexus_a(t)));
}

RULE(medium, stop_keeps, DESTROYS,
     "START STOP UNIT without LOEJ, or with a POWER CONDITION, leaves the medium in")
{
	need_removable(t);
	for (uint8_t what = 0; what < 2; what++) {
		struct cmd *c;

		expect_good(start_stop(nexus_a(t), what ? 0x32 : 0x00));
		c = tur_new(nexus_b(t));
		cmd_run(c);
		EXPECT(t, c->asc >> 8 != MEDIUM_NOT_PRESENT >> 8, "%s", cmd_text(c));
		expect_good(start_stop(nexus_a(t), 0x01));
		expect_good(tur_new(nexus_b(t)));
	}
}
