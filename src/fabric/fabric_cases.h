/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What every RDMA provider must do, written against fabric.h alone: each case runs with one worker and
 * with two (the passive end then lives on another worker than its listener).
 */
#pragma once

#include "fabric/fabric_rig.h"

/**
 * fabric_cases_run() - all cases
 * @make:   makes the provider under test
 * @name:   for the report
 * @stream: also what holds only where a connection is a stream whose end both sides see: no disconnect
 *          handshake, and a responder that may not speak first
 *
 * Return: the number of cases that failed.
 */
int fabric_cases_run(rig_make_fn *make, const char *name, bool stream);
