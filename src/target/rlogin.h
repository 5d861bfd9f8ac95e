/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The login of a channel at the target of a unit, for the files that serve one: remote.c has the login, remote_cmd.c the
 * commands, remote_tmf.c the functions. The channel's worker, all of it.
 */
#pragma once

#include "target/internal.h"

struct rlogin {
	struct list node; /* on ch->remotes */
	struct tchan *ch;
	struct tgt_unit *unit;
	struct remote *remote;
	struct remote_login *login; /* NULL: there is none now */
	bool up;
	bool ending;        /* there will be no other */
	bool failing;       /* the log knows */
	bool tasking;       /* a function is under way, */
	struct cmd *tmf;    /* for this TSK_MGMT, NULL: */
	struct cmd *victim; /* to abort this command; NULL: it has ended */
	uint64_t up_ns;
	uint64_t pause_ns;
	uint64_t retry_ns; /* not before that another login is tried */
	struct list order; /* struct cmd_remote.node: to be sent, as they came */
	struct list sent;  /* likewise: sent */
	struct list tmfs;  /* struct cmd.wait: functions to be sent */
	struct worker_job job;
};

static inline struct cmd *remote_cmd_of(struct list *node)
{
	return container_of(node, struct cmd, remote.node);
}

/* --- remote.c --- */
/* The first command of a channel for a unit makes it. NULL: no memory. */
struct rlogin *remote_get(struct tchan *ch, struct tgt_unit *u);
/* There is a login, or one is under way. */
bool remote_connect(struct rlogin *rl);
/* Who walks over commands to abort them may not find that another one has ended behind its back: what may end others is
 * done at the end of the round. */
void remote_poke(struct rlogin *rl);

/* --- remote_cmd.c --- */
/* Send what is ready, in order. */
void remote_go(struct rlogin *rl);
/* Of struct remote_handler. */
void remote_answered(void *ctx, void *user, const struct remote_answer *a);

/* --- remote_tmf.c --- */
/* Begin the next function, if none is under way. */
void remote_tasks(struct rlogin *rl);
/* Functions that wait cannot be carried out. */
void remote_fail_tmfs(struct rlogin *rl);
/* Of struct remote_handler. */
void remote_task_done(void *ctx, int code);
