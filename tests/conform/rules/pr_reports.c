/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* SPC-5 table 67: what only tells of the unit is told whatever another nexus has reserved. */
#include "pr.h"

static const uint8_t types[] = { WRITE_EXCLUSIVE,
				 EXCLUSIVE_ACCESS,
				 WRITE_EXCLUSIVE_REGISTRANTS,
				 EXCLUSIVE_ACCESS_REGISTRANTS,
				 WRITE_EXCLUSIVE_ALL,
				 EXCLUSIVE_ACCESS_ALL };

static struct cmd *log_sense(struct nexus *n)
{
	struct cmd *c = CMD(n, 0x4d, 0, 0x40, 0, 0, 0, 0, 0, 64, 0);

	data_in(c, 64);
	return c;
}

/* THIRD-PARTY COPY IN. */
static struct cmd *copy_in(struct nexus *n, uint8_t action)
{
	struct cmd *c = CMD(n, 0x84, action, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0);

	data_in(c, 64);
	return c;
}

/* Under each type, of a nexus that is not registered and of one that is: the same answer as without a reservation. */
static void each_type(struct test *t, uint8_t opcode, uint8_t action)
{
	struct nexus *a;
	struct nexus *b;
	struct cmd *free;

	pr_begin(t);
	need_op(t, opcode, opcode == 0x84 ? action : -1);
	a = nexus_a(t);
	b = nexus_b(t);
	free = opcode == 0x84 ? copy_in(b, action) : log_sense(b);
	cmd_run(free);
	EXPECT(t, free->status != RESERVATION_CONFLICT, "without a reservation: %s",
	       cmd_text(free));
	for (unsigned i = 0; i < 2 * ARRAY_SIZE(types); i++) {
		if (i % 2 == 0) {
			pr_register(a, KEY_A);
			expect_good(pr_out(a, PR_RESERVE, types[i / 2], KEY_A, 0));
		} else {
			pr_register(b, KEY_B);
		}
		expect_status(opcode == 0x84 ? copy_in(b, action) : log_sense(b), free->status);
		if (i % 2)
			expect_good(pr_out(a, PR_CLEAR, 0, KEY_A, 0));
	}
}

RULE(pr, log_sense, DESTROYS, "no persistent reservation of another nexus keeps LOG SENSE out")
{
	each_type(t, 0x4d, 0);
}

RULE(pr, copy_status, DESTROYS,
     "no persistent reservation of another nexus keeps RECEIVE COPY STATUS(LID1) out")
{
	each_type(t, 0x84, 0x00);
}

RULE(pr, copy_status_lid4, DESTROYS,
     "no persistent reservation of another nexus keeps RECEIVE COPY STATUS(LID4) out")
{
	each_type(t, 0x84, 0x05);
}

RULE(pr, copy_failure, DESTROYS,
     "no persistent reservation of another nexus keeps RECEIVE COPY FAILURE DETAILS(LID1) out")
{
	each_type(t, 0x84, 0x04);
}

RULE(pr, copy_parameters, DESTROYS,
     "no persistent reservation of another nexus keeps RECEIVE COPY OPERATING PARAMETERS out")
{
	each_type(t, 0x84, 0x03);
}

RULE(pr, token_information, DESTROYS,
     "no persistent reservation of another nexus keeps RECEIVE ROD TOKEN INFORMATION out")
{
	each_type(t, 0x84, 0x07);
}
