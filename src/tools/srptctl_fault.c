/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* srptctl fault add, fault list, fault clear: faults on demand. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/srptctl.h"

/* What may stand behind KIND as NAME=VALUE: the parameters of fault.add. */
static const struct {
	const char *name;
	const char *param;
	bool number;
} options[] = {
	{ "device", "device", false },    { "initiator", "initiator", false },
	{ "target", "target", false },    { "lun", "lun", true },
	{ "lba", "lba", false },          { "on", "on", false },
	{ "count", "count", true },       { "every", "every", true },
	{ "percent", "percent", true },   { "seed", "seed", true },
	{ "expires", "expires_s", true },
};

static json_t *number(const char *text)
{
	char *end;
	long long v;

	errno = 0;
	v = strtoll(text, &end, 0);
	return errno || end == text || *end ? NULL : json_integer(v);
}

/* Add NAME=VALUE to @params. */
static enum srptctl_exit add_option(json_t *params, const char *word)
{
	const char *is = strchr(word, '=');
	json_t *v;

	for (size_t i = 0; is && i < ARRAY_SIZE(options); i++) {
		size_t len = strlen(options[i].name);

		if ((size_t)(is - word) != len || strncmp(options[i].name, word, len) != 0)
			continue;
		v = options[i].number ? number(is + 1) : json_string(is + 1);
		if (!v) {
			srptctl_error(word, "a number is needed");
			return SRPTCTL_USAGE;
		}
		return json_object_set_new(params, options[i].param, v) ? SRPTCTL_FAILED
									: SRPTCTL_OK;
	}
	srptctl_error(word,
		      "none of device=, initiator=, target=, lun=, lba=, on=, count=, every=, "
		      "percent=, seed=, expires=");
	return SRPTCTL_USAGE;
}

/* KIND [VALUE] [NAME=VALUE]... */
static enum srptctl_exit add_words(const struct srptctl *s, json_t *params)
{
	enum srptctl_exit r = SRPTCTL_OK;

	if (json_object_set_new(params, "kind", json_string(s->args[0])))
		return SRPTCTL_FAILED;
	for (unsigned i = 1; i < s->n_args && !r; i++) {
		if (i > 1 || strchr(s->args[i], '='))
			r = add_option(params, s->args[i]);
		else if (json_object_set_new(params, "value", json_string(s->args[i])))
			r = SRPTCTL_FAILED;
	}
	return r;
}

static enum srptctl_exit show_added(const json_t *result)
{
	(void)printf("fault %lld\n", srptctl_int(result, "id"));
	return SRPTCTL_OK;
}

enum srptctl_exit srptctl_fault_add(const struct srptctl *s)
{
	json_t *params = json_object();
	enum srptctl_exit r;

	if (!s->n_args) {
		srptctl_error("fault add",
			      "which? black-hole, delay MS, drop, busy, task-set-full, error "
			      "KEY/ASC/ASCQ, corrupt, credits N or reject-login REASON");
		json_decref(params);
		return SRPTCTL_USAGE;
	}
	r = add_words(s, params);
	if (r) {
		json_decref(params);
		return r;
	}
	return srptctl_show(s, "fault.add", params, show_added);
}

/* "each 3rd of READs": how often it hits, of what. */
static void add_rhythm(struct table *t, const json_t *f)
{
	char text[TABLE_CELL_MAX] = "";
	int at = 0;

	if (srptctl_int(f, "every"))
		at = snprintf(text, sizeof(text), "every=%lld ", srptctl_int(f, "every"));
	if (srptctl_int(f, "percent"))
		at += snprintf(text + at, sizeof(text) - (size_t)at, "percent=%lld ",
			       srptctl_int(f, "percent"));
	if (srptctl_int(f, "count"))
		at += snprintf(text + at, sizeof(text) - (size_t)at, "count=%lld ",
			       srptctl_int(f, "count"));
	text[at ? at - 1 : 0] = '\0';
	table_add(t, "%s", text);
}

static enum srptctl_exit show_faults(const json_t *v)
{
	static const char *const heads[] = { ">ID",   "KIND",      "VALUE",   "DEVICE", "LUN",
					     "LBA",   "INITIATOR", "TARGET",  "ON",     "RHYTHM",
					     ">SEEN", ">HITS",     ">EXPIRES" };
	struct table t;
	json_t *f;
	size_t i;

	table_init(&t, heads, ARRAY_SIZE(heads));
	json_array_foreach(json_object_get(v, "faults"), i, f)
	{
		char left[32];

		table_add(&t, "%lld", srptctl_int(f, "id"));
		table_add(&t, "%s", srptctl_str(f, "kind"));
		table_add(&t, "%s", srptctl_str(f, "value"));
		table_add(&t, "%s", srptctl_str(f, "device"));
		if (json_is_integer(json_object_get(f, "lun")))
			table_add(&t, "%lld", srptctl_int(f, "lun"));
		else
			table_add(&t, "%s", "");
		table_add(&t, "%s", srptctl_str(f, "lba"));
		table_add(&t, "%s", srptctl_str(f, "initiator"));
		table_add(&t, "%s", srptctl_str(f, "target"));
		table_add(&t, "%s", srptctl_str(f, "on"));
		add_rhythm(&t, f);
		table_add(&t, "%lld", srptctl_int(f, "seen"));
		table_add(&t, "%lld%s", srptctl_int(f, "hits"),
			  json_is_true(json_object_get(f, "spent")) ? " (all)" : "");
		table_add(&t, "%s",
			  table_seconds((unsigned long long)srptctl_int(f, "expires_s"), left,
					sizeof(left)));
	}
	return table_print(&t);
}

enum srptctl_exit srptctl_fault_list(const struct srptctl *s)
{
	return srptctl_show(s, "fault.list", NULL, show_faults);
}

static enum srptctl_exit show_cleared(const json_t *result)
{
	(void)printf("%lld cleared\n", srptctl_int(result, "cleared"));
	return SRPTCTL_OK;
}

enum srptctl_exit srptctl_fault_clear(const struct srptctl *s)
{
	json_t *params = json_object();

	if (s->n_args) {
		json_t *id = number(s->args[0]);

		if (!id) {
			srptctl_error(s->args[0], "not the number of a fault");
			json_decref(params);
			return SRPTCTL_USAGE;
		}
		(void)json_object_set_new(params, "id", id);
	}
	return srptctl_show(s, "fault.clear", params, show_cleared);
}
