/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A channel with everything around it: peer, network, port, tasks, receive buffers, send queue. The
 * caller (a random walk or a fuzzer) picks what happens next by an event and 16 bits; the model skips what the
 * world cannot do at that moment, so a panic is always a defect. It judges the actions from outside,
 * by its own books. For tests only.
 */
#pragma once

#include "base/check.h"
#include "srp/chan_table.h"
#include "wire/srp_logout.h"

#define MODEL_LIMIT 20u
#define MODEL_MAX   26u
#define MODEL_RECVS (MODEL_MAX + 2)
#define MODEL_SQ    12u

enum model_at {
	MODEL_POSTED, /* waits for a message */
	MODEL_CORE,   /* handed to the core by RECV */
	MODEL_TASK,   /* submitted */
	MODEL_FREE    /* back in the pool */
};

struct model_iu {
	struct chan_iu iu;
	enum model_at at;
};

struct model {
	struct chan c;
	struct model_iu ius[MODEL_RECVS];
	uint64_t now_ns;
	uint64_t hits[CHAN_EV_COUNT][CHAN_STATE_COUNT];
	uint64_t n_acts[CHAN_ACT_COUNT];
	unsigned coin;            /* decides what fails; set by each pick */
	unsigned n_sends;         /* send queue slots in flight */
	unsigned n_finishing;     /* tasks whose RSP was asked for and is not done */
	int32_t peer_lim;         /* credits the initiator believes to have */
	int32_t peer_delta;       /* of the CRED_REQ it has not looked at yet */
	uint32_t done_seq;        /* of the last IU executed, +1 */
	enum chan_ask peer_asked; /* what it owes an answer to */
	bool aer;                 /* a report is under way: due, or sent and not done */
	bool answered, accepted, kick_due, marker_posted, marker_done, unregister, unregistered;
	unsigned n_accept, n_reject, n_closing, n_abort, n_error, n_marker, n_unreg, n_qp, n_id,
		n_free;
};

static inline void model_run(struct model *m, struct chan_event ev);

static inline void model_init(struct model *m, bool dreq_handshake)
{
	struct chan_config cfg = {
		.now_ns = m->now_ns,
		.limit = MODEL_LIMIT,
		.max_limit = MODEL_MAX,
		.n_recv = MODEL_RECVS,
		.sq_depth = MODEL_SQ,
		.dreq_handshake = dreq_handshake,
	};
	unsigned i;

	chan_init(&m->c, &cfg);
	for (i = 0; i < MODEL_RECVS; i++)
		m->ius[i] = (struct model_iu){ .at = MODEL_POSTED };
	m->n_sends = 0;
	m->n_finishing = 0;
	m->peer_lim = 0; /* until our reply */
	m->peer_delta = 0;
	m->done_seq = 0;
	m->peer_asked = CHAN_ASK_NONE;
	m->aer = m->answered = m->accepted = m->kick_due = false;
	m->marker_posted = m->marker_done = m->unregister = m->unregistered = false;
	m->n_accept = m->n_reject = m->n_closing = m->n_abort = m->n_error = m->n_marker = 0;
	m->n_unreg = m->n_qp = m->n_id = m->n_free = 0;
}

static inline struct model_iu *model_find(struct model *m, enum model_at at, unsigned from)
{
	unsigned i;

	for (i = 0; i < MODEL_RECVS; i++)
		if (m->ius[(from + i) % MODEL_RECVS].at == at)
			return &m->ius[(from + i) % MODEL_RECVS];
	return NULL;
}

static inline struct model_iu *model_iu_of(struct chan_iu *iu)
{
	return container_of(iu, struct model_iu, iu);
}

/* Three of four times false; @m->coin is used up bit by bit. */
static inline bool model_fails(struct model *m)
{
	bool fails = (m->coin & 3) == 3;

	m->coin >>= 2;
	return fails;
}

/* Running an action shows that the channel is broken, or makes somebody close it. */
static inline void model_break(struct model *m)
{
	model_run(m, (struct chan_event){ .type = m->coin & 0x1000 ? CHAN_EV_QP_FATAL
								   : CHAN_EV_CLOSE_SESSION });
}

