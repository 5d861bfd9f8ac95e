/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The mailbox of a worker: many senders, one receiver, no lock. Senders push on a stack; the receiver
 * takes the whole stack in one exchange and turns it round, so messages of one sender stay in order.
 * * A sleeping receiver leaves a mark in place of the empty stack. The sender whose push replaces the
 * mark, and no other, writes the eventfd that the mark stands for. The mark and the messages live in
 * one atomic word, so a message cannot slip between the receiver's last look and its sleep.
 */
#pragma once

#include <stdatomic.h>

#include "run/worker.h"

#define MBOX_CACHE_LINE 64

/* Where the receiver waits. */
enum mbox_place {
	MBOX_IN_RING, /* in its own ring, which watches fd[MBOX_IN_RING] */
	MBOX_OUTSIDE, /* somewhere else, by poll(2) on fd[MBOX_OUTSIDE] */
	MBOX_PLACES
};

struct mbox {
	_Alignas(MBOX_CACHE_LINE) _Atomic(struct worker_msg *) top;
	_Alignas(MBOX_CACHE_LINE) int fd[MBOX_PLACES]; /* eventfds, constant */
	atomic_flag closed;
};

/* Make an empty mailbox; fd[MBOX_OUTSIDE] is readable. Return: 0 or -errno of eventfd(2). */
must_check int mbox_init(struct mbox *b);
/* Accepts one that mbox_init() failed to make. */
void mbox_deinit(struct mbox *b);

/* Put @m in. Context: any thread. */
void mbox_post(struct mbox *b, struct worker_msg *m);
/* Like mbox_post(), but only the first call on a mailbox has an effect. Context: any thread. */
void mbox_post_last(struct mbox *b, struct worker_msg *m);

/* Take all messages, oldest first, linked by next; NULL: none. Ends a sleep. Context: the receiver. */
struct worker_msg *mbox_take(struct mbox *b);
/* Is there a message? Context: the receiver. */
bool mbox_pending(const struct mbox *b);
/*
 * Announce that the receiver is going to wait at @place. Return: true: from now on a post writes that
 * eventfd; false: there are messages, do not wait. Context: the receiver.
 */
must_check bool mbox_sleep(struct mbox *b, enum mbox_place place);
/* Write the eventfd of @place. Nobody has to read it: who watches for edges sees each write. */
void mbox_wake(struct mbox *b, enum mbox_place place);
