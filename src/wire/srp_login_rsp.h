/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* LOGIN_RSP: the target accepts a channel, in the private data of the CM reply. */
#pragma once

#include "wire/srp.h"

/* rsp_flags */
#define SRP_LOGIN_RESULT_MASK       0x03 /* multi-channel result, the values below */
#define SRP_LOGIN_RESULT_NONE       0x00 /* the nexus had no channel */
#define SRP_LOGIN_RESULT_TERMINATED 0x01 /* its channels are being terminated */
#define SRP_LOGIN_RESULT_CONTINUE   0x02 /* its channels go on */
#define SRP_LOGIN_SOLNTSUP          0x10 /* solicited notification is supported */
#define SRP_LOGIN_IMMED_SUPP        0x80 /* immediate data may be sent (SRP-2) */
#define SRP_LOGIN_RSP_FLAGS         0x93 /* all that is defined */

struct srp_login_rsp {
	uint64_t tag;           /* echo */
	int32_t req_lim_delta;  /* initial request limit: requests that may be outstanding */
	uint32_t max_it_iu_len; /* bytes of the longest IU the target receives */
	uint32_t max_ti_iu_len; /* bytes of the longest IU the target sends */
	uint16_t buf_fmt;       /* SRP_BUF_FMT_* supported */
	uint8_t rsp_flags;      /* SRP_LOGIN_RESULT_*, SRP_LOGIN_SOLNTSUP, SRP_LOGIN_IMMED_SUPP */
};

/**
 * srp_login_rsp_decode() - read a LOGIN_RSP
 * @in:  CM private data, padding behind the IU is allowed; consumed up to the end of the IU
 * @ret: set on success only; values are not judged
 *
 * Return: 0, SRP_E_TRUNCATED or SRP_E_OPCODE.
 */
int srp_login_rsp_decode(struct cur *in, struct srp_login_rsp *ret);

/**
 * srp_login_rsp_encode() - write a LOGIN_RSP
 * @r:   host-order fields
 * @out: receives SRP_LOGIN_RSP_BYTES, always all of them: kernel initiators do not check the length
 *
 * Return: 0 or SRP_E_NO_SPACE.
 */
int srp_login_rsp_encode(const struct srp_login_rsp *r, struct pen *out);
