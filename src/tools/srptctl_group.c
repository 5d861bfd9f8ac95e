/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* srptctl group list, get and set: target port groups and their access states; srptctl reload. */
#include <string.h>

#include "tools/srptctl.h"

static enum srptctl_exit show_groups(const json_t *v)
{
	static const char *const heads[] = { "DEVICE_GROUP", "TARGET_GROUP", ">ID",  "STATE",
					     "PREFERRED",    "SET BY",       "PORTS" };
	struct table t;
	size_t i, k;
	json_t *group, *row;

	table_init(&t, heads, ARRAY_SIZE(heads));
	json_array_foreach(json_object_get(v, "device_groups"), i, group)
	{
		json_array_foreach(json_object_get(group, "target_groups"), k, row)
		{
			bool preferred = json_is_true(json_object_get(row, "preferred"));
			char ports[TABLE_CELL_MAX];

			srptctl_join(json_object_get(row, "ports"), ports, sizeof(ports));
			table_add(&t, "%s", srptctl_str(group, "name"));
			table_add(&t, "%s", srptctl_str(row, "name"));
			table_add(&t, "%lld", srptctl_int(row, "group_id"));
			table_add(&t, "%s", srptctl_str(row, "state"));
			table_add(&t, "%s", preferred ? "yes" : "no");
			table_add(&t, "%s", srptctl_str(row, "changed_by"));
			table_add(&t, "%s", ports);
		}
	}
	return table_print(&t);
}

enum srptctl_exit srptctl_group_list(const struct srptctl *s)
{
	return srptctl_show(s, "group.list", NULL, show_groups);
}

static enum srptctl_exit print_states(const json_t *group)
{
	size_t i;
	json_t *row;

	json_array_foreach(json_object_get(group, "target_groups"), i, row)
	{
		if (printf("%s=%s\n", srptctl_str(row, "name"), srptctl_str(row, "state")) < 0)
			return SRPTCTL_FAILED;
	}
	return SRPTCTL_OK;
}

enum srptctl_exit srptctl_group_get(const struct srptctl *s)
{
	enum srptctl_exit r = SRPTCTL_NOT_FOUND;
	json_t *result = NULL;
	json_t *group;
	size_t i;

	if (!s->n_args) {
		srptctl_error("group get", "which DEVICE_GROUP?");
		return SRPTCTL_USAGE;
	}
	r = srptctl_call(s, "group.list", NULL, &result);
	if (r)
		return r;
	r = SRPTCTL_NOT_FOUND;
	json_array_foreach(json_object_get(result, "device_groups"), i, group)
	{
		if (!strcmp(srptctl_str(group, "name"), s->args[0]))
			r = s->json ? srptctl_print_json(group) : print_states(group);
	}
	if (r == SRPTCTL_NOT_FOUND)
		srptctl_error(s->args[0], "no such DEVICE_GROUP");
	json_decref(result);
	return r;
}

/* GROUP STATE, or GROUP=STATE for each of several; NULL: they are neither. */
static json_t *wanted_states(const struct srptctl *s)
{
	json_t *states;

	if (s->n_args == 3 && !strchr(s->args[1], '='))
		return json_pack("{s:s}", s->args[1], s->args[2]);
	states = json_object();
	for (unsigned i = 1; i < s->n_args; i++) {
		const char *at = strchr(s->args[i], '=');

		if (at && !json_object_setn_new(states, s->args[i], (size_t)(at - s->args[i]),
						json_string(at + 1)))
			continue;
		json_decref(states);
		return NULL;
	}
	return states;
}

enum srptctl_exit srptctl_group_set(const struct srptctl *s)
{
	json_t *states = s->n_args < 2 ? NULL : wanted_states(s);

	if (!states) {
		srptctl_error("group set", "DEVICE_GROUP and TARGET_GROUP=STATE are needed");
		return SRPTCTL_USAGE;
	}
	return srptctl_do(s, "group.set_all",
			  json_pack("{s:s,s:o}", "device_group", s->args[0], "states", states));
}

enum srptctl_exit srptctl_reload(const struct srptctl *s)
{
	json_t *result = NULL;
	enum srptctl_exit r = srptctl_call(s, "reload", NULL, &result);

	if (r)
		return r;
	if (s->json) {
		r = srptctl_print_json(result);
	} else {
		printf("%lld changes", srptctl_int(result, "changes"));
		if (srptctl_int(result, "waiting"))
			printf(", %lld wait for the next start", srptctl_int(result, "waiting"));
		printf("\n");
	}
	if (!r && srptctl_int(result, "failed")) {
		srptctl_error("reload",
			      "%lld things of the configuration could not be made, see the "
			      "log of srptd",
			      srptctl_int(result, "failed"));
		r = SRPTCTL_FAILED;
	}
	json_decref(result);
	return r;
}
