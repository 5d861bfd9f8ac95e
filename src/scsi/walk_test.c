/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A seeded random walk: commands of every kind with random fields, parameter data, buffers, errors of
 * the store, aborts and changes of the units, from two nexuses. The rig checks the rules of
 * scsi/task.h at every step; here a second copy of the medium checks that plain data stay right.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/prng.h"
#include "scsi/cmd.h"
#include "scsi/testrig.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define STEPS 60000

static size_t n_cmds(void)
{
	size_t n = 0;

	while (scsi_cmd_at(n))
		n++;
	return n;
}

static void random_cdb(struct prng *rnd, uint8_t *cdb)
{
	size_t n = n_cmds();
	const struct scsi_cmd *cmd;

	if (!n)
		n = 1;
	cmd = scsi_cmd_at(prng_below(rnd, n));

	while (!(cmd->flags & SCSI_CMD_MEDIUM) && prng_below(rnd, 2)) /* mostly those with I/O */
		cmd = scsi_cmd_at(prng_below(rnd, n));
	for (size_t i = 0; i < CDB_MAX_BYTES; i++)
		cdb[i] = (uint8_t)prng_u64(rnd);
	if (prng_below(rnd, 16) == 0)
		return; /* garbage */
	cdb[0] = cmd->opcode;
	if (prng_below(rnd, 8)) /* mostly bits that may be set */
		for (size_t i = 1; i < CDB_MAX_BYTES; i++)
			cdb[i] &= cmd->mask[i];
	if (cmd->flags & SCSI_CMD_SA)
		cdb[1] = cmd->service_action;
	if (!(cmd->flags & SCSI_CMD_MEDIUM) || cmd->flags & SCSI_CMD_SA || prng_below(rnd, 8) == 0)
		return;
	/* mostly ranges near the unit */
	if (cdb_len(cmd->opcode) == 6)
		put_be24(cdb + 1, (uint32_t)prng_below(rnd, RIG_BLOCKS + 16));
	else
		(void)cdb_put_rw(cdb, cmd->opcode, cdb[1],
				 (struct cdb_range){ prng_below(rnd, RIG_BLOCKS + 16),
						     (uint32_t)prng_below(rnd, 600) });
}

/* MODE SELECT of the control page, sometimes with a value that is none. */
static void random_modes(struct prng *rnd, struct rig *r, uint8_t *cdb)
{
	size_t header = cdb[0] == SCSI_OP_MODE_SELECT_6 ? 4 : 8;
	uint8_t *body = r->out + header;

	memset(r->out, 0, header + 12);
	put_be16(body, 0x0a0a);
	body[2] = (uint8_t)(prng_below(rnd, 2) << 5 | prng_below(rnd, 2) << 2 | 0x02);
	/* mostly what lets commands run where they are, and be carried out */
	body[3] = (uint8_t)(prng_below(rnd, 8) ? 0x10 : prng_below(rnd, 32) << 1);
	body[4] = (uint8_t)(prng_below(rnd, 8) ? 0 : prng_below(rnd, 8) << 3);
	body[5] = (uint8_t)(prng_below(rnd, 2) << 6);
	put_be16(body + 8, 0xffff);
	cdb[1] = 0x10;
	put_be16(cdb + 7, (uint16_t)(header + 12));
	if (header == 4)
		cdb[4] = (uint8_t)(header + 12);
}

/* PERSISTENT RESERVE OUT with few keys, so that they often match. */
static void random_pr_out(struct prng *rnd, struct rig *r, uint8_t *cdb)
{
	uint32_t len = prng_below(rnd, 8) ? 24 : (uint32_t)(24 + 4 * prng_below(rnd, 8));

	memset(r->out, 0, 64);
	put_be64(r->out, prng_below(rnd, 3));
	put_be64(r->out + 8, prng_below(rnd, 3));
	r->out[20] = prng_below(rnd, 4) ? 0 : (uint8_t)(prng_u64(rnd) & 0x0d);
	put_be32(r->out + 24, len - 28);
	r->out[28] = TRANSPORT_ID_SRP;
	r->out[43] = (uint8_t)prng_below(rnd, 4);
	cdb[2] = (uint8_t)prng_below(rnd, 9);
	put_be32(cdb + 5, len);
}

