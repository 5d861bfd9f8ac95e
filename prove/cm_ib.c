/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The passive side of the InfiniBand connection manager, and RDMA/CM, which is the same one behind a
 * filter. States and what a message does in them are those of the Linux CM.
 */
#include "base/check.h"
#include "prove/choice.h"
#include "prove/cm.h"

enum ib_state {
	IB_REQ_RCVD, /* the first: a REQ came, we have not answered */
	IB_REP_SENT,
	IB_MRA_RCVD, /* the peer wants more time for its RTU */
	IB_ESTABLISHED,
	IB_DREQ_SENT,
	IB_DREQ_RCVD,
	IB_TIMEWAIT,
	IB_IDLE, /* over; also after a REJ of either side */
	IB_GONE, /* with the device */
	IB_STATE_COUNT
};

enum ib_msg {
	IB_RTU,
	IB_MRA,
	IB_REJ,
	IB_DREQ,
	IB_DREP,
	IB_MSG_COUNT
};

#define OUR_DREQ BIT(IB_MSG_COUNT) /* in cm.sent: ours, not the peer's */

enum ib_move {
	MOVE_SEND,                                 /* + message: the peer sends it */
	MOVE_ARRIVE = MOVE_SEND + IB_MSG_COUNT,    /* + message: it arrives, once more or first */
	MOVE_TIMEOUT = MOVE_ARRIVE + IB_MSG_COUNT, /* our message was repeated in vain */
	MOVE_TIMEWAIT_EXIT,
	MOVE_DELIVER, /* the first event in the queue is handled by the channel */
	MOVE_COUNT
};

#define S(state) BIT(IB_##state)

/* In which states a message has an effect when it arrives. */
static const unsigned takes[IB_MSG_COUNT] = {
	[IB_RTU] = S(REP_SENT) | S(MRA_RCVD),
	[IB_MRA] = S(REP_SENT),
	[IB_REJ] = S(REQ_RCVD) | S(REP_SENT) | S(MRA_RCVD) | S(ESTABLISHED) | S(DREQ_SENT),
	[IB_DREQ] = S(REP_SENT) | S(MRA_RCVD) | S(ESTABLISHED) | S(DREQ_SENT),
	[IB_DREP] = S(DREQ_SENT) | S(DREQ_RCVD),
};

/* In which states one that is under way may still have an effect, then or later. */
static const unsigned matters[IB_MSG_COUNT] = {
	[IB_RTU] = S(REQ_RCVD) | S(REP_SENT) | S(MRA_RCVD),
	[IB_MRA] = S(REQ_RCVD) | S(REP_SENT),
	[IB_REJ] = S(REQ_RCVD) | S(REP_SENT) | S(MRA_RCVD) | S(ESTABLISHED) | S(DREQ_SENT),
	[IB_DREQ] = S(REQ_RCVD) | S(REP_SENT) | S(MRA_RCVD) | S(ESTABLISHED) | S(DREQ_SENT),
	[IB_DREP] = S(REQ_RCVD) | S(REP_SENT) | S(MRA_RCVD) | S(ESTABLISHED) | S(DREQ_SENT) |
		    S(DREQ_RCVD),
};

/* May a peer that keeps the rules send it now? Once sent it may arrive at any later time. */
static bool honest(const struct cm *cm, enum ib_msg msg)
{
	bool replied = cm->state != IB_REQ_RCVD;
	bool ready = cm->sent & BIT(IB_RTU) || cm->state >= IB_ESTABLISHED;

	switch (msg) {
	case IB_RTU:
		return replied && !(cm->sent & BIT(IB_REJ));
	case IB_MRA:
		return replied && !(cm->sent & (BIT(IB_REJ) | BIT(IB_RTU)));
	case IB_REJ:
		return !ready; /* before our REP too: its patience has an end */
	case IB_DREQ:
		return ready;
	case IB_DREP:
		return cm->sent & OUR_DREQ;
	default:
		check_unreachable();
	}
}

