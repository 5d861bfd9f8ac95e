/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "wire/srp_login_rej.h"

int srp_login_rej_decode(struct cur *in, struct srp_login_rej *ret)
{
	const uint8_t *p;
	int r = srp_iu_take(in, SRP_OP_LOGIN_REJ, SRP_LOGIN_REJ_BYTES, &p);

	if (r)
		return r;
	ret->reason = get_be32(p + 4);
	ret->tag = srp_tag_get(p + 8);
	ret->buf_fmt = get_be16(p + 24);
	return 0;
}

int srp_login_rej_encode(const struct srp_login_rej *r, struct pen *out)
{
	uint8_t *p = srp_iu_put(out, SRP_OP_LOGIN_REJ, r->tag, SRP_LOGIN_REJ_BYTES);

	if (!p)
		return SRP_E_NO_SPACE;
	put_be32(p + 4, r->reason);
	put_be16(p + 24, r->buf_fmt);
	return 0;
}

const char *srp_rej_reason_text(uint32_t reason)
{
	switch ((enum srp_rej_reason)reason) {
	case SRP_REJ_UNSPECIFIED:
		return "unable to establish the channel";
	case SRP_REJ_RESOURCES:
		return "insufficient channel resources";
	case SRP_REJ_IT_IU_LEN:
		return "requested IU length not supported";
	case SRP_REJ_NEXUS:
		return "no such target port";
	case SRP_REJ_BUF_FMT:
		return "data buffer descriptor format not supported";
	case SRP_REJ_MULTI_CHANNEL:
		return "multiple channels not supported";
	case SRP_REJ_CHANNEL_LIMIT:
		return "channel limit reached";
	}
	return "unknown reason";
}
