/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Task sets and ACA, with tasks that are stepped by hand. What the control mode page does to them is
 * control_page_test.c, the random walk over the same rules order_test.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scsi/set_rig.h"

#include <string.h>

static void ordered(unsigned i)
{
	come(i, 0, SCSI_ATTR_ORDERED, VERIFY, 0);
}

static void head(unsigned i)
{
	come(i, 0, SCSI_ATTR_HEAD, VERIFY, 0);
}

/* [SET-1] to [SET-4] */
static void ordering(void **state)
{
	(void)state;
	simple(0); /* where it arrived */
	assert_int_equal(jobs[0].t.route, SCSI_ROUTE_LOCAL);
	come(1, 1, SCSI_ATTR_SIMPLE, VERIFY, NACA); /* at home, but nobody minds */
	assert_int_equal(jobs[1].t.route, SCSI_ROUTE_HOME);
	assert_int_equal(gathers, 0);
	hold_gather = true;
	ordered(2);
	assert_int_equal(gathers, 1);
	expect_waits(2);
	assert_true(r->view[0].lun[0].flags & SCSI_VIEW_GATHER);
	assert_true(r->view[1].lun[0].flags & SCSI_VIEW_GATHER);
	end(1);
	expect_waits(2); /* some may run where they arrived */
	simple(3);
	assert_int_equal(jobs[3].t.route, SCSI_ROUTE_HOME);
	expect_waits(3);
	head(4);
	expect_runs(4);
	end(0);
	gathered();
	expect_waits(2); /* the HEAD is not older, but goes first */
	end(4);
	expect_runs(2);
	expect_waits(3);
	simple(5);
	ordered(6);
	simple(7);
	head(8); /* beside the ordered one */
	expect_runs(8);
	simple(9);
	end(2);
	expect_runs(3);
	expect_runs(5);
	expect_waits(6);
	end(5);
	end(3);
	expect_waits(6);
	end(8);
	expect_runs(6);
	end(6);
	expect_runs(7);
	expect_runs(9);
	assert_int_equal(gathers, 1);
	assert_int_equal(publishes, 1);
	end(7);
	end(9);
	all_local();
}

static void simple_behind_head(void **state)
{
	(void)state;
	head(0);
	come(1, 1, SCSI_ATTR_SIMPLE, VERIFY, NACA);
	come(2, 1, SCSI_ATTR_HEAD, VERIFY, 0);
	come(3, 1, SCSI_ATTR_SIMPLE, VERIFY, NACA);
	expect_waits(1);
	expect_runs(2);
	end(0);
	expect_runs(1); /* the other HEAD is newer */
	expect_waits(3);
	end(2);
	expect_runs(3);
	end(1);
	end(3);
	assert_int_equal(gathers, 0); /* HEAD OF QUEUE needs none */
	all_local();
}

/* [SET-6] An ORDERED command that goes away lets the others on, also while the unit is being gathered. */
static void aborts(void **state)
{
	(void)state;
	hold_gather = true;
	ordered(0);
	come(1, 1, SCSI_ATTR_SIMPLE, VERIFY, 0);
	ordered(2);
	come(3, 1, SCSI_ATTR_SIMPLE, VERIFY, 0);
	assert_int_equal(tmf(SCSI_TMF_ABORT_TASK, 0, 0), BIT(0));
	expect_aborted(0);
	expect_runs(1);
	expect_waits(3);
	assert_int_equal(tmf(SCSI_TMF_ABORT_TASK_SET, 0, 0), BIT(2));
	expect_runs(3);
	assert_true(gathering);
	gathered();
	assert_int_equal(publishes, 1); /* for nothing */
	end(1);
	end(3);
	all_local();
	/* one that waits, with all others */
	hold_gather = false;
	ordered(4);
	ordered(5);
	simple(6);
	assert_int_equal(tmf(SCSI_TMF_CLEAR_TASK_SET, 1, 0), BIT(4) | BIT(5) | BIT(6));
	expect_aborted(6);
	all_local();
}

