/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "iwarp/mpa_conn.h"

#define REPLY_FLAGS(req_flags, crc) ((uint8_t)(((req_flags)&MPA_S) | ((crc) ? MPA_C : 0)))

/* The RTR kinds a frame names. */
static unsigned frame_kinds(const struct mpa_frame *f)
{
	if (!f->enhanced || !f->a)
		return 0;
	return (f->b ? BIT(MPA_RTR_SEND) : 0) | (f->c ? BIT(MPA_RTR_WRITE) : 0) |
	       (f->d ? BIT(MPA_RTR_READ) : 0);
}

static void frame_set_kinds(struct mpa_frame *f, unsigned kinds)
{
	f->a = kinds != 0;
	f->b = kinds & BIT(MPA_RTR_SEND);
	f->c = kinds & BIT(MPA_RTR_WRITE);
	f->d = kinds & BIT(MPA_RTR_READ);
}

/* A Write costs neither side a buffer or a slot; a Send would use up a receive at other responders. */
static enum mpa_rtr best_kind(unsigned kinds)
{
	if (kinds & BIT(MPA_RTR_WRITE))
		return MPA_RTR_WRITE;
	if (kinds & BIT(MPA_RTR_READ))
		return MPA_RTR_READ;
	if (kinds & BIT(MPA_RTR_SEND))
		return MPA_RTR_SEND;
	return MPA_RTR_NONE;
}

static uint16_t min_u16(uint16_t a, uint16_t b)
{
	return a < b ? a : b;
}

int iw_mpa_responder(const struct iw_mpa_cfg *cfg, const struct mpa_frame *req,
		     struct iw_mpa_agreed *ret)
{
	struct iw_mpa_agreed a = { .ird = cfg->ird, .ord = cfg->ord };

	if (req->flags & MPA_M)
		return IW_MPA_E_MARKERS;
	a.crc = cfg->crc || req->flags & MPA_C;
	a.rtr = best_kind(frame_kinds(req));
	if (req->enhanced && req->a && a.rtr == MPA_RTR_NONE)
		return IW_MPA_E_RTR;
	if (req->enhanced && req->ird != MPA_NO_NEGOTIATE)
		a.ord = min_u16(a.ord, req->ird);
	*ret = a;
	return 0;
}

void iw_mpa_accept_frame(const struct mpa_frame *req, const struct iw_mpa_agreed *agreed,
			 const void *priv, size_t priv_len, struct mpa_frame *ret)
{
	struct mpa_frame f = { .reply = true, .rev = req->rev, .enhanced = req->enhanced };

	f.flags = REPLY_FLAGS(req->enhanced ? MPA_S : 0, agreed->crc);
	f.ird = agreed->ird;
	f.ord = agreed->ord;
	if (agreed->rtr != MPA_RTR_NONE)
		frame_set_kinds(&f, BIT(agreed->rtr));
	f.priv = priv;
	f.priv_len = priv_len;
	*ret = f;
}

void iw_mpa_reject_frame(const struct mpa_frame *req, const void *priv, size_t priv_len,
			 struct mpa_frame *ret)
{
	struct mpa_frame f = { .reply = true, .flags = MPA_R, .rev = MPA_REV_MAX };

	if (req) {
		f.rev = req->rev;
		f.enhanced = req->enhanced;
		f.flags |= REPLY_FLAGS(req->enhanced ? MPA_S : 0, req->flags & MPA_C);
	}
	f.priv = priv;
	f.priv_len = priv_len;
	*ret = f;
}

void iw_mpa_request_frame(const struct iw_mpa_cfg *cfg, const void *priv, size_t priv_len,
			  struct mpa_frame *ret)
{
	struct mpa_frame f = { .rev = cfg->rev, .enhanced = cfg->rev >= 2 };

	f.flags = REPLY_FLAGS(f.enhanced ? MPA_S : 0, cfg->crc);
	if (f.enhanced) {
		f.ird = cfg->ird;
		f.ord = cfg->ord;
		frame_set_kinds(&f, cfg->rtr_kinds);
	}
	f.priv = priv;
	f.priv_len = priv_len;
	*ret = f;
}

/* The enhanced words of the reply against ours. */
static int judge_words(const struct iw_mpa_cfg *cfg, const struct mpa_frame *reply,
		       struct iw_mpa_agreed *a)
{
	if (reply->ird != MPA_NO_NEGOTIATE)
		a->ord = min_u16(a->ord, reply->ird);
	if (reply->ord != MPA_NO_NEGOTIATE) {
		if (reply->ord > cfg->ird)
			return IW_MPA_E_IRD;
		a->ird = reply->ord;
	}
	if (cfg->rtr_kinds) {
		a->rtr = best_kind(frame_kinds(reply) & cfg->rtr_kinds);
		if (a->rtr == MPA_RTR_NONE)
			return IW_MPA_E_RTR;
	}
	return 0;
}

int iw_mpa_initiator(const struct iw_mpa_cfg *cfg, const struct mpa_frame *reply,
		     struct iw_mpa_agreed *ret)
{
	struct iw_mpa_agreed a = { .ird = cfg->ird, .ord = cfg->ord };
	int r;

	/* A refusal counts whatever else the frame says: the peer may not speak our revision. */
	if (reply->flags & MPA_R)
		return IW_MPA_E_REJECTED;
	if (reply->rev != cfg->rev || reply->enhanced != (cfg->rev >= 2))
		return IW_MPA_E_REVISION;
	if (reply->flags & MPA_M)
		return IW_MPA_E_MARKERS;
	a.crc = cfg->crc || reply->flags & MPA_C;
	if (reply->enhanced) {
		r = judge_words(cfg, reply, &a);
		if (r)
			return r;
	}
	*ret = a;
	return 0;
}
