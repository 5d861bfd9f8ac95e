/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "sim/spy.h"

#include "base/check.h"
#include "scsi/cmd.h"
#include "scsi/scsi.h"
#include "sim/check.h"
#include "sim/fabric.h"
#include "sim/proc.h"
#include "sim/rogue.h"
#include "sim/sched.h"
#include "sim/world.h"
#include "target/unit.h"

#define BUCKETS 64u

static struct list buckets[BUCKETS];
static uint64_t now;

uint64_t spy_count(void)
{
	return ++now;
}

static struct list *bucket_of(const struct scsi_task *t)
{
	struct list *b = &buckets[((uintptr_t)t >> 6) % BUCKETS];

	if (!b->next)
		list_init(b);
	return b;
}

static struct spied *find(const struct scsi_task *t)
{
	struct list *b = bucket_of(t);
	struct list *pos;

	list_for_each (pos, b)
		if (list_entry(pos, struct spied, node)->t == t)
			return list_entry(pos, struct spied, node);
	return NULL;
}

void spy_each(void (*fn)(struct spied *s, void *ctx), void *ctx)
{
	for (unsigned i = 0; i < BUCKETS; i++) {
		struct list *pos, *tmp;

		if (!buckets[i].next)
			continue;
		list_for_each_safe (pos, tmp, &buckets[i])
			fn(list_entry(pos, struct spied, node), ctx);
	}
}

static void forget(struct spied *s, void *ctx)
{
	(void)ctx;
	list_del(&s->node);
	world_free(s);
}

void spy_reset(void)
{
	spy_each(forget, NULL);
	check_pr_reset();
	check_order_reset();
	check_medium_reset();
	check_suspend_reset();
}

static void is_left(struct spied *s, void *when)
{
	fail_now("command %u of %s (opcode %02x) was begun and never ended, %s", s->nth,
		 s->host ? s->host->name : "a rogue", s->cdb[0], (const char *)when);
}

void spy_check_empty(const char *when)
{
	spy_each(is_left, drop_const(when));
}

/* --- the host's side --- */

static struct hcmd *hcmd_of(struct hchan *c, uint64_t tag)
{
	uint16_t slot = tag & 0xffff;
	struct hcmd *cmd = slot < HOST_SLOTS_MAX ? &c->cmd[slot] : NULL;

	return cmd && cmd->busy && cmd->tag == tag ? cmd : NULL;
}

void spy_arrived(struct hchan *c, const uint8_t *iu, size_t len)
{
	struct hcmd *cmd = len >= 16 ? hcmd_of(c, srp_tag_get(iu + 8)) : NULL;

	if (cmd)
		cmd->arrived = ++now;
}

struct hchan *spy_hchan(const struct spied *s)
{
	for (unsigned i = 0; s->host && i < HOST_CHANS_MAX; i++)
		if (s->host->chan[i] && s->host->chan[i]->number == s->chan)
			return s->host->chan[i];
	return NULL;
}

struct hcmd *spy_hcmd(const struct spied *s)
{
	struct hchan *c = spy_hchan(s);

	return c ? hcmd_of(c, s->tag) : NULL;
}

struct host *spy_host(const struct scsi_nexus *n)
{
	for (unsigned i = 0; i < HOSTS_MAX; i++) {
		struct host *h = host_at(i);

		if (h && !memcmp(&h->id, n->initiator.name, sizeof(h->id)))
			return h;
	}
	return NULL;
}

static struct hchan *hchan_of(const struct scsi_task *t)
{
	const struct cmd *c = container_of(t, const struct cmd, task);
	struct hchan *h = c->ch->conn ? fabric_who(c->ch->conn) : NULL;

	return h && !rogue_is(h) ? h : NULL;
}

/* --- steps --- */

