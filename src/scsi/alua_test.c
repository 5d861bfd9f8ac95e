/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Target port groups: what is reported, who may set what, which state lets in which command, who hears of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scsi/cmd.h"
#include "scsi/spc.h"
#include "scsi/testrig.h"

#include <errno.h>
#include <string.h>

#define READ_10 CDB(0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0)

static struct rig *r;

/* Nexus 1 comes through port 2, so through the other group. */
static int setup(void **state)
{
	const struct scsi_map_entry map[] = { { .lu = NULL, .lun = 0 }, { .lu = NULL, .lun = 1 } };
	struct scsi_map_entry both[2];
	struct scsi_port initiator, target;

	(void)state;
	r = rig_new_quiet();
	memcpy(both, map, sizeof(both));
	both[0].lu = &r->lu[0];
	both[1].lu = &r->lu[1];
	initiator = r->nexus[1].initiator;
	target = r->nexus[1].target;
	target.relative_id = 2;
	scsi_nexus_deinit(&r->nexus[1]);
	assert_int_equal(scsi_nexus_init(&r->nexus[1], &initiator, &target, both, 2), 0);
	for (int lun = 0; lun < 2; lun++)
		assert_int_equal(scsi_uas_pop(&r->nexus[1].lun[lun].uas), SCSI_UA_POWER_ON);
	rig_views(r);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rig_free(r);
	return 0;
}

static uint8_t report(unsigned nexus, uint8_t format, uint32_t alloc_len)
{
	uint8_t cdb[12] = { 0xa3, (uint8_t)(format << 5 | 0x0a) };

	put_be32(cdb + 6, alloc_len);
	memset(r->in, 0xee, 256);
	return rig_run(rig_from(r, nexus), rig_lun0, cdb, sizeof(cdb), alloc_len, 0);
}

/* SET TARGET PORT GROUPS with the parameter list at r->out. */
static uint8_t set_list(unsigned nexus, uint32_t len)
{
	uint8_t cdb[12] = { 0xa4, 0x0a };

	put_be32(cdb + 6, len);
	return rig_run(rig_from(r, nexus), rig_lun0, cdb, sizeof(cdb), 0, len);
}

static uint8_t set_one(unsigned nexus, uint16_t group, uint8_t state)
{
	memset(r->out, 0, 8);
	r->out[4] = state;
	put_be16(r->out + 6, group);
	return set_list(nexus, 8);
}

static void operator_sets(uint16_t group, uint8_t state)
{
	const struct scsi_tpg_want want = { .id = group, .state = state };

	assert_true(scsi_alua_set(&r->alua, &want, 1, SCSI_ALUA_BY_ITSELF, NULL));
	rig_views(r);
}

static uint8_t try_read(unsigned nexus)
{
	return rig_run(rig_from(r, nexus), rig_lun0, READ_10, 512, 0);
}

/* The unit attention of nexus @i at LUN 0 is taken by a command. */
static void hears(unsigned i, unsigned ua)
{
	rig_views(r); /* what was changed said so */
	assert_int_equal(rig_run(rig_from(r, i), rig_lun0, CDB(0, 0, 0, 0, 0, 0), 0, 0), 2);
	rig_expect_sense(r, 6, ua);
}

static unsigned n_owed(unsigned i)
{
	return r->nexus[i].lun[0].uas.n;
}

/* --- what is reported --- */

