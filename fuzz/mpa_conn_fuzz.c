/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Any MPA frame before the two sides of the negotiation: nobody agrees to more than it offered. */
#include "base/check.h"
#include "iwarp/mpa_conn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void judge(const struct mpa_frame *f)
{
	static const struct iw_mpa_cfg cfg = { .ird = 4, .ord = 16, .rev = 2, .rtr_kinds = 4 };
	struct iw_mpa_agreed agreed;
	struct mpa_frame reply;

	if (f->reply) {
		if (iw_mpa_initiator(&cfg, f, &agreed) == 0)
			check(agreed.ord <= cfg.ord && agreed.ird <= cfg.ird);
		return;
	}
	if (iw_mpa_responder(&cfg, f, &agreed) == 0) {
		check(agreed.ord <= cfg.ord);
		iw_mpa_accept_frame(f, &agreed, NULL, 0, &reply);
		check(reply.rev == f->rev && reply.enhanced == f->enhanced);
	}
	iw_mpa_reject_frame(f, NULL, 0, &reply);
	check(reply.flags & MPA_R);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct cur in = cur_of(data, len);
	struct mpa_frame f;

	if (len == 0)
		return 0;
	if (mpa_frame_decode(&in, false, &f) == 0 || mpa_frame_decode(&in, true, &f) == 0)
		judge(&f);
	return 0;
}
