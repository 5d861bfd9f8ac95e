/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The persistent reservations of a unit are others because an operator says so: made so, kept where they are to
 * outlive the process, published, and told when every worker acts by them. What others do meanwhile goes by the new
 * ones, as with PERSISTENT RESERVE OUT.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "target/unit.h"

struct pr_op {
	struct tgt_unit *u; /* until it is kept */
	struct tgt *t;
	struct keep_wait kept;
	struct view_wait views;
	int result; /* of keeping it */
	tgt_pr_done_fn *done;
	void *ctx;
};

static void pr_seen(struct view_wait *v)
{
	struct pr_op *op = container_of(v, struct pr_op, views);

	op->t->n_saving--;
	op->done(op->ctx, op->result);
	login_check_stopped(op->t);
	free(op);
}

static void pr_kept(struct keep_wait *w, int result)
{
	struct pr_op *op = container_of(w, struct pr_op, kept);

	op->result = result;
	op->views.done = pr_seen;
	home_publish_lu(op->t, &op->u->lu);
	home_view_wait(op->t, &op->views);
}

int tgt_unit_restore_pr(struct tgt_unit *u, const struct scsi_pr *pr, tgt_pr_done_fn *done,
			void *ctx)
{
	struct pr_op *op = calloc(1, sizeof(*op));
	bool saves = false;
	int r = op ? scsi_lu_replace_pr(&u->lu, pr, &saves) : -ENOMEM;

	if (r) {
		free(op);
		return r;
	}
	log_info("device %s: an operator has restored its reservations, %u registrations; telling "
		 "the "
		 "initiators",
		 u->name, pr->n);
	*op = (struct pr_op){ .u = u, .t = u->t, .done = done, .ctx = ctx };
	op->kept.done = pr_kept;
	u->t->n_saving++;
	if (saves)
		keep_unit(u, &op->kept);
	else
		pr_kept(&op->kept, 0);
	return 0;
}
