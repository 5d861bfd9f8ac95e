/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Block commands on a medium in memory: data, ranges, residuals, pieces, and every error of a store. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scsi/testrig.h"

#include <errno.h>
#include <string.h>

#define BLOCK(lba) ((size_t)(lba)*512) /* its place on the first disk */

static struct rig *r;

static int setup(void **state)
{
	(void)state;
	r = rig_new_filled();
	memset(r->out, 0x5a, sizeof(r->out));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rig_free(r);
	return 0;
}

static uint8_t rw(uint8_t opcode, uint8_t flags, uint64_t lba, uint32_t n, uint64_t in,
		  uint64_t out)
{
	return rig_rw(rig_from(r, 0), opcode, flags, (struct cdb_range){ lba, n }, in, out);
}

static void read_write(void **state)
{
	static const uint8_t reads[] = { 0x08, 0x28, 0xa8, 0x88 };

	(void)state;
	for (size_t i = 0; i < sizeof(reads); i++) {
		uint64_t at = (uint64_t)(10 + i) * 512;

		assert_int_equal(rw(reads[i], 0, 10 + i, 3, 1536, 0), 0);
		assert_int_equal(r->route, SCSI_ROUTE_LOCAL);
		assert_int_equal(r->n_acts, 1);
		assert_int_equal(r->acts[0].off_bytes, at);
		assert_memory_equal(r->in, r->disk[0] + at, 1536);
		assert_int_equal(r->t.in_resid, 0);
		assert_int_equal(rw(reads[i] + 2, 0, 10 + i, 3, 0, 1536), 0);
		assert_memory_equal(r->disk[0] + at, r->out, 1536);
		assert_int_equal(r->t.out_resid, 0);
		assert_false(r->acts[0].fua);
	}
	/* READ(6) of 0 blocks means 256; of the others, nothing */
	assert_int_equal(rw(0x08, 0, 0, 0, BLOCK(256), 0), 0);
	assert_int_equal(r->moved, 256 * 512);
	assert_int_equal(rw(0x28, 0, 0, 0, 512, 0), 0);
	assert_int_equal(r->n_acts, 0);
	assert_int_equal(r->t.in_resid, -512);
}

static void force_unit_access(void **state)
{
	static const uint8_t writes[] = { 0x2a, 0xaa, 0x8a };

	(void)state;
	for (size_t i = 0; i < sizeof(writes); i++) {
		assert_int_equal(rw(writes[i], CDB_FUA | CDB_DPO, 0, 1, 0, 512), 0);
		assert_true(r->acts[0].fua);
		assert_int_equal(rw(writes[i], CDB_DPO, 0, 1, 0, 512), 0);
		assert_false(r->acts[0].fua);
	}
	/* bits 3 and 4 of byte 1 belong to the LBA of the 6-byte commands */
	assert_int_equal(rw(0x0a, 0, 0x7ff, 1, 0, 512), 0);
	assert_false(r->acts[0].fua);
	/* READ: what the write cache holds goes to the medium first */
	assert_int_equal(rw(0x28, CDB_FUA, 5, 2, 1024, 0), 0);
	assert_int_equal(r->n_acts, 2);
	assert_int_equal(r->acts[0].type, SCSI_ACT_FLUSH);
	assert_int_equal(r->acts[1].type, SCSI_ACT_READ);
	assert_memory_equal(r->in, r->disk[0] + 2560, 1024);
	/* without a write cache there is nothing to flush */
	assert_int_equal(
		rig_run(rig_from(r, 0), rig_lun1, CDB(0x28, 0x08, 0, 0, 0, 0, 0, 0, 1, 0), 4096, 0),
		0);
	assert_int_equal(r->n_acts, 1);
}

