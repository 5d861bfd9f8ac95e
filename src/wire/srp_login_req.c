/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "wire/srp_login_req.h"

/* Without the flag the field has no meaning, so neither side lets a stale value through. */
static uint16_t imm_offset(uint8_t flags, uint16_t offset)
{
	return flags & SRP_LOGIN_IMMED ? offset : 0;
}

int srp_login_req_ib_decode(struct cur *in, struct srp_login_req *ret)
{
	const uint8_t *p;
	int r = srp_iu_take(in, SRP_OP_LOGIN_REQ, SRP_LOGIN_REQ_IB_BYTES, &p);

	if (r)
		return r;
	ret->tag = srp_tag_get(p + 8);
	ret->req_it_iu_len = get_be32(p + 16);
	ret->req_buf_fmt = get_be16(p + 24);
	ret->req_flags = p[26] & SRP_LOGIN_FLAGS;
	ret->imm_data_offset = imm_offset(ret->req_flags, get_be16(p + 28));
	memcpy(&ret->initiator, p + 32, sizeof(ret->initiator));
	memcpy(&ret->target, p + 48, sizeof(ret->target));
	return 0;
}

int srp_login_req_ib_encode(const struct srp_login_req *r, struct pen *out)
{
	uint8_t *p = srp_iu_put(out, SRP_OP_LOGIN_REQ, r->tag, SRP_LOGIN_REQ_IB_BYTES);

	if (!p)
		return SRP_E_NO_SPACE;
	put_be32(p + 16, r->req_it_iu_len);
	put_be16(p + 24, r->req_buf_fmt);
	p[26] = r->req_flags & SRP_LOGIN_FLAGS;
	put_be16(p + 28, imm_offset(r->req_flags, r->imm_data_offset));
	memcpy(p + 32, &r->initiator, sizeof(r->initiator));
	memcpy(p + 48, &r->target, sizeof(r->target));
	return 0;
}

int srp_login_req_cm_decode(struct cur *in, struct srp_login_req *ret)
{
	const uint8_t *p = cur_take(in, SRP_LOGIN_REQ_CM_BYTES);

	if (!p)
		return SRP_E_TRUNCATED;
	if (p[11] != SRP_OP_LOGIN_REQ)
		return SRP_E_OPCODE;
	ret->tag = srp_tag_get(p);
	ret->req_buf_fmt = get_be16(p + 8);
	ret->req_flags = p[10] & SRP_LOGIN_FLAGS;
	ret->req_it_iu_len = get_be32(p + 12);
	memcpy(&ret->initiator, p + 16, sizeof(ret->initiator));
	memcpy(&ret->target, p + 32, sizeof(ret->target));
	ret->imm_data_offset = imm_offset(ret->req_flags, get_be16(p + 48));
	return 0;
}

int srp_login_req_cm_encode(const struct srp_login_req *r, struct pen *out)
{
	uint8_t *p = pen_take(out, SRP_LOGIN_REQ_CM_BYTES);

	if (!p)
		return SRP_E_NO_SPACE;
	memset(p, 0, SRP_LOGIN_REQ_CM_BYTES);
	srp_tag_put(p, r->tag);
	put_be16(p + 8, r->req_buf_fmt);
	p[10] = r->req_flags & SRP_LOGIN_FLAGS;
	p[11] = SRP_OP_LOGIN_REQ;
	put_be32(p + 12, r->req_it_iu_len);
	memcpy(p + 16, &r->initiator, sizeof(r->initiator));
	memcpy(p + 32, &r->target, sizeof(r->target));
	put_be16(p + 48, imm_offset(r->req_flags, r->imm_data_offset));
	return 0;
}
