/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The two RDMAP messages with a body of their own: Read Request and Terminate (RFC 5040 4.4, 4.8). */
#pragma once

#include "wire/ddp.h"

#define RDMAP_READ_REQ_LEN  28u /* body behind the untagged header */
#define RDMAP_TERM_LEN      4u  /* body without copies of headers */
#define RDMAP_TERM_MAX      (RDMAP_TERM_LEN + 2u + DDP_UNTAGGED_BODY + RDMAP_READ_REQ_LEN)
#define RDMAP_READ_REQ_FPDU (DDP_UNTAGGED_LEN + RDMAP_READ_REQ_LEN + FPDU_CRC_LEN)

enum rdmap_error {
	RDMAP_E_TRUNCATED = 1,
};

struct rdmap_read_req {
	uint32_t sink_stag;
	uint64_t sink_to;
	uint32_t len;
	uint32_t src_stag;
	uint64_t src_to;
};

/* Layers of a Terminate, their error types and codes (RFC 5040 4.8, RFC 5041 8.2, RFC 5044 8). */
enum term_layer {
	TERM_RDMAP,
	TERM_DDP,
	TERM_MPA
};

enum term_type {
	TERM_CATASTROPHIC = 0, /* any layer; the only one of MPA */
	TERM_PROTECTION = 1,   /* RDMAP: remote protection */
	TERM_OPERATION = 2,    /* RDMAP: remote operation */
	TERM_TAGGED = 1,       /* DDP */
	TERM_UNTAGGED = 2,     /* DDP */
};

enum term_code {
	TERM_PROT_STAG = 0x00, /* RDMAP remote protection */
	TERM_PROT_BOUNDS = 0x01,
	TERM_PROT_ACCESS = 0x02,
	TERM_PROT_WRAP = 0x04,
	TERM_OP_VERSION = 0x05, /* RDMAP remote operation */
	TERM_OP_OPCODE = 0x06,
	TERM_OP_STREAM = 0x07,
	TERM_OP_INVALIDATE = 0x09,
	TERM_TAG_STAG = 0x00, /* DDP tagged */
	TERM_TAG_BOUNDS = 0x01,
	TERM_TAG_WRAP = 0x03,
	TERM_TAG_VERSION = 0x04,
	TERM_UNTAG_QN = 0x01, /* DDP untagged */
	TERM_UNTAG_NO_BUFFER = 0x02,
	TERM_UNTAG_MSN = 0x03,
	TERM_UNTAG_MO = 0x04,
	TERM_UNTAG_TOO_LONG = 0x05,
	TERM_UNTAG_VERSION = 0x06,
	TERM_MPA_CRC = 0x02, /* MPA */
	TERM_MPA_LENGTH = 0x03,
	TERM_MPA_FRAME = 0x04,
	TERM_MPA_IRD = 0x06,
	TERM_MPA_RTR = 0x07,
};

#define TERM_HAS_LEN  0x80u
#define TERM_HAS_DDP  0x40u
#define TERM_HAS_READ 0x20u

struct rdmap_term {
	uint8_t layer; /* 4 bits */
	uint8_t type;  /* 4 bits */
	uint8_t code;
	/* Header of the segment it is about; NULL: none. Begins with its length field. Borrowed. */
	const uint8_t *ddp;
	const uint8_t *read_req; /* its body if it is a Read Request; NULL: none. Borrowed */
};

/**
 * rdmap_read_req_decode() - read the body of a Read Request (RFC 5040 4.4)
 * @in:  consumed up to the end of the body
 * @ret: set on success only
 *
 * Return: 0 or RDMAP_E_TRUNCATED.
 */
int rdmap_read_req_decode(struct cur *in, struct rdmap_read_req *ret);

/* Write the body of a Read Request; @out becomes bad when there is no room. */
void rdmap_read_req_encode(struct pen *out, const struct rdmap_read_req *r);

/**
 * rdmap_term_decode() - read the body of a Terminate (RFC 5040 4.8)
 * @in:  consumed up to the end of what is there
 * @ret: set on success only; the copies of headers are not looked at and ret->ddp, ret->read_req are NULL
 *
 * Some senders swap the nibbles of the first byte (layer and type). A byte which makes sense in one
 * reading only is taken that way.
 *
 * Return: 0 or RDMAP_E_TRUNCATED.
 */
int rdmap_term_decode(struct cur *in, struct rdmap_term *ret);

/* Write the body of a Terminate with the headers @t names; @out becomes bad when there is no room. */
void rdmap_term_encode(struct pen *out, const struct rdmap_term *t);

/* Words for an error; never NULL. */
const char *rdmap_term_text(unsigned layer, unsigned type, unsigned code);
