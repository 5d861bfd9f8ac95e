/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A channel of a host: carries events of the fabric to the initiator core, and its actions to the fabric. */
#include <errno.h>
#include <netinet/in.h>

#include "base/check.h"
#include "sim/check.h"
#include "sim/cover.h"
#include "sim/dice.h"
#include "sim/fabric.h"
#include "sim/host.h"
#include "sim/sched.h"
#include "sim/world.h"
#include "wire/srp_login_rej.h"

#define RECV_BYTES 1088u
#define SEND_BYTES (ICHAN_IU_HEAD_MAX + 16u)
#define SPARE      4u /* receives: an answer to a task, requests of the target */
#define TICK_NS    (200 * NSEC_PER_MSEC)
#define TASK_NS    (8 * NSEC_PER_SEC)
#define HOPE_NS    (10 * NSEC_PER_SEC) /* an abort that cannot even be sent for so long is hopeless */
#define READS      4u
#define CONNECT_MS 30000u
#define RESOLVE_NS (300 * NSEC_PER_MSEC)

static uint32_t n_opened;

static void step(struct hchan *c, struct ichan_event *ev);

static const struct fab_ops *ops(const struct hchan *c)
{
	return c->h->fab->ops;
}

/* What carrying out an action led to is stepped when all actions of its step are done. */
static void then(struct hchan *c, enum ichan_ev_type type, int error, const char *text)
{
	if (c->has_next)
		return;
	c->has_next = true;
	c->next = (struct ichan_event){ .type = type, .error = error, .text = text };
}

/* --- sending --- */

static uint8_t *send_place(const struct hchan *c, uint32_t seq)
{
	return c->send_buf + (size_t)(seq & (c->n_send - 1)) * SEND_BYTES;
}

static bool can_send(const struct hchan *c)
{
	return c->send_head - c->send_tail < c->n_send;
}

/*
 * Have the table of a command's descriptors stand in our memory: the IU keeps the first few. What the core
 * built is taken apart and put together anew.
 */
static uint32_t table_outside(struct hchan *c, struct hcmd *cmd, uint8_t *iu, uint32_t len)
{
	struct cur in = cur_of(iu, len);
	uint8_t copy[SEND_BYTES];
	struct pen pen = pen_of(copy, sizeof(copy));
	struct srp_cmd_data data;
	struct srp_data *d;
	struct srp_cmd req;

	if (srp_cmd_decode(&in, &req) || srp_cmd_data_decode(&req, ICHAN_IMM_OFFSET, &data))
		return len;
	d = cmd->out ? &data.out : &data.in;
	if (d->fmt != SRP_FMT_INDIRECT)
		return len;
	memcpy(cmd->table, d->desc, (size_t)d->n_desc * SRP_MEM_DESC_BYTES);
	check(fabric_mr_reg_at(c->fc, cmd->table, 0x7ab1e0000000ull + cmd->slot * 4096ull,
			       (size_t)d->n_desc * SRP_MEM_DESC_BYTES, FAB_ACCESS_REMOTE_READ,
			       &cmd->mr[cmd->n_mr]) == 0);
	d->table.va = 0x7ab1e0000000ull + cmd->slot * 4096ull;
	d->table.key = cmd->mr[cmd->n_mr++].rkey;
	d->n_desc = dice_below(d->n_desc);
	if (srp_cmd_encode(&req, &data, ICHAN_IMM_OFFSET, &pen))
		return len;
	cover_hit(COVER_IU_SENT, COVER_TABLE_OUTSIDE);
	memcpy(iu, copy, pen.pos);
	return (uint32_t)pen.pos;
}

static uint32_t dress_up(struct hchan *c, const struct ichan_action *a, uint8_t *iu)
{
	struct hcmd *cmd = a->slot < c->core.n_slots ? &c->cmd[a->slot] : NULL;
	uint32_t len = a->len;

	if (cmd && !(a->flags & ICHAN_SEND_DATA) && cmd->n_mr > 1 &&
	    dice_pct(c->h->ways.extern_pct))
		len = table_outside(c, cmd, iu, len);
	if ((iu[0] == SRP_OP_CMD || iu[0] == SRP_OP_TSK_MGMT) && dice_pct(c->h->ways.solicit_pct))
		iu[1] = (uint8_t)(dice_below(4) << 1); /* SRP_SCSOLNT, SRP_UCSOLNT */
	return len;
}

