/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Reservations: who may do what (every command, every type, every role), lists byte by byte, limits, and what
 * a reservation outlives. Those that are lost or replaced are pr_lost_test.c, the random walk over PERSISTENT
 * RESERVE OUT pr_walk_test.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scsi/cmd.h"
#include "scsi/pr_rig.h"

#include <errno.h>
#include <string.h>

static uint8_t read_block(unsigned nexus)
{
	return rig_run(rig_from(r, nexus), rig_lun0, CDB(0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0), 512, 0);
}

/* --- who may do what --- */

/* SPC-5 table 67 and SBC-4 table 13, typed in anew: may who does not hold the reservation do it? */
struct row {
	uint8_t opcode, sa;
	bool write_excl, excl_access; /* allowed to who is not registered, by the kind of type */
};

static const struct row rows[] = {
	{ 0x00, 0, true, true },      { 0x03, 0, true, true },      { 0x04, 0, false, false },
	{ 0x08, 0, true, false },     { 0x0a, 0, false, false },    { 0x12, 0, true, true },
	{ 0x15, 0, false, false },    { 0x1a, 0, true, false },     { 0x1b, 0, false, false },
	{ 0x1d, 0, false, false },    { 0x1e, 0, true, true },      { 0x25, 0, true, true },
	{ 0x28, 0, true, false },     { 0x2a, 0, false, false },    { 0x2e, 0, false, false },
	{ 0x2f, 0, true, false },     { 0x34, 0, true, false },     { 0x35, 0, false, false },
	{ 0x37, 0, true, false },     { 0x3b, 0, false, false },    { 0x3c, 0, true, false },
	{ 0x41, 0, false, false },    { 0x42, 0, false, false },    { 0x48, 0x01, false, false },
	{ 0x48, 0x02, false, false }, { 0x48, 0x1f, false, false }, { 0x4c, 0, false, false },
	{ 0x4d, 0, true, true },      { 0x55, 0, false, false },    { 0x5a, 0, true, false },
	{ 0x5e, 0, true, true },      { 0x5e, 0x01, true, true },   { 0x5e, 0x02, true, true },
	{ 0x5e, 0x03, true, true },   { 0x83, 0, false, false },    { 0x83, 0x01, false, false },
	{ 0x83, 0x10, true, false },  { 0x83, 0x11, false, false }, { 0x83, 0x1c, false, false },
	{ 0x84, 0, true, true },      { 0x84, 0x03, true, true },   { 0x84, 0x04, true, true },
	{ 0x84, 0x05, true, true },   { 0x84, 0x07, true, true },   { 0x88, 0, true, false },
	{ 0x89, 0, false, false },    { 0x8a, 0, false, false },    { 0x8b, 0, false, false },
	{ 0x8e, 0, false, false },    { 0x8f, 0, true, false },     { 0x90, 0, true, false },
	{ 0x91, 0, false, false },    { 0x93, 0, false, false },    { 0x9b, 0, true, false },
	{ 0x9c, 0, false, false },    { 0x9e, 0x10, true, true },   { 0x9e, 0x12, true, false },
	{ 0x9e, 0x13, true, true },   { 0xa0, 0, true, true },      { 0xa3, 0x05, true, true },
	{ 0xa3, 0x0a, true, true },   { 0xa3, 0x0c, true, false },  { 0xa3, 0x0d, true, false },
	{ 0xa3, 0x0f, true, true },   { 0xa4, 0x06, false, false }, { 0xa4, 0x0a, false, false },
	{ 0xa4, 0x0f, false, false }, { 0xa8, 0, true, false },     { 0xaa, 0, false, false },
	{ 0xae, 0, false, false },    { 0xaf, 0, true, false },     { 0xb7, 0, true, false },
};

static const struct row *row_of(const struct scsi_cmd *cmd)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].opcode == cmd->opcode && rows[i].sa == cmd->service_action)
			return &rows[i];
	return NULL;
}

/* RESERVE, RELEASE, PERSISTENT RESERVE OUT: further below. */
static bool has_own_rules(const struct scsi_cmd *cmd)
{
	return cmd->opcode == 0x16 || cmd->opcode == 0x17 || cmd->opcode == 0x56 ||
	       cmd->opcode == 0x57 || cmd->opcode == 0x5f;
}

