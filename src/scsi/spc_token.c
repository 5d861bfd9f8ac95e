/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* POPULATE TOKEN: SBC-4 5.12. It has the unit for itself, so what the token represents is not being written meanwhile. */
#include "scsi/spc_token.h"

#include "base/cur.h"
#include "scsi/spc_copy.h"

#define HEADER_BYTES 16u
#define RANGE_BYTES  16u
#define RTV          0x02

/* --- what both commands begin with --- */

struct scsi_act token_list_fetch(struct scsi_task *t, uint32_t least,
				 struct scsi_act (*next)(struct scsi_task *t))
{
	uint32_t len = TOKEN_LIST_LEN(t);

	if (!len)
		return answer_good(t);
	if (len < least || len > SCSI_DATA_MIN_BYTES)
		return answer_fail(t, SENSE_ILLEGAL_REQUEST, ASC_PARAMETER_LIST_LENGTH);
	if (t->out_len < len)
		return answer_fail(t, SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD_IN_IU);
	return answer_fetch(t, len, next);
}

static bool refuse(struct scsi_act *bad, struct scsi_act a)
{
	*bad = a;
	return false;
}

static bool overlaps(const struct token_ranges *l, const struct scsi_token_range *r)
{
	for (unsigned i = 0; i < l->n; i++)
		if (r->lba < l->r[i].lba + l->r[i].n_blocks && l->r[i].lba < r->lba + r->n_blocks)
			return true;
	return false;
}

bool token_ranges_decode(struct scsi_task *t, uint32_t at, struct token_ranges *ret,
			 struct scsi_act *bad)
{
	uint32_t len = min_u32(get_be16(t->data + at - 2), TOKEN_LIST_LEN(t) - at);
	uint64_t left = SCSI_TOKEN_MAX_BYTES >> t->lu->block_shift;

	if (len < RANGE_BYTES)
		return refuse(bad, answer_bad_param(t, at - 2));
	if (len / RANGE_BYTES > SCSI_TOKEN_RANGES)
		return refuse(bad, answer_fail(t, SENSE_ILLEGAL_REQUEST, ASC_TOO_MANY_SEGMENTS));
	ret->n = 0;
	for (; len >= RANGE_BYTES; len -= RANGE_BYTES, at += RANGE_BYTES) {
		struct scsi_token_range r = { .lba = get_be64(t->data + at),
					      .n_blocks = get_be32(t->data + at + 8) };

		if (r.lba > t->lu->n_blocks || r.n_blocks > t->lu->n_blocks - r.lba)
			return refuse(bad, answer_bad_lba(t, r.lba));
		if (r.n_blocks > left)
			return refuse(bad, answer_bad_param(t, at + 8));
		if (!r.n_blocks)
			continue;
		if (overlaps(ret, &r))
			return refuse(bad, answer_bad_param(t, at));
		left -= r.n_blocks;
		ret->r[ret->n++] = r;
	}
	return true;
}

bool token_note_begin(struct scsi_task *t, struct scsi_act *bad)
{
	struct scsi_copy_note *n = copy_note_lid4(t, TOKEN_LIST_ID(t));

	if (n && n->status == SCSI_COPY_RUNS)
		return refuse(bad,
			      answer_fail(t, SENSE_ILLEGAL_REQUEST, ASC_OPERATION_IN_PROGRESS));
	if (n) /* the identifier is used again, and means the new one */
		n->status = SCSI_COPY_NONE;
	if (!copy_note_begin(t, TOKEN_LIST_ID(t)))
		return refuse(bad, answer_status(t, SCSI_STATUS_BUSY));
	return true;
}

/* --- POPULATE TOKEN --- */

struct populate {
	uint32_t type;
	uint32_t timeout_s;
	struct token_ranges ranges;
};

static bool populate_decode(struct scsi_task *t, struct populate *ret, struct scsi_act *bad)
{
	const uint8_t *d = t->data;
	uint32_t type = get_be32(d + 8);

	if (get_be16(d) < HEADER_BYTES - 2 + RANGE_BYTES)
		return refuse(bad, answer_bad_param(t, 0));
	ret->timeout_s = get_be32(d + 4);
	if (ret->timeout_s > SCSI_TOKEN_TIMEOUT_MAX_S)
		return refuse(bad, answer_bad_param(t, 4));
	if (!ret->timeout_s)
		ret->timeout_s = SCSI_TOKEN_TIMEOUT_S;
	ret->type = SCSI_ROD_COPY_VULNERABLE;
	if (d[2] & RTV) {
		if (type != SCSI_ROD_COPY_DEFAULT && type != SCSI_ROD_COPY_VULNERABLE &&
		    type != SCSI_ROD_COPY_ANY)
			return refuse(bad, answer_bad_param(t, 8));
		if (type == SCSI_ROD_COPY_DEFAULT)
			ret->type = SCSI_ROD_COPY_DEFAULT;
	}
	return token_ranges_decode(t, HEADER_BYTES, &ret->ranges, bad);
}

static struct scsi_act populate_now(struct scsi_task *t)
{
	const struct scsi_token *k;
	struct populate p;
	struct scsi_act a;

	/* the unit may have become smaller since */
	if (!populate_decode(t, &p, &a))
		return a;
	k = token_new(t->lu, p.type, p.timeout_s, p.ranges.r, p.ranges.n, &t->nexus->target);
	t->copy.note->token = k->id;
	t->copy.note->bytes = token_blocks(p.ranges.r, p.ranges.n) << t->lu->block_shift;
	return answer_good(t);
}

static struct scsi_act populate_list(struct scsi_task *t)
{
	struct populate p;
	struct scsi_act a;

	if (!populate_decode(t, &p, &a) || !token_note_begin(t, &a))
		return a;
	t->out_resid = answer_resid(TOKEN_LIST_LEN(t), t->out_len);
	return answer_act(t, SCSI_ACT_TOKEN, populate_now);
}

struct scsi_act spc_populate_token(struct scsi_task *t)
{
	return token_list_fetch(t, HEADER_BYTES, populate_list);
}
