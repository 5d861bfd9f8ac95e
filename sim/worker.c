/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "sim/worker.h"

#include <errno.h>

#include "base/check.h"
#include "sim/dice.h"
#include "run/timer.h"
#include "sim/sched.h"
#include "sim/world.h"

#define LANES_MAX  40u /* senders: workers by their index, and one for everybody else */
#define TIMERS_MAX 4096u

/* Messages of one sender, in order. */
struct lane {
	struct worker_msg *first;
	struct worker_msg *last;
	unsigned n;
	unsigned seen; /* of those, how many this round may take */
};

struct worker {
	unsigned index;
	bool in_round;
	bool has_thread; /* somebody called worker_start() */
	uint64_t now_ns;
	uint64_t stalled_ns; /* it does nothing before */
	struct list jobs;
	struct list running;
	struct list inlets;
	struct timer_heap timers;
	const struct worker_timer *firing; /* its place is free as long as nobody else took it */
	unsigned n_msgs;
	struct lane lane[LANES_MAX];
	struct worker_stats stats;
};

static struct worker *self;
bool (*worker_timer_fails)(const struct worker *w, const void *by);

/* --- identity and time --- */

struct worker *worker_self(void)
{
	return self;
}

unsigned worker_index(const struct worker *w)
{
	return w->index;
}

uint64_t worker_now_ns(const struct worker *w)
{
	return w->in_round ? w->now_ns : sched_now_ns();
}

uint64_t worker_clock_ns(void)
{
	return sched_now_ns();
}

uint64_t worker_wall_ms(void)
{
	return sched_now_ns() / NSEC_PER_MSEC;
}

int worker_random(void *buf, size_t len)
{
	uint8_t *at = buf;

	for (size_t i = 0; i < len; i++)
		at[i] = (uint8_t)dice_below(256);
	return 0;
}

/* --- what is asked of a worker --- */

void worker_post(struct worker *to, struct worker_msg *m)
{
	struct lane *l = &to->lane[self ? self->index : LANES_MAX - 1];

	m->next = NULL;
	if (l->last)
		l->last->next = m;
	else
		l->first = m;
	l->last = m;
	l->n++;
	to->n_msgs++;
}

void worker_defer(struct worker *w, struct worker_job *j)
{
	if (list_empty(&j->node))
		list_push(&w->jobs, &j->node);
}

void worker_undefer(struct worker *w, struct worker_job *j)
{
	(void)w;
	list_del(&j->node);
}

int worker_timer_start(struct worker *w, struct worker_timer *t, uint64_t deadline_ns)
{
	if (!t->slot && t != w->firing && worker_timer_fails &&
	    worker_timer_fails(w, __builtin_return_address(0)))
		return -ENOSPC;
	return timer_heap_start(&w->timers, t, deadline_ns);
}

void worker_timer_stop(struct worker *w, struct worker_timer *t)
{
	timer_heap_stop(&w->timers, t);
}

void worker_inlet_ready(struct worker *w, struct worker_inlet *in)
{
	if (list_empty(&in->node))
		list_push(&w->inlets, &in->node);
}

/* --- a round --- */

static void run_inlets(struct worker *w, bool partial)
{
	struct list now;
	struct list *pos;

	list_init(&now);
	list_splice(&now, &w->inlets);
	while (!list_empty(&now)) {
		/* Which of several comes first is nobody's promise. */
		pos = dice_below(2) ? now.next : now.prev;
		list_del(pos);
		if (partial && dice_below(2)) {
			list_push(&w->inlets, pos);
			continue;
		}
		w->stats.events++;
		list_entry(pos, struct worker_inlet, node)
			->deliver(w, list_entry(pos, struct worker_inlet, node));
	}
}

static struct worker_msg *lane_pop(struct worker *w, struct lane *l)
{
	struct worker_msg *m = l->first;

	l->first = m->next;
	if (!l->first)
		l->last = NULL;
	l->n--;
	l->seen--;
	w->n_msgs--;
	return m;
}

static struct worker_msg *take_msg(struct worker *w)
{
	unsigned ready[LANES_MAX];
	unsigned n = 0;

	for (unsigned i = 0; i < LANES_MAX; i++)
		if (w->lane[i].seen)
			ready[n++] = i;
	return n ? lane_pop(w, &w->lane[ready[n == 1 ? 0 : dice_below(n)]]) : NULL;
}

