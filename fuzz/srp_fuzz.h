/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The property every SRP codec has: what it wrote, it reads and writes again without a change. */
#pragma once

#include <stdlib.h>

#include "wire/srp_recode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/**
 * fuzz_recode() - decode hostile bytes; if they are an IU, hold the codec to its own encoding
 * @recode:  decode and encode
 * @data:    the bytes
 * @len:     how many
 * @tag_off: where the tag stands, which must come through unchanged
 */
static inline void fuzz_recode(srp_recode_fn *recode, const uint8_t *data, size_t len,
			       size_t tag_off)
{
	uint8_t *first = malloc(len + 1);
	uint8_t *second = malloc(len + 1);
	struct cur in = cur_of(data, len);
	struct pen out = pen_of(first, len);
	struct pen again = pen_of(second, len);

	check(first && second);
	if (recode(&in, &out) == 0) {
		/* An encoding is never longer than what was decoded, so the pen was long enough. */
		struct cur back = cur_of(first, out.pos);

		check(in.pos <= len);
		check(memcmp(first + tag_off, data + tag_off, 8) == 0);
		check(recode(&back, &again) == 0);
		check(again.pos == out.pos);
		check(memcmp(first, second, out.pos) == 0);
	} else {
		/* Refused by the decoder; never for want of space. */
		check(out.pos == 0 && !out.bad);
	}
	free(first);
	free(second);
}
