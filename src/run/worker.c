/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Rounds: the order of things within a worker. What is waited for is in ring.c, who may call in mbox.c. */
#include "run/worker.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "run/mbox.h"
#include "run/ring.h"
#include "run/timer.h"

#define DEFAULT_TIMERS  4096u
#define DEFAULT_ENTRIES 1024u
/*
 * A look for work that took so long was a sleep, or as long as one; one that finds work at once takes less.
 * And more than so many completions at its end are not a few.
 */
#define IDLE_NS    4000u
#define IDLE_NEWS  4u
#define NAME_BYTES 16u /* of a thread, with the terminator; the kernel's limit */

/* Written by the worker only, read by any thread. */
struct counter {
	_Atomic uint64_t n;
};

struct worker {
	struct mbox mbox; /* first, for its alignment; the only part other threads touch */
	/*
	 * The rest is the worker's. The ring is its own allocation, so worker_event_fd() can note in it
	 * that somebody watches.
	 */
	struct ring *ring;
	struct timer_heap timers;
	struct list jobs;    /* for the end of this round */
	struct list running; /* being run now; a job may still be taken off */
	unsigned index;
	unsigned poll_us;
	uint64_t now_ns;
	uint64_t last_work_ns;
	uint64_t wait_ns; /* when the wait of this round began; UINT64_MAX: it had none */
	bool was_idle;
	bool bound; /* the ring is enabled */
	bool in_round;
	bool stopping;
	bool kicked; /* the eventfd was written since the last round, no need to do it again */
	bool has_thread;
	struct worker_poll wake; /* mbox.fd[MBOX_IN_RING] */
	struct worker_poll tick; /* timer_fd */
	int timer_fd;            /* tells its watcher that a timer is due */
	uint64_t tick_ns;        /* what timer_fd is set to, UINT64_MAX: nothing */
	struct worker_msg stop_msg;
	pthread_t thread;
	char name[NAME_BYTES];
	struct counter rounds;
	struct counter sleeps;
	struct counter messages;
	struct counter events;
};

static _Thread_local struct worker *self;

static void count(struct counter *c, uint64_t n)
{
	/* One writer: no locked addition is needed. */
	atomic_store_explicit(&c->n, atomic_load_explicit(&c->n, memory_order_relaxed) + n,
			      memory_order_relaxed);
}

static uint64_t counted(const struct counter *c)
{
	return atomic_load_explicit(&c->n, memory_order_relaxed);
}

/* --- identity and time --- */

struct worker *worker_self(void)
{
	return self;
}

unsigned worker_index(const struct worker *w)
{
	return w->index;
}

uint64_t worker_clock_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts); /* cannot fail with this clock */
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

uint64_t worker_wall_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts); /* nor with this one */
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / NSEC_PER_MSEC;
}

bool worker_was_idle(const struct worker *w)
{
	return w->was_idle;
}

int worker_random(void *buf, size_t len)
{
	check(len <= 256); /* that many come whole */
	return getrandom(buf, len, GRND_NONBLOCK) == (ssize_t)len ? 0 : -errno;
}

uint64_t worker_now_ns(const struct worker *w)
{
	return w->in_round ? w->now_ns : worker_clock_ns();
}

/* --- what is asked of a worker --- */

void worker_post(struct worker *to, struct worker_msg *m)
{
	mbox_post(&to->mbox, m);
}

/* Make the event fd readable. */
static void kick(struct worker *w)
{
	if (!w->kicked)
		mbox_wake(&w->mbox, MBOX_OUTSIDE);
	w->kicked = true;
}

/* Work was handed in: between rounds, a watcher of the event fd must get to know. */
static void touched(struct worker *w)
{
	if (!w->in_round && w->ring->watched)
		kick(w);
}

void worker_defer(struct worker *w, struct worker_job *j)
{
	if (!list_empty(&j->node))
		return;
	list_push(&w->jobs, &j->node);
	touched(w);
}

void worker_undefer(struct worker *w, struct worker_job *j)
{
	(void)w;
	list_del(&j->node);
}

