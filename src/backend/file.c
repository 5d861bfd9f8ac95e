/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A store in a file or on a block device. A request is a chain of kernel I/Os, each started when the one
 * before has completed: a transfer that comes up short goes on where it ended, and zeroes are written by
 * hand where the file system has no better way.
 */
#include "backend/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/impl.h"
#include "base/check.h"

#define ZEROES_BYTES 65536u

/* What zeroes are written from, and never anything else done with; aligned for O_DIRECT. */
static _Alignas(4096) uint8_t zeroes[ZEROES_BYTES];

struct file_backend {
	struct backend b;
	struct file_store s;
	struct worker *helper; /* NULL: none */
};

static struct file_backend *file_of(struct backend *b)
{
	return container_of(b, struct file_backend, b);
}

static struct backend_io *io_of(struct worker_io *wio)
{
	return container_of(wio, struct backend_io, wio);
}

/* --- the end of a request --- */

static void finish(struct worker *w, struct backend_io *io, int result)
{
	if (io->bounce) {
		uint8_t *from = io->bounce;

		for (unsigned i = 0; !result && io->op == BACKEND_READ && i < io->n_iov; i++) {
			memcpy(io->iov[i].iov_base, from, io->iov[i].iov_len);
			from += io->iov[i].iov_len;
		}
		free(io->bounce);
		io->bounce = NULL;
	}
	if (io->cancelled && result == -EINTR)
		result = -ECANCELED; /* a worker of the kernel was interrupted on our behalf */
	io->done(w, io, result);
}

/* --- transfers --- */

/* Fill rest[] with what is still to be done of @iov, as much as fits. Return: number of pieces. */
static unsigned remaining(struct backend_io *io, const struct iovec *iov, unsigned n_iov)
{
	uint64_t skip = io->progress_bytes;
	unsigned n = 0;

	for (unsigned i = 0; i < n_iov && n < ARRAY_SIZE(io->rest); i++) {
		if (skip >= iov[i].iov_len) {
			skip -= iov[i].iov_len;
			continue;
		}
		io->rest[n].iov_base = (uint8_t *)iov[i].iov_base + skip;
		io->rest[n].iov_len = iov[i].iov_len - skip;
		skip = 0;
		n++;
	}
	return n;
}

static unsigned remaining_zeroes(struct backend_io *io)
{
	uint64_t left = io->len_bytes - io->progress_bytes;
	unsigned n = 0;

	while (left && n < ARRAY_SIZE(io->rest)) {
		io->rest[n].iov_base = zeroes;
		io->rest[n].iov_len = min_u64(left, ZEROES_BYTES);
		left -= io->rest[n].iov_len;
		n++;
	}
	return n;
}

/* Start the next kernel I/O of a transfer. */
static void transfer(struct worker *w, struct backend_io *io)
{
	struct worker_io *wio = &io->wio;
	const struct iovec copy = { .iov_base = io->bounce, .iov_len = (size_t)io->len_bytes };

	wio->off_bytes = io->off_bytes + io->progress_bytes;
	wio->iov = io->rest;
	if (io->op != BACKEND_READ && io->op != BACKEND_WRITE) {
		wio->n_iov = remaining_zeroes(io);
	} else if (io->bounce) {
		wio->n_iov = remaining(io, &copy, 1);
	} else if (io->progress_bytes || io->n_iov > IOV_MAX) {
		wio->n_iov = remaining(io, io->iov, io->n_iov);
	} else {
		wio->iov = io->iov;
		wio->n_iov = io->n_iov;
	}
	worker_io_submit(w, wio);
}

static void on_transfer(struct worker *w, struct worker_io *wio, int result)
{
	struct backend_io *io = io_of(wio);
	/* What a transfer that gets nowhere means: the end of the file, or a disk that takes no more. */
	const int stuck = io->op == BACKEND_READ ? -ENODATA : -EIO;

	if (result < 0 && (result != -EINTR || io->cancelled)) {
		finish(w, io, result);
		return;
	}
	if (result > 0)
		io->progress_bytes += (unsigned)result;
	check(io->progress_bytes <= io->len_bytes);
	if (io->progress_bytes == io->len_bytes)
		finish(w, io, 0);
	else if (io->cancelled)
		finish(w, io, -ECANCELED);
	/* O_DIRECT ends within a block only at the end of the file, and could not go on from there. */
	else if (result == 0 || io->progress_bytes % file_of(io->backend)->s.align_bytes)
		finish(w, io, stuck);
	else
		transfer(w, io);
}

static bool aligned(const struct backend_io *io, uint32_t align_bytes)
{
	for (unsigned i = 0; i < io->n_iov; i++) {
		if ((uintptr_t)io->iov[i].iov_base % align_bytes ||
		    io->iov[i].iov_len % align_bytes)
			return false;
	}
	return true;
}

