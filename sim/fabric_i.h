/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Shared by the files of the simulated fabric. */
#pragma once

#include "sim/fabric.h"
#include "sim/sched.h"
#include "sim/worker.h"

#define FABRIC_MRS_MAX 4096u

enum end_state {
	END_NEW,        /* active: not connected yet */
	END_CONNECTING, /* active: waits for the answer */
	END_REQUESTED,  /* passive: not answered yet */
	END_ACCEPTED,   /* passive: answered, not acknowledged; traffic is possible */
	END_LIVE,
	END_CLOSING, /* our disconnect is under way */
	END_ASKED,   /* the peer's disconnect waits for our answer (dreq) */
	END_DOWN
};

/* What travels. Those from SEND on keep their order, per direction; so does FIN. */
enum pkt_type {
	PKT_REQ,
	PKT_REP,
	PKT_RTU,
	PKT_REJ,
	PKT_DREQ,
	PKT_DREP,
	PKT_SEND,
	PKT_WRITE,
	PKT_READ,     /* the request */
	PKT_READ_RSP, /* the data */
	PKT_FIN,
	PKT_RESET, /* FIN, and what was sent before is lost */
	PKT_ACK,
	PKT_NAK
};

struct end;

/* A connection between two ends. Lives as long as one of them, or a packet. */
struct link {
	struct list node;   /* of all links of the fabric */
	struct end *end[2]; /* active, passive; NULL: gone, or never was */
	struct fsim *f;
	struct list pkts;
	uint64_t last_ns[2]; /* arrival of the last packet that keeps its order, to that side */
	bool broken[2];      /* something to that side was lost for good, so nothing more arrives */
	bool asked;          /* its request was taken ... */
	bool rejected;       /* ... and turned down, with this */
	size_t rej_len;
	uint8_t rej[FAB_PRIVATE_DATA_MAX];
	bool cut;
	struct sockaddr_storage to;   /* where it was made to */
	struct sockaddr_storage from; /* where from */
};

struct pkt {
	struct sched_ev ev;
	struct list node; /* of the link's, or of the held ones of its end */
	struct link *link;
	enum pkt_type type;
	unsigned to; /* side */
	uint64_t wr; /* SQ index at the sender of a work request */
	uint64_t va;
	uint32_t rkey;
	uint32_t len;
	enum fab_wc_status status; /* NAK */
	uint8_t *data;             /* NULL: read from memory when it arrives */
};

struct mr {
	bool valid;
	uint32_t rkey;
	unsigned access;
	uint64_t va;
	size_t len;
	uint8_t *ptr;
};

enum wr_state {
	SWR_POSTED,
	SWR_SENT,
	SWR_DONE
};

/* A work request of the send queue. */
struct swr {
	struct fab_wr wr; /* .sge points into qp.sge */
	enum wr_state state;
	enum fab_wc_status status;
};

/* A receive. */
struct rwr {
	uint64_t wr_id;
	uint8_t *buf;
	uint32_t len;
	uint32_t byte_len;
	enum fab_wc_status status;
};

/* Rings; indices grow for ever. Of each queue [freed, head) is completed and not told yet. */
struct qp {
	struct end *owner;
	struct fab_qp_attr attr;
	unsigned ord; /* RDMA READs at a time */
	struct swr *sq;
	struct fab_sge *sge; /* max_sge of each */
	uint64_t sq_freed, sq_head, sq_next, sq_tail;
	struct rwr *rq;
	uint64_t rq_freed, rq_head, rq_tail;
	unsigned n_reads;
	bool error;
	bool flushed; /* what was posted was completed as flushed; so is what is posted now */
	bool mute;    /* it never will */
	bool hold;    /* a responder that may not speak yet */
	struct sched_ev tx;
	struct sched_ev flush;
	struct sched_ev retry;
};

/* An event that was not delivered yet. */
struct evq {
	struct list node;
	struct fab_event ev;
	uint8_t priv[FAB_PRIVATE_DATA_MAX];
};

struct end {
	struct fab_conn base;
	struct list node; /* of all ends of the fabric */
	struct fsim *f;
	struct worker *w;
	const struct fab_handler *handler;
	void *ctx;
	void *who;
	struct link *link;
	unsigned side;
	enum end_state state;
	struct flistener *asked; /* passive: its request was not delivered yet */
	bool delivering;
	bool dying;
	bool removed;  /* its device is gone */
	bool told_end; /* DISCONNECTED (or what stands for it) was queued */
	bool frozen;
	bool deaf;
	bool no_rtu;
	bool accept_failed;
	bool send_failed; /* since it is live */
	bool vanished;    /* its host was switched off: nothing comes from it, nothing is taken */
	bool comm_est;    /* was told */
	bool fin_due;     /* as soon as the send queue is empty */
	bool fin_sent;
	struct list held; /* packets that wait for a frozen end */
	struct worker_inlet inlet;
	struct list events;
	struct qp *qp;
	bool had_qp;
	struct sched_ev cm; /* the handshake message is sent again, or given up */
	unsigned cm_left;
	struct sched_ev late; /* ESTABLISHED, TIMEWAIT_EXIT */
	struct sched_ev
		est; /* COMM_EST; what comes of the queue pair keeps no order with the CM's events */
	struct sched_ev fin; /* the deadline of a disconnect */
	enum fab_event_type late_type;
	uint8_t priv[FAB_PRIVATE_DATA_MAX]; /* to send: request or reply */
	size_t priv_len;
	unsigned depth, resources; /* of the connect() or accept() */
	struct mr *mr;
	unsigned n_mrs;
};

