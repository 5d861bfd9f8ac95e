/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * For tests: random operations on a store, several at a time, compared with a copy in memory. The store
 * is cut into zones with one operation each, so operations in flight never overlap.
 */
#pragma once

#include <string.h>

#include "backend/backend.h"
#include "base/prng.h"

#define MODEL_ZONES      8u
#define MODEL_ZONE_BYTES (128u << 10)
#define MODEL_BYTES      ((size_t)MODEL_ZONES * MODEL_ZONE_BYTES)
#define MODEL_PIECES     20u

struct model_zone {
	struct model *m;
	struct backend_io io;
	struct iovec iov[MODEL_PIECES];
	bool busy;
	uint8_t buf[MODEL_ZONE_BYTES + 1]; /* one more, to start off alignment */
};

struct model {
	struct worker *w;
	struct backend *b;
	struct prng r;
	uint32_t grain_bytes; /* of offsets and lengths */
	bool odd_memory;      /* pieces may start and end anywhere */
	unsigned n_ops;       /* still to be started */
	unsigned n_done;
	unsigned n_wrong;    /* results other than 0 */
	unsigned n_mismatch; /* reads that differ from the copy */
	struct model_zone zone[MODEL_ZONES];
	uint8_t copy[MODEL_BYTES];
};

static inline void model_done(struct worker *w, struct backend_io *io, int result)
{
	struct model_zone *z = container_of(io, struct model_zone, io);
	uint8_t *at = z->m->copy + io->off_bytes;

	(void)w;
	z->busy = false;
	z->m->n_done++;
	if (result) {
		z->m->n_wrong++;
		return;
	}
	for (unsigned i = 0; i < io->n_iov; i++) {
		if (io->op == BACKEND_READ &&
		    memcmp(at, io->iov[i].iov_base, io->iov[i].iov_len) != 0)
			z->m->n_mismatch++;
		if (io->op == BACKEND_WRITE)
			memcpy(at, io->iov[i].iov_base, io->iov[i].iov_len);
		at += io->iov[i].iov_len;
	}
	if (io->op == BACKEND_UNMAP || io->op == BACKEND_WRITE_ZEROES)
		memset(at, 0, io->len_bytes);
}

static inline void model_pieces(struct model *m, struct model_zone *z)
{
	const uint64_t unit = m->odd_memory ? 1 : m->grain_bytes;
	uint8_t *at = z->buf + (m->odd_memory ? prng_below(&m->r, 2) : 0);
	uint64_t left = z->io.len_bytes;

	z->io.iov = z->iov;
	for (z->io.n_iov = 0; left; z->io.n_iov++) {
		struct iovec *v = &z->iov[z->io.n_iov];

		v->iov_base = at;
		v->iov_len = (size_t)left;
		if (z->io.n_iov + 1 < MODEL_PIECES && prng_below(&m->r, 2))
			v->iov_len = (size_t)(prng_below(&m->r, left / unit + 1) * unit);
		at += v->iov_len;
		left -= v->iov_len;
	}
}

static inline void model_start(struct model *m, struct model_zone *z)
{
	const uint64_t blocks = MODEL_ZONE_BYTES / m->grain_bytes;
	const uint64_t first = prng_below(&m->r, blocks);
	/* mostly short ones, as a long one covers what the others did */
	const uint64_t most = prng_below(&m->r, 4) ? 8 : blocks;
	const uint64_t count = 1 + prng_below(&m->r, min_u64(most, blocks - first));
	const uint64_t pick = prng_below(&m->r, 100);

	memset(&z->io, 0, sizeof(z->io));
	z->m = m;
	z->io.op = pick < 40   ? BACKEND_READ
		   : pick < 88 ? BACKEND_WRITE
		   : pick < 93 ? BACKEND_UNMAP
		   : pick < 98 ? BACKEND_WRITE_ZEROES
			       : BACKEND_FLUSH;
	z->io.flags = pick == 87 ? BACKEND_IO_FUA : 0;
	z->io.off_bytes = (uint64_t)(z - m->zone) * MODEL_ZONE_BYTES + first * m->grain_bytes;
	z->io.len_bytes = count * m->grain_bytes;
	z->io.done = model_done;
	if (z->io.op == BACKEND_READ || z->io.op == BACKEND_WRITE)
		model_pieces(m, z);
	if (z->io.op == BACKEND_WRITE) {
		const uint64_t seed = prng_u64(&m->r);

		for (size_t i = 0; i < sizeof(z->buf); i++)
			z->buf[i] = (uint8_t)(seed >> (i % 7 * 8)) ^ (uint8_t)i;
	} else {
		memset(z->buf, 0xee, sizeof(z->buf));
	}
	z->busy = true;
	backend_submit(m->b, m->w, &z->io);
}

/* Do @n_ops operations on @b, of MODEL_BYTES. Return: 0 or what worker_run_once() said. */
static inline int model_run(struct model *m, unsigned n_ops)
{
	m->n_ops = n_ops;
	while (m->n_done < n_ops) {
		int r;

		for (unsigned i = 0; i < MODEL_ZONES; i++) {
			if (m->n_ops && !m->zone[i].busy) {
				m->n_ops--;
				model_start(m, &m->zone[i]);
			}
		}
		r = worker_run_once(m->w, NSEC_PER_MSEC);
		if (r)
			return r;
	}
	return 0;
}
