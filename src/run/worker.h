/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The execution seam. A worker is one thread that owns objects and runs everything that concerns
 * them, in rounds: wait for events, handle them, run the mailbox, run timers that are due, run what
 * was deferred. Nothing here blocks except the wait itself. Unless said otherwise, a function may
 * be called only by the worker it names (or before that worker was started); worker_post() may be
 * called by any thread. Everything a caller hands in is embedded in the caller's own objects: no
 * call here allocates, so none of them can fail for want of memory after the worker was made.
 */
#pragma once

#include <sys/uio.h>

#include "base/list.h"

struct worker;

/* --- identity and time --- */

/* The worker whose thread is running, or NULL on a thread that is none. */
struct worker *worker_self(void);
/* 0 .. number of workers - 1 in its group; 0 is the control worker. */
unsigned worker_index(const struct worker *w);
/* Monotonic time in ns, read at the start of the round (cheap; good for deadlines). Between rounds of a
 * worker without a thread it is the present time. */
uint64_t worker_now_ns(const struct worker *w);
/* Did this round, or between rounds the last one, begin with a sleep that little has ended? Then whoever
 * gets an answer may well be asleep, too, and does more with a part of it now than with all of it later. Context: @w. */
bool worker_was_idle(const struct worker *w);
/* Monotonic time in ns, read now. Any thread. */
uint64_t worker_clock_ns(void);
/* Milliseconds since 1970, as the system's clock says, which may jump: to tell, not to measure. Any thread. */
uint64_t worker_wall_ms(void);

/**
 * worker_random() - bytes that nobody can guess
 * @len: up to 256
 *
 * Return: 0, or -errno (-EAGAIN: the kernel has none yet). Any thread; never blocks.
 */
must_check int worker_random(void *buf, size_t len);

/* --- messages: the only way to reach another worker --- */

/* Embedded in the sender's or receiver's object; free again as soon as run() is entered. */
struct worker_msg {
	struct worker_msg *next; /* owned by the mailbox */
	void (*run)(struct worker *w, struct worker_msg *m);
};

/**
 * worker_post() - have @m->run(@to, @m) called on @to's thread, in a later round
 * @to: the receiver; may be the caller itself
 * @m:  not posted already; must stay valid until run() is entered
 *
 * Messages of one sender to one receiver arrive in order. An eventfd is written only when the receiver
 * may be asleep.
 * Context: any thread. Never blocks, never runs @m before returning.
 */
void worker_post(struct worker *to, struct worker_msg *m);

/* --- work at the end of this round: how effects are batched --- */

struct worker_job {
	struct list node; /* list_init() it (worker_job_init) before the first use */
	void (*run)(struct worker *w, struct worker_job *j);
};

static inline void worker_job_init(struct worker_job *j,
				   void (*run)(struct worker *, struct worker_job *))
{
	list_init(&j->node);
	j->run = run;
}

/* Run @j once after the events of this round; deferring it again before that changes nothing. A job
 * that defers itself (or another) while jobs run is run in the next round, which then does not sleep. */
void worker_defer(struct worker *w, struct worker_job *j);
/* Forget a deferred job; harmless when it is not deferred. */
void worker_undefer(struct worker *w, struct worker_job *j);

/* --- timers --- */

struct worker_timer {
	uint64_t deadline_ns; /* owned by the worker while running */
	unsigned slot;        /* place in the worker's heap, 0 = not running */
	void (*fire)(struct worker *w, struct worker_timer *t);
};

static inline void worker_timer_init(struct worker_timer *t,
				     void (*fire)(struct worker *, struct worker_timer *))
{
	t->deadline_ns = 0;
	t->slot = 0;
	t->fire = fire;
}

/**
 * worker_timer_start() - (re)start @t: fire once at @deadline_ns (worker_now_ns() clock) or soon after
 *
 * Return: 0, or -ENOSPC when the worker's limit of running timers (see worker_opts) is reached. A
 * restart of a running timer never fails.
 */
must_check int worker_timer_start(struct worker *w, struct worker_timer *t, uint64_t deadline_ns);
void worker_timer_stop(struct worker *w, struct worker_timer *t); /* harmless when not running */

/* --- readiness of a file descriptor --- */

/*
 * Edge-triggered: ready() is called when readiness changes, with poll(2) bits; the owner then reads
 * (or writes) until EAGAIN or a short count. A poll that is started reports what is ready already.
 * An fd that cannot be watched (a closed one) is reported once, as POLLNVAL or POLLERR. One whose readiness
 * never changes (a regular file) is reported once too, as ready.
 * The kernel keeps the file open while it is watched: a socket closed by its owner is really closed when
 * the stop has taken effect, in the next round.
 */
