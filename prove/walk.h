/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The walk: from the first state every move with every choice, breadth first, so that the way to a state
 * is a shortest one. A state is four numbers, those of its parts; the parts are kept whole.
 */
#pragma once

#include <setjmp.h>

#include "prove/choice.h"
#include "prove/intern.h"
#include "prove/move.h"

#define EDGE_LABEL_BITS 4u /* of an edge, at the top: enum fair */
#define EDGE_TARGET(e)  ((e) & (UINT32_MAX >> EDGE_LABEL_BITS))
#define EDGE_LABEL(e)   ((e) >> (32 - EDGE_LABEL_BITS))

struct graph {
	uint32_t n;          /* states */
	uint64_t n_edges;    /* different in label or target */
	uint64_t *first;     /* [n + 1]: of a state's edges */
	uint32_t *edges;     /* see above */
	uint32_t *parent;    /* on a shortest way from state 0 */
	uint8_t *freed;      /* RELEASE was seen */
	uint8_t *chan_state; /* enum chan_state */
};

struct walk {
	struct graph g;
	struct intern parts[WORLD_PARTS];
	struct intern states; /* of WORLD_PARTS numbers */
	struct world
		at; /* the state looked at, and its key: most parts of its successors are the same */
	uint32_t at_key[WORLD_PARTS];
	uint64_t n_transitions;
	unsigned depth; /* of the state that is farthest away */
	uint32_t n_cap, e_cap_blocks;
	uint32_t *seen_from; /* of a target: the state whose edge to it was added last, + 1 */
	uint16_t *seen_as;   /* ... with these labels */
};

/* Return: 0; or 1 when something does not hold, which was printed with the way to it. */
int walk_all(struct walk *k);
void walk_deinit(struct walk *k);

/* Look at state @id. */
void walk_load(struct walk *k, uint32_t id);
/* Bring the world into the state looked at. */
void walk_again(const struct walk *k);
/* The number of the world's state, which must have been normalised. */
uint32_t walk_add(struct walk *k, bool *ret_new);

/* One move with the choices that are due, of which the first is the move. */
struct move walk_move(const struct move *moves, unsigned n);

/* What violated() and check_panic() said last. */
extern char violation[512];
extern jmp_buf violated_at; /* where they go */
extern bool violated_armed; /* false: they stop the program */

/* --- lockstep.c --- */

/*
 * Is what world_normalise() erases really without influence? Two worlds make the same random moves, @steps of
 * them: one is normalised after each, as in the walk, the other never. They must stay equal.
 *
 * Return: 0; or 1, and it was printed.
 */
int lockstep(uint64_t seed, uint64_t steps);

/* --- tell.c --- */

/* Tell the way to state @id. */
void tell_way(struct walk *k, uint32_t id);
/* Tell the run of @c from state @id, which ends in a violation. */
void tell_violation(struct walk *k, uint32_t id, const struct choices *c);
/* Tell how the cell is reached. Return: false when it was not. */
bool tell_cell(struct walk *k, enum chan_ev ev, enum chan_state state);
