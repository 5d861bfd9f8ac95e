/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * JSON-RPC 2.0 as bytes in, requests out and back: no socket, no clock. The only place where JSON
 * of others is parsed: duplicate keys, deep nesting and long lines are refused here.
 */
#pragma once

#include <jansson.h>

#include "base/util.h"

#define JSONRPC_LINE_MAX  (1u << 20) /* bytes of one message, without its newline */
#define JSONRPC_DEPTH_MAX 32u        /* arrays and objects inside each other */
#define JSONRPC_BATCH_MAX 128u       /* requests in one array */

/* Codes of the specification, then ours; srptctl turns ours into exit codes. */
enum jsonrpc_code {
	JSONRPC_PARSE = -32700,
	JSONRPC_REQUEST = -32600,
	JSONRPC_METHOD = -32601,
	JSONRPC_PARAMS = -32602,
	JSONRPC_INTERNAL = -32603,
	JSONRPC_FAILED = -32000,        /* the operation was tried and failed */
	JSONRPC_NOT_FOUND = -32001,     /* no object of that name */
	JSONRPC_EXISTS = -32002,        /* already there, or in conflict */
	JSONRPC_BUSY = -32003,          /* in use, for instance by sessions */
	JSONRPC_NOT_PERMITTED = -32004, /* this client may not */
	JSONRPC_TIMEOUT = -32005,
};

/* --- bytes to lines --- */

struct jsonrpc_lines {
	char *buf;
	size_t start; /* of the first byte not handed out */
	size_t len;   /* bytes in buf */
	size_t cap;
	size_t scanned; /* no newline before this */
};

/* Zero is a valid empty state; deinit gives the memory back. */
void jsonrpc_lines_deinit(struct jsonrpc_lines *l);
/* Append @n bytes. Return: 0 or -ENOMEM. The caller drains lines between calls and so bounds memory. */
must_check int jsonrpc_lines_push(struct jsonrpc_lines *l, const void *p, size_t n);
/**
 * jsonrpc_lines_next() - the next complete line
 * @ret, @ret_len: the line without its newline (and without a '\r' before it); valid until the next push
 *
 * Return: 1 a line, 0 none yet, -EMSGSIZE the line is longer than JSONRPC_LINE_MAX: the stream is lost.
 */
must_check int jsonrpc_lines_next(struct jsonrpc_lines *l, const char **ret, size_t *ret_len);

/* --- lines to requests --- */

struct jsonrpc_request {
	json_t *id;         /* borrowed; NULL: a notification, which gets no answer */
	const char *method; /* borrowed; NULL: not a request, answer with @code and @error */
	json_t *params;     /* borrowed object or array, or NULL */
	int code;
	const char *error; /* static */
};

struct jsonrpc_message {
	json_t *root; /* owns everything */
	bool batch;
	unsigned n; /* requests; a line of spaces only has none and gets no answer */
};

/**
 * jsonrpc_parse() - one line to a message
 * @ret: set on success; release with jsonrpc_message_deinit()
 * @err: on JSONRPC_PARSE and JSONRPC_REQUEST a sentence of at most @err_len bytes
 *
 * Return: 0; JSONRPC_PARSE (not JSON) or JSONRPC_REQUEST (an empty or too long batch): answer with an
 * error without id; never positive.
 */
must_check int jsonrpc_parse(struct jsonrpc_message *ret, const char *line, size_t len, char *err,
			     size_t err_len);
/* Request @i < @m->n; lives as long as @m. */
struct jsonrpc_request jsonrpc_request_at(const struct jsonrpc_message *m, unsigned i);
void jsonrpc_message_deinit(struct jsonrpc_message *m);

/* --- answers --- */

/* Answer objects; @id is borrowed (NULL: null), @result's reference is taken over. NULL: no memory. */
json_t *jsonrpc_result(json_t *id, json_t *result);
json_t *jsonrpc_error(json_t *id, int code, const char *text);
/* A request of ours; @params' reference is taken over and may be NULL. NULL: no memory. */
json_t *jsonrpc_call(uint64_t id, const char *method, json_t *params);
/* One line with its newline, the caller free()s it; NULL: no memory. @ret_len may be NULL. */
char *jsonrpc_line(const json_t *v, size_t *ret_len);
/* Parse any one JSON value with the limits of this header; NULL with a sentence in @err. */
json_t *jsonrpc_value(const char *text, size_t len, char *err, size_t err_len);
