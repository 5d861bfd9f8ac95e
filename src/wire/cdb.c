/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Builders and names of command descriptor blocks. */
#include "wire/cdb.h"

static uint8_t *cdb_start(uint8_t *cdb, uint8_t opcode)
{
	memset(cdb, 0, CDB_MAX_BYTES);
	cdb[0] = opcode;
	return cdb;
}

unsigned cdb_put_rw(uint8_t cdb[CDB_MAX_BYTES], uint8_t opcode, uint8_t flags, struct cdb_range r)
{
	unsigned len = cdb_len(opcode);

	cdb_start(cdb, opcode)[1] = flags;
	switch (len) {
	case 10:
		if (r.lba > UINT32_MAX || r.n_blocks > UINT16_MAX)
			return 0;
		put_be32(cdb + 2, (uint32_t)r.lba);
		put_be16(cdb + 7, (uint16_t)r.n_blocks);
		return len;
	case 12:
		if (r.lba > UINT32_MAX)
			return 0;
		put_be32(cdb + 2, (uint32_t)r.lba);
		put_be32(cdb + 6, r.n_blocks);
		return len;
	case 16:
		put_be64(cdb + 2, r.lba);
		put_be32(cdb + 10, r.n_blocks);
		return len;
	default:
		return 0;
	}
}

unsigned cdb_put_test_unit_ready(uint8_t cdb[CDB_MAX_BYTES])
{
	cdb_start(cdb, SCSI_OP_TEST_UNIT_READY);
	return 6;
}

unsigned cdb_put_inquiry(uint8_t cdb[CDB_MAX_BYTES], int page, uint16_t alloc_len)
{
	cdb_start(cdb, SCSI_OP_INQUIRY);
	if (page >= 0) {
		cdb[1] = 1; /* EVPD */
		cdb[2] = (uint8_t)page;
	}
	put_be16(cdb + 3, alloc_len);
	return 6;
}

unsigned cdb_put_report_luns(uint8_t cdb[CDB_MAX_BYTES], uint8_t select, uint32_t alloc_len)
{
	cdb_start(cdb, SCSI_OP_REPORT_LUNS)[2] = select;
	put_be32(cdb + 6, alloc_len);
	return 12;
}

unsigned cdb_put_read_capacity_10(uint8_t cdb[CDB_MAX_BYTES])
{
	cdb_start(cdb, SCSI_OP_READ_CAPACITY_10);
	return 10;
}

unsigned cdb_put_read_capacity_16(uint8_t cdb[CDB_MAX_BYTES], uint32_t alloc_len)
{
	cdb_start(cdb, SCSI_OP_SERVICE_ACTION_IN_16)[1] = SCSI_SA_READ_CAPACITY_16;
	put_be32(cdb + 10, alloc_len);
	return 16;
}

unsigned cdb_put_mode_sense_10(uint8_t cdb[CDB_MAX_BYTES], uint8_t page, uint16_t alloc_len)
{
	cdb_start(cdb, SCSI_OP_MODE_SENSE_10)[2] = page;
	put_be16(cdb + 7, alloc_len);
	return 10;
}

unsigned cdb_put_unmap(uint8_t cdb[CDB_MAX_BYTES], uint16_t list_len)
{
	cdb_start(cdb, SCSI_OP_UNMAP);
	put_be16(cdb + 7, list_len);
	return 10;
}

static const char *service_action_in_text(uint8_t service_action)
{
	switch (service_action) {
	case SCSI_SA_READ_CAPACITY_16:
		return "READ CAPACITY(16)";
	case SCSI_SA_GET_LBA_STATUS:
		return "GET LBA STATUS";
	case SCSI_SA_REPORT_REFERRALS:
		return "REPORT REFERRALS";
	default:
		return NULL;
	}
}

static const char *maintenance_in_text(uint8_t service_action)
{
	switch (service_action) {
	case SCSI_SA_IDENTIFYING_INFO:
		return "REPORT IDENTIFYING INFORMATION";
	case SCSI_SA_REPORT_TPGS:
		return "REPORT TARGET PORT GROUPS";
	case SCSI_SA_REPORT_SUPPORTED_OPS:
		return "REPORT SUPPORTED OPERATION CODES";
	case SCSI_SA_REPORT_SUPPORTED_TMFS:
		return "REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS";
	case SCSI_SA_TIMESTAMP:
		return "REPORT TIMESTAMP";
	default:
		return NULL;
	}
}

static const char *maintenance_out_text(uint8_t service_action)
{
	switch (service_action) {
	case SCSI_SA_SET_IDENTIFYING_INFO:
		return "SET IDENTIFYING INFORMATION";
	case SCSI_SA_SET_TPGS:
		return "SET TARGET PORT GROUPS";
	case SCSI_SA_SET_TIMESTAMP:
		return "SET TIMESTAMP";
	default:
		return NULL;
	}
}

