/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Commands of a host that move blocks. */
#include "base/check.h"
#include "sim/check.h"
#include "sim/dice.h"
#include "sim/disk.h"
#include "sim/hcmd.h"
#include "sim/model.h"
#include "sim/proc.h"

#define SAME_MAX 32u

/* --- making: reads and writes --- */

/* Where a disk changes hosts mostly keep to what is there. */
static uint64_t size_of(int disk)
{
	if (!disk_params_of((unsigned)disk)->changes || dice_below(12) == 0)
		return proc_lun_blocks(disk);
	return check_size_now(disk);
}

static void pick_range(struct hchan *c, struct hcmd *cmd, uint32_t max)
{
	uint64_t size = size_of(cmd->disk);
	uint32_t most = min_u32(max, c->h->ways.max_blocks * 4096u / cmd->block);

	check(size && most);
	cmd->n = (uint32_t)dice_log(1, min_u64(most, size));
	/* Most of the traffic meets in a small place. */
	cmd->lba = dice_below(4) ? dice_range(0, min_u64(size, 24) - 1) : dice_range(0, size - 1);
	if (cmd->lba + cmd->n > size)
		cmd->lba = size - cmd->n;
}

/* One of the four sizes of a READ or WRITE that can say this. */
void hcmd_put_rw(struct hcmd *cmd, bool write)
{
	static const uint8_t codes[2][4] = {
		{ SCSI_OP_READ_6, SCSI_OP_READ_10, SCSI_OP_READ_12, SCSI_OP_READ_16 },
		{ SCSI_OP_WRITE_6, SCSI_OP_WRITE_10, SCSI_OP_WRITE_12, SCSI_OP_WRITE_16 },
	};
	bool small = cmd->lba < 1u << 21 && cmd->n <= 256 && !cmd->fua;
	unsigned i = small ? dice_below(4) : 1 + dice_below(3);
	uint8_t flags = (uint8_t)((cmd->fua ? CDB_FUA : 0) | (dice_below(8) ? 0 : CDB_DPO));

	if (!i) {
		cmd->cdb[0] = codes[write][0];
		put_be24(cmd->cdb + 1, (uint32_t)cmd->lba);
		cmd->cdb[4] = (uint8_t)cmd->n; /* 0 says 256 */
		return;
	}
	(void)cdb_put_rw(cmd->cdb, codes[write][i], flags,
			 (struct cdb_range){ .lba = cmd->lba, .n_blocks = cmd->n });
}

/* The buffer is as long as the transfer, mostly. */
static void size_buffer(struct hchan *c, struct hcmd *cmd)
{
	uint32_t want = cmd->n * cmd->block;

	cmd->len = want;
	if (dice_permille(c->h->ways.short_pmille))
		cmd->len = (uint32_t)dice_range(0, min_u32(2 * want, c->data_stride));
}

uint32_t hcmd_whole_blocks(const struct hcmd *cmd)
{
	return min_u32(cmd->n, cmd->len / cmd->block);
}

void make_read(struct hchan *c, struct hcmd *cmd)
{
	pick_range(c, cmd, UINT32_MAX);
	cmd->fua = dice_below(8) == 0;
	hcmd_put_rw(cmd, false);
	size_buffer(c, cmd);
	cmd->begin = model_begin();
}

void hcmd_fill(struct hcmd *cmd, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		model_fill(cmd->write, cmd->lba + i, cmd->buf + (size_t)i * cmd->block);
	/* A part of a block that nobody will write. */
	if (cmd->len > n * cmd->block)
		memset(cmd->buf + (size_t)n * cmd->block, 0x77, cmd->len - n * cmd->block);
}

void make_write(struct hchan *c, struct hcmd *cmd)
{
	pick_range(c, cmd, UINT32_MAX);
	cmd->out = true;
	cmd->fua = dice_below(6) == 0;
	hcmd_put_rw(cmd, true);
	size_buffer(c, cmd);
	if (hcmd_whole_blocks(cmd))
		cmd->write = model_write((unsigned)cmd->disk, cmd->lba, hcmd_whole_blocks(cmd),
					 MODEL_DATA, c->h->name);
	hcmd_fill(cmd, hcmd_whole_blocks(cmd));
}

/* --- making: the others that move blocks --- */

void make_sync(struct hchan *c, struct hcmd *cmd)
{
	(void)c;
	cmd->cdb[0] = dice_below(2) ? SCSI_OP_SYNCHRONIZE_CACHE_10 : SCSI_OP_SYNCHRONIZE_CACHE_16;
	cmd->begin = model_begin();
}

