/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* EXTENDED COPY and the questions about it: data, what a nexus may copy, lists in every kind of disorder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scsi/copy_rig.h"
#include "scsi/medium.h"

#include <errno.h>

#define BLOCK(lba) ((size_t)(lba)*512)  /* its place on the first disk */
#define LARGE(lba) ((size_t)(lba)*4096) /* on the second */

static struct rig *r;

static int setup(void **state)
{
	(void)state;
	r = rig_new_filled();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rig_free(r);
	return 0;
}

/* Send the list at r->out, of @len bytes, to @lun. */
static uint8_t copy_list(const uint8_t *lun, size_t len)
{
	return rig_run(
		r, lun,
		CDB(0x83, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, (uint8_t)(len >> 8), (uint8_t)len, 0, 0),
		0, len);
}

/* Segments between the units 0 and 1 of the rig, as many as are given. */
static uint8_t copy(const uint8_t *lun, const struct copy_segment *s, unsigned n)
{
	size_t len = copy_rig_list(r->out, r->lu, 7, s, n);

	return copy_list(lun, len);
}

static uint8_t one(struct copy_segment s)
{
	return copy(rig_lun0, &s, 1);
}

static void expect_aborted(unsigned asc)
{
	rig_expect_sense(r, SENSE_COPY_ABORTED, asc);
}

/* What the field at @byte of the descriptor of segment @i says is not there. */
static void expect_beyond(unsigned i, unsigned byte)
{
	struct sense s;

	expect_aborted(ASC_NONE);
	s = rig_sense(r);
	assert_int_equal(s.specific, i);
	assert_true(s.field_valid && s.field_in_segment);
	assert_int_equal(s.field_byte, byte);
}

static void copies(void **state)
{
	static uint8_t before[RIG_DISK_LEN];
	const struct copy_segment both[2] = {
		{ .from = 0, .to = 1, .n_blocks = 16, .from_lba = 8, .to_lba = 3 },
		{ .from = 1,
		  .to = 0,
		  .n_blocks = 16,
		  .from_lba = 200,
		  .to_lba = 1000,
		  .counts_to = true },
	};

	(void)state;
	memcpy(before, r->disk[1], sizeof(before));
	/* 16 blocks of 512 are two of 4096; counted in the destination's 16 are 16 */
	assert_int_equal(copy(rig_lun0, both, 2), SCSI_STATUS_GOOD);
	assert_int_equal(r->route, SCSI_ROUTE_HOME);
	assert_memory_equal(r->disk[1] + LARGE(3), r->disk[0] + BLOCK(8), 8192);
	memcpy(before + LARGE(3), r->disk[0] + BLOCK(8), 8192);
	assert_memory_equal(r->disk[1], before, sizeof(before)); /* and nothing else */
	assert_memory_equal(r->disk[0] + BLOCK(1000), r->disk[1] + LARGE(200), 8192);
	assert_int_equal(r->t.out_resid, 0);
	/* whichever unit it is sent to, and to itself without a descriptor */
	assert_int_equal(copy(rig_lun1, both, 1), SCSI_STATUS_GOOD);
	assert_int_equal(copy(rig_lun1,
			      &(struct copy_segment){ .from = COPY_NO_TARGET,
						      .to = COPY_NO_TARGET,
						      .n_blocks = 2,
						      .from_lba = 10,
						      .to_lba = 20 },
			      1),
			 SCSI_STATUS_GOOD);
	assert_memory_equal(r->disk[1] + LARGE(20), r->disk[1] + LARGE(10), 8192);
	/* nothing to do */
	assert_int_equal(one((struct copy_segment){ .from = 0, .to = 1 }), SCSI_STATUS_GOOD);
	assert_int_equal(copy(rig_lun0, NULL, 0), SCSI_STATUS_GOOD);
	assert_int_equal(copy_list(rig_lun0, 0), SCSI_STATUS_GOOD);
}

