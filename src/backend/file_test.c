/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The file store on the file system of the temporary directory, and on a small tmpfs where the test may
 * mount one. Without O_DIRECT or that right, the tests that need them are skipped.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "backend/model.h"

static struct worker *w;
static char dir[128];
static char path[160];
static char err[256];

static int setup(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	(void)snprintf(dir, sizeof(dir), "%s/srptd-file-test.XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(dir))
		return -1;
	(void)snprintf(path, sizeof(path), "%s/disk", dir);
	return worker_new(&w, 0, NULL);
}

static int teardown(void **state)
{
	(void)state;
	w = worker_free(w);
	(void)unlink(path);
	return rmdir(dir);
}

static int open_with(struct backend **ret, struct backend_params p)
{
	err[0] = '\0';
	if (!p.path)
		p.path = path;
	return backend_file_new(ret, &p, err, sizeof(err));
}

static struct backend *must_open(struct backend_params p)
{
	struct backend *b = NULL;

	if (open_with(&b, p))
		fail_msg("%s", err);
	return b;
}

static void assert_refused(struct backend_params p, int want, const char *text)
{
	struct backend *b = NULL;

	assert_int_equal(open_with(&b, p), want);
	assert_null(b);
	if (!strstr(err, text))
		fail_msg("no \"%s\" in \"%s\"", text, err);
	assert_non_null(strchr(err, ',')); /* a cause, and what to do */
}

/* --- one request --- */

struct request {
	struct backend_io io;
	unsigned n_done;
	int result;
};

static void on_done(struct worker *wk, struct backend_io *io, int result)
{
	struct request *q = container_of(io, struct request, io);

	assert_ptr_equal(wk, w);
	q->n_done++;
	q->result = result;
}

static int finish(struct request *q)
{
	for (unsigned i = 0; i < 20000 && !q->n_done; i++)
		assert_int_equal(worker_run_once(w, NSEC_PER_MSEC), 0);
	assert_int_equal(q->n_done, 1);
	return q->result;
}

static int op(struct backend *b, enum backend_op what, uint64_t off_bytes, void *buf,
	      uint64_t len_bytes)
{
	const struct iovec iov = { .iov_base = buf, .iov_len = (size_t)len_bytes };
	struct request q = { .io = { .op = what,
				     .off_bytes = off_bytes,
				     .len_bytes = len_bytes,
				     .iov = &iov,
				     .n_iov = buf ? 1 : 0,
				     .done = on_done } };

	backend_submit(b, w, &q.io);
	return finish(&q);
}

/* --- opening --- */

static void test_creates_a_sparse_file(void **state)
{
	struct backend *b = must_open((struct backend_params){ .size_bytes = 1ull << 30 });
	struct stat st;

	(void)state;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 1 << 30);
	assert_true(st.st_blocks < 100);
	assert_int_equal(st.st_mode & 077, 0);
	assert_true(b->size_bytes == 1ull << 30);
	assert_false(b->read_only);
	assert_true(b->write_cache);
	assert_int_equal(strncmp(b->name, "file /", 6), 0);
	backend_close(b);
	/* the same again: now it exists */
	backend_close(must_open((struct backend_params){ .size_bytes = 1ull << 30 }));
	backend_close(must_open((struct backend_params){ .block_bytes = 4096 }));
}

