/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A set of records of one size, each kept whole and once, numbered in the order of arrival. The hash
 * only finds the place; records are compared byte for byte, so two are never taken for one.
 */
#pragma once

#include "base/util.h"

struct intern {
	size_t size; /* of a record; a multiple of 8 */
	uint32_t n;
	uint32_t cap;  /* records that fit into @data */
	uint8_t *data; /* @n records */
	uint32_t *
		slots; /* number of a record + 1, or 0; a power of two of them, at most half used */
	uint32_t n_slots;
};

/* Return: 0 or -ENOMEM. */
int intern_init(struct intern *t, size_t size);
void intern_deinit(struct intern *t);

/* The number of the record @bytes (8-aligned), which is added when it is new; *ret_new says so. Memory that runs out ends the
 * program: a walk without its memory has no result. */
uint32_t intern_add(struct intern *t, const void *bytes, bool *ret_new);

static inline const void *intern_get(const struct intern *t, uint32_t id)
{
	return t->data + (size_t)id * t->size;
}

/* realloc() for arrays that must grow or the walk has no result. */
void *grow(void *p, size_t n, size_t size);
