/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Task sets, SAM-5 8: who may run, who waits, and when a unit's commands must be gathered at home. */
#include "scsi/set.h"

#include "base/check.h"
#include "scsi/answer.h"
#include "scsi/nexus.h"
#include "scsi/suspend.h"
#include "scsi/task.h"
#include "scsi/visit.h"

void scsi_set_init(struct scsi_set *s, struct scsi_lu *lu)
{
	*s = (struct scsi_set){ .lu = lu };
	list_init(&s->dormant);
	list_init(&s->enabled);
	list_init(&s->held);
	list_init(&s->heads);
	list_init(&s->dirty);
}

void scsi_order_init(struct scsi_lu *lu)
{
	lu->order = (struct scsi_order){ 0 };
	list_init(&lu->order.dirty);
	lu->order.lu = lu;
	scsi_visit_init(lu);
	scsi_set_init(&lu->order.set, lu);
	scsi_set_init(&lu->order.orphans, lu);
}

struct scsi_set *scsi_set_of(struct scsi_itl *itl)
{
	return itl->lu->mode.tst ? &itl->set : &itl->lu->order.set;
}

bool scsi_lu_is_gathered(const struct scsi_lu *lu)
{
	return lu->order.state == SCSI_ORDER_GATHERED;
}

static struct scsi_task *task_of(struct list *node)
{
	return list_entry(node, struct scsi_task, set_node);
}

void scsi_set_touch(struct scsi_set *s)
{
	if (list_empty(&s->dirty))
		list_push(&s->lu->order.dirty, &s->dirty);
}

static void touch_all(struct scsi_lu *lu)
{
	struct list *pos;

	scsi_set_touch(&lu->order.set);
	scsi_set_touch(&lu->order.orphans);
	list_for_each (pos, &lu->nexuses) {
		struct scsi_set *s = &list_entry(pos, struct scsi_itl, lu_node)->set;

		if (s->n)
			scsi_set_touch(s);
	}
}

static void reason_add(struct scsi_set *s)
{
	s->lu->order.n_reasons++;
}

static void reason_drop(struct scsi_set *s)
{
	check(s->lu->order.n_reasons > 0);
	s->lu->order.n_reasons--;
}

/* --- who needs blocks alone --- */

/* One with an attribute that is none is there to be refused. */
static bool is_refused(const struct scsi_task *t)
{
	return t->attr > SCSI_ATTR_ORDERED && t->place != SCSI_PLACE_FREE;
}

static bool needs_alone(const struct scsi_task *t)
{
	return t->cmd && t->cmd->flags & SCSI_CMD_ALONE && !is_refused(t);
}

/* All there are. */
static bool needs_unit(const struct scsi_task *t)
{
	return needs_alone(t) && !(t->cmd->flags & SCSI_CMD_RANGE);
}

/* It has a claim, and does not run yet. */
static bool claim_waits(const struct scsi_hold *h)
{
	return h->task && h->task->where == SCSI_WHERE_DORMANT;
}

static void claim_drop(struct scsi_lu *lu, struct scsi_hold *h)
{
	hold_drop(&lu->order.holds, h);
	if (lu->order.state == SCSI_ORDER_OPEN)
		lu->order.publish = true;
	touch_all(lu);
}

/* The claim of @t, if it has one and, with @waits, does not run. */
static void claim_drop_of(struct scsi_lu *lu, const struct scsi_task *t, bool waits)
{
	struct scsi_hold *h = hold_find(&lu->order.holds, t);

	if (h && (!waits || claim_waits(h)))
		claim_drop(lu, h);
}

/* Those that do not run, of @s but what an ACA condition lets in; NULL: all. */
static void claims_drop(struct scsi_lu *lu, const struct scsi_set *s)
{
	struct scsi_holds *h = &lu->order.holds;

	for (unsigned i = 0; h->n && i < SCSI_HOLDS_MAX; i++) {
		const struct scsi_task *t = h->of[i].task;

		if (claim_waits(&h->of[i]) && (!s || (t->set == s && t->place != SCSI_PLACE_FREE)))
			claim_drop(lu, &h->of[i]);
	}
}