/* What it has done to the mode pages, or may do to others by failing. */
static void look_at_mode(struct spied *s, const struct scsi_task *t, const struct scsi_act *act)
{
	struct hcmd *cmd = spy_hcmd(s);
	/* Its host may have given it up before it began. */
	int disk = s->disk < 0 ? check_pr_disk(t->lu) : s->disk;
	bool select = t->cdb[0] == SCSI_OP_MODE_SELECT_10 || t->cdb[0] == SCSI_OP_MODE_SELECT_6;
	unsigned changed = SCSI_CHANGED_NOTHING;

	if (!t->lu || disk < 0)
		return;
	if (t->lu->mode.qerr && t->status == SCSI_STATUS_CHECK_CONDITION &&
	    (act->type == SCSI_ACT_COMPLETE || act->type == SCSI_ACT_CLEAR))
		check_error_clears(s->host, disk);
	/* Where it is saved first, some hear of it before. */
	if (act->type == SCSI_ACT_SAVE)
		changed = t->changed;
	else if (act->type == SCSI_ACT_COMPLETE && t->status == SCSI_STATUS_GOOD)
		changed = act->changed;
	else
		return;
	if (!select || s->applied)
		return;
	check_keep_select(disk, cmd, t->data, act->type == SCSI_ACT_SAVE);
	s->applied = true;
	if (changed != SCSI_CHANGED_LU)
		return;
	if (cmd)
		cmd->mode_tick = sched_tick();
	check_mode_changed(s->host, disk, t->lu->mode.qerr);
	if (t->lu->mode.tst)
		check_order_apart(t->lu);
}

/* Of the standards, not of the target's own table: they read and write in one. */
static bool is_alone(const uint8_t *cdb)
{
	return cdb[0] == SCSI_OP_COMPARE_AND_WRITE || cdb[0] == SCSI_OP_ORWRITE_16;
}

/* Likewise: which blocks. */
static void note_blocks(struct spied *s)
{
	struct cdb_range r;

	s->lba_end = UINT64_MAX;
	if (!check_access_needs(s->cdb) && !is_alone(s->cdb))
		return;
	switch (s->cdb[0]) {
	case SCSI_OP_UNMAP:
	case SCSI_OP_THIRD_PARTY_COPY_OUT:
	case SCSI_OP_SYNCHRONIZE_CACHE_10:
	case SCSI_OP_SYNCHRONIZE_CACHE_16:
		return;
	default:
		r = cdb_range(s->cdb);
		s->lba = r.lba;
		s->lba_end = r.lba + r.n_blocks;
	}
}

static bool is_copy(const uint8_t *cdb)
{
	uint8_t action = cdb[1] & 0x1f;

	return cdb[0] == SCSI_OP_THIRD_PARTY_COPY_OUT &&
	       (action == SCSI_COPY_OUT_LID1 || action == SCSI_COPY_OUT_LID4 ||
		action == SCSI_COPY_OUT_USING_TOKEN);
}

static struct spied *begin(const struct scsi_task *t)
{
	struct spied *s = world_alloc(sizeof(*s));
	const struct scsi_cmd *kind = scsi_cmd_find(t->cdb);
	struct hchan *c = hchan_of(t);
	struct hcmd *cmd = c ? hcmd_of(c, t->tag) : NULL;

	s->t = t;
	s->nexus = t->nexus;
	s->disk = -1;
	s->born = ++now;
	s->attr = t->attr;
	s->tag = t->tag;
	memcpy(s->cdb, t->cdb, sizeof(s->cdb));
	s->copies = is_copy(t->cdb);
	note_blocks(s);
	s->alone = is_alone(t->cdb) || (kind && kind->flags & SCSI_CMD_ALONE);
	s->barrier = t->attr == SCSI_ATTR_ORDERED || (kind && kind->flags & SCSI_CMD_BARRIER);
	if (cmd) {
		s->host = c->h;
		s->chan = c->number;
		s->nth = cmd->nth;
		s->disk = cmd->disk;
		s->arrived = cmd->arrived;
		if (memcmp(cmd->cdb, t->cdb, sizeof(t->cdb)) != 0)
			fail_now("%s chan %u: command %u has another CDB inside the target",
				 c->h->name, c->number, cmd->nth);
	}
	list_init(&s->node);
	list_push(bucket_of(t), &s->node);
	return s;
}

