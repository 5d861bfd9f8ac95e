/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOAD_CONNS    4096u
#define LOAD_EVENTS   64
#define LOAD_LOGIN_S  5 /* a server may take for each step of a login */
#define LOAD_DRAIN_NS (10 * NSEC_PER_SEC)
#define LOAD_BATCH    ((size_t)256 * 1024)

static const struct load_proto *const protos[] = { &load_rr, &load_nbd, &load_iscsi };

noreturn void load_refused(const struct load_conn *c, const char *why)
{
	(void)fprintf(stderr, "load: %s at port %u: %s\n", c->l->proto->name, c->l->port, why);
	exit(1);
}

void load_send(struct load_conn *c, const void *p, size_t n)
{
	if (n && send(c->s.fd, p, n, MSG_NOSIGNAL) != (ssize_t)n)
		die("login, send");
}

void load_recv(struct load_conn *c, void *p, size_t n)
{
	if (n && recv(c->s.fd, p, n, MSG_WAITALL) != (ssize_t)n)
		load_refused(c, "no answer during the login, or the connection was closed");
}

/* --- requests --- */

static uint64_t next_off(struct load_conn *c)
{
	struct load *l = c->l;
	uint64_t block;

	if (!l->sequential)
		return prng_below(&c->prng, l->n_blocks) * l->bs;
	block = c->next_block;
	c->next_block = block + 1 < l->n_blocks ? block + 1 : 0;
	return block * l->bs;
}

static void start(struct load_conn *c, uint32_t tag)
{
	c->started_ns[tag] = c->l->now_ns;
	c->l->n_out++;
	c->l->proto->request(c, tag, next_off(c));
}

static uint32_t n_slots(const struct load *l)
{
	return l->n_conns * l->qd;
}

void load_answered(struct load_conn *c, uint32_t tag)
{
	struct load *l = c->l;
	const uint32_t n = n_slots(l);
	uint32_t slot;

	if (tag >= l->qd)
		load_refused(c, "an answer to nothing that was asked");
	if (l->begin_ns && c->started_ns[tag] >= l->begin_ns && !l->ending) {
		l->n_ios++;
		hist_add(&l->latency, l->now_ns - c->started_ns[tag]);
	}
	l->n_out--;
	if (l->ending)
		return;
	if (l->inflight == n) {
		start(c, tag);
		return;
	}
	/* Its turn comes when everybody else had one. */
	l->idle[(l->idle_first + l->n_idle) % n] = (uint32_t)(c - l->conns) * l->qd + tag;
	slot = l->idle[l->idle_first];
	l->idle_first = (l->idle_first + 1) % n;
	c = &l->conns[slot / l->qd];
	start(c, slot % l->qd);
	if (!stream_flush(&c->s))
		die("send");
}

static void first_requests(struct load *l)
{
	l->now_ns = now_ns();
	for (uint32_t i = 0; i < l->inflight; i++) {
		struct load_conn *c = &l->conns[i % l->n_conns];

		start(c, i / l->n_conns);
		if (!stream_flush(&c->s))
			die("send");
	}
	for (uint32_t i = l->inflight; i < n_slots(l); i++)
		l->idle[l->n_idle++] = i % l->n_conns * l->qd + i / l->n_conns;
}

/* --- the loop --- */

static int connect_all(struct load *l)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(l->port) };
	int ep = epoll_create1(EPOLL_CLOEXEC);

	if (inet_pton(AF_INET, l->host, &a.sin_addr) != 1) {
		errno = EINVAL;
		die(l->host);
	}
	for (uint32_t i = 0; i < l->n_conns; i++) {
		struct load_conn *c = &l->conns[i];
		struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c };
		const struct timeval patience = { .tv_sec = LOAD_LOGIN_S };
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
		if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)))
			die("connect");
		c->l = l;
		c->prng = prng_of(i + 1);
		c->next_block = l->n_blocks / l->n_conns * i;
		c->started_ns = calloc(l->qd, sizeof(*c->started_ns));
		if (!c->started_ns)
			die("memory");
		stream_init(&c->s, fd, &l->proto->stream, c);
		if (l->proto->login)
			l->proto->login(c);
		(void)fcntl(fd, F_SETFL, O_NONBLOCK);
		if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev))
			die("watch");
	}
	return ep;
}

static void ready(struct load *l, struct load_conn *c, uint8_t *buf)
{
	enum stream_got got;

	do {
		l->now_ns = now_ns();
		got = stream_receive(&c->s, buf, LOAD_BATCH);
	} while (got == STREAM_MORE);
	if (got == STREAM_END || !stream_flush(&c->s)) {
		errno = ECONNRESET;
		die("receive");
	}
}

/* Until @end_ns, or, once that was decided, until nothing is outstanding. */
static void run_until(struct load *l, int ep, uint8_t *buf, uint64_t end_ns)
{
	while (l->now_ns < end_ns && (l->n_out || !l->ending)) {
		struct epoll_event got[LOAD_EVENTS];
		int n = stream_wait(ep, got, LOAD_EVENTS, 100, l->poll);

		if (n <= 0)
			l->now_ns = now_ns();
		for (int i = 0; i < n; i++)
			ready(l, got[i].data.ptr, buf);
	}
}

/* In an orderly way: there are servers that do not survive another one. */
static void disconnect_all(struct load *l, int ep, uint8_t *buf)
{
	run_until(l, ep, buf, now_ns() + LOAD_DRAIN_NS);
	for (uint32_t i = 0; i < l->n_conns; i++) {
		if (l->proto->logout && !l->n_out)
			l->proto->logout(&l->conns[i]);
		stream_close(&l->conns[i].s);
		free(l->conns[i].started_ns);
	}
}

