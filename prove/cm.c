/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What the flavours share, and the flavour without a manager. */
#include "prove/cm.h"

#include "prove/choice.h"

const struct cm_ops *const cm_flavours[FLAVOUR_COUNT] = {
	[FLAVOUR_IB] = &cm_ib,   [FLAVOUR_RDMA] = &cm_rdma,   [FLAVOUR_IWARP] = &cm_iwarp,
	[FLAVOUR_ANY] = &cm_any, [FLAVOUR_FINAL] = &cm_final,
};

bool cm_room(const struct world *w)
{
	return w->cm.n_events < bound.n_events;
}

void cm_push(struct world *w, enum chan_ev ev)
{
	w->cm.events[w->cm.n_events++] = (uint8_t)ev;
	trace(1, "the CM reports %s", chan_ev_text(ev));
}

void cm_deliver(struct world *w)
{
	struct cm *cm = &w->cm;
	enum chan_ev ev = (enum chan_ev)cm->events[0];

	memmove(cm->events, cm->events + 1, WORLD_EVENTS - 1);
	cm->events[WORLD_EVENTS - 1] = 0;
	cm->n_events--;
	world_step(w, ev, 0, NULL);
}

/* --- any: whatever a connection manager may ever say, at any time --- */

static const enum chan_ev any_events[] = {
	CHAN_EV_ESTABLISHED, CHAN_EV_USER_ESTABLISHED, CHAN_EV_DISCONNECTED,  CHAN_EV_DREQ,
	CHAN_EV_DREP,        CHAN_EV_DREQ_ERROR,       CHAN_EV_TIMEWAIT_EXIT, CHAN_EV_MRA,
	CHAN_EV_REJECTED,    CHAN_EV_UNREACHABLE,
};

static bool any_can(const struct world *w, unsigned move)
{
	/* INV-3 is not the channel's alone: nothing is established that was not accepted */
	return any_events[move] > CHAN_EV_USER_ESTABLISHED || w->b.accepted;
}

static void any_run(struct world *w, unsigned move)
{
	world_step(w, any_events[move], 0, NULL);
}

static const char *any_text(unsigned move)
{
	return chan_ev_text(any_events[move]);
}

static bool any_call(struct world *w, enum cm_call call)
{
	(void)w;
	return call != CM_ACCEPT || !choose_bool();
}

static void any_normalise(struct world *w)
{
	(void)w;
}

const struct cm_ops cm_any = {
	.name = "any",
	.dreq_handshake = true,
	.n_moves = ARRAY_SIZE(any_events),
	.can = any_can,
	.run = any_run,
	.text = any_text,
	.call = any_call,
	.normalise = any_normalise,
};

const struct cm_ops cm_final = {
	.name = "final",
	.dreq_handshake = false,
	.n_moves = ARRAY_SIZE(any_events),
	.can = any_can,
	.run = any_run,
	.text = any_text,
	.call = any_call,
	.normalise = any_normalise,
};
