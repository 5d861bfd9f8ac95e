/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Commands of a host that no unit can do. */
#include "sim/dice.h"
#include "sim/hcmd.h"
#include "sim/proc.h"

typedef void mistake_fn(struct hchan *c, struct hcmd *cmd);

static void bad_opcode(struct hchan *c, struct hcmd *cmd)
{
	(void)c;
	cmd->cdb[0] = 0xd5;
}

static void bad_lba(struct hchan *c, struct hcmd *cmd)
{
	(void)c;
	(void)cdb_put_rw(cmd->cdb, SCSI_OP_READ_16, 0,
			 (struct cdb_range){ .lba = proc_lun_blocks(cmd->disk), .n_blocks = 1 });
	cmd->len = cmd->block;
}

static void bad_field(struct hchan *c, struct hcmd *cmd)
{
	(void)c;
	(void)cdb_put_inquiry(cmd->cdb, 0x42, 64);
	cmd->len = 64;
}

static void bad_control(struct hchan *c, struct hcmd *cmd)
{
	(void)c;
	(void)cdb_put_test_unit_ready(cmd->cdb);
	cmd->cdb[5] = 0x01; /* LINK, obsolete */
}

static void bad_unmap_list(struct hchan *c, struct hcmd *cmd)
{
	(void)c;
	cmd->out = true;
	cmd->len = 24;
	memset(cmd->buf, 0, cmd->len);
	/* More descriptors than the list has room for, or a list shorter than its header. */
	put_be16(cmd->buf + 2, 64);
	(void)cdb_put_unmap(cmd->cdb, dice_below(2) ? 24 : 4);
}

static void bad_unmap_many(struct hchan *c, struct hcmd *cmd)
{
	if (c->data_stride < 8 + 16 * 260) {
		bad_lba(c, cmd);
		return;
	}
	cmd->out = true;
	cmd->len = 8 + 16 * 260;
	memset(cmd->buf, 0, cmd->len);
	put_be16(cmd->buf + 2, (uint16_t)(cmd->len - 8));
	(void)cdb_put_unmap(cmd->cdb, (uint16_t)cmd->len);
}

static void bad_out_buffer(struct hchan *c, struct hcmd *cmd)
{
	(void)c;
	/* WRITE SAME without the block. */
	(void)cdb_put_rw(cmd->cdb, SCSI_OP_WRITE_SAME_10, 0,
			 (struct cdb_range){ .lba = 0, .n_blocks = 1 });
	cmd->out = true;
	cmd->len = 16;
	memset(cmd->buf, 0, cmd->len);
}

static void bad_saved_page(struct hchan *c, struct hcmd *cmd)
{
	if (proc_config()->keeps) { /* then they can be asked for */
		bad_field(c, cmd);
		return;
	}
	(void)cdb_put_mode_sense_10(cmd->cdb, 0x3f | 0xc0, 64);
	cmd->len = 64;
}

/* An attribute that is none, or the one for an ACA condition, where there is none. */
static void bad_attr(struct hchan *c, struct hcmd *cmd)
{
	(void)c;
	(void)cdb_put_test_unit_ready(cmd->cdb);
	cmd->attr = (uint8_t)(3 + dice_below(5));
}

/* A token that no unit has made. */
static void bad_token(struct hchan *c, struct hcmd *cmd)
{
	(void)c;
	cmd->n = 1;
	hcmd_put_token(cmd, 0x00800001);
}

void make_bad(struct hchan *c, struct hcmd *cmd)
{
	static mistake_fn *const mistakes[] = { bad_opcode,     bad_lba,        bad_field,
						bad_control,    bad_unmap_list, bad_unmap_many,
						bad_out_buffer, bad_saved_page, bad_attr,
						bad_token };

	mistakes[dice_below(ARRAY_SIZE(mistakes))](c, cmd);
}
