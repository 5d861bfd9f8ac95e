/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What the files of the queue-pair engine share. Nobody else includes this. */
#pragma once

#include "base/check.h"
#include "iwarp/qp.h"
#include "wire/crc32c.h"
#include "wire/rdmap.h"

/* Values of iw_piece.ring_end that are no place in the ring. */
#define PIECE_REGION  0x80000000u /* or'ed with the slot of a region: source of a Read Response */
#define PIECE_FOREIGN 0xffffffffu /* source of a work request; the Terminate */

/* STags of regions have the top bit clear, transient ones of READ sinks have it set. */
#define STAG_SINK       0x80000000u
#define STAG_INDEX_MASK 0x007fffffu /* of the index part, above the key byte */

enum sqe_state {
	SQE_POSTED,
	SQE_STAGED,
	SQE_DONE
};

struct iw_sqe {
	uint64_t wr_id;
	uint64_t remote_va;
	uint32_t rkey;
	uint32_t len;
	uint32_t sink_stag; /* READ */
	uint32_t placed;    /* READ: bytes that have come */
	uint8_t op;
	uint8_t flags;
	uint8_t state;
	uint8_t n_sge;
	struct iw_sge sge[];
};

struct iw_rqe {
	uint64_t wr_id;
	uint8_t *buf;
	uint32_t len;
	uint32_t got;
	enum iw_wc_status status;
};

struct iw_irqe {
	uint32_t sink_stag;
	uint64_t sink_to;
	uint8_t *src;
	uint32_t len;
	uint32_t slot; /* of the region; unused when len is 0 */
};

struct iw_region {
	uint8_t *addr;
	size_t len;
	uint32_t rkey;
	uint32_t next; /* free slots only */
	uint8_t access;
	bool used;  /* between iw_stag_add() and iw_stag_del() */
	bool valid; /* not invalidated by the peer */
};

enum rx_phase {
	RX_HEAD,
	RX_PAYLOAD,
	RX_TAIL,
	RX_DEAD
};

static inline struct iw_sqe *sqe_at(const struct iw_qp *qp, uint32_t i)
{
	return (struct iw_sqe *)(void *)(qp->sq + (size_t)(i & qp->sq_mask) * qp->sq_stride);
}

/* The byte at offset @to of the wire, which stag_find() has found to be in region @slot. */
static inline uint8_t *region_at(const struct iw_qp *qp, uint32_t slot, uint64_t to)
{
	uint8_t *base = qp->regions[slot].addr;

	return base + (to - (uintptr_t)base);
}

/* A Terminate's layer, type and code in one number, for tables and calls. */
#define TERM(layer, type, code) ((uint32_t)(layer) << 16 | (uint32_t)(type) << 8 | (uint32_t)(code))

/* qp.c: */

/*
 * End the connection with a Terminate that says @why (TERM()) and, when @hdr is not NULL, carries that
 * DDP header and the Read Request body @read_req if that is not NULL. @by_peer: iw_rx() reports it.
 */
void qp_fail(struct iw_qp *qp, uint32_t why, const uint8_t *hdr, const uint8_t *read_req);
/* Stop and flush; the oldest unfinished entry of the send queue gets @first. */
void qp_enter_error(struct iw_qp *qp, enum iw_wc_status first);
/* Give places of finished entries back that nobody wants to hear of. */
void sq_retire(struct iw_qp *qp);
/* Markers at the head of what is not staged are done. */
void sq_pass_markers(struct iw_qp *qp);

/* stag.c: */

/* All slots of a new table are free. */
void stag_init(struct iw_qp *qp);
/*
 * The region @stag names if its peer may do @access with [to, to + len).
 * Return: 0, or TERM_PROT_STAG, _ACCESS, _WRAP, _BOUNDS as 1 + code.
 */
int stag_find(const struct iw_qp *qp, uint32_t stag, unsigned access, uint64_t to, uint32_t len,
	      uint32_t *ret_slot);
/* Send with Invalidate. Return: false when @stag names no region, else the STag is dead. */
bool stag_invalidate(struct iw_qp *qp, uint32_t stag);
