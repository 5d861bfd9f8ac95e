/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "run/timer.h"

#include <errno.h>

#include "base/check.h"

void timer_heap_init(struct timer_heap *h, struct worker_timer **mem, unsigned cap)
{
	h->v = mem;
	h->n = 0;
	h->cap = cap;
}

static void put(struct timer_heap *h, unsigned slot, struct worker_timer *t)
{
	h->v[slot] = t;
	t->slot = slot;
}

/* Move the hole at @slot towards the root until @t fits in. */
static void sift_up(struct timer_heap *h, unsigned slot, struct worker_timer *t)
{
	while (slot > 1 && t->deadline_ns < h->v[slot / 2]->deadline_ns) {
		put(h, slot, h->v[slot / 2]);
		slot /= 2;
	}
	put(h, slot, t);
}

/* Move the hole at @slot towards the leaves until @t fits in. */
static void sift_down(struct timer_heap *h, unsigned slot, struct worker_timer *t)
{
	for (;;) {
		unsigned child = slot * 2;

		if (child > h->n)
			break;
		if (child < h->n && h->v[child + 1]->deadline_ns < h->v[child]->deadline_ns)
			child++;
		if (t->deadline_ns <= h->v[child]->deadline_ns)
			break;
		put(h, slot, h->v[child]);
		slot = child;
	}
	put(h, slot, t);
}

static void settle(struct timer_heap *h, unsigned slot, struct worker_timer *t)
{
	if (slot > 1 && t->deadline_ns < h->v[slot / 2]->deadline_ns)
		sift_up(h, slot, t);
	else
		sift_down(h, slot, t);
}

int timer_heap_start(struct timer_heap *h, struct worker_timer *t, uint64_t deadline_ns)
{
	unsigned slot = t->slot;

	if (!slot) {
		if (h->n == h->cap)
			return -ENOSPC;
		slot = ++h->n;
	}
	check(slot <= h->n && (t->slot == 0 || h->v[slot] == t));
	t->deadline_ns = deadline_ns;
	settle(h, slot, t);
	return 0;
}

void timer_heap_stop(struct timer_heap *h, struct worker_timer *t)
{
	const unsigned slot = t->slot;
	struct worker_timer *last;

	if (!slot)
		return;
	check(slot <= h->n && h->v[slot] == t);
	last = h->v[h->n--];
	t->slot = 0;
	if (last != t)
		settle(h, slot, last);
}

struct worker_timer *timer_heap_pop(struct timer_heap *h, uint64_t now_ns)
{
	struct worker_timer *t;

	if (timer_heap_first_ns(h) > now_ns || !h->n)
		return NULL;
	t = h->v[1];
	timer_heap_stop(h, t);
	return t;
}
