/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What all SRP information units (IUs) share: opcodes, outcomes, limits, port identifiers, memory
 * descriptors. One IU is one SEND, or one CM private data field for the login IUs.
 *
 * Fields are big-endian on the wire and host order in our structs, with one exception: a tag is
 * eight opaque bytes. It is copied, never swapped, so a `uint64_t tag` has the memory image of the
 * wire bytes; compare and echo it, but read no number into it.
 *
 * A LUN is the eight SAM bytes read as one big-endian number: peripheral LUN 1 is
 * 0x0001000000000000.
 *
 * Decoders take a cursor over one whole IU, ignore reserved fields and bytes behind the IU, borrow
 * bytes instead of copying them, and set their result on success only. Encoders write reserved
 * fields as zero and leave the pen behind the IU. None of them allocates or blocks; any worker may
 * call them.
 */
#pragma once

#include "base/check.h"
#include "base/cur.h"

enum srp_op {
	SRP_OP_LOGIN_REQ = 0x00, /* I to T, CM private data */
	SRP_OP_TSK_MGMT = 0x01,  /* I to T, consumes a credit */
	SRP_OP_CMD = 0x02,       /* I to T, consumes a credit */
	SRP_OP_I_LOGOUT = 0x03,  /* I to T */
	SRP_OP_CRED_RSP = 0x41,  /* I to T, answers CRED_REQ */
	SRP_OP_AER_RSP = 0x42,   /* I to T, answers AER_REQ */
	SRP_OP_T_LOGOUT = 0x80,  /* T to I */
	SRP_OP_CRED_REQ = 0x81,  /* T to I, carries a credit delta */
	SRP_OP_AER_REQ = 0x82,   /* T to I, carries a credit delta */
	SRP_OP_LOGIN_RSP = 0xc0, /* T to I, CM private data */
	SRP_OP_RSP = 0xc1,       /* T to I, carries a credit delta */
	SRP_OP_LOGIN_REJ = 0xc2, /* T to I, CM private data */
};

/* Outcomes of every function named srp_..._decode or srp_..._encode; 0 is success. */
enum srp_e {
	SRP_E_TRUNCATED = 1, /* the IU is shorter than its own fields say */
	SRP_E_OPCODE,        /* another IU than the one asked for */
	SRP_E_FORMAT,        /* a descriptor format that is unknown, or not usable here */
	SRP_E_COUNT,         /* descriptor count and indirect table length contradict each other */
	SRP_E_LENGTH_MISMATCH, /* lengths of the descriptors and total data length differ */
	SRP_E_IMMEDIATE, /* immediate data overlap the descriptors or pass the end of the IU */
	SRP_E_NO_SPACE,  /* encoding: the IU does not fit in the pen */
};

/* Bytes of the fixed part of each IU. */
#define SRP_HEAD_BYTES         16 /* opcode at 0, tag at 8; not in the RDMA/CM login */
#define SRP_LOGIN_REQ_IB_BYTES 64
#define SRP_LOGIN_REQ_CM_BYTES 56
#define SRP_LOGIN_RSP_BYTES    52
#define SRP_LOGIN_REJ_BYTES    32
#define SRP_CMD_BYTES          48
#define SRP_RSP_BYTES          36
#define SRP_RSP_DATA_BYTES     4 /* response data: three reserved bytes, RSP_CODE */
#define SRP_TSK_MGMT_BYTES     48
#define SRP_CRED_BYTES         16
#define SRP_AER_REQ_BYTES      36
#define SRP_AER_RSP_BYTES      16
#define SRP_LOGOUT_BYTES       16

#define SRP_MIN_IT_IU_LEN 64 /* least req_it_iu_len a login may ask for */

/* Data buffer descriptor formats: a nibble of CMD, and (1 << format) in the login IUs' masks. */
enum srp_fmt {
	SRP_FMT_NONE = 0,
	SRP_FMT_DIRECT = 1,
	SRP_FMT_INDIRECT = 2,
	SRP_FMT_IMMEDIATE = 3, /* DATA-OUT only (SRP-2) */
};

#define SRP_BUF_FMT_DIRECT   0x0002 /* req_buf_fmt, buf_fmt: direct descriptors */
#define SRP_BUF_FMT_INDIRECT 0x0004 /* indirect descriptors */

