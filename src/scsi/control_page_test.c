/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What the control mode page does to task sets, with tasks that are stepped by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scsi/set_rig.h"

#include <errno.h>

/* Carry out the CLEAR that @i asks for. */
static unsigned clear(unsigned i)
{
	struct scsi_tmf m;
	unsigned hit;

	assert_int_equal(jobs[i].act, SCSI_ACT_CLEAR);
	scsi_task_clear(&m, &jobs[i].t);
	hit = carry_out(&m);
	step(i, (struct scsi_event){ .type = SCSI_EV_CLEARED });
	return hit;
}

static unsigned uas_of(unsigned nexus)
{
	return scsi_uas_pop(&r->nexus[nexus].lun[0].uas);
}

/* [MODE-4] CHECK CONDITION aborts others: by QERR, TST and TAS. */
static void qerr(void **state)
{
	(void)state;
	for (unsigned v = 0; v < 16; v++) {
		uint8_t how = v & 1 ? 3 : 1;
		bool tst = v & 2, tas = v & 4, naca = v & 8;
		bool all = how == 1 && !tst;

		set_mode((struct scsi_mode){ .reorder = 1, .qerr = how, .tst = tst, .tas = tas });
		for (unsigned i = 0; i < 4; i++)
			come(i, i & 1, SCSI_ATTR_SIMPLE, VERIFY, naca && !i ? NACA : 0);
		come(4, 1, SCSI_ATTR_ORDERED, VERIFY, 0);
		break_io(0);
		assert_int_equal(clear(0), all ? BIT(1) | BIT(2) | BIT(3) | BIT(4) : BIT(2));
		expect_sense(0, 3, 0x1100);
		expect_aborted(2); /* nothing is sent to the nexus itself */
		if (all && tas)
			expect_status(3, SCSI_STATUS_TASK_ABORTED);
		else if (all)
			expect_aborted(3);
		assert_int_equal(uas_of(0), 0);
		assert_int_equal(uas_of(1), all && !tas ? SCSI_UA_COMMANDS_CLEARED : 0);
		rig_views(r);
		if (naca)
			tmf(SCSI_TMF_CLEAR_ACA, 0, 0);
		for (unsigned i = 1; i < 5; i++) {
			if (jobs[i].act != SCSI_ACT_COMPLETE)
				end(i);
		}
		/* alone in the set: nobody to abort */
		come(0, 0, SCSI_ATTR_SIMPLE, VERIFY, 0);
		break_io(0);
		expect_sense(0, 3, 0x1100);
	}
	set_mode((struct scsi_mode){ .reorder = 1 });
	all_local();
	/* one that is to clear others may itself be cleared */
	set_mode((struct scsi_mode){ .reorder = 1, .qerr = 1 });
	come(0, 0, SCSI_ATTR_SIMPLE, VERIFY, 0);
	come(1, 1, SCSI_ATTR_SIMPLE, VERIFY, 0);
	break_io(0);
	break_io(1);
	assert_int_equal(clear(1), BIT(0));
	expect_aborted(0);
	expect_sense(1, 3, 0x1100);
	(void)uas_of(0);
}

/* A unit attention is told with the status of a command: when that is aborted before, it is still owed. */
static void ua_of_aborted(void **state)
{
	(void)state;
	for (int tas = 0; tas < 2; tas++) {
		set_mode((struct scsi_mode){ .reorder = 1, .qerr = 1, .tas = tas });
		scsi_uas_add(&r->nexus[0].lun[0].uas, SCSI_UA_MODE_CHANGED);
		rig_views(r);
		come(1, 1, SCSI_ATTR_SIMPLE, VERIFY, 0);
		come(0, 0, SCSI_ATTR_SIMPLE, 0x00, 0); /* is to abort the other before it answers */
		break_io(1);
		assert_int_equal(clear(1), BIT(0));
		expect_sense(1, 3, 0x1100);
		if (tas)
			expect_status(0, SCSI_STATUS_TASK_ABORTED);
		else
			expect_aborted(0);
		if (!tas)
			assert_int_equal(uas_of(0), SCSI_UA_COMMANDS_CLEARED);
		assert_int_equal(uas_of(0), SCSI_UA_MODE_CHANGED);
		assert_int_equal(uas_of(0), 0);
	}
	set_mode((struct scsi_mode){ .reorder = 1 });
	rig_views(r);
	all_local();
}

