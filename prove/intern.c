/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "prove/intern.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"

#define FIRST_SLOTS 1024u

void *grow(void *p, size_t n, size_t size)
{
	void *q = reallocarray(p, n, size);

	if (!q) {
		(void)fputs("prove: out of memory, no result\n", stderr);
		exit(3);
	}
	return q;
}

int intern_init(struct intern *t, size_t size)
{
	check(size && size % sizeof(uint64_t) == 0);
	*t = (struct intern){ .size = size, .n_slots = FIRST_SLOTS };
	t->slots = calloc(FIRST_SLOTS, sizeof(*t->slots));
	return t->slots ? 0 : -ENOMEM;
}

void intern_deinit(struct intern *t)
{
	free(t->data);
	free(t->slots);
	*t = (struct intern){ 0 };
}

static uint32_t hash(const void *bytes, size_t size)
{
	const uint64_t *p = bytes;
	uint64_t h[2] = { 0x9e3779b97f4a7c15ull, 0xc2b2ae3d27d4eb4full };
	size_t n = size / sizeof(*p);
	size_t i;

	/* two of them, since a multiplication takes its time */
	for (i = 0; i < n; i++) {
		h[i & 1] = (h[i & 1] ^ p[i]) * 0xff51afd7ed558ccdull;
		h[i & 1] ^= h[i & 1] >> 32;
	}
	h[0] = (h[0] ^ h[1] >> 29 ^ h[1]) * 0xc4ceb9fe1a85ec53ull;
	return (uint32_t)(h[0] >> 32);
}

/* The slot of the record @bytes, or the empty one where it belongs. */
static uint32_t *find(const struct intern *t, const void *bytes)
{
	uint32_t mask = t->n_slots - 1;
	uint32_t i = hash(bytes, t->size) & mask;

	while (t->slots[i] && memcmp(intern_get(t, t->slots[i] - 1), bytes, t->size) != 0)
		i = (i + 1) & mask;
	return &t->slots[i];
}

static void more_slots(struct intern *t)
{
	uint32_t i;

	free(t->slots);
	t->n_slots *= 2;
	t->slots = grow(NULL, t->n_slots, sizeof(*t->slots));
	memset(t->slots, 0, t->n_slots * sizeof(*t->slots));
	for (i = 0; i < t->n; i++)
		*find(t, intern_get(t, i)) = i + 1;
}

uint32_t intern_add(struct intern *t, const void *bytes, bool *ret_new)
{
	uint32_t *slot = find(t, bytes);

	*ret_new = !*slot;
	if (*slot)
		return *slot - 1;
	check(t->n < UINT32_MAX / 4);
	if (t->n == t->cap) {
		t->cap = t->cap ? t->cap * 2 : FIRST_SLOTS;
		t->data = grow(t->data, t->cap, t->size);
	}
	memcpy(t->data + (size_t)t->n * t->size, bytes, t->size);
	*slot = ++t->n;
	if (t->n > t->n_slots / 2)
		more_slots(t);
	return t->n - 1;
}
