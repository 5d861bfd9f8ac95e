/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * COMPARE AND WRITE, ORWRITE(16), WRITE ATOMIC(16): SBC-4 5.3, 5.10, 5.47. They read and write blocks that nobody
 * may touch in between, or write blocks of which nobody may see a part, so nothing that overlaps runs beside them
 * (SCSI_CMD_ALONE): when they are stepped, that is so.
 */
#include "scsi/sbc.h"

static struct scsi_act write_alone(struct scsi_task *t, enum scsi_act_type type, uint64_t lba,
				   uint64_t len_bytes)
{
	struct scsi_act a = answer_io(t, type, lba << t->lu->block_shift, len_bytes, answer_good);

	a.fua = t->cdb[1] & CDB_FUA || t->view_flags & SCSI_VIEW_WRITE_THROUGH;
	return a;
}

struct scsi_act sbc_compare_and_write(struct scsi_task *t)
{
	const struct scsi_lu *lu = t->lu;
	struct cdb_range r = cdb_range(t->cdb);
	uint64_t len = (uint64_t)r.n_blocks << lu->block_shift;

	if (r.n_blocks > lu->max_caw_blocks)
		return answer_bad_cdb(t, 13, ANSWER_NO_BIT);
	if (!sbc_in_range(t, r.lba, r.n_blocks))
		return answer_bad_lba(t, r.lba);
	if (!len)
		return answer_good(t);
	/* half a comparison would be worse than none */
	if (t->out_len < 2 * len)
		return answer_fail(t, SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD_IN_IU);
	t->out_resid = answer_resid(2 * len, t->out_len);
	return write_alone(t, SCSI_ACT_COMPARE_AND_WRITE, r.lba, len);
}

struct scsi_act sbc_orwrite(struct scsi_task *t)
{
	struct cdb_range r = cdb_range(t->cdb);
	uint64_t want = (uint64_t)r.n_blocks << t->lu->block_shift;
	uint64_t len = min_u64(want, t->out_len) & -(uint64_t)t->lu->block_bytes;
	struct scsi_act a;

	if (sbc_refused(t, &r, &a))
		return a;
	t->out_resid = sbc_resid(want, t->out_len, len);
	return len ? write_alone(t, SCSI_ACT_OR_WRITE, r.lba, len) : answer_good(t);
}

/* The fields of WRITE ATOMIC(16), whose length is shorter than that of its group. */
#define ATOMIC_BOUNDARY 10
#define ATOMIC_LENGTH   12

struct scsi_act sbc_write_atomic(struct scsi_task *t)
{
	const struct scsi_lu *lu = t->lu;
	uint64_t lba = get_be64(t->cdb + 2);
	uint32_t boundary = get_be16(t->cdb + ATOMIC_BOUNDARY);
	uint32_t n = get_be16(t->cdb + ATOMIC_LENGTH);
	uint64_t len = (uint64_t)n << lu->block_shift;
	struct scsi_act a;

	/* With a boundary each part is to be atomic for itself: so they are when all of them together are. */
	if (boundary > lu->max_atomic_blocks)
		return answer_bad_cdb(t, ATOMIC_BOUNDARY, ANSWER_NO_BIT);
	if (n > lu->max_atomic_blocks)
		return answer_bad_cdb(t, ATOMIC_LENGTH, ANSWER_NO_BIT);
	if (!sbc_in_range(t, lba, n))
		return answer_bad_lba(t, lba);
	if (!len)
		return answer_good(t);
	/* a part of it is what it must never leave */
	if (t->out_len < len)
		return answer_fail(t, SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD_IN_IU);
	t->out_resid = answer_resid(len, t->out_len);
	a = write_alone(t, SCSI_ACT_WRITE, lba, len);
	a.whole = true;
	return a;
}
