/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Blocks from one to another: what a command is about, what is held, what is reached in one state. */
#pragma once

#include "wire/cdb.h"

/* [lba, end) */
struct scsi_range {
	uint64_t lba;
	uint64_t end;
};

#define SCSI_RANGE_ALL ((struct scsi_range){ 0, UINT64_MAX })

static inline bool scsi_range_overlaps(struct scsi_range a, struct scsi_range b)
{
	return a.lba < b.end && b.lba < a.end;
}

/* The blocks that @cdb names, of a command with SCSI_CMD_RANGE. Behind the last address there are none. */
static inline struct scsi_range scsi_range_of_cdb(const uint8_t *cdb)
{
	struct cdb_range r = cdb_range(cdb);
	uint64_t end = r.lba + r.n_blocks;

	return (struct scsi_range){ r.lba, end < r.lba ? UINT64_MAX : end };
}
