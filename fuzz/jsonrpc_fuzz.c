/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Any bytes of a client: cut into lines, parsed, and everything that is a request answered. */
#include <stdlib.h>

#include "base/check.h"
#include "ctl/jsonrpc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void fuzz_answer(json_t *v)
{
	size_t len = 0;
	char *line = jsonrpc_line(v, &len);

	check(!line || (len > 0 && line[len - 1] == '\n'));
	free(line);
	json_decref(v);
}

static void fuzz_line(const char *line, size_t len)
{
	struct jsonrpc_message m;
	char err[128];
	int r = jsonrpc_parse(&m, line, len, err, sizeof(err));

	if (r) {
		check(r == JSONRPC_PARSE || r == JSONRPC_REQUEST);
		fuzz_answer(jsonrpc_error(NULL, r, err));
		return;
	}
	check(m.n <= JSONRPC_BATCH_MAX);
	for (unsigned i = 0; i < m.n; i++) {
		struct jsonrpc_request q = jsonrpc_request_at(&m, i);

		check((q.method != NULL) != (q.error != NULL));
		if (q.method)
			fuzz_answer(jsonrpc_result(q.id,
						   q.params ? json_incref(q.params) : json_null()));
		else
			fuzz_answer(jsonrpc_error(q.id, q.code, q.error));
	}
	jsonrpc_message_deinit(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct jsonrpc_lines l = { 0 };
	size_t step = len ? data[0] + 1u : 1;

	for (size_t at = 0; at < len; at += step) {
		const char *line;
		size_t line_len;

		if (jsonrpc_lines_push(&l, data + at, min_size(step, len - at)))
			break;
		while (jsonrpc_lines_next(&l, &line, &line_len) == 1)
			fuzz_line(line, line_len);
	}
	jsonrpc_lines_deinit(&l);
	return 0;
}
