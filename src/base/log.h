/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * One line per happening, for the administrator. A line names the object, the cause and, after the
 * last comma, what happens next: "chan 3 (10.0.0.7:4711): IU of 12 bytes, closing the channel".
 * Pure code (base, wire, the cores) never logs: it returns what happened and the caller tells.
 */
#pragma once

#include "base/util.h"

enum log_level {
	LOG_ERROR,
	LOG_WARN,
	LOG_INFO,
	LOG_DEBUG
};

/* Where finished lines (no newline) go. Called by any thread; must be safe for that. */
typedef void log_sink_fn(enum log_level level, const char *line, size_t len);

/* Set the sink (default: standard error) and the highest level that is written (default: INFO). */
void log_set_sink(log_sink_fn *sink);
void log_set_level(enum log_level level);
bool log_enabled(enum log_level level);

/*
 * Lines of the same call site are limited to a burst of 20 and then one a second (except with
 * LOG_ERROR); the next line that passes says how many were left out. @site: one static per call.
 */
struct log_site {
	_Atomic uint64_t window_s;
	_Atomic uint32_t n_in_window;
	_Atomic uint32_t n_dropped;
};

void log_line(struct log_site *site, enum log_level level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#define log_at(level, ...)                                        \
	do {                                                      \
		static struct log_site log_site_;                 \
		if (log_enabled(level))                           \
			log_line(&log_site_, level, __VA_ARGS__); \
	} while (0)
#define log_error(...) log_at(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_at(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_at(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_DEBUG, __VA_ARGS__)
