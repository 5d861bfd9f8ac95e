/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "sim/script.h"

#include "sim/check.h"
#include "sim/deeds.h"
#include "sim/fabric.h"
#include "sim/inject.h"
#include "sim/operator.h"
#include "sim/run.h"
#include "sim/world.h"

#define N_HOSTS   2u
#define N_DISKS   2u
#define SCRATCH   (DISKS_MAX - 1)
#define LONG_NS   (60 * NSEC_PER_SEC)   /* also for who was refused, and has to try again */
#define MIDDLE_NS (150 * NSEC_PER_USEC) /* commands are under way */

static struct host **hosts;

/* --- the world --- */

static void scene_host(struct host_ways *w, bool first)
{
	*w = (struct host_ways){ .n_chans = first ? 3 : 1,
				 .n_slots = 4,
				 .n_cmds = 24,
				 .max_blocks = 4,
				 .extern_pct = 40,
				 .short_pmille = 40,
				 .solicit_pct = 50,
				 .immediate = first,
				 .reports = first,
				 .think_ns = 20000,
				 .timeout_ns = 2 * NSEC_PER_SEC,
				 .again_ns = 10 * NSEC_PER_MSEC };
	w->op[HOP_READ] = 8;
	w->op[HOP_WRITE] = 8;
	w->op[HOP_SYNC] = 1;
	w->op[HOP_VERIFY] = 1;
	w->op[HOP_COMPARE] = 2;
	w->op[HOP_SAME] = 2;
	w->op[HOP_UNMAP] = 2;
	w->op[HOP_INQUIRY] = 1;
	w->op[HOP_MODE] = 1;
}

static void scene_disk(struct scenario *s, unsigned i)
{
	s->disk[i] = (struct disk_params){ .block_bytes = 512,
					   .size_bytes = 51200,
					   .mapped = i == 1,
					   .modelled = i != SCRATCH,
					   .unmap_grain = 512 };
	s->mood[i] = (struct disk_mood){ .min_ns = 20000, .max_ns = 200000, .cancel_pct = 50 };
}

void script_scene(struct scenario *s, bool dreq)
{
	*s = (struct scenario){ .kind = "script", .dreq = dreq, .registers = dreq };
	s->n_hosts = N_HOSTS;
	s->n_disks = N_DISKS;
	s->net = (struct fabric_net){ .way_min_ns = 1000,
				      .way_max_ns = 20000,
				      .cm_again_ns = 100 * NSEC_PER_MSEC,
				      .cm_tries = 6,
				      .timewait_ns = 10 * NSEC_PER_MSEC,
				      .flush_ns = 100000,
				      .early_pct = 50,
				      .scribble = true,
				      .retry_ns = 2 * NSEC_PER_SEC };
	s->pace = (struct sched_pace){ .round_ns = 1000 };
	for (unsigned i = 0; i < N_DISKS; i++)
		scene_disk(s, i);
	scene_disk(s, SCRATCH);
	s->proc = (struct proc_opts){ .n_workers = 2, .pool = { 6, 3, 2 }, .scratch = SCRATCH };
	s->config = (struct proc_config){ .n_disks = N_DISKS,
					  .groups = true,
					  .enabled = true,
					  .max_chans = 16,
					  .max_chans_host = 8,
					  .credits = 8,
					  .max_immediate = 8192,
					  .logins_per_s = 100000,
					  .thin = { true, true } };
	for (unsigned i = 0; i < N_HOSTS; i++)
		scene_host(&s->ways[i], i == 0);
}

/* --- the play --- */

static bool all_idle(void)
{
	for (unsigned i = 0; i < N_HOSTS; i++)
		if (!host_is_idle(hosts[i]))
			return false;
	return true;
}

static bool never(void)
{
	return false;
}

static bool has_ended(void)
{
	return !proc_is_stopping() || proc_has_ended();
}

static void traffic(unsigned n, const char *after)
{
	trace("--- traffic %s ---", after);
	for (unsigned i = 0; i < N_HOSTS; i++)
		host_give(hosts[i], n);
	run_must(LONG_NS, all_idle, "the hosts do not get their commands done");
}

/* In the middle of traffic. */
static void task(uint8_t function, const char *name)
{
	trace("--- %s ---", name);
	for (unsigned i = 0; i < N_HOSTS; i++)
		host_give(hosts[i], 8);
	(void)run_until(MIDDLE_NS, never);
	host_manage(hosts[0], function, 0);
	run_must(LONG_NS, all_idle, "a task management function is not answered");
}

/* Whoever reads in the log that something was missing tries again. */
static void load(const struct proc_config *c)
{
	bool had = inject_has_hit();

	proc_reload(c);
	(void)run_until(50 * NSEC_PER_MSEC, never);
	if (had == inject_has_hit())
		return;
	proc_reload(c);
	(void)run_until(50 * NSEC_PER_MSEC, never);
}

static void reload(const struct proc_config *c, const char *what)
{
	trace("--- reload: %s ---", what);
	load(c);
	traffic(10, "after a reload");
}

static void reloads(void)
{
	const struct proc_config was = *proc_config();
	struct proc_config c = was;

	c.credits = 4;
	c.second = true;
	c.hidden[1] = true;
	reload(&c, "fewer credits, a second target, a unit less");
	c.closed[1] = true;
	c.ro[0] = true;
	reload(&c, "a device less, a unit for reading only");
	reload(&was, "as it was");
	trace("--- reload: the first host is not allowed any more ---");
	c = was;
	c.denied = 1;
	load(&c);
	reload(&was, "it is again");
}

static void ends_of_channels(void)
{
	trace("--- the first host logs out ---");
	host_logout(hosts[0]);
	(void)run_until(5 * NSEC_PER_MSEC, never);
	traffic(12, "after a logout");
	trace("--- the first host is switched off, and comes back ---");
	host_give(hosts[0], 8);
	(void)run_until(MIDDLE_NS, never);
	host_vanish(hosts[0]);
	traffic(12, "after an eviction");
	trace("--- the target is disabled ---");
	host_give(hosts[1], 4);
	operator_disable();
	(void)run_until(100 * NSEC_PER_MSEC, never);
	operator_enable();
	traffic(12, "after the target was disabled");
}

static void stop_and_start(void)
{
	trace("--- SIGTERM ---");
	for (unsigned i = 0; i < N_HOSTS; i++)
		host_give(hosts[i], 6);
	(void)run_until(MIDDLE_NS, never);
	deeds_term();
	run_must(LONG_NS, has_ended, "the target does not end");
	run_must(LONG_NS, proc_runs, "the target does not start again");
	traffic(10, "after a restart");
}

void script_play(struct host **all)
{
	hosts = all;
	run_must(LONG_NS, proc_runs, "the target does not start");
	run_must(LONG_NS, all_idle, "the hosts do not get in and their commands done");
	task(SRP_TMF_ABORT_TASK, "ABORT TASK");
	task(SRP_TMF_LUN_RESET, "LUN RESET");
	task(SRP_TMF_CLEAR_TASK_SET, "CLEAR TASK SET");
	proc_report(false);
	reloads();
	ends_of_channels();
	stop_and_start();
}
