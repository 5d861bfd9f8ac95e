/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The medium of a removable unit goes and comes because an operator says so. */
#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "target/unit.h"

struct medium_op {
	struct view_wait views;
	void (*done)(void *ctx);
	void *ctx;
};

static void medium_seen(struct view_wait *v)
{
	struct medium_op *op = container_of(v, struct medium_op, views);

	op->done(op->ctx);
	free(op);
}

static int medium_set(struct tgt_unit *u, bool in, void (*done)(void *ctx), void *ctx)
{
	struct medium_op *op = calloc(1, sizeof(*op));
	int r;

	if (!op)
		return -ENOMEM;
	r = in ? scsi_lu_insert(&u->lu, NULL) : scsi_lu_eject(&u->lu);
	if (r) {
		free(op);
		return r;
	}
	log_info("device %s: an operator %s; telling the initiators", u->name,
		 in ? "has put its medium in" : "has taken its medium out");
	op->done = done;
	op->ctx = ctx;
	op->views.done = medium_seen;
	home_publish_lu(u->t, &u->lu);
	home_view_wait(u->t, &op->views);
	return 0;
}

int tgt_unit_eject(struct tgt_unit *u, void (*done)(void *ctx), void *ctx)
{
	return medium_set(u, false, done, ctx);
}

int tgt_unit_insert(struct tgt_unit *u, void (*done)(void *ctx), void *ctx)
{
	return medium_set(u, true, done, ctx);
}
