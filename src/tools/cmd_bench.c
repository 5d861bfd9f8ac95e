/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The load generator. One thread; per I/O it touches one structure, changes the LBA in a CDB that is
 * otherwise ready, and looks at no clock: times are those of the event loop's rounds, which begin when
 * the answers arrive and end with the sending of the next commands.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/cur.h"
#include "base/hist.h"
#include "base/list.h"
#include "base/prng.h"
#include "tools/srp_flow.h"
#include "tools/srp_main1.h"
#include "tools/srp_pattern.h"

#define CONNS_MAX    1024u
#define DEPTH_MAX    1000u
#define BS_MAX       (64u << 20)
#define VERIFY_BYTES (64ull << 20) /* region when verifying, unless told */
#define VERIFY_SEED  0x5eedull
#define DRAIN_NS     (60 * NSEC_PER_SEC)

static const struct opt_help help = {
	.usage = "srp bench [OPTION]... URL",
	.text = "Measure a LUN: IOPS, MB/s (10^6 bytes), latency percentiles, and what the client "
		"itself\n"
		"costs (CPU time and context switches per I/O). All connections belong to one "
		"initiator\n"
		"port unless --nexuses is given.\n\n"
		"Writing destroys the LUN's data. With --verify the region is filled with a "
		"pattern first,\n"
		"every block read is checked, and after writing the whole region is read back.",
	.example = "  srp bench --rw randread --bs 4k --qd 32 srp://127.0.0.1/0\n"
		   "  srp bench --rw write --bs 1M --qd 4 --conns 2 --secs 10 --json "
		   "srp://127.0.0.1/1",
};

struct bench_args {
	struct conn_args conn;
	const char *rw;
	uint64_t bs;
	uint64_t qd;
	uint64_t conns;
	uint64_t secs;
	uint64_t size;
	uint64_t inflight;
	bool json;
	bool mark;
	bool verify;
	bool nexuses;
	bool per_command;
};

struct bench;

struct bench_io {
	struct srp_io io;
	struct list node; /* on bench.idle */
	struct bench_conn *bc;
	uint64_t start_ns;
	uint64_t block; /* in units of bs */
};

struct bench_conn {
	struct bench *b;
	struct srp_conn *conn;
	struct srp_mem *mem;
	struct bench_io *io;
	uint8_t *buf;
	struct prng prng;
	uint64_t next; /* sequential: next block */
	bool up;
	bool down;
	bool starved; /* submissions were refused */
};

struct bench {
	const struct bench_args *a;
	const struct url *url;
	struct srp_ctx *ctx;
	struct disk disk; /* without session: geometry only */
	struct bench_conn *bc;
	enum srp_dir dir;
	bool random;
	bool verify;
	bool running;
	uint64_t begin_ns; /* of the measured time; 0: it is not measured */
	uint64_t n_blocks; /* of bs bytes in the region */
	uint32_t lba_per_block;
	unsigned n_up;
	unsigned n_down;
	uint64_t n_out;
	struct list idle; /* with --inflight: I/Os whose turn has not come */
	uint64_t n_ios;
	uint64_t
		n_all; /* with those of the warm-up and after the end, which the target has done too */
	uint64_t n_errors;
	int failed; /* exit code */
	struct hist hist;
	double cpu_us; /* used while measuring */
	double n_switches;
	double secs;
};

static void io_next(struct bench_io *bio);

/* --- one I/O --- */

static void bench_fail(struct bench *b, int code)
{
	b->running = false;
	if (!b->failed)
		b->failed = code;
}

static void check_data(struct bench_io *bio)
{
	struct bench *b = bio->bc->b;
	uint64_t off = bio->block * b->a->bs;
	size_t at = pattern_check(bio->io.one.iov_base, b->a->bs, VERIFY_SEED, off);

	if (at == b->a->bs)
		return;
	b->n_errors++;
	if (!b->failed)
		(void)complain(b->url->text, "wrong data at byte %llu", ull(off + at));
	bench_fail(b, EXIT_DIFFERENT);
}

