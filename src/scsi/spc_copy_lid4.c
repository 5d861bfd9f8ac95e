/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copies with list identifiers of four bytes: RECEIVE COPY STATUS(LID4) (SPC-5 6.24), COPY OPERATION ABORT (6.4). */
#include "base/cur.h"
#include "scsi/spc_copy.h"

#define LIST_ID(t) (get_be32((t)->cdb + 2))

#define UNITS_BYTES   0x00
#define UNITS_BLOCKS  0xf1        /* of the destination */
#define DELAY_MS      100u        /* until there is something new of a copy that runs */
#define DELAY_NOTHING 0xfffffffeu /* there will be nothing new */

enum operation_status { /* COPY OPERATION STATUS */
	OPERATION_DONE = 0x01,
	OPERATION_FAILED = 0x02,
	OPERATION_PARTIAL = 0x03,    /* the token had less than was asked for */
	OPERATION_RUNS = 0x11,       /* in the foreground */
	OPERATION_TERMINATED = 0x60, /* by COPY OPERATION ABORT, or its command was aborted */
};

static enum operation_status status_of(const struct scsi_copy_note *n)
{
	if (n->status == SCSI_COPY_RUNS)
		return OPERATION_RUNS;
	if (n->status == SCSI_COPY_DONE)
		return n->partial ? OPERATION_PARTIAL : OPERATION_DONE;
	return n->stop || !n->sense_len ? OPERATION_TERMINATED : OPERATION_FAILED;
}

/* What its command ended with, or will. */
static uint8_t completion_of(const struct scsi_copy_note *n)
{
	if (n->status != SCSI_COPY_FAILED)
		return SCSI_STATUS_GOOD;
	return n->sense_len ? SCSI_STATUS_CHECK_CONDITION : SCSI_STATUS_TASK_ABORTED;
}

void copy_status_put(struct pen *out, const struct scsi_task *t, const struct scsi_copy_note *n)
{
	bool blocks = n->service_action != SCSI_COPY_OUT_LID4;
	unsigned pad = -(unsigned)n->sense_len & 3;

	pen_be32(out, COPY_STATUS_BYTES - 4 + n->sense_len + pad);
	pen_u8(out, n->service_action);
	pen_u8(out, (uint8_t)status_of(n));
	pen_be16(out, n->pieces);
	pen_be32(out, n->status == SCSI_COPY_RUNS ? DELAY_MS : DELAY_NOTHING);
	pen_u8(out, completion_of(n));
	pen_u8(out, (uint8_t)(n->sense_len + pad));
	pen_u8(out, n->sense_len);
	pen_u8(out, blocks ? UNITS_BLOCKS : UNITS_BYTES);
	pen_be64(out, blocks ? n->bytes >> t->lu->block_shift : n->bytes);
	pen_be16(out, n->segments);
	pen_zero(out, 6);
	pen_copy(out, n->sense, n->sense_len);
	pen_zero(out, pad);
}

struct scsi_act spc_copy_status_lid4(struct scsi_task *t)
{
	struct scsi_copy_note *n = copy_note_lid4(t, LIST_ID(t));
	struct pen out = pen_of(t->data, COPY_STATUS_BYTES + SENSE_MAX_BYTES);

	if (!n)
		return answer_bad_cdb(t, 2, ANSWER_NO_BIT);
	copy_status_put(&out, t, n);
	check(!out.bad);
	if (n->service_action ==
	    SCSI_COPY_OUT_LID4) /* of others there is a token to be told, too */
		copy_note_told(n);
	return answer_data(t, out.pos, get_be32(t->cdb + 10));
}

/* It ends in front of its next piece. */
struct scsi_act spc_copy_abort(struct scsi_task *t)
{
	struct scsi_copy_note *n = copy_note_lid4(t, LIST_ID(t));

	if (!n || n->status != SCSI_COPY_RUNS)
		n = copy_note_find(t, SCSI_COPY_OUT_LID1, LIST_ID(t));
	if (!n || n->status != SCSI_COPY_RUNS)
		return answer_bad_cdb(t, 2, ANSWER_NO_BIT);
	n->stop = true;
	return answer_good(t);
}
