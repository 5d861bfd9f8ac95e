/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Units of other targets over libsrp: implements the seam target/remote.h. Each worker has a context of libsrp, which
 * lives on the worker itself, so nothing here is shared by threads and no message is sent. */
#pragma once

#include "run/worker.h"
#include "target/remote.h"

#define PROXY_WORKERS_MAX 64u
#define PROXY_CONNS_MAX   1024u /* logins of one worker at a time */

struct proxy;

struct proxy_opts {
	const char *host; /* numeric address */
	uint16_t port;
	uint64_t id_ext; /* with ioc_guid; both 0: the default target there */
	uint64_t ioc_guid;
	unsigned lun;
};

/* Return: 0 or -ENOMEM. */
must_check int proxy_new(struct proxy **ret);
/* No unit of it is there any more, and the workers have stopped. NULL is accepted; returns NULL. */
struct proxy *proxy_free(struct proxy *p);

/**
 * proxy_unit_new() - the way to a unit
 * @o: copied
 *
 * Return: 0 (release with ops->close()) or -ENOMEM.
 */
must_check int proxy_unit_new(struct remote **ret, struct proxy *p, const struct proxy_opts *o);
