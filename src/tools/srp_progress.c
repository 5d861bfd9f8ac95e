/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/srp_progress.h"

#include <stdio.h>
#include <unistd.h>

#include "tools/srp_clock.h"

#define BAR_WIDTH 30u

void progress_start(struct progress *p, const char *what, uint64_t total)
{
	*p = (struct progress){ .what = isatty(STDERR_FILENO) ? what : NULL,
				.total = total,
				.start_ns = clock_ns() };
}

static void show(struct progress *p, uint64_t done, uint64_t now)
{
	double secs = (double)(now - p->start_ns) / 1e9;
	double mib = (double)done / (1024 * 1024);
	double rate = secs > 0 ? mib / secs : 0;
	char bar[BAR_WIDTH + 1];
	unsigned full;

	p->shown_ns = now;
	if (p->total == UINT64_MAX || !p->total) {
		(void)fprintf(stderr, "\r%s %.1f MiB  %.0f MiB/s \033[K", p->what, mib, rate);
		return;
	}
	full = (unsigned)((double)done / (double)p->total * BAR_WIDTH);
	for (unsigned i = 0; i < BAR_WIDTH; i++)
		bar[i] = i < full ? '#' : '-';
	bar[BAR_WIDTH] = '\0';
	(void)fprintf(stderr, "\r%s [%s] %3.0f %%  %.0f MiB/s  %.0f s left \033[K", p->what, bar,
		      (double)done * 100 / (double)p->total, rate,
		      rate > 0 ? ((double)p->total / (1024 * 1024) - mib) / rate : 0);
}

void progress_at(struct progress *p, uint64_t done)
{
	uint64_t now;

	if (!p->what)
		return;
	now = clock_ns();
	if (now - p->shown_ns >= 100 * NSEC_PER_MSEC)
		show(p, done, now);
}

void progress_end(struct progress *p, uint64_t done)
{
	if (!p->what)
		return;
	show(p, done, clock_ns());
	(void)fputc('\n', stderr);
}
