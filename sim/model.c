/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "sim/model.h"

#include "base/check.h"
#include "sim/sched.h"
#include "sim/world.h"

#define DISKS_MAX 8u
#define OPEN_MAX  2048u /* reads and flushes under way */
#define MAGIC     0x73696d626c6f636bull
#define NEVER     UINT64_MAX
#define BLOCK_MAX 4096u

struct mwrite {
	uint64_t lba;
	uint32_t n;
	uint8_t disk;
	uint8_t kind;
	bool open;
	bool applied;   /* a block of it reached the disk */
	uint64_t taken; /* BIT(block): a COMPARE AND WRITE has replaced it */
	const char *who;
};

/* Something a block may hold. */
struct cand {
	uint32_t id; /* 0: what the disk held at first */
	bool zero;
	bool sure;      /* it took effect, at the latest at @by */
	bool stable;    /* it survives a power cut */
	uint64_t start; /* it took effect after this ... */
	uint64_t end;   /* ... and before this, if ever */
	uint64_t by;
	uint32_t behind; /* it took effect after this write; 0: that is not known */
};

struct mblock {
	unsigned n;
	unsigned cap;
	struct cand *c;
};

struct mdisk {
	struct model_disk p;
	uint64_t flushed; /* what ended before is stable */
	uint64_t cut;     /* when the power was gone last */
	struct mblock *block;
};

/* The first bytes of a block; the rest follows from them. */
struct stamp {
	uint64_t magic;
	uint64_t lba;
	uint32_t id;
	uint32_t disk;
};

static struct mdisk disks[DISKS_MAX];
static struct mwrite *writes;
static uint32_t n_writes, cap_writes;
static uint64_t begun[OPEN_MAX];
static unsigned n_begun;

/* --- disks --- */

void model_disk(unsigned disk, const struct model_disk *p)
{
	struct mdisk *d = &disks[disk];

	check(disk < DISKS_MAX && !d->block && p->block_bytes <= BLOCK_MAX);
	*d = (struct mdisk){ .p = *p };
	d->block = world_alloc(p->n_blocks * sizeof(*d->block));
}

void model_reset(void)
{
	for (unsigned i = 0; i < DISKS_MAX; i++) {
		for (uint64_t k = 0; disks[i].block && k < disks[i].p.n_blocks; k++)
			world_free(disks[i].block[k].c);
		world_free(disks[i].block);
		disks[i] = (struct mdisk){ 0 };
	}
	world_free(writes);
	writes = NULL;
	n_writes = cap_writes = n_begun = 0;
}

/* A block nobody wrote to yet needs no memory. */
static struct mblock *block_at(struct mdisk *d, uint64_t lba)
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

static void block_add(struct mblock *b, const struct cand *c)
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

