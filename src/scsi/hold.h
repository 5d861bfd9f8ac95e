/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Held blocks: a command that reads and writes in one, as COMPARE AND WRITE, lays a claim to its blocks, and one that
 * needs all of the medium to everything. From then on nothing that overlaps starts or goes on at home, and when it is
 * sure that nothing does elsewhere either, and what ran has ended, the command starts. What does not overlap is not
 * concerned, wherever it runs: docs/design/0013.
 *
 *              scsi_lu_next() says HOLD           scsi_lu_held(): views have been taken,
 *                                                 local commands that overlap have ended
 *     WANTED -------------------------> ASKED -----------------------------------> SURE
 *       |                                                                           ^
 *       +----- the unit is gathered, so nothing is elsewhere -----------------------+
 *
 * Home worker; views carry copies of the ranges.
 */
#pragma once

#include "base/util.h"
#include "scsi/range.h"

#define SCSI_HOLDS_MAX 8u /* of a unit, and in a view; more have to wait */

struct scsi_lu;
struct scsi_task;

enum scsi_hold_state {
	SCSI_HOLD_WANTED,
	SCSI_HOLD_ASKED,
	SCSI_HOLD_SURE,
};

struct scsi_hold {
	const struct scsi_task *task; /* whose it is; NULL: free */
	struct scsi_range range;
	enum scsi_hold_state state;
};

/* Those of a unit; no two overlap. */
struct scsi_holds {
	struct scsi_hold of[SCSI_HOLDS_MAX];
	unsigned n;
	bool asking; /* HOLD was said, and scsi_lu_held() is to come */
};

/**
 * scsi_local_overlaps() - does a command that runs where it arrived touch blocks that HOLD is about?
 * @t: was routed LOCAL
 *
 * Context: the worker of its channel, between HOLD and scsi_lu_held().
 */
bool scsi_local_overlaps(const struct scsi_task *t, const struct scsi_holds *h);

/* --- for the files of this folder --- */

/* The blocks of @t, as far as its CDB tells: else everything. */
struct scsi_range hold_range(const struct scsi_task *t);
/* That of @t, NULL: none. */
struct scsi_hold *hold_find(struct scsi_holds *h, const struct scsi_task *t);
/* Is @t, which has a range, kept back by another's? */
bool hold_blocks(const struct scsi_holds *h, const struct scsi_task *t);
/* For @t, which nobody else's keeps back; NULL: there are as many as there may be. */
struct scsi_hold *hold_take(struct scsi_holds *h, const struct scsi_task *t, bool sure);
void hold_drop(struct scsi_holds *h, struct scsi_hold *hold);
/* Some are wanted: they are asked for now. */
bool hold_ask(struct scsi_holds *h);
/* Those in state @from are sure now. */
void hold_sure(struct scsi_holds *h, enum scsi_hold_state from);
