/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A medium that comes and goes, who may keep it in, and power conditions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scsi/cmd.h"
#include "scsi/testrig.h"

#include <errno.h>
#include <string.h>

#define EJECT    0x02 /* byte 4 of START STOP UNIT */
#define LOAD     0x03
#define STOP     0x00
#define START    0x01
#define NO_FLUSH 0x04
#define IDLE     0x20
#define STANDBY  0x30

static struct rig *r;

static int setup(void **state)
{
	(void)state;
	r = rig_new_quiet();
	r->lu[0].removable = true;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rig_free(r);
	return 0;
}

static uint8_t start_stop(unsigned nexus, uint8_t what)
{
	return rig_run(rig_from(r, nexus), rig_lun0, CDB(0x1b, 0, 0, 0, what, 0), 0, 0);
}

static uint8_t prevent(unsigned nexus, uint8_t what)
{
	return rig_run(rig_from(r, nexus), rig_lun0, CDB(0x1e, 0, 0, 0, what, 0), 0, 0);
}

static uint8_t ready(unsigned nexus)
{
	return rig_run(rig_from(r, nexus), rig_lun0, CDB(0, 0, 0, 0, 0, 0), 0, 0);
}

static void expect_out(unsigned nexus)
{
	assert_int_equal(ready(nexus), 2);
	rig_expect_sense(r, 2, 0x3a00);
}

static void expect_kept(unsigned nexus, uint8_t what)
{
	assert_int_equal(start_stop(nexus, what), 2);
	rig_expect_sense(r, 5, 0x5302);
	assert_int_equal(r->n_acts, 0); /* not even flushed */
}

static uint8_t rmb(const uint8_t *lun)
{
	assert_int_equal(rig_run(rig_from(r, 0), lun, CDB(0x12, 0, 0, 0, 96, 0), 96, 0), 0);
	return r->in[1];
}

/* Out and in again: who did it knows, everybody else hears of it, once. */
static void out_and_in(void **state)
{
	(void)state;
	assert_int_equal(rmb(rig_lun0), 0x80);
	assert_int_equal(rmb(rig_lun1), 0);
	assert_int_equal(start_stop(0, EJECT), 0);
	assert_int_equal(r->n_acts, 1);
	assert_int_equal(r->acts[0].type, SCSI_ACT_FLUSH);
	assert_int_equal(r->changed, SCSI_CHANGED_LU);
	expect_out(0);
	expect_out(1);
	assert_int_equal(start_stop(1, EJECT), 0); /* it is out */
	assert_int_equal(r->n_acts, 0);
	assert_int_equal(start_stop(0, START), 2); /* there is nothing to start */
	rig_expect_sense(r, 2, 0x3a00);
	assert_int_equal(start_stop(0, STANDBY), 2);
	rig_expect_sense(r, 2, 0x3a00);
	assert_int_equal(start_stop(0, LOAD), 0);
	assert_int_equal(ready(0), 0);
	assert_int_equal(r->route, SCSI_ROUTE_LOCAL);
	assert_int_equal(ready(1), 2);
	rig_expect_sense(r, 6, 0x2800);
	assert_int_equal(ready(1), 0);
	/* it was there: no news */
	assert_int_equal(start_stop(0, LOAD), 0);
	assert_int_equal(ready(1), 0);
	assert_int_equal(start_stop(0, EJECT | NO_FLUSH), 0);
	assert_int_equal(r->n_acts, 0);
	expect_out(1);
}

