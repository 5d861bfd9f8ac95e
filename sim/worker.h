/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Workers in virtual time: this folder's implementation of run/worker.h, and what only the simulator may
 * do with them. A round sees what the dice let it see of what is pending; what one worker sends to another
 * keeps its order, messages of different senders mix.
 */
#pragma once

#include "run/worker.h"

/* Someone who has something for a worker: a connection with completions, a disk. */
struct worker_inlet {
	struct list node;
	/* Hand over something, in a round of @w; worker_inlet_ready() again if that was not all. */
	void (*deliver)(struct worker *w, struct worker_inlet *in);
};

static inline void worker_inlet_init(struct worker_inlet *in,
				     void (*deliver)(struct worker *, struct worker_inlet *))
{
	list_init(&in->node);
	in->deliver = deliver;
}

/* There is something to deliver to @w. */
void worker_inlet_ready(struct worker *w, struct worker_inlet *in);

static inline void worker_inlet_gone(struct worker_inlet *in)
{
	list_del(&in->node);
}

/* --- for sched.c --- */

/* Could @w do something now? */
bool worker_runnable(const struct worker *w);
/* When it will, of itself: the first timer, the end of a stall. UINT64_MAX: never. */
uint64_t worker_wakes_ns(const struct worker *w);
void worker_round(struct worker *w);

/* --- for the world --- */

/* Forget messages, jobs and timers without touching them: their owner's memory is gone. */
void worker_crash(struct worker *w);
/* NULL when nothing is pending and no timer runs; else words for what does. */
const char *worker_busy(const struct worker *w);
/* It does nothing until then. */
void worker_stall(struct worker *w, uint64_t until_ns);
/* The start of a timer asks this first, when set: true makes it fail. Never for a running one. */
extern bool (*worker_timer_fails)(const struct worker *w, const void *by);
