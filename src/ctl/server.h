/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What server.c (sockets, clients) and call.c (dispatch) share. All of it belongs to the server's worker. */
#pragma once

#include "ctl/ctl.h"
#include "run/worker.h"

struct ctl_server {
	struct worker *w;
	const struct ctl_method *methods; /* borrowed */
	unsigned n_methods;
	void *ctx;
	int fd;
	char path[108];
	dev_t dev; /* of the socket's name, to remove nobody else's */
	ino_t ino;
	struct worker_poll poll;
	struct worker_job accept_job; /* accept again, after a place became free */
	struct list conns;
	unsigned n_conns;
	unsigned refs; /* the owner, the poll, each connection */
	bool closed;
};

struct ctl_conn {
	struct list node;
	struct ctl_server *server;
	struct ctl_peer peer;
	int fd;
	struct worker_poll poll;
	struct worker_job pump_job;
	struct jsonrpc_lines in;
	char *out; /* answers not sent yet: out_len bytes from out_start */
	size_t out_start;
	size_t out_len;
	size_t out_cap;
	unsigned n_calls; /* unanswered */
	unsigned refs;    /* the poll, each call */
	bool eof;         /* nothing more will be read; what was asked is still answered */
	bool gone;        /* closed; nothing is read or written any more */
};

/* Queue @n bytes for the client and try to send them. The client may be gone afterwards. */
void ctl_conn_send(struct ctl_conn *c, const void *p, size_t n);
/* A call of @c has been answered: it may be read again, or closed. Later in this round. */
void ctl_conn_kick(struct ctl_conn *c);
void ctl_conn_unref(struct ctl_conn *c);

/* Answer one line of a client; methods are called from here. */
void ctl_dispatch(struct ctl_conn *c, const char *line, size_t len);
/* The error answer to something without an id. */
void ctl_dispatch_refuse(struct ctl_conn *c, int code, const char *text);
