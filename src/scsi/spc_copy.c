/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * EXTENDED COPY: SPC-5 6.5. Segment by segment, each in pieces. Before every piece it is looked again whether the nexus
 * that asked still has both units and may do what the copy does with them; so a unit that is taken away, a reservation
 * and a write protection end a copy as they end commands.
 */
#include <errno.h>

#include "scsi/ready.h"
#include "scsi/spc_copy.h"

#define LIST_ID_NONE 3 /* LIST ID USAGE 11b: nobody will ask */

/* Both sides of a segment, found. */
struct sides {
	struct scsi_itl *from;
	struct scsi_itl *to;
	uint64_t len_bytes; /* of the segment */
};

static struct scsi_act copy_next(struct scsi_task *t);

/* --- what may go wrong --- */

/* The copy ends in segment t->pos. */
struct scsi_act copy_aborted(struct scsi_task *t, unsigned asc)
{
	struct sense s = { .key = SENSE_COPY_ABORTED, .asc = (uint16_t)asc, .specific = t->pos };

	return answer_sense(t, &s);
}

/* Its blocks are not all there: what says so is in the field at @byte of the segment's descriptor. */
static struct scsi_act copy_beyond(struct scsi_task *t, uint16_t byte)
{
	struct sense s = { .key = SENSE_COPY_ABORTED,
			   .specific = t->pos,
			   .field_valid = true,
			   .field_in_segment = true,
			   .field_byte = byte };

	return answer_sense(t, &s);
}

bool copy_stopped(const struct scsi_task *t)
{
	return t->copy.note && t->copy.note->stop;
}

struct scsi_act spc_copy_failed(struct scsi_task *t, int result)
{
	switch (-result) {
	case ENOSPC:
	case EDQUOT:
		return copy_aborted(t, ASC_SPACE_ALLOCATION_FAILED);
	case EROFS:
		return copy_aborted(t, ASC_WRITE_PROTECTED);
	default:
		return copy_aborted(t, ASC_THIRD_PARTY_FAILURE);
	}
}

/* May the nexus of @t do this at @itl? Return: 0 or the additional sense code. */
static unsigned side_refused(const struct scsi_task *t, const struct scsi_itl *itl, bool write,
			     uint32_t block_bytes)
{
	struct scsi_view_lun at;
	struct sense s;
	unsigned asc;

	if (!itl)
		return ASC_COPY_NOT_REACHABLE;
	asc = alua_refuses(t, itl);
	if (asc)
		return asc;
	at = scsi_nexus_at(t->nexus, (unsigned)(itl - t->nexus->lun));
	/* a power condition ends with the visit */
	if (at.flags & SCSI_VIEW_NOT_READY && scsi_lu_not_ready(itl->lu, &s))
		return ASC_NOT_READY;
	if (at.flags & (SCSI_VIEW_RES_ALL | (write ? SCSI_VIEW_RES_WRITE : SCSI_VIEW_RES_READ)))
		return ASC_THIRD_PARTY_FAILURE;
	if (write && at.flags & SCSI_VIEW_READ_ONLY)
		return ASC_WRITE_PROTECTED;
	return block_bytes && block_bytes != itl->lu->block_bytes ? ASC_COPY_DEVICE_TYPE : 0;
}

unsigned copy_side_refused(const struct scsi_task *t, const struct scsi_itl *itl, bool write)
{
	return side_refused(t, itl, write, 0);
}

static bool in_blocks(const struct scsi_lu *lu, uint64_t len_bytes)
{
	return !(len_bytes & (lu->block_bytes - 1));
}

static bool in_range(const struct scsi_lu *lu, uint64_t lba, uint64_t len_bytes)
{
	return lba <= lu->n_blocks && len_bytes >> lu->block_shift <= lu->n_blocks - lba;
}

/* Return: false and @ret is set, or true with the answer in @bad. */
static bool segment_refused(struct scsi_task *t, const struct copy_list *l,
			    const struct copy_segment *s, struct sides *ret, struct scsi_act *bad)
{
	uint32_t from_block = 0;
	uint32_t to_block = 0;
	unsigned asc;

	ret->from = copy_list_find(t, l, s->from, false, &from_block);
	ret->to = copy_list_find(t, l, s->to, true, &to_block);
	asc = side_refused(t, ret->from, false, from_block);
	if (!asc)
		asc = side_refused(t, ret->to, true, to_block);
	if (!asc) {
		ret->len_bytes = (uint64_t)s->n_blocks
				 << (s->counts_to ? ret->to : ret->from)->lu->block_shift;
		if (!in_blocks(ret->from->lu, ret->len_bytes) ||
		    !in_blocks(ret->to->lu, ret->len_bytes))
			asc = ASC_INEXACT_SEGMENT;
	}
	if (asc)
		*bad = copy_aborted(t, asc);
	else if (!in_range(ret->from->lu, s->from_lba, ret->len_bytes))
		*bad = copy_beyond(t, COPY_SEGMENT_FROM_LBA);
	else if (!in_range(ret->to->lu, s->to_lba, ret->len_bytes))
		*bad = copy_beyond(t, COPY_SEGMENT_TO_LBA);
	else
		return false;
	return true;
}

