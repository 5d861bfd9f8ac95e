/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Primary commands: their data byte by byte, LUN addressing, and refusal of what is not there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scsi/testrig.h"

#include <errno.h>

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

static uint8_t run(const uint8_t *lun, const uint8_t *cdb, size_t len, uint64_t in_len)
{
	return rig_run(rig_from(r, 0), lun, cdb, len, in_len, 0);
}

static void expect_in(const uint8_t *want, size_t len)
{
	assert_int_equal(r->t.data_len, len);
	assert_memory_equal(r->in, want, len);
}

static void inquiry_standard(void **state)
{
	static const uint8_t want[96] = {
		0x00, 0x00, 0x06, 0x32, 91,   0x38, 0,    0x02, 'S',  'R',  'P',  'T',  'D',  ' ',
		' ',  ' ',  'V',  'I',  'R',  'T',  'U',  'A',  'L',  '-',  'D',  'I',  'S',  'K',
		' ',  ' ',  ' ',  ' ',  '0',  '0',  '0',  '1',  0,    0,    0,    0,    0,    0,
		0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,
		0,    0,    0x00, 0xa0, 0x09, 0x40, 0x05, 0xc0, 0x04, 0x60, 0x06, 0x00, 0x04, 0xc0,
	};

	(void)state;
	assert_int_equal(run(rig_lun0, CDB(0x12, 0, 0, 0, 255, 0), 255), 0);
	expect_in(want, sizeof(want));
	assert_int_equal(r->t.in_resid, 96 - 255);
	/* the allocation length cuts, the buffer too, and only the buffer counts as overflow */
	assert_int_equal(run(rig_lun0, CDB(0x12, 0, 0, 0, 36, 0), 255), 0);
	expect_in(want, 36);
	assert_int_equal(r->t.in_resid, 36 - 255);
	assert_int_equal(run(rig_lun0, CDB(0x12, 0, 0, 0, 96, 0), 5), 0);
	expect_in(want, 5);
	assert_int_equal(r->t.in_resid, 91);
	/* a page code without EVPD */
	run(rig_lun0, CDB(0x12, 0, 0x80, 0, 255, 0), 255);
	rig_expect_sense(r, 5, 0x2400);
	assert_int_equal(rig_sense(r).field_byte, 2);
	assert_int_equal(r->t.in_resid, -255);
}

static void inquiry_elsewhere(void **state)
{
	static const uint8_t flat[8] = { 0x40, 0x01 };

	(void)state;
	assert_int_equal(run(rig_lun7, CDB(0x12, 0, 0, 0, 255, 0), 255), 0);
	assert_int_equal(r->in[0], 0x7f);
	assert_int_equal(run(rig_well_known, CDB(0x12, 0, 0, 0, 255, 0), 255), 0);
	assert_int_equal(r->in[0], 0x1e);
	assert_int_equal(run(flat, CDB(0x12, 0, 0, 0, 255, 0), 255), 0);
	assert_memory_equal(r->in + 8, "ACME    Big Blocks      42  ", 28);
	/* no unit, no pages but the list */
	assert_int_equal(run(rig_lun7, CDB(0x12, 1, 0, 0, 255, 0), 255), 0);
	expect_in((const uint8_t[]){ 0x7f, 0, 0, 1, 0 }, 5);
	run(rig_lun7, CDB(0x12, 1, 0x83, 0, 255, 0), 255);
	rig_expect_sense(r, 5, 0x2400);
}

