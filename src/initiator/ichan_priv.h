/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Shared by the files of this machine: its handlers and the ways to end it. Not for others. */
#pragma once

#include "base/check.h"
#include "initiator/ichan.h"

typedef enum ichan_state ichan_handler(struct ichan *c, const struct ichan_event *ev,
				       struct ichan_actions *out);

static inline struct ichan_action *ichan_add(struct ichan_actions *out, enum ichan_act_type type)
{
	struct ichan_action *a;

	check(out->count < ICHAN_ACTIONS_MAX);
	a = &out->act[out->count++];
	a->type = type;
	a->flags = 0;
	a->slot = ICHAN_NO_SLOT;
	return a;
}

/* The first cause stays: what comes later is its consequence. */
static inline void ichan_blame(struct ichan *c, enum ichan_why why, int error, uint32_t code,
			       const char *text)
{
	if (c->why.why == ICHAN_WHY_NONE)
		c->why = (struct ichan_cause){ why, error, code, text };
}

/* To DRAINING: the queue pair dies at once. */
enum ichan_state ichan_drain(struct ichan *c, struct ichan_actions *out);
/* To DRAINING: disconnect in order first. */
enum ichan_state ichan_leave(struct ichan *c, struct ichan_actions *out);
/* A peer broke the rules while LIVE. */
enum ichan_state ichan_violation(struct ichan *c, struct ichan_actions *out, const char *text);

ichan_handler ichan_on_submit, ichan_on_task, ichan_on_recv, ichan_on_sent, ichan_on_expire;
