/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "ctl/jsonrpc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- bytes to lines --- */

void jsonrpc_lines_deinit(struct jsonrpc_lines *l)
{
	free(l->buf);
	memset(l, 0, sizeof(*l));
}

int jsonrpc_lines_push(struct jsonrpc_lines *l, const void *p, size_t n)
{
	if (l->start) {
		memmove(l->buf, l->buf + l->start, l->len - l->start);
		l->len -= l->start;
		l->scanned -= l->start;
		l->start = 0;
	}
	if (n > l->cap - l->len) {
		size_t cap = l->cap ? l->cap : 4096;
		char *more;

		while (cap - l->len < n)
			cap *= 2;
		more = realloc(l->buf, cap);
		if (!more)
			return -ENOMEM;
		l->buf = more;
		l->cap = cap;
	}
	if (n)
		memcpy(l->buf + l->len, p, n);
	l->len += n;
	return 0;
}

int jsonrpc_lines_next(struct jsonrpc_lines *l, const char **ret, size_t *ret_len)
{
	const char *end = NULL;
	size_t n;

	if (l->len > l->scanned)
		end = memchr(l->buf + l->scanned, '\n', l->len - l->scanned);
	n = end ? (size_t)(end - (l->buf + l->start)) : l->len - l->start;
	if (n > JSONRPC_LINE_MAX)
		return -EMSGSIZE;
	if (!end) {
		l->scanned = l->len;
		return 0;
	}
	*ret = l->buf + l->start;
	*ret_len = n && (*ret)[n - 1] == '\r' ? n - 1 : n;
	l->start += n + 1;
	l->scanned = l->start;
	return 1;
}

/* --- lines to values --- */

/* Are arrays and objects in @text nested deeper than we (and the parser's recursion) want? */
static bool jsonrpc_too_deep(const char *text, size_t len)
{
	unsigned depth = 0;
	bool in_string = false;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (in_string) {
			i += c == '\\';
			in_string = c != '"';
		} else if (c == '"') {
			in_string = true;
		} else if (c == '[' || c == '{') {
			if (++depth > JSONRPC_DEPTH_MAX)
				return true;
		} else if ((c == ']' || c == '}') && depth) {
			depth--;
		}
	}
	return false;
}

json_t *jsonrpc_value(const char *text, size_t len, char *err, size_t err_len)
{
	json_error_t e;
	json_t *v;

	if (jsonrpc_too_deep(text, len)) {
		(void)snprintf(err, err_len, "nested deeper than %u", JSONRPC_DEPTH_MAX);
		return NULL;
	}
	v = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &e);
	if (!v)
		(void)snprintf(err, err_len, "column %d: %s", e.column, e.text);
	return v;
}

static bool jsonrpc_only_spaces(const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (line[i] != ' ' && line[i] != '\t')
			return false;
	return true;
}

int jsonrpc_parse(struct jsonrpc_message *ret, const char *line, size_t len, char *err,
		  size_t err_len)
{
	struct jsonrpc_message m = { 0 };
	size_t n;

	if (jsonrpc_only_spaces(line, len)) {
		*ret = m;
		return 0;
	}
	m.root = jsonrpc_value(line, len, err, err_len);
	if (!m.root)
		return JSONRPC_PARSE;
	m.batch = json_is_array(m.root);
	n = m.batch ? json_array_size(m.root) : 1;
	if (!n || n > JSONRPC_BATCH_MAX) {
		(void)snprintf(err, err_len, "a batch must hold 1 to %u requests",
			       JSONRPC_BATCH_MAX);
		json_decref(m.root);
		return JSONRPC_REQUEST;
	}
	m.n = (unsigned)n;
	*ret = m;
	return 0;
}

void jsonrpc_message_deinit(struct jsonrpc_message *m)
{
	json_decref(m->root);
	memset(m, 0, sizeof(*m));
}

/* What is wrong with the object @v as a request; NULL: nothing. */
static const char *jsonrpc_defect(const json_t *v)
{
	const json_t *id = json_object_get(v, "id");
	const json_t *params = json_object_get(v, "params");
	const char *version = json_string_value(json_object_get(v, "jsonrpc"));

	if (!json_is_object(v))
		return "a request must be an object";
	if (id && !json_is_string(id) && !json_is_number(id) && !json_is_null(id))
		return "id must be a string, a number or null";
	if (!version || strcmp(version, "2.0") != 0)
		return "jsonrpc must be \"2.0\"";
	if (!json_is_string(json_object_get(v, "method")))
		return "method must be a string";
	if (params && !json_is_object(params) && !json_is_array(params))
		return "params must be an object or an array";
	return NULL;
}

struct jsonrpc_request jsonrpc_request_at(const struct jsonrpc_message *m, unsigned i)
{
	json_t *v = m->batch ? json_array_get(m->root, i) : m->root;
	struct jsonrpc_request r = { .id = json_object_get(v, "id") };

	r.error = jsonrpc_defect(v);
	if (r.error) {
		r.code = JSONRPC_REQUEST;
		/* The answer carries the id only when that much could be made out. */
		if (!json_is_string(r.id) && !json_is_number(r.id))
			r.id = NULL;
		return r;
	}
	r.method = json_string_value(json_object_get(v, "method"));
	r.params = json_object_get(v, "params");
	return r;
}

/* --- answers --- */

/* The frame of an answer around @value, whose reference is taken over; NULL: no memory. */
static json_t *jsonrpc_answer(json_t *id, const char *key, json_t *value)
{
	return json_pack("{s:s, s:o, s:o}", "jsonrpc", "2.0", key, value, "id",
			 id ? json_incref(id) : json_null());
}

json_t *jsonrpc_result(json_t *id, json_t *result)
{
	if (!result)
		return NULL;
	return jsonrpc_answer(id, "result", result);
}

json_t *jsonrpc_error(json_t *id, int code, const char *text)
{
	json_t *error = json_pack("{s:i, s:s}", "code", code, "message", text);

	/* The text may quote what a client wrote and be cut inside a character: then only the code. */
	if (!error)
		error = json_pack("{s:i, s:s}", "code", code, "message", "error");
	return error ? jsonrpc_answer(id, "error", error) : NULL;
}

json_t *jsonrpc_call(uint64_t id, const char *method, json_t *params)
{
	json_t *v = json_pack("{s:s, s:I, s:s}", "jsonrpc", "2.0", "id", (json_int_t)id, "method",
			      method);

	if (params && v && json_object_set_new(v, "params", params)) {
		json_decref(v);
		return NULL;
	}
	if (params && !v)
		json_decref(params);
	return v;
}

char *jsonrpc_line(const json_t *v, size_t *ret_len)
{
	char *text = v ? json_dumps(v, JSON_COMPACT) : NULL;
	size_t n = text ? strlen(text) : 0;
	char *line;

	if (!text)
		return NULL;
	line = realloc(text, n + 2);
	if (!line) {
		free(text);
		return NULL;
	}
	line[n] = '\n';
	line[n + 1] = '\0';
	if (ret_len)
		*ret_len = n + 1;
	return line;
}
