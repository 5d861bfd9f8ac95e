/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "fabric/iwarp/fi.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A silent peer is probed after this long, and given up after so many unanswered probes. */
#define KEEP_IDLE_S  30
#define KEEP_INTVL_S 10
#define KEEP_COUNT   3

int fi_sock_new(int family)
{
	int fd;

	if (family != AF_INET && family != AF_INET6)
		return -EAFNOSUPPORT;
	fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	return fd < 0 ? -errno : fd;
}

static void set_int(int fd, int level, int name, int value)
{
	/* None of these can fail on a TCP socket, and the stream works without them. */
	(void)setsockopt(fd, level, name, &value, sizeof(value));
}

void fi_sock_tune(const struct fi *fi, int fd)
{
	set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEP_IDLE_S);
	set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEP_INTVL_S);
	set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEP_COUNT);
	set_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, (int)fi->opts.user_timeout_ms);
}

void fi_sock_reset(int fd)
{
	const struct linger now = { .l_onoff = 1 };

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	(void)close(fd);
}

/* Address bytes and port of @a; NULL when it is neither IPv4 nor IPv6. */
static const void *sock_parts(const struct sockaddr_storage *a, size_t *ret_len, uint16_t *ret_port)
{
	const struct sockaddr_in *in4 = (const void *)a;
	const struct sockaddr_in6 *in6 = (const void *)a;

	switch (a->ss_family) {
	case AF_INET:
		*ret_len = sizeof(in4->sin_addr);
		*ret_port = ntohs(in4->sin_port);
		return &in4->sin_addr;
	case AF_INET6:
		*ret_len = sizeof(in6->sin6_addr);
		*ret_port = ntohs(in6->sin6_port);
		return &in6->sin6_addr;
	default:
		return NULL;
	}
}

void fi_sock_text(const struct sockaddr_storage *a, char ret[FI_ADDR_TEXT])
{
	char host[INET6_ADDRSTRLEN];
	uint16_t port;
	size_t len;
	const void *bytes = sock_parts(a, &len, &port);

	if (!bytes || !inet_ntop(a->ss_family, bytes, host, sizeof(host))) {
		(void)snprintf(ret, FI_ADDR_TEXT, "unknown peer");
		return;
	}
	(void)snprintf(ret, FI_ADDR_TEXT, a->ss_family == AF_INET6 ? "[%s]:%u" : "%s:%u", host,
		       (unsigned)port);
}

bool fi_sock_same_host(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	uint16_t port;
	size_t a_len = 0;
	size_t b_len = 0;
	const void *x = sock_parts(a, &a_len, &port);
	const void *y = sock_parts(b, &b_len, &port);

	return x && y && a_len == b_len && memcmp(x, y, a_len) == 0;
}
