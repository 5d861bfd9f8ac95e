/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Bytes to lines, lines to requests, answers to lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/jsonrpc.h"

static void test_lines(void **state)
{
	static const char text[] = "one\n\r\ntwo\r\n\nrest";
	static const char *const lines[] = { "one", "", "two", "" };

	(void)state;
	/* Whatever the pieces in which the bytes come, the lines are the same. */
	for (size_t step = 1; step <= sizeof(text); step++) {
		struct jsonrpc_lines l = { 0 };
		const char *line;
		unsigned n = 0;
		size_t len;

		for (size_t at = 0; at < sizeof(text) - 1; at += step) {
			assert_int_equal(jsonrpc_lines_push(&l, text + at,
							    min_size(step, sizeof(text) - 1 - at)),
					 0);
			while (jsonrpc_lines_next(&l, &line, &len) == 1) {
				assert_true(n < ARRAY_SIZE(lines));
				assert_int_equal(len, strlen(lines[n]));
				assert_memory_equal(line, lines[n], len);
				n++;
			}
		}
		assert_int_equal(n, ARRAY_SIZE(lines));
		jsonrpc_lines_deinit(&l);
	}
}

static void test_line_limit(void **state)
{
	char *text = malloc(JSONRPC_LINE_MAX + 2);
	struct jsonrpc_lines l = { 0 };
	const char *line;
	size_t len;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', JSONRPC_LINE_MAX + 2);
	text[JSONRPC_LINE_MAX] = '\n';
	assert_int_equal(jsonrpc_lines_push(&l, text, JSONRPC_LINE_MAX), 0);
	assert_int_equal(jsonrpc_lines_next(&l, &line, &len), 0);
	assert_int_equal(jsonrpc_lines_push(&l, "\n", 1), 0);
	assert_int_equal(jsonrpc_lines_next(&l, &line, &len), 1);
	assert_int_equal(len, JSONRPC_LINE_MAX);
	text[JSONRPC_LINE_MAX] = 'x';
	assert_int_equal(jsonrpc_lines_push(&l, text, JSONRPC_LINE_MAX + 1), 0);
	assert_int_equal(jsonrpc_lines_next(&l, &line, &len), -EMSGSIZE);
	jsonrpc_lines_deinit(&l);
	free(text);
}

static const struct {
	const char *line;
	int r; /* of parsing */
	unsigned n;
	const char *method; /* of the first request, NULL: it is none */
	const char *error;  /* part of it */
	bool id;
} rows[] = {
	{ "{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"id\":1}", 0, 1, "m", NULL, true },
	{ "{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"id\":\"x\",\"params\":[1]}", 0, 1, "m", NULL,
	  true },
	{ "{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"id\":null}", 0, 1, "m", NULL, true },
	{ "{\"jsonrpc\":\"2.0\",\"method\":\"m\"}", 0, 1, "m", NULL, false },
	{ "[{\"jsonrpc\":\"2.0\",\"method\":\"m\"},1]", 0, 2, "m", NULL, false },
	{ "", 0, 0, NULL, NULL, false },
	{ " \t", 0, 0, NULL, NULL, false },
	{ "{\"jsonrpc\":\"2.0\",\"method\":1,\"params\":\"bar\"}", 0, 1, NULL, "method must",
	  false },
	{ "{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"params\":\"bar\",\"id\":7}", 0, 1, NULL,
	  "params must", true },
	{ "{\"jsonrpc\":\"1.0\",\"method\":\"m\",\"id\":7}", 0, 1, NULL, "jsonrpc must", true },
	{ "{\"method\":\"m\",\"id\":7}", 0, 1, NULL, "jsonrpc must", true },
	{ "{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"id\":{}}", 0, 1, NULL, "id must", false },
	{ "{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"id\":true}", 0, 1, NULL, "id must", false },
	{ "1", 0, 1, NULL, "must be an object", false },
	{ "null", 0, 1, NULL, "must be an object", false },
	{ "[[]]", 0, 1, NULL, "must be an object", false },
	{ "[]", JSONRPC_REQUEST, 0, NULL, "batch", false },
	{ "{\"jsonrpc\":\"2.0\",\"method\":\"foobar,\"params\":\"bar\",\"baz]", JSONRPC_PARSE, 0,
	  NULL, "", false },
	{ "{\"a\":1,\"a\":2}", JSONRPC_PARSE, 0, NULL, "duplicate", false },
	{ "{\"jsonrpc\":\"2.0\"} x", JSONRPC_PARSE, 0, NULL, "", false },
	{ "{\"a\":\"\\u0000\"}", JSONRPC_PARSE, 0, NULL, "", false },
	{ "{\"a\":\"\377\"}", JSONRPC_PARSE, 0, NULL, "", false },
	{ "{\"a\":99999999999999999999999}", JSONRPC_PARSE, 0, NULL, "", false },
	{ "{\"a\":NaN}", JSONRPC_PARSE, 0, NULL, "", false },
};

