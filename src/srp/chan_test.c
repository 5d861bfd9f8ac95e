/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The lives of a channel as transcripts: event in, state and actions out. Credits are chan_credit_test.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "srp/chan_rig.h"
#include "wire/srp.h"
#include "wire/srp_login_rej.h"
#include "wire/srp_logout.h"

static void busy(unsigned seq, const char *want)
{
	step((struct chan_event){ .type = CHAN_EV_BUSY, .iu = &ius[seq] }, want);
}

/* INV-1, 3, 5, 11, 13, 17, 19: a whole life on iWARP, where the peer's end is final. */
static void whole_life(void **state)
{
	(void)state;
	start(false);
	on_value(CHAN_EV_ADMITTED, 2, "connecting: ACCEPT(2)");
	on(CHAN_EV_ESTABLISHED, "live:");
	assert_int_equal(chan_deadline_ns(&c), UINT64_MAX); /* an idle session is legal */
	recv_iu(CHAN_IU_CMD, "live: SUBMIT#0");
	recv_iu(CHAN_IU_TSK_MGMT, "live: SUBMIT#1");
	task_ends(CHAN_EV_RESPOND, "live: SEND_RSP(1)");
	on(CHAN_EV_DISCONNECTED, "draining: LOG " CLOSE);
	assert_string_equal(c.why, "disconnected by the peer");
	on(CHAN_EV_TASK_ABORTED, "draining:");
	ends_from_draining();
	/* what was on its way from the port finds nothing to do */
	on(CHAN_EV_PORT_DISABLED, "disconnected:");
	on(CHAN_EV_EVICTED, "disconnected:");
	on_value(CHAN_EV_SET_LIMIT, 2, "disconnected:");
	on(CHAN_EV_AER_DUE, "disconnected:");
	on(CHAN_EV_TIMER, "disconnected:");
}

/* INV-2, 30: a refused login goes through the same close path; the reason is the port's. */
static void refused(void **state)
{
	(void)state;
	start(false);
	on_value(CHAN_EV_REFUSED, SRP_REJ_CHANNEL_LIMIT, "draining: LOG REJECT(10006) " CLOSE);
	on(CHAN_EV_MARKER_POST_FAILED, "disconnected: DESTROY_QP UNREGISTER_SESSION");
	on(CHAN_EV_SESSION_UNREGISTERED, "disconnected: DESTROY_ID RELEASE");

	start(false);
	on(CHAN_EV_ADMITTED, "connecting: ACCEPT(0)");
	on(CHAN_EV_ACCEPT_FAILED, "draining: LOG " CLOSE);
	ends_from_draining();
}

/* INV-8, 9, 10: commands before a late ESTABLISHED wait, then run in order without another receive. */
static void established_late(void **state)
{
	unsigned i;

	(void)state;
	start(true);
	on(CHAN_EV_COMM_EST, "connecting:"); /* no reply sent yet: nothing to report */
	on(CHAN_EV_ADMITTED, "connecting: ACCEPT(0)");
	on(CHAN_EV_COMM_EST, "connecting: COMM_EST");
	for (i = 0; i < 10; i++)
		recv_iu(CHAN_IU_CMD, "connecting:");
	on(CHAN_EV_USER_ESTABLISHED, "live: SUBMIT#0 SUBMIT#1 SUBMIT#2 SUBMIT#3 SUBMIT#4 SUBMIT#5 "
				     "SUBMIT#6 SUBMIT#7 KICK");
	recv_iu(CHAN_IU_CMD, "live:"); /* does not overtake #8 and #9 */
	on(CHAN_EV_KICK, "live: SUBMIT#8 SUBMIT#9 SUBMIT#10");
	recv_iu(CHAN_IU_CMD, "live: SUBMIT#11");
	on(CHAN_EV_ESTABLISHED, "live:"); /* the CM's own, late */
}