static void both_formats(void **state)
{
	static const uint8_t groups[] = {
		0x80, 0xdf, 0x01, 0x02, 0, 0, 0, 1, 0, 0, 0, 1,             /* active, preferred */
		0x02, 0xdf, 0x02, 0x03, 0, 2, 0, 2, 0, 0, 0, 2, 0, 0, 0, 9, /* standby, by itself */
	};

	(void)state;
	operator_sets(RIG_TPG_OTHER, SCSI_ALUA_STANDBY);
	assert_int_equal(report(0, 0, 255), 0);
	assert_int_equal(r->t.data_len, 4 + sizeof(groups));
	assert_int_equal(get_be32(r->in), sizeof(groups));
	assert_memory_equal(r->in + 4, groups, sizeof(groups));
	assert_int_equal(report(0, 1, 255), 0);
	assert_int_equal(r->t.data_len, 8 + sizeof(groups));
	assert_int_equal(get_be32(r->in), 4 + sizeof(groups));
	assert_int_equal(get_be32(r->in + 4), 0x10000000);
	assert_memory_equal(r->in + 8, groups, sizeof(groups));
	/* a short one is cut, and says how long it would be */
	assert_int_equal(report(0, 0, 6), 0);
	assert_int_equal(r->t.data_len, 6);
	assert_int_equal(get_be32(r->in), sizeof(groups));
	assert_int_equal(report(0, 2, 255), 2);
	rig_expect_sense(r, 5, 0x2400);
	assert_int_equal(rig_sense(r).field_bit, 6);
}

/* As many groups and ports as there may be fit. */
static void longest(void **state)
{
	struct scsi_tpgs all = { .n = SCSI_TPG_MAX, .n_ports = SCSI_TPG_PORTS_MAX };
	size_t len = SCSI_TPG_MAX * 8 + SCSI_TPG_PORTS_MAX * 4;

	(void)state;
	for (unsigned i = 0; i < SCSI_TPG_MAX; i++)
		all.tpg[i].id = (uint16_t)(0xffff - i);
	for (unsigned i = 0; i < SCSI_TPG_PORTS_MAX; i++)
		all.port[i].relative_id = (uint16_t)(i + 1);
	assert_true(scsi_alua_configure(&r->alua, &all));
	hears(0, SCSI_UA_INQUIRY_CHANGED);
	hears(0, 0x2a06); /* it is not preferred any more */
	assert_int_equal(report(0, 1, 4096), 0);
	assert_int_equal(r->t.data_len, 8 + len);
	assert_int_equal(get_be32(r->in), 4 + len);
	assert_int_equal(r->in[15], SCSI_TPG_PORTS_MAX);
}

/* Find designator @type of port association in VPD page 83h; NULL: there is none. */
static const uint8_t *designator(unsigned nexus, uint8_t type)
{
	static uint8_t page[256];

	assert_int_equal(rig_run(rig_from(r, nexus), rig_lun0, CDB(0x12, 1, 0x83, 1, 0, 0), 256, 0),
			 0);
	memcpy(page, r->in, r->t.data_len);
	for (size_t at = 4; at < r->t.data_len; at += 4u + page[at + 3])
		if ((page[at + 1] & 0x3f) == (0x10 | type))
			return page + at + 4;
	return NULL;
}

static void inquiry(void **state)
{
	static const uint8_t numbers[] = { 1, 2, 9 };

	(void)state;
	assert_int_equal(get_be16(designator(0, 5) + 2), RIG_TPG);
	assert_int_equal(get_be16(designator(1, 5) + 2), RIG_TPG_OTHER);
	assert_int_equal(get_be16(designator(1, 4) + 2), 2);
	assert_int_equal(rig_run(rig_from(r, 0), rig_lun0, CDB(0x12, 0, 0, 1, 0, 0), 256, 0), 0);
	assert_int_equal(r->in[5], 0x38); /* implicit and explicit */
	assert_int_equal(rig_run(rig_from(r, 0), rig_lun1, CDB(0x12, 0, 0, 1, 0, 0), 256, 0), 0);
	assert_int_equal(r->in[5], 0x08);
	/* all ports that are in a group have their place in page 88h, also that of the other node */
	assert_int_equal(rig_run(rig_from(r, 0), rig_lun0, CDB(0x12, 1, 0x88, 1, 0, 0), 256, 0), 0);
	for (size_t at = 4, i = 0; i < ARRAY_SIZE(numbers); i++) {
		assert_true(at + 12 <= r->t.data_len);
		assert_int_equal(get_be16(r->in + at + 2), numbers[i]);
		at += 12u + get_be16(r->in + at + 10);
		assert_true(i + 1 < ARRAY_SIZE(numbers) || at == r->t.data_len);
	}
}