static void test_refusals(void **state)
{
	char sub[170];

	(void)state;
	assert_refused((struct backend_params){ .path = "" }, -EINVAL, "no path");
	assert_refused((struct backend_params){ .block_bytes = 512 }, -ENOENT, "does not exist");
	assert_refused((struct backend_params){ .size_bytes = 4096, .read_only = true }, -ENOENT,
		       "does not exist");
	assert_refused((struct backend_params){ .path = "/dev/null" }, -EINVAL,
		       "neither a regular file nor a block device");
	assert_refused((struct backend_params){ .path = dir }, -EINVAL, "neither");
	(void)snprintf(sub, sizeof(sub), "%s/none/disk", dir);
	assert_refused((struct backend_params){ .path = sub, .size_bytes = 4096 }, -ENOENT,
		       "does not exist");
	/* a size that does not go: the file made for it is gone again */
	assert_refused((struct backend_params){ .size_bytes = 4608, .block_bytes = 4096 }, -EINVAL,
		       "make it 8192");
	assert_int_equal(access(path, F_OK), -1);
	backend_close(must_open((struct backend_params){ .size_bytes = 8192 }));
	assert_refused((struct backend_params){ .size_bytes = 16384 }, -EINVAL, "has 8192 bytes");
	assert_int_equal(truncate(path, 8191), 0);
	assert_refused((struct backend_params){ 0 }, -EINVAL, "make it 8192");
	assert_int_equal(truncate(path, 0), 0);
	assert_refused((struct backend_params){ 0 }, -EINVAL, "empty");
}

static void test_one_writer(void **state)
{
	struct backend *b = must_open((struct backend_params){ .size_bytes = 8192 });
	struct backend *c;

	(void)state;
	assert_refused((struct backend_params){ 0 }, -EBUSY, "another export or program");
	assert_refused((struct backend_params){ .read_only = true }, -EBUSY, "another writer");
	assert_int_equal(access(path, F_OK), 0); /* a refusal removes nothing */
	backend_close(b);
	b = must_open((struct backend_params){ .read_only = true });
	c = must_open((struct backend_params){ .read_only = true });
	assert_refused((struct backend_params){ 0 }, -EBUSY, "locked");
	assert_int_equal(op(b, BACKEND_WRITE, 0, err, 1), -EROFS);
	assert_int_equal(op(b, BACKEND_FLUSH, 0, NULL, 0), 0);
	assert_false(b->write_cache);
	backend_close(b);
	backend_close(c);
}

/* --- I/O --- */

static void model_on(struct backend *b, uint32_t grain_bytes, bool odd_memory, unsigned n_ops)
{
	struct model *m = aligned_alloc(4096, (sizeof(*m) + 4095) / 4096 * 4096);
	FILE *f;
	uint8_t *raw;

	assert_non_null(m);
	memset(m, 0, sizeof(*m));
	m->r = prng_of(grain_bytes + odd_memory);
	m->w = w;
	m->b = b;
	m->grain_bytes = grain_bytes;
	m->odd_memory = odd_memory;
	assert_int_equal(model_run(m, n_ops), 0);
	assert_int_equal(m->n_wrong, 0);
	assert_int_equal(m->n_mismatch, 0);
	/* and as everybody else sees it */
	raw = malloc(MODEL_BYTES);
	assert_non_null(raw);
	f = fopen(path, "re");
	assert_non_null(f);
	assert_int_equal(fread(raw, 1, MODEL_BYTES, f), MODEL_BYTES);
	(void)fclose(f);
	assert_memory_equal(raw, m->copy, MODEL_BYTES);
	free(raw);
	free(m);
	backend_close(b);
}

static void test_against_the_model(void **state)
{
	(void)state;
	model_on(must_open((struct backend_params){ .size_bytes = MODEL_BYTES }), 512, true, 10000);
}

static void test_direct_against_the_model(void **state)
{
	struct backend *b = NULL;
	const struct backend_params p = { .size_bytes = MODEL_BYTES,
					  .block_bytes = 4096,
					  .direct = true };

	(void)state;
	if (open_with(&b, p)) {
		print_message("skipped: %s\n", err);
		skip();
	}
	assert_true(b->block_bytes > 1 && 4096 % b->block_bytes == 0);
	model_on(b, 4096, false, 2000);
	assert_int_equal(unlink(path), 0);
	model_on(must_open(p), 4096, true, 1000); /* memory that O_DIRECT refuses: by a copy */
}