static void vpd_identity(void **state)
{
	static const uint8_t list[] = { 0,    0,    0,    11,   0x00, 0x80, 0x83, 0x86,
					0x87, 0x88, 0x8f, 0xb0, 0xb1, 0xb2, 0xb3 };
	static const uint8_t policy[] = { 0, 0x87, 0, 4, 0x3f, 0xff, 0, 0 };
	static const uint8_t serial[] = { 0, 0x80, 0, 7, 'S', 'N', '-', '0', '0', '0', '1' };
	static const uint8_t id[] = {
		0,    0x83, 0,    20 + 35 + 20 + 8 + 8,
		0x01, 0x03, 0,    16,
		0x60, 1,    2,    3,
		4,    5,    6,    7,
		8,    9,    10,   11,
		12,   13,   14,   15,
		0x02, 0x01, 0,    31,
		'S',  'R',  'P',  'T',
		'D',  ' ',  ' ',  ' ',
		'V',  'I',  'R',  'T',
		'U',  'A',  'L',  '-',
		'D',  'I',  'S',  'K',
		' ',  ' ',  ' ',  ' ',
		'S',  'N',  '-',  '0',
		'0',  '0',  '1',  0x41,
		0x92, 0,    16,   0xaa,
		0xbb, 0,    0,    0,
		0,    0,    0,    0,
		0,    0,    0,    0,
		0,    0,    0,    0x41,
		0x94, 0,    4,    0,
		0,    0,    1,    0x41,
		0x95, 0,    4,    0,
		0,    0x01, 0x02,
	};

	(void)state;
	assert_int_equal(run(rig_lun0, CDB(0x12, 1, 0x00, 0, 255, 0), 255), 0);
	expect_in(list, sizeof(list));
	assert_int_equal(run(rig_lun0, CDB(0x12, 1, 0x80, 0, 255, 0), 255), 0);
	expect_in(serial, sizeof(serial));
	assert_int_equal(run(rig_lun0, CDB(0x12, 1, 0x83, 0, 255, 0), 255), 0);
	expect_in(id, sizeof(id));
	assert_int_equal(run(rig_lun0, CDB(0x12, 1, 0x87, 0, 255, 0), 255), 0);
	expect_in(policy, sizeof(policy));
	/* three ports, one of another node; the first is its own and has a name */
	assert_int_equal(run(rig_lun0, CDB(0x12, 1, 0x88, 0, 255, 0), 255), 0);
	assert_int_equal(r->t.data_len, 4 + 12 + 20 + 12 + 12);
	assert_int_equal(get_be16(r->in + 6), 1);
	assert_int_equal(get_be16(r->in + 14), 20);
	assert_memory_equal(r->in + 16, ((const uint8_t[]){ 0x41, 0x92, 0, 16, 0xaa, 0xbb }), 6);
	assert_int_equal(get_be16(r->in + 38), 2);
	assert_int_equal(get_be16(r->in + 46), 0);
	run(rig_lun0, CDB(0x12, 1, 0x90, 0, 255, 0), 255);
	rig_expect_sense(r, 5, 0x2400);
}

static void vpd_limits(void **state)
{
	uint8_t want[64] = { 0, 0xb0, 0, 0x3c, 0x01, 128, 0, 8 };

	(void)state;
	put_be32(want + 20, 512u << 11); /* 512 MiB in blocks of 512 */
	put_be32(want + 24, 255);
	put_be32(want + 28, 8);
	put_be32(want + 32, 0x80000000u);
	put_be64(want + 36, 256u << 11);
	put_be32(want + 44, 2048); /* 1 MiB; any alignment and granularity */
	put_be32(want + 56, 2048);
	put_be32(want + 60, 2048);
	assert_int_equal(run(rig_lun0, CDB(0x12, 1, 0xb0, 0, 255, 0), 255), 0);
	expect_in(want, sizeof(want));

	memset(want + 4, 0, 60);
	want[4] = 1;
	want[5] = 64;
	want[7] = 1;
	put_be32(want + 8, 64); /* 256 KiB */
	put_be64(want + 36, 256u << 8);
	assert_int_equal(run(rig_lun1, CDB(0x12, 1, 0xb0, 0, 255, 0), 255), 0);
	expect_in(want, sizeof(want));

	assert_int_equal(run(rig_lun0, CDB(0x12, 1, 0x86, 0, 255, 0), 255), 0);
	assert_int_equal(r->t.data_len, 64);
	assert_memory_equal(r->in, ((const uint8_t[]){ 0, 0x86, 0, 0x3c, 0, 0x07, 0x01, 0x01 }), 8);
	assert_int_equal(r->in[13], 28);
	assert_int_equal(run(rig_lun0, CDB(0x12, 1, 0xb1, 0, 255, 0), 255), 0);
	assert_int_equal(r->t.data_len, 64);
	assert_int_equal(get_be16(r->in + 4), 1);
	assert_int_equal(run(rig_lun1, CDB(0x12, 1, 0xb1, 0, 255, 0), 255), 0);
	assert_int_equal(get_be16(r->in + 4), 0);
	assert_int_equal(run(rig_lun0, CDB(0x12, 1, 0xb2, 0, 255, 0), 255), 0);
	expect_in((const uint8_t[]){ 0, 0xb2, 0, 4, 0, 0xe4, 2, 0 }, 8);
	assert_int_equal(run(rig_lun1, CDB(0x12, 1, 0xb2, 0, 255, 0), 255), 0);
	expect_in((const uint8_t[]){ 0, 0xb2, 0, 4, 0, 0, 0, 0 }, 8);
}

