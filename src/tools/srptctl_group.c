/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* srptctl group list, group set: target port groups and their access states. */
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
	json_t *result = NULL;
	enum srptctl_exit r = srptctl_call(s, "group.list", NULL, &result);

	if (r)
		return r;
	r = s->json ? srptctl_print_json(result) : show_groups(result);
	json_decref(result);
	return r;
}

enum srptctl_exit srptctl_group_set(const struct srptctl *s)
{
	json_t *result = NULL;
	enum srptctl_exit r;

	if (s->n_args < 3) {
		srptctl_error("group set", "DEVICE_GROUP, TARGET_GROUP and STATE are needed");
		return SRPTCTL_USAGE;
	}
	r = srptctl_call(s, "group.set",
			 json_pack("{s:s,s:s,s:s}", "device_group", s->args[0], "target_group",
				   s->args[1], "state", s->args[2]),
			 &result);
	json_decref(result);
	return r;
}
