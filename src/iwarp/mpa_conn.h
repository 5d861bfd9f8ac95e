/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What the two sides of an MPA handshake agree on (RFC 5044 7.1, RFC 6581 4). Pure decisions: a decoded
 * frame in, the frame to send and the agreed parameters out.
 *
 * Responder: frame decoded -> iw_mpa_responder() -> iw_mpa_accept_frame() or iw_mpa_reject_frame().
 * Initiator: iw_mpa_request_frame() -> sent, reply decoded -> iw_mpa_initiator().
 */
#pragma once

#include "wire/mpa.h"

/* What one side offers. */
struct iw_mpa_cfg {
	bool crc;     /* ask for CRCs; without it they are used when the peer asks */
	uint16_t ird; /* RDMA Reads of the peer we can serve at once */
	uint16_t ord; /* RDMA Reads we want to have outstanding */
	uint8_t rev;  /* initiator only: revision to ask for, 1 or 2 */
	/* Initiator only: BIT(enum mpa_rtr) of the RTR kinds to offer; 0: no peer-to-peer mode. */
	unsigned rtr_kinds;
};

/* What was agreed. The queue pair is made from it. */
struct iw_mpa_agreed {
	bool crc;
	uint16_t ird;
	uint16_t ord;
	enum mpa_rtr rtr; /* the initiator's first frame; MPA_RTR_NONE: any FPDU */
};

enum iw_mpa_error {
	IW_MPA_E_MARKERS =
		1,         /* the peer insists on markers. Responder: answer with a reject frame */
	IW_MPA_E_REVISION, /* initiator: the reply's revision or MPA_S does not fit the request */
	IW_MPA_E_REJECTED, /* initiator: the peer refused; its private data says why */
	IW_MPA_E_IRD,      /* initiator: the peer wants more Reads than we serve; Terminate 2,0,6 */
	IW_MPA_E_RTR, /* no RTR kind in common. Responder: reject. Initiator: Terminate 2,0,7 */
};

/**
 * iw_mpa_responder() - judge a request
 * @cfg: what we offer; cfg->ord is the most we want, cfg->ird what we serve
 * @req: decoded request
 * @ret: set on success; ret->ord is what we may have outstanding at most
 *
 * The ORD is lowered to the requester's IRD; without enhanced words (or with "no negotiation") our own
 * limits hold. Of several offered RTR kinds Write is preferred, then Read, then Send.
 *
 * Return: 0, IW_MPA_E_MARKERS or IW_MPA_E_RTR.
 */
int iw_mpa_responder(const struct iw_mpa_cfg *cfg, const struct mpa_frame *req,
		     struct iw_mpa_agreed *ret);

/**
 * iw_mpa_accept_frame() - the reply that accepts @req
 * @agreed: result of iw_mpa_responder(); the caller may have lowered ord
 * @priv:   private data for the peer, borrowed by @ret
 *
 * Revision and MPA_S mirror the request.
 */
void iw_mpa_accept_frame(const struct mpa_frame *req, const struct iw_mpa_agreed *agreed,
			 const void *priv, size_t priv_len, struct mpa_frame *ret);

/**
 * iw_mpa_reject_frame() - the reply that refuses @req
 * @req:  NULL when the request could not be decoded (its revision is newer than ours): the frame
 *        then says the newest revision we speak
 * @priv: private data for the peer, borrowed by @ret
 */
void iw_mpa_reject_frame(const struct mpa_frame *req, const void *priv, size_t priv_len,
			 struct mpa_frame *ret);

/**
 * iw_mpa_request_frame() - the frame an initiator opens with
 * @priv: private data for the peer, borrowed by @ret
 */
void iw_mpa_request_frame(const struct iw_mpa_cfg *cfg, const void *priv, size_t priv_len,
			  struct mpa_frame *ret);

/**
 * iw_mpa_initiator() - judge the reply to our request
 * @cfg:   as given to iw_mpa_request_frame()
 * @reply: decoded reply
 * @ret:   set on success
 *
 * Return: 0 or one of enum iw_mpa_error.
 */
int iw_mpa_initiator(const struct iw_mpa_cfg *cfg, const struct mpa_frame *reply,
		     struct iw_mpa_agreed *ret);
