/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Several providers behind one: the consumer of the seam sees one provider, each of its listeners and
 * connections is that of a real one.
 */
#pragma once

#include "fabric/fabric.h"

#define FAB_MUX_MAX 4u

struct fab_mux_opts {
	struct fab *fab[FAB_MUX_MAX]; /* taken over: freed with the whole */
	unsigned n;                   /* >= 1 */
	/*
	 * Which of them is to listen at @addr: a set of BIT(i), or 0 for none (-EADDRNOTAVAIL). With several it
	 * is enough that one can. Context: the worker that listens.
	 */
	unsigned (*choose)(void *ctx, const struct sockaddr *addr, socklen_t len);
	void *ctx;
};

/**
 * fab_mux_new() - make one of several
 * @ret:  set on success; release with its ops->free()
 * @opts: copied
 *
 * conn_new() makes connections of the first provider.
 *
 * Return: 0 or -ENOMEM (then @opts' providers are still the caller's).
 */
must_check int fab_mux_new(struct fab **ret, const struct fab_mux_opts *opts);
