/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "scsi/segment.h"

#include <string.h>

#include "base/check.h"
#include "scsi/cmd.h"
#include "scsi/range.h"

void segments_check(const struct scsi_tpgs *all)
{
	check(all->n_segments <= SCSI_SEGMENTS_MAX);
	for (unsigned i = 0; i < all->n_segments; i++) {
		const struct scsi_segment *s = &all->segment[i];

		check(i ? s->lba > s[-1].lba : s->lba == 0);
		for (unsigned g = 0; g < all->n; g++)
			check(s->state[g] <= SCSI_ALUA_UNAVAILABLE);
	}
	for (unsigned g = 0; g < all->n; g++)
		check(all->n_segments || all->tpg[g].configured != SCSI_ALUA_LBA_DEPENDENT);
}

bool segments_equal(const struct scsi_tpgs *a, const struct scsi_tpgs *b)
{
	if (a->n_segments != b->n_segments)
		return false;
	for (unsigned i = 0; i < a->n_segments; i++)
		if (a->segment[i].lba != b->segment[i].lba ||
		    memcmp(a->segment[i].state, b->segment[i].state, a->n) != 0)
			return false;
	return true;
}

unsigned segment_of(const struct scsi_tpgs *all, uint64_t lba)
{
	unsigned i = all->n_segments;

	while (--i)
		if (all->segment[i].lba <= lba)
			break;
	return i;
}

uint64_t segment_last(const struct scsi_tpgs *all, unsigned at, uint64_t n_blocks)
{
	uint64_t end = n_blocks;

	if (at + 1 < all->n_segments && all->segment[at + 1].lba < end)
		end = all->segment[at + 1].lba;
	return end - 1;
}

/* The blocks that @cmd is about; false: none. */
static bool range_of(const struct scsi_cmd *cmd, const uint8_t *cdb, struct scsi_range *ret)
{
	*ret = SCSI_RANGE_ALL;
	if (!(cmd->flags & SCSI_CMD_RANGE))
		return cmd->flags & (SCSI_CMD_WRITE | SCSI_CMD_COPY | SCSI_CMD_ALONE);
	*ret = scsi_range_of_cdb(cdb);
	if (ret->lba != ret->end)
		return true;
	/* Of 0 blocks PRE-FETCH and SYNCHRONIZE CACHE, which transfer nothing, mean all that follow; others none. */
	ret->end = UINT64_MAX;
	return !(cmd->flags & (SCSI_CMD_IN | SCSI_CMD_OUT));
}

unsigned segment_state(const struct scsi_tpgs *all, unsigned tpg, const struct scsi_cmd *cmd,
		       const uint8_t *cdb)
{
	unsigned worst = SCSI_ALUA_OPTIMIZED;
	struct scsi_range r;

	if (!range_of(cmd, cdb, &r))
		return worst;
	for (unsigned i = segment_of(all, r.lba);
	     i < all->n_segments && all->segment[i].lba < r.end; i++)
		if (all->segment[i].state[tpg] > worst)
			worst = all->segment[i].state[tpg];
	return worst;
}
