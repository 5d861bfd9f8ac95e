/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Faults on demand, for the other files of this folder. Home worker, but inject_read(). */
#pragma once

#include "target/internal.h"

void inject_init(struct tgt *t);
void inject_stop(struct tgt *t);
/* @c is about to START: true when it is lost and not to be stepped; else its event may be another one now. */
bool inject_cmd(struct cmd *c);
/* HOLD is the action of @c, which waits at home: home_held() later, unless it was aborted before. */
void inject_hold(struct cmd *c);
/* @c has come home: true when it is kept, until tmf_go(), or tmf_lost() by inject_abort_tmfs(). */
bool inject_tmf(struct cmd *c);
/* @ch serves no more: end what is kept of it. */
void inject_abort_tmfs(struct tchan *ch);
/* The reason to refuse a login that is in order; 0: there is none. */
uint32_t inject_login(struct tgt_port *p, const struct srp_port_id *initiator);
/* What faults change in the view @v of @ch. */
void inject_view(const struct tchan *ch, struct tview *v);
/* @u is to go, and is in no LUN map any more: so do its faults, and its commands that are lost or delayed go on, to end. */
void inject_retire(struct tgt_unit *u);

/* READ_WRONG is the action of @c. The channel's worker. */
void inject_read(struct cmd *c);
