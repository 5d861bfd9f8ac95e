/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Credits of a channel, how its request limit changes, and what it asks of the initiator, as transcripts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "srp/chan_rig.h"

/* INV-22: one request too many ends the channel; before ESTABLISHED no T_LOGOUT can be sent. */
static void credit_overrun(void **state)
{
	unsigned i;
	char want[32];

	(void)state;
	go_live(false);
	for (i = 0; i < LIMIT; i++) {
		(void)snprintf(want, sizeof(want), "live: SUBMIT#%u", i);
		recv_iu(i % 2 ? CHAN_IU_CMD : CHAN_IU_TSK_MGMT, want);
	}
	recv_iu(CHAN_IU_CMD, "disconnecting: VIOLATION DROP#12 T_LOGOUT(0) DISCONNECT CLOSING "
			     "ABORT_TASKS");
	assert_string_equal(c.why, "more requests than the request limit");
	recv_iu(CHAN_IU_CMD, "disconnecting: DROP#13");

	start(false);
	on(CHAN_EV_ADMITTED, "connecting: ACCEPT(0)");
	for (i = 0; i < LIMIT; i++)
		recv_iu(CHAN_IU_CMD, "connecting:");
	recv_iu(CHAN_IU_CMD, "disconnecting: VIOLATION DROP#12 DISCONNECT CLOSING DROP_PARKED "
			     "ABORT_TASKS");
}

/* INV-22, 23: an aborted command's credit rides on the next RSP; a failed RSP takes it back. */
static void aborted_credit(void **state)
{
	(void)state;
	go_live(false);
	recv_iu(CHAN_IU_CMD, "live: SUBMIT#0");
	recv_iu(CHAN_IU_TSK_MGMT, "live: SUBMIT#1");
	task_ends(CHAN_EV_TASK_ABORTED, "live:");
	assert_int_equal(c.avail, LIMIT - 2);
	task_ends(CHAN_EV_RESPOND, "live: SEND_RSP(2)");
	assert_int_equal(c.avail, LIMIT);
	on_value(CHAN_EV_RSP_POST_FAILED, 2, "live:");
	assert_int_equal(c.avail, LIMIT - 2);
	assert_int_equal(c.saved, 1);
	assert_int_equal(c.n_tasks, 1);
	on(CHAN_EV_RESPOND, "live: SEND_RSP(2)");
	assert_int_equal(c.avail, LIMIT);
}

/* With no request left whose RSP could carry them, saved credits go out alone; one CRED_REQ at a time. */
static void credits_alone(void **state)
{
	(void)state;
	go_live(false);
	recv_iu(CHAN_IU_CMD, "live: SUBMIT#0");
	task_ends(CHAN_EV_TASK_ABORTED, "live: SEND_CRED_REQ(1)");
	on_value(CHAN_EV_ASK_FAILED, 1, "live:");
	assert_true(chan_wants_resources(&c));
	on(CHAN_EV_RESOURCES, "live: SEND_CRED_REQ(1)");
	assert_false(chan_wants_resources(&c));
	recv_iu(CHAN_IU_CMD, "live: SUBMIT#1");
	recv_iu(CHAN_IU_CMD, "live: SUBMIT#2");
	task_ends(CHAN_EV_TASK_ABORTED, "live:");
	task_ends(CHAN_EV_TASK_ABORTED, "live:"); /* the first is unanswered */
	recv_iu(CHAN_IU_CRED_RSP, "live: REPOST#3 SEND_CRED_REQ(2)");
	recv_iu(CHAN_IU_CRED_RSP, "live: REPOST#4");
	assert_int_equal(c.avail, LIMIT);
	assert_int_equal(c.n_recv, MAX_LIMIT + 2);
	recv_iu(CHAN_IU_CRED_RSP, "disconnecting: VIOLATION DROP#5 T_LOGOUT(3) DISCONNECT CLOSING "
				  "ABORT_TASKS");
}

static void set_limit(uint32_t limit, const char *want)
{
	on_value(CHAN_EV_SET_LIMIT, limit, want);
}

