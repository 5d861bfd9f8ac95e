/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "sim/operator.h"

#include <errno.h>

#include "base/check.h"
#include "daemon/daemon.h"
#include "sim/check.h"
#include "sim/dice.h"
#include "sim/disk.h"
#include "sim/proc_i.h"
#include "sim/sched.h"
#include "sim/world.h"
#include "target/internal.h"

/* --- access states --- */

/* The program of SET TARGET PORT GROUPS takes up to so long. */
#define HOOK_NS (300 * NSEC_PER_MSEC)

static uint8_t access_wanted;
static struct {
	struct sched_ev ev;
	tgt_alua_done_fn *done; /* NULL: none runs */
	void *arg;
} hook;

static void access_told(void *ctx, int result)
{
	trace("srptd: the access state is set, %d", result);
	if (!result)
		check_access_answered(*(uint64_t *)ctx);
}

static void do_access(void)
{
	static uint64_t version;
	const struct daemon *d = proc_daemon();
	struct scsi_tpg_want want = { CHECK_ACCESS_NEAR, access_wanted };

	if (!d || list_empty(&d->groups))
		return;
	trace("srptd: an operator sets the access state to %u", access_wanted);
	/* Of several that are under way the newest is what is told last. */
	if (tgt_alua_set(list_entry(d->groups.next, struct dgroup, node)->alua, &want, 1,
			 access_told, &version))
		trace("srptd: no memory to tell of it");
	version = check_access_newest();
}

void operator_access(uint8_t to)
{
	access_wanted = to;
	proc_ask(do_access);
}

static void do_hook(void)
{
	tgt_alua_done_fn *done = hook.done;

	hook.done = NULL;
	if (done)
		done(hook.arg, dice_below(4) ? 0 : -EIO);
}

static void on_hook(struct sched_ev *e)
{
	(void)e;
	proc_ask(do_hook);
}

/* The program of DEVICE_GROUP: it takes its time, and may fail. */
void operator_hook_run(void *ctx, const struct tgt_alua_ask *asked, tgt_alua_done_fn *done,
		       void *arg)
{
	(void)ctx;
	(void)asked;
	check(!hook.done);
	hook.done = done;
	hook.arg = arg;
	hook.ev.run = on_hook;
	sched_in(&hook.ev, dice_log(1000, HOOK_NS));
}

void operator_hook_abandon(void)
{
	sched_cancel(&hook.ev);
	hook.done = NULL;
}

/* --- media --- */

static struct {
	unsigned disk;
	bool in;
} medium_wanted;

/* One answer to an operator: of disk @disk. */
struct medium_answer {
	unsigned disk;
	uint64_t version;
};

static void medium_told(void *ctx)
{
	const struct medium_answer *a = ctx;

	trace("srptd: the medium of disk %u has moved", a->disk);
	check_medium_answered((int)a->disk, a->version);
}

static void do_medium(void)
{
	static struct medium_answer answers[16]; /* more are never under way */
	static unsigned n;
	struct tgt_unit *u = proc_unit(medium_wanted.disk);
	struct medium_answer *a = &answers[n++ % ARRAY_SIZE(answers)];
	int r;

	if (!proc_daemon() || !u)
		return;
	a->disk = medium_wanted.disk;
	r = medium_wanted.in ? tgt_unit_insert(u, medium_told, a)
			     : tgt_unit_eject(u, medium_told, a);
	trace("srptd: an operator moves the medium of disk %u %s, %d", a->disk,
	      medium_wanted.in ? "in" : "out", r);
	a->version = check_medium_moved((int)a->disk);
}

void operator_medium(unsigned disk, bool in)
{
	medium_wanted.disk = disk;
	medium_wanted.in = in;
	proc_ask(do_medium);
}

/* --- faults on demand --- */

static struct {
	unsigned disk;
	struct fault_spec spec;
} fault_wanted;

static void fault_told(void *ctx, uint32_t id)
{
	(void)ctx;
	trace("srptd: fault %u is in force", id);
}

/* Who meets one is excused. What is delayed may hold others up; what is lost holds up nobody. */
static void excuse_hit(const struct fault_spec *f)
{
	for (unsigned i = 0; i < DISKS_MAX; i++)
		if (f->unit && proc_unit(i) == f->unit)
			excuse_until(EXCUSE_DISK, (int)i, sched_now_ns() + f->delay_ns);
	if (f->kind == FAULT_DROP)
		excuse(EXCUSE_NET, -1);
}

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp,readability-identifier-naming): the linker's names */
struct fault *__real_faults_strike(struct faults *s, const struct fault_event *ev);
struct fault *__wrap_faults_strike(struct faults *s, const struct fault_event *ev);

