/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The virtual clock and what happens when: events of the world by their time, and workers that have
 * something to do. When several things could happen next, the dice decide. Time passes only here.
 */
#pragma once

#include "base/list.h"

struct worker;

/* Something that happens in the world. Embedded in the owner's object; zero is "not planned". */
struct sched_ev {
	uint64_t at_ns;
	uint64_t seq;  /* events of one time happen in the order they were planned */
	unsigned slot; /* place in the heap, 0: not planned */
	void (*run)(struct sched_ev *e);
};

/* How evenly and how fast the workers run; see scenario.h. */
struct sched_pace {
	unsigned round_ns;     /* a round takes up to so long */
	unsigned partial_pct;  /* a round sees only a part of what is pending */
	unsigned stall_pmille; /* a worker is held up after a round */
	uint64_t stall_ns;     /* for up to so long */
};
extern struct sched_pace sched_pace;

uint64_t sched_now_ns(void);
/* Counts everything that happened, so that two things at one time have an order too. Never 0. */
uint64_t sched_tick(void);

/* Plan @e (or plan it anew) for @at_ns, but not before now. */
void sched_at(struct sched_ev *e, uint64_t at_ns);
static inline void sched_in(struct sched_ev *e, uint64_t ns)
{
	sched_at(e, sched_now_ns() + ns);
}
static inline bool sched_planned(const struct sched_ev *e)
{
	return e->slot != 0;
}
/* Harmless when it is not planned. */
void sched_cancel(struct sched_ev *e);

/* Note in the transcript what happens. */
extern bool sched_tell;
/* One thing happens; the clock moves on when nothing can happen now. False: nothing will ever happen. */
bool sched_step(void);
/* Steps until the clock has passed @at_ns, or nothing will happen before it. */
void sched_run_until(uint64_t at_ns);
/* Things planned; for the end of a run. */
unsigned sched_n_planned(void);
/* Forget everything and start the clock anew; for tests with several runs in a process. */
void sched_reset(void);

/* --- the workers' side (worker.c) --- */

/* @w is asked whether it has something to do, and made to do it. */
void sched_add_worker(struct worker *w);
void sched_del_worker(struct worker *w);
