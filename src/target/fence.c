/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Disks that do not give back what was cancelled (docs/design/0022). A cancelled I/O has a deadline, on the worker it
 * belongs to. Then home fences its unit, in two rounds over the workers:
 *
 *   open --deadline--> closing --every worker lets nothing through, every channel sees NOT READY--> closed
 *     ^                                                                                               |
 *     +-- opening <------------ every I/O has ended <-- all I/O of the unit is given up --------------+
 *
 * An I/O is given up by ending its command while the backend still has it: an orphan. What the kernel may still use of the
 * command (its struct, the buffer, the memory its IU lies in) is kept back until then, and nothing else is.
 */
#include <errno.h>

#include "base/check.h"
#include "base/log.h"
#include "run/worker.h"
#include "target/data.h"
#include "target/unit.h"

#define FENCE_S (TGT_FENCE_NS / NSEC_PER_SEC)

static void fence_start(struct tgt_unit *u);

/* --- the channel's worker: what was cancelled has a deadline --- */

/* Whose store is changed by the I/O of @c; of one that only reads, whose is read. */
static struct tgt_unit *fence_unit_of(const struct cmd *c)
{
	if (c->act.type != SCSI_ACT_COPY)
		return c->unit;
	return c->bio.op == BACKEND_READ ? c->task.copy.from->owner : c->task.copy.to->owner;
}

static void fence_asked(struct worker *w, struct worker_msg *m)
{
	struct tgt_unit *u = container_of(m, struct unit_tasks, fence_ask)->unit;

	(void)w;
	if (u->fence.state == FENCE_OPEN)
		fence_start(u);
	else if (u->fence.state == FENCE_OPENING)
		u->fence.again = true;
}

static void fence_ask(struct tworker *tw, struct tgt_unit *u)
{
	struct unit_tasks *k = &u->tasks[worker_index(tw->w)];

	if (k->fence_asked || k->fenced)
		return;
	k->fence_asked = true;
	k->fence_ask.run = fence_asked;
	worker_post(tgt_home(tw->t), &k->fence_ask);
}

static void fence_arm(struct tworker *tw, uint64_t deadline_ns)
{
	/* It runs, or has just fired and given its place back. */
	check(worker_timer_start(tw->w, &tw->fence, deadline_ns) == 0);
}

static void fence_fired(struct worker *w, struct worker_timer *timer)
{
	struct tworker *tw = container_of(timer, struct tworker, fence);
	uint64_t next_ns = UINT64_MAX;

	while (!list_empty(&tw->canceled)) {
		struct cmd *c = list_entry(tw->canceled.next, struct cmd, wait);

		if (c->cancel_ns + TGT_FENCE_NS > worker_now_ns(w)) {
			next_ns = c->cancel_ns + TGT_FENCE_NS;
			break;
		}
		list_del(&c->wait);
		fence_ask(tw, fence_unit_of(c));
	}
	fence_arm(tw, next_ns);
}

void fence_init(struct tworker *tw)
{
	list_init(&tw->canceled);
	worker_timer_init(&tw->fence, fence_fired);
}

bool fence_take_timer(struct tworker *tw)
{
	return tw->fence.slot || worker_timer_start(tw->w, &tw->fence, UINT64_MAX) == 0;
}

void fence_give_timer(struct tworker *tw)
{
	if (list_empty(&tw->chans))
		worker_timer_stop(tw->w, &tw->fence);
}

void fence_cancel(struct cmd *c)
{
	struct tworker *tw = c->ch->tw;

	c->cancel_ns = worker_now_ns(tw->w);
	list_push(&tw->canceled, &c->wait);
	if (tw->fence.deadline_ns == UINT64_MAX)
		fence_arm(tw, c->cancel_ns + TGT_FENCE_NS);
	backend_cancel(&c->bio, tw->w);
}

/* --- orphans: the channel's worker --- */

static void fence_answered(struct worker *w, struct worker_msg *m);

static void fence_answer(struct unit_tasks *k)
{
	k->fence_wanted = false;
	k->fence_msg.run = fence_answered;
	worker_post(tgt_home(k->unit->t), &k->fence_msg);
}

