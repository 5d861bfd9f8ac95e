/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The provider's own objects, shared by its files and nobody else.
 *
 *   fi        the provider; referenced by everything below, so that a socket which lingers after its
 *             connection was destroyed may outlive ops->free()
 *   fi_lane   what a worker's connections share: the receive buffer
 *   listener  a listening socket on one worker, with its half-open logins
 *   fi_half   a TCP connection whose MPA request has not come in whole
 *   fi_conn   a connection: from the request (passive) or conn_new (active) to destroy
 */
#pragma once

#include <poll.h>
#include <stdatomic.h>
#include <sys/uio.h>

#include "base/check.h"
#include "base/list.h"
#include "fabric/iwarp/fab_iwarp.h"
#include "iwarp/mpa_conn.h"
#include "iwarp/qp.h"
#include "run/worker.h"
#include "wire/mpa.h"

#define FI_WORKERS     64u  /* worker_index() stays below */
#define FI_RD_MAX      128u /* RDMA READs outstanding either way, at most */
#define FI_RD_UNTOLD   4u   /* ... at a peer that does not say how many it serves (revision 1) */
#define FI_ADDR_TEXT   64u  /* "[address]:port" and its zero */
#define FI_RX_PIECES   24u  /* most pieces a payload is scattered into by one system call */
#define FI_TX_PIECES   256u /* most pieces one system call sends */
#define FI_TX_BYTES    (2u << 20)
#define FI_POLL_BATCH  64u   /* completions handed up at a time (seam) */
#define FI_BATCH_SMALL 8192u /* batch part of a read while bulk payload comes in */
#define FI_EARLY_POSTS 2u    /* fewer posts are not worth a system call of their own */
#define FI_PEAK_ONE    64u   /* a peak is half forgotten after some 45 reads */
#define FI_BATCH_LIMIT (64u << 20)
#define FI_STAGS_LIMIT 65536u
#define FI_LINGER_MS   1000u /* how long a rejected peer may take to read the reply and close */
#define FI_POLL_EVENTS (POLLIN | POLLOUT | POLLRDHUP)

struct fi_lane {
	size_t batch_len;
	uint8_t batch[];
};

struct fi {
	struct fab fab;
	struct fab_iwarp_opts opts; /* every 0 replaced by its default */
	atomic_uint refs;
	atomic_uint n_conns; /* half-open ones included */
	atomic_uint n_halves;
	/* Entry i is made and used by worker i only. */
	struct fi_lane *lanes[FI_WORKERS];
};

struct fi_listener {
	struct fab_listener base;
	struct worker *w;
	const struct fab_handler *handler;
	void *ctx;
	int fd; /* -1 after unlisten */
	struct list halves;
	struct worker_poll poll;
	struct worker_timer pause; /* running while descriptors are short */
	struct worker_job again;   /* more to accept than one round takes */
};

struct fi_half {
	struct list node; /* on the listener's halves, or on none once it is done */
	struct fi_listener *listener;
	struct fi *fi;
	struct worker *w;
	int fd; /* -1 when it was handed on or closed */
	struct sockaddr_storage peer;
	struct worker_poll poll;
	struct worker_timer timer;
	size_t got;
	uint8_t buf[MPA_FRAME_MAX + 1]; /* one more, so that bytes behind the request show */
};

enum fi_state {
	FI_NEW,        /* active: not connecting yet */
	FI_CONNECTING, /* active: TCP handshake */
	FI_WAIT_REPLY, /* active: MPA request sent (or being sent) */
	FI_REQUESTED,  /* passive: the consumer has not answered */
	FI_LIVE,       /* traffic */
	FI_CLOSING,    /* our disconnect or our error: waiting for the peer's FIN */
	FI_REJECTING,  /* our refusal is on its way; waiting for the peer's FIN */
	FI_DOWN        /* over: no socket; only flushes and destroy are left */
};

