/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Memory of the code under test. The simulator is linked so that malloc(), calloc(), realloc(), free(),
 * aligned_alloc(), strdup(), mmap() and munmap() lead here (-Wl,--wrap); the world around the target uses
 * world_alloc() instead, so every block that is known here is the target's. With that a leak is seen, a
 * crash of the target is simulated by taking all of it away at once, and any allocation can be made to fail.
 */
#pragma once

#include "base/util.h"

/* Asked at each allocation, with where it was made; true makes it fail. May be NULL. */
extern bool (*heap_fails)(const void *by);
/* Each allocation fails in @n of 1000 cases. */
void heap_fail_permille(unsigned n);
/* Fail the run when a block is left, and name where each was allocated. */
void heap_check_empty(const char *when);
/* Take everything away: the process that owned it was killed. */
void heap_drop(void);
