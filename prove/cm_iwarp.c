/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* iWARP: a TCP connection. Nothing is lost or doubled on it; it ends once, and that is told once or never. */
#include "base/check.h"
#include "prove/choice.h"
#include "prove/cm.h"

enum iw_state {
	IW_ASKED, /* the first: a request came, we have not replied */
	IW_REPLIED,
	IW_UP,
	IW_CLOSING, /* we sent our FIN */
	IW_GONE
};

enum iw_move {
	MOVE_UP,      /* the reply is out: established */
	MOVE_FAILED,  /* the reply cannot be written */
	MOVE_END,     /* FIN or RST of the peer */
	MOVE_DELIVER, /* the first event in the queue is handled by the channel */
	MOVE_COUNT
};

static bool iw_can(const struct world *w, unsigned move)
{
	switch ((enum iw_move)move) {
	case MOVE_UP:
	case MOVE_FAILED:
		return w->cm.state == IW_REPLIED && cm_room(w);
	case MOVE_END:
		return w->cm.state != IW_GONE && cm_room(w);
	case MOVE_DELIVER:
		return w->cm.n_events;
	default:
		check_unreachable();
	}
}

static void iw_run(struct world *w, unsigned move)
{
	struct cm *cm = &w->cm;

	switch ((enum iw_move)move) {
	case MOVE_UP:
		cm->state = IW_UP;
		cm_push(w, CHAN_EV_ESTABLISHED);
		break;
	case MOVE_FAILED:
		cm->state = IW_GONE;
		cm_push(w, CHAN_EV_UNREACHABLE);
		break;
	case MOVE_END:
		cm->state = IW_GONE;
		cm_push(w, CHAN_EV_DISCONNECTED);
		break;
	default:
		cm_deliver(w);
	}
}

static const char *iw_text(unsigned move)
{
	static const char *const text[MOVE_COUNT] = {
		[MOVE_UP] = "the reply is out",
		[MOVE_FAILED] = "the reply cannot be written",
		[MOVE_END] = "the peer's end of the connection is seen",
		[MOVE_DELIVER] = "the CM's event is handled",
	};

	return text[move];
}

static bool iw_call(struct world *w, enum cm_call call)
{
	struct cm *cm = &w->cm;

	switch (call) {
	case CM_ACCEPT:
		if (cm->state != IW_ASKED || choose_bool())
			return false;
		cm->state = IW_REPLIED;
		return true;
	case CM_DISCONNECT:
		if (cm->state == IW_GONE)
			return false;
		cm->state = IW_CLOSING;
		return true;
	case CM_REJECT:
	case CM_REMOVED:
		cm->state = IW_GONE;
		return true;
	default: /* there is no handshake */
		return false;
	}
}

static void iw_normalise(struct world *w)
{
	w->cm.budget = 0;
}

const struct cm_ops cm_iwarp = {
	.name = "iwarp",
	.dreq_handshake = false,
	.n_moves = MOVE_COUNT,
	.can = iw_can,
	.run = iw_run,
	.text = iw_text,
	.call = iw_call,
	.normalise = iw_normalise,
};
