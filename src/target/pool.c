/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "target/pool.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/check.h"

static const uint32_t pool_cap[POOL_CLASS_COUNT] = { 4096, 64 * 1024, POOL_MAX_BYTES };

int pool_init(struct pool *p, const unsigned n[POOL_CLASS_COUNT])
{
	unsigned all = 0;
	struct pool_buf *b;
	char *at;

	*p = (struct pool){ 0 };
	for (unsigned c = 0; c < POOL_CLASS_COUNT; c++) {
		list_init(&p->free[c]);
		p->arena_bytes += (size_t)n[c] * pool_cap[c];
		all += n[c];
	}
	p->bufs = calloc(all, sizeof(*p->bufs));
	p->arena = mmap(NULL, p->arena_bytes, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (!p->bufs || p->arena == MAP_FAILED) {
		if (p->arena != MAP_FAILED)
			(void)munmap(p->arena, p->arena_bytes);
		free(p->bufs);
		*p = (struct pool){ 0 };
		return -ENOMEM;
	}
	b = p->bufs;
	at = p->arena;
	/* The largest first: they keep the alignment that huge pages want. */
	for (unsigned c = POOL_CLASS_COUNT; c-- > 0;) {
		for (unsigned i = 0; i < n[c]; i++, b++, at += pool_cap[c]) {
			*b = (struct pool_buf){ .addr = at,
						.cap = pool_cap[c],
						.class = (enum pool_class)c };
			list_push(&p->free[c], &b->node);
		}
		p->n_free[c] = n[c];
		p->n_all[c] = n[c];
	}
	return 0;
}

/* @b is extra, and free. */
static void pool_drop(struct pool *p, struct pool_buf *b)
{
	list_del(&b->node);
	p->n_free[b->class]--;
	p->n_all[b->class]--;
	(void)munmap(b->addr, b->cap);
	free(b);
}

static void pool_drop_extra(struct pool *p, unsigned class, unsigned n)
{
	struct list *pos, *tmp;

	list_for_each_safe (pos, tmp, &p->free[class]) {
		struct pool_buf *b = list_entry(pos, struct pool_buf, node);

		if (!n)
			return;
		if (!b->extra)
			continue;
		pool_drop(p, b);
		n--;
	}
}

void pool_deinit(struct pool *p)
{
	if (!p->bufs)
		return;
	for (unsigned c = 0; c < POOL_CLASS_COUNT; c++) {
		check(p->n_free[c] == p->n_all[c]);
		pool_drop_extra(p, c, UINT_MAX);
	}
	(void)munmap(p->arena, p->arena_bytes);
	free(p->bufs);
	*p = (struct pool){ 0 };
}

enum pool_class pool_class_of(size_t len)
{
	unsigned c = 0;

	check(len > 0 && len <= POOL_MAX_BYTES);
	while (len > pool_cap[c])
		c++;
	return (enum pool_class)c;
}

bool pool_has(const struct pool *p, enum pool_class from, enum pool_class to)
{
	for (unsigned c = from; c <= to; c++) {
		if (p->n_free[c])
			return true;
	}
	return false;
}

struct pool_buf *pool_get(struct pool *p, struct pool_share *s, enum pool_class from,
			  enum pool_class to)
{
	for (unsigned c = from; c <= to; c++) {
		if (s->n[c] >= p->n_free[c]) /* also when there is none */
			continue;
		p->n_free[c]--;
		s->n[c]++;
		return list_entry(list_pop(&p->free[c]), struct pool_buf, node);
	}
	return NULL;
}

void pool_put(struct pool *p, struct pool_share *s, struct pool_buf *b)
{
	if (!b)
		return;
	check(s->n[b->class] > 0);
	s->n[b->class]--;
	list_push_front(&p->free[b->class], &b->node);
	p->n_free[b->class]++;
	check(p->n_free[b->class] <= p->n_all[b->class]);
	if (b->extra && p->surplus[b->class]) {
		p->surplus[b->class]--;
		pool_drop(p, b);
	}
}

int pool_lend(struct pool *p, enum pool_class class)
{
	struct pool_buf *b = malloc(sizeof(*b));
	void *addr = mmap(NULL, pool_cap[class], PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (!b || addr == MAP_FAILED) {
		if (addr != MAP_FAILED)
			(void)munmap(addr, pool_cap[class]);
		free(b);
		return -ENOMEM;
	}
	*b = (struct pool_buf){
		.addr = addr, .cap = pool_cap[class], .class = class, .extra = true
	};
	list_push(&p->free[class], &b->node);
	p->n_free[class]++;
	p->n_all[class]++;
	return 0;
}

void pool_repay(struct pool *p, enum pool_class class)
{
	unsigned had = p->n_all[class];

	pool_drop_extra(p, class, 1);
	if (p->n_all[class] == had)
		p->surplus[class]++;
}
