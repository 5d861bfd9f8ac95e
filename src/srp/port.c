/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "srp/port.h"

#include "base/check.h"
#include "wire/srp_login_rej.h"
#include "wire/srp_login_rsp.h"

#define CHANS_PER_NEXUS 64u

void port_init(struct port *p, const struct port_config *cfg)
{
	unsigned i;

	check(cfg->n_pool >= 1);
	*p = (struct port){
		.id = cfg->id,
		.max_chans = cfg->max_chans ? cfg->max_chans : cfg->n_pool,
	};
	list_init(&p->node);
	list_init(&p->nexuses);
	list_init(&p->free);
	list_init(&p->closes);
	list_init(&p->admits);
	list_init(&p->told);
	port_set_limits(p, &cfg->limits);
	for (i = 0; i < cfg->n_pool; i++) {
		cfg->pool[i] = (struct port_nexus){ 0 };
		list_push(&p->free, &cfg->pool[i].node);
	}
}

void port_deinit(struct port *p)
{
	check(!p->enabled && !p->n_chans && !p->n_nexuses); /* INV-20 */
	check(list_empty(&p->nexuses) && list_empty(&p->closes) && list_empty(&p->admits));
	check(list_empty(&p->told));
}

struct port *port_find(const struct list *ports, const struct srp_port_id *id)
{
	const struct list *n;

	list_for_each (n, ports) {
		const struct port *p = list_entry(n, struct port, node);

		if (srp_port_id_eq(&p->id, id))
			return (struct port *)p;
	}
	return NULL;
}

static struct port_chan *chan_of(const struct list *n)
{
	return list_entry(n, struct port_chan, node);
}

/* --- shares --- */

/* Does it serve, or will it, and may it go on? */
static bool stays(const struct port_chan *pc)
{
	return pc->close == PORT_KEEP && !pc->closing;
}

/*
 * Channels a single-channel login replaces do not count against it: an initiator that reconnects
 * with all its channels must not be kept out by its own old ones. They count in the total, because
 * their memory is not free yet.
 */
static unsigned n_staying(const struct port_nexus *n)
{
	const struct list *i;
	unsigned count = 0;

	list_for_each (i, &n->chans)
		count += stays(chan_of(i));
	return count;
}

static uint64_t bytes_staying(const struct port_nexus *n)
{
	const struct list *i;
	uint64_t sum = 0;

	list_for_each (i, &n->chans)
		sum += stays(chan_of(i)) ? chan_of(i)->bytes : 0;
	return sum;
}

/* The request limit of each of @n channels of one nexus. */
static uint32_t share_of(const struct port *p, unsigned n)
{
	const struct port_limits *l = &p->limits;
	uint32_t each = l->nexus_credits && n ? l->nexus_credits / n : l->max_limit;

	each = min_u32(each, l->max_limit);
	return each < PORT_LIMIT_MIN ? PORT_LIMIT_MIN : each;
}

/* Somebody joined, left or is about to, or the limits are new. */
static void share_out(struct port *p, struct port_nexus *n)
{
	const uint32_t each = share_of(p, n_staying(n));
	struct list *i;

	list_for_each (i, &n->chans) {
		struct port_chan *pc = chan_of(i);

		if (!stays(pc) || pc->limit == each)
			continue;
		pc->limit = each;
		list_del(&pc->limit_node);
		list_push(&p->told, &pc->limit_node);
	}
}

void port_set_limits(struct port *p, const struct port_limits *limits)
{
	struct list *i;

	check(limits->max_limit >= PORT_LIMIT_MIN);
	p->limits = *limits;
	if (!p->limits.max_chans_per_nexus)
		p->limits.max_chans_per_nexus = CHANS_PER_NEXUS;
	list_for_each (i, &p->nexuses)
		share_out(p, list_entry(i, struct port_nexus, node));
}

struct port_chan *port_next_limit(struct port *p)
{
	struct list *n = list_pop(&p->told);

	return n ? list_entry(n, struct port_chan, limit_node) : NULL;
}

/* --- decisions --- */

/* The nexus has another channel that goes on. */
static bool others_go_on(const struct port_chan *pc)
{
	const struct list *n;

	list_for_each (n, &pc->nexus->chans) {
		const struct port_chan *other = chan_of(n);

		if (other != pc && other->close == PORT_KEEP && !other->closing)
			return true;
	}
	return false;
}

