/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Units of other targets: each channel logs in there in the name of its initiator, at the first command, and its
 * commands and task management functions are carried there as they are. What is kept here:
 *
 *   order    commands of one login are sent in the order in which they came, though data have to be fetched first
 *   memory   each has its buffer in one piece of the worker's arena, taken in order of arrival before anything else is
 *            waited for. So who is in front of one that has a buffer has its own, and no two wait for each other
 *   end      a channel is left when its logins have ended, so that a later nexus of the initiator begins anew there
 */
#include <errno.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/log.h"
#include "run/worker.h"
#include "target/data.h"
#include "wire/srp_rsp.h"

#define PAUSE_MIN_NS (250 * NSEC_PER_MSEC) /* between two logins that failed */
#define PAUSE_MAX_NS (4 * NSEC_PER_SEC)
#define CDB_MAX      32u

/* NOLINTNEXTLINE(misc-redundant-expression): that it is so is what is asserted */
_Static_assert(TGT_MAX_TRANSFER <= ARENA_MAX_BYTES, "the longest data fit in one buffer");

/* The login of a channel at the target of a unit. The channel's worker. */
struct rlogin {
	struct list node; /* on ch->remotes */
	struct tchan *ch;
	struct tgt_unit *unit;
	struct remote *remote;
	struct remote_login *login; /* NULL: there is none now */
	bool up;
	bool ending;        /* there will be no other */
	bool failing;       /* the log knows */
	bool tasking;       /* a function is under way, */
	struct cmd *tmf;    /* for this TSK_MGMT, NULL: */
	struct cmd *victim; /* to abort this command; NULL: it has ended */
	uint64_t up_ns;
	uint64_t pause_ns;
	uint64_t retry_ns; /* not before that another login is tried */
	struct list order; /* struct cmd_remote.node: to be sent, as they came */
	struct list sent;  /* likewise: sent */
	struct list tmfs;  /* struct cmd.wait: functions to be sent */
	struct worker_job job;
};

static void remote_go(struct rlogin *rl);
static void remote_tasks(struct rlogin *rl);

/* Who walks over commands to abort them may not find that another one has ended behind its back: what may end others is
 * done at the end of the round. */
static void remote_poke(struct rlogin *rl)
{
	worker_defer(rl->ch->tw->w, &rl->job);
}

static void remote_job(struct worker *w, struct worker_job *j)
{
	struct rlogin *rl = container_of(j, struct rlogin, job);

	(void)w;
	remote_tasks(rl);
	remote_go(rl);
}

static struct cmd *remote_cmd_of(struct list *node)
{
	return container_of(node, struct cmd, remote.node);
}

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

/* --- the login --- */

static void remote_later(struct rlogin *rl)
{
	rl->pause_ns = min_u64(rl->pause_ns ? 2 * rl->pause_ns : PAUSE_MIN_NS, PAUSE_MAX_NS);
	rl->retry_ns = worker_now_ns(rl->ch->tw->w) + rl->pause_ns;
}

static void remote_up(void *ctx)
{
	struct rlogin *rl = ctx;

	rl->up = true;
	rl->up_ns = worker_now_ns(rl->ch->tw->w);
	if (rl->failing)
		log_info("%s: device %s: logged in at %s again", rl->ch->name, rl->unit->name,
			 rl->remote->name);
	rl->failing = false;
	remote_tasks(rl);
	remote_go(rl);
}

/* Functions that wait cannot be carried out. */
static void remote_fail_tmfs(struct rlogin *rl)
{
	struct list *node;

	while ((node = list_pop(&rl->tmfs))) {
		struct cmd *c = list_entry(node, struct cmd, wait);

		c->rsp_code = SRP_RSP_CODE_TMF_FAILED;
		cmd_respond(c);
	}
}

static void remote_down(void *ctx, const char *why)
{
	struct rlogin *rl = ctx;
	struct tchan *ch = rl->ch;

	check(!rl->tasking && list_empty(&rl->sent));
	if (!rl->ending && !rl->failing) {
		log_warn("%s: device %s: no login at %s: %s; commands are refused until there is "
			 "one",
			 ch->name, rl->unit->name, rl->remote->name, why);
		rl->failing = true;
	}
	/* One that lasted is tried again at once. */
	if (rl->up && worker_now_ns(ch->tw->w) - rl->up_ns > NSEC_PER_SEC)
		rl->pause_ns = 0;
	else
		remote_later(rl);
	rl->login = NULL;
	rl->up = false;
	remote_fail_tmfs(rl);
	remote_go(rl);
	if (rl->ending)
		channel_left_there(ch);
}

