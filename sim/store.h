/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * State files behind src/state/state_file.h: "/sim/state/dN.state" keeps one value of disk N, which outlives the
 * target and its machine as soon as a save has returned 0. One that fails leaves the old value or the new one. Cuts in the
 * middle of a file are tried by src/state/state_file_test.c.
 */
#pragma once

#include "base/util.h"

/* The process of the target died: nobody holds the files any more. */
void store_crash(void);
/* Forget all; for the begin of a run. */
void store_reset(void);
unsigned store_n_open(void);
/* The last save of @disk has failed: what is there is not known. */
bool store_is_unsure(unsigned disk);
