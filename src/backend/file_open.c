/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "backend/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "backend/impl.h"

#define FALLBACK_ALIGN_BYTES 4096u /* no disk of today needs more */

/* One opening, and where its complaint goes. */
struct opening {
	const struct backend_params *p;
	struct file_store s;
	struct stat st;
	bool created;
	char *err;
	size_t err_len;
};

#define fail(o, r, ...) backend_fail((o)->err, (o)->err_len, r, __VA_ARGS__)

static uint32_t block_of(const struct backend_params *p)
{
	return p->block_bytes ? p->block_bytes : BACKEND_DEFAULT_BLOCK_BYTES;
}

/* --- getting hold of it --- */

static int explain_open(struct opening *o, int r)
{
	const char *path = o->p->path;

	switch (r) {
	case -ENOENT:
		return fail(o, r,
			    "file %s: does not exist, create it or give a size to have it created",
			    path);
	case -EACCES:
	case -EPERM:
	case -EROFS:
		return fail(o, r,
			    "file %s: %s, grant the daemon's user access or export it read-only",
			    path, strerrordesc_np(-r));
	case -EBUSY:
		return fail(o, r,
			    "file %s: the device is in use (mounted, or part of a RAID or LVM), "
			    "release it first",
			    path);
	case -EINVAL:
		if (o->p->direct)
			return fail(o, r,
				    "file %s: its file system cannot do O_DIRECT, use cached I/O",
				    path);
		break;
	default:
		break;
	}
	return fail(o, r, "file %s: cannot open it: %s, correct the path", path,
		    strerrordesc_np(-r));
}

static int open_it(struct opening *o)
{
	int flags =
		O_CLOEXEC | (o->p->read_only ? O_RDONLY : O_RDWR) | (o->p->direct ? O_DIRECT : 0);

	/* Look before opening: to open a pipe would block, to open a tape would rewind it. */
	if (stat(o->p->path, &o->st) == 0) {
		if (!S_ISREG(o->st.st_mode) && !S_ISBLK(o->st.st_mode))
			return fail(o, -EINVAL,
				    "file %s: neither a regular file nor a block device, name one",
				    o->p->path);
		/* For a device: nobody else, a file system say, may hold it while we write. */
		if (S_ISBLK(o->st.st_mode) && !o->p->read_only)
			flags |= O_EXCL;
	} else if (errno == ENOENT && o->p->size_bytes && !o->p->read_only) {
		flags |= O_CREAT | O_EXCL;
		o->created = true;
	} else {
		return explain_open(o, -errno);
	}
	o->s.fd = open(o->p->path, flags, 0600);
	if (o->s.fd < 0) {
		const int r = -errno;

		/* A refused O_DIRECT is found out after the file was made; any other failure made none. */
		o->created = o->created && r == -EINVAL;
		return explain_open(o, r);
	}
	if (fstat(o->s.fd, &o->st))
		return explain_open(o, -errno);
	return 0;
}

/* Two writers of one store would ruin it: whoever writes wants it alone. The lock goes with the fd. */
static int lock_it(struct opening *o)
{
	if (flock(o->s.fd, (o->p->read_only ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0)
		return 0;
	if (errno != EWOULDBLOCK)
		return fail(o, -errno,
			    "file %s: cannot lock it: %s, use a file system with flock()",
			    o->p->path, strerrordesc_np(errno));
	return fail(o, -EBUSY,
		    "file %s: another %s has it locked, stop that one or export a different file",
		    o->p->path, o->p->read_only ? "writer" : "export or program");
}

/* --- its properties --- */

static int size_it(struct opening *o)
{
	const struct backend_params *p = o->p;
	char what[128];
	uint64_t size;

	if (o->created && ftruncate(o->s.fd, (off_t)p->size_bytes))
		return fail(o, -errno, "file %s: cannot make it %llu bytes long: %s, give less",
			    p->path, (unsigned long long)p->size_bytes, strerrordesc_np(errno));
	if (S_ISBLK(o->st.st_mode)) {
		if (ioctl(o->s.fd, BLKGETSIZE64, &size))
			return fail(o, -errno,
				    "file %s: cannot get the device's size: %s, check it", p->path,
				    strerrordesc_np(errno));
	} else {
		size = o->created ? p->size_bytes : (uint64_t)o->st.st_size;
	}
	if (p->size_bytes && size != p->size_bytes)
		return fail(o, -EINVAL,
			    "file %s: has %llu bytes, not the %llu asked for, remove the size or "
			    "resize the file",
			    p->path, (unsigned long long)size, (unsigned long long)p->size_bytes);
	(void)snprintf(what, sizeof(what), "file %.100s", p->path);
	o->s.size_bytes = size;
	return backend_check_size(what, size, p->block_bytes, o->err, o->err_len);
}

static int align_it(struct opening *o)
{
	struct statx stx = { 0 };
	int sector = 0;

	o->s.align_bytes = 1;
	o->s.mem_align_bytes = 1;
	if (!o->p->direct)
		return 0;
	o->s.align_bytes = FALLBACK_ALIGN_BYTES;
	o->s.mem_align_bytes = FALLBACK_ALIGN_BYTES;
	if (statx(o->s.fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &stx) == 0 &&
	    (stx.stx_mask & STATX_DIOALIGN)) {
		if (!stx.stx_dio_offset_align || !stx.stx_dio_mem_align)
			return fail(
				o, -EINVAL,
				"file %s: its file system cannot do O_DIRECT on it, use cached I/O",
				o->p->path);
		o->s.align_bytes = stx.stx_dio_offset_align;
		o->s.mem_align_bytes = stx.stx_dio_mem_align;
	} else if (S_ISBLK(o->st.st_mode) && ioctl(o->s.fd, BLKSSZGET, &sector) == 0 &&
		   sector > 0) {
		o->s.align_bytes = (uint32_t)sector;
		o->s.mem_align_bytes = (uint32_t)sector;
	}
	if (block_of(o->p) % o->s.align_bytes)
		return fail(o, -EINVAL,
			    "file %s: O_DIRECT needs blocks of %u bytes here, the logical block "
			    "size is "
			    "%u: set it to %u or use cached I/O",
			    o->p->path, o->s.align_bytes, block_of(o->p), o->s.align_bytes);
	return 0;
}

/* A number the kernel tells of the queue of @dev, or of the disk it is a partition of; 0 if it does not. */
static uint32_t queue_number(dev_t dev, const char *what)
{
	static const char *const dirs[] = { "queue", "../queue" };
	unsigned long value = 0;

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		char path[128];
		char text[32] = { 0 };
		FILE *f;

		(void)snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/%s/%s", major(dev),
			       minor(dev), dirs[i], what);
		f = fopen(path, "re");
		if (!f)
			continue;
		if (fgets(text, sizeof(text), f))
			value = strtoul(text, NULL, 10);
		(void)fclose(f);
		break;
	}
	return value > UINT32_MAX ? 0 : (uint32_t)value;
}

