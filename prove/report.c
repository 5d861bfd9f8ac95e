/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What the runs found, as text and as JSON; and whether unreached.def is true. */
#include <stdio.h>

#include "prove/cm.h"
#include "prove/run.h"

/* A cell or an exit that no peer and no connection manager reaches, and why. */
struct unreached {
	enum chan_ev ev;
	enum chan_state from;
	unsigned to; /* CHAN_STATE_COUNT: the cell */
	const char *why;
};

static const struct unreached list[] = {
#define CELL(ev, from, why)     { CHAN_EV_##ev, CHAN_##from, CHAN_STATE_COUNT, why },
#define EXIT(ev, from, to, why) { CHAN_EV_##ev, CHAN_##from, CHAN_##to, why },
#include "prove/unreached.def"
#undef CELL
#undef EXIT
};

/* Who reached it. */
struct reached {
	bool by_peers; /* by a flavour with a connection manager */
	bool by_any;
};

static struct reached reached(const struct result *r, unsigned ev, unsigned from, unsigned to)
{
	struct reached ret = { false, false };
	unsigned i;

	for (i = 0; i < n_runs; i++) {
		const struct cells *c = &r[i].cells;

		if (to == CHAN_STATE_COUNT ? !c->hits[ev][from] : !(c->exits[ev][from] & BIT(to)))
			continue;
		if (cm_any_flavour(runs[i].flavour))
			ret.by_any = true;
		else
			ret.by_peers = true;
	}
	return ret;
}

static const struct unreached *listed(unsigned ev, unsigned from, unsigned to)
{
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(list); i++)
		if (list[i].ev == ev && list[i].from == from && list[i].to == to)
			return &list[i];
	return NULL;
}

static void wrong(struct totals *t, const char *what, unsigned ev, unsigned from, unsigned to)
{
	t->n_wrong++;
	(void)printf("  %s in %s%s%s: %s\n", chan_ev_text((enum chan_ev)ev),
		     chan_state_text((enum chan_state)from), to == CHAN_STATE_COUNT ? "" : " -> ",
		     to == CHAN_STATE_COUNT ? "" : chan_state_text((enum chan_state)to), what);
}

static void judge(const struct result *r, struct totals *t, unsigned ev, unsigned from, unsigned to)
{
	bool cell = to == CHAN_STATE_COUNT;
	struct reached by = reached(r, ev, from, to);
	const struct unreached *u = listed(ev, from, to);

	*(cell ? &t->n_cells : &t->n_exits) += 1;
	if (by.by_peers) {
		*(cell ? &t->n_reached : &t->n_exits_reached) += 1;
		if (u)
			wrong(t, "is reached, and unreached.def says why it is not", ev, from, to);
	} else if (!u) {
		wrong(t, "is not reached, and unreached.def does not say why", ev, from, to);
	} else {
		*(cell ? &t->n_justified : &t->n_exits_justified) += 1;
		if (!by.by_any)
			wrong(t, "is not even reached when everything may happen", ev, from, to);
	}
}

static void judge_event(const struct result *r, struct totals *t, unsigned ev)
{
	unsigned from;
	unsigned to;

	for (from = 0; from < CHAN_STATE_COUNT; from++) {
		const struct chan_cell *cell = &chan_table[ev][from];

		if (cell->kind == CHAN_CELL_BUG)
			continue; /* reaching one is a panic */
		judge(r, t, ev, from, CHAN_STATE_COUNT);
		for (to = 0; to < CHAN_STATE_COUNT; to++)
			if (cell->to & BIT(to))
				judge(r, t, ev, from, to);
	}
}

/* What is listed and is no cell, or no exit of it. */
static void judge_list(struct totals *t)
{
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(list); i++) {
		const struct chan_cell *cell = &chan_table[list[i].ev][list[i].from];

		if (cell->kind == CHAN_CELL_BUG ||
		    (list[i].to != CHAN_STATE_COUNT && !(cell->to & BIT(list[i].to))))
			wrong(t, "is in unreached.def and not in the table", list[i].ev,
			      list[i].from, list[i].to);
	}
}

void report_totals(const struct result *r, struct totals *ret)
{
	unsigned i;

	*ret = (struct totals){ .complete = true, .ok = true };
	for (i = 0; i < n_runs; i++) {
		ret->n_states += r[i].n_states;
		ret->n_transitions += r[i].n_transitions;
		ret->complete &= r[i].ran;
		ret->ok &= !r[i].ran || r[i].ok;
	}
	if (!ret->complete || !ret->ok)
		return;
	for (i = 0; i < CHAN_EV_COUNT; i++)
		judge_event(r, ret, i);
	judge_list(ret);
	ret->ok = !ret->n_wrong;
}

/* --- text --- */

