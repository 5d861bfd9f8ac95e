/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Parameter lists of EXTENDED COPY: SPC-5 6.5, 6.6. What they name is looked for among the units of the nexus that asks. */
#include "scsi/spc_copy.h"

#include "base/cur.h"

#define LID1_HEADER 16u

#define LID4_HEADER     48u
#define LID4_FORMAT     0x01
#define LID4_IMMED      0x01
#define LID4_CSCD_BYTES 0x20 /* the header's own descriptor, from byte 16 on */
#define LID4_CSCD_TYPE  0xff

#define TARGET_IDENTIFIED 0xe4 /* by a designator of VPD page 83h */
#define TARGET_NUL        0x20 /* no unit at all */
#define CODE_BINARY       1
#define TYPE_NAA          3
#define DISK              0x00

#define SEGMENT_BLOCKS 0x02
#define SEGMENT_DC     0x02
#define SEGMENT_CAT    0x01

#define LIST_ID_RESERVED 1

/* --- CSCD descriptors --- */

/* @left: bytes of the list from @d on. Return: 0 or the additional sense code. */
static unsigned target_refused(const uint8_t *d, size_t left)
{
	if (d[0] != TARGET_IDENTIFIED) /* which may be of any length */
		return ASC_TARGET_TYPE;
	if (left < COPY_TARGET_BYTES)
		return ASC_PARAMETER_LIST_LENGTH;
	if (d[7] > COPY_TARGET_BYTES - 12) /* LU ID TYPE says nothing of a designator (SPC-4) */
		return ASC_INVALID_FIELD_IN_PARAMETERS;
	return (d[1] & 0x1f) == DISK ? 0 : ASC_COPY_DEVICE_TYPE;
}

static bool target_is(const uint8_t *d, const struct scsi_lu *lu)
{
	return !lu->remote && !(d[1] & TARGET_NUL) && (d[4] & 0x0f) == CODE_BINARY &&
	       (d[5] & 0x3f) == TYPE_NAA && d[7] == lu->naa_len &&
	       memcmp(d + 8, lu->naa, lu->naa_len) == 0;
}

void copy_target_put(struct pen *out, const struct scsi_lu *lu)
{
	size_t at = out->pos;

	pen_u8(out, TARGET_IDENTIFIED);
	pen_u8(out, DISK);
	pen_be16(out, 0);
	pen_u8(out, CODE_BINARY);
	pen_u8(out, TYPE_NAA);
	pen_u8(out, 0);
	pen_u8(out, lu->naa_len);
	pen_copy(out, lu->naa, lu->naa_len);
	pen_zero(out, at + COPY_TARGET_BYTES - 3 - out->pos);
	pen_be24(out, lu->block_bytes);
}

struct scsi_itl *copy_list_find(const struct scsi_task *t, const struct copy_list *l,
				unsigned which, bool write, uint32_t *block_bytes)
{
	const uint8_t *d = l->targets + (size_t)which * COPY_TARGET_BYTES;
	struct scsi_itl *found = NULL;

	if (which == COPY_NO_TARGET) {
		*block_bytes = t->lu->block_bytes;
		return answer_itl(t);
	}
	if (which >= l->n_targets)
		return NULL;
	*block_bytes = get_be24(d + 29);
	for (unsigned i = 0; i < SCSI_LUN_COUNT; i++) {
		struct scsi_itl *itl = &t->nexus->lun[i];

		if (!itl->lu || !target_is(d, itl->lu))
			continue;
		if (!write || !(scsi_nexus_at(t->nexus, i).flags & SCSI_VIEW_READ_ONLY))
			return itl;
		found = itl;
	}
	return found;
}

/* --- segment descriptors --- */

static const uint8_t *segment_at(const struct copy_list *l, unsigned i)
{
	return l->segments + (size_t)i * COPY_SEGMENT_BYTES;
}

struct copy_segment copy_list_segment(const struct copy_list *l, unsigned i)
{
	const uint8_t *d = segment_at(l, i);

	return (struct copy_segment){ .from = get_be16(d + 4),
				      .to = get_be16(d + 6),
				      .counts_to = d[1] & SEGMENT_DC,
				      .n_blocks = get_be16(d + 10),
				      .from_lba = get_be64(d + COPY_SEGMENT_FROM_LBA),
				      .to_lba = get_be64(d + COPY_SEGMENT_TO_LBA) };
}

static unsigned segment_refused(const uint8_t *d, size_t left)
{
	if (d[0] != SEGMENT_BLOCKS)
		return ASC_SEGMENT_TYPE;
	if (left < COPY_SEGMENT_BYTES)
		return ASC_PARAMETER_LIST_LENGTH;
	if (d[1] & ~(SEGMENT_DC | SEGMENT_CAT) || get_be16(d + 2) != COPY_SEGMENT_BYTES - 4)
		return ASC_INVALID_FIELD_IN_PARAMETERS;
	return 0;
}

