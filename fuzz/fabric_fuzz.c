/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The seam, over real sockets: one passive connection whose user does anything the seam allows, in any order and
 * also from inside its handlers, and a peer that is a queue pair of ours, or raw bytes, or gone. Checked: the
 * contract of fabric/fabric.h: each request completes once and in order, flushed ones in the end; no event or
 * completion after destroy, no completion after qp_destroy; events come once and in their order; buffers rest
 * after they came back; and nothing is left: no connection, no descriptor.
 *
 * Input: options (bits 0-1 how the peer asks, bit 2 its CRC, bits 4-7 what a handler does), then events: a
 * byte (bits 0-4 what, 5-7 a small number) and an argument byte.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "fabric/iwarp/fi.h"
#include "fuzz.h"

#define DEPTH   8u
#define BUF_LEN 512u

struct user_buf {
	uint8_t *p;
	bool posted;
};

/* What the user of the seam knows. */
struct user {
	struct fab_conn *c; /* NULL: none yet, or destroyed */
	bool requested, qp, qp_gone, answered, rejected, in_handler;
	unsigned n_ev[FAB_EV_COUNT];
	struct user_buf sbuf[DEPTH], rbuf[DEPTH];
	uint64_t sq_posted, sq_back, rq_posted, rq_back;
	bool signaled[DEPTH];
	bool failed; /* a send-queue completion was not OK */
	struct fab_mr mr;
	bool have_mr;
	uint8_t *region;
	unsigned react; /* what the next handler does, once */
};

struct peer {
	int fd;
	struct iw_qp qp;
	void *mem;
	bool live; /* the reply has been taken off the stream */
	uint8_t buf[64];
	uint8_t recv[4][BUF_LEN];
};

static struct worker *w;
static struct fab *fab;
static struct fab_listener *listener;
static struct sockaddr_storage addr;
static struct user u;
static struct peer peer;

/* --- the user --- */

static void buf_take(struct user_buf *b)
{
	check(!b->posted);
	for (unsigned i = 0; b->p && i < BUF_LEN; i++)
		check(b->p[i] == 0xee); /* it has been ours since it came back */
	if (!b->p)
		b->p = malloc(BUF_LEN);
	check(b->p);
	memset(b->p, 0x44, BUF_LEN);
	b->posted = true;
}

static void buf_back(struct user_buf *b)
{
	check(b->posted);
	b->posted = false;
	memset(b->p, 0xee, BUF_LEN);
}

/* The queue pair has gone: all buffers are the user's again, without a word. */
static void forget_posted(void)
{
	u.qp = false;
	u.qp_gone = true;
	u.have_mr = false;
	for (unsigned i = 0; i < DEPTH; i++) {
		if (u.sbuf[i].posted)
			buf_back(&u.sbuf[i]);
		if (u.rbuf[i].posted)
			buf_back(&u.rbuf[i]);
	}
	u.sq_back = u.sq_posted;
	u.rq_back = u.rq_posted;
}

static void do_destroy(void)
{
	struct fab_conn *c = u.c;

	u.c = NULL;
	fab->ops->destroy(c);
	forget_posted();
}

static void do_qp_destroy(void)
{
	fab->ops->qp_destroy(u.c);
	if (u.qp)
		forget_posted();
}

static void post_recv(void)
{
	struct user_buf *b = &u.rbuf[u.rq_posted % DEPTH];

	if (!u.qp || u.rq_posted - u.rq_back == DEPTH)
		return;
	buf_take(b);
	check(fab->ops->post_recv(u.c, u.rq_posted, b->p, BUF_LEN) == 0);
	u.rq_posted++;
}

/* Those in front of @until that nobody wants to hear of have completed. */
static void silent_back(uint64_t until)
{
	while (u.sq_back < until) {
		check(!u.signaled[u.sq_back % DEPTH]);
		buf_back(&u.sbuf[u.sq_back++ % DEPTH]);
	}
}

static void post_send(unsigned arg, unsigned small)
{
	struct user_buf *b = &u.sbuf[u.sq_posted % DEPTH];
	struct fab_sge sge = { .len = arg * 2 };
	struct fab_wr wr = { .wr_id = u.sq_posted,
			     .op = (enum fab_wr_op)(small & 3),
			     .flags = FAB_WR_SIGNALED,
			     .n_sge = (small & 3) == FAB_WR_MARKER ? 0 : 1,
			     .remote_va = (uintptr_t)peer.buf,
			     .rkey = arg & 1 ? 0x001 : 0x4711,
			     .sge = &sge };
	int r;

	if (!u.qp || u.sq_posted - u.sq_back == DEPTH)
		return;
	if (small & 4 && wr.op != FAB_WR_MARKER)
		wr.flags = 0;
	buf_take(b);
	sge.addr = b->p;
	r = fab->ops->post_send(u.c, &wr, 1);
	check(r == 0 || r == -EINVAL ||
	      r == -ENOMEM); /* a READ none may be outstanding of; silent ones */
	if (r) {
		buf_back(b);
		return;
	}
	u.signaled[u.sq_posted++ % DEPTH] = wr.flags != 0;
}

