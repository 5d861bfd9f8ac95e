/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "fabric/fabric_cases.h"

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/prng.h"

#define BIG_LEN (4u << 20)

static const struct fab_qp_attr attr = { .sq_depth = 64,
					 .rq_depth = 64,
					 .max_sge = 8,
					 .max_rd_atomic = 4,
					 .max_dest_rd_atomic = 4 };

/* The cases take these from the runner. */
static rig_make_fn *make;
static unsigned flags;
static unsigned n_workers = 1;
static struct rig rig;
static struct ep a;
static struct ep b;

static void start(void)
{
	rig_start(&rig, make, NULL, n_workers, AF_INET);
}

static void finish(void)
{
	ep_destroy(&a);
	ep_destroy(&b);
	rig_stop(&rig);
}

static void pair(void)
{
	start();
	ep_pair(&rig, &a, &b, &attr, &attr);
}

static void fill(uint8_t *p, size_t len, uint64_t seed)
{
	struct prng r = prng_of(seed);
	size_t i;

	for (i = 0; i < len; i++)
		p[i] = (uint8_t)prng_u64(&r);
}

/* Private data arrive as they were sent, maybe with zeroes behind them. */
static void expect_priv(const struct ep_event *ev, const void *priv, size_t len)
{
	assert_true(ev->priv_len >= len && ev->priv_len <= FAB_PRIVATE_DATA_MAX);
	assert_memory_equal(ev->priv, priv, len);
	assert_true(mem_is_zero(ev->priv + len, ev->priv_len - len));
}

/* Completion @i of @e is this one. */
static void expect_wc(struct ep *e, unsigned i, uint64_t wr_id, enum fab_wc_op op,
		      enum fab_wc_status status)
{
	ep_wait_wcs(e, i + 1);
	assert_int_equal(e->wc[i].wr_id, wr_id);
	assert_int_equal(e->wc[i].op, op);
	assert_int_equal(e->wc[i].status, status);
}

/* --- set-up --- */

static void connect_accept(void **state)
{
	uint8_t priv[FAB_PRIVATE_DATA_MAX];
	struct ep_event ev;

	(void)state;
	start();
	fill(priv, sizeof(priv), 1);
	ep_open(&a, &rig, &attr);
	ep_init(&b, &rig, rig.w[n_workers - 1]);
	atomic_store(&rig.next, &b);
	assert_int_equal(ep_connect(&a, priv, rig.f->ops->request_priv_max), 0);
	ev = ep_wait_event(&b, FAB_EV_CONNECT_REQUEST);
	expect_priv(&ev, priv, rig.f->ops->request_priv_max);
	assert_int_equal(ev.initiator_depth, 4);
	assert_int_equal(ev.responder_resources, 4);
	/* No answer without a queue pair, none too long, not two. */
	assert_int_equal(ep_accept(&b, NULL, 0, 4), -EINVAL);
	assert_int_equal(ep_qp(&b, &attr), 0);
	assert_int_equal(ep_qp(&b, &attr), -EINVAL);
	assert_int_equal(ep_accept(&b, priv, sizeof(priv) + 1, 4), -EINVAL);
	fill(priv, sizeof(priv), 2);
	assert_int_equal(ep_accept(&b, priv, sizeof(priv), 4), 0);
	assert_int_equal(ep_accept(&b, priv, 1, 4), -EINVAL);
	ev = ep_wait_event(&a, FAB_EV_ESTABLISHED);
	expect_priv(&ev, priv, sizeof(priv));
	(void)ep_wait_event(&b, FAB_EV_ESTABLISHED);
	assert_int_equal(ep_n_evs(&a), 1);
	assert_int_equal(ep_n_evs(&b), 2);
	finish();
}

