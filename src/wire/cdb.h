/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Command descriptor blocks: names of opcodes, service actions and status codes; the place of the
 * LBA and length in each family (by the group code of the opcode, SPC-5 4.2.5.1); builders for an
 * initiator.
 */
#pragma once

#include "base/cur.h"

#define CDB_MAX_BYTES 16u

enum scsi_status { /* SAM-5 5.3.1 */
	SCSI_STATUS_GOOD = 0x00,
	SCSI_STATUS_CHECK_CONDITION = 0x02,
	SCSI_STATUS_CONDITION_MET = 0x04,
	SCSI_STATUS_BUSY = 0x08,
	SCSI_STATUS_RESERVATION_CONFLICT = 0x18,
	SCSI_STATUS_TASK_SET_FULL = 0x28,
	SCSI_STATUS_ACA_ACTIVE = 0x30,
	SCSI_STATUS_TASK_ABORTED = 0x40,
};

enum scsi_opcode {
	SCSI_OP_TEST_UNIT_READY = 0x00,
	SCSI_OP_REQUEST_SENSE = 0x03,
	SCSI_OP_FORMAT_UNIT = 0x04,
	SCSI_OP_READ_6 = 0x08,
	SCSI_OP_WRITE_6 = 0x0a,
	SCSI_OP_INQUIRY = 0x12,
	SCSI_OP_MODE_SELECT_6 = 0x15,
	SCSI_OP_RESERVE_6 = 0x16,
	SCSI_OP_RELEASE_6 = 0x17,
	SCSI_OP_MODE_SENSE_6 = 0x1a,
	SCSI_OP_START_STOP_UNIT = 0x1b,
	SCSI_OP_SEND_DIAGNOSTIC = 0x1d,
	SCSI_OP_PREVENT_ALLOW = 0x1e,
	SCSI_OP_READ_CAPACITY_10 = 0x25,
	SCSI_OP_READ_10 = 0x28,
	SCSI_OP_WRITE_10 = 0x2a,
	SCSI_OP_WRITE_VERIFY_10 = 0x2e,
	SCSI_OP_VERIFY_10 = 0x2f,
	SCSI_OP_PREFETCH_10 = 0x34,
	SCSI_OP_SYNCHRONIZE_CACHE_10 = 0x35,
	SCSI_OP_READ_DEFECTS_10 = 0x37,
	SCSI_OP_WRITE_BUFFER = 0x3b,
	SCSI_OP_READ_BUFFER_10 = 0x3c,
	SCSI_OP_WRITE_SAME_10 = 0x41,
	SCSI_OP_UNMAP = 0x42,
	SCSI_OP_SANITIZE = 0x48,
	SCSI_OP_LOG_SELECT = 0x4c,
	SCSI_OP_LOG_SENSE = 0x4d,
	SCSI_OP_MODE_SELECT_10 = 0x55,
	SCSI_OP_RESERVE_10 = 0x56,
	SCSI_OP_RELEASE_10 = 0x57,
	SCSI_OP_MODE_SENSE_10 = 0x5a,
	SCSI_OP_PERSISTENT_RESERVE_IN = 0x5e,
	SCSI_OP_PERSISTENT_RESERVE_OUT = 0x5f,
	SCSI_OP_THIRD_PARTY_COPY_OUT = 0x83,
	SCSI_OP_THIRD_PARTY_COPY_IN = 0x84,
	SCSI_OP_READ_16 = 0x88,
	SCSI_OP_COMPARE_AND_WRITE = 0x89,
	SCSI_OP_WRITE_16 = 0x8a,
	SCSI_OP_ORWRITE_16 = 0x8b,
	SCSI_OP_WRITE_VERIFY_16 = 0x8e,
	SCSI_OP_VERIFY_16 = 0x8f,
	SCSI_OP_PREFETCH_16 = 0x90,
	SCSI_OP_SYNCHRONIZE_CACHE_16 = 0x91,
	SCSI_OP_WRITE_SAME_16 = 0x93,
	SCSI_OP_READ_BUFFER_16 = 0x9b,
	SCSI_OP_WRITE_ATOMIC_16 = 0x9c,
	SCSI_OP_SERVICE_ACTION_IN_16 = 0x9e,
	SCSI_OP_REPORT_LUNS = 0xa0,
	SCSI_OP_MAINTENANCE_IN = 0xa3,
	SCSI_OP_MAINTENANCE_OUT = 0xa4,
	SCSI_OP_READ_12 = 0xa8,
	SCSI_OP_WRITE_12 = 0xaa,
	SCSI_OP_WRITE_VERIFY_12 = 0xae,
	SCSI_OP_VERIFY_12 = 0xaf,
	SCSI_OP_READ_DEFECTS_12 = 0xb7,
};

#define SCSI_SA_READ_CAPACITY_16      0x10 /* of SERVICE ACTION IN(16) */
#define SCSI_SA_GET_LBA_STATUS        0x12
#define SCSI_SA_REPORT_REFERRALS      0x13
#define SCSI_SA_IDENTIFYING_INFO      0x05 /* of MAINTENANCE IN: REPORT */
#define SCSI_SA_REPORT_TPGS           0x0a
#define SCSI_SA_REPORT_SUPPORTED_OPS  0x0c
#define SCSI_SA_REPORT_SUPPORTED_TMFS 0x0d
#define SCSI_SA_TIMESTAMP             0x0f
#define SCSI_SA_SET_IDENTIFYING_INFO  0x06 /* of MAINTENANCE OUT */
#define SCSI_SA_SET_TPGS              0x0a
#define SCSI_SA_SET_TIMESTAMP         0x0f

