/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* RSP: any bytes as an IU, then encoded again in every length it could be cut to. */
#include "srp_fuzz.h"
#include "wire/srp_rsp.h"

SRP_DEFINE_RECODE(srp_rsp, srp_rsp)

static void cut(const uint8_t *data, size_t len)
{
	struct cur in = cur_of(data, len);
	struct srp_rsp r;

	if (srp_rsp_decode(&in, &r))
		return;
	for (size_t n = 0; n <= len && n <= 64; n++) {
		uint8_t *buf = malloc(n + 1);
		struct pen out = pen_of(buf, n);
		struct cur back;
		struct srp_rsp s;

		check(buf);
		if (srp_rsp_encode(&r, &out) == 0) {
			back = cur_of(buf, out.pos);
			check(srp_rsp_decode(&back, &s) == 0);
			check(cur_left(&back) == 0);
			check(s.tag == r.tag && s.status == r.status && s.rsp_code == r.rsp_code);
			check(s.req_lim_delta == r.req_lim_delta);
			check(s.data_in_res == r.data_in_res && s.data_out_res == r.data_out_res);
			check(s.sense_len <= r.sense_len);
			check(!s.sense_len || memcmp(s.sense, r.sense, s.sense_len) == 0);
		} else {
			check(n < SRP_RSP_BYTES + SRP_RSP_DATA_BYTES);
		}
		free(buf);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	fuzz_recode(recode_srp_rsp, data, len, 8);
	cut(data, len);
	return 0;
}
