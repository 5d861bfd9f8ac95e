/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Runs that found something once: sim/regressions.txt. A batch replays them
 * before anything else. */
#pragma once

#include "base/util.h"

#define REGRESS_MAX 200u

struct regress {
	unsigned long long seed;
	char kind[16]; /* "": any, see scenario_only() */
};

/* Lines of "SEED [KIND] | what it found". Return: how many, or -errno. */
int regress_read(const char *path, struct regress ret[REGRESS_MAX]);