/* What must still be told to the handler, in this order. */
#define FI_EV_ESTABLISHED   BIT(0)
#define FI_EV_REJECTED      BIT(1)
#define FI_EV_UNREACHABLE   BIT(2)
#define FI_EV_CONNECT_ERROR BIT(3)
#define FI_EV_FATAL         BIT(4)
#define FI_EV_DISCONNECTED  BIT(5)

/* The active side's handshake. */
struct fi_active {
	struct iw_mpa_cfg cfg;
	uint8_t out[MPA_FRAME_MAX];
	size_t out_len;
	size_t sent;
	uint8_t in[MPA_FRAME_MAX];
	size_t got;
	struct mpa_frame reply; /* borrows @in; valid once decoded */
};

struct fi_conn {
	struct fab_conn base;
	struct worker *w; /* owner */
	const struct fab_handler *handler;
	void *ctx;
	struct fi_lane *lane; /* of @w; set with the queue pair */
	struct iw_qp *qp;     /* NULL: none (any more) */
	int fd;
	enum fi_state state;

	bool dying;  /* destroyed; freed when the engine lets go of @poll */
	bool in_job; /* the job runs: a kick only sets @again */
	bool again;
	bool polling; /* @poll is started and stopped() has not come */
	bool discard; /* the queue pair is in error or gone: nothing is sent, input is thrown away */
	bool wr_shut;    /* our FIN is sent or queued */
	bool flush;      /* FI_CLOSING: send what is posted before the FIN */
	bool tx_blocked; /* the socket took no more; POLLOUT will come */
	bool tx_held;    /* first_fpdu_delay_us is running */
	bool rx_more;    /* the read budget was used up */
	bool hangup;     /* the peer's FIN or an error was signalled: read on to its end */

	unsigned events; /* FI_EV_*, undelivered */
	int ev_error;
	char ev_text[96];

	unsigned n_unsent; /* posts since the last send */
	unsigned early_at; /* so many of them leave at once where the worker was idle */
	unsigned peak_in;  /* most completions of a read lately, times FI_PEAK_ONE */
	size_t batch_len;  /* how much to read behind direct payload; adapts to the traffic */
	struct worker_job job;
	struct worker_poll poll;
	struct worker_timer timer;
	struct worker_msg free_msg;
	struct fi_active *active;
	struct mpa_frame req; /* passive: the request, without its private data */
	struct iw_mpa_agreed agreed;
	struct sockaddr_storage peer;
	struct fab_qp_attr attr;
};

static inline struct fi *fi_of(const struct fab *f)
{
	return container_of(f, struct fi, fab);
}

static inline struct fi_conn *fi_conn_of(const struct fab_conn *c)
{
	return container_of(c, struct fi_conn, base);
}

/* --- fab_iwarp.c --- */

void fi_ref(struct fi *fi);
void fi_unref(struct fi *fi);
/* Count one more connection; false when the limit is reached. */
bool fi_admit(struct fi *fi);
void fi_dismiss(struct fi *fi);
/* The receive buffer of @w; NULL when there is no memory. Context: @w. */
struct fi_lane *fi_lane_get(struct fi *fi, const struct worker *w);

/* --- fi_sock.c --- */

/* A new stream socket of @family, non-blocking. Return: descriptor or -errno. */
int fi_sock_new(int family);
/* Options of a connected stream: no Nagle, keepalive, bound on unacknowledged data. */
void fi_sock_tune(const struct fi *fi, int fd);
/* Close so that the peer sees a reset. */
void fi_sock_reset(int fd);
/* "10.0.0.7:4711" or "[fe80::1]:4711". */
void fi_sock_text(const struct sockaddr_storage *a, char ret[FI_ADDR_TEXT]);
/* Same host, whatever the port. */
bool fi_sock_same_host(const struct sockaddr_storage *a, const struct sockaddr_storage *b);

/* --- fi_listener.c --- */

