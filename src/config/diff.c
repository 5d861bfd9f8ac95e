/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "config/diff.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/parse.h"

struct diff {
	struct config_diff out;
	const struct config *from;
	const struct config *to;
	bool no_memory;
};

static void diff_add(struct diff *d, struct config_op op)
{
	if (d->no_memory || !parse_grow(&d->out.ops, d->out.n, sizeof(op))) {
		d->no_memory = true;
		return;
	}
	d->out.ops[d->out.n++] = op;
}

static bool diff_text(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") != 0;
}

/* --- options --- */

static void diff_options(struct diff *d)
{
	const struct config_options *a = &d->from->opts;
	const struct config_options *b = &d->to->opts;
	const struct {
		const char *what;
		bool differs;
	} rows[] = {
		{ "control_socket", diff_text(a->control_socket, b->control_socket) },
		{ "state_dir", diff_text(a->state_dir, b->state_dir) },
		{ "workers", a->workers != b->workers },
		{ "poll_us", a->poll_us != b->poll_us },
		{ "store_poll_s", a->store_poll_s != b->store_poll_s },
		{ "log_level", a->log_level != b->log_level },
		{ "handshake_ms", a->handshake_ms != b->handshake_ms },
		{ "max_handshakes", a->handshakes != b->handshakes },
		{ "max_handshakes_per_peer", a->handshakes_per_peer != b->handshakes_per_peer },
		{ "max_connections", a->max_conns != b->max_conns },
		{ "max_logins_per_second", a->logins_per_s != b->logins_per_s },
		{ "faults", a->faults != b->faults },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].differs)
			diff_add(d, (struct config_op){ .type = CONFIG_OP_OPTIONS,
							.what = rows[i].what });
}

/* --- devices --- */

static bool diff_address(const struct config_listen *a, const struct config_listen *b)
{
	return a->addr_len != b->addr_len || memcmp(&a->addr, &b->addr, a->addr_len) != 0;
}

/* The first word, size apart, that differs; NULL when none does. */
static const char *diff_device_word(const struct config_device *a, const struct config_device *b)
{
	const struct {
		const char *what;
		bool differs;
	} rows[] = {
		{ "HANDLER", a->handler != b->handler },
		{ "filename", diff_text(a->path, b->path) },
		{ "connect", diff_address(&a->connect, &b->connect) },
		{ "id_ext", a->id_ext != b->id_ext },
		{ "ioc_guid", a->ioc_guid != b->ioc_guid },
		{ "lun", a->lun != b->lun },
		{ "blocksize", a->block_bytes != b->block_bytes },
		{ "physical_blocksize", a->physical_bytes != b->physical_bytes },
		{ "o_direct", a->direct != b->direct },
		{ "read_only", a->read_only != b->read_only },
		{ "write_through", a->write_through != b->write_through },
		{ "nv_cache", a->nv_cache != b->nv_cache },
		{ "thin_provisioned", a->thin != b->thin },
		{ "soft_threshold", a->soft_threshold != b->soft_threshold },
		{ "rotational", a->rotational != b->rotational },
		{ "removable", a->removable != b->removable },
		{ "d_sense", a->d_sense != b->d_sense },
		{ "swp", a->swp != b->swp },
		{ "tas", a->tas != b->tas },
		{ "tst", a->tst != b->tst },
		{ "qerr", a->qerr != b->qerr },
		{ "ua_intlck", a->ua_intlck != b->ua_intlck },
		{ "t10_vend_id", diff_text(a->vendor, b->vendor) },
		{ "prod_id", diff_text(a->product, b->product) },
		{ "prod_rev_lvl", diff_text(a->revision, b->revision) },
		{ "usn", diff_text(a->serial, b->serial) },
		{ "t10_dev_id", diff_text(a->t10_dev_id, b->t10_dev_id) },
		{ "vend_specific_id", diff_text(a->vend_specific_id, b->vend_specific_id) },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].differs)
			return rows[i].what;
	return NULL;
}

