/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "sim/run.h"

#include "base/check.h"
#include "base/log.h"
#include "sim/check.h"
#include "sim/dice.h"
#include "sim/heap.h"
#include "sim/model.h"
#include "sim/rogue.h"
#include "sim/scenario.h"
#include "sim/worker.h"
#include "sim/world.h"

#define STEPS_MAX  3000000u
#define RESTART_NS (200 * NSEC_PER_MSEC) /* the target stays down for up to so long */
#define QUIET_NS   (200 * NSEC_PER_SEC) /* until all hosts are out when nothing goes wrong any more */
#define SETTLE_NS  NSEC_PER_SEC
#define PROBE_NS   (200 * NSEC_PER_SEC) /* until all got in and were served */
#define FORCE_NS   (10 * NSEC_PER_SEC)  /* what srptd gives its initiators on SIGTERM */
#define END_NS     (60 * NSEC_PER_SEC)  /* until it has ended */

static const struct scenario *scene;
static struct fab *fab;
static struct host *hosts[HOSTS_MAX];
static struct sched_ev deed_ev;
static struct sched_ev undo_ev;
static struct sched_ev restart_ev;
static enum deed undo_deed;
static unsigned undo_disk;
static struct proc_config last; /* the configuration of the end */
static bool ending;
static unsigned n_steps;
static unsigned deeds_left;

struct fab *run_fabric(void)
{
	return fab;
}

/* --- calls that fail --- */

static bool call_fails(enum fabric_call call, const void *by)
{
	(void)by;
	if (!dice_permille(scene->call_fail_permille[call]) || ending)
		return false;
	trace("the call of %s fails", fabric_call_text(call));
	excuse(EXCUSE_MEMORY, -1);
	return true;
}

static bool timer_fails(void)
{
	return !ending && worker_self() && worker_index(worker_self()) < PROC_WORKERS_MAX &&
	       dice_permille(scene->timer_fail_permille);
}

/* --- the target comes and goes --- */

static void try_start(void)
{
	if (proc_runs())
		return;
	if (proc_start())
		sched_in(&restart_ev, RESTART_NS);
}

static void restart(struct sched_ev *e)
{
	(void)e;
	if (proc_is_stopping() && !proc_has_ended()) {
		sched_in(&restart_ev, 10 * NSEC_PER_MSEC);
		return;
	}
	excuse_hold(EXCUSE_CLOSE, -1, false);
	try_start();
}

static void undo(struct sched_ev *e)
{
	(void)e;
	switch (undo_deed) {
	case DEED_DISABLE:
		proc_enable();
		break;
	case DEED_DEVICE:
		fabric_return_device(fab);
		excuse_hold(EXCUSE_DIED, -1, false);
		break;
	case DEED_DISK:
		disk_vanish(undo_disk, false);
		excuse(EXCUSE_DISK, (int)undo_disk);
		break;
	default:
		break;
	}
}

static void undo_later(enum deed what)
{
	undo_deed = what;
	sched_in(&undo_ev, dice_log(NSEC_PER_MSEC, 5 * NSEC_PER_SEC));
}

static void reload(void)
{
	struct proc_config c = *proc_config();

	for (unsigned i = dice_below(3) + 1; i > 0; i--)
		scenario_reconfigure(scene, &c);
	proc_reload(&c);
}

static void stall(void)
{
	uint64_t ns = dice_log(NSEC_PER_MSEC, 12 * NSEC_PER_SEC);
	unsigned i = dice_below(proc_n_workers());

	trace("worker %u is held up for %u ms", i, ns / NSEC_PER_MSEC);
	excuse_until(EXCUSE_SLOW, -1, sched_now_ns() + 2 * ns);
	worker_stall(proc_worker(i), sched_now_ns() + ns);
}

static void kill_it(bool power)
{
	proc_kill(power);
	sched_in(&restart_ev, dice_log(1, RESTART_NS));
}

static void do_deed(enum deed what)
{
	switch (what) {
	case DEED_DISABLE:
		proc_disable();
		undo_later(what);
		break;
	case DEED_RELOAD:
		reload();
		break;
	case DEED_TERM:
		proc_term(FORCE_NS);
		sched_in(&restart_ev, 10 * NSEC_PER_MSEC);
		break;
	case DEED_KILL:
	case DEED_POWER:
		kill_it(what == DEED_POWER);
		break;
	case DEED_DEVICE:
		excuse_hold(EXCUSE_DIED, -1, true);
		fabric_remove_device(fab);
		undo_later(what);
		break;
	case DEED_ADDRESS:
		if (fabric_change_address(fab))
			excuse(EXCUSE_DIED, -1);
		break;
	case DEED_DISK:
		undo_disk = dice_below(scene->n_disks);
		disk_vanish(undo_disk, true);
		undo_later(what);
		break;
	case DEED_CALM:
		for (unsigned i = 0; i < scene->n_disks; i++)
			disk_answer(i);
		break;
	case DEED_STALL:
		stall();
		break;
	case DEED_REPORT:
		proc_report(false);
		break;
	case DEED_COUNT:
		break;
	}
}

