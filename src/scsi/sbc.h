/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Handlers of the block commands (SBC-4) and what their files share. */
#pragma once

#include "scsi/answer.h"

/* any worker */
struct scsi_act sbc_read(struct scsi_task *t);
struct scsi_act sbc_write(struct scsi_task *t);
struct scsi_act sbc_verify(struct scsi_task *t);
struct scsi_act sbc_write_verify(struct scsi_task *t);
struct scsi_act sbc_prefetch(struct scsi_task *t);
struct scsi_act sbc_sync_cache(struct scsi_task *t);

/* home worker */
struct scsi_act sbc_read_capacity_10(struct scsi_task *t);
struct scsi_act sbc_read_capacity_16(struct scsi_task *t);
struct scsi_act sbc_start_stop(struct scsi_task *t);
struct scsi_act sbc_prevent_allow(struct scsi_task *t);
struct scsi_act sbc_unmap(struct scsi_task *t);
struct scsi_act sbc_write_same(struct scsi_task *t);
struct scsi_act sbc_compare_and_write(struct scsi_task *t);
struct scsi_act sbc_orwrite(struct scsi_task *t);
struct scsi_act sbc_write_atomic(struct scsi_task *t);
struct scsi_act sbc_format_unit(struct scsi_task *t);
struct scsi_act sbc_sanitize_overwrite(struct scsi_task *t);
struct scsi_act sbc_sanitize_block_erase(struct scsi_task *t);
struct scsi_act sbc_sanitize_exit(struct scsi_task *t);
/* FORMAT UNIT or SANITIZE waited for the end, and that has come. */
struct scsi_act sbc_erased(struct scsi_task *t);
struct scsi_act sbc_read_defects(struct scsi_task *t);
struct scsi_act sbc_get_lba_status(struct scsi_task *t);
struct scsi_act sbc_report_referrals(struct scsi_task *t);
/* VPD page B3h. */
void sbc_referrals_vpd(struct pen *out, const struct scsi_task *t);

/* Is [lba, lba + n) inside the unit? Right for every lba and n; an empty range may end at the end. */
static inline bool sbc_in_range(const struct scsi_task *t, uint64_t lba, uint64_t n)
{
	return lba <= t->n_blocks && n <= t->n_blocks - lba;
}

/* The byte of the CDB where the number of blocks starts, for sense data. */
unsigned sbc_length_byte(const uint8_t *cdb);

/* Is @r outside the unit, or more than one command may move? Then @ret is the answer to give. */
static inline bool sbc_refused(struct scsi_task *t, const struct cdb_range *r, struct scsi_act *ret)
{
	uint32_t most = t->lu->max_transfer_blocks; /* 0: no limit */

	if (!sbc_in_range(t, r->lba, r->n_blocks))
		*ret = answer_bad_lba(t, r->lba);
	else if (most && r->n_blocks > most)
		*ret = answer_bad_cdb(t, sbc_length_byte(t->cdb), ANSWER_NO_BIT);
	else
		return false;
	return true;
}

/*
 * The residual of a command that wants @want bytes of a buffer of @have, when only @moved of them, whole blocks,
 * can be: what is behind them in the buffer is not valid, so it must not seem to be.
 */
static inline int64_t sbc_resid(uint64_t want, uint64_t have, uint64_t moved)
{
	return want > have ? (int64_t)(want - moved) : answer_resid(want, have);
}

/*
 * GOOD, after blocks were changed by something else than a WRITE action: with the write cache switched off
 * they must be stable before.
 */
struct scsi_act sbc_stable(struct scsi_task *t);

/* Do the next piece of [t->lba, t->lba + t->left): an action of at most @max_bytes, then @cont. */
struct scsi_act sbc_piece(struct scsi_task *t, enum scsi_act_type type, uint64_t max_bytes,
			  struct scsi_act (*cont)(struct scsi_task *));
