/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Logical units: their description, checked once, and changes of their state. */
#include "scsi/lu.h"

#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "scsi/nexus.h"
#include "scsi/task.h"
#include "scsi/visit.h"

#define SPACE_SHIFT 20         /* resources of a thin unit are counted in MiB */
#define BLOCKS_MAX  UINT32_MAX /* where a limit is a 32-bit number of blocks on the wire */

/* Copy printable ASCII without spaces at its end; -EINVAL when it is longer or something else. */
static int copy_text(char *to, size_t max, const char *from)
{
	size_t len = strnlen(from, max + 1);

	if (len > max)
		return -EINVAL;
	for (size_t i = 0; i < len; i++)
		if (from[i] < 0x20 || from[i] > 0x7e)
			return -EINVAL;
	while (len && from[len - 1] == ' ')
		len--;
	memcpy(to, from, len);
	to[len] = 0;
	return 0;
}

static int set_identity(struct scsi_lu *lu, const struct scsi_lu_params *p)
{
	static const uint8_t none[16];

	if (copy_text(lu->vendor, 8, p->vendor ? p->vendor : "SRPTD") ||
	    copy_text(lu->product, 16, p->product ? p->product : "VIRTUAL-DISK") ||
	    copy_text(lu->revision, 4, p->revision ? p->revision : "0001") || !p->serial ||
	    copy_text(lu->serial, SCSI_SERIAL_MAX, p->serial) || !lu->serial[0])
		return -EINVAL;
	switch (p->naa[0] >> 4) {
	case 2:
	case 3:
	case 5:
		lu->naa_len = 8;
		break;
	case 6:
		lu->naa_len = 16;
		break;
	default:
		return -EINVAL;
	}
	memcpy(lu->naa, p->naa, lu->naa_len);
	return memcmp(p->naa + lu->naa_len, none, 16 - lu->naa_len) ? -EINVAL : 0;
}

static uint32_t blocks_of(const struct scsi_lu *lu, uint64_t bytes)
{
	return (uint32_t)min_u64(bytes >> lu->block_shift, BLOCKS_MAX);
}

static int set_geometry(struct scsi_lu *lu, const struct scsi_lu_params *p)
{
	uint32_t physical = p->physical_block_bytes ? p->physical_block_bytes : p->block_bytes;

	if (p->block_bytes < 512 || p->block_bytes > 4096 || p->block_bytes & (p->block_bytes - 1))
		return -EINVAL;
	lu->block_bytes = p->block_bytes;
	while (1u << lu->block_shift < p->block_bytes)
		lu->block_shift++;
	if (physical < p->block_bytes || physical > SCSI_PHYSICAL_MAX || physical & (physical - 1))
		return -EINVAL;
	while (p->block_bytes << lu->physical_exponent < physical)
		lu->physical_exponent++;
	if (p->lowest_aligned_bytes >= physical || p->lowest_aligned_bytes % p->block_bytes)
		return -EINVAL;
	lu->lowest_aligned = (uint16_t)(p->lowest_aligned_bytes >> lu->block_shift);
	/* so that a byte offset is never beyond a file offset */
	if (p->size_bytes > INT64_MAX)
		return -EINVAL;
	lu->n_blocks = p->size_bytes >> lu->block_shift;
	return lu->n_blocks ? 0 : -EINVAL;
}

static int set_limits(struct scsi_lu *lu, const struct scsi_lu_params *p)
{
	uint64_t unmap = p->max_unmap_bytes ? p->max_unmap_bytes : SCSI_UNMAP_MAX_BYTES;
	uint64_t same =
		p->max_write_same_bytes ? p->max_write_same_bytes : SCSI_WRITE_SAME_MAX_BYTES;

	if (p->max_transfer_bytes && p->max_transfer_bytes < p->block_bytes)
		return -EINVAL;
	lu->max_transfer_blocks = blocks_of(lu, p->max_transfer_bytes);
	if (same < p->block_bytes)
		return -EINVAL;
	lu->max_write_same_blocks = blocks_of(lu, same);
	lu->max_caw_blocks = min_u32(SCSI_CAW_BLOCKS, blocks_of(lu, SCSI_CAW_BYTES));
	lu->max_atomic_blocks = blocks_of(lu, min_u32(p->atomic_bytes, SCSI_ATOMIC_BYTES));
	if (lu->max_transfer_blocks)
		lu->max_atomic_blocks = min_u32(lu->max_atomic_blocks, lu->max_transfer_blocks);
	if (!p->unmap_grain_bytes)
		return 0;
	if (unmap < p->block_bytes)
		return -EINVAL;
	lu->max_unmap_blocks = blocks_of(lu, unmap);
	/* a store with a finer grain than a block can drop any block */
	lu->unmap_grain_blocks = blocks_of(lu, p->unmap_grain_bytes);
	if (!lu->unmap_grain_blocks)
		lu->unmap_grain_blocks = 1;
	return 0;
}

/* What is configured is a part of the size; rather a little early than late. */
static uint32_t configured_sets(const struct scsi_lu *lu)
{
	uint64_t size = lu->n_blocks << lu->block_shift;
	uint64_t low = size / 100 * lu->soft_threshold_percent;

	return (uint32_t)min_u64((low + (1u << SPACE_SHIFT) - 1) >> SPACE_SHIFT, UINT32_MAX);
}