static void post_send(struct hchan *c, const struct ichan_action *a)
{
	struct hcmd *cmd = a->slot < c->core.n_slots ? &c->cmd[a->slot] : NULL;
	struct fab_sge sge[2];
	struct fab_wr wr = { .op = FAB_WR_SEND, .n_sge = 1, .sge = sge };
	uint32_t seq = c->send_head++;
	int r;

	sge[0] = (struct fab_sge){ send_place(c, seq), 0 };
	sge[0].len = dress_up(c, a, sge[0].addr);
	if (cmd)
		cmd->tag = srp_tag_get(send_place(c, seq) + 8);
	if (cmd && a->flags & ICHAN_SEND_DATA && cmd->len)
		sge[wr.n_sge++] = (struct fab_sge){ cmd->buf, cmd->len };
	wr.wr_id = seq;
	if (a->flags & ICHAN_SEND_REPORT) {
		wr.wr_id |= (uint64_t)(a->slot + 1u) << 32;
		wr.flags = FAB_WR_SIGNALED;
	}
	/* A quarter of the ring is given back by one report. */
	if ((seq & (c->n_send / 4 - 1)) == 0)
		wr.flags = FAB_WR_SIGNALED;
	r = ops(c)->post_send(c->fc, &wr, 1);
	if (r)
		then(c, ICHAN_EV_FAILED, r, "a send could not be posted");
}

static void post_recv(struct hchan *c, uint64_t i)
{
	int r = ops(c)->post_recv(c->fc, i, c->recv_buf + i * RECV_BYTES, RECV_BYTES);

	if (r)
		then(c, ICHAN_EV_FAILED, r, "a receive could not be posted");
}

/* --- the core's actions --- */

static void resolve(struct hchan *c)
{
	if (!c->h->ways.hasty || c->h->probing) {
		then(c, ICHAN_EV_RESOLVED, 0, NULL);
		return;
	}
	c->resolving = true;
	check(worker_timer_start(c->h->w, &c->resolve,
				 sched_now_ns() + dice_log(1000, RESOLVE_NS)) == 0);
}

static void open_conn(struct hchan *c)
{
	const struct sockaddr *to = (const void *)&c->h->target;
	struct fab_qp_attr attr = { .sq_depth = c->n_send + 1,
				    .rq_depth = c->n_recv,
				    .max_sge = 2,
				    .max_rd_atomic = 1,
				    .max_dest_rd_atomic = READS };
	int r = ops(c)->conn_new(&c->fc, c->h->fab, c->h->w, &hchan_handler, c);

	check(r == 0);
	fabric_set_who(c->fc, c);
	check(ops(c)->qp_create(c->fc, &attr) == 0);
	for (uint64_t i = 0; i < c->n_recv; i++)
		post_recv(c, i);
	check(ops(c)->connect(c->fc, to, sizeof(struct sockaddr_in), c->login, c->login_len, 0,
			      READS) == 0);
}

static void finish(struct hchan *c, uint16_t slot, enum ichan_outcome outcome)
{
	struct hcmd *cmd = &c->cmd[slot];

	check(cmd->busy);
	/* The registration ends when the command does: who still wants in is not let in. */
	for (unsigned i = 0; c->fc && i < cmd->n_mr; i++)
		ops(c)->mr_dereg(c->fc, &cmd->mr[i]);
	cmd->n_mr = 0;
	cmd->busy = false;
	if (outcome == ICHAN_OUT_ANSWERED)
		hcmd_answered(c, cmd);
	else if (outcome == ICHAN_OUT_LOST || c->core.state == ICHAN_CLOSED)
		hcmd_lost(c, cmd);
	else
		hcmd_aborted(c, cmd);
	host_over(c->h);
}

