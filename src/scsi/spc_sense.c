/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* TEST UNIT READY and REQUEST SENSE: SPC-5 6.47 and 6.39. */
#include "scsi/ready.h"
#include "scsi/spc.h"

struct scsi_act spc_test_unit_ready(struct scsi_task *t)
{
	return answer_good(t); /* the dispatcher knows whether the unit is ready */
}

struct scsi_act spc_request_sense(struct scsi_task *t)
{
	struct sense s = { .descriptor = t->cdb[1] & 1 };
	struct scsi_itl *itl = answer_itl(t);

	if (!itl && !answer_is_well_known(t)) {
		s.key = SENSE_ILLEGAL_REQUEST;
		s.asc = ASC_LUN_NOT_SUPPORTED;
	} else if (itl && itl->uas.n) {
		s.key = SENSE_UNIT_ATTENTION;
		s.asc = answer_take_ua(t, itl);
	} else if (itl && scsi_lu_not_ready(t->lu, &s)) {
		s.descriptor = t->cdb[1] & 1;
	} else if (itl && t->lu->power) {
		s.asc = t->lu->power == SCSI_POWER_IDLE ? ASC_IDLE_BY_COMMAND
							: ASC_STANDBY_BY_COMMAND;
	}
	return answer_data(t, sense_encode(&s, t->data), t->cdb[4]);
}
