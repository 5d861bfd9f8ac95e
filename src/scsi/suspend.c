/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "scsi/suspend.h"

#include "base/check.h"
#include "scsi/cmd.h"
#include "scsi/set.h"

static bool is_erased(const struct scsi_lu *lu)
{
	return lu->erase.kind && !lu->erase.failed;
}

int scsi_lu_suspend(struct scsi_lu *lu)
{
	if (lu->suspend == SCSI_SUSPEND_SUSPENDED)
		return SCSI_SUSPEND_E_ALREADY;
	if (lu->suspend != SCSI_SUSPEND_SERVING)
		return SCSI_SUSPEND_E_UNDER_WAY;
	if (is_erased(lu))
		return SCSI_SUSPEND_E_ERASING;
	lu->suspend = SCSI_SUSPEND_DRAINING;
	scsi_order_suspend(lu, true);
	return 0;
}

bool scsi_lu_resume(struct scsi_lu *lu)
{
	if (lu->suspend == SCSI_SUSPEND_SERVING)
		return false;
	lu->suspend = SCSI_SUSPEND_SERVING;
	scsi_order_suspend(lu, false);
	return true;
}

void scsi_lu_flushed(struct scsi_lu *lu, int result)
{
	check(lu->suspend == SCSI_SUSPEND_FLUSHING);
	if (result)
		(void)scsi_lu_resume(lu);
	else
		lu->suspend = SCSI_SUSPEND_SUSPENDED;
}

bool suspend_is_on(const struct scsi_lu *lu)
{
	return lu->suspend != SCSI_SUSPEND_SERVING;
}

/* What is answered where there is no unit needs nothing of one. */
bool suspend_lets(const struct scsi_task *t)
{
	return t->cmd && t->cmd->flags & SCSI_CMD_ANY_LUN;
}

bool suspend_take_flush(struct scsi_lu *lu)
{
	/* A FORMAT UNIT that was in flight may have begun to erase. */
	if (lu->suspend != SCSI_SUSPEND_DRAINING || lu->order.n_enabled ||
	    !scsi_lu_is_gathered(lu) || is_erased(lu))
		return false;
	lu->suspend = SCSI_SUSPEND_FLUSHING;
	return true;
}
