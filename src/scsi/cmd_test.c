/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The command table agrees with itself, with what REPORT SUPPORTED OPERATION CODES says, and with what
 * the dispatcher does with every single CDB bit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/prng.h"
#include "scsi/cmd.h"
#include "scsi/sbc.h"
#include "scsi/spc.h"
#include "scsi/testrig.h"

#include <string.h>

static struct rig *r;

static int setup(void **state)
{
	(void)state;
	r = rig_new_quiet();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rig_free(r);
	return 0;
}

static void first_bytes(const struct scsi_cmd *cmd, uint8_t *cdb)
{
	memset(cdb, 0, CDB_MAX_BYTES);
	cdb[0] = cmd->opcode;
	if (cmd->flags & SCSI_CMD_SA)
		cdb[1] = cmd->service_action;
}

static void table(void **state)
{
	const struct scsi_cmd *cmd, *last = NULL;
	uint8_t cdb[CDB_MAX_BYTES];
	size_t n, found = 0;

	(void)state;
	for (n = 0; (cmd = scsi_cmd_at(n)); n++) {
		unsigned len = cdb_len(cmd->opcode);

		if (last)
			assert_true((last->opcode << 8 | last->service_action) <
				    (cmd->opcode << 8 | cmd->service_action));
		last = cmd;
		first_bytes(cmd, cdb);
		assert_ptr_equal(scsi_cmd_find(cdb), cmd);
		assert_non_null(cdb_opcode_text(cdb));
		assert_non_null(cmd->start);
		assert_true(len != 0);
		assert_int_equal(cmd->mask[0], 0xff);
		assert_int_equal(cmd->mask[len - 1], 0); /* control byte */
		for (unsigned i = len; i < CDB_MAX_BYTES; i++)
			assert_int_equal(cmd->mask[i], 0xff);
		if (cmd->flags & SCSI_CMD_SA)
			assert_int_equal(cmd->mask[1] & 0x1f, 0x1f);
		/* what runs beside the home worker cannot use its parameter buffer */
		assert_false(cmd->flags & SCSI_CMD_LOCAL && cmd->flags & SCSI_CMD_DATA);
	}
	assert_true(n > 44);
	/* nothing else has an opcode */
	for (unsigned op = 0; op < 256; op++)
		for (unsigned sa = 0; sa < 32; sa++) {
			cmd = scsi_cmd_find((const uint8_t[]){ (uint8_t)op, (uint8_t)sa });
			if (!cmd)
				continue;
			assert_int_equal(cmd->opcode, op);
			found += cmd->flags & SCSI_CMD_SA || sa == 0;
		}
	assert_int_equal(n, found);
}

/* Where a CDB is said to name blocks, cdb_range() reads what its usage map lets through. */
static void ranges(void **state)
{
	const struct scsi_cmd *cmd;
	unsigned found = 0;

	(void)state;
	for (size_t i = 0; (cmd = scsi_cmd_at(i)); i++) {
		uint8_t cdb[CDB_MAX_BYTES];
		struct cdb_range range;

		memcpy(cdb, cmd->mask, sizeof(cdb));
		cdb[0] = cmd->opcode;
		range = cdb_range(cdb);
		if (!(cmd->flags & SCSI_CMD_RANGE))
			continue;
		found++;
		assert_false(cmd->flags & SCSI_CMD_SA);
		assert_true(cmd->flags & SCSI_CMD_MEDIUM);
		switch (cdb_len(cmd->opcode)) {
		case 6:
			assert_int_equal(range.lba, 0x1fffff);
			break;
		case 16:
			assert_true(range.lba == UINT64_MAX);
			break;
		default:
			assert_int_equal(range.lba, UINT32_MAX);
		}
		assert_true(range.n_blocks == 0xff || range.n_blocks == 0xffff ||
			    range.n_blocks == UINT32_MAX);
	}
	assert_int_equal(found, 23);
}

