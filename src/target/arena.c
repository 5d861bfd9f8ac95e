/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "target/arena.h"

#include <errno.h>
#include <sys/mman.h>

#include "base/check.h"

int arena_init(struct arena *a)
{
	void *mem = mmap(NULL, ARENA_BYTES, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	*a = (struct arena){ 0 };
	if (mem == MAP_FAILED)
		return -ENOMEM;
	a->mem = mem;
	return 0;
}

void arena_deinit(struct arena *a)
{
	if (!a->mem)
		return;
	for (unsigned i = 0; i < ARENA_GRAINS / 64; i++)
		check(!a->used[i]);
	(void)munmap(a->mem, ARENA_BYTES);
	*a = (struct arena){ 0 };
}

static unsigned grains_of(uint32_t len)
{
	check(len > 0 && len <= ARENA_MAX_BYTES);
	return (len + ARENA_GRAIN - 1) / ARENA_GRAIN;
}

static bool is_used(const struct arena *a, unsigned i)
{
	return a->used[i / 64] >> i % 64 & 1;
}

/* Where the first run of @n free grains begins; ARENA_GRAINS: there is none. */
static unsigned find(const struct arena *a, unsigned n)
{
	unsigned run = 0;

	for (unsigned i = 0; i < ARENA_GRAINS; i++) {
		if (i % 64 == 0 && a->used[i / 64] == UINT64_MAX) {
			run = 0;
			i += 63;
			continue;
		}
		run = is_used(a, i) ? 0 : run + 1;
		if (run == n)
			return i + 1 - n;
	}
	return ARENA_GRAINS;
}

void *arena_get(struct arena *a, uint32_t len)
{
	unsigned n = grains_of(len);
	unsigned at = find(a, n);

	if (at == ARENA_GRAINS)
		return NULL;
	for (unsigned i = at; i < at + n; i++)
		a->used[i / 64] |= 1ull << i % 64;
	return a->mem + (size_t)at * ARENA_GRAIN;
}

void arena_put(struct arena *a, void *addr, uint32_t len)
{
	unsigned n = grains_of(len);
	unsigned at = (unsigned)((size_t)((uint8_t *)addr - a->mem) / ARENA_GRAIN);

	for (unsigned i = at; i < at + n; i++) {
		check(is_used(a, i));
		a->used[i / 64] &= ~(1ull << i % 64);
	}
}
