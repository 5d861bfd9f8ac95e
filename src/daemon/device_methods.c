/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* device.eject and device.insert: the medium of a removable device. device.reservations: all that is known of them. */
#include <inttypes.h>
#include <stdio.h>
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

/* --- reservations --- */

static json_t *type_json(unsigned type)
{
	static const char *const names[] = {
		[SCSI_PR_WRITE_EXCLUSIVE] = "write exclusive",
		[SCSI_PR_EXCLUSIVE_ACCESS] = "exclusive access",
		[SCSI_PR_WRITE_EXCLUSIVE_RO] = "write exclusive, registrants only",
		[SCSI_PR_EXCLUSIVE_ACCESS_RO] = "exclusive access, registrants only",
		[SCSI_PR_WRITE_EXCLUSIVE_AR] = "write exclusive, all registrants",
		[SCSI_PR_EXCLUSIVE_ACCESS_AR] = "exclusive access, all registrants",
	};

	return type < ARRAY_SIZE(names) && names[type] ? json_string(names[type]) : json_null();
}

static json_t *initiator_json(const struct transport_id *id)
{
	struct srp_port_id port;

	memcpy(port.ext, id->name, sizeof(port.ext));
	memcpy(port.guid, id->name + sizeof(port.ext), sizeof(port.guid));
	return port_id_text(&port);
}

static json_t *registrations_json(const struct scsi_pr *pr)
{
	json_t *a = json_array();
	char key[2 + 16 + 1];

	for (unsigned i = 0; i < pr->n; i++) {
		const struct scsi_pr_reg *reg = &pr->reg[i];

		(void)snprintf(key, sizeof(key), "0x%016" PRIx64, reg->key);
		(void)json_array_append_new(
			a, json_pack("{s:s,s:o,s:i,s:b}", "key", key, "initiator",
				     initiator_json(&reg->nexus.initiator), "port",
				     (int)reg->nexus.port, "holder", (int)pr_holds(pr, (int)i)));
	}
	return a;
}

/* Who has it by RESERVE (SPC-2). */
static json_t *reserver_json(const struct scsi_lu *lu)
{
	struct scsi_pr_nexus n;

	if (!lu->reserved)
		return json_null();
	n = pr_nexus_of(lu->reserved);
	return initiator_json(&n.initiator);
}

void method_device_reservations(struct ctl_call *call, json_t *params)
{
	const char *name = json_string_value(json_object_get(params, "device"));
	struct tgt_unit *u = unit_find(ctl_call_ctx(call), name);
	const struct scsi_lu *lu;

	if (!u) {
		ctl_fail(call, JSONRPC_NOT_FOUND, "no DEVICE \"%s\"", name);
		return;
	}
	lu = tgt_unit_lu(u);
	ctl_reply(call, json_pack("{s:s,s:I,s:o,s:b,s:o,s:o}", "device", name, "generation",
				  (json_int_t)lu->pr.generation, "type", type_json(lu->pr.type),
				  "aptpl", (int)lu->pr.aptpl, "reserved_by", reserver_json(lu),
				  "registrations", registrations_json(&lu->pr)));
}
