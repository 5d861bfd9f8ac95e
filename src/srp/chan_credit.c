/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The request limit of a channel and what we ask of the initiator ourselves: credits of aborted commands,
 * a limit that home changes while the channel lives, event reports. One request at a time (SRP-7.3).
 *
 * A limit grows by credits that ride on the next RSP or go out alone. It shrinks in three ways: what
 * we hold back already is not given out again; tasks that end do not return their credit; and what the
 * initiator holds idle is asked back by a CRED_REQ with a negative delta. That last one is in force when
 * the answer is here: until then the initiator may have used what it gave back, so its old limit is
 * kept, and @avail may pass below zero (docs/design/0009-credits-at-run-time.md).
 */
#include "base/check.h"
#include "srp/chan_table.h"
#include "wire/srp_logout.h"

/* How much of the limit still has to go, beyond what has been asked back. */
static uint32_t excess(const struct chan *c)
{
	const uint32_t stays = c->limit - c->revoking;

	return stays > c->want ? stays - c->want : 0;
}

/* Bring the limit as near to @want as it goes without the initiator. */
static void limit_adjust(struct chan *c)
{
	uint32_t kept = min_u32(c->saved, excess(c));

	c->saved -= kept;
	c->limit -= kept;
	if (!c->revoking && c->want > c->limit) {
		c->saved += c->want - c->limit;
		c->limit = c->want;
	}
}

uint32_t chan_credit_back(struct chan *c)
{
	uint32_t delta = 1 + c->saved;

	if (excess(c)) {
		c->limit--;
		return 0;
	}
	c->saved = 0;
	c->avail += (int32_t)delta;
	return delta;
}

void chan_credit_save(struct chan *c)
{
	c->saved++;
	limit_adjust(c);
}

/* Credits a CRED_REQ has to move; 0: none. Saved ones ride on an RSP when one will come. */
static int32_t delta_due(const struct chan *c)
{
	uint32_t over = excess(c);

	if (over)
		return c->avail > 0 ? -(int32_t)min_u32(over, (uint32_t)c->avail) : 0;
	return c->n_tasks || c->n_parked ? 0 : (int32_t)c->saved;
}

void chan_ask(struct chan *c, uint64_t now_ns, struct chan_actions *out)
{
	int32_t delta;

	if (c->asked != CHAN_ASK_NONE || c->ask_retry || !c->n_received)
		return;
	delta = delta_due(c);
	if (!delta && !c->aer_due)
		return;
	c->deadline_ns = chan_later(now_ns, c->answer_ns);
	if (!delta) {
		c->asked = CHAN_ASK_AER;
		c->aer_due = false;
		act(out, CHAN_ACT_SEND_AER_REQ, 0);
		return;
	}
	c->asked = CHAN_ASK_CRED;
	if (delta > 0) {
		c->saved = 0;
		c->avail += delta;
	} else {
		c->revoking = (uint32_t)-delta;
	}
	act(out, CHAN_ACT_SEND_CRED_REQ, (uint32_t)delta);
}

bool chan_answered(struct chan *c, enum chan_ask what)
{
	if (c->asked != what)
		return false;
	c->asked = CHAN_ASK_NONE;
	c->deadline_ns = UINT64_MAX;
	c->avail -= (int32_t)c->revoking;
	c->limit -= c->revoking;
	c->revoking = 0;
	limit_adjust(c);
	return true;
}

enum chan_state chan_on_ask_failed(struct chan *c, const struct chan_event *ev,
				   struct chan_actions *out)
{
	const int32_t delta = (int32_t)ev->value;

	(void)out;
	check(c->asked != CHAN_ASK_NONE);
	c->aer_due |= c->asked == CHAN_ASK_AER;
	c->asked = CHAN_ASK_NONE;
	if (delta > 0) {
		c->avail -= delta;
		c->saved += (uint32_t)delta;
	} else {
		check((uint32_t)-delta == c->revoking);
		c->revoking = 0;
	}
	limit_adjust(c); /* a task may have ended meanwhile, and saved what must go again */
	if (c->state == CHAN_LIVE) {
		c->ask_retry = true;
		c->deadline_ns = UINT64_MAX;
	}
	return c->state;
}

/* INV-23 */
enum chan_state chan_on_rsp_failed(struct chan *c, const struct chan_event *ev,
				   struct chan_actions *out)
{
	const int32_t delta = (int32_t)ev->value;

	(void)out;
	check(delta >= 0);
	c->n_tasks++;
	if (!delta) {
		c->limit++; /* it was withheld */
		limit_adjust(
			c); /* a task that ended meanwhile may have saved one that can go instead */
		return c->state;
	}
	c->avail -= delta;
	c->saved += (uint32_t)delta - 1;
	return c->state;
}

enum chan_state chan_on_set_limit(struct chan *c, const struct chan_event *ev,
				  struct chan_actions *out)
{
	check(ev->value >= 2 && ev->value <= c->max_limit);
	c->want = ev->value;
	if (!c->accepted) { /* nobody has been told the old one */
		c->avail += (int32_t)c->want - (int32_t)c->limit;
		c->limit = c->want;
		return c->state;
	}
	limit_adjust(c);
	if (c->state == CHAN_LIVE)
		chan_ask(c, ev->now_ns, out);
	return c->state;
}

enum chan_state chan_on_aer_due(struct chan *c, const struct chan_event *ev,
				struct chan_actions *out)
{
	check(!c->aer_due && c->asked != CHAN_ASK_AER);
	c->aer_due = true;
	if (c->state == CHAN_LIVE)
		chan_ask(c, ev->now_ns, out);
	return c->state;
}

/* INV-32: a request of ours does not wait for ever, or no other could follow it. */
enum chan_state chan_on_timer_live(struct chan *c, const struct chan_event *ev,
				   struct chan_actions *out)
{
	static const char text[] = "no answer to a request of the target";

	if (ev->now_ns < c->deadline_ns)
		return CHAN_LIVE;
	c->why = text;
	act_text(out, CHAN_ACT_VIOLATION, text);
	return chan_disconnect(c, out, SRP_LOGOUT_NONE);
}
