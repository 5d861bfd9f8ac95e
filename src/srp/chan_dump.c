/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Prints the channel's state table as docs/fsm/chan.md. With a file name: compares instead, exit 1
 * when the file is not what the table says.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "srp/chan_table.h"

static void print_edge(FILE *f, unsigned from, unsigned to)
{
	const char *sep = " : ";
	unsigned e;

	for (e = 0; e < CHAN_EV_COUNT; e++) {
		if (!(chan_table[e][from].to & BIT(to)))
			continue;
		if (sep[0] == ' ')
			(void)fprintf(f, "    %s --> %s", chan_state_text((enum chan_state)from),
				      chan_state_text((enum chan_state)to));
		(void)fprintf(f, "%s%s", sep, chan_ev_text((enum chan_ev)e));
		sep = "\\n";
	}
	if (sep[0] != ' ')
		(void)fputs("\n", f);
}

static void print_diagram(FILE *f)
{
	unsigned from;
	unsigned to;

	(void)fputs("```mermaid\nstateDiagram-v2\n    [*] --> connecting : LOGIN_REQ\n", f);
	for (from = 0; from < CHAN_STATE_COUNT; from++)
		for (to = from + 1; to < CHAN_STATE_COUNT; to++)
			print_edge(f, from, to);
	(void)fputs("    disconnected --> [*] : SESSION_UNREGISTERED\n```\n", f);
}

static void print_cell(FILE *f, const struct chan_cell *cell, unsigned from)
{
	const char *sep = " → ";
	unsigned s;

	switch (cell->kind) {
	case CHAN_CELL_IGNORE:
		(void)fputs(" – |", f);
		return;
	case CHAN_CELL_BUG:
		(void)fputs(" BUG |", f);
		return;
	default:
		break;
	}
	(void)fprintf(f, " `%s`", cell->name);
	for (s = 0; s < CHAN_STATE_COUNT; s++) {
		if (!(cell->to & BIT(s)) || (s == from && cell->to == BIT(s)))
			continue;
		(void)fprintf(f, "%s%s", sep,
			      s == from ? "stay" : chan_state_text((enum chan_state)s));
		sep = ", ";
	}
	(void)fputs(" |", f);
}

static void print_all(FILE *f)
{
	unsigned e;
	unsigned s;

	(void)fputs(
		"# Channel state table\n\n"
		"Generated from `chan_table` in `src/srp/chan.c`: `ninja -C build srp-fsm` writes "
		"it, a test "
		"compares it. Do not edit.\n\n",
		f);
	print_diagram(f);
	(void)fputs(
		"\nA cell names the handler (`on_...` in `chan.c`) and the states it may go to "
		"when "
		"it may leave "
		"its own. – : legal,\nwithout effect. BUG: only a defect of the caller leads here, "
		"the program "
		"stops.\n\n| event |",
		f);
	for (s = 0; s < CHAN_STATE_COUNT; s++)
		(void)fprintf(f, " %s |", chan_state_text((enum chan_state)s));
	(void)fputs("\n|---|---|---|---|---|---|\n", f);
	for (e = 0; e < CHAN_EV_COUNT; e++) {
		(void)fprintf(f, "| %s |", chan_ev_text((enum chan_ev)e));
		for (s = 0; s < CHAN_STATE_COUNT; s++)
			print_cell(f, &chan_table[e][s], s);
		(void)fputs("\n", f);
	}
}

static int compare(const char *path, const char *want, size_t len)
{
	FILE *f = fopen(path, "re");
	char *have = malloc(len + 2);
	size_t n = 0;
	int ret = 1;

	if (f && have) {
		n = fread(have, 1, len + 1, f);
		ret = n != len || memcmp(have, want, len) != 0;
	}
	if (ret)
		(void)fprintf(stderr, "%s differs from chan_table: run `ninja -C build srp-fsm`\n",
			      path);
	if (f)
		(void)fclose(f);
	free(have);
	return ret;
}

int main(int argc, char **argv)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	int ret;

	if (!f)
		return 2;
	print_all(f);
	if (fclose(f) != 0)
		return 2;
	ret = argc > 1 ? compare(argv[1], text, len) : fwrite(text, 1, len, stdout) != len;
	free(text);
	return ret;
}