static void text_live(const struct live *l)
{
	const char *sep = ":";
	unsigned f;

	(void)printf("         goes round in %llu parts of the graph (%llu states), each left by",
		     (unsigned long long)l->n_parts, (unsigned long long)l->n_states);
	for (f = FAIR_NONE + 1; f < FAIR_COUNT; f++) {
		if (!l->parts[f])
			continue;
		(void)printf("%s %s (%llu)", sep, fair_text((enum fair)f),
			     (unsigned long long)l->parts[f]);
		sep = ",";
	}
	(void)printf("\n         when peer and network are silent: freed after at most %u certain "
		     "events\n",
		     l->silent_max);
}

static void text_run(const struct run *run, const struct result *r)
{
	(void)printf("%-8s %9u states %10llu transitions, depth %2u, %5.1f s: %s\n", run->name,
		     r->n_states, (unsigned long long)r->n_transitions, r->depth, r->cpu_s,
		     r->ok ? run->about : "FAILED");
	if (r->ok && r->live.n_parts)
		text_live(&r->live);
}

static void text_list(void)
{
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(list); i++)
		(void)printf("  %s in %s%s%s: %s\n", chan_ev_text(list[i].ev),
			     chan_state_text(list[i].from),
			     list[i].to == CHAN_STATE_COUNT ? "" : " -> ",
			     list[i].to == CHAN_STATE_COUNT
				     ? ""
				     : chan_state_text((enum chan_state)list[i].to),
			     list[i].why);
}

void report_text(const struct result *r, const struct totals *t)
{
	unsigned i;

	for (i = 0; i < n_runs; i++)
		if (r[i].ran)
			text_run(&runs[i], &r[i]);
	if (t->complete) {
		(void)puts("reached by no peer and no connection manager:");
		text_list();
		(void)printf("%u of %u ways out of cells taken, %u justified\n", t->n_exits_reached,
			     t->n_exits, t->n_exits_justified);
	}
	(void)printf("prove: %llu states, %llu transitions, ", (unsigned long long)t->n_states,
		     (unsigned long long)t->n_transitions);
	if (t->complete)
		(void)printf("%u of %u cells reached, %u justified, ", t->n_reached, t->n_cells,
			     t->n_justified);
	(void)puts(t->ok ? "ok" : "FAILED");
}

/* --- JSON --- */

static void json_run(const struct run *run, const struct result *r)
{
	unsigned f;

	(void)printf("{\"name\":\"%s\",\"ok\":%s,\"states\":%u,\"transitions\":%llu,\"edges\":%llu,"
		     "\"depth\":%u,"
		     "\"cpu_s\":%.2f,\"wall_s\":%.2f,\"lockstep\":%llu,\"circles\":%llu,\"silent_"
		     "max\":%u,\"left_by\":{",
		     run->name, r->ok ? "true" : "false", r->n_states,
		     (unsigned long long)r->n_transitions, (unsigned long long)r->n_edges, r->depth,
		     r->cpu_s, r->wall_s, (unsigned long long)r->lockstep,
		     (unsigned long long)r->live.n_parts, r->live.silent_max);
	for (f = FAIR_NONE + 1; f < FAIR_COUNT; f++)
		(void)printf("%s\"%s\":%llu", f > FAIR_NONE + 1 ? "," : "", fair_text((enum fair)f),
			     (unsigned long long)r->live.parts[f]);
	(void)fputs("}}", stdout);
}

void report_json(const struct result *r, const struct totals *t)
{
	const char *sep = "";
	unsigned i;

	(void)printf(
		"{\"ok\":%s,\"states\":%llu,\"transitions\":%llu,\"cells\":%u,\"cells_reached\":%u,"
		"\"cells_justified\":%u,\"exits\":%u,\"exits_reached\":%u,\"exits_justified\":%u,"
		"\"runs\":[",
		t->ok ? "true" : "false", (unsigned long long)t->n_states,
		(unsigned long long)t->n_transitions, t->n_cells, t->n_reached, t->n_justified,
		t->n_exits, t->n_exits_reached, t->n_exits_justified);
	for (i = 0; i < n_runs; i++) {
		if (!r[i].ran)
			continue;
		(void)fputs(sep, stdout);
		json_run(&runs[i], &r[i]);
		sep = ",";
	}
	(void)fputs("],\"not_reached\":[", stdout);
	for (i = 0; i < ARRAY_SIZE(list); i++)
		(void)printf("%s{\"event\":\"%s\",\"state\":\"%s\",\"to\":\"%s\",\"why\":\"%s\"}",
			     i ? "," : "", chan_ev_text(list[i].ev), chan_state_text(list[i].from),
			     list[i].to == CHAN_STATE_COUNT
				     ? ""
				     : chan_state_text((enum chan_state)list[i].to),
			     list[i].why);
	(void)puts("]}");
}