/* Implicit only: the bits say so and SET does not exist. A port in no group: as if there were none. */
static void implicit_only(void **state)
{
	struct scsi_tpgs one = {
		.n = 1, .n_ports = 1, .tpg = { { .id = 7 } }, .port = { { 2, 0 } }
	};

	(void)state;
	assert_true(scsi_lu_set_alua(&r->lu[0], &r->alua, false));
	assert_false(scsi_lu_set_alua(&r->lu[0], &r->alua, false));
	hears(0, SCSI_UA_INQUIRY_CHANGED);
	assert_int_equal(rig_run(rig_from(r, 0), rig_lun0, CDB(0x12, 0, 0, 1, 0, 0), 256, 0), 0);
	assert_int_equal(r->in[5], 0x18);
	assert_int_equal(set_one(0, RIG_TPG, SCSI_ALUA_STANDBY), 2);
	rig_expect_sense(r, 5, 0x2400);
	/* that it does not exist counts more than that the state would not let it in */
	operator_sets(RIG_TPG, SCSI_ALUA_TRANSITIONING);
	hears(0, 0x2a06);
	assert_int_equal(set_one(0, RIG_TPG, SCSI_ALUA_OPTIMIZED), 2);
	rig_expect_sense(r, 5, 0x2400);
	assert_true(scsi_alua_configure(&r->alua, &one));
	assert_int_equal(rig_run(rig_from(r, 0), rig_lun0, CDB(0x12, 0, 0, 1, 0, 0), 256, 0), 0);
	assert_int_equal(r->in[5], 0x08);
	assert_null(designator(0, 5));
	hears(0, SCSI_UA_INQUIRY_CHANGED);
	assert_int_equal(try_read(0), 0);
	assert_true(scsi_lu_set_alua(&r->lu[0], NULL, true));
	hears(0, SCSI_UA_INQUIRY_CHANGED);
	assert_int_equal(report(0, 0, 255), 2);
	rig_expect_sense(r, 5, 0x2400);
}

/* --- what a state lets in --- */

/* What the standard wants of every state (SPC-5 5.17.2.5 to 5.17.2.8), by opcode and service action. */
static const uint8_t always[][2] = { { 0x03, 0 }, { 0x12, 0 }, { 0xa0, 0 }, { 0xa3, 0x0a } };
static const uint8_t unavailable[][2] = { { 0x3b, 0 }, { 0x3c, 0 }, { 0xa4, 0x0a } };
static const uint8_t standby[][2] = {
	{ 0x15, 0 }, { 0x1a, 0 }, { 0x1d, 0 }, { 0x4c, 0 }, { 0x4d, 0 },
	{ 0x55, 0 }, { 0x5a, 0 }, { 0x5e, 0 }, { 0x5f, 0 },
};

static bool listed(const uint8_t (*list)[2], size_t n, const struct scsi_cmd *cmd)
{
	for (size_t i = 0; i < n; i++)
		if (list[i][0] == cmd->opcode && list[i][1] == cmd->service_action)
			return true;
	return false;
}

