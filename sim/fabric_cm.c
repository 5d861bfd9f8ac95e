/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * How connections come to be and end. With the disconnect handshake (dreq):
 *
 *	active  NEW -> CONNECTING --REP--> LIVE             REQ, REP, DREQ are sent again when they are not
 *	passive REQUESTED -> ACCEPTED --RTU--> LIVE         answered, and given up at last
 *	LIVE --disconnect(), DREQ out--> CLOSING --DREP--> DOWN --time--> TIMEWAIT_EXIT
 *	LIVE --DREQ in--> ASKED --disconnect(), DREP out--> DOWN
 *
 * Without it (a stream): a request, a reply, and an end of the stream each way.
 */
#include <errno.h>

#include "sim/dice.h"
#include "sim/fabric_i.h"
#include "sim/world.h"

#define STREAM_CONNECT_NS (10 * NSEC_PER_SEC)
#define STREAM_CLOSE_NS   (3 * NSEC_PER_SEC)
#define RTU_LATE_NS       (20 * NSEC_PER_MSEC)
#define SENT_ALL_NS       (2 * NSEC_PER_SEC) /* dreq: what is posted has so long to get out */

static bool has_dreq(const struct end *e)
{
	return e->f->dreq;
}

/* --- the handshakes' own messages --- */

static void put_priv(struct pkt *p, const struct end *e)
{
	if (!p)
		return;
	p->data = world_alloc(e->priv_len);
	memcpy(p->data, e->priv, e->priv_len);
	p->len = (uint32_t)e->priv_len;
	p->va = e->depth;
	p->rkey = e->resources;
}

static void get_priv(struct end *e, const struct pkt *p)
{
	e->priv_len = p->len;
	if (p->len)
		memcpy(e->priv, p->data, p->len);
}

/* The reason stays with the link: who rejects may be gone when the request is sent again. */
static void send_rej(struct link *l)
{
	struct pkt *p = fabric_send_to(l, 0, PKT_REJ);

	l->rejected = true;
	if (!p)
		return;
	p->data = world_alloc(l->rej_len);
	memcpy(p->data, l->rej, l->rej_len);
	p->len = (uint32_t)l->rej_len;
}

static void cm_send(struct end *e)
{
	switch (e->state) {
	case END_CONNECTING:
		put_priv(fabric_send(e, PKT_REQ), e);
		break;
	case END_ACCEPTED:
		put_priv(fabric_send(e, PKT_REP), e);
		break;
	default:
		(void)fabric_send(e, PKT_DREQ);
	}
	sched_in(&e->cm, fabric_net.cm_again_ns);
}

static void timewait(struct end *e)
{
	e->state = END_DOWN;
	sched_cancel(&e->cm);
	sched_cancel(&e->fin);
	e->fin_due = false;
	/* It is nobody's promise that it comes. */
	if (dice_pct(20))
		return;
	e->late_type = FAB_EV_TIMEWAIT_EXIT;
	sched_in(&e->late, fabric_net.timewait_ns);
}

static void tell_end(struct end *e, enum fab_event_type type, int error)
{
	if (!e->told_end)
		fabric_tell(e, type, error, NULL, NULL);
	e->told_end = true;
}

/* Not answered in time: again, or no more. */
static void cm_again(struct sched_ev *ev)
{
	struct end *e = container_of(ev, struct end, cm);

	if (has_dreq(e) && e->cm_left) {
		e->cm_left--;
		cm_send(e);
		return;
	}
	switch (e->state) {
	case END_CONNECTING:
		fabric_down(e, FAB_EV_UNREACHABLE, -ETIMEDOUT, true);
		break;
	case END_ACCEPTED:
		e->state = END_DOWN;
		tell_end(e, FAB_EV_UNREACHABLE, -ETIMEDOUT);
		break;
	case END_CLOSING:
		timewait(e);
		tell_end(e, FAB_EV_DISCONNECTED, -ETIMEDOUT);
		break;
	default:
		break;
	}
}

static void late(struct end *e)
{
	fabric_tell(e, e->late_type, 0, NULL, NULL);
}

static void late_by_time(struct sched_ev *ev)
{
	struct end *e = container_of(ev, struct end, late);

	late(e);
	/* The reply went to a host that had closed the stream: that it is reset comes behind. */
	if (!has_dreq(e) && e->late_type == FAB_EV_ESTABLISHED && e->state == END_LIVE &&
	    e->side == 1 && !end_peer(e))
		fabric_down(e, FAB_EV_DISCONNECTED, -ECONNRESET, false);
}

