/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * An operator of srptd: what somebody with srptctl asks of the process, heard in a round of its control worker. Nobody
 * hears it when there is no process, or one that has been told to end.
 */
#pragma once

#include "target/target.h"

/* Stop taking logins and close every channel of the first target, or take logins again. */
void operator_disable(void);
void operator_enable(void);
/* Say what the access state of the target port group of all hosts is. */
void operator_access(uint8_t state);
/* Take the medium of a disk out, or put it in. */
void operator_medium(unsigned disk, bool in);
/* Suspend a disk, within @deadline_ns and for @for_ns (0: no end); or resume it. */
void operator_suspend(unsigned disk, uint64_t deadline_ns, uint64_t for_ns);
void operator_resume(unsigned disk);
/* Ask for a fault at a disk; spec->unit is set here. */
void operator_fault(unsigned disk, const struct fault_spec *spec);

/* --- for the process --- */

/* The program of DEVICE_GROUP, whose answer comes later; and that it is not waited for any more. */
void operator_hook_run(void *ctx, const struct tgt_alua_ask *asked, tgt_alua_done_fn *done,
		       void *arg);
void operator_hook_abandon(void);