/* INV-22: before the reply the limit simply is another; it is what the reply grants. */
static void limit_before_reply(void **state)
{
	(void)state;
	start(false);
	set_limit(4, "connecting:");
	assert_int_equal(c.limit, 4);
	set_limit(MAX_LIMIT, "connecting:");
	set_limit(6, "connecting:");
	on(CHAN_EV_ADMITTED, "connecting: ACCEPT(0)");
	assert_int_equal(c.limit, 6);
	set_limit(8, "connecting:"); /* after it nothing may be sent before the initiator did */
	on(CHAN_EV_ESTABLISHED, "live:");
	set_limit(4, "live:");
	set_limit(7, "live:");
	recv_iu(CHAN_IU_CMD, "live: SUBMIT#0");
	task_ends(CHAN_EV_RESPOND, "live: SEND_RSP(2)"); /* one more than it used: 6 to 7 */
	assert_int_equal(c.avail, 7);
}

/* A larger limit goes out with the next RSP, or alone when none will come. */
static void limit_grows(void **state)
{
	(void)state;
	go_live_and_talk(false);
	set_limit(LIMIT + 3, "live: SEND_CRED_REQ(3)");
	assert_int_equal(c.avail, LIMIT + 3);
	recv_iu(CHAN_IU_CMD, "live: SUBMIT#1");
	set_limit(LIMIT + 5, "live:");
	task_ends(CHAN_EV_RESPOND, "live: SEND_RSP(3)");
	assert_int_equal(c.avail, LIMIT + 5);
	recv_iu(CHAN_IU_CRED_RSP, "live: REPOST#2");
}

/* A smaller one takes what the initiator holds idle by a CRED_REQ, and what tasks use as they end. */
static void limit_shrinks(void **state)
{
	(void)state;
	go_live_and_talk(false);
	recv_iu(CHAN_IU_CMD, "live: SUBMIT#1");
	recv_iu(CHAN_IU_CMD, "live: SUBMIT#2");
	set_limit(3, "live: SEND_CRED_REQ(-9)");
	assert_int_equal(c.limit, LIMIT);       /* until the answer */
	recv_iu(CHAN_IU_CMD, "live: SUBMIT#3"); /* it was under way */
	task_ends(CHAN_EV_RESPOND, "live: SEND_RSP(1)");
	recv_iu(CHAN_IU_CRED_RSP, "live: REPOST#4");
	assert_int_equal(c.limit, 3);
	assert_int_equal(c.avail, 1);
	set_limit(2, "live: SEND_CRED_REQ(-1)");
	task_ends(CHAN_EV_RESPOND, "live: SEND_RSP(1)");
	set_limit(4, "live:"); /* what was asked back cannot be given out again before the answer */
	recv_iu(CHAN_IU_CRED_RSP, "live: REPOST#5");
	task_ends(CHAN_EV_RESPOND, "live: SEND_RSP(3)");
	assert_int_equal(c.avail, 4);
}

/* All it has is in use: credits are withheld, also those of aborted commands; the last come back again. */
static void limit_withheld(void **state)
{
	unsigned i;

	(void)state;
	go_live_and_talk(false);
	for (i = 0; i < LIMIT; i++)
		recv_iu(CHAN_IU_CMD, NULL);
	set_limit(LIMIT - 3, "live:");
	task_ends(CHAN_EV_RESPOND, "live: SEND_RSP(0)");
	task_ends(CHAN_EV_TASK_ABORTED, "live:");
	on_value(CHAN_EV_RESPOND, 0, "live: SEND_RSP(0)");
	on_value(CHAN_EV_RSP_POST_FAILED, 0, "live:"); /* INV-23 */
	assert_int_equal(c.limit, LIMIT - 2);
	task_ends(CHAN_EV_RESPOND, "live: SEND_RSP(0)");
	task_ends(CHAN_EV_RESPOND, "live: SEND_RSP(1)");
	assert_int_equal(c.limit, LIMIT - 3);
	/* one that was aborted, and then the limit falls: its credit is not given out */
	task_ends(CHAN_EV_TASK_ABORTED, "live:");
	assert_int_equal(c.saved, 1);
	set_limit(LIMIT - 4, "live:");
	assert_int_equal(c.saved, 0);
	assert_int_equal(c.limit, LIMIT - 4);
}

