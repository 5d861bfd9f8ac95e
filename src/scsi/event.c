/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "scsi/event.h"

#include "wire/lun.h"

static uint16_t untold(const struct scsi_itl *itl)
{
	const struct scsi_uas *u = &itl->uas;

	return itl->lu && u->n && u->q[0] != u->told ? u->q[0] : 0;
}

bool scsi_nexus_event(struct scsi_nexus *n, struct scsi_report *ret)
{
	unsigned lun = 0;
	struct sense s = { .key = SENSE_UNIT_ATTENTION };
	uint16_t ua = 0;

	while (lun < SCSI_LUN_COUNT && !(ua = untold(&n->lun[lun])))
		lun++;
	if (!ua)
		return false;
	n->lun[lun].uas.told = ua;
	for (unsigned i = lun; ua == SCSI_UA_LUNS_CHANGED && i < SCSI_LUN_COUNT; i++) {
		if (untold(&n->lun[i]) == ua)
			n->lun[i].uas.told = ua;
	}
	s.asc = ua;
	s.descriptor = n->lun[lun].lu->mode.d_sense;
	lun_encode((uint16_t)lun, ret->lun);
	ret->sense_len = (uint8_t)sense_encode(&s, ret->sense);
	return true;
}

void scsi_nexus_event_lost(struct scsi_nexus *n)
{
	for (unsigned i = 0; i < SCSI_LUN_COUNT; i++) {
		struct scsi_uas *u = &n->lun[i].uas;

		if (u->told != SCSI_UA_POWER_ON)
			u->told = 0;
	}
}
