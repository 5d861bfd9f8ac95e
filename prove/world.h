/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * One channel and all that is around it, in one block of memory at one address: a copy of it is a
 * snapshot, and pointers inside stay good when it is copied back. What is not determined is asked of
 * choose(). Every byte belongs to the identity of a state, but for what world_normalise() erases.
 *
 *	chan     the real thing, stepped by chan_step()
 *	iu       receive buffers
 *	cm       local connection manager, network, peer's connection manager
 *	books    the caller's side: tasks, sends, the port's answer; and what was seen so far, for checks
 */
#pragma once

#include "srp/chan_table.h"

#define WORLD_IUS       6u /* receive buffers at most; bound.n_recv of them exist */
#define WORLD_EVENTS    3u /* CM events under way to the channel at most */
#define WORLD_PARTS     4u
#define WORLD_LIMIT_MAX 5u /* request limits from 2 to this */
#define WORLD_SLOTS_MAX 16u

enum flavour {
	FLAVOUR_IB,    /* IB/CM: REP, RTU, REJ, DREQ, DREP, MRA, TimeWait */
	FLAVOUR_RDMA,  /* RDMA/CM on top of it: one DISCONNECTED for all ends */
	FLAVOUR_IWARP, /* no RTU and no handshake at the end */
	FLAVOUR_ANY, /* no connection manager: its events come whenever chan.h does not forbid them */
	FLAVOUR_FINAL, /* the same, and DISCONNECTED is final as on iWARP */
	FLAVOUR_COUNT
};

/* How much of everything there may be. */
struct bound {
	unsigned limit;     /* request limit at login */
	unsigned max_limit; /* what home may set at most; 2 at least */
	unsigned n_recv;    /* receive buffers */
	unsigned sq_depth;  /* send queue slots, the marker's included */
	unsigned n_events;  /* CM events under way */
	unsigned n_hostile; /* CM messages out of place */
	unsigned n_breaks;  /* what happens while the actions of one move are carried out */
};

enum iu_at {
	IU_POSTED, /* waits for a message */
	IU_CORE,   /* given to the channel by RECV, or parked there */
	IU_TASK,   /* submitted; its task still uses the buffer */
	IU_FREE,   /* dropped: never posted again */
	IU_AT_COUNT
};

struct world_iu {
	struct chan_iu iu;
	uint8_t at;    /* enum iu_at */
	uint8_t order; /* CORE: of arrival, by our own count */
};

struct cm {
	uint8_t state; /* flavour's own */
	uint8_t sent; /* set of messages the peer has sent; each may come any number of times, or never */
	uint8_t budget; /* messages out of place it may still send */
	uint8_t n_events;
	uint8_t events[WORLD_EVENTS]; /* enum chan_ev: under way to the channel, in this order */
	bool told;                    /* RDMA/CM: DISCONNECTED was reported */
};

/* What the caller knows and what was seen. Each "did" is an action that may come once. */
struct books {
	uint64_t now_ns;
	bool answered;   /* the port gave its answer */
	bool admitted;   /* ... which was ADMITTED */
	bool accepted;   /* our reply is out */
	bool disabled;   /* PORT_DISABLED was told */
	bool kick;       /* KICK is owed */
	bool notify;     /* after the actions: COMM_EST is carried out */
	bool broken;     /* after the actions: a receive could not be posted */
	bool unregister; /* SESSION_UNREGISTERED is owed when the last task ended */
	bool marker;     /* outstanding */
	bool drained;    /* the marker came back */
	bool did_accept, did_reject, did_closing, did_abort, did_logout, did_disconnect, did_error,
		did_marker;
	bool did_unregister, unregistered, did_destroy_qp, did_destroy_id, released;
	bool saw_busy;     /* BUSY in this move */
	uint8_t n_breaks;  /* left in this move */
	uint8_t n_arrived; /* order of the next IU */
	uint8_t want;      /* the request limit that home set last */
	int8_t peer_lim;   /* requests the peer may send, as it believes */
	int8_t peer_delta; /* not in it yet: asked back by a CRED_REQ that is not answered */
	int8_t pending; /* credits given and taken by actions that wait for others of their step */
	uint8_t peer_asked; /* enum chan_ask: what the peer owes an answer to */
	bool heard;         /* the peer has sent something */
	bool aer;           /* home has an event report under way */
	uint8_t n_bare;     /* tasks whose buffer was posted again */
	uint8_t n_data;     /* tasks whose data are moving: a send queue slot more each */
	uint8_t n_sends;    /* RSP, CRED_REQ, AER_REQ, T_LOGOUT in the send queue */
	uint8_t n_finished; /* tasks of which TASK_ABORTED or RESPOND is being stepped */
};