/* INV-23: a RSP that withholds fails after another task saved its credit: that one goes instead. */
static void limit_withheld_failed(void **state)
{
	unsigned i;

	(void)state;
	go_live_and_talk(false);
	for (i = 0; i < LIMIT; i++)
		recv_iu(CHAN_IU_CMD, NULL);
	set_limit(LIMIT - 1, "live:");
	task_ends(CHAN_EV_RESPOND, "live: SEND_RSP(0)");
	task_ends(CHAN_EV_TASK_ABORTED, "live:");
	assert_int_equal(c.saved, 1);
	on_value(CHAN_EV_RSP_POST_FAILED, 0, "live:");
	assert_int_equal(c.saved, 0);
	assert_int_equal(c.limit, LIMIT - 1);
	on(CHAN_EV_RESPOND, "live: SEND_RSP(1)");
}

/* The initiator used what it gives back before it knew: below zero until its commands end. */
static void limit_below_zero(void **state)
{
	unsigned i;

	(void)state;
	go_live_and_talk(false);
	set_limit(2, "live: SEND_CRED_REQ(-10)");
	for (i = 0; i < LIMIT; i++)
		recv_iu(CHAN_IU_CMD, NULL);
	recv_iu(CHAN_IU_CRED_RSP, "live: REPOST#13");
	assert_int_equal(c.avail, -10);
	for (i = 0; i < 10; i++)
		task_ends(CHAN_EV_RESPOND, "live: SEND_RSP(1)");
	assert_int_equal(c.avail, 0);
	recv_iu(CHAN_IU_CMD, "disconnecting: VIOLATION DROP#14 T_LOGOUT(0) DISCONNECT CLOSING "
			     "ABORT_TASKS");
}

/* INV-23: what failed is taken back below zero too. */
static void limit_below_zero_failed(void **state)
{
	unsigned i;

	(void)state;
	go_live_and_talk(false);
	set_limit(2, "live: SEND_CRED_REQ(-10)");
	for (i = 0; i < LIMIT; i++)
		recv_iu(CHAN_IU_CMD, NULL);
	recv_iu(CHAN_IU_CRED_RSP, "live: REPOST#13");
	task_ends(CHAN_EV_RESPOND, "live: SEND_RSP(1)");
	on_value(CHAN_EV_RSP_POST_FAILED, 1, "live:");
	assert_int_equal(c.avail, -10);
	for (i = 1; i < LIMIT; i++)
		task_ends(CHAN_EV_TASK_ABORTED, "live:");
	task_ends(CHAN_EV_TASK_ABORTED, "live: SEND_CRED_REQ(12)");
	on_value(CHAN_EV_ASK_FAILED, LIMIT, "live:");
	assert_int_equal(c.avail, -10);
	on(CHAN_EV_RESOURCES, "live: SEND_CRED_REQ(12)");
	assert_int_equal(c.avail, 2);
}

/* Who ends waits for nothing: a late RESOURCES would find a channel that was released. */
static void ask_failed_at_the_end(void **state)
{
	(void)state;
	go_live_and_talk(false);
	set_limit(LIMIT + 1, "live: SEND_CRED_REQ(1)");
	on_value(CHAN_EV_ASK_FAILED, 1, "live:");
	assert_true(chan_wants_resources(&c));
	on(CHAN_EV_QP_FATAL, "draining: LOG " CLOSE);
	assert_false(chan_wants_resources(&c));
	ends_from_draining();
}

