/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The commands that show what the daemon answers: status, session list. */
#include <string.h>

#include "tools/srptctl.h"

static enum srptctl_exit show_targets(const json_t *targets)
{
	static const char *const heads[] = { "TARGET",   "STATE",     "LISTEN",  "ID_EXT",
					     "IOC_GUID", ">CHANNELS", ">LOGINS", ">REJECTS" };
	struct table t;
	size_t i;
	json_t *v;

	table_init(&t, heads, ARRAY_SIZE(heads));
	json_array_foreach(targets, i, v)
	{
		char listen[TABLE_CELL_MAX];

		srptctl_join(json_object_get(v, "listen"), listen, sizeof(listen));
		table_add(&t, "%s", srptctl_str(v, "name"));
		table_add(&t, "%s",
			  json_is_true(json_object_get(v, "enabled")) ? "enabled" : "disabled");
		table_add(&t, "%s", listen);
		table_add(&t, "%s", srptctl_str(v, "id_ext"));
		table_add(&t, "%s", srptctl_str(v, "ioc_guid"));
		table_add(&t, "%lld", srptctl_int(v, "channels"));
		table_add(&t, "%lld", srptctl_int(v, "logins"));
		table_add(&t, "%lld", srptctl_int(v, "rejects"));
	}
	return table_print(&t);
}

static enum srptctl_exit show_devices(const json_t *devices)
{
	static const char *const heads[] = { "DEVICE", "HANDLER", ">SIZE",
					     ">BLOCK", "ACCESS",  "STATE" };
	struct table t;
	size_t i;
	json_t *v;

	table_init(&t, heads, ARRAY_SIZE(heads));
	json_array_foreach(devices, i, v)
	{
		char size[32];

		table_add(&t, "%s", srptctl_str(v, "name"));
		table_add(&t, "%s", srptctl_str(v, "handler"));
		table_add(&t, "%s",
			  table_bytes((unsigned long long)srptctl_int(v, "size_bytes"), size,
				      sizeof(size)));
		table_add(&t, "%lld", srptctl_int(v, "block_size"));
		table_add(&t, "%s",
			  json_is_true(json_object_get(v, "read_only")) ? "read-only"
									: "read-write");
		table_add(&t, "%s", srptctl_str(v, "state"));
	}
	return table_print(&t);
}

static enum srptctl_exit show_workers(const json_t *workers)
{
	static const char *const heads[] = { ">WORKER", ">ROUNDS", ">SLEEPS", ">EVENTS",
					     ">MESSAGES" };
	struct table t;
	size_t i;
	json_t *v;

	table_init(&t, heads, ARRAY_SIZE(heads));
	json_array_foreach(workers, i, v)
	{
		table_add(&t, "%lld", srptctl_int(v, "index"));
		table_add(&t, "%lld", srptctl_int(v, "rounds"));
		table_add(&t, "%lld", srptctl_int(v, "sleeps"));
		table_add(&t, "%lld", srptctl_int(v, "events"));
		table_add(&t, "%lld", srptctl_int(v, "messages"));
	}
	return table_print(&t);
}

/* "name, name=3": what is false is left out. */
static void show_features(const json_t *features)
{
	const char *sep = "io_uring: ";
	const char *key;
	json_t *v;

	json_object_foreach((json_t *)features, key, v)
	{
		if (json_is_false(v) || json_is_null(v))
			continue;
		(void)printf("%s%s", sep, key);
		if (json_is_string(v))
			(void)printf("=%s", json_string_value(v));
		else if (json_is_integer(v))
			(void)printf("=%lld", (long long)json_integer_value(v));
		sep = ", ";
	}
	if (*sep == ',')
		(void)putchar('\n');
}

static enum srptctl_exit show_status(const json_t *v)
{
	enum srptctl_exit r;
	char up[32];

	(void)printf("srptd %s, pid %lld, up %s, %lld channels\n", srptctl_str(v, "version"),
		     srptctl_int(v, "pid"),
		     table_seconds((unsigned long long)srptctl_int(v, "uptime_s"), up, sizeof(up)),
		     srptctl_int(v, "channels_total"));
	show_features(json_object_get(v, "io_uring"));
	(void)putchar('\n');
	r = show_targets(json_object_get(v, "targets"));
	if (r)
		return r;
	(void)putchar('\n');
	r = show_devices(json_object_get(v, "devices"));
	if (r)
		return r;
	(void)putchar('\n');
	return show_workers(json_object_get(v, "workers"));
}

static enum srptctl_exit show_sessions(const json_t *v)
{
	static const char *const heads[] = {
		"ID",      "TARGET",   "INITIATOR",  "PEER",  "STATE",    ">SINCE",    ">CHANNEL",
		">WORKER", ">CREDITS", ">IN-FLIGHT", ">READ", ">WRITTEN", ">COMMANDS", ">ERRORS",
	};
	static const char *const numbers[] = { "channel", "worker", "credits", "in_flight" };
	struct table t;
	size_t i;
	json_t *row;

	table_init(&t, heads, ARRAY_SIZE(heads));
	json_array_foreach(json_object_get(v, "sessions"), i, row)
	{
		const json_t *id = json_object_get(row, "id");
		char buf[32];

		if (json_is_string(id))
			table_add(&t, "%s", json_string_value(id));
		else
			table_add(&t, "%lld", (long long)json_integer_value(id));
		table_add(&t, "%s", srptctl_str(row, "target"));
		table_add(&t, "%s", srptctl_str(row, "initiator"));
		table_add(&t, "%s", srptctl_str(row, "peer"));
		table_add(&t, "%s", srptctl_str(row, "state"));
		table_add(&t, "%s",
			  table_seconds((unsigned long long)json_number_value(
						json_object_get(row, "state_s")),
					buf, sizeof(buf)));
		for (size_t j = 0; j < ARRAY_SIZE(numbers); j++)
			table_add(&t, "%lld", srptctl_int(row, numbers[j]));
		table_add(&t, "%s",
			  table_bytes((unsigned long long)srptctl_int(row, "read_bytes"), buf,
				      sizeof(buf)));
		table_add(&t, "%s",
			  table_bytes((unsigned long long)srptctl_int(row, "write_bytes"), buf,
				      sizeof(buf)));
		table_add(&t, "%lld", srptctl_int(row, "commands"));
		table_add(&t, "%lld", srptctl_int(row, "errors"));
	}
	return table_print(&t);
}

enum srptctl_exit srptctl_status(const struct srptctl *s)
{
	return srptctl_show(s, "status", NULL, show_status);
}

enum srptctl_exit srptctl_session_list(const struct srptctl *s)
{
	return srptctl_show(s, "session.list", NULL, show_sessions);
}
