/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * For tests: PERSISTENT RESERVE OUT from the two nexuses of a rig to its first unit, and what they are answered.
 * Each test program has this linked in, so there is one rig.
 */
#pragma once

#include "scsi/testrig.h"

extern struct rig *r;

/* Of each test. */
int setup(void **state);
int teardown(void **state);

/* PERSISTENT RESERVE OUT with a list of @len bytes at r->out, whose keys are set here. */
uint8_t out_list(unsigned nexus, uint8_t sa, uint8_t type, uint64_t key, uint64_t sa_key,
		 uint32_t len);
/* The same with a list that has only keys. */
uint8_t out(unsigned nexus, uint8_t sa, uint8_t type, uint64_t key, uint64_t sa_key);

void expect_good(uint8_t status);
void expect_conflict(uint8_t status);

/* Take the first unit attention that is owed to the nexus; 0: none. */
unsigned ua(unsigned nexus);

/* TEST UNIT READY, and a WRITE of one block. */
uint8_t tur(unsigned nexus);
uint8_t write_block(unsigned nexus);
