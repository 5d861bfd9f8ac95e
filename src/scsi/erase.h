/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Erasing a whole unit: what FORMAT UNIT and SANITIZE start (SBC-4 5.4, 5.34, 4.11). It belongs to the unit, not to
 * the command: task management and resets do not end it, and with SCSI_ACT_SAVE it goes on after a restart, from the
 * start. Meanwhile nearly every command gets NOT READY with how far it has come.
 *
 * The core says what to do, one bounded piece at a time, and the caller does it:
 * scsi_lu_next() says ERASE -> scsi_erase_next() until that says END, each answered by scsi_erase_done().
 */
#pragma once

#include "base/util.h"

#define SCSI_ERASE_PATTERN_MAX 4096u        /* bytes of a pattern: a block */
#define SCSI_ERASE_PIECE_BYTES (4u << 20)   /* longest UNMAP or ZERO */
#define SCSI_ERASE_WRITE_BYTES (256u << 10) /* longest WRITE */

struct scsi_lu;
struct scsi_task;

enum scsi_erase_kind {
	SCSI_ERASE_NONE,
	SCSI_ERASE_FORMAT,
	SCSI_ERASE_SANITIZE,
};

/* Of a unit; the home worker's. */
struct scsi_erase {
	uint8_t kind; /* enum scsi_erase_kind; NONE: nothing is under way, nothing has failed */
	bool failed;  /* and nothing is under way */
	bool unrestricted;    /* AUSE: SANITIZE with EXIT FAILURE MODE makes it good */
	uint8_t n_passes;     /* of writing the pattern; 0: unmap, or write zeroes */
	bool invert;          /* the pattern, after each pass */
	uint16_t pattern_len; /* with passes: 1 to the bytes of a block */
	uint8_t pattern[SCSI_ERASE_PATTERN_MAX];
	/* where it is */
	uint8_t stage; /* enum in erase.c */
	uint8_t pass;
	uint64_t next_block;
	int result;
	bool due;   /* scsi_lu_next() is to say so */
	bool given; /* a piece is with the caller */
	struct scsi_task
		*starts; /* the command that began it waits for that to be stable; NULL: none */
	struct scsi_task *waiter; /* the command that is answered when it ends; NULL: none */
	bool wake;                /* ... now */
};

enum scsi_erase_type {
	SCSI_ERASE_END,   /* nothing more: ask scsi_lu_next() */
	SCSI_ERASE_UNMAP, /* the range; afterwards it reads as zeroes */
	SCSI_ERASE_ZERO,  /* likewise, by whatever writes zeroes */
	SCSI_ERASE_WRITE, /* the range, with what scsi_erase_fill() gives */
	SCSI_ERASE_FLUSH,
	SCSI_ERASE_SAVE, /* make what scsi_lu_save() writes now stable */
};

struct scsi_erase_act {
	enum scsi_erase_type type;
	uint64_t off_bytes;
	uint32_t len_bytes;
};

/* The next piece. Context: home worker. */
struct scsi_erase_act scsi_erase_next(struct scsi_lu *lu);
/* The piece has ended, with 0 or -errno. Context: home worker. */
void scsi_erase_done(struct scsi_lu *lu, int result);
/* What a WRITE of @len bytes writes. Context: home worker. */
void scsi_erase_fill(const struct scsi_lu *lu, uint8_t *buf, uint32_t len);
/**
 * scsi_erase_stop() - the unit or the target goes away, and no piece is with the caller
 *
 * The command that waits for the end is aborted; ask scsi_lu_next(). What is saved says that the erasing is
 * under way. Context: home worker.
 */
void scsi_erase_stop(struct scsi_lu *lu);

/* How far it has come, in 65536ths. */
uint16_t scsi_erase_progress(const struct scsi_lu *lu);

/* --- for the files of this folder --- */

/* Begin what the first fields of @e say, for @t, which is to save that next. Others are refused from now on. */
void erase_begin(struct scsi_task *t, const struct scsi_erase *e);
/* @t has saved it, or was aborted, or need not save: go on; with @wait @t is answered at the end. */
void erase_go(struct scsi_task *t, bool wait);
/* It could not be saved: it has not begun. */
void erase_undo(struct scsi_task *t);
/* @t, which waits for the end, is aborted. */
void erase_forget(struct scsi_task *t);
/* Is it under way, as far as what is saved says, or has it failed? */
bool erase_is_kept(const struct scsi_lu *lu);
/* For scsi_lu_next(): the command to be answered, or NULL. */
struct scsi_task *erase_wake(struct scsi_lu *lu);
/* For scsi_lu_next(): is the caller to begin? */
bool erase_take_due(struct scsi_lu *lu);
