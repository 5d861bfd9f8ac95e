/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Commands that somebody wants to fail, to begin late, or to bring other data: they keep their place and their rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scsi/cmd.h"
#include "scsi/testrig.h"

static struct rig *r;

static int setup(void **state)
{
	(void)state;
	r = rig_new_filled();
	r->force_home = true;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rig_free(r);
	return 0;
}

static uint8_t read_4(void)
{
	return rig_rw(r, SCSI_OP_READ_10, 0, (struct cdb_range){ 8, 4 }, 2048, 0);
}

static uint8_t tur(void)
{
	return rig_run(r, rig_lun0, CDB(0, 0, 0, 0, 0, 0), 0, 0);
}

static void test_status(void **state)
{
	const struct scsi_task_fault busy = { .status = SCSI_STATUS_BUSY };

	(void)state;
	r->fault = &busy;
	assert_int_equal(read_4(), SCSI_STATUS_BUSY);
	assert_int_equal(r->n_acts, 0);
	assert_int_equal(r->t.in_resid, -2048);
	assert_int_equal(r->t.sense_len, 0);
	r->fault = NULL;
	assert_int_equal(read_4(), SCSI_STATUS_GOOD);
}

static void test_sense(void **state)
{
	const struct scsi_task_fault bad = { .status = SCSI_STATUS_CHECK_CONDITION,
					     .key = SENSE_MEDIUM_ERROR,
					     .asc = ASC_UNRECOVERED_READ,
					     .info_valid = true,
					     .info = 9 };
	struct sense s;

	(void)state;
	/* What is owed stays so for the next command. */
	scsi_nexus_ua(&r->nexus[0], SCSI_UA_MODE_CHANGED);
	rig_views(r);
	r->fault = &bad;
	assert_int_equal(read_4(), SCSI_STATUS_CHECK_CONDITION);
	assert_int_equal(r->n_acts, 0);
	s = rig_sense(r);
	assert_int_equal(s.key, SENSE_MEDIUM_ERROR);
	assert_int_equal(s.asc, ASC_UNRECOVERED_READ);
	assert_true(s.info_valid && s.info == 9);
	r->fault = NULL;
	assert_int_equal(tur(), SCSI_STATUS_CHECK_CONDITION);
	rig_expect_sense(r, SENSE_UNIT_ATTENTION, SCSI_UA_MODE_CHANGED);
	assert_int_equal(tur(), SCSI_STATUS_GOOD);
}

/* With NACA it establishes an ACA condition, as any other CHECK CONDITION. */
static void test_aca(void **state)
{
	const struct scsi_task_fault bad = { .status = SCSI_STATUS_CHECK_CONDITION,
					     .key = SENSE_HARDWARE_ERROR,
					     .asc = ASC_TARGET_FAILURE };

	(void)state;
	r->fault = &bad;
	assert_int_equal(rig_run(r, rig_lun0, CDB(0, 0, 0, 0, 0, SCSI_CONTROL_NACA), 0, 0),
			 SCSI_STATUS_CHECK_CONDITION);
	r->fault = NULL;
	assert_int_equal(tur(), SCSI_STATUS_ACA_ACTIVE);
	rig_clear_aca(r);
	assert_int_equal(tur(), SCSI_STATUS_GOOD);
}

static void test_hold(void **state)
{
	const struct scsi_task_fault late = { .hold = true };

	(void)state;
	r->fault = &late;
	assert_int_equal(read_4(), SCSI_STATUS_GOOD);
	assert_int_equal(r->held, 1);
	assert_memory_equal(r->in, r->disk[0] + (size_t)8 * 512, 2048);
	/* Of those that want the medium alone, and that need room. */
	r->attr = SCSI_ATTR_ORDERED;
	assert_int_equal(rig_run(r, rig_lun0, CDB(0x12, 0, 0, 0, 36, 0), 36, 0), SCSI_STATUS_GOOD);
	assert_int_equal(r->held, 2);
}

static void test_hold_aborted(void **state)
{
	const struct scsi_task_fault late = { .hold = true };

	(void)state;
	r->fault = &late;
	r->abort_held = true;
	(void)rig_rw(r, SCSI_OP_WRITE_10, 0, (struct cdb_range){ 8, 4 }, 0, 2048);
	assert_true(r->t.aborted);
	assert_int_equal(r->held, 1);
	assert_int_equal(r->n_acts, 0);
	r->fault = NULL;
	assert_int_equal(tur(), SCSI_STATUS_GOOD);
}

static void test_wrong(void **state)
{
	const struct scsi_task_fault wrong = { .wrong = true };

	(void)state;
	r->fault = &wrong;
	assert_int_equal(read_4(), SCSI_STATUS_GOOD);
	assert_int_equal(r->n_acts, 1);
	assert_int_equal(r->acts[0].type, SCSI_ACT_READ_WRONG);
	assert_int_equal(r->acts[0].off_bytes, 8 * 512);
	/* One that fails is told as for a READ: where, and what was moved. */
	r->fail_type = SCSI_ACT_READ_WRONG;
	r->fail_result = -5;
	r->fail_done = 1024;
	assert_int_equal(read_4(), SCSI_STATUS_CHECK_CONDITION);
	assert_true(rig_sense(r).info == 10);
	rig_expect_sense(r, SENSE_MEDIUM_ERROR, ASC_UNRECOVERED_READ);
	assert_int_equal(r->t.in_resid, -1024);
	r->fault = NULL;
	assert_int_equal(read_4(), SCSI_STATUS_GOOD);
	assert_int_equal(r->acts[0].type, SCSI_ACT_READ);
}

/* The bit of the view takes every command home, also one that would stay. */
static void test_view(void **state)
{
	(void)state;
	r->force_home = false;
	assert_int_equal(read_4(), SCSI_STATUS_GOOD);
	assert_int_equal(r->route, SCSI_ROUTE_LOCAL);
	r->view[0].lun[0].flags |= SCSI_VIEW_FAULT;
	assert_int_equal(read_4(), SCSI_STATUS_GOOD);
	assert_int_equal(r->route, SCSI_ROUTE_HOME);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_status),       TEST(test_sense), TEST(test_aca),  TEST(test_hold),
		TEST(test_hold_aborted), TEST(test_wrong), TEST(test_view),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