static void run_msgs(struct worker *w)
{
	struct worker_msg *m;

	while ((m = take_msg(w))) {
		w->stats.messages++;
		m->run(w, m);
	}
}

static void run_timers(struct worker *w)
{
	const unsigned limit = w->timers.n;
	struct worker_timer *t;

	for (unsigned n = 0; n < limit && (t = timer_heap_pop(&w->timers, w->now_ns)); n++) {
		w->firing = t;
		t->fire(w, t);
	}
	w->firing = NULL;
}

static void run_jobs(struct worker *w)
{
	struct list *node;

	list_splice(&w->running, &w->jobs);
	while ((node = list_pop(&w->running)))
		list_entry(node, struct worker_job, node)
			->run(w, list_entry(node, struct worker_job, node));
}

void worker_round(struct worker *w)
{
	bool partial = dice_pct(sched_pace.partial_pct);

	check(!w->in_round && !self);
	self = w;
	w->in_round = true;
	w->now_ns = sched_now_ns();
	w->stats.rounds++;
	/* What comes during the round belongs to the next one. */
	for (unsigned i = 0; w->n_msgs && i < LANES_MAX; i++) {
		struct lane *l = &w->lane[i];

		l->seen = l->n && partial ? dice_below(l->n + 1) : l->n;
	}
	run_inlets(w, partial);
	run_msgs(w);
	run_timers(w);
	run_jobs(w);
	w->in_round = false;
	self = NULL;
}

bool worker_runnable(const struct worker *w)
{
	return w->stalled_ns <= sched_now_ns() &&
	       (w->n_msgs || !list_empty(&w->jobs) || !list_empty(&w->inlets) ||
		timer_heap_first_ns(&w->timers) <= sched_now_ns());
}

uint64_t worker_wakes_ns(const struct worker *w)
{
	uint64_t first_ns = timer_heap_first_ns(&w->timers);

	if (w->n_msgs || !list_empty(&w->jobs) || !list_empty(&w->inlets))
		first_ns = 0;
	return first_ns > w->stalled_ns ? first_ns : w->stalled_ns;
}

/* --- for the world --- */

void worker_stall(struct worker *w, uint64_t until_ns)
{
	w->stalled_ns = until_ns;
}

const char *worker_busy(const struct worker *w)
{
	return w->n_msgs                 ? "a message is pending"
	       : !list_empty(&w->jobs)   ? "a job is deferred"
	       : !list_empty(&w->inlets) ? "an event or completion is not delivered"
	       : w->timers.n             ? "a timer runs"
					 : NULL;
}

void worker_crash(struct worker *w)
{
	check(!w->in_round);
	list_init(&w->jobs);
	list_init(&w->inlets);
	for (unsigned i = 0; i < LANES_MAX; i++)
		w->lane[i] = (struct lane){ 0 };
	w->n_msgs = 0;
	w->timers.n = 0;
	w->stalled_ns = 0;
}

/* --- making and running workers --- */

int worker_new(struct worker **ret, unsigned index, const struct worker_opts *opts)
{
	struct worker *w = world_alloc(sizeof(*w));

	(void)opts;
	check(index < LANES_MAX - 1);
	w->index = index;
	list_init(&w->jobs);
	list_init(&w->running);
	list_init(&w->inlets);
	timer_heap_init(&w->timers, world_alloc(timer_heap_size(TIMERS_MAX)), TIMERS_MAX);
	sched_add_worker(w);
	*ret = w;
	return 0;
}

struct worker *worker_free(struct worker *w)
{
	if (!w)
		return NULL;
	sched_del_worker(w);
	world_free(w->timers.v);
	world_free(w);
	return NULL;
}

/* All workers of the world go on meanwhile. */
int worker_run_once(struct worker *w, uint64_t timeout_ns)
{
	(void)w;
	sched_run_until(sched_now_ns() + timeout_ns);
	return 0;
}

int worker_start(struct worker *w)
{
	w->has_thread = true;
	return 0;
}

void worker_stop(struct worker *w)
{
	w->has_thread = false;
}

void worker_join(struct worker *w)
{
	(void)w;
}

struct worker_stats worker_stats(const struct worker *w)
{
	return w->stats;
}

const char *worker_engine(const struct worker *w)
{
	(void)w;
	return "simulated";
}