/* INV-8, 10: without resources a command waits at the front; nothing passes it. */
static void no_resources(void **state)
{
	unsigned i;

	(void)state;
	go_live(false);
	recv_iu(CHAN_IU_CMD, "live: SUBMIT#0");
	assert_true(chan_may_submit(&c));
	busy(0, "live:");
	assert_true(chan_stalled(&c) && chan_wants_resources(&c) && !chan_may_submit(&c));
	for (i = 1; i < 5; i++)
		recv_iu(CHAN_IU_CMD, "live:");
	on(CHAN_EV_RESOURCES, "live: SUBMIT#0 SUBMIT#1 SUBMIT#2 SUBMIT#3 SUBMIT#4");
	busy(2, "live:"); /* #0 and #1 fitted */
	busy(3, "live:");
	busy(4, "live:");
	recv_iu(CHAN_IU_CMD, "live:");
	on(CHAN_EV_RESOURCES, "live: SUBMIT#2 SUBMIT#3 SUBMIT#4 SUBMIT#5");
	assert_int_equal(c.n_tasks, 6);
	assert_false(chan_wants_resources(&c));
	on(CHAN_EV_RESOURCES, "live:");
}

/* INV-10: stalled while a KICK is on its way; RESOURCES leaves the work to the KICK. */
static void kick_and_stall(void **state)
{
	unsigned i;

	(void)state;
	start(false);
	on(CHAN_EV_ADMITTED, "connecting: ACCEPT(0)");
	for (i = 0; i < 10; i++)
		recv_iu(CHAN_IU_CMD, "connecting:");
	on(CHAN_EV_ESTABLISHED, "live: SUBMIT#0 SUBMIT#1 SUBMIT#2 SUBMIT#3 SUBMIT#4 SUBMIT#5 "
				"SUBMIT#6 SUBMIT#7 KICK");
	busy(7, "live:");
	on(CHAN_EV_KICK, "live:");
	on(CHAN_EV_RESOURCES, "live: SUBMIT#7 SUBMIT#8 SUBMIT#9");
}

/* INV-9, 14: parked commands are given back when the channel ends, and executed never. */
static void parked_are_dropped(void **state)
{
	(void)state;
	start(false);
	on(CHAN_EV_ADMITTED, "connecting: ACCEPT(0)");
	recv_iu(CHAN_IU_CMD, "connecting:");
	recv_iu(CHAN_IU_CMD, "connecting:");
	on(CHAN_EV_DISCONNECTED,
	   "draining: LOG QP_ERROR CLOSING DROP_PARKED ABORT_TASKS POST_MARKER");
	assert_ptr_equal(chan_drop_parked(&c), &ius[0]);
	assert_ptr_equal(chan_drop_parked(&c), &ius[1]);
	assert_null(chan_drop_parked(&c));
	recv_iu(CHAN_IU_CMD, "draining: DROP#2"); /* delivered after the disconnect */
	assert_int_equal(c.n_dropped, 3);
	on(CHAN_EV_ESTABLISHED, "draining:");
	ends_from_draining();
}

/* E9, E10 of IB/CM; a DREQ is always answered, also when both sides sent one. */
static void dreq_crossing(void **state)
{
	(void)state;
	go_live(true);
	on(CHAN_EV_DREQ, "disconnecting: LOG SEND_DREP CLOSING ABORT_TASKS");
	on(CHAN_EV_DREQ, "disconnecting: SEND_DREP");
	on(CHAN_EV_TIMEWAIT_EXIT, "draining: QP_ERROR POST_MARKER");
	ends_from_draining();
}

static void dreq_crossing_ours(void **state)
{
	(void)state;
	go_live_and_talk(true);
	on(CHAN_EV_CLOSE_SESSION, "disconnecting: LOG T_LOGOUT(0) DISCONNECT CLOSING ABORT_TASKS");
	on(CHAN_EV_DREQ, "disconnecting: SEND_DREP");
	on(CHAN_EV_DREP, "draining: QP_ERROR POST_MARKER");
	on(CHAN_EV_DREQ, "draining: SEND_DREP");
	ends_from_draining();
}

