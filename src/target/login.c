/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Logins on the control worker: from a connection request to a channel that is being built, and the
 * registry's decisions about it afterwards. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/log.h"
#include "run/worker.h"
#include "target/inject.h"

/* Of struct sockaddr_ib, which is the kernel's and not the C library's. */
#define SOCKADDR_IB_GID 8

void port_text(const struct sockaddr_storage *addr, char *buf, size_t len)
{
	char host[INET6_ADDRSTRLEN] = "?";

	if (addr->ss_family == AF_INET6) {
		const struct sockaddr_in6 *a = (const void *)addr;

		(void)inet_ntop(AF_INET6, &a->sin6_addr, host, sizeof(host));
		(void)snprintf(buf, len, "[%s]:%u", host, ntohs(a->sin6_port));
	} else if (addr->ss_family == AF_IB) {
		(void)inet_ntop(AF_INET6, (const uint8_t *)addr + SOCKADDR_IB_GID, host,
				sizeof(host));
		(void)snprintf(buf, len, "gid %s", host);
	} else {
		const struct sockaddr_in *a = (const void *)addr;

		(void)inet_ntop(AF_INET, &a->sin_addr, host, sizeof(host));
		(void)snprintf(buf, len, "%s:%u", host, ntohs(a->sin_port));
	}
}

static struct port_addr login_addr(const struct sockaddr_storage *addr)
{
	struct port_addr a = { 0 };

	if (addr->ss_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const void *)addr;

		a.len = 16;
		memcpy(a.bytes, &in6->sin6_addr, 16);
	} else if (addr->ss_family == AF_IB) {
		a.len = 16;
		memcpy(a.bytes, (const uint8_t *)addr + SOCKADDR_IB_GID, 16);
	} else {
		const struct sockaddr_in *in = (const void *)addr;

		a.len = 4;
		memcpy(a.bytes, &in->sin_addr, 4);
	}
	return a;
}

static void login_reject(struct tgt *t, struct fab_conn *conn, uint64_t tag, uint32_t reason)
{
	uint8_t iu[SRP_LOGIN_REJ_BYTES];
	struct pen pen = pen_of(iu, sizeof(iu));
	struct srp_login_rej rej = { .tag = tag, .reason = reason, .buf_fmt = LOGIN_BUF_FMT };

	check(srp_login_rej_encode(&rej, &pen) == 0);
	(void)t->ops->reject(conn, iu, sizeof(iu));
	t->ops->destroy(conn);
}

/* The port a login on @l is for; NULL when there is none. One that is disabled listens nowhere, but who finds a
 * listener and knows the name is told so, and may try again. */
static struct tgt_port *login_port(struct tgt *t, const struct tgt_listener *l,
				   const struct srp_port_id *id)
{
	static const struct srp_port_id none;
	bool any = srp_port_id_eq(id, &none);
	struct list *pos;

	list_for_each (pos, &t->ports) {
		struct tgt_port *p =
			container_of(list_entry(pos, struct port, node), struct tgt_port, port);

		if (p->retired)
			continue;
		if (any ? p->default_port && tgt_port_listens(p, l)
			: srp_port_id_eq(id, &p->port.id) &&
				    (tgt_port_listens(p, l) || !p->port.enabled))
			return p;
	}
	return NULL;
}

/* A nexus's SCSI session: made with its first channel. Return: 0 or a reject reason. */
static int login_session(struct tchan *ch, const struct scsi_map_entry *map, unsigned n_map)
{
	struct tgt_port *p = ch->port;
	struct port_nexus *n = ch->pc.nexus;
	struct scsi_port ini = { .protocol = 4, .designator_type = 2, .name_len = 16 };
	struct scsi_port tgt = {
		.protocol = 4, .designator_type = 2, .name_len = 16, .relative_id = p->relative_id
	};
	struct session *s = n->user;

	if (s) {
		ch->session = s;
		return 0;
	}
	s = calloc(1, sizeof(*s));
	if (!s)
		return SRP_REJ_RESOURCES;
	s->port = p;
	s->initiator = ch->initiator;
	s->peer = ch->peer;
	memcpy(ini.name, &ch->initiator, 16);
	memcpy(tgt.name, &p->port.id, 16);
	if (scsi_nexus_init(&s->nexus, &ini, &tgt, map, n_map)) {
		free(s);
		return SRP_REJ_RESOURCES;
	}
	s->nexus.owner = s;
	n->user = s;
	ch->session = s;
	return 0;
}

