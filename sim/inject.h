/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A fixed scenario (start, login, some I/O, logout, disconnect, eviction, disable, reload, end) with one call
 * failing: of an allocation, of the fabric, of a timer, of a disk. Whichever it is, nothing may be left behind
 * and the next login must be served.
 */
#pragma once

#include "base/util.h"

/* How many calls there are that can fail. */
unsigned long long inject_count(void);
/* The run in which call @nth fails; 0: none does. */
void inject_run(unsigned long long nth);