static void comm_est(struct sched_ev *ev)
{
	fabric_tell(container_of(ev, struct end, est), FAB_EV_COMM_EST, 0, NULL, NULL);
}

static void close_late(struct sched_ev *ev)
{
	struct end *e = container_of(ev, struct end, fin);

	if (has_dreq(e))
		fabric_cm_sent_all(e); /* what did not get out by now stays */
	else
		fabric_down(e, FAB_EV_DISCONNECTED, -ETIMEDOUT, true);
}

void fabric_cm_init(struct end *e)
{
	e->cm.run = cm_again;
	e->late.run = late_by_time;
	e->est.run = comm_est;
	e->fin.run = close_late;
}

/* --- calls --- */

/* NOLINTNEXTLINE(readability-function-size): the parameters are the seam's */
int fabric_connect(struct fab_conn *c, const struct sockaddr *addr, socklen_t addr_len,
		   const void *priv, size_t priv_len, unsigned initiator_depth,
		   unsigned responder_resources)
{
	struct end *e = end_of(c);
	struct link *l;

	if (e->state != END_NEW || !e->qp || e->qp->error || priv_len > FAB_PRIVATE_DATA_MAX)
		return -EINVAL;
	l = fabric_link_new(e);
	memcpy(&l->to, addr, min_size(addr_len, sizeof(l->to)));
	if (priv_len)
		memcpy(e->priv, priv, priv_len);
	e->priv_len = priv_len;
	e->depth = initiator_depth;
	e->resources = responder_resources;
	e->state = END_CONNECTING;
	e->cm_left = fabric_net.cm_tries;
	cm_send(e);
	if (!has_dreq(e))
		sched_in(&e->cm, STREAM_CONNECT_NS);
	return 0;
}

static void established_soon(struct end *e)
{
	e->late_type = FAB_EV_ESTABLISHED;
	if (dice_pct(fabric_net.late_est_pct))
		sched_in(&e->late, dice_log(0, 20 * NSEC_PER_MSEC));
	else
		late_by_time(&e->late);
}

static int accept_conn(struct fab_conn *c, const void *priv, size_t priv_len,
		       unsigned initiator_depth, const void *by)
{
	struct end *e = end_of(c);

	if (e->removed)
		return -ENODEV;
	if (e->state != END_REQUESTED || !e->qp || e->qp->error || priv_len > FAB_PRIVATE_DATA_MAX)
		return -EINVAL;
	if (fabric_call_fails(e, FABRIC_ACCEPT, by)) {
		fabric_cm_gone(e); /* a failing reply rejects by itself */
		e->state = END_DOWN;
		return -EIO;
	}
	if (!has_dreq(e) && !end_peer(e) && dice_below(2))
		return -ECONNRESET;
	if (priv_len)
		memcpy(e->priv, priv, priv_len);
	e->priv_len = priv_len;
	fabric_qp_start(e, min_u32(initiator_depth, e->resources));
	e->state = END_ACCEPTED;
	e->cm_left = fabric_net.cm_tries;
	cm_send(e);
	if (has_dreq(e))
		return 0;
	sched_cancel(&e->cm);
	e->state = END_LIVE;
	established_soon(e);
	return 0;
}

int fabric_accept(struct fab_conn *c, const void *priv, size_t priv_len, unsigned initiator_depth)
{
	int r = accept_conn(c, priv, priv_len, initiator_depth, __builtin_return_address(0));

	end_of(c)->accept_failed = r != 0;
	return r;
}

bool fabric_accept_failed(const struct fab_conn *c)
{
	return end_of(c)->accept_failed;
}

int fabric_reject(struct fab_conn *c, const void *priv, size_t priv_len)
{
	struct end *e = end_of(c);

	if (e->removed)
		return -ENODEV;
	if (e->state != END_REQUESTED || priv_len > FAB_PRIVATE_DATA_MAX)
		return -EINVAL;
	e->state = END_DOWN;
	if (fabric_call_fails(e, FABRIC_REJECT, __builtin_return_address(0)))
		return -EIO;
	if (fabric_watch.rejects)
		fabric_watch.rejects(c);
	if (priv_len)
		memcpy(e->link->rej, priv, priv_len);
	e->link->rej_len = priv_len;
	send_rej(e->link);
	fabric_qp_fail(e);
	return 0;
}