/* [MODE-5] TASK ABORTED or silence, by who aborts whose. */
static void tas(void **state)
{
	(void)state;
	for (int on = 0; on < 2; on++) {
		set_mode((struct scsi_mode){ .reorder = 1, .tas = on });
		come(0, 0, SCSI_ATTR_SIMPLE, VERIFY, 0);
		come(1, 1, SCSI_ATTR_SIMPLE, VERIFY, 0);
		come(2, 1, SCSI_ATTR_ORDERED, VERIFY, 0);
		come(3, 1, SCSI_ATTR_HEAD, VERIFY, 0);
		assert_int_equal(tmf(SCSI_TMF_CLEAR_TASK_SET, 0, 0), 0xf);
		expect_aborted(0);
		for (unsigned i = 1; i < 4; i++) {
			if (on)
				expect_status(i, SCSI_STATUS_TASK_ABORTED);
			else
				expect_aborted(i);
		}
		assert_int_equal(uas_of(0), 0);
		assert_int_equal(uas_of(1), on ? 0 : SCSI_UA_COMMANDS_CLEARED);
		rig_views(r);
		/* its own are silent in any case */
		come(0, 0, SCSI_ATTR_ORDERED, VERIFY, 0);
		assert_int_equal(tmf(SCSI_TMF_ABORT_TASK_SET, 0, 0), BIT(0));
		expect_aborted(0);
		/* silence wins: who no longer wants an answer gets none */
		come(0, 0, SCSI_ATTR_SIMPLE, VERIFY, 0);
		step(0, (struct scsi_event){ .type = SCSI_EV_ABORT, .tell = true });
		step(0, (struct scsi_event){ .type = SCSI_EV_ABORT });
		end(0);
		expect_aborted(0);
		come(0, 0, SCSI_ATTR_SIMPLE, VERIFY, 0);
		step(0, (struct scsi_event){ .type = SCSI_EV_ABORT, .tell = true });
		end(0);
		expect_status(0, SCSI_STATUS_TASK_ABORTED);
	}
	all_local();
}

/* [MODE-1] TST: a set for each nexus, and tasks find their new set when that changes. */
static void task_set_type(void **state)
{
	(void)state;
	set_mode((struct scsi_mode){ .reorder = 1, .tst = 1 });
	come(0, 0, SCSI_ATTR_ORDERED, VERIFY, 0);
	come(1, 1, SCSI_ATTR_SIMPLE, VERIFY, 0);
	come(2, 0, SCSI_ATTR_SIMPLE, VERIFY, 0);
	come(3, 1, SCSI_ATTR_ORDERED, VERIFY, 0);
	expect_runs(0);
	expect_runs(1);
	expect_waits(2);
	expect_waits(3);
	/* CLEAR TASK SET means its own */
	come(4, 1, SCSI_ATTR_SIMPLE, VERIFY, 0);
	set_mode((struct scsi_mode){ .reorder = 1 });
	end(0);
	expect_runs(2);
	end(2);
	expect_waits(3);
	end(1);
	expect_runs(3);
	come(5, 0, SCSI_ATTR_HEAD, VERIFY, 0);
	come(6, 0, SCSI_ATTR_SIMPLE, VERIFY, 0);
	expect_waits(4);
	expect_waits(6);
	set_mode((struct scsi_mode){ .reorder = 1, .tst = 1 });
	expect_waits(6); /* behind its HEAD */
	expect_waits(4); /* behind its ordered one */
	end(5);
	expect_runs(6);
	end(3);
	expect_runs(4);
	assert_int_equal(tmf(SCSI_TMF_CLEAR_TASK_SET, 1, 0), BIT(4));
	assert_int_equal(uas_of(0), 0);
	end(6);
	/* an ACA condition goes with its nexus, and with its command */
	establish();
	come(0, 0, SCSI_ATTR_ACA, VERIFY, 0);
	set_mode((struct scsi_mode){ .reorder = 1 });
	assert_ptr_equal(lu()->order.set.aca, &r->nexus[0]);
	assert_ptr_equal(lu()->order.set.aca_task, &jobs[0].t);
	come(1, 1, SCSI_ATTR_SIMPLE, VERIFY, 0);
	expect_status(1, SCSI_STATUS_BUSY);
	set_mode((struct scsi_mode){ .reorder = 1, .tst = 1 });
	come(1, 1, SCSI_ATTR_SIMPLE, VERIFY, NACA);
	break_io(1);
	set_mode((struct scsi_mode){ .reorder = 1 });
	end(0);
	tmf(SCSI_TMF_CLEAR_ACA, 0, 0);
	assert_null(lu()->order.set.aca); /* one set has one */
	all_local();
}

