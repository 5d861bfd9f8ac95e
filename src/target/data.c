/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Data of a command, burst by burst: initiator <- RDMA -> local memory <- backend I/O -> medium. A store
 * that has its data in memory is moved from directly; otherwise a burst goes through a buffer of the
 * worker's pool.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/check.h"
#include "run/worker.h"
#include "target/data.h"
#include "target/inject.h"
#include "target/unit.h"

_Static_assert(SCSI_ATOMIC_BYTES < TGT_BURST_BYTES + 1, "a WRITE that is whole is one burst");

#define DATA_DIRECT_MAX (16u << 20) /* longest burst out of a store's own memory */

/* --- backend I/O --- */

void data_io_submit(struct cmd *c, struct backend *b,
		    void (*done)(struct worker *, struct backend_io *, int))
{
	c->bio.done = done;
	c->is.io = true;
	backend_submit(b, c->ch->tw->w, &c->bio);
}

void data_io_fill(struct cmd *c, enum backend_op op, void *addr, uint64_t off, uint64_t len)
{
	struct backend_io *io = &c->bio;

	c->iov = (struct iovec){ .iov_base = addr, .iov_len = len };
	io->op = op;
	io->flags = c->act.fua ? BACKEND_IO_FUA : 0;
	io->iov = &c->iov;
	io->n_iov = addr ? 1 : 0;
	io->off_bytes = off;
	io->len_bytes = len;
}

bool data_io_refused(struct cmd *c, const struct unit_tasks *k,
		     void (*done)(struct worker *, struct backend_io *, int))
{
	/* The I/O of an orphan is still under way, and a command has room for one. */
	if (!(c->is.abort || c->is.orphan || k->fenced))
		return false;
	done(c->ch->tw->w, &c->bio, c->is.abort ? -ECANCELED : -ENXIO);
	return true;
}

void data_io(struct cmd *c, enum backend_op op, void *addr, uint64_t off, uint64_t len,
	     void (*done)(struct worker *, struct backend_io *, int))
{
	if (data_io_refused(c, c->tasks, done))
		return;
	data_io_fill(c, op, addr, off, len);
	data_io_submit(c, c->unit->backend, done);
}

struct cmd *data_io_ended(struct backend_io *io)
{
	struct cmd *c = container_of(io, struct cmd, bio);

	c->is.io = false;
	if (c->is.abort)
		list_del(&c->wait); /* its deadline */
	return c;
}

void data_end(struct cmd *c, int result, bool keep)
{
	enum scsi_event_type what = SCSI_EV_IO_DONE;

	if (!keep)
		data_put_buf(c, &c->buf);
	if (c->act.type == SCSI_ACT_FETCH)
		what = SCSI_EV_DATA;
	else if (c->act.type == SCSI_ACT_ROOM)
		what = SCSI_EV_ROOM;
	cmd_event(c, what, result);
}

uint32_t data_burst(const struct cmd *c, uint32_t max)
{
	return (uint32_t)min_u64(c->act.len_bytes - c->done_bytes, max);
}

bool data_more(struct cmd *c)
{
	c->done_bytes += c->burst_bytes;
	return c->done_bytes < c->act.len_bytes;
}

/* --- READ --- */

static void read_burst(struct cmd *c);

/* The last bytes of a READ need no completion of their own: the RSP follows them on the same queue
 * pair. Only while it is sure that it will follow. */
static bool read_is_last(const struct cmd *c)
{
	return c->done_bytes + c->burst_bytes == c->act.len_bytes && !c->is.home &&
	       cmd_chan_live(c);
}

static void read_moved(struct cmd *c)
{
	bool last = c->move_last;

	if (c->move_error) {
		data_end(c, c->move_error, false);
	} else if (data_more(c)) {
		data_put_buf(c, &c->buf);
		read_burst(c);
	} else {
		c->ch->read_bytes += c->act.len_bytes;
		data_end(c, 0, last);
	}
}

static void read_done(struct worker *w, struct backend_io *io, int result)
{
	struct cmd *c = data_io_ended(io);

	(void)w;
	if (result)
		data_end(c, result, false);
	else
		data_move(c, FAB_WR_WRITE, c->buf->addr, c->burst_bytes, read_is_last(c),
			  read_moved);
}

static void read_burst(struct cmd *c)
{
	uint64_t off = c->act.off_bytes + c->done_bytes;
	void *addr;

	if (c->is.abort) {
		data_end(c, -ECANCELED, false);
		return;
	}
	c->burst_bytes = data_burst(c, DATA_DIRECT_MAX);
	/* Where memory must be registered a store's own is not: its pages may be given back and replaced, while the
	 * registration keeps the old ones. */
	addr = c->ch->conn->fab->ops->mem_add
		       ? NULL
		       : drop_const(backend_map_read(c->unit->backend, off, c->burst_bytes));
	if (addr) {
		data_move(c, FAB_WR_WRITE, addr, c->burst_bytes, read_is_last(c), read_moved);
		return;
	}
	c->burst_bytes = data_burst(c, TGT_BURST_BYTES);
	if (data_get_buf(c, c->burst_bytes, read_burst))
		data_io(c, BACKEND_READ, c->buf->addr, off, c->burst_bytes, read_done);
}

