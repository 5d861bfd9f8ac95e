/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Telling what happens: the way to a state, move by move, with what the channel answers. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "prove/walk.h"

bool trace_on;
unsigned trace_depth;

void trace_line(unsigned depth, const char *fmt, ...)
{
	va_list ap;

	(void)printf("    %*s", (int)depth * 2, "");
	va_start(ap, fmt);
	(void)vprintf(fmt, ap);
	va_end(ap);
	(void)putchar('\n');
}

/* Is the run that was just made, which led to state @to, the one to tell? */
typedef bool wanted_fn(uint32_t to, const uint64_t *arg);

/* Look for the run from state @from that is wanted, and make it once more, aloud. */
static bool tell_run(struct walk *k, uint32_t from, wanted_fn *wanted, const uint64_t *arg)
{
	struct move moves[MOVES_MAX];
	struct choices c;
	unsigned n;
	bool ignored;
	bool found = false;

	walk_load(k, from);
	n = moves_list(&world, moves);
	choice_start();
	do {
		walk_again(k);
		(void)walk_move(moves, n);
		found = wanted(walk_add(k, &ignored), arg);
	} while (!found && choice_next());
	if (!found)
		return false;
	choice_save(&c);
	choice_repeat(&c);
	walk_again(k);
	trace_on = true;
	(void)walk_move(moves, n);
	trace_on = false;
	return true;
}

static bool is_target(uint32_t to, const uint64_t *arg)
{
	return to == arg[0];
}

void tell_way(struct walk *k, uint32_t id)
{
	uint32_t *way = NULL;
	uint32_t n = 0;
	uint32_t at;

	for (at = id; at; at = k->g.parent[at])
		n++;
	way = grow(NULL, n + 1, sizeof(*way));
	for (at = id; n; at = k->g.parent[at])
		way[--n] = at;
	for (at = 0; at != id; at = way[n++]) {
		uint64_t arg = way[n];

		(void)tell_run(k, at, is_target, &arg);
	}
	free(way);
}

void tell_violation(struct walk *k, uint32_t id, const struct choices *c)
{
	struct move moves[MOVES_MAX];
	unsigned n;

	walk_load(k, id);
	n = moves_list(&world, moves);
	choice_repeat(c);
	trace_on = true;
	if (!setjmp(violated_at))
		(void)walk_move(moves, n);
	trace_on = false;
	(void)printf("    => %s\n", violation);
}

/* @arg: hits before, event, state */
static bool is_hit(uint32_t to, const uint64_t *arg)
{
	(void)to;
	return cells.hits[arg[1]][arg[2]] > arg[0];
}

bool tell_cell(struct walk *k, enum chan_ev ev, enum chan_state state)
{
	uint64_t arg[3] = { cells.hits[ev][state], ev, state };

	if (!arg[0])
		return false;
	tell_way(k, cells.first[ev][state]);
	arg[0] = cells.hits[ev][state];
	return tell_run(k, cells.first[ev][state], is_hit, arg);
}
