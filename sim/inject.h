/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * One scripted run (start, logins, commands, task management, logout, eviction, reload, disable, SIGTERM) again and
 * again, each time with another of its calls failing: an allocation, a call of the fabric, of a disk, of a timer.
 * Whichever it is, nothing may be left behind, one host at most may have been harmed, and all are served again.
 */
#pragma once

#include <stdio.h>

#include "base/util.h"

struct host;

/* Make the script's run without a failure. Return: how many runs there are: each of its calls on each fabric. */
unsigned long long inject_count(void);
/* The run in which call @nth fails (from 0); beyond inject_count(): none does. */
void inject_run(unsigned long long nth);
/* Places in the code that made calls, and how many of them had one that failed; @all: and which had none. */
void inject_report(FILE *out, bool all);

/* --- for those who carry out calls --- */

/* Such a call was made from @by: shall it fail? @call: static. */
bool inject_hits(const char *call, const void *by);
/* One has failed. */
bool inject_has_hit(void);
/* Nothing fails any more. */
void inject_calm(void);
/* Something happened to @h that only the failure excuses. */
void inject_harmed(const struct host *h);
