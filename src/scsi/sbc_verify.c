/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * VERIFY and WRITE AND VERIFY: SBC-4 5.36 to 5.38, 5.47 to 5.49. BYTCHK 00b: the medium only; 01b: against
 * data-out; 11b (VERIFY): each block against the one that is sent.
 */
#include "scsi/sbc.h"

enum bytchk {
	BYTCHK_NONE = 0,
	BYTCHK_ALL = 1,
	BYTCHK_ONE = 3,
};

static enum bytchk bytchk_of(const struct scsi_task *t)
{
	return (enum bytchk)(t->cdb[1] >> 1 & 3);
}

static struct scsi_act verify_next(struct scsi_task *t)
{
	enum scsi_act_type type =
		bytchk_of(t) == BYTCHK_ONE ? SCSI_ACT_COMPARE_SAME : SCSI_ACT_VERIFY;

	if (!t->left)
		return answer_good(t);
	return sbc_piece(t, type, SCSI_PIECE_BYTES, verify_next);
}

static struct scsi_act verify_pattern(struct scsi_task *t)
{
	t->out_resid = answer_resid(t->lu->block_bytes, t->out_len);
	return verify_next(t);
}

struct scsi_act sbc_verify(struct scsi_task *t)
{
	const struct scsi_lu *lu = t->lu;
	struct cdb_range r = cdb_range(t->cdb);
	uint64_t want = (uint64_t)r.n_blocks << lu->block_shift;
	uint64_t len = min_u64(want, t->out_len) & -(uint64_t)lu->block_bytes;
	struct scsi_act a;

	if (sbc_refused(t, &r, &a))
		return a;
	t->lba = r.lba;
	t->left = r.n_blocks;
	switch (bytchk_of(t)) {
	case BYTCHK_NONE:
		return verify_next(t);
	case BYTCHK_ALL:
		t->out_resid = sbc_resid(want, t->out_len, len);
		if (!len)
			return answer_good(t);
		return answer_io(t, SCSI_ACT_COMPARE, r.lba << lu->block_shift, len, answer_good);
	case BYTCHK_ONE:
		if (!r.n_blocks)
			return answer_good(t);
		if (t->out_len < lu->block_bytes)
			return answer_fail(t, SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD_IN_IU);
		return answer_fetch(t, lu->block_bytes, verify_pattern);
	}
	return answer_bad_cdb(t, 1, 2); /* 10b is reserved */
}

/* The blocks are on the medium: look at them there. */
static struct scsi_act verify_written(struct scsi_task *t)
{
	if (bytchk_of(t) == BYTCHK_NONE)
		return verify_next(t);
	return answer_io(t, SCSI_ACT_COMPARE, t->lba << t->lu->block_shift,
			 t->left << t->lu->block_shift, answer_good);
}

struct scsi_act sbc_write_verify(struct scsi_task *t)
{
	const struct scsi_lu *lu = t->lu;
	struct cdb_range r = cdb_range(t->cdb);
	uint64_t want = (uint64_t)r.n_blocks << lu->block_shift;
	uint64_t len = min_u64(want, t->out_len) & -(uint64_t)lu->block_bytes;
	struct scsi_act a;

	if (sbc_refused(t, &r, &a))
		return a;
	t->out_resid = sbc_resid(want, t->out_len, len);
	if (!len)
		return answer_good(t);
	t->lba = r.lba;
	t->left = len >> lu->block_shift;
	a = answer_io(t, SCSI_ACT_WRITE, r.lba << lu->block_shift, len, verify_written);
	a.fua = true; /* what is verified is what the medium holds, not the cache */
	return a;
}
