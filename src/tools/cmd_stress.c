/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Verified I/O while connections come and go. Each worker owns a range of the LUN and one connection,
 * and knows for each block which contents are possible:
 *
 *   - after an acknowledged write exactly the one that was written;
 *   - after a write that was lost with its connection, the old ones and the new one. The target may
 *     still be working on such a write, so the block is not touched before QUARANTINE_NS are over
 *     since the end of the connection; a read after that tells which one it is.
 *
 * Anything else that a read returns is wrong data.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cur.h"
#include "base/prng.h"
#include "tools/srp_disk.h"
#include "tools/srp_main1.h"
#include "tools/srp_pattern.h"

#define CONNS_MAX     1024u
#define QD_MAX        64u
#define BLOCKS_MAX    65536u /* of a worker */
#define IO_BLOCKS_MAX 64u    /* of one I/O */
#define VERSIONS      8u     /* contents of a block that are possible at a time */
#define QUARANTINE_NS (1500 * NSEC_PER_MSEC)
#define STUCK_NS      (30 * NSEC_PER_SEC)

static const struct opt_help help = {
	.usage = "srp stress [OPTION]... URL",
	.text = "Read and write with many connections, check every byte read, and (with --churn) "
		"end\n"
		"connections at random, in order and abruptly, and log in again. Destroys the data "
		"of\n"
		"the LUN's first CONNS x BLOCKS blocks. Every other connection has an initiator "
		"port of\n"
		"its own and logs in as single channel; the rest share one port.\n\n"
		"Exit code 0 only if no byte was wrong or lost and nothing was left unanswered.",
	.example = "  srp stress --secs 20 --conns 32 --churn srp://127.0.0.1/0",
};

struct stress_args {
	struct conn_args conn;
	uint64_t secs;
	uint64_t conns;
	uint64_t qd;
	uint64_t blocks;
	uint64_t seed;
	bool churn;
};

/* Which contents a block may have. A version names a pattern; none: anything (never written). */
struct block {
	uint32_t version[VERSIONS];
	uint8_t n_versions;
	bool busy;              /* an I/O of ours is under way */
	bool unsure;            /* a lost write may still land */
	uint64_t quiet_from_ns; /* with unsure: not any more from then on */
};

struct worker_io {
	struct srp_io io;
	struct stress_worker *w;
	bool busy;
	uint32_t first; /* block of the worker */
	uint32_t n;
	uint32_t version; /* being written */
	uint8_t *buf;
	uint64_t start_ns;
};

enum worker_phase {
	PHASE_DOWN, /* logs in again at wake_ns */
	PHASE_LOGIN,
	PHASE_RUN,     /* ends at wake_ns, with --churn */
	PHASE_DRAIN,   /* submits nothing more, closes when all has come back */
	PHASE_CLOSING, /* down() will come */
	PHASE_DONE
};

struct stress_worker {
	struct stress *s;
	unsigned index;
	struct srp_conn *conn;
	enum worker_phase phase;
	uint64_t wake_ns;
	uint64_t phase_ns; /* when the phase began */
	struct prng prng;
	struct block *block;
	struct worker_io *io;
	unsigned n_out;
	uint32_t next_version;
	uint32_t checked; /* final pass: blocks checked or under way */
	bool gone;        /* down() was called, srp_conn_free() is due */
};

struct stress {
	const struct stress_args *a;
	const struct url *url;
	struct srp_ctx *ctx;
	struct disk disk;
	struct stress_worker *w;
	uint64_t now_ns;
	bool calm;   /* no churn any more */
	bool final;  /* no lost write can land any more: check all blocks, then end */
	bool failed; /* stop as soon as possible */
	int code;
	uint64_t n_reads;
	uint64_t n_writes;
	uint64_t n_lost_reads;
	uint64_t n_lost_writes;
	uint64_t n_logins;
	uint64_t n_refused; /* logins refused for want of resources */
	uint64_t n_abrupt;
	uint64_t n_orderly;
	uint64_t n_ended;   /* by the target: a single-channel login of the same port took over */
	uint64_t n_settled; /* blocks whose lost write turned out */
	uint64_t bytes;
};

static void stress_fail(struct stress *s, int code)
{
	s->failed = true;
	if (!s->code || code == EXIT_DIFFERENT)
		s->code = code;
}

static uint64_t version_seed(const struct stress_worker *w, uint32_t version)
{
	return w->s->a->seed ^ (uint64_t)(w->index + 1) << 40 ^ (uint64_t)version << 1;
}

/* --- blocks --- */

