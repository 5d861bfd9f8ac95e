/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A READ whose data an operator wants changed on their way: in a buffer, never where they are kept. */
#include <errno.h>

#include "target/data.h"
#include "target/inject.h"

static void wrong_burst(struct cmd *c);

static void wrong_moved(struct cmd *c)
{
	if (c->move_error) {
		data_end(c, c->move_error, false);
	} else if (data_more(c)) {
		data_put_buf(c, &c->buf);
		wrong_burst(c);
	} else {
		c->ch->read_bytes += c->act.len_bytes;
		data_end(c, 0, false);
	}
}

static void wrong_read(struct worker *w, struct backend_io *io, int result)
{
	struct cmd *c = data_io_ended(io);

	(void)w;
	if (result) {
		data_end(c, result, false);
		return;
	}
	fault_corrupt(c->fault_seed, c->buf->addr, c->burst_bytes, c->act.off_bytes + c->done_bytes,
		      c->lu->block_bytes);
	data_move(c, FAB_WR_WRITE, c->buf->addr, c->burst_bytes, false, wrong_moved);
}

static void wrong_burst(struct cmd *c)
{
	if (c->is.abort) {
		data_end(c, -ECANCELED, false);
		return;
	}
	c->burst_bytes = data_burst(c, TGT_BURST_BYTES);
	if (data_get_buf(c, c->burst_bytes, wrong_burst))
		data_io(c, BACKEND_READ, c->buf->addr, c->act.off_bytes + c->done_bytes,
			c->burst_bytes, wrong_read);
}

void inject_read(struct cmd *c)
{
	wrong_burst(c);
}
