/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The target as a whole and its logical units. Home worker. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/log.h"
#include "target/alua.h"
#include "target/inject.h"
#include "target/remote_i.h"
#include "target/unit.h"

#define UNIT_RETRY_NS (50 * NSEC_PER_MSEC)

int tgt_new(struct tgt **ret, const struct tgt_opts *o)
{
	static const unsigned pool_default[POOL_CLASS_COUNT] = { 1024, 256, 64 };
	unsigned pool[POOL_CLASS_COUNT];
	struct tgt *t = calloc(1, sizeof(*t));
	unsigned i = 0;

	check(o->n_workers > 0 && o->n_workers <= TGT_WORKERS_MAX);
	if (!t)
		return -ENOMEM;
	t->fab = o->fab;
	t->ops = o->fab->ops;
	t->helper = o->helper;
	t->stores = o->stores ? o->stores : o->helper;
	t->last_relative_id = o->last_relative_id;
	t->watch_ns = o->watch_ns ? o->watch_ns : NSEC_PER_SEC;
	login_rate_init(&t->rate, o->logins_per_s, o->login_burst);
	t->tw = calloc(o->n_workers, sizeof(*t->tw));
	list_init(&t->ports);
	list_init(&t->listeners);
	list_init(&t->units);
	list_init(&t->aluas);
	list_init(&t->chans);
	list_init(&t->view_waits);
	list_init(&t->tmfs);
	watch_init(t);
	token_init(t);
	inject_init(t);
	for (unsigned k = 0; k < POOL_CLASS_COUNT; k++)
		pool[k] = o->pool[k] ? o->pool[k] : pool_default[k];
	for (i = 0; t->tw && i < o->n_workers; i++) {
		struct tworker *tw = &t->tw[i];

		tw->t = t;
		tw->w = o->workers[i];
		list_init(&tw->chans);
		fence_init(tw);
		for (unsigned k = 0; k < POOL_CLASS_COUNT; k++)
			list_init(&tw->buf_wait[k]);
		worker_job_init(&tw->buf_job, data_buf_job);
		remote_worker_init(tw);
		if (pool_init(&tw->pool, pool))
			break;
		t->n_workers++;
		if (t->ops->mem_add &&
		    t->ops->mem_add(t->fab, tw->pool.arena, tw->pool.arena_bytes))
			break;
	}
	if (i != o->n_workers) {
		(void)tgt_free(t);
		return -ENOMEM;
	}
	*ret = t;
	return 0;
}

static void unit_free(struct tgt_unit *u)
{
	list_del(&u->node);
	worker_timer_stop(tgt_home(u->t), &u->retry);
	suspend_close(u);
	scsi_lu_deinit(&u->lu);
	(void)backend_close(u->backend);
	if (u->remote)
		u->remote->ops->close(u->remote);
	check(!u->erase.busy && !u->suspend.busy);
	if (u->keep.to.close)
		u->keep.to.close(u->keep.to.ctx);
	free(u->keep.buf);
	free(u);
}

void tgt_close(struct tgt *t)
{
	struct list *pos;
	struct list *tmp;

	check(list_empty(&t->chans));
	list_for_each_safe (pos, tmp, &t->ports)
		tgt_port_retire(
			container_of(list_entry(pos, struct port, node), struct tgt_port, port));
	/* Without channels no unit is busy; tgt_free() takes those that were to be asked again. */
	list_for_each (pos, &t->units) {
		worker_timer_stop(tgt_home(t), &list_entry(pos, struct tgt_unit, node)->retry);
		suspend_close(list_entry(pos, struct tgt_unit, node));
	}
	watch_stop(t);
	token_stop(t);
	inject_stop(t);
}

uint16_t tgt_last_relative_id(const struct tgt *t)
{
	return t->last_relative_id;
}

static void pool_end(struct tgt *t, struct pool *p)
{
	if (t->ops->mem_del)
		t->ops->mem_del(t->fab, p->arena, p->arena_bytes);
	pool_deinit(p);
}

struct tgt *tgt_free(struct tgt *t)
{
	struct list *pos;
	struct list *tmp;

	if (!t)
		return NULL;
	tgt_close(t);
	check(list_empty(&t->listeners) && list_empty(&t->chans));
	list_for_each_safe (pos, tmp, &t->units)
		unit_free(list_entry(pos, struct tgt_unit, node));
	list_for_each_safe (pos, tmp, &t->aluas)
		alua_free(list_entry(pos, struct tgt_alua, node));
	for (unsigned i = 0; t->tw && i < t->n_workers; i++) {
		remote_worker_free(&t->tw[i]);
		pool_end(t, &t->tw[i].pool);
	}
	free(t->tw);
	free(t);
	return NULL;
}

/* --- units --- */

static void unit_retry(struct worker *w, struct worker_timer *timer);

static void params_of_store(struct scsi_lu_params *params, const struct backend *backend)
{
	params->size_bytes = backend->size_bytes;
	params->unmap_grain_bytes = backend->unmap_grain_bytes;
	params->atomic_bytes = backend->atomic_bytes;
	params->read_only |= backend->read_only;
	params->rotational |= backend->rotational;
	params->write_cache = backend->write_cache;
}