/* Does it read or write blocks? */
static bool is_medium(enum scsi_act_type act)
{
	return (act >= SCSI_ACT_READ && act <= SCSI_ACT_COMPARE_SAME) && act != SCSI_ACT_FLUSH;
}

static void over(struct spied *s, const struct scsi_task *t)
{
	struct hcmd *cmd = spy_hcmd(s);

	if (s->n_io && !container_of(t, const struct cmd, task)->is.orphan)
		fail_now("command %u of %s has ended while the disk is at work on it", s->nth,
			 s->host ? s->host->name : "a rogue");
	if (cmd) {
		cmd->conflict = !t->aborted && t->status == SCSI_STATUS_RESERVATION_CONFLICT;
		cmd->over_ns = sched_now_ns();
		cmd->cut = t->aborted;
		cmd->told_abort = !t->aborted && t->status == SCSI_STATUS_TASK_ABORTED;
		cmd->sends = t->data_len != 0;
		if (cmd_chan_live(container_of(t, const struct cmd, task))) {
			if (t->aborted && cmd->disk >= 0)
				check_cut(s->host, cmd->disk);
			check_tas(s, t, cmd);
		}
	}
	if (t->lu && !t->aborted && check_pr_disk(t->lu) >= 0 && spy_host(t->nexus) &&
	    check_keep_notes(check_pr_disk(t->lu)))
		check_noted(spy_host(t->nexus), check_pr_disk(t->lu), t->status);
	forget(s, NULL);
}

/* --- reservations --- */

/* The list of a PERSISTENT RESERVE OUT that is about to be carried out, NULL: it is not. */
static const uint8_t *list_of(const struct scsi_task *t, const struct scsi_event *ev)
{
	static uint8_t list[SCSI_DATA_MIN_BYTES];

	if (t->cdb[0] != SCSI_OP_PERSISTENT_RESERVE_OUT || ev->type != SCSI_EV_DATA || ev->result ||
	    t->abort)
		return NULL;
	memcpy(list, t->data, get_be32(t->cdb + 5));
	return list;
}

static void look(struct spied *s, const struct scsi_task *t, const struct scsi_act *act,
		 const uint8_t *list)
{
	bool complete = act->type == SCSI_ACT_COMPLETE;

	if (act->type == SCSI_ACT_ROOM || act->type == SCSI_ACT_WAIT ||
	    act->type == SCSI_ACT_HOLD || act->type == SCSI_ACT_NONE || (complete && t->abort))
		return;
	if (!s->checked) {
		check_pr_looked(s, t, act);
		check_access_looked(s, act);
		check_keep_looked(s, act);
		check_erase_looked(s, act);
		check_medium_looked(s, act);
	}
	s->checked = true;
	if (list)
		check_pr_out(s, t, act, list);
}

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp,readability-identifier-naming): the linker's names */
struct scsi_act __real_scsi_task_step(struct scsi_task *t, const struct scsi_event *ev);
int __real_scsi_lu_init(struct scsi_lu *lu, const struct scsi_lu_params *p);
void __real_scsi_lu_deinit(struct scsi_lu *lu);
bool __real_scsi_lu_set_fenced(struct scsi_lu *lu, bool fenced);
enum scsi_changed __real_scsi_tmf_finish(struct scsi_tmf *m);
int __real_scsi_nexus_init(struct scsi_nexus *n, const struct scsi_port *initiator,
			   const struct scsi_port *target, const struct scsi_map_entry *map,
			   size_t n_map);
void __real_scsi_nexus_deinit(struct scsi_nexus *n);
int __real_scsi_nexus_remap(struct scsi_nexus *n, const struct scsi_map_entry *map, size_t n_map);

struct scsi_act __wrap_scsi_task_step(struct scsi_task *t, const struct scsi_event *ev);
int __wrap_scsi_lu_init(struct scsi_lu *lu, const struct scsi_lu_params *p);
void __wrap_scsi_lu_deinit(struct scsi_lu *lu);
bool __wrap_scsi_lu_set_fenced(struct scsi_lu *lu, bool fenced);
enum scsi_changed __wrap_scsi_tmf_finish(struct scsi_tmf *m);
int __wrap_scsi_nexus_init(struct scsi_nexus *n, const struct scsi_port *initiator,
			   const struct scsi_port *target, const struct scsi_map_entry *map,
			   size_t n_map);
