/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The registry: rules enter themselves before main(), so none that is linked can be forgotten. */
#include <string.h>

#include "test.h"

static struct rule *first;

static int before(const struct rule *a, const struct rule *b)
{
	int d = strcmp(a->family, b->family);

	if (!d)
		d = strcmp(a->file, b->file);
	return d ? d : (int)a->line - (int)b->line;
}

void rule_register(struct rule *r)
{
	struct rule **at = &first;

	while (*at && before(*at, r) < 0)
		at = &(*at)->next;
	r->next = *at;
	*at = r;
}

struct rule *rules_all(void)
{
	return first;
}
