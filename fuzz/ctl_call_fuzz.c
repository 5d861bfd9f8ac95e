/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Any lines of a client through the dispatcher, to methods that answer at once, later, with an error, or
 * only when the client has gone. Every request with an id is answered exactly once and with that id, no
 * notification is, and what goes out are lines of JSON. Input: lines; the first byte says when the client goes.
 */
#include "fuzz.h"
#include "ctl/server.h"

#define LATER_MAX 64u

struct client {
	struct ctl_server server;
	struct ctl_conn conn;
	struct ctl_call *later[LATER_MAX];
	unsigned n_later;
	unsigned n_called; /* methods of ours that ran */
	unsigned n_ended;
	size_t n_answers;
};

static struct client client;

/* --- what the dispatcher needs of the server --- */

static void answer_judge(const json_t *v)
{
	const json_t *id = json_object_get(v, "id");
	const json_t *error = json_object_get(v, "error");

	const char *version = json_string_value(json_object_get(v, "jsonrpc"));

	check(json_is_object(v) && id && version && strcmp(version, "2.0") == 0);
	check((error != NULL) != (json_object_get(v, "result") != NULL));
	if (error)
		check(json_is_integer(json_object_get(error, "code")) &&
		      json_is_string(json_object_get(error, "message")));
	client.n_answers++;
}

void ctl_conn_send(struct ctl_conn *c, const void *p, size_t n)
{
	json_t *v;
	size_t i;
	json_t *one;

	check(c == &client.conn && !c->gone);
	check(n && ((const char *)p)[n - 1] == '\n' && memchr(p, '\n', n - 1) == NULL);
	v = json_loadb(p, n, JSON_ALLOW_NUL, NULL);
	check(v);
	if (json_is_array(v)) {
		check(json_array_size(v) > 0);
		json_array_foreach(v, i, one) answer_judge(one);
	} else {
		answer_judge(v);
	}
	json_decref(v);
}

void ctl_conn_kick(struct ctl_conn *c)
{
	check(c == &client.conn);
}

void ctl_conn_unref(struct ctl_conn *c)
{
	check(c == &client.conn && c->refs > 1);
	c->refs--;
}

/* --- methods --- */

static void method_now(struct ctl_call *call, json_t *params)
{
	client.n_called++;
	client.n_ended++;
	check(json_is_object(params));
	ctl_reply(call, json_incref(params));
}

static void method_fail(struct ctl_call *call, json_t *params)
{
	const char *why = json_string_value(json_object_get(params, "why"));

	client.n_called++;
	client.n_ended++;
	check(json_is_integer(json_object_get(params, "code")));
	ctl_fail(call, (int)json_integer_value(json_object_get(params, "code")), "no: %s",
		 why ? why : "no reason");
}

static void method_later(struct ctl_call *call, json_t *params)
{
	(void)params;
	client.n_called++;
	if (client.n_later < LATER_MAX) {
		client.later[client.n_later++] = call;
		return;
	}
	client.n_ended++;
	ctl_reply(call, NULL); /* as when there is no memory */
}

static void method_gone(struct ctl_call *call, json_t *params)
{
	(void)params;
	client.n_called++;
	client.n_ended++;
	client.conn.gone = true;
	check(ctl_call_gone(call));
	ctl_reply(call, json_true());
}

static const struct ctl_param fail_params[] = { { "code", CTL_INTEGER, false, "a code" },
						{ "why", CTL_STRING, true, "words" } };
static const struct ctl_param now_params[] = { { "s", CTL_STRING, true, "" },
					       { "i", CTL_INTEGER, true, "" },
					       { "b", CTL_BOOLEAN, true, "" },
					       { "o", CTL_OBJECT, true, "" },
					       { "a", CTL_ARRAY, true, "" } };
static const struct ctl_method methods[] = {
	{ "now", "answers", now_params, ARRAY_SIZE(now_params), "what it got", method_now },
	{ "fail", "fails", fail_params, ARRAY_SIZE(fail_params), "never", method_fail },
	{ "later", "answers later", NULL, 0, "true", method_later },
	{ "gone", "the client goes", NULL, 0, "nobody sees it", method_gone },
};

static void end_later(void)
{
	while (client.n_later) {
		client.n_ended++;
		ctl_reply(client.later[--client.n_later], json_true());
	}
}

/* How many answers the line must get, whatever its methods do. */
static size_t answers_due(const char *line, size_t len)
{
	struct jsonrpc_message m;
	char err[128];
	size_t n = 0;

	if (jsonrpc_parse(&m, line, len, err, sizeof(err)))
		return 1;
	for (unsigned i = 0; i < m.n; i++) {
		struct jsonrpc_request r = jsonrpc_request_at(&m, i);

		n += !r.method || r.id;
	}
	jsonrpc_message_deinit(&m);
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct jsonrpc_lines l = { 0 };
	const char *line;
	size_t line_len;
	size_t due = 0;
	size_t n = 0;

	if (len < 2)
		return 0;
	client = (struct client){
		.server = { .methods = methods, .n_methods = ARRAY_SIZE(methods), .refs = 1 },
		.conn = { .server = &client.server, .fd = -1, .refs = 1 },
	};
	check(jsonrpc_lines_push(&l, data + 1, len - 1) == 0);
	while (!client.conn.gone && jsonrpc_lines_next(&l, &line, &line_len) == 1) {
		due += answers_due(line, line_len);
		ctl_dispatch(&client.conn, line, line_len);
		if (++n % 4 == data[0] % 8)
			end_later();
	}
	end_later();
	check(client.n_called == client.n_ended && client.conn.n_calls == 0);
	check(client.conn.refs == 1);
	check(client.conn.gone ? client.n_answers <= due : client.n_answers == due);
	jsonrpc_lines_deinit(&l);
	return 0;
}