static void remote_ready(void *ctx)
{
	remote_go(ctx);
}

static void remote_answered(void *ctx, void *user, const struct remote_answer *a);
static void remote_task_done(void *ctx, int code);

static const struct remote_handler remote_handler = {
	.up = remote_up,
	.down = remote_down,
	.ready = remote_ready,
	.answered = remote_answered,
	.task_done = remote_task_done,
};

/* There is a login, or one is under way. */
static bool remote_connect(struct rlogin *rl)
{
	struct tchan *ch = rl->ch;

	if (rl->ending)
		return false;
	if (rl->login)
		return true;
	if (worker_now_ns(ch->tw->w) < rl->retry_ns)
		return false;
	if (!rl->remote->ops->login(rl->remote, ch->tw->w, &ch->initiator, &remote_handler, rl,
				    &rl->login))
		return true;
	rl->login = NULL;
	remote_later(rl);
	return false;
}

static struct rlogin *remote_find(struct tchan *ch, const struct tgt_unit *u)
{
	struct list *pos;

	list_for_each (pos, &ch->remotes) {
		struct rlogin *rl = list_entry(pos, struct rlogin, node);

		if (rl->unit == u)
			return rl;
	}
	return NULL;
}

/* The first command of a channel for a unit makes it. NULL: no memory. */
static struct rlogin *remote_get(struct tchan *ch, struct tgt_unit *u)
{
	struct rlogin *rl = remote_find(ch, u);

	if (rl)
		return rl;
	rl = calloc(1, sizeof(*rl));
	if (!rl)
		return NULL;
	rl->ch = ch;
	rl->unit = u;
	rl->remote = u->remote;
	list_init(&rl->order);
	list_init(&rl->sent);
	list_init(&rl->tmfs);
	worker_job_init(&rl->job, remote_job);
	list_push(&ch->remotes, &rl->node);
	return rl;
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

/* Send what is ready, in order. */
static void remote_go(struct rlogin *rl)
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

static void remote_answered(void *ctx, void *user, const struct remote_answer *a)
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

/* --- task management --- */

static struct cmd *remote_next_victim(const struct rlogin *rl)
{
	struct list *pos;

