/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* I_LOGOUT and T_LOGOUT: one side ends the channel; neither is answered, a disconnect follows. */
#pragma once

#include "wire/srp.h"

/* Reasons of T_LOGOUT on whose values all sources agree; send no others. */
enum srp_logout_reason {
	SRP_LOGOUT_NONE = 0,          /* no reason given */
	SRP_LOGOUT_INACTIVE = 1,      /* channel inactive */
	SRP_LOGOUT_INVALID_IU = 2,    /* an IU of a type the target cannot receive */
	SRP_LOGOUT_SPURIOUS_RSP = 3,  /* a response to no request */
	SRP_LOGOUT_MULTI_CHANNEL = 4, /* a new login of the nexus asked for a single channel */
};

struct srp_i_logout {
	uint64_t tag; /* opaque */
};

struct srp_t_logout {
	uint64_t tag;    /* opaque, the target's own */
	uint32_t reason; /* enum srp_logout_reason; peers may send others */
	uint8_t sol_not; /* 0 or SRP_SOLNT */
};

/**
 * srp_i_logout_decode() - read an I_LOGOUT (SRP r16a, I_LOGOUT)
 * @in:  the IU; consumed up to its end
 * @ret: set on success only
 *
 * Return: 0, SRP_E_TRUNCATED or SRP_E_OPCODE.
 */
int srp_i_logout_decode(struct cur *in, struct srp_i_logout *ret);

/**
 * srp_i_logout_encode() - write an I_LOGOUT
 * @r:   the tag
 * @out: receives SRP_LOGOUT_BYTES
 *
 * Return: 0 or SRP_E_NO_SPACE.
 */
int srp_i_logout_encode(const struct srp_i_logout *r, struct pen *out);

/**
 * srp_t_logout_decode() - read a T_LOGOUT (SRP r16a, T_LOGOUT)
 * @in:  the IU; consumed up to its end
 * @ret: set on success only; the reason is not judged
 *
 * Return: 0, SRP_E_TRUNCATED or SRP_E_OPCODE.
 */
int srp_t_logout_decode(struct cur *in, struct srp_t_logout *ret);

/**
 * srp_t_logout_encode() - write a T_LOGOUT
 * @r:   host-order fields
 * @out: receives SRP_LOGOUT_BYTES
 *
 * Return: 0 or SRP_E_NO_SPACE.
 */
int srp_t_logout_encode(const struct srp_t_logout *r, struct pen *out);

/**
 * srp_logout_reason_text() - what a T_LOGOUT reason means, for people
 * @reason: any value a peer sent
 *
 * Return: a static string, "unknown reason" for a value that is not defined here.
 */
const char *srp_logout_reason_text(uint32_t reason);
