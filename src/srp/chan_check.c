/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What is true of a channel between two steps, and the names of its states, events and actions. */
#include "base/check.h"
#include "srp/chan.h"

static void check_credits(const struct chan *c)
{
	/* INV-22, in 64 bits so that no wrap can hide a loss */
	check((int64_t)c->avail + c->n_tasks + c->n_parked + c->saved == c->limit);
	check(c->limit <= c->max_limit && c->want <= c->max_limit);
	/* INV-22: a receive for each credit that is out and for each answer that is owed */
	if (c->state <= CHAN_LIVE)
		check((int64_t)c->n_recv >= (int64_t)c->avail + (c->asked != CHAN_ASK_NONE));
	/* what was asked back is part of the limit until the answer is here */
	check(!c->revoking || (c->asked == CHAN_ASK_CRED && c->revoking < c->limit));
	/* a smaller limit is nothing to be given out; a larger one is nothing to wait for */
	if (c->state == CHAN_LIVE && c->limit - c->revoking > c->want)
		check(!c->saved);
	if (c->state == CHAN_LIVE && !c->revoking)
		check(c->limit >= c->want);
	check(!c->ask_retry || (c->state == CHAN_LIVE && c->asked == CHAN_ASK_NONE));
}

static void check_wait_list(const struct chan *c)
{
	check(list_empty(&c->parked) == !c->n_parked);
	/* INV-8: something was given back, so something is parked */
	check(!c->stalled || c->n_parked || c->left);
	/* INV-10: who waits will be woken, by KICK or by RESOURCES */
	if (c->state == CHAN_LIVE && c->n_parked)
		check(c->stalled || c->kick_pending);
	/* INV-9: before LIVE nothing has been handed out */
	if (c->state == CHAN_CONNECTING)
		check(!c->n_tasks && !c->kick_pending && !c->stalled);
}

static void check_life(const struct chan *c)
{
	/* INV-3: LIVE only after an admitted login and our reply */
	if (c->state == CHAN_LIVE)
		check(c->accepted);
	check(!c->accepted || !c->admission_pending);
	/* INV-9: from DISCONNECTING on the port and the tasks have been told */
	check((c->state >= CHAN_DISCONNECTING) == c->left);
	/* INV-9, INV-14: nothing parked outlives the queue pair */
	check(c->state < CHAN_DISCONNECTED || !c->n_parked);
	/* INV-11, INV-12 */
	check(!c->qp_destroyed || c->state == CHAN_DISCONNECTED);
	check(!c->abandoned || c->qp_destroyed);
	/* INV-13, INV-14: unregistered last, with no task left */
	check(!c->unregistered || (c->qp_destroyed && !c->n_tasks));
	/* INV-17: the memory goes after session, queue pair and the port's answer */
	check(!c->released || (c->unregistered && !c->admission_pending));
	/* INV-28, INV-29, INV-32: who waits for others has a deadline */
	check((c->released || (c->state == CHAN_LIVE && c->asked == CHAN_ASK_NONE)) ==
	      (c->deadline_ns == UINT64_MAX));
}

void chan_check(const struct chan *c)
{
	check_credits(c);
	check_wait_list(c);
	check_life(c);
	check(c->sq_used < c->sq_depth); /* INV-24 */
}

void chan_check_full(const struct chan *c)
{
	const struct list *n;
	const struct chan_iu *before = NULL;
	uint32_t count = 0;
	bool tail_seen = c->returned_tail == &c->parked;

	chan_check(c);
	list_for_each (n, &c->parked) {
		const struct chan_iu *iu = list_entry(n, struct chan_iu, node);

		check(iu->kind == CHAN_IU_CMD || iu->kind == CHAN_IU_TSK_MGMT);
		check(!before || (int32_t)(iu->seq - before->seq) > 0); /* INV-8 */
		check((int32_t)(c->seq - iu->seq) > 0);
		tail_seen |= c->returned_tail == n;
		before = iu;
		count++;
	}
	check(count == c->n_parked);
	check(tail_seen);
}

const char *chan_state_text(enum chan_state s)
{
	static const char *const text[CHAN_STATE_COUNT] = {
		[CHAN_CONNECTING] = "connecting",       [CHAN_LIVE] = "live",
		[CHAN_DISCONNECTING] = "disconnecting", [CHAN_DRAINING] = "draining",
		[CHAN_DISCONNECTED] = "disconnected",
	};

	return (unsigned)s < CHAN_STATE_COUNT ? text[s] : "unknown state";
}