/* Run the plainest form of @cmd; true when it conflicts. */
static bool conflicts(unsigned nexus, const struct scsi_cmd *cmd)
{
	uint8_t cdb[CDB_MAX_BYTES] = { cmd->opcode, cmd->service_action };

	if (cmd->opcode == 0xa0)
		cdb[9] = 16;
	memset(r->out, 0, 4096);
	rig_run(rig_from(r, nexus), rig_lun0, cdb, sizeof(cdb), 4096, 4096);
	if (r->t.status != SCSI_STATUS_RESERVATION_CONFLICT)
		assert_true(r->route == SCSI_ROUTE_LOCAL || !(cmd->flags & SCSI_CMD_LOCAL));
	r->lu[0].stopped = false;
	rig_views(r);
	return r->t.status == SCSI_STATUS_RESERVATION_CONFLICT;
}

/* [PR-1] Nexus 0 holds the reservation; 1 is registered or not. */
static void every_command(void **state)
{
	static const uint8_t types[] = { 1, 3, 5, 6, 7, 8 };
	unsigned n = 0;

	(void)state;
	r->lu[0].keeps = true; /* so that it has every command */
	expect_good(out(0, 0, 0, 0, 0xa));
	for (size_t t = 0; t < sizeof(types); t++) {
		bool we = types[t] == 1 || types[t] == 5 || types[t] == 7;
		bool for_registered = types[t] >= 5;
		const struct scsi_cmd *cmd;

		expect_good(out(0, 1, types[t], 0xa, 0));
		for (int registered = 0; registered < 2; registered++) {
			for (size_t i = 0; (cmd = scsi_cmd_at(i)); i++) {
				const struct row *row = row_of(cmd);
				bool allowed;

				if (has_own_rules(cmd))
					continue;
				assert_non_null(row);
				allowed = (we ? row->write_excl : row->excl_access) ||
					  (registered && for_registered);
				assert_int_equal(conflicts(1, cmd), !allowed);
				assert_false(conflicts(0, cmd));
				if (cmd->service_action == SCSI_SA_SET_IDENTIFYING_INFO)
					(void)ua(1); /* it is told of that */
				n++;
			}
			/* a unit may be started by anybody */
			expect_good(
				rig_run(rig_from(r, 1), rig_lun0, CDB(0x1b, 0, 0, 0, 1, 0), 0, 0));
			if (!registered)
				expect_good(out(1, 0, 0, 0, 0xb));
		}
		expect_good(out(1, 0, 0, 0xb, 0));
		expect_good(out(0, 2, types[t], 0xa, 0));
		assert_int_equal(ua(1), 0);
	}
	assert_int_equal(n, ARRAY_SIZE(rows) * 6 * 2);
}

/* [PR-2] RESERVE and RELEASE where there are registrations: compatible reservation handling. */
static void compatible(void **state)
{
	static const uint8_t codes[][10] = { { 0x16 }, { 0x17 }, { 0x56 }, { 0x57 } };

	(void)state;
	for (unsigned type = 0; type < 9; type++) {
		if (type == 2 || type == 4)
			continue;
		expect_good(out(0, 0, 0, 0, 0xa));
		if (type)
			expect_good(out(0, 1, (uint8_t)type, 0xa, 0));
		for (int registered = 0; registered < 2; registered++) {
			for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
				uint8_t s;

				s = rig_run(rig_from(r, 0), rig_lun0, codes[i], 10, 0, 0);
				assert_int_equal(s, type ? 0 : SCSI_STATUS_RESERVATION_CONFLICT);
				s = rig_run(rig_from(r, 1), rig_lun0, codes[i], 10, 0, 0);
				assert_int_equal(s, registered && type >= 5
							    ? 0
							    : SCSI_STATUS_RESERVATION_CONFLICT);
				assert_null(r->lu[0].reserved);
				assert_int_equal(r->changed, SCSI_CHANGED_NOTHING);
			}
			if (!registered)
				expect_good(out(1, 0, 0, 0, 0xb));
		}
		expect_good(out(0, 3, 0, 0xa, 0));
		(void)ua(1);
	}
}

