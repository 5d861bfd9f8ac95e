/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What must hold, judged by what was seen from outside: the channel's own checks are not asked. INV-n
 * are those of docs/spec/session.md. INV-6, 7, 20, 21, 25 and 31 are about several channels, INV-15, 26
 * and 30 about the caller and the provider: they cannot be seen here. INV-27 holds since there is one marker.
 * INV-28, 29 and 32 are live.c's, but for the deadlines below.
 */
#include "prove/world.h"

#include "base/check.h"

#define A(act) BIT(CHAN_ACT_##act)

/* Actions that need a queue pair; and those that need the connection's id. A SEND that an earlier action of
 * its step overtook is given back by the caller, so it is judged where it is posted: books_grant(). */
static const unsigned needs_qp =
	A(REPOST) | A(T_LOGOUT) | A(QP_ERROR) | A(POST_MARKER) | A(DESTROY_QP);
static const unsigned needs_id =
	A(ACCEPT) | A(REJECT) | A(COMM_EST) | A(DISCONNECT) | A(SEND_DREP) | A(DESTROY_ID);
/* Actions that put a work request behind the others. */
static const unsigned posts = A(REPOST) | A(T_LOGOUT) | A(POST_MARKER);

#define DEADLINE_MAX_NS (60 * NSEC_PER_SEC)

/* Credits in the peer's hands: those it may use, and the requests it used them for. */
static int used(const struct world *w)
{
	int n = w->b.peer_lim + (int)world_tasks(w);
	unsigned i;

	for (i = 0; i < bound.n_recv; i++)
		n += w->iu[i].at == IU_CORE && w->iu[i].iu.kind <= CHAN_IU_TSK_MGMT;
	return n;
}

void books_pending(struct world *w, int change)
{
	w->b.pending = (int8_t)(w->b.pending + change);
}

/* How far an event brings a channel at least: E-n of docs/spec/session.md, in our own words. */
static const enum chan_state leads_to[CHAN_EV_COUNT] = {
	[CHAN_EV_REFUSED] = CHAN_DRAINING,
	[CHAN_EV_ACCEPT_FAILED] = CHAN_DRAINING,
	[CHAN_EV_ESTABLISHED] = CHAN_LIVE,
	[CHAN_EV_USER_ESTABLISHED] = CHAN_LIVE,
	[CHAN_EV_DISCONNECTED] = CHAN_DISCONNECTING,
	[CHAN_EV_DREQ] = CHAN_DISCONNECTING,
	[CHAN_EV_TIMEWAIT_EXIT] = CHAN_DRAINING,
	[CHAN_EV_REJECTED] = CHAN_DRAINING,
	[CHAN_EV_UNREACHABLE] = CHAN_DRAINING,
	[CHAN_EV_MARKER_DONE] = CHAN_DISCONNECTED,
	[CHAN_EV_MARKER_POST_FAILED] = CHAN_DISCONNECTED,
	[CHAN_EV_WC_ERROR] = CHAN_DRAINING,
	[CHAN_EV_QP_FATAL] = CHAN_DRAINING,
	[CHAN_EV_PORT_DISABLED] = CHAN_DRAINING,
	[CHAN_EV_CLOSE_SESSION] = CHAN_DISCONNECTING,
	[CHAN_EV_EVICTED] = CHAN_DISCONNECTING,
	[CHAN_EV_DEVICE_REMOVAL] = CHAN_DRAINING,
	[CHAN_EV_ADDR_CHANGE] = CHAN_DRAINING,
	[CHAN_EV_SESSION_UNREGISTERED] = CHAN_DISCONNECTED,
};

static bool has_action(const struct chan_actions *out, enum chan_act type)
{
	uint32_t i;

	for (i = 0; i < out->count; i++)
		if (out->a[i].type == type)
			return true;
	return false;
}

void books_stepped(struct world *w, enum chan_ev ev, enum chan_state before,
		   const struct chan_actions *out)
{
	uint32_t i;

	must(w->chan.state >= before, "INV-1", "a state is entered again");
	must(w->chan.state >= leads_to[ev], "E", "an event that ends the state does not");
	must(w->chan.dreq_handshake || ev != CHAN_EV_DISCONNECTED || w->chan.state >= CHAN_DRAINING,
	     "E9", "the connection is gone and it waits for an answer");
	must(ev != CHAN_EV_DREQ || has_action(out, CHAN_ACT_SEND_DREP), "E9",
	     "a DREQ stays without an answer");
	for (i = 0; i < out->count; i++) {
		int32_t delta = (int32_t)out->a[i].value;

		if (out->a[i].type == CHAN_ACT_SEND_RSP)
			books_pending(w, delta - 1);
		if (out->a[i].type != CHAN_ACT_SEND_CRED_REQ)
			continue;
		books_pending(w, delta);
		must(delta > 0 || used(w) + w->b.pending >= w->b.want, "INV-22",
		     "more credits are asked back than must go");
	}
}