/* --- WRITE --- */

static void write_burst(struct cmd *c);

static void write_done(struct worker *w, struct backend_io *io, int result)
{
	struct cmd *c = data_io_ended(io);

	(void)w;
	data_put_buf(c, &c->buf);
	if (result) {
		data_end(c, result, false);
	} else if (data_more(c)) {
		write_burst(c);
	} else {
		c->ch->write_bytes += c->act.len_bytes;
		data_end(c, 0, false);
	}
}

static void write_moved(struct cmd *c)
{
	/* An aborted command must not reach the medium any more (INV-15). */
	if (c->move_error || c->is.abort) {
		data_end(c, c->move_error ? c->move_error : -ECANCELED, false);
		return;
	}
	data_io(c, BACKEND_WRITE, c->buf->addr, c->act.off_bytes + c->done_bytes, c->burst_bytes,
		write_done);
}

/* Immediate data the store can take from where they are. */
static void *write_in_place(const struct cmd *c)
{
	const uint8_t *imm = c->data.out.imm ? c->data.out.imm + c->done_bytes : NULL;
	uint32_t align = c->unit->backend->mem_align_bytes;

	return imm && (uintptr_t)imm % (align ? align : 1) == 0 ? drop_const(imm) : NULL;
}

static void write_burst(struct cmd *c)
{
	void *imm = write_in_place(c);

	if (c->is.abort) {
		data_end(c, -ECANCELED, false);
		return;
	}
	c->burst_bytes = data_burst(c, TGT_BURST_BYTES);
	if (imm)
		data_io(c, BACKEND_WRITE, imm, c->act.off_bytes + c->done_bytes, c->burst_bytes,
			write_done);
	else if (data_get_buf(c, c->burst_bytes, write_burst))
		data_bring(c, c->buf->addr, c->burst_bytes, write_moved);
}

/* --- WRITE SAME, and what moves no data --- */

void data_plain_done(struct worker *w, struct backend_io *io, int result)
{
	(void)w;
	data_end(data_io_ended(io), result, false);
}

static void same_start(struct cmd *c)
{
	uint32_t block = c->lu->block_bytes;

	if (c->is.abort) {
		data_end(c, -ECANCELED, false);
		return;
	}
	c->burst_bytes = (uint32_t)c->act.len_bytes;
	if (!data_get_buf(c, c->burst_bytes, same_start))
		return;
	for (uint32_t i = 0; i < c->burst_bytes; i += block)
		memcpy((uint8_t *)c->buf->addr + i, c->task.data, block);
	data_io(c, BACKEND_WRITE, c->buf->addr, c->act.off_bytes, c->burst_bytes, data_plain_done);
}

/*
 * A copy that waits for other commands must not hold what they may need to end: its list, which it needs then, leaves
 * the pool.
 */
static int keep_list(struct cmd *c)
{
	c->list = malloc(c->act.len_bytes);
	if (!c->list)
		return -ENOMEM;
	memcpy(c->list, c->task.data, c->act.len_bytes);
	c->task.data = c->list;
	c->task.data_cap = (uint32_t)c->act.len_bytes;
	data_put_buf(c, &c->param);
	return 0;
}

static void fetch_moved(struct cmd *c)
{
	int r = c->move_error;

	if (!r && scsi_task_is_copy(&c->task))
		r = keep_list(c);
	data_end(c, r, false);
}

static void plain_start(struct cmd *c, enum backend_op op)
{
	if (c->is.abort)
		data_end(c, -ECANCELED, false);
	else
		data_io(c, op, NULL, c->act.off_bytes, c->act.len_bytes, data_plain_done);
}

static void extent_done(struct worker *w, struct backend_io *io, int result)
{
	struct cmd *c = data_io_ended(io);

	(void)w;
	c->done_bytes = result ? 0 : io->extent_bytes;
	data_end(c, result ? result : io->hole, false);
}

static void extent_start(struct cmd *c)
{
	if (c->is.abort)
		data_end(c, -ECANCELED, false);
	else
		data_io(c, BACKEND_EXTENT, NULL, c->act.off_bytes, c->act.len_bytes, extent_done);
}

static void data_tabled(struct cmd *c)
{
	if (c->move_error)
		data_end(c, c->move_error, false);
	else
		data_begin(c);
}

