/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The channel's state table and the handlers of its life; those of its traffic are in chan_io.c. A
 * handler returns the next state; only chan_step() assigns it. An action which the caller may answer at
 * once with the end of the channel (POST_MARKER, UNREGISTER_SESSION, RELEASE) is the last of its step.
 */
#include "srp/chan_table.h"

#include "base/check.h"
#include "wire/srp_login_rej.h"
#include "wire/srp_logout.h"

#define CONNECT_NS    (10 * NSEC_PER_SEC)
#define DISCONNECT_NS (5 * NSEC_PER_SEC)
#define EVICT_NS      (1 * NSEC_PER_SEC)
#define DRAIN_NS      (10 * NSEC_PER_SEC)
#define LOG_NS        (5 * NSEC_PER_SEC)
#define ANSWER_NS     (30 * NSEC_PER_SEC)

/* --- small parts --- */

void chan_because(struct chan *c, const struct chan_event *ev, struct chan_actions *out,
		  const char *why)
{
	if (!c->why)
		c->why = why;
	act_text(out, CHAN_ACT_LOG, ev->text ? ev->text : why);
}

/* The channel serves no more: tell the port, give parked IUs back, stop the tasks (INV-9). */
static void leave(struct chan *c, struct chan_actions *out)
{
	if (c->left)
		return;
	c->left = true;
	c->ask_retry = false;
	act(out, CHAN_ACT_CLOSING, 0);
	if (c->n_parked)
		act(out, CHAN_ACT_DROP_PARKED, 0);
	act(out, CHAN_ACT_ABORT_TASKS, 0);
}

/* Start the end that needs nobody's help. The states that call it are left for good, so INV-2 holds. */
static enum chan_state drain_qp(struct chan *c, struct chan_actions *out)
{
	act(out, CHAN_ACT_QP_ERROR, 0);
	leave(c, out);
	act(out, CHAN_ACT_POST_MARKER, 0);
	return CHAN_DRAINING;
}

/* The login fails before our reply was sent: the peer gets the reason, never 0. */
static enum chan_state fail_login(struct chan *c, struct chan_actions *out, uint32_t reason)
{
	act(out, CHAN_ACT_REJECT, reason);
	return drain_qp(c, out);
}

enum chan_state chan_disconnect(struct chan *c, struct chan_actions *out, uint32_t logout)
{
	if (!c->accepted)
		return fail_login(c, out, SRP_REJ_UNSPECIFIED);
	if (chan_may_send(c) && logout != CHAN_NO_LOGOUT)
		act(out, CHAN_ACT_T_LOGOUT, logout);
	act(out, CHAN_ACT_DISCONNECT, 0);
	leave(c, out);
	return CHAN_DISCONNECTING;
}

/* --- handlers: any state --- */

static enum chan_state on_ignore(struct chan *c, const struct chan_event *ev,
				 struct chan_actions *out)
{
	(void)ev;
	(void)out;
	return c->state;
}

static enum chan_state on_bug(struct chan *c, const struct chan_event *ev, struct chan_actions *out)
{
	(void)c;
	(void)ev;
	(void)out;
	check_unreachable();
}

/* --- login --- */

static enum chan_state on_admitted(struct chan *c, const struct chan_event *ev,
				   struct chan_actions *out)
{
	check(c->admission_pending && !c->accepted); /* INV-3: once, and only while CONNECTING */
	check((int64_t)c->n_recv > c->avail);        /* INV-5 */
	c->admission_pending = false;
	c->accepted = true;
	act(out, CHAN_ACT_ACCEPT, ev->value);
	return CHAN_CONNECTING;
}

static enum chan_state on_refused(struct chan *c, const struct chan_event *ev,
				  struct chan_actions *out)
{
	check(c->admission_pending && !c->accepted);
	check(ev->value != 0);
	c->admission_pending = false;
	chan_because(c, ev, out, "login refused by the port");
	return fail_login(c, out, ev->value);
}

