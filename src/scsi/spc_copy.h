/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Third-party copy commands (SPC-5 5.17, 6.5 to 6.7, 6.18 to 6.24) and what their files share. Home worker. */
#pragma once

#include "scsi/answer.h"

struct pen;

#define COPY_TARGET_BYTES     32u
#define COPY_SEGMENT_BYTES    28u
#define COPY_SEGMENT_FROM_LBA 12u /* where it is in one */
#define COPY_SEGMENT_TO_LBA   20u
#define COPY_STATUS_BYTES     32u
#define COPY_NO_TARGET        0xffffu /* no CSCD descriptor: the unit that the command was sent to */

/* Both lists of descriptors at their longest: MAXIMUM DESCRIPTOR LIST LENGTH. */
#define COPY_DESCRIPTORS_MAX_BYTES \
	(SCSI_COPY_TARGETS_MAX * COPY_TARGET_BYTES + SCSI_COPY_SEGMENTS_MAX * COPY_SEGMENT_BYTES)

struct scsi_act spc_extended_copy(struct scsi_task *t);
struct scsi_act spc_copy_status(struct scsi_task *t);
struct scsi_act spc_copy_status_lid4(struct scsi_task *t);
struct scsi_act spc_copy_abort(struct scsi_task *t);
struct scsi_act spc_copy_parameters(struct scsi_task *t);
struct scsi_act spc_copy_details(struct scsi_task *t);
/* VPD page 8Fh behind its header. */
void spc_copy_vpd(struct pen *out, const struct scsi_task *t);
/* For what else copies: the copy ends in segment t->pos. */
struct scsi_act copy_aborted(struct scsi_task *t, unsigned asc);
/* Has COPY OPERATION ABORT come for it? */
bool copy_stopped(const struct scsi_task *t);
/*
 * What RECEIVE COPY STATUS(LID4) tells of @n, a copy of the unit of @t, and RECEIVE ROD TOKEN INFORMATION in front of
 * the token: COPY_STATUS_BYTES, then the sense data. AVAILABLE DATA ends with these.
 */
void copy_status_put(struct pen *out, const struct scsi_task *t, const struct scsi_copy_note *n);
/* May the nexus of @t read (@write: change) what it has at @itl? Return: 0 or the additional sense code. */
unsigned copy_side_refused(const struct scsi_task *t, const struct scsi_itl *itl, bool write);
/* The CSCD descriptor of @lu, COPY_TARGET_BYTES. */
void copy_target_put(struct pen *out, const struct scsi_lu *lu);
/* A part of VPD page 8Fh: its type, its length to be set, then its bytes; padded at its end. */
size_t copy_part_begin(struct pen *out, uint16_t type);
void copy_part_end(struct pen *out, const struct scsi_task *t, size_t began);
/* The action COPY of @t has failed. */
struct scsi_act spc_copy_failed(struct scsi_task *t, int result);

/* A parameter list of EXTENDED COPY; borrows its bytes. */
struct copy_list {
	uint32_t id;
	uint8_t usage; /* LIST ID USAGE */
	const uint8_t *targets;
	unsigned n_targets;
	const uint8_t *segments;
	unsigned n_segments;
};

/* A segment from blocks to blocks. */
struct copy_segment {
	unsigned from; /* which CSCD descriptor, or COPY_NO_TARGET */
	unsigned to;
	bool counts_to; /* the number of blocks is of the destination's blocks */
	uint32_t n_blocks;
	uint64_t from_lba;
	uint64_t to_lba;
};

/**
 * copy_list_decode() - read the list at t->data
 * @len: bytes of it
 * @ret: set when it is in order
 * @bad: else the answer that says why not
 *
 * Return: whether it is in order: what is there is known here. Whether there is what it refers to is seen when a segment
 * is done.
 */
bool copy_list_decode(struct scsi_task *t, size_t len, struct copy_list *ret, struct scsi_act *bad);
/* Segment @i of a list that was found in order. */
struct copy_segment copy_list_segment(const struct copy_list *l, unsigned i);
/*
 * The LUN of the nexus of @t where the unit @which is; one that may be written, if there is such and @write. NULL: the
 * nexus has no such unit, it is a null device, or the list has no such descriptor. @block_bytes: what the descriptor
 * says of it.
 */
struct scsi_itl *copy_list_find(const struct scsi_task *t, const struct copy_list *l,
				unsigned which, bool write, uint32_t *block_bytes);