static void orphan_gone(struct unit_tasks *k)
{
	check(k->orphans > 0);
	if (--k->orphans == 0 && k->fence_wanted)
		fence_answer(k);
}

static void orphan_ended(struct worker *w, struct backend_io *io, int result)
{
	struct cmd *c = container_of(io, struct cmd, bio);
	struct tchan *ch = c->ch;
	struct cmd_orphan o = c->orphan;

	(void)w;
	(void)result; /* nobody asks any more */
	c->is.orphan = false;
	data_put_buf(c, &c->orphan.buf);
	if (o.lent)
		pool_repay(&ch->tw->pool, o.lent_class);
	if (o.rx_mem && ch->n_spare_rx < ARRAY_SIZE(ch->spare_rx))
		ch->spare_rx[ch->n_spare_rx++] = o.rx_mem;
	ch->n_orphans--;
	if (c->is.ended)
		cmd_put(c);
	channel_orphan_gone(ch); /* it may be the last thing that kept the channel's memory */
	orphan_gone(o.of);
	if (o.source)
		orphan_gone(o.source);
}

/* Its IU lies where the kernel takes data from: the receive gets other memory. False: there is none left. */
static bool orphan_take_rx(struct cmd *c)
{
	struct tchan *ch = c->ch;

	if (c->buf || !c->bio.n_iov)
		return true;
	c->orphan.rx_mem = channel_rx_buf(ch, (size_t)(c->rx - ch->all_rx));
	c->rx->lost = !ch->n_spare_rx;
	if (ch->n_spare_rx)
		c->rx->mem = ch->spare_rx[--ch->n_spare_rx];
	return !c->rx->lost;
}

/*
 * Others need buffers, too. Memory that must be registered is not to be had here, so with RDMA devices the pool has those less.
 */
static void orphan_lend_buf(struct cmd *c)
{
	struct tworker *tw = c->ch->tw;

	if (!c->orphan.buf || tw->t->ops->mem_add)
		return;
	c->orphan.lent_class = c->orphan.buf->class;
	c->orphan.lent = pool_lend(&tw->pool, c->orphan.lent_class) == 0;
	if (c->orphan.lent)
		worker_defer(tw->w, &tw->buf_job); /* somebody may wait for it */
}

static void orphan_make(struct cmd *c)
{
	struct tchan *ch = c->ch;
	unsigned worker = worker_index(ch->tw->w);
	struct tgt_unit *from = c->bio.op == BACKEND_COPY ? c->task.copy.from->owner : NULL;
	bool served;

	c->orphan = (struct cmd_orphan){ .of = &fence_unit_of(c)->tasks[worker], .buf = c->buf };
	c->orphan.source = from ? &from->tasks[worker] : NULL;
	c->orphan.of->orphans++;
	if (c->orphan.source)
		c->orphan.source->orphans++;
	served = orphan_take_rx(c);
	c->buf = NULL;
	orphan_lend_buf(c);
	c->is.io = false;
	c->is.orphan = true;
	c->bio.done = orphan_ended;
	if (!c->is.abort)
		backend_cancel(&c->bio, ch->tw->w);
	/* Its slot serves nobody meanwhile: with too few left the channel might wait for ever for one. */
	if ((++ch->n_orphans > TGT_CMD_EXTRA || !served) && cmd_chan_live(c))
		channel_broke(ch, "too many of its commands are stuck at a disk");
	data_end(c, c->is.abort ? -ECANCELED : -ENXIO, false);
}

/* --- rounds over the workers --- */

static void fence_round(struct tgt_unit *u, void (*run)(struct worker *w, struct worker_msg *m))
{
	u->fence.left = u->t->n_workers;
	for (unsigned i = 0; i < u->t->n_workers; i++) {
		u->tasks[i].fence_msg.run = run;
		worker_post(u->t->tw[i].w, &u->tasks[i].fence_msg);
	}
}