/* [PR-3] RESERVE as SPC-2 has it. */
static void reserve_release(void **state)
{
	const struct scsi_cmd *cmd;

	(void)state;
	expect_good(rig_run(rig_from(r, 0), rig_lun0, CDB(0x16, 0, 0, 0, 0, 0), 0, 0));
	assert_int_equal(r->changed, SCSI_CHANGED_LU);
	expect_good(rig_run(rig_from(r, 0), rig_lun0, CDB(0x56, 0, 0, 0, 0, 0, 0, 0, 0, 0), 0, 0));
	assert_int_equal(r->changed, SCSI_CHANGED_NOTHING);
	for (size_t i = 0; (cmd = scsi_cmd_at(i)); i++) {
		bool exempt = cmd->opcode == 0x03 || cmd->opcode == 0x12 || cmd->opcode == 0xa0 ||
			      cmd->opcode == 0x17 || cmd->opcode == 0x57 ||
			      cmd->opcode == 0x1e; /* which allows, as it stands here */
		bool pr = cmd->opcode == 0x5e || cmd->opcode == 0x5f;

		if (cmd->opcode == 0x17 || cmd->opcode == 0x57 || cmd->opcode == 0x5f)
			continue;
		assert_int_equal(conflicts(1, cmd), !exempt);
		assert_int_equal(conflicts(0, cmd), pr); /* the two kinds exclude each other */
	}
	expect_conflict(out(0, 0, 0, 0, 1));
	/* RELEASE of who has not reserved does nothing; the other LUN is not reserved */
	expect_good(rig_run(rig_from(r, 1), rig_lun0, CDB(0x17, 0, 0, 0, 0, 0), 0, 0));
	expect_conflict(tur(1));
	expect_good(rig_run(rig_from(r, 1), rig_lun1, CDB(0, 0, 0, 0, 0, 0), 0, 0));
	expect_good(rig_run(rig_from(r, 0), rig_lun0, CDB(0x57, 0, 0, 0, 0, 0, 0, 0, 0, 0), 0, 0));
	expect_good(tur(1));
	assert_int_equal(r->route, SCSI_ROUTE_LOCAL);
	/* third party and extents are no more */
	rig_run(rig_from(r, 0), rig_lun0, CDB(0x16, 0x10, 0, 0, 0, 0), 0, 0);
	rig_expect_sense(r, 5, 0x2400);
	rig_run(rig_from(r, 0), rig_lun0, CDB(0x56, 0x01, 0, 0, 0, 0, 0, 0, 0, 0), 0, 0);
	rig_expect_sense(r, 5, 0x2400);
	/* it ends with a reset, with the nexus, with its LUN map */
	expect_good(rig_run(rig_from(r, 0), rig_lun0, CDB(0x16, 0, 0, 0, 0, 0), 0, 0));
	(void)rig_tmf(r, SCSI_TMF_LUN_RESET, 1, rig_lun0);
	assert_int_equal(ua(0), 0x2903);
	assert_int_equal(ua(1), 0x2903);
	expect_good(tur(1));
	expect_good(rig_run(rig_from(r, 0), rig_lun0, CDB(0x16, 0, 0, 0, 0, 0), 0, 0));
	(void)rig_tmf(r, SCSI_TMF_NEXUS_RESET, 0, rig_lun0);
	expect_good(tur(1));
	assert_int_equal(ua(0), 0x2907);
	expect_good(rig_run(rig_from(r, 0), rig_lun0, CDB(0x16, 0, 0, 0, 0, 0), 0, 0));
	assert_int_equal(scsi_nexus_remap(&r->nexus[0], NULL, 0), 1);
	(void)rig_tmf(r, SCSI_TMF_CLEAR_ACA, 1, rig_lun0); /* has the units drained */
	expect_good(tur(1));
	assert_int_equal(r->route, SCSI_ROUTE_LOCAL);
}

/* [PR-4] Reads stay where they arrive when only writers are kept out; the holder's commands always. */
static void routes(void **state)
{
	(void)state;
	expect_good(out(0, 0, 0, 0, 1));
	expect_good(out(0, 1, 1, 1, 0));
	assert_int_equal(r->changed, SCSI_CHANGED_LU);
	expect_good(write_block(0));
	assert_int_equal(r->route, SCSI_ROUTE_LOCAL);
	expect_good(read_block(1));
	assert_int_equal(r->route, SCSI_ROUTE_LOCAL);
	expect_conflict(write_block(1));
	assert_int_equal(r->route, SCSI_ROUTE_HOME);
	assert_int_equal(r->t.out_resid, -512);
	expect_good(out(0, 2, 1, 1, 0));
	expect_good(out(0, 1, 3, 1, 0));
	expect_conflict(read_block(1));
	expect_good(tur(1));
	assert_int_equal(r->route, SCSI_ROUTE_LOCAL);
}