/* Devices of @from (old = true) that are gone, or of @to that are new or changed. */
static void diff_devices(struct diff *d, bool old)
{
	const struct config *these = old ? d->from : d->to;
	const struct config *those = old ? d->to : d->from;
	const struct config_device **index = parse_index(those, &d->no_memory);

	for (unsigned i = 0; i < these->n_devices; i++) {
		const struct config_device *one = &these->devices[i];
		const struct config_device *other =
			parse_index_find(index, those->n_devices, one->name);
		struct config_op op = { .device = { other, one } };

		if (old) {
			if (!other)
				diff_add(d, (struct config_op){ .type = CONFIG_OP_DEVICE_REMOVE,
								.device = { one } });
			continue;
		}
		op.what = other ? diff_device_word(other, one) : NULL;
		if (!other)
			op.type = CONFIG_OP_DEVICE_ADD;
		else if (op.what)
			op.type = CONFIG_OP_DEVICE_REPLACE;
		else if (other->size_bytes != one->size_bytes)
			op.type = CONFIG_OP_DEVICE_RESIZE;
		else
			continue;
		diff_add(d, op);
	}
	free(index);
}

/* --- groups --- */

static bool diff_luns(const struct diff *d, const struct config_group *a,
		      const struct config_group *b)
{
	if (a->n_luns != b->n_luns)
		return true;
	for (unsigned i = 0; i < a->n_luns; i++) {
		const struct config_lun *x = &a->luns[i];
		const struct config_lun *y = &b->luns[i];

		if (x->lun != y->lun || x->read_only != y->read_only ||
		    diff_text(d->from->devices[x->device].name, d->to->devices[y->device].name))
			return true;
	}
	return false;
}

static bool diff_patterns(const struct config_group *a, const struct config_group *b)
{
	if (a->n_patterns != b->n_patterns)
		return true;
	for (unsigned i = 0; i < a->n_patterns; i++)
		if (diff_text(a->patterns[i], b->patterns[i]))
			return true;
	return false;
}

static const struct config_group *diff_group_find(const struct config_target *t, const char *name)
{
	for (unsigned i = 0; i < t->n_groups; i++)
		if (!strcmp(t->groups[i].name, name))
			return &t->groups[i];
	return NULL;
}

static void diff_group(struct diff *d, struct config_op op)
{
	const struct config_group *a = op.group[0];
	const struct config_group *b = op.group[1];
	const struct config_target *s = op.target[0];
	const struct config_target *t = op.target[1];
	bool any = a == &s->any_group;

	/* The first match counts, so a group that stands elsewhere may get other initiators. */
	if (any ? s->allow_any != t->allow_any
		: diff_patterns(a, b) || a - s->groups != b - t->groups) {
		op.type = CONFIG_OP_GROUP_ACCESS;
		diff_add(d, op);
	}
	if (diff_luns(d, a, b)) {
		op.type = CONFIG_OP_GROUP_LUNS;
		diff_add(d, op);
	}
}

static void diff_groups(struct diff *d, const struct config_target *a,
			const struct config_target *b)
{
	for (unsigned i = 0; i < a->n_groups; i++)
		if (!diff_group_find(b, a->groups[i].name))
			diff_add(d, (struct config_op){ .type = CONFIG_OP_GROUP_REMOVE,
							.target = { a, b },
							.group = { &a->groups[i] } });
	for (unsigned i = 0; i < b->n_groups; i++) {
		struct config_op op = { .type = CONFIG_OP_GROUP_ADD,
					.target = { a, b },
					.group = { diff_group_find(a, b->groups[i].name),
						   &b->groups[i] } };

		if (op.group[0])
			diff_group(d, op);
		else
			diff_add(d, op);
	}
	diff_group(d, (struct config_op){ .target = { a, b },
					  .group = { &a->any_group, &b->any_group } });
}

/* --- targets --- */

