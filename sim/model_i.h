/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What the files of the model share: model.c, and model_copy.c for what is copied. */
#pragma once

#include "sim/model.h"

#define MODEL_DISKS 8u
#define MAGIC       0x73696d626c6f636bull
#define NEVER       UINT64_MAX
#define BLOCK_MAX   4096u

struct mwrite {
	uint64_t lba;
	uint32_t n;
	uint8_t disk;
	uint8_t kind;
	bool open;
	uint64_t ended;
	bool applied;   /* a block of it reached the disk */
	bool back;      /* a copy has brought what it wrote to where it wrote it, again */
	uint64_t taken; /* BIT(block): a COMPARE AND WRITE has replaced it */
	const char *who;
	struct mcopy *copy; /* MODEL_COPY, while it is open */
};

/* Something a block may hold. */
struct cand {
	uint32_t id; /* who wrote it; 0: what the disk held at first */
	uint32_t
		holds; /* the write whose stamp it has: @id, or what a copy @id has brought; not if @zero */
	uint64_t at; /* ... and of which block */
	bool zero;
	bool sure;      /* it took effect, at the latest at @by */
	bool stable;    /* it survives a power cut */
	uint64_t start; /* it took effect after this ... */
	uint64_t end;   /* ... and before this, if ever */
	uint64_t by;
	uint32_t behind; /* it took effect after this write; 0: that is not known */
};

struct mblock {
	unsigned n;
	unsigned cap;
	struct cand *c;
};

struct mdisk {
	struct model_disk p;
	uint64_t flushed; /* what ended before is stable */
	uint64_t cut;     /* when the power was gone last */
	struct mblock *block;
};

/* The first bytes of a block; the rest follows from them. */
struct stamp {
	uint64_t magic;
	uint64_t lba;
	uint32_t id;
	uint32_t disk;
};

/* --- model.c --- */

struct mdisk *model_disk_at(unsigned disk);
struct mwrite *model_write_at(uint32_t id);
/* A block nobody wrote to yet needs no memory. */
struct mblock *model_block_at(struct mdisk *d, uint64_t lba);
void model_block_add(struct mblock *b, const struct cand *c);
/* Has it what the stamp says? */
bool model_is_it(const struct cand *c, const struct stamp *s);
/* Whether @c was overwritten for certain before @at; @by_stable: by what a power cut cannot take back. */
bool model_is_gone(const struct mdisk *d, const struct mblock *b, const struct cand *c, uint64_t at,
		   bool by_stable);

/* --- model_copy.c --- */

/* Block @lba of @disk becomes what @s says. Return: how many copies may have done that; *ret: one of them. */
unsigned model_copy_applied(unsigned disk, uint64_t lba, const struct stamp *s, uint32_t *ret);
/* It is over. GOOD: it has brought every block. */
void model_copy_end(uint32_t id, enum model_outcome o);
void model_copy_reset(void);
