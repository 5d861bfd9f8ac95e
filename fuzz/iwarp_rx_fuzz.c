/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Hostile bytes of a peer, the same ones twice: once in large pieces through the batch buffer, once cut into
 * small ones with direct placement. Both queue pairs must judge, place, complete and answer the same, and
 * change no memory but what the peer may. All memory lies at a fixed address, so that input can name it.
 *
 * Input: options, a seed for the cuts, then the stream. Option bits: 0 CRC, 1 responder, 2-3 RTR frame,
 * 4 the harness makes the CRCs right, 5 a region is taken away on the way, 6 shorter receives.
 */
#include <sys/mman.h>

#include "base/prng.h"
#include "fuzz.h"
#include "iwarp/qp.h"
#include "wire/crc32c.h"
#include "wire/ddp.h"

#define PLACE   0x200000000000ull
#define N_RECVS 3u
#define LOG_MAX (1u << 18)
#define STREAM  8192u

/* Everything the peer, or the engine, could get at; `closed` and the guards are nobody's. */
struct memory {
	uint8_t guard0[64];
	uint8_t writable[512]; /* STag 0x001 at 0x200000000040 */
	uint8_t guard1[64];
	uint8_t readable[512]; /* STag 0x101 at 0x200000000280 */
	uint8_t guard2[64];
	uint8_t both[256]; /* STag 0x201 at 0x2000000004c0 */
	uint8_t guard3[64];
	uint8_t recv[N_RECVS][96];
	uint8_t guard4[64];
	uint8_t sink[2][128]; /* of READs with STags 0x80000001 and 0x80000002 */
	uint8_t guard5[64];
	uint8_t out[64];
	uint8_t closed[256];
};

/* What one of the two did, to be compared. */
struct outcome {
	int result;
	bool seen, boundary;
	struct iw_term term;
	size_t n_sent;
	size_t n_done;
	uint8_t sent[LOG_MAX];
	struct iw_wc done[64];
	struct memory mem;
};

struct bed {
	struct iw_qp qp;
	void *mem;
	struct memory *m;
	struct outcome *o;
	struct prng rnd;
	bool small; /* the one that gets small pieces */
	unsigned both_slot;
	bool both_gone;
	struct memory kept; /* as it was when a buffer came back */
	unsigned recv_back;
	bool sink_back[2];
};

static uint8_t pattern(size_t i)
{
	return (uint8_t)(i * 7 + (i >> 8) + 3);
}

/* The pattern everywhere: how all memory begins. */
static const struct memory *untouched(void)
{
	static struct memory m;
	static bool made;

	for (size_t i = 0; i < sizeof(m) && !made; i++)
		((uint8_t *)&m)[i] = pattern(i);
	made = true;
	return &m;
}

static struct memory *memory_reset(void)
{
	static struct memory *m;

