/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What the files that make and judge commands of hosts share. */
#pragma once

#include "sim/host.h"

#define HCMD_NOTHING 0xa5 /* what a data-in buffer holds before */

/* Of its operation, for reports. */
const char *hcmd_text(const struct hcmd *cmd);

/* --- hcmd_rw.c: what moves blocks --- */

void make_read(struct hchan *c, struct hcmd *cmd);
void make_write(struct hchan *c, struct hcmd *cmd);
void make_sync(struct hchan *c, struct hcmd *cmd);
void make_verify(struct hchan *c, struct hcmd *cmd);
void make_compare(struct hchan *c, struct hcmd *cmd);
void make_caw(struct hchan *c, struct hcmd *cmd);
void make_orwrite(struct hchan *c, struct hcmd *cmd);
void make_same(struct hchan *c, struct hcmd *cmd);
void make_erase(struct hchan *c, struct hcmd *cmd);
void make_unmap(struct hchan *c, struct hcmd *cmd);
/* The CDB of a READ or WRITE. */
void hcmd_put_rw(struct hcmd *cmd, bool write);
/* The blocks of its write of the model, @n of them, into its buffer. */
void hcmd_fill(struct hcmd *cmd, uint32_t n);
/* WRITE USING TOKEN of its blocks: the CDB, and a list with a token of this type and nothing in it. */
void hcmd_put_token(struct hcmd *cmd, uint32_t type);
/* Of a transfer that its buffer may be too short for. */
uint32_t hcmd_whole_blocks(const struct hcmd *cmd);

/* --- hcmd_ask.c: questions, and what changes the unit --- */

void make_question(struct hchan *c, struct hcmd *cmd);
void make_select(struct hchan *c, struct hcmd *cmd);
/* At the end of a run: as it is at first. */
void make_select_probe(struct hcmd *cmd);
void make_groups(struct hchan *c, struct hcmd *cmd);
void make_access(struct hchan *c, struct hcmd *cmd);
void make_stop(struct hchan *c, struct hcmd *cmd);

/* --- hcmd_medium.c: media that go and come --- */

#define HCMD_LOEJ 0x02 /* of START STOP UNIT: byte 4 */

void make_medium(struct hchan *c, struct hcmd *cmd);
/* At the end of a run: started, with its medium in. */
void make_load(struct hcmd *cmd);

/* --- hcmd_ident.c: identifying information and the timestamp --- */

#define HCMD_IDENT_TEXT       2u   /* a type of information: byte 10, bits 7-1 */
#define HCMD_IDENT_DEVICE_MAX 64u  /* bytes of the other type */
#define HCMD_IDENT_MAX        256u /* ... and of text */

void make_ident(struct hchan *c, struct hcmd *cmd);

/* --- hcmd_copy.c: copies inside the target --- */

enum hcmd_copy {
	HCMD_COPY_NOTHING, /* EXTENDED COPY or WRITE USING TOKEN that must fail */
	HCMD_COPY_BLOCKS,  /* EXTENDED COPY */
	HCMD_COPY_PROMISE, /* POPULATE TOKEN */
	HCMD_COPY_FETCH,   /* RECEIVE ROD TOKEN INFORMATION */
	HCMD_COPY_USE,     /* WRITE USING TOKEN */
	HCMD_COPY_ASK,     /* RECEIVE COPY STATUS and the like */
	HCMD_COPY_STOP     /* COPY OPERATION ABORT */
};

struct sense;
struct scsi_lu;
void make_copy(struct hchan *c, struct hcmd *cmd);
/* It was answered with GOOD; @got: bytes of data. Return: NULL, or what is wrong. */
const char *hcmd_copy_good(struct hchan *c, struct hcmd *cmd, uint32_t got);
/* Is there a reason for its CHECK CONDITION? */
bool hcmd_copy_may_fail(const struct hchan *c, const struct hcmd *cmd, const struct sense *s);
/* It may have written something before it failed so. */
bool hcmd_copy_touched(const struct hcmd *cmd, const struct sense *s);
/* A unit of a disk came into being: its designator is known from now on. */
void hcmd_copy_unit(int disk, const struct scsi_lu *lu);

/* --- hcmd_bad.c: mistakes --- */

void make_bad(struct hchan *c, struct hcmd *cmd);