static void block_check(struct stress_worker *w, uint32_t i, const uint8_t *data)
{
	struct stress *s = w->s;
	struct block *b = &w->block[i];
	uint32_t size = s->disk.block;
	size_t at = 0;

	for (unsigned k = 0; k < b->n_versions; k++) {
		uint32_t version = b->version[k];

		at = pattern_check(data, size, version_seed(w, version), (uint64_t)i * size);
		if (at < size)
			continue;
		/* Nothing of the past can land any more: this is what the block is. */
		if (b->unsure && s->now_ns >= b->quiet_from_ns) {
			b->version[0] = version;
			b->n_versions = 1;
			b->unsure = false;
			s->n_settled++;
		}
		return;
	}
	if (!b->n_versions)
		return;
	(void)complain(s->url->text,
		       "wrong data: connection %u, LBA %llu, byte %zu; %u contents were possible",
		       w->index, ull(w->index * s->a->blocks + i), at, b->n_versions);
	stress_fail(s, EXIT_DIFFERENT);
}

/* A block that a lost write may be changing at this moment is left alone. */
static bool block_usable(const struct stress *s, const struct block *b, bool write)
{
	if (b->busy)
		return false;
	if (!b->unsure)
		return true;
	return s->now_ns >= b->quiet_from_ns && (!write || b->n_versions < VERSIONS);
}

/* The write of @version may have happened, or may yet. */
static void block_unsure(struct stress *s, struct block *b, uint32_t version)
{
	if (b->n_versions && b->n_versions < VERSIONS)
		b->version[b->n_versions++] = version;
	b->unsure = true;
	b->quiet_from_ns = s->now_ns + QUARANTINE_NS;
}

/* --- I/O --- */

static void fill_more(struct stress_worker *w);

static void on_written(struct worker_io *wio)
{
	struct stress *s = wio->w->s;

	for (uint32_t i = 0; i < wio->n; i++) {
		struct block *b = &wio->w->block[wio->first + i];

		if (wio->io.outcome != SRP_IO_DONE) {
			block_unsure(s, b, wio->version);
			continue;
		}
		b->version[0] = wio->version;
		b->n_versions = 1;
		b->unsure = false;
	}
	if (wio->io.outcome == SRP_IO_DONE)
		s->n_writes++;
	else
		s->n_lost_writes++;
}

static void on_io(struct srp_io *io)
{
	struct worker_io *wio = container_of(io, struct worker_io, io);
	struct stress_worker *w = wio->w;
	struct stress *s = w->s;
	bool lost = io->outcome == SRP_IO_LOST || io->outcome == SRP_IO_ABORTED;
	bool again = io_again(io);
	char text[160];

	s->now_ns = srp_ctx_now_ns(s->ctx);
	wio->busy = false;
	w->n_out--;
	for (uint32_t i = 0; i < wio->n; i++)
		w->block[wio->first + i].busy = false;
	if (!lost && !again && !io_ok(io)) {
		(void)complain(s->url->text, "connection %u: %s", w->index,
			       io_text(io, text, sizeof(text)));
		stress_fail(s, EXIT_FAILED);
	} else if (io->dir == SRP_DIR_WRITE && !again) {
		on_written(wio);
	} else if (lost || again) {
		s->n_lost_reads += lost;
	} else {
		s->n_reads++;
		for (uint32_t i = 0; i < wio->n; i++)
			block_check(w, wio->first + i, wio->buf + (size_t)i * s->disk.block);
	}
	if (io_ok(io))
		s->bytes += wio->n * (uint64_t)s->disk.block;
	fill_more(w);
}

static bool submit(struct stress_worker *w, struct worker_io *wio, enum srp_dir dir)
{
	struct stress *s = w->s;
	int r;

	wio->io = (struct srp_io){ .n_iov = 1,
				   .one = { wio->buf, (size_t)wio->n * s->disk.block },
				   .timeout_ms = 20000,
				   .done = on_io };
	disk_rw(&s->disk, &wio->io, dir, w->index * s->a->blocks + wio->first, wio->n);
	if (dir == SRP_DIR_WRITE) {
		wio->version = ++w->next_version;
		pattern_fill(wio->buf, (size_t)wio->n * s->disk.block,
			     version_seed(w, wio->version), (uint64_t)wio->first * s->disk.block);
	} else {
		memset(wio->buf, 0xee, (size_t)wio->n * s->disk.block);
	}
	r = srp_submit(w->conn, &wio->io);
	if (r) {
		if (r != -EAGAIN && r != -ENOTCONN) {
			(void)complain(s->url->text, "cannot send a command: %s", strerror(-r));
			stress_fail(s, EXIT_FAILED);
		}
		return false;
	}
	wio->busy = true;
	wio->start_ns = s->now_ns;
	w->n_out++;
	for (uint32_t i = 0; i < wio->n; i++)
		w->block[wio->first + i].busy = true;
	return true;
}

