/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Reservations: whom they keep out is kept out, and nobody else.
 *
 * A change of what a unit's reservations say happens at one point: the step of the SCSI core that carries out a
 * PERSISTENT RESERVE OUT, RESERVE, RELEASE, a LUN reset, or the loss of a nexus. There the same is done to
 * a model (model_pr.h), which must come to the same status and sense data, and makes a new version of it.
 * Then:
 *
 *   - a command that was looked at by the home worker is refused if, and only if, the version of that moment
 *     refuses it; PERSISTENT RESERVE IN tells what that version says;
 *   - a command that ran on its channel's worker was allowed by a version not older than the last one whose
 *     GOOD its host has had: when a reservation was answered no worker may go by an older view any more;
 *   - when PREEMPT AND ABORT was answered none of the commands that its victims had then is left, and since
 *     commands that have ended touch no disk (spy.c) none can be heard of again;
 *   - unit attentions come to those that the model names (check_ua.c), at the latest with the first command
 *     after that answer.
 *
 * Registrations outlive their sessions and resets, as the model's do. What RESERVE took goes with the nexus. With the
 * process, or its unit, both end, but for registrations while APTPL is on: the next unit of the disk has a version that is
 * not older than the last one whose GOOD was had.
 */
#include "base/check.h"
#include "scsi/scsi.h"
#include "sim/check.h"
#include "sim/cover.h"
#include "sim/hcmd_pr.h"
#include "sim/model_pr.h"
#include "sim/proc.h"
#include "sim/sched.h"
#include "sim/spy.h"
#include "sim/disk.h"
#include "sim/store.h"
#include "sim/world.h"

#define UNITS_MAX 16u
#define VERSIONS  16u /* that are remembered; of more that change at a time nothing is said */

struct version {
	uint64_t id;   /* spy_now() when it came about */
	uint64_t tick; /* likewise */
	struct mpr m;
	unsigned n_told;
	struct {
		struct host *h;
		uint16_t asc;
	} told[HOSTS_MAX * 2];
	unsigned victims; /* BIT(host), of PREEMPT AND ABORT */
	bool saved;       /* before it was answered */
};

struct unit {
	const struct scsi_lu *lu; /* NULL: free */
	int disk;                 /* -1: no host's */
	bool found;               /* it was looked at what it found */
	unsigned n;               /* versions there were */
	uint64_t answered;        /* the newest whose GOOD was had */
	/* Whose RESERVE it was. The next nexus of its initiator may be there before it has ended. */
	const struct scsi_nexus *reserver;
	struct version v[VERSIONS];
};

static struct unit *units[UNITS_MAX];

/* What the next unit of a disk may find. */
static struct kept {
	bool any; /* there was a unit */
	bool wild;
	unsigned n;
	struct mpr m[VERSIONS];
} kept[DISKS_MAX];

static struct unit *unit_of(const struct scsi_lu *lu)
{
	for (unsigned i = 0; i < UNITS_MAX && lu; i++)
		if (units[i] && units[i]->lu == lu)
			return units[i];
	return NULL;
}

static struct version *newest(struct unit *u)
{
	return &u->v[(u->n - 1) % VERSIONS];
}

/* --- what outlives a unit --- */

static void keep(const struct unit *u)
{
	struct kept *k;

	if (u->disk < 0 || !u->found)
		return;
	k = &kept[u->disk];
	*k = (struct kept){ .any = true, .wild = store_is_unsure((unsigned)u->disk) };
	for (unsigned i = 1; i <= u->n; i++) {
		const struct version *v = &u->v[(u->n - i) % VERSIONS];

		if (i > VERSIONS) {
			k->wild = true;
			return;
		}
		k->wild |= v->m.wild;
		k->m[k->n] = v->m;
		mpr_restart(&k->m[k->n++]);
		if (v->id <= u->answered)
			return;
	}
}

