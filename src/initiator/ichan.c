/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "initiator/ichan.h"

#include <errno.h>

#include "initiator/ichan_priv.h"
#include "wire/srp_login_rej.h"
#include "wire/srp_logout.h"

/* Longest response without sense, answer to a task: below that a target cannot answer at all. */
#define MIN_TI_IU_LEN 40u

enum ichan_state ichan_drain(struct ichan *c, struct ichan_actions *out)
{
	c->marker = true;
	ichan_add(out, ICHAN_ACT_DRAIN);
	ichan_add(out, ICHAN_ACT_ARM)->ms = c->cfg.drain_ms;
	return ICHAN_DRAINING;
}

enum ichan_state ichan_leave(struct ichan *c, struct ichan_actions *out)
{
	ichan_add(out, ICHAN_ACT_DISCONNECT);
	ichan_add(out, ICHAN_ACT_ARM)->ms = c->cfg.logout_ms;
	return ICHAN_DRAINING;
}

enum ichan_state ichan_violation(struct ichan *c, struct ichan_actions *out, const char *text)
{
	ichan_blame(c, ICHAN_WHY_PROTOCOL, -EPROTO, 0, text);
	return ichan_drain(c, out);
}

/* The queue pair is (or will by the first action be) gone: nothing touches the user's memory any more,
 * so all commands can be given back. */
static enum ichan_state to_closed(struct ichan *c, struct ichan_actions *out)
{
	ichan_add(out, ICHAN_ACT_DISARM);
	ichan_add(out, ICHAN_ACT_DESTROY);
	for (uint16_t i = 0; i < c->n_slots; i++) {
		struct ichan_slot *s = &c->slot[i];

		if (s->state != ICHAN_SLOT_BUSY && s->state != ICHAN_SLOT_ANSWERED)
			continue;
		if (s->state == ICHAN_SLOT_BUSY)
			s->outcome = s->expired ? ICHAN_OUT_TIMEOUT : ICHAN_OUT_LOST;
		s->state = ICHAN_SLOT_OVER;
		c->n_over++;
	}
	if (c->n_over)
		ichan_add(out, ICHAN_ACT_FINISH_MANY);
	if (c->tmf.busy && !c->tmf.internal)
		ichan_add(out, ICHAN_ACT_TASK_LOST);
	c->tmf.busy = false;
	ichan_add(out, ICHAN_ACT_DOWN);
	return ICHAN_CLOSED;
}

/* --- cells --- */

static enum ichan_state ignore(struct ichan *c, const struct ichan_event *ev,
			       struct ichan_actions *out)
{
	(void)ev, (void)out;
	return c->state;
}

static enum ichan_state bug(struct ichan *c, const struct ichan_event *ev,
			    struct ichan_actions *out)
{
	(void)c, (void)ev, (void)out;
	check_unreachable();
}

static enum ichan_state on_refuse(struct ichan *c, const struct ichan_event *ev,
				  struct ichan_actions *out)
{
	(void)ev;
	ichan_add(out, ICHAN_ACT_REFUSE)->code = ENOTCONN;
	return c->state;
}

static enum ichan_state on_start(struct ichan *c, const struct ichan_event *ev,
				 struct ichan_actions *out)
{
	(void)ev;
	ichan_add(out, ICHAN_ACT_ARM)->ms = c->cfg.connect_ms;
	ichan_add(out, ICHAN_ACT_RESOLVE);
	return ICHAN_RESOLVING;
}

static enum ichan_state on_resolved(struct ichan *c, const struct ichan_event *ev,
				    struct ichan_actions *out)
{
	struct pen pen = pen_of(ev->iu, ev->iu_max);
	struct srp_login_req req = {
		.req_it_iu_len = c->it_iu_len,
		.req_buf_fmt = SRP_BUF_FMT_DIRECT | SRP_BUF_FMT_INDIRECT,
		.req_flags = c->cfg.action,
		.initiator = c->cfg.initiator,
		.target = c->cfg.target,
	};

