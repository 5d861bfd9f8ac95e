/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Files in a directory of the test's own. Where there is no inotify the tests are skipped. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <unistd.h>
#include <cmocka.h>

#include "backend/watcher.h"

#define ROUNDS_MAX 5000u

static struct worker *w;
static struct watcher *wr;
static char dir[128];
static char path[160];
static char other[160];

struct seen {
	struct watcher_item item;
	unsigned n;
};

static struct seen a;
static struct seen b;
static struct seen mark; /* of a file that tells that all before was told */
static char mark_path[160];

static void changed(struct watcher_item *i)
{
	container_of(i, struct seen, item)->n++;
}

static void make(const char *name)
{
	int fd = open(name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	close(fd);
}

static void add(struct seen *s, const char *name)
{
	*s = (struct seen){ .item.changed = changed };
	assert_int_equal(watcher_add(wr, &s->item, name), 0);
}

static int setup(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	(void)snprintf(dir, sizeof(dir), "%s/srptd-watcher-test.XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(dir))
		return -1;
	(void)snprintf(path, sizeof(path), "%s/disk", dir);
	(void)snprintf(other, sizeof(other), "%s/other", dir);
	(void)snprintf(mark_path, sizeof(mark_path), "%s/mark", dir);
	if (worker_new(&w, 0, NULL) || watcher_new(&wr, w))
		return -1;
	make(path);
	make(mark_path);
	add(&mark, mark_path);
	add(&a, path);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	watcher_del(wr, &a.item);
	watcher_del(wr, &b.item);
	watcher_del(wr, &mark.item);
	w = worker_free(w);
	wr = watcher_free(wr);
	(void)unlink(path);
	(void)unlink(other);
	(void)unlink(mark_path);
	return rmdir(dir);
}

/* All that has happened was told: events of one instance come in order. */
static void settle(void)
{
	unsigned was = mark.n;

	make(mark_path);
	for (unsigned i = 0; i < ROUNDS_MAX && mark.n == was; i++)
		assert_int_equal(worker_run_once(w, NSEC_PER_MSEC), 0);
	assert_true(mark.n > was);
}

static void need_inotify(void)
{
	int fd = inotify_init1(IN_CLOEXEC);

	if (fd < 0)
		skip();
	close(fd);
}

/* As truncate(1) and qemu-img do it. */
static void set_size(const char *name, off_t size)
{
	int fd = open(name, O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, size), 0);
	close(fd);
}

static unsigned told(struct seen *s)
{
	unsigned n;

	settle();
	n = s->n;
	s->n = 0;
	return n;
}

static void test_what_others_do(void **state)
{
	(void)state;
	need_inotify();
	assert_int_equal(told(&a), 0);
	set_size(path, 4096);
	assert_true(told(&a) > 0);
	assert_int_equal(rename(path, other), 0); /* away */
	assert_true(told(&a) > 0);
	set_size(other, 8192); /* it is followed */
	assert_true(told(&a) > 0);
	assert_int_equal(rename(other, path), 0); /* and back */
	assert_true(told(&a) > 0);
	make(other);
	assert_int_equal(told(&a), 0); /* another name */
	assert_int_equal(rename(other, path), 0);
	assert_true(told(&a) > 0); /* replaced */
	make(path);
	(void)told(&a); /* what was there is gone: nobody holds it open here */
	assert_int_equal(unlink(path), 0);
	assert_true(told(&a) > 0);
	make(path); /* one with its name is there again */
	assert_true(told(&a) > 0);
}

static void test_our_own_io(void **state)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	char block[512] = { 1 };

	(void)state;
	need_inotify();
	assert_true(fd >= 0);
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(pwrite(fd, block, sizeof(block), (off_t)i * 512), 512);
	assert_int_equal(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096), 0);
	assert_int_equal(fdatasync(fd), 0);
	assert_int_equal(pread(fd, block, sizeof(block), 0), 512);
	assert_int_equal(told(&a), 0);
	close(fd);
	assert_true(told(&a) > 0);
}

/* A thousand events are told a few times at most: as often as the worker runs. */
static void test_many_are_one(void **state)
{
	(void)state;
	need_inotify();
	settle();
	a.n = 0;
	for (unsigned i = 0; i < 500; i++)
		set_size(path, i);
	assert_in_range(told(&a), 1, 2);
}

/* Two items of one directory, and of one file: they share watches, and each ends alone. */
static void test_shared(void **state)
{
	(void)state;
	need_inotify();
	make(other);
	settle();
	add(&b, other);
	set_size(path, 4096);
	assert_true(told(&a) > 0);
	assert_int_equal(b.n, 0);
	watcher_del(wr, &b.item);
	add(&b, path);
	set_size(path, 8192);
	assert_true(told(&a) > 0);
	assert_true(b.n > 0);
	watcher_del(wr, &a.item);
	(void)told(&b);
	set_size(path, 4096);
	assert_true(told(&b) > 0);
	assert_int_equal(unlink(path), 0); /* by the directory */
	assert_true(told(&b) > 0);
}

static void test_what_is_not_there(void **state)
{
	(void)state;
	add(&b, "/nonexistent/of/srptd");
	settle();
	assert_int_equal(b.n, 0);
	watcher_del(wr, &b.item);
	watcher_del(wr, &b.item); /* harmless */
}

/* Where the system tells nothing all calls are still there. */
static void test_no_descriptors(void **state)
{
	struct watcher *none = NULL;
	struct seen c = { .item.changed = changed };
	struct rlimit was;
	int r;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &(struct rlimit){ .rlim_max = was.rlim_max }), 0);
	r = watcher_new(&none, w);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	assert_int_equal(r, 0);
	assert_int_equal(watcher_add(none, &c.item, path), 0);
	set_size(path, 4096);
	assert_true(told(&a) > 0); /* another one hears it */
	assert_int_equal(c.n, 0);
	watcher_del(none, &c.item);
	assert_null(watcher_free(none));
}

/* More than the kernel queues: all are looked at. */
static void test_overflow(void **state)
{
	char text[32] = { 0 };
	FILE *f = fopen("/proc/sys/fs/inotify/max_queued_events", "re");
	unsigned long n;

	(void)state;
	need_inotify();
	if (!f)
		skip();
	if (!fgets(text, sizeof(text), f))
		text[0] = 0;
	(void)fclose(f);
	n = strtoul(text, NULL, 10);
	if (!n || n > 65536)
		skip();
	settle();
	a.n = 0;
	/* two names in turns, since the same event twice is one */
	for (unsigned long i = 0; i < n; i++) {
		make(other);
		(void)unlink(other);
	}
	set_size(path, 512); /* nobody hears of this */
	for (unsigned i = 0; i < ROUNDS_MAX && !a.n; i++)
		assert_int_equal(worker_run_once(w, NSEC_PER_MSEC), 0);
	assert_true(a.n > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_what_others_do, setup, teardown),
		cmocka_unit_test_setup_teardown(test_our_own_io, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_are_one, setup, teardown),
		cmocka_unit_test_setup_teardown(test_shared, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_is_not_there, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_descriptors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_overflow, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