static void report_luns(void **state)
{
	static const uint8_t units[] = { 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0,
					 0, 0, 0, 0,  0, 1, 0, 0, 0, 0, 0, 0 };
	static const uint8_t well[] = { 0, 0, 0, 8, 0, 0, 0, 0, 0xc1, 0x01, 0, 0, 0, 0, 0, 0 };

	(void)state;
	assert_int_equal(run(rig_lun0, CDB(0xa0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0), 256), 0);
	expect_in(units, sizeof(units));
	assert_int_equal(run(rig_lun7, CDB(0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0), 256), 0);
	expect_in(units, 16);
	assert_int_equal(run(rig_well_known, CDB(0xa0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0), 256), 0);
	expect_in(well, sizeof(well));
	assert_int_equal(run(rig_lun0, CDB(0xa0, 0, 2, 0, 0, 0, 0, 0, 1, 0, 0, 0), 256), 0);
	assert_int_equal(r->t.data_len, 32);
	assert_int_equal(get_be32(r->in), 24);
	/* no unit is administrative or subsidiary, and none is in a conglomerate */
	for (uint8_t select = 0x10; select <= 0x12; select++) {
		const uint8_t cdb[12] = { 0xa0, 0, select, [8] = 1 };

		assert_int_equal(run(rig_lun0, cdb, sizeof(cdb), 256), 0);
		assert_int_equal(get_be32(r->in), select == 0x11 ? 16 : 0);
		assert_int_equal(r->t.data_len, select == 0x11 ? 24 : 8);
	}
	run(rig_lun0, CDB(0xa0, 0, 0x13, 0, 0, 0, 0, 0, 1, 0, 0, 0), 256);
	rig_expect_sense(r, 5, 0x2400);
	run(rig_lun0, CDB(0xa0, 0, 3, 0, 0, 0, 0, 0, 1, 0, 0, 0), 256);
	rig_expect_sense(r, 5, 0x2400);
	run(rig_lun0, CDB(0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 15, 0, 0), 256);
	rig_expect_sense(r, 5, 0x2400);
	assert_int_equal(rig_sense(r).field_byte, 6);
}