/* Somebody has stopped running: perhaps it was the last one that a claim waits for. */
void scsi_order_look(struct scsi_lu *lu)
{
	struct scsi_holds *h = &lu->order.holds;

	for (unsigned i = 0; h->n && i < SCSI_HOLDS_MAX; i++)
		if (claim_waits(&h->of[i]) && h->of[i].state == SCSI_HOLD_SURE)
			scsi_set_touch(h->of[i].task->set);
}

/* Somebody else may be the oldest now. */
static void oldest_gone(struct scsi_lu *lu)
{
	if (!lu->order.refused)
		return;
	lu->order.refused = false;
	touch_all(lu);
}

/* Does @fn say so of a task set of @lu? */
static bool any_set(struct scsi_lu *lu, const struct scsi_task *t,
		    bool (*fn)(const struct scsi_set *s, const struct scsi_task *t))
{
	struct list *pos;

	if (fn(&lu->order.set, t) || fn(&lu->order.orphans, t))
		return true;
	list_for_each (pos, &lu->nexuses) {
		const struct scsi_set *s = &list_entry(pos, struct scsi_itl, lu_node)->set;

		if (s->n && fn(s, t))
			return true;
	}
	return false;
}

static bool runs_beside(const struct scsi_set *s, const struct scsi_task *t)
{
	const struct list *pos;

	list_for_each (pos, &s->enabled) {
		const struct scsi_task *o = container_of(pos, struct scsi_task, set_node);

		if (o != t && scsi_range_overlaps(o->range, t->range))
			return true;
	}
	return false;
}

/* @h has all it waits for. */
static bool claim_ready(struct scsi_lu *lu, const struct scsi_hold *h)
{
	if (h->state != SCSI_HOLD_SURE)
		return false;
	/* a copy of another unit may be at any block */
	return !lu->order.n_enabled ||
	       (list_empty(&lu->order.visits) && !any_set(lu, h->task, runs_beside));
}

/* A copy between two pieces. */
static bool yields(const struct scsi_task *t)
{
	return t->where == SCSI_WHERE_HELD && t->copy.yields;
}

/* It stands in line like a barrier, only so that it gets its turn. */
static bool alone_in_line(const struct scsi_task *t)
{
	return needs_alone(t) && t->place == SCSI_PLACE_BARRIER && t->attr == SCSI_ATTR_SIMPLE;
}

bool scsi_set_wants_alone(const struct scsi_set *s)
{
	return !list_empty(&s->dormant) && alone_in_line(task_of(s->dormant.next));
}

/* Is there one with HEAD OF QUEUE that waits for its blocks? */
static bool head_waits(const struct scsi_set *s)
{
	const struct list *pos;

	list_for_each (pos, &s->heads)
		if (container_of(pos, struct scsi_task, head_node)->where == SCSI_WHERE_DORMANT)
			return true;
	return false;
}

/* Does its set let it? */
static bool order_lets(const struct scsi_set *s, const struct scsi_task *t)
{
	if (t->place == SCSI_PLACE_FREE)
		return true;
	if (s->aca)
		return false;
	switch ((enum scsi_place)t->place) {
	case SCSI_PLACE_SIMPLE:
		return !s->n_barriers &&
		       (list_empty(&s->heads) ||
			list_entry(s->heads.next, struct scsi_task, head_node)->seq > t->seq);
	case SCSI_PLACE_BARRIER:
		return scsi_lu_is_gathered(s->lu) && !head_waits(s) &&
		       s->n_started == (alone_in_line(t) ? s->n_yielding : 0);
	default:
		return true;
	}
}

/* Does one of @list want some of the blocks of @t, and came before? */
static bool older_waits_in(const struct scsi_set *s, const struct list *list,
			   const struct scsi_task *t)
{
	const struct list *pos;

	list_for_each (pos, list) {
		const struct scsi_task *o = container_of(pos, struct scsi_task, set_node);

		if (o->seq > t->seq)
			return false;
		if (o != t && scsi_range_overlaps(o->range, t->range) &&
		    (o->where == SCSI_WHERE_DORMANT ? order_lets(s, o) : yields(o)))
			return true;
		if (o->where == SCSI_WHERE_DORMANT && o->place == SCSI_PLACE_BARRIER)
			return false; /* those behind wait for it */
	}
	return false;
}

static bool older_waits(const struct scsi_set *s, const struct scsi_task *t)
{
	return !s->aca && (older_waits_in(s, &s->dormant, t) ||
			   (s->n_yielding && older_waits_in(s, &s->held, t)));
}