/* The control worker answers a channel that is already ending: no effect, but RELEASE waited for it. */
static enum chan_state on_late_answer(struct chan *c, const struct chan_event *ev,
				      struct chan_actions *out)
{
	(void)ev;
	check(c->admission_pending);
	c->admission_pending = false;
	if (c->unregistered) {
		c->released = true;
		act(out, CHAN_ACT_RELEASE, 0);
	}
	return c->state;
}

/* The CM has rejected by itself; no LOGIN_REJ is possible any more. */
static enum chan_state on_accept_failed(struct chan *c, const struct chan_event *ev,
					struct chan_actions *out)
{
	check(c->accepted);
	chan_because(c, ev, out, "the login reply could not be sent");
	return drain_qp(c, out);
}

static enum chan_state on_established(struct chan *c, const struct chan_event *ev,
				      struct chan_actions *out)
{
	check(c->accepted); /* INV-3: nothing is established before our reply */
	chan_drain_parked(c, out);
	c->deadline_ns = UINT64_MAX; /* of the login; chan_ask() may set one for an answer */
	chan_ask(c, ev->now_ns, out);
	return CHAN_LIVE;
}

static enum chan_state on_comm_est(struct chan *c, const struct chan_event *ev,
				   struct chan_actions *out)
{
	(void)ev;
	if (c->accepted)
		act(out, CHAN_ACT_COMM_EST, 0);
	return CHAN_CONNECTING;
}

/* --- CM --- */

/*
 * DISCONNECTED while nobody of us asked for it. With a handshake our disconnect is the answer to the
 * peer's (E9); on iWARP the connection is gone and there is nothing to wait for.
 */
static enum chan_state on_disconnected(struct chan *c, const struct chan_event *ev,
				       struct chan_actions *out)
{
	chan_because(c, ev, out, "disconnected by the peer");
	if (c->dreq_handshake && c->accepted)
		return chan_disconnect(c, out, CHAN_NO_LOGOUT);
	return drain_qp(c, out);
}

static enum chan_state on_dreq(struct chan *c, const struct chan_event *ev,
			       struct chan_actions *out)
{
	chan_because(c, ev, out, "disconnected by the peer");
	act(out, CHAN_ACT_SEND_DREP, 0);
	if (!c->accepted)
		return drain_qp(c, out);
	leave(c, out);
	return CHAN_DISCONNECTING;
}

/* DREQs crossed, or the peer repeats its own: it waits for an answer whatever our state is. */
static enum chan_state on_dreq_again(struct chan *c, const struct chan_event *ev,
				     struct chan_actions *out)
{
	(void)ev;
	if (!c->unregistered)
		act(out, CHAN_ACT_SEND_DREP, 0);
	return c->state;
}

/* What DISCONNECTING waited for: DREP, DISCONNECTED, DREQ error, TimeWait exit (E10 to E12). */
static enum chan_state on_disconnect_done(struct chan *c, const struct chan_event *ev,
					  struct chan_actions *out)
{
	(void)ev;
	return drain_qp(c, out);
}

static enum chan_state on_timewait_exit(struct chan *c, const struct chan_event *ev,
					struct chan_actions *out)
{
	chan_because(c, ev, out, "connection ended without a disconnect");
	return drain_qp(c, out);
}

static enum chan_state on_peer_refused(struct chan *c, const struct chan_event *ev,
				       struct chan_actions *out)
{
	chan_because(c, ev, out, "the initiator refused the connection");
	return drain_qp(c, out);
}

static enum chan_state on_unreachable(struct chan *c, const struct chan_event *ev,
				      struct chan_actions *out)
{
	chan_because(c, ev, out, "the login reply was not acknowledged");
	return drain_qp(c, out);
}

/* --- queue pair --- */

static enum chan_state on_wc_error(struct chan *c, const struct chan_event *ev,
				   struct chan_actions *out)
{
	chan_because(c, ev, out, "a work request failed");
	return drain_qp(c, out);
}

static enum chan_state on_qp_fatal(struct chan *c, const struct chan_event *ev,
				   struct chan_actions *out)
{
	chan_because(c, ev, out, "the queue pair failed");
	return drain_qp(c, out);
}