int worker_timer_start(struct worker *w, struct worker_timer *t, uint64_t deadline_ns)
{
	const int r = timer_heap_start(&w->timers, t, deadline_ns);

	if (!r)
		touched(w);
	return r;
}

void worker_timer_stop(struct worker *w, struct worker_timer *t)
{
	timer_heap_stop(&w->timers, t);
}

void worker_poll_start(struct worker *w, struct worker_poll *p)
{
	ring_poll_start(w->ring, p);
	touched(w);
}

void worker_poll_stop(struct worker *w, struct worker_poll *p)
{
	ring_poll_stop(w->ring, p);
	touched(w);
}

void worker_io_submit(struct worker *w, struct worker_io *io)
{
	ring_io_submit(w->ring, io);
	touched(w);
}

void worker_io_cancel(struct worker *w, struct worker_io *io)
{
	ring_io_cancel(w->ring, io);
	touched(w);
}

/* --- a round --- */

static bool has_work(const struct worker *w)
{
	return !list_empty(&w->jobs) || mbox_pending(&w->mbox) || ring_has_work(w->ring);
}

static inline void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ __volatile__("yield");
#endif
}

/* Look, without sleeping, until poll_us after the last work. Return: is there something to do? */
static bool busy_poll(const struct worker *w, uint64_t until_ns)
{
	const uint64_t end_ns = min_u64(w->last_work_ns + w->poll_us * NSEC_PER_USEC, until_ns);

	do {
		if (mbox_pending(&w->mbox) || ring_has_news(w->ring))
			return true;
		relax();
	} while (worker_clock_ns() < end_ns);
	return false;
}

/* Submit what is queued and wait until there is something to do, at most @timeout_ns. */
static int wait_for_work(struct worker *w, uint64_t timeout_ns)
{
	const uint64_t first_ns = timer_heap_first_ns(&w->timers);
	uint64_t now_ns;
	int r;

	w->wait_ns = UINT64_MAX;
	if (!timeout_ns || has_work(w))
		return ring_enter(w->ring, 0);
	now_ns = worker_clock_ns();
	w->wait_ns = now_ns;
	if (first_ns != UINT64_MAX)
		timeout_ns = first_ns > now_ns ? min_u64(timeout_ns, first_ns - now_ns) : 0;
	if (w->poll_us && timeout_ns) {
		const uint64_t until_ns =
			timeout_ns < UINT64_MAX - now_ns ? now_ns + timeout_ns : UINT64_MAX;

		r = ring_enter(w->ring, 0);
		if (r || busy_poll(w, until_ns))
			return r ? r : ring_enter(w->ring, 0);
		now_ns = worker_clock_ns();
		timeout_ns = until_ns == UINT64_MAX ? UINT64_MAX
			     : until_ns > now_ns    ? until_ns - now_ns
						    : 0;
	}
	if (!timeout_ns || !mbox_sleep(&w->mbox, MBOX_IN_RING))
		return ring_enter(w->ring, 0);
	count(&w->sleeps, 1);
	return ring_enter(w->ring, timeout_ns);
}

static unsigned run_messages(struct worker *w)
{
	struct worker_msg *m = mbox_take(&w->mbox);
	unsigned n = 0;

	while (m) {
		struct worker_msg *next = m->next; /* run() may free or post it */

		m->run(w, m);
		m = next;
		n++;
	}
	return n;
}

static unsigned run_timers(struct worker *w)
{
	/* A timer that starts itself again for the past must not keep the round from ending. */
	const unsigned limit = w->timers.n;
	unsigned n = 0;

	while (n < limit) {
		struct worker_timer *t = timer_heap_pop(&w->timers, w->now_ns);

		if (!t)
			break;
		n++;
		t->fire(w, t);
	}
	return n;
}

static unsigned run_jobs(struct worker *w)
{
	struct list *node;
	unsigned n = 0;

	list_splice(&w->running, &w->jobs);
	while ((node = list_pop(&w->running))) {
		struct worker_job *j = list_entry(node, struct worker_job, node);

		j->run(w, j);
		n++;
	}
	return n;
}