static void reject_with_reason(void **state)
{
	struct ep_event ev;

	(void)state;
	start();
	ep_open(&a, &rig, &attr);
	ep_init(&b, &rig, rig.w[n_workers - 1]);
	atomic_store(&rig.next, &b);
	assert_int_equal(ep_connect(&a, NULL, 0), 0);
	ev = ep_wait_event(&b, FAB_EV_CONNECT_REQUEST);
	expect_priv(&ev, "", 0);
	assert_int_equal(ep_reject(&b, "because", 7), 0);
	assert_int_equal(ep_accept(&b, NULL, 0, 4), -EINVAL);
	ep_destroy(&b); /* at once: the peer gets to read the reason all the same */
	ev = ep_wait_event(&a, FAB_EV_REJECTED);
	expect_priv(&ev, "because", 7);
	rig_pass(&rig, 5);
	assert_int_equal(ep_n_evs(&a), 1);
	ep_destroy(&a);
	rig_stop(&rig);
}

static void nobody_listens(void **state)
{
	(void)state;
	start();
	rig_unlisten(&rig);
	rig_pass(&rig, 5);
	ep_open(&a, &rig, &attr);
	assert_int_equal(ep_connect(&a, NULL, 0), 0);
	assert_int_equal(ep_wait_event(&a, FAB_EV_CONNECT_ERROR).error, -ECONNREFUSED);
	ep_destroy(&a);
	rig_stop(&rig);
}

static int do_second_listener(struct ep *e, void *arg)
{
	struct fab_listener *l = NULL;

	(void)e;
	(void)arg;
	return rig.f->ops->listen(&l, rig.f, rig.w[0], (struct sockaddr *)&rig.addr,
				  sizeof(struct sockaddr_in), &ep_handler, NULL);
}

static void address_in_use(void **state)
{
	(void)state;
	start();
	assert_int_equal(rig_do_on(&rig, rig.w[0], do_second_listener, NULL, NULL), -EADDRINUSE);
	rig_stop(&rig);
}

static void connections_are_limited(void **state)
{
	struct fab_limits limits = { .max_conns = 2 };
	struct fab_conn *c;

	(void)state;
	rig_start(&rig, make, &limits, 1, AF_INET);
	ep_pair(&rig, &a, &b, &attr, &attr);
	assert_int_equal(rig.f->ops->conn_new(&c, rig.f, rig.w[0], &ep_handler, NULL), -EMFILE);
	ep_destroy(&b);
	rig_pass(&rig, 5);
	ep_open(&b, &rig, &attr);
	finish();
}

static void ipv6(void **state)
{
	(void)state;
	rig_start(&rig, make, NULL, n_workers, AF_INET6);
	ep_pair(&rig, &a, &b, &attr, &attr);
	finish();
}

/* --- sends --- */

static void send_size(struct ep *from, struct ep *to, uint32_t len, unsigned *n_from,
		      unsigned *n_to)
{
	static uint8_t out[BIG_LEN];
	static uint8_t in[BIG_LEN + 1];

	fill(out, len, len);
	memset(in, 0xee, len + 1);
	assert_int_equal(ep_recv(to, len, in, len), 0);
	assert_int_equal(ep_send(from, len + 1, out, len), 0);
	expect_wc(to, *n_to, len, FAB_WC_RECV, FAB_WC_OK);
	assert_int_equal(to->wc[*n_to].byte_len, len);
	expect_wc(from, *n_from, len + 1, FAB_WC_SEND, FAB_WC_OK);
	assert_memory_equal(in, out, len);
	assert_int_equal(in[len], 0xee);
	++*n_from;
	++*n_to;
}

static void sends_both_ways(void **state)
{
	static const uint32_t size[] = { 0,     1,     2,     3,      4,       5,     48,
					 255,   256,   257,   4096,   8276,    16383, 16384,
					 65516, 65517, 65536, 100001, 1u << 20 };
	unsigned n_a = 0;
	unsigned n_b = 0;
	unsigned i;

	(void)state;
	pair();
	for (i = 0; i < ARRAY_SIZE(size); i++) {
		send_size(&a, &b, size[i], &n_a, &n_b);
		send_size(&b, &a, size[i], &n_b, &n_a);
	}
	finish();
}

