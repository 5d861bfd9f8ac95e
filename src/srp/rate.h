/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * How often an address may try to log in. A table of a fixed size that remembers who came lately; it is
 * asked before anything else is done for a login, so that a storm costs next to nothing.
 */
#pragma once

#include "srp/port.h"

#define RATE_SETS 64u
#define RATE_WAYS 4u

/* An address, and the time at which all its logins so far have been paid for. */
struct rate_slot {
	struct port_addr who;
	uint64_t paid_ns;
};

struct login_rate {
	uint64_t each_ns; /* what a login costs; 0: no limit */
	uint64_t debt_ns; /* how far paid_ns may be ahead of the time */
	struct rate_slot slot[RATE_SETS][RATE_WAYS];
};

/**
 * login_rate_init() - an empty table
 * @per_s: logins a second in the long run, of one address; 0: no limit
 * @burst: logins at once after a long pause; at least 1 counts
 */
void login_rate_init(struct login_rate *r, uint32_t per_s, uint32_t burst);

/**
 * login_rate_take() - may @who try to log in at @now_ns?
 * @who: the peer's address; of an IPv6 address the first 64 bits count, which is what one host has at least
 *
 * When a set of the table is full the address that has been quiet for longest is forgotten: then it starts
 * anew, so a limit may be exceeded by who comes from very many addresses, and nobody is kept out wrongly.
 *
 * Return: true, and it is counted; false: too often.
 * Context: the control worker. Constant time.
 */
bool login_rate_take(struct login_rate *r, const struct port_addr *who, uint64_t now_ns);
