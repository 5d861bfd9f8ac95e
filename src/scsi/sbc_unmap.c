/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* UNMAP: SBC-4 5.35. All descriptors are checked before the first block is dropped. */
#include "scsi/sbc.h"

#define HEADER_LEN 8u
#define DESC_LEN   16u
#define DESC_MAX   ((SCSI_DATA_MIN_BYTES - HEADER_LEN) / DESC_LEN)

static struct scsi_act unmap_next(struct scsi_task *t)
{
	while (!t->left) {
		const uint8_t *d = t->data + HEADER_LEN + (size_t)t->pos * DESC_LEN;

		if (t->pos == t->n_desc)
			return sbc_stable(t);
		t->lba = get_be64(d);
		t->left = get_be32(d + 8);
		t->pos++;
	}
	return sbc_piece(t, SCSI_ACT_UNMAP, SCSI_PIECE_TRIM, unmap_next);
}

static struct scsi_act unmap_list(struct scsi_task *t)
{
	uint32_t list_len = get_be16(t->cdb + 7);
	uint32_t desc_len = get_be16(t->data + 2);
	uint32_t n = desc_len / DESC_LEN; /* what is left of an incomplete one is ignored */
	uint64_t total = 0;

	if (desc_len > list_len - HEADER_LEN)
		return answer_fail(t, SENSE_ILLEGAL_REQUEST, ASC_PARAMETER_LIST_LENGTH);
	if (n > DESC_MAX)
		return answer_bad_param(t, 2);
	for (uint32_t i = 0; i < n; i++) {
		const uint8_t *d = t->data + HEADER_LEN + (size_t)i * DESC_LEN;
		uint64_t lba = get_be64(d);
		uint32_t blocks = get_be32(d + 8);

		if (!sbc_in_range(t, lba, blocks))
			return answer_bad_lba(t, lba);
		total += blocks;
		if (total > t->lu->max_unmap_blocks)
			return answer_bad_param(t, HEADER_LEN + i * DESC_LEN + 8);
	}
	t->out_resid = answer_resid(list_len, t->out_len);
	t->pos = 0;
	t->n_desc = n;
	t->left = 0;
	return unmap_next(t);
}

struct scsi_act sbc_unmap(struct scsi_task *t)
{
	uint32_t list_len = get_be16(t->cdb + 7);

	if (!list_len)
		return answer_good(t);
	if (list_len < HEADER_LEN)
		return answer_fail(t, SENSE_ILLEGAL_REQUEST, ASC_PARAMETER_LIST_LENGTH);
	if (t->out_len < list_len)
		return answer_fail(t, SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD_IN_IU);
	return answer_fetch(t, min_u32(list_len, HEADER_LEN + DESC_MAX * DESC_LEN), unmap_list);
}
