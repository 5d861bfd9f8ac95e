/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Commands of a host that copy inside the target: EXTENDED COPY and what belongs to it. Tokens: hcmd_token.c.
 *
 * A copy reads blocks of any unit, and writes one range of one unit, so that it is one copy of the model. Each of up to
 * three segments writes a part of it, the next one behind it. Both units have blocks of one size: contents are known by
 * their block.
 */
#include "base/check.h"
#include "scsi/lu.h"
#include "sim/check.h"
#include "sim/dice.h"
#include "sim/disk.h"
#include "sim/hcmd_copy.h"
#include "sim/proc.h"
#include "sim/sched.h"
#include "wire/sense.h"

#define SEGMENTS_MAX  3u
#define TARGET_BYTES  32u
#define SEGMENT_BYTES 28u
#define LID1_HEADER   16u
#define LID4_HEADER   48u
#define NO_ID         3u      /* LIST ID USAGE */
#define FIRST_ID      0x1000u /* of LID4: none of LID1 is the same */
#define NAA_MAX       16u

static struct {
	uint8_t naa[NAA_MAX];
	uint8_t len;
} units[DISKS_MAX];
static uint32_t last_id = FIRST_ID;
/* When a host last asked for the end of one of its copies. */
static uint64_t stopped_tick[HOSTS_MAX];
/* The last copy of a host that has an identifier, and the unit that it was sent to. */
static struct asked {
	uint64_t seq;
	uint64_t bytes;
	uint32_t list_id;
	unsigned segments;
	uint16_t lun;
	bool lid4;
	bool done; /* it was answered with GOOD */
} asked[HOSTS_MAX];

void hcmd_copy_unit(int disk, const struct scsi_lu *lu)
{
	check(lu->naa_len <= NAA_MAX);
	memcpy(units[disk].naa, lu->naa, lu->naa_len);
	units[disk].len = lu->naa_len;
}

uint32_t hcmd_copy_new_id(void)
{
	return ++last_id;
}

/* --- ranges --- */

void hcmd_copy_range(const struct hchan *c, int disk, uint32_t max, uint64_t *lba, uint32_t *n)
{
	uint64_t size = proc_lun_blocks(disk);
	uint32_t most = min_u32(max, c->h->ways.max_blocks * 4096u / proc_lun_block_bytes(disk));

	check(size);
	*n = (uint32_t)dice_log(1, min_u64(most ? most : 1, size));
	/* Where most of the traffic is. */
	*lba = dice_below(4) ? dice_range(0, min_u64(size, 24) - 1) : dice_range(0, size - 1);
	if (*lba + *n > size)
		*lba = size - *n;
}

/* A disk with blocks like those of @disk, often itself. */
static int another(int disk)
{
	int other = (int)dice_below(proc_n_luns());

	return dice_below(2) || proc_lun_block_bytes(other) != proc_lun_block_bytes(disk) ? disk
											  : other;
}

/* --- lists of EXTENDED COPY --- */

static uint32_t put_target(uint8_t *d, int disk)
{
	memset(d, 0, TARGET_BYTES);
	d[0] = 0xe4;
	d[4] = 1; /* binary */
	d[5] = 3; /* NAA */
	d[7] = units[disk].len;
	memcpy(d + 8, units[disk].naa, units[disk].len);
	put_be24(d + 29, proc_lun_block_bytes(disk));
	return TARGET_BYTES;
}

struct segment {
	uint16_t from, to; /* CSCD descriptors */
	uint64_t from_lba, to_lba;
	uint32_t n;
};

static uint32_t put_segment(uint8_t *d, const struct segment *s)
{
	memset(d, 0, SEGMENT_BYTES);
	d[0] = 0x02;                     /* block to block */
	d[1] = dice_below(2) ? 0x02 : 0; /* DC: the number is of the destination's blocks */
	put_be16(d + 2, SEGMENT_BYTES - 4);
	put_be16(d + 4, s->from);
	put_be16(d + 6, s->to);
	put_be16(d + 10, (uint16_t)s->n);
	put_be64(d + 12, s->from_lba);
	put_be64(d + 20, s->to_lba);
	return SEGMENT_BYTES;
}