struct world {
	struct chan chan;
	struct world_iu iu[WORLD_IUS];
	struct cm cm;
	struct books b;
};

/* Where the parts lie; each is interned by itself, since few of them are new in a new state. */
struct world_part {
	size_t offset, size;
};
extern const struct world_part world_parts[WORLD_PARTS];

/* What happened to a cell of the channel's table. */
struct cells {
	uint64_t hits[CHAN_EV_COUNT][CHAN_STATE_COUNT];
	uint8_t exits[CHAN_EV_COUNT][CHAN_STATE_COUNT]; /* set of states it went to */
	/* the state of the walk that it was reached from first */
	uint32_t first[CHAN_EV_COUNT][CHAN_STATE_COUNT];
	uint32_t here; /* the state the walk looks at */
};

/* Of the walk under way. */
extern struct world world;
extern struct bound bound;
extern enum flavour flavour;
extern struct cells cells;

/* --- world.c --- */

/* A channel that waits for the port's answer. */
void world_init(struct world *w);
/* Can it be walked: does it fit, and does chan_init() take it? */
bool bound_ok(const struct bound *b);

/* One event to the channel, its actions included. */
void world_step(struct world *w, enum chan_ev type, uint32_t value, struct chan_iu *iu);

/* Erase what cannot influence the future, so that equal worlds are equal bytes. Between two moves. */
void world_normalise(struct world *w);

/* Tasks that are alive; those that are neither ending nor moving data. */
unsigned world_tasks(const struct world *w);
unsigned world_idle(const struct world *w);
unsigned world_count(const struct world *w, enum iu_at at);
/* A buffer that is @at, NULL when there is none. */
struct world_iu *world_find(struct world *w, enum iu_at at);

/* --- act.c --- */

/* What the caller of chan_step() does for action @a; its failures are chosen. */
void world_act(struct world *w, const struct chan_action *a);

/* One task ends: by RESPOND or by TASK_ABORTED; @bare: one whose buffer was posted again. */
void world_task_end(struct world *w, bool respond, bool bare);

/* A slot of the send queue is given back. */
void world_slot_back(struct world *w);

/* --- books.c --- */

/* Judge a step from outside, before its actions are carried out. */
void books_stepped(struct world *w, enum chan_ev ev, enum chan_state before,
		   const struct chan_actions *out);
/* Actions that were given out and wait change the peer's credits by this much. */
void books_pending(struct world *w, int change);
/* Judge an action, then remember it. */
void books_act(struct world *w, const struct chan_action *a);
/* Judge what a message to the peer does to its credits, then remember it; @rsp: an RSP, which ends a task. */
void books_grant(struct world *w, int32_t delta, bool rsp);
/* Judge the world between two moves. */
void books_between(const struct world *w);

/* A requirement of docs/spec/session.md does not hold: the walk ends with a trace. */
_Noreturn void violated(const char *inv, const char *text);
#define must(cond, inv, text) ((cond) ? (void)0 : violated(inv, text))

/* --- tell.c --- */

extern bool trace_on;
extern unsigned trace_depth; /* of steps inside steps */
/* A line of the story, when it is told; @depth is its indentation. */
__attribute__((format(printf, 2, 3))) void trace_line(unsigned depth, const char *fmt, ...);
#define trace(...) (trace_on ? trace_line(__VA_ARGS__) : (void)0)