static void do_mr(unsigned arg)
{
	int r;

	if (!u.qp)
		return;
	if (u.have_mr) {
		fab->ops->mr_dereg(u.c, &u.mr);
		u.have_mr = false;
		return;
	}
	r = fab->ops->mr_reg(u.c, u.region, BUF_LEN,
			     arg & 1 ? FAB_ACCESS_REMOTE_READ : FAB_ACCESS_REMOTE_WRITE, &u.mr);
	check(r == 0);
	u.have_mr = true;
}

static void do_qp_create(unsigned arg)
{
	struct fab_qp_attr a = { .sq_depth = DEPTH,
				 .rq_depth = DEPTH,
				 .max_sge = 1,
				 .max_rd_atomic = arg & 3,
				 .max_dest_rd_atomic = arg >> 2 & 3 };

	if (u.qp || u.qp_gone || u.answered)
		return;
	check(fab->ops->qp_create(u.c, &a) == 0);
	u.qp = true;
}

static void do_accept(void)
{
	static const uint8_t priv[52] = { 0xc0 };

	if (u.answered || !u.qp)
		return;
	/* It may fail: the peer has gone, or the queue pair is in error. Then only the end is left. */
	(void)fab->ops->accept(u.c, priv, sizeof(priv), 4);
	u.answered = true;
}

static void do_reject(void)
{
	static const uint8_t priv[32] = { 0xc2 };

	if (u.answered)
		return;
	(void)fab->ops->reject(u.c, priv, sizeof(priv));
	u.answered = u.rejected = true;
}

/* What a handler does, besides listening. */
static void react(void)
{
	unsigned how = u.react;

	u.react = 0;
	if (!u.c)
		return;
	switch (how) {
	case 1:
		do_destroy();
		break;
	case 2:
		do_qp_destroy();
		break;
	case 3:
		fab->ops->qp_error(u.c);
		break;
	case 4:
		(void)fab->ops->disconnect(u.c);
		break;
	case 5:
		post_send(7, 0);
		post_recv();
		break;
	case 6:
		post_send(0, 3);
		fab->ops->qp_error(u.c);
		post_recv();
		break;
	default:
		break;
	}
}

static void on_event(struct fab_conn *c, const struct fab_event *ev)
{
	check(c == u.c && !u.in_handler);
	check(ev->type == FAB_EV_ESTABLISHED || ev->type == FAB_EV_DISCONNECTED ||
	      ev->type == FAB_EV_QP_FATAL);
	check(u.n_ev[ev->type]++ == 0);
	check(ev->type == FAB_EV_DISCONNECTED || !u.n_ev[FAB_EV_DISCONNECTED]);
	check(u.answered && !u.rejected);
	u.in_handler = true;
	react();
	u.in_handler = false;
}

static void on_one(const struct fab_wc *wc)
{
	if (wc->op == FAB_WC_RECV) {
		check(wc->wr_id == u.rq_back && u.rq_back < u.rq_posted);
		check(wc->byte_len <= BUF_LEN);
		buf_back(&u.rbuf[u.rq_back++ % DEPTH]);
		return;
	}
	silent_back(wc->wr_id);
	check(wc->wr_id == u.sq_back && u.sq_back < u.sq_posted);
	check(wc->status != FAB_WC_OK || (u.signaled[wc->wr_id % DEPTH] && !u.failed));
	check(wc->status == FAB_WC_FLUSHED || !u.failed);
	u.failed |= wc->status != FAB_WC_OK;
	buf_back(&u.sbuf[u.sq_back++ % DEPTH]);
}

static void on_complete(struct fab_conn *c, const struct fab_wc *wc, unsigned n)
{
	check(c == u.c && u.qp && n >= 1 && n <= 64 && !u.in_handler);
	u.in_handler = true;
	for (unsigned i = 0; i < n && u.qp; i++) {
		on_one(&wc[i]);
		if (i == 0)
			react();
	}
	u.in_handler = false;
}

static const struct fab_handler handler = { .event = on_event, .complete = on_complete };

static void on_request(struct fab_conn *c, const struct fab_event *ev)
{
	check(ev->type == FAB_EV_CONNECT_REQUEST && !u.requested);
	check(ev->priv_len <= MPA_PRIV_MAX);
	u.requested = true;
	u.c = c;
	fab->ops->set_handler(c, &handler, &u);
	check(fab->ops->ctx(c) == &u && fab->ops->worker(c) == w);
}