/* [PR-5] What is told first: a reset, then the conflict, then other news. */
static void precedence(void **state)
{
	(void)state;
	expect_good(out(0, 0, 0, 0, 1));
	expect_good(out(0, 1, 1, 1, 0));
	scsi_lu_ua(&r->lu[0], SCSI_UA_CAPACITY_CHANGED, NULL);
	scsi_lu_ua(&r->lu[0], SCSI_UA_BUS_DEVICE_RESET, NULL);
	rig_views(r);
	write_block(1);
	rig_expect_sense(r, 6, 0x2903);
	expect_conflict(write_block(1));
	read_block(1);
	rig_expect_sense(r, 6, 0x2a09);
	expect_conflict(write_block(1));
	/* and before what is wrong with the CDB */
	expect_conflict(rig_run(rig_from(r, 1), rig_lun0,
				CDB(0x2a, 0xe0, 0xff, 0, 0, 0, 0, 0, 1, 0), 0, 512));
	/* with interlock the conflict is noted */
	assert_true(scsi_lu_set_mode(
		&r->lu[0], &(struct scsi_mode){
				   .reorder = 1, .wce = true, .ua_intlck = SCSI_UA_INTLCK_NOTE }));
	rig_views(r);
	expect_conflict(write_block(1));
	read_block(1);
	rig_expect_sense(r, 6, 0x2c09);
}

/* --- lists and limits --- */

/* [PR-6] A registration outlives its session, and is found by name. */
static void survives(void **state)
{
	struct scsi_port ini = r->nexus[1].initiator, target = r->nexus[1].target;
	struct scsi_map_entry map = { &r->lu[0], 0, false };

	(void)state;
	expect_good(out(1, 0, 0, 0, 0xb));
	expect_good(out(1, 1, 3, 0xb, 0));
	scsi_nexus_deinit(&r->nexus[1]);
	rig_views(r);
	expect_conflict(write_block(0));
	assert_int_equal(scsi_nexus_init(&r->nexus[1], &ini, &target, &map, 1), 0);
	(void)ua(1);
	expect_good(write_block(1));
	assert_int_equal(r->route, SCSI_ROUTE_LOCAL);
	/* another name is a stranger, by initiator port or by target port */
	for (int i = 0; i < 2; i++) {
		struct scsi_port ini2 = ini, target2 = target;

		scsi_nexus_deinit(&r->nexus[1]);
		if (i)
			ini2.name[0] ^= 1;
		else
			target2.relative_id++;
		assert_int_equal(scsi_nexus_init(&r->nexus[1], &ini2, &target2, &map, 1), 0);
		(void)ua(1);
		expect_conflict(write_block(1));
	}
	/* a LUN RESET changes nothing of it */
	(void)rig_tmf(r, SCSI_TMF_LUN_RESET, 0, rig_lun0);
	(void)ua(0);
	(void)ua(1);
	expect_conflict(write_block(0));
	assert_int_equal(r->lu[0].pr.n, 1);
}

static void put_id(size_t at, uint16_t n)
{
	memset(r->out + at, 0, 24);
	r->out[at] = 4;
	put_be16(r->out + at + 20, n);
}

/* Register @n more initiators with SPEC_I_PT, named from @from on; nexus 0 is registered by it. */
static uint8_t spec_i_pt(unsigned from, unsigned n, uint8_t flags)
{
	memset(r->out, 0, 28);
	r->out[20] = (uint8_t)(0x08 | flags);
	put_be32(r->out + 24, n * 24);
	for (unsigned i = 0; i < n; i++)
		put_id(28 + (size_t)24 * i, (uint16_t)(from + i));
	return out_list(0, 0, 0, 0, 0xa, 28 + n * 24);
}

