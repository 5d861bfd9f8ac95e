/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * One SCSI command. The caller embeds a struct scsi_task in its own, fills the in-part, asks
 * scsi_route() and steps it there: each step takes one event and returns one action; every action
 * but NONE and COMPLETE is answered by exactly one event, COMPLETE is the last and comes exactly once.
 */
#pragma once

#include "scsi/copy.h"
#include "scsi/nexus.h"
#include "scsi/visit.h"
#include "wire/cdb.h"
#include "wire/sense.h"

#define SCSI_DATA_MIN_BYTES  4096u        /* parameter buffer of all commands but */
#define SCSI_DATA_LONG_BYTES 8192u        /* a few that move nothing else */
#define SCSI_PIECE_BYTES     (256u << 10) /* longest VERIFY or WRITE_SAME action */
#define SCSI_CAW_BYTES       (256u << 10) /* longest COMPARE_AND_WRITE action */
#define SCSI_CAW_BLOCKS      128u
#define SCSI_ATOMIC_BYTES    (1u << 20)             /* longest WRITE action that is whole */
#define SCSI_PIECE_TRIM      (uint64_t)(256u << 20) /* longest UNMAP or WRITE_ZEROES action, bytes */

enum scsi_event_type {
	SCSI_EV_START, /* once, first; or: */
	SCSI_EV_FAULT, /* START of a task whose @fault is set, at home only */
	SCSI_EV_DATA,  /* answers FETCH */
	SCSI_EV_IO_DONE, /* answers READ .. EXTENT; nothing of that I/O can touch the medium any more */
	SCSI_EV_ABORT,   /* at any time before COMPLETE, also before START; more than once */
	SCSI_EV_ROOM,    /* answers ROOM; so does DATA, when FETCH needed it */
	SCSI_EV_GO,      /* answers WAIT: scsi_lu_next() named the task */
	SCSI_EV_CLEARED, /* answers CLEAR */
	SCSI_EV_SAVED,   /* answers SAVE */
	SCSI_EV_STATES,  /* answers SET_STATES */
	SCSI_EV_COUNTED, /* answers COUNT */
	SCSI_EV_TOKEN,   /* answers TOKEN */
	SCSI_EV_HELD,    /* answers HOLD */
};

struct scsi_event {
	enum scsi_event_type type;
	/*
	 * DATA, IO_DONE, ROOM, SAVED, STATES, TOKEN: 0, or why not all of it was done. Of the medium: -EIO, -ENODATA (the
	 * store is smaller than it said), -ENOSPC, -EROFS, -ENXIO (the store is gone), -ENOMEM and
	 * -EAGAIN (no means just now), -ECANCELED, -ETIMEDOUT, -EINVAL; of the transport, when data
	 * could not be moved from or to the initiator: -EPIPE, or -EBADMSG when it describes its
	 * buffers wrongly; COMPARE: -EILSEQ, the data differ; SET_STATES: -EBUSY, others want the same.
	 */
	int result;
	bool tell; /* ABORT: it ends with TASK ABORTED, see scsi_tmf_tells(); else nothing is sent */
	/* With a result below 0: bytes of the action that were surely done, from its start; the
	 * byte that follows is the first bad (or different) one. 0 when not known. See EXTENT, too. */
	uint64_t done_bytes;
};

enum scsi_act_type {
	SCSI_ACT_NONE,     /* nothing new: the event of the action under way is still to come */
	SCSI_ACT_COMPLETE, /* the out-part of the task is valid; send it; unless @aborted */
	SCSI_ACT_FETCH, /* get task->data as for ROOM and bring the first len_bytes of data-out there */
	SCSI_ACT_READ, /* medium -> initiator, in pieces of any size; data-in offset 0 is off_bytes */
	SCSI_ACT_READ_WRONG, /* likewise, but changed on the way: somebody asked for that fault */
	SCSI_ACT_WRITE,      /* initiator -> medium, likewise; with fua: stable before IO_DONE */
	SCSI_ACT_FLUSH,      /* all writes completed before are stable */
	SCSI_ACT_UNMAP,      /* deallocate; reads give zeroes afterwards */
	SCSI_ACT_WRITE_ZEROES,
	SCSI_ACT_WRITE_SAME, /* write the block at task->data over and over; whole blocks */
	SCSI_ACT_VERIFY,     /* read from the medium, throw away */
	SCSI_ACT_COMPARE,    /* initiator's data-out against the medium; -EILSEQ when they differ */
	/*
	 * The first half of the data-out, 2 * len_bytes of it, against the medium: where they differ, -EILSEQ
	 * and done_bytes; else write the other half there, as WRITE does with @fua. Nothing that overlaps
	 * runs beside it: it is all fetched, then compared, then written. Up to SCSI_CAW_BYTES.
	 */
	SCSI_ACT_COMPARE_AND_WRITE,
	SCSI_ACT_OR_WRITE, /* the data-out OR the medium, to the medium; likewise alone, with @fua */
	SCSI_ACT_COMPARE_SAME, /* the block at task->data against each of the medium; -EILSEQ */
	/*
	 * [task->copy.from_bytes, +len_bytes) of task->copy.from is what [off_bytes, ..) of task->copy.to is to be,
	 * also where the two overlap; with @fua: stable. Up to SCSI_COPY_BYTES.
	 */
	SCSI_ACT_COPY,
	SCSI_ACT_PREFETCH, /* bring the range into a cache, if there is one */
	/*
	 * Is there something at off_bytes? The answer's result is 0 for yes, 1 for a hole that reads as
	 * zeroes; done_bytes says how far the same is true, at least one and at most len_bytes.
	 */
	SCSI_ACT_EXTENT,
	/* only of tasks that are stepped at home: */
	SCSI_ACT_ROOM,  /* set task->data and data_cap to room for scsi_task_data_bytes() */
	SCSI_ACT_WAIT,  /* nothing now: scsi_lu_next() will name the task, then step it with GO */
	SCSI_ACT_COUNT, /* fill in task->lu->counters */
	SCSI_ACT_TOKEN, /* call scsi_tokens_age(), fill in task->lu->tokens.fresh with bytes nobody can guess */
	/* bring groups of task->lu->alua to the states of scsi_task_wants(), with scsi_alua_set(); failed: -errno */
	SCSI_ACT_SET_STATES,
	SCSI_ACT_SAVE, /* make what scsi_lu_save() writes now stable; failed: -errno */
	SCSI_ACT_HOLD, /* answer when the fault is over that delays the task */
	SCSI_ACT_CLEAR, /* abort other tasks: fill a scsi_tmf with scsi_task_clear() and carry it out */
};

