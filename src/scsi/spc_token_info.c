/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What initiators may ask about tokens: RECEIVE ROD TOKEN INFORMATION (SPC-5 6.26) and their parts of VPD page 8Fh. */
#include "base/cur.h"
#include "scsi/spc_copy.h"
#include "scsi/spc_token.h"

#define INFO_LIST_ID(t) (get_be32((t)->cdb + 2))
#define INFO_ROOM(t)    (get_be32((t)->cdb + 10))

/* The token that it made, if it is not forgotten. */
static void put_token(struct pen *out, const struct scsi_task *t, const struct scsi_copy_note *n)
{
	const struct scsi_token *k =
		n->status == SCSI_COPY_DONE && n->token ? token_by_id(t->lu, n->token) : NULL;
	uint8_t *at;

	pen_be32(out, k ? 2 + SCSI_TOKEN_BYTES : 0);
	if (!k)
		return;
	pen_be16(out, 0);
	at = pen_take(out, SCSI_TOKEN_BYTES);
	check(at);
	token_put(t->lu, k, at);
}

struct scsi_act spc_token_information(struct scsi_task *t)
{
	struct scsi_copy_note *n = copy_note_lid4(t, INFO_LIST_ID(t));
	struct pen out = pen_of(t->data, SCSI_DATA_MIN_BYTES);
	uint32_t room = INFO_ROOM(t);

	if (!n)
		return answer_bad_cdb(t, 2, ANSWER_NO_BIT);
	copy_status_put(&out, t, n);
	put_token(&out, t, n);
	check(!out.bad && out.pos >= COPY_STATUS_BYTES + 4);
	put_be32(t->data, (uint32_t)out.pos - 4);
	/* What has been told, or is not wanted, is not kept. */
	if (n->status != SCSI_COPY_RUNS && (!room || min_u64(room, t->in_len) >= out.pos))
		n->status = SCSI_COPY_NONE;
	return answer_data(t, out.pos, room);
}

/* --- VPD page 8Fh --- */

void spc_token_limits(struct pen *out, const struct scsi_task *t)
{
	size_t part = copy_part_begin(out, 0x0000);

	pen_zero(out, 6);
	pen_be16(out, SCSI_TOKEN_RANGES);
	pen_be32(out, SCSI_TOKEN_TIMEOUT_MAX_S);
	pen_be32(out, SCSI_TOKEN_TIMEOUT_S);
	pen_be64(out, SCSI_TOKEN_MAX_BYTES >> t->lu->block_shift);
	pen_be64(out, SCSI_TOKEN_OPTIMAL_BYTES >> t->lu->block_shift);
	copy_part_end(out, t, part);
}

static void put_features(struct pen *out, const struct scsi_task *t)
{
	size_t part = copy_part_begin(out, 0x0106);

	pen_zero(out, 12);         /* tokens of others are not known */
	pen_be32(out, 0);          /* their life may end at any time, */
	pen_be32(out, UINT32_MAX); /* or never, if they are used */
	pen_be32(out, SCSI_TOKEN_TIMEOUT_MAX_S);
	pen_zero(out, 18);
	pen_be16(out, 48);
	pen_u8(out, 0); /* of disks: */
	pen_u8(out, 0);
	pen_be16(out, 44);
	pen_be16(out, 0);
	pen_be16(out, 0); /* any length is as good */
	pen_be64(out, SCSI_TOKEN_MAX_BYTES);
	pen_be64(out, SCSI_TOKEN_OPTIMAL_BYTES);
	pen_be64(out, SCSI_TOKEN_MAX_BYTES); /* in a range that goes in: nothing is moved */
	pen_be64(out, SCSI_TOKEN_OPTIMAL_BYTES);
	pen_zero(out, 8);
	copy_part_end(out, t, part);
}

#define TOKEN_OUT 0x01 /* it is made */
#define TOKEN_IN  0x02 /* it is taken */

static void put_types(struct pen *out, const struct scsi_task *t)
{
	static const struct {
		uint32_t type;
		uint8_t ways;
	} types[] = {
		{ SCSI_ROD_COPY_DEFAULT, TOKEN_OUT | TOKEN_IN },
		{ SCSI_ROD_COPY_VULNERABLE, TOKEN_OUT | TOKEN_IN },
		{ SCSI_ROD_COPY_ANY, TOKEN_OUT },
		{ SCSI_ROD_ZEROES, TOKEN_IN },
	};
	size_t part = copy_part_begin(out, 0x0108);

	pen_be16(out, 0);
	pen_be16(out, ARRAY_SIZE(types) * 64);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		pen_be32(out, types[i].type);
		pen_u8(out, types[i].ways);
		pen_zero(out, 59);
	}
	copy_part_end(out, t, part);
}

void spc_token_features(struct pen *out, const struct scsi_task *t)
{
	put_features(out, t);
	put_types(out, t);
}