static void overlapping(void **state)
{
	static uint8_t want[RIG_DISK_LEN];

	(void)state;
	for (int back = 0; back < 2; back++) {
		const size_t from = back ? 100 : 103, to = back ? 103 : 100;

		memcpy(want, r->disk[0], sizeof(want));
		memmove(want + BLOCK(to), r->disk[0] + BLOCK(from), BLOCK(500));
		assert_int_equal(one((struct copy_segment){
					 .n_blocks = 500, .from_lba = from, .to_lba = to }),
				 SCSI_STATUS_GOOD);
		assert_memory_equal(r->disk[0], want, sizeof(want));
	}
}

static void write_through(void **state)
{
	struct scsi_mode mode = r->lu[0].mode;

	(void)state;
	assert_int_equal(one((struct copy_segment){ .from = 1, .n_blocks = 1 }), 0);
	assert_false(r->acts[1].fua);
	mode.wce = false;
	assert_true(scsi_lu_set_mode(&r->lu[0], &mode));
	rig_views(r);
	assert_int_equal(one((struct copy_segment){ .from = 1, .n_blocks = 1 }), 0);
	assert_int_equal(r->acts[1].type, SCSI_ACT_COPY);
	assert_true(r->acts[1].fua);
}

/* --- what a nexus may copy --- */

static void unseen(void **state)
{
	const struct scsi_map_entry only0 = { .lu = &r->lu[0], .lun = 0 };
	const struct scsi_map_entry locked[2] = {
		{ .lu = &r->lu[0], .lun = 0 }, { .lu = &r->lu[1], .lun = 1, .read_only = true }
	};
	const struct scsi_map_entry twice[3] = { { .lu = &r->lu[0], .lun = 0 },
						 { .lu = &r->lu[1], .lun = 1, .read_only = true },
						 { .lu = &r->lu[1], .lun = 9 } };
	const struct copy_segment out = { .from = 0, .to = 1, .n_blocks = 8 };
	const struct copy_segment in = { .from = 1, .to = 0, .n_blocks = 1 };

	(void)state;
	assert_int_equal(scsi_nexus_remap(&r->nexus[0], &only0, 1), 1);
	scsi_uas_pop(&r->nexus[0].lun[0].uas);
	one(out);
	expect_aborted(ASC_COPY_NOT_REACHABLE);
	one(in);
	expect_aborted(ASC_COPY_NOT_REACHABLE);
	assert_int_equal(r->n_acts, 1); /* the list was fetched */
	/* the other nexus has it */
	rig_from(r, 1);
	assert_int_equal(one(out), SCSI_STATUS_GOOD);
	/* to read only */
	rig_from(r, 0);
	assert_int_equal(scsi_nexus_remap(&r->nexus[0], locked, 2), 1);
	memset(&r->nexus[0].lun[0].uas, 0, sizeof(r->nexus[0].lun[0].uas));
	one(out);
	expect_aborted(ASC_WRITE_PROTECTED);
	assert_int_equal(one(in), SCSI_STATUS_GOOD);
	/* twice, once of them to be written */
	assert_int_equal(scsi_nexus_remap(&r->nexus[0], twice, 3), 1);
	memset(&r->nexus[0].lun[0].uas, 0, sizeof(r->nexus[0].lun[0].uas));
	assert_int_equal(one(out), SCSI_STATUS_GOOD);
}

