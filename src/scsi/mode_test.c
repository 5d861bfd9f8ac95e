/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* MODE SELECT: what it changes, what it refuses, and that a refused list changes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/prng.h"
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

/* Bytes 2 to 5 of the control page, the rest as it is. */
static uint8_t control(uint8_t b2, uint8_t b3, uint8_t b4, uint8_t b5)
{
	const uint8_t body[10] = { b2, b3, b4, b5, 0, 0, 0xff, 0xff };

	return rig_mode_select(r, rig_lun0, 0x0a, body, sizeof(body));
}

static uint8_t caching(const uint8_t *lun, uint8_t b2)
{
	const uint8_t body[18] = { b2 };

	return rig_mode_select(r, lun, 0x08, body, sizeof(body));
}

/* The page as MODE SENSE gives it, into r->in from byte 4 on. */
static void sense_page(uint8_t pc_page)
{
	assert_int_equal(
		rig_run(rig_from(r, 0), rig_lun0, CDB(0x1a, 0x08, pc_page, 0, 255, 0), 255, 0), 0);
}

static void expect_ua(unsigned nexus, unsigned ua)
{
	rig_run(rig_from(r, nexus), rig_lun0, CDB(0, 0, 0, 0, 0, 0), 0, 0);
	if (ua)
		rig_expect_sense(r, 6, ua);
	else
		assert_int_equal(r->t.status, 0);
}

/* [MODE-1] to [MODE-8]: every settable value is sensed again, told to the others, and has its default still. */
static void every_value(void **state)
{
	(void)state;
	for (unsigned v = 0; v < 256; v++) {
		uint8_t b2 = (uint8_t)((v & 1) << 5 | (v & 2) << 1 | 0x02);
		uint8_t b3 = (uint8_t)((v & 4) << 2 | (v & 0x18) >> 2);
		uint8_t b4 = (uint8_t)((v & 0x60) >> 1);
		uint8_t b5 = (uint8_t)((v & 0x80) >> 1);
		bool valid = (v & 0x18) != 0x10 && (v & 0x60) != 0x20;

		rig_from(r, 0);
		if (!valid) {
			control(b2, b3, b4, b5);
			rig_expect_sense(r, 5, 0x2600);
			assert_int_equal(rig_sense(r).field_byte, (v & 0x18) == 0x10 ? 7 : 8);
			continue;
		}
		assert_int_equal(control(b2, b3, b4, b5), 0);
		if (r->changed == SCSI_CHANGED_LU) {
			assert_int_equal(scsi_uas_pop(&r->nexus[1].lun[0].uas), 0x2a01);
			assert_int_equal(scsi_uas_pop(&r->nexus[0].lun[0].uas), 0);
			rig_views(r);
		}
		sense_page(0x0a);
		assert_memory_equal(
			r->in + 4,
			((const uint8_t[12]){ 0x0a, 0x0a, b2, b3, b4, b5, 0, 0, 0xff, 0xff }), 12);
		sense_page(0x8a);
		assert_memory_equal(
			r->in + 4,
			((const uint8_t[12]){ 0x0a, 0x0a, 0x02, 0x10, 0, 0, 0, 0, 0xff, 0xff }),
			12);
	}
}

/* [MODE-3], [MODE-9] */
static void told_and_reset(void **state)
{
	(void)state;
	rig_from(r, 0);
	assert_int_equal(control(0x06, 0x10, 0, 0x40), 0);
	assert_int_equal(r->changed, SCSI_CHANGED_LU);
	expect_ua(0, 0);
	expect_ua(1, 0x2a01);
	expect_ua(1, 0);
	/* the same once more is no news */
	rig_from(r, 0);
	assert_int_equal(control(0x06, 0x10, 0, 0x40), 0);
	assert_int_equal(r->changed, SCSI_CHANGED_NOTHING);
	expect_ua(1, 0);
	/* D_SENSE is what sense data look like, where a command runs does not matter */
	rig_run(rig_from(r, 0), rig_lun0, CDB(0x28, 0, 0xff, 0, 0, 0, 0, 0, 1, 0), 512, 0);
	assert_int_equal(r->route, SCSI_ROUTE_LOCAL);
	assert_true(rig_sense(r).descriptor);
	(void)rig_tmf(r, SCSI_TMF_LUN_RESET, 1, rig_lun0);
	expect_ua(0, 0x2903);
	assert_false(rig_sense(r).descriptor);
	assert_int_equal(r->lu[0].mode.tas, 0);
	/* the default is what was configured */
	r->lu[1].mode.d_sense = false;
	(void)rig_tmf(r, SCSI_TMF_LUN_RESET, 1, rig_lun1);
	assert_true(r->lu[1].mode.d_sense);
}

