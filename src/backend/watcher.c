/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A file is watched for what others do to it and our own I/O does not: that somebody who had it open for writing
 * closes it (IN_CLOSE_WRITE: our own descriptor stays open), that it is renamed, removed or gets other attributes. Not
 * for IN_MODIFY, which each of our writes would be. Its directory is watched for its name, which may come back. One
 * inotify instance serves all, since a user has 128 of them.
 */
#include "backend/watcher.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/uevent.h"
#include "base/check.h"
#include "base/log.h"

#define FILE_EVENTS (IN_CLOSE_WRITE | IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF)
#define DIR_EVENTS  (IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_MOVED_FROM | IN_ONLYDIR)

struct watcher {
	struct worker *w;
	struct list items;
	struct worker_poll files;   /* fd -1: cannot */
	struct worker_poll devices; /* likewise */
	bool full;                  /* that there are no watches left was logged */
};

/* --- what has happened --- */

/* Only now are callers told: many events of one item are one change. */
static void tell(struct watcher *wr)
{
	struct list *pos;

	list_for_each (pos, &wr->items) {
		struct watcher_item *i = list_entry(pos, struct watcher_item, node);

		if (!i->hit)
			continue;
		i->hit = false;
		i->changed(i);
	}
}

static void file_event(struct watcher *wr, const struct inotify_event *e)
{
	struct list *pos;

	list_for_each (pos, &wr->items) {
		struct watcher_item *i = list_entry(pos, struct watcher_item, node);
		const bool own = i->wd >= 0 && e->wd == i->wd;
		const bool named =
			i->dir_wd >= 0 && e->wd == i->dir_wd && e->len && !strcmp(e->name, i->name);

		if (own || named || (!i->device && e->mask & IN_Q_OVERFLOW))
			i->hit = true;
		/* The kernel has forgotten it, with what it was on: its number may be given again. */
		if (own && e->mask & IN_IGNORED)
			i->wd = -1;
		if (e->mask & IN_IGNORED && e->wd == i->dir_wd)
			i->dir_wd = -1;
	}
}

static void files_ready(struct worker *w, struct worker_poll *p, unsigned revents)
{
	struct watcher *wr = container_of(p, struct watcher, files);
	_Alignas(struct inotify_event) char buf[4096]; /* any one event fits */
	ssize_t n;

	(void)w;
	(void)revents;
	while ((n = read(p->fd, buf, sizeof(buf))) > 0) {
		for (size_t at = 0; at < (size_t)n;) {
			const struct inotify_event *e = (const void *)(buf + at);

			file_event(wr, e);
			at += sizeof(*e) + e->len;
		}
	}
	tell(wr);
}

static void devices_ready(struct worker *w, struct worker_poll *p, unsigned revents)
{
	struct watcher *wr = container_of(p, struct watcher, devices);
	struct list *pos;
	dev_t dev = 0;
	int r;

	(void)w;
	(void)revents;
	while ((r = uevent_next(p->fd, &dev)) > 0) {
		if (r == UEVENT_OTHER)
			continue;
		list_for_each (pos, &wr->items) {
			struct watcher_item *i = list_entry(pos, struct watcher_item, node);

			if (i->device && (r == UEVENT_LOST || i->rdev == dev))
				i->hit = true;
		}
	}
	tell(wr);
}

/* --- what is watched --- */

static int watch(struct watcher *wr, const char *path, uint32_t events)
{
	const int wd = inotify_add_watch(wr->files.fd, path, events);

	if (wd < 0 && !wr->full) {
		log_warn("%s: its changes are not told (%s%s), looking at it now and then", path,
			 strerrordesc_np(errno),
			 errno == ENOSPC ? ", see sysctl fs.inotify.max_user_watches" : "");
		wr->full = errno == ENOSPC; /* the others will say the same */
	}
	return wd;
}

static int watch_dir(struct watcher *wr, struct watcher_item *i)
{
	const char *slash = strrchr(i->path, '/');
	char *dir;
	int wd;

	i->name = slash ? slash + 1 : i->path;
	dir = slash ? strndup(i->path, slash == i->path ? 1 : (size_t)(slash - i->path))
		    : strdup(".");
	if (!dir)
		return -1;
	wd = watch(wr, dir, DIR_EVENTS);
	free(dir);
	return wd;
}

int watcher_add(struct watcher *wr, struct watcher_item *i, const char *path)
{
	struct stat st;

	check(!i->path);
	i->path = strdup(path);
	if (!i->path)
		return -ENOMEM;
	i->wd = -1;
	i->dir_wd = -1;
	i->hit = false;
	i->device = stat(path, &st) == 0 && S_ISBLK(st.st_mode);
	i->rdev = i->device ? st.st_rdev : 0;
	if (!i->device && wr->files.fd >= 0) {
		i->wd = watch(wr, path, FILE_EVENTS);
		i->dir_wd = watch_dir(wr, i);
	}
	list_push(&wr->items, &i->node);
	return 0;
}

/* Items may share a watch: devices in one directory do. */
static void unwatch(struct watcher *wr, int wd)
{
	struct list *pos;

	if (wd < 0)
		return;
	list_for_each (pos, &wr->items) {
		const struct watcher_item *i = list_entry(pos, struct watcher_item, node);

		if (i->wd == wd || i->dir_wd == wd)
			return;
	}
	(void)inotify_rm_watch(wr->files.fd, wd);
}

void watcher_del(struct watcher *wr, struct watcher_item *i)
{
	if (!i->path)
		return;
	list_del(&i->node);
	unwatch(wr, i->wd);
	unwatch(wr, i->dir_wd);
	free(i->path);
	i->path = NULL;
}

/* --- the whole --- */

static void start(struct watcher *wr, struct worker_poll *p, int fd, const char *what,
		  void (*ready)(struct worker *, struct worker_poll *, unsigned))
{
	*p = (struct worker_poll){ .fd = fd, .events = POLLIN, .ready = ready };
	if (fd >= 0) {
		worker_poll_start(wr->w, p);
		return;
	}
	p->fd = -1;
	log_info("changes of %s are not told here (%s), looking at them now and then", what,
		 strerrordesc_np(-fd));
}

int watcher_new(struct watcher **ret, struct worker *w)
{
	struct watcher *wr = calloc(1, sizeof(*wr));
	int fd;

	if (!wr)
		return -ENOMEM;
	wr->w = w;
	list_init(&wr->items);
	fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	start(wr, &wr->files, fd < 0 ? -errno : fd, "files", files_ready);
	start(wr, &wr->devices, uevent_open(), "block devices", devices_ready);
	*ret = wr;
	return 0;
}

struct watcher *watcher_free(struct watcher *wr)
{
	if (!wr)
		return NULL;
	check(list_empty(&wr->items));
	if (wr->files.fd >= 0)
		close(wr->files.fd);
	if (wr->devices.fd >= 0)
		close(wr->devices.fd);
	free(wr);
	return NULL;
}
