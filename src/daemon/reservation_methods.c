/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * device.reservations: all that is known of the reservations of a device. device.reservations_restore: what that gave,
 * here or elsewhere, is what the device has again; whole or not at all.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "daemon/daemon.h"

static const char *const types[] = {
	[SCSI_PR_WRITE_EXCLUSIVE] = "write exclusive",
	[SCSI_PR_EXCLUSIVE_ACCESS] = "exclusive access",
	[SCSI_PR_WRITE_EXCLUSIVE_RO] = "write exclusive, registrants only",
	[SCSI_PR_EXCLUSIVE_ACCESS_RO] = "exclusive access, registrants only",
	[SCSI_PR_WRITE_EXCLUSIVE_AR] = "write exclusive, all registrants",
	[SCSI_PR_EXCLUSIVE_ACCESS_AR] = "exclusive access, all registrants",
};

/* --- dump --- */

static json_t *type_json(unsigned type)
{
	return type < ARRAY_SIZE(types) && types[type] ? json_string(types[type]) : json_null();
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
	const struct ddevice *dev = daemon_device_asked(call, params);
	const struct scsi_lu *lu;

	if (!dev)
		return;
	lu = tgt_unit_lu(dev->unit);
	ctl_reply(call,
		  json_pack("{s:s,s:I,s:o,s:b,s:b,s:o,s:o}", "device", dev->name, "generation",
			    (json_int_t)lu->pr.generation, "type", type_json(lu->pr.type), "aptpl",
			    (int)lu->pr.aptpl, "lost", (int)lu->pr.lost, "reserved_by",
			    reserver_json(lu), "registrations", registrations_json(&lu->pr)));
}

/* --- restore --- */

#define REASON_BYTES 160u

/* Reading a dump; the first thing that is wrong with it is noted. */
struct dump {
	char reason[REASON_BYTES];
};