/* What another nexus has reserved of the unit that is not the one that the command is sent to. */
static void reserved(void **state)
{
	static const struct {
		enum scsi_pr_type type;
		bool reads;
	} types[] = {
		{ SCSI_PR_WRITE_EXCLUSIVE, true },
		{ SCSI_PR_EXCLUSIVE_ACCESS, false },
		{ SCSI_PR_WRITE_EXCLUSIVE_RO, true },
		{ SCSI_PR_EXCLUSIVE_ACCESS_RO, false },
	};
	const struct copy_segment out = { .from = 0, .to = 1, .n_blocks = 8 };
	const struct copy_segment in = { .from = 1, .to = 0, .n_blocks = 1 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		rig_from(r, 1);
		memset(r->out, 0, 24);
		put_be64(r->out + 8, 0x1234);
		assert_int_equal(rig_run(r, rig_lun1, CDB(0x5f, 6, 0, 0, 0, 0, 0, 0, 24, 0), 0, 24),
				 0);
		put_be64(r->out, 0x1234);
		assert_int_equal(rig_run(r, rig_lun1,
					 CDB(0x5f, 1, (uint8_t)types[i].type, 0, 0, 0, 0, 0, 24, 0),
					 0, 24),
				 0);
		rig_from(r, 0);
		one(out);
		expect_aborted(ASC_THIRD_PARTY_FAILURE);
		one(in);
		if (types[i].reads)
			assert_int_equal(r->t.status, SCSI_STATUS_GOOD);
		else
			expect_aborted(ASC_THIRD_PARTY_FAILURE);
		assert_int_equal(copy(rig_lun1, &out, 1), SCSI_STATUS_RESERVATION_CONFLICT);
		rig_from(r, 1);
		assert_int_equal(copy(rig_lun0, &out, 1), SCSI_STATUS_GOOD); /* the holder may */
		memset(r->out, 0, 24);
		put_be64(r->out, 0x1234);
		assert_int_equal(rig_run(r, rig_lun1, CDB(0x5f, 3, 0, 0, 0, 0, 0, 0, 24, 0), 0, 24),
				 0);
		for (unsigned n = 0; n < 2; n++)
			memset(&r->nexus[n].lun[1].uas, 0, sizeof(struct scsi_uas));
	}
	rig_from(r, 1);
	assert_int_equal(rig_run(r, rig_lun1, CDB(0x16, 0, 0, 0, 0, 0), 0, 0), 0);
	rig_from(r, 0);
	one(out);
	expect_aborted(ASC_THIRD_PARTY_FAILURE);
	one(in);
	expect_aborted(ASC_THIRD_PARTY_FAILURE);
}

/* The path of the nexus to a unit is in standby: what a READ or WRITE could not do, a copy cannot. */
static void standby(void **state)
{
	const struct scsi_tpg_want want = { .id = r->alua.now.tpg[0].id,
					    .state = SCSI_ALUA_STANDBY };
	const struct copy_segment out = { .from = 1, .to = 0, .n_blocks = 1 };
	const struct copy_segment in = { .from = 0, .to = 1, .n_blocks = 8 };

	(void)state;
	assert_true(scsi_alua_set(&r->alua, &want, 1, SCSI_ALUA_BY_ITSELF, NULL));
	assert_true(alua_restricts(&r->nexus[0].lun[0]));
	memset(&r->nexus[0].lun[0].uas, 0, sizeof(struct scsi_uas));
	assert_int_equal(copy(rig_lun1, &out, 1), SCSI_STATUS_CHECK_CONDITION);
	expect_aborted(0x040b);
	copy(rig_lun1, &in, 1);
	expect_aborted(0x040b);
	copy(rig_lun0, &in, 1); /* it does not even get there */
	rig_expect_sense(r, SENSE_NOT_READY, 0x040b);
}

/* A unit in a power condition wakes up for a copy, wherever that was sent. */
static void wakes(void **state)
{
	const struct copy_segment out = { .from = 1, .to = 0, .n_blocks = 1 };
	const struct copy_segment in = { .from = 0, .to = 1, .n_blocks = 8 };

	(void)state;
	r->lu[1].power = SCSI_POWER_STANDBY;
	assert_int_equal(one(in), SCSI_STATUS_GOOD);
	assert_int_equal(r->lu[1].power, SCSI_POWER_ACTIVE);
	r->lu[1].power = SCSI_POWER_IDLE;
	assert_int_equal(one(out), SCSI_STATUS_GOOD);
	assert_int_equal(r->lu[1].power, SCSI_POWER_ACTIVE);
	r->lu[1].power = SCSI_POWER_STANDBY;
	r->lu[1].stopped = true; /* that takes a START */
	one(in);
	expect_aborted(ASC_NOT_READY);
	assert_int_equal(r->lu[1].power, SCSI_POWER_STANDBY);
}

