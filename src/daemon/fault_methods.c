/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* fault.add, fault.list, fault.clear: faults on demand (docs/design/0024-faults-on-demand.md). */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/daemon.h"
#include "daemon/fault_text.h"

/* --- add --- */

static bool refuse(struct ctl_call *call, const char *what, const char *allowed)
{
	ctl_fail(call, JSONRPC_PARAMS, "%s: must be %s", what, allowed);
	return false;
}

/* @params' number @key, 0 where it is not given. False: it is out of range, @call has ended. */
static bool get_number(struct ctl_call *call, const json_t *params, const char *key, uint64_t max,
		       uint64_t *ret)
{
	const json_t *v = json_object_get(params, key);
	char allowed[64];

	*ret = 0;
	if (!v)
		return true;
	(void)snprintf(allowed, sizeof(allowed), "1 to %" PRIu64, max);
	if (json_integer_value(v) < 1 || (uint64_t)json_integer_value(v) > max)
		return refuse(call, key, allowed);
	*ret = (uint64_t)json_integer_value(v);
	return true;
}

static bool get_rhythm(struct ctl_call *call, const json_t *params, struct fault_spec *f)
{
	uint64_t percent;
	uint64_t secs;

	if (!get_number(call, params, "count", INT64_MAX, &f->count) ||
	    !get_number(call, params, "every", INT64_MAX, &f->every) ||
	    !get_number(call, params, "percent", 100, &percent) ||
	    !get_number(call, params, "seed", INT64_MAX, &f->seed) ||
	    !get_number(call, params, "expires_s", FAULT_TTL_MAX_NS / NSEC_PER_SEC, &secs))
		return false;
	f->percent = (unsigned)percent;
	f->ttl_ns = secs * NSEC_PER_SEC;
	return true;
}

static const struct dport *port_find(const struct daemon *d, const char *name)
{
	struct list *pos;

	list_for_each (pos, &d->ports) {
		const struct dport *p = list_entry(pos, struct dport, node);

		if (!strcmp(p->name, name))
			return p;
	}
	return NULL;
}

static bool get_nexus(struct ctl_call *call, const json_t *params, struct fault_spec *f)
{
	const char *initiator = json_string_value(json_object_get(params, "initiator"));
	const char *target = json_string_value(json_object_get(params, "target"));
	const struct dport *p = target ? port_find(ctl_call_ctx(call), target) : NULL;
	const char *allowed = initiator ? fault_text_port(initiator, &f->initiator) : NULL;

	if (allowed)
		return refuse(call, "initiator", allowed);
	f->has_initiator = initiator;
	if (target && !p) {
		ctl_fail(call, JSONRPC_NOT_FOUND, "no TARGET \"%s\"", target);
		return false;
	}
	if (p) {
		f->has_target = true;
		f->target = tgt_port_info(p->port).id;
	}
	return true;
}

static bool get_unit(struct ctl_call *call, const json_t *params, struct fault_spec *f)
{
	const char *lbas = json_string_value(json_object_get(params, "lba"));
	const json_t *lun = json_object_get(params, "lun");
	const char *allowed = lbas ? fault_text_lbas(lbas, f) : NULL;

	if (json_object_get(params, "device")) {
		const struct ddevice *dev = daemon_device_asked(call, params);

		if (!dev)
			return false;
		f->unit = dev->unit;
	}
	if (allowed)
		return refuse(call, "lba", allowed);
	if (!lun)
		return true;
	if (json_integer_value(lun) < 0 || json_integer_value(lun) >= SCSI_LUN_COUNT)
		return refuse(call, "lun", "0 to 255");
	f->has_lun = true;
	f->lun = (uint16_t)json_integer_value(lun);
	return true;
}

/* What it is and does. */
static bool get_kind(struct ctl_call *call, const json_t *params, struct fault_spec *f)
{
	const char *value = json_string_value(json_object_get(params, "value"));
	const char *on = json_string_value(json_object_get(params, "on"));
	const char *allowed;

	f->kind = fault_kind_of(json_string_value(json_object_get(params, "kind")));
	if (f->kind == FAULT_NONE)
		return refuse(
			call, "kind",
			"black-hole, delay, drop, busy, task-set-full, error, corrupt, credits "
			"or reject-login");
	allowed = fault_text_value(value ? value : "", f);
	if (allowed)
		return refuse(call, fault_kind_name(f->kind), allowed);
	allowed = on ? fault_text_on(on, f) : NULL;
	return allowed ? refuse(call, "on", allowed) : true;
}