void __wrap_scsi_nexus_deinit(struct scsi_nexus *n);
int __wrap_scsi_nexus_remap(struct scsi_nexus *n, const struct scsi_map_entry *map, size_t n_map);

struct scsi_act __wrap_scsi_task_step(struct scsi_task *t, const struct scsi_event *ev)
{
	const uint8_t *list = list_of(t, ev);
	struct spied *s = find(t);
	struct scsi_act act;

	/* One that is aborted before START enters no set. */
	if (!s)
		s = begin(t);
	if ((ev->type == SCSI_EV_START || ev->type == SCSI_EV_FAULT) && t->route == SCSI_ROUTE_HOME)
		s->entered = ++now;
	s->at[0] = s->at[1] = NULL;
	act = __real_scsi_task_step(t, ev);
	if (ev->type == SCSI_EV_STATES && t->status == SCSI_STATUS_GOOD && spy_hcmd(s))
		check_access_set(spy_hcmd(s));
	s->lu = t->lu;
	s->between = act.type == SCSI_ACT_WAIT && s->turn && s->copies;
	if (act.type == SCSI_ACT_FETCH && s->copies)
		check_order_turn(s);
	if (act.type == SCSI_ACT_COPY) {
		s->at[0] = t->copy.from;
		s->at[1] = t->copy.to;
		check_copy_piece(s, t);
	}
	if (act.type == SCSI_ACT_WAIT)
		check_order_waits(s);
	else if (!s->turn)
		s->turn = ++now;
	look(s, t, &act, list);
	look_at_mode(s, t, &act);
	check_medium_stepped(s, t, &act);
	check_ident_stepped(s, t, &act);
	check_suspend_stepped(s, &act);
	if (is_medium(act.type))
		check_order_access(s);
	if (act.type == SCSI_ACT_COMPLETE)
		over(s, t);
	return act;
}

/* --- units that go --- */

/* What @nexus (NULL: whoever) has said of it counts no more. */
static void lost(const struct scsi_lu *lu, const struct scsi_nexus *nexus)
{
	check_pr_lost(lu, nexus);
	check_medium_allowed(lu, nexus);
}

/* What @n has mapped no more since @was was noted. */
struct unmapped {
	const struct scsi_nexus *n;
	const struct scsi_lu *was[SCSI_LUN_COUNT];
};

static void make_orphan(struct spied *s, void *ctx)
{
	const struct unmapped *u = ctx;

	for (unsigned i = 0; i < SCSI_LUN_COUNT && s->nexus == u->n && s->lu; i++)
		s->orphan |= s->lu == u->was[i] && u->n->lun[i].lu != s->lu;
}

static void note_units(struct unmapped *u, const struct scsi_nexus *n)
{
	u->n = n;
	for (unsigned i = 0; i < SCSI_LUN_COUNT; i++)
		u->was[i] = n->lun[i].lu;
}

static bool has_units(const struct scsi_nexus *n)
{
	for (unsigned i = 0; i < SCSI_LUN_COUNT; i++)
		if (n->lun[i].lu)
			return true;
	return false;
}

/* One without units is as good as gone: nobody tells it anything. */
static void note_nexus(const struct scsi_nexus *n, bool was_there)
{
	struct host *h = spy_host(n);

	if (h && has_units(n) != was_there)
		check_ua_nexus(h, !was_there);
}

int __wrap_scsi_nexus_remap(struct scsi_nexus *n, const struct scsi_map_entry *map, size_t n_map)
{
	static struct unmapped u;
	bool was_there = has_units(n);
	int r;

	note_units(&u, n);
	r = __real_scsi_nexus_remap(n, map, n_map);
	spy_each(make_orphan, &u);
	note_nexus(n, was_there);
	for (unsigned i = 0; i < SCSI_LUN_COUNT; i++)
		if (u.was[i] && n->lun[i].lu != u.was[i])
			lost(u.was[i], n);
	return r;
}

