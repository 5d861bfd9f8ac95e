/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* LOGIN_REQ in both forms, LOGIN_RSP, LOGIN_REJ: any bytes, as CM private data brings them. */
#include "srp_fuzz.h"
#include "wire/srp_login_rej.h"
#include "wire/srp_login_req.h"
#include "wire/srp_login_rsp.h"

SRP_DEFINE_RECODE(srp_login_req_ib, srp_login_req)
SRP_DEFINE_RECODE(srp_login_req_cm, srp_login_req)
SRP_DEFINE_RECODE(srp_login_rsp, srp_login_rsp)
SRP_DEFINE_RECODE(srp_login_rej, srp_login_rej)

/* Both forms carry the same fields: through the other form and back, nothing is lost. */
static void cross(const uint8_t *data, size_t len)
{
	uint8_t ib[SRP_LOGIN_REQ_IB_BYTES];
	uint8_t cm[SRP_LOGIN_REQ_CM_BYTES];
	uint8_t cm_again[SRP_LOGIN_REQ_CM_BYTES];
	struct cur in = cur_of(data, len);
	struct cur ib_in = cur_of(ib, sizeof(ib));
	struct pen ib_out = pen_of(ib, sizeof(ib));
	struct pen cm_out = pen_of(cm, sizeof(cm));
	struct pen cm_out_again = pen_of(cm_again, sizeof(cm_again));
	struct srp_login_req r;

	if (srp_login_req_cm_decode(&in, &r))
		return;
	check(srp_login_req_cm_encode(&r, &cm_out) == 0);
	check(srp_login_req_ib_encode(&r, &ib_out) == 0);
	memset(&r, 0xaa, sizeof(r));
	check(srp_login_req_ib_decode(&ib_in, &r) == 0);
	check(srp_login_req_cm_encode(&r, &cm_out_again) == 0);
	check(memcmp(cm, cm_again, sizeof(cm)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	fuzz_recode(recode_srp_login_req_ib, data, len, 8);
	fuzz_recode(recode_srp_login_req_cm, data, len, 0);
	fuzz_recode(recode_srp_login_rsp, data, len, 8);
	fuzz_recode(recode_srp_login_rej, data, len, 8);
	cross(data, len);
	return 0;
}
