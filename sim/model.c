/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "sim/model_i.h"

#include "base/check.h"
#include "sim/sched.h"
#include "sim/world.h"

#define OPEN_MAX 2048u /* reads, flushes and copies under way */

static struct mdisk disks[MODEL_DISKS];
static struct mwrite *writes;
static uint32_t n_writes, cap_writes;
static uint64_t begun[OPEN_MAX];
static unsigned n_begun;

/* --- disks --- */

void model_disk(unsigned disk, const struct model_disk *p)
{
	struct mdisk *d = &disks[disk];

	check(disk < MODEL_DISKS && !d->block && p->block_bytes <= BLOCK_MAX);
	*d = (struct mdisk){ .p = *p };
	d->block = world_alloc(p->n_blocks * sizeof(*d->block));
}

void model_reset(void)
{
	for (unsigned i = 0; i < MODEL_DISKS; i++) {
		for (uint64_t k = 0; disks[i].block && k < disks[i].p.n_blocks; k++)
			world_free(disks[i].block[k].c);
		world_free(disks[i].block);
		disks[i] = (struct mdisk){ 0 };
	}
	model_copy_reset();
	world_free(writes);
	writes = NULL;
	n_writes = cap_writes = n_begun = 0;
}

struct mdisk *model_disk_at(unsigned disk)
{
	return &disks[disk];
}

struct mwrite *model_write_at(uint32_t id)
{
	return &writes[id];
}

struct mblock *model_block_at(struct mdisk *d, uint64_t lba)
{
	struct mblock *b;

	check(lba < d->p.n_blocks);
	b = &d->block[lba];
	if (!b->n) {
		b->cap = 4;
		b->c = world_alloc(b->cap * sizeof(*b->c));
		b->c[b->n++] =
			(struct cand){ .zero = true, .sure = true, .stable = true, .end = 0 };
	}
	return b;
}

void model_block_add(struct mblock *b, const struct cand *c)
{
	if (b->n == b->cap) {
		struct cand *more = world_alloc(2ul * b->cap * sizeof(*more));

		memcpy(more, b->c, b->n * sizeof(*more));
		world_free(b->c);
		b->c = more;
		b->cap *= 2;
	}
	b->c[b->n++] = *c;
}

/* --- what is possible --- */

static bool is_stable(const struct mdisk *d, const struct cand *c)
{
	return c->stable || d->p.stable || c->by < d->flushed;
}

bool model_is_gone(const struct mdisk *d, const struct mblock *b, const struct cand *c, uint64_t at,
		   bool by_stable)
{
	for (unsigned i = 0; i < b->n; i++) {
		const struct cand *o = &b->c[i];

		bool behind = c->end < o->start || (c->id && o->behind == c->id);

		if (o->sure && o->by < at && behind && (!by_stable || is_stable(d, o)))
			return true;
	}
	return false;
}

static uint64_t oldest_begun(void)
{
	uint64_t oldest = sched_tick();

	for (unsigned i = 0; i < n_begun; i++)
		oldest = min_u64(oldest, begun[i]);
	return oldest;
}

/* Forget what no read can give any more, not even after a power cut. */
static void prune(const struct mdisk *d, struct mblock *b)
{
	uint64_t oldest;
	unsigned n = 0;

	if (b->n == 1)
		return;
	oldest = oldest_begun();
	for (unsigned i = 0; i < b->n; i++)
		if (!model_is_gone(d, b, &b->c[i], oldest, true) && (b->c[i].end || !b->c[i].id))
			b->c[n++] = b->c[i];
	b->n = n;
}

/* --- writes --- */

