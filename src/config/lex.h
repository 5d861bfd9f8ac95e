/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Text to tokens. A word is a run of bytes up to space, end of line, '{', '}', ';' or '#'; quotes keep
 * these, a backslash keeps the one behind it. Bad text is noted as an error and stepped over.
 */
#pragma once

#include "config/errors.h"

enum lex_type {
	LEX_WORD,
	LEX_OPEN,  /* { */
	LEX_CLOSE, /* } */
	LEX_END,   /* end of line or ; */
	LEX_EOF
};

struct lex {
	const char *text; /* borrowed */
	size_t len;
	size_t at;         /* next byte */
	size_t line_start; /* offset of the line's first byte */
	unsigned line;     /* of the next byte, from 1 */
	struct config_errors *errs;
};

struct lex_token {
	enum lex_type type;
	struct config_pos pos;
	bool bad; /* WORD: an error was noted; its text is of no use */
	char word[CONFIG_WORD_MAX + 1];
};

struct lex lex_of(const char *text, size_t len, struct config_errors *errs);
/* The next token; at the end LEX_EOF for ever. */
void lex_next(struct lex *l, struct lex_token *ret);
