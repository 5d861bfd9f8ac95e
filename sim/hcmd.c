/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The commands of a host: what they are made of, and whether what came back is right. */
#include "base/check.h"
#include "sim/check.h"
#include "sim/cover.h"
#include "sim/dice.h"
#include "sim/disk.h"
#include "sim/hcmd_pr.h"
#include "sim/host.h"
#include "sim/model.h"
#include "sim/proc.h"
#include "sim/sched.h"
#include "sim/world.h"
#include "wire/sense.h"

#define PARAM_MAX   512u /* bytes of parameter data that is asked for */
#define SAME_MAX    32u
#define BUFFER_NONE 0xa5 /* what a data-in buffer holds before */

static uint32_t n_made;

static const char *const op_text[HOP_COUNT] = {
	"READ",
	"WRITE",
	"SYNCHRONIZE CACHE",
	"VERIFY",
	"VERIFY bytes",
	"COMPARE AND WRITE",
	"WRITE SAME",
	"UNMAP",
	"TEST READY",
	"INQUIRY",
	"REPORT LUNS",
	"READ CAPACITY",
	"MODE SENSE",
	"REQUEST SENSE",
	"START STOP",
	"REPORT OPCODES",
	"MODE SELECT",
	"PERSISTENT RESERVE OUT",
	"PERSISTENT RESERVE IN",
	"RESERVE or RELEASE",
	"something wrong",
};

/* --- making: reads and writes --- */

static void pick_range(struct hchan *c, struct hcmd *cmd, uint32_t max)
{
	uint64_t size = proc_lun_blocks(cmd->disk);
	uint32_t most = min_u32(max, c->h->ways.max_blocks * 4096u / cmd->block);

	check(size && most);
	cmd->n = (uint32_t)dice_log(1, min_u64(most, size));
	/* Most of the traffic meets in a small place. */
	cmd->lba = dice_below(4) ? dice_range(0, min_u64(size, 24) - 1) : dice_range(0, size - 1);
	if (cmd->lba + cmd->n > size)
		cmd->lba = size - cmd->n;
}

/* One of the four sizes of a READ or WRITE that can say this. */
static void put_rw(struct hcmd *cmd, bool write)
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

static uint32_t whole_blocks(const struct hcmd *cmd)
{
	return min_u32(cmd->n, cmd->len / cmd->block);
}

static void make_read(struct hchan *c, struct hcmd *cmd)
{
	pick_range(c, cmd, UINT32_MAX);
	cmd->fua = dice_below(8) == 0;
	put_rw(cmd, false);
	size_buffer(c, cmd);
	cmd->begin = model_begin();
}

static void fill(struct hcmd *cmd, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		model_fill(cmd->write, cmd->lba + i, cmd->buf + (size_t)i * cmd->block);
	/* A part of a block that nobody will write. */
	if (cmd->len > n * cmd->block)
		memset(cmd->buf + (size_t)n * cmd->block, 0x77, cmd->len - n * cmd->block);
}

static void make_write(struct hchan *c, struct hcmd *cmd)
{
	pick_range(c, cmd, UINT32_MAX);
	cmd->out = true;
	cmd->fua = dice_below(6) == 0;
	put_rw(cmd, true);
	size_buffer(c, cmd);
	if (whole_blocks(cmd))
		cmd->write = model_write((unsigned)cmd->disk, cmd->lba, whole_blocks(cmd),
					 MODEL_DATA, c->h->name);
	fill(cmd, whole_blocks(cmd));
}

/* --- making: the others that move blocks --- */

static void make_sync(struct hchan *c, struct hcmd *cmd)
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

static void make_verify(struct hchan *c, struct hcmd *cmd)
{
	pick_range(c, cmd, 64);
	put_verify(cmd, 0);
}

/* Against what the block holds for certain, or against something else. */
static void make_compare(struct hchan *c, struct hcmd *cmd)
{
	uint32_t only;

	pick_range(c, cmd, 1);
	only = model_only((unsigned)cmd->disk, cmd->lba);
	if (!only) {
		cmd->op = HOP_VERIFY;
		make_verify(c, cmd);
		return;
	}
	cmd->out = true;
	cmd->n = 1;
	cmd->len = cmd->block;
	cmd->expect[0] = only;
	put_verify(cmd, 0x02);
	model_fill(only, cmd->lba, cmd->buf);
	cmd->differs = dice_below(3) == 0;
	if (cmd->differs)
		cmd->buf[dice_below(cmd->block)] ^= 0x40;
}

