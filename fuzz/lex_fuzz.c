/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Any text into tokens: all of it is looked at once, places go forward, and a good word that is quoted again
 * is the same word. */
#include "fuzz.h"
#include "config/lex.h"

/* The word as it would have to be written to mean itself. */
static size_t quote(const char *word, char *out)
{
	size_t n = 0;

	out[n++] = '"';
	for (; *word; word++) {
		if (*word == '"' || *word == '\\')
			out[n++] = '\\';
		out[n++] = *word;
	}
	out[n++] = '"';
	return n;
}

static void again(const char *word)
{
	static char text[2 * CONFIG_WORD_MAX + 3];
	static struct lex_token t;
	struct config_errors errs = { 0 };
	size_t n = quote(word, text);
	struct lex l = lex_of(text, n, &errs);

	lex_next(&l, &t);
	check(t.type == LEX_WORD && !t.bad && !errs.n && strcmp(t.word, word) == 0);
	lex_next(&l, &t);
	check(t.type == LEX_EOF);
}

static void judge(const struct lex_token *t, const struct lex *l, const struct config_errors *errs)
{
	size_t n = strlen(t->word);

	check(l->at <= l->len && l->line_start <= l->at);
	check(t->pos.line >= 1 && t->pos.column >= 1);
	check(n <= CONFIG_WORD_MAX);
	if (t->type != LEX_WORD) {
		check(!n && !t->bad);
		return;
	}
	check(!t->bad || errs->n + errs->n_omitted);
	if (t->bad)
		return;
	for (size_t i = 0; i < n; i++)
		check(((unsigned char)t->word[i] >= ' ' && t->word[i] != 0x7f) ||
		      t->word[i] == '\t');
	again(t->word);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct lex_token t;
	struct config_errors errs = { 0 };
	uint8_t *text = fuzz_copy(data, len);
	struct lex l = lex_of((const char *)text, len, &errs);
	struct config_pos last = { 1, 0 };
	unsigned lines = 1;

	for (size_t i = 0;; i++) {
		size_t was = l.at;

		check(i <= len); /* each token takes a byte at least */
		lex_next(&l, &t);
		judge(&t, &l, &errs);
		check(t.pos.line > last.line ||
		      (t.pos.line == last.line && t.pos.column > last.column) || t.type == LEX_EOF);
		last = t.pos;
		if (t.type == LEX_EOF)
			break;
		check(l.at > was);
		lines += t.type == LEX_END && text[l.at - 1] == '\n';
	}
	check(l.at == len && l.line == lines && errs.n <= CONFIG_ERRORS_MAX);
	lex_next(&l, &t);
	check(t.type == LEX_EOF && l.at == len);
	free(text);
	return 0;
}
