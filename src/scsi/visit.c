/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "scsi/visit.h"

#include "base/check.h"
#include "scsi/medium.h"
#include "scsi/suspend.h"
#include "scsi/task.h"
#include "scsi/tmf.h"

void scsi_visit_init(struct scsi_lu *lu)
{
	list_init(&lu->order.visits);
	list_init(&lu->order.guests);
	list_init(&lu->order.due);
	list_init(&lu->order.due_node);
}

void scsi_visit_deinit(struct scsi_lu *lu)
{
	check(!scsi_lu_visited(lu));
	list_del(&lu->order.due_node);
	while (list_pop(&lu->order.due))
		;
}

void scsi_visit_none(struct scsi_task *t)
{
	t->copy = (struct scsi_copying){ 0 };
	list_init(&t->copy.later);
	for (unsigned i = 0; i < ARRAY_SIZE(t->copy.visit); i++)
		list_init(&t->copy.visit[i].node);
}

bool scsi_lu_visited(const struct scsi_lu *lu)
{
	return !list_empty(&lu->order.visits) || !list_empty(&lu->order.guests);
}

/* Whoever asks for the unit of @t, which is being stepped, will hear that @lu is to be asked, too. */
static void now_due(struct scsi_lu *by, struct scsi_lu *lu)
{
	if (by != lu && list_empty(&lu->order.due_node))
		list_push(&by->order.due, &lu->order.due_node);
}

static bool claimed(const struct scsi_lu *lu)
{
	return lu->order.holds.n || suspend_is_on(lu);
}

static void visit(struct scsi_task *t, struct scsi_visit *v, struct scsi_lu *lu)
{
	v->task = t;
	v->lu = lu;
	list_push(&lu->order.visits, &v->node);
	lu->order.n_enabled++;
}

bool scsi_visit_begin(struct scsi_task *t, struct scsi_lu *a, struct scsi_lu *b)
{
	struct scsi_lu *own = t->set->lu;
	struct scsi_lu *busy = NULL;

	if (claimed(b))
		busy = b;
	if (claimed(a))
		busy = a;
	if (claimed(own) || scsi_set_wants_alone(t->set))
		busy = own;
	if (busy) {
		if (busy != own)
			list_push(&busy->order.guests, &t->copy.later);
		t->copy.waits_for = busy == own ? NULL : busy;
		scsi_set_yield(t);
		return false;
	}
	t->copy.yields = false;
	medium_wake(a);
	medium_wake(b);
	if (a != own)
		visit(t, &t->copy.visit[0], a);
	if (b != own && b != a)
		visit(t, &t->copy.visit[1], b);
	return true;
}

void scsi_visit_end(struct scsi_task *t)
{
	for (unsigned i = 0; i < ARRAY_SIZE(t->copy.visit); i++) {
		struct scsi_visit *v = &t->copy.visit[i];

		if (!v->lu)
			continue;
		list_del(&v->node);
		check(v->lu->order.n_enabled > 0);
		v->lu->order.n_enabled--;
		scsi_order_look(v->lu);
		now_due(t->lu, v->lu);
		v->lu = NULL;
	}
}

bool scsi_visit_waits(const struct scsi_task *t)
{
	return t->copy.waits_for != NULL;
}

void scsi_visit_forget(struct scsi_task *t)
{
	list_del(&t->copy.later);
	t->copy.waits_for = NULL;
}

bool scsi_visit_due(struct scsi_lu *lu)
{
	struct scsi_order *o = &lu->order;

	if (!claimed(lu) && !list_empty(&o->guests)) {
		struct scsi_task *t = container_of(o->guests.next, struct scsi_task, copy.later);

		scsi_visit_forget(t);
		scsi_set_touch(t->set);
		o->other = t->set->lu;
		return true;
	}
	if (list_empty(&o->due))
		return false;
	o->other = container_of(list_pop(&o->due), struct scsi_order, due_node)->lu;
	return true;
}

/* Does @m end what the nexus of @t has at the unit of @m? */
static bool means_guest(const struct scsi_tmf *m, const struct scsi_task *t)
{
	if (m->query || (m->fn == SCSI_TMF_TASK_CLEARS && m->scope != SCSI_TMF_SCOPE_VICTIMS))
		return false;
	return (m->scope == SCSI_TMF_SCOPE_NEXUS_LU || m->scope == SCSI_TMF_SCOPE_LU ||
		m->scope == SCSI_TMF_SCOPE_VICTIMS) &&
	       scsi_tmf_means(m, t, m->lu);
}

bool scsi_tmf_visited(const struct scsi_tmf *m)
{
	struct list *pos;
	bool any = false;

	if (!m->lu)
		return false;
	list_for_each (pos, &m->lu->order.visits) {
		struct scsi_task *t = list_entry(pos, struct scsi_visit, node)->task;

		if (!means_guest(m, t))
			continue;
		t->copy.stop = true;
		any = true;
	}
	return any;
}
