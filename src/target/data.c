/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Data of a command, burst by burst: initiator <- RDMA -> local memory <- backend I/O -> medium. A store
 * that has its data in memory is moved from directly; otherwise a burst goes through a buffer of the
 * worker's pool.
 */
#include <errno.h>

#include "base/check.h"
#include "run/worker.h"
#include "target/internal.h"

/* NOLINTNEXTLINE(misc-redundant-expression): that they are equal is what is fine */
_Static_assert(SCSI_COPY_BYTES <= TGT_BURST_BYTES, "a buffer holds a piece of a copy");
_Static_assert(3 * SCSI_CAW_BYTES <= TGT_BURST_BYTES,
	       "a buffer holds both sides of COMPARE AND WRITE");

#define DATA_DIRECT_MAX (16u << 20) /* longest burst out of a store's own memory */

/* --- waiting for buffers and slots --- */

/* Who comes behind others that wait stands in line; the job looks whom of them a buffer is there for. */
static bool data_get(struct cmd *c, struct pool_buf **ret, enum pool_class from, enum pool_class to)
{
	struct tworker *tw = c->ch->tw;
	struct list *line = &tw->buf_wait[from];

	if (c->is.resumed || list_empty(line))
		*ret = pool_get(&tw->pool, &c->ch->share, from, to);
	else if (pool_has(&tw->pool, from, to))
		worker_defer(tw->w, &tw->buf_job);
	c->is.resumed = false;
	if (!*ret)
		list_push(line, &c->wait);
	return *ret != NULL;
}

bool data_get_buf(struct cmd *c, uint32_t len, void (*resume)(struct cmd *c))
{
	c->resume = resume;
	return data_get(c, &c->buf, pool_class_of(len), POOL_1M);
}

/* Its parameters do not fit in the buffers that most have; they are all that the command moves. */
static bool data_param_is_long(const struct cmd *c)
{
	return scsi_task_data_bytes(&c->task) > SCSI_DATA_MIN_BYTES;
}

/*
 * A command may need a buffer while it holds its parameters, but never the other way round. So that those who
 * wait for a buffer cannot hold all of them, parameters get none of the larger classes. Long ones stand where
 * the buffers of other commands do: when they are there, nothing is waited for any more.
 */
bool data_get_param(struct cmd *c, void (*resume)(struct cmd *c))
{
	enum pool_class from = pool_class_of(scsi_task_data_bytes(&c->task));

	c->resume = resume;
	return data_get(c, &c->param, from, data_param_is_long(c) ? POOL_1M : from);
}

/*
 * A table is held while its command waits for buffers, and is waited for by a command that may hold its
 * parameters: parameters, table, buffer (or long parameters) is the order. The largest class, which buffers may
 * always come from, is for none but them, so it comes back for certain.
 */
bool data_get_table(struct cmd *c, uint32_t len, void (*resume)(struct cmd *c))
{
	c->resume = resume;
	return data_get(c, &c->table, pool_class_of(len), POOL_64K);
}

static void data_wake(struct tworker *tw)
{
	for (unsigned i = 0; i < POOL_CLASS_COUNT; i++) {
		if (!list_empty(&tw->buf_wait[i])) {
			worker_defer(tw->w, &tw->buf_job);
			return;
		}
	}
}

void data_put_buf(struct cmd *c, struct pool_buf **b)
{
	if (!*b)
		return;
	pool_put(&c->ch->tw->pool, &c->ch->share, *b);
	*b = NULL;
	data_wake(c->ch->tw);
}

/* Try everybody in the line once; who still gets none stands in it again, in the same order. */
static void data_serve(struct tworker *tw, enum pool_class class)
{
	struct list todo;
	struct list *node;

	list_init(&todo);
	list_splice(&todo, &tw->buf_wait[class]);
	while (pool_has(&tw->pool, class, POOL_1M) && (node = list_pop(&todo))) {
		struct cmd *c = list_entry(node, struct cmd, wait);

		c->is.resumed = true;
		c->resume(c);
	}
	list_splice(&tw->buf_wait[class], &todo);
}

void data_buf_job(struct worker *w, struct worker_job *j)
{
	struct tworker *tw = container_of(j, struct tworker, buf_job);

	(void)w;
	for (unsigned i = 0; i < POOL_CLASS_COUNT; i++)
		data_serve(tw, (enum pool_class)i);
}

