/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "sim/run.h"

#include "base/check.h"
#include "base/log.h"
#include "sim/check.h"
#include "sim/deeds.h"
#include "sim/dice.h"
#include "sim/heap.h"
#include "sim/inject.h"
#include "sim/model.h"
#include "sim/operator.h"
#include "sim/rogue.h"
#include "sim/scenario.h"
#include "sim/worker.h"
#include "sim/world.h"

#define STEPS_MAX  3000000u
#define LOOK_STEPS 256u                 /* between two looks at the target from inside */
#define QUIET_NS   (200 * NSEC_PER_SEC) /* until all hosts are out when nothing goes wrong any more */
#define SETTLE_NS  NSEC_PER_SEC
#define PROBE_NS   (500 * NSEC_PER_SEC) /* until all got in and were served */
#define END_NS     (60 * NSEC_PER_SEC)  /* until it has ended */

static const struct scenario *scene;
static struct fab *fab;
static struct host *hosts[HOSTS_MAX];
static struct proc_config last; /* the configuration of the end */
static bool ending;
static unsigned n_steps;

struct fab *run_fabric(void)
{
	return fab;
}

/* --- calls that fail --- */

static bool call_fails(enum fabric_call call, const void *by)
{
	if (inject_hits(fabric_call_text(call), by))
		return true;
	if (!dice_permille(scene->call_fail_permille[call]) || ending)
		return false;
	trace("the call of %s fails", fabric_call_text(call));
	excuse(EXCUSE_MEMORY, -1);
	return true;
}

static bool timer_fails(const struct worker *w, const void *by)
{
	if (ending || worker_index(w) >= PROC_WORKERS_MAX)
		return false;
	return inject_hits("a timer", by) || dice_permille(scene->timer_fail_permille);
}

static bool heap_call_fails(const void *by)
{
	return inject_hits("an allocation", by);
}

/* --- going on --- */

bool run_until(uint64_t within_ns, bool (*done)(void))
{
	const uint64_t until_ns = sched_now_ns() + within_ns;

	while (!done() && sched_now_ns() < until_ns) {
		if (!sched_step())
			break;
		if (n_steps > STEPS_MAX - 300)
			sched_tell = true;
		if (++n_steps > STEPS_MAX)
			fail_now("the run does not end: %u steps", n_steps);
		if (n_steps % LOOK_STEPS == 0)
			proc_look();
	}
	return done();
}

static bool never(void)
{
	return false;
}

static bool hosts_idle(void)
{
	for (unsigned i = 0; i < scene->n_hosts; i++)
		if (!host_is_idle(hosts[i]))
			return false;
	return true;
}

static bool hosts_out(void)
{
	for (unsigned i = 0; i < scene->n_hosts; i++)
		if (!host_is_out(hosts[i]))
			return false;
	return true;
}

static bool hosts_probed(void)
{
	for (unsigned i = 0; i < scene->n_hosts; i++)
		if (!hosts[i]->probed || !host_is_out(hosts[i]))
			return false;
	return true;
}

static bool no_channels(void)
{
	return !proc_n_chans();
}

static bool target_runs(void)
{
	return proc_runs();
}

void run_must(uint64_t within_ns, bool (*done)(void), const char *what)
{
	if (!run_until(within_ns, done))
		fail_now("within %llu s, and although nothing goes wrong any more, %s",
			 (unsigned long long)(within_ns / NSEC_PER_SEC), what);
}

/* --- begin and end --- */