/* [PR-7] As many registrations as there is room for, and all their status in one answer. */
static void limit(void **state)
{
	(void)state;
	spec_i_pt(1, SCSI_PR_MAX, 0);
	rig_expect_sense(r, 5, 0x5504);
	assert_int_equal(r->lu[0].pr.n, 0);
	assert_int_equal(r->lu[0].pr.generation, 0);
	spec_i_pt(1, 64, 0x04); /* at both ports: 2 + 128 */
	rig_expect_sense(r, 5, 0x5504);
	assert_int_equal(r->lu[0].pr.n, 0);
	expect_good(spec_i_pt(1, SCSI_PR_MAX - 1, 0));
	assert_int_equal(r->lu[0].pr.n, SCSI_PR_MAX);
	out(1, 0, 0, 0, 0xb);
	rig_expect_sense(r, 5, 0x5504);
	expect_good(rig_run(rig_from(r, 1), rig_lun0, CDB(0x5e, 3, 0, 0, 0, 0, 0, 0xff, 0xff, 0),
			    65535, 0));
	assert_int_equal(r->t.data_len, 8 + 128 * 48);
	assert_int_equal(get_be32(r->in + 4), 128 * 48);
	assert_int_equal(get_be16(r->in + 8 + (size_t)127 * 48 + 24 + 20), 127);
	expect_good(
		rig_run(rig_from(r, 1), rig_lun0, CDB(0x5e, 0, 0, 0, 0, 0, 0, 0, 16, 0), 16, 0));
	assert_int_equal(get_be32(r->in + 4), 128 * 8); /* all, although only one fits */
	assert_int_equal(r->t.data_len, 16);
	/* REGISTER AND MOVE needs room, or takes that of the old one */
	expect_good(out(0, 1, 1, 0xa, 0));
	memset(r->out, 0, 48);
	put_be16(r->out + 18, 2);
	put_be32(r->out + 20, 24);
	put_id(24, 500);
	out_list(0, 7, 0, 0xa, 0xc, 48);
	rig_expect_sense(r, 5, 0x5504);
	r->out[17] = 2; /* UNREG */
	expect_good(out_list(0, 7, 0, 0xa, 0xc, 48));
	assert_int_equal(r->lu[0].pr.n, SCSI_PR_MAX);
	expect_conflict(write_block(0));
}

static void bad_lists(void **state)
{
	static const uint8_t sas[] = { 0, 1, 2, 3, 4, 5, 6 };

	(void)state;
	/* the length, of every service action */
	for (size_t i = 0; i < sizeof(sas); i++) {
		memset(r->out, 0, 64);
		for (uint32_t len = 0; len < 40; len++) {
			if (len == 24)
				continue;
			out_list(0, sas[i], 1, 0, 1, len);
			rig_expect_sense(r, 5, 0x1a00);
		}
		out_list(0, sas[i], 1, 0, 1, 4097);
		rig_expect_sense(r, 5, 0x1a00);
		rig_run(rig_from(r, 0), rig_lun0, CDB(0x5f, sas[i], 1, 0, 0, 0, 0, 0, 24, 0), 0,
			23);
		rig_expect_sense(r, 5, 0x0e03);
		/* SPEC_I_PT is for REGISTER */
		r->out[20] = 0x08;
		if (sas[i]) {
			out_list(0, sas[i], 1, 0, 1, 28);
			rig_expect_sense(r, 5, 0x2600);
			assert_int_equal(rig_sense(r).field_byte, 20);
		}
	}
	/* SPEC_I_PT: every length of the list, and of the TransportIDs, that is wrong */
	for (uint32_t len = 24; len < 80; len++) {
		for (uint32_t ids = 0; ids < 60; ids++) {
			memset(r->out, 0, 28);
			r->out[20] = 0x08;
			put_be32(r->out + 24, ids);
			put_id(28, 7);
			put_id(52, 8);
			out_list(0, 0, 0, 0, 1, len);
			if (len == 28 + ids && ids % 24 == 0) {
				expect_good(r->t.status);
				assert_int_equal(r->lu[0].pr.n, 1 + ids / 24);
				expect_good(out(0, 3, 0, 1, 0));
			} else {
				rig_expect_sense(r, 5, 0x1a00);
			}
		}
	}
	/* a TransportID of another protocol: nothing of the list is done */
	memset(r->out, 0, 28);
	r->out[20] = 0x08;
	put_be32(r->out + 24, 48);
	put_id(28, 7);
	put_id(52, 8);
	r->out[52] = 5;
	out_list(0, 0, 0, 0, 1, 76);
	rig_expect_sense(r, 5, 0x2600);
	assert_int_equal(rig_sense(r).field_byte, 52);
	assert_int_equal(r->lu[0].pr.n, 0);
	/* [PR-9] nothing is kept over a loss of power */
	memset(r->out, 0, 24);
	r->out[20] = 1;
	out_list(0, 0, 0, 0, 1, 24);
	rig_expect_sense(r, 5, 0x2600);
	assert_int_equal(rig_sense(r).field_byte, 20);
	out_list(0, 6, 0, 0, 1, 24);
	rig_expect_sense(r, 5, 0x2600);
	assert_int_equal(r->lu[0].pr.n, 0);
}