/* Who looks at the server meanwhile says when to go on, so it sees the server as it was at this moment. */
static void mark(const struct load *l, const char *what)
{
	int c;

	if (!l->mark)
		return;
	(void)printf("%s\n", what);
	(void)fflush(stdout);
	do
		c = getchar();
	while (c != '\n' && c != EOF);
}

static void run(struct load *l)
{
	uint8_t *buf = malloc(LOAD_BATCH);
	int ep = connect_all(l);
	double secs;

	if (!buf)
		die("memory");
	first_requests(l);
	run_until(l, ep, buf, l->now_ns + l->secs * NSEC_PER_SEC / 10);
	mark(l, "begin");
	/* What was asked before is not counted, as what is outstanding at the end is not. */
	l->begin_ns = now_ns();
	l->now_ns = l->begin_ns;
	run_until(l, ep, buf, l->begin_ns + l->secs * NSEC_PER_SEC);
	secs = (double)(now_ns() - l->begin_ns) / 1e9;
	l->ending = true;
	mark(l, "end");
	disconnect_all(l, ep, buf);
	(void)printf(
		"{\"ios\": %llu, \"secs\": %.6f, \"lat_us\": {\"p50\": %.2f, \"p99\": %.2f}}\n",
		(unsigned long long)l->n_ios, secs, (double)hist_permille(&l->latency, 500) / 1e3,
		(double)hist_permille(&l->latency, 990) / 1e3);
	free(buf);
}

/* --- options --- */

static noreturn void usage(int status)
{
	(void)fprintf(
		status ? stderr : stdout,
		"usage: load PROTOCOL HOST PORT [NAME] [OPTION]...\n"
		"PROTOCOL: rr, nbd (NAME: export), iscsi (NAME: target; LUN 1)\n"
		"  --bs BYTES (4096)  --qd N (32, of each connection)  --conns N (1)  --secs N "
		"(3)\n"
		"  --inflight N (of all connections, which then take turns)  --size BYTES (256 "
		"MiB)\n"
		"  --write  --sequential  --poll (never sleep)\n"
		"  --mark (print `begin` and `end` when the measured time begins and ends, wait "
		"for a line then)\n");
	exit(status);
}

static bool check_args(struct load *l)
{
	unsigned max = l->proto && l->proto->max_depth ? l->proto->max_depth : STREAM_RING;

	if (!l->proto || !l->port || !l->n_conns || l->n_conns > LOAD_CONNS || !l->qd ||
	    l->qd > max || !l->bs || l->bs > STREAM_PAYLOAD || !l->secs || l->size_bytes < l->bs)
		return false;
	l->n_blocks = l->size_bytes / l->bs;
	if (!l->inflight || l->inflight > n_slots(l))
		l->inflight = n_slots(l);
	return true;
}

static void parse_option(struct load *l, int o, const char *arg)
{
	unsigned long long n = arg ? strtoull(arg, NULL, 10) : 0;

	switch (o) {
	case 'b':
		l->bs = (uint32_t)n;
		break;
	case 'q':
		l->qd = (uint32_t)n;
		break;
	case 'c':
		l->n_conns = (uint32_t)n;
		break;
	case 'i':
		l->inflight = (uint32_t)n;
		break;
	case 's':
		l->secs = (uint32_t)n;
		break;
	case 'z':
		l->size_bytes = n;
		break;
	case 'w':
		l->write = true;
		break;
	case 'S':
		l->sequential = true;
		break;
	case 'p':
		l->poll = true;
		break;
	case 'm':
		l->mark = true;
		break;
	default:
		usage(o == 'h' ? 0 : 2);
	}
}

static void parse(struct load *l, int argc, char **argv)
{
	static const struct option opts[] = { { "bs", required_argument, NULL, 'b' },
					      { "qd", required_argument, NULL, 'q' },
					      { "conns", required_argument, NULL, 'c' },
					      { "inflight", required_argument, NULL, 'i' },
					      { "secs", required_argument, NULL, 's' },
					      { "size", required_argument, NULL, 'z' },
					      { "write", no_argument, NULL, 'w' },
					      { "sequential", no_argument, NULL, 'S' },
					      { "poll", no_argument, NULL, 'p' },
					      { "mark", no_argument, NULL, 'm' },
					      { "help", no_argument, NULL, 'h' },
					      { 0 } };
	int o;

	while ((o = getopt_long(argc, argv, "h", opts, NULL)) != -1)
		parse_option(l, o, optarg);
	if (argc - optind < 3 || argc - optind > 4)
		usage(2);
	for (size_t i = 0; i < ARRAY_SIZE(protos); i++)
		if (!strcmp(argv[optind], protos[i]->name))
			l->proto = protos[i];
	l->host = argv[optind + 1];
	l->port = (uint16_t)strtoul(argv[optind + 2], NULL, 10);
	l->name = argc - optind == 4 ? argv[optind + 3] : "";
}

int main(int argc, char **argv)
{
	static struct load l = {
		.bs = 4096, .qd = 32, .n_conns = 1, .secs = 3, .size_bytes = 256u << 20
	};

	parse(&l, argc, argv);
	if (!check_args(&l))
		usage(2);
	l.conns = calloc(l.n_conns, sizeof(*l.conns));
	l.idle = calloc(n_slots(&l), sizeof(*l.idle));
	if (!l.conns || !l.idle)
		die("memory");
	stream_setup();
	run(&l);
	return 0;
}
