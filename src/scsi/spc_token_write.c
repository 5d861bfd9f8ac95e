/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * WRITE USING TOKEN: SBC-4 5.59. In pieces, as EXTENDED COPY. Before each it is looked again whether the token is still
 * worth something and what the nexus may do at both units; and after each, since a write that came meanwhile has changed
 * what was copied.
 */
#include "base/cur.h"
#include "scsi/sbc.h"
#include "scsi/spc_copy.h"
#include "scsi/spc_token.h"

#define OFFSET_AT    8u
#define TOKEN_AT     16u
#define HEADER_BYTES 536u
#define DEL_TKN      0x02

/* The list, what it asks for and of that what there is. */
struct using
{
	const uint8_t *token;
	bool zeroes; /* the token stands for them: the next two are NULL */
	struct scsi_itl *from;
	struct scsi_token *k;
	uint64_t offset; /* bytes of what the token represents that are passed over */
	uint64_t want;   /* bytes to be written */
	uint64_t len;    /* ... that there are */
	struct token_ranges to;
};

/* The bytes that come next. */
struct piece {
	uint64_t from_bytes;
	uint64_t to_bytes;
	uint64_t len;
};

static struct scsi_act write_next(struct scsi_task *t);

static struct scsi_act token_lost(struct scsi_task *t, unsigned asc)
{
	return answer_fail(t, SENSE_ILLEGAL_REQUEST, asc);
}

static bool refuse(struct scsi_act *bad, struct scsi_act a)
{
	*bad = a;
	return false;
}

/* --- the list --- */

/* What of it the token has. */
static bool using_token(struct scsi_task *t, struct using *u, struct scsi_act *bad)
{
	uint64_t blocks = get_be64(t->data + OFFSET_AT);
	uint64_t have;
	unsigned asc;

	u->zeroes = get_be32(u->token) == SCSI_ROD_ZEROES;
	u->len = u->want;
	if (u->zeroes) {
		if (get_be16(u->token + 6) != SCSI_TOKEN_BYTES - 8)
			return refuse(bad, token_lost(t, ASC_TOKEN_LENGTH));
		return true;
	}
	asc = token_find(t->nexus, u->token, &u->from, &u->k);
	if (asc)
		return refuse(bad, token_lost(t, asc));
	have = token_blocks(u->k->range, u->k->n_ranges) << u->from->lu->block_shift;
	if (blocks >= SCSI_TOKEN_MAX_BYTES || blocks << t->lu->block_shift >= have)
		return refuse(bad, answer_bad_param(t, OFFSET_AT));
	u->offset = blocks << t->lu->block_shift;
	u->len = min_u64(u->want, have - u->offset);
	return true;
}

static bool using_decode(struct scsi_task *t, struct using *ret, struct scsi_act *bad)
{
	const uint8_t *d = t->data;

	*ret = (struct using){ .token = d + TOKEN_AT };
	if (get_be16(d) < HEADER_BYTES - 2 + 16 ||
	    get_be16(d) != get_be16(d + HEADER_BYTES - 2) + HEADER_BYTES - 2)
		return refuse(bad, answer_bad_param(t, 0));
	if (!token_ranges_decode(t, HEADER_BYTES, &ret->to, bad))
		return false;
	ret->want = token_blocks(ret->to.r, ret->to.n) << t->lu->block_shift;
	return using_token(t, ret, bad);
}

/* --- pieces --- */

/*
 * What comes at byte @done, up to @most bytes. Its length is 0 where blocks of the two units do not fit together: one of
 * the larger ones would have to be put together from several ranges.
 */
static struct piece piece_at(const struct scsi_task *t, const struct using *u, uint64_t done,
			     uint64_t most)
{
	uint32_t block = t->lu->block_bytes;
	struct piece p = { 0 };

	p.len = min_u64(min_u64(u->len - done, most),
			token_place(u->to.r, u->to.n, t->lu->block_shift, done, &p.to_bytes));
	if (u->zeroes)
		return p;
	if (u->from->lu->block_bytes > block)
		block = u->from->lu->block_bytes;
	p.len = min_u64(p.len, token_place(u->k->range, u->k->n_ranges, u->from->lu->block_shift,
					   u->offset + done, &p.from_bytes));
	p.len &= -(uint64_t)block;
	if (p.from_bytes & (u->from->lu->block_bytes - 1))
		p.len = 0;
	return p;
}