struct fault *__wrap_faults_strike(struct faults *s, const struct fault_event *ev)
{
	struct fault *f = __real_faults_strike(s, ev);

	if (f)
		excuse_hit(&f->spec);
	return f;
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp,readability-identifier-naming) */

static void do_fault(void)
{
	const struct daemon *d = proc_daemon();
	struct fault_spec f = fault_wanted.spec;

	f.unit = proc_unit(fault_wanted.disk);
	if (!d || !f.unit)
		return;
	trace("srptd: an operator asks for %s at disk %u", fault_kind_name(f.kind),
	      fault_wanted.disk);
	if (tgt_fault_add(d->tgt, &f, fault_told, NULL))
		trace("srptd: it cannot");
}

void operator_fault(unsigned disk, const struct fault_spec *spec)
{
	fault_wanted.disk = disk;
	fault_wanted.spec = *spec;
	proc_ask(do_fault);
}

/* --- suspending --- */

static struct {
	unsigned disk;
	uint64_t deadline_ns;
	uint64_t for_ns;
} suspend_wanted;
static unsigned
	resume_wanted; /* disk; who asks for one may ask for the other in the same instant */

static void suspend_told(void *ctx, int result)
{
	const unsigned *disk = ctx;

	trace("srptd: disk %u is suspended, %d", *disk, result);
	check_suspend_told(*disk, result);
}

static void do_suspend(void)
{
	static unsigned asker[DISKS_MAX];
	unsigned disk = suspend_wanted.disk;
	uint64_t most = suspend_wanted.for_ns;
	uint64_t until_ns = most ? sched_now_ns() + most : UINT64_MAX;
	struct tgt_unit *u = proc_unit(disk);
	const struct scsi_lu *lu;
	int r;

	if (!proc_daemon() || !u)
		return;
	lu = tgt_unit_lu(u);
	asker[disk] = disk;
	if (lu->suspend == SCSI_SUSPEND_SERVING)
		check_suspend_asked(disk, sched_now_ns() + suspend_wanted.deadline_ns, until_ns);
	r = tgt_unit_suspend(u, suspend_wanted.deadline_ns, most, suspend_told, &asker[disk]);
	trace("srptd: an operator suspends disk %u, %d", disk, r);
	if (r == SCSI_SUSPEND_E_ALREADY)
		check_suspend_longer(disk, until_ns);
	else if (r && r != SCSI_SUSPEND_E_UNDER_WAY)
		check_suspend_reset_one(disk);
}

static void do_resume(void)
{
	for (unsigned i = 0; i < DISKS_MAX; i++) {
		struct tgt_unit *u = resume_wanted & BIT(i) ? proc_unit(i) : NULL;

		if (!proc_daemon() || !u)
			continue;
		trace("srptd: an operator resumes disk %u", i);
		check_suspend_over(i);
		(void)tgt_unit_resume(u);
	}
	resume_wanted = 0;
}

void operator_suspend(unsigned disk, uint64_t deadline_ns, uint64_t for_ns)
{
	suspend_wanted.disk = disk;
	suspend_wanted.deadline_ns = deadline_ns;
	suspend_wanted.for_ns = for_ns;
	proc_ask(do_suspend);
}

void operator_resume(unsigned disk)
{
	resume_wanted |= BIT(disk);
	proc_ask(do_resume);
}

/* --- the first target --- */

#define CLOSED_NS NSEC_PER_SEC /* until the channels of a target that was disabled are told */

static uint64_t disabled_ns; /* when the first target was disabled last */

/* NULL: there is none, or the process does not run. */
static struct tgt_port *first_port(void)
{
	const struct daemon *d = proc_daemon();

	return !d || list_empty(&d->ports) ? NULL
					   : list_entry(d->ports.next, struct dport, node)->port;
}

static void do_disable(void)
{
	disabled_ns = sched_now_ns();
	if (!first_port())
		return;
	trace("srptd: the first target is disabled");
	excuse_hold(EXCUSE_CLOSE, -1, true);
	tgt_port_disable(first_port());
}

static void do_enable(void)
{
	/* A reload may have enabled it before, and logins that others give way to may be going on. */
	if (first_port() && !tgt_port_info(first_port()).enabled &&
	    sched_now_ns() - disabled_ns > CLOSED_NS && !excused(EXCUSE_SLOW, -1, UINT64_MAX))
		check_target_closed(proc_daemon()->tgt);
	if (!first_port() || !proc_config()->enabled)
		return;
	trace("srptd: the first target is enabled");
	tgt_port_enable(first_port());
}

void operator_disable(void)
{
	proc_ask(do_disable);
}

void operator_enable(void)
{
	if (proc_daemon())
		excuse_hold(EXCUSE_CLOSE, -1, false);
	proc_ask(do_enable);
}