static const char *diff_target_word(const struct config_target *a, const struct config_target *b)
{
	if (a->driver != b->driver)
		return "TARGET_DRIVER";
	if (a->id_ext != b->id_ext)
		return "id_ext";
	if (a->ioc_guid != b->ioc_guid)
		return "ioc_guid";
	if (a->rel_tgt_id != b->rel_tgt_id)
		return "rel_tgt_id";
	if (a->default_target != b->default_target)
		return "default_target";
	return a->max_channels != b->max_channels ? "max_channels" : NULL;
}

static const char *diff_limits_word(const struct config_target *a, const struct config_target *b)
{
	const struct {
		const char *what;
		bool differs;
	} rows[] = {
		{ "max_channels_per_initiator",
		  a->max_channels_per_initiator != b->max_channels_per_initiator },
		{ "credits", a->credits != b->credits },
		{ "credits_per_initiator", a->credits_per_initiator != b->credits_per_initiator },
		{ "max_memory_per_initiator", a->memory_per_initiator != b->memory_per_initiator },
		{ "max_immediate", a->max_immediate != b->max_immediate },
		{ "multi_channel", a->multi_channel != b->multi_channel },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].differs)
			return rows[i].what;
	return NULL;
}

static bool diff_listens_at(const struct config_target *t, const struct config_listen *l)
{
	for (unsigned i = 0; i < t->n_listens; i++)
		if (t->listens[i].addr_len == l->addr_len &&
		    !memcmp(&t->listens[i].addr, &l->addr, l->addr_len))
			return true;
	return false;
}

static void diff_listens(struct diff *d, const struct config_target *a,
			 const struct config_target *b)
{
	for (unsigned i = 0; i < a->n_listens; i++)
		if (!diff_listens_at(b, &a->listens[i]))
			diff_add(d, (struct config_op){ .type = CONFIG_OP_LISTEN_REMOVE,
							.target = { a, b },
							.listen = &a->listens[i] });
	for (unsigned i = 0; i < b->n_listens; i++)
		if (!diff_listens_at(a, &b->listens[i]))
			diff_add(d, (struct config_op){ .type = CONFIG_OP_LISTEN_ADD,
							.target = { a, b },
							.listen = &b->listens[i] });
}

static void diff_target(struct diff *d, const struct config_target *a,
			const struct config_target *b)
{
	struct config_op op = { .target = { a, b } };

	if (a->enabled && !b->enabled) {
		op.type = CONFIG_OP_TARGET_DISABLE;
		diff_add(d, op);
	}
	op.what = diff_target_word(a, b);
	if (op.what) {
		op.type = CONFIG_OP_TARGET_CHANGE;
		diff_add(d, op);
	}
	op.what = diff_limits_word(a, b);
	if (op.what) {
		op.type = CONFIG_OP_TARGET_LIMITS;
		diff_add(d, op);
	}
	if (a->enabled && b->enabled)
		diff_listens(d, a, b);
	diff_groups(d, a, b);
}

/* Which targets a pass over the models is about. */
static void diff_targets(struct diff *d, enum config_op_type pass)
{
	const struct config *c = pass == CONFIG_OP_TARGET_REMOVE ? d->from : d->to;

	for (unsigned i = 0; i < c->n_targets; i++) {
		const struct config_target *t = &c->targets[i];
		const struct config_target *old = config_target_find(d->from, t->name);
		struct config_op op = { .type = pass, .target = { old, t } };

		if (pass == CONFIG_OP_TARGET_REMOVE) {
			op.target[1] = NULL;
			if (!config_target_find(d->to, t->name))
				diff_add(d, op);
		} else if (pass == CONFIG_OP_TARGET_CHANGE) {
			if (old)
				diff_target(d, old, t);
		} else if (pass == CONFIG_OP_TARGET_ADD) {
			if (!old)
				diff_add(d, op);
		} else if (old && !old->enabled && t->enabled) {
			diff_add(d, op);
		}
	}
}

/* --- device groups --- */

