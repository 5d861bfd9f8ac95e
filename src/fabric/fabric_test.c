/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The conformance cases on iWARP over TCP. */
#include "fabric/fabric_cases.h"
#include "fabric/iwarp/fab_iwarp.h"

static int make_iwarp(struct fab **ret, const struct fab_limits *limits)
{
	struct fab_iwarp_opts opts = { .disconnect_ms = 3000 };

	if (limits)
		opts.limits = *limits;
	return fab_iwarp_new(ret, &opts);
}

int main(void)
{
	return fabric_cases_run(make_iwarp, "iwarp", true);
}