int fi_listen(struct fab_listener **ret, struct fab *f, struct worker *w,
	      const struct sockaddr *addr, socklen_t addr_len, const struct fab_handler *handler,
	      void *ctx);
void fi_unlisten(struct fab_listener *l);
void fi_listener_addr(const struct fab_listener *l, struct sockaddr_storage *ret);

/* --- fi_half.c --- */

/* Take over @fd, a fresh connection from @peer. Return: 0 or -errno (@fd is still the caller's). */
int fi_half_new(struct fi_listener *l, int fd, const struct sockaddr_storage *peer);
/* Close it; it goes away by itself. */
void fi_half_drop(struct fi_half *h);

/* --- fi_conn.c --- */

/* A connection on @w, in FI_NEW, which holds one admission of @fi (taken by the caller). */
int fi_conn_make(struct fi_conn **ret, struct fi *fi, struct worker *w);
int fi_conn_new(struct fab_conn **ret, struct fab *f, struct worker *w,
		const struct fab_handler *handler, void *ctx);
void fi_conn_migrate(struct fab_conn *c, struct worker *w);
int fi_conn_qp_create(struct fab_conn *c, const struct fab_qp_attr *attr);
void fi_conn_qp_error(struct fab_conn *c);
void fi_conn_qp_destroy(struct fab_conn *c);
int fi_conn_accept(struct fab_conn *c, const void *priv, size_t priv_len, unsigned initiator_depth);
int fi_conn_reject(struct fab_conn *c, const void *priv, size_t priv_len);
int fi_conn_disconnect(struct fab_conn *c);
void fi_conn_destroy(struct fab_conn *c);
int fi_conn_post_recv(struct fab_conn *c, uint64_t wr_id, void *buf, uint32_t len);
int fi_conn_post_send(struct fab_conn *c, const struct fab_wr *wr, unsigned n);
/* Have the job of @c run at the end of this round (or of the next, when jobs run already). */
void fi_conn_kick(struct fi_conn *c);
/* Watch the socket. */
void fi_conn_watch(struct fi_conn *c);
/* (Re)start the one timer of @c. False when the worker has none left. */
bool fi_conn_arm(struct fi_conn *c, uint64_t after_ns);
/* The stream is over: close the socket (@reset: abort it), flush, and have @events told with @err. */
void fi_conn_down(struct fi_conn *c, unsigned events, int err, bool reset);
/* Tell the handler what is due of @which. False when @c was destroyed meanwhile. */
bool fi_conn_tell(struct fi_conn *c, unsigned which);
/* The socket of a rejected connection has something to say. */
void fi_conn_linger(struct fi_conn *c);

/* --- fi_active.c --- */

int fi_active_connect(struct fab_conn *c, const struct sockaddr *addr, socklen_t addr_len,
		      const void *priv, size_t priv_len, unsigned initiator_depth,
		      unsigned responder_resources);
/* The socket of a connection in FI_CONNECTING or FI_WAIT_REPLY has something to say. */
void fi_active_ready(struct fi_conn *c, unsigned revents);
void fi_active_timeout(struct fi_conn *c);

/* --- fi_stream.c --- */

void fi_stream_ready(struct worker *w, struct worker_poll *p, unsigned revents);
void fi_stream_job(struct worker *w, struct worker_job *j);
/* Something was posted to the send queue: it leaves at the end of the round, or now. */
void fi_stream_posted(struct fi_conn *c);
/* The active side is through its handshake: take the @n bytes that came with the reply, read on. */
void fi_stream_begin(struct fi_conn *c, const uint8_t *p, size_t n);
/* Send a Terminate that the engine has ready, if the socket takes it. */
void fi_stream_last_words(struct fi_conn *c);

/* --- fi_mem.c --- */

int fi_mr_reg(struct fab_conn *c, void *addr, size_t len, unsigned access, struct fab_mr *ret);
void fi_mr_dereg(struct fab_conn *c, struct fab_mr *mr);
