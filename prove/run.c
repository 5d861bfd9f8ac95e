/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "prove/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/*
 * What is explored together multiplies, so each run has much of one thing and little of the others. The
 * numbers: limit, max_limit, n_recv, sq_depth, n_events, n_hostile, n_breaks.
 */
const struct run runs[] = {
	{ "ib", "IB/CM", FLAVOUR_IB, { 2, 2, 3, 3, 1, 1, 0 }, { 2, 3, 4, 4, 2, 2, 0 } },
	{ "rdma", "RDMA/CM", FLAVOUR_RDMA, { 2, 2, 3, 3, 1, 1, 0 }, { 2, 3, 4, 3, 2, 1, 0 } },
	{ "iwarp", "iWARP", FLAVOUR_IWARP, { 2, 3, 4, 3, 1, 0, 0 }, { 2, 3, 4, 4, 2, 0, 0 } },
	{ "breaks",
	  "iWARP, and things that happen inside actions",
	  FLAVOUR_IWARP,
	  { 2, 2, 3, 3, 1, 0, 1 },
	  { 2, 3, 4, 3, 1, 0, 1 } },
	{ "traffic",
	  "any CM event at any time, DISCONNECTED is final, many requests",
	  FLAVOUR_FINAL,
	  { 2, 3, 4, 3, 0, 0, 0 },
	  { 3, 4, 5, 4, 0, 0, 0 } },
	{ "any",
	  "any CM event at any time, and things that happen inside actions",
	  FLAVOUR_ANY,
	  { 2, 3, 4, 3, 0, 0, 1 },
	  { 2, 3, 4, 4, 0, 0, 2 } },
};
const unsigned n_runs = ARRAY_SIZE(runs);

static double seconds(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool tell(struct walk *k, const struct run_options *o)
{
	(void)printf("  %s: the way to %s in %s\n", o->only, chan_ev_text(o->tell_ev),
		     chan_state_text(o->tell_state));
	if (tell_cell(k, o->tell_ev, o->tell_state))
		return true;
	(void)puts("    is not there");
	return false;
}

static bool prove(struct walk *k, const struct run_options *o, struct result *ret)
{
	if (walk_all(k))
		return false;
	ret->n_states = k->g.n;
	ret->n_transitions = k->n_transitions;
	ret->n_edges = k->g.n_edges;
	ret->depth = k->depth;
	ret->cells = cells;
	if (o->tell_ev != CHAN_EV_COUNT)
		return tell(k, o);
	if (live_check(&k->g, &ret->live)) {
		(void)printf("  %s\n  a shortest way there:\n", ret->live.why);
		tell_way(k, ret->live.bad);
		return false;
	}
	ret->lockstep = o->lockstep;
	return !lockstep(1, o->lockstep);
}

/* In the child. */
static void run_one(const struct run *run, const struct run_options *o, struct result *ret)
{
	static struct walk k;
	double began = seconds(CLOCK_MONOTONIC);

	flavour = run->flavour;
	bound = o->bound ? *o->bound : o->quick ? run->quick : run->full;
	ret->ok = prove(&k, o, ret);
	walk_deinit(&k);
	ret->cpu_s = seconds(CLOCK_PROCESS_CPUTIME_ID);
	ret->wall_s = seconds(CLOCK_MONOTONIC) - began;
	ret->ran = true;
}

struct job {
	pid_t pid;
	FILE *out;
};

static int start(const struct run *run, const struct run_options *o, struct result *ret,
		 struct job *job)
{
	job->out = tmpfile();
	if (!job->out)
		return 1;
	(void)fflush(stdout);
	job->pid = fork();
	if (job->pid < 0)
		return 1;
	if (job->pid == 0) {
		(void)dup2(fileno(job->out), STDOUT_FILENO);
		run_one(run, o, ret);
		(void)fflush(stdout);
		_exit(0);
	}
	return 0;
}

/* Wait for one of the jobs, and print what it had to say. */
static void finish_one(struct job *jobs)
{
	pid_t pid = wait(NULL);
	unsigned i;
	int c;

	for (i = 0; i < n_runs; i++) {
		if (!jobs[i].pid || jobs[i].pid != pid)
			continue;
		rewind(jobs[i].out);
		while ((c = getc(jobs[i].out)) != EOF)
			(void)putchar(c);
		(void)fclose(jobs[i].out);
		jobs[i].pid = 0;
	}
}

int runs_all(const struct run_options *o, struct result *ret)
{
	struct result *shared = mmap(NULL, RUNS_MAX * sizeof(*shared), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct job jobs[RUNS_MAX] = { 0 };
	unsigned n_running = 0;
	int failed = 0;
	unsigned i;

	if (shared == MAP_FAILED)
		return 1;
	for (i = 0; i < n_runs; i++) {
		if (o->only && strcmp(o->only, runs[i].name) != 0)
			continue;
		for (; n_running >= o->jobs; n_running--)
			finish_one(jobs);
		if (start(&runs[i], o, &shared[i], &jobs[i]))
			failed = 1;
		else
			n_running++;
	}
	for (; n_running; n_running--)
		finish_one(jobs);
	for (i = 0; i < n_runs; i++) {
		ret[i] = shared[i];
		if (!o->only || strcmp(o->only, runs[i].name) == 0)
			failed |= !shared[i].ran || !shared[i].ok;
	}
	(void)munmap(shared, RUNS_MAX * sizeof(*shared));
	return failed;
}
