/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "config/scope.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "config/attr.h"

enum stmt_end {
	STMT_READ,
	STMT_CLOSE,
	STMT_EOF
};

/* --- statements --- */

static struct lex_token *scope_token(struct parser *p)
{
	if (!p->have_token)
		lex_next(&p->lex, &p->token);
	p->have_token = false;
	return &p->token;
}

static void scope_stmt_add(struct stmt *s, const struct lex_token *t)
{
	s->bad = s->bad || t->bad;
	s->bad_head = s->bad_head || (t->bad && !s->n);
	if (s->n < STMT_WORDS_MAX) {
		s->pos[s->n] = t->pos;
		memcpy(s->word[s->n++], t->word, strlen(t->word) + 1);
	} else if (!s->surplus) {
		s->surplus = true;
		s->surplus_pos = t->pos;
	}
}

/* The '{' of a block may stand on a line of its own. */
static void scope_brace_below(struct parser *p)
{
	while (scope_token(p)->type == LEX_END)
		continue;
	if (p->token.type == LEX_OPEN)
		p->stmt.block = true;
	else
		p->have_token = true;
}

/* Read the words of the next statement into @p->stmt. */
static enum stmt_end scope_stmt_read(struct parser *p)
{
	struct stmt *s = &p->stmt;

	s->n = 0;
	s->bad = s->bad_head = s->block = s->surplus = false;
	for (;;) {
		struct lex_token *t = scope_token(p);

		switch (t->type) {
		case LEX_WORD:
			scope_stmt_add(s, t);
			continue;
		case LEX_OPEN:
			s->block = true;
			if (!s->n) {
				s->pos[0] = t->pos;
				errors_add(p->state.errs, t->pos,
					   "\"{\" has no word in front of it");
				s->bad = true;
			}
			return STMT_READ;
		case LEX_END:
			if (s->n) {
				scope_brace_below(p);
				return STMT_READ;
			}
			continue;
		case LEX_CLOSE:
		case LEX_EOF:
			if (!s->n)
				return t->type == LEX_EOF ? STMT_EOF : STMT_CLOSE;
			p->have_token = true;
			return STMT_READ;
		}
	}
}

static void scope_never_closed(struct parser *p, struct config_pos opened, const char *what)
{
	if (!p->eof_noted)
		errors_add(p->state.errs, opened, "the block of %s opened here is never closed",
			   what);
	p->eof_noted = true;
}

void scope_skip(struct parser *p, struct config_pos opened)
{
	unsigned depth = 1;

	while (depth) {
		struct lex_token *t = scope_token(p);

		if (t->type == LEX_EOF) {
			scope_never_closed(p, opened, "this word");
			return;
		}
		depth += t->type == LEX_OPEN;
		depth -= t->type == LEX_CLOSE;
	}
}

bool scope_args(struct parser *p, unsigned n, const char *form)
{
	struct stmt *s = &p->stmt;

	if (s->bad)
		return false;
	if (s->n == n + 1 && !s->surplus)
		return true;
	if (s->n > n + 1)
		errors_add(p->state.errs, s->pos[n + 1], "\"%.64s\" is one value too many: %s",
			   s->word[n + 1], form);
	else if (s->surplus)
		errors_add(p->state.errs, s->surplus_pos, "one value too many: %s", form);
	else
		errors_add(p->state.errs, s->pos[0], "\"%.64s\" needs more: %s", s->word[0], form);
	return false;
}

bool scope_value(struct parser *p, unsigned i, const char *allowed)
{
	struct stmt *s = &p->stmt;

	if (allowed)
		errors_add(p->state.errs, s->pos[i], "%.32s \"%.48s\" must be %s", s->word[0],
			   s->word[i], allowed);
	return !allowed;
}

bool scope_named(struct parser *p, bool block, const char *form)
{
	if (!scope_args(p, 1, form))
		return false;
	if (!block)
		errors_add(p->state.errs, p->stmt.pos[0], "\"%s\" needs a block: %s",
			   p->stmt.word[0], form);
	return scope_value(p, 1, attr_name(p->stmt.word[1]));
}

