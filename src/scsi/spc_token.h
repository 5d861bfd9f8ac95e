/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copies by token: POPULATE TOKEN, WRITE USING TOKEN (SBC-4 5.12, 5.59) and RECEIVE ROD TOKEN INFORMATION (SPC-5 6.26). */
#pragma once

#include "scsi/answer.h"
#include "scsi/token.h"

struct pen;

struct scsi_act spc_populate_token(struct scsi_task *t);
struct scsi_act spc_write_using_token(struct scsi_task *t);
struct scsi_act spc_token_information(struct scsi_task *t);

/* Their parts of VPD page 8Fh, which has its parts in order of their types. */
void spc_token_limits(struct pen *out, const struct scsi_task *t);
void spc_token_features(struct pen *out, const struct scsi_task *t);

/* --- what their files share --- */

#define TOKEN_LIST_ID(t)  (get_be32((t)->cdb + 6))
#define TOKEN_LIST_LEN(t) (get_be32((t)->cdb + 10))

/* The start of both commands: @least bytes of a parameter list, which @next reads. */
struct scsi_act token_list_fetch(struct scsi_task *t, uint32_t least,
				 struct scsi_act (*next)(struct scsi_task *t));

struct token_ranges {
	unsigned n; /* of those that are not empty */
	struct scsi_token_range r[SCSI_TOKEN_RANGES];
};

/**
 * token_ranges_decode() - read block device range descriptors of t->data
 * @at:  where they begin; two bytes in front of that say how long they are
 * @ret: set when they are in order: blocks of the unit, none twice, and not too many
 * @bad: else the answer that says why not
 */
bool token_ranges_decode(struct scsi_task *t, uint32_t at, struct token_ranges *ret,
			 struct scsi_act *bad);

/* The copy with the list identifier of @t begins; false: @bad says why not. */
bool token_note_begin(struct scsi_task *t, struct scsi_act *bad);