static uint8_t result_of(const struct port_chan *pc)
{
	if (!pc->single)
		return others_go_on(pc) ? SRP_LOGIN_RESULT_CONTINUE : SRP_LOGIN_RESULT_NONE;
	return pc->evicted_some ? SRP_LOGIN_RESULT_TERMINATED : SRP_LOGIN_RESULT_NONE;
}

static void decide(struct port_chan *pc, uint32_t reject)
{
	check(pc->admission_asked && !pc->admission_decided);
	pc->admission_decided = true;
	pc->reject = reject;
	pc->result = result_of(pc);
	list_push(&pc->port->admits, &pc->admit_node);
}

/* Could a command of a channel of @n that logged in before @seq still do something? */
static bool works_before(const struct port_nexus *n, uint64_t seq)
{
	const struct list *i;

	list_for_each (i, &n->chans) {
		const struct port_chan *pc = chan_of(i);

		if (pc->seq >= seq)
			return false; /* the list is in order of login */
		if (!pc->quiet)
			return true;
	}
	return false;
}

bool port_nexus_over(const struct port_nexus *n)
{
	return !works_before(n, UINT64_MAX);
}

/* The same of any nexus that ended before @n. */
static bool ended_works(const struct port_nexus *n)
{
	for (n = n->before; n; n = n->before)
		if (!port_nexus_over(n))
			return true;
	return false;
}

/* INV-25: could an older command, which must have ended before @pc is admitted, still do something? */
static bool older_works(const struct port_chan *pc)
{
	return ended_works(pc->nexus) || (pc->single && works_before(pc->nexus, pc->seq));
}

/* Answer @pc if it has asked and the answer is known by now. */
static void try_decide(struct port_chan *pc)
{
	if (!pc->admission_asked || pc->admission_decided)
		return;
	if (!pc->port->enabled || pc->close == PORT_CLOSE_DISABLED)
		decide(pc, SRP_REJ_RESOURCES); /* INV-3, INV-21 */
	else if (pc->close != PORT_KEEP || pc->closing)
		decide(pc, SRP_REJ_UNSPECIFIED); /* condemned, or gone by itself meanwhile */
	else if (!older_works(pc))
		decide(pc, 0);
}

/* Something of @n ended: who waits for it is there or in a later nexus of its initiator. */
static void try_decide_nexus(struct port_nexus *n)
{
	struct list *i;

	for (; n; n = n->after)
		list_for_each (i, &n->chans)
			try_decide(chan_of(i));
}

/* Queue @pc to be told @why, once per reason and never a milder one than before. */
static void condemn(struct port_chan *pc, enum port_close why)
{
	if (pc->closing && why != PORT_CLOSE_DISABLED)
		return;
	if (pc->close == why || pc->close == PORT_CLOSE_DISABLED ||
	    (pc->close == PORT_CLOSE_EVICTED && why == PORT_CLOSE_SESSION))
		return;
	pc->close = why;
	list_del(&pc->close_node);
	list_push(&pc->port->closes, &pc->close_node);
	list_del(&pc->limit_node);
	try_decide(pc);
}

/* --- enable, disable --- */

void port_enable(struct port *p)
{
	p->enabled = true;
}

void port_disable(struct port *p)
{
	struct list *i;
	struct list *j;

	p->enabled = false;
	list_for_each (i, &p->nexuses) {
		struct port_nexus *n = list_entry(i, struct port_nexus, node);

		list_for_each (j, &n->chans)
			condemn(chan_of(j), PORT_CLOSE_DISABLED);
	}
}

/* --- login --- */

static bool id_has_guid(const struct srp_port_id *id)
{
	static const uint8_t zero[8];

	return memcmp(id->guid, zero, sizeof(zero)) != 0;
}

static struct port_addr key_addr(const struct port_login *login)
{
	struct port_addr a = { 0 };

	check(login->addr.len <= PORT_ADDR_BYTES);
	if (id_has_guid(&login->initiator))
		return a;
	a.len = login->addr.len;
	memcpy(a.bytes, login->addr.bytes, a.len);
	return a;
}