static inline void model_take(struct model *m, struct model_iu *mi)
{
	bool full;

	/* now and then executing a SUBMIT shows that the channel is broken, or makes someone close it */
	if ((m->coin & 0xf00) == 0x300)
		model_run(m,
			  (struct chan_event){ .type = m->coin & 0x1000 ? CHAN_EV_QP_FATAL
									: CHAN_EV_CLOSE_SESSION });
	full = !chan_may_submit(&m->c) || model_fails(m) || !chan_sq_reserve(&m->c, 1);

	check(mi->at == MODEL_CORE);
	if (full) {
		model_run(m, (struct chan_event){ .type = CHAN_EV_BUSY, .iu = &mi->iu });
		return;
	}
	check(mi->iu.seq >= m->done_seq); /* INV-8 */
	m->done_seq = mi->iu.seq + 1;
	mi->at = MODEL_TASK;
}

static inline void model_queue_pair(struct model *m, const struct chan_action *a)
{
	switch (a->type) {
	case CHAN_ACT_QP_ERROR:
		m->n_error++;
		break;
	case CHAN_ACT_POST_MARKER:
		check(m->n_error == 1 && m->n_qp == 0);
		m->n_marker++;
		if (model_fails(m))
			model_run(m, (struct chan_event){ .type = CHAN_EV_MARKER_POST_FAILED });
		else
			m->marker_posted = true;
		break;
	case CHAN_ACT_DESTROY_QP:
		m->n_qp++;
		chan_sq_release(&m->c, m->n_sends);
		m->n_sends = 0;
		break;
	case CHAN_ACT_DESTROY_ID:
		check(m->n_qp == 1 && m->unregistered); /* INV-19 */
		m->n_id++;
		break;
	case CHAN_ACT_UNREGISTER_SESSION:
		check(m->marker_done || m->n_qp == 1); /* INV-11 */
		m->n_unreg++;
		m->unregister = true;
		if (!m->n_finishing && !m->c.n_tasks && !model_fails(m)) { /* at once, mostly */
			m->unregistered = true;
			model_run(m, (struct chan_event){ .type = CHAN_EV_SESSION_UNREGISTERED });
		}
		break;
	case CHAN_ACT_RELEASE:
		check(m->n_id == 1 && m->n_closing == 1 && m->n_abort == 1 && m->n_marker == 1);
		check(m->n_unreg == 1 && m->answered);
		check(!model_find(m, MODEL_CORE, 0) && !model_find(m, MODEL_TASK, 0));
		m->n_free++;
		break;
	default:
		break;
	}
}

static inline enum chan_ask model_asks(const struct chan_action *a)
{
	return a->type == CHAN_ACT_SEND_CRED_REQ ? CHAN_ASK_CRED
	       : a->type == CHAN_ACT_SEND_RSP    ? CHAN_ASK_NONE
						 : CHAN_ASK_AER;
}

static inline void model_send(struct model *m, const struct chan_action *a)
{
	enum chan_ask asks = model_asks(a);
	int32_t delta = (int32_t)a->value;

	check(asks || chan_may_send(&m->c));
	check(delta >= 0 || asks == CHAN_ASK_CRED);
	/* an RSP has the slot of its task; a request of ours needs one of its own, and an action before it
	 * may have ended the channel */
	if (model_fails(m) || (asks && (!chan_may_send(&m->c) || !chan_sq_reserve(&m->c, 1)))) {
		if (!asks && model_fails(m)) /* someone closes the channel before we could say so */
			model_break(m);
		model_run(m, (struct chan_event){ .type = asks ? CHAN_EV_ASK_FAILED
							       : CHAN_EV_RSP_POST_FAILED,
						  .value = a->value });
		return;
	}
	m->n_sends++;
	if (asks) {
		check(!m->peer_asked); /* one unanswered request at most */
		m->peer_asked = asks;
	}
	if (delta < 0)
		m->peer_delta = delta; /* it may send more before it looks at this */
	else
		m->peer_lim += delta;
	check(m->peer_lim <= (int32_t)MODEL_MAX); /* INV-22 as the initiator sees it */
}

