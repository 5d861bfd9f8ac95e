/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Listening sockets that live longer than a process: handed in by the service manager or by the program that we
 * replaced (both say so as sd_listen_fds(3) has it), and handed on to the program that replaces us. What comes to
 * them in between waits in the kernel, so nobody is refused.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/daemon.h"

#define FIRST_FD  3
#define STATE_ENV "SRPTD_STATE_FD"

/* The number in environment variable @name, or -1. */
static long env_number(const char *name)
{
	const char *text = getenv(name);
	char *end;
	long n;

	if (!text || !*text)
		return -1;
	n = strtol(text, &end, 10);
	return *end ? -1 : n;
}

static bool listens(int fd)
{
	socklen_t len = sizeof(int);
	int on = 0;

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &len) == 0 && on;
}

int sockets_inherit(struct sockets *s)
{
	bool ours = env_number("LISTEN_PID") == getpid();
	long n = ours && env_number("LISTEN_FDS") > 0 ? env_number("LISTEN_FDS") : 0;
	long state = ours ? env_number(STATE_ENV) : -1;

	for (int fd = FIRST_FD; fd < FIRST_FD + n; fd++) {
		int flags = fcntl(fd, F_GETFL);

		if (s->n == SOCKETS_MAX || !listens(fd) ||
		    fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
		    fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) {
			log_warn("descriptor %d was handed to us and is no listening socket", fd);
			continue;
		}
		s->fd[s->n++] = fd;
	}
	(void)unsetenv("LISTEN_PID");
	(void)unsetenv("LISTEN_FDS");
	(void)unsetenv("LISTEN_FDNAMES");
	(void)unsetenv(STATE_ENV);
	/* It lies behind the sockets, or is not ours. */
	if (state != FIRST_FD + n || fcntl((int)state, F_SETFD, FD_CLOEXEC) < 0)
		return -1;
	return (int)state;
}

int sockets_take(void *ctx, const struct sockaddr *addr, socklen_t addr_len)
{
	struct sockets *s = ctx;
	struct sockaddr_storage at;
	socklen_t len;

	for (unsigned i = 0; i < s->n; i++) {
		int fd = s->fd[i];

		len = sizeof(at);
		memset(&at, 0, sizeof(at));
		if (getsockname(fd, (struct sockaddr *)&at, &len) || len != addr_len ||
		    memcmp(&at, addr, len) != 0)
			continue;
		s->fd[i] = s->fd[--s->n];
		return fd;
	}
	return -1;
}

bool sockets_keep(void *ctx, int fd)
{
	struct sockets *s = ctx;

	if (!s->keeping || s->n == SOCKETS_MAX)
		return false;
	s->fd[s->n++] = fd;
	return true;
}

void sockets_close(struct sockets *s)
{
	while (s->n)
		(void)close(s->fd[--s->n]);
}

static int env_set(const char *name, int n)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%d", n);
	return setenv(name, text, 1) ? -errno : 0;
}

/* Put @fd[0, @n) where the next program looks for them, and close all else: nothing of ours is to live on in it. */
static int fds_place(int *fd, unsigned n)
{
	int base = FIRST_FD + (int)n;

	/* Out of the way first, or one would be overwritten by another. */
	for (unsigned i = 0; i < n; i++) {
		fd[i] = fcntl(fd[i], F_DUPFD_CLOEXEC, base);
		if (fd[i] < 0)
			return -errno;
	}
	for (unsigned i = 0; i < n; i++)
		if (dup2(fd[i], FIRST_FD + (int)i) < 0)
			return -errno;
	return close_range((unsigned)base, ~0u, 0) ? -errno : 0;
}

int sockets_exec(struct sockets *s, int state_fd, const char *program, char **argv)
{
	int fd[SOCKETS_MAX + 1];
	unsigned n = s->n;
	int r;

	memcpy(fd, s->fd, n * sizeof(fd[0]));
	if (state_fd >= 0)
		fd[n++] = state_fd;
	r = fds_place(fd, n);
	if (!r)
		r = env_set("LISTEN_PID", getpid());
	if (!r)
		r = env_set("LISTEN_FDS", (int)s->n);
	if (!r && state_fd >= 0)
		r = env_set(STATE_ENV, FIRST_FD + (int)s->n);
	if (r)
		return r;
	(void)execv(program, argv);
	return -errno;
}
