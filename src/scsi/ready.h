/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Whether a unit serves its medium, and what else it says. Home worker. */
#pragma once

#include "scsi/cmd.h"

/* Does it not? Then @ret is the sense data that say why. */
bool scsi_lu_not_ready(const struct scsi_lu *lu, struct sense *ret);

/* Does the state of @lu keep @cmd out? Then @ret says why. */
bool scsi_lu_refuses(const struct scsi_lu *lu, const struct scsi_cmd *cmd, struct sense *ret);
