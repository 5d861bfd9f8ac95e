/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A store in memory: one mapping, in huge pages where the kernel can, filled when it is made: then a
 * machine that has too little says so at the start, and no write waits for the kernel to find pages.
 * All workers use it at once, and without a lock: two writes to one block at the same time give the
 * bytes of one or the other, as on any disk.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "backend/impl.h"

#define HUGE_BYTES (2ull << 20)
#define PAGE_BYTES 4096ull /* the grain of giving memory back; a larger page just gives back less */
#define LINE_BYTES 64u

struct ram_backend {
	struct backend b;
	uint8_t *mem; /* starts at a huge page; size_bytes are in use */
	void *map;
	size_t map_bytes;
};

static struct ram_backend *ram_of(struct backend *b)
{
	return container_of(b, struct ram_backend, b);
}

/*
 * Copy to memory that is in no cache and is not read soon: past the caches, which saves reading the lines that are
 * overwritten, and leaves in the cache what is there. The C library does that only from some MiB on.
 */
static void ram_store(uint8_t *to, const uint8_t *from, size_t n)
{
#ifdef __SSE2__
	if ((uintptr_t)to % LINE_BYTES == 0 && n >= LINE_BYTES) {
		for (; n >= LINE_BYTES; n -= LINE_BYTES) {
			const __m128i *src = (const __m128i *)(const void *)from;
			__m128i *dst = (__m128i *)(void *)to;

			_mm_stream_si128(&dst[0], _mm_loadu_si128(&src[0]));
			_mm_stream_si128(&dst[1], _mm_loadu_si128(&src[1]));
			_mm_stream_si128(&dst[2], _mm_loadu_si128(&src[2]));
			_mm_stream_si128(&dst[3], _mm_loadu_si128(&src[3]));
			from += LINE_BYTES;
			to += LINE_BYTES;
		}
		_mm_sfence(); /* such stores are not ordered: whoever hears of this write sees it whole */
	}
#endif
	memcpy(to, from, n);
}

static void ram_move(uint8_t *mem, const struct backend_io *io)
{
	for (unsigned i = 0; i < io->n_iov; i++) {
		if (io->op == BACKEND_READ)
			memcpy(io->iov[i].iov_base, mem, io->iov[i].iov_len);
		else
			ram_store(mem, io->iov[i].iov_base, io->iov[i].iov_len);
		mem += io->iov[i].iov_len;
	}
}

/* Give whole pages back to the system and overwrite the rest. */
static void ram_unmap(uint8_t *mem, uint64_t len_bytes)
{
	const uint64_t head = min_u64(len_bytes, -(uintptr_t)mem % PAGE_BYTES);
	const uint64_t pages = (len_bytes - head) / PAGE_BYTES * PAGE_BYTES;

	memset(mem, 0, head);
	/* refused for locked memory, say */
	if (pages && madvise(mem + head, pages, MADV_DONTNEED))
		memset(mem + head, 0, pages);
	memset(mem + head + pages, 0, len_bytes - head - pages);
}

static void ram_submit(struct backend *b, struct worker *w, struct backend_io *io)
{
	uint8_t *mem = ram_of(b)->mem;

	switch (io->op) {
	case BACKEND_READ:
	case BACKEND_WRITE:
		ram_move(mem + io->off_bytes, io);
		break;
	case BACKEND_UNMAP:
		ram_unmap(mem + io->off_bytes, io->len_bytes);
		break;
	case BACKEND_WRITE_ZEROES:
		memset(mem + io->off_bytes, 0, io->len_bytes);
		break;
	case BACKEND_COPY:
		memmove(mem + io->off_bytes, ram_of(io->source)->mem + io->from_bytes,
			io->len_bytes);
		break;
	case BACKEND_FLUSH: /* it is as stable as it gets */
	case BACKEND_PREFETCH:
	case BACKEND_EXTENT:
		break;
	}
	io->done(w, io, 0);
}

static void *ram_map(struct backend *b, uint64_t off_bytes, uint64_t len_bytes)
{
	(void)len_bytes;
	return ram_of(b)->mem + off_bytes;
}

static void ram_close(struct backend *b)
{
	struct ram_backend *m = ram_of(b);

	munmap(m->map, m->map_bytes);
	free(m);
}

static const struct backend_ops ram_ops = {
	.name = "ram",
	.copies = true,
	.submit = ram_submit,
	.map = ram_map,
	.close = ram_close,
};

/* Have the kernel find all pages now. Return: 0 or -ENOMEM. */
static int ram_fill(const struct ram_backend *m, uint64_t size_bytes)
{
	/* A kernel before 5.14 does not know this: there, pages come with the first writes. */
	return madvise(m->mem, (size_t)size_bytes, MADV_POPULATE_WRITE) && errno == ENOMEM ? -ENOMEM
											   : 0;
}

int backend_ram_new(struct backend **ret, const struct backend_params *p, char *err, size_t err_len)
{
	struct ram_backend *m;
	int r;

	if (p->path || p->direct)
		return backend_fail(err, err_len, -EINVAL,
				    "ram disk: it has no file, remove the path and O_DIRECT");
	r = backend_check_size("ram disk", p->size_bytes, p->block_bytes, err, err_len);
	if (r)
		return r;
	m = calloc(1, sizeof(*m));
	if (!m)
		return backend_fail(err, err_len, -ENOMEM, "ram disk: out of memory, free some");
	m->map_bytes = (size_t)(p->size_bytes + HUGE_BYTES);
	m->map = mmap(NULL, m->map_bytes, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (m->map == MAP_FAILED) {
		r = -errno;
		free(m);
		return backend_fail(err, err_len, r,
				    "ram disk: cannot map %llu bytes: %s, make it smaller",
				    (unsigned long long)p->size_bytes, strerrordesc_np(-r));
	}
	m->mem = (uint8_t *)m->map + -(uintptr_t)m->map % HUGE_BYTES;
	/* Both are wishes: without huge pages it is slower, and a core dump holds the users' data. */
	(void)madvise(m->map, m->map_bytes, MADV_HUGEPAGE);
	(void)madvise(m->map, m->map_bytes, MADV_DONTDUMP);
	r = ram_fill(m, p->size_bytes);
	if (r) {
		(void)munmap(m->map, m->map_bytes);
		free(m);
		return backend_fail(
			err, err_len, r,
			"ram disk: the machine has no %llu bytes of memory free, make it smaller",
			(unsigned long long)p->size_bytes);
	}
	m->b = (struct backend){
		.ops = &ram_ops,
		.size_bytes = p->size_bytes,
		.block_bytes = 1,
		.mem_align_bytes = 1,
		.unmap_grain_bytes = PAGE_BYTES,
		.atomic_bytes = BACKEND_ATOMIC_ANY, /* after a crash nothing at all is there */
		.read_only = p->read_only,
	};
	(void)snprintf(m->b.name, sizeof(m->b.name), "ram %llu bytes",
		       (unsigned long long)p->size_bytes);
	*ret = &m->b;
	return 0;
}
