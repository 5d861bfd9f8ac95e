/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The lives of a channel as transcripts: event in, state and actions out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "srp/chan.h"
#include "wire/srp.h"
#include "wire/srp_login_rej.h"
#include "wire/srp_logout.h"

#define LIMIT     12u
#define MAX_LIMIT 17u
#define SEC       NSEC_PER_SEC

static struct chan c;
static struct chan_iu ius[64];
static unsigned n_ius;
static uint64_t now;

static void start(bool dreq_handshake)
{
	struct chan_config cfg = {
		.now_ns = now,
		.limit = LIMIT,
		.max_limit = MAX_LIMIT,
		.n_recv = MAX_LIMIT + 2,
		.sq_depth = 4,
		.dreq_handshake = dreq_handshake,
	};

	n_ius = 0;
	chan_init(&c, &cfg);
}

static void print_action(FILE *f, const struct chan_action *a)
{
	(void)fprintf(f, " %s", chan_act_text(a->type));
	switch (a->type) {
	case CHAN_ACT_SUBMIT:
	case CHAN_ACT_DROP:
	case CHAN_ACT_REPOST:
		(void)fprintf(f, "#%u", a->iu->seq);
		break;
	case CHAN_ACT_ACCEPT:
	case CHAN_ACT_SEND_RSP:
	case CHAN_ACT_T_LOGOUT:
		(void)fprintf(f, "(%u)", a->value);
		break;
	case CHAN_ACT_SEND_CRED_REQ:
		(void)fprintf(f, "(%d)", (int32_t)a->value);
		break;
	case CHAN_ACT_REJECT:
		(void)fprintf(f, "(%x)", a->value);
		break;
	default:
		break;
	}
}

static void step(struct chan_event ev, const char *want)
{
	struct chan_actions out;
	char have[512] = "";
	FILE *f = fmemopen(have, sizeof(have), "w");
	uint32_t i;

	assert_non_null(f);
	ev.now_ns = now;
	chan_step(&c, &ev, &out);
	chan_check_full(&c);
	(void)fprintf(f, "%s:", chan_state_text(c.state));
	for (i = 0; i < out.count; i++)
		print_action(f, &out.a[i]);
	(void)fclose(f);
	if (want)
		assert_string_equal(have, want);
}

static void on(enum chan_ev type, const char *want)
{
	step((struct chan_event){ .type = type }, want);
}

static void on_value(enum chan_ev type, uint32_t value, const char *want)
{
	step((struct chan_event){ .type = type, .value = value }, want);
}

static void recv_iu(enum chan_iu_kind kind, const char *want)
{
	struct chan_iu *iu = &ius[n_ius++ % 64];

	iu->kind = (uint8_t)kind;
	iu->text = "a bad one";
	iu->logout = SRP_LOGOUT_INVALID_IU;
	step((struct chan_event){ .type = CHAN_EV_RECV, .iu = iu }, want);
}

static void busy(unsigned seq, const char *want)
{
	step((struct chan_event){ .type = CHAN_EV_BUSY, .iu = &ius[seq] }, want);
}

static void task_ends(enum chan_ev how, const char *want)
{
	chan_recv_posted(&c);
	on(how, want);
}

static void after(uint64_t ns, const char *want)
{
	now += ns;
	on(CHAN_EV_TIMER, want);
}

static void go_live(bool dreq_handshake)
{
	start(dreq_handshake);
	on(CHAN_EV_ADMITTED, "connecting: ACCEPT(0)");
	on(CHAN_EV_ESTABLISHED, "live:");
}

/* Live, and the initiator has sent something: now it may be sent something too. */
static void go_live_and_talk(bool dreq_handshake)
{
	go_live(dreq_handshake);
	recv_iu(CHAN_IU_CMD, "live: SUBMIT#0");
	task_ends(CHAN_EV_RESPOND, "live: SEND_RSP(1)");
}

static void ends_from_draining(void)
{
	on(CHAN_EV_MARKER_DONE, "disconnected: UNREGISTER_SESSION");
	on(CHAN_EV_SESSION_UNREGISTERED, "disconnected: DESTROY_QP DESTROY_ID RELEASE");
	assert_true(c.released);
	assert_int_equal(chan_deadline_ns(&c), UINT64_MAX);
}

#define CLOSE "QP_ERROR CLOSING ABORT_TASKS POST_MARKER"

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
		cmocka_unit_test(credit_overrun),
		cmocka_unit_test(aborted_credit),
		cmocka_unit_test(credits_alone),
		cmocka_unit_test(limit_before_reply),
		cmocka_unit_test(limit_grows),
		cmocka_unit_test(limit_shrinks),
		cmocka_unit_test(limit_withheld),
		cmocka_unit_test(limit_withheld_failed),
		cmocka_unit_test(limit_below_zero),
		cmocka_unit_test(limit_below_zero_failed),
		cmocka_unit_test(limit_ask_failed),
		cmocka_unit_test(ask_failed_at_the_end),
		cmocka_unit_test(event_report),
		cmocka_unit_test(no_answer),
		cmocka_unit_test(marker),
		cmocka_unit_test(peer_refuses_reply),
		cmocka_unit_test(other_ius),
		cmocka_unit_test(send_queue_slots),
		cmocka_unit_test(classify),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
