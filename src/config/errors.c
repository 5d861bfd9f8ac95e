/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "config/errors.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OFFER_WORD_MAX 48u /* longer words are like nothing we know */

void errors_init(struct config_errors *e, const char *file)
{
	memset(e, 0, sizeof(*e));
	(void)snprintf(e->file, sizeof(e->file), "%s", file);
}

void errors_add(struct config_errors *e, struct config_pos pos, const char *fmt, ...)
{
	struct config_error *at;
	va_list ap;

	if (e->n == CONFIG_ERRORS_MAX) {
		e->n_omitted++;
		return;
	}
	at = &e->e[e->n++];
	at->pos = pos;
	va_start(ap, fmt);
	(void)vsnprintf(at->text, sizeof(at->text), fmt, ap);
	va_end(ap);
}

static bool errors_after(const struct config_error *a, const struct config_error *b)
{
	if (a->pos.line != b->pos.line)
		return a->pos.line > b->pos.line;
	return a->pos.column > b->pos.column;
}

/* Insertion keeps errors at one place in the order in which they were found. */
void errors_sort(struct config_errors *e)
{
	for (unsigned i = 1; i < e->n; i++) {
		struct config_error moving = e->e[i];
		unsigned at = i;

		for (; at && errors_after(&e->e[at - 1], &moving); at--)
			e->e[at] = e->e[at - 1];
		e->e[at] = moving;
	}
}

void config_error_format(const struct config_errors *errs, unsigned i, char *buf, size_t len)
{
	const struct config_error *e = &errs->e[i];

	if (e->pos.line)
		(void)snprintf(buf, len, "%s:%u:%u: %s", errs->file, e->pos.line, e->pos.column,
			       e->text);
	else
		(void)snprintf(buf, len, "%s: %s", errs->file, e->text);
}

/* Edit distance without regard to case, both words of at most OFFER_WORD_MAX bytes. */
static unsigned errors_distance(const char *a, const char *b)
{
	unsigned row[OFFER_WORD_MAX + 1];
	size_t n = strlen(b);

	for (size_t j = 0; j <= n; j++)
		row[j] = (unsigned)j;
	for (size_t i = 0; a[i]; i++) {
		unsigned diagonal = row[0];

		row[0] = (unsigned)i + 1;
		for (size_t j = 0; j < n; j++) {
			bool same = errors_lower(a[i]) == errors_lower(b[j]);
			unsigned change = diagonal + !same;

			diagonal = row[j + 1];
			row[j + 1] = min_u32(change, min_u32(row[j], row[j + 1]) + 1);
		}
	}
	return row[n];
}

void errors_offer_init(struct errors_offer *o, const char *word)
{
	memset(o, 0, sizeof(*o));
	o->word = word;
	o->distance = 1 + (unsigned)min_size(strlen(word), 9) / 3;
}

void errors_offer_add(struct errors_offer *o, const char *allowed)
{
	int n;

	if (strlen(o->word) <= OFFER_WORD_MAX && strlen(allowed) <= OFFER_WORD_MAX) {
		unsigned d = errors_distance(o->word, allowed);

		if (d < o->distance || (d == o->distance && !o->nearest)) {
			o->distance = d;
			o->nearest = allowed;
		}
	}
	if (o->len >= sizeof(o->list))
		return;
	n = snprintf(o->list + o->len, sizeof(o->list) - o->len, "%s%s", o->len ? ", " : "",
		     allowed);
	if (n > 0 && o->len + (size_t)n < sizeof(o->list) - 5) {
		o->len += (size_t)n;
		return;
	}
	(void)snprintf(o->list + o->len, sizeof(o->list) - o->len, ", ...");
	o->len = sizeof(o->list);
}

void errors_offer_format(const struct errors_offer *o, char *buf, size_t len)
{
	if (o->nearest)
		(void)snprintf(buf, len, "did you mean \"%s\"?", o->nearest);
	else
		(void)snprintf(buf, len, "allowed: %s", o->list);
}