static enum chan_state on_marker(struct chan *c, const struct chan_event *ev,
				 struct chan_actions *out)
{
	(void)c;
	(void)ev;
	act(out, CHAN_ACT_UNREGISTER_SESSION, 0);
	return CHAN_DISCONNECTED;
}

/* Without a marker only a queue pair that is gone ensures that nothing more completes (INV-11, INV-12). */
static enum chan_state abandon_qp(struct chan *c, struct chan_actions *out)
{
	c->abandoned = true;
	c->qp_destroyed = true;
	act(out, CHAN_ACT_DESTROY_QP, 0);
	act(out, CHAN_ACT_UNREGISTER_SESSION, 0);
	return CHAN_DISCONNECTED;
}

static enum chan_state on_marker_failed(struct chan *c, const struct chan_event *ev,
					struct chan_actions *out)
{
	(void)ev;
	return abandon_qp(c, out);
}

/* --- from above --- */

/* E20, E23: force close. Nobody waits for the peer's answer: it may be unplugged. */
static enum chan_state on_force_close(struct chan *c, const struct chan_event *ev,
				      struct chan_actions *out)
{
	bool port = ev->type == CHAN_EV_PORT_DISABLED;

	chan_because(c, ev, out, port ? "the port was disabled" : "the device was removed");
	if (!c->accepted)
		return fail_login(c, out, SRP_REJ_RESOURCES);
	if (c->state != CHAN_DISCONNECTING)
		act(out, CHAN_ACT_DISCONNECT, 0);
	return drain_qp(c, out);
}

static enum chan_state on_close_session(struct chan *c, const struct chan_event *ev,
					struct chan_actions *out)
{
	chan_because(c, ev, out, "the session was closed by the target");
	return chan_disconnect(c, out, ev->value);
}

static enum chan_state on_evicted(struct chan *c, const struct chan_event *ev,
				  struct chan_actions *out)
{
	chan_because(c, ev, out, "replaced by a new login of the same initiator");
	/* The new login waits for our tasks (INV-25), and they for an initiator that may be gone. */
	c->disconnect_ns = min_u64(c->disconnect_ns, c->evict_ns);
	return chan_disconnect(c, out, SRP_LOGOUT_MULTI_CHANNEL);
}

static enum chan_state on_addr_change(struct chan *c, const struct chan_event *ev,
				      struct chan_actions *out)
{
	chan_because(c, ev, out, "the local address changed");
	return drain_qp(c, out);
}

/* The order is INV-19's for user space: queue pair, then id, then everything else. */
static enum chan_state on_unregistered(struct chan *c, const struct chan_event *ev,
				       struct chan_actions *out)
{
	(void)ev;
	check(!c->unregistered);            /* INV-13 */
	check(!c->n_tasks);                 /* INV-14 */
	check(c->abandoned || !c->sq_used); /* INV-12: every slot came back */
	c->unregistered = true;
	if (!c->qp_destroyed)
		act(out, CHAN_ACT_DESTROY_QP, 0);
	c->qp_destroyed = true;
	act(out, CHAN_ACT_DESTROY_ID, 0);
	if (!c->admission_pending) {
		c->released = true;
		act(out, CHAN_ACT_RELEASE, 0);
	}
	return CHAN_DISCONNECTED;
}

/* --- time: silent peers (INV-28, INV-29, INV-32) --- */

static enum chan_state on_timer_connecting(struct chan *c, const struct chan_event *ev,
					   struct chan_actions *out)
{
	if (ev->now_ns < c->deadline_ns)
		return CHAN_CONNECTING;
	chan_because(c, ev, out, "not established in time");
	if (!c->accepted)
		return fail_login(c, out, SRP_REJ_RESOURCES);
	return drain_qp(c, out);
}

static enum chan_state on_timer_disconnecting(struct chan *c, const struct chan_event *ev,
					      struct chan_actions *out)
{
	if (ev->now_ns < c->deadline_ns)
		return CHAN_DISCONNECTING;
	act_text(out, CHAN_ACT_LOG, "no answer to the disconnect");
	return drain_qp(c, out);
}

