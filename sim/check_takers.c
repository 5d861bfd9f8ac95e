/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What takes commands from others, at one unit: task management functions, and PREEMPT AND ABORT. */
#include "sim/check.h"
#include "sim/disk.h"
#include "sim/sched.h"
#include "sim/world.h"

#define STRAY_NS (30 * NSEC_PER_SEC) /* a function whose channel died may still be under way */

static struct {
	unsigned n;        /* under way */
	uint64_t since;    /* the tick at which the first of them began */
	uint64_t met;      /* the last tick at which there were two */
	uint64_t stray_ns; /* one that was lost may be under way until then */
} takers[DISKS_MAX + 1];

static unsigned index_of(int disk)
{
	return disk < 0 ? DISKS_MAX : (unsigned)disk;
}

void check_taker_counts(int disk, bool begins)
{
	unsigned i = index_of(disk);
	unsigned others = begins ? takers[i].n++ : --takers[i].n;

	if (begins && !others)
		takers[i].since = sched_tick();
	if (others)
		takers[i].met = sched_tick();
}

void check_taker_begins(int disk)
{
	excuse_begin(EXCUSE_RESET, disk);
	check_taker_counts(disk, true);
}

void check_taker_lost(int disk)
{
	excuse_until(EXCUSE_RESET, disk, sched_now_ns() + STRAY_NS);
	takers[index_of(disk)].stray_ns = sched_now_ns() + STRAY_NS;
}

void check_taker_ended(int disk, bool known)
{
	excuse_end(EXCUSE_RESET, disk);
	check_taker_counts(disk, false);
	if (!known)
		check_taker_lost(disk);
}

bool check_taker_was_alone(int disk, uint64_t tick)
{
	return takers[disk].met < tick && takers[disk].stray_ns < sched_now_ns();
}

uint64_t check_takers_since(int disk)
{
	return takers[disk].n ? takers[disk].since : UINT64_MAX;
}

bool check_taker_strays(int disk)
{
	return takers[disk].stray_ns >= sched_now_ns();
}
