/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Access states of target port groups, for the other files of this folder. Home worker, all of it. */
#pragma once

#include "target/internal.h"

/* A change of access states that is done, and is to be kept and seen. */
struct alua_op {
	struct list node; /* on ops or served of its groups */
	struct tgt_alua *a;
	struct view_wait views;
	int result;
	void (*done)(struct alua_op *op);
	tgt_alua_done_fn *told; /* of tgt_alua_set() */
	void *ctx;
};

/* Target port groups that units share. */
struct tgt_alua {
	struct list node; /* on t->aluas */
	struct tgt *t;
	struct scsi_alua alua;
	char name[64];
	struct tgt_alua_hook hook;
	bool retired;
	/* SET TARGET PORT GROUPS: one at a time */
	bool setting;
	struct scsi_tpg_want want[SCSI_TPG_MAX];
	unsigned n_want;
	struct list asker; /* struct cmd.wait; empty: it was aborted, what it asked for goes on */
	struct alua_op set_op;
	/* keeping */
	unsigned n_ops;
	struct list ops;         /* struct alua_op.node: for the next round over the units */
	struct list served;      /* by the one that is under way */
	struct alua_op quiet_op; /* what a reload or a unit that comes has changed */
	bool quiet;              /* ... is under way, */
	bool quiet_again;        /* ... and there is more since */
	bool saving;
	int save_result; /* -ENODEV: no unit has kept it */
	struct keep_wait kept;
};

/* SET_STATES is the action of @c, whose @wait is on no list: home_states() at once or later, unless it was taken off. */
void alua_cmd(struct cmd *c);
/* @u is to go: no command of it may wait for states any more, which may come only when it has gone. */
void alua_let_go(struct tgt_unit *u);
void alua_free(struct tgt_alua *a);
