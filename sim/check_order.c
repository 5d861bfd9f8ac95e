/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Task sets (SAM-5 8, docs/design/0013): commands touch the medium in an order that their attributes allow.
 *
 * What is judged, of commands that do something on the medium (SYNCHRONIZE CACHE does not; what a READ of a
 * store in memory does is known from the SCSI core, all else from the disk, too):
 *
 *   1. On one channel, in the order in which the wire brought them: an ORDERED command begins when every earlier one
 *      at its unit has ended, and no later one begins before it. One with HEAD OF QUEUE may overtake, but
 *      is not overtaken by ORDERED ones.
 *   2. In one task set, in the order in which they came to it at home: an ORDERED command begins when every
 *      older one has ended; nothing newer, but HEAD OF QUEUE, begins before it has ended; a SIMPLE one begins
 *      when every older one with HEAD OF QUEUE has ended.
 *   3. Whatever the order is: from its begin to its end an ORDERED command is alone with HEAD OF QUEUE ones that
 *      are newer.
 *   4. A command with HEAD OF QUEUE never waits for its turn, but for one of rule 5, or at a unit that is suspended.
 *   5. COMPARE AND WRITE and others that read and write in one: from its begin to its end nothing else touches
 *      its blocks, whoever sent it, in whatever set it is. What names no blocks counts as if it touched all. So it is atomic. (That its comparison decides
 *      is judged by what hosts find: hcmd_judge.c.) A copy of several pieces lets them in between two; at the
 *      units that it reads and writes they keep out its pieces, and these them.
 *
 * What is not: which of two commands of different channels is the older. SAM-5 orders them by their arrival
 * at the task set, and where they arrive at two workers that is what the device's task set decides: rule 2
 * takes its word for it, where both came there, and where one ran on its channel's worker only rule 3 holds. A
 * host that waits for an answer before it sends the next command over another channel has its order by
 * rule 3, since the first has ended then. Commands that were aborted count until they have ended;
 * those whose unit was taken from their nexus do not count at all. Where TST once was 001b only commands of one
 * nexus are compared, also later: those that run when the sets become one again may do so side by side.
 */
#include "scsi/scsi.h"
#include "sim/check.h"
#include "sim/cover.h"
#include "sim/spy.h"
#include "sim/world.h"

static bool is_head(const struct spied *s)
{
	return s->attr == SCSI_ATTR_HEAD && !s->barrier;
}

#define APART_MAX 16u

static const struct scsi_lu *apart[APART_MAX];
static unsigned n_apart;

static bool is_apart(const struct scsi_lu *lu)
{
	for (unsigned i = 0; i < n_apart; i++)
		if (apart[i] == lu)
			return true;
	return false;
}

void check_order_apart(const struct scsi_lu *lu)
{
	if (!is_apart(lu) && n_apart < APART_MAX)
		apart[n_apart++] = lu;
}

void check_order_reset(void)
{
	n_apart = 0;
}

static bool same_set(const struct spied *a, const struct spied *b)
{
	return a->lu == b->lu && !b->orphan && (a->nexus == b->nexus || !is_apart(a->lu));
}

static const char *attr_text(const struct spied *s)
{
	return s->barrier ? "ORDERED" : is_head(s) ? "HEAD OF QUEUE" : "SIMPLE";
}

static noreturn void wrong(const struct spied *x, const struct spied *y, const char *what)
{
	fail_now("order: %s command %u of %s (chan %u) begins %s %s command %u of %s (chan %u)",
		 attr_text(x), x->nth, x->host ? x->host->name : "a rogue", x->chan, what,
		 attr_text(y), y->nth, y->host ? y->host->name : "a rogue", y->chan);
}

static bool overlap(const struct spied *a, const struct spied *b)
{
	return a->lba < b->lba_end && b->lba < a->lba_end;
}

/* Rules 2 and 3: @ctx touches the medium while @y is there. */
static void judge_pair(struct spied *y, void *ctx)
{
	const struct spied *x = ctx;
	bool older = x->entered && y->entered && y->entered < x->entered;

	if (x == y)
		return;
	/* A piece of a copy touches two units, whichever it was sent to. */
	if (x->alone && (y->at[0] == x->lu || y->at[1] == x->lu))
		wrong(x, y, "beside");
	if (y->alone && y->begun && (x->at[0] == y->lu || x->at[1] == y->lu))
		wrong(x, y, "beside");
	if (x->lu != y->lu)
		return;
	/* A copy that waits lets in who needs the unit alone, whatever their attributes. */
	if (x->alone && y->between)
		return;
	if (y->begun && (y->alone || (x->alone && !x->begun)) && overlap(x, y))
		wrong(x, y, "beside");
	if (x->orphan || !same_set(x, y))
		return;
	/* While there is an ACA condition, nothing that is kept back counts for the ACA command. */
	if (x->attr == SCSI_ATTR_ACA && !y->begun)
		return;
	if (y->begun && x->barrier && !x->begun && !(is_head(y) && y->entered > x->turn))
		wrong(x, y, "beside");
	if (y->begun && y->barrier && !is_head(x))
		wrong(x, y, "beside");
	if (older && x->barrier)
		wrong(x, y, "before the end of");
	if (older && y->barrier && !is_head(x))
		wrong(x, y, "before the end of");
	if (older && is_head(y) && !is_head(x))
		wrong(x, y, "before the end of");
}

/* Rule 1. The marks are the latest of those that have begun. */
static void judge_channel(const struct spied *x)
{
	const struct hcmd *cmd = spy_hcmd(x);
	struct hchan *c = spy_hchan(x);
	struct order_marks *m;

	if (!cmd || cmd->disk < 0 || !x->arrived)
		return;
	m = &c->order[cmd->disk];
	if (x->arrived < m->barrier)
		fail_now("order: %s chan %u: command %u came before an ORDERED one and begins "
			 "after it",
			 c->h->name, c->number, x->nth);
	if (x->barrier && x->arrived < m->plain)
		fail_now("order: %s chan %u: ORDERED command %u begins after one that came later",
			 c->h->name, c->number, x->nth);
	if (x->barrier)
		m->barrier = x->arrived;
	if (!is_head(x))
		m->plain = x->arrived > m->plain ? x->arrived : m->plain;
}

void check_order_access(struct spied *x)
{
	if (!x->lu)
		return;
	spy_each(judge_pair, x);
	if (!x->begun && !x->orphan && !x->copies)
		judge_channel(x);
	x->begun = true;
}

/* Before its first piece a copy may have to let others in, but it has had its turn. */
void check_order_turn(struct spied *x)
{
	if (!x->orphan)
		judge_channel(x);
}

/* Is there one that needs blocks alone, and the other, too? */
struct alone {
	const struct scsi_lu *lu;
	const struct spied *other;
	bool found;
};

static void is_alone(struct spied *s, void *ctx)
{
	struct alone *a = ctx;

	a->found |= (!a->lu || s->lu == a->lu) && s->alone && overlap(s, a->other);
}

void check_order_waits(const struct spied *x)
{
	/* A copy may wait for another unit. */
	struct alone a = { .lu = x->between ? NULL : x->lu, .other = x };

	if (!x->host || !is_head(x) || !x->lu || x->orphan || check_suspend_may_wait())
		return;
	spy_each(is_alone, &a);
	if (!a.found && !x->alone)
		fail_now("order: HEAD OF QUEUE command %u of %s must wait", x->nth, x->host->name);
}
