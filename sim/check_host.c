/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Channels and commands of hosts that follow the rules: each command is answered, or there is a reason. */
#include "sim/check.h"
#include "sim/disk.h"
#include "sim/fabric.h"
#include "sim/hcmd.h"
#include "sim/inject.h"
#include "sim/model.h"
#include "sim/proc.h"
#include "sim/sched.h"
#include "sim/world.h"
#include "wire/sense.h"

#define MAY_DELAY                                                                     \
	(BIT(EXCUSE_NET) | BIT(EXCUSE_DISK) | BIT(EXCUSE_RESET) | BIT(EXCUSE_CLOSE) | \
	 BIT(EXCUSE_DIED) | BIT(EXCUSE_SLOW) | BIT(EXCUSE_REMAP))
#define EVER 1u /* since the first tick */
#define MAY_END                                                                        \
	(BIT(EXCUSE_NET) | BIT(EXCUSE_CLOSE) | BIT(EXCUSE_DIED) | BIT(EXCUSE_MEMORY) | \
	 BIT(EXCUSE_SLOW))

#define ANSWER_NS NSEC_PER_SEC /* an answer is on its way no longer than this */

/* It has ended inside the target and shall have an answer without data: then that must have come by now. */
static void check_not_lost(const struct hchan *c, const struct hcmd *cmd)
{
	if (!cmd->over_ns || cmd->over_ns + ANSWER_NS > sched_now_ns() || cmd->cut || cmd->sends ||
	    excused_any(MAY_END, -1, cmd->sent_tick))
		return;
	fail_now("%s chan %u: the answer to command %u got lost", c->h->name, c->number, cmd->nth);
}

/* A call that fails ends a command or the channel, and soon; but the host may not hear of that. */
static bool failed_unheard(const struct hchan *c, uint64_t tick)
{
	return excused(EXCUSE_MEMORY, -1, tick) && !fabric_has_peer(c->fc);
}

void check_command_late(struct hchan *c, const struct hcmd *cmd)
{
	check_not_lost(c, cmd);
	if (cmd->may_be_gone ||
	    excused_any(MAY_DELAY | BIT(EXCUSE_SUSPEND), cmd->disk, cmd->sent_tick) ||
	    excused_until(MAY_DELAY, cmd->disk, cmd->sent_ns) || excused_disks(cmd->sent_tick) ||
	    failed_unheard(c, cmd->sent_tick))
		return;
	fail_now("%s chan %u: command %u was not answered within %llu ms, for no reason",
		 c->h->name, c->number, cmd->nth,
		 (unsigned long long)(c->h->ways.timeout_ns / NSEC_PER_MSEC));
}

void check_task_late(struct hchan *c)
{
	if (excused_any(MAY_DELAY, -1, c->tmf_tick) || excused_disks(c->tmf_tick) ||
	    failed_unheard(c, c->tmf_tick))
		return;
	fail_now("%s chan %u: a task management function was not answered, for no reason",
		 c->h->name, c->number);
}

void check_channel_down(struct hchan *c)
{
	struct host *h = c->h;

	if (c->asked_down || excused_any(MAY_END & ~BIT(EXCUSE_MEMORY), -1, c->opened_tick))
		return;
	if (excused(EXCUSE_MEMORY, -1, c->opened_tick)) {
		if (c->was_up)
			inject_harmed(h);
		return;
	}
	/* A login that was refused has said why; who was denied, or the limits. */
	if (!c->was_up &&
	    (c->was_rejected || (c->core.why.why == ICHAN_WHY_REJECTED && c->core.why.code)))
		return;
	/* Old channels that do not end keep the login from being answered: they wait for a disk, or
	 * for a peer that has gone. */
	if (!c->was_up &&
	    (!proc_admits(h->index) || excused_disks(EVER) || h->silent_until_ns > sched_now_ns()))
		return;
	/* A command that is not answered in time ends the channel; why was asked then. */
	if (c->core.why.why == ICHAN_WHY_TIMEOUT &&
	    (excused_disks(c->opened_tick) || excused(EXCUSE_SUSPEND, -1, c->opened_tick)))
		return;
	fail_now("%s chan %u: it ended for no reason: %s", h->name, c->number,
		 c->core.why.text ? c->core.why.text : "nothing was said");
}

void check_admitted(const struct hchan *c, const struct hcmd *cmd)
{
	if (!proc_admits(c->h->index) &&
	    !excused_any(BIT(EXCUSE_CLOSE) | BIT(EXCUSE_REMAP) | BIT(EXCUSE_MEMORY) |
				 BIT(EXCUSE_SLOW) | BIT(EXCUSE_NET),
			 -1, cmd->sent_tick))
		fail_now("%s chan %u: command %u was answered, and the host is not let in",
			 c->h->name, c->number, cmd->nth);
}

/* --- statuses --- */

static noreturn void no_reason(struct hchan *c, const struct hcmd *cmd, const struct sense *s)
{
	fail_now("%s chan %u: command %u: status %x, sense %x/%04x for no reason", c->h->name,
		 c->number, cmd->nth, cmd->status, s->key, s->asc);
}

