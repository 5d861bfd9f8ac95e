/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* srptctl as its users see it: the program is run against a server with known answers. argv[1]: the program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "run/worker.h"

extern char **environ;

static const char *program;

struct world {
	struct worker *w;
	struct ctl_server *s;
	char dir[40];
	char path[64];
	char out[16384]; /* of the last run, both streams in the order of writing */
};

static const char status_text[] =
	"{\"version\":\"9.8.7\",\"pid\":42,\"uptime_s\":93784,\"channels_total\":3,"
	"\"workers\":[{\"index\":0,\"rounds\":10,\"sleeps\":2,\"events\":30,\"messages\":4}],"
	"\"io_uring\":{\"defer_taskrun\":true,\"zero_copy\":false,\"entries\":1024},"
	"\"targets\":[{\"name\":\"t1\",\"enabled\":true,\"listen\":[\"10.0.0.1:5555\",\"[fd00::1]:"
	"5555\"],"
	"\"id_ext\":\"0000000000000001\",\"ioc_guid\":\"00000000000000ff\",\"channels\":3,"
	"\"logins\":7,"
	"\"rejects\":1},"
	"{\"name\":\"off\",\"enabled\":false,\"listen\":[\"10.0.0.2:1\"],\"id_ext\":"
	"\"0000000000000002\","
	"\"ioc_guid\":\"00000000000000ff\",\"channels\":0,\"logins\":0,\"rejects\":0},"
	"{\"name\":\"any\",\"enabled\":true,\"listen\":[\"0.0.0.0:77\"],\"id_ext\":"
	"\"0000000000000003\","
	"\"ioc_guid\":\"00000000000000ff\",\"channels\":0,\"logins\":0,\"rejects\":0}],"
	"\"devices\":[{\"name\":\"d\\u001b[31m\",\"handler\":\"vdisk_ram\",\"size_bytes\":"
	"268435456,"
	"\"block_size\":512,\"read_only\":false,\"state\":\"ready\"}]}";

static const char sessions_text[] =
	"{\"sessions\":[{\"id\":\"s1\",\"target\":\"t1\",\"initiator\":"
	"\"0x00000000000000000000000000000001\","
	"\"peer\":\"10.0.0.7:4711\",\"state\":\"LIVE\",\"state_s\":61,\"channel\":1,\"worker\":0,"
	"\"credits\":128,\"in_flight\":5,\"read_bytes\":1536,\"write_bytes\":10,\"commands\":77,"
	"\"errors\":0}]}";

static void reply_text(struct ctl_call *call, const char *text)
{
	char err[100];

	ctl_reply(call, jsonrpc_value(text, strlen(text), err, sizeof(err)));
}

static void on_status(struct ctl_call *call, json_t *params)
{
	(void)params;
	reply_text(call, status_text);
}

static void on_sessions(struct ctl_call *call, json_t *params)
{
	(void)params;
	reply_text(call, sessions_text);
}

static void on_fail(struct ctl_call *call, json_t *params)
{
	int code = (int)json_integer_value(json_object_get(params, "code"));

	if (code) /* 0: never answers; the call is ended when the client has gone */
		ctl_fail(call, code, "as asked");
	else
		*(struct ctl_call **)ctl_call_ctx(call) = call;
}

static const struct ctl_param fail_params[] = { { "code", CTL_INTEGER, false, "The code." } };
static const struct ctl_method methods[] = {
	{ "status", "Status.", NULL, 0, "object", on_status },
	{ "session.list", "Sessions.", NULL, 0, "object", on_sessions },
	{ "fail", "Fails.", fail_params, 1, "never", on_fail },
};
static struct ctl_call *silent;

static int setup(void **state)
{
	struct world *x = calloc(1, sizeof(*x));

	assert_non_null(x);
	(void)snprintf(x->dir, sizeof(x->dir), "/tmp/srptd-srptctl-test-XXXXXX");
	assert_non_null(mkdtemp(x->dir));
	(void)snprintf(x->path, sizeof(x->path), "%s/sock", x->dir);
	assert_int_equal(worker_new(&x->w, 0, NULL), 0);
	assert_int_equal(
		ctl_server_new(&x->s, x->w, x->path, methods, ARRAY_SIZE(methods), &silent), 0);
	*state = x;
	return 0;
}