/* --- a conversation: every message answered from inside the completion handler --- */

#define TALK_WINDOW 16u
#define TALK_TOTAL  1900u
#define TALK_MAX    6000u

struct talk {
	uint8_t in[2 * TALK_WINDOW][TALK_MAX];
	uint8_t out[2 * TALK_WINDOW][TALK_MAX];
	unsigned n_sent, n_got;
};
static struct talk talks[2];

static struct talk *talk_of(const struct ep *e)
{
	return &talks[e == &b];
}

static uint32_t talk_len(unsigned seq)
{
	return 1 + seq * 2654435761u % TALK_MAX;
}

static void talk_say(struct ep *e)
{
	struct talk *t = talk_of(e);
	unsigned seq = t->n_sent++;
	struct fab_sge sge = { t->out[seq % (2 * TALK_WINDOW)], talk_len(seq) };
	struct fab_wr wr = { .wr_id = seq, .op = FAB_WR_SEND, .n_sge = 1, .sge = &sge };

	memset(sge.addr, (int)(seq % 251), sge.len);
	check(e->rig->f->ops->post_send(e->c, &wr, 1) == 0);
}

static void talk_hear(struct ep *e, const struct fab_wc *wc, unsigned n)
{
	struct talk *t = talk_of(e);
	const uint8_t *p;
	unsigned i;

	for (i = 0; i < n; i++) {
		check(wc[i].op == FAB_WC_RECV && wc[i].status == FAB_WC_OK);
		p = t->in[wc[i].wr_id];
		check(wc[i].byte_len == talk_len(t->n_got));
		check(p[0] == t->n_got % 251 && memcmp(p, p + 1, wc[i].byte_len - 1) == 0);
		t->n_got++;
		check(e->rig->f->ops->post_recv(e->c, wc[i].wr_id, t->in[wc[i].wr_id], TALK_MAX) ==
		      0);
		if (t->n_sent < TALK_TOTAL)
			talk_say(e);
	}
}

static int do_talk(struct ep *e, void *arg)
{
	unsigned i;

	(void)arg;
	for (i = 0; i < TALK_WINDOW; i++)
		talk_say(e);
	return 0;
}

static void conversation(void **state)
{
	unsigned i;

	(void)state;
	memset(talks, 0, sizeof(talks));
	pair();
	for (i = 0; i < 2 * TALK_WINDOW; i++) {
		assert_int_equal(ep_recv(&a, i, talks[0].in[i], TALK_MAX), 0);
		assert_int_equal(ep_recv(&b, i, talks[1].in[i], TALK_MAX), 0);
	}
	ep_hook(&a, NULL, talk_hear);
	ep_hook(&b, NULL, talk_hear);
	assert_int_equal(rig_do(&a, do_talk, NULL), 0);
	ep_wait_wcs(&a, TALK_TOTAL);
	ep_wait_wcs(&b, TALK_TOTAL);
	ep_hook(&a, NULL, NULL);
	ep_hook(&b, NULL, NULL);
	finish();
}

/* A responder may not speak first: its sends wait for the peer's first message, and lose nothing. */
static void responder_waits(void **state)
{
	uint8_t in[2][16];
	unsigned i;

	(void)state;
	pair();
	for (i = 0; i < 2; i++)
		assert_int_equal(ep_recv(&a, i, in[i], sizeof(in[i])), 0);
	assert_int_equal(ep_recv(&b, 7, in[0], sizeof(in[0])), 0);
	assert_int_equal(ep_send(&b, 1, "first", 5), 0);
	assert_int_equal(ep_send(&b, 2, "second", 6), 0);
	rig_pass(&rig, 20);
	assert_int_equal(ep_n_wcs(&a), 0);
	assert_int_equal(ep_send(&a, 3, "go", 2), 0);
	ep_wait_wcs(&a, 3);
	ep_wait_wcs(&b, 3);
	assert_int_equal(a.wc[1].byte_len + a.wc[2].byte_len + a.wc[0].byte_len, 11);
	finish();
}