static void finish_many(struct hchan *c)
{
	enum ichan_outcome outcome;
	uint16_t slot;

	while (ichan_take_over(&c->core, &slot, &outcome))
		finish(c, slot, outcome);
}

static void take_answer(struct hchan *c, const struct ichan_action *a)
{
	struct hcmd *cmd = &c->cmd[a->slot];

	cmd->status = a->answer.status;
	cmd->residual = a->answer.residual;
	cmd->sense_len = min_u32(a->answer.sense_len, sizeof(cmd->sense));
	if (cmd->sense_len)
		memcpy(cmd->sense, a->answer.sense, cmd->sense_len);
}

static void arm(struct hchan *c, uint64_t ns)
{
	check(worker_timer_start(c->h->w, &c->deadline, sched_now_ns() + ns) == 0);
}

static void task_ended(struct hchan *c, int code)
{
	check_task_ended(c, c->tmf_fn, c->tmf_lun, c->tmf_tick, code);
	c->tmf_fn = 0;
}

static void drain(struct hchan *c)
{
	const struct fab_wr marker = { .op = FAB_WR_MARKER, .flags = FAB_WR_SIGNALED };

	ops(c)->qp_error(c->fc);
	(void)ops(c)->post_send(c->fc, &marker, 1);
}

static void destroy(struct hchan *c)
{
	if (c->fc)
		ops(c)->destroy(c->fc);
	c->fc = NULL;
	worker_timer_stop(c->h->w, &c->tick);
	worker_timer_stop(c->h->w, &c->thaw);
}

static void went_up(struct hchan *c)
{
	c->was_up = true;
	trace("%s chan %u: up, %u credits", c->h->name, c->number, c->core.req_lim);
	check(worker_timer_start(c->h->w, &c->tick, sched_now_ns() + TICK_NS) == 0);
	host_up(c->h, c);
}

static void carry_out(struct hchan *c, const struct ichan_action *a, const uint8_t *iu)
{
	switch (a->type) {
	case ICHAN_ACT_RESOLVE:
		resolve(c);
		break;
	case ICHAN_ACT_OPEN:
		check(iu && a->len <= sizeof(c->login));
		memcpy(c->login, iu, a->len);
		c->login_len = a->len;
		open_conn(c);
		break;
	case ICHAN_ACT_SEND:
		post_send(c, a);
		break;
	case ICHAN_ACT_UP:
		went_up(c);
		break;
	case ICHAN_ACT_ANSWER:
		take_answer(c, a);
		break;
	case ICHAN_ACT_FINISH:
		finish(c, a->slot, a->outcome);
		break;
	case ICHAN_ACT_FINISH_MANY:
		finish_many(c);
		break;
	case ICHAN_ACT_TASK_DONE:
		task_ended(c, a->code);
		break;
	case ICHAN_ACT_TASK_LOST:
		task_ended(c, -1);
		break;
	case ICHAN_ACT_AER:
		check_event_report(c, a->lun, &a->answer);
		break;
	case ICHAN_ACT_REFUSE:
		break;
	case ICHAN_ACT_ARM:
		arm(c, a->ms * NSEC_PER_MSEC);
		break;
	case ICHAN_ACT_DISARM:
		worker_timer_stop(c->h->w, &c->deadline);
		break;
	case ICHAN_ACT_DISCONNECT:
		if (ops(c)->disconnect(c->fc))
			then(c, ICHAN_EV_FAILED, -EIO, "the disconnect failed");
		break;
	case ICHAN_ACT_DRAIN:
		drain(c);
		break;
	case ICHAN_ACT_DESTROY:
		destroy(c);
		break;
	case ICHAN_ACT_DOWN:
		if (!c->resolving) /* else when that is over */
			worker_post(c->h->w, &c->down_msg);
		break;
	}
}

