/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The ports of a target and the addresses they listen at. Home worker. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/log.h"
#include "target/unit.h"

/* Whether a port has @id. One that is retired keeps no other from having it: it takes no logins. */
static bool port_id_taken(const struct tgt *t, const struct srp_port_id *id)
{
	const struct list *pos;

	list_for_each (pos, &t->ports) {
		const struct tgt_port *p =
			container_of(list_entry(pos, struct port, node), struct tgt_port, port);

		if (!p->retired && srp_port_id_eq(&p->port.id, id))
			return true;
	}
	return false;
}

/* --- relative port identifiers --- */

/* Another port has @id. */
static bool relative_id_taken(const struct tgt *t, uint16_t id)
{
	for (unsigned i = 0; i < t->relative_ids.n; i++)
		if (t->relative_ids.id[i] == id)
			return true;
	return false;
}

static bool port_number(struct tgt_port *p, uint16_t had, bool given)
{
	struct tgt *t = p->t;

	bool taken = had && relative_id_taken(t, had);

	if (t->relative_ids.n == SCSI_PORTS_MAX || (given && taken))
		return false;
	if (given) {
		p->relative_id = had;
		if (t->last_relative_id < had)
			t->last_relative_id = had;
	} else if (had && !taken &&
		   had <= t->last_relative_id) { /* above it another may come to have it */
		p->relative_id = had;
	} else if (t->last_relative_id == UINT16_MAX) {
		return false;
	} else {
		p->relative_id = ++t->last_relative_id;
	}
	t->relative_ids.id[t->relative_ids.n++] = p->relative_id;
	return true;
}

static void port_unnumber(struct tgt_port *p)
{
	struct scsi_ports *ids = &p->t->relative_ids;

	for (unsigned i = 0; i < ids->n; i++) {
		if (ids->id[i] != p->relative_id)
			continue;
		ids->n--;
		memmove(ids->id + i, ids->id + i + 1, (ids->n - i) * sizeof(ids->id[0]));
		return;
	}
}

/* --- ports --- */

/* What was left to us is decided. */
static struct tgt_port_limits port_limits_of(const struct tgt_port_limits *in)
{
	struct tgt_port_limits l = *in;

	l.credits = l.credits ? l.credits : TGT_CREDITS;
	check(l.credits >= PORT_LIMIT_MIN && l.max_immediate <= TGT_IMMEDIATE_MAX);
	return l;
}

static struct port_limits port_limits_core(const struct tgt_port_limits *l)
{
	return (struct port_limits){ .max_chans_per_nexus = l->max_chans_per_nexus,
				     .max_limit = l->credits,
				     .nexus_credits = l->credits_per_initiator,
				     .nexus_bytes = l->bytes_per_initiator };
}

int tgt_port_new(struct tgt_port **ret, struct tgt *t, const struct tgt_port_opts *o)
{
	unsigned max = o->max_chans ? o->max_chans : 1024;
	struct tgt_port_limits limits = port_limits_of(&o->limits);
	struct port_config cfg = {
		.id = o->id, .max_chans = max, .limits = port_limits_core(&limits), .n_pool = max
	};
	struct tgt_port *p;

	if (port_id_taken(t, &o->id))
		return -EEXIST;
	p = calloc(1, sizeof(*p));
	cfg.pool = calloc(max, sizeof(*cfg.pool));
	if (!p || !cfg.pool) {
		free(cfg.pool);
		free(p);
		return -ENOMEM;
	}
	p->t = t;
	if (!port_number(p, o->relative_id, o->relative_id_given)) {
		free(cfg.pool);
		free(p);
		return -ENOSPC;
	}
	p->pool = cfg.pool;
	p->default_port = o->default_port;
	p->limits = limits;
	p->acl = o->acl;
	p->acl_ctx = o->acl_ctx;
	(void)snprintf(p->name, sizeof(p->name), "%s", o->name);
	port_init(&p->port, &cfg);
	p->port.user = p;
	list_push(&t->ports, &p->port.node);
	*ret = p;
	return 0;
}

static struct tgt_listener *listener_find(struct tgt *t, const struct sockaddr *addr, socklen_t len)
{
	struct list *pos;

	list_for_each (pos, &t->listeners) {
		struct tgt_listener *l = list_entry(pos, struct tgt_listener, node);

		if (l->addr_len == len && !memcmp(&l->addr, addr, len))
			return l;
	}
	return NULL;
}

static void listener_unref(struct tgt_listener *l)
{
	if (--l->refs)
		return;
	l->t->ops->unlisten(l->fl);
	list_del(&l->node);
	free(l);
}

int tgt_port_listen(struct tgt_port *p, const struct sockaddr *addr, socklen_t len)
{
	struct tgt *t = p->t;
	struct tgt_listener *l = listener_find(t, addr, len);
	unsigned slot = 0;
	int r;

	if (l && tgt_port_listens(p, l))
		return 0;
	while (slot < TGT_LISTENS_MAX && p->listens[slot])
		slot++;
	if (slot == TGT_LISTENS_MAX)
		return -ENOSPC;
	if (!l) {
		l = calloc(1, sizeof(*l));
		if (!l)
			return -ENOMEM;
		l->t = t;
		memcpy(&l->addr, addr, len);
		l->addr_len = len;
		r = t->ops->listen(&l->fl, t->fab, tgt_home(t), addr, len, &login_handler, l);
		if (r) {
			free(l);
			return r;
		}
		list_push(&t->listeners, &l->node);
	}
	l->refs++;
	p->listens[slot] = l;
	return 0;
}

