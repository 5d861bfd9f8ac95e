/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Reservations that were lost or that an operator replaces: what is refused meanwhile, and who hears of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scsi/cmd.h"
#include "scsi/pr_rig.h"

#include <string.h>

/* --- REPLACE LOST RESERVATION --- */

/* The program begins again, and what it kept of the reservations of lu[0] is damaged. */
static void lose(bool keeps)
{
	struct scsi_map_entry map[] = { { &r->lu[0], 0, false }, { &r->lu[1], 1, false } };

	for (int i = 0; i < 2; i++)
		assert_int_equal(scsi_nexus_remap(&r->nexus[i], NULL, 0), 1);
	r->lu[0].keeps = keeps;
	scsi_lu_lose_pr(&r->lu[0]);
	for (int i = 0; i < 2; i++)
		assert_int_equal(scsi_nexus_remap(&r->nexus[i], map, 2), 1);
	for (unsigned i = 0; i < 2; i++)
		while (ua(i) || scsi_uas_pop(&r->nexus[i].lun[1].uas))
			;
}

static bool answers_when_lost(const struct scsi_cmd *cmd)
{
	switch (cmd->opcode) {
	case 0x03: /* REQUEST SENSE, INQUIRY, WRITE BUFFER, READ BUFFER, LOG SENSE, REPORT LUNS */
	case 0x12:
	case 0x3b:
	case 0x3c:
	case 0x4d:
	case 0x9b:
	case 0xa0:
		return true;
	case 0x5f: /* REPLACE LOST RESERVATION */
		return cmd->service_action == 8;
	case 0xa3: /* REPORT TARGET PORT GROUPS */
		return cmd->service_action == 0x0a;
	default:
		return false;
	}
}

static bool is_lost(void)
{
	struct sense s;

	if (r->t.status != SCSI_STATUS_CHECK_CONDITION)
		return false;
	s = rig_sense(r);
	return s.key == SENSE_DATA_PROTECT && s.asc == 0x4401;
}

/* [SAVE-7] Every command of the table; START is let in, other forms of START STOP UNIT are not. */
static void lost_every_command(void **state)
{
	const struct scsi_cmd *cmd;

	(void)state;
	lose(false);
	for (size_t i = 0; (cmd = scsi_cmd_at(i)); i++) {
		uint8_t cdb[16] = { cmd->opcode };

		if (!scsi_cmd_supported(cmd, &r->lu[0]))
			continue;
		if (cmd->flags & SCSI_CMD_SA)
			cdb[1] = cmd->service_action;
		for (unsigned from = 0; from < 2; from++) {
			rig_run(rig_from(r, from), rig_lun0, cdb, sizeof(cdb), 0, 0);
			if (is_lost() == answers_when_lost(cmd))
				fail_msg("%02xh/%02xh is %s", cmd->opcode, cmd->service_action,
					 is_lost() ? "refused" : "let in");
		}
	}
	expect_good(rig_run(r, rig_lun0, CDB(0x1b, 0, 0, 0, 1, 0), 0, 0));
	rig_run(r, rig_lun0, CDB(0x1b, 0, 0, 0, 0x11, 0), 0, 0);
	assert_true(is_lost());
	rig_run(r, rig_lun0, CDB(0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0), 512, 0);
	assert_int_equal(r->route, SCSI_ROUTE_HOME);
	assert_true(is_lost());
	/* the other unit is as ever */
	assert_int_equal(rig_run(r, rig_lun1, CDB(0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0), 4096, 0), 0);
}

/* [SAVE-7] It wants keys, scope and type as they must be; then one registration holds the reservation. */
static void replace_lost(void **state)
{
	(void)state;
	expect_good(out(0, 0, 0, 0, 0xa));
	out(0, 8, 1, 0, 0xa);
	rig_expect_sense(r, 5, 0x2604); /* nothing is lost */
	out(1, 8, 1, 0, 0xa);
	rig_expect_sense(r, 5, 0x2604);
	lose(false);
	out(0, 8, 1, 0xa, 0xa);
	rig_expect_sense(r, 5, 0x2600);
	out(0, 8, 1, 0, 0);
	rig_expect_sense(r, 5, 0x2600);
	out(0, 8, 2, 0, 0xa);
	rig_expect_sense(r, 5, 0x2400);
	out(0, 8, 0x11, 0, 0xa);
	rig_expect_sense(r, 5, 0x2400);
	memset(r->out, 0, 24);
	r->out[20] = 1; /* APTPL, and nothing that keeps it */
	out_list(0, 8, 1, 0, 0xa, 24);
	rig_expect_sense(r, 5, 0x2600);
	/* nor does a reset or that a nexus goes help */
	rig_tmf(r, SCSI_TMF_LUN_RESET, 1, rig_lun0);
	while (ua(0) || ua(1))
		;
	tur(0);
	assert_true(is_lost());
	expect_good(out(1, 8, SCSI_PR_EXCLUSIVE_ACCESS, 0, 0xb));
	assert_int_equal(r->changed, SCSI_CHANGED_LU);
	assert_int_equal(r->saves, 0); /* there is no place, see saved_test.c */
	assert_int_equal(r->lu[0].pr.n, 1);
	assert_int_equal(r->lu[0].pr.reg[0].key, 0xb);
	assert_int_equal(r->lu[0].pr.type, SCSI_PR_EXCLUSIVE_ACCESS);
	assert_int_equal(r->lu[0].pr.generation, 0);
	assert_false(r->lu[0].pr.lost || r->lu[0].pr.aptpl);
	assert_int_equal(ua(0), 0);
	expect_good(tur(0));
	expect_conflict(
		rig_run(rig_from(r, 0), rig_lun0, CDB(0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0), 512, 0));
	expect_good(
		rig_run(rig_from(r, 1), rig_lun0, CDB(0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0), 512, 0));
	out(1, 8, SCSI_PR_EXCLUSIVE_ACCESS, 0, 0xb);
	rig_expect_sense(r, 5, 0x2604);
}

