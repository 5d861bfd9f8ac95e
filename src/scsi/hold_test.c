/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Blocks that a command has for itself, with tasks that are stepped by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scsi/set_rig.h"

#include <errno.h>

#define CAW 0x89

/* Task @i comes for the block at @lba. */
static void come_at(unsigned i, unsigned nexus, uint8_t attr, uint8_t opcode, uint64_t lba)
{
	struct scsi_task *t = &jobs[i].t;

	*t = (struct scsi_task){ .nexus = &r->nexus[nexus], .attr = attr, .tag = i };
	if (opcode == CAW) {
		t->out_len = 1024;
		(void)cdb_put_rw(t->cdb, 0x8f, 0, (struct cdb_range){ lba, 1 });
		t->cdb[0] = CAW;
	} else {
		(void)cdb_put_rw(t->cdb, opcode, 0, (struct cdb_range){ lba, 1 });
	}
	(void)scsi_route(&r->view[nexus], t);
	step(i, (struct scsi_event){ .type = SCSI_EV_START });
}

static void caw(unsigned i, uint64_t lba)
{
	come_at(i, 0, SCSI_ATTR_SIMPLE, CAW, lba);
}

static void expect_caw_runs(unsigned i)
{
	assert_int_equal(jobs[i].act, SCSI_ACT_COMPARE_AND_WRITE);
}

static void end_caw(unsigned i)
{
	expect_caw_runs(i);
	step(i, (struct scsi_event){ .type = SCSI_EV_IO_DONE });
	expect_status(i, 0);
}

static void expect_local(unsigned i, bool local)
{
	assert_int_equal(jobs[i].t.route, local ? SCSI_ROUTE_LOCAL : SCSI_ROUTE_HOME);
}

/* [SET-10] Only what overlaps goes home and waits; what does not is not concerned, nor are others of its kind. */
static void held_blocks(void **state)
{
	(void)state;
	hold_gather = true;
	simple(0);
	caw(1, 10);
	expect_waits(1); /* somebody may be at its blocks */
	assert_int_equal(holds, 1);
	come_at(2, 1, SCSI_ATTR_SIMPLE, VERIFY, 9);
	expect_local(2, true);
	come_at(3, 1, SCSI_ATTR_SIMPLE, VERIFY, 11);
	expect_local(3, true);
	come_at(4, 1, SCSI_ATTR_SIMPLE, VERIFY, 10);
	expect_local(4, false);
	expect_waits(4);
	caw(5, 12); /* asked for in the next round */
	assert_int_equal(holds, 1);
	come(6, 1, SCSI_ATTR_SIMPLE, 0x00, 0); /* touches nothing */
	expect_local(6, true);
	now_held();
	expect_caw_runs(1);
	assert_int_equal(holds, 2);
	expect_waits(5);
	now_held();
	expect_caw_runs(5); /* side by side */
	caw(7, 10);         /* behind the VERIFY that waits for the first */
	come_at(8, 1, SCSI_ATTR_HEAD, VERIFY, 20);
	expect_runs(8);
	come_at(9, 1, SCSI_ATTR_HEAD, VERIFY, 12);
	expect_waits(9);
	come_at(10, 0, SCSI_ATTR_SIMPLE, VERIFY, 30);
	expect_local(10, true);
	end(8);
	end_caw(1);
	expect_runs(4);
	expect_waits(7);
	end_caw(5);
	expect_runs(9);
	end(9);
	end(4);
	now_held();
	end_caw(7);
	end(0);
	end(2);
	end(3);
	end(10);
	assert_int_equal(gathers, 0);
	assert_int_equal(lu()->order.holds.n, 0);
	assert_int_equal(r->view[0].lun[0].flags & SCSI_VIEW_HELD, 0);
	all_local();
}