/* [MODE-7] Software write protection, after the cache has gone to the medium. */
static void write_protect(void **state)
{
	(void)state;
	assert_int_equal(control(0x02, 0x10, 0x08, 0), 0);
	assert_int_equal(r->n_acts, 2);
	assert_int_equal(r->acts[1].type, SCSI_ACT_FLUSH);
	expect_ua(1, 0x2a01);
	for (unsigned nexus = 0; nexus < 2; nexus++) {
		rig_run(rig_from(r, nexus), rig_lun0, CDB(0x2a, 0, 0, 0, 0, 0, 0, 0, 1, 0), 0, 512);
		rig_expect_sense(r, 7, 0x2700);
		assert_int_equal(r->route, SCSI_ROUTE_LOCAL);
	}
	sense_page(0x0a);
	assert_int_equal(r->in[2], 0x90); /* WP */
	assert_int_equal(control(0x02, 0x10, 0, 0), 0);
	assert_int_equal(rig_run(r, rig_lun0, CDB(0x2a, 0, 0, 0, 0, 0, 0, 0, 1, 0), 0, 512), 0);
	/* a flush that fails leaves everything as it was */
	r->fail_type = SCSI_ACT_FLUSH;
	r->fail_result = -EIO;
	control(0x02, 0x10, 0x08, 0);
	rig_expect_sense(r, 3, 0x0c00);
	assert_false(r->lu[0].mode.swp);
}

/* [MODE-8] Without the write cache a WRITE is stable when it ends, as are blocks changed by other means. */
static void write_cache(void **state)
{
	(void)state;
	rig_from(r, 0);
	assert_int_equal(caching(rig_lun0, 0), 0);
	assert_int_equal(r->acts[1].type, SCSI_ACT_FLUSH);
	expect_ua(1, 0x2a01);
	rig_from(r, 0);
	assert_int_equal(rig_run(r, rig_lun0, CDB(0x2a, 0, 0, 0, 0, 0, 0, 0, 1, 0), 0, 512), 0);
	assert_int_equal(r->route, SCSI_ROUTE_LOCAL);
	assert_true(r->acts[0].fua);
	assert_int_equal(rig_run(r, rig_lun0, CDB(0x0a, 0, 0, 0, 1, 0), 0, 512), 0);
	assert_true(r->acts[0].fua);
	assert_int_equal(
		rig_run(r, rig_lun0, CDB(0x93, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0), 0, 0),
		0);
	assert_int_equal(r->n_acts, 2);
	assert_int_equal(r->acts[1].type, SCSI_ACT_FLUSH);
	put_be16(r->out, 22);
	put_be16(r->out + 2, 16);
	put_be32(r->out + 4, 0);
	put_be64(r->out + 8, 0);
	put_be32(r->out + 16, 8);
	assert_int_equal(rig_run(r, rig_lun0, CDB(0x42, 0, 0, 0, 0, 0, 0, 0, 24, 0), 0, 24), 0);
	assert_int_equal(r->acts[r->n_acts - 1].type, SCSI_ACT_FLUSH);
	/* and on again, for which there is nothing to flush */
	assert_int_equal(caching(rig_lun0, 0x04), 0);
	assert_int_equal(r->n_acts, 1);
	expect_ua(1, 0x2a01);
	rig_from(r, 0);
	assert_int_equal(rig_run(r, rig_lun0, CDB(0x2a, 0, 0, 0, 0, 0, 0, 0, 1, 0), 0, 512), 0);
	assert_false(r->acts[0].fua);
	/* a store without a cache gets none by asking */
	caching(rig_lun1, 0x04);
	rig_expect_sense(r, 5, 0x2600);
	assert_int_equal(rig_sense(r).field_byte, 6);
	assert_int_equal(caching(rig_lun1, 0), 0);
}