static void ranges(void **state)
{
	static const uint8_t op16[] = { 0x88, 0x8a, 0x8f, 0x91, 0x93 };
	static const struct {
		uint64_t lba;
		uint32_t n;
		bool bad;
	} v[] = {
		{ RIG_BLOCKS - 1, 1, false }, { RIG_BLOCKS - 1, 2, true },
		{ RIG_BLOCKS, 1, true },      { RIG_BLOCKS + 1, 1, true },
		{ UINT64_MAX, 1, true },      { UINT64_MAX, UINT16_MAX, true },
		{ UINT64_MAX - 7, 8, true },  { 1ull << 63, 1, true },
		{ 1ull << 55, 1, true }, /* times 512 is 0 in 64 bits */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(op16); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(v); k++) {
			uint8_t status = rw(op16[i], 0, v[k].lba, v[k].n, 1024, 1024);

			assert_int_equal(status, v[k].bad ? SCSI_STATUS_CHECK_CONDITION : 0);
			if (!v[k].bad)
				continue;
			rig_expect_sense(r, 5, 0x2100);
			assert_int_equal(r->n_acts, 0);
			assert_int_equal(r->t.in_resid, -1024);
			assert_int_equal(r->t.out_resid, -1024);
			if (v[k].lba <= UINT32_MAX)
				assert_int_equal(rig_sense(r).info, v[k].lba);
		}
	}
	/* an empty range may stand at the end but not behind it */
	assert_int_equal(rw(0x88, 0, RIG_BLOCKS, 0, 0, 0), 0);
	assert_int_equal(rw(0x88, 0, RIG_BLOCKS + 1, 0, 0, 0), SCSI_STATUS_CHECK_CONDITION);
	/* longer than VPD B0h allows */
	assert_int_equal(rig_run(rig_from(r, 0), rig_lun1, CDB(0x28, 0, 0, 0, 0, 0, 0, 0, 64, 0),
				 256 << 10, 0),
			 0);
	rig_run(rig_from(r, 0), rig_lun1, CDB(0x28, 0, 0, 0, 0, 0, 0, 0, 65, 0), 260 << 10, 0);
	rig_expect_sense(r, 5, 0x2400);
	assert_int_equal(rig_sense(r).field_byte, 7);
}

static void residuals(void **state)
{
	(void)state;
	/* the buffer is longer: underflow; shorter: overflow, and only whole blocks move */
	assert_int_equal(rw(0x28, 0, 0, 2, 4096, 0), 0);
	assert_int_equal(r->moved, 1024);
	assert_int_equal(r->t.in_resid, 1024 - 4096);
	assert_int_equal(rw(0x28, 0, 0, 8, 1024, 0), 0);
	assert_int_equal(r->moved, 1024);
	assert_int_equal(r->t.in_resid, 4096 - 1024);
	r->moved = 0;
	assert_int_equal(rw(0x2a, 0, 0, 2, 0, 4096), 0);
	assert_int_equal(r->acts[0].len_bytes, 1024);
	assert_int_equal(r->t.out_resid, 1024 - 4096);
	assert_int_equal(rw(0x2a, 0, 0, 8, 0, 1100), 0);
	assert_int_equal(r->acts[0].len_bytes, 1024);
	assert_int_equal(r->t.out_resid,
			 4096 - 1024); /* whole blocks: the 76 bytes behind are not used */
	/* no buffer at all, or one in the wrong direction */
	assert_int_equal(rw(0x2a, 0, 0, 1, 300, 0), 0);
	assert_int_equal(r->n_acts, 0);
	assert_int_equal(r->t.out_resid, 512);
	assert_int_equal(r->t.in_resid, -300);
	assert_int_equal(rw(0x2a, 0, 0, 1, 0, UINT64_MAX), 0);
	assert_true(r->t.out_resid < 0);
}

static void capacity(void **state)
{
	uint8_t want[32] = { 0, 0, 0, 0, 0, 0, 7, 255, 0, 0, 2, 0, 0, 3, 0xc0, 0 };
	static const uint8_t c16[] = { 0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0 };

	(void)state;
	assert_int_equal(
		rig_run(rig_from(r, 0), rig_lun0, CDB(0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0), 8, 0), 0);
	assert_memory_equal(r->in, want + 4, 8);
	assert_int_equal(rig_run(rig_from(r, 0), rig_lun0, c16, 16, 32, 0), 0);
	assert_int_equal(r->t.data_len, 32);
	assert_memory_equal(r->in, want, 32);
	r->lu[0].lowest_aligned = 7;
	want[15] = 7;
	assert_int_equal(rig_run(rig_from(r, 0), rig_lun0, c16, 16, 32, 0), 0);
	assert_memory_equal(r->in, want, 32);
	r->lu[0].lowest_aligned = 0;
	want[15] = 0;
	assert_int_equal(rig_run(rig_from(r, 0), rig_lun1, c16, 16, 32, 0), 0);
	assert_memory_equal(r->in, ((const uint8_t[32]){ 0, 0, 0, 0, 0, 0, 0, 255, 0, 0, 0x10, 0 }),
			    32);
	/* beyond 32 bits READ CAPACITY(10) says so, and fixed sense has no room for the LBA */
	assert_true(scsi_lu_set_size(&r->lu[0], 1ull << 42));
	assert_int_equal(scsi_uas_pop(&r->nexus[0].lun[0].uas), SCSI_UA_CAPACITY_CHANGED);
	rig_views(r);
	assert_int_equal(
		rig_run(rig_from(r, 0), rig_lun0, CDB(0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0), 8, 0), 0);
	assert_int_equal(get_be32(r->in), UINT32_MAX);
	assert_int_equal(rig_run(rig_from(r, 0), rig_lun0, c16, 16, 32, 0), 0);
	assert_int_equal(get_be64(r->in), (1ull << 33) - 1);
	rw(0x88, 0, 1ull << 33, 1, 512, 0);
	rig_expect_sense(r, 5, 0x2100);
	assert_false(rig_sense(r).info_valid);
}