static void queue_is_all_or_nothing(void **state)
{
	struct fab_wr wr[65] = { { 0 } };
	unsigned i;

	(void)state;
	pair();
	for (i = 0; i < ARRAY_SIZE(wr); i++)
		wr[i] = (struct fab_wr){ .wr_id = i,
					 .op = FAB_WR_MARKER,
					 .flags = FAB_WR_SIGNALED };
	assert_int_equal(ep_post(&a, wr, 65), -ENOMEM);
	wr[3].n_sge = 9;
	assert_int_equal(ep_post(&a, wr, 64), -EINVAL);
	wr[3].n_sge = 0;
	rig_pass(&rig, 5);
	assert_int_equal(ep_n_wcs(&a), 0);
	assert_int_equal(ep_post(&a, wr, 64), 0);
	ep_wait_wcs(&a, 64);
	for (i = 0; i < 64; i++)
		expect_wc(&a, i, i, FAB_WC_MARKER, FAB_WC_OK);
	finish();
}

/* --- READ and WRITE --- */

static uint8_t far_mem[BIG_LEN + 64];
static uint8_t near_mem[BIG_LEN + 64];

/* A request over three pieces of near memory. */
static struct fab_wr rdma(enum fab_wr_op op, uint64_t wr_id, const struct fab_mr *mr, uint32_t len,
			  struct fab_sge sge[3])
{
	uint32_t third = len / 3;

	sge[0] = (struct fab_sge){ near_mem, third };
	sge[1] = (struct fab_sge){ near_mem + third, third };
	sge[2] = (struct fab_sge){ near_mem + 2ul * third, len - 2 * third };
	return (struct fab_wr){ .wr_id = wr_id,
				.op = op,
				.flags = FAB_WR_SIGNALED,
				.remote_va = (uintptr_t)mr->addr,
				.rkey = mr->rkey,
				.n_sge = 3,
				.sge = sge };
}

/* @near reads @far's memory, then writes into it, then tells so. */
static void move(struct ep *near, struct ep *far, uint32_t len)
{
	struct fab_sge sge[3];
	struct fab_mr mr;
	struct fab_wr wr;
	unsigned n = ep_n_wcs(near);
	unsigned n_far = ep_n_wcs(far);
	uint8_t note[4];

	fill(far_mem, len, len + 1u);
	memset(near_mem, 0xcc, len + 1u);
	assert_int_equal(ep_reg(far, far_mem, len, FAB_ACCESS_REMOTE_READ, &mr), 0);
	wr = rdma(FAB_WR_READ, len, &mr, len, sge);
	assert_int_equal(ep_post(near, &wr, 1), 0);
	expect_wc(near, n, len, FAB_WC_READ, FAB_WC_OK);
	assert_memory_equal(near_mem, far_mem, len);
	assert_int_equal(near_mem[len], 0xcc);
	ep_dereg(far, &mr);

	fill(near_mem, len, len + 2u);
	memset(far_mem, 0xcc, len + 1u);
	assert_int_equal(ep_reg(far, far_mem, len, FAB_ACCESS_REMOTE_WRITE, &mr), 0);
	assert_int_equal(ep_recv(far, 5, note, sizeof(note)), 0);
	wr = rdma(FAB_WR_WRITE, len, &mr, len, sge);
	assert_int_equal(ep_post(near, &wr, 1), 0);
	assert_int_equal(ep_send(near, 6, "done", 4), 0);
	expect_wc(near, n + 1, len, FAB_WC_WRITE, FAB_WC_OK);
	expect_wc(near, n + 2, 6, FAB_WC_SEND, FAB_WC_OK);
	expect_wc(far, n_far, 5, FAB_WC_RECV, FAB_WC_OK);
	assert_memory_equal(near_mem, far_mem, len);
	assert_int_equal(far_mem[len], 0xcc);
	ep_dereg(far, &mr);
}

