/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Units of other targets, for the other files of this folder. The channel's worker, all of it. */
#pragma once

#include "target/internal.h"

/* --- remote.c --- */
/* The channel serves no more: log out everywhere. */
void remote_leave(struct tchan *ch);
/* A login of it is still there. */
bool remote_is_in(const struct tchan *ch);
/* Free what remote_leave() left. */
void remote_free(struct tchan *ch);
/* @u is in no map any more: log out there. True: ask again, a login of @tw is still there. */
bool remote_unit_busy(struct tworker *tw, struct tgt_unit *u);

/* --- remote_cmd.c --- */
/* @c, which is counted in its unit, goes to another target, and ends. */
void remote_begin(struct cmd *c);
/* Abort it, unless it stands in a line (c->wait). */
void remote_abort(struct cmd *c);
/* It has left: give back what it has. */
void remote_forget(struct cmd *c);
void remote_worker_init(struct tworker *tw);
void remote_worker_free(struct tworker *tw);

/* --- remote_tmf.c --- */
/* Is the unit of this TSK_MGMT elsewhere, and is it for the whole of it? Then it goes there, and ends or comes to
 * tmf_here(). */
bool remote_tmf(struct cmd *c, uint16_t lun);
