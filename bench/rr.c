/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Request/response over bare sockets: the floor that srptd is measured against. No protocol, no copy, no
 * store: 48 bytes of request and, for a write, the payload; 48 bytes of response and, for a read, the
 * payload. One epoll thread on each side, one recv and one sendmsg for as many messages as there are.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/hist.h"
#include "base/util.h"

#define RR_HEADER  48u
#define RR_IOV     64u
#define RR_CONNS   1024u
#define RR_RING    4096u /* messages of one connection that may wait to be sent */
#define RR_BATCH   ((size_t)256 * 1024)
#define RR_PAYLOAD ((size_t)4 * 1024 * 1024)

/* A request as it stands on the wire, host byte order: both ends are this program on one machine. */
struct rr_header {
	uint64_t tag;
	uint32_t out_len; /* payload behind the request */
	uint32_t in_len;  /* payload wanted behind the response */
	uint8_t pad[RR_HEADER - 16];
};

struct rr_conn {
	/* messages to send: headers in a ring; the first one may be partly sent */
	struct rr_header *ring;
	uint32_t first;
	uint32_t n;
	uint64_t sent;         /* bytes of the first that are in TCP */
	uint64_t *started_ns;  /* client: by tag */
	struct rr_header head; /* of the message being received */
	uint32_t head_got;
	uint32_t skip; /* payload of it still to come */
	int fd;
	bool want_out;
};

static uint8_t *payload; /* what is sent; its content means nothing */
static uint8_t *batch;   /* where everything is received */
static struct rr_conn conns[RR_CONNS];
static struct hist latency;

static uint64_t now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NSEC_PER_SEC + (uint64_t)t.tv_nsec;
}

