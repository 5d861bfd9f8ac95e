/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Does every channel end? Two answers from the graph of a walk.
 *
 * Fair: whatever peer and network do, a run that never ends stays at last in one strongly connected part of the
 * graph for ever. For each such part there must be one kind of certain event that is possible in all of its
 * states and always leads out of it. So no run stays, and the only part that is not left is "freed".
 *
 * Silent: the peer and the network do nothing any more. From every state some certain event is possible, and
 * certain events alone lead to "freed" without a circle.
 */
#pragma once

#include "prove/walk.h"

struct live {
	uint64_t n_parts;            /* that can be gone round in, "freed" left out */
	uint64_t n_states;           /* in those */
	uint64_t parts[FAIR_COUNT];  /* left because of ... */
	uint64_t states[FAIR_COUNT]; /* in those */
	unsigned silent_max;         /* certain events to "freed" at most, from any state */
	uint32_t bad;                /* a state that breaks the rule */
	const char *why;             /* NULL: none does */
};

/* Return: 0; or 1, and @bad and @why say what is wrong. */
int live_check(const struct graph *g, struct live *ret);