/* RDMA/CM has one event for three, tells it once, and lets nothing follow but the end of TimeWait. */
static void report(struct world *w, enum chan_ev ev)
{
	struct cm *cm = &w->cm;

	if (flavour == FLAVOUR_RDMA) {
		if (ev == CHAN_EV_MRA || cm->told != (ev == CHAN_EV_TIMEWAIT_EXIT))
			return;
		if (!w->b.accepted) /* before the accept call nothing reaches user space */
			return;
		if (ev == CHAN_EV_USER_ESTABLISHED)
			ev = CHAN_EV_ESTABLISHED;
		if (ev == CHAN_EV_DREQ || ev == CHAN_EV_DREP || ev == CHAN_EV_DREQ_ERROR) {
			ev = CHAN_EV_DISCONNECTED;
			cm->told = true;
		}
	}
	cm_push(w, ev);
}

static void arrive(struct world *w, enum ib_msg msg)
{
	struct cm *cm = &w->cm;
	bool had_connection = cm->state == IB_ESTABLISHED || cm->state == IB_DREQ_SENT;

	switch (msg) {
	case IB_RTU:
		cm->state = IB_ESTABLISHED;
		report(w, CHAN_EV_ESTABLISHED);
		break;
	case IB_MRA:
		cm->state = IB_MRA_RCVD;
		report(w, CHAN_EV_MRA);
		break;
	case IB_REJ:
		cm->state = had_connection ? IB_TIMEWAIT : IB_IDLE;
		report(w, CHAN_EV_REJECTED);
		break;
	case IB_DREQ:
		cm->state = IB_DREQ_RCVD;
		report(w, CHAN_EV_DREQ);
		break;
	case IB_DREP:
		cm->state = IB_TIMEWAIT;
		report(w, CHAN_EV_DREP);
		break;
	default:
		check_unreachable();
	}
}

static void timeout(struct world *w)
{
	if (w->cm.state == IB_DREQ_SENT) {
		w->cm.state = IB_TIMEWAIT;
		report(w, CHAN_EV_DREQ_ERROR);
	} else {
		w->cm.state = IB_IDLE;
		report(w, CHAN_EV_UNREACHABLE);
	}
}

static bool ib_can(const struct world *w, unsigned move)
{
	const struct cm *cm = &w->cm;
	unsigned here = BIT(cm->state);

	if (move < MOVE_ARRIVE) {
		enum ib_msg msg = (enum ib_msg)(move - MOVE_SEND);

		return !(cm->sent & BIT(msg)) && matters[msg] & here &&
		       (honest(cm, msg) || cm->budget);
	}
	if (move == MOVE_DELIVER)
		return cm->n_events;
	if (!cm_room(w))
		return false;
	if (move < MOVE_TIMEOUT) {
		unsigned msg = move - MOVE_ARRIVE;

		return cm->sent & BIT(msg) && takes[msg] & here;
	}
	if (move == MOVE_TIMEOUT)
		return here & (S(REP_SENT) | S(MRA_RCVD) | S(DREQ_SENT));
	return here & S(TIMEWAIT);
}

static void ib_run(struct world *w, unsigned move)
{
	struct cm *cm = &w->cm;

	if (move < MOVE_ARRIVE) {
		if (!honest(cm, (enum ib_msg)(move - MOVE_SEND)))
			cm->budget--;
		cm->sent |= (uint8_t)BIT(move - MOVE_SEND);
	} else if (move < MOVE_TIMEOUT) {
		arrive(w, (enum ib_msg)(move - MOVE_ARRIVE));
	} else if (move == MOVE_TIMEOUT) {
		timeout(w);
	} else if (move == MOVE_TIMEWAIT_EXIT) {
		cm->state = IB_IDLE;
		report(w, CHAN_EV_TIMEWAIT_EXIT);
	} else {
		cm_deliver(w);
	}
}

