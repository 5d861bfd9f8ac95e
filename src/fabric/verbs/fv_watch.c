/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Which devices there are. A device whose driver cannot take itself away from its users (rxe, siw and some
 * adapters) is removed only when all have closed it. Connections and bound listeners hear of it by the CM; but
 * librdmacm keeps a device open that was only looked at, and then nobody hears of anything. So the
 * kernel's announcements are read: before it waits it takes the device's node away.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "fabric/verbs/fv.h"

#define UEVENT_MAX 8192u

/* The value of KEY= in the zero-separated words of an announcement. */
static const char *uevent_word(const char *msg, size_t len, const char *key)
{
	size_t n = strlen(key);

	for (size_t i = 0; i < len; i += strnlen(msg + i, len - i) + 1)
		if (len - i > n + 1 && !memcmp(msg + i, key, n) && msg[i + n] == '=')
			return msg + i + n + 1;
	return NULL;
}

bool fv_watch_parse(char *msg, size_t len, bool *ret_removed, const char **ret_node)
{
	const char *subsystem;
	const char *action;
	const char *name;

	if (!len)
		return false;
	msg[len - 1] = 0; /* each word ends; a message that did not is cut */
	subsystem = uevent_word(msg, len, "SUBSYSTEM");
	action = uevent_word(msg, len, "ACTION");
	name = uevent_word(msg, len, "DEVNAME");
	if (!subsystem || !action || !name || strcmp(subsystem, "infiniband_verbs") != 0)
		return false;
	*ret_removed = !strcmp(action, "remove");
	if (!*ret_removed && strcmp(action, "add") != 0)
		return false;
	*ret_node = strrchr(name, '/') ? strrchr(name, '/') + 1 : name;
	return true;
}

/* Remember what librdmacm has open. Context: fv.lock is held. */
static void watch_note(struct fv *fv)
{
	int n = 0;
	struct ibv_context **devs = rdma_get_devices(&n);
	unsigned keep = 0;

	/* With a list in hand librdmacm has closed what was gone from it. */
	for (int i = 0; devs && i < n && keep < FV_DEVICES; i++, keep++) {
		fv->open[keep].verbs = devs[i];
		(void)snprintf(fv->open[keep].node, sizeof(fv->open[keep].node), "%s",
			       devs[i]->device->dev_name);
	}
	if (devs) {
		rdma_free_devices(devs);
		fv->n_open = keep;
	}
}

/*
 * Close a context that librdmacm would not. It closes what it does not find in the list of devices any more,
 * but when the list is empty it does not look. Then the context's descriptors are replaced by others under
 * the same numbers: the kernel goes on, and what librdmacm closes one day is what it believes it closes.
 */
static void watch_release(struct fv *fv, const char *node)
{
	int fd;

	for (unsigned i = 0; i < fv->n_open; i++) {
		struct ibv_context *verbs = fv->open[i].verbs;

		if (strcmp(fv->open[i].node, node) != 0)
			continue;
		fv->open[i] = fv->open[--fv->n_open];
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
		if (fd < 0)
			return;
		(void)dup3(fd, verbs->async_fd, O_CLOEXEC);
		(void)dup3(fd, verbs->cmd_fd, O_CLOEXEC);
		(void)close(fd);
		return;
	}
}

void fv_watch_unused(struct fv *fv, const char *node)
{
	unsigned before = fv->n_open;
	int n = 0;
	struct ibv_context **devs = rdma_get_devices(&n);

	if (devs) {
		rdma_free_devices(devs);
		watch_note(fv);
	} else if (before) {
		watch_release(fv, node);
	}
}

void fv_watch_seen(struct fv *fv)
{
	(void)pthread_mutex_lock(&fv->lock);
	watch_note(fv);
	(void)pthread_mutex_unlock(&fv->lock);
}

static void watch_message(struct fv *fv, char *msg, size_t len)
{
	const char *node;
	bool removed;

	if (!fv_watch_parse(msg, len, &removed, &node))
		return;
	log_info("verbs: device %s %s", node, removed ? "is being removed" : "has come");
	if (removed)
		fv_dev_removed(fv, node);
	else
		fv_watch_seen(fv);
}

static void watch_ready(struct worker *w, struct worker_poll *p, unsigned revents)
{
	struct fv_watch *wa = container_of(p, struct fv_watch, poll);
	char msg[UEVENT_MAX];
	struct sockaddr_nl from = { 0 };
	socklen_t from_len;
	ssize_t n;

	(void)w;
	(void)revents;
	while (wa->fd >= 0) {
		from_len = sizeof(from);
		n = recvfrom(wa->fd, msg, sizeof(msg), MSG_DONTWAIT, (struct sockaddr *)&from,
			     &from_len);
		if (n < 0 && errno == ENOBUFS)
			continue; /* some were lost; a removal then waits for our next look */
		if (n <= 0)
			return;
		if (from.nl_pid == 0) /* the kernel's, not some process's */
			watch_message(wa->fv, msg, (size_t)n);
	}
}

static void watch_stopped(struct worker *w, struct worker_poll *p)
{
	struct fv_watch *wa = container_of(p, struct fv_watch, poll);
	struct fv *fv = wa->fv;

	(void)w;
	free(wa);
	fv_unref(fv);
}

void fv_watch_start(struct fv_lane *l)
{
	const struct sockaddr_nl at = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	struct fv_watch *wa;

	if (atomic_exchange(&l->fv->watched, true))
		return; /* one reader will do */
	wa = calloc(1, sizeof(*wa));
	if (!wa)
		return;
	wa->fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);
	if (wa->fd < 0 || bind(wa->fd, (const struct sockaddr *)&at, sizeof(at))) {
		log_warn("verbs: no announcements of devices (%s): one that is not in use is kept "
			 "from being removed",
			 strerror(errno));
		if (wa->fd >= 0)
			(void)close(wa->fd);
		free(wa);
		return;
	}
	wa->fv = l->fv;
	wa->poll.fd = wa->fd;
	wa->poll.events = POLLIN;
	wa->poll.ready = watch_ready;
	wa->poll.stopped = watch_stopped;
	fv_ref(l->fv);
	worker_poll_start(l->w, &wa->poll);
	l->watch = wa;
	fv_watch_seen(l->fv); /* what came before we listened */
}

void fv_watch_stop(struct fv_lane *l)
{
	struct fv_watch *wa = l->watch;

	if (!wa)
		return;
	l->watch = NULL;
	atomic_store(&l->fv->watched, false);
	worker_poll_stop(l->w, &wa->poll);
	(void)close(wa->fd);
	wa->fd = -1;
}
