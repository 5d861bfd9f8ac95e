/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "prove/move.h"

#include <stdio.h>

#include "base/check.h"
#include "prove/choice.h"
#include "prove/cm.h"
#include "wire/srp_login_rej.h"
#include "wire/srp_logout.h"

/* One kind of move; its arguments are 0 to @n_args - 1. */
struct kind {
	const char *text;
	unsigned n_args; /* 0: the connection manager says how many */
	bool (*can)(const struct world *w, unsigned arg);
	void (*run)(struct world *w, unsigned arg);
	enum fair (*fair)(const struct world *w); /* NULL: FAIR_NONE */
};

static bool qp_works(const struct world *w)
{
	return !w->b.drained && !w->b.did_destroy_qp; /* INV-11 is the provider's promise */
}

/* --- the port --- */

/* Messages of the port keep their order, and it admits nobody after it was disabled. */
static bool can_answer(const struct world *w, unsigned refuse)
{
	return !w->b.answered && (refuse || !w->b.disabled || cm_any_flavour(flavour));
}

static void run_answer(struct world *w, unsigned refuse)
{
	w->b.answered = true;
	w->b.admitted = !refuse;
	if (refuse)
		world_step(w, CHAN_EV_REFUSED, SRP_REJ_RESOURCES, NULL);
	else
		world_step(w, CHAN_EV_ADMITTED, 0, NULL);
}

static enum fair fair_answer(const struct world *w)
{
	(void)w;
	return FAIR_PORT;
}

static bool can_always(const struct world *w, unsigned arg)
{
	(void)w;
	(void)arg;
	return true;
}

static void run_disable(struct world *w, unsigned arg)
{
	(void)arg;
	w->b.disabled = !w->b.released;
	world_step(w, CHAN_EV_PORT_DISABLED, 0, NULL);
}

static enum fair fair_disable(const struct world *w)
{
	return w->chan.state == CHAN_LIVE ? FAIR_DISABLE : FAIR_NONE;
}

static const enum chan_ev from_above[] = { CHAN_EV_CLOSE_SESSION, CHAN_EV_EVICTED,
					   CHAN_EV_DEVICE_REMOVAL, CHAN_EV_ADDR_CHANGE,
					   CHAN_EV_PORT_CHANGE };

static void run_above(struct world *w, unsigned arg)
{
	if (from_above[arg] == CHAN_EV_DEVICE_REMOVAL && !w->b.did_destroy_id)
		(void)cm_ops()->call(w, CM_REMOVED);
	world_step(w, from_above[arg], SRP_LOGOUT_NONE, NULL);
}

/* --- home, about the traffic --- */

static bool can_limit(const struct world *w, unsigned arg)
{
	(void)w;
	return arg + 2 <= bound.max_limit;
}

static void run_limit(struct world *w, unsigned arg)
{
	w->b.want = (uint8_t)(arg + 2);
	world_step(w, CHAN_EV_SET_LIMIT, arg + 2, NULL);
}

/* One at a time while the channel lives; what comes after is ignored, and nobody counts it. */
static bool can_aer(const struct world *w, unsigned arg)
{
	(void)arg;
	return !w->b.aer || w->chan.state >= CHAN_DISCONNECTING;
}

static void run_aer(struct world *w, unsigned arg)
{
	(void)arg;
	w->b.aer = true;
	world_step(w, CHAN_EV_AER_DUE, 0, NULL);
}

/* --- connection manager --- */

static bool can_cm(const struct world *w, unsigned arg)
{
	return !w->b.did_destroy_id && cm_ops()->can(w, arg);
}

static void run_cm(struct world *w, unsigned arg)
{
	cm_ops()->run(w, arg);
}

/* --- queue pair --- */

static bool can_qp_event(const struct world *w, unsigned arg)
{
	(void)arg;
	return !w->b.did_destroy_id;
}

