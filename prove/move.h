/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What can happen in a world: one move is one event from outside, with everything the caller does at once for it. */
#pragma once

#include "prove/world.h"

#define MOVES_MAX 128u /* possible in one state */

/* What makes a move certain to happen sometime, whatever peer and network do. */
enum fair {
	FAIR_NONE,
	FAIR_TIMER,      /* a deadline passes */
	FAIR_PORT,       /* the port answers the login */
	FAIR_TASK,       /* an aborted task ends */
	FAIR_KICK,       /* the caller keeps its promise of a later round */
	FAIR_UNREGISTER, /* the last task ended and the session is unregistered */
	FAIR_DISABLE,    /* LIVE only, where waiting is legal: the operator disables the port */
	FAIR_COUNT
};

struct move {
	uint8_t kind;
	uint8_t arg;
	uint8_t fair; /* enum fair */
};

/* The moves that are possible; @out has room for MOVES_MAX. Return: how many. */
unsigned moves_list(const struct world *w, struct move *out);
/* Make one, and judge the world afterwards. */
void move_run(struct world *w, struct move m);
/* Its name, in a buffer that the next call overwrites. */
const char *move_text(struct move m);
const char *fair_text(enum fair f);
