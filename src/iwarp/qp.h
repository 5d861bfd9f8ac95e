/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * An iWARP queue pair: RDMAP over DDP over MPA (RFC 5040, 5041, 5044) as a pure machine. It takes the bytes
 * of a TCP stream and gives the bytes to put into one; it does no I/O itself. It starts behind the MPA
 * handshake (iwarp/mpa_conn.h, wire/mpa.h).
 *
 * Memory: `struct iw_qp` is embedded by the caller; queues and tables live in one block which the caller
 * hands to iw_qp_init() and which must not move. Nothing is allocated. Buffers of posted work requests
 * and registered regions are the caller's; the engine reads and writes them until their completion has
 * been put into the answer of iw_poll(), or the region has been deleted.
 *
 * Context: one owner; no call of one queue pair may overlap another one.
 *
 * A round of the owner:
 *   n = iw_rx_direct(qp, iov, max), append the batch buffer, recvmsg(), iw_rx(), iw_poll(), post ...,
 *   iw_tx(), sendmsg(), iw_tx_done(), iw_poll().
 * When an asynchronous sendmsg (recvmsg into direct pieces) is in flight while the queue pair goes to error,
 * the owner must hear of its end, and call iw_tx_done(), before it lets iw_poll() give the flushed buffers
 * back. iw_rx(), iw_stag_del() and the two error calls can put a queue pair into error: iw_qp_failed().
 */
#pragma once

#include <sys/uio.h>

#include "base/util.h"
#include "wire/mpa.h"

#define IW_SGE_MAX 16u /* pieces of a work request */
#define IW_PAYLOAD_MAX \
	65516u             /* payload of one FPDU: 16 bits of length, 18 of them header, times 4 */
#define IW_INLINE_MAX 256u /* smaller payloads are copied behind their header */
#define IW_TX_RING    16384u /* bytes for headers, trailers and small payloads on their way to TCP */
#define IW_TX_PIECES  256u   /* pieces of memory on their way to TCP */
#define IW_TX_MSGS    256u   /* messages on their way to TCP */

/* These five mirror the fabric's work requests and completions, value by value, field by field. */
enum iw_wr_op {
	IW_WR_SEND,
	IW_WR_READ,
	IW_WR_WRITE,
	IW_WR_MARKER
};

enum iw_wc_op {
	IW_WC_SEND,
	IW_WC_READ,
	IW_WC_WRITE,
	IW_WC_MARKER,
	IW_WC_RECV
};

enum iw_wc_status {
	IW_WC_OK,
	IW_WC_FLUSHED,
	IW_WC_LOCAL,
	IW_WC_REMOTE,
	IW_WC_TRANSPORT
};

struct iw_sge {
	void *addr;
	uint32_t len;
};

#define IW_WR_SIGNALED  BIT(0) /* report success too */
#define IW_WR_SOLICITED BIT(1) /* SEND: with Solicited Event */
#define IW_WR_INVALIDATE \
	BIT(2) /* SEND: with Invalidate; rkey is the STag. Not part of the fabric */

struct iw_wr {
	uint64_t wr_id;
	enum iw_wr_op op;
	unsigned flags;
	uint64_t remote_va;
	uint32_t rkey;
	unsigned n_sge;
	const struct iw_sge *sge; /* copied */
};

struct iw_wc {
	uint64_t wr_id;
	enum iw_wc_op op;
	enum iw_wc_status status;
	uint32_t byte_len; /* RECV, OK */
};

enum iw_access {
	IW_ACCESS_REMOTE_READ = 1,
	IW_ACCESS_REMOTE_WRITE = 2
};

enum iw_error {
	IW_E_TERMINATE = 1,  /* the peer broke the protocol; a Terminate is ready for iw_tx() */
	IW_E_PEER_TERMINATE, /* the peer sent a Terminate; nothing is sent any more */
};

