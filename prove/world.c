/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "prove/world.h"

#include "base/check.h"
#include "prove/cm.h"

#define NOW_NS (1000 * NSEC_PER_SEC) /* between two moves it is always the same time */

/* The first parked IU has this number, so that the order of arrival is tried across the wrap. */
#define SEQ_BASE UINT32_MAX

struct world world;
struct bound bound;
enum flavour flavour;
struct cells cells;

#define PART(member)                                                                \
	{                                                                           \
		offsetof(struct world, member), sizeof(((struct world *)0)->member) \
	}
const struct world_part world_parts[WORLD_PARTS] = { PART(chan), PART(iu), PART(cm), PART(b) };

bool bound_ok(const struct bound *b)
{
	return b->limit >= 2 && b->limit <= b->max_limit && b->max_limit <= WORLD_LIMIT_MAX &&
	       b->n_recv > b->max_limit && b->n_recv <= WORLD_IUS && b->sq_depth >= 2 &&
	       b->sq_depth <= WORLD_SLOTS_MAX && b->n_events <= WORLD_EVENTS && b->n_hostile <= 8 &&
	       b->n_breaks <= 4;
}

void world_init(struct world *w)
{
	struct chan_config cfg = {
		.now_ns = NOW_NS,
		.limit = bound.limit,
		.max_limit = bound.max_limit,
		.n_recv = bound.n_recv,
		.sq_depth = bound.sq_depth,
		.dreq_handshake = cm_ops()->dreq_handshake,
	};
	unsigned i;

	check(bound_ok(&bound));
	memset(w, 0, sizeof(*w));
	for (i = 0; i < WORLD_IUS; i++)
		w->iu[i].at = i < bound.n_recv ? IU_POSTED : IU_FREE;
	w->cm.budget = (uint8_t)bound.n_hostile;
	w->b.now_ns = NOW_NS;
	w->b.want = (uint8_t)bound.limit;
	chan_init(&w->chan, &cfg);
	world_normalise(w);
}

/* --- looking --- */

unsigned world_count(const struct world *w, enum iu_at at)
{
	unsigned n = 0;
	unsigned i;

	for (i = 0; i < bound.n_recv; i++)
		n += w->iu[i].at == at;
	return n;
}

struct world_iu *world_find(struct world *w, enum iu_at at)
{
	unsigned i;

	for (i = 0; i < bound.n_recv; i++)
		if (w->iu[i].at == at)
			return &w->iu[i];
	return NULL;
}

unsigned world_tasks(const struct world *w)
{
	return world_count(w, IU_TASK) + w->b.n_bare;
}

unsigned world_idle(const struct world *w)
{
	return world_tasks(w) - w->b.n_data - w->b.n_finished;
}

/* --- stepping --- */

static void trace_action(const struct chan_action *a)
{
	switch (a->type) {
	case CHAN_ACT_VIOLATION:
	case CHAN_ACT_LOG:
		trace(2 + trace_depth, "%s \"%s\"", chan_act_text(a->type), a->text);
		break;
	case CHAN_ACT_SUBMIT:
	case CHAN_ACT_REPOST:
	case CHAN_ACT_DROP:
		trace(2 + trace_depth, "%s iu%u", chan_act_text(a->type),
		      (unsigned)(container_of(a->iu, struct world_iu, iu) - world.iu));
		break;
	default:
		trace(2 + trace_depth, "%s %d", chan_act_text(a->type), (int)a->value);
		break;
	}
}

/*
 * NOLINTBEGIN(misc-no-recursion)
 * An action that fails is told by a step inside the step, as chan.h wants it. The channel bounds that.
 */
void world_step(struct world *w, enum chan_ev type, uint32_t value, struct chan_iu *iu)
{
	struct chan_event ev = { .type = type, .value = value, .now_ns = w->b.now_ns, .iu = iu };
	enum chan_state before = w->chan.state;
	bool counts = !w->chan.released;
	struct chan_actions out;
	uint32_t i;

	if (counts && !cells.hits[type][before]++)
		cells.first[type][before] = cells.here;
	trace(1 + trace_depth, "step %s in %s", chan_ev_text(type),
	      counts ? chan_state_text(before) : "freed");
	chan_step(&w->chan, &ev, &out);
	if (counts)
		cells.exits[type][before] |= (uint8_t)BIT(w->chan.state);
	if (w->chan.state != before)
		trace(2 + trace_depth, "-> %s", chan_state_text(w->chan.state));
	books_stepped(w, type, before, &out);
	for (i = 0; i < out.count; i++) {
		trace_action(&out.a[i]);
		books_act(w, &out.a[i]);
		trace_depth += 2;
		world_act(w, &out.a[i]);
		trace_depth -= 2;
	}
}
/* NOLINTEND(misc-no-recursion) */