static unsigned slots(const struct world *w)
{
	return world_tasks(w) + w->b.n_data + w->b.n_sends;
}

/* May come once; remembers that it came. */
static void once(bool *did, const char *text)
{
	must(!*did, "INV-2", text);
	*did = true;
}

static void act_login(struct world *w, const struct chan_action *a)
{
	struct books *b = &w->b;

	if (a->type == CHAN_ACT_ACCEPT) {
		once(&b->did_accept, "accepted twice");
		must(b->admitted, "INV-3", "accepted without the port's consent");
		must(!b->did_reject && !b->did_closing && !b->disabled, "INV-3",
		     "accepted after its end began");
		must(w->chan.state == CHAN_CONNECTING, "INV-3", "accepted outside CONNECTING");
		must((int)world_count(w, IU_POSTED) > b->want - (int)world_count(w, IU_CORE),
		     "INV-5", "accepted without all receives");
	} else {
		once(&b->did_reject, "rejected twice");
		must(!b->did_accept, "INV-3", "rejected what was accepted");
		must(a->value, "SRP-2.9", "rejected without a reason");
	}
}

static void act_drain(struct world *w, const struct chan_action *a)
{
	struct books *b = &w->b;

	switch (a->type) {
	case CHAN_ACT_QP_ERROR:
		once(&b->did_error, "queue pair to error twice");
		break;
	case CHAN_ACT_POST_MARKER:
		once(&b->did_marker, "a second marker");
		must(b->did_error, "INV-11", "marker before the queue pair is in error");
		must(slots(w) < bound.sq_depth, "INV-24", "no slot left for the marker");
		break;
	case CHAN_ACT_UNREGISTER_SESSION:
		must(!b->did_unregister, "INV-13", "unregistered twice");
		b->did_unregister = true;
		must(b->drained || b->did_destroy_qp, "INV-11",
		     "unregistered while work may complete");
		must(b->did_closing && b->did_abort, "INV-9",
		     "unregistered without the end of serving");
		break;
	case CHAN_ACT_DESTROY_QP:
		once(&b->did_destroy_qp, "queue pair destroyed twice");
		must(b->did_error, "INV-16", "queue pair destroyed in the middle of its life");
		break;
	case CHAN_ACT_DESTROY_ID:
		must(!b->did_destroy_id, "INV-17", "id destroyed twice");
		b->did_destroy_id = true;
		must(b->did_destroy_qp, "INV-19", "id destroyed before the queue pair");
		must(b->unregistered, "INV-19", "id destroyed before the session");
		break;
	default:
		break;
	}
}

static void act_release(struct world *w)
{
	struct books *b = &w->b;

	must(b->did_destroy_id, "INV-19", "released before its id");
	must(b->unregistered, "INV-13", "released with its session");
	must(b->answered, "INV-18", "released while the port's answer is on its way");
	must(!world_tasks(w) && !world_count(w, IU_CORE), "INV-14",
	     "released with a task or an IU");
	must(!slots(w), "INV-12", "released with work posted");
	b->released = true;
}

static void act_leave(struct world *w, const struct chan_action *a)
{
	struct books *b = &w->b;

	switch (a->type) {
	case CHAN_ACT_CLOSING:
		once(&b->did_closing, "CLOSING twice");
		break;
	case CHAN_ACT_ABORT_TASKS:
		once(&b->did_abort, "ABORT_TASKS twice");
		must(b->did_closing, "INV-9", "tasks aborted while serving");
		break;
	case CHAN_ACT_T_LOGOUT:
		once(&b->did_logout, "T_LOGOUT twice");
		must(b->did_accept && !b->did_disconnect && !b->did_closing, "INV-4",
		     "T_LOGOUT without a connection");
		must(b->heard, "SRP-7", "something is sent before the peer sent anything");
		break;
	case CHAN_ACT_DISCONNECT:
		once(&b->did_disconnect, "disconnected twice");
		must(b->did_accept, "INV-4", "disconnected before it was accepted");
		must(!b->did_error, "INV-2", "disconnected after its queue pair was given up");
		break;
	default:
		break;
	}
}

void books_act(struct world *w, const struct chan_action *a)
{
	struct books *b = &w->b;

	must(!b->released, "INV-18", "an action after RELEASE");
	must(!b->did_destroy_qp || !(needs_qp & BIT(a->type)), "INV-16",
	     "the queue pair is used after its end");
	must(!b->did_destroy_id || !((needs_id | needs_qp) & BIT(a->type)), "INV-18",
	     "the connection is used after its end");
	must(!b->did_marker || !(posts & BIT(a->type)), "INV-11",
	     "something is posted behind the marker");
	switch (a->type) {
	case CHAN_ACT_ACCEPT:
	case CHAN_ACT_REJECT:
		act_login(w, a);
		break;
	case CHAN_ACT_KICK:
		must(!b->kick, "INV-10", "a second KICK");
		b->kick = true;
		break;
	case CHAN_ACT_COMM_EST:
		b->notify = true;
		break;
	case CHAN_ACT_AER_DONE:
		must(b->aer, "AER", "a report is done that nobody made");
		b->aer = false;
		break;
	case CHAN_ACT_SEND_CRED_REQ:
		must(a->value, "INV-22", "a CRED_REQ for nothing");
		break;
	case CHAN_ACT_RELEASE:
		act_release(w);
		break;
	default:
		act_leave(w, a);
		act_drain(w, a);
		break;
	}
}