/* Every bit of every CDB alone: refused exactly when the usage data of RSOC does not have it. */
static void usage_maps(void **state)
{
	const struct scsi_cmd *cmd;
	uint8_t cdb[CDB_MAX_BYTES];

	(void)state;
	r->lu[0].keeps = true;
	for (size_t i = 0; (cmd = scsi_cmd_at(i)); i++) {
		unsigned len = cdb_len(cmd->opcode);
		uint8_t usage[CDB_MAX_BYTES];
		const uint8_t ask[12] = { 0xa3, 0x0c, 3, cmd->opcode, 0, cmd->service_action,
					  0,    0,    1 };

		assert_int_equal(rig_run(rig_from(r, 0), rig_lun0, ask, 12, 256, 0), 0);
		assert_int_equal(get_be16(r->in + 2), len);
		memcpy(usage, r->in + 4, len);
		assert_int_equal(usage[0], cmd->opcode);
		for (unsigned bit = 8; bit < len * 8; bit++) {
			uint8_t m = (uint8_t)(1 << bit % 8);
			bool refused;

			if (cmd->flags & SCSI_CMD_SA && bit < 8 + 5)
				continue; /* another command */
			first_bytes(cmd, cdb);
			cdb[bit / 8] |= m;
			rig_run(rig_from(r, 0), rig_lun0, cdb, len, 4096, 4096);
			refused = r->t.status == SCSI_STATUS_CHECK_CONDITION &&
				  rig_sense(r).asc == ASC_INVALID_FIELD_IN_CDB &&
				  rig_sense(r).field_bit_valid &&
				  rig_sense(r).field_byte == bit / 8 &&
				  rig_sense(r).field_bit == bit % 8;
			if (!(usage[bit / 8] & m))
				assert_true(refused);
			else if ((cmd->mask[bit / 8] == 0xff || bit == len * 8 - 6 /* NACA */) &&
				 cmd->start != spc_mode_sense_6 &&
				 cmd->start != spc_mode_sense_10 &&
				 cmd->start != spc_log_sense) /* they point at a page code */
				assert_false(refused);
			r->lu[0].stopped = false;
			rig_clear_aca(r);
		}
	}
}

/* The list of all commands is the table, minus what the unit cannot do. */
static void all_opcodes(void **state)
{
	static const uint8_t ask[12] = { 0xa3, 0x0c, 0x80, 0, 0, 0, 0, 0, 16 };

	(void)state;
	r->lu[0].keeps = true;
	for (int lun = 0; lun < 2; lun++) {
		const struct scsi_cmd *cmd;
		size_t at = 4;

		assert_int_equal(
			rig_run(rig_from(r, 0), lun ? rig_lun1 : rig_lun0, ask, 12, 4096, 0), 0);
		assert_int_equal(get_be32(r->in) + 4, r->t.data_len);
		for (size_t i = 0; (cmd = scsi_cmd_at(i)); i++) {
			if (lun &&
			    /* it does not unmap, promises no atomic write, has no groups, keeps nothing */
			    (cmd->opcode == 0x42 || cmd->opcode == 0x9c ||
			     cmd->start == spc_report_tpgs || cmd->start == spc_set_tpgs ||
			     cmd->start == spc_set_ident || cmd->start == sbc_report_referrals))
				continue;
			assert_int_equal(r->in[at], cmd->opcode);
			assert_int_equal(get_be16(r->in + at + 2), cmd->service_action);
			assert_int_equal(r->in[at + 5], cmd->flags & SCSI_CMD_SA ? 3 : 2);
			assert_int_equal(get_be16(r->in + at + 6), cdb_len(cmd->opcode));
			assert_int_equal(get_be16(r->in + at + 8), 10);
			assert_int_equal(get_be32(r->in + at + 16), cmd->timeout_s);
			at += 20;
		}
		assert_int_equal(at, r->t.data_len);
	}
}

/* An opcode that is not in the table is INVALID COMMAND OPERATION CODE whatever else it holds; one that is there with
 * other service actions is INVALID FIELD IN CDB. */
static void unknown_opcodes(void **state)
{
	struct prng rnd = prng_of(3);

	(void)state;
	for (unsigned op = 0; op < 256; op++) {
		uint8_t cdb[CDB_MAX_BYTES];

		for (size_t i = 1; i < sizeof(cdb); i++)
			cdb[i] = (uint8_t)prng_u64(&rnd);
		cdb[0] = (uint8_t)op;
		if (scsi_cmd_find(cdb))
			continue;
		rig_run(rig_from(r, 0), rig_lun0, cdb, sizeof(cdb), 512, 512);
		rig_expect_sense(r, 5, scsi_cmd_has_opcode(cdb[0], &r->lu[0]) ? 0x2400 : 0x2000);
		rig_clear_aca(r); /* NACA may have been among the random bits */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),
		cmocka_unit_test(ranges),
		cmocka_unit_test_setup_teardown(usage_maps, setup, teardown),
		cmocka_unit_test_setup_teardown(all_opcodes, setup, teardown),
		cmocka_unit_test_setup_teardown(unknown_opcodes, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