/* [SET-7] What waits because of a nexus that loses the unit, or at it, does not wait for ever. */
static void unmapping(void **state)
{
	struct scsi_map_entry map = { &r->lu[1], 1, false };

	(void)state;
	ordered(0);
	simple(1);
	come(2, 1, SCSI_ATTR_SIMPLE, VERIFY, 0);
	expect_waits(2);
	assert_int_equal(scsi_nexus_remap(&r->nexus[0], &map, 1), 1);
	drain();
	expect_runs(0); /* it is too late for that one */
	expect_sense(1, 5, 0x2500);
	expect_runs(2); /* but it keeps nobody waiting */
	end(0);
	expect_status(0, 0);
	end(2);
	all_local();
	/* an ACA condition goes with its nexus */
	come(3, 1, SCSI_ATTR_SIMPLE, VERIFY, NACA);
	come(4, 1, SCSI_ATTR_SIMPLE, VERIFY, NACA);
	break_io(3);
	end(4);
	expect_waits(4);
	assert_int_equal(scsi_nexus_remap(&r->nexus[1], &map, 1), 1);
	drain();
	expect_status(4, 0);
	all_local();
}

/* --- ACA --- */

/* [ACA-1], [ACA-2] */
static void aca_blocks(void **state)
{
	(void)state;
	simple(0);
	come(1, 1, SCSI_ATTR_SIMPLE, VERIFY, 0);
	come(2, 0, SCSI_ATTR_SIMPLE, VERIFY, NACA);
	come(3, 1, SCSI_ATTR_SIMPLE, VERIFY, NACA);
	hold_gather = true;
	break_io(2);
	expect_waits(2); /* those that run elsewhere have to end first */
	assert_true(gathering);
	end(1);
	come(4, 0, SCSI_ATTR_SIMPLE, VERIFY, 0); /* came before the answer */
	ordered(5);
	break_io(0);
	expect_sense(0, 3, 0x1100);
	gathered();
	expect_sense(2, 3, 0x1100);
	expect_waits(5);
	end(3);
	expect_waits(3); /* it must not complete */
	break_io(4);
	expect_waits(4);
	assert_int_equal(tmf(SCSI_TMF_CLEAR_ACA, 1, 0), 0); /* not its own */
	expect_waits(3);
	assert_int_equal(tmf(SCSI_TMF_CLEAR_ACA, 0, 0), 0);
	expect_status(3, 0);
	expect_sense(4, 3, 0x1100);
	expect_runs(5);
	end(5);
	all_local();
}

/* Two that fail: the second establishes its condition when the first is cleared. */
static void aca_twice(void **state)
{
	(void)state;
	come(0, 0, SCSI_ATTR_SIMPLE, VERIFY, NACA);
	come(1, 1, SCSI_ATTR_SIMPLE, VERIFY, NACA);
	hold_gather = true;
	break_io(0);
	break_io(1);
	expect_waits(0);
	expect_waits(1);
	gathered();
	expect_sense(0, 3, 0x1100);
	expect_waits(1);
	assert_ptr_equal(lu()->order.set.aca, &r->nexus[0]);
	tmf(SCSI_TMF_CLEAR_ACA, 0, 0);
	expect_sense(1, 3, 0x1100);
	assert_ptr_equal(lu()->order.set.aca, &r->nexus[1]);
	tmf(SCSI_TMF_CLEAR_ACA, 1, 0);
	assert_int_equal(gathers, 1);
	all_local();
}

