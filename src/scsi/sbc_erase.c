/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* FORMAT UNIT and SANITIZE: SBC-4 5.4, 5.34. What they start is in erase.c. */
#include <errno.h>

#include "scsi/ready.h"
#include "scsi/sbc.h"

/* --- both --- */

/* Answered when it has ended. */
struct scsi_act sbc_erased(struct scsi_task *t)
{
	if (!t->kept.result)
		return answer_good(t);
	if (t->kept.result == -ECANCELED)
		return answer_fail(t, SENSE_ABORTED_COMMAND, ASC_NONE);
	return answer_fail(t, SENSE_MEDIUM_ERROR,
			   t->cdb[0] == SCSI_OP_SANITIZE ? ASC_SANITIZE_FAILED : ASC_FORMAT_FAILED);
}

/* It has begun, and that is stable; pos: is the status due now? */
static struct scsi_act erase_started(struct scsi_task *t)
{
	erase_go(t, !t->pos);
	if (t->pos)
		return answer_good(t);
	/* It must not keep others from being told that the unit is not ready. */
	scsi_set_leave(t);
	return answer_wait(t, SCSI_PHASE_ERASE);
}

static struct scsi_act erase_start(struct scsi_task *t, const struct scsi_erase *e, bool immed)
{
	t->pos = immed;
	erase_begin(t, e);
	return t->lu->keeps ? answer_act(t, SCSI_ACT_SAVE, erase_started) : erase_started(t);
}

/* Neither command needs a medium that is in order, but one that is there. */
static bool erase_impossible(struct scsi_task *t, struct scsi_act *ret)
{
	struct sense s;

	if (!scsi_lu_not_ready(t->lu, &s) ||
	    (t->lu->erase.failed && !t->lu->gone && !t->lu->fenced && !t->lu->ejected))
		return false;
	*ret = answer_sense(t, &s);
	return true;
}

/* --- FORMAT UNIT --- */

#define FORMAT_LONGLIST 0x20 /* CDB, byte 1 */
#define FORMAT_FMTDATA  0x10
#define FORMAT_USAGE    0x07 /* parameter list, byte 0: protection field usage */
#define FORMAT_FOV      0x80 /* byte 1 */
#define FORMAT_OPTIONS  0x78 /* of which FOV says that they are valid: DPRY, DCRT, STPF, IP */
#define FORMAT_IP       0x08
#define FORMAT_IMMED    0x02
#define FORMAT_VENDOR   0x01
#define FORMAT_SI       0x20 /* initialization pattern descriptor, byte 0 */
#define PATTERN_DEFAULT 0x00
#define PATTERN_REPEAT  0x01

static size_t format_header(const struct scsi_task *t)
{
	return t->cdb[1] & FORMAT_LONGLIST ? 8 : 4;
}

/* The descriptor behind the header. Returns the byte that is wrong, or -1. */
static int format_pattern(const struct scsi_task *t, struct scsi_erase *e)
{
	size_t at = format_header(t);
	struct cur in = cur_of(t->data + at, (size_t)t->act_len - at);
	uint8_t first = cur_u8(&in), type = cur_u8(&in);
	uint16_t len = cur_be16(&in);
	const uint8_t *pattern = cur_take(&in, len);

	if (in.bad)
		return (int)at + 2;
	if (first & FORMAT_SI)
		return (int)at;
	if (type == PATTERN_DEFAULT)
		return len ? (int)at + 2 : -1;
	if (type != PATTERN_REPEAT)
		return (int)at + 1;
	if (!len || len > t->lu->block_bytes)
		return (int)at + 2;
	e->n_passes = 1;
	e->pattern_len = len;
	memcpy(e->pattern, pattern, len);
	return -1;
}

/* Likewise, of the whole list. */
static int format_check(const struct scsi_task *t, struct scsi_erase *e)
{
	const uint8_t *p = t->data;
	bool longer = t->cdb[1] & FORMAT_LONGLIST;

	if (p[0] & FORMAT_USAGE)
		return 0;
	if (p[1] & FORMAT_VENDOR || (!(p[1] & FORMAT_FOV) && p[1] & FORMAT_OPTIONS))
		return 1;
	if (longer && p[3]) /* P_I_INFORMATION, PROTECTION INTERVAL EXPONENT */
		return 3;
	if (longer ? get_be32(p + 4) : get_be16(p + 2)) /* there are no defects to be told of */
		return longer ? 4 : 2;
	return p[1] & FORMAT_IP ? format_pattern(t, e) : -1;
}

