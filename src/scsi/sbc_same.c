/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* WRITE SAME(10) and (16): SBC-4 5.51, 5.52; in bounded pieces. */
#include "scsi/sbc.h"

#define UNMAP_BIT 0x08
#define NDOB      0x01 /* WRITE SAME(16) only: no data-out, the pattern is zeroes */

static struct scsi_act same_next(struct scsi_task *t)
{
	/* the type of the first piece is kept in pos */
	enum scsi_act_type type = (enum scsi_act_type)t->pos;
	uint64_t max = type == SCSI_ACT_WRITE_SAME ? SCSI_PIECE_BYTES : SCSI_PIECE_TRIM;

	if (!t->left)
		return sbc_stable(t);
	return sbc_piece(t, type, max, same_next);
}

/* Unmapped blocks read as zeroes, so only zeroes may be written by unmapping (SBC-4 4.7.3.4). */
static struct scsi_act same_start(struct scsi_task *t, bool zero)
{
	bool unmap = t->cdb[1] & UNMAP_BIT;

	if (!zero)
		t->pos = SCSI_ACT_WRITE_SAME;
	else
		t->pos = unmap ? SCSI_ACT_UNMAP : SCSI_ACT_WRITE_ZEROES;
	return same_next(t);
}

static struct scsi_act same_pattern(struct scsi_task *t)
{
	t->out_resid = answer_resid(t->lu->block_bytes, t->out_len);
	return same_start(t, mem_is_zero(t->data, t->lu->block_bytes));
}

struct scsi_act sbc_write_same(struct scsi_task *t)
{
	const struct scsi_lu *lu = t->lu;
	struct cdb_range r = cdb_range(t->cdb);

	if (t->cdb[1] & UNMAP_BIT && !lu->max_unmap_blocks)
		return answer_bad_cdb(t, 1, 3);
	/* WSNZ is 1 in VPD page B0h: zero does not mean "up to the end" */
	if (!r.n_blocks || r.n_blocks > lu->max_write_same_blocks)
		return answer_bad_cdb(t, sbc_length_byte(t->cdb), ANSWER_NO_BIT);
	if (!sbc_in_range(t, r.lba, r.n_blocks))
		return answer_bad_lba(t, r.lba);
	t->lba = r.lba;
	t->left = r.n_blocks;
	if (t->cdb[1] & NDOB)
		return same_start(t, true);
	if (t->out_len < lu->block_bytes)
		return answer_fail(t, SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD_IN_IU);
	return answer_fetch(t, lu->block_bytes, same_pattern);
}
