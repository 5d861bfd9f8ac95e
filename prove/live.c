/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "prove/live.h"

#include <stdlib.h>

#include "base/check.h"

/* --- strongly connected parts, after Tarjan, without recursion --- */

#define NO_PART UINT32_MAX

struct scc {
	const struct graph *g;
	uint32_t *part; /* [n] number of a state's part; NO_PART while unknown */
	uint32_t n_parts;
	uint32_t *order; /* [n] of discovery, + 1 */
	uint32_t *low;   /* [n] */
	uint32_t *stack; /* states whose part is not known */
	uint32_t n_stack;
	uint32_t *path; /* of the search */
	uint32_t n_path;
	uint64_t *next; /* [n] edge to look at */
	uint32_t n_seen;
};

static void enter(struct scc *s, uint32_t v)
{
	s->order[v] = s->low[v] = ++s->n_seen;
	s->next[v] = s->g->first[v];
	s->stack[s->n_stack++] = v;
	s->path[s->n_path++] = v;
}

/* All edges of @v were looked at: it may be the root of a part. */
static void leave(struct scc *s, uint32_t v)
{
	uint32_t w;

	s->n_path--;
	if (s->n_path) {
		uint32_t up = s->path[s->n_path - 1];

		if (s->low[v] < s->low[up])
			s->low[up] = s->low[v];
	}
	if (s->low[v] != s->order[v])
		return;
	do {
		w = s->stack[--s->n_stack];
		s->part[w] = s->n_parts;
	} while (w != v);
	s->n_parts++;
}

static void search(struct scc *s, uint32_t root)
{
	enter(s, root);
	while (s->n_path) {
		uint32_t v = s->path[s->n_path - 1];
		uint32_t w;

		if (s->next[v] == s->g->first[v + 1]) {
			leave(s, v);
			continue;
		}
		w = EDGE_TARGET(s->g->edges[s->next[v]++]);
		if (!s->order[w])
			enter(s, w);
		else if (s->part[w] == NO_PART && s->order[w] < s->low[v])
			s->low[v] = s->order[w];
	}
}

static void find_parts(struct scc *s, const struct graph *g)
{
	uint32_t v;

	*s = (struct scc){ .g = g };
	s->part = grow(NULL, g->n, sizeof(*s->part));
	s->order = grow(NULL, g->n, sizeof(*s->order));
	s->low = grow(NULL, g->n, sizeof(*s->low));
	s->stack = grow(NULL, g->n, sizeof(*s->stack));
	s->path = grow(NULL, g->n, sizeof(*s->path));
	s->next = grow(NULL, g->n, sizeof(*s->next));
	memset(s->part, 0xff, g->n * sizeof(*s->part));
	memset(s->order, 0, g->n * sizeof(*s->order));
	for (v = 0; v < g->n; v++)
		if (!s->order[v])
			search(s, v);
}

static void free_parts(struct scc *s)
{
	free(s->part);
	free(s->order);
	free(s->low);
	free(s->stack);
	free(s->path);
	free(s->next);
}

/* --- fair --- */

/* What is known of a part. */
struct part {
	uint16_t out; /* set of enum fair: possible in all its states, always leading out */
	bool round;   /* an edge stays inside */
	bool freed;
	uint32_t n;     /* states */
	uint32_t state; /* one of them */
};

static void judge_state(const struct graph *g, const struct scc *s, struct part *parts, uint32_t v)
{
	struct part *p = &parts[s->part[v]];
	unsigned possible = 0;
	unsigned stays = 0;
	uint64_t e;

	for (e = g->first[v]; e < g->first[v + 1]; e++) {
		unsigned label = BIT(EDGE_LABEL(g->edges[e]));
		uint32_t to = EDGE_TARGET(g->edges[e]);

		possible |= label;
		if (s->part[to] == s->part[v]) {
			stays |= label;
			p->round = true;
		}
		check(!g->freed[v] || g->freed[to]); /* the end is final */
	}
	if (!p->n)
		p->out = (uint16_t)~BIT(FAIR_NONE);
	p->out &= (uint16_t)(possible & ~stays);
	p->freed |= g->freed[v];
	p->n++;
	p->state = v;
}

