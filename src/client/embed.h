/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* libsrp inside a process that has workers of its own. */
#pragma once

#include <libsrp/libsrp.h>

#include "base/util.h"
#include "run/worker.h"

/**
 * srp_ctx_on_worker() - a context whose functions are called by a worker that runs already
 * @w:         outlives the context, and has three timers for each connection
 * @max_conns: connections that may exist at a time
 *
 * Everything made from it belongs to @w. srp_ctx_process() and srp_ctx_fd() are not for it. It may be freed when @w has
 * run a few rounds since its last connection was, or does not run any more.
 *
 * Return: 0 or -ENOMEM.
 * Context: @w.
 */
must_check int srp_ctx_on_worker(struct srp_ctx **ret, struct worker *w, unsigned max_conns);
