/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The provider's own objects, shared by its files and nobody else.
 *
 *   fv        the provider
 *   fv_dev    an RDMA device: protection domain, registered memory. Shared by all workers, under fv.lock
 *   fv_lane   what a worker has: an event channel of the CM, the table of its connections
 *   fv_port   a lane's use of a device: completion channel and queues, the device's asynchronous events
 *   listener  a listening id on one lane, or one that waits for its device
 *   fv_conn   a connection: from the request (passive) or conn_new (active) to destroy
 *
 * Lanes and ports exist while something uses them; devices until they are removed or the provider is freed.
 * P1 .. P14 in comments are the traps of librdmacm and libibverbs that docs/design/0015-verbs.md lists.
 */
#pragma once

#include <infiniband/verbs.h>
#include <poll.h>
#include <pthread.h>
#include <rdma/rdma_cma.h>
#include <stdatomic.h>

#include "base/check.h"
#include "base/list.h"
#include "fabric/verbs/fab_verbs.h"
#include "run/worker.h"

#define FV_WORKERS    64u  /* worker_index() stays below */
#define FV_ADDR_TEXT  64u  /* "[address]:port" and its zero */
#define FV_POLL_BATCH 64u  /* completions taken from a queue at a time; the seam's limit as well */
#define FV_POLL_ROUND 256u /* ... and in one round of the worker */
#define FV_ACK_BATCH  64u  /* CQ events acknowledged together */
#define FV_CHAIN      64u  /* work requests handed to the device in one call */
#define FV_INLINE \
	256u /* bytes a response has at most; a device that cannot do it is asked for less */
#define FV_RETRY_MS 1000u /* between tries of a listener that waits for its device */
/* ... when its device has come, and somebody else has the port: most often that is our own iWARP, on a device that is
 * iWARP, too. The kernel logs each try. */
#define FV_RETRY_BUSY_MS 60000u
#define FV_LAZY_MS       10u /* how long the end of a send may go unnoticed when nothing waits for it */
#define FV_LAZY_BYTES    16384u /* ... unless it holds more memory than this */
#define FV_DRAIN_MS      2000u  /* how long the device may take to flush a queue pair */
#define FV_SLOTS_MAX     (1u << 20)
#define FV_DEVICES       32u /* device contexts that are remembered */

struct fv;
struct fv_lane;
struct fv_conn;

/* --- memory --- */

struct fv_region { /* what mem_add() announced */
	uint8_t *addr;
	size_t len;
};

struct fv_key { /* a region as one device knows it */
	const uint8_t *addr;
	const uint8_t *end;
	struct ibv_mr *mr;
	uint32_t lkey;
};

/* Sorted by address. */
struct fv_keys {
	struct fv_key *v;
	unsigned n;
	unsigned room;
};

struct fv_dev {
	struct list node; /* fv.devs */
	struct fv *fv;
	struct ibv_context *verbs;
	struct ibv_pd *pd;
	struct ibv_device_attr attr;
	uint32_t max_msg;
	bool iwarp;
	char uverbs[IBV_SYSFS_NAME_MAX]; /* its node in /dev/infiniband */
	bool gone;                       /* removed: only waits for its last user */
	unsigned n_users;                /* ports; under fv.lock, as all of these but @gen */
	struct fv_keys keys;             /* the master copy; a port looks things up in its own */
	_Atomic unsigned gen;            /* changes with @keys */
	struct list ports;               /* fv_port.dev_node */
};

/* A context that librdmacm has open, by the name of its node in /dev/infiniband. */
struct fv_open {
	struct ibv_context *verbs;
	char node[IBV_SYSFS_NAME_MAX];
};

struct fv {
	struct fab fab;
	struct fab_verbs_opts opts; /* every 0 replaced by its default */
	atomic_uint refs;           /* lanes, ports, conns, listeners, and one until ops->free() */
	atomic_uint n_conns;
	atomic_bool watched; /* some lane has a watch */
	/* Devices and regions change when a device comes, a login needs memory, or the like: a lock is
	 * never taken for an I/O. */
	pthread_mutex_t lock;
	struct list devs;
	struct fv_open open[FV_DEVICES];
	unsigned n_open;
	struct fv_region *regions;
	unsigned n_regions;
	unsigned regions_room;
	struct fv_lane *lanes[FV_WORKERS]; /* entry i is made and used by worker i only */
};