static bool step_once(struct hchan *c, struct ichan_event *ev)
{
	struct ichan_actions acts;
	enum ichan_state was = c->core.state;
	bool refused = false;

	ev->iu = can_send(c) ? send_place(c, c->send_head) : NULL;
	ev->iu_max = SEND_BYTES;
	cover_ichan(was, ev->type);
	ichan_step(&c->core, ev, &acts);
	ichan_check(&c->core);
	if (was != c->core.state)
		trace("%s chan %u: %s%s%s", c->h->name, c->number, ichan_state_text(c->core.state),
		      c->core.why.text ? ": " : "", c->core.why.text ? c->core.why.text : "");
	/* A response to nothing we asked: of a target that keeps the rules there is none. */
	if (c->core.n_late)
		fail_now("%s chan %u: a response to no request of ours", c->h->name, c->number);
	for (unsigned i = 0; i < acts.count; i++) {
		refused |= acts.act[i].type == ICHAN_ACT_REFUSE;
		carry_out(c, &acts.act[i], ev->iu);
	}
	return !refused;
}

static bool step_all(struct hchan *c, struct ichan_event *ev)
{
	bool ok = step_once(c, ev);

	while (c->has_next) {
		struct ichan_event next = c->next;

		c->has_next = false;
		if (c->core.state != ICHAN_CLOSED)
			(void)step_once(c, &next);
	}
	return ok;
}

static void step(struct hchan *c, struct ichan_event *ev)
{
	(void)step_all(c, ev);
}

/* Who asks for something at the wrong time is refused, or has given up. */
static void fumble(struct hchan *c)
{
	static const enum ichan_ev_type asks[] = { ICHAN_EV_SUBMIT, ICHAN_EV_TASK, ICHAN_EV_EXPIRE,
						   ICHAN_EV_LOGOUT, ICHAN_EV_DROP };
	struct ichan_event ev = { .type = asks[dice_below(ARRAY_SIZE(asks))] };

	if (c->core.state == ICHAN_LIVE || c->h->probing ||
	    !dice_permille(c->h->ways.clumsy_pmille))
		return;
	if (ev.type == ICHAN_EV_EXPIRE && c->core.state < ICHAN_LIVE)
		return;
	if (c->core.state < ICHAN_LIVE)
		c->asked_down |= ev.type == ICHAN_EV_LOGOUT || ev.type == ICHAN_EV_DROP;
	step(c, &ev);
}

/* --- events of the fabric --- */

static void rejected(struct hchan *c, const struct fab_event *ev)
{
	unsigned i = cover_reject(ev->priv, ev->priv_len);

	if (i > SRP_REJ_CHANNEL_LIMIT - SRP_REJ_UNSPECIFIED && ev->priv_len)
		fail_now("%s chan %u: rejected without a proper reason", c->h->name, c->number);
	trace("%s chan %u: rejected, reason %u", c->h->name, c->number, i);
}

static void on_event(struct fab_conn *fc, const struct fab_event *fev)
{
	struct hchan *c = fc->fab->ops->ctx(fc);
	struct ichan_event ev = { .data = fev->priv,
				  .len = fev->priv ? fev->priv_len : 0,
				  .error = fev->error };

	if (c->core.state == ICHAN_CLOSED)
		return;
	switch (fev->type) {
	case FAB_EV_ESTABLISHED:
		ev.type = ICHAN_EV_ESTABLISHED;
		break;
	case FAB_EV_REJECTED:
		rejected(c, fev);
		ev.type = ICHAN_EV_REJECTED;
		break;
	case FAB_EV_UNREACHABLE:
	case FAB_EV_CONNECT_ERROR:
		ev.type =
			c->core.state == ICHAN_CONNECTING ? ICHAN_EV_UNREACHABLE : ICHAN_EV_FAILED;
		break;
	case FAB_EV_DISCONNECTED:
		ev.type = ICHAN_EV_DISCONNECTED;
		break;
	case FAB_EV_QP_FATAL:
	case FAB_EV_DEVICE_REMOVAL:
		ev.type = ICHAN_EV_FAILED;
		break;
	default:
		return;
	}
	fumble(c);
	if (c->core.state == ICHAN_CLOSED)
		return;
	step(c, &ev);
	fumble(c);
}

