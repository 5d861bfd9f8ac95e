/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* I_T nexuses: the LUN map, who owes whom a unit attention, and the view for other workers. */
#include "scsi/nexus.h"

#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "scsi/saved.h"

static int map_check(const struct scsi_map_entry *map, size_t n_map)
{
	uint64_t seen[SCSI_LUN_COUNT / 64] = { 0 };

	for (size_t i = 0; i < n_map; i++) {
		unsigned lun = map[i].lun;

		if (lun >= SCSI_LUN_COUNT || !map[i].lu || seen[lun / 64] >> lun % 64 & 1)
			return -EINVAL;
		seen[lun / 64] |= 1ull << lun % 64;
	}
	return 0;
}

static void itl_unmap(struct scsi_itl *itl)
{
	scsi_set_unmap(itl);
	pr_nexus_lost(itl->lu, itl->nexus);
	copy_notes_forget(itl->lu, itl->nexus);
	if (itl->lu->echo_owner == itl->nexus)
		itl->lu->echo_owner = NULL;
	itl->echo_bytes = 0;
	itl->prevents = false;
	list_del(&itl->lu_node);
	itl->lu = NULL;
	itl->uas = (struct scsi_uas){ 0 };
	itl->hit = false;
}

static void itl_map(struct scsi_itl *itl, struct scsi_lu *lu, bool read_only)
{
	itl->lu = lu;
	itl->read_only = read_only;
	itl->uas = (struct scsi_uas){ 0 };
	itl->hit = false;
	scsi_set_init(&itl->set, lu);
	pr_sync_itl(itl);
	alua_sync_itl(itl);
	list_push(&lu->nexuses, &itl->lu_node);
	if (lu->remote)
		return; /* its own target says that to whom we log in for */
	scsi_uas_add(&itl->uas, SCSI_UA_POWER_ON);
	itl->uas.told = SCSI_UA_POWER_ON; /* who begins expects it */
	saved_owed_take(itl);
}

int scsi_nexus_init(struct scsi_nexus *n, const struct scsi_port *initiator,
		    const struct scsi_port *target, const struct scsi_map_entry *map, size_t n_map)
{
	if (initiator->name_len > sizeof(initiator->name) ||
	    target->name_len > sizeof(target->name) || map_check(map, n_map))
		return -EINVAL;
	n->initiator = *initiator;
	n->target = *target;
	n->owner = NULL;
	for (unsigned i = 0; i < SCSI_LUN_COUNT; i++) {
		n->lun[i] = (struct scsi_itl){ .nexus = n };
		list_init(&n->lun[i].lu_node);
	}
	for (size_t i = 0; i < n_map; i++)
		itl_map(&n->lun[map[i].lun], map[i].lu, map[i].read_only);
	return 0;
}

void scsi_nexus_deinit(struct scsi_nexus *n)
{
	for (unsigned i = 0; i < SCSI_LUN_COUNT; i++)
		if (n->lun[i].lu)
			itl_unmap(&n->lun[i]);
}

/* One LUN gets what @want says (NULL: nothing); true when it is another unit than before. */
static bool itl_remap(struct scsi_itl *itl, const struct scsi_map_entry *want, bool *ret_mode)
{
	if (want && want->lu == itl->lu) {
		if (itl->read_only != want->read_only) {
			itl->read_only = want->read_only;
			scsi_uas_add(&itl->uas, SCSI_UA_MODE_CHANGED);
			*ret_mode = true;
		}
		return false;
	}
	if (!want && !itl->lu)
		return false;
	if (itl->lu)
		itl_unmap(itl);
	if (want)
		itl_map(itl, want->lu, want->read_only);
	return true;
}

int scsi_nexus_remap(struct scsi_nexus *n, const struct scsi_map_entry *map, size_t n_map)
{
	const struct scsi_map_entry *want[SCSI_LUN_COUNT] = { NULL };
	bool units = false, modes = false;

	if (map_check(map, n_map))
		return -EINVAL;
	for (size_t i = 0; i < n_map; i++)
		want[map[i].lun] = &map[i];
	for (unsigned i = 0; i < SCSI_LUN_COUNT; i++)
		units |= itl_remap(&n->lun[i], want[i], &modes);
	if (units)
		scsi_nexus_ua(n, SCSI_UA_LUNS_CHANGED);
	return units || modes;
}