uint32_t model_write(unsigned disk, uint64_t lba, uint32_t n, enum model_kind kind, const char *who)
{
	uint32_t id;

	if (n_writes + 1 >= cap_writes) {
		uint32_t cap = cap_writes ? 2 * cap_writes : 1024;
		struct mwrite *more = world_alloc(cap * sizeof(*more));

		if (writes)
			memcpy(more, writes, cap_writes * sizeof(*more));
		world_free(writes);
		writes = more;
		cap_writes = cap;
	}
	id = ++n_writes;
	writes[id] = (struct mwrite){ .lba = lba,
				      .n = n,
				      .disk = (uint8_t)disk,
				      .kind = (uint8_t)kind,
				      .open = true,
				      .who = who };
	/* Of what is kept or copied it is known when it is there. */
	for (uint32_t i = 0; i < n && kind != MODEL_KEEP && kind != MODEL_COPY; i++) {
		struct mblock *b = model_block_at(&disks[disk], lba + i);

		model_block_add(b, &(struct cand){ .id = id,
						   .holds = id,
						   .at = kind == MODEL_SAME ? lba : lba + i,
						   .zero = kind == MODEL_ZERO,
						   .start = sched_tick(),
						   .end = NEVER,
						   .by = NEVER });
	}
	return id;
}

bool model_write_is_open(uint32_t id)
{
	return writes[id].open;
}

static void fill(const struct stamp *s, uint32_t len, uint8_t *block)
{
	uint64_t x = (uint64_t)s->id * 0x9e3779b97f4a7c15ull ^ s->lba << 20 ^ s->disk;

	memcpy(block, s, sizeof(*s));
	for (uint32_t i = sizeof(*s); i < len; i += 8) {
		x += 0xd1b54a32d192ed03ull;
		memcpy(block + i, &x, 8);
	}
}

static void fill_cand(const struct mdisk *d, const struct cand *c, uint8_t *block)
{
	struct stamp s = {
		.magic = MAGIC, .lba = c->at, .id = c->holds, .disk = writes[c->holds].disk
	};

	if (c->zero)
		memset(block, 0, d->p.block_bytes);
	else
		fill(&s, d->p.block_bytes, block);
}

/* What @w has brought to block @lba. */
static void fill_copied(const struct mwrite *w, uint32_t id, uint64_t lba, uint8_t *block)
{
	struct mblock *b = model_block_at(&disks[w->disk], lba);
	unsigned i = 0;

	while (i < b->n && b->c[i].id != id)
		i++;
	check(i < b->n);
	fill_cand(&disks[w->disk], &b->c[i], block);
}

void model_fill(uint32_t id, uint64_t lba, uint8_t *block)
{
	const struct mwrite *w = &writes[id];
	struct cand c = { .holds = id,
			  .at = w->kind == MODEL_SAME ? w->lba : lba,
			  .zero = w->kind == MODEL_ZERO };

	if (w->kind == MODEL_COPY)
		fill_copied(w, id, lba, block);
	else
		fill_cand(&disks[w->disk], &c, block);
}

/* In how many ways a block may be of @id: a copy may have brought this or that. */
static unsigned n_of(const struct mblock *b, uint32_t id)
{
	unsigned n = 0;

	for (unsigned i = 0; i < b->n; i++)
		n += b->c[i].id == id;
	return n;
}

void model_write_end(uint32_t id, enum model_outcome o, bool stable)
{
	struct mwrite *w = &writes[id];
	uint64_t now = sched_tick();

	check(w->open);
	if (w->copy)
		model_copy_end(id, o);
	w->open = false;
	w->ended = now;
	if (o == MODEL_NEVER && w->applied)
		fail_now("write %u of %s was refused, but a block of it reached the disk", id,
			 w->who);
	for (uint32_t i = 0; i < w->n; i++) {
		struct mblock *b = model_block_at(&disks[w->disk], w->lba + i);
		bool known = n_of(b, id) == 1;

		for (unsigned k = 0; k < b->n; k++) {
			struct cand *c = &b->c[k];

			if (c->id != id)
				continue;
			c->end = o == MODEL_NEVER ? 0 : min_u64(c->end, now);
			c->stable = o == MODEL_GOOD && stable;
			if (o == MODEL_GOOD && known) {
				c->sure = true;
				c->by = min_u64(c->by, now);
			}
		}
		prune(&disks[w->disk], b);
	}
}

