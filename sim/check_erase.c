/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * FORMAT UNIT and SANITIZE: the erasing belongs to the unit, not to the command that began it.
 *
 * For the model it is a write of zeroes to every block, which is over when a GOOD that waited for it says so, or, with
 * IMMED, when the unit has nothing to erase any more; also after a restart, if units keep their state: what was erased
 * when that was answered is never read again. Meanwhile who needs the medium is told NOT READY, with the
 * progress, and nobody is told so at another time.
 */
#include "scsi/scsi.h"
#include "sim/check.h"
#include "sim/deeds.h"
#include "sim/disk.h"
#include "sim/model.h"
#include "sim/proc.h"
#include "sim/sched.h"
#include "sim/spy.h"
#include "sim/world.h"
#include "wire/sense.h"

#define STRAY_NS (60 * NSEC_PER_SEC) /* a command that was lost has begun by then, or never will */

static struct erasing {
	const struct hcmd *by; /* NULL: its command is over */
	uint32_t write;        /* of the model; 0: nothing is under way */
	bool sure;             /* it has begun, and goes on */
	uint64_t from_ns;      /* it may be over from then on */
	uint64_t ended;        /* when it was over, a tick */
} erasing[DISKS_MAX];

bool check_erase_begins(struct hcmd *cmd)
{
	struct erasing *e = &erasing[cmd->disk];

	if (e->write)
		return false;
	cmd->write = model_write((unsigned)cmd->disk, 0, (uint32_t)proc_lun_blocks(cmd->disk),
				 MODEL_ZERO, "an erasing");
	e->by = cmd;
	e->write = cmd->write;
	e->sure = false;
	return true;
}

static void over(struct erasing *e, enum model_outcome o)
{
	if (model_write_is_open(e->write))
		model_write_end(e->write, o, o == MODEL_GOOD);
	e->write = 0;
	e->by = NULL;
	e->ended = sched_tick();
}

/* Its command is over; the write is not its own any more. */
static void let_go(struct hcmd *cmd, bool sure)
{
	struct erasing *e = &erasing[cmd->disk];

	e->by = NULL;
	e->sure = sure;
	e->from_ns = sched_now_ns() + (sure ? 0 : STRAY_NS);
	cmd->write = 0;
}

void check_erase_good(struct hcmd *cmd)
{
	if (cmd->immed) {
		let_go(cmd, true);
		deeds_moment(MOMENT_KEPT);
		return;
	}
	over(&erasing[cmd->disk], MODEL_GOOD);
	cmd->write = 0;
}

void check_erase_failed(struct hcmd *cmd, bool untouched)
{
	if (!untouched) {
		let_go(cmd, false);
		return;
	}
	over(&erasing[cmd->disk], MODEL_NEVER);
	cmd->write = 0;
}

static void finds_command(struct spied *s, void *lu)
{
	if (s->lu == *(const struct scsi_lu **)lu &&
	    (s->cdb[0] == SCSI_OP_FORMAT_UNIT || s->cdb[0] == SCSI_OP_SANITIZE))
		*(const struct scsi_lu **)lu = NULL;
}

void check_erase_look(const struct scsi_lu *lu, int disk)
{
	struct erasing *e = &erasing[disk];

	if (!e->write || e->by || e->from_ns > sched_now_ns() || lu->erase.kind)
		return;
	spy_each(finds_command, &lu);
	if (!lu)
		return;
	trace("disk %u: nothing is erased any more, %s", disk, e->sure ? "all is" : "it may be");
	over(e, e->sure ? MODEL_GOOD : MODEL_UNSURE);
}

void check_erase_found(int disk)
{
	if (!proc_config()->keeps)
		erasing[disk].sure = false;
}

bool check_erase_was(int disk, uint64_t tick)
{
	return erasing[disk].write || erasing[disk].ended >= tick;
}

void check_erase_looked(const struct spied *s, const struct scsi_act *act)
{
	const struct erasing *e = s->disk < 0 ? NULL : &erasing[s->disk];

	/* At home that is known at once, elsewhere when the command that began it was answered. */
	if (!e || s->orphan || !s->lu || !s->lu->erase.kind || !check_access_needs(s->cdb) ||
	    !(s->entered || (e->write && !e->by && e->sure)))
		return;
	if (act->type == SCSI_ACT_CLEAR ||
	    (act->type == SCSI_ACT_COMPLETE && s->t->status != SCSI_STATUS_GOOD))
		return;
	fail_now("erase: command %u of %s (chan %u), opcode %02x, is served by disk %d, which is "
		 "being erased",
		 s->nth, s->host ? s->host->name : "a rogue", s->chan, s->cdb[0], s->disk);
}
