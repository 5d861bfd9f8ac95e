/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A channel of an initiator and the little world that its tests have it in. */
#pragma once

#include "initiator/ichan.h"
#include "wire/srp_login_rsp.h"

#define N_SLOTS 4

struct world {
	struct ichan c;
	struct ichan_slot slot[ICHAN_SLOTS_MAX];
	struct ichan_actions out;
	uint8_t iu[ICHAN_IU_HEAD_MAX];
};

/* A channel that has done nothing yet. */
void world_init(struct world *w, bool immediate);
/* One event; the actions are in @w->out, a message in @w->iu. */
void step(struct world *w, struct ichan_event ev);
/* The first action of @type, or NULL. */
const struct ichan_action *find(const struct world *w, enum ichan_act_type type);
/* What a target that likes everything answers. */
struct srp_login_rsp good_login(const struct world *w);
/* It is established, with the first @cut bytes of @rsp. */
void establish(struct world *w, const struct srp_login_rsp *rsp, size_t cut);