	if (c->cfg.events)
		req.req_flags |= SRP_LOGIN_AESOLNT;
	if (c->cfg.immediate) {
		req.req_flags |= SRP_LOGIN_IMMED;
		req.imm_data_offset = ICHAN_IMM_OFFSET;
	}
	check(srp_login_req_cm_encode(&req, &pen) == 0);
	ichan_add(out, ICHAN_ACT_OPEN)->len = (uint32_t)pen.pos;
	return ICHAN_CONNECTING;
}

static enum ichan_state on_unreachable(struct ichan *c, const struct ichan_event *ev,
				       struct ichan_actions *out)
{
	ichan_blame(c, ICHAN_WHY_UNREACHABLE, ev->error, 0,
		    ev->text ? ev->text : "the connection could not be made");
	return to_closed(c, out);
}

static enum ichan_state on_rejected(struct ichan *c, const struct ichan_event *ev,
				    struct ichan_actions *out)
{
	struct cur in = cur_of(ev->data, ev->len);
	struct srp_login_rej rej;

	if (srp_login_rej_decode(&in, &rej))
		ichan_blame(c, ICHAN_WHY_REJECTED, -ECONNREFUSED, 0, "no reason was given");
	else
		ichan_blame(c, ICHAN_WHY_REJECTED, -ECONNREFUSED, rej.reason,
			    srp_rej_reason_text(rej.reason));
	return to_closed(c, out);
}

/* NULL: the login response is acceptable. */
static const char *login_rsp_fault(const struct ichan *c, const struct srp_login_rsp *rsp)
{
	if (rsp->req_lim_delta < 2)
		return "the login response grants fewer than two credits";
	if (rsp->max_it_iu_len < c->it_iu_len)
		return "the login response allows shorter IUs than were asked for";
	if (rsp->max_ti_iu_len > c->cfg.recv_len)
		return "the target's responses may be longer than our receive buffers";
	if (rsp->max_ti_iu_len < MIN_TI_IU_LEN)
		return "the target's responses are too short to answer a task";
	if (!(rsp->buf_fmt & SRP_BUF_FMT_DIRECT))
		return "the target does not support direct descriptors";
	return NULL;
}

static enum ichan_state on_established(struct ichan *c, const struct ichan_event *ev,
				       struct ichan_actions *out)
{
	struct cur in = cur_of(ev->data, ev->len);
	struct srp_login_rsp rsp;
	const char *fault;

	if (srp_login_rsp_decode(&in, &rsp))
		fault = "the login response is too short or no login response";
	else
		fault = login_rsp_fault(c, &rsp);
	if (fault) {
		ichan_blame(c, ICHAN_WHY_PROTOCOL, -EPROTO, 0, fault);
		return to_closed(c, out);
	}
	c->req_lim = rsp.req_lim_delta;
	c->granted = rsp.req_lim_delta;
	c->max_it_iu_len = rsp.max_it_iu_len;
	c->max_ti_iu_len = rsp.max_ti_iu_len;
	c->multi_result = rsp.rsp_flags & SRP_LOGIN_RESULT_MASK;
	c->immediate = c->cfg.immediate && (rsp.rsp_flags & SRP_LOGIN_IMMED_SUPP);
	ichan_add(out, ICHAN_ACT_DISARM);
	ichan_add(out, ICHAN_ACT_UP);
	return ICHAN_LIVE;
}

static enum ichan_state on_early_recv(struct ichan *c, const struct ichan_event *ev,
				      struct ichan_actions *out)
{
	(void)ev;
	ichan_blame(c, ICHAN_WHY_PROTOCOL, -EPROTO, 0, "the target sent before the login was over");
	return to_closed(c, out);
}

static enum ichan_state on_failed_connecting(struct ichan *c, const struct ichan_event *ev,
					     struct ichan_actions *out)
{
	ichan_blame(c, ICHAN_WHY_UNREACHABLE, ev->error, 0,
		    ev->text ? ev->text : "the connection ended during the login");
	return to_closed(c, out);
}

