/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What copies by token need of the world outside: bytes that nobody can guess, and time. Home worker. */
#include "base/check.h"
#include "run/worker.h"
#include "target/unit.h"

#define TICK_NS NSEC_PER_SEC

static void token_tick(struct worker *w, struct worker_timer *timer)
{
	struct tgt *t = container_of(timer, struct tgt, tokens);
	struct list *pos;
	bool any = false;

	list_for_each (pos, &t->units) {
		struct scsi_lu *lu = &list_entry(pos, struct tgt_unit, node)->lu;

		if (!lu->tokens.n_valid)
			continue;
		scsi_tokens_age(lu, worker_now_ns(w));
		any |= lu->tokens.n_valid != 0;
		home_drain(lu);
	}
	/* A running timer is set anew, so that its place stays its own. */
	check(worker_timer_start(w, timer, any ? worker_now_ns(w) + TICK_NS : UINT64_MAX) == 0);
}

void token_init(struct tgt *t)
{
	worker_timer_init(&t->tokens, token_tick);
}

int token_start(struct tgt *t)
{
	return t->tokens.slot ? 0 : worker_timer_start(tgt_home(t), &t->tokens, UINT64_MAX);
}

void token_stop(struct tgt *t)
{
	if (t->tokens.slot) /* else there may be no worker yet */
		worker_timer_stop(tgt_home(t), &t->tokens);
}

struct scsi_event token_fresh(struct cmd *c)
{
	struct scsi_event ev = { .type = SCSI_EV_TOKEN };
	struct tgt *t = c->ch->t;
	struct worker *home = tgt_home(t);
	struct scsi_tokens *k = &c->task.lu->tokens;

	scsi_tokens_age(c->task.lu, worker_now_ns(home));
	ev.result = worker_random(k->fresh, sizeof(k->fresh));
	if (t->tokens.deadline_ns == UINT64_MAX)
		check(worker_timer_start(home, &t->tokens, worker_now_ns(home) + TICK_NS) == 0);
	return ev;
}
