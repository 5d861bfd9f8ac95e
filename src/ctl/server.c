/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The listening socket and its clients: bytes in and out, all limits, all lifetimes. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "ctl/server.h"

#define SERVER_READ_BYTES 65536u     /* of one read */
#define SERVER_OUT_HIGH   (1u << 20) /* a client with more unread answers is not read */
#define SERVER_ROUND_MAX  (1u << 20) /* bytes of one client in one go, for fairness */

/* --- lifetimes --- */

static void server_unref(struct ctl_server *s)
{
	check(s->refs > 0);
	if (--s->refs)
		return;
	check(list_empty(&s->conns));
	free(s);
}

void ctl_conn_unref(struct ctl_conn *c)
{
	check(c->refs > 0);
	if (--c->refs)
		return;
	check(c->gone && !c->n_calls);
	server_unref(c->server);
	free(c);
}

static struct ctl_conn *server_conn_of(struct worker_poll *p)
{
	return container_of(p, struct ctl_conn, poll);
}

static void server_conn_stopped(struct worker *w, struct worker_poll *p)
{
	(void)w;
	ctl_conn_unref(server_conn_of(p));
}

/* Close @c. Its memory lives until its calls are ended and the worker has forgotten its poll. */
static void server_conn_drop(struct ctl_conn *c)
{
	struct ctl_server *s = c->server;

	if (c->gone)
		return;
	c->gone = true;
	worker_undefer(s->w, &c->pump_job);
	worker_poll_stop(s->w, &c->poll);
	/* The watch keeps the file open for another round; the client should know now. */
	(void)shutdown(c->fd, SHUT_RDWR);
	(void)close(c->fd);
	jsonrpc_lines_deinit(&c->in);
	free(c->out);
	c->out = NULL;
	c->out_len = c->out_start = c->out_cap = 0;
	list_del(&c->node);
	s->n_conns--;
	if (!s->closed)
		worker_defer(s->w, &s->accept_job);
}

/* --- output --- */