static enum ichan_state on_late_connecting(struct ichan *c, const struct ichan_event *ev,
					   struct ichan_actions *out)
{
	(void)ev;
	ichan_blame(c, ICHAN_WHY_TIMEOUT, -ETIMEDOUT, 0, "the login was not answered in time");
	return to_closed(c, out);
}

static enum ichan_state on_cancel(struct ichan *c, const struct ichan_event *ev,
				  struct ichan_actions *out)
{
	(void)ev;
	ichan_blame(c, ICHAN_WHY_CLOSED, 0, 0, "closed");
	return to_closed(c, out);
}

static enum ichan_state on_disconnected(struct ichan *c, const struct ichan_event *ev,
					struct ichan_actions *out)
{
	ichan_blame(c, ICHAN_WHY_DISCONNECTED, ev->error, 0,
		    ev->text ? ev->text : "the target disconnected");
	return ichan_drain(c, out);
}

static enum ichan_state on_failed(struct ichan *c, const struct ichan_event *ev,
				  struct ichan_actions *out)
{
	ichan_blame(c, ICHAN_WHY_BROKEN, ev->error, 0,
		    ev->text ? ev->text : "the connection broke");
	return ichan_drain(c, out);
}

static enum ichan_state on_logout(struct ichan *c, const struct ichan_event *ev,
				  struct ichan_actions *out)
{
	struct pen pen = pen_of(ev->iu, ev->iu ? ev->iu_max : 0);
	struct srp_i_logout iu = { .tag = 0 };

	ichan_blame(c, ICHAN_WHY_CLOSED, 0, 0, "closed");
	/* Without room the disconnect alone says it, as kernel initiators do. */
	if (srp_i_logout_encode(&iu, &pen) == 0) {
		struct ichan_action *a = ichan_add(out, ICHAN_ACT_SEND);

		a->len = (uint32_t)pen.pos;
		a->flags = ICHAN_SEND_ORPHAN;
	}
	return ichan_leave(c, out);
}

static enum ichan_state on_drop(struct ichan *c, const struct ichan_event *ev,
				struct ichan_actions *out)
{
	(void)ev;
	ichan_blame(c, ICHAN_WHY_CLOSED, 0, 0, "closed");
	return ichan_drain(c, out);
}

/* DRAINING: what the orderly end waited for has come, or is not worth waiting for. */
static enum ichan_state on_drain_now(struct ichan *c, const struct ichan_event *ev,
				     struct ichan_actions *out)
{
	(void)ev;
	return c->marker ? ICHAN_DRAINING : ichan_drain(c, out);
}

static enum ichan_state on_late_draining(struct ichan *c, const struct ichan_event *ev,
					 struct ichan_actions *out)
{
	(void)ev;
	/* The marker does not come back: destroying the queue pair ends everything just as well. */
	return c->marker ? to_closed(c, out) : ichan_drain(c, out);
}

static enum ichan_state on_drained(struct ichan *c, const struct ichan_event *ev,
				   struct ichan_actions *out)
{
	(void)ev;
	return to_closed(c, out);
}

struct cell {
	ichan_handler *on;
	unsigned to; /* BIT() of every state that @on may return */
};

#define IDLE       BIT(ICHAN_IDLE)
#define RESOLVING  BIT(ICHAN_RESOLVING)
#define CONNECTING BIT(ICHAN_CONNECTING)
#define LIVE       BIT(ICHAN_LIVE)
#define DRAINING   BIT(ICHAN_DRAINING)
#define CLOSED     BIT(ICHAN_CLOSED)
#define BUG            \
	{              \
		bug, 0 \
	}