static struct scsi_act format_list(struct scsi_task *t)
{
	struct scsi_erase e = { .kind = SCSI_ERASE_FORMAT };
	int bad = format_check(t, &e);

	if (bad >= 0)
		return answer_bad_param(t, (unsigned)bad);
	t->out_resid = 0; /* how long the list is, only the list says */
	return erase_start(t, &e, t->data[1] & FORMAT_IMMED);
}

struct scsi_act sbc_format_unit(struct scsi_task *t)
{
	const struct scsi_erase e = { .kind = SCSI_ERASE_FORMAT };
	struct scsi_act a;

	if (erase_impossible(t, &a))
		return a;
	if (!(t->cdb[1] & FORMAT_FMTDATA))
		return erase_start(t, &e, false);
	if (t->out_len < format_header(t))
		return answer_fail(t, SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD_IN_IU);
	return answer_fetch(t, (uint32_t)min_u64(t->out_len, scsi_task_data_bytes(t)), format_list);
}

/* --- SANITIZE --- */

#define SANITIZE_IMMED     0x80 /* CDB, byte 1 */
#define SANITIZE_AUSE      0x20
#define OVERWRITE_HEADER   4u
#define OVERWRITE_INVERT   0x80 /* parameter list, byte 0 */
#define OVERWRITE_COUNT    0x1f
#define OVERWRITE_RESERVED 0x60 /* TEST: nothing but a plain overwriting is done */

static struct scsi_erase sanitize_of(const struct scsi_task *t)
{
	return (struct scsi_erase){ .kind = SCSI_ERASE_SANITIZE,
				    .unrestricted = t->cdb[1] & SANITIZE_AUSE };
}

static struct scsi_act overwrite_list(struct scsi_task *t)
{
	struct scsi_erase e = sanitize_of(t);
	const uint8_t *p = t->data;
	uint16_t len = get_be16(p + 2);

	if (p[0] & OVERWRITE_RESERVED || !(p[0] & OVERWRITE_COUNT))
		return answer_bad_param(t, 0);
	if (!len || len > t->lu->block_bytes || len > t->act_len - OVERWRITE_HEADER)
		return answer_bad_param(t, 2);
	e.n_passes = p[0] & OVERWRITE_COUNT;
	e.invert = p[0] & OVERWRITE_INVERT;
	e.pattern_len = len;
	memcpy(e.pattern, p + OVERWRITE_HEADER, len);
	t->out_resid = answer_resid(t->act_len, t->out_len);
	return erase_start(t, &e, t->cdb[1] & SANITIZE_IMMED);
}

struct scsi_act sbc_sanitize_overwrite(struct scsi_task *t)
{
	uint32_t len = get_be16(t->cdb + 7);
	struct scsi_act a;

	if (erase_impossible(t, &a))
		return a;
	if (len <= OVERWRITE_HEADER || len > OVERWRITE_HEADER + t->lu->block_bytes)
		return answer_bad_cdb(t, 7, ANSWER_NO_BIT);
	if (t->out_len < len)
		return answer_fail(t, SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD_IN_IU);
	return answer_fetch(t, len, overwrite_list);
}

struct scsi_act sbc_sanitize_block_erase(struct scsi_task *t)
{
	const struct scsi_erase e = sanitize_of(t);
	struct scsi_act a;

	if (erase_impossible(t, &a))
		return a;
	return erase_start(t, &e, t->cdb[1] & SANITIZE_IMMED);
}

struct scsi_act sbc_sanitize_exit(struct scsi_task *t)
{
	struct scsi_erase *e = &t->lu->erase;
	struct scsi_act a;

	if (!e->failed || e->kind != SCSI_ERASE_SANITIZE)
		return erase_impossible(t, &a) ? a : answer_good(t);
	if (!e->unrestricted)
		return answer_bad_cdb(t, 1, 4);
	*e = (struct scsi_erase){ 0 };
	t->lu->order.publish = true;
	return t->lu->keeps ? answer_act(t, SCSI_ACT_SAVE, answer_good) : answer_good(t);
}