void tgt_port_unlisten(struct tgt_port *p, const struct sockaddr *addr, socklen_t len)
{
	struct tgt_listener *l = listener_find(p->t, addr, len);

	for (unsigned i = 0; l && i < TGT_LISTENS_MAX; i++) {
		if (p->listens[i] != l)
			continue;
		p->listens[i] = NULL;
		listener_unref(l);
		return;
	}
}

static void port_unlisten_all(struct tgt_port *p)
{
	for (unsigned i = 0; i < TGT_LISTENS_MAX; i++) {
		if (p->listens[i])
			listener_unref(p->listens[i]);
		p->listens[i] = NULL;
	}
}

void tgt_port_enable(struct tgt_port *p)
{
	port_enable(&p->port);
}

void tgt_port_set_limits(struct tgt_port *p, const struct tgt_port_limits *limits)
{
	struct port_limits core;

	p->limits = port_limits_of(limits);
	core = port_limits_core(&p->limits);
	port_set_limits(&p->port, &core);
	login_drain(p);
}

void tgt_port_disable(struct tgt_port *p)
{
	port_disable(&p->port);
	login_drain(p);
}

void tgt_port_retire(struct tgt_port *p)
{
	struct list *pos;

	port_unlisten_all(p);
	port_unnumber(p);
	p->retired = true;
	tgt_port_disable(p);
	list_for_each (pos, &p->port.nexuses) {
		struct session *s = list_entry(pos, struct port_nexus, node)->user;

		/* Its units may go before its last channel does. */
		if (scsi_nexus_remap(&s->nexus, NULL, 0) > 0)
			home_publish_nexus(s);
		home_drain_all(p->t);
	}
	login_check_ended(p);
}

void tgt_port_recheck(struct tgt_port *p, tgt_acl_fn *acl, void *acl_ctx)
{
	struct scsi_map_entry map[SCSI_LUN_COUNT];
	struct list *pos;

	p->acl = acl;
	p->acl_ctx = acl_ctx;
	list_for_each (pos, &p->port.nexuses) {
		struct port_nexus *n = list_entry(pos, struct port_nexus, node);
		struct session *s = n->user;
		int n_map;

		if (port_nexus_over(n)) /* it has let go of its units */
			continue;
		n_map = acl(acl_ctx, &s->initiator, (const struct sockaddr *)&s->peer, map,
			    SCSI_LUN_COUNT);

		if (n_map < 0) {
			log_info("target %s: a session is no longer allowed, logging it out",
				 p->name);
			port_close_nexus(n);
			n_map = 0; /* its units may be about to go */
		}
		if (scsi_nexus_remap(&s->nexus, map, (size_t)n_map) > 0)
			home_publish_nexus(s);
	}
	home_drain_all(p->t); /* nobody waits for a nexus that has a unit no more */
	login_drain(p);
}

struct tgt_port_info tgt_port_info(const struct tgt_port *p)
{
	return (struct tgt_port_info){ .name = p->name,
				       .enabled = p->port.enabled,
				       .id = p->port.id,
				       .relative_id = p->relative_id,
				       .n_chans = p->port.n_chans,
				       .logins = p->logins,
				       .rejects = p->rejects };
}

static void shutdown_force(struct worker *w, struct worker_timer *timer)
{
	struct tgt *t = container_of(timer, struct tgt, force);
	struct list *pos;

	(void)w;
	log_warn("%u channels did not log out in time, closing them", t->n_chans);
	list_for_each (pos, &t->ports)
		tgt_port_disable(
			container_of(list_entry(pos, struct port, node), struct tgt_port, port));
}

void tgt_shutdown(struct tgt *t, uint64_t force_ns, void (*done)(void *ctx), void *ctx)
{
	struct list *pos;

	t->stopping = true;
	t->stopped = done;
	t->stopped_ctx = ctx;
	worker_timer_init(&t->force, shutdown_force);
	if (worker_timer_start(tgt_home(t), &t->force, force_ns))
		log_warn("no timer for the shutdown deadline, waiting without one");
	list_for_each (pos, &t->units) {
		erase_cancel(list_entry(pos, struct tgt_unit, node));
		suspend_shutdown(list_entry(pos, struct tgt_unit, node));
	}
	list_for_each (pos, &t->ports) {
		struct tgt_port *p =
			container_of(list_entry(pos, struct port, node), struct tgt_port, port);
		struct list *n;

		port_unlisten_all(p);
		list_for_each (n, &p->port.nexuses)
			port_close_nexus(list_entry(n, struct port_nexus, node));
		login_drain(p);
	}
	login_check_stopped(t);
}

void tgt_waits_for(const struct tgt *t, char *buf, size_t len)
{
	(void)snprintf(buf, len,
		       "%u channels, %u devices with I/O that hangs, %u that are erased or "
		       "flushed, %u states to be saved",
		       t->n_chans + t->n_viewing, t->n_fenced, t->n_erasing + t->n_flushing,
		       t->n_saving);
}
