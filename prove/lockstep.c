/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include <stdio.h>

#include "base/prng.h"
#include "prove/cm.h"
#include "prove/walk.h"

/* Both live at the address of the world while it is their turn. */
static struct world plain;  /* never normalised */
static struct world normal; /* after each move */

static bool same_bytes(const void *a, const void *b, size_t len)
{
	return memcmp(a, b, len) == 0;
}

/* The moves that are possible, and the one that was made; false when that is not the same for both. */
static bool both_move(struct prng *r)
{
	struct move moves[2][MOVES_MAX] = { 0 };
	struct choices c;
	struct move m;
	unsigned n;

	world = normal;
	n = moves_list(&world, moves[0]);
	choice_random(r);
	m = moves[0][choose(n)];
	move_run(&world, m);
	world_normalise(&world);
	normal = world;
	choice_save(&c);

	world = plain;
	if (moves_list(&world, moves[1]) != n || !same_bytes(moves[0], moves[1], sizeof(moves[0])))
		return false;
	choice_repeat(&c);
	move_run(&world, moves[1][choose(n)]);
	plain = world;
	world_normalise(&world);
	return same_bytes(&world, &normal, sizeof(world));
}

static void begin(void)
{
	world_init(&world);
	plain = world;
	normal = world;
}

int lockstep(uint64_t seed, uint64_t steps)
{
	struct prng r = prng_of(seed);
	volatile uint64_t i = 0;
	volatile bool same = true;

	violation[0] = '\0';
	begin();
	violated_armed = true;
	if (setjmp(violated_at))
		same = false;
	while (same && i < steps) {
		same = both_move(&r);
		/* what may come after the end does for a while, then another life begins */
		if (normal.b.released && prng_below(&r, 8) == 0)
			begin();
		i++;
	}
	violated_armed = false;
	choice_random(NULL);
	if (!same)
		(void)printf("  %s: lockstep, seed %llu, move %llu: %s\n", cm_ops()->name,
			     (unsigned long long)seed, (unsigned long long)i,
			     violation[0] ? violation : "something that was erased does matter");
	return !same;
}
