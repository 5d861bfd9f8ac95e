/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A LUN as a disk: its size, and the commands to read and write it. */
#pragma once

#include "tools/srp_sess.h"

struct disk {
	struct sess *s;
	uint64_t lun;
	unsigned lun_number;
	uint8_t type; /* peripheral device type; 0: a disk */
	char vendor[9];
	char product[17];
	char revision[5];
	uint32_t block; /* bytes */
	uint64_t n_blocks;
	uint32_t max_blocks; /* of one READ or WRITE; 0: not limited */
};

/* Ask a LUN what it is (INQUIRY only). Return: 0, or an exit code after a complaint. */
int disk_identify(struct disk *d, struct sess *s, unsigned lun);
/* Ask for its size. Return: 0, 1 when it is not ready or no disk (then @why says so), or -1 - (exit code). */
int disk_size(struct disk *d, char *why, size_t size);
/* Both, for a LUN that must be a disk that is ready. Return: 0, or an exit code after a complaint. */
int disk_open(struct disk *d, struct sess *s, unsigned lun);

/* A data-in command of @cdb_len bytes in @io; @len bytes to @buf. Return: as sess_exec(). */
int disk_in(struct sess *s, uint64_t lun, struct srp_io *io, void *buf, size_t len);

/* Make @io a READ or WRITE of @n blocks from @lba on; buffers, done and user stay as they are. */
void disk_rw(const struct disk *d, struct srp_io *io, enum srp_dir dir, uint64_t lba, uint32_t n);

/* SYNCHRONIZE CACHE. Return: 0, or an exit code after a complaint. */
int disk_flush(struct disk *d);

/* "1.5 GiB", "256 MiB" */
const char *size_text(uint64_t bytes, char *buf, size_t size);
