/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Identifying information and the timestamp: what was set comes back, and everybody else hears of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "scsi/testrig.h"

#define DEVICE    0x00 /* byte 10: the type, shifted */
#define TEXT      0x04
#define SUPPORTED 0xfe

static struct rig *r;

static int setup(void **state)
{
	(void)state;
	r = rig_new_quiet();
	r->lu[0].keeps = true;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rig_free(r);
	return 0;
}

static uint8_t report(uint8_t type, uint8_t room)
{
	return rig_run(rig_from(r, 0), rig_lun0,
		       CDB(0xa3, 0x05, 0, 0, 0, 0, 0, 0, 0, room, type, 0), room, 0);
}

static uint8_t set_ident(uint8_t type, const void *value, uint16_t len)
{
	memcpy(r->out, value, len);
	return rig_run(
		rig_from(r, 0), rig_lun0,
		CDB(0xa4, 0x06, 0, 0, 0, 0, 0, 0, (uint8_t)(len >> 8), (uint8_t)len, type, 0), 0,
		len);
}

static void expect_report(uint8_t type, const void *value, size_t len)
{
	assert_int_equal(report(type, 255), 0);
	assert_int_equal(r->t.data_len, 4 + len);
	assert_int_equal(get_be32(r->in), len);
	assert_memory_equal(r->in + 4, value, len);
}

static void expect_news(uint16_t ua)
{
	assert_int_equal(r->nexus[0].lun[0].uas.n, 0);
	assert_int_equal(scsi_uas_pop(&r->nexus[1].lun[0].uas), ua);
	assert_int_equal(r->changed, SCSI_CHANGED_LU);
}

static void ident(void **state)
{
	uint8_t longest[65] = "rack 7, shelf 2";

	(void)state;
	expect_report(DEVICE, "", 0);
	assert_int_equal(set_ident(DEVICE, longest, 64), 0);
	assert_int_equal(r->saves, 1);
	expect_news(SCSI_UA_IDENTIFIER_CHANGED);
	expect_report(DEVICE, longest, 64);
	expect_report(TEXT, "", 0);
	assert_int_equal(set_ident(TEXT, "blue", 5), 0);
	expect_news(SCSI_UA_IDENTIFIER_CHANGED);
	expect_report(TEXT, "blue", 5);
	expect_report(DEVICE, longest, 64);
	/* a short buffer gets what fits, with the whole length */
	assert_int_equal(report(TEXT, 6), 0);
	assert_int_equal(r->t.data_len, 6);
	assert_int_equal(r->in[3], 5);
	/* nothing takes it back */
	assert_int_equal(set_ident(TEXT, "", 0), 0);
	expect_report(TEXT, "", 0);
	expect_report(SUPPORTED, ((const uint8_t[]){ 0, 0, 0, 64, 4, 0, 1, 0 }), 8);
}

static void ident_refused(void **state)
{
	static const uint8_t big[257];

	(void)state;
	assert_int_equal(set_ident(DEVICE, "a", 1), 0);
	assert_int_equal(scsi_uas_pop(&r->nexus[1].lun[0].uas), SCSI_UA_IDENTIFIER_CHANGED);
	set_ident(DEVICE, big, 65);
	rig_expect_sense(r, 5, 0x2400);
	set_ident(TEXT, big, 257);
	rig_expect_sense(r, 5, 0x2400);
	set_ident(TEXT, "open", 4); /* no NUL */
	rig_expect_sense(r, 5, 0x2600);
	assert_int_equal(rig_sense(r).field_byte, 3);
	set_ident(SUPPORTED, "a", 1);
	rig_expect_sense(r, 5, 0x2400);
	assert_int_equal(rig_sense(r).field_byte, 10);
	report(0x06, 255);
	rig_expect_sense(r, 5, 0x2400);
	/* fewer bytes than the command says */
	rig_run(r, rig_lun0, CDB(0xa4, 0x06, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0), 0, 7);
	rig_expect_sense(r, 5, 0x0e03);
	assert_int_equal(r->nexus[1].lun[0].uas.n, 0);
	expect_report(DEVICE, "a", 1);
	/* what could not be saved is no success */
	r->fail_type = SCSI_ACT_SAVE;
	r->fail_result = -EIO;
	set_ident(DEVICE, "b", 1);
	rig_expect_sense(r, 4, 0x4400);
	/* a unit that forgets cannot be told, and does not say it could */
	r->lu[0].keeps = false;
	set_ident(DEVICE, "c", 1);
	rig_expect_sense(r, 5, 0x2400);
	rig_run(r, rig_lun0, CDB(0xa3, 0x0c, 3, 0xa4, 0, 6, 0, 0, 0, 64, 0, 0), 64, 0);
	assert_int_equal(r->in[1] & 7, 1);
	expect_report(DEVICE, "b", 1);
}

