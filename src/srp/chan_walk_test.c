/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The two tests every machine has: the table is complete; a seeded random walk over it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/prng.h"
#include "srp/chan_model.h"

#define PICKS 8000000u /* not each is possible; the test counts the steps */

static struct model model;

static void table_is_complete(void **state)
{
	unsigned e;
	unsigned s;

	(void)state;
	for (e = 0; e < CHAN_EV_COUNT; e++) {
		for (s = 0; s < CHAN_STATE_COUNT; s++) {
			const struct chan_cell *cell = &chan_table[e][s];

			assert_int_not_equal(cell->kind, CHAN_CELL_EMPTY);
			assert_non_null(cell->on);
			assert_non_null(cell->name);
			/* INV-1: no way back */
			assert_int_equal(cell->to & (BIT(s) - 1), 0);
			if (cell->kind == CHAN_CELL_HANDLE)
				assert_int_not_equal(cell->to, 0);
		}
		assert_non_null(chan_ev_text((enum chan_ev)e));
	}
	for (e = 0; e < CHAN_ACT_COUNT; e++)
		assert_non_null(chan_act_text((enum chan_act)e));
}

/* Each cell BUG must stop the program, or a defect of the caller would go on with wrong books. */
static void bug_cells_panic(void **state)
{
	unsigned e;
	unsigned s;

	(void)state;
	for (e = 0; e < CHAN_EV_COUNT; e++) {
		for (s = 0; s < CHAN_STATE_COUNT; s++) {
			int status = 0;
			pid_t pid;

			if (chan_table[e][s].kind != CHAN_CELL_BUG)
				continue;
			pid = fork();
			assert_true(pid >= 0);
			if (pid == 0) {
				struct chan_event ev = { .type = (enum chan_ev)e };
				struct chan_actions out;
				struct chan_iu iu = { 0 };

				(void)!freopen("/dev/null", "w", stderr);
				ev.iu = &iu;
				model_init(&model, true);
				model.c.state = (enum chan_state)s;
				chan_step(&model.c, &ev, &out);
				_exit(0);
			}
			assert_int_equal(waitpid(pid, &status, 0), pid);
			assert_true(WIFSIGNALED(status));
		}
	}
}

/* The further the table leads towards the end, the rarer: else no life would get old. */
static enum chan_ev pick_event(struct prng *r, unsigned rare)
{
	static const enum chan_ev often[] = {
		CHAN_EV_RECV,     CHAN_EV_RECV,         CHAN_EV_RECV,
		CHAN_EV_RESPOND,  CHAN_EV_RESPOND,      CHAN_EV_KICK,
		CHAN_EV_KICK,     CHAN_EV_RESOURCES,    CHAN_EV_BUSY /* sends complete */,
		CHAN_EV_BUSY,     CHAN_EV_TASK_ABORTED, CHAN_EV_ADMITTED,
		CHAN_EV_COMM_EST, CHAN_EV_ESTABLISHED,  CHAN_EV_MRA,
	};

	if (prng_below(r, rare) == 0)
		return (enum chan_ev)prng_below(r, CHAN_EV_COUNT);
	return often[prng_below(r, ARRAY_SIZE(often))];
}

static void walk(uint64_t seed)
{
	struct prng r = prng_of(seed);
	unsigned rare = 4;
	unsigned step;

	model_init(&model, true);
	for (step = 0; step < PICKS; step++) {
		model_pick(&model, pick_event(&r, rare), (unsigned)prng_below(&r, 65536));
		if (model.c.released && prng_below(&r, 8) == 0) {
			/* what may come late, does; then the next life */
			model_pick(&model, CHAN_EV_EVICTED, 0);
			assert_int_equal(model.n_free, 1);
			rare = prng_below(&r, 2) ? 4 : 200;
			model_init(&model, prng_below(&r, 2) != 0);
		} else if (prng_below(&r, 3000) == 0) {
			model_finish(&model);
		}
	}
	model_finish(&model);
}

/* INV-1, 2, 3, 5, 8 to 14, 16, 17, 19, 22 to 24, 28: checked at each step, from inside and outside. */
static void random_walk(void **state)
{
	const char *env = getenv("CHAN_WALK_SEED");
	uint64_t seed = env ? strtoull(env, NULL, 0) : 1;
	uint64_t n_steps = 0;
	unsigned e;
	unsigned s;

	(void)state;
	printf("replay with CHAN_WALK_SEED=%llu\n", (unsigned long long)seed);
	walk(seed);
	walk(seed + 1);
	for (e = 0; e < CHAN_ACT_COUNT; e++)
		if (!model.n_acts[e])
			fail_msg("action %s never came", chan_act_text((enum chan_act)e));
	for (e = 0; e < CHAN_EV_COUNT; e++) {
		for (s = 0; s < CHAN_STATE_COUNT; s++) {
			n_steps += model.hits[e][s];
			if (chan_table[e][s].kind != CHAN_CELL_BUG && !model.hits[e][s])
				fail_msg("%s was never stepped in state %s",
					 chan_ev_text((enum chan_ev)e),
					 chan_state_text((enum chan_state)s));
		}
	}
	printf("%llu steps\n", (unsigned long long)n_steps);
	assert_true(n_steps >= 1000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_is_complete),
		cmocka_unit_test(bug_cells_panic),
		cmocka_unit_test(random_walk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
