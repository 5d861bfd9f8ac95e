/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* From a line to calls of methods, and their answers back to the client. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "ctl/server.h"

/* The answers of an array of requests, which are sent together. */
struct ctl_batch {
	unsigned pending; /* calls not ended, and one while the array is still being read */
	json_t *answers;  /* NULL: no memory for it, the client gets what can be sent singly */
};

struct ctl_call {
	struct ctl_conn *conn; /* referenced */
	void *ctx;
	struct ctl_peer peer;
	json_t *id; /* NULL: a notification */
	bool notification;
	struct ctl_batch *batch; /* or NULL */
};

void *ctl_call_ctx(const struct ctl_call *call)
{
	return call->ctx;
}

const struct ctl_peer *ctl_call_peer(const struct ctl_call *call)
{
	return &call->peer;
}

bool ctl_call_gone(const struct ctl_call *call)
{
	return call->conn->gone;
}

/* --- answers --- */

/* Send @answer, whose reference is taken over; NULL (no memory) becomes a fixed text. */
static void call_send(struct ctl_conn *c, json_t *answer)
{
	static const char no_memory[] = "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32603,"
					"\"message\":\"out of memory\"},\"id\":null}\n";
	size_t len = 0;
	char *line = c->gone ? NULL : jsonrpc_line(answer, &len);

	if (line)
		ctl_conn_send(c, line, len);
	else if (!c->gone)
		ctl_conn_send(c, no_memory, sizeof(no_memory) - 1);
	free(line);
	json_decref(answer);
}

static void call_batch_put(struct ctl_conn *c, struct ctl_batch *b)
{
	if (--b->pending)
		return;
	/* A batch of nothing but notifications gets no answer at all. */
	if (json_array_size(b->answers))
		call_send(c, b->answers);
	else
		json_decref(b->answers);
	free(b);
}

static void call_answer(struct ctl_conn *c, struct ctl_batch *b, json_t *answer)
{
	if (b && b->answers && answer)
		(void)json_array_append_new(b->answers, answer);
	else
		call_send(c, answer);
}

/* Drop @call after its answer, if it gets one, is on its way. */
static void call_end(struct ctl_call *call, json_t *answer)
{
	struct ctl_conn *c = call->conn;

	if (call->notification)
		json_decref(answer);
	else
		call_answer(c, call->batch, answer);
	if (call->batch)
		call_batch_put(c, call->batch);
	json_decref(call->id);
	free(call);
	check(c->n_calls > 0);
	c->n_calls--;
	ctl_conn_kick(c);
	ctl_conn_unref(c);
}

void ctl_reply(struct ctl_call *call, json_t *result)
{
	if (!result) {
		ctl_fail(call, JSONRPC_INTERNAL, "out of memory");
		return;
	}
	call_end(call, jsonrpc_result(call->id, result));
}

void ctl_fail(struct ctl_call *call, int code, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	call_end(call, jsonrpc_error(call->id, code, text));
}

/* --- parameters --- */

static const char *const call_types[] = {
	[CTL_STRING] = "string", [CTL_INTEGER] = "integer", [CTL_BOOLEAN] = "boolean",
	[CTL_OBJECT] = "object", [CTL_ARRAY] = "array",
};

static bool call_type_is(enum ctl_type type, const json_t *v)
{
	switch (type) {
	case CTL_STRING:
		return json_is_string(v);
	case CTL_INTEGER:
		return json_is_integer(v);
	case CTL_BOOLEAN:
		return json_is_boolean(v);
	case CTL_OBJECT:
		return json_is_object(v);
	case CTL_ARRAY:
		return json_is_array(v);
	}
	return false;
}

static const struct ctl_param *call_param(const struct ctl_method *m, const char *name)
{
	for (unsigned i = 0; i < m->n_params; i++)
		if (!strcmp(m->params[i].name, name))
			return &m->params[i];
	return NULL;
}

/* @params by name (a new object), whichever way they came. NULL with @err set: they do not fit. */
static json_t *call_params_named(const struct ctl_method *m, json_t *params, char *err,
				 size_t err_len)
{
	size_t n = json_array_size(params); /* 0 for an object and for NULL */
	json_t *named;

	(void)snprintf(err, err_len, "out of memory");
	if (n > m->n_params) {
		(void)snprintf(err, err_len, "%s takes at most %u parameters", m->name,
			       m->n_params);
		return NULL;
	}
	if (json_is_object(params))
		return json_incref(params);
	named = json_object();
	for (size_t i = 0; named && i < n; i++)
		if (json_object_set(named, m->params[i].name, json_array_get(params, i))) {
			json_decref(named);
			return NULL;
		}
	return named;
}

