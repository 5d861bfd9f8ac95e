/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * ROD tokens (SPC-5 5.17.6): what a unit has promised to hand out of its blocks as they were when the token was made. It
 * keeps no copy of them, so the promise ends when one of the blocks is about to change ("point in time copy, change
 * vulnerable"). While there are such promises the views send every command that writes home, where each is looked at;
 * else nothing is different. Home worker.
 */
#pragma once

#include "base/util.h"

#define SCSI_TOKEN_BYTES        512u /* on the wire */
#define SCSI_TOKEN_RANDOM_BYTES 256u /* of these nobody can guess */
#define SCSI_TOKENS \
	32u /* that a unit remembers; of more the one that was used least recently is forgotten */
#define SCSI_TOKEN_RANGES        32u
#define SCSI_TOKEN_MAX_BYTES     (256ull << 20) /* that one represents */
#define SCSI_TOKEN_OPTIMAL_BYTES (64ull << 20)
/* Seconds without a use after which a token is worth nothing. */
#define SCSI_TOKEN_TIMEOUT_S     30u
#define SCSI_TOKEN_TIMEOUT_MAX_S 300u

struct scsi_lu;
struct scsi_nexus;
struct scsi_itl;
struct scsi_port;

/* ROD types. Point in time copies: */
#define SCSI_ROD_COPY_DEFAULT    0x00800000u
#define SCSI_ROD_COPY_VULNERABLE 0x00800001u
#define SCSI_ROD_COPY_ANY        0x0080ffffu
#define SCSI_ROD_ZEROES          0xffff0001u /* block device zero */

enum scsi_token_state {
	SCSI_TOKEN_NONE,
	SCSI_TOKEN_VALID,
	/* remembered for who asks why it is not: */
	SCSI_TOKEN_EXPIRED,
	SCSI_TOKEN_CANCELLED, /* what it represents has changed */
	SCSI_TOKEN_DELETED,   /* its user has asked for it */
};

struct scsi_token_range {
	uint64_t lba;
	uint64_t n_blocks;
};

struct scsi_token {
	uint64_t id;
	uint64_t seq;     /* of its last use */
	uint64_t used_ns; /* its time */
	uint32_t timeout_s;
	uint32_t type; /* SCSI_ROD_COPY_DEFAULT or _VULNERABLE */
	uint8_t state; /* enum scsi_token_state */
	uint8_t n_ranges;
	uint8_t port_type; /* designator of the target port that made it */
	uint8_t port_len;
	uint8_t port[16];
	uint8_t random[SCSI_TOKEN_RANDOM_BYTES];
	struct scsi_token_range range[SCSI_TOKEN_RANGES];
};

/* Of a unit. */
struct scsi_tokens {
	uint64_t now_ns;
	uint64_t last_id;
	uint64_t seq;
	unsigned n_valid;
	uint8_t fresh[SCSI_TOKEN_RANDOM_BYTES]; /* what TOKEN brings */
	struct scsi_token token[SCSI_TOKENS];
};

/**
 * scsi_tokens_age() - it is @now_ns now
 * @now_ns: of a clock that never goes back
 *
 * Call it about once a second while a unit has valid tokens, and before TOKEN is answered; afterwards ask scsi_lu_next().
 * Context: home worker.
 */
void scsi_tokens_age(struct scsi_lu *lu, uint64_t now_ns);

/* --- for the files of this folder --- */

/**
 * token_new() - @lu promises these blocks
 * @type:      of point in time copies
 * @timeout_s: 1 to SCSI_TOKEN_TIMEOUT_MAX_S
 * @r, @n:     up to SCSI_TOKEN_RANGES, in the unit; no block twice
 * @port:      through which that was asked for
 *
 * With lu->tokens.fresh, which is not used again. Nothing of the unit may be under way that changes it.
 */
const struct scsi_token *token_new(struct scsi_lu *lu, uint32_t type, uint32_t timeout_s,
				   const struct scsi_token_range *r, unsigned n,
				   const struct scsi_port *port);
/* The token with this id, valid or not; NULL: it is forgotten. */
const struct scsi_token *token_by_id(const struct scsi_lu *lu, uint64_t id);
/* Write its SCSI_TOKEN_BYTES. */
void token_put(const struct scsi_lu *lu, const struct scsi_token *k, uint8_t *out);

/**
 * token_find() - whose token is that?
 * @n:         who has it: only tokens of units that are in its LUN map are there
 * @bytes:     SCSI_TOKEN_BYTES
 * @ret_itl:   the unit, where @n has it
 * @ret_token: valid
 *
 * Return: 0, or the additional sense code of why it is none.
 */
unsigned token_find(struct scsi_nexus *n, const uint8_t *bytes, struct scsi_itl **ret_itl,
		    struct scsi_token **ret_token);
/* It is being used now. */
void token_used(struct scsi_lu *lu, struct scsi_token *k);
/* The token is valid no more; nothing when it was not. */
void token_end(struct scsi_lu *lu, struct scsi_token *k, enum scsi_token_state why);

/* Bytes of the medium are about to change: tokens that represent some are cancelled. */
void tokens_written(struct scsi_lu *lu, uint64_t off_bytes, uint64_t len_bytes);
/* Blocks from @n_blocks on are there no more; 0: nothing is as it was. */
void tokens_cut(struct scsi_lu *lu, uint64_t n_blocks);

/* Blocks of all ranges. */
uint64_t token_blocks(const struct scsi_token_range *r, unsigned n);
/**
 * token_place() - where is byte @at of these ranges?
 * @shift:   log2 of the bytes of a block
 * @ret_off: set with a result
 *
 * Return: how many bytes are in one piece there; 0: it is behind their end.
 */
uint64_t token_place(const struct scsi_token_range *r, unsigned n, unsigned shift, uint64_t at,
		     uint64_t *ret_off);
