/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Commands of a host that reserve: PERSISTENT RESERVE IN and OUT, RESERVE and RELEASE. */
#pragma once

#include "sim/host.h"

struct mpr;

void make_pr_out(struct hchan *c, struct hcmd *cmd);
void make_pr_in(struct hchan *c, struct hcmd *cmd);
void make_reserve(struct hchan *c, struct hcmd *cmd);
/* At the end of a run: register, and clear away what is reserved. */
void make_pr_probe(struct hchan *c, struct hcmd *cmd, bool clear);
/* What a PERSISTENT RESERVE IN is to bring, of the state when it was carried out. */
void hcmd_pr_expect(struct hcmd *cmd, const struct mpr *m);
/* It brought @got bytes: NULL, or what is wrong with them. */
const char *hcmd_pr_judge(const struct hcmd *cmd, uint32_t got);
