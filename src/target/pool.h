/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Data buffers of one worker, in three sizes. The memory is reserved when the worker is made and touched
 * only when it is used; the buffer that came back last is given out first, while it is in the cache.
 * An empty pool is back-pressure: the caller waits for a buffer to come back.
 */
#pragma once

#include "base/list.h"

#define POOL_MAX_BYTES (1u << 20) /* largest buffer */

enum pool_class {
	POOL_4K,
	POOL_64K,
	POOL_1M,
	POOL_CLASS_COUNT
};

/*
 * What one user of a pool holds. A user may hold at most as many buffers of a class as are free, so one
 * gets half of them, two a third each, and there always are some left for who holds none.
 */
struct pool_share {
	unsigned n[POOL_CLASS_COUNT];
};

struct pool_buf {
	struct list node;
	void *addr;   /* aligned to 4096 */
	uint32_t cap; /* bytes at @addr */
	enum pool_class class;
	bool extra; /* from pool_lend(), with memory of its own */
};

struct pool {
	struct list free[POOL_CLASS_COUNT];
	unsigned n_free[POOL_CLASS_COUNT];
	unsigned n_all[POOL_CLASS_COUNT];
	unsigned surplus[POOL_CLASS_COUNT]; /* extra ones that are to go */
	struct pool_buf *bufs;
	void *arena;
	size_t arena_bytes;
};

/**
 * pool_init() - reserve the memory
 * @n: buffers of each class; a class may be 0
 *
 * Return: 0 or -ENOMEM.
 */
must_check int pool_init(struct pool *p, const unsigned n[POOL_CLASS_COUNT]);
/* Release the memory; every buffer must be back. Accepts a pool of zero bytes. */
void pool_deinit(struct pool *p);

/* The smallest class whose buffers hold @len bytes, 1 .. POOL_MAX_BYTES. */
enum pool_class pool_class_of(size_t len);
/* Whether a buffer of [@from, @to] is free. */
bool pool_has(const struct pool *p, enum pool_class from, enum pool_class to);

/**
 * pool_get() - a buffer
 * @s:    the user's share, counted up
 * @from: the smallest class that will do
 * @to:   the largest that may be taken
 *
 * Return: one of the smallest class in [@from, @to] that has a buffer for this user, or NULL: wait until one
 * comes back.
 */
struct pool_buf *pool_get(struct pool *p, struct pool_share *s, enum pool_class from,
			  enum pool_class to);
/* Give a buffer back with the share it was taken with; NULL is accepted. */
void pool_put(struct pool *p, struct pool_share *s, struct pool_buf *b);

/**
 * pool_lend() - have one more buffer, in place of one that will not come back for long
 *
 * Not on the data path: it takes memory. Return: 0 or -ENOMEM.
 */
must_check int pool_lend(struct pool *p, enum pool_class class);
/* That one has come back: one that was made for it goes, as soon as one is free. */
void pool_repay(struct pool *p, enum pool_class class);
