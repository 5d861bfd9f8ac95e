/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A connection of the storm: carries a plan out on a non-blocking socket and judges what comes back. */
#pragma once

#include <netinet/in.h>

#include "storm_plan.h"

#define CONN_IN_MAX 16384u

enum conn_state {
	CONN_FREE,
	CONN_BUSY,
	CONN_WANTS_RIVAL, /* start one, then go on with conn_rival_started() */
	CONN_DONE,        /* as planned */
	CONN_LATE,        /* we were so slow that the target may have given us up */
	CONN_FAILED       /* @text says how */
};

enum conn_login {
	LOGIN_OPEN, /* no answer, or none was waited for */
	LOGIN_ACCEPTED,
	LOGIN_REFUSED
};

struct conn {
	struct plan plan;
	enum conn_state state;
	enum conn_login login;
	int fd;
	bool connected;
	unsigned at; /* step under way */
	size_t sent;
	size_t n_in;      /* bytes received */
	size_t parsed;    /* of them, understood */
	uint64_t late_ns; /* without a reply by then, whatever went wrong may be its deadline */
	uint64_t deadline_ns;
	bool t_logout; /* one came ... */
	uint32_t t_logout_reason;
	char text[200];
	uint8_t in[CONN_IN_MAX]; /* the first of what was received */
};

uint64_t conn_now_ns(void);
/* Connect from 127.0.0.@host to @to. The plan, late_ns and deadline_ns are filled in. */
void conn_start(struct conn *c, const struct sockaddr_in *to, unsigned host);
/* The socket may be ready, or time has passed: do what can be done. Changes @c->state. */
void conn_run(struct conn *c, uint64_t now_ns);
void conn_rival_started(struct conn *c);
/* Wants to hear that it can be written. */
bool conn_wants_out(const struct conn *c);
