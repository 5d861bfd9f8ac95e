/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The channel's traffic: receives, the wait list, tasks, send queue slots. */
#include "base/check.h"
#include "srp/chan_table.h"
#include "wire/srp_logout.h"

/* The peer broke a rule with @iu. */
static enum chan_state violation(struct chan *c, struct chan_iu *iu, struct chan_actions *out,
				 const char *text, uint32_t logout)
{
	c->why = text;
	act_text(out, CHAN_ACT_VIOLATION, text);
	act_iu(out, CHAN_ACT_DROP, iu);
	return chan_disconnect(c, out, logout);
}

static inline void submit(struct chan *c, struct chan_iu *iu, struct chan_actions *out)
{
	c->n_tasks++;
	act_iu(out, CHAN_ACT_SUBMIT, iu);
}

static void park(struct chan *c, struct chan_iu *iu)
{
	list_push(&c->parked, &iu->node);
	c->n_parked++;
}

void chan_drain_parked(struct chan *c, struct chan_actions *out)
{
	unsigned n;

	for (n = 0; n < CHAN_SUBMITS_MAX && c->n_parked; n++) {
		c->n_parked--;
		submit(c, list_entry(list_pop(&c->parked), struct chan_iu, node), out);
	}
	if (c->n_parked) {
		act(out, CHAN_ACT_KICK, 0);
		c->kick_pending = true;
	}
}

/* --- information units --- */

static const char text_overrun[] = "more requests than the request limit";
static const char text_no_request[] = "response to a request that was not made";

static inline void count_recv(struct chan *c, struct chan_iu *iu)
{
	check(c->n_recv); /* a receive completed that was never posted */
	c->n_recv--;
	c->n_received++;
	iu->seq = c->seq++;
}

enum chan_state chan_on_recv_early(struct chan *c, const struct chan_event *ev,
				   struct chan_actions *out)
{
	struct chan_iu *iu = ev->iu;

	count_recv(c, iu);
	switch (iu->kind) {
	case CHAN_IU_CMD:
	case CHAN_IU_TSK_MGMT:
		if (c->avail <= 0)
			return violation(c, iu, out, text_overrun, CHAN_NO_LOGOUT);
		c->avail--;
		park(c, iu);
		return CHAN_CONNECTING;
	case CHAN_IU_I_LOGOUT:
		chan_because(c, ev, out, "the initiator logged out");
		act_iu(out, CHAN_ACT_DROP, iu);
		return chan_disconnect(c, out, CHAN_NO_LOGOUT);
	case CHAN_IU_BAD:
		return violation(c, iu, out, iu->text, CHAN_NO_LOGOUT);
	default:
		return violation(c, iu, out, text_no_request, CHAN_NO_LOGOUT);
	}
}

static enum chan_state on_answer(struct chan *c, const struct chan_event *ev,
				 struct chan_actions *out, enum chan_ask what)
{
	if (!chan_answered(c, what))
		return violation(c, ev->iu, out, text_no_request, SRP_LOGOUT_SPURIOUS_RSP);
	act_iu(out, CHAN_ACT_REPOST, ev->iu);
	c->n_recv++;
	if (what == CHAN_ASK_AER)
		act(out, CHAN_ACT_AER_DONE, 0);
	chan_ask(c, ev->now_ns, out);
	return CHAN_LIVE;
}

/* What is neither CMD nor TSK_MGMT, on a live channel. Never consumes a credit. */
static enum chan_state on_recv_other(struct chan *c, const struct chan_event *ev,
				     struct chan_actions *out)
{
	struct chan_iu *iu = ev->iu;

	switch (iu->kind) {
	case CHAN_IU_I_LOGOUT:
		chan_because(c, ev, out, "the initiator logged out");
		act_iu(out, CHAN_ACT_DROP, iu);
		return chan_disconnect(c, out, CHAN_NO_LOGOUT);
	case CHAN_IU_CRED_RSP:
		return on_answer(c, ev, out, CHAN_ASK_CRED);
	case CHAN_IU_AER_RSP:
		return on_answer(c, ev, out, CHAN_ASK_AER);
	default:
		return violation(c, iu, out, iu->text, iu->logout);
	}
}

enum chan_state chan_on_recv(struct chan *c, const struct chan_event *ev, struct chan_actions *out)
{
	struct chan_iu *iu = ev->iu;

