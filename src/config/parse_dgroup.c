/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The grammar of DEVICE_GROUP: devices that are reached through the same target port groups. */
#include <stdlib.h>
#include <string.h>

#include "config/attr.h"
#include "config/scope.h"

/* --- TARGET_GROUP --- */

static const struct word port_words[] = {
	{ "rel_tgt_id", WORD_UINT, 0, offsetof(struct config_tpg_port, rel_tgt_id), 1, 65535,
	  NULL },
};

/* TARGET NAME, with a block for a port of another node. */
static void open_port(struct parser *p, struct scope *up, bool block)
{
	struct config_pos opened = p->stmt.pos[0];
	struct config_tpg_port port = { .pos = opened };
	struct config_tpg *g = up->object;
	struct scope s = { .words = port_words,
			   .n_words = ARRAY_SIZE(port_words),
			   .what = "TARGET of a TARGET_GROUP",
			   .object = &port,
			   .up = up };
	bool ok = scope_args(p, 1, "TARGET NAME, or TARGET NAME { rel_tgt_id N }") &&
		  scope_value(p, 1, attr_name(p->stmt.word[1]));

	if (ok && g->n_ports == CONFIG_TPG_PORTS_MAX)
		ok = scope_value(p, 1, "one of at most 255 targets of a TARGET_GROUP");
	if (ok)
		memcpy(port.target, p->stmt.word[1], strlen(p->stmt.word[1]) + 1);
	if (block)
		scope_read(p, &s, opened);
	if (!ok)
		return;
	if (!parse_grow(&g->ports, g->n_ports, sizeof(port))) {
		p->state.no_memory = true;
		return;
	}
	g->ports[g->n_ports++] = port;
}

#define SEGMENT_FORM "SEGMENT LBA STATE"

/* SEGMENT LBA STATE; that they ascend is seen here, since the order is lost nowhere else. */
static void open_segment(struct parser *p, struct scope *up, bool block)
{
	struct config_pos opened = p->stmt.pos[0];
	struct config_tpg *g = up->object;
	struct config_segment s = { 0 };
	bool ok = scope_args(p, 2, SEGMENT_FORM);

	if (block) {
		errors_add(p->state.errs, opened, "SEGMENT has no block: " SEGMENT_FORM);
		scope_skip(p, opened);
		return;
	}
	ok = ok &&
	     scope_value(p, 1, attr_uint(p->stmt.word[1], &s.lba) ? "a block number" : NULL) &&
	     scope_value(p, 2, attr_access(p->stmt.word[2], &s.state));
	if (ok && s.state > CONFIG_ACCESS_UNAVAILABLE)
		ok = scope_value(p, 2, "active, nonoptimized, standby or unavailable");
	if (ok && g->n_segments == CONFIG_SEGMENTS_MAX)
		ok = scope_value(p, 1, "one of at most 16 segments");
	if (ok && !g->n_segments && s.lba)
		ok = scope_value(p, 1, "0 for the first SEGMENT of a group");
	if (ok && g->n_segments && s.lba <= g->segments[g->n_segments - 1].lba)
		ok = scope_value(p, 1, "greater than that of the SEGMENT before it");
	if (ok)
		g->segments[g->n_segments++] = s;
}

#define TPG_WORD(name, type, field, min, max)                                     \
	{                                                                         \
		name, type, 0, offsetof(struct config_tpg, field), min, max, NULL \
	}

static const struct word tpg_words[] = {
	TPG_WORD("group_id", WORD_UINT, group_id, 0, 65535),
	TPG_WORD("state", WORD_ACCESS, state, 0, 0),
	TPG_WORD("preferred", WORD_BOOL, preferred, 0, 0),
	{ "TARGET", WORD_BLOCK, 0, 0, 0, 0, open_port },
	{ "SEGMENT", WORD_BLOCK, 0, 0, 0, 0, open_segment },
};

