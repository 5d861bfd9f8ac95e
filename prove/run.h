/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The runs that make up the proof, each a walk in a process of its own, and what comes out of them. */
#pragma once

#include "prove/live.h"

#define RUNS_MAX 8u

struct run {
	const char *name;
	const char *about;
	enum flavour flavour;
	struct bound quick;
	struct bound full;
};

extern const struct run runs[];
extern const unsigned n_runs;

struct result {
	bool ran;
	bool ok;
	uint32_t n_states;
	uint64_t n_transitions;
	uint64_t n_edges;
	unsigned depth;
	uint64_t lockstep; /* moves */
	double cpu_s;
	double wall_s;
	struct live live;
	struct cells cells;
};

struct run_options {
	bool quick;
	const struct bound *bound; /* instead of the run's own; NULL: those */
	const char *only;          /* a run's name; NULL: all */
	unsigned jobs;
	uint64_t lockstep; /* moves of each run's lockstep */
	/* tell the way to this cell instead; CHAN_EV_COUNT: do not */
	enum chan_ev tell_ev;
	enum chan_state tell_state;
};

/* Make the runs; what they have to tell is printed. @ret: as many as there are runs. Return: 0, or 1 when one failed. */
int runs_all(const struct run_options *o, struct result *ret);

/* --- report.c --- */

struct totals {
	uint64_t n_states, n_transitions;
	unsigned n_cells;     /* that are not BUG */
	unsigned n_reached;   /* by managers and peers: every flavour but "any" */
	unsigned n_justified; /* in unreached.def, and not reached by those */
	unsigned n_exits;     /* ways from a cell to a state */
	unsigned n_exits_reached, n_exits_justified;
	unsigned n_wrong; /* cells and exits that contradict unreached.def */
	bool complete;    /* every run was made: only then cells are judged */
	bool ok;
};

/* Judge the cells; prints what is wrong. */
void report_totals(const struct result *r, struct totals *ret);
void report_text(const struct result *r, const struct totals *t);
void report_json(const struct result *r, const struct totals *t);