static void read_and_write(void **state)
{
	static const uint32_t size[] = { 1,     2,     3,     4,     7,     511,      4096,
					 16384, 32769, 65516, 65520, 65536, 1u << 20, BIG_LEN };
	uint8_t go[4];
	unsigned i;

	(void)state;
	pair();
	assert_int_equal(ep_recv(&b, 1, go, sizeof(go)), 0);
	assert_int_equal(ep_send(&a, 1, "go", 2), 0);
	ep_wait_wcs(&a, 1);
	ep_wait_wcs(&b, 1);
	for (i = 0; i < ARRAY_SIZE(size); i++) {
		move(&b, &a, size[i]);
		move(&a, &b, size[i]);
	}
	finish();
}

/* Many READs at once, more than the peer serves: all come, in order, and the marker after them. */
static void marker_waits_for_reads(void **state)
{
	struct fab_sge sge[16];
	struct fab_wr wr[17];
	struct fab_mr mr;
	unsigned i;

	(void)state;
	pair();
	fill(far_mem, 16ul * 4096, 3);
	assert_int_equal(ep_reg(&b, far_mem, 16ul * 4096, FAB_ACCESS_REMOTE_READ, &mr), 0);
	for (i = 0; i < 16; i++) {
		sge[i] = (struct fab_sge){ near_mem + 4096ul * i, 4096 };
		wr[i] = (struct fab_wr){ .wr_id = i,
					 .op = FAB_WR_READ,
					 .flags = FAB_WR_SIGNALED,
					 .remote_va = (uintptr_t)far_mem + 4096ul * i,
					 .rkey = mr.rkey,
					 .n_sge = 1,
					 .sge = &sge[i] };
	}
	wr[16] = (struct fab_wr){ .wr_id = 99, .op = FAB_WR_MARKER, .flags = FAB_WR_SIGNALED };
	assert_int_equal(ep_post(&a, wr, 17), 0);
	ep_wait_wcs(&a, 17);
	for (i = 0; i < 16; i++)
		expect_wc(&a, i, i, FAB_WC_READ, FAB_WC_OK);
	expect_wc(&a, 16, 99, FAB_WC_MARKER, FAB_WC_OK);
	assert_memory_equal(near_mem, far_mem, 16ul * 4096);
	finish();
}

/* Memory that is not registered, or was, or not for this: the peer ends the connection, untouched. */
static void refused_access(enum fab_wr_op op, bool dereg, unsigned access)
{
	struct fab_sge sge[3];
	struct fab_mr mr;
	struct fab_wr wr;

	pair();
	memset(far_mem, 0x11, 4096);
	memset(near_mem, 0x22, 4096);
	assert_int_equal(ep_reg(&b, far_mem, 2048, access, &mr), 0);
	if (dereg)
		ep_dereg(&b, &mr);
	wr = rdma(op, 1, &mr, 4096, sge);
	assert_int_equal(ep_post(&a, &wr, 1), 0);
	assert_int_equal(ep_marker(&a, 2), 0);
	if (flags & CASES_TELLS)
		(void)ep_wait_event(&b, FAB_EV_QP_FATAL);
	(void)ep_wait_event(&b, FAB_EV_DISCONNECTED);
	(void)ep_wait_event(&a, FAB_EV_DISCONNECTED);
	ep_wait_wcs(&a, 2);
	assert_int_equal(ep_n_wcs(&a), 2);
	assert_true(op == FAB_WR_WRITE || a.wc[0].status != FAB_WC_OK);
	assert_int_equal(a.wc[1].wr_id, 2);
	assert_int_equal(far_mem[0], 0x11);
	/* Where a READ has one sink its first parts are READs of their own, inside the region, and siw does not
	 * look at the right to read. */
	if (dereg || flags & CASES_TELLS)
		assert_int_equal(near_mem[0], 0x22);
	finish();
}