/* Which views must be published again because of this step. */
enum scsi_changed {
	SCSI_CHANGED_NOTHING,
	SCSI_CHANGED_NEXUS, /* of task->nexus; the old view is harmless, nobody need wait */
	SCSI_CHANGED_LU, /* of all nexuses of task->lu; comes with COMPLETE or CLEAR only: carry that out
			  * when every worker has its new view */
};

struct scsi_act {
	enum scsi_act_type type;
	enum scsi_changed changed;
	bool fua; /* WRITE, COMPARE_AND_WRITE, OR_WRITE, COPY */
	bool whole; /* WRITE: alone, all of it fetched before the store has any, then given to it at once */
	uint64_t
		off_bytes; /* READ .. COMPARE but FLUSH: on the medium, whole blocks, inside the unit */
	uint64_t len_bytes; /* not 0, but FLUSH and COMPLETE */
};

enum scsi_task_attr { /* SAM-5 8.6 */
	SCSI_ATTR_SIMPLE = 0,
	SCSI_ATTR_HEAD = 1,
	SCSI_ATTR_ORDERED = 2,
	SCSI_ATTR_ACA = 4,
};

enum scsi_route {
	SCSI_ROUTE_LOCAL, /* step it on the worker that asked; touches nothing of the home worker */
	SCSI_ROUTE_HOME,  /* step it on the home worker */
	SCSI_ROUTE_REMOTE, /* send it to the target that has the unit; never step it */
};

struct scsi_cmd;

/* What becomes of a task because somebody wants to see that fault. */
struct scsi_task_fault {
	bool hold;       /* when its turn has come it is held: it goes on with HELD */
	bool wrong;      /* what it READs is changed on the way */
	bool info_valid; /* @info is the INFORMATION of the sense data */
	uint8_t status; /* enum scsi_status it ends with when its turn has come; 0: it is carried out */
	uint8_t key;  /* enum sense_key, with CHECK CONDITION */
	uint16_t asc; /* ASC << 8 | ASCQ */
	uint64_t info;
};

struct scsi_task {
	/* in: set by the caller before scsi_route(), then constant */
	uint8_t cdb[CDB_MAX_BYTES]; /* zero after the last byte the initiator sent */
	uint8_t lun[8];             /* as on the wire, SAM-5 4.7 */
	uint16_t cdb_add_len;       /* bytes at @cdb_add */
	uint8_t attr;               /* enum scsi_task_attr; anything else is refused */
	uint64_t tag;               /* for TMFs */
	uint64_t in_len;            /* bytes of the initiator's data-in buffer */
	uint64_t out_len;           /* bytes of data-out it offers */
	struct scsi_nexus *nexus;   /* touched on the home worker only */
	const uint8_t *cdb_add;     /* CDB bytes after the 16th, may be NULL */
	/* Room for parameter data, aligned to 8 bytes; NULL until the action ROOM or FETCH asks for it. */
	uint8_t *data;
	uint32_t data_cap;

	/* out: valid with COMPLETE */
	uint8_t status;    /* enum scsi_status */
	uint8_t sense_len; /* 0: no sense data */
	bool aborted;      /* by SCSI_EV_ABORT: send nothing */
	uint32_t data_len; /* bytes of @data to send as data-in, <= in_len; 0 after a READ */
	int64_t in_resid;  /* bytes wanted - in_len: > 0 overflow, < 0 underflow */
	int64_t out_resid; /* likewise for data-out */
	uint8_t sense[SENSE_MAX_BYTES];