static void flags(void **state)
{
	const struct scsi_cmd *cmd;

	(void)state;
	for (size_t i = 0; (cmd = scsi_cmd_at(i)); i++) {
		bool any = cmd->flags & SCSI_CMD_IN_ANY_STATE;
		bool unav = cmd->flags & SCSI_CMD_IN_UNAVAILABLE;
		bool stby = cmd->flags & SCSI_CMD_IN_STANDBY;

		assert_true((!any || unav) && (!unav || stby)); /* each lets in less */
		assert_int_equal(any, listed(always, ARRAY_SIZE(always), cmd));
		if (listed(unavailable, ARRAY_SIZE(unavailable), cmd))
			assert_true(unav);
		if (listed(standby, ARRAY_SIZE(standby), cmd))
			assert_true(stby);
		/* nothing that touches what is stored but the self-test */
		if (cmd->flags & SCSI_CMD_MEDIUM && stby)
			assert_true(cmd->opcode == 0x1d || cmd->start == spc_test_unit_ready ||
				    cmd->opcode == 0x25 || cmd->opcode == 0x9e);
	}
}

/* Every command in every state: it is let in or refused with the state's code, as the table says. */
static void admission(void **state)
{
	static const struct {
		uint8_t state;
		uint32_t flag;
		unsigned asc;
	} states[] = {
		{ SCSI_ALUA_NONOPTIMIZED, 0, 0 },
		{ SCSI_ALUA_STANDBY, SCSI_CMD_IN_STANDBY, 0x040b },
		{ SCSI_ALUA_UNAVAILABLE, SCSI_CMD_IN_UNAVAILABLE, 0x040c },
		{ SCSI_ALUA_TRANSITIONING, SCSI_CMD_IN_ANY_STATE, 0x040a },
		{ SCSI_ALUA_OFFLINE, SCSI_CMD_IN_ANY_STATE, 0x0412 },
	};
	const struct scsi_cmd *cmd;

	(void)state;
	r->lu[0].keeps = true; /* it has every command */
	for (size_t s = 0; s < ARRAY_SIZE(states); s++) {
		operator_sets(RIG_TPG, states[s].state);
		for (size_t i = 0; (cmd = scsi_cmd_at(i)); i++) {
			uint8_t cdb[CDB_MAX_BYTES] = { cmd->opcode };
			bool refused;

			if (cmd->flags & SCSI_CMD_SA)
				cdb[1] = cmd->service_action;
			r->nexus[0].lun[0].uas.n = 0;
			rig_views(r);
			rig_run(rig_from(r, 0), rig_lun0, cdb, cdb_len(cmd->opcode), 4096, 4096);
			refused = r->t.status == SCSI_STATUS_CHECK_CONDITION &&
				  rig_sense(r).key == SENSE_NOT_READY;
			assert_int_equal(refused, states[s].flag && !(cmd->flags & states[s].flag));
			if (refused)
				assert_int_equal(rig_sense(r).asc, states[s].asc);
			r->lu[0].stopped = false;
			r->lu[0].reserved = NULL;
		}
	}
}

/* Views keep those commands from running where they arrive; the other group is not concerned. */
static void views(void **state)
{
	(void)state;
	operator_sets(RIG_TPG_OTHER, SCSI_ALUA_STANDBY);
	hears(1, 0x2a06);
	assert_int_equal(try_read(0), 0);
	assert_int_equal(r->route, SCSI_ROUTE_LOCAL);
	assert_int_equal(try_read(1), 2);
	assert_int_equal(r->route, SCSI_ROUTE_HOME);
	rig_expect_sense(r, 2, 0x040b);
	operator_sets(RIG_TPG_OTHER, SCSI_ALUA_NONOPTIMIZED);
	hears(1, 0x2a06);
	assert_int_equal(try_read(1), 0);
	assert_int_equal(r->route, SCSI_ROUTE_LOCAL);
	/* a command that does not exist is told that */
	operator_sets(RIG_TPG_OTHER, SCSI_ALUA_OFFLINE);
	hears(1, 0x2a06);
	assert_int_equal(rig_run(rig_from(r, 1), rig_lun0, CDB(0xa3, 0x1f), 0, 0), 2);
	rig_expect_sense(r, 5, 0x2400);
	/* and through a port without access nobody hears of conflicts */
	r->lu[0].reserved = &r->nexus[0];
	assert_int_equal(try_read(1), 2);
	rig_expect_sense(r, 2, 0x0412);
	r->lu[0].reserved = NULL;
}

