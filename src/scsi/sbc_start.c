/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * START STOP UNIT and PREVENT ALLOW MEDIUM REMOVAL: SBC-4 5.31, 5.15, 4.20; SPC-5 5.12.
 *
 * A fixed unit does what SBC-4 says: stopped it is not ready until it is started, and a power condition that it has
 * not is refused. A removable one takes after the drives that hosts know: stopped it is in standby, so the next command
 * that needs the medium starts it, and a power condition that it has not changes nothing.
 */
#include "scsi/medium.h"
#include "scsi/sbc.h"

#define START_START    0x01 /* byte 4 */
#define START_LOEJ     0x02
#define START_NO_FLUSH 0x04
#define PREVENT        0x01 /* of PREVENT ALLOW: byte 4 */

enum power_condition { /* byte 4, bits 7-4 */
	PC_START_VALID = 0,
	PC_ACTIVE = 1,
	PC_IDLE = 2,
	PC_STANDBY = 3,
	PC_LU_CONTROL = 7,
};

static struct scsi_act changed(struct scsi_task *t)
{
	t->changed = SCSI_CHANGED_LU;
	return answer_good(t);
}

/* What the cache holds goes to the medium first; status comes when that is done, with IMMED too. */
static struct scsi_act flushed(struct scsi_task *t, struct scsi_act (*then)(struct scsi_task *))
{
	if (t->cdb[4] & START_NO_FLUSH)
		return then(t);
	return answer_io(t, SCSI_ACT_FLUSH, 0, 0, then);
}

/* --- start and stop --- */

static struct scsi_act to_active(struct scsi_task *t)
{
	struct scsi_lu *lu = t->lu;

	if (!lu->stopped && lu->power == SCSI_POWER_ACTIVE)
		return answer_good(t);
	lu->stopped = false;
	lu->power = SCSI_POWER_ACTIVE;
	return changed(t);
}

static struct scsi_act to_low(struct scsi_task *t, enum scsi_power power)
{
	t->lu->stopped = false;
	t->lu->power = (uint8_t)power;
	return changed(t);
}

static struct scsi_act to_standby(struct scsi_task *t)
{
	return to_low(t, SCSI_POWER_STANDBY);
}

static struct scsi_act to_stopped(struct scsi_task *t)
{
	struct scsi_lu *lu = t->lu;

	if (!lu->stopped) /* another one may have been first */
		lu->n_stops++;
	if (lu->removable)
		return to_standby(t);
	lu->stopped = true;
	return changed(t);
}

static struct scsi_act power_condition(struct scsi_task *t, unsigned condition)
{
	switch (condition) {
	case PC_ACTIVE:
		return to_active(t);
	case PC_IDLE:
		return to_low(t, SCSI_POWER_IDLE);
	case PC_STANDBY:
		return flushed(t, to_standby);
	case PC_LU_CONTROL: /* no timer runs (mode page 1Ah), so it stays where it is */
		return answer_good(t);
	default:
		return t->lu->removable ? answer_good(t) : answer_bad_cdb(t, 4, 7);
	}
}

/* --- the medium in and out --- */

static struct scsi_act medium_answer(struct scsi_task *t, int r)
{
	if (r == SCSI_MEDIUM_E_PREVENTED)
		return answer_fail(t, SENSE_ILLEGAL_REQUEST, ASC_REMOVAL_PREVENTED);
	check(!r); /* no command runs while the unit is erased */
	return changed(t);
}

static struct scsi_act eject_flushed(struct scsi_task *t)
{
	return medium_answer(t, scsi_lu_eject(t->lu)); /* somebody may prevent it only now */
}

static struct scsi_act eject(struct scsi_task *t)
{
	if (t->lu->ejected) /* whoever prevents that it is taken out, it is */
		return answer_good(t);
	if (medium_is_kept(t->lu))
		return medium_answer(t, SCSI_MEDIUM_E_PREVENTED);
	return flushed(t, eject_flushed);
}

struct scsi_act sbc_start_stop(struct scsi_task *t)
{
	struct scsi_lu *lu = t->lu;
	unsigned condition = t->cdb[4] >> 4; /* where there is one, START and LOEJ say nothing */
	bool start = t->cdb[4] & START_START;

	if (lu->gone || lu->fenced)
		return answer_fail(t, SENSE_NOT_READY, ASC_NOT_READY);
	if (condition == PC_START_VALID && t->cdb[4] & START_LOEJ) {
		if (!lu->removable)
			return answer_bad_cdb(t, 4, 1);
		return start ? medium_answer(t, scsi_lu_insert(lu, t->nexus)) : eject(t);
	}
	if (lu->ejected)
		return answer_fail(t, SENSE_NOT_READY, ASC_NO_MEDIUM);
	if (condition != PC_START_VALID)
		return power_condition(t, condition);
	if (start)
		return to_active(t);
	return lu->stopped ? answer_good(t) : flushed(t, to_stopped);
}

/* Of a fixed unit nothing can be removed: to be allowed and to be prevented is the same. */
struct scsi_act sbc_prevent_allow(struct scsi_task *t)
{
	answer_itl(t)->prevents = t->cdb[4] & PREVENT;
	return answer_good(t);
}