/* RDMA/CM has one event for both: first the peer's DREQ, in DISCONNECTING the answer to ours. */
static void disconnected_twice(void **state)
{
	(void)state;
	go_live(true);
	on(CHAN_EV_DISCONNECTED, "disconnecting: LOG DISCONNECT CLOSING ABORT_TASKS");
	on(CHAN_EV_DISCONNECTED, "draining: QP_ERROR POST_MARKER");
	on(CHAN_EV_TIMEWAIT_EXIT, "draining:");
	ends_from_draining();

	start(true); /* before our reply: the peer gave up, nobody is left to be told */
	on(CHAN_EV_DISCONNECTED, "draining: LOG " CLOSE);
	on(CHAN_EV_MARKER_DONE, "disconnected: UNREGISTER_SESSION");
	on(CHAN_EV_DREQ, "disconnected: SEND_DREP");
	on(CHAN_EV_SESSION_UNREGISTERED, "disconnected: DESTROY_QP DESTROY_ID");
	on(CHAN_EV_DREQ, "disconnected:"); /* the id is gone */
	on(CHAN_EV_ADMITTED, "disconnected: RELEASE");
}

/* INV-29: no RTU, before and after our reply. */
static void silent_connecting(void **state)
{
	(void)state;
	start(false);
	after(10 * SEC - 1, "connecting:");
	after(1, "draining: LOG REJECT(10001) " CLOSE);
	on(CHAN_EV_ADMITTED, "draining:");
	ends_from_draining();

	start(false);
	on(CHAN_EV_ADMITTED, "connecting: ACCEPT(0)");
	assert_int_equal(chan_deadline_ns(&c), now + 10 * SEC);
	after(10 * SEC, "draining: LOG " CLOSE);
	ends_from_draining();
}

/* INV-28, 32, 12: no DREP, no marker, a task that takes long. */
static void silent_later(void **state)
{
	(void)state;
	go_live(true);
	recv_iu(CHAN_IU_CMD, "live: SUBMIT#0");
	on_value(CHAN_EV_CLOSE_SESSION, SRP_LOGOUT_INACTIVE,
		 "disconnecting: LOG T_LOGOUT(1) DISCONNECT CLOSING ABORT_TASKS");
	after(5 * SEC - 1, "disconnecting:");
	after(1, "draining: LOG QP_ERROR POST_MARKER");
	after(10 * SEC - 1, "draining:");
	after(1, "disconnected: LOG DESTROY_QP UNREGISTER_SESSION");
	assert_true(chan_qp_gone(&c));
	after(5 * SEC, "disconnected: LOG");
	after(1, "disconnected:");
	after(5 * SEC - 1, "disconnected: LOG");
	on(CHAN_EV_RESPOND, "disconnected: DROP_RSP"); /* ended after all: nothing to send it on */
	on(CHAN_EV_SESSION_UNREGISTERED, "disconnected: DESTROY_ID RELEASE");
}

/* INV-2, 25, E22: evicted in each phase. */
static void evicted(void **state)
{
	(void)state;
	go_live_and_talk(false);
	on(CHAN_EV_EVICTED, "disconnecting: LOG T_LOGOUT(4) DISCONNECT CLOSING ABORT_TASKS");
	on(CHAN_EV_EVICTED, "disconnecting:"); /* INV-2 */
	after(1 * SEC - 1, "disconnecting:");  /* a new login waits for us */
	on(CHAN_EV_DISCONNECTED, "draining: QP_ERROR POST_MARKER");
	ends_from_draining();

	go_live(false); /* nothing came yet: it may have no receive posted, so no T_LOGOUT */
	on(CHAN_EV_EVICTED, "disconnecting: LOG DISCONNECT CLOSING ABORT_TASKS");
	after(1 * SEC, "draining: LOG QP_ERROR POST_MARKER");
	ends_from_draining();
}

