/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A logged-in connection for a tool that waits: login and single commands, with errors in words. */
#pragma once

#include "tools/srp_tool.h"
#include "tools/srp_url.h"

struct sess {
	struct srp_ctx *ctx;
	struct srp_conn *conn;
	const struct url *url;
	const struct conn_args *args;
	bool up;
	bool down;
	bool exec_done; /* the command of sess_exec() came back */
	struct srp_down why;
	char why_text[160];
	uint64_t login_ns; /* how long the login took */
};

/* Library options from the command line. Return: 0, or an exit code after a complaint. */
int sess_opts(const struct url *url, const struct conn_args *args, struct srp_connect_opts *ret);

/* A context, traced if @args says so. Return: 0, or an exit code after a complaint. */
int sess_ctx_new(struct srp_ctx **ret, const struct conn_args *args, unsigned max_conns);

/* Log in and wait for it; @depth 0: the default. Return: 0, or an exit code after a complaint. */
int sess_open(struct sess *s, struct srp_ctx *ctx, const struct url *url,
	      const struct conn_args *args, unsigned depth);
/* Log out and wait for it; harmless for a zeroed or failed session. */
void sess_close(struct sess *s);

/* Say why a connection ended, with what to do. Return: the exit code for it. */
int sess_complain_down(const char *url, const struct srp_down *why);
/* One round that may wait; complains when the event loop or the connection broke. Return: 0 or exit code. */
int sess_wait(struct sess *s);

/**
 * sess_exec() - submit @io and wait for it; retries unit attentions and BUSY
 *
 * Return: 0 when it was answered: look at io->status. Otherwise an exit code after a complaint.
 */
int sess_exec(struct sess *s, struct srp_io *io);

/* It succeeded. */
static inline bool io_ok(const struct srp_io *io)
{
	return io->outcome == SRP_IO_DONE && io->status == 0 && io->rsp_code == 0;
}
/* It is worth to be sent again: a unit attention was reported, or the target is busy. */
bool io_again(const struct srp_io *io);
/* What became of it, in words. */
const char *io_text(const struct srp_io *io, char *buf, size_t size);
