/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Assertions about our own code: always on, they panic. Input of a peer or a user never reaches one. */
#pragma once

#include <stdnoreturn.h>

/**
 * check_panic() - say what was false and where, then abort
 * @what: the text of the condition
 * @file, @line: where it stands
 *
 * Context: any thread; does not return.
 */
noreturn void check_panic(const char *what, const char *file, int line);

/* @cond must hold, else this program has a bug: stop before it can harm data. */
#define check(cond) ((cond) ? (void)0 : check_panic(#cond, __FILE__, __LINE__))

/* A place that no execution may reach. */
#define check_unreachable() check_panic("unreachable code reached", __FILE__, __LINE__)
