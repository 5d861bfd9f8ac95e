/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What initiators may ask about tokens: RECEIVE ROD TOKEN INFORMATION (SPC-5 6.26) and their parts of VPD page 8Fh. */
#include "base/cur.h"
#include "scsi/spc_copy.h"
#include "scsi/spc_token.h"

#define HEADER_BYTES    32u
#define UNITS_BLOCKS    0xf1 /* TRANSFER COUNT is in blocks of the destination */
#define DELAY_MS        100u /* until there is something new of a copy that runs */
#define DELAY_NONE      0xfffffffeu
#define INFO_LIST_ID(t) (get_be32((t)->cdb + 2))
#define INFO_ROOM(t)    (get_be32((t)->cdb + 10))

enum operation_status { /* SPC-5 table 249 */
	OPERATION_DONE = 0x01,
	OPERATION_FAILED = 0x02,
	OPERATION_PARTIAL = 0x03, /* the token had less than was asked for */
	OPERATION_RUNS = 0x11,
	OPERATION_TERMINATED = 0x60,
};

static enum operation_status status_of(const struct scsi_copy_note *n)
{
	if (n->status == SCSI_COPY_RUNS)
		return OPERATION_RUNS;
	if (n->status == SCSI_COPY_DONE)
		return n->partial ? OPERATION_PARTIAL : OPERATION_DONE;
	return n->sense_len ? OPERATION_FAILED : OPERATION_TERMINATED;
}

static uint8_t completion_of(enum operation_status s)
{
	if (s == OPERATION_FAILED)
		return SCSI_STATUS_CHECK_CONDITION;
	return s == OPERATION_TERMINATED ? SCSI_STATUS_TASK_ABORTED : SCSI_STATUS_GOOD;
}

static void put_status(struct pen *out, const struct scsi_task *t, const struct scsi_copy_note *n)
{
	enum operation_status s = status_of(n);
	unsigned pad = -(unsigned)n->sense_len & 3;

	pen_be32(out, 0); /* AVAILABLE DATA, when it is known */
	pen_u8(out, n->service_action);
	pen_u8(out, (uint8_t)s);
	pen_be16(out, 0);
	pen_be32(out, s == OPERATION_RUNS ? DELAY_MS : DELAY_NONE);
	pen_u8(out, completion_of(s));
	pen_u8(out, (uint8_t)(n->sense_len + pad));
	pen_u8(out, n->sense_len);
	pen_u8(out, UNITS_BLOCKS);
	pen_be64(out, n->bytes >> t->lu->block_shift);
	pen_be16(out, 0); /* segments: these commands have none */
	pen_zero(out, 6);
	pen_copy(out, n->sense, n->sense_len);
	pen_zero(out, pad);
}

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
	put_status(&out, t, n);
	put_token(&out, t, n);
	check(!out.bad && out.pos >= HEADER_BYTES + 4);
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
