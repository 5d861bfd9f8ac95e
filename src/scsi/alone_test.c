/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Commands that have the unit for themselves: COMPARE AND WRITE, ORWRITE, WRITE ATOMIC. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scsi/testrig.h"

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

static uint8_t caw(uint64_t lba, uint32_t n, uint64_t out)
{
	return rw(0x89, 0, lba, n, 0, out);
}

/* Data-out that fits the medium at @lba, and 0x5a.. to be written. */
static void caw_data(uint64_t lba, size_t n)
{
	memcpy(r->out, r->disk[0] + BLOCK(lba), BLOCK(n));
	memset(r->out + BLOCK(n), 0x5a, BLOCK(n));
}

static void compare_and_write(void **state)
{
	uint8_t before[BLOCK(4)];

	(void)state;
	for (uint32_t n = 1; n <= 128; n += 127) {
		caw_data(40, n);
		assert_int_equal(caw(40, n, BLOCK(2 * n)), 0);
		assert_memory_equal(r->disk[0] + BLOCK(40), r->out + BLOCK(n), BLOCK(n));
		assert_int_equal(r->n_acts, 1);
		assert_int_equal(r->route, SCSI_ROUTE_HOME);
		assert_int_equal(r->t.out_resid, 0);
		assert_false(r->acts[0].fua);
	}
	/* one byte differs: nothing is written, and the answer says which */
	caw_data(200, 4);
	r->out[1500] ^= 1;
	memcpy(before, r->disk[0] + BLOCK(200), sizeof(before));
	assert_int_equal(caw(200, 4, BLOCK(8)), SCSI_STATUS_CHECK_CONDITION);
	rig_expect_sense(r, 0xe, 0x1d00);
	assert_true(rig_sense(r).info_valid);
	assert_int_equal(rig_sense(r).info, 1500);
	assert_memory_equal(r->disk[0] + BLOCK(200), before, sizeof(before));
	/* FUA, and a buffer that is longer */
	caw_data(300, 1);
	assert_int_equal(rw(0x89, CDB_FUA, 300, 1, 0, 2000), 0);
	assert_true(r->acts[0].fua);
	assert_int_equal(r->t.out_resid, 1024 - 2000);
	/* nothing to do; too many; too few data; behind the end */
	assert_int_equal(caw(0, 0, 0), 0);
	assert_int_equal(r->n_acts, 0);
	caw(0, 129, BLOCK(258));
	rig_expect_sense(r, 5, 0x2400);
	assert_int_equal(rig_sense(r).field_byte, 13);
	caw(0, 2, BLOCK(4) - 1);
	rig_expect_sense(r, 5, 0x0e03);
	caw(RIG_BLOCKS - 1, 2, BLOCK(4));
	rig_expect_sense(r, 5, 0x2100);
	/* 4096: the buffer of both sides has an end */
	assert_int_equal(r->lu[1].max_caw_blocks, 64);
	/* no more than its blocks was held, and that was let go */
	assert_int_equal(r->gathers, 0);
	assert_int_equal(r->lu[0].order.state, SCSI_ORDER_OPEN);
	assert_int_equal(r->lu[0].order.holds.n, 0);
}

static void or_write(void **state)
{
	uint8_t want[BLOCK(3)];

	(void)state;
	for (size_t i = 0; i < sizeof(want); i++)
		want[i] = r->disk[0][BLOCK(9) + i] | r->out[i];
	assert_int_equal(rw(0x8b, 0, 9, 3, 0, BLOCK(3)), 0);
	assert_memory_equal(r->disk[0] + BLOCK(9), want, sizeof(want));
	assert_int_equal(rw(0x8b, CDB_FUA, 9, 3, 0, BLOCK(2)), 0);
	assert_true(r->acts[0].fua);
	assert_int_equal(r->acts[0].len_bytes, BLOCK(2));
	assert_int_equal(r->t.out_resid, BLOCK(1));
	rw(0x8b, 0, RIG_BLOCKS, 1, 0, BLOCK(1));
	rig_expect_sense(r, 5, 0x2100);
}