	list_for_each (pos, &rl->sent) {
		struct cmd *c = remote_cmd_of(pos);

		if (c->remote.cancel)
			return c;
	}
	return NULL;
}

/* Which function of the other target it is; of one command it is not the channel's login that must be asked. */
static int remote_function(const struct cmd *c)
{
	switch (c->tmf.fn) {
	case SCSI_TMF_ABORT_TASK_SET:
		return REMOTE_ABORT_SET;
	case SCSI_TMF_CLEAR_TASK_SET:
		return REMOTE_CLEAR_SET;
	case SCSI_TMF_LUN_RESET:
		return REMOTE_LUN_RESET;
	case SCSI_TMF_CLEAR_ACA:
		return REMOTE_CLEAR_ACA;
	default:
		return -1;
	}
}

/* Begin the next function, if none is under way. */
static void remote_tasks(struct rlogin *rl)
{
	struct cmd *victim;
	enum remote_function f = REMOTE_ABORT;
	int r;

	if (rl->tasking || !rl->up || rl->ending)
		return;
	victim = remote_next_victim(rl);
	rl->tmf = NULL;
	if (!victim && list_empty(&rl->tmfs))
		return;
	if (!victim) {
		rl->tmf = list_entry(rl->tmfs.next, struct cmd, wait);
		f = (enum remote_function)remote_function(rl->tmf);
	}
	r = rl->remote->ops->task(rl->login, f, victim ? victim->remote.cmd : NULL);
	if (r == -ENOTCONN)
		return; /* down() comes */
	if (r) {        /* nobody could tell when its commands end */
		log_warn("%s: device %s: a task management function could not be sent to %s, "
			 "logging in "
			 "anew",
			 rl->ch->name, rl->unit->name, rl->remote->name);
		rl->remote->ops->drop(rl->login);
		return;
	}
	rl->tasking = true;
	rl->victim = victim;
	if (victim)
		victim->remote.cancel = false;
	else
		list_del(&rl->tmf->wait);
}

/* The function of an initiator is done there: what it means of its commands that are here ends, too. */
static void remote_tmf_done(struct cmd *c, int code)
{
	if (code == SRP_RSP_CODE_OK && c->tmf.fn != SCSI_TMF_CLEAR_ACA) {
		c->tmf.fn = SCSI_TMF_ABORT_TASK_SET;
		tmf_here(c);
		return;
	}
	c->rsp_code = code < 0 ? SRP_RSP_CODE_TMF_FAILED : (uint8_t)code;
	cmd_respond(c);
}

static void remote_task_done(void *ctx, int code)
{
	struct rlogin *rl = ctx;
	struct cmd *tmf = take(rl->tmf);
	bool stays = rl->victim && code >= 0;

	rl->tasking = false;
	rl->victim = NULL;
	if (stays) { /* who asked for the abort waits for its end */
		log_warn("%s: device %s: %s does not abort a command (code %d), logging in anew",
			 rl->ch->name, rl->unit->name, rl->remote->name, code);
		rl->remote->ops->drop(rl->login);
	}
	if (tmf)
		remote_tmf_done(tmf, code);
	remote_tasks(rl);
}

bool remote_tmf(struct cmd *c, uint16_t lun)
{
	struct tchan *ch = c->ch;
	const struct scsi_view_lun *at;
	struct rlogin *rl;

	if (lun >= SCSI_LUN_COUNT || remote_function(c) < 0)
		return false;
	at = &ch->view->scsi.lun[lun];
	if (!(at->flags & SCSI_VIEW_REMOTE))
		return false;
	rl = remote_get(ch, at->lu->owner);
	if (!rl || !remote_connect(rl)) {
		c->rsp_code = SRP_RSP_CODE_TMF_FAILED;
		cmd_respond(c);
		return true;
	}
	list_push(&rl->tmfs, &c->wait);
	remote_tasks(rl);
	return true;
}

/* --- the end --- */

static void remote_end(struct rlogin *rl)
{
	if (rl->ending)
		return;
	rl->ending = true;
	if (!rl->tasking || rl->tmf)
		rl->victim = NULL;
	if (rl->login)
		rl->remote->ops->logout(rl->login);
	remote_fail_tmfs(rl);
}

void remote_leave(struct tchan *ch)
{
	struct list *pos;

	list_for_each (pos, &ch->remotes)
		remote_end(list_entry(pos, struct rlogin, node));
}

bool remote_is_in(const struct tchan *ch)
{
	const struct list *pos;

	if (list_empty(&ch->remotes))
		return false;
	list_for_each (pos, &ch->remotes) {
		if (container_of(pos, const struct rlogin, node)->login)
			return true;
	}
	return false;
}

static void remote_login_free(struct rlogin *rl)
{
	check(!rl->login && list_empty(&rl->order) && list_empty(&rl->sent) &&
	      list_empty(&rl->tmfs));
	worker_undefer(rl->ch->tw->w, &rl->job);
	list_del(&rl->node);
	free(rl);
}

void remote_free(struct tchan *ch)
{
	struct list *pos;
	struct list *tmp;

	list_for_each_safe (pos, tmp, &ch->remotes)
		remote_login_free(list_entry(pos, struct rlogin, node));
}

bool remote_unit_busy(struct tworker *tw, struct tgt_unit *u)
{
	struct list *pos;
	bool busy = false;

	if (!u->remote)
		return false;
	list_for_each (pos, &tw->chans) {
		struct tchan *ch = list_entry(pos, struct tchan, tw_node);
		struct rlogin *rl = remote_find(ch, u);

		if (!rl)
			continue;
		remote_end(rl);
		remote_go(rl);
		if (rl->login || !list_empty(&rl->order))
			busy = true;
		else
			remote_login_free(rl);
	}
	return busy;
}

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