void data_slots(struct tchan *ch)
{
	struct list *node;

	/* On the way down each is told that it is aborted, by who walks over the commands; it may not end behind
	 * the back of that. */
	if (ch->chan.state != CHAN_LIVE)
		return;
	while ((node = list_pop(&ch->sq_wait))) {
		struct cmd *c = list_entry(node, struct cmd, wait);

		c->is.resumed = true;
		c->resume(c);
		if (ch->sq_wait.next == node)
			return;
	}
}

bool data_unwait(struct cmd *c)
{
	bool waiting = !list_empty(&c->wait);

	list_del(&c->wait);
	if (waiting)
		data_wake(c->ch->tw); /* it may have stood in front of others */
	return waiting;
}

/* --- moving data between the initiator and local memory --- */

static void move_step(struct cmd *c);

static void move_end(struct cmd *c, int error)
{
	c->move_error = error;
	c->moved(c);
}

/* Take slots for @n requests; false: it waits for them. */
static bool move_slots(struct cmd *c, unsigned n)
{
	struct tchan *ch = c->ch;
	bool first = c->is.resumed;

	c->is.resumed = false;
	if ((first || list_empty(&ch->sq_wait)) && chan_sq_reserve(&ch->chan, n))
		return true;
	c->resume = move_step;
	if (first)
		list_push_front(&ch->sq_wait, &c->wait);
	else
		list_push(&ch->sq_wait, &c->wait);
	return false;
}

static void move_step(struct cmd *c)
{
	struct tchan *ch = c->ch;
	bool out = c->move_op == FAB_WR_READ;
	struct xfer_pos *pos = c->move_pos;
	struct xfer_pos was = *pos;
	struct fab_wr wr[TGT_CHAIN_MAX];
	struct fab_sge sge[TGT_CHAIN_MAX];
	struct xfer_chain chain = { .wr = wr, .sge = sge, .max = TGT_CHAIN_MAX };
	unsigned n;
	bool last;

	/* On the way down nothing is moved any more: no response would keep the buffer until it was sent. */
	if (!cmd_chan_live(c) || c->is.abort) {
		move_end(c, c->is.abort ? -ECANCELED : -EPIPE);
		return;
	}
	n = xfer_build(c->move_data, pos, c->move_op, c->move_addr, c->move_len, &chain);
	if (!n) {
		move_end(c, -EPIPE); /* the descriptors hold less than the lengths said */
		return;
	}
	if (!move_slots(c, n)) {
		*pos = was;
		return;
	}
	for (unsigned i = 0; i < n; i++)
		wr[i].wr_id = (uint64_t)c->index << 8 | WR_MID;
	c->move_addr += chain.bytes;
	c->move_len -= chain.bytes;
	last = c->move_last && !c->move_len;
	if (!last) {
		wr[n - 1].wr_id = (uint64_t)c->index << 8 | WR_DATA;
		wr[n - 1].flags = FAB_WR_SIGNALED;
	}
	/* The slots are ours; but a peer that serves no RDMA READ at all makes the call fail. */
	if (ch->t->ops->post_send(ch->conn, wr, n)) {
		chan_sq_release(&ch->chan, n);
		move_end(c, -EPIPE);
	} else if (last) {
		c->rsp_slots += n;
		move_end(c, 0);
	} else {
		c->slots = n;
		c->is.posted = true;
		channel_owed(ch, out ? OWED_READ : OWED_TAKE);
	}
}

void data_move(struct cmd *c, enum fab_wr_op op, void *addr, uint32_t len, bool last,
	       void (*moved)(struct cmd *c))
{
	bool out = op == FAB_WR_READ;

	c->move_op = op;
	c->move_data = out ? &c->data.out : &c->data.in;
	c->move_pos = out ? &c->out_pos : &c->in_pos;
	c->move_addr = addr;
	c->move_len = len;
	c->move_last = last;
	c->moved = moved;
	move_step(c);
}

void data_read_from(struct cmd *c, const struct srp_data *from, struct xfer_pos *pos, void *addr,
		    uint32_t len, void (*moved)(struct cmd *c))
{
	c->move_op = FAB_WR_READ;
	c->move_data = from;
	c->move_pos = pos;
	c->move_addr = addr;
	c->move_len = len;
	c->move_last = false;
	c->moved = moved;
	move_step(c);
}

void data_wc(struct cmd *c, enum fab_wc_status status)
{
	struct tchan *ch = c->ch;

	check(c->is.posted);
	c->is.posted = false;
	channel_paid(ch, c->move_op == FAB_WR_READ ? OWED_READ : OWED_TAKE);
	chan_sq_release(&ch->chan, c->slots);
	if (status != FAB_WC_OK)
		move_end(c, -EPIPE);
	else if (c->move_len)
		move_step(c);
	else
		move_end(c, 0);
	data_slots(ch);
	channel_resources(ch);
}