/* [ACA-3], [ACA-4] A new command while the condition is in effect: every kind, from both sides. */
static void aca_new_commands(void **state)
{
	static const uint8_t attrs[] = { SCSI_ATTR_SIMPLE, SCSI_ATTR_HEAD, SCSI_ATTR_ORDERED, 7 };

	(void)state;
	for (int tst = 0; tst < 2; tst++) {
		set_mode((struct scsi_mode){ .tst = (uint8_t)tst, .reorder = 1 });
		establish();
		for (size_t i = 0; i < sizeof(attrs); i++) {
			for (unsigned naca = 0; naca <= NACA; naca += NACA) {
				bool valid = attrs[i] <= SCSI_ATTR_ORDERED;

				come(0, 0, attrs[i], 0x00, (uint8_t)naca);
				expect_status(0, SCSI_STATUS_ACA_ACTIVE);
				come(0, 1, attrs[i], 0x00, (uint8_t)naca);
				if (!tst)
					expect_status(0, naca ? SCSI_STATUS_ACA_ACTIVE
							      : SCSI_STATUS_BUSY);
				else if (valid)
					expect_status(0, SCSI_STATUS_GOOD);
				else
					expect_sense(0, 5, 0x4900);
				if (tst && !valid && naca) /* that was an ACA of its own */
					tmf(SCSI_TMF_CLEAR_ACA, 1, 0);
			}
		}
		come(0, 1, SCSI_ATTR_ACA, 0x00, 0);
		if (tst)
			expect_sense(0, 5, 0x4900);
		else
			expect_status(0, SCSI_STATUS_ACA_ACTIVE);
		/* the ACA command, one at a time */
		come(0, 0, SCSI_ATTR_ACA, VERIFY, 0);
		expect_runs(0);
		come(1, 0, SCSI_ATTR_ACA, 0x00, 0);
		expect_status(1, SCSI_STATUS_ACA_ACTIVE);
		end(0);
		expect_status(0, SCSI_STATUS_GOOD);
		come(1, 0, SCSI_ATTR_ACA, 0x00, 0);
		expect_status(1, SCSI_STATUS_GOOD);
		tmf(SCSI_TMF_CLEAR_ACA, 0, 0);
		all_local();
	}
}

/* [ACA-5] What ends it. */
static void aca_ends(void **state)
{
	struct scsi_act a;

	(void)state;
	/* an ACA command that fails; with NACA there is another condition at once */
	establish();
	come(0, 0, SCSI_ATTR_ACA, VERIFY, NACA);
	break_io(0);
	assert_ptr_equal(lu()->order.set.aca, &r->nexus[0]);
	come(0, 0, SCSI_ATTR_ACA, VERIFY, 0);
	break_io(0);
	expect_sense(0, 3, 0x1100);
	all_local();
	/* CLEAR ACA takes the ACA command with it */
	establish();
	come(0, 0, SCSI_ATTR_ACA, VERIFY, 0);
	assert_int_equal(tmf(SCSI_TMF_CLEAR_ACA, 0, 0), BIT(0));
	expect_aborted(0);
	all_local();
	/* aborting the ACA command does not end it, a reset does */
	establish();
	come(0, 0, SCSI_ATTR_ACA, VERIFY, 0);
	assert_int_equal(tmf(SCSI_TMF_ABORT_TASK_SET, 0, 0), BIT(0));
	assert_non_null(lu()->order.set.aca);
	tmf(SCSI_TMF_LUN_RESET, 1, 0);
	all_local();
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(scsi_uas_pop(&r->nexus[i].lun[0].uas), SCSI_UA_BUS_DEVICE_RESET);
	rig_views(r);
	/* the loss of the nexus does, if it is that nexus */
	establish();
	struct scsi_tmf m = { .fn = SCSI_TMF_NEXUS_RESET, .nexus = &r->nexus[1] };

	scsi_tmf_start(&m);
	(void)carry_out(&m);
	assert_non_null(lu()->order.set.aca);
	m.nexus = &r->nexus[0];
	scsi_tmf_start(&m);
	(void)carry_out(&m);
	all_local();
	/* a unit attention is a CHECK CONDITION like any other */
	come(0, 0, SCSI_ATTR_SIMPLE, 0x00, NACA);
	expect_sense(0, 6, 0x2907);
	assert_ptr_equal(lu()->order.set.aca, &r->nexus[0]);
	tmf(SCSI_TMF_CLEAR_ACA, 0, 0);
	/* one that waits to establish it may be aborted */
	come(0, 0, SCSI_ATTR_SIMPLE, VERIFY, NACA);
	hold_gather = true;
	break_io(0);
	expect_waits(0);
	a = scsi_task_step(&jobs[0].t, &(struct scsi_event){ .type = SCSI_EV_ABORT });
	assert_int_equal(a.type, SCSI_ACT_COMPLETE);
	assert_true(jobs[0].t.aborted);
	drain();
	gathered();
	all_local();
}

