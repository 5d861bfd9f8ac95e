/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "target/xfer.h"

unsigned xfer_build(const struct srp_data *d, struct xfer_pos *pos, enum fab_wr_op op, void *addr,
		    uint32_t len, struct xfer_chain *chain)
{
	struct fab_wr *wr = chain->wr;
	struct fab_sge *sge = chain->sge;
	unsigned max = chain->max;
	uint32_t done = 0;
	unsigned n = 0;

	while (done < len && n < max && pos->desc < d->n_desc) {
		struct srp_mem_desc m = srp_data_desc(d, pos->desc);
		uint32_t step = min_u32(len - done, m.len - pos->off);

		if (step) {
			sge[n] = (struct fab_sge){ .addr = (char *)addr + done, .len = step };
			wr[n] = (struct fab_wr){ .op = op,
						 .remote_va = m.va + pos->off,
						 .rkey = m.key,
						 .n_sge = 1,
						 .sge = &sge[n] };
			n++;
			done += step;
			pos->off += step;
		}
		if (pos->off == m.len) {
			pos->desc++;
			pos->off = 0;
		}
	}
	chain->bytes = done;
	return n;
}