/*
 * Others who want some of its blocks were here before: claims that follow each other must not keep them waiting for
 * ever. Whoever has another place than SIMPLE gets past them, or stands in line anyway.
 */
static bool claim_refused(struct scsi_lu *lu, const struct scsi_task *t)
{
	if (t->place != SCSI_PLACE_SIMPLE)
		return false;
	if (list_empty(&lu->order.guests) && !any_set(lu, t, older_waits))
		return false;
	lu->order.refused = true;
	return true;
}

/* @t needs its blocks alone, and those it overlaps with have no claim: may it start? */
static bool claim(struct scsi_lu *lu, const struct scsi_task *t)
{
	struct scsi_holds *all = &lu->order.holds;
	bool sure = scsi_lu_is_gathered(lu);
	struct scsi_hold *h = hold_find(all, t);

	if (!h && ((needs_unit(t) && !sure) || claim_refused(lu, t)))
		return false;
	if (!h)
		h = hold_take(all, t, sure);
	return h && claim_ready(lu, h);
}

/* --- coming and going --- */

/* Into @list in order of arrival; the newest, as nearly always, at its end. */
static void list_put(struct list *list, struct scsi_task *t)
{
	struct list *pos = list->prev;

	while (pos != list && task_of(pos)->seq > t->seq)
		pos = pos->prev;
	list_push_front(pos, &t->set_node);
}

static void heads_put(struct scsi_set *s, struct scsi_task *t)
{
	struct list *pos = s->heads.prev;

	while (pos != &s->heads && list_entry(pos, struct scsi_task, head_node)->seq > t->seq)
		pos = pos->prev;
	list_push_front(pos, &t->head_node);
}

/* @t, which is in no set, is put into @s as it is. */
static void set_add(struct scsi_set *s, struct scsi_task *t)
{
	static const size_t lists[] = {
		[SCSI_WHERE_DORMANT] = offsetof(struct scsi_set, dormant),
		[SCSI_WHERE_ENABLED] = offsetof(struct scsi_set, enabled),
		[SCSI_WHERE_HELD] = offsetof(struct scsi_set, held),
	};

	t->set = s;
	list_put((struct list *)(void *)((char *)s + lists[t->where]), t);
	s->n++;
	s->n_yielding += yields(t);
	s->lu->order.n_enabled += t->where == SCSI_WHERE_ENABLED;
	if (t->where != SCSI_WHERE_DORMANT)
		s->n_started++;
	if (t->where != SCSI_WHERE_DORMANT && t->place == SCSI_PLACE_BARRIER)
		s->n_barriers++;
	if (t->place == SCSI_PLACE_BARRIER || needs_unit(t))
		reason_add(s);
	if (t->place == SCSI_PLACE_HEAD)
		heads_put(s, t);
	if (t->answer_waits)
		reason_add(s);
}

/* The reverse; returns whether it was the ACA command. */
static bool set_remove(struct scsi_task *t)
{
	struct scsi_set *s = t->set;
	bool aca = s->aca_task == t;

	list_del(&t->set_node);
	list_del(&t->head_node);
	s->n--;
	s->n_yielding -= yields(t);
	s->lu->order.n_enabled -= t->where == SCSI_WHERE_ENABLED;
	if (t->where != SCSI_WHERE_DORMANT)
		s->n_started--;
	if (t->where != SCSI_WHERE_DORMANT && t->place == SCSI_PLACE_BARRIER)
		s->n_barriers--;
	if (t->place == SCSI_PLACE_BARRIER || needs_unit(t))
		reason_drop(s);
	if (t->answer_waits)
		reason_drop(s);
	if (aca)
		s->aca_task = NULL;
	oldest_gone(s->lu);
	t->set = NULL;
	return aca;
}

static void set_move(struct scsi_task *t, unsigned where)
{
	struct scsi_set *s = t->set;
	bool aca = set_remove(t);

	t->where = (uint8_t)where;
	set_add(s, t);
	if (aca)
		s->aca_task = t;
}

/* May it start now? If only those that run are in the way of who needs blocks alone, it lays its claim. */
static bool may_start(const struct scsi_set *s, const struct scsi_task *t)
{
	if (hold_blocks(&s->lu->order.holds, t) || !order_lets(s, t))
		return false;
	if (suspend_is_on(s->lu) && !suspend_lets(t))
		return false;
	return !needs_alone(t) || claim(s->lu, t);
}

