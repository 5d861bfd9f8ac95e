/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What the files of PERSISTENT RESERVE OUT share. Home worker. */
#pragma once

#include "scsi/spc.h"

#define PR_LIST_BYTES 24u

/* Of the basic list */
#define PR_SA_KEY_AT 8
#define PR_FLAGS_AT  20
#define PR_SPEC_I_PT 0x08
#define PR_ALL_TG_PT 0x04
#define PR_APTPL     0x01

/* A command whose parameter list is here and whose nexus still has the unit. */
struct pr_out {
	struct scsi_task *t;
	struct scsi_lu *lu;
	struct scsi_pr *pr;
	bool was_kept;     /* APTPL was on before, or that they are lost is kept */
	int own;           /* index of the registration of its nexus, -1: none */
	uint32_t list_len; /* bytes at t->data */
	uint64_t key;      /* RESERVATION KEY */
	uint64_t sa_key;   /* SERVICE ACTION RESERVATION KEY */
	uint8_t service_action;
	uint8_t scope;
	uint8_t type;
};

/* RESERVATION CONFLICT. */
struct scsi_act pr_out_conflict(const struct pr_out *o);
/* GOOD; with @changed every nexus's views are anew, and what is to outlive the process is saved before. */
struct scsi_act pr_out_good(const struct pr_out *o, bool changed);
/* Must what has changed be saved? */
static inline bool pr_out_saves(const struct pr_out *o)
{
	return o->pr->aptpl || o->was_kept;
}
/* REGISTER, REGISTER AND IGNORE EXISTING KEY. */
struct scsi_act pr_out_register(const struct pr_out *o);
/* REGISTER AND MOVE. */
struct scsi_act pr_out_move(const struct pr_out *o);
/* PREEMPT, PREEMPT AND ABORT. */
struct scsi_act pr_out_preempt(const struct pr_out *o);
