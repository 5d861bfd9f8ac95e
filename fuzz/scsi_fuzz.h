/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* For who wants to see what the scsi target's commands come to: scsi_reach.c. */
#pragma once

#include "scsi/scsi.h"

/* Is told of every command that has ended, with its parameter list still at @t->data; may be NULL. */
extern void (*scsi_fuzz_watch)(const struct scsi_task *t);
