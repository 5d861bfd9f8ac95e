/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The life of one SRP channel at the target: one queue pair, one login. A channel is stepped with
 * events and answers with actions; it has no other effect. INV-n is defined in docs/spec/session.md.
 *
 *        CONNECTING --ESTABLISHED--> LIVE
 *            |   \                   /  |
 *            |    +--> DISCONNECTING <--+   a disconnect was asked for, or asked by the peer
 *            |               |          |
 *            +----------> DRAINING <----+   queue pair in error, marker posted
 *                            |
 *                       DISCONNECTED        nothing completes any more; session is unregistered
 *                            |
 *                         RELEASE           the owner frees it
 *
 * A state is entered at most once and never left backwards (INV-1). Every wait has a deadline, so
 * a channel ends even if peer and network are silent (INV-28, INV-29, INV-32).
 *
 * Rules for the caller, who owns the channel on one worker:
 *  - run the actions of a step in order, and all of them before the next step. While running the
 *    actions of an earlier step, these may be stepped: BUSY, RESPOND, RSP_POST_FAILED, ASK_FAILED,
 *    TASK_ABORTED; inside SUBMIT, SEND_RSP and ABORT_TASKS also QP_FATAL and CLOSE_SESSION; and what
 *    an action's own comment names as the answer to its failure. The answers that can end a channel
 *    belong to actions that are the last of their step;
 *  - a task is alive until its SEND_RSP or DROP_RSP was run. When the last one ended,
 *    SESSION_UNREGISTERED is stepped, inside UNREGISTER_SESSION or when no actions are being run;
 *  - after each step set a timer to chan_deadline_ns() and step TIMER when it fires;
 *  - after CHAN_ACT_RELEASE only events that start at home (the port's, SET_LIMIT, AER_DUE), KICK and
 *    TIMER may still come, they are ignored; free the channel when none can be under way.
 */
#pragma once

#include "base/list.h"

enum chan_state {
	CHAN_CONNECTING,    /* queue pair made, receives posted; not established yet */
	CHAN_LIVE,          /* traffic */
	CHAN_DISCONNECTING, /* a disconnect is under way; nothing is executed any more */
	CHAN_DRAINING,      /* queue pair in error, the marker is outstanding */
	CHAN_DISCONNECTED, /* no completion will follow (INV-11); the session is being unregistered */
	CHAN_STATE_COUNT
};

/* E-numbers are those of the event table in docs/spec/session.md. */
enum chan_ev {
	/* login: answers of the control worker and of the CM */
	CHAN_EV_ADMITTED,      /* E1: the port admits it; @value: multi-channel result (0, 1, 2) */
	CHAN_EV_REFUSED,       /* E1: the port refuses it; @value: reject reason */
	CHAN_EV_ACCEPT_FAILED, /* E1: the accept call failed */
	CHAN_EV_ESTABLISHED,   /* E2, E4 */
	CHAN_EV_USER_ESTABLISHED, /* E3 */
	CHAN_EV_COMM_EST,         /* E5: first packet arrived before ESTABLISHED */
	/* information units and tasks */
	CHAN_EV_RECV,            /* E6: @iu arrived */
	CHAN_EV_KICK,            /* answer to CHAN_ACT_KICK, in a later round */
	CHAN_EV_RESOURCES,       /* what made a SUBMIT fail may be there again */
	CHAN_EV_BUSY,            /* @iu of a SUBMIT cannot be taken now */
	CHAN_EV_RESPOND,         /* the task of one CMD or TSK_MGMT ended; its RSP is wanted */
	CHAN_EV_RSP_POST_FAILED, /* the RSP could not be posted; @value: the delta it carried. The task is
				  * alive again: RESPOND or TASK_ABORTED must follow later */
	CHAN_EV_TASK_ABORTED, /* the task of one CMD ended and must have no RSP */
	CHAN_EV_ASK_FAILED, /* the CRED_REQ or AER_REQ could not be posted; @value: as the action's */
	/* from home, about the traffic */
	CHAN_EV_SET_LIMIT, /* @value: the request limit it shall have from now on, 2 to max_limit. It grows
			    * at once; it shrinks as credits come back */
	CHAN_EV_AER_DUE, /* an event report waits for SEND_AER_REQ; none is under way */
	/* CM */
	CHAN_EV_DISCONNECTED,  /* E9, E10, E11 of RDMA/CM and iWARP */
	CHAN_EV_DREQ,          /* E9 of IB/CM */
	CHAN_EV_DREP,          /* E10 of IB/CM */
	CHAN_EV_DREQ_ERROR,    /* E11 of IB/CM */
	CHAN_EV_TIMEWAIT_EXIT, /* E12 */
	CHAN_EV_MRA,           /* E13 */
	CHAN_EV_REJECTED,      /* E7: the peer refused our reply */
	CHAN_EV_UNREACHABLE,   /* E8: our reply was not acknowledged; also CONNECT_ERROR */
	/* queue pair */
	CHAN_EV_MARKER_DONE,        /* E15: the marker completed or was flushed */
	CHAN_EV_MARKER_POST_FAILED, /* E16 */
	CHAN_EV_WC_ERROR, /* E17: a completion with an error that is not a flush; @text. (E14 does not
			   * exist here: there is no RTU marker, so INV-27 holds by construction) */
	CHAN_EV_LAST_WQE, /* E18 */
	CHAN_EV_QP_FATAL, /* E19; also: a receive could not be posted again; @text */
	/* from above */
	CHAN_EV_PORT_DISABLED, /* E20: disconnect and close at once */
	CHAN_EV_CLOSE_SESSION, /* E21: orderly; @value: T_LOGOUT reason; also the end of the daemon */
	CHAN_EV_EVICTED,       /* E22: a single-channel login of the same nexus */
	CHAN_EV_DEVICE_REMOVAL,       /* E23, E24 */
	CHAN_EV_ADDR_CHANGE,          /* E24 */
	CHAN_EV_SESSION_UNREGISTERED, /* E25: all tasks ended. (E26 is CHAN_ACT_RELEASE) */
	CHAN_EV_PORT_CHANGE,          /* E27, E28 */
	CHAN_EV_TIMER,                /* time has passed; may come early or without need */
	CHAN_EV_COUNT
};

enum chan_iu_kind {
	CHAN_IU_CMD,      /* consumes a credit */
	CHAN_IU_TSK_MGMT, /* consumes a credit */
	CHAN_IU_I_LOGOUT,
	CHAN_IU_CRED_RSP,
	CHAN_IU_AER_RSP,
	CHAN_IU_BAD, /* ends the channel; @text, @logout say how */
	CHAN_IU_KIND_COUNT
};

/*
 * A received IU, embedded in the caller's receive buffer. The core owns it from RECV until the
 * action SUBMIT, REPOST or DROP names it (or chan_drop_parked() returns it).
 */
struct chan_iu {
	struct list node; /* core: place on the wait list */
	uint32_t seq;     /* core: order of arrival */
	uint8_t kind;     /* enum chan_iu_kind */
	uint8_t logout;   /* BAD: enum srp_logout_reason of the T_LOGOUT */
	const char *text; /* BAD: the cause in words, static */
};

enum chan_act {
	CHAN_ACT_ACCEPT, /* @value: multi-channel result; send LOGIN_RSP. On failure: ACCEPT_FAILED */
	CHAN_ACT_REJECT,   /* @value: reason; send LOGIN_REJ. A failure is ignored */
	CHAN_ACT_COMM_EST, /* tell the CM (rdma_notify); a provider that has no such call: step
			    * USER_ESTABLISHED after the actions of this step */
	CHAN_ACT_CLOSING, /* once: the channel serves no more; tell the control worker (port_closing) */
	CHAN_ACT_SUBMIT, /* @iu is now a task; or BUSY hands it back at once, and then every later SUBMIT of
			    * the same step too, in order: chan_may_submit() says which */
	CHAN_ACT_REPOST, /* post the buffer of @iu again; counted already. On failure: QP_FATAL, but after
			  * the actions of this step */
	CHAN_ACT_DROP,        /* take the buffer of @iu back to its pool */
	CHAN_ACT_DROP_PARKED, /* the same for each IU chan_drop_parked() returns, until it returns NULL */
	CHAN_ACT_KICK,        /* step KICK in a later round (at most one is outstanding) */
	CHAN_ACT_SEND_RSP, /* @value: req_lim_delta, 0 when its credit is withheld. On failure:
			    * RSP_POST_FAILED */
	CHAN_ACT_DROP_RSP, /* the response goes nowhere; free the task */
	CHAN_ACT_SEND_CRED_REQ, /* @value: req_lim_delta, an int32_t. On failure, and when chan_may_send()
				 * is over because of an action before it: ASK_FAILED */
	CHAN_ACT_SEND_AER_REQ, /* its delta is 0; the same */
	CHAN_ACT_AER_DONE,     /* the initiator took note; the next AER_DUE may come */
	CHAN_ACT_T_LOGOUT,     /* @value: enum srp_logout_reason; best effort */
	CHAN_ACT_DISCONNECT,   /* the CM's disconnect; a failure is ignored, the deadline follows */
	CHAN_ACT_SEND_DREP,    /* IB/CM: answer the peer's DREQ; a failure is ignored */
	CHAN_ACT_QP_ERROR,     /* queue pair to error */
	CHAN_ACT_POST_MARKER,  /* in the slot kept for it. On failure: MARKER_POST_FAILED */
	CHAN_ACT_ABORT_TASKS, /* once: abort every task of this channel; each still ends by RESPOND or
				 * TASK_ABORTED */
	CHAN_ACT_UNREGISTER_SESSION, /* once: when the last task ended step SESSION_UNREGISTERED */
	CHAN_ACT_DESTROY_QP, /* once: and release the context of everything still posted (INV-12, INV-16).
			      * May come while completions are being handed out: skip the rest of them */
	CHAN_ACT_DESTROY_ID, /* once, after DESTROY_QP (INV-17, INV-19) */
	CHAN_ACT_RELEASE,    /* once, last: tell the control worker (port_release), then free */
	CHAN_ACT_VIOLATION,  /* log @text as the peer's fault; an end of the channel follows */
	CHAN_ACT_LOG,        /* log @text */
	CHAN_ACT_COUNT
};

struct chan_event {
	enum chan_ev type;
	uint32_t value;     /* see enum chan_ev */
	uint64_t now_ns;    /* monotonic; never decreases */
	struct chan_iu *iu; /* RECV, BUSY */
	/* QP_FATAL, WC_ERROR, UNREACHABLE, REJECTED, DISCONNECTED: the cause in words, or NULL; valid
	 * while the actions of this step are run */
	const char *text;
};

struct chan_action {
	enum chan_act type;
	uint32_t value;
	union {
		struct chan_iu *iu;
		const char *text;
	};
};

#ifndef CHAN_SUBMITS_MAX    /* the exhaustive walk has few IUs, and makes it less */
#define CHAN_SUBMITS_MAX 8u /* IUs one step takes off the wait list */
#endif
#define CHAN_ACTIONS_MAX 12u /* actions of one step */

/* Need not be initialised; chan_step() sets @count and the first @count actions. */
struct chan_actions {
	uint32_t count;
	struct chan_action a[CHAN_ACTIONS_MAX];
};

struct chan_config {
	uint64_t now_ns;
	uint32_t limit;     /* initial request limit, >= 2 (LOGIN_RSP.req_lim_delta) */
	uint32_t max_limit; /* what SET_LIMIT may ask for at most; 0: @limit */
	uint32_t n_recv;    /* receives posted, >= max_limit + 1 (INV-5) */
	uint32_t sq_depth;  /* send queue slots, the marker's included; >= 2 */
	bool dreq_handshake; /* the CM has DREQ and DREP (IB, RoCE). False (iWARP): DISCONNECTED is final */
	/* deadlines; 0: the default in brackets */
	uint64_t connect_ns;    /* CONNECTING: not established (10 s) */
	uint64_t disconnect_ns; /* DISCONNECTING: no answer (5 s) */
	uint64_t evict_ns;      /* ... when a new login waits for the end of this channel (1 s) */
	uint64_t drain_ns;      /* DRAINING: the marker does not come back (10 s) */
	uint64_t log_ns;        /* DISCONNECTED: a line each time while tasks do not end (5 s) */
	uint64_t answer_ns;     /* LIVE: no answer to our CRED_REQ or AER_REQ (30 s) */
};

/* What we asked the initiator and it has not answered: initiators keep room for one only. */
enum chan_ask {
	CHAN_ASK_NONE,
	CHAN_ASK_CRED,
	CHAN_ASK_AER
};

/* Fields are for reading only, except by chan.c. */
struct chan {
	enum chan_state state;
	bool dreq_handshake;
	bool admission_pending; /* the control worker owes ADMITTED or REFUSED */
	bool accepted;          /* ACCEPT was given out */
	bool stalled;           /* a SUBMIT was refused; waiting for RESOURCES */
	bool kick_pending;      /* a KICK will come */
	bool aer_due;           /* an event report waits for its turn */
	bool ask_retry;         /* a request could not be posted; tried again with RESOURCES */
	enum chan_ask asked;    /* unanswered */
	bool left;              /* CLOSING and ABORT_TASKS were given out */
	bool qp_destroyed;
	bool abandoned;    /* the queue pair was destroyed with work outstanding */
	bool unregistered; /* SESSION_UNREGISTERED came */
	bool released;

	/* credits: avail + n_tasks + n_parked + saved == limit (INV-22) */
	uint32_t limit; /* granted; LOGIN_RSP.req_lim_delta until the reply is sent */
	uint32_t want;  /* what @limit shall become */
	uint32_t max_limit;
	uint32_t revoking; /* of @avail: asked back by the CRED_REQ that is unanswered */
	int32_t avail; /* requests the initiator may still send; below 0 after it gave back credits that
			    * it had used meanwhile */
	uint32_t n_tasks;  /* CMD and TSK_MGMT handed out by SUBMIT, not ended */
	uint32_t n_parked; /* IUs on the wait list */
	uint32_t saved;    /* credits of aborted commands, for a later delta */
	uint32_t n_recv;   /* receives posted */

	uint32_t sq_depth;
	uint32_t sq_used; /* slots reserved; <= sq_depth - 1, the last is the marker's (INV-24) */

	uint32_t seq;               /* of the next IU */
	struct list parked;         /* the wait list, in order of arrival (INV-8) */
	struct list *returned_tail; /* last IU that BUSY gave back; &parked when there is none */

	uint64_t deadline_ns; /* UINT64_MAX: none */
	uint64_t entered_ns;  /* when @state was entered */
	uint64_t connect_ns, disconnect_ns, evict_ns, drain_ns, log_ns, answer_ns;
	const char *why; /* what ended it, static; NULL while nothing did */

	uint64_t n_received; /* IUs */
	uint64_t n_dropped;  /* IUs that came too late, parked ones included */
};

/**
 * chan_init() - a channel in CONNECTING that waits for the port's ADMITTED or REFUSED
 * @c:   memory of the caller, stays in place until freed
 * @cfg: see struct chan_config; copied
 *
 * To be called when the queue pair exists and its receives are posted (INV-5).
 * Context: the worker that will own the channel.
 */
void chan_init(struct chan *c, const struct chan_config *cfg);

/**
 * chan_step() - one event
 * @c:   not released, or the event is one that may come late
 * @ev:  read during the call
 * @out: overwritten: what to do now, in order; at most CHAN_ACTIONS_MAX
 *
 * Events of the peer or the network are legal in every state. Events that only a bug of the caller
 * can produce panic (the cells BUG of docs/fsm/chan.md).
 * Context: the owning worker. Constant time.
 */
void chan_step(struct chan *c, const struct chan_event *ev, struct chan_actions *out);

/* When to step TIMER, UINT64_MAX: never. */
static inline uint64_t chan_deadline_ns(const struct chan *c)
{
	return c->deadline_ns;
}

/* True from the BUSY of a SUBMIT until RESOURCES: the caller must remember to step RESOURCES (INV-10). */
static inline bool chan_stalled(const struct chan *c)
{
	return c->stalled;
}

/* Ask before each SUBMIT is carried out; false: step BUSY with its IU instead. */
static inline bool chan_may_submit(const struct chan *c)
{
	return c->state == CHAN_LIVE && !c->stalled;
}

/* As chan_stalled(), or a CRED_REQ or AER_REQ waits for a slot: step RESOURCES when there may be some. */
static inline bool chan_wants_resources(const struct chan *c)
{
	return c->stalled || c->ask_retry;
}

/* True when a SEND of ours may go out. Linux posts its receives late, and an MPA responder must wait: until
 * the initiator has sent something, nothing may be sent to it. */
static inline bool chan_may_send(const struct chan *c)
{
	return c->state == CHAN_LIVE && c->n_received;
}

/* True once nothing may be posted or completed any more. */
static inline bool chan_qp_gone(const struct chan *c)
{
	return c->qp_destroyed;
}

/* After CHAN_ACT_DROP_PARKED: the next parked IU, oldest first; NULL when there is none. */
struct chan_iu *chan_drop_parked(struct chan *c);

/*
 * The receive that brought a CMD or TSK_MGMT was posted again: at the latest before RESPOND or
 * TASK_ABORTED of that task is stepped (INV-22: posted receives >= credits out + unanswered requests).
 */
static inline void chan_recv_posted(struct chan *c)
{
	c->n_recv++;
}

/**
 * chan_sq_reserve() - take @n send queue slots before anything of a command is posted
 *
 * One slot is always left for the marker (INV-24). Every work request needs one, signalled or not.
 *
 * Nothing may be posted behind the marker, so from DRAINING on none is given (INV-11).
 *
 * Return: true, or false and nothing taken.
 */
bool chan_sq_reserve(struct chan *c, unsigned n);

/* Give @n slots back: completed, flushed, never posted, or abandoned by DESTROY_QP. */
void chan_sq_release(struct chan *c, unsigned n);

/**
 * chan_iu_classify() - what a received message is, from its first bytes
 * @iu:    kind, logout and text are set
 * @bytes: what was received; only the opcode is read
 * @len:   its length
 *
 * A message too short for its fixed part, of an opcode that no initiator may send, or a login is
 * BAD. Cost: one load and a table.
 */
void chan_iu_classify(struct chan_iu *iu, const void *bytes, size_t len);

/* Panic unless everything that must be true between two steps is (INV-n cited at each check). */
void chan_check(const struct chan *c);
/* The same and the wait list node by node; for tests. */
void chan_check_full(const struct chan *c);

/* Names for log and status: "live"; NULL never. */
const char *chan_state_text(enum chan_state s);
const char *chan_ev_text(enum chan_ev e);
const char *chan_act_text(enum chan_act a);
