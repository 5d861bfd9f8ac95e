/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The wrapper's checks, and the stores without a file. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "backend/model.h"

static char err[256];

static struct {
	unsigned n;
	int result;
} done;

static void on_done(struct worker *w, struct backend_io *io, int result)
{
	(void)w;
	(void)io;
	done.n++;
	done.result = result;
}

/* For stores that complete at once; they need no worker. */
static int now(struct backend *b, struct backend_io io)
{
	io.done = on_done;
	done.n = 0;
	backend_submit(b, NULL, &io);
	assert_int_equal(done.n, 1);
	backend_cancel(&io, NULL); /* cannot be cancelled any more: harmless */
	assert_int_equal(done.n, 1);
	return done.result;
}

static int range(struct backend *b, enum backend_op op, uint64_t off_bytes, uint64_t len_bytes)
{
	static uint8_t buf[4096];
	const struct iovec iov = { .iov_base = buf, .iov_len = (size_t)len_bytes };

	return now(b, (struct backend_io){ .op = op,
					   .iov = &iov,
					   .n_iov = 1,
					   .off_bytes = off_bytes,
					   .len_bytes = len_bytes });
}

static struct backend *ram_new(uint64_t size_bytes, bool read_only)
{
	const struct backend_params p = { .size_bytes = size_bytes, .read_only = read_only };
	struct backend *b = NULL;

	assert_int_equal(backend_ram_new(&b, &p, err, sizeof(err)), 0);
	return b;
}

/* Between stores of one kind; checked on both sides, and done also when the ranges overlap. */
static void test_copies(void **state)
{
	struct backend *a = ram_new(8192, false);
	struct backend *b = ram_new(16384, false);
	struct backend *locked = ram_new(8192, true);
	struct backend *null = NULL;
	const struct backend_params p = { .size_bytes = 8192 };
	uint8_t *mem = backend_map(a, 0, 8192);
	struct backend_io io = { .op = BACKEND_COPY, .source = a, .len_bytes = 4096 };

	(void)state;
	for (unsigned i = 0; i < 8192; i++)
		mem[i] = (uint8_t)(i * 7 + (i >> 8));
	io.from_bytes = 1000;
	io.off_bytes = 12000;
	assert_int_equal(now(b, io), 0);
	assert_memory_equal(backend_map_read(b, 12000, 4096), mem + 1000, 4096);
	io.from_bytes = 4097;
	assert_int_equal(now(b, io), -ENODATA);
	io.from_bytes = UINT64_MAX;
	assert_int_equal(now(b, io), -ENODATA);
	io.from_bytes = 0;
	io.off_bytes = 16384;
	assert_int_equal(now(b, io), -ENODATA);
	io.off_bytes = 0;
	assert_int_equal(now(locked, io), -EROFS);
	assert_int_equal(backend_null_new(&null, &p, err, sizeof(err)), 0);
	assert_int_equal(now(null, io), -EOPNOTSUPP);
	io.source = null;
	assert_int_equal(now(b, io), -EOPNOTSUPP);
	/* onto itself */
	io.source = a;
	io.off_bytes = 10;
	memcpy(backend_map(b, 0, 4096), mem, 4096);
	assert_int_equal(now(a, io), 0);
	assert_memory_equal(mem + 10, backend_map_read(b, 0, 4096), 4096);
	io.len_bytes = 0;
	assert_int_equal(now(a, io), 0);
	backend_close(a);
	backend_close(b);
	backend_close(locked);
	backend_close(null);
}