/* --- lanes and ports --- */

/* What an id's context points to. */
enum fv_kind {
	FV_LISTENER,
	FV_CONN
};

struct fv_watch { /* the kernel's announcements of devices, see fv_watch.c */
	struct fv *fv;
	int fd;
	struct worker_poll poll;
};

struct fv_lane {
	struct fv *fv;
	struct fv_watch *watch; /* on lanes with a listener; NULL: none */
	struct worker *w;
	unsigned n_users; /* listeners, conns, ports */
	struct rdma_event_channel *channel;
	struct worker_poll poll;
	struct list ports;
	/* A completion names its connection by slot and generation, so that a late one finds nothing. */
	struct fv_conn **slots;
	uint32_t *gens;
	unsigned n_slots;
	unsigned free_hint;
};

/* The ends of receives wake the worker, those of sends only when something waits for them. */
enum fv_cq_kind {
	FV_CQ_SEND, /* first: what has ended makes room for what has come */
	FV_CQ_RECV,
	FV_CQ_KINDS
};

struct fv_cq {
	struct list node; /* fv_port.cqs of its kind */
	enum fv_cq_kind kind;
	struct fv_port *port;
	struct ibv_cq *cq;
	unsigned room; /* completions it holds */
	unsigned used; /* work requests that its queue pairs may have outstanding */
	unsigned unacked;
};

struct fv_port {
	struct list node;     /* fv_lane.ports */
	struct list dev_node; /* fv_dev.ports */
	struct fv_lane *lane;
	struct fv_dev *dev;
	unsigned n_conns;
	struct list conns; /* fv_conn.port_node */
	struct list cqs[FV_CQ_KINDS];
	struct ibv_comp_channel *channel;
	struct worker_poll comp_poll;
	struct worker_poll async_poll;
	unsigned n_polls; /* started and not yet stopped */
	struct worker_job job;
	bool armed[FV_CQ_KINDS];
	unsigned n_urgent;        /* connections that wait for the end of a send */
	unsigned n_out;           /* entries of send queues whose end the device will tell */
	struct worker_timer lazy; /* looks after sends that nothing waits for */
	bool lazy_on;
	uint64_t idle_ns;    /* time of the last completion */
	struct fv_keys keys; /* copy of the device's, of generation @gen */
	unsigned gen;
	struct worker_msg fatal_msg;
	atomic_bool fatal_posted;
	bool closing;
};

/* --- connections --- */

enum fv_state {
	FV_NEW,           /* active: not connecting yet */
	FV_RESOLVING,     /* active: address, route */
	FV_CONNECTING,    /* active: request sent */
	FV_REQUESTED,     /* passive: the consumer has not answered */
	FV_ACCEPTED,      /* passive: reply sent, not known to have arrived */
	FV_LIVE,          /* established */
	FV_CLOSING,       /* our disconnect: what is posted goes out first */
	FV_DISCONNECTING, /* told the CM: waiting for the peer's answer and the flush */
	FV_REJECTED,      /* we refused */
	FV_DOWN           /* over: only flushes and destroy are left */
};

/* A send queue entry from post_send() to its completion. */
struct fv_sqe {
	uint64_t wr_id;
	uint64_t remote_va;
	uint32_t rkey;
	uint8_t op; /* enum fab_wr_op */
	uint8_t flags;
	uint8_t n_sge;
	uint8_t n_hw;        /* work requests it became on the device */
	bool reports;        /* the device tells its end */
	bool done;           /* the device is through with it */
	bool urgent;         /* something waits for its end */
	uint8_t status;      /* enum fab_wc_status, once done */
	struct ibv_mr **tmp; /* registered for this entry only, n_sge of them; NULL: none */
};

struct fv_rqe {
	uint64_t wr_id;
	void *buf;
	uint32_t len;
	uint32_t got;
	bool done;
	uint8_t status;
	struct ibv_mr *tmp;
};

/*
 * Both queues are rings of entries counted by ever increasing numbers: [head, posted) is with the
 * device, [posted, tail) waits for the end of the round, for the connection, for the peer's first
 * message, for a place on the device's queue, or for the flush.
 */
