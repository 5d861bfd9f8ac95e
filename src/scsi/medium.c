/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "scsi/medium.h"

#include "scsi/nexus.h"
#include "scsi/token.h"

bool medium_is_kept(const struct scsi_lu *lu)
{
	const struct list *pos;

	list_for_each (pos, &lu->nexuses)
		if (container_of(pos, const struct scsi_itl, lu_node)->prevents)
			return true;
	return false;
}

void medium_allow(struct scsi_lu *lu, const struct scsi_nexus *nexus)
{
	struct list *pos;

	list_for_each (pos, &lu->nexuses) {
		struct scsi_itl *itl = list_entry(pos, struct scsi_itl, lu_node);

		if (!nexus || itl->nexus == nexus)
			itl->prevents = false;
	}
}

int scsi_lu_eject(struct scsi_lu *lu)
{
	if (!lu->removable)
		return SCSI_MEDIUM_E_FIXED;
	if (medium_is_kept(lu))
		return SCSI_MEDIUM_E_PREVENTED;
	if (lu->erase.kind && !lu->erase.failed)
		return SCSI_MEDIUM_E_BUSY;
	lu->ejected = true;
	tokens_cut(lu, 0); /* another one may come back */
	return 0;
}

int scsi_lu_insert(struct scsi_lu *lu, const struct scsi_nexus *by)
{
	if (!lu->removable)
		return SCSI_MEDIUM_E_FIXED;
	if (lu->ejected && medium_is_kept(lu))
		return SCSI_MEDIUM_E_PREVENTED;
	if (lu->ejected)
		scsi_lu_ua(lu, SCSI_UA_MEDIUM_CHANGED, by);
	lu->ejected = false;
	lu->stopped = false;
	lu->power = SCSI_POWER_ACTIVE;
	return 0;
}

void medium_wake(struct scsi_lu *lu)
{
	if (lu->power == SCSI_POWER_ACTIVE)
		return;
	lu->power = SCSI_POWER_ACTIVE;
	lu->order.publish = true;
}