void scsi_nexus_ua(struct scsi_nexus *n, enum scsi_ua ua)
{
	for (unsigned i = 0; i < SCSI_LUN_COUNT; i++)
		if (n->lun[i].lu)
			scsi_uas_add(&n->lun[i].uas, ua);
}

void scsi_lu_ua(struct scsi_lu *lu, enum scsi_ua ua, const struct scsi_nexus *except)
{
	struct list *pos;

	list_for_each (pos, &lu->nexuses) {
		struct scsi_itl *itl = list_entry(pos, struct scsi_itl, lu_node);

		if (itl->nexus != except)
			scsi_uas_add(&itl->uas, ua);
	}
}

static struct scsi_view_lun view_of(const struct scsi_itl *itl)
{
	const struct scsi_lu *lu = itl->lu;
	struct scsi_view_lun v = { 0 };

	if (!lu)
		return v;
	v.lu = itl->lu;
	v.n_blocks = lu->n_blocks;
	v.flags = SCSI_VIEW_MAPPED;
	if (itl->read_only || lu->read_only || lu->mode.swp)
		v.flags |= SCSI_VIEW_READ_ONLY;
	if (lu->remote)
		v.flags |= SCSI_VIEW_REMOTE;
	if (itl->uas.n)
		v.flags |= SCSI_VIEW_UA;
	if (lu->stopped || lu->gone || lu->fenced || lu->ejected || lu->power || lu->erase.kind)
		v.flags |= SCSI_VIEW_NOT_READY;
	if (lu->order.state != SCSI_ORDER_OPEN)
		v.flags |= SCSI_VIEW_GATHER;
	if (lu->order.holds.n)
		v.flags |= SCSI_VIEW_HELD;
	if (lu->tokens.n_valid)
		v.flags |= SCSI_VIEW_TOKENS;
	if (lu->mode.d_sense)
		v.flags |= SCSI_VIEW_D_SENSE;
	if (lu->write_through || (lu->write_cache && !lu->mode.wce))
		v.flags |= SCSI_VIEW_WRITE_THROUGH;
	if (alua_restricts(itl))
		v.flags |= SCSI_VIEW_ACCESS;
	v.flags |= pr_denied(itl);
	return v;
}

static bool view_has_holds(const struct scsi_view *v, const struct scsi_lu *lu)
{
	for (unsigned i = 0; i < v->n_holds; i++)
		if (v->hold[i].lu == lu)
			return true;
	return false;
}

/* What is held of the unit at @at; where there is no room for that everything of it goes home. */
static void view_add_holds(struct scsi_view *v, struct scsi_view_lun *at)
{
	const struct scsi_holds *h = &at->lu->order.holds;

	if (view_has_holds(v, at->lu)) /* the nexus has it twice */
		return;
	if (v->n_holds + h->n > SCSI_HOLDS_MAX) {
		at->flags |= SCSI_VIEW_GATHER;
		return;
	}
	for (unsigned i = 0; i < SCSI_HOLDS_MAX; i++)
		if (h->of[i].task)
			v->hold[v->n_holds++] = (struct scsi_view_hold){ at->lu, h->of[i].range };
}

void scsi_view_build(const struct scsi_nexus *n, struct scsi_view *v)
{
	v->n_holds = 0;
	for (unsigned i = 0; i < SCSI_LUN_COUNT; i++) {
		v->lun[i] = view_of(&n->lun[i]);
		if (v->lun[i].flags & SCSI_VIEW_HELD)
			view_add_holds(v, &v->lun[i]);
	}
}

struct scsi_view_lun scsi_nexus_at(const struct scsi_nexus *n, unsigned lun)
{
	check(lun < SCSI_LUN_COUNT);
	return view_of(&n->lun[lun]);
}
