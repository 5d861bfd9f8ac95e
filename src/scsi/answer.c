/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Answers to commands: status, sense data, residuals; and errors of a store as sense data. */
#include "scsi/answer.h"

#include <errno.h>

#include "scsi/spc.h"
#include "scsi/spc_copy.h"
#include "wire/lun.h"

static struct scsi_act complete(struct scsi_task *t, enum scsi_status status)
{
	struct scsi_act a = { .type = SCSI_ACT_COMPLETE, .changed = t->changed };

	t->status = (uint8_t)status;
	t->phase = SCSI_PHASE_DONE;
	t->act = SCSI_ACT_COMPLETE;
	t->changed = SCSI_CHANGED_NOTHING;
	return a;
}

static void nothing_moved(struct scsi_task *t)
{
	t->data_len = 0;
	t->in_resid = answer_resid(0, t->in_len);
	t->out_resid = answer_resid(0, t->out_len);
}

struct scsi_act answer_good(struct scsi_task *t)
{
	return complete(t, SCSI_STATUS_GOOD);
}

struct scsi_act answer_data(struct scsi_task *t, size_t len, size_t alloc_len)
{
	size_t want = min_size(len, alloc_len);

	check(len <= t->data_cap);
	t->data_len = (uint32_t)min_u64(want, t->in_len);
	t->in_resid = answer_resid(want, t->in_len);
	return complete(t, SCSI_STATUS_GOOD);
}

struct scsi_act answer_status(struct scsi_task *t, enum scsi_status status)
{
	nothing_moved(t);
	return complete(t, status);
}

struct scsi_act answer_sense(struct scsi_task *t, struct sense *s)
{
	s->descriptor = t->lu && t->view_flags & SCSI_VIEW_D_SENSE;
	t->sense_len = (uint8_t)sense_encode(s, t->sense);
	return answer_status(t, SCSI_STATUS_CHECK_CONDITION);
}

void answer_note_abort(struct scsi_task *t, const struct scsi_event *ev)
{
	uint8_t how = ev->tell ? SCSI_ABORT_TELL : SCSI_ABORT_QUIET;

	if (t->abort < how)
		t->abort = how;
}

enum scsi_changed scsi_task_unsent(struct scsi_task *t)
{
	struct scsi_itl *itl;

	if (!t->ua_told)
		return SCSI_CHANGED_NOTHING;
	itl = answer_itl(t);
	if (t->ua_told == SCSI_UA_LUNS_CHANGED)
		scsi_nexus_ua(t->nexus, SCSI_UA_LUNS_CHANGED); /* it was taken from everywhere */
	else if (itl && itl->lu == t->lu)
		scsi_uas_add(&itl->uas, (enum scsi_ua)t->ua_told);
	t->ua_told = 0;
	return SCSI_CHANGED_NEXUS;
}

/* Erasing that it has begun goes on without it. */
static void leave_erase(struct scsi_task *t)
{
	if (t->route != SCSI_ROUTE_HOME || !t->lu)
		return;
	if (t->lu->erase.starts == t)
		erase_go(t, false);
	else if (t->lu->erase.waiter == t)
		erase_forget(t);
}

struct scsi_act answer_aborted(struct scsi_task *t)
{
	/* What it was about to tell it will not. Only who is stepped at home can have something to tell. */
	enum scsi_changed changed = scsi_task_unsent(t);

	leave_erase(t);
	if (t->changed == SCSI_CHANGED_NOTHING)
		t->changed = (uint8_t)changed;
	t->aborted = t->abort == SCSI_ABORT_QUIET;
	t->sense_len = 0;
	return answer_status(t, SCSI_STATUS_TASK_ABORTED);
}

struct scsi_act answer_again(struct scsi_task *t)
{
	return complete(t, (enum scsi_status)t->status);
}

struct scsi_act answer_fail(struct scsi_task *t, enum sense_key key, unsigned asc)
{
	struct sense s = { .key = (uint8_t)key, .asc = (uint16_t)asc };

	return answer_sense(t, &s);
}

struct scsi_act answer_bad_cdb(struct scsi_task *t, unsigned byte, int bit)
{
	struct sense s = { .key = SENSE_ILLEGAL_REQUEST,
			   .asc = ASC_INVALID_FIELD_IN_CDB,
			   .field_valid = true,
			   .field_in_cdb = true,
			   .field_bit_valid = bit != ANSWER_NO_BIT,
			   .field_bit = bit == ANSWER_NO_BIT ? 0 : (uint8_t)bit,
			   .field_byte = (uint16_t)byte };

	return answer_sense(t, &s);
}

