/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The command line, the run over the rules, the report. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "test.h"
#include "tools/srp_url.h"

#define FILTERS_MAX 32u

enum exit_code {
	EXIT_ALL_PASSED = 0,
	EXIT_RULE_FAILED = 1,
	EXIT_USAGE_ERROR = 2,
	EXIT_NO_UNIT = 3
};

struct args {
	struct config cfg;
	struct url url;
	const char *filter[FILTERS_MAX]; /* --family, --rule: "family" or "family.rule" */
	unsigned n_filters;
	bool list;
	bool json;
	bool verbose;
};

static const char help[] =
	"Usage: conform [OPTION]... srp://HOST[:PORT][/ID_EXT:IOC_GUID]/LUN\n"
	"\n"
	"Log in to an SRP target and see whether it and the disk at LUN keep the rules of SRP, "
	"SAM, SPC and\n"
	"SBC. Each rule is a small test; what the unit says that it does not have is skipped, and "
	"why is said.\n"
	"Most rules log in with two initiator ports of their own, so that one can see what the "
	"other does.\n"
	"\n"
	"Without --yes-destroy-data only rules run that leave data and settings alone. With it the "
	"disk is\n"
	"overwritten, reserved, reset and reconfigured: give it a scratch LUN that nobody else "
	"uses.\n"
	"\n"
	"Options:\n"
	"      --yes-destroy-data  run the rules that change data or settings of the LUN\n"
	"  -f, --family NAME       run only this family, or one rule as FAMILY.RULE; may be "
	"repeated\n"
	"  -l, --list              list families and rules with what they demand, and run nothing\n"
	"  -j, --json              one JSON object instead of text\n"
	"  -v, --verbose           a line for each rule, not only for those that failed or were "
	"skipped\n"
	"      --initiator GUID    GUID half of the initiator ports, 16 hex digits (default: a "
	"constant of the\n"
	"                          suite); the extension halves are 61h, 62h, ... and numbers from "
	"10000h on. A target\n"
	"                          with access lists must let them in\n"
	"      --lie KIND          test the suite itself: alter what the target answers, so that "
	"rules must fail;\n"
	"                          good, check, sense, data, residual, code, login, order, event\n"
	"  -h, --help              this text\n"
	"\n"
	"Exit code: 0 no rule failed, 1 a rule failed, 2 the command line is wrong, 3 there is no "
	"disk to test.\n"
	"\n"
	"Examples:\n"
	"  conform --list\n"
	"  conform srp://127.0.0.1/0\n"
	"  conform --yes-destroy-data -f pr -f ua "
	"srp://10.0.0.7/0002c90300a0dd01:0002c90300a0dd00/3\n"
	"  conform --yes-destroy-data --json srp://127.0.0.1/0 | jq '.rules[] | select(.result == "
	"\"failed\")'\n";

static _Noreturn void usage(const char *what, const char *arg)
{
	(void)fprintf(stderr, "conform: %s%s%s\nTry 'conform --help'.\n", what, arg ? ": " : "",
		      arg ? arg : "");
	exit(EXIT_USAGE_ERROR);
}

static enum lie lie_of(const char *s)
{
	for (unsigned i = LIE_NONE; i < LIE_COUNT; i++)
		if (strcmp(lie_text((enum lie)i), s) == 0)
			return (enum lie)i;
	usage("there is no lie of this kind", s);
}

static void filter_add(struct args *a, const char *s)
{
	if (a->n_filters == FILTERS_MAX)
		usage("too many --family", NULL);
	a->filter[a->n_filters++] = s;
}

/* An option with a value. Return: whether it is one. */
static bool option_with_value(struct args *a, const char *opt, const char *value)
{
	uint64_t ignored;

	if (strcmp(opt, "--family") == 0 || strcmp(opt, "-f") == 0) {
		if (value)
			filter_add(a, value);
	} else if (strcmp(opt, "--lie") == 0) {
		if (value)
			a->cfg.lie = lie_of(value);
	} else if (strcmp(opt, "--initiator") == 0) {
		char ids[64];

		(void)snprintf(ids, sizeof(ids), "0:%s", value ? value : "");
		if (value && !url_parse_ids(ids, strlen(ids), &ignored, &a->cfg.initiator))
			usage("--initiator is up to 16 hex digits", value);
	} else {
		return false;
	}
	if (!value)
		usage("an option needs a value", opt);
	return true;
}