/* --- states that depend on the block --- */

#define HALF (RIG_BLOCKS / 2)

static void lba_dependent(unsigned nexus)
{
	operator_sets(nexus ? RIG_TPG_OTHER : RIG_TPG, SCSI_ALUA_LBA_DEPENDENT);
	hears(nexus, 0x2a06);
}

/* NOT READY with @asc; 0: it was let in. */
static void expect_let_in(unsigned nexus, const uint8_t *cdb, size_t len, uint32_t out,
			  unsigned asc)
{
	uint8_t status;

	if (out >= 512)
		memset(r->out, 0, out);
	status = rig_run(rig_from(r, nexus), rig_lun0, cdb, len, out ? 0 : 8192, out);
	if (asc) {
		assert_int_equal(status, SCSI_STATUS_CHECK_CONDITION);
		rig_expect_sense(r, 2, asc);
	} else {
		assert_true(status == SCSI_STATUS_GOOD || status == SCSI_STATUS_CONDITION_MET);
	}
}

/* A command with this range in its CDB, of any opcode of 16 bytes. */
static void at_blocks(unsigned nexus, uint8_t opcode, uint64_t lba, uint32_t n, uint32_t out,
		      unsigned asc)
{
	uint8_t cdb[CDB_MAX_BYTES];

	assert_int_equal(cdb_put_rw(cdb, opcode, 0, (struct cdb_range){ lba, n }), 16);
	expect_let_in(nexus, cdb, 16, out, asc);
}

/* [TPG-9] What is about blocks is let in as the worst of them is, and nothing else is kept out. */
static void segment_blocks(void **state)
{
	static const uint8_t opcodes[] = { 0x88, 0x8a, 0x8b, 0x8e, 0x8f, 0x90, 0x91 };

	(void)state;
	lba_dependent(0); /* first half optimized, then unavailable */
	lba_dependent(1); /* first half standby, then optimized */
	for (size_t i = 0; i < sizeof(opcodes); i++) {
		uint8_t op = opcodes[i];
		uint32_t out = op == 0x8a || op == 0x8b || op == 0x8e ? 1024 : 0;

		at_blocks(0, op, HALF - 2, 2, out, 0);
		at_blocks(0, op, HALF - 1, 2, out, 0x040c);
		at_blocks(0, op, HALF, 2, out, 0x040c);
		at_blocks(1, op, HALF - 2, 2, out, 0x040b);
		at_blocks(1, op, HALF - 1, 2, out, 0x040b);
		at_blocks(1, op, HALF, 2, out, 0);
	}
	/* 0 blocks are none, but all that follow to PRE-FETCH and SYNCHRONIZE CACHE */
	at_blocks(0, 0x88, HALF - 1, 0, 0, 0);
	at_blocks(0, 0x90, HALF - 1, 0, 0, 0x040c);
	at_blocks(0, 0x91, HALF - 1, 0, 0, 0x040c);
	at_blocks(1, 0x91, HALF, 0, 0, 0);
	/* an address behind all ends as it always does */
	assert_int_equal(
		rig_rw(rig_from(r, 1), 0x88, 0, (struct cdb_range){ UINT64_MAX, 2 }, 1024, 0), 2);
	rig_expect_sense(r, 5, 0x2100);
	/* blocks named in a list, or all: each segment must let them in */
	expect_let_in(1, CDB(0x42, 0, 0, 0, 0, 0, 0, 0, 8, 0), 8, 0x040b);
	expect_let_in(0, CDB(0x04, 0, 0, 0, 0, 0), 0, 0x040c);
	/* and none at all */
	expect_let_in(0, CDB(0x00, 0, 0, 0, 0, 0), 0, 0);
	expect_let_in(1, CDB(0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0), 0, 0);
}

