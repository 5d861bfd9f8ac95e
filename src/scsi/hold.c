/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "scsi/hold.h"

#include "base/check.h"
#include "scsi/cmd.h"

struct scsi_range hold_range(const struct scsi_task *t)
{
	if (t->cmd && t->cmd->flags & SCSI_CMD_RANGE)
		return scsi_range_of_cdb(t->cdb);
	return SCSI_RANGE_ALL;
}

/* Of commands that may run where they arrive, those that name no blocks touch none. */
bool scsi_local_overlaps(const struct scsi_task *t, const struct scsi_holds *h)
{
	struct scsi_range r;

	if (!(t->cmd->flags & SCSI_CMD_RANGE))
		return false;
	r = scsi_range_of_cdb(t->cdb);
	for (unsigned i = 0; i < SCSI_HOLDS_MAX; i++)
		if (h->of[i].task && scsi_range_overlaps(r, h->of[i].range))
			return true;
	return false;
}

struct scsi_hold *hold_find(struct scsi_holds *h, const struct scsi_task *t)
{
	for (unsigned i = 0; h->n && i < SCSI_HOLDS_MAX; i++)
		if (h->of[i].task == t)
			return &h->of[i];
	return NULL;
}

bool hold_blocks(const struct scsi_holds *h, const struct scsi_task *t)
{
	for (unsigned i = 0; h->n && i < SCSI_HOLDS_MAX; i++) {
		const struct scsi_hold *o = &h->of[i];

		if (o->task && o->task != t && scsi_range_overlaps(o->range, t->range))
			return true;
	}
	return false;
}

struct scsi_hold *hold_take(struct scsi_holds *h, const struct scsi_task *t, bool sure)
{
	for (unsigned i = 0; i < SCSI_HOLDS_MAX; i++) {
		struct scsi_hold *o = &h->of[i];

		if (o->task)
			continue;
		o->task = t;
		o->range = t->range;
		o->state = sure ? SCSI_HOLD_SURE : SCSI_HOLD_WANTED;
		h->n++;
		return o;
	}
	return NULL;
}

void hold_drop(struct scsi_holds *h, struct scsi_hold *hold)
{
	check(hold->task && h->n > 0);
	hold->task = NULL;
	h->n--;
}

bool hold_ask(struct scsi_holds *h)
{
	bool any = false;

	for (unsigned i = 0; h->n && i < SCSI_HOLDS_MAX; i++) {
		if (!h->of[i].task || h->of[i].state != SCSI_HOLD_WANTED)
			continue;
		h->of[i].state = SCSI_HOLD_ASKED;
		any = true;
	}
	h->asking |= any;
	return any;
}

void hold_sure(struct scsi_holds *h, enum scsi_hold_state from)
{
	for (unsigned i = 0; i < SCSI_HOLDS_MAX; i++)
		if (h->of[i].task && h->of[i].state == from)
			h->of[i].state = SCSI_HOLD_SURE;
}
