/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "wire/srp_login_rsp.h"

int srp_login_rsp_decode(struct cur *in, struct srp_login_rsp *ret)
{
	const uint8_t *p;
	int r = srp_iu_take(in, SRP_OP_LOGIN_RSP, SRP_LOGIN_RSP_BYTES, &p);

	if (r)
		return r;
	ret->req_lim_delta = (int32_t)get_be32(p + 4);
	ret->tag = srp_tag_get(p + 8);
	ret->max_it_iu_len = get_be32(p + 16);
	ret->max_ti_iu_len = get_be32(p + 20);
	ret->buf_fmt = get_be16(p + 24);
	ret->rsp_flags = p[26] & SRP_LOGIN_RSP_FLAGS;
	return 0;
}

int srp_login_rsp_encode(const struct srp_login_rsp *r, struct pen *out)
{
	uint8_t *p = srp_iu_put(out, SRP_OP_LOGIN_RSP, r->tag, SRP_LOGIN_RSP_BYTES);

	if (!p)
		return SRP_E_NO_SPACE;
	put_be32(p + 4, (uint32_t)r->req_lim_delta);
	put_be32(p + 16, r->max_it_iu_len);
	put_be32(p + 20, r->max_ti_iu_len);
	put_be16(p + 24, r->buf_fmt);
	p[26] = r->rsp_flags & SRP_LOGIN_RSP_FLAGS;
	return 0;
}
