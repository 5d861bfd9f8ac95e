/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Tests only: a queue pair on the heap and a byte pipe that cuts the stream as it likes. */
#pragma once

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/prng.h"
#include "iwarp/qp.h"

struct side {
	struct iw_qp qp;
	void *mem;
};

/* How the pipe behaves. */
struct pipe {
	struct prng rnd;
	size_t max_give; /* bytes asked from the sender at a time; 1.. */
	size_t max_cut;  /* bytes delivered at a time; 1.. */
	bool direct;     /* use direct placement */
};

/* Memory of exactly the size asked for, so that a sanitizer sees the first byte beyond. */
static inline void side_init(struct side *s, const struct iw_qp_attr *attr)
{
	size_t n = iw_qp_mem_size(attr);

	check(n);
	s->mem = malloc(n);
	check(s->mem);
	memset(s->mem, 0xa5, n);
	check(iw_qp_init(&s->qp, attr, s->mem, n) == 0);
}

static inline void side_deinit(struct side *s)
{
	free(s->mem);
}

/* Deliver @n bytes, direct pieces first if wanted; the rest from a copy with nothing behind it. */
static inline int side_feed(struct side *s, const uint8_t *p, size_t n, bool direct)
{
	struct iovec iov[IW_SGE_MAX];
	unsigned pieces = direct ? iw_rx_direct(&s->qp, iov, IW_SGE_MAX) : 0;
	size_t placed = 0;
	uint8_t *batch;
	int r;

	for (unsigned i = 0; i < pieces && placed < n; i++) {
		size_t k = min_size(n - placed, iov[i].iov_len);

		memcpy(iov[i].iov_base, p + placed, k);
		placed += k;
	}
	batch = malloc(n - placed + 1);
	check(batch);
	memcpy(batch + 1, p + placed, n - placed);
	r = iw_rx(&s->qp, placed, batch + 1, n - placed);
	free(batch);
	return r;
}

/* Take up to @max bytes out of @s into @to, in one iw_tx() of random shape. Return: bytes. */
static inline size_t side_take(struct side *s, struct prng *rnd, uint8_t *to, size_t max)
{
	struct iovec iov[80];
	unsigned max_iov = 1 + (unsigned)prng_below(rnd, 80);
	size_t bytes = 0;
	size_t n = 0;
	size_t done;
	unsigned pieces = iw_tx(&s->qp, iov, max_iov, 1 + prng_below(rnd, max), &bytes);

	check(pieces <= max_iov && bytes <= max && !pieces == !bytes);
	for (unsigned i = 0; i < pieces; i++) {
		memcpy(to + n, iov[i].iov_base, iov[i].iov_len);
		n += iov[i].iov_len;
	}
	check(n == bytes);
	done = bytes ? 1 + prng_below(rnd, bytes) : 0;
	iw_tx_done(&s->qp, done);
	return done;
}

/* One step from @from to @to. Return: bytes moved; *ret: of the last iw_rx(). */
static inline size_t pipe_step(struct pipe *p, struct side *from, struct side *to, int *ret)
{
	static uint8_t buf[1 << 18];
	size_t n = side_take(from, &p->rnd, buf, min_size(p->max_give, sizeof(buf)));
	size_t at = 0;

	*ret = 0;
	while (at < n && !*ret) {
		size_t k = 1 + prng_below(&p->rnd, min_size(n - at, p->max_cut));

		*ret = side_feed(to, buf + at, k, p->direct);
		at += k;
	}
	return n;
}