/* The list has as many descriptors as the header says: @targets and @segments are bytes. */
static void put_header(struct hcmd *cmd, bool lid4, uint32_t targets, uint32_t segments)
{
	uint8_t *d = cmd->buf;
	uint8_t usage = cmd->copy.list_id ? 0 : NO_ID;

	memset(d, 0, lid4 ? LID4_HEADER : LID1_HEADER);
	d[1] = (uint8_t)(usage << 3);
	if (lid4) {
		d[0] = 0x01;
		put_be16(d + 2, 0x20);
		d[16] = 0xff;
		put_be32(d + 20, cmd->copy.list_id);
		put_be16(d + 42, (uint16_t)targets);
		put_be16(d + 44, (uint16_t)segments);
	} else {
		d[0] = (uint8_t)cmd->copy.list_id;
		put_be16(d + 2, (uint16_t)targets);
		put_be32(d + 8, segments);
	}
	cmd->out = true;
	cmd->len = (lid4 ? LID4_HEADER : LID1_HEADER) + targets + segments;
	memset(cmd->cdb, 0, sizeof(cmd->cdb));
	cmd->cdb[0] = SCSI_OP_THIRD_PARTY_COPY_OUT;
	cmd->cdb[1] = lid4 ? SCSI_COPY_OUT_LID4 : SCSI_COPY_OUT_LID1;
	put_be32(cmd->cdb + 10, cmd->len);
}

static void roll_id(struct hchan *c, struct hcmd *cmd, bool lid4, unsigned n_segments)
{
	struct asked *a = &asked[c->h->index];

	if (dice_below(2))
		return;
	cmd->copy.list_id = lid4 ? hcmd_copy_new_id() : 1 + dice_below(4);
	*a = (struct asked){ .list_id = cmd->copy.list_id,
			     .lid4 = lid4,
			     .lun = cmd->lun,
			     .seq = a->seq + 1,
			     .bytes = (uint64_t)cmd->n * cmd->block,
			     .segments = n_segments };
}

static void make_blocks(struct hchan *c, struct hcmd *cmd)
{
	unsigned n_segments = 1 + (dice_below(3) ? 0 : dice_below(SEGMENTS_MAX));
	struct model_source from[HCMD_COPY_MAX];
	bool lid4 = dice_below(2);
	uint8_t *at = cmd->buf + (lid4 ? LID4_HEADER : LID1_HEADER);
	int to = dice_below(3) ? cmd->disk : (int)dice_below(proc_n_luns());
	int source = another(to);
	uint64_t lba;
	uint32_t n;

	cmd->copy.what = HCMD_COPY_BLOCKS;
	cmd->copy.to = to;
	cmd->copy.from = BIT(source);
	cmd->block = proc_lun_block_bytes(to);
	hcmd_copy_range(c, to, (uint32_t)min_u64(HCMD_COPY_MAX, proc_lun_blocks(source)), &cmd->lba,
			&cmd->n);
	n_segments = min_u32(n_segments, cmd->n);
	at += put_target(at, source);
	at += put_target(at, to);
	for (uint32_t i = 0, k = 0; k < n_segments; k++, i += n) {
		struct segment s = { .from = 0, .to = 1, .to_lba = cmd->lba + i };

		n = k + 1 == n_segments ? cmd->n - i
					: 1 + dice_below(cmd->n - i - (n_segments - 1 - k));
		s.n = n;
		lba = dice_range(
			0, min_u64(proc_lun_blocks(source), dice_below(4) ? 64 : UINT64_MAX) - 1);
		s.from_lba = min_u64(lba, proc_lun_blocks(source) - n);
		/* Its own unit may go without saying. */
		if (source == cmd->disk && dice_below(4) == 0)
			s.from = 0xffff;
		if (to == cmd->disk && dice_below(4) == 0)
			s.to = 0xffff;
		for (uint32_t b = 0; b < n; b++)
			from[i + b] = (struct model_source){ .disk = (unsigned)source,
							     .step = k,
							     .lba = s.from_lba + b };
		at += put_segment(at, &s);
	}
	roll_id(c, cmd, lid4, n_segments);
	put_header(cmd, lid4, 2 * TARGET_BYTES, n_segments * SEGMENT_BYTES);
	cmd->write = model_copy((unsigned)to, cmd->lba, cmd->n, from, UINT64_MAX, c->h->name);
}

