/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Target port groups: their states, what a state lets in, and who hears of a change. */
#include "scsi/alua.h"

#include <string.h>

#include "base/check.h"
#include "scsi/answer.h"
#include "scsi/cmd.h"
#include "scsi/nexus.h"
#include "scsi/segment.h"

/* What a state asks of a command, and what it says to one that has not got it. */
struct alua_rule {
	const char *name;
	uint32_t flag; /* of struct scsi_cmd; 0: it asks nothing */
	uint16_t asc;
	uint8_t state;
};

static const struct alua_rule alua_rules[] = {
	{ "active", 0, 0, SCSI_ALUA_OPTIMIZED },
	{ "nonoptimized", 0, 0, SCSI_ALUA_NONOPTIMIZED },
	{ "standby", SCSI_CMD_IN_STANDBY, ASC_PORT_STANDBY, SCSI_ALUA_STANDBY },
	{ "unavailable", SCSI_CMD_IN_UNAVAILABLE, ASC_PORT_UNAVAILABLE, SCSI_ALUA_UNAVAILABLE },
	/* That of the blocks counts: segment_state(). */
	{ "lba_dependent", 0, 0, SCSI_ALUA_LBA_DEPENDENT },
	{ "offline", SCSI_CMD_IN_ANY_STATE, ASC_OFFLINE, SCSI_ALUA_OFFLINE },
	{ "transitioning", SCSI_CMD_IN_ANY_STATE, ASC_STATE_TRANSITION, SCSI_ALUA_TRANSITIONING },
};

/* NULL: no state has this number. */
static const struct alua_rule *alua_rule(unsigned state)
{
	for (size_t i = 0; i < ARRAY_SIZE(alua_rules); i++)
		if (alua_rules[i].state == state)
			return &alua_rules[i];
	return NULL;
}

const char *scsi_alua_state_name(unsigned state)
{
	const struct alua_rule *rule = alua_rule(state);

	return rule ? rule->name : NULL;
}

bool scsi_alua_state_find(const char *name, uint8_t *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(alua_rules); i++) {
		if (strcmp(alua_rules[i].name, name) != 0)
			continue;
		*ret = alua_rules[i].state;
		return true;
	}
	return false;
}

/* --- one nexus at a unit --- */

const struct scsi_tpg *alua_of(const struct scsi_itl *itl)
{
	return itl->tpg < 0 ? NULL : &itl->lu->alua->now.tpg[itl->tpg];
}

static int tpg_of_port(const struct scsi_tpgs *g, uint16_t relative_id)
{
	for (unsigned i = 0; i < g->n_ports; i++)
		if (g->port[i].relative_id == relative_id)
			return g->port[i].tpg;
	return -1;
}

void alua_sync_itl(struct scsi_itl *itl)
{
	const struct scsi_alua *a = itl->lu->alua;

	itl->tpg = (int16_t)(a ? tpg_of_port(&a->now, itl->nexus->target.relative_id) : -1);
}

bool alua_restricts(const struct scsi_itl *itl)
{
	const struct scsi_tpg *g = alua_of(itl);

	return g && (alua_rule(g->state)->flag || g->state == SCSI_ALUA_LBA_DEPENDENT);
}

/* The state in which @t meets the group with index @at: where it depends on blocks, the worst of those it is about. */
static unsigned state_for(const struct scsi_task *t, const struct scsi_tpgs *all, int at)
{
	unsigned state = all->tpg[at].state;

	if (state != SCSI_ALUA_LBA_DEPENDENT)
		return state;
	return segment_state(all, (unsigned)at, t->cmd, t->cdb);
}

unsigned alua_refuses(const struct scsi_task *t, const struct scsi_itl *itl)
{
	const struct alua_rule *rule;

	/* One that does not exist is told so whatever the state. */
	if (itl->tpg < 0 || !t->cmd || !scsi_cmd_supported(t->cmd, t->lu))
		return 0;
	rule = alua_rule(state_for(t, &itl->lu->alua->now, itl->tpg));
	return !rule->flag || t->cmd->flags & rule->flag ? 0 : rule->asc;
}

/* --- the groups --- */

void scsi_alua_init(struct scsi_alua *a)
{
	*a = (struct scsi_alua){ 0 };
	list_init(&a->units);
}

void scsi_alua_deinit(struct scsi_alua *a)
{
	check(list_empty(&a->units));
}

static int tpg_find(const struct scsi_tpgs *g, uint16_t id)
{
	for (unsigned i = 0; i < g->n; i++)
		if (g->tpg[i].id == id)
			return (int)i;
	return -1;
}