/* The last one of the key of @login: the others have ended. */
static struct port_nexus *find_nexus(const struct port *p, const struct port_login *login,
				     const struct port_addr *addr)
{
	const struct list *i;

	list_for_each (i, &p->nexuses) {
		struct port_nexus *n = list_entry(i, struct port_nexus, node);

		if (!n->after && srp_port_id_eq(&n->initiator, &login->initiator) &&
		    srp_port_id_eq(&n->target, &login->target) && n->addr.len == addr->len &&
		    memcmp(n->addr.bytes, addr->bytes, addr->len) == 0)
			return n;
	}
	return NULL;
}

/* A new nexus, that follows @before (NULL: none). */
static struct port_nexus *make_nexus(struct port *p, const struct port_login *login,
				     const struct port_addr *addr, struct port_nexus *before)
{
	struct list *node = list_pop(&p->free);
	struct port_nexus *n;

	if (!node)
		return NULL;
	n = list_entry(node, struct port_nexus, node);
	*n = (struct port_nexus){
		.initiator = login->initiator,
		.target = login->target,
		.addr = *addr,
		.before = before,
	};
	if (before)
		before->after = n;
	list_init(&n->chans);
	list_push(&p->nexuses, &n->node);
	p->n_nexuses++;
	return n;
}

static void evict_others(struct port_chan *pc)
{
	struct list *i;

	list_for_each (i, &pc->nexus->chans) {
		struct port_chan *other = chan_of(i);

		if (other == pc || !stays(other))
			continue;
		condemn(other, PORT_CLOSE_EVICTED);
		pc->evicted_some = true;
	}
}

/* May @n (NULL: none yet) have another channel? Return: 0 or a reject reason. */
static int may_join(const struct port *p, const struct port_nexus *n,
		    const struct port_login *login)
{
	const struct port_limits *l = &p->limits;
	const bool others = n && !login->single; /* those that stay when it has joined */
	const unsigned count = 1 + (others ? n_staying(n) : 0);
	const uint64_t bytes = login->bytes + (others ? bytes_staying(n) : 0);

	if (count > l->max_chans_per_nexus)
		return SRP_REJ_CHANNEL_LIMIT;
	if (l->nexus_credits && l->nexus_credits / count < PORT_LIMIT_MIN)
		return SRP_REJ_CHANNEL_LIMIT;
	return l->nexus_bytes && bytes > l->nexus_bytes ? SRP_REJ_RESOURCES : 0;
}

int port_login(struct port *p, struct port_chan *pc, const struct port_login *login)
{
	struct port_addr addr = key_addr(login);
	struct port_nexus *ended = NULL;
	struct port_nexus *n;
	int r;

	*pc = (struct port_chan){ .single = login->single, .bytes = login->bytes };
	list_init(&pc->node);
	list_init(&pc->close_node);
	list_init(&pc->admit_node);
	list_init(&pc->limit_node);
	if (!p->enabled || p->n_chans >= p->max_chans)
		return SRP_REJ_RESOURCES; /* INV-21 */
	n = find_nexus(p, login, &addr);
	if (n && !n_staying(n)) {
		ended = n;
		n = NULL;
	}
	r = may_join(p, n, login);
	if (r)
		return r;
	if (!n)
		n = make_nexus(p, login, &addr, ended);
	if (!n)
		return SRP_REJ_RESOURCES;
	pc->port = p;
	pc->nexus = n;
	pc->seq = p->seq++;
	list_push(&n->chans, &pc->node); /* INV-6 */
	n->n_chans++;
	p->n_chans++;
	if (pc->single)
		evict_others(pc);
	pc->limit = share_of(p, n_staying(n)); /* its own first, so that it is not told again */
	share_out(p, n);
	return 0;
}

void port_admit(struct port_chan *pc)
{
	check(pc->port && !pc->admission_asked);
	pc->admission_asked = true;
	try_decide(pc);
}

void port_closing(struct port_chan *pc)
{
	check(pc->port && !pc->closing);
	pc->closing = true;
	list_del(&pc->limit_node);
	try_decide_nexus(pc->nexus);
	share_out(pc->port, pc->nexus);
}

void port_quiet(struct port_chan *pc)
{
	check(pc->port && pc->closing && !pc->quiet);
	pc->quiet = true;
	try_decide_nexus(pc->nexus);
}

