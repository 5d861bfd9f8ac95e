/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The exhaustive walk of the channel's state machine: options. See README.md. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "prove/run.h"

static const char usage[] =
	"usage: prove [--quick] [--run NAME [--bound B] [--tell EVENT/STATE]] [--jobs N] "
	"[--lockstep N] [--json]\n"
	"Walks every reachable combination of a channel and its environment. Exit status 0: all "
	"holds.\n"
	"  --quick          the smaller bounds of `make check`\n"
	"  --run NAME       only this run\n"
	"  --jobs N         so many runs at a time (default: as many as there are processors)\n"
	"  --lockstep N     random moves of the test of the walk's own abstraction (default "
	"1000000)\n"
	"  --json           one JSON object instead of text\n"
	"  --bound B        limit,max_limit,receives,slots,events,hostile,breaks instead of the "
	"run's own\n"
	"  --tell E/S       tell a shortest way to event E in state S, as RECV/draining\n"
	"runs:\n";

static int say_usage(FILE *f)
{
	unsigned i;

	(void)fputs(usage, f);
	for (i = 0; i < n_runs; i++)
		(void)fprintf(f, "  %-8s %s\n", runs[i].name, runs[i].about);
	return f == stdout ? 0 : 2;
}

static bool number(const char *text, uint64_t *ret)
{
	char *end;

	errno = 0;
	*ret = strtoull(text, &end, 10);
	return !errno && *text && !*end;
}

static bool cell(const char *text, struct run_options *o)
{
	const char *slash = strchr(text, '/');
	unsigned i;

	o->tell_state = CHAN_STATE_COUNT;
	for (i = 0; slash && i < CHAN_EV_COUNT; i++) {
		const char *name = chan_ev_text((enum chan_ev)i);

		if (strlen(name) == (size_t)(slash - text) &&
		    strncmp(name, text, strlen(name)) == 0)
			o->tell_ev = (enum chan_ev)i;
	}
	for (i = 0; slash && i < CHAN_STATE_COUNT; i++)
		if (strcmp(chan_state_text((enum chan_state)i), slash + 1) == 0)
			o->tell_state = (enum chan_state)i;
	return o->tell_ev != CHAN_EV_COUNT && o->tell_state != CHAN_STATE_COUNT;
}

static bool seven(char *text, struct bound *ret)
{
	unsigned *const to[] = { &ret->limit,    &ret->max_limit, &ret->n_recv,  &ret->sq_depth,
				 &ret->n_events, &ret->n_hostile, &ret->n_breaks };
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(to); i++) {
		const char *one = strsep(&text, ",");
		uint64_t n;

		if (!one || !number(one, &n) || n > UINT16_MAX)
			return false;
		*to[i] = (unsigned)n;
	}
	return !text && bound_ok(ret);
}

static bool known_run(const char *name)
{
	unsigned i;

	for (i = 0; i < n_runs; i++)
		if (strcmp(runs[i].name, name) == 0)
			return true;
	return false;
}

struct shown {
	bool json, help;
};

/* Return: false, the command line makes no sense. */
static bool options(int argc, char **argv, struct run_options *o, struct shown *s)
{
	static const struct option longs[] = {
		{ "quick", no_argument, NULL, 'q' },
		{ "run", required_argument, NULL, 'r' },
		{ "jobs", required_argument, NULL, 'j' },
		{ "lockstep", required_argument, NULL, 'l' },
		{ "bound", required_argument, NULL, 'b' },
		{ "json", no_argument, NULL, 'J' },
		{ "tell", required_argument, NULL, 't' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	static struct bound own;
	bool ok = true;
	uint64_t n;
	int c;

	while (ok && (c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 'q':
			o->quick = true;
			break;
		case 'r':
			o->only = optarg;
			ok = known_run(optarg);
			break;
		case 'j':
			ok = number(optarg, &n) && n >= 1 && n <= RUNS_MAX;
			o->jobs = ok ? (unsigned)n : 1;
			break;
		case 'l':
			ok = number(optarg, &o->lockstep);
			break;
		case 't':
			ok = cell(optarg, o);
			break;
		case 'b':
			ok = seven(optarg, &own);
			o->bound = &own;
			break;
		case 'J':
			s->json = true;
			break;
		case 'h':
			s->help = true;
			break;
		default:
			ok = false;
		}
	}
	return ok && optind == argc && (o->only || (o->tell_ev == CHAN_EV_COUNT && !o->bound));
}

int main(int argc, char **argv)
{
	long n_cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct run_options o = { .jobs = n_cpus < 1          ? 1
					 : n_cpus > RUNS_MAX ? RUNS_MAX
							     : (unsigned)n_cpus,
				 .lockstep = 1000000,
				 .tell_ev = CHAN_EV_COUNT };
	struct shown s = { 0 };
	static struct result results[RUNS_MAX];
	struct totals t;
	int failed;

	if (!options(argc, argv, &o, &s))
		return say_usage(stderr);
	if (s.help)
		return say_usage(stdout);
	failed = runs_all(&o, results);
	if (o.tell_ev != CHAN_EV_COUNT)
		return failed;
	report_totals(results, &t);
	t.ok &= !failed;
	if (s.json)
		report_json(results, &t);
	else
		report_text(results, &t);
	return !t.ok;
}
