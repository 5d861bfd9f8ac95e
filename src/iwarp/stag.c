/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The memory regions of a queue pair: the only memory a peer can reach without a posted work request. */
#include <errno.h>

#include "iwarp/qp_i.h"

#define NO_SLOT  UINT32_MAX
#define KEY_MASK 0xffu

static uint32_t slot_rkey(const struct iw_qp *qp, uint32_t slot, uint32_t key)
{
	return ((slot ^ qp->attr.stag_seed) & STAG_INDEX_MASK) << 8 | (key & KEY_MASK);
}

void stag_init(struct iw_qp *qp)
{
	qp->region_free = NO_SLOT;
	qp->region_free_tail = NO_SLOT;
}

/* Slots that were never used come first: the memory of those that never are is not touched. */
static uint32_t slot_take(struct iw_qp *qp)
{
	uint32_t slot = qp->region_free;

	if (qp->n_regions < qp->attr.n_stags) {
		slot = qp->n_regions++;
		qp->regions[slot] = (struct iw_region){ .rkey = slot_rkey(qp, slot, 0) };
	} else if (slot != NO_SLOT) {
		qp->region_free = qp->regions[slot].next;
		if (qp->region_free == NO_SLOT)
			qp->region_free_tail = NO_SLOT;
	}
	return slot;
}

int iw_stag_add(struct iw_qp *qp, void *addr, size_t len, unsigned access, uint32_t *ret_rkey,
		unsigned *ret_slot)
{
	const unsigned all = IW_ACCESS_REMOTE_READ | IW_ACCESS_REMOTE_WRITE;
	struct iw_region *r;
	uint32_t slot;

	if (!access || access & ~all || len > UINTPTR_MAX - (uintptr_t)addr)
		return -EINVAL;
	slot = slot_take(qp);
	if (slot == NO_SLOT)
		return -ENOSPC;
	r = &qp->regions[slot];
	/* Another key each time: what the peer remembers of the slot's last use is void. */
	r->rkey = slot_rkey(qp, slot, r->rkey + 1);
	r->addr = addr;
	r->len = len;
	r->access = (uint8_t)access;
	r->used = true;
	r->valid = true;
	*ret_rkey = r->rkey;
	*ret_slot = slot;
	return 0;
}

/* The region whose STag is @stag, valid or not; NULL when there is none. */
static struct iw_region *region_of(const struct iw_qp *qp, uint32_t stag)
{
	uint32_t slot = (stag >> 8 ^ qp->attr.stag_seed) & STAG_INDEX_MASK;
	struct iw_region *r;

	if (slot >= qp->n_regions)
		return NULL;
	r = &qp->regions[slot];
	return r->used && r->rkey == stag ? r : NULL;
}

int stag_find(const struct iw_qp *qp, uint32_t stag, unsigned access, uint64_t to, uint32_t len,
	      uint32_t *ret_slot)
{
	struct iw_region *r = region_of(qp, stag);
	uint64_t base;

	if (!r || !r->valid)
		return 1 + TERM_PROT_STAG;
	if (!(r->access & access))
		return 1 + TERM_PROT_ACCESS;
	if (to > UINT64_MAX - len)
		return 1 + TERM_PROT_WRAP;
	base = (uintptr_t)r->addr;
	if (to < base || to - base > r->len || len > r->len - (to - base))
		return 1 + TERM_PROT_BOUNDS;
	*ret_slot = (uint32_t)(r - qp->regions);
	return 0;
}

/* Is a Read of the peer from @slot not all in TCP yet? */
static bool region_being_read(const struct iw_qp *qp, uint32_t slot)
{
	for (uint32_t i = qp->irq_head; i != qp->irq_tail; i++) {
		const struct iw_irqe *e = &qp->irq[i & qp->irq_mask];

		if (e->len && e->slot == slot)
			return true;
	}
	for (uint32_t i = qp->tx.piece_head; i != qp->tx.piece_tail; i++)
		if (qp->tx.pieces[i % IW_TX_PIECES].ring_end == (PIECE_REGION | slot))
			return true;
	return false;
}

/* Is a segment of a Write to @slot half placed? */
static bool region_being_written(const struct iw_qp *qp, uint32_t slot)
{
	const struct iw_rx_state *rx = &qp->rx;

	return (rx->phase == RX_PAYLOAD || rx->phase == RX_TAIL) && rx->op == RDMAP_WRITE &&
	       rx->payload && rx->slot == slot;
}

/* @slot's memory is not the peer's any more: neither a message begun earlier may go on. */
static void region_revoke(struct iw_qp *qp, uint32_t slot)
{
	if (qp->error)
		return;
	if (region_being_written(qp, slot))
		qp_fail(qp, TERM(TERM_DDP, TERM_TAGGED, TERM_TAG_STAG), NULL, NULL);
	else if (region_being_read(qp, slot))
		qp_fail(qp, TERM(TERM_RDMAP, TERM_PROTECTION, TERM_PROT_STAG), NULL, NULL);
}

bool stag_invalidate(struct iw_qp *qp, uint32_t stag)
{
	struct iw_region *r = region_of(qp, stag);

	if (!r)
		return false;
	r->valid = false;
	region_revoke(qp, (uint32_t)(r - qp->regions));
	return true;
}

void iw_stag_del(struct iw_qp *qp, unsigned slot)
{
	struct iw_region *r;

	check(slot < qp->n_regions && qp->regions[slot].used);
	r = &qp->regions[slot];
	region_revoke(qp, slot);
	r->used = false;
	r->valid = false;
	r->next = NO_SLOT;
	/* At the end of the queue, so that a key byte comes round as late as it can. */
	if (qp->region_free == NO_SLOT)
		qp->region_free = slot;
	else
		qp->regions[qp->region_free_tail].next = slot;
	qp->region_free_tail = slot;
}