/* --- reads --- */

uint64_t model_begin(void)
{
	check(n_begun < OPEN_MAX);
	begun[n_begun++] = sched_tick();
	return sched_tick();
}

void model_give_up(uint64_t begin)
{
	for (unsigned i = 0; i < n_begun; i++) {
		if (begun[i] != begin)
			continue;
		begun[i] = begun[--n_begun];
		return;
	}
	check_unreachable();
}

/* The stamp of a block, 0: zeroes. False: neither. */
static bool read_stamp(const struct mdisk *d, const uint8_t *block, struct stamp *s)
{
	uint8_t want[BLOCK_MAX];

	*s = (struct stamp){ 0 };
	if (mem_is_zero(block, d->p.block_bytes))
		return true;
	memcpy(s, block, sizeof(*s));
	if (s->magic != MAGIC || !s->id || s->id > n_writes)
		return false;
	fill(s, d->p.block_bytes, want);
	return !memcmp(want, block, d->p.block_bytes);
}

bool model_is_it(const struct cand *c, const struct stamp *s)
{
	return s->id ? !c->zero && c->holds == s->id && c->at == s->lba &&
			       writes[s->id].disk == s->disk
		     : c->zero;
}

static void tell_block(const struct mblock *b)
{
	for (unsigned i = 0; i < b->n; i++) {
		const struct cand *c = &b->c[i];

		trace("  it may hold write %u of %s, with what %u wrote, sure %u, from %u to %d",
		      c->id, c->id ? writes[c->id].who : "nobody", c->holds, c->sure, c->start,
		      c->end);
	}
}

/* Each byte is of something the block may hold. */
static bool is_mixture(const struct mdisk *d, const struct mblock *b, const uint8_t *data,
		       uint64_t begin)
{
	uint8_t may[BLOCK_MAX];
	uint8_t left[BLOCK_MAX];

	memset(left, 1, sizeof(left));
	for (unsigned i = 0; i < b->n; i++) {
		const struct cand *c = &b->c[i];

		if (model_is_gone(d, b, c, begin, false))
			continue;
		fill_cand(d, c, may);
		for (uint32_t k = 0; k < d->p.block_bytes; k++)
			if (may[k] == data[k])
				left[k] = 0;
	}
	return mem_is_zero(left, d->p.block_bytes);
}

static void judge(unsigned disk, uint64_t lba, const uint8_t *data, uint64_t begin, const char *who)
{
	struct mdisk *d = &disks[disk];
	struct mblock *b = model_block_at(d, lba);
	struct cand *only = NULL;
	struct stamp s;
	unsigned n = 0;

	if (!read_stamp(d, data, &s)) {
		if (d->p.mixes && is_mixture(d, b, data, begin))
			return;
		fail_now("%s read block %llu of disk %u and got what nobody wrote "
			 "(first bytes %02x%02x%02x%02x)",
			 who, (unsigned long long)lba, disk, data[0], data[1], data[2], data[3]);
	}
	for (unsigned i = 0; i < b->n; i++) {
		struct cand *c = &b->c[i];

		if (!model_is_it(c, &s) || model_is_gone(d, b, c, begin, false))
			continue;
		only = c;
		n++;
	}
	if (!n) {
		tell_block(b);
		fail_now("%s read block %llu of disk %u and got write %u of %s (block %llu of disk "
			 "%u), which it cannot hold",
			 who, (unsigned long long)lba, disk, s.id,
			 s.id ? writes[s.id].who : "nobody", (unsigned long long)s.lba, s.disk);
	}
	/* Who has been seen is there, and was there by now; unless it was seen before a power cut. */
	if (n == 1 && begin > d->cut) {
		only->sure = true;
		only->by = min_u64(only->by, sched_tick());
		only->end = min_u64(only->end, sched_tick());
	}
}