	if (!m) {
		void *p =
			mmap((void *)(uintptr_t)PLACE, sizeof(*m), PROT_READ | PROT_WRITE, // NOLINT
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

		check(p == (void *)(uintptr_t)PLACE); // NOLINT
		m = p;
	}
	*m = *untouched();
	return m;
}

static void unchanged(const struct memory *m, const void *part, size_t len)
{
	size_t at = (size_t)((const uint8_t *)part - (const uint8_t *)m);

	check(memcmp(part, (const uint8_t *)untouched() + at, len) == 0);
}

#define UNCHANGED(m, part) unchanged(m, (m)->part, sizeof((m)->part))

static void judge_memory(const struct bed *b)
{
	const struct memory *m = b->m;

	UNCHANGED(m, guard0);
	UNCHANGED(m, guard1);
	UNCHANGED(m, guard2);
	UNCHANGED(m, guard3);
	UNCHANGED(m, guard4);
	UNCHANGED(m, guard5);
	UNCHANGED(m, readable);
	UNCHANGED(m, out);
	UNCHANGED(m, closed);
	/* What was given back stays as it was then. */
	for (unsigned i = 0; i < b->recv_back; i++)
		check(memcmp(m->recv[i], b->kept.recv[i], sizeof(m->recv[i])) == 0);
	for (unsigned i = 0; i < 2; i++)
		check(!b->sink_back[i] ||
		      memcmp(m->sink[i], b->kept.sink[i], sizeof(m->sink[i])) == 0);
	check(!b->both_gone || memcmp(m->both, b->kept.both, sizeof(m->both)) == 0);
}

/* --- the user's side --- */

static void post_all(struct bed *b, bool short_recvs)
{
	struct memory *m = b->m;
	struct iw_sge sink[2] = { { m->sink[0], 50 }, { m->sink[0] + 64, 50 } };
	struct iw_sge sink1 = { m->sink[1], 128 };
	struct iw_sge out = { m->out, sizeof(m->out) };
	const struct iw_wr wr[] = {
		{ 0, IW_WR_READ, IW_WR_SIGNALED, 0x1000, 0x77, 2, sink },
		{ 1, IW_WR_SEND, 0, 0, 0, 1, &out },
		{ 2, IW_WR_READ, IW_WR_SIGNALED, 0x2000, 0x78, 1, &sink1 },
		{ 3, IW_WR_WRITE, IW_WR_SIGNALED, 0x3000, 0x79, 1, &out },
		{ 4, IW_WR_MARKER, IW_WR_SIGNALED, 0, 0, 0, NULL },
	};

	for (unsigned i = 0; i < N_RECVS; i++)
		check(iw_post_recv(&b->qp, 100 + i, m->recv[i], short_recvs ? 24 * (i + 1) : 96) ==
		      0);
	for (unsigned i = 0; i < ARRAY_SIZE(wr); i++)
		check(iw_post_send(&b->qp, &wr[i]) == 0);
}

static void bed_init(struct bed *b, struct outcome *o, uint8_t opt, bool small)
{
	struct iw_qp_attr attr = { .sq_depth = 8,
				   .rq_depth = N_RECVS,
				   .max_sge = 2,
				   .ord = 2,
				   .ird = 2,
				   .n_stags = 3,
				   .crc = opt & 1,
				   .responder = opt & 2,
				   .rtr = (enum mpa_rtr)(opt >> 2 & 3),
				   .max_payload = 256,
				   .direct_threshold = small ? 0 : UINT32_MAX };
	size_t n = iw_qp_mem_size(&attr);
	uint32_t rkey;
	unsigned slot;

	*b = (struct bed){ .m = memory_reset(), .o = o, .rnd = prng_of(1), .small = small };
	o->n_sent = o->n_done = 0;
	o->result = 0;
	b->mem = malloc(n);
	check(b->mem && iw_qp_init(&b->qp, &attr, b->mem, n) == 0);
	check(iw_stag_add(&b->qp, b->m->writable, sizeof(b->m->writable), IW_ACCESS_REMOTE_WRITE,
			  &rkey, &slot) == 0);
	check(rkey == 0x001);
	check(iw_stag_add(&b->qp, b->m->readable, sizeof(b->m->readable), IW_ACCESS_REMOTE_READ,
			  &rkey, &slot) == 0);
	check(rkey == 0x101);
	check(iw_stag_add(&b->qp, b->m->both, sizeof(b->m->both),
			  IW_ACCESS_REMOTE_READ | IW_ACCESS_REMOTE_WRITE, &rkey,
			  &b->both_slot) == 0);
	check(rkey == 0x201);
	post_all(b, opt & 0x40);
}

static void take_wc(struct bed *b, const struct iw_wc *wc)
{
	struct outcome *o = b->o;

	check(o->n_done < ARRAY_SIZE(o->done));
	o->done[o->n_done++] = *wc;
	if (wc->op == IW_WC_RECV) {
		check(wc->wr_id == 100 + b->recv_back && wc->byte_len <= 96);
		memcpy(b->kept.recv[b->recv_back], b->m->recv[b->recv_back], 96);
		if (wc->status == IW_WC_OK)
			unchanged(b->m, b->m->recv[b->recv_back] + wc->byte_len, 96 - wc->byte_len);
		b->recv_back++;
	} else if (wc->op == IW_WC_READ) {
		unsigned i = wc->wr_id != 0;

		check(!b->sink_back[i]);
		b->sink_back[i] = true;
		memcpy(b->kept.sink[i], b->m->sink[i], sizeof(b->kept.sink[i]));
		if (wc->status == IW_WC_OK && !i) /* the gap between its two pieces */
			unchanged(b->m, b->m->sink[0] + 50, 14);
	}
}

static void poll_all(struct bed *b)
{
	struct iw_wc wc[3];
	unsigned n;

	do {
		n = iw_poll(&b->qp, wc, ARRAY_SIZE(wc));
		for (unsigned i = 0; i < n; i++)
			take_wc(b, &wc[i]);
	} while (n);
}

/* Send all there is to send, in large or in small portions. */
static void send_all(struct bed *b)
{
	struct outcome *o = b->o;
	struct iovec iov[8];
	size_t bytes;
	unsigned n;

	while ((n = iw_tx(&b->qp, iov, b->small ? 2 : 8, b->small ? 60 : 1u << 16, &bytes))) {
		size_t done = b->small ? 1 + prng_below(&b->rnd, bytes) : bytes;
		size_t left = done;

		for (unsigned i = 0; i < n && left; i++) {
			size_t k = min_size(iov[i].iov_len, left);

			check(o->n_sent + k <= LOG_MAX);
			memcpy(o->sent + o->n_sent, iov[i].iov_base, k);
			o->n_sent += k;
			left -= k;
		}
		iw_tx_done(&b->qp, done);
	}
	check(!iw_tx_pending(&b->qp));
}

/* --- the peer's side --- */

static int feed(struct bed *b, const uint8_t *p, size_t n, bool direct)
{
	struct iovec iov[4];
	unsigned pieces = direct ? iw_rx_direct(&b->qp, iov, ARRAY_SIZE(iov)) : 0;
	size_t placed = 0;
	uint8_t *batch;
	int r;

	for (unsigned i = 0; i < pieces && placed < n; i++) {
		size_t k = min_size(n - placed, iov[i].iov_len);

		memcpy(iov[i].iov_base, p + placed, k);
		placed += k;
	}
	batch = fuzz_copy(p + placed, n - placed);
	r = iw_rx(&b->qp, placed, batch, n - placed);
	free(batch);
	check(!r == !iw_qp_failed(&b->qp));
	check(!r || b->qp.term.valid);
	return r;
}

static void receive(struct bed *b, const uint8_t *p, size_t n)
{
	while (n) {
		size_t k = b->small ? min_size(n, 1 + prng_below(&b->rnd, 23)) : n;
		int r = feed(b, p, k, b->small && prng_below(&b->rnd, 2));

		check(!b->o->result || r == b->o->result); /* the first error is for good */
		b->o->result = r;
		p += k;
		n -= k;
	}
}

static void judge_end(struct bed *b)
{
	unsigned n_recv = 0;
	unsigned last = 0;

	iw_qp_error(&b->qp, IW_WC_FLUSHED);
	poll_all(b);
	send_all(b); /* only a Terminate can come */
	judge_memory(b);
	for (size_t i = 0; i < b->o->n_done; i++) {
		const struct iw_wc *wc = &b->o->done[i];

		n_recv += wc->op == IW_WC_RECV;
		if (wc->op == IW_WC_RECV)
			continue;
		check(wc->wr_id < 5 && (!last || wc->wr_id >= last));
		last = (unsigned)wc->wr_id + 1;
	}
	check(n_recv == N_RECVS && last == 5);
	check(iw_sq_free(&b->qp) == 8 && iw_rq_free(&b->qp) == N_RECVS);
}

static void run(struct outcome *o, uint8_t opt, uint8_t cuts, struct cur in, bool small)
{
	struct prng chunk = prng_of(cuts);
	struct bed b;

	bed_init(&b, o, opt, small);
	send_all(&b);
	while (cur_left(&in)) {
		size_t n = min_size(cur_left(&in), 1 + prng_below(&chunk, 1 + 16u * (cuts & 31)));

		receive(&b, cur_take(&in, n), n);
		send_all(&b);
		poll_all(&b);
		judge_memory(&b);
		if (opt & 0x20 && !b.both_gone && prng_below(&chunk, 4) == 0) {
			iw_stag_del(&b.qp, b.both_slot);
			b.both_gone = true;
			memcpy(b.kept.both, b.m->both, sizeof(b.kept.both));
			if (iw_qp_failed(&b.qp))
				o->result = feed(&b, &cuts, 0, false);
		}
	}
	o->seen = iw_rx_seen(&b.qp);
	o->boundary = iw_rx_at_boundary(&b.qp);
	judge_end(&b);
	o->term = b.qp.term;
	o->mem = *b.m;
	free(b.mem);
}

/* An honest peer's CRCs behind everything that has the shape of an FPDU. */
static void fix_crcs(uint8_t *p, size_t n)
{
	while (n >= FPDU_LEN_LEN) {
		size_t whole = fpdu_len(get_be16(p));

		if (whole > n)
			break;
		crc32c_put(p + whole - FPDU_CRC_LEN,
			   crc32c_update(CRC32C_INIT, p, whole - FPDU_CRC_LEN));
		p += whole;
		n -= whole;
	}
}

static void compare(const struct outcome *a, const struct outcome *b)
{
	check(a->result == b->result && a->seen == b->seen && a->boundary == b->boundary);
	check(a->term.valid == b->term.valid && a->term.from_peer == b->term.from_peer);
	check(a->term.layer == b->term.layer && a->term.type == b->term.type &&
	      a->term.code == b->term.code);
	check(a->n_done == b->n_done);
	for (size_t i = 0; i < a->n_done; i++)
		check(a->done[i].wr_id == b->done[i].wr_id && a->done[i].op == b->done[i].op &&
		      a->done[i].status == b->done[i].status &&
		      a->done[i].byte_len == b->done[i].byte_len);
	check(a->n_sent == b->n_sent && memcmp(a->sent, b->sent, a->n_sent) == 0);
	check(memcmp(&a->mem, &b->mem, sizeof(a->mem)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct outcome large;
	static struct outcome small;
	struct cur in = cur_of(data, min_size(len, STREAM));
	uint8_t opt = cur_u8(&in);
	uint8_t cuts = cur_u8(&in);
	bool honest_crc = !(opt & 1) || opt & 0x10;
	uint8_t *stream;
	size_t n;

	if (!cur_left(&in))
		return 0;
	n = cur_left(&in);
	stream = fuzz_copy(cur_take(&in, n), n);
	if (opt & 0x10)
		fix_crcs(stream, n);
	run(&large, opt, cuts, cur_of(stream, n), false);
	run(&small, opt, cuts, cur_of(stream, n), true);
	/* A corrupt segment may be found out earlier or later, behind its header or in front of it. */
	if (honest_crc)
		compare(&large, &small);
	free(stream);
	return 0;
}
