/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* PRE-FETCH(10) and (16), READ DEFECT DATA(10) and (12), GET LBA STATUS: SBC-4 5.12, 5.13, 5.18, 5.19, 5.6. */
#include "scsi/sbc.h"

/* --- PRE-FETCH --- */

static struct scsi_act prefetch_fits(struct scsi_task *t)
{
	return answer_status(t, SCSI_STATUS_CONDITION_MET);
}

/* No more than the longest transfer: a cache that takes more for one command would lose what others need. */
struct scsi_act sbc_prefetch(struct scsi_task *t)
{
	struct cdb_range r = cdb_range(t->cdb);
	uint64_t most = t->lu->max_transfer_blocks ? t->lu->max_transfer_blocks : UINT32_MAX;
	uint64_t n = r.n_blocks;

	if (!sbc_in_range(t, r.lba, n))
		return answer_bad_lba(t, r.lba);
	if (!n) /* up to the last block */
		n = t->n_blocks - r.lba;
	if (!n)
		return prefetch_fits(t);
	return answer_io(t, SCSI_ACT_PREFETCH, r.lba << t->lu->block_shift,
			 min_u64(n, most) << t->lu->block_shift,
			 n > most ? answer_good : prefetch_fits);
}

/* --- READ DEFECT DATA --- */

#define DEFECT_LISTS   0x18 /* REQ_PLIST, REQ_GLIST; in the answer PLISTV, GLISTV */
#define DEFECT_FORMATS 0x07

/* Whatever the store does with bad places, it keeps to itself: both lists are there, and empty. */
struct scsi_act sbc_read_defects(struct scsi_task *t)
{
	bool ten = cdb_len(t->cdb[0]) == 10;
	uint8_t asked = t->cdb[ten ? 2 : 1];
	struct pen out = pen_of(t->data, 8);

	pen_u8(&out, 0);
	pen_u8(&out, asked & (DEFECT_LISTS | DEFECT_FORMATS));
	pen_be16(&out, 0); /* (10) length, (12) generation */
	if (!ten)
		pen_be32(&out, 0); /* length */
	return answer_data(t, out.pos, ten ? get_be16(t->cdb + 7) : get_be32(t->cdb + 6));
}

/* --- GET LBA STATUS --- */

#define STATUS_HEADER 8u
#define STATUS_BYTES  16u
#define STATUS_MAX    32u /* descriptors of an answer: each is a question to the store */
#define STATUS_MAPPED 0
#define STATUS_HOLE   1

static struct scsi_act status_next(struct scsi_task *t);

static size_t status_room(const struct scsi_task *t)
{
	size_t room = min_u64(get_be32(t->cdb + 10), t->in_len);

	return room < STATUS_HEADER ? 0 : (room - STATUS_HEADER) / STATUS_BYTES;
}

static struct scsi_act status_end(struct scsi_task *t)
{
	size_t len = STATUS_HEADER + (size_t)t->n_desc * STATUS_BYTES;

	memset(t->data, 0, STATUS_HEADER);
	put_be32(t->data, (uint32_t)(len - 4));
	return answer_data(t, len, get_be32(t->cdb + 10));
}

/* The store has said how many bytes from act_off on are alike, which is a whole number of blocks here. */
static struct scsi_act status_known(struct scsi_task *t)
{
	unsigned shift = t->lu->block_shift;
	uint8_t status = t->kept.result ? STATUS_HOLE : STATUS_MAPPED;
	uint64_t n = min_u64(t->kept.done_bytes, t->act_len) >> shift;
	uint64_t end = (t->act_off >> shift) + n;
	uint8_t *d = t->data + STATUS_HEADER + (size_t)t->n_desc * STATUS_BYTES;
	uint8_t *last = d - STATUS_BYTES;

	if (!n) { /* an extent ends inside a block: then the block counts as mapped */
		n = 1;
		end = (t->act_off >> shift) + 1;
		status = STATUS_MAPPED;
	}
	if (t->n_desc && last[12] == status && get_be32(last + 8) + n <= UINT32_MAX) {
		put_be32(last + 8, (uint32_t)(get_be32(last + 8) + n));
	} else {
		put_be64(d, t->act_off >> shift);
		put_be32(d + 8, (uint32_t)n);
		put_be32(d + 12, (uint32_t)status << 24);
		t->n_desc++;
	}
	t->lba = end;
	t->left--;
	return status_next(t);
}

static struct scsi_act status_next(struct scsi_task *t)
{
	size_t max = status_room(t) < STATUS_MAX ? status_room(t) : STATUS_MAX;
	uint64_t n;

	/* One descriptor is always made; a buffer without room for it gets what fits. */
	if (t->lba >= t->n_blocks || !t->left || t->n_desc > max || (t->n_desc && t->n_desc == max))
		return status_end(t);
	n = min_u64(t->n_blocks - t->lba, UINT32_MAX);
	return answer_io(t, SCSI_ACT_EXTENT, t->lba << t->lu->block_shift, n << t->lu->block_shift,
			 status_known);
}

struct scsi_act sbc_get_lba_status(struct scsi_task *t)
{
	uint64_t lba = get_be64(t->cdb + 2);

	if (lba >= t->n_blocks)
		return answer_bad_lba(t, lba);
	t->lba = lba;
	t->n_desc = 0;
	t->left = UINT64_C(2) *
		  STATUS_MAX; /* questions: neighbours that are alike share a descriptor */
	return status_next(t);
}