static void login_closing(struct worker *w, struct worker_msg *m)
{
	struct tchan *ch = container_of(m, struct tchan, to_home_closing);

	(void)w;
	port_closing(&ch->pc);
	event_leave(ch);
	login_drain(ch->port);
}

/* When nothing of a nexus can do anything any more it holds nothing at its units: the next one of its initiator may be
 * about to be admitted. Its entries stay until the fabric has let go of its channels. */
static void login_check_over(struct port_nexus *n)
{
	struct session *s = n->user;

	if (port_nexus_over(n) && scsi_nexus_remap(&s->nexus, NULL, 0) > 0) {
		home_publish_nexus(s);
		home_drain_all(s->port->t); /* it may have kept others waiting */
	}
}

static void login_quiet(struct worker *w, struct worker_msg *m)
{
	struct tchan *ch = container_of(m, struct tchan, to_home_quiet);

	(void)w;
	port_quiet(&ch->pc);
	login_check_over(ch->pc.nexus);
	login_drain(ch->port);
}

static void login_ready(struct worker *w, struct worker_msg *m)
{
	struct tchan *ch = container_of(m, struct tchan, to_home_ready);

	(void)w;
	port_admit(&ch->pc);
	login_drain(ch->port);
}

static void session_free(struct session *s)
{
	if (!s)
		return;
	scsi_nexus_deinit(&s->nexus);
	home_drain_all(s->port->t); /* it may have kept others waiting */
	free(s);
}

/* Forget a channel in the registry: it has gone, or could not be built. */
static void login_leave(struct tchan *ch)
{
	struct port_nexus *n = ch->pc.nexus;
	void *user;

	if (port_release(&ch->pc, &user) & PORT_NEXUS_ENDED)
		session_free(user);
	else
		login_check_over(n);
	list_del(&ch->home_node);
	ch->t->n_chans--;
}

void login_free(struct tchan *ch)
{
	/* What home posted to the worker before arrives before this. */
	ch->to_free.run = channel_free;
	worker_post(ch->tw->w, &ch->to_free);
}

static void login_release(struct worker *w, struct worker_msg *m)
{
	struct tchan *ch = container_of(m, struct tchan, to_home_release);
	struct tgt_port *p = ch->port;
	struct tgt *t = ch->t;

	(void)w;
	ch->ended = true;
	event_leave(ch);
	login_leave(ch);
	login_drain(p);
	/* A view that is under way is answered by the worker, so the memory must last until then. */
	if (ch->view_posted)
		t->n_viewing++;
	else
		login_free(ch);
	home_view_check(t);
	login_check_ended(p);
}

void login_drain(struct tgt_port *p)
{
	static void (*const how[])(struct worker *, struct worker_msg *) = {
		[PORT_CLOSE_EVICTED] = channel_close_evicted,
		[PORT_CLOSE_DISABLED] = channel_close_disabled,
		[PORT_CLOSE_SESSION] = channel_close_session,
	};
	struct port_chan *pc;

	while ((pc = port_next_close(&p->port))) {
		struct tchan *ch = container_of(pc, struct tchan, pc);
		enum port_close why = pc->close;

		if (why == PORT_KEEP || ch->close_posted[why])
			continue;
		ch->close_posted[why] = true;
		ch->to_close[why].run = how[why];
		worker_post(ch->tw->w, &ch->to_close[why]);
	}
	while ((pc = port_next_limit(&p->port))) {
		struct tchan *ch = container_of(pc, struct tchan, pc);

		/* Before its admission it has no view yet, and gets the limit with the first. */
		if (pc->admission_decided)
			home_publish(ch);
	}
	while ((pc = port_next_admission(&p->port))) {
		struct tchan *ch = container_of(pc, struct tchan, pc);

		if (!pc->reject) {
			p->logins++;
			home_publish(ch);
			event_check(ch->session); /* it may be the first that takes reports */
		} else {
			p->rejects++;
		}
		ch->to_admission.run = channel_admission;
		worker_post(ch->tw->w, &ch->to_admission);
	}
}