static void mpr_of(const struct scsi_pr *pr, struct mpr *ret)
{
	*ret = (struct mpr){ .generation = pr->generation,
			     .n = min_u32(pr->n, MPR_REGS_MAX),
			     .type = pr->type,
			     .aptpl = pr->aptpl,
			     .keeps = proc_config()->keeps,
			     .wild = pr->n > MPR_REGS_MAX };
	for (unsigned i = 0; i < ret->n; i++) {
		ret->reg[i].key = pr->reg[i].key;
		ret->reg[i].who.port = pr->reg[i].nexus.port;
		memcpy(ret->reg[i].who.initiator, pr->reg[i].nexus.initiator.name,
		       TRANSPORT_ID_NAME_BYTES);
	}
	if (pr->n)
		ret->holder = ret->reg[pr->holder].who;
}

static bool may_find(const struct kept *k, const struct mpr *m)
{
	static const struct mpr nothing;

	if (!k->any)
		return mpr_equal(&nothing, m);
	for (unsigned i = 0; i < k->n; i++)
		if (mpr_equal(&k->m[i], m))
			return true;
	return k->wild;
}

void check_pr_found(const struct scsi_lu *lu, int disk)
{
	struct unit *u = unit_of(lu);
	struct mpr m;

	if (!u || u->found)
		return;
	u->found = true;
	u->disk = disk;
	mpr_of(&lu->pr, &m);
	u->v[0].m = m;
	if (disk < 0)
		return;
	check_keep_found(lu, disk);
	check_ua_found(disk);
	check_erase_found(disk);
	check_medium_found(lu, disk);
	check_size_found(lu, disk);
	check_ident_found(lu, disk);
	if (!may_find(&kept[disk], &m))
		fail_now("reservations: disk %d begins with %u registrations and a reservation of "
			 "type %u, which is not what was there when it ended",
			 disk, m.n, m.type);
	trace("disk %u: begins with %u registrations, reservation %u", disk, m.n, m.type);
	if (m.n)
		cover_hit(COVER_KEPT, m.type ? COVER_KEPT_RESERVATION : COVER_KEPT_REGISTRATIONS);
}

/* --- units come and go --- */

void check_pr_unit_gone(const struct scsi_lu *lu)
{
	for (unsigned i = 0; i < UNITS_MAX; i++) {
		if (!units[i] || units[i]->lu != lu)
			continue;
		keep(units[i]);
		world_free(units[i]);
		units[i] = NULL;
	}
}

void check_pr_unit(const struct scsi_lu *lu)
{
	unsigned i = 0;

	check_pr_unit_gone(lu); /* one that was made and could not be kept */
	while (i < UNITS_MAX && units[i])
		i++;
	check(i < UNITS_MAX);
	units[i] = world_alloc(sizeof(*units[i]));
	units[i]->lu = lu;
	units[i]->disk = -1;
	units[i]->n = 1;
}

void check_pr_reset(void)
{
	for (unsigned i = 0; i < UNITS_MAX; i++) {
		if (units[i])
			keep(units[i]);
		world_free(units[i]);
		units[i] = NULL;
	}
}

/* --- who --- */

static struct mpr_nexus name_of(const struct scsi_nexus *n)
{
	struct mpr_nexus who = { .port = n->target.relative_id };

	memcpy(who.initiator, n->initiator.name, sizeof(who.initiator));
	return who;
}

struct mpr_nexus check_pr_name(const struct host *h)
{
	struct mpr_nexus who = { .port = h->port };

	memcpy(who.initiator, &h->id, sizeof(who.initiator));
	return who;
}

static struct host *host_of(const struct mpr_nexus *who)
{
	for (unsigned i = 0; i < HOSTS_MAX; i++) {
		struct host *h = host_at(i);
		struct mpr_nexus own;

		if (!h)
			continue;
		own = check_pr_name(h);
		if (mpr_same(&own, who))
			return h;
	}
	return NULL;
}

int check_pr_disk(const struct scsi_lu *lu)
{
	const struct unit *u = unit_of(lu);

	return u ? u->disk : -1;
}

const struct mpr *check_pr_state(int disk)
{
	for (unsigned i = 0; i < UNITS_MAX; i++)
		if (units[i] && units[i]->disk == disk)
			return &newest(units[i])->m;
	return NULL;
}

/* --- changes --- */

static struct version *change(struct unit *u, const struct mpr *m)
{
	struct version *v = &u->v[u->n++ % VERSIONS];