int fabric_disconnect(struct fab_conn *c)
{
	struct end *e = end_of(c);

	if (e->removed)
		return -ENODEV;
	if (fabric_call_fails(e, FABRIC_DISCONNECT, __builtin_return_address(0)))
		return -EIO;
	/* A CM that waits for an acknowledgement may not be able to do anything else. */
	if (has_dreq(e) && e->state == END_ACCEPTED && dice_pct(fabric_net.no_dreq_pct))
		return -EINVAL;
	switch (e->state) {
	case END_ACCEPTED:
	case END_LIVE:
		e->state = END_CLOSING;
		e->fin_due = true;
		sched_cancel(&e->cm);
		sched_in(&e->fin, has_dreq(e) ? SENT_ALL_NS : STREAM_CLOSE_NS);
		if (!e->qp || e->qp->sq_head == e->qp->sq_tail)
			fabric_cm_sent_all(e);
		return 0;
	case END_ASKED:
		(void)fabric_send(e, PKT_DREP);
		timewait(e);
		return 0;
	case END_CONNECTING:
		fabric_down(e, FAB_EV_CONNECT_ERROR, -ECANCELED, true);
		return 0;
	case END_CLOSING:
	case END_DOWN:
		return 0;
	case END_NEW:
	case END_REQUESTED:
		break;
	}
	return -ENOTCONN;
}

/* --- ends --- */

static void send_end(struct end *e, bool reset)
{
	struct pkt *p;

	if (e->fin_sent)
		return;
	e->fin_sent = true;
	if (reset)
		fabric_drop_sent(e);
	p = fabric_send(e, reset ? PKT_RESET : PKT_FIN);
	if (p)
		p->len = ECONNRESET;
}

void fabric_cm_sent_all(struct end *e)
{
	if (!e->fin_due)
		return;
	e->fin_due = false;
	if (!has_dreq(e)) {
		send_end(e, false);
		return;
	}
	sched_cancel(&e->fin);
	e->cm_left = fabric_net.cm_tries;
	cm_send(e);
}

void fabric_down(struct end *e, enum fab_event_type type, int error, bool reset)
{
	if (e->state == END_DOWN)
		return;
	e->state = END_DOWN;
	sched_cancel(&e->cm);
	sched_cancel(&e->fin);
	e->fin_due = false;
	if (!has_dreq(e))
		send_end(e, reset);
	/* Events of a connection keep their order. */
	if (sched_planned(&e->late) && !dice_pct(fabric_net.no_est_pct))
		late(e);
	sched_cancel(&e->late);
	tell_end(e, type, error);
	fabric_qp_fail(e);
}

void fabric_cm_qp_error(struct end *e)
{
	if (has_dreq(e))
		return; /* the peer will notice when it wants something */
	if (e->state == END_LIVE) {
		e->state = END_CLOSING;
		sched_in(&e->fin, STREAM_CLOSE_NS);
	} else if (e->state != END_CLOSING) {
		return;
	}
	e->fin_due = false;
	send_end(e, false);
}

/* What a kernel (or a stream's socket) says for an owner that just goes. */
void fabric_cm_gone(struct end *e)
{
	bool dreq = has_dreq(e);

	switch (e->state) {
	case END_REQUESTED:
	case END_ACCEPTED:
		if (dreq)
			send_rej(e->link);
		else
			send_end(e, true);
		break;
	case END_CONNECTING:
		if (!dreq)
			send_end(e, true);
		break;
	case END_LIVE:
	case END_CLOSING:
		if (dreq)
			fabric_send_surely(e, PKT_DREQ);
		else
			send_end(e, dice_below(4) == 0);
		break;
	case END_ASKED:
		(void)fabric_send(e, PKT_DREP);
		break;
	case END_NEW:
	case END_DOWN:
		break;
	}
	e->state = END_DOWN;
}

/* --- what arrives --- */

static void nobody_listens(struct link *l)
{
	struct pkt *p;

	if (l->f->dreq) {
		send_rej(l);
		return;
	}
	p = fabric_send_to(l, 0, PKT_RESET);
	if (p)
		p->len = ECONNREFUSED;
}

static void on_req(struct link *l, struct pkt *p)
{
	struct flistener *to = fabric_listener_find(l->f, &l->to);
	struct end *e = l->end[1];

	/* Sent again: our answer may have been lost. */
	if (e && e->state == END_ACCEPTED)
		put_priv(fabric_send(e, PKT_REP), e);
	if (l->rejected)
		send_rej(l);
	if (e || l->rejected || l->asked || (l->f->removed && l->f->dreq))
		return;
	e = to && !l->f->removed ? fabric_end_new(l->f, to->w, 1) : NULL;
	if (!e) {
		nobody_listens(l);
		return;
	}
	l->asked = true;
	l->end[1] = e;
	e->link = l;
	e->handler = to->handler;
	e->ctx = to->ctx;
	e->depth = (unsigned)p->va;
	e->resources = p->rkey;
	get_priv(e, p);
	fabric_tell(e, FAB_EV_CONNECT_REQUEST, 0, NULL, e);
	e->asked = to;
}

