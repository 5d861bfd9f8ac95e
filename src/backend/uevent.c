/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "backend/uevent.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define KERNEL_GROUP 1u    /* udev sends what it adds to another one */
#define MSG_BYTES    8192u /* the kernel's are at most 2 KiB and a path */

int uevent_open(void)
{
	const struct sockaddr_nl a = { .nl_family = AF_NETLINK, .nl_groups = KERNEL_GROUP };
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
			NETLINK_KOBJECT_UEVENT);
	int r;

	if (fd < 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)&a, sizeof(a)) == 0)
		return fd;
	r = -errno;
	close(fd);
	return r;
}

/* "KEY=" in front of @s? Then what follows as a number that fits, else -1. */
static long number_of(const char *s, const char *key)
{
	const size_t n = strlen(key);
	char *end;
	long v;

	if (strncmp(s, key, n) != 0 || s[n] < '0' || s[n] > '9')
		return -1;
	v = strtol(s + n, &end, 10);
	return *end || v > INT32_MAX ? -1 : v;
}

bool uevent_parse(const char *msg, size_t len, dev_t *ret)
{
	bool block = false;
	long major_nr = -1;
	long minor_nr = -1;

	if (!len || msg[len - 1] || !strchr(msg, '@'))
		return false;
	for (size_t at = strlen(msg) + 1; at < len; at += strlen(msg + at) + 1) {
		const char *s = msg + at;
		long v;

		block |= !strcmp(s, "SUBSYSTEM=block");
		v = number_of(s, "MAJOR=");
		major_nr = v >= 0 ? v : major_nr;
		v = number_of(s, "MINOR=");
		minor_nr = v >= 0 ? v : minor_nr;
	}
	if (!block || major_nr < 0 || minor_nr < 0)
		return false;
	*ret = makedev((unsigned)major_nr, (unsigned)minor_nr);
	return true;
}

int uevent_next(int fd, dev_t *ret)
{
	char buf[MSG_BYTES];
	struct sockaddr_nl from = { 0 };
	socklen_t from_len = sizeof(from);
	const ssize_t n = recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&from, &from_len);

	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return 0;
	if (n < 0)
		return errno == ENOBUFS ? UEVENT_LOST : errno == EINTR ? UEVENT_OTHER : -errno;
	if (from_len != sizeof(from) || from.nl_pid) /* the kernel is 0 */
		return UEVENT_OTHER;
	return uevent_parse(buf, (size_t)n, ret) ? UEVENT_BLOCK : UEVENT_OTHER;
}