static void server_flush(struct ctl_conn *c)
{
	while (!c->gone && c->out_len) {
		ssize_t n =
			send(c->fd, c->out + c->out_start, c->out_len, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		if (n < 0) {
			server_conn_drop(c);
			return;
		}
		c->out_start += (size_t)n;
		c->out_len -= (size_t)n;
	}
	c->out_start = 0;
}

/* Room for @n more bytes behind what waits. Return: 0 or -ENOMEM. */
static int server_out_grow(struct ctl_conn *c, size_t n)
{
	size_t cap = c->out_cap ? c->out_cap : 4096;
	char *more;

	if (c->out_start) {
		memmove(c->out, c->out + c->out_start, c->out_len);
		c->out_start = 0;
	}
	if (n <= c->out_cap - c->out_len)
		return 0;
	while (cap - c->out_len < n)
		cap *= 2;
	more = realloc(c->out, cap);
	if (!more)
		return -ENOMEM;
	c->out = more;
	c->out_cap = cap;
	return 0;
}

void ctl_conn_send(struct ctl_conn *c, const void *p, size_t n)
{
	if (c->gone)
		return;
	if (n > CTL_OUT_MAX - c->out_len || server_out_grow(c, n)) {
		log_warn("control client (pid %d): %zu bytes of answers do not get through, "
			 "dropping it",
			 (int)c->peer.pid, c->out_len + n);
		server_conn_drop(c);
		return;
	}
	memcpy(c->out + c->out_len, p, n);
	c->out_len += n;
	server_flush(c);
}

/* --- input --- */

/* May @c ask more before we have answered what it asked? */
static bool server_may_read(const struct ctl_conn *c)
{
	return !c->gone && !c->eof && c->n_calls < CTL_CALLS_MAX && c->out_len < SERVER_OUT_HIGH;
}

static void server_lines(struct ctl_conn *c)
{
	while (server_may_read(c)) {
		const char *line;
		size_t len;
		int r = jsonrpc_lines_next(&c->in, &line, &len);

		if (!r)
			return;
		if (r < 0) {
			ctl_dispatch_refuse(c, JSONRPC_REQUEST, "the line is longer than 1 MiB");
			c->eof = true;
			return;
		}
		ctl_dispatch(c, line, len);
	}
}

/* One read. Return: bytes, 0 when there is nothing to read (now or ever). */
static size_t server_read(struct ctl_conn *c)
{
	char buf[SERVER_READ_BYTES];
	ssize_t n;

	do
		n = recv(c->fd, buf, sizeof(buf), MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return 0;
	if (n < 0 || (n > 0 && jsonrpc_lines_push(&c->in, buf, (size_t)n))) {
		server_conn_drop(c);
		return 0;
	}
	if (!n)
		c->eof = true;
	return (size_t)n;
}

/* Do all that can be done for @c now. It holds no reference: @c may be closed, but not freed, in here. */
static void server_pump(struct ctl_conn *c)
{
	size_t done = 0;

	server_flush(c);
	server_lines(c);
	while (server_may_read(c)) {
		size_t n = server_read(c);

		if (!n)
			break;
		done += n;
		server_lines(c);
		if (done >= SERVER_ROUND_MAX) {
			ctl_conn_kick(c);
			return;
		}
	}
	/* A client that only closed its sending side still gets its answers. */
	if (!c->gone && c->eof && !c->n_calls && !c->out_len)
		server_conn_drop(c);
}

static void server_pump_job(struct worker *w, struct worker_job *j)
{
	(void)w;
	server_pump(container_of(j, struct ctl_conn, pump_job));
}

void ctl_conn_kick(struct ctl_conn *c)
{
	if (!c->gone)
		worker_defer(c->server->w, &c->pump_job);
}

static void server_conn_ready(struct worker *w, struct worker_poll *p, unsigned revents)
{
	struct ctl_conn *c = server_conn_of(p);

	(void)w;
	server_pump(c);
	if (revents & (POLLHUP | POLLERR))
		server_conn_drop(c);
}

/* --- accepting --- */

static int server_conn_new(struct ctl_server *s, int fd)
{
	struct ctl_conn *c;
	struct ucred cred = { 0 };
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len))
		return -errno;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->peer = (struct ctl_peer){ .pid = cred.pid, .uid = cred.uid, .gid = cred.gid };
	c->server = s;
	c->fd = fd;
	c->refs = 1;
	worker_job_init(&c->pump_job, server_pump_job);
	c->poll = (struct worker_poll){ .fd = fd,
					.events = POLLIN | POLLOUT,
					.ready = server_conn_ready,
					.stopped = server_conn_stopped };
	s->refs++;
	s->n_conns++;
	list_push(&s->conns, &c->node);
	worker_poll_start(s->w, &c->poll);
	return 0;
}

/* Take clients in until none waits or all places are taken. */
static void server_accept(struct ctl_server *s)
{
	while (!s->closed && s->n_conns < CTL_CLIENTS_MAX) {
		int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		int r = fd < 0 ? -errno : server_conn_new(s, fd);

		if (r == -EINTR || r == -ECONNABORTED)
			continue;
		if (r && r != -EAGAIN && r != -EWOULDBLOCK)
			log_warn("control socket %s: cannot take a client in: %s, it has to try "
				 "again",
				 s->path, strerrordesc_np(-r));
		if (r && fd >= 0)
			(void)close(fd);
		if (r)
			return;
	}
}

static void server_accept_job(struct worker *w, struct worker_job *j)
{
	(void)w;
	server_accept(container_of(j, struct ctl_server, accept_job));
}

static void server_ready(struct worker *w, struct worker_poll *p, unsigned revents)
{
	(void)w;
	(void)revents;
	server_accept(container_of(p, struct ctl_server, poll));
}

static void server_stopped(struct worker *w, struct worker_poll *p)
{
	(void)w;
	server_unref(container_of(p, struct ctl_server, poll));
}