struct fv_queue {
	uint32_t head;
	uint32_t posted;
	uint32_t tail;
	uint32_t seen; /* what is before it is done, or the device will tell its end */
	uint32_t mask; /* ring size - 1 */
	unsigned depth;
};

#define FV_ASYNC_COMM_EST BIT(0)
#define FV_ASYNC_FATAL    BIT(1)
#define FV_ASYNC_LAST_WQE BIT(2)

struct fv_conn {
	enum fv_kind kind; /* first: rdma_cm_id.context points here */
	struct fab_conn base;
	struct worker *w;
	const struct fab_handler *handler;
	void *ctx;
	struct fv_lane *lane; /* NULL while it moves to @w, or when that failed */
	struct rdma_cm_id *id;
	enum fv_state state;
	bool passive;
	bool dying;
	bool migrating;
	bool has_qp;  /* qp_create() was called, qp_destroy() was not */
	bool error;   /* nothing is handed to the device any more; all of it comes back flushed */
	bool hw_dead; /* the device's queue pair is gone: what it had comes back flushed at once */
	bool peer_spoke;        /* a receive completed: the passive side may send */
	bool told_end;          /* DISCONNECTED (or what stands for it) was delivered */
	unsigned depth_offered; /* passive: READs the peer will serve */
	unsigned depth_wanted;  /* passive: READs the peer wants to have at us */

	struct fab_qp_attr attr;
	struct fv_port *port;
	struct list port_node;
	struct fv_cq *cq[FV_CQ_KINDS];
	unsigned cq_used[FV_CQ_KINDS];
	unsigned slot;
	uint32_t gen;
	struct fv_queue sq;
	struct fv_queue rq;
	struct fv_sqe *sqe;
	struct fab_sge *sge; /* attr.max_sge for each of @sqe */
	struct fv_rqe *rqe;
	unsigned hw_sq; /* depth of the device's send queue */
	unsigned hw_rq;
	unsigned hw_used;    /* work requests on the device's send queue */
	unsigned n_out;      /* entries whose end the device will tell */
	unsigned n_urgent;   /* ... with the device that are urgent */
	bool urgent;         /* counted in fv_port.n_urgent */
	unsigned hw_sges;    /* pieces of a work request of the device */
	unsigned hw_rd_sges; /* ... of a READ */
	unsigned hw_inline;
	unsigned unsignaled; /* work requests since the last that reports its end */

	struct ibv_mr **mrs; /* by fab_mr.slot */
	unsigned n_mrs;

	struct sockaddr_storage peer;
	uint8_t priv[FAB_PRIVATE_DATA_MAX]; /* active: of the request */
	size_t priv_len;
	struct sockaddr_storage dest;
	unsigned conn_depth, conn_resources;

	struct worker_job job;
	struct worker_timer timer;
	uint64_t drain_ns; /* deadline of the flush; 0: none is awaited */
	uint64_t end_ns;   /* deadline of DISCONNECTED; 0: it is not awaited */
	struct worker_msg migrate_msg;
	struct fv_lane *left; /* the lane it moved away from */
	struct worker_msg left_msg;
	struct worker_msg free_msg;

	/* Written by the worker that reads the device's asynchronous events, with a reference. */
	struct worker_msg async_msg;
	atomic_uint async;
	atomic_bool async_posted;
	atomic_uint refs;
};

struct fv_listener {
	enum fv_kind kind; /* first: rdma_cm_id.context points here */
	struct fab_listener base;
	struct worker *w;
	struct fv_lane *lane;  /* NULL while there is no device at all */
	struct rdma_cm_id *id; /* NULL while it waits for its device */
	struct sockaddr_storage addr;
	const struct fab_handler *handler;
	void *ctx;
	struct worker_timer retry;
	struct worker_msg free_msg;
};

static inline struct fv *fv_of(const struct fab *f)
{
	return container_of(f, struct fv, fab);
}

static inline struct fv_conn *fv_conn_of(const struct fab_conn *c)
{
	return container_of(c, struct fv_conn, base);
}

/* --- fab_verbs.c --- */

