/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * User data segments (SBC-4 4.25, referrals): stretches of blocks that target port groups reach in different states, of
 * groups whose access state depends on the block. For the files of this folder; home worker.
 */
#pragma once

#include "scsi/alua.h"

struct scsi_cmd;

/* The segments are in order, and their states such as blocks can have. */
void segments_check(const struct scsi_tpgs *all);
bool segments_equal(const struct scsi_tpgs *a, const struct scsi_tpgs *b);
/* Index of the segment with this block. There is one. */
unsigned segment_of(const struct scsi_tpgs *all, uint64_t lba);
/* Its last block, of a unit with @n_blocks; it begins before that. */
uint64_t segment_last(const struct scsi_tpgs *all, unsigned at, uint64_t n_blocks);

/**
 * segment_state() - what lets a command in, or does not, through an LBA-dependent group
 * @tpg: index of the group
 *
 * Return: the state that lets the least in of all segments with blocks that it is about. One whose blocks are not in its
 * CDB but in a list, or that may change all of them, is about each segment; one that uses no block about none, then it is
 * SCSI_ALUA_OPTIMIZED.
 */
unsigned segment_state(const struct scsi_tpgs *all, unsigned tpg, const struct scsi_cmd *cmd,
		       const uint8_t *cdb);