/* What is surely there is replaced; or it finds out that it is not there (any more). */
static void make_caw(struct hchan *c, struct hcmd *cmd)
{
	uint32_t max = min_u32(CAW_MAX, c->data_stride / (2 * cmd->block));
	uint32_t n = 0;

	pick_range(c, cmd, max ? max : 1);
	while (n < min_u32(cmd->n, max)) {
		cmd->expect[n] = model_only((unsigned)cmd->disk, cmd->lba + n);
		if (!cmd->expect[n])
			break;
		n++;
	}
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
	for (uint32_t i = 0; i < n; i++) {
		model_fill(cmd->expect[i], cmd->lba + i, cmd->buf + (size_t)i * cmd->block);
		model_fill(cmd->write, cmd->lba + i, cmd->buf + (size_t)(n + i) * cmd->block);
	}
	cmd->differs = dice_below(5) == 0;
	if (cmd->differs)
		cmd->buf[dice_below(n * cmd->block)] ^= 0x40;
}

static void make_same(struct hchan *c, struct hcmd *cmd)
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
	memset(cmd->buf, 0, cmd->block);
	if (proc_lun_unmaps(cmd->disk) && dice_below(2))
		cmd->cdb[1] |= 0x08; /* UNMAP */
	if (sixteen && dice_below(2)) {
		cmd->cdb[1] |= 0x01; /* NDOB */
		cmd->len = 0;
	}
}

static void make_unmap(struct hchan *c, struct hcmd *cmd)
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

/* --- making: questions --- */

static void make_question(struct hchan *c, struct hcmd *cmd)
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

/* The control mode page: other rules for task sets, and for what becomes of commands that are aborted. */
static void make_select(struct hchan *c, struct hcmd *cmd)
{
	static const uint8_t qerr[] = { 0, 0, 0, 1, 3 };
	uint8_t *page = cmd->buf + 8; /* behind the header */

	(void)c;
	cmd->out = true;
	cmd->len = 8 + 12;
	memset(cmd->buf, 0, cmd->len);
	page[0] = 0x0a;
	page[1] = 0x0a;
	page[2] = (uint8_t)(0x02 | (dice_below(3) ? 0 : 0x20) | (dice_below(3) ? 0 : 0x04));
	page[3] = (uint8_t)(0x10 | qerr[dice_below(ARRAY_SIZE(qerr))] << 1);
	page[5] = dice_below(2) ? 0x40 : 0;
	put_be16(page + 8, 0xffff);
	cmd->cdb[0] = SCSI_OP_MODE_SELECT_10;
	cmd->cdb[1] = 0x10; /* PF */
	cmd->cdb[8] = (uint8_t)cmd->len;
}

static void make_stop(struct hchan *c, struct hcmd *cmd)
{
	bool start = dice_below(3);

	(void)c;
	cmd->cdb[0] = SCSI_OP_START_STOP_UNIT;
	cmd->cdb[4] = start ? 1 : 0;
	if (!start)
		excuse_begin(EXCUSE_STOP, cmd->disk);
}

static bool is_stop(const struct hcmd *cmd)
{
	return cmd->op == HOP_STOP && !(cmd->cdb[4] & 1);
}

/* A STOP is over: from now on the unit may be stopped. */
static void stop_ended(const struct hcmd *cmd)
{
	if (!is_stop(cmd))
		return;
	excuse_end(EXCUSE_STOP, cmd->disk);
	excuse_until(EXCUSE_STOP, cmd->disk, UINT64_MAX);
}

/* --- making: mistakes --- */

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
	(void)c;
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

static void make_bad(struct hchan *c, struct hcmd *cmd)
{
	static mistake_fn *const mistakes[] = { bad_opcode,     bad_lba,        bad_field,
						bad_control,    bad_unmap_list, bad_unmap_many,
						bad_out_buffer, bad_saved_page, bad_attr };

	mistakes[dice_below(ARRAY_SIZE(mistakes))](c, cmd);
}

/* --- making one --- */

static void aim(struct hchan *c, struct hcmd *cmd)
{
	unsigned lun = dice_below(proc_n_luns());

	if (dice_below(100) == 0)
		lun = 7 + dice_below(400); /* where nothing is */
	cmd->lun = (uint16_t)(lun < 256 ? lun : 0x4000 | lun);
	cmd->disk = lun < proc_n_luns() ? (int)lun : -1;
	cmd->block = proc_lun_block_bytes(cmd->disk < 0 ? 0 : cmd->disk);
	(void)c;
}