static const enum chan_ev qp_events[] = { CHAN_EV_QP_FATAL, CHAN_EV_LAST_WQE, CHAN_EV_COMM_EST };

static void run_qp_event(struct world *w, unsigned arg)
{
	world_step(w, qp_events[arg], 0, NULL);
}

static bool can_wc_error(const struct world *w, unsigned arg)
{
	(void)arg;
	return qp_works(w);
}

static void run_wc_error(struct world *w, unsigned arg)
{
	(void)arg;
	world_step(w, CHAN_EV_WC_ERROR, 0, NULL);
}

/* The marker is the last: what was posted before it has come back. */
static bool can_marker(const struct world *w, unsigned arg)
{
	(void)arg;
	return w->b.marker && !w->b.n_sends && !w->b.n_data;
}

static void run_marker(struct world *w, unsigned arg)
{
	(void)arg;
	w->b.marker = false;
	w->b.drained = true;
	world_step(w, CHAN_EV_MARKER_DONE, 0, NULL);
}

static bool can_send_done(const struct world *w, unsigned arg)
{
	(void)arg;
	return w->b.n_sends;
}

static void run_send_done(struct world *w, unsigned arg)
{
	(void)arg;
	w->b.n_sends--;
	world_slot_back(w);
}

/* --- messages of the peer --- */

/* It may send what it likes as long as receives are posted; before our reply it has no connection. */
static bool can_recv(const struct world *w, unsigned arg)
{
	(void)arg;
	return qp_works(w) && world_count(w, IU_POSTED) &&
	       (w->b.accepted || cm_any_flavour(flavour));
}

static void run_recv(struct world *w, unsigned arg)
{
	struct world_iu *wi = world_find(w, IU_POSTED);
	struct books *b = &w->b;

	wi->at = IU_CORE;
	wi->order = b->n_arrived++;
	wi->iu = (struct chan_iu){ .kind = (uint8_t)arg, .logout = SRP_LOGOUT_NONE };
	list_init(&wi->iu.node);
	if (arg == CHAN_IU_BAD)
		wi->iu.text = "bad information unit";
	b->heard = true;
	if ((arg == CHAN_IU_CMD || arg == CHAN_IU_TSK_MGMT) && b->peer_lim > 0)
		b->peer_lim--;
	if ((arg == CHAN_IU_CRED_RSP && b->peer_asked == CHAN_ASK_CRED) ||
	    (arg == CHAN_IU_AER_RSP && b->peer_asked == CHAN_ASK_AER)) {
		b->peer_asked = CHAN_ASK_NONE;
		b->peer_lim = (int8_t)(b->peer_lim + b->peer_delta);
		b->peer_delta = 0;
	}
	world_step(w, CHAN_EV_RECV, 0, &wi->iu);
}

/* --- tasks --- */

static bool can_end(const struct world *w, unsigned bare)
{
	return world_idle(w) && (bare ? w->b.n_bare : world_count(w, IU_TASK));
}

static void run_respond(struct world *w, unsigned bare)
{
	world_task_end(w, true, bare);
}

static void run_abort(struct world *w, unsigned bare)
{
	world_task_end(w, false, bare);
}

static enum fair fair_abort(const struct world *w)
{
	return w->b.did_abort ? FAIR_TASK : FAIR_NONE;
}

/* A task that has what it needs of its buffer posts it again before it ends. */
static bool can_repost(const struct world *w, unsigned arg)
{
	(void)arg;
	return w->chan.state < CHAN_DRAINING && world_count(w, IU_TASK);
}

static void run_repost(struct world *w, unsigned arg)
{
	(void)arg;
	world_find(w, IU_TASK)->at = IU_POSTED;
	w->b.n_bare++;
	chan_recv_posted(&w->chan);
}

static bool can_data(const struct world *w, unsigned done)
{
	return done ? w->b.n_data : world_idle(w);
}

