/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* SYNCHRONIZE CACHE(10) and (16): SBC-4 5.33, 5.34. */
#include "scsi/sbc.h"

/*
 * The store knows one kind of flush, of everything, so the range is only checked. With IMMED the status
 * could come before the flush; it comes after it here, which says more (docs/spec/scsi.md has the reasons).
 */
struct scsi_act sbc_sync_cache(struct scsi_task *t)
{
	struct cdb_range r = cdb_range(t->cdb);

	if (!sbc_in_range(t, r.lba, r.n_blocks))
		return answer_bad_lba(t, r.lba);
	return answer_io(t, SCSI_ACT_FLUSH, 0, 0, answer_good);
}

struct scsi_act sbc_stable(struct scsi_task *t)
{
	if (t->view_flags & SCSI_VIEW_WRITE_THROUGH)
		return answer_io(t, SCSI_ACT_FLUSH, 0, 0, answer_good);
	return answer_good(t);
}