static void sync_and_stop(void **state)
{
	(void)state;
	assert_int_equal(rw(0x35, 0x02, 0, 0, 0, 0), 0);
	assert_int_equal(r->route, SCSI_ROUTE_LOCAL);
	assert_int_equal(r->acts[0].type, SCSI_ACT_FLUSH);
	assert_int_equal(rw(0x91, 0, 1, RIG_BLOCKS - 1, 0, 0), 0);
	/* STOP flushes, then everything that needs the medium is refused, for every nexus */
	assert_int_equal(rig_run(rig_from(r, 0), rig_lun0, CDB(0x1b, 0, 0, 0, 0, 0), 0, 0), 0);
	assert_int_equal(r->n_acts, 1);
	assert_int_equal(r->acts[0].type, SCSI_ACT_FLUSH);
	assert_int_equal(r->changed, SCSI_CHANGED_LU);
	for (unsigned nexus = 0; nexus < 2; nexus++) {
		rig_run(rig_from(r, nexus), rig_lun0, CDB(0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0), 512, 0);
		assert_int_equal(r->route, SCSI_ROUTE_HOME);
		rig_expect_sense(r, 2, 0x0402);
	}
	assert_int_equal(rig_run(rig_from(r, 0), rig_lun0, CDB(0x12, 0, 0, 0, 96, 0), 96, 0), 0);
	/* again: nothing new; START brings it back */
	assert_int_equal(rig_run(rig_from(r, 0), rig_lun0, CDB(0x1b, 0, 0, 0, 0, 0), 0, 0), 0);
	assert_int_equal(r->changed, SCSI_CHANGED_NOTHING);
	assert_int_equal(rig_run(rig_from(r, 1), rig_lun0, CDB(0x1b, 1, 0, 0, 1, 0), 0, 0), 0);
	assert_int_equal(r->changed, SCSI_CHANGED_LU);
	assert_int_equal(rig_run(rig_from(r, 0), rig_lun0, CDB(0, 0, 0, 0, 0, 0), 0, 0), 0);
	assert_int_equal(r->route, SCSI_ROUTE_LOCAL);
	/* NO_FLUSH; a failed flush leaves it running */
	assert_int_equal(rig_run(rig_from(r, 0), rig_lun0, CDB(0x1b, 0, 0, 0, 4, 0), 0, 0), 0);
	assert_int_equal(r->n_acts, 0);
	assert_int_equal(rig_run(rig_from(r, 0), rig_lun0, CDB(0x1b, 0, 0, 0, 1, 0), 0, 0), 0);
	r->fail_type = SCSI_ACT_FLUSH;
	r->fail_result = -EIO;
	rig_run(rig_from(r, 0), rig_lun0, CDB(0x1b, 0, 0, 0, 0, 0), 0, 0);
	rig_expect_sense(r, 3, 0x0c00);
	assert_false(rig_sense(r).info_valid);
	assert_int_equal(rig_run(rig_from(r, 0), rig_lun0, CDB(0, 0, 0, 0, 0, 0), 0, 0), 0);
	/* a store that is gone: START does not help */
	assert_true(scsi_lu_set_present(&r->lu[0], false));
	assert_false(scsi_lu_set_present(&r->lu[0], false));
	rig_views(r);
	rig_run(rig_from(r, 0), rig_lun0, CDB(0x1b, 0, 0, 0, 1, 0), 0, 0);
	rig_expect_sense(r, 2, 0x0400);
	rig_run(rig_from(r, 0), rig_lun0, CDB(0, 0, 0, 0, 0, 0), 0, 0);
	rig_expect_sense(r, 2, 0x0400);
	/* one that is fenced is not there because its store says so */
	assert_true(scsi_lu_set_fenced(&r->lu[0], true));
	assert_false(scsi_lu_set_fenced(&r->lu[0], true));
	assert_true(scsi_lu_set_present(&r->lu[0], true));
	rig_views(r);
	rig_run(rig_from(r, 0), rig_lun0, CDB(0x1b, 0, 0, 0, 1, 0), 0, 0);
	rig_expect_sense(r, 2, 0x0400);
	rig_run(rig_from(r, 0), rig_lun0, CDB(0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0), 512, 0);
	rig_expect_sense(r, 2, 0x0400);
	assert_int_equal(rig_run(rig_from(r, 0), rig_lun0, CDB(0x12, 0, 0, 0, 96, 0), 96, 0), 0);
	assert_true(scsi_lu_set_fenced(&r->lu[0], false));
	rig_views(r);
	assert_int_equal(rig_run(rig_from(r, 0), rig_lun0, CDB(0, 0, 0, 0, 0, 0), 0, 0), 0);
}