/* The next part of the final pass. Return: whether there was one. */
static bool start_final(struct stress_worker *w, struct worker_io *wio)
{
	struct stress *s = w->s;

	if (w->checked >= s->a->blocks)
		return false;
	wio->first = w->checked;
	wio->n = (uint32_t)min_u64(IO_BLOCKS_MAX, s->a->blocks - w->checked);
	/* A write that is under way may come before or behind a read: they are SIMPLE. */
	for (uint32_t i = 0; i < wio->n; i++)
		if (w->block[wio->first + i].busy)
			return false;
	if (!submit(w, wio, SRP_DIR_READ))
		return false;
	w->checked += wio->n;
	return true;
}

static bool start_random(struct stress_worker *w, struct worker_io *wio)
{
	struct stress *s = w->s;
	bool write = prng_below(&w->prng, 2);
	uint32_t want = (uint32_t)prng_below(&w->prng, 8) ? 8 : IO_BLOCKS_MAX;
	uint32_t max = (uint32_t)(1 + prng_below(&w->prng, want));

	wio->first = (uint32_t)prng_below(&w->prng, s->a->blocks);
	for (wio->n = 0; wio->n < max && wio->first + wio->n < s->a->blocks; wio->n++) {
		const struct block *b = &w->block[wio->first + wio->n];

		if (!block_usable(s, b, write))
			break;
	}
	return wio->n && submit(w, wio, write ? SRP_DIR_WRITE : SRP_DIR_READ);
}

static void fill_more(struct stress_worker *w)
{
	struct stress *s = w->s;

	if (w->phase != PHASE_RUN || s->failed)
		return;
	for (uint64_t i = 0; i < s->a->qd; i++) {
		struct worker_io *wio = &w->io[i];

		if (wio->busy)
			continue;
		if (s->final ? !start_final(w, wio) : !start_random(w, wio))
			break;
	}
}

/* --- connections --- */

static void enter(struct stress_worker *w, enum worker_phase phase, uint64_t wait_ns)
{
	w->phase = phase;
	w->phase_ns = w->s->now_ns;
	w->wake_ns = w->s->now_ns + wait_ns;
}

static uint64_t random_ms(struct stress_worker *w, uint64_t min, uint64_t max)
{
	return (min + prng_below(&w->prng, max - min)) * NSEC_PER_MSEC;
}

static void on_up(struct srp_conn *conn, void *user)
{
	struct stress_worker *w = user;

	(void)conn;
	w->s->now_ns = srp_ctx_now_ns(w->s->ctx);
	w->s->n_logins++;
	enter(w, PHASE_RUN, random_ms(w, 20, 2000));
	fill_more(w);
}

static void on_down(struct srp_conn *conn, void *user, const struct srp_down *why)
{
	struct stress_worker *w = user;
	struct stress *s = w->s;
	bool busy_target = why->reason == SRP_DOWN_REJECTED &&
			   (why->code == 0x00010001 || why->code == 0x00010006);

	(void)conn;
	s->now_ns = srp_ctx_now_ns(s->ctx);
	w->gone = true;
	s->n_refused += busy_target;
	/* Nobody but ourselves has a reason to end a connection. */
	if (w->phase != PHASE_CLOSING && !busy_target)
		stress_fail(s, sess_complain_down(s->url->text, why));
	enter(w, PHASE_DOWN, busy_target ? 200 * NSEC_PER_MSEC : random_ms(w, 0, 50));
}

static const struct srp_conn_ops stress_ops = { .up = on_up, .down = on_down };

static void login(struct stress_worker *w)
{
	struct stress *s = w->s;
	struct srp_connect_opts o;
	int r = sess_opts(s->url, &s->a->conn, &o);

	if (!r) {
		o.depth = (unsigned)s->a->qd;
		if (w->index & 1) {
			o.initiator = srp_default_initiator();
			put_be32(o.initiator.b + 4, w->index + 1);
			o.mode = SRP_SINGLE;
		}
		w->gone = false;
		r = srp_connect(&w->conn, s->ctx, &o, &stress_ops, w);
		if (r)
			r = complain(s->url->text, "cannot log in: %s", strerror(-r));
	}
	if (r)
		stress_fail(s, r);
	enter(w, PHASE_LOGIN, STUCK_NS);
}

