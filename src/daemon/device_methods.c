/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * device.eject and device.insert: the medium of a removable device. device.suspend and device.resume: its store for the
 * operator.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/daemon.h"

struct ddevice *daemon_device_asked(struct ctl_call *call, const json_t *params)
{
	const struct daemon *d = ctl_call_ctx(call);
	const char *name = json_string_value(json_object_get(params, "device"));
	struct list *pos;

	list_for_each (pos, &d->devices) {
		struct ddevice *dev = list_entry(pos, struct ddevice, node);

		if (!strcmp(dev->name, name))
			return dev;
	}
	ctl_fail(call, JSONRPC_NOT_FOUND, "no DEVICE \"%s\"", name);
	return NULL;
}

static void medium_done(void *ctx)
{
	ctl_reply(ctx, json_object());
}

static void medium_failed(struct ctl_call *call, const char *name, int r)
{
	switch (r) {
	case SCSI_MEDIUM_E_FIXED:
		ctl_fail(call, JSONRPC_NOT_PERMITTED,
			 "device %s is not removable; it needs \"removable 1\"", name);
		break;
	case SCSI_MEDIUM_E_PREVENTED:
		ctl_fail(call, JSONRPC_BUSY,
			 "an initiator prevents that the medium of device %s is moved", name);
		break;
	case SCSI_MEDIUM_E_BUSY:
		ctl_fail(call, JSONRPC_BUSY, "device %s is being erased", name);
		break;
	default:
		ctl_reply(call, NULL);
	}
}

static void move_medium(struct ctl_call *call, json_t *params, bool in)
{
	const struct ddevice *dev = daemon_device_asked(call, params);
	int r;

	if (!dev)
		return;
	if (daemon_is_stopping(call))
		return;
	r = in ? tgt_unit_insert(dev->unit, medium_done, call)
	       : tgt_unit_eject(dev->unit, medium_done, call);
	if (r)
		medium_failed(call, dev->name, r);
}

void method_device_eject(struct ctl_call *call, json_t *params)
{
	move_medium(call, params, false);
}

void method_device_insert(struct ctl_call *call, json_t *params)
{
	move_medium(call, params, true);
}

/* --- suspending --- */

#define SUSPEND_DEADLINE_S 10
#define SUSPEND_FOR_S      20 /* below the 30 s after which Linux gives a command up */
#define SUSPEND_MAX_S      86400

/* A call of device.suspend under way. */
struct suspend_call {
	struct ctl_call *call;
	struct ddevice *dev; /* not after it was taken away */
	char name[64];
};

json_t *device_left_json(struct tgt_unit *u)
{
	bool serves = tgt_unit_lu(u)->suspend == SCSI_SUSPEND_SERVING;
	uint64_t left = serves ? UINT64_MAX : tgt_unit_suspend_left_ns(u);

	return left == UINT64_MAX ? json_null() : json_real((double)left / NSEC_PER_SEC);
}

static json_t *suspended_json(const char *name, struct tgt_unit *u, bool already)
{
	return json_pack("{s:s,s:s,s:b,s:o}", "device", name, "state", "suspended", "already",
			 (int)already, "resumes_in_s", device_left_json(u));
}

static void suspend_done(void *ctx, int result)
{
	struct suspend_call *c = ctx;

	switch (result) {
	case 0:
		ctl_reply(c->call, suspended_json(c->name, c->dev->unit, false));
		break;
	case -ETIMEDOUT:
		ctl_fail(c->call, JSONRPC_TIMEOUT,
			 "commands of device %s that are in flight have not ended in time; it is "
			 "served as before",
			 c->name);
		break;
	case -ECANCELED:
		ctl_fail(c->call, JSONRPC_BUSY, "device %s was resumed before, or goes away",
			 c->name);
		break;
	default:
		ctl_fail(c->call, JSONRPC_FAILED,
			 "the store of device %s cannot be flushed: %s; it is served as before",
			 c->name, strerrordesc_np(-result));
	}
	free(c);
}

static void suspend_refused(struct ctl_call *call, const struct ddevice *dev, int r)
{
	switch (r) {
	case SCSI_SUSPEND_E_ALREADY:
		ctl_reply(call, suspended_json(dev->name, dev->unit, true));
		break;
	case SCSI_SUSPEND_E_UNDER_WAY:
		ctl_fail(call, JSONRPC_BUSY, "device %s is being suspended already", dev->name);
		break;
	case SCSI_SUSPEND_E_ERASING:
		ctl_fail(call, JSONRPC_BUSY, "device %s is being erased", dev->name);
		break;
	default:
		ctl_reply(call, NULL);
	}
}

/* Seconds of an optional parameter; false: @call was told that they are none. */
static bool seconds_ns(struct ctl_call *call, const json_t *params, const char *key, unsigned none,
		       uint64_t *ret_ns)
{
	const json_t *v = json_object_get(params, key);
	json_int_t s = v ? json_integer_value(v) : (json_int_t)none;

	if (s < 0 || s > SUSPEND_MAX_S) {
		ctl_fail(call, JSONRPC_PARAMS, "%s: not a number of seconds from 0 to %d", key,
			 SUSPEND_MAX_S);
		return false;
	}
	*ret_ns = (uint64_t)s * NSEC_PER_SEC;
	return true;
}

void method_device_suspend(struct ctl_call *call, json_t *params)
{
	struct ddevice *dev = daemon_device_asked(call, params);
	struct suspend_call *c;
	uint64_t deadline;
	uint64_t most;
	int r;

	if (!dev || !seconds_ns(call, params, "deadline", SUSPEND_DEADLINE_S, &deadline) ||
	    !seconds_ns(call, params, "for", SUSPEND_FOR_S, &most))
		return;
	if (daemon_is_stopping(call))
		return;
	if (tgt_unit_lu(dev->unit)->remote) {
		ctl_fail(call, JSONRPC_FAILED, "device %s is of another target: suspend it there",
			 dev->name);
		return;
	}
	c = calloc(1, sizeof(*c));
	if (!c) {
		ctl_reply(call, NULL);
		return;
	}
	c->call = call;
	c->dev = dev;
	(void)snprintf(c->name, sizeof(c->name), "%s", dev->name);
	r = tgt_unit_suspend(dev->unit, deadline, most, suspend_done, c);
	if (r) {
		free(c);
		suspend_refused(call, dev, r);
	}
}

void method_device_resume(struct ctl_call *call, json_t *params)
{
	struct ddevice *dev = daemon_device_asked(call, params);

	if (dev)
		ctl_reply(call, json_pack("{s:s,s:b}", "device", dev->name, "was_suspended",
					  (int)tgt_unit_resume(dev->unit)));
}