bool scsi_set_enter(struct scsi_set *s, struct scsi_task *t, enum scsi_place place)
{
	bool first = list_empty(&s->dormant);
	bool at_once = place == SCSI_PLACE_HEAD || place == SCSI_PLACE_FREE;

	check(!t->set);
	list_init(&t->set_node);
	list_init(&t->head_node);
	t->place = (uint8_t)place;
	t->seq = ++s->lu->order.seq;
	t->answer_waits = false;
	t->range = is_refused(t) ? (struct scsi_range){ 0, 0 } : hold_range(t);
	t->where = SCSI_WHERE_DORMANT; /* so that a claim of it counts as one that waits */
	if ((at_once || first) && may_start(s, t))
		t->where = SCSI_WHERE_ENABLED;
	set_add(s, t);
	if (!at_once && !first)
		scsi_set_touch(
			s); /* those that are there may wait for blocks that it does not want */
	return t->where == SCSI_WHERE_ENABLED;
}

void scsi_set_leave(struct scsi_task *t)
{
	struct scsi_set *s = t->set;

	if (!s)
		return;
	claim_drop_of(s->lu, t, false);
	(void)set_remove(t);
	scsi_set_touch(s);
	scsi_order_look(s->lu);
	scsi_visit_forget(t);
}

/* Who needs some blocks alone is held when it has done all that it does with them. */
static void hold_ends(const struct scsi_task *t)
{
	if (!needs_unit(t))
		claim_drop_of(t->set->lu, t, false);
}

void scsi_set_hold(struct scsi_task *t)
{
	hold_ends(t);
	set_move(t, SCSI_WHERE_HELD);
	scsi_order_look(t->set->lu);
}

void scsi_set_yield(struct scsi_task *t)
{
	t->copy.yields = true; /* it is enabled, so that was not counted */
	scsi_set_hold(t);
	scsi_set_touch(t->set);
}

void scsi_set_hold_answer(struct scsi_task *t)
{
	hold_ends(t);
	t->answer_waits = true;
	reason_add(t->set);
	set_move(t, SCSI_WHERE_HELD);
	scsi_set_touch(t->set);
	scsi_order_look(t->set->lu);
}

/*
 * The first one that is held, if it need not be any more. Copies that wait for another unit, or for one that stands in
 * line, are passed over, as are those whose blocks somebody else has, and what a suspended unit keeps back.
 */
static struct scsi_task *next_held(const struct scsi_set *s)
{
	bool suspended = suspend_is_on(s->lu);
	const struct list *pos;

	list_for_each (pos, &s->held) {
		struct scsi_task *t = container_of(pos, struct scsi_task, set_node);

		/* while the unit is suspended only those that need nothing of it any more */
		if (suspended && t->phase == SCSI_PHASE_HELD)
			continue;
		if (!scsi_visit_waits(t) && !(yields(t) && scsi_set_wants_alone(s)) &&
		    !hold_blocks(&s->lu->order.holds, t))
			return t->answer_waits && !scsi_lu_is_gathered(s->lu) ? NULL : t;
	}
	return NULL;
}

/* Those that start at once had to wait for one that was alone, or are kept back: they do not stand in line for others. */
static struct scsi_task *next_at_once(const struct scsi_set *s)
{
	const struct list *pos;

	list_for_each (pos, &s->heads) {
		struct scsi_task *t = container_of(pos, struct scsi_task, head_node);

		if (t->where == SCSI_WHERE_DORMANT && may_start(s, t))
			return t;
	}
	return NULL;
}

static struct scsi_task *next_free(const struct scsi_set *s)
{
	const struct list *pos;

	list_for_each (pos, &s->dormant) {
		struct scsi_task *t = container_of(pos, struct scsi_task, set_node);

		if (t->place == SCSI_PLACE_FREE && may_start(s, t))
			return t;
	}
	return NULL;
}

/* Those behind who waits for blocks only need not wait as well; nobody gets past a barrier. */
static struct scsi_task *next_dormant(const struct scsi_set *s)
{
	const struct list *pos;

