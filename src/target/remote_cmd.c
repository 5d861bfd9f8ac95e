/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Commands for units of other targets, from the first to the answer. What is kept here:
 *
 *   order    commands of one login are sent in the order in which they came, though data have to be fetched first
 *   memory   each has its buffer in one piece of the worker's arena, taken in order of arrival before anything else is
 *            waited for. So who is in front of one that has a buffer has its own, and no two wait for each other
 */
#include <errno.h>

#include "base/check.h"
#include "run/worker.h"
#include "target/data.h"
#include "target/remote_i.h"
#include "target/rlogin.h"

#define CDB_MAX 32u

/* NOLINTNEXTLINE(misc-redundant-expression): that it is so is what is asserted */
_Static_assert(TGT_MAX_TRANSFER <= ARENA_MAX_BYTES, "the longest data fit in one buffer");

/* --- answers of our own --- */

static void remote_fail(struct cmd *c, enum sense_key key, enum sense_asc asc)
{
	const struct sense s = { .key = (uint8_t)key, .asc = (uint16_t)asc };
	struct scsi_task *t = &c->task;

	list_del(&c->remote.node);
	c->remote.state = REMOTE_ENDS;
	t->status = SCSI_STATUS_CHECK_CONDITION;
	t->sense_len = (uint8_t)sense_encode(&s, t->sense);
	t->data_len = 0;
	t->in_resid = -(int64_t)t->in_len;
	t->out_resid = -(int64_t)t->out_len;
	cmd_respond(c);
}

static void remote_busy(struct cmd *c)
{
	struct scsi_task *t = &c->task;

	list_del(&c->remote.node);
	c->remote.state = REMOTE_ENDS;
	t->status = SCSI_STATUS_BUSY;
	t->data_len = 0;
	t->in_resid = -(int64_t)t->in_len;
	t->out_resid = -(int64_t)t->out_len;
	cmd_respond(c);
}

/* It was aborted, or its data could not be fetched (c->move_error). */
static void remote_ended(struct cmd *c)
{
	struct rlogin *rl = c->remote.login;

	list_del(&c->remote.node);
	c->remote.state = REMOTE_ENDS;
	c->task.in_resid = -(int64_t)c->task.in_len;
	c->task.out_resid = -(int64_t)c->task.out_len;
	cmd_data_ended(c);
	remote_poke(rl); /* it may have stood in front of others */
}

static void remote_aborted(struct cmd *c)
{
	c->move_error = -ECANCELED;
	remote_ended(c);
}

/*
 * There is no way to the unit now. Path management of Linux and ESXi takes that a port cannot reach it as a reason to
 * try another path; where the unit was just taken away here, the same path has another one in a moment.
 */
static void remote_no_way(struct cmd *c)
{
	if (c->remote.login->ending)
		remote_busy(c);
	else
		remote_fail(c, SENSE_NOT_READY, ASC_PORT_UNAVAILABLE);
}

/* --- sending --- */

static int remote_send(struct rlogin *rl, struct cmd *c)
{
	const struct scsi_task *t = &c->task;
	uint8_t cdb[CDB_MAX] = { 0 };
	struct remote_request req = { .cdb = cdb,
				      .cdb_len = (uint8_t)(CDB_MAX_BYTES + t->cdb_add_len),
				      .attr = t->attr,
				      .out = t->out_len != 0,
				      .addr = c->remote.addr,
				      .len = c->remote.len };

	memcpy(cdb, t->cdb, CDB_MAX_BYTES);
	if (t->cdb_add_len)
		memcpy(cdb + CDB_MAX_BYTES, t->cdb_add, t->cdb_add_len);
	return rl->remote->ops->submit(rl->login, &req, c, &c->remote.cmd);
}

