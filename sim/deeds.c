/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "sim/deeds.h"

#include "base/check.h"
#include "sim/check.h"
#include "sim/dice.h"
#include "sim/operator.h"
#include "sim/worker.h"
#include "sim/world.h"

#define RESTART_NS (200 * NSEC_PER_MSEC) /* the target stays down for up to so long */
#define SOON_NS    (2 * NSEC_PER_MSEC)   /* a moment lasts up to so long */

/* Of each deed that is undone. */
struct undo {
	struct sched_ev ev;
	unsigned disk;
};

static const struct scenario *scene;
static struct fab *fab;
static struct sched_ev next; /* at any time */
static struct sched_ev soon; /* in the middle of something */
static struct sched_ev restart;
static struct undo undos[DEED_COUNT];
static unsigned n_left;
static bool ended;

/* --- the target comes and goes --- */

static void try_start(void)
{
	if (proc_runs())
		return;
	if (proc_start())
		sched_in(&restart, RESTART_NS);
}

static void on_restart(struct sched_ev *e)
{
	(void)e;
	if (proc_is_stopping() && !proc_has_ended()) {
		sched_in(&restart, 10 * NSEC_PER_MSEC);
		return;
	}
	excuse_hold(EXCUSE_CLOSE, -1, false);
	try_start();
}

void deeds_term(void)
{
	proc_term(DEEDS_FORCE_NS);
	sched_in(&restart, 10 * NSEC_PER_MSEC);
}

static void kill_it(bool power)
{
	proc_kill(power);
	sched_in(&restart, dice_log(1, RESTART_NS));
}

/* --- deeds --- */

static void undo(enum deed what)
{
	switch (what) {
	case DEED_DISABLE:
		operator_enable();
		break;
	case DEED_DEVICE:
		fabric_return_device(fab);
		excuse_end(EXCUSE_DIED, -1);
		break;
	case DEED_DISK:
		disk_vanish(undos[what].disk, false);
		break;
	case DEED_ACCESS:
		operator_access(0);
		break;
	case DEED_EJECT:
		operator_medium(undos[what].disk, true);
		break;
	case DEED_FILL:
		disk_fill(undos[what].disk, false);
		break;
	case DEED_SUSPEND:
		operator_resume(undos[what].disk);
		excuse_end(EXCUSE_SUSPEND, -1);
		break;
	default:
		check_unreachable();
	}
}

static void on_undo(struct sched_ev *e)
{
	undo((enum deed)(container_of(e, struct undo, ev) - undos));
}

