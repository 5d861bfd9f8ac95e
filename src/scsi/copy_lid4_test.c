/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* EXTENDED COPY(LID4): its header, and what RECEIVE COPY STATUS(LID4) tells of copies that have ended. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scsi/copy_rig.h"

#define ID 0x12345678u

static struct rig *r;

static const struct copy_segment eight = { .from = 0, .to = 1, .n_blocks = 8 };

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

/* Send the list at r->out to unit 0. */
static uint8_t copy_list(size_t len)
{
	return rig_run(
		r, rig_lun0,
		CDB(0x83, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, (uint8_t)(len >> 8), (uint8_t)len, 0, 0),
		0, len);
}

static uint8_t copy(const struct copy_segment *s, unsigned n)
{
	return copy_list(copy_rig_list4(r->out, r->lu, ID, s, n));
}

static uint8_t ask(uint32_t id)
{
	return rig_run(r, rig_lun0,
		       CDB(0x84, 5, (uint8_t)(id >> 24), (uint8_t)(id >> 16), (uint8_t)(id >> 8),
			   (uint8_t)id, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0),
		       256, 0);
}

static void expect_unknown(uint32_t id)
{
	ask(id);
	rig_expect_sense(r, SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD_IN_CDB);
	assert_int_equal(rig_sense(r).field_byte, 2);
}

static void done(void **state)
{
	const struct copy_segment two[2] = { eight, { .from = 0, .to = 1, .n_blocks = 16 } };

	(void)state;
	expect_unknown(ID);
	memset(r->disk[1], 0, RIG_DISK_LEN);
	assert_int_equal(copy(two, 2), SCSI_STATUS_GOOD);
	assert_memory_equal(r->disk[1], r->disk[0], (size_t)16 * 512);
	assert_int_equal(r->t.out_resid, 0);
	rig_from(r, 1);
	expect_unknown(ID);
	rig_from(r, 0);
	expect_unknown(ID & 0xff);
	assert_int_equal(ask(ID), SCSI_STATUS_GOOD);
	assert_int_equal(r->t.data_len, 32);
	assert_int_equal(get_be32(r->in), 28);
	assert_int_equal(r->in[4], 1);    /* the service action */
	assert_int_equal(r->in[5], 0x01); /* completed without errors */
	assert_int_equal(get_be16(r->in + 6), 2);
	assert_int_equal(get_be32(r->in + 8), 0xfffffffe);
	assert_int_equal(get_be32(r->in + 12), 0); /* GOOD, no sense data, bytes */
	assert_int_equal(get_be64(r->in + 16), 24 * 512);
	assert_int_equal(get_be16(r->in + 24), 2);
	expect_unknown(ID); /* it is told once */
	assert_int_equal(copy_list(0), SCSI_STATUS_GOOD);
}

static void failed(void **state)
{
	struct copy_segment two[2] = { eight, eight };

	(void)state;
	two[1].from_lba = RIG_BLOCKS - 7;
	copy(two, 2);
	rig_expect_sense(r, SENSE_COPY_ABORTED, ASC_NONE);
	assert_int_equal(ask(ID), SCSI_STATUS_GOOD);
	assert_int_equal(get_be32(r->in), 28 + 20);
	assert_int_equal(r->t.data_len, 32 + 20);
	assert_int_equal(r->in[5], 0x02);
	assert_int_equal(r->in[12], SCSI_STATUS_CHECK_CONDITION);
	assert_int_equal(r->in[13], 20);
	assert_int_equal(r->in[14], 18);
	assert_int_equal(get_be16(r->in + 24), 1);
	assert_memory_equal(r->in + 32 + 3, ((const uint8_t[]){ 0, 0, 0, 0, 10, 0, 0, 0, 1 }), 9);
	expect_unknown(ID); /* there are no details besides */
}

/* Identifiers of one byte are others. */
static void both_kinds(void **state)
{
	(void)state;
	assert_int_equal(copy_list(copy_rig_list4(r->out, r->lu, 7, &eight, 1)), 0);
	assert_int_equal(
		rig_run(r, rig_lun0, CDB(0x84, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12), 12, 0),
		SCSI_STATUS_CHECK_CONDITION);
	assert_int_equal(ask(7), 0);
	assert_int_equal(rig_run(r, rig_lun0,
				 CDB(0x83, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
				     (uint8_t)copy_rig_list(r->out, r->lu, 7, &eight, 1)),
				 0, 108),
			 0);
	expect_unknown(7);
}

static void headers(void **state)
{
	static const struct {
		unsigned at;
		uint8_t value;
		unsigned asc;
	} bytes[] = {
		{ 0, 0x00, ASC_INVALID_FIELD_IN_PARAMETERS },
		{ 0, 0x02, ASC_INVALID_FIELD_IN_PARAMETERS },
		{ 1, 0x08, ASC_INVALID_FIELD_IN_PARAMETERS }, /* LIST ID USAGE 01b */
		{ 2, 0x01, ASC_INVALID_FIELD_IN_PARAMETERS },
		{ 15, 0x01, ASC_INVALID_FIELD_IN_PARAMETERS }, /* IMMED */
		{ 16, 0xe4, ASC_INVALID_FIELD_IN_PARAMETERS },
		{ 42, 0x01, ASC_TOO_MANY_TARGETS },
		{ 43, 0x3f, ASC_PARAMETER_LIST_LENGTH },
		{ 44, 0xff, ASC_PARAMETER_LIST_LENGTH },
		{ 45, 0x1d, ASC_PARAMETER_LIST_LENGTH },
		{ 47, 0x01, ASC_INLINE_DATA_LENGTH },
		{ 48, 0xe0, ASC_TARGET_TYPE },
		{ 112, 0x03, ASC_SEGMENT_TYPE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bytes); i++) {
		size_t len = copy_rig_list4(r->out, r->lu, ID, &eight, 1);

		r->out[bytes[i].at] = bytes[i].value;
		copy_list(len);
		rig_expect_sense(r, SENSE_ILLEGAL_REQUEST, bytes[i].asc);
		if (bytes[i].asc == ASC_INVALID_FIELD_IN_PARAMETERS)
			assert_int_equal(rig_sense(r).field_byte, bytes[i].at);
		assert_int_equal(r->n_acts, 1);
	}
	for (size_t cut = 1; cut < 140; cut++) {
		assert_int_equal(copy_rig_list4(r->out, r->lu, ID, &eight, 1), 140);
		copy_list(cut);
		rig_expect_sense(r, SENSE_ILLEGAL_REQUEST, ASC_PARAMETER_LIST_LENGTH);
	}
	assert_int_equal(copy_rig_list4(r->out, r->lu, ID, &eight, 1), 140);
	r->out[15] = 0x02; /* G_SENSE: there is none to be had */
	assert_int_equal(copy_list(140), SCSI_STATUS_GOOD);
	/* nobody will ask */
	(void)copy_rig_list4(r->out, r->lu, ID + 1, &eight, 1);
	r->out[1] = 0x18;
	assert_int_equal(copy_list(140), SCSI_STATUS_GOOD);
	expect_unknown(ID + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(done, setup, teardown),
		cmocka_unit_test_setup_teardown(failed, setup, teardown),
		cmocka_unit_test_setup_teardown(both_kinds, setup, teardown),
		cmocka_unit_test_setup_teardown(headers, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
