/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The RDMA seam: what an SRP port needs of an RDMA provider. A connection (`fab_conn`) is a CM id and
 * its queue pair. Implementations: fabric/iwarp (MPA/DDP/RDMAP over TCP in user space), fabric/verbs
 * (rdma-core).
 *
 * Every connection belongs to one worker: all its calls are made there and all its events and
 * completions are delivered there. A connection request is delivered on the listener's worker;
 * fab_conn_migrate() may then move it, once, before its queue pair exists.
 *
 * No call blocks. Events and completions are never delivered from inside a call of this seam: they
 * come in a later step of the worker's round. Memory handed in (buffers of posted work requests,
 * private data during the call) stays the caller's; buffers must stay valid until their work request
 * completed or was flushed, or the queue pair was destroyed.
 */
#pragma once

#include <sys/socket.h>

#include "base/util.h"

struct worker;
struct fab;
struct fab_listener;
struct fab_conn;

#define FAB_PRIVATE_DATA_MAX 196u /* bytes of ULP private data a provider carries at most */
#define FAB_SGE_MAX          16u  /* pieces of a work request */

enum fab_event_type {
	FAB_EV_CONNECT_REQUEST, /* passive: a peer wants in; private data is valid during the call */
	FAB_EV_ESTABLISHED, /* both sides: traffic may start. Active: private data of the reply */
	FAB_EV_COMM_EST,    /* passive: first packet before ESTABLISHED */
	FAB_EV_REJECTED, /* active: refused, private data as sent. Passive: peer refused the reply */
	FAB_EV_UNREACHABLE,   /* active: no answer. Passive: the reply was never acknowledged */
	FAB_EV_CONNECT_ERROR, /* resolving, connecting or the handshake failed; error says why */
	FAB_EV_DISCONNECTED, /* the peer (or the network) ended it, or our disconnect has been answered */
	FAB_EV_TIMEWAIT_EXIT,
	FAB_EV_DEVICE_REMOVAL,
	FAB_EV_ADDR_CHANGE,
	FAB_EV_QP_FATAL, /* protocol error by the peer or a broken queue pair; `text` says which */
	FAB_EV_LAST_WQE,
	FAB_EV_COUNT
};

struct fab_event {
	enum fab_event_type type;
	int error;           /* 0 or -errno */
	const char *text;    /* cause in words, may be NULL; valid during the call */
	const uint8_t *priv; /* private data; valid during the call */
	size_t priv_len;
	unsigned
		initiator_depth; /* CONNECT_REQUEST: RDMA READs we may have outstanding at the peer */
	unsigned responder_resources; /* CONNECT_REQUEST: RDMA READs the peer wants to have at us */
};

enum fab_wr_op {
	FAB_WR_SEND,
	FAB_WR_READ,  /* from the peer's memory into the pieces */
	FAB_WR_WRITE, /* from the pieces into the peer's memory */
	FAB_WR_MARKER /* moves nothing; completes (or is flushed) after everything posted before it */
};

enum fab_wc_op {
	FAB_WC_SEND,
	FAB_WC_READ,
	FAB_WC_WRITE,
	FAB_WC_MARKER,
	FAB_WC_RECV
};

enum fab_wc_status {
	FAB_WC_OK,
	FAB_WC_FLUSHED,   /* the queue pair was in error before this was done */
	FAB_WC_LOCAL,     /* our fault: bad buffer, message longer than the receive */
	FAB_WC_REMOTE,    /* the peer refused the access */
	FAB_WC_TRANSPORT, /* the connection broke */
};

/* A piece of local memory. No key: an implementation that needs one finds it by address (fab_mem). */
struct fab_sge {
	void *addr;
	uint32_t len;
};

#define FAB_WR_SIGNALED  BIT(0) /* report success too; failures and flushes are always reported */
#define FAB_WR_SOLICITED BIT(1) /* SEND: wake a peer that waits for solicited events only */

struct fab_wr {
	uint64_t wr_id;
	enum fab_wr_op op;
	unsigned flags;
	uint64_t remote_va; /* READ, WRITE */
	uint32_t rkey;
	unsigned n_sge;
	const struct fab_sge *sge; /* the array is copied by the call, the memory it names is not */
};

struct fab_wc {
	uint64_t wr_id;
	enum fab_wc_op op;
	enum fab_wc_status status;
	uint32_t byte_len; /* RECV, OK */
};

struct fab_qp_attr {
	unsigned sq_depth; /* work requests that may be outstanding, the marker's slot included */
	unsigned rq_depth;
	unsigned max_sge;            /* per send-queue work request; <= FAB_SGE_MAX */
	unsigned max_rd_atomic;      /* RDMA READs we shall have outstanding */
	unsigned max_dest_rd_atomic; /* RDMA READs of the peer we serve; 0 for a target */
	/* Receives need not be used in the order of posting: a provider that can takes the one posted last, whose
	 * memory is warm. */
	bool any_recv;
};

/* Who listens to a connection. Set by fab_conn_set_handler(); both are called on the conn's worker. */
struct fab_handler {
	void (*event)(struct fab_conn *c, const struct fab_event *ev);
	/* @n >= 1 completions in the order of the queue pair's queues; at most 64 at a time */
	void (*complete)(struct fab_conn *c, const struct fab_wc *wc, unsigned n);
};

enum fab_access {
	FAB_ACCESS_REMOTE_READ = 1,
	FAB_ACCESS_REMOTE_WRITE = 2
};

struct fab_mr {
	void *addr;
	size_t len;
	uint32_t rkey;
	unsigned slot; /* the provider's */
};