void model_read_end(unsigned disk, uint64_t lba, uint32_t n, const uint8_t *data, uint64_t begin,
		    const char *who)
{
	for (uint32_t i = 0; i < n; i++)
		judge(disk, lba + i, data + (size_t)i * disks[disk].p.block_bytes, begin, who);
	model_give_up(begin);
}

void model_flush_end(unsigned disk, uint64_t begin)
{
	if (begin > disks[disk].flushed)
		disks[disk].flushed = begin;
	model_give_up(begin);
}

uint32_t model_only(unsigned disk, uint64_t lba)
{
	struct mdisk *d = &disks[disk];
	struct mblock *b = model_block_at(d, lba);
	uint32_t id = 0;
	unsigned n = 0;

	for (unsigned i = 0; i < b->n; i++) {
		if (model_is_gone(d, b, &b->c[i], sched_tick(), false) ||
		    (!b->c[i].end && b->c[i].id))
			continue;
		id = b->c[i].id;
		n++;
	}
	return n == 1 ? id : MODEL_UNKNOWN;
}

/* There may be zeroes again and again, or what is copied, and nothing tells them apart. */
static bool may_recur(uint32_t id)
{
	const struct mwrite *w = &writes[id];

	return !id || w->kind == MODEL_ZERO || w->kind == MODEL_COPY || w->back;
}

void model_taken(unsigned disk, uint64_t lba, uint32_t id)
{
	struct mwrite *w = &writes[id];
	uint64_t i = lba - w->lba;

	/* After a power cut an older one may be there again. */
	if (may_recur(id) || !disks[disk].p.stable || i >= 64)
		return;
	if (w->taken & 1ull << i)
		fail_now(
			"two COMPARE AND WRITE commands have found write %u of %s in block %llu of "
			"disk %u, and replaced it",
			id, w->who, (unsigned long long)lba, disk);
	w->taken |= 1ull << i;
}

void model_swapped(uint32_t by, uint64_t lba, uint32_t id, uint64_t begin)
{
	struct mdisk *d = &disks[writes[by].disk];
	struct mblock *b = model_block_at(d, lba);

	if (may_recur(id) || d->cut >= begin)
		return;
	for (unsigned i = 0; i < b->n; i++)
		if (b->c[i].id > by)
			b->c[i].behind = by;
}

/* --- what disks report --- */

/* @alone: else it may be of a copy. */
static bool zero_write_is_open(unsigned disk, uint64_t lba, bool alone)
{
	const struct mblock *b = model_block_at(&disks[disk], lba);
	uint32_t id = 0;
	unsigned n = 0;

	for (unsigned i = 0; i < b->n; i++) {
		const struct cand *c = &b->c[i];

		if (!c->zero || writes[c->id].kind != MODEL_ZERO || !writes[c->id].open)
			continue;
		id = c->id;
		n++;
	}
	/* With several it is not known which of them it is. */
	if (n == 1 && alone)
		writes[id].applied = true;
	return n;
}

static bool is_kept(unsigned disk, uint64_t lba)
{
	for (uint32_t i = n_writes; i; i--) {
		const struct mwrite *w = &writes[i];

		if (w->kind == MODEL_KEEP && w->open && w->disk == disk && lba - w->lba < w->n)
			return true;
	}
	return false;
}

/* A write has it for this block, in its time. */
static bool is_meant(const struct stamp *s, unsigned disk, uint64_t lba)
{
	const struct mwrite *w = &writes[s->id];

	return w->open && w->disk == disk && lba >= w->lba && lba - w->lba < w->n &&
	       (w->kind == MODEL_SAME ? s->lba == w->lba : s->lba == lba);
}