/* What @tw has of @u at the backend, on @ret: each by its @wait. Return: how many. */
static unsigned fence_collect(struct tworker *tw, const struct tgt_unit *u, struct list *ret)
{
	struct list *pos, *n;
	unsigned found = 0;

	list_for_each (pos, &tw->chans) {
		struct tchan *ch = list_entry(pos, struct tchan, tw_node);

		list_for_each (n, &ch->cmds) {
			struct cmd *c = list_entry(n, struct cmd, node);

			if (!c->is.io || fence_unit_of(c) != u)
				continue;
			found++;
			if (!ret)
				continue;
			list_del(&c->wait);
			list_push(ret, &c->wait);
		}
	}
	return found;
}

static void fence_give_up(struct worker *w, struct worker_msg *m)
{
	struct unit_tasks *k = container_of(m, struct unit_tasks, fence_msg);
	struct tworker *tw = &k->unit->t->tw[worker_index(w)];
	struct list todo;
	struct list *node;

	list_init(&todo);
	(void)fence_collect(tw, k->unit, &todo);
	while ((node = list_pop(&todo)))
		orphan_make(list_entry(node, struct cmd, wait));
	k->fence_wanted = true;
	if (!k->orphans)
		fence_answer(k);
}

static void fence_close(struct worker *w, struct worker_msg *m)
{
	struct unit_tasks *k = container_of(m, struct unit_tasks, fence_msg);

	k->fenced = true;
	k->fence_asked = false;
	k->stuck = fence_collect(&k->unit->t->tw[worker_index(w)], k->unit, NULL);
	fence_answer(k);
}

static void fence_open(struct worker *w, struct worker_msg *m)
{
	struct unit_tasks *k = container_of(m, struct unit_tasks, fence_msg);

	(void)w;
	k->fenced = false;
	fence_answer(k);
}

/* --- home --- */

/* No command of the unit can begin any more, and none that has begun gets to the backend. */
static void fence_closed(struct view_wait *v)
{
	struct tgt_unit *u = container_of(v, struct tgt_unit, fence.views);

	u->fence.stuck = 0;
	for (unsigned i = 0; i < u->t->n_workers; i++)
		u->fence.stuck += u->tasks[i].stuck;
	log_error("device %s: an I/O has not ended %llu s after it was cancelled; giving up the %u "
		  "that are under way, "
		  "it is not ready until they have ended",
		  u->name, (unsigned long long)FENCE_S, u->fence.stuck);
	u->fence.state = FENCE_CLOSED;
	fence_round(u, fence_give_up);
}

static void fence_over(struct tgt_unit *u)
{
	struct tgt *t = u->t;

	u->fence.state = FENCE_OPEN;
	u->fence.stuck = 0;
	t->n_fenced--;
	(void)scsi_lu_set_fenced(&u->lu, false);
	log_info("device %s: what was under way has ended, serving it again", u->name);
	home_publish_lu(t, &u->lu);
	erase_resume(u);
	suspend_unfenced(u);
	home_drain(&u->lu);
	if (u->fence.again)
		fence_start(u);
	login_check_stopped(t);
}

static void fence_answered(struct worker *w, struct worker_msg *m)
{
	struct tgt_unit *u = container_of(m, struct unit_tasks, fence_msg)->unit;

	(void)w;
	check(u->fence.left > 0);
	if (--u->fence.left)
		return;
	switch (u->fence.state) {
	case FENCE_OPEN:
		check_unreachable();
	case FENCE_CLOSING:
		u->fence.views.done = fence_closed;
		home_view_wait(u->t, &u->fence.views);
		break;
	case FENCE_CLOSED:
		u->fence.state = FENCE_OPENING;
		fence_round(u, fence_open);
		break;
	case FENCE_OPENING:
		fence_over(u);
		break;
	}
}

static void fence_start(struct tgt_unit *u)
{
	u->fence.state = FENCE_CLOSING;
	u->fence.again = false;
	u->t->n_fenced++;
	(void)scsi_lu_set_fenced(&u->lu, true);
	home_publish_lu(u->t, &u->lu);
	fence_round(u, fence_close);
}