static void on_recv(struct hchan *c, const struct fab_wc *wc)
{
	struct ichan_event ev = { .type = ICHAN_EV_RECV,
				  .data = c->recv_buf + wc->wr_id * RECV_BYTES,
				  .len = wc->byte_len };

	step(c, &ev);
	if (c->core.state == ICHAN_LIVE) {
		post_recv(c, wc->wr_id);
		check(!c->has_next);
	}
}

static void on_sent(struct hchan *c, const struct fab_wc *wc)
{
	struct ichan_event ev = { .type = ICHAN_EV_SENT };

	c->send_tail = (uint32_t)wc->wr_id + 1;
	if (wc->wr_id >> 32 == 0)
		return;
	ev.slot = (uint16_t)((wc->wr_id >> 32) - 1);
	step(c, &ev);
}

static void on_wc(struct hchan *c, const struct fab_wc *wc)
{
	struct ichan_event ev = { .type = ICHAN_EV_FAILED, .error = -EIO };

	if (wc->op == FAB_WC_MARKER) {
		ev.type = ICHAN_EV_DRAINED;
		if (c->core.state == ICHAN_DRAINING)
			step(c, &ev);
		return;
	}
	if (wc->status != FAB_WC_OK) {
		if (c->core.state != ICHAN_DRAINING)
			step(c, &ev);
		return;
	}
	if (wc->op == FAB_WC_RECV)
		on_recv(c, wc);
	else if (wc->op == FAB_WC_SEND)
		on_sent(c, wc);
}

static void on_complete(struct fab_conn *fc, const struct fab_wc *wc, unsigned n)
{
	struct hchan *c = fc->fab->ops->ctx(fc);

	for (unsigned i = 0; i < n && c->core.state != ICHAN_CLOSED; i++)
		on_wc(c, &wc[i]);
	fumble(c);
	host_over(c->h);
}

const struct fab_handler hchan_handler = { .event = on_event, .complete = on_complete };

/* --- time --- */

static void on_resolve(struct worker *w, struct worker_timer *t)
{
	struct hchan *c = container_of(t, struct hchan, resolve);
	bool found = dice_below(16);

	c->resolving = false;
	if (!found)
		c->asked_down = true;
	if (c->core.state == ICHAN_CLOSED)
		worker_post(w, &c->down_msg);
	step(c, &(struct ichan_event){ .type = found ? ICHAN_EV_RESOLVED : ICHAN_EV_RESOLVE_FAILED,
				       .error = found ? 0 : -EHOSTUNREACH });
}

static void on_deadline(struct worker *w, struct worker_timer *t)
{
	struct hchan *c = container_of(t, struct hchan, deadline);

	(void)w;
	/* Its own haste. */
	if (c->core.state <= ICHAN_CONNECTING && c->core.cfg.connect_ms != CONNECT_MS)
		c->asked_down = true;
	step(c, &(struct ichan_event){ .type = ICHAN_EV_DEADLINE });
}

static void expire(struct hchan *c, uint16_t slot, bool hopeless)
{
	struct ichan_event ev = { .type = ICHAN_EV_EXPIRE, .slot = slot, .hopeless = hopeless };
	bool had = c->core.tmf.busy;

	step(c, &ev);
	if (!had && c->core.tmf.busy)
		c->tmf_deadline_ns = sched_now_ns() + TASK_NS;
}

static void on_tick(struct worker *w, struct worker_timer *t)
{
	struct hchan *c = container_of(t, struct hchan, tick);
	uint64_t now = sched_now_ns();

	if (c->core.tmf.busy && now >= c->tmf_deadline_ns) {
		check_task_late(c);
		expire(c, c->core.n_slots, false);
	}
	for (uint16_t i = 0; i < c->core.n_slots && c->core.state == ICHAN_LIVE; i++) {
		struct hcmd *cmd = &c->cmd[i];

		if (!cmd->busy || now < cmd->deadline_ns)
			continue;
		check_command_late(c, cmd);
		expire(c, i, now > cmd->deadline_ns + HOPE_NS);
	}
	if (c->core.state == ICHAN_LIVE)
		check(worker_timer_start(w, &c->tick, now + TICK_NS) == 0);
}