static bool may_be_protected(const struct hcmd *cmd)
{
	return proc_lun_read_only(cmd->disk) ||
	       check_keep_was_protected(cmd->disk, cmd->sent_tick) ||
	       excused_any(BIT(EXCUSE_REMAP) | BIT(EXCUSE_MEMORY), cmd->disk, cmd->sent_tick);
}

static bool may_be_unmapped(const struct hchan *c, const struct hcmd *cmd)
{
	return !proc_lun_mapped(c->h->index, cmd->disk) ||
	       excused_any(BIT(EXCUSE_REMAP) | BIT(EXCUSE_MEMORY), cmd->disk, cmd->sent_tick);
}

/* Do the blocks it compares hold something else than they did when it was made? */
static bool has_moved(const struct hcmd *cmd)
{
	for (uint32_t i = 0; i < cmd->n; i++)
		if (model_only((unsigned)cmd->disk, cmd->lba + i) != cmd->expect[i])
			return true;
	return false;
}

static bool check_condition_ok(const struct hchan *c, const struct hcmd *cmd, const struct sense *s)
{
	bool disk = excused(EXCUSE_DISK, cmd->disk, cmd->sent_tick);

	if (cmd->op == HOP_COPY && hcmd_copy_may_fail(c, cmd, s))
		return true;
	switch (s->key) {
	case SENSE_COPY_ABORTED:
		return cmd->op == HOP_BAD;
	case SENSE_NOT_READY:
		if (check_access_state(s->asc) >= 0)
			return check_access_kept_out(cmd->cdb, s->asc, cmd->sent_tick);
		if (s->asc == ASC_FORMATTING || s->asc == ASC_SANITIZING)
			return check_erase_was(cmd->disk, cmd->sent_tick) && s->progress_valid;
		if (s->asc == ASC_NO_MEDIUM)
			return check_medium_was_out(cmd->disk, cmd->sent_tick);
		if (s->asc == ASC_NEEDS_START && proc_config()->removable[cmd->disk])
			return false; /* it starts by itself */
		return s->asc == ASC_NEEDS_START ? excused(EXCUSE_STOP, cmd->disk, cmd->sent_tick)
						 : disk;
	case SENSE_ILLEGAL_REQUEST:
		if (s->asc == ASC_LUN_NOT_SUPPORTED)
			return may_be_unmapped(c, cmd);
		if (s->asc == ASC_LBA_OUT_OF_RANGE && check_size_refuses(cmd))
			return true;
		if (s->asc == ASC_REMOVAL_PREVENTED)
			return cmd->op == HOP_MEDIUM &&
			       check_medium_was_kept(cmd->disk, cmd->sent_tick);
		if (cmd->op == HOP_MEDIUM && !proc_config()->removable[cmd->disk])
			return true;
		/* What is wrong with a PERSISTENT RESERVE OUT is known to check_pr.c. */
		return cmd->op == HOP_BAD || cmd->op == HOP_PR_OUT || may_be_unmapped(c, cmd);
	case SENSE_DATA_PROTECT:
		return disk || (s->asc == ASC_WRITE_PROTECTED && may_be_protected(cmd));
	case SENSE_MISCOMPARE:
		return cmd->differs || has_moved(cmd);
	case SENSE_HARDWARE_ERROR:
		return disk || (s->asc == ASC_SET_TPGS_FAILED && cmd->op == HOP_ACCESS &&
				(proc_config()->hook || excused_disks(cmd->sent_tick)));
	case SENSE_ABORTED_COMMAND:
		return disk || excused_any(MAY_END, cmd->disk, cmd->sent_tick);
	default:
		return disk;
	}
}

void check_status(struct hchan *c, const struct hcmd *cmd)
{
	struct sense s = { 0 };
	bool ok = false;

	if (cmd->sense_len)
		(void)sense_decode(cmd->sense, cmd->sense_len, &s);
	switch (cmd->status) {
	case SCSI_STATUS_BUSY:
		ok = excused_any(BIT(EXCUSE_DISK) | BIT(EXCUSE_MEMORY), cmd->disk,
				 cmd->sent_tick) ||
		     (cmd->op == HOP_ACCESS && check_access_others()) ||
		     cmd->cdb[0] == SCSI_OP_THIRD_PARTY_COPY_OUT; /* too many have an identifier */
		break;
	case SCSI_STATUS_TASK_ABORTED:
		ok = cmd->told_abort ||
		     (cmd->sends && excused(EXCUSE_RESET, cmd->disk, cmd->sent_tick));
		break;
	case SCSI_STATUS_RESERVATION_CONFLICT:
		ok = cmd->conflict;
		break;
	case SCSI_STATUS_CHECK_CONDITION:
		ok = check_condition_ok(c, cmd, &s);
		break;
	default:
		break;
	}
	if (!ok)
		no_reason(c, cmd, &s);
}
