/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What the implementations of backend.h share; of no use to their callers. */
#pragma once

#include "backend/backend.h"

#define BACKEND_DEFAULT_BLOCK_BYTES 512u

/* Write the sentence for the user into @err and return @r. */
int backend_fail(char *err, size_t err_len, int r, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/*
 * Check the logical block size (0: the default) and @size_bytes against it. Return: 0 or -EINVAL with a
 * sentence about @what ("ram disk") in @err.
 */
must_check int backend_check_size(const char *what, uint64_t size_bytes, uint32_t block_bytes,
				  char *err, size_t err_len);