static enum chan_state on_timer_draining(struct chan *c, const struct chan_event *ev,
					 struct chan_actions *out)
{
	if (ev->now_ns < c->deadline_ns)
		return CHAN_DRAINING;
	act_text(out, CHAN_ACT_LOG, "the queue pair does not drain");
	return abandon_qp(c, out);
}

/* Freeing what a task still uses would corrupt data, so nothing but a line follows. */
static enum chan_state on_timer_disconnected(struct chan *c, const struct chan_event *ev,
					     struct chan_actions *out)
{
	if (ev->now_ns < c->deadline_ns)
		return CHAN_DISCONNECTED;
	act_text(out, CHAN_ACT_LOG,
		 c->unregistered ? "still waiting for the port's answer to the login"
				 : "still waiting for the last task");
	c->deadline_ns = chan_later(ev->now_ns, c->log_ns);
	return CHAN_DISCONNECTED;
}

/* --- the table --- */

#define C  BIT(CHAN_CONNECTING)
#define L  BIT(CHAN_LIVE)
#define DG BIT(CHAN_DISCONNECTING)
#define DR BIT(CHAN_DRAINING)
#define DD BIT(CHAN_DISCONNECTED)

#define DO(handler, states)                                        \
	{                                                          \
		on_##handler, #handler, (states), CHAN_CELL_HANDLE \
	}
#define IO(handler, states)                                             \
	{                                                               \
		chan_on_##handler, #handler, (states), CHAN_CELL_HANDLE \
	}
#define IGNORE                                           \
	{                                                \
		on_ignore, "ignore", 0, CHAN_CELL_IGNORE \
	}
#define BUG                                     \
	{                                       \
		on_bug, "bug", 0, CHAN_CELL_BUG \
	}

