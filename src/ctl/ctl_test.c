/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The server over a real socket. The test's thread is the worker and, between rounds, the clients; the
 * blocking client of client.h has a thread of its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "config/config.h"
#include "ctl/client.h"
#include "ctl/ctl.h"
#include "run/worker.h"

struct world {
	struct worker *w;
	struct ctl_server *s;
	char dir[32];
	char path[64];
	struct ctl_call *held[300]; /* calls of "hold" */
	unsigned n_held;
	unsigned n_notes;
	bool stop_server; /* "stop" does it */
};

static void on_subtract(struct ctl_call *call, json_t *params)
{
	ctl_reply(call, json_integer(json_integer_value(json_object_get(params, "minuend")) -
				     json_integer_value(json_object_get(params, "subtrahend"))));
}

static void on_note(struct ctl_call *call, json_t *params)
{
	struct world *x = ctl_call_ctx(call);

	x->n_notes++;
	ctl_reply(call, json_incref(params));
}

static void on_hold(struct ctl_call *call, json_t *params)
{
	struct world *x = ctl_call_ctx(call);

	(void)params;
	assert_true(x->n_held < ARRAY_SIZE(x->held));
	x->held[x->n_held++] = call;
}

static void on_fail(struct ctl_call *call, json_t *params)
{
	ctl_fail(call, JSONRPC_NOT_FOUND, "no session \"%s\"",
		 json_string_value(json_object_get(params, "id")));
}

static void on_whoami(struct ctl_call *call, json_t *params)
{
	(void)params;
	ctl_reply(call, json_pack("{s:I, s:I}", "pid", (json_int_t)ctl_call_peer(call)->pid, "uid",
				  (json_int_t)ctl_call_peer(call)->uid));
}

static void on_big(struct ctl_call *call, json_t *params)
{
	size_t n = (size_t)json_integer_value(json_object_get(params, "n"));
	char *text = malloc(n + 1);

	assert_non_null(text);
	memset(text, 'x', n);
	text[n] = '\0';
	ctl_reply(call, json_string(text));
	free(text);
}

static void on_stop(struct ctl_call *call, json_t *params)
{
	struct world *x = ctl_call_ctx(call);

	(void)params;
	x->s = ctl_server_free(x->s);
	ctl_reply(call, json_true());
}

static const struct ctl_param subtract_params[] = {
	{ "minuend", CTL_INTEGER, false, "From this." },
	{ "subtrahend", CTL_INTEGER, false, "This is taken away." },
};
static const struct ctl_param note_params[] = {
	{ "s", CTL_STRING, true, "A string." },   { "i", CTL_INTEGER, true, "A number." },
	{ "b", CTL_BOOLEAN, true, "Yes or no." }, { "o", CTL_OBJECT, true, "An object." },
	{ "a", CTL_ARRAY, true, "An array." },
};
static const struct ctl_param fail_params[] = { { "id", CTL_STRING, false, "Its name." } };
static const struct ctl_param big_params[] = { { "n", CTL_INTEGER, false, "Bytes." } };

static const struct ctl_method methods[] = {
	{ "subtract", "Takes away.", subtract_params, 2, "integer", on_subtract },
	{ "note", "Counts.", note_params, 5, "the parameters", on_note },
	{ "hold", "Answers when told to.", NULL, 0, "string", on_hold },
	{ "fail", "Fails.", fail_params, 1, "never", on_fail },
	{ "whoami", "Who calls.", NULL, 0, "{pid, uid}", on_whoami },
	{ "big", "A long answer.", big_params, 1, "string", on_big },
	{ "stop", "Ends the server.", NULL, 0, "true", on_stop },
};

static int setup(void **state)
{
	struct world *x = calloc(1, sizeof(*x));

	assert_non_null(x);
	(void)snprintf(x->dir, sizeof(x->dir), "/tmp/srptd-ctl-test-XXXXXX");
	assert_non_null(mkdtemp(x->dir));
	(void)snprintf(x->path, sizeof(x->path), "%s/sock", x->dir);
	assert_int_equal(worker_new(&x->w, 0, NULL), 0);
	assert_int_equal(ctl_server_new(&x->s, x->w, x->path, methods, ARRAY_SIZE(methods), x), 0);
	*state = x;
	return 0;
}

static void rounds(struct world *x, unsigned n)
{
	while (n--)
		assert_int_equal(worker_run_once(x->w, 0), 0);
}