static void flag(struct args *a, const char *opt)
{
	if (strcmp(opt, "--help") == 0 || strcmp(opt, "-h") == 0) {
		(void)fputs(help, stdout);
		exit(EXIT_ALL_PASSED);
	}
	if (strcmp(opt, "--list") == 0 || strcmp(opt, "-l") == 0)
		a->list = true;
	else if (strcmp(opt, "--json") == 0 || strcmp(opt, "-j") == 0)
		a->json = true;
	else if (strcmp(opt, "--verbose") == 0 || strcmp(opt, "-v") == 0)
		a->verbose = true;
	else if (strcmp(opt, "--yes-destroy-data") == 0)
		a->cfg.destroy = true;
	else
		usage("there is no option", opt);
}

static void parse(struct args *a, char **argv)
{
	const char *wrong;

	a->cfg.initiator = 0x02c0f0a3c0f0a300ull; /* an EUI-64 that was assigned by nobody */
	for (argv++; *argv; argv++) {
		if (argv[0][0] != '-') {
			if (a->cfg.url)
				usage("one URL is enough", *argv);
			a->cfg.url = *argv;
		} else if (option_with_value(a, argv[0], argv[1])) {
			argv++;
		} else {
			flag(a, argv[0]);
		}
	}
	if (a->list)
		return;
	if (!a->cfg.url)
		usage("which target? Give a URL such as srp://127.0.0.1/0", NULL);
	wrong = url_parse(a->cfg.url, &a->url);
	if (wrong)
		usage(wrong, a->cfg.url);
	if (!a->url.has_lun)
		usage("the URL names no LUN", a->cfg.url);
	a->cfg.host = a->url.host;
	a->cfg.port = a->url.port;
	a->cfg.id_ext = a->url.id_ext;
	a->cfg.ioc_guid = a->url.ioc_guid;
	a->cfg.lun = a->url.lun;
}

static bool wanted(const struct args *a, const struct rule *r)
{
	size_t len = strlen(r->family);

	for (unsigned i = 0; i < a->n_filters; i++)
		if (strncmp(a->filter[i], r->family, len) == 0 &&
		    (!a->filter[i][len] ||
		     (a->filter[i][len] == '.' && strcmp(a->filter[i] + len + 1, r->name) == 0)))
			return true;
	return !a->n_filters;
}

static const char *file_of(const struct rule *r)
{
	const char *slash = strrchr(r->file, '/');

	return slash ? slash + 1 : r->file;
}

void json_string(const char *s)
{
	(void)putchar('"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			(void)printf("\\%c", *s);
		else if ((unsigned char)*s < 0x20)
			(void)printf("\\u%04x", (unsigned)*s);
		else
			(void)putchar(*s);
	}
	(void)putchar('"');
}

/* --- the list --- */

static void list_rule(const struct args *a, const struct rule *r, bool first)
{
	if (!a->json) {
		(void)printf("  %-26s %-22s %s%s\n", r->name, file_of(r), r->text,
			     r->needs & DESTROYS ? " (destroys)" : "");
		return;
	}
	(void)printf(
		"%s\n{\"family\":\"%s\",\"rule\":\"%s\",\"file\":\"%s\",\"destroys\":%s,\"text\":",
		first ? "" : ",", r->family, r->name, file_of(r),
		r->needs & DESTROYS ? "true" : "false");
	json_string(r->text);
	(void)printf("}");
}

