/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* SPC-5 5.13.11: PREEMPT, PREEMPT AND ABORT. */
#include "pr.h"

RULE(pr, preempt, DESTROYS,
     "PREEMPT takes the holder's registration and the reservation, with the type asked for")
{
	struct nexus *a;
	struct nexus *b;
	uint64_t key = 0;
	uint32_t gen;

	pr_both(t, &a, &b);
	expect_good(pr_out(a, PR_RESERVE, WRITE_EXCLUSIVE, KEY_A, 0));
	nexus_settle(a);
	gen = pr_generation(b);
	expect_good(pr_out(b, PR_PREEMPT, EXCLUSIVE_ACCESS, KEY_B, KEY_A));
	EXPECT(t, pr_generation(b) == gen + 1, "PRGENERATION is not one more");
	EXPECT(t, pr_reserved(b, &key) == EXCLUSIVE_ACCESS && key == KEY_B,
	       "the reservation is of type %u, key %llx", pr_reserved(b, NULL),
	       (unsigned long long)key);
	EXPECT(t, pr_n_keys(b) == 1 && pr_has_key(b, KEY_B), "%u keys are left", pr_n_keys(b));
	EXPECT(t, is_sense(attention(a), UNIT_ATTENTION, REGISTRATIONS_PREEMPTED),
	       "the preempted nexus hears: %s", cmd_text(a->cmds));
	EXPECT(t, attention(b)->status == GOOD, "the preempting nexus hears: %s",
	       cmd_text(b->cmds));
	expect_status(read_new(a, 10, 0, 1), RESERVATION_CONFLICT);
}

RULE(pr, preempt_registration, DESTROYS,
     "PREEMPT of a registrant that holds nothing removes it and leaves the reservation")
{
	struct nexus *a;
	struct nexus *b;

	pr_both(t, &a, &b);
	expect_good(pr_out(a, PR_RESERVE, WRITE_EXCLUSIVE, KEY_A, 0));
	nexus_settle(b);
	expect_good(pr_out(a, PR_PREEMPT, WRITE_EXCLUSIVE, KEY_A, KEY_B));
	EXPECT(t, pr_n_keys(a) == 1 && pr_has_key(a, KEY_A), "%u keys are left", pr_n_keys(a));
	EXPECT(t, pr_reserved(a, NULL) == WRITE_EXCLUSIVE, "the reservation went, too");
	EXPECT(t, is_sense(attention(b), UNIT_ATTENTION, REGISTRATIONS_PREEMPTED),
	       "the removed nexus hears: %s", cmd_text(b->cmds));
}

RULE(pr, preempt_nobody, DESTROYS,
     "PREEMPT of a key that nobody has conflicts; of key 0 without a reservation of all "
     "registrants it is an invalid field")
{
	struct nexus *a;

	pr_begin(t);
	a = nexus_a(t);
	pr_register(a, KEY_A);
	expect_status(pr_out(a, PR_PREEMPT, WRITE_EXCLUSIVE, KEY_A, KEY_B), RESERVATION_CONFLICT);
	expect_good(pr_out(a, PR_RESERVE, WRITE_EXCLUSIVE, KEY_A, 0));
	expect_sense(pr_out(a, PR_PREEMPT, WRITE_EXCLUSIVE, KEY_A, 0), ILLEGAL_REQUEST,
		     INVALID_FIELD_IN_PARAMETERS);
}

RULE(pr, preempt_all, DESTROYS,
     "PREEMPT with key 0 of a reservation of all registrants removes all others and takes it")
{
	struct nexus *a;
	struct nexus *b;

	pr_both(t, &a, &b);
	expect_good(pr_out(a, PR_RESERVE, WRITE_EXCLUSIVE_ALL, KEY_A, 0));
	expect_good(pr_out(b, PR_PREEMPT, EXCLUSIVE_ACCESS, KEY_B, 0));
	EXPECT(t, pr_n_keys(b) == 1 && pr_has_key(b, KEY_B), "%u keys are left", pr_n_keys(b));
	EXPECT(t, pr_reserved(b, NULL) == EXCLUSIVE_ACCESS, "the reservation is of type %u",
	       pr_reserved(b, NULL));
}

RULE(pr, preempt_self, DESTROYS,
     "PREEMPT by the holder of its own key changes the type and keeps its registration")
{
	struct nexus *a;

	pr_begin(t);
	a = nexus_a(t);
	pr_register(a, KEY_A);
	expect_good(pr_out(a, PR_RESERVE, WRITE_EXCLUSIVE, KEY_A, 0));
	expect_good(pr_out(a, PR_PREEMPT, EXCLUSIVE_ACCESS_REGISTRANTS, KEY_A, KEY_A));
	EXPECT(t, pr_has_key(a, KEY_A), "it removed itself");
	EXPECT(t, pr_reserved(a, NULL) == EXCLUSIVE_ACCESS_REGISTRANTS,
	       "the reservation is of type %u", pr_reserved(a, NULL));
}

RULE(pr, preempt_and_abort, DESTROYS,
     "PREEMPT AND ABORT ends the commands of the preempted nexus: none of them takes effect later")
{
	struct nexus *b;
	struct nexus *c;
	struct cmd *w;
	uint64_t lba = scratch(t);
	uint8_t *old = pattern(t, 50, unit_of(t)->block);

	pr_begin(t);
	need_op(t, 0x5f, PR_PREEMPT_AND_ABORT);
	b = nexus_b(t);
	c = nexus_new(t, &(struct login){ .who = 'c', .flags = LOGIN_MULTI });
	nexus_settle(c);
	pr_register(b, KEY_B);
	pr_register(c, KEY_A);
	write_blocks(b, lba, 1, old);
	w = write_new(c, 10, lba, 1, pattern(t, 51, unit_of(t)->block));
	w->shape = SHAPE_DIRECT;
	cmd_send(w);
	hold(c);
	idle(t, 30);
	{
		struct cmd *p = pr_out(b, PR_PREEMPT_AND_ABORT, WRITE_EXCLUSIVE, KEY_B, KEY_A);

		cmd_send(p);
		idle(t, 50); /* it may wait for the data that are not answered for */
		let_go(c);
		expect_good(p);
	}
	write_blocks(b, lba, 1, old);
	idle(t, 50);
	if (w->done && w->key == UNIT_ATTENTION)
		skip(t, "the WRITE could not be held back: it came to the task set later");
	EXPECT(t, !w->done || w->status == TASK_ABORTED || w->status == GOOD,
	       "the aborted WRITE: %s", cmd_text(w));
	if (w->done && w->status == GOOD)
		skip(t, "the WRITE could not be held back: it had ended before");
	expect_blocks(b, lba, 1, old, "after PREEMPT AND ABORT");
	EXPECT(t, pr_n_keys(b) == 1 && !pr_has_key(b, KEY_A), "the registration stays");
}
