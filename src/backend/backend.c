/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The one place where a request is checked before it reaches a store. */
#include "backend/backend.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

#include "backend/impl.h"
#include "base/check.h"

static bool inside(const struct backend *b, uint64_t off_bytes, uint64_t len_bytes)
{
	const uint64_t size = atomic_load_explicit(&b->size_bytes, memory_order_relaxed);

	return off_bytes <= size && len_bytes <= size - off_bytes;
}

static bool in_blocks(const struct backend *b, uint64_t off_bytes, uint64_t len_bytes)
{
	return b->block_bytes <= 1 ||
	       (off_bytes % b->block_bytes == 0 && len_bytes % b->block_bytes == 0);
}

static int copy_verdict(const struct backend *b, const struct backend_io *io)
{
	const struct backend *from = io->source;

	if (!inside(from, io->from_bytes, io->len_bytes))
		return -ENODATA;
	if (!in_blocks(from, io->from_bytes, io->len_bytes))
		return -EINVAL;
	if (!b->ops->copies || from->ops != b->ops)
		return -EOPNOTSUPP;
	return io->len_bytes ? 1 : 0;
}

/* 1: go on; otherwise the result. */
static int verdict(const struct backend *b, const struct backend_io *io)
{
	const bool writes = io->op == BACKEND_WRITE || io->op == BACKEND_UNMAP ||
			    io->op == BACKEND_WRITE_ZEROES || io->op == BACKEND_COPY;

	if (io->op == BACKEND_FLUSH)
		return 1;
	if (!inside(b, io->off_bytes, io->len_bytes))
		return -ENODATA;
	if (!in_blocks(b, io->off_bytes, io->len_bytes))
		return -EINVAL;
	if (writes && b->read_only)
		return -EROFS;
	if (io->op == BACKEND_UNMAP && !b->unmap_grain_bytes)
		return -EOPNOTSUPP;
	if (io->op == BACKEND_COPY)
		return copy_verdict(b, io);
	return io->len_bytes ? 1 : 0;
}

/* An implementation moves what the pieces say; that must be what was checked. */
static bool pieces_fit(const struct backend_io *io)
{
	uint64_t left = io->len_bytes;

	for (unsigned i = 0; i < io->n_iov; i++) {
		if (io->iov[i].iov_len > left)
			return false;
		left -= io->iov[i].iov_len;
	}
	return left == 0;
}

void backend_submit(struct backend *b, struct worker *w, struct backend_io *io)
{
	const int r = verdict(b, io);

	io->backend = b;
	io->progress_bytes = 0;
	io->bounce = NULL;
	io->cancelled = false;
	io->hole = false;
	io->extent_bytes = io->len_bytes;
	if (r <= 0) {
		io->done(w, io, r);
		return;
	}
	check((io->op != BACKEND_READ && io->op != BACKEND_WRITE) || pieces_fit(io));
	b->ops->submit(b, w, io);
}

void backend_cancel(struct backend_io *io, struct worker *w)
{
	if (io->backend->ops->cancel)
		io->backend->ops->cancel(io->backend, w, io);
}

void *backend_map(struct backend *b, uint64_t off_bytes, uint64_t len_bytes)
{
	if (!b->ops->map || b->read_only || !len_bytes || !inside(b, off_bytes, len_bytes))
		return NULL;
	return b->ops->map(b, off_bytes, len_bytes);
}

const void *backend_map_read(struct backend *b, uint64_t off_bytes, uint64_t len_bytes)
{
	if (!len_bytes || !inside(b, off_bytes, len_bytes))
		return NULL;
	if (b->ops->map_read)
		return b->ops->map_read(b, off_bytes, len_bytes);
	return b->ops->map ? b->ops->map(b, off_bytes, len_bytes) : NULL;
}

bool backend_can_probe(const struct backend *b)
{
	return b->ops->probe;
}

int backend_probe(struct backend *b, struct backend_probe *ret)
{
	*ret = (struct backend_probe){ 0 };
	return b->ops->probe(b, ret);
}

void backend_resize(struct backend *b, uint64_t size_bytes)
{
	atomic_store_explicit(&b->size_bytes, size_bytes, memory_order_relaxed);
}

struct backend *backend_close(struct backend *b)
{
	if (b)
		b->ops->close(b);
	return NULL;
}

/* --- for the constructors --- */

int backend_fail(char *err, size_t err_len, int r, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(err, err_len, fmt, ap);
	va_end(ap);
	return r;
}

int backend_check_size(const char *what, uint64_t size_bytes, uint32_t block_bytes, char *err,
		       size_t err_len)
{
	const uint32_t block = block_bytes ? block_bytes : BACKEND_DEFAULT_BLOCK_BYTES;

	if (block < 512 || block > 65536 || (block & (block - 1)))
		return backend_fail(err, err_len, -EINVAL,
				    "%s: block size %u is not a power of two from 512 to 65536, "
				    "use 512 or 4096",
				    what, block);
	if (!size_bytes)
		return backend_fail(err, err_len, -EINVAL, "%s: it is empty, give it a size", what);
	if (size_bytes > INT64_MAX - 65536)
		return backend_fail(err, err_len, -EINVAL,
				    "%s: %llu bytes are more than a file can have, give less", what,
				    (unsigned long long)size_bytes);
	if (size_bytes % block)
		return backend_fail(
			err, err_len, -EINVAL,
			"%s: its size of %llu bytes is not a multiple of the block size "
			"%u, make it %llu or choose another block size",
			what, (unsigned long long)size_bytes, block,
			(unsigned long long)(size_bytes + block - size_bytes % block));
	return 0;
}