bool port_works(const struct port *p, const struct port_login *login)
{
	struct port_addr addr = key_addr(login);
	const struct port_nexus *n = find_nexus(p, login, &addr);

	return n && (!port_nexus_over(n) || ended_works(n));
}

void port_close_chan(struct port_chan *pc)
{
	check(pc->port);
	condemn(pc, PORT_CLOSE_SESSION);
	share_out(pc->port, pc->nexus);
}

void port_close_nexus(struct port_nexus *n)
{
	struct list *i;

	list_for_each (i, &n->chans)
		condemn(chan_of(i), PORT_CLOSE_SESSION);
}

/* INV-7: the only place that takes an entry off its nexus. */
unsigned port_release(struct port_chan *pc, void **ret_user)
{
	struct port *p = pc->port;
	struct port_nexus *n = pc->nexus;
	unsigned ret = 0;

	check(p && n->n_chans && p->n_chans);
	*ret_user = NULL;
	list_del(&pc->node);
	list_del(&pc->close_node);
	list_del(&pc->admit_node);
	list_del(&pc->limit_node);
	pc->port = NULL;
	pc->nexus = NULL;
	p->n_chans--; /* INV-20 */
	n->n_chans--;
	if (n->n_chans) {
		try_decide_nexus(n);
		share_out(p, n); /* it may never have said that it is closing */
	} else {
		*ret_user = n->user;
		n->user = NULL;
		if (n->before)
			n->before->after = n->after;
		if (n->after)
			n->after->before = n->before;
		try_decide_nexus(n->after);
		list_del(&n->node);
		list_push(&p->free, &n->node);
		p->n_nexuses--;
		ret |= PORT_NEXUS_ENDED;
	}
	return p->n_chans ? ret : ret | PORT_EMPTY;
}

struct port_chan *port_next_close(struct port *p)
{
	struct list *n = list_pop(&p->closes);

	return n ? list_entry(n, struct port_chan, close_node) : NULL;
}

struct port_chan *port_next_admission(struct port *p)
{
	struct list *n = list_pop(&p->admits);
	struct port_chan *pc;

	if (!n)
		return NULL;
	pc = list_entry(n, struct port_chan, admit_node);
	/* INV-3, INV-21: what changed since the decision counts, so a disable leaves no admission behind */
	if (!pc->reject && (!p->enabled || pc->close != PORT_KEEP || pc->closing))
		pc->reject = p->enabled ? SRP_REJ_UNSPECIFIED : SRP_REJ_RESOURCES;
	return pc;
}

static unsigned check_nexus(const struct port *p, const struct port_nexus *n)
{
	const struct list *i;
	unsigned count = 0;
	uint64_t seq = 0;

	list_for_each (i, &n->chans) {
		const struct port_chan *pc = chan_of(i);

		check(pc->port == p && pc->nexus == n);
		check(!count || pc->seq > seq);
		seq = pc->seq;
		count++;
		check(!pc->admission_decided || pc->admission_asked);
		check(!pc->quiet || pc->closing);
		/* everybody who stays has the same share, and knows it or is about to be told */
		check(!stays(pc) || pc->limit == share_of(p, n_staying(n)));
		check(stays(pc) || list_empty(&pc->limit_node));
		/* INV-21: on a disabled port nobody is left who was not told to go */
		check(p->enabled || pc->close == PORT_CLOSE_DISABLED || pc->closing);
		/* no admission is forgotten: what can be decided is decided */
		if (pc->admission_asked && !pc->admission_decided)
			check(p->enabled && pc->close == PORT_KEEP && !pc->closing &&
			      older_works(pc));
		/* INV-25: who is admitted has no older channel that works and had to end before */
		if (pc->admission_decided && !pc->reject)
			check(!older_works(pc));
	}
	check(!n->before || (n->before->after == n && !n_staying(n->before)));
	check(!n->after || n->after->before == n);
	check(count == n->n_chans && count >= 1); /* no nexus without a channel */
	return count;
}

void port_check(const struct port *p)
{
	const struct list *i;
	unsigned n_nexuses = 0;
	unsigned n_chans = 0;

	list_for_each (i, &p->nexuses) {
		n_chans += check_nexus(p, list_entry(i, struct port_nexus, node));
		n_nexuses++;
	}
	check(n_nexuses == p->n_nexuses);
	check(n_chans == p->n_chans && n_chans <= p->max_chans); /* INV-20 */
}
