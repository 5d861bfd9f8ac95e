/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* FORMAT UNIT and SANITIZE: what they refuse, what is left on the medium, what others see meanwhile, failures, restarts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "scsi/testrig.h"

static struct rig *r;

static int setup(void **state)
{
	(void)state;
	r = rig_new_quiet();
	for (unsigned i = 0; i < 2; i++)
		memset(r->disk[i], 0x5a, RIG_DISK_LEN);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rig_free(r);
	return 0;
}

static uint8_t format(const uint8_t *list, size_t len)
{
	if (len)
		memcpy(r->out, list, len);
	return rig_run(r, rig_lun0, CDB(0x04, len ? 0x10 : 0, 0, 0, 0, 0), 0, len);
}

#define LIST(...) ((const uint8_t[]){ __VA_ARGS__ }), sizeof((const uint8_t[]){ __VA_ARGS__ })

/* SANITIZE OVERWRITE with this pattern; byte 1 of the CDB, byte 0 of the list. */
static uint8_t overwrite(const uint8_t *lun, uint8_t flags, uint8_t how, const uint8_t *pattern,
			 uint16_t len)
{
	uint16_t n = (uint16_t)(len + 4);

	r->out[0] = how;
	r->out[1] = 0;
	put_be16(r->out + 2, len);
	if (len)
		memcpy(r->out + 4, pattern, len);
	return rig_run(r, lun,
		       CDB(0x48, flags | 1, 0, 0, 0, 0, 0, (uint8_t)(n >> 8), (uint8_t)n, 0), 0, n);
}

static uint8_t block_erase(const uint8_t *lun, uint8_t flags)
{
	return rig_run(r, lun, CDB(0x48, flags | 2, 0, 0, 0, 0, 0, 0, 0, 0), 0, 0);
}

static uint8_t exit_failure(const uint8_t *lun)
{
	return rig_run(r, lun, CDB(0x48, 0x1f, 0, 0, 0, 0, 0, 0, 0, 0), 0, 0);
}

static uint8_t test_ready(void)
{
	return rig_run(r, rig_lun0, CDB(0, 0, 0, 0, 0, 0), 0, 0);
}

static struct sense request_sense(void)
{
	struct sense s;

	assert_int_equal(rig_run(r, rig_lun0, CDB(3, 0, 0, 0, 32, 0), 32, 0), 0);
	assert_int_equal(sense_decode(r->in, r->t.data_len, &s), 0);
	return s;
}

static void expect_fill(unsigned unit, uint8_t byte)
{
	for (size_t i = 0; i < RIG_DISK_LEN; i++)
		assert_int_equal(r->disk[unit][i], byte);
}

static void format_medium(void **state)
{
	(void)state;
	assert_int_equal(format(NULL, 0), 0);
	expect_fill(0, 0);
	assert_int_equal(test_ready(), 0);
	/* with a pattern that does not fit evenly into a block */
	assert_int_equal(format(LIST(0, 0x88, 0, 0, 0, 1, 0, 3, 'a', 'b', 'c')), 0);
	for (size_t i = 0; i < RIG_DISK_LEN; i++)
		assert_int_equal(r->disk[0][i], 'a' + i % 512 % 3);
	assert_int_equal(format(LIST(0, 0, 0, 0)), 0);
	expect_fill(0, 0);
	/* the other unit cannot unmap */
	assert_int_equal(rig_run(r, rig_lun1, CDB(0x04, 0, 0, 0, 0, 0), 0, 0), 0);
	expect_fill(1, 0);
}

