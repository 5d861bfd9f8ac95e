/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Inside of chan: the state table and what chan.c and chan_io.c share. Also for the program that prints
 * the table and for the tests. */
#pragma once

#include "srp/chan.h"

typedef enum chan_state chan_on_fn(struct chan *c, const struct chan_event *ev,
				   struct chan_actions *out);

enum chan_cell_kind {
	CHAN_CELL_EMPTY,  /* never in the table */
	CHAN_CELL_HANDLE, /* does something */
	CHAN_CELL_IGNORE, /* legal, without effect */
	CHAN_CELL_BUG     /* only a bug of the caller leads here */
};

struct chan_cell {
	chan_on_fn *on;
	const char *name; /* of the handler, for docs/fsm/chan.md */
	unsigned to;      /* set of BIT(state) it may return */
	enum chan_cell_kind kind;
};

extern const struct chan_cell chan_table[CHAN_EV_COUNT][CHAN_STATE_COUNT];

/* --- actions --- */

static inline void act(struct chan_actions *out, enum chan_act type, uint32_t value)
{
	struct chan_action *a = &out->a[out->count++];

	a->type = type;
	a->value = value;
	a->text = NULL;
}

static inline void act_iu(struct chan_actions *out, enum chan_act type, struct chan_iu *iu)
{
	struct chan_action *a = &out->a[out->count++];

	a->type = type;
	a->value = 0;
	a->iu = iu;
}

static inline void act_text(struct chan_actions *out, enum chan_act type, const char *text)
{
	struct chan_action *a = &out->a[out->count++];

	a->type = type;
	a->value = 0;
	a->text = text;
}

/* --- chan.c --- */

#define CHAN_NO_LOGOUT UINT32_MAX /* a disconnect without T_LOGOUT */

/* Say why the channel ends: @why to the status, the words of the event, if any, to the log. */
void chan_because(struct chan *c, const struct chan_event *ev, struct chan_actions *out,
		  const char *why);

/*
 * An orderly end, with a T_LOGOUT of reason @logout where one can be sent. Without an accepted
 * connection there is none to disconnect, the login is refused instead (INV-3, INV-4: accept and
 * disconnect never meet).
 */
enum chan_state chan_disconnect(struct chan *c, struct chan_actions *out, uint32_t logout);

/* UINT64_MAX means "never", which a deadline must not become by overflow. */
static inline uint64_t chan_later(uint64_t now_ns, uint64_t wait_ns)
{
	return wait_ns >= UINT64_MAX - now_ns ? UINT64_MAX - 1 : now_ns + wait_ns;
}

/* --- chan_credit.c --- */

/* What ends a task says about its credit: the delta of its RSP, which is 0 when the limit shrinks. */
uint32_t chan_credit_back(struct chan *c);
/* The credit of a task that ends without a RSP is kept for a later one. */
void chan_credit_save(struct chan *c);
/* Send the next request of ours, if one is due, the last is answered, and the initiator can take it. */
void chan_ask(struct chan *c, uint64_t now_ns, struct chan_actions *out);
/* CRED_RSP or AER_RSP: was it asked for? Then the next request may be. */
bool chan_answered(struct chan *c, enum chan_ask what);

/* --- chan_io.c --- */

/* Execute parked IUs in order (INV-8); what one step cannot take is left to a KICK (INV-10). */
void chan_drain_parked(struct chan *c, struct chan_actions *out);

chan_on_fn chan_on_recv_early;
chan_on_fn chan_on_recv;
chan_on_fn chan_on_recv_late;
chan_on_fn chan_on_kick;
chan_on_fn chan_on_resources;
chan_on_fn chan_on_busy;
chan_on_fn chan_on_busy_late;
chan_on_fn chan_on_respond;
chan_on_fn chan_on_respond_late;
chan_on_fn chan_on_rsp_failed;
chan_on_fn chan_on_task_aborted;
chan_on_fn chan_on_ask_failed;
chan_on_fn chan_on_set_limit;
chan_on_fn chan_on_aer_due;
chan_on_fn chan_on_timer_live;
