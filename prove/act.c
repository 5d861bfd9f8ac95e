/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The caller's part: it carries out the channel's actions. Each may fail as chan.h allows, and at some of
 * them somebody may find the channel broken, or close it, before the action is done.
 */
#include "base/check.h"
#include "prove/choice.h"
#include "prove/cm.h"
#include "wire/srp_logout.h"

void world_slot_back(struct world *w)
{
	chan_sq_release(&w->chan, 1);
}

/* NOLINTBEGIN(misc-no-recursion): an action that fails is told by a step inside the step */

/* --- tasks --- */

void world_task_end(struct world *w, bool respond, bool bare)
{
	struct books *b = &w->b;

	if (!bare) {
		struct world_iu *wi = world_find(w, IU_TASK);

		/* behind the marker nothing is posted, but counted it is (INV-22) */
		wi->at = w->chan.state < CHAN_DRAINING ? IU_POSTED : IU_FREE;
		chan_recv_posted(&w->chan);
		b->n_bare++;
	}
	if (respond) {
		b->n_finished++;
		world_step(w, CHAN_EV_RESPOND, 0, NULL);
		return;
	}
	b->n_bare--;
	world_slot_back(w);
	world_step(w, CHAN_EV_TASK_ABORTED, 0, NULL);
}

static bool choose_bare(const struct world *w)
{
	bool bare = w->b.n_bare > w->b.n_finished;

	return bare && world_count(w, IU_TASK) ? choose_bool() : bare;
}

/* Some of the tasks that can end do so now; the others may later. */
static void end_some(struct world *w)
{
	while (world_idle(w) && choose_bool())
		world_task_end(w, false, choose_bare(w));
}

/* Where work for a command goes on, and may show that the queue pair is broken (chan.h). */
static const unsigned breakable =
	BIT(CHAN_ACT_SUBMIT) | BIT(CHAN_ACT_SEND_RSP) | BIT(CHAN_ACT_ABORT_TASKS);

/* Nothing is done for these but to write them down: before one is as good as before the next. */
static const unsigned silent = BIT(CHAN_ACT_CLOSING) | BIT(CHAN_ACT_KICK) | BIT(CHAN_ACT_AER_DONE) |
			       BIT(CHAN_ACT_COMM_EST) | BIT(CHAN_ACT_QP_ERROR) |
			       BIT(CHAN_ACT_DESTROY_ID) | BIT(CHAN_ACT_RELEASE) |
			       BIT(CHAN_ACT_VIOLATION) | BIT(CHAN_ACT_LOG);

/* Before an action is done something else happens that chan.h allows then. */
static void meanwhile(struct world *w, enum chan_act type)
{
	enum {
		NOTHING,
		RESPOND,
		ABORT,
		FATAL,
		CLOSE
	} can[5] = { NOTHING };
	unsigned n = 1;
	unsigned how;

	if (!w->b.n_breaks || silent & BIT(type))
		return;
	if (world_idle(w)) {
		can[n++] = RESPOND;
		can[n++] = ABORT;
	}
	if (breakable & BIT(type) && w->chan.state < CHAN_DRAINING)
		can[n++] = FATAL;
	if (breakable & BIT(type) && w->chan.state < CHAN_DISCONNECTING)
		can[n++] = CLOSE;
	how = can[choose(n)];
	if (how == NOTHING)
		return;
	w->b.n_breaks--;
	if (how == FATAL)
		world_step(w, CHAN_EV_QP_FATAL, 0, NULL);
	else if (how == CLOSE)
		world_step(w, CHAN_EV_CLOSE_SESSION, SRP_LOGOUT_NONE, NULL);
	else
		world_task_end(w, how == RESPOND, choose_bare(w));
}

/* A slot for something, and whatever else it needs: there may be none of that. */
static bool reserve(struct world *w)
{
	if (!chan_sq_reserve(&w->chan, 1))
		return false;
	if (!choose_bool())
		return true;
	world_slot_back(w);
	return false;
}

static void submit(struct world *w, struct world_iu *wi)
{
	unsigned i;

	if (!chan_may_submit(&w->chan) || !reserve(w)) {
		must(w->b.saw_busy || w->chan.state != CHAN_LIVE || chan_may_submit(&w->chan),
		     "INV-10", "an IU is given out that may not be taken");
		w->b.saw_busy = true;
		world_step(w, CHAN_EV_BUSY, 0, &wi->iu);
		return;
	}
	must(!w->b.did_closing, "INV-9", "an IU is executed after CLOSING");
	must(w->chan.state == CHAN_LIVE, "INV-9", "an IU is executed outside LIVE");
	for (i = 0; i < bound.n_recv; i++)
		must(w->iu[i].at != IU_CORE || w->iu[i].order >= wi->order, "INV-8",
		     "an IU overtakes one that arrived before it");
	wi->at = IU_TASK;
	/* one that makes no sense is answered at once, one that needs nothing may end at once */
	switch (choose(3)) {
	case 1:
		world_task_end(w, true, false);
		break;
	case 2:
		world_task_end(w, false, false);
		break;
	default:
		break;
	}
}

/* --- sending --- */

