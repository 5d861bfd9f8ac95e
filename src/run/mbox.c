/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "run/mbox.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/check.h"

/* Never run, never linked: their addresses are the marks of a receiver that sleeps in that place. */
static struct worker_msg asleep[MBOX_PLACES];

static bool is_mark(const struct worker_msg *m)
{
	return m == &asleep[MBOX_IN_RING] || m == &asleep[MBOX_OUTSIDE];
}

int mbox_init(struct mbox *b)
{
	atomic_init(&b->top, NULL);
	atomic_flag_clear(&b->closed);
	for (unsigned i = 0; i < MBOX_PLACES; i++)
		b->fd[i] = -1;
	for (unsigned i = 0; i < MBOX_PLACES; i++) {
		b->fd[i] = eventfd(i == MBOX_OUTSIDE, EFD_CLOEXEC | EFD_NONBLOCK);
		if (b->fd[i] < 0)
			return -errno;
	}
	return 0;
}

void mbox_deinit(struct mbox *b)
{
	for (unsigned i = 0; i < MBOX_PLACES; i++) {
		if (b->fd[i] >= 0)
			close(b->fd[i]);
		b->fd[i] = -1;
	}
}

void mbox_wake(struct mbox *b, enum mbox_place place)
{
	const uint64_t one = 1;
	ssize_t n;

	do
		n = write(b->fd[place], &one, sizeof(one));
	while (n < 0 && errno == EINTR);
	/* The counter would overflow after 2^64 - 2 wake-ups; any other failure is a closed mailbox. */
	check(n == (ssize_t)sizeof(one));
}

void mbox_post(struct mbox *b, struct worker_msg *m)
{
	struct worker_msg *top = atomic_load_explicit(&b->top, memory_order_relaxed);

	/*
	 * Release: the receiver sees what the sender wrote before. @m may be run, and its memory used
	 * again, as soon as the exchange has succeeded; so nothing below may touch it.
	 */
	do
		m->next = is_mark(top) ? NULL : top;
	while (!atomic_compare_exchange_weak_explicit(&b->top, &top, m, memory_order_release,
						      memory_order_relaxed));
	if (is_mark(top))
		mbox_wake(b, top == &asleep[MBOX_IN_RING] ? MBOX_IN_RING : MBOX_OUTSIDE);
}

void mbox_post_last(struct mbox *b, struct worker_msg *m)
{
	if (!atomic_flag_test_and_set_explicit(&b->closed, memory_order_acq_rel))
		mbox_post(b, m);
}

struct worker_msg *mbox_take(struct mbox *b)
{
	struct worker_msg *top = atomic_load_explicit(&b->top, memory_order_relaxed);
	struct worker_msg *first = NULL;

	if (!top)
		return NULL; /* spare the common case the locked instruction */
	top = atomic_exchange_explicit(&b->top, NULL, memory_order_acquire);
	if (is_mark(top))
		return NULL;
	while (top) {
		struct worker_msg *next = top->next;

		top->next = first;
		first = top;
		top = next;
	}
	return first;
}

bool mbox_pending(const struct mbox *b)
{
	const struct worker_msg *top = atomic_load_explicit(&b->top, memory_order_relaxed);

	return top && !is_mark(top);
}

bool mbox_sleep(struct mbox *b, enum mbox_place place)
{
	struct worker_msg *top = NULL;

	do {
		if (atomic_compare_exchange_strong_explicit(&b->top, &top, &asleep[place],
							    memory_order_relaxed,
							    memory_order_relaxed))
			return true;
	} while (is_mark(top)); /* from an earlier sleep, perhaps in the other place */
	return false;
}
