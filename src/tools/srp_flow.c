/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/srp_flow.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/srp_pattern.h"
#include "tools/srp_progress.h"

#define RETRIES 32u

struct run;

/* One piece under way. Its path: got from the source, then put to the destination or compared. */
enum piece_state {
	PIECE_IDLE,
	PIECE_SOURCE,  /* being read from the source */
	PIECE_WAITING, /* its turn to be written has not come (destination in order only) */
	PIECE_DEST,    /* being written, or read for the comparison */
	PIECE_RETRY    /* to be submitted again */
};

struct piece {
	struct run *run;
	struct srp_io io; /* done() gets the piece by container_of */
	enum piece_state state;
	enum piece_state after_retry;
	unsigned tries;
	uint64_t off; /* from the start of the flow */
	uint32_t len;
	uint8_t *data;
	uint8_t *other; /* the destination's data, when comparing */
};

struct run {
	struct flow *f;
	struct piece *piece;
	unsigned depth;
	uint32_t chunk;
	uint64_t next; /* offset of the next piece to read */
	uint64_t end;  /* f->len, or where a source of unknown length turned out to end */
	uint64_t
		next_put; /* next offset to write, for a destination that must be written in order */
	unsigned n_busy;
	int error; /* exit code */
	struct progress progress;
};

static void piece_next(struct piece *p);
static void piece_got(struct piece *p);
static void piece_put_done(struct piece *p);

static struct flow_end *end_of(struct piece *p)
{
	return p->state == PIECE_SOURCE ? p->run->f->from : p->run->f->to;
}

static void piece_fail(struct piece *p, int code)
{
	if (!p->run->error)
		p->run->error = code;
	p->state = PIECE_IDLE;
	p->run->n_busy--;
}

/* --- LUN --- */

static void io_submit(struct piece *p)
{
	struct flow_end *e = end_of(p);
	int r = srp_submit(e->disk->s->conn, &p->io);

	if (r == 0)
		return;
	if (r == -EAGAIN) {
		p->after_retry = p->state;
		p->state = PIECE_RETRY;
		return;
	}
	/* Not connected any more: the end of the connection is reported by its session. */
	piece_fail(p, r == -ENOTCONN
			      ? EXIT_FAILED
			      : complain(e->name, "cannot send a command: %s", strerror(-r)));
}

static void on_io(struct srp_io *io)
{
	struct piece *p = container_of(io, struct piece, io);
	struct flow_end *e = end_of(p);
	char text[160];

	if (io_again(io) && p->tries++ < RETRIES) {
		p->after_retry = p->state;
		p->state = PIECE_RETRY;
		return;
	}
	if (!io_ok(io)) {
		piece_fail(p, io->outcome == SRP_IO_LOST || p->run->error
				      ? EXIT_FAILED
				      : complain(e->name, "at byte %llu: %s", ull(e->base + p->off),
						 io_text(io, text, sizeof(text))));
		return;
	}
	if (io->residual > 0) {
		piece_fail(p, complain(e->name, "at byte %llu: the target moved %lld bytes too few",
				       ull(e->base + p->off), (long long)io->residual));
		return;
	}
	if (p->state == PIECE_SOURCE)
		piece_got(p);
	else
		piece_put_done(p);
}

static void disk_start(struct piece *p, enum srp_dir dir, uint8_t *buf)
{
	const struct disk *d = end_of(p)->disk;

	p->io = (struct srp_io){ .n_iov = 1, .one = { buf, p->len }, .done = on_io };
	p->io.timeout_ms =
		d->s->args->timeout_s ? (unsigned)min_u64(d->s->args->timeout_s, 86400) * 1000 : 0;
	disk_rw(d, &p->io, dir, (end_of(p)->base + p->off) / d->block, p->len / d->block);
	p->tries = 0;
	io_submit(p);
}

/* --- file --- */

/* Return: bytes read, short only at the end of the file, or -errno. */
static ssize_t file_read(const struct flow_end *e, uint8_t *buf, size_t len, uint64_t at)
{
	size_t n = 0;

	while (n < len) {
		ssize_t r = e->seekable ? pread(e->fd, buf + n, len - n, (off_t)(at + n))
					: read(e->fd, buf + n, len - n);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		if (r == 0)
			break;
		n += (size_t)r;
	}
	return (ssize_t)n;
}