/* @bio has been answered. Return: who goes on; the connections take turns where not all may be under way. */
static struct bench_io *io_of_next_turn(struct bench *b, struct bench_io *bio)
{
	if (list_empty(&b->idle))
		return bio;
	list_push(&b->idle, &bio->node);
	return list_entry(list_pop(&b->idle), struct bench_io, node);
}

static void on_io(struct srp_io *io)
{
	struct bench_io *bio = container_of(io, struct bench_io, io);
	struct bench *b = bio->bc->b;
	char text[160];

	b->n_out--;
	if (!io_ok(io)) {
		if (b->running && io_again(io)) {
			io_next(bio);
			return;
		}
		b->n_errors++;
		if (io->outcome != SRP_IO_LOST && !b->failed)
			(void)complain(b->url->text, "%s", io_text(io, text, sizeof(text)));
		bench_fail(b, EXIT_FAILED);
		return;
	}
	if (b->verify && b->dir == SRP_DIR_READ)
		check_data(bio);
	b->n_all++;
	if (b->begin_ns && bio->start_ns >= b->begin_ns) {
		b->n_ios++;
		hist_add(&b->hist, srp_ctx_now_ns(b->ctx) - bio->start_ns);
	}
	if (b->running)
		io_next(io_of_next_turn(b, bio));
}

static void io_next(struct bench_io *bio)
{
	struct bench_conn *bc = bio->bc;
	struct bench *b = bc->b;
	uint64_t block;
	int r;

	if (b->random) {
		block = prng_below(&bc->prng, b->n_blocks);
	} else {
		block = bc->next;
		bc->next = block + 1 < b->n_blocks ? block + 1 : 0;
	}
	bio->block = block;
	put_be64(bio->io.cdb + 2, block * b->lba_per_block); /* READ(16), WRITE(16) */
	if (b->verify && b->dir == SRP_DIR_WRITE)
		pattern_fill(bio->io.one.iov_base, b->a->bs, VERIFY_SEED, block * b->a->bs);
	bio->start_ns = srp_ctx_now_ns(b->ctx);
	r = srp_submit(bc->conn, &bio->io);
	if (r == 0) {
		b->n_out++;
		return;
	}
	if (r == -EAGAIN) { /* the credit shrank; this place in the queue stays empty from now on */
		bc->starved = true;
		return;
	}
	if (r != -ENOTCONN)
		(void)complain(b->url->text, "cannot send a command: %s", strerror(-r));
	bench_fail(b, EXIT_FAILED);
}

/* --- connections --- */

static void on_up(struct srp_conn *conn, void *user)
{
	struct bench_conn *bc = user;

	(void)conn;
	bc->up = true;
	bc->b->n_up++;
}

static void on_down(struct srp_conn *conn, void *user, const struct srp_down *why)
{
	struct bench_conn *bc = user;
	struct bench *b = bc->b;

	(void)conn;
	bc->down = true;
	b->n_down++;
	if (why->reason != SRP_DOWN_CLOSED && (!b->failed || b->failed == EXIT_FAILED)) {
		int code = sess_complain_down(b->url->text, why);

		b->failed = 0;
		bench_fail(b, code);
	}
}

static const struct srp_conn_ops bench_ops = { .up = on_up, .down = on_down };

static void io_init(struct bench_conn *bc, struct bench_io *bio, uint8_t *buf)
{
	struct bench *b = bc->b;

	bio->bc = bc;
	bio->io.lun = b->disk.lun;
	bio->io.dir = b->dir;
	bio->io.n_iov = 1;
	bio->io.one.iov_base = buf;
	bio->io.one.iov_len = b->a->bs;
	bio->io.mem = bc->mem;
	bio->io.done = on_io;
	bio->io.timeout_ms = (unsigned)min_u64(b->a->conn.timeout_s, 86400) * 1000;
	bio->io.cdb_len = 16;
	bio->io.cdb[0] = b->dir == SRP_DIR_READ ? 0x88 : 0x8a;
	put_be32(bio->io.cdb + 10, b->lba_per_block);
	if (b->dir == SRP_DIR_WRITE)
		pattern_fill(buf, b->a->bs, VERIFY_SEED, 0);
}