static void run_data(struct world *w, unsigned done)
{
	if (done) {
		w->b.n_data--;
		world_slot_back(w);
	} else if (chan_sq_reserve(&w->chan, 1)) {
		must(!w->b.did_marker, "INV-11", "data posted behind the marker");
		w->b.n_data++;
	}
}

/* --- promises of the caller --- */

static bool can_kick(const struct world *w, unsigned arg)
{
	(void)arg;
	return w->b.kick;
}

static void run_kick(struct world *w, unsigned arg)
{
	(void)arg;
	w->b.kick = false;
	world_step(w, CHAN_EV_KICK, 0, NULL);
}

static enum fair fair_kick(const struct world *w)
{
	(void)w;
	return FAIR_KICK;
}

static bool can_resources(const struct world *w, unsigned arg)
{
	(void)arg;
	return !w->b.released;
}

static void run_resources(struct world *w, unsigned arg)
{
	(void)arg;
	world_step(w, CHAN_EV_RESOURCES, 0, NULL);
}

static bool can_unregistered(const struct world *w, unsigned arg)
{
	(void)arg;
	return w->b.unregister && !world_tasks(w);
}

static void run_unregistered(struct world *w, unsigned arg)
{
	(void)arg;
	w->b.unregister = false;
	w->b.unregistered = true;
	world_step(w, CHAN_EV_SESSION_UNREGISTERED, 0, NULL);
}

static enum fair fair_unregister(const struct world *w)
{
	(void)w;
	return FAIR_UNREGISTER;
}

/* --- time --- */

static bool can_timer(const struct world *w, unsigned due)
{
	return !due || chan_deadline_ns(&w->chan) != UINT64_MAX;
}

static void run_timer(struct world *w, unsigned due)
{
	if (due)
		w->b.now_ns = chan_deadline_ns(&w->chan);
	world_step(w, CHAN_EV_TIMER, 0, NULL);
}

/* In DISCONNECTED the deadline is only for a line in the log. */
static enum fair fair_timer(const struct world *w)
{
	return w->chan.state < CHAN_DISCONNECTED ? FAIR_TIMER : FAIR_NONE;
}

/* --- all --- */

static const struct kind kinds[] = {
	{ "the port answers", 2, can_answer, run_answer, fair_answer },
	{ "the port is disabled", 1, can_always, run_disable, fair_disable },
	{ "from above", ARRAY_SIZE(from_above), can_always, run_above, NULL },
	{ "home wants a limit", WORLD_LIMIT_MAX - 1, can_limit, run_limit, NULL },
	{ "home has an event report", 1, can_aer, run_aer, NULL },
	{ "CM", 0, can_cm, run_cm, NULL },
	{ "queue pair", ARRAY_SIZE(qp_events), can_qp_event, run_qp_event, NULL },
	{ "a work request fails", 1, can_wc_error, run_wc_error, NULL },
	{ "the marker comes back", 1, can_marker, run_marker, NULL },
	{ "a send completes", 1, can_send_done, run_send_done, NULL },
	{ "an IU arrives", CHAN_IU_KIND_COUNT, can_recv, run_recv, NULL },
	{ "a task ends with a response", 2, can_end, run_respond, NULL },
	{ "a task ends without a response", 2, can_end, run_abort, fair_abort },
	{ "a task posts its receive again", 1, can_repost, run_repost, NULL },
	{ "data", 2, can_data, run_data, NULL },
	{ "kick", 1, can_kick, run_kick, fair_kick },
	{ "resources", 1, can_resources, run_resources, NULL },
	{ "the session is unregistered", 1, can_unregistered, run_unregistered, fair_unregister },
	{ "time passes", 2, can_timer, run_timer, fair_timer },
};

enum {
	KIND_COUNT = ARRAY_SIZE(kinds)
};

