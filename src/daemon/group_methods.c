/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The methods group.list and group.set of the control socket. */
#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "daemon/daemon.h"

static const char *by_text(unsigned by)
{
	static const char *const text[] = {
		[SCSI_ALUA_BY_NOTHING] = "configuration",
		[SCSI_ALUA_BY_COMMAND] = "initiator",
		[SCSI_ALUA_BY_ITSELF] = "administrator",
	};

	check(by < ARRAY_SIZE(text));
	return text[by];
}

static json_t *ports_json(const struct scsi_tpgs *now, int at)
{
	json_t *a = json_array();

	for (unsigned i = 0; i < now->n_ports; i++)
		if (now->port[i].tpg == at)
			(void)json_array_append_new(a, json_integer(now->port[i].relative_id));
	return a;
}

static json_t *tpgs_json(const struct scsi_alua *alua, const struct config_dgroup *c)
{
	json_t *a = json_array();

	for (unsigned i = 0; i < c->n_tpgs; i++) {
		int at = scsi_alua_find(alua, (uint16_t)c->tpgs[i].group_id);
		const struct scsi_tpg *g = &alua->now.tpg[at < 0 ? 0 : at];

		if (at < 0)
			continue;
		(void)json_array_append_new(a, json_pack("{s:s,s:i,s:s,s:b,s:s,s:o}", "name",
							 c->tpgs[i].name, "group_id", (int)g->id,
							 "state", scsi_alua_state_name(g->state),
							 "preferred", (int)g->preferred,
							 "changed_by", by_text(g->by), "ports",
							 ports_json(&alua->now, at)));
	}
	return a;
}

static json_t *members_json(const struct config_dgroup *c)
{
	json_t *a = json_array();

	for (unsigned i = 0; i < c->n_members; i++)
		(void)json_array_append_new(a, json_string(c->members[i].device));
	return a;
}

void method_group_list(struct ctl_call *call, json_t *params)
{
	const struct daemon *d = ctl_call_ctx(call);
	json_t *a = json_array();

	(void)params;
	for (unsigned i = 0; i < d->cfg->n_dgroups; i++) {
		const struct config_dgroup *c = &d->cfg->dgroups[i];
		const struct dgroup *g = groups_find(d, c->name);

		if (g)
			(void)json_array_append_new(
				a, json_pack("{s:s,s:o,s:i,s:o}", "name", c->name, "devices",
					     members_json(c), "asking",
					     (int)tgt_alua_n_asking(g->alua), "target_groups",
					     tpgs_json(tgt_alua_now(g->alua), c)));
	}
	ctl_reply(call, json_pack("{s:o}", "device_groups", a));
}

static void group_set_done(void *ctx, int result)
{
	const struct daemon *d = ctl_call_ctx(ctx);

	if (result == -ENODEV && d->cfg->opts.state_dir[0])
		ctl_fail(ctx, JSONRPC_FAILED,
			 "the state is in effect, but it was not saved: no device of the group is "
			 "there to keep it");
	else if (result && result != -ENODEV)
		ctl_fail(ctx, JSONRPC_FAILED, "the state is in effect, but it was not saved: %s",
			 strerrordesc_np(-result));
	else
		ctl_reply(ctx, json_object());
}

static const struct config_tpg *tpg_find(const struct config_dgroup *c, const char *name)
{
	for (unsigned i = 0; i < c->n_tpgs; i++)
		if (!strcmp(c->tpgs[i].name, name))
			return &c->tpgs[i];
	return NULL;
}

/* What is to be another one, by names. Return: whether it can be; else @call has been told why not. */
static bool want_find(struct ctl_call *call, const struct config_dgroup *c, const char *group,
		      const char *state, struct scsi_tpg_want *ret)
{
	const struct config_tpg *tpg = tpg_find(c, group);

	if (!tpg) {
		ctl_fail(call, JSONRPC_NOT_FOUND, "no TARGET_GROUP \"%s\" in DEVICE_GROUP %s",
			 group, c->name);
		return false;
	}
	if (!state || !scsi_alua_state_find(state, &ret->state)) {
		ctl_fail(call, JSONRPC_PARAMS,
			 "no state \"%s\": it is one of " CONFIG_ACCESS_STATES, state ? state : "");
		return false;
	}
	ret->id = (uint16_t)tpg->group_id;
	return true;
}

/* @states: an object, state by target group. */
static void group_set(struct ctl_call *call, const char *dgroup, json_t *states)
{
	const struct daemon *d = ctl_call_ctx(call);
	const struct config_dgroup *c = config_dgroup_find(d->cfg, dgroup);
	const struct dgroup *g = groups_find(d, dgroup);
	struct scsi_tpg_want want[SCSI_TPG_MAX];
	unsigned n = 0;
	const char *name;
	json_t *state;

	if (!c || !g) {
		ctl_fail(call, JSONRPC_NOT_FOUND, "no DEVICE_GROUP \"%s\"", dgroup);
		return;
	}
	json_object_foreach(states, name, state)
	{
		/* There are not more names than groups. */
		if (!want_find(call, c, name, json_string_value(state), &want[n]))
			return;
		if (!scsi_alua_can(tgt_alua_now(g->alua), want[n].state)) {
			ctl_fail(call, JSONRPC_PARAMS,
				 "no group of DEVICE_GROUP \"%s\" has a SEGMENT, so none can be %s",
				 dgroup, json_string_value(state));
			return;
		}
		n++;
	}
	if (!daemon_is_stopping(call) && tgt_alua_set(g->alua, want, n, group_set_done, call))
		ctl_reply(call, NULL);
}

void method_group_set(struct ctl_call *call, json_t *params)
{
	const char *group = json_string_value(json_object_get(params, "target_group"));
	json_t *states = json_pack("{s:O}", group, json_object_get(params, "state"));

	group_set(call, json_string_value(json_object_get(params, "device_group")), states);
	json_decref(states);
}

void method_group_set_all(struct ctl_call *call, json_t *params)
{
	group_set(call, json_string_value(json_object_get(params, "device_group")),
		  json_object_get(params, "states"));
}
