/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The command table. Ascending by opcode and service action, which a test checks. */
#include "scsi/cmd.h"
#include "scsi/sbc.h"
#include "scsi/spc.h"
#include "scsi/spc_copy.h"
#include "scsi/spc_token.h"

/* Masks: the bytes after the opcode, then ones up to the 16th. The control byte may have no bit set. */
#define FILL4 0xff, 0xff, 0xff, 0xff
#define MASK6(...)                                          \
	{                                                   \
		0xff, __VA_ARGS__, FILL4, FILL4, 0xff, 0xff \
	}
#define MASK10(...)                                  \
	{                                            \
		0xff, __VA_ARGS__, FILL4, 0xff, 0xff \
	}
#define MASK12(...)                      \
	{                                \
		0xff, __VA_ARGS__, FILL4 \
	}
#define MASK16(...)               \
	{                         \
		0xff, __VA_ARGS__ \
	}
#define FF4                     0xff, 0xff, 0xff, 0xff
#define FF8                     FF4, FF4
#define ZERO4                   0, 0, 0, 0
#define RW6                     MASK6(0x1f, 0xff, 0xff, 0xff, 0)
#define RW10(first)             MASK10(first, FF4, 0, 0xff, 0xff, 0)
#define RW12(first)             MASK12(first, FF4, FF4, 0, 0)
#define RW16(first)             MASK16(first, FF8, FF4, 0, 0)
#define PR_IN_MASK              MASK10(0x1f, ZERO4, 0, 0xff, 0xff, 0)
#define PR_OUT_MASK             MASK10(0x1f, 0xff, 0, 0, FF4, 0)
#define COPY_OUT_MASK           MASK16(0x1f, ZERO4, ZERO4, FF4, 0, 0)
#define COPY_IN_MASK            MASK16(0x1f, 0xff, 0, 0, 0, ZERO4, FF4, 0, 0)
#define TOKEN_OUT_MASK          MASK16(0x1f, ZERO4, FF4, FF4, 0, 0)
#define LID4_IN_MASK            MASK16(0x1f, FF4, ZERO4, FF4, 0, 0)
#define MAINTENANCE(b2, b3, b4) MASK12(0x1f, b2, b3, b4, b4, FF4, 0, 0)

/* Who may do it while another nexus holds a reservation: SPC-5 table 67, SBC-4 table 13. */
#define RES_READ  SCSI_CMD_RES_READ                        /* unless readers are kept out */
#define RES_WRITE (SCSI_CMD_RES_READ | SCSI_CMD_RES_WRITE) /* nobody */

/* [TPG-3] Access states of the target port group that let it in, besides the active ones. What only tells of
 * the unit is let in by standby, too, so that hosts can set up such a path. */
#define IN_STANDBY     SCSI_CMD_IN_STANDBY
#define IN_UNAVAILABLE (IN_STANDBY | SCSI_CMD_IN_UNAVAILABLE)
#define IN_ANY_STATE   (IN_UNAVAILABLE | SCSI_CMD_IN_ANY_STATE)

#define ANSWERS_ALWAYS                                                                 \
	(SCSI_CMD_UA_EXEMPT | SCSI_CMD_ANY_LUN | SCSI_CMD_WELL_KNOWN | SCSI_CMD_DATA | \
	 SCSI_CMD_IN | SCSI_CMD_RES_EXEMPT | IN_ANY_STATE | SCSI_CMD_ANY_TIME | SCSI_CMD_IN_LOST)