/* Does every parameter of @named exist, with its type, and is none missing? */
static bool call_params_fit(const struct ctl_method *m, json_t *named, char *err, size_t err_len)
{
	const char *key;
	json_t *v;

	json_object_foreach(named, key, v)
	{
		const struct ctl_param *p = call_param(m, key);

		if (!p) {
			(void)snprintf(err, err_len, "%s has no parameter \"%.64s\"", m->name, key);
			return false;
		}
		if (!call_type_is(p->type, v)) {
			(void)snprintf(err, err_len, "parameter \"%s\" must be of type %s", key,
				       call_types[p->type]);
			return false;
		}
	}
	for (unsigned i = 0; i < m->n_params; i++)
		if (!m->params[i].optional && !json_object_get(named, m->params[i].name)) {
			(void)snprintf(err, err_len, "parameter \"%s\" is missing",
				       m->params[i].name);
			return false;
		}
	return true;
}

/* --- rpc.describe --- */

static json_t *call_describe_method(const struct ctl_method *m)
{
	json_t *params = json_array();

	for (unsigned i = 0; params && i < m->n_params; i++) {
		const struct ctl_param *p = &m->params[i];

		if (json_array_append_new(params, json_pack("{s:s, s:s, s:b, s:s}", "name", p->name,
							    "type", call_types[p->type], "optional",
							    p->optional, "help", p->help))) {
			json_decref(params);
			return NULL;
		}
	}
	if (!params)
		return NULL;
	return json_pack("{s:s, s:s, s:o, s:s}", "name", m->name, "help", m->help, "params", params,
			 "result", m->result);
}

static void call_describe(struct ctl_call *call, json_t *params);

static const struct ctl_method call_describe_row = {
	.name = "rpc.describe",
	.help = "The methods of this daemon, their parameters and results.",
	.result =
		"{version, methods:[{name, help, params:[{name, type, optional, help}], result}]}",
	.call = call_describe,
};

static void call_describe(struct ctl_call *call, json_t *params)
{
	const struct ctl_server *s = call->conn->server;
	json_t *methods = json_array();
	int r = methods ? 0 : -1;

	(void)params;
	for (unsigned i = 0; !r && i < s->n_methods; i++)
		r = json_array_append_new(methods, call_describe_method(&s->methods[i]));
	if (!r)
		r = json_array_append_new(methods, call_describe_method(&call_describe_row));
	if (r) {
		json_decref(methods);
		methods = NULL;
	}
	ctl_reply(call,
		  methods ? json_pack("{s:s, s:o}", "version", SRPTD_VERSION, "methods", methods)
			  : NULL);
}

/* --- dispatch --- */

static const struct ctl_method *call_method(const struct ctl_server *s, const char *name)
{
	if (!strcmp(name, call_describe_row.name))
		return &call_describe_row;
	for (unsigned i = 0; i < s->n_methods; i++)
		if (!strcmp(s->methods[i].name, name))
			return &s->methods[i];
	return NULL;
}

static void call_run(struct ctl_call *call, const struct jsonrpc_request *r)
{
	const struct ctl_method *m = call_method(call->conn->server, r->method);
	char err[160];
	json_t *params;

	if (!m) {
		ctl_fail(call, JSONRPC_METHOD, "no method \"%.64s\"; rpc.describe lists them",
			 r->method);
		return;
	}
	params = call_params_named(m, r->params, err, sizeof(err));
	if (params && call_params_fit(m, params, err, sizeof(err)))
		m->call(call, params);
	else
		ctl_fail(call, JSONRPC_PARAMS, "%s", err);
	json_decref(params);
}

static void call_start(struct ctl_conn *c, struct ctl_batch *b, const struct jsonrpc_request *r)
{
	struct ctl_call *call;

	if (!r->method) {
		call_answer(c, b, jsonrpc_error(r->id, r->code, r->error));
		return;
	}
	call = calloc(1, sizeof(*call));
	if (!call) {
		if (r->id)
			call_answer(c, b, jsonrpc_error(r->id, JSONRPC_INTERNAL, "out of memory"));
		return;
	}
	call->conn = c;
	call->ctx = c->server->ctx;
	call->peer = c->peer;
	call->id = json_incref(r->id);
	call->notification = !r->id;
	call->batch = b;
	if (b)
		b->pending++;
	c->refs++;
	c->n_calls++;
	call_run(call, r);
}

void ctl_dispatch_refuse(struct ctl_conn *c, int code, const char *text)
{
	call_send(c, jsonrpc_error(NULL, code, text));
}

void ctl_dispatch(struct ctl_conn *c, const char *line, size_t len)
{
	struct jsonrpc_message m;
	struct ctl_batch *b = NULL;
	char err[256];
	int r = jsonrpc_parse(&m, line, len, err, sizeof(err));

	if (r) {
		ctl_dispatch_refuse(c, r, err);
		return;
	}
	if (m.batch) {
		b = calloc(1, sizeof(*b));
		if (!b) {
			ctl_dispatch_refuse(c, JSONRPC_INTERNAL, "out of memory");
			jsonrpc_message_deinit(&m);
			return;
		}
		b->pending = 1;
		b->answers = json_array();
	}
	c->refs++; /* a method may end the server */
	for (unsigned i = 0; i < m.n && !c->gone; i++) {
		struct jsonrpc_request req = jsonrpc_request_at(&m, i);

		call_start(c, b, &req);
	}
	if (b)
		call_batch_put(c, b);
	ctl_conn_unref(c);
	jsonrpc_message_deinit(&m);
}
