/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * LOGIN_REQ: the initiator asks for a channel, in the private data of the CM request. Two layouts
 * carry the same fields: the standard's 64 bytes (IB/CM), and the 56 bytes that RDMA/CM leaves room
 * for.
 */
#pragma once

#include "wire/srp.h"

/* req_flags */
#define SRP_LOGIN_ACTION_MASK \
	0x03                   /* multi-channel action, the values below; 2 and 3 are reserved */
#define SRP_LOGIN_SINGLE  0x00 /* terminate the nexus's other channels */
#define SRP_LOGIN_MULTI   0x01 /* keep them */
#define SRP_LOGIN_LOSOLNT 0x10 /* T_LOGOUT shall be solicited */
#define SRP_LOGIN_CRSOLNT 0x20 /* CRED_REQ shall be solicited */
#define SRP_LOGIN_AESOLNT 0x40 /* AER_REQ shall be solicited */
#define SRP_LOGIN_IMMED   0x80 /* immediate data wanted (SRP-2) */
#define SRP_LOGIN_FLAGS   0xf3 /* all that is defined */

struct srp_login_req {
	uint64_t tag;           /* opaque */
	uint32_t req_it_iu_len; /* bytes of the longest IU the initiator wants to send; any value */
	uint16_t req_buf_fmt;   /* SRP_BUF_FMT_*; undefined bits are kept */
	uint8_t req_flags;      /* SRP_LOGIN_* */
	uint16_t imm_data_offset; /* bytes from the IU's start; 0 unless SRP_LOGIN_IMMED */
	struct srp_port_id initiator;
	struct srp_port_id target;
};

/**
 * srp_login_req_ib_decode() - read the 64-byte form (SRP r16a, LOGIN_REQ; SRP-2 for immediate data)
 * @in:  CM private data, padding behind the IU is allowed; consumed up to the end of the IU
 * @ret: set on success only
 *
 * No value is judged: lengths, formats and identifiers are the login policy's business.
 *
 * Return: 0, SRP_E_TRUNCATED or SRP_E_OPCODE.
 */
int srp_login_req_ib_decode(struct cur *in, struct srp_login_req *ret);

/**
 * srp_login_req_ib_encode() - write the 64-byte form
 * @r:   imm_data_offset is written with SRP_LOGIN_IMMED only
 * @out: receives SRP_LOGIN_REQ_IB_BYTES
 *
 * Return: 0 or SRP_E_NO_SPACE.
 */
int srp_login_req_ib_encode(const struct srp_login_req *r, struct pen *out);

/**
 * srp_login_req_cm_decode() - read the 56-byte form of RDMA/CM (RoCE, iWARP, IB behind its header)
 * @in:  CM private data without any RDMA/CM header; consumed up to the end of the IU
 * @ret: set on success only
 *
 * Return: 0, SRP_E_TRUNCATED or SRP_E_OPCODE.
 */
int srp_login_req_cm_decode(struct cur *in, struct srp_login_req *ret);

/**
 * srp_login_req_cm_encode() - write the 56-byte form
 * @r:   imm_data_offset is written with SRP_LOGIN_IMMED only
 * @out: receives SRP_LOGIN_REQ_CM_BYTES
 *
 * Return: 0 or SRP_E_NO_SPACE.
 */
int srp_login_req_cm_encode(const struct srp_login_req *r, struct pen *out);