/* [MODE-2] Restricted reordering: what changes the medium is done in order. */
static void restricted(void **state)
{
	(void)state;
	set_mode((struct scsi_mode){ .reorder = 0 });
	assert_int_equal(gathers, 1);
	come(0, 0, SCSI_ATTR_SIMPLE, VERIFY, 0);
	come(1, 0, SCSI_ATTR_SIMPLE, VERIFY, 0);
	come(2, 0, SCSI_ATTR_SIMPLE, 0x93,
	     0); /* WRITE SAME(16): refused, but not before its turn */
	come(3, 0, SCSI_ATTR_SIMPLE, VERIFY, 0);
	expect_runs(0);
	expect_runs(1);
	expect_waits(2);
	expect_waits(3);
	end(0);
	end(1);
	assert_int_equal(jobs[2].act, SCSI_ACT_COMPLETE);
	expect_runs(3);
	end(3);
	set_mode((struct scsi_mode){ .reorder = 1 });
	all_local();
}

/* [MODE-6] A unit attention that stays, and the one that notes a BUSY. */
static void interlock(void **state)
{
	(void)state;
	set_mode((struct scsi_mode){ .reorder = 1, .ua_intlck = SCSI_UA_INTLCK_KEEP });
	scsi_lu_ua(lu(), SCSI_UA_CAPACITY_CHANGED, NULL);
	rig_views(r);
	for (int i = 0; i < 3; i++) {
		come(0, 0, SCSI_ATTR_SIMPLE, 0x00, 0);
		expect_sense(0, 6, 0x2a09);
	}
	assert_int_equal(rig_run(rig_from(r, 0), rig_lun0, CDB(0x03, 1, 0, 0, 252, 0), 252, 0), 0);
	assert_int_equal(get_be16(r->in + 2), 0x2a09);
	come(0, 0, SCSI_ATTR_SIMPLE, 0x00, 0);
	expect_status(0, SCSI_STATUS_GOOD);
	(void)uas_of(1);
	set_mode((struct scsi_mode){ .reorder = 1, .ua_intlck = SCSI_UA_INTLCK_NOTE });
	come(0, 0, SCSI_ATTR_SIMPLE, VERIFY, 0);
	assert_int_equal(jobs[0].t.route, SCSI_ROUTE_HOME);
	step(0, (struct scsi_event){ .type = SCSI_EV_IO_DONE, .result = -ENOMEM });
	expect_status(0, SCSI_STATUS_BUSY);
	for (int i = 0; i < 2; i++) {
		come(0, 0, SCSI_ATTR_SIMPLE, 0x00, 0);
		expect_sense(0, 6, 0x2c07);
	}
	come(0, 1, SCSI_ATTR_SIMPLE, 0x00, 0);
	expect_status(0, SCSI_STATUS_GOOD);
	/* a reset brings the defaults back */
	tmf(SCSI_TMF_LUN_RESET, 0, 0);
	assert_int_equal(lu()->mode.ua_intlck, SCSI_UA_INTLCK_CLEAR);
	all_local();
}
int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(qerr, setup, teardown),
		cmocka_unit_test_setup_teardown(ua_of_aborted, setup, teardown),
		cmocka_unit_test_setup_teardown(tas, setup, teardown),
		cmocka_unit_test_setup_teardown(task_set_type, setup, teardown),
		cmocka_unit_test_setup_teardown(restricted, setup, teardown),
		cmocka_unit_test_setup_teardown(interlock, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
