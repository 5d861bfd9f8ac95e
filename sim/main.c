/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "sim/dice.h"
#include "sim/run.h"
#include "sim/scenario.h"
#include "sim/sched.h"
#include "sim/world.h"

int main(int argc, char **argv)
{
	struct scenario s;
	char cmd[64];

	for (int i = 1; i < argc; i++) {
		if (argv[i][0] == '-') {
			trace_live(stdout);
			continue;
		}
		dice_init(strtoull(argv[i], NULL, 10));
		(void)snprintf(cmd, sizeof(cmd), "make sim SEED=%s", argv[i]);
		fail_replay(cmd);
		fail_on_signals();
		sched_reset();
		scenario_roll(&s);
		run_scenario(&s);
		printf("seed %s ok, %s\n", argv[i], s.kind);
	}
	return 0;
}