static int round_run(struct worker *w, uint64_t timeout_ns)
{
	unsigned n_events;
	unsigned n_messages;
	unsigned n_other;
	int r = wait_for_work(w, timeout_ns);

	if (r)
		return r;
	w->now_ns = worker_clock_ns();
	w->was_idle = w->wait_ns != UINT64_MAX && w->now_ns - w->wait_ns >= IDLE_NS &&
		      ring_n_news(w->ring) <= IDLE_NEWS;
	n_events = ring_handle(w->ring, w);
	n_messages = run_messages(w);
	n_other = run_timers(w);
	n_other += run_jobs(w);
	if (n_events + n_messages + n_other)
		w->last_work_ns = w->now_ns;
	count(&w->rounds, 1);
	count(&w->events, n_events);
	count(&w->messages, n_messages);
	return 0;
}

/* Nobody will wait in the ring: give all to the kernel, and see to it that the event fd tells the watcher. */
static int park(struct worker *w)
{
	const uint64_t first_ns = timer_heap_first_ns(&w->timers);
	eventfd_t ignored;
	int r;

	/* Set to an earlier time than needed it costs one idle round, so a later deadline changes nothing. */
	if (w->tick_ns <= w->now_ns)
		w->tick_ns = UINT64_MAX;
	if (first_ns < w->tick_ns) {
		const struct itimerspec when = {
			.it_value.tv_sec = (time_t)(first_ns / NSEC_PER_SEC),
			/* all zero would disarm it */
			.it_value.tv_nsec = (long)(first_ns % NSEC_PER_SEC) + (first_ns == 0),
		};

		if (timerfd_settime(w->timer_fd, TFD_TIMER_ABSTIME, &when, NULL) < 0)
			return -errno;
		w->tick_ns = first_ns;
	}
	r = ring_enter(w->ring, 0);
	if (!r)
		r = ring_watch(w->ring, w->mbox.fd[MBOX_OUTSIDE]);
	if (r)
		return r;
	/* What happened so far is seen by the look below, what happens from now on makes the fd readable. */
	(void)eventfd_read(w->mbox.fd[MBOX_OUTSIDE], &ignored);
	if (has_work(w) || ring_has_news(w->ring) || ring_has_backlog(w->ring) ||
	    !mbox_sleep(&w->mbox, MBOX_OUTSIDE))
		kick(w);
	return 0;
}

static int bind_here(struct worker *w)
{
	int r;

	if (w->bound)
		return 0;
	r = ring_enable(w->ring);
	w->bound = !r;
	return r;
}

int worker_run_once(struct worker *w, uint64_t timeout_ns)
{
	struct worker *outer = self; /* a library's worker may be run from inside another's round */
	int r;

	check(!w->in_round && !w->has_thread);
	r = bind_here(w);
	if (r)
		return r;
	self = w;
	w->in_round = true;
	w->kicked = false;
	ring_unwatch(w->ring);
	r = round_run(w, timeout_ns);
	if (!r && w->ring->watched)
		r = park(w);
	w->in_round = false;
	self = outer;
	return r;
}

int worker_event_fd(const struct worker *w)
{
	w->ring->watched = true;
	return w->mbox.fd[MBOX_OUTSIDE];
}

/* --- life --- */

static void on_stop(struct worker *w, struct worker_msg *m)
{
	(void)m;
	w->stopping = true;
}

/* The fd's edge has already done its work by ending the wait. */
static void on_wake(struct worker *w, struct worker_poll *p, unsigned revents)
{
	(void)w;
	(void)p;
	(void)revents;
}

static void watch_own(struct worker *w, struct worker_poll *p, int fd)
{
	p->fd = fd;
	p->events = POLLIN;
	p->ready = on_wake;
	ring_poll_start(w->ring, p);
}

/* Release what worker_make() got, as far as it got. */
static void worker_unmake(struct worker *w)
{
	if (w->timer_fd >= 0)
		close(w->timer_fd);
	mbox_deinit(&w->mbox);
	free(w->timers.v);
	free(w->ring);
	free(w);
}

static struct worker *worker_make(unsigned n_timers)
{
	struct worker *w = aligned_alloc(MBOX_CACHE_LINE, sizeof(*w));
	struct worker_timer **heap;