/* Time to go: abruptly, in order with commands in flight, or after all came back. */
static void part(struct stress_worker *w)
{
	struct stress *s = w->s;

	switch (prng_below(&w->prng, 3)) {
	case 0:
		s->n_abrupt++;
		enter(w, PHASE_CLOSING, STUCK_NS);
		srp_close(w->conn, SRP_CLOSE_ABRUPT);
		break;
	case 1:
		s->n_orderly++;
		enter(w, PHASE_CLOSING, STUCK_NS);
		srp_close(w->conn, SRP_CLOSE_LOGOUT);
		break;
	default:
		s->n_orderly++;
		enter(w, PHASE_DRAIN, STUCK_NS);
		break;
	}
}

static void check_stuck(struct stress_worker *w)
{
	struct stress *s = w->s;

	for (uint64_t i = 0; i < s->a->qd; i++) {
		if (!w->io[i].busy || s->now_ns - w->io[i].start_ns < STUCK_NS)
			continue;
		(void)complain(s->url->text, "connection %u: a command was not answered for %llu s",
			       w->index, ull(STUCK_NS / NSEC_PER_SEC));
		stress_fail(s, EXIT_FAILED);
		return;
	}
	if ((w->phase == PHASE_LOGIN || w->phase == PHASE_CLOSING) &&
	    s->now_ns - w->phase_ns > STUCK_NS) {
		(void)complain(s->url->text, "connection %u: %s takes for ever", w->index,
			       w->phase == PHASE_LOGIN ? "a login" : "an end");
		stress_fail(s, EXIT_FAILED);
	}
}

static void worker_turn(struct stress_worker *w)
{
	struct stress *s = w->s;

	switch (w->phase) {
	case PHASE_DOWN:
		if (w->gone) {
			srp_conn_free(w->conn);
			w->conn = NULL;
			w->gone = false;
		}
		if (s->now_ns >= w->wake_ns)
			login(w);
		break;
	case PHASE_RUN:
		if (s->final && w->checked >= s->a->blocks && !w->n_out)
			enter(w, PHASE_DONE, 0);
		else if (s->a->churn && !s->calm && s->now_ns >= w->wake_ns)
			part(w);
		else
			fill_more(w);
		break;
	case PHASE_DRAIN:
		if (!w->n_out) {
			enter(w, PHASE_CLOSING, STUCK_NS);
			srp_close(w->conn, SRP_CLOSE_LOGOUT);
		}
		break;
	case PHASE_LOGIN:
	case PHASE_CLOSING:
	case PHASE_DONE:
		break;
	}
	check_stuck(w);
}

/* Return: workers that are not done yet. */
static unsigned round_of_all(struct stress *s)
{
	unsigned n = 0;

	s->now_ns = srp_ctx_now_ns(s->ctx);
	for (unsigned i = 0; i < s->a->conns; i++) {
		worker_turn(&s->w[i]);
		n += s->w[i].phase != PHASE_DONE;
	}
	return n;
}

/* --- the run --- */

static int set_up(struct stress *s)
{
	const struct stress_args *a = s->a;

	s->w = calloc(a->conns, sizeof(*s->w));
	if (!s->w)
		return complain("buffers", "%s", strerror(ENOMEM));
	for (unsigned i = 0; i < a->conns; i++) {
		struct stress_worker *w = &s->w[i];

		w->s = s;
		w->index = i;
		w->prng = prng_of(a->seed + i);
		w->block = calloc(a->blocks, sizeof(*w->block));
		w->io = calloc(a->qd, sizeof(*w->io));
		if (!w->block || !w->io)
			return complain("buffers", "%s", strerror(ENOMEM));
		for (uint64_t k = 0; k < a->qd; k++) {
			w->io[k].w = w;
			w->io[k].buf = aligned_alloc(4096, (IO_BLOCKS_MAX * s->disk.block + 4095) &
								   ~4095u);
			if (!w->io[k].buf)
				return complain("buffers", "%s", strerror(ENOMEM));
		}
		w->wake_ns = 0;
	}
	return 0;
}

static void tear_down(struct stress *s)
{
	for (unsigned i = 0; s->w && i < s->a->conns; i++) {
		struct stress_worker *w = &s->w[i];

		if (w->conn && !w->gone) {
			w->phase = PHASE_CLOSING;
			srp_close(w->conn, s->failed ? SRP_CLOSE_ABRUPT : SRP_CLOSE_LOGOUT);
		}
		while (w->conn && !w->gone && !srp_ctx_process(s->ctx, -1))
			;
		srp_conn_free(w->conn);
	}
	for (unsigned i = 0; s->w && i < s->a->conns; i++) {
		for (uint64_t k = 0; s->w[i].io && k < s->a->qd; k++)
			free(s->w[i].io[k].buf);
		free(s->w[i].io);
		free(s->w[i].block);
	}
	free(s->w);
}

