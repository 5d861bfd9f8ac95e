/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Task sets (SAM-5 8): which commands of a unit may run, which must wait, which an ACA condition keeps
 * back. Home worker.
 *
 * A set knows the commands that are stepped at home. Commands that run elsewhere are not in it: as long
 * as only those and SIMPLE ones are there, nobody waits for anybody. What needs the whole set at home
 * (a barrier, an ACA condition, a mode page that says so, an operator who suspends the unit) is a reason to gather the unit:
 *
 *              first reason: scsi_lu_next()              scsi_lu_gathered(): views have been
 *              says GATHER                               taken, local commands have ended
 *     OPEN -------------------------> GATHERING -----------------------------> GATHERED
 *      ^                                                                          |
 *      +------------------ last reason gone: scsi_lu_next() says PUBLISH ---------+
 *
 * In every state but OPEN the views send all commands home.
 */
#pragma once

#include "base/list.h"
#include "scsi/hold.h"

struct scsi_lu;
struct scsi_nexus;
struct scsi_task;

/* How a command takes its place; decided when it enters. */
enum scsi_place {
	SCSI_PLACE_SIMPLE, /* behind older barriers and HEADs */
	SCSI_PLACE_HEAD,   /* at once */
	SCSI_PLACE_BARRIER, /* ORDERED: behind all older ones and all HEADs; nothing SIMPLE beside it */
	SCSI_PLACE_FREE, /* at once, and an ACA condition does not keep it back: the ACA command */
};

/*
 * Besides its place a command may need its blocks alone (SCSI_CMD_ALONE): nothing that overlaps runs beside it,
 * whatever its place, its nexus or its set. When its set lets it start it lays claim to them (hold.h), from then on
 * nobody else who overlaps starts or goes on, and when those that run have ended it does start. One whose CDB
 * names no blocks needs all there are: that is a reason to gather the unit.
 */

/* One for each unit; with TST 001b one for each nexus at it. */
struct scsi_set {
	struct list dormant; /* struct scsi_task.set_node, as the next two; oldest first */
	struct list enabled; /* may run */
	struct list held;    /* started, but may not go on or answer now */
	struct list heads;   /* .head_node: HEAD OF QUEUE, enabled or held; oldest first */
	struct list dirty;   /* on order.dirty: look whether somebody may go on */
	unsigned n;          /* in all */
	unsigned n_started;  /* enabled and held */
	unsigned n_barriers; /* of those */
	unsigned n_yielding; /* copies among those that are held between two pieces */
	struct scsi_lu *lu;
	const struct scsi_nexus *aca;     /* the faulted nexus; NULL: no ACA condition */
	const struct scsi_task *aca_task; /* the ACA command, NULL: none */
};

enum scsi_order_state {
	SCSI_ORDER_OPEN,
	SCSI_ORDER_GATHERING,
	SCSI_ORDER_GATHERED,
};

/* What a unit has of task sets. */
struct scsi_order {
	struct scsi_set set;     /* with TST 000b */
	struct scsi_set orphans; /* tasks of nexuses that no longer have the unit: no rules */
	enum scsi_order_state state;
	unsigned
		n_reasons; /* barriers, commands that need the medium alone, ACA conditions, answers
			     * that wait to establish one, modes, being suspended */
	bool mode_reason;  /* the mode pages are one of them */
	uint64_t seq;      /* of the last task that entered */
	unsigned n_enabled;      /* of all sets and the orphans */
	struct scsi_holds holds; /* who has claimed what, whether it waits or runs */
	bool refused;            /* somebody was not let lay its claim because others are older */
	struct list dirty;       /* struct scsi_set.dirty */
	struct list visits;      /* struct scsi_visit.node: see visit.h, as the next three */
	struct list guests;      /* struct scsi_copying.later */
	struct list due;         /* struct scsi_order.due_node */
	struct list due_node;
	struct scsi_lu *lu;
	struct scsi_lu *other; /* with SCSI_ASK_OTHER */
	bool publish;          /* something else that views say has changed */
};

