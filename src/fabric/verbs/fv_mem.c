/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Memory. What mem_add() announced is registered once with every device, for local access; workers look
 * keys up in copies of their own, which are renewed when the device's generation changes. What a peer may
 * access is registered for a connection. Keys are valid in the device's protection domain,
 * so a region is as safe from another peer as its key is hard to guess.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "fabric/verbs/fv.h"

static int keys_room(struct fv_keys *k, unsigned n)
{
	struct fv_key *v;

	if (n <= k->room)
		return 0;
	n = n < 16 ? 16 : 2 * n;
	v = realloc(k->v, n * sizeof(*v));
	if (!v)
		return -ENOMEM;
	k->v = v;
	k->room = n;
	return 0;
}

/* Index of the first key that ends behind @addr. */
static unsigned keys_search(const struct fv_keys *k, const uint8_t *addr)
{
	unsigned low = 0;
	unsigned high = k->n;

	while (low < high) {
		unsigned mid = low + (high - low) / 2;

		if (k->v[mid].end <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* Context: fv.lock is held. */
static int dev_add(struct fv_dev *d, const struct fv_region *g)
{
	struct fv_keys *k = &d->keys;
	struct ibv_mr *mr;
	unsigned i;
	int r = keys_room(k, k->n + 1);

	if (r)
		return r;
	mr = ibv_reg_mr(d->pd, g->addr, g->len, IBV_ACCESS_LOCAL_WRITE);
	if (!mr)
		return errno ? -errno : -ENOMEM;
	i = keys_search(k, g->addr);
	memmove(&k->v[i + 1], &k->v[i], (k->n - i) * sizeof(*k->v));
	k->v[i] = (struct fv_key){ g->addr, g->addr + g->len, mr, mr->lkey };
	k->n++;
	atomic_fetch_add(&d->gen, 1);
	return 0;
}

/* Context: fv.lock is held. */
static void dev_del(struct fv_dev *d, const uint8_t *addr)
{
	struct fv_keys *k = &d->keys;
	unsigned i = keys_search(k, addr);

	if (i == k->n || k->v[i].addr != addr)
		return; /* it could not be registered here */
	(void)ibv_dereg_mr(k->v[i].mr);
	k->n--;
	memmove(&k->v[i], &k->v[i + 1], (k->n - i) * sizeof(*k->v));
	atomic_fetch_add(&d->gen, 1);
}

int fv_mem_attach(struct fv_dev *d)
{
	int r = 0;

	for (unsigned i = 0; i < d->fv->n_regions && !r; i++)
		r = dev_add(d, &d->fv->regions[i]);
	return r;
}

void fv_mem_detach(struct fv_dev *d)
{
	for (unsigned i = 0; i < d->keys.n; i++)
		(void)ibv_dereg_mr(d->keys.v[i].mr);
	d->keys.n = 0;
}

static int region_add(struct fv *fv, void *addr, size_t len)
{
	if (fv->n_regions == fv->regions_room) {
		unsigned room = fv->regions_room ? 2 * fv->regions_room : 64;
		struct fv_region *more = realloc(fv->regions, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		fv->regions = more;
		fv->regions_room = room;
	}
	fv->regions[fv->n_regions++] = (struct fv_region){ addr, len };
	return 0;
}

static void region_del(struct fv *fv, const void *addr)
{
	for (unsigned i = 0; i < fv->n_regions; i++) {
		if (fv->regions[i].addr != addr)
			continue;
		fv->regions[i] = fv->regions[--fv->n_regions];
		return;
	}
}

int fv_mem_add(struct fab *f, void *addr, size_t len)
{
	struct fv *fv = fv_of(f);
	struct list *pos;
	int r;

	(void)pthread_mutex_lock(&fv->lock);
	r = region_add(fv, addr, len);
	list_for_each (pos, &fv->devs) {
		struct fv_dev *d = list_entry(pos, struct fv_dev, node);

		if (!r && !d->gone)
			r = dev_add(d, &fv->regions[fv->n_regions - 1]);
	}
	(void)pthread_mutex_unlock(&fv->lock);
	if (r)
		fv_mem_del(f, addr, len);
	return r;
}

void fv_mem_del(struct fab *f, void *addr, size_t len)
{
	struct fv *fv = fv_of(f);
	struct list *pos;

	(void)len;
	(void)pthread_mutex_lock(&fv->lock);
	region_del(fv, addr);
	list_for_each (pos, &fv->devs)
		dev_del(list_entry(pos, struct fv_dev, node), addr);
	(void)pthread_mutex_unlock(&fv->lock);
}

/* Renew the copy. When there is no memory for it nothing is found, and each I/O registers for itself. */
static void port_copy_keys(struct fv_port *p)
{
	struct fv_dev *d = p->dev;

	(void)pthread_mutex_lock(&d->fv->lock);
	p->keys.n = 0;
	if (keys_room(&p->keys, d->keys.n) == 0) {
		if (d->keys.n)
			memcpy(p->keys.v, d->keys.v, d->keys.n * sizeof(*d->keys.v));
		p->keys.n = d->keys.n;
	}
	p->gen = atomic_load(&d->gen);
	(void)pthread_mutex_unlock(&d->fv->lock);
}

bool fv_mem_find(struct fv_port *p, const void *addr, size_t len, uint32_t *ret_lkey)
{
	const uint8_t *at = addr;
	const struct fv_key *k;
	unsigned i;

	if (p->gen != atomic_load_explicit(&p->dev->gen, memory_order_acquire))
		port_copy_keys(p);
	i = keys_search(&p->keys, at);
	k = &p->keys.v[i];
	if (i == p->keys.n || at < k->addr || len > (size_t)(k->end - at))
		return false;
	*ret_lkey = k->lkey;
	return true;
}

/* --- what a peer may access --- */

static int mr_slot(struct fv_conn *c, unsigned *ret)
{
	unsigned n = c->n_mrs ? 2 * c->n_mrs : 16;
	struct ibv_mr **more;

	for (unsigned i = 0; i < c->n_mrs; i++) {
		if (!c->mrs[i]) {
			*ret = i;
			return 0;
		}
	}
	more = realloc(c->mrs, n * sizeof(struct ibv_mr *));
	if (!more)
		return -ENOSPC;
	memset(more + c->n_mrs, 0, (n - c->n_mrs) * sizeof(struct ibv_mr *));
	*ret = c->n_mrs;
	c->mrs = more;
	c->n_mrs = n;
	return 0;
}

int fv_mr_reg(struct fab_conn *base, void *addr, size_t len, unsigned access, struct fab_mr *ret)
{
	struct fv_conn *c = fv_conn_of(base);
	unsigned flags = IBV_ACCESS_LOCAL_WRITE;
	unsigned slot;
	int r;

	if (!c->port || !len)
		return -EINVAL;
	if (access & FAB_ACCESS_REMOTE_READ)
		flags |= IBV_ACCESS_REMOTE_READ;
	if (access & FAB_ACCESS_REMOTE_WRITE)
		flags |= IBV_ACCESS_REMOTE_WRITE;
	r = mr_slot(c, &slot);
	if (r)
		return r;
	c->mrs[slot] = ibv_reg_mr(c->port->dev->pd, addr, len, flags);
	if (!c->mrs[slot])
		return -ENOSPC;
	*ret = (struct fab_mr){ addr, len, c->mrs[slot]->rkey, slot };
	return 0;
}

void fv_mr_dereg(struct fab_conn *base, struct fab_mr *mr)
{
	struct fv_conn *c = fv_conn_of(base);

	if (mr->slot >= c->n_mrs || !c->mrs[mr->slot])
		return;
	(void)ibv_dereg_mr(c->mrs[mr->slot]);
	c->mrs[mr->slot] = NULL;
}

void fv_mr_dereg_all(struct fv_conn *c)
{
	for (unsigned i = 0; i < c->n_mrs; i++)
		if (c->mrs[i])
			(void)ibv_dereg_mr(c->mrs[i]);
	free(c->mrs);
	c->mrs = NULL;
	c->n_mrs = 0;
}