/* Every command that needs the medium says so, and no other does. */
static void without_medium(void **state)
{
	const struct scsi_cmd *cmd;

	(void)state;
	assert_int_equal(start_stop(0, EJECT), 0);
	for (size_t i = 0; (cmd = scsi_cmd_at(i)); i++) {
		uint8_t cdb[CDB_MAX_BYTES] = { cmd->opcode };
		struct sense s = { 0 };

		if (!scsi_cmd_supported(cmd, &r->lu[0]) || cmd->opcode == SCSI_OP_START_STOP_UNIT)
			continue;
		cdb[1] = (uint8_t)cmd->service_action;
		rig_run(rig_from(r, 0), rig_lun0, cdb, cdb_len(cmd->opcode), 64, 64);
		if (r->t.sense_len)
			s = rig_sense(r);
		if (cmd->flags & SCSI_CMD_MEDIUM)
			assert_true(s.key == 2 && s.asc == 0x3a00);
		else if (cmd->opcode != SCSI_OP_FORMAT_UNIT && cmd->opcode != SCSI_OP_SANITIZE)
			assert_int_not_equal(s.asc, 0x3a00);
	}
	rig_run(rig_from(r, 0), rig_lun0, CDB(0x04, 0, 0, 0, 0, 0), 0, 0); /* FORMAT UNIT */
	rig_expect_sense(r, 2, 0x3a00);
	rig_run(rig_from(r, 0), rig_lun0, CDB(0x48, 0x02, 0, 0, 0, 0, 0, 0, 0, 0), 0, 0);
	rig_expect_sense(r, 2, 0x3a00);
	/* REQUEST SENSE tells it; the block descriptor has no blocks */
	rig_run(rig_from(r, 0), rig_lun0, CDB(0x03, 0, 0, 0, 252, 0), 252, 0);
	assert_int_equal(r->in[2] & 0x0f, 2);
	assert_int_equal(get_be16(r->in + 12), 0x3a00);
	rig_run(rig_from(r, 0), rig_lun0, CDB(0x5a, 0x10, 0x3f, 0, 0, 0, 0, 0, 255, 0), 255, 0);
	assert_true(get_be64(r->in + 8) == 0 && get_be32(r->in + 20) == 512);
	rig_run(rig_from(r, 0), rig_lun0, CDB(0x1a, 0, 0x3f, 0, 255, 0), 255, 0);
	assert_int_equal(get_be32(r->in + 4), 0);
}

static void kept_in(void **state)
{
	(void)state;
	assert_int_equal(prevent(0, 1), 0);
	expect_kept(0, EJECT);
	expect_kept(1, EJECT | NO_FLUSH);
	assert_int_equal(ready(1), 0);
	/* of two that prevent it both must allow it */
	assert_int_equal(prevent(1, 1), 0);
	assert_int_equal(prevent(0, 0), 0);
	expect_kept(0, EJECT);
	assert_int_equal(start_stop(0, LOAD), 0); /* it is there: nothing comes in or out */
	assert_int_equal(start_stop(0, STOP), 0); /* nor here */
	assert_int_equal(prevent(1, 0), 0);
	assert_int_equal(start_stop(0, EJECT), 0);
	/* while it is out, too */
	assert_int_equal(prevent(1, 3), 0);
	expect_kept(0, LOAD);
	assert_int_equal(start_stop(0, EJECT), 0);
	expect_out(0);
	assert_int_equal(prevent(1, 2), 0); /* 10b prevents nothing here */
	assert_int_equal(start_stop(0, LOAD), 0);
	assert_int_equal(ready(0), 0);
}

/* Resets, the end of the nexus, another map, PREEMPT AND ABORT: whoever prevented it is forgotten. */
static void forgotten(void **state)
{
	struct scsi_map_entry map[] = { { &r->lu[0], 0, false }, { &r->lu[1], 1, false } };

	(void)state;
	assert_int_equal(prevent(0, 1), 0);
	assert_int_equal(prevent(1, 1), 0);
	(void)rig_tmf(r, SCSI_TMF_NEXUS_RESET, 0, rig_lun0);
	(void)scsi_uas_pop(&r->nexus[0].lun[0].uas);
	rig_views(r);
	expect_kept(0, EJECT); /* the other one does */
	(void)rig_tmf(r, SCSI_TMF_LUN_RESET, 0, rig_lun0);
	for (int i = 0; i < 2; i++)
		(void)scsi_uas_pop(&r->nexus[i].lun[0].uas);
	rig_views(r);
	assert_int_equal(start_stop(0, EJECT), 0);
	/* a reset brings no medium back */
	(void)rig_tmf(r, SCSI_TMF_LUN_RESET, 0, rig_lun0);
	for (int i = 0; i < 2; i++)
		(void)scsi_uas_pop(&r->nexus[i].lun[0].uas);
	rig_views(r);
	expect_out(0);
	assert_int_equal(start_stop(0, LOAD), 0);
	(void)scsi_uas_pop(&r->nexus[1].lun[0].uas);
	assert_int_equal(prevent(1, 1), 0);
	assert_int_equal(scsi_nexus_remap(&r->nexus[1], NULL, 0), 1);
	rig_views(r);
	assert_int_equal(start_stop(0, EJECT), 0);
	assert_int_equal(scsi_nexus_remap(&r->nexus[1], map, 2), 1);
	rig_views(r);
	assert_int_equal(start_stop(0, LOAD), 0);
}

static uint8_t pr_out(unsigned nexus, uint8_t sa, uint64_t key, uint64_t sa_key)
{
	memset(r->out, 0, 24);
	put_be64(r->out, key);
	put_be64(r->out + 8, sa_key);
	return rig_run(rig_from(r, nexus), rig_lun0, CDB(0x5f, sa, 1, 0, 0, 0, 0, 0, 24, 0), 0, 24);
}

