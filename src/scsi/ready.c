/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "scsi/ready.h"

#include "wire/cdb.h"

static struct sense erase_sense(const struct scsi_lu *lu)
{
	bool format = lu->erase.kind == SCSI_ERASE_FORMAT;
	struct sense s = { .key = SENSE_NOT_READY };

	if (lu->erase.failed) {
		s.key = SENSE_MEDIUM_ERROR;
		s.asc = format ? ASC_FORMAT_CORRUPTED : ASC_SANITIZE_FAILED;
		return s;
	}
	s.asc = format ? ASC_FORMATTING : ASC_SANITIZING;
	s.progress_valid = true;
	s.progress = scsi_erase_progress(lu);
	return s;
}

bool scsi_lu_not_ready(const struct scsi_lu *lu, struct sense *ret)
{
	struct sense s = { .key = SENSE_NOT_READY };

	if (lu->gone || lu->fenced)
		s.asc = ASC_NOT_READY;
	else if (lu->ejected)
		s.asc = ASC_NO_MEDIUM;
	else if (lu->erase.kind)
		s = erase_sense(lu);
	else if (lu->stopped)
		s.asc = ASC_NEEDS_START;
	else
		return false;
	*ret = s;
	return true;
}

/* While a unit is erased next to nothing is let in; when that has failed, what may make it good again (SBC-4 4.11.4). */
static bool erase_refuses(const struct scsi_lu *lu, const struct scsi_cmd *cmd)
{
	if (cmd->flags & SCSI_CMD_ANY_TIME)
		return false;
	if (!lu->erase.failed)
		return true;
	if (cmd->opcode == SCSI_OP_SANITIZE)
		return false;
	if (lu->erase.kind == SCSI_ERASE_SANITIZE)
		return true;
	return cmd->flags & SCSI_CMD_MEDIUM;
}

bool scsi_lu_refuses(const struct scsi_lu *lu, const struct scsi_cmd *cmd, struct sense *ret)
{
	if (lu->erase.kind && !lu->gone && !lu->fenced && !lu->ejected && erase_refuses(lu, cmd)) {
		*ret = erase_sense(lu);
		return true;
	}
	return cmd->flags & SCSI_CMD_MEDIUM && scsi_lu_not_ready(lu, ret);
}
