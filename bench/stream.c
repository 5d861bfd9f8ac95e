/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "stream.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"

#define STREAM_IOV     64u
#define STREAM_IN_VAIN 256u /* looks, each a fraction of a microsecond */

static uint8_t *payload; /* what is sent; its content means nothing */

uint64_t now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NSEC_PER_SEC + (uint64_t)t.tv_nsec;
}

noreturn void die(const char *what)
{
	(void)fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(errno));
	exit(1);
}

int stream_wait(int ep, struct epoll_event *got, int max, int timeout_ms, bool poll)
{
	static unsigned in_vain;
	const int n = epoll_wait(ep, got, max, poll ? 0 : timeout_ms);

	if (!poll || n)
		in_vain = 0;
	else if (++in_vain % STREAM_IN_VAIN == 0)
		(void)sched_yield();
	return n;
}

void stream_setup(void)
{
	payload = mmap(NULL, STREAM_PAYLOAD, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (payload == MAP_FAILED)
		die("memory");
}

void stream_init(struct stream *s, int fd, const struct stream_proto *proto, void *user)
{
	int one = 1;

	*s = (struct stream){ .fd = fd, .proto = proto, .user = user };
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	s->ring = calloc(STREAM_RING, sizeof(*s->ring));
	if (!s->ring)
		die("memory");
}

void stream_close(struct stream *s)
{
	close(s->fd);
	free(s->ring);
	*s = (struct stream){ .fd = -1 };
}

struct stream_msg *stream_queue(struct stream *s)
{
	check(s->n < STREAM_RING);
	return &s->ring[(s->first + s->n++) % STREAM_RING];
}

/* Fill @iov with what is to be sent. Return: number of pieces. */
static size_t stream_gather(struct stream *s, struct iovec *iov)
{
	uint64_t skip = s->sent;
	size_t n = 0;

	for (uint32_t i = 0; i < s->n && n + 2 <= STREAM_IOV; i++) {
		struct stream_msg *m = &s->ring[(s->first + i) % STREAM_RING];

		if (skip < m->head_len)
			iov[n++] = (struct iovec){ m->head + skip, m->head_len - skip };
		skip = skip > m->head_len ? skip - m->head_len : 0;
		if (m->pay_len)
			iov[n++] = (struct iovec){ payload + skip, m->pay_len - skip };
		skip = 0;
	}
	return n;
}

bool stream_flush(struct stream *s)
{
	while (s->n) {
		struct iovec iov[STREAM_IOV];
		struct msghdr msg = { .msg_iov = iov, .msg_iovlen = stream_gather(s, iov) };
		ssize_t got = sendmsg(s->fd, &msg, MSG_NOSIGNAL);

		if (got < 0)
			return errno == EAGAIN || errno == EINTR;
		s->sent += (uint64_t)got;
		while (s->n) {
			const struct stream_msg *m = &s->ring[s->first];
			uint64_t len = (uint64_t)m->head_len + m->pay_len;

			if (s->sent < len)
				break;
			s->sent -= len;
			s->first = (s->first + 1) % STREAM_RING;
			s->n--;
		}
	}
	return true;
}

/* Take the @n bytes at @p. */
static void stream_parse(struct stream *s, const uint8_t *p, size_t n)
{
	const uint32_t head_len = s->proto->head_len;

	while (n) {
		size_t step;

		if (s->skip) {
			step = min_size(n, s->skip);
			s->skip -= (uint32_t)step;
		} else {
			step = min_size(n, head_len - s->head_got);
			memcpy(s->head + s->head_got, p, step);
			s->head_got += (uint32_t)step;
			if (s->head_got == head_len)
				s->skip = s->proto->payload(s, s->head);
		}
		p += step;
		n -= step;
		if (s->head_got == head_len && !s->skip) {
			s->head_got = 0;
			s->proto->message(s, s->head);
		}
	}
}

enum stream_got stream_receive(struct stream *s, uint8_t *buf, size_t len)
{
	ssize_t got = recv(s->fd, buf, len, 0);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return errno == EAGAIN ? STREAM_EMPTY : STREAM_MORE;
	if (got <= 0)
		return STREAM_END;
	stream_parse(s, buf, (size_t)got);
	return (size_t)got == len ? STREAM_MORE : STREAM_EMPTY;
}