static void test_ranges(void **state)
{
	struct backend *b = ram_new(8192, false);

	(void)state;
	assert_int_equal(range(b, BACKEND_WRITE, 4096, 4096), 0);
	assert_int_equal(range(b, BACKEND_WRITE, 4097, 4096), -ENODATA);
	assert_int_equal(range(b, BACKEND_READ, 8192, 1), -ENODATA);
	assert_int_equal(range(b, BACKEND_READ, 8192, 0), 0);
	assert_int_equal(range(b, BACKEND_READ, 8193, 0), -ENODATA);
	/* sums that wrap round */
	assert_int_equal(range(b, BACKEND_READ, UINT64_MAX, 2), -ENODATA);
	assert_int_equal(range(b, BACKEND_UNMAP, 4096, UINT64_MAX - 4095), -ENODATA);
	assert_int_equal(range(b, BACKEND_WRITE_ZEROES, UINT64_MAX - 4095, 4096), -ENODATA);
	assert_int_equal(range(b, BACKEND_FLUSH, UINT64_MAX, 0), 0); /* has no range */
	assert_null(backend_map(b, 8192, 1));
	assert_null(backend_map(b, 1, UINT64_MAX));
	assert_null(backend_map(b, 0, 0));
	assert_null(backend_map_read(b, UINT64_MAX, 1));
	assert_non_null(backend_map(b, 8191, 1));
	b->block_bytes = 512;
	assert_int_equal(range(b, BACKEND_READ, 512, 512), 0);
	assert_int_equal(range(b, BACKEND_READ, 256, 512), -EINVAL);
	assert_int_equal(range(b, BACKEND_READ, 512, 256), -EINVAL);
	b->unmap_grain_bytes = 0;
	assert_int_equal(range(b, BACKEND_UNMAP, 512, 512), -EOPNOTSUPP);
	assert_null(backend_close(b));
	assert_null(backend_close(NULL));
}

static void test_read_only(void **state)
{
	struct backend *b = ram_new(8192, true);

	(void)state;
	assert_int_equal(range(b, BACKEND_READ, 0, 4096), 0);
	assert_int_equal(range(b, BACKEND_FLUSH, 0, 0), 0);
	assert_int_equal(range(b, BACKEND_WRITE, 0, 4096), -EROFS);
	assert_int_equal(range(b, BACKEND_UNMAP, 0, 4096), -EROFS);
	assert_int_equal(range(b, BACKEND_WRITE_ZEROES, 0, 4096), -EROFS);
	assert_null(backend_map(b, 0, 4096));
	assert_non_null(backend_map_read(b, 0, 4096));
	backend_close(b);
}

static void assert_refused(int (*make)(struct backend **, const struct backend_params *, char *,
				       size_t),
			   struct backend_params p, const char *text)
{
	struct backend *b = NULL;

	assert_int_equal(make(&b, &p, err, sizeof(err)), -EINVAL);
	assert_null(b);
	if (!strstr(err, text))
		fail_msg("no \"%s\" in \"%s\"", text, err);
}

static void test_parameters(void **state)
{
	(void)state;
	assert_refused(backend_ram_new, (struct backend_params){ 0 }, "give it a size");
	assert_refused(backend_ram_new, (struct backend_params){ .size_bytes = 513 },
		       "make it 1024");
	assert_refused(backend_ram_new,
		       (struct backend_params){ .size_bytes = 8704, .block_bytes = 4096 },
		       "make it 12288");
	assert_refused(backend_ram_new,
		       (struct backend_params){ .size_bytes = 8192, .block_bytes = 1000 },
		       "power of two");
	assert_refused(backend_ram_new, (struct backend_params){ .size_bytes = UINT64_MAX - 511 },
		       "more than a file");
	assert_refused(backend_ram_new,
		       (struct backend_params){ .size_bytes = 8192, .path = "/tmp/x" }, "no file");
	assert_refused(backend_null_new,
		       (struct backend_params){ .size_bytes = 8192, .direct = true }, "no file");
	assert_refused(backend_null_new, (struct backend_params){ 0 }, "give it a size");
}

