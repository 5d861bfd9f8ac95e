/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * For tests: one channel on a clock of its own. Each step is told what must come of it, as text: the state, then the
 * actions; NULL: anything. Each test program has this linked in, so there is one of everything.
 */
#pragma once

#include "srp/chan.h"
#include "wire/srp_logout.h"

#define LIMIT     12u
#define MAX_LIMIT 17u
#define SEC       NSEC_PER_SEC
#define CLOSE     "QP_ERROR CLOSING ABORT_TASKS POST_MARKER"

extern struct chan c;
extern struct chan_iu ius[64]; /* what was received; start() begins anew */
extern uint64_t now;

/* A channel that has done nothing yet. */
void start(bool dreq_handshake);

void step(struct chan_event ev, const char *want);
void on(enum chan_ev type, const char *want);
void on_value(enum chan_ev type, uint32_t value, const char *want);
void recv_iu(enum chan_iu_kind kind, const char *want);
/* A task ends; its receive has been posted anew. */
void task_ends(enum chan_ev how, const char *want);
/* Time passes, then the timer runs out. */
void after(uint64_t ns, const char *want);

void go_live(bool dreq_handshake);
/* Live, and the initiator has sent something: now it may be sent something too. */
void go_live_and_talk(bool dreq_handshake);
void ends_from_draining(void);