/* Return: 0, or an exit code after a complaint. */
static int conn_prepare(struct bench_conn *bc)
{
	const struct bench_args *a = bc->b->a;
	struct srp_conn_info info;
	int r;

	srp_conn_info(bc->conn, &info);
	if (info.depth < a->qd)
		return complain(bc->b->url->text,
				"the target grants %u commands in flight, use --qd %u", info.depth,
				info.depth);
	if (!a->per_command) {
		r = srp_mem_reg(&bc->mem, bc->conn, bc->buf, a->qd * a->bs,
				bc->b->dir == SRP_DIR_READ ? SRP_MEM_WRITABLE : SRP_MEM_READABLE);
		if (r)
			return complain(bc->b->url->text, "cannot register memory: %s",
					strerror(-r));
	}
	for (uint64_t i = 0; i < a->qd; i++)
		io_init(bc, &bc->io[i], bc->buf + i * a->bs);
	return 0;
}

static int conn_start(struct bench *b, unsigned i)
{
	struct bench_conn *bc = &b->bc[i];
	struct srp_connect_opts o;
	int r;

	bc->b = b;
	bc->prng = prng_of(i + 1);
	bc->next = b->n_blocks / b->a->conns * i;
	bc->io = calloc(b->a->qd, sizeof(*bc->io));
	bc->buf = aligned_alloc(4096, (b->a->qd * b->a->bs + 4095) & ~4095ull);
	if (!bc->io || !bc->buf)
		return complain("buffers", "%s", strerror(ENOMEM));
	memset(bc->buf, 0, b->a->qd * b->a->bs); /* have the pages before the clock runs */
	r = sess_opts(b->url, &b->a->conn, &o);
	if (r)
		return r;
	o.depth = (unsigned)b->a->qd;
	o.max_pieces = 1;
	if (i) /* the first may end what is left of earlier runs, never its own brothers */
		o.mode = SRP_MULTI;
	if (b->a->nexuses) {
		if (!b->a->conn.initiator)
			o.initiator = srp_default_initiator();
		put_be32(o.initiator.b + 4, i + 1);
	}
	r = srp_connect(&bc->conn, b->ctx, &o, &bench_ops, bc);
	return r ? complain(b->url->text, "cannot log in: %s", strerror(-r)) : 0;
}

/* One after the other: a storm of logins would run into the target's cap of half-open ones. */
static int connect_all(struct bench *b)
{
	int r = 0;

	for (unsigned i = 0; i < b->a->conns && !r; i++) {
		r = conn_start(b, i);
		while (!r && !b->bc[i].up && !b->failed)
			r = srp_ctx_process(b->ctx, -1);
		if (b->failed)
			return b->failed;
		if (!r)
			r = conn_prepare(&b->bc[i]);
	}
	return r;
}

static void disconnect_all(struct bench *b)
{
	unsigned n = 0;

	for (unsigned i = 0; i < b->a->conns; i++) {
		if (!b->bc[i].conn)
			continue;
		n++;
		if (!b->bc[i].down)
			srp_close(b->bc[i].conn, SRP_CLOSE_LOGOUT);
	}
	while (b->n_down < n && !srp_ctx_process(b->ctx, -1))
		;
	for (unsigned i = 0; i < b->a->conns; i++) {
		srp_mem_dereg(b->bc[i].mem);
		srp_conn_free(b->bc[i].conn);
		free(b->bc[i].io);
		free(b->bc[i].buf);
	}
}

/* --- the run --- */

