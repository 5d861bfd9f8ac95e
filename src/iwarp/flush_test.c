/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Random walks of two queue pairs into every kind of error: whatever happens, each posted work request is
 * reported exactly once, each queue in its order, successes first, one failure at most, then flushes - and
 * what is posted afterwards is flushed too. Corrupt streams must do no harm either.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "iwarp/test_pair.h"

#define DEPTH   6u
#define BUFS    12u
#define BUF_LEN 3000u
#define GUARD   64u

/* One side and what is known of its requests. */
struct walker {
	struct side s;
	uint8_t buf[BUFS][BUF_LEN];
	uint8_t guard_low[GUARD];
	uint8_t region[BUF_LEN];
	uint8_t guard_high[GUARD];
	uint32_t rkey;
	uint64_t sq_posted, sq_seen; /* ids are numbers from 0 */
	uint64_t rq_posted, rq_seen;
	bool signaled[4096];
	bool sq_bad, rq_bad; /* a completion other than OK has been seen */
};

static void walker_init(struct walker *w, const struct iw_qp_attr *attr)
{
	unsigned slot;

	memset(w, 0x33, sizeof(*w));
	w->sq_posted = w->sq_seen = w->rq_posted = w->rq_seen = 0;
	w->sq_bad = w->rq_bad = false;
	side_init(&w->s, attr);
	assert_int_equal(iw_stag_add(&w->s.qp, w->region, BUF_LEN,
				     IW_ACCESS_REMOTE_READ | IW_ACCESS_REMOTE_WRITE, &w->rkey,
				     &slot),
			 0);
}

static void post_some(struct walker *w, const struct walker *other, struct prng *r)
{
	struct iw_sge sge[2];
	struct iw_wr wr = { .n_sge = 2, .sge = sge };
	uint8_t *buf = w->buf[prng_below(r, BUFS)];
	uint32_t len = (uint32_t)prng_below(r, 2) ? 40 : (uint32_t)prng_below(r, BUF_LEN + 1);

	if (iw_rq_free(&w->s.qp) && prng_below(r, 2)) {
		/* Some are too small. */
		assert_int_equal(iw_post_recv(&w->s.qp, w->rq_posted++, buf,
					      prng_below(r, 40) ? BUF_LEN : 10),
				 0);
	}
	if (!iw_sq_free(&w->s.qp) || w->sq_posted >= ARRAY_SIZE(w->signaled))
		return;
	sge[0] = (struct iw_sge){ buf, len / 3 };
	sge[1] = (struct iw_sge){ buf + len / 3, len - len / 3 };
	wr.wr_id = w->sq_posted;
	wr.op = (enum iw_wr_op)prng_below(r, 4);
	wr.flags = prng_below(r, 2) ? IW_WR_SIGNALED : 0;
	/* Some are out of bounds, some have a wrong key. */
	wr.rkey = other->rkey + !prng_below(r, 60);
	wr.remote_va = (uintptr_t)other->region + (BUF_LEN - len) + !prng_below(r, 60);
	w->signaled[w->sq_posted++] = wr.flags & IW_WR_SIGNALED;
	assert_int_equal(iw_post_send(&w->s.qp, &wr), 0);
}

static void judge_sq(struct walker *w, const struct iw_wc *wc)
{
	while (w->sq_seen < wc->wr_id) {
		assert_false(w->signaled[w->sq_seen++]);
		assert_false(w->sq_bad); /* flushes are reported for the silent ones too */
	}
	assert_int_equal(wc->wr_id, w->sq_seen++);
	if (w->sq_bad)
		assert_int_equal(wc->status, IW_WC_FLUSHED);
	if (wc->status == IW_WC_OK)
		assert_true(w->signaled[wc->wr_id]);
	else
		assert_true(iw_qp_failed(&w->s.qp));
	w->sq_bad |= wc->status != IW_WC_OK;
}

static void poll_some(struct walker *w, unsigned max)
{
	struct iw_wc wc[16];
	unsigned n = iw_poll(&w->s.qp, wc, max);

	assert_true(n <= max);
	for (unsigned i = 0; i < n; i++) {
		if (wc[i].op != IW_WC_RECV) {
			judge_sq(w, &wc[i]);
			continue;
		}
		assert_int_equal(wc[i].wr_id, w->rq_seen++);
		if (w->rq_bad)
			assert_int_equal(wc[i].status, IW_WC_FLUSHED);
		w->rq_bad |= wc[i].status != IW_WC_OK;
	}
}

/* Move some bytes; sometimes one of them is changed on the way. */
static void move(struct pipe *p, struct walker *from, struct walker *to, bool corrupt)
{
	static uint8_t buf[1 << 16];
	size_t n = side_take(&from->s, &p->rnd, buf, p->max_give);
	int r;

	if (n && corrupt && !prng_below(&p->rnd, 25))
		buf[prng_below(&p->rnd, n)] ^= (uint8_t)(1u << prng_below(&p->rnd, 8));
	r = side_feed(&to->s, buf, n, p->direct);
	if (r)
		assert_true(iw_qp_failed(&to->s.qp) && to->s.qp.term.valid);
}

