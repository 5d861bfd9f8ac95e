/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#define LOG_BURST 20u

static void log_stderr(enum log_level level, const char *line, size_t len);

static _Atomic(log_sink_fn *) log_sink = log_stderr;
static _Atomic int log_max = LOG_INFO;

/* "<3>" and friends are what systemd-journald reads as the priority of a line. */
static void log_stderr(enum log_level level, const char *line, size_t len)
{
	static const char *const name[] = { "error", "warning", "info", "debug" };

	(void)fprintf(stderr, "%s: %.*s\n", name[level], (int)len, line);
}

void log_set_sink(log_sink_fn *sink)
{
	atomic_store(&log_sink, sink ? sink : log_stderr);
}

void log_set_level(enum log_level level)
{
	atomic_store(&log_max, (int)level);
}

bool log_enabled(enum log_level level)
{
	return (int)level <= atomic_load_explicit(&log_max, memory_order_relaxed);
}

/* Whether this line may pass; sets how many were dropped before it. */
static bool log_admit(struct log_site *site, enum log_level level, uint32_t *ret_dropped)
{
	struct timespec now;
	uint64_t second;
	uint32_t n;

	*ret_dropped = 0;
	if (level == LOG_ERROR)
		return true;
	(void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	second = (uint64_t)now.tv_sec + 1;
	if (atomic_exchange(&site->window_s, second) != second) {
		n = atomic_exchange(&site->n_in_window, 0);
		/* A burst that goes on is thinned to a line a second. */
		if (n > LOG_BURST)
			atomic_store(&site->n_in_window, LOG_BURST);
		*ret_dropped = atomic_exchange(&site->n_dropped, 0);
		atomic_fetch_add(&site->n_in_window, 1);
		return true;
	}
	if (atomic_fetch_add(&site->n_in_window, 1) < LOG_BURST)
		return true;
	atomic_fetch_add(&site->n_dropped, 1);
	return false;
}

void log_line(struct log_site *site, enum log_level level, const char *fmt, ...)
{
	char line[512];
	uint32_t dropped;
	va_list args;
	int n;
	int m = 0;

	if (!log_admit(site, level, &dropped))
		return;
	va_start(args, fmt);
	n = vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	if (n < 0)
		return;
	n = n < (int)sizeof(line) ? n : (int)sizeof(line) - 1;
	if (dropped)
		m = snprintf(line + n, sizeof(line) - (size_t)n, " (and %u like it left out)",
			     dropped);
	n = m > 0 && n + m < (int)sizeof(line) ? n + m : n;
	atomic_load (&log_sink)(level, line, (size_t)n);
}
