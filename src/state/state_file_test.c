/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The state file cut at every byte, with every byte of it changed, with the process killed before every call that
 * changes something and with every such call failing: what was saved is there, or what was being saved.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "state/state_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[128], path[160], next_path[176];
static uint8_t buf[STATE_VALUE_MAX];
static char err[256];

static int setup(void **state)
{
	/* where syncing costs nothing: what is tested is the order of things */
	const char *tmp = access("/dev/shm", W_OK) ? getenv("TMPDIR") : "/dev/shm";

	(void)state;
	(void)snprintf(dir, sizeof(dir), "%s/srptd-state-test.XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(dir))
		return -1;
	(void)snprintf(path, sizeof(path), "%s/disk.state", dir);
	(void)snprintf(next_path, sizeof(next_path), "%s.next", path);
	state_file_step = NULL;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	state_file_step = NULL;
	(void)unlink(path);
	(void)unlink(next_path);
	return rmdir(dir);
}

/* Value @i: its length and bytes say which it is. */
static size_t value(unsigned i, uint8_t *to)
{
	size_t len = 1 + i * 37 % 900;

	memset(to, (int)(i + 1), len);
	return len;
}

static int save(struct state_file *f, unsigned i)
{
	uint8_t v[1024];
	size_t len = value(i, v);

	return state_file_save(f, v, len);
}

static struct state_file *must_open(size_t *len, size_t *cut)
{
	struct state_found found = { .buf = buf };
	struct state_file *f = NULL;

	if (state_file_open(&f, path, &found, err, sizeof(err)))
		fail_msg("%s", err);
	*len = found.len;
	*cut = found.cut;
	return f;
}

/* Which value is there: -1: none, and a failed test when it is none of ours. */
static int which(size_t *ret_cut)
{
	uint8_t v[1024];
	size_t len = 0, cut = 0;

	(void)state_file_close(must_open(&len, &cut));
	if (ret_cut)
		*ret_cut = cut;
	if (!len)
		return -1;
	assert_int_equal(len, value((unsigned)buf[0] - 1, v));
	assert_memory_equal(buf, v, len);
	return buf[0] - 1;
}

static void keeps(void **state)
{
	size_t len = 1, cut = 1;
	struct state_file *f = must_open(&len, &cut);
	struct state_found found = { .buf = buf };
	struct state_file *other = NULL;

	(void)state;
	assert_int_equal(len, 0);
	assert_int_equal(cut, 0);
	assert_int_equal(state_file_open(&other, path, &found, err, sizeof(err)), -EBUSY);
	for (unsigned i = 0; i < 200; i++) {
		assert_int_equal(save(f, i), 0);
		if (i % 16)
			continue;
		(void)state_file_close(f);
		assert_int_equal(which(NULL), i);
		f = must_open(&len, &cut);
	}
	(void)state_file_close(f);
	assert_int_equal(which(NULL), 199);
}

static void stays_short(void **state)
{
	size_t len, cut;
	struct state_file *f = must_open(&len, &cut);
	struct stat st;

	(void)state;
	memset(buf, 7, sizeof(buf));
	for (unsigned i = 0; i < 40; i++) {
		assert_int_equal(state_file_save(f, buf, sizeof(buf)), 0);
		assert_int_equal(stat(path, &st), 0);
		assert_true(st.st_size <= STATE_COMPACT_LEN);
	}
	assert_int_equal(save(f, 3), 0);
	(void)state_file_close(f);
	assert_int_equal(which(NULL), 3);
}

#define N_VALUES 6u

/* A file of some values; returns its bytes, and where each record ends. */
static size_t some_values(uint8_t *bytes, size_t max, size_t *ends)
{
	size_t len, cut, n = 8;
	struct state_file *f = must_open(&len, &cut);
	FILE *in;

	for (unsigned i = 0; i < N_VALUES; i++) {
		uint8_t v[1024];

		assert_int_equal(save(f, i), 0);
		n += 20 + value(i, v);
		ends[i] = n;
	}
	(void)state_file_close(f);
	in = fopen(path, "re");
	assert_non_null(in);
	assert_int_equal(fread(bytes, 1, max, in), n);
	(void)fclose(in);
	return n;
}

static void put_file(const uint8_t *bytes, size_t n)
{
	FILE *out = fopen(path, "we");

	assert_non_null(out);
	assert_int_equal(fwrite(bytes, 1, n, out), n);
	assert_int_equal(fclose(out), 0);
}

/* A power cut that leaves any part of the file: the last record that is whole counts, the rest is cut off. */
static void cut_at_every_byte(void **state)
{
	uint8_t bytes[8192];
	size_t ends[N_VALUES];
	size_t n = some_values(bytes, sizeof(bytes), ends);

	(void)state;
	for (size_t k = 0; k <= n; k++) {
		int want = -1;
		size_t cut = 0;

		for (unsigned i = 0; i < N_VALUES; i++)
			if (ends[i] <= k)
				want = (int)i;
		put_file(bytes, k);
		assert_int_equal(which(&cut), want);
		assert_int_equal(cut, want >= 0 ? k - ends[want] : k < 8 ? k : k - 8);
		assert_int_equal(which(&cut), want);
		assert_int_equal(cut, 0); /* it was cut off for good */
	}
}

/* What the file of these bytes is found to hold, -1: nothing; and whether more is lost, after a second look too. */
static int found_in(const uint8_t *bytes, size_t n, struct state_found *ret)
{
	struct state_file *f = NULL;

	put_file(bytes, n);
	for (int i = 0; i < 2; i++) {
		bool lost = i && ret->lost;

		*ret = (struct state_found){ .buf = buf };
		if (state_file_open(&f, path, ret, err, sizeof(err)))
			fail_msg("%s", err);
		(void)state_file_close(f);
		assert_true(!i || lost == ret->lost);
	}
	return ret->len ? buf[0] - 1 : -1;
}

/*
 * Damage. In the last record it is as if that had not been written whole: a block that never was. In the middle the last
 * value is found none the less, unless it is not known where its record begins: then that it is lost, for what is
 * found is old.
 */
static void every_byte_wrong(void **state)
{
	uint8_t bytes[8192];
	size_t ends[N_VALUES];
	size_t n = some_values(bytes, sizeof(bytes), ends);

	(void)state;
	for (size_t k = 8; k < n; k++) {
		struct state_found found;
		int got, hit = 0;
		bool in_head;

		while (ends[hit] <= k)
			hit++;
		in_head = k - (hit ? ends[hit - 1] : 8) < 16;
		bytes[k] ^= 0x41;
		got = found_in(bytes, n, &found);
		bytes[k] ^= 0x41;
		if (hit == N_VALUES - 1) {
			assert_int_equal(got, hit - 1);
			assert_true(!found.lost || in_head);
		} else if (in_head) {
			assert_int_equal(got, hit - 1);
			assert_true(found.lost);
		} else {
			assert_int_equal(got, N_VALUES - 1);
			assert_false(found.lost);
			assert_int_equal(found.n_damaged, 1);
		}
	}
	bytes[3] ^= 1;
	put_file(bytes, n);
	{
		struct state_found found = { .buf = buf };
		struct state_file *f = NULL;

		assert_int_equal(state_file_open(&f, path, &found, err, sizeof(err)), -EINVAL);
	}
}

/* A damaged file is replaced by the next save: then all is well again. */
static void damage_heals(void **state)
{
	uint8_t bytes[8192];
	size_t ends[N_VALUES];
	size_t n = some_values(bytes, sizeof(bytes), ends);

	(void)state;
	for (int head = 0; head < 2; head++) {
		struct state_found found = { .buf = buf };
		struct state_file *f = NULL;

		bytes[ends[2] + (head ? 1 : 30)] ^= 0x41;
		put_file(bytes, n);
		bytes[ends[2] + (head ? 1 : 30)] ^= 0x41;
		assert_int_equal(state_file_open(&f, path, &found, err, sizeof(err)), 0);
		assert_int_equal(found.lost, head);
		assert_int_equal(save(f, 9), 0);
		assert_int_equal(save(f, 10), 0);
		(void)state_file_close(f);
		f = NULL;
		assert_int_equal(state_file_open(&f, path, &found, err, sizeof(err)), 0);
		assert_false(found.lost);
		assert_int_equal(found.n_damaged, 0);
		assert_int_equal(buf[0] - 1, 10);
		(void)state_file_close(f);
	}
}

/* Two records behind the last whole one: the first of them was stable. And a file that begins in the middle. */
static void more_than_a_crash_cuts(void **state)
{
	uint8_t bytes[8192];
	size_t ends[N_VALUES];
	size_t n = some_values(bytes, sizeof(bytes), ends);
	struct state_found found;

	(void)state;
	bytes[ends[3] + 25] ^= 1; /* the one before the last, and the last cut anywhere */
	for (size_t k = ends[4] + 1; k < n; k++) {
		assert_int_equal(found_in(bytes, k, &found), 3);
		assert_true(found.lost);
	}
	bytes[ends[3] + 25] ^= 1;
	memmove(bytes + 8, bytes + ends[0],
		n - ends[0]); /* the only record is not the first there was */
	bytes[40] ^= 1;
	assert_int_equal(found_in(bytes, 8 + ends[1] - ends[0], &found), -1);
	assert_true(found.lost);
}

static int countdown;

static int die(void)
{
	if (countdown-- == 0)
		_exit(0);
	return 0;
}

/* In a child that dies before the @at-th change: save values, say through @fd which are stable. */
static void child(int at, int fd)
{
	size_t len, cut;
	struct state_file *f;

	countdown = at;
	state_file_step = die;
	f = must_open(&len, &cut);
	memset(buf, 99, sizeof(buf));
	for (unsigned i = 0; i < 12; i++) {
		uint8_t stable = (uint8_t)i;

		/* long ones in between, so that files are replaced, too */
		if (i % 3 == 2)
			for (unsigned k = 0; k < 5; k++)
				if (state_file_save(f, buf, sizeof(buf)))
					_exit(1);
		if (save(f, i) || write(fd, &stable, 1) != 1)
			_exit(1);
	}
	_exit(42);
}

static void killed_at_every_write(void **state)
{
	int status = 0;

	(void)state;
	for (int at = 0; !WIFEXITED(status) || WEXITSTATUS(status) != 42; at++) {
		int p[2], got, stable = -1;
		size_t len, cut;
		uint8_t b;
		pid_t pid;

		assert_true(at < 1000);
		(void)unlink(path);
		assert_int_equal(pipe(p), 0);
		pid = fork();
		assert_true(pid >= 0);
		if (!pid)
			child(at, p[1]);
		(void)close(p[1]);
		while (read(p[0], &b, 1) == 1)
			stable = b;
		(void)close(p[0]);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 1);
		(void)state_file_close(must_open(&len, &cut));
		if (len == sizeof(buf)) { /* one of those in between */
			assert_int_equal(buf[0], 99);
			continue;
		}
		got = len ? buf[0] - 1 : -1;
		assert_true(got == stable || got == stable + 1);
		assert_int_equal(which(NULL), got);
	}
}

