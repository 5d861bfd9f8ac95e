/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * TAS: what becomes of a command that another nexus has aborted. With TAS=1 it ends with TASK ABORTED, with TAS=0
 * without a word (SAM-5 5.3.1); one that its own nexus has aborted always ends so. Which TAS counts is known only where
 * the mode page was the same for as long as what aborts, and what is aborted, was under way.
 */
#include "scsi/scsi.h"
#include "sim/check.h"
#include "sim/proc.h"
#include "sim/spy.h"
#include "sim/world.h"

static bool preempts(const struct hcmd *cmd, int disk)
{
	return cmd->busy && cmd->disk == disk && cmd->op == HOP_PR_OUT &&
	       cmd->cdb[1] == SCSI_PR_OUT_PREEMPT_AND_ABORT;
}

/* Has @h something under way that aborts commands at @disk, of its own (@own) or of others? */
static bool aborts(const struct host *h, int disk, bool own)
{
	for (unsigned i = 0; i < HOST_CHANS_MAX; i++) {
		const struct hchan *c = h->chan[i];

		if (!c)
			continue;
		if (c->core.tmf.busy && (own || (c->tmf_lun == disk && check_takes(c->tmf_fn))))
			return true;
		for (unsigned k = 0; k < HOST_SLOTS_MAX; k++)
			if (preempts(&c->cmd[k], disk))
				return true;
	}
	return false;
}

static bool others_abort(const struct host *by, int disk)
{
	for (unsigned i = 0; i < HOSTS_MAX; i++)
		if (host_at(i) && host_at(i) != by && aborts(host_at(i), disk, false))
			return true;
	return false;
}

void check_tas(const struct spied *s, const struct scsi_task *t, const struct hcmd *cmd)
{
	bool told = !t->aborted && t->status == SCSI_STATUS_TASK_ABORTED;
	int disk = cmd->disk;
	uint64_t tick;

	if (disk < 0 || s->orphan || !(told || t->aborted) || check_ua_is_wild(s->host, disk) ||
	    check_taker_strays(disk))
		return;
	tick = min_u64(cmd->sent_tick, check_takers_since(disk));
	if (check_keep_clears(disk, tick) ||
	    excused_any(BIT(EXCUSE_REMAP) | BIT(EXCUSE_CLOSE), disk, cmd->sent_tick))
		return;
	if (told && !check_keep_may_tell(disk, tick, true))
		fail_now("TAS: command %u of %s (chan %u) ends with TASK ABORTED, and TAS is 0",
			 s->nth, s->host->name, s->chan);
	if (told && !others_abort(s->host, disk))
		fail_now("TAS: command %u of %s (chan %u) ends with TASK ABORTED, and no other "
			 "nexus aborts it",
			 s->nth, s->host->name, s->chan);
	if (!told && !aborts(s->host, disk, true) && !check_keep_may_tell(disk, tick, false))
		fail_now("TAS: command %u of %s (chan %u) was aborted without a word, and TAS is 1",
			 s->nth, s->host->name, s->chan);
}