/* --- one form for all worlds that have the same future --- */

/*
 * Buffers that are equal in kind are interchangeable: parked ones come first, in their order, then those
 * of tasks, posted ones, dropped ones. The channel sees only their addresses and their order.
 */
static void normalise_ius(struct world *w)
{
	struct chan *c = &w->chan;
	unsigned n_tasks = world_count(w, IU_TASK);
	unsigned n_posted = world_count(w, IU_POSTED);
	uint8_t kinds[WORLD_IUS] = { 0 };
	unsigned n_parked = 0;
	unsigned tail = 0; /* place of @returned_tail, 0: the head */
	const struct list *pos;
	unsigned i;

	list_for_each (pos, &c->parked) {
		const struct chan_iu *iu = list_entry(pos, struct chan_iu, node);

		check(n_parked < WORLD_IUS);
		kinds[n_parked++] = iu->kind;
		if (c->returned_tail == pos)
			tail = n_parked;
	}
	memset(w->iu, 0, sizeof(w->iu));
	list_init(&c->parked);
	c->returned_tail = &c->parked;
	for (i = 0; i < n_parked; i++) {
		w->iu[i].at = IU_CORE;
		w->iu[i].order = (uint8_t)i;
		w->iu[i].iu.kind = kinds[i];
		w->iu[i].iu.seq = (uint32_t)(SEQ_BASE + i);
		list_push(&c->parked, &w->iu[i].iu.node);
		if (i + 1 == tail)
			c->returned_tail = &w->iu[i].iu.node;
	}
	w->b.n_arrived = (uint8_t)n_parked;
	c->seq = (uint32_t)(SEQ_BASE + n_parked);
	for (; i < WORLD_IUS; i++)
		w->iu[i].at = i < n_parked + n_tasks              ? IU_TASK
			      : i < n_parked + n_tasks + n_posted ? IU_POSTED
								  : IU_FREE;
}

/* Words, statistics, the absolute time. */
static void normalise_chan(struct world *w)
{
	struct chan *c = &w->chan;
	uint64_t passed_ns = w->b.now_ns - NOW_NS;

	if (c->deadline_ns != UINT64_MAX)
		c->deadline_ns -= passed_ns;
	c->entered_ns = NOW_NS;
	c->n_received = c->n_received != 0;
	c->n_dropped = 0;
	if (c->why)
		c->why = "it ended";
	w->b.now_ns = NOW_NS;
}

/* Credits are settled for good once the channel serves no more; what is left of them is history. */
static void normalise_left(struct world *w)
{
	struct chan *c = &w->chan;
	struct books *b = &w->b;

	c->limit = c->max_limit;
	c->want = c->max_limit;
	c->revoking = 0;
	c->avail = (int32_t)(c->limit - c->n_tasks);
	c->saved = 0;
	c->asked = CHAN_ASK_NONE;
	c->ask_retry = false;
	c->aer_due = false;
	c->stalled = false;
	c->kick_pending = false;
	c->n_recv = world_count(w, IU_POSTED);
	c->n_received = 1;
	b->want = 0;
	b->peer_lim = 0;
	b->peer_delta = 0;
	b->peer_asked = CHAN_ASK_NONE;
	b->heard = false;
	b->aer = false;
	b->did_logout = false;
	if (c->state >= CHAN_DRAINING) {
		c->disconnect_ns = 0;
		b->did_accept = false;
		b->did_reject = false;
		b->did_disconnect = false;
	}
}

/*
 * What is erased here is claimed to be without influence. The claim is tested: --verify compares the
 * futures of a world before and after.
 */
void world_normalise(struct world *w)
{
	struct books *b = &w->b;

	normalise_ius(w);
	normalise_chan(w);
	b->n_breaks = 0;
	b->saw_busy = false;
	b->admitted = false;
	b->disabled &= !b->answered;
	if (w->chan.state >= CHAN_DISCONNECTING)
		normalise_left(w);
	if (b->did_destroy_id)
		memset(&w->cm, 0, sizeof(w->cm));
	else
		cm_ops()->normalise(w);
}
