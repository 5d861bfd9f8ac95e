/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What the subcommands of `srp` share: exit codes, options, the table of subcommands. */
#pragma once

#include <libsrp/libsrp.h>

#include "base/util.h"

/* Exit codes, in the manual. */
enum tool_exit {
	EXIT_OK = 0,
	EXIT_FAILED = 1,      /* a command failed, a file could not be read or written */
	EXIT_USAGE = 2,       /* the command line is wrong */
	EXIT_UNREACHABLE = 3, /* no connection */
	EXIT_REFUSED = 4,     /* the target refused the login */
	EXIT_DIFFERENT = 5    /* verification found other data than expected */
};

struct tool_cmd {
	const char *name;
	const char *summary;
	int (*run)(int argc, char **argv); /* argv[0] is the name; returns enum tool_exit */
};

int cmd_bench(int argc, char **argv);
int cmd_copy(int argc, char **argv);
int cmd_inq(int argc, char **argv);
int cmd_ls(int argc, char **argv);
int cmd_ping(int argc, char **argv);
int cmd_read(int argc, char **argv);
int cmd_reset(int argc, char **argv);
int cmd_stress(int argc, char **argv);
int cmd_write(int argc, char **argv);

/* For %llu. */
static inline unsigned long long ull(uint64_t v)
{
	return v;
}

/* --- options --- */

enum opt_kind {
	OPT_FLAG,   /* bool, set to true */
	OPT_NUMBER, /* uint64_t; k, m, g multiply by powers of 1024 */
	OPT_TEXT    /* const char * */
};

struct opt {
	const char *name; /* without the dashes; NULL ends the array */
	char letter;      /* 0: none */
	enum opt_kind kind;
	void *to;
	const char *arg; /* name of the argument in the help */
	const char *help;
};

/* Options that every subcommand has; OPT_CONN lists them in a `struct opt` array. */
struct conn_args {
	bool verbose;
	bool single;
	bool no_immediate;
	const char *initiator;
	uint64_t timeout_s;
	uint64_t response_iu;
	uint64_t immediate;
	uint64_t poll_us; /* look so long before sleeping; 0: sleep at once */
};

#define OPT_CONN(a)                                                                                     \
	{ "verbose", 'v', OPT_FLAG, &(a)->verbose, NULL, "show every IU on standard error" },           \
		{ "initiator-id",                                                                       \
		  0,                                                                                    \
		  OPT_TEXT,                                                                             \
		  &(a)->initiator,                                                                      \
		  "ID",                                                                                 \
		  "log in as this initiator port: ext:guid in hex (default: made from the "             \
		  "machine id)" },                                                                      \
		{ "single",                                                                             \
		  0,                                                                                    \
		  OPT_FLAG,                                                                             \
		  &(a)->single,                                                                         \
		  NULL,                                                                                 \
		  "end all other channels of this initiator port (default: leave them alone)" },        \
		{ "timeout",       't', OPT_NUMBER,                                                     \
		  &(a)->timeout_s, "S", "seconds for a login (default 10) or a command (default 30)" }, \
		{ "no-immediate",     0,    OPT_FLAG,                                                   \
		  &(a)->no_immediate, NULL, "fetch the data of small writes by RDMA too" },             \
		{ "immediate", 0,                                                                       \
		  OPT_NUMBER,  &(a)->immediate,                                                         \
		  "BYTES",     "longest write that goes with its command (default 8k, up to 64k)" },    \
	{                                                                                               \
		"response-iu", 0, OPT_NUMBER, &(a)->response_iu, "BYTES",                               \
			"longest IU to receive (default 1024; LIO and SCST want 8276)"                  \
	}

struct opt_help {
	const char *usage;   /* "srp ls [OPTION]... URL" */
	const char *text;    /* what it does and what to look out for; lines of at most 78 */
	const char *example; /* lines to type */
};

/**
 * opt_parse() - read the command line of a subcommand
 * @pos:   receives the arguments that are no options
 * @n_max: room there
 *
 * Answers --help and complains by itself.
 *
 * Return: number of @pos, or -1 - (exit code) when the program shall end.
 */
int opt_parse(const struct opt *opts, const struct opt_help *help, char **argv, const char **pos,
	      int n_max);

/* A number with k, m or g (also KiB, MB ...), all powers of 1024. Return: whether @s is one. */
bool opt_number(const char *s, uint64_t *ret);

/* A usage error: says so, points to --help. Return: EXIT_USAGE. */
int usage_error(const char *cmd, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* "srp: WHAT: why". Return: EXIT_FAILED. */
int complain(const char *what, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
