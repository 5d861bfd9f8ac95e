/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* CDB fields and builders, and LUN addresses, against bytes written by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/cdb.h"
#include "wire/lun.h"

static void expect_range(const uint8_t *cdb, uint64_t lba, uint32_t n)
{
	struct cdb_range r = cdb_range(cdb);

	assert_int_equal(r.lba, lba);
	assert_int_equal(r.n_blocks, n);
}

static void ranges(void **state)
{
	static const uint8_t r6[] = { 0x08, 0xff, 0x02, 0x03, 0x00, 0 };
	static const uint8_t r10[] = { 0x28, 0, 1, 2, 3, 4, 0, 5, 6, 0 };
	static const uint8_t r12[] = { 0xa8, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0 };
	static const uint8_t r16[] = { 0x88, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0, 0 };

	(void)state;
	expect_range(r6, 0x1f0203, 256);
	expect_range(r10, 0x01020304, 0x0506);
	expect_range(r12, 0x01020304, 0x05060708);
	expect_range(r16, 0x0102030405060708, 0x090a0b0c);
}

static void builders(void **state)
{
	static const uint8_t opcodes[] = { SCSI_OP_READ_10, SCSI_OP_WRITE_12, SCSI_OP_VERIFY_16 };
	uint8_t cdb[CDB_MAX_BYTES];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(opcodes); i++) {
		assert_int_equal(
			cdb_put_rw(cdb, opcodes[i], CDB_FUA, (struct cdb_range){ 0x01020304, 7 }),
			cdb_len(opcodes[i]));
		expect_range(cdb, 0x01020304, 7);
		assert_int_equal(cdb[1], CDB_FUA);
	}
	assert_int_equal(cdb_put_rw(cdb, SCSI_OP_READ_10, 0, (struct cdb_range){ 0, 0x10000 }), 0);
	assert_int_equal(cdb_put_rw(cdb, SCSI_OP_READ_12, 0, (struct cdb_range){ 1ull << 32, 1 }),
			 0);
	assert_int_equal(cdb_put_inquiry(cdb, 0x83, 0x1234), 6);
	assert_memory_equal(cdb, ((const uint8_t[]){ 0x12, 1, 0x83, 0x12, 0x34, 0 }), 6);
	assert_int_equal(cdb_put_inquiry(cdb, -1, 36), 6);
	assert_memory_equal(cdb, ((const uint8_t[]){ 0x12, 0, 0, 0, 36, 0 }), 6);
	assert_int_equal(cdb_put_report_luns(cdb, 2, 0x01020304), 12);
	assert_memory_equal(cdb, ((const uint8_t[]){ 0xa0, 0, 2, 0, 0, 0, 1, 2, 3, 4, 0, 0 }), 12);
	assert_int_equal(cdb_put_read_capacity_16(cdb, 32), 16);
	assert_memory_equal(
		cdb, ((const uint8_t[]){ 0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0 }),
		16);
	assert_int_equal(cdb_put_unmap(cdb, 24), 10);
	assert_memory_equal(cdb, ((const uint8_t[]){ 0x42, 0, 0, 0, 0, 0, 0, 0, 24, 0 }), 10);
	assert_int_equal(cdb_put_mode_sense_10(cdb, 0x3f, 192), 10);
	assert_memory_equal(cdb, ((const uint8_t[]){ 0x5a, 0, 0x3f, 0, 0, 0, 0, 0, 192, 0 }), 10);
	assert_int_equal(cdb_put_read_capacity_10(cdb), 10);
	assert_int_equal(cdb[0], 0x25);
	assert_int_equal(cdb_put_test_unit_ready(cdb), 6);
	assert_memory_equal(cdb, ((const uint8_t[CDB_MAX_BYTES]){ 0 }), CDB_MAX_BYTES);
}

static void names(void **state)
{
	(void)state;
	assert_string_equal(cdb_opcode_text((const uint8_t[]){ 0x28, 0 }), "READ(10)");
	assert_string_equal(cdb_opcode_text((const uint8_t[]){ 0x9e, 0x10 }), "READ CAPACITY(16)");
	assert_string_equal(cdb_opcode_text((const uint8_t[]){ 0x9e, 0x12 }), "GET LBA STATUS");
	assert_string_equal(cdb_opcode_text((const uint8_t[]){ 0x9c, 0 }), "WRITE ATOMIC(16)");
	assert_null(cdb_opcode_text((const uint8_t[]){ 0x9e, 0x14 }));
	assert_string_equal(cdb_opcode_text((const uint8_t[]){ 0xa3, 0x0d }),
			    "REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS");
	assert_string_equal(cdb_opcode_text((const uint8_t[]){ 0xa4, 0x0f }), "SET TIMESTAMP");
	assert_null(cdb_opcode_text((const uint8_t[]){ 0xa4, 0x1f }));
	assert_null(cdb_opcode_text((const uint8_t[]){ 0xff, 0 }));
}

static void luns(void **state)
{
	static const struct {
		uint8_t lun[8];
		enum lun_kind kind;
		uint16_t n;
	} v[] = {
		{ { 0, 0 }, LUN_UNIT, 0 },
		{ { 0, 255 }, LUN_UNIT, 255 },
		{ { 0x40, 3 }, LUN_UNIT, 3 },
		{ { 0x7f, 0xff }, LUN_UNIT, 0x3fff },
		{ { 0xc1, 0x01 }, LUN_REPORT_LUNS, 0 },
		{ { 0xc1, 0x02 }, LUN_UNKNOWN, 0 }, /* ACCESS CONTROLS */
		{ { 0x01, 0 }, LUN_UNKNOWN, 0 },
		{ { 0x80, 0 }, LUN_UNKNOWN, 0 },
		{ { 0, 1, 0, 1 }, LUN_UNKNOWN, 0 },
		{ { 0, 1, 0, 0, 0, 0, 0, 1 }, LUN_UNKNOWN, 0 },
	};
	uint8_t out[8];
	uint16_t n;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		n = 0;
		assert_int_equal(lun_decode(v[i].lun, &n), v[i].kind);
		assert_int_equal(n, v[i].n);
	}
	for (unsigned i = 0; i < 16384; i++) {
		lun_encode((uint16_t)i, out);
		assert_int_equal(lun_decode(out, &n), LUN_UNIT);
		assert_int_equal(n, i);
		assert_int_equal(out[0] >> 6, i < 256 ? 0 : 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges),
		cmocka_unit_test(builders),
		cmocka_unit_test(names),
		cmocka_unit_test(luns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