static void send_rsp(struct world *w, uint32_t delta)
{
	struct books *b = &w->b;

	b->n_finished--;
	books_pending(w, 1 - (int32_t)delta);
	if (b->did_marker || choose_bool()) {
		world_step(w, CHAN_EV_RSP_POST_FAILED, delta, NULL);
		return;
	}
	books_grant(w, (int32_t)delta, true);
	b->n_bare--;
	b->n_sends++; /* in the slot of its task */
}

static void drop_rsp(struct world *w)
{
	w->b.n_finished--;
	w->b.n_bare--;
	world_slot_back(w);
}

static void send_ask(struct world *w, enum chan_ask what, uint32_t delta)
{
	struct books *b = &w->b;

	books_pending(w, -(int32_t)delta);
	if (!chan_may_send(&w->chan) || !reserve(w)) {
		world_step(w, CHAN_EV_ASK_FAILED, delta, NULL);
		return;
	}
	must(b->heard, "SRP-7", "something is sent before the peer sent anything");
	must(!b->peer_asked, "SRP-7.3", "a second request while one is unanswered");
	b->n_sends++;
	b->peer_asked = (uint8_t)what;
	books_grant(w, (int32_t)delta, false);
}

static void send_logout(struct world *w)
{
	if (reserve(w))
		w->b.n_sends++;
}

static void post_marker(struct world *w)
{
	if (choose_bool())
		world_step(w, CHAN_EV_MARKER_POST_FAILED, 0, NULL);
	else
		w->b.marker = true;
}

/* --- the end --- */

static void drop_parked(struct world *w)
{
	struct chan_iu *iu;

	while ((iu = chan_drop_parked(&w->chan)))
		container_of(iu, struct world_iu, iu)->at = IU_FREE;
}

static void destroy_qp(struct world *w)
{
	struct books *b = &w->b;

	b->marker = false;
	for (; b->n_sends; b->n_sends--)
		world_slot_back(w);
	for (; b->n_data; b->n_data--)
		world_slot_back(w);
	end_some(w);
}

static void unregister(struct world *w)
{
	w->b.unregister = true;
	if (world_tasks(w) || world_count(w, IU_CORE) || !choose_bool())
		return;
	w->b.unregister = false;
	w->b.unregistered = true;
	world_step(w, CHAN_EV_SESSION_UNREGISTERED, 0, NULL);
}

static void accept(struct world *w)
{
	if (!cm_ops()->call(w, CM_ACCEPT)) {
		world_step(w, CHAN_EV_ACCEPT_FAILED, 0, NULL);
		return;
	}
	w->b.accepted = true;
	/* what the reply says, but for requests that came before it */
	w->b.peer_lim = (int8_t)((int)w->chan.limit - (int)world_count(w, IU_CORE));
	must(w->chan.limit == w->b.want, "INV-22", "the reply grants another limit than was set");
}

static void repost(struct world *w, struct world_iu *wi)
{
	bool fails = choose_bool();

	wi->at = fails ? IU_FREE : IU_POSTED;
	w->b.broken |= fails; /* to be told after the actions of this step */
}

void world_act(struct world *w, const struct chan_action *a)
{
	meanwhile(w, a->type);
	switch (a->type) {
	case CHAN_ACT_ACCEPT:
		accept(w);
		break;
	case CHAN_ACT_REJECT:
		(void)cm_ops()->call(w, CM_REJECT);
		break;
	case CHAN_ACT_SUBMIT:
		submit(w, container_of(a->iu, struct world_iu, iu));
		break;
	case CHAN_ACT_REPOST:
		repost(w, container_of(a->iu, struct world_iu, iu));
		break;
	case CHAN_ACT_DROP:
		container_of(a->iu, struct world_iu, iu)->at = IU_FREE;
		break;
	case CHAN_ACT_DROP_PARKED:
		drop_parked(w);
		break;
	case CHAN_ACT_SEND_RSP:
		send_rsp(w, a->value);
		break;
	case CHAN_ACT_DROP_RSP:
		drop_rsp(w);
		break;
	case CHAN_ACT_SEND_CRED_REQ:
		send_ask(w, CHAN_ASK_CRED, a->value);
		break;
	case CHAN_ACT_SEND_AER_REQ:
		send_ask(w, CHAN_ASK_AER, 0);
		break;
	case CHAN_ACT_T_LOGOUT:
		send_logout(w);
		break;
	case CHAN_ACT_DISCONNECT:
		(void)cm_ops()->call(w, CM_DISCONNECT);
		break;
	case CHAN_ACT_SEND_DREP:
		(void)cm_ops()->call(w, CM_DREP);
		break;
	case CHAN_ACT_POST_MARKER:
		post_marker(w);
		break;
	case CHAN_ACT_ABORT_TASKS:
		end_some(w);
		break;
	case CHAN_ACT_UNREGISTER_SESSION:
		unregister(w);
		break;
	case CHAN_ACT_DESTROY_QP:
		destroy_qp(w);
		break;
	case CHAN_ACT_KICK:
	case CHAN_ACT_AER_DONE:
	case CHAN_ACT_COMM_EST:
	case CHAN_ACT_CLOSING:
	case CHAN_ACT_QP_ERROR:
	case CHAN_ACT_DESTROY_ID:
	case CHAN_ACT_RELEASE:
	case CHAN_ACT_VIOLATION:
	case CHAN_ACT_LOG:
		break; /* the books have it */
	case CHAN_ACT_COUNT:
		check_unreachable();
	}
}
/* NOLINTEND(misc-no-recursion) */
