/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * MPA connection frames (RFC 5044 7.1, RFC 6581 enhanced words): the request of the side that opened
 * the TCP connection and the reply of the other one. After them the stream consists of FPDUs.
 */
#pragma once

#include "base/cur.h"

#define MPA_HEAD_LEN  20u  /* key, flags, revision, length of the private data */
#define MPA_PRIV_MAX  512u /* PD_Length, the enhanced words counted in */
#define MPA_WORDS_LEN 4u   /* enhanced words at the beginning of the private data, with MPA_S */
#define MPA_FRAME_MAX (MPA_HEAD_LEN + MPA_PRIV_MAX)

#define MPA_M 0x80u /* the sender wants markers in what it receives */
#define MPA_C 0x40u /* the sender wants CRCs; then both directions carry them */
#define MPA_R 0x20u /* reply only: refused */
#define MPA_S 0x10u /* enhanced words follow (revision 2) */

#define MPA_REV_MAX      2u
#define MPA_NO_NEGOTIATE 0x3fffu /* value of ird, ord: no automatic negotiation */

enum mpa_error {
	MPA_E_TRUNCATED = 1, /* more bytes are needed */
	MPA_E_KEY,           /* not an MPA request (reply) frame */
	MPA_E_REVISION,      /* newer than MPA_REV_MAX */
	MPA_E_TOO_LONG,      /* more than MPA_PRIV_MAX bytes of private data */
	MPA_E_ENHANCED,      /* enhanced words announced but not there */
};

/* Kind of "ready to receive" frame the initiator sends first (RFC 6581 4.4). */
enum mpa_rtr {
	MPA_RTR_NONE,
	MPA_RTR_SEND,  /* zero-length Send, flag B */
	MPA_RTR_WRITE, /* zero-length RDMA Write, flag C */
	MPA_RTR_READ,  /* zero-length RDMA Read, flag D */
};

struct mpa_frame {
	bool reply;          /* a reply, else a request */
	uint8_t flags;       /* MPA_M, MPA_C, MPA_R, MPA_S; reserved bits are dropped */
	uint8_t rev;         /* 0..2 */
	bool enhanced;       /* MPA_S in a frame of revision 2: the next fields are valid */
	uint16_t ird;        /* RDMA Reads the sender can serve at once; 14 bits */
	uint16_t ord;        /* RDMA Reads the sender wants to have outstanding; 14 bits */
	bool a;              /* peer-to-peer: an RTR frame will be sent */
	bool b;              /* ... it may be a Send */
	bool c;              /* ... it may be a Write */
	bool d;              /* ... it may be a Read */
	const uint8_t *priv; /* private data of the ULP, behind the enhanced words; borrowed */
	size_t priv_len;
};

/**
 * mpa_frame_len() - length of the frame whose head has arrived
 * @head:  its first @len bytes
 * @reply: a reply is expected, else a request
 * @ret:   whole length in bytes, head included; MPA_HEAD_LEN..MPA_FRAME_MAX
 *
 * A wrong key is found as early as its first wrong byte.
 *
 * Return: 0, MPA_E_TRUNCATED (fewer than MPA_HEAD_LEN bytes, all plausible), MPA_E_KEY or
 * MPA_E_TOO_LONG.
 */
int mpa_frame_len(const uint8_t *head, size_t len, bool reply, size_t *ret);

/**
 * mpa_frame_decode() - read a request or reply frame
 * @in:    consumed up to the end of the frame on success, untouched otherwise
 * @reply: a reply is expected, else a request
 * @ret:   set on success only; borrows the bytes of @in
 *
 * MPA_S in a frame of revision 0 or 1 is ignored: those have no enhanced words.
 *
 * Return: 0, MPA_E_TRUNCATED, MPA_E_KEY, MPA_E_REVISION, MPA_E_TOO_LONG or MPA_E_ENHANCED.
 */
int mpa_frame_decode(struct cur *in, bool reply, struct mpa_frame *ret);

/**
 * mpa_frame_encode() - write a request or reply frame
 * @out: becomes bad when there is no room or the private data is longer than MPA_PRIV_MAX allows
 * @f:   MPA_S is written exactly when @f->enhanced is set
 */
void mpa_frame_encode(struct pen *out, const struct mpa_frame *f);
