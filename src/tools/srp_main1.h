/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The beginning that all subcommands for one URL share: command line, login, work, logout. */
#pragma once

#include "tools/srp_sess.h"

struct main1 {
	const char *name;
	const struct opt *opts;
	const struct opt_help *help;
	const struct conn_args *args;
	/* The work. Return: exit code. */
	int (*work)(struct sess *s, void *user);
	void *user;
};

/* Return: exit code. */
int main1_run(const struct main1 *m, char **argv);

/* Parse the options and the only argument, the URL. Return: 0, or -1 - (exit code). */
int main1_url(const struct main1 *m, char **argv, struct url *ret);
