/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* LOG SENSE and LOG SELECT: every page, what is counted, where a list of parameters begins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scsi/testrig.h"

#include <errno.h>
#include <string.h>

static struct rig *r;

static int setup(void **state)
{
	(void)state;
	r = rig_new_quiet();
	for (unsigned k = 0; k < SCSI_COUNT_KINDS; k++)
		r->counters.of[k] =
			(struct scsi_count){ 10 * k + 1, UINT64_C(512) * (10 * k + 2), 10 * k + 3 };
	r->counters.on_ms = 77 * 60000 + 59999;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rig_free(r);
	return 0;
}

static uint8_t sense(uint8_t page, uint16_t from)
{
	uint8_t cdb[10] = { 0x4d, 0, 0x40 | page };

	put_be16(cdb + 5, from);
	put_be16(cdb + 7, 1024);
	return rig_run(rig_from(r, 0), rig_lun0, cdb, 10, 1024, 0);
}

/* The value of a parameter of the page that was read; fails when it is not there. */
static uint64_t value(uint16_t code)
{
	size_t end = 4 + (size_t)get_be16(r->in + 2);

	assert_int_equal(end, r->t.data_len);
	for (size_t at = 4; at < end; at += 4 + (size_t)r->in[at + 3]) {
		if (get_be16(r->in + at) != code)
			continue;
		return r->in[at + 3] == 8 ? get_be64(r->in + at + 4) : get_be32(r->in + at + 4);
	}
	fail();
	return 0;
}

static void pages(void **state)
{
	static const uint8_t list[] = { 0x00, 0x02, 0x03, 0x05, 0x06, 0x0d,
					0x0e, 0x10, 0x15, 0x19, 0x2f };

	(void)state;
	assert_int_equal(sense(0, 0), 0);
	assert_int_equal(r->t.data_len, 4 + sizeof(list));
	assert_memory_equal(r->in + 4, list, sizeof(list));
	for (unsigned page = 0; page < 0x40; page++) {
		bool there = memchr(list, (int)page, sizeof(list));

		assert_int_equal(sense((uint8_t)page, 0), there ? 0 : SCSI_STATUS_CHECK_CONDITION);
		if (there)
			assert_int_equal(r->in[0], page);
		else
			rig_expect_sense(r, 5, 0x2400);
	}
	/* thresholds and defaults are not there */
	rig_run(rig_from(r, 0), rig_lun0, CDB(0x4d, 0, 0x02, 0, 0, 0, 0, 0, 255, 0), 255, 0);
	rig_expect_sense(r, 5, 0x2400);
}

static void counted(void **state)
{
	(void)state;
	assert_int_equal(sense(0x03, 0), 0);
	assert_int_equal(value(5), 1024);
	assert_int_equal(value(6), 3);
	assert_int_equal(sense(0x02, 0), 0);
	assert_int_equal(value(5), 512 * 12);
	assert_int_equal(sense(0x05, 6), 0);
	assert_int_equal(value(6), 23);
	assert_int_equal(r->t.data_len, 4 + 12); /* 5 is left out */
	assert_int_equal(sense(0x06, 0), 0);
	assert_int_equal(value(0), 33);
	assert_int_equal(sense(0x15, 0), 0);
	assert_int_equal(value(0), 77);
	assert_int_equal(sense(0x19, 0), 0);
	assert_int_equal(r->in[7], 0x40);
	assert_int_equal(get_be64(r->in + 8), 1);
	assert_int_equal(get_be64(r->in + 16), 11);
	assert_int_equal(get_be64(r->in + 24), 12);
	assert_int_equal(get_be64(r->in + 32), 2);
	sense(0x03, 7);
	rig_expect_sense(r, 5, 0x2400);
	/* anew: the others hear of it */
	assert_int_equal(
		rig_run(rig_from(r, 0), rig_lun0, CDB(0x4c, 0x02, 0x40, 0, 0, 0, 0, 0, 0, 0), 0, 0),
		0);
	assert_int_equal(scsi_uas_pop(&r->nexus[1].lun[0].uas), SCSI_UA_LOG_CHANGED);
	r->counters.of[SCSI_COUNT_READ].commands += 5;
	assert_int_equal(sense(0x19, 0), 0);
	assert_int_equal(get_be64(r->in + 8), 5);
	assert_int_equal(get_be64(r->in + 16), 0);
	rig_run(rig_from(r, 0), rig_lun0, CDB(0x4c, 0, 0x40, 0, 0, 0, 0, 0, 4, 0), 0, 4);
	rig_expect_sense(r, 5, 0x1a00);
}

