/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Reservations: who holds them, whom they keep out, who hears of what happens to them. */
#include "scsi/pr.h"

#include <errno.h>

#include "base/check.h"
#include "scsi/cmd.h"
#include "scsi/nexus.h"
#include "scsi/task.h"

bool pr_type_is_valid(unsigned type)
{
	return type == SCSI_PR_WRITE_EXCLUSIVE || type == SCSI_PR_EXCLUSIVE_ACCESS ||
	       pr_is_registrants_only(type) || pr_is_all_registrants(type);
}

static bool pr_is_write_exclusive(unsigned type)
{
	return type == SCSI_PR_WRITE_EXCLUSIVE || type == SCSI_PR_WRITE_EXCLUSIVE_RO ||
	       type == SCSI_PR_WRITE_EXCLUSIVE_AR;
}

struct scsi_pr_nexus pr_nexus_of(const struct scsi_nexus *n)
{
	struct scsi_pr_nexus nexus = { .port = n->target.relative_id,
				       .initiator = { .protocol = n->initiator.protocol } };

	memcpy(nexus.initiator.name, n->initiator.name, sizeof(nexus.initiator.name));
	return nexus;
}

bool pr_nexus_eq(const struct scsi_pr_nexus *a, const struct scsi_pr_nexus *b)
{
	return a->port == b->port && a->initiator.protocol == b->initiator.protocol &&
	       !memcmp(a->initiator.name, b->initiator.name, sizeof(a->initiator.name));
}

bool pr_is_among(const struct scsi_nexus *n, const struct scsi_pr_nexus *list, unsigned count)
{
	struct scsi_pr_nexus nexus = pr_nexus_of(n);

	for (unsigned i = 0; i < count; i++)
		if (pr_nexus_eq(&nexus, &list[i]))
			return true;
	return false;
}

int pr_find(const struct scsi_pr *pr, const struct scsi_pr_nexus *nexus)
{
	for (unsigned i = 0; i < pr->n; i++)
		if (pr_nexus_eq(&pr->reg[i].nexus, nexus))
			return (int)i;
	return -1;
}

bool pr_holds(const struct scsi_pr *pr, int i)
{
	return pr->type && i >= 0 && (pr_is_all_registrants(pr->type) || i == pr->holder);
}

void pr_add(struct scsi_pr *pr, const struct scsi_pr_nexus *nexus, uint64_t key)
{
	check(pr->n < SCSI_PR_MAX && key && pr_find(pr, nexus) < 0);
	pr->reg[pr->n++] = (struct scsi_pr_reg){ .key = key, .nexus = *nexus };
}

bool pr_remove(struct scsi_pr *pr, unsigned i)
{
	bool held = pr_holds(pr, (int)i) && (!pr_is_all_registrants(pr->type) || pr->n == 1);

	check(i < pr->n);
	pr->n--;
	memmove(pr->reg + i, pr->reg + i + 1, (pr->n - i) * sizeof(pr->reg[0]));
	if (held)
		pr->type = SCSI_PR_NONE;
	if (held || pr_is_all_registrants(pr->type))
		pr->holder = 0;
	else if (pr->holder > i)
		pr->holder--;
	return held;
}

/* --- the nexuses of a unit --- */

void pr_sync_itl(struct scsi_itl *itl)
{
	struct scsi_pr_nexus nexus = pr_nexus_of(itl->nexus);

	itl->reg = (int16_t)pr_find(&itl->lu->pr, &nexus);
}

void pr_sync(struct scsi_lu *lu)
{
	struct list *pos;

	list_for_each (pos, &lu->nexuses)
		pr_sync_itl(list_entry(pos, struct scsi_itl, lu_node));
}

void pr_ua(struct scsi_lu *lu, const struct scsi_pr_nexus *nexus, unsigned ua)
{
	struct list *pos;

	list_for_each (pos, &lu->nexuses) {
		struct scsi_itl *itl = list_entry(pos, struct scsi_itl, lu_node);
		struct scsi_pr_nexus own = pr_nexus_of(itl->nexus);

		if (pr_nexus_eq(&own, nexus))
			scsi_uas_add(&itl->uas, (enum scsi_ua)ua);
	}
}

void pr_ua_all(struct scsi_lu *lu, unsigned ua, int except)
{
	for (int i = 0; i < lu->pr.n; i++)
		if (i != except)
			pr_ua(lu, &lu->pr.reg[i].nexus, ua);
}

void pr_nexus_lost(struct scsi_lu *lu, const struct scsi_nexus *nexus)
{
	if (lu->reserved != nexus)
		return;
	lu->reserved = NULL;
	lu->order.publish = true;
}

/* --- conflicts --- */