/* Bring @len bytes of data-out to @addr: out of the IU itself, or by RDMA READ. */
static void data_bring(struct cmd *c, void *addr, uint32_t len, void (*moved)(struct cmd *c))
{
	if (c->data.out.imm) {
		memcpy(addr, c->data.out.imm + c->done_bytes, len);
		c->moved = moved;
		move_end(c, 0);
		return;
	}
	data_move(c, FAB_WR_READ, addr, len, false, moved);
}

/* --- backend I/O --- */

static void io_submit(struct cmd *c, struct backend *b,
		      void (*done)(struct worker *, struct backend_io *, int))
{
	c->bio.done = done;
	c->is.io = true;
	backend_submit(b, c->ch->tw->w, &c->bio);
}

static void io_fill(struct cmd *c, enum backend_op op, void *addr, uint64_t off, uint64_t len)
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

static void data_io(struct cmd *c, enum backend_op op, void *addr, uint64_t off, uint64_t len,
		    void (*done)(struct worker *, struct backend_io *, int))
{
	io_fill(c, op, addr, off, len);
	io_submit(c, c->unit->backend, done);
}

static struct cmd *io_ended(struct backend_io *io)
{
	struct cmd *c = container_of(io, struct cmd, bio);

	c->is.io = false;
	return c;
}

/* The action is over. @keep: the burst's buffer is still being read from, until the RSP has gone. */
static void data_end(struct cmd *c, int result, bool keep)
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

static uint32_t data_burst(const struct cmd *c, uint32_t max)
{
	return (uint32_t)min_u64(c->act.len_bytes - c->done_bytes, max);
}

/* Account for a burst that is done; true when more follow. */
static bool data_more(struct cmd *c)
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
	struct cmd *c = io_ended(io);

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
	struct cmd *c = io_ended(io);

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

/* --- COMPARE: half of the buffer for each side --- */

static void compare_burst(struct cmd *c);

static void compare_done(struct worker *w, struct backend_io *io, int result)
{
	struct cmd *c = io_ended(io);
	const uint8_t *a = c->buf->addr;
	const uint8_t *b = a + c->burst_bytes;
	uint32_t same = 0;

	(void)w;
	while (!result && same < c->burst_bytes && a[same] == b[same])
		same++;
	if (!result && same < c->burst_bytes) {
		c->done_bytes += same;
		result = -EILSEQ;
	}
	if (result) {
		data_end(c, result, false);
		return;
	}
	data_put_buf(c, &c->buf);
	if (data_more(c))
		compare_burst(c);
	else
		data_end(c, 0, false);
}

static void compare_moved(struct cmd *c)
{
	if (c->move_error)
		data_end(c, c->move_error, false);
	else
		data_io(c, BACKEND_READ, (uint8_t *)c->buf->addr + c->burst_bytes,
			c->act.off_bytes + c->done_bytes, c->burst_bytes, compare_done);
}

static void compare_burst(struct cmd *c)
{
	if (c->is.abort) {
		data_end(c, -ECANCELED, false);
		return;
	}
	c->burst_bytes = data_burst(c, TGT_BURST_BYTES / 2);
	if (data_get_buf(c, 2 * c->burst_bytes, compare_burst))
		data_bring(c, c->buf->addr, c->burst_bytes, compare_moved);
}

/*
 * --- COMPARE AND WRITE, ORWRITE ---
 *
 * The core lets nothing of the unit run beside them. In the buffer: what the initiator gave, then what is on
 * the medium.
 */

static void alone_start(struct cmd *c);

static bool alone_compares(const struct cmd *c)
{
	return c->act.type == SCSI_ACT_COMPARE_AND_WRITE;
}

/* Bytes of the initiator's data of a burst. */
static uint32_t alone_given(const struct cmd *c)
{
	return alone_compares(c) ? 2 * c->burst_bytes : c->burst_bytes;
}

static void alone_written(struct worker *w, struct backend_io *io, int result)
{
	struct cmd *c = io_ended(io);

	(void)w;
	data_put_buf(c, &c->buf);
	if (result) {
		/* What of it was done nobody knows, and what was done before is not told either. */
		c->done_bytes = 0;
		data_end(c, result, false);
	} else if (data_more(c)) {
		alone_start(c);
	} else {
		c->ch->write_bytes += c->act.len_bytes;
		data_end(c, 0, false);
	}
}