static int file_write(const struct flow_end *e, const uint8_t *buf, size_t len, uint64_t at)
{
	size_t n = 0;

	if (e->sparse && e->seekable && mem_is_zero(buf, len))
		return 0;
	while (n < len) {
		ssize_t r = e->seekable ? pwrite(e->fd, buf + n, len - n, (off_t)(at + n))
					: write(e->fd, buf + n, len - n);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		n += (size_t)r;
	}
	return 0;
}

/* A source file gave @n of p->len bytes: it ends here, or has become shorter. Return: whether anything of
 * the piece is left to do. */
static bool source_ends(struct piece *p, size_t n)
{
	struct run *run = p->run;
	uint32_t pad = run->f->pad;
	uint32_t len = (uint32_t)n;

	if (run->f->len != UINT64_MAX && p->off + n + pad <= run->f->len) {
		piece_fail(p, complain(run->f->from->name, "ends early, at byte %llu",
				       ull(p->off + n)));
		return false;
	}
	if (pad)
		len = (len + pad - 1) / pad * pad;
	memset(p->data + n, 0, len - n);
	p->len = len;
	run->next = run->end = p->off + len;
	return len != 0;
}

/* --- the path of a piece --- */

static void source_start(struct piece *p)
{
	struct flow_end *e = p->run->f->from;
	ssize_t n;

	p->state = PIECE_SOURCE;
	switch (e->kind) {
	case FLOW_DISK:
		disk_start(p, SRP_DIR_READ, p->data);
		return;
	case FLOW_PATTERN:
		pattern_fill(p->data, p->len, e->seed, p->off);
		break;
	case FLOW_FILE:
		n = file_read(e, p->data, p->len, e->base + p->off);
		if (n < 0) {
			piece_fail(p, complain(e->name, "%s", strerror((int)-n)));
			return;
		}
		if ((size_t)n < p->len && !source_ends(p, (size_t)n)) {
			if (p->state != PIECE_IDLE) {
				p->state = PIECE_IDLE;
				p->run->n_busy--;
			}
			return;
		}
		break;
	}
	piece_got(p);
}

static void dest_start(struct piece *p)
{
	struct flow_end *e = p->run->f->to;
	bool compare = p->run->f->compare;
	ssize_t n;
	int r;

	p->state = PIECE_DEST;
	if (e->kind == FLOW_DISK) {
		disk_start(p, compare ? SRP_DIR_READ : SRP_DIR_WRITE, compare ? p->other : p->data);
		return;
	}
	if (e->kind == FLOW_PATTERN) { /* only ever compared */
		pattern_fill(p->other, p->len, e->seed, p->off);
	} else if (compare) {
		n = file_read(e, p->other, p->len, e->base + p->off);
		if (n < 0 || (size_t)n < p->len) {
			piece_fail(p, complain(e->name, "%s",
					       n < 0 ? strerror((int)-n) : "is too short"));
			return;
		}
	} else {
		r = file_write(e, p->data, p->len, e->base + p->off);
		if (r) {
			piece_fail(p, complain(e->name, "%s", strerror(-r)));
			return;
		}
	}
	piece_put_done(p);
}

static bool in_order(const struct run *run)
{
	return run->f->to->kind == FLOW_FILE && !run->f->to->seekable;
}

static void piece_got(struct piece *p)
{
	struct run *run = p->run;

	if (in_order(run) && p->off != run->next_put) {
		p->state = PIECE_WAITING;
		return;
	}
	dest_start(p);
}

static void compare(struct piece *p)
{
	struct run *run = p->run;
	size_t i = 0;

	if (memcmp(p->data, p->other, p->len) == 0)
		return;
	while (p->data[i] == p->other[i])
		i++;
	if (!run->error)
		(void)complain(run->f->to->name, "differs from %s at byte %llu (%02x, not %02x)",
			       run->f->from->name, ull(run->f->to->base + p->off + i), p->other[i],
			       p->data[i]);
	run->error = EXIT_DIFFERENT;
}

static void piece_put_done(struct piece *p)
{
	struct run *run = p->run;

	if (run->f->compare)
		compare(p);
	run->f->done += p->len;
	run->next_put = p->off + p->len;
	progress_at(&run->progress, run->f->done);
	p->state = PIECE_IDLE;
	run->n_busy--;
}