struct iw_qp_attr {
	unsigned sq_depth; /* 1..65536 */
	unsigned rq_depth; /* 1..65536 */
	unsigned max_sge;  /* 1..IW_SGE_MAX */
	unsigned
		ord; /* RDMA Reads we have outstanding at most; 0..4096; 0: READs cannot be posted */
	unsigned ird;     /* RDMA Reads of the peer we serve at once; 0..4096 */
	unsigned n_stags; /* memory regions; 0..65536 */
	bool any_recv; /* Sends take the receive that was posted last, where they can, not the first */
	bool crc;
	bool responder; /* hold transmissions until the first FPDU has come [RFC 5044 7.1.2] */
	uint32_t max_payload; /* payload of a segment we send: multiple of 4, 4..IW_PAYLOAD_MAX */
	uint32_t direct_threshold; /* rest of a segment that is worth direct placement */
	/*
	 * The agreed RTR frame. Initiator: it is sent first, by the engine. Responder: a Send or a Read of
	 * this kind, as first FPDU, takes no receive and no IRD slot. Never completes.
	 */
	enum mpa_rtr rtr;
	uint32_t stag_seed; /* any number; makes the rkeys of connections differ */
};

/* The error that ended the connection. */
struct iw_term {
	bool valid;
	bool from_peer; /* the peer's Terminate, else ours */
	uint8_t layer;  /* 0 RDMAP, 1 DDP, 2 MPA */
	uint8_t type;
	uint8_t code;
};

/* Entries and states below are the engine's own. */
struct iw_sqe;
struct iw_rqe;
struct iw_irqe;
struct iw_region;

/* A piece of memory on its way to TCP. */
struct iw_piece {
	uint8_t *p; /* only read, but an iovec does not say so */
	uint32_t len;
	/* Ring memory: place in the ring behind it; else one of the marks in qp_i.h. */
	uint32_t ring_end;
};

/* A message all of whose segments are staged; it is done when the stream has got to its end. */
struct iw_txmsg {
	uint32_t end;    /* place in the stream, low bits */
	uint32_t stride; /* stream bytes of each FPDU of it but the last */
	uint32_t sq;     /* index of its entry of the send queue ... */
	bool completes;  /* ... which is done then. No: Read Request or Response, RTR frame */
};

struct iw_tx_state {
	uint32_t
		staged; /* place in the stream behind what is staged; low bits, like the next two */
	uint32_t sent;  /* ... behind what was handed to TCP */
	uint32_t msg_start;      /* ... where the oldest message begins that is not all sent */
	struct iw_piece *pieces; /* IW_TX_PIECES */
	uint32_t piece_head, piece_tail;
	uint32_t piece_off; /* bytes of the head piece that are sent */
	uint8_t *ring;      /* IW_TX_RING */
	uint32_t ring_head, ring_tail;
	struct iw_txmsg *msgs; /* IW_TX_MSGS */
	uint32_t msg_head, msg_tail;
	bool open;        /* a message is partly staged ... */
	bool open_irq;    /* ... and a Read Response, else of the send queue */
	uint32_t seg_off; /* ... with so many bytes */
	uint32_t sge;     /* ... up to this piece of its source */
	uint32_t sge_off; /* ... and so many bytes of it */
	uint32_t stride;  /* ... in FPDUs of so many stream bytes */
	bool irq_turn;    /* the next message is a Read Response if there is one */
	bool hold;        /* nothing may be sent yet */
	bool closed;      /* nothing will be staged any more */
	enum mpa_rtr rtr; /* RTR frame to be sent first */
	uint32_t msn_send, msn_read;
	uint8_t term[80];  /* encoded Terminate */
	uint32_t term_len; /* 0: none, or already staged */
};

struct iw_rx_state {
	uint8_t phase;
	bool seen;            /* the first FPDU has come */
	bool crc_done;        /* the segment's CRC has been checked already */
	bool swallow;         /* RTR frame: counts, but is delivered nowhere */
	uint8_t have;         /* bytes in @head, or in @tail */
	uint8_t tail_need;    /* bytes of pad and CRC */
	uint8_t head[20];     /* header that came in parts */
	uint8_t tail[8];      /* pad and CRC that came in parts */
	uint8_t ctl[64];      /* payload of a Read Request or Terminate */
	uint8_t ctl_head[20]; /* header of a Read Request */
	uint8_t op;           /* of the current segment */
	bool last;            /* it ends its message */
	bool mid_send;        /* a Send has begun and its last segment has not come */
	bool mid_write;       /* likewise a Write */
	uint8_t mid_op;       /* opcode of that Send */
	uint32_t left;        /* payload bytes of the segment still to come */
	uint32_t payload;     /* payload bytes of the segment */
	uint32_t crc;
	uint32_t inv_stag;
	uint32_t msn_send, msn_read;
	uint32_t mo; /* bytes of the current Send that have come */
	uint32_t write_stag;
	uint64_t write_to; /* where the open Write goes on */
	uint32_t slot;     /* region of the current Write segment */
	uint8_t *dst;      /* where the payload goes on ... */
	uint32_t dst_left; /* ... and the room there */
	uint32_t sge;      /* Read Response: the sink's piece behind the one @dst is in */
	int result;        /* what iw_rx() returns once the stream is over */
};

