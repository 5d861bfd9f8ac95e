/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "wire/srp_cred.h"

int srp_cred_req_decode(struct cur *in, struct srp_cred_req *ret)
{
	const uint8_t *p;
	int r = srp_iu_take(in, SRP_OP_CRED_REQ, SRP_CRED_BYTES, &p);

	if (r)
		return r;
	ret->sol_not = p[1] & SRP_SOLNT;
	ret->req_lim_delta = (int32_t)get_be32(p + 4);
	ret->tag = srp_tag_get(p + 8);
	return 0;
}

int srp_cred_req_encode(const struct srp_cred_req *r, struct pen *out)
{
	uint8_t *p = srp_iu_put(out, SRP_OP_CRED_REQ, r->tag, SRP_CRED_BYTES);

	if (!p)
		return SRP_E_NO_SPACE;
	p[1] = r->sol_not & SRP_SOLNT;
	put_be32(p + 4, (uint32_t)r->req_lim_delta);
	return 0;
}

int srp_cred_rsp_decode(struct cur *in, struct srp_cred_rsp *ret)
{
	const uint8_t *p;
	int r = srp_iu_take(in, SRP_OP_CRED_RSP, SRP_CRED_BYTES, &p);

	if (r)
		return r;
	ret->tag = srp_tag_get(p + 8);
	return 0;
}

int srp_cred_rsp_encode(const struct srp_cred_rsp *r, struct pen *out)
{
	return srp_iu_put(out, SRP_OP_CRED_RSP, r->tag, SRP_CRED_BYTES) ? 0 : SRP_E_NO_SPACE;
}
