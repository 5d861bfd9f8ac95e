/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The insides of libsrp's handles, shared by the files of this folder. */
#pragma once

#include <libsrp/libsrp.h>

#include "base/list.h"
#include "base/prng.h"
#include "fabric/fabric.h"
#include "initiator/ichan.h"
#include "run/worker.h"

#define CONN_ADDRS_MAX 4u   /* addresses of a name that are tried */
#define CONN_TICK_MS   250u /* how often overdue commands are looked for */
#define CONN_TEXT_MAX  128u

struct srp_ctx {
	struct worker *w;
	bool lent; /* @w is another's, who also runs it */
	struct fab *fab;
	unsigned n_conns;
	unsigned max_conns;
	uint16_t next_channel; /* of our tags */
	struct prng prng; /* first generations: two processes of a nexus shall not share tags */
	srp_trace_fn *trace;
	void *trace_user;
};

/* What a slot of the channel core means to us. */
struct conn_slot {
	struct srp_io *io; /* NULL: free */
	uint32_t deadline; /* tick */
	uint16_t n_mr;     /* registrations made for this command */
};

/* The addresses of a name, to be tried in turn. */
struct addrs {
	struct sockaddr_storage addr[CONN_ADDRS_MAX];
	socklen_t len[CONN_ADDRS_MAX];
	unsigned n;
	unsigned at; /* the one that is tried now */
};

struct srp_conn {
	struct srp_ctx *ctx;
	const struct srp_conn_ops *ops;
	void *user;
	struct fab_conn *fc; /* NULL before OPEN and after DESTROY */
	struct ichan chan;

	struct conn_slot *slot;       /* n_slots */
	struct ichan_slot *core_slot; /* n_slots; the core's */
	struct fab_mr *mr;            /* n_slots * n_pieces */

	/* IUs to send, used in the order of posting; a signalled SEND gives back all up to itself. */
	uint8_t *send_buf;
	uint32_t send_stride;
	uint32_t n_send; /* power of two */
	uint32_t send_head;
	uint32_t send_tail;

	uint8_t *recv_buf;
	uint32_t recv_stride;
	uint32_t n_recv;

	struct srp_task *task;
	uint32_t task_deadline; /* tick */
	uint32_t tick;
	struct worker_timer tick_timer;
	struct worker_timer deadline_timer;
	struct worker_msg down_msg;
	struct list mems;
	struct ichan_event next; /* has_next: to be stepped when the actions before it are done */
	bool has_next;
	bool want_ready;
	bool is_down; /* down() was called */

	struct srp_connect_opts opts; /* host is not kept */
	struct addrs addrs;
	uint8_t login_req[ICHAN_LOGIN_REQ_BYTES];
	uint32_t login_req_len;
	char text[CONN_TEXT_MAX]; /* the provider's words for why it failed */
};

struct srp_mem {
	struct list node; /* of srp_conn.mems */
	struct srp_conn *conn;
	struct fab_mr mr;
	bool live; /* registered; false once the connection's queue pair is gone */
};

/* Step the core with @ev, to which room for an IU is added, and carry out what it says. */
void conn_step(struct srp_conn *c, struct ichan_event *ev);
/* The same, but the SEND of a command gathers the @n pieces behind the IU. Return: 0 or -errno when the
 * core refused. */
int conn_step_data(struct srp_conn *c, struct ichan_event *ev, const struct iovec *iov, unsigned n);
/* There is room for an IU to send. */
static inline bool conn_can_send(const struct srp_conn *c)
{
	return c->send_head - c->send_tail < c->n_send;
}
/* The command of @slot is over: give it back. */
void conn_finish(struct srp_conn *c, uint16_t slot, enum ichan_outcome outcome);
/* Copy the target's answer to the command of @slot. */
void conn_answer(struct srp_conn *c, uint16_t slot, const struct ichan_answer *answer);
/* Start to look for overdue commands, unless that is going on. */
void conn_tick_start(struct srp_conn *c);
void conn_on_tick(struct worker *w, struct worker_timer *t);

/**
 * addrs_find() - resolve @host, which may block when it is a name
 * @a:    zeroed before; without any address nothing was found
 * @port: 0: 5555
 * @text: receives why nothing was found
 */
void addrs_find(struct addrs *a, const char *host, uint16_t port, char *text, size_t size);

/* The provider for a context. Return: 0 or -errno. */
must_check int provider_new(struct fab **ret, unsigned max_conns);

/**
 * trace_text() - an IU in words
 * @login: the private data of a connection request, which has another layout
 * @buf, @size: receives one line, cut off if need be
 */
void trace_text(const uint8_t *iu, size_t len, bool login, char *buf, size_t size);