/* The unit is taken from the nexus while its list is fetched, or before it gets room for an answer. */
static void taken_away(void **state)
{
	const struct scsi_map_entry map = { .lu = &r->lu[0] };
	static const uint8_t sas[] = { 0, 1, 2, 3, 4, 5, 6, 7 };

	(void)state;
	expect_good(out(0, 0, 0, 0, 0xa));
	expect_good(out(1, 0, 0, 0, 0xb));
	for (size_t i = 0; i < sizeof(sas); i++) {
		r->unmap = true;
		assert_int_equal(out(0, sas[i], 1, 0xa, 0xb), SCSI_STATUS_CHECK_CONDITION);
		rig_expect_sense(r, 5, 0x2500);
		assert_int_equal(scsi_nexus_remap(&r->nexus[0], &map, 1), 1);
		while (ua(0))
			;
	}
	for (uint8_t sa = 0; sa < 4; sa++) {
		const uint8_t cdb[10] = { 0x5e, sa, [7] = 1 };

		r->unmap = true;
		assert_int_equal(rig_run(rig_from(r, 0), rig_lun0, cdb, 10, 256, 0),
				 SCSI_STATUS_CHECK_CONDITION);
		rig_expect_sense(r, 5, 0x2500);
		assert_int_equal(scsi_nexus_remap(&r->nexus[0], &map, 1), 1);
		while (ua(0))
			;
	}
	assert_int_equal(r->lu[0].pr.n, 2);
	assert_int_equal(r->lu[0].pr.type, SCSI_PR_NONE);
	expect_good(out(0, 1, 1, 0xa, 0)); /* it is registered still */
}

/* The initiator's buffers are wrong, or it is gone: found out before there is room. */
static void no_room(void **state)
{
	const uint8_t cdb[10] = { 0x5e, 3, [7] = 1 };

	(void)state;
	r->fail_type = SCSI_ACT_ROOM;
	r->fail_result = -EBADMSG;
	assert_int_equal(rig_run(rig_from(r, 0), rig_lun0, cdb, 10, 256, 0),
			 SCSI_STATUS_CHECK_CONDITION);
	rig_expect_sense(r, 5, 0x2400);
	r->fail_type = SCSI_ACT_ROOM;
	r->fail_result = -EPIPE;
	assert_int_equal(rig_run(rig_from(r, 0), rig_lun0, cdb, 10, 256, 0),
			 SCSI_STATUS_CHECK_CONDITION);
	rig_expect_sense(r, 0xb, 0x4b00);
	assert_int_equal(r->t.in_resid, -256);
}

