/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Referrals: which blocks are reached in which state through which group. SBC-4 4.25, 5.26, 6.6.7. */
#include "scsi/sbc.h"
#include "scsi/segment.h"

#define ONE_SEG 0x01 /* CDB byte 14 */

static void put_segment(struct pen *out, const struct scsi_tpgs *all, unsigned at,
			uint64_t n_blocks)
{
	const struct scsi_segment *s = &all->segment[at];

	pen_zero(out, 3);
	pen_u8(out, all->n);
	pen_be64(out, s->lba);
	pen_be64(out, segment_last(all, at, n_blocks));
	for (unsigned i = 0; i < all->n; i++) {
		/* A group whose state is the same for all blocks has that here, too. */
		uint8_t own = all->tpg[i].state;

		pen_u8(out, own == SCSI_ALUA_LBA_DEPENDENT ? s->state[i] : own);
		pen_u8(out, 0);
		pen_be16(out, all->tpg[i].id);
	}
}

struct scsi_act sbc_report_referrals(struct scsi_task *t)
{
	const struct scsi_tpgs *all = &t->lu->alua->now;
	struct pen out = pen_of(t->data, t->data_cap);
	uint64_t lba = get_be64(t->cdb + 2);
	unsigned at;

	if (lba >= t->n_blocks)
		return answer_bad_lba(t, lba);
	at = segment_of(all, lba);
	pen_be32(&out, 0); /* the length, below */
	do
		put_segment(&out, all, at++, t->n_blocks);
	while (!(t->cdb[14] & ONE_SEG) && at < all->n_segments &&
	       all->segment[at].lba < t->n_blocks);
	check(!out.bad);
	put_be16(t->data + 2, (uint16_t)(out.pos - 4));
	return answer_data(t, out.pos, get_be32(t->cdb + 10));
}

/* Segments have no common size, so no multiple of one either: REPORT REFERRALS tells where they are. */
void sbc_referrals_vpd(struct pen *out, const struct scsi_task *t)
{
	(void)t;
	pen_zero(out, 12);
}
