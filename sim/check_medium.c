/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Removable units: without a medium nothing is served that needs one.
 *
 * The medium goes and comes where the SCSI core is told so, by a host or an operator, which makes a version. A command
 * that needs it goes on only if it is there: at home by the newest version, elsewhere by one not older than the last
 * whose end was told. Who is told that it is out was told the truth at some time since he asked. When it
 * came back all but who brought it hear of that. And it moves when nobody prevents that, and only then: what
 * PREVENT ALLOW MEDIUM REMOVAL has said is kept here, too, until its nexus has gone, lost the unit, was preempted with
 * ABORT, or the unit was reset. A unit begins with its medium in.
 */
#include "base/check.h"
#include "scsi/medium.h"
#include "scsi/scsi.h"
#include "sim/check.h"
#include "sim/disk.h"
#include "sim/hcmd.h"
#include "sim/proc.h"
#include "sim/sched.h"
#include "sim/spy.h"
#include "sim/world.h"

#define VERSIONS     32u
#define PREVENTS_MAX 64u
#define TAKERS_MAX   32u

struct version {
	uint64_t id;   /* spy_count() */
	uint64_t tick; /* when it came about */
	bool out;
	unsigned told; /* BIT(host): who is to hear of it */
};

static struct medium {
	unsigned n; /* versions there were; 0: what a unit begins with */
	uint64_t answered;
	uint64_t kept_tick; /* when somebody prevented last that it moves */
	struct version v[VERSIONS];
} media[DISKS_MAX];

/* Who prevents that a medium moves. */
static struct {
	const struct scsi_lu *lu; /* NULL: free */
	const struct scsi_nexus *nexus;
} prevents[PREVENTS_MAX];

/* PREEMPT AND ABORT under way, and whose commands it takes. */
static struct {
	const struct spied *s; /* NULL: free */
	unsigned hosts;        /* BIT(host) */
} takers[TAKERS_MAX];

static uint64_t changed; /* the version that the step under way has made; 0: none */

static struct version *newest(struct medium *m)
{
	return &m->v[m->n % VERSIONS];
}

/* --- who prevents --- */

static bool is_kept(const struct scsi_lu *lu)
{
	for (unsigned i = 0; i < PREVENTS_MAX; i++)
		if (prevents[i].lu == lu)
			return true;
	return false;
}

static void prevent(const struct scsi_lu *lu, const struct scsi_nexus *nexus)
{
	unsigned i = 0;

	while (i < PREVENTS_MAX && prevents[i].lu)
		i++;
	check(i < PREVENTS_MAX);
	prevents[i].lu = lu;
	prevents[i].nexus = nexus;
}

static void allow(unsigned i)
{
	int disk = check_pr_disk(prevents[i].lu);

	if (disk >= 0)
		media[disk].kept_tick = sched_tick();
	prevents[i].lu = NULL;
}

void check_medium_allowed(const struct scsi_lu *lu, const struct scsi_nexus *nexus)
{
	for (unsigned i = 0; i < PREVENTS_MAX; i++)
		if (lu && prevents[i].lu == lu && (!nexus || prevents[i].nexus == nexus))
			allow(i);
}

bool check_medium_was_kept(int disk, uint64_t tick)
{
	if (media[disk].kept_tick >= tick)
		return true;
	for (unsigned i = 0; i < PREVENTS_MAX; i++)
		if (prevents[i].lu && check_pr_disk(prevents[i].lu) == disk)
			return true;
	return false;
}

void check_medium_preempts(const struct spied *s, unsigned hosts)
{
	unsigned i = 0;

	while (i < TAKERS_MAX && takers[i].s)
		i++;
	check(i < TAKERS_MAX);
	takers[i].s = s;
	takers[i].hosts = hosts;
}

/* @s is over: unless it failed its victims prevent nothing any more. */
static void preempted(const struct spied *s, bool good)
{
	for (unsigned i = 0; i < TAKERS_MAX; i++) {
		if (takers[i].s != s)
			continue;
		takers[i].s = NULL;
		for (unsigned k = 0; k < PREVENTS_MAX && good; k++) {
			const struct host *h = prevents[k].lu ? spy_host(prevents[k].nexus) : NULL;

			if (h && prevents[k].lu == s->lu && takers[i].hosts & BIT(h->index))
				allow(k);
		}
	}
}

/* --- it goes and comes --- */

static void change(int disk, bool out, const struct scsi_nexus *by)
{
	struct medium *m = &media[disk];
	struct version v = { .id = spy_count(), .tick = sched_tick(), .out = out };

	trace("disk %u: its medium is %s", disk, out ? "out" : "in");
	for (unsigned i = 0; i < HOSTS_MAX && !out; i++) {
		struct host *h = host_at(i);

		if (!h || (by && spy_host(by) == h))
			continue;
		v.told |= BIT(i);
		check_told_again(h, disk, SCSI_UA_MEDIUM_CHANGED);
	}
	m->n++;
	*newest(m) = v;
	changed = v.id;
}

static void judge(const struct scsi_lu *lu, const char *what, int got, int want)
{
	if (got != want)
		fail_now("medium: of disk %d it is %s, outcome %d, and it should be %d",
			 check_pr_disk(lu), what, got, want);
}

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the linker's names */
int __real_scsi_lu_eject(struct scsi_lu *lu);
int __real_scsi_lu_insert(struct scsi_lu *lu, const struct scsi_nexus *by);
int __wrap_scsi_lu_eject(struct scsi_lu *lu);
int __wrap_scsi_lu_insert(struct scsi_lu *lu, const struct scsi_nexus *by);

