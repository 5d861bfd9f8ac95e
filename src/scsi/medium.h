/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The medium of a removable unit, and the power condition of any unit (SBC-4 4.20, 5.15, 5.31). Nothing of it outlives
 * the process: a unit begins with its medium in it, active, and nobody prevents that it is taken out. Home worker.
 */
#pragma once

#include "base/util.h"

struct scsi_lu;
struct scsi_nexus;

enum scsi_power { /* of a unit that is not stopped */
	SCSI_POWER_ACTIVE,
	SCSI_POWER_IDLE, /* by command, as the next; the first command that needs the medium ends both */
	SCSI_POWER_STANDBY,
};

enum scsi_medium_outcome {
	SCSI_MEDIUM_E_FIXED = 1, /* the unit is not removable */
	SCSI_MEDIUM_E_PREVENTED, /* an initiator prevents it */
	SCSI_MEDIUM_E_BUSY,      /* the unit is being erased */
};

/**
 * scsi_lu_eject() - the medium is taken out
 *
 * Commands that need it get MEDIUM NOT PRESENT (3Ah/00h). Without effect when it is out already.
 * Return: 0: publish the views of all nexuses of @lu again; or enum scsi_medium_outcome.
 */
must_check int scsi_lu_eject(struct scsi_lu *lu);

/**
 * scsi_lu_insert() - the medium is there, as ever or again
 * @by: the nexus that asked for it, which knows; NULL: none
 *
 * When it was out, all other nexuses are owed NOT READY TO READY CHANGE, MEDIUM MAY HAVE CHANGED (28h/00h). The unit
 * is started.
 * Return: as scsi_lu_eject(); an initiator that prevents removal prevents this only when the medium is out.
 */
must_check int scsi_lu_insert(struct scsi_lu *lu, const struct scsi_nexus *by);

/* --- for the files of this folder --- */

/* Does anybody prevent that the medium is taken out? */
bool medium_is_kept(const struct scsi_lu *lu);
/* @nexus (NULL: whoever it is) prevents nothing any more. */
void medium_allow(struct scsi_lu *lu, const struct scsi_nexus *nexus);
/* A command needs the medium: whatever power condition was asked for has ended. */
void medium_wake(struct scsi_lu *lu);
