/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * FPDUs and DDP segments with their RDMAP control byte (RFC 5044 4, RFC 5041 4, RFC 5040 4). Two shapes:
 * tagged (Write, Read Response) and untagged (all others). Offsets count from the FPDU's first byte, the
 * length field included, so that a header is one run of bytes: 16 (tagged) or 20 (untagged) of them.
 *
 * The functions work on fixed-size headers and are inline: they run once per FPDU of the data path.
 */
#pragma once

#include "base/cur.h"

#define FPDU_LEN_LEN      2u
#define FPDU_CRC_LEN      4u
#define FPDU_TRAILER_MAX  7u     /* pad and CRC */
#define FPDU_ULPDU_MAX    65535u /* limit of the length field */
#define DDP_PEEK_LEN      4u     /* bytes of a header that tell its shape */
#define DDP_TAGGED_LEN    16u
#define DDP_UNTAGGED_LEN  20u
#define DDP_TAGGED_BODY   (DDP_TAGGED_LEN - FPDU_LEN_LEN) /* as counted by the length field */
#define DDP_UNTAGGED_BODY (DDP_UNTAGGED_LEN - FPDU_LEN_LEN)

#define DDP_CTL_T            0x80u
#define DDP_CTL_L            0x40u
#define DDP_CTL_VERSION_MASK 0x03u
#define DDP_CTL_VERSION      0x01u

#define RDMAP_CTL_VERSION_MASK 0xc0u
#define RDMAP_CTL_VERSION      0x40u
#define RDMAP_CTL_OP_MASK      0x0fu

#define DDP_QN_SEND 0u
#define DDP_QN_READ 1u
#define DDP_QN_TERM 2u

enum rdmap_op {
	RDMAP_WRITE,
	RDMAP_READ_REQ,
	RDMAP_READ_RSP,
	RDMAP_SEND,
	RDMAP_SEND_INV,
	RDMAP_SEND_SE,
	RDMAP_SEND_SE_INV,
	RDMAP_TERMINATE,
	RDMAP_OP_COUNT
};

/* Header of a segment; what does not belong to its shape is 0. */
struct ddp_hdr {
	uint16_t ulpdu_len; /* header behind the length field, and payload */
	uint8_t ddp_ctl;
	uint8_t rdmap_ctl;
	uint32_t stag; /* tagged: STag; untagged: STag to invalidate, or 0 */
	uint64_t to;   /* tagged */
	uint32_t qn;   /* untagged, and the next two */
	uint32_t msn;
	uint32_t mo;
};

/* Is a message of this opcode made of tagged segments? @op < RDMAP_OP_COUNT. */
static inline bool rdmap_op_tagged(unsigned op)
{
	return op == RDMAP_WRITE || op == RDMAP_READ_RSP;
}

/* The shape of the header that starts with the DDP_PEEK_LEN bytes @p. */
static inline bool ddp_tagged(const uint8_t *p)
{
	return p[2] & DDP_CTL_T;
}

/* Bytes of the header that starts with the DDP_PEEK_LEN bytes @p. */
static inline unsigned ddp_hdr_len(const uint8_t *p)
{
	return ddp_tagged(p) ? DDP_TAGGED_LEN : DDP_UNTAGGED_LEN;
}

/* Zero bytes between a ULPDU of @ulpdu_len bytes and the CRC. */
static inline unsigned fpdu_pad(unsigned ulpdu_len)
{
	return (0u - (FPDU_LEN_LEN + ulpdu_len)) & 3u;
}

/* Bytes of the whole FPDU. */
static inline uint32_t fpdu_len(unsigned ulpdu_len)
{
	return FPDU_LEN_LEN + ulpdu_len + fpdu_pad(ulpdu_len) + FPDU_CRC_LEN;
}

/* Read the ddp_hdr_len(p) bytes of a header. Nothing is judged. */
static inline struct ddp_hdr ddp_hdr_get(const uint8_t *p)
{
	struct ddp_hdr h = { .ulpdu_len = get_be16(p), .ddp_ctl = p[2], .rdmap_ctl = p[3] };

	h.stag = get_be32(p + 4);
	if (ddp_tagged(p)) {
		h.to = get_be64(p + 8);
	} else {
		h.qn = get_be32(p + 8);
		h.msn = get_be32(p + 12);
		h.mo = get_be32(p + 16);
	}
	return h;
}

/* Write the DDP_TAGGED_LEN bytes of a tagged header for @payload bytes. */
static inline void ddp_tagged_put(uint8_t *p, enum rdmap_op op, bool last, uint32_t payload,
				  uint32_t stag, uint64_t to)
{
	put_be16(p, (uint16_t)(DDP_TAGGED_BODY + payload));
	p[2] = (uint8_t)(DDP_CTL_T | DDP_CTL_VERSION | (last ? DDP_CTL_L : 0));
	p[3] = (uint8_t)(RDMAP_CTL_VERSION | op);
	put_be32(p + 4, stag);
	put_be64(p + 8, to);
}

/* Write the DDP_UNTAGGED_LEN bytes of an untagged header for @payload bytes; MSN and MO come apart. */
static inline void ddp_untagged_put(uint8_t *p, enum rdmap_op op, bool last, uint32_t payload,
				    uint32_t inv_stag, uint32_t qn)
{
	put_be16(p, (uint16_t)(DDP_UNTAGGED_BODY + payload));
	p[2] = (uint8_t)(DDP_CTL_VERSION | (last ? DDP_CTL_L : 0));
	p[3] = (uint8_t)(RDMAP_CTL_VERSION | op);
	put_be32(p + 4, inv_stag);
	put_be32(p + 8, qn);
}

/* Complete an untagged header. */
static inline void ddp_untagged_seq(uint8_t *p, uint32_t msn, uint32_t mo)
{
	put_be32(p + 12, msn);
	put_be32(p + 16, mo);
}