/* Those at home that overlap are waited for, and are waited for only then. */
static void held_at_home(void **state)
{
	(void)state;
	come(0, 1, SCSI_ATTR_SIMPLE, VERIFY, NACA); /* block 0 */
	expect_local(0, false);
	caw(1, 0);
	caw(2, 1);
	expect_waits(1);
	end_caw(2);
	end(0);
	end_caw(1);
	/* ORDERED: behind all, and whoever waits for blocks is older, too */
	come(0, 1, SCSI_ATTR_SIMPLE, VERIFY, NACA);
	caw(1, 0);
	come_at(2, 0, SCSI_ATTR_ORDERED, VERIFY, 50);
	come_at(3, 0, SCSI_ATTR_SIMPLE, VERIFY, 60);
	expect_waits(2);
	expect_waits(3);
	end(0);
	expect_waits(2);
	end_caw(1);
	expect_runs(2);
	expect_waits(3);
	end(2);
	end(3);
	/* an ORDERED one of this kind */
	come_at(0, 1, SCSI_ATTR_SIMPLE, VERIFY, 5);
	come_at(1, 0, SCSI_ATTR_ORDERED, CAW, 6);
	expect_caw_runs(1);
	come_at(2, 0, SCSI_ATTR_SIMPLE, VERIFY, 60);
	expect_waits(2);
	end_caw(1);
	end(2);
	end(0);
	all_local();
}

/* There is room for so many; more wait, and so does what is not told apart any more. */
static void held_many(void **state)
{
	(void)state;
	for (unsigned i = 0; i <= SCSI_HOLDS_MAX; i++)
		caw(i, i);
	for (unsigned i = 0; i < SCSI_HOLDS_MAX; i++)
		expect_caw_runs(i);
	expect_waits(SCSI_HOLDS_MAX);
	come_at(10, 1, SCSI_ATTR_SIMPLE, VERIFY, 100);
	expect_local(10, true);
	for (unsigned i = 0; i <= SCSI_HOLDS_MAX; i++)
		end_caw(i);
	end(10);
	all_local();
}

/* One that waits, one that runs, and one whose set an ACA condition stops, let their blocks go. */
static void held_let_go(void **state)
{
	(void)state;
	hold_gather = true;
	caw(0, 10);
	come_at(1, 1, SCSI_ATTR_SIMPLE, VERIFY, 10);
	expect_waits(1);
	assert_int_equal(tmf(SCSI_TMF_ABORT_TASK, 0, 0), BIT(0));
	expect_aborted(0);
	expect_runs(1);
	assert_int_equal(lu()->order.holds.n, 0);
	caw(2, 20); /* its turn of being asked for comes when the first has been answered */
	assert_int_equal(holds, 1);
	now_held();
	expect_waits(2);
	assert_int_equal(holds, 2);
	now_held();
	expect_caw_runs(2);
	/* the unit is gathered meanwhile, and an ACA condition comes */
	hold_gather = false;
	come_at(3, 1, SCSI_ATTR_SIMPLE, VERIFY, 20);
	come(4, 1, SCSI_ATTR_SIMPLE, VERIFY, NACA);
	break_io(4);
	expect_status(4, SCSI_STATUS_CHECK_CONDITION);
	step(2, (struct scsi_event){ .type = SCSI_EV_IO_DONE });
	expect_waits(2);
	assert_int_equal(lu()->order.holds.n, 0);
	end(1);
	expect_waits(1); /* it is frozen, too */
	tmf(SCSI_TMF_CLEAR_ACA, 1, 0);
	expect_status(2, 0);
	expect_runs(3);
	end(3);
	all_local();
}

/* With NACA a miscompare waits until the unit is gathered, but its blocks are free. */
static void held_naca(void **state)
{
	(void)state;
	hold_gather = true;
	come_at(0, 0, SCSI_ATTR_SIMPLE, CAW, 10);
	now_held();
	jobs[0].t.cdb[15] = NACA;
	come_at(1, 1, SCSI_ATTR_SIMPLE, VERIFY, 10);
	step(0, (struct scsi_event){ .type = SCSI_EV_IO_DONE, .result = -EILSEQ });
	expect_waits(0);
	expect_runs(1);
	gathered();
	expect_sense(0, SENSE_MISCOMPARE, 0x1d00);
	end(1);
	expect_waits(1);
	tmf(SCSI_TMF_CLEAR_ACA, 0, 0);
	expect_status(1, 0);
	all_local();
}
int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(held_blocks, setup, teardown),
		cmocka_unit_test_setup_teardown(held_at_home, setup, teardown),
		cmocka_unit_test_setup_teardown(held_many, setup, teardown),
		cmocka_unit_test_setup_teardown(held_let_go, setup, teardown),
		cmocka_unit_test_setup_teardown(held_naca, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