static void tests_and_stops(void **state)
{
	(void)state;
	assert_int_equal(rig_run(rig_from(r, 0), rig_lun0, CDB(0x1d, 0x04, 0, 0, 0, 0), 0, 0), 0);
	r->fail_type = SCSI_ACT_VERIFY;
	r->fail_result = -EIO;
	rig_run(rig_from(r, 0), rig_lun0, CDB(0x1d, 0xa0, 0, 0, 0, 0), 0, 0);
	assert_int_equal(sense(0x10, 0), 0);
	assert_int_equal(r->t.data_len, 4 + 20 * 20);
	assert_memory_equal(r->in + 4,
			    ((const uint8_t[20]){ 0, 1, 3, 0x10, 0xa7, [16] = 3, 0x11, 0 }), 20);
	assert_memory_equal(r->in + 24,
			    ((const uint8_t[20]){ 0, 2, 3, 0x10, 0, 0, 0, 0, 255, 255, 255, 255,
						  255, 255, 255, 255 }),
			    20);
	rig_run(rig_from(r, 0), rig_lun0, CDB(0x1b, 0, 0, 0, 0, 0), 0, 0);
	rig_run(rig_from(r, 0), rig_lun0, CDB(0x1b, 0, 0, 0, 0, 0), 0, 0);
	rig_run(rig_from(r, 0), rig_lun0, CDB(0x1b, 0, 0, 0, 1, 0), 0, 0);
	assert_int_equal(sense(0x0e, 0), 0);
	assert_int_equal(value(4), 1);
}

/* A thin unit tells how much it has; with less than a threshold left everybody hears of it, once. */
static void space(void **state)
{
	struct scsi_space s = { .used_bytes = 5 << 20, .available_bytes = (7 << 20) + 99 };
	struct scsi_lu *lu = &r->lu[0];

	(void)state;
	sense(0x0c, 0);
	rig_expect_sense(r, 5, 0x2400);                 /* nothing is known yet */
	assert_false(scsi_lu_set_space(&r->lu[1], &s)); /* it cannot unmap */
	assert_false(scsi_lu_set_space(lu, &s));        /* no threshold */
	assert_int_equal(sense(0x0c, 0), 0);
	assert_int_equal(r->t.data_len, 4 + 24);
	assert_memory_equal(r->in + 4, ((const uint8_t[24]){ 0, 1, 3, 8, 0, 0, 0, 7, 2, 0, 0, 0,
							     0, 2, 3, 8, 0, 0, 0, 5, 2, 0, 0, 0 }),
			    24);
	assert_int_equal(rig_run(rig_from(r, 0), rig_lun0, CDB(0x12, 1, 0xb2, 0, 8, 0), 8, 0), 0);
	assert_int_equal(r->in[4], 11); /* 2^11 blocks of 512 bytes */

	lu->mode.threshold = true;
	lu->mode.threshold_sets = 1;
	assert_int_equal(scsi_lu_threshold_bytes(lu), 1 << 20);
	s.available_bytes = scsi_lu_threshold_bytes(lu) + 1;
	assert_false(scsi_lu_set_space(lu, &s));
	s.available_bytes--;
	assert_true(scsi_lu_set_space(lu, &s));
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(scsi_uas_pop(&r->nexus[i].lun[0].uas), SCSI_UA_SOFT_THRESHOLD);
	/* to and fro is no news, there and back is */
	s.available_bytes = scsi_lu_threshold_bytes(lu) + 1000;
	assert_false(scsi_lu_set_space(lu, &s));
	s.available_bytes = 0;
	assert_false(scsi_lu_set_space(lu, &s));
	s.available_bytes = scsi_lu_threshold_bytes(lu) * 9 / 8 + 1;
	assert_false(scsi_lu_set_space(lu, &s));
	s.available_bytes = 0;
	assert_true(scsi_lu_set_space(lu, &s));
}

/* [SPACE-3] What is configured is a part of the size, and goes with it; what a host has set stays. */
static void threshold_follows(void **state)
{
	static const struct scsi_lu_params p = { .serial = "1",
						 .naa = { 0x31 },
						 .block_bytes = 512,
						 .size_bytes = 100u << 20,
						 .unmap_grain_bytes = 512,
						 .soft_threshold_percent = 20 };
	const struct scsi_space s = { .available_bytes = 20u << 20 };
	static struct scsi_lu lu;
	struct scsi_mode m;

	(void)state;
	assert_int_equal(scsi_lu_init(&lu, &p), 0);
	assert_int_equal(scsi_lu_threshold_bytes(&lu), 0); /* how much there is is not known yet */
	assert_true(scsi_lu_set_space(&lu, &s));
	assert_int_equal(scsi_lu_threshold_bytes(&lu), 20u << 20);
	assert_true(scsi_lu_set_size(&lu, 201u << 20));
	assert_int_equal(scsi_lu_threshold_bytes(&lu), 41u << 20); /* 40.2 */
	m = lu.mode;
	m.threshold_sets = 7;
	assert_true(scsi_lu_set_mode(&lu, &m));
	assert_true(scsi_lu_set_size(&lu, 1u << 20));
	assert_int_equal(scsi_lu_threshold_bytes(&lu), 7u << 20);
	assert_int_equal(lu.mode_default.threshold_sets, 1);
	assert_int_equal(lu.mode_saved.threshold_sets, 1);
	scsi_lu_deinit(&lu);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(pages, setup, teardown),
		cmocka_unit_test_setup_teardown(counted, setup, teardown),
		cmocka_unit_test_setup_teardown(tests_and_stops, setup, teardown),
		cmocka_unit_test_setup_teardown(space, setup, teardown),
		cmocka_unit_test_setup_teardown(threshold_follows, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
