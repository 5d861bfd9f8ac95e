/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* DEVICE_GROUP of the configuration: devices, and the target port groups they are reached through. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/log.h"
#include "daemon/daemon.h"

struct dgroup *groups_find(const struct daemon *d, const char *name)
{
	struct list *pos;

	list_for_each (pos, &d->groups) {
		struct dgroup *g = list_entry(pos, struct dgroup, node);

		if (!strcmp(g->name, name))
			return g;
	}
	return NULL;
}

/* --- from the model --- */

static uint8_t state_of(enum config_access access)
{
	uint8_t state = 0;

	check(scsi_alua_state_find(config_access_name(access), &state));
	return state;
}

/* The number of a port: what the file says, or what a target without a number was given. 0: it is not there. */
static uint16_t port_number(const struct daemon *d, const struct config_tpg_port *port)
{
	struct list *pos;

	list_for_each (pos, &d->ports) {
		const struct dport *p = list_entry(pos, struct dport, node);

		if (!strcmp(p->name, port->target))
			return tgt_port_info(p->port).relative_id;
	}
	return (uint16_t)port->rel_tgt_id;
}

static void segments_of(const struct config_dgroup *c, struct scsi_tpgs *ret)
{
	uint64_t lba[CONFIG_SEGMENTS_MAX];

	ret->n_segments = (uint8_t)config_dgroup_segments(c, lba);
	for (unsigned i = 0; i < ret->n_segments; i++) {
		ret->segment[i].lba = lba[i];
		for (unsigned k = 0; k < c->n_tpgs; k++)
			ret->segment[i].state[k] =
				state_of(config_tpg_state_at(&c->tpgs[k], lba[i]));
	}
}

static void layout_of(const struct daemon *d, const struct config_dgroup *c, struct scsi_tpgs *ret)
{
	*ret = (struct scsi_tpgs){ .n = (uint8_t)c->n_tpgs };
	segments_of(c, ret);
	for (unsigned i = 0; i < c->n_tpgs; i++) {
		const struct config_tpg *g = &c->tpgs[i];

		ret->tpg[i] = (struct scsi_tpg){ .id = (uint16_t)g->group_id,
						 .configured = state_of(g->state),
						 .preferred = g->preferred };
		for (unsigned k = 0; k < g->n_ports; k++) {
			uint16_t number = port_number(d, &g->ports[k]);

			/* A target that could not be made is left out; the log said why. */
			if (number)
				ret->port[ret->n_ports++] =
					(struct scsi_tpg_port){ .relative_id = number,
								.tpg = (uint8_t)i };
		}
	}
}

static struct dgroup *group_make(struct daemon *d, const struct config_dgroup *c)
{
	struct dgroup *g;

	g = calloc(1, sizeof(*g));
	if (!g || tgt_alua_new(&g->alua, d->tgt, c->name)) {
		log_error("device group %s: out of memory", c->name);
		free(g);
		return NULL;
	}
	(void)snprintf(g->name, sizeof(g->name), "%s", c->name);
	list_push(&d->groups, &g->node);
	return g;
}

/*
 * It was not there before. The program before us, which became us, knows its states best; then whoever started us; then the
 * units that come.
 */
static void group_begin(const struct daemon *d, const struct dgroup *g,
			const struct config_dgroup *c)
{
	struct scsi_tpg_want want[SCSI_TPG_MAX];
	unsigned n = access_of(d, c, want);

	if (!state_restore_group(d, g) && n)
		tgt_alua_begin(g->alua, want, n);
}

static int group_apply(struct daemon *d, const struct config_dgroup *c)
{
	struct dgroup *was = groups_find(d, c->name);
	struct dgroup *g = was ? was : group_make(d, c);
	struct tgt_alua_hook hook = { .run = c->on_stpg ? d->stpg_run : NULL, .ctx = d };
	struct scsi_tpgs layout;

	if (!g)
		return -ENOMEM;
	layout_of(d, c, &layout);
	tgt_alua_set_hook(g->alua, &hook);
	tgt_alua_configure(g->alua, &layout);
	if (!was)
		group_begin(d, g, c);
	return 0;
}

/*
 * A device that is taken away stays in its groups until nobody has it mapped any more: without them it would be served
 * through every port for a moment, and who had it would be told that.
 */
static bool is_leaving(const struct daemon *d, const struct ddevice *dev)
{
	const struct list *pos;

	if (config_device_find(d->cfg, dev->name))
		return false;
	list_for_each (pos, &d->groups) {
		const struct dgroup *g = list_entry(pos, struct dgroup, node);

		if (tgt_alua_now(g->alua) == tgt_unit_lu(dev->unit)->alua)
			return config_dgroup_find(d->cfg, g->name);
	}
	return false;
}

int groups_apply(struct daemon *d)
{
	struct list *pos, *tmp;
	int r = 0;

	for (unsigned i = 0; i < d->cfg->n_dgroups; i++)
		if (group_apply(d, &d->cfg->dgroups[i]))
			r = -ENOMEM;
	list_for_each (pos, &d->devices) {
		struct ddevice *dev = list_entry(pos, struct ddevice, node);
		const struct config_device *c = config_device_find(d->cfg, dev->name);
		struct dgroup *g = c && c->dgroup >= 0
					   ? groups_find(d, d->cfg->dgroups[c->dgroup].name)
					   : NULL;

		if (is_leaving(d, dev))
			continue;
		/* Who asks at a unit of another target is answered there. */
		if (c && c->handler == CONFIG_PROXY)
			g = NULL;
		tgt_unit_set_alua(dev->unit, g ? g->alua : NULL, c && c->expl_alua);
	}
	list_for_each_safe (pos, tmp, &d->groups) {
		struct dgroup *g = list_entry(pos, struct dgroup, node);

		if (config_dgroup_find(d->cfg, g->name)) {
			tgt_alua_settle(g->alua);
			continue;
		}
		list_del(&g->node);
		tgt_alua_retire(g->alua);
		free(g);
	}
	return r;
}

void groups_free(struct daemon *d)
{
	struct list *node;

	while ((node = list_pop(&d->groups)))
		free(list_entry(node, struct dgroup,
				node)); /* what it stands for is the target's */
}