/* An action that moves data needs the descriptors; so does who gets long parameters, before. */
static bool data_needs_table(const struct cmd *c)
{
	enum scsi_act_type t = c->act.type;

	return c->is.need_table &&
	       (t == SCSI_ACT_READ || t == SCSI_ACT_READ_WRONG || t == SCSI_ACT_WRITE ||
		t == SCSI_ACT_COMPARE || t == SCSI_ACT_COMPARE_AND_WRITE ||
		t == SCSI_ACT_OR_WRITE || t == SCSI_ACT_FETCH ||
		(t == SCSI_ACT_ROOM && data_param_is_long(c)));
}

/* The parameter buffer, which ROOM is about and FETCH needs; false: it waits for one. */
static bool data_has_room(struct cmd *c)
{
	if ((c->act.type != SCSI_ACT_ROOM && c->act.type != SCSI_ACT_FETCH) || c->param ||
	    c->is.abort)
		return true;
	if (!data_get_param(c, data_begin))
		return false;
	c->task.data = c->param->addr;
	c->task.data_cap = c->param->cap;
	return true;
}

/* Actions that bring or take the initiator's data: they start at the beginning of its buffer. */
static void data_begin_transfer(struct cmd *c)
{
	c->in_pos = (struct xfer_pos){ 0 };
	c->out_pos = (struct xfer_pos){ 0 };
	switch (c->act.type) {
	case SCSI_ACT_READ:
		read_burst(c);
		break;
	case SCSI_ACT_READ_WRONG:
		inject_read(c);
		break;
	case SCSI_ACT_WRITE:
		write_burst(c);
		break;
	case SCSI_ACT_COMPARE:
		data_compare(c);
		break;
	case SCSI_ACT_COMPARE_AND_WRITE:
	case SCSI_ACT_OR_WRITE:
		data_alone(c);
		break;
	case SCSI_ACT_FETCH:
		check(c->act.len_bytes <= c->task.data_cap);
		data_bring(c, c->task.data, (uint32_t)c->act.len_bytes, fetch_moved);
		break;
	default:
		check_unreachable();
	}
}

static void data_begin_action(struct cmd *c)
{
	switch (c->act.type) {
	case SCSI_ACT_READ:
	case SCSI_ACT_READ_WRONG:
	case SCSI_ACT_WRITE:
	case SCSI_ACT_COMPARE:
	case SCSI_ACT_COMPARE_AND_WRITE:
	case SCSI_ACT_OR_WRITE:
	case SCSI_ACT_FETCH:
		data_begin_transfer(c);
		break;
	case SCSI_ACT_VERIFY:
	case SCSI_ACT_COMPARE_SAME:
		data_verify(c);
		break;
	case SCSI_ACT_WRITE_SAME:
		same_start(c);
		break;
	case SCSI_ACT_FLUSH:
		plain_start(c, BACKEND_FLUSH);
		break;
	case SCSI_ACT_UNMAP:
		plain_start(c, BACKEND_UNMAP);
		break;
	case SCSI_ACT_WRITE_ZEROES:
		plain_start(c, BACKEND_WRITE_ZEROES);
		break;
	case SCSI_ACT_PREFETCH:
		plain_start(c, BACKEND_PREFETCH);
		break;
	case SCSI_ACT_COPY:
		data_copy(c);
		break;
	case SCSI_ACT_EXTENT:
		extent_start(c);
		break;
	case SCSI_ACT_NONE:
	case SCSI_ACT_COMPLETE:
	case SCSI_ACT_ROOM:
	case SCSI_ACT_WAIT:
	case SCSI_ACT_COUNT:
	case SCSI_ACT_TOKEN:
	case SCSI_ACT_SET_STATES:
	case SCSI_ACT_SAVE:
	case SCSI_ACT_HOLD:
	case SCSI_ACT_CLEAR:
		check_unreachable();
	}
}

void data_begin(struct cmd *c)
{
	check(!c->buf);
	c->done_bytes = 0;
	if ((c->act.type == SCSI_ACT_READ || c->act.type == SCSI_ACT_WRITE) &&
	    !c->is.need_table) { /* nearly all there is */
		data_begin_transfer(c);
		return;
	}
	/* Long parameters come last: what was waited for before must be there. */
	if (data_param_is_long(c) && data_needs_table(c)) {
		table_fetch(c, data_tabled);
		return;
	}
	if (!data_has_room(c))
		return;
	if (c->act.type == SCSI_ACT_ROOM) {
		data_end(c, 0, false);
		return;
	}
	if (c->act.type == SCSI_ACT_FETCH && !c->param) {
		data_end(c, -ECANCELED, false);
		return;
	}
	if (data_needs_table(c)) {
		table_fetch(c, data_tabled);
		return;
	}
	data_begin_action(c);
}
