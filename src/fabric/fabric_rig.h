/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A rig for tests of RDMA providers: one worker that the test itself runs, or two with threads. The
 * test's thread drives; every call of the seam is made on the connection's worker, every event and
 * completion is written down there for the test to look at.
 */
#pragma once

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>

#include "fabric/fabric.h"
#include "run/worker.h"

#define EP_EVENTS 16u
#define EP_WCS    4096u

struct ep;

/* An event as it was delivered. */
struct ep_event {
	enum fab_event_type type;
	int error;
	size_t priv_len;
	uint8_t priv[FAB_PRIVATE_DATA_MAX];
	unsigned initiator_depth, responder_resources;
	char text[96];
};

typedef void ep_event_fn(struct ep *e, const struct fab_event *ev);
typedef void ep_wc_fn(struct ep *e, const struct fab_wc *wc, unsigned n);

/* One end of a connection. */
struct ep {
	struct rig *rig;
	struct worker *w;
	struct fab_conn *c; /* NULL: none, or destroyed */
	pthread_mutex_t lock;
	unsigned n_ev;
	struct ep_event ev[EP_EVENTS];
	unsigned n_wc;
	struct fab_wc wc[EP_WCS];
	ep_event_fn *on_event; /* run inside the handlers, behind the writing down; may be NULL */
	ep_wc_fn *on_wc;
	bool in_call; /* a call of the seam runs: nothing may be delivered now */
};

/* Workers have no threads and no real time: worker_run_once() of one lets all of them go on. */
extern bool rig_virtual;

typedef int rig_make_fn(struct fab **ret, const struct fab_limits *limits);

/* Where the rig listens and connects to; loopback unless a test says otherwise. */
extern struct in_addr rig_addr4;
extern struct in6_addr rig_addr6;

struct rig {
	struct fab *f;
	unsigned n_workers;
	struct worker *w[2];
	struct fab_listener *l;
	struct sockaddr_storage addr;
	struct ep *_Atomic next; /* takes the next request; NULL: it is rejected */
	atomic_uint n_refused;   /* requests nobody waited for */
};

/* @family: AF_INET or AF_INET6. Requests arrive on worker 0; a passive end lives on the last worker. */
void rig_start(struct rig *r, rig_make_fn *make, const struct fab_limits *limits,
	       unsigned n_workers, int family);
/* Ends the rig; checks that all descriptors opened since rig_start() are closed again. */
void rig_stop(struct rig *r);
/* Ends the rig's listener early; later rig_stop() knows. */
void rig_unlisten(struct rig *r);

/* Run @fn(@e, @arg) on @w and return what it returned. */
int rig_do_on(struct rig *r, struct worker *w, int (*fn)(struct ep *, void *), struct ep *e,
	      void *arg);
int rig_do(struct ep *e, int (*fn)(struct ep *, void *), void *arg);
/* Let the workers go on until @done(@e, @arg) is true; fails the test after 10 s. */
void rig_wait(struct ep *e, bool (*done)(struct ep *, unsigned), unsigned arg);
/* Let the workers go on for @ms. */
void rig_pass(struct rig *r, unsigned ms);
/* Descriptors this process has open. */
unsigned rig_fds(void);

void ep_init(struct ep *e, struct rig *r, struct worker *w);
/* From now on these run inside the handlers. */
void ep_hook(struct ep *e, ep_event_fn *on_event, ep_wc_fn *on_wc);
/* Wait for @n events (completions) in all. */
void ep_wait_events(struct ep *e, unsigned n);
void ep_wait_wcs(struct ep *e, unsigned n);
/* Wait for the first event of @type and return it. */
struct ep_event ep_wait_event(struct ep *e, enum fab_event_type type);
unsigned ep_count(struct ep *e, enum fab_event_type type);
/* How many there were so far. */
unsigned ep_n_evs(struct ep *e);
unsigned ep_n_wcs(struct ep *e);

extern const struct fab_handler ep_handler;

/* A new active connection with a queue pair. */
void ep_open(struct ep *e, struct rig *r, const struct fab_qp_attr *attr);
int ep_qp(struct ep *e, const struct fab_qp_attr *attr);
int ep_connect(struct ep *e, const void *priv, size_t priv_len);
int ep_accept(struct ep *e, const void *priv, size_t priv_len, unsigned initiator_depth);
int ep_reject(struct ep *e, const void *priv, size_t priv_len);
int ep_recv(struct ep *e, uint64_t wr_id, void *buf, uint32_t len);
int ep_post(struct ep *e, const struct fab_wr *wr, unsigned n);
int ep_send(struct ep *e, uint64_t wr_id, const void *buf, uint32_t len);
int ep_marker(struct ep *e, uint64_t wr_id);
int ep_reg(struct ep *e, void *addr, size_t len, unsigned access, struct fab_mr *ret);
void ep_dereg(struct ep *e, struct fab_mr *mr);
int ep_disconnect(struct ep *e);
void ep_qp_error(struct ep *e);
void ep_qp_destroy(struct ep *e);
void ep_destroy(struct ep *e);

/* A connected pair: @a active on worker 0, @b passive on the last worker. */
void ep_pair(struct rig *r, struct ep *a, struct ep *b, const struct fab_qp_attr *a_attr,
	     const struct fab_qp_attr *b_attr);
