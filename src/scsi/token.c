/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "scsi/token.h"

#include "base/check.h"
#include "base/cur.h"
#include "scsi/nexus.h"
#include "scsi/spc_copy.h"
#include "wire/sense.h"

#define TOKEN_LENGTH_AT 6
#define TOKEN_LENGTH    (SCSI_TOKEN_BYTES - 8)
#define TOKEN_ID_AT     8
#define TARGET_BYTES    128u /* of the descriptor of the target device */

/* --- coming and going --- */

void token_end(struct scsi_lu *lu, struct scsi_token *k, enum scsi_token_state why)
{
	if (k->state != SCSI_TOKEN_VALID)
		return;
	k->state = (uint8_t)why;
	check(lu->tokens.n_valid > 0);
	if (--lu->tokens.n_valid == 0)
		lu->order.publish = true; /* commands that write may stay where they come */
}

void token_used(struct scsi_lu *lu, struct scsi_token *k)
{
	k->seq = ++lu->tokens.seq;
	/* what time it was is looked at once a second */
	k->used_ns = lu->tokens.now_ns + NSEC_PER_SEC;
}

/* A place for one more: a free one, one that is valid no more, or else that of the one that was used least recently. */
static struct scsi_token *token_take(struct scsi_lu *lu)
{
	struct scsi_token *best = lu->tokens.token;

	for (unsigned i = 1; i < SCSI_TOKENS; i++) {
		struct scsi_token *k = &lu->tokens.token[i];
		bool better = k->state != SCSI_TOKEN_VALID;

		if (better == (best->state != SCSI_TOKEN_VALID))
			better = k->seq < best->seq;
		if (better)
			best = k;
	}
	token_end(lu, best, SCSI_TOKEN_CANCELLED);
	return best;
}

const struct scsi_token *token_new(struct scsi_lu *lu, uint32_t type, uint32_t timeout_s,
				   const struct scsi_token_range *r, unsigned n,
				   const struct scsi_port *port)
{
	struct scsi_tokens *all = &lu->tokens;
	struct scsi_token *k = token_take(lu);

	check(n <= SCSI_TOKEN_RANGES && port->name_len <= sizeof(k->port));
	if (!all->last_id) /* those from before a restart are not taken for new ones */
		all->last_id = get_be64(all->fresh);
	*k = (struct scsi_token){ .id = ++all->last_id,
				  .timeout_s = timeout_s,
				  .type = type,
				  .state = SCSI_TOKEN_VALID,
				  .n_ranges = (uint8_t)n,
				  .port_type = port->designator_type,
				  .port_len = port->name_len };
	memcpy(k->port, port->name, port->name_len);
	memcpy(k->random, all->fresh, sizeof(k->random));
	memset(all->fresh, 0, sizeof(all->fresh));
	memcpy(k->range, r, n * sizeof(*r));
	k->seq = ++all->seq;
	k->used_ns = all->now_ns;
	all->n_valid++;
	return k;
}

void scsi_tokens_age(struct scsi_lu *lu, uint64_t now_ns)
{
	lu->tokens.now_ns = now_ns;
	for (unsigned i = 0; lu->tokens.n_valid && i < SCSI_TOKENS; i++) {
		struct scsi_token *k = &lu->tokens.token[i];

		if (now_ns >= k->used_ns + k->timeout_s * NSEC_PER_SEC)
			token_end(lu, k, SCSI_TOKEN_EXPIRED);
	}
}

/* --- what becomes of the blocks --- */

static bool token_has(const struct scsi_token *k, uint64_t lba, uint64_t n_blocks)
{
	for (unsigned i = 0; i < k->n_ranges; i++) {
		const struct scsi_token_range *r = &k->range[i];

		if (lba < r->lba + r->n_blocks && r->lba < lba + n_blocks)
			return true;
	}
	return false;
}

static void tokens_changed(struct scsi_lu *lu, uint64_t lba, uint64_t n_blocks)
{
	for (unsigned i = 0; lu->tokens.n_valid && i < SCSI_TOKENS; i++) {
		struct scsi_token *k = &lu->tokens.token[i];

		if (k->state == SCSI_TOKEN_VALID && token_has(k, lba, n_blocks))
			token_end(lu, k, SCSI_TOKEN_CANCELLED);
	}
}

void tokens_written(struct scsi_lu *lu, uint64_t off_bytes, uint64_t len_bytes)
{
	tokens_changed(lu, off_bytes >> lu->block_shift, len_bytes >> lu->block_shift);
}

void tokens_cut(struct scsi_lu *lu, uint64_t n_blocks)
{
	/* blocks are counted in 55 bits, so this does not wrap */
	tokens_changed(lu, n_blocks, UINT64_MAX >> 1);
}