/* clang-format off */
const struct chan_cell chan_table[CHAN_EV_COUNT][CHAN_STATE_COUNT] = {
/*                        CONNECTING             LIVE          DISCONNECTING  DRAINING  DISCONNECTED */
[CHAN_EV_ADMITTED] =    { DO(admitted, C),       BUG,                        BUG,
			  DO(late_answer, DR),   DO(late_answer, DD) },
[CHAN_EV_REFUSED] =     { DO(refused, DR),       BUG,                        BUG,
			  DO(late_answer, DR),   DO(late_answer, DD) },
[CHAN_EV_ACCEPT_FAILED] = { DO(accept_failed, DR), BUG,                      BUG,
			  BUG,                   BUG },
[CHAN_EV_ESTABLISHED] = { DO(established, L),    IGNORE,                     IGNORE,
			  IGNORE,                IGNORE },
[CHAN_EV_USER_ESTABLISHED] = { DO(established, L), IGNORE,                   IGNORE,
			  IGNORE,                IGNORE },
[CHAN_EV_COMM_EST] =    { DO(comm_est, C),       IGNORE,                     IGNORE,
			  IGNORE,                IGNORE },
[CHAN_EV_RECV] =        { IO(recv_early, C | DG | DR), IO(recv, L | DG),     IO(recv_late, DG),
			  IO(recv_late, DR),     BUG },
[CHAN_EV_KICK] =        { BUG,                   IO(kick, L),                IGNORE,
			  IGNORE,                IGNORE },
[CHAN_EV_RESOURCES] =   { IGNORE,                IO(resources, L),           IGNORE,
			  IGNORE,                IGNORE },
[CHAN_EV_BUSY] =        { BUG,                   IO(busy, L),                IO(busy_late, DG),
			  IO(busy_late, DR),     IO(busy_late, DD) },
[CHAN_EV_RESPOND] =     { BUG,                   IO(respond, L),             IO(respond_late, DG),
			  IO(respond_late, DR),  IO(respond_late, DD) },
[CHAN_EV_RSP_POST_FAILED] = { BUG,               IO(rsp_failed, L),          IO(rsp_failed, DG),
			  IO(rsp_failed, DR),    IO(rsp_failed, DD) },
[CHAN_EV_TASK_ABORTED] = { BUG,                  IO(task_aborted, L),        IO(task_aborted, DG),
			  IO(task_aborted, DR),  IO(task_aborted, DD) },
[CHAN_EV_ASK_FAILED] =  { BUG,                   IO(ask_failed, L),          IO(ask_failed, DG),
			  IO(ask_failed, DR),    IO(ask_failed, DD) },
[CHAN_EV_SET_LIMIT] =   { IO(set_limit, C),      IO(set_limit, L),           IGNORE,
			  IGNORE,                IGNORE },
[CHAN_EV_AER_DUE] =     { IO(aer_due, C),        IO(aer_due, L),             IGNORE,
			  IGNORE,                IGNORE },
[CHAN_EV_DISCONNECTED] = { DO(disconnected, DG | DR), DO(disconnected, DG | DR), DO(disconnect_done, DR),
			  IGNORE,                IGNORE },
[CHAN_EV_DREQ] =        { DO(dreq, DG | DR),     DO(dreq, DG),               DO(dreq_again, DG),
			  DO(dreq_again, DR),    DO(dreq_again, DD) },
[CHAN_EV_DREP] =        { IGNORE,                IGNORE,                     DO(disconnect_done, DR),
			  IGNORE,                IGNORE },
[CHAN_EV_DREQ_ERROR] =  { IGNORE,                IGNORE,                     DO(disconnect_done, DR),
			  IGNORE,                IGNORE },
[CHAN_EV_TIMEWAIT_EXIT] = { DO(timewait_exit, DR), DO(timewait_exit, DR),    DO(disconnect_done, DR),
			  IGNORE,                IGNORE },
[CHAN_EV_MRA] =         { IGNORE,                IGNORE,                     IGNORE,
			  IGNORE,                IGNORE },
[CHAN_EV_REJECTED] =    { DO(peer_refused, DR),  DO(peer_refused, DR),       DO(disconnect_done, DR),
			  IGNORE,                IGNORE },
[CHAN_EV_UNREACHABLE] = { DO(unreachable, DR),   DO(unreachable, DR),        DO(disconnect_done, DR),
			  IGNORE,                IGNORE },
[CHAN_EV_MARKER_DONE] = { BUG,                   BUG,                        BUG,
			  DO(marker, DD),        BUG },
[CHAN_EV_MARKER_POST_FAILED] = { BUG,            BUG,                        BUG,
			  DO(marker_failed, DD), BUG },
[CHAN_EV_WC_ERROR] =    { DO(wc_error, DR),      DO(wc_error, DR),           DO(wc_error, DR),
			  IGNORE,                BUG },
[CHAN_EV_LAST_WQE] =    { IGNORE,                IGNORE,                     IGNORE,
			  IGNORE,                IGNORE },
[CHAN_EV_QP_FATAL] =    { DO(qp_fatal, DR),      DO(qp_fatal, DR),           DO(qp_fatal, DR),
			  IGNORE,                IGNORE },
[CHAN_EV_PORT_DISABLED] = { DO(force_close, DR), DO(force_close, DR),        DO(force_close, DR),
			  IGNORE,                IGNORE },
[CHAN_EV_CLOSE_SESSION] = { DO(close_session, DG | DR), DO(close_session, DG), IGNORE,
			  IGNORE,                IGNORE },
[CHAN_EV_EVICTED] =     { DO(evicted, DG | DR),  DO(evicted, DG),            IGNORE,
			  IGNORE,                IGNORE },
[CHAN_EV_DEVICE_REMOVAL] = { DO(force_close, DR), DO(force_close, DR),       DO(force_close, DR),
			  IGNORE,                IGNORE },
[CHAN_EV_ADDR_CHANGE] = { DO(addr_change, DR),   DO(addr_change, DR),        DO(addr_change, DR),
			  IGNORE,                IGNORE },
[CHAN_EV_SESSION_UNREGISTERED] = { BUG,          BUG,                        BUG,
			  BUG,                   DO(unregistered, DD) },
[CHAN_EV_PORT_CHANGE] = { IGNORE,                IGNORE,                     IGNORE,
			  IGNORE,                IGNORE },
[CHAN_EV_TIMER] =       { DO(timer_connecting, C | DR), IO(timer_live, L | DG), DO(timer_disconnecting, DG | DR),
			  DO(timer_draining, DR | DD), DO(timer_disconnected, DD) },
};
/* clang-format on */