static void verify(void **state)
{
	(void)state;
	assert_int_equal(rw(0x2f, 0, 0, 1025, 0, 0), 0);
	assert_int_equal(r->n_acts, 3); /* 256 KiB, 256 KiB, one block */
	assert_int_equal(r->acts[2].off_bytes, 512 << 10);
	assert_int_equal(r->acts[2].len_bytes, 512);
	memcpy(r->out, r->disk[0] + BLOCK(100), 4096);
	assert_int_equal(rw(0x8f, 0x02, 100, 8, 0, 4096), 0);
	assert_int_equal(r->acts[0].type, SCSI_ACT_COMPARE);
	r->out[BLOCK(3) + 9] ^= 1;
	rw(0x2f, 0x02, 100, 8, 0, 4096);
	rig_expect_sense(r, 0xe, 0x1d00);
	assert_int_equal(rig_sense(r).info, 103);
	/* BYTCHK 11b: one block for all; 10b is none */
	for (size_t i = 50; i < 1150; i++)
		memcpy(r->disk[0] + BLOCK(i), r->out, 512);
	assert_int_equal(rw(0x8f, 0x06, 50, 1100, 0, 600), 0);
	assert_int_equal(r->route, SCSI_ROUTE_LOCAL);
	assert_int_equal(r->n_acts, 4); /* FETCH, 256 KiB, 256 KiB, the rest */
	assert_int_equal(r->t.out_resid, 512 - 600);
	r->disk[0][BLOCK(1000) + 511] ^= 1;
	rw(0xaf, 0x06, 50, 1100, 0, 512);
	rig_expect_sense(r, 0xe, 0x1d00);
	assert_int_equal(rig_sense(r).info, 1000);
	rw(0x2f, 0x06, 0, 1, 0, 511);
	rig_expect_sense(r, 5, 0x0e03);
	rw(0x2f, 0x04, 0, 1, 0, 512);
	rig_expect_sense(r, 5, 0x2400);
	assert_int_equal(rig_sense(r).field_bit, 2);
}

static void write_and_verify(void **state)
{
	static const uint8_t ops[] = { 0x2e, 0xae, 0x8e };

	(void)state;
	for (size_t i = 0; i < sizeof(ops); i++) {
		memset(r->out, (int)i + 1, BLOCK(4));
		assert_int_equal(rw(ops[i], i & 1 ? 0x02 : 0, 30, 4, 0, BLOCK(4)), 0);
		assert_int_equal(r->n_acts, 2);
		assert_true(r->acts[0].fua);
		assert_int_equal(r->acts[1].type, i & 1 ? SCSI_ACT_COMPARE : SCSI_ACT_VERIFY);
		assert_int_equal(r->acts[1].len_bytes, BLOCK(4));
		assert_memory_equal(r->disk[0] + BLOCK(30), r->out, BLOCK(4));
	}
	assert_int_equal(rw(0x2e, 0, 30, 4, 0, BLOCK(3) + 5), 0);
	assert_int_equal(r->t.out_resid, BLOCK(1));
	assert_int_equal(r->acts[1].len_bytes, BLOCK(3));
	r->fail_type = SCSI_ACT_VERIFY;
	r->fail_result = -EIO;
	rw(0x2e, 0, 30, 4, 0, BLOCK(4));
	rig_expect_sense(r, 3, 0x1100);
}

