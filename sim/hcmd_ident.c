/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Commands of a host that write what a unit is called and what time it is, and ask for that. */
#include "sim/dice.h"
#include "sim/hcmd.h"
#include "sim/proc.h"

static void put_clock(struct hcmd *cmd)
{
	cmd->cdb[0] = SCSI_OP_MAINTENANCE_OUT;
	cmd->cdb[1] = SCSI_SA_SET_TIMESTAMP;
	cmd->out = true;
	cmd->len = 12;
	memset(cmd->buf, 0, cmd->len);
	put_be16(cmd->buf + 4, (uint16_t)dice_below(2)); /* of six bytes */
	put_be32(cmd->buf + 6, dice_below(UINT32_MAX));
	put_be32(cmd->cdb + 6, cmd->len);
}

/* Text, which ends with a NUL, or any bytes; or what was there is taken back. */
static void put_info(struct hcmd *cmd)
{
	bool text = dice_below(2);

	cmd->cdb[0] = SCSI_OP_MAINTENANCE_OUT;
	cmd->cdb[1] = SCSI_SA_SET_IDENTIFYING_INFO;
	cmd->cdb[10] = text ? HCMD_IDENT_TEXT << 1 : 0;
	cmd->len =
		dice_below(6) ? 1 + dice_below(text ? HCMD_IDENT_MAX : HCMD_IDENT_DEVICE_MAX) : 0;
	cmd->out = cmd->len;
	for (uint32_t i = 0; i < cmd->len; i++)
		cmd->buf[i] = (uint8_t)(text ? 'a' + dice_below(26) : dice_below(256));
	if (text && cmd->len)
		cmd->buf[cmd->len - 1] = 0;
	put_be32(cmd->cdb + 6, cmd->len);
}

static void ask(struct hcmd *cmd)
{
	bool clock = dice_below(3) == 0;

	cmd->cdb[0] = SCSI_OP_MAINTENANCE_IN;
	cmd->cdb[1] = clock ? SCSI_SA_TIMESTAMP : SCSI_SA_IDENTIFYING_INFO;
	cmd->cdb[10] = clock || dice_below(2) ? 0 : HCMD_IDENT_TEXT << 1;
	cmd->len = (uint32_t)dice_range(4, HCMD_IDENT_MAX + 16);
	put_be32(cmd->cdb + 6, cmd->len);
}

void make_ident(struct hchan *c, struct hcmd *cmd)
{
	(void)c;
	/* Without a place to keep it no information can be set. */
	if (dice_below(2))
		ask(cmd);
	else if (proc_config()->keeps && dice_below(3))
		put_info(cmd);
	else
		put_clock(cmd);
}