static bool wrong(struct dump *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static bool wrong(struct dump *d, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(d->reason, sizeof(d->reason), fmt, ap);
	va_end(ap);
	return false;
}

/* A field that a dump does not have is a mistake, whoever made it. */
static bool only_fields(struct dump *d, json_t *o, const char *const *fields, size_t n)
{
	const char *name;
	json_t *v;

	json_object_foreach(o, name, v)
	{
		size_t i = 0;

		while (i < n && strcmp(name, fields[i]) != 0)
			i++;
		if (i == n)
			return wrong(d, "\"%.32s\" is no field of a dump", name);
	}
	return true;
}

static bool get_number(struct dump *d, const json_t *o, const char *field, json_int_t min,
		       json_int_t max, json_int_t *ret)
{
	const json_t *v = json_object_get(o, field);

	if (!json_is_integer(v) || json_integer_value(v) < min || json_integer_value(v) > max)
		return wrong(d, "%s must be a number from %lld to %lld", field, (long long)min,
			     (long long)max);
	*ret = json_integer_value(v);
	return true;
}

static bool get_flag(struct dump *d, const json_t *o, const char *field, bool *ret)
{
	const json_t *v = json_object_get(o, field);

	if (!json_is_boolean(v))
		return wrong(d, "%s must be true or false", field);
	*ret = json_is_true(v);
	return true;
}

/* "0x" and the digits of @n bytes. */
static bool get_hex(struct dump *d, const json_t *o, const char *field, uint8_t *to, size_t n)
{
	const char *text = json_string_value(json_object_get(o, field));

	if (!text || strncmp(text, "0x", 2) != 0 || !hex_to(text + 2, to, n))
		return wrong(d, "%s must be 0x and %zu hexadecimal digits in lower case", field,
			     2 * n);
	return true;
}

static bool get_type(struct dump *d, const json_t *o, uint8_t *ret)
{
	const json_t *v = json_object_get(o, "type");

	*ret = SCSI_PR_NONE;
	if (json_is_null(v))
		return true;
	for (uint8_t i = 0; json_is_string(v) && i < ARRAY_SIZE(types); i++)
		if (types[i] && !strcmp(types[i], json_string_value(v))) {
			*ret = i;
			return true;
		}
	return wrong(d, "type must be null or the name of a type");
}

static bool get_registration(struct dump *d, json_t *o, struct scsi_pr *pr)
{
	static const char *const fields[] = { "key", "initiator", "port", "holder" };
	struct scsi_pr_reg *reg = &pr->reg[pr->n];
	uint8_t key[8];
	json_int_t port = 0;
	bool holder = false;

	if (!json_is_object(o))
		return wrong(d, "a registration must be an object");
	if (!only_fields(d, o, fields, ARRAY_SIZE(fields)) ||
	    !get_hex(d, o, "key", key, sizeof(key)) ||
	    !get_hex(d, o, "initiator", reg->nexus.initiator.name,
		     sizeof(reg->nexus.initiator.name)) ||
	    !get_number(d, o, "port", 1, UINT16_MAX, &port) || !get_flag(d, o, "holder", &holder))
		return false;
	reg->key = get_be64(key);
	reg->nexus.port = (uint16_t)port;
	reg->nexus.initiator.protocol = TRANSPORT_ID_SRP;
	if (!reg->key)
		return wrong(d, "a key must not be 0");
	if (pr_find(pr, &reg->nexus) >= 0)
		return wrong(d, "registration %u: this initiator is registered at port %u already",
			     pr->n + 1u, reg->nexus.port);
	if (holder && !pr->type)
		return wrong(d, "registration %u holds a reservation, and type is null",
			     pr->n + 1u);
	if (!holder && pr_is_all_registrants(pr->type))
		return wrong(d, "registration %u must be a holder, as all registrants are",
			     pr->n + 1u);
	if (holder && !pr_is_all_registrants(pr->type))
		pr->holder = pr->n;
	pr->n++;
	return true;
}

static bool get_registrations(struct dump *d, const json_t *o, struct scsi_pr *pr)
{
	const json_t *a = json_object_get(o, "registrations");
	unsigned n_holders = 0;

	if (!json_is_array(a) || json_array_size(a) > SCSI_PR_MAX)
		return wrong(d, "registrations must be an array of at most %u", SCSI_PR_MAX);
	for (size_t i = 0; i < json_array_size(a); i++) {
		json_t *reg = json_array_get(a, i);

		if (!get_registration(d, reg, pr))
			return false;
		n_holders += json_is_true(json_object_get(reg, "holder"));
	}
	if (pr->type && (!n_holders || (n_holders > 1 && !pr_is_all_registrants(pr->type))))
		return wrong(d, "a reservation of this type has %s holder, not %u",
			     pr_is_all_registrants(pr->type) ? "at least one" : "one", n_holders);
	return true;
}

/* What a dump says; what it says of RESERVE is of a session, which is not here. */
static bool get_dump(struct dump *d, json_t *o, struct scsi_pr *pr)
{
	static const char *const fields[] = { "device", "generation",  "type",         "aptpl",
					      "lost",   "reserved_by", "registrations" };
	json_int_t generation = 0;
	const json_t *by = json_object_get(o, "reserved_by");
	bool lost = false;

	*pr = (struct scsi_pr){ 0 };
	if (!only_fields(d, o, fields, ARRAY_SIZE(fields)) ||
	    !get_number(d, o, "generation", 0, UINT32_MAX, &generation) ||
	    !get_type(d, o, &pr->type) || !get_flag(d, o, "aptpl", &pr->aptpl) ||
	    (json_object_get(o, "lost") && !get_flag(d, o, "lost", &lost)))
		return false;
	if (json_object_get(o, "device") && !json_is_string(json_object_get(o, "device")))
		return wrong(d, "device must be a name");
	if (by && !json_is_null(by) && !json_is_string(by))
		return wrong(d, "reserved_by must be null or an initiator");
	if (lost)
		return wrong(d,
			     "it is of a device that had lost its reservations: there is nothing "
			     "to restore");
	pr->generation = (uint32_t)generation;
	return get_registrations(d, o, pr);
}

static void restored(void *ctx, int result)
{
	if (result)
		ctl_fail(ctx, JSONRPC_FAILED,
			 "the reservations are in effect, but could not be saved (%s): they may be "
			 "forgotten",
			 strerrordesc_np(-result));
	else
		ctl_reply(ctx, json_object());
}

static void not_restored(struct ctl_call *call, const char *name, int r)
{
	switch (r) {
	case SCSI_PR_E_RESERVED:
		ctl_fail(call, JSONRPC_BUSY,
			 "an initiator has reserved device %s by RESERVE; it must release it first",
			 name);
		break;
	case SCSI_PR_E_NOT_KEPT:
		ctl_fail(call, JSONRPC_NOT_PERMITTED,
			 "aptpl is true, and device %s has no state_dir to keep them in", name);
		break;
	case SCSI_PR_E_UNSOUND:
		ctl_fail(call, JSONRPC_PARAMS, "no device could have these reservations");
		break;
	default:
		ctl_reply(call, NULL);
	}
}

void method_device_reservations_restore(struct ctl_call *call, json_t *params)
{
	const struct ddevice *dev = daemon_device_asked(call, params);
	struct dump dump = { 0 };
	struct scsi_pr pr;
	int r;

	if (!dev)
		return;
	if (daemon_is_stopping(call))
		return;
	if (!get_dump(&dump, json_object_get(params, "reservations"), &pr)) {
		ctl_fail(call, JSONRPC_PARAMS, "reservations: %s", dump.reason);
		return;
	}
	r = tgt_unit_restore_pr(dev->unit, &pr, restored, call);
	if (r)
		not_restored(call, dev->name, r);
}