static noreturn void wrongly_applied(const struct stamp *s, unsigned disk, uint64_t lba)
{
	const struct mwrite *w = &writes[s->id];

	if (w->disk != disk || lba < w->lba || lba - w->lba >= w->n ||
	    (w->kind != MODEL_SAME && s->lba != lba))
		fail_now("write %u of %s was for block %llu of disk %u and is written to block "
			 "%llu of disk %u",
			 s->id, w->who, (unsigned long long)s->lba, w->disk,
			 (unsigned long long)lba, disk);
	fail_now("write %u of %s reaches block %llu of disk %u after it was over "
		 "(answered, aborted, or of a login that was replaced)",
		 s->id, w->who, (unsigned long long)lba, disk);
}

bool model_is_quiet(unsigned disk, uint64_t lba, uint32_t n, uint64_t tick)
{
	for (uint32_t i = n_writes; i; i--) {
		const struct mwrite *w = &writes[i];

		if ((w->open || w->ended >= tick) && w->disk == disk && w->lba < lba + n &&
		    lba < w->lba + w->n)
			return false;
	}
	return true;
}

void model_applied(unsigned disk, uint64_t lba, const uint8_t *block, const uint8_t *was)
{
	uint32_t copy = 0;
	unsigned copies;
	struct stamp s;
	bool meant;

	if (!read_stamp(&disks[disk], block, &s))
		fail_now("block %llu of disk %u is written with what nobody sent "
			 "(first bytes %02x%02x%02x%02x)",
			 (unsigned long long)lba, disk, block[0], block[1], block[2], block[3]);
	copies = model_copy_applied(disk, lba, &s, &copy);
	if (!memcmp(block, was, disks[disk].p.block_bytes) && is_kept(disk, lba))
		return;
	meant = s.id ? is_meant(&s, disk, lba) : zero_write_is_open(disk, lba, !copies);
	if (s.id)
		trace("disk %u block %u holds write %u", disk, lba, s.id);
	if (s.id && meant && !copies)
		writes[s.id].applied = true;
	if (!meant && copies == 1)
		writes[copy].applied = true;
	if (meant || copies)
		return;
	if (!s.id)
		fail_now("block %llu of disk %u is zeroed, and nobody asked for that",
			 (unsigned long long)lba, disk);
	wrongly_applied(&s, disk, lba);
}

void model_late(unsigned disk, uint64_t lba, const uint8_t *block, const uint8_t *was, bool copies)
{
	struct mdisk *d = &disks[disk];
	struct mblock *b = model_block_at(d, lba);
	struct stamp s;

	if (!read_stamp(d, block, &s))
		fail_now("block %llu of disk %u is written late, with what nobody sent",
			 (unsigned long long)lba, disk);
	trace("disk %u block %u holds write %u, late", disk, lba, s.id);
	for (unsigned i = 0; i < b->n; i++)
		if (model_is_it(&b->c[i], &s))
			return;
	if (!memcmp(block, was, d->p.block_bytes))
		return;
	if (!copies)
		fail_now(
			"block %llu of disk %u is written late with write %u, which it cannot hold",
			(unsigned long long)lba, disk, s.id);
	writes[s.id].back = true;
	model_block_add(b, &(struct cand){ .holds = s.id,
					   .at = s.lba,
					   .zero = !s.id,
					   .end = sched_tick(),
					   .by = NEVER });
}

void model_power_cut(unsigned disk)
{
	struct mdisk *d = &disks[disk];

	d->cut = sched_tick();
	for (uint64_t i = 0; i < d->p.n_blocks; i++) {
		struct mblock *b = &d->block[i];

		for (unsigned k = 0; k < b->n; k++) {
			struct cand *c = &b->c[k];

			if (c->sure && (is_stable(d, c)))
				continue;
			/* It may be gone, or may be what is left; it is not known before it is read. */
			c->sure = false;
			c->by = NEVER;
			c->end = NEVER;
		}
	}
}