/* A CRED_REQ that could not be posted is tried again; so are the books. */
static void limit_ask_failed(void **state)
{
	(void)state;
	go_live_and_talk(false);
	set_limit(5, "live: SEND_CRED_REQ(-7)");
	on_value(CHAN_EV_ASK_FAILED, (uint32_t)-7, "live:");
	assert_true(chan_wants_resources(&c));
	assert_int_equal(c.revoking, 0);
	set_limit(6, "live:"); /* not before RESOURCES */
	on(CHAN_EV_RESOURCES, "live: SEND_CRED_REQ(-6)");
	/* a task that ended in between saved what must go now again */
	recv_iu(CHAN_IU_CRED_RSP, "live: REPOST#1");
	recv_iu(CHAN_IU_CMD, "live: SUBMIT#2");
	set_limit(5, "live: SEND_CRED_REQ(-1)");
	task_ends(CHAN_EV_TASK_ABORTED, "live:");
	assert_int_equal(c.saved, 1);
	on_value(CHAN_EV_ASK_FAILED, (uint32_t)-1, "live:");
	assert_int_equal(c.saved, 0);
	assert_int_equal(c.limit, 5);
	on(CHAN_EV_RESOURCES, "live:");
	on(CHAN_EV_EVICTED, "disconnecting: LOG T_LOGOUT(4) DISCONNECT CLOSING ABORT_TASKS");
	set_limit(9, "disconnecting:");
	on(CHAN_EV_DISCONNECTED, "draining: QP_ERROR POST_MARKER");
	ends_from_draining();
}

/* SRP-7.3: an event report takes turns with CRED_REQ; each answer must be to what was asked. */
static void event_report(void **state)
{
	(void)state;
	start(false);
	on(CHAN_EV_AER_DUE, "connecting:");
	on(CHAN_EV_ADMITTED, "connecting: ACCEPT(0)");
	on(CHAN_EV_ESTABLISHED, "live:"); /* it may have no receive posted yet */
	recv_iu(CHAN_IU_CMD, "live: SUBMIT#0 SEND_AER_REQ");
	on(CHAN_EV_ASK_FAILED, "live:");
	on(CHAN_EV_RESOURCES, "live: SEND_AER_REQ");
	set_limit(LIMIT - 1, "live:");
	recv_iu(CHAN_IU_AER_RSP, "live: REPOST#1 AER_DONE SEND_CRED_REQ(-1)");
	on(CHAN_EV_AER_DUE, "live:");
	recv_iu(CHAN_IU_CRED_RSP, "live: REPOST#2 SEND_AER_REQ");
	recv_iu(CHAN_IU_CRED_RSP, "disconnecting: VIOLATION DROP#3 T_LOGOUT(3) DISCONNECT CLOSING "
				  "ABORT_TASKS");
	on(CHAN_EV_AER_DUE, "disconnecting:"); /* home hears of the end by CLOSING */
}

/* INV-32: who does not answer us is not waited for. */
static void no_answer(void **state)
{
	(void)state;
	go_live_and_talk(false);
	on(CHAN_EV_AER_DUE, "live: SEND_AER_REQ");
	after(30 * SEC - 1, "live:");
	recv_iu(CHAN_IU_AER_RSP, "live: REPOST#1 AER_DONE");
	after(30 * SEC, "live:");
	set_limit(LIMIT - 2, "live: SEND_CRED_REQ(-2)");
	after(30 * SEC, "disconnecting: VIOLATION T_LOGOUT(0) DISCONNECT CLOSING ABORT_TASKS");
	assert_string_equal(c.why, "no answer to a request of the target");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(credit_overrun),        cmocka_unit_test(aborted_credit),
		cmocka_unit_test(credits_alone),         cmocka_unit_test(limit_before_reply),
		cmocka_unit_test(limit_grows),           cmocka_unit_test(limit_shrinks),
		cmocka_unit_test(limit_withheld),        cmocka_unit_test(limit_withheld_failed),
		cmocka_unit_test(limit_below_zero),      cmocka_unit_test(limit_below_zero_failed),
		cmocka_unit_test(ask_failed_at_the_end), cmocka_unit_test(limit_ask_failed),
		cmocka_unit_test(event_report),          cmocka_unit_test(no_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
