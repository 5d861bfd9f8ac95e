/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The one place of the library that names an RDMA provider. */
#include "client/client_priv.h"
#include "fabric/iwarp/fab_iwarp.h"

int provider_new(struct fab **ret, unsigned max_conns)
{
	const struct fab_iwarp_opts opts = {
		/* A connection counts until it is freed, a round after the caller may make the next one. */
		.limits = { .max_conns = 2 * max_conns },
		.n_stags = 1024,
		.disconnect_ms = 2000,
	};

	return fab_iwarp_new(ret, &opts);
}
