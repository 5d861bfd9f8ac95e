/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/srp_flow.h"

#define DEPTH_MAX 64u

static const struct opt_help help = {
	.usage = "srp copy [OPTION]... FROM TO",
	.text = "Copy between files and LUNs; each of FROM and TO is a URL or a path, at least one "
		"a\n"
		"URL. A LUN is copied as a whole, so TO must be at least as large as FROM; what "
		"is\n"
		"beyond on TO stays as it is. Block sizes may differ. A file whose size is no "
		"multiple of\n"
		"the block size is filled up with zeroes on the LUN. A destination file is "
		"truncated\n"
		"first; blocks of zeroes become holes with --sparse.",
	.example = "  srp copy disk.img srp://127.0.0.1/0\n"
		   "  srp copy --verify srp://127.0.0.1/0 backup.img\n"
		   "  srp copy srp://10.0.0.1/0 srp://10.0.0.2/3",
};

struct copy_args {
	struct conn_args conn;
	uint64_t depth;
	uint64_t chunk;
	bool verify;
	bool sparse;
};

/* One end: what belongs to it, so that it can be closed. */
struct side {
	struct flow_end end;
	struct url url;
	struct sess sess;
	struct disk disk;
	uint64_t size; /* bytes; UINT64_MAX: not known or not limited */
};

static int open_url(struct side *side, const char *text, struct srp_ctx *ctx,
		    const struct copy_args *a)
{
	const char *fault = url_parse(text, &side->url);
	int r;

	if (fault)
		return usage_error("copy", "%s: %s", text, fault);
	r = sess_open(&side->sess, ctx, &side->url, &a->conn, 0);
	if (!r)
		r = disk_open(&side->disk, &side->sess, side->url.lun);
	if (r)
		return r;
	side->end.kind = FLOW_DISK;
	side->end.name = text;
	side->end.disk = &side->disk;
	side->size = side->disk.n_blocks * side->disk.block;
	return 0;
}

static int open_file(struct side *side, const char *path, bool dest, const struct copy_args *a)
{
	struct stat st;

	side->end = (struct flow_end){ .kind = FLOW_FILE, .name = path };
	side->end.fd = open(path, dest ? O_RDWR | O_CREAT | O_CLOEXEC : O_RDONLY | O_CLOEXEC, 0666);
	if (side->end.fd < 0 || fstat(side->end.fd, &st))
		return complain(path, "%s", strerror(errno));
	side->size = UINT64_MAX;
	if (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode)) {
		side->end.seekable = true;
		if (!dest || S_ISBLK(st.st_mode)) {
			off_t end = lseek(side->end.fd, 0, SEEK_END);

			if (end < 0)
				return complain(path, "%s", strerror(errno));
			side->size = (uint64_t)end;
		}
	}
	if (dest && S_ISREG(st.st_mode)) {
		if (ftruncate(side->end.fd, 0))
			return complain(path, "%s", strerror(errno));
		side->end.sparse = a->sparse;
	}
	return 0;
}

static int open_side(struct side *side, const char *text, bool dest, struct srp_ctx *ctx,
		     const struct copy_args *a)
{
	side->end.fd = -1;
	return url_is(text) ? open_url(side, text, ctx, a) : open_file(side, text, dest, a);
}

static int close_side(struct side *side, int r)
{
	if (side->end.kind == FLOW_FILE && side->end.fd >= 0 && close(side->end.fd) && !r)
		r = complain(side->end.name, "%s", strerror(errno));
	sess_close(&side->sess);
	return r;
}

static int plan(const struct side *from, const struct side *to, struct flow *f)
{
	uint64_t block = to->end.kind == FLOW_DISK ? to->disk.block : 1;

	f->len = from->size;
	if (from->end.kind == FLOW_FILE && to->end.kind == FLOW_DISK)
		f->pad = to->disk.block;
	if (f->len == UINT64_MAX)
		return 0;
	/* A LUN of larger blocks than its source: only whole blocks can be written. */
	if (from->end.kind == FLOW_DISK && f->len % block)
		return complain(to->end.name,
				"its blocks of %llu bytes do not divide the source's size",
				ull(block));
	f->len = (f->len + block - 1) / block * block;
	if (f->len > to->size)
		return complain(to->end.name, "too small: %llu bytes for a source of %llu",
				ull(to->size), ull(f->len));
	return 0;
}