static void diff_expl_alua(struct diff *d)
{
	const struct config_device **index = parse_index(d->from, &d->no_memory);

	for (unsigned i = 0; i < d->to->n_devices; i++) {
		const struct config_device *b = &d->to->devices[i];
		const struct config_device *a =
			parse_index_find(index, d->from->n_devices, b->name);

		if (a && a->expl_alua != b->expl_alua)
			diff_add(d, (struct config_op){ .type = CONFIG_OP_DEVICE_EXPL_ALUA,
							.device = { a, b },
							.what = "expl_alua" });
	}
	free(index);
}

static bool diff_members(const struct config_dgroup *a, const struct config_dgroup *b)
{
	if (a->n_members != b->n_members)
		return true;
	for (unsigned i = 0; i < a->n_members; i++)
		if (diff_text(a->members[i].device, b->members[i].device))
			return true;
	return false;
}

static bool diff_tpg_ports(const struct config_tpg *a, const struct config_tpg *b)
{
	if (a->n_ports != b->n_ports)
		return true;
	for (unsigned i = 0; i < a->n_ports; i++)
		if (diff_text(a->ports[i].target, b->ports[i].target) ||
		    a->ports[i].rel_tgt_id != b->ports[i].rel_tgt_id)
			return true;
	return false;
}

static bool diff_segments(const struct config_tpg *a, const struct config_tpg *b)
{
	if (a->n_segments != b->n_segments)
		return true;
	for (unsigned i = 0; i < a->n_segments; i++)
		if (a->segments[i].lba != b->segments[i].lba ||
		    a->segments[i].state != b->segments[i].state)
			return true;
	return false;
}

static const char *diff_tpgs(const struct config_dgroup *a, const struct config_dgroup *b)
{
	if (a->n_tpgs != b->n_tpgs)
		return "TARGET_GROUP";
	for (unsigned i = 0; i < a->n_tpgs; i++) {
		const struct config_tpg *x = &a->tpgs[i], *y = &b->tpgs[i];

		if (diff_text(x->name, y->name))
			return "TARGET_GROUP";
		if (x->group_id != y->group_id)
			return "group_id";
		if (x->state != y->state)
			return "state";
		if (x->preferred != y->preferred)
			return "preferred";
		if (diff_segments(x, y))
			return "SEGMENT";
		if (diff_tpg_ports(x, y))
			return "TARGET";
	}
	return NULL;
}

static const char *diff_dgroup_word(const struct config_dgroup *a, const struct config_dgroup *b)
{
	if (diff_members(a, b))
		return "DEVICE";
	if (diff_text(a->on_stpg, b->on_stpg))
		return "on_stpg";
	if (a->on_stpg_timeout_s != b->on_stpg_timeout_s)
		return "on_stpg_timeout";
	return diff_tpgs(a, b);
}

static void diff_dgroups(struct diff *d)
{
	for (unsigned i = 0; i < d->from->n_dgroups; i++) {
		const struct config_dgroup *a = &d->from->dgroups[i];

		if (!config_dgroup_find(d->to, a->name))
			diff_add(d, (struct config_op){ .type = CONFIG_OP_DGROUP_REMOVE,
							.dgroup = { a } });
	}
	for (unsigned i = 0; i < d->to->n_dgroups; i++) {
		const struct config_dgroup *b = &d->to->dgroups[i];
		const struct config_dgroup *a = config_dgroup_find(d->from, b->name);
		const char *what = a ? diff_dgroup_word(a, b) : NULL;

		if (!a || what)
			diff_add(d, (struct config_op){ .type = a ? CONFIG_OP_DGROUP_CHANGE
								  : CONFIG_OP_DGROUP_ADD,
							.dgroup = { a, b },
							.what = what });
	}
}

