/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Access states of target port groups, from the wish for another one to its being so everywhere:
 *
 *   SET TARGET PORT GROUPS -> hook --+
 *   an operator, a reload -----------+-> scsi_alua_set(), views published -> every unit of the groups has saved
 *                                                -> every worker has the views -> who asked is told
 *
 * A command waits for all of it. When it is aborted the rest goes on without it: what a hook does cannot be undone.
 * Those who want something kept while a round over the units is under way are served together by the next one.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/log.h"
#include "run/worker.h"
#include "target/alua.h"
#include "target/unit.h"

static void alua_check_retired(struct tgt_alua *a);

/* --- kept, then seen --- */

static void op_seen(struct view_wait *v)
{
	struct alua_op *op = container_of(v, struct alua_op, views);

	op->a->n_ops--;
	op->done(op);
}

static void save_next(struct tgt_alua *a);

static void save_ended(struct keep_wait *w, int result)
{
	struct tgt_alua *a = container_of(w, struct tgt_alua, kept);

	if (result || a->save_result == -ENODEV)
		a->save_result = result;
	save_next(a);
}

static void save_begin(struct tgt_alua *a)
{
	struct list *pos;

	/* Without any unit, or when they go before it is their turn, nobody has kept it. */
	a->save_result = -ENODEV;
	list_splice(&a->served, &a->ops);
	list_for_each (pos, &a->alua.units) {
		struct tgt_unit *u = list_entry(pos, struct scsi_lu, alua_node)->owner;

		u->access_dirty = u->keep.to.save != NULL;
		if (!u->access_dirty)
			a->save_result = 0; /* it never keeps anything */
	}
}

/* Units come and go meanwhile. */
static struct tgt_unit *save_find(struct tgt_alua *a)
{
	struct list *pos;

	list_for_each (pos, &a->alua.units) {
		struct tgt_unit *u = list_entry(pos, struct scsi_lu, alua_node)->owner;

		if (u->access_dirty)
			return u;
	}
	return NULL;
}

/* Who is told may ask for more: that comes with the next round. */
static void save_serve(struct tgt_alua *a)
{
	struct list *node;

	while ((node = list_pop(&a->served))) {
		struct alua_op *op = list_entry(node, struct alua_op, node);

		op->result = a->save_result;
		op->views.done = op_seen;
		home_view_wait(a->t, &op->views);
	}
}

static void save_next(struct tgt_alua *a)
{
	struct tgt_unit *u;

	while (!(u = save_find(a))) {
		save_serve(a);
		if (list_empty(&a->ops)) {
			a->saving = false;
			a->t->n_saving--;
			login_check_stopped(a->t);
			alua_check_retired(a);
			return;
		}
		save_begin(a);
	}
	u->access_dirty = false;
	a->kept.done = save_ended;
	keep_unit(u, &a->kept);
}

/* The states are others now: have them kept and seen, then call @done. */
static void op_start(struct tgt_alua *a, struct alua_op *op, void (*done)(struct alua_op *op))
{
	op->a = a;
	a->n_ops++;
	op->done = done;
	list_push(&a->ops, &op->node);
	if (a->saving)
		return;
	a->saving = true;
	a->t->n_saving++;
	save_begin(a);
	save_next(a);
}

static void alua_publish(struct tgt_alua *a)
{
	struct list *pos;

	list_for_each (pos, &a->alua.units)
		home_publish_lu(a->t, list_entry(pos, struct scsi_lu, alua_node));
}

static void log_state(const struct tgt_alua *a, const struct scsi_tpg_want *want)
{
	log_info("device group %s: target port group %u is %s", a->name, want->id,
		 scsi_alua_state_name(want->state));
}

/* --- SET TARGET PORT GROUPS --- */

static struct cmd *set_asker(struct tgt_alua *a)
{
	return list_empty(&a->asker) ? NULL : list_entry(a->asker.next, struct cmd, wait);
}

static void set_ended(struct tgt_alua *a, int result)
{
	struct cmd *c = set_asker(a);

	a->setting = false;
	if (c) {
		list_del(&c->wait);
		home_states(c, result);
	}
	alua_check_retired(a);
}

static void set_done(struct alua_op *op)
{
	set_ended(op->a, op->result);
}

/* A reload may have taken a group away meanwhile. */
static bool set_makes_sense(const struct tgt_alua *a)
{
	for (unsigned i = 0; i < a->n_want; i++)
		if (scsi_alua_find(&a->alua, a->want[i].id) < 0)
			return false;
	return true;
}

/* What was asked for has been brought about, or not. */
static void set_made(void *arg, int result)
{
	struct tgt_alua *a = arg;
	const struct cmd *c = set_asker(a);

	check(a->setting);
	if (!result && !set_makes_sense(a))
		result = -ESTALE;
	if (result) {
		log_warn("device group %s: the states that an initiator asked for were not made: "
			 "%s, they stay as they are",
			 a->name, strerrordesc_np(-result));
		set_ended(a, result);
		return;
	}
	if (scsi_alua_set(&a->alua, a->want, a->n_want, SCSI_ALUA_BY_COMMAND,
			  c ? scsi_task_at(&c->task) : NULL)) {
		for (unsigned i = 0; i < a->n_want; i++)
			log_state(a, &a->want[i]);
		alua_publish(a);
	}
	op_start(a, &a->set_op, set_done);
}