static void report_segments(void **state)
{
	static const uint8_t all[] = {
		0, 0, 0, 56,   0, 0, 0, 2, 0, 0, 0, 0,    0, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 3, 0xff, 0, 0, 1, 2, 2, 0, 2, 3,    0, 0, 0, 2, 0, 0, 0, 0,
		0, 0, 4, 0,    0, 0, 0, 0, 0, 0, 7, 0xff, 3, 0, 1, 2, 0, 0, 2, 3,
	};
	uint8_t cdb[16] = { 0x9e, 0x13, [13] = 255 };

	(void)state;
	operator_sets(RIG_TPG, SCSI_ALUA_LBA_DEPENDENT);
	operator_sets(RIG_TPG_OTHER, SCSI_ALUA_LBA_DEPENDENT);
	hears(0, 0x2a06);
	assert_int_equal(report(0, 0, 255), 0);
	assert_int_equal(r->in[4] & 0xf, 4);
	assert_int_equal(rig_run(rig_from(r, 0), rig_lun0, cdb, 16, 255, 0), 0);
	assert_int_equal(r->t.data_len, sizeof(all));
	assert_memory_equal(r->in, all, sizeof(all));
	cdb[14] = 1; /* ONE_SEG */
	assert_int_equal(rig_run(rig_from(r, 0), rig_lun0, cdb, 16, 255, 0), 0);
	assert_int_equal(r->t.data_len, 32);
	/* from the segment of a block on */
	cdb[14] = 0;
	put_be64(cdb + 2, HALF + 5);
	assert_int_equal(rig_run(rig_from(r, 0), rig_lun0, cdb, 16, 255, 0), 0);
	assert_int_equal(r->t.data_len, 32);
	assert_memory_equal(r->in + 4, all + 32, 28);
	put_be64(cdb + 2, RIG_BLOCKS);
	assert_int_equal(rig_run(rig_from(r, 0), rig_lun0, cdb, 16, 255, 0), 2);
	rig_expect_sense(r, 5, 0x2100);
	/* a group with one state has it everywhere */
	operator_sets(RIG_TPG, SCSI_ALUA_STANDBY);
	hears(0, 0x2a06);
	put_be64(cdb + 2, 0);
	assert_int_equal(rig_run(rig_from(r, 0), rig_lun0, cdb, 16, 255, 0), 0);
	assert_true(r->in[24] == SCSI_ALUA_STANDBY && r->in[52] == SCSI_ALUA_STANDBY);
	assert_int_equal(rig_run(rig_from(r, 0), rig_lun0, CDB(0x12, 1, 0xb3, 0, 255, 0), 255, 0),
			 0);
	assert_int_equal(r->t.data_len, 16);
	assert_int_equal(rig_run(rig_from(r, 0), rig_lun0, CDB(0x12, 1, 0x86, 0, 255, 0), 255, 0),
			 0);
	assert_int_equal(r->in[8], 0x10);
}

/* Segments that are others are news where they count; when they go, so does the state. */
static void segments_change(void **state)
{
	struct scsi_tpgs to = r->alua.now;

	(void)state;
	lba_dependent(0);
	to.segment[1].lba = 100;
	assert_true(scsi_alua_configure(&r->alua, &to));
	hears(0, 0x2a06);
	assert_int_equal(n_owed(1), 0);
	at_blocks(0, 0x88, 99, 1, 0, 0);
	at_blocks(0, 0x88, 99, 2, 0, 0x040c);
	to.n_segments = 0;
	assert_true(scsi_alua_configure(&r->alua, &to));
	assert_int_equal(r->alua.now.tpg[0].state, SCSI_ALUA_OPTIMIZED);
	assert_false(scsi_alua_can(&r->alua, SCSI_ALUA_LBA_DEPENDENT));
	hears(0, 0x2a06);
	at_blocks(0, 0x88, 99, 2, 0, 0);
	assert_int_equal(rig_run(rig_from(r, 0), rig_lun0,
				 CDB(0x9e, 0x13, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 0, 0), 255,
				 0),
			 2);
	rig_expect_sense(r, 5, 0x2400);
	assert_int_equal(rig_run(rig_from(r, 0), rig_lun0, CDB(0x12, 1, 0xb3, 0, 255, 0), 255, 0),
			 2);
	rig_expect_sense(r, 5, 0x2400);
}