/* --- going on --- */

static struct scsi_act copy_moved(struct scsi_task *t)
{
	t->copy.done_bytes += t->act_len;
	if (t->copy.note) {
		t->copy.note->bytes += t->act_len;
		t->copy.note->pieces++;
	}
	return copy_next(t);
}

/* The next piece of segment @s. What lies before its source, and is written over by it, is copied from the end. */
static struct scsi_act copy_piece(struct scsi_task *t, const struct copy_segment *s,
				  const struct sides *two)
{
	struct scsi_lu *from = two->from->lu;
	struct scsi_lu *to = two->to->lu;
	uint64_t from_off = s->from_lba << from->block_shift;
	uint64_t to_off = s->to_lba << to->block_shift;
	uint64_t left = two->len_bytes - t->copy.done_bytes;
	uint64_t n = min_u64(left, SCSI_COPY_BYTES);
	bool backwards = from == to && to_off > from_off && to_off - from_off < two->len_bytes;
	uint64_t at = backwards ? left - n : t->copy.done_bytes;
	struct scsi_act a;

	if (!scsi_visit_begin(t, from, to)) {
		t->cont = copy_next;
		return answer_wait(t, SCSI_PHASE_HELD);
	}
	t->copy.from = from;
	t->copy.to = to;
	t->copy.from_bytes = from_off + at;
	a = answer_io(t, SCSI_ACT_COPY, to_off + at, n, copy_moved);
	a.fua = scsi_nexus_at(t->nexus, (unsigned)(two->to - t->nexus->lun)).flags &
		SCSI_VIEW_WRITE_THROUGH;
	return a;
}

static struct scsi_act copy_next(struct scsi_task *t)
{
	struct scsi_itl *own = answer_itl(t);
	struct copy_list l;
	struct sides two;
	struct scsi_act a;

	if (t->copy.stop)
		return copy_aborted(t, ASC_THIRD_PARTY_FAILURE);
	if (copy_stopped(t))
		return copy_aborted(t, ASC_NONE);
	if (!own || own->lu != t->lu) /* it was taken away meanwhile */
		return copy_aborted(t, ASC_COPY_NOT_REACHABLE);
	check(copy_list_decode(t, get_be32(t->cdb + 10), &l, &a));
	for (; t->pos < l.n_segments; t->pos++, t->copy.done_bytes = 0) {
		struct copy_segment s = copy_list_segment(&l, t->pos);

		if (segment_refused(t, &l, &s, &two, &a))
			return a;
		if (t->copy.done_bytes < two.len_bytes)
			return copy_piece(t, &s, &two);
		if (t->copy.note)
			t->copy.note->segments++;
	}
	return answer_good(t);
}

static struct scsi_act copy_list_here(struct scsi_task *t)
{
	uint32_t len = get_be32(t->cdb + 10);
	const struct scsi_copy_note *running;
	struct copy_list l;
	struct scsi_act a;

	if (!copy_list_decode(t, len, &l, &a))
		return a;
	if (l.usage != LIST_ID_NONE) {
		running = copy_note_same(t, l.id);
		if (running && running->status == SCSI_COPY_RUNS)
			return answer_fail(t, SENSE_ILLEGAL_REQUEST, ASC_OPERATION_IN_PROGRESS);
		if (!copy_note_begin(t, l.id))
			return answer_status(t, SCSI_STATUS_BUSY);
	}
	t->out_resid = answer_resid(len, t->out_len);
	t->pos = 0;
	return copy_next(t);
}

struct scsi_act spc_extended_copy(struct scsi_task *t)
{
	uint32_t len = get_be32(t->cdb + 10);

	if (!len)
		return answer_good(t);
	if (len > SCSI_DATA_MIN_BYTES)
		return answer_fail(t, SENSE_ILLEGAL_REQUEST, ASC_PARAMETER_LIST_LENGTH);
	if (t->out_len < len)
		return answer_fail(t, SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD_IN_IU);
	return answer_fetch(t, len, copy_list_here);
}