static void test_direct_end_of_file_within_a_block(void **state)
{
	struct backend *b = NULL;
	static _Alignas(4096) uint8_t buf[8192];

	(void)state;
	if (open_with(&b, (struct backend_params){
				  .size_bytes = 16384, .block_bytes = 4096, .direct = true }))
		skip();
	assert_int_equal(truncate(path, 5000), 0);
	assert_int_equal(op(b, BACKEND_READ, 0, buf, 4096), 0);
	assert_int_equal(op(b, BACKEND_READ, 0, buf, 8192), -ENODATA);
	backend_close(b);
}

static void expect_extent(struct backend *b, uint64_t off, uint64_t len, bool hole, uint64_t want)
{
	struct request q = {
		.io = { .op = BACKEND_EXTENT, .off_bytes = off, .len_bytes = len, .done = on_done }
	};

	backend_submit(b, w, &q.io);
	assert_int_equal(finish(&q), 0);
	assert_int_equal(q.io.hole, hole);
	assert_int_equal(q.io.extent_bytes, want);
}

/* By the caller's worker, and by one that helps. */
static void extents_of(struct worker *helper)
{
	static uint8_t buf[1 << 16];
	struct backend *b =
		must_open((struct backend_params){ .size_bytes = 1 << 20, .helper = helper });

	if (!b->unmap_grain_bytes) {
		backend_close(b);
		skip();
	}
	memset(buf, 0xaa, sizeof(buf));
	assert_int_equal(op(b, BACKEND_WRITE, 1 << 18, buf, sizeof(buf)), 0);
	expect_extent(b, 0, 1 << 20, true, 1 << 18);
	expect_extent(b, 4096, 8192, true, 8192);
	expect_extent(b, 1 << 18, 1 << 19, false, sizeof(buf));
	expect_extent(b, (1 << 18) + 4096, 512, false, 512);
	expect_extent(b, (1 << 18) + (1 << 16), 4096, true, 4096);
	expect_extent(b, (1 << 20) - 512, 512, true, 512);
	assert_int_equal(op(b, BACKEND_UNMAP, (1 << 18) + 8192, NULL, 8192), 0);
	expect_extent(b, 1 << 18, 1 << 19, false, 8192);
	expect_extent(b, (1 << 18) + 8192, 1 << 19, true, 8192);
	assert_int_equal(op(b, BACKEND_PREFETCH, 0, NULL, 1 << 20), 0);
	backend_close(b);
	assert_int_equal(unlink(path), 0);
}

static void test_extents(void **state)
{
	static const struct worker_opts o = { .name = "help" };
	struct worker *helper = NULL;

	(void)state;
	extents_of(NULL);
	assert_int_equal(worker_new(&helper, 1, &o), 0);
	assert_int_equal(worker_start(helper), 0);
	extents_of(helper);
	worker_stop(helper);
	worker_join(helper);
	(void)worker_free(helper);
}