static void not_possible(void **state)
{
	const struct copy_segment good = { .from = 0, .to = 1, .n_blocks = 8 };
	const struct copy_segment odd = { .from = 0, .to = 1, .n_blocks = 7 };
	struct copy_segment far[3] = { good, good, good };

	(void)state;
	one(odd);
	expect_aborted(ASC_INEXACT_SEGMENT);
	far[2].from_lba = RIG_BLOCKS - 7;
	copy(rig_lun0, far, 3);
	expect_beyond(2, 12);
	far[2] = good;
	far[2].to_lba = UINT64_MAX;
	copy(rig_lun0, far, 3);
	expect_beyond(2, 20);
	assert_true(scsi_lu_set_present(&r->lu[1], false));
	one(good);
	expect_aborted(ASC_NOT_READY);
}

/* The list is in order: what its second segment refers to is not there. */
static void no_unit(void **state)
{
	const struct copy_segment good = { .from = 0, .to = 1, .n_blocks = 8 };
	struct copy_segment s[2] = { good, good };
	size_t len;

	(void)state;
	for (unsigned i = 0; i < 2; i++) { /* a CSCD descriptor that the list has not */
		s[1] = good;
		*(i ? &s[1].to : &s[1].from) = 2;
		memset(r->disk[1], 0, RIG_DISK_LEN);
		copy(rig_lun0, s, 2);
		expect_aborted(ASC_COPY_NOT_REACHABLE);
		assert_int_equal(rig_sense(r).specific, 1);
		assert_memory_equal(r->disk[1], r->disk[0],
				    BLOCK(8)); /* what came before was done */
	}
	for (unsigned i = 0; i < 2; i++) { /* a null device */
		len = copy_rig_list(r->out, r->lu, 7, &good, 1);
		r->out[16 + i * 32 + 1] |= 0x20;
		copy_list(rig_lun0, len);
		expect_aborted(ASC_COPY_NOT_REACHABLE);
	}
	/* that nobody refers to */
	len = copy_rig_list(r->out, r->lu, 7,
			    &(struct copy_segment){ .from = 0, .n_blocks = 1, .to_lba = 9 }, 1);
	r->out[16 + 32 + 1] |= 0x20;
	assert_int_equal(copy_list(rig_lun0, len), 0);
}