static noreturn void die(const char *what)
{
	(void)fprintf(stderr, "rr: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void conn_init(struct rr_conn *c, int fd)
{
	int one = 1;

	*c = (struct rr_conn){ .fd = fd };
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	c->ring = calloc(RR_RING, sizeof(*c->ring));
	c->started_ns = calloc(RR_RING, sizeof(*c->started_ns));
	if (!c->ring || !c->started_ns)
		die("memory");
}

static void conn_queue(struct rr_conn *c, const struct rr_header *h)
{
	check(c->n < RR_RING);
	c->ring[(c->first + c->n++) % RR_RING] = *h;
}

/* Send what is queued: as much as TCP takes. @server: payload is in_len, else out_len. */
static void conn_flush(struct rr_conn *c, bool server)
{
	while (c->n) {
		struct iovec iov[RR_IOV];
		struct msghdr msg = { .msg_iov = iov };
		uint64_t skip = c->sent;
		ssize_t got;

		for (uint32_t i = 0; i < c->n && msg.msg_iovlen + 2 <= RR_IOV; i++) {
			struct rr_header *h = &c->ring[(c->first + i) % RR_RING];
			uint32_t len = server ? h->in_len : h->out_len;

			if (skip < RR_HEADER)
				iov[msg.msg_iovlen++] =
					(struct iovec){ (uint8_t *)h + skip, RR_HEADER - skip };
			skip = skip > RR_HEADER ? skip - RR_HEADER : 0;
			if (len)
				iov[msg.msg_iovlen++] =
					(struct iovec){ payload + skip, len - skip };
			skip = 0;
		}
		got = sendmsg(c->fd, &msg, MSG_NOSIGNAL);
		if (got < 0 && errno == EAGAIN)
			return;
		if (got < 0 && server) {
			/* A client that has ended: the next receive finds out and closes. */
			c->n = 0;
			(void)shutdown(c->fd, SHUT_RDWR);
			return;
		}
		if (got < 0)
			die("send");
		c->sent += (uint64_t)got;
		while (c->n) {
			struct rr_header *h = &c->ring[c->first];
			uint64_t len = RR_HEADER + (server ? h->in_len : h->out_len);

			if (c->sent < len)
				break;
			c->sent -= len;
			c->first = (c->first + 1) % RR_RING;
			c->n--;
		}
	}
}

/* One message has come: the server answers it, the client counts it and asks again. */
static void conn_message(struct rr_conn *c, bool server, uint64_t *ret_done)
{
	struct rr_header h = c->head;
	uint64_t now;

	if (!server) {
		now = now_ns();
		hist_add(&latency, now - c->started_ns[h.tag % RR_RING]);
		c->started_ns[h.tag % RR_RING] = now;
		(*ret_done)++;
	}
	conn_queue(c, &h);
}

/* Receive until there is nothing more; false when the peer has closed. */
static bool conn_receive(struct rr_conn *c, bool server, uint64_t *ret_done)
{
	for (;;) {
		ssize_t got = recv(c->fd, batch, RR_BATCH, 0);
		const uint8_t *p = batch;

		if (got < 0 && errno == EAGAIN)
			return true;
		if (got <= 0)
			return false;
		for (size_t left = (size_t)got; left;) {
			size_t step;

			if (c->skip) {
				step = min_size(left, c->skip);
				c->skip -= (uint32_t)step;
			} else {
				step = min_size(left, RR_HEADER - c->head_got);
				memcpy((uint8_t *)&c->head + c->head_got, p, step);
				c->head_got += (uint32_t)step;
				if (c->head_got == RR_HEADER)
					c->skip = server ? c->head.out_len : c->head.in_len;
			}
			p += step;
			left -= step;
			if (c->head_got == RR_HEADER && !c->skip) {
				c->head_got = 0;
				conn_message(c, server, ret_done);
			}
		}
		if ((size_t)got < RR_BATCH)
			return true;
	}
}

static void serve(const char *host, uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct epoll_event ev = { .events = EPOLLIN, .data.u32 = RR_CONNS };
	int l = socket(AF_INET, SOCK_STREAM, 0);
	int ep = epoll_create1(0);
	int one = 1;
	uint64_t unused = 0;

	(void)inet_pton(AF_INET, host, &a.sin_addr);
	(void)setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(l, (struct sockaddr *)&a, sizeof(a)) || listen(l, 1024))
		die("listen");
	(void)epoll_ctl(ep, EPOLL_CTL_ADD, l, &ev);
	for (;;) {
		struct epoll_event got[64];
		int n = epoll_wait(ep, got, 64, -1);

		for (int i = 0; i < n; i++) {
			struct rr_conn *c;
			uint32_t slot = got[i].data.u32;

			if (slot == RR_CONNS) {
				int fd = accept(l, NULL, NULL);

				for (slot = 0; slot < RR_CONNS && conns[slot].ring; slot++)
					;
				if (fd < 0 || slot == RR_CONNS)
					die("accept");
				conn_init(&conns[slot], fd);
				ev = (struct epoll_event){ .events = EPOLLIN | EPOLLOUT | EPOLLET,
							   .data.u32 = slot };
				(void)epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
				continue;
			}
			c = &conns[slot];
			if (!conn_receive(c, true, &unused)) {
				close(c->fd);
				free(c->ring);
				free(c->started_ns);
				*c = (struct rr_conn){ 0 };
				continue;
			}
			conn_flush(c, true);
		}
	}
}

struct rr_load {
	const char *host;
	uint16_t port;
	uint32_t bs;
	uint32_t qd;
	uint32_t n_conns;
	double secs;
	bool write;
	bool json;
};

static void report(const struct rr_load *l, uint64_t done, double secs, double cpu_s,
		   double switches)
{
	double iops = (double)done / secs;
	double mb_s = iops * l->bs / 1e6;
	double p50 = (double)hist_permille(&latency, 500) / 1e3;
	double p99 = (double)hist_permille(&latency, 990) / 1e3;
	double cpu_us = cpu_s * 1e6 / (double)done;
	double csw = switches / (double)done;

	if (l->json)
		printf("{\"ios\": %llu, \"iops\": %.0f, \"mb_s\": %.1f, \"p50_us\": %.1f, "
		       "\"p99_us\": %.1f, \"cpu_us\": %.3f, \"csw\": %.4f}\n",
		       (unsigned long long)done, iops, mb_s, p50, p99, cpu_us, csw);
	else
		printf("%.0f IOPS, %.1f MB/s, p50 %.1f us, p99 %.1f us, %.3f us CPU and %.4f "
		       "context switches per I/O\n",
		       iops, mb_s, p50, p99, cpu_us, csw);
}

static double cpu_of(const struct rusage *u)
{
	return (double)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) +
	       (double)(u->ru_utime.tv_usec + u->ru_stime.tv_usec) / 1e6;
}

