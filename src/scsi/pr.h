/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Reservations of a unit: persistent ones (SPC-5 5.13) and those of RESERVE (SPC-2). Home worker.
 *
 * Registrations belong to an I_T nexus by name, the initiator port's identifier and the target port's
 * relative identifier, and outlive its sessions. struct scsi_pr is all there is of them: plain data
 * that can be saved and restored.
 */
#pragma once

#include "base/util.h"
#include "wire/transport_id.h"

#define SCSI_PR_MAX    128u /* registrations of a unit */
#define SCSI_PORTS_MAX 256u

struct scsi_lu;
struct scsi_nexus;
struct scsi_itl;
struct scsi_task;
struct scsi_port;

enum scsi_pr_type { /* SPC-5 table 91 */
	SCSI_PR_NONE = 0,
	SCSI_PR_WRITE_EXCLUSIVE = 1,
	SCSI_PR_EXCLUSIVE_ACCESS = 3,
	SCSI_PR_WRITE_EXCLUSIVE_RO = 5, /* registrants only */
	SCSI_PR_EXCLUSIVE_ACCESS_RO = 6,
	SCSI_PR_WRITE_EXCLUSIVE_AR = 7, /* all registrants */
	SCSI_PR_EXCLUSIVE_ACCESS_AR = 8,
};

/* An I_T nexus by name. */
struct scsi_pr_nexus {
	uint16_t port; /* relative target port identifier */
	struct transport_id initiator;
};

struct scsi_pr_reg {
	uint64_t key; /* not 0 */
	struct scsi_pr_nexus nexus;
};

struct scsi_pr {
	uint32_t generation;
	uint16_t n;
	uint16_t holder; /* index; with an all registrants type, and without a reservation, 0 */
	uint8_t type;    /* enum scsi_pr_type */
	bool aptpl;      /* they outlive the process: SCSI_ACT_SAVE */
	bool lost; /* what there was could not be read back: no registration, and next to nothing is let in until
		    * REPLACE LOST RESERVATION (SPC-5 5.13.5.3.2) */
	struct scsi_pr_reg reg[SCSI_PR_MAX]; /* [0, n), oldest first; each nexus at most once */
};

/* The target ports of the device server: what ALL_TG_PT means. The caller's; home worker. */
struct scsi_ports {
	uint16_t n;
	uint16_t id[SCSI_PORTS_MAX]; /* relative port identifiers */
};

/**
 * scsi_lu_restore_pr() - give a unit the reservations it had
 * @pr: copied
 *
 * Before any nexus maps it. Return: 0, or -EINVAL when @pr is not what a unit could have; then nothing
 * changed. Context: home worker.
 */
must_check int scsi_lu_restore_pr(struct scsi_lu *lu, const struct scsi_pr *pr);

/**
 * scsi_lu_lose_pr() - the reservations of a unit could not be read back
 *
 * Before any nexus maps it. From now on commands get PERSISTENT RESERVATION INFORMATION LOST, also after scsi_lu_save()
 * and scsi_lu_restore(), until an initiator replaces them. Context: home worker.
 */
void scsi_lu_lose_pr(struct scsi_lu *lu);

enum scsi_pr_outcome {
	SCSI_PR_E_RESERVED = 1, /* by RESERVE, which excludes the others */
	SCSI_PR_E_NOT_KEPT = 2, /* aptpl, and the unit keeps nothing */
	SCSI_PR_E_UNSOUND = 3,  /* no unit could have them */
};

/**
 * scsi_lu_replace_pr() - an operator gives a unit other reservations than it has, or has lost
 * @pr:        copied
 * @ret_saves: scsi_lu_save() says something else now
 *
 * Who loses its registration hears of it, so does who loses the reservation but not its registration, and who was kept out
 * or let in by it. Return: 0: publish the views of all nexuses of @lu; or enum scsi_pr_outcome, then nothing changed.
 * Context: home worker.
 */
must_check int scsi_lu_replace_pr(struct scsi_lu *lu, const struct scsi_pr *pr, bool *ret_saves);

/* @n by name. Home worker. */
struct scsi_pr_nexus pr_nexus_of(const struct scsi_nexus *n);
/* Is registration @i a holder of the reservation? */
bool pr_holds(const struct scsi_pr *pr, int i);

/* --- for the files of this folder --- */

bool pr_type_is_valid(unsigned type);
static inline bool pr_is_all_registrants(unsigned type)
{
	return type == SCSI_PR_WRITE_EXCLUSIVE_AR || type == SCSI_PR_EXCLUSIVE_ACCESS_AR;
}

static inline bool pr_is_registrants_only(unsigned type)
{
	return type == SCSI_PR_WRITE_EXCLUSIVE_RO || type == SCSI_PR_EXCLUSIVE_ACCESS_RO;
}

bool pr_nexus_eq(const struct scsi_pr_nexus *a, const struct scsi_pr_nexus *b);
/* Is @n one of those [0, @count) at @list? Any worker that has a task of @n. */
bool pr_is_among(const struct scsi_nexus *n, const struct scsi_pr_nexus *list, unsigned count);
/* Index of the registration, or -1. */
int pr_find(const struct scsi_pr *pr, const struct scsi_pr_nexus *nexus);
/* Append a registration; the caller has seen that there is room and that it is new. */
void pr_add(struct scsi_pr *pr, const struct scsi_pr_nexus *nexus, uint64_t key);
/* Take registration @i away, and the reservation with its last holder; true when it went. */
bool pr_remove(struct scsi_pr *pr, unsigned i);
/* After a change: every nexus of the unit learns which registration is its own. */
void pr_sync(struct scsi_lu *lu);
/* The same for one. */
void pr_sync_itl(struct scsi_itl *itl);
/* Owe @ua to the nexuses with this name. */
void pr_ua(struct scsi_lu *lu, const struct scsi_pr_nexus *nexus, unsigned ua);
/* Owe @ua to every registered nexus but @except (an index, or -1). */
void pr_ua_all(struct scsi_lu *lu, unsigned ua, int except);
/* What @itl may not do, as SCSI_VIEW_RES_*. */
uint32_t pr_denied(const struct scsi_itl *itl);
/* Must @t, which is of @itl, end with RESERVATION CONFLICT? */
bool pr_conflicts(const struct scsi_task *t, const struct scsi_itl *itl);
/* Are the reservations of its unit lost, and may @t, which is of it, not be processed until they are replaced? */
bool pr_lost_refuses(const struct scsi_task *t);
/* The nexus has gone from the unit, or has been lost: so has its SPC-2 reservation. */
void pr_nexus_lost(struct scsi_lu *lu, const struct scsi_nexus *nexus);