/* --- on the wire --- */

void token_put(const struct scsi_lu *lu, const struct scsi_token *k, uint8_t *out)
{
	struct pen p = pen_of(out, SCSI_TOKEN_BYTES);

	pen_be32(&p, k->type);
	pen_be16(&p, 0);
	pen_be16(&p, TOKEN_LENGTH);
	pen_be64(&p, k->id);
	copy_target_put(&p, lu);
	pen_be64(&p, 0);
	pen_be64(&p, token_blocks(k->range, k->n_ranges) << lu->block_shift);
	pen_zero(&p, 32);
	/* of the device type: the blocks, as READ CAPACITY(16) describes them */
	pen_be32(&p, lu->block_bytes);
	pen_u8(&p, 0);
	pen_u8(&p, lu->physical_exponent);
	pen_be16(&p, lu->max_unmap_blocks ? 0xc000 : 0); /* LBPME, LBPRZ */
	pen_zero(&p, 24);
	/* the target device, by the name of its port */
	pen_u8(&p, 1); /* binary */
	pen_u8(&p, 0x20 | k->port_type);
	pen_u8(&p, 0);
	pen_u8(&p, k->port_len);
	pen_copy(&p, k->port, sizeof(k->port));
	pen_zero(&p, TARGET_BYTES - 4 - sizeof(k->port));
	pen_copy(&p, k->random, sizeof(k->random));
	check(!p.bad && p.pos == SCSI_TOKEN_BYTES);
}

const struct scsi_token *token_by_id(const struct scsi_lu *lu, uint64_t id)
{
	for (unsigned i = 0; i < SCSI_TOKENS; i++) {
		const struct scsi_token *k = &lu->tokens.token[i];

		if (k->state != SCSI_TOKEN_NONE && k->id == id)
			return k;
	}
	return NULL;
}

/* How long that takes says nothing about how much of it is right. */
static bool token_is(const struct scsi_lu *lu, const struct scsi_token *k, const uint8_t *bytes)
{
	uint8_t want[SCSI_TOKEN_BYTES];
	uint8_t differ = 0;

	token_put(lu, k, want);
	for (unsigned i = 0; i < SCSI_TOKEN_BYTES; i++)
		differ |= want[i] ^ bytes[i];
	return !differ;
}

static unsigned token_refused(const struct scsi_token *k)
{
	switch ((enum scsi_token_state)k->state) {
	case SCSI_TOKEN_VALID:
		return 0;
	case SCSI_TOKEN_EXPIRED:
		return ASC_TOKEN_EXPIRED;
	case SCSI_TOKEN_CANCELLED:
		return ASC_TOKEN_CANCELLED;
	case SCSI_TOKEN_DELETED:
		return ASC_TOKEN_DELETED;
	case SCSI_TOKEN_NONE:
		break;
	}
	return ASC_TOKEN_UNKNOWN;
}

unsigned token_find(struct scsi_nexus *n, const uint8_t *bytes, struct scsi_itl **ret_itl,
		    struct scsi_token **ret_token)
{
	uint32_t type = get_be32(bytes);
	uint64_t id = get_be64(bytes + TOKEN_ID_AT);

	if (get_be16(bytes + TOKEN_LENGTH_AT) != TOKEN_LENGTH)
		return ASC_TOKEN_LENGTH;
	if (type != SCSI_ROD_COPY_DEFAULT && type != SCSI_ROD_COPY_VULNERABLE)
		return ASC_TOKEN_TYPE;
	for (unsigned i = 0; i < SCSI_LUN_COUNT; i++) {
		struct scsi_lu *lu = n->lun[i].lu;
		const struct scsi_token *k = lu ? token_by_id(lu, id) : NULL;

		if (!k || !token_is(lu, k, bytes))
			continue;
		*ret_itl = &n->lun[i];
		*ret_token = &lu->tokens.token[k - lu->tokens.token];
		return token_refused(k);
	}
	return ASC_TOKEN_UNKNOWN;
}

/* --- ranges --- */

uint64_t token_blocks(const struct scsi_token_range *r, unsigned n)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < n; i++)
		sum += r[i].n_blocks;
	return sum;
}

uint64_t token_place(const struct scsi_token_range *r, unsigned n, unsigned shift, uint64_t at,
		     uint64_t *ret_off)
{
	for (unsigned i = 0; i < n; i++) {
		uint64_t len = r[i].n_blocks << shift;

		if (at < len) {
			*ret_off = (r[i].lba << shift) + at;
			return len - at;
		}
		at -= len;
	}
	return 0;
}