static void mode_sense(void **state)
{
	static const uint8_t caching6[] = { 31, 0,    0x10, 8,    0, 0, 0x08, 0, 0, 0, 2,
					    0,  0x08, 0x12, 0x04, 0, 0, 0,    0, 0, 0, 0,
					    0,  0,    0,    0,    0, 0, 0,    0, 0, 0 };
	static const uint8_t control10[] = {
		0, 34, 0, 0x90, 1,  0, 0,    16,   0,    0,    0, 0, 0, 0, 1,    0,    0, 0,
		0, 0,  0, 0,    16, 0, 0x0a, 0x0a, 0x06, 0x10, 0, 0, 0, 0, 0xff, 0xff, 0, 0
	};
	static const uint8_t pages[] = { 0x01, 0x0a, 0x02, 0x0e, 0x07, 0x0a, 0x08,
					 0x12, 0x0a, 0x0a, 0x1a, 0x26, 0x1c, 0x0a };
	static const uint8_t extension[32] = { 0x4a, 0x01, 0, 0x1c, 0x06 };
	size_t at = 4;

	(void)state;
	assert_int_equal(run(rig_lun0, CDB(0x1a, 0, 0x08, 0, 255, 0), 255), 0);
	expect_in(caching6, sizeof(caching6));
	r->lu[1].read_only = true;
	assert_int_equal(run(rig_lun1, CDB(0x5a, 0x10, 0x0a, 0, 0, 0, 0, 0, 255, 0), 255), 0);
	expect_in(control10, sizeof(control10));
	/* all pages, no block descriptor, in ascending order */
	assert_int_equal(run(rig_lun0, CDB(0x1a, 0x08, 0x3f, 0, 255, 0), 255), 0);
	assert_int_equal(r->in[0] + 1u, r->t.data_len);
	assert_int_equal(r->in[3], 0);
	for (size_t i = 0; i < sizeof(pages); i += 2) {
		assert_memory_equal(r->in + at, pages + i, 2);
		at += 2u + pages[i + 1];
	}
	assert_int_equal(at, r->t.data_len);
	/* with subpages: of all pages, of one, one alone; one that has none of them */
	assert_int_equal(run(rig_lun0, CDB(0x1a, 0x08, 0x3f, 0xff, 255, 0), 255), 0);
	assert_int_equal(r->t.data_len, at + sizeof(extension) + 16); /* and 1C/01 */
	at = 4 + 12 + 16 + 12 + 20 + 12; /* it comes behind its page 0 */
	assert_memory_equal(r->in + at - 12, ((const uint8_t[]){ 0x0a, 0x0a }), 2);
	assert_memory_equal(r->in + at, extension, sizeof(extension));
	assert_int_equal(run(rig_lun0, CDB(0x1a, 0x08, 0x0a, 0xff, 255, 0), 255), 0);
	assert_int_equal(r->t.data_len, 4 + 12 + sizeof(extension));
	assert_memory_equal(r->in + 16, extension, sizeof(extension));
	assert_int_equal(run(rig_lun0, CDB(0x1a, 0x08, 0x0a, 0x01, 255, 0), 255), 0);
	assert_int_equal(r->t.data_len, 4 + sizeof(extension));
	assert_memory_equal(r->in + 4, extension, sizeof(extension));
	assert_int_equal(run(rig_lun0, CDB(0x1a, 0x08, 0x08, 0xff, 255, 0), 255), 0);
	assert_int_equal(r->t.data_len, 4 + 20);
	assert_int_equal(run(rig_lun0, CDB(0x1a, 0x08, 0x4a, 0x01, 255, 0), 255), 0);
	assert_memory_equal(r->in + 4, ((const uint8_t[32]){ 0x4a, 0x01, 0, 0x1c }), 32);
	run(rig_lun0, CDB(0x1a, 0, 0x3f, 1, 255, 0), 255);
	rig_expect_sense(r, 5, 0x2400);
	assert_int_equal(rig_sense(r).field_byte, 3);
	/* what is changeable, defaults, nothing is saved */
	assert_int_equal(run(rig_lun0, CDB(0x1a, 0x08, 0x48, 0, 255, 0), 255), 0);
	assert_memory_equal(r->in + 4, ((const uint8_t[20]){ 0x08, 0x12, 0x04 }), 20);
	assert_int_equal(run(rig_lun1, CDB(0x1a, 0x08, 0x48, 0, 255, 0), 255), 0);
	assert_memory_equal(r->in + 4, ((const uint8_t[20]){ 0x08, 0x12 }), 20);
	assert_int_equal(run(rig_lun0, CDB(0x1a, 0x08, 0x4a, 0, 255, 0), 255), 0);
	assert_memory_equal(r->in + 4, ((const uint8_t[12]){ 0x0a, 0x0a, 0xe4, 0xf6, 0x38, 0x40 }),
			    12);
	assert_int_equal(run(rig_lun0, CDB(0x1a, 0x08, 0x41, 0, 255, 0), 255), 0);
	assert_memory_equal(r->in + 4, ((const uint8_t[12]){ 0x01, 0x0a }), 12);
	assert_int_equal(run(rig_lun0, CDB(0x1a, 0x08, 0x88, 0, 255, 0), 255), 0);
	assert_int_equal(r->in[6], 0x04);
	run(rig_lun0, CDB(0x1a, 0x08, 0xc8, 0, 255, 0), 255);
	rig_expect_sense(r, 5, 0x3900);
	run(rig_lun0, CDB(0x1a, 0, 0x03, 0, 255, 0), 255);
	rig_expect_sense(r, 5, 0x2400);
	run(rig_lun0, CDB(0x1a, 0, 0x0a, 2, 255, 0), 255);
	rig_expect_sense(r, 5, 0x2400);
	assert_int_equal(rig_sense(r).field_byte, 3);
}

