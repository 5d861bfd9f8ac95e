/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "state/state_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/check.h"
#include "base/cur.h"
#include "wire/crc32c.h"

#define MAGIC_BYTES  8u
#define RECORD_MAGIC 0x73744b31u
#define HEAD_BYTES   20u
#define CRC_AT       16u

static const char magic[MAGIC_BYTES + 1] = "SRPTDST1";

struct state_file {
	int fd;
	bool broken; /* the end of the file is not known to be good */
	uint64_t end;
	uint64_t number; /* of the last record */
	char path[PATH_MAX];
	char next[PATH_MAX]; /* the file that takes its name */
	char dir[PATH_MAX];
};

int (*state_file_step)(void);

static int step(void)
{
	return state_file_step ? state_file_step() : 0;
}

/* --- records --- */

static uint32_t crc_of(const uint8_t *head, const void *value, size_t len)
{
	return crc32c_update(crc32c_update(0, head, CRC_AT), value, len);
}

static void head_put(uint8_t *head, uint64_t number, const void *value, size_t len)
{
	put_be32(head, RECORD_MAGIC);
	put_be32(head + 4, (uint32_t)len);
	put_be64(head + 8, number);
	put_be32(head + CRC_AT, crc_of(head, value, len));
}

/* The length of the whole record at @p, 0 when there is none. */
static size_t record_at(const uint8_t *p, size_t left)
{
	size_t len;

	if (left < HEAD_BYTES || get_be32(p) != RECORD_MAGIC)
		return 0;
	len = get_be32(p + 4);
	if (len > STATE_VALUE_MAX || len > left - HEAD_BYTES)
		return 0;
	return get_be32(p + CRC_AT) == crc_of(p, p + HEAD_BYTES, len) ? HEAD_BYTES + len : 0;
}

/* The head of a record with this number or a later one, whatever is behind it. */
static bool head_at(const uint8_t *p, size_t left, uint64_t number)
{
	return left >= HEAD_BYTES && get_be32(p) == RECORD_MAGIC &&
	       get_be32(p + 4) <= STATE_VALUE_MAX && get_be64(p + 8) >= number;
}

/* The record whose head is at @p, with its head. */
static size_t span_of(const uint8_t *p)
{
	return HEAD_BYTES + get_be32(p + 4);
}

/* --- system calls that change something --- */

static int write_all(int fd, struct iovec *iov, int n, uint64_t at)
{
	while (n) {
		int r = step();
		ssize_t done = r ? -1 : pwritev(fd, iov, n, (off_t)at);

		if (done < 0 && (r || errno != EINTR))
			return r ? r : -errno;
		if (done < 0)
			continue;
		at += (uint64_t)done;
		for (; n && (size_t)done >= iov->iov_len; n--)
			done -= (ssize_t)(iov++)->iov_len;
		if (n) {
			iov->iov_base = (uint8_t *)iov->iov_base + done;
			iov->iov_len -= (size_t)done;
		}
	}
	return 0;
}

static int sync_fd(int fd)
{
	int r = step();

	return r ? r : fsync(fd) ? -errno : 0;
}

/* What is behind @end was not written whole. */
static int cut(int fd, uint64_t end)
{
	int r = step();

	if (!r && ftruncate(fd, (off_t)end))
		r = -errno;
	return r ? r : sync_fd(fd);
}

static int sync_dir(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = fd < 0 ? -errno : sync_fd(fd);

	if (fd >= 0)
		(void)close(fd);
	return r;
}

/* --- saving --- */

static int put_record(const struct state_file *f, int fd, uint64_t at, const void *value,
		      size_t len)
{
	uint8_t head[HEAD_BYTES];
	struct iovec iov[2] = { { head, HEAD_BYTES }, { drop_const(value), len } };
	int r;

	head_put(head, f->number + 1, value, len);
	r = write_all(fd, iov, 2, at);
	return r ? r : sync_fd(fd);
}

