/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Buffers of any length up to ARENA_MAX_BYTES, each in one piece: for data whose length somebody else decides.
 * The memory is reserved when the arena is made and touched only when it is used.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/util.h"

#define ARENA_GRAIN     (16u << 10)
#define ARENA_BYTES     (64u << 20)
#define ARENA_MAX_BYTES (8u << 20)
#define ARENA_GRAINS    (ARENA_BYTES / ARENA_GRAIN)

struct arena {
	uint8_t *mem;                     /* NULL: there is none */
	uint64_t used[ARENA_GRAINS / 64]; /* a bit for each grain */
};

/* Reserve the memory. Return: 0 or -ENOMEM. */
must_check int arena_init(struct arena *a);
/* Release it; every buffer must be back. Accepts an arena of zero bytes. */
void arena_deinit(struct arena *a);
/* The first hole that holds @len bytes, 1 .. ARENA_MAX_BYTES; NULL: there is none, wait until one comes back. Aligned to
 * 4096. */
void *arena_get(struct arena *a, uint32_t len);
/* Give back what arena_get() gave for @len. */
void arena_put(struct arena *a, void *addr, uint32_t len);
