/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* srptctl device eject, insert: the medium of a removable device; device suspend, resume: its store. */
#include "tools/srptctl.h"

/* Call @method for the device that is named, with @params, whose reference is taken over. */
static enum srptctl_exit call_device(const struct srptctl *s, const char *method, json_t *params,
				     json_t **ret_result)
{
	if (!s->n_args) {
		json_decref(params);
		srptctl_error(method, "a DEVICE is needed");
		return SRPTCTL_USAGE;
	}
	(void)json_object_set_new(params, "device", json_string(s->args[0]));
	return srptctl_call(s, method, params, ret_result);
}

static enum srptctl_exit move_medium(const struct srptctl *s, const char *method)
{
	json_t *result = NULL;
	enum srptctl_exit r = call_device(s, method, json_object(), &result);

	json_decref(result);
	return r;
}

enum srptctl_exit srptctl_device_eject(const struct srptctl *s)
{
	return move_medium(s, "device.eject");
}

enum srptctl_exit srptctl_device_insert(const struct srptctl *s)
{
	return move_medium(s, "device.insert");
}

/* Show @result with @show, or as JSON; its reference is taken over. */
static enum srptctl_exit show(const struct srptctl *s, json_t *result, void (*text)(json_t *v))
{
	enum srptctl_exit r = SRPTCTL_OK;

	if (s->json)
		r = srptctl_print_json(result);
	else
		text(result);
	json_decref(result);
	return r;
}

static void show_suspended(json_t *v)
{
	const json_t *left = json_object_get(v, "resumes_in_s");

	(void)printf("%s %s suspended", srptctl_str(v, "device"),
		     json_is_true(json_object_get(v, "already")) ? "was already" : "is");
	if (json_is_number(left))
		(void)printf(", and is resumed by itself in %.1f s\n", json_number_value(left));
	else
		(void)puts(" until it is resumed");
}

enum srptctl_exit srptctl_device_suspend(const struct srptctl *s)
{
	struct srptctl patient = *s;
	json_t *params = json_object();
	json_t *result = NULL;
	unsigned wait_ms = (unsigned)(s->deadline_s >= 0 ? s->deadline_s : 10) * 1000 + 5000;
	enum srptctl_exit r;

	/* The daemon is to say that the deadline has passed, not we. */
	if (patient.timeout_ms && patient.timeout_ms < wait_ms)
		patient.timeout_ms = wait_ms;
	if (s->deadline_s >= 0)
		(void)json_object_set_new(params, "deadline", json_integer(s->deadline_s));
	if (s->for_s >= 0)
		(void)json_object_set_new(params, "for", json_integer(s->for_s));
	r = call_device(&patient, "device.suspend", params, &result);
	return r ? r : show(s, result, show_suspended);
}

static void show_resumed(json_t *v)
{
	(void)printf("%s %s\n", srptctl_str(v, "device"),
		     json_is_true(json_object_get(v, "was_suspended")) ? "is resumed"
								       : "was not suspended");
}

enum srptctl_exit srptctl_device_resume(const struct srptctl *s)
{
	json_t *result = NULL;
	enum srptctl_exit r = call_device(s, "device.resume", json_object(), &result);

	return r ? r : show(s, result, show_resumed);
}