static void put_verify(struct hcmd *cmd, uint8_t bytchk)
{
	bool ten = dice_below(2);

	(void)cdb_put_rw(cmd->cdb, ten ? SCSI_OP_VERIFY_10 : SCSI_OP_VERIFY_16, bytchk,
			 (struct cdb_range){ .lba = cmd->lba, .n_blocks = cmd->n });
}

/* A list of the third-party copy command @action, whose one range comes behind @head bytes. */
static void put_token_list(struct hcmd *cmd, uint8_t action, uint32_t head)
{
	uint8_t *p = cmd->buf;

	cmd->out = true;
	cmd->len = head + 16;
	memset(p, 0, cmd->len);
	put_be16(p, (uint16_t)(cmd->len - 2));
	put_be16(p + head - 2, 16);
	put_be64(p + head, cmd->lba);
	put_be32(p + head + 8, cmd->n);
	memset(cmd->cdb, 0, sizeof(cmd->cdb));
	cmd->cdb[0] = SCSI_OP_THIRD_PARTY_COPY_OUT;
	cmd->cdb[1] = action;
	/* nobody else has this list identifier */
	put_be32(cmd->cdb + 6, (uint32_t)dice_range(0, UINT32_MAX));
	put_be32(cmd->cdb + 10, cmd->len);
}

/* While it lives every write to the unit is stepped at home. */
static void make_token(struct hchan *c, struct hcmd *cmd)
{
	pick_range(c, cmd, 64);
	put_token_list(cmd, SCSI_COPY_OUT_POPULATE_TOKEN, 16);
	put_be32(cmd->buf + 4, (uint32_t)dice_log(1, 300)); /* seconds */
}

void hcmd_put_token(struct hcmd *cmd, uint32_t type)
{
	put_token_list(cmd, SCSI_COPY_OUT_USING_TOKEN, 536);
	put_be32(cmd->buf + 16, type);
	put_be16(cmd->buf + 22, 0x1f8);
}

void make_verify(struct hchan *c, struct hcmd *cmd)
{
	if (dice_below(3) == 0) { /* which reads nothing, but likewise needs the blocks */
		make_token(c, cmd);
		return;
	}
	pick_range(c, cmd, 64);
	put_verify(cmd, 0);
}

/* What block @i of it holds for certain goes to @at, and what that is to cmd->expect. False: it is not certain. */
static bool expect(struct hcmd *cmd, uint32_t i, uint8_t *at)
{
	uint32_t only = model_only((unsigned)cmd->disk, cmd->lba + i);

	if (only == MODEL_UNKNOWN)
		return false;
	cmd->expect[i] = only;
	if (only)
		model_fill(only, cmd->lba + i, at);
	else
		memset(at, 0, cmd->block);
	return true;
}

/* Against what the block holds for certain, or against something else. */
void make_compare(struct hchan *c, struct hcmd *cmd)
{
	pick_range(c, cmd, 1);
	if (!expect(cmd, 0, cmd->buf)) {
		cmd->op = HOP_VERIFY;
		make_verify(c, cmd);
		return;
	}
	cmd->out = true;
	cmd->n = 1;
	cmd->len = cmd->block;
	put_verify(cmd, 0x02);
	cmd->differs = dice_below(3) == 0;
	if (cmd->differs)
		cmd->buf[dice_below(cmd->block)] ^= 0x40;
}

/* What is surely there is replaced; or it finds out that it is not there (any more). */
void make_caw(struct hchan *c, struct hcmd *cmd)
{
	uint32_t max = min_u32(CAW_MAX, c->data_stride / (2 * cmd->block));
	uint32_t n = 0;

	pick_range(c, cmd, max ? max : 1);
	while (n < min_u32(cmd->n, max) && expect(cmd, n, cmd->buf + (size_t)n * cmd->block))
		n++;
	if (!n) {
		cmd->op = HOP_WRITE;
		make_write(c, cmd);
		return;
	}
	cmd->n = n;
	cmd->out = true;
	cmd->fua = dice_below(6) == 0;
	cmd->len = 2 * n * cmd->block;
	cmd->cdb[0] = SCSI_OP_COMPARE_AND_WRITE;
	cmd->cdb[1] = cmd->fua ? CDB_FUA : 0;
	put_be64(cmd->cdb + 2, cmd->lba);
	cmd->cdb[13] = (uint8_t)n;
	cmd->begin = model_begin();
	cmd->write = model_write((unsigned)cmd->disk, cmd->lba, n, MODEL_DATA, c->h->name);
	for (uint32_t i = 0; i < n; i++)
		model_fill(cmd->write, cmd->lba + i, cmd->buf + (size_t)(n + i) * cmd->block);
	cmd->differs = dice_below(5) == 0;
	if (cmd->differs)
		cmd->buf[dice_below(n * cmd->block)] ^= 0x40;
}

