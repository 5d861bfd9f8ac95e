/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What the runs have seen: cells of the state tables, information units, reject reasons, sense codes. Counted
 * in memory that the processes of all runs share; the table of what was never seen ends `make sim`.
 */
#pragma once

#include <stdio.h>

#include "base/util.h"

enum cover_group {
	COVER_CHAN,     /* chan_table: event * 8 + state */
	COVER_ICHAN,    /* the initiator's table: state * 32 + event */
	COVER_IU_SENT,  /* by initiators, by opcode; and COVER_TABLE_OUTSIDE */
	COVER_IU_GOT,   /* by initiators from the target, by opcode */
	COVER_REJ,      /* reject reasons - 0x00010000; 7: without one */
	COVER_RSP_CODE, /* of responses */
	COVER_TMF,      /* functions asked for */
	COVER_UA,       /* unit attentions told */
	COVER_SENSE,    /* key << 16 | asc */
	COVER_STATUS,
	COVER_PORT,     /* enum cover_port */
	COVER_PR_OUT,   /* service action * 3 + GOOD, RESERVATION CONFLICT, CHECK CONDITION */
	COVER_PR_IN,    /* service action * 2 + GOOD, RESERVATION CONFLICT */
	COVER_RESERVED, /* type * 6 + 2 * (holder, registered, neither) + READ, WRITE */
	COVER_RESERVE, /* 4 * (RESERVE, RELEASE) + 2 * there are registrations + RESERVATION CONFLICT; and: */
	COVER_KEPT, /* enum cover_kept: what was found again after a restart */
	COVER_GROUPS
};

/* What the port registry decided. */
enum cover_port {
	COVER_PORT_LOGIN,          /* taken */
	COVER_PORT_RESOURCES,      /* refused at the first visit */
	COVER_PORT_CHANNEL_LIMIT,  /* likewise */
	COVER_PORT_FIRST,          /* admitted: there was no channel */
	COVER_PORT_TERMINATED,     /* others were ended for it */
	COVER_PORT_CONTINUE,       /* others go on */
	COVER_PORT_LATE_RESOURCES, /* refused at the second visit */
	COVER_PORT_OVERTAKEN,      /* likewise */
	COVER_PORT_EVICTED,        /* told to close */
	COVER_PORT_DISABLED,
	COVER_PORT_SESSION,
	COVER_PORT_LIMIT, /* told another request limit */
	COVER_PORT_COUNT
};

enum cover_kept {
	COVER_KEPT_REGISTRATIONS,
	COVER_KEPT_RESERVATION, /* too */
	COVER_KEPT_MODE,
	COVER_KEPT_ATTENTION,
	COVER_KEPT_ACCESS, /* a state that was set */
	COVER_KEPT_IDENT,
};

#define COVER_RESERVE_LOST  8u /* with its nexus */
#define COVER_RESERVE_RESET 9u /* by a LUN reset */

#define COVER_TABLE_OUTSIDE 0x100u /* a CMD whose descriptor table stands in memory */

/* Make the shared memory; before the first fork. Without it nothing is counted. */
void cover_init(void);
void cover_hit(enum cover_group g, unsigned what);
void cover_ichan(unsigned state, unsigned event);
/* A login was refused with the private data @priv. Return: reason - 0x00010000; 7: there is none */
unsigned cover_reject(const uint8_t *priv, size_t len);
void cover_sense(uint8_t status, uint8_t key, uint16_t asc);
/* Print how much was seen; @justified: file with what cannot be, and why. @all: name what was not seen; a small batch
 * has not seen much. Return: number of holes without excuse. */
unsigned cover_report(FILE *out, const char *justified, bool all);