static void foreign_memory_is_refused(void **state)
{
	(void)state;
	refused_access(FAB_WR_WRITE, true, FAB_ACCESS_REMOTE_WRITE);
	refused_access(FAB_WR_WRITE, false, FAB_ACCESS_REMOTE_READ);
	refused_access(FAB_WR_WRITE, false, FAB_ACCESS_REMOTE_WRITE);
	refused_access(FAB_WR_READ, true, FAB_ACCESS_REMOTE_READ);
	refused_access(FAB_WR_READ, false, FAB_ACCESS_REMOTE_WRITE);
	refused_access(FAB_WR_READ, false, FAB_ACCESS_REMOTE_READ);
}

/* --- the end --- */

/* Everything posted is flushed exactly once, in order, later posts behind the earlier ones. */
static void flush_in_order(void **state)
{
	uint8_t in[8];
	unsigned n_sq = 0;
	unsigned n_rq = 0;
	unsigned i;

	(void)state;
	pair();
	for (i = 0; i < 20; i++) {
		assert_int_equal(ep_recv(&b, i, in, sizeof(in)), 0);
		assert_int_equal(ep_send(&b, i, "held", 4), 0); /* the peer never spoke */
	}
	assert_int_equal(ep_marker(&b, 20), 0);
	assert_int_equal(ep_n_wcs(&b), 0);
	ep_qp_error(&b);
	ep_qp_error(&b);
	assert_int_equal(ep_marker(&b, 21), 0);
	assert_int_equal(ep_recv(&b, 20, in, sizeof(in)), 0);
	ep_wait_wcs(&b, 43);
	for (i = 0; i < 43; i++) {
		assert_int_equal(b.wc[i].status, FAB_WC_FLUSHED);
		if (b.wc[i].op == FAB_WC_RECV)
			assert_int_equal(b.wc[i].wr_id, n_rq++);
		else
			assert_int_equal(b.wc[i].wr_id, n_sq++);
	}
	assert_int_equal(n_sq, 22);
	assert_int_equal(n_rq, 21);
	assert_int_equal(ep_marker(&b, 22), 0);
	expect_wc(&b, 43, 22, FAB_WC_MARKER, FAB_WC_FLUSHED);
	/* The peer hears of it, and its end is told to us once. */
	(void)ep_wait_event(&a, FAB_EV_DISCONNECTED);
	(void)ep_wait_event(&b, FAB_EV_DISCONNECTED);
	rig_pass(&rig, 5);
	assert_int_equal(ep_n_wcs(&b), 44);
	assert_int_equal(ep_count(&b, FAB_EV_DISCONNECTED), 1);
	finish();
}

static void disconnect_sends_what_is_posted(void **state)
{
	static uint8_t out[1u << 20];
	static uint8_t in[1u << 20];
	unsigned i;

	(void)state;
	pair();
	fill(out, sizeof(out), 9);
	for (i = 0; i < 8; i++) {
		assert_int_equal(ep_recv(&b, i, in, sizeof(in)), 0);
		assert_int_equal(ep_send(&a, i, out, sizeof(out)), 0);
	}
	assert_int_equal(ep_disconnect(&a), 0);
	assert_int_equal(ep_disconnect(&a), 0);
	assert_int_equal(ep_wait_event(&b, FAB_EV_DISCONNECTED).error, 0);
	assert_int_equal(ep_wait_event(&a, FAB_EV_DISCONNECTED).error, 0);
	for (i = 0; i < 8; i++) {
		expect_wc(&a, i, i, FAB_WC_SEND, FAB_WC_OK);
		expect_wc(&b, i, i, FAB_WC_RECV, FAB_WC_OK);
	}
	assert_memory_equal(in, out, sizeof(in));
	rig_pass(&rig, 5);
	assert_int_equal(ep_count(&a, FAB_EV_DISCONNECTED), 1);
	assert_int_equal(ep_count(&b, FAB_EV_DISCONNECTED), 1);
	assert_int_equal(ep_disconnect(&a), 0);
	finish();
}

