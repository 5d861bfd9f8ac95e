/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "storm_conn.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "wire/ddp.h"
#include "wire/mpa.h"
#include "wire/srp_login_rej.h"
#include "wire/srp_login_rsp.h"
#include "wire/srp_logout.h"
#include "wire/srp_rsp.h"

uint64_t conn_now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

static void conn_close(struct conn *c, bool reset)
{
	const struct linger now = { .l_onoff = 1 };

	if (c->fd < 0)
		return;
	if (reset)
		(void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	(void)close(c->fd);
	c->fd = -1;
}

static void end(struct conn *c, enum conn_state state)
{
	conn_close(c, state != CONN_DONE);
	c->state = state;
}

__attribute__((format(printf, 2, 3))) static void fail(struct conn *c, const char *fmt, ...)
{
	va_list ap;

	struct sockaddr_in own = { 0 };
	socklen_t len = sizeof(own);
	int n;

	(void)getsockname(c->fd, (struct sockaddr *)&own, &len);
	n = snprintf(c->text, sizeof(c->text), "from port %u: ", ntohs(own.sin_port));
	va_start(ap, fmt);
	(void)vsnprintf(c->text + n, sizeof(c->text) - (size_t)n, fmt, ap);
	va_end(ap);
	end(c, !c->parsed && conn_now_ns() > c->late_ns ? CONN_LATE : CONN_FAILED);
}

void conn_start(struct conn *c, const struct sockaddr_in *to, unsigned host)
{
	struct sockaddr_in from = { .sin_family = AF_INET };
	const int on = 1;

	c->state = CONN_BUSY;
	c->login = LOGIN_OPEN;
	c->connected = c->t_logout = false;
	c->at = 0;
	c->sent = c->n_in = c->parsed = 0;
	from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + host);
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) ||
	    bind(c->fd, (struct sockaddr *)&from, sizeof(from)) ||
	    (connect(c->fd, (const struct sockaddr *)to, sizeof(*to)) && errno != EINPROGRESS))
		fail(c, "cannot connect: %s", strerrordesc_np(errno));
}

/* --- what comes back --- */

static bool judge_rsp(struct conn *c, struct cur in)
{
	struct srp_login_rsp rsp;
	unsigned result;

	if (srp_login_rsp_decode(&in, &rsp) || rsp.tag != c->plan.tag || rsp.req_lim_delta < 2) {
		fail(c, "no LOGIN_RSP that makes sense");
		return false;
	}
	result = rsp.rsp_flags & SRP_LOGIN_RESULT_MASK;
	/* The first one is alone in its nexus. It may have gone by itself meanwhile: then there was nothing to
	 * take over. */
	if (c->plan.rival ? result == SRP_LOGIN_RESULT_CONTINUE : result != SRP_LOGIN_RESULT_NONE) {
		fail(c, "multi-channel result %u", result);
		return false;
	}
	c->login = LOGIN_ACCEPTED;
	return true;
}

static bool judge_rej(struct conn *c, struct cur in)
{
	struct srp_login_rej rej;

	c->login = LOGIN_REFUSED;
	if (c->plan.expect == EXPECT_REFUSED) {
		if (!cur_left(&in))
			return true;
		fail(c, "private data in a refusal of the MPA request");
		return false;
	}
	if (srp_login_rej_decode(&in, &rej)) {
		fail(c, "refused without a LOGIN_REJ");
		return false;
	}
	if (rej.reason != c->plan.reason) {
		fail(c, "refused with reason 0x%08x instead of 0x%08x", rej.reason, c->plan.reason);
		return false;
	}
	return true;
}