/* --- the entry --- */

static uint64_t wait_ns(const struct chan *c, enum chan_state s)
{
	switch (s) {
	case CHAN_CONNECTING:
		return c->connect_ns;
	case CHAN_DISCONNECTING:
		return c->disconnect_ns;
	case CHAN_DRAINING:
		return c->drain_ns;
	default:
		return c->log_ns;
	}
}

static void entered(struct chan *c, enum chan_state s, uint64_t now_ns)
{
	c->entered_ns = now_ns;
	if (s != CHAN_LIVE) /* there only an answer has one, and chan_ask() sets it */
		c->deadline_ns = chan_later(now_ns, wait_ns(c, s));
}

/* After RELEASE: only what is on its way from the port, or from the caller's own queues. */
static bool may_come_after_release(enum chan_ev type)
{
	return type == CHAN_EV_KICK || type == CHAN_EV_TIMER || type == CHAN_EV_SET_LIMIT ||
	       type == CHAN_EV_AER_DUE || type == CHAN_EV_PORT_DISABLED ||
	       type == CHAN_EV_CLOSE_SESSION || type == CHAN_EV_EVICTED ||
	       type == CHAN_EV_DEVICE_REMOVAL || type == CHAN_EV_ADDR_CHANGE ||
	       type == CHAN_EV_PORT_CHANGE;
}

void chan_step(struct chan *c, const struct chan_event *ev, struct chan_actions *out)
{
	const struct chan_cell *cell;
	enum chan_state next;

	check((unsigned)ev->type < CHAN_EV_COUNT);
	out->count = 0;
	if (c->released) {
		check(may_come_after_release(ev->type)); /* INV-18 */
		return;
	}
	cell = &chan_table[ev->type][c->state];
	next = cell->on(c, ev, out);
	check(out->count <= CHAN_ACTIONS_MAX);
	if (next != c->state) {
		check(next > c->state && cell->to & BIT(next)); /* INV-1 */
		c->state = next;
		entered(c, next, ev->now_ns);
	} else {
		check(!cell->to || cell->to & BIT(next));
	}
	if (c->released)
		c->deadline_ns = UINT64_MAX;
#ifdef CHAN_CHECK_FULL
	chan_check_full(c);
#else
	chan_check(c);
#endif
}

void chan_init(struct chan *c, const struct chan_config *cfg)
{
	const uint32_t max_limit = cfg->max_limit ? cfg->max_limit : cfg->limit;

	check(cfg->limit >= 2 && cfg->limit <= max_limit && max_limit <= INT32_MAX / 2);
	check(cfg->n_recv > max_limit); /* INV-5 */
	check(cfg->sq_depth >= 2);
	*c = (struct chan){
		.state = CHAN_CONNECTING,
		.dreq_handshake = cfg->dreq_handshake,
		.admission_pending = true,
		.limit = cfg->limit,
		.want = cfg->limit,
		.max_limit = max_limit,
		.avail = (int32_t)cfg->limit,
		.n_recv = cfg->n_recv,
		.sq_depth = cfg->sq_depth,
		.connect_ns = cfg->connect_ns ? cfg->connect_ns : CONNECT_NS,
		.disconnect_ns = cfg->disconnect_ns ? cfg->disconnect_ns : DISCONNECT_NS,
		.evict_ns = cfg->evict_ns ? cfg->evict_ns : EVICT_NS,
		.drain_ns = cfg->drain_ns ? cfg->drain_ns : DRAIN_NS,
		.log_ns = cfg->log_ns ? cfg->log_ns : LOG_NS,
		.answer_ns = cfg->answer_ns ? cfg->answer_ns : ANSWER_NS,
	};
	list_init(&c->parked);
	c->returned_tail = &c->parked;
	entered(c, CHAN_CONNECTING, cfg->now_ns);
	chan_check(c);
}