/* The medium's bytes are there: compare, or combine; @from gets what is to be written. */
static int alone_judge(struct cmd *c, uint8_t **from)
{
	uint8_t *given = c->buf->addr;
	uint8_t *medium = given + alone_given(c);
	uint32_t same = 0;

	*from = alone_compares(c) ? given + c->burst_bytes : given;
	if (!alone_compares(c)) {
		for (uint32_t i = 0; i < c->burst_bytes; i++)
			given[i] |= medium[i];
		return 0;
	}
	while (same < c->burst_bytes && given[same] == medium[same])
		same++;
	c->done_bytes = same == c->burst_bytes ? 0 : same;
	return same == c->burst_bytes ? 0 : -EILSEQ;
}

static void alone_read(struct worker *w, struct backend_io *io, int result)
{
	struct cmd *c = io_ended(io);
	uint8_t *from = NULL;

	(void)w;
	if (!result)
		result = alone_judge(c, &from);
	if (!result && c->is.abort)
		result = -ECANCELED; /* it must not reach the medium any more (INV-15) */
	if (result)
		data_end(c, result, false);
	else
		data_io(c, BACKEND_WRITE, from, c->act.off_bytes + c->done_bytes, c->burst_bytes,
			alone_written);
}

static void alone_moved(struct cmd *c)
{
	if (c->move_error || c->is.abort)
		data_end(c, c->move_error ? c->move_error : -ECANCELED, false);
	else
		data_io(c, BACKEND_READ, (uint8_t *)c->buf->addr + alone_given(c),
			c->act.off_bytes + c->done_bytes, c->burst_bytes, alone_read);
}

static void alone_start(struct cmd *c)
{
	if (c->is.abort) {
		data_end(c, -ECANCELED, false);
		return;
	}
	/* All of a comparison is one burst, else a part would be written before the rest was compared. */
	c->burst_bytes =
		alone_compares(c) ? (uint32_t)c->act.len_bytes : data_burst(c, TGT_BURST_BYTES / 2);
	if (data_get_buf(c, alone_given(c) + c->burst_bytes, alone_start))
		data_bring(c, c->buf->addr, alone_given(c), alone_moved);
}

/* --- COPY: by the stores themselves, else through a buffer --- */

static struct backend *copy_store(const struct scsi_lu *lu)
{
	const struct tgt_unit *u = lu->owner;

	return u->backend;
}

static void copy_written(struct worker *w, struct backend_io *io, int result)
{
	(void)w;
	data_end(io_ended(io), result, false);
}

static void copy_read(struct worker *w, struct backend_io *io, int result)
{
	struct cmd *c = io_ended(io);

	(void)w;
	if (!result && c->is.abort)
		result = -ECANCELED; /* it must not reach the medium any more (INV-15) */
	if (result) {
		data_end(c, result, false);
		return;
	}
	io_fill(c, BACKEND_WRITE, c->buf->addr, c->act.off_bytes, c->act.len_bytes);
	io_submit(c, copy_store(c->task.copy.to), copy_written);
}

static void copy_through(struct cmd *c)
{
	if (c->is.abort) {
		data_end(c, -ECANCELED, false);
		return;
	}
	if (!data_get_buf(c, (uint32_t)c->act.len_bytes, copy_through))
		return;
	io_fill(c, BACKEND_READ, c->buf->addr, c->task.copy.from_bytes, c->act.len_bytes);
	io_submit(c, copy_store(c->task.copy.from), copy_read);
}

static void copy_done(struct worker *w, struct backend_io *io, int result)
{
	struct cmd *c = io_ended(io);

	(void)w;
	if (result == -EOPNOTSUPP)
		copy_through(c);
	else
		data_end(c, result, false);
}

static void copy_start(struct cmd *c)
{
	if (c->is.abort) {
		data_end(c, -ECANCELED, false);
		return;
	}
	io_fill(c, BACKEND_COPY, NULL, c->act.off_bytes, c->act.len_bytes);
	c->bio.source = copy_store(c->task.copy.from);
	c->bio.from_bytes = c->task.copy.from_bytes;
	io_submit(c, copy_store(c->task.copy.to), copy_done);
}

/* --- VERIFY, WRITE SAME, and what moves no data --- */

static void plain_done(struct worker *w, struct backend_io *io, int result)
{
	(void)w;
	data_end(io_ended(io), result, false);
}

static void same_compared(struct worker *w, struct backend_io *io, int result)
{
	struct cmd *c = io_ended(io);
	const uint8_t *medium = c->buf->addr;
	uint32_t block = c->lu->block_bytes;
	uint32_t same = 0;

	(void)w;
	while (!result && same < c->burst_bytes && medium[same] == c->task.data[same % block])
		same++;
	if (!result && same < c->burst_bytes) {
		c->done_bytes = same;
		result = -EILSEQ;
	}
	data_end(c, result, false);
}