/* Process until @until_ns. Return: 0, or an exit code. */
static int run_until(struct bench *b, uint64_t until_ns)
{
	uint64_t now;

	while ((now = srp_ctx_now_ns(b->ctx)) < until_ns && b->running)
		if (srp_ctx_process(b->ctx, (int)((until_ns - now) / NSEC_PER_MSEC) + 1))
			return complain("event loop", "broken");
	return b->failed;
}

static double cpu_us(const struct rusage *r)
{
	return (double)(r->ru_utime.tv_sec + r->ru_stime.tv_sec) * 1e6 +
	       (double)(r->ru_utime.tv_usec + r->ru_stime.tv_usec);
}

/* Who looks at the target meanwhile says when to go on, so it sees the target as it was at this moment. */
static void mark(const struct bench_args *a, const char *what)
{
	int c;

	if (!a->mark)
		return;
	(void)printf("%s\n", what);
	(void)fflush(stdout);
	do
		c = getchar();
	while (c != '\n' && c != EOF);
}

static int measure(struct bench *b)
{
	struct rusage before;
	struct rusage after;
	uint64_t start;
	uint64_t drain;
	int r;

	b->running = true;
	for (uint64_t k = 0; k < b->a->qd; k++)
		for (unsigned i = 0; i < b->a->conns; i++)
			if (!b->a->inflight || b->n_out < b->a->inflight)
				io_next(&b->bc[i].io[k]);
			else
				list_push(&b->idle, &b->bc[i].io[k].node);
	start = srp_ctx_now_ns(b->ctx);
	r = run_until(b, start + min_u64(b->a->secs * NSEC_PER_SEC / 10, NSEC_PER_SEC / 2));
	mark(b->a, "begin");
	getrusage(RUSAGE_SELF, &before);
	start = srp_ctx_now_ns(b->ctx);
	b->begin_ns = start; /* what is under way is not counted, as it is not at the end */
	if (!r)
		r = run_until(b, start + b->a->secs * NSEC_PER_SEC);
	b->secs = (double)(srp_ctx_now_ns(b->ctx) - start) / 1e9;
	b->begin_ns = 0;
	b->running = false;
	getrusage(RUSAGE_SELF, &after);
	mark(b->a, "end");
	b->cpu_us = cpu_us(&after) - cpu_us(&before);
	b->n_switches =
		(double)(after.ru_nvcsw + after.ru_nivcsw - before.ru_nvcsw - before.ru_nivcsw);
	drain = srp_ctx_now_ns(b->ctx) + DRAIN_NS;
	while (b->n_out && srp_ctx_now_ns(b->ctx) < drain)
		if (srp_ctx_process(b->ctx, 1000))
			break;
	if (b->n_out && !r)
		r = complain(b->url->text, "%llu commands were never answered", ull(b->n_out));
	return r ? r : b->failed;
}

static double lat_us(const struct bench *b, unsigned permille)
{
	return (double)hist_permille(&b->hist, permille) / 1e3;
}

static void report_json(const struct bench *b, double ios, double iops)
{
	const struct bench_args *a = b->a;

	(void)printf("{\"rw\":\"%s\",\"bs\":%llu,\"qd\":%llu,\"conns\":%llu,\"secs\":%.3f,", a->rw,
		     ull(a->bs), ull(a->qd), ull(a->conns), b->secs);
	(void)printf("\"ios\":%llu,\"all_ios\":%llu,\"errors\":%llu,\"iops\":%.1f,\"mb_s\":%.2f,",
		     ull(b->n_ios), ull(b->n_all), ull(b->n_errors), iops,
		     iops * (double)a->bs / 1e6);
	(void)printf(
		"\"lat_us\":{\"mean\":%.2f,\"p50\":%.2f,\"p90\":%.2f,\"p99\":%.2f,\"p999\":%.2f,"
		"\"max\":%.2f},",
		(double)b->hist.sum / ios / 1e3, lat_us(b, 500), lat_us(b, 900), lat_us(b, 990),
		lat_us(b, 999), (double)b->hist.max / 1e3);
	(void)printf("\"cpu_us_per_io\":%.3f,\"ctxsw_per_io\":%.4f}\n", b->cpu_us / ios,
		     b->n_switches / ios);
}