struct scsi_act answer_bad_param(struct scsi_task *t, unsigned byte)
{
	struct sense s = { .key = SENSE_ILLEGAL_REQUEST,
			   .asc = ASC_INVALID_FIELD_IN_PARAMETERS,
			   .field_valid = true,
			   .field_byte = (uint16_t)byte };

	return answer_sense(t, &s);
}

struct scsi_act answer_bad_lba(struct scsi_task *t, uint64_t lba)
{
	struct sense s = { .key = SENSE_ILLEGAL_REQUEST,
			   .asc = ASC_LBA_OUT_OF_RANGE,
			   .info_valid = true,
			   .info = lba };

	return answer_sense(t, &s);
}

static bool act_reads(uint8_t act)
{
	return act == SCSI_ACT_READ || act == SCSI_ACT_VERIFY || act == SCSI_ACT_COMPARE ||
	       act == SCSI_ACT_COMPARE_SAME || act == SCSI_ACT_PREFETCH || act == SCSI_ACT_EXTENT;
}

/* The store could not do it: key and code, by what was asked. False: no sense data but BUSY. */
static bool sense_of_errno(uint8_t act, int err, struct sense *s)
{
	static const struct {
		int err;
		uint8_t key;
		uint16_t asc;
	} map[] = {
		{ ENOSPC, SENSE_DATA_PROTECT, ASC_SPACE_ALLOCATION_FAILED },
		{ EDQUOT, SENSE_DATA_PROTECT, ASC_SPACE_ALLOCATION_FAILED },
		{ EROFS, SENSE_DATA_PROTECT, ASC_WRITE_PROTECTED },
		{ EPERM, SENSE_DATA_PROTECT, ASC_WRITE_PROTECTED },
		{ EACCES, SENSE_DATA_PROTECT, ASC_WRITE_PROTECTED },
		{ EILSEQ, SENSE_MISCOMPARE, ASC_MISCOMPARE },
		{ EPIPE, SENSE_ABORTED_COMMAND, ASC_DATA_PHASE },
		{ EBADMSG, SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD_IN_CDB },
		{ ECANCELED, SENSE_ABORTED_COMMAND, ASC_NONE },
		{ ETIMEDOUT, SENSE_ABORTED_COMMAND, ASC_COMMAND_TIMEOUT },
		{ ENXIO, SENSE_NOT_READY, ASC_NOT_READY },
		{ ENODEV, SENSE_NOT_READY, ASC_NOT_READY },
		{ ENOTCONN, SENSE_NOT_READY, ASC_NOT_READY },
		/* the range was checked here, so the fault is on our side of the CDB */
		{ EINVAL, SENSE_HARDWARE_ERROR, ASC_TARGET_FAILURE },
		{ EOPNOTSUPP, SENSE_HARDWARE_ERROR, ASC_TARGET_FAILURE },
	};

	if (err == ENOMEM || err == EAGAIN || err == EBUSY)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(map); i++) {
		if (map[i].err != err)
			continue;
		s->key = map[i].key;
		s->asc = map[i].asc;
		return true;
	}
	s->key = SENSE_MEDIUM_ERROR;
	s->asc = act_reads(act) ? ASC_UNRECOVERED_READ : ASC_WRITE_ERROR;
	return true;
}

struct scsi_act answer_io_failed(struct scsi_task *t, const struct scsi_event *ev)
{
	uint64_t done = min_u64(ev->done_bytes, t->act_len);
	struct sense s = { 0 };
	uint8_t act = t->act;
	struct scsi_act a;

