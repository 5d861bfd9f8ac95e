/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Descriptor tables that do not stand in the command (an initiator with more pieces than fit in it): they are
 * read from the initiator's memory before the first data are moved. Not earlier, so that the order in which
 * commands begin does not depend on it.
 */
#include <errno.h>

#include "base/check.h"
#include "base/log.h"
#include "target/internal.h"

/* The first buffer of @c whose table is not here; NULL: all are. */
static struct srp_data *table_missing(struct cmd *c)
{
	if (!srp_data_whole(&c->data.in))
		return &c->data.in;
	return srp_data_whole(&c->data.out) ? NULL : &c->data.out;
}

static uint32_t table_bytes(const struct srp_data *d)
{
	return srp_data_whole(d) ? 0 : d->table.len;
}

const char *table_check(const struct cmd *c)
{
	uint64_t len = (uint64_t)table_bytes(&c->data.in) + table_bytes(&c->data.out);

	return len > TGT_TABLE_MAX ? "the descriptor table outside the command is longer than 4096 "
				     "entries"
				   : NULL;
}

/* Both directions of a command may have one: data-out's stands behind data-in's. */
static uint8_t *table_place(const struct cmd *c, const struct srp_data *d)
{
	uint8_t *start = c->table->addr;
	bool second = d == &c->data.out && c->data.in.desc == start;

	return second ? start + (size_t)c->data.in.n_table * SRP_MEM_DESC_BYTES : start;
}

static void table_end(struct cmd *c, int error)
{
	c->move_error = error;
	c->is.need_table = error != 0;
	c->tabled(c);
}

static void table_moved(struct cmd *c);

static void table_next(struct cmd *c)
{
	struct srp_data *d = table_missing(c);

	if (!d) {
		table_end(c, 0);
		return;
	}
	srp_mem_desc_put(c->table_desc, &d->table);
	c->table_pos = (struct xfer_pos){ 0 };
	c->table_at = (struct srp_data){ .fmt = SRP_FMT_DIRECT,
					 .len = d->table.len,
					 .n_desc = 1,
					 .n_table = 1,
					 .desc = c->table_desc };
	data_read_from(c, &c->table_at, &c->table_pos, table_place(c, d), d->table.len,
		       table_moved);
}

static void table_moved(struct cmd *c)
{
	struct srp_data *d = table_missing(c);
	int r = 0;

	if (!c->move_error)
		r = srp_data_set_table(d, table_place(c, d), d->table.len);
	if (r)
		log_warn("%s: a command's descriptor table makes no sense: %s, refused",
			 c->ch->name, srp_e_text(r));
	if (c->move_error || r)
		table_end(c, r ? -EBADMSG : c->move_error);
	else
		table_next(c);
}

static void table_begin(struct cmd *c)
{
	if (c->is.abort)
		table_end(c, -ECANCELED);
	else if (data_get_table(c, table_bytes(&c->data.in) + table_bytes(&c->data.out),
				table_begin))
		table_next(c);
}

void table_fetch(struct cmd *c, void (*then)(struct cmd *c))
{
	check(!c->table && c->is.need_table);
	c->tabled = then;
	table_begin(c);
}
