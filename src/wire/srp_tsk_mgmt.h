/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* TSK_MGMT: the initiator asks for a task management function; answered by a RSP with RSPVALID. */
#pragma once

#include "wire/srp.h"

enum srp_tmf {
	SRP_TMF_ABORT_TASK = 0x01, /* the only one that uses task_tag */
	SRP_TMF_ABORT_TASK_SET = 0x02,
	SRP_TMF_CLEAR_TASK_SET = 0x04,
	SRP_TMF_LUN_RESET = 0x08,
	SRP_TMF_CLEAR_ACA = 0x40,
};

struct srp_tsk_mgmt {
	uint64_t tag;      /* opaque, of this request */
	uint64_t lun;      /* SAM LUN, read big-endian */
	uint64_t task_tag; /* opaque, of the CMD to abort; 0 for every other function */
	uint8_t function;  /* enum srp_tmf; any other value must be answered too, see RSP_CODE 4 */
	uint8_t sol_not;   /* SRP_SCSOLNT, SRP_UCSOLNT */
};

/**
 * srp_tsk_mgmt_decode() - read a TSK_MGMT (SRP r16a, TSK_MGMT)
 * @in:  the IU; consumed up to its end
 * @ret: set on success only; the function is not judged
 *
 * Return: 0, SRP_E_TRUNCATED or SRP_E_OPCODE.
 */
int srp_tsk_mgmt_decode(struct cur *in, struct srp_tsk_mgmt *ret);

/**
 * srp_tsk_mgmt_encode() - write a TSK_MGMT
 * @t:   task_tag is written with SRP_TMF_ABORT_TASK only
 * @out: receives SRP_TSK_MGMT_BYTES
 *
 * Return: 0 or SRP_E_NO_SPACE.
 */
int srp_tsk_mgmt_encode(const struct srp_tsk_mgmt *t, struct pen *out);

/**
 * srp_tmf_text() - name of a task management function, for logs
 * @function: any byte
 *
 * Return: a static string, "unknown function" for a value that names none.
 */
const char *srp_tmf_text(uint8_t function);