/* A store whose cache nobody is to see, so nobody asks for a flush. */
static void write_through(void **state)
{
	(void)state;
	r->lu[0].write_cache = false;
	r->lu[0].write_through = true;
	r->lu[0].mode.wce = false;
	rig_views(r);
	rig_from(r, 0);
	assert_int_equal(rig_run(r, rig_lun0, CDB(0x2a, 0, 0, 0, 0, 0, 0, 0, 1, 0), 0, 512), 0);
	assert_int_equal(r->route, SCSI_ROUTE_LOCAL);
	assert_true(r->acts[0].fua);
	assert_int_equal(
		rig_run(r, rig_lun0, CDB(0x93, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0), 0, 0),
		0);
	assert_int_equal(r->acts[r->n_acts - 1].type, SCSI_ACT_FLUSH);
	/* it cannot be asked to use one */
	caching(rig_lun0, 0x04);
	rig_expect_sense(r, 5, 0x2600);
}

/* [MODE-10] One bit that cannot be changed, in any page, and nothing of the list is done. */
static void fixed_bits(void **state)
{
	static const uint8_t codes[] = { 0x01, 0x08, 0x0a, 0x1c };

	(void)state;
	for (size_t p = 0; p < sizeof(codes); p++) {
		uint8_t mask[32], now[32];
		size_t len;

		sense_page(0x40 | codes[p]);
		memcpy(mask, r->in + 4, sizeof(mask));
		sense_page(codes[p]);
		memcpy(now, r->in + 4, sizeof(now));
		len = now[1];
		for (size_t bit = 0; bit < len * 8; bit++) {
			uint8_t body[32];
			struct scsi_mode was = r->lu[0].mode;

			if (mask[2 + bit / 8] >> bit % 8 & 1)
				continue;
			memcpy(body, now + 2, len);
			body[bit / 8] ^= (uint8_t)(1 << bit % 8);
			if (codes[p] == 0x0a)
				body[3] ^= 0x40; /* TAS could be changed */
			rig_mode_select(r, rig_lun0, codes[p], body, len);
			rig_expect_sense(r, 5, 0x2600);
			assert_int_equal(rig_sense(r).field_byte, 6 + bit / 8);
			assert_memory_equal(&was, &r->lu[0].mode, sizeof(was));
		}
		/* as it is, it is accepted */
		assert_int_equal(rig_mode_select(r, rig_lun0, codes[p], now + 2, len), 0);
		assert_int_equal(r->changed, SCSI_CHANGED_NOTHING);
	}
}

static uint8_t select10(size_t list_len, uint64_t out_len)
{
	uint8_t cdb[10] = { 0x55, 0x10 };

	put_be16(cdb + 7, (uint16_t)list_len);
	return rig_run(rig_from(r, 0), rig_lun0, cdb, sizeof(cdb), 0, out_len);
}