	/* Set by scsi_route() or START and constant after: the unit, NULL for an unmapped LUN. */
	struct scsi_lu *lu;

	/* the core's own */
	uint8_t phase;       /* enum scsi_phase of answer.h */
	uint8_t route;       /* enum scsi_route */
	uint8_t act;         /* enum scsi_act_type under way */
	uint8_t changed;     /* enum scsi_changed to report with the next action */
	uint8_t abort;       /* enum scsi_abort of answer.h */
	uint16_t ua_told;    /* the unit attention it took from the queue to tell; 0: none */
	uint32_t view_flags; /* SCSI_VIEW_* when it started */
	uint64_t n_blocks;   /* of the unit when it started */
	uint64_t lba;        /* next block of a command done in pieces; first of a plain one */
	uint64_t left;       /* blocks to go, in the range under way */
	uint64_t act_off;    /* bytes, of the action under way */
	uint64_t act_len;
	uint32_t pos; /* next descriptor of a parameter list */
	uint32_t n_desc;
	struct scsi_copying
		copy; /* what it is at, with the action COPY; constant while that is under way */
	const struct scsi_cmd *cmd;
	struct scsi_act (*cont)(struct scsi_task *t); /* after the action under way succeeded */

	/* the core's own when it is stepped at home: its place in a task set, see set.h */
	struct scsi_set *set; /* NULL: in none; the next eight are valid with a set only */
	struct list set_node;
	struct list head_node;
	uint64_t seq;            /* of its arrival */
	struct scsi_range range; /* blocks it may touch */
	uint8_t place;           /* enum scsi_place */
	uint8_t where;           /* in its set */
	bool answer_waits;       /* it is held until the unit is gathered */
	bool cleared;            /* the commands its CHECK CONDITION aborts (QERR) have ended */
	bool has_victims;        /* PREEMPT AND ABORT: n_desc struct scsi_pr_nexus are at data */
	struct scsi_task_fault fault; /* in: with the event FAULT; valid from START or FAULT on */
	struct scsi_event
		kept; /* the last one that was no abort: of what it waits for, or is held with */
};

/**
 * scsi_route() - where must this command be stepped?
 * @v: the view of its nexus
 * @t: in-part set
 *
 * LOCAL: TEST UNIT READY, READ, WRITE, VERIFY and SYNCHRONIZE CACHE with the SIMPLE attribute at a LUN
 * that is ready, owes no unit attention, is not gathered (set.h) and not reserved against them. They
 * depend on nothing but the view and constant fields of the unit. HOME: all else, including everything
 * that will fail for a reason that is not in the CDB's fields.
 * Context: the worker of the channel. Must be called once for each task, before any step.
 */
enum scsi_route scsi_route(const struct scsi_view *v, struct scsi_task *t);

/**
 * scsi_route_home() - step it at home after all
 * @t: after scsi_route(), before any step
 *
 * For who knows that a command with an attribute other than SIMPLE came before it on the same way
 * and has not ended: only at home is the order of the two kept.
 */
void scsi_route_home(struct scsi_task *t);

/**
 * scsi_task_unsent() - what @t was to tell did not reach the initiator
 * @t: COMPLETE was its last action, and its data could not be sent; an abort does this itself
 *
 * A unit attention that it would have told of is owed again: only one that was reported is
 * cleared (SAM-5 5.14).
 * Return: what views must show now.
 * Context: home worker.
 */
enum scsi_changed scsi_task_unsent(struct scsi_task *t);

/* Bytes of parameter buffer that ROOM and FETCH of @t ask for; after scsi_route(). */
uint32_t scsi_task_data_bytes(const struct scsi_task *t);

/* Does @t change the medium? After scsi_route(). */
bool scsi_task_writes(const struct scsi_task *t);
/* Does its CDB name the blocks it is about, that is @ret? After scsi_route(). */
bool scsi_task_range(const struct scsi_task *t, struct cdb_range *ret);

/* May @t wait for other commands while it has its parameters? After scsi_route(). */
bool scsi_task_is_copy(const struct scsi_task *t);

/**
 * scsi_task_step() - tell the task what happened, learn what to do
 * @t:  after scsi_route(); used by nobody else until COMPLETE
 * @ev: legal now (see enum scsi_event_type), anything else is the caller's bug
 *
 * ABORT: when an action other than WAIT is under way the answer is NONE; its event must still be given
 * (as early as the caller can make it come, -ECANCELED is fine) and is answered by COMPLETE. Without one,
 * ABORT is answered by COMPLETE itself. @t->aborted says then that nothing is to be sent.
 * At home, ask scsi_lu_next() after each step.
 * Context: the worker that @t was routed to. Does not block, allocate or call back.
 */
struct scsi_act scsi_task_step(struct scsi_task *t, const struct scsi_event *ev);
