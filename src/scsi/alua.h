/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Asymmetric logical unit access (SPC-5 5.17): units that are reached through target port groups, each with an
 * access state. Units that change hands together share a struct scsi_alua, so a state is one of a group for all of
 * them; a group may have ports that are not of this program. A unit without one is reached through all ports alike.
 * Home worker, all of it.
 *
 * Whoever decides that a state is another one (an operator, SET TARGET PORT GROUPS, a configuration) says so with
 * scsi_alua_set() or scsi_alua_configure() and publishes the views of the units; what it takes to get there, and
 * to keep it (scsi/saved.h), is the caller's.
 */
#pragma once

#include "base/list.h"

#define SCSI_TPG_MAX       32u
#define SCSI_TPG_PORTS_MAX 255u /* of all groups together */
#define SCSI_SEGMENTS_MAX  16u

struct scsi_lu;
struct scsi_nexus;
struct scsi_itl;
struct scsi_task;

enum scsi_alua_state { /* as on the wire */
	SCSI_ALUA_OPTIMIZED = 0x0,
	SCSI_ALUA_NONOPTIMIZED = 0x1,
	SCSI_ALUA_STANDBY = 0x2,
	SCSI_ALUA_UNAVAILABLE = 0x3,
	SCSI_ALUA_LBA_DEPENDENT = 0x4, /* as struct scsi_segment says */
	SCSI_ALUA_OFFLINE = 0xe,
	SCSI_ALUA_TRANSITIONING = 0xf,
};

enum scsi_alua_by { /* status codes of REPORT TARGET PORT GROUPS: what the last change came from */
	SCSI_ALUA_BY_NOTHING = 0,
	SCSI_ALUA_BY_COMMAND = 1, /* SET TARGET PORT GROUPS */
	SCSI_ALUA_BY_ITSELF = 2,
};

struct scsi_tpg {
	uint16_t id;
	uint8_t state;      /* enum scsi_alua_state */
	uint8_t configured; /* what it was when it was configured; see scsi_alua_configure() */
	uint8_t by;         /* enum scsi_alua_by */
	bool preferred;
};

struct scsi_tpg_port {
	uint16_t relative_id;
	uint8_t tpg; /* index */
};

/* A user data segment (SBC-4 4.25): blocks up to the next one, and through which groups they are reached how. */
struct scsi_segment {
	uint64_t lba;
	uint8_t state[SCSI_TPG_MAX]; /* by index of the group: active to unavailable */
};

/* Groups and who is in them; each id, and each port, once. */
struct scsi_tpgs {
	uint8_t n;
	uint8_t n_ports;
	uint8_t n_segments; /* 0: no group can be LBA-dependent */
	struct scsi_tpg tpg[SCSI_TPG_MAX];
	struct scsi_tpg_port port[SCSI_TPG_PORTS_MAX];
	struct scsi_segment segment[SCSI_SEGMENTS_MAX]; /* ascending, the first one begins at 0 */
};

/* A state that is wanted. */
struct scsi_tpg_want {
	uint16_t id;
	uint8_t state;
};

struct scsi_alua {
	struct scsi_tpgs now;
	uint32_t generation; /* counts changes of states; kept with them */
	bool settled;        /* what units kept counts no more */
	bool overruled; /* some of it did not count: the configuration was another one, or others kept more */
	struct list units; /* struct scsi_lu.alua_node */
};

/* What a unit kept of its groups when the process ended. */
struct scsi_alua_kept {
	uint32_t generation; /* 0: nothing */
	uint8_t n;
	struct scsi_tpg tpg[SCSI_TPG_MAX]; /* without preferred */
};

void scsi_alua_init(struct scsi_alua *a);
/* No unit may have it any more. */
void scsi_alua_deinit(struct scsi_alua *a);

/**
 * scsi_alua_configure() - these are the groups now
 * @to: copied; state is ignored, configured is what it says
 *
 * A group that is there already keeps its state, unless it was configured otherwise than it is now, or cannot be in it
 * any more. Nexuses whose
 * group has another state or preference get ASYMMETRIC ACCESS STATE CHANGED, those with another group INQUIRY DATA
 * HAS CHANGED, too.
 * Return: true when something changed: publish the views of all units of @a.
 */
bool scsi_alua_configure(struct scsi_alua *a, const struct scsi_tpgs *to);

/**
 * scsi_lu_set_alua() - a unit is reached through these groups
 * @a:     NULL: through all ports alike
 * @explicit: it has SET TARGET PORT GROUPS
 *
 * As long as @a is not settled, states that the unit kept from an earlier life become those of the groups, if they
 * are newer than what other units brought and the configuration says of a group what it said then. Later they count
 * no more: when they are not those of the groups, the generation of @a is another one afterwards, and all units of @a
 * are to keep what they keep now.
 * Return: true when something changed: publish the views of all nexuses of @lu.
 */
bool scsi_lu_set_alua(struct scsi_lu *lu, struct scsi_alua *a, bool is_explicit);
/* States of an earlier life that did not come with a unit; as if one that has come now had kept them. Context: before
 * any unit has come. */
void scsi_alua_restore(struct scsi_alua *a, const struct scsi_alua_kept *k);
/* Every unit that may have kept something is there. Return: true when some of it did not count: keep what they keep
 * now. */
bool scsi_alua_settle(struct scsi_alua *a);

/* Index of the group with this id, or -1. */
int scsi_alua_find(const struct scsi_alua *a, uint16_t id);
/* Whether the states would be others. */
bool scsi_alua_differs(const struct scsi_alua *a, const struct scsi_tpg_want *want, unsigned n);

/**
 * scsi_alua_set() - groups get other states
 * @want:       ids that exist
 * @by:         what report says of the groups that change
 * @except_at:  with SET TARGET PORT GROUPS: the nexus it came from hears nothing of it at this unit. NULL: all do
 *
 * Return: true when something changed: publish the views of all units of @a, and keep what they keep.
 */
bool scsi_alua_set(struct scsi_alua *a, const struct scsi_tpg_want *want, unsigned n,
		   enum scsi_alua_by by, const struct scsi_itl *except_at);

/**
 * scsi_task_wants() - what a task whose action is SET_STATES wants
 * @ret: SCSI_TPG_MAX of room
 *
 * Return: how many.
 */
unsigned scsi_task_wants(const struct scsi_task *t, struct scsi_tpg_want *ret);
/* Where it wants that, for scsi_alua_set(); NULL: its nexus has the unit no more. */
const struct scsi_itl *scsi_task_at(const struct scsi_task *t);

/* Can a group of @a be in @state? LBA-dependent only where there are segments. */
bool scsi_alua_can(const struct scsi_alua *a, unsigned state);

/* "active", "nonoptimized", "standby", "unavailable", "lba_dependent", "offline", "transitioning"; NULL: no state. */
const char *scsi_alua_state_name(unsigned state);
/* The reverse; false: there is none. */
bool scsi_alua_state_find(const char *name, uint8_t *ret);

/* --- for the files of this folder --- */

/* The group of the target port of @itl, NULL: it is in none, or there are none. */
const struct scsi_tpg *alua_of(const struct scsi_itl *itl);
/* @itl has come to its unit. */
void alua_sync_itl(struct scsi_itl *itl);
/* Are there commands that the state of its group does not let in? */
bool alua_restricts(const struct scsi_itl *itl);
/* Why @t, which is of @itl, must not be processed: additional sense code of NOT READY; 0: it may. */
unsigned alua_refuses(const struct scsi_task *t, const struct scsi_itl *itl);
