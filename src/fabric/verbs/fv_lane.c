/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What one worker has: the channel on which the CM's events of its ids come, and the table by which
 * completions find their connection. */
#include <errno.h>
#include <stdlib.h>

#include "fabric/verbs/fv.h"

static void lane_ready(struct worker *w, struct worker_poll *p, unsigned revents)
{
	(void)w;
	(void)revents;
	fv_cm_events(container_of(p, struct fv_lane, poll));
}

static void lane_stopped(struct worker *w, struct worker_poll *p)
{
	struct fv_lane *l = container_of(p, struct fv_lane, poll);
	struct fv *fv = l->fv;

	(void)w;
	free(l->slots);
	free(l->gens);
	free(l);
	fv_unref(fv);
}

static int lane_new(struct fv_lane **ret, struct fv *fv, struct worker *w)
{
	struct fv_lane *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	l->channel = rdma_create_event_channel();
	if (!l->channel) {
		r = errno ? -errno : -ENODEV;
		free(l);
		return r;
	}
	r = fv_nonblock(l->channel->fd);
	if (r) {
		rdma_destroy_event_channel(l->channel);
		free(l);
		return r;
	}
	l->fv = fv;
	l->w = w;
	list_init(&l->ports);
	l->poll.fd = l->channel->fd;
	l->poll.events = POLLIN;
	l->poll.ready = lane_ready;
	l->poll.stopped = lane_stopped;
	fv_ref(fv);
	worker_poll_start(w, &l->poll);
	fv_watch_start(l);
	*ret = l;
	return 0;
}

int fv_lane_get(struct fv_lane **ret, struct fv *fv, struct worker *w)
{
	unsigned i = worker_index(w);
	int r;

	check(i < FV_WORKERS);
	if (!fv->lanes[i]) {
		r = lane_new(&fv->lanes[i], fv, w);
		if (r)
			return r;
	}
	fv->lanes[i]->n_users++;
	*ret = fv->lanes[i];
	return 0;
}

void fv_lane_put(struct fv_lane *l)
{
	if (!l || --l->n_users)
		return;
	/* A new user of this worker makes a new lane. */
	l->fv->lanes[worker_index(l->w)] = NULL;
	fv_watch_stop(l);
	worker_poll_stop(l->w, &l->poll);
	rdma_destroy_event_channel(l->channel);
	l->channel = NULL;
}

static int lane_grow(struct fv_lane *l)
{
	unsigned n = l->n_slots ? 2 * l->n_slots : 64;
	struct fv_conn **slots;
	uint32_t *gens;

	if (n > FV_SLOTS_MAX)
		return -ENOMEM;
	slots = realloc(l->slots, n * sizeof(struct fv_conn *));
	if (!slots)
		return -ENOMEM;
	l->slots = slots;
	gens = realloc(l->gens, n * sizeof(*gens));
	if (!gens)
		return -ENOMEM;
	l->gens = gens;
	for (unsigned i = l->n_slots; i < n; i++) {
		l->slots[i] = NULL;
		l->gens[i] = 0;
	}
	l->n_slots = n;
	return 0;
}

/* A free slot; n_slots: there is none. */
static unsigned lane_free_slot(const struct fv_lane *l)
{
	for (unsigned n = 0; n < l->n_slots; n++) {
		unsigned i = (l->free_hint + n) % l->n_slots;

		if (!l->slots[i])
			return i;
	}
	return l->n_slots;
}

int fv_lane_slot(struct fv_lane *l, struct fv_conn *c)
{
	unsigned i = lane_free_slot(l);

	if (i == l->n_slots && lane_grow(l))
		return -ENOMEM;
	l->free_hint = i + 1;
	c->slot = i;
	c->gen = ++l->gens[i];
	l->slots[i] = c;
	return 0;
}

void fv_lane_unslot(struct fv_lane *l, struct fv_conn *c)
{
	check(l->slots[c->slot] == c);
	l->slots[c->slot] = NULL;
}
