/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What file_open.c finds out about a file and file.c then does I/O on. */
#pragma once

#include "backend/backend.h"

struct file_store {
	int fd;     /* carries the advisory lock */
	char *path; /* from the heap */
	uint64_t size_bytes;
	uint32_t align_bytes; /* of offsets and lengths with O_DIRECT, else 1 */
	uint32_t mem_align_bytes;
	uint32_t unmap_grain_bytes; /* 0: no holes */
	uint32_t physical_bytes;    /* see struct backend */
	uint32_t physical_off_bytes;
	bool rotational;
};

/**
 * file_store_open() - open, or create, and lock what @p names
 * @ret: set on success; the caller closes fd and frees path
 * @err: on failure a sentence for the user, of at most @err_len bytes
 *
 * Return: 0; -EBUSY: in use by another export or by the system; -EINVAL: contradictory or not possible with
 * this file; another -errno of the system.
 */
must_check int file_store_open(struct file_store *ret, const struct backend_params *p, char *err,
			       size_t err_len);

/* What is true of it now. May block. Return: 0, or -errno: it cannot be asked any more. */
must_check int file_store_probe(const struct file_store *s, struct backend_probe *ret);
