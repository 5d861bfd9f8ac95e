/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Being told that a file or a block device may have changed, by the kernel (inotify, uevents), instead of looking at
 * it all the time. It is a hint and no promise: truncate(2) by path, a file system on another machine and the free
 * space of a file system tell nothing, so somebody still looks now and then. Everything here is called on the control
 * worker, or before it runs.
 */
#pragma once

#include <sys/types.h>

#include "run/worker.h"

struct watcher;

/* Something that is watched. Embedded in the caller's object, all zero but for changed(). */
struct watcher_item {
	/* It may have changed: look. Called once for all that is known at this time; must not add or remove items. */
	void (*changed)(struct watcher_item *i);
	/* the watcher's */
	struct list node;
	char *path;
	const char *name; /* in its directory; into @path */
	int wd;           /* of the file; -1: none */
	int dir_wd;
	bool device; /* @rdev is valid */
	bool hit;    /* changed() is due */
	dev_t rdev;
};

/**
 * watcher_new() - be told from now on
 *
 * What this system cannot tell (no inotify, no netlink) is logged once; then items of that kind are never called.
 * Return: 0 or -ENOMEM.
 */
must_check int watcher_new(struct watcher **ret, struct worker *w);
/* Watch what is at @path now; what cannot be watched is logged and never called. Return: 0 or -ENOMEM (not watched). */
must_check int watcher_add(struct watcher *wr, struct watcher_item *i, const char *path);
/* changed() is not called any more. Harmless for what was never added. */
void watcher_del(struct watcher *wr, struct watcher_item *i);
/* The worker was freed, and nothing is watched. NULL is accepted; returns NULL. */
struct watcher *watcher_free(struct watcher *wr);