static void lists(void **state)
{
	uint8_t two[8 + 8 + 12 + 20] = { [7] = 8, [12] = 0 };

	(void)state;
	/* what MODE SENSE(10) gives can be given back, with its block descriptor and all pages */
	assert_int_equal(rig_run(rig_from(r, 0), rig_lun0,
				 CDB(0x5a, 0, 0x3f, 0xff, 0, 0, 0, 0, 255, 0), 255, 0),
			 0);
	memcpy(r->out, r->in, r->t.data_len);
	assert_int_equal(select10(r->t.data_len, r->t.data_len), 0);
	assert_int_equal(r->changed, SCSI_CHANGED_NOTHING);
	assert_int_equal(rig_run(rig_from(r, 0), rig_lun0,
				 CDB(0x5a, 0x10, 0x3f, 0xff, 0, 0, 0, 0, 255, 0), 255, 0),
			 0);
	memcpy(r->out, r->in, r->t.data_len);
	assert_int_equal(select10(r->t.data_len, r->t.data_len + 5), 0);
	assert_int_equal(r->t.out_resid, -5);
	/* a long descriptor that asks for another capacity, then another block size */
	put_be64(r->out + 8, 1);
	select10(r->t.data_len + 24, 255);
	rig_expect_sense(r, 5, 0x2600);
	assert_int_equal(rig_sense(r).field_byte, 8);
	put_be64(r->out + 8, 0);
	put_be32(r->out + 20, 4096);
	select10(100, 255);
	rig_expect_sense(r, 5, 0x2600);
	assert_int_equal(rig_sense(r).field_byte, 21);
	/* two pages in one list; every truncation of it but between them is too short */
	put_be32(two + 8, UINT32_MAX);
	put_be24(two + 13, 512);
	memcpy(two + 16, ((const uint8_t[12]){ 0x8a, 0x0a, 0x06, 0x10, 0, 0, 0, 0, 0xff, 0xff }),
	       12);
	memcpy(two + 28, ((const uint8_t[20]){ 0x08, 0x12, 0 }), 20);
	memcpy(r->out, two, sizeof(two));
	for (size_t len = 1; len < sizeof(two); len++) {
		select10(len, 255);
		if (len == 16 || len == 28)
			assert_int_equal(r->t.status, 0);
		else
			rig_expect_sense(r, 5, 0x1a00);
		r->lu[0].mode = r->lu[0].mode_default;
	}
	assert_int_equal(select10(sizeof(two), 255), 0);
	assert_true(r->lu[0].mode.d_sense && !r->lu[0].mode.wce);
	r->lu[0].mode = r->lu[0].mode_default;
	rig_views(r);
}

static void wrong_pages(void **state)
{
	(void)state;
	/* a page with a subpage: as it is, with a fixed bit, with a wrong length, with a subpage that is none */
	memset(r->out, 0, 64);
	memcpy(r->out + 8, ((const uint8_t[]){ 0x4a, 0x01, 0, 0x1c, 0x06 }), 5);
	assert_int_equal(select10(8 + 32, 40), 0);
	r->out[13] = 0x01;
	select10(8 + 32, 40);
	rig_expect_sense(r, 5, 0x2600);
	assert_int_equal(rig_sense(r).field_byte, 13);
	r->out[11] = 0x1b;
	select10(8 + 32, 40);
	rig_expect_sense(r, 5, 0x2600);
	assert_int_equal(rig_sense(r).field_byte, 10);
	r->out[9] = 0x02;
	select10(8 + 32, 40);
	rig_expect_sense(r, 5, 0x2600);
	assert_int_equal(rig_sense(r).field_byte, 8);
	/* unknown page, subpage format, wrong page length, wrong descriptor length */
	memset(r->out, 0, 64);
	r->out[8] = 0x03;
	r->out[9] = 0x0e;
	select10(24, 24);
	rig_expect_sense(r, 5, 0x2600);
	assert_int_equal(rig_sense(r).field_byte, 8);
	r->out[8] = 0x48;
	r->out[9] = 0x01;
	select10(24, 24);
	assert_int_equal(rig_sense(r).field_byte, 8);
	r->out[8] = 0x0a;
	r->out[9] = 0x0b;
	select10(24, 24);
	assert_int_equal(rig_sense(r).field_byte, 9);
	r->out[7] = 9;
	select10(24, 24);
	assert_int_equal(rig_sense(r).field_byte, 6);
}

static void cdb_fields(void **state)
{
	(void)state;
	/* nothing to do; SP, since nothing can be saved; vendor-specific pages; a buffer that is too short */
	assert_int_equal(rig_run(r, rig_lun0, CDB(0x15, 0, 0, 0, 0, 0), 0, 0), 0);
	rig_run(r, rig_lun0, CDB(0x15, 0x11, 0, 0, 4, 0), 0, 4);
	rig_expect_sense(r, 5, 0x2400);
	assert_int_equal(rig_sense(r).field_bit, 0);
	rig_run(r, rig_lun0, CDB(0x15, 0, 0, 0, 4, 0), 0, 4);
	rig_expect_sense(r, 5, 0x2400);
	assert_int_equal(rig_sense(r).field_bit, 4);
	rig_run(r, rig_lun0, CDB(0x15, 0x10, 0, 0, 4, 0), 0, 3);
	rig_expect_sense(r, 5, 0x0e03);
	select10(4097, 5000);
	rig_expect_sense(r, 5, 0x1a00);
}

