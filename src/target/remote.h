/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The seam to units of other targets: who implements it logs in there for our initiators and carries their
 * commands. A login belongs to one worker; every call and every call back is on that.
 */
#pragma once

#include "run/worker.h"
#include "wire/srp.h"

struct remote;
struct remote_login;
struct remote_cmd;

enum remote_outcome {
	REMOTE_ANSWERED,
	REMOTE_ABORTED, /* by a task management function of this login */
	REMOTE_LOST,    /* the login ended first: whether it took effect is unknown */
};

struct remote_request {
	const uint8_t *cdb; /* copied */
	uint8_t cdb_len;
	uint8_t attr; /* enum scsi_task_attr */
	bool out;     /* @addr holds data-out, else it is for data-in */
	void *addr;   /* NULL: neither; the other side's until the answer */
	uint32_t len;
};

struct remote_answer {
	enum remote_outcome outcome;
	/* with ANSWERED: */
	uint8_t status;
	uint8_t sense_len;
	const uint8_t *sense; /* valid during the call */
	int64_t resid;        /* bytes wanted - len, as in struct scsi_task */
	bool resid_out;       /* ... of data-out */
};

enum remote_function {
	REMOTE_ABORT, /* one command */
	REMOTE_ABORT_SET,
	REMOTE_CLEAR_SET,
	REMOTE_LUN_RESET,
	REMOTE_CLEAR_ACA,
};

struct remote_handler {
	/* The login succeeded: commands may be sent. At most once. */
	void (*up)(void *ctx);
	/* It has ended, or never came up; @why in words, valid during the call. The last call; all commands and functions
	 * have been given back before it. */
	void (*down)(void *ctx, const char *why);
	/* It is worth to try again what was answered -EAGAIN. */
	void (*ready)(void *ctx);
	/* What became of a command; @user as given. */
	void (*answered)(void *ctx, void *user, const struct remote_answer *a);
	/* A function is done, @code is its SRP response code; below 0: the login ended first. Commands that it ended
	 * have been given back before. */
	void (*task_done)(void *ctx, int code);
};

struct remote_ops {
	/* Begin to log in as @initiator. Return: 0 (down() comes in the end), -ENOMEM, -EUSERS. */
	int (*login)(struct remote *r, struct worker *w, const struct srp_port_id *initiator,
		     const struct remote_handler *h, void *ctx, struct remote_login **ret);
	/* Return: 0, -EAGAIN (see ready()), -ENOTCONN (not up, or ending), or why it never can be sent. */
	int (*submit)(struct remote_login *l, const struct remote_request *req, void *user,
		      struct remote_cmd **ret);
	/* One at a time; @victim with ABORT. Return: 0 (task_done() comes), -ENOTCONN, or another error. */
	int (*task)(struct remote_login *l, enum remote_function f, struct remote_cmd *victim);
	/* End it in order; down() comes within a few seconds, commands come back as LOST. */
	void (*logout)(struct remote_login *l);
	/* End it at once, likewise. */
	void (*drop)(struct remote_login *l);
	/* No login of it is there any more. */
	void (*close)(struct remote *r);
};

/* The way to one unit of another target. */
struct remote {
	const struct remote_ops *ops;
	char name[128]; /* for logs: "LUN 0 at 10.0.0.1:5555" */
};