/* --- the list --- */

static bool refuse(struct scsi_act *bad, struct scsi_act a)
{
	*bad = a;
	return false;
}

/* An illegal request; where it is about a field, that starts at byte @at. */
static struct scsi_act answer_bad_list(struct scsi_task *t, unsigned asc, size_t at)
{
	if (asc == ASC_INVALID_FIELD_IN_PARAMETERS)
		return answer_bad_param(t, (unsigned)at);
	return answer_fail(
		t, asc == ASC_COPY_DEVICE_TYPE ? SENSE_COPY_ABORTED : SENSE_ILLEGAL_REQUEST, asc);
}

/* A list of descriptors, each by itself: they are in @bytes bytes from @d on, and have @each if they are known. */
static bool descriptors_ok(struct scsi_task *t, const uint8_t *d, size_t bytes, size_t each,
			   unsigned (*refused)(const uint8_t *d, size_t left), struct scsi_act *bad)
{
	for (size_t at = 0; at < bytes; at += each) {
		unsigned asc = refused(d + at, bytes - at);

		if (asc)
			return refuse(bad, answer_bad_list(t, asc, (size_t)(d + at - t->data)));
	}
	return true;
}

/* What the header says of the lengths. */
struct lengths {
	size_t header;
	size_t targets;
	size_t segments;
	size_t inlined;
};

static bool lengths_ok(struct scsi_task *t, const struct lengths *n, size_t len,
		       struct scsi_act *bad)
{
	size_t all = n->targets + n->segments;
	unsigned asc = ASC_PARAMETER_LIST_LENGTH;

	if (all <= COPY_DESCRIPTORS_MAX_BYTES) {
		if (n->targets > (size_t)SCSI_COPY_TARGETS_MAX * COPY_TARGET_BYTES)
			asc = ASC_TOO_MANY_TARGETS;
		else if (n->segments > (size_t)SCSI_COPY_SEGMENTS_MAX * COPY_SEGMENT_BYTES)
			asc = ASC_TOO_MANY_SEGMENTS;
		else if (n->inlined)
			asc = ASC_INLINE_DATA_LENGTH;
		else if (n->header + all <= len)
			return true;
	}
	return refuse(bad, answer_fail(t, SENSE_ILLEGAL_REQUEST, asc));
}

static void header_lid1(const uint8_t *d, struct copy_list *l, struct lengths *n)
{
	l->id = d[0];
	n->targets = get_be16(d + 2);
	n->segments = get_be32(d + 8);
	n->inlined = get_be32(d + 12);
}

/* Return: whether it is in order, else @bad is the answer. */
static bool header_lid4(struct scsi_task *t, struct copy_list *l, struct lengths *n,
			struct scsi_act *bad)
{
	const uint8_t *d = t->data;

	if (d[0] != LID4_FORMAT)
		return refuse(bad, answer_bad_param(t, 0));
	if (get_be16(d + 2) != LID4_CSCD_BYTES)
		return refuse(bad, answer_bad_param(t, 2));
	if (d[15] & LID4_IMMED) /* nothing is done in the background */
		return refuse(bad, answer_bad_param(t, 15));
	if (d[16] != LID4_CSCD_TYPE)
		return refuse(bad, answer_bad_param(t, 16));
	l->id = get_be32(d + 20);
	n->targets = get_be16(d + 42);
	n->segments = get_be16(d + 44);
	n->inlined = get_be16(d + 46);
	return true;
}

bool copy_list_decode(struct scsi_task *t, size_t len, struct copy_list *ret, struct scsi_act *bad)
{
	bool lid4 = t->cmd->service_action == SCSI_COPY_OUT_LID4;
	struct lengths n = { .header = lid4 ? LID4_HEADER : LID1_HEADER };
	struct copy_list l;

	if (len < n.header)
		return refuse(bad,
			      answer_fail(t, SENSE_ILLEGAL_REQUEST, ASC_PARAMETER_LIST_LENGTH));
	if (!lid4)
		header_lid1(t->data, &l, &n);
	else if (!header_lid4(t, &l, &n, bad))
		return false;
	if (!lengths_ok(t, &n, len, bad))
		return false;
	l.usage = t->data[1] >> 3 & 3;
	l.targets = t->data + n.header;
	l.n_targets = (unsigned)(n.targets / COPY_TARGET_BYTES);
	l.segments = l.targets + n.targets;
	l.n_segments = (unsigned)(n.segments / COPY_SEGMENT_BYTES);
	if (l.usage == LIST_ID_RESERVED)
		return refuse(bad, answer_bad_param(t, 1));
	if (!descriptors_ok(t, l.targets, n.targets, COPY_TARGET_BYTES, target_refused, bad) ||
	    !descriptors_ok(t, l.segments, n.segments, COPY_SEGMENT_BYTES, segment_refused, bad))
		return false;
	*ret = l;
	return true;
}