	*v = (struct version){ .id = spy_count(), .tick = sched_tick(), .m = *m };
	return v;
}

void check_pr_lost(const struct scsi_lu *lu, const struct scsi_nexus *nexus)
{
	struct unit *u = unit_of(lu);
	struct mpr m;

	if (!u || !newest(u)->m.reserved || (nexus && nexus != u->reserver))
		return;
	m = newest(u)->m;
	trace("disk %u: what RESERVE took is free again", u->disk);
	cover_hit(COVER_RESERVE, nexus ? COVER_RESERVE_LOST : COVER_RESERVE_RESET);
	m.reserved = false;
	(void)change(u, &m);
}

/* --- commands are looked at --- */

static noreturn void wrong(const struct spied *s, const struct scsi_task *t, const char *what)
{
	const struct unit *u = unit_of(t->lu);

	fail_now("reservations: %s (chan %u) command %u, opcode %02x/%02x, disk %d: %s (status "
		 "%02x)",
		 s->host ? s->host->name : "a rogue", s->chan, s->nth, t->cdb[0], t->cdb[1] & 0x1f,
		 u ? u->disk : -1, what, t->status);
}

static void judge_local(struct unit *u, const struct spied *s, const struct scsi_task *t)
{
	struct mpr_nexus who = name_of(t->nexus);
	unsigned n = u->n < VERSIONS ? u->n : VERSIONS;

	for (unsigned i = 1; i <= n; i++) {
		const struct version *v = &u->v[(u->n - i) % VERSIONS];

		if (mpr_judge(&v->m, &who, t->cdb) != MPR_CONFLICT)
			return;
		if (v->id <= u->answered)
			wrong(s, t, "it runs, and a reservation that was answered forbids it");
	}
}

static void cover_role(const struct mpr *m, const struct mpr_nexus *who, const uint8_t *cdb)
{
	bool reads = cdb[0] == SCSI_OP_READ_10 || cdb[0] == SCSI_OP_READ_16;
	unsigned role = mpr_holds(m, who) ? 0 : mpr_key(m, who) ? 1 : 2;

	if (reads || cdb[0] == SCSI_OP_WRITE_10 || cdb[0] == SCSI_OP_WRITE_16)
		cover_hit(COVER_RESERVED, m->type * 6 + role * 2 + (reads ? 0u : 1u));
}

static bool is_reserve(const uint8_t *cdb)
{
	return cdb[0] == SCSI_OP_RESERVE_6 || cdb[0] == SCSI_OP_RESERVE_10;
}

static bool is_release(const uint8_t *cdb)
{
	return cdb[0] == SCSI_OP_RELEASE_6 || cdb[0] == SCSI_OP_RELEASE_10;
}

/* RESERVE or RELEASE was carried out: what should it have come to? */
static enum mpr_verdict carry_out(struct unit *u, const struct spied *s, const struct scsi_task *t)
{
	struct mpr_nexus who = name_of(t->nexus);
	struct hcmd *cmd = spy_hcmd(s);
	struct mpr m = newest(u)->m;
	bool persistent = m.n;
	bool reserves = is_reserve(t->cdb);
	bool was = m.reserved;
	enum mpr_verdict v = reserves ? mpr_reserve(&m, &who) : mpr_release(&m, &who);

	cover_hit(COVER_RESERVE,
		  (reserves ? 0u : 4u) + (persistent ? 2u : 0u) + (v == MPR_CONFLICT ? 1u : 0u));
	if (t->status != SCSI_STATUS_GOOD || was == m.reserved)
		return v;
	(void)change(u, &m);
	u->reserver = m.reserved ? t->nexus : NULL;
	if (cmd)
		cmd->version = newest(u)->id;
	return v;
}

/* What PERSISTENT RESERVE IN tells is the state of now. */
static void note_data(struct unit *u, const struct spied *s)
{
	struct hcmd *cmd = spy_hcmd(s);

	if (cmd && cmd->op == HOP_PR_IN)
		hcmd_pr_expect(cmd, &newest(u)->m);
}