static void evicted_before_accept(void **state)
{
	(void)state;
	start(false);
	on(CHAN_EV_EVICTED, "draining: LOG REJECT(10000) " CLOSE);
	on(CHAN_EV_MARKER_DONE, "disconnected: UNREGISTER_SESSION");
	/* INV-17, 18: the control worker still owes an answer that names this channel */
	on(CHAN_EV_SESSION_UNREGISTERED, "disconnected: DESTROY_QP DESTROY_ID");
	after(5 * SEC, "disconnected: LOG");
	on_value(CHAN_EV_REFUSED, SRP_REJ_UNSPECIFIED, "disconnected: RELEASE");
}

/* Reply sent, not established: the peer may get no SEND yet, so no T_LOGOUT. */
static void evicted_after_accept(void **state)
{
	(void)state;
	start(false);
	on(CHAN_EV_ADMITTED, "connecting: ACCEPT(0)");
	on(CHAN_EV_EVICTED, "disconnecting: LOG DISCONNECT CLOSING ABORT_TASKS");
	on(CHAN_EV_ESTABLISHED, "disconnecting:"); /* E4 */
	on(CHAN_EV_DISCONNECTED, "draining: QP_ERROR POST_MARKER");
	ends_from_draining();
}

/* INV-3, 21, E20: the port is disabled between the two steps of the login, and later. */
static void port_disabled(void **state)
{
	(void)state;
	start(false);
	on(CHAN_EV_PORT_DISABLED, "draining: LOG REJECT(10001) " CLOSE);
	on(CHAN_EV_ADMITTED, "draining:"); /* came too late: no ACCEPT */
	ends_from_draining();

	go_live(true);
	on(CHAN_EV_PORT_DISABLED, "draining: LOG DISCONNECT " CLOSE);
	on(CHAN_EV_PORT_DISABLED, "draining:");
	on(CHAN_EV_DEVICE_REMOVAL, "draining:");
	ends_from_draining();

	go_live_and_talk(true);
	on(CHAN_EV_EVICTED, "disconnecting: LOG T_LOGOUT(4) DISCONNECT CLOSING ABORT_TASKS");
	on(CHAN_EV_PORT_DISABLED, "draining: LOG QP_ERROR POST_MARKER");
	ends_from_draining();
}

/* E15, E16 and a lost marker; the queue pair is destroyed once in each (INV-11, 12). */
static void marker(void **state)
{
	(void)state;
	go_live(false);
	on(CHAN_EV_QP_FATAL, "draining: LOG " CLOSE);
	on(CHAN_EV_WC_ERROR, "draining:");
	on(CHAN_EV_LAST_WQE, "draining:");
	ends_from_draining();

	go_live(false);
	on(CHAN_EV_WC_ERROR, "draining: LOG " CLOSE);
	on(CHAN_EV_MARKER_POST_FAILED, "disconnected: DESTROY_QP UNREGISTER_SESSION");
	on(CHAN_EV_SESSION_UNREGISTERED, "disconnected: DESTROY_ID RELEASE");

	go_live(false); /* work that never came back keeps its slots; they go with the queue pair */
	assert_true(chan_sq_reserve(&c, 2));
	on(CHAN_EV_ADDR_CHANGE, "draining: LOG " CLOSE);
	after(10 * SEC, "disconnected: LOG DESTROY_QP UNREGISTER_SESSION");
	on(CHAN_EV_SESSION_UNREGISTERED, "disconnected: DESTROY_ID RELEASE");
}

/* E7, E8, INV-29: no reason to keep the channel until its deadline. */
static void peer_refuses_reply(void **state)
{
	(void)state;
	start(true);
	on(CHAN_EV_ADMITTED, "connecting: ACCEPT(0)");
	on(CHAN_EV_REJECTED, "draining: LOG " CLOSE);
	ends_from_draining();
	start(true);
	on(CHAN_EV_ADMITTED, "connecting: ACCEPT(0)");
	on(CHAN_EV_UNREACHABLE, "draining: LOG " CLOSE);
	ends_from_draining();
}