#define NAME(prefix, what) [prefix##what] = #what

const char *chan_ev_text(enum chan_ev e)
{
	static const char *const text[CHAN_EV_COUNT] = {
		NAME(CHAN_EV_, ADMITTED),
		NAME(CHAN_EV_, REFUSED),
		NAME(CHAN_EV_, ACCEPT_FAILED),
		NAME(CHAN_EV_, ESTABLISHED),
		NAME(CHAN_EV_, USER_ESTABLISHED),
		NAME(CHAN_EV_, COMM_EST),
		NAME(CHAN_EV_, RECV),
		NAME(CHAN_EV_, KICK),
		NAME(CHAN_EV_, RESOURCES),
		NAME(CHAN_EV_, BUSY),
		NAME(CHAN_EV_, RESPOND),
		NAME(CHAN_EV_, RSP_POST_FAILED),
		NAME(CHAN_EV_, TASK_ABORTED),
		NAME(CHAN_EV_, ASK_FAILED),
		NAME(CHAN_EV_, SET_LIMIT),
		NAME(CHAN_EV_, AER_DUE),
		NAME(CHAN_EV_, DISCONNECTED),
		NAME(CHAN_EV_, DREQ),
		NAME(CHAN_EV_, DREP),
		NAME(CHAN_EV_, DREQ_ERROR),
		NAME(CHAN_EV_, TIMEWAIT_EXIT),
		NAME(CHAN_EV_, MRA),
		NAME(CHAN_EV_, REJECTED),
		NAME(CHAN_EV_, UNREACHABLE),
		NAME(CHAN_EV_, MARKER_DONE),
		NAME(CHAN_EV_, MARKER_POST_FAILED),
		NAME(CHAN_EV_, WC_ERROR),
		NAME(CHAN_EV_, LAST_WQE),
		NAME(CHAN_EV_, QP_FATAL),
		NAME(CHAN_EV_, PORT_DISABLED),
		NAME(CHAN_EV_, CLOSE_SESSION),
		NAME(CHAN_EV_, EVICTED),
		NAME(CHAN_EV_, DEVICE_REMOVAL),
		NAME(CHAN_EV_, ADDR_CHANGE),
		NAME(CHAN_EV_, SESSION_UNREGISTERED),
		NAME(CHAN_EV_, PORT_CHANGE),
		NAME(CHAN_EV_, TIMER),
	};

	return (unsigned)e < CHAN_EV_COUNT ? text[e] : "unknown event";
}

const char *chan_act_text(enum chan_act a)
{
	static const char *const text[CHAN_ACT_COUNT] = {
		NAME(CHAN_ACT_, ACCEPT),
		NAME(CHAN_ACT_, REJECT),
		NAME(CHAN_ACT_, COMM_EST),
		NAME(CHAN_ACT_, CLOSING),
		NAME(CHAN_ACT_, SUBMIT),
		NAME(CHAN_ACT_, REPOST),
		NAME(CHAN_ACT_, DROP),
		NAME(CHAN_ACT_, DROP_PARKED),
		NAME(CHAN_ACT_, KICK),
		NAME(CHAN_ACT_, SEND_RSP),
		NAME(CHAN_ACT_, DROP_RSP),
		NAME(CHAN_ACT_, SEND_CRED_REQ),
		NAME(CHAN_ACT_, SEND_AER_REQ),
		NAME(CHAN_ACT_, AER_DONE),
		NAME(CHAN_ACT_, T_LOGOUT),
		NAME(CHAN_ACT_, DISCONNECT),
		NAME(CHAN_ACT_, SEND_DREP),
		NAME(CHAN_ACT_, QP_ERROR),
		NAME(CHAN_ACT_, POST_MARKER),
		NAME(CHAN_ACT_, ABORT_TASKS),
		NAME(CHAN_ACT_, UNREGISTER_SESSION),
		NAME(CHAN_ACT_, DESTROY_QP),
		NAME(CHAN_ACT_, DESTROY_ID),
		NAME(CHAN_ACT_, RELEASE),
		NAME(CHAN_ACT_, VIOLATION),
		NAME(CHAN_ACT_, LOG),
	};

	return (unsigned)a < CHAN_ACT_COUNT ? text[a] : "unknown action";
}