static void note(struct hchan *c, struct hcmd *cmd)
{
	cmd->nth = ++n_made;
	if (!cmd->out)
		memset(cmd->buf, BUFFER_NONE, cmd->len);
	trace("%s chan %u: command %u %s lun %u block %u, blocks and more:", c->h->name, c->number,
	      cmd->nth, op_text[cmd->op], cmd->lun, cmd->lba);
	trace("    command %u: %u blocks, buffer %u, opcode %x, write %u", cmd->nth, cmd->n,
	      cmd->len, cmd->cdb[0], cmd->write);
}

void hcmd_make(struct hchan *c, struct hcmd *cmd)
{
	static void (*const make[HOP_COUNT])(struct hchan *, struct hcmd *) = {
		[HOP_READ] = make_read,       [HOP_WRITE] = make_write,
		[HOP_SYNC] = make_sync,       [HOP_VERIFY] = make_verify,
		[HOP_COMPARE] = make_compare, [HOP_CAW] = make_caw,
		[HOP_SAME] = make_same,       [HOP_UNMAP] = make_unmap,
		[HOP_TUR] = make_question,    [HOP_INQUIRY] = make_question,
		[HOP_LUNS] = make_question,   [HOP_CAPACITY] = make_question,
		[HOP_MODE] = make_question,   [HOP_SENSE] = make_question,
		[HOP_STOP] = make_stop,       [HOP_CODES] = make_question,
		[HOP_PR_OUT] = make_pr_out,   [HOP_SELECT] = make_select,
		[HOP_PR_IN] = make_pr_in,     [HOP_RESERVE] = make_reserve,
		[HOP_BAD] = make_bad,
	};

	aim(c, cmd);
	cmd->op = (enum hop)dice_pick(c->h->ways.op, HOP_COUNT);
	/* Where there is no unit only questions are asked. */
	if (cmd->disk < 0)
		cmd->op = dice_below(2) ? HOP_INQUIRY : HOP_TUR;
	make[cmd->op](c, cmd);
	note(c, cmd);
}

void hcmd_make_probe(struct hchan *c, struct hcmd *cmd, unsigned step)
{
	cmd->lun = (uint16_t)(c->h->index % proc_n_luns());
	cmd->disk = cmd->lun;
	cmd->block = proc_lun_block_bytes(cmd->disk);
	if (step < 2) { /* somebody may have reserved it */
		make_pr_probe(c, cmd, step);
		note(c, cmd);
		return;
	}
	cmd->op = step == 2 ? HOP_STOP : step == 3 ? HOP_WRITE : HOP_READ;
	if (step == 2) { /* ... or stopped it */
		cmd->cdb[0] = SCSI_OP_START_STOP_UNIT;
		cmd->cdb[4] = 1;
		note(c, cmd);
		return;
	}
	cmd->lba = c->h->index;
	cmd->n = 1;
	cmd->len = cmd->block;
	cmd->out = step == 3;
	put_rw(cmd, cmd->out);
	if (cmd->out) {
		cmd->write = model_write((unsigned)cmd->disk, cmd->lba, 1, MODEL_DATA, c->h->name);
		fill(cmd, 1);
	} else {
		cmd->begin = model_begin();
	}
	note(c, cmd);
}

/* --- judging --- */

static noreturn void wrong(const struct hchan *c, const struct hcmd *cmd, const char *what)
{
	fail_now("%s chan %u: command %u (%s): %s", c->h->name, c->number, cmd->nth,
		 op_text[cmd->op], what);
}

/* The data of a question, as far as it is known what they must be. */
static void judge_data(const struct hchan *c, const struct hcmd *cmd, uint32_t got)
{
	const uint8_t *d = cmd->buf;
	uint64_t blocks = cmd->disk < 0 ? 0 : proc_lun_blocks(cmd->disk);
	bool moved = excused_any(BIT(EXCUSE_REMAP), cmd->disk, cmd->sent_tick);

	for (uint32_t i = got; i < cmd->len; i++)
		if (d[i] != BUFFER_NONE)
			wrong(c, cmd, "bytes behind the transfer were written");
	if (cmd->op == HOP_CAPACITY && cmd->cdb[0] == SCSI_OP_READ_CAPACITY_10 &&
	    (got != 8 || get_be32(d) != blocks - 1 || get_be32(d + 4) != cmd->block))
		wrong(c, cmd, "the capacity is wrong");
	if (cmd->op == HOP_LUNS && !moved && got >= 8 &&
	    get_be32(d) != 8 * proc_n_mapped(c->h->index))
		wrong(c, cmd, "the number of units is wrong");
	if (cmd->op == HOP_INQUIRY && !moved && got && !(cmd->cdb[1] & 1) &&
	    (d[0] == 0) != (cmd->disk >= 0 && proc_lun_mapped(c->h->index, cmd->disk)))
		wrong(c, cmd, "the peripheral qualifier is wrong");
}

