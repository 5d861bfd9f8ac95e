/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Commands of a host that ask for something, and those that change what the unit is. */
#include "sim/check.h"
#include "sim/dice.h"
#include "sim/hcmd.h"
#include "sim/proc.h"

#define PARAM_MAX 512u /* bytes of parameter data that is asked for */

void make_question(struct hchan *c, struct hcmd *cmd)
{
	static const int pages[] = { -1, 0x00, 0x80, 0x83, 0x86, 0xb0, 0xb1, 0xb2 };
	static const uint8_t modes[] = { 0x01, 0x08, 0x0a, 0x1c, 0x3f };

	(void)c;
	cmd->len = (uint32_t)dice_range(16, PARAM_MAX);
	switch (cmd->op) {
	case HOP_INQUIRY:
		(void)cdb_put_inquiry(cmd->cdb, pages[dice_below(ARRAY_SIZE(pages))],
				      (uint16_t)cmd->len);
		break;
	case HOP_LUNS:
		(void)cdb_put_report_luns(cmd->cdb, 0, cmd->len);
		break;
	case HOP_CAPACITY:
		if (dice_below(2))
			(void)cdb_put_read_capacity_10(cmd->cdb);
		else
			(void)cdb_put_read_capacity_16(cmd->cdb, cmd->len);
		break;
	case HOP_MODE:
		(void)cdb_put_mode_sense_10(cmd->cdb, modes[dice_below(ARRAY_SIZE(modes))],
					    (uint16_t)cmd->len);
		break;
	case HOP_SENSE:
		cmd->cdb[0] = SCSI_OP_REQUEST_SENSE;
		cmd->cdb[1] = (uint8_t)dice_below(2);
		cmd->cdb[4] = (uint8_t)min_u32(cmd->len, 255);
		break;
	case HOP_CODES:
		cmd->cdb[0] = SCSI_OP_MAINTENANCE_IN;
		cmd->cdb[1] = dice_below(2) ? SCSI_SA_REPORT_SUPPORTED_OPS
					    : SCSI_SA_REPORT_SUPPORTED_TMFS;
		put_be32(cmd->cdb + 6, cmd->len);
		break;
	default:
		(void)cdb_put_test_unit_ready(cmd->cdb);
		cmd->len = 0;
		break;
	}
}

static void put_select(struct hcmd *cmd, const uint8_t control[4])
{
	uint8_t *page = cmd->buf + 8; /* behind the header */

	cmd->out = true;
	cmd->len = 8 + 12;
	memset(cmd->buf, 0, cmd->len);
	page[0] = 0x0a;
	page[1] = 0x0a;
	memcpy(page + 2, control, 4);
	put_be16(page + 8, 0xffff);
	cmd->cdb[0] = SCSI_OP_MODE_SELECT_10;
	cmd->cdb[1] = 0x10; /* PF */
	cmd->cdb[8] = (uint8_t)cmd->len;
}

/* The control mode page: other rules for task sets, for what becomes of commands that are aborted, and of attentions. */
void make_select(struct hchan *c, struct hcmd *cmd)
{
	static const uint8_t qerr[] = { 0, 0, 0, 1, 3 };
	static const uint8_t lock[] = { 0, 0, 0, 0, 2, 3 };
	uint8_t tst = (uint8_t)(0x02 | (dice_below(3) ? 0 : 0x20) | (dice_below(3) ? 0 : 0x04));
	uint8_t clears = (uint8_t)(0x10 | qerr[dice_below(ARRAY_SIZE(qerr))] << 1);
	uint8_t guards = (uint8_t)(lock[dice_below(ARRAY_SIZE(lock))] << 4 |
				   (dice_below(6) ? 0 : 0x08)); /* SWP */
	uint8_t tas = dice_below(2) ? 0x40 : 0;

	(void)c;
	put_select(cmd, (const uint8_t[4]){ tst, clears, guards, tas });
	if (proc_config()->keeps && dice_below(2))
		cmd->cdb[1] |= 0x01; /* SP */
}

void make_select_probe(struct hcmd *cmd)
{
	cmd->op = HOP_SELECT;
	put_select(cmd, (const uint8_t[4]){ 0x02, 0x10, 0, 0 });
}

void make_groups(struct hchan *c, struct hcmd *cmd)
{
	(void)c;
	cmd->cdb[0] = SCSI_OP_MAINTENANCE_IN;
	cmd->cdb[1] = SCSI_SA_REPORT_TPGS;
	cmd->len = (uint32_t)dice_range(16, PARAM_MAX);
	put_be32(cmd->cdb + 6, cmd->len);
}

/* Of its own group, of the other one, or of both. */
void make_access(struct hchan *c, struct hcmd *cmd)
{
	static const uint8_t states[] = { 0, 0, 0, 1, 1, 2, 3 };
	unsigned first = dice_below(4) == 0;
	unsigned n = !first && dice_below(4) == 0 ? 2 : 1;

	(void)c;
	cmd->out = true;
	cmd->len = 4 + 4 * n;
	memset(cmd->buf, 0, cmd->len);
	for (unsigned i = 0; i < n; i++) {
		cmd->buf[4 + 4 * i] = states[dice_below(ARRAY_SIZE(states))];
		put_be16(cmd->buf + 6 + 4 * (size_t)i,
			 first + i ? CHECK_ACCESS_FAR : CHECK_ACCESS_NEAR);
	}
	cmd->cdb[0] = SCSI_OP_MAINTENANCE_OUT;
	cmd->cdb[1] = SCSI_SA_SET_TPGS;
	put_be32(cmd->cdb + 6, cmd->len);
	check_access_asked();
}

void make_stop(struct hchan *c, struct hcmd *cmd)
{
	bool start = dice_below(3);

	(void)c;
	cmd->cdb[0] = SCSI_OP_START_STOP_UNIT;
	cmd->cdb[4] = start ? 1 : 0;
	if (!start)
		excuse_begin(EXCUSE_STOP, cmd->disk);
}