/* --- by an operator --- */

/* Who loses what hears of it; what the unit had before is restored as it was, and then nobody hears anything. */
static void replaced(void **state)
{
	struct scsi_pr was, pr = { 0 };
	bool saves = true;

	(void)state;
	expect_good(out(0, 0, 0, 0, 0xa));
	expect_good(out(1, 0, 0, 0, 0xb));
	expect_good(out(0, 1, SCSI_PR_WRITE_EXCLUSIVE_RO, 0xa, 0));
	was = r->lu[0].pr;
	/* one goes, and with it the reservation, which the other was let in by */
	pr.n = 1;
	pr.reg[0] = was.reg[1];
	assert_int_equal(scsi_lu_replace_pr(&r->lu[0], &pr, &saves), 0);
	assert_false(saves);
	assert_int_equal(ua(0), SCSI_UA_REGISTRATIONS_PREEMPTED);
	assert_int_equal(ua(1), SCSI_UA_RESERVATIONS_RELEASED);
	assert_int_equal(ua(0) + ua(1), 0);
	expect_good(write_block(0));
	assert_int_equal(scsi_lu_replace_pr(&r->lu[0], &was, &saves), 0);
	assert_int_equal(scsi_lu_replace_pr(&r->lu[0], &was, &saves), 0);
	assert_memory_equal(&r->lu[0].pr, &was, sizeof(was));
	assert_int_equal(ua(0) + ua(1), 0);
	/* the other holds it: who held it hears */
	pr = was;
	pr.holder = 1;
	pr.type = SCSI_PR_WRITE_EXCLUSIVE;
	assert_int_equal(scsi_lu_replace_pr(&r->lu[0], &pr, &saves), 0);
	assert_int_equal(ua(0), SCSI_UA_RESERVATIONS_PREEMPTED);
	assert_int_equal(ua(1), SCSI_UA_RESERVATIONS_RELEASED);
	expect_conflict(write_block(0));
	expect_good(write_block(1));
}

/* What no unit can have or keep is refused, and changes nothing; what was lost is made good, and that is saved. */
static void replaced_not(void **state)
{
	struct scsi_pr pr = { .n = 1, .type = SCSI_PR_WRITE_EXCLUSIVE, .aptpl = true };
	struct scsi_pr bad;
	bool saves = false;

	(void)state;
	pr.reg[0] = (struct scsi_pr_reg){ .key = 1, .nexus = pr_nexus_of(&r->nexus[0]) };
	assert_int_equal(scsi_lu_replace_pr(&r->lu[0], &pr, &saves), SCSI_PR_E_NOT_KEPT);
	bad = pr;
	bad.holder = 1;
	assert_int_equal(scsi_lu_replace_pr(&r->lu[0], &bad, &saves), SCSI_PR_E_UNSOUND);
	bad = (struct scsi_pr){ .lost = true };
	assert_int_equal(scsi_lu_replace_pr(&r->lu[0], &bad, &saves), SCSI_PR_E_UNSOUND);
	r->lu[0].keeps = true;
	expect_good(rig_run(rig_from(r, 0), rig_lun0, CDB(0x16, 0, 0, 0, 0, 0), 0, 0));
	assert_int_equal(scsi_lu_replace_pr(&r->lu[0], &pr, &saves), SCSI_PR_E_RESERVED);
	expect_good(rig_run(rig_from(r, 0), rig_lun0, CDB(0x17, 0, 0, 0, 0, 0), 0, 0));
	assert_int_equal(r->lu[0].pr.n, 0);
	lose(true);
	pr.aptpl = false;
	assert_int_equal(scsi_lu_replace_pr(&r->lu[0], &pr, &saves), 0);
	assert_true(saves);
	rig_views(r);
	expect_good(write_block(0));
	expect_conflict(write_block(1));
}
int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(lost_every_command, setup, teardown),
		cmocka_unit_test_setup_teardown(replace_lost, setup, teardown),
		cmocka_unit_test_setup_teardown(replaced, setup, teardown),
		cmocka_unit_test_setup_teardown(replaced_not, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