static void reserved(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(pr_out(i, SCSI_PR_OUT_REGISTER, 0, 7 + i), 0);
	assert_int_equal(prevent(1, 1), 0);
	assert_int_equal(pr_out(0, SCSI_PR_OUT_RESERVE, 7, 0), 0);
	/* what changes something is kept out, what gives back is not */
	assert_int_equal(prevent(1, 1), SCSI_STATUS_RESERVATION_CONFLICT);
	assert_int_equal(start_stop(1, EJECT), SCSI_STATUS_RESERVATION_CONFLICT);
	assert_int_equal(start_stop(1, STANDBY | START), SCSI_STATUS_RESERVATION_CONFLICT);
	assert_int_equal(start_stop(1, START), 0);
	assert_int_equal(start_stop(1, LOAD), 0);
	expect_kept(0, EJECT);
	assert_int_equal(pr_out(0, SCSI_PR_OUT_PREEMPT, 7, 8), 0);
	(void)scsi_uas_pop(&r->nexus[1].lun[0].uas);
	expect_kept(0, EJECT);
	assert_int_equal(pr_out(1, SCSI_PR_OUT_REGISTER, 0, 8), 0);
	assert_int_equal(pr_out(0, SCSI_PR_OUT_PREEMPT_AND_ABORT, 7, 8), 0);
	(void)scsi_uas_pop(&r->nexus[1].lun[0].uas);
	assert_int_equal(start_stop(0, EJECT), 0);
	assert_int_equal(start_stop(0, LOAD), 0);
	(void)scsi_uas_pop(&r->nexus[1].lun[0].uas);
	assert_int_equal(prevent(0, 1), 0);
	assert_int_equal(prevent(1, 0), 0);
	/* that of RESERVE, likewise */
	assert_int_equal(pr_out(0, SCSI_PR_OUT_CLEAR, 7, 0), 0);
	assert_int_equal(rig_run(rig_from(r, 0), rig_lun0, CDB(0x16, 0, 0, 0, 0, 0), 0, 0), 0);
	assert_int_equal(prevent(1, 1), SCSI_STATUS_RESERVATION_CONFLICT);
	assert_int_equal(prevent(1, 0), 0);
}

/* What an operator does counts as what an initiator does. */
static void by_operator(void **state)
{
	(void)state;
	assert_int_equal(scsi_lu_eject(&r->lu[1]), SCSI_MEDIUM_E_FIXED);
	assert_int_equal(scsi_lu_insert(&r->lu[1], NULL), SCSI_MEDIUM_E_FIXED);
	assert_int_equal(prevent(0, 1), 0);
	assert_int_equal(scsi_lu_eject(&r->lu[0]), SCSI_MEDIUM_E_PREVENTED);
	assert_int_equal(prevent(0, 0), 0);
	assert_int_equal(scsi_lu_eject(&r->lu[0]), 0);
	rig_views(r);
	expect_out(0);
	assert_int_equal(scsi_lu_insert(&r->lu[0], NULL), 0);
	rig_views(r);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(ready(i), 2);
		rig_expect_sense(r, 6, 0x2800);
	}
	/* not while it is erased, with IMMED */
	r->erase_later = true;
	r->out[1] = 0x02;
	assert_int_equal(rig_run(rig_from(r, 0), rig_lun0, CDB(0x04, 0x10, 0, 0, 0, 0), 0, 4), 0);
	assert_int_equal(scsi_lu_eject(&r->lu[0]), SCSI_MEDIUM_E_BUSY);
	assert_int_equal(start_stop(0, EJECT), 2);
	rig_expect_sense(r, 2, 0x0404);
	assert_true(rig_erase(r, 0, 1000));
	assert_int_equal(scsi_lu_eject(&r->lu[0]), 0);
}

static void sensed(uint16_t asc)
{
	assert_int_equal(rig_run(rig_from(r, 0), rig_lun0, CDB(0x03, 0, 0, 0, 252, 0), 252, 0), 0);
	assert_int_equal(r->in[2] & 0x0f, 0);
	assert_int_equal(get_be16(r->in + 12), asc);
}

static uint8_t read_one(void)
{
	return rig_run(rig_from(r, 1), rig_lun0, CDB(0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0), 512, 0);
}

