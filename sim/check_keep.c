/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The control mode page, in force and saved.
 *
 * In force: what changes it makes a version, and a command that writes is served only when that lets it which is in force
 * at home, or, where it runs elsewhere, one that is not older than the last whose GOOD was had (SWP). Whether a
 * unit attention is gone when it was told (UA_INTLCK) is asked by check_ua.c.
 *
 * Saved: MODE SELECT with SP is carried out at one step of the SCSI core, which makes a version of
 * what is saved. The next unit of the disk begins with a version that is not older than the last one whose GOOD was
 * had: what was answered outlives the process, and nobody knows of what was not.
 */
#include "scsi/scsi.h"
#include "sim/check.h"
#include "sim/cover.h"
#include "sim/deeds.h"
#include "sim/disk.h"
#include "sim/sched.h"
#include "sim/spy.h"
#include "sim/store.h"
#include "sim/world.h"

#define VERSIONS 16u
#define PAGE_AT  8u /* of the control mode page, behind the header of MODE SELECT(10) */

/* Of the control mode page. */
struct control {
	uint8_t tst, qerr, ua_intlck, tas, swp, d_sense;
};

static struct saved {
	unsigned n; /* versions there were; 0: what a unit begins with */
	uint64_t answered;
	struct {
		uint64_t id; /* spy_count() */
		struct control c;
	} v[VERSIONS];
} saved[DISKS_MAX];

/* --- in force --- */

static struct forced {
	unsigned n; /* versions there were */
	uint64_t answered;
	struct {
		uint64_t id;
		uint64_t tick;
		struct control c;
	} v[VERSIONS];
} forced[DISKS_MAX];

static uint64_t force(int disk, const struct control *c)
{
	struct forced *f = &forced[disk];
	unsigned i = ++f->n % VERSIONS;

	f->v[i].id = spy_count();
	f->v[i].tick = sched_tick();
	f->v[i].c = *c;
	return f->v[i].id;
}

static bool writes(const uint8_t *cdb)
{
	switch (cdb[0]) {
	case SCSI_OP_WRITE_6:
	case SCSI_OP_WRITE_10:
	case SCSI_OP_WRITE_12:
	case SCSI_OP_WRITE_16:
	case SCSI_OP_COMPARE_AND_WRITE:
	case SCSI_OP_ORWRITE_16:
	case SCSI_OP_WRITE_SAME_10:
	case SCSI_OP_WRITE_SAME_16:
	case SCSI_OP_UNMAP:
		return true;
	case SCSI_OP_THIRD_PARTY_COPY_OUT:
		return (cdb[1] & 0x1f) == SCSI_COPY_OUT_USING_TOKEN;
	default:
		return false;
	}
}

static bool may_write(const struct forced *f, bool at_home)
{
	for (unsigned i = 0; i <= f->n; i++) {
		unsigned at = (f->n - i) % VERSIONS;

		if (i == VERSIONS || !f->v[at].c.swp)
			return true;
		if (at_home || f->v[at].id <= f->answered)
			return false;
	}
	return false;
}

bool check_keep_lets_write(int disk)
{
	return may_write(&forced[disk], true);
}

void check_keep_looked(const struct spied *s, const struct scsi_act *act)
{
	if (!s->host || s->disk < 0 || s->orphan || !writes(s->cdb) ||
	    may_write(&forced[s->disk], s->entered))
		return;
	if (act->type == SCSI_ACT_CLEAR ||
	    (act->type == SCSI_ACT_COMPLETE && s->t->status != SCSI_STATUS_GOOD))
		return;
	fail_now("mode pages: command %u of %s (chan %u), opcode %02x, writes to disk %d, which is "
		 "write protected (SWP)",
		 s->nth, s->host->name, s->chan, s->cdb[0], s->disk);
}

/* Of the versions that may have been looked at since @tick: how many there are, and how many of them have it. */
static void count(int disk, uint64_t tick, bool (*has)(const struct control *c), unsigned *ret_n,
		  unsigned *ret_has)
{
	const struct forced *f = &forced[disk];

	*ret_n = *ret_has = 0;
	for (unsigned i = 0; i <= f->n && i < VERSIONS; i++) {
		unsigned at = (f->n - i) % VERSIONS;

		++*ret_n;
		*ret_has += has(&f->v[at].c);
		if (f->v[at].tick < tick && f->v[at].id <= f->answered)
			return;
	}
}

