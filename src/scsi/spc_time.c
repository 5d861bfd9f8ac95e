/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * REPORT and SET TIMESTAMP: SPC-5 6.38, 6.47, 5.3. Until it is set the timestamp is the system's clock, whatever sets
 * that (mode page 0Ah/01h: TCMOS); afterwards nothing but another SET TIMESTAMP changes how it runs (SCSIP), so it
 * follows a clock that does not jump.
 */
#include "scsi/spc.h"

#define TIMESTAMP_BYTES 12u
#define TIMESTAMP_AT    4u /* six bytes: milliseconds since 1970 */
#define ORIGIN_SET      2  /* by SET TIMESTAMP */
#define ORIGIN_OTHER    3  /* by something else */

static struct scsi_act report_counted(struct scsi_task *t)
{
	const struct scsi_lu *lu = t->lu;
	uint64_t ms = lu->timestamp_set ? lu->counters.on_ms + lu->timestamp_ahead_ms
					: lu->counters.wall_ms;
	struct pen out = pen_of(t->data, t->data_cap);

	pen_be16(&out, TIMESTAMP_BYTES - 2);
	pen_u8(&out, lu->timestamp_set ? ORIGIN_SET : ORIGIN_OTHER);
	pen_u8(&out, 0);
	pen_be16(&out, (uint16_t)(ms >> 32)); /* of six bytes */
	pen_be32(&out, (uint32_t)ms);
	pen_be16(&out, 0);
	return answer_data(t, out.pos, get_be32(t->cdb + 6));
}

struct scsi_act spc_report_timestamp(struct scsi_task *t)
{
	return answer_act(t, SCSI_ACT_COUNT, report_counted);
}

static struct scsi_act set_counted(struct scsi_task *t)
{
	struct scsi_lu *lu = t->lu;
	const uint8_t *at = t->data + TIMESTAMP_AT;
	uint64_t ms = (uint64_t)get_be16(at) << 32 | get_be32(at + 2);

	lu->timestamp_ahead_ms = ms - lu->counters.on_ms;
	lu->timestamp_set = true;
	t->out_resid = answer_resid(TIMESTAMP_BYTES, t->out_len);
	scsi_lu_ua(lu, SCSI_UA_TIMESTAMP_CHANGED, t->nexus);
	t->changed = SCSI_CHANGED_LU;
	return answer_good(t);
}

static struct scsi_act set_list(struct scsi_task *t)
{
	return answer_act(t, SCSI_ACT_COUNT, set_counted);
}

struct scsi_act spc_set_timestamp(struct scsi_task *t)
{
	uint32_t len = get_be32(t->cdb + 6);

	if (!len)
		return answer_good(t);
	if (len != TIMESTAMP_BYTES)
		return answer_fail(t, SENSE_ILLEGAL_REQUEST, ASC_PARAMETER_LIST_LENGTH);
	if (t->out_len < len)
		return answer_fail(t, SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD_IN_IU);
	return answer_fetch(t, len, set_list);
}