static void request_sense(void **state)
{
	(void)state;
	assert_int_equal(run(rig_lun0, CDB(0x03, 0, 0, 0, 252, 0), 252), 0);
	expect_in((const uint8_t[18]){ 0x70, [7] = 10 }, 18);
	assert_int_equal(run(rig_lun0, CDB(0x03, 1, 0, 0, 252, 0), 252), 0);
	expect_in((const uint8_t[8]){ 0x72 }, 8);
	assert_int_equal(run(rig_lun7, CDB(0x03, 1, 0, 0, 252, 0), 252), 0);
	expect_in((const uint8_t[8]){ 0x72, 5, 0x25 }, 8);
	/* a unit attention is given as data, and is gone then */
	scsi_lu_ua(&r->lu[0], SCSI_UA_CAPACITY_CHANGED, NULL);
	rig_views(r);
	assert_int_equal(run(rig_lun0, CDB(0x03, 1, 0, 0, 252, 0), 252), 0);
	expect_in((const uint8_t[8]){ 0x72, 6, 0x2a, 0x09 }, 8);
	assert_int_equal(r->changed, SCSI_CHANGED_NEXUS);
	assert_int_equal(run(rig_lun0, CDB(0x03, 1, 0, 0, 252, 0), 252), 0);
	expect_in((const uint8_t[8]){ 0x72 }, 8);
	/* stopped */
	assert_int_equal(run(rig_lun0, CDB(0x1b, 0, 0, 0, 0, 0), 0), 0);
	assert_int_equal(run(rig_lun0, CDB(0x03, 1, 0, 0, 252, 0), 252), 0);
	expect_in((const uint8_t[8]){ 0x72, 2, 0x04, 0x02 }, 8);
}

/* Data that the initiator did not get have told it nothing. */
static void unsent(void **state)
{
	(void)state;
	scsi_lu_ua(&r->lu[0], SCSI_UA_CAPACITY_CHANGED, NULL);
	assert_int_equal(run(rig_lun0, CDB(0x03, 1, 0, 0, 252, 0), 252), 0);
	expect_in((const uint8_t[8]){ 0x72, 6, 0x2a, 0x09 }, 8);
	assert_int_equal(scsi_task_unsent(&r->t), SCSI_CHANGED_NEXUS);
	assert_int_equal(run(rig_lun0, CDB(0x03, 1, 0, 0, 252, 0), 252), 0);
	expect_in((const uint8_t[8]){ 0x72, 6, 0x2a, 0x09 }, 8);
	assert_int_equal(run(rig_lun0, CDB(0x03, 1, 0, 0, 252, 0), 252), 0);
	expect_in((const uint8_t[8]){ 0x72 }, 8);
	/* nothing was told, so nothing is owed */
	assert_int_equal(scsi_task_unsent(&r->t), SCSI_CHANGED_NOTHING);
	/* what REPORT LUNS has told is taken from all units, and comes back to all */
	for (unsigned i = 0; i < 2; i++)
		scsi_lu_ua(&r->lu[i], SCSI_UA_LUNS_CHANGED, NULL);
	assert_int_equal(run(rig_lun0, CDB(0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 252, 0, 0), 252), 0);
	assert_int_equal(scsi_task_unsent(&r->t), SCSI_CHANGED_NEXUS);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(r->nexus[0].lun[i].uas.q[0], SCSI_UA_LUNS_CHANGED);
}

