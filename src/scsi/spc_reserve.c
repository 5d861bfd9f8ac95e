/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * RESERVE and RELEASE of 6 and 10 bytes: SPC-2 7.16, 7.21, whole units for the nexus itself; and what becomes of them
 * where there are persistent reservations: compatible reservation handling, SPC-3 5.6.3 (CRH).
 */
#include "scsi/spc.h"

/* With registrations, a RESERVE or RELEASE of who could do its work anyway is GOOD and changes nothing. */
static struct scsi_act compatible(struct scsi_task *t, const struct scsi_itl *itl)
{
	const struct scsi_pr *pr = &t->lu->pr;

	if (pr_holds(pr, itl->reg) || (itl->reg >= 0 && pr_is_registrants_only(pr->type)))
		return answer_good(t);
	return answer_status(t, SCSI_STATUS_RESERVATION_CONFLICT);
}

struct scsi_act spc_reserve(struct scsi_task *t)
{
	struct scsi_lu *lu = t->lu;

	if (lu->pr.n)
		return compatible(t, answer_itl(t));
	/* that of another nexus was found out before this */
	if (!lu->reserved)
		t->changed = SCSI_CHANGED_LU;
	lu->reserved = t->nexus;
	return answer_good(t);
}

struct scsi_act spc_release(struct scsi_task *t)
{
	struct scsi_lu *lu = t->lu;

	if (lu->pr.n)
		return compatible(t, answer_itl(t));
	if (lu->reserved == t->nexus) {
		lu->reserved = NULL;
		t->changed = SCSI_CHANGED_LU;
	}
	return answer_good(t);
}