static void load(const struct rr_load *l)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(l->port) };
	struct rusage before;
	struct rusage after;
	uint64_t done = 0;
	uint64_t start;
	uint64_t end;
	int ep = epoll_create1(0);

	(void)inet_pton(AF_INET, l->host, &a.sin_addr);
	for (uint32_t i = 0; i < l->n_conns; i++) {
		struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.u32 = i };
		int fd = socket(AF_INET, SOCK_STREAM, 0);

		if (connect(fd, (struct sockaddr *)&a, sizeof(a)))
			die("connect");
		conn_init(&conns[i], fd);
		(void)epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
	}
	(void)getrusage(RUSAGE_SELF, &before);
	start = now_ns();
	for (uint32_t i = 0; i < l->n_conns; i++) {
		for (uint32_t t = 0; t < l->qd; t++) {
			struct rr_header h = { .tag = t,
					       .out_len = l->write ? l->bs : 0,
					       .in_len = l->write ? 0 : l->bs };

			conns[i].started_ns[t] = start;
			conn_queue(&conns[i], &h);
		}
		conn_flush(&conns[i], false);
	}
	end = start + (uint64_t)(l->secs * 1e9);
	while (now_ns() < end) {
		struct epoll_event got[64];
		int n = epoll_wait(ep, got, 64, 100);

		for (int i = 0; i < n; i++) {
			struct rr_conn *c = &conns[got[i].data.u32];

			if (!conn_receive(c, false, &done)) {
				errno = ECONNRESET;
				die("receive");
			}
			conn_flush(c, false);
		}
	}
	end = now_ns();
	(void)getrusage(RUSAGE_SELF, &after);
	report(l, done ? done : 1, (double)(end - start) / 1e9, cpu_of(&after) - cpu_of(&before),
	       (double)(after.ru_nvcsw + after.ru_nivcsw - before.ru_nvcsw - before.ru_nivcsw));
}

static noreturn void usage(int status)
{
	printf("usage: rr server HOST PORT\n"
	       "       rr client HOST PORT [--bs BYTES] [--qd N] [--conns N] [--secs S] [--write] "
	       "[--json]\n"
	       "Requests and responses over bare sockets, with the byte counts of a block "
	       "protocol.\n");
	exit(status);
}

int main(int argc, char **argv)
{
	static const struct option opts[] = {
		{ "bs", required_argument, NULL, 'b' },    { "qd", required_argument, NULL, 'q' },
		{ "conns", required_argument, NULL, 'c' }, { "secs", required_argument, NULL, 's' },
		{ "write", no_argument, NULL, 'w' },       { "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },        { 0 }
	};
	struct rr_load l = { .bs = 4096, .qd = 32, .n_conns = 1, .secs = 3 };
	int o;

	while ((o = getopt_long(argc, argv, "h", opts, NULL)) != -1) {
		switch (o) {
		case 'b':
			l.bs = (uint32_t)strtoul(optarg, NULL, 10);
			break;
		case 'q':
			l.qd = (uint32_t)strtoul(optarg, NULL, 10);
			break;
		case 'c':
			l.n_conns = (uint32_t)strtoul(optarg, NULL, 10);
			break;
		case 's':
			l.secs = strtod(optarg, NULL);
			break;
		case 'w':
			l.write = true;
			break;
		case 'j':
			l.json = true;
			break;
		default:
			usage(o == 'h' ? 0 : 2);
		}
	}
	if (argc - optind != 3 || !l.qd || l.qd > RR_RING || !l.n_conns || l.n_conns >= RR_CONNS ||
	    l.bs > RR_PAYLOAD)
		usage(2);
	payload = mmap(NULL, RR_PAYLOAD, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	batch = malloc(RR_BATCH);
	if (payload == MAP_FAILED || !batch)
		die("memory");
	l.host = argv[optind + 1];
	l.port = (uint16_t)strtoul(argv[optind + 2], NULL, 10);
	if (!strcmp(argv[optind], "server"))
		serve(l.host, l.port);
	else if (!strcmp(argv[optind], "client"))
		load(&l);
	else
		usage(2);
	return 0;
}