/* Every block is looked at before the first is written. */
static bool blocks_fit(const struct scsi_task *t, const struct using *u)
{
	uint64_t done = 0;

	while (done < u->len) {
		struct piece p = piece_at(t, u, done, u->len);

		if (!p.len)
			return false;
		done += p.len;
	}
	return true;
}

static unsigned write_refused(const struct scsi_task *t, const struct using *u)
{
	const struct scsi_itl *own = answer_itl(t);
	unsigned asc;

	if (u->zeroes) /* no other unit has a part in it: it is as WRITE SAME */
		return 0;
	if (!own || own->lu != t->lu) /* it was taken away meanwhile */
		return ASC_COPY_NOT_REACHABLE;
	if (t->copy.stop)
		return ASC_THIRD_PARTY_FAILURE;
	asc = copy_side_refused(t, own, true);
	return asc ? asc : copy_side_refused(t, u->from, false);
}

static struct scsi_act write_ended(struct scsi_task *t, const struct using *u)
{
	t->copy.note->partial = u->len < u->want;
	if (!u->zeroes && t->data[2] & DEL_TKN)
		token_end(u->from->lu, u->k, SCSI_TOKEN_DELETED);
	return u->zeroes ? sbc_stable(t) : answer_good(t);
}

static struct scsi_act write_moved(struct scsi_task *t)
{
	struct using u;
	struct scsi_act a;

	if (!using_decode(t, &u, &a)) /* what was copied may be of another time */
		return a;
	t->copy.done_bytes += t->act_len;
	t->copy.note->bytes += t->act_len;
	t->copy.note->pieces++;
	return write_next(t);
}

static struct scsi_act write_piece(struct scsi_task *t, const struct using *u)
{
	struct piece p =
		piece_at(t, u, t->copy.done_bytes, u->zeroes ? SCSI_PIECE_TRIM : SCSI_COPY_BYTES);
	struct scsi_act a;

	check(p.len);
	if (u->zeroes)
		return answer_io(t, SCSI_ACT_WRITE_ZEROES, p.to_bytes, p.len, write_moved);
	if (!scsi_visit_begin(t, u->from->lu, t->lu)) {
		t->cont = write_next;
		return answer_wait(t, SCSI_PHASE_HELD);
	}
	token_used(u->from->lu, u->k);
	t->copy.from = u->from->lu;
	t->copy.to = t->lu;
	t->copy.from_bytes = p.from_bytes;
	a = answer_io(t, SCSI_ACT_COPY, p.to_bytes, p.len, write_moved);
	a.fua = scsi_nexus_at(t->nexus, (unsigned)(answer_itl(t) - t->nexus->lun)).flags &
		SCSI_VIEW_WRITE_THROUGH;
	return a;
}

static struct scsi_act write_next(struct scsi_task *t)
{
	struct using u;
	struct scsi_act a;
	unsigned asc;

	if (!using_decode(t, &u, &a))
		return a;
	if (copy_stopped(t))
		return copy_aborted(t, ASC_NONE);
	asc = write_refused(t, &u);
	if (asc)
		return copy_aborted(t, asc);
	if (!blocks_fit(t, &u))
		return copy_aborted(t, ASC_COPY_GRANULARITY);
	if (t->copy.done_bytes < u.len)
		return write_piece(t, &u);
	return write_ended(t, &u);
}

static struct scsi_act write_list(struct scsi_task *t)
{
	struct using u;
	struct scsi_act a;

	if (!using_decode(t, &u, &a) || !token_note_begin(t, &a))
		return a;
	t->out_resid = answer_resid(TOKEN_LIST_LEN(t), t->out_len);
	t->pos = 0;
	return write_next(t);
}

struct scsi_act spc_write_using_token(struct scsi_task *t)
{
	return token_list_fetch(t, HEADER_BYTES, write_list);
}