static int teardown(void **state)
{
	struct world *x = *state;

	x->s = ctl_server_free(x->s);
	rounds(x, 10);
	x->w = worker_free(x->w);
	assert_int_equal(access(x->path, F_OK), -1);
	assert_int_equal(rmdir(x->dir), 0);
	free(x);
	return 0;
}

static int dial(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	(void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	if (connect(fd, (const struct sockaddr *)&addr, sizeof(addr))) {
		int r = -errno;

		(void)close(fd);
		return r;
	}
	return fd;
}

/* Run rounds until @fd has a whole line; it is returned in @buf without its newline. 0: the server closed. */
static size_t read_line(struct world *x, int fd, char *buf, size_t len)
{
	size_t n = 0;

	for (unsigned tries = 0; tries < 100000; tries++) {
		ssize_t r = read(fd, buf + n, 1);

		if (!r || (r < 0 && errno == ECONNRESET))
			return 0;
		if (r < 0) {
			assert_int_equal(errno, EAGAIN);
			assert_int_equal(worker_run_once(x->w, 1000000), 0);
			continue;
		}
		if (buf[n] == '\n') {
			buf[n] = '\0';
			return n;
		}
		n++;
		assert_true(n < len);
	}
	fail_msg("no answer");
	return 0;
}

static void expect(struct world *x, int fd, const char *in, const char *out)
{
	char buf[4096];

	if (in)
		assert_int_equal(write(fd, in, strlen(in)), strlen(in));
	if (!out)
		return;
	(void)read_line(x, fd, buf, sizeof(buf));
	assert_string_equal(buf, out);
}

/* The examples of the specification, section 7, with our methods. */
static const char *const examples[][2] = {
	{ "{\"jsonrpc\":\"2.0\",\"method\":\"subtract\",\"params\":[42,23],\"id\":1}\n",
	  "{\"jsonrpc\":\"2.0\",\"result\":19,\"id\":1}" },
	{ "{\"jsonrpc\":\"2.0\",\"method\":\"subtract\",\"params\":{\"subtrahend\":23,\"minuend\":"
	  "42},"
	  "\"id\":3}\n",
	  "{\"jsonrpc\":\"2.0\",\"result\":19,\"id\":3}" },
	{ "{\"jsonrpc\":\"2.0\",\"method\":\"note\",\"params\":[\"x\",2]}\n", NULL },
	{ "{\"jsonrpc\":\"2.0\",\"method\":\"foobar\"}\n", NULL },
	{ "{\"jsonrpc\":\"2.0\",\"method\":\"foobar\",\"id\":\"1\"}\n",
	  "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32601,\"message\":\"no method \\\"foobar\\\"; "
	  "rpc.describe lists them\"},\"id\":\"1\"}" },
	{ "{\"jsonrpc\":\"2.0\",\"method\":1,\"params\":\"bar\"}\n",
	  "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32600,\"message\":\"method must be a "
	  "string\"},"
	  "\"id\":null}" },
	{ "[]\n",
	  "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32600,\"message\":\"a batch must hold 1 to "
	  "128 requests\"},\"id\":null}" },
	{ "[1]\n",
	  "[{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32600,\"message\":\"a request must be an "
	  "object\"},\"id\":null}]" },
	{ "[1,2]\n",
	  "[{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32600,\"message\":\"a request must be an "
	  "object\"},\"id\":null},{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32600,\"message\":"
	  "\"a request must be an object\"},\"id\":null}]" },
	{ "[{\"jsonrpc\":\"2.0\",\"method\":\"subtract\",\"params\":[9,2],\"id\":\"1\"},"
	  "{\"jsonrpc\":\"2.0\",\"method\":\"note\",\"params\":[\"7\"]},"
	  "{\"foo\":\"boo\"},"
	  "{\"jsonrpc\":\"2.0\",\"method\":\"fail\",\"params\":{\"id\":\"s\"},\"id\":\"5\"}]\n",
	  "[{\"jsonrpc\":\"2.0\",\"result\":7,\"id\":\"1\"},"
	  "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32600,\"message\":\"jsonrpc must be "
	  "\\\"2.0\\\"\"},"
	  "\"id\":null},"
	  "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32001,\"message\":\"no session \\\"s\\\"\"},"
	  "\"id\":\"5\"}]" },
	{ "[{\"jsonrpc\":\"2.0\",\"method\":\"note\"},{\"jsonrpc\":\"2.0\",\"method\":\"note\"}]\n",
	  NULL },
	/* Parameters that do not fit. */
	{ "{\"jsonrpc\":\"2.0\",\"method\":\"subtract\",\"params\":[1],\"id\":1}\n",
	  "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32602,\"message\":\"parameter "
	  "\\\"subtrahend\\\" is "
	  "missing\"},\"id\":1}" },
	{ "{\"jsonrpc\":\"2.0\",\"method\":\"subtract\",\"params\":[1,2,3],\"id\":1}\n",
	  "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32602,\"message\":\"subtract takes at most 2 "
	  "parameters\"},\"id\":1}" },
	{ "{\"jsonrpc\":\"2.0\",\"method\":\"subtract\",\"params\":[1,\"2\"],\"id\":1}\n",
	  "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32602,\"message\":\"parameter "
	  "\\\"subtrahend\\\" must "
	  "be of type integer\"},\"id\":1}" },
	{ "{\"jsonrpc\":\"2.0\",\"method\":\"hold\",\"params\":{\"x\":1},\"id\":1}\n",
	  "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32602,\"message\":\"hold has no parameter "
	  "\\\"x\\\"\"},\"id\":1}" },
	{ "{\"jsonrpc\":\"2.0\",\"method\":\"note\",\"params\":[\"s\",1,true,{},[]],\"id\":null}\n",
	  "{\"jsonrpc\":\"2.0\",\"result\":{\"s\":\"s\",\"i\":1,\"b\":true,\"o\":{},\"a\":[]},"
	  "\"id\":null}" },
};

static void test_examples(void **state)
{
	struct world *x = *state;
	int fd = dial(x->path);

	assert_true(fd >= 0);
	for (size_t i = 0; i < ARRAY_SIZE(examples); i++)
		expect(x, fd, examples[i][0], examples[i][1]);
	/* What gets no answer was carried out all the same: 1 + 1 + 2 notifications, 1 call. */
	assert_int_equal(x->n_notes, 5);
	(void)close(fd);
}

static void test_parse_error_keeps_the_connection(void **state)
{
	struct world *x = *state;
	int fd = dial(x->path);
	char buf[400];

	expect(x, fd, "{\"jsonrpc\n", NULL);
	(void)read_line(x, fd, buf, sizeof(buf));
	assert_non_null(strstr(buf, "\"code\":-32700"));
	expect(x, fd, examples[0][0], examples[0][1]);
	(void)close(fd);
}

static void test_pipelining_and_pieces(void **state)
{
	struct world *x = *state;
	int fd = dial(x->path);
	const char *in = examples[0][0];

	for (const char *p = in; *p; p++) {
		assert_int_equal(write(fd, p, 1), 1);
		rounds(x, 1);
	}
	expect(x, fd, NULL, examples[0][1]);
	expect(x, fd, in, NULL);
	expect(x, fd, in, NULL);
	expect(x, fd, NULL, examples[0][1]);
	expect(x, fd, NULL, examples[0][1]);
	(void)close(fd);
}

static void wait_held(struct world *x, unsigned n)
{
	for (unsigned i = 0; i < 1000 && x->n_held < n; i++)
		assert_int_equal(worker_run_once(x->w, 1000000), 0);
	assert_int_equal(x->n_held, n);
}

static void test_deferred_answers_in_any_order(void **state)
{
	struct world *x = *state;
	int fd = dial(x->path);

	expect(x, fd, "{\"jsonrpc\":\"2.0\",\"method\":\"hold\",\"id\":1}\n", NULL);
	expect(x, fd,
	       "[{\"jsonrpc\":\"2.0\",\"method\":\"hold\",\"id\":2},"
	       "{\"jsonrpc\":\"2.0\",\"method\":\"hold\"},"
	       "{\"jsonrpc\":\"2.0\",\"method\":\"hold\",\"id\":3}]\n",
	       NULL);
	wait_held(x, 4);
	ctl_reply(x->held[3], json_string("three"));
	ctl_reply(x->held[2], json_string("nobody hears it"));
	ctl_reply(x->held[0], json_string("one"));
	expect(x, fd, NULL, "{\"jsonrpc\":\"2.0\",\"result\":\"one\",\"id\":1}");
	ctl_fail(x->held[1], JSONRPC_BUSY, "in use by %d", 2);
	expect(x, fd, NULL,
	       "[{\"jsonrpc\":\"2.0\",\"result\":\"three\",\"id\":3},"
	       "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32003,\"message\":\"in use by "
	       "2\"},\"id\":2}]");
	(void)close(fd);
}

static void wait_clients(struct world *x, unsigned n)
{
	for (unsigned i = 0; i < 1000 && ctl_server_clients(x->s) != n; i++)
		assert_int_equal(worker_run_once(x->w, 1000000), 0);
	assert_int_equal(ctl_server_clients(x->s), n);
}

static void test_client_that_leaves_before_the_answer(void **state)
{
	struct world *x = *state;
	int fd = dial(x->path);

	expect(x, fd, "{\"jsonrpc\":\"2.0\",\"method\":\"hold\",\"id\":1}\n", NULL);
	wait_held(x, 1);
	assert_false(ctl_call_gone(x->held[0]));
	(void)close(fd);
	wait_clients(x, 0);
	rounds(x, 3);
	assert_true(ctl_call_gone(x->held[0]));
	assert_int_equal(ctl_call_peer(x->held[0])->pid, getpid());
	ctl_reply(x->held[0], json_true());
	rounds(x, 3);
}

static void test_half_close_gets_its_answers(void **state)
{
	struct world *x = *state;
	int fd = dial(x->path);
	char buf[100];

	expect(x, fd, "{\"jsonrpc\":\"2.0\",\"method\":\"hold\",\"id\":1}\n", NULL);
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	wait_held(x, 1);
	rounds(x, 5);
	assert_int_equal(ctl_server_clients(x->s), 1);
	ctl_reply(x->held[0], json_true());
	expect(x, fd, NULL, "{\"jsonrpc\":\"2.0\",\"result\":true,\"id\":1}");
	assert_int_equal(read_line(x, fd, buf, sizeof(buf)), 0);
	wait_clients(x, 0);
	(void)close(fd);
}

static void test_peer_credentials(void **state)
{
	struct world *x = *state;
	int fd = dial(x->path);
	char out[100];

	(void)snprintf(out, sizeof(out),
		       "{\"jsonrpc\":\"2.0\",\"result\":{\"pid\":%d,\"uid\":%u},\"id\":1}",
		       (int)getpid(), getuid());
	expect(x, fd, "{\"jsonrpc\":\"2.0\",\"method\":\"whoami\",\"id\":1}\n", out);
	(void)close(fd);
}

static void test_describe(void **state)
{
	struct world *x = *state;
	int fd = dial(x->path);
	char buf[8192];
	char err[100];
	json_t *v;
	json_t *list;

	expect(x, fd, "{\"jsonrpc\":\"2.0\",\"method\":\"rpc.describe\",\"id\":1}\n", NULL);
	v = jsonrpc_value(buf, read_line(x, fd, buf, sizeof(buf)), err, sizeof(err));
	assert_non_null(v);
	list = json_object_get(json_object_get(v, "result"), "methods");
	assert_int_equal(json_array_size(list), ARRAY_SIZE(methods) + 1);
	list = json_object_get(json_array_get(list, 1), "params");
	assert_string_equal(json_string_value(json_object_get(json_array_get(list, 4), "type")),
			    "array");
	json_decref(v);
	(void)close(fd);
}

/* --- limits --- */

static void test_too_long_line_ends_the_connection(void **state)
{
	struct world *x = *state;
	int fd = dial(x->path);
	char *text = calloc(1, JSONRPC_LINE_MAX + 10);
	char buf[200];
	size_t sent = 0;

	assert_non_null(text);
	memset(text, ' ', JSONRPC_LINE_MAX + 10);
	while (sent < JSONRPC_LINE_MAX + 10) {
		ssize_t n = send(fd, text + sent, JSONRPC_LINE_MAX + 10 - sent, MSG_NOSIGNAL);

		if (n > 0)
			sent += (size_t)n;
		rounds(x, 1);
	}
	(void)read_line(x, fd, buf, sizeof(buf));
	assert_non_null(strstr(buf, "longer than 1 MiB"));
	assert_int_equal(read_line(x, fd, buf, sizeof(buf)), 0);
	wait_clients(x, 0);
	(void)close(fd);
	free(text);
}

static void test_many_open_calls_stop_the_reading(void **state)
{
	static const char call[] = "{\"jsonrpc\":\"2.0\",\"method\":\"hold\",\"id\":1}\n";
	struct world *x = *state;
	int fd = dial(x->path);

	for (unsigned i = 0; i < CTL_CALLS_MAX + 10; i++)
		expect(x, fd, call, NULL);
	wait_held(x, CTL_CALLS_MAX);
	rounds(x, 20);
	assert_int_equal(x->n_held, CTL_CALLS_MAX);
	/* Each answer lets one more in. */
	for (unsigned i = 0; i < 3; i++)
		ctl_reply(x->held[i], json_true());
	wait_held(x, CTL_CALLS_MAX + 3);
	rounds(x, 20);
	assert_int_equal(x->n_held, CTL_CALLS_MAX + 3);
	(void)close(fd);
	wait_clients(x, 0);
	for (unsigned i = 3; i < x->n_held; i++)
		ctl_reply(x->held[i], json_true());
}

static void test_client_that_does_not_read(void **state)
{
	static const char call[] =
		"{\"jsonrpc\":\"2.0\",\"method\":\"big\",\"params\":[3000000],\"id\":1}\n";
	struct world *x = *state;
	int fd = dial(x->path);
	int other = dial(x->path);
	size_t got = 0;
	unsigned n_lines = 0;

	/* The first answer fills it up, so the other calls wait unread; nothing is lost. */
	for (unsigned i = 0; i < 8; i++)
		expect(x, fd, call, NULL);
	rounds(x, 50);
	expect(x, other, examples[0][0], examples[0][1]);
	for (unsigned tries = 0; n_lines < 8 && tries < 1000000; tries++) {
		static char buf[65536];
		ssize_t n = read(fd, buf, sizeof(buf));

		for (ssize_t i = 0; i < n; i++)
			n_lines += buf[i] == '\n';
		got += n > 0 ? (size_t)n : 0;
		rounds(x, 1);
	}
	assert_int_equal(n_lines, 8);
	assert_true(got > (size_t)8 * 3000000);
	/* One answer beyond the limit cannot be kept: the client is dropped, the others stay. */
	expect(x, fd, "{\"jsonrpc\":\"2.0\",\"method\":\"big\",\"params\":[16777216],\"id\":1}\n",
	       NULL);
	wait_clients(x, 1);
	expect(x, other, examples[0][0], examples[0][1]);
	(void)close(fd);
	(void)close(other);
}

static void test_client_limit(void **state)
{
	struct world *x = *state;
	int fds[CTL_CLIENTS_MAX + 2];

	for (unsigned i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = dial(x->path);
		assert_true(fds[i] >= 0);
		rounds(x, 2);
	}
	wait_clients(x, CTL_CLIENTS_MAX);
	rounds(x, 20);
	assert_int_equal(ctl_server_clients(x->s), CTL_CLIENTS_MAX);
	/* Those beyond the limit come in when a place is free. */
	(void)close(fds[0]);
	(void)close(fds[1]);
	expect(x, fds[CTL_CLIENTS_MAX], examples[0][0], examples[0][1]);
	expect(x, fds[CTL_CLIENTS_MAX + 1], examples[0][0], examples[0][1]);
	for (unsigned i = 2; i < ARRAY_SIZE(fds); i++)
		(void)close(fds[i]);
	wait_clients(x, 0);
}

/* --- life of the server --- */

static void test_socket_mode(void **state)
{
	struct world *x = *state;
	struct stat st;

	assert_int_equal(lstat(x->path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void test_living_and_dead_neighbours(void **state)
{
	struct world *x = *state;
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct ctl_server *second = NULL;
	char path[64];
	char longer[200];
	FILE *f;
	int fd;

	assert_int_equal(ctl_server_new(&second, x->w, x->path, methods, 1, x), -EADDRINUSE);
	/* A socket whose process died without removing it. */
	(void)snprintf(path, sizeof(path), "%s/dead", x->dir);
	(void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&addr, sizeof(addr)), 0);
	(void)close(fd);
	assert_int_equal(ctl_server_new(&second, x->w, path, methods, ARRAY_SIZE(methods), x), 0);
	fd = dial(path);
	expect(x, fd, examples[0][0], examples[0][1]);
	(void)close(fd);
	/* Somebody else has the name now: it is not ours to remove. */
	assert_int_equal(unlink(path), 0);
	f = fopen(path, "w");
	assert_non_null(f);
	(void)fclose(f);
	second = ctl_server_free(second);
	assert_null(second);
	assert_int_equal(ctl_server_new(&second, x->w, path, methods, 1, x), -ENOTSOCK);
	assert_int_equal(unlink(path), 0);
	(void)snprintf(path, sizeof(path), "%s/no/such", x->dir);
	assert_int_equal(ctl_server_new(&second, x->w, path, methods, 1, x), -ENOENT);
	memset(longer, 'x', sizeof(longer) - 1);
	longer[0] = '/';
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(ctl_server_new(&second, x->w, longer, methods, 1, x), -ENAMETOOLONG);
}

static void test_free_with_clients_and_calls(void **state)
{
	struct world *x = *state;
	int fd = dial(x->path);
	char buf[100];

	expect(x, fd, "{\"jsonrpc\":\"2.0\",\"method\":\"hold\",\"id\":1}\n", NULL);
	wait_held(x, 1);
	x->s = ctl_server_free(x->s);
	assert_int_equal(dial(x->path), -ENOENT);
	rounds(x, 3);
	assert_true(ctl_call_gone(x->held[0]));
	ctl_reply(x->held[0], json_true());
	assert_int_equal(read_line(x, fd, buf, sizeof(buf)), 0);
	(void)close(fd);
}

static void test_free_from_inside_a_method(void **state)
{
	struct world *x = *state;
	int fd = dial(x->path);
	char buf[100];

	expect(x, fd,
	       "[{\"jsonrpc\":\"2.0\",\"method\":\"stop\",\"id\":1},"
	       "{\"jsonrpc\":\"2.0\",\"method\":\"note\"}]\n",
	       NULL);
	assert_int_equal(read_line(x, fd, buf, sizeof(buf)), 0);
	assert_null(x->s);
	assert_int_equal(x->n_notes, 0);
	(void)close(fd);
}

/* --- the blocking client --- */

struct caller {
	pthread_t thread;
	const char *path;
	bool done; /* atomic by __atomic builtins */
	int r[6];
	struct ctl_client_error err[6];
	json_int_t result;
};

static void *caller_run(void *arg)
{
	struct caller *k = arg;
	struct ctl_client *c = NULL;
	json_t *v = NULL;

	k->r[0] = ctl_client_new(&c, k->path, 300);
	if (!k->r[0]) {
		k->r[1] = ctl_client_call(c, "subtract", json_pack("[i, i]", 5, 3), &v, &k->err[1]);
		k->result = json_integer_value(v);
		json_decref(v);
		k->r[2] = ctl_client_call(c, "fail", json_pack("{s:s}", "id", "q"), &v, &k->err[2]);
		k->r[3] = ctl_client_call(c, "hold", NULL, &v, &k->err[3]);
		k->r[4] = ctl_client_call(c, "stop", NULL, &v, &k->err[4]);
		k->r[5] = ctl_client_call(c, "stop", NULL, &v, &k->err[5]);
		ctl_client_free(c);
	}
	__atomic_store_n(&k->done, true, __ATOMIC_RELEASE);
	return NULL;
}

static void test_client(void **state)
{
	struct world *x = *state;
	struct caller k = { .path = x->path };
	struct ctl_client *c = NULL;

	assert_int_equal(pthread_create(&k.thread, NULL, caller_run, &k), 0);
	while (!__atomic_load_n(&k.done, __ATOMIC_ACQUIRE))
		assert_int_equal(worker_run_once(x->w, 1000000), 0);
	assert_int_equal(pthread_join(k.thread, NULL), 0);
	assert_int_equal(k.r[0], 0);
	assert_int_equal(k.r[1], 0);
	assert_int_equal(k.result, 2);
	assert_int_equal(k.r[2], CTL_CLIENT_E_REPLY);
	assert_int_equal(k.err[2].code, JSONRPC_NOT_FOUND);
	assert_string_equal(k.err[2].text, "no session \"q\"");
	assert_int_equal(k.r[3], -ETIMEDOUT);
	assert_int_equal(k.r[4], -ECONNRESET);
	assert_int_equal(k.r[5], -ECONNRESET);
	assert_int_equal(x->n_held, 1);
	ctl_reply(x->held[0], json_true());
	assert_int_equal(ctl_client_new(&c, x->path, 100), -ENOENT);
	assert_null(c);
	assert_string_equal(CTL_SOCKET_DEFAULT, CONFIG_CONTROL_SOCKET);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_examples),
		TEST(test_parse_error_keeps_the_connection),
		TEST(test_pipelining_and_pieces),
		TEST(test_deferred_answers_in_any_order),
		TEST(test_client_that_leaves_before_the_answer),
		TEST(test_half_close_gets_its_answers),
		TEST(test_peer_credentials),
		TEST(test_describe),
		TEST(test_too_long_line_ends_the_connection),
		TEST(test_many_open_calls_stop_the_reading),
		TEST(test_client_that_does_not_read),
		TEST(test_client_limit),
		TEST(test_socket_mode),
		TEST(test_living_and_dead_neighbours),
		TEST(test_free_with_clients_and_calls),
		TEST(test_free_from_inside_a_method),
		TEST(test_client),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
