/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Any MPA frame before the two sides of the negotiation: nobody agrees to more than it offered. And, with what
 * two sides offer taken from the same bytes (from the 20th on), the two of ours with each other: both
 * end up with the same.
 */
#include "fuzz.h"
#include "iwarp/mpa_conn.h"

static void judge(const struct mpa_frame *f)
{
	static const struct iw_mpa_cfg cfg = { .ird = 4, .ord = 16, .rev = 2, .rtr_kinds = 4 };
	struct iw_mpa_agreed agreed;
	struct mpa_frame reply;

	if (f->reply) {
		if (iw_mpa_initiator(&cfg, f, &agreed) == 0) {
			check(agreed.ord <= cfg.ord && agreed.ird <= cfg.ird);
			check(f->ird == MPA_NO_NEGOTIATE || agreed.ord <= f->ird);
			check(agreed.rtr == MPA_RTR_WRITE); /* all that was offered */
			check(!(f->flags & (MPA_R | MPA_M)) && agreed.crc == !!(f->flags & MPA_C));
		}
		return;
	}
	if (iw_mpa_responder(&cfg, f, &agreed) == 0) {
		check(agreed.ord <= cfg.ord && agreed.ird == cfg.ird && !(f->flags & MPA_M));
		check(!f->enhanced || f->ird == MPA_NO_NEGOTIATE || agreed.ord <= f->ird);
		check((f->enhanced && f->a) == (agreed.rtr != MPA_RTR_NONE));
		iw_mpa_accept_frame(f, &agreed, NULL, 0, &reply);
		check(reply.rev == f->rev && reply.enhanced == f->enhanced);
	}
	iw_mpa_reject_frame(f, NULL, 0, &reply);
	check(reply.flags & MPA_R);
	check(iw_mpa_initiator(&cfg, &reply, &agreed) == IW_MPA_E_REJECTED);
}

/* @f as the other side gets it: through the wire. */
static struct mpa_frame carried(const struct mpa_frame *f, uint8_t *buf)
{
	struct pen out = pen_of(buf, MPA_FRAME_MAX);
	struct mpa_frame ret;
	struct cur in;

	mpa_frame_encode(&out, f);
	check(!out.bad);
	in = cur_of(buf, out.pos);
	check(mpa_frame_decode(&in, f->reply, &ret) == 0 && cur_left(&in) == 0);
	return ret;
}

static struct iw_mpa_cfg cfg_of(struct cur *in)
{
	uint8_t bits = cur_u8(in);

	return (struct iw_mpa_cfg){ .crc = bits & 1,
				    .rev = bits & 2 ? 1 : 2,
				    .rtr_kinds = bits & 2 ? 0 : bits >> 2 & 0xe,
				    .ird = cur_be16(in) & 0xff,
				    .ord = cur_be16(in) & 0xff };
}

static void handshake(struct cur in)
{
	const struct iw_mpa_cfg a = cfg_of(&in);
	const struct iw_mpa_cfg b = cfg_of(&in);
	struct iw_mpa_agreed at_a;
	struct iw_mpa_agreed at_b;
	uint8_t buf[MPA_FRAME_MAX];
	struct mpa_frame f;
	struct mpa_frame reply;

	iw_mpa_request_frame(&a, NULL, 0, &f);
	f = carried(&f, buf);
	check(iw_mpa_responder(&b, &f, &at_b) == 0); /* there is nothing to object to */
	iw_mpa_accept_frame(&f, &at_b, NULL, 0, &reply);
	reply = carried(&reply, buf);
	check(iw_mpa_initiator(&a, &reply, &at_a) == 0);
	check(at_a.crc == at_b.crc && at_a.crc == (a.crc || b.crc) && at_a.rtr == at_b.rtr);
	if (a.rev == 2) /* each serves what the other may ask for */
		check(at_a.ord <= at_b.ird && at_b.ord <= at_a.ird);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct cur in = cur_of(data, len);
	struct mpa_frame f;

	if (len == 0)
		return 0;
	if (mpa_frame_decode(&in, false, &f) == 0 || mpa_frame_decode(&in, true, &f) == 0)
		judge(&f);
	if (len > MPA_HEAD_LEN)
		handshake(cur_of(data + MPA_HEAD_LEN, len - MPA_HEAD_LEN));
	return 0;
}
