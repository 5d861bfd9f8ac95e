/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What reservations of a unit should do, from SPC-5 5.13 and SPC-2 7.16: who is registered, who holds
 * what, what each command would be answered with, who is to hear of it. Plain data: a copy of it is
 * what the unit was at that time.
 */
#pragma once

#include "base/util.h"
#include "wire/transport_id.h"

#define MPR_REGS_MAX  48u /* more than the hosts of a run can come to */
#define MPR_PORTS_MAX 16u

/* An I_T nexus by name. */
struct mpr_nexus {
	uint16_t port;
	uint8_t initiator[TRANSPORT_ID_NAME_BYTES];
};

struct mpr {
	uint32_t generation;
	unsigned n;
	struct {
		struct mpr_nexus who;
		uint64_t key;
	} reg[MPR_REGS_MAX];     /* in the order in which they came */
	unsigned type;           /* of the persistent reservation; 0: there is none */
	struct mpr_nexus holder; /* of it, when it is not of all registrants */
	bool reserved;           /* by RESERVE */
	struct mpr_nexus reserver;
	bool keeps; /* the unit can keep registrations ... */
	bool aptpl; /* ... and does: they outlive the process */
	bool wild;  /* more than is kept here: nothing is known any more */
};

/* The target ports there are. */
struct mpr_ports {
	unsigned n;
	uint16_t id[MPR_PORTS_MAX];
};

struct mpr_told {
	struct mpr_nexus who;
	uint16_t asc; /* of the unit attention */
};

struct mpr_cmd {
	const uint8_t *cdb;
	const uint8_t *list;
	uint32_t list_len;
};

/* What a PERSISTENT RESERVE OUT should come to. */
struct mpr_result {
	uint8_t status;
	uint16_t asc; /* with CHECK CONDITION */
	unsigned n_told;
	struct mpr_told told[MPR_REGS_MAX * 2];
	unsigned n_victims; /* of PREEMPT and PREEMPT AND ABORT */
	struct mpr_nexus victim[MPR_REGS_MAX];
};

enum mpr_verdict {
	MPR_FREE,     /* no reservation is against it */
	MPR_CONFLICT, /* RESERVATION CONFLICT */
	MPR_UNKNOWN   /* a command that is not known here */
};

bool mpr_same(const struct mpr_nexus *a, const struct mpr_nexus *b);
/* The key of a registration; 0: there is none. */
uint64_t mpr_key(const struct mpr *m, const struct mpr_nexus *who);
bool mpr_holds(const struct mpr *m, const struct mpr_nexus *who);

/* What a reservation says to a command of @who before it is looked at any closer. */
enum mpr_verdict mpr_judge(const struct mpr *m, const struct mpr_nexus *who, const uint8_t *cdb);
/* RESERVE and RELEASE, that @mpr_judge() let through: do them. */
enum mpr_verdict mpr_reserve(struct mpr *m, const struct mpr_nexus *who);
enum mpr_verdict mpr_release(struct mpr *m, const struct mpr_nexus *who);
/* PERSISTENT RESERVE OUT: do it. The service action is one there is. */
void mpr_out(struct mpr *m, const struct mpr_nexus *who, const struct mpr_cmd *cmd,
	     const struct mpr_ports *ports, struct mpr_result *ret);
/* What is left of it after a restart. */
void mpr_restart(struct mpr *m);
/* The same registrations, in whatever order, and the same reservation. */
bool mpr_equal(const struct mpr *a, const struct mpr *b);
/* PERSISTENT RESERVE IN: its whole parameter data, their length. Registrations are in no particular order. */
#define MPR_IN_MAX (8u + MPR_REGS_MAX * 48u)
uint32_t mpr_in(const struct mpr *m, uint8_t service_action, uint8_t ret[MPR_IN_MAX]);