static void move_lists(void **state)
{
	(void)state;
	expect_good(out(0, 0, 0, 0, 0xa));
	expect_good(out(0, 1, 3, 0xa, 0));
	for (uint32_t len = 24; len < 80; len++) {
		for (uint32_t id = 0; id < 60; id++) {
			if (len == 48 && id == 24)
				continue;
			memset(r->out, 0, 80);
			put_be16(r->out + 18, 1);
			put_be32(r->out + 20, id);
			put_id(24, 9);
			out_list(0, 7, 0, 0xa, 0xc, len);
			rig_expect_sense(r, 5, 0x1a00);
		}
	}
	memset(r->out, 0, 48);
	put_be16(r->out + 18, 3); /* no such port */
	put_be32(r->out + 20, 24);
	put_id(24, 9);
	out_list(0, 7, 0, 0xa, 0xc, 48);
	rig_expect_sense(r, 5, 0x2600);
	assert_int_equal(rig_sense(r).field_byte, 18);
	put_be16(r->out + 18, 1);
	out_list(0, 7, 0, 0xa, 0, 48);
	rig_expect_sense(r, 5, 0x2600);
	assert_int_equal(rig_sense(r).field_byte, 8);
	r->out[17] = 1;
	out_list(0, 7, 0, 0xa, 0xc, 48);
	rig_expect_sense(r, 5, 0x2600);
	assert_int_equal(rig_sense(r).field_byte, 17);
	r->out[17] = 0;
	r->out[24] = 0x44;
	out_list(0, 7, 0, 0xa, 0xc, 48);
	rig_expect_sense(r, 5, 0x2600);
	assert_int_equal(rig_sense(r).field_byte, 24);
	put_id(24, 0); /* to itself */
	r->out[24 + 8 + 15] = 1;
	out_list(0, 7, 0, 0xa, 0xc, 48);
	rig_expect_sense(r, 5, 0x2600);
	r->out[24 + 8 + 15] = 2; /* to nexus 1, which keeps nexus 0 out from now on */
	expect_good(out_list(0, 7, 0, 0xa, 0xc, 48));
	expect_conflict(write_block(0));
	expect_good(write_block(1));
	assert_int_equal(r->lu[0].pr.n, 2);
}

static void capabilities(void **state)
{
	static const uint8_t want[] = { 0, 8, 0x9c, 0x80, 0xea, 0x01, 0, 0 };

	(void)state;
	expect_good(
		rig_run(rig_from(r, 0), rig_lun0, CDB(0x5e, 2, 0, 0, 0, 0, 0, 0, 255, 0), 255, 0));
	assert_int_equal(r->t.data_len, sizeof(want));
	assert_memory_equal(r->in, want, sizeof(want));
	expect_good(
		rig_run(rig_from(r, 0), rig_lun0, CDB(0x5e, 1, 0, 0, 0, 0, 0, 0, 255, 0), 255, 0));
	assert_int_equal(r->t.data_len, 8);
	/* service actions there are not */
	rig_run(rig_from(r, 0), rig_lun0, CDB(0x5e, 4, 0, 0, 0, 0, 0, 0, 255, 0), 255, 0);
	rig_expect_sense(r, 5, 0x2400);
	rig_run(rig_from(r, 0), rig_lun0, CDB(0x5f, 9, 0, 0, 0, 0, 0, 0, 24, 0), 0, 24);
	rig_expect_sense(r, 5, 0x2400);
}

/* --- PREEMPT AND ABORT --- */

/* A task of @nexus whose I/O is under way, at home. */
static void begin(struct scsi_task *t, unsigned nexus)
{
	*t = (struct scsi_task){ .nexus = &r->nexus[nexus],
				 .cdb = { 0x2f, 0, 0, 0, 0, 0, 0, 0, 1 } };
	(void)scsi_route(&r->view[nexus], t);
	scsi_route_home(t);
	assert_int_equal(scsi_task_step(t, &(struct scsi_event){ .type = SCSI_EV_START }).type,
			 SCSI_ACT_VERIFY);
}