#define SCSI_SA_OVERWRITE    0x01 /* of SANITIZE */
#define SCSI_SA_BLOCK_ERASE  0x02
#define SCSI_SA_EXIT_FAILURE 0x1f /* EXIT FAILURE MODE */

enum scsi_pr_in { /* service actions of PERSISTENT RESERVE IN */
	SCSI_PR_IN_READ_KEYS = 0x00,
	SCSI_PR_IN_READ_RESERVATION = 0x01,
	SCSI_PR_IN_REPORT_CAPABILITIES = 0x02,
	SCSI_PR_IN_READ_FULL_STATUS = 0x03,
};

enum scsi_pr_out { /* of PERSISTENT RESERVE OUT */
	SCSI_PR_OUT_REGISTER = 0x00,
	SCSI_PR_OUT_RESERVE = 0x01,
	SCSI_PR_OUT_RELEASE = 0x02,
	SCSI_PR_OUT_CLEAR = 0x03,
	SCSI_PR_OUT_PREEMPT = 0x04,
	SCSI_PR_OUT_PREEMPT_AND_ABORT = 0x05,
	SCSI_PR_OUT_REGISTER_AND_IGNORE = 0x06, /* existing key */
	SCSI_PR_OUT_REGISTER_AND_MOVE = 0x07,
	SCSI_PR_OUT_REPLACE_LOST = 0x08, /* reservation */
};

enum scsi_copy_out {               /* service actions of THIRD-PARTY COPY OUT */
	SCSI_COPY_OUT_LID1 = 0x00, /* EXTENDED COPY(LID1) */
	SCSI_COPY_OUT_LID4 = 0x01,
	SCSI_COPY_OUT_POPULATE_TOKEN = 0x10,
	SCSI_COPY_OUT_USING_TOKEN = 0x11, /* WRITE USING TOKEN */
	SCSI_COPY_OUT_ABORT = 0x1c,       /* COPY OPERATION ABORT */
};

enum scsi_copy_in {                      /* of THIRD-PARTY COPY IN */
	SCSI_COPY_IN_STATUS_LID1 = 0x00, /* RECEIVE COPY STATUS(LID1) */
	SCSI_COPY_IN_PARAMETERS = 0x03,  /* RECEIVE COPY OPERATING PARAMETERS */
	SCSI_COPY_IN_FAILED = 0x04,      /* RECEIVE COPY FAILURE DETAILS(LID1) */
	SCSI_COPY_IN_STATUS_LID4 = 0x05, /* RECEIVE COPY STATUS(LID4) */
	SCSI_COPY_IN_TOKEN = 0x07,       /* RECEIVE ROD TOKEN INFORMATION */
};

#define CDB_FUA 0x08 /* byte 1 of READ and WRITE (10, 12, 16) */
#define CDB_DPO 0x10

/* CDB bytes by group code; 0 for groups without a fixed length (variable, vendor). */
static inline unsigned cdb_len(uint8_t opcode)
{
	static const uint8_t by_group[8] = { 6, 10, 10, 0, 16, 12, 0, 0 };

	return by_group[opcode >> 5];
}

/* LBA and number of blocks of a READ, WRITE, VERIFY, ... of 6, 10, 12 or 16 bytes. */
struct cdb_range {
	uint64_t lba;
	uint32_t n_blocks;
};

/* Only for opcodes of the four block-range layouts; the group code decides. READ(6): 0 means 256. */
static inline struct cdb_range cdb_range(const uint8_t *cdb)
{
	switch (cdb[0] >> 5) {
	case 0:
		return (struct cdb_range){ get_be24(cdb + 1) & 0x1fffff, cdb[4] ? cdb[4] : 256u };
	case 1:
	case 2:
		return (struct cdb_range){ get_be32(cdb + 2), get_be16(cdb + 7) };
	case 5:
		return (struct cdb_range){ get_be32(cdb + 2), get_be32(cdb + 6) };
	default:
		return (struct cdb_range){ get_be64(cdb + 2), get_be32(cdb + 10) };
	}
}

/**
 * cdb_put_rw() - build a block-range CDB: READ, WRITE, VERIFY, SYNCHRONIZE CACHE, WRITE SAME
 * @cdb:    CDB_MAX_BYTES, cleared first
 * @opcode: of 10, 12 or 16 bytes
 * @flags:  byte 1, for example CDB_FUA
 *
 * Return: length of the CDB, or 0 when @r does not fit into this length of CDB (then use one of 16).
 */
unsigned cdb_put_rw(uint8_t cdb[CDB_MAX_BYTES], uint8_t opcode, uint8_t flags, struct cdb_range r);

/* The other CDBs an initiator needs; each clears @cdb and returns its length. */
unsigned cdb_put_test_unit_ready(uint8_t cdb[CDB_MAX_BYTES]);
/* @page: VPD page code, or -1 for standard INQUIRY data. */
unsigned cdb_put_inquiry(uint8_t cdb[CDB_MAX_BYTES], int page, uint16_t alloc_len);
unsigned cdb_put_report_luns(uint8_t cdb[CDB_MAX_BYTES], uint8_t select, uint32_t alloc_len);
unsigned cdb_put_read_capacity_10(uint8_t cdb[CDB_MAX_BYTES]);
unsigned cdb_put_read_capacity_16(uint8_t cdb[CDB_MAX_BYTES], uint32_t alloc_len);
unsigned cdb_put_mode_sense_10(uint8_t cdb[CDB_MAX_BYTES], uint8_t page, uint16_t alloc_len);
unsigned cdb_put_unmap(uint8_t cdb[CDB_MAX_BYTES], uint16_t list_len);

/* "READ(10)"; NULL for an opcode not known here. */
const char *cdb_opcode_text(const uint8_t *cdb);