/* What a device writes at once; a file's blocks are its file system's affair. */
static void physical_it(struct opening *o)
{
	unsigned physical = 0;
	int off = 0;

	if (!S_ISBLK(o->st.st_mode) || ioctl(o->s.fd, BLKPBSZGET, &physical) || !physical ||
	    physical & (physical - 1))
		return;
	o->s.physical_bytes = physical;
	/* -1: its parts do not agree. Else where it begins within what it is a part of, or starts by itself. */
	if (ioctl(o->s.fd, BLKALIGNOFF, &off) == 0 && off > 0 && (unsigned)off < physical)
		o->s.physical_off_bytes = (uint32_t)off;
}

static void probe_it(struct opening *o)
{
	const bool device = S_ISBLK(o->st.st_mode);
	const dev_t dev = device ? o->st.st_rdev : o->st.st_dev;

	o->s.rotational = queue_number(dev, "rotational") == 1;
	physical_it(o);
	if (o->p->read_only)
		return;
	if (device)
		o->s.unmap_grain_bytes = queue_number(dev, "discard_granularity");
	/* Punching behind the end drops nothing, but tells if the file system can. */
	else if (fallocate(o->s.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			   (off_t)o->s.size_bytes, FALLBACK_ALIGN_BYTES) == 0)
		o->s.unmap_grain_bytes = (uint32_t)o->st.st_blksize;
}

int file_store_open(struct file_store *ret, const struct backend_params *p, char *err,
		    size_t err_len)
{
	struct opening o = { .p = p, .s.fd = -1, .err = err, .err_len = err_len };
	int r;

	if (!p->path || !p->path[0])
		return fail(&o, -EINVAL, "file: no path, name a file or a block device");
	r = open_it(&o);
	if (!r)
		r = lock_it(&o);
	if (!r)
		r = size_it(&o);
	if (!r)
		r = align_it(&o);
	o.s.path = r ? NULL : strdup(p->path);
	if (!r && !o.s.path)
		r = fail(&o, -ENOMEM, "file: out of memory, free some");
	if (r) {
		if (o.created)
			(void)unlink(p->path); /* ours, and nothing is in it */
		if (o.s.fd >= 0)
			close(o.s.fd);
		return r;
	}
	probe_it(&o);
	*ret = o.s;
	return 0;
}

/* Whether the store's name leads elsewhere. What cannot be told is not said: a directory may be out of reach. */
static bool is_misnamed(const struct file_store *s, const struct stat *own)
{
	struct stat st;

	if (stat(s->path, &st))
		return errno == ENOENT || errno == ENOTDIR;
	if (S_ISBLK(own->st_mode))
		return !S_ISBLK(st.st_mode) || st.st_rdev != own->st_rdev;
	return st.st_dev != own->st_dev || st.st_ino != own->st_ino;
}

int file_store_probe(const struct file_store *s, struct backend_probe *ret)
{
	struct stat st;
	struct statvfs fs;

	if (fstat(s->fd, &st))
		return -errno;
	ret->misnamed = is_misnamed(s, &st);
	if (S_ISBLK(st.st_mode)) /* a device that has gone says ENXIO, or has no bytes any more */
		return ioctl(s->fd, BLKGETSIZE64, &ret->size_bytes) ? -errno : 0;
	ret->size_bytes = (uint64_t)st.st_size;
	if (fstatvfs(s->fd, &fs))
		return 0;
	ret->space_known = true;
	ret->used_bytes =
		(uint64_t)st.st_blocks * 512; /* POSIX leaves the unit open, Linux does not */
	ret->free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	return 0;
}