/* --- between two moves --- */

void books_grant(struct world *w, int32_t delta, bool rsp)
{
	struct books *b = &w->b;
	int after = used(w) + delta - rsp;

	must(!b->did_marker && !b->did_destroy_qp, "INV-11", "something is sent behind the marker");
	must(delta >= 0 || !rsp, "INV-22", "credits are asked back where nobody answers");
	/* what is asked back at this moment is as good as gone */
	must(delta <= 0 || after + b->peer_delta + b->pending <= b->want, "INV-22",
	     "more credits are given than home wants");
	if (delta < 0) {
		must(-delta <= b->peer_lim, "INV-22",
		     "credits are asked back that the peer does not have");
		b->peer_delta = (int8_t)delta; /* it may use them until it answers */
	} else {
		b->peer_lim = (int8_t)(b->peer_lim + delta);
	}
}

static void between_credits(const struct world *w)
{
	const struct books *b = &w->b;
	const struct chan *c = &w->chan;
	unsigned may_come =
		(b->peer_lim > 0 ? (unsigned)b->peer_lim : 0) + (b->peer_asked != CHAN_ASK_NONE);
	bool can_ask =
		c->state == CHAN_LIVE && b->heard && !b->peer_asked && !chan_wants_resources(c);

	if (b->accepted) {
		must(c->avail == b->peer_lim, "INV-22", "the peer's request limit is not ours");
		must(used(w) <= (int)bound.max_limit, "INV-22", "more credits than can be granted");
		must(world_count(w, IU_POSTED) >= may_come, "INV-22",
		     "more messages may come than receives are posted");
	}
	must(world_count(w, IU_POSTED) == c->n_recv, "INV-22", "receives are miscounted");
	if (can_ask && !world_tasks(w) && !world_count(w, IU_CORE))
		must(b->peer_lim == (int)b->want, "INV-22",
		     "no request is left to bring the limit to what home wants");
	if (can_ask) /* those in use go as their tasks end */
		must(b->peer_lim <= b->want, "INV-22",
		     "idle credits that must go are not asked back");
	if (can_ask)
		must(!b->aer, "AER", "a report waits and nothing is in its way");
}

static void between_state(const struct world *w)
{
	const struct books *b = &w->b;
	const struct chan *c = &w->chan;
	uint64_t deadline_ns = chan_deadline_ns(c);

	if (c->state == CHAN_CONNECTING)
		must(!world_tasks(w), "INV-9", "a task before LIVE");
	if (c->state == CHAN_LIVE) {
		must(b->accepted, "INV-3", "live without our reply");
		must(!world_count(w, IU_CORE) || b->kick || chan_wants_resources(c), "INV-10",
		     "a parked IU that nobody will wake");
	} else if (c->state < CHAN_DISCONNECTED) {
		must(deadline_ns != UINT64_MAX && deadline_ns <= b->now_ns + DEADLINE_MAX_NS,
		     "INV-32", "a wait without a deadline");
	}
	must((c->state >= CHAN_DISCONNECTING) == (b->did_closing && b->did_abort), "INV-9",
	     "it serves no more and nobody was told");
	must((c->state >= CHAN_DRAINING) == (b->did_error && b->did_marker), "INV-11",
	     "draining without a marker");
	must((c->state == CHAN_DISCONNECTED) == b->did_unregister, "INV-13",
	     "disconnected with a session");
	must(!b->did_destroy_id || !world_tasks(w), "INV-14", "a task outlives the connection");
	/* the caller would step RESOURCES, which it may not after RELEASE */
	must(c->state <= CHAN_LIVE || !chan_wants_resources(c), "INV-18",
	     "it ends and waits for resources");
	must(b->released == c->released, "INV-18", "released without a word");
}

void books_between(const struct world *w)
{
	const struct chan *c = &w->chan;

	must(!w->b.n_finished && !w->b.pending, "INV-14", "a task ended halfway");
	must(world_count(w, IU_CORE) == c->n_parked, "INV-14", "an IU was forgotten");
	must(c->state < CHAN_DISCONNECTING || !c->n_parked, "INV-9",
	     "an IU stays parked after the end of serving");
	must(world_tasks(w) == c->n_tasks, "INV-14", "tasks are miscounted");
	must(slots(w) == c->sq_used, "INV-12", "slots are miscounted");
	must(slots(w) < bound.sq_depth, "INV-24", "no slot left for the marker");
	between_state(w);
	if (c->state <= CHAN_LIVE)
		between_credits(w);
}
