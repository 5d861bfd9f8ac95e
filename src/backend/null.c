/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A store that holds nothing: reads give zeroes, writes are forgotten. For measuring everything but the
 * store, so reading should not cost the server a memset: map_read() shows zeroes that are there already.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "backend/impl.h"

#define ZEROES_BYTES (8u << 20)

struct null_backend {
	struct backend b;
	void *zeroes; /* ZEROES_BYTES that cannot be written to */
};

static struct null_backend *null_of(struct backend *b)
{
	return container_of(b, struct null_backend, b);
}

static void null_submit(struct backend *b, struct worker *w, struct backend_io *io)
{
	(void)b;
	if (io->op == BACKEND_READ) {
		for (unsigned i = 0; i < io->n_iov; i++)
			memset(io->iov[i].iov_base, 0, io->iov[i].iov_len);
	}
	io->done(w, io, 0);
}

static const void *null_map_read(struct backend *b, uint64_t off_bytes, uint64_t len_bytes)
{
	(void)off_bytes; /* one place is as good as another, and the first is in the cache */
	return len_bytes <= ZEROES_BYTES ? null_of(b)->zeroes : NULL;
}

static void null_close(struct backend *b)
{
	struct null_backend *n = null_of(b);

	munmap(n->zeroes, ZEROES_BYTES);
	free(n);
}

static const struct backend_ops null_ops = {
	.name = "null",
	.submit = null_submit,
	.map_read = null_map_read,
	.close = null_close,
};

int backend_null_new(struct backend **ret, const struct backend_params *p, char *err,
		     size_t err_len)
{
	struct null_backend *n;
	void *zeroes;
	int r;

	if (p->path || p->direct)
		return backend_fail(err, err_len, -EINVAL,
				    "null disk: it has no file, remove the path and O_DIRECT");
	r = backend_check_size("null disk", p->size_bytes, p->block_bytes, err, err_len);
	if (r)
		return r;
	n = calloc(1, sizeof(*n));
	if (!n)
		return backend_fail(err, err_len, -ENOMEM, "null disk: out of memory, free some");
	/* Memory nobody can write to is the kernel's one zero page over and over, in small pages: it
	 * costs no memory, and what is sent from it comes from the processor's cache. */
	zeroes = mmap(NULL, ZEROES_BYTES, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (zeroes == MAP_FAILED) {
		r = -errno;
		free(n);
		return backend_fail(err, err_len, r,
				    "null disk: cannot map %u bytes: %s, free some memory",
				    ZEROES_BYTES, strerrordesc_np(-r));
	}
	(void)madvise(zeroes, ZEROES_BYTES, MADV_NOHUGEPAGE);
	n->zeroes = zeroes;
	n->b = (struct backend){
		.ops = &null_ops,
		.size_bytes = p->size_bytes,
		.block_bytes = 1,
		.mem_align_bytes = 1,
		.unmap_grain_bytes = p->block_bytes ? p->block_bytes : BACKEND_DEFAULT_BLOCK_BYTES,
		.atomic_bytes = BACKEND_ATOMIC_ANY, /* nothing is ever there */
		.read_only = p->read_only,
	};
	(void)snprintf(n->b.name, sizeof(n->b.name), "null");
	*ret = &n->b;
	return 0;
}