static void on_rep(struct link *l, struct pkt *p, struct end *e)
{
	if (!e) {
		if (l->f->dreq)
			(void)fabric_send_to(l, 1, PKT_REJ);
		return;
	}
	if (e->state == END_CONNECTING) {
		sched_cancel(&e->cm);
		e->state = END_LIVE;
		get_priv(e, p);
		fabric_qp_start(e, e->depth);
		e->no_rtu |= dice_pct(fabric_net.no_rtu_pct);
		fabric_tell(e, FAB_EV_ESTABLISHED, 0, NULL, e);
	}
	if (!l->f->dreq || e->state != END_LIVE || e->no_rtu)
		return;
	p = fabric_send(e, PKT_RTU);
	if (p && dice_pct(fabric_net.rtu_late_pct))
		sched_at(&p->ev, p->ev.at_ns + dice_log(1000, RTU_LATE_NS));
}

static void on_rtu(struct end *e)
{
	if (!e || e->state != END_ACCEPTED)
		return;
	e->state = END_LIVE;
	sched_cancel(&e->cm);
	fabric_tell(e, FAB_EV_ESTABLISHED, 0, NULL, NULL);
}

static void on_rej(struct pkt *p, struct end *e)
{
	if (!e || (e->state != END_CONNECTING && e->state != END_ACCEPTED))
		return;
	sched_cancel(&e->cm);
	e->state = END_DOWN;
	e->told_end = true;
	get_priv(e, p);
	fabric_tell(e, FAB_EV_REJECTED, -ECONNREFUSED, NULL, e);
	fabric_qp_fail(e);
}

static void on_dreq(struct link *l, unsigned side, struct end *e)
{
	if (!e || (e->state != END_LIVE && e->state != END_ACCEPTED && e->state != END_CLOSING)) {
		/* Nobody is there who could answer, so it is done for him; not while he is asked. */
		if (!e || e->state == END_DOWN)
			(void)fabric_send_to(l, !side, PKT_DREP);
		return;
	}
	e->state = END_ASKED;
	sched_cancel(&e->cm);
	sched_cancel(&e->fin);
	e->fin_due = false;
	tell_end(e, FAB_EV_DISCONNECTED, 0);
}

static void on_drep(struct end *e)
{
	if (!e || e->state != END_CLOSING)
		return;
	timewait(e);
	tell_end(e, FAB_EV_DISCONNECTED, 0);
}

static void on_stream_end(struct end *e, int error)
{
	if (!e || e->state == END_REQUESTED || e->state == END_DOWN)
		return;
	if (e->state == END_CONNECTING)
		fabric_down(e, FAB_EV_CONNECT_ERROR, error ? error : -ECONNRESET, true);
	else
		fabric_down(e, FAB_EV_DISCONNECTED, error, error != 0);
}

void fabric_cm_arrive(struct link *l, struct pkt *p, struct end *e)
{
	switch (p->type) {
	case PKT_REQ:
		on_req(l, p);
		break;
	case PKT_REP:
		on_rep(l, p, e);
		break;
	case PKT_RTU:
		on_rtu(e);
		break;
	case PKT_REJ:
		on_rej(p, e);
		break;
	case PKT_DREQ:
		on_dreq(l, p->to, e);
		break;
	case PKT_DREP:
		on_drep(e);
		break;
	case PKT_FIN:
		on_stream_end(e, 0);
		break;
	default:
		on_stream_end(e, -(int)p->len);
		break;
	}
}

void fabric_cm_traffic(struct end *e)
{
	e->qp->hold = false;
	if (e->state != END_ACCEPTED || e->comm_est || !dice_pct(fabric_net.comm_est_pct))
		return;
	e->comm_est = true;
	if (dice_below(4))
		comm_est(&e->est);
	else
		sched_in(&e->est, dice_log(0, 100 * NSEC_PER_MSEC));
	if (dice_below(2))
		return;
	/* The CM was told, too: it waits for no acknowledgement any more. */
	e->state = END_LIVE;
	sched_cancel(&e->cm);
	if (dice_below(2))
		fabric_tell(e, FAB_EV_ESTABLISHED, 0, NULL, NULL);
}