static void test_null(void **state)
{
	const struct backend_params p = { .size_bytes = 1ull << 50, .block_bytes = 4096 };
	const uint64_t mib = 1u << 20;
	struct backend *b = NULL;
	uint8_t buf[100];
	const struct iovec iov[2] = { { .iov_base = buf, .iov_len = 60 },
				      { .iov_base = buf + 60, .iov_len = 40 } };
	const uint8_t *seen;

	(void)state;
	assert_int_equal(backend_null_new(&b, &p, err, sizeof(err)), 0);
	assert_true(b->size_bytes == p.size_bytes);
	memset(buf, 1, sizeof(buf));
	assert_int_equal(now(b, (struct backend_io){ .op = BACKEND_WRITE,
						     .iov = iov,
						     .n_iov = 2,
						     .len_bytes = 100 }),
			 0);
	assert_int_equal(now(b, (struct backend_io){ .op = BACKEND_READ,
						     .iov = iov,
						     .n_iov = 2,
						     .off_bytes = 1ull << 49,
						     .len_bytes = 100 }),
			 0);
	for (unsigned i = 0; i < sizeof(buf); i++)
		assert_int_equal(buf[i], 0);
	assert_int_equal(range(b, BACKEND_UNMAP, 0, 4096), 0);
	assert_int_equal(range(b, BACKEND_WRITE_ZEROES, 0, 4096), 0);
	assert_null(backend_map(b, 0, 4096)); /* to write to it would be lost work */
	seen = backend_map_read(b, 12345, 8 * mib);
	assert_non_null(seen);
	for (uint64_t i = 0; i < 8 * mib; i += 509)
		assert_int_equal(seen[i], 0);
	assert_null(backend_map_read(b, 0, 8 * mib + 1));
	assert_string_equal(b->name, "null");
	backend_close(b);
}

static void test_ram_map_is_the_store(void **state)
{
	struct backend *b = ram_new(5 << 20, false);
	uint8_t *mem = backend_map(b, 0, 5 << 20);
	uint8_t two[2] = { 0 };
	const struct iovec iov = { .iov_base = two, .iov_len = 2 };

	(void)state;
	assert_int_equal((uintptr_t)mem % (2 << 20), 0);
	mem[(5 << 20) - 1] = 7;
	assert_int_equal(now(b, (struct backend_io){ .op = BACKEND_READ,
						     .iov = &iov,
						     .n_iov = 1,
						     .off_bytes = (5 << 20) - 2,
						     .len_bytes = 2 }),
			 0);
	assert_int_equal(two[0], 0);
	assert_int_equal(two[1], 7);
	assert_ptr_equal(backend_map_read(b, 4096, 1), mem + 4096);
	backend_close(b);
}

/* Every way a range can lie on pages: what is inside becomes zero, what is outside stays. */
static void test_ram_unmap_of_odd_ranges(void **state)
{
	static const unsigned edges[] = { 0, 1, 4095, 4096, 4097, 8192, 12287, 12288, 16384 };
	struct backend *b = ram_new(16384, false);
	uint8_t *mem = backend_map(b, 0, 16384);

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(edges); i++) {
		for (unsigned k = i; k < ARRAY_SIZE(edges); k++) {
			memset(mem, 0xff, 16384);
			assert_int_equal(
				now(b, (struct backend_io){ .op = BACKEND_UNMAP,
							    .off_bytes = edges[i],
							    .len_bytes = edges[k] - edges[i] }),
				0);
			for (unsigned at = 0; at < 16384; at++)
				assert_int_equal(mem[at],
						 at >= edges[i] && at < edges[k] ? 0 : 0xff);
		}
	}
	backend_close(b);
}

static void test_ram_against_the_model(void **state)
{
	static struct model m;

	(void)state;
	m.r = prng_of(11);
	m.grain_bytes = 512;
	m.odd_memory = true;
	m.b = ram_new(MODEL_BYTES, false);
	assert_int_equal(worker_new(&m.w, 0, NULL), 0);
	assert_int_equal(model_run(&m, 10000), 0);
	assert_int_equal(m.n_wrong, 0);
	assert_int_equal(m.n_mismatch, 0);
	assert_memory_equal(backend_map(m.b, 0, MODEL_BYTES), m.copy, MODEL_BYTES);
	worker_free(m.w);
	backend_close(m.b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_read_only),
		cmocka_unit_test(test_parameters),
		cmocka_unit_test(test_null),
		cmocka_unit_test(test_ram_map_is_the_store),
		cmocka_unit_test(test_ram_unmap_of_odd_ranges),
		cmocka_unit_test(test_ram_against_the_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