static bool is_protected(const struct control *c)
{
	return c->swp;
}

static bool is_locked(const struct control *c)
{
	return c->ua_intlck != 0;
}

static bool tells(const struct control *c)
{
	return c->tas;
}

static bool clears(const struct control *c)
{
	return c->qerr;
}

bool check_keep_may_tell(int disk, uint64_t tick, bool tas)
{
	unsigned n, found;

	count(disk, tick, tells, &n, &found);
	return tas ? found : n > found;
}

bool check_keep_clears(int disk, uint64_t tick)
{
	unsigned n, found;

	count(disk, tick, clears, &n, &found);
	return found;
}

bool check_keep_was_protected(int disk, uint64_t tick)
{
	unsigned n, found;

	count(disk, tick, is_protected, &n, &found);
	return found;
}

enum check_lock check_keep_lock(int disk, uint64_t tick)
{
	unsigned n, found;

	count(disk, tick, is_locked, &n, &found);
	return !found ? CHECK_UNLOCKED : found == n ? CHECK_LOCKED : CHECK_MAYBE_LOCKED;
}

bool check_keep_notes(int disk)
{
	return forced[disk].v[forced[disk].n % VERSIONS].c.ua_intlck == 3;
}

/* --- saved --- */

void check_keep_reset(int disk)
{
	(void)force(disk, &saved[disk].v[saved[disk].n % VERSIONS].c);
}

void check_keep_select(int disk, struct hcmd *cmd, const uint8_t *list, bool saves)
{
	const uint8_t *page = list + PAGE_AT;
	struct saved *s = &saved[disk];
	struct control c = { .tst = page[2] >> 5,
			     .qerr = page[3] >> 1 & 3,
			     .ua_intlck = page[4] >> 4 & 3,
			     .tas = page[5] >> 6 & 1,
			     .swp = page[4] >> 3 & 1,
			     .d_sense = page[2] >> 2 & 1 };
	uint64_t id = force(disk, &c);
	unsigned i;

	if (cmd)
		cmd->forced = id;
	if (!saves)
		return;
	i = ++s->n % VERSIONS;
	s->v[i].id = id;
	s->v[i].c = c;
	if (cmd)
		cmd->kept = id;
}

void check_keep_answered(const struct hcmd *cmd)
{
	if (cmd->forced > forced[cmd->disk].answered)
		forced[cmd->disk].answered = cmd->forced;
	if (cmd->kept > saved[cmd->disk].answered)
		saved[cmd->disk].answered = cmd->kept;
	if (cmd->kept)
		deeds_moment(MOMENT_KEPT);
}

static bool is(const struct control *c, const struct scsi_mode *m)
{
	return c->tst == m->tst && c->qerr == m->qerr && c->ua_intlck == m->ua_intlck &&
	       c->tas == m->tas && c->swp == m->swp && c->d_sense == m->d_sense;
}

/* The newest that it is, and not one that is too old. */
static int find(const struct saved *s, const struct scsi_mode *m)
{
	for (unsigned i = 0; i <= s->n && i < VERSIONS; i++) {
		unsigned at = (s->n - i) % VERSIONS;

		if (is(&s->v[at].c, m))
			return (int)at;
		if (s->v[at].id <= s->answered)
			return -1;
	}
	return -1;
}

void check_keep_found(const struct scsi_lu *lu, int disk)
{
	struct saved *s = &saved[disk];
	int i = find(s, &lu->mode);

	if (i < 0 && s->n < VERSIONS && !store_is_unsure((unsigned)disk))
		fail_now("disk %d begins with mode pages that are not those that were saved", disk);
	if (s->n)
		cover_hit(COVER_KEPT, COVER_KEPT_MODE);
	*s = (struct saved){ .n = s->n != 0 };
	s->v[s->n].c = (struct control){ .tst = lu->mode.tst,
					 .qerr = lu->mode.qerr,
					 .ua_intlck = lu->mode.ua_intlck,
					 .tas = lu->mode.tas,
					 .swp = lu->mode.swp,
					 .d_sense = lu->mode.d_sense };
	(void)force(disk, &s->v[s->n].c);
	forced[disk].answered = forced[disk].v[forced[disk].n % VERSIONS].id;
	if (lu->mode.tst)
		check_order_apart(lu);
}
