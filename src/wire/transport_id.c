/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* TransportIDs of SRP, SPC-5 7.6.4.5. */
#include "wire/transport_id.h"

#define RESERVED_BYTES 7u

void transport_id_encode(const struct transport_id *id, struct pen *out)
{
	pen_u8(out, id->protocol & 0xf); /* format code 00b */
	pen_zero(out, RESERVED_BYTES);
	pen_copy(out, id->name, sizeof(id->name));
}

int transport_id_decode(struct cur *in, struct transport_id *ret)
{
	struct transport_id id = { 0 };
	uint8_t first = cur_u8(in);

	cur_skip(in, RESERVED_BYTES);
	cur_copy(in, id.name, sizeof(id.name));
	if (in->bad)
		return TRANSPORT_ID_E_TRUNCATED;
	/* bits 5-4 are reserved */
	if ((first & 0xcf) != TRANSPORT_ID_SRP)
		return TRANSPORT_ID_E_FORMAT;
	id.protocol = TRANSPORT_ID_SRP;
	*ret = id;
	return 0;
}