int __wrap_scsi_lu_eject(struct scsi_lu *lu)
{
	int disk = check_pr_disk(lu);
	int want = !lu->removable                        ? SCSI_MEDIUM_E_FIXED
		   : is_kept(lu)                         ? SCSI_MEDIUM_E_PREVENTED
		   : lu->erase.kind && !lu->erase.failed ? SCSI_MEDIUM_E_BUSY
							 : 0;
	int r = __real_scsi_lu_eject(lu);

	judge(lu, "taken out", r, want);
	if (!r && disk >= 0 && !newest(&media[disk])->out)
		change(disk, true, NULL);
	return r;
}

int __wrap_scsi_lu_insert(struct scsi_lu *lu, const struct scsi_nexus *by)
{
	int disk = check_pr_disk(lu);
	bool out = disk >= 0 && newest(&media[disk])->out;
	int want = !lu->removable       ? SCSI_MEDIUM_E_FIXED
		   : out && is_kept(lu) ? SCSI_MEDIUM_E_PREVENTED
					: 0;
	int r = __real_scsi_lu_insert(lu, by);

	judge(lu, "put in", r, want);
	if (!r && out)
		change(disk, false, by);
	return r;
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

uint64_t check_medium_moved(int disk)
{
	changed = 0; /* it was no step */
	return newest(&media[disk])->id;
}

static bool may_be(int disk, bool out, uint64_t tick)
{
	const struct medium *m = &media[disk];

	for (unsigned i = 0; i <= m->n; i++) {
		const struct version *v = &m->v[(m->n - i) % VERSIONS];

		if (i == VERSIONS || v->out == out)
			return true;
		/* The worker that looked may have known no more than what was told. */
		if (v->tick < tick && v->id <= m->answered)
			return false;
	}
	return false;
}

bool check_medium_was_out(int disk, uint64_t tick)
{
	return may_be(disk, true, tick);
}

/* --- commands --- */

/* SBC-4 4.20, table 13: what is refused without a medium; of those that hosts send. */
static bool needs_medium(const uint8_t *cdb)
{
	switch (cdb[0]) {
	case SCSI_OP_TEST_UNIT_READY:
	case SCSI_OP_READ_CAPACITY_10:
	case SCSI_OP_FORMAT_UNIT:
	case SCSI_OP_SANITIZE:
		return true;
	case SCSI_OP_SERVICE_ACTION_IN_16:
		return (cdb[1] & 0x1f) == SCSI_SA_READ_CAPACITY_16;
	default:
		return check_access_needs(cdb);
	}
}

static bool may_run(const struct spied *s)
{
	struct medium *m = &media[s->disk];

	return s->entered ? !newest(m)->out : may_be(s->disk, false, UINT64_MAX);
}

void check_medium_looked(const struct spied *s, const struct scsi_act *act)
{
	if (!s->host || s->disk < 0 || s->orphan || !needs_medium(s->cdb) || may_run(s))
		return;
	if (act->type == SCSI_ACT_CLEAR ||
	    (act->type == SCSI_ACT_COMPLETE && s->t->status != SCSI_STATUS_GOOD))
		return;
	fail_now("medium: command %u of %s (chan %u), opcode %02x, is served by disk %d, whose "
		 "medium is out",
		 s->nth, s->host->name, s->chan, s->cdb[0], s->disk);
}

void check_medium_stepped(const struct spied *s, const struct scsi_task *t,
			  const struct scsi_act *act)
{
	bool over = act->type == SCSI_ACT_COMPLETE;
	bool good = over && !t->aborted && t->status == SCSI_STATUS_GOOD;
	struct hcmd *cmd = changed ? spy_hcmd(s) : NULL;

	if (cmd)
		cmd->medium = changed;
	changed = 0;
	if (over)
		preempted(s, good);
	if (!good || t->cdb[0] != SCSI_OP_PREVENT_ALLOW || s->orphan)
		return;
	check_medium_allowed(t->lu, t->nexus);
	if (t->cdb[4] & 1)
		prevent(t->lu, t->nexus);
}

void check_medium_answered(int disk, uint64_t id)
{
	struct medium *m = &media[disk];

	if (id > m->answered)
		m->answered = id;
	for (unsigned i = 0; i < VERSIONS && id; i++)
		for (unsigned k = 0; k < HOSTS_MAX && m->v[i].id == id; k++)
			if (m->v[i].told & BIT(k))
				check_told_for_sure(host_at(k), disk, SCSI_UA_MEDIUM_CHANGED,
						    m->v[i].tick);
}

const char *check_medium_good(const struct hcmd *cmd)
{
	bool moves = cmd->cdb[0] == SCSI_OP_START_STOP_UNIT && cmd->cdb[4] & HCMD_LOEJ;

	if (moves && !proc_config()->removable[cmd->disk])
		return "a unit that is not removable has moved its medium";
	if (moves && !may_be(cmd->disk, !(cmd->cdb[4] & 1), cmd->sent_tick))
		return "the medium is not where it was told to be";
	check_medium_answered(cmd->disk, cmd->medium);
	return NULL;
}

/* --- units and processes --- */

void check_medium_found(const struct scsi_lu *lu, int disk)
{
	struct medium *m = &media[disk];

	if (lu->ejected)
		fail_now("medium: disk %d begins without its medium", disk);
	m->n++;
	*newest(m) = (struct version){ .id = spy_count(), .tick = sched_tick() };
	m->answered = newest(m)->id;
}

void check_medium_reset(void)
{
	for (unsigned i = 0; i < PREVENTS_MAX; i++)
		if (prevents[i].lu)
			allow(i);
	memset(takers, 0, sizeof(takers));
	changed = 0;
}