/* Replace the caller's memory by a copy that O_DIRECT accepts. Return: false: no memory for it. */
static bool bounce(struct file_backend *f, struct backend_io *io)
{
	const size_t align =
		f->s.mem_align_bytes > sizeof(void *) ? f->s.mem_align_bytes : sizeof(void *);
	uint8_t *to;

	if (posix_memalign(&io->bounce, align, (size_t)io->len_bytes)) {
		io->bounce = NULL;
		return false;
	}
	to = io->bounce;
	for (unsigned i = 0; io->op == BACKEND_WRITE && i < io->n_iov; i++) {
		memcpy(to, io->iov[i].iov_base, io->iov[i].iov_len);
		to += io->iov[i].iov_len;
	}
	return true;
}

static void start_transfer(struct worker *w, struct backend_io *io)
{
	struct file_backend *f = file_of(io->backend);
	/* A piece may not end within a block either, when another follows. */
	const uint32_t align = f->s.mem_align_bytes;
	const bool direct = f->s.align_bytes > 1;

	if (direct && !aligned(io, align) && !bounce(f, io)) {
		io->done(w, io, -ENOMEM);
		return;
	}
	io->wio.op = io->op == BACKEND_READ ? WORKER_IO_READV : WORKER_IO_WRITEV;
	io->wio.flags = io->op == BACKEND_WRITE && (io->flags & BACKEND_IO_FUA) ? RWF_DSYNC : 0;
	io->wio.done = on_transfer;
	transfer(w, io);
}

/* --- space --- */

static void on_space(struct worker *w, struct worker_io *wio, int result)
{
	struct backend_io *io = io_of(wio);

	if (result != -EOPNOTSUPP || io->cancelled) {
		finish(w, io, result);
		return;
	}
	/* Both operations promise zeroes, so write them. */
	wio->op = WORKER_IO_WRITEV;
	wio->flags = 0;
	wio->done = on_transfer;
	transfer(w, io);
}

static void start_space(struct worker *w, struct backend_io *io, int mode)
{
	io->wio.op = WORKER_IO_FALLOCATE;
	io->wio.flags = mode | FALLOC_FL_KEEP_SIZE;
	io->wio.off_bytes = io->off_bytes;
	io->wio.len_bytes = io->len_bytes;
	io->wio.n_iov = 0;
	io->wio.done = on_space;
	worker_io_submit(w, &io->wio);
}

/* --- what is where --- */

/* lseek() may have to read the map of the file. */
static int find_extent(int fd, struct backend_io *io)
{
	const uint64_t end = io->off_bytes + io->len_bytes;
	const off_t data = lseek(fd, (off_t)io->off_bytes, SEEK_DATA);
	off_t next;

	if (data < 0 && errno != ENXIO) /* no holes on this file system */
		return errno == EINVAL || errno == EOPNOTSUPP ? 0 : -errno;
	if (data < 0 || (uint64_t)data > io->off_bytes) {
		io->hole = true;
		if (data >= 0 && (uint64_t)data < end)
			io->extent_bytes = (uint64_t)data - io->off_bytes;
		return 0;
	}
	next = lseek(fd, (off_t)io->off_bytes, SEEK_HOLE);
	if (next > 0 && (uint64_t)next > io->off_bytes && (uint64_t)next < end)
		io->extent_bytes = (uint64_t)next - io->off_bytes;
	return 0;
}

/* --- copies --- */

/* Is this how the kernel says that it cannot do it with these two files? */
static bool cannot_copy(int err)
{
	return err == EXDEV || err == EINVAL || err == EOPNOTSUPP || err == ENOSYS ||
	       err == ETXTBSY;
}

/* The file system shares the blocks where it can, else the kernel moves them. */
static int copy_range(int fd, const struct backend_io *io)
{
	off_t from = (off_t)io->from_bytes;
	off_t to = (off_t)io->off_bytes;
	uint64_t left = io->len_bytes;

	while (left) {
		const ssize_t n =
			copy_file_range(file_of(io->source)->s.fd, &from, fd, &to, (size_t)left, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && cannot_copy(errno))
			return -EOPNOTSUPP;
		if (n <= 0)
			return n ? -errno : -ENODATA;
		left -= (uint64_t)n;
	}
	return io->flags & BACKEND_IO_FUA && fdatasync(fd) ? -errno : 0;
}

/* --- what may block is not for a worker that serves others --- */

static int block_on(struct backend_io *io)
{
	return io->op == BACKEND_COPY ? copy_range(io->wio.fd, io) : find_extent(io->wio.fd, io);
}