static void prefetch_and_defects(void **state)
{
	(void)state;
	assert_int_equal(rw(0x34, 0, 10, 20, 0, 0), SCSI_STATUS_CONDITION_MET);
	assert_int_equal(r->acts[0].len_bytes, BLOCK(20));
	assert_int_equal(rw(0x90, 0x02, 10, 0, 0, 0), SCSI_STATUS_CONDITION_MET);
	assert_int_equal(r->acts[0].len_bytes, BLOCK(RIG_BLOCKS - 10));
	r->lu[0].max_transfer_blocks = 8;
	assert_int_equal(rw(0x34, 0, 10, 20, 0, 0), 0); /* not all of it fits */
	assert_int_equal(r->acts[0].len_bytes, BLOCK(8));
	rw(0x34, 0, RIG_BLOCKS, 1, 0, 0);
	rig_expect_sense(r, 5, 0x2100);
	rig_run(rig_from(r, 0), rig_lun0, CDB(0x37, 0, 0x1d, 0, 0, 0, 0, 0, 255, 0), 255, 0);
	assert_int_equal(r->t.data_len, 4);
	assert_memory_equal(r->in, ((const uint8_t[]){ 0, 0x1d, 0, 0 }), 4);
	rig_run(rig_from(r, 0), rig_lun0, CDB(0xb7, 0x0d, 0, 0, 0, 0, 0, 0, 0, 255, 0, 0), 255, 0);
	assert_int_equal(r->t.data_len, 8);
	assert_memory_equal(r->in, ((const uint8_t[]){ 0, 0x0d, 0, 0, 0, 0, 0, 0 }), 8);
}

static uint8_t lba_status(uint64_t lba, uint32_t alloc)
{
	uint8_t cdb[16] = { 0x9e, 0x12 };

	put_be64(cdb + 2, lba);
	put_be32(cdb + 10, alloc);
	return rig_run(rig_from(r, 0), rig_lun0, cdb, 16, alloc, 0);
}

static void expect_status(unsigned i, uint64_t lba, uint32_t n, uint8_t status)
{
	const uint8_t *d = r->in + 8 + (size_t)16 * i;

	assert_int_equal(get_be64(d), lba);
	assert_int_equal(get_be32(d + 8), n);
	assert_int_equal(d[12], status);
}

static void extents(void **state)
{
	(void)state;
	memset(r->disk[0], 0x11, RIG_DISK_LEN);
	memset(r->disk[0] + BLOCK(100), 0, BLOCK(50));
	memset(r->disk[0] + BLOCK(2000), 0, BLOCK(48));
	assert_int_equal(lba_status(90, 1000), 0);
	assert_int_equal(r->t.data_len, 8 + 4 * 16);
	assert_int_equal(get_be32(r->in), 4 + 4 * 16);
	expect_status(0, 90, 10, 0);
	expect_status(1, 100, 50, 1);
	expect_status(2, 150, 1850, 0);
	expect_status(3, 2000, 48, 1);
	/* no more questions than there is room; the first descriptor is made all the same */
	assert_int_equal(lba_status(120, 8 + 16), 0);
	assert_int_equal(r->n_acts, 1);
	expect_status(0, 120, 30, 1);
	assert_int_equal(lba_status(120, 4), 0);
	assert_int_equal(get_be32(r->in), 20);
	/* at most 32, however many holes there are */
	for (size_t i = 0; i < RIG_BLOCKS; i += 2)
		memset(r->disk[0] + BLOCK(i), 0, 512);
	assert_int_equal(lba_status(0, 4096), 0);
	assert_int_equal(r->t.data_len, 8 + 32 * 16);
	lba_status(RIG_BLOCKS, 100);
	rig_expect_sense(r, 5, 0x2100);
}

static void put_unmap(unsigned i, uint64_t lba, uint32_t n)
{
	put_be64(r->out + 8 + (size_t)16 * i, lba);
	put_be32(r->out + 16 + (size_t)16 * i, n);
	put_be32(r->out + 20 + (size_t)16 * i, 0);
}

static uint8_t unmap(unsigned desc_bytes, unsigned list_len, uint64_t out_len)
{
	uint8_t cdb[10] = { 0x42 };

	put_be16(r->out, (uint16_t)(desc_bytes + 6));
	put_be16(r->out + 2, (uint16_t)desc_bytes);
	put_be32(r->out + 4, 0);
	put_be16(cdb + 7, (uint16_t)list_len);
	return rig_run(rig_from(r, 0), rig_lun0, cdb, sizeof(cdb), 0, out_len);
}