static uint8_t write_atomic(uint8_t flags, uint64_t lba, uint16_t boundary, uint16_t n,
			    uint64_t out)
{
	uint8_t cdb[CDB_MAX_BYTES] = { 0x9c, flags };

	put_be64(cdb + 2, lba);
	put_be16(cdb + 10, boundary);
	put_be16(cdb + 12, n);
	return rig_run(rig_from(r, 0), rig_lun0, cdb, sizeof(cdb), 0, out);
}

/* One action with all of it, alone (which the rig checks); more than that, and less data, is refused as a whole. */
static void atomic_write(void **state)
{
	static const uint16_t lens[] = { 1, 7, 2048 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
		memset(r->out, 0x11 * ((int)i + 1), BLOCK(lens[i]));
		assert_int_equal(write_atomic(0, 0, 0, lens[i], BLOCK(lens[i])), 0);
		assert_memory_equal(r->disk[0], r->out, BLOCK(lens[i]));
		assert_int_equal(r->n_acts, 1);
		assert_true(r->acts[0].whole && !r->acts[0].fua);
		assert_int_equal(r->acts[0].len_bytes, BLOCK(lens[i]));
		assert_int_equal(r->route, SCSI_ROUTE_HOME);
	}
	assert_int_equal(write_atomic(CDB_FUA | CDB_DPO, RIG_BLOCKS - 4, 2, 4, BLOCK(5)), 0);
	assert_true(r->acts[0].whole && r->acts[0].fua);
	assert_int_equal(r->t.out_resid, -(int64_t)BLOCK(1));
	assert_int_equal(write_atomic(0, 5, 2048, 1, BLOCK(1)), 0);
	/* an ordinary one need not be whole */
	assert_int_equal(rw(0x8a, 0, 0, 4, 0, BLOCK(4)), 0);
	assert_false(r->acts[0].whole);
	/* nothing to do; too much; a boundary beyond that; behind the end; not all of the data */
	assert_int_equal(write_atomic(0, RIG_BLOCKS, 0, 0, 0), 0);
	assert_int_equal(r->n_acts, 0);
	write_atomic(0, 0, 0, 2049, BLOCK(2049));
	rig_expect_sense(r, 5, 0x2400);
	assert_int_equal(rig_sense(r).field_byte, 12);
	write_atomic(0, 0, 2049, 1, BLOCK(1));
	rig_expect_sense(r, 5, 0x2400);
	assert_int_equal(rig_sense(r).field_byte, 10);
	write_atomic(0, RIG_BLOCKS - 1, 0, 2, BLOCK(2));
	rig_expect_sense(r, 5, 0x2100);
	write_atomic(0, UINT64_MAX, 0, 1, BLOCK(1));
	rig_expect_sense(r, 5, 0x2100);
	write_atomic(0, 0, 0, 4, BLOCK(4) - 1);
	rig_expect_sense(r, 5, 0x0e03);
	assert_int_equal(r->n_acts, 0);
	assert_int_equal(r->lu[0].order.state, SCSI_ORDER_OPEN);
	/* a store that cannot promise it has no such command */
	rig_run(rig_from(r, 0), rig_lun1, CDB(0x9c, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0), 0,
		4096);
	rig_expect_sense(r, 5, 0x2000);
}

/* No more than one command may move, and than there is room for on the wire. */
static void atomic_limits(void **state)
{
	struct scsi_lu_params p = { .serial = "1",
				    .naa = { 0x31 },
				    .block_bytes = 512,
				    .size_bytes = 1 << 20,
				    .max_transfer_bytes = 64 << 10,
				    .atomic_bytes = UINT32_MAX };
	static struct scsi_lu lu;

	(void)state;
	assert_int_equal(scsi_lu_init(&lu, &p), 0);
	assert_int_equal(lu.max_atomic_blocks, 128);
	p.atomic_bytes = 16384;
	assert_int_equal(scsi_lu_init(&lu, &p), 0);
	assert_int_equal(lu.max_atomic_blocks, 32);
	p.atomic_bytes = 511;
	assert_int_equal(scsi_lu_init(&lu, &p), 0);
	assert_int_equal(lu.max_atomic_blocks, 0);
	scsi_lu_deinit(&lu);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(compare_and_write, setup, teardown),
		cmocka_unit_test_setup_teardown(or_write, setup, teardown),
		cmocka_unit_test_setup_teardown(atomic_write, setup, teardown),
		cmocka_unit_test_setup_teardown(atomic_limits, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
