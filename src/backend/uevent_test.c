/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <cmocka.h>

#include "backend/uevent.h"

/* As Linux 6 sends it when a loop device has grown. */
static const char resize[] = "change@/devices/virtual/block/loop0\0ACTION=change\0"
			     "DEVPATH=/devices/virtual/block/loop0\0SUBSYSTEM=block\0RESIZE=1\0"
			     "MAJOR=7\0MINOR=12\0DEVNAME=loop12\0DEVTYPE=disk\0SEQNUM=851";

static void test_a_block_device(void **state)
{
	dev_t dev = 0;

	(void)state;
	assert_true(uevent_parse(resize, sizeof(resize), &dev));
	assert_int_equal(major(dev), 7);
	assert_int_equal(minor(dev), 12);
}

/* A message that was cut, anywhere, is of no device, or of this one. */
static void test_what_was_cut(void **state)
{
	(void)state;
	for (size_t len = 0; len < sizeof(resize); len++) {
		dev_t dev = 0;

		if (uevent_parse(resize, len, &dev))
			assert_int_equal(dev, makedev(7, 12));
		assert_true(!len || !resize[len - 1] || !uevent_parse(resize, len, &dev));
	}
}

#define NOT(text) assert_false(uevent_parse(text, sizeof(text), &dev))

static void test_others(void **state)
{
	dev_t dev = 0;

	(void)state;
	NOT("");
	NOT("libudev");
	NOT("add@/x\0SUBSYSTEM=net\0MAJOR=7\0MINOR=1");
	NOT("add@/x\0SUBSYSTEM=blocks\0MAJOR=7\0MINOR=1");
	NOT("add@/x\0SUBSYSTEM=block\0MINOR=1");
	NOT("add@/x\0SUBSYSTEM=block\0MAJOR=7\0MINOR=");
	NOT("add@/x\0SUBSYSTEM=block\0MAJOR=-7\0MINOR=1");
	NOT("add@/x\0SUBSYSTEM=block\0MAJOR=7x\0MINOR=1");
	NOT("add@/x\0SUBSYSTEM=block\0MAJOR=99999999999999999999\0MINOR=1");
	NOT("no at\0SUBSYSTEM=block\0MAJOR=7\0MINOR=1");
}

/* Whoever else writes to the socket is not the kernel. */
static void test_a_socket_that_is_none(void **state)
{
	dev_t dev = 0;
	int fd[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, fd), 0);
	assert_int_equal(uevent_next(fd[0], &dev), 0);
	assert_int_equal(send(fd[1], resize, sizeof(resize), 0), sizeof(resize));
	assert_int_equal(uevent_next(fd[0], &dev), UEVENT_OTHER);
	assert_int_equal(uevent_next(fd[0], &dev), 0);
	close(fd[0]);
	close(fd[1]);
	assert_int_equal(uevent_next(-1, &dev), -EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_block_device),
		cmocka_unit_test(test_what_was_cut),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_a_socket_that_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