static int fail_at(void)
{
	return countdown-- == 0 ? -ENOSPC : 0;
}

/* A full disk: the save that fails says so, and the next one makes it good. */
static void every_write_fails(void **state)
{
	bool all_good = false;

	(void)state;
	for (int at = 0; !all_good; at++) {
		struct state_found found = { .buf = buf };
		struct state_file *f = NULL;
		size_t len, cut;
		int last = -1;

		assert_true(at < 1000);
		all_good = true;
		(void)unlink(path);
		countdown = at;
		state_file_step = fail_at;
		if (state_file_open(&f, path, &found, err, sizeof(err))) {
			all_good = false;
			f = must_open(&len, &cut);
		}
		memset(buf, 99, sizeof(buf));
		for (unsigned i = 0; i < 6; i++) {
			if (i == 3)
				for (unsigned k = 0; k < 5; k++)
					all_good &= !state_file_save(f, buf, sizeof(buf));
			if (save(f, i)) {
				all_good = false;
				assert_int_equal(save(f, i), 0);
			}
			last = (int)i;
		}
		(void)state_file_close(f);
		assert_int_equal(which(NULL), last);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(keeps, setup, teardown),
		cmocka_unit_test_setup_teardown(stays_short, setup, teardown),
		cmocka_unit_test_setup_teardown(cut_at_every_byte, setup, teardown),
		cmocka_unit_test_setup_teardown(every_byte_wrong, setup, teardown),
		cmocka_unit_test_setup_teardown(damage_heals, setup, teardown),
		cmocka_unit_test_setup_teardown(more_than_a_crash_cuts, setup, teardown),
		cmocka_unit_test_setup_teardown(killed_at_every_write, setup, teardown),
		cmocka_unit_test_setup_teardown(every_write_fails, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
