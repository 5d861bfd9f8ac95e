/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "scsi/pr_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

struct rig *r;

int setup(void **state)
{
	(void)state;
	r = rig_new_quiet();
	return 0;
}

int teardown(void **state)
{
	(void)state;
	rig_free(r);
	return 0;
}

uint8_t out_list(unsigned nexus, uint8_t sa, uint8_t type, uint64_t key, uint64_t sa_key,
		 uint32_t len)
{
	uint8_t cdb[10] = { 0x5f, sa, type };

	put_be64(r->out, key);
	put_be64(r->out + 8, sa_key);
	put_be32(cdb + 5, len);
	return rig_run(rig_from(r, nexus), rig_lun0, cdb, sizeof(cdb), 0, len);
}

uint8_t out(unsigned nexus, uint8_t sa, uint8_t type, uint64_t key, uint64_t sa_key)
{
	memset(r->out, 0, 24);
	return out_list(nexus, sa, type, key, sa_key, 24);
}

void expect_good(uint8_t status)
{
	assert_int_equal(status, SCSI_STATUS_GOOD);
}

void expect_conflict(uint8_t status)
{
	assert_int_equal(status, SCSI_STATUS_RESERVATION_CONFLICT);
	assert_int_equal(r->t.sense_len, 0);
}

unsigned ua(unsigned nexus)
{
	unsigned first = scsi_uas_pop(&r->nexus[nexus].lun[0].uas);

	rig_views(r);
	return first;
}

uint8_t tur(unsigned nexus)
{
	return rig_run(rig_from(r, nexus), rig_lun0, CDB(0, 0, 0, 0, 0, 0), 0, 0);
}

uint8_t write_block(unsigned nexus)
{
	return rig_run(rig_from(r, nexus), rig_lun0, CDB(0x2a, 0, 0, 0, 0, 0, 0, 0, 1, 0), 0, 512);
}
