/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Simulated disks behind src/backend/backend.h: contents that are volatile until a flush, delays, errors,
 * torn writes, requests that are never answered, a disk that vanishes. backend_file_new() of "/sim/N" opens
 * disk N; the contents outlive the target.
 */
#pragma once

#include "backend/backend.h"

#define DISKS_MAX 6u

/* What a disk is. */
struct disk_params {
	uint64_t size_bytes;
	uint32_t block_bytes; /* of the logical unit on it; never torn */
	bool mapped;          /* a store in memory, moved from and to directly */
	bool direct;          /* as with O_DIRECT: aligned memory wanted */
	bool volatile_cache;  /* what is written may be lost in a power cut before a flush */
	bool modelled;        /* its contents are checked (model.h) */
	bool changes;         /* its size and the space of its file system may change */
	bool copies;          /* it copies by itself, from another that does */
	uint32_t unmap_grain; /* 0: cannot unmap */
};

/* How it behaves. */
struct disk_mood {
	uint64_t min_ns, max_ns; /* a request takes so long */
	unsigned slow_pmille;    /* ... or a hundred times that */
	unsigned sync_pct;       /* is done before submit() returns */
	unsigned error_pmille;   /* fails, part of it done */
	unsigned hang_pmille;    /* is not answered before it is cancelled */
	unsigned stuck_pct;      /* of those: not even then, before disk_calm() */
	unsigned cancel_pct;     /* a request that is cancelled ends early */
};

void disk_make(unsigned disk, const struct disk_params *p);
const struct disk_params *disk_params_of(unsigned disk);
void disk_set_mood(unsigned disk, const struct disk_mood *m);
/* From now on it fails nothing and answers everything, also what it held back. */
void disk_calm(unsigned disk);
/* What it held back is answered. */
void disk_answer(unsigned disk);
/* It becomes longer or shorter, by the dice; what is cut off is gone. */
void disk_resize(unsigned disk);
uint64_t disk_size(int disk);
/* Its file system has no space left, or plenty. */
void disk_fill(unsigned disk, bool full);
/* Who wants to be told of changes is told, of disks that have changed. */
void disk_tell(void);
/* It is gone (-ENXIO), or back. */
void disk_vanish(unsigned disk, bool gone);
/* The process of the target died: what is under way may be done or not; nothing is answered any more. */
void disk_crash(void);
/* The machine of the target went down: what was not flushed may be gone. After disk_crash(). */
void disk_power_cut(void);
void disk_reset(void);

/* Does a save of its unit's state fail now? Noted as an excuse. @by: who saves. */
bool disk_save_fails(unsigned disk, const void *by);
/* It is gone, or holds a request back. Whatever else a healthy disk would not do it notes as an excuse. */
bool disk_misbehaves(unsigned disk);
/* Of all disks. */
unsigned disk_n_open(void);
/* Nothing is under way, and a power cut would take nothing. */
bool disk_is_settled(unsigned disk);
unsigned disk_n_under_way(void);
/* The first @len bytes of block @lba of what is on it now. */
void disk_peek(unsigned disk, uint64_t lba, uint8_t *to, uint32_t len);
/* Asked for each request and when a disk is opened; true makes it fail. @by: where it was made, or what is called when
 * it ends. May be NULL. */
extern bool (*disk_call_fails)(const char *call, const void *by);
