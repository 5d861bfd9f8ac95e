/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Unit attention conditions of one nexus at one logical unit: a bounded queue without duplicates,
 * most important first (SAM-5 5.14). When it would overflow, everything in it gives way to POWER ON,
 * RESET, OR BUS DEVICE RESET OCCURRED, which makes an initiator ask for everything again.
 */
#pragma once

#include "base/util.h"

#define SCSI_UA_MAX 8

/* ASC << 8 | ASCQ */
enum scsi_ua {
	SCSI_UA_MEDIUM_CHANGED = 0x2800,   /* may have: not ready to ready change */
	SCSI_UA_POWER_ON = 0x2900,         /* also reset of an unknown kind */
	SCSI_UA_BUS_DEVICE_RESET = 0x2903, /* logical unit reset */
	SCSI_UA_NEXUS_LOSS = 0x2907,
	SCSI_UA_MODE_CHANGED = 0x2a01,
	SCSI_UA_LOG_CHANGED = 0x2a02,
	SCSI_UA_RESERVATIONS_PREEMPTED = 0x2a03,
	SCSI_UA_RESERVATIONS_RELEASED = 0x2a04,
	SCSI_UA_REGISTRATIONS_PREEMPTED = 0x2a05,
	SCSI_UA_ACCESS_STATE_CHANGED = 0x2a06, /* of the target port group */
	SCSI_UA_CAPACITY_CHANGED = 0x2a09,
	SCSI_UA_TIMESTAMP_CHANGED = 0x2a10,
	SCSI_UA_PREVIOUS_BUSY = 0x2c07, /* with UA_INTLCK_CTRL 11b, as the next */
	SCSI_UA_PREVIOUS_CONFLICT = 0x2c09,
	SCSI_UA_COMMANDS_CLEARED = 0x2f00, /* by another initiator */
	SCSI_UA_SOFT_THRESHOLD = 0x3807,   /* thin provisioning: space runs out */
	SCSI_UA_INQUIRY_CHANGED = 0x3f03,
	SCSI_UA_IDENTIFIER_CHANGED = 0x3f05,
	SCSI_UA_LUNS_CHANGED = 0x3f0e,
};

struct scsi_uas {
	uint8_t n;
	uint16_t q[SCSI_UA_MAX]; /* enum scsi_ua, the first is reported next */
	uint16_t told; /* the one an event report told of while it was the first; 0: none */
};

/* Add @ua by its rank; one that is there already stays as it is. */
void scsi_uas_add(struct scsi_uas *u, enum scsi_ua ua);
/* Take the most important one; 0 when there is none. */
uint16_t scsi_uas_pop(struct scsi_uas *u);
/* Forget @ua; true when it was there. */
bool scsi_uas_drop(struct scsi_uas *u, enum scsi_ua ua);
