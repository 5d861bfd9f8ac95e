/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What the kernel broadcasts about devices (NETLINK_KOBJECT_UEVENT). */
#pragma once

#include <sys/types.h>

#include "base/util.h"

/* A socket that hears them, non-blocking; or -errno. */
must_check int uevent_open(void);

enum uevent_outcome {
	UEVENT_BLOCK = 1, /* of a block device */
	UEVENT_OTHER,     /* of something else, or not from the kernel */
	UEVENT_LOST,      /* some were lost: any device may have changed */
};

/* The next one. @ret: the block device. Return: enum uevent_outcome, 0: there are none now, or -errno. */
must_check int uevent_next(int fd, dev_t *ret);

/* "ACTION@PATH", then "KEY=value" strings, each with its end. Return: it is of the block device @ret. */
must_check bool uevent_parse(const char *msg, size_t len, dev_t *ret);
