/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* srptctl device reservations: who has reserved a device, as a dump, and again from a dump. */
#include <errno.h>
#include <string.h>

#include "tools/srptctl.h"

static enum srptctl_exit print_reservations(const json_t *result)
{
	static const char *const heads[] = { "INITIATOR", ">PORT", "KEY", "HOLDER" };
	const json_t *type = json_object_get(result, "type");
	const json_t *by = json_object_get(result, "reserved_by");
	struct table t;
	size_t i;
	json_t *reg;

	(void)printf("reservation: %s%s%s\n",
		     json_is_true(json_object_get(result, "lost")) ? "lost"
		     : json_is_string(type)                        ? json_string_value(type)
								   : "none",
		     json_is_true(json_object_get(result, "aptpl")) ? ", through power loss" : "",
		     json_is_string(by) ? ", and one by RESERVE" : "");
	(void)printf("generation:  %lld\n\n", srptctl_int(result, "generation"));
	table_init(&t, heads, ARRAY_SIZE(heads));
	json_array_foreach(json_object_get(result, "registrations"), i, reg)
	{
		table_add(&t, "%s", srptctl_str(reg, "initiator"));
		table_add(&t, "%lld", srptctl_int(reg, "port"));
		table_add(&t, "%s", srptctl_str(reg, "key"));
		table_add(&t, "%s", json_is_true(json_object_get(reg, "holder")) ? "yes" : "no");
	}
	return table_print(&t);
}

/* The dump in this file, "-": on standard input; NULL: it was told why not. */
static json_t *read_dump(const char *path)
{
	bool is_stdin = !strcmp(path, "-");
	FILE *f = is_stdin ? stdin : fopen(path, "re");
	json_error_t err;
	json_t *dump;

	if (!f) {
		srptctl_error(path, "%s", strerrordesc_np(errno));
		return NULL;
	}
	dump = json_loadf(f, JSON_REJECT_DUPLICATES, &err);
	if (!is_stdin)
		(void)fclose(f);
	if (json_is_object(dump))
		return dump;
	srptctl_error(path, "%s", dump ? "not a JSON object" : err.text);
	json_decref(dump);
	return NULL;
}

static enum srptctl_exit restore(const struct srptctl *s)
{
	json_t *dump = read_dump(s->restore);

	if (!dump)
		return SRPTCTL_USAGE;
	return srptctl_do(s, "device.reservations_restore",
			  json_pack("{s:s,s:o}", "device", s->args[0], "reservations", dump));
}

static enum srptctl_exit show(const struct srptctl *s)
{
	return srptctl_show(s, "device.reservations", json_pack("{s:s}", "device", s->args[0]),
			    print_reservations);
}

enum srptctl_exit srptctl_device_reservations(const struct srptctl *s)
{
	if (!s->n_args) {
		srptctl_error("device reservations", "a DEVICE is needed");
		return SRPTCTL_USAGE;
	}
	return s->restore ? restore(s) : show(s);
}
