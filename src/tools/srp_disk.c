/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/srp_disk.h"

#include <stdio.h>
#include <string.h>

#include "base/cur.h"
#include "wire/cdb.h"

int disk_in(struct sess *s, uint64_t lun, struct srp_io *io, void *buf, size_t len)
{
	int r;

	memset(buf, 0, len);
	io->lun = lun;
	io->dir = SRP_DIR_READ;
	io->n_iov = 1;
	io->one.iov_base = buf;
	io->one.iov_len = len;
	r = sess_exec(s, io);
	/* A target may say that it sent less than it was asked for; what it did not send is zero. */
	return r;
}

/* Printable, without blanks at the end. */
static void copy_text(char *to, const uint8_t *from, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		to[i] = (char)(from[i] >= 0x20 && from[i] < 0x7f ? from[i] : ' ');
		if (to[i] != ' ')
			n = i + 1;
	}
	to[n] = '\0';
}

int disk_identify(struct disk *d, struct sess *s, unsigned lun)
{
	struct srp_io io = { 0 };
	uint8_t inq[96];
	char text[160];
	int r;

	*d = (struct disk){ .s = s, .lun = srp_lun(lun), .lun_number = lun };
	io.cdb_len = (uint8_t)cdb_put_inquiry(io.cdb, -1, sizeof(inq));
	r = disk_in(s, d->lun, &io, inq, sizeof(inq));
	if (r)
		return r;
	if (!io_ok(&io))
		return complain(s->url->text, "LUN %u: %s", lun, io_text(&io, text, sizeof(text)));
	/* Peripheral qualifier 1 or 3: there is no such LUN behind this number. */
	if (inq[0] >> 5)
		return complain(s->url->text, "there is no LUN %u, see srp ls", lun);
	d->type = inq[0] & 0x1f;
	copy_text(d->vendor, inq + 8, 8);
	copy_text(d->product, inq + 16, 16);
	copy_text(d->revision, inq + 32, 4);
	return 0;
}

/* Block limits (VPD page B0h) are optional: no page, no limit. */
static int read_limits(struct disk *d)
{
	struct srp_io io = { 0 };
	uint8_t page[64];
	int r;

	io.cdb_len = (uint8_t)cdb_put_inquiry(io.cdb, 0xb0, sizeof(page));
	r = disk_in(d->s, d->lun, &io, page, sizeof(page));
	if (r)
		return r;
	if (io_ok(&io) && page[1] == 0xb0 && get_be16(page + 2) >= 12)
		d->max_blocks = get_be32(page + 8);
	return 0;
}

int disk_size(struct disk *d, char *why, size_t size)
{
	struct srp_io io = { 0 };
	uint8_t cap[32];
	uint64_t last;
	int r;

	if (d->type != 0) {
		(void)snprintf(why, size, "device type 0x%02x is no disk", d->type);
		return 1;
	}
	io.cdb_len = (uint8_t)cdb_put_read_capacity_16(io.cdb, sizeof(cap));
	r = disk_in(d->s, d->lun, &io, cap, sizeof(cap));
	if (r)
		return -1 - r;
	last = get_be64(cap);
	d->block = get_be32(cap + 8);
	if (!io_ok(&io)) {
		io.cdb_len = (uint8_t)cdb_put_read_capacity_10(io.cdb);
		r = disk_in(d->s, d->lun, &io, cap, 8);
		if (r)
			return -1 - r;
		last = get_be32(cap);
		d->block = get_be32(cap + 4);
	}
	if (!io_ok(&io)) {
		(void)io_text(&io, why, size);
		return 1;
	}
	/* What we compute with must be sane whatever the target says. */
	if (d->block < 512 || d->block > 65536 || d->block & (d->block - 1) ||
	    last >= UINT64_MAX / d->block - 1) {
		(void)snprintf(why, size, "a size of %llu blocks of %u bytes makes no sense",
			       ull(last), d->block);
		return 1;
	}
	d->n_blocks = last + 1;
	return 0;
}

int disk_open(struct disk *d, struct sess *s, unsigned lun)
{
	char why[160];
	int r = disk_identify(d, s, lun);

	if (r)
		return r;
	r = disk_size(d, why, sizeof(why));
	if (r < 0)
		return -1 - r;
	if (r)
		return complain(s->url->text, "LUN %u: %s", lun, why);
	return read_limits(d);
}

void disk_rw(const struct disk *d, struct srp_io *io, enum srp_dir dir, uint64_t lba, uint32_t n)
{
	bool in = dir == SRP_DIR_READ;
	struct cdb_range range = { lba, n };

	io->lun = d->lun;
	io->dir = dir;
	io->cdb_len =
		(uint8_t)cdb_put_rw(io->cdb, in ? SCSI_OP_READ_10 : SCSI_OP_WRITE_10, 0, range);
	if (!io->cdb_len)
		io->cdb_len = (uint8_t)cdb_put_rw(io->cdb, in ? SCSI_OP_READ_16 : SCSI_OP_WRITE_16,
						  0, range);
}

int disk_flush(struct disk *d)
{
	struct srp_io io = { .lun = d->lun };
	char text[160];
	int r;

	io.cdb_len = (uint8_t)cdb_put_rw(io.cdb, SCSI_OP_SYNCHRONIZE_CACHE_10, 0,
					 (struct cdb_range){ 0, 0 });
	r = sess_exec(d->s, &io);
	if (r)
		return r;
	if (!io_ok(&io))
		return complain(d->s->url->text, "%s, the data may not be on stable storage",
				io_text(&io, text, sizeof(text)));
	return 0;
}

const char *size_text(uint64_t bytes, char *buf, size_t size)
{
	static const char *const unit[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double v = (double)bytes;
	unsigned i = 0;

	for (; v >= 1024 && i + 1 < ARRAY_SIZE(unit); i++)
		v /= 1024;
	(void)snprintf(buf, size, v > (double)(uint64_t)v ? "%.1f %s" : "%.0f %s", v, unit[i]);
	return buf;
}