#define CHECKS       (SCSI_CMD_LOCAL | SCSI_CMD_MEDIUM | SCSI_CMD_WELL_KNOWN)
#define AT_BLOCKS    (SCSI_CMD_RANGE | SCSI_CMD_MEDIUM)
#define CHECKS_RANGE (SCSI_CMD_LOCAL | AT_BLOCKS | RES_READ)
#define READS        (SCSI_CMD_LOCAL | AT_BLOCKS | SCSI_CMD_IN | RES_READ)
#define WRITES       (SCSI_CMD_LOCAL | AT_BLOCKS | SCSI_CMD_WRITE | SCSI_CMD_OUT | RES_WRITE)
#define VERIFIES     (SCSI_CMD_LOCAL | AT_BLOCKS | SCSI_CMD_OUT | RES_READ)
#define ALONE        (SCSI_CMD_ALONE | AT_BLOCKS | SCSI_CMD_WRITE | SCSI_CMD_OUT | RES_WRITE)
/* Nothing of the unit may be under way when it begins. It needs no medium that is in order. */
#define ERASES_ALL    (SCSI_CMD_ALONE | SCSI_CMD_WRITE | SCSI_CMD_OUT | RES_WRITE)
#define SYNCS         (SCSI_CMD_LOCAL | AT_BLOCKS | RES_WRITE)
#define ERASES        (SCSI_CMD_MEDIUM | SCSI_CMD_WRITE | SCSI_CMD_OUT | RES_WRITE)
#define SETTINGS      (SCSI_CMD_BARRIER | SCSI_CMD_OUT | RES_WRITE | IN_STANDBY)
#define REPORTS       (SCSI_CMD_DATA | SCSI_CMD_IN | IN_STANDBY)
#define READS_BUFFER  (REPORTS | RES_READ | SCSI_CMD_IN_UNAVAILABLE | SCSI_CMD_IN_LOST)
#define MEDIUM_REPORT (SCSI_CMD_DATA | SCSI_CMD_IN | SCSI_CMD_MEDIUM)
#define COPIES        (SCSI_CMD_SA | SCSI_CMD_COPY | SCSI_CMD_MEDIUM | SCSI_CMD_OUT | RES_WRITE)
#define COPY_REPORTS  (SCSI_CMD_SA | SCSI_CMD_DATA | SCSI_CMD_IN)
/* Nothing of the unit may be under way when what it has is promised. */
#define PROMISES (SCSI_CMD_SA | SCSI_CMD_ALONE | SCSI_CMD_MEDIUM | SCSI_CMD_OUT | RES_READ)
#define PR_IN    (SCSI_CMD_SA | SCSI_CMD_DATA | SCSI_CMD_IN | IN_STANDBY)
#define PR_OUT   (SCSI_CMD_SA | SCSI_CMD_OUT | IN_STANDBY)
#define DPO_FUA  (CDB_DPO | CDB_FUA)

enum cmd_index {
	CMD_NONE,
	CMD_TEST_UNIT_READY,
	CMD_REQUEST_SENSE,
	CMD_FORMAT_UNIT,
	CMD_READ_6,
	CMD_WRITE_6,
	CMD_INQUIRY,
	CMD_MODE_SELECT_6,
	CMD_RESERVE_6,
	CMD_RELEASE_6,
	CMD_MODE_SENSE_6,
	CMD_START_STOP_UNIT,
	CMD_SEND_DIAGNOSTIC,
	CMD_PREVENT_ALLOW,
	CMD_READ_CAPACITY_10,
	CMD_READ_10,
	CMD_WRITE_10,
	CMD_WRITE_VERIFY_10,
	CMD_VERIFY_10,
	CMD_PREFETCH_10,
	CMD_SYNCHRONIZE_CACHE_10,
	CMD_READ_DEFECTS_10,
	CMD_WRITE_BUFFER,
	CMD_READ_BUFFER_10,
	CMD_WRITE_SAME_10,
	CMD_UNMAP,
	CMD_SANITIZE_OVERWRITE,
	CMD_SANITIZE_BLOCK_ERASE,
	CMD_SANITIZE_EXIT,
	CMD_LOG_SELECT,
	CMD_LOG_SENSE,
	CMD_MODE_SELECT_10,
	CMD_RESERVE_10,
	CMD_RELEASE_10,
	CMD_MODE_SENSE_10,
	CMD_PR_READ_KEYS,
	CMD_PR_READ_RESERVATION,
	CMD_PR_CAPABILITIES,
	CMD_PR_FULL_STATUS,
	CMD_PR_REGISTER,
	CMD_PR_RESERVE,
	CMD_PR_RELEASE,
	CMD_PR_CLEAR,
	CMD_PR_PREEMPT,
	CMD_PR_PREEMPT_AND_ABORT,
	CMD_PR_REGISTER_AND_IGNORE,
	CMD_PR_REGISTER_AND_MOVE,
	CMD_PR_REPLACE_LOST,
	CMD_EXTENDED_COPY_LID1,
	CMD_EXTENDED_COPY_LID4,
	CMD_POPULATE_TOKEN,
	CMD_WRITE_USING_TOKEN,
	CMD_COPY_ABORT,
	CMD_COPY_STATUS_LID1,
	CMD_COPY_PARAMETERS,
	CMD_COPY_FAILED,
	CMD_COPY_STATUS_LID4,
	CMD_TOKEN_INFORMATION,
	CMD_READ_16,
	CMD_COMPARE_AND_WRITE,
	CMD_WRITE_16,
	CMD_ORWRITE_16,
	CMD_WRITE_VERIFY_16,
	CMD_VERIFY_16,
	CMD_PREFETCH_16,
	CMD_SYNCHRONIZE_CACHE_16,
	CMD_WRITE_SAME_16,
	CMD_READ_BUFFER_16,
	CMD_WRITE_ATOMIC_16,
	CMD_READ_CAPACITY_16,
	CMD_GET_LBA_STATUS,
	CMD_REPORT_REFERRALS,
	CMD_REPORT_LUNS,
	CMD_REPORT_IDENT,
	CMD_REPORT_TPGS,
	CMD_REPORT_SUPPORTED_OPS,
	CMD_REPORT_SUPPORTED_TMFS,
	CMD_REPORT_TIMESTAMP,
	CMD_SET_IDENT,
	CMD_SET_TPGS,
	CMD_SET_TIMESTAMP,
	CMD_READ_12,
	CMD_WRITE_12,
	CMD_WRITE_VERIFY_12,
	CMD_VERIFY_12,
	CMD_READ_DEFECTS_12,
	CMD_COUNT,
};

