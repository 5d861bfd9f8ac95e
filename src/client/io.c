/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Commands, tasks, registered memory, and the search for what is overdue. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "client/client_priv.h"

#define DEFAULT_IO_MS   30000u
#define DEFAULT_TASK_MS 5000u
#define HOPELESS_TICKS  (10000u / CONN_TICK_MS) /* an abort could not be sent for so long */

/* --- overdue commands --- */

/* The first tick may come at once, so one is added. */
static uint32_t tick_after(const struct srp_conn *c, unsigned ms)
{
	return c->tick + ms / CONN_TICK_MS + 2;
}

void conn_tick_start(struct srp_conn *c)
{
	int r;

	if (c->tick_timer.slot)
		return;
	r = worker_timer_start(c->ctx->w, &c->tick_timer,
			       worker_clock_ns() + CONN_TICK_MS * NSEC_PER_MSEC);
	check(r == 0); /* the context has room for the timers of all its connections */
}

static void expire(struct srp_conn *c, uint16_t slot, bool hopeless)
{
	struct ichan_event ev = { .type = ICHAN_EV_EXPIRE, .slot = slot, .hopeless = hopeless };
	bool had_task = c->chan.tmf.busy;

	conn_step(c, &ev);
	if (!had_task && c->chan.tmf.busy)
		c->task_deadline = tick_after(c, DEFAULT_TASK_MS);
}

void conn_on_tick(struct worker *w, struct worker_timer *t)
{
	struct srp_conn *c = container_of(t, struct srp_conn, tick_timer);

	(void)w;
	c->tick++;
	if (c->chan.tmf.busy && (int32_t)(c->tick - c->task_deadline) >= 0)
		expire(c, c->chan.n_slots, false);
	for (uint16_t i = 0; i < c->chan.n_slots && c->chan.state == ICHAN_LIVE; i++) {
		int32_t late = (int32_t)(c->tick - c->slot[i].deadline);

		if (c->slot[i].io && late >= 0)
			expire(c, i, late > (int32_t)HOPELESS_TICKS);
	}
	if (c->chan.state == ICHAN_LIVE && (ichan_n_busy(&c->chan) || c->chan.tmf.busy))
		conn_tick_start(c);
}

/* --- registered memory --- */

static unsigned fab_access(unsigned access)
{
	return (access & SRP_MEM_READABLE ? (unsigned)FAB_ACCESS_REMOTE_READ : 0) |
	       (access & SRP_MEM_WRITABLE ? (unsigned)FAB_ACCESS_REMOTE_WRITE : 0);
}

int srp_mem_reg(struct srp_mem **ret, struct srp_conn *c, void *addr, size_t len, unsigned access)
{
	struct srp_mem *m;
	int r;

	if (!len || !fab_access(access) || access & ~(SRP_MEM_READABLE | SRP_MEM_WRITABLE))
		return -EINVAL;
	if (c->chan.state != ICHAN_LIVE)
		return -ENOTCONN;
	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	r = c->fc->fab->ops->mr_reg(c->fc, addr, len, fab_access(access), &m->mr);
	if (r) {
		free(m);
		return r;
	}
	m->conn = c;
	m->live = true;
	list_push(&c->mems, &m->node);
	*ret = m;
	return 0;
}

void srp_mem_dereg(struct srp_mem *m)
{
	if (!m)
		return;
	if (m->live)
		m->conn->fc->fab->ops->mr_dereg(m->conn->fc, &m->mr);
	list_del(&m->node);
	free(m);
}

static void mrs_put(struct srp_conn *c, uint16_t slot)
{
	struct conn_slot *s = &c->slot[slot];
	struct fab_mr *mr = c->mr + (size_t)slot * c->opts.max_pieces;

	/* Without a queue pair there is nothing left to take back. */
	for (uint16_t i = 0; c->fc && i < s->n_mr; i++)
		c->fc->fab->ops->mr_dereg(c->fc, &mr[i]);
	s->n_mr = 0;
}

static int mrs_get(struct srp_conn *c, uint16_t slot, const struct ichan_cmd *cmd,
		   const struct iovec *iov, struct srp_mem_desc *piece)
{
	struct fab_mr *mr = c->mr + (size_t)slot * c->opts.max_pieces;
	unsigned access = cmd->out ? FAB_ACCESS_REMOTE_READ : FAB_ACCESS_REMOTE_WRITE;

	for (uint16_t i = 0; i < cmd->n_pieces; i++) {
		int r = c->fc->fab->ops->mr_reg(c->fc, iov[i].iov_base, iov[i].iov_len, access,
						&mr[i]);

		if (r) {
			mrs_put(c, slot);
			return r;
		}
		c->slot[slot].n_mr++;
		piece[i].key = mr[i].rkey;
	}
	return 0;
}

/* --- commands --- */

/* Check the data of @io and describe it. Return: 0, -EINVAL or -EMSGSIZE. */
static int describe(const struct srp_conn *c, const struct srp_io *io, const struct iovec *iov,
		    struct ichan_cmd *cmd, struct srp_mem_desc *piece)
{
	uint64_t len = 0;