/* Idle and standby last until the medium is needed, by whomever; after that nothing is sent home for them. */
static void low_power(void **state)
{
	static const struct {
		uint8_t what;
		uint16_t asc;
	} lows[] = { { IDLE, 0x5e03 }, { STANDBY, 0x5e04 } };

	(void)state;
	for (unsigned removable = 0; removable < 2; removable++) {
		r->lu[0].removable = removable;
		sensed(0);
		for (size_t i = 0; i < ARRAY_SIZE(lows); i++) {
			assert_int_equal(start_stop(0, lows[i].what), 0);
			assert_int_equal(r->n_acts, lows[i].what == STANDBY);
			sensed(lows[i].asc);
			assert_int_equal(ready(1), 0);
			assert_int_equal(r->route, SCSI_ROUTE_HOME);
			sensed(lows[i].asc);
			assert_int_equal(read_one(), 0);
			sensed(0);
			assert_int_equal(read_one(), 0);
			assert_int_equal(r->route, SCSI_ROUTE_LOCAL);
			assert_int_equal(start_stop(0, lows[i].what), 0);
			assert_int_equal(start_stop(0, 0x70), 0); /* LU control */
			sensed(lows[i].asc);
			assert_int_equal(start_stop(0, i ? START : 0x10), 0);
			sensed(0);
			assert_int_equal(start_stop(0, lows[i].what), 0);
			(void)rig_tmf(r, SCSI_TMF_LUN_RESET, 0, rig_lun0);
			for (int k = 0; k < 2; k++)
				(void)scsi_uas_pop(&r->nexus[k].lun[0].uas);
			rig_views(r);
			sensed(0);
		}
	}
	r->fail_type = SCSI_ACT_FLUSH;
	r->fail_result = -EIO;
	start_stop(0, STANDBY);
	rig_expect_sense(r, 3, 0x0c00);
	sensed(0);
}

/* A fixed unit that is stopped waits for START, or for another power condition; a removable one does not. */
static void stopped(void **state)
{
	static const uint8_t ends[] = { START, 0x10, IDLE, STANDBY };

	(void)state;
	assert_int_equal(start_stop(0, STOP), 0);
	assert_int_equal(r->lu[0].n_stops, 1);
	sensed(0x5e04);
	assert_int_equal(ready(0), 0);
	assert_int_equal(read_one(), 0);
	sensed(0);
	r->lu[0].removable = false;
	for (size_t i = 0; i < sizeof(ends); i++) {
		assert_int_equal(start_stop(0, STOP), 0);
		assert_int_equal(ready(1), 2);
		rig_expect_sense(r, 2, 0x0402);
		assert_int_equal(start_stop(0, ends[i]), 0);
		assert_int_equal(ready(1), 0);
		assert_int_equal(read_one(), 0);
	}
	assert_int_equal(r->lu[0].n_stops, 5);
}

/* Conditions that there are not, modifiers, and LOEJ beside a condition, where it says nothing. */
static void fields(void **state)
{
	(void)state;
	for (unsigned removable = 0; removable < 2; removable++) {
		r->lu[0].removable = removable;
		for (uint8_t pc = 1; pc < 16; pc++) {
			bool known = pc <= 3 || pc == 7;

			assert_int_equal(start_stop(0, (uint8_t)(pc << 4 | EJECT)),
					 known || removable ? 0 : 2);
			if (known || removable)
				continue;
			rig_expect_sense(r, 5, 0x2400);
			assert_int_equal(rig_sense(r).field_byte, 4);
			assert_int_equal(rig_sense(r).field_bit, 7);
		}
		assert_int_equal(ready(0), 0);
		rig_run(rig_from(r, 0), rig_lun0, CDB(0x1b, 0, 0, 1, IDLE, 0), 0, 0);
		rig_expect_sense(r, 5, 0x2400);
		assert_int_equal(rig_sense(r).field_byte, 3);
	}
	r->lu[0].removable = false;
	for (uint8_t start = 0; start < 2; start++) {
		start_stop(0, EJECT | start);
		rig_expect_sense(r, 5, 0x2400);
		assert_int_equal(rig_sense(r).field_byte, 4);
		assert_int_equal(rig_sense(r).field_bit, 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(out_and_in, setup, teardown),
		cmocka_unit_test_setup_teardown(without_medium, setup, teardown),
		cmocka_unit_test_setup_teardown(kept_in, setup, teardown),
		cmocka_unit_test_setup_teardown(forgotten, setup, teardown),
		cmocka_unit_test_setup_teardown(reserved, setup, teardown),
		cmocka_unit_test_setup_teardown(by_operator, setup, teardown),
		cmocka_unit_test_setup_teardown(low_power, setup, teardown),
		cmocka_unit_test_setup_teardown(stopped, setup, teardown),
		cmocka_unit_test_setup_teardown(fields, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