/* clang-format off: one line a cell */
static const struct cell table[ICHAN_STATE_COUNT][ICHAN_EV_COUNT] = {
	[ICHAN_IDLE] = {
		[ICHAN_EV_START]          = { on_start, RESOLVING },
		[ICHAN_EV_RESOLVED]       = BUG,
		[ICHAN_EV_RESOLVE_FAILED] = BUG,
		[ICHAN_EV_ESTABLISHED]    = BUG,
		[ICHAN_EV_REJECTED]       = BUG,
		[ICHAN_EV_UNREACHABLE]    = BUG,
		[ICHAN_EV_SUBMIT]         = { on_refuse, IDLE },
		[ICHAN_EV_TASK]           = { on_refuse, IDLE },
		[ICHAN_EV_RECV]           = BUG,
		[ICHAN_EV_SENT]           = BUG,
		[ICHAN_EV_EXPIRE]         = BUG,
		[ICHAN_EV_DISCONNECTED]   = BUG,
		[ICHAN_EV_FAILED]         = BUG,
		[ICHAN_EV_LOGOUT]         = { on_cancel, CLOSED },
		[ICHAN_EV_DROP]           = { on_cancel, CLOSED },
		[ICHAN_EV_DEADLINE]       = BUG,
		[ICHAN_EV_DRAINED]        = BUG,
	},
	[ICHAN_RESOLVING] = {
		[ICHAN_EV_START]          = BUG,
		[ICHAN_EV_RESOLVED]       = { on_resolved, CONNECTING },
		[ICHAN_EV_RESOLVE_FAILED] = { on_unreachable, CLOSED },
		[ICHAN_EV_ESTABLISHED]    = BUG,
		[ICHAN_EV_REJECTED]       = BUG,
		[ICHAN_EV_UNREACHABLE]    = BUG,
		[ICHAN_EV_SUBMIT]         = { on_refuse, RESOLVING },
		[ICHAN_EV_TASK]           = { on_refuse, RESOLVING },
		[ICHAN_EV_RECV]           = BUG,
		[ICHAN_EV_SENT]           = BUG,
		[ICHAN_EV_EXPIRE]         = BUG,
		[ICHAN_EV_DISCONNECTED]   = BUG,
		[ICHAN_EV_FAILED]         = BUG,
		[ICHAN_EV_LOGOUT]         = { on_cancel, CLOSED },
		[ICHAN_EV_DROP]           = { on_cancel, CLOSED },
		[ICHAN_EV_DEADLINE]       = { on_late_connecting, CLOSED },
		[ICHAN_EV_DRAINED]        = BUG,
	},
	[ICHAN_CONNECTING] = {
		[ICHAN_EV_START]          = BUG,
		[ICHAN_EV_RESOLVED]       = BUG,
		[ICHAN_EV_RESOLVE_FAILED] = BUG,
		[ICHAN_EV_ESTABLISHED]    = { on_established, LIVE | CLOSED },
		[ICHAN_EV_REJECTED]       = { on_rejected, CLOSED },
		[ICHAN_EV_UNREACHABLE]    = { on_unreachable, CLOSED },
		[ICHAN_EV_SUBMIT]         = { on_refuse, CONNECTING },
		[ICHAN_EV_TASK]           = { on_refuse, CONNECTING },
		[ICHAN_EV_RECV]           = { on_early_recv, CLOSED },
		[ICHAN_EV_SENT]           = BUG,
		[ICHAN_EV_EXPIRE]         = BUG,
		[ICHAN_EV_DISCONNECTED]   = { on_failed_connecting, CLOSED },
		[ICHAN_EV_FAILED]         = { on_failed_connecting, CLOSED },
		[ICHAN_EV_LOGOUT]         = { on_cancel, CLOSED },
		[ICHAN_EV_DROP]           = { on_cancel, CLOSED },
		[ICHAN_EV_DEADLINE]       = { on_late_connecting, CLOSED },
		[ICHAN_EV_DRAINED]        = BUG,
	},
	[ICHAN_LIVE] = {
		[ICHAN_EV_START]          = BUG,
		[ICHAN_EV_RESOLVED]       = BUG,
		[ICHAN_EV_RESOLVE_FAILED] = BUG,
		[ICHAN_EV_ESTABLISHED]    = BUG,
		[ICHAN_EV_REJECTED]       = BUG,
		[ICHAN_EV_UNREACHABLE]    = BUG,
		[ICHAN_EV_SUBMIT]         = { ichan_on_submit, LIVE },
		[ICHAN_EV_TASK]           = { ichan_on_task, LIVE },
		[ICHAN_EV_RECV]           = { ichan_on_recv, LIVE | DRAINING },
		[ICHAN_EV_SENT]           = { ichan_on_sent, LIVE },
		[ICHAN_EV_EXPIRE]         = { ichan_on_expire, LIVE | DRAINING },
		[ICHAN_EV_DISCONNECTED]   = { on_disconnected, DRAINING },
		[ICHAN_EV_FAILED]         = { on_failed, DRAINING },
		[ICHAN_EV_LOGOUT]         = { on_logout, DRAINING },
		[ICHAN_EV_DROP]           = { on_drop, DRAINING },
		[ICHAN_EV_DEADLINE]       = BUG, /* disarmed when it became LIVE */
		[ICHAN_EV_DRAINED]        = BUG,
	},
	[ICHAN_DRAINING] = {
		[ICHAN_EV_START]          = BUG,
		[ICHAN_EV_RESOLVED]       = BUG,
		[ICHAN_EV_RESOLVE_FAILED] = BUG,
		[ICHAN_EV_ESTABLISHED]    = BUG,
		[ICHAN_EV_REJECTED]       = BUG,
		[ICHAN_EV_UNREACHABLE]    = BUG,
		[ICHAN_EV_SUBMIT]         = { on_refuse, DRAINING },
		[ICHAN_EV_TASK]           = { on_refuse, DRAINING },
		[ICHAN_EV_RECV]           = { ignore, DRAINING }, /* its command is given back as lost */
		[ICHAN_EV_SENT]           = { ignore, DRAINING }, /* all are given back at the end */
		[ICHAN_EV_EXPIRE]         = { ignore, DRAINING },
		[ICHAN_EV_DISCONNECTED]   = { on_drain_now, DRAINING },
		[ICHAN_EV_FAILED]         = { on_drain_now, DRAINING },
		[ICHAN_EV_LOGOUT]         = { ignore, DRAINING },
		[ICHAN_EV_DROP]           = { on_drain_now, DRAINING },
		[ICHAN_EV_DEADLINE]       = { on_late_draining, DRAINING | CLOSED },
		[ICHAN_EV_DRAINED]        = { on_drained, CLOSED },
	},
	[ICHAN_CLOSED] = {
		[ICHAN_EV_START]          = BUG,
		[ICHAN_EV_RESOLVED]       = { ignore, CLOSED }, /* given up while it was looked for */
		[ICHAN_EV_RESOLVE_FAILED] = { ignore, CLOSED },
		[ICHAN_EV_ESTABLISHED]    = BUG, /* nothing comes after DESTROY */
		[ICHAN_EV_REJECTED]       = BUG,
		[ICHAN_EV_UNREACHABLE]    = BUG,
		[ICHAN_EV_SUBMIT]         = { on_refuse, CLOSED },
		[ICHAN_EV_TASK]           = { on_refuse, CLOSED },
		[ICHAN_EV_RECV]           = BUG,
		[ICHAN_EV_SENT]           = BUG,
		[ICHAN_EV_EXPIRE]         = { ignore, CLOSED },
		[ICHAN_EV_DISCONNECTED]   = BUG,
		[ICHAN_EV_FAILED]         = BUG,
		[ICHAN_EV_LOGOUT]         = { ignore, CLOSED },
		[ICHAN_EV_DROP]           = { ignore, CLOSED },
		[ICHAN_EV_DEADLINE]       = BUG, /* disarmed before */
		[ICHAN_EV_DRAINED]        = BUG,
	},
};
/* clang-format on */