static int look_at_lun(struct stress *s)
{
	struct sess sess;
	int r = sess_open(&sess, s->ctx, s->url, &s->a->conn, 0);

	if (!r)
		r = disk_open(&s->disk, &sess, s->url->lun);
	if (!r && s->disk.n_blocks < s->a->conns * s->a->blocks)
		r = complain(s->url->text,
			     "the LUN has %llu blocks, %llu are needed: use fewer --blocks",
			     ull(s->disk.n_blocks), ull(s->a->conns * s->a->blocks));
	if (!r && s->disk.max_blocks && s->disk.max_blocks < IO_BLOCKS_MAX)
		r = complain(s->url->text, "the LUN takes no I/Os of %u blocks", IO_BLOCKS_MAX);
	sess_close(&sess);
	return r;
}

static int stress_run(struct stress *s)
{
	uint64_t end_ns;
	uint64_t final_ns;
	int r = look_at_lun(s);

	if (!r)
		r = set_up(s);
	if (r) {
		tear_down(s);
		return r;
	}
	end_ns = srp_ctx_now_ns(s->ctx) + s->a->secs * NSEC_PER_SEC;
	final_ns = end_ns + 2 * QUARANTINE_NS;
	while (!s->failed && round_of_all(s)) {
		s->calm = s->now_ns >= end_ns;
		s->final = s->now_ns >= final_ns;
		if (s->final && s->now_ns > final_ns + 4 * STUCK_NS) {
			(void)complain(s->url->text, "the final pass takes for ever");
			stress_fail(s, EXIT_FAILED);
		}
		if (srp_ctx_process(s->ctx, 10))
			stress_fail(s, complain("event loop", "broken"));
	}
	tear_down(s);
	return s->code;
}

static void report(const struct stress *s)
{
	(void)printf("%llu reads and %llu writes checked, %.1f MiB; %llu reads and %llu writes "
		     "lost with "
		     "their connection, %llu blocks settled\n",
		     ull(s->n_reads), ull(s->n_writes), (double)s->bytes / (1 << 20),
		     ull(s->n_lost_reads), ull(s->n_lost_writes), ull(s->n_settled));
	(void)printf("%llu logins (%llu refused for want of resources), %llu connections ended in "
		     "order, "
		     "%llu abruptly\n",
		     ull(s->n_logins), ull(s->n_refused), ull(s->n_orderly), ull(s->n_abrupt));
	(void)printf("%s\n", s->code ? "FAILED" : "all data correct, nothing lost, nothing stuck");
}

int cmd_stress(int argc, char **argv)
{
	struct stress_args a = { .secs = 20, .conns = 32, .qd = 8, .blocks = 512, .seed = 1 };
	const struct opt opts[] = {
		{ "secs", 's', OPT_NUMBER, &a.secs, "N", "how long (default 20)" },
		{ "conns", 'c', OPT_NUMBER, &a.conns, "N", "connections (default 32)" },
		{ "qd", 'q', OPT_NUMBER, &a.qd, "N", "I/Os in flight per connection (default 8)" },
		{ "blocks", 'n', OPT_NUMBER, &a.blocks, "N",
		  "blocks per connection (default 512)" },
		{ "churn", 0, OPT_FLAG, &a.churn, NULL,
		  "end connections at random and log in again" },
		{ "seed", 0, OPT_NUMBER, &a.seed, "N", "of the random choices (default 1)" },
		OPT_CONN(&a.conn),
		{ 0 },
	};
	struct stress s = { .a = &a };
	const struct main1 m = { .name = "stress", .opts = opts, .help = &help };
	struct url url;
	int r;

	(void)argc;
	r = main1_url(&m, argv, &url);
	if (r < 0)
		return -1 - r;
	if (!a.conns || a.conns > CONNS_MAX || !a.qd || a.qd > QD_MAX || !a.blocks ||
	    a.blocks > BLOCKS_MAX || !a.secs || a.secs > 86400)
		return usage_error("stress", "--conns goes up to %u, --qd to %u, --blocks to %u",
				   CONNS_MAX, QD_MAX, BLOCKS_MAX);
	s.url = &url;
	r = sess_ctx_new(&s.ctx, &a.conn, (unsigned)a.conns + 1);
	if (r)
		return r;
	r = stress_run(&s);
	srp_ctx_free(s.ctx);
	report(&s);
	return r;
}
