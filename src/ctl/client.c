/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "ctl/client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "ctl/jsonrpc.h"

/* Answers may be longer than requests, so lines are gathered here and not by jsonrpc_lines. */
#define CLIENT_ANSWER_MAX (64u << 20)

struct ctl_client {
	int fd;
	unsigned timeout_ms;
	uint64_t next_id;
	char *buf; /* bytes received and not consumed */
	size_t len;
	size_t cap;
	size_t scanned; /* no newline before this */
	bool broken;
};

static uint64_t client_now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / NSEC_PER_MSEC;
}

/* 0: no limit */
static uint64_t client_deadline(const struct ctl_client *c)
{
	return c->timeout_ms ? client_now_ms() + c->timeout_ms : 0;
}

/* Wait for @events on the socket. Return: 0, -ETIMEDOUT or -errno. */
static int client_wait(const struct ctl_client *c, short events, uint64_t deadline_ms)
{
	for (;;) {
		struct pollfd p = { .fd = c->fd, .events = events };
		uint64_t now = client_now_ms();
		int wait = -1;
		int r;

		if (deadline_ms)
			wait = deadline_ms > now ? (int)min_u64(deadline_ms - now, 1u << 30) : 0;
		r = poll(&p, 1, wait);
		if (r > 0)
			return 0;
		if (!r)
			return -ETIMEDOUT;
		if (errno != EINTR)
			return -errno;
	}
}

static int client_connect(struct ctl_client *c, const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	uint64_t deadline = client_deadline(c);

	(void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd < 0)
		return -errno;
	while (connect(c->fd, (const struct sockaddr *)&addr, sizeof(addr))) {
		const struct timespec pause = { .tv_nsec = 10000000 };

		/* A unix socket whose backlog is full cannot be waited for, only asked again. */
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		if (deadline && client_now_ms() >= deadline)
			return -ETIMEDOUT;
		(void)nanosleep(&pause, NULL);
	}
	return 0;
}

int ctl_client_new(struct ctl_client **ret, const char *path, unsigned timeout_ms)
{
	struct ctl_client *c;
	int r;

	if (strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return -ENAMETOOLONG;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->fd = -1;
	c->timeout_ms = timeout_ms;
	r = client_connect(c, path);
	if (r)
		ctl_client_free(c);
	else
		*ret = c;
	return r;
}

struct ctl_client *ctl_client_free(struct ctl_client *c)
{
	if (!c)
		return NULL;
	if (c->fd >= 0)
		(void)close(c->fd);
	free(c->buf);
	free(c);
	return NULL;
}

static int client_send(struct ctl_client *c, const char *p, size_t n, uint64_t deadline_ms)
{
	while (n) {
		ssize_t sent = send(c->fd, p, n, MSG_NOSIGNAL);
		int r;

		if (sent >= 0) {
			p += sent;
			n -= (size_t)sent;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN && errno != EWOULDBLOCK)
			return errno == EPIPE ? -ECONNRESET : -errno;
		r = client_wait(c, POLLOUT, deadline_ms);
		if (r)
			return r;
	}
	return 0;
}

/* One read behind what is there. Return: 0, -EAGAIN or -errno. */
static int client_fill(struct ctl_client *c)
{
	ssize_t n;

	if (c->len == c->cap) {
		size_t cap = c->cap ? 2 * c->cap : 65536;
		char *more = c->cap < CLIENT_ANSWER_MAX ? realloc(c->buf, cap) : NULL;

		if (!more)
			return c->cap < CLIENT_ANSWER_MAX ? -ENOMEM : -EMSGSIZE;
		c->buf = more;
		c->cap = cap;
	}
	n = recv(c->fd, c->buf + c->len, c->cap - c->len, 0);
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	if (!n)
		return -ECONNRESET;
	c->len += (size_t)n;
	return 0;
}

/* The length of the next line with its newline, once it is complete. Return: 0 or -errno. */
static int client_line(struct ctl_client *c, size_t *ret_len, uint64_t deadline_ms)
{
	for (;;) {
		const char *end = c->len > c->scanned
					  ? memchr(c->buf + c->scanned, '\n', c->len - c->scanned)
					  : NULL;
		int r;

		if (end) {
			*ret_len = (size_t)(end - c->buf) + 1;
			return 0;
		}
		c->scanned = c->len;
		r = client_fill(c);
		if (r == -EAGAIN)
			r = client_wait(c, POLLIN, deadline_ms);
		if (r)
			return r;
	}
}

static int client_protocol(struct ctl_client *c, struct ctl_client_error *err, const char *text)
{
	c->broken = true;
	err->code = JSONRPC_PARSE;
	(void)snprintf(err->text, sizeof(err->text), "%s", text);
	return CTL_CLIENT_E_PROTOCOL;
}

/* Take the answer @v apart. */
static int client_answer(struct ctl_client *c, json_t *v, json_t **ret_result,
			 struct ctl_client_error *err)
{
	json_t *error = json_object_get(v, "error");
	json_t *result = json_object_get(v, "result");
	const char *text = json_string_value(json_object_get(error, "message"));

	if (result && !error) {
		*ret_result = json_incref(result);
		return 0;
	}
	if (!text || result)
		return client_protocol(c, err, "an answer with neither result nor error");
	err->code = (int)json_integer_value(json_object_get(error, "code"));
	(void)snprintf(err->text, sizeof(err->text), "%s", text);
	return CTL_CLIENT_E_REPLY;
}

/* Wait for the answer to @id; those to calls given up before are skipped. */
static int client_receive(struct ctl_client *c, uint64_t id, json_t **ret_result,
			  struct ctl_client_error *err)
{
	uint64_t deadline = client_deadline(c);

	for (;;) {
		json_t *v;
		json_t *got;
		char text[200];
		size_t len;
		int r = client_line(c, &len, deadline);

		if (r)
			return r;
		v = jsonrpc_value(c->buf, len - 1, text, sizeof(text));
		memmove(c->buf, c->buf + len, c->len - len);
		c->len -= len;
		c->scanned = 0;
		if (!v)
			return client_protocol(c, err, text);
		got = json_object_get(v, "id");
		r = -EAGAIN;
		if (json_is_null(got) ||
		    (json_is_integer(got) && (uint64_t)json_integer_value(got) == id))
			r = client_answer(c, v, ret_result, err);
		json_decref(v);
		if (r != -EAGAIN)
			return r;
	}
}

int ctl_client_call(struct ctl_client *c, const char *method, json_t *params, json_t **ret_result,
		    struct ctl_client_error *ret_error)
{
	uint64_t id = ++c->next_id;
	json_t *call = jsonrpc_call(id, method, params);
	size_t len = 0;
	char *line = jsonrpc_line(call, &len);
	int r;

	json_decref(call);
	if (!line)
		return -ENOMEM;
	r = c->broken ? -ECONNRESET : client_send(c, line, len, client_deadline(c));
	free(line);
	/* Half a request cannot be taken back, so the stream is lost. */
	c->broken = c->broken || r;
	if (r)
		return r;
	r = client_receive(c, id, ret_result, ret_error);
	if (r < 0 && r != -ETIMEDOUT)
		c->broken = true;
	return r;
}