	count_recv(c, iu);
	if (iu->kind != CHAN_IU_CMD && iu->kind != CHAN_IU_TSK_MGMT)
		return on_recv_other(c, ev, out);
	if (c->avail <= 0)
		return violation(c, iu, out, text_overrun, SRP_LOGOUT_NONE);
	c->avail--;
	if (c->n_parked)
		park(c, iu); /* behind those that came before (INV-8) */
	else
		submit(c, iu, out);
	if (c->n_received == 1) /* now chan_may_send() */
		chan_ask(c, ev->now_ns, out);
	return CHAN_LIVE;
}

/* Receives may complete until the marker does; nothing of them is executed (INV-9). */
enum chan_state chan_on_recv_late(struct chan *c, const struct chan_event *ev,
				  struct chan_actions *out)
{
	count_recv(c, ev->iu);
	c->n_dropped++;
	act_iu(out, CHAN_ACT_DROP, ev->iu);
	return c->state;
}

enum chan_state chan_on_kick(struct chan *c, const struct chan_event *ev, struct chan_actions *out)
{
	(void)ev;
	check(c->kick_pending);
	c->kick_pending = false;
	if (!c->stalled)
		chan_drain_parked(c, out);
	return CHAN_LIVE;
}

enum chan_state chan_on_resources(struct chan *c, const struct chan_event *ev,
				  struct chan_actions *out)
{
	c->stalled = false;
	c->returned_tail = &c->parked;
	if (!c->kick_pending) /* else the KICK that is coming does it */
		chan_drain_parked(c, out);
	if (c->ask_retry) {
		c->ask_retry = false;
		chan_ask(c, ev->now_ns, out);
	}
	return CHAN_LIVE;
}

/*
 * A SUBMIT was refused: back to the front of the wait list, behind those of the same step that were
 * refused before it, so the order of arrival stays (INV-8).
 */
enum chan_state chan_on_busy(struct chan *c, const struct chan_event *ev, struct chan_actions *out)
{
	struct list *prev = c->returned_tail;
	struct list *next = prev->next;
	struct chan_iu *iu = ev->iu;

	(void)out;
	check(c->n_tasks);
	check(prev == &c->parked ||
	      (int32_t)(iu->seq - list_entry(prev, struct chan_iu, node)->seq) > 0);
	check(next == &c->parked ||
	      (int32_t)(iu->seq - list_entry(next, struct chan_iu, node)->seq) < 0);
	list_push(next, &iu->node); /* = in front of @next */
	c->returned_tail = &iu->node;
	c->n_tasks--;
	c->n_parked++;
	c->stalled = true;
	return CHAN_LIVE;
}

/* The channel was left while the SUBMITs of a step were run: the IU goes the way of the parked ones. */
enum chan_state chan_on_busy_late(struct chan *c, const struct chan_event *ev,
				  struct chan_actions *out)
{
	check(c->n_tasks);
	c->n_tasks--;
	c->saved++;
	c->n_dropped++;
	act_iu(out, CHAN_ACT_DROP, ev->iu);
	return c->state;
}

/* --- tasks --- */

enum chan_state chan_on_respond(struct chan *c, const struct chan_event *ev,
				struct chan_actions *out)
{
	(void)ev;
	check(c->n_tasks); /* INV-14: one answer a task */
	c->n_tasks--;
	act(out, CHAN_ACT_SEND_RSP, chan_credit_back(c));
	return CHAN_LIVE;
}

enum chan_state chan_on_respond_late(struct chan *c, const struct chan_event *ev,
				     struct chan_actions *out)
{
	(void)ev;
	check(c->n_tasks); /* INV-14 */
	c->n_tasks--;
	c->saved++;
	act(out, CHAN_ACT_DROP_RSP, 0);
	return c->state;
}

enum chan_state chan_on_task_aborted(struct chan *c, const struct chan_event *ev,
				     struct chan_actions *out)
{
	check(c->n_tasks); /* INV-14 */
	c->n_tasks--;
	chan_credit_save(c);
	if (c->state == CHAN_LIVE)
		chan_ask(c, ev->now_ns, out);
	return c->state;
}

struct chan_iu *chan_drop_parked(struct chan *c)
{
	struct list *n = list_pop(&c->parked);

	check(c->left);
	if (!n)
		return NULL;
	c->returned_tail = &c->parked;
	c->stalled = false;
	c->n_parked--;
	c->saved++;
	c->n_dropped++;
	return list_entry(n, struct chan_iu, node);
}

bool chan_sq_reserve(struct chan *c, unsigned n)
{
	if (c->state >= CHAN_DRAINING || n > c->sq_depth - 1 - c->sq_used)
		return false;
	c->sq_used += n;
	return true;
}

void chan_sq_release(struct chan *c, unsigned n)
{
	check(n <= c->sq_used); /* INV-12, INV-24 */
	c->sq_used -= n;
}