static void judge_home(struct unit *u, const struct spied *s, const struct scsi_task *t,
		       const struct scsi_act *act)
{
	bool complete = act->type == SCSI_ACT_COMPLETE;
	bool conflict = complete && t->status == SCSI_STATUS_RESERVATION_CONFLICT;
	bool good = complete && t->status == SCSI_STATUS_GOOD;
	struct mpr_nexus who = name_of(t->nexus);
	const struct mpr *m = &newest(u)->m;
	enum mpr_verdict v = mpr_judge(m, &who, t->cdb);
	/* That of RESERVE of its own is found when the list is there. */
	bool later = act->type == SCSI_ACT_FETCH && t->cdb[0] == SCSI_OP_PERSISTENT_RESERVE_OUT &&
		     m->reserved && mpr_same(&m->reserver, &who);

	if (m->type && s->host)
		cover_role(m, &who, t->cdb);
	if (v == MPR_FREE && (good || conflict) && (is_reserve(t->cdb) || is_release(t->cdb)))
		v = carry_out(u, s, t);
	else if (v == MPR_CONFLICT && conflict && is_reserve(t->cdb))
		cover_hit(COVER_RESERVE, 1);
	if (v == MPR_FREE && conflict)
		wrong(s, t, "it is refused, and no reservation is against it");
	if (v == MPR_CONFLICT && (good || (!complete && act->type != SCSI_ACT_CLEAR)) && !later)
		wrong(s, t, "it is let through, and a reservation is against it");
	if (good && t->cdb[0] == SCSI_OP_PERSISTENT_RESERVE_IN)
		note_data(u, s);
	if ((good || conflict) && t->cdb[0] == SCSI_OP_PERSISTENT_RESERVE_IN)
		cover_hit(COVER_PR_IN, (t->cdb[1] & 0x1fu) * 2 + (conflict ? 1u : 0u));
}

void check_pr_looked(const struct spied *s, const struct scsi_task *t, const struct scsi_act *act)
{
	struct unit *u = unit_of(t->lu);

	if (!u || s->orphan)
		return;
	if (s->host && u->disk < 0 && spy_hcmd(s))
		u->disk = spy_hcmd(s)->disk;
	if (s->entered)
		judge_home(u, s, t, act);
	else
		judge_local(u, s, t);
}

bool check_pr_used(int disk)
{
	for (unsigned i = 0; i < UNITS_MAX; i++)
		if (units[i] && units[i]->disk == disk)
			return units[i]->n > 1 || newest(units[i])->m.n;
	return true; /* it is not known */
}

enum mpr_verdict check_pr_now(const struct scsi_lu *lu, const struct scsi_nexus *n,
			      const uint8_t *cdb)
{
	struct unit *u = unit_of(lu);
	struct mpr_nexus who = name_of(n);

	return u ? mpr_judge(&newest(u)->m, &who, cdb) : MPR_UNKNOWN;
}

/* --- PERSISTENT RESERVE OUT --- */

static struct mpr_ports ports_of(const struct scsi_task *t)
{
	const struct scsi_ports *p = t->lu->ports;
	struct mpr_ports ports = { .n = min_u32(p->n, MPR_PORTS_MAX) };

	for (unsigned i = 0; i < ports.n; i++)
		ports.id[i] = p->id[i];
	return ports;
}

static void compare(const struct spied *s, const struct scsi_task *t, const struct scsi_act *act,
		    const struct mpr_result *r)
{
	struct sense sense = { 0 };
	/* It aborts the commands of its victims; or it fails, and takes others with it (QERR). */
	bool aborts = act->type == SCSI_ACT_CLEAR && t->has_victims;
	bool saves = act->type == SCSI_ACT_SAVE; /* what it has done */
	uint8_t status = aborts || saves ? SCSI_STATUS_GOOD : t->status;

	if (aborts && (t->cdb[1] & 0x1f) != SCSI_PR_OUT_PREEMPT_AND_ABORT)
		wrong(s, t, "it aborts the commands of others");
	if (status == SCSI_STATUS_CHECK_CONDITION)
		(void)sense_decode(t->sense, t->sense_len, &sense);
	if (status == r->status && sense.asc == r->asc)
		return;
	trace("status %x and sense %x, wanted %x and %x", status, sense.asc, r->status, r->asc);
	wrong(s, t, "it is answered with something else than it should be");
}