static void test_requests(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct jsonrpc_message m;
		char err[256] = "";
		struct jsonrpc_request q;
		int r = jsonrpc_parse(&m, rows[i].line, strlen(rows[i].line), err, sizeof(err));

		if (r != rows[i].r)
			fail_msg("%s gave %d: %s", rows[i].line, r, err);
		if (r) {
			assert_non_null(strstr(err, rows[i].error));
			continue;
		}
		assert_int_equal(m.n, rows[i].n);
		if (m.n) {
			q = jsonrpc_request_at(&m, 0);
			assert_int_equal(q.method != NULL, rows[i].method != NULL);
			assert_int_equal(q.id != NULL, rows[i].id);
			if (q.method)
				assert_string_equal(q.method, rows[i].method);
			else
				assert_non_null(strstr(q.error, rows[i].error));
			assert_int_equal(q.code, q.method ? 0 : JSONRPC_REQUEST);
		}
		jsonrpc_message_deinit(&m);
	}
}

static void test_depth_limit(void **state)
{
	static const char in_string[] = "[\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[[\"]";
	char text[2 * JSONRPC_DEPTH_MAX + 3];
	char err[100];
	json_t *v;

	(void)state;
	memset(text, '[', JSONRPC_DEPTH_MAX);
	memset(text + JSONRPC_DEPTH_MAX, ']', JSONRPC_DEPTH_MAX);
	v = jsonrpc_value(text, (size_t)2 * JSONRPC_DEPTH_MAX, err, sizeof(err));
	assert_non_null(v);
	json_decref(v);
	memset(text, '[', JSONRPC_DEPTH_MAX + 1);
	memset(text + JSONRPC_DEPTH_MAX + 1, ']', JSONRPC_DEPTH_MAX + 1);
	assert_null(jsonrpc_value(text, (size_t)2 * JSONRPC_DEPTH_MAX + 2, err, sizeof(err)));
	assert_string_equal(err, "nested deeper than 32");
	/* Brackets in strings do not count. */
	v = jsonrpc_value(in_string, sizeof(in_string) - 1, err, sizeof(err));
	assert_non_null(v);
	json_decref(v);
}

static void test_batch_limit(void **state)
{
	char text[2 * JSONRPC_BATCH_MAX + 4];
	struct jsonrpc_message m;
	char err[100];
	size_t n = 0;

	(void)state;
	text[n++] = '[';
	for (unsigned i = 0; i < JSONRPC_BATCH_MAX; i++) {
		text[n++] = '1';
		text[n++] = ',';
	}
	text[n - 1] = ']';
	assert_int_equal(jsonrpc_parse(&m, text, n, err, sizeof(err)), 0);
	assert_int_equal(m.n, JSONRPC_BATCH_MAX);
	jsonrpc_message_deinit(&m);
	text[n - 1] = ',';
	text[n] = '1';
	text[n + 1] = ']';
	assert_int_equal(jsonrpc_parse(&m, text, n + 2, err, sizeof(err)), JSONRPC_REQUEST);
}

/* No prefix of a message is a message, and none is read past its end (ASan looks). */
static void test_truncated_at_every_byte(void **state)
{
	static const char whole[] =
		"[{\"jsonrpc\":\"2.0\",\"method\":\"a\\u00e4\",\"params\":{\"x\":"
		"[1,2.5e3,true,null]},\"id\":\"q\\\"\"}]";

	(void)state;
	for (size_t len = 1; len < sizeof(whole) - 1; len++) {
		char *copy = malloc(len);
		struct jsonrpc_message m;
		char err[100];

		assert_non_null(copy);
		memcpy(copy, whole, len);
		assert_int_equal(jsonrpc_parse(&m, copy, len, err, sizeof(err)), JSONRPC_PARSE);
		free(copy);
	}
}

static void expect_line(json_t *v, const char *text)
{
	size_t len = 0;
	char *line = jsonrpc_line(v, &len);

	assert_non_null(line);
	assert_string_equal(line, text);
	assert_int_equal(len, strlen(text));
	free(line);
	json_decref(v);
}

static void test_answers(void **state)
{
	json_t *id = json_string("i\n");

	(void)state;
	expect_line(jsonrpc_result(id, json_integer(19)),
		    "{\"jsonrpc\":\"2.0\",\"result\":19,\"id\":\"i\\n\"}\n");
	expect_line(jsonrpc_result(NULL, json_null()),
		    "{\"jsonrpc\":\"2.0\",\"result\":null,\"id\":null}\n");
	expect_line(jsonrpc_error(id, -32601, "no \"x\""),
		    "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32601,\"message\":\"no \\\"x\\\"\"},"
		    "\"id\":\"i\\n\"}\n");
	/* Text that is cut inside a character cannot be sent, the code can. */
	expect_line(jsonrpc_error(NULL, -32601, "no \303"),
		    "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32601,\"message\":\"error\"},\"id\":"
		    "null}\n");
	expect_line(jsonrpc_call(5, "m", NULL),
		    "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"m\"}\n");
	expect_line(jsonrpc_call(6, "m", json_array()),
		    "{\"jsonrpc\":\"2.0\",\"id\":6,\"method\":\"m\",\"params\":[]}\n");
	assert_null(jsonrpc_result(id, NULL));
	json_decref(id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),       cmocka_unit_test(test_line_limit),
		cmocka_unit_test(test_requests),    cmocka_unit_test(test_depth_limit),
		cmocka_unit_test(test_batch_limit), cmocka_unit_test(test_truncated_at_every_byte),
		cmocka_unit_test(test_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
