/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* How a run ends that found something. */
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/world.h"

static char replay[256];
static bool failing;

void fail_replay(const char *command)
{
	(void)snprintf(replay, sizeof(replay), "%s", command);
}

static noreturn void finish(const char *what)
{
	/* A failure while the failure is told: what is there must do. */
	if (failing)
		_exit(1);
	failing = true;
	(void)fflush(stderr);
	trace_print(stdout);
	(void)printf("FAILED: %s\n", what);
	if (replay[0])
		(void)printf("replay: %s\n", replay);
	(void)fflush(stdout);
	_exit(1);
}

noreturn void fail_now(const char *fmt, ...)
{
	char what[400];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	finish(what);
}

/* The process is broken by now; it was our only one, and the words are worth the risk. */
static void on_signal(int sig)
{
	finish(sig == SIGABRT   ? "the code under test panicked, see above"
	       : sig == SIGALRM ? "the run does not end"
				: "the code under test crashed");
}

void fail_on_signals(void)
{
	static const int sigs[] = { SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGALRM };

	for (unsigned i = 0; i < ARRAY_SIZE(sigs); i++)
		(void)signal(sigs[i], on_signal);
}