/* Whether @c was overwritten for certain before @at; @by: by what a power cut cannot take back. */
static bool is_gone(const struct mdisk *d, const struct mblock *b, const struct cand *c,
		    uint64_t at, bool by_stable)
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
		if (!is_gone(d, b, &b->c[i], oldest, true) && (b->c[i].end || !b->c[i].id))
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
	for (uint32_t i = 0; i < n && kind != MODEL_KEEP; i++) {
		struct mblock *b = block_at(&disks[disk], lba + i);

		block_add(b, &(struct cand){ .id = id,
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

void model_fill(uint32_t id, uint64_t lba, uint8_t *block)
{
	const struct mwrite *w = &writes[id];
	struct stamp s = { .magic = MAGIC,
			   .lba = w->kind == MODEL_SAME ? w->lba : lba,
			   .id = id,
			   .disk = w->disk };

	if (w->kind == MODEL_ZERO)
		memset(block, 0, disks[w->disk].p.block_bytes);
	else
		fill(&s, disks[w->disk].p.block_bytes, block);
}

void model_write_end(uint32_t id, enum model_outcome o, bool stable)
{
	struct mwrite *w = &writes[id];
	uint64_t now = sched_tick();

	check(w->open);
	w->open = false;
	if (o == MODEL_NEVER && w->applied)
		fail_now("write %u of %s was refused, but a block of it reached the disk", id,
			 w->who);
	for (uint32_t i = 0; i < w->n; i++) {
		struct mblock *b = block_at(&disks[w->disk], w->lba + i);

		for (unsigned k = 0; k < b->n; k++) {
			struct cand *c = &b->c[k];

			if (c->id != id)
				continue;
			c->end = o == MODEL_NEVER ? 0 : min_u64(c->end, now);
			c->stable = o == MODEL_GOOD && stable;
			if (o == MODEL_GOOD) {
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

static bool is_it(const struct cand *c, const struct stamp *s)
{
	return s->id ? c->id == s->id : c->zero;
}

static void tell_block(const struct mblock *b)
{
	for (unsigned i = 0; i < b->n; i++) {
		const struct cand *c = &b->c[i];

		trace("  it may hold write %u of %s, sure %u, from %u to %d", c->id,
		      c->id ? writes[c->id].who : "nobody", c->sure, c->start, c->end);
	}
}

/* Each byte is of something the block may hold. */
static bool is_mixture(const struct mdisk *d, const struct mblock *b, const uint8_t *data,
		       uint64_t begin, uint64_t lba)
{
	uint8_t may[BLOCK_MAX];
	uint8_t left[BLOCK_MAX];

	memset(left, 1, sizeof(left));
	for (unsigned i = 0; i < b->n; i++) {
		const struct cand *c = &b->c[i];

		if (is_gone(d, b, c, begin, false))
			continue;
		memset(may, 0, sizeof(may));
		if (c->id)
			model_fill(c->id, lba, may);
		for (uint32_t k = 0; k < d->p.block_bytes; k++)
			if (may[k] == data[k])
				left[k] = 0;
	}
	return mem_is_zero(left, d->p.block_bytes);
}

static void judge(unsigned disk, uint64_t lba, const uint8_t *data, uint64_t begin, const char *who)
{
	struct mdisk *d = &disks[disk];
	struct mblock *b = block_at(d, lba);
	struct cand *only = NULL;
	struct stamp s;
	unsigned n = 0;

	if (!read_stamp(d, data, &s)) {
		if (d->p.mixes && is_mixture(d, b, data, begin, lba))
			return;
		fail_now("%s read block %llu of disk %u and got what nobody wrote "
			 "(first bytes %02x%02x%02x%02x)",
			 who, (unsigned long long)lba, disk, data[0], data[1], data[2], data[3]);
	}
	for (unsigned i = 0; i < b->n; i++) {
		struct cand *c = &b->c[i];

		if (!is_it(c, &s) || is_gone(d, b, c, begin, false))
			continue;
		only = c;
		n++;
	}
	if (s.id && (s.disk != disk || (s.lba != lba && writes[s.id].kind != MODEL_SAME)))
		n = 0;
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
	struct mblock *b = block_at(d, lba);
	uint32_t id = 0;
	unsigned n = 0;

	for (unsigned i = 0; i < b->n; i++) {
		if (is_gone(d, b, &b->c[i], sched_tick(), false) || (!b->c[i].end && b->c[i].id))
			continue;
		id = b->c[i].id;
		n++;
	}
	return n == 1 ? id : MODEL_UNKNOWN;
}

/* There may be zeroes again and again, and nothing tells them apart. */
static bool is_zeroes(uint32_t id)
{
	return !id || writes[id].kind == MODEL_ZERO;
}

void model_taken(unsigned disk, uint64_t lba, uint32_t id)
{
	struct mwrite *w = &writes[id];
	uint64_t i = lba - w->lba;

	/* After a power cut an older one may be there again. */
	if (is_zeroes(id) || !disks[disk].p.stable || i >= 64)
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
	struct mblock *b = block_at(d, lba);

	if (is_zeroes(id) || d->cut >= begin)
		return;
	for (unsigned i = 0; i < b->n; i++)
		if (b->c[i].id > by)
			b->c[i].behind = by;
}

/* --- what disks report --- */

static bool zero_write_is_open(unsigned disk, uint64_t lba)
{
	const struct mblock *b = block_at(&disks[disk], lba);
	uint32_t id = 0;
	unsigned n = 0;

	for (unsigned i = 0; i < b->n; i++) {
		const struct cand *c = &b->c[i];

		if (!c->zero || !c->id || !writes[c->id].open)
			continue;
		id = c->id;
		n++;
	}
	/* With several it is not known which of them it is. */
	if (n == 1)
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

void model_applied(unsigned disk, uint64_t lba, const uint8_t *block, const uint8_t *was)
{
	struct mwrite *w;
	struct stamp s;

	if (!read_stamp(&disks[disk], block, &s))
		fail_now("block %llu of disk %u is written with what nobody sent "
			 "(first bytes %02x%02x%02x%02x)",
			 (unsigned long long)lba, disk, block[0], block[1], block[2], block[3]);
	if (!memcmp(block, was, disks[disk].p.block_bytes) && is_kept(disk, lba))
		return;
	if (!s.id) {
		if (!zero_write_is_open(disk, lba))
			fail_now("block %llu of disk %u is zeroed, and nobody asked for that",
				 (unsigned long long)lba, disk);
		return;
	}
	w = &writes[s.id];
	w->applied = true;
	trace("disk %u block %u holds write %u", disk, lba, s.id);
	if (w->disk != disk || lba < w->lba || lba - w->lba >= w->n ||
	    (w->kind != MODEL_SAME && s.lba != lba))
		fail_now("write %u of %s was for block %llu of disk %u and is written to block "
			 "%llu of disk %u",
			 s.id, w->who, (unsigned long long)s.lba, w->disk, (unsigned long long)lba,
			 disk);
	if (!w->open)
		fail_now("write %u of %s reaches block %llu of disk %u after it was over "
			 "(answered, aborted, or of a login that was replaced)",
			 s.id, w->who, (unsigned long long)lba, disk);
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
