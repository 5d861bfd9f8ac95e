/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The RDMA providers of the daemon, and which of them a listener of the configuration uses: TARGET_DRIVER
 * iwarp and verbs say it themselves; with srpt it is verbs for an address that an RDMA device has, and else both:
 * our own iWARP, and verbs as soon as a device has the address.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "base/log.h"
#include "daemon/daemon.h"
#include "fabric/fab_mux.h"
#include "fabric/iwarp/fab_iwarp.h"
#ifdef SRPTD_VERBS
#include "fabric/verbs/fab_verbs.h"
#endif

#define IWARP BIT(0) /* places in the multiplexer */
#define VERBS BIT(1)

const char fabrics_built[] = "iwarp"
#ifdef SRPTD_VERBS
			     ", verbs"
#endif
	;

/* The target of the running configuration that listens at @addr; the first has the driver of all. */
static const struct config_target *target_at(const struct config *c, const struct sockaddr *addr,
					     socklen_t len)
{
	for (unsigned i = 0; i < c->n_targets; i++) {
		const struct config_target *t = &c->targets[i];

		for (unsigned k = 0; t->enabled && k < t->n_listens; k++)
			if (t->listens[k].addr_len == len &&
			    !memcmp(&t->listens[k].addr, addr, len))
				return t;
	}
	return NULL;
}

#ifdef SRPTD_VERBS
static bool is_wildcard(const struct sockaddr *addr)
{
	struct sockaddr_in6 v6;
	struct sockaddr_in v4;

	if (addr->sa_family == AF_INET) {
		memcpy(&v4, addr, sizeof(v4));
		return v4.sin_addr.s_addr == htonl(INADDR_ANY);
	}
	memcpy(&v6, addr, sizeof(v6));
	return addr->sa_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&v6.sin6_addr);
}

static unsigned best_for(const struct sockaddr *addr)
{
	/* A device that comes later is used then. */
	return is_wildcard(addr) || !fab_verbs_present(addr) ? IWARP | VERBS : VERBS;
}
#else
static unsigned best_for(const struct sockaddr *addr)
{
	(void)addr;
	return IWARP;
}
#endif

static unsigned choose(void *ctx, const struct sockaddr *addr, socklen_t len)
{
	static const char *const text[] = {
		[IWARP] = "iwarp", [VERBS] = "verbs", [IWARP | VERBS] = "verbs and iwarp"
	};
	const struct daemon *d = ctx;
	const struct config_target *t = target_at(d->cfg, addr, len);
	unsigned which = IWARP;

	if (addr->sa_family == AF_IB || (t && t->driver == CONFIG_DRIVER_VERBS))
		which = VERBS;
	else if (t && t->driver == CONFIG_DRIVER_SRPT)
		which = best_for(addr);
	if (t)
		log_info("target %s: over %s", t->name, text[which]);
	return which;
}

/* A configuration that needs what was not built must not look as if it worked. */
static int check_built(const struct config *c)
{
#ifndef SRPTD_VERBS
	for (unsigned i = 0; i < c->n_targets; i++) {
		const struct config_target *t = &c->targets[i];
		bool needs = t->driver == CONFIG_DRIVER_VERBS;

		for (unsigned k = 0; k < t->n_listens; k++)
			needs = needs || t->listens[k].addr.ss_family == AF_IB;
		if (!t->enabled || !needs)
			continue;
		log_error("target %s needs RDMA devices, and this srptd was built without "
			  "rdma-core (libibverbs, librdmacm)",
			  t->name);
		return -ENOTSUP;
	}
#else
	(void)c;
#endif
	return 0;
}

static int make_verbs(struct fab **ret, const struct config_options *c)
{
#ifdef SRPTD_VERBS
	const struct fab_verbs_opts o = { .limits = { .handshakes = c->handshakes,
						      .max_conns = c->max_conns },
					  .wait_for_device = true,
					  .poll_us = c->poll_us };

	return fab_verbs_new(ret, &o);
#else
	(void)ret;
	(void)c;
	return -ENOTSUP;
#endif
}

int fabrics_new(struct daemon *d)
{
	const struct config_options *c = &d->cfg->opts;
	/* An initiator may never address our memory; an RDMA READ's sink needs no region. */
	const struct fab_iwarp_opts fo = {
		.n_stags = 1,
		.sockets = { .find = sockets_take, .keep = sockets_keep, .ctx = &d->sockets },
		.limits = { .handshake_ms = c->handshake_ms,
			    .handshakes_per_peer = c->handshakes_per_peer,
			    .handshakes = c->handshakes,
			    .max_conns = c->max_conns }
	};
	struct fab_mux_opts mo = { .choose = choose, .ctx = d };
	int r = check_built(d->cfg);

	if (!r)
		r = fab_iwarp_new(&mo.fab[0], &fo);
	if (r)
		return r;
	mo.n = make_verbs(&mo.fab[1], c) ? 1 : 2;
	r = fab_mux_new(&d->fab, &mo);
	for (unsigned i = 0; r && i < mo.n; i++)
		mo.fab[i]->ops->free(mo.fab[i]);
	return r;
}