/* --- SET --- */

static void sets(void **state)
{
	(void)state;
	assert_int_equal(set_one(0, RIG_TPG, SCSI_ALUA_STANDBY), 0);
	assert_int_equal(r->sets, 1);
	assert_int_equal(r->alua.now.tpg[0].state, SCSI_ALUA_STANDBY);
	assert_int_equal(r->alua.now.tpg[0].by, SCSI_ALUA_BY_COMMAND);
	assert_int_equal(n_owed(0), 0); /* it has asked for it */
	assert_int_equal(n_owed(1), 0); /* its group is as it was */
	assert_int_equal(try_read(0), 2);
	rig_expect_sense(r, 2, 0x040b);
	/* what is so already needs nobody */
	assert_int_equal(set_one(0, RIG_TPG, SCSI_ALUA_STANDBY), 0);
	assert_int_equal(r->sets, 1);
	/* both at once, from a standby port; who comes through the other group hears of it */
	memset(r->out, 0, 12);
	put_be16(r->out + 6, RIG_TPG);
	r->out[8] = SCSI_ALUA_UNAVAILABLE;
	put_be16(r->out + 10, RIG_TPG_OTHER);
	assert_int_equal(set_list(0, 12), 0);
	assert_int_equal(r->alua.now.tpg[0].state, SCSI_ALUA_OPTIMIZED);
	assert_int_equal(try_read(0), 0);
	hears(1, 0x2a06);
	assert_int_equal(try_read(1), 2);
	rig_expect_sense(r, 2, 0x040c);
}

/* Of a unit that shares the groups, the nexus that asked hears, too: it asked at another one. */
static void shared(void **state)
{
	(void)state;
	assert_true(scsi_lu_set_alua(&r->lu[1], &r->alua, false));
	r->nexus[0].lun[1].uas.n = 0;
	r->nexus[1].lun[1].uas.n = 0;
	assert_int_equal(set_one(0, RIG_TPG, SCSI_ALUA_NONOPTIMIZED), 0);
	assert_int_equal(r->nexus[0].lun[0].uas.n, 0);
	assert_int_equal(r->nexus[0].lun[1].uas.q[0], SCSI_UA_ACCESS_STATE_CHANGED);
	assert_int_equal(r->nexus[1].lun[1].uas.n, 0);
}

static void set_refused(void **state)
{
	static const uint8_t lengths[] = { 1, 2, 3, 5, 6, 7, 9 };
	static const uint8_t states[] = { 4, 5, 0xd, 0xe, 0xf };

	(void)state;
	for (size_t i = 0; i < sizeof(lengths); i++) {
		assert_int_equal(set_list(0, lengths[i]), 2);
		rig_expect_sense(r, 5, 0x1a00);
	}
	assert_int_equal(set_list(0, 4100), 2);
	rig_expect_sense(r, 5, 0x1a00);
	for (size_t i = 0; i < sizeof(states); i++) {
		assert_int_equal(set_one(0, RIG_TPG, states[i]), 2);
		rig_expect_sense(r, 5, 0x2600);
		assert_int_equal(rig_sense(r).field_byte, 4);
	}
	assert_int_equal(set_one(0, 0x0999, 0), 2);
	rig_expect_sense(r, 5, 0x2600);
	assert_int_equal(rig_sense(r).field_byte, 6);
	/* one group twice: nothing of it is done */
	memset(r->out, 0, 12);
	r->out[4] = SCSI_ALUA_STANDBY;
	put_be16(r->out + 6, RIG_TPG);
	put_be16(r->out + 10, RIG_TPG);
	assert_int_equal(set_list(0, 12), 2);
	assert_int_equal(rig_sense(r).field_byte, 10);
	/* lists without a group */
	assert_int_equal(set_list(0, 0), 0);
	assert_int_equal(set_list(0, 4), 0);
	assert_int_equal(r->sets, 0);
	assert_int_equal(r->alua.generation, 0);
}

