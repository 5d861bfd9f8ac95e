/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* LOGIN_REJ: the target refuses a channel, in the private data of the CM reject (IB: reason 28). */
#pragma once

#include "wire/srp.h"

enum srp_rej_reason {
	SRP_REJ_UNSPECIFIED = 0x00010000,   /* unable to establish the channel */
	SRP_REJ_RESOURCES = 0x00010001,     /* insufficient channel resources */
	SRP_REJ_IT_IU_LEN = 0x00010002,     /* req_it_iu_len too large (or below the minimum) */
	SRP_REJ_NEXUS = 0x00010003,         /* cannot associate the channel with an I_T nexus */
	SRP_REJ_BUF_FMT = 0x00010004,       /* no common descriptor format */
	SRP_REJ_MULTI_CHANNEL = 0x00010005, /* no multiple channels per nexus */
	SRP_REJ_CHANNEL_LIMIT = 0x00010006, /* the nexus has all the channels it may have */
};

struct srp_login_rej {
	uint64_t tag;     /* echo */
	uint32_t reason;  /* enum srp_rej_reason; peers may send others, 0 among them */
	uint16_t buf_fmt; /* SRP_BUF_FMT_* supported */
};

/**
 * srp_login_rej_decode() - read a LOGIN_REJ
 * @in:  CM private data, padding behind the IU is allowed; consumed up to the end of the IU
 * @ret: set on success only; the reason is not judged
 *
 * Return: 0, SRP_E_TRUNCATED or SRP_E_OPCODE.
 */
int srp_login_rej_decode(struct cur *in, struct srp_login_rej *ret);

/**
 * srp_login_rej_encode() - write a LOGIN_REJ
 * @r:   host-order fields
 * @out: receives SRP_LOGIN_REJ_BYTES
 *
 * Return: 0 or SRP_E_NO_SPACE.
 */
int srp_login_rej_encode(const struct srp_login_rej *r, struct pen *out);

/**
 * srp_rej_reason_text() - what a reject reason means, for people
 * @reason: any value a peer sent
 *
 * Return: a static string, "unknown reason" for a value that is not defined.
 */
const char *srp_rej_reason_text(uint32_t reason);
