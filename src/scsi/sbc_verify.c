/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* VERIFY(10) and (16): SBC-4 5.36, 5.38; BYTCHK 00b (medium only) and 01b (against data-out). */
#include "scsi/sbc.h"

#define BYTCHK_COMPARE 0x02 /* the lower bit of BYTCHK; the upper one is refused by the mask */

static struct scsi_act verify_next(struct scsi_task *t)
{
	if (!t->left)
		return answer_good(t);
	return sbc_piece(t, SCSI_ACT_VERIFY, SCSI_PIECE_BYTES, verify_next);
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
	if (!(t->cdb[1] & BYTCHK_COMPARE)) {
		t->lba = r.lba;
		t->left = r.n_blocks;
		return verify_next(t);
	}
	t->out_resid = sbc_resid(want, t->out_len, len);
	if (!len)
		return answer_good(t);
	return answer_io(t, SCSI_ACT_COMPARE, r.lba << lu->block_shift, len, answer_good);
}