static void helped(struct worker *w, struct worker_msg *m)
{
	struct backend_io *io = container_of(m, struct backend_io, msg);

	io->done(w, io, io->wio.flags);
}

static void help(struct worker *w, struct worker_msg *m)
{
	struct backend_io *io = container_of(m, struct backend_io, msg);

	(void)w;
	io->wio.flags = block_on(io);
	m->run = helped;
	worker_post(io->from, m);
}

static void start_helped(struct worker *w, struct backend_io *io)
{
	struct file_backend *f = file_of(io->backend);

	if (!f->helper) {
		io->done(w, io, block_on(io));
		return;
	}
	io->from = w;
	io->msg.run = help;
	worker_post(f->helper, &io->msg);
}

/* --- advice --- */

static void on_advice(struct worker *w, struct worker_io *wio, int result)
{
	(void)result; /* it was only advice */
	io_of(wio)->done(w, io_of(wio), 0);
}

static void start_prefetch(struct worker *w, struct backend_io *io)
{
	if (file_of(io->backend)->s.align_bytes >
	    1) { /* O_DIRECT: there is no cache to bring it to */
		io->done(w, io, 0);
		return;
	}
	io->wio.op = WORKER_IO_FADVISE;
	io->wio.flags = POSIX_FADV_WILLNEED;
	io->wio.off_bytes = io->off_bytes;
	io->wio.len_bytes = io->len_bytes;
	io->wio.n_iov = 0;
	io->wio.done = on_advice;
	worker_io_submit(w, &io->wio);
}

/* --- flush --- */

static void on_flush(struct worker *w, struct worker_io *wio, int result)
{
	finish(w, io_of(wio), result);
}

static void start_flush(struct worker *w, struct backend_io *io)
{
	io->wio.op = WORKER_IO_FSYNC;
	io->wio.flags = 1; /* the data, and of the metadata what is needed to find it */
	io->wio.n_iov = 0;
	io->wio.done = on_flush;
	worker_io_submit(w, &io->wio);
}

/* --- the seam --- */

static void file_submit(struct backend *b, struct worker *w, struct backend_io *io)
{
	io->wio.fd = file_of(b)->s.fd;
	switch (io->op) {
	case BACKEND_READ:
	case BACKEND_WRITE:
		start_transfer(w, io);
		break;
	case BACKEND_FLUSH:
		start_flush(w, io);
		break;
	case BACKEND_PREFETCH:
		start_prefetch(w, io);
		break;
	case BACKEND_EXTENT:
	case BACKEND_COPY:
		start_helped(w, io);
		break;
	case BACKEND_UNMAP:
		start_space(w, io, FALLOC_FL_PUNCH_HOLE);
		break;
	case BACKEND_WRITE_ZEROES:
		start_space(w, io, FALLOC_FL_ZERO_RANGE);
		break;
	}
}

static void file_cancel(struct backend *b, struct worker *w, struct backend_io *io)
{
	(void)b;
	if (io->op == BACKEND_EXTENT || io->op == BACKEND_COPY) /* it ends by itself */
		return;
	io->cancelled = true;
	worker_io_cancel(w, &io->wio);
}

static int file_probe(struct backend *b, struct backend_probe *ret)
{
	return file_store_probe(&file_of(b)->s, ret);
}

static void file_close(struct backend *b)
{
	struct file_backend *f = file_of(b);

	close(f->s.fd);
	free(f->s.path);
	free(f);
}

static const struct backend_ops file_ops = {
	.name = "file",
	.copies = true,
	.submit = file_submit,
	.cancel = file_cancel,
	.probe = file_probe,
	.close = file_close,
};

int backend_file_new(struct backend **ret, const struct backend_params *p, char *err,
		     size_t err_len)
{
	struct file_backend *f = calloc(1, sizeof(*f));
	int r;

	if (!f)
		return backend_fail(err, err_len, -ENOMEM, "file: out of memory, free some");
	r = file_store_open(&f->s, p, err, err_len);
	if (r) {
		free(f);
		return r;
	}
	f->helper = p->helper;
	f->b = (struct backend){
		.ops = &file_ops,
		.size_bytes = f->s.size_bytes,
		.block_bytes = f->s.align_bytes,
		.mem_align_bytes = f->s.mem_align_bytes,
		.unmap_grain_bytes = f->s.unmap_grain_bytes,
		.read_only = p->read_only,
		.physical_bytes = f->s.physical_bytes,
		.physical_off_bytes = f->s.physical_off_bytes,
		.rotational = f->s.rotational,
		.write_cache = !p->read_only,
	};
	(void)snprintf(f->b.name, sizeof(f->b.name), "file %.58s", p->path);
	*ret = &f->b;
	return 0;
}