/* What must hold after every step, at no cost worth mentioning. */
static void check_fast(const struct ichan *c)
{
	check(c->req_lim == c->granted - c->spent);
	check(c->n_free + c->n_over <= c->n_slots);
	if (c->state < ICHAN_LIVE)
		check(c->n_free == c->n_slots && !c->tmf.busy);
	if (c->state == ICHAN_CLOSED)
		check(c->n_free + c->n_over == c->n_slots && !c->tmf.busy &&
		      c->why.why != ICHAN_WHY_NONE);
}

void ichan_step(struct ichan *c, const struct ichan_event *ev, struct ichan_actions *out)
{
	const struct cell *cell;

	check(ev->type < ICHAN_EV_COUNT);
	cell = &table[c->state][ev->type];
	out->count = 0;
	c->state = cell->on(c, ev, out); /* the only assignment after ichan_init() */
	check(cell->to & BIT(c->state));
	check_fast(c);
}

uint32_t ichan_it_iu_len(const struct ichan_cfg *cfg)
{
	/* Room for a 32-byte CDB; a single piece goes direct, in fewer bytes than a table of one. */
	uint32_t len = SRP_CMD_BYTES + 16u + SRP_INDIRECT_BYTES + cfg->n_pieces * 16u;

	uint32_t imm = ICHAN_IMM_OFFSET + (cfg->imm_max ? cfg->imm_max : ICHAN_IMM_DEFAULT);

	if (cfg->immediate && len < imm)
		len = imm;
	return len;
}