/* One file to another, and to itself, by whoever may block. What the kernel cannot do is said before anything is done. */
static void copies_with(struct worker *helper, bool direct)
{
	static _Alignas(4096) uint8_t data[1 << 16], got[1 << 16];
	const struct backend_params p = {
		.size_bytes = 1 << 20, .block_bytes = 4096, .helper = helper, .direct = direct
	};
	struct backend *a = NULL;
	struct backend *b;
	struct request q = { .io = { .op = BACKEND_COPY,
				     .flags = BACKEND_IO_FUA,
				     .off_bytes = 1 << 19,
				     .from_bytes = 4096,
				     .len_bytes = sizeof(data),
				     .done = on_done } };
	int r;

	if (open_with(&a, p))
		skip();
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 13 + (i >> 8));
	assert_int_equal(op(a, BACKEND_WRITE, 4096, data, sizeof(data)), 0);
	assert_int_equal(unlink(path), 0); /* the next one gets the name */
	b = must_open(p);
	q.io.source = a;
	backend_submit(b, w, &q.io);
	r = finish(&q);
	if (!r) {
		assert_int_equal(op(b, BACKEND_READ, 1 << 19, got, sizeof(got)), 0);
		assert_memory_equal(got, data, sizeof(got));
		q = (struct request){ .io = { .op = BACKEND_COPY,
					      .source = a,
					      .off_bytes = 1 << 18,
					      .from_bytes = 4096,
					      .len_bytes = sizeof(data),
					      .done = on_done } };
		backend_submit(a, w, &q.io);
		assert_int_equal(finish(&q), 0);
		assert_int_equal(op(a, BACKEND_READ, 1 << 18, got, sizeof(got)), 0);
		assert_memory_equal(got, data, sizeof(got));
		/* onto itself it cannot */
		q.io.off_bytes = 8192;
		q.n_done = 0;
		backend_submit(a, w, &q.io);
		assert_int_equal(finish(&q), -EOPNOTSUPP);
		assert_int_equal(op(a, BACKEND_READ, 4096, got, sizeof(got)), 0);
		assert_memory_equal(got, data, sizeof(got));
	} else {
		assert_int_equal(r, -EOPNOTSUPP);
	}
	backend_close(a);
	backend_close(b);
	assert_int_equal(unlink(path), 0);
}

static void test_copies(void **state)
{
	static const struct worker_opts o = { .name = "help" };
	struct worker *helper = NULL;

	(void)state;
	copies_with(NULL, false);
	assert_int_equal(worker_new(&helper, 1, &o), 0);
	assert_int_equal(worker_start(helper), 0);
	copies_with(helper, false);
	copies_with(helper, true);
	worker_stop(helper);
	worker_join(helper);
	(void)worker_free(helper);
}

static void test_unmap_gives_space_back(void **state)
{
	static uint8_t buf[1 << 20];
	struct backend *b = must_open((struct backend_params){ .size_bytes = sizeof(buf) });
	struct stat full;
	struct stat st;

	(void)state;
	if (!b->unmap_grain_bytes) {
		backend_close(b);
		skip();
	}
	memset(buf, 0xaa, sizeof(buf));
	assert_int_equal(op(b, BACKEND_WRITE, 0, buf, sizeof(buf)), 0);
	assert_int_equal(op(b, BACKEND_FLUSH, 0, NULL, 0), 0);
	assert_int_equal(stat(path, &full), 0);
	assert_int_equal(op(b, BACKEND_WRITE_ZEROES, 0, NULL, sizeof(buf)), 0);
	assert_int_equal(op(b, BACKEND_FLUSH, 0, NULL, 0), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_blocks >= (long)(sizeof(buf) / 512)); /* still ours */
	assert_int_equal(op(b, BACKEND_UNMAP, 0, NULL, sizeof(buf)), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_blocks < full.st_blocks / 2);
	assert_int_equal(st.st_size, sizeof(buf));
	assert_int_equal(op(b, BACKEND_READ, 0, buf, sizeof(buf)), 0);
	for (unsigned i = 0; i < sizeof(buf); i++)
		assert_int_equal(buf[i], 0);
	backend_close(b);
}

static void test_a_file_that_shrank(void **state)
{
	static uint8_t buf[8192];
	struct backend *b = must_open((struct backend_params){ .size_bytes = 16384 });

	(void)state;
	assert_int_equal(truncate(path, 6000), 0);
	assert_int_equal(op(b, BACKEND_READ, 0, buf, 6000), 0);
	assert_int_equal(op(b, BACKEND_READ, 0, buf, 8192), -ENODATA); /* by a short read */
	assert_int_equal(op(b, BACKEND_READ, 8192, buf, 8192), -ENODATA);
	backend_close(b);
}

