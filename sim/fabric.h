/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A simulated fabric behind src/fabric/fabric.h. Two kinds: with the disconnect handshake of InfiniBand
 * (DREQ, DREP, TimeWait; requests, replies and acknowledgements that get lost) and without one, as iWARP
 * (a stream with an end). Packets are on their way for as long as the dice say; memory is read and written
 * at the last moment the contract allows, so that a buffer that is used again too early is noticed.
 */
#pragma once

#include "fabric/fabric.h"

/* How the network behaves; all zero is a perfect one. */
struct fabric_net {
	uint64_t way_min_ns;    /* a packet is on its way for so long ... */
	uint64_t way_max_ns;    /* ... up to so long */
	unsigned hiccup_pmille; /* a packet takes longer */
	uint64_t hiccup_ns;
	unsigned
		cm_lose_pct; /* a message of the handshakes is lost (and sent again after a while) */
	uint64_t cm_again_ns; /* how long that while is */
	unsigned cm_tries;    /* how often in all */
	uint64_t timewait_ns;
	unsigned comm_est_pct;   /* dreq: traffic before the acknowledgement is told by COMM_EST */
	unsigned late_est_pct;   /* no dreq: ESTABLISHED comes late */
	unsigned no_est_pct;     /* ... or never, when the connection ends before */
	unsigned no_dreq_pct;    /* dreq: no disconnect before the acknowledgement came */
	unsigned no_rtu_pct;     /* dreq: who got the reply never acknowledges it */
	unsigned rtu_late_pct;   /* dreq: the acknowledgement comes late */
	unsigned wr_fail_pmille; /* a work request fails for no reason of ours */
	unsigned mute_pct;       /* a queue pair in error forgets to flush */
	uint64_t flush_ns;       /* or takes up to so long */
	unsigned last_wqe_pct;
	unsigned fatal_pct; /* a queue pair that breaks says so by an event */
	unsigned early_pct; /* memory is read when a packet leaves, not when it arrives */
	bool scribble;      /* memory that was handed in is overwritten */
	uint64_t retry_ns;  /* an unanswered packet breaks the connection after this */
};
extern struct fabric_net fabric_net;

/* Calls of the seam that can fail. */
enum fabric_call {
	FABRIC_LISTEN,
	FABRIC_MEM_ADD,
	FABRIC_QP_CREATE,
	FABRIC_FIRST_RECV, /* post_recv before the connection is answered: there are many of them */
	FABRIC_ACCEPT,
	FABRIC_REJECT,
	FABRIC_DISCONNECT,
	FABRIC_RECV,
	FABRIC_SEND, /* post_send, by its first request */
	FABRIC_READ,
	FABRIC_WRITE,
	FABRIC_MARKER,
	FABRIC_CALL_COUNT
};

/* Who watches; members may be NULL. */
struct fabric_watch {
	/* @iu was taken by a receive of @to; both ends exist. */
	void (*taken)(struct fab_conn *to, const uint8_t *iu, size_t len);
	/* A message came for @to, which has no receive posted. */
	void (*no_receive)(struct fab_conn *to);
	/* The peer of @to wanted to touch memory of @to that it may not. */
	void (*bad_access)(struct fab_conn *to, bool write, uint32_t rkey);
	/* The target rejects the connection whose end @c is. */
	void (*rejects)(struct fab_conn *c);
	/* The target posts work that names local memory which it has not announced (mem_add). */
	void (*unknown_memory)(const struct fab_conn *c);
	/* A call of the seam by the target; true makes it fail. @by: where it was made. */
	bool (*call_fails)(enum fabric_call call, const void *by);
};
extern struct fabric_watch fabric_watch;

struct fabric_opts {
	bool dreq;          /* with the disconnect handshake */
	bool registers;     /* local memory must be announced, as to a real device */
	unsigned max_conns; /* 0: 4096 */
};

int fabric_new(struct fab **ret, const struct fabric_opts *o);

/* --- what the world may do to it --- */

const char *fabric_call_text(enum fabric_call call);
/* What a host thinks of a connection of its own; NULL for the target's. */
void fabric_set_who(struct fab_conn *c, void *who);
/* Of the host's end, whichever end @c is; NULL when that has gone. */
void *fabric_who(const struct fab_conn *c);
/* @c is the target's end. */
bool fabric_passive(const struct fab_conn *c);

/* Memory at @ptr is at @va for the peer; else as mr_reg(). */
int fabric_mr_reg_at(struct fab_conn *c, void *ptr, uint64_t va, size_t len, unsigned access,
		     struct fab_mr *ret);
/* @c takes nothing from the network from now on, or goes on taking. */
void fabric_freeze(struct fab_conn *c, bool on);
/* @c answers no RDMA READ any more. */
void fabric_deaf(struct fab_conn *c);
/* @c never acknowledges the reply it gets (dreq only). */
void fabric_no_rtu(struct fab_conn *c);
/* The cable of @c is cut: nothing arrives any more, and nobody is told. */
void fabric_cut(struct fab_conn *c);
/* The host of @c is switched off: nobody is told. It comes back, and knows nothing of @c. */
void fabric_vanish(struct fab_conn *c);
/* Tell the target's end of every connection that the device is gone; its calls fail from now on. */
void fabric_remove_device(struct fab *f);
void fabric_return_device(struct fab *f);
/* The local address of one of the target's connections changed; false: it has none. */
bool fabric_change_address(struct fab *f);
/* The process of the target died: its ends go, the peers get to know as they would. */
void fabric_crash(struct fab *f);

/* Ends of the target, listeners; for the end of a run. */
unsigned fabric_n_passive(const struct fab *f);
unsigned fabric_n_listeners(const struct fab *f);
/* Pieces of memory that are announced. */
unsigned fabric_n_mems(const struct fab *f);
/* The address of @c's active end, as its peer sees it. False: the connection has none yet. */
bool fabric_from(const struct fab_conn *c, struct sockaddr_storage *ret);
/* Receives that wait for a message, at the end @c is. */
unsigned fabric_n_receives(const struct fab_conn *c);
/* The reply to the request that @c came with could not be sent. */
bool fabric_accept_failed(const struct fab_conn *c);
/* A message could not be posted at @c. */
bool fabric_send_failed(const struct fab_conn *c);
/* Its other end is still there. */
bool fabric_has_peer(const struct fab_conn *c);
/* Is nothing on its way between the ends of @c? */
bool fabric_quiet(const struct fab_conn *c);