/* --- what is asked of copies --- */

static void put_question(struct hcmd *cmd, uint8_t action, uint32_t id)
{
	cmd->cdb[0] = SCSI_OP_THIRD_PARTY_COPY_IN;
	cmd->cdb[1] = action;
	if (action == SCSI_COPY_IN_STATUS_LID1 || action == SCSI_COPY_IN_FAILED)
		cmd->cdb[2] = (uint8_t)id;
	else if (action != SCSI_COPY_IN_PARAMETERS)
		put_be32(cmd->cdb + 2, id);
	cmd->len = (uint32_t)dice_range(64, 256);
	put_be32(cmd->cdb + 10, cmd->len);
}

static void make_ask(struct hchan *c, struct hcmd *cmd)
{
	const struct asked *a = &asked[c->h->index];
	uint8_t action = a->lid4         ? SCSI_COPY_IN_STATUS_LID4
			 : dice_below(2) ? SCSI_COPY_IN_STATUS_LID1
					 : SCSI_COPY_IN_FAILED;

	cmd->copy.what = HCMD_COPY_ASK;
	if (!a->list_id || dice_below(6) == 0) {
		put_question(cmd, SCSI_COPY_IN_PARAMETERS, 0);
		return;
	}
	hcmd_copy_aim(cmd, a->lun);
	if (a->done)
		cmd->copy.uses = a->seq;
	put_question(cmd, action, a->list_id);
}

static void make_stop_copy(struct hchan *c, struct hcmd *cmd)
{
	const struct asked *a = &asked[c->h->index];

	cmd->copy.what = HCMD_COPY_STOP;
	if (a->list_id)
		hcmd_copy_aim(cmd, a->lun);
	cmd->cdb[0] = SCSI_OP_THIRD_PARTY_COPY_OUT;
	cmd->cdb[1] = SCSI_COPY_OUT_ABORT;
	put_be32(cmd->cdb + 2, a->list_id);
	cmd->out = true; /* without data */
	stopped_tick[c->h->index] = UINT64_MAX;
}

void hcmd_copy_aim(struct hcmd *cmd, uint16_t lun)
{
	cmd->lun = lun;
	cmd->disk = lun;
	cmd->block = proc_lun_block_bytes(lun);
}

/* --- what must fail --- */

/* One segment of one block; @target and @segment may be changed before it goes. */
static void put_plain(struct hcmd *cmd, unsigned n_targets, unsigned n_segments)
{
	bool lid4 = dice_below(2);
	uint8_t *at = cmd->buf + (lid4 ? LID4_HEADER : LID1_HEADER);
	struct segment s = { .n = 1 };

	for (unsigned i = 0; i < n_targets; i++)
		at += put_target(at, cmd->disk);
	for (unsigned i = 0; i < n_segments; i++)
		at += put_segment(at, &s);
	put_header(cmd, lid4, n_targets * TARGET_BYTES, n_segments * SEGMENT_BYTES);
}

static uint8_t *segment_of(struct hcmd *cmd, unsigned n_segments)
{
	return cmd->buf + cmd->len - (size_t)n_segments * SEGMENT_BYTES;
}

/* A unit with larger blocks than @disk, or -1. */
static int larger(int disk)
{
	for (unsigned i = 0; i < proc_n_luns(); i++)
		if (proc_lun_block_bytes((int)i) > proc_lun_block_bytes(disk))
			return (int)i;
	return -1;
}

