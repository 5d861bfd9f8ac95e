/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What every file of the simulator needs: memory of the world around the target, the transcript, and the
 * way a run fails. One run is one process, so the simulator's objects are its files' own variables.
 */
#pragma once

#include <stdio.h>
#include <stdnoreturn.h>

#include "base/util.h"

/* --- memory of the world: not counted as the target's, never fails, zeroed --- */

void *world_alloc(size_t len);
void world_free(void *p);
/* Memory that processes made by fork() share; never given back. */
void *world_shared(size_t len);

/* --- the transcript: the last lines of what happened --- */

#define TRACE_ARGS_MAX 6u

/* clang-format off */
#define TRACE_A(x)              (uint64_t)(uintptr_t)(x)
#define TRACE_0()               0
#define TRACE_1(a)              TRACE_A(a)
#define TRACE_2(a, b)           TRACE_1(a), TRACE_A(b)
#define TRACE_3(a, b, c)        TRACE_2(a, b), TRACE_A(c)
#define TRACE_4(a, b, c, d)     TRACE_3(a, b, c), TRACE_A(d)
#define TRACE_5(a, b, c, d, e)  TRACE_4(a, b, c, d), TRACE_A(e)
#define TRACE_6(a, b, c, d, e, f) TRACE_5(a, b, c, d, e), TRACE_A(f)
#define TRACE_NTH(_0, _1, _2, _3, _4, _5, _6, n, ...) n
#define TRACE_PICK(...) \
	TRACE_NTH(, ##__VA_ARGS__, TRACE_6, TRACE_5, TRACE_4, TRACE_3, TRACE_2, TRACE_1, TRACE_0)
/* clang-format on */

/*
 * trace() - note a line at next to no cost: it is put into words only when somebody wants to read it.
 * Each argument is an integer or a string that lives for ever; %u %d %x %s in @text take one each.
 */
#define trace(text, ...) \
	trace_note(text, (const uint64_t[TRACE_ARGS_MAX]){ TRACE_PICK(__VA_ARGS__)(__VA_ARGS__) })

void trace_note(const char *text, const uint64_t arg[TRACE_ARGS_MAX]);
/* A line whose words do not live on: the log of the code under test. */
void trace_copy(const char *line, size_t len);
/* Lines are written to @out as they come, too. */
void trace_live(FILE *out);
/* The lines that are still known, oldest first. */
void trace_print(FILE *out);
/* Who a line is about; written in front of it. "" ends it. Static strings. */
void trace_forget(void);

/* --- the end of a run that found something --- */

/* How to run this seed again: the words behind "replay: ". Copied. */
void fail_replay(const char *command);
/* Also fail when the code under test panics or crashes. */
void fail_on_signals(void);
/* Print where in the program @at (a return address) is: function, file and line as far as is known. */
void fail_place(const void *at);
/* Say what is wrong, print the transcript and how to replay, and end the process with status 1. */
noreturn void fail_now(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
