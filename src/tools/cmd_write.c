/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/srp_flow.h"
#include "tools/srp_main1.h"

#define DEPTH 8u
#define CHUNK (1u << 20)

static const struct opt_help help = {
	.usage = "srp write [OPTION]... URL",
	.text = "Write a file, standard input or a test pattern to a LUN, then flush its cache. "
		"Input\n"
		"that is no multiple of the block size is filled up with zeroes. The pattern "
		"depends on\n"
		"--pattern SEED and the place, so it can be verified later with the same options "
		"and\n"
		"--check-only.",
	.example = "  srp write -i boot.img srp://127.0.0.1/0\n"
		   "  srp write --pattern 7 --mib 64 --verify srp://127.0.0.1/0",
};

struct write_args {
	struct conn_args conn;
	uint64_t lba;
	const char *in;
	uint64_t seed;
	uint64_t mib;
	bool verify;
	bool check_only;
};

static int open_in(const char *path, struct flow_end *e, uint64_t *ret_len)
{
	struct stat st;

	*e = (struct flow_end){ .kind = FLOW_FILE, .name = path, .fd = STDIN_FILENO };
	*ret_len = UINT64_MAX;
	if (strcmp(path, "-") == 0) {
		e->name = "standard input";
		return 0;
	}
	e->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (e->fd < 0)
		return complain(path, "%s", strerror(errno));
	if (fstat(e->fd, &st) == 0 && S_ISREG(st.st_mode)) {
		e->seekable = true;
		*ret_len = (uint64_t)st.st_size;
	}
	return 0;
}

static int prepare(struct sess *s, const struct disk *d, const struct write_args *a, struct flow *f)
{
	uint64_t room;
	int r;

	if (a->lba >= d->n_blocks)
		return complain(s->url->text, "LBA %llu is beyond the end, the LUN has %llu blocks",
				ull(a->lba), ull(d->n_blocks));
	room = (d->n_blocks - a->lba) * d->block;
	f->to->base = a->lba * d->block;
	if (a->seed != UINT64_MAX) {
		*f->from =
			(struct flow_end){ .kind = FLOW_PATTERN, .name = "the pattern", .fd = -1 };
		f->from->seed = a->seed;
		if (a->mib == UINT64_MAX)
			f->len = room;
		else if (a->mib > UINT64_MAX >> 20)
			f->len = UINT64_MAX;
		else
			f->len = a->mib << 20;
	} else {
		r = open_in(a->in, f->from, &f->len);
		if (r)
			return r;
		f->pad = d->block;
	}
	if (f->len == UINT64_MAX && f->from->kind == FLOW_FILE)
		return 0; /* not known before it ends: the LUN refuses what is too much */
	if (f->len > room)
		return complain(s->url->text, "%llu bytes do not fit, there is room for %llu",
				ull(f->len), ull(room));
	f->len = (f->len + d->block - 1) / d->block * d->block;
	return 0;
}

static int transfer(struct sess *s, struct disk *d, const struct write_args *a, struct flow *f)
{
	int r = 0;

	f->what = "write";
	if (!a->check_only) {
		r = flow_run(s->ctx, f, DEPTH, flow_chunk(f, CHUNK));
		if (!r)
			r = disk_flush(d);
	}
	if (r || (!a->verify && !a->check_only))
		return r;
	if (f->from->kind == FLOW_FILE && !f->from->seekable)
		return complain(f->from->name, "cannot be read again, leave --verify out");
	f->what = "verify";
	f->compare = true;
	return flow_run(s->ctx, f, DEPTH, flow_chunk(f, CHUNK));
}

static int work(struct sess *s, void *user)
{
	const struct write_args *a = user;
	struct disk d;
	struct flow_end from = { .fd = -1 };
	struct flow_end to = { .kind = FLOW_DISK, .name = s->url->text, .disk = &d };
	struct flow f = { .from = &from, .to = &to };
	int r = disk_open(&d, s, s->url->lun);

	if (!r)
		r = prepare(s, &d, a, &f);
	if (!r)
		r = transfer(s, &d, a, &f);
	if (!r)
		(void)fprintf(stderr, "%llu bytes %s\n", ull(f.done),
			      a->check_only ? "compared, all equal"
			      : a->verify   ? "written and compared, all equal"
					    : "written");
	if (from.fd > STDIN_FILENO)
		close(from.fd);
	return r;
}

int cmd_write(int argc, char **argv)
{
	struct write_args a = { .in = "-", .seed = UINT64_MAX, .mib = UINT64_MAX };
	const struct opt opts[] = {
		{ "lba", 'l', OPT_NUMBER, &a.lba, "N", "first block (default 0)" },
		{ "input", 'i', OPT_TEXT, &a.in, "FILE",
		  "read from FILE (default -, standard input)" },
		{ "pattern", 'p', OPT_NUMBER, &a.seed, "SEED", "write a test pattern instead" },
		{ "mib", 'm', OPT_NUMBER, &a.mib, "N",
		  "length of the pattern (default: to the end)" },
		{ "verify", 0, OPT_FLAG, &a.verify, NULL, "read it back and compare" },
		{ "check-only", 0, OPT_FLAG, &a.check_only, NULL, "write nothing, only compare" },
		OPT_CONN(&a.conn),
		{ 0 },
	};
	const struct main1 m = { "write", opts, &help, &a.conn, work, &a };

	(void)argc;
	return main1_run(&m, argv);
}