/* Solicited notification. The UC and SC bits stand in CMD and TSK_MGMT, SOLNT in target IUs. */
#define SRP_SOLNT   0x01 /* this IU was sent with the solicited event */
#define SRP_SCSOLNT 0x02 /* wanted if the request succeeds */
#define SRP_UCSOLNT 0x04 /* wanted if the request fails */

/* 16 bytes as on the wire (I/O class 0x0100), so memcmp of the whole is equality. */
struct srp_port_id {
	uint8_t ext[8];  /* identifier extension */
	uint8_t guid[8]; /* EUI-64 */
};

_Static_assert(sizeof(struct srp_port_id) == 16, "a port identifier is compared and copied whole");

static inline bool srp_port_id_eq(const struct srp_port_id *a, const struct srp_port_id *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

#define SRP_MEM_DESC_BYTES 16

/* One piece of the initiator's memory. */
struct srp_mem_desc {
	uint64_t va;  /* any number: unaligned, and va + len may wrap in a hostile IU */
	uint32_t key; /* R_Key or STag */
	uint32_t len; /* bytes; 0 is legal */
};

/* Read the memory descriptor in the SRP_MEM_DESC_BYTES at @p. */
static inline struct srp_mem_desc srp_mem_desc_get(const uint8_t *p)
{
	return (struct srp_mem_desc){
		.va = get_be64(p),
		.key = get_be32(p + 8),
		.len = get_be32(p + 12),
	};
}

/* Write @d to the SRP_MEM_DESC_BYTES at @p. */
static inline void srp_mem_desc_put(uint8_t *p, const struct srp_mem_desc *d)
{
	put_be64(p, d->va);
	put_be32(p + 8, d->key);
	put_be32(p + 12, d->len);
}

/* Copy the opaque tag at @p. */
static inline uint64_t srp_tag_get(const uint8_t *p)
{
	uint64_t tag;

	memcpy(&tag, p, sizeof(tag));
	return tag;
}

/* Copy the opaque tag @tag to @p. */
static inline void srp_tag_put(uint8_t *p, uint64_t tag)
{
	memcpy(p, &tag, sizeof(tag));
}

struct srp_head {
	uint8_t op;   /* enum srp_op, or a value that names no IU */
	uint64_t tag; /* opaque */
};

/**
 * srp_head_peek() - opcode and tag of a received IU, without consuming it
 * @in:  cursor at the start of the IU; not moved
 * @ret: set on success only
 *
 * Serves every IU that arrives by SEND. The 56-byte form of LOGIN_REQ is laid out differently.
 *
 * Return: 0, or SRP_E_TRUNCATED when there are fewer than SRP_HEAD_BYTES.
 */
static inline int srp_head_peek(const struct cur *in, struct srp_head *ret)
{
	const uint8_t *p;

	if (cur_left(in) < SRP_HEAD_BYTES)
		return SRP_E_TRUNCATED;
	p = in->p + in->pos;
	ret->op = p[0];
	ret->tag = srp_tag_get(p + 8);
	return 0;
}

/**
 * srp_iu_take() - step over the fixed part of an IU after checking length and opcode
 * @in:   cursor at the start of the IU
 * @op:   the opcode that byte 0 must have
 * @size: bytes of the fixed part
 * @ret:  set on success only: the fixed part, borrowed from @in
 *
 * For the decoders of this folder.
 *
 * Return: 0, SRP_E_TRUNCATED or SRP_E_OPCODE.
 */
static inline int srp_iu_take(struct cur *in, enum srp_op op, size_t size, const uint8_t **ret)
{
	const uint8_t *p = cur_take(in, size);

	if (!p)
		return SRP_E_TRUNCATED;
	if (p[0] != op)
		return SRP_E_OPCODE;
	*ret = p;
	return 0;
}

/* For our encoders: @size zeroed bytes with @op and @tag in place, NULL if they do not fit. */
static inline uint8_t *srp_iu_put(struct pen *out, enum srp_op op, uint64_t tag, size_t size)
{
	uint8_t *p = pen_take(out, size);

	if (!p)
		return NULL;
	memset(p, 0, size);
	p[0] = (uint8_t)op;
	srp_tag_put(p + 8, tag);
	return p;
}

/**
 * srp_op_text() - name of an opcode for logs and traces
 * @op: any byte
 *
 * Return: a static string, "unknown IU" for a value that names none.
 */
const char *srp_op_text(uint8_t op);

/**
 * srp_e_text() - what an outcome of a codec means, for logs
 * @e: 0 or a member of enum srp_e
 *
 * Return: a static string.
 */
const char *srp_e_text(int e);