void remote_go(struct rlogin *rl)
{
	while (!list_empty(&rl->order)) {
		struct cmd *c = remote_cmd_of(rl->order.next);
		int r;

		if (c->remote.state != REMOTE_READY)
			return;
		if (!remote_connect(rl)) {
			remote_no_way(c);
			continue;
		}
		if (!rl->up)
			return;
		r = remote_send(rl, c);
		if (r == -EAGAIN || r == -ENOTCONN) /* ready() or down() comes */
			return;
		if (r) {
			remote_busy(c);
			continue;
		}
		c->remote.state = REMOTE_SENT;
		list_del(&c->remote.node);
		list_push(&rl->sent, &c->remote.node);
	}
}

static void remote_is_ready(struct cmd *c)
{
	c->remote.state = REMOTE_READY;
	remote_go(c->remote.login);
}

/* --- getting what it needs --- */

static void remote_brought(struct cmd *c)
{
	if (c->is.abort)
		remote_aborted(c);
	else if (c->move_error)
		remote_ended(c);
	else
		remote_is_ready(c);
}

static void remote_fetch(struct cmd *c)
{
	if (!c->task.out_len) {
		remote_is_ready(c);
		return;
	}
	c->out_pos = (struct xfer_pos){ 0 };
	data_bring(c, c->remote.addr, c->remote.len, remote_brought);
}

static void remote_tabled(struct cmd *c)
{
	struct rlogin *rl = c->remote.login;

	if (c->move_error == -EBADMSG) {
		list_del(&c->remote.node);
		c->remote.state = REMOTE_ENDS;
		cmd_fail_buffers(c);
		remote_poke(rl);
	} else if (c->move_error) {
		remote_ended(c);
	} else {
		remote_fetch(c);
	}
}

/* A buffer for @c; false: it stands in the line. */
static bool remote_get_buf(struct cmd *c, void (*resume)(struct cmd *c))
{
	struct tworker *tw = c->ch->tw;
	bool first = c->is.resumed;

	c->is.resumed = false;
	if (first || list_empty(&tw->arena_wait))
		c->remote.addr = arena_get(&tw->arena, c->remote.len);
	if (c->remote.addr)
		return true;
	c->resume = resume;
	if (first)
		list_push_front(&tw->arena_wait, &c->wait);
	else
		list_push(&tw->arena_wait, &c->wait);
	return false;
}

static void remote_start(struct cmd *c)
{
	if (c->is.abort) {
		/* It may have stood in front of others that need less. */
		worker_defer(c->ch->tw->w, &c->ch->tw->arena_job);
		remote_aborted(c);
		return;
	}
	if (c->remote.len && !remote_get_buf(c, remote_start))
		return;
	if (c->is.need_table)
		table_fetch(c, remote_tabled);
	else
		remote_fetch(c);
}

/* Whoever stands first in the line may have what it needs now. */
static void remote_arena_job(struct worker *w, struct worker_job *j)
{
	struct tworker *tw = container_of(j, struct tworker, arena_job);
	struct list *node;

	(void)w;
	while ((node = list_pop(&tw->arena_wait))) {
		struct cmd *c = list_entry(node, struct cmd, wait);

		c->is.resumed = true;
		c->resume(c);
		if (tw->arena_wait.next == node)
			return;
	}
}

/* The memory, when it is needed for the first time. */
static int remote_arena(struct tworker *tw)
{
	struct tgt *t = tw->t;
	int r;

	if (tw->arena.mem)
		return 0;
	r = arena_init(&tw->arena);
	if (!r && t->ops->mem_add)
		r = t->ops->mem_add(t->fab, tw->arena.mem, ARENA_BYTES);
	if (r)
		arena_deinit(&tw->arena);
	return r;
}

/* What cannot be carried at all. Return: the additional sense code, 0: it can. */
static enum sense_asc remote_refuses(const struct scsi_task *t)
{
	if (t->attr > SCSI_ATTR_ORDERED && t->attr != SCSI_ATTR_ACA)
		return ASC_INVALID_MESSAGE;
	if (CDB_MAX_BYTES + t->cdb_add_len > CDB_MAX)
		return ASC_INVALID_OPCODE;
	/* SRP can describe both at once, and longer ones than any unit takes; libsrp cannot. */
	if ((t->in_len && t->out_len) || t->in_len > TGT_MAX_TRANSFER ||
	    t->out_len > TGT_MAX_TRANSFER)
		return ASC_INVALID_FIELD_IN_CDB;
	return ASC_NONE;
}

