/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The clock of `srp`, for what is shown to a human; I/O is timed with srp_ctx_now_ns(). */
#pragma once

#include <time.h>

#include "base/util.h"

static inline uint64_t clock_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NSEC_PER_SEC + (uint64_t)t.tv_nsec;
}