static void store_errors(void **state)
{
	static const struct {
		int result;
		unsigned asc;
	} map[] = {
		{ -EIO, ASC_THIRD_PARTY_FAILURE },    { -ENOSPC, ASC_SPACE_ALLOCATION_FAILED },
		{ -EROFS, ASC_WRITE_PROTECTED },      { -ENODATA, ASC_THIRD_PARTY_FAILURE },
		{ -ENOMEM, ASC_THIRD_PARTY_FAILURE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(map); i++) {
		r->fail_type = SCSI_ACT_COPY;
		r->fail_result = map[i].result;
		one((struct copy_segment){ .from = 0, .to = 1, .n_blocks = 8 });
		expect_aborted(map[i].asc);
	}
	r->abort_at = 2;
	one((struct copy_segment){ .from = 0, .to = 1, .n_blocks = 8 });
	assert_true(r->t.aborted);
	r->abort_at = 0;
}

/* --- lists in disorder --- */

static void expect_list(unsigned asc)
{
	rig_expect_sense(r, SENSE_ILLEGAL_REQUEST, asc);
	assert_int_equal(r->n_acts, 1);
}

static void bad_lists(void **state)
{
	static const struct {
		unsigned at;
		uint8_t value;
		unsigned asc;
	} bytes[] = {
		{ 1, 0x08, ASC_INVALID_FIELD_IN_PARAMETERS }, /* LIST ID USAGE 01b */
		{ 2, 0x01, ASC_TOO_MANY_TARGETS },
		{ 3, 0x21, ASC_PARAMETER_LIST_LENGTH },
		{ 3, 0x3f, ASC_PARAMETER_LIST_LENGTH },
		{ 3, 0x60, ASC_PARAMETER_LIST_LENGTH },
		{ 2, 0x08, ASC_PARAMETER_LIST_LENGTH }, /* more than a list may have */
		{ 8, 0xff, ASC_PARAMETER_LIST_LENGTH },
		{ 11, 0x1d, ASC_PARAMETER_LIST_LENGTH }, /* more than there is */
		{ 11, 0x1b, ASC_PARAMETER_LIST_LENGTH },
		{ 15, 0x01, ASC_INLINE_DATA_LENGTH },
		{ 16, 0xe0, ASC_TARGET_TYPE },
		{ 16 + 32 + 7, 21, ASC_INVALID_FIELD_IN_PARAMETERS },
		{ 80, 0x03, ASC_SEGMENT_TYPE },
		{ 81, 0x80, ASC_INVALID_FIELD_IN_PARAMETERS },
		{ 83, 0x17, ASC_INVALID_FIELD_IN_PARAMETERS },
	};
	const struct copy_segment s = { .from = 0, .to = 1, .n_blocks = 8 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bytes); i++) {
		size_t len = copy_rig_list(r->out, r->lu, 7, &s, 1);

		r->out[bytes[i].at] = bytes[i].value;
		copy_list(rig_lun0, len);
		expect_list(bytes[i].asc);
	}
	for (size_t cut = 1; cut < 108; cut++) {
		assert_int_equal(copy_rig_list(r->out, r->lu, 7, &s, 1), 108);
		copy_list(rig_lun0, cut);
		expect_list(ASC_PARAMETER_LIST_LENGTH);
	}
	/* a tape */
	(void)copy_rig_list(r->out, r->lu, 7, &s, 1);
	r->out[17] = 1;
	copy_list(rig_lun0, 108);
	expect_aborted(ASC_COPY_DEVICE_TYPE);
	/* blocks that it has not */
	(void)copy_rig_list(r->out, r->lu, 7, &s, 1);
	put_be24(r->out + 16 + 29, 4096);
	copy_list(rig_lun0, 108);
	expect_aborted(ASC_COPY_DEVICE_TYPE);
	/* a name that nothing has */
	(void)copy_rig_list(r->out, r->lu, 7, &s, 1);
	r->out[16 + 8] ^= 1;
	copy_list(rig_lun0, 108);
	expect_aborted(ASC_COPY_NOT_REACHABLE);
	copy_list(rig_lun0, SCSI_DATA_MIN_BYTES + 1);
	rig_expect_sense(r, SENSE_ILLEGAL_REQUEST, ASC_PARAMETER_LIST_LENGTH);
	rig_run(r, rig_lun0, CDB(0x83, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 108, 0, 0), 0, 107);
	rig_expect_sense(r, SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD_IN_IU);
}

/* What is not known may be of any length; of what is known LU ID TYPE says nothing. */
static void types(void **state)
{
	const struct copy_segment s = { .from = 0, .to = 1, .n_blocks = 8 };

	(void)state;
	(void)copy_rig_list(r->out, r->lu, 7, &s, 1);
	r->out[3] = 4;
	r->out[16] = 0xe0;
	copy_list(rig_lun0, 108);
	expect_list(ASC_TARGET_TYPE);
	(void)copy_rig_list(r->out, r->lu, 7, &s, 1);
	r->out[11] = 4;
	r->out[80] = 0x03;
	copy_list(rig_lun0, 84);
	expect_list(ASC_SEGMENT_TYPE);
	(void)copy_rig_list(r->out, r->lu, 7, &s, 1);
	r->out[17] = 0xc0;
	assert_int_equal(copy_list(rig_lun0, 108), 0);
}

/* --- questions --- */

static uint8_t ask(uint8_t service_action, uint8_t id)
{
	return rig_run(r, rig_lun0,
		       CDB(0x84, service_action, id, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0), 256,
		       0);
}