static void test_a_file_that_is_looked_at_again(void **state)
{
	static uint8_t buf[8192];
	struct backend *b = must_open((struct backend_params){ .size_bytes = 16384 });
	struct backend_probe p;

	(void)state;
	assert_true(backend_can_probe(b));
	assert_int_equal(op(b, BACKEND_WRITE, 0, buf, 8192), 0);
	assert_int_equal(backend_probe(b, &p), 0);
	assert_int_equal(p.size_bytes, 16384);
	assert_true(p.space_known && p.free_bytes > 0);
	assert_int_equal(truncate(path, 32768), 0);
	assert_int_equal(backend_probe(b, &p), 0);
	assert_int_equal(p.size_bytes, 32768);
	/* it is as long as it was, until that is said */
	assert_int_equal(op(b, BACKEND_READ, 24576, buf, 8192), -ENODATA);
	backend_resize(b, p.size_bytes);
	assert_int_equal(op(b, BACKEND_READ, 24576, buf, 8192), 0);
	assert_int_equal(op(b, BACKEND_WRITE, 24576, buf, 8192), 0);
	assert_int_equal(truncate(path, 0), 0);
	assert_int_equal(backend_probe(b, &p), 0);
	assert_int_equal(p.size_bytes, 0);
	backend_close(b);
}

static void test_a_file_whose_name_goes(void **state)
{
	struct backend *b = must_open((struct backend_params){ .size_bytes = 16384 });
	struct backend_probe p;
	char away[sizeof(path) + 8];

	(void)state;
	(void)snprintf(away, sizeof(away), "%s.away", path);
	assert_int_equal(backend_probe(b, &p), 0);
	assert_false(p.misnamed);
	assert_int_equal(rename(path, away), 0);
	assert_int_equal(backend_probe(b, &p), 0);
	assert_true(p.misnamed && p.size_bytes == 16384);
	close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)); /* another one */
	assert_int_equal(backend_probe(b, &p), 0);
	assert_true(p.misnamed && p.size_bytes == 16384);
	assert_int_equal(rename(away, path), 0);
	assert_int_equal(backend_probe(b, &p), 0);
	assert_false(p.misnamed);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(backend_probe(b, &p), 0);
	assert_true(p.misnamed && p.size_bytes == 16384);
	backend_close(b);
}

/* More pieces than one system call takes. */
static void test_very_many_pieces(void **state)
{
	enum {
		N = 3000,
		EACH = 16
	};
	static uint8_t buf[N * EACH];
	static uint8_t back[N * EACH];
	static struct iovec iov[N];
	struct backend *b = must_open((struct backend_params){ .size_bytes = 65536 });
	struct request q = { .io = { .op = BACKEND_WRITE,
				     .off_bytes = 512,
				     .len_bytes = sizeof(buf),
				     .iov = iov,
				     .n_iov = N,
				     .done = on_done } };

	(void)state;
	for (unsigned i = 0; i < N; i++) {
		uint8_t *piece = buf + (size_t)i * EACH;

		memset(piece, (int)(i & 0xff), EACH);
		iov[i] = (struct iovec){ .iov_base = piece, .iov_len = EACH };
	}
	backend_submit(b, w, &q.io);
	assert_int_equal(finish(&q), 0);
	assert_int_equal(op(b, BACKEND_READ, 512, back, sizeof(back)), 0);
	assert_memory_equal(back, buf, sizeof(buf));
	backend_close(b);
}

/* --- ending early --- */