struct fab_limits {
	unsigned handshake_ms;        /* deadline of a half-open login; 0: 5000 */
	unsigned handshakes_per_peer; /* half-open logins of one address at a time; 0: 32 */
	unsigned handshakes;          /* half-open logins in all; 0: 1024 */
	unsigned max_conns;           /* connections in all; 0: 4096 */
};

struct fab_ops {
	const char *name;
	/* Bytes of private data that a request carries; replies carry FAB_PRIVATE_DATA_MAX. What arrives may
	 * be longer than what was sent, by zeroes: InfiniBand pads to what its messages hold. */
	size_t request_priv_max;
	/*
	 * listen - take connections at @addr; requests go to @handler with @ctx on @w.
	 * Return: 0, -EADDRINUSE, -EADDRNOTAVAIL, -EACCES, -ENOMEM, another -errno.
	 */
	int (*listen)(struct fab_listener **ret, struct fab *f, struct worker *w,
		      const struct sockaddr *addr, socklen_t addr_len,
		      const struct fab_handler *handler, void *ctx);
	/* Stop listening; half-open connections of it are dropped. No request is delivered afterwards. */
	void (*unlisten)(struct fab_listener *l);
	/* Address really bound to (port 0 asked for any). */
	void (*listener_addr)(const struct fab_listener *l, struct sockaddr_storage *ret);

	/* connect - start an active connection; CONNECT with conn_connect() after its queue pair is made. */
	int (*conn_new)(struct fab_conn **ret, struct fab *f, struct worker *w,
			const struct fab_handler *handler, void *ctx);
	/* Return: 0 or -errno; the outcome comes as ESTABLISHED, REJECTED, UNREACHABLE or CONNECT_ERROR. */
	int (*connect)(struct fab_conn *c, const struct sockaddr *addr, socklen_t addr_len,
		       const void *priv, size_t priv_len, unsigned initiator_depth,
		       unsigned responder_resources);

	/* Move a requested connection to @w. After this call only @w may touch it. */
	void (*migrate)(struct fab_conn *c, struct worker *w);
	/* Return: 0, -ENOMEM, -EINVAL. Once per connection. */
	int (*qp_create)(struct fab_conn *c, const struct fab_qp_attr *attr);
	/* accept - REP: @priv is sent, the queue pair goes to RTS. ESTABLISHED follows (in a later step). */
	int (*accept)(struct fab_conn *c, const void *priv, size_t priv_len,
		      unsigned initiator_depth);
	/* reject - REJ with @priv; afterwards only destroy is allowed (and flushes, if a QP exists). */
	int (*reject)(struct fab_conn *c, const void *priv, size_t priv_len);
	/* disconnect - orderly: what is posted is sent first. DISCONNECTED follows when the peer answered. */
	int (*disconnect)(struct fab_conn *c);
	/* qp_error - stop moving data at once and flush everything posted, in order. Idempotent. Work
	 * requests posted afterwards are flushed too, behind the others. */
	void (*qp_error)(struct fab_conn *c);
	/* Release the queue pair; nothing completes after this call. Accepts a conn without one. */
	void (*qp_destroy)(struct fab_conn *c);
	/* Release the id (and the queue pair if there still is one); no event after this call. May be called
	 * from inside a handler of this very connection. */
	void (*destroy)(struct fab_conn *c);

	/* post_recv - receives are consumed in order. Return: 0 or -ENOMEM (rq_depth reached). */
	int (*post_recv)(struct fab_conn *c, uint64_t wr_id, void *buf, uint32_t len);
	/*
	 * post_send - post @n requests as one chain: all of them or, with -ENOMEM (no slots), none.
	 * Order of execution is order of posting, except that a READ may be passed by what follows it.
	 * Sending is deferred to the end of the worker's round, so that one system call carries many.
	 */
	int (*post_send)(struct fab_conn *c, const struct fab_wr *wr, unsigned n);

	/* Let the peer of @c (and nobody else) access [addr, addr+len). Return: 0, -ENOSPC, -EINVAL. */
	int (*mr_reg)(struct fab_conn *c, void *addr, size_t len, unsigned access,
		      struct fab_mr *ret);
	/* From the return on the peer cannot access it any more. */
	void (*mr_dereg)(struct fab_conn *c, struct fab_mr *mr);

	/* Local memory that work requests will name (buffer arenas, RAM disks): a provider with real devices
	 * registers it; optional members, NULL when memory needs no registration. */
	int (*mem_add)(struct fab *f, void *addr, size_t len);
	void (*mem_del)(struct fab *f, void *addr, size_t len);

	void (*set_handler)(struct fab_conn *c, const struct fab_handler *handler, void *ctx);
	void *(*ctx)(const struct fab_conn *c);
	struct worker *(*worker)(const struct fab_conn *c);
	void (*peer_addr)(const struct fab_conn *c, struct sockaddr_storage *ret);
	void (*free)(struct fab *f); /* no listener and no connection may exist any more */
};

/* Every provider's object starts with this. Made by the provider's own constructor (fab_iwarp_new()). */
struct fab {
	const struct fab_ops *ops;
};
struct fab_listener {
	struct fab *fab;
};
struct fab_conn {
	struct fab *fab;
	/*
	 * The CM has a disconnect handshake (InfiniBand, RoCE): DISCONNECTED may be the peer's question, which
	 * disconnect() answers, and traffic may go on until qp_error(). False (iWARP): DISCONNECTED is final.
	 * Set by the provider before any event is delivered.
	 */
	bool dreq_handshake;
};
