/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The other end of the control socket, for tools and tests: blocking calls with a deadline. */
#pragma once

#include <jansson.h>

#include "base/util.h"
#include "ctl/jsonrpc.h" /* the codes of errors; jsonrpc_value() for parameters that come as text */

/* Where the daemon listens when its configuration does not say otherwise. */
#define CTL_SOCKET_DEFAULT "/run/srptd/srptd.sock"

struct ctl_client;

/* Outcomes above 0 of ctl_client_call(). */
enum ctl_client_outcome {
	CTL_CLIENT_E_REPLY = 1, /* the daemon answered with an error: ret_error says which */
	CTL_CLIENT_E_PROTOCOL,  /* what came is not an answer; the connection is of no more use */
};

struct ctl_client_error {
	int code; /* enum jsonrpc_code or another */
	char text[256];
};

/**
 * ctl_client_new() - connect to a daemon
 * @ret:        set on success; one thread at a time may use it
 * @path:       its control socket
 * @timeout_ms: for each call, and for connecting; 0: no limit
 *
 * Return: 0; -ENOENT, -ECONNREFUSED: no daemon there; -EACCES; -ETIMEDOUT; -ENAMETOOLONG; -ENOMEM.
 */
must_check int ctl_client_new(struct ctl_client **ret, const char *path, unsigned timeout_ms);

/* Close; NULL is accepted; returns NULL. */
struct ctl_client *ctl_client_free(struct ctl_client *c);
DEFINE_CLEANUP(ctl_client, struct ctl_client *, ctl_client_free)

/**
 * ctl_client_call() - call and wait for the answer
 * @params:     an object or array whose reference is taken over, or NULL
 * @ret_result: set on success; the caller json_decref()s it
 * @ret_error:  set when CTL_CLIENT_E_REPLY or CTL_CLIENT_E_PROTOCOL is returned
 *
 * Return: 0, an enum ctl_client_outcome, -ETIMEDOUT (a late answer is skipped by the next call),
 * -ECONNRESET (the daemon closed), -ENOMEM or another -errno.
 */
must_check int ctl_client_call(struct ctl_client *c, const char *method, json_t *params,
			       json_t **ret_result, struct ctl_client_error *ret_error);
