/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The IUs of fixed size on a live channel: TSK_MGMT, CRED_REQ, CRED_RSP, I_LOGOUT, T_LOGOUT. */
#include "srp_fuzz.h"
#include "wire/srp_cred.h"
#include "wire/srp_logout.h"
#include "wire/srp_tsk_mgmt.h"

SRP_DEFINE_RECODE(srp_tsk_mgmt, srp_tsk_mgmt)
SRP_DEFINE_RECODE(srp_cred_req, srp_cred_req)
SRP_DEFINE_RECODE(srp_cred_rsp, srp_cred_rsp)
SRP_DEFINE_RECODE(srp_i_logout, srp_i_logout)
SRP_DEFINE_RECODE(srp_t_logout, srp_t_logout)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct cur in = cur_of(data, len);
	struct srp_head head;

	if (srp_head_peek(&in, &head) == 0) {
		check(head.op == data[0]);
		check(srp_op_text(head.op) && srp_tmf_text(head.op));
	}
	fuzz_recode(recode_srp_tsk_mgmt, data, len, 8);
	fuzz_recode(recode_srp_cred_req, data, len, 8);
	fuzz_recode(recode_srp_cred_rsp, data, len, 8);
	fuzz_recode(recode_srp_i_logout, data, len, 8);
	fuzz_recode(recode_srp_t_logout, data, len, 8);
	return 0;
}
