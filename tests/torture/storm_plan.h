/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What one connection of the storm does: bytes to send, and steps that say how far, what must come back and who
 * ends it. A plan is data; storm_conn.c carries it out.
 */
#pragma once

#include "base/prng.h"
#include "wire/srp.h"

#define PLAN_OUT_MAX 2048u
#define PLAN_STEPS   10u

enum step_type {
	STEP_SEND,   /* plan.out up to @arg */
	STEP_READ,   /* until @arg bytes have come since the beginning */
	STEP_REPLY,  /* a whole MPA reply that is what plan.expect says */
	STEP_ANSWER, /* the RSP of the command that was sent */
	STEP_FIN,    /* we close our side */
	STEP_RST,    /* we abort the connection; nothing follows */
	STEP_CLOSE,  /* we close it, whatever has not been read; nothing follows */
	STEP_END,    /* the target has ended it */
	STEP_RIVAL   /* another connection logs in as the same port and takes over */
};

struct step {
	enum step_type type;
	size_t arg;
};

enum expect {
	EXPECT_LIVE,     /* a LOGIN_RSP */
	EXPECT_REJ,      /* a LOGIN_REJ with plan.reason */
	EXPECT_REFUSED,  /* an MPA reply that refuses, without private data */
	EXPECT_SILENCE,  /* not a byte */
	EXPECT_EITHER,   /* LOGIN_RSP, or LOGIN_REJ with plan.reason, and then only its end */
	EXPECT_ANYTHING, /* we do not wait for it */
	EXPECT_COUNT
};

struct plan {
	const char *kind; /* static, for the table at the end */
	uint8_t out[PLAN_OUT_MAX];
	size_t out_len;
	struct step step[PLAN_STEPS];
	unsigned n_steps;
	enum expect expect;
	uint32_t reason;
	uint64_t tag; /* of the login, and of the command */
	bool talked;  /* an IU is sent: the target may say T_LOGOUT */
	bool rival;   /* it takes over: the LOGIN_RSP must say so */
	struct srp_port_id initiator;
};

/* What the target is configured as. */
struct plan_target {
	struct srp_port_id id;
	struct srp_port_id denied; /* a target that lets nobody in */
};

/* A login that must fail, of a random kind. */
void plan_reject(struct plan *p, const struct plan_target *t, struct prng *r);
/* A login that must succeed, and its end, of a random kind; @unique: number of the connection. */
void plan_cycle(struct plan *p, const struct plan_target *t, struct prng *r, uint64_t unique);
/* A plain login and logout that may be refused for want of resources. */
void plan_cap(struct plan *p, const struct plan_target *t, uint64_t unique);
/* The one that takes over from @first. */
void plan_rival(struct plan *p, const struct plan_target *t, const struct plan *first);