static const char *ib_text(unsigned move)
{
	static const char *const text[MOVE_COUNT] = {
		[MOVE_SEND + IB_RTU] = "the peer sends RTU",
		[MOVE_SEND + IB_MRA] = "the peer sends MRA",
		[MOVE_SEND + IB_REJ] = "the peer sends REJ",
		[MOVE_SEND + IB_DREQ] = "the peer sends DREQ",
		[MOVE_SEND + IB_DREP] = "the peer sends DREP",
		[MOVE_ARRIVE + IB_RTU] = "an RTU arrives",
		[MOVE_ARRIVE + IB_MRA] = "an MRA arrives",
		[MOVE_ARRIVE + IB_REJ] = "a REJ arrives",
		[MOVE_ARRIVE + IB_DREQ] = "a DREQ arrives",
		[MOVE_ARRIVE + IB_DREP] = "a DREP arrives",
		[MOVE_TIMEOUT] = "what we sent was repeated in vain",
		[MOVE_TIMEWAIT_EXIT] = "TimeWait ends",
		[MOVE_DELIVER] = "the CM's event is handled",
	};

	return text[move];
}

/* The disconnect call tries a DREQ, then a DREP: whichever fits. */
static bool disconnect(struct cm *cm)
{
	if (cm->state == IB_ESTABLISHED) {
		bool fails = choose_bool();

		cm->state = fails ? IB_TIMEWAIT : IB_DREQ_SENT;
		cm->sent |= fails ? 0 : OUR_DREQ;
		return !fails;
	}
	if (cm->state != IB_DREQ_RCVD || choose_bool())
		return false;
	cm->state = IB_TIMEWAIT;
	return true;
}

static bool ib_call(struct world *w, enum cm_call call)
{
	struct cm *cm = &w->cm;
	bool ok;

	switch (call) {
	case CM_ACCEPT:
		ok = cm->state == IB_REQ_RCVD && !choose_bool();
		if (cm->state != IB_GONE)
			cm->state = ok ? IB_REP_SENT : IB_IDLE;
		return ok;
	case CM_REJECT:
		ok = cm->state == IB_REQ_RCVD;
		if (ok)
			cm->state = IB_IDLE;
		return ok;
	case CM_DISCONNECT:
		return disconnect(cm);
	case CM_DREP:
		if (cm->state != IB_DREQ_RCVD || choose_bool())
			return false;
		cm->state = IB_TIMEWAIT;
		return true;
	case CM_NOTIFY:
		if ((cm->state != IB_REP_SENT && cm->state != IB_MRA_RCVD) || !cm_room(w))
			return true; /* it refuses, or the message is lost: an RTU may still come */
		cm->state = IB_ESTABLISHED;
		report(w, CHAN_EV_USER_ESTABLISHED);
		return true;
	case CM_REMOVED:
		cm->state = IB_GONE;
		return true;
	default:
		check_unreachable();
	}
}

static void ib_normalise(struct world *w)
{
	struct cm *cm = &w->cm;
	unsigned here = BIT(cm->state);
	unsigned keep = 0;
	unsigned msg;

	for (msg = 0; msg < IB_MSG_COUNT; msg++)
		if (matters[msg] & here)
			keep |= BIT(msg);
	/* a peer that has our DREQ may answer it as long as somebody listens */
	if (here & (S(DREQ_SENT) | S(DREQ_RCVD)))
		keep |= OUR_DREQ;
	cm->sent &= (uint8_t)keep;
	if (!keep)
		cm->budget = 0;
}

const struct cm_ops cm_ib = {
	.name = "ib",
	.dreq_handshake = true,
	.n_moves = MOVE_COUNT,
	.can = ib_can,
	.run = ib_run,
	.text = ib_text,
	.call = ib_call,
	.normalise = ib_normalise,
};

const struct cm_ops cm_rdma = {
	.name = "rdma",
	.dreq_handshake = true,
	.n_moves = MOVE_COUNT,
	.can = ib_can,
	.run = ib_run,
	.text = ib_text,
	.call = ib_call,
	.normalise = ib_normalise,
};
