/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * From a range of local memory and the initiator's memory descriptors to RDMA work requests. A position
 * walks through the descriptors of one buffer from its first byte to its last, burst by burst.
 */
#pragma once

#include "fabric/fabric.h"
#include "wire/srp_cmd.h"

struct xfer_pos {
	uint32_t desc; /* index of the descriptor */
	uint32_t off;  /* bytes of it already used */
};

/* Where requests are built, and how far they reach. */
struct xfer_chain {
	struct fab_wr *wr;   /* @max places for requests */
	struct fab_sge *sge; /* and for the one piece of each */
	unsigned max;
	uint32_t bytes; /* set by xfer_build(): what the requests move */
};

/**
 * xfer_build() - work requests that move the next bytes of a buffer
 * @d:    the initiator's buffer: direct, or indirect with its whole table
 * @pos:  where the burst begins; moved to behind what was built
 * @op:   FAB_WR_WRITE (to the initiator) or FAB_WR_READ (from it)
 * @addr: local memory, @len bytes
 * @chain: gets the requests: op, remote_va, rkey and one piece each; wr_id and flags are left at 0.
 *        They move less than @len bytes only when @max was reached or the descriptors ended.
 *
 * Return: the number of requests. Descriptors of length 0 are stepped over.
 */
unsigned xfer_build(const struct srp_data *d, struct xfer_pos *pos, enum fab_wr_op op, void *addr,
		    uint32_t len, struct xfer_chain *chain);
