/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * REPORT and SET IDENTIFYING INFORMATION: SPC-5 6.32, 6.45. What an application calls the unit by; it has to outlive
 * the process, so without a place for that it cannot be set.
 */
#include "scsi/spc.h"

enum ident_type { /* byte 10, bits 7-1 */
	IDENT_DEVICE = 0,
	IDENT_TEXT = 2,
	IDENT_SUPPORTED = 0x7f,
};

static unsigned type_of(const struct scsi_task *t)
{
	return t->cdb[10] >> 1;
}

static struct scsi_act bad_type(struct scsi_task *t)
{
	return answer_bad_cdb(t, 10, 7);
}

static void put_supported(struct pen *out, enum ident_type type, unsigned max)
{
	pen_u8(out, (uint8_t)(type << 1));
	pen_u8(out, 0);
	pen_be16(out, (uint16_t)max);
}

struct scsi_act spc_report_ident(struct scsi_task *t)
{
	struct pen out = pen_of(t->data, t->data_cap);
	const struct scsi_ident *i = &t->lu->ident;

	pen_be32(&out, 0); /* the length, below */
	switch (type_of(t)) {
	case IDENT_DEVICE:
		pen_copy(&out, i->ident, i->ident_len);
		break;
	case IDENT_TEXT:
		pen_copy(&out, i->text, i->text_len);
		break;
	case IDENT_SUPPORTED:
		put_supported(&out, IDENT_DEVICE, SCSI_IDENT_BYTES);
		put_supported(&out, IDENT_TEXT, SCSI_TEXT_BYTES);
		break;
	default:
		return bad_type(t);
	}
	check(!out.bad);
	put_be16(t->data + 2, (uint16_t)(out.pos - 4));
	return answer_data(t, out.pos, get_be32(t->cdb + 6));
}

/* Takes the parameter list as it is; an empty one, which was not fetched, takes back what was set. */
static struct scsi_act ident_apply(struct scsi_task *t)
{
	struct scsi_ident *i = &t->lu->ident;
	uint16_t len = (uint16_t)get_be32(t->cdb + 6);

	if (type_of(t) == IDENT_TEXT) {
		if (len && t->data[len - 1])
			return answer_bad_param(t, len - 1u); /* text ends with a NUL */
		i->text_len = len;
		memcpy(i->text, t->data, len);
	} else {
		i->ident_len = len;
		memcpy(i->ident, t->data, len);
	}
	t->out_resid = answer_resid(len, t->out_len);
	scsi_lu_ua(t->lu, SCSI_UA_IDENTIFIER_CHANGED, t->nexus);
	t->changed = SCSI_CHANGED_LU;
	return answer_act(t, SCSI_ACT_SAVE, answer_good);
}

struct scsi_act spc_set_ident(struct scsi_task *t)
{
	uint32_t len = get_be32(t->cdb + 6);
	unsigned type = type_of(t);

	if (type != IDENT_DEVICE && type != IDENT_TEXT)
		return bad_type(t);
	if (len > (type == IDENT_TEXT ? SCSI_TEXT_BYTES : SCSI_IDENT_BYTES))
		return answer_bad_cdb(t, 6, ANSWER_NO_BIT);
	if (!len)
		return answer_act(t, SCSI_ACT_ROOM, ident_apply);
	if (t->out_len < len)
		return answer_fail(t, SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD_IN_IU);
	return answer_fetch(t, len, ident_apply);
}