	list_for_each (pos, &s->dormant) {
		struct scsi_task *t = container_of(pos, struct scsi_task, set_node);

		if (t->place == SCSI_PLACE_BARRIER && pos != s->dormant.next)
			return NULL;
		if (may_start(s, t))
			return t;
		if (t->place == SCSI_PLACE_BARRIER || !order_lets(s, t))
			return NULL;
	}
	return NULL;
}

/* One of this set that has laid its claim, and has all it waits for. */
static struct scsi_task *next_claim(const struct scsi_set *s)
{
	const struct scsi_holds *h = &s->lu->order.holds;

	for (unsigned i = 0; h->n && i < SCSI_HOLDS_MAX; i++) {
		const struct scsi_hold *o = &h->of[i];

		if (claim_waits(o) && o->task->set == s && claim_ready(s->lu, o))
			return drop_const(o->task);
	}
	return NULL;
}

/* The next task of @s that may go on; it is enabled then. */
static struct scsi_task *set_next(const struct scsi_set *s)
{
	struct scsi_task *t = next_claim(s);

	if (!t && s->aca) {
		t = next_free(s);
	} else if (!t) {
		t = next_held(s);
		if (!t)
			t = next_at_once(s);
		if (!t)
			t = next_dormant(s);
	}
	if (t)
		set_move(t, SCSI_WHERE_ENABLED);
	return t;
}

/* --- ACA --- */

bool scsi_set_frozen(const struct scsi_task *t)
{
	return t->set && t->set->aca && t->place != SCSI_PLACE_FREE;
}

void scsi_set_aca(struct scsi_set *s, const struct scsi_nexus *faulted)
{
	if (!s->aca)
		reason_add(s);
	s->aca = faulted;
	/* Claims that the condition keeps back may not keep others back. */
	claims_drop(s->lu, s);
	oldest_gone(s->lu); /* it waits for something else now */
}

void scsi_set_clear_aca(struct scsi_set *s)
{
	if (!s->aca)
		return;
	s->aca = NULL;
	reason_drop(s);
	scsi_set_touch(s);
}

void scsi_lu_clear_aca(struct scsi_lu *lu, const struct scsi_nexus *nexus)
{
	struct list *pos;

	if (!nexus || lu->order.set.aca == nexus)
		scsi_set_clear_aca(&lu->order.set);
	list_for_each (pos, &lu->nexuses) {
		struct scsi_set *s = &list_entry(pos, struct scsi_itl, lu_node)->set;

		if (!nexus || s->aca == nexus)
			scsi_set_clear_aca(s);
	}
}

/* --- gathering --- */

void scsi_order_suspend(struct scsi_lu *lu, bool on)
{
	struct scsi_order *o = &lu->order;

	if (!on) {
		check(o->n_reasons > 0);
		o->n_reasons--;
		touch_all(lu);
		return;
	}
	o->n_reasons++;
	claims_drop(lu, NULL); /* they would keep those back that are answered all the same */
}

void scsi_lu_gathered(struct scsi_lu *lu)
{
	check(lu->order.state == SCSI_ORDER_GATHERING);
	lu->order.state = SCSI_ORDER_GATHERED;
	hold_sure(&lu->order.holds, SCSI_HOLD_WANTED);
	touch_all(lu);
}

void scsi_lu_held(struct scsi_lu *lu)
{
	struct scsi_holds *h = &lu->order.holds;

	check(h->asking);
	h->asking = false;
	hold_sure(h, SCSI_HOLD_ASKED);
	scsi_order_look(lu);
}

/* What is to be seen by all workers, if something is: one thing at a time. */
static enum scsi_ask next_round(struct scsi_order *o)
{
	if (o->state != SCSI_ORDER_OPEN || o->holds.asking)
		return SCSI_ASK_NOTHING;
	if (o->n_reasons) {
		o->state = SCSI_ORDER_GATHERING;
		return SCSI_ASK_GATHER;
	}
	return hold_ask(&o->holds) ? SCSI_ASK_HOLD : SCSI_ASK_NOTHING;
}

enum scsi_ask scsi_lu_next(struct scsi_lu *lu, struct scsi_task **ret)
{
	struct scsi_order *o = &lu->order;

	enum scsi_ask round = next_round(o);