/* A mistake. */
static void make_bad_copy(struct hchan *c, struct hcmd *cmd)
{
	uint8_t *s;

	cmd->op = HOP_BAD;
	cmd->copy.what = HCMD_COPY_NOTHING;
	if (dice_below(3) == 0) {
		hcmd_token_bad(c, cmd);
		return;
	}
	put_plain(cmd, 1, 1);
	s = segment_of(cmd, 1);
	switch (dice_below(10)) {
	case 0: /* a unit that is not there */
		(s - TARGET_BYTES)[8 + 3] ^= 0x55;
		break;
	case 1: /* a descriptor that is not there */
		put_be16(s + 6, 3);
		break;
	case 2:
		put_be64(s + 12, proc_lun_blocks(cmd->disk));
		break;
	case 3:
		put_be64(s + 20, proc_lun_blocks(cmd->disk));
		break;
	case 4:
		s[-(int)TARGET_BYTES] = 0xe0;
		break;
	case 5:
		s[0] = 0x0b;
		break;
	case 6: /* other blocks than it has */
		put_be24(s - 3, 2 * cmd->block);
		break;
	case 7:
		put_plain(cmd, 9, 1);
		break;
	case 8:
		put_plain(cmd, 1, 65);
		break;
	default:
		if (larger(cmd->disk) >= 0)
			(void)put_target(s - TARGET_BYTES, larger(cmd->disk));
		s[1] = 0;
		put_be16(s + 4, 0xffff);
		if (larger(cmd->disk) < 0)
			put_be16(s + 2, 7); /* its length */
	}
}

void make_copy(struct hchan *c, struct hcmd *cmd)
{
	unsigned kind = dice_below(22);

	cmd->copy.to = cmd->disk;
	if (kind < 8)
		make_blocks(c, cmd);
	else if (kind < 18)
		hcmd_token_make(c, cmd);
	else if (kind > 19)
		make_bad_copy(c, cmd);
	else if (kind == 18)
		make_ask(c, cmd);
	else
		make_stop_copy(c, cmd);
}

/* --- answers --- */

static bool moved_since(const struct hcmd *cmd, int disk)
{
	return excused_any(BIT(EXCUSE_REMAP) | BIT(EXCUSE_MEMORY), disk, cmd->sent_tick);
}

/* What RECEIVE COPY STATUS says of a copy that was done, if that is what it was asked for. */
static const char *judge_told(const struct hchan *c, const struct hcmd *cmd, uint32_t got)
{
	const struct asked *a = &asked[c->h->index];
	const uint8_t *d = cmd->buf;

	if (!cmd->copy.uses || a->seq != cmd->copy.uses)
		return NULL;
	if (cmd->cdb[1] == SCSI_COPY_IN_STATUS_LID1 &&
	    (got != 12 || (d[4] & 0x7f) != 1 || get_be16(d + 5) != a->segments || d[7] ||
	     get_be32(d + 8) != a->bytes))
		return "what is told of a copy is wrong";
	if (cmd->cdb[1] == SCSI_COPY_IN_STATUS_LID4 &&
	    (got != 32 || d[5] != 1 || d[15] || get_be64(d + 16) != a->bytes ||
	     get_be16(d + 24) != a->segments))
		return "what is told of a copy is wrong";
	return NULL;
}

