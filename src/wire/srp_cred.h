/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * CRED_REQ: the target changes the request limit outside a RSP. CRED_RSP: the initiator took note.
 */
#pragma once

#include "wire/srp.h"

struct srp_cred_req {
	uint64_t tag;          /* opaque, the target's own */
	int32_t req_lim_delta; /* credits */
	uint8_t sol_not;       /* 0 or SRP_SOLNT */
};

struct srp_cred_rsp {
	uint64_t tag; /* echo of the CRED_REQ's */
};

/**
 * srp_cred_req_decode() - read a CRED_REQ (SRP r16a, CRED_REQ)
 * @in:  the IU; consumed up to its end
 * @ret: set on success only
 *
 * Return: 0, SRP_E_TRUNCATED or SRP_E_OPCODE.
 */
int srp_cred_req_decode(struct cur *in, struct srp_cred_req *ret);

/**
 * srp_cred_req_encode() - write a CRED_REQ
 * @r:   host-order fields
 * @out: receives SRP_CRED_BYTES
 *
 * Return: 0 or SRP_E_NO_SPACE.
 */
int srp_cred_req_encode(const struct srp_cred_req *r, struct pen *out);

/**
 * srp_cred_rsp_decode() - read a CRED_RSP
 * @in:  the IU; consumed up to its end
 * @ret: set on success only
 *
 * Return: 0, SRP_E_TRUNCATED or SRP_E_OPCODE.
 */
int srp_cred_rsp_decode(struct cur *in, struct srp_cred_rsp *ret);

/**
 * srp_cred_rsp_encode() - write a CRED_RSP
 * @r:   the tag to echo
 * @out: receives SRP_CRED_BYTES
 *
 * Return: 0 or SRP_E_NO_SPACE.
 */
int srp_cred_rsp_encode(const struct srp_cred_rsp *r, struct pen *out);
