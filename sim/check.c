/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Excuses: what happened in the world that may make a command fail. */
#include "sim/check.h"

#include "sim/disk.h"
#include "sim/sched.h"
#include "sim/world.h"

#define ALL DISKS_MAX /* place of what is of no disk in particular */

struct excuse_state {
	uint64_t tick;     /* when it happened last */
	uint64_t until_ns; /* it goes on until then */
	unsigned held;
};

static struct excuse_state states[EXCUSE_COUNT][DISKS_MAX + 1];

static struct excuse_state *at(enum excuse e, int disk)
{
	return &states[e][disk < 0 ? ALL : (unsigned)disk];
}

void excuse(enum excuse e, int disk)
{
	at(e, disk)->tick = sched_tick();
}

void excuse_until(enum excuse e, int disk, uint64_t until_ns)
{
	excuse(e, disk);
	if (until_ns > at(e, disk)->until_ns)
		at(e, disk)->until_ns = until_ns;
}

void excuse_hold(enum excuse e, int disk, bool on)
{
	excuse(e, disk);
	at(e, disk)->held = on;
}

void excuse_begin(enum excuse e, int disk)
{
	excuse(e, disk);
	at(e, disk)->held++;
}

void excuse_end(enum excuse e, int disk)
{
	excuse(e, disk);
	if (at(e, disk)->held)
		at(e, disk)->held--;
}

static bool is_on(const struct excuse_state *s, uint64_t tick)
{
	return s->held || (s->tick && s->tick >= tick) || s->until_ns > sched_now_ns();
}

bool excused(enum excuse e, int disk, uint64_t tick)
{
	if (e == EXCUSE_DISK && disk >= 0 && disk_misbehaves((unsigned)disk))
		return true;
	return is_on(at(e, -1), tick) || (disk >= 0 && is_on(at(e, disk), tick));
}

bool excused_any(unsigned set, int disk, uint64_t tick)
{
	for (unsigned e = 0; e < EXCUSE_COUNT; e++)
		if (set & BIT(e) && excused((enum excuse)e, disk, tick))
			return true;
	return false;
}

bool excused_until(unsigned set, int disk, uint64_t since_ns)
{
	for (unsigned e = 0; e < EXCUSE_COUNT; e++)
		if (set & BIT(e) && (at((enum excuse)e, -1)->until_ns > since_ns ||
				     (disk >= 0 && at((enum excuse)e, disk)->until_ns > since_ns)))
			return true;
	return false;
}

bool is_held_up(void)
{
	return sched_pace.stall_pmille || excused(EXCUSE_SLOW, -1, UINT64_MAX);
}

uint64_t held_up_ns(void)
{
	return is_held_up() ? 2 * NSEC_PER_SEC : 20 * NSEC_PER_MSEC;
}

bool excused_disks(uint64_t tick)
{
	for (int i = 0; i < (int)DISKS_MAX; i++)
		if (excused(EXCUSE_DISK, i, tick))
			return true;
	return false;
}
