/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The log of the code under test goes to the transcript: every line, since no real time limits them here. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

#include "sim/world.h"

void log_set_sink(log_sink_fn *sink)
{
	(void)sink;
}

void log_set_level(enum log_level level)
{
	(void)level;
}

bool log_enabled(enum log_level level)
{
	(void)level;
	return true;
}

void log_line(struct log_site *site, enum log_level level, const char *fmt, ...)
{
	char line[400];
	va_list ap;
	int n;

	(void)site;
	(void)level;
	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (n > 0)
		trace_copy(line, min_size((size_t)n, sizeof(line) - 1));
}