/* Of zeroes: whatever is there is read and written back, so what somebody else wrote in between would be lost. */
void make_orwrite(struct hchan *c, struct hcmd *cmd)
{
	pick_range(c, cmd, SAME_MAX);
	cmd->out = true;
	cmd->fua = dice_below(6) == 0;
	(void)cdb_put_rw(cmd->cdb, SCSI_OP_ORWRITE_16, cmd->fua ? CDB_FUA : 0,
			 (struct cdb_range){ .lba = cmd->lba, .n_blocks = cmd->n });
	size_buffer(c, cmd);
	memset(cmd->buf, 0, cmd->len);
	cmd->write = model_write((unsigned)cmd->disk, cmd->lba, cmd->n, MODEL_KEEP, c->h->name);
}

void make_same(struct hchan *c, struct hcmd *cmd)
{
	bool zero = dice_below(3) == 0;
	bool sixteen = dice_below(2);

	pick_range(c, cmd, SAME_MAX);
	cmd->out = true;
	cmd->len = cmd->block;
	(void)cdb_put_rw(cmd->cdb, sixteen ? SCSI_OP_WRITE_SAME_16 : SCSI_OP_WRITE_SAME_10, 0,
			 (struct cdb_range){ .lba = cmd->lba, .n_blocks = cmd->n });
	cmd->write = model_write((unsigned)cmd->disk, cmd->lba, cmd->n,
				 zero ? MODEL_ZERO : MODEL_SAME, c->h->name);
	if (!zero) {
		model_fill(cmd->write, cmd->lba, cmd->buf);
		return;
	}
	if (dice_below(3) == 0) {
		hcmd_put_token(cmd, 0xffff0001); /* block device zero */
		return;
	}
	memset(cmd->buf, 0, cmd->block);
	if (proc_lun_unmaps(cmd->disk) && dice_below(2))
		cmd->cdb[1] |= 0x08; /* UNMAP */
	if (sixteen && dice_below(2)) {
		cmd->cdb[1] |= 0x01; /* NDOB */
		cmd->len = 0;
	}
}

void make_unmap(struct hchan *c, struct hcmd *cmd)
{
	if (!proc_lun_unmaps(cmd->disk)) {
		cmd->op = HOP_SAME;
		make_same(c, cmd);
		return;
	}
	pick_range(c, cmd, SAME_MAX);
	cmd->out = true;
	cmd->len = 8 + 16;
	memset(cmd->buf, 0, cmd->len);
	put_be16(cmd->buf, 6 + 16);
	put_be16(cmd->buf + 2, 16);
	put_be64(cmd->buf + 8, cmd->lba);
	put_be32(cmd->buf + 16, cmd->n);
	(void)cdb_put_unmap(cmd->cdb, (uint16_t)cmd->len);
	cmd->write = model_write((unsigned)cmd->disk, cmd->lba, cmd->n, MODEL_ZERO, c->h->name);
}

/* --- making: what erases the whole unit --- */

static void put_format(struct hcmd *cmd)
{
	cmd->cdb[0] = SCSI_OP_FORMAT_UNIT;
	if (!cmd->immed)
		return;
	cmd->cdb[1] = 0x10; /* FMTDATA */
	cmd->out = true;
	cmd->len = 4;
	memset(cmd->buf, 0, cmd->len);
	cmd->buf[1] = 0x02; /* IMMED */
}

static void put_sanitize(struct hcmd *cmd)
{
	bool overwrite = dice_below(2);

	cmd->cdb[0] = SCSI_OP_SANITIZE;
	cmd->cdb[1] = (uint8_t)((cmd->immed ? 0x80 : 0) |
				(overwrite ? SCSI_SA_OVERWRITE : SCSI_SA_BLOCK_ERASE));
	if (!overwrite)
		return;
	cmd->out = true;
	cmd->len = 8;
	memset(cmd->buf, 0, cmd->len);           /* zeroes, */
	cmd->buf[0] = (uint8_t)dice_range(1, 3); /* so often */
	put_be16(cmd->buf + 2, 4);
	put_be16(cmd->cdb + 7, 8);
}

void make_erase(struct hchan *c, struct hcmd *cmd)
{
	if (!check_erase_begins(cmd)) {
		cmd->op = HOP_VERIFY;
		make_verify(c, cmd);
		return;
	}
	cmd->immed = dice_below(2);
	if (dice_below(2))
		put_format(cmd);
	else
		put_sanitize(cmd);
}
