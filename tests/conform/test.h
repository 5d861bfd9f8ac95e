/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The machinery behind conform.h; rule files do not include it. */
#pragma once

#include <setjmp.h>

#include "conform.h"

#define CLEANUPS_MAX 16u
#define REASON_MAX   600u
#define ANSWER_MS    15000u /* until an answer is missed */
#define PIECES_MAX   255u
#define GUARD_BYTES  64u

/* Ways in which answers are altered before a rule sees them, to see that it notices: see lie.c. */
enum lie {
	LIE_NONE,
	LIE_GOOD,     /* what failed is GOOD */
	LIE_CHECK,    /* what is GOOD ends with CHECK CONDITION */
	LIE_SENSE,    /* another additional sense code */
	LIE_DATA,     /* data that were read are inverted */
	LIE_RESIDUAL, /* residuals are not told, or told where there are none */
	LIE_CODE,     /* response codes of task management functions */
	LIE_LOGIN,    /* what LOGIN_RSP and LOGIN_REJ say */
	LIE_ORDER,    /* the order of answers is turned around */
	LIE_EVENT,    /* what requests and logouts of the target say */
	LIE_COUNT
};

struct config {
	const char *url;
	const char *host;
	uint16_t port;
	uint64_t id_ext;
	uint64_t ioc_guid;
	unsigned lun;
	uint64_t initiator; /* GUID of initiator port 'a'; the others follow */
	bool destroy;       /* --yes-destroy-data */
	enum lie lie;
};

enum outcome {
	PASSED,
	FAILED,
	SKIPPED
};

struct test {
	const struct config *cfg;
	struct unit unit;
	const struct rule *rule; /* NULL: between rules */
	jmp_buf jump;
	enum outcome outcome;
	char reason[REASON_MAX];
	char violation[REASON_MAX]; /* found where a rule cannot be ended, in a callback */
	struct nexus *nexuses;
	struct nexus *a;
	struct nexus *b;
	bool a_fresh; /* heard its unit attentions in this rule */
	bool b_fresh;
	bool quiet; /* the machinery's own commands: no lies */
	void (*cleanup[CLEANUPS_MAX])(struct test *t);
	unsigned n_cleanups;
	struct chunk *chunks; /* memory of the rule */
	unsigned order;
	unsigned n_logins;
};

/* Run one rule and take everything back. */
void test_run(struct test *t, const struct rule *r);
/* Run @fn as test_run() does. Return: whether it came to its end. */
bool test_try(struct test *t, void (*fn)(struct test *t));
/* Memory that lives as long as the rule. */
void *test_mem(struct test *t, size_t len);
/* Note a breach of the protocol; the first stays. */
void violate(struct test *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* All rules, sorted by family, file and line. */
struct rule *rules_all(void);

/* Ask the unit what it is; fails when it cannot be tested at all. */
void unit_ask(struct test *t);

/* What was received for @n; called by its channel. */
void answer_iu(struct nexus *n, const uint8_t *iu, size_t len);
/* Let things happen until @c is answered or lost, for @ms at most. */
void await(struct cmd *c, unsigned ms);
/* The channel has ended: no command of it will be answered. */
void answers_lost(struct nexus *n);
/* Release the commands of a rule. Return: whether one was not answered. */
bool cmds_free(struct nexus *n);

const char *lie_text(enum lie lie);
/* Alter the bytes of an IU or a login's answer, in place; @c: the command it answers, or NULL. */
void lie_to(struct test *t, struct cmd *c, uint8_t *iu, size_t *len);

/* Report. */
struct tally {
	unsigned n[3]; /* by enum outcome */
};
void json_string(const char *s);
