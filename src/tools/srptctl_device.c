/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* srptctl device eject, device insert: the medium of a removable device. */
#include "tools/srptctl.h"

static enum srptctl_exit move_medium(const struct srptctl *s, const char *method, const char *what)
{
	json_t *result = NULL;
	enum srptctl_exit r;

	if (!s->n_args) {
		srptctl_error(what, "a DEVICE is needed");
		return SRPTCTL_USAGE;
	}
	r = srptctl_call(s, method, json_pack("{s:s}", "device", s->args[0]), &result);
	json_decref(result);
	return r;
}

enum srptctl_exit srptctl_device_eject(const struct srptctl *s)
{
	return move_medium(s, "device.eject", "device eject");
}

enum srptctl_exit srptctl_device_insert(const struct srptctl *s)
{
	return move_medium(s, "device.insert", "device insert");
}
