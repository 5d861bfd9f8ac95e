/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Asynchronous event reports (SAM-2 5.8, carried by SRP's AER_REQ): a hint for initiators that asked for
 * them that a unit attention waits. The unit attention stays, and is reported with the next command as ever:
 * a report that gets lost, or an initiator that does nothing with it, changes nothing.
 */
#pragma once

#include "scsi/nexus.h"
#include "wire/sense.h"

struct scsi_report {
	uint8_t lun[8]; /* as on the wire */
	uint8_t sense_len;
	uint8_t sense[SENSE_MAX_BYTES]; /* the unit attention, in the unit's sense format */
};

/**
 * scsi_nexus_event() - the next unit attention of @n that no report told of
 *
 * It counts as told from now on. What is owed since the nexus came into being is no news; of several attentions
 * at a LUN the first is told, and REPORTED LUNS DATA HAS CHANGED once for all LUNs.
 *
 * Return: true and @ret is set, or false: there is nothing to tell.
 * Context: home worker.
 */
bool scsi_nexus_event(struct scsi_nexus *n, struct scsi_report *ret);

/* A report did not get through: tell of everything that is still owed again. */
void scsi_nexus_event_lost(struct scsi_nexus *n);
