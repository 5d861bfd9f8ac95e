/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What parsing and checking share: the model under construction and what it does not keep. */
#pragma once

#include "config/errors.h"

/* A LUN line's device name until it is resolved; config_lun.device is its index meanwhile. */
struct parse_ref {
	char device[CONFIG_NAME_MAX + 1];
	struct config_pos pos; /* of the name */
	bool ro_given;         /* the LUN has its own read_only */
};

struct parse {
	struct config *config;
	struct config_errors *errs;
	struct parse_ref *refs;
	unsigned n_refs;
	bool no_memory;
};

/* The model's defaults for what a file does not say. */
void parse_defaults_options(struct config_options *o);
void parse_defaults_target(struct config_target *t);

/* Make room for one more element behind the @n of *@array (the address of a pointer); false: no memory. */
bool parse_grow(void *array, unsigned n, size_t elem_size);

/**
 * parse_index() - the devices of a model ordered by name, for looking thousands of them up
 * @ret_no_memory: set to true without memory, else left alone
 *
 * Return: @c->n_devices pointers for the caller to free(), like names in the order of the file; NULL
 * without devices or memory.
 */
const struct config_device **parse_index(const struct config *c, bool *ret_no_memory);
/* The device of that name in such an index of @n; NULL: none, or @index is NULL. */
const struct config_device *parse_index_find(const struct config_device **index, unsigned n,
					     const char *name);

/* There is no DEVICE @name: say so at @pos, with one that is meant. */
void resolve_no_device(struct parse *p, const char *name, struct config_pos pos);
/* The part of resolve() that is about device groups and numbers of ports. @index: of parse_index() */
void resolve_dgroups(struct parse *p, const struct config_device **index);

/**
 * resolve() - check what a whole model must fulfil and connect its parts
 *
 * Duplicate names, dangling references, values that contradict each other; sorts LUN maps and turns
 * device names into indices. Errors go to @p->errs.
 */
void resolve(struct parse *p);