	if (!w)
		return NULL;
	memset(w, 0, sizeof(*w));
	w->timer_fd = -1;
	for (unsigned i = 0; i < MBOX_PLACES; i++)
		w->mbox.fd[i] = -1;
	heap = malloc(timer_heap_size(n_timers));
	timer_heap_init(&w->timers, heap, n_timers);
	w->ring = calloc(1, sizeof(*w->ring));
	if (!heap || !w->ring) {
		worker_unmake(w);
		return NULL;
	}
	return w;
}

int worker_new(struct worker **ret, unsigned index, const struct worker_opts *opts)
{
	static const struct worker_opts defaults = { 0 };
	struct worker *w;
	int r;

	if (!opts)
		opts = &defaults;
	w = worker_make(opts->n_timers ? opts->n_timers : DEFAULT_TIMERS);
	if (!w)
		return -ENOMEM;
	r = mbox_init(&w->mbox);
	if (r)
		goto fail;
	w->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (w->timer_fd < 0) {
		r = -errno;
		goto fail;
	}
	r = ring_init(w->ring, opts->ring_entries ? opts->ring_entries : DEFAULT_ENTRIES);
	if (r)
		goto fail;
	list_init(&w->jobs);
	list_init(&w->running);
	w->index = index;
	w->poll_us = opts->poll_us;
	w->now_ns = worker_clock_ns();
	w->tick_ns = UINT64_MAX;
	w->stop_msg.run = on_stop;
	(void)snprintf(w->name, sizeof(w->name), "%.11s/%u", opts->name ? opts->name : "worker",
		       index % 1000);
	watch_own(w, &w->wake, w->mbox.fd[MBOX_IN_RING]);
	watch_own(w, &w->tick, w->timer_fd);
	*ret = w;
	return 0;
fail:
	worker_unmake(w);
	return r;
}

struct worker *worker_free(struct worker *w)
{
	if (!w)
		return NULL;
	check(!w->has_thread && !w->in_round);
	ring_deinit(w->ring);
	worker_unmake(w);
	return NULL;
}

static void *thread_main(void *arg)
{
	struct worker *w = arg;
	int r = bind_here(w);

	self = w;
	w->in_round = true; /* all that happens on this thread does */
	ring_thread_begin(w->ring);
	while (!r && !w->stopping)
		r = round_run(w, UINT64_MAX);
	if (r) {
		/* Everything this worker owns would hang silently; a restart is a reconnect. */
		log_error("worker %s: io_uring fails: %s, stopping the process", w->name,
			  strerrordesc_np(-r));
		abort();
	}
	ring_thread_end(w->ring);
	w->in_round = false;
	self = NULL;
	return NULL;
}

int worker_start(struct worker *w)
{
	static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS };
	sigset_t all;
	sigset_t old;
	int r;

	check(!w->has_thread && !w->bound);
	/*
	 * A new thread inherits the mask: signals are for the thread that called us, but for those that
	 * our own fault raises, which a handler may want to see.
	 */
	sigfillset(&all);
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++)
		sigdelset(&all, faults[i]);
	r = pthread_sigmask(SIG_SETMASK, &all, &old);
	if (r)
		return -r;
	w->has_thread = true;
	r = pthread_create(&w->thread, NULL, thread_main, w);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r) {
		w->has_thread = false;
		return -r;
	}
	(void)pthread_setname_np(w->thread, w->name);
	return 0;
}

void worker_stop(struct worker *w)
{
	mbox_post_last(&w->mbox, &w->stop_msg);
}

void worker_join(struct worker *w)
{
	check(self != w);
	if (!w->has_thread)
		return;
	(void)pthread_join(w->thread, NULL);
	w->has_thread = false;
}

struct worker_stats worker_stats(const struct worker *w)
{
	return (struct worker_stats){
		.rounds = counted(&w->rounds),
		.sleeps = counted(&w->sleeps),
		.messages = counted(&w->messages),
		.events = counted(&w->events),
	};
}

const char *worker_engine(const struct worker *w)
{
	return w->ring->engine;
}
