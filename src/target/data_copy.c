/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* COPY: a piece of a third-party copy. The stores do it themselves where they can, else it goes through a buffer. */
#include <errno.h>

#include "target/data.h"
#include "target/unit.h"

/* NOLINTNEXTLINE(misc-redundant-expression): that they are equal is what is fine */
_Static_assert(SCSI_COPY_BYTES <= TGT_BURST_BYTES, "a buffer holds a piece of a copy");

static struct backend *copy_store(const struct scsi_lu *lu)
{
	const struct tgt_unit *u = lu->owner;

	return u->backend;
}

static bool copy_refused(struct cmd *c, void (*done)(struct worker *, struct backend_io *, int))
{
	const struct tgt_unit *from = c->task.copy.from->owner;
	const struct tgt_unit *to = c->task.copy.to->owner;
	unsigned i = worker_index(c->ch->tw->w);

	return data_io_refused(c, &from->tasks[i], done) || data_io_refused(c, &to->tasks[i], done);
}

static void copy_read(struct worker *w, struct backend_io *io, int result)
{
	struct cmd *c = data_io_ended(io);

	(void)w;
	if (!result && c->is.abort)
		result = -ECANCELED; /* it must not reach the medium any more (INV-15) */
	if (result) {
		data_end(c, result, false);
		return;
	}
	if (copy_refused(c, data_plain_done))
		return;
	data_io_fill(c, BACKEND_WRITE, c->buf->addr, c->act.off_bytes, c->act.len_bytes);
	data_io_submit(c, copy_store(c->task.copy.to), data_plain_done);
}

static void copy_through(struct cmd *c)
{
	if (c->is.abort) {
		data_end(c, -ECANCELED, false);
		return;
	}
	if (!data_get_buf(c, (uint32_t)c->act.len_bytes, copy_through))
		return;
	if (copy_refused(c, data_plain_done))
		return;
	data_io_fill(c, BACKEND_READ, c->buf->addr, c->task.copy.from_bytes, c->act.len_bytes);
	data_io_submit(c, copy_store(c->task.copy.from), copy_read);
}

static void copy_done(struct worker *w, struct backend_io *io, int result)
{
	struct cmd *c = data_io_ended(io);

	(void)w;
	if (result == -EOPNOTSUPP)
		copy_through(c);
	else
		data_end(c, result, false);
}

void data_copy(struct cmd *c)
{
	if (c->is.abort) {
		data_end(c, -ECANCELED, false);
		return;
	}
	if (copy_refused(c, data_plain_done))
		return;
	data_io_fill(c, BACKEND_COPY, NULL, c->act.off_bytes, c->act.len_bytes);
	c->bio.source = copy_store(c->task.copy.from);
	c->bio.from_bytes = c->task.copy.from_bytes;
	data_io_submit(c, copy_store(c->task.copy.to), copy_done);
}
