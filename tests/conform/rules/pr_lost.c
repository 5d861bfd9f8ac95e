/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* SPC-5 5.13.11.3: REPLACE LOST RESERVATION, of a unit that has lost nothing. */
#include "pr.h"

#define RLR_C 0x80

RULE(pr, replace_lost, DESTROYS,
     "REPLACE LOST RESERVATION where nothing is lost is INVALID RELEASE OF PERSISTENT RESERVATION "
     "and changes nothing; RLR_C says that it is there")
{
	struct nexus *a;
	struct nexus *b;
	struct cmd *c;

	pr_both(t, &a, &b);
	need_op(t, 0x5e, 2);
	c = pr_in(a, 2, 64);
	expect_good(c);
	if (!(c->in[2] & RLR_C)) {
		expect_bad_cdb(pr_out(a, PR_REPLACE_LOST, WRITE_EXCLUSIVE, 0, KEY_A), 1);
		skip(t, "RLR_C is 0");
	}
	expect_good(pr_out(a, PR_RESERVE, EXCLUSIVE_ACCESS, KEY_A, 0));
	expect_sense(pr_out(a, PR_REPLACE_LOST, WRITE_EXCLUSIVE, 0, KEY_A), ILLEGAL_REQUEST,
		     INVALID_RELEASE);
	expect_sense(pr_out(b, PR_REPLACE_LOST, WRITE_EXCLUSIVE, 0, KEY_B), ILLEGAL_REQUEST,
		     INVALID_RELEASE);
	EXPECT(t, pr_n_keys(a) == 2 && pr_reserved(b, NULL) == EXCLUSIVE_ACCESS,
	       "%u registrations, a reservation of type %u", pr_n_keys(a), pr_reserved(b, NULL));
}
