/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The conformance cases of src/fabric on the simulated fabric: it must be one that real code can trust. */
#include "fabric/fabric_cases.h"
#include "sim/dice.h"
#include "sim/fabric.h"
#include "sim/sched.h"

static bool dreq;

static int make_sim(struct fab **ret, const struct fab_limits *limits)
{
	struct fabric_opts o = { .dreq = dreq, .max_conns = limits ? limits->max_conns : 0 };

	return fabric_new(ret, &o);
}

/* A network that is slow and jumpy, and within the contract. */
static const struct fabric_net net = {
	.way_min_ns = 1000,
	.way_max_ns = 60000,
	.hiccup_pmille = 20,
	.hiccup_ns = 400000,
	.cm_lose_pct = 20,
	.cm_again_ns = NSEC_PER_MSEC,
	.cm_tries = 30,
	.timewait_ns = 10 * NSEC_PER_MSEC,
	.late_est_pct = 30,
	.flush_ns = 100000,
	.early_pct = 50,
	.fatal_pct = 100,
	.retry_ns = 50 * NSEC_PER_MSEC,
};

int main(void)
{
	int failed = 0;

	rig_virtual = true;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		dice_init(seed);
		sched_reset();
		sched_pace.partial_pct = 30;
		fabric_net = net;
		dreq = seed % 2;
		failed += fabric_cases_run(make_sim, dreq ? "handshake" : "stream",
					   dreq ? 0 : CASES_STREAM | CASES_TELLS);
	}
	return failed;
}