struct iw_qp {
	struct iw_qp_attr attr;
	struct iw_term term;
	bool error;

	uint8_t *sq; /* iw_sqe, sq_stride bytes apart */
	uint32_t sq_stride;
	uint32_t sq_mask;
	uint32_t sq_report;            /* oldest entry that has not been reported */
	uint32_t sq_tx;                /* next entry to stage */
	uint32_t sq_tail;              /* next free entry */
	bool sq_failed;                /* an entry failed: those behind it are flushed */
	enum iw_wc_status fail_status; /* ... with this */

	struct iw_rqe *rq;
	uint32_t rq_mask;
	uint32_t rq_report, rq_cur, rq_tail;

	uint32_t *orq; /* READs outstanding at the peer, by index of the entry */
	uint32_t orq_mask, orq_head, orq_tail;
	bool rtr_read;     /* the oldest outstanding one is the RTR frame's ... */
	uint32_t rtr_stag; /* ... with this sink */
	uint32_t sink_seq; /* makes transient STags */

	struct iw_irqe *irq; /* READs of the peer being served */
	uint32_t irq_mask, irq_head, irq_tail;

	struct iw_region *regions;
	uint32_t
		n_regions; /* slots that have ever been used; the others' memory has not been touched */
	uint32_t region_free, region_free_tail;

	struct iw_tx_state tx;
	struct iw_rx_state rx;
};

/**
 * iw_qp_mem_size() - bytes iw_qp_init() needs for @attr
 *
 * Return: bytes; 0 when @attr is out of range.
 */
size_t iw_qp_mem_size(const struct iw_qp_attr *attr);

/**
 * iw_qp_init() - make a queue pair that is ready to send and receive
 * @qp:   set up from nothing
 * @attr: copied
 * @mem:  at least iw_qp_mem_size() bytes, aligned like malloc() does; the queue pair's until its last use
 *
 * There is nothing to undo: a queue pair ends when its memory is taken away.
 *
 * Return: 0 or -EINVAL (attr out of range, mem too small or badly aligned).
 */
int iw_qp_init(struct iw_qp *qp, const struct iw_qp_attr *attr, void *mem, size_t mem_len);

/* Free places of the send queue. A place is free when its entry's completion has been polled. */
unsigned iw_sq_free(const struct iw_qp *qp);

/* Free places of the receive queue. */
unsigned iw_rq_free(const struct iw_qp *qp);

/**
 * iw_post_send() - put one work request at the end of the send queue
 *
 * Executed and reported in the order of posting. A READ beyond attr.ord waits, and all behind it waits with
 * it; what was posted before it does not. In error the request is flushed.
 *
 * Return: 0; -ENOMEM: no free place; -EINVAL: too many pieces, 4 GiB or more in all, a READ with ord 0.
 */
int iw_post_send(struct iw_qp *qp, const struct iw_wr *wr);

/**
 * iw_post_recv() - put a buffer at the end of the receive queue
 *
 * Return: 0 or -ENOMEM: no free place. In error it is flushed.
 */
int iw_post_recv(struct iw_qp *qp, uint64_t wr_id, void *buf, uint32_t len);

/**
 * iw_rx_direct() - where the next bytes of the stream belong
 * @iov: filled with pieces for the rest of the current segment's payload, or its first @max pieces
 *
 * Valid until the next call on @qp.
 *
 * Return: number of pieces; 0 when the next bytes are no payload, or too few for direct placement.
 */
unsigned iw_rx_direct(struct iw_qp *qp, struct iovec *iov, unsigned max);

/**
 * iw_rx() - take the next bytes of the stream
 * @direct_len: so many bytes came first and were placed in the pieces of the last iw_rx_direct()
 * @p, @n:      the bytes behind them; used during the call only
 *
 * Takes everything, any number of FPDUs. All rules of RFC 5040/5041/5044 are checked. A header is judged
 * before a byte of its payload is placed, so a breach changes no memory, but: with CRC on, a corrupt
 * segment's payload may have been placed where its header said, and the receive of a Send whose STag
 * cannot be invalidated has been written (it is flushed),
 * and nothing of a segment is reported before its CRC has passed.
 *
 * Return: 0; IW_E_TERMINATE: the peer broke a rule, qp->term says which, iw_tx() yields the Terminate;
 * IW_E_PEER_TERMINATE. After these two the queue pair is in error, all flushed, and further bytes are
 * thrown away with the same answer. After iw_qp_error() bytes are thrown away and the answer is 0.
 */
