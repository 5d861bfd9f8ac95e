/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What every target needs: the entry libFuzzer and replay_main.c call, and input that ends where memory ends. */
#pragma once

#include <stdlib.h>

#include "base/check.h"
#include "base/cur.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* A copy of exactly @len bytes, so that a sanitizer sees the first read behind it; free() it. */
static inline uint8_t *fuzz_copy(const void *data, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	check(copy && (data || !len));
	if (len)
		memcpy(copy, data, len);
	return copy;
}

/* The same with a terminating zero, cut at the first one in @data. */
static inline char *fuzz_text(const void *data, size_t len)
{
	size_t n = strnlen(data, len);
	char *copy = malloc(n + 1);

	check(copy);
	memcpy(copy, data, n);
	copy[n] = '\0';
	return copy;
}

/* The rest of @c, as one piece. */
static inline struct cur fuzz_rest(struct cur *c)
{
	size_t n = cur_left(c);

	return cur_of(cur_take(c, n), n);
}