struct worker_poll {
	int fd;
	unsigned events; /* POLLIN, POLLOUT, ...; POLLERR and POLLHUP come unasked */
	void (*ready)(struct worker *w, struct worker_poll *p, unsigned revents);
	void (*stopped)(struct worker *w,
			struct worker_poll *p); /* after worker_poll_stop(); may be NULL */
	/* the engine's */
	struct list node;
	unsigned state;
};

/* Start watching. @p: fd, events, ready, stopped filled in; the rest zero. After stopped() (or, with no
 * stopped(), never) @p may be started again. */
void worker_poll_start(struct worker *w, struct worker_poll *p);
/* Stop a started poll. ready() is not called any more; @p must stay valid until stopped() is called, which
 * is always in a later round. Closing the fd before that is allowed; stopping twice is harmless. */
void worker_poll_stop(struct worker *w, struct worker_poll *p);

/* --- file I/O --- */

enum worker_io_op {
	WORKER_IO_READV,
	WORKER_IO_WRITEV,
	WORKER_IO_FSYNC,
	WORKER_IO_FALLOCATE,
	WORKER_IO_FADVISE
};

struct worker_io {
	enum worker_io_op op;
	int fd;
	int flags; /* RWF_* for READV and WRITEV; 1 = datasync for FSYNC; mode for FALLOCATE; advice for
		    * FADVISE */
	unsigned n_iov;
	const struct iovec *iov; /* must stay valid until done() */
	uint64_t off_bytes;
	uint64_t len_bytes;                                               /* FALLOCATE, FADVISE */
	void (*done)(struct worker *w, struct worker_io *io, int result); /* bytes or -errno */
	/* the engine's */
	struct worker_io *next;
	unsigned state;
};

/* Start @io; done() is called exactly once, in a later round, on the same worker. When the ring is full
 * the worker queues it. */
void worker_io_submit(struct worker *w, struct worker_io *io);
/* Ask the kernel to give @io up; done() still comes, in a later round, with -ECANCELED or with what
 * happened. Only between worker_io_submit() and done(); a second time is harmless. */
void worker_io_cancel(struct worker *w, struct worker_io *io);

/* --- making and running workers --- */

struct worker_opts {
	unsigned n_timers;     /* limit of running timers per worker; 0: 4096 */
	unsigned ring_entries; /* 0: 1024 */
	unsigned poll_us; /* busy-poll this long after work before sleeping; 0: sleep at once */
	const char *name; /* thread name prefix, at most 11 characters */
};

/* What a worker did since its start; read by any thread, values are approximate while it runs. */
struct worker_stats {
	uint64_t rounds;
	uint64_t sleeps;   /* rounds that had to wait */
	uint64_t messages; /* mailbox messages handled */
	uint64_t events;   /* readiness and I/O completions handled */
};

/**
 * worker_new() - make a worker without a thread; the caller runs it with worker_run_once()
 * @ret:   set on success
 * @index: what worker_index() answers
 * @opts:  NULL for the defaults
 *
 * Return: 0 or -errno (-ENOSYS/-EPERM: io_uring is not available; -ENOMEM).
 */
must_check int worker_new(struct worker **ret, unsigned index, const struct worker_opts *opts);
/* Release a worker whose thread has ended (or that had none); NULL is accepted. No thread may still be in
 * a worker_post() to it, even if the message has been run: join all workers, then free them. No I/O may be outstanding
 * (checked); what is still watched, posted or deferred is dropped without a call. Returns NULL. */
struct worker *worker_free(struct worker *w);

/**
 * worker_run_once() - one round on the calling thread
 * @timeout_ns: how long to wait when there is nothing to do: 0 not at all, UINT64_MAX for ever
 *
 * The first round binds the worker to its thread: all rounds of one worker run on the same thread, never
 * from inside a callback of that worker. What a round left to submit goes out with the next one, unless
 * worker_event_fd() was asked for: then nothing is left behind when this returns.
 *
 * Return: 0, or -errno when the ring is broken.
 */
int worker_run_once(struct worker *w, uint64_t timeout_ns);

/* A descriptor that polls readable (POLLIN) when worker_run_once() has something to do: an event, a
 * message, a timer that is due, or work handed in between rounds. For a worker without a thread whose
 * caller has a poll loop of its own, who must not read it; valid until worker_free(). */
int worker_event_fd(const struct worker *w);

/* Start a thread that runs rounds until worker_stop(). Return: 0 or -errno. */
must_check int worker_start(struct worker *w);
/* Ask the thread to end after the messages posted so far; any thread. */
void worker_stop(struct worker *w);
/* Wait for the thread to end. Not a worker's thread. */
void worker_join(struct worker *w);

struct worker_stats worker_stats(const struct worker *w);

/* What the kernel gave us, for the status display: "io_uring, deferred task work". Static text. */
const char *worker_engine(const struct worker *w);
