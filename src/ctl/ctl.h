/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The control socket: JSON-RPC 2.0, one message a line, on a unix stream socket. Everything runs on
 * the one worker the server was made for and nothing blocks. A method answers at once or later; a
 * client that has gone in the meantime makes the answer vanish, nothing else.
 */
#pragma once

#include <sys/types.h>

#include <jansson.h>

#include "base/util.h"
#include "ctl/jsonrpc.h"

#define CTL_CLIENTS_MAX 64u         /* further ones wait in the kernel's backlog */
#define CTL_CALLS_MAX   256u        /* unanswered calls of one client; it is not read meanwhile */
#define CTL_OUT_MAX     (16u << 20) /* bytes a client has not read yet; beyond, it is dropped */
#define CTL_PARAMS_MAX  16u         /* of one method */

struct worker;
struct ctl_server;
struct ctl_call;

enum ctl_type {
	CTL_STRING,
	CTL_INTEGER,
	CTL_BOOLEAN,
	CTL_OBJECT,
	CTL_ARRAY
};

/* A parameter of a method. By name in an object, or by position in an array. */
struct ctl_param {
	const char *name;
	enum ctl_type type;
	bool optional;
	const char *help; /* one sentence */
};

/* A row of the method table: the schema that rpc.describe shows and that every call is checked with. */
struct ctl_method {
	const char *name;               /* "session.list"; names with "rpc." are the server's own */
	const char *help;               /* one sentence */
	const struct ctl_param *params; /* NULL when there are none */
	unsigned n_params;
	const char *result; /* the shape of the result, in words or as a pattern */
	/*
	 * @params: a JSON object that has every parameter that is not optional, each of its type, and no
	 * other; borrowed during the call. The handler ends @call, now or later, with ctl_reply() or
	 * ctl_fail(), exactly once.
	 */
	void (*call)(struct ctl_call *call, json_t *params);
};

/* Who is at the other end (SO_PEERCRED at connect time). */
struct ctl_peer {
	pid_t pid;
	uid_t uid;
	gid_t gid;
};

/**
 * ctl_server_new() - listen on a unix socket and answer calls
 * @ret:         set on success
 * @w:           the worker that runs it and every handler: the control worker
 * @socket_path: made with mode 0600; left over by a dead process it is replaced
 * @methods:     @n of them; the table must outlive the server. rpc.describe is added.
 * @ctx:         for ctl_call_ctx()
 *
 * Return: 0; -EADDRINUSE: another process answers on it; -ENOTSOCK: the path is something else, which
 * is left alone; -ENAMETOOLONG, -ENOENT and the like of bind(); -ENOMEM.
 * Context: @w, or any thread before @w runs.
 */
must_check int ctl_server_new(struct ctl_server **ret, struct worker *w, const char *socket_path,
			      const struct ctl_method *methods, unsigned n, void *ctx);

/**
 * ctl_server_free() - stop listening, drop every client, remove the socket
 *
 * Unanswered calls stay valid until they are ended. @w must run one more round after this, else the
 * memory of the watched descriptors is not given back. NULL is accepted; returns NULL.
 * Context: @w.
 */
struct ctl_server *ctl_server_free(struct ctl_server *s);

/* Clients connected now. */
unsigned ctl_server_clients(const struct ctl_server *s);

/* The @ctx of ctl_server_new(). */
void *ctl_call_ctx(const struct ctl_call *call);
/* Who calls; valid until @call is ended, also when the client has gone. */
const struct ctl_peer *ctl_call_peer(const struct ctl_call *call);
/* Has the client gone? Then the answer is not needed, but @call must be ended all the same. */
bool ctl_call_gone(const struct ctl_call *call);

/**
 * ctl_reply() - end @call with a result
 * @call:   released
 * @result: the reference is taken over; NULL (no memory for it) becomes an internal error
 *
 * Context: the server's worker; from inside the handler or later, also after ctl_server_free().
 */
void ctl_reply(struct ctl_call *call, json_t *result);

/**
 * ctl_fail() - end @call with an error
 * @code: an enum jsonrpc_code
 * @fmt:  printf-like; at most 255 bytes are kept
 */
void ctl_fail(struct ctl_call *call, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
