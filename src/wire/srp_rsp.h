/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* RSP: the answer to one CMD or TSK_MGMT. */
#pragma once

#include "wire/srp.h"

/* flags */
#define SRP_RSP_RSPVALID 0x01 /* response data present: rsp_code */
#define SRP_RSP_SNSVALID 0x02 /* sense data present */
#define SRP_RSP_DOOVER   0x04 /* DATA-OUT: buffer smaller than the transfer by data_out_res */
#define SRP_RSP_DOUNDER  0x08 /* DATA-OUT: buffer larger than the transfer by data_out_res */
#define SRP_RSP_DIOVER   0x10 /* DATA-IN: the same with data_in_res */
#define SRP_RSP_DIUNDER  0x20
#define SRP_RSP_FLAGS    0x3f /* all that is defined */

/* rsp_code; kernel initiators ignore it for commands: a failure must show in the status too */
enum srp_rsp_code {
	SRP_RSP_CODE_OK = 0x00,                /* no failure, task management complete */
	SRP_RSP_CODE_INVALID_FIELDS = 0x02,    /* request fields invalid */
	SRP_RSP_CODE_TMF_NOT_SUPPORTED = 0x04, /* task management function not supported */
	SRP_RSP_CODE_TMF_FAILED = 0x05,        /* task management function failed */
};

struct srp_rsp {
	uint64_t tag;          /* of the CMD or TSK_MGMT that is answered */
	int32_t req_lim_delta; /* credits; normally 1 */
	uint8_t sol_not;       /* 0 or SRP_SOLNT */
	uint8_t flags;         /* SRP_RSP_*; encoding sets and clears SNSVALID itself */
	uint8_t status;        /* SCSI status */
	uint8_t rsp_code;      /* enum srp_rsp_code, with RSPVALID; else 0 */
	uint32_t data_out_res; /* bytes, with DOOVER or DOUNDER; else 0 */
	uint32_t data_in_res;  /* bytes, with DIOVER or DIUNDER; else 0 */
	const uint8_t *sense;  /* @sense_len bytes, borrowed; NULL if none */
	uint32_t sense_len;
};

/**
 * srp_rsp_decode() - read a RSP (SRP r16a, RSP)
 * @in:  the IU with exactly the bytes received; consumed up to the end of the sense data
 * @ret: set on success only; borrows @in's bytes
 *
 * A length without its valid flag counts as zero. Of response data longer than four bytes only the
 * RSP_CODE is kept; shorter ones give no code to read and are refused.
 *
 * Return: 0, SRP_E_TRUNCATED (also response data shorter than 4 bytes) or SRP_E_OPCODE.
 */
int srp_rsp_decode(struct cur *in, struct srp_rsp *ret);

/**
 * srp_rsp_encode() - write a RSP no longer than the pen
 * @r:   response data are written with RSPVALID, residuals with their flags, sense if sense_len > 0
 * @out: receives the IU; limit its length to the channel's max_ti_iu_len. Sense that does not fit
 *       is cut off, and SNSVALID is set if any is left
 *
 * Return: 0, or SRP_E_NO_SPACE if not even 36 bytes (40 with RSPVALID) fit.
 */
static inline int srp_rsp_encode(const struct srp_rsp *r, struct pen *out)
{
	uint8_t flags = r->flags & (SRP_RSP_FLAGS & ~SRP_RSP_SNSVALID);
	uint8_t *p = srp_iu_put(out, SRP_OP_RSP, r->tag, SRP_RSP_BYTES);
	size_t room;
	uint32_t sense_len;

	if (!p)
		return SRP_E_NO_SPACE;
	if (flags & SRP_RSP_RSPVALID) {
		uint8_t *data = pen_take(out, SRP_RSP_DATA_BYTES);

		if (!data)
			return SRP_E_NO_SPACE;
		put_be32(p + 32, SRP_RSP_DATA_BYTES);
		put_be32(data, r->rsp_code);
	}
	room = out->len - out->pos;
	sense_len = room < r->sense_len ? (uint32_t)room : r->sense_len;
	if (sense_len) {
		flags |= SRP_RSP_SNSVALID;
		put_be32(p + 28, sense_len);
		pen_copy(out, r->sense, sense_len);
	}
	p[1] = r->sol_not & SRP_SOLNT;
	put_be32(p + 4, (uint32_t)r->req_lim_delta);
	p[18] = flags;
	p[19] = r->status;
	if (flags & (SRP_RSP_DOOVER | SRP_RSP_DOUNDER))
		put_be32(p + 20, r->data_out_res);
	if (flags & (SRP_RSP_DIOVER | SRP_RSP_DIUNDER))
		put_be32(p + 24, r->data_in_res);
	return 0;
}
