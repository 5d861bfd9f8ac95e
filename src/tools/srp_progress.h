/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A line on standard error that says how far a transfer is, when that is a terminal. */
#pragma once

#include "base/util.h"

struct progress {
	const char *what; /* NULL: silent */
	uint64_t total;   /* UINT64_MAX: not known */
	uint64_t start_ns;
	uint64_t shown_ns;
};

void progress_start(struct progress *p, const char *what, uint64_t total);
/* Cheap: shows at most ten lines a second. */
void progress_at(struct progress *p, uint64_t done);
/* Last state and the end of the line. */
void progress_end(struct progress *p, uint64_t done);