static uint32_t moved_bytes(const struct hchan *c, const struct hcmd *cmd)
{
	if (cmd->residual < 0)
		return cmd->len;
	if (cmd->residual > cmd->len)
		wrong(c, cmd, "the residual is larger than the buffer");
	return cmd->len - (uint32_t)cmd->residual;
}

/* What a buffer that is too long or too short leaves over: of a transfer only whole blocks are moved. */
static void judge_residual(const struct hchan *c, const struct hcmd *cmd)
{
	int64_t want = (int64_t)cmd->n * cmd->block;
	int64_t moved = (int64_t)whole_blocks(cmd) * cmd->block;
	int64_t resid = cmd->len >= want ? (int64_t)cmd->len - want : moved - want;

	if (cmd->residual != resid)
		wrong(c, cmd, "the residual is wrong");
}

static void good_read(struct hchan *c, struct hcmd *cmd)
{
	uint32_t n = whole_blocks(cmd);

	judge_residual(c, cmd);
	for (uint32_t i = n * cmd->block; i < cmd->len; i++)
		if (cmd->buf[i] != BUFFER_NONE)
			wrong(c, cmd, "bytes behind the transfer were written");
	model_read_end((unsigned)cmd->disk, cmd->lba, n, cmd->buf, cmd->begin, c->h->name);
}

/* Whoever is there for the host says so, but what is not there answers questions only. */
static bool needs_unit(const struct hcmd *cmd)
{
	return cmd->op != HOP_INQUIRY && cmd->op != HOP_LUNS && cmd->op != HOP_SENSE;
}

/* By the configuration it could not be done. */
static void judge_config(const struct hchan *c, const struct hcmd *cmd)
{
	if (excused_any(BIT(EXCUSE_REMAP) | BIT(EXCUSE_MEMORY), cmd->disk, cmd->sent_tick))
		return;
	if (needs_unit(cmd) && !proc_lun_mapped(c->h->index, cmd->disk))
		wrong(c, cmd, "there is no unit for this host, and it was served");
	if (cmd->write && proc_lun_read_only(cmd->disk))
		wrong(c, cmd, "a unit that is read-only was written to");
}

/* At one moment the blocks held what it expected, and it has put its own in their place. */
static void good_caw(struct hchan *c, struct hcmd *cmd)
{
	if (cmd->differs)
		wrong(c, cmd, "a difference was not found");
	model_read_end((unsigned)cmd->disk, cmd->lba, cmd->n, cmd->buf, cmd->begin, c->h->name);
	for (uint32_t i = 0; i < cmd->n; i++)
		model_taken((unsigned)cmd->disk, cmd->lba + i, cmd->expect[i]);
	if (model_write_is_open(cmd->write))
		model_write_end(cmd->write, MODEL_GOOD, cmd->fua);
}

static void good_pr_in(struct hchan *c, struct hcmd *cmd)
{
	uint32_t got = moved_bytes(c, cmd);
	const char *bad = hcmd_pr_judge(cmd, got);

	if (bad)
		wrong(c, cmd, bad);
	for (uint32_t i = got; i < cmd->len; i++)
		if (cmd->buf[i] != BUFFER_NONE)
			wrong(c, cmd, "bytes behind the transfer were written");
}

static void good(struct hchan *c, struct hcmd *cmd)
{
	if (c->h->probing)
		c->h->probe_step++;
	judge_config(c, cmd);
	switch (cmd->op) {
	case HOP_READ:
		good_read(c, cmd);
		return;
	case HOP_SYNC:
		model_flush_end((unsigned)cmd->disk, cmd->begin);
		return;
	case HOP_COMPARE:
		if (cmd->differs && model_only((unsigned)cmd->disk, cmd->lba) == cmd->expect[0])
			wrong(c, cmd, "a difference was not found");
		return;
	case HOP_CAW:
		good_caw(c, cmd);
		return;
	case HOP_WRITE:
		judge_residual(c, cmd);
		/* fallthrough */
	case HOP_SAME:
	case HOP_UNMAP:
		if (cmd->write && model_write_is_open(cmd->write))
			model_write_end(cmd->write, MODEL_GOOD, cmd->fua);
		return;
	case HOP_STOP:
		return;
	case HOP_BAD:
		if (!excused_any(BIT(EXCUSE_REMAP), cmd->disk, cmd->sent_tick))
			wrong(c, cmd, "it was accepted");
		return;
	case HOP_SELECT:
		check_mode_answered(c, cmd);
		return;
	case HOP_PR_OUT:
	case HOP_RESERVE:
		check_pr_answered(c, cmd);
		return;
	case HOP_PR_IN:
		good_pr_in(c, cmd);
		return;
	case HOP_TUR:
	case HOP_VERIFY:
		return;
	default:
		judge_data(c, cmd, moved_bytes(c, cmd));
	}
}