static void other_ius(void **state)
{
	(void)state;
	go_live(false);
	recv_iu(CHAN_IU_I_LOGOUT, "disconnecting: LOG DROP#0 DISCONNECT CLOSING ABORT_TASKS");
	go_live(false);
	recv_iu(CHAN_IU_BAD, "disconnecting: VIOLATION DROP#0 T_LOGOUT(2) DISCONNECT CLOSING "
			     "ABORT_TASKS");
	assert_string_equal(c.why, "a bad one");
	go_live(false);
	recv_iu(CHAN_IU_AER_RSP, "disconnecting: VIOLATION DROP#0 T_LOGOUT(3) DISCONNECT CLOSING "
				 "ABORT_TASKS");
	start(false); /* before our reply there is nothing to disconnect */
	recv_iu(CHAN_IU_BAD, "draining: VIOLATION DROP#0 REJECT(10000) " CLOSE);
}

/* INV-24 */
static void send_queue_slots(void **state)
{
	(void)state;
	go_live(false);
	assert_false(chan_sq_reserve(&c, 4)); /* one is the marker's */
	assert_true(chan_sq_reserve(&c, 2));
	assert_false(chan_sq_reserve(&c, 2));
	assert_true(chan_sq_reserve(&c, 1));
	assert_false(chan_sq_reserve(&c, 1));
	assert_false(chan_sq_reserve(&c, UINT32_MAX));
	chan_sq_release(&c, 3);
	assert_true(chan_sq_reserve(&c, 3));
	chan_sq_release(&c, 3);
	on(CHAN_EV_DISCONNECTED, "draining: LOG " CLOSE);
	assert_false(chan_sq_reserve(&c, 1)); /* nothing goes behind the marker */
	ends_from_draining();
}

static void classify(void **state)
{
	uint8_t bytes[64] = { 0 };
	struct chan_iu iu;
	unsigned op;

	(void)state;
	for (op = 0; op < 256; op++) {
		bool known = op == SRP_OP_CMD || op == SRP_OP_TSK_MGMT || op == SRP_OP_I_LOGOUT ||
			     op == SRP_OP_CRED_RSP || op == SRP_OP_AER_RSP;

		bytes[0] = (uint8_t)op;
		chan_iu_classify(&iu, bytes, 48);
		assert_int_equal(iu.kind != CHAN_IU_BAD, known);
		assert_int_equal(iu.text != NULL, !known);
		chan_iu_classify(&iu, bytes, 15);
		assert_int_equal(iu.kind, CHAN_IU_BAD);
		chan_iu_classify(&iu, bytes, 0);
		assert_int_equal(iu.kind, CHAN_IU_BAD);
	}
	bytes[0] = SRP_OP_CMD;
	chan_iu_classify(&iu, bytes, 47);
	assert_int_equal(iu.kind, CHAN_IU_BAD);
	bytes[0] = SRP_OP_I_LOGOUT;
	chan_iu_classify(&iu, bytes, 16);
	assert_int_equal(iu.kind, CHAN_IU_I_LOGOUT);
	bytes[0] = SRP_OP_RSP;
	chan_iu_classify(&iu, bytes, 48);
	assert_int_equal(iu.logout, SRP_LOGOUT_INVALID_IU);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_life),
		cmocka_unit_test(refused),
		cmocka_unit_test(established_late),
		cmocka_unit_test(no_resources),
		cmocka_unit_test(kick_and_stall),
		cmocka_unit_test(parked_are_dropped),
		cmocka_unit_test(dreq_crossing),
		cmocka_unit_test(dreq_crossing_ours),
		cmocka_unit_test(disconnected_twice),
		cmocka_unit_test(silent_connecting),
		cmocka_unit_test(silent_later),
		cmocka_unit_test(evicted),
		cmocka_unit_test(evicted_before_accept),
		cmocka_unit_test(evicted_after_accept),
		cmocka_unit_test(port_disabled),
		cmocka_unit_test(marker),
		cmocka_unit_test(peer_refuses_reply),
		cmocka_unit_test(other_ius),
		cmocka_unit_test(send_queue_slots),
		cmocka_unit_test(classify),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