static void test_cancel(void **state)
{
	enum {
		N = 64,
		EACH = 1 << 20
	};
	static uint8_t buf[EACH];
	static struct request q[N];
	const struct iovec iov = { .iov_base = buf, .iov_len = EACH };
	struct backend *b = must_open((struct backend_params){ .size_bytes = (uint64_t)N * EACH });

	(void)state;
	memset(q, 0, sizeof(q));
	for (unsigned i = 0; i < N; i++) {
		q[i].io = (struct backend_io){ .op = BACKEND_WRITE,
					       .off_bytes = (uint64_t)i * EACH,
					       .len_bytes = EACH,
					       .iov = &iov,
					       .n_iov = 1,
					       .done = on_done };
		backend_submit(b, w, &q[i].io);
		if (i == 0)
			backend_cancel(&q[i].io, w); /* before the kernel has seen it */
	}
	assert_int_equal(worker_run_once(w, 0), 0);
	for (unsigned i = 1; i < N; i++) {
		if (!q[i].n_done)
			backend_cancel(&q[i].io, w);
	}
	for (unsigned i = 0; i < N; i++) {
		finish(&q[i]);
		assert_true(q[i].result == 0 || q[i].result == -ECANCELED);
	}
	assert_int_equal(q[0].result, -ECANCELED);
	assert_int_equal(op(b, BACKEND_WRITE, 0, buf, EACH), 0); /* none of that sticks */
	for (unsigned i = 0; i < N; i++)
		assert_int_equal(q[i].n_done, 1);
	backend_close(b);
}

/* --- a file system that is full --- */

static bool mount_tmpfs(const char *size)
{
	static bool own_namespace;

	/* In a namespace of our own the mount vanishes with us, whatever happens. */
	if (!own_namespace &&
	    (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL)))
		return false;
	own_namespace = true;
	return mount("none", dir, "tmpfs", 0, size) == 0;
}

/* What io_uring had open is closed a moment after we have closed it. */
static void unmount(void)
{
	int r = umount(dir);

	for (unsigned i = 0; r && errno == EBUSY && i < 1000; i++) {
		(void)usleep(10000);
		r = umount(dir);
	}
	assert_int_equal(r, 0);
}

static void test_no_space(void **state)
{
	static uint8_t buf[1 << 20];
	struct backend *b;

	(void)state;
	if (!mount_tmpfs("size=256k"))
		skip();
	b = must_open((struct backend_params){ .size_bytes = 4 << 20 }); /* sparse: it fits */
	memset(buf, 1, sizeof(buf));
	assert_int_equal(op(b, BACKEND_WRITE, 0, buf, 65536), 0);
	/* what fits is written, and going on tells that the rest does not */
	assert_int_equal(op(b, BACKEND_WRITE, 65536, buf, sizeof(buf)), -ENOSPC);
	/* tmpfs has no ZERO_RANGE, so zeroes are written by hand: over what is there, and no more */
	assert_int_equal(op(b, BACKEND_WRITE_ZEROES, 0, NULL, 65536), 0);
	assert_int_equal(op(b, BACKEND_READ, 0, buf, 65536), 0);
	for (unsigned i = 0; i < 65536; i++)
		assert_int_equal(buf[i], 0);
	assert_int_equal(op(b, BACKEND_WRITE_ZEROES, 0, NULL, 4 << 20), -ENOSPC);
	/* after giving back, there is space again */
	assert_int_equal(op(b, BACKEND_UNMAP, 0, NULL, 4 << 20), 0);
	assert_int_equal(op(b, BACKEND_WRITE, 1 << 20, buf, 65536), 0);
	backend_close(b);
	unmount();
}

static void test_tmpfs_against_the_model(void **state)
{
	(void)state;
	if (!mount_tmpfs("size=16m"))
		skip();
	model_on(must_open((struct backend_params){ .size_bytes = MODEL_BYTES }), 512, true, 5000);
	unmount();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_creates_a_sparse_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refusals, setup, teardown),
		cmocka_unit_test_setup_teardown(test_one_writer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_against_the_model, setup, teardown),
		cmocka_unit_test_setup_teardown(test_direct_against_the_model, setup, teardown),
		cmocka_unit_test_setup_teardown(test_direct_end_of_file_within_a_block, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_extents, setup, teardown),
		cmocka_unit_test_setup_teardown(test_copies, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unmap_gives_space_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_file_that_shrank, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_file_that_is_looked_at_again, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_a_file_whose_name_goes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_very_many_pieces, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cancel, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_space, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tmpfs_against_the_model, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