static void format_refuses(void **state)
{
	static const struct {
		uint8_t byte; /* that is pointed at */
		uint8_t len;
		uint8_t list[12];
	} bad[] = {
		{ 0, 4, { 1, 0 } },
		{ 1, 4, { 0, 0x08 } }, /* IP without FOV */
		{ 1, 4, { 0, 0x01 } },
		{ 2, 4, { 0, 0, 0, 4 } }, /* a defect list */
		{ 6, 4, { 0, 0x88, 0, 0 } },
		{ 4, 8, { 0, 0x88, 0, 0, 0x20, 0, 0, 0 } },
		{ 5, 8, { 0, 0x88, 0, 0, 0, 2, 0, 0 } },
		{ 6, 8, { 0, 0x88, 0, 0, 0, 0, 0, 1 } },
		{ 6, 8, { 0, 0x88, 0, 0, 0, 1, 0, 0 } },
		{ 6, 9, { 0, 0x88, 0, 0, 0, 1, 0, 2, 7 } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(format(bad[i].list, bad[i].len), 2);
		rig_expect_sense(r, 5, 0x2600);
		assert_int_equal(rig_sense(r).field_byte, bad[i].byte);
	}
	rig_run(r, rig_lun0, CDB(0x04, 0x10, 0, 0, 0, 0), 0, 3);
	rig_expect_sense(r, 5, 0x0e03);
	rig_run(r, rig_lun0, CDB(0x04, 0x40, 0, 0, 0, 0), 0, 0); /* protection information */
	rig_expect_sense(r, 5, 0x2400);
	memset(r->out, 0, 8);
	r->out[7] = 4;
	rig_run(r, rig_lun0, CDB(0x04, 0x30, 0, 0, 0, 0), 0, 8); /* LONGLIST */
	rig_expect_sense(r, 5, 0x2600);
	assert_int_equal(rig_sense(r).field_byte, 4);
	assert_int_equal(rig_run(r, rig_lun0, CDB(0x1b, 0, 0, 0, 0, 0), 0, 0), 0);
	assert_int_equal(format(NULL, 0), 2);
	rig_expect_sense(r, 2, 0x0402);
	expect_fill(0, 0x5a);
	r->lu[0].stopped = false;
	r->nexus[0].lun[0].read_only = true;
	rig_views(r);
	assert_int_equal(format(NULL, 0), 2);
	rig_expect_sense(r, 7, 0x2700);
	expect_fill(0, 0x5a);
}

static void sanitize_medium(void **state)
{
	static uint8_t pattern[4096];

	(void)state;
	assert_int_equal(block_erase(rig_lun0, 0), 0);
	expect_fill(0, 0);
	assert_int_equal(overwrite(rig_lun0, 0, 1, (const uint8_t *)"\x3c", 1), 0);
	expect_fill(0, 0x3c);
	/* the last of four passes writes the inverted pattern, the last of three the pattern */
	assert_int_equal(overwrite(rig_lun0, 0, 0x84, (const uint8_t *)"\x0f", 1), 0);
	expect_fill(0, 0xf0);
	r->erased = 0;
	assert_int_equal(overwrite(rig_lun0, 0, 0x83, (const uint8_t *)"\x0f", 1), 0);
	expect_fill(0, 0x0f);
	assert_int_equal(r->erased,
			 3 * RIG_DISK_LEN / SCSI_ERASE_WRITE_BYTES + 1); /* and a flush */
	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = (uint8_t)(i ^ i >> 8);
	assert_int_equal(overwrite(rig_lun1, 0, 31, pattern, 4096), 0);
	for (size_t i = 0; i < RIG_DISK_LEN; i += 4096)
		assert_memory_equal(r->disk[1] + i, pattern, 4096);
	assert_int_equal(block_erase(rig_lun1, 0), 0);
	expect_fill(1, 0);
	assert_int_equal(exit_failure(rig_lun0), 0); /* nothing has failed */
}

static void sanitize_refuses(void **state)
{
	static uint8_t pattern[1024];

	(void)state;
	overwrite(rig_lun0, 0, 0, pattern, 8);
	rig_expect_sense(r, 5, 0x2600);
	overwrite(rig_lun0, 0, 0x21, pattern, 8); /* TEST */
	rig_expect_sense(r, 5, 0x2600);
	overwrite(rig_lun0, 0, 1, pattern, 513);
	rig_expect_sense(r, 5, 0x2400);
	overwrite(rig_lun0, 0, 1, NULL, 0);
	rig_expect_sense(r, 5, 0x2400);
	memset(r->out, 0, 64);
	r->out[0] = 1;
	for (unsigned len = 0; len < 600; len += 599) {
		put_be16(r->out + 2, (uint16_t)len);
		rig_run(r, rig_lun0, CDB(0x48, 1, 0, 0, 0, 0, 0, 0, 64, 0), 0, 64);
		rig_expect_sense(r, 5, 0x2600);
		assert_int_equal(rig_sense(r).field_byte, 2);
	}
	rig_run(r, rig_lun0, CDB(0x48, 1, 0, 0, 0, 0, 0, 0, 64, 0), 0, 63);
	rig_expect_sense(r, 5, 0x0e03);
	rig_run(r, rig_lun0, CDB(0x48, 3, 0, 0, 0, 0, 0, 0, 0, 0), 0, 0); /* cryptographic */
	rig_expect_sense(r, 5, 0x2400);
	rig_run(r, rig_lun0, CDB(0x48, 2, 0, 0, 0, 0, 0, 0, 1, 0), 0, 1);
	rig_expect_sense(r, 5, 0x2400);
	rig_run(r, rig_lun0, CDB(0x48, 0x42, 0, 0, 0, 0, 0, 0, 0, 0), 0, 0); /* ZNR */
	rig_expect_sense(r, 5, 0x2400);
	expect_fill(0, 0x5a);
}

/* The status comes at once, and nearly everything is refused until it has ended. */
static void meanwhile(void **state)
{
	static const uint8_t let_in[][16] = {
		{ 0x12, 0, 0, 0, 36 },
		{ 0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 64 },
		{ 0x03, 0, 0, 0, 18 },
		{ 0x4d, 0, 0x4d, 0, 0, 0, 0, 0, 64 },
		{ 0xa3, 0x0c, 0, 0, 0, 0, 0, 0, 0, 64 },
	};
	uint16_t last = 0;
	bool ended = false;

	(void)state;
	r->erase_later = true;
	assert_int_equal(overwrite(rig_lun0, 0x80, 2, (const uint8_t *)"x", 1), 0);
	expect_fill(0, 0x5a);
	for (unsigned i = 0; i < ARRAY_SIZE(let_in); i++)
		assert_int_equal(rig_run(rig_from(r, 1), rig_lun0, let_in[i], 16, 64, 0), 0);
	while (!ended) {
		struct sense s;

		rig_from(r, 0);
		assert_int_equal(test_ready(), 2);
		rig_expect_sense(r, 2, 0x041b);
		s = request_sense();
		assert_true(s.key == 2 && s.asc == 0x041b && s.progress_valid);
		assert_true(s.progress >= last);
		last = s.progress;
		rig_run(rig_from(r, 1), rig_lun0, CDB(0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0), 512, 0);
		rig_expect_sense(r, 2, 0x041b);
		assert_true(rig_sense(r).progress_valid);
		rig_run(r, rig_lun0, CDB(0x1a, 0, 0x0a, 0, 64, 0), 64, 0);
		rig_expect_sense(r, 2, 0x041b);
		block_erase(rig_lun0, 0); /* a second one, too */
		rig_expect_sense(r, 2, 0x041b);
		assert_int_equal(rig_run(r, rig_lun1, CDB(0, 0, 0, 0, 0, 0), 0, 0), 0);
		/* a reset does not end it */
		(void)rig_tmf(r, SCSI_TMF_LUN_RESET, 0, rig_lun0);
		for (unsigned i = 0; i < 2; i++)
			assert_int_equal(scsi_uas_pop(&r->nexus[i].lun[0].uas),
					 SCSI_UA_BUS_DEVICE_RESET);
		ended = rig_erase(r, 0, 1);
	}
	assert_true(last > 60000);
	expect_fill(0, 'x');
	rig_from(r, 0);
	assert_int_equal(test_ready(), 0);
	assert_int_equal(request_sense().key, 0);
	/* FORMAT UNIT says so in other words */
	assert_int_equal(format(LIST(0, 2, 0, 0)), 0);
	assert_int_equal(test_ready(), 2);
	rig_expect_sense(r, 2, 0x0404);
	(void)rig_erase(r, 0, UINT32_MAX);
	assert_int_equal(test_ready(), 0);
}

static void fails(void **state)
{
	(void)state;
	r->erase_fail_at = 2;
	assert_int_equal(overwrite(rig_lun0, 0x20, 1, (const uint8_t *)"x", 1), 2);
	rig_expect_sense(r, 3, 0x3103);
	assert_int_equal(test_ready(), 2);
	rig_expect_sense(r, 3, 0x3103);
	rig_run(r, rig_lun0, CDB(0x1a, 0, 0x0a, 0, 64, 0), 64, 0);
	rig_expect_sense(r, 3, 0x3103);
	assert_int_equal(request_sense().asc, 0x3103);
	assert_int_equal(format(NULL, 0), 2);
	rig_expect_sense(r, 3, 0x3103);
	/* it was unrestricted */
	assert_int_equal(exit_failure(rig_lun0), 0);
	assert_int_equal(test_ready(), 0);

	r->erased = 0;
	assert_int_equal(block_erase(rig_lun0, 0), 2); /* the flush fails */
	assert_int_equal(exit_failure(rig_lun0), 2);
	rig_expect_sense(r, 5, 0x2400);
	assert_int_equal(test_ready(), 2);
	rig_expect_sense(r, 3, 0x3103);
	assert_int_equal(block_erase(rig_lun0, 0), 0);
	assert_int_equal(test_ready(), 0);

	r->erased = 1;
	assert_int_equal(format(NULL, 0), 2);
	rig_expect_sense(r, 3, 0x3101);
	assert_int_equal(test_ready(), 2);
	rig_expect_sense(r, 3, 0x3100);
	assert_int_equal(rig_run(r, rig_lun0, CDB(0x1a, 0, 0x0a, 0, 64, 0), 64, 0), 0);
	assert_int_equal(format(NULL, 0), 0);
	assert_int_equal(test_ready(), 0);
}

/* A unit that shrinks or grows while it is erased. */
static void resized(void **state)
{
	(void)state;
	r->erase_later = true;
	assert_int_equal(overwrite(rig_lun0, 0x80, 1, (const uint8_t *)"x", 1), 0);
	assert_false(rig_erase(r, 0, 2));
	assert_true(scsi_lu_set_size(&r->lu[0], SCSI_ERASE_WRITE_BYTES + 4096));
	assert_true(rig_erase(r, 0, UINT32_MAX));
	assert_int_equal(r->disk[0][(size_t)2 * SCSI_ERASE_WRITE_BYTES], 0x5a);
	assert_true(scsi_lu_set_size(&r->lu[0], SCSI_ERASE_WRITE_BYTES));
	assert_int_equal(overwrite(rig_lun0, 0x80, 1, (const uint8_t *)"y", 1), 2); /* attention */
	assert_int_equal(overwrite(rig_lun0, 0x80, 1, (const uint8_t *)"y", 1), 0);
	assert_false(rig_erase(r, 0, 1));
	assert_true(scsi_lu_set_size(&r->lu[0], RIG_DISK_LEN));
	assert_true(rig_erase(r, 0, UINT32_MAX));
	expect_fill(0, 'y');
}

static void restart(void)
{
	struct rig *fresh = rig_new();

	for (unsigned i = 0; i < 2; i++)
		scsi_nexus_deinit(&fresh->nexus[i]);
	fresh->lu[0].keeps = true;
	assert_int_equal(scsi_lu_restore(&fresh->lu[0], r->saved, r->saved_len), 0);
	memcpy(fresh->disk, r->disk, sizeof(r->disk));
	for (unsigned i = 0; i < 2; i++) {
		struct scsi_map_entry map = { .lu = &fresh->lu[0], .lun = 0 };
		struct scsi_port a = r->nexus[i].initiator, b = r->nexus[i].target;

		assert_int_equal(scsi_nexus_init(&fresh->nexus[i], &a, &b, &map, 1), 0);
		assert_int_equal(scsi_uas_pop(&fresh->nexus[i].lun[0].uas), SCSI_UA_POWER_ON);
	}
	rig_views(fresh);
	rig_free(r);
	r = fresh;
}

/* What was under way begins anew, what has failed has failed, and what has ended has ended. */
static void outlives(void **state)
{
	(void)state;
	r->lu[0].keeps = true;
	r->erase_later = true;
	assert_int_equal(overwrite(rig_lun0, 0xa0, 0x82, (const uint8_t *)"\x0f\x55", 2), 0);
	assert_int_equal(r->saves, 1);
	assert_false(rig_erase(r, 0, 6));
	restart();
	r->erase_later = true;
	assert_int_equal(test_ready(), 2);
	rig_expect_sense(r, 2, 0x041b);
	assert_true(r->lu[0].erase.next_block == 0);
	assert_true(rig_erase(r, 0, UINT32_MAX));
	assert_int_equal(r->disk[0][0], 0xf0);
	assert_int_equal(r->disk[0][RIG_DISK_LEN - 1], 0xaa);
	restart();
	assert_int_equal(test_ready(), 0);

	r->erase_fail_at = r->erased + 1;
	assert_int_equal(block_erase(rig_lun0, 0x20), 2);
	restart();
	assert_int_equal(test_ready(), 2);
	rig_expect_sense(r, 3, 0x3103);
	assert_int_equal(exit_failure(rig_lun0), 0);
	restart();
	assert_int_equal(test_ready(), 0);

	/* what could not be saved has not begun */
	memset(r->disk, 0x5a, sizeof(r->disk));
	r->fail_type = SCSI_ACT_SAVE;
	r->fail_result = -ENOSPC;
	assert_int_equal(block_erase(rig_lun0, 0), 2);
	rig_expect_sense(r, 4, 0x4400);
	assert_int_equal(test_ready(), 0);
	expect_fill(0, 0x5a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(format_medium, setup, teardown),
		cmocka_unit_test_setup_teardown(format_refuses, setup, teardown),
		cmocka_unit_test_setup_teardown(sanitize_medium, setup, teardown),
		cmocka_unit_test_setup_teardown(sanitize_refuses, setup, teardown),
		cmocka_unit_test_setup_teardown(meanwhile, setup, teardown),
		cmocka_unit_test_setup_teardown(fails, setup, teardown),
		cmocka_unit_test_setup_teardown(resized, setup, teardown),
		cmocka_unit_test_setup_teardown(outlives, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