/* --- the socket --- */

/* Is the name @addr taken by a living process? A dead one's socket is removed. Return: 0 or -errno. */
static int server_clear_name(const struct sockaddr_un *addr)
{
	struct stat st;
	int fd;
	int r;

	if (lstat(addr->sun_path, &st))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -ENOTSOCK;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	r = connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) ? -errno : 0;
	(void)close(fd);
	/* A full backlog (EAGAIN) also means that somebody lives there. */
	if (!r || r == -EAGAIN)
		return -EADDRINUSE;
	if (r != -ECONNREFUSED)
		return r;
	return unlink(addr->sun_path) && errno != ENOENT ? -errno : 0;
}

/* Make the listening socket of @s. Return: 0 or -errno; what was made is the caller's to undo. */
static int server_listen(struct ctl_server *s)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct stat st;
	int r;

	memcpy(addr.sun_path, s->path, sizeof(s->path));
	r = server_clear_name(&addr);
	if (r)
		return r;
	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->fd < 0)
		return -errno;
	/* Before bind(), so that the name never exists with a wider mode; and after, for certainty. */
	if (fchmod(s->fd, 0600) || bind(s->fd, (const struct sockaddr *)&addr, sizeof(addr)))
		return -errno;
	if (chmod(s->path, 0600) || lstat(s->path, &st) || listen(s->fd, (int)CTL_CLIENTS_MAX)) {
		r = -errno;
		(void)unlink(s->path);
		return r;
	}
	s->dev = st.st_dev;
	s->ino = st.st_ino;
	return 0;
}

static bool server_methods_ok(const struct ctl_method *methods, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (!methods[i].name || !methods[i].help || !methods[i].result ||
		    !methods[i].call || methods[i].n_params > CTL_PARAMS_MAX ||
		    !strncmp(methods[i].name, "rpc.", 4))
			return false;
	return true;
}

int ctl_server_new(struct ctl_server **ret, struct worker *w, const char *socket_path,
		   const struct ctl_method *methods, unsigned n, void *ctx)
{
	struct ctl_server *s;
	size_t len = strlen(socket_path);
	int r;

	check(server_methods_ok(methods, n));
	if (!len || len >= sizeof(s->path))
		return len ? -ENAMETOOLONG : -ENOENT;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	memcpy(s->path, socket_path, len + 1);
	s->fd = -1;
	r = server_listen(s);
	if (r) {
		if (s->fd >= 0)
			(void)close(s->fd);
		free(s);
		return r;
	}
	s->w = w;
	s->methods = methods;
	s->n_methods = n;
	s->ctx = ctx;
	s->refs = 2; /* the owner and the poll */
	list_init(&s->conns);
	worker_job_init(&s->accept_job, server_accept_job);
	s->poll = (struct worker_poll){
		.fd = s->fd, .events = POLLIN, .ready = server_ready, .stopped = server_stopped
	};
	worker_poll_start(w, &s->poll);
	*ret = s;
	return 0;
}

struct ctl_server *ctl_server_free(struct ctl_server *s)
{
	struct list *pos;
	struct list *tmp;
	struct stat st;

	if (!s)
		return NULL;
	s->closed = true;
	/* Only our own name: it may have been removed and made anew by another process. */
	if (!lstat(s->path, &st) && st.st_dev == s->dev && st.st_ino == s->ino)
		(void)unlink(s->path);
	worker_undefer(s->w, &s->accept_job);
	worker_poll_stop(s->w, &s->poll);
	(void)shutdown(s->fd, SHUT_RDWR);
	(void)close(s->fd);
	list_for_each_safe (pos, tmp, &s->conns) {
		server_conn_drop(list_entry(pos, struct ctl_conn, node));
	}
	server_unref(s);
	return NULL;
}

unsigned ctl_server_clients(const struct ctl_server *s)
{
	return s->n_conns;
}