static void added(void *ctx, uint32_t id)
{
	ctl_reply(ctx, json_pack("{s:I}", "id", (json_int_t)id));
}

void method_fault_add(struct ctl_call *call, json_t *params)
{
	struct daemon *d = ctl_call_ctx(call);
	struct fault_spec f = { 0 };
	int r;

	if (!get_kind(call, params, &f) || !get_unit(call, params, &f) ||
	    !get_nexus(call, params, &f) || !get_rhythm(call, params, &f))
		return;
	if (!d->cfg->opts.faults) {
		ctl_fail(call, JSONRPC_NOT_PERMITTED, "the configuration says \"faults 0\"");
		return;
	}
	if (daemon_is_stopping(call))
		return;
	r = tgt_fault_add(d->tgt, &f, added, call);
	if (r == -ENOSPC)
		ctl_fail(call, JSONRPC_BUSY, "there are %u faults already; clear some", FAULTS_MAX);
	else if (r)
		ctl_reply(call, NULL);
}

/* --- list --- */

static json_t *text_or_null(const char *text)
{
	return text && *text ? json_string(text) : json_null();
}

/* The name of the target with this identifier, or the identifier where it is gone. */
static json_t *target_json(const struct daemon *d, const struct fault_spec *f)
{
	struct list *pos;

	if (!f->has_target)
		return json_null();
	list_for_each (pos, &d->ports) {
		const struct dport *p = list_entry(pos, struct dport, node);
		struct srp_port_id id = tgt_port_info(p->port).id;

		if (srp_port_id_eq(&id, &f->target))
			return json_string(p->name);
	}
	return port_id_text(&f->target);
}

static json_t *lbas_json(const struct fault_spec *f)
{
	char text[48];

	if (!f->has_lbas)
		return json_null();
	(void)snprintf(text, sizeof(text), "%" PRIu64 "-%" PRIu64, f->lba_first, f->lba_last);
	return json_string(text);
}

static json_t *fault_json(const struct daemon *d, const struct tgt_fault_info *i)
{
	const struct fault *f = &i->fault;
	const struct fault_spec *s = &f->spec;
	char value[FAULT_TEXT_MAX];
	char on[FAULT_TEXT_MAX];

	fault_text_put_value(s, value, sizeof(value));
	fault_text_put_on(s, on, sizeof(on));
	return json_pack("{s:I,s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:I,s:I,s:I,s:I,s:I,s:I,s:b,s:I}",
			 "id", (json_int_t)f->id, "kind", fault_kind_name(s->kind), "value",
			 text_or_null(value), "device", text_or_null(i->device), "lun",
			 s->has_lun ? json_integer(s->lun) : json_null(), "lba", lbas_json(s),
			 "initiator", s->has_initiator ? port_id_text(&s->initiator) : json_null(),
			 "target", target_json(d, s), "on", text_or_null(on), "count",
			 (json_int_t)s->count, "every", (json_int_t)s->every, "percent",
			 (json_int_t)s->percent, "seed", (json_int_t)s->seed, "seen",
			 (json_int_t)f->seen, "hits", (json_int_t)f->hits, "spent", (int)i->spent,
			 "expires_s", (json_int_t)((i->left_ns + NSEC_PER_SEC - 1) / NSEC_PER_SEC));
}

void method_fault_list(struct ctl_call *call, json_t *params)
{
	const struct daemon *d = ctl_call_ctx(call);
	struct tgt_fault_info info[FAULTS_MAX];
	unsigned n = tgt_fault_list(d->tgt, info, FAULTS_MAX);
	json_t *a = json_array();

	(void)params;
	for (unsigned i = 0; i < n; i++)
		(void)json_array_append_new(a, fault_json(d, &info[i]));
	ctl_reply(call, json_pack("{s:o}", "faults", a));
}

/* --- clear --- */

static void cleared(void *ctx, uint32_t n)
{
	ctl_reply(ctx, json_pack("{s:I}", "cleared", (json_int_t)n));
}

void method_fault_clear(struct ctl_call *call, json_t *params)
{
	struct daemon *d = ctl_call_ctx(call);
	uint64_t id;
	int r;

	if (!get_number(call, params, "id", UINT32_MAX, &id))
		return;
	r = tgt_fault_clear(d->tgt, (uint32_t)id, cleared, call);
	if (r == -ENOENT)
		ctl_fail(call, JSONRPC_NOT_FOUND, "no fault %" PRIu64 "; it may have expired", id);
	else if (r)
		ctl_reply(call, NULL);
}
