/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "tools/srptctl.h"

void table_init(struct table *t, const char *const *heads, unsigned n_columns)
{
	check(n_columns > 0 && n_columns <= TABLE_COLUMNS_MAX);
	memset(t, 0, sizeof(*t));
	t->heads = heads;
	t->n_columns = n_columns;
}

void table_add(struct table *t, const char *fmt, ...)
{
	char text[TABLE_CELL_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	if (t->n_cells == t->cap) {
		size_t cap = t->cap ? 2 * t->cap : 64;
		char **more = reallocarray(t->cells, cap, sizeof(char *));

		if (!more) {
			t->failed = true;
			return;
		}
		t->cells = more;
		t->cap = cap;
	}
	t->cells[t->n_cells] = strdup(*text ? text : "-");
	if (t->cells[t->n_cells])
		t->n_cells++;
	else
		t->failed = true;
}

static void table_cell(const char *text, unsigned width, bool right, bool last)
{
	if (right)
		(void)printf("%*s", (int)width, text);
	else if (last)
		(void)fputs(text, stdout);
	else
		(void)printf("%-*s", (int)width, text);
	(void)fputs(last ? "\n" : "  ", stdout);
}

enum srptctl_exit table_print(struct table *t)
{
	unsigned width[TABLE_COLUMNS_MAX];
	bool failed = t->failed;

	check(t->n_columns > 0);
	for (unsigned i = 0; i < t->n_columns; i++)
		width[i] = (unsigned)strlen(t->heads[i]) - (t->heads[i][0] == '>');
	for (size_t i = 0; i < t->n_cells; i++) {
		unsigned *w = &width[i % t->n_columns];
		unsigned len = (unsigned)strlen(t->cells[i]);

		*w = len > *w ? len : *w;
	}
	for (unsigned i = 0; i < t->n_columns && !failed; i++) {
		bool right = t->heads[i][0] == '>';

		table_cell(t->heads[i] + right, width[i], right, i + 1 == t->n_columns);
	}
	for (size_t i = 0; i < t->n_cells; i++) {
		unsigned column = (unsigned)(i % t->n_columns);

		if (!failed)
			table_cell(t->cells[i], width[column], t->heads[column][0] == '>',
				   column + 1 == t->n_columns);
		free(t->cells[i]);
	}
	free(t->cells);
	t->cells = NULL;
	t->n_cells = t->cap = 0;
	if (failed)
		srptctl_error("output", "out of memory");
	return failed || ferror(stdout) ? SRPTCTL_FAILED : SRPTCTL_OK;
}

const char *table_bytes(unsigned long long bytes, char *buf, size_t len)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double v = (double)bytes;
	size_t unit = 0;

	if (bytes < 1024) {
		(void)snprintf(buf, len, "%llu B", bytes);
		return buf;
	}
	for (v /= 1024; v >= 1024 && unit + 1 < ARRAY_SIZE(units); unit++)
		v /= 1024;
	(void)snprintf(buf, len, v < 10 ? "%.1f %s" : "%.0f %s", v, units[unit]);
	return buf;
}

const char *table_seconds(unsigned long long s, char *buf, size_t len)
{
	unsigned long long days = s / 86400;
	char part[24] = "";

	if (days)
		(void)snprintf(part, sizeof(part), "%llud ", days);
	(void)snprintf(buf, len, "%s%02llu:%02llu:%02llu", part, s / 3600 % 24, s / 60 % 60,
		       s % 60);
	return buf;
}
