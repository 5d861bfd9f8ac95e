/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What is on its way between the two ends of a connection. */
#include <errno.h>
#include <netinet/in.h>

#include "sim/dice.h"
#include "sim/fabric_i.h"
#include "sim/world.h"

static void arrive(struct sched_ev *ev);

struct link *fabric_link_new(struct end *active)
{
	struct link *l = world_alloc(sizeof(*l));
	struct sockaddr_in *from = (void *)&l->from;

	l->f = active->f;
	list_init(&l->node);
	list_init(&l->pkts);
	list_push(&l->f->links, &l->node);
	l->end[0] = active;
	from->sin_family = AF_INET;
	/* A host has one address, and a port number for each connection. */
	from->sin_addr.s_addr = htonl(0x0a010000u + worker_index(active->w));
	from->sin_port = htons((uint16_t)(1024 + l->f->n_names++ % 60000));
	active->link = l;
	return l;
}

void fabric_link_free(struct link *l)
{
	while (!list_empty(&l->pkts))
		fabric_pkt_free(list_entry(l->pkts.next, struct pkt, node));
	list_del(&l->node);
	world_free(l);
}

void fabric_link_check(struct link *l)
{
	if (!l->end[0] && !l->end[1] && list_empty(&l->pkts))
		fabric_link_free(l);
}

void fabric_pkt_free(struct pkt *p)
{
	sched_cancel(&p->ev);
	list_del(&p->node);
	world_free(p->data);
	world_free(p);
}

/* --- on the way --- */

static bool keeps_order(const struct link *l, enum pkt_type type)
{
	/* A stream brings everything in order; a handshake over datagrams does not. */
	return !l->f->dreq || (type >= PKT_SEND && type < PKT_ACK);
}

static bool is_data(enum pkt_type type)
{
	return type >= PKT_SEND && type <= PKT_READ_RSP;
}

static uint64_t way_ns(void)
{
	uint64_t ns = dice_range(fabric_net.way_min_ns, fabric_net.way_max_ns);

	if (dice_permille(fabric_net.hiccup_pmille))
		ns += dice_range(0, fabric_net.hiccup_ns);
	return ns;
}

static bool is_lost(const struct link *l, enum pkt_type type)
{
	if (l->cut)
		return true;
	return l->f->dreq && type < PKT_SEND && dice_pct(fabric_net.cm_lose_pct);
}

struct pkt *fabric_send_to(struct link *l, unsigned to, enum pkt_type type)
{
	uint64_t at_ns = sched_now_ns() + way_ns();
	struct pkt *p;

	if (!l || is_lost(l, type))
		return NULL;
	if (keeps_order(l, type)) {
		if (at_ns < l->last_ns[to])
			at_ns = l->last_ns[to];
		l->last_ns[to] = at_ns;
	}
	p = world_alloc(sizeof(*p));
	p->link = l;
	p->type = type;
	p->to = to;
	p->ev.run = arrive;
	list_init(&p->node);
	list_push(&l->pkts, &p->node);
	sched_at(&p->ev, at_ns);
	return p;
}

struct pkt *fabric_send(struct end *from, enum pkt_type type)
{
	return from->vanished ? NULL : fabric_send_to(from->link, !from->side, type);
}

void fabric_send_surely(struct end *from, enum pkt_type type)
{
	uint64_t late_ns = 0;
	struct pkt *p;

	for (unsigned i = 0; i <= fabric_net.cm_tries; i++) {
		p = fabric_send(from, type);
		if (p) {
			sched_at(&p->ev, p->ev.at_ns + late_ns);
			return;
		}
		late_ns += fabric_net.cm_again_ns;
	}
}

void fabric_drop_sent(struct end *from)
{
	struct link *l = from->link;
	struct list *pos;
	struct list *tmp;

	if (!l)
		return;
	list_for_each_safe (pos, tmp, &l->pkts) {
		struct pkt *p = list_entry(pos, struct pkt, node);

		if (p->to == !from->side && is_data(p->type))
			fabric_pkt_free(p);
	}
	l->broken[!from->side] = true;
}

/* --- arriving --- */

/* A frozen end leaves what comes in order where it is. */
static bool is_held(const struct link *l, const struct pkt *p, const struct end *e)
{
	return e && keeps_order(l, p->type) && (e->frozen || !list_empty(&e->held));
}

static void hand_over(struct link *l, struct pkt *p, struct end *e)
{
	if (p->type == PKT_ACK || p->type == PKT_NAK) {
		if (e)
			fabric_qp_answer(e, p);
	} else if (is_data(p->type)) {
		/* Behind a hole nothing arrives: neither a stream nor a queue pair skips anything. */
		if (e && !l->broken[p->to])
			fabric_qp_arrive(e, p);
	} else {
		fabric_cm_arrive(l, p, e);
	}
}

static void refuse_stream(struct link *l, unsigned side)
{
	struct pkt *p = fabric_send_to(l, !side, PKT_RESET);

	if (p)
		p->len = ECONNRESET;
}

static void arrive(struct sched_ev *ev)
{
	struct pkt *p = container_of(ev, struct pkt, ev);
	struct link *l = p->link;
	struct end *e = l->end[p->to];

	list_del(&p->node);
	if (e && e->vanished)
		e = NULL;
	/* The machine is up again and knows nothing of this stream. */
	if (!e && !l->f->dreq && is_data(p->type) && l->end[!p->to])
		refuse_stream(l, p->to);
	if (!l->cut && is_held(l, p, e)) {
		list_push(&e->held, &p->node);
		return;
	}
	if (!l->cut)
		hand_over(l, p, e);
	fabric_pkt_free(p);
	fabric_link_check(l);
}

/* --- ends that do not take part --- */

void fabric_vanish(struct fab_conn *c)
{
	end_of(c)->vanished = true;
	fabric_drop_sent(end_of(c));
}

void fabric_drop_held(struct end *e)
{
	struct list *n;

	while ((n = list_pop(&e->held)))
		fabric_pkt_free(list_entry(n, struct pkt, node));
}

void fabric_freeze(struct fab_conn *c, bool on)
{
	struct end *e = end_of(c);
	struct list *n;

	e->frozen = on;
	while (!on && (n = list_pop(&e->held))) {
		struct pkt *p = list_entry(n, struct pkt, node);

		if (!p->link->cut)
			hand_over(p->link, p, e);
		fabric_pkt_free(p);
	}
}

bool fabric_from(const struct fab_conn *c, struct sockaddr_storage *ret)
{
	const struct link *l = end_of(c)->link;

	if (l)
		*ret = l->from;
	return l;
}

bool fabric_quiet(const struct fab_conn *c)
{
	const struct link *l = end_of(c)->link;

	return !l || list_empty(&l->pkts);
}
