/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The running timers of a worker: a binary heap by deadline, of a fixed capacity. Pure: the time is told. */
#pragma once

#include "run/worker.h"

struct timer_heap {
	struct worker_timer *
		*v; /* v[1] is the earliest; v[0] is not used, as slot 0 means "not running" */
	unsigned n;
	unsigned cap;
};

/* Bytes of memory that timer_heap_init() needs for @cap timers. */
static inline size_t timer_heap_size(unsigned cap)
{
	return ((size_t)cap + 1) * sizeof(struct worker_timer *);
}

/* Make an empty heap in @mem, which stays the caller's. */
void timer_heap_init(struct timer_heap *h, struct worker_timer **mem, unsigned cap);

/* Start or restart @t. Return: 0 or -ENOSPC (capacity reached; never for a running timer). */
must_check int timer_heap_start(struct timer_heap *h, struct worker_timer *t, uint64_t deadline_ns);
/* Stop @t; harmless when it is not running. */
void timer_heap_stop(struct timer_heap *h, struct worker_timer *t);

/* Deadline of the earliest timer; UINT64_MAX: none is running. */
static inline uint64_t timer_heap_first_ns(const struct timer_heap *h)
{
	return h->n ? h->v[1]->deadline_ns : UINT64_MAX;
}

/* Take the earliest timer off when it is due at @now_ns; NULL: none is. It may be started again. */
struct worker_timer *timer_heap_pop(struct timer_heap *h, uint64_t now_ns);