int config_diff(struct config_diff *ret, const struct config *from, const struct config *to)
{
	struct diff d = { .from = from, .to = to };

	diff_options(&d);
	diff_devices(&d, false);
	diff_targets(&d, CONFIG_OP_TARGET_REMOVE);
	diff_targets(&d, CONFIG_OP_TARGET_CHANGE);
	diff_targets(&d, CONFIG_OP_TARGET_ADD);
	diff_targets(&d, CONFIG_OP_TARGET_ENABLE);
	diff_expl_alua(&d);
	diff_dgroups(&d);
	diff_devices(&d, true);
	if (d.no_memory) {
		config_diff_free(&d.out);
		return -ENOMEM;
	}
	*ret = d.out;
	return 0;
}

void config_diff_free(struct config_diff *d)
{
	free(d->ops);
	d->ops = NULL;
	d->n = 0;
}

/* --- words --- */

static const char *const diff_verbs[CONFIG_OP_COUNT] = {
	[CONFIG_OP_OPTIONS] = "change",
	[CONFIG_OP_DEVICE_ADD] = "add",
	[CONFIG_OP_DEVICE_RESIZE] = "resize",
	[CONFIG_OP_DEVICE_REPLACE] = "replace, it has another",
	[CONFIG_OP_TARGET_REMOVE] = "remove",
	[CONFIG_OP_TARGET_DISABLE] = "disable",
	[CONFIG_OP_TARGET_CHANGE] = "change",
	[CONFIG_OP_TARGET_LIMITS] = "another",
	[CONFIG_OP_LISTEN_REMOVE] = "stop listening on",
	[CONFIG_OP_LISTEN_ADD] = "listen on",
	[CONFIG_OP_GROUP_REMOVE] = "remove",
	[CONFIG_OP_GROUP_ADD] = "add",
	[CONFIG_OP_GROUP_ACCESS] = "other initiators",
	[CONFIG_OP_GROUP_LUNS] = "other LUNs",
	[CONFIG_OP_TARGET_ADD] = "add",
	[CONFIG_OP_TARGET_ENABLE] = "enable",
	[CONFIG_OP_DEVICE_EXPL_ALUA] = "change",
	[CONFIG_OP_DGROUP_REMOVE] = "remove",
	[CONFIG_OP_DGROUP_ADD] = "add",
	[CONFIG_OP_DGROUP_CHANGE] = "another",
	[CONFIG_OP_DEVICE_REMOVE] = "remove",
};

void config_op_format(const struct config_op *op, char *buf, size_t len)
{
	const char *verb = diff_verbs[op->type];
	const struct config_device *dev = op->device[1] ? op->device[1] : op->device[0];
	const struct config_target *t = op->target[1] ? op->target[1] : op->target[0];
	const struct config_group *g = op->group[1] ? op->group[1] : op->group[0];
	const struct config_dgroup *dg = op->dgroup[1] ? op->dgroup[1] : op->dgroup[0];
	char at[64];

	if (op->type == CONFIG_OP_OPTIONS) {
		(void)snprintf(buf, len, "option %s: %s", op->what, verb);
	} else if (op->device[0] && op->device[1] && op->type == CONFIG_OP_DEVICE_RESIZE) {
		(void)snprintf(buf, len, "device %s: %s from %llu to %llu bytes", dev->name, verb,
			       (unsigned long long)op->device[0]->size_bytes,
			       (unsigned long long)op->device[1]->size_bytes);
	} else if (dg) {
		(void)snprintf(buf, len, "device group %s: %s%s%s", dg->name, verb,
			       op->what ? " " : "", op->what ? op->what : "");
	} else if (dev) {
		(void)snprintf(buf, len, "device %s: %s%s%s", dev->name, verb, op->what ? " " : "",
			       op->what ? op->what : "");
	} else if (g) {
		(void)snprintf(buf, len, "target %s, %s%s: %s", t->name,
			       *g->name ? "group " : "LUNs for any", g->name, verb);
	} else if (op->listen) {
		config_listen_format(op->listen, at, sizeof(at));
		(void)snprintf(buf, len, "target %s: %s %s", t->name, verb, at);
	} else {
		(void)snprintf(buf, len, "target %s: %s%s%s", t->name, verb, op->what ? " " : "",
			       op->what ? op->what : "");
	}
}