static void count_part(const struct part *p, struct live *ret)
{
	unsigned f;

	if (!p->round || p->freed)
		return;
	ret->n_parts++;
	ret->n_states += p->n;
	for (f = FAIR_NONE + 1; f < FAIR_COUNT; f++) {
		if (!(p->out & BIT(f)))
			continue;
		ret->parts[f]++;
		ret->states[f] += p->n;
		return;
	}
	if (!ret->why) {
		ret->bad = p->state;
		ret->why = "INV-28: a fair run may stay for ever around this state";
	}
}

static void check_fair(const struct graph *g, struct live *ret)
{
	struct scc s;
	struct part *parts;
	uint32_t i;

	find_parts(&s, g);
	parts = grow(NULL, s.n_parts, sizeof(*parts));
	memset(parts, 0, s.n_parts * sizeof(*parts));
	for (i = 0; i < g->n; i++)
		judge_state(g, &s, parts, i);
	for (i = 0; i < s.n_parts; i++)
		count_part(&parts[i], ret);
	free(parts);
	free_parts(&s);
}

/* --- silent --- */

#define UNKNOWN 0xffffu
#define ON_PATH 0xfffeu

struct silent {
	const struct graph *g;
	uint16_t *far; /* [n] certain events to "freed" at most */
	uint32_t *path;
	uint64_t *next;
	uint32_t n_path;
};

static void silent_enter(struct silent *s, uint32_t v)
{
	s->far[v] = ON_PATH;
	s->next[v] = s->g->first[v];
	s->path[s->n_path++] = v;
}

/* Return: false, a circle. */
static bool silent_edge(struct silent *s, uint32_t edge)
{
	uint32_t to = EDGE_TARGET(edge);

	if (EDGE_LABEL(edge) == FAIR_NONE)
		return true;
	if (s->far[to] == ON_PATH)
		return false;
	if (s->far[to] == UNKNOWN)
		silent_enter(s, to);
	return true;
}

static unsigned silent_far(const struct silent *s, uint32_t v)
{
	unsigned far = 0;
	uint64_t e;

	for (e = s->g->first[v]; e < s->g->first[v + 1]; e++) {
		uint32_t to = EDGE_TARGET(s->g->edges[e]);

		if (EDGE_LABEL(s->g->edges[e]) != FAIR_NONE && s->far[to] + 1u > far)
			far = s->far[to] + 1u;
	}
	return far;
}

static const char *silent_from(struct silent *s, uint32_t root, uint32_t *ret_bad)
{
	silent_enter(s, root);
	while (s->n_path) {
		uint32_t v = s->path[s->n_path - 1];

		*ret_bad = v;
		if (s->g->freed[v]) {
			s->far[v] = 0;
			s->n_path--;
			continue;
		}
		if (s->next[v] < s->g->first[v + 1]) {
			if (!silent_edge(s, s->g->edges[s->next[v]++]))
				return "INV-32: certain events go round in a circle here";
			continue;
		}
		s->far[v] = (uint16_t)silent_far(s, v);
		if (!s->far[v])
			return "INV-32: nothing is certain to happen here";
		s->n_path--;
	}
	return NULL;
}

static void check_silent(const struct graph *g, struct live *ret)
{
	struct silent s = { .g = g };
	uint32_t v;

	s.far = grow(NULL, g->n, sizeof(*s.far));
	s.path = grow(NULL, g->n, sizeof(*s.path));
	s.next = grow(NULL, g->n, sizeof(*s.next));
	memset(s.far, 0xff, g->n * sizeof(*s.far));
	for (v = 0; v < g->n && !ret->why; v++) {
		if (s.far[v] == UNKNOWN)
			ret->why = silent_from(&s, v, &ret->bad);
		if (!ret->why && s.far[v] > ret->silent_max)
			ret->silent_max = s.far[v];
	}
	free(s.far);
	free(s.path);
	free(s.next);
}

int live_check(const struct graph *g, struct live *ret)
{
	*ret = (struct live){ 0 };
	check_fair(g, ret);
	if (!ret->why)
		check_silent(g, ret);
	return ret->why != NULL;
}
