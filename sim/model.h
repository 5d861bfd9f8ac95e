/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What the disks may hold. Every block that is written carries who wrote it; of each block is known which
 * writes may be in it: a write can take effect between its begin and its end, it surely has when it was
 * answered GOOD (or when somebody has read it), and one that is over can have no effect any more. A read
 * that gives anything else fails the run, and so does a block that reaches a disk after its write is over.
 */
#pragma once

#include "base/util.h"

enum model_kind {
	MODEL_DATA, /* each block has its own contents */
	MODEL_SAME, /* WRITE SAME: every block as the first */
	MODEL_ZERO, /* zeroes: UNMAP, WRITE SAME of zeroes */
	MODEL_KEEP, /* what is there, again: ORWRITE of zeroes */
	MODEL_COPY  /* what other blocks hold: model_copy() */
};

enum model_outcome {
	MODEL_GOOD,   /* it has taken effect */
	MODEL_UNSURE, /* each block may hold it, or not */
	MODEL_NEVER   /* it was refused: no block of it may have reached the disk */
};

/* What a disk of the model is like; all zero at first. */
struct model_disk {
	uint64_t n_blocks;
	uint32_t block_bytes;
	bool stable; /* what is written stays through a power cut, or there will be none */
	bool mixes;  /* a read that meets a write may get bytes of both (docs/design/0005) */
};
void model_disk(unsigned disk, const struct model_disk *p);
/* Forget everything. */
void model_reset(void);

/* --- writes --- */

/* A write begins; who: for reports. Returns its number, never 0. */
uint32_t model_write(unsigned disk, uint64_t lba, uint32_t n, enum model_kind kind,
		     const char *who);
/* Where a block comes from that is copied. */
struct model_source {
	unsigned disk;
	unsigned
		step; /* what one step of a copy has written the next ones may read; itself it does not */
	uint64_t lba;
};
/*
 * A copy begins: each of its @n blocks becomes what its source held at one moment before the copy ends. @until: not
 * what was written from then on (a tick, of a token that was made then); UINT64_MAX: whatever it holds.
 */
uint32_t model_copy(unsigned disk, uint64_t lba, uint32_t n, const struct model_source *from,
		    uint64_t until, const char *who);
/* The contents of its block @lba. */
void model_fill(uint32_t id, uint64_t lba, uint8_t *block);
/* It is over, and it can touch the disk no more. @stable: it surely survives a power cut (FUA). */
void model_write_end(uint32_t id, enum model_outcome o, bool stable);
bool model_write_is_open(uint32_t id);

/* --- reads --- */

/* When a read or a flush begins; to be handed back at its end. */
uint64_t model_begin(void);
/* One ends without a result. */
void model_give_up(uint64_t begin);
/* @n blocks were read. */
void model_read_end(unsigned disk, uint64_t lba, uint32_t n, const uint8_t *data, uint64_t begin,
		    const char *who);
/* All that had ended before @begin survives a power cut. */
void model_flush_end(unsigned disk, uint64_t begin);
/* The only thing block @lba may hold now, if there is just one: its write's number, 0: what it held at first (zeroes). */
#define MODEL_UNKNOWN UINT32_MAX
uint32_t model_only(unsigned disk, uint64_t lba);

/* Nobody can have tried to change these blocks since @tick: who wrote there had ended before, or has not begun. */
bool model_is_quiet(unsigned disk, uint64_t lba, uint32_t n, uint64_t tick);

/*
 * A COMPARE AND WRITE has found write @id in block @lba, and put another in its place. It was only ever there
 * once, so nobody else can have done the same.
 */
void model_taken(unsigned disk, uint64_t lba, uint32_t id);
/*
 * ... and it did that at one moment: what began after @by, its write, and is not what it has found comes behind it. So
 * when both are over it is that which is there. @begin: when @by was made, and could find @id only.
 */
void model_swapped(uint32_t by, uint64_t lba, uint32_t id, uint64_t begin);

/* --- what disks report --- */

/* A block reaches the medium; @was: what was there. */
void model_applied(unsigned disk, uint64_t lba, const uint8_t *block, const uint8_t *was);
/* Likewise, by a command that was given up and may be over, while nobody is served. @copies: else the block was said to
 * be able to hold it. What a copy brings the model does not know any more, but the disk sees that it is what it was. */
void model_late(unsigned disk, uint64_t lba, const uint8_t *block, const uint8_t *was, bool copies);
/* What was not stable may be gone. */
void model_power_cut(unsigned disk);
