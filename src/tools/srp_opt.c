/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/srp_tool.h"

#define END(code) (-1 - (int)(code))

__attribute__((format(printf, 2, 0))) static void vcomplain(const char *what, const char *fmt,
							    va_list ap)
{
	(void)fflush(stdout);
	(void)fprintf(stderr, "srp: %s: ", what);
	(void)vfprintf(stderr, fmt, ap);
	(void)fputc('\n', stderr);
}

int complain(const char *what, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vcomplain(what, fmt, ap);
	va_end(ap);
	return EXIT_FAILED;
}

int usage_error(const char *cmd, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vcomplain(cmd, fmt, ap);
	va_end(ap);
	(void)fprintf(stderr, "Try 'srp %s --help'.\n", cmd);
	return EXIT_USAGE;
}

bool opt_number(const char *s, uint64_t *ret)
{
	unsigned shift = 0;
	char *end;
	unsigned long long v;

	if (*s < '0' || *s > '9')
		return false;
	errno = 0;
	v = strtoull(s, &end, 0);
	if (errno)
		return false;
	switch (*end) {
	case 'k':
	case 'K':
		shift = 10;
		break;
	case 'm':
	case 'M':
		shift = 20;
		break;
	case 'g':
	case 'G':
		shift = 30;
		break;
	case 't':
	case 'T':
		shift = 40;
		break;
	default:
		break;
	}
	end += shift != 0;
	if (shift && *end == 'i')
		end++;
	if (shift && *end == 'B')
		end++;
	if (*end || (v << shift) >> shift != v)
		return false;
	*ret = (uint64_t)v << shift;
	return true;
}

static void print_help(const struct opt *opts, const struct opt_help *help)
{
	(void)printf("Usage: %s\n\n%s\n\nOptions:\n", help->usage, help->text);
	for (const struct opt *o = opts; o->name; o++) {
		char left[48];

		(void)snprintf(left, sizeof(left), "%c%c%s --%s%s%s", o->letter ? '-' : ' ',
			       o->letter ? o->letter : ' ', o->letter ? "," : " ", o->name,
			       o->arg ? " " : "", o->arg ? o->arg : "");
		(void)printf("  %-26s %s\n", left, o->help);
	}
	(void)printf("  %-26s %s\n\nExamples:\n%s\n", "-h, --help", "this text", help->example);
}

static const struct opt *find(const struct opt *opts, const char *arg, const char **ret_value)
{
	size_t len = strcspn(arg + 2, "=");

	*ret_value = NULL;
	for (const struct opt *o = opts; o->name; o++) {
		if (arg[1] != '-' && o->letter && arg[1] == o->letter) {
			*ret_value = arg[2] ? arg + 2 : NULL;
			return o;
		}
		if (arg[1] == '-' && strlen(o->name) == len &&
		    strncmp(o->name, arg + 2, len) == 0) {
			*ret_value = arg[2 + len] ? arg + 3 + len : NULL;
			return o;
		}
	}
	return NULL;
}

/* Return: 0, or an exit code. */
static int set(const char *cmd, const struct opt *o, const char *value)
{
	if (o->kind == OPT_FLAG) {
		if (value)
			return usage_error(cmd, "--%s takes no value", o->name);
		*(bool *)o->to = true;
		return 0;
	}
	if (!value)
		return usage_error(cmd, "--%s needs %s", o->name, o->arg);
	if (o->kind == OPT_TEXT)
		*(const char **)o->to = value;
	else if (!opt_number(value, o->to))
		return usage_error(cmd, "--%s: '%s' is no number (such as 4096, 4k, 64M)", o->name,
				   value);
	return 0;
}

int opt_parse(const struct opt *opts, const struct opt_help *help, char **argv, const char **pos,
	      int n_max)
{
	const char *cmd = *argv++;
	bool more = true; /* options are still possible */
	int n = 0;

	for (; *argv; argv++) {
		const char *value;
		const struct opt *o;
		int r;

		if (!more || argv[0][0] != '-' || !argv[0][1]) {
			if (n == n_max)
				return END(
					usage_error(cmd, "'%s' is one argument too many", *argv));
			pos[n++] = *argv;
			continue;
		}
		if (strcmp(*argv, "--") == 0) {
			more = false;
			continue;
		}
		if (strcmp(*argv, "-h") == 0 || strcmp(*argv, "--help") == 0) {
			print_help(opts, help);
			return END(EXIT_OK);
		}
		o = find(opts, *argv, &value);
		if (!o)
			return END(usage_error(cmd, "there is no option '%s'", *argv));
		if (o->kind != OPT_FLAG && !value && argv[1])
			value = *++argv;
		r = set(cmd, o, value);
		if (r)
			return END(r);
	}
	return n;
}
