/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Faults on demand: what those of fault.h do (docs/design/0024-faults-on-demand.md). While there is a fault that could hit
 * the commands of a nexus at a unit, the view of that nexus sends all of them home, and here each meets it or does not.
 *
 * What falls into a black hole comes to no task set: it is as if it had been lost on its way, so it holds up nobody. It
 * waits where commands wait that others may abort. What is delayed keeps its place in its task set.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/log.h"
#include "run/worker.h"
#include "target/inject.h"
#include "target/unit.h"
#include "wire/lun.h"

static const char asked_for[] = "an operator asked for this fault";

/* --- the end of faults and delays --- */

static void publish_all(struct tgt *t)
{
	struct list *pos;

	list_for_each (pos, &t->chans)
		home_publish(list_entry(pos, struct tchan, home_node));
}

static void timer_set(struct tgt *t)
{
	uint64_t next = faults_end_ns(&t->inject.faults);

	if (!list_empty(&t->inject.delayed))
		next = min_u64(
			next, list_entry(t->inject.delayed.next, struct cmd, wait)->fault_until_ns);
	/* It runs, or has just fired and given its place back. */
	check(worker_timer_start(tgt_home(t), &t->inject.timer, next) == 0);
}

/* @how: "expired" */
static void fault_end(struct tgt *t, struct fault *f, const char *how)
{
	log_info("fault %u (%s): %s; it has hit %" PRIu64 " times and is gone", f->id,
		 fault_kind_name(f->spec.kind), how, f->hits);
	faults_remove(&t->inject.faults, f);
}

static void expire(struct tgt *t, uint64_t now_ns)
{
	struct faults *s = &t->inject.faults;
	unsigned n = s->n;

	for (unsigned i = s->n; i-- > 0;)
		if (s->all[i].end_ns <= now_ns)
			fault_end(t, &s->all[i], "expired");
	if (s->n != n)
		publish_all(t);
}

static void inject_timer(struct worker *w, struct worker_timer *timer)
{
	struct tgt *t = container_of(timer, struct tgt, inject.timer);
	uint64_t now_ns = worker_now_ns(w);

	check(worker_timer_start(w, timer, UINT64_MAX) == 0); /* its place is free again just now */
	expire(t, now_ns);
	while (!list_empty(&t->inject.delayed)) {
		struct cmd *c = list_entry(t->inject.delayed.next, struct cmd, wait);

		if (c->fault_until_ns > now_ns)
			break;
		list_del(&c->wait);
		if (c->is.tmf)
			tmf_go(c);
		else
			home_held(c);
	}
	timer_set(t);
}

/* @c is due in @delay_ns: who is due first stands first. */
static void delay(struct cmd *c, uint64_t delay_ns)
{
	struct tgt *t = c->ch->t;
	struct list *before = t->inject.delayed.prev;

	c->fault_until_ns = worker_now_ns(tgt_home(t)) + delay_ns;
	while (before != &t->inject.delayed &&
	       list_entry(before, struct cmd, wait)->fault_until_ns > c->fault_until_ns)
		before = before->prev;
	list_push_front(before, &c->wait);
	timer_set(t);
}

void inject_hold(struct cmd *c)
{
	delay(c, c->fault_delay_ns);
}

/* --- what happens meets a fault --- */

static void drop_run(struct worker *w, struct worker_msg *m)
{
	struct tchan *ch = container_of(m, struct tchan, to_drop);

	(void)w;
	if (ch->chan.state == CHAN_LIVE)
		channel_step(ch, CHAN_EV_QP_FATAL, 0, NULL, asked_for);
}

static void drop(struct tchan *ch)
{
	if (ch->drop_posted || ch->ended)
		return;
	ch->drop_posted = true;
	ch->to_drop.run = drop_run;
	worker_post(ch->tw->w, &ch->to_drop);
}

/* The fault that @ev meets at @who; its first hit is told, and its last. */
static struct fault *strike(struct tgt *t, const struct fault_event *ev, const char *who)
{
	struct fault *f = faults_strike(&t->inject.faults, ev);

	if (!f)
		return NULL;
	if (f->hits == 1)
		log_warn("%s: fault %u (%s) hits for the first time, as an operator asked for", who,
			 f->id, fault_kind_name(f->spec.kind));
	if (fault_is_spent(f)) {
		log_info("fault %u (%s): has hit %" PRIu64 " times, as often as it was to", f->id,
			 fault_kind_name(f->spec.kind), f->hits);
		publish_all(t);
	}
	return f;
}

