/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The connection managers: what the peer and the network may do to the channel's connection, and what
 * becomes of our calls. A message that was sent may arrive at once, late, twice, behind a younger one or
 * never: @sent only grows, and each move takes any of it. So a lost message needs no move of its own.
 *
 * An event of the manager is put into a queue; another move gives the first of it to the channel. While
 * the queue is full the manager reads no message, which is as if it came later.
 */
#pragma once

#include "prove/world.h"

enum cm_call {
	CM_ACCEPT,
	CM_REJECT,
	CM_DISCONNECT,
	CM_DREP,
	CM_NOTIFY, /* COMM_EST; false: there is no such call */
	CM_REMOVED /* not a call: the device is gone */
};

struct cm_ops {
	const char *name;
	bool dreq_handshake;
	unsigned n_moves;
	bool (*can)(const struct world *w, unsigned move);
	void (*run)(struct world *w, unsigned move);
	const char *(*text)(unsigned move);
	/* Return: whether it succeeded, which the implementation may choose(). */
	bool (*call)(struct world *w, enum cm_call call);
	void (*normalise)(struct world *w); /* forget messages that cannot matter any more */
};

extern const struct cm_ops cm_ib, cm_rdma, cm_iwarp, cm_any, cm_final;
extern const struct cm_ops *const cm_flavours[FLAVOUR_COUNT];

/* Of the flavour under way. */
static inline const struct cm_ops *cm_ops(void)
{
	return cm_flavours[flavour];
}

/* Is there no manager, so that everything may happen? */
static inline bool cm_any_flavour(enum flavour f)
{
	return f == FLAVOUR_ANY || f == FLAVOUR_FINAL;
}

/* Is there room for an event? */
bool cm_room(const struct world *w);
void cm_push(struct world *w, enum chan_ev ev);
/* The first event in the queue is handled by the channel. */
void cm_deliver(struct world *w);