/* --- attributes --- */

static const char *take_uint(const struct word *w, const char *text, char *buf, size_t len,
			     unsigned *field)
{
	uint64_t v;

	if (attr_uint(text, &v) || v < w->min || v > w->max) {
		(void)snprintf(buf, len, "a whole number from %llu to %llu",
			       (unsigned long long)w->min, (unsigned long long)w->max);
		return buf;
	}
	*field = (unsigned)v;
	return NULL;
}

static const char *take_text(const struct word *w, const char *text, char *buf, size_t len,
			     char *field)
{
	size_t n = strlen(text);
	bool printable = n > 0;

	for (const char *c = text; *c; c++)
		printable = printable && *c >= ' ' && *c <= '~';
	if (!printable || n > w->max) {
		(void)snprintf(buf, len, "1 to %llu printable ASCII characters",
			       (unsigned long long)w->max);
		return buf;
	}
	memcpy(field, text, n + 1);
	return NULL;
}

static const char *take_path(struct parser *p, const char *text, char **field)
{
	if (text[0] != '/')
		return "an absolute path";
	free(*field);
	*field = strdup(text);
	p->state.no_memory = p->state.no_memory || !*field;
	return NULL;
}

static const char *take_socket(const struct word *w, const char *text, char *field)
{
	if (text[0] != '/' || strlen(text) > w->max)
		return w->max == 107 ? "an absolute path of at most 107 bytes"
				     : "an absolute path of at most 191 bytes";
	memcpy(field, text, strlen(text) + 1);
	return NULL;
}

static const char *take_listen(struct parser *p, const char *text)
{
	struct config_target *t = p->target;
	struct config_listen l = { .pos = p->stmt.pos[1] };
	const char *allowed = attr_listen(text, &l);

	if (allowed)
		return allowed;
	if (t->n_listens == CONFIG_LISTENS_MAX)
		return "one of at most 16 addresses of a target";
	if (!parse_grow(&t->listens, t->n_listens, sizeof(l))) {
		p->state.no_memory = true;
		return NULL;
	}
	t->listens[t->n_listens++] = l;
	return NULL;
}

static const char *take_initiator(struct parser *p, char *text)
{
	struct config_group *g = p->group;
	const char *allowed = attr_pattern(text);

	if (allowed)
		return allowed;
	if (g->n_patterns == CONFIG_PATTERNS_MAX)
		return "one of at most 1024 patterns of a group";
	for (unsigned i = 0; i < g->n_patterns; i++)
		if (!strcmp(g->patterns[i], text))
			return "given once: this group has it already";
	if (!parse_grow(&g->patterns, g->n_patterns, sizeof(char *))) {
		p->state.no_memory = true;
		return NULL;
	}
	g->patterns[g->n_patterns] = strdup(text);
	if (g->patterns[g->n_patterns])
		g->n_patterns++;
	else
		p->state.no_memory = true;
	return NULL;
}

/* One value into its field. NULL or what is allowed. */
static const char *take_value(struct parser *p, const struct word *w, void *field, char *buf,
			      size_t len)
{
	char *text = p->stmt.word[1];

	/* Only a block whose words go elsewhere has no object. */
	check(field || w->type == WORD_LISTEN || w->type == WORD_INITIATOR);
	switch (w->type) {
	case WORD_BOOL:
		return attr_bool(text, field);
	case WORD_UINT:
		return take_uint(w, text, buf, len, field);
	case WORD_SIZE:
		return attr_size(text, field);
	case WORD_HEX64:
		return attr_hex64(text, field);
	case WORD_TEXT:
		return take_text(w, text, buf, len, field);
	case WORD_PATH:
		return take_path(p, text, field);
	case WORD_BLOCK_SIZE:
		return attr_block_size(text, field);
	case WORD_PHYSICAL_SIZE:
		return attr_physical_size(text, field);
	case WORD_LOG_LEVEL:
		return attr_log_level(text, field);
	case WORD_ACCESS:
		return attr_access(text, field);
	case WORD_SOCKET:
		return take_socket(w, text, field);
	case WORD_ADDRESS:
		return attr_listen(text, field);
	case WORD_LISTEN:
		return take_listen(p, text);
	case WORD_INITIATOR:
		return take_initiator(p, text);
	case WORD_BLOCK:
		break;
	}
	return NULL;
}

