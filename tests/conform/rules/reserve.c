/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* SPC-2 7.20 ff.: RESERVE and RELEASE; SPC-5 5.13.3: beside persistent reservations (CRH). */
#include "pr.h"

static void release(struct test *t)
{
	cmd_run(CMD(nexus_a(t), 0x17, 0, 0, 0, 0, 0));
	cmd_run(CMD(nexus_b(t), 0x17, 0, 0, 0, 0, 0));
}

static void begin(struct test *t)
{
	need_op(t, 0x16, -1);
	need_op(t, 0x17, -1);
	(void)nexus_a(t);
	(void)nexus_b(t);
	at_end(t, release);
}

static struct cmd *reserve(struct nexus *n)
{
	return CMD(n, 0x16, 0, 0, 0, 0, 0);
}

RULE(reserve, others, DESTROYS,
     "who reserved may go on and reserve again; others conflict, except INQUIRY, REPORT LUNS, "
     "REQUEST SENSE, RELEASE")
{
	struct nexus *b;
	struct cmd *c;

	begin(t);
	b = nexus_b(t);
	expect_good(reserve(nexus_a(t)));
	expect_good(reserve(nexus_a(t)));
	expect_good(read_new(nexus_a(t), 10, 0, 1));
	expect_good(write_new(nexus_a(t), 10, 0, 1, NULL));
	expect_status(reserve(b), RESERVATION_CONFLICT);
	expect_status(tur_new(b), RESERVATION_CONFLICT);
	expect_status(read_new(b, 10, 0, 1), RESERVATION_CONFLICT);
	expect_status(write_new(b, 10, 0, 1, NULL), RESERVATION_CONFLICT);
	expect_good(inquiry_run(b, -1));
	c = CMD(b, 0x03, 0, 0, 0, 96, 0);
	data_in(c, 96);
	expect_good(c);
	c = CMD(b, 0xa0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0);
	data_in(c, 256);
	expect_good(c);
	expect_good(CMD(b, 0x17, 0, 0, 0, 0, 0)); /* and does nothing */
	expect_status(read_new(b, 10, 0, 1), RESERVATION_CONFLICT);
	expect_good(CMD(nexus_a(t), 0x17, 0, 0, 0, 0, 0));
	expect_good(read_new(b, 10, 0, 1));
	expect_good(reserve(b));
	expect_status(read_new(nexus_a(t), 10, 0, 1), RESERVATION_CONFLICT);
}

RULE(reserve, ten, DESTROYS, "RESERVE(10) and RELEASE(10) do the same as those of six bytes")
{
	begin(t);
	need_op(t, 0x56, -1);
	expect_good(CMD(nexus_a(t), 0x56, 0, 0, 0, 0, 0, 0, 0, 0, 0));
	expect_status(tur_new(nexus_b(t)), RESERVATION_CONFLICT);
	expect_good(CMD(nexus_a(t), 0x57, 0, 0, 0, 0, 0, 0, 0, 0, 0));
	expect_good(tur_new(nexus_b(t)));
}

RULE(reserve, reset, ALONE, "LOGICAL UNIT RESET ends a reservation")
{
	begin(t);
	expect_good(reserve(nexus_a(t)));
	expect_code(tmf_run(nexus_b(t), LUN_RESET, unit_of(t)->lun, 0), CODE_DONE);
	expect_good(tur_new(nexus_b(t)));
}

RULE(reserve, logout, DESTROYS,
     "the end of its nexus ends a reservation, by logout or without a word")
{
	begin(t);
	for (unsigned abrupt = 0; abrupt < 2; abrupt++) {
		struct nexus *n = nexus_new(t, &(struct login){ .flags = LOGIN_MULTI });
		struct cmd *c;

		expect_good(reserve(n));
		expect_status(tur_new(nexus_b(t)), RESERVATION_CONFLICT);
		nexus_end(n, abrupt);
		for (unsigned i = 0; i < 100; i++) {
			c = tur_new(nexus_b(t));
			cmd_run(c);
			if (c->status == GOOD)
				break;
			idle(t, 20);
		}
		expect_good(tur_new(nexus_b(t)));
	}
}

RULE(reserve, with_registrations, DESTROYS,
     "where there are registrations RESERVE conflicts, or (CRH) is GOOD for registrants and does "
     "nothing")
{
	struct cmd *c;
	bool crh;

	begin(t);
	pr_begin(t);
	c = pr_in(nexus_a(t), 2, 64);
	expect_good(c);
	crh = c->in[2] & 0x10;
	pr_register(nexus_a(t), KEY_A);
	expect_good(pr_out(nexus_a(t), PR_RESERVE, WRITE_EXCLUSIVE, KEY_A, 0));
	expect_status(reserve(nexus_b(t)), RESERVATION_CONFLICT);
	if (!crh) {
		expect_status(reserve(nexus_a(t)), RESERVATION_CONFLICT);
		return;
	}
	expect_good(reserve(nexus_a(t)));
	expect_good(read_new(nexus_b(t), 10, 0, 1));
	expect_good(CMD(nexus_a(t), 0x17, 0, 0, 0, 0, 0));
}

RULE(reserve, then_register, DESTROYS,
     "while another nexus has reserved PERSISTENT RESERVE conflicts")
{
	begin(t);
	need_op(t, 0x5f, PR_REGISTER);
	expect_good(reserve(nexus_a(t)));
	expect_status(pr_out(nexus_b(t), PR_REGISTER, 0, 0, KEY_B), RESERVATION_CONFLICT);
	expect_status(pr_in(nexus_b(t), 0, 64), RESERVATION_CONFLICT);
	expect_good(CMD(nexus_a(t), 0x17, 0, 0, 0, 0, 0));
	EXPECT(t, pr_n_keys(nexus_b(t)) == 0, "it was registered");
}
