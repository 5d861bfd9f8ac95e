/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/srp_flow.h"
#include "tools/srp_main1.h"

#define DEPTH 8u
#define CHUNK (1u << 20)

static const struct opt_help help = {
	.usage = "srp read [OPTION]... URL",
	.text = "Read blocks of a LUN to a file or to standard output. Without --blocks it reads "
		"up\n"
		"to the end of the LUN.",
	.example = "  srp read --lba 0 --blocks 1 srp://127.0.0.1/0 | xxd\n"
		   "  srp read -o disk.img srp://127.0.0.1/0",
};

struct read_args {
	struct conn_args conn;
	uint64_t lba;
	uint64_t n_blocks;
	const char *out;
	bool verify;
};

static int open_out(const char *path, struct flow_end *e)
{
	off_t at;

	*e = (struct flow_end){ .kind = FLOW_FILE, .name = path, .fd = STDOUT_FILENO };
	if (strcmp(path, "-") == 0) {
		e->name = "standard output";
		return 0;
	}
	e->fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (e->fd < 0 && (errno == EACCES || errno == EINVAL))
		e->fd = open(path, O_WRONLY | O_CLOEXEC); /* a pipe, a device */
	if (e->fd < 0)
		return complain(path, "%s", strerror(errno));
	at = lseek(e->fd, 0, SEEK_CUR);
	e->seekable = at >= 0;
	return 0;
}

static int transfer(struct sess *s, struct disk *d, const struct read_args *a, struct flow_end *out)
{
	struct flow_end disk = { .kind = FLOW_DISK, .name = s->url->text, .disk = d };
	struct flow f = { .from = &disk, .to = out, .what = "read" };
	int r;

	disk.base = a->lba * d->block;
	f.len = a->n_blocks * d->block;
	r = flow_run(s->ctx, &f, DEPTH, flow_chunk(&f, CHUNK));
	if (r || !a->verify)
		return r;
	if (!out->seekable)
		return complain(out->name, "cannot be read back, leave --verify out");
	f.compare = true;
	f.what = "verify";
	return flow_run(s->ctx, &f, DEPTH, flow_chunk(&f, CHUNK));
}

static int work(struct sess *s, void *user)
{
	struct read_args *a = user;
	struct flow_end out;
	struct disk d;
	int r = disk_open(&d, s, s->url->lun);

	if (r)
		return r;
	if (a->lba >= d.n_blocks)
		return complain(s->url->text, "LBA %llu is beyond the end, the LUN has %llu blocks",
				ull(a->lba), ull(d.n_blocks));
	if (a->n_blocks == UINT64_MAX)
		a->n_blocks = d.n_blocks - a->lba;
	if (a->n_blocks > d.n_blocks - a->lba)
		return complain(s->url->text,
				"%llu blocks from LBA %llu go beyond the end (%llu blocks)",
				ull(a->n_blocks), ull(a->lba), ull(d.n_blocks));
	r = open_out(a->out, &out);
	if (r)
		return r;
	r = transfer(s, &d, a, &out);
	if (close(out.fd) && !r)
		r = complain(out.name, "%s", strerror(errno));
	return r;
}

int cmd_read(int argc, char **argv)
{
	struct read_args a = { .n_blocks = UINT64_MAX, .out = "-" };
	const struct opt opts[] = {
		{ "lba", 'l', OPT_NUMBER, &a.lba, "N", "first block (default 0)" },
		{ "blocks", 'n', OPT_NUMBER, &a.n_blocks, "N", "how many (default: to the end)" },
		{ "output", 'o', OPT_TEXT, &a.out, "FILE",
		  "write to FILE (default -, standard output)" },
		{ "verify", 0, OPT_FLAG, &a.verify, NULL, "read both again and compare" },
		OPT_CONN(&a.conn),
		{ 0 },
	};
	const struct main1 m = { "read", opts, &help, &a.conn, work, &a };

	(void)argc;
	return main1_run(&m, argv);
}