/* PREEMPT AND ABORT is over; unless it was lost, it takes commands from nobody any more. */
static void preempt_ended(const struct hcmd *cmd, bool known)
{
	if (cmd->op != HOP_PR_OUT || cmd->cdb[1] != SCSI_PR_OUT_PREEMPT_AND_ABORT)
		return;
	check_taker_ended(cmd->disk, known);
}

/* Ended without an effect that is known: give back what the model holds of it. */
static void ended(struct hcmd *cmd, enum model_outcome o)
{
	stop_ended(cmd);
	preempt_ended(cmd, true);
	if (cmd->write && model_write_is_open(cmd->write))
		model_write_end(cmd->write, o, false);
	if (cmd->begin)
		model_give_up(cmd->begin);
}

/* Refused before anything was done? Not when the disk may have failed in between. */
static bool untouched(const struct hcmd *cmd, const struct sense *s)
{
	return cmd->status == SCSI_STATUS_RESERVATION_CONFLICT || s->key == SENSE_UNIT_ATTENTION ||
	       s->key == SENSE_ILLEGAL_REQUEST ||
	       (s->key == SENSE_MISCOMPARE && cmd->op == HOP_CAW) ||
	       (s->key == SENSE_NOT_READY && s->asc == ASC_NEEDS_START) ||
	       (s->key == SENSE_DATA_PROTECT && s->asc == ASC_WRITE_PROTECTED &&
		!excused(EXCUSE_DISK, cmd->disk, cmd->sent_tick));
}

void hcmd_answered(struct hchan *c, struct hcmd *cmd)
{
	struct sense s = { 0 };
	uint16_t attention = 0;

	if (cmd->sense_len && sense_decode(cmd->sense, cmd->sense_len, &s))
		wrong(c, cmd, "its sense data make no sense");
	trace("%s chan %u: command %u: status %x, sense %x/%x", c->h->name, c->number, cmd->nth,
	      cmd->status, s.key, s.asc);
	cover_sense(cmd->status, s.key, s.asc);
	if (cmd->status == SCSI_STATUS_CHECK_CONDITION && !cmd->sense_len)
		wrong(c, cmd, "CHECK CONDITION without sense data");
	if (cmd->status == SCSI_STATUS_CHECK_CONDITION && s.key == SENSE_UNIT_ATTENTION)
		attention = s.asc;
	check_attention(c, cmd, attention);
	check_admitted(c, cmd);
	if (cmd->conflict && cmd->status != SCSI_STATUS_RESERVATION_CONFLICT)
		wrong(c, cmd, "its RESERVATION CONFLICT got lost");
	if (cmd->status == SCSI_STATUS_GOOD) {
		stop_ended(cmd);
		preempt_ended(cmd, true);
		good(c, cmd);
		return;
	}
	/* Somebody else has cleared all away. */
	if (c->h->probing && cmd->op == HOP_PR_OUT &&
	    cmd->status == SCSI_STATUS_RESERVATION_CONFLICT)
		c->h->probe_step++;
	if (!attention)
		check_status(c, cmd);
	ended(cmd, untouched(cmd, &s) ? MODEL_NEVER : MODEL_UNSURE);
}

void hcmd_aborted(struct hchan *c, struct hcmd *cmd)
{
	trace("%s chan %u: command %u: aborted", c->h->name, c->number, cmd->nth);
	check_not_answered(c, cmd);
	ended(cmd, MODEL_UNSURE);
}

void hcmd_lost(struct hchan *c, struct hcmd *cmd)
{
	trace("%s chan %u: command %u: lost with its channel", c->h->name, c->number, cmd->nth);
	check_not_answered(c, cmd);
	stop_ended(cmd);
	preempt_ended(cmd, false);
	if (cmd->write && model_write_is_open(cmd->write))
		host_limbo(c->h, cmd->write);
	if (cmd->begin)
		model_give_up(cmd->begin);
}
