/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Memory regions: the peer of one connection, and nobody else, may access them. */
#include "fabric/iwarp/fi.h"

#include <errno.h>

_Static_assert((int)FAB_ACCESS_REMOTE_READ == (int)IW_ACCESS_REMOTE_READ &&
		       (int)FAB_ACCESS_REMOTE_WRITE == (int)IW_ACCESS_REMOTE_WRITE,
	       "access rights are handed on as they are");

int fi_mr_reg(struct fab_conn *base, void *addr, size_t len, unsigned access, struct fab_mr *ret)
{
	struct fi_conn *c = fi_conn_of(base);
	int r;

	if (!c->qp)
		return -EINVAL;
	r = iw_stag_add(c->qp, addr, len, access, &ret->rkey, &ret->slot);
	if (r)
		return r;
	ret->addr = addr;
	ret->len = len;
	return 0;
}

void fi_mr_dereg(struct fab_conn *base, struct fab_mr *mr)
{
	struct fi_conn *c = fi_conn_of(base);

	if (!c->qp) /* the regions went with it */
		return;
	iw_stag_del(c->qp, mr->slot);
	/* The peer was in the midst of using it: the stream cannot go on. */
	if (c->qp->error)
		fi_conn_kick(c);
}