unsigned moves_list(const struct world *w, struct move *out)
{
	unsigned n = 0;
	unsigned k;
	unsigned arg;

	for (k = 0; k < KIND_COUNT; k++) {
		unsigned n_args = kinds[k].n_args ? kinds[k].n_args : cm_ops()->n_moves;
		enum fair fair = kinds[k].fair ? kinds[k].fair(w) : FAIR_NONE;

		/* after its end nothing is under way to it but what chan.h names */
		if (w->b.released && kinds[k].can != can_always && kinds[k].can != can_kick &&
		    kinds[k].can != can_timer && kinds[k].can != can_limit &&
		    kinds[k].can != can_aer)
			continue;
		for (arg = 0; arg < n_args; arg++) {
			if (!kinds[k].can(w, arg))
				continue;
			check(n < MOVES_MAX);
			out[n++] = (struct move){ .kind = (uint8_t)k, .arg = (uint8_t)arg };
			if (kinds[k].can != can_timer || arg)
				out[n - 1].fair = (uint8_t)fair;
		}
	}
	return n;
}

void move_run(struct world *w, struct move m)
{
	w->b.n_breaks = (uint8_t)bound.n_breaks;
	trace_depth = 0;
	trace(0, "%s", move_text(m));
	kinds[m.kind].run(w, m.arg);
	if (w->b.broken) {
		w->b.broken = false;
		world_step(w, CHAN_EV_QP_FATAL, 0, NULL);
	}
	if (w->b.notify) {
		w->b.notify = false;
		if (!w->b.did_destroy_id && !cm_ops()->call(w, CM_NOTIFY))
			world_step(w, CHAN_EV_USER_ESTABLISHED, 0, NULL);
	}
	books_between(w);
}

const char *move_text(struct move m)
{
	static const char *const two[][2] = {
		{ "ADMITTED", "REFUSED" },
		{ "that still holds its receive", "whose receive is posted" },
		{ "of a task begin to move", "of a task have moved" },
		{ "and no deadline is due", "up to the next deadline" },
	};
	static const char *const iu[CHAN_IU_KIND_COUNT] = {
		[CHAN_IU_CMD] = "CMD",           [CHAN_IU_TSK_MGMT] = "TSK_MGMT",
		[CHAN_IU_I_LOGOUT] = "I_LOGOUT", [CHAN_IU_CRED_RSP] = "CRED_RSP",
		[CHAN_IU_AER_RSP] = "AER_RSP",   [CHAN_IU_BAD] = "BAD",
	};
	static const char *const limit[WORLD_LIMIT_MAX - 1] = { "2", "3", "4", "5" };
	static char buf[128];
	const struct kind *k = &kinds[m.kind];
	const char *arg = NULL;

	if (k->can == can_answer)
		arg = two[0][m.arg];
	else if (k->can == can_end)
		arg = two[1][m.arg];
	else if (k->can == can_data)
		arg = two[2][m.arg];
	else if (k->can == can_timer)
		arg = two[3][m.arg];
	else if (k->can == can_cm)
		arg = cm_ops()->text(m.arg);
	else if (k->can == can_qp_event)
		arg = chan_ev_text(qp_events[m.arg]);
	else if (k->run == run_above)
		arg = chan_ev_text(from_above[m.arg]);
	else if (k->can == can_recv)
		arg = iu[m.arg];
	else if (k->can == can_limit)
		arg = limit[m.arg];
	(void)snprintf(buf, sizeof(buf), "%s%s%s", k->text, arg ? ": " : "", arg ? arg : "");
	return buf;
}

const char *fair_text(enum fair f)
{
	static const char *const text[FAIR_COUNT] = {
		[FAIR_NONE] = "nothing",
		[FAIR_TIMER] = "a deadline",
		[FAIR_PORT] = "the port's answer",
		[FAIR_TASK] = "the end of an aborted task",
		[FAIR_KICK] = "a kick",
		[FAIR_UNREGISTER] = "the end of unregistering",
		[FAIR_DISABLE] = "a disabled port",
	};

	return text[f];
}