int iw_rx(struct iw_qp *qp, size_t direct_len, const uint8_t *p, size_t n);

/* Is the queue pair in error? @qp->term says why if it was a Terminate of either side. */
static inline bool iw_qp_failed(const struct iw_qp *qp)
{
	return qp->error;
}

/* Has an FPDU of the peer come? For a responder: traffic may start (and an RTR frame is in). */
bool iw_rx_seen(const struct iw_qp *qp);

/* Is the received stream between two FPDUs? An end of the stream there is orderly, elsewhere a loss. */
bool iw_rx_at_boundary(const struct iw_qp *qp);

/**
 * iw_tx() - the next bytes for the stream
 * @iov:       filled with at most @max_iov pieces
 * @max_bytes: limit of their sum
 * @ret_bytes: their sum
 *
 * The pieces stay valid until iw_tx_done() covers them. A further call without iw_tx_done() starts with
 * the same bytes. In error only a Terminate comes, and only if the stream can be brought to the end of an
 * FPDU without touching the buffers of flushed work requests.
 *
 * Return: number of pieces; 0: nothing to send.
 */
unsigned iw_tx(struct iw_qp *qp, struct iovec *iov, unsigned max_iov, size_t max_bytes,
	       size_t *ret_bytes);

/**
 * iw_tx_done() - the first @n bytes of the last iw_tx() are in TCP
 *
 * @n may be any number up to what iw_tx() gave. SENDs and WRITEs that have gone out complete.
 */
void iw_tx_done(struct iw_qp *qp, size_t n);

/* Would iw_tx() give something? */
bool iw_tx_pending(const struct iw_qp *qp);

/* Is everything that was posted in TCP, READs answered included, and no Read Response owed? */
bool iw_sq_idle(const struct iw_qp *qp);

/**
 * iw_poll() - take completions
 * @wc: filled with at most @max
 *
 * Those of the send queue in its order, those of the receive queue in its order. Every posted receive and
 * every signaled, failed or flushed send-queue entry appears exactly once.
 *
 * Return: number of completions.
 */
unsigned iw_poll(struct iw_qp *qp, struct iw_wc *wc, unsigned max);

/**
 * iw_qp_error() - stop, flush everything in order
 * @first: status of the oldest unfinished send-queue entry: IW_WC_FLUSHED, or IW_WC_TRANSPORT when the
 *         connection broke. All others are IW_WC_FLUSHED.
 *
 * Idempotent. No Terminate is made; one that is already waiting may still be sent.
 */
void iw_qp_error(struct iw_qp *qp, enum iw_wc_status first);

/**
 * iw_qp_terminate() - end the connection with a Terminate of our own, flush everything in order
 *
 * Idempotent: the first error counts. Meant for failed negotiation (2,0,6 and 2,0,7) and shutdown.
 */
void iw_qp_terminate(struct iw_qp *qp, uint8_t layer, uint8_t type, uint8_t code);

/**
 * iw_term_text() - words for a Terminate's layer, type and code
 *
 * Return: static text; never NULL.
 */
const char *iw_term_text(const struct iw_term *t);

/**
 * iw_stag_add() - let the peer access [addr, addr + len)
 * @access:   enum iw_access, or'ed; nothing else is allowed to the peer
 * @ret_rkey: STag; its low byte differs from that of the slot's earlier uses
 * @ret_slot: for iw_stag_del()
 *
 * Offsets on the wire (TO) are addresses.
 *
 * Return: 0, -ENOSPC (no free slot) or -EINVAL (no access asked for, or the range wraps).
 */
int iw_stag_add(struct iw_qp *qp, void *addr, size_t len, unsigned access, uint32_t *ret_rkey,
		unsigned *ret_slot);

/**
 * iw_stag_del() - take the right away; the slot is free again
 *
 * From the return on the memory is not touched on behalf of the peer. If the peer's Write or Read of it is
 * half done, the queue pair goes to error with a Terminate.
 */
void iw_stag_del(struct iw_qp *qp, unsigned slot);
