/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Suspended disks: from when an operator is told that a disk is suspended until it is resumed nothing of it is read or
 * written, by a request or through its memory; when he is told, nothing is under way there and all is stable. He is told
 * once, soon after his deadline at the latest; and when its time is over the disk serves again. (That nothing gets
 * lost meanwhile is judged as ever: hosts have a reason for being late, and none for an error.) Nobody is left waiting.
 */
#include "base/check.h"
#include "scsi/scsi.h"
#include "sim/check.h"
#include "sim/disk.h"
#include "sim/proc.h"
#include "sim/sched.h"
#include "sim/spy.h"
#include "sim/world.h"

static struct suspension {
	bool asked;           /* and not resumed since */
	bool pending;         /* who asked has not been told */
	bool told;            /* that it is suspended */
	uint64_t deadline_ns; /* of being told */
	uint64_t until_ns;    /* UINT64_MAX: no end */
} disks[DISKS_MAX];

void check_suspend_asked(unsigned disk, uint64_t deadline_ns, uint64_t until_ns)
{
	disks[disk] = (struct suspension){ .asked = true,
					   .pending = true,
					   .deadline_ns = min_u64(deadline_ns, until_ns),
					   .until_ns = until_ns };
}

void check_suspend_longer(unsigned disk, uint64_t until_ns)
{
	disks[disk].until_ns = until_ns;
}

void check_suspend_told(unsigned disk, int result)
{
	struct suspension *s = &disks[disk];

	if (!s->pending)
		fail_now("suspend: it is told twice what has become of disk %u", disk);
	s->pending = false;
	if (result) {
		check_suspend_over(disk);
		return;
	}
	s->told = true;
	if (!disk_is_settled(disk))
		fail_now("suspend: disk %u is said to be suspended, and is at work or not stable",
			 disk);
}

void check_suspend_over(unsigned disk)
{
	disks[disk].asked = false;
	disks[disk].told = false;
}

void check_suspend_reload(void)
{
	for (unsigned i = 0; i < DISKS_MAX; i++)
		disks[i].told = false;
}

void check_suspend_reset_one(unsigned disk)
{
	disks[disk] = (struct suspension){ 0 };
}

void check_suspend_reset(void)
{
	for (unsigned i = 0; i < DISKS_MAX; i++)
		check_suspend_reset_one(i);
}

bool check_suspend_is(unsigned disk)
{
	return disks[disk].told && sched_now_ns() < disks[disk].until_ns;
}

bool check_suspend_may_wait(void)
{
	for (unsigned i = 0; i < DISKS_MAX; i++)
		if (disks[i].asked)
			return true;
	return false;
}

void check_suspend_io(unsigned disk)
{
	if (check_suspend_is(disk))
		fail_now("suspend: a request reaches disk %u, which is suspended", disk);
}

void check_suspend_stepped(const struct spied *s, const struct scsi_act *act)
{
	int disk = s->lu ? check_pr_disk(s->lu) : -1;

	/* What is in memory is read without a request. */
	if (act->type == SCSI_ACT_READ && disk >= 0 && !s->orphan &&
	    check_suspend_is((unsigned)disk))
		fail_now("suspend: command %u of %s (chan %u) reads disk %d, which is suspended",
			 s->nth, s->host ? s->host->name : "a rogue", s->chan, disk);
}

/* Somebody waits in the set of a unit that serves, and there is nobody that he could wait for. */
static bool is_forgotten(const struct scsi_lu *lu)
{
	const struct scsi_order *o = &lu->order;

	/* while workers take their views somebody waits for that */
	return lu->suspend == SCSI_SUSPEND_SERVING && o->state != SCSI_ORDER_GATHERING &&
	       !o->holds.asking && !o->holds.n && !o->n_enabled && !o->set.aca &&
	       !o->set.n_started && !list_empty(&o->set.dormant);
}

void check_suspend_look(unsigned disk, const struct scsi_lu *lu)
{
	const struct suspension *s = &disks[disk];
	uint64_t late_ns = sched_now_ns() - held_up_ns();

	if (is_forgotten(lu))
		fail_now("suspend: disk %u serves, and does not go on with who waits there", disk);
	if (sched_now_ns() < held_up_ns() || excused(EXCUSE_SLOW, -1, UINT64_MAX))
		return;
	if (s->pending && late_ns > s->deadline_ns)
		fail_now("suspend: the deadline for disk %u is over, and who asked is not told",
			 disk);
	if (s->asked && late_ns > s->until_ns && lu->suspend != SCSI_SUSPEND_SERVING)
		fail_now("suspend: the time of disk %u is over, and it is not resumed", disk);
}