static void not_there(void **state)
{
	static const uint8_t deep[8] = { 0, 0, 0, 1 };

	(void)state;
	run(rig_lun7, CDB(0, 0, 0, 0, 0, 0), 0);
	rig_expect_sense(r, 5, 0x2500);
	run(rig_lun7, CDB(0xff, 0, 0, 0, 0, 0), 0);
	rig_expect_sense(r, 5, 0x2500);
	run(deep, CDB(0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0), 512);
	rig_expect_sense(r, 5, 0x2500);
	assert_int_equal(run(rig_well_known, CDB(0, 0, 0, 0, 0, 0), 0), 0);
	run(rig_well_known, CDB(0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0), 512);
	rig_expect_sense(r, 5, 0x2000);
	run(rig_lun0, CDB(0xff, 0, 0, 0, 0, 0), 0);
	rig_expect_sense(r, 5, 0x2000);
	/* a known opcode with an unknown service action */
	run(rig_lun0, CDB(0x9e, 0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0), 32);
	rig_expect_sense(r, 5, 0x2400);
	/* UNMAP at a unit that cannot */
	rig_run(rig_from(r, 0), rig_lun1, CDB(0x42, 0, 0, 0, 0, 0, 0, 0, 24, 0), 0, 24);
	rig_expect_sense(r, 5, 0x2000);
}

static void bad_bits(void **state)
{
	(void)state;
	/* LINK, which is obsolete, and NACA where no unit is that could have a task set */
	run(rig_lun0, CDB(0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0x01), 512);
	rig_expect_sense(r, 5, 0x2400);
	assert_int_equal(rig_sense(r).field_byte, 9);
	assert_int_equal(rig_sense(r).field_bit, 0);
	assert_true(rig_sense(r).field_in_cdb && rig_sense(r).field_bit_valid);
	run(rig_well_known, CDB(0x12, 0, 0, 0, 96, 0x04), 96);
	rig_expect_sense(r, 5, 0x2400);
	assert_int_equal(rig_sense(r).field_byte, 5);
	assert_int_equal(rig_sense(r).field_bit, 2);
	/* RDPROTECT */
	run(rig_lun0, CDB(0x88, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0), 512);
	rig_expect_sense(r, 5, 0x2400);
	assert_int_equal(rig_sense(r).field_byte, 1);
	assert_int_equal(rig_sense(r).field_bit, 5);
	/* what follows the end of a CDB is not looked at */
	assert_int_equal(run(rig_lun0, CDB(0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 2, 3, 4, 5, 6), 512),
			 0);
	/* task attributes: the ACA attribute without an ACA condition, and what is none */
	for (unsigned attr = SCSI_ATTR_ORDERED + 1; attr < 8; attr++) {
		r->attr = (uint8_t)attr;
		run(rig_lun0, CDB(0, 0, 0, 0, 0, 0), 0);
		rig_expect_sense(r, 5, 0x4900);
		run(rig_lun7, CDB(0x12, 0, 0, 0, 96, 0), 96);
		rig_expect_sense(r, 5, 0x4900);
	}
	for (unsigned attr = 0; attr <= SCSI_ATTR_ORDERED; attr++) {
		r->attr = (uint8_t)attr;
		assert_int_equal(run(rig_lun0, CDB(0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0), 512), 0);
		assert_int_equal(r->route, attr ? SCSI_ROUTE_HOME : SCSI_ROUTE_LOCAL);
	}
	assert_int_equal(r->gathers, 1); /* for the ORDERED one */
}