static void begin(void)
{
	struct fabric_opts fo = { .dreq = scene->dreq, .registers = scene->registers };

	check(fabric_new(&fab, &fo) == 0);
	fabric_net = scene->net;
	sched_pace = scene->pace;
	fabric_watch.call_fails = call_fails;
	worker_timer_fails = timer_fails;
	disk_call_fails = inject_hits;
	heap_fails = heap_call_fails;
	check_wire_init();
	for (unsigned i = 0; i < DISKS_MAX; i++) {
		if (!scene->disk[i].size_bytes)
			continue;
		disk_make(i, &scene->disk[i]);
		disk_set_mood(i, &scene->mood[i]);
	}
	proc_init(fab, &scene->proc, &scene->config);
	heap_fail_permille(scene->heap_fail_permille);
	if (scene->heap_fail_permille)
		excuse_hold(EXCUSE_MEMORY, -1, true);
	if (scene->noisy)
		excuse_hold(EXCUSE_NET, -1, true);
	deeds_begin(scene, fab);
	for (unsigned i = 0; i < scene->n_hosts; i++) {
		hosts[i] = host_new(i, fab, &scene->ways[i]);
		host_start(hosts[i]);
	}
	for (unsigned i = 0; i < scene->n_rogues; i++)
		rogue_new(i, fab);
}

/* Whatever went wrong goes right from now on. */
static void calm_down(void)
{
	trace("--- from here on nothing goes wrong ---");
	ending = true;
	inject_calm();
	heap_fail_permille(0);
	deeds_end();
	for (unsigned i = 0; i < DISKS_MAX; i++)
		if (scene->disk[i].size_bytes)
			disk_calm(i);
	fabric_net.wr_fail_pmille = 0;
	fabric_net.cm_lose_pct = 0;
	fabric_net.no_rtu_pct = 0;
	fabric_net.hiccup_pmille = 0;
	sched_pace.stall_pmille = 0;
	for (unsigned i = 0; i < proc_n_workers(); i++)
		worker_stall(proc_worker(i), 0);
	for (unsigned i = 0; i < ROGUES_MAX; i++)
		rogue_free(i);
	for (unsigned i = 0; i < HOSTS_MAX; i++)
		if (hosts[i])
			host_stop(hosts[i]);
	run_must(END_NS, target_runs, "the target does not start");
	last = scene->config;
	last.max_chans += 32;
	last.max_chans_host = 16;
	last.memory_host = 0;
	proc_reload(&last);
	operator_access(0);
	/* one that was asked for too late may have been suspended behind that */
	for (unsigned i = 0; i < DISKS_MAX; i++)
		operator_resume(i);
}

/* The hosts have done all they wanted and are still logged in. */
static void compare_books(void)
{
	deeds_rest(); /* what one has just done is not at rest */
	(void)run_until(SETTLE_NS, never);
	proc_report(true);
	run_must(END_NS, proc_reported, "the target does not report its channels");
}

static void end(void)
{
	if (hosts_idle() && deeds_are_undone() && proc_runs())
		compare_books();
	calm_down();
	run_must(QUIET_NS, hosts_out, "the hosts do not get out");
	run_must(END_NS, no_channels, "channels of the target do not end");
	/* A device that was still being closed at the last reload is found by this one. */
	(void)run_until(SETTLE_NS, never);
	proc_reload(&last);
	operator_access(0); /* a SET of somebody who has gone may have been under way */
	trace("--- all hosts are out, and must get in again ---");
	for (unsigned i = 0; i < scene->n_hosts; i++)
		host_probe(hosts[i]);
	run_must(PROBE_NS, hosts_probed, "a host did not get in, or was not served");
	trace("--- all hosts were served ---");
	proc_term(DEEDS_FORCE_NS);
	run_must(END_NS, proc_has_ended, "the target does not end");
	for (unsigned i = 0; i < scene->n_hosts; i++) {
		host_free(hosts[i]);
		hosts[i] = NULL;
	}
	proc_free();
	fab->ops->free(fab);
}

void run_scenario(const struct scenario *s)
{
	scene = s;
	n_steps = 0;
	ending = false;
	begin();
	(void)run_until(s->linger_ns, never);
	(void)run_until(s->limit_ns, hosts_idle);
	end();
}

void run_script(const struct scenario *s, void (*play)(struct host **all))
{
	scene = s;
	n_steps = 0;
	ending = false;
	begin();
	play(hosts);
	end();
}
