/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The SCSI core of a disk: one header for its users. Pure and transport-neutral. The objects:
 *
 *   struct scsi_lu     a logical unit                                 home worker
 *   struct scsi_nexus  one I_T nexus: port names, LUN map, unit       home worker
 *                      attentions; shared by all channels of it
 *   struct scsi_view   what a channel's worker may know of a nexus    immutable once published
 *   struct scsi_task   one command, embedded in the caller's own      the worker that steps it
 *   struct scsi_tmf    one task management function                   home worker
 *   struct scsi_report one event report                               whoever holds it
 *
 * Life of a command: fill the in-part of a scsi_task; scsi_route() says where it runs; there
 * scsi_task_step() with SCSI_EV_START, then one event per action, until SCSI_ACT_COMPLETE.
 */
#pragma once

#include "scsi/event.h"
#include "scsi/lu.h"
#include "scsi/nexus.h"
#include "scsi/saved.h"
#include "scsi/suspend.h"
#include "scsi/task.h"
#include "scsi/tmf.h"