static const char *sanitize_text(uint8_t service_action)
{
	switch (service_action) {
	case SCSI_SA_OVERWRITE:
		return "SANITIZE, OVERWRITE";
	case SCSI_SA_BLOCK_ERASE:
		return "SANITIZE, BLOCK ERASE";
	case SCSI_SA_EXIT_FAILURE:
		return "SANITIZE, EXIT FAILURE MODE";
	default:
		return NULL;
	}
}

static const char *pr_in_text(uint8_t service_action)
{
	static const char *const text[] = {
		[SCSI_PR_IN_READ_KEYS] = "PERSISTENT RESERVE IN, READ KEYS",
		[SCSI_PR_IN_READ_RESERVATION] = "PERSISTENT RESERVE IN, READ RESERVATION",
		[SCSI_PR_IN_REPORT_CAPABILITIES] = "PERSISTENT RESERVE IN, REPORT CAPABILITIES",
		[SCSI_PR_IN_READ_FULL_STATUS] = "PERSISTENT RESERVE IN, READ FULL STATUS",
	};

	return service_action < ARRAY_SIZE(text) ? text[service_action] : NULL;
}

static const char *pr_out_text(uint8_t service_action)
{
	static const char *const text[] = {
		[SCSI_PR_OUT_REGISTER] = "PERSISTENT RESERVE OUT, REGISTER",
		[SCSI_PR_OUT_RESERVE] = "PERSISTENT RESERVE OUT, RESERVE",
		[SCSI_PR_OUT_RELEASE] = "PERSISTENT RESERVE OUT, RELEASE",
		[SCSI_PR_OUT_CLEAR] = "PERSISTENT RESERVE OUT, CLEAR",
		[SCSI_PR_OUT_PREEMPT] = "PERSISTENT RESERVE OUT, PREEMPT",
		[SCSI_PR_OUT_PREEMPT_AND_ABORT] = "PERSISTENT RESERVE OUT, PREEMPT AND ABORT",
		[SCSI_PR_OUT_REGISTER_AND_IGNORE] =
			"PERSISTENT RESERVE OUT, REGISTER AND IGNORE EXISTING KEY",
		[SCSI_PR_OUT_REGISTER_AND_MOVE] = "PERSISTENT RESERVE OUT, REGISTER AND MOVE",
		[SCSI_PR_OUT_REPLACE_LOST] = "PERSISTENT RESERVE OUT, REPLACE LOST RESERVATION",
	};

	return service_action < ARRAY_SIZE(text) ? text[service_action] : NULL;
}

static const char *copy_out_text(uint8_t service_action)
{
	switch (service_action) {
	case SCSI_COPY_OUT_LID1:
		return "EXTENDED COPY(LID1)";
	case SCSI_COPY_OUT_LID4:
		return "EXTENDED COPY(LID4)";
	case SCSI_COPY_OUT_POPULATE_TOKEN:
		return "POPULATE TOKEN";
	case SCSI_COPY_OUT_USING_TOKEN:
		return "WRITE USING TOKEN";
	case SCSI_COPY_OUT_ABORT:
		return "COPY OPERATION ABORT";
	default:
		return NULL;
	}
}

static const char *copy_in_text(uint8_t service_action)
{
	switch (service_action) {
	case SCSI_COPY_IN_STATUS_LID1:
		return "RECEIVE COPY STATUS(LID1)";
	case SCSI_COPY_IN_PARAMETERS:
		return "RECEIVE COPY OPERATING PARAMETERS";
	case SCSI_COPY_IN_FAILED:
		return "RECEIVE COPY FAILURE DETAILS(LID1)";
	case SCSI_COPY_IN_STATUS_LID4:
		return "RECEIVE COPY STATUS(LID4)";
	case SCSI_COPY_IN_TOKEN:
		return "RECEIVE ROD TOKEN INFORMATION";
	default:
		return NULL;
	}
}