/* [PR-8] The commands of those that are preempted end first, and theirs only; TAS decides how. */
static void preempt_and_abort(void **state)
{
	(void)state;
	for (int tas = 0; tas < 2; tas++) {
		struct scsi_task mine, theirs,
			t = { .nexus = &r->nexus[0],
			      .cdb = { 0x5f, 5, 1, [8] = 24 },
			      .out_len = 24,
			      .data = r->data,
			      .data_cap = sizeof(r->data) };
		struct scsi_event end = { .type = SCSI_EV_IO_DONE, .result = -ECANCELED };
		struct scsi_act a;
		struct scsi_tmf m;

		(void)scsi_lu_set_mode(
			&r->lu[0], &(struct scsi_mode){ .reorder = 1, .wce = true, .tas = tas });
		rig_views(r);
		expect_good(out(0, 0, 0, 0, 0xa));
		expect_good(out(1, 0, 0, 0, 0xb));
		expect_good(out(1, 1, 3, 0xb, 0));
		begin(&theirs, 1);
		expect_conflict(read_block(0));
		(void)scsi_route(&r->view[0], &t);
		a = scsi_task_step(&t, &(struct scsi_event){ .type = SCSI_EV_START });
		assert_int_equal(a.type, SCSI_ACT_FETCH);
		memset(r->data, 0, 24);
		put_be64(r->data, 0xa);
		put_be64(r->data + 8, 0xb);
		a = scsi_task_step(&t, &(struct scsi_event){ .type = SCSI_EV_DATA });
		assert_int_equal(a.type, SCSI_ACT_CLEAR);
		assert_int_equal(a.changed, SCSI_CHANGED_LU);
		rig_views(r);
		/* the reservation has changed hands already: nothing new of the other begins */
		expect_conflict(write_block(1));
		begin(&mine, 0);
		scsi_task_clear(&m, &t);
		assert_true(scsi_tmf_means(&m, &theirs, theirs.lu));
		assert_false(scsi_tmf_means(&m, &mine, mine.lu));
		assert_false(scsi_tmf_means(&m, &t, t.lu));
		assert_false(scsi_tmf_means(&m, &theirs, &r->lu[1]));
		scsi_tmf_hit(&m, &r->nexus[1]);
		a = scsi_task_step(
			&theirs, &(struct scsi_event){ .type = SCSI_EV_ABORT,
						       .tell = scsi_tmf_tells(&m, theirs.nexus) });
		assert_int_equal(a.type, SCSI_ACT_NONE);
		assert_int_equal(scsi_task_step(&theirs, &end).type, SCSI_ACT_COMPLETE);
		assert_int_equal(theirs.aborted, !tas);
		(void)scsi_tmf_finish(&m);
		a = scsi_task_step(&t, &(struct scsi_event){ .type = SCSI_EV_CLEARED });
		assert_int_equal(a.type, SCSI_ACT_COMPLETE);
		expect_good(t.status);
		end.result = 0;
		assert_int_equal(scsi_task_step(&mine, &end).type, SCSI_ACT_COMPLETE);
		assert_false(mine.aborted);
		if (!tas)
			assert_int_equal(ua(1), SCSI_UA_COMMANDS_CLEARED);
		assert_int_equal(ua(1), SCSI_UA_REGISTRATIONS_PREEMPTED);
		assert_int_equal(ua(1), 0);
		expect_good(out(0, 3, 0, 0xa, 0));
	}
}

/* It gets through an ACA condition of another nexus, and ends it with the commands of that. */
static void through_aca(void **state)
{
	(void)state;
	expect_good(out(0, 0, 0, 0, 0xa));
	expect_good(out(1, 0, 0, 0, 0xb));
	rig_run(rig_from(r, 1), rig_lun0, CDB(0x28, 0, 0xff, 0, 0, 0, 0, 0, 1, 4), 512, 0);
	rig_expect_sense(r, 5, 0x2100);
	assert_int_equal(tur(0), SCSI_STATUS_BUSY);
	assert_int_equal(out(0, 4, 0, 0xa, 0xb), SCSI_STATUS_BUSY);
	expect_good(out(0, 5, 0, 0xa, 0xb));
	expect_good(tur(0));
	assert_int_equal(ua(1), SCSI_UA_REGISTRATIONS_PREEMPTED);
	expect_good(tur(1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_command, setup, teardown),
		cmocka_unit_test_setup_teardown(compatible, setup, teardown),
		cmocka_unit_test_setup_teardown(reserve_release, setup, teardown),
		cmocka_unit_test_setup_teardown(routes, setup, teardown),
		cmocka_unit_test_setup_teardown(precedence, setup, teardown),
		cmocka_unit_test_setup_teardown(survives, setup, teardown),
		cmocka_unit_test_setup_teardown(limit, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_lists, setup, teardown),
		cmocka_unit_test_setup_teardown(taken_away, setup, teardown),
		cmocka_unit_test_setup_teardown(no_room, setup, teardown),
		cmocka_unit_test_setup_teardown(move_lists, setup, teardown),
		cmocka_unit_test_setup_teardown(capabilities, setup, teardown),
		cmocka_unit_test_setup_teardown(preempt_and_abort, setup, teardown),
		cmocka_unit_test_setup_teardown(through_aca, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