static void report(const struct bench *b)
{
	const struct bench_args *a = b->a;
	double ios = b->n_ios ? (double)b->n_ios : 1;
	double iops = (double)b->n_ios / b->secs;

	if (a->json) {
		report_json(b, ios, iops);
		return;
	}
	(void)printf(
		"%s, %llu bytes, %llu in flight on each of %llu connection(s), %.2f s: %llu I/Os, "
		"%llu errors\n",
		a->rw, ull(a->bs), ull(a->qd), ull(a->conns), b->secs, ull(b->n_ios),
		ull(b->n_errors));
	(void)printf("  IOPS         %.0f\n  MB/s         %.1f\n", iops,
		     iops * (double)a->bs / 1e6);
	(void)printf(
		"  latency us   mean %.1f  p50 %.1f  p90 %.1f  p99 %.1f  p99.9 %.1f  max %.1f\n",
		(double)b->hist.sum / ios / 1e3, lat_us(b, 500), lat_us(b, 900), lat_us(b, 990),
		lat_us(b, 999), (double)b->hist.max / 1e3);
	(void)printf("  this client  %.2f us CPU and %.4f context switches per I/O\n",
		     b->cpu_us / ios, b->n_switches / ios);
}

/* Write the pattern over the region, or compare the region with it. */
static int pattern_pass(struct bench *b, struct sess *s, bool compare)
{
	struct flow_end from = { .kind = FLOW_PATTERN, .name = "the pattern", .seed = VERIFY_SEED };
	struct flow_end to = { .kind = FLOW_DISK, .name = b->url->text, .disk = &b->disk };
	struct flow f = { .from = &from, .to = &to, .compare = compare };

	b->disk.s = s;
	f.len = b->n_blocks * b->a->bs;
	return flow_run(b->ctx, &f, 8, flow_chunk(&f, 1u << 20));
}

/* A session of its own for what is not measured: geometry and the passes over the region. */
static int look_at_lun(struct bench *b)
{
	const struct bench_args *a = b->a;
	uint64_t size;
	struct sess s;
	int r = sess_open(&s, b->ctx, b->url, &a->conn, 0);

	if (!r)
		r = disk_open(&b->disk, &s, b->url->lun);
	if (!r && (a->bs % b->disk.block ||
		   (b->disk.max_blocks && a->bs / b->disk.block > b->disk.max_blocks)))
		r = complain(b->url->text,
			     "--bs must be a multiple of %u, and the LUN may limit it",
			     b->disk.block);
	if (!r) {
		size = b->disk.n_blocks * b->disk.block;
		size = a->size                            ? min_u64(a->size, size)
		       : b->verify && size > VERIFY_BYTES ? VERIFY_BYTES
							  : size;
		b->n_blocks = size / a->bs;
		b->lba_per_block = (uint32_t)(a->bs / b->disk.block);
		if (!b->n_blocks)
			r = complain(b->url->text, "the region is smaller than one block of --bs");
	}
	if (!r && b->verify)
		r = pattern_pass(b, &s, false);
	sess_close(&s);
	return r;
}

static int verify_after(struct bench *b)
{
	struct sess s;
	int r = sess_open(&s, b->ctx, b->url, &b->a->conn, 0);

	if (!r)
		r = pattern_pass(b, &s, true);
	sess_close(&s);
	return r;
}

