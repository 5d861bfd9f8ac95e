/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The io_uring of a worker: readiness and file I/O. All requests are queued here first and given to the
 * kernel by ring_enter(), so one system call carries all that a round produced. The ring is made
 * disabled by any thread and bound to the thread that calls ring_enable().
 */
#pragma once

#include <liburing.h>

#include "run/worker.h"

struct ring_fifo {
	struct worker_io *first;
	struct worker_io *last; /* valid when first is not NULL */
};

struct ring {
	struct io_uring uring;
	const char *engine;
	/* Polls to be armed, or whose stop has to be told to the kernel. */
	struct list poll_todo;
	/* Polls the kernel has done with: stopped() is due in the next round. */
	struct list poll_stopped;
	struct ring_fifo io_todo;   /* not yet in the submission queue */
	struct ring_fifo io_cancel; /* in the kernel, to be cancelled */
	struct ring_fifo
		io_cancelled; /* never reached the kernel: done() is due in the next round */
	unsigned n_io;        /* submitted, done() not called yet */
	/*
	 * Somebody outside waits for this ring, by an eventfd that the kernel signals: with deferred task
	 * work the ring's own descriptor does not wake who polls it.
	 */
	bool watched;
	bool registered;
};

/**
 * ring_init() - make a disabled ring
 * @entries: size of the submission queue; the completion queue is four times as large
 *
 * Return: 0; -ENOSYS or -EPERM: the kernel has no io_uring or forbids it; -ENOMEM.
 */
must_check int ring_init(struct ring *r, unsigned entries);
void ring_deinit(struct ring *r);

/* Bind the ring to the calling thread, which then makes all other calls. Return: 0 or -errno. */
must_check int ring_enable(struct ring *r);
/* Spare each ring_enter() a lookup. To be undone by the same thread, so only for a thread of our own. */
void ring_thread_begin(struct ring *r);
void ring_thread_end(struct ring *r);

/* From now on @fd (an eventfd) is signalled for completions, between ring_watch() and ring_unwatch(). Return:
 * 0 or -errno; the first call of all may fail. */
must_check int ring_watch(struct ring *r, int fd);
void ring_unwatch(struct ring *r);

void ring_poll_start(struct ring *r, struct worker_poll *p);
void ring_poll_stop(struct ring *r, struct worker_poll *p);
void ring_io_submit(struct ring *r, struct worker_io *io);
void ring_io_cancel(struct ring *r, struct worker_io *io);

/* Something that ring_handle() would do without the kernel's help. */
bool ring_has_work(const struct ring *r);
/* Something the kernel has ready for us, as far as one can see without asking it. */
bool ring_has_news(const struct ring *r);
/* How many completions ring_handle() would find now. */
unsigned ring_n_news(const struct ring *r);
/* Something ring_enter() did not get rid of, because the submission queue is full. */
bool ring_has_backlog(const struct ring *r);

/**
 * ring_enter() - submit what is queued, collect completions
 * @wait_ns: wait at most so long for one: 0 not at all, UINT64_MAX for ever
 *
 * Return: 0 (also when interrupted or in want of memory for the moment), or -errno: the ring is broken.
 */
must_check int ring_enter(struct ring *r, uint64_t wait_ns);

/* Call ready(), stopped() and done() for what has happened, at most 256 completions; return how many. */
unsigned ring_handle(struct ring *r, struct worker *w);
