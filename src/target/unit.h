/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A logical unit, and the files that serve a part of it. Each struct says which worker owns which of its fields. */
#pragma once

#include "target/internal.h"

struct unit_count {
	_Atomic uint64_t commands, bytes, errors;
};

/* What a worker has of a unit. Each touches its own only. */
struct unit_tasks {
	_Alignas(64) uint64_t n; /* running */
	uint64_t
		left; /* of those that are not stepped at home, how many must end before it answers */
	bool wanted;                               /* ... as it has to */
	struct tgt_unit *unit;                     /* constant */
	struct unit_count count[SCSI_COUNT_KINDS]; /* written by its worker, read by home */
	struct worker_msg msg;
	bool fenced;       /* no I/O may begin */
	bool fence_asked;  /* @fence_ask is under way */
	bool fence_wanted; /* answer when there are no orphans */
	uint64_t orphans;
	unsigned stuck; /* I/O under way when it was fenced; read by home after that */
	struct worker_msg fence_ask;
	struct worker_msg fence_msg;
};

/* Saving what of it outlives the process. Home worker. */
struct unit_keep {
	struct tgt_keep to; /* no save(): nothing outlives the process; constant */
	uint8_t *buf;       /* SCSI_SAVED_MAX bytes; while busy the helper's */
	size_t len;
	int result;
	bool busy;
	struct list waiting; /* struct keep_wait.node */
	struct list served;  /* likewise, by the save under way */
	struct worker_msg msg;
};

/* What scsi_erase_next() says is carried out. Home worker. */
struct unit_erase {
	struct backend_io io;
	struct iovec iov;
	struct keep_wait kept;
	struct worker_msg msg;
	void *buf; /* SCSI_ERASE_WRITE_BYTES; NULL: not needed yet */
	bool busy;
	bool io_out; /* the backend has @io */
	bool held;   /* until the unit is not fenced any more */
};

/* It is to be suspended, or is. Home worker. */
struct unit_suspend {
	struct worker_timer deadline; /* runs while it is drained and flushed */
	struct worker_timer until;    /* runs while it is not serving */
	uint64_t until_ns;            /* UINT64_MAX: until somebody resumes it */
	tgt_suspend_done_fn *done;    /* who asked; NULL: was told */
	void *ctx;
	struct backend_io io;
	struct worker_msg msg;
	int result;
	bool busy;   /* @io or @msg is under way */
	bool io_out; /* the backend has @io */
	bool again;  /* what is under way is of a time before */
};

/* Its disk does not give back what was cancelled. Home worker. */
struct unit_fence {
	enum {
		FENCE_OPEN,
		FENCE_CLOSING,
		FENCE_CLOSED,
		FENCE_OPENING,
	} state;
	bool again;     /* there is a new reason */
	unsigned left;  /* workers that have not answered */
	unsigned stuck; /* I/O under way when it was fenced */
	struct view_wait views;
};

/* What the store says of itself: while busy the helper's. */
struct unit_watch {
	struct worker_msg msg;
	struct backend_probe now;
	int result;
	bool busy;  /* home, as the rest */
	bool again; /* it was told meanwhile */
	bool misnamed;
	struct tgt_unit_looks n;
};

struct tgt_unit {
	struct list node; /* on t->units */
	struct tgt *t;
	struct scsi_lu lu;       /* .owner is the unit */
	struct backend *backend; /* NULL: it is of another target, */
	struct remote *remote;   /* this one; NULL: it is ours */
	uint64_t opened_ns;
	char name[64];
	const char *handler;
	bool retired;
	struct unit_tasks tasks[TGT_WORKERS_MAX]; /* of each worker */
	struct unit_keep keep;
	struct unit_erase erase;
	struct unit_suspend suspend;
	struct unit_fence fence;
	struct unit_watch watch;
	bool access_dirty;      /* what it keeps of access states is to be saved: home */
	struct list drain_node; /* while others are asked what is due, before it: home */
	/* gathering: home */
	bool gathering;
	bool gather_some; /* not all of its commands; constant while gathering, as the next */
	struct scsi_holds gather_holds; /* then: those that overlap these */
	unsigned gather_left;           /* workers that have not answered */
	struct view_wait gather_views;
	/* after it was retired: home */
	struct view_wait views;
	struct worker_msg msg;
	struct worker_timer retry;
	unsigned asked; /* the worker that is asked whether it is done with it */
	bool busy;      /* one was not */
};

/* --- count.c --- */
/* A command of a unit ends: count it. The channel's worker. */
void count_cmd(const struct cmd *c);
/* Add up what the workers counted, into u->lu.counters. Home worker. */
void count_sum(struct tgt_unit *u);

/* --- erase.c: home worker --- */
/* scsi_lu_next() says ERASE. */
void erase_start(struct tgt_unit *u);
/* End early what is under way, as @u or everything is to go. */
void erase_cancel(struct tgt_unit *u);
/* The unit is not fenced any more. */
void erase_resume(struct tgt_unit *u);

/* --- fence.c: the channel's worker --- */
void fence_init(struct tworker *tw);
/* There is a channel; false: the worker has no timer left. */
bool fence_take_timer(struct tworker *tw);
/* There may be none any more. */
void fence_give_timer(struct tworker *tw);
/* Ask for an early end of the I/O of @c; if it does not end at all, that of the unit is given up. */
void fence_cancel(struct cmd *c);

/* --- gather.c --- */
/* Home: when every command of @u is known there (with @some: that overlaps what is held), tell its task sets. */
void gather_start(struct tgt_unit *u, bool some);
/* A worker: @c, that was not stepped at home, has ended while its tasks are wanted; @c->unit is still there. */
void gather_wanted_ended(struct cmd *c);

/* --- keep.c: home worker --- */
/* Save what @u keeps now, then call @w->done. The unit has somewhere to keep it. */
void keep_unit(struct tgt_unit *u, struct keep_wait *w);

/* --- suspend.c: home worker --- */
void suspend_init(struct tgt_unit *u);
/* scsi_lu_next() says FLUSH. */
void suspend_drained(struct tgt_unit *u);
/* The unit is not fenced any more. */
void suspend_unfenced(struct tgt_unit *u);
/* @u is to go: it serves until then. */
void suspend_retire(struct tgt_unit *u);
/* Everything is to go: who waits at a suspended unit goes on waiting until it is aborted. */
void suspend_shutdown(struct tgt_unit *u);
/* No timer of it runs afterwards. */
void suspend_close(struct tgt_unit *u);

/* --- watch.c: home worker --- */
/* Look at the stores of all units now and then, as long as there is one that can change. */
void watch_init(struct tgt *t);
must_check int watch_start(struct tgt_unit *u);
void watch_stop(struct tgt *t);
