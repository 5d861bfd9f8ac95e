/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What a request and a response of rr look like: host byte order, both ends are on one machine. */
#pragma once

#include "stream.h"

struct rr_head {
	uint64_t tag;
	uint32_t out_len; /* payload behind the request */
	uint32_t in_len;  /* payload wanted behind the response */
	uint8_t pad[STREAM_HEAD_MAX - 16];
};

_Static_assert(sizeof(struct rr_head) == STREAM_HEAD_MAX,
	       "48 bytes each way, like a block protocol's");
