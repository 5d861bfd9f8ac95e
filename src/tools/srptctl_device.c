/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* srptctl device eject, insert: the medium of a removable device; device suspend, resume: its store. */
#include "tools/srptctl.h"

/* @params with the device that is named; false: none is, @params are gone. */
static bool name_device(const struct srptctl *s, const char *method, json_t *params)
{
	if (!s->n_args) {
		json_decref(params);
		srptctl_error(method, "a DEVICE is needed");
		return false;
	}
	(void)json_object_set_new(params, "device", json_string(s->args[0]));
	return true;
}

static enum srptctl_exit move_medium(const struct srptctl *s, const char *method)
{
	json_t *params = json_object();

	return name_device(s, method, params) ? srptctl_do(s, method, params) : SRPTCTL_USAGE;
}

enum srptctl_exit srptctl_device_eject(const struct srptctl *s)
{
	return move_medium(s, "device.eject");
}

enum srptctl_exit srptctl_device_insert(const struct srptctl *s)
{
	return move_medium(s, "device.insert");
}

static enum srptctl_exit show_suspended(const json_t *v)
{
	const json_t *left = json_object_get(v, "resumes_in_s");

	(void)printf("%s %s suspended", srptctl_str(v, "device"),
		     json_is_true(json_object_get(v, "already")) ? "was already" : "is");
	if (json_is_number(left))
		(void)printf(", and is resumed by itself in %.1f s\n", json_number_value(left));
	else
		(void)puts(" until it is resumed");
	return SRPTCTL_OK;
}

enum srptctl_exit srptctl_device_suspend(const struct srptctl *s)
{
	struct srptctl patient = *s;
	json_t *params = json_object();
	unsigned wait_ms = (unsigned)(s->deadline_s >= 0 ? s->deadline_s : 10) * 1000 + 5000;

	/* The daemon is to say that the deadline has passed, not we. */
	if (patient.timeout_ms && patient.timeout_ms < wait_ms)
		patient.timeout_ms = wait_ms;
	if (s->deadline_s >= 0)
		(void)json_object_set_new(params, "deadline", json_integer(s->deadline_s));
	if (s->for_s >= 0)
		(void)json_object_set_new(params, "for", json_integer(s->for_s));
	if (!name_device(s, "device.suspend", params))
		return SRPTCTL_USAGE;
	return srptctl_show(&patient, "device.suspend", params, show_suspended);
}

static enum srptctl_exit show_resumed(const json_t *v)
{
	(void)printf("%s %s\n", srptctl_str(v, "device"),
		     json_is_true(json_object_get(v, "was_suspended")) ? "is resumed"
								       : "was not suspended");
	return SRPTCTL_OK;
}

enum srptctl_exit srptctl_device_resume(const struct srptctl *s)
{
	json_t *params = json_object();

	if (!name_device(s, "device.resume", params))
		return SRPTCTL_USAGE;
	return srptctl_show(s, "device.resume", params, show_resumed);
}
