/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* How a run ends that found something. */
#include <dlfcn.h>
#include <execinfo.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/world.h"

static const int signals[] = { SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGPROF };
static char replay[256];
static bool failing;

void fail_replay(const char *command)
{
	(void)snprintf(replay, sizeof(replay), "%s", command);
}

void fail_place(const void *at)
{
	char cmd[400];
	char exe[300];
	char line[300];
	Dl_info info;
	Dl_info own;
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	FILE *f;

	if (n < 0 || !dladdr(at, &info) || !dladdr(replay, &own) || info.dli_fbase != own.dli_fbase)
		return;
	exe[n] = 0;
	(void)snprintf(cmd, sizeof(cmd), "addr2line -sfpe '%s' 0x%zx 2>/dev/null", exe,
		       (size_t)((uintptr_t)at - (uintptr_t)info.dli_fbase - 1));
	(void)fflush(stdout);
	f = popen(cmd, "r"); /* NOLINT(cert-env33-c): only when a run has failed */
	if (f && fgets(line, sizeof(line), f) && line[0] != '?')
		(void)printf("    in %s", line);
	if (f)
		(void)pclose(f);
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
	void *from[24];
	int n = backtrace(from, ARRAY_SIZE(from));

	for (unsigned i = 0; i < ARRAY_SIZE(signals); i++)
		(void)signal(signals[i], SIG_DFL);
	for (int i = 2; i < n; i++)
		fail_place(from[i]);
	finish(sig == SIGABRT   ? "the code under test panicked, see above"
	       : sig == SIGPROF ? "the run does not end"
				: "the code under test crashed");
}

void fail_on_signals(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(signals); i++)
		(void)signal(signals[i], on_signal);
}