static void scope_attribute(struct parser *p, struct scope *s, const struct word *w)
{
	struct config_pos *seen = &s->seen[w - s->words];
	char buf[80];

	if (scope_args(p, 1, "it takes one value, and it ends with the line")) {
		if (seen->line && w->type != WORD_LISTEN && w->type != WORD_INITIATOR)
			errors_add(p->state.errs, p->stmt.pos[0],
				   "\"%s\" is given twice; the first is in line %u", w->name,
				   seen->line);
		else
			(void)scope_value(
				p, 1,
				take_value(p, w, s->object ? (char *)s->object + w->offset : NULL,
					   buf, sizeof(buf)));
	}
	/* Also after an error: else the word would be reported as missing, too. */
	if (!seen->line)
		*seen = p->stmt.pos[0];
	if (p->stmt.block) {
		if (!p->stmt.bad && p->stmt.n == 2)
			errors_add(p->state.errs, p->stmt.pos[0], "\"%s\" has no block", w->name);
		scope_skip(p, p->stmt.pos[0]);
	}
}

/* Does @w belong here, also by the device's handler? With an unknown handler every word does. */
static bool scope_fits(const struct scope *s, const struct word *w)
{
	return !w->handlers || s->handler >= CONFIG_HANDLER_COUNT ||
	       (w->handlers & BIT(s->handler));
}

static void scope_unknown(struct parser *p, struct scope *s)
{
	struct errors_offer offer;
	char hint[160];
	char what[64];

	errors_offer_init(&offer, p->stmt.word[0]);
	for (unsigned i = 0; i < s->n_words; i++)
		if (scope_fits(s, &s->words[i]))
			errors_offer_add(&offer, s->words[i].name);
	errors_offer_format(&offer, hint, sizeof(hint));
	(void)snprintf(what, sizeof(what), "%s", s->what);
	if (s->handler < CONFIG_HANDLER_COUNT && !strcmp(s->what, "DEVICE"))
		(void)snprintf(what, sizeof(what), "DEVICE of %s",
			       config_handler_name((enum config_handler)s->handler));
	errors_add(p->state.errs, p->stmt.pos[0], "unknown word \"%.40s\" in %s; %s",
		   p->stmt.word[0], what, hint);
	if (p->stmt.block)
		scope_skip(p, p->stmt.pos[0]);
}

static void scope_statement(struct parser *p, struct scope *s)
{
	if (p->stmt.n && !p->stmt.bad_head) {
		for (unsigned i = 0; i < s->n_words; i++) {
			const struct word *w = &s->words[i];

			if (strcmp(w->name, p->stmt.word[0]) != 0 || !scope_fits(s, w))
				continue;
			if (w->type == WORD_BLOCK)
				w->open(p, s, p->stmt.block);
			else
				scope_attribute(p, s, w);
			return;
		}
		scope_unknown(p, s);
	} else if (p->stmt.block) {
		scope_skip(p, p->stmt.pos[0]);
	}
}

void scope_read(struct parser *p, struct scope *s, struct config_pos opened)
{
	while (!p->state.no_memory) {
		enum stmt_end end = scope_stmt_read(p);

		if (end == STMT_READ) {
			scope_statement(p, s);
			continue;
		}
		if (end == STMT_EOF && s->up)
			scope_never_closed(p, opened, s->what);
		if (end == STMT_CLOSE && !s->up) {
			errors_add(p->state.errs, p->token.pos, "\"}\" closes nothing");
			continue;
		}
		return;
	}
}

bool scope_seen(const struct scope *s, const char *name)
{
	for (unsigned i = 0; i < s->n_words; i++)
		if (!strcmp(s->words[i].name, name) && scope_fits(s, &s->words[i]))
			return s->seen[i].line != 0;
	return false;
}
