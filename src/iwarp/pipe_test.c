/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Two queue pairs joined by a pipe that cuts the stream at random places (by a seed). Both sides send, write
 * and read at random; a model knows what must arrive where and in which order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "iwarp/test_pair.h"

#define DEPTH      8u
#define OPS        60u
#define MSG_MAX    200000u
#define REGION_LEN 262144u
#define ORD        3u

struct op {
	struct iw_wr wr;
	struct iw_sge sge[4];
	uint8_t *buf;
	uint32_t len;
	uint64_t src_off; /* READ: offset in the peer's region */
};

struct peer {
	struct side s;
	uint8_t *readable; /* the other one reads here; never changes */
	uint8_t *writable; /* the other one writes here ... */
	uint8_t *shadow;   /* ... and this is what must be there in the end */
	uint32_t rkey_r, rkey_w;
	struct op ops[OPS];
	unsigned n_ops;   /* posted */
	unsigned next_wc; /* oldest op without its completion */
	unsigned sends;   /* SENDs posted; numbers their messages */
	uint32_t send_len[OPS];
	unsigned recvs_posted, recvs;
	uint8_t *recv_buf[OPS];
};

struct world {
	struct peer a, b;
	struct pipe pipe;
};

static const uint32_t sizes[] = { 0, 1, 2, 3, 4, 5, 48, 68, 255, 256, 257, 1000, 4096, 8192 };
static const uint32_t big_sizes[] = { 65535, 65536, 70001, MSG_MAX };

static uint8_t pattern(unsigned msg, size_t i)
{
	return (uint8_t)((size_t)msg * 31 + i * 7 + (i >> 8));
}

static void peer_init(struct peer *p, const struct iw_qp_attr *attr, uint64_t seed)
{
	struct prng r = prng_of(seed);
	unsigned slot;

	memset(p, 0, sizeof(*p));
	side_init(&p->s, attr);
	p->readable = malloc(REGION_LEN);
	p->writable = calloc(1, REGION_LEN);
	p->shadow = calloc(1, REGION_LEN);
	assert_true(p->readable && p->writable && p->shadow);
	for (size_t i = 0; i < REGION_LEN; i += 8) {
		uint64_t v = prng_u64(&r);

		memcpy(p->readable + i, &v, 8);
	}
	assert_int_equal(iw_stag_add(&p->s.qp, p->readable, REGION_LEN, IW_ACCESS_REMOTE_READ,
				     &p->rkey_r, &slot),
			 0);
	assert_int_equal(iw_stag_add(&p->s.qp, p->writable, REGION_LEN, IW_ACCESS_REMOTE_WRITE,
				     &p->rkey_w, &slot),
			 0);
}

static void peer_deinit(struct peer *p)
{
	for (unsigned i = 0; i < OPS; i++) {
		free(p->ops[i].buf);
		free(p->recv_buf[i]);
	}
	free(p->readable);
	free(p->writable);
	free(p->shadow);
	side_deinit(&p->s);
}

static uint32_t random_len(struct prng *r)
{
	if (prng_below(r, 12) == 0)
		return big_sizes[prng_below(r, ARRAY_SIZE(big_sizes))];
	return sizes[prng_below(r, ARRAY_SIZE(sizes))];
}

/* Cut @o's buffer into 1 to 4 pieces at random places. */
static void scatter(struct op *o, struct prng *r)
{
	uint32_t at = 0;

	o->wr.n_sge = 1 + (unsigned)prng_below(r, 4);
	for (unsigned i = 0; i < o->wr.n_sge; i++) {
		uint32_t k = (uint32_t)prng_below(r, o->len - at + 1);

		if (i + 1 == o->wr.n_sge)
			k = o->len - at;
		o->sge[i] = (struct iw_sge){ o->buf + at, k };
		at += k;
	}
	o->wr.sge = o->sge;
}

static void post_random(struct peer *p, struct peer *other, struct prng *r)
{
	struct op *o = &p->ops[p->n_ops];

	o->wr.wr_id = p->n_ops;
	o->wr.op = (enum iw_wr_op)prng_below(r, 4);
	o->wr.flags = prng_below(r, 3) ? IW_WR_SIGNALED : 0;
	o->len = o->wr.op == IW_WR_MARKER ? 0 : random_len(r);
	o->buf = malloc(o->len + 1);
	assert_non_null(o->buf);
	memset(o->buf, 0x11, o->len + 1);
	o->src_off = prng_below(r, REGION_LEN - o->len + 1);
	if (o->wr.op != IW_WR_MARKER)
		scatter(o, r);
	switch (o->wr.op) {
	case IW_WR_SEND:
		o->wr.flags |= prng_below(r, 2) ? IW_WR_SOLICITED : 0;
		for (size_t i = 0; i < o->len; i++)
			o->buf[i] = pattern(p->sends, i);
		p->send_len[p->sends++] = o->len;
		break;
	case IW_WR_WRITE:
		for (size_t i = 0; i < o->len; i++)
			o->buf[i] = pattern(p->n_ops + 100, i);
		o->wr.rkey = other->rkey_w;
		o->wr.remote_va = (uintptr_t)other->writable + o->src_off;
		memcpy(other->shadow + o->src_off, o->buf, o->len);
		break;
	case IW_WR_READ:
		o->wr.rkey = other->rkey_r;
		o->wr.remote_va = (uintptr_t)other->readable + o->src_off;
		break;
	case IW_WR_MARKER:
		break;
	}
	assert_int_equal(iw_post_send(&p->s.qp, &o->wr), 0);
	p->n_ops++;
}