static struct tchan *login_channel(struct tgt_port *p, struct fab_conn *conn,
				   const struct srp_login_req *req,
				   const struct sockaddr_storage *peer)
{
	struct tgt *t = p->t;
	struct tchan *ch = calloc(1, sizeof(*ch));
	char text[64];

	if (!ch)
		return NULL;
	ch->t = t;
	ch->port = p;
	ch->conn = conn;
	ch->initiator = req->initiator;
	ch->login_tag = req->tag;
	ch->peer = *peer;
	ch->id = ++t->next_id;
	ch->credits = p->limits.credits;
	port_text(peer, text, sizeof(text));
	(void)snprintf(ch->name, sizeof(ch->name), "channel %u (%s)", ch->id, text);
	ch->tw = &t->tw[t->next_worker++ % t->n_workers];
	ch->to_home_ready.run = login_ready;
	ch->to_home_closing.run = login_closing;
	ch->to_home_quiet.run = login_quiet;
	ch->to_home_release.run = login_release;
	ch->to_home_view.run = home_view_acked;
	ch->to_home_abort.run = home_abort_all;
	list_init(&ch->waiting);
	list_init(&ch->lost_tmfs);
	ch->to_home_reported.run = event_reported;
	return ch;
}

/* INV-25: a port that was retired may have had @p's identifier, and commands of this very nexus under way. */
static bool login_works_elsewhere(const struct tgt_port *p, const struct port_login *login)
{
	struct list *pos;

	list_for_each (pos, &p->t->ports) {
		const struct port *other = list_entry(pos, struct port, node);

		if (other != &p->port && srp_port_id_eq(&other->id, &p->port.id) &&
		    port_works(other, login))
			return true;
	}
	return false;
}

/* What is known of a login that was found in order. */
struct login_ok {
	struct srp_login_req req;
	struct login_result res;
	struct sockaddr_storage peer;
	struct scsi_map_entry map[SCSI_LUN_COUNT]; /* what this initiator sees */
	unsigned n_map;
};

/* The second half of a login: everything that needs memory. Return: 0 or a reject reason. */
static int login_admit(struct tgt_port *p, struct fab_conn *conn, const struct login_ok *ok)
{
	struct tgt *t = p->t;
	struct tchan *ch = login_channel(p, conn, &ok->req, &ok->peer);
	struct port_login login = { .initiator = ok->req.initiator,
				    .target = p->port.id,
				    .addr = login_addr(&ok->peer),
				    .single = ok->res.single };
	int r;

	if (!ch)
		return SRP_REJ_RESOURCES;
	ch->login = ok->res;
	login.bytes = channel_bytes(ch);
	r = login_works_elsewhere(p, &login) ? SRP_REJ_RESOURCES
					     : port_login(&p->port, &ch->pc, &login);
	if (r) {
		free(ch);
		return r;
	}
	ch->login_limit = ch->pc.limit;
	list_push(&t->chans, &ch->home_node);
	t->n_chans++;
	r = login_session(ch, ok->map, ok->n_map);
	if (r) {
		login_leave(ch);
		free(ch);
		login_drain(p);
		return r;
	}
	ch->to_build.run = channel_build;
	t->ops->set_handler(conn, &channel_handler, ch);
	t->ops->migrate(conn, ch->tw->w);
	worker_post(ch->tw->w, &ch->to_build);
	login_drain(p);
	return 0;
}

/* The longest IU that @p (NULL: no port in particular) takes. */
static uint32_t login_max_it_iu(const struct tgt_port *p)
{
	uint32_t immediate = p ? TGT_IMM_LEAD + p->limits.max_immediate : 0;

	return immediate > TGT_IT_IU_LEAST ? immediate : TGT_IT_IU_LEAST;
}