/* What is to be done for a unit; see scsi_lu_next(). */
enum scsi_ask {
	SCSI_ASK_NOTHING,
	SCSI_ASK_GATHER, /* publish the views of all nexuses; when every worker has taken them and every command
			  * of the unit that was routed LOCAL has ended, call scsi_lu_gathered() */
	SCSI_ASK_HOLD, /* publish likewise; when every worker has taken them and every command that was routed
			* LOCAL and scsi_local_overlaps() what order.holds is now has ended, call scsi_lu_held() */
	SCSI_ASK_PUBLISH, /* publish the views of all nexuses; nobody need wait */
	SCSI_ASK_ERASE,   /* carry out what scsi_erase_next() says, until it says END */
	SCSI_ASK_FLUSH, /* it is suspended, make what was written stable, then scsi_lu_flushed() */
	SCSI_ASK_OTHER, /* ask for the unit lu->order.other, too */
	SCSI_ASK_GO, /* step the task with SCSI_EV_GO, before anything else is done with the unit */
};

/**
 * scsi_lu_next() - what has become due
 * @ret: the task, for GO
 *
 * Call it until it says NOTHING, after everything at home that names the unit or one of its tasks: steps,
 * task management, a nexus that comes or goes, a change of a LUN map, scsi_lu_gathered().
 * Context: home worker.
 */
enum scsi_ask scsi_lu_next(struct scsi_lu *lu, struct scsi_task **ret);

/* The answer to GATHER; exactly one for each. Context: home worker. */
void scsi_lu_gathered(struct scsi_lu *lu);
/* Likewise to HOLD; between the two there is no GATHER. */
void scsi_lu_held(struct scsi_lu *lu);

/* --- for the files of this folder --- */

/* Where in its set a task is: struct scsi_task.where. */
enum scsi_where {
	SCSI_WHERE_DORMANT,
	SCSI_WHERE_ENABLED,
	SCSI_WHERE_HELD,
};

void scsi_order_init(struct scsi_lu *lu);
void scsi_set_init(struct scsi_set *s, struct scsi_lu *lu);
/* @t comes to the set; false: it is dormant, scsi_lu_next() will name it. */
bool scsi_set_enter(struct scsi_set *s, struct scsi_task *t, enum scsi_place place);
/* Whatever it is doing; harmless when it is in none. */
void scsi_set_leave(struct scsi_task *t);
/* @t, which is enabled, may not go on: scsi_lu_next() will name it. */
void scsi_set_hold(struct scsi_task *t);
/* @t is a copy between two pieces: it goes on when nobody needs a unit of it alone; that is behind nobody else. */
void scsi_set_yield(struct scsi_task *t);
/* Is the next in line one that needs the medium alone? */
bool scsi_set_wants_alone(const struct scsi_set *s);
/* As scsi_set_hold(), until the unit is gathered, too. */
void scsi_set_hold_answer(struct scsi_task *t);
/* Does an ACA condition keep @t back? */
bool scsi_set_frozen(const struct scsi_task *t);
void scsi_set_aca(struct scsi_set *s, const struct scsi_nexus *faulted);
void scsi_set_clear_aca(struct scsi_set *s);
/* A command that is alone waits for what has just ended, or ends itself: ask what is due. */
void scsi_order_look(struct scsi_lu *lu);
void scsi_set_touch(struct scsi_set *s);
bool scsi_lu_is_gathered(const struct scsi_lu *lu);
/* The set a task of this nexus at this LUN belongs to; see scsi_nexus_at(). */
struct scsi_itl;
struct scsi_set *scsi_set_of(struct scsi_itl *itl);
/* The mode pages have changed: are they a @reason to gather? With @tst_changed the sets are others, too. */
void scsi_order_mode(struct scsi_lu *lu, bool reason, bool tst_changed);
/* The unit is suspended, or not any more: one reason to gather it, see suspend.h. */
void scsi_order_suspend(struct scsi_lu *lu, bool on);
/* @itl is about to lose its unit: nothing of it may wait for something that will never come. */
void scsi_set_unmap(struct scsi_itl *itl);
/* LOGICAL UNIT RESET, or the nexus is lost: clear the ACA conditions (@nexus NULL: all). */
void scsi_lu_clear_aca(struct scsi_lu *lu, const struct scsi_nexus *nexus);
