/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A target for the tests of the library: one connection at a time, a disk of one MiB, and faults on
 * demand. It shares the thread with the client: rig_run() gives both a round.
 */
#pragma once

#include <libsrp/libsrp.h>

#include "fabric/fabric.h"
#include "run/worker.h"

#define RIG_DISK_BYTES (1u << 20)
#define RIG_CREDITS    16u
#define RIG_IU_MAX     8400u
#define RIG_PENDING    32u

enum rig_fault {
	RIG_OK,
	RIG_REJECT,      /* LOGIN_REJ with reason 0x00010003 */
	RIG_REJECT_BARE, /* reject without private data */
	RIG_SHORT_LOGIN, /* login response of 51 bytes */
	RIG_ONE_CREDIT,  /* login response with a delta of 1 */
	RIG_SILENT,      /* answers no command, but tasks */
	RIG_DEAF,        /* answers nothing after the login */
	RIG_CUT,         /* disconnects at the first command */
	RIG_GARBAGE,     /* answers a command with bytes from a generator */
	RIG_TWICE,       /* answers every command twice */
	RIG_LOGOUT,      /* T_LOGOUT at the first command */
	RIG_CRED_REQ,    /* asks for a CRED_RSP before every answer */
	RIG_SENSE        /* CHECK CONDITION and a residual for everything */
};

struct rig_cmd {
	bool busy;
	uint64_t tag;
	struct fab_sge sge;
};

struct rig {
	struct worker *w;
	struct fab *fab;
	struct fab_listener *l;
	struct fab_conn *fc;
	bool up; /* a connection is accepted and not over */
	uint16_t port;
	enum rig_fault fault;
	unsigned seed;
	unsigned n_cmds;
	unsigned n_logouts;   /* I_LOGOUT received */
	unsigned n_cred_rsps; /* CRED_RSP received */
	uint8_t *disk;
	uint8_t recv[RIG_CREDITS + 4][RIG_IU_MAX];
	uint8_t send[64][128];
	unsigned n_sent;
	struct rig_cmd cmd[RIG_PENDING]; /* writes whose data are being fetched */
};

void rig_init(struct rig *r);
void rig_deinit(struct rig *r);
/* One round of the rig, and one of @ctx that waits at most 1 ms. */
void rig_run(struct rig *r, struct srp_ctx *ctx);
