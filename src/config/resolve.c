/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What can only be checked when the whole file has been read. */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "config/parse.h"

/* --- devices --- */

static int index_by_name(const void *a, const void *b)
{
	const struct config_device *const *x = a;
	const struct config_device *const *y = b;
	int r = strcmp((*x)->name, (*y)->name);

	return r ? r : (*x < *y ? -1 : *x > *y);
}

static int index_find_name(const void *key, const void *elem)
{
	const struct config_device *const *d = elem;

	return strcmp(key, (*d)->name);
}

const struct config_device **parse_index(const struct config *c, bool *ret_no_memory)
{
	const struct config_device **index;

	if (!c->n_devices)
		return NULL;
	index = reallocarray(NULL, c->n_devices, sizeof(const struct config_device *));
	if (!index) {
		*ret_no_memory = true;
		return NULL;
	}
	for (unsigned i = 0; i < c->n_devices; i++)
		index[i] = &c->devices[i];
	qsort(index, c->n_devices, sizeof(const struct config_device *), index_by_name);
	return index;
}

const struct config_device *parse_index_find(const struct config_device **index, unsigned n,
					     const char *name)
{
	const struct config_device **at = NULL;

	if (index)
		at = bsearch(name, index, n, sizeof(const struct config_device *), index_find_name);
	return at ? *at : NULL;
}

/* The devices ordered by name, NULL without memory (or devices); duplicates are noted. */
static const struct config_device **resolve_devices(struct parse *p)
{
	const struct config_device **index = parse_index(p->config, &p->no_memory);

	for (unsigned i = 1; index && i < p->config->n_devices; i++)
		if (!strcmp(index[i]->name, index[i - 1]->name))
			errors_add(p->errs, index[i]->pos,
				   "DEVICE \"%s\" is there twice; the first is in line %u",
				   index[i]->name, index[i - 1]->pos.line);
	return index;
}

void resolve_no_device(struct parse *p, const char *name, struct config_pos pos)
{
	struct errors_offer offer;
	char hint[160] = "there is none";

	/* Comparing names is slow and pays only when the error can still be shown. */
	if (p->errs->n < CONFIG_ERRORS_MAX && p->config->n_devices) {
		errors_offer_init(&offer, name);
		for (unsigned i = 0; i < p->config->n_devices; i++)
			errors_offer_add(&offer, p->config->devices[i].name);
		errors_offer_format(&offer, hint, sizeof(hint));
	}
	errors_add(p->errs, pos, "no DEVICE \"%s\"; %s", name, hint);
}

static void resolve_lun(struct parse *p, struct config_lun *l, const struct config_device **index)
{
	const struct parse_ref *ref = &p->refs[l->device];
	const struct config_device *dev =
		parse_index_find(index, p->config->n_devices, ref->device);

	if (!dev) {
		resolve_no_device(p, ref->device, ref->pos);
		l->device = 0;
		return;
	}
	if (dev->handler == CONFIG_PROXY && l->read_only)
		errors_add(
			p->errs, ref->pos,
			"LUN %u has read_only 1, but its DEVICE \"%s\" is of another target, which "
			"must say so",
			l->lun, dev->name);
	if (dev->read_only && ref->ro_given && !l->read_only)
		errors_add(p->errs, l->pos,
			   "LUN %u has read_only 0, but its DEVICE \"%s\" is read_only", l->lun,
			   ref->device);
	l->read_only = l->read_only || dev->read_only;
	l->device = (unsigned)(dev - p->config->devices);
}

/* --- groups --- */

static int resolve_by_lun(const void *a, const void *b)
{
	const struct config_lun *x = a;
	const struct config_lun *y = b;

	if (x->lun != y->lun)
		return x->lun < y->lun ? -1 : 1;
	if (x->pos.line != y->pos.line)
		return x->pos.line < y->pos.line ? -1 : 1;
	return x->pos.column < y->pos.column ? -1 : x->pos.column > y->pos.column;
}

static void resolve_group(struct parse *p, struct config_group *g,
			  const struct config_device **index)
{
	bool includes = !g->n_patterns;

	for (unsigned i = 0; i < g->n_luns; i++)
		resolve_lun(p, &g->luns[i], index);
	if (g->n_luns)
		qsort(g->luns, g->n_luns, sizeof(*g->luns), resolve_by_lun);
	for (unsigned i = 1; i < g->n_luns; i++)
		if (g->luns[i].lun == g->luns[i - 1].lun)
			errors_add(p->errs, g->luns[i].pos,
				   "LUN %u is there twice; the first is in line %u", g->luns[i].lun,
				   g->luns[i - 1].pos.line);
	for (unsigned i = 0; i < g->n_patterns; i++)
		includes = includes || g->patterns[i][0] != '!';
	if (!includes)
		errors_add(
			p->errs, g->pos,
			"GROUP \"%s\" only excludes initiators (\"!\"): add \"INITIATOR *\" to let "
			"all others in",
			g->name);
}

/* --- listeners --- */