int __wrap_scsi_nexus_init(struct scsi_nexus *n, const struct scsi_port *initiator,
			   const struct scsi_port *target, const struct scsi_map_entry *map,
			   size_t n_map)
{
	int r;

	for (unsigned i = 0; i < HOSTS_MAX; i++) {
		struct host *h = host_at(i);

		if (h && !memcmp(&h->id, initiator->name, sizeof(h->id)))
			h->port = target->relative_id;
	}
	r = __real_scsi_nexus_init(n, initiator, target, map, n_map);
	if (!r)
		note_nexus(n, false);
	return r;
}

void __wrap_scsi_nexus_deinit(struct scsi_nexus *n)
{
	struct host *h = spy_host(n);

	for (unsigned i = 0; i < SCSI_LUN_COUNT; i++)
		lost(n->lun[i].lu, n);
	if (h && has_units(n))
		check_ua_nexus(h, false);
	__real_scsi_nexus_deinit(n);
}

int __wrap_scsi_lu_init(struct scsi_lu *lu, const struct scsi_lu_params *p)
{
	int r = __real_scsi_lu_init(lu, p);

	if (!r)
		check_pr_unit(lu);
	return r;
}

void __wrap_scsi_lu_deinit(struct scsi_lu *lu)
{
	check_pr_unit_gone(lu);
	__real_scsi_lu_deinit(lu);
}

/* Until then commands were told that it is not ready. */
bool __wrap_scsi_lu_set_fenced(struct scsi_lu *lu, bool fenced)
{
	int disk = check_pr_disk(lu);

	trace("disk %d: its unit is %s", disk, fenced ? "fenced" : "served again");
	if (disk >= 0)
		check_fence(disk, fenced);
	return __real_scsi_lu_set_fenced(lu, fenced);
}

enum scsi_changed __wrap_scsi_tmf_finish(struct scsi_tmf *m)
{
	enum scsi_changed changed = __real_scsi_tmf_finish(m);

	if (m->fn != SCSI_TMF_LUN_RESET || !m->lu || m->response != SCSI_TMF_FUNCTION_COMPLETE)
		return changed;
	lost(m->lu, NULL);
	if (check_pr_disk(m->lu) >= 0)
		check_keep_reset(check_pr_disk(m->lu));
	return changed;
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp,readability-identifier-naming) */

/* --- what the disks see --- */

static struct spied *spied_of(const struct backend_io *io)
{
	return find(&container_of(io, const struct cmd, bio)->task);
}

void spy_io_begins(const struct backend_io *io)
{
	struct spied *s = spied_of(io);

	if (!s && proc_is_units(io))
		return;
	if (proc_has_given_up(io->backend))
		fail_now("a disk is asked for something while it is at work on what was given up");
	if (!s)
		fail_now("a command that has ended still asks something of its disk");
	s->n_io++;
	if (io->op != BACKEND_FLUSH && io->op != BACKEND_PREFETCH && io->op != BACKEND_EXTENT)
		check_order_access(s);
}

bool spy_io_is_orphan(const struct backend_io *io)
{
	const struct cmd *c = container_of(io, const struct cmd, bio);

	if (proc_is_units(io) || !c->is.orphan)
		return false;
	if (!c->orphan.of->unit->lu.fenced)
		fail_now("a unit is served while the disk is at work on what was given up");
	return true;
}

/* What it is at now may be the end: of an orphan only the command tells. */
bool spy_io_is_copy(const struct backend_io *io)
{
	const struct scsi_cmd *cmd = container_of(io, const struct cmd, bio)->task.cmd;

	return cmd && cmd->flags & SCSI_CMD_COPY;
}

void spy_io_ended(const struct backend_io *io)
{
	struct spied *s = spied_of(io);

	if (!s && (proc_is_units(io) || spy_io_is_orphan(io)))
		return;
	check(s && s->n_io);
	s->n_io--;
}
