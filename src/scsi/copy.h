/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Third-party copies (SPC-5 5.17): what a command that copies is at, and what a unit remembers of copies. Home worker. */
#pragma once

#include "scsi/visit.h"
#include "wire/sense.h"

#define SCSI_COPY_BYTES        (1u << 20) /* longest COPY action */
#define SCSI_COPY_TARGETS_MAX  8u         /* CSCD descriptors of a list */
#define SCSI_COPY_SEGMENTS_MAX 64u
#define SCSI_COPY_NOTES        16u /* copies that a unit does or remembers at a time */

struct scsi_nexus;
struct scsi_task;

enum scsi_copy_status {
	SCSI_COPY_NONE, /* the note is free */
	SCSI_COPY_RUNS,
	SCSI_COPY_DONE,
	SCSI_COPY_FAILED,
};

/* A copy with a list identifier, as RECEIVE COPY STATUS tells of it. */
struct scsi_copy_note {
	const struct scsi_nexus *nexus; /* whose; NULL: it has lost the unit */
	uint32_t list_id;
	uint8_t service_action; /* enum scsi_copy_out */
	uint8_t status;         /* enum scsi_copy_status */
	bool told;              /* FAILED, and that was asked for: what is left are the details */
	uint8_t sense_len;      /* FAILED */
	uint8_t sense[SENSE_MAX_BYTES];
	bool stop;         /* COPY OPERATION ABORT: it ends in front of its next piece */
	uint16_t segments; /* done */
	uint16_t pieces;   /* likewise, modulo 2^16 */
	uint64_t bytes;    /* copied; of POPULATE TOKEN: that the token represents */
	uint64_t token;    /* the id of the token that POPULATE TOKEN has made */
	bool partial;      /* the token that was used had less than was asked for */
	uint64_t seq;      /* of its beginning */
};

struct scsi_copies {
	uint64_t seq;
	struct scsi_copy_note note[SCSI_COPY_NOTES];
};

/* Of a command that copies. */
struct scsi_copying {
	struct scsi_lu *from; /* with the action COPY, as the next two */
	struct scsi_lu *to;
	uint64_t from_bytes;
	uint64_t done_bytes;         /* of the segment */
	struct scsi_copy_note *note; /* NULL: nobody may ask */
	struct scsi_visit visit[2];
	struct list later;         /* on waits_for->order.guests */
	struct scsi_lu *waits_for; /* NULL: none but its own */
	bool yields;               /* held between two pieces */
	bool stop;                 /* a unit that it visited has aborted what is there */
};

/* --- for the files of this folder --- */

/**
 * copy_note_begin() - a copy with a list identifier begins
 * @t:       of the copy manager that is its unit
 * @list_id: of its service action
 *
 * Return: true and t->copy.note is set, or false: there is room for no more.
 */
bool copy_note_begin(struct scsi_task *t, uint32_t list_id);
/* The copy @t ends as its out-part says. */
void copy_note_end(struct scsi_task *t);
/* The note of this copy of the nexus of @t at the unit of @t, or NULL. */
struct scsi_copy_note *copy_note_find(const struct scsi_task *t, uint8_t service_action,
				      uint32_t list_id);
/* Likewise whatever the service action, but for LID1, whose identifiers are others. */
struct scsi_copy_note *copy_note_lid4(const struct scsi_task *t, uint32_t list_id);
/* Likewise, that a copy with this identifier by the command of @t would take the place of. */
struct scsi_copy_note *copy_note_same(const struct scsi_task *t, uint32_t list_id);
/* How it goes is being told to who asked: of a copy that has ended that is told once. */
void copy_note_told(struct scsi_copy_note *n);
/* The nexus has lost its unit, or (NULL) all have what they knew of it: nothing will be told of copies until now. */
void copy_notes_forget(struct scsi_lu *lu, const struct scsi_nexus *nexus);
