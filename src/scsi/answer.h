/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * How command handlers answer: each function fills the out-part of the task (or starts an action)
 * and returns what the handler returns. Context: the worker that steps the task.
 */
#pragma once

#include "base/check.h"
#include "scsi/cmd.h"
#include "scsi/task.h"

#define ANSWER_NO_BIT (-1)

enum scsi_phase {
	SCSI_PHASE_ROUTED = 1,
	SCSI_PHASE_WAIT, /* an action is under way */
	SCSI_PHASE_DONE,
	/* at home only, each after the action WAIT */
	SCSI_PHASE_DORMANT, /* in its task set, not started */
	SCSI_PHASE_HELD,    /* an event came, but an ACA condition keeps it back */
	SCSI_PHASE_ERASE,   /* in no task set, until the unit is erased */
	SCSI_PHASE_ANSWER,  /* it has ended, but may not say so yet */
};

enum scsi_abort {
	SCSI_ABORT_NO,
	SCSI_ABORT_TELL,  /* with TASK ABORTED */
	SCSI_ABORT_QUIET, /* without an answer */
};

/* GOOD without data; the residuals stay as the handler set them. */
struct scsi_act answer_good(struct scsi_task *t);
/* GOOD with @len bytes of t->data, cut to what the CDB (@alloc_len) and the buffer have room for. */
struct scsi_act answer_data(struct scsi_task *t, size_t len, size_t alloc_len);
/* A status without sense data. */
struct scsi_act answer_status(struct scsi_task *t, enum scsi_status status);
/* CHECK CONDITION; @s->descriptor is set here. Nothing counts as transferred. */
struct scsi_act answer_sense(struct scsi_task *t, struct sense *s);
/* @asc: enum sense_asc, or enum scsi_ua with UNIT ATTENTION. */
struct scsi_act answer_fail(struct scsi_task *t, enum sense_key key, unsigned asc);
/* INVALID FIELD IN CDB, pointing at @byte and its @bit (the highest of the field) or ANSWER_NO_BIT. */
struct scsi_act answer_bad_cdb(struct scsi_task *t, unsigned byte, int bit);
/* INVALID FIELD IN PARAMETER LIST. */
struct scsi_act answer_bad_param(struct scsi_task *t, unsigned byte);
/* LOGICAL BLOCK ADDRESS OUT OF RANGE; @lba goes to INFORMATION. */
struct scsi_act answer_bad_lba(struct scsi_task *t, uint64_t lba);
/* The action under way ended with @ev->result < 0. */
struct scsi_act answer_io_failed(struct scsi_task *t, const struct scsi_event *ev);

/* Start an action; @cont runs when it has succeeded. */
struct scsi_act answer_io(struct scsi_task *t, enum scsi_act_type type, uint64_t off_bytes,
			  uint64_t len_bytes, struct scsi_act (*cont)(struct scsi_task *));
struct scsi_act answer_fetch(struct scsi_task *t, uint32_t len_bytes,
			     struct scsi_act (*cont)(struct scsi_task *));
/* ROOM or CLEAR. */
struct scsi_act answer_act(struct scsi_task *t, enum scsi_act_type type,
			   struct scsi_act (*cont)(struct scsi_task *));
/* WAIT in phase @phase. */
struct scsi_act answer_wait(struct scsi_task *t, enum scsi_phase phase);

/* Bytes wanted against bytes of buffer, as struct scsi_task has residuals. */
static inline int64_t answer_resid(uint64_t want, uint64_t have)
{
	return (int64_t)want - (int64_t)min_u64(have, INT64_MAX);
}

/* The task was aborted: it ends. */
struct scsi_act answer_aborted(struct scsi_task *t);
/* Set or strengthen t->abort by an ABORT event. */
void answer_note_abort(struct scsi_task *t, const struct scsi_event *ev);
/* COMPLETE once more, with what was answered before. */
struct scsi_act answer_again(struct scsi_task *t);

/* What a handler may ask of where its task is addressed to; home worker only. */
struct scsi_itl *answer_itl(const struct scsi_task *t); /* NULL: no unit there */
bool answer_is_well_known(const struct scsi_task *t);   /* the REPORT LUNS well known unit */
/*
 * Take the unit attention to report for @t at @itl, 0 if there is none. REPORTED LUNS DATA HAS CHANGED
 * is taken from all LUNs of the nexus, as LUICLR in VPD page 86h promises.
 */
uint16_t answer_take_ua(struct scsi_task *t, struct scsi_itl *itl);
/* Forget REPORTED LUNS DATA HAS CHANGED everywhere: the initiator asks or has heard of it. */
void answer_luns_known(struct scsi_task *t);
