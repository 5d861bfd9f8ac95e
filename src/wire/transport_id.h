/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * TransportIDs (SPC-5 7.6.4): how parameter lists name an initiator port. Those of SRP: 24 bytes with
 * the 16 bytes of the port identifier.
 */
#pragma once

#include "base/cur.h"

#define TRANSPORT_ID_BYTES      24u
#define TRANSPORT_ID_NAME_BYTES 16u
#define TRANSPORT_ID_SRP        4 /* protocol identifier */

struct transport_id {
	uint8_t protocol;
	uint8_t name[TRANSPORT_ID_NAME_BYTES];
};

enum {
	TRANSPORT_ID_E_TRUNCATED = 1,
	TRANSPORT_ID_E_FORMAT, /* a format code or protocol that is not known here */
};

void transport_id_encode(const struct transport_id *id, struct pen *out);

/**
 * transport_id_decode() - read a TransportID
 * @in: stepped over it on success
 *
 * Return: 0, or TRANSPORT_ID_E_*; then @ret is untouched.
 */
int transport_id_decode(struct cur *in, struct transport_id *ret);