void fv_ref(struct fv *fv);
void fv_unref(struct fv *fv);
/* Count one more connection; false when the limit is reached. */
bool fv_admit(struct fv *fv);
void fv_dismiss(struct fv *fv);
/* Make a descriptor non-blocking. Return: 0 or -errno. */
int fv_nonblock(int fd);
/* "10.0.0.7:4711", "[fe80::1]:4711" or, for AF_IB, "gid:fe80::2:c903:0:1". */
void fv_addr_text(const struct sockaddr *a, char ret[FV_ADDR_TEXT]);
socklen_t fv_addr_len(const struct sockaddr *a);
/* Copy an address from outside, a struct fab_verbs_ib_port made whole. Return: 0 or -EINVAL. */
int fv_addr_take(const struct sockaddr *addr, socklen_t len, struct sockaddr_storage *ret);

/* --- fv_lane.c; context: the worker --- */

/* The lane of @w with one more user. Return: 0 or -errno. */
int fv_lane_get(struct fv_lane **ret, struct fv *fv, struct worker *w);
void fv_lane_put(struct fv_lane *l);
/* Give @c a slot. Return: 0 or -ENOMEM. */
int fv_lane_slot(struct fv_lane *l, struct fv_conn *c);
void fv_lane_unslot(struct fv_lane *l, struct fv_conn *c);

/* --- fv_port.c; context: the lane's worker --- */

/* Have @c use the device of its id: port, completion queues for @n work requests. Return: 0 or -errno. */
int fv_port_join(struct fv_conn *c, const unsigned n[FV_CQ_KINDS]);
void fv_port_leave(struct fv_conn *c);
/* @c's send queue changed: have the port wake up for the end of sends while something waits for it. */
void fv_port_urgent(struct fv_conn *c);
/* Take and deliver what is on the completion queues now. */
void fv_port_poll(struct fv_port *p);

/* --- fv_dev.c --- */

/* The device of @verbs with one more user. Return: 0 or -errno. */
int fv_dev_get(struct fv_dev **ret, struct fv *fv, struct ibv_context *verbs, struct fv_port *p);
/* @p uses it no more. A removed device that nobody uses is given back to the kernel. */
void fv_dev_put(struct fv_dev *d, struct fv_port *p);
/* The device with this node in /dev/infiniband is being removed: no new user gets it, connections on it
 * end, and when the last is gone it is given back. */
void fv_dev_removed(struct fv *fv, const char *node);
/* The same, as a connection hears it; the others hear it themselves. */
void fv_dev_gone(struct fv *fv, const struct ibv_context *verbs);
/* Read the asynchronous events of @p's device. */
void fv_dev_events(struct fv_port *p);
void fv_dev_free_all(struct fv *fv);

/* --- fv_watch.c --- */

/* Read the kernel's announcements on @l's worker. */
void fv_watch_start(struct fv_lane *l);
void fv_watch_stop(struct fv_lane *l);
/* Remember what devices librdmacm has open now. */
void fv_watch_seen(struct fv *fv);
/* A removed device has no user here: see that librdmacm closes it. Context: fv.lock is held. */
void fv_watch_unused(struct fv *fv, const char *node);
/* Whether an announcement of the kernel (zero-separated words; it is cut behind the last) is of an RDMA
 * device that came or goes; its node without path. */
bool fv_watch_parse(char *msg, size_t len, bool *ret_removed, const char **ret_node);

/* --- fv_mem.c --- */

int fv_mem_add(struct fab *f, void *addr, size_t len);
void fv_mem_del(struct fab *f, void *addr, size_t len);
/* Register all regions of @d->fv with @d. Context: fv.lock is held. Return: 0 or -errno. */
int fv_mem_attach(struct fv_dev *d);
void fv_mem_detach(struct fv_dev *d);
/* The key of [@addr, @addr+@len). Return: whether it is registered memory. */
bool fv_mem_find(struct fv_port *p, const void *addr, size_t len, uint32_t *ret_lkey);
int fv_mr_reg(struct fab_conn *c, void *addr, size_t len, unsigned access, struct fab_mr *ret);
void fv_mr_dereg(struct fab_conn *c, struct fab_mr *mr);
void fv_mr_dereg_all(struct fv_conn *c);

/* --- fv_listener.c --- */

int fv_listen(struct fab_listener **ret, struct fab *f, struct worker *w,
	      const struct sockaddr *addr, socklen_t addr_len, const struct fab_handler *handler,
	      void *ctx);
