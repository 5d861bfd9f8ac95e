/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include <stdio.h>
#include <time.h>

#include "tools/srp_clock.h"
#include "tools/srp_main1.h"
#include "wire/cdb.h"

static const struct opt_help help = {
	.usage = "srp ping [OPTION]... URL",
	.text = "Log in and send TEST UNIT READY a few times; print how long each took.\n"
		"Exit code 0 if all were answered, whatever the LUN said.",
	.example = "  srp ping srp://127.0.0.1\n  srp ping -c 100 -i 0 srp://127.0.0.1/1",
};

struct ping_args {
	struct conn_args conn;
	uint64_t count;
	uint64_t interval_ms;
};

static int work(struct sess *s, void *user)
{
	const struct ping_args *a = user;
	struct srp_conn_info info;
	double min = 0;
	double max = 0;
	double sum = 0;

	srp_conn_info(s->conn, &info);
	(void)printf("login to %s: %.0f us, %d credits, IUs up to %u bytes%s\n", s->url->host,
		     (double)s->login_ns / 1e3, info.req_lim, info.max_it_iu_len,
		     info.immediate ? ", immediate data" : "");
	for (uint64_t i = 0; i < a->count; i++) {
		struct timespec pause = { (time_t)(a->interval_ms / 1000),
					  (long)(a->interval_ms % 1000) * 1000000 };
		struct srp_io io = { .lun = srp_lun(s->url->lun) };
		char text[160];
		uint64_t start_ns = clock_ns();
		double us;
		int r;

		io.cdb_len = (uint8_t)cdb_put_test_unit_ready(io.cdb);
		r = sess_exec(s, &io);
		if (r)
			return r;
		us = (double)(clock_ns() - start_ns) / 1e3;
		min = !i || us < min ? us : min;
		max = us > max ? us : max;
		sum += us;
		(void)printf("LUN %u: %s, %.0f us\n", s->url->lun, io_text(&io, text, sizeof(text)),
			     us);
		(void)fflush(stdout);
		if (i + 1 < a->count && a->interval_ms)
			(void)nanosleep(&pause, NULL);
	}
	if (a->count)
		(void)printf("%llu commands, min/avg/max %.0f/%.0f/%.0f us\n", ull(a->count), min,
			     sum / (double)a->count, max);
	return EXIT_OK;
}

int cmd_ping(int argc, char **argv)
{
	struct ping_args a = { .count = 4, .interval_ms = 200 };
	const struct opt opts[] = {
		{ "count", 'c', OPT_NUMBER, &a.count, "N", "commands to send (default 4)" },
		{ "interval", 'i', OPT_NUMBER, &a.interval_ms, "MS",
		  "pause between them (default 200)" },
		OPT_CONN(&a.conn),
		{ 0 },
	};
	const struct main1 m = { "ping", opts, &help, &a.conn, work, &a };

	(void)argc;
	return main1_run(&m, argv);
}
