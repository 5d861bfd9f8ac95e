/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What the tests of this folder stand on: two units with a medium in memory, two nexuses, and a caller
 * that carries out the actions of a task for real and checks the rules of scsi/task.h on the way.
 */
#pragma once

#include "scsi/scsi.h"

#define RIG_BLOCKS    ((size_t)2048)
#define RIG_DISK_LEN  (RIG_BLOCKS * 512)
#define RIG_BUF_LEN   (RIG_DISK_LEN + 4096)
#define RIG_ACTS      64
#define RIG_TPG       0x0102
#define RIG_TPG_OTHER 0x0203

struct rig {
	struct scsi_lu
		lu[2]; /* 0: 512-byte blocks, can unmap, write cache; 1: 4096, cannot, none */
	struct scsi_ports ports; /* 1 and 2 */
	struct scsi_alua
		alua; /* of lu[0]: RIG_TPG with port 1, RIG_TPG_OTHER with 2 and, of another node, 9 */
	struct scsi_nexus nexus[2]; /* of initiator ports ...01 and ...02 with target port 1 */
	struct scsi_view view[2];
	uint8_t disk[2][RIG_DISK_LEN];
	_Alignas(8) uint8_t data[SCSI_DATA_LONG_BYTES]; /* parameter buffer */
	uint8_t in[RIG_BUF_LEN];                        /* the initiator's */
	uint8_t out[RIG_BUF_LEN];
	struct scsi_task t; /* the last command */
	/* what it did */
	unsigned n_acts; /* of the medium, and FETCH; the first RIG_ACTS are kept */
	struct scsi_act acts[RIG_ACTS];
	enum scsi_route route;
	enum scsi_changed changed;
	uint64_t moved; /* bytes of data-in by READ */
	unsigned gathers;
	bool go;                       /* the task is to go on */
	struct scsi_counters counters; /* what COUNT gives */
	unsigned sets;                 /* of access states */
	unsigned erased;               /* pieces of erasing that were carried out */
	unsigned tokens;               /* random bytes that were asked for */
	unsigned saves;
	uint8_t saved[SCSI_SAVED_MAX]; /* by the last one */
	size_t saved_len;
	/* wishes */
	uint64_t now_ns;
	void (*meanwhile)(struct rig *r); /* once, while an action that is no FETCH is under way */
	unsigned from;                    /* index of the nexus; see rig_from() */
	uint8_t attr;
	enum scsi_act_type fail_type; /* the first action of this type ends with fail_result */
	int fail_result;
	uint64_t fail_done;
	unsigned erase_fail_at; /* this piece fails with -EIO (1: the first); 0: none */
	bool erase_later;       /* what ERASE asks for the test does itself, with rig_erase() */
	bool force_home;        /* routed to home although a view says local */
	unsigned abort_at;      /* ABORT at this action (1: the first); 0: never */
	bool abort_room;        /* ABORT when it asks for room */
	const struct scsi_task_fault *fault; /* that the commands meet; NULL: none */
	unsigned held;                       /* commands that were, by it */
	bool abort_held;                     /* ABORT while one is */
	bool unmap; /* its nexus has no unit any more when it asks for data or room */
};

/* Units at LUN 0 and 1 of both nexuses; unit attentions are still owed. */
struct rig *rig_new(void);
/* The same, with the unit attentions taken away. */
struct rig *rig_new_quiet(void);
/* Likewise; no two blocks of its disks are alike. */
struct rig *rig_new_filled(void);
void rig_free(struct rig *r);

/* Publish all views. */
void rig_views(struct rig *r);

/* Carry out at most @max pieces of the erasing of this unit; true when it has ended. */
bool rig_erase(struct rig *r, unsigned unit, unsigned max);

/* CLEAR ACA from both nexuses at both units. */
void rig_clear_aca(struct rig *r);
/* A task management function that finds no tasks. */
enum scsi_changed rig_tmf(struct rig *r, enum scsi_tmf_fn fn, unsigned nexus, const uint8_t *lun);
/* MODE SELECT(6) of one page with this body; returns the status. */
uint8_t rig_mode_select(struct rig *r, const uint8_t *lun, uint8_t page, const uint8_t *body,
			size_t len);

/* Commands come from this nexus; returns @r. */
struct rig *rig_from(struct rig *r, unsigned nexus);

/* Run one command to its end; returns its status. @cdb: @cdb_len bytes, at most 16. */
uint8_t rig_run(struct rig *r, const uint8_t *lun, const uint8_t *cdb, size_t cdb_len,
		uint64_t in_len, uint64_t out_len);
/* The same with a READ, WRITE or the like of any of the four lengths, to LUN 0. */
uint8_t rig_rw(struct rig *r, uint8_t opcode, uint8_t flags, struct cdb_range at, uint64_t in,
	       uint64_t out);

/* Sense data of the last command; fails the test when there is none. */
struct sense rig_sense(const struct rig *r);
void rig_expect_sense(const struct rig *r, uint8_t key, unsigned asc);

#define CDB(...) ((const uint8_t[]){ __VA_ARGS__ }), sizeof((const uint8_t[]){ __VA_ARGS__ })
extern const uint8_t rig_lun0[8];
extern const uint8_t rig_lun1[8];
extern const uint8_t rig_lun7[8]; /* nothing there */
extern const uint8_t rig_well_known[8];