static void undo_later(enum deed what)
{
	sched_in(&undos[what].ev, dice_log(NSEC_PER_MSEC, 5 * NSEC_PER_SEC));
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

static void set_access(void)
{
	static const uint8_t to[] = { 0x0, 0x1, 0x2, 0x3, 0x4, 0xe, 0xf };

	operator_access(to[dice_below(ARRAY_SIZE(to))]);
	undo_later(DEED_ACCESS);
}

/* A fault that ends by itself. */
static void make_fault(unsigned disk)
{
	static const enum fault_kind kinds[] = { FAULT_BLACK_HOLE, FAULT_DELAY, FAULT_DROP };
	static const uint32_t ons[] = {
		FAULT_ON_READ, FAULT_ON_WRITE, FAULT_ON_OTHER,
		FAULT_ON_CMD,  FAULT_ON_TMF,   FAULT_ON_CMD | FAULT_ON_TMF
	};
	struct fault_spec f = { .kind = kinds[dice_below(ARRAY_SIZE(kinds))],
				.on = ons[dice_below(ARRAY_SIZE(ons))],
				.count = dice_below(2) ? 1 + dice_below(8) : 0,
				.every = dice_below(2) ? 1 + dice_below(8) : 0,
				.ttl_ns = dice_log(NSEC_PER_MSEC, 2 * NSEC_PER_SEC),
				.delay_ns = dice_log(NSEC_PER_MSEC, NSEC_PER_SEC) };

	if (f.kind != FAULT_DELAY)
		f.delay_ns = 0;
	operator_fault(disk, &f);
}

static void suspend(void)
{
	unsigned disk = dice_below(scene->n_disks);
	uint64_t deadline_ns = dice_log(10000, 3 * NSEC_PER_SEC);
	uint64_t for_ns = dice_below(3) ? dice_log(NSEC_PER_MSEC, 5 * NSEC_PER_SEC) : 0;

	undos[DEED_SUSPEND].disk = disk;
	excuse_begin(EXCUSE_SUSPEND, -1);
	operator_suspend(disk, deadline_ns, for_ns);
	undo_later(DEED_SUSPEND);
}

static void do_deed(enum deed what)
{
	switch (what) {
	case DEED_DISABLE:
		operator_disable();
		undo_later(what);
		break;
	case DEED_RELOAD:
		reload();
		break;
	case DEED_TERM:
		deeds_term();
		break;
	case DEED_KILL:
	case DEED_POWER:
		kill_it(what == DEED_POWER);
		break;
	case DEED_DEVICE:
		excuse_begin(EXCUSE_DIED, -1);
		fabric_remove_device(fab);
		undo_later(what);
		break;
	case DEED_ADDRESS:
		if (fabric_change_address(fab))
			excuse(EXCUSE_DIED, -1);
		break;
	case DEED_DISK:
		undos[what].disk = dice_below(scene->n_disks);
		disk_vanish(undos[what].disk, true);
		undo_later(what);
		break;
	case DEED_CALM:
		for (unsigned i = 0; i < scene->n_disks; i++)
			disk_answer(i);
		break;
	case DEED_STALL:
		stall();
		break;
	case DEED_ACCESS:
		set_access();
		break;
	case DEED_EJECT:
		undos[what].disk = dice_below(scene->n_disks);
		operator_medium(undos[what].disk, false);
		undo_later(what);
		break;
	case DEED_SIZE:
		disk_resize(dice_below(scene->n_disks));
		break;
	case DEED_FILL:
		undos[what].disk = dice_below(scene->n_disks);
		disk_fill(undos[what].disk, true);
		undo_later(what);
		break;
	case DEED_FAULT:
		make_fault(dice_below(scene->n_disks));
		break;
	case DEED_REPORT:
		proc_report(false);
		break;
	case DEED_SUSPEND:
		suspend();
		break;
	case DEED_COUNT:
		break;
	}
}

/* One that is to be undone is undone before it is done again, and who is not there is asked nothing. */
static bool is_possible(enum deed what)
{
	if (sched_planned(&undos[what].ev))
		return false;
	switch (what) {
	case DEED_DISABLE:
	case DEED_RELOAD:
	case DEED_TERM:
	case DEED_EJECT:
	case DEED_FAULT:
	case DEED_REPORT:
	case DEED_SUSPEND:
		return proc_runs();
	case DEED_ACCESS:
		return proc_runs() && proc_config()->groups;
	case DEED_KILL:
	case DEED_POWER:
		return proc_is_there();
	default:
		return true;
	}
}

static void any_deed(void)
{
	enum deed what = (enum deed)dice_pick(scene->deed, DEED_COUNT);

	if (ended || !n_left || !is_possible(what))
		return;
	n_left--;
	do_deed(what);
}

static void on_next(struct sched_ev *e)
{
	any_deed();
	if (n_left)
		sched_in(e, dice_range(scene->deed_ns / 2, 2 * scene->deed_ns));
}

static void on_soon(struct sched_ev *e)
{
	(void)e;
	any_deed();
}

void deeds_moment(enum moment m)
{
	if (scene && !ended && n_left && !sched_planned(&soon) &&
	    dice_permille(scene->moment_permille[m]))
		sched_in(&soon, dice_log(1, SOON_NS));
}

static bool has_deeds(void)
{
	for (unsigned i = 0; i < DEED_COUNT; i++)
		if (scene->deed[i])
			return true;
	return false;
}

void deeds_begin(const struct scenario *s, struct fab *f)
{
	scene = s;
	fab = f;
	ended = false;
	next.run = on_next;
	soon.run = on_soon;
	restart.run = on_restart;
	for (unsigned i = 0; i < DEED_COUNT; i++)
		undos[i].ev.run = on_undo;
	n_left = has_deeds() ? s->n_deeds : 0;
	try_start();
	if (n_left)
		sched_in(&next, scene->deed_ns);
}

void deeds_rest(void)
{
	ended = true;
	sched_cancel(&next);
	sched_cancel(&soon);
}

void deeds_end(void)
{
	deeds_rest();
	for (unsigned i = 0; i < DEED_COUNT; i++) {
		if (!sched_planned(&undos[i].ev))
			continue;
		sched_cancel(&undos[i].ev);
		undo((enum deed)i);
	}
}

bool deeds_are_undone(void)
{
	for (unsigned i = 0; i < DEED_COUNT; i++)
		if (sched_planned(&undos[i].ev))
			return false;
	return true;
}
