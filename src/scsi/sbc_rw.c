/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* READ and WRITE of 6, 10, 12 and 16 bytes: SBC-4 5.13 to 5.16, 5.39 to 5.42. */
#include "scsi/sbc.h"

unsigned sbc_length_byte(const uint8_t *cdb)
{
	static const uint8_t by_group[8] = { 4, 7, 7, 0, 10, 6, 0, 0 };

	return by_group[cdb[0] >> 5];
}

struct scsi_act sbc_piece(struct scsi_task *t, enum scsi_act_type type, uint64_t max_bytes,
			  struct scsi_act (*cont)(struct scsi_task *))
{
	unsigned shift = t->lu->block_shift;
	uint64_t lba = t->lba;
	uint64_t n = min_u64(t->left, max_bytes >> shift);

	check(n);
	t->lba += n;
	t->left -= n;
	return answer_io(t, type, lba << shift, n << shift, cont);
}

static bool fua(const uint8_t *cdb)
{
	return cdb[0] >> 5 && cdb[1] & CDB_FUA; /* the commands of 6 bytes have an LBA there */
}

static struct scsi_act read_after_flush(struct scsi_task *t)
{
	uint64_t len =
		min_u64(t->left << t->lu->block_shift, t->in_len) & -(uint64_t)t->lu->block_bytes;

	return answer_io(t, SCSI_ACT_READ, t->lba << t->lu->block_shift, len, answer_good);
}

struct scsi_act sbc_read(struct scsi_task *t)
{
	const struct scsi_lu *lu = t->lu;
	struct cdb_range r = cdb_range(t->cdb);
	uint64_t want = (uint64_t)r.n_blocks << lu->block_shift;
	/* whole blocks only, so that every store can do it */
	uint64_t len = min_u64(want, t->in_len) & -(uint64_t)lu->block_bytes;
	struct scsi_act a;

	if (sbc_refused(t, &r, &a))
		return a;
	t->in_resid = sbc_resid(want, t->in_len, len);
	if (!len)
		return answer_good(t);
	if (fua(t->cdb) && lu->write_cache) {
		/* the medium itself is asked for, so what the cache holds must be there before */
		t->lba = r.lba;
		t->left = r.n_blocks;
		return answer_io(t, SCSI_ACT_FLUSH, 0, 0, read_after_flush);
	}
	return answer_io(t, SCSI_ACT_READ, r.lba << lu->block_shift, len, answer_good);
}

struct scsi_act sbc_write(struct scsi_task *t)
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
	a = answer_io(t, SCSI_ACT_WRITE, r.lba << lu->block_shift, len, answer_good);
	a.fua = fua(t->cdb) || t->view_flags & SCSI_VIEW_WRITE_THROUGH;
	return a;
}
