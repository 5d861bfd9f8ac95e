/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* AER_REQ: the target reports an asynchronous event of a LUN. AER_RSP: the initiator took note. */
#pragma once

#include "wire/srp.h"

struct srp_aer_req {
	uint64_t tag;          /* opaque, the target's own */
	uint64_t lun;          /* SAM LUN, read big-endian */
	int32_t req_lim_delta; /* credits */
	uint8_t sol_not;       /* 0 or SRP_SOLNT */
	const uint8_t *sense;  /* @sense_len bytes, borrowed; NULL if none */
	uint32_t sense_len;
};

struct srp_aer_rsp {
	uint64_t tag; /* echo of the AER_REQ's */
};

/**
 * srp_aer_req_decode() - read an AER_REQ (SRP r16a, AER_REQ)
 * @in:  the IU with exactly the bytes received; consumed up to the end of the sense data
 * @ret: set on success only; borrows @in's bytes
 *
 * Return: 0, SRP_E_TRUNCATED or SRP_E_OPCODE.
 */
int srp_aer_req_decode(struct cur *in, struct srp_aer_req *ret);

/**
 * srp_aer_req_encode() - write an AER_REQ no longer than the pen
 * @r:   host-order fields
 * @out: receives the IU; limit its length to the channel's max_ti_iu_len. Sense that does not fit
 *       is cut off
 *
 * Return: 0, or SRP_E_NO_SPACE if not even SRP_AER_REQ_BYTES fit.
 */
int srp_aer_req_encode(const struct srp_aer_req *r, struct pen *out);

/**
 * srp_aer_rsp_decode() - read an AER_RSP
 * @in:  the IU; consumed up to its end
 * @ret: set on success only
 *
 * Return: 0, SRP_E_TRUNCATED or SRP_E_OPCODE.
 */
int srp_aer_rsp_decode(struct cur *in, struct srp_aer_rsp *ret);

/**
 * srp_aer_rsp_encode() - write an AER_RSP
 * @r:   the tag to echo
 * @out: receives SRP_AER_RSP_BYTES
 *
 * Return: 0 or SRP_E_NO_SPACE.
 */
int srp_aer_rsp_encode(const struct srp_aer_rsp *r, struct pen *out);