uint32_t pr_denied(const struct scsi_itl *itl)
{
	const struct scsi_lu *lu = itl->lu;
	const struct scsi_pr *pr = &lu->pr;

	if (pr->lost) /* next to nothing is let in, and that is decided at home */
		return SCSI_VIEW_RES_ALL;
	if (lu->reserved)
		return lu->reserved == itl->nexus ? 0 : SCSI_VIEW_RES_ALL;
	if (!pr->type || pr_holds(pr, itl->reg) ||
	    (itl->reg >= 0 && pr_is_registrants_only(pr->type)))
		return 0;
	return pr_is_write_exclusive(pr->type) ? SCSI_VIEW_RES_WRITE
					       : SCSI_VIEW_RES_WRITE | SCSI_VIEW_RES_READ;
}

/* PREVENT ALLOW MEDIUM REMOVAL that allows it. */
static bool pr_allows(const struct scsi_task *t)
{
	return t->cdb[0] == SCSI_OP_PREVENT_ALLOW && !(t->cdb[4] & 1);
}

static bool pr_starts(const struct scsi_task *t)
{
	return t->cdb[0] == SCSI_OP_START_STOP_UNIT && (t->cdb[4] & 0xf1) == 1;
}

/* A command that starts the unit is for everybody (SBC-4 table 13), and so is to allow that the medium is taken out; one
 * that stops it, or prevents that, is not. */
static uint32_t pr_class(const struct scsi_task *t)
{
	if (pr_starts(t) || pr_allows(t))
		return 0;
	return t->cmd->flags & (SCSI_CMD_RES_READ | SCSI_CMD_RES_WRITE);
}

bool pr_conflicts(const struct scsi_task *t, const struct scsi_itl *itl)
{
	uint32_t denied = pr_denied(itl);

	if (!denied || !t->cmd || itl->lu->pr.lost)
		return false;
	if (denied == SCSI_VIEW_RES_ALL)
		return !(t->cmd->flags & SCSI_CMD_RES_EXEMPT) && !pr_allows(t);
	return pr_class(t) & denied;
}

bool pr_lost_refuses(const struct scsi_task *t)
{
	return t->lu->pr.lost && t->cmd && !(t->cmd->flags & SCSI_CMD_IN_LOST) && !pr_starts(t);
}

/* --- saved state --- */

static bool pr_is_sound(const struct scsi_pr *pr)
{
	if (pr->n > SCSI_PR_MAX || (pr->type && !pr_type_is_valid(pr->type)) ||
	    (pr->lost && (pr->n || pr->aptpl)) || (pr->type && !pr->n) ||
	    (pr->holder && pr->holder >= pr->n) ||
	    (pr->holder && (!pr->type || pr_is_all_registrants(pr->type))))
		return false;
	for (unsigned i = 0; i < pr->n; i++)
		if (!pr->reg[i].key || pr_find(pr, &pr->reg[i].nexus) != (int)i)
			return false;
	return true;
}

int scsi_lu_restore_pr(struct scsi_lu *lu, const struct scsi_pr *pr)
{
	check(list_empty(&lu->nexuses));
	if (!pr_is_sound(pr))
		return -EINVAL;
	lu->pr = *pr;
	return 0;
}

void scsi_lu_lose_pr(struct scsi_lu *lu)
{
	check(list_empty(&lu->nexuses));
	lu->pr = (struct scsi_pr){ .lost = true };
}

/* --- by an operator --- */

/* What the nexus of registration @i hears when @pr comes in the place of what there is; 0: nothing. */
static unsigned pr_news(const struct scsi_pr *was, int i, const struct scsi_pr *pr)
{
	int now = pr_find(pr, &was->reg[i].nexus);
	bool told = pr_is_registrants_only(was->type) || pr_is_all_registrants(was->type);

	if (now < 0)
		return SCSI_UA_REGISTRATIONS_PREEMPTED;
	if (pr_holds(was, i) && !pr_holds(pr, now))
		return SCSI_UA_RESERVATIONS_PREEMPTED;
	return told && pr->type != was->type ? SCSI_UA_RESERVATIONS_RELEASED : 0;
}

int scsi_lu_replace_pr(struct scsi_lu *lu, const struct scsi_pr *pr, bool *ret_saves)
{
	if (!pr_is_sound(pr) || pr->lost)
		return SCSI_PR_E_UNSOUND;
	if (lu->reserved)
		return SCSI_PR_E_RESERVED;
	if (pr->aptpl && !lu->keeps)
		return SCSI_PR_E_NOT_KEPT;
	for (int i = 0; i < lu->pr.n; i++) {
		unsigned ua = pr_news(&lu->pr, i, pr);

		if (ua)
			pr_ua(lu, &lu->pr.reg[i].nexus, ua);
	}
	*ret_saves = lu->keeps && (pr->aptpl || lu->pr.aptpl || lu->pr.lost);
	lu->pr = *pr;
	pr_sync(lu);
	return 0;
}
