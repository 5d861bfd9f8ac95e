/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "wire/srp_logout.h"

int srp_i_logout_decode(struct cur *in, struct srp_i_logout *ret)
{
	const uint8_t *p;
	int r = srp_iu_take(in, SRP_OP_I_LOGOUT, SRP_LOGOUT_BYTES, &p);

	if (r)
		return r;
	ret->tag = srp_tag_get(p + 8);
	return 0;
}

int srp_i_logout_encode(const struct srp_i_logout *r, struct pen *out)
{
	return srp_iu_put(out, SRP_OP_I_LOGOUT, r->tag, SRP_LOGOUT_BYTES) ? 0 : SRP_E_NO_SPACE;
}

int srp_t_logout_decode(struct cur *in, struct srp_t_logout *ret)
{
	const uint8_t *p;
	int r = srp_iu_take(in, SRP_OP_T_LOGOUT, SRP_LOGOUT_BYTES, &p);

	if (r)
		return r;
	ret->sol_not = p[1] & SRP_SOLNT;
	ret->reason = get_be32(p + 4);
	ret->tag = srp_tag_get(p + 8);
	return 0;
}

int srp_t_logout_encode(const struct srp_t_logout *r, struct pen *out)
{
	uint8_t *p = srp_iu_put(out, SRP_OP_T_LOGOUT, r->tag, SRP_LOGOUT_BYTES);

	if (!p)
		return SRP_E_NO_SPACE;
	p[1] = r->sol_not & SRP_SOLNT;
	put_be32(p + 4, r->reason);
	return 0;
}

const char *srp_logout_reason_text(uint32_t reason)
{
	switch ((enum srp_logout_reason)reason) {
	case SRP_LOGOUT_NONE:
		return "no reason given";
	case SRP_LOGOUT_INACTIVE:
		return "channel inactive";
	case SRP_LOGOUT_INVALID_IU:
		return "invalid IU type received";
	case SRP_LOGOUT_SPURIOUS_RSP:
		return "response without a request";
	case SRP_LOGOUT_MULTI_CHANNEL:
		return "terminated by a new login";
	}
	return "unknown reason";
}