static inline void model_act(struct model *m, const struct chan_action *a)
{
	struct chan_iu *iu;

	m->n_acts[a->type]++;
	switch (a->type) {
	case CHAN_ACT_ACCEPT:
		check(!m->n_reject && !m->n_closing); /* INV-3 */
		m->n_accept++;
		if (model_fails(m))
			model_run(m, (struct chan_event){ .type = CHAN_EV_ACCEPT_FAILED });
		else
			m->accepted = true;
		/* what it sent before the reply came out of the same limit */
		m->peer_lim = (int32_t)m->c.limit - (int32_t)m->c.n_parked;
		break;
	case CHAN_ACT_REJECT:
		check(!m->n_accept && a->value); /* [SRP-2.9] */
		m->n_reject++;
		break;
	case CHAN_ACT_CLOSING:
		m->n_closing++;
		break;
	case CHAN_ACT_ABORT_TASKS:
		m->n_abort++;
		break;
	case CHAN_ACT_SUBMIT:
		model_take(m, model_iu_of(a->iu));
		break;
	case CHAN_ACT_REPOST:
	case CHAN_ACT_DROP:
		check(model_iu_of(a->iu)->at == MODEL_CORE);
		model_iu_of(a->iu)->at = a->type == CHAN_ACT_DROP ? MODEL_FREE : MODEL_POSTED;
		break;
	case CHAN_ACT_DROP_PARKED:
		while ((iu = chan_drop_parked(&m->c)) != NULL) {
			check(model_iu_of(iu)->at == MODEL_CORE);
			model_iu_of(iu)->at = MODEL_FREE;
		}
		break;
	case CHAN_ACT_KICK:
		check(!m->kick_due);
		m->kick_due = true;
		break;
	case CHAN_ACT_SEND_RSP:
	case CHAN_ACT_SEND_CRED_REQ:
	case CHAN_ACT_SEND_AER_REQ:
		model_send(m, a);
		break;
	case CHAN_ACT_AER_DONE:
		check(m->aer);
		m->aer = false;
		break;
	case CHAN_ACT_T_LOGOUT:
		check(m->accepted);
		if (chan_sq_reserve(&m->c, 1))
			m->n_sends++;
		break;
	case CHAN_ACT_DISCONNECT:
	case CHAN_ACT_SEND_DREP:
		check(!m->n_id);
		break;
	default:
		model_queue_pair(m, a);
		break;
	}
}

static inline void model_run(struct model *m, struct chan_event ev)
{
	struct chan_actions out;
	enum chan_state before = m->c.state;
	uint32_t i;

	ev.now_ns = m->now_ns;
	if (!m->c.released)
		m->hits[ev.type][before]++;
	chan_step(&m->c, &ev, &out);
	chan_check_full(&m->c);
	check(m->c.state >= before); /* INV-1 */
	for (i = 0; i < out.count; i++)
		model_act(m, &out.a[i]);
}

static inline enum chan_iu_kind model_answer(const struct model *m)
{
	return m->peer_asked == CHAN_ASK_CRED ? CHAN_IU_CRED_RSP : CHAN_IU_AER_RSP;
}

static inline void model_answered(struct model *m)
{
	m->peer_asked = CHAN_ASK_NONE;
	m->peer_lim += m->peer_delta;
	m->peer_delta = 0;
}

static inline void model_recv(struct model *m, unsigned arg)
{
	static const uint8_t rare[] = { CHAN_IU_I_LOGOUT, CHAN_IU_CRED_RSP, CHAN_IU_AER_RSP,
					CHAN_IU_BAD };
	struct model_iu *mi = model_find(m, MODEL_POSTED, arg);

	if (!mi || m->marker_done || m->n_qp)
		return; /* INV-11 is the provider's promise */
	mi->at = MODEL_CORE;
	mi->iu.kind = arg % 5 ? CHAN_IU_CMD : CHAN_IU_TSK_MGMT;
	mi->iu.text = NULL;
	if (arg >= 252) {
		mi->iu.kind = rare[arg - 252];
		mi->iu.text = "bad";
		if (m->peer_asked && mi->iu.kind == model_answer(m))
			model_answered(m);
	} else if (m->peer_asked && arg % 4 == 0) {
		mi->iu.kind = (uint8_t)model_answer(m);
		model_answered(m);
	} else if (m->peer_lim > 0) {
		m->peer_lim--;
	} else if (arg % 16) {
		mi->at = MODEL_POSTED; /* mostly the initiator keeps the limit */
		return;
	}
	model_run(m, (struct chan_event){ .type = CHAN_EV_RECV, .iu = &mi->iu });
}

/* One task ends, with or without a response. */
static inline void model_task_end(struct model *m, unsigned arg, bool aborted)
{
	struct model_iu *mi = model_find(m, MODEL_TASK, arg);
	uint32_t was;

	if (!mi)
		return;
	mi->at = MODEL_FREE;
	if (!m->n_qp) {
		mi->at = MODEL_POSTED;
		chan_recv_posted(&m->c); /* before the credit goes out */
	}
	was = m->c.n_tasks;
	m->n_finishing += !aborted;
	model_run(m,
		  (struct chan_event){ .type = aborted ? CHAN_EV_TASK_ABORTED : CHAN_EV_RESPOND });
	m->n_finishing -= !aborted;
	if (m->c.n_tasks ==
	    was) { /* INV-23: the RSP was not posted, the task is alive: end it now */
		m->coin = 0;
		model_run(m, (struct chan_event){ .type = CHAN_EV_TASK_ABORTED });
		aborted = true;
	}
	if (aborted || m->c.state != CHAN_LIVE)
		chan_sq_release(&m->c, 1);
}

