/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The world's memory where nobody keeps books of the target's: for unit tests of the simulator's parts. */
#include <stdlib.h>

#include "base/check.h"
#include "sim/world.h"

void *world_alloc(size_t len)
{
	void *p = calloc(1, len ? len : 1);

	check(p);
	return p;
}

void world_free(void *p)
{
	free(p);
}
