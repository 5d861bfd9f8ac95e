/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* AER_REQ and AER_RSP. */
#include "srp_fuzz.h"
#include "wire/srp_aer.h"

SRP_DEFINE_RECODE(srp_aer_req, srp_aer_req)
SRP_DEFINE_RECODE(srp_aer_rsp, srp_aer_rsp)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	fuzz_recode(recode_srp_aer_req, data, len, 8);
	fuzz_recode(recode_srp_aer_rsp, data, len, 8);
	return 0;
}
