/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The login policy: is a decoded LOGIN_REQ acceptable to a target port, and with which values? Pure
 * and without memory, so it runs before anything is allocated for the peer.
 */
#pragma once

#include "wire/srp_login_rej.h"
#include "wire/srp_login_req.h"
#include "wire/srp_login_rsp.h"

struct login_params {
	struct srp_port_id target; /* the port's identifier; both halves must match */
	bool any_target;        /* an all-zero target identifier in the login means this port too */
	bool enabled;           /* the port takes logins */
	bool acl_ok;            /* access control allows this initiator */
	bool multi_channel;     /* more than one channel per nexus is offered */
	bool immediate;         /* immediate data is offered */
	uint32_t max_it_iu_len; /* longest IU we are willing to receive; >= SRP_MIN_IT_IU_LEN */
	uint32_t
		max_ti_iu_len; /* longest IU we send; never raised while initiators may reconnect */
};

struct login_result {
	uint32_t max_it_iu_len; /* for LOGIN_RSP, and what a receive must take: as asked for */
	uint32_t max_ti_iu_len; /* for LOGIN_RSP */
	uint16_t buf_fmt;       /* for LOGIN_RSP and LOGIN_REJ */
	uint8_t rsp_flags; /* SRP_LOGIN_IMMED_SUPP, SRP_LOGIN_SOLNTSUP; add the multi-channel result */
	bool single;       /* terminate the nexus's other channels */
	bool immediate;    /* commands may carry immediate data ... */
	uint16_t imm_data_offset; /* ... from here; 0 when not */
	uint8_t solnt;            /* SRP_LOGIN_LOSOLNT, CRSOLNT, AESOLNT as asked for */
};

#define LOGIN_BUF_FMT (SRP_BUF_FMT_DIRECT | SRP_BUF_FMT_INDIRECT)

/**
 * login_check() - judge a login
 * @req: decoded, hostile
 * @p:   what the port offers
 * @ret: set on success only
 *
 * The first rule that fails decides, in the order: target identifier, access, enabled, IU length,
 * descriptor formats, multi-channel action. [SRP-2.1] to [SRP-2.8]
 *
 * Return: 0, or the enum srp_rej_reason to reject with; never another value.
 */
int login_check(const struct srp_login_req *req, const struct login_params *p,
		struct login_result *ret);

/**
 * login_why() - the reason of login_check()'s answer in words, for the log
 * @reason: what login_check() or the port returned
 *
 * Return: a static string, finer than srp_rej_reason_text() where one reason has one cause here.
 */
const char *login_why(int reason);