	if ((act == SCSI_ACT_FETCH || act == SCSI_ACT_ROOM) && ev->result != -ECANCELED &&
	    ev->result != -EBADMSG && ev->result != -ENOMEM) /* no matter of the medium */
		return answer_fail(t, SENSE_ABORTED_COMMAND, ASC_DATA_PHASE);
	if (act == SCSI_ACT_TOKEN)
		return answer_fail(t, SENSE_ILLEGAL_REQUEST, ASC_NO_TOKEN_RESOURCES);
	if (act == SCSI_ACT_COPY)
		return spc_copy_failed(t, ev->result);
	if (act == SCSI_ACT_SAVE) { /* it has changed, and whether that outlives us nobody knows */
		if (t->lu->erase.starts == t)
			erase_undo(t);
		return answer_fail(t, SENSE_HARDWARE_ERROR, ASC_TARGET_FAILURE);
	}
	if (act == SCSI_ACT_SET_STATES && ev->result != -EBUSY)
		return answer_fail(t, SENSE_HARDWARE_ERROR, ASC_SET_TPGS_FAILED);
	if (!sense_of_errno(act, -ev->result, &s))
		return answer_status(t, SCSI_STATUS_BUSY);
	if (s.key == SENSE_MISCOMPARE && act == SCSI_ACT_COMPARE_AND_WRITE) {
		/* where in the data-out the first byte is that differs (SBC-4 5.3) */
		s.info_valid = true;
		s.info = done;
	} else if ((s.key == SENSE_MEDIUM_ERROR || s.key == SENSE_MISCOMPARE) &&
		   act != SCSI_ACT_FLUSH) {
		uint64_t bad = t->act_off + done;

		if (done && done == t->act_len) /* it cannot be behind the action */
			bad--;
		s.info_valid = true;
		s.info = bad >> t->lu->block_shift;
	}
	if (t->cmd->start == spc_send_diagnostic)
		scsi_selftest_note(t->lu, t->cdb[1] >> 5, SCSI_SELFTEST_FAILED, s.info);
	a = answer_sense(t, &s);
	if (act == SCSI_ACT_READ)
		t->in_resid = answer_resid(done, t->in_len);
	else if (act == SCSI_ACT_WRITE || act == SCSI_ACT_COMPARE)
		t->out_resid = answer_resid(done, t->out_len);
	return a;
}

static struct scsi_act act_start(struct scsi_task *t, enum scsi_act_type type,
				 struct scsi_act (*cont)(struct scsi_task *))
{
	struct scsi_act a = { .type = type,
			      .changed = t->changed,
			      .off_bytes = t->act_off,
			      .len_bytes = t->act_len };

	/* What has changed is told when it is saved. */
	if (type == SCSI_ACT_SAVE) {
		a.changed = SCSI_CHANGED_NOTHING;
	} else {
		check(t->changed != SCSI_CHANGED_LU || type == SCSI_ACT_CLEAR);
		t->changed = SCSI_CHANGED_NOTHING;
	}
	t->act = (uint8_t)type;
	t->cont = cont;
	t->phase = SCSI_PHASE_WAIT;
	return a;
}

struct scsi_act answer_io(struct scsi_task *t, enum scsi_act_type type, uint64_t off_bytes,
			  uint64_t len_bytes, struct scsi_act (*cont)(struct scsi_task *))
{
	t->act_off = off_bytes;
	t->act_len = len_bytes;
	return act_start(t, type, cont);
}

struct scsi_act answer_act(struct scsi_task *t, enum scsi_act_type type,
			   struct scsi_act (*cont)(struct scsi_task *))
{
	t->act_off = 0;
	t->act_len = 0;
	return act_start(t, type, cont);
}

struct scsi_act answer_wait(struct scsi_task *t, enum scsi_phase phase)
{
	/* What changed is reported with the action that follows; t->act is what an event that is kept is about. */
	t->phase = (uint8_t)phase;
	return (struct scsi_act){ .type = SCSI_ACT_WAIT };
}

struct scsi_act answer_fetch(struct scsi_task *t, uint32_t len_bytes,
			     struct scsi_act (*cont)(struct scsi_task *))
{
	check(len_bytes && len_bytes <= scsi_task_data_bytes(t) && len_bytes <= t->out_len);
	t->act_off = 0;
	t->act_len = len_bytes;
	return act_start(t, SCSI_ACT_FETCH, cont);
}

struct scsi_itl *answer_itl(const struct scsi_task *t)
{
	uint16_t lun = 0;

	if (lun_decode(t->lun, &lun) != LUN_UNIT || lun >= SCSI_LUN_COUNT)
		return NULL;
	return t->nexus->lun[lun].lu ? &t->nexus->lun[lun] : NULL;
}

bool answer_is_well_known(const struct scsi_task *t)
{
	uint16_t lun = 0;

	return lun_decode(t->lun, &lun) == LUN_REPORT_LUNS;
}

void answer_luns_known(struct scsi_task *t)
{
	for (unsigned i = 0; i < SCSI_LUN_COUNT; i++)
		if (scsi_uas_drop(&t->nexus->lun[i].uas, SCSI_UA_LUNS_CHANGED)) {
			t->changed = SCSI_CHANGED_NEXUS;
			t->ua_told = SCSI_UA_LUNS_CHANGED;
		}
}

uint16_t answer_take_ua(struct scsi_task *t, struct scsi_itl *itl)
{
	uint16_t ua = scsi_uas_pop(&itl->uas);

	if (ua) /* also for the next one, which may have to be reported now */
		t->changed = SCSI_CHANGED_NEXUS;
	if (ua == SCSI_UA_LUNS_CHANGED)
		answer_luns_known(t);
	t->ua_told = ua;
	return ua;
}
