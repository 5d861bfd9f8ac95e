/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The simulator: one seed, or many in processes of their own. */
#include <errno.h>
#include <getopt.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sim/cover.h"
#include "sim/dice.h"
#include "sim/inject.h"
#include "sim/regress.h"
#include "sim/run.h"
#include "sim/scenario.h"
#include "sim/sched.h"
#include "sim/world.h"

#define SEED_SECONDS 300u /* a run that takes longer hangs */
#define SHOWN_WHOLE  3u   /* failed runs whose transcript is shown */
#define JOBS_MAX     64u
#define STRICT_SEEDS 5000u /* a batch of so many must see everything */

/* What the processes of a batch share. */
struct batch {
	atomic_ullong next; /* run: the regressions, then the seeds */
	atomic_uint passed;
	atomic_uint failed;
	atomic_uint shown;
};

static struct {
	unsigned long long first, last;
	unsigned jobs;
	unsigned every; /* only each of so many */
	unsigned stop;  /* after so many failures; 0: never */
	unsigned seconds;
	bool verbose;
	bool inject;
	const char *kind; /* NULL: any */
	const char *cover;
	const char *regressions;
	bool strict; /* a hole in the coverage is a failure */
} opt = { .jobs = 1, .every = 1, .seconds = SEED_SECONDS };

static struct batch *batch;
static struct regress regressions[REGRESS_MAX];
static unsigned n_regressions;

static void help(void)
{
	printf("sim - the whole target on a virtual clock\n"
	       "\n"
	       "usage: sim [-v] SEED                 one run; -v writes its transcript as it goes\n"
	       "       sim --seeds A..B [--jobs N]   many, each in a process of its own\n"
	       "       sim --inject [--jobs N]       a script in which each call fails in turn\n"
	       "       sim --inject [-v] N           ... in which call N does\n"
	       "\n"
	       "  --kind KIND    only scenarios of this kind, see scenario.c\n"
	       "  --every N      with --inject: only each Nth call\n"
	       "  --stop N       stop after N failed runs\n"
	       "  --seconds N    a run that takes more of a processor hangs (default 300)\n"
	       "  --regressions FILE  runs that found something once come first\n"
	       "  --cover FILE   say what was never seen; FILE says what cannot be\n"
	       "  --strict       ... and fail when something else was not, given %u seeds\n",
	       STRICT_SEEDS);
}

/* --- one run --- */

/* Of the processor: one on a machine that is busy, or was stopped, does not hang. */
static void limit_time(void)
{
	const struct itimerval limit = { .it_value = { .tv_sec = opt.seconds } };

	(void)setitimer(ITIMER_PROF, &limit, NULL);
}

static void run_seed(unsigned long long seed)
{
	char cmd[64];
	struct scenario s;

	(void)snprintf(cmd, sizeof(cmd),
		       opt.inject ? "make sim-inject NTH=%llu" : "make sim SEED=%llu%s%s", seed,
		       opt.kind ? " KIND=" : "", opt.kind ? opt.kind : "");
	fail_replay(cmd);
	fail_on_signals();
	limit_time();
	sched_reset();
	if (opt.inject) {
		inject_run(seed);
		if (!batch)
			printf("call %llu: all is well\n", seed);
		return;
	}
	dice_init(seed);
	scenario_roll(&s);
	trace("seed %u, %s", seed, s.kind);
	run_scenario(&s);
	if (opt.verbose || !batch)
		printf("seed %llu: all is well (%s)\n", seed, s.kind);
}

/* --- many --- */

static void show(FILE *out)
{
	char line[512];
	bool whole = atomic_fetch_add(&batch->shown, 1) < SHOWN_WHOLE;

	rewind(out);
	while (fgets(line, sizeof(line), out))
		if (whole || !strncmp(line, "FAILED", 6) || !strncmp(line, "replay", 6) ||
		    !strncmp(line, "panic", 5) || strstr(line, "ERROR: AddressSan"))
			(void)fputs(line, stdout);
	(void)fflush(stdout);
}

static void run_child(unsigned long long seed, const char *kind)
{
	FILE *out = tmpfile();
	int status = 0;
	pid_t pid;

	if (!out) {
		perror("tmpfile");
		_exit(2);
	}
	(void)fflush(stdout);
	pid = fork();
	if (pid == 0) {
		(void)dup2(fileno(out), STDOUT_FILENO);
		(void)dup2(fileno(out), STDERR_FILENO);
		opt.kind = kind && kind[0] ? kind : NULL;
		if (opt.kind)
			(void)scenario_only(opt.kind);
		run_seed(seed);
		(void)fflush(stdout);
		_exit(0);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		atomic_fetch_add(&batch->passed, 1);
	} else {
		show(out);
		printf("%s %llu failed\n", opt.inject ? "call" : "seed", seed);
		atomic_fetch_add(&batch->failed, 1);
	}
	(void)fclose(out);
}