/* Opcode, service action, flags, timeout in seconds, mask, handler, note. */
static const struct scsi_cmd cmd_table[CMD_COUNT] = {
	[CMD_TEST_UNIT_READY] = { 0x00, 0, CHECKS, 10, MASK6(ZERO4, 0), spc_test_unit_ready, "" },
	[CMD_REQUEST_SENSE] = { 0x03, 0, ANSWERS_ALWAYS, 10, MASK6(0x01, 0, 0, 0xff, 0),
				spc_request_sense, "fixed and descriptor format" },
	[CMD_FORMAT_UNIT] = { 0x04, 0, ERASES_ALL | SCSI_CMD_DATA_LONG, 0xffff,
			      MASK6(0x3f, 0, 0, 0, 0), sbc_format_unit,
			      "unmaps or zeroes every block, or writes the initialization pattern; "
			      "IMMED, progress; no defect lists" },
	[CMD_READ_6] = { 0x08, 0, READS, 30, RW6, sbc_read, "" },
	[CMD_WRITE_6] = { 0x0a, 0, WRITES, 30, RW6, sbc_write, "" },
	[CMD_INQUIRY] = { 0x12, 0, ANSWERS_ALWAYS, 10, MASK6(0x01, 0xff, 0xff, 0xff, 0),
			  spc_inquiry,
			  "standard data; VPD 00 80 83 86 87 88 8F B0 B1 B2, with SEGMENTs B3" },
	[CMD_MODE_SELECT_6] = { 0x15, 0, SETTINGS, 60, MASK6(0x11, 0, 0, 0xff, 0), spc_mode_select,
				"pages 01 02 07 08 0A 0A/01 1A 1C 1C/01, of thin files 1C/02; SP "
				"with state_dir" },
	[CMD_RESERVE_6] = { 0x16, 0, IN_STANDBY, 10, MASK6(ZERO4, 0), spc_reserve,
			    "SPC-2; where there are registrations as CRH says" },
	[CMD_RELEASE_6] = { 0x17, 0, SCSI_CMD_RES_EXEMPT | IN_STANDBY, 10, MASK6(ZERO4, 0),
			    spc_release, "likewise" },
	[CMD_MODE_SENSE_6] = { 0x1a, 0, REPORTS | RES_READ, 10, MASK6(0x08, 0xff, 0xff, 0xff, 0),
			       spc_mode_sense_6,
			       "pages 01 02 07 08 0A 0A/01 1A 1C 1C/01, of thin files 1C/02, 3F" },
	[CMD_START_STOP_UNIT] = { 0x1b, 0, RES_WRITE, 60, MASK6(0x01, 0, 0, 0xf7, 0),
				  sbc_start_stop,
				  "START, NO_FLUSH, LOEJ of a removable unit; power conditions "
				  "active, idle, standby, LU control; IMMED is accepted, status "
				  "comes when it is done; no reservation keeps START out" },
	[CMD_SEND_DIAGNOSTIC] = { 0x1d, 0, SCSI_CMD_MEDIUM | RES_WRITE | IN_STANDBY, 60,
				  MASK6(0xf7, 0, 0, 0, 0), spc_send_diagnostic,
				  "default self-test and those of the self-test codes: the first "
				  "and the last block are read; status comes when it is done" },
	[CMD_PREVENT_ALLOW] = { 0x1e, 0, RES_WRITE, 10, MASK6(0, 0, 0, 0x03, 0), sbc_prevent_allow,
				"per nexus; of a fixed unit nothing can be removed" },
	[CMD_READ_CAPACITY_10] = { 0x25, 0, REPORTS | SCSI_CMD_MEDIUM, 10, MASK10(0, ZERO4, ZERO4),
				   sbc_read_capacity_10, "" },
	[CMD_READ_10] = { 0x28, 0, READS, 30, RW10(DPO_FUA), sbc_read, "FUA; DPO is accepted" },
	[CMD_WRITE_10] = { 0x2a, 0, WRITES, 30, RW10(DPO_FUA), sbc_write, "FUA; DPO is accepted" },
	[CMD_WRITE_VERIFY_10] = { 0x2e, 0, WRITES, 60, RW10(CDB_DPO | 0x06), sbc_write_verify,
				  "BYTCHK 00b and 01b" },
	[CMD_VERIFY_10] = { 0x2f, 0, VERIFIES, 60, RW10(CDB_DPO | 0x06), sbc_verify,
			    "BYTCHK 00b, 01b, 11b" },
	[CMD_PREFETCH_10] = { 0x34, 0, CHECKS_RANGE, 30, MASK10(0x02, FF4, 0x3f, 0xff, 0xff, 0),
			      sbc_prefetch,
			      "up to the longest transfer, what is longer ends with GOOD; IMMED "
			      "and "
			      "GROUP NUMBER are accepted" },
	[CMD_SYNCHRONIZE_CACHE_10] = { 0x35, 0, SYNCS, 60, RW10(0x02), sbc_sync_cache,
				       "flushes all; IMMED is accepted, status comes when it is "
				       "done" },
	[CMD_READ_DEFECTS_10] = { 0x37, 0, MEDIUM_REPORT | RES_READ, 10,
				  MASK10(0, 0x1f, ZERO4, 0xff, 0xff, 0), sbc_read_defects,
				  "both lists are empty" },
	[CMD_WRITE_BUFFER] = { 0x3b, 0,
			       SCSI_CMD_OUT | RES_WRITE | IN_UNAVAILABLE | SCSI_CMD_IN_LOST, 10,
			       MASK10(0x1f, 0xff, FF4, 0xff, 0xff, 0), spc_write_buffer,
			       "modes 02 and 0A" },
	[CMD_READ_BUFFER_10] = { 0x3c, 0, READS_BUFFER, 10, MASK10(0x1f, 0xff, FF4, 0xff, 0xff, 0),
				 spc_read_buffer, "modes 02, 03, 0A, 0B" },
	[CMD_WRITE_SAME_10] = { 0x41, 0, ERASES | SCSI_CMD_RANGE, 60, RW10(0x08), sbc_write_same,
				"UNMAP; zero blocks are refused (WSNZ)" },
	[CMD_UNMAP] = { 0x42, 0, ERASES | SCSI_CMD_UNMAP, 60, MASK10(0, ZERO4, 0, 0xff, 0xff, 0),
			sbc_unmap, "where the store can unmap; up to 255 descriptors" },
	[CMD_SANITIZE_OVERWRITE] = { 0x48, SCSI_SA_OVERWRITE,
				     ERASES_ALL | SCSI_CMD_SA | SCSI_CMD_DATA_LONG, 0xffff,
				     MASK10(0xbf, ZERO4, 0, 0xff, 0xff, 0), sbc_sanitize_overwrite,
				     "up to 31 passes, INVERT; IMMED, AUSE, progress" },
	[CMD_SANITIZE_BLOCK_ERASE] = { 0x48, SCSI_SA_BLOCK_ERASE,
				       (ERASES_ALL & ~SCSI_CMD_OUT) | SCSI_CMD_SA, 0xffff,
				       MASK10(0xbf, ZERO4, 0, 0, 0, 0), sbc_sanitize_block_erase,
				       "unmaps every block, or zeroes it; IMMED, AUSE, progress" },
	[CMD_SANITIZE_EXIT] = { 0x48, SCSI_SA_EXIT_FAILURE, SCSI_CMD_SA | RES_WRITE, 60,
				MASK10(0xbf, ZERO4, 0, 0, 0, 0), sbc_sanitize_exit,
				"where AUSE allowed it" },
	[CMD_LOG_SELECT] = { 0x4c, 0, SCSI_CMD_OUT | RES_WRITE | IN_STANDBY, 10,
			     MASK10(0x02, 0xc0, 0, 0, 0, 0, 0xff, 0xff, 0), spc_log_select,
			     "PCR: counters begin anew; no parameters" },
	[CMD_LOG_SENSE] = { 0x4d, 0, REPORTS | SCSI_CMD_ANY_TIME | SCSI_CMD_IN_LOST, 10,
			    MASK10(0, 0xff, 0, 0, 0xff, 0xff, 0xff, 0xff, 0), spc_log_sense,
			    "pages 00 02 03 05 06 0C (of thin units) 0D 0E 10 15 19 2F, cumulative "
			    "values" },
	[CMD_MODE_SELECT_10] = { 0x55, 0, SETTINGS, 60, MASK10(0x11, ZERO4, 0, 0xff, 0xff, 0),
				 spc_mode_select,
				 "pages 01 02 07 08 0A 0A/01 1A 1C 1C/01, of thin files 1C/02; SP "
				 "with state_dir" },
	[CMD_RESERVE_10] = { 0x56, 0, IN_STANDBY, 10, MASK10(0, ZERO4, ZERO4), spc_reserve,
			     "no third party, no extents" },
	[CMD_RELEASE_10] = { 0x57, 0, SCSI_CMD_RES_EXEMPT | IN_STANDBY, 10, MASK10(0, ZERO4, ZERO4),
			     spc_release, "likewise" },
	[CMD_MODE_SENSE_10] = { 0x5a, 0, REPORTS | RES_READ, 10,
				MASK10(0x18, 0xff, 0xff, 0, 0, 0, 0xff, 0xff, 0), spc_mode_sense_10,
				"pages 01 02 07 08 0A 0A/01 1A 1C 1C/01, of thin files 1C/02, 3F; "
				"LLBAA" },
	[CMD_PR_READ_KEYS] = { 0x5e, SCSI_PR_IN_READ_KEYS, PR_IN, 10, PR_IN_MASK, spc_pr_read_keys,
			       "" },
	[CMD_PR_READ_RESERVATION] = { 0x5e, SCSI_PR_IN_READ_RESERVATION, PR_IN, 10, PR_IN_MASK,
				      spc_pr_read_reservation, "" },
	[CMD_PR_CAPABILITIES] = { 0x5e, SCSI_PR_IN_REPORT_CAPABILITIES, PR_IN, 10, PR_IN_MASK,
				  spc_pr_capabilities,
				  "RLR_C, CRH, SIP_C, ATP_C, all six types; PTPL_C with "
				  "state_dir" },
	[CMD_PR_FULL_STATUS] = { 0x5e, SCSI_PR_IN_READ_FULL_STATUS, PR_IN | SCSI_CMD_DATA_LONG, 10,
				 PR_IN_MASK, spc_pr_full_status, "" },
	[CMD_PR_REGISTER] = { 0x5f, SCSI_PR_OUT_REGISTER, PR_OUT, 30, PR_OUT_MASK, spc_pr_out,
			      "SPEC_I_PT, ALL_TG_PT; APTPL with state_dir; up to 128 "
			      "registrations" },
	[CMD_PR_RESERVE] = { 0x5f, SCSI_PR_OUT_RESERVE, PR_OUT, 30, PR_OUT_MASK, spc_pr_out,
			     "all six types" },
	[CMD_PR_RELEASE] = { 0x5f, SCSI_PR_OUT_RELEASE, PR_OUT, 30, PR_OUT_MASK, spc_pr_out, "" },
	[CMD_PR_CLEAR] = { 0x5f, SCSI_PR_OUT_CLEAR, PR_OUT, 30, PR_OUT_MASK, spc_pr_out, "" },
	[CMD_PR_PREEMPT] = { 0x5f, SCSI_PR_OUT_PREEMPT, PR_OUT, 30, PR_OUT_MASK, spc_pr_out, "" },
	[CMD_PR_PREEMPT_AND_ABORT] = { 0x5f, SCSI_PR_OUT_PREEMPT_AND_ABORT, PR_OUT, 30, PR_OUT_MASK,
				       spc_pr_out, "" },
	[CMD_PR_REGISTER_AND_IGNORE] = { 0x5f, SCSI_PR_OUT_REGISTER_AND_IGNORE, PR_OUT, 30,
					 PR_OUT_MASK, spc_pr_out,
					 "ALL_TG_PT; APTPL with state_dir" },
	[CMD_PR_REGISTER_AND_MOVE] = { 0x5f, SCSI_PR_OUT_REGISTER_AND_MOVE, PR_OUT, 30, PR_OUT_MASK,
				       spc_pr_out, "UNREG; APTPL with state_dir" },
	[CMD_PR_REPLACE_LOST] = { 0x5f, SCSI_PR_OUT_REPLACE_LOST, PR_OUT | SCSI_CMD_IN_LOST, 30,
				  PR_OUT_MASK, spc_pr_out,
				  "where a damaged state file has lost them; APTPL with "
				  "state_dir" },
	[CMD_EXTENDED_COPY_LID1] = { 0x83, SCSI_COPY_OUT_LID1, COPIES, 120, COPY_OUT_MASK,
				     spc_extended_copy,
				     "block to block segments, identification descriptors (NAA); "
				     "see design 18" },
	[CMD_EXTENDED_COPY_LID4] = { 0x83, SCSI_COPY_OUT_LID4, COPIES, 120, COPY_OUT_MASK,
				     spc_extended_copy, "likewise; no IMMED" },
	[CMD_POPULATE_TOKEN] = { 0x83, SCSI_COPY_OUT_POPULATE_TOKEN, PROMISES, 30, TOKEN_OUT_MASK,
				 spc_populate_token,
				 "point in time copies, change vulnerable; up to 32 ranges; see "
				 "design 21" },
	[CMD_WRITE_USING_TOKEN] = { 0x83, SCSI_COPY_OUT_USING_TOKEN,
				    ERASES | SCSI_CMD_SA | SCSI_CMD_COPY, 120, TOKEN_OUT_MASK,
				    spc_write_using_token,
				    "tokens of units of this target, block device zero; IMMED is "
				    "accepted, status comes when it is done" },
	[CMD_COPY_ABORT] = { 0x83, SCSI_COPY_OUT_ABORT, SCSI_CMD_SA | RES_WRITE, 10,
			     MASK16(0x1f, FF4, ZERO4, ZERO4, 0, 0), spc_copy_abort, "" },
	[CMD_COPY_STATUS_LID1] = { 0x84, SCSI_COPY_IN_STATUS_LID1, COPY_REPORTS, 10, COPY_IN_MASK,
				   spc_copy_status, "" },
	[CMD_COPY_PARAMETERS] = { 0x84, SCSI_COPY_IN_PARAMETERS, COPY_REPORTS, 10, COPY_IN_MASK,
				  spc_copy_parameters, "" },
	[CMD_COPY_FAILED] = { 0x84, SCSI_COPY_IN_FAILED, COPY_REPORTS, 10, COPY_IN_MASK,
			      spc_copy_details, "" },
	[CMD_COPY_STATUS_LID4] = { 0x84, SCSI_COPY_IN_STATUS_LID4, COPY_REPORTS, 10, LID4_IN_MASK,
				   spc_copy_status_lid4, "" },
	[CMD_TOKEN_INFORMATION] = { 0x84, SCSI_COPY_IN_TOKEN, COPY_REPORTS, 10, LID4_IN_MASK,
				    spc_token_information, "" },
	[CMD_READ_16] = { 0x88, 0, READS, 30, RW16(DPO_FUA), sbc_read, "FUA; DPO is accepted" },
	[CMD_COMPARE_AND_WRITE] = { 0x89, 0, ALONE, 60, MASK16(DPO_FUA, FF8, 0, 0, 0, 0xff, 0, 0),
				    sbc_compare_and_write,
				    "FUA; DPO is accepted; up to 128 blocks of 512 bytes, 64 of "
				    "4096" },
	[CMD_WRITE_16] = { 0x8a, 0, WRITES, 30, RW16(DPO_FUA), sbc_write, "FUA; DPO is accepted" },
	[CMD_ORWRITE_16] = { 0x8b, 0, ALONE, 60, RW16(DPO_FUA), sbc_orwrite,
			     "FUA; DPO is accepted" },
	[CMD_WRITE_VERIFY_16] = { 0x8e, 0, WRITES, 60, RW16(CDB_DPO | 0x06), sbc_write_verify,
				  "BYTCHK 00b and 01b" },
	[CMD_VERIFY_16] = { 0x8f, 0, VERIFIES, 60, RW16(CDB_DPO | 0x06), sbc_verify,
			    "BYTCHK 00b, 01b, 11b" },
	[CMD_PREFETCH_16] = { 0x90, 0, CHECKS_RANGE, 30, MASK16(0x02, FF8, FF4, 0x3f, 0),
			      sbc_prefetch, "likewise" },
	[CMD_SYNCHRONIZE_CACHE_16] = { 0x91, 0, SYNCS, 60, RW16(0x02), sbc_sync_cache,
				       "flushes all; IMMED is accepted, status comes when it is "
				       "done" },
	[CMD_WRITE_SAME_16] = { 0x93, 0, ERASES | SCSI_CMD_RANGE, 60, RW16(0x09), sbc_write_same,
				"UNMAP, NDOB; zero blocks are refused (WSNZ)" },
	[CMD_READ_BUFFER_16] = { 0x9b, 0, READS_BUFFER, 10, MASK16(0x1f, FF8, FF4, 0xff, 0),
				 spc_read_buffer, "modes 02, 03, 0A, 0B" },
	[CMD_WRITE_ATOMIC_16] = { 0x9c, 0, ALONE | SCSI_CMD_ATOMIC, 60, RW16(DPO_FUA),
				  sbc_write_atomic,
				  "FUA; DPO is accepted; up to 1 MiB, with every atomic boundary; "
				  "where the store can, see design 20" },
	[CMD_READ_CAPACITY_16] = { 0x9e, SCSI_SA_READ_CAPACITY_16,
				   REPORTS | SCSI_CMD_SA | SCSI_CMD_MEDIUM, 10,
				   MASK16(0x1f, ZERO4, ZERO4, FF4, 0, 0), sbc_read_capacity_16,
				   "" },
	[CMD_GET_LBA_STATUS] = { 0x9e, SCSI_SA_GET_LBA_STATUS,
				 MEDIUM_REPORT | SCSI_CMD_SA | RES_READ, 30,
				 MASK16(0x1f, FF8, FF4, 0, 0), sbc_get_lba_status,
				 "from the file's extents; up to 32 descriptors" },
	[CMD_REPORT_REFERRALS] = { 0x9e, SCSI_SA_REPORT_REFERRALS,
				   REPORTS | SCSI_CMD_SA | SCSI_CMD_SEGMENTS |
					   SCSI_CMD_IN_UNAVAILABLE,
				   10, MASK16(0x1f, FF8, FF4, 0x01, 0), sbc_report_referrals,
				   "where access states can depend on the block" },
	[CMD_REPORT_LUNS] = { 0xa0, 0, ANSWERS_ALWAYS, 10, MASK12(0, 0xff, 0, 0, 0, FF4, 0, 0),
			      spc_report_luns,
			      "SELECT REPORT 00h to 02h, 10h to 12h; no unit is administrative or "
			      "subsidiary" },
	[CMD_REPORT_IDENT] = { 0xa3, SCSI_SA_IDENTIFYING_INFO, REPORTS | SCSI_CMD_SA, 10,
			       MASK12(0x1f, ZERO4, FF4, 0xfe, 0), spc_report_ident,
			       "peripheral device and text information, supported lengths" },
	[CMD_REPORT_TPGS] = { 0xa3, SCSI_SA_REPORT_TPGS,
			      SCSI_CMD_SA | SCSI_CMD_TPGS | SCSI_CMD_DATA | SCSI_CMD_IN |
				      IN_ANY_STATE | SCSI_CMD_IN_LOST,
			      10, MASK12(0x3f, ZERO4, FF4, 0, 0), spc_report_tpgs,
			      "where the unit has groups; both header formats" },
	[CMD_REPORT_SUPPORTED_OPS] = { 0xa3, SCSI_SA_REPORT_SUPPORTED_OPS,
				       REPORTS | RES_READ | SCSI_CMD_SA | SCSI_CMD_ANY_TIME, 10,
				       MAINTENANCE(0x87, 0xff, 0xff), spc_report_opcodes,
				       "all four reporting options, RCTD" },
	[CMD_REPORT_SUPPORTED_TMFS] = { 0xa3, SCSI_SA_REPORT_SUPPORTED_TMFS,
					REPORTS | RES_READ | SCSI_CMD_SA | SCSI_CMD_ANY_TIME, 10,
					MAINTENANCE(0x80, 0, 0), spc_report_tmfs, "REPD" },
	[CMD_REPORT_TIMESTAMP] = { 0xa3, SCSI_SA_TIMESTAMP, REPORTS | SCSI_CMD_SA, 10,
				   MASK12(0x1f, ZERO4, FF4, 0, 0), spc_report_timestamp,
				   "the system's clock, until SET TIMESTAMP" },
	[CMD_SET_IDENT] = { 0xa4, SCSI_SA_SET_IDENTIFYING_INFO,
			    SCSI_CMD_SA | SCSI_CMD_OUT | SCSI_CMD_KEEPS | RES_WRITE | IN_STANDBY,
			    30, MASK12(0x1f, ZERO4, FF4, 0xfe, 0), spc_set_ident,
			    "with state_dir; up to 64 bytes, text up to 256" },
	[CMD_SET_TPGS] = { 0xa4, SCSI_SA_SET_TPGS,
			   SCSI_CMD_SA | SCSI_CMD_TPGS_SET | SCSI_CMD_OUT | RES_WRITE |
				   IN_UNAVAILABLE,
			   60, MASK12(0x1f, ZERO4, FF4, 0, 0), spc_set_tpgs,
			   "with expl_alua: active, nonoptimized, standby, unavailable" },
	[CMD_SET_TIMESTAMP] = { 0xa4, SCSI_SA_SET_TIMESTAMP,
				SCSI_CMD_SA | SCSI_CMD_OUT | RES_WRITE | IN_STANDBY, 10,
				MASK12(0x1f, ZERO4, FF4, 0, 0), spc_set_timestamp,
				"until the process ends" },
	[CMD_READ_12] = { 0xa8, 0, READS, 30, RW12(DPO_FUA), sbc_read, "FUA; DPO is accepted" },
	[CMD_WRITE_12] = { 0xaa, 0, WRITES, 30, RW12(DPO_FUA), sbc_write, "FUA; DPO is accepted" },
	[CMD_WRITE_VERIFY_12] = { 0xae, 0, WRITES, 60, RW12(CDB_DPO | 0x06), sbc_write_verify,
				  "BYTCHK 00b and 01b" },
	[CMD_VERIFY_12] = { 0xaf, 0, VERIFIES, 60, RW12(CDB_DPO | 0x06), sbc_verify,
			    "BYTCHK 00b, 01b, 11b" },
	[CMD_READ_DEFECTS_12] = { 0xb7, 0, MEDIUM_REPORT | RES_READ, 10,
				  MASK12(0x1f, FF4, FF4, 0, 0), sbc_read_defects,
				  "both lists are empty" },
};