const char *hcmd_copy_good(struct hchan *c, struct hcmd *cmd, uint32_t got)
{
	struct asked *a = &asked[c->h->index];

	switch (cmd->copy.what) {
	case HCMD_COPY_BLOCKS:
	case HCMD_COPY_USE:
		for (int i = 0; i < (int)proc_n_luns(); i++)
			if ((i == cmd->copy.to || cmd->copy.from & BIT(i)) &&
			    !moved_since(cmd, i) && !proc_lun_mapped(c->h->index, i))
				return "it has copied from or to a unit that is not there for this "
				       "host";
		if (proc_lun_read_only(cmd->copy.to) && !moved_since(cmd, cmd->copy.to))
			return "it has copied to a unit that is read-only";
		if (cmd->copy.what == HCMD_COPY_BLOCKS && a->list_id == cmd->copy.list_id &&
		    a->lun == cmd->lun)
			a->done = true;
		break;
	case HCMD_COPY_ASK:
		return judge_told(c, cmd, got);
	case HCMD_COPY_STOP:
		stopped_tick[c->h->index] = sched_tick();
		return NULL;
	default:
		break;
	}
	return hcmd_token_good(c, cmd, got);
}

bool hcmd_copy_touched(const struct hcmd *cmd, const struct sense *s)
{
	return s->key == SENSE_COPY_ABORTED ||
	       (s->key == SENSE_ILLEGAL_REQUEST && cmd->copy.what == HCMD_COPY_USE &&
		s->asc != ASC_INVALID_FIELD_IN_PARAMETERS);
}

/* A function of its own host at a unit that it visits ends a copy, too. */
static bool is_managed(const struct host *h, int disk, uint64_t tick)
{
	for (unsigned i = 0; i < HOST_CHANS_MAX; i++) {
		const struct hchan *c = h->chan[i];

		if (c && c->tmf_lun == disk && (c->tmf_fn || c->tmf_tick >= tick))
			return true;
	}
	return false;
}

static bool side_may_fail(const struct hchan *c, const struct hcmd *cmd, int disk,
			  const struct sense *s)
{
	uint64_t tick = cmd->sent_tick;
	bool broken = excused_any(BIT(EXCUSE_DISK) | BIT(EXCUSE_RESET), disk, tick);

	if (check_access_state(s->asc) >= 0)
		return check_access_kept_out(cmd->cdb, s->asc, tick);
	switch (s->asc) {
	case ASC_COPY_NOT_REACHABLE:
		return !proc_lun_mapped(c->h->index, disk) || moved_since(cmd, disk);
	case ASC_NOT_READY:
		return broken || excused(EXCUSE_STOP, disk, tick) || check_erase_was(disk, tick) ||
		       check_medium_was_out(disk, tick);
	case ASC_WRITE_PROTECTED:
		return broken || (disk == cmd->copy.to &&
				  (proc_lun_read_only(disk) || moved_since(cmd, disk) ||
				   check_keep_was_protected(disk, tick)));
	case ASC_THIRD_PARTY_FAILURE: /* it, a reset, or a reservation of another */
		return broken || check_pr_used(disk) || is_managed(c->h, disk, tick);
	case ASC_SPACE_ALLOCATION_FAILED:
		return broken;
	default:
		return false;
	}
}

bool hcmd_copy_may_fail(const struct hchan *c, const struct hcmd *cmd, const struct sense *s)
{
	bool asks = cmd->cdb[0] == SCSI_OP_THIRD_PARTY_COPY_IN || cmd->copy.what == HCMD_COPY_STOP;

	if (cmd->copy.what == HCMD_COPY_STOP)
		stopped_tick[c->h->index] = sched_tick();
	if (s->key == SENSE_ILLEGAL_REQUEST) {
		if (asks) /* of what is not known (any more) */
			return s->asc == ASC_INVALID_FIELD_IN_CDB;
		if (s->asc == ASC_OPERATION_IN_PROGRESS)
			return cmd->cdb[1] == SCSI_COPY_OUT_LID1;
		return hcmd_token_may_fail(c, cmd, s->asc);
	}
	if (s->key != SENSE_COPY_ABORTED)
		return false;
	if (s->asc == ASC_NONE)
		return cmd->copy.list_id && stopped_tick[c->h->index] >= cmd->sent_tick;
	for (int i = 0; i < (int)proc_n_luns(); i++)
		if ((i == cmd->copy.to || i == cmd->disk || cmd->copy.from & BIT(i)) &&
		    side_may_fail(c, cmd, i, s))
			return true;
	return false;
}