static void on_thaw(struct worker *w, struct worker_timer *t)
{
	struct hchan *c = container_of(t, struct hchan, thaw);

	(void)w;
	c->frozen = false;
	if (c->fc)
		fabric_freeze(c->fc, false);
}

/* --- what the host wants --- */

bool hchan_live(const struct hchan *c)
{
	return c && c->core.state == ICHAN_LIVE;
}

unsigned hchan_n_busy(const struct hchan *c)
{
	return ichan_n_busy(&c->core);
}

bool hchan_room(const struct hchan *c)
{
	return hchan_live(c) && ichan_room(&c->core) && can_send(c);
}

struct hcmd *hchan_next(struct hchan *c)
{
	struct hcmd *cmd = &c->cmd[ichan_next_slot(&c->core)];
	uint16_t slot = ichan_next_slot(&c->core);

	*cmd = (struct hcmd){ .slot = slot, .buf = c->data + (size_t)slot * c->data_stride };
	return cmd;
}

/* Memory of ours at addresses that are the same in every run. */
static uint64_t va_of(const struct hchan *c, const struct hcmd *cmd)
{
	return 0x100000000000ull + ((uint64_t)c->h->index << 36) + ((uint64_t)c->number << 28) +
	       (uint64_t)(cmd->buf - c->data);
}

/* Cut the buffer into up to as many pieces as the dice say and register them. */
static unsigned describe(struct hchan *c, struct hcmd *cmd, struct srp_mem_desc *piece)
{
	unsigned max = min_u32(c->core.cfg.n_pieces, cmd->len);
	unsigned n = c->h->ways.scattered ? max : dice_below(3) ? 1 : (unsigned)dice_log(1, max);
	unsigned access = cmd->out ? FAB_ACCESS_REMOTE_READ : FAB_ACCESS_REMOTE_WRITE;
	uint32_t at = 0;

	for (unsigned i = 0; i < n; i++) {
		uint32_t left = cmd->len - at;
		uint32_t len = i + 1 == n ? left : (uint32_t)dice_range(1, left - (n - i - 1));

		check(fabric_mr_reg_at(c->fc, cmd->buf + at, va_of(c, cmd) + at, len, access,
				       &cmd->mr[i]) == 0);
		cmd->n_mr++;
		piece[i] = (struct srp_mem_desc){ .va = va_of(c, cmd) + at,
						  .key = cmd->mr[i].rkey,
						  .len = len };
		at += len;
	}
	return n;
}

void hchan_submit(struct hchan *c, struct hcmd *cmd)
{
	struct srp_mem_desc piece[HOST_PIECES_MAX];
	struct ichan_cmd ic = { .lun = (uint64_t)cmd->lun << 48,
				.cdb = cmd->cdb,
				.cdb_len = CDB_MAX_BYTES,
				.out = cmd->out,
				.len = cmd->len,
				.piece = piece };
	struct ichan_event ev = { .type = ICHAN_EV_SUBMIT, .cmd = &ic };

	if (cmd->out && cmd->len && ichan_immediate_fits(&c->core, cmd->len, ic.cdb_len) &&
	    dice_below(4))
		ic.immediate = true;
	else if (cmd->len)
		ic.n_pieces = (uint16_t)describe(c, cmd, piece);
	/* Commands that want order, so that units are gathered. */
	if (!cmd->attr && dice_permille(c->h->ways.order_pmille))
		cmd->attr = dice_below(2) ? SRP_TASK_ORDERED : SRP_TASK_HEAD_OF_QUEUE;
	ic.task_attr = cmd->attr;
	cmd->busy = true;
	cmd->sent_tick = sched_tick();
	cmd->sent_ns = sched_now_ns();
	cmd->deadline_ns = cmd->sent_ns + c->h->ways.timeout_ns;
	check(step_all(c, &ev));
}