static void unmapping(void **state)
{
	static const uint8_t zero[512];
	uint8_t before[512];

	(void)state;
	put_unmap(0, 8, 8);
	put_unmap(1, 0, 0); /* nothing */
	put_unmap(2, RIG_BLOCKS - 1, 1);
	assert_int_equal(unmap(48, 56, 56), 0);
	assert_int_equal(r->n_acts, 3); /* FETCH, two UNMAP */
	assert_memory_equal(r->disk[0] + BLOCK(15), zero, 512);
	assert_memory_equal(r->disk[0] + RIG_DISK_LEN - 512, zero, 512);
	/* an incomplete descriptor at the end is ignored */
	assert_int_equal(unmap(17, 25, 30), 0);
	assert_int_equal(r->n_acts, 2);
	assert_int_equal(r->t.out_resid, 25 - 30);
	/* one bad descriptor, and not even the good ones are done */
	memcpy(before, r->disk[0] + 512, 512);
	put_unmap(0, 1, 1);
	put_unmap(1, RIG_BLOCKS, 1);
	unmap(32, 40, 40);
	rig_expect_sense(r, 5, 0x2100);
	assert_memory_equal(r->disk[0] + 512, before, 512);
	put_unmap(1, UINT64_MAX, UINT32_MAX);
	unmap(32, 40, 40);
	rig_expect_sense(r, 5, 0x2100);
	/* lengths that lie */
	unmap(48, 40, 40);
	rig_expect_sense(r, 5, 0x1a00);
	unmap(0, 7, 7);
	rig_expect_sense(r, 5, 0x1a00);
	unmap(32, 40, 39);
	rig_expect_sense(r, 5, 0x0e03);
	assert_int_equal(unmap(0, 0, 0), 0);
	assert_int_equal(unmap(0, 8, 8), 0);
	/* as many descriptors as VPD B0h allows, and one more */
	for (unsigned i = 0; i < 256; i++)
		put_unmap(i, i * 8ull, 8);
	assert_int_equal(unmap(255 * 16, 8 + 255 * 16, 8 + 255 * 16), 0);
	assert_int_equal(r->n_acts, 256);
	unmap(256 * 16, 8 + 256 * 16, 8 + 256 * 16);
	rig_expect_sense(r, 5, 0x2600);
	assert_int_equal(rig_sense(r).field_byte, 2);
	/* more blocks in all than VPD B0h allows */
	r->lu[0].max_unmap_blocks = 15;
	unmap(32, 40, 40);
	rig_expect_sense(r, 5, 0x2600);
	assert_int_equal(rig_sense(r).field_byte, 8 + 16 + 8);
	assert_int_equal(unmap(16, 24, 24), 0);
}

/* Long ranges come in pieces; the rig has no such medium, so this one answers by hand. */
static void long_pieces(void **state)
{
	static struct scsi_task t;
	struct scsi_event ev = { .type = SCSI_EV_START };
	struct scsi_act a;
	uint64_t at = 0;
	unsigned n = 0;

	(void)state;
	assert_true(scsi_lu_set_size(&r->lu[0], 1ull << 42));
	(void)scsi_uas_pop(&r->nexus[0].lun[0].uas);
	rig_views(r);
	r->lu[0].max_write_same_blocks = UINT32_MAX;
	t.nexus = &r->nexus[0];
	t.data = r->data;
	t.data_cap = sizeof(r->data);
	cdb_put_rw(t.cdb, 0x93, 0x01, (struct cdb_range){ 1ull << 32, UINT32_MAX });
	scsi_route(&r->view[0], &t);
	for (a = scsi_task_step(&t, &ev); a.type != SCSI_ACT_COMPLETE;
	     a = scsi_task_step(&t, &ev)) {
		assert_int_equal(a.type, SCSI_ACT_WRITE_ZEROES);
		assert_int_equal(a.off_bytes, (1ull << 41) + at);
		assert_true(a.len_bytes <= SCSI_PIECE_TRIM);
		at += a.len_bytes;
		n++;
		ev = (struct scsi_event){ .type = SCSI_EV_IO_DONE };
	}
	assert_int_equal(t.status, SCSI_STATUS_GOOD);
	assert_int_equal(at, (uint64_t)UINT32_MAX << 9);
	assert_int_equal(n, 8192);
}

