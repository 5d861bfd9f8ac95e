/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* SYNCHRONIZE CACHE(10) and (16), START STOP UNIT: SBC-4 5.33, 5.34, 5.31. */
#include "scsi/sbc.h"

#define START_IMMED    0x01 /* byte 1 */
#define START_START    0x01 /* byte 4 */
#define START_NO_FLUSH 0x04

/*
 * The store knows one kind of flush, of everything, so the range is only checked. With IMMED the status
 * could come before the flush; it comes after it here, which says more.
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

static struct scsi_act set_stopped(struct scsi_task *t, bool stopped)
{
	if (t->lu->stopped != stopped) {
		t->lu->stopped = stopped;
		t->lu->n_stops += stopped;
		t->changed = SCSI_CHANGED_LU;
	}
	return answer_good(t);
}

static struct scsi_act stop_after_flush(struct scsi_task *t)
{
	return set_stopped(t, true);
}

struct scsi_act sbc_start_stop(struct scsi_task *t)
{
	bool start = t->cdb[4] & START_START;

	if (t->lu->gone)
		return answer_fail(t, SENSE_NOT_READY, ASC_NOT_READY);
	if (start || t->lu->stopped || t->cdb[4] & START_NO_FLUSH)
		return set_stopped(t, !start);
	return answer_io(t, SCSI_ACT_FLUSH, 0, 0, stop_after_flush);
}