	if (io->dir == SRP_DIR_NONE)
		return io->n_iov ? -EINVAL : 0;
	if ((io->dir != SRP_DIR_READ && io->dir != SRP_DIR_WRITE) || !io->n_iov ||
	    io->n_iov > c->opts.max_pieces || (!io->iov && io->n_iov != 1))
		return -EINVAL;
	for (unsigned i = 0; i < io->n_iov; i++) {
		uintptr_t at = (uintptr_t)iov[i].iov_base;

		if (!iov[i].iov_len)
			return -EINVAL;
		if (iov[i].iov_len > UINT32_MAX - len)
			return -EMSGSIZE;
		len += iov[i].iov_len;
		piece[i] = (struct srp_mem_desc){ .va = at, .len = (uint32_t)iov[i].iov_len };
		if (!io->mem)
			continue;
		if (io->mem->conn != c || at < (uintptr_t)io->mem->mr.addr ||
		    at - (uintptr_t)io->mem->mr.addr > io->mem->mr.len ||
		    iov[i].iov_len > io->mem->mr.len - (at - (uintptr_t)io->mem->mr.addr))
			return -EINVAL;
		piece[i].key = io->mem->mr.rkey;
	}
	cmd->len = (uint32_t)len;
	cmd->n_pieces = (uint16_t)io->n_iov;
	cmd->out = io->dir == SRP_DIR_WRITE;
	return 0;
}

static bool cdb_len_ok(unsigned len)
{
	return len == 6 || (len >= 10 && len <= SRP_CDB_MAX && (len == 10 || len % 4 == 0));
}

static bool attr_ok(unsigned attr)
{
	return attr <= SRP_ATTR_ORDERED || attr == SRP_ATTR_ACA;
}

int srp_submit(struct srp_conn *c, struct srp_io *io)
{
	const struct iovec *iov = io->iov ? io->iov : &io->one;
	struct srp_mem_desc piece[ICHAN_PIECES_MAX];
	struct ichan_cmd cmd = {
		.lun = io->lun,
		.cdb = io->cdb,
		.cdb_len = io->cdb_len,
		.task_attr = io->task_attr,
		.piece = piece,
	};
	struct ichan_event ev = { .type = ICHAN_EV_SUBMIT, .cmd = &cmd };
	struct conn_slot *s;
	uint16_t slot;
	int r;

	if (c->chan.state != ICHAN_LIVE)
		return -ENOTCONN;
	if (!ichan_room(&c->chan) || !conn_can_send(c)) {
		c->want_ready = true;
		return -EAGAIN;
	}
	if (!cdb_len_ok(io->cdb_len) || !attr_ok(io->task_attr))
		return -EINVAL;
	r = describe(c, io, iov, &cmd, piece);
	if (r)
		return r;
	slot = ichan_next_slot(&c->chan);
	s = &c->slot[slot];
	if (cmd.out && io->n_iov < FAB_SGE_MAX &&
	    ichan_immediate_fits(&c->chan, cmd.len, cmd.cdb_len)) {
		cmd.immediate = true;
		cmd.n_pieces = 0;
	} else if (!io->mem && cmd.n_pieces) {
		r = mrs_get(c, slot, &cmd, iov, piece);
		if (r)
			return r;
	}
	io->conn = c;
	io->priv[0] = slot;
	s->io = io;
	s->deadline = tick_after(c, io->timeout_ms ? io->timeout_ms : DEFAULT_IO_MS);
	r = conn_step_data(c, &ev, iov, io->n_iov);
	if (r) {
		mrs_put(c, slot);
		s->io = NULL;
		return r;
	}
	conn_tick_start(c);
	return 0;
}

void conn_answer(struct srp_conn *c, uint16_t slot, const struct ichan_answer *answer)
{
	struct srp_io *io = c->slot[slot].io;

	io->status = answer->status;
	io->rsp_code = answer->rsp_code;
	io->residual = answer->residual;
	io->residual_out = answer->residual_out;
	io->sense_len = (uint8_t)min_u32(answer->sense_len, SRP_SENSE_MAX);
	if (io->sense_len)
		memcpy(io->sense, answer->sense, io->sense_len);
}

void conn_finish(struct srp_conn *c, uint16_t slot, enum ichan_outcome outcome)
{
	static const enum srp_io_outcome of[] = {
		[ICHAN_OUT_ANSWERED] = SRP_IO_DONE,
		[ICHAN_OUT_ABORTED] = SRP_IO_ABORTED,
		[ICHAN_OUT_TIMEOUT] = SRP_IO_TIMEOUT,
		[ICHAN_OUT_LOST] = SRP_IO_LOST,
	};
	struct srp_io *io = take(c->slot[slot].io);

	check(io);
	if (c->slot[slot].n_mr)
		mrs_put(c, slot);
	io->outcome = of[outcome];
	io->done(io);
}

/* --- tasks --- */

int srp_task_mgmt(struct srp_conn *c, struct srp_task *t)
{
	struct ichan_task task = { .lun = t->lun, .function = (uint8_t)t->function };
	struct ichan_event ev = { .type = ICHAN_EV_TASK, .task = &task };
	int r;

	switch (t->function) {
	case SRP_TASK_ABORT:
		task.victim = t->victim ? (uint16_t)t->victim->priv[0] : ICHAN_NO_SLOT;
		if (task.victim >= c->chan.n_slots || c->slot[task.victim].io != t->victim)
			return c->chan.state == ICHAN_LIVE ? -ENOENT : -ENOTCONN;
		task.lun = t->victim->lun;
		break;
	case SRP_TASK_ABORT_SET:
	case SRP_TASK_CLEAR_SET:
	case SRP_TASK_LUN_RESET:
	case SRP_TASK_CLEAR_ACA:
		break;
	default:
		return -EINVAL;
	}
	r = conn_step_data(c, &ev, NULL, 0);
	if (r)
		return r;
	/* Should posting have failed, the channel is draining and gives the task back at its end. */
	t->conn = c;
	c->task = t;
	c->task_deadline = tick_after(c, t->timeout_ms ? t->timeout_ms : DEFAULT_TASK_MS);
	conn_tick_start(c);
	return 0;
}