static void random_list(struct prng *rnd, struct rig *r, uint8_t *cdb)
{
	unsigned n = (unsigned)prng_below(rnd, 8);

	if (prng_below(rnd, 8) == 0)
		return;
	if (cdb[0] == SCSI_OP_MODE_SELECT_6 || cdb[0] == SCSI_OP_MODE_SELECT_10)
		random_modes(rnd, r, cdb);
	if (cdb[0] == SCSI_OP_PERSISTENT_RESERVE_OUT)
		random_pr_out(rnd, r, cdb);
	if (cdb[0] != SCSI_OP_UNMAP)
		return;
	put_be16(r->out, (uint16_t)(n * 16 + 6));
	put_be16(r->out + 2, (uint16_t)((size_t)n * 16 + prng_below(rnd, 3) % 2));
	for (size_t i = 0; i < n; i++) {
		put_be64(r->out + 8 + 16 * i, prng_below(rnd, RIG_BLOCKS + 4));
		put_be32(r->out + 16 + 16 * i, (uint32_t)prng_below(rnd, 64));
	}
}

static void random_fault(struct prng *rnd, struct rig *r)
{
	static const int errs[] = { EIO,       ENODATA, ENOSPC, EROFS,  EINVAL, ECANCELED, EBADMSG,
				    ETIMEDOUT, EPIPE,   ENXIO,  ENOMEM, EILSEQ, E2BIG };

	r->fail_type = SCSI_ACT_NONE;
	r->abort_at = 0;
	r->abort_room = prng_below(rnd, 64) == 0;
	if (prng_below(rnd, 4) == 0) {
		r->fail_type =
			(enum scsi_act_type)(SCSI_ACT_FETCH + prng_below(rnd, SCSI_ACT_ROOM - 1));
		r->fail_result = -errs[prng_below(rnd, ARRAY_SIZE(errs))];
		r->fail_done = prng_u64(rnd) >> prng_below(rnd, 64);
	}
	if (prng_below(rnd, 16) == 0)
		r->abort_at = (unsigned)prng_below(rnd, 4);
}

static void random_change(struct prng *rnd, struct rig *r)
{
	struct scsi_lu *lu = &r->lu[prng_below(rnd, 2)];
	struct scsi_map_entry map[] = { { &r->lu[0], 0, prng_below(rnd, 2) },
					{ &r->lu[1], prng_below(rnd, 4) ? 1 : 7, false } };

	switch (prng_below(rnd, 6)) {
	case 0:
		(void)scsi_lu_set_size(lu, RIG_DISK_LEN - (size_t)prng_below(rnd, 2) * 65536);
		break;
	case 1:
		(void)scsi_lu_set_present(lu, prng_below(rnd, 4));
		break;
	case 2:
		assert_true(scsi_nexus_remap(&r->nexus[prng_below(rnd, 2)], map,
					     1 + prng_below(rnd, 2)) >= 0);
		break;
	case 3:
		if (prng_below(rnd, 3))
			(void)!scsi_lu_insert(lu, NULL);
		else
			(void)!scsi_lu_eject(lu);
		break;
	case 4:
		scsi_nexus_ua(&r->nexus[prng_below(rnd, 2)], SCSI_UA_INQUIRY_CHANGED);
		break;
	default: {
		static const uint8_t *const luns[] = { rig_lun0, rig_lun1, rig_lun7 };

		(void)rig_tmf(r, (enum scsi_tmf_fn)prng_below(rnd, SCSI_TMF_TASK_CLEARS + 2),
			      (unsigned)prng_below(rnd, 2), luns[prng_below(rnd, 3)]);
	}
	}
	rig_views(r);
}

