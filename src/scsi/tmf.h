/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Task management (SAM-5 7). The core decides and keeps the unit attentions; the caller knows the
 * tasks:  scsi_tmf_start() says which tasks are meant -> the caller gives SCSI_EV_ABORT to each of
 * them, with .tell as scsi_tmf_tells() says, calls scsi_tmf_hit() for each, and waits until all have
 * completed (so none can touch the medium) -> scsi_tmf_finish() -> the caller sends the response.
 *
 * A query looks for tasks instead of aborting them: scsi_tmf_hit() for each that is found, no event.
 *
 * A task that asks for SCSI_ACT_CLEAR is served in the same way, with scsi_task_clear() in place of
 * scsi_tmf_start() and SCSI_EV_CLEARED in place of the response.
 */
#pragma once

#include "scsi/nexus.h"
#include "scsi/pr.h"
#include "scsi/task.h"

enum scsi_tmf_fn {
	SCSI_TMF_ABORT_TASK,
	SCSI_TMF_ABORT_TASK_SET,
	SCSI_TMF_CLEAR_TASK_SET,
	SCSI_TMF_LUN_RESET,
	SCSI_TMF_CLEAR_ACA,
	SCSI_TMF_NEXUS_RESET, /* @lun is not looked at */
	SCSI_TMF_QUERY_TASK,
	SCSI_TMF_QUERY_TASK_SET,
	SCSI_TMF_QUERY_ASYNC_EVENT,
	SCSI_TMF_TASK_CLEARS, /* scsi_task_clear(): not a function of an initiator */
};

enum scsi_tmf_response {
	SCSI_TMF_FUNCTION_COMPLETE,
	SCSI_TMF_FUNCTION_SUCCEEDED, /* of a query: yes */
	SCSI_TMF_NOT_SUPPORTED,
	SCSI_TMF_INCORRECT_LUN,
};

/* Which tasks are meant. */
enum scsi_tmf_scope {
	SCSI_TMF_SCOPE_NONE,
	SCSI_TMF_SCOPE_TASK, /* the one with @tag of @nexus at @lu; if there is none, that is fine */
	SCSI_TMF_SCOPE_NEXUS_LU, /* all of @nexus at @lu */
	SCSI_TMF_SCOPE_LU,       /* all of every nexus at @lu */
	SCSI_TMF_SCOPE_NEXUS,    /* all of @nexus */
	SCSI_TMF_SCOPE_ACA,      /* those of @nexus at @lu with the ACA attribute */
	SCSI_TMF_SCOPE_VICTIMS,  /* those of the nexuses at @victims at @lu */
};

struct scsi_tmf {
	/* in */
	enum scsi_tmf_fn fn;
	uint8_t lun[8];
	uint64_t tag; /* ABORT TASK */
	struct scsi_nexus *nexus;
	/* out of scsi_tmf_start() */
	enum scsi_tmf_response response; /* to send; valid after scsi_tmf_finish() */
	enum scsi_tmf_scope scope;
	struct scsi_lu *lu; /* with every scope but NONE and NEXUS */
	bool query;         /* abort nothing */
	uint8_t info[3];    /* QUERY ASYNC EVENT: additional response information, SAM-5 7.10 */
	/* the core's own */
	const struct scsi_task *except; /* is not meant */
	const struct scsi_pr_nexus *victims;
	unsigned n_victims;
	bool tas; /* of the unit, when the function began */
	bool any; /* scsi_tmf_hit() was called */
};

/**
 * scsi_tmf_start() - decide
 * @m: in-part set; the out-part is filled
 *
 * Context: home worker. No other TMF may be between start and finish on the same unit.
 */
void scsi_tmf_start(struct scsi_tmf *m);

/**
 * scsi_task_clear() - the function that SCSI_ACT_CLEAR of @t asks for
 *
 * Context: home worker. No other TMF may be between start and finish on the same unit.
 */
void scsi_task_clear(struct scsi_tmf *m, const struct scsi_task *t);

/**
 * scsi_tmf_means() - does @m mean task @t?
 * @lu: task->lu as scsi_route() or the last step that is known of left it
 *
 * Reads of @t the in-part only, so another worker may be stepping it. Context: any worker.
 */
bool scsi_tmf_means(const struct scsi_tmf *m, const struct scsi_task *t, const struct scsi_lu *lu);

/* Does an aborted task of @nexus end with TASK ABORTED, instead of in silence? Context: any worker. */
bool scsi_tmf_tells(const struct scsi_tmf *m, const struct scsi_nexus *nexus);

/* A task of @nexus was aborted for @m, or found. Context: home worker, between start and finish. */
void scsi_tmf_hit(struct scsi_tmf *m, struct scsi_nexus *nexus);

/**
 * scsi_tmf_finish() - every task that was meant has completed: establish the unit attentions
 *
 * CLEAR TASK SET, and a task that clears others: COMMANDS CLEARED BY ANOTHER INITIATOR for the other
 * nexuses that were hit, unless they got TASK ABORTED. LOGICAL UNIT RESET: BUS DEVICE RESET FUNCTION
 * OCCURRED for every nexus of the unit, the sender's too; a stopped unit starts, mode pages have their
 * saved values. I_T NEXUS RESET: I_T NEXUS LOSS OCCURRED at each LUN of the nexus. The last two and CLEAR
 * ACA end ACA conditions.
 *
 * Return: which views to publish again (CHANGED_LU: of all nexuses of @m->lu, and the response is
 * sent only when all workers have them, since the next command of the sender must see the attention).
 * Ask scsi_lu_next() of @m->lu, or of every unit when that is NULL.
 * Context: home worker.
 */
enum scsi_changed scsi_tmf_finish(struct scsi_tmf *m);
