/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "config/lex.h"

#include <string.h>

struct lex lex_of(const char *text, size_t len, struct config_errors *errs)
{
	return (struct lex){ .text = text, .len = len, .line = 1, .errs = errs };
}

/* The byte @ahead of the next one, or -1 past the end. */
static int lex_peek(const struct lex *l, size_t ahead)
{
	return ahead < l->len - l->at ? (unsigned char)l->text[l->at + ahead] : -1;
}

static struct config_pos lex_pos(const struct lex *l)
{
	return (struct config_pos){ .line = l->line,
				    .column = (unsigned)(l->at - l->line_start) + 1 };
}

static bool lex_blank(int c)
{
	return c == ' ' || c == '\t';
}

/* Is the next byte the end of a line, or the carriage return in front of it? */
static bool lex_at_eol(const struct lex *l)
{
	int c = lex_peek(l, 0);

	return c < 0 || c == '\n' || (c == '\r' && (lex_peek(l, 1) == '\n' || lex_peek(l, 1) < 0));
}

static bool lex_control(int c)
{
	return (c >= 0 && c < ' ' && c != '\t') || c == 0x7f;
}

/* Append one byte to the word; noted once when it does not fit. */
static void lex_keep(struct lex *l, struct lex_token *t, size_t *n, int c)
{
	if (*n < CONFIG_WORD_MAX) {
		t->word[(*n)++] = (char)c;
	} else if (!t->bad) {
		errors_add(l->errs, t->pos, "word longer than %u bytes", CONFIG_WORD_MAX);
		t->bad = true;
	}
}

static void lex_bad_byte(struct lex *l, struct lex_token *t, int c)
{
	if (!t->bad)
		errors_add(l->errs, lex_pos(l), "control character 0x%02x is not allowed here",
			   (unsigned)c);
	t->bad = true;
}

/* A backslash: keeps one of the characters that mean something else. */
static void lex_escape(struct lex *l, struct lex_token *t, size_t *n)
{
	int c = lex_peek(l, 1);

	if (c > 0 && strchr(" \t#;{}\"\\", c)) {
		lex_keep(l, t, n, c);
		l->at += 2;
		return;
	}
	if (!t->bad)
		errors_add(
			l->errs, lex_pos(l),
			"a backslash must be followed by space, # ; { } \" or another backslash");
	t->bad = true;
	l->at++;
}

static void lex_quoted(struct lex *l, struct lex_token *t, size_t *n)
{
	struct config_pos start = lex_pos(l);

	l->at++;
	while (!lex_at_eol(l)) {
		int c = lex_peek(l, 0);

		if (c == '"') {
			l->at++;
			return;
		}
		if (c == '\\') {
			lex_escape(l, t, n);
			continue;
		}
		if (lex_control(c))
			lex_bad_byte(l, t, c);
		lex_keep(l, t, n, c);
		l->at++;
	}
	errors_add(l->errs, start, "the quote opened here is not closed on its line");
	t->bad = true;
}

static void lex_word(struct lex *l, struct lex_token *t)
{
	size_t n = 0;

	while (!lex_at_eol(l)) {
		int c = lex_peek(l, 0);

		if (lex_blank(c) || c == ';' || c == '{' || c == '}')
			break;
		if (c == '#') {
			if (!t->bad)
				errors_add(l->errs, lex_pos(l),
					   "\"#\" inside a word: write \"\\#\" for the character, "
					   "or a space before a comment");
			t->bad = true;
			break;
		}
		if (c == '"') {
			lex_quoted(l, t, &n);
			continue;
		}
		if (c == '\\') {
			lex_escape(l, t, &n);
			continue;
		}
		if (lex_control(c))
			lex_bad_byte(l, t, c);
		lex_keep(l, t, &n, c);
		l->at++;
	}
	t->word[n] = '\0';
}

void lex_next(struct lex *l, struct lex_token *ret)
{
	int c;

	while (lex_blank(lex_peek(l, 0)))
		l->at++;
	if (lex_peek(l, 0) == '#')
		while (!lex_at_eol(l))
			l->at++;
	if (lex_peek(l, 0) == '\r' && lex_at_eol(l))
		l->at++;
	ret->pos = lex_pos(l);
	ret->bad = false;
	ret->word[0] = '\0';
	c = lex_peek(l, 0);
	switch (c) {
	case -1:
		ret->type = LEX_EOF;
		return;
	case '\n':
		ret->type = LEX_END;
		l->at++;
		l->line++;
		l->line_start = l->at;
		return;
	case ';':
		ret->type = LEX_END;
		break;
	case '{':
		ret->type = LEX_OPEN;
		break;
	case '}':
		ret->type = LEX_CLOSE;
		break;
	default:
		ret->type = LEX_WORD;
		lex_word(l, ret);
		return;
	}
	l->at++;
}