static int bench_run(struct bench *b)
{
	int r = look_at_lun(b);

	if (r)
		return r;
	b->bc = calloc(b->a->conns, sizeof(*b->bc));
	if (!b->bc)
		return complain("buffers", "%s", strerror(ENOMEM));
	r = connect_all(b);
	if (!r)
		r = measure(b);
	disconnect_all(b);
	free(b->bc);
	if (!r || b->n_ios)
		report(b);
	if (!r && b->verify && b->dir == SRP_DIR_WRITE)
		r = verify_after(b);
	return r;
}

static int check_args(const struct bench_args *a, struct bench *b)
{
	static const char *const modes[] = { "read", "randread", "write", "randwrite" };
	unsigned m = 0;

	while (m < ARRAY_SIZE(modes) && strcmp(a->rw, modes[m]) != 0)
		m++;
	if (m == ARRAY_SIZE(modes))
		return usage_error("bench", "--rw is one of read, randread, write, randwrite");
	b->dir = m < 2 ? SRP_DIR_READ : SRP_DIR_WRITE;
	b->random = m & 1;
	b->verify = a->verify;
	if (!a->qd || a->qd > DEPTH_MAX || !a->conns || a->conns > CONNS_MAX)
		return usage_error("bench", "--qd goes from 1 to %u, --conns from 1 to %u",
				   DEPTH_MAX, CONNS_MAX);
	if (!a->bs || a->bs % 512 || a->bs > BS_MAX)
		return usage_error("bench", "--bs is a multiple of 512, at most 64M");
	if (!a->secs || a->secs > 86400)
		return usage_error("bench", "--secs goes from 1 to 86400");
	return 0;
}

int cmd_bench(int argc, char **argv)
{
	struct bench_args a = { .rw = "randread", .bs = 4096, .qd = 32, .conns = 1, .secs = 5 };
	const struct opt opts[] = {
		{ "rw", 0, OPT_TEXT, &a.rw, "MODE", "read, randread (default), write, randwrite" },
		{ "bs", 'b', OPT_NUMBER, &a.bs, "BYTES", "size of an I/O (default 4k)" },
		{ "qd", 'q', OPT_NUMBER, &a.qd, "N", "I/Os in flight per connection (default 32)" },
		{ "conns", 'c', OPT_NUMBER, &a.conns, "N", "connections (default 1)" },
		{ "secs", 's', OPT_NUMBER, &a.secs, "N", "how long to measure (default 5)" },
		{ "size", 0, OPT_NUMBER, &a.size, "BYTES", "use only the first bytes of the LUN" },
		{ "inflight", 0, OPT_NUMBER, &a.inflight, "N",
		  "I/Os in flight on all connections together, which take turns" },
		{ "poll-us", 0, OPT_NUMBER, &a.conn.poll_us, "N",
		  "look for answers so long without sleeping (default 0)" },
		{ "json", 'j', OPT_FLAG, &a.json, NULL, "one line of JSON" },
		{ "mark", 0, OPT_FLAG, &a.mark, NULL,
		  "print `begin` and `end` as the measured time begins and ends, and wait for a "
		  "line" },
		{ "verify", 0, OPT_FLAG, &a.verify, NULL, "check all data; overwrites the region" },
		{ "nexuses", 0, OPT_FLAG, &a.nexuses, NULL,
		  "an initiator port for every connection" },
		{ "per-command", 0, OPT_FLAG, &a.per_command, NULL,
		  "register the buffer anew for every I/O" },
		OPT_CONN(&a.conn),
		{ 0 },
	};
	static struct bench b;
	const struct main1 m = { .name = "bench", .opts = opts, .help = &help };
	struct url url;
	int r;

	(void)argc;
	r = main1_url(&m, argv, &url);
	if (r < 0)
		return -1 - r;
	b = (struct bench){ .a = &a, .url = &url };
	list_init(&b.idle);
	r = check_args(&a, &b);
	if (!r)
		r = sess_ctx_new(&b.ctx, &a.conn, (unsigned)a.conns + 1);
	if (r)
		return r;
	r = bench_run(&b);
	srp_ctx_free(b.ctx);
	return r;
}