/* [SAVE-6] The process ends, another one begins with what was saved. */
static void ident_kept(void **state)
{
	struct scsi_lu *lu = &r->lu[0];

	(void)state;
	assert_int_equal(set_ident(TEXT, "green", 6), 0);
	assert_int_equal(set_ident(DEVICE, "0123", 4), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(scsi_nexus_remap(&r->nexus[i], NULL, 0), 1);
	lu->ident = (struct scsi_ident){ 0 };
	/* every truncation is refused, and leaves nothing */
	for (size_t len = 1; len < r->saved_len; len++) {
		if (scsi_lu_restore(lu, r->saved, len) == 0)
			assert_true(!lu->ident.text_len && !lu->ident.ident_len);
	}
	assert_true(!lu->ident.text_len && !lu->ident.ident_len);
	assert_int_equal(scsi_lu_restore(lu, r->saved, r->saved_len), 0);
	assert_int_equal(lu->ident.ident_len, 4);
	assert_int_equal(lu->ident.text_len, 6);
	assert_memory_equal(lu->ident.ident, "0123", 4);
	assert_memory_equal(lu->ident.text, "green", 6);
}

/* --- the timestamp --- */

static uint64_t timestamp(uint8_t origin)
{
	assert_int_equal(rig_run(rig_from(r, 0), rig_lun0,
				 CDB(0xa3, 0x0f, 0, 0, 0, 0, 0, 0, 0, 12, 0, 0), 12, 0),
			 0);
	assert_int_equal(r->t.data_len, 12);
	assert_int_equal(get_be16(r->in), 10);
	assert_int_equal(r->in[2], origin);
	return (uint64_t)get_be16(r->in + 4) << 32 | get_be32(r->in + 6);
}

static uint8_t set_timestamp(uint64_t ms, uint8_t len)
{
	memset(r->out, 0, 12);
	put_be16(r->out + 4, (uint16_t)(ms >> 32));
	put_be32(r->out + 6, (uint32_t)ms);
	return rig_run(rig_from(r, 0), rig_lun0, CDB(0xa4, 0x0f, 0, 0, 0, 0, 0, 0, 0, len, 0, 0), 0,
		       len);
}

static void timestamps(void **state)
{
	(void)state;
	r->counters.wall_ms = 1750000000000;
	assert_int_equal(timestamp(3), 1750000000000);
	assert_int_equal(set_timestamp(1000, 12), 0);
	expect_news(SCSI_UA_TIMESTAMP_CHANGED);
	assert_int_equal(timestamp(2), 1000); /* behind the clock */
	r->counters.wall_ms += 5000;          /* which somebody sets: that is not this one */
	assert_int_equal(timestamp(2), 1000);
	r->counters.on_ms += 77;
	assert_int_equal(timestamp(2), 1077);
	assert_int_equal(set_timestamp(0xffffffffffff, 12), 0); /* the last one there is */
	assert_int_equal(scsi_uas_pop(&r->nexus[1].lun[0].uas), SCSI_UA_TIMESTAMP_CHANGED);
	assert_int_equal(timestamp(2), 0xffffffffffff);
	r->counters.on_ms++;
	assert_int_equal(timestamp(2), 0);
	/* nothing to set; half of one */
	assert_int_equal(set_timestamp(5, 0), 0);
	set_timestamp(5, 11);
	rig_expect_sense(r, 5, 0x1a00);
	rig_run(r, rig_lun0, CDB(0xa4, 0x0f, 0, 0, 0, 0, 0, 0, 0, 12, 0, 0), 0, 11);
	rig_expect_sense(r, 5, 0x0e03);
	assert_int_equal(timestamp(2), 0);
	assert_int_equal(r->nexus[1].lun[0].uas.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(ident, setup, teardown),
		cmocka_unit_test_setup_teardown(ident_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(ident_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(timestamps, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
