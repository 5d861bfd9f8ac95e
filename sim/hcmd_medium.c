/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Commands of a host to a unit with a medium that can be taken out. */
#include "sim/dice.h"
#include "sim/hcmd.h"
#include "sim/proc.h"

/* Where nothing can be taken out it must be refused. */
static void move(struct hcmd *cmd)
{
	/* What is out comes back soon, or little else would be seen. */
	bool in = dice_below(3);

	cmd->cdb[0] = SCSI_OP_START_STOP_UNIT;
	cmd->cdb[4] = (uint8_t)(HCMD_LOEJ | (in ? 1 : 0));
}

/* Of a removable unit: into standby, which ends by itself. */
static void stop(struct hcmd *cmd)
{
	bool removable = proc_config()->removable[cmd->disk];

	cmd->cdb[0] = SCSI_OP_START_STOP_UNIT;
	cmd->cdb[4] = removable && dice_below(2) ? 0 : 1;
}

static void prevent(struct hcmd *cmd)
{
	cmd->cdb[0] = SCSI_OP_PREVENT_ALLOW;
	cmd->cdb[4] = dice_below(3) == 0;
}

void make_medium(struct hchan *c, struct hcmd *cmd)
{
	static void (*const kinds[])(struct hcmd *) = { move, move, move, prevent, stop };

	(void)c;
	kinds[dice_below(ARRAY_SIZE(kinds))](cmd);
}

void make_load(struct hcmd *cmd)
{
	bool removable = proc_config()->removable[cmd->disk];

	cmd->op = removable ? HOP_MEDIUM : HOP_STOP;
	cmd->cdb[0] = SCSI_OP_START_STOP_UNIT;
	cmd->cdb[4] = removable ? HCMD_LOEJ | 1 : 1;
}