/* A new file with one record, in the place of the old one when it is stable. */
static int save_anew(struct state_file *f, const void *value, size_t len)
{
	struct iovec iov = { drop_const(magic), MAGIC_BYTES };
	int fd = open(f->next, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int r;

	if (fd < 0)
		return -errno;
	r = flock(fd, LOCK_EX | LOCK_NB) ? -errno : write_all(fd, &iov, 1, 0);
	if (!r)
		r = put_record(f, fd, MAGIC_BYTES, value, len);
	if (!r)
		r = step();
	if (!r && rename(f->next, f->path))
		r = -errno;
	if (!r)
		r = sync_dir(f->dir);
	if (r) {
		/* If the name is taken over already, the next save() does it once more. */
		(void)close(fd);
		return r;
	}
	(void)close(f->fd);
	f->fd = fd;
	f->end = MAGIC_BYTES + HEAD_BYTES + len;
	f->broken = false;
	f->number++;
	return 0;
}

int state_file_save(struct state_file *f, const void *value, size_t len)
{
	int r;

	check(len <= STATE_VALUE_MAX);
	if (f->broken || f->end + HEAD_BYTES + len > STATE_COMPACT_LEN) {
		f->broken = true; /* until it has succeeded */
		return save_anew(f, value, len);
	}
	r = put_record(f, f->fd, f->end, value, len);
	if (r) {
		f->broken = true;
		return r;
	}
	f->end += HEAD_BYTES + len;
	f->number++;
	return 0;
}

/* --- opening --- */

/*
 * Where the next whole record is when the one at @at is damaged, 0 when there is none; in @ret how many are. Only heads
 * lead there, one number after the other: a value is made of what strangers may write, and could hold what looks
 * like a record.
 */
static size_t next_whole(const uint8_t *p, size_t n, size_t at, size_t *ret_count)
{
	uint64_t number = n - at < HEAD_BYTES ? 0 : get_be64(p + at + 8);
	size_t count = 0;

	while (head_at(p + at, n - at, number) && get_be64(p + at + 8) == number) {
		if (count && record_at(p + at, n - at)) {
			*ret_count = count;
			return at;
		}
		if (span_of(p + at) > n - at)
			return 0;
		at += span_of(p + at);
		number++;
		count++;
	}
	return 0;
}

/* Find the last whole record of the @n bytes at @p. */
static void scan(struct state_file *f, const uint8_t *p, size_t n, struct state_found *found)
{
	size_t damaged = 0;
	size_t len, at;

	f->end = MAGIC_BYTES;
	for (;;) {
		while ((len = record_at(p + f->end, n - f->end))) {
			found->len = len - HEAD_BYTES;
			memcpy(found->buf, p + f->end + HEAD_BYTES, found->len);
			f->number = get_be64(p + f->end + 8);
			f->end += len;
		}
		at = next_whole(p, n, f->end, &damaged);
		if (!at)
			return;
		f->end = at;
		found->n_damaged += damaged;
	}
}

/*
 * Is more behind the last whole record than the one that a crash cut short? Each is begun when the one before is stable,
 * so there is one such at most, and it has the next number.
 */
static bool is_lost(const struct state_file *f, const uint8_t *p, size_t n)
{
	size_t left = n - f->end;

	p += f->end;
	if (left > HEAD_BYTES + STATE_VALUE_MAX)
		return true;
	if (head_at(p, left, f->number + 1) &&
	    (get_be64(p + 8) > f->number + 1 || span_of(p) < left))
		return true;
	for (size_t i = 1; i < left; i++)
		if (head_at(p + i, left - i, f->number + 2))
			return true;
	return false;
}

static int read_all(int fd, uint8_t *p, size_t n)
{
	for (size_t at = 0; at < n;) {
		ssize_t got = pread(fd, p + at, n - at, (off_t)at);

		if (got < 0 && errno != EINTR)
			return -errno;
		if (got == 0)
			return -EIO;
		at += got > 0 ? (size_t)got : 0;
	}
	return 0;
}

/* A file that is new, or of which even the beginning was not stable. */
static int begin(struct state_file *f)
{
	struct iovec iov = { drop_const(magic), MAGIC_BYTES };
	int r = cut(f->fd, 0);

	if (!r)
		r = write_all(f->fd, &iov, 1, 0);
	if (!r)
		r = sync_fd(f->fd);
	f->end = MAGIC_BYTES;
	return r ? r : sync_dir(f->dir);
}

static int load(struct state_file *f, struct state_found *found)
{
	struct stat st;
	uint8_t *p;
	size_t n;
	int r;

	if (fstat(f->fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size > 4 * (off_t)STATE_COMPACT_LEN)
		return -EINVAL;
	n = (size_t)st.st_size;
	p = malloc(n + 1);
	if (!p)
		return -ENOMEM;
	r = read_all(f->fd, p, n);
	if (!r && memcmp(p, magic, n < MAGIC_BYTES ? n : MAGIC_BYTES) != 0)
		r = -EINVAL;
	*found = (struct state_found){ .buf = found->buf };
	if (!r && n < MAGIC_BYTES) {
		found->cut = n;
		r = begin(f);
	} else if (!r) {
		scan(f, p, n, found);
		found->lost = is_lost(f, p, n);
		/* What is damaged stays as it is until a new file takes its place. */
		f->broken = found->lost || found->n_damaged;
		found->cut = f->broken ? 0 : n - f->end;
		if (found->cut)
			r = cut(f->fd, f->end);
	}
	free(p);
	return r;
}

static const char *reason(int r)
{
	switch (r) {
	case -EINVAL:
		return "it is no state file, name another or move it away";
	case -EWOULDBLOCK:
		return "another program uses it, end that first";
	case -ENOENT:
		return "its directory does not exist, create it";
	default:
		return strerrordesc_np(-r);
	}
}

static int open_file(struct state_file *f, struct state_found *found)
{
	f->fd = open(f->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (f->fd < 0)
		return -errno;
	if (flock(f->fd, LOCK_EX | LOCK_NB))
		return -errno;
	return load(f, found);
}

int state_file_open(struct state_file **ret, const char *path, struct state_found *found, char *err,
		    size_t err_len)
{
	struct state_file *f = calloc(1, sizeof(*f));
	char copy[PATH_MAX];
	int r = -ENOMEM;

	if (f) {
		f->fd = -1;
		(void)snprintf(copy, sizeof(copy), "%s", path);
		(void)snprintf(f->dir, sizeof(f->dir), "%s", dirname(copy));
		(void)snprintf(f->path, sizeof(f->path), "%s", path);
		r = snprintf(f->next, sizeof(f->next), "%s.next", path) < (int)sizeof(f->next)
			    ? open_file(f, found)
			    : -ENAMETOOLONG;
	}
	if (r) {
		(void)snprintf(err, err_len, "state file %s: %s", path, reason(r));
		(void)state_file_close(f);
		return r == -EWOULDBLOCK ? -EBUSY : r;
	}
	*ret = f;
	return 0;
}

struct state_file *state_file_close(struct state_file *f)
{
	if (!f)
		return NULL;
	if (f->fd >= 0)
		(void)close(f->fd);
	free(f);
	return NULL;
}