static void list(const struct args *a)
{
	const char *family = "";
	bool first = true;

	if (a->json)
		(void)printf("{\"rules\":[");
	for (const struct rule *r = rules_all(); r; r = r->next) {
		if (!wanted(a, r))
			continue;
		if (!a->json && strcmp(family, r->family) != 0)
			(void)printf("%s\n", r->family);
		family = r->family;
		list_rule(a, r, first);
		first = false;
	}
	if (a->json)
		(void)printf("]}\n");
}

/* --- the run --- */

static double seconds(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static const char
	*const outcome_text[] = { [PASSED] = "passed", [FAILED] = "failed", [SKIPPED] = "skipped" };

static void report_rule(const struct args *a, const struct test *t, const struct rule *r,
			double secs)
{
	static bool later;

	if (!a->json) {
		if (t->outcome != PASSED)
			(void)printf("  %-7s %s.%s: %s%s%s\n", outcome_text[t->outcome], r->family,
				     r->name, t->outcome == FAILED ? r->text : t->reason,
				     t->outcome == FAILED ? "\n          " : "",
				     t->outcome == FAILED ? t->reason : "");
		else if (a->verbose)
			(void)printf("  passed  %s.%s (%.0f ms)\n", r->family, r->name,
				     secs * 1000);
		return;
	}
	(void)printf("%s\n{\"family\":\"%s\",\"rule\":\"%s\",\"file\":\"%s\",\"result\":\"%s\","
		     "\"ms\":%.1f,\"reason\":",
		     later ? "," : "", r->family, r->name, file_of(r), outcome_text[t->outcome],
		     secs * 1000);
	json_string(t->outcome == PASSED ? "" : t->reason);
	(void)printf("}");
	later = true;
}

static void report_family(const struct args *a, const char *family, const struct tally *n)
{
	if (!a->json)
		(void)printf("%-14s %3u passed %3u failed %3u skipped\n", family, n->n[PASSED],
			     n->n[FAILED], n->n[SKIPPED]);
	(void)fflush(stdout);
}

static void run_rule(const struct args *a, struct test *t, const struct rule *r)
{
	if (r->needs & (DESTROYS | ALONE) && !a->cfg.destroy) {
		t->outcome = SKIPPED;
		(void)snprintf(t->reason, sizeof(t->reason),
			       "it changes the unit, and --yes-destroy-data was not given");
		return;
	}
	test_run(t, r);
}

static int run(const struct args *a, struct test *t)
{
	struct tally all = { { 0 } };
	struct tally family = { { 0 } };
	const char *name = NULL;

	if (a->json)
		(void)printf("{\"rules\":[");
	for (const struct rule *r = rules_all(); r; r = r->next) {
		double start = seconds();

		if (!wanted(a, r))
			continue;
		if (name && strcmp(name, r->family) != 0) {
			report_family(a, name, &family);
			family = (struct tally){ { 0 } };
		}
		name = r->family;
		run_rule(a, t, r);
		report_rule(a, t, r, seconds() - start);
		family.n[t->outcome]++;
		all.n[t->outcome]++;
	}
	if (!name)
		usage("no rule has such a name; --list lists them", NULL);
	report_family(a, name, &family);
	if (a->json)
		(void)printf("],\"passed\":%u,\"failed\":%u,\"skipped\":%u}\n", all.n[PASSED],
			     all.n[FAILED], all.n[SKIPPED]);
	else
		(void)printf("%u passed, %u failed, %u skipped\n", all.n[PASSED], all.n[FAILED],
			     all.n[SKIPPED]);
	return all.n[FAILED] ? EXIT_RULE_FAILED : EXIT_ALL_PASSED;
}

int main(int argc, char **argv)
{
	static struct args a;
	static struct test t;
	int code;

	(void)argc;
	parse(&a, argv);
	if (a.list) {
		list(&a);
		return EXIT_ALL_PASSED;
	}
	t.cfg = &a.cfg;
	if (!test_try(&t, unit_ask)) {
		(void)fprintf(stderr, "conform: %s: %s\n", a.cfg.url, t.reason);
		return EXIT_NO_UNIT;
	}
	code = run(&a, &t);
	while (t.nexuses)
		nexus_free(t.nexuses);
	return code;
}