static void queue_pair_gone_first(void **state)
{
	uint8_t in[8];

	(void)state;
	pair();
	assert_int_equal(ep_recv(&a, 1, in, sizeof(in)), 0);
	ep_qp_destroy(&a);
	ep_qp_destroy(&a);
	assert_int_equal(ep_send(&a, 1, "x", 1), -EINVAL);
	assert_int_equal(ep_recv(&a, 1, in, 1), -EINVAL);
	(void)ep_wait_event(&b, FAB_EV_DISCONNECTED);
	(void)ep_wait_event(&a, FAB_EV_DISCONNECTED);
	assert_int_equal(ep_n_wcs(&a), 0);
	finish();
}

static atomic_uint n_wcs_before; /* of the end that was destroyed, until then */

static void destroy_on_event(struct ep *e, const struct fab_event *ev)
{
	(void)ev;
	atomic_store(&n_wcs_before, e->n_wc);
	e->rig->f->ops->destroy(e->c);
	e->c = NULL;
}

static void destroy_on_wc(struct ep *e, const struct fab_wc *wc, unsigned n)
{
	(void)wc;
	(void)n;
	e->rig->f->ops->destroy(e->c);
	e->c = NULL;
}

static void destroy_qp_on_wc(struct ep *e, const struct fab_wc *wc, unsigned n)
{
	(void)wc;
	(void)n;
	e->rig->f->ops->qp_destroy(e->c);
}

static void destroy_in_request(void **state)
{
	(void)state;
	start();
	ep_open(&a, &rig, &attr);
	ep_init(&b, &rig, rig.w[0]); /* where requests arrive: it is not moved */
	ep_hook(&b, destroy_on_event, NULL);
	atomic_store(&rig.next, &b);
	assert_int_equal(ep_connect(&a, NULL, 0), 0);
	/* One provider ends the connection, another rejects it in the kernel. */
	ep_wait_events(&a, 1);
	assert_true(ep_count(&a, FAB_EV_CONNECT_ERROR) + ep_count(&a, FAB_EV_REJECTED) == 1);
	finish();
}

static void destroy_in_established(void **state)
{
	(void)state;
	start();
	ep_open(&a, &rig, &attr);
	ep_init(&b, &rig, rig.w[n_workers - 1]);
	ep_hook(&a, destroy_on_event, NULL);
	atomic_store(&rig.next, &b);
	assert_int_equal(ep_connect(&a, NULL, 0), 0);
	(void)ep_wait_event(&b, FAB_EV_CONNECT_REQUEST);
	ep_hook(&b, destroy_on_event, NULL);
	assert_int_equal(ep_qp(&b, &attr), 0);
	assert_int_equal(ep_accept(&b, NULL, 0, 1), 0);
	(void)ep_wait_event(&a, FAB_EV_ESTABLISHED);
	(void)ep_wait_event(&b, FAB_EV_ESTABLISHED);
	rig_pass(&rig, 5);
	assert_int_equal(ep_n_evs(&a), 1);
	assert_int_equal(ep_n_evs(&b), 2);
	finish();
}