static void post_recvs(struct peer *p, bool all)
{
	while (p->recvs_posted < OPS && iw_rq_free(&p->s.qp)) {
		uint8_t *buf = malloc(MSG_MAX);

		assert_non_null(buf);
		p->recv_buf[p->recvs_posted] = buf;
		assert_int_equal(iw_post_recv(&p->s.qp, p->recvs_posted, buf, MSG_MAX), 0);
		p->recvs_posted++;
		if (!all)
			break;
	}
}

static void take_recv(struct peer *p, struct peer *other, const struct iw_wc *wc)
{
	const uint8_t *buf = p->recv_buf[wc->wr_id];

	/* Messages come in order, in whichever receive. */
	if (!p->s.qp.attr.any_recv)
		assert_int_equal(wc->wr_id, p->recvs);
	assert_non_null(buf);
	assert_int_equal(wc->byte_len, other->send_len[p->recvs]);
	for (size_t i = 0; i < wc->byte_len; i++)
		if (buf[i] != pattern(p->recvs, i))
			fail_msg("message %u differs at byte %zu", p->recvs, i);
	free(p->recv_buf[wc->wr_id]);
	p->recv_buf[wc->wr_id] = NULL;
	p->recvs++;
}

static void take_sq(struct peer *p, struct peer *other, const struct iw_wc *wc)
{
	struct op *o;

	/* Silent ones before it have completed too. */
	while (p->next_wc < wc->wr_id)
		assert_false(p->ops[p->next_wc++].wr.flags & IW_WR_SIGNALED);
	assert_int_equal(wc->wr_id, p->next_wc);
	o = &p->ops[p->next_wc++];
	assert_int_equal(wc->op, o->wr.op);
	assert_true(o->wr.flags & IW_WR_SIGNALED);
	if (o->wr.op == IW_WR_READ)
		assert_memory_equal(o->buf, other->readable + o->src_off, o->len);
	/* The buffer is ours again: nothing of this may show up anywhere. */
	memset(o->buf, 0xee, o->len);
}

static void poll_all(struct peer *p, struct peer *other)
{
	struct iw_wc wc[5];
	unsigned n;

	while ((n = iw_poll(&p->s.qp, wc, ARRAY_SIZE(wc)))) {
		for (unsigned i = 0; i < n; i++) {
			assert_int_equal(wc[i].status, IW_WC_OK);
			if (wc[i].op == IW_WC_RECV)
				take_recv(p, other, &wc[i]);
			else
				take_sq(p, other, &wc[i]);
		}
	}
}

static bool quiet(const struct peer *p)
{
	return p->n_ops == OPS && iw_sq_idle(&p->s.qp) && !iw_tx_pending(&p->s.qp);
}

static void world_run(struct world *w)
{
	struct prng *r = &w->pipe.rnd;
	unsigned idle = 0;

	while (!quiet(&w->a) || !quiet(&w->b)) {
		struct peer *from = prng_below(r, 2) ? &w->a : &w->b;
		struct peer *to = from == &w->a ? &w->b : &w->a;
		int ret;

		if (prng_below(r, 2) == 0 && from->n_ops < OPS && iw_sq_free(&from->s.qp))
			post_random(from, to, r);
		post_recvs(to, true);
		/* Only what meets a receive may be sent: here DEPTH of them are always there. */
		if (pipe_step(&w->pipe, &from->s, &to->s, &ret))
			idle = 0;
		assert_int_equal(ret, 0);
		assert_true(++idle < 1000);
		poll_all(from, to);
		poll_all(to, from);
	}
	poll_all(&w->a, &w->b);
	poll_all(&w->b, &w->a);
}

static void world_check(struct world *w)
{
	struct peer *p[2] = { &w->a, &w->b };

	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(p[i]->recvs, p[!i]->sends);
		for (unsigned k = p[i]->next_wc; k < OPS; k++)
			assert_false(p[i]->ops[k].wr.flags & IW_WR_SIGNALED);
		assert_memory_equal(p[i]->writable, p[i]->shadow, REGION_LEN);
		assert_int_equal(iw_sq_free(&p[i]->s.qp), DEPTH);
		assert_true(iw_rx_at_boundary(&p[i]->s.qp));
	}
}

struct setting {
	size_t max_give, max_cut;
	uint32_t max_payload;
	uint32_t threshold;
};

static const struct setting settings[] = {
	{ 1 << 18, 1 << 18, 65516, 512 }, /* as in earnest */
	{ 65536, 65536, 16384, 512 },         { 3000, 1448, 1460, 0 }, { 1 << 18, 100, 1424, 64 },
	{ 1 << 16, 3000, 65516, UINT32_MAX }, { 500, 500, 8, 0 },      { 7, 5, 4096, 0 },
};