const char *cdb_opcode_text(const uint8_t *cdb)
{
	static const char *const text[256] = {
		[SCSI_OP_TEST_UNIT_READY] = "TEST UNIT READY",
		[SCSI_OP_REQUEST_SENSE] = "REQUEST SENSE",
		[SCSI_OP_READ_6] = "READ(6)",
		[SCSI_OP_WRITE_6] = "WRITE(6)",
		[SCSI_OP_INQUIRY] = "INQUIRY",
		[SCSI_OP_MODE_SELECT_6] = "MODE SELECT(6)",
		[SCSI_OP_RESERVE_6] = "RESERVE(6)",
		[SCSI_OP_RELEASE_6] = "RELEASE(6)",
		[SCSI_OP_RESERVE_10] = "RESERVE(10)",
		[SCSI_OP_RELEASE_10] = "RELEASE(10)",
		[SCSI_OP_MODE_SENSE_6] = "MODE SENSE(6)",
		[SCSI_OP_START_STOP_UNIT] = "START STOP UNIT",
		[SCSI_OP_READ_CAPACITY_10] = "READ CAPACITY(10)",
		[SCSI_OP_READ_10] = "READ(10)",
		[SCSI_OP_WRITE_10] = "WRITE(10)",
		[SCSI_OP_VERIFY_10] = "VERIFY(10)",
		[SCSI_OP_SYNCHRONIZE_CACHE_10] = "SYNCHRONIZE CACHE(10)",
		[SCSI_OP_WRITE_SAME_10] = "WRITE SAME(10)",
		[SCSI_OP_FORMAT_UNIT] = "FORMAT UNIT",
		[SCSI_OP_UNMAP] = "UNMAP",
		[SCSI_OP_LOG_SELECT] = "LOG SELECT",
		[SCSI_OP_LOG_SENSE] = "LOG SENSE",
		[SCSI_OP_MODE_SELECT_10] = "MODE SELECT(10)",
		[SCSI_OP_MODE_SENSE_10] = "MODE SENSE(10)",
		[SCSI_OP_READ_16] = "READ(16)",
		[SCSI_OP_WRITE_16] = "WRITE(16)",
		[SCSI_OP_COMPARE_AND_WRITE] = "COMPARE AND WRITE",
		[SCSI_OP_ORWRITE_16] = "ORWRITE(16)",
		[SCSI_OP_VERIFY_16] = "VERIFY(16)",
		[SCSI_OP_SYNCHRONIZE_CACHE_16] = "SYNCHRONIZE CACHE(16)",
		[SCSI_OP_WRITE_SAME_16] = "WRITE SAME(16)",
		[SCSI_OP_REPORT_LUNS] = "REPORT LUNS",
		[SCSI_OP_READ_12] = "READ(12)",
		[SCSI_OP_WRITE_12] = "WRITE(12)",
		[SCSI_OP_SEND_DIAGNOSTIC] = "SEND DIAGNOSTIC",
		[SCSI_OP_PREVENT_ALLOW] = "PREVENT ALLOW MEDIUM REMOVAL",
		[SCSI_OP_WRITE_VERIFY_10] = "WRITE AND VERIFY(10)",
		[SCSI_OP_PREFETCH_10] = "PRE-FETCH(10)",
		[SCSI_OP_READ_DEFECTS_10] = "READ DEFECT DATA(10)",
		[SCSI_OP_WRITE_BUFFER] = "WRITE BUFFER",
		[SCSI_OP_READ_BUFFER_10] = "READ BUFFER(10)",
		[SCSI_OP_WRITE_VERIFY_16] = "WRITE AND VERIFY(16)",
		[SCSI_OP_PREFETCH_16] = "PRE-FETCH(16)",
		[SCSI_OP_READ_BUFFER_16] = "READ BUFFER(16)",
		[SCSI_OP_WRITE_ATOMIC_16] = "WRITE ATOMIC(16)",
		[SCSI_OP_WRITE_VERIFY_12] = "WRITE AND VERIFY(12)",
		[SCSI_OP_VERIFY_12] = "VERIFY(12)",
		[SCSI_OP_READ_DEFECTS_12] = "READ DEFECT DATA(12)",
	};
	uint8_t service_action = cdb[1] & 0x1f;

	if (cdb[0] == SCSI_OP_SERVICE_ACTION_IN_16)
		return service_action_in_text(service_action);
	if (cdb[0] == SCSI_OP_PERSISTENT_RESERVE_IN)
		return pr_in_text(service_action);
	if (cdb[0] == SCSI_OP_PERSISTENT_RESERVE_OUT)
		return pr_out_text(service_action);
	if (cdb[0] == SCSI_OP_SANITIZE)
		return sanitize_text(service_action);
	if (cdb[0] == SCSI_OP_THIRD_PARTY_COPY_OUT)
		return copy_out_text(service_action);
	if (cdb[0] == SCSI_OP_THIRD_PARTY_COPY_IN)
		return copy_in_text(service_action);
	if (cdb[0] == SCSI_OP_MAINTENANCE_IN)
		return maintenance_in_text(service_action);
	if (cdb[0] == SCSI_OP_MAINTENANCE_OUT)
		return maintenance_out_text(service_action);
	return text[cdb[0]];
}
