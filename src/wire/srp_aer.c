/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "wire/srp_aer.h"

int srp_aer_req_decode(struct cur *in, struct srp_aer_req *ret)
{
	struct srp_aer_req v = { 0 };
	const uint8_t *p;
	int r = srp_iu_take(in, SRP_OP_AER_REQ, SRP_AER_REQ_BYTES, &p);

	if (r)
		return r;
	v.sol_not = p[1] & SRP_SOLNT;
	v.req_lim_delta = (int32_t)get_be32(p + 4);
	v.tag = srp_tag_get(p + 8);
	v.lun = get_be64(p + 20);
	v.sense_len = get_be32(p + 28);
	if (v.sense_len) {
		v.sense = cur_take(in, v.sense_len);
		if (!v.sense)
			return SRP_E_TRUNCATED;
	}
	*ret = v;
	return 0;
}

int srp_aer_req_encode(const struct srp_aer_req *r, struct pen *out)
{
	uint8_t *p = srp_iu_put(out, SRP_OP_AER_REQ, r->tag, SRP_AER_REQ_BYTES);
	size_t room;
	uint32_t sense_len;

	if (!p)
		return SRP_E_NO_SPACE;
	room = out->len - out->pos;
	sense_len = room < r->sense_len ? (uint32_t)room : r->sense_len;
	p[1] = r->sol_not & SRP_SOLNT;
	put_be32(p + 4, (uint32_t)r->req_lim_delta);
	put_be64(p + 20, r->lun);
	put_be32(p + 28, sense_len);
	pen_copy(out, r->sense, sense_len);
	return 0;
}

int srp_aer_rsp_decode(struct cur *in, struct srp_aer_rsp *ret)
{
	const uint8_t *p;
	int r = srp_iu_take(in, SRP_OP_AER_RSP, SRP_AER_RSP_BYTES, &p);

	if (r)
		return r;
	ret->tag = srp_tag_get(p + 8);
	return 0;
}

int srp_aer_rsp_encode(const struct srp_aer_rsp *r, struct pen *out)
{
	return srp_iu_put(out, SRP_OP_AER_RSP, r->tag, SRP_AER_RSP_BYTES) ? 0 : SRP_E_NO_SPACE;
}
