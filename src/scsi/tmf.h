/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Task management (SAM-5 7). The core decides and keeps the unit attentions; the caller knows the
 * tasks:  scsi_tmf_start() says which tasks are meant -> the caller gives SCSI_EV_ABORT to each of
 * them, calls scsi_tmf_hit() for each, and waits until all have completed (so none can touch the
 * medium) -> scsi_tmf_finish() -> the caller sends the response.
 */
#pragma once

#include "scsi/nexus.h"
#include "scsi/task.h"

enum scsi_tmf_fn {
	SCSI_TMF_ABORT_TASK,
	SCSI_TMF_ABORT_TASK_SET,
	SCSI_TMF_CLEAR_TASK_SET,
	SCSI_TMF_LUN_RESET,
	SCSI_TMF_CLEAR_ACA,
	SCSI_TMF_NEXUS_RESET, /* @lun is not looked at */
};

enum scsi_tmf_response {
	SCSI_TMF_FUNCTION_COMPLETE,
	SCSI_TMF_NOT_SUPPORTED,
	SCSI_TMF_INCORRECT_LUN,
};

/* Which tasks are to be aborted. */
enum scsi_tmf_scope {
	SCSI_TMF_SCOPE_NONE,
	SCSI_TMF_SCOPE_TASK, /* the one with @tag of @nexus at @lu; if there is none, that is fine */
	SCSI_TMF_SCOPE_NEXUS_LU, /* all of @nexus at @lu */
	SCSI_TMF_SCOPE_LU,       /* all of every nexus at @lu */
	SCSI_TMF_SCOPE_NEXUS,    /* all of @nexus */
};

struct scsi_tmf {
	/* in */
	enum scsi_tmf_fn fn;
	uint8_t lun[8];
	uint64_t tag; /* ABORT TASK */
	struct scsi_nexus *nexus;
	/* out of scsi_tmf_start() */
	enum scsi_tmf_response response; /* to send; after scsi_tmf_finish() */
	enum scsi_tmf_scope scope;
	struct scsi_lu *lu; /* with scope TASK, NEXUS_LU, LU */
};

/**
 * scsi_tmf_start() - decide
 * @m: in-part set; the out-part is filled
 *
 * Context: home worker. No other TMF may be between start and finish on the same unit.
 */
void scsi_tmf_start(struct scsi_tmf *m);

/* Does @m mean task @t (which has been routed or stepped)? Context: any worker that may read @t. */
bool scsi_tmf_matches(const struct scsi_tmf *m, const struct scsi_task *t);

/* A task of @nexus was aborted for @m. Context: home worker, between start and finish. */
void scsi_tmf_hit(struct scsi_tmf *m, struct scsi_nexus *nexus);

/**
 * scsi_tmf_finish() - every task that was meant has completed: establish the unit attentions
 *
 * CLEAR TASK SET: COMMANDS CLEARED BY ANOTHER INITIATOR for the other nexuses that were hit.
 * LOGICAL UNIT RESET: BUS DEVICE RESET FUNCTION OCCURRED for every nexus of the unit, the sender's
 * too; a stopped unit starts. I_T NEXUS RESET: I_T NEXUS LOSS OCCURRED at each LUN of the nexus.
 *
 * Return: which views to publish again (CHANGED_LU: of all nexuses of @m->lu, and the response is
 * sent only when all workers have them, since the next command of the sender must see the attention).
 * Context: home worker.
 */
enum scsi_changed scsi_tmf_finish(struct scsi_tmf *m);
