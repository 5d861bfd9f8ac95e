/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Any bytes as an IU, or as a login request, put into words in a line of any length. */
#include <stdlib.h>

#include "base/check.h"
#include "client/client_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	size_t size;
	uint8_t *iu;
	char *buf;

	if (!len)
		return 0;
	size = 1 + data[0];
	iu = malloc(len); /* of exactly this length, for the sanitizer */
	buf = malloc(size);
	check(iu && buf);
	memcpy(iu, data + 1, len - 1);
	trace_text(iu, len - 1, false, buf, size);
	check(memchr(buf, 0, size) != NULL);
	trace_text(iu, len - 1, true, buf, size);
	check(memchr(buf, 0, size) != NULL);
	free(iu);
	free(buf);
	return 0;
}