/* Give a free piece the next range, if there is one. */
static void piece_next(struct piece *p)
{
	struct run *run = p->run;

	if (run->error || run->next >= run->end)
		return;
	p->off = run->next;
	p->len = (uint32_t)min_u64(run->chunk, run->end - run->next);
	run->next += p->len;
	run->n_busy++;
	source_start(p);
}

/* Move on everything that can be moved on without waiting. */
static void run_pieces(struct run *run)
{
	bool moved = true;

	while (moved) {
		moved = false;
		for (unsigned i = 0; i < run->depth; i++) {
			struct piece *p = &run->piece[i];
			uint64_t before = run->next;

			if (p->state == PIECE_WAITING && p->off == run->next_put) {
				dest_start(p);
				moved = true;
			}
			if (p->state == PIECE_IDLE)
				piece_next(p);
			moved |= before != run->next && p->state == PIECE_IDLE;
		}
	}
}

static void retry_pieces(struct run *run)
{
	for (unsigned i = 0; i < run->depth; i++) {
		struct piece *p = &run->piece[i];

		if (p->state != PIECE_RETRY)
			continue;
		p->state = p->after_retry;
		if (run->error)
			piece_fail(p, run->error);
		else
			io_submit(p);
	}
}

static int sess_end(const struct flow_end *e)
{
	if (e->kind != FLOW_DISK || !e->disk->s->down)
		return 0;
	return sess_complain_down(e->disk->s->url->text, &e->disk->s->why);
}

static void piece_free(struct piece *piece, unsigned n)
{
	for (unsigned i = 0; piece && i < n; i++) {
		free(piece[i].data);
		free(piece[i].other);
	}
	free(piece);
}

static struct piece *piece_alloc(struct run *run)
{
	struct piece *piece = calloc(run->depth, sizeof(*piece));

	for (unsigned i = 0; piece && i < run->depth; i++) {
		piece[i].run = run;
		piece[i].data = aligned_alloc(4096, run->chunk);
		piece[i].other = run->f->compare ? aligned_alloc(4096, run->chunk) : NULL;
		if (!piece[i].data || (run->f->compare && !piece[i].other)) {
			piece_free(piece, run->depth);
			return NULL;
		}
	}
	return piece;
}

uint32_t flow_chunk(const struct flow *f, uint32_t want)
{
	const struct flow_end *const ends[] = { f->from, f->to };

	want = (want + 4095) & ~4095u;
	for (unsigned i = 0; i < 2; i++) {
		const struct disk *d = ends[i]->disk;

		if (ends[i]->kind != FLOW_DISK)
			continue;
		if (want < d->block)
			want = d->block;
		want -= want % d->block;
		if (d->max_blocks && want / d->block > d->max_blocks)
			want = d->max_blocks * d->block;
	}
	return want;
}

int flow_run(struct srp_ctx *ctx, struct flow *f, unsigned depth, uint32_t chunk)
{
	struct run run = {
		.f = f, .depth = depth, .chunk = (chunk + 4095) & ~4095u, .end = f->len
	};
	int r = 0;

	run.piece = piece_alloc(&run);
	if (!run.piece)
		return complain("buffers", "%s", strerror(ENOMEM));
	run.chunk = chunk;
	f->done = 0;
	progress_start(&run.progress, f->what, f->len);
	run_pieces(&run);
	/* Commands in flight write to the buffers: wait for them also after a failure. */
	while (run.n_busy && !r) {
		r = srp_ctx_process(ctx, -1);
		retry_pieces(&run);
		run_pieces(&run);
	}
	if (f->what)
		progress_end(&run.progress, f->done);
	if (run.error == EXIT_FAILED && (f->from->kind == FLOW_DISK || f->to->kind == FLOW_DISK)) {
		/* What was lost is explained by the end of the connection, which comes right behind. */
		for (unsigned i = 0; i < 4 && !sess_end(f->from) && !sess_end(f->to); i++)
			(void)srp_ctx_process(ctx, 10);
	}
	if (r)
		run.error = complain("event loop", "%s", strerror(-r));
	if (!r)
		piece_free(run.piece, run.depth);
	return run.error;
}