/* Whoever tries too often is not even looked at. */
static bool login_too_often(struct tgt *t, const struct sockaddr_storage *peer)
{
	struct port_addr addr = login_addr(peer);

	return !login_rate_take(&t->rate, &addr, worker_now_ns(tgt_home(t)));
}

static void login_request(struct fab_conn *conn, const struct fab_event *ev, struct tgt_listener *l)
{
	struct tgt *t = l->t;
	struct cur in = cur_of(ev->priv, ev->priv_len);
	struct login_params par;
	struct login_ok ok;
	struct tgt_port *p;
	char from[64];
	int n_map = -1;
	int r;

	t->ops->peer_addr(conn, &ok.peer);
	port_text(&ok.peer, from, sizeof(from));
	if (login_too_often(t, &ok.peer)) {
		log_warn("login from %s: too many logins of this address, rejected", from);
		login_reject(t, conn, 0, SRP_REJ_RESOURCES);
		return;
	}
	/* Which form it is, the way it came says; on InfiniBand the length says nothing. */
	r = ok.peer.ss_family == AF_IB ? srp_login_req_ib_decode(&in, &ok.req)
				       : srp_login_req_cm_decode(&in, &ok.req);
	if (r) {
		log_warn("login from %s: no LOGIN_REQ in %zu bytes of private data (%s), rejected",
			 from, ev->priv_len, srp_e_text(r));
		login_reject(t, conn, 0, SRP_REJ_UNSPECIFIED);
		return;
	}
	p = login_port(t, l, &ok.req.target);
	if (p)
		n_map = p->acl(p->acl_ctx, &ok.req.initiator, (const struct sockaddr *)&ok.peer,
			       ok.map, SCSI_LUN_COUNT);
	par = (struct login_params){ .target = p ? p->port.id
						 : (struct srp_port_id){ .ext = { 0xff } },
				     .any_target = p && p->default_port,
				     .enabled = p && p->port.enabled && !t->stopping,
				     .acl_ok = n_map >= 0,
				     .multi_channel = p && !p->limits.single_channel,
				     .immediate = p && p->limits.max_immediate,
				     .max_it_iu_len = login_max_it_iu(p),
				     .max_ti_iu_len = TGT_MAX_TI_IU };
	r = login_check(&ok.req, &par, &ok.res);
	if (!r)
		r = (int)inject_login(p, &ok.req.initiator);
	if (!r) {
		check(p && n_map >= 0); /* only a known port's list says acl_ok */
		ok.n_map = (unsigned)n_map;
		r = login_admit(p, conn, &ok);
	} else if (p) {
		p->rejects++;
	}
	if (r) {
		log_warn("login from %s to %s: %s, rejected with reason 0x%08x", from,
			 p ? p->name : "no target of ours", login_why(r), (unsigned)r);
		login_reject(t, conn, ok.req.tag, (uint32_t)r);
	}
}

static void login_event(struct fab_conn *conn, const struct fab_event *ev)
{
	struct tgt_listener *l = conn->fab->ops->ctx(conn);

	if (ev->type == FAB_EV_CONNECT_REQUEST)
		login_request(conn, ev, l);
	else /* it ended before we answered */
		conn->fab->ops->destroy(conn);
}

const struct fab_handler login_handler = { .event = login_event };

void login_check_ended(struct tgt_port *p)
{
	struct tgt *t = p->t;

	if (p->retired && !p->port.n_chans) {
		list_del(&p->port.node);
		port_deinit(&p->port);
		free(p->pool);
		free(p);
	}
	login_check_stopped(t);
}

void login_check_stopped(struct tgt *t)
{
	if (t->stopping && !t->n_chans && !t->n_viewing && !t->n_saving && !t->n_erasing &&
	    !t->n_flushing && !t->n_fenced && t->stopped) {
		void (*stopped)(void *ctx) = t->stopped;

		t->stopped = NULL;
		worker_timer_stop(tgt_home(t), &t->force);
		stopped(t->stopped_ctx);
	}
}
