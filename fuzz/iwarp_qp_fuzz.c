/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * One queue pair under a stream of events: bytes from the peer in any cut, posted work, sending in any
 * portion, regions that come and go, errors. Checked: no memory but what a peer may touch changes, every
 * work request is reported once and in order, and what the engine sends is a sequence of whole FPDUs.
 */
#include <stdlib.h>

#include "base/check.h"
#include "base/cur.h"
#include "iwarp/qp.h"
#include "wire/ddp.h"

#define DEPTH   4u
#define BUF_LEN 300u
#define GUARD   16u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct bed {
	struct iw_qp qp;
	void *mem;
	uint8_t low[GUARD];
	uint8_t region[2][BUF_LEN];
	uint8_t mid[GUARD];
	uint8_t buf[BUF_LEN];
	uint8_t high[GUARD];
	bool have[2];
	unsigned slot[2];
	uint64_t sq_posted, sq_seen, rq_posted, rq_seen;
	uint8_t out[65536]; /* what was sent: the beginning of an FPDU that is not complete */
	size_t out_len;
};

static void bed_check(const struct bed *b)
{
	for (size_t i = 0; i < GUARD; i++)
		check(b->low[i] == 0x33 && b->mid[i] == 0x33 && b->high[i] == 0x33);
}

static void poll_some(struct bed *b, unsigned max)
{
	struct iw_wc wc[8];
	unsigned n = iw_poll(&b->qp, wc, max);

	check(n <= max);
	for (unsigned i = 0; i < n; i++) {
		if (wc[i].op == IW_WC_RECV) {
			check(wc[i].wr_id == b->rq_seen++);
			check(wc[i].byte_len <= BUF_LEN);
		} else {
			check(wc[i].wr_id >= b->sq_seen && wc[i].wr_id < b->sq_posted);
			b->sq_seen = wc[i].wr_id + 1;
		}
	}
}

static void post(struct bed *b, unsigned what)
{
	struct iw_sge sge[2] = { { b->buf, what % 97 }, { b->buf + 100, what & 4 ? 150 : 0 } };
	struct iw_wr wr = { .op = (enum iw_wr_op)(what & 3), .n_sge = 2, .sge = sge };

	if (what & 8) {
		if (iw_post_recv(&b->qp, b->rq_posted, b->buf, what & 0x10 ? BUF_LEN : 20) == 0)
			b->rq_posted++;
		return;
	}
	wr.wr_id = b->sq_posted;
	wr.flags = what >> 4 & (IW_WR_SIGNALED | IW_WR_SOLICITED | IW_WR_INVALIDATE);
	if (iw_post_send(&b->qp, &wr) == 0)
		b->sq_posted++;
}

static void regions(struct bed *b, unsigned what)
{
	unsigned i = what & 1;
	uint32_t rkey;

	if (b->have[i]) {
		iw_stag_del(&b->qp, b->slot[i]);
		b->have[i] = false;
	} else {
		check(iw_stag_add(&b->qp, b->region[i], BUF_LEN, 1 + (what >> 1) % 3, &rkey,
				  &b->slot[i]) == 0);
		b->have[i] = true;
	}
}

/* The stream we send must parse as FPDUs, to the end. */
static void sent(struct bed *b, const uint8_t *p, size_t n)
{
	while (n) {
		size_t k = min_size(n, sizeof(b->out) - b->out_len);

		memcpy(b->out + b->out_len, p, k);
		b->out_len += k;
		p += k;
		n -= k;
		while (b->out_len >= 2 && b->out_len >= fpdu_len(get_be16(b->out))) {
			size_t whole = fpdu_len(get_be16(b->out));

			check((b->out[2] & DDP_CTL_VERSION_MASK) == DDP_CTL_VERSION);
			check((b->out[3] & RDMAP_CTL_OP_MASK) < RDMAP_OP_COUNT);
			memmove(b->out, b->out + whole, b->out_len - whole);
			b->out_len -= whole;
		}
	}
}

static void send_some(struct bed *b, unsigned what)
{
	struct iovec iov[8];
	size_t n = 0;
	unsigned pieces = iw_tx(&b->qp, iov, 1 + what % 8, 1 + what * 4, &n);
	size_t done = what & 0x80 ? n / 2 : n;
	size_t left = done;

	check(pieces == 0 ? n == 0 : iw_tx_pending(&b->qp));
	for (unsigned i = 0; i < pieces && left; i++) {
		size_t k = min_size(left, iov[i].iov_len);

		sent(b, iov[i].iov_base, k);
		left -= k;
	}
	iw_tx_done(&b->qp, done);
}

static void receive(struct bed *b, struct cur *in, bool direct)
{
	struct iovec iov[4];
	size_t n = min_size(cur_u8(in), cur_left(in));
	const uint8_t *p = cur_take(in, n);
	unsigned pieces = direct ? iw_rx_direct(&b->qp, iov, 4) : 0;
	size_t placed = 0;
	uint8_t *batch;

	if (!p)
		return;
	for (unsigned i = 0; i < pieces && placed < n; i++) {
		size_t k = min_size(n - placed, iov[i].iov_len);

		memcpy(iov[i].iov_base, p + placed, k);
		placed += k;
	}
	/* A copy of exactly this size, so that reading past it is found. */
	batch = malloc(n - placed + 1);
	check(batch);
	memcpy(batch, p + placed, n - placed);
	if (iw_rx(&b->qp, placed, batch, n - placed))
		check(iw_qp_failed(&b->qp) && b->qp.term.valid);
	free(batch);
}

static void step(struct bed *b, struct cur *in)
{
	unsigned op = cur_u8(in);
	unsigned arg = op >> 3;

	switch (op & 7) {
	case 0:
	case 1:
		receive(b, in, op & 1);
		break;
	case 2:
		post(b, cur_u8(in));
		break;
	case 3:
		send_some(b, cur_u8(in));
		break;
	case 4:
		poll_some(b, arg % 9);
		break;
	case 5:
		regions(b, arg);
		break;
	case 6:
		if (arg == 7)
			iw_qp_error(&b->qp, IW_WC_TRANSPORT);
		else if (arg == 8)
			iw_qp_terminate(&b->qp, 2, 0, 5);
		break;
	default:
		post(b, 8 | 0x10);
	}
	bed_check(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct cur in = cur_of(data, len);
	unsigned opt;
	struct iw_qp_attr attr = { .sq_depth = DEPTH,
				   .rq_depth = DEPTH,
				   .max_sge = 2,
				   .ord = 2,
				   .ird = 2,
				   .n_stags = 2,
				   .max_payload = 64 };
	struct bed *b;
	size_t mem_len;

	if (len == 0)
		return 0;
	opt = cur_u8(&in);
	attr.crc = opt & 1;
	attr.responder = opt & 2;
	attr.rtr = (enum mpa_rtr)(opt >> 2 & 3);
	mem_len = iw_qp_mem_size(&attr);
	b = calloc(1, sizeof(*b));
	check(b);
	memset(b->low, 0x33, GUARD);
	memset(b->mid, 0x33, GUARD);
	memset(b->high, 0x33, GUARD);
	b->mem = malloc(mem_len);
	check(b->mem && iw_qp_init(&b->qp, &attr, b->mem, mem_len) == 0);
	while (cur_left(&in))
		step(b, &in);
	iw_qp_error(&b->qp, IW_WC_FLUSHED);
	for (unsigned i = 0; i < 4; i++)
		poll_some(b, 8);
	check(b->rq_seen == b->rq_posted && iw_sq_free(&b->qp) == DEPTH);
	bed_check(b);
	free(b->mem);
	free(b);
	return 0;
}
