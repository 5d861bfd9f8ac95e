/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "sim/sched.h"

#include "base/check.h"
#include "sim/dice.h"
#include "sim/worker.h"
#include "sim/world.h"

#define WORKERS_MAX 64u
#define EVENTS_MAX  65536u

struct sched_pace sched_pace;
bool sched_tell;

static struct sched_ev **heap; /* heap[1] is the earliest */
static unsigned n_heap;
static uint64_t now_ns;
static uint64_t tick;
static uint64_t n_planned;
static struct worker *workers[WORKERS_MAX];
static unsigned n_workers;

uint64_t sched_now_ns(void)
{
	return now_ns;
}

uint64_t sched_tick(void)
{
	return tick;
}

unsigned sched_n_planned(void)
{
	return n_heap;
}

void sched_reset(void)
{
	for (unsigned i = 1; i <= n_heap; i++)
		heap[i]->slot = 0;
	n_heap = 0;
	/* Not 0, which means "none" to much code. */
	now_ns = NSEC_PER_SEC;
	tick = 1;
	n_workers = 0;
	sched_pace = (struct sched_pace){ .round_ns = 2000 };
	if (!heap)
		heap = world_alloc((EVENTS_MAX + 1) * sizeof(struct sched_ev *));
}

/* --- the heap --- */

static bool before(const struct sched_ev *a, const struct sched_ev *b)
{
	return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->seq < b->seq;
}

static void place(struct sched_ev *e, unsigned slot)
{
	heap[slot] = e;
	e->slot = slot;
}

static void sift_up(struct sched_ev *e, unsigned slot)
{
	while (slot > 1 && before(e, heap[slot / 2])) {
		place(heap[slot / 2], slot);
		slot /= 2;
	}
	place(e, slot);
}

static void sift_down(struct sched_ev *e, unsigned slot)
{
	for (;;) {
		unsigned child = 2 * slot;

		if (child > n_heap)
			break;
		if (child < n_heap && before(heap[child + 1], heap[child]))
			child++;
		if (!before(heap[child], e))
			break;
		place(heap[child], slot);
		slot = child;
	}
	place(e, slot);
}

void sched_cancel(struct sched_ev *e)
{
	unsigned slot = e->slot;
	struct sched_ev *last;

	if (!slot)
		return;
	e->slot = 0;
	last = heap[n_heap--];
	if (last == e)
		return;
	if (slot > 1 && before(last, heap[slot / 2]))
		sift_up(last, slot);
	else
		sift_down(last, slot);
}

void sched_at(struct sched_ev *e, uint64_t at_ns)
{
	sched_cancel(e);
	check(n_heap < EVENTS_MAX);
	e->at_ns = at_ns > now_ns ? at_ns : now_ns;
	e->seq = n_planned++;
	sift_up(e, ++n_heap);
}

/* --- what happens next --- */

void sched_add_worker(struct worker *w)
{
	check(n_workers < WORKERS_MAX);
	workers[n_workers++] = w;
}

void sched_del_worker(struct worker *w)
{
	unsigned i = 0;

	while (workers[i] != w)
		i++;
	/* The order of the others is part of what a seed means. */
	for (n_workers--; i < n_workers; i++)
		workers[i] = workers[i + 1];
}

static uint64_t next_ns(void)
{
	uint64_t next = n_heap ? heap[1]->at_ns : UINT64_MAX;

	for (unsigned i = 0; i < n_workers; i++)
		next = min_u64(next, worker_wakes_ns(workers[i]));
	return next;
}

static void run_event(void)
{
	struct sched_ev *e = heap[1];

	sched_cancel(e);
	e->run(e);
}

static void run_worker(struct worker *w)
{
	worker_round(w);
	now_ns += dice_below(sched_pace.round_ns + 1);
	if (dice_permille(sched_pace.stall_pmille))
		worker_stall(w, now_ns + dice_range(0, sched_pace.stall_ns));
}

bool sched_step(void)
{
	struct worker *ready[WORKERS_MAX];
	unsigned n = 0;
	bool due;
	uint64_t next;

	for (unsigned i = 0; i < n_workers; i++)
		if (worker_runnable(workers[i]))
			ready[n++] = workers[i];
	due = n_heap && heap[1]->at_ns <= now_ns;
	tick++;
	if (due && (!n || dice_below(n + 1) == 0)) {
		if (sched_tell)
			trace("something of the world happens, %u are planned", n_heap);
		run_event();
		return true;
	}
	if (n) {
		struct worker *w = ready[dice_below(n)];

		if (sched_tell)
			trace("a round of worker %u: %s", worker_index(w), worker_busy(w));
		run_worker(w);
		return true;
	}
	next = next_ns();
	if (next == UINT64_MAX)
		return false;
	check(next >= now_ns);
	now_ns = next;
	return true;
}

void sched_run_until(uint64_t at_ns)
{
	while (now_ns < at_ns) {
		bool idle = !n_heap || heap[1]->at_ns > now_ns;

		for (unsigned i = 0; idle && i < n_workers; i++)
			idle = !worker_runnable(workers[i]);
		if (idle && next_ns() > at_ns) {
			now_ns = at_ns;
			return;
		}
		(void)sched_step();
	}
}
