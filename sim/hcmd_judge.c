/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Commands of a host that have ended: is what came back right? */
#include "sim/check.h"
#include "sim/cover.h"
#include "sim/hcmd.h"
#include "sim/hcmd_pr.h"
#include "sim/model.h"
#include "sim/proc.h"
#include "sim/world.h"
#include "wire/sense.h"

static noreturn void wrong(const struct hchan *c, const struct hcmd *cmd, const char *what)
{
	fail_now("%s chan %u: command %u (%s): %s", c->h->name, c->number, cmd->nth, hcmd_text(cmd),
		 what);
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

/* The data of a question, as far as it is known what they must be. */
static void judge_data(const struct hchan *c, const struct hcmd *cmd, uint32_t got)
{
	const uint8_t *d = cmd->buf;
	bool moved = excused_any(BIT(EXCUSE_REMAP), cmd->disk, cmd->sent_tick);

	for (uint32_t i = got; i < cmd->len; i++)
		if (d[i] != HCMD_NOTHING)
			wrong(c, cmd, "bytes behind the transfer were written");
	if (cmd->op == HOP_CAPACITY && cmd->cdb[0] == SCSI_OP_READ_CAPACITY_10 &&
	    (got != 8 || !check_size_was(cmd, get_be32(d) + 1ull) || get_be32(d + 4) != cmd->block))
		wrong(c, cmd, "the capacity is wrong");
	if (cmd->op == HOP_LUNS && !moved && got >= 8 &&
	    get_be32(d) != 8 * proc_n_mapped(c->h->index))
		wrong(c, cmd, "the number of units is wrong");
	if (cmd->op == HOP_INQUIRY && !moved && got && !(cmd->cdb[1] & 1) &&
	    (d[0] == 0) != (cmd->disk >= 0 && proc_lun_mapped(c->h->index, cmd->disk)))
		wrong(c, cmd, "the peripheral qualifier is wrong");
	if (cmd->op == HOP_INQUIRY && got > 1 && !(cmd->cdb[1] & 1) && !d[0] && cmd->disk >= 0 &&
	    !(d[1] & 0x80) == proc_config()->removable[cmd->disk])
		wrong(c, cmd, "RMB is wrong");
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
	int64_t moved = (int64_t)hcmd_whole_blocks(cmd) * cmd->block;
	int64_t resid = cmd->len >= want ? (int64_t)cmd->len - want : moved - want;

	if (cmd->residual != resid)
		wrong(c, cmd, "the residual is wrong");
}

static void good_read(struct hchan *c, struct hcmd *cmd)
{
	uint32_t n = hcmd_whole_blocks(cmd);

	judge_residual(c, cmd);
	for (uint32_t i = n * cmd->block; i < cmd->len; i++)
		if (cmd->buf[i] != HCMD_NOTHING)
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
	if (cmd->write && cmd->op != HOP_COPY && proc_lun_read_only(cmd->disk))
		wrong(c, cmd, "a unit that is read-only was written to");
}

/* Does what @cmd has written survive a power cut, now that it ended? */
static bool is_stable(const struct hcmd *cmd)
{
	return cmd->fua || proc_config()->write_through[cmd->disk];
}

/* At one moment the blocks held what it expected, and it has put its own in their place. */
static void good_caw(struct hchan *c, struct hcmd *cmd)
{
	if (cmd->differs)
		wrong(c, cmd, "a difference was not found");
	model_read_end((unsigned)cmd->disk, cmd->lba, cmd->n, cmd->buf, cmd->begin, c->h->name);
	for (uint32_t i = 0; i < cmd->n; i++) {
		model_taken((unsigned)cmd->disk, cmd->lba + i, cmd->expect[i]);
		model_swapped(cmd->write, cmd->lba + i, cmd->expect[i], cmd->begin);
	}
	if (model_write_is_open(cmd->write))
		model_write_end(cmd->write, MODEL_GOOD, is_stable(cmd));
}

static void good_pr_in(struct hchan *c, struct hcmd *cmd)
{
	uint32_t got = moved_bytes(c, cmd);
	const char *bad = hcmd_pr_judge(cmd, got);

	if (bad)
		wrong(c, cmd, bad);
	for (uint32_t i = got; i < cmd->len; i++)
		if (cmd->buf[i] != HCMD_NOTHING)
			wrong(c, cmd, "bytes behind the transfer were written");
}

static void good_medium(const struct hchan *c, const struct hcmd *cmd)
{
	const char *bad = check_medium_good(cmd);

	if (bad)
		wrong(c, cmd, bad);
}

static void good_ident(struct hchan *c, struct hcmd *cmd)
{
	const char *bad;

	if (cmd->cdb[0] == SCSI_OP_MAINTENANCE_OUT) {
		check_ident_answered(c, cmd);
		return;
	}
	bad = check_ident_told(cmd, moved_bytes(c, cmd));
	if (bad)
		wrong(c, cmd, bad);
}

/* Its own group may have been in another state since it was sent. */
static void good_groups(struct hchan *c, struct hcmd *cmd)
{
	uint32_t got = moved_bytes(c, cmd);
	uint32_t end = got >= 4 ? min_u32(got, 4 + get_be32(cmd->buf)) : 0;

	for (uint32_t at = 4; at + 8 <= end; at += 8 + 4u * cmd->buf[at + 7])
		if (get_be16(cmd->buf + at + 2) == CHECK_ACCESS_NEAR &&
		    !check_access_was(cmd->buf[at] & 0xf, cmd->sent_tick))
			wrong(c, cmd, "the access state is wrong");
}

static void good_copy(struct hchan *c, struct hcmd *cmd)
{
	uint32_t got = cmd->out ? 0 : moved_bytes(c, cmd);
	const char *bad = hcmd_copy_good(c, cmd, got);

	if (bad)
		wrong(c, cmd, bad);
	for (uint32_t i = got; !cmd->out && i < cmd->len; i++)
		if (cmd->buf[i] != HCMD_NOTHING)
			wrong(c, cmd, "bytes behind the transfer were written");
	if (cmd->write && model_write_is_open(cmd->write))
		model_write_end(cmd->write, MODEL_GOOD, proc_config()->write_through[cmd->copy.to]);
}

/* What names blocks, and nothing else. */
static bool is_of_blocks(const struct hcmd *cmd)
{
	switch (cmd->op) {
	case HOP_READ:
	case HOP_WRITE:
	case HOP_VERIFY:
	case HOP_COMPARE:
	case HOP_CAW:
	case HOP_ORWRITE:
	case HOP_SAME:
	case HOP_UNMAP:
		return true;
	default:
		return false;
	}
}

static void good(struct hchan *c, struct hcmd *cmd)
{
	if (is_of_blocks(cmd) && !check_size_reaches(cmd))
		wrong(c, cmd, "blocks behind the end were served");
	if (c->h->probing && cmd->op != HOP_SENSE)
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
	case HOP_ORWRITE:
		judge_residual(c, cmd);
		/* fallthrough */
	case HOP_SAME:
	case HOP_UNMAP:
		if (cmd->write && model_write_is_open(cmd->write))
			model_write_end(cmd->write, MODEL_GOOD, is_stable(cmd));
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
	case HOP_ERASE:
		check_erase_good(cmd);
		return;
	case HOP_GROUPS:
		good_groups(c, cmd);
		return;
	case HOP_COPY:
		good_copy(c, cmd);
		return;
	case HOP_ACCESS:
		check_access_answered(cmd->access);
		return;
	case HOP_MEDIUM:
		good_medium(c, cmd);
		return;
	case HOP_IDENT:
		good_ident(c, cmd);
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
	if (cmd->op == HOP_ERASE)
		check_erase_failed(cmd, o == MODEL_NEVER);
	if (cmd->write && model_write_is_open(cmd->write))
		model_write_end(cmd->write, o, false);
	if (cmd->begin)
		model_give_up(cmd->begin);
}

/* Refused before anything was done? Not when the disk may have failed in between. */
static bool untouched(const struct hcmd *cmd, const struct sense *s)
{
	if (cmd->op == HOP_COPY && hcmd_copy_touched(cmd, s))
		return false;
	return cmd->status == SCSI_STATUS_RESERVATION_CONFLICT || s->key == SENSE_UNIT_ATTENTION ||
	       s->key == SENSE_ILLEGAL_REQUEST ||
	       (s->key == SENSE_MISCOMPARE && cmd->op == HOP_CAW) ||
	       (s->key == SENSE_NOT_READY &&
		(s->asc == ASC_NEEDS_START || s->asc == ASC_NO_MEDIUM || s->asc == ASC_FORMATTING ||
		 s->asc == ASC_SANITIZING || check_access_state(s->asc) >= 0)) ||
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
	c->h->heard = attention;
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
	if (cmd->op == HOP_ERASE)
		check_erase_failed(cmd, false);
	if (cmd->write && model_write_is_open(cmd->write))
		host_limbo(c->h, cmd->write);
	if (cmd->begin)
		model_give_up(cmd->begin);
}