static uint32_t what_of(const struct scsi_task *t)
{
	uint8_t op = t->cdb[0];

	if (op == SCSI_OP_READ_6 || op == SCSI_OP_READ_10 || op == SCSI_OP_READ_12 ||
	    op == SCSI_OP_READ_16)
		return FAULT_ON_READ;
	return scsi_task_writes(t) ? FAULT_ON_WRITE : FAULT_ON_OTHER;
}

/* What @c is for faults. False: it is not for the unit that is at its LUN now. */
static bool event_of(const struct cmd *c, struct fault_event *ret)
{
	const struct scsi_task *t = &c->task;
	struct cdb_range range;
	uint16_t lun = 0;

	if (!t->lu || lun_decode(t->lun, &lun) != LUN_UNIT ||
	    scsi_nexus_at(t->nexus, lun).lu != t->lu)
		return false;
	*ret = (struct fault_event){ .what = what_of(t),
				     .unit = t->lu->owner,
				     .initiator = &c->ch->initiator,
				     .target = &c->ch->port->port.id,
				     .lun = lun,
				     .opcode = t->cdb[0] };
	if (scsi_task_range(t, &range)) {
		ret->lba = range.lba;
		ret->n_blocks = range.n_blocks;
	}
	return true;
}

/* How a command that @f hits ends, or begins; by the SCSI core. */
static struct scsi_task_fault task_fault(const struct fault_spec *f, const struct fault_event *ev)
{
	switch (f->kind) {
	case FAULT_DELAY:
		return (struct scsi_task_fault){ .hold = true };
	case FAULT_BUSY:
		return (struct scsi_task_fault){ .status = SCSI_STATUS_BUSY };
	case FAULT_TASK_SET_FULL:
		return (struct scsi_task_fault){ .status = SCSI_STATUS_TASK_SET_FULL };
	case FAULT_ERROR:
		return (struct scsi_task_fault){
			.status = SCSI_STATUS_CHECK_CONDITION,
			.key = f->key,
			.asc = f->asc,
			/* the first block that is bad, as a disk says it */
			.info_valid = f->key == SENSE_MEDIUM_ERROR && ev->n_blocks,
			.info = f->has_lbas && f->lba_first > ev->lba ? f->lba_first : ev->lba
		};
	case FAULT_CORRUPT:
		return (struct scsi_task_fault){ .wrong = true };
	default:
		check_unreachable();
	}
}

bool inject_cmd(struct cmd *c)
{
	struct tchan *ch = c->ch;
	struct fault_event ev;
	struct fault *f;

	if (!ch->t->inject.faults.n || !event_of(c, &ev))
		return false;
	f = strike(ch->t, &ev, ch->name);
	if (!f)
		return false;
	if (f->spec.kind == FAULT_BLACK_HOLE || f->spec.kind == FAULT_DROP) {
		home_lose(c);
		if (f->spec.kind == FAULT_DROP)
			drop(ch);
		return true;
	}
	c->event.type = SCSI_EV_FAULT;
	c->task.fault = task_fault(&f->spec, &ev);
	c->fault_delay_ns = f->spec.delay_ns;
	c->fault_seed = f->spec.seed;
	return false;
}

bool inject_tmf(struct cmd *c)
{
	struct tchan *ch = c->ch;
	struct fault_event ev = { .what = FAULT_ON_TMF,
				  .initiator = &ch->initiator,
				  .target = &ch->port->port.id };
	struct scsi_lu *lu = NULL;
	struct fault *f;

	if (!ch->t->inject.faults.n)
		return false;
	if (lun_decode(c->tmf.lun, &ev.lun) == LUN_UNIT && ev.lun < SCSI_LUN_COUNT)
		lu = scsi_nexus_at(c->tmf.nexus, ev.lun).lu;
	ev.unit = lu ? lu->owner : NULL;
	f = strike(ch->t, &ev, ch->name);
	if (!f)
		return false;
	list_push(&ch->lost_tmfs, &c->home_wait);
	if (f->spec.kind == FAULT_DELAY)
		delay(c, f->spec.delay_ns);
	else if (f->spec.kind == FAULT_DROP)
		drop(ch);
	return true;
}

void inject_abort_tmfs(struct tchan *ch)
{
	struct list *node;

	while ((node = list_pop(&ch->lost_tmfs))) {
		struct cmd *c = list_entry(node, struct cmd, home_wait);

		list_del(&c->wait);
		tmf_lost(c);
	}
}

uint32_t inject_login(struct tgt_port *p, const struct srp_port_id *initiator)
{
	const struct fault_event ev = { .what = FAULT_ON_LOGIN,
					.initiator = initiator,
					.target = &p->port.id };
	struct fault *f = p->t->inject.faults.n ? strike(p->t, &ev, p->name) : NULL;

	return f ? f->spec.reason : 0;
}

