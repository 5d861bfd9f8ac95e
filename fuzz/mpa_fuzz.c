/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Any bytes as an MPA request or reply: decoded, encoded back, decoded again. */
#include "base/check.h"
#include "wire/mpa.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void decode(const uint8_t *data, size_t len, bool reply)
{
	uint8_t back[MPA_FRAME_MAX];
	struct cur in = cur_of(data, len);
	struct mpa_frame f, g;
	struct pen out = pen_of(back, sizeof(back));
	struct cur again;
	size_t whole = 0;

	if (mpa_frame_decode(&in, reply, &f)) {
		check(in.pos == 0);
		return;
	}
	check(mpa_frame_len(data, len, reply, &whole) == 0 && whole == in.pos);
	mpa_frame_encode(&out, &f);
	check(!out.bad);
	again = cur_of(back, out.pos);
	check(mpa_frame_decode(&again, reply, &g) == 0);
	check(g.priv_len == f.priv_len && g.ird == f.ird && g.ord == f.ord && g.rev == f.rev);
	check(f.priv_len == 0 || memcmp(g.priv, f.priv, f.priv_len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len == 0)
		return 0;
	decode(data, len, false);
	decode(data, len, true);
	return 0;
}
