/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What hcmd_copy.c and hcmd_token.c share. */
#pragma once

#include "sim/hcmd.h"
#include "sim/model.h"

#define HCMD_COPY_MAX 64u /* blocks */

/* A list identifier that nobody has used. */
uint32_t hcmd_copy_new_id(void);
/* Blocks of @disk, @max at most. */
void hcmd_copy_range(const struct hchan *c, int disk, uint32_t max, uint64_t *lba, uint32_t *n);
/* It goes to this unit, whatever else it was meant for. */
void hcmd_copy_aim(struct hcmd *cmd, uint16_t lun);

void hcmd_token_make(struct hchan *c, struct hcmd *cmd);
void hcmd_token_bad(struct hchan *c, struct hcmd *cmd);
const char *hcmd_token_good(struct hchan *c, struct hcmd *cmd, uint32_t got);
/* Is there a reason for ILLEGAL REQUEST with @asc? */
bool hcmd_token_may_fail(const struct hchan *c, const struct hcmd *cmd, uint16_t asc);
