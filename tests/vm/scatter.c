/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Write and read back a disk from buffers with gaps, for the guest: scatter /dev/sdX | /dev/sgN. A block device is used
 * with O_DIRECT and vectors of whole sectors; a generic one with SG_IO and vectors of any length.
 */
#include <errno.h>
#include <fcntl.h>
#include <scsi/sg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#define PIECES  64u
#define STRIDE  12288u /* of the pieces in memory: never two that touch */
#define SECTOR  512u
#define ROUNDS  40u
#define IO_MAX  ((size_t)PIECES * 4096u)
#define TIMEOUT 30000u /* ms */

static uint64_t seed = 88172645463325252ull;

static uint32_t rnd(uint32_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 32) % n;
}

/* Pieces of @grain up to a page, at odd places when that is allowed; the whole is full sectors. */
static unsigned deal(struct iovec *iov, uint8_t *mem, uint32_t grain, size_t *ret_len)
{
	unsigned n = 1 + rnd(PIECES);
	size_t len = 0;
	unsigned i;

	for (i = 0; i < n; i++) {
		iov[i].iov_len = (size_t)grain * (1 + rnd(4096 / grain));
		iov[i].iov_base = mem + (size_t)i * STRIDE + (size_t)grain * rnd(4096 / grain);
		/* The last piece makes it whole sectors; there is always room in its stride. */
		if (i + 1 == n)
			iov[i].iov_len += (SECTOR - (len + iov[i].iov_len) % SECTOR) % SECTOR;
		len += iov[i].iov_len;
	}
	*ret_len = len;
	return n;
}

static void fill(const struct iovec *iov, unsigned n, uint8_t *flat)
{
	size_t i;

	for (; n--; iov++)
		for (i = 0; i < iov->iov_len; i++)
			*flat++ = ((uint8_t *)iov->iov_base)[i] = (uint8_t)rnd(256);
}

static int same(const struct iovec *iov, unsigned n, const uint8_t *flat)
{
	for (; n--; iov++) {
		if (memcmp(iov->iov_base, flat, iov->iov_len) != 0)
			return 0;
		flat += iov->iov_len;
	}
	return 1;
}

/* READ(10) or WRITE(10) of the vector. */
static ssize_t sg_io(int fd, int out, struct iovec *iov, unsigned n, uint32_t lba, size_t len)
{
	size_t blocks = len / SECTOR;
	uint8_t cdb[10] = { out ? 0x2a : 0x28,
			    0,
			    (uint8_t)(lba >> 24),
			    (uint8_t)(lba >> 16),
			    (uint8_t)(lba >> 8),
			    (uint8_t)lba,
			    0,
			    (uint8_t)(blocks >> 8),
			    (uint8_t)blocks };
	uint8_t sense[32];
	struct sg_io_hdr h = { .interface_id = 'S',
			       .dxfer_direction = out ? SG_DXFER_TO_DEV : SG_DXFER_FROM_DEV,
			       .cmd_len = sizeof(cdb),
			       .mx_sb_len = sizeof(sense),
			       .iovec_count = (unsigned short)n,
			       .dxfer_len = (unsigned)len,
			       .dxferp = iov,
			       .cmdp = cdb,
			       .sbp = sense,
			       .timeout = TIMEOUT,
			       .flags = SG_FLAG_DIRECT_IO };

	if (ioctl(fd, SG_IO, &h) < 0)
		return -1;
	if (h.status || h.host_status || h.driver_status) {
		(void)fprintf(stderr, "status %x host %x driver %x\n", h.status, h.host_status,
			      h.driver_status);
		errno = EIO;
		return -1;
	}
	return (ssize_t)(len - (size_t)h.resid);
}

static int one(int fd, int sg, uint8_t *mem, uint8_t *flat)
{
	struct iovec out[PIECES];
	struct iovec in[PIECES];
	uint32_t grain = sg ? 4u << rnd(8) : SECTOR;
	uint32_t lba = rnd(16384);
	size_t len;
	unsigned n = deal(out, mem, grain, &len);
	unsigned i;
	ssize_t done;

	fill(out, n, flat);
	done = sg ? sg_io(fd, 1, out, n, lba, len) : pwritev(fd, out, (int)n, (off_t)lba * SECTOR);
	if (done != (ssize_t)len) {
		(void)fprintf(stderr, "write of %zu in %u pieces: %zd, %s\n", len, n, done,
			      strerror(errno));
		return 1;
	}
	/* Back into other places. */
	memset(mem, 0xa5, (size_t)PIECES * STRIDE);
	for (i = 0; i < n; i++) {
		in[i].iov_len = out[n - 1 - i].iov_len;
		in[i].iov_base = mem + (size_t)i * STRIDE + (size_t)grain * rnd(1024 / grain + 1);
	}
	done = sg ? sg_io(fd, 0, in, n, lba, len) : preadv(fd, in, (int)n, (off_t)lba * SECTOR);
	if (done != (ssize_t)len || !same(in, n, flat)) {
		(void)fprintf(stderr, "read of %zu in %u pieces: %zd, %s\n", len, n, done,
			      done == (ssize_t)len ? "other data" : strerror(errno));
		return 1;
	}
	return 0;
}

static int rounds(int fd, int sg, uint8_t *mem, uint8_t *flat)
{
	unsigned i;

	for (i = 0; i < ROUNDS; i++)
		if (one(fd, sg, mem, flat))
			return 1;
	return 0;
}

int main(int argc, char **argv)
{
	uint8_t *mem;
	uint8_t *flat;
	int sg;
	int fd;
	int r = 1;

	if (argc != 2) {
		(void)fprintf(stderr, "usage: %s DISK\n", argv[0]);
		return 2;
	}
	sg = strncmp(argv[1], "/dev/sg", 7) == 0;
	fd = open(argv[1], O_RDWR | (sg ? 0 : O_DIRECT) | O_CLOEXEC);
	if (fd < 0) {
		(void)fprintf(stderr, "%s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	mem = aligned_alloc(4096, (size_t)PIECES * STRIDE);
	flat = malloc(IO_MAX + SECTOR);
	if (mem && flat)
		r = rounds(fd, sg, mem, flat);
	free(mem);
	free(flat);
	return close(fd) ? 1 : r;
}
