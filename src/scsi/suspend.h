/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Suspending a unit: an operator wants its store for himself for a while, to take a snapshot of it or to move it.
 *
 *             scsi_lu_suspend()          scsi_lu_next()               scsi_lu_flushed(0)
 *    SERVING -----------------> DRAINING ---------------> FLUSHING ---------------------> SUSPENDED
 *       ^                          |      says FLUSH          |                               |
 *       +--------------------------+-- scsi_lu_resume(), -----+-------------------------------+
 *                                      or the flush failed
 *
 * In every state but SERVING no command begins at the unit, and no copy goes on there: they wait in their task set, in
 * order, and can be aborted. It is a reason to gather the unit (set.h), so no worker's view has to know of it. What tells
 * of the unit but needs nothing of it is answered: INQUIRY, REPORT LUNS and REQUEST SENSE, which may be taken for HEAD OF
 * QUEUE whatever they say they are (SPC-5 6.7, 6.33, 6.39). Home worker.
 */
#pragma once

#include "base/util.h"

struct scsi_lu;
struct scsi_task;

enum scsi_suspend_state {
	SCSI_SUSPEND_SERVING,
	SCSI_SUSPEND_DRAINING, /* commands in flight are waited for */
	SCSI_SUSPEND_FLUSHING, /* there are none, what they wrote is being made stable */
	SCSI_SUSPEND_SUSPENDED,
};

enum scsi_suspend_outcome {
	SCSI_SUSPEND_E_ALREADY = 1, /* it is suspended */
	SCSI_SUSPEND_E_UNDER_WAY,   /* that has begun, and not ended */
	SCSI_SUSPEND_E_ERASING, /* FORMAT UNIT or SANITIZE is at work on all of it, for who knows how long */
};

/**
 * scsi_lu_suspend() - let no command begin, until scsi_lu_resume()
 *
 * Return: 0: ask scsi_lu_next(), which says FLUSH when all have ended; or enum scsi_suspend_outcome, nothing was done.
 * Context: home worker.
 */
must_check int scsi_lu_suspend(struct scsi_lu *lu);

/* The answer to FLUSH, with 0 or -errno (then the unit serves again: ask scsi_lu_next()). Not after scsi_lu_resume(). */
void scsi_lu_flushed(struct scsi_lu *lu, int result);

/**
 * scsi_lu_resume() - go on where it was stopped, whatever it had come to
 *
 * Return: false when the unit was serving; else ask scsi_lu_next().
 * Context: home worker.
 */
bool scsi_lu_resume(struct scsi_lu *lu);

/* --- for the files of this folder --- */

/* May nothing begin at @lu but what suspend_lets() says? */
bool suspend_is_on(const struct scsi_lu *lu);
/* Is @t answered all the same? */
bool suspend_lets(const struct scsi_task *t);
/* For scsi_lu_next(): has the last one ended, so that the store is to be flushed? */
bool suspend_take_flush(struct scsi_lu *lu);
