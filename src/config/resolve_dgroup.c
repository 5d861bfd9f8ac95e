/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What a DEVICE_GROUP must fulfil when the whole file is known: names, numbers, and that no path is left out. */
#include <stdlib.h>
#include <string.h>

#include "config/parse.h"

/* --- target ports and their numbers --- */

static const struct config_target *numbered(const struct config *c)
{
	for (unsigned i = 0; i < c->n_targets; i++)
		if (c->targets[i].rel_tgt_id)
			return &c->targets[i];
	return NULL;
}

/* Numbers that are given, and such that are not, could come to be the same. */
static void resolve_numbers(struct parse *p)
{
	const struct config *c = p->config;
	const struct config_target *first = numbered(c);

	for (unsigned i = 0; first && i < c->n_targets; i++) {
		const struct config_target *t = &c->targets[i];

		if (!t->rel_tgt_id)
			errors_add(p->errs, t->pos,
				   "TARGET \"%s\" has no rel_tgt_id, but \"%s\" has: give all of "
				   "them one",
				   t->name, first->name);
		for (unsigned k = 0; t->rel_tgt_id && k < i; k++)
			if (c->targets[k].rel_tgt_id == t->rel_tgt_id)
				errors_add(p->errs, t->pos,
					   "TARGET \"%s\" has the rel_tgt_id of TARGET \"%s\"",
					   t->name, c->targets[k].name);
	}
}

static const struct config_target *target_numbered(const struct config *c, unsigned id)
{
	for (unsigned i = 0; i < c->n_targets; i++)
		if (c->targets[i].rel_tgt_id == id)
			return &c->targets[i];
	return NULL;
}

/* A TARGET of a TARGET_GROUP that is none of this file. */
static void resolve_foreign(struct parse *p, const struct config_tpg_port *port)
{
	const struct config *c = p->config;
	const struct config_target *same;

	if (!port->rel_tgt_id) {
		errors_add(p->errs, port->pos,
			   "no TARGET \"%s\" in this file; for a port of another node say "
			   "\"TARGET %s { rel_tgt_id N }\" with the number it has there",
			   port->target, port->target);
		return;
	}
	if (c->n_targets && !numbered(c)) {
		errors_add(p->errs, port->pos,
			   "TARGET \"%s\" is one of another node: then each TARGET of this file "
			   "needs a rel_tgt_id, too, one that no port of any node has",
			   port->target);
		return;
	}
	same = target_numbered(c, port->rel_tgt_id);
	if (same)
		errors_add(p->errs, port->pos,
			   "TARGET \"%s\" has the rel_tgt_id of TARGET \"%s\" in line %u",
			   port->target, same->name, same->pos.line);
}

static void resolve_port(struct parse *p, struct config_tpg_port *port)
{
	const struct config *c = p->config;
	const struct config_target *t = config_target_find(c, port->target);

	port->target_index = t ? (int)(t - c->targets) : -1;
	if (!t)
		resolve_foreign(p, port);
	else if (port->rel_tgt_id && port->rel_tgt_id != t->rel_tgt_id)
		errors_add(p->errs, port->pos,
			   "TARGET \"%s\" is one of this file: its rel_tgt_id is given there",
			   port->target);
}

/* --- one device group --- */

/* Another port of the groups before @port's place that is the same one, or has its number. */
static const struct config_tpg_port *port_before(const struct config_dgroup *dg, unsigned tpg,
						 unsigned at)
{
	const struct config_tpg_port *port = &dg->tpgs[tpg].ports[at];

	for (unsigned i = 0; i <= tpg; i++) {
		const struct config_tpg *g = &dg->tpgs[i];
		unsigned n = i == tpg ? at : g->n_ports;

		for (unsigned k = 0; k < n; k++)
			if (!strcmp(g->ports[k].target, port->target) ||
			    (port->rel_tgt_id && g->ports[k].rel_tgt_id == port->rel_tgt_id))
				return &g->ports[k];
	}
	return NULL;
}

static void resolve_tpg(struct parse *p, struct config_dgroup *dg, unsigned at)
{
	struct config_tpg *g = &dg->tpgs[at];

	for (unsigned i = 0; i < at; i++) {
		if (!strcmp(dg->tpgs[i].name, g->name))
			errors_add(p->errs, g->pos,
				   "TARGET_GROUP \"%s\" is there twice; the first is in line %u",
				   g->name, dg->tpgs[i].pos.line);
		if (dg->tpgs[i].group_id == g->group_id)
			errors_add(p->errs, g->pos,
				   "TARGET_GROUP \"%s\" has the group_id of TARGET_GROUP \"%s\"",
				   g->name, dg->tpgs[i].name);
	}
	if (g->state == CONFIG_ACCESS_LBA_DEPENDENT && !g->n_segments)
		errors_add(p->errs, g->pos,
			   "TARGET_GROUP \"%s\" is lba_dependent but has no SEGMENT: say by "
			   "\"SEGMENT LBA STATE\" what is so from which block on",
			   g->name);
	for (unsigned i = 0; i < g->n_ports; i++) {
		const struct config_tpg_port *before = port_before(dg, at, i);

		resolve_port(p, &g->ports[i]);
		if (before)
			errors_add(p->errs, g->ports[i].pos,
				   "TARGET \"%s\" is that in line %u already: a port is in one "
				   "TARGET_GROUP of a DEVICE_GROUP, once",
				   g->ports[i].target, before->pos.line);
	}
}