int scsi_alua_find(const struct scsi_alua *a, uint16_t id)
{
	return tpg_find(&a->now, id);
}

/* Which groups of @a have something to tell: @changed has a bit for each. */
static void alua_tell(struct scsi_alua *a, uint32_t changed, const struct scsi_itl *except_at)
{
	struct list *pos, *n;

	list_for_each (pos, &a->units) {
		list_for_each (n, &list_entry(pos, struct scsi_lu, alua_node)->nexuses) {
			struct scsi_itl *itl = list_entry(n, struct scsi_itl, lu_node);

			if (itl != except_at && itl->tpg >= 0 && changed >> itl->tpg & 1)
				scsi_uas_add(&itl->uas, SCSI_UA_ACCESS_STATE_CHANGED);
		}
	}
}

bool scsi_alua_can(const struct scsi_alua *a, unsigned state)
{
	return alua_rule(state) && (state != SCSI_ALUA_LBA_DEPENDENT || a->now.n_segments);
}

bool scsi_alua_differs(const struct scsi_alua *a, const struct scsi_tpg_want *want, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (a->now.tpg[scsi_alua_find(a, want[i].id)].state != want[i].state)
			return true;
	return false;
}

bool scsi_alua_set(struct scsi_alua *a, const struct scsi_tpg_want *want, unsigned n,
		   enum scsi_alua_by by, const struct scsi_itl *except_at)
{
	uint32_t changed = 0;

	for (unsigned i = 0; i < n; i++) {
		int at = scsi_alua_find(a, want[i].id);
		struct scsi_tpg *g;

		check(at >= 0 && scsi_alua_can(a, want[i].state));
		g = &a->now.tpg[at];
		if (g->state == want[i].state)
			continue;
		g->state = want[i].state;
		g->by = (uint8_t)by;
		changed |= 1u << at;
	}
	if (!changed)
		return false;
	a->generation++;
	alua_tell(a, changed, except_at);
	return true;
}

/* --- configuration --- */

/* Each id and each port once, of states that exist. */
static void tpgs_check(const struct scsi_tpgs *g)
{
	check(g->n <= SCSI_TPG_MAX);
	for (unsigned i = 0; i < g->n; i++)
		check(tpg_find(g, g->tpg[i].id) == (int)i && alua_rule(g->tpg[i].configured));
	for (unsigned i = 0; i < g->n_ports; i++)
		check(g->port[i].tpg < g->n &&
		      tpg_of_port(g, g->port[i].relative_id) == g->port[i].tpg);
	segments_check(g);
}

/* What a nexus is told when it finds itself in another group. */
static void itl_regroup(struct scsi_itl *itl, const struct scsi_tpgs *was, bool segments_changed)
{
	const struct scsi_tpg *old = itl->tpg < 0 ? NULL : &was->tpg[itl->tpg];
	const struct scsi_tpg *now;

	alua_sync_itl(itl);
	now = alua_of(itl);
	if (!old && !now)
		return;
	if (!old || !now || old->id != now->id)
		scsi_uas_add(&itl->uas, SCSI_UA_INQUIRY_CHANGED);
	if (now && (!old || old->state != now->state || old->preferred != now->preferred ||
		    (segments_changed && now->state == SCSI_ALUA_LBA_DEPENDENT)))
		scsi_uas_add(&itl->uas, SCSI_UA_ACCESS_STATE_CHANGED);
}

/* @g of the new configuration is the same group as @was: it stays in its state. */
static void tpg_carry(struct scsi_alua *a, struct scsi_tpg *g, const struct scsi_tpg *was)
{
	g->by = was->by;
	g->state = was->state;
	if (g->configured == was->configured && scsi_alua_can(a, was->state))
		return;
	g->state = g->configured;
	g->by = SCSI_ALUA_BY_ITSELF;
	a->generation++;
}

static bool tpgs_equal(const struct scsi_tpgs *a, const struct scsi_tpgs *b)
{
	if (a->n != b->n || a->n_ports != b->n_ports)
		return false;
	for (unsigned i = 0; i < a->n; i++) {
		const struct scsi_tpg *x = &a->tpg[i], *y = &b->tpg[i];

		if (x->id != y->id || x->state != y->state || x->configured != y->configured ||
		    x->preferred != y->preferred)
			return false;
	}
	for (unsigned i = 0; i < a->n_ports; i++)
		if (a->port[i].relative_id != b->port[i].relative_id ||
		    a->port[i].tpg != b->port[i].tpg)
			return false;
	return segments_equal(a, b);
}

