/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "wire/srp_rsp.h"

int srp_rsp_decode(struct cur *in, struct srp_rsp *ret)
{
	struct srp_rsp v = { 0 };
	const uint8_t *resp;
	const uint8_t *p;
	uint32_t resp_len;
	int r = srp_iu_take(in, SRP_OP_RSP, SRP_RSP_BYTES, &p);

	if (r)
		return r;
	v.sol_not = p[1] & SRP_SOLNT;
	v.req_lim_delta = (int32_t)get_be32(p + 4);
	v.tag = srp_tag_get(p + 8);
	v.flags = p[18] & SRP_RSP_FLAGS;
	v.status = p[19];
	if (v.flags & (SRP_RSP_DOOVER | SRP_RSP_DOUNDER))
		v.data_out_res = get_be32(p + 20);
	if (v.flags & (SRP_RSP_DIOVER | SRP_RSP_DIUNDER))
		v.data_in_res = get_be32(p + 24);
	if (v.flags & SRP_RSP_RSPVALID) {
		resp_len = get_be32(p + 32);
		resp = cur_take(in, resp_len);
		if (!resp || resp_len < SRP_RSP_DATA_BYTES)
			return SRP_E_TRUNCATED;
		v.rsp_code = resp[3];
	}
	if (v.flags & SRP_RSP_SNSVALID) {
		v.sense_len = get_be32(p + 28);
		v.sense = cur_take(in, v.sense_len);
		if (!v.sense)
			return SRP_E_TRUNCATED;
	}
	*ret = v;
	return 0;
}