/* Reads give what is on the medium, writes change nothing but their range. */
static void check_data(const struct rig *r, uint8_t *shadow, unsigned disk)
{
	for (unsigned i = 0; i < r->n_acts && i < RIG_ACTS; i++) {
		const struct scsi_act *a = &r->acts[i];
		uint8_t *at = shadow + a->off_bytes;

		if (a->type == SCSI_ACT_READ && r->moved)
			assert_memory_equal(r->in, at, r->moved);
		else if (a->type == SCSI_ACT_WRITE || a->type == SCSI_ACT_UNMAP ||
			 a->type == SCSI_ACT_WRITE_ZEROES || a->type == SCSI_ACT_WRITE_SAME ||
			 a->type == SCSI_ACT_COMPARE_AND_WRITE || a->type == SCSI_ACT_OR_WRITE)
			memcpy(at, r->disk[disk] + a->off_bytes, a->len_bytes);
	}
}

static void walk(struct rig *r, uint8_t (*shadow)[RIG_DISK_LEN], uint64_t seed)
{
	struct prng rnd = prng_of(seed);
	static const uint8_t *const luns[] = { rig_lun0, rig_lun0, rig_lun1,
					       rig_lun1, rig_lun7, rig_well_known };
	unsigned good = 0, local = 0;

	for (unsigned i = 0; i < STEPS; i++) {
		uint8_t cdb[CDB_MAX_BYTES];
		uint64_t in_len =
			prng_below(&rnd, 4) ? prng_below(&rnd, 9) * 512 : prng_below(&rnd, 5000);
		uint64_t out_len =
			prng_below(&rnd, 4) ? prng_below(&rnd, 9) * 512 : prng_below(&rnd, 5000);

		if (prng_below(&rnd, 64) == 0)
			random_change(&rnd, r);
		if (prng_below(&rnd, 3) == 0)
			rig_clear_aca(r);
		if (prng_below(&rnd, 64) == 0) /* the mode pages as they were */
			(void)rig_tmf(r, SCSI_TMF_LUN_RESET, 0,
				      prng_below(&rnd, 2) ? rig_lun0 : rig_lun1);
		random_cdb(&rnd, cdb);
		for (unsigned k = 0; k < 8; k++)
			put_be64(r->out + prng_below(&rnd, 5000), prng_u64(&rnd));
		if (prng_below(&rnd, 4) == 0)
			memset(r->out, 0, 5008);
		random_list(&rnd, r, cdb);
		random_fault(&rnd, r);
		r->attr = prng_below(&rnd, 32) ? 0 : (uint8_t)prng_below(&rnd, 6);
		r->force_home = prng_below(&rnd, 8) == 0;
		rig_run(rig_from(r, (unsigned)prng_below(&rnd, 2)),
			luns[prng_below(&rnd, ARRAY_SIZE(luns))], cdb, sizeof(cdb), in_len,
			out_len);
		good += r->t.status == SCSI_STATUS_GOOD;
		local += r->t.route == SCSI_ROUTE_LOCAL;
		if (r->erased) { /* all of it has changed, as erase_test.c checks */
			memcpy(shadow, r->disk, sizeof(r->disk));
			r->erased = 0;
		} else if (r->t.lu)
			check_data(r, shadow[r->t.lu == &r->lu[1]], r->t.lu == &r->lu[1]);
		if (i % 4096 == 0)
			assert_memory_equal(shadow, r->disk, sizeof(r->disk));
	}
	/* the walk must get somewhere */
	assert_true(good > STEPS / 20);
	assert_true(local > STEPS / 32);
}

static void random_walks(void **state)
{
	uint8_t(*shadow)[RIG_DISK_LEN] = calloc(2, RIG_DISK_LEN);

	(void)state;
	assert_non_null(shadow);
	for (uint64_t seed = 1; seed <= 4; seed++) {
		struct rig *r = rig_new();

		r->lu[0].keeps = seed & 1;
		r->lu[0].removable = seed & 2;
		memset(shadow, 0, (size_t)2 * RIG_DISK_LEN);
		walk(r, shadow, seed);
		rig_free(r);
	}
	free(shadow);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(random_walks) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