void inject_view(const struct tchan *ch, struct tview *v)
{
	const struct faults *s = &ch->t->inject.faults;
	struct fault_event ev = { .initiator = &ch->initiator, .target = &ch->port->port.id };

	if (!s->n)
		return;
	v->limit = faults_credits(s, &ch->initiator, &ch->port->port.id, v->limit);
	for (unsigned i = 0; i < SCSI_LUN_COUNT; i++) {
		struct scsi_view_lun *at = &v->scsi.lun[i];

		if (!at->lu)
			continue;
		ev.unit = at->lu->owner;
		ev.lun = (uint16_t)i;
		if (faults_watch(s, &ev))
			at->flags |= SCSI_VIEW_FAULT;
	}
}

/* --- whoever asks for them --- */

struct inject_op {
	struct view_wait views;
	void (*done)(void *ctx, uint32_t value);
	void *ctx;
	uint32_t value;
};

static void op_seen(struct view_wait *v)
{
	struct inject_op *op = container_of(v, struct inject_op, views);

	op->done(op->ctx, op->value);
	free(op);
}

static struct inject_op *op_new(void (*done)(void *ctx, uint32_t value), void *ctx)
{
	struct inject_op *op = calloc(1, sizeof(*op));

	if (op) {
		op->views.done = op_seen;
		op->done = done;
		op->ctx = ctx;
	}
	return op;
}

/* Every worker is to act by it before @op is done. */
static void op_go(struct tgt *t, struct inject_op *op, uint32_t value)
{
	op->value = value;
	publish_all(t);
	home_view_wait(t, &op->views);
}

void inject_init(struct tgt *t)
{
	list_init(&t->inject.delayed);
	worker_timer_init(&t->inject.timer, inject_timer);
}

void inject_stop(struct tgt *t)
{
	if (t->inject.timer.slot) /* else there may be no worker yet */
		worker_timer_stop(tgt_home(t), &t->inject.timer);
}

int tgt_fault_add(struct tgt *t, const struct fault_spec *spec,
		  void (*done)(void *ctx, uint32_t id), void *ctx)
{
	struct worker *home = tgt_home(t);
	struct inject_op *op = op_new(done, ctx);
	struct fault *f;
	int r = 0;

	if (!op)
		return -ENOMEM;
	if (!t->inject.timer.slot)
		r = worker_timer_start(home, &t->inject.timer, UINT64_MAX);
	f = r ? NULL : faults_add(&t->inject.faults, spec, worker_now_ns(home));
	if (!f) {
		free(op);
		return -ENOSPC;
	}
	log_warn("fault %u (%s): added by an operator, for %" PRIu64 " s", f->id,
		 fault_kind_name(f->spec.kind), (uint64_t)(f->spec.ttl_ns / NSEC_PER_SEC));
	timer_set(t);
	op_go(t, op, f->id);
	return 0;
}

int tgt_fault_clear(struct tgt *t, uint32_t id, void (*done)(void *ctx, uint32_t n), void *ctx)
{
	struct faults *s = &t->inject.faults;
	struct fault *f = faults_find(s, id);
	struct inject_op *op;
	uint32_t n = 0;

	if (id && !f)
		return -ENOENT;
	op = op_new(done, ctx);
	if (!op)
		return -ENOMEM;
	for (; s->n && (!id || !n); n++)
		fault_end(t, id ? f : &s->all[0], "cleared by an operator");
	op_go(t, op, n);
	return 0;
}

unsigned tgt_fault_list(const struct tgt *t, struct tgt_fault_info *ret, unsigned max)
{
	const struct faults *s = &t->inject.faults;
	uint64_t now_ns = worker_now_ns(tgt_home(t));
	unsigned n = s->n < max ? s->n : max;

	for (unsigned i = 0; i < n; i++) {
		const struct fault *f = &s->all[i];
		const struct tgt_unit *u = f->spec.unit;

		ret[i] = (struct tgt_fault_info){ .fault = *f,
						  .left_ns = f->end_ns > now_ns ? f->end_ns - now_ns
										: 0,
						  .spent = fault_is_spent(f),
						  .device = u ? u->name : NULL };
	}
	return n;
}

void inject_retire(struct tgt_unit *u)
{
	struct faults *s = &u->t->inject.faults;
	struct list *pos;

	for (unsigned i = s->n; i-- > 0;)
		if (s->all[i].spec.unit == u)
			fault_end(u->t, &s->all[i], "its device goes");
	list_for_each (pos, &u->t->chans)
		home_let_go(list_entry(pos, struct tchan, home_node), &u->lu);
}
