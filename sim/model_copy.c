/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What is copied inside the target. Nobody knows beforehand what that will be: whatever the source holds at the moment
 * when it is read. So a copy has nothing that a block may hold until the block changes on the disk: then what is
 * there now must be what the source may have held since the copy began, and that is what the copy has brought.
 *
 * Of several copies to one block it is not always known which of them it was. Then each may have been, and none surely.
 */
#include "base/check.h"
#include "sim/model_i.h"
#include "sim/sched.h"
#include "sim/world.h"

#define COPIES_MAX 1024u /* under way */

#define GOT      BIT(0) /* what the source held in time */
#define GOT_LATE BIT(1) /* what it held later */

struct mcopy {
	uint64_t begin;
	uint64_t until;
	uint8_t *got; /* of each block */
	struct model_source from[];
};

static uint32_t open_ones[COPIES_MAX];
static unsigned n_open;

uint32_t model_copy(unsigned disk, uint64_t lba, uint32_t n, const struct model_source *from,
		    uint64_t until, const char *who)
{
	uint32_t id = model_write(disk, lba, n, MODEL_COPY, who);
	struct mcopy *m = world_alloc(sizeof(*m) + n * sizeof(m->from[0]));

	check(n_open < COPIES_MAX);
	m->begin = model_begin();
	m->until = until;
	m->got = world_alloc(n);
	memcpy(m->from, from, n * sizeof(m->from[0]));
	model_write_at(id)->copy = m;
	open_ones[n_open++] = id;
	return id;
}

static void free_copy(uint32_t id)
{
	struct mwrite *w = model_write_at(id);

	world_free(w->copy->got);
	world_free(w->copy);
	w->copy = NULL;
}

void model_copy_reset(void)
{
	while (n_open)
		free_copy(open_ones[--n_open]);
}

/* --- what reaches the disks --- */

/* Has an earlier step of @id written block @lba of @disk, which is read in @step? */
static bool own_step(const struct mwrite *w, unsigned disk, uint64_t lba, unsigned step)
{
	return w->disk == disk && lba >= w->lba && lba - w->lba < w->n &&
	       w->copy->from[lba - w->lba].step < step;
}

/* GOT: the source may have held it in time; GOT_LATE: later; 0: never since the copy began. */
static unsigned source_had(uint32_t id, const struct model_source *from, const struct stamp *s)
{
	const struct mwrite *w = model_write_at(id);
	const struct mdisk *d = model_disk_at(from->disk);
	const struct mblock *b = model_block_at(model_disk_at(from->disk), from->lba);
	unsigned got = 0;

	for (unsigned i = 0; i < b->n; i++) {
		const struct cand *c = &b->c[i];

		if (!model_is_it(c, s) || model_is_gone(d, b, c, w->copy->begin, false))
			continue;
		if (c->id == id && !own_step(w, from->disk, from->lba, from->step))
			continue;
		got |= c->start <= w->copy->until ? GOT : GOT_LATE;
	}
	return got & GOT ? GOT : got;
}

static void brought(uint32_t id, uint64_t lba, const struct stamp *s)
{
	struct mwrite *w = model_write_at(id);
	struct mblock *b = model_block_at(model_disk_at(w->disk), lba);
	struct mwrite *of = s->id ? model_write_at(s->id) : NULL;

	if (of && of->disk == w->disk && lba >= of->lba && lba - of->lba < of->n)
		of->back = true;
	for (unsigned i = 0; i < b->n; i++)
		if (b->c[i].id == id && model_is_it(&b->c[i], s))
			return;
	model_block_add(b, &(struct cand){ .id = id,
					   .holds = s->id,
					   .at = s->lba,
					   .zero = !s->id,
					   .start = w->copy->begin,
					   .end = UINT64_MAX,
					   .by = UINT64_MAX });
}

unsigned model_copy_applied(unsigned disk, uint64_t lba, const struct stamp *s, uint32_t *ret)
{
	unsigned n = 0;

	for (unsigned i = 0; i < n_open; i++) {
		struct mwrite *w = model_write_at(open_ones[i]);
		unsigned got;

		if (w->disk != disk || lba < w->lba || lba - w->lba >= w->n)
			continue;
		got = source_had(open_ones[i], &w->copy->from[lba - w->lba], s);
		if (!got)
			continue;
		w->copy->got[lba - w->lba] |= (uint8_t)got;
		brought(open_ones[i], lba, s);
		*ret = open_ones[i];
		n++;
	}
	return n;
}

/* --- the end --- */

/* Every block has been brought, and from when it should. */
static void judge(uint32_t id)
{
	const struct mwrite *w = model_write_at(id);

	for (uint32_t i = 0; i < w->n; i++) {
		const struct model_source *from = &w->copy->from[i];
		uint64_t at = w->lba + i;

		if (w->copy->got[i] & GOT)
			continue;
		fail_now("copy %u of %s was done, and %s block %llu of disk %u to block %llu of "
			 "disk %u",
			 id, w->who,
			 w->copy->got[i] ? "has brought what was written after its token was made "
					   "from"
					 : "has not brought",
			 (unsigned long long)from->lba, from->disk, (unsigned long long)at,
			 w->disk);
	}
}

void model_copy_end(uint32_t id, enum model_outcome o)
{
	unsigned i = 0;

	while (i < n_open && open_ones[i] != id)
		i++;
	check(i < n_open);
	if (o == MODEL_GOOD)
		judge(id);
	open_ones[i] = open_ones[--n_open];
	model_give_up(model_write_at(id)->copy->begin);
	free_copy(id);
}