static void status(void **state)
{
	struct copy_segment s[2] = { { .from = 0, .to = 1, .n_blocks = 8 },
				     { .from = 0, .to = 1, .n_blocks = 16 } };

	(void)state;
	ask(0, 7);
	rig_expect_sense(r, SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD_IN_CDB);
	assert_int_equal(copy(rig_lun0, s, 2), 0);
	assert_int_equal(ask(0, 7), 0);
	assert_int_equal(r->t.data_len, 12);
	assert_int_equal(get_be32(r->in), 8);
	assert_int_equal(r->in[4], 1);
	assert_int_equal(get_be16(r->in + 5), 2);
	assert_int_equal(r->in[7], 0);
	assert_int_equal(get_be32(r->in + 8), 24 * 512);
	ask(0, 7); /* that was told */
	rig_expect_sense(r, SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD_IN_CDB);
	assert_int_equal(copy(rig_lun0, s, 2), 0);
	ask(4, 7); /* it has not failed */
	rig_expect_sense(r, SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD_IN_CDB);
	rig_from(r, 1); /* and is no other's */
	ask(0, 7);
	rig_expect_sense(r, SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD_IN_CDB);
	rig_from(r, 0);
	/* the same identifier again: one that fails in its second segment */
	s[1].to_lba = 1 << 20;
	copy(rig_lun0, s, 2);
	expect_beyond(1, 20);
	assert_int_equal(ask(0, 7), 0);
	assert_int_equal(r->in[4], 2);
	assert_int_equal(get_be16(r->in + 5), 1);
	assert_int_equal(ask(0, 7), SCSI_STATUS_CHECK_CONDITION); /* told, but for the details */
	assert_int_equal(ask(4, 7), 0);
	assert_int_equal(r->in[56], 2);
	assert_int_equal(get_be16(r->in + 58), 18);
	assert_int_equal(r->in[60 + 2], SENSE_COPY_ABORTED);
	assert_int_equal(get_be32(r->in), r->t.data_len - 4);
	ask(0, 7); /* that was told */
	rig_expect_sense(r, SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD_IN_CDB);
}

/* There are always as many as the last ones; who asks for no note gets none; a nexus takes its own along. */
static void notes(void **state)
{
	const struct copy_segment s = { .from = 0, .to = 1, .n_blocks = 8 };

	(void)state;
	for (unsigned id = 0; id < SCSI_COPY_NOTES + 3; id++)
		assert_int_equal(
			copy_list(rig_lun0, copy_rig_list(r->out, r->lu, (uint8_t)id, &s, 1)), 0);
	assert_int_equal(ask(0, 2), SCSI_STATUS_CHECK_CONDITION);
	for (unsigned id = 3; id < SCSI_COPY_NOTES; id++)
		assert_int_equal(ask(0, (uint8_t)id), SCSI_STATUS_GOOD);
	(void)copy_rig_list(r->out, r->lu, 100, &s, 1);
	r->out[1] = 0x18;
	assert_int_equal(copy_list(rig_lun0, 108), 0);
	assert_int_equal(ask(0, 100), SCSI_STATUS_CHECK_CONDITION);
	assert_int_equal(r->lu[0].copies.note[0].status, SCSI_COPY_DONE); /* for nobody asked */
	scsi_nexus_deinit(&r->nexus[0]);
	for (unsigned i = 0; i < SCSI_COPY_NOTES; i++)
		assert_int_equal(r->lu[0].copies.note[i].status, SCSI_COPY_NONE);
}

/* A reset of the unit, by whom ever, and one of the nexus leave nothing to be told. */
static void resets(void **state)
{
	static const enum scsi_tmf_fn fns[] = { SCSI_TMF_LUN_RESET, SCSI_TMF_NEXUS_RESET };
	const struct copy_segment s = { .from = 0, .to = 1, .n_blocks = 8 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(fns); i++) {
		struct scsi_tmf m = { .fn = fns[i], .nexus = &r->nexus[i ? 0 : 1] };

		assert_int_equal(one(s), 0);
		scsi_tmf_start(&m);
		(void)scsi_tmf_finish(&m);
		for (unsigned n = 0; n < 2; n++)
			memset(&r->nexus[n].lun[0].uas, 0, sizeof(struct scsi_uas));
		assert_int_equal(ask(0, 7), SCSI_STATUS_CHECK_CONDITION);
		rig_expect_sense(r, SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD_IN_CDB);
	}
}

