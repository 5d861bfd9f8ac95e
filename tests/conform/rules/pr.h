/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* PERSISTENT RESERVE for the rules about it (SPC-5 6.15, 6.16). */
#pragma once

#include "conform.h"

enum {
	PR_REGISTER,
	PR_RESERVE,
	PR_RELEASE,
	PR_CLEAR,
	PR_PREEMPT,
	PR_PREEMPT_AND_ABORT,
	PR_REGISTER_AND_IGNORE,
	PR_REGISTER_AND_MOVE,
	PR_REPLACE_LOST
};

enum {
	WRITE_EXCLUSIVE = 1,
	EXCLUSIVE_ACCESS = 3,
	WRITE_EXCLUSIVE_REGISTRANTS = 5,
	EXCLUSIVE_ACCESS_REGISTRANTS = 6,
	WRITE_EXCLUSIVE_ALL = 7,
	EXCLUSIVE_ACCESS_ALL = 8
};

#define KEY_A 0xaaaa000000000001ull
#define KEY_B 0xbbbb000000000002ull

/* PERSISTENT RESERVE OUT; not run yet. */
struct cmd *pr_out(struct nexus *n, uint8_t action, uint8_t type, uint64_t key,
		   uint64_t service_key);
struct cmd *pr_in(struct nexus *n, uint8_t action, uint32_t room);
/* PRGENERATION. */
uint32_t pr_generation(struct nexus *n);
/* Registered keys, how many, and whether @key is one. */
unsigned pr_n_keys(struct nexus *n);
bool pr_has_key(struct nexus *n, uint64_t key);
/* Type of the reservation, 0: none; @ret_key may be NULL. */
uint8_t pr_reserved(struct nexus *n, uint64_t *ret_key);
/* Begin a rule: skip where there is no PR, take all registrations away now and at the end. */
void pr_begin(struct test *t);
void pr_register(struct nexus *n, uint64_t key);
/* Begin a rule with two nexuses that are registered, by KEY_A and KEY_B. */
void pr_both(struct test *t, struct nexus **a, struct nexus **b);