static void report_opcodes(void **state)
{
	static const uint8_t read10[] = { 0,    3,    0,    10, 0x28, 0x18, 0xff,
					  0xff, 0xff, 0xff, 0,  0xff, 0xff, 0x04 };
	static const uint8_t capacity16[] = { 0, 0x83, 0, 16,   0x9e, 0x10, 0,    0, 0, 0, 0,
					      0, 0,    0, 0xff, 0xff, 0xff, 0xff, 0, 4, 0, 10,
					      0, 0,    0, 0,    0,    0,    0,    0, 0, 10 };

	(void)state;
	assert_int_equal(run(rig_lun0, CDB(0xa3, 0x0c, 1, 0x28, 0, 0, 0, 0, 1, 0, 0, 0), 256), 0);
	expect_in(read10, sizeof(read10));
	assert_int_equal(run(rig_lun0, CDB(0xa3, 0x0c, 0x82, 0x9e, 0, 0x10, 0, 0, 1, 0, 0, 0), 256),
			 0);
	expect_in(capacity16, sizeof(capacity16));
	assert_int_equal(run(rig_lun0, CDB(0xa3, 0x0c, 3, 0x9e, 0, 0x10, 0, 0, 1, 0, 0, 0), 256),
			 0);
	assert_int_equal(r->in[1], 3);
	/* not supported: unknown opcode, unknown service action, UNMAP where there is none */
	assert_int_equal(run(rig_lun0, CDB(0xa3, 0x0c, 1, 0xff, 0, 0, 0, 0, 1, 0, 0, 0), 256), 0);
	expect_in((const uint8_t[]){ 0, 1, 0, 0 }, 4);
	assert_int_equal(run(rig_lun0, CDB(0xa3, 0x0c, 2, 0x9e, 0, 0x14, 0, 0, 1, 0, 0, 0), 256),
			 0);
	expect_in((const uint8_t[]){ 0, 1, 0, 0 }, 4);
	assert_int_equal(run(rig_lun0, CDB(0xa3, 0x0c, 3, 0x9e, 0x01, 0x10, 0, 0, 1, 0, 0, 0), 256),
			 0);
	expect_in((const uint8_t[]){ 0, 1, 0, 0 }, 4);
	assert_int_equal(run(rig_lun1, CDB(0xa3, 0x0c, 1, 0x42, 0, 0, 0, 0, 1, 0, 0, 0), 256), 0);
	expect_in((const uint8_t[]){ 0, 1, 0, 0 }, 4);
	/* the wrong option for the opcode, and options that are none */
	run(rig_lun0, CDB(0xa3, 0x0c, 1, 0x9e, 0, 0, 0, 0, 1, 0, 0, 0), 256);
	rig_expect_sense(r, 5, 0x2400);
	run(rig_lun0, CDB(0xa3, 0x0c, 2, 0x28, 0, 0, 0, 0, 1, 0, 0, 0), 256);
	rig_expect_sense(r, 5, 0x2400);
	run(rig_lun0, CDB(0xa3, 0x0c, 4, 0x28, 0, 0, 0, 0, 1, 0, 0, 0), 256);
	rig_expect_sense(r, 5, 0x2400);
}

static void report_tmfs(void **state)
{
	(void)state;
	assert_int_equal(run(rig_lun0, CDB(0xa3, 0x0d, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0), 4), 0);
	expect_in((const uint8_t[]){ 0xf8, 0, 0, 0 }, 4);
	assert_int_equal(run(rig_lun0, CDB(0xa3, 0x0d, 0x80, 0, 0, 0, 0, 0, 0, 255, 0, 0), 255), 0);
	expect_in((const uint8_t[16]){ 0xf8, 0, 0, 12 }, 16);
	r->nexus[0].target.queries = true;
	assert_int_equal(run(rig_lun0, CDB(0xa3, 0x0d, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0), 4), 0);
	expect_in((const uint8_t[]){ 0xfc, 0x06, 0, 0 }, 4);
	run(rig_lun0, CDB(0xa3, 0x0d, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0), 4);
	rig_expect_sense(r, 5, 0x2400);
}

static uint8_t buffer(uint8_t opcode, unsigned nexus, uint8_t mode, uint32_t off, uint32_t len)
{
	bool out = opcode == 0x3b;
	uint8_t cdb[10] = { opcode, mode };

	put_be24(cdb + 3, off);
	put_be24(cdb + 6, len);
	return rig_run(rig_from(r, nexus), rig_lun0, cdb, 10, out ? 0 : len, out ? len : 0);
}

