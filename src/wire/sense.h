/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Sense data (SPC-5 4.4): fixed and descriptor format, both directions, and words for people. */
#pragma once

#include "base/util.h"

#define SENSE_MAX_BYTES 40u /* what sense_encode() may need: every descriptor it knows */

enum sense_key {
	SENSE_NO_SENSE = 0x0,
	SENSE_RECOVERED_ERROR = 0x1,
	SENSE_NOT_READY = 0x2,
	SENSE_MEDIUM_ERROR = 0x3,
	SENSE_HARDWARE_ERROR = 0x4,
	SENSE_ILLEGAL_REQUEST = 0x5,
	SENSE_UNIT_ATTENTION = 0x6,
	SENSE_DATA_PROTECT = 0x7,
	SENSE_BLANK_CHECK = 0x8,
	SENSE_VENDOR = 0x9,
	SENSE_COPY_ABORTED = 0xa,
	SENSE_ABORTED_COMMAND = 0xb,
	SENSE_VOLUME_OVERFLOW = 0xd,
	SENSE_MISCOMPARE = 0xe,
	SENSE_COMPLETED = 0xf,
};

/* Additional sense codes in use here: ASC << 8 | ASCQ (SPC-5 annex F). */
enum sense_asc {
	ASC_NONE = 0x0000,
	ASC_OPERATION_IN_PROGRESS = 0x0016,
	ASC_NOT_READY = 0x0400,   /* cause not reportable */
	ASC_NEEDS_START = 0x0402, /* initializing command required */
	ASC_FORMATTING = 0x0404,  /* format in progress */
	ASC_SANITIZING = 0x041b,  /* sanitize in progress */
	/* logical unit not accessible: */
	ASC_STATE_TRANSITION = 0x040a,   /* asymmetric access state transition */
	ASC_PORT_STANDBY = 0x040b,       /* target port in standby state */
	ASC_PORT_UNAVAILABLE = 0x040c,   /* target port in unavailable state */
	ASC_OFFLINE = 0x0412,            /* logical unit not ready, offline */
	ASC_UNIT_COMMUNICATION = 0x0800, /* logical unit communication failure */
	ASC_WRITE_ERROR = 0x0c00,
	ASC_THIRD_PARTY_FAILURE = 0x0d01, /* third party device failure */
	ASC_COPY_NOT_REACHABLE = 0x0d02,  /* copy target device not reachable */
	ASC_COPY_DEVICE_TYPE = 0x0d03,    /* incorrect copy target device type */
	ASC_INVALID_FIELD_IN_IU = 0x0e03,
	ASC_UNRECOVERED_READ = 0x1100,
	ASC_PARAMETER_LIST_LENGTH = 0x1a00,
	ASC_MISCOMPARE = 0x1d00,
	ASC_INVALID_OPCODE = 0x2000,
	ASC_LBA_OUT_OF_RANGE = 0x2100,
	/* invalid token operation: */
	ASC_TOKEN_TYPE = 0x2301, /* unsupported token type */
	ASC_TOKEN_UNKNOWN = 0x2304,
	ASC_TOKEN_EXPIRED = 0x2307,
	ASC_TOKEN_CANCELLED = 0x2308,
	ASC_TOKEN_DELETED = 0x2309,
	ASC_TOKEN_LENGTH = 0x230a, /* invalid token length */
	ASC_INVALID_FIELD_IN_CDB = 0x2400,
	ASC_LUN_NOT_SUPPORTED = 0x2500,
	ASC_INVALID_FIELD_IN_PARAMETERS = 0x2600,
	ASC_INVALID_RELEASE = 0x2604,  /* of a persistent reservation */
	ASC_TOO_MANY_TARGETS = 0x2606, /* CSCD descriptors */
	ASC_TARGET_TYPE = 0x2607,      /* unsupported type code of one */
	ASC_TOO_MANY_SEGMENTS = 0x2608,
	ASC_SEGMENT_TYPE = 0x2609,
	ASC_INEXACT_SEGMENT = 0x260a,
	ASC_INLINE_DATA_LENGTH = 0x260b, /* exceeded */
	ASC_COPY_GRANULARITY = 0x260d,   /* copy segment granularity violation */
	ASC_WRITE_PROTECTED = 0x2700,
	ASC_SPACE_ALLOCATION_FAILED = 0x2707,
	ASC_COMMAND_SEQUENCE = 0x2c00,
	ASC_COMMAND_TIMEOUT = 0x2e02,
	ASC_FORMAT_CORRUPTED = 0x3100, /* medium format corrupted */
	ASC_FORMAT_FAILED = 0x3101,    /* format command failed */
	ASC_SANITIZE_FAILED = 0x3103,  /* sanitize command failed */
	ASC_SAVING_NOT_SUPPORTED = 0x3900,
	ASC_NO_MEDIUM = 0x3a00,
	ASC_ECHO_OVERWRITTEN = 0x3f0f,
	ASC_TARGET_FAILURE = 0x4400,
	ASC_RESERVATIONS_LOST = 0x4401, /* persistent reservation information lost */
	ASC_INVALID_MESSAGE = 0x4900,
	ASC_DATA_PHASE = 0x4b00,
	ASC_REMOVAL_PREVENTED = 0x5302,  /* of the medium */
	ASC_NO_REGISTRATIONS = 0x5504,   /* insufficient registration resources */
	ASC_NO_TOKEN_RESOURCES = 0x550c, /* insufficient resources to create ROD token */
	ASC_IDLE_BY_COMMAND = 0x5e03,    /* idle condition activated by command */
	ASC_STANDBY_BY_COMMAND = 0x5e04,
	ASC_SET_TPGS_FAILED = 0x670a, /* set target port groups command failed */
};

/* Sense data in host order. */
struct sense {
	bool descriptor; /* format */
	bool deferred;
	uint8_t key;  /* enum sense_key */
	uint16_t asc; /* ASC << 8 | ASCQ */
	bool info_valid;
	uint64_t info;         /* INFORMATION: an LBA for a disk */
	uint32_t specific;     /* COMMAND-SPECIFIC INFORMATION, 0: none */
	bool field_valid;      /* ILLEGAL REQUEST, COPY ABORTED: the next five say which field */
	bool field_in_cdb;     /* C/D of ILLEGAL REQUEST: of the CDB, else of the parameter list */
	bool field_in_segment; /* SD of COPY ABORTED: of the segment descriptor, likewise */
	bool field_bit_valid;
	uint8_t field_bit;
	uint16_t field_byte;
	bool progress_valid; /* NOT READY, NO SENSE: */
	uint16_t progress;   /* in 65536ths */
};

/**
 * sense_encode() - write sense data
 * @buf: SENSE_MAX_BYTES of room; only the bytes returned are written
 *
 * In fixed format an INFORMATION beyond 32 bits is left out (SPC-5 4.4.3: VALID 0).
 * Return: number of bytes.
 */
size_t sense_encode(const struct sense *s, uint8_t *buf);

/**
 * sense_decode() - read sense data, as a command's response or REQUEST SENSE gives it
 * @p, @len: the bytes; fields that are cut off read as zero or not valid
 *
 * Return: 0, or SENSE_E_FORMAT when it is too short or of neither format; then @ret is untouched.
 */
int sense_decode(const void *p, size_t len, struct sense *ret);

enum {
	SENSE_E_FORMAT = 1,
};

/* "ILLEGAL REQUEST"; never NULL. */
const char *sense_key_text(uint8_t key);
/* "INVALID FIELD IN CDB"; NULL for a code not known here. */
const char *sense_asc_text(uint16_t asc);