static void write_same(void **state)
{
	static const uint8_t zero[4096];

	(void)state;
	for (int i = 0; i < 512; i++)
		r->out[i] = (uint8_t)i;
	assert_int_equal(rw(0x41, 0, 3, 600, 0, 512), 0);
	assert_int_equal(r->n_acts, 3); /* FETCH, 512 blocks, 88 blocks */
	assert_int_equal(r->acts[1].type, SCSI_ACT_WRITE_SAME);
	assert_memory_equal(r->disk[0] + BLOCK(602), r->out, 512);
	/* UNMAP with a pattern that is not zero writes it all the same */
	assert_int_equal(rw(0x93, 0x08, 700, 1, 0, 512), 0);
	assert_int_equal(r->acts[1].type, SCSI_ACT_WRITE_SAME);
	assert_memory_equal(r->disk[0] + BLOCK(700), r->out, 512);
	memset(r->out, 0, 512);
	assert_int_equal(rw(0x93, 0x08, 700, 8, 0, 512), 0);
	assert_int_equal(r->acts[1].type, SCSI_ACT_UNMAP);
	assert_memory_equal(r->disk[0] + BLOCK(700), zero, 4096);
	assert_int_equal(rw(0x41, 0, 0, 8, 0, 600), 0);
	assert_int_equal(r->acts[1].type, SCSI_ACT_WRITE_ZEROES);
	assert_int_equal(r->t.out_resid, 512 - 600);
	/* NDOB */
	assert_int_equal(rw(0x93, 0x01, 8, 8, 0, 0), 0);
	assert_int_equal(r->n_acts, 1);
	assert_int_equal(r->acts[0].type, SCSI_ACT_WRITE_ZEROES);
	assert_int_equal(rw(0x93, 0x09, 8, 8, 0, 0), 0);
	assert_int_equal(r->acts[0].type, SCSI_ACT_UNMAP);
	/* refused: zero blocks, ANCHOR, NDOB in the short form, too many, no pattern, cannot unmap */
	rw(0x41, 0, 0, 0, 0, 512);
	rig_expect_sense(r, 5, 0x2400);
	assert_int_equal(rig_sense(r).field_byte, 7);
	rw(0x93, 0x18, 0, 1, 0, 512);
	rig_expect_sense(r, 5, 0x2400);
	assert_int_equal(rig_sense(r).field_bit, 4);
	rw(0x41, 0x01, 0, 1, 0, 512);
	rig_expect_sense(r, 5, 0x2400);
	r->lu[0].max_write_same_blocks = 10;
	rw(0x93, 0, 0, 11, 0, 512);
	rig_expect_sense(r, 5, 0x2400);
	assert_int_equal(rig_sense(r).field_byte, 10);
	rw(0x93, 0, 0, 10, 0, 511);
	rig_expect_sense(r, 5, 0x0e03);
	rig_run(rig_from(r, 0), rig_lun1, CDB(0x41, 0x08, 0, 0, 0, 0, 0, 0, 1, 0), 0, 4096);
	rig_expect_sense(r, 5, 0x2400);
}

static void write_protected(void **state)
{
	static const uint8_t writes[] = { 0x0a, 0x2a, 0xaa, 0x8a, 0x41, 0x93, 0x89, 0x8b, 0x9c };

	(void)state;
	r->lu[0].read_only = true;
	rig_views(r);
	for (size_t i = 0; i < sizeof(writes); i++) {
		rw(writes[i], 0, 0, 1, 0, 512);
		rig_expect_sense(r, 7, 0x2700);
		assert_int_equal(r->n_acts, 0);
	}
	put_unmap(0, 0, 1);
	unmap(16, 24, 24);
	rig_expect_sense(r, 7, 0x2700);
	assert_int_equal(rw(0x28, 0, 0, 1, 512, 0), 0);
	assert_int_equal(r->route, SCSI_ROUTE_LOCAL);
}