static const struct fab_handler request_handler = { .event = on_request };

/* --- the peer --- */

static void peer_request(unsigned how, bool crc)
{
	uint8_t out[MPA_FRAME_MAX];
	struct pen pen = pen_of(out, sizeof(out));
	const struct iw_mpa_cfg cfg = { .crc = crc,
					.ird = 4,
					.ord = 4,
					.rev = how == 1 ? 1 : 2,
					.rtr_kinds = how == 2 ? 0xe : 0 };
	struct mpa_frame f;

	iw_mpa_request_frame(&cfg, "hello", 5, &f);
	mpa_frame_encode(&pen, &f);
	check(!pen.bad);
	(void)send(peer.fd, out, pen.pos, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static bool peer_begin(unsigned how, bool crc)
{
	const struct iw_qp_attr attr = { .sq_depth = DEPTH,
					 .rq_depth = 4,
					 .max_sge = 1,
					 .ord = 4,
					 .ird = 4,
					 .n_stags = 1,
					 .crc = crc,
					 .rtr = how == 2 ? MPA_RTR_WRITE : MPA_RTR_NONE,
					 .max_payload = 128 };
	size_t n = iw_qp_mem_size(&attr);
	uint32_t rkey;
	unsigned slot;

	peer.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (peer.fd < 0)
		return false;
	if (connect(peer.fd, (struct sockaddr *)&addr, sizeof(struct sockaddr_in))) {
		(void)close(peer.fd);
		return false;
	}
	peer.mem = malloc(n);
	check(peer.mem && iw_qp_init(&peer.qp, &attr, peer.mem, n) == 0);
	check(iw_stag_add(&peer.qp, peer.buf, sizeof(peer.buf),
			  IW_ACCESS_REMOTE_READ | IW_ACCESS_REMOTE_WRITE, &rkey, &slot) == 0);
	check(rkey == 0x001);
	for (unsigned i = 0; i < 4; i++)
		check(iw_post_recv(&peer.qp, i, peer.recv[i], BUF_LEN) == 0);
	peer.live = false;
	if (how != 3)
		peer_request(how, crc);
	return true;
}

static void peer_end(bool reset)
{
	const struct linger now = { .l_onoff = 1 };

	if (peer.fd < 0)
		return;
	if (reset)
		(void)setsockopt(peer.fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	(void)close(peer.fd);
	peer.fd = -1;
}

/* The honest one: take what is there, send what there is. */
static void peer_pump(void)
{
	uint8_t buf[4096];
	struct iovec iov[8];
	struct iw_wc wc[8];
	size_t at = 0;
	size_t bytes;
	ssize_t n;

	if (peer.fd < 0)
		return;
	n = recv(peer.fd, buf, sizeof(buf), MSG_DONTWAIT);
	if (n > 0 && !peer.live) {
		struct cur in = cur_of(buf, (size_t)n);
		struct mpa_frame f;

		if (mpa_frame_decode(&in, true, &f))
			return;
		at = in.pos;
		peer.live = true;
	}
	if (n > 0 && peer.live)
		(void)iw_rx(&peer.qp, 0, buf + at, (size_t)n - at);
	while (peer.live && iw_tx(&peer.qp, iov, 1, 1024, &bytes)) {
		n = send(peer.fd, iov[0].iov_base, iov[0].iov_len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n <= 0)
			break;
		iw_tx_done(&peer.qp, (size_t)n);
	}
	while (iw_poll(&peer.qp, wc, 8))
		;
}

static void peer_post(unsigned arg, unsigned small)
{
	struct iw_sge sge = { peer.buf, arg % sizeof(peer.buf) };
	struct iw_wr wr = { .op = (enum iw_wr_op)(small & 3),
			    .remote_va = (uintptr_t)u.region + (small & 4 ? 1000 : 0),
			    .rkey = u.have_mr ? u.mr.rkey : 5,
			    .n_sge = (small & 3) == IW_WR_MARKER ? 0 : 1,
			    .sge = &sge };

	(void)iw_post_send(&peer.qp, &wr);
	(void)iw_post_recv(&peer.qp, 0, peer.recv[small & 3], BUF_LEN);
}

static void peer_garbage(struct cur *in, unsigned n)
{
	size_t k = min_size(n, cur_left(in));
	const uint8_t *p = cur_take(in, k);

	if (peer.fd >= 0 && k)
		(void)send(peer.fd, p, k, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* --- events --- */

static void round_once(void)
{
	check(worker_run_once(w, 0) == 0);
}

static void user_event(unsigned what, unsigned arg, unsigned small)
{
	if (!u.c)
		return;
	switch (what) {
	case 0:
		do_qp_create(arg);
		break;
	case 1:
		do_accept();
		break;
	case 2:
		if (arg > 0xf0)
			do_reject();
		break;
	case 3:
	case 4:
		post_send(arg & 0xff, small);
		break;
	case 5:
		post_recv();
		break;
	case 6:
		do_mr(arg);
		break;
	case 7:
		if (!u.rejected)
			(void)fab->ops->disconnect(u.c);
		break;
	case 8:
		fab->ops->qp_error(u.c);
		break;
	case 9:
		if (arg > 0xe0)
			do_qp_destroy();
		break;
	case 10:
		if (arg > 0xe0)
			do_destroy();
		break;
	default:
		u.react = small;
	}
}

static void happen(struct cur *in, uint8_t what, uint8_t arg)
{
	unsigned small = what >> 5;

	switch (what & 31) {
	case 12:
	case 13:
	case 14:
	case 15:
	case 16:
		round_once();
		break;
	case 17:
	case 18:
	case 19:
		peer_pump();
		break;
	case 20:
	case 21:
		peer_post(arg, small);
		break;
	case 22:
		peer_garbage(in, arg);
		break;
	case 23:
		if (peer.fd >= 0)
			(void)shutdown(peer.fd, SHUT_WR);
		break;
	case 24:
		peer_end(arg & 1);
		break;
	case 25: /* all of it */
		for (unsigned i = 0; i < 4; i++) {
			round_once();
			peer_pump();
		}
		break;
	default:
		user_event(what & 31, arg, small);
	}
}

/* The peer goes: everything posted comes back, the end is told, and after destroy nothing is left. */
static void finish(void)
{
	struct fi *fi = fi_of(fab);
	uint64_t end_ns = worker_clock_ns() + 3 * NSEC_PER_SEC;

	u.react = 0;
	peer_end(true);
	for (unsigned i = 0; i < 12; i++)
		round_once();
	if (u.c && u.answered && !u.rejected && u.n_ev[FAB_EV_ESTABLISHED])
		check(u.n_ev[FAB_EV_DISCONNECTED]);
	if (u.c && u.qp && (u.rejected || u.n_ev[FAB_EV_DISCONNECTED])) {
		fab->ops->qp_error(u.c);
		for (unsigned i = 0; i < 4; i++)
			round_once();
		check(u.rq_back == u.rq_posted);
		silent_back(u.sq_posted);
	}
	if (u.c)
		do_destroy();
	while (atomic_load(&fi->n_conns) && worker_clock_ns() < end_ns)
		check(worker_run_once(w, NSEC_PER_MSEC) == 0);
	check(!atomic_load(&fi->n_conns) && !atomic_load(&fi->n_halves));
	for (unsigned i = 0; i < DEPTH; i++) {
		check(!u.sbuf[i].posted && !u.rbuf[i].posted);
		free(u.sbuf[i].p);
		free(u.rbuf[i].p);
	}
	free(u.region);
	free(peer.mem);
}

/* Sockets of this process: whoever runs us has files of its own, which come and go. */
static unsigned open_sockets(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 64; fd++) {
		struct stat st;

		n += fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
	}
	return n;
}

static void no_log(enum log_level level, const char *line, size_t len)
{
	(void)level;
	check(line && len);
}

/* Once, for all inputs. False: this machine has no io_uring. */
static bool set_up(void)
{
	const struct fab_iwarp_opts opts = { .limits = { .handshakes_per_peer = 64 },
					     .batch_bytes = 8192,
					     .direct_threshold = 64,
					     .n_stags = 1,
					     .max_payload = 128 };
	struct sockaddr_in any = { .sin_family = AF_INET };

	if (listener)
		return true;
	any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	log_set_sink(no_log);
	if (worker_new(&w, 0, NULL))
		return false;
	check(fab_iwarp_new(&fab, &opts) == 0);
	check(fab->ops->listen(&listener, fab, w, (struct sockaddr *)&any, sizeof(any),
			       &request_handler, NULL) == 0);
	fab->ops->listener_addr(listener, &addr);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct cur in = cur_of(data, len);
	uint8_t opt = cur_u8(&in);
	unsigned before;

	if (!set_up())
		return 0;
	before = open_sockets();
	memset(&u, 0, sizeof(u));
	if (!peer_begin(opt & 3, opt & 4))
		return 0;
	u.react = opt >> 4;
	u.region = calloc(1, BUF_LEN);
	check(u.region);
	for (unsigned i = 0; i < 3; i++)
		round_once();
	for (unsigned i = 0; i < 200 && cur_left(&in) >= 2; i++) {
		uint8_t what = cur_u8(&in);

		happen(&in, what, cur_u8(&in));
	}
	finish();
	check(open_sockets() == before);
	return 0;
}