/* A reply has come as a whole. Return: whether it is the right one. */
static bool judge_reply(struct conn *c, const struct mpa_frame *f)
{
	bool refused = f->flags & MPA_R;
	bool may = c->plan.expect == EXPECT_EITHER || c->plan.expect == EXPECT_ANYTHING ||
		   refused == (c->plan.expect == EXPECT_REJ || c->plan.expect == EXPECT_REFUSED);

	if (!may) {
		fail(c, refused ? "refused" : "accepted");
		return false;
	}
	return refused ? judge_rej(c, cur_of(f->priv, f->priv_len))
		       : judge_rsp(c, cur_of(f->priv, f->priv_len));
}

/* Return: 1 it is here, 0 not yet, -1 failed. */
static int take_reply(struct conn *c)
{
	struct cur in = cur_of(c->in, min_size(c->n_in, CONN_IN_MAX));
	struct mpa_frame f;
	int r;

	if (c->parsed)
		return 1;
	r = mpa_frame_decode(&in, true, &f);
	if (r == MPA_E_TRUNCATED)
		return 0;
	if (r) {
		fail(c, "an MPA reply that cannot be decoded (%d)", r);
		return -1;
	}
	c->parsed = in.pos;
	return judge_reply(c, &f) ? 1 : -1;
}

static void take_iu(struct conn *c, const uint8_t *p, size_t n, bool *ret_answered)
{
	struct cur in = cur_of(p, n);
	struct srp_t_logout out;
	struct srp_rsp rsp;
	struct cur again = in;

	if (srp_rsp_decode(&in, &rsp) == 0)
		*ret_answered |= rsp.tag == c->plan.tag;
	else if (srp_t_logout_decode(&again, &out) == 0) {
		c->t_logout = true;
		c->t_logout_reason = out.reason;
	}
}

/* The FPDUs behind the reply. Return: whether the answer to the command was among them. */
static bool take_fpdus(struct conn *c)
{
	size_t have = min_size(c->n_in, CONN_IN_MAX);
	bool answered = false;

	while (c->parsed && have - c->parsed >= FPDU_LEN_LEN) {
		const uint8_t *p = c->in + c->parsed;
		size_t whole = fpdu_len(get_be16(p));
		struct ddp_hdr h;

		if (have - c->parsed < whole || get_be16(p) < DDP_TAGGED_BODY)
			break;
		h = ddp_hdr_get(p);
		if (!(h.ddp_ctl & DDP_CTL_T) && h.qn == DDP_QN_SEND &&
		    h.ulpdu_len >= DDP_UNTAGGED_BODY)
			take_iu(c, p + DDP_UNTAGGED_LEN, h.ulpdu_len - DDP_UNTAGGED_BODY,
				&answered);
		c->parsed += whole;
	}
	return answered;
}