bool scsi_alua_configure(struct scsi_alua *a, const struct scsi_tpgs *to)
{
	struct scsi_tpgs was = a->now;
	struct list *pos, *n;

	tpgs_check(to);
	a->now = *to;
	for (unsigned i = 0; i < to->n; i++) {
		struct scsi_tpg *g = &a->now.tpg[i];
		int at = tpg_find(&was, g->id);

		g->state = g->configured;
		g->by = SCSI_ALUA_BY_NOTHING;
		if (at >= 0)
			tpg_carry(a, g, &was.tpg[at]);
	}
	if (tpgs_equal(&a->now, &was))
		return false;
	list_for_each (pos, &a->units) {
		list_for_each (n, &list_entry(pos, struct scsi_lu, alua_node)->nexuses)
			itl_regroup(list_entry(n, struct scsi_itl, lu_node), &was,
				    !segments_equal(&a->now, &was));
	}
	return true;
}

/* The states that @k tells of, where the configuration says what it said then. */
static void alua_adopt(struct scsi_alua *a, const struct scsi_alua_kept *k)
{
	for (unsigned i = 0; i < a->now.n; i++) {
		struct scsi_tpg *g = &a->now.tpg[i];

		g->state = g->configured;
		g->by = SCSI_ALUA_BY_NOTHING;
		for (unsigned j = 0; j < k->n; j++) {
			if (k->tpg[j].id != g->id || k->tpg[j].configured != g->configured ||
			    !scsi_alua_can(a, k->tpg[j].state))
				continue;
			g->state = k->tpg[j].state;
			g->by = k->tpg[j].by;
		}
	}
	a->generation = k->generation;
}

void scsi_alua_restore(struct scsi_alua *a, const struct scsi_alua_kept *k)
{
	check(list_empty(&a->units) && !a->settled);
	if (k->n && k->generation > a->generation)
		alua_adopt(a, k);
}

/* Does @k say what is so? */
static bool alua_agrees(const struct scsi_alua *a, const struct scsi_alua_kept *k)
{
	if (k->generation != a->generation || (k->generation && k->n != a->now.n))
		return false;
	for (unsigned i = 0; i < k->n; i++) {
		const struct scsi_tpg *was = &k->tpg[i];
		int at = tpg_find(&a->now, was->id);

		if (at < 0 || a->now.tpg[at].state != was->state ||
		    a->now.tpg[at].configured != was->configured)
			return false;
	}
	return true;
}

/*
 * A unit has come of which @k is on record. Where that does not count it must not come back when the process is
 * another one: what is so now becomes newer, and is to be kept.
 */
static void alua_hear(struct scsi_alua *a, const struct scsi_alua_kept *k)
{
	if (!a->settled && k->n && k->generation > a->generation) {
		alua_adopt(a, k);
		a->overruled |= a->units.next != a->units.prev; /* the others know less */
	}
	if (alua_agrees(a, k))
		return;
	if (k->generation > a->generation)
		a->generation = k->generation;
	if (a->settled)
		a->generation++;
	else
		a->overruled = true;
}

bool scsi_lu_set_alua(struct scsi_lu *lu, struct scsi_alua *a, bool is_explicit)
{
	struct scsi_alua *was_in = lu->alua;
	struct list *pos;

	if (was_in == a && (!a || lu->alua_explicit == is_explicit))
		return false;
	if (was_in != a) {
		list_del(&lu->alua_node);
		lu->alua = a;
		/* What it kept last is of other groups. */
		if (was_in)
			lu->alua_kept = (struct scsi_alua_kept){ .generation = was_in->generation };
		if (a) {
			list_push(&a->units, &lu->alua_node);
			alua_hear(a, &lu->alua_kept);
			lu->alua_kept = (struct scsi_alua_kept){ 0 };
		}
	}
	lu->alua_explicit = a && is_explicit;
	list_for_each (pos, &lu->nexuses) {
		struct scsi_itl *itl = list_entry(pos, struct scsi_itl, lu_node);

		alua_sync_itl(itl);
		scsi_uas_add(&itl->uas, SCSI_UA_INQUIRY_CHANGED);
	}
	return true;
}

bool scsi_alua_settle(struct scsi_alua *a)
{
	bool overruled = a->overruled && !a->settled;

	a->settled = true;
	a->generation += overruled;
	return overruled;
}
