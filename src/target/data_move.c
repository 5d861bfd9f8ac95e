/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What every action with data begins with: a buffer of the worker's pool and slots of the send queue, which a command may
 * have to wait for in line, and moving between the initiator and local memory.
 */
#include <errno.h>

#include "base/check.h"
#include "run/worker.h"
#include "target/data.h"

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

bool data_param_is_long(const struct cmd *c)
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

void data_bring(struct cmd *c, void *addr, uint32_t len, void (*moved)(struct cmd *c))
{
	if (c->data.out.imm) {
		memcpy(addr, c->data.out.imm + c->done_bytes, len);
		c->moved = moved;
		move_end(c, 0);
		return;
	}
	data_move(c, FAB_WR_READ, addr, len, false, moved);
}
