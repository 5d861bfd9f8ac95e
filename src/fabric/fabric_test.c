/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The conformance cases on a real provider:
 *
 *   fabric_fabric_test                              user-space iWARP, over loopback
 *   fabric_fabric_test verbs ADDRESS ADDRESS6 [CASE]   rdma-core, on the device that has these addresses
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "fabric/fabric_cases.h"
#include "fabric/iwarp/fab_iwarp.h"
#ifdef SRPTD_VERBS
#include "fabric/verbs/fab_verbs.h"
#endif

static int make_iwarp(struct fab **ret, const struct fab_limits *limits)
{
	struct fab_iwarp_opts opts = { .disconnect_ms = 3000 };

	if (limits)
		opts.limits = *limits;
	return fab_iwarp_new(ret, &opts);
}

#ifdef SRPTD_VERBS
static int make_verbs(struct fab **ret, const struct fab_limits *limits)
{
	struct fab_verbs_opts opts = { .disconnect_ms = 3000 };

	if (limits)
		opts.limits = *limits;
	return fab_verbs_new(ret, &opts);
}

static int run_verbs(int argc, char **argv)
{
	struct fab *f;

	if (argc > 4)
		cmocka_set_test_filter(argv[4]);
	if (argc < 4 || inet_pton(AF_INET, argv[2], &rig_addr4) != 1 ||
	    inet_pton(AF_INET6, argv[3], &rig_addr6) != 1)
		return 2;
	/* What librdmacm opens for the process shall not count as left open by a case. */
	if (make_verbs(&f, NULL))
		return 2;
	f->ops->free(f);
	return fabric_cases_run(make_verbs, "verbs", CASES_STREAM);
}
#endif

int main(int argc, char **argv)
{
	if (argc == 1)
		return fabric_cases_run(make_iwarp, "iwarp", CASES_STREAM | CASES_TELLS);
#ifdef SRPTD_VERBS
	if (!strcmp(argv[1], "verbs"))
		return run_verbs(argc, argv);
#endif
	(void)argv;
	return 2;
}