static uint16_t resolve_port(const struct config_listen *l)
{
	struct config_listen_ib ib;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	if (l->addr.ss_family == AF_IB) {
		memcpy(&ib, &l->addr, sizeof(ib));
		return ib.port;
	}
	if (l->addr.ss_family == AF_INET) {
		memcpy(&v4, &l->addr, sizeof(v4));
		return v4.sin_port;
	}
	memcpy(&v6, &l->addr, sizeof(v6));
	return v6.sin6_port;
}

static bool resolve_wildcard(const struct config_listen *l)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	if (l->addr.ss_family == AF_IB)
		return true;
	if (l->addr.ss_family == AF_INET) {
		memcpy(&v4, &l->addr, sizeof(v4));
		return v4.sin_addr.s_addr == htonl(INADDR_ANY);
	}
	memcpy(&v6, &l->addr, sizeof(v6));
	return IN6_IS_ADDR_UNSPECIFIED(&v6.sin6_addr);
}

static bool resolve_same(const struct config_listen *a, const struct config_listen *b)
{
	return a->addr_len == b->addr_len && !memcmp(&a->addr, &b->addr, a->addr_len);
}

/* Two sockets that the kernel does not give to one process at a time. */
static bool resolve_overlap(const struct config_listen *a, const struct config_listen *b)
{
	return a->addr.ss_family == b->addr.ss_family && resolve_port(a) == resolve_port(b) &&
	       resolve_wildcard(a) != resolve_wildcard(b);
}

static void resolve_listen_pair(struct parse *p, const struct config_target *const t[2],
				const struct config_listen *a, const struct config_listen *b)
{
	char text[64];

	config_listen_format(a, text, sizeof(text));
	if (resolve_overlap(a, b))
		errors_add(
			p->errs, b->pos,
			"this address is part of listen %s in line %u: one port can be had on all "
			"addresses or on single ones",
			text, a->pos.line);
	if (!resolve_same(a, b))
		return;
	if (t[0] == t[1])
		errors_add(p->errs, b->pos, "listen %s is there twice; the first is in line %u",
			   text, a->pos.line);
	else if (t[0]->driver != t[1]->driver)
		errors_add(p->errs, b->pos,
			   "listen %s is that of TARGET \"%s\" in line %u, which has another "
			   "TARGET_DRIVER",
			   text, t[0]->name, a->pos.line);
	else if (t[0]->default_target && t[1]->default_target)
		errors_add(p->errs, t[1]->pos,
			   "TARGET \"%s\" and \"%s\" are both default_target on %s: a login that "
			   "names none can reach one only",
			   t[0]->name, t[1]->name, text);
}

static void resolve_listens(struct parse *p, const struct config_target *a,
			    const struct config_target *b)
{
	const struct config_target *const pair[2] = { a, b };

	for (unsigned i = 0; i < a->n_listens; i++)
		for (unsigned j = a == b ? i + 1 : 0; j < b->n_listens; j++)
			resolve_listen_pair(p, pair, &a->listens[i], &b->listens[j]);
}

/* --- targets --- */

static void resolve_pair(struct parse *p, const struct config_target *a,
			 const struct config_target *b)
{
	bool ids = a->id_ext || a->ioc_guid;

	if (!strcmp(a->name, b->name))
		errors_add(p->errs, b->pos, "TARGET \"%s\" is there twice; the first is in line %u",
			   b->name, a->pos.line);
	else if (ids && a->id_ext == b->id_ext && a->ioc_guid == b->ioc_guid)
		errors_add(p->errs, b->pos,
			   "TARGET \"%s\" has the id_ext and ioc_guid of TARGET \"%s\"", b->name,
			   a->name);
	resolve_listens(p, a, b);
}

static void resolve_target(struct parse *p, struct config_target *t,
			   const struct config_device **index)
{
	resolve_group(p, &t->any_group, index);
	for (unsigned i = 0; i < t->n_groups; i++) {
		struct config_group *g = &t->groups[i];

		resolve_group(p, g, index);
		for (unsigned j = 0; j < i; j++) {
			if (strcmp(g->name, t->groups[j].name) != 0)
				continue;
			errors_add(p->errs, g->pos,
				   "GROUP \"%s\" is there twice; the first is in line %u", g->name,
				   t->groups[j].pos.line);
			break;
		}
	}
	for (unsigned i = 0; i < t->n_listens; i++)
		if (t->listens[i].addr.ss_family == AF_IB && t->driver == CONFIG_DRIVER_IWARP)
			errors_add(p->errs, t->listens[i].pos,
				   "listen ib needs TARGET_DRIVER srpt or verbs: iWARP has IP "
				   "addresses only");
	if (t->enabled && !t->n_listens)
		errors_add(p->errs, t->pos,
			   "TARGET \"%s\" is enabled but listens nowhere: add \"listen "
			   "ADDRESS:PORT\"",
			   t->name);
	resolve_listens(p, t, t);
}

void resolve(struct parse *p)
{
	struct config *c = p->config;
	const struct config_device **index = resolve_devices(p);

	for (unsigned i = 0; i < c->n_targets; i++) {
		resolve_target(p, &c->targets[i], index);
		for (unsigned j = 0; j < i; j++)
			resolve_pair(p, &c->targets[j], &c->targets[i]);
	}
	resolve_dgroups(p, index);
	free(index);
}