void ichan_init(struct ichan *c, const struct ichan_cfg *cfg, struct ichan_slot *slot)
{
	check(cfg->n_slots >= 1 && cfg->n_slots < ICHAN_SLOTS_MAX);
	check(cfg->n_pieces >= 1 && cfg->n_pieces <= ICHAN_PIECES_MAX);
	check(cfg->recv_len >= 64 && cfg->imm_max <= ICHAN_IMM_MAX);
	*c = (struct ichan){
		.state = ICHAN_IDLE,
		.n_slots = cfg->n_slots,
		.n_free = cfg->n_slots,
		.it_iu_len = ichan_it_iu_len(cfg),
		.tmf = { .gen = cfg->first_gen },
		.cfg = *cfg,
		.slot = slot,
	};
	if (!c->cfg.imm_max)
		c->cfg.imm_max = ICHAN_IMM_DEFAULT;
	for (uint16_t i = 0; i < cfg->n_slots; i++)
		slot[i] = (struct ichan_slot){
			.gen = cfg->first_gen,
			.next_free = i + 1 < cfg->n_slots ? (uint16_t)(i + 1) : ICHAN_NO_SLOT,
		};
}

void ichan_check(const struct ichan *c)
{
	unsigned n_free = 0;
	unsigned n_over = 0;
	unsigned n_list = 0;

	check_fast(c);
	for (uint16_t i = 0; i < c->n_slots; i++) {
		const struct ichan_slot *s = &c->slot[i];

		n_free += s->state == ICHAN_SLOT_FREE;
		n_over += s->state == ICHAN_SLOT_OVER;
		check(s->state != ICHAN_SLOT_ANSWERED || s->send_pending);
		check(s->state == ICHAN_SLOT_FREE || s->seq < c->n_seq);
	}
	for (uint16_t i = c->free_head; i != ICHAN_NO_SLOT; i = c->slot[i].next_free) {
		check(i < c->n_slots && c->slot[i].state == ICHAN_SLOT_FREE);
		check(n_list++ < c->n_slots);
	}
	check(n_free == c->n_free && n_over == c->n_over && n_list == n_free);
}

bool ichan_table_complete(void)
{
	for (unsigned s = 0; s < ICHAN_STATE_COUNT; s++)
		for (unsigned e = 0; e < ICHAN_EV_COUNT; e++)
			if (!table[s][e].on || (table[s][e].on != bug) != (table[s][e].to != 0))
				return false;
	return true;
}

const char *ichan_state_text(enum ichan_state s)
{
	static const char *const text[ICHAN_STATE_COUNT] = {
		"idle", "resolving", "connecting", "live", "draining", "closed",
	};

	return s < ICHAN_STATE_COUNT ? text[s] : "unknown state";
}