	if (round != SCSI_ASK_NOTHING)
		return round;
	/* Before somebody else claims the unit, so that copies get on. */
	if (scsi_visit_due(lu))
		return SCSI_ASK_OTHER;
	while (!list_empty(&o->dirty)) {
		struct scsi_set *s = list_entry(o->dirty.next, struct scsi_set, dirty);

		*ret = set_next(s);
		if (*ret)
			return SCSI_ASK_GO;
		list_del(&s->dirty);
	}
	*ret = erase_wake(lu);
	if (*ret)
		return SCSI_ASK_GO;
	if (erase_take_due(lu))
		return SCSI_ASK_ERASE;
	if (suspend_take_flush(lu))
		return SCSI_ASK_FLUSH;
	if (!o->n_reasons && o->state == SCSI_ORDER_GATHERED) {
		o->state = SCSI_ORDER_OPEN;
		o->publish = true;
	}
	if (o->publish) {
		o->publish = false;
		return SCSI_ASK_PUBLISH;
	}
	return next_round(o); /* somebody may have laid a claim just now */
}

/* --- sets that change under their tasks --- */

/* Its unit is no longer there for its nexus: it waits for nobody and nobody for it. */
static void orphan(struct scsi_task *t)
{
	struct scsi_lu *lu = t->set->lu;
	struct scsi_set *to = &lu->order.orphans;

	claim_drop_of(lu, t, true);
	(void)set_remove(t);
	t->place = SCSI_PLACE_FREE;
	t->answer_waits = false;
	if (t->where == SCSI_WHERE_DORMANT)
		t->where = SCSI_WHERE_HELD; /* so that it is named, and finds that out */
	set_add(to, t);
	scsi_set_touch(to);
}

static void orphan_list(struct list *list, const struct scsi_itl *itl)
{
	struct list *pos, *tmp;

	list_for_each_safe (pos, tmp, list) {
		struct scsi_task *t = task_of(pos);

		if (answer_itl(t) == itl)
			orphan(t);
	}
}

static void orphan_all(struct scsi_set *s, const struct scsi_itl *itl)
{
	if (!s->n)
		return;
	scsi_set_touch(s);
	orphan_list(&s->dormant, itl);
	orphan_list(&s->enabled, itl);
	orphan_list(&s->held, itl);
}

void scsi_set_unmap(struct scsi_itl *itl)
{
	struct scsi_set *s = scsi_set_of(itl);

	orphan_all(s, itl);
	if (s->aca == itl->nexus)
		scsi_set_clear_aca(s);
	list_del(&itl->set.dirty);
	check(!itl->set.n);
}

/* Move every task of @list to the set it belongs to now. */
static void regroup_list(struct list *list)
{
	struct list *pos, *tmp;

	list_for_each_safe (pos, tmp, list) {
		struct scsi_task *t = task_of(pos);
		struct scsi_set *to =
			scsi_set_of(answer_itl(t)); /* there: else it were an orphan */
		bool aca = set_remove(t);

		set_add(to, t);
		scsi_set_touch(to);
		if (aca)
			to->aca_task = t;
	}
}

static void regroup_set(struct scsi_set *s)
{
	regroup_list(&s->enabled);
	regroup_list(&s->held);
	regroup_list(&s->dormant);
}

/* TST changed. An ACA condition goes with its nexus; one set has at most one. */
static void regroup(struct scsi_lu *lu)
{
	struct scsi_set *all = &lu->order.set;
	struct list *pos;

	claims_drop(lu, NULL); /* their new sets may see that otherwise */
	list_for_each (pos, &lu->nexuses) {
		struct scsi_itl *itl = list_entry(pos, struct scsi_itl, lu_node);

		if (lu->mode.tst && all->aca == itl->nexus)
			scsi_set_aca(&itl->set, itl->nexus);
		if (!lu->mode.tst && itl->set.aca && !all->aca)
			scsi_set_aca(all, itl->nexus);
		if (!lu->mode.tst) {
			scsi_set_clear_aca(&itl->set);
			regroup_set(&itl->set);
		}
	}
	if (lu->mode.tst) {
		scsi_set_clear_aca(all);
		regroup_set(all);
	}
}

void scsi_order_mode(struct scsi_lu *lu, bool reason, bool tst_changed)
{
	struct scsi_order *o = &lu->order;

	if (reason && !o->mode_reason)
		o->n_reasons++;
	if (!reason && o->mode_reason)
		o->n_reasons--;
	o->mode_reason = reason;
	if (tst_changed)
		regroup(lu);
}
