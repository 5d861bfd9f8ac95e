/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Request/response over bare sockets: the floor that srptd is measured against. No protocol, no copy, no store: 48
 * bytes of request and, for a write, the payload; 48 bytes of response and, for a read, the payload. It serves
 * in one of three ways: one epoll thread that sleeps, the same without ever sleeping, or a thread for each
 * connection, which is what a work queue shared by all connections is to be compared with.
 */
#include "rr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RR_EVENTS       64
#define RR_BATCH        ((size_t)256 * 1024)
#define RR_THREAD_BATCH ((size_t)64 * 1024)
#define RR_THREAD_STACK ((size_t)128 * 1024)

static uint32_t rr_payload(struct stream *s, const uint8_t *head)
{
	struct rr_head h;

	(void)s;
	memcpy(&h, head, sizeof(h));
	return h.out_len;
}

static void rr_message(struct stream *s, const uint8_t *head)
{
	struct stream_msg *m = stream_queue(s);
	struct rr_head h;

	memcpy(&h, head, sizeof(h));
	m->head_len = sizeof(h);
	m->pay_len = h.in_len;
	memcpy(m->head, head, sizeof(h));
}

static const struct stream_proto rr_proto = {
	.head_len = sizeof(struct rr_head),
	.payload = rr_payload,
	.message = rr_message,
};

static int rr_listen(const char *host, uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int one = 1;

	if (inet_pton(AF_INET, host, &a.sin_addr) != 1) {
		errno = EINVAL;
		die(host);
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, 1024))
		die("listen");
	return fd;
}

static struct stream *rr_accept(int l, int flags)
{
	int fd = accept4(l, NULL, NULL, flags | SOCK_CLOEXEC);
	struct stream *s = malloc(sizeof(*s));

	if (fd < 0 || !s)
		die("accept");
	stream_init(s, fd, &rr_proto, NULL);
	return s;
}

static void rr_end(struct stream *s)
{
	stream_close(s);
	free(s);
}

/* --- one thread for all --- */

static void rr_ready(struct stream *s, uint8_t *buf)
{
	enum stream_got got;

	do
		got = stream_receive(s, buf, RR_BATCH);
	while (got == STREAM_MORE);
	if (got == STREAM_END || !stream_flush(s))
		rr_end(s); /* which takes it out of the epoll set, too */
}

static noreturn void serve_all(int l, bool poll)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = NULL };
	uint8_t *buf = malloc(RR_BATCH);
	int ep = epoll_create1(EPOLL_CLOEXEC);

	if (!buf || ep < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, l, &ev))
		die("start");
	for (;;) {
		struct epoll_event got[RR_EVENTS];
		int n = stream_wait(ep, got, RR_EVENTS, -1, poll);

		for (int i = 0; i < n; i++) {
			if (got[i].data.ptr) {
				rr_ready(got[i].data.ptr, buf);
				continue;
			}
			ev.events = EPOLLIN | EPOLLOUT | EPOLLET;
			ev.data.ptr = rr_accept(l, SOCK_NONBLOCK);
			if (epoll_ctl(ep, EPOLL_CTL_ADD, ((struct stream *)ev.data.ptr)->fd, &ev))
				die("watch");
		}
	}
}

/* --- a thread for each --- */

static void *serve_one(void *arg)
{
	struct stream *s = arg;
	uint8_t *buf = malloc(RR_THREAD_BATCH);

	/* Blocking: what has come is answered before more is waited for. */
	while (buf && stream_receive(s, buf, RR_THREAD_BATCH) != STREAM_END && stream_flush(s))
		;
	free(buf);
	rr_end(s);
	return NULL;
}

static noreturn void serve_threads(int l)
{
	pthread_attr_t attr;

	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setstacksize(&attr, RR_THREAD_STACK);
	(void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	for (;;) {
		pthread_t thread;
		struct stream *s = rr_accept(l, 0);

		errno = pthread_create(&thread, &attr, serve_one, s);
		if (errno)
			die("thread");
	}
}

static noreturn void usage(int status)
{
	(void)fprintf(
		status ? stderr : stdout,
		"usage: rr [--poll|--threads] HOST PORT\n"
		"Answer requests over bare sockets, with the byte counts of a block protocol. One "
		"thread\n"
		"serves all connections; it sleeps when there is nothing to do, or with --poll "
		"never.\n"
		"With --threads each connection has a thread. bench/load is the other end.\n");
	exit(status);
}

int main(int argc, char **argv)
{
	static const struct option opts[] = { { "poll", no_argument, NULL, 'p' },
					      { "threads", no_argument, NULL, 't' },
					      { "help", no_argument, NULL, 'h' },
					      { 0 } };
	bool threads = false;
	bool poll = false;
	int o;
	int l;

	while ((o = getopt_long(argc, argv, "h", opts, NULL)) != -1) {
		if (o != 'p' && o != 't')
			usage(o == 'h' ? 0 : 2);
		poll |= o == 'p';
		threads |= o == 't';
	}
	if (argc - optind != 2 || (poll && threads))
		usage(2);
	stream_setup();
	l = rr_listen(argv[optind], (uint16_t)strtoul(argv[optind + 1], NULL, 10));
	if (threads)
		serve_threads(l);
	serve_all(l, poll);
}
