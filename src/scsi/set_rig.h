/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * For tests: tasks at the first unit of a rig, which are stepped by hand, and a caller that does what the unit
 * asks for, or lets it wait. Each test program has this linked in, so there is one of everything.
 */
#pragma once

#include "scsi/testrig.h"

#define N_TASKS 16
#define NACA    0x04
#define VERIFY  0x2f

extern struct rig *r;

/* What became of the tasks. */
struct job {
	struct scsi_task t;
	enum scsi_act_type act; /* the last one; COMPLETE: ended */
};
extern struct job jobs[N_TASKS];

/* How often the unit asked. */
extern unsigned gathers, holds, publishes;
extern bool hold_gather; /* do not answer GATHER and HOLD yet */
extern bool gathering;   /* GATHER is not answered */

struct scsi_lu *lu(void);

/* Of each test. */
int setup(void **state);
int teardown(void **state);

/* Do what the unit asks for. */
void drain(void);
/* The answer to HOLD comes, or that to GATHER. */
void now_held(void);
void gathered(void);

void step(unsigned i, struct scsi_event ev);
/* Task @i comes: @cdb0 VERIFY (an I/O), or anything without data. */
void come(unsigned i, unsigned nexus, uint8_t attr, uint8_t opcode, uint8_t control);
/* A VERIFY of nexus 0. */
void simple(unsigned i);
/* The I/O of @i ends, or fails. */
void end(unsigned i);
void break_io(unsigned i);

void expect_waits(unsigned i);
void expect_runs(unsigned i);
void expect_status(unsigned i, uint8_t status);
void expect_sense(unsigned i, uint8_t key, unsigned asc);
void expect_aborted(unsigned i);

/* Carry out @m, whose start has been made, on tasks [0, N). Returns a bit for each that it hit. */
unsigned carry_out(struct scsi_tmf *m);
/* A task management function from its start on; it ends with @want, or with FUNCTION COMPLETE. Returns the same. */
unsigned tmf_at(enum scsi_tmf_fn fn, unsigned nexus, uint64_t tag, enum scsi_tmf_response want);
unsigned tmf(enum scsi_tmf_fn fn, unsigned nexus, uint64_t tag);

void set_mode(struct scsi_mode mode);
/* Task 15 of nexus 0 fails with NACA. */
void establish(void);
/* Nothing is left in the set, and commands may run where they arrive. */
void all_local(void);