int tgt_unit_new(struct tgt_unit **ret, struct tgt *t, const struct tgt_unit_opts *o,
		 struct scsi_lu_params *params)
{
	struct tgt_unit *u = aligned_alloc(_Alignof(struct tgt_unit), sizeof(*u));
	struct backend *backend = o->backend;
	int r;

	if (!u)
		return -ENOMEM;
	memset(u, 0, sizeof(*u));
	params->remote = o->remote != NULL;
	if (backend)
		params_of_store(params, backend);
	else
		params->size_bytes = params->block_bytes; /* nobody will ask */
	params->max_transfer_bytes = TGT_MAX_TRANSFER;
	params->ports = &t->relative_ids;
	params->keeps = o->keep;
	if (o->keep)
		u->keep.to = *o->keep;
	u->keep.buf = o->keep ? malloc(SCSI_SAVED_MAX) : NULL;
	list_init(&u->keep.waiting);
	list_init(&u->keep.served);
	list_init(&u->drain_node);
	r = o->keep && !u->keep.buf ? -ENOMEM : scsi_lu_init(&u->lu, params);
	/* Taken now, so that it is there when the unit is to be closed; set to never. */
	worker_timer_init(&u->retry, unit_retry);
	suspend_init(u);
	if (!r)
		r = worker_timer_start(tgt_home(t), &u->retry, UINT64_MAX);
	u->t = t;
	u->backend = backend;
	u->remote = o->remote;
	if (!r)
		r = watch_start(u);
	if (!r)
		r = token_start(t);
	if (r) {
		worker_timer_stop(tgt_home(t), &u->retry);
		free(u->keep.buf);
		free(u);
		return r;
	}
	u->lu.owner = u;
	for (unsigned i = 0; i < TGT_WORKERS_MAX; i++)
		u->tasks[i].unit = u;
	u->opened_ns = worker_clock_ns();
	u->handler = o->handler;
	(void)snprintf(u->name, sizeof(u->name), "%s", o->name);
	list_push(&t->units, &u->node);
	*ret = u;
	return 0;
}

void tgt_unit_ready(struct tgt_unit *u)
{
	home_drain(&u->lu);
}

struct scsi_lu *tgt_unit_lu(struct tgt_unit *u)
{
	return &u->lu;
}

struct backend *tgt_unit_backend(struct tgt_unit *u)
{
	return u->backend;
}

/*
 * A unit that was taken out of every LUN map: once every channel has seen that, no new task can begin,
 * and once every worker has ended its tasks of it, it can go.
 */
static void unit_ask(struct tgt_unit *u);

static void unit_ask_later(struct tgt_unit *u)
{
	struct worker *w = tgt_home(u->t);

	/* It runs already, so this cannot fail. */
	check(worker_timer_start(w, &u->retry, worker_now_ns(w) + UNIT_RETRY_NS) == 0);
}

static void unit_answered(struct worker *w, struct worker_msg *m)
{
	struct tgt_unit *u = container_of(m, struct tgt_unit, msg);

	(void)w;
	if (u->busy) {
		unit_ask_later(u);
		return;
	}
	u->asked++;
	unit_ask(u);
}

static void unit_on_worker(struct worker *w, struct worker_msg *m)
{
	struct tgt_unit *u = container_of(m, struct tgt_unit, msg);

	u->busy = u->tasks[worker_index(w)].n != 0 || u->tasks[worker_index(w)].orphans != 0;
	if (remote_unit_busy(&u->t->tw[worker_index(w)], u))
		u->busy = true;
	u->msg.run = unit_answered;
	worker_post(tgt_home(u->t), &u->msg);
}

static void unit_ask(struct tgt_unit *u)
{
	if (u->asked == u->t->n_workers) {
		/* its messages are under way, or a copy */
		if (u->gathering || u->fence.state != FENCE_OPEN || u->keep.busy || u->watch.busy ||
		    u->erase.busy || u->suspend.busy || scsi_lu_visited(&u->lu)) {
			unit_ask_later(u);
			return;
		}
		log_info("device %s: closed", u->name);
		unit_free(u);
		return;
	}
	u->msg.run = unit_on_worker;
	worker_post(u->t->tw[u->asked].w, &u->msg);
}

static void unit_retry(struct worker *w, struct worker_timer *timer)
{
	check(worker_timer_start(w, timer, UINT64_MAX) == 0); /* its place is free again just now */
	unit_ask(container_of(timer, struct tgt_unit, retry));
}

static void unit_unseen(struct view_wait *v)
{
	unit_ask(container_of(v, struct tgt_unit, views));
}

void tgt_unit_retire(struct tgt_unit *u)
{
	check(!u->retired);
	u->retired = true;
	alua_let_go(u);
	(void)scsi_lu_set_alua(&u->lu, NULL, false);
	erase_cancel(u);
	suspend_retire(u);
	inject_retire(u);
	u->views.done = unit_unseen;
	home_view_wait(u->t, &u->views);
}

unsigned tgt_unit_stuck(const struct tgt_unit *u)
{
	return u->fence.stuck;
}

unsigned tgt_n_chans(const struct tgt *t)
{
	return t->n_chans;
}

unsigned tgt_n_closing(const struct tgt *t)
{
	const struct list *pos;
	unsigned n = 0;

	list_for_each (pos, &t->units)
		n += list_entry(pos, struct tgt_unit, node)->retired;
	return n;
}
