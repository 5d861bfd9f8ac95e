/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Any bytes as a list of TransportIDs, as PERSISTENT RESERVE OUT brings them: what is read is written again and
 * read the same; what is not read leaves no trace. */
#include "fuzz.h"
#include "wire/transport_id.h"

static void again(const struct transport_id *id)
{
	uint8_t buf[TRANSPORT_ID_BYTES];
	struct pen out = pen_of(buf, sizeof(buf));
	struct transport_id back;
	struct cur in;

	transport_id_encode(id, &out);
	check(!out.bad && out.pos == TRANSPORT_ID_BYTES);
	in = cur_of(buf, sizeof(buf));
	check(transport_id_decode(&in, &back) == 0 && cur_left(&in) == 0);
	check(back.protocol == id->protocol);
	check(memcmp(back.name, id->name, sizeof(id->name)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t *p = fuzz_copy(data, len);
	struct cur in = cur_of(p, len);
	struct transport_id id;
	size_t was;
	int r;

	do {
		memset(&id, 0x3c, sizeof(id));
		was = in.pos;
		r = transport_id_decode(&in, &id);
		if (r == 0) {
			check(in.pos == was + TRANSPORT_ID_BYTES);
			again(&id);
		} else {
			check(r == TRANSPORT_ID_E_TRUNCATED || r == TRANSPORT_ID_E_FORMAT);
			check(id.protocol == 0x3c && id.name[0] == 0x3c);
			check((r == TRANSPORT_ID_E_TRUNCATED) == (len - was < TRANSPORT_ID_BYTES));
		}
	} while (r == 0);
	free(p);
	return 0;
}