static void job(void)
{
	for (;;) {
		unsigned long long i = atomic_fetch_add(&batch->next, 1);
		unsigned long long seed = opt.first + (i - n_regressions) * opt.every;

		if (opt.stop && atomic_load(&batch->failed) >= opt.stop)
			break;
		if (i < n_regressions)
			run_child(regressions[i].seed, regressions[i].kind);
		else if (seed <= opt.last)
			run_child(seed, opt.kind);
		else
			break;
	}
	(void)fflush(stdout);
	_exit(0);
}

static double seconds(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static unsigned long long n_runs(void)
{
	return (opt.last - opt.first) / opt.every + 1 + n_regressions;
}

/* Wait for the jobs, and on a terminal say how far they are. */
static void watch(unsigned n_jobs)
{
	double start = seconds();
	double all = (double)n_runs();
	bool tty = isatty(STDERR_FILENO);
	unsigned done;

	while (n_jobs) {
		pid_t pid = waitpid(-1, NULL, WNOHANG);

		if (pid > 0) {
			n_jobs--;
			continue;
		}
		(void)usleep(100000);
		done = atomic_load(&batch->passed) + atomic_load(&batch->failed);
		if (tty && done)
			(void)fprintf(stderr, "\r%u of %.0f runs, %u failed, %.0f s to go   ", done,
				      all, atomic_load(&batch->failed),
				      (seconds() - start) * (all - done) / done);
	}
	if (tty)
		(void)fprintf(stderr, "\r%60s\r", "");
	printf("%.0f s, %.0f ms a run on each of %u processors\n", seconds() - start,
	       (seconds() - start) * 1000 * opt.jobs / all, opt.jobs);
}

static int run_batch(void)
{
	const bool large = opt.last - opt.first + 1 >= STRICT_SEEDS;
	unsigned holes = 0;
	unsigned failed;

	batch = world_shared(sizeof(*batch));
	atomic_init(&batch->next, 0);
	for (unsigned i = 0; i < opt.jobs; i++)
		if (fork() == 0)
			job();
	watch(opt.jobs);
	if (opt.cover)
		holes = cover_report(stdout, opt.cover, large);
	if (opt.inject)
		inject_report(stdout, opt.every == 1);
	failed = atomic_load(&batch->failed);
	if (holes && opt.strict && large)
		failed++;
	printf("%u passed, %u failed\n", atomic_load(&batch->passed), failed);
	return failed || !atomic_load(&batch->passed);
}

/* --- options --- */

static int parse(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "seeds", required_argument, NULL, 's' },
		{ "jobs", required_argument, NULL, 'j' },
		{ "stop", required_argument, NULL, 'n' },
		{ "kind", required_argument, NULL, 'k' },
		{ "seconds", required_argument, NULL, 't' },
		{ "every", required_argument, NULL, 'e' },
		{ "regressions", required_argument, NULL, 'r' },
		{ "cover", required_argument, NULL, 'c' },
		{ "strict", no_argument, NULL, 'S' },
		{ "inject", no_argument, NULL, 'i' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	char *end;
	int c;

	while ((c = getopt_long(argc, argv, "vh", longs, NULL)) != -1) {
		switch (c) {
		case 's':
			opt.first = strtoull(optarg, &end, 10);
			opt.last = strncmp(end, "..", 2) ? opt.first : strtoull(end + 2, &end, 10);
			if (*end || opt.last < opt.first)
				return -1;
			break;
		case 'j':
			opt.jobs = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'n':
			opt.stop = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'k':
			opt.kind = optarg;
			if (scenario_only(optarg))
				return -1;
			break;
		case 't':
			opt.seconds = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'e':
			opt.every = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'r':
			opt.regressions = optarg;
			break;
		case 'c':
			opt.cover = optarg;
			break;
		case 'S':
			opt.strict = true;
			break;
		case 'i':
			opt.inject = true;
			break;
		case 'v':
			opt.verbose = true;
			break;
		case 'h':
			help();
			exit(0);
		default:
			return -1;
		}
	}
	if (!opt.jobs || opt.jobs > JOBS_MAX)
		opt.jobs = 1;
	if (!opt.every)
		opt.every = 1;
	return optind;
}

int main(int argc, char **argv)
{
	int at = parse(argc, argv);

	if (at < 0) {
		(void)fprintf(stderr, "sim: wrong usage; --help tells more\n");
		return 2;
	}
	cover_init();
	if (opt.inject) {
		opt.first = 0;
		opt.last = inject_count() - 1;
	}
	if (opt.regressions) {
		int n = regress_read(opt.regressions, regressions);

		if (n < 0) {
			(void)fprintf(stderr, "sim: %s: %s\n", opt.regressions, strerror(-n));
			return 2;
		}
		n_regressions = (unsigned)n;
	}
	if (opt.last && at == argc)
		return run_batch();
	if (at == argc) {
		help();
		return 2;
	}
	if (opt.verbose)
		trace_live(stdout);
	run_seed(strtoull(argv[at], NULL, 10));
	return 0;
}
