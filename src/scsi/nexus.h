/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * One I_T nexus: the session of an initiator port with a target port, over all its channels. It
 * holds the LUN map and the unit attentions. Owned by the home worker; the workers of its channels
 * see it only through a struct scsi_view, built here and immutable once published.
 */
#pragma once

#include "scsi/hold.h"
#include "scsi/lu.h"
#include "scsi/ua.h"

#define SCSI_LUN_COUNT 256 /* LUNs 0 to 255 */

/* A SCSI port as VPD page 83h names it (SPC-5 7.7.6). */
struct scsi_port {
	uint8_t protocol;        /* protocol identifier, SPC-5 7.6.1: 4 = SRP */
	uint8_t designator_type; /* 2 = EUI-64 based (SRP: identifier extension + EUI-64), 3 = NAA */
	uint8_t name_len;        /* bytes of @name; 0: no name */
	uint8_t name[16];
	uint16_t relative_id; /* relative port identifier, 0: none */
	bool queries;         /* of a target: its transport has the query functions (not SRP) */
};

/* One line of a LUN map; @lun < SCSI_LUN_COUNT, each at most once. */
struct scsi_map_entry {
	struct scsi_lu *lu;
	uint16_t lun;
	bool read_only; /* for this nexus; the unit's own read_only counts too */
};

/* What one nexus has at one LUN. */
struct scsi_itl {
	struct list lu_node;      /* on lu->nexuses while mapped */
	struct scsi_nexus *nexus; /* constant */
	struct scsi_lu *lu;       /* NULL: nothing mapped here */
	struct scsi_uas uas;
	struct scsi_set set; /* with TST 001b */
	bool read_only;
	bool prevents;       /* that the medium is taken out */
	uint16_t echo_bytes; /* that it wrote to the echo buffer; 0: nothing */
	int16_t reg;         /* its registration at the unit, -1: none */
	int16_t tpg;         /* its target port group there, -1: none */
	bool hit; /* a TMF that is under way aborted a command of it; see scsi_tmf_hit() */
};

/* About 50 KiB; stays where it is from init to deinit. */
struct scsi_nexus {
	struct scsi_port initiator; /* constant after init, as the next */
	struct scsi_port target;
	void *owner; /* the caller's, never looked at */
	struct scsi_itl lun[SCSI_LUN_COUNT];
};

#define SCSI_VIEW_MAPPED        BIT(0)
#define SCSI_VIEW_READ_ONLY     BIT(1)
#define SCSI_VIEW_UA            BIT(2) /* a unit attention is owed: everything goes home */
#define SCSI_VIEW_NOT_READY     BIT(3) /* or in a low power condition: everything goes home */
#define SCSI_VIEW_GATHER        BIT(4) /* its task set is kept at home: everything goes there */
#define SCSI_VIEW_D_SENSE       BIT(5) /* sense data in descriptor format */
#define SCSI_VIEW_WRITE_THROUGH BIT(6) /* a WRITE is stable when it ends, as with FUA */
#define SCSI_VIEW_ACCESS        BIT(8) /* the access state lets few commands in: everything goes home */
#define SCSI_VIEW_REMOTE        BIT(9) /* a unit of another target: nearly everything goes there */
/* Reservations of others: these commands go home, and conflict there. READ, WRITE: as SCSI_CMD_RES_*. */
#define SCSI_VIEW_RES_ALL   BIT(7)
#define SCSI_VIEW_RES_READ  BIT(12)
#define SCSI_VIEW_RES_WRITE BIT(13)
#define SCSI_VIEW_FAULT     BIT(31) /* set by who makes faults, on purpose: everything goes home */
#define SCSI_VIEW_HELD      BIT(14) /* what overlaps one of the view's holds on the unit goes home */
#define SCSI_VIEW_TOKENS    BIT(27) /* what writes goes home, as SCSI_CMD_WRITE: see token.h */

/* A LUN as workers other than home may know it. */
struct scsi_view_lun {
	struct scsi_lu *lu; /* only its constant fields may be read */
	uint64_t n_blocks;
	uint32_t flags; /* SCSI_VIEW_* */
};

struct scsi_view {
	struct scsi_view_lun lun[SCSI_LUN_COUNT];
	struct scsi_view_hold { /* at LUNs with SCSI_VIEW_HELD */
		const struct scsi_lu *lu;
		struct scsi_range range;
	} hold[SCSI_HOLDS_MAX];
	unsigned n_holds;
};

/**
 * scsi_nexus_init() - a new session
 * @initiator, @target: port names, copied
 * @map, @n_map:        its LUNs; the units must outlive the map
 *
 * Every mapped LUN owes POWER ON, RESET, OR BUS DEVICE RESET OCCURRED (SAM-5 5.14: an I_T nexus
 * that comes into being). Channels that join the nexus later must not call this again.
 * Return: 0, or -EINVAL for a LUN out of range or named twice (then nothing is mapped).
 * Context: home worker.
 */
must_check int scsi_nexus_init(struct scsi_nexus *n, const struct scsi_port *initiator,
			       const struct scsi_port *target, const struct scsi_map_entry *map,
			       size_t n_map);

/* Leave all units. No task of the nexus may be alive. */
void scsi_nexus_deinit(struct scsi_nexus *n);

/**
 * scsi_nexus_remap() - replace the LUN map, as on reload of a configuration
 *
 * When it differs, all LUNs of the nexus owe REPORTED LUNS DATA HAS CHANGED (SPC-5 6.33), and new
 * ones POWER ON before. A unit that was taken away may still be in use by tasks that run: the
 * caller drains them before scsi_lu_deinit(). A change of read_only alone is MODE PARAMETERS CHANGED.
 *
 * Return: 1 something changed: publish the views of @n again; 0 nothing did; -EINVAL as
 * scsi_nexus_init(), and nothing changed.
 * Context: home worker.
 */
must_check int scsi_nexus_remap(struct scsi_nexus *n, const struct scsi_map_entry *map,
				size_t n_map);

/* Owe @ua to this nexus at every LUN it has. Publish its views again. Context: home worker. */
void scsi_nexus_ua(struct scsi_nexus *n, enum scsi_ua ua);
/* Owe @ua to every nexus that maps @lu, but @except (may be NULL). Publish their views again. */
void scsi_lu_ua(struct scsi_lu *lu, enum scsi_ua ua, const struct scsi_nexus *except);

/**
 * scsi_view_build() - write down what other workers may know of @n now
 * @v: about 6 KiB, the caller's; must not change once another worker may read it
 *
 * Context: home worker.
 */
void scsi_view_build(const struct scsi_nexus *n, struct scsi_view *v);
/* The same for one LUN below SCSI_LUN_COUNT. */
struct scsi_view_lun scsi_nexus_at(const struct scsi_nexus *n, unsigned lun);