static void hurt(struct walker *w, struct prng *r)
{
	switch (prng_below(r, 400)) {
	case 0:
		iw_qp_error(&w->s.qp, IW_WC_TRANSPORT);
		break;
	case 1:
		iw_qp_error(&w->s.qp, IW_WC_FLUSHED);
		break;
	case 2:
		iw_qp_terminate(&w->s.qp, 2, 0, 5);
		break;
	default:
		break;
	}
}

static void finish(struct walker *w, const struct walker *other, struct prng *r)
{
	iw_qp_error(&w->s.qp, IW_WC_FLUSHED);
	for (unsigned i = 0; i < 40; i++) {
		post_some(w, other, r);
		poll_some(w, 1 + (unsigned)prng_below(r, 16));
	}
	for (unsigned i = 0; i < 4; i++)
		poll_some(w, 16);
	assert_int_equal(w->rq_seen, w->rq_posted);
	while (w->sq_seen < w->sq_posted)
		assert_false(w->signaled[w->sq_seen++]);
	assert_int_equal(iw_sq_free(&w->s.qp), DEPTH);
	assert_int_equal(iw_rq_free(&w->s.qp), DEPTH);
	for (size_t i = 0; i < GUARD; i++)
		assert_true(w->guard_low[i] == 0x33 && w->guard_high[i] == 0x33);
}

/* Return: whether both sides lived to the end. */
static bool walk(uint64_t seed)
{
	struct iw_qp_attr attr = { .sq_depth = DEPTH,
				   .rq_depth = DEPTH,
				   .max_sge = 2,
				   .ord = 2,
				   .ird = 2,
				   .n_stags = 1,
				   .crc = seed & 1,
				   .max_payload = 400,
				   .stag_seed = (uint32_t)seed };
	struct pipe p = { prng_of(seed), 2000, 2000, seed & 2 };
	struct walker *a = malloc(sizeof(*a));
	struct walker *b = malloc(sizeof(*b));
	bool lived;

	assert_true(a && b);
	walker_init(a, &attr);
	attr.responder = seed & 4;
	walker_init(b, &attr);
	for (unsigned step = 0; step < 300; step++) {
		struct walker *x = prng_below(&p.rnd, 2) ? a : b;
		struct walker *y = x == a ? b : a;

		post_some(x, y, &p.rnd);
		move(&p, x, y, seed & 8);
		poll_some(x, (unsigned)prng_below(&p.rnd, 5));
		poll_some(y, (unsigned)prng_below(&p.rnd, 5));
		hurt(x, &p.rnd);
	}
	lived = !iw_qp_failed(&a->s.qp) && !iw_qp_failed(&b->s.qp);
	finish(a, b, &p.rnd);
	finish(b, a, &p.rnd);
	side_deinit(&a->s);
	side_deinit(&b->s);
	free(a);
	free(b);
	return lived;
}

static void test_walks(void **state)
{
	unsigned lived = 0;

	(void)state;
	for (uint64_t seed = 0; seed < 800; seed++)
		lived += walk(seed);
	assert_true(lived < 700); /* else the walks prove little of errors */
}

/* With CRC on, not one changed bit of the stream goes unnoticed, wherever the stream is cut. */
static void test_every_flipped_bit_is_found(void **state)
{
	struct iw_qp_attr attr = {
		.sq_depth = 4, .rq_depth = 4, .max_sge = 1, .crc = true, .max_payload = 400
	};
	uint8_t msg[30] = "what is sent is what arrives";
	struct iw_sge sge = { msg, sizeof(msg) };
	struct iw_wr wr = { .op = IW_WR_SEND, .n_sge = 1, .sge = &sge };
	struct side s;
	struct iovec iov[2];
	uint8_t stream[256];
	size_t n;

	(void)state;
	side_init(&s, &attr);
	iw_post_send(&s.qp, &wr);
	iw_post_send(&s.qp, &wr);
	assert_int_equal(iw_tx(&s.qp, iov, 2, 1000, &n), 1);
	memcpy(stream, iov[0].iov_base, n);
	side_deinit(&s);
	for (size_t bit = 0; bit < n * 8; bit++) {
		for (unsigned way = 0; way < 2; way++) {
			struct iw_wc wc[4];
			uint8_t recv[2][64];
			unsigned got;
			int r = 0;

			side_init(&s, &attr);
			iw_post_recv(&s.qp, 0, recv[0], 64);
			iw_post_recv(&s.qp, 1, recv[1], 64);
			stream[bit / 8] ^= (uint8_t)(1u << bit % 8);
			for (size_t at = 0; at < n && !r; at += way ? 1 : n)
				r = side_feed(&s, stream + at, way ? 1 : n, true);
			stream[bit / 8] ^= (uint8_t)(1u << bit % 8);
			if (!r) /* a length that asks for more than there is */
				assert_false(iw_rx_at_boundary(&s.qp));
			/* Of the message that was hit nothing is reported, of the one before it all. */
			got = 0;
			for (unsigned k = iw_poll(&s.qp, wc, 4); k; k--)
				got += wc[k - 1].status == IW_WC_OK;
			assert_int_equal(got, bit / 8 < n / 2 ? 0 : 1);
			side_deinit(&s);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_walks),
		cmocka_unit_test(test_every_flipped_bit_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
