/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Moving data from one end to another, or comparing two ends, with several pieces in flight. An end is
 * a file, a LUN or a test pattern; at least one of the two must be a LUN.
 */
#pragma once

#include "tools/srp_disk.h"

enum flow_kind {
	FLOW_FILE,
	FLOW_DISK,
	FLOW_PATTERN
};

struct flow_end {
	enum flow_kind kind;
	const char *name; /* for complaints; borrowed */
	int fd;           /* FILE */
	bool seekable;    /* FILE: can be read and written at any place */
	bool sparse;      /* FILE, as destination: leave zeroes out (the file is empty before) */
	struct disk *disk;
	uint64_t base; /* byte of the end where the flow starts */
	uint64_t seed; /* PATTERN */
};

struct flow {
	struct flow_end *from;
	struct flow_end *to;
	uint64_t len; /* bytes; UINT64_MAX: until the source ends (a pipe) */
	uint32_t
		pad; /* a source that ends is filled up with zeroes to a multiple of this; 0: not */
	bool compare;     /* read both and compare instead of writing */
	const char *what; /* shown by the progress bar; NULL: none */
	uint64_t done;    /* bytes done so far; the result */
};

/* Run @f with @depth pieces of @chunk bytes. Return: 0, or an exit code after a complaint. */
int flow_run(struct srp_ctx *ctx, struct flow *f, unsigned depth, uint32_t chunk);

/* Piece size that suits both ends: @want, less where a LUN limits it. */
uint32_t flow_chunk(const struct flow *f, uint32_t want);
