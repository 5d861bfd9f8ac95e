/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Unit attentions: each is due for a reason, is told once, and is told before anything else is done. */
#include "sim/check.h"
#include "sim/cover.h"
#include "sim/proc.h"
#include "sim/sched.h"
#include "sim/world.h"

void check_login(struct host *h)
{
	(void)h;
}

void check_host_in(struct host *h)
{
	(void)h;
}

void check_host_out(struct host *h)
{
	(void)h;
}

/* It may take commands from others (or from other channels); one whose channel died may still be under way. */
#define STRAY_NS (30 * NSEC_PER_SEC)

static bool takes_from_others(uint8_t function)
{
	return function == SRP_TMF_LUN_RESET || function == SRP_TMF_CLEAR_TASK_SET ||
	       function == SRP_TMF_ABORT_TASK_SET;
}

static int disk_of(uint16_t lun)
{
	return lun < proc_n_luns() ? (int)lun : -1;
}

void check_task_begins(struct hchan *c, uint8_t function, uint16_t lun)
{
	(void)c;
	cover_hit(COVER_TMF, function);
	if (takes_from_others(function))
		excuse_begin(EXCUSE_RESET, disk_of(lun));
}

void check_task_ended(struct hchan *c, uint8_t function, uint16_t lun, uint64_t tick, int code)
{
	trace("%s chan %u: task management %x at lun %u ends, code %d", c->h->name, c->number,
	      function, lun, code);
	(void)tick;
	if (!takes_from_others(function))
		return;
	excuse_end(EXCUSE_RESET, disk_of(lun));
	if (code < 0)
		excuse_until(EXCUSE_RESET, disk_of(lun), sched_now_ns() + STRAY_NS);
}

void check_attention(struct hchan *c, const struct hcmd *cmd, uint16_t asc)
{
	(void)c;
	(void)cmd;
	if (asc)
		cover_hit(COVER_UA, asc);
}

void check_event_report(struct hchan *c, uint64_t lun, const struct ichan_answer *a)
{
	trace("%s chan %u: an event report of lun %x, %u bytes of sense", c->h->name, c->number,
	      lun >> 48, a->sense_len);
}

void check_remapped(void)
{
}