/* Who was to do it has not, or is busy, or its initiator does not wait for it any more. */
static void set_fails(void **state)
{
	(void)state;
	r->fail_type = SCSI_ACT_SET_STATES;
	r->fail_result = -EIO;
	assert_int_equal(set_one(0, RIG_TPG, SCSI_ALUA_STANDBY), 2);
	rig_expect_sense(r, 4, 0x670a);
	r->fail_type = SCSI_ACT_SET_STATES;
	r->fail_result = -EBUSY;
	assert_int_equal(set_one(0, RIG_TPG, SCSI_ALUA_STANDBY), SCSI_STATUS_BUSY);
	assert_int_equal(r->alua.now.tpg[0].state, SCSI_ALUA_OPTIMIZED);
}

/* --- configuration --- */

static void configured(void **state)
{
	struct scsi_tpgs to = r->alua.now;

	(void)state;
	assert_false(scsi_alua_configure(&r->alua, &to));
	/* an operator's state survives a configuration that has not changed, and not one that has */
	operator_sets(RIG_TPG_OTHER, SCSI_ALUA_STANDBY);
	hears(1, 0x2a06);
	assert_false(scsi_alua_configure(&r->alua, &to));
	assert_int_equal(r->alua.now.tpg[1].state, SCSI_ALUA_STANDBY);
	to.tpg[1].configured = SCSI_ALUA_NONOPTIMIZED;
	assert_true(scsi_alua_configure(&r->alua, &to));
	assert_int_equal(r->alua.now.tpg[1].state, SCSI_ALUA_NONOPTIMIZED);
	assert_int_equal(r->alua.now.tpg[1].by, SCSI_ALUA_BY_ITSELF);
	assert_int_equal(n_owed(0), 0);
	hears(1, 0x2a06);
	assert_int_equal(n_owed(1), 0);
	/* another preference is worth a look */
	to.tpg[1].preferred = true;
	assert_true(scsi_alua_configure(&r->alua, &to));
	hears(1, 0x2a06);
	/* groups in another order are the same groups */
	to.tpg[0] = r->alua.now.tpg[1];
	to.tpg[1] = r->alua.now.tpg[0];
	for (unsigned i = 0; i < to.n_ports; i++)
		to.port[i].tpg = !to.port[i].tpg;
	assert_true(scsi_alua_configure(&r->alua, &to));
	assert_int_equal(n_owed(0) + n_owed(1), 0);
	assert_int_equal(get_be16(designator(0, 5) + 2), RIG_TPG);
	/* port 1 moves */
	to.port[0].tpg = 0;
	assert_true(scsi_alua_configure(&r->alua, &to));
	assert_int_equal(n_owed(0), 2);
	assert_int_equal(n_owed(1), 0);
	assert_int_equal(get_be16(designator(0, 5) + 2), RIG_TPG_OTHER);
}

static void names(void **state)
{
	uint8_t found;

	(void)state;
	for (unsigned i = 0; i < 256; i++) {
		const char *name = scsi_alua_state_name(i);

		if (!name)
			continue;
		assert_true(scsi_alua_state_find(name, &found));
		assert_int_equal(found, i);
	}
	assert_false(scsi_alua_state_find("optimised", &found));
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(both_formats),    T(longest),         T(inquiry), T(implicit_only),
		T(flags),           T(admission),       T(views),   T(segment_blocks),
		T(report_segments), T(segments_change), T(sets),    T(shared),
		T(set_refused),     T(set_fails),       T(names),   T(configured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