struct flistener {
	struct fab_listener base;
	struct list node;
	struct fsim *f;
	struct worker *w;
	struct sockaddr_storage addr;
	socklen_t len;
	const struct fab_handler *handler;
	void *ctx;
};

/* Local memory that was announced. */
struct mem {
	const uint8_t *at;
	size_t len;
};

#define FABRIC_MEMS_MAX 1024u

struct fsim {
	struct fab fab;
	struct fab_ops ops;
	bool dreq;
	bool registers;
	unsigned n_mems;
	struct mem mems[FABRIC_MEMS_MAX];
	bool removed; /* the target's device */
	unsigned max_conns;
	unsigned n_ends;
	unsigned n_mrs; /* for keys */
	unsigned n_names;
	struct list ends;
	struct list listeners;
	struct list links;
};

static inline struct end *end_of(const struct fab_conn *c)
{
	return container_of(c, struct end, base);
}

static inline struct end *end_peer(const struct end *e)
{
	return e->link ? e->link->end[!e->side] : NULL;
}

static inline struct fsim *fsim_of(struct fab *f)
{
	return container_of(f, struct fsim, fab);
}

/* --- fabric.c --- */

/* A new end on @w. NULL: there are too many. */
struct end *fabric_end_new(struct fsim *f, struct worker *w, unsigned side);
/* Let the link forget it, and free it (now, or when its handler has returned). */
void fabric_end_free(struct end *e);
/* Queue an event. @priv may be NULL. */
void fabric_tell(struct end *e, enum fab_event_type type, int error, const char *text,
		 const struct end *priv);
/* Something waits to be delivered. */
void fabric_wake(struct end *e);
/* Does this call of the target fail? */
bool fabric_call_fails(const struct end *e, enum fabric_call call, const void *by);
/* Was [addr, +len) announced? Always, where that is not needed. */
bool fabric_mem_known(const struct fsim *f, const void *addr, size_t len);

/* --- fabric_link.c --- */

struct link *fabric_link_new(struct end *active);
/* @type to the peer of @from. NULL: it was lost. The packet is planned already; its fields may be set. */
struct pkt *fabric_send(struct end *from, enum pkt_type type);
struct pkt *fabric_send_to(struct link *l, unsigned to, enum pkt_type type);
/* As if it were sent again, by nobody, for as long as handshakes are. */
void fabric_send_surely(struct end *from, enum pkt_type type);
/* The data of @from that are on their way will never arrive. */
void fabric_drop_sent(struct end *from);
/* Free it when nobody needs it any more. */
void fabric_link_check(struct link *l);
void fabric_link_free(struct link *l);
void fabric_pkt_free(struct pkt *p);
/* Packets that waited for @e while it was frozen. */
void fabric_drop_held(struct end *e);

/* --- fabric_cm.c --- */

/* A handshake message arrived; @e may be NULL (nobody is there). */
void fabric_cm_arrive(struct link *l, struct pkt *p, struct end *e);
int fabric_connect(struct fab_conn *c, const struct sockaddr *addr, socklen_t addr_len,
		   const void *priv, size_t priv_len, unsigned initiator_depth,
		   unsigned responder_resources);
int fabric_accept(struct fab_conn *c, const void *priv, size_t priv_len, unsigned initiator_depth);
int fabric_reject(struct fab_conn *c, const void *priv, size_t priv_len);
int fabric_disconnect(struct fab_conn *c);
/* The first packet of the peer came. */
void fabric_cm_traffic(struct end *e);
/* The connection is over for @e: its queue pair is in error, the peer hears of it, it is told once. */
void fabric_down(struct end *e, enum fab_event_type type, int error, bool reset);
/* The send queue is empty: an orderly end may go on. */
void fabric_cm_sent_all(struct end *e);
/* The queue pair was put to error (or destroyed) by its owner. */
void fabric_cm_qp_error(struct end *e);
/* @e goes away without a word of its owner. */
void fabric_cm_gone(struct end *e);
void fabric_cm_init(struct end *e);
struct flistener *fabric_listener_find(struct fsim *f, const struct sockaddr_storage *addr);

/* --- fabric_qp.c --- */

/* A data packet arrived at @e, which has a queue pair that is not in error. */
void fabric_qp_arrive(struct end *e, struct pkt *p);
/* An answer to one of @e's packets. */
void fabric_qp_answer(struct end *e, struct pkt *p);
int fabric_qp_create(struct fab_conn *c, const struct fab_qp_attr *attr);
void fabric_qp_destroy(struct fab_conn *c);
void fabric_qp_error(struct fab_conn *c);
int fabric_post_recv(struct fab_conn *c, uint64_t wr_id, void *buf, uint32_t len);
int fabric_post_send(struct fab_conn *c, const struct fab_wr *wr, unsigned n);
int fabric_mr_reg(struct fab_conn *c, void *addr, size_t len, unsigned access, struct fab_mr *ret);
void fabric_mr_dereg(struct fab_conn *c, struct fab_mr *mr);
/* The queue pair breaks: the oldest request under way fails with @status, the rest is flushed. */
void fabric_qp_break(struct end *e, enum fab_wc_status status, const char *text);
/* To error without blame; what was posted is flushed. */
void fabric_qp_fail(struct end *e);
/* Traffic is possible now. */
void fabric_qp_start(struct end *e, unsigned ord);
/* Completions to tell? Put up to @max into @wc. */
unsigned fabric_qp_take(struct end *e, struct fab_wc *wc, unsigned max);
bool fabric_qp_has_news(const struct end *e);
void fabric_qp_free(struct end *e);