static bool has_deeds(void)
{
	for (unsigned i = 0; i < DEED_COUNT; i++)
		if (scene->deed[i])
			return true;
	return false;
}

static void deed(struct sched_ev *e)
{
	if (ending || !deeds_left)
		return;
	/* One that is to be undone is undone before the next. */
	if (!sched_planned(&undo_ev) && !sched_planned(&restart_ev) && proc_runs()) {
		deeds_left--;
		do_deed((enum deed)dice_pick(scene->deed, DEED_COUNT));
	}
	sched_in(e, dice_range(scene->deed_ns / 2, 2 * scene->deed_ns));
}

/* --- going on --- */

static void go_until(uint64_t until_ns, bool (*done)(void))
{
	while (!done() && sched_now_ns() < until_ns) {
		if (!sched_step())
			return;
		if (n_steps > STEPS_MAX - 300)
			sched_tell = true;
		if (++n_steps > STEPS_MAX)
			fail_now("the run does not end: %u steps", n_steps);
	}
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

static bool must(uint64_t within_ns, bool (*done)(void), const char *what)
{
	go_until(sched_now_ns() + within_ns, done);
	if (!done())
		fail_now("within %llu s, and although nothing goes wrong any more, %s",
			 (unsigned long long)(within_ns / NSEC_PER_SEC), what);
	return true;
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
	check_wire_init();
	for (unsigned i = 0; i < DISKS_MAX; i++) {
		if (!scene->disk[i].size_bytes)
			continue;
		disk_make(i, &scene->disk[i]);
		disk_set_mood(i, &scene->mood[i]);
	}
	deed_ev.run = deed;
	undo_ev.run = undo;
	restart_ev.run = restart;
	proc_init(fab, &scene->proc, &scene->config);
	heap_fail_permille(scene->heap_fail_permille);
	if (scene->heap_fail_permille)
		excuse_hold(EXCUSE_MEMORY, -1, true);
	if (scene->noisy)
		excuse_hold(EXCUSE_NET, -1, true);
	try_start();
	for (unsigned i = 0; i < scene->n_hosts; i++) {
		hosts[i] = host_new(i, fab, &scene->ways[i]);
		host_start(hosts[i]);
	}
	for (unsigned i = 0; i < scene->n_rogues; i++)
		rogue_new(i, fab);
	if (has_deeds())
		sched_in(&deed_ev, scene->deed_ns);
}

/* Whatever went wrong goes right from now on. */
static void calm_down(void)
{
	trace("--- from here on nothing goes wrong ---");
	ending = true;
	heap_fail_permille(0);
	sched_cancel(&deed_ev);
	if (sched_planned(&undo_ev)) {
		sched_cancel(&undo_ev);
		undo(NULL);
	}
	for (unsigned i = 0; i < DISKS_MAX; i++)
		if (scene->disk[i].size_bytes)
			disk_calm(i);
	fabric_net.wr_fail_pmille = 0;
	fabric_net.cm_lose_pct = 0;
	fabric_net.hiccup_pmille = 0;
	sched_pace.stall_pmille = 0;
	for (unsigned i = 0; i < proc_n_workers(); i++)
		worker_stall(proc_worker(i), 0);
	for (unsigned i = 0; i < ROGUES_MAX; i++)
		rogue_free(i);
	for (unsigned i = 0; i < HOSTS_MAX; i++)
		if (hosts[i])
			host_stop(hosts[i]);
	must(END_NS, target_runs, "the target does not start");
	last = scene->config;
	last.max_chans += 32;
	last.max_chans_host = 16;
	last.memory_host = 0;
	proc_reload(&last);
}

/* The hosts have done all they wanted and are still logged in. */
static void compare_books(void)
{
	go_until(sched_now_ns() + SETTLE_NS, never);
	proc_report(true);
	must(END_NS, proc_reported, "the target does not report its channels");
}

static void end(void)
{
	if (hosts_idle() && !sched_planned(&undo_ev) && proc_runs())
		compare_books();
	calm_down();
	must(QUIET_NS, hosts_out, "the hosts do not get out");
	must(END_NS, no_channels, "channels of the target do not end");
	/* A device that was still being closed at the last reload is found by this one. */
	go_until(sched_now_ns() + SETTLE_NS, never);
	proc_reload(&last);
	trace("--- all hosts are out, and must get in again ---");
	for (unsigned i = 0; i < scene->n_hosts; i++)
		host_probe(hosts[i]);
	must(PROBE_NS, hosts_probed, "a host did not get in, or was not served");
	trace("--- all hosts were served ---");
	proc_term(FORCE_NS);
	must(END_NS, proc_has_ended, "the target does not end");
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
	deeds_left = s->n_deeds;
	ending = false;
	begin();
	go_until(s->linger_ns, never);
	go_until(sched_now_ns() + s->limit_ns, hosts_idle);
	end();
}
