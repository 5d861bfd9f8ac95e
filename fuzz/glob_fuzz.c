/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The globs of access rules against any text, beside a slow matcher that tries everything. A rule that matches
 * whom it should not lets somebody in. Input: glob, a zero byte, text.
 */
#include "fuzz.h"
#include "config/config.h"

#define GLOB_MAX 128u
#define TEXT_MAX 128u

struct element {
	enum {
		ANY_STRING,
		ANY_CHAR,
		ONE_CHAR,
		SET
	} kind;
	bool in[256];
};

static unsigned char lower(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

/* "[...]" at @p: fills @e. Return: bytes it takes, 0 when it is no set. */
static size_t parse_set(const char *p, struct element *e)
{
	const char *close = strchr(p + 1 + (p[1] == '!'), ']');
	bool invert = p[1] == '!';
	const char *c = p + 1 + invert;

	if (!close)
		return 0;
	e->kind = SET;
	while (c < close) {
		char from = (char)lower(*c);
		char to = from;

		if (c[1] == '-' && c + 2 < close) {
			to = (char)lower(c[2]);
			c += 2;
		}
		for (unsigned i = 0; i < 256; i++)
			e->in[i] = e->in[i] || ((char)i >= from && (char)i <= to);
		c++;
	}
	for (unsigned i = 0; i < 256 && invert; i++)
		e->in[i] = !e->in[i];
	return (size_t)(close - p) + 1;
}

static unsigned parse(const char *glob, struct element *e)
{
	unsigned n = 0;

	for (; *glob; n++) {
		size_t took = 1;

		memset(&e[n], 0, sizeof(e[n]));
		if (*glob == '*') {
			e[n].kind = ANY_STRING;
		} else if (*glob == '?') {
			e[n].kind = ANY_CHAR;
		} else if (*glob != '[' || !(took = parse_set(glob, &e[n]))) {
			took = 1;
			e[n].kind = ONE_CHAR;
			e[n].in[lower(*glob)] = true;
		}
		glob += took;
	}
	return n;
}

/* All of @text by all of the @n elements: every way there is, one character after the other. */
static bool slow(const struct element *e, unsigned n, const char *text)
{
	bool at[GLOB_MAX + 1] = { true };

	for (unsigned i = 0; i < n && e[i].kind == ANY_STRING; i++)
		at[i + 1] = true;
	for (; *text; text++) {
		bool next[GLOB_MAX + 1] = { false };

		for (unsigned i = 0; i < n; i++) {
			if (!at[i])
				continue;
			if (e[i].kind == ANY_STRING)
				next[i] = true;
			else if (e[i].kind == ANY_CHAR || e[i].in[lower(*text)])
				next[i + 1] = true;
		}
		for (unsigned i = 0; i < n; i++)
			if (next[i] && e[i].kind == ANY_STRING)
				next[i + 1] = true;
		memcpy(at, next, sizeof(at));
	}
	return at[n];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct element e[GLOB_MAX];
	char *glob = fuzz_text(data, len);
	size_t used = min_size(strlen(glob) + 1, len);
	char *text = fuzz_text(data + used, len - used);

	if (strlen(glob) < GLOB_MAX && strlen(text) < TEXT_MAX)
		check(config_glob(glob, text) == slow(e, parse(glob, e), text));
	free(glob);
	free(text);
	return 0;
}
