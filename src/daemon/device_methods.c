/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* device.eject and device.insert: the medium of a removable device. */
#include <string.h>

#include "daemon/daemon.h"

static struct tgt_unit *unit_find(const struct daemon *d, const char *name)
{
	struct list *pos;

	list_for_each (pos, &d->devices) {
		const struct ddevice *dev = list_entry(pos, struct ddevice, node);

		if (!strcmp(dev->name, name))
			return dev->unit;
	}
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
	const struct daemon *d = ctl_call_ctx(call);
	const char *name = json_string_value(json_object_get(params, "device"));
	struct tgt_unit *u = unit_find(d, name);
	int r;

	if (!u) {
		ctl_fail(call, JSONRPC_NOT_FOUND, "no DEVICE \"%s\"", name);
		return;
	}
	if (d->stopping) {
		ctl_fail(call, JSONRPC_BUSY, "srptd is stopping");
		return;
	}
	r = in ? tgt_unit_insert(u, medium_done, call) : tgt_unit_eject(u, medium_done, call);
	if (r)
		medium_failed(call, name, r);
}

void method_device_eject(struct ctl_call *call, json_t *params)
{
	move_medium(call, params, false);
}

void method_device_insert(struct ctl_call *call, json_t *params)
{
	move_medium(call, params, true);
}