/* The first command of each opcode; those with other service actions follow it in the table. */
static const uint8_t cmd_by_opcode[256] = {
	[0x00] = CMD_TEST_UNIT_READY,
	[0x03] = CMD_REQUEST_SENSE,
	[0x04] = CMD_FORMAT_UNIT,
	[0x08] = CMD_READ_6,
	[0x0a] = CMD_WRITE_6,
	[0x12] = CMD_INQUIRY,
	[0x15] = CMD_MODE_SELECT_6,
	[0x16] = CMD_RESERVE_6,
	[0x17] = CMD_RELEASE_6,
	[0x1a] = CMD_MODE_SENSE_6,
	[0x1b] = CMD_START_STOP_UNIT,
	[0x1d] = CMD_SEND_DIAGNOSTIC,
	[0x1e] = CMD_PREVENT_ALLOW,
	[0x25] = CMD_READ_CAPACITY_10,
	[0x28] = CMD_READ_10,
	[0x2a] = CMD_WRITE_10,
	[0x2e] = CMD_WRITE_VERIFY_10,
	[0x2f] = CMD_VERIFY_10,
	[0x34] = CMD_PREFETCH_10,
	[0x35] = CMD_SYNCHRONIZE_CACHE_10,
	[0x37] = CMD_READ_DEFECTS_10,
	[0x3b] = CMD_WRITE_BUFFER,
	[0x3c] = CMD_READ_BUFFER_10,
	[0x41] = CMD_WRITE_SAME_10,
	[0x42] = CMD_UNMAP,
	[0x48] = CMD_SANITIZE_OVERWRITE,
	[0x4c] = CMD_LOG_SELECT,
	[0x4d] = CMD_LOG_SENSE,
	[0x55] = CMD_MODE_SELECT_10,
	[0x56] = CMD_RESERVE_10,
	[0x57] = CMD_RELEASE_10,
	[0x5a] = CMD_MODE_SENSE_10,
	[0x5e] = CMD_PR_READ_KEYS,
	[0x5f] = CMD_PR_REGISTER,
	[0x83] = CMD_EXTENDED_COPY_LID1,
	[0x84] = CMD_COPY_STATUS_LID1,
	[0x88] = CMD_READ_16,
	[0x89] = CMD_COMPARE_AND_WRITE,
	[0x8a] = CMD_WRITE_16,
	[0x8b] = CMD_ORWRITE_16,
	[0x8e] = CMD_WRITE_VERIFY_16,
	[0x8f] = CMD_VERIFY_16,
	[0x90] = CMD_PREFETCH_16,
	[0x91] = CMD_SYNCHRONIZE_CACHE_16,
	[0x93] = CMD_WRITE_SAME_16,
	[0x9b] = CMD_READ_BUFFER_16,
	[0x9c] = CMD_WRITE_ATOMIC_16,
	[0x9e] = CMD_READ_CAPACITY_16,
	[0xa0] = CMD_REPORT_LUNS,
	[0xa3] = CMD_REPORT_IDENT,
	[0xa4] = CMD_SET_IDENT,
	[0xa8] = CMD_READ_12,
	[0xaa] = CMD_WRITE_12,
	[0xae] = CMD_WRITE_VERIFY_12,
	[0xaf] = CMD_VERIFY_12,
	[0xb7] = CMD_READ_DEFECTS_12,
};

bool scsi_cmd_has_opcode(uint8_t opcode, const struct scsi_lu *lu)
{
	unsigned i = cmd_by_opcode[opcode];

	for (; i != CMD_NONE && i < CMD_COUNT && cmd_table[i].opcode == opcode; i++)
		if (scsi_cmd_supported(&cmd_table[i], lu))
			return true;
	return false;
}

const struct scsi_cmd *scsi_cmd_find(const uint8_t *cdb)
{
	unsigned i = cmd_by_opcode[cdb[0]];

	if (i == CMD_NONE)
		return NULL;
	if (!(cmd_table[i].flags & SCSI_CMD_SA))
		return &cmd_table[i];
	for (; i < CMD_COUNT && cmd_table[i].opcode == cdb[0]; i++)
		if (cmd_table[i].service_action == (cdb[1] & 0x1f))
			return &cmd_table[i];
	return NULL;
}

const struct scsi_cmd *scsi_cmd_at(size_t i)
{
	return i + 1 < CMD_COUNT ? &cmd_table[i + 1] : NULL;
}
