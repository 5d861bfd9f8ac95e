/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Visits: a copy uses units besides the one that it was sent to, and in whose task set it is. While a piece of it is
 * under way it visits each of them: a command that needs the medium of one alone waits for that, task management that
 * ends the commands of its nexus there does, and the unit is not closed. A copy that finds such a command there already
 * waits, and while it waits it holds nothing, neither at home nor abroad: so no two can wait for each other.
 *
 * Home worker.
 */
#pragma once

#include "base/list.h"
#include "base/util.h"

struct scsi_lu;
struct scsi_task;
struct scsi_tmf;

struct scsi_visit {
	struct list node;   /* on lu->order.visits */
	struct scsi_lu *lu; /* NULL: none */
	struct scsi_task *task;
};

/* Is a copy at @lu, or does one wait to be? Then it may not be closed. */
bool scsi_lu_visited(const struct scsi_lu *lu);

/**
 * scsi_tmf_visited() - is there a copy at the unit of @m that @m is to end?
 * @m: every command that it means has ended
 *
 * If so it ends with the piece that is under way: ask again after the next step of any task, and do not finish @m before
 * there is none.
 */
bool scsi_tmf_visited(const struct scsi_tmf *m);

/* --- for the files of this folder --- */

void scsi_visit_init(struct scsi_lu *lu);
void scsi_visit_deinit(struct scsi_lu *lu);
/* @t comes new, and visits nobody. */
void scsi_visit_none(struct scsi_task *t);
/**
 * scsi_visit_begin() - use @a and @b now
 * @t: in a task set; visits nobody
 *
 * Return: true, until scsi_visit_end(); or false: one of them or its own unit is claimed by a command that needs it
 * alone, so @t is held: answer with WAIT.
 */
bool scsi_visit_begin(struct scsi_task *t, struct scsi_lu *a, struct scsi_lu *b);
void scsi_visit_end(struct scsi_task *t);
/* Does it wait for a unit that is not its own? */
bool scsi_visit_waits(const struct scsi_task *t);
/* It waits no more, whether its time has come or it has ended. */
void scsi_visit_forget(struct scsi_task *t);
/* Is another unit to be asked, too? Then it is lu->order.other. */
bool scsi_visit_due(struct scsi_lu *lu);