static void tell(struct unit *u, struct version *v, const struct mpr_result *r)
{
	for (unsigned i = 0; i < r->n_told; i++) {
		struct host *h = host_of(&r->told[i].who);

		if (!h || u->disk < 0)
			continue;
		trace("disk %u: %s is to hear of %x", u->disk, h->name, r->told[i].asc);
		check_told(h, u->disk, r->told[i].asc);
		if (v->n_told == ARRAY_SIZE(v->told))
			continue;
		v->told[v->n_told].h = h;
		v->told[v->n_told++].asc = r->told[i].asc;
	}
}

static void note_victims(struct unit *u, struct version *v, const struct mpr_result *r)
{
	for (unsigned i = 0; i < r->n_victims; i++) {
		struct host *h = host_of(&r->victim[i]);

		if (!h)
			continue;
		v->victims |= BIT(h->index);
		/* Of commands that are lost by it they hear, too. */
		if (u->disk >= 0)
			check_told(h, u->disk, SCSI_UA_COMMANDS_CLEARED);
	}
}

void check_pr_out(const struct spied *s, const struct scsi_task *t, const struct scsi_act *act,
		  const uint8_t *list)
{
	static struct mpr_result r; /* large */
	struct unit *u = unit_of(t->lu);
	struct mpr_nexus who = name_of(t->nexus);
	struct hcmd *cmd = spy_hcmd(s);
	struct mpr_cmd out = { t->cdb, list, get_be32(t->cdb + 5) };
	struct mpr_ports ports;
	struct version *v;
	bool was_kept;
	struct mpr m;

	if (!u || s->orphan || newest(u)->m.wild)
		return;
	ports = ports_of(t);
	if (cmd && memcmp(cmd->buf, list, out.list_len) != 0)
		wrong(s, t, "its parameter list is not what was sent");
	m = newest(u)->m;
	was_kept = m.aptpl;
	mpr_out(&m, &who, &out, &ports, &r);
	if (!m.wild)
		compare(s, t, act, &r);
	cover_hit(COVER_PR_OUT,
		  (t->cdb[1] & 0x1fu) * 3 + (r.status == SCSI_STATUS_GOOD              ? 0
					     : r.status == SCSI_STATUS_CHECK_CONDITION ? 2
										       : 1));
	if (r.status != SCSI_STATUS_GOOD)
		return;
	v = change(u, &m);
	v->saved = m.aptpl || was_kept;
	tell(u, v, &r);
	if ((t->cdb[1] & 0x1f) == SCSI_PR_OUT_PREEMPT_AND_ABORT) {
		note_victims(u, v, &r);
		check_medium_preempts(s, v->victims);
	}
	if (cmd)
		cmd->version = v->id;
}

/* --- answers --- */

/* A version of a unit that was answered. */
struct answer {
	const struct unit *u;
	const struct version *v;
};

static void is_left(struct spied *s, void *ctx)
{
	const struct answer *a = ctx;

	if (s->lu == a->u->lu && s->host && a->v->victims & BIT(s->host->index) &&
	    s->born < a->v->id && !s->orphan)
		fail_now("reservations: command %u of %s was not aborted by PREEMPT AND ABORT",
			 s->nth, s->host->name);
}

static void answered(struct unit *u, struct version *v, const struct host *by)
{
	if (v->id > u->answered)
		u->answered = v->id;
	for (unsigned i = 0; i < v->n_told; i++) {
		check_told_for_sure(v->told[i].h, u->disk, v->told[i].asc, v->tick);
		if (v->saved)
			check_told_outlives(v->told[i].h, u->disk, v->told[i].asc, v->tick);
	}
	if (v->victims && u->disk >= 0)
		check_cleared(by, u->disk, v->tick);
	spy_each(is_left, &(struct answer){ u, v });
}

void check_pr_answered(const struct hchan *c, const struct hcmd *cmd)
{
	for (unsigned i = 0; i < UNITS_MAX && cmd->version; i++)
		for (unsigned k = 0; units[i] && k < VERSIONS; k++)
			if (units[i]->v[k].id == cmd->version)
				answered(units[i], &units[i]->v[k], c->h);
}
