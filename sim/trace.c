/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The transcript: a ring of lines that are put into words when somebody reads them. */
#include <inttypes.h>

#include "sim/sched.h"
#include "sim/worker.h"
#include "sim/world.h"

#define LINES_MAX  4096u /* a power of two */
#define COPIES_MAX 1024u /* likewise */
#define COPY_BYTES 200u

struct line {
	uint64_t at_ns;
	const char *text;
	int worker; /* -1: none */
	uint64_t arg[TRACE_ARGS_MAX];
};

static struct line ring[LINES_MAX];
static unsigned n_lines;
static char copies[COPIES_MAX][COPY_BYTES];
static unsigned n_copies;
static FILE *live;

static void print_arg(FILE *out, char how, uint64_t a)
{
	switch (how) {
	case 'u':
		(void)fprintf(out, "%" PRIu64, a);
		break;
	case 'd':
		(void)fprintf(out, "%" PRId64, (int64_t)a);
		break;
	case 'x':
		(void)fprintf(out, "%" PRIx64, a);
		break;
	case 's':
		/* NOLINTNEXTLINE(performance-no-int-to-ptr): that is how it came */
		(void)fputs((const char *)(uintptr_t)a, out);
		break;
	default:
		(void)fputc('?', out);
	}
}

static void print_line(FILE *out, const struct line *l)
{
	unsigned n = 0;

	(void)fprintf(out, "[%12.6f ms] ", (double)(l->at_ns - NSEC_PER_SEC) / 1e6);
	if (l->worker >= 0)
		(void)fprintf(out, "w%d ", l->worker);
	for (const char *p = l->text; *p; p++) {
		if (*p == '%' && p[1])
			print_arg(out, *++p, n < TRACE_ARGS_MAX ? l->arg[n++] : 0);
		else
			(void)fputc(*p, out);
	}
	(void)fputc('\n', out);
}

void trace_note(const char *text, const uint64_t arg[TRACE_ARGS_MAX])
{
	struct line *l = &ring[n_lines++ % LINES_MAX];

	l->at_ns = sched_now_ns();
	l->text = text;
	l->worker = worker_self() ? (int)worker_index(worker_self()) : -1;
	memcpy(l->arg, arg, sizeof(l->arg));
	if (live)
		print_line(live, l);
}

void trace_copy(const char *line, size_t len)
{
	char *to = copies[n_copies++ % COPIES_MAX];

	len = min_size(len, COPY_BYTES - 1);
	memcpy(to, line, len);
	to[len] = 0;
	trace("%s", to);
}

void trace_live(FILE *out)
{
	live = out;
}

void trace_print(FILE *out)
{
	unsigned first = n_lines > LINES_MAX ? n_lines - LINES_MAX : 0;

	/* A copied line that was overwritten shows the one that took its place: leave out what may be. */
	if (first)
		(void)fprintf(out, "(%u lines before)\n", first);
	for (unsigned i = first; i < n_lines; i++)
		print_line(out, &ring[i % LINES_MAX]);
}