static int teardown(void **state)
{
	struct world *x = *state;

	x->s = ctl_server_free(x->s);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(worker_run_once(x->w, 0), 0);
	x->w = worker_free(x->w);
	assert_int_equal(rmdir(x->dir), 0);
	free(x);
	return 0;
}

/* Run srptctl with @args (words parted by single spaces), serving it meanwhile. Return: its exit code. */
static int run(struct world *x, const char *args)
{
	char words[256];
	char *argv[16] = { (char *)program, (char *)"--socket", x->path };
	char *save = NULL;
	posix_spawn_file_actions_t fa;
	unsigned n = 3;
	size_t len = 0;
	int fds[2];
	int status;
	pid_t pid;

	(void)snprintf(words, sizeof(words), "%s", args);
	for (char *p = strtok_r(words, " ", &save); p; p = strtok_r(NULL, " ", &save))
		argv[n++] = p;
	assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(posix_spawn_file_actions_init(&fa), 0);
	assert_int_equal(posix_spawn_file_actions_adddup2(&fa, fds[1], 1), 0);
	assert_int_equal(posix_spawn_file_actions_adddup2(&fa, fds[1], 2), 0);
	assert_int_equal(posix_spawn(&pid, program, &fa, NULL, argv, environ), 0);
	posix_spawn_file_actions_destroy(&fa);
	(void)close(fds[1]);
	for (;;) {
		ssize_t r = read(fds[0], x->out + len, sizeof(x->out) - 1 - len);

		if (!r)
			break;
		len += r > 0 ? (size_t)r : 0;
		assert_true(len < sizeof(x->out) - 1);
		assert_int_equal(worker_run_once(x->w, 1000000), 0);
	}
	x->out[len] = '\0';
	(void)close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_status(void **state)
{
	struct world *x = *state;

	assert_int_equal(run(x, "status"), 0);
	assert_string_equal(x->out, "srptd 9.8.7, pid 42, up 1d 02:03:04, 3 channels\n"
				    "io_uring: defer_taskrun, entries=1024\n"
				    "\n"
				    "TARGET  STATE     LISTEN                        ID_EXT        "
				    "    IOC_GUID          "
				    "CHANNELS  LOGINS  REJECTS\n"
				    "t1      enabled   10.0.0.1:5555 [fd00::1]:5555  "
				    "0000000000000001  00000000000000ff  "
				    "       3       7        1\n"
				    "off     disabled  10.0.0.2:1                    "
				    "0000000000000002  00000000000000ff  "
				    "       0       0        0\n"
				    "any     enabled   0.0.0.0:77                    "
				    "0000000000000003  00000000000000ff  "
				    "       0       0        0\n"
				    "\n"
				    "DEVICE  HANDLER       SIZE  BLOCK  ACCESS      STATE\n"
				    "d?[31m  vdisk_ram  256 MiB    512  read-write  ready\n"
				    "\n"
				    "WORKER  ROUNDS  SLEEPS  EVENTS  MESSAGES\n"
				    "     0      10       2      30         4\n");
}

static void test_session_list(void **state)
{
	struct world *x = *state;

	assert_int_equal(run(x, "session list"), 0);
	assert_string_equal(
		x->out,
		"ID  TARGET  INITIATOR                           PEER           STATE     SINCE  "
		"CHANNEL  WORKER  CREDITS  IN-FLIGHT     READ  WRITTEN  COMMANDS  ERRORS\n"
		"s1  t1      0x00000000000000000000000000000001  10.0.0.7:4711  LIVE   00:01:01  "
		"      1       0      128          5  1.5 KiB     10 B        77       0\n");
}

static void test_json_is_what_the_daemon_says(void **state)
{
	struct world *x = *state;
	char err[100];
	json_t *want = jsonrpc_value(sessions_text, sizeof(sessions_text) - 1, err, sizeof(err));
	json_t *got;

	assert_int_equal(run(x, "session list --json"), 0);
	got = jsonrpc_value(x->out, strlen(x->out), err, sizeof(err));
	assert_non_null(got);
	assert_true(json_equal(want, got));
	json_decref(want);
	json_decref(got);
}

static void test_login_info(void **state)
{
	struct world *x = *state;

	assert_int_equal(run(x, "login-info t1"), 0);
	assert_string_equal(
		x->out, "id_ext=0000000000000001,ioc_guid=00000000000000ff,dest=10.0.0.1:5555\n"
			"id_ext=0000000000000001,ioc_guid=00000000000000ff,dest=[fd00::1]:5555\n");
	/* A wildcard stands for the addresses of this host; it has one at least. */
	assert_int_equal(run(x, "login-info any"), 0);
	assert_non_null(strstr(x->out, "id_ext=0000000000000003,ioc_guid=00000000000000ff,dest="));
	assert_null(strstr(x->out, "0.0.0.0:"));
	assert_non_null(strstr(x->out, ":77\n"));
	assert_int_equal(run(x, "login-info off"), 0);
	assert_string_equal(x->out, "srptctl: off: nothing is enabled, so nobody can log in\n");
	assert_int_equal(run(x, "login-info nope"), 4);
	assert_string_equal(x->out, "srptctl: nope: no such target\n");
	assert_int_equal(run(x, "login-info --json t1"), 0);
	assert_non_null(strstr(x->out, "\"dest\": \"[fd00::1]:5555\""));
}

static void test_exit_codes(void **state)
{
	static const struct {
		const char *args;
		int code;
		const char *says;
	} rows[] = {
		{ "rpc fail [-32000]", 1, "srptctl: fail: as asked (code -32000)" },
		{ "rpc fail [-32001]", 4, "as asked" },
		{ "rpc fail [-32002]", 5, "as asked" },
		{ "rpc fail [-32003]", 6, "as asked" },
		{ "rpc fail [-32004]", 7, "as asked" },
		{ "rpc fail [-32005]", 8, "as asked" },
		{ "rpc fail []", 2, "is missing" },
		{ "rpc nothing", 1, "no method \"nothing\"" },
		{ "rpc", 2, "which METHOD?" },
		{ "rpc fail {", 2, "srptctl: {: " },
		{ "rpc fail 1", 2, "must be a JSON object or array" },
		{ "rpc rpc.describe", 0, "session.list" },
		{ "--timeout 1 rpc fail [0]", 8, "no answer within 1000 ms" },
		{ "status more", 2, "srptctl: more: one word too many" },
		{ "session", 2, "needs a verb" },
		{ "session drop", 2, "has no such verb" },
		{ "bogus", 2, "srptctl: bogus: no such command" },
		{ "", 2, "none given" },
		{ "--bogus", 2, "unrecognized option" },
		{ "--timeout x status", 2, "not a number of seconds" },
		{ "--help", 0, "session list" },
		{ "--help", 0, "fault add KIND" },
		{ "fault", 2, "needs a verb" },
		{ "fault add", 2, "which? black-hole" },
		{ "fault add busy 1 2", 2, "srptctl: 2: none of device=" },
		{ "fault add busy colour=red", 2, "none of device=" },
		{ "fault add busy devices=x", 2, "none of device=" },
		{ "fault add busy count=x", 2, "a number is needed" },
		{ "fault clear x", 2, "not the number of a fault" },
		{ "--version", 0, "srptctl " SRPTD_VERSION },
		{ "--socket /nonexistent/x status", 3,
		  "srptctl: /nonexistent/x: no srptd answers" },
	};
	struct world *x = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int r = run(x, rows[i].args);

		if (r != rows[i].code || !strstr(x->out, rows[i].says))
			fail_msg("srptctl %s: exit code %d, expected %d and \"%s\"\n%s",
				 rows[i].args, r, rows[i].code, rows[i].says, x->out);
	}
	assert_non_null(silent);
	ctl_reply(silent, json_true());
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(test_status),
		TEST(test_session_list),
		TEST(test_json_is_what_the_daemon_says),
		TEST(test_login_info),
		TEST(test_exit_codes),
	};

	if (argc != 2)
		return 2;
	program = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