static void buffers(void **state)
{
	uint8_t cdb16[16] = { 0x9b, 0x02 };

	(void)state;
	for (unsigned i = 0; i < 4096; i++)
		r->out[i] = (uint8_t)(i * 7);
	/* data: anywhere in the buffer, by both forms */
	assert_int_equal(buffer(0x3c, 0, 0x03, 0, 4), 0);
	expect_in((const uint8_t[]){ 0, 0, 0x10, 0 }, 4);
	assert_int_equal(buffer(0x3b, 0, 0x02, 96, 4000), 0);
	assert_int_equal(buffer(0x3c, 1, 0x02, 96, 4000), 0);
	expect_in(r->out, 4000);
	put_be64(cdb16 + 2, 4090);
	put_be32(cdb16 + 10, 100);
	assert_int_equal(run(rig_lun0, cdb16, 16, 100), 0);
	expect_in(r->out + 4090 - 96, 6);
	buffer(0x3b, 0, 0x02, 97, 4000);
	rig_expect_sense(r, 5, 0x2400);
	buffer(0x3c, 0, 0x02, 4097, 1);
	rig_expect_sense(r, 5, 0x2400);
	/* echo: of each nexus its own, as long as nobody writes over it */
	assert_int_equal(buffer(0x3c, 0, 0x0b, 0, 4), 0);
	expect_in((const uint8_t[]){ 1, 0, 0x10, 0 }, 4);
	buffer(0x3c, 0, 0x0a, 0, 512);
	rig_expect_sense(r, 5, 0x2c00);
	assert_int_equal(buffer(0x3b, 0, 0x0a, 0, 512), 0);
	assert_int_equal(buffer(0x3c, 0, 0x0a, 0, 4096), 0);
	expect_in(r->out, 512);
	buffer(0x3c, 1, 0x0a, 0, 512);
	rig_expect_sense(r, 5, 0x2c00);
	assert_int_equal(buffer(0x3b, 1, 0x0a, 0, 4), 0);
	buffer(0x3c, 0, 0x0a, 0, 512);
	rig_expect_sense(r, 0xb, 0x3f0f);
	assert_int_equal(buffer(0x3b, 0, 0x02, 0, 1), 0);
	buffer(0x3c, 1, 0x0a, 0, 4);
	rig_expect_sense(r, 0xb, 0x3f0f);
	buffer(0x3b, 0, 0x05, 0, 1);
	rig_expect_sense(r, 5, 0x2400);
	buffer(0x3b, 0, 0x0a, 0, 4097);
	rig_expect_sense(r, 5, 0x2400);
}

static void diagnostics(void **state)
{
	static const uint8_t bad[] = { 0x24, 0x00, 0x60, 0xe0, 0x80 };

	(void)state;
	for (unsigned code = 0; code < 7; code++) {
		uint8_t b = (uint8_t)(code ? code << 5 : 0x04);

		if (code == 3 || code == 4)
			continue;
		assert_int_equal(run(rig_lun0, CDB(0x1d, b, 0, 0, 0, 0), 0), 0);
		assert_int_equal(r->n_acts, 2);
		assert_int_equal(r->acts[1].off_bytes, RIG_DISK_LEN - 512);
	}
	for (size_t i = 0; i < sizeof(bad); i++) {
		run(rig_lun0, CDB(0x1d, bad[i], 0, 0, 0, 0), 0);
		rig_expect_sense(r, 5, 0x2400);
	}
	r->fail_type = SCSI_ACT_VERIFY;
	r->fail_result = -EIO;
	run(rig_lun0, CDB(0x1d, 0x04, 0, 0, 0, 0), 0);
	rig_expect_sense(r, 3, 0x1100);
	assert_int_equal(r->lu[0].n_selftests, 6);
	assert_int_equal(r->lu[0].selftest[5].result, SCSI_SELFTEST_FAILED);
	assert_int_equal(r->lu[0].selftest[4].code, 6);
	assert_int_equal(run(rig_lun0, CDB(0x1e, 0, 0, 0, 1, 0), 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(buffers, setup, teardown),
		cmocka_unit_test_setup_teardown(diagnostics, setup, teardown),
		cmocka_unit_test_setup_teardown(inquiry_standard, setup, teardown),
		cmocka_unit_test_setup_teardown(inquiry_elsewhere, setup, teardown),
		cmocka_unit_test_setup_teardown(vpd_identity, setup, teardown),
		cmocka_unit_test_setup_teardown(vpd_limits, setup, teardown),
		cmocka_unit_test_setup_teardown(report_luns, setup, teardown),
		cmocka_unit_test_setup_teardown(mode_sense, setup, teardown),
		cmocka_unit_test_setup_teardown(request_sense, setup, teardown),
		cmocka_unit_test_setup_teardown(unsent, setup, teardown),
		cmocka_unit_test_setup_teardown(not_there, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_bits, setup, teardown),
		cmocka_unit_test_setup_teardown(report_opcodes, setup, teardown),
		cmocka_unit_test_setup_teardown(report_tmfs, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