/* Blocks of both ends must divide a piece. */
static uint32_t piece_size(const struct flow *f, const struct copy_args *a)
{
	uint32_t want = (uint32_t)min_u64(a->chunk ? a->chunk : 1, 64u << 20);
	uint32_t chunk = flow_chunk(f, want);

	if (f->from->kind == FLOW_DISK && f->to->kind == FLOW_DISK) {
		uint32_t block = f->from->disk->block > f->to->disk->block ? f->from->disk->block
									   : f->to->disk->block;

		chunk = chunk < block ? block : chunk - chunk % block;
	}
	return chunk;
}

static int transfer(struct srp_ctx *ctx, struct side *from, struct side *to,
		    const struct copy_args *a)
{
	struct flow f = { .from = &from->end, .to = &to->end, .what = "copy" };
	unsigned depth = (unsigned)min_u64(a->depth ? a->depth : 1, DEPTH_MAX);
	int r = plan(from, to, &f);

	if (!r)
		r = flow_run(ctx, &f, depth, piece_size(&f, a));
	if (!r && to->end.kind == FLOW_DISK)
		r = disk_flush(&to->disk);
	if (!r && to->end.sparse && ftruncate(to->end.fd, (off_t)f.done))
		r = complain(to->end.name, "%s", strerror(errno));
	if (!r && to->end.kind == FLOW_FILE && to->end.seekable && fsync(to->end.fd) &&
	    errno != EINVAL)
		r = complain(to->end.name, "%s", strerror(errno));
	if (r)
		return r;
	(void)fprintf(stderr, "%llu bytes copied\n", ull(f.done));
	if (!a->verify)
		return 0;
	if ((from->end.kind == FLOW_FILE && !from->end.seekable) ||
	    (to->end.kind == FLOW_FILE && !to->end.seekable))
		return complain("copy", "a pipe cannot be read again, leave --verify out");
	f.len = f.done;
	f.compare = true;
	f.what = "verify";
	r = flow_run(ctx, &f, depth, piece_size(&f, a));
	if (!r)
		(void)fprintf(stderr, "%llu bytes compared, all equal\n", ull(f.done));
	return r;
}

int cmd_copy(int argc, char **argv)
{
	struct copy_args a = { .depth = 8, .chunk = 1u << 20 };
	const struct opt opts[] = {
		{ "verify", 0, OPT_FLAG, &a.verify, NULL, "read both again and compare" },
		{ "sparse", 0, OPT_FLAG, &a.sparse, NULL, "leave holes in a destination file" },
		{ "qd", 'q', OPT_NUMBER, &a.depth, "N", "pieces in flight (default 8)" },
		{ "bs", 'b', OPT_NUMBER, &a.chunk, "BYTES", "size of a piece (default 1M)" },
		OPT_CONN(&a.conn),
		{ 0 },
	};
	struct side from = { 0 };
	struct side to = { 0 };
	struct srp_ctx *ctx;
	const char *pos[2];
	int r;

	(void)argc;
	r = opt_parse(opts, &help, argv, pos, 2);
	if (r < 0)
		return -1 - r;
	if (r < 2)
		return usage_error("copy", "a source and a destination are needed");
	if (!url_is(pos[0]) && !url_is(pos[1]))
		return usage_error("copy", "neither is a srp:// URL; for two files there is cp");
	r = sess_ctx_new(&ctx, &a.conn, 2);
	if (r)
		return r;
	from.end.fd = to.end.fd = -1;
	r = open_side(&from, pos[0], false, ctx, &a);
	if (!r)
		r = open_side(&to, pos[1], true, ctx, &a);
	if (!r)
		r = transfer(ctx, &from, &to, &a);
	r = close_side(&to, r);
	r = close_side(&from, r);
	srp_ctx_free(ctx);
	return r;
}