static void run_seed(uint64_t seed, const struct setting *s, bool crc, bool direct)
{
	struct iw_qp_attr attr = { .sq_depth = DEPTH,
				   .rq_depth = DEPTH,
				   .max_sge = 4,
				   .ord = ORD,
				   .ird = ORD,
				   .n_stags = 2,
				   .any_recv = seed & 1,
				   .crc = crc,
				   .max_payload = s->max_payload,
				   .direct_threshold = s->threshold,
				   .stag_seed = (uint32_t)seed };
	struct world *w = malloc(sizeof(*w));

	assert_non_null(w);
	w->pipe = (struct pipe){ prng_of(seed), s->max_give, s->max_cut, direct };
	peer_init(&w->a, &attr, seed + 1);
	attr.responder = true;
	peer_init(&w->b, &attr, seed + 2);
	post_recvs(&w->a, true);
	post_recvs(&w->b, true);
	/* The responder is silent until something has come. */
	while (!iw_rx_seen(&w->b.s.qp)) {
		int ret;

		if (w->a.n_ops < OPS && iw_sq_free(&w->a.s.qp))
			post_random(&w->a, &w->b, &w->pipe.rnd);
		pipe_step(&w->pipe, &w->a.s, &w->b.s, &ret);
		assert_int_equal(ret, 0);
		poll_all(&w->a, &w->b);
	}
	poll_all(&w->b, &w->a);
	world_run(w);
	world_check(w);
	peer_deinit(&w->a);
	peer_deinit(&w->b);
	free(w);
}

static void test_traffic(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 96; seed++)
		run_seed(seed, &settings[seed % ARRAY_SIZE(settings)], seed & 1, seed & 2);
}

/* The stream of @a, as a whole. Return: its length. */
static size_t whole_stream(struct side *a, uint8_t *to)
{
	struct iovec iov[64];
	size_t total = 0;
	size_t n;
	unsigned k;

	while ((k = iw_tx(&a->qp, iov, 64, 4000, &n))) {
		for (unsigned i = 0; i < k; i++) {
			memcpy(to + total, iov[i].iov_base, iov[i].iov_len);
			total += iov[i].iov_len;
		}
		iw_tx_done(&a->qp, n);
	}
	return total;
}

/* Feed the stream in two parts, cut at @cut, to a fresh side and see that all arrives. */
static void feed_cut(const struct iw_qp_attr *attr, const uint8_t *stream, size_t len, size_t cut,
		     const uint8_t *payload, uint8_t *region)
{
	uint8_t recv[2][1000];
	struct iw_wc wc[4];
	struct side b;
	uint32_t rkey;
	unsigned slot;

	side_init(&b, attr);
	memset(region, 0, 600);
	memset(recv, 0, sizeof(recv));
	iw_stag_add(&b.qp, region, 600, IW_ACCESS_REMOTE_WRITE, &rkey, &slot);
	iw_post_recv(&b.qp, 0, recv[0], 1000);
	iw_post_recv(&b.qp, 1, recv[1], 1000);
	assert_int_equal(side_feed(&b, stream, cut, true), 0);
	assert_int_equal(side_feed(&b, stream + cut, len - cut, true), 0);
	assert_int_equal(iw_poll(&b.qp, wc, 4), 2);
	assert_true(wc[0].byte_len == 45 && wc[1].byte_len == 700);
	assert_memory_equal(recv[0], payload, 45);
	assert_memory_equal(recv[1], payload, 700);
	assert_int_equal(recv[1][700], 0);
	assert_memory_equal(region, payload, 599);
	assert_int_equal(region[599], 0);
	side_deinit(&b);
}

/* A Send, a Write of several segments and a Send of several segments, cut at every single place. */
static void test_every_cut(void **state)
{
	struct iw_qp_attr attr = {
		.sq_depth = 4, .rq_depth = 2, .max_sge = 1, .n_stags = 1, .max_payload = 256
	};
	static uint8_t stream[4000], payload[700], region[600];
	static const uint32_t lens[] = { 45, 599, 700 };

	(void)state;
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = pattern(1, i);
	for (unsigned way = 0; way < 4; way++) {
		struct side a;
		size_t len;

		attr.crc = way & 1;
		attr.direct_threshold = way & 2 ? UINT32_MAX : 0;
		side_init(&a, &attr);
		for (unsigned i = 0; i < 3; i++) {
			struct iw_sge sge = { payload, lens[i] };
			struct iw_wr wr = { .op = i == 1 ? IW_WR_WRITE : IW_WR_SEND,
					    .n_sge = 1,
					    .sge = &sge,
					    .rkey = 1,
					    .remote_va = (uintptr_t)region };

			assert_int_equal(iw_post_send(&a.qp, &wr), 0);
		}
		len = whole_stream(&a, stream);
		for (size_t cut = 0; cut <= len; cut++)
			feed_cut(&attr, stream, len, cut, payload, region);
		side_deinit(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_traffic),
		cmocka_unit_test(test_every_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