void remote_begin(struct cmd *c)
{
	struct rlogin *rl = remote_get(c->ch, c->unit);
	enum sense_asc why = remote_refuses(&c->task);

	c->remote = (struct cmd_remote){ .login = rl, .state = REMOTE_FETCHES };
	list_init(&c->remote.node);
	if (why) {
		remote_fail(c, SENSE_ILLEGAL_REQUEST, why);
		return;
	}
	c->remote.len = (uint32_t)(c->task.in_len + c->task.out_len);
	if (!rl || (c->remote.len && remote_arena(c->ch->tw))) {
		remote_busy(c);
		return;
	}
	list_push(&rl->order, &c->remote.node);
	remote_start(c);
}

void remote_forget(struct cmd *c)
{
	struct tworker *tw = c->ch->tw;

	check(list_empty(&c->remote.node) && c->remote.state == REMOTE_ENDS);
	if (!c->remote.addr)
		return;
	arena_put(&tw->arena, c->remote.addr, c->remote.len);
	c->remote.addr = NULL;
	if (!list_empty(&tw->arena_wait))
		worker_defer(tw->w, &tw->arena_job);
}

/* --- what becomes of it --- */

static void remote_take(struct cmd *c, const struct remote_answer *a)
{
	struct scsi_task *t = &c->task;
	int64_t moved = (int64_t)c->remote.len + (a->resid < 0 ? a->resid : 0);

	t->status = a->status;
	t->sense_len = (uint8_t)min_u32(a->sense_len, sizeof(t->sense));
	if (t->sense_len)
		memcpy(t->sense, a->sense, t->sense_len);
	t->in_resid = a->resid_out ? 0 : a->resid;
	t->out_resid = a->resid_out ? a->resid : 0;
	t->data = c->remote.addr;
	t->data_len = t->in_len && moved > 0 ? (uint32_t)moved : 0;
	if (t->in_len)
		c->ch->read_bytes += t->data_len;
	else if (moved > 0)
		c->ch->write_bytes += (uint64_t)moved;
	cmd_complete(c);
}

void remote_answered(void *ctx, void *user, const struct remote_answer *a)
{
	struct rlogin *rl = ctx;
	struct cmd *c = user;

	check(c->remote.state == REMOTE_SENT);
	if (rl->victim == c)
		rl->victim = NULL;
	list_del(&c->remote.node);
	c->remote.state = REMOTE_ENDS;
	/* One that was aborted gets no response, also when it was answered just before. */
	if (c->is.abort || a->outcome == REMOTE_ABORTED) {
		remote_aborted(c);
		return;
	}
	if (a->outcome == REMOTE_ANSWERED)
		remote_take(c, a);
	else /* it may have taken effect: whoever repeats it must be able to stand that, as when a path breaks */
		remote_fail(c, SENSE_ABORTED_COMMAND, ASC_UNIT_COMMUNICATION);
}

void remote_abort(struct cmd *c)
{
	struct rlogin *rl = c->remote.login;

	if (c->remote.state == REMOTE_READY) {
		remote_aborted(c);
	} else if (c->remote.state == REMOTE_SENT && !rl->ending) {
		c->remote.cancel = true;
		remote_poke(rl);
	}
	/* else it ends when its data are here, is being answered, or is lost with the login */
}

/* --- the memory of a worker --- */

void remote_worker_init(struct tworker *tw)
{
	list_init(&tw->arena_wait);
	worker_job_init(&tw->arena_job, remote_arena_job);
}

void remote_worker_free(struct tworker *tw)
{
	if (tw->arena.mem && tw->t->ops->mem_del)
		tw->t->ops->mem_del(tw->t->fab, tw->arena.mem, ARENA_BYTES);
	arena_deinit(&tw->arena);
}
