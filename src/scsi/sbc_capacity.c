/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* READ CAPACITY(10) and (16): SBC-4 5.20, 5.21. */
#include "scsi/sbc.h"

#define LBPME 0x80
#define LBPRZ 0x40

struct scsi_act sbc_read_capacity_10(struct scsi_task *t)
{
	uint64_t last = t->n_blocks - 1;

	put_be32(t->data, last > UINT32_MAX ? UINT32_MAX : (uint32_t)last);
	put_be32(t->data + 4, t->lu->block_bytes);
	return answer_data(t, 8, 8);
}

struct scsi_act sbc_read_capacity_16(struct scsi_task *t)
{
	struct pen out = pen_of(t->data, 32);

	pen_be64(&out, t->n_blocks - 1);
	pen_be32(&out, t->lu->block_bytes);
	pen_u8(&out, 0); /* no protection information */
	pen_u8(&out, t->lu->physical_exponent & 0xf);
	pen_be16(&out, (uint16_t)((t->lu->max_unmap_blocks ? (LBPME | LBPRZ) << 8 : 0) |
				  t->lu->lowest_aligned));
	pen_zero(&out, 16);
	return answer_data(t, out.pos, get_be32(t->cdb + 10));
}