/* What the mode pages say until somebody selects otherwise. */
static int set_modes(struct scsi_lu *lu, const struct scsi_lu_params *p)
{
	if (p->tst > 1 || p->qerr == 2 || p->qerr > 3 || p->ua_intlck == 1 || p->ua_intlck > 3)
		return -EINVAL;
	lu->mode_default = (struct scsi_mode){ .tst = p->tst,
					       .reorder = 1,
					       .qerr = p->qerr,
					       .ua_intlck = p->ua_intlck,
					       .tas = p->tas,
					       .swp = p->swp,
					       .d_sense = p->descriptor_sense,
					       .wce = p->write_cache,
					       .threshold = lu->soft_threshold_percent,
					       .threshold_sets = configured_sets(lu) };
	lu->mode_saved = lu->mode_default;
	(void)scsi_lu_set_mode(lu, &lu->mode_default);
	return 0;
}

int scsi_lu_init(struct scsi_lu *lu, const struct scsi_lu_params *p)
{
	memset(lu, 0, sizeof(*lu));
	list_init(&lu->nexuses);
	list_init(&lu->alua_node);
	scsi_order_init(lu);
	if (set_identity(lu, p) || set_geometry(lu, p) || set_limits(lu, p))
		return -EINVAL;
	if (p->soft_threshold_percent > 99)
		return -EINVAL;
	lu->soft_threshold_percent = p->soft_threshold_percent;
	lu->read_only = p->read_only;
	lu->write_cache = p->write_cache;
	lu->write_through = p->write_through;
	lu->rotational = p->rotational;
	lu->removable = p->removable;
	lu->ports = p->ports;
	lu->keeps = p->keeps;
	lu->remote = p->remote;
	return set_modes(lu, p);
}

void scsi_lu_deinit(struct scsi_lu *lu)
{
	check(list_empty(&lu->nexuses));
	check(!lu->order.set.n && !lu->order.orphans.n);
	(void)scsi_lu_set_alua(lu, NULL, false);
	scsi_visit_deinit(lu);
}

/* A threshold that nobody has set otherwise follows the size. */
static void follow_size(struct scsi_lu *lu)
{
	uint32_t was = lu->mode_default.threshold_sets;
	uint32_t sets = configured_sets(lu);

	lu->mode_default.threshold_sets = sets;
	if (lu->mode_saved.threshold_sets == was)
		lu->mode_saved.threshold_sets = sets;
	if (lu->mode.threshold_sets == was)
		lu->mode.threshold_sets = sets;
}

bool scsi_lu_set_size(struct scsi_lu *lu, uint64_t size_bytes)
{
	uint64_t n_blocks = min_u64(size_bytes, INT64_MAX) >> lu->block_shift;

	if (!n_blocks || n_blocks == lu->n_blocks)
		return false;
	lu->n_blocks = n_blocks;
	tokens_cut(lu, n_blocks);
	follow_size(lu);
	scsi_lu_ua(lu, SCSI_UA_CAPACITY_CHANGED, NULL);
	return true;
}

unsigned scsi_lu_threshold_exponent(const struct scsi_lu *lu)
{
	return lu->space_known ? SPACE_SHIFT - lu->block_shift : 0;
}

uint64_t scsi_lu_threshold_bytes(const struct scsi_lu *lu)
{
	bool counts = lu->space_known && lu->mode.threshold;

	return counts ? (uint64_t)lu->mode.threshold_sets << SPACE_SHIFT : 0;
}

bool scsi_lu_set_space(struct scsi_lu *lu, const struct scsi_space *space)
{
	uint64_t low;

	if (!lu->max_unmap_blocks) /* what it has it keeps */
		return false;
	lu->space_known = true;
	lu->space = *space;
	low = scsi_lu_threshold_bytes(lu);
	if (!low || space->available_bytes > low) {
		if (space->available_bytes > low + low / 8)
			lu->space_low = false;
		return false;
	}
	if (lu->space_low)
		return false;
	lu->space_low = true;
	scsi_lu_ua(lu, SCSI_UA_SOFT_THRESHOLD, NULL);
	return true;
}

bool scsi_lu_set_present(struct scsi_lu *lu, bool present)
{
	if (lu->gone == !present)
		return false;
	lu->gone = !present;
	tokens_cut(lu, 0); /* whatever is there when it comes back */
	return true;
}

bool scsi_lu_set_fenced(struct scsi_lu *lu, bool fenced)
{
	if (lu->fenced == fenced)
		return false;
	lu->fenced = fenced;
	tokens_cut(lu, 0);
	return true;
}

static bool mode_equal(const struct scsi_mode *a, const struct scsi_mode *b)
{
	return a->tst == b->tst && a->reorder == b->reorder && a->qerr == b->qerr &&
	       a->ua_intlck == b->ua_intlck && a->tas == b->tas && a->swp == b->swp &&
	       a->d_sense == b->d_sense && a->wce == b->wce && a->threshold == b->threshold &&
	       a->threshold_sets == b->threshold_sets;
}

bool scsi_lu_set_mode(struct scsi_lu *lu, const struct scsi_mode *mode)
{
	bool tst = lu->mode.tst != mode->tst;

	if (mode_equal(&lu->mode, mode))
		return false;
	/* A new threshold is one that nobody was told of. */
	if (lu->mode.threshold != mode->threshold ||
	    lu->mode.threshold_sets != mode->threshold_sets)
		lu->space_low = false;
	lu->mode = *mode;
	/* Three of them need to know every command, or how every command ends. */
	scsi_order_mode(lu, !mode->reorder || mode->qerr || mode->ua_intlck == SCSI_UA_INTLCK_NOTE,
			tst);
	return true;
}

void scsi_selftest_note(struct scsi_lu *lu, unsigned code, enum scsi_selftest_result result,
			uint64_t lba)
{
	lu->selftest[lu->n_selftests++ % SCSI_SELFTEST_MAX] = (struct scsi_selftest){
		.code = (uint8_t)code, .result = (uint8_t)result, .lba = lba
	};
}
