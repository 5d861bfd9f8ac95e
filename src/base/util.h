/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The few macros every folder uses. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define BIT(n)        (1u << (n))
#define must_check    __attribute__((warn_unused_result))

#define container_of(ptr, type, member) \
	((type *)(void *)((char *)(1 ? (ptr) : &((type *)0)->member) - offsetof(type, member)))

#define NSEC_PER_USEC 1000ull
#define NSEC_PER_MSEC 1000000ull
#define NSEC_PER_SEC  1000000000ull

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint32_t min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static inline size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

static inline bool mem_is_zero(const void *p, size_t len)
{
	const uint8_t *b = p;

	return !len || (!b[0] && !memcmp(b, b + 1, len - 1));
}

/* For an interface that reads and writes through the same pointer; the caller vouches for a read. */
static inline void *drop_const(const void *p)
{
	union {
		const void *in;
		void *out;
	} u = { .in = p };

	return u.out;
}

/*
 * DEFINE_CLEANUP(port, struct port *, port_free) lets `CLEANUP(port) struct port *p = NULL;` free
 * @p on every return; `take(p)` hands it on. The destructor must accept NULL.
 */
#define DEFINE_CLEANUP(name, type, destructor)     \
	static inline void cleanup_##name(type *p) \
	{                                          \
		if (*p)                            \
			destructor(*p);            \
	}
#define CLEANUP(name) __attribute__((cleanup(cleanup_##name)))
#define take(p)                            \
	__extension__({                    \
		__typeof__(p) taken = (p); \
		(p) = NULL;                \
		taken;                     \
	})
