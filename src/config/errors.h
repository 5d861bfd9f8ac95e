/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Collecting the errors of one file, and the "did you mean" that goes with unknown words. */
#pragma once

#include "config/config.h"

void errors_init(struct config_errors *e, const char *file);

/* Note an error at @pos; beyond CONFIG_ERRORS_MAX it is only counted. */
void errors_add(struct config_errors *e, struct config_pos pos, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Put the stored errors into the order of the file. */
void errors_sort(struct config_errors *e);

/* ASCII only, whatever the locale. */
static inline char errors_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static inline bool errors_any(const struct config_errors *e)
{
	return e->n > 0;
}

/* A list of words being offered: feed every allowed word, then ask for the end of a sentence. */
struct errors_offer {
	const char *word;    /* what was written */
	const char *nearest; /* the allowed word most like it, or NULL */
	unsigned distance;
	size_t len;
	char list[128]; /* "a, b, c", cut with "..." */
};

void errors_offer_init(struct errors_offer *o, const char *word);
void errors_offer_add(struct errors_offer *o, const char *allowed);
/* `did you mean "x"?` or `allowed: a, b, c`; @buf of 160 bytes suffices. */
void errors_offer_format(const struct errors_offer *o, char *buf, size_t len);
