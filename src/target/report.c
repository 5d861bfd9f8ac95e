/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What every channel is doing: asked of each worker in turn, answered on the home worker. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "run/worker.h"
#include "target/internal.h"

struct report {
	struct tgt_report r;
	struct tgt *t;
	unsigned worker; /* whose turn it is */
	unsigned room;
	struct worker_msg msg;
	void (*done)(void *ctx, const struct tgt_report *r);
	void *ctx;
};

static int report_by_id(const void *a, const void *b)
{
	const struct tgt_chan_info *x = a;
	const struct tgt_chan_info *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static void report_ask(struct report *rep);

static void report_answered(struct worker *w, struct worker_msg *m)
{
	struct report *rep = container_of(m, struct report, msg);

	(void)w;
	if (++rep->worker < rep->t->n_workers) {
		report_ask(rep);
		return;
	}
	if (rep->r.n_chans)
		qsort(rep->r.chans, rep->r.n_chans, sizeof(*rep->r.chans), report_by_id);
	rep->done(rep->ctx, &rep->r);
	free(rep->r.chans);
	free(rep);
}

static void report_chan(const struct tchan *ch, unsigned worker, uint64_t now_ns,
			struct tgt_chan_info *i)
{
	const struct chan *c = &ch->chan;

	*i = (struct tgt_chan_info){ .id = ch->id,
				     .initiator = ch->initiator,
				     .state = chan_state_text(c->state),
				     .state_ns =
					     now_ns > c->entered_ns ? now_ns - c->entered_ns : 0,
				     .worker = worker,
				     .credits = c->avail > 0 ? (uint32_t)c->avail : 0,
				     .limit = c->limit,
				     .in_flight = c->n_tasks + c->n_parked,
				     .read_bytes = ch->read_bytes,
				     .write_bytes = ch->write_bytes,
				     .commands = ch->commands,
				     .errors = ch->errors };
	(void)snprintf(i->target, sizeof(i->target), "%s", ch->port->name);
	port_text(&ch->peer, i->peer, sizeof(i->peer));
}

static bool report_grow(struct report *rep)
{
	unsigned room = rep->room ? 2 * rep->room : 64;
	struct tgt_chan_info *more = realloc(rep->r.chans, room * sizeof(*more));

	if (!more) {
		rep->r.error = -ENOMEM;
		return false;
	}
	rep->r.chans = more;
	rep->room = room;
	return true;
}

static void report_on_worker(struct worker *w, struct worker_msg *m)
{
	struct report *rep = container_of(m, struct report, msg);
	struct tworker *tw = &rep->t->tw[rep->worker];
	struct list *pos;

	list_for_each (pos, &tw->chans) {
		if (rep->r.n_chans == rep->room && !report_grow(rep))
			break;
		report_chan(list_entry(pos, struct tchan, tw_node), rep->worker, worker_now_ns(w),
			    &rep->r.chans[rep->r.n_chans++]);
	}
	rep->msg.run = report_answered;
	worker_post(tgt_home(rep->t), &rep->msg);
}

static void report_ask(struct report *rep)
{
	rep->msg.run = report_on_worker;
	worker_post(rep->t->tw[rep->worker].w, &rep->msg);
}

int tgt_report(struct tgt *t, void (*done)(void *ctx, const struct tgt_report *r), void *ctx)
{
	struct report *rep = calloc(1, sizeof(*rep));

	if (!rep)
		return -ENOMEM;
	rep->t = t;
	rep->done = done;
	rep->ctx = ctx;
	report_ask(rep);
	return 0;
}
