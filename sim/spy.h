/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Commands inside the target, from the first step of the SCSI core to the last. The simulator is linked so that
 * the target's calls of the core lead to spy.c first: so it is known whose a request to a disk is, in which
 * order commands came to their task set, and when what a reservation says has changed. Only what the
 * core was told and answered is looked at, never how it came to that.
 */
#pragma once

#include "sim/host.h"

struct scsi_task;
struct scsi_lu;
struct scsi_nexus;
struct scsi_act;
struct scsi_event;
struct backend_io;

struct spied {
	struct list node;
	const struct scsi_task *t;
	const struct scsi_lu *lu; /* NULL: none */
	const struct scsi_nexus *nexus;
	struct host *host; /* NULL: of a rogue, or of a channel that its host has given up */
	uint32_t chan;     /* of the host: its number */
	int disk;          /* -1: none is known */
	uint32_t nth;      /* of the host's command */
	uint64_t tag;
	uint64_t born;    /* spy_count() when it was first stepped */
	uint64_t arrived; /* when it came over its channel, as the wire showed it; 0: not known */
	uint64_t entered; /* when it came to its task set; 0: it runs where it arrived */
	uint8_t attr;     /* enum scsi_task_attr */
	uint8_t cdb[CDB_MAX_BYTES];
	bool barrier; /* it is ORDERED, or in effect so */
	bool alone;   /* nothing of its unit that touches [lba, lba_end), too, may run beside it */
	uint64_t lba; /* by its CDB; of what names no blocks: all there are */
	uint64_t lba_end;
	bool begun;    /* something of it was done on the medium */
	uint64_t turn; /* when it had not to wait any more; 0: it waits, or has not been stepped */
	bool checked;  /* the core has looked whether it may go on */
	bool applied;  /* what it changes of the unit it has changed */
	bool orphan;   /* its unit was taken from its nexus: no rules any more */
	unsigned n_io; /* requests to the disk under way */
	const struct scsi_lu *at[2]; /* a copy: the units that the piece under way is of */
	bool copies;                 /* inside the target, from and to units that it visits */
	bool between;                /* ... and waits, before a piece or between two */
};

/* Numbers of what happens, in order; the next one. */
uint64_t spy_count(void);
/* A command came over its channel. */
void spy_arrived(struct hchan *c, const uint8_t *iu, size_t len);
/* A request to a disk begins, or has ended. */
void spy_io_begins(const struct backend_io *io);
void spy_io_ended(const struct backend_io *io);
/* Its command was given up: it may have any effect until it ends, since its unit is not served. */
bool spy_io_is_orphan(const struct backend_io *io);
/* Of one that is an orphan: does it copy? */
bool spy_io_is_copy(const struct backend_io *io);
/* Each command that is inside the target. */
void spy_each(void (*fn)(struct spied *s, void *ctx), void *ctx);
/* The host's side of it, NULL: its host has given it up. */
struct hcmd *spy_hcmd(const struct spied *s);
struct hchan *spy_hchan(const struct spied *s);
/* Whose nexus it is, NULL: of a rogue. */
struct host *spy_host(const struct scsi_nexus *n);
/* The process of the target is gone. */
void spy_reset(void);
/* It has ended in good order: nothing may be inside. */
void spy_check_empty(const char *when);