/* Return: 1 bytes came, 0 none now, -1 the end (orderly or by reset). */
static int receive(struct conn *c)
{
	uint8_t sink[4096];
	uint8_t *to = c->n_in < CONN_IN_MAX ? c->in + c->n_in : sink;
	size_t room = c->n_in < CONN_IN_MAX ? CONN_IN_MAX - c->n_in : sizeof(sink);
	ssize_t n = recv(c->fd, to, room, 0);

	if (n > 0) {
		c->n_in += (size_t)n;
		return 1;
	}
	return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

/* --- steps --- */

enum done {
	WAIT,
	NEXT,
	OVER /* the state has changed */
};

static enum done lost(struct conn *c, const char *during)
{
	fail(c, "the connection ended %s (step %u, %zu bytes sent, %zu received)", during, c->at,
	     c->sent, c->n_in);
	return OVER;
}

static enum done do_send(struct conn *c, size_t until)
{
	while (c->sent < until) {
		ssize_t n = send(c->fd, c->plan.out + c->sent, until - c->sent, MSG_NOSIGNAL);

		if (n >= 0)
			c->sent += (size_t)n;
		else if (errno == EAGAIN || errno == EINTR)
			return WAIT;
		/* A login that is refused before its last byte is sent: what comes back tells. */
		else if (c->plan.expect != EXPECT_LIVE)
			return NEXT;
		else
			return lost(c, "while sending");
	}
	return NEXT;
}

static enum done do_reply(struct conn *c)
{
	for (;;) {
		int r = take_reply(c);

		if (r < 0)
			return OVER;
		if (r > 0)
			break;
		r = receive(c);
		if (r < 0)
			return lost(c, "before the reply");
		if (r == 0)
			return WAIT;
	}
	if (c->plan.expect == EXPECT_EITHER && c->login == LOGIN_REFUSED)
		c->at = c->plan.n_steps - 2; /* only its end is left */
	return NEXT;
}

static enum done do_answer(struct conn *c)
{
	while (!take_fpdus(c)) {
		int r = receive(c);

		if (r < 0)
			return lost(c, "before the answer");
		if (r == 0)
			return WAIT;
	}
	return NEXT;
}

static enum done do_read(struct conn *c, size_t until)
{
	while (c->n_in < until) {
		int r = receive(c);

		if (r < 0)
			return lost(c, "before all was read");
		if (r == 0)
			return WAIT;
	}
	return NEXT;
}

static enum done do_end(struct conn *c)
{
	int r;

	while ((r = receive(c)) > 0)
		;
	if (r == 0)
		return WAIT;
	if (c->plan.expect == EXPECT_SILENCE && c->n_in) {
		fail(c, "%zu bytes instead of silence", c->n_in);
		return OVER;
	}
	(void)take_fpdus(c);
	if (c->t_logout && c->t_logout_reason != SRP_LOGOUT_MULTI_CHANNEL) {
		fail(c, "T_LOGOUT with reason %u", c->t_logout_reason);
		return OVER;
	}
	return NEXT;
}

static enum done do_step(struct conn *c, const struct step *s)
{
	switch (s->type) {
	case STEP_SEND:
		return do_send(c, s->arg);
	case STEP_READ:
		return do_read(c, s->arg);
	case STEP_REPLY:
		return do_reply(c);
	case STEP_ANSWER:
		return do_answer(c);
	case STEP_FIN:
		(void)shutdown(c->fd, SHUT_WR);
		return NEXT;
	case STEP_RST:
		conn_close(c, true);
		return NEXT;
	case STEP_CLOSE:
		conn_close(c, false);
		return NEXT;
	case STEP_END:
		return do_end(c);
	case STEP_RIVAL:
		c->state = CONN_WANTS_RIVAL;
		return OVER;
	}
	check_unreachable();
}

static bool is_connected(struct conn *c)
{
	int err = 0;
	socklen_t len = sizeof(err);
	struct sockaddr_in peer;
	socklen_t peer_len = sizeof(peer);

	if (c->connected)
		return true;
	if (getpeername(c->fd, (struct sockaddr *)&peer, &peer_len) == 0) {
		c->connected = true;
		return true;
	}
	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &len) || err)
		fail(c, "cannot connect: %s", strerrordesc_np(err));
	return false;
}

void conn_run(struct conn *c, uint64_t now_ns)
{
	if (c->state != CONN_BUSY)
		return;
	while (is_connected(c) && c->at < c->plan.n_steps) {
		enum done done = do_step(c, &c->plan.step[c->at]);

		if (done == OVER)
			return;
		if (done == WAIT)
			break;
		c->at++;
	}
	if (c->state != CONN_BUSY)
		return;
	if (c->connected && c->at == c->plan.n_steps)
		end(c, CONN_DONE);
	else if (now_ns >= c->deadline_ns)
		fail(c, "stuck in step %u of %u (%zu bytes sent, %zu received)", c->at,
		     c->plan.n_steps, c->sent, c->n_in);
}

void conn_rival_started(struct conn *c)
{
	check(c->state == CONN_WANTS_RIVAL);
	c->state = CONN_BUSY;
	c->at++;
}

bool conn_wants_out(const struct conn *c)
{
	return c->state == CONN_BUSY && (!c->connected || (c->at < c->plan.n_steps &&
							   c->plan.step[c->at].type == STEP_SEND));
}