static unsigned n_ports(const struct config_dgroup *dg)
{
	unsigned n = 0;

	for (unsigned i = 0; i < dg->n_tpgs; i++)
		n += dg->tpgs[i].n_ports;
	return n;
}

static void resolve_one(struct parse *p, unsigned at)
{
	struct config_dgroup *dg = &p->config->dgroups[at];
	uint64_t lba[CONFIG_SEGMENTS_MAX];

	for (unsigned i = 0; i < at; i++)
		if (!strcmp(p->config->dgroups[i].name, dg->name))
			errors_add(p->errs, dg->pos,
				   "DEVICE_GROUP \"%s\" is there twice; the first is in line %u",
				   dg->name, p->config->dgroups[i].pos.line);
	/* After an error there may be one that could not be read. */
	if (!dg->n_tpgs && !errors_any(p->errs))
		errors_add(p->errs, dg->pos, "DEVICE_GROUP \"%s\" has no TARGET_GROUP", dg->name);
	if (n_ports(dg) > CONFIG_TPG_PORTS_MAX) {
		errors_add(p->errs, dg->pos,
			   "DEVICE_GROUP \"%s\" has more than %u targets in its groups", dg->name,
			   CONFIG_TPG_PORTS_MAX);
		return;
	}
	if (config_dgroup_segments(dg, lba) > CONFIG_SEGMENTS_MAX)
		errors_add(p->errs, dg->pos,
			   "the SEGMENTs of DEVICE_GROUP \"%s\" begin at more than %u blocks",
			   dg->name, CONFIG_SEGMENTS_MAX);
	for (unsigned i = 0; i < dg->n_tpgs; i++)
		resolve_tpg(p, dg, i);
}

/* --- devices --- */

static void resolve_member(struct parse *p, unsigned at, struct config_member *m,
			   const struct config_device **index)
{
	struct config *c = p->config;
	const struct config_device *found = parse_index_find(index, c->n_devices, m->device);
	struct config_device *dev;

	if (!found) {
		resolve_no_device(p, m->device, m->pos);
		return;
	}
	dev = &c->devices[found - c->devices];
	if (dev->dgroup >= 0)
		errors_add(p->errs, m->pos, "DEVICE \"%s\" is in DEVICE_GROUP \"%s\" already",
			   dev->name, c->dgroups[dev->dgroup].name);
	else
		dev->dgroup = (int)at;
}

static bool has_port(const struct config_dgroup *dg, unsigned target)
{
	for (unsigned i = 0; i < dg->n_tpgs; i++)
		for (unsigned k = 0; k < dg->tpgs[i].n_ports; k++)
			if (dg->tpgs[i].ports[k].target_index == (int)target)
				return true;
	return false;
}

static void resolve_luns(struct parse *p, unsigned target, const struct config_group *g)
{
	const struct config *c = p->config;

	for (unsigned i = 0; i < g->n_luns; i++) {
		const struct config_device *dev = &c->devices[g->luns[i].device];

		if (dev->dgroup < 0 || has_port(&c->dgroups[dev->dgroup], target))
			continue;
		errors_add(p->errs, g->luns[i].pos,
			   "DEVICE \"%s\" is in DEVICE_GROUP \"%s\", which has no TARGET_GROUP "
			   "with TARGET \"%s\"",
			   dev->name, c->dgroups[dev->dgroup].name, c->targets[target].name);
		return; /* one is enough to see it */
	}
}

void resolve_dgroups(struct parse *p, const struct config_device **index)
{
	struct config *c = p->config;

	resolve_numbers(p);
	for (unsigned i = 0; i < c->n_dgroups; i++) {
		resolve_one(p, i);
		for (unsigned k = 0; k < c->dgroups[i].n_members; k++)
			resolve_member(p, i, &c->dgroups[i].members[k], index);
	}
	/* After another error a device or a target may be a wrong one. */
	for (unsigned i = 0; i < c->n_targets && !errors_any(p->errs); i++) {
		const struct config_target *t = &c->targets[i];

		resolve_luns(p, i, &t->any_group);
		for (unsigned k = 0; k < t->n_groups; k++)
			resolve_luns(p, i, &t->groups[k]);
	}
}