/* --- queries --- */

static void queries(void **state)
{
	struct scsi_tmf m = { .fn = SCSI_TMF_QUERY_ASYNC_EVENT, .nexus = &r->nexus[0] };

	(void)state;
	come(0, 0, SCSI_ATTR_ORDERED, VERIFY, 0);
	come(1, 0, SCSI_ATTR_SIMPLE, VERIFY, 0);
	tmf_at(SCSI_TMF_QUERY_TASK, 0, 1, SCSI_TMF_FUNCTION_SUCCEEDED);
	tmf_at(SCSI_TMF_QUERY_TASK, 0, 2, SCSI_TMF_FUNCTION_COMPLETE);
	tmf_at(SCSI_TMF_QUERY_TASK, 1, 1, SCSI_TMF_FUNCTION_COMPLETE);
	tmf_at(SCSI_TMF_QUERY_TASK_SET, 0, 0, SCSI_TMF_FUNCTION_SUCCEEDED);
	tmf_at(SCSI_TMF_QUERY_TASK_SET, 1, 0, SCSI_TMF_FUNCTION_COMPLETE);
	expect_runs(0);
	expect_waits(1); /* they abort nothing */
	end(0);
	end(1);
	tmf_at(SCSI_TMF_QUERY_TASK_SET, 0, 0, SCSI_TMF_FUNCTION_COMPLETE);
	scsi_tmf_start(&m);
	assert_int_equal(m.response, SCSI_TMF_FUNCTION_COMPLETE);
	scsi_lu_ua(lu(), SCSI_UA_CAPACITY_CHANGED, NULL);
	scsi_tmf_start(&m);
	assert_int_equal(scsi_tmf_finish(&m), SCSI_CHANGED_NOTHING);
	assert_int_equal(m.response, SCSI_TMF_FUNCTION_SUCCEEDED);
	assert_memory_equal(m.info, ((const uint8_t[]){ 0x16, 0x2a, 0x09 }), 3);
	scsi_lu_ua(lu(), SCSI_UA_BUS_DEVICE_RESET, NULL);
	scsi_tmf_start(&m);
	assert_memory_equal(m.info, ((const uint8_t[]){ 0x26, 0x29, 0x03 }), 3);
	memcpy(m.lun, rig_well_known, 8);
	scsi_tmf_start(&m);
	assert_int_equal(m.response, SCSI_TMF_FUNCTION_COMPLETE);
	m.fn = SCSI_TMF_TASK_CLEARS;
	scsi_tmf_start(&m);
	assert_int_equal(m.response, SCSI_TMF_NOT_SUPPORTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(ordering, setup, teardown),
		cmocka_unit_test_setup_teardown(simple_behind_head, setup, teardown),
		cmocka_unit_test_setup_teardown(aborts, setup, teardown),
		cmocka_unit_test_setup_teardown(unmapping, setup, teardown),
		cmocka_unit_test_setup_teardown(aca_blocks, setup, teardown),
		cmocka_unit_test_setup_teardown(aca_twice, setup, teardown),
		cmocka_unit_test_setup_teardown(aca_new_commands, setup, teardown),
		cmocka_unit_test_setup_teardown(aca_ends, setup, teardown),
		cmocka_unit_test_setup_teardown(queries, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
