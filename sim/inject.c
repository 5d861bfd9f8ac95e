/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "sim/inject.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "sim/check.h"
#include "sim/dice.h"
#include "sim/run.h"
#include "sim/scenario.h"
#include "sim/sched.h"
#include "sim/script.h"
#include "sim/world.h"

#define SITES_MAX 1024u /* a power of two */
#define STYLES    2u    /* of the fabric: without and with the disconnect handshake */
#define NONE      UINT64_MAX
#define SEED      7u

/* A place in the code that makes a call. The processes of all runs share it. */
struct site {
	_Atomic(uint64_t) key; /* 0: free */
	const char *call;
	const void *by;
	atomic_bool usual; /* made when nothing fails */
	atomic_uint failed;
};

static struct {
	struct site *sites;
	atomic_ullong *n_calls; /* of the script, on each fabric */
	bool armed;
	uint64_t nth; /* this one fails */
	uint64_t n;   /* calls so far */
	bool has_hit;
	const struct host *harmed;
} in;

/* --- the books --- */

static struct site *site_of(const char *call, const void *by)
{
	uint64_t key = (uintptr_t)by * 0x9e3779b97f4a7c15ull ^ (uintptr_t)call;

	for (unsigned i = 0; i < SITES_MAX; i++) {
		struct site *s = &in.sites[(key + i) % SITES_MAX];
		uint64_t was = 0;

		if (!atomic_compare_exchange_strong(&s->key, &was, key) && was != key)
			continue;
		s->call = call;
		s->by = by;
		return s;
	}
	check_unreachable();
}

/* What is called only because something failed fails too, in every second run. */
static bool follows(const struct site *s)
{
	return in.has_hit && in.nth % 2 && !atomic_load(&s->usual);
}

bool inject_has_hit(void)
{
	return in.has_hit;
}

bool inject_hits(const char *call, const void *by)
{
	struct site *s;

	if (!in.armed)
		return false;
	s = site_of(call, by);
	if (in.nth == NONE)
		atomic_store(&s->usual, true);
	if (in.n++ != in.nth && !follows(s))
		return false;
	atomic_fetch_add(&s->failed, 1);
	in.has_hit = true;
	trace("call %u of the script fails: %s", in.n - 1, call);
	excuse_hold(EXCUSE_MEMORY, -1, true);
	return true;
}

void inject_calm(void)
{
	if (in.armed)
		excuse_hold(EXCUSE_MEMORY, -1, false);
	in.armed = false;
}

void inject_harmed(const struct host *h)
{
	if (!in.armed)
		return;
	if (in.harmed && in.harmed != h)
		fail_now("the failure of one call has harmed %s, and %s", in.harmed->name, h->name);
	in.harmed = h;
}

/* --- runs --- */

static void run(unsigned style, uint64_t nth)
{
	struct scenario s;

	sched_reset();
	script_scene(&s, style != 0);
	dice_init(SEED);
	in.armed = true;
	in.nth = nth;
	in.n = 0;
	in.has_hit = false;
	in.harmed = NULL;
	run_script(&s, script_play);
	if (nth == NONE)
		atomic_store(&in.n_calls[style], in.n);
}

/* In a process of its own, as every run. */
static void run_apart(unsigned style)
{
	int status = 0;
	pid_t pid;

	(void)fflush(stdout);
	pid = fork();
	if (pid == 0) {
		fail_replay("make sim-inject");
		fail_on_signals();
		run(style, NONE);
		_exit(0);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (pid < 0 || !WIFEXITED(status) || WEXITSTATUS(status))
		exit(1); /* it has said why */
}

unsigned long long inject_count(void)
{
	unsigned long long n = 0;

	in.sites = world_shared(SITES_MAX * sizeof(*in.sites));
	in.n_calls = world_shared(STYLES * sizeof(*in.n_calls));
	for (unsigned i = 0; i < STYLES; i++) {
		run_apart(i);
		n += atomic_load(&in.n_calls[i]);
	}
	return n;
}

void inject_run(unsigned long long nth)
{
	unsigned style = 0;

	while (style + 1 < STYLES && nth >= atomic_load(&in.n_calls[style]))
		nth -= atomic_load(&in.n_calls[style++]);
	run(style, nth);
}

void inject_report(FILE *out, bool all)
{
	unsigned n = 0;
	unsigned failed = 0;

	for (unsigned i = 0; i < SITES_MAX; i++) {
		const struct site *s = &in.sites[i];

		if (!atomic_load(&s->key))
			continue;
		n++;
		if (atomic_load(&s->failed)) {
			failed++;
			continue;
		}
		if (!all)
			continue;
		(void)fprintf(out, "  never failed: %s\n", s->call);
		fail_place(s->by);
	}
	(void)fprintf(out, "%u of %u call sites had their failure\n", failed, n);
}
