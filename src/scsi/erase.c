/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "scsi/erase.h"

#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "scsi/lu.h"
#include "scsi/task.h"

/* In this order; those that are not needed are left out. */
enum stage {
	STAGE_BLOCKS,
	STAGE_FLUSH,
	STAGE_SAVE, /* that it has ended */
	STAGE_END,
};

void erase_begin(struct scsi_task *t, const struct scsi_erase *e)
{
	struct scsi_erase *to = &t->lu->erase;

	check(e->kind && (!to->kind || to->failed));
	*to = *e;
	to->failed = false;
	to->stage = STAGE_BLOCKS;
	to->pass = 0;
	to->next_block = 0;
	to->result = 0;
	to->due = to->given = to->wake = false;
	to->waiter = NULL;
	to->starts = t;
	tokens_cut(t->lu, 0);
	t->lu->order.publish = true;
}

void erase_go(struct scsi_task *t, bool wait)
{
	struct scsi_erase *e = &t->lu->erase;

	check(e->starts == t);
	e->starts = NULL;
	e->waiter = wait ? t : NULL;
	e->due = true;
}

void erase_undo(struct scsi_task *t)
{
	struct scsi_erase *e = &t->lu->erase;

	check(e->starts == t);
	*e = (struct scsi_erase){ 0 };
	t->lu->order.publish = true;
}

void erase_forget(struct scsi_task *t)
{
	check(t->lu->erase.waiter == t);
	t->lu->erase.waiter = NULL;
}

struct scsi_task *erase_wake(struct scsi_lu *lu)
{
	struct scsi_erase *e = &lu->erase;
	struct scsi_task *t = e->wake ? e->waiter : NULL;

	e->wake = false;
	if (t)
		e->waiter = NULL;
	return t;
}

bool erase_take_due(struct scsi_lu *lu)
{
	bool due = lu->erase.due;

	lu->erase.due = false;
	return due;
}

bool erase_is_kept(const struct scsi_lu *lu)
{
	const struct scsi_erase *e = &lu->erase;

	return e->kind && (e->failed || e->result || e->stage < STAGE_SAVE);
}

static void wake_waiter(struct scsi_erase *e, int result)
{
	if (!e->waiter)
		return;
	e->waiter->kept.result = result;
	e->wake = true;
}

/* It has ended, well or not. */
static void erase_ended(struct scsi_lu *lu)
{
	struct scsi_erase *e = &lu->erase;

	wake_waiter(e, e->result);
	if (e->result)
		e->failed = true;
	else
		e->kind = SCSI_ERASE_NONE;
	lu->order.publish = true;
}

static struct scsi_erase_act blocks_next(struct scsi_lu *lu)
{
	const struct scsi_erase *e = &lu->erase;
	uint32_t most = e->n_passes ? SCSI_ERASE_WRITE_BYTES : SCSI_ERASE_PIECE_BYTES;
	uint64_t left = (lu->n_blocks - e->next_block) << lu->block_shift;

	return (struct scsi_erase_act){ .type = e->n_passes            ? SCSI_ERASE_WRITE
						: lu->max_unmap_blocks ? SCSI_ERASE_UNMAP
								       : SCSI_ERASE_ZERO,
					.off_bytes = e->next_block << lu->block_shift,
					.len_bytes = (uint32_t)min_u64(left, most) };
}

struct scsi_erase_act scsi_erase_next(struct scsi_lu *lu)
{
	struct scsi_erase *e = &lu->erase;
	struct scsi_erase_act a = { .type = SCSI_ERASE_END };

	check(!e->given);
	if (!e->kind || e->failed)
		return a;
	/* the unit may have shrunk meanwhile */
	while (e->stage == STAGE_BLOCKS && e->next_block >= lu->n_blocks) {
		e->next_block = 0;
		if (++e->pass >= e->n_passes)
			e->stage = STAGE_FLUSH;
	}
	if (e->stage == STAGE_FLUSH && !lu->write_cache && !lu->write_through)
		e->stage = STAGE_SAVE;
	if (e->stage == STAGE_SAVE && !lu->keeps)
		e->stage = STAGE_END;
	switch ((enum stage)e->stage) {
	case STAGE_BLOCKS:
		a = blocks_next(lu);
		break;
	case STAGE_FLUSH:
		a.type = SCSI_ERASE_FLUSH;
		break;
	case STAGE_SAVE:
		a.type = SCSI_ERASE_SAVE;
		break;
	case STAGE_END:
		erase_ended(lu);
		return a;
	}
	e->given = true;
	return a;
}

void scsi_erase_done(struct scsi_lu *lu, int result)
{
	struct scsi_erase *e = &lu->erase;

	check(e->given);
	e->given = false;
	if (result == -ENODATA &&
	    e->stage == STAGE_BLOCKS) /* it shrinks just now, and will say so */
		result = -EIO;
	if (result) {
		e->result = e->result ? e->result : result;
		e->stage = e->stage < STAGE_SAVE ? STAGE_SAVE : STAGE_END;
		return;
	}
	if (e->stage != STAGE_BLOCKS) {
		e->stage++;
		return;
	}
	e->next_block +=
		(e->n_passes ? SCSI_ERASE_WRITE_BYTES : SCSI_ERASE_PIECE_BYTES) >> lu->block_shift;
}

void scsi_erase_fill(const struct scsi_lu *lu, uint8_t *buf, uint32_t len)
{
	const struct scsi_erase *e = &lu->erase;
	uint8_t flip = e->invert && e->pass % 2 ? 0xff : 0;

	check(e->pattern_len && len % lu->block_bytes == 0);
	/* each block begins with the pattern */
	for (uint32_t i = 0; i < lu->block_bytes; i++)
		buf[i] = e->pattern[i % e->pattern_len] ^ flip;
	for (uint32_t i = lu->block_bytes; i < len; i += lu->block_bytes)
		memcpy(buf + i, buf, lu->block_bytes);
}

void scsi_erase_stop(struct scsi_lu *lu)
{
	check(!lu->erase.given);
	lu->erase.due = false;
	wake_waiter(&lu->erase, -ECANCELED);
}

uint16_t scsi_erase_progress(const struct scsi_lu *lu)
{
	const struct scsi_erase *e = &lu->erase;
	uint64_t passes = e->n_passes ? e->n_passes : 1;
	/* a number of blocks is below 2^54, that of passes below 2^5 */
	uint64_t all = passes * lu->n_blocks;
	uint64_t done = e->stage > STAGE_BLOCKS ? all : e->pass * lu->n_blocks + e->next_block;
	uint64_t part = all >> 40 ? done / (all >> 16) : (done << 16) / all;

	return (uint16_t)min_u64(part, UINT16_MAX);
}
