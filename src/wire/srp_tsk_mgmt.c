/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "wire/srp_tsk_mgmt.h"

int srp_tsk_mgmt_decode(struct cur *in, struct srp_tsk_mgmt *ret)
{
	const uint8_t *p;
	int r = srp_iu_take(in, SRP_OP_TSK_MGMT, SRP_TSK_MGMT_BYTES, &p);

	if (r)
		return r;
	ret->sol_not = p[1] & (SRP_SCSOLNT | SRP_UCSOLNT);
	ret->tag = srp_tag_get(p + 8);
	ret->lun = get_be64(p + 20);
	ret->function = p[30];
	ret->task_tag = ret->function == SRP_TMF_ABORT_TASK ? srp_tag_get(p + 32) : 0;
	return 0;
}

int srp_tsk_mgmt_encode(const struct srp_tsk_mgmt *t, struct pen *out)
{
	uint8_t *p = srp_iu_put(out, SRP_OP_TSK_MGMT, t->tag, SRP_TSK_MGMT_BYTES);

	if (!p)
		return SRP_E_NO_SPACE;
	p[1] = t->sol_not & (SRP_SCSOLNT | SRP_UCSOLNT);
	put_be64(p + 20, t->lun);
	p[30] = t->function;
	if (t->function == SRP_TMF_ABORT_TASK)
		srp_tag_put(p + 32, t->task_tag);
	return 0;
}

const char *srp_tmf_text(uint8_t function)
{
	switch ((enum srp_tmf)function) {
	case SRP_TMF_ABORT_TASK:
		return "ABORT TASK";
	case SRP_TMF_ABORT_TASK_SET:
		return "ABORT TASK SET";
	case SRP_TMF_CLEAR_TASK_SET:
		return "CLEAR TASK SET";
	case SRP_TMF_LUN_RESET:
		return "LUN RESET";
	case SRP_TMF_CLEAR_ACA:
		return "CLEAR ACA";
	}
	return "unknown function";
}