void alua_cmd(struct cmd *c)
{
	const struct tgt_unit *u = c->task.lu->owner;
	struct tgt_alua *a = container_of(c->task.lu->alua, struct tgt_alua, alua);
	struct tgt_alua_ask ask = { .groups = a->name,
				    .device = u->name,
				    .target = c->ch->port->name,
				    .initiator = c->ch->initiator,
				    .now = &a->alua,
				    .want = a->want };

	if (a->setting) {
		home_states(c, -EBUSY);
		return;
	}
	a->setting = true;
	a->n_want = scsi_task_wants(&c->task, a->want);
	ask.n_want = a->n_want;
	list_push(&a->asker, &c->wait);
	if (a->hook.run)
		a->hook.run(a->hook.ctx, &ask, set_made, a);
	else
		set_made(a, 0);
}

void alua_let_go(struct tgt_unit *u)
{
	struct tgt_alua *a = u->lu.alua ? container_of(u->lu.alua, struct tgt_alua, alua) : NULL;
	struct cmd *c = a ? set_asker(a) : NULL;

	if (!c || c->task.lu != &u->lu)
		return;
	/* The program goes on. Who asks again finds the states as they are then. */
	list_del(&c->wait);
	home_states(c, -EBUSY);
}

/* --- an operator --- */

static void op_told(struct alua_op *op)
{
	struct tgt_alua *a = op->a;

	op->told(op->ctx, op->result);
	free(op);
	alua_check_retired(a);
}

static int op_keep(struct tgt_alua *a, tgt_alua_done_fn *told, void *ctx)
{
	struct alua_op *op = calloc(1, sizeof(*op));

	if (!op)
		return -ENOMEM;
	op->told = told;
	op->ctx = ctx;
	op_start(a, op, op_told);
	return 0;
}

int tgt_alua_set(struct tgt_alua *a, const struct scsi_tpg_want *want, unsigned n,
		 tgt_alua_done_fn *done, void *ctx)
{
	if (scsi_alua_set(&a->alua, want, n, SCSI_ALUA_BY_ITSELF, NULL)) {
		for (unsigned i = 0; i < n; i++)
			log_state(a, &want[i]);
		alua_publish(a);
	}
	return op_keep(a, done, ctx);
}

/* --- configuration --- */

static void keep_quietly(struct tgt_alua *a);

static void quiet_done(struct alua_op *op)
{
	struct tgt_alua *a = op->a;

	a->quiet = false;
	if (a->quiet_again)
		keep_quietly(a);
	alua_check_retired(a);
}

/* For nobody who waits; without memory, since nobody could be told that there was none. */
static void keep_quietly(struct tgt_alua *a)
{
	a->quiet_again = a->quiet;
	if (a->quiet)
		return;
	a->quiet = true;
	op_start(a, &a->quiet_op, quiet_done);
}

void tgt_alua_configure(struct tgt_alua *a, const struct scsi_tpgs *to)
{
	uint32_t generation = a->alua.generation;

	if (scsi_alua_configure(&a->alua, to))
		alua_publish(a);
	if (a->alua.generation != generation)
		keep_quietly(a);
}

void tgt_alua_restore(struct tgt_alua *a, const struct scsi_alua_kept *kept)
{
	scsi_alua_restore(&a->alua, kept);
}

void tgt_alua_begin(struct tgt_alua *a, const struct scsi_tpg_want *want, unsigned n)
{
	check(list_empty(&a->alua.units));
	(void)scsi_alua_set(&a->alua, want, n, SCSI_ALUA_BY_ITSELF, NULL);
	for (unsigned i = 0; i < n; i++)
		log_state(a, &want[i]);
	tgt_alua_settle(a);
}

void tgt_unit_set_alua(struct tgt_unit *u, struct tgt_alua *a, bool is_explicit)
{
	uint32_t generation = a ? a->alua.generation : 0;

	if (scsi_lu_set_alua(&u->lu, a ? &a->alua : NULL, is_explicit))
		home_publish_lu(u->t, &u->lu);
	/* What it has brought from an earlier life counts no more. */
	if (a && a->alua.settled && a->alua.generation != generation)
		keep_quietly(a);
}

void tgt_alua_settle(struct tgt_alua *a)
{
	if (scsi_alua_settle(&a->alua))
		keep_quietly(a);
}

const struct scsi_alua *tgt_alua_now(const struct tgt_alua *a)
{
	return &a->alua;
}

unsigned tgt_alua_n_asking(const struct tgt_alua *a)
{
	return !list_empty(&a->asker);
}

void tgt_alua_set_hook(struct tgt_alua *a, const struct tgt_alua_hook *hook)
{
	a->hook = *hook;
}

/* --- life --- */

int tgt_alua_new(struct tgt_alua **ret, struct tgt *t, const char *name)
{
	struct tgt_alua *a = calloc(1, sizeof(*a));

	if (!a)
		return -ENOMEM;
	a->t = t;
	scsi_alua_init(&a->alua);
	list_init(&a->asker);
	list_init(&a->ops);
	list_init(&a->served);
	(void)snprintf(a->name, sizeof(a->name), "%s", name);
	list_push(&t->aluas, &a->node);
	*ret = a;
	return 0;
}

void alua_free(struct tgt_alua *a)
{
	struct list *node;

	list_del(&a->node);
	scsi_alua_deinit(&a->alua);
	/* Those are here only when the workers have stopped in the middle of something. */
	list_splice(&a->ops, &a->served);
	while ((node = list_pop(&a->ops))) {
		struct alua_op *op = list_entry(node, struct alua_op, node);

		if (op != &a->set_op && op != &a->quiet_op)
			free(op);
	}
	free(a);
}

static void alua_check_retired(struct tgt_alua *a)
{
	if (a->retired && !a->setting && !a->saving && !a->n_ops)
		alua_free(a);
}

void tgt_alua_retire(struct tgt_alua *a)
{
	a->retired = true;
	alua_check_retired(a);
}
