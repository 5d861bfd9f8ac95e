/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cur.h"
#include "client/client_priv.h"
#include "client/embed.h"

#define DEFAULT_MAX_CONNS 1024u

const char *srp_version(void)
{
	return SRPTD_VERSION;
}

static int ctx_start(struct srp_ctx *ctx)
{
	int r = provider_new(&ctx->fab, ctx->max_conns);

	if (r)
		return r;
	ctx->prng = prng_of(worker_clock_ns() ^ (uint64_t)getpid() << 32);
	ctx->next_channel = (uint16_t)prng_u64(&ctx->prng);
	return 0;
}

int srp_ctx_new(struct srp_ctx **ret, const struct srp_ctx_opts *opts)
{
	struct worker_opts wopts = { .name = "srp" };
	struct srp_ctx *ctx;
	int r;

	ctx = calloc(1, sizeof(*ctx));
	if (!ctx)
		return -ENOMEM;
	ctx->max_conns = opts && opts->max_conns ? opts->max_conns : DEFAULT_MAX_CONNS;
	wopts.poll_us = opts ? opts->poll_us : 0;
	/* Two timers a connection: the deadline of a phase and the tick for overdue commands. The provider
	 * has its own. */
	wopts.n_timers = 8 * ctx->max_conns + 64;
	r = worker_new(&ctx->w, 0, &wopts);
	if (r)
		goto fail;
	r = ctx_start(ctx);
	if (r)
		goto fail;
	*ret = ctx;
	return 0;
fail:
	worker_free(ctx->w);
	free(ctx);
	return r;
}

int srp_ctx_on_worker(struct srp_ctx **ret, struct worker *w, unsigned max_conns)
{
	struct srp_ctx *ctx = calloc(1, sizeof(*ctx));
	int r;

	if (!ctx)
		return -ENOMEM;
	ctx->max_conns = max_conns;
	ctx->w = w;
	ctx->lent = true;
	r = ctx_start(ctx);
	if (r) {
		free(ctx);
		return r;
	}
	*ret = ctx;
	return 0;
}

int srp_ctx_free(struct srp_ctx *ctx)
{
	if (!ctx)
		return 0;
	if (ctx->n_conns)
		return -EBUSY;
	/* Descriptors that were watched are let go in a later round: give them that. */
	for (unsigned i = 0; i < 4 && !ctx->lent; i++)
		(void)worker_run_once(ctx->w, 0);
	ctx->fab->ops->free(ctx->fab);
	if (!ctx->lent)
		worker_free(ctx->w);
	free(ctx);
	return 0;
}

int srp_ctx_fd(const struct srp_ctx *ctx)
{
	return worker_event_fd(ctx->w);
}

int srp_ctx_process(struct srp_ctx *ctx, int timeout_ms)
{
	uint64_t ns = timeout_ms < 0 ? UINT64_MAX : (uint64_t)(unsigned)timeout_ms * NSEC_PER_MSEC;

	return worker_run_once(ctx->w, ns);
}

uint64_t srp_ctx_now_ns(const struct srp_ctx *ctx)
{
	return worker_now_ns(ctx->w);
}

void srp_ctx_set_trace(struct srp_ctx *ctx, srp_trace_fn *fn, void *user)
{
	ctx->trace = fn;
	ctx->trace_user = user;
}

struct srp_initiator_id srp_default_initiator(void)
{
	struct srp_initiator_id id = { { 0 } };
	uint64_t hash = 0xcbf29ce484222325ull; /* FNV-1a */
	char name[64] = { 0 };
	ssize_t n = -1;
	int fd = open("/etc/machine-id", O_RDONLY | O_CLOEXEC);

	if (fd >= 0) {
		n = read(fd, name, sizeof(name) - 1);
		close(fd);
	}
	if (n < 32) {
		memset(name, 0, sizeof(name));
		(void)gethostname(name, sizeof(name) - 1);
	}
	for (const char *p = name; *p && *p != '\n'; p++)
		hash = (hash ^ (uint8_t)*p) * 0x100000001b3ull;
	/* An EUI-64 that was assigned by nobody: the local bit set, the group bit clear. */
	put_be64(id.b + 8, (hash & ~(1ull << 56)) | 1ull << 57);
	return id;
}