/* Bytes of every kind: whatever is accepted is sensed again as it was sent. */
/* The provisioning page as @flags and @sets make it, in a list for MODE SELECT(10). Return: its status. */
static uint8_t thresholds(uint8_t flags, uint32_t sets, bool save)
{
	uint8_t cdb[10] = { 0x55, save ? 0x11 : 0x10, 0, 0, 0, 0, 0, 0, 32 };

	memset(r->out, 0, 32);
	memcpy(r->out + 8, ((const uint8_t[]){ 0x5c, 0x02, 0, 0x14 }), 4);
	r->out[24] = flags;
	r->out[25] = 0x01;
	put_be32(r->out + 28, sets);
	return rig_run(rig_from(r, 0), rig_lun0, cdb, sizeof(cdb), 0, 32);
}

static void sense_subpage(uint8_t pc_page, uint8_t subpage)
{
	rig_run(rig_from(r, 0), rig_lun0, CDB(0x1a, 0x08, pc_page, subpage, 255, 0), 255, 0);
}

/* [SPACE-3] The threshold can be read and set where the space is known, and what is set is when one is told. */
static void provisioning(void **state)
{
	struct scsi_space s = { .available_bytes = 5 << 20 };
	struct scsi_lu *lu = &r->lu[0];

	(void)state;
	sense_subpage(0x1c, 2);
	rig_expect_sense(r, 5, 0x2400);
	thresholds(0x02, 0, false);
	rig_expect_sense(r, 5, 0x2600);
	sense_page(0x01);
	assert_int_equal(r->in[4 + 7], 0);
	assert_false(scsi_lu_set_space(lu, &s));
	sense_page(0x01);
	assert_int_equal(r->in[4 + 7], 0x80);
	sense_subpage(0x1c, 2);
	assert_int_equal(r->t.data_len, 4 + 24);
	assert_memory_equal(r->in + 4, ((const uint8_t[24]){ 0x5c, 2, 0, 0x14, [16] = 0x02, 0x01 }),
			    24);
	sense_subpage(0x5c, 2);
	assert_memory_equal(
		r->in + 4,
		((const uint8_t[24]){ 0x5c, 2, 0, 0x14, [16] = 0x80, [20] = 255, 255, 255, 255 }),
		24);
	sense_subpage(0x1c, 0xff); /* 00, 01 and 02 */
	assert_int_equal(r->t.data_len, 4 + 12 + 16 + 24);
	/* as it is; no count; another type, direction and resource */
	assert_int_equal(thresholds(0x02, 0, false), 0);
	assert_int_equal(r->changed, SCSI_CHANGED_NOTHING);
	thresholds(0x82, 0, false);
	rig_expect_sense(r, 5, 0x2600);
	assert_int_equal(rig_sense(r).field_byte, 28);
	thresholds(0x8a, 5, false);
	rig_expect_sense(r, 5, 0x2600);
	assert_int_equal(rig_sense(r).field_byte, 24);
	thresholds(0x81, 5, false);
	rig_expect_sense(r, 5, 0x2600);
	/* on: the others hear of it, and all of them when no more than that is left */
	assert_int_equal(thresholds(0x82, 5, false), 0);
	expect_ua(1, 0x2a01);
	expect_ua(0, 0);
	assert_true(scsi_lu_set_space(lu, &s));
	rig_views(r);
	expect_ua(0, 0x3807);
	expect_ua(1, 0x3807);
	assert_false(scsi_lu_set_space(lu, &s));
	/* another one: told anew; off: nothing any more */
	assert_int_equal(thresholds(0x82, 6, false), 0);
	assert_true(scsi_lu_set_space(lu, &s));
	rig_views(r);
	expect_ua(0, 0x3807);
	assert_int_equal(thresholds(0x02, 6, false), 0);
	s.available_bytes = 0;
	assert_false(scsi_lu_set_space(lu, &s));
	(void)rig_tmf(r, SCSI_TMF_LUN_RESET, 1, rig_lun0);
	assert_int_equal(lu->mode.threshold_sets, 0);
}