/* In a completion of the receiving end, with more completions and the end of the stream behind it. */
static void destroy_in_completion(void **state)
{
	uint8_t in[64];
	unsigned i;

	(void)state;
	pair();
	ep_hook(&b, NULL, destroy_on_wc);
	ep_hook(&a, NULL, destroy_qp_on_wc);
	for (i = 0; i < 64; i++)
		assert_int_equal(ep_recv(&b, i, in, sizeof(in)), 0);
	for (i = 0; i < 4; i++)
		if (ep_send(&a, i, "x", 1))
			break; /* the first completion took the queue pair away */
	ep_wait_wcs(&b, 1);
	ep_wait_wcs(&a, 1);
	(void)ep_wait_event(&a, FAB_EV_DISCONNECTED);
	finish();
}

static void destroy_in_disconnected(void **state)
{
	uint8_t in[8];

	(void)state;
	pair();
	assert_int_equal(ep_recv(&b, 1, in, sizeof(in)), 0);
	ep_hook(&b, destroy_on_event, NULL);
	assert_int_equal(ep_disconnect(&a), 0);
	(void)ep_wait_event(&a, FAB_EV_DISCONNECTED);
	(void)ep_wait_event(&b, FAB_EV_DISCONNECTED);
	rig_pass(&rig, 5);
	assert_int_equal(ep_n_wcs(&b), atomic_load(&n_wcs_before)); /* no flush after destroy */
	finish();
}

/* Connections come and go; rig_stop() counts the descriptors. */
static void churn(void **state)
{
	uint8_t in[8];
	unsigned i;

	(void)state;
	start();
	for (i = 0; i < 200; i++) {
		ep_pair(&rig, &a, &b, &attr, &attr);
		assert_int_equal(ep_recv(&b, 1, in, sizeof(in)), 0);
		assert_int_equal(ep_send(&a, 1, "x", 1), 0);
		expect_wc(&b, 0, 1, FAB_WC_RECV, FAB_WC_OK);
		if (i % 3 == 0)
			assert_int_equal(ep_disconnect(&b), 0);
		if (i % 2)
			ep_destroy(&a);
		(void)ep_wait_event(i % 2 ? &b : &a, (i % 2 || i % 3 == 0) ? FAB_EV_DISCONNECTED
									   : FAB_EV_ESTABLISHED);
		if (i % 2 == 0)
			ep_destroy(&a);
		ep_destroy(&b);
	}
	rig_stop(&rig);
}

int fabric_cases_run(rig_make_fn *make_fab, const char *name, unsigned which)
{
	static const struct CMUnitTest any[] = {
		cmocka_unit_test(connect_accept),
		cmocka_unit_test(reject_with_reason),
		cmocka_unit_test(address_in_use),
		cmocka_unit_test(connections_are_limited),
		cmocka_unit_test(ipv6),
		cmocka_unit_test(sends_both_ways),
		cmocka_unit_test(conversation),
		cmocka_unit_test(queue_is_all_or_nothing),
		cmocka_unit_test(read_and_write),
		cmocka_unit_test(marker_waits_for_reads),
		cmocka_unit_test(destroy_in_completion),
		cmocka_unit_test(destroy_in_disconnected),
		cmocka_unit_test(churn),
	};
	static const struct CMUnitTest stream_only[] = {
		cmocka_unit_test(nobody_listens),
		cmocka_unit_test(responder_waits),
		cmocka_unit_test(foreign_memory_is_refused),
		cmocka_unit_test(flush_in_order),
		cmocka_unit_test(disconnect_sends_what_is_posted),
		cmocka_unit_test(queue_pair_gone_first),
		cmocka_unit_test(destroy_in_request),
		cmocka_unit_test(destroy_in_established),
	};
	char group[64];
	int failed = 0;

	make = make_fab;
	flags = which;
	for (n_workers = 1; n_workers <= 2; n_workers++) {
		(void)snprintf(group, sizeof(group), "%s, %u workers", name, n_workers);
		failed += cmocka_run_group_tests_name(group, any, NULL, NULL);
		if (flags & CASES_STREAM)
			failed += cmocka_run_group_tests_name(group, stream_only, NULL, NULL);
	}
	return failed;
}