static void store_errors(void **state)
{
	static const struct {
		enum scsi_act_type act;
		uint8_t opcode;
		uint8_t err;
		uint8_t key;
		uint16_t asc;
	} v[] = {
		{ SCSI_ACT_READ, 0x28, EIO, 3, 0x1100 },
		{ SCSI_ACT_READ, 0x28, ENODATA, 3, 0x1100 },
		{ SCSI_ACT_VERIFY, 0x2f, EIO, 3, 0x1100 },
		{ SCSI_ACT_WRITE, 0x2a, EIO, 3, 0x0c00 },
		{ SCSI_ACT_WRITE, 0x2a, ENODATA, 3, 0x0c00 },
		{ SCSI_ACT_WRITE, 0x2a, ENOSPC, 7, 0x2707 },
		{ SCSI_ACT_WRITE, 0x2a, EDQUOT, 7, 0x2707 },
		{ SCSI_ACT_WRITE, 0x2a, EROFS, 7, 0x2700 },
		{ SCSI_ACT_WRITE, 0x2a, EPERM, 7, 0x2700 },
		{ SCSI_ACT_WRITE, 0x2a, EACCES, 7, 0x2700 },
		{ SCSI_ACT_WRITE, 0x2a, EINVAL, 4, 0x4400 },
		{ SCSI_ACT_WRITE, 0x2a, EOPNOTSUPP, 4, 0x4400 },
		{ SCSI_ACT_WRITE, 0x2a, ECANCELED, 0xb, 0x0000 },
		{ SCSI_ACT_WRITE, 0x2a, ETIMEDOUT, 0xb, 0x2e02 },
		{ SCSI_ACT_WRITE, 0x2a, EPIPE, 0xb, 0x4b00 },
		{ SCSI_ACT_WRITE, 0x2a, EBADMSG, 0x5, 0x2400 },
		{ SCSI_ACT_READ, 0x28, ENXIO, 2, 0x0400 },
		{ SCSI_ACT_READ, 0x28, ENODEV, 2, 0x0400 },
		{ SCSI_ACT_READ, 0x28, ENOTCONN, 2, 0x0400 },
		{ SCSI_ACT_FLUSH, 0x35, EIO, 3, 0x0c00 },
		{ SCSI_ACT_FLUSH, 0x35, ENOSPC, 7, 0x2707 },
		{ SCSI_ACT_FETCH, 0x41, EPIPE, 0xb, 0x4b00 },
		{ SCSI_ACT_FETCH, 0x41, EIO, 0xb, 0x4b00 },
		{ SCSI_ACT_WRITE_SAME, 0x41, EIO, 3, 0x0c00 },
		{ SCSI_ACT_READ, 0x28, EXFULL, 3, 0x1100 }, /* whatever else a store thinks of */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		r->fail_type = v[i].act;
		r->fail_result = -v[i].err;
		r->fail_done = 512 + 7;
		rw(v[i].opcode, 0, 20, 4, 2048, 2048);
		assert_int_equal(r->fail_type, SCSI_ACT_NONE);
		rig_expect_sense(r, v[i].key, v[i].asc);
		assert_int_equal(rig_sense(r).info_valid,
				 v[i].key == 3 && v[i].act != SCSI_ACT_FLUSH);
		if (rig_sense(r).info_valid)
			assert_int_equal(rig_sense(r).info, 21);
		assert_int_equal(r->t.in_resid, v[i].act == SCSI_ACT_READ ? 519 - 2048 : -2048);
		assert_int_equal(r->t.out_resid, v[i].act == SCSI_ACT_WRITE ? 519 - 2048 : -2048);
	}
	r->fail_type = SCSI_ACT_READ;
	r->fail_result = -ENOMEM;
	assert_int_equal(rw(0x28, 0, 0, 1, 512, 0), SCSI_STATUS_BUSY);
	assert_int_equal(r->t.sense_len, 0);
	assert_int_equal(r->t.in_resid, -512);
	/* a store that claims more than it was asked for */
	r->fail_type = SCSI_ACT_READ;
	r->fail_result = -EIO;
	r->fail_done = UINT64_MAX;
	rw(0x28, 0, 20, 4, 2048, 0);
	assert_int_equal(rig_sense(r).info, 23);
	assert_int_equal(r->t.in_resid, 0);
}

static void aborting(void **state)
{
	struct scsi_task t = { .nexus = &r->nexus[0], .cdb = { 0x28 } };
	struct scsi_act a;

	(void)state;
	/* before it starts */
	scsi_route(&r->view[0], &t);
	a = scsi_task_step(&t, &(struct scsi_event){ .type = SCSI_EV_ABORT });
	assert_int_equal(a.type, SCSI_ACT_COMPLETE);
	assert_true(t.aborted);
	/* while an action is under way, of one piece or of many: no further one comes */
	for (unsigned at = 1; at <= 2; at++) {
		r->abort_at = at;
		rw(0x2f, 0, 0, 2048, 0, 0);
		assert_int_equal(r->n_acts, at);
		assert_true(r->t.aborted);
		assert_int_equal(r->t.status, SCSI_STATUS_TASK_ABORTED);
	}
	r->abort_at = 1;
	rw(0x41, 0, 0, 1, 0, 512);
	assert_true(r->t.aborted);
	r->abort_at = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(read_write, setup, teardown),
		cmocka_unit_test_setup_teardown(force_unit_access, setup, teardown),
		cmocka_unit_test_setup_teardown(ranges, setup, teardown),
		cmocka_unit_test_setup_teardown(residuals, setup, teardown),
		cmocka_unit_test_setup_teardown(capacity, setup, teardown),
		cmocka_unit_test_setup_teardown(sync_and_stop, setup, teardown),
		cmocka_unit_test_setup_teardown(verify, setup, teardown),
		cmocka_unit_test_setup_teardown(unmapping, setup, teardown),
		cmocka_unit_test_setup_teardown(long_pieces, setup, teardown),
		cmocka_unit_test_setup_teardown(write_same, setup, teardown),
		cmocka_unit_test_setup_teardown(write_and_verify, setup, teardown),
		cmocka_unit_test_setup_teardown(prefetch_and_defects, setup, teardown),
		cmocka_unit_test_setup_teardown(extents, setup, teardown),
		cmocka_unit_test_setup_teardown(write_protected, setup, teardown),
		cmocka_unit_test_setup_teardown(store_errors, setup, teardown),
		cmocka_unit_test_setup_teardown(aborting, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