static void verify_start(struct cmd *c)
{
	if (c->is.abort) {
		data_end(c, -ECANCELED, false);
		return;
	}
	c->burst_bytes = (uint32_t)c->act.len_bytes;
	if (data_get_buf(c, c->burst_bytes, verify_start))
		data_io(c, BACKEND_READ, c->buf->addr, c->act.off_bytes, c->burst_bytes,
			c->act.type == SCSI_ACT_VERIFY ? plain_done : same_compared);
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
	data_io(c, BACKEND_WRITE, c->buf->addr, c->act.off_bytes, c->burst_bytes, plain_done);
}

static void fetch_moved(struct cmd *c)
{
	data_end(c, c->move_error, false);
}

static void plain_start(struct cmd *c, enum backend_op op)
{
	if (c->is.abort)
		data_end(c, -ECANCELED, false);
	else
		data_io(c, op, NULL, c->act.off_bytes, c->act.len_bytes, plain_done);
}

static void extent_done(struct worker *w, struct backend_io *io, int result)
{
	struct cmd *c = io_ended(io);

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
		data_start(c);
}

/* An action that moves data needs the descriptors; so does who gets long parameters, before. */
static bool data_needs_table(const struct cmd *c)
{
	enum scsi_act_type t = c->act.type;

	return c->is.need_table &&
	       (t == SCSI_ACT_READ || t == SCSI_ACT_WRITE || t == SCSI_ACT_COMPARE ||
		t == SCSI_ACT_COMPARE_AND_WRITE || t == SCSI_ACT_OR_WRITE || t == SCSI_ACT_FETCH ||
		(t == SCSI_ACT_ROOM && data_param_is_long(c)));
}

/* The parameter buffer, which ROOM is about and FETCH needs; false: it waits for one. */
static bool data_has_room(struct cmd *c)
{
	if ((c->act.type != SCSI_ACT_ROOM && c->act.type != SCSI_ACT_FETCH) || c->param ||
	    c->is.abort)
		return true;
	if (!data_get_param(c, data_start))
		return false;
	c->task.data = c->param->addr;
	c->task.data_cap = c->param->cap;
	return true;
}

/* Actions that bring or take the initiator's data: they start at the beginning of its buffer. */
static void data_start_transfer(struct cmd *c)
{
	c->in_pos = (struct xfer_pos){ 0 };
	c->out_pos = (struct xfer_pos){ 0 };
	switch (c->act.type) {
	case SCSI_ACT_READ:
		read_burst(c);
		break;
	case SCSI_ACT_WRITE:
		write_burst(c);
		break;
	case SCSI_ACT_COMPARE:
		compare_burst(c);
		break;
	case SCSI_ACT_COMPARE_AND_WRITE:
	case SCSI_ACT_OR_WRITE:
		alone_start(c);
		break;
	case SCSI_ACT_FETCH:
		check(c->act.len_bytes <= c->task.data_cap);
		data_bring(c, c->task.data, (uint32_t)c->act.len_bytes, fetch_moved);
		break;
	default:
		check_unreachable();
	}
}

static void data_start_action(struct cmd *c)
{
	switch (c->act.type) {
	case SCSI_ACT_READ:
	case SCSI_ACT_WRITE:
	case SCSI_ACT_COMPARE:
	case SCSI_ACT_COMPARE_AND_WRITE:
	case SCSI_ACT_OR_WRITE:
	case SCSI_ACT_FETCH:
		data_start_transfer(c);
		break;
	case SCSI_ACT_VERIFY:
	case SCSI_ACT_COMPARE_SAME:
		verify_start(c);
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
		copy_start(c);
		break;
	case SCSI_ACT_EXTENT:
		extent_start(c);
		break;
	case SCSI_ACT_NONE:
	case SCSI_ACT_COMPLETE:
	case SCSI_ACT_ROOM:
	case SCSI_ACT_WAIT:
	case SCSI_ACT_COUNT:
	case SCSI_ACT_SET_STATES:
	case SCSI_ACT_SAVE:
	case SCSI_ACT_CLEAR:
		check_unreachable();
	}
}

void data_start(struct cmd *c)
{
	check(!c->buf);
	c->done_bytes = 0;
	if ((c->act.type == SCSI_ACT_READ || c->act.type == SCSI_ACT_WRITE) &&
	    !c->is.need_table) { /* nearly all there is */
		data_start_transfer(c);
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
	data_start_action(c);
}