bool hchan_task(struct hchan *c, uint8_t function, uint16_t lun, uint16_t victim)
{
	struct ichan_task task = { .lun = (uint64_t)lun << 48,
				   .function = function,
				   .victim = victim };
	struct ichan_event ev = { .type = ICHAN_EV_TASK, .task = &task };

	if (!hchan_live(c) || c->core.tmf.busy || !step_all(c, &ev))
		return false;
	c->tmf_fn = function;
	c->tmf_lun = lun;
	c->tmf_tick = sched_tick();
	c->tmf_deadline_ns = sched_now_ns() + TASK_NS;
	return true;
}

void hchan_logout(struct hchan *c)
{
	c->asked_down = true;
	step(c, &(struct ichan_event){ .type = ICHAN_EV_LOGOUT });
}

void hchan_drop(struct hchan *c)
{
	c->asked_down = true;
	step(c, &(struct ichan_event){ .type = ICHAN_EV_DROP });
}

void hchan_freeze(struct hchan *c, uint64_t ns)
{
	if (!c->fc)
		return;
	c->frozen = true;
	fabric_freeze(c->fc, true);
	check(worker_timer_start(c->h->w, &c->thaw, sched_now_ns() + ns) == 0);
}

/* --- making and ending one --- */

static void on_down(struct worker *w, struct worker_msg *m)
{
	struct hchan *c = container_of(m, struct hchan, down_msg);

	(void)w;
	fumble(c);
	host_down(c->h, c);
}

struct hchan *hchan_open(struct host *h, unsigned n, bool single)
{
	struct hchan *c = world_alloc(sizeof(*c));
	struct ichan_cfg cfg = {
		.initiator = h->id,
		.target = h->target_id,
		.action = single ? SRP_LOGIN_SINGLE : SRP_LOGIN_MULTI,
		.immediate = h->ways.immediate,
		.n_slots = (uint16_t)h->ways.n_slots,
		.n_pieces = HOST_PIECES_MAX,
		.channel = (uint16_t)n,
		.first_gen = dice_below(1u << 20),
		.recv_len = RECV_BYTES,
		.connect_ms = CONNECT_MS,
		.logout_ms = 3000,
		.drain_ms = 3000,
	};

	if (h->ways.hasty && !h->probing && dice_below(4) == 0)
		cfg.connect_ms = (uint32_t)dice_log(1, 3000);
	if (h->ways.reports)
		cfg.action |= SRP_LOGIN_AESOLNT;
	if (dice_pct(h->ways.solicit_pct))
		cfg.action |= SRP_LOGIN_LOSOLNT | SRP_LOGIN_CRSOLNT;
	c->h = h;
	c->n = n;
	c->number = ++n_opened;
	c->single = single;
	c->opened_tick = sched_tick();
	for (c->n_send = 16; c->n_send < 2 * h->ways.n_slots + 8;)
		c->n_send *= 2;
	c->n_recv = h->ways.n_slots + SPARE;
	c->data_stride = h->ways.max_blocks * 4096u;
	c->send_buf = world_alloc((size_t)c->n_send * SEND_BYTES);
	c->recv_buf = world_alloc((size_t)c->n_recv * RECV_BYTES);
	c->data = world_alloc((size_t)h->ways.n_slots * c->data_stride);
	worker_timer_init(&c->deadline, on_deadline);
	worker_timer_init(&c->tick, on_tick);
	worker_timer_init(&c->thaw, on_thaw);
	worker_timer_init(&c->resolve, on_resolve);
	c->down_msg.run = on_down;
	ichan_init(&c->core, &cfg, c->slots);
	trace("%s chan %u: logs in, %s channel", h->name, c->number, single ? "single" : "further");
	fumble(c);
	if (c->core.state == ICHAN_IDLE)
		step(c, &(struct ichan_event){ .type = ICHAN_EV_START });
	fumble(c);
	return c;
}

void hchan_free(struct hchan *c)
{
	check(c->core.state == ICHAN_CLOSED && !c->fc);
	world_free(c->send_buf);
	world_free(c->recv_buf);
	world_free(c->data);
	world_free(c);
}
