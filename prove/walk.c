/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "prove/walk.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "prove/cm.h"

#define EDGE_BLOCK (1u << 20)

char violation[512];
jmp_buf violated_at;
bool violated_armed;

static _Noreturn void give_up(void)
{
	if (violated_armed)
		longjmp(violated_at, 1);
	(void)fprintf(stderr, "prove: %s\n", violation);
	abort();
}

void violated(const char *inv, const char *text)
{
	(void)snprintf(violation, sizeof(violation), "%s: %s", inv, text);
	give_up();
}

/* Takes the place of base/check.c's: a panic of the channel's is a finding, with the way to it. */
noreturn void check_panic(const char *what, const char *file, int line)
{
	(void)snprintf(violation, sizeof(violation), "panic: %s:%d: check(%s)", file, line, what);
	give_up();
}

/* --- states --- */

static void *part_of(struct world *w, unsigned part)
{
	return (char *)w + world_parts[part].offset;
}

void walk_again(const struct walk *k)
{
	memcpy(&world, &k->at, sizeof(world));
}

void walk_load(struct walk *k, uint32_t id)
{
	unsigned i;

	memcpy(k->at_key, intern_get(&k->states, id), sizeof(k->at_key));
	for (i = 0; i < WORLD_PARTS; i++)
		memcpy(part_of(&k->at, i), intern_get(&k->parts[i], k->at_key[i]),
		       world_parts[i].size);
	walk_again(k);
}

static void more_states(struct walk *k)
{
	struct graph *g = &k->g;
	uint32_t old = k->n_cap;

	k->n_cap = old ? old * 2 : 4096;
	g->first = grow(g->first, (size_t)k->n_cap + 1, sizeof(*g->first));
	g->parent = grow(g->parent, k->n_cap, sizeof(*g->parent));
	g->freed = grow(g->freed, k->n_cap, sizeof(*g->freed));
	g->chan_state = grow(g->chan_state, k->n_cap, sizeof(*g->chan_state));
	k->seen_from = grow(k->seen_from, k->n_cap, sizeof(*k->seen_from));
	k->seen_as = grow(k->seen_as, k->n_cap, sizeof(*k->seen_as));
	memset(k->seen_from + old, 0, (k->n_cap - old) * sizeof(*k->seen_from));
}

uint32_t walk_add(struct walk *k, bool *ret_new)
{
	uint32_t key[WORLD_PARTS] __attribute__((aligned(8)));
	bool ignored;
	uint32_t id;
	unsigned i;

	for (i = 0; i < WORLD_PARTS; i++)
		key[i] = memcmp(part_of(&world, i), part_of(&k->at, i), world_parts[i].size)
				 ? intern_add(&k->parts[i], part_of(&world, i), &ignored)
				 : k->at_key[i];
	id = intern_add(&k->states, key, ret_new);
	if (*ret_new) {
		if (id >= k->n_cap)
			more_states(k);
		k->g.n = k->states.n;
		k->g.freed[id] = world.b.released;
		k->g.chan_state[id] = (uint8_t)world.chan.state;
	}
	return id;
}

static void add_edge(struct walk *k, uint32_t from, uint32_t to, unsigned label)
{
	struct graph *g = &k->g;

	if (k->seen_from[to] != from + 1) {
		k->seen_from[to] = from + 1;
		k->seen_as[to] = 0;
	}
	if (k->seen_as[to] & BIT(label))
		return;
	k->seen_as[to] |= (uint16_t)BIT(label);
	if (g->n_edges == (uint64_t)k->e_cap_blocks * EDGE_BLOCK) {
		k->e_cap_blocks += k->e_cap_blocks / 2 + 1;
		g->edges = grow(g->edges, (size_t)k->e_cap_blocks * EDGE_BLOCK, sizeof(*g->edges));
	}
	g->edges[g->n_edges++] = to | (uint32_t)label << (32 - EDGE_LABEL_BITS);
}

/* --- the walk --- */

struct move walk_move(const struct move *moves, unsigned n)
{
	struct move m = moves[choose(n)];

	move_run(&world, m);
	world_normalise(&world);
	return m;
}

static void expand(struct walk *k, uint32_t id)
{
	static struct move moves[MOVES_MAX];
	unsigned n;

	walk_load(k, id);
	n = moves_list(&world, moves);
	cells.here = id;
	k->g.first[id] = k->g.n_edges;
	choice_start();
	do {
		struct move m;
		bool is_new;
		uint32_t to;

		walk_again(k);
		m = walk_move(moves, n);
		to = walk_add(k, &is_new);
		if (is_new)
			k->g.parent[to] = id;
		add_edge(k, id, to, m.fair);
		k->n_transitions++;
	} while (choice_next());
}

static void expand_all(struct walk *k)
{
	uint32_t level_end = 1;
	uint32_t id;

	for (id = 0; id < k->g.n; id++) {
		if (id == level_end) {
			k->depth++;
			level_end = k->g.n;
		}
		expand(k, id);
	}
	k->g.first[k->g.n] = k->g.n_edges;
}

static int init(struct walk *k)
{
	bool ignored;
	unsigned i;

	memset(k, 0, sizeof(*k));
	memset(&cells, 0, sizeof(cells));
	for (i = 0; i < WORLD_PARTS; i++)
		if (intern_init(&k->parts[i], world_parts[i].size))
			return 1;
	if (intern_init(&k->states, sizeof(uint32_t) * WORLD_PARTS))
		return 1;
	world_init(&world);
	for (i = 0; i < WORLD_PARTS; i++)
		k->at_key[i] = intern_add(&k->parts[i], part_of(&world, i), &ignored);
	k->at = world;
	(void)walk_add(k, &ignored);
	k->g.parent[0] = 0;
	return 0;
}

int walk_all(struct walk *k)
{
	struct choices bad;

	if (init(k))
		return 1;
	violated_armed = true;
	if (!setjmp(violated_at)) {
		expand_all(k);
		violated_armed = false;
		return 0;
	}
	violated_armed = false;
	choice_save(&bad);
	(void)printf("  %s: %s\n  a shortest way to it:\n", cm_ops()->name, violation);
	tell_way(k, cells.here);
	violated_armed = true;
	tell_violation(k, cells.here, &bad);
	violated_armed = false;
	return 1;
}

void walk_deinit(struct walk *k)
{
	unsigned i;

	for (i = 0; i < WORLD_PARTS; i++)
		intern_deinit(&k->parts[i]);
	intern_deinit(&k->states);
	free(k->g.first);
	free(k->g.edges);
	free(k->g.parent);
	free(k->g.freed);
	free(k->g.chan_state);
	free(k->seen_from);
	free(k->seen_as);
}
