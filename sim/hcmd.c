/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The commands of a host: what a host wants next. What they are made of stands in hcmd_*.c. */
#include "sim/hcmd.h"

#include "sim/check.h"
#include "sim/dice.h"
#include "sim/hcmd_pr.h"
#include "sim/model.h"
#include "sim/proc.h"
#include "sim/world.h"

static uint32_t n_made;

static const char *const op_text[HOP_COUNT] = {
	"READ",
	"WRITE",
	"SYNCHRONIZE CACHE",
	"VERIFY",
	"VERIFY bytes",
	"COMPARE AND WRITE",
	"ORWRITE",
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
	"REPORT TARGET PORT GROUPS",
	"SET TARGET PORT GROUPS",
	"FORMAT or SANITIZE",
	"something wrong",
	"medium removal",
	"identifying information or time",
	"third-party copy",
};

const char *hcmd_text(const struct hcmd *cmd)
{
	return op_text[cmd->op];
}

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
		memset(cmd->buf, HCMD_NOTHING, cmd->len);
	trace("%s chan %u: command %u %s lun %u block %u, blocks and more:", c->h->name, c->number,
	      cmd->nth, hcmd_text(cmd), cmd->lun, cmd->lba);
	trace("    command %u: %u blocks, buffer %u, opcode %x, write %u", cmd->nth, cmd->n,
	      cmd->len, cmd->cdb[0], cmd->write);
}

void hcmd_make(struct hchan *c, struct hcmd *cmd)
{
	static void (*const make[HOP_COUNT])(struct hchan *, struct hcmd *) = {
		[HOP_READ] = make_read,         [HOP_WRITE] = make_write,
		[HOP_SYNC] = make_sync,         [HOP_VERIFY] = make_verify,
		[HOP_COMPARE] = make_compare,   [HOP_CAW] = make_caw,
		[HOP_ORWRITE] = make_orwrite,   [HOP_SAME] = make_same,
		[HOP_UNMAP] = make_unmap,       [HOP_TUR] = make_question,
		[HOP_INQUIRY] = make_question,  [HOP_LUNS] = make_question,
		[HOP_CAPACITY] = make_question, [HOP_MODE] = make_question,
		[HOP_SENSE] = make_question,    [HOP_STOP] = make_stop,
		[HOP_CODES] = make_question,    [HOP_PR_OUT] = make_pr_out,
		[HOP_SELECT] = make_select,     [HOP_PR_IN] = make_pr_in,
		[HOP_RESERVE] = make_reserve,   [HOP_GROUPS] = make_groups,
		[HOP_ACCESS] = make_access,     [HOP_ERASE] = make_erase,
		[HOP_MEDIUM] = make_medium,     [HOP_IDENT] = make_ident,
		[HOP_COPY] = make_copy,         [HOP_BAD] = make_bad,
	};

	aim(c, cmd);
	cmd->op = (enum hop)dice_pick(c->h->ways.op, HOP_COUNT);
	/* Where there is no unit only questions are asked. */
	if (cmd->disk < 0)
		cmd->op = dice_below(2) ? HOP_INQUIRY : HOP_TUR;
	/* Who hears the same again and again may find out how it ends. */
	else if (c->h->heard && check_keep_lock(cmd->disk, UINT64_MAX) && dice_below(2))
		cmd->op = HOP_SENSE;
	make[cmd->op](c, cmd);
	note(c, cmd);
}

void hcmd_make_probe(struct hchan *c, struct hcmd *cmd, unsigned step)
{
	cmd->lun = (uint16_t)(c->h->index % proc_n_luns());
	cmd->disk = cmd->lun;
	cmd->block = proc_lun_block_bytes(cmd->disk);
	if (c->h->heard && check_keep_lock(cmd->disk, UINT64_MAX)) { /* or it is told for ever */
		cmd->op = HOP_SENSE;
		make_question(c, cmd);
		note(c, cmd);
		return;
	}
	if (step < 2) { /* somebody may have reserved it */
		make_pr_probe(c, cmd, step);
		note(c, cmd);
		return;
	}
	if (step == 2) { /* ... protected it from writing */
		make_select_probe(cmd);
		note(c, cmd);
		return;
	}
	if (step == 3) { /* ... stopped it, or taken its medium out */
		make_load(cmd);
		note(c, cmd);
		return;
	}
	cmd->op = step == 4 ? HOP_WRITE : HOP_READ;
	cmd->lba = c->h->index;
	cmd->n = 1;
	cmd->len = cmd->block;
	cmd->out = step == 4;
	hcmd_put_rw(cmd, cmd->out);
	if (cmd->out) {
		cmd->write = model_write((unsigned)cmd->disk, cmd->lba, 1, MODEL_DATA, c->h->name);
		hcmd_fill(cmd, 1);
	} else {
		cmd->begin = model_begin();
	}
	note(c, cmd);
}