static void open_tpg(struct parser *p, struct scope *up, bool block)
{
	struct config_pos opened = p->stmt.pos[0];
	struct config_dgroup *dg = up->object;
	struct config_tpg g = { .pos = opened };
	struct scope s = { .words = tpg_words,
			   .n_words = ARRAY_SIZE(tpg_words),
			   .what = "TARGET_GROUP",
			   .object = &g,
			   .up = up };
	bool ok = scope_named(p, block, "TARGET_GROUP NAME { ... }");

	if (ok && dg->n_tpgs == CONFIG_TPGS_MAX)
		ok = scope_value(p, 1, "one of at most 32 groups of a DEVICE_GROUP");
	if (ok)
		memcpy(g.name, p->stmt.word[1], strlen(p->stmt.word[1]) + 1);
	if (block)
		scope_read(p, &s, opened);
	if (ok && block && !scope_seen(&s, "group_id"))
		errors_add(p->state.errs, g.pos,
			   "TARGET_GROUP \"%s\" has no group_id: give it a number that no other "
			   "group of the DEVICE_GROUP has, here and on other nodes",
			   g.name);
	if (ok && parse_grow(&dg->tpgs, dg->n_tpgs, sizeof(g))) {
		dg->tpgs[dg->n_tpgs++] = g;
		return;
	}
	/* A group whose head is wrong was read for its errors only. */
	p->state.no_memory = p->state.no_memory || ok;
	free(g.ports);
}

/* --- DEVICE_GROUP --- */

static void open_member(struct parser *p, struct scope *up, bool block)
{
	struct config_pos opened = p->stmt.pos[0];
	struct config_dgroup *dg = up->object;
	struct config_member m = { .pos = p->stmt.pos[1] };
	bool ok = scope_args(p, 1, "DEVICE NAME") && scope_value(p, 1, attr_name(p->stmt.word[1]));

	if (block) {
		if (ok)
			errors_add(p->state.errs, opened,
				   "DEVICE of a DEVICE_GROUP has no block: it only names a device");
		scope_skip(p, opened);
		return;
	}
	if (!ok)
		return;
	memcpy(m.device, p->stmt.word[1], strlen(p->stmt.word[1]) + 1);
	if (!parse_grow(&dg->members, dg->n_members, sizeof(m))) {
		p->state.no_memory = true;
		return;
	}
	dg->members[dg->n_members++] = m;
}

static const struct word dgroup_words[] = {
	{ "DEVICE", WORD_BLOCK, 0, 0, 0, 0, open_member },
	{ "TARGET_GROUP", WORD_BLOCK, 0, 0, 0, 0, open_tpg },
	{ "on_stpg", WORD_PATH, 0, offsetof(struct config_dgroup, on_stpg), 0, 0, NULL },
	{ "on_stpg_timeout", WORD_UINT, 0, offsetof(struct config_dgroup, on_stpg_timeout_s), 1,
	  600, NULL },
};

void parse_open_dgroup(struct parser *p, struct scope *up, bool block)
{
	struct config *c = p->state.config;
	struct config_pos opened = p->stmt.pos[0];
	struct config_dgroup *dg;
	struct scope s = { .words = dgroup_words,
			   .n_words = ARRAY_SIZE(dgroup_words),
			   .what = "DEVICE_GROUP",
			   .up = up };
	bool ok = scope_named(p, block, "DEVICE_GROUP NAME { ... }") && block;

	if (ok && c->n_dgroups == CONFIG_DGROUPS_MAX)
		ok = scope_value(p, 1, "one of at most 1024 device groups");
	if (!ok) {
		if (block)
			scope_skip(p, opened);
		return;
	}
	if (!parse_grow(&c->dgroups, c->n_dgroups, sizeof(*dg))) {
		p->state.no_memory = true;
		return;
	}
	dg = &c->dgroups[c->n_dgroups++];
	memset(dg, 0, sizeof(*dg));
	dg->on_stpg_timeout_s = CONFIG_STPG_TIMEOUT_S;
	dg->pos = opened;
	memcpy(dg->name, p->stmt.word[1], strlen(p->stmt.word[1]) + 1);
	s.object = dg;
	scope_read(p, &s, opened);
}