/* [MODE-9] What is configured is the default, in force from the beginning, and what it asks for of the task sets as well. */
static void configured(void **state)
{
	struct scsi_lu_params p = { .serial = "1",
				    .naa = { 0x31, 1 },
				    .block_bytes = 512,
				    .size_bytes = 1 << 20,
				    .descriptor_sense = true,
				    .tas = true,
				    .swp = true,
				    .tst = 1,
				    .qerr = 3,
				    .ua_intlck = SCSI_UA_INTLCK_KEEP };
	static struct scsi_lu lu;
	struct scsi_task *go;
	struct scsi_mode m;

	(void)state;
	assert_int_equal(scsi_lu_init(&lu, &p), 0);
	m = lu.mode;
	assert_true(m.d_sense && m.tas && m.swp);
	assert_int_equal(m.tst, 1);
	assert_int_equal(m.reorder, 1);
	assert_int_equal(m.qerr, 3);
	assert_int_equal(m.ua_intlck, SCSI_UA_INTLCK_KEEP);
	assert_memory_equal(&lu.mode_default, &m, sizeof(m));
	assert_memory_equal(&lu.mode_saved, &m, sizeof(m));
	/* QERR wants to see every command */
	assert_int_equal(scsi_lu_next(&lu, &go), SCSI_ASK_GATHER);
	scsi_lu_gathered(&lu);
	assert_int_equal(scsi_lu_next(&lu, &go), SCSI_ASK_NOTHING);
	m.qerr = 0;
	assert_true(scsi_lu_set_mode(&lu, &m));
	assert_int_equal(scsi_lu_next(&lu, &go), SCSI_ASK_PUBLISH);
	scsi_lu_deinit(&lu);
	p.qerr = 2;
	assert_int_equal(scsi_lu_init(&lu, &p), -EINVAL);
	p.qerr = 0;
	p.tst = 2;
	assert_int_equal(scsi_lu_init(&lu, &p), -EINVAL);
	p.tst = 0;
	p.ua_intlck = 1;
	assert_int_equal(scsi_lu_init(&lu, &p), -EINVAL);
}

static void random_lists(void **state)
{
	struct prng rnd = prng_of(11);
	unsigned taken = 0;

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		uint8_t body[10] = { 0x02, 0x10, 0, 0, 0, 0, 0xff, 0xff };

		for (uint64_t n = prng_below(&rnd, 4); n; n--)
			body[prng_below(&rnd, 4)] ^= (uint8_t)(1 << prng_below(&rnd, 8));
		if (rig_mode_select(rig_from(r, 0), rig_lun0, 0x0a, body, sizeof(body)) == 0) {
			sense_page(0x0a);
			assert_memory_equal(r->in + 6, body, sizeof(body));
			taken++;
		}
	}
	assert_true(taken > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_value, setup, teardown),
		cmocka_unit_test_setup_teardown(told_and_reset, setup, teardown),
		cmocka_unit_test_setup_teardown(write_protect, setup, teardown),
		cmocka_unit_test_setup_teardown(write_cache, setup, teardown),
		cmocka_unit_test_setup_teardown(write_through, setup, teardown),
		cmocka_unit_test_setup_teardown(fixed_bits, setup, teardown),
		cmocka_unit_test_setup_teardown(lists, setup, teardown),
		cmocka_unit_test_setup_teardown(wrong_pages, setup, teardown),
		cmocka_unit_test_setup_teardown(cdb_fields, setup, teardown),
		cmocka_unit_test_setup_teardown(provisioning, setup, teardown),
		cmocka_unit_test(configured),
		cmocka_unit_test_setup_teardown(random_lists, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