static inline void model_sends_done(struct model *m, unsigned n)
{
	if (n > m->n_sends)
		n = m->n_sends;
	chan_sq_release(&m->c, n);
	m->n_sends -= n;
}

static inline bool model_possible(const struct model *m, enum chan_ev type)
{
	switch (type) {
	case CHAN_EV_ADMITTED:
	case CHAN_EV_REFUSED:
		return !m->answered;
	case CHAN_EV_ESTABLISHED:
	case CHAN_EV_USER_ESTABLISHED:
		return m->accepted && !m->n_id;
	case CHAN_EV_KICK:
		return m->kick_due;
	case CHAN_EV_AER_DUE:
		return !m->aer;
	case CHAN_EV_MARKER_DONE:
		return m->marker_posted && !m->marker_done && !m->n_qp;
	case CHAN_EV_WC_ERROR:
		return !m->marker_done && !m->n_qp;
	case CHAN_EV_SESSION_UNREGISTERED:
		return m->unregister && !m->unregistered && !m->c.n_tasks;
	case CHAN_EV_PORT_DISABLED:
	case CHAN_EV_CLOSE_SESSION:
	case CHAN_EV_EVICTED:
	case CHAN_EV_DEVICE_REMOVAL:
	case CHAN_EV_ADDR_CHANGE:
	case CHAN_EV_PORT_CHANGE:
	case CHAN_EV_SET_LIMIT:
	case CHAN_EV_TIMER:
		return true;
	default:
		return !m->n_id;
	}
}

/* @type happens now, if it can. */
static inline void model_pick(struct model *m, enum chan_ev type, unsigned arg)
{
	struct chan_event ev = { .type = type };

	m->coin = arg * 0x9e3779b1u;
	m->coin ^= m->coin >> 16;
	arg &= 0xff;
	if (!model_possible(m, type))
		return;
	switch (type) {
	case CHAN_EV_BUSY: /* these four come from inside the model only */
	case CHAN_EV_RSP_POST_FAILED:
	case CHAN_EV_ASK_FAILED:
	case CHAN_EV_MARKER_POST_FAILED:
	case CHAN_EV_ACCEPT_FAILED:
		model_sends_done(m, arg);
		return;
	case CHAN_EV_RECV:
		model_recv(m, arg);
		return;
	case CHAN_EV_RESPOND:
	case CHAN_EV_TASK_ABORTED:
		model_task_end(m, arg, type == CHAN_EV_TASK_ABORTED);
		return;
	case CHAN_EV_ADMITTED:
	case CHAN_EV_REFUSED:
		m->answered = true;
		ev.value = type == CHAN_EV_REFUSED ? 0x10001 : arg % 3;
		break;
	case CHAN_EV_KICK:
		m->kick_due = false;
		break;
	case CHAN_EV_SET_LIMIT:
		ev.value = 2 + arg % (MODEL_MAX - 1);
		break;
	case CHAN_EV_AER_DUE:
		m->aer = true;
		break;
	case CHAN_EV_MARKER_DONE:
		model_sends_done(m, m->n_sends);
		m->marker_done = true;
		break;
	case CHAN_EV_SESSION_UNREGISTERED:
		m->unregistered = true;
		break;
	case CHAN_EV_TIMER:
		m->now_ns += arg * 50 * NSEC_PER_MSEC;
		break;
	default:
		break;
	}
	model_run(m, ev);
}

/* Peer and network are silent for ever; the port, if asked to, still answers. Must end (INV-28). */
static inline void model_finish(struct model *m)
{
	unsigned n;

	if (!m->c.released)
		model_pick(m, CHAN_EV_PORT_DISABLED, 0);
	for (n = 0; !m->c.released; n++) {
		check(n < 4 * MODEL_RECVS + 16);
		model_pick(m, CHAN_EV_ADMITTED, 0);
		model_pick(m, CHAN_EV_TASK_ABORTED, n);
		m->now_ns += 60 * NSEC_PER_SEC;
		model_pick(m, CHAN_EV_TIMER, 0);
		model_pick(m, CHAN_EV_SESSION_UNREGISTERED, 0);
	}
	check(m->n_free == 1 && !m->c.sq_used);
}