static void parameters(void **state)
{
	(void)state;
	assert_int_equal(ask(3, 0), 0);
	assert_int_equal(get_be32(r->in), r->t.data_len - 4);
	assert_int_equal(get_be16(r->in + 8), SCSI_COPY_TARGETS_MAX);
	assert_int_equal(get_be16(r->in + 10), SCSI_COPY_SEGMENTS_MAX);
	assert_int_equal(r->in[43], 2);
	assert_int_equal(r->in[44], 0x02);
	assert_int_equal(r->in[45], 0xe4);
	/* both lists of descriptors, without what is in front of them */
	assert_int_equal(get_be32(r->in + 12),
			 SCSI_COPY_TARGETS_MAX * 32 + SCSI_COPY_SEGMENTS_MAX * 28);
	/* all that it promises at once */
	static struct copy_segment s[SCSI_COPY_SEGMENTS_MAX + 1];
	size_t len = copy_rig_list(r->out, r->lu, 0, s, SCSI_COPY_SEGMENTS_MAX);

	assert_int_equal(copy_list(rig_lun0, len), 0);
	len = copy_rig_list(r->out, r->lu, 0, s, SCSI_COPY_SEGMENTS_MAX + 1);
	copy_list(rig_lun0, len);
	expect_list(ASC_TOO_MANY_SEGMENTS);
}

/* The part of VPD page 8Fh at @at lists commands: each of them is in the table. Return: how many. */
static unsigned commands_at(unsigned at)
{
	unsigned end = at + 5u + r->in[at + 4];
	unsigned n = 0;
	unsigned p = at + 5;

	while (p < end) {
		for (unsigned i = 0; i < r->in[p + 1]; i++, n++)
			assert_non_null(
				scsi_cmd_find((const uint8_t[]){ r->in[p], r->in[p + 2 + i] }));
		p += 2u + r->in[p + 1];
	}
	assert_int_equal(p, end);
	return n;
}

static unsigned commands_known(void)
{
	const struct scsi_cmd *cmd;
	unsigned n = 0;

	for (size_t i = 0; (cmd = scsi_cmd_at(i)); i++)
		n += cmd->opcode == 0x83 || cmd->opcode == 0x84;
	return n;
}

static void vital_data(void **state)
{
	unsigned at = 4;
	unsigned seen = 0;

	(void)state;
	assert_int_equal(rig_run(r, rig_lun0, CDB(0x12, 0, 0, 0, 96, 0), 96, 0), 0);
	assert_true(r->in[5] & 0x08); /* 3PC */
	assert_int_equal(rig_run(r, rig_lun0, CDB(0x12, 1, 0x8f, 4, 0, 0), 1024, 0), 0);
	assert_int_equal(get_be16(r->in + 2) + 4u, r->t.data_len);
	while (at < r->t.data_len) {
		unsigned len = get_be16(r->in + at + 2);

		assert_int_equal(len % 4, 0);
		if (get_be16(r->in + at) == 0x0001)
			seen += commands_at(at);
		at += 4 + len;
	}
	assert_int_equal(at, r->t.data_len);
	assert_int_equal(seen, commands_known());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(copies, setup, teardown),
		cmocka_unit_test_setup_teardown(overlapping, setup, teardown),
		cmocka_unit_test_setup_teardown(write_through, setup, teardown),
		cmocka_unit_test_setup_teardown(unseen, setup, teardown),
		cmocka_unit_test_setup_teardown(reserved, setup, teardown),
		cmocka_unit_test_setup_teardown(standby, setup, teardown),
		cmocka_unit_test_setup_teardown(wakes, setup, teardown),
		cmocka_unit_test_setup_teardown(not_possible, setup, teardown),
		cmocka_unit_test_setup_teardown(no_unit, setup, teardown),
		cmocka_unit_test_setup_teardown(store_errors, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_lists, setup, teardown),
		cmocka_unit_test_setup_teardown(types, setup, teardown),
		cmocka_unit_test_setup_teardown(status, setup, teardown),
		cmocka_unit_test_setup_teardown(notes, setup, teardown),
		cmocka_unit_test_setup_teardown(resets, setup, teardown),
		cmocka_unit_test_setup_teardown(parameters, setup, teardown),
		cmocka_unit_test_setup_teardown(vital_data, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
