/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What every RDMA provider must do, written against fabric.h alone: each case runs with one worker and
 * with two (the passive end then lives on another worker than its listener).
 */
#pragma once

#include "fabric/fabric_rig.h"

/* What holds for the provider under test, beside what holds for all. */
#define CASES_STREAM BIT(0) /* no disconnect handshake, and a responder that may not speak first */
#define CASES_TELLS \
	BIT(1) /* an end that refused an access is told so, and nothing of a refused READ arrives */

/**
 * fabric_cases_run() - all cases
 * @make:  makes the provider under test
 * @name:  for the report
 * @flags: CASES_...
 *
 * Return: the number of cases that failed.
 */
int fabric_cases_run(rig_make_fn *make, const char *name, unsigned flags);