void fv_unlisten(struct fab_listener *l);
void fv_listener_addr(const struct fab_listener *l, struct sockaddr_storage *ret);
/* The listener's id is dead. Context: its last event is acknowledged. */
void fv_listener_lost(struct fv_listener *l, const char *why);

/* --- fv_conn.c --- */

int fv_conn_make(struct fv_conn **ret, struct fv *fv, struct worker *w);
void fv_conn_unref(struct fv_conn *c);
int fv_conn_new(struct fab_conn **ret, struct fab *f, struct worker *w,
		const struct fab_handler *handler, void *ctx);
void fv_conn_migrate(struct fab_conn *c, struct worker *w);
int fv_conn_connect(struct fab_conn *c, const struct sockaddr *addr, socklen_t addr_len,
		    const void *priv, size_t priv_len, unsigned initiator_depth,
		    unsigned responder_resources);
int fv_conn_accept(struct fab_conn *c, const void *priv, size_t priv_len, unsigned initiator_depth);
int fv_conn_reject(struct fab_conn *c, const void *priv, size_t priv_len);
int fv_conn_disconnect(struct fab_conn *c);
void fv_conn_qp_error(struct fab_conn *c);
void fv_conn_destroy(struct fab_conn *c);
/* Tell the handler. False when @c was destroyed meanwhile. */
bool fv_conn_tell(struct fv_conn *c, enum fab_event_type type, int error, const char *text);
/* Have the job of @c run at the end of this round (or in the next, when jobs run already). */
void fv_conn_kick(struct fv_conn *c);
/* Traffic is over: flush, and part from the peer. */
void fv_conn_break(struct fv_conn *c);
/* The device is dead, or will never answer: take its queue pair away and flush what it had. */
void fv_conn_abandon(struct fv_conn *c);
/* Everything of the end that is to be told was told, or will be by this. False: destroyed. */
bool fv_conn_end(struct fv_conn *c, enum fab_event_type type, int error, const char *text);
/* The device of @c is gone. False: destroyed meanwhile. */
bool fv_conn_device_lost(struct fv_conn *c, const char *text);
/* An asynchronous event of the device concerns @c. Context: any worker, before the event is
 * acknowledged. */
void fv_conn_async(struct fv_conn *c, unsigned what);

/* --- fv_cm.c --- */

/* Read and act on the events of a lane's channel. */
void fv_cm_events(struct fv_lane *l);
/* Go on with an active connection whose address is resolved. */
int fv_cm_start(struct fv_conn *c);

/* --- fv_qp.c --- */

int fv_qp_create(struct fab_conn *c, const struct fab_qp_attr *attr);
/* Make the device's queue pair; the id has its device. Return: 0 or -errno. */
int fv_qp_make(struct fv_conn *c);
void fv_qp_destroy(struct fab_conn *c);
/* Forget the device's queue pair and what it had; the entries stay. */
void fv_qp_drop_hw(struct fv_conn *c);
void fv_qp_free(struct fv_conn *c);

/* --- fv_post.c --- */

int fv_post_recv(struct fab_conn *c, uint64_t wr_id, void *buf, uint32_t len);
int fv_post_send(struct fab_conn *c, const struct fab_wr *wr, unsigned n);
/* Hand receives to the device. Return: 0 or -errno. */
int fv_post_receives(struct fv_conn *c);
/* Hand sends to the device, as many as it takes. Return: 0 or -errno. */
int fv_post_sends(struct fv_conn *c);
/* Take back what was registered for an entry. */
void fv_post_untmp_send(struct fv_conn *c, struct fv_sqe *e);
void fv_post_untmp_recv(struct fv_rqe *e);

/* --- fv_comp.c --- */

/* Write down a completion of @c. */
void fv_comp_note(struct fv_conn *c, const struct ibv_wc *wc);
/* Deliver what is complete, in the order of the queues. False: @c was destroyed meanwhile. */
bool fv_comp_deliver(struct fv_conn *c);
/* Whether the device has none of @c's work requests any more. */
bool fv_comp_drained(const struct fv_conn *c);

/* A work request's name on the device. */
static inline uint64_t fv_wr_name(const struct fv_conn *c, bool recv, uint32_t seq)
{
	return (uint64_t)c->slot << 44 | (uint64_t)(c->gen & 0xfffu) << 32 | (uint64_t)recv << 31 |
	       (seq & 0x7fffffffu);
}
