/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Unit attentions, LUN maps, views and task management, with two nexuses at the same units. */
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
	r = rig_new();
	return 0;
}

static int quiet(void **state)
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

static uint8_t ready(unsigned nexus, const uint8_t *lun)
{
	return rig_run(rig_from(r, nexus), lun, CDB(0, 0, 0, 0, 0, 0), 0, 0);
}

static void expect_ua(unsigned nexus, const uint8_t *lun, unsigned ua)
{
	ready(nexus, lun);
	assert_int_equal(r->route, SCSI_ROUTE_HOME);
	rig_expect_sense(r, 6, ua);
}

static void expect_ready(unsigned nexus, const uint8_t *lun)
{
	assert_int_equal(ready(nexus, lun), SCSI_STATUS_GOOD);
	assert_int_equal(r->route, SCSI_ROUTE_LOCAL);
}

/* Once for each nexus and unit; INQUIRY and REPORT LUNS work before and do not take it away. */
static void at_login(void **state)
{
	(void)state;
	for (unsigned nexus = 0; nexus < 2; nexus++) {
		assert_int_equal(
			rig_run(rig_from(r, nexus), rig_lun0, CDB(0x12, 0, 0, 0, 96, 0), 96, 0), 0);
		assert_int_equal(rig_run(rig_from(r, nexus), rig_lun0,
					 CDB(0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 0, 0), 255, 0),
				 0);
		expect_ua(nexus, rig_lun0, 0x2900);
		assert_int_equal(r->changed, SCSI_CHANGED_NEXUS);
		expect_ready(nexus, rig_lun0);
		expect_ua(nexus, rig_lun1, 0x2900);
		expect_ready(nexus, rig_lun1);
	}
	/* even a command that does not exist hears of it first */
	scsi_lu_ua(&r->lu[0], SCSI_UA_MODE_CHANGED, NULL);
	rig_views(r);
	rig_run(rig_from(r, 0), rig_lun0, CDB(0xff, 0, 0, 0, 0, 0), 0, 0);
	rig_expect_sense(r, 6, 0x2a01);
	rig_run(rig_from(r, 0), rig_lun0, CDB(0xff, 0, 0, 0, 0, 0), 0, 0);
	rig_expect_sense(r, 5, 0x2000);
}

/* A command that was routed by an old view is stepped at home: the attention is not missed or doubled. */
static void stale_view(void **state)
{
	struct scsi_view old = r->view[0];

	(void)state;
	expect_ua(0, rig_lun0, 0x2900);
	r->view[0] = old;
	assert_int_equal(ready(0, rig_lun0), SCSI_STATUS_GOOD);
	assert_int_equal(r->route, SCSI_ROUTE_HOME);
}

static void priorities(void **state)
{
	struct scsi_uas u = { 0 };
	static const enum scsi_ua all[] = { SCSI_UA_LUNS_CHANGED,     SCSI_UA_MODE_CHANGED,
					    SCSI_UA_COMMANDS_CLEARED, SCSI_UA_NEXUS_LOSS,
					    SCSI_UA_BUS_DEVICE_RESET, SCSI_UA_CAPACITY_CHANGED,
					    SCSI_UA_LUNS_CHANGED,     SCSI_UA_NEXUS_LOSS };
	static const uint16_t order[] = { 0x2903, 0x2907, 0x2f00, 0x3f0e, 0x2a01, 0x2a09, 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		scsi_uas_add(&u, all[i]);
	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		assert_int_equal(scsi_uas_pop(&u), order[i]);
	/* power on says it all, also for resets that follow, but not for news that follow */
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		scsi_uas_add(&u, all[i]);
	scsi_uas_add(&u, SCSI_UA_POWER_ON);
	scsi_uas_add(&u, SCSI_UA_BUS_DEVICE_RESET);
	scsi_uas_add(&u, SCSI_UA_CAPACITY_CHANGED);
	assert_int_equal(scsi_uas_pop(&u), 0x2900);
	assert_int_equal(scsi_uas_pop(&u), 0x2a09);
	assert_int_equal(scsi_uas_pop(&u), 0);
	/* a full queue */
	for (unsigned i = 0; i < SCSI_UA_MAX; i++)
		scsi_uas_add(&u, (enum scsi_ua)(0x3f20 + i));
	assert_int_equal(u.n, SCSI_UA_MAX);
	scsi_uas_add(&u, SCSI_UA_MODE_CHANGED);
	assert_int_equal(scsi_uas_pop(&u), 0x2900);
	assert_int_equal(scsi_uas_pop(&u), 0);
	assert_false(scsi_uas_drop(&u, SCSI_UA_MODE_CHANGED));
}

static void expect_report(unsigned nexus, uint8_t lun, unsigned asc)
{
	struct scsi_report rep;
	struct sense s;

	assert_true(scsi_nexus_event(&r->nexus[nexus], &rep));
	assert_int_equal(rep.lun[1], lun);
	assert_int_equal(sense_decode(rep.sense, rep.sense_len, &s), 0);
	assert_int_equal(s.key, SENSE_UNIT_ATTENTION);
	assert_int_equal(s.asc, asc);
}

static void expect_no_report(unsigned nexus)
{
	struct scsi_report rep;

	assert_false(scsi_nexus_event(&r->nexus[nexus], &rep));
}

/* A report tells of a unit attention once and leaves it to the next command. */
static void reports(void **state)
{
	struct scsi_map_entry map[] = { { .lu = &r->lu[0], .lun = 0 } };

	(void)state;
	expect_no_report(0); /* what is owed to everybody who begins is no news */
	expect_ua(0, rig_lun0, 0x2900);
	expect_ua(0, rig_lun1, 0x2900);
	expect_no_report(0);
	scsi_lu_ua(&r->lu[1], SCSI_UA_MODE_CHANGED, NULL);
	expect_report(0, 1, 0x2a01);
	expect_no_report(0);
	scsi_lu_ua(&r->lu[1], SCSI_UA_MODE_CHANGED, NULL); /* still the same one */
	expect_no_report(0);
	expect_no_report(1); /* there POWER ON comes first */
	scsi_nexus_event_lost(&r->nexus[0]);
	expect_no_report(1);
	expect_report(0, 1, 0x2a01);
	rig_views(r);
	expect_ua(0, rig_lun1, 0x2a01);
	scsi_lu_ua(&r->lu[1], SCSI_UA_MODE_CHANGED, NULL); /* another one */
	expect_report(0, 1, 0x2a01);
	/* one that comes in front is told, and the other again when it is the first */
	scsi_lu_ua(&r->lu[1], SCSI_UA_BUS_DEVICE_RESET, NULL);
	expect_report(0, 1, 0x2903);
	rig_views(r);
	expect_ua(0, rig_lun1, 0x2903);
	assert_int_equal(r->changed, SCSI_CHANGED_NEXUS); /* so that somebody looks */
	expect_report(0, 1, 0x2a01);
	rig_views(r);
	expect_ua(0, rig_lun1, 0x2a01);
	scsi_nexus_ua(&r->nexus[0], SCSI_UA_LUNS_CHANGED); /* is about all of them */
	expect_report(0, 0, 0x3f0e);
	expect_no_report(0);
	assert_int_equal(scsi_nexus_remap(&r->nexus[0], map, 1), 1);
	expect_no_report(0);
}

static void capacity_change(void **state)
{
	(void)state;
	assert_false(scsi_lu_set_size(&r->lu[0], RIG_DISK_LEN + 511));
	assert_false(scsi_lu_set_size(&r->lu[0], 511));
	assert_true(scsi_lu_set_size(&r->lu[0], RIG_DISK_LEN / 2));
	rig_views(r);
	for (unsigned nexus = 0; nexus < 2; nexus++) {
		expect_ua(nexus, rig_lun0, 0x2a09);
		expect_ready(nexus, rig_lun0);
		expect_ready(nexus, rig_lun1);
		rig_run(rig_from(r, nexus), rig_lun0, CDB(0x28, 0, 0, 0, 4, 0, 0, 0, 1, 0), 512, 0);
		rig_expect_sense(r, 5, 0x2100);
	}
}

static void remap(void **state)
{
	struct scsi_map_entry map[] = { { &r->lu[0], 0, false }, { &r->lu[1], 1, false } };
	struct scsi_map_entry wrong[] = { { &r->lu[0], 0, false }, { &r->lu[1], 0, false } };

	(void)state;
	assert_int_equal(scsi_nexus_remap(&r->nexus[0], map, 2), 0);
	assert_int_equal(scsi_nexus_remap(&r->nexus[0], wrong, 2), -EINVAL);
	wrong[1].lun = SCSI_LUN_COUNT;
	assert_int_equal(scsi_nexus_remap(&r->nexus[0], wrong, 2), -EINVAL);
	wrong[1] = (struct scsi_map_entry){ NULL, 2, false };
	assert_int_equal(scsi_nexus_remap(&r->nexus[0], wrong, 2), -EINVAL);
	expect_ready(0, rig_lun1);
	/* write protection of one nexus only */
	map[0].read_only = true;
	assert_int_equal(scsi_nexus_remap(&r->nexus[0], map, 2), 1);
	rig_views(r);
	expect_ua(0, rig_lun0, 0x2a01);
	rig_run(rig_from(r, 0), rig_lun0, CDB(0x2a, 0, 0, 0, 0, 0, 0, 0, 1, 0), 0, 512);
	rig_expect_sense(r, 7, 0x2700);
	assert_int_equal(
		rig_run(rig_from(r, 1), rig_lun0, CDB(0x2a, 0, 0, 0, 0, 0, 0, 0, 1, 0), 0, 512), 0);
	/* LUN 1 moves to 7 */
	map[1].lun = 7;
	assert_int_equal(scsi_nexus_remap(&r->nexus[0], map, 2), 1);
	rig_views(r);
	ready(0, rig_lun1);
	rig_expect_sense(r, 5, 0x2500);
	expect_ua(0, rig_lun7, 0x2900);
	expect_ua(0, rig_lun7, 0x3f0e); /* and with it from all others: LUICLR */
	expect_ready(0, rig_lun0);
	expect_ready(1, rig_lun1);
	/* REPORT LUNS takes it away too */
	assert_int_equal(scsi_nexus_remap(&r->nexus[0], map, 1), 1);
	rig_views(r);
	assert_int_equal(rig_run(rig_from(r, 0), rig_lun0,
				 CDB(0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 0, 0), 255, 0),
			 0);
	assert_int_equal(r->t.data_len, 16);
	assert_int_equal(r->changed, SCSI_CHANGED_NEXUS);
	expect_ready(0, rig_lun0);
}

/* A task of @nexus at @lun whose READ or VERIFY is under way. */
static void start(struct scsi_task *t, unsigned nexus, uint8_t lun, uint64_t tag)
{
	*t = (struct scsi_task){ .nexus = &r->nexus[nexus],
				 .cdb = { 0x2f, 0, 0, 0, 0, 0, 0, 0, 1 },
				 .lun = { 0, lun },
				 .tag = tag };
	scsi_route(&r->view[nexus], t);
	assert_int_equal(scsi_task_step(t, &(struct scsi_event){ .type = SCSI_EV_START }).type,
			 SCSI_ACT_VERIFY);
}

/* Give ABORT to every task @m means, let their I/O end, finish. Returns a bit for each one hit. */
static unsigned run_tmf(struct scsi_tmf *m, struct scsi_task *tasks, unsigned n,
			enum scsi_changed *ret)
{
	unsigned hit = 0;

	scsi_tmf_start(m);
	for (unsigned i = 0; i < n; i++) {
		struct scsi_act a;

		if (!scsi_tmf_means(m, &tasks[i], tasks[i].lu))
			continue;
		hit |= BIT(i);
		a = scsi_task_step(&tasks[i], &(struct scsi_event){ .type = SCSI_EV_ABORT });
		assert_int_equal(a.type, SCSI_ACT_NONE);
		a = scsi_task_step(&tasks[i], &(struct scsi_event){ .type = SCSI_EV_IO_DONE,
								    .result = -ECANCELED });
		assert_int_equal(a.type, SCSI_ACT_COMPLETE);
		assert_true(tasks[i].aborted);
		scsi_tmf_hit(m, tasks[i].nexus);
	}
	*ret = scsi_tmf_finish(m);
	rig_views(r);
	return hit;
}

static unsigned tmf(enum scsi_tmf_fn fn, const uint8_t *lun, enum scsi_changed *ret_changed)
{
	struct scsi_tmf m = { .fn = fn, .tag = 2, .nexus = &r->nexus[0] };
	struct scsi_task tasks[6];
	unsigned hit;

	memcpy(m.lun, lun, 8);
	start(&tasks[0], 0, 0, 1);
	start(&tasks[1], 0, 0, 2);
	start(&tasks[2], 0, 1, 2);
	start(&tasks[3], 1, 0, 2);
	start(&tasks[4], 1, 1, 1);
	start(&tasks[5], 0, 1, 3);
	hit = run_tmf(&m, tasks, 6, ret_changed);
	assert_int_equal(m.response, SCSI_TMF_FUNCTION_COMPLETE);
	return hit;
}

static void tmf_aborts(void **state)
{
	enum scsi_changed changed;

	(void)state;
	assert_int_equal(tmf(SCSI_TMF_ABORT_TASK, rig_lun0, &changed), BIT(1));
	assert_int_equal(changed, SCSI_CHANGED_NOTHING);
	assert_int_equal(tmf(SCSI_TMF_ABORT_TASK_SET, rig_lun0, &changed), BIT(0) | BIT(1));
	assert_int_equal(changed, SCSI_CHANGED_NOTHING);
	assert_int_equal(tmf(SCSI_TMF_CLEAR_ACA, rig_lun0, &changed), 0);
	assert_int_equal(changed, SCSI_CHANGED_NOTHING);
	for (unsigned nexus = 0; nexus < 2; nexus++) {
		expect_ready(nexus, rig_lun0);
		expect_ready(nexus, rig_lun1);
	}
}

static void tmf_clear_task_set(void **state)
{
	enum scsi_changed changed;

	(void)state;
	assert_int_equal(tmf(SCSI_TMF_CLEAR_TASK_SET, rig_lun0, &changed),
			 BIT(0) | BIT(1) | BIT(3));
	assert_int_equal(changed, SCSI_CHANGED_LU);
	expect_ready(0, rig_lun0);
	expect_ua(1, rig_lun0, 0x2f00);
	expect_ready(1, rig_lun0);
	expect_ready(1, rig_lun1);
}

/* Who had no command there is not told, and a hit is forgotten with its function. */
static void tmf_clear_nobody(void **state)
{
	struct scsi_tmf m = { .fn = SCSI_TMF_CLEAR_TASK_SET, .nexus = &r->nexus[0] };
	enum scsi_changed changed;
	struct scsi_task t;

	(void)state;
	start(&t, 0, 0, 1);
	assert_int_equal(run_tmf(&m, &t, 1, &changed), 1);
	assert_int_equal(changed, SCSI_CHANGED_NOTHING);
	expect_ready(1, rig_lun0);
	m.fn = SCSI_TMF_LUN_RESET;
	start(&t, 1, 0, 1);
	assert_int_equal(run_tmf(&m, &t, 1, &changed), 1);
	m.fn = SCSI_TMF_CLEAR_TASK_SET;
	assert_int_equal(run_tmf(&m, &t, 0, &changed), 0);
	expect_ua(1, rig_lun0, 0x2903);
	expect_ready(1, rig_lun0);
}

static void tmf_resets(void **state)
{
	enum scsi_changed changed;

	(void)state;
	assert_int_equal(tmf(SCSI_TMF_LUN_RESET, rig_lun0, &changed), BIT(0) | BIT(1) | BIT(3));
	assert_int_equal(changed, SCSI_CHANGED_LU);
	for (unsigned nexus = 0; nexus < 2; nexus++) {
		expect_ua(nexus, rig_lun0, 0x2903);
		expect_ready(nexus, rig_lun0);
		expect_ready(nexus, rig_lun1);
	}
	assert_int_equal(tmf(SCSI_TMF_NEXUS_RESET, rig_lun0, &changed), 0x27);
	assert_int_equal(changed, SCSI_CHANGED_NEXUS);
	expect_ua(0, rig_lun0, 0x2907);
	expect_ua(0, rig_lun1, 0x2907);
	expect_ready(1, rig_lun0);
	/* a stopped unit starts with a reset */
	assert_int_equal(rig_run(rig_from(r, 0), rig_lun0, CDB(0x1b, 0, 0, 0, 0, 0), 0, 0), 0);
	struct scsi_tmf m = { .fn = SCSI_TMF_LUN_RESET, .nexus = &r->nexus[1] };

	assert_int_equal(run_tmf(&m, NULL, 0, &changed), 0);
	expect_ua(0, rig_lun0, 0x2903);
	expect_ready(0, rig_lun0);
}

static void tmf_refused(void **state)
{
	struct scsi_tmf m = { .fn = SCSI_TMF_LUN_RESET, .nexus = &r->nexus[0] };
	enum scsi_changed changed;
	struct scsi_task t;

	(void)state;
	start(&t, 0, 0, 1);
	memcpy(m.lun, rig_lun7, 8);
	assert_int_equal(run_tmf(&m, &t, 1, &changed), 0);
	assert_int_equal(m.response, SCSI_TMF_INCORRECT_LUN);
	assert_int_equal(changed, SCSI_CHANGED_NOTHING);
	memcpy(m.lun, rig_lun0, 8);
	m.fn = (enum scsi_tmf_fn)99;
	assert_int_equal(run_tmf(&m, &t, 1, &changed), 0);
	assert_int_equal(m.response, SCSI_TMF_NOT_SUPPORTED);
	memcpy(m.lun, rig_well_known, 8);
	m.fn = SCSI_TMF_ABORT_TASK_SET;
	assert_int_equal(run_tmf(&m, &t, 1, &changed), 0);
	assert_int_equal(m.response, SCSI_TMF_FUNCTION_COMPLETE);
	/* a task that was routed and not started is found as well */
	t = (struct scsi_task){ .nexus = &r->nexus[1], .cdb = { 0x12 } };
	assert_int_equal(scsi_route(&r->view[1], &t), SCSI_ROUTE_HOME);
	memcpy(m.lun, rig_lun0, 8);
	m.fn = SCSI_TMF_CLEAR_TASK_SET;
	scsi_tmf_start(&m);
	assert_true(scsi_tmf_means(&m, &t, t.lu));
}

static void lu_params(void **state)
{
	static const struct scsi_lu_params good = {
		.serial = "x ", .naa = { 0x31 }, .block_bytes = 512, .size_bytes = 512
	};
	struct scsi_lu_params p = good;
	struct scsi_lu lu;

	(void)state;
	assert_int_equal(scsi_lu_init(&lu, &p), 0);
	assert_string_equal(lu.serial, "x");
	assert_int_equal(lu.unmap_grain_blocks, 0);
	assert_int_equal(lu.max_unmap_blocks, 0);
	scsi_lu_deinit(&lu);
	for (uint32_t bytes = 512; bytes <= 4096; bytes *= 2) {
		p = good;
		p.block_bytes = bytes;
		p.physical_block_bytes = 8192;
		p.lowest_aligned_bytes = 4096;
		p.size_bytes = (uint64_t)3 * bytes;
		assert_int_equal(scsi_lu_init(&lu, &p), 0);
		assert_int_equal(lu.block_bytes, bytes);
		assert_int_equal(1u << lu.block_shift, bytes);
		assert_int_equal(bytes << lu.physical_exponent, 8192);
		assert_int_equal(lu.lowest_aligned * bytes, 4096);
		assert_int_equal(lu.n_blocks, 3);
		scsi_lu_deinit(&lu);
	}
#define BAD(field, value)                                         \
	do {                                                      \
		p = good;                                         \
		p.field = (value);                                \
		assert_int_equal(scsi_lu_init(&lu, &p), -EINVAL); \
	} while (0)
	BAD(serial, NULL);
	BAD(serial, "");
	BAD(serial, " ");
	BAD(serial, "tab\t");
	BAD(serial, "0123456789012345678901234567890123456");
	BAD(vendor, "123456789");
	BAD(product, "12345678901234567");
	BAD(revision, "12345");
	BAD(naa[0], 0x41);
	BAD(naa[8], 1); /* an NAA of 8 bytes */
	BAD(block_bytes, 256);
	BAD(block_bytes, 520);
	BAD(block_bytes, 8192);
	BAD(block_bytes, 0);
	BAD(physical_block_bytes, 256);
	BAD(physical_block_bytes, 1536);
	BAD(physical_block_bytes, 2 * SCSI_PHYSICAL_MAX);
	BAD(lowest_aligned_bytes, 512); /* there is one block in a physical one */
	BAD(size_bytes, 511);
	BAD(size_bytes, UINT64_MAX);
	BAD(max_transfer_bytes, 511);
	BAD(max_write_same_bytes, 511);
	p = good;
	p.physical_block_bytes = 4096;
	p.lowest_aligned_bytes = 256; /* not a whole block */
	assert_int_equal(scsi_lu_init(&lu, &p), -EINVAL);
#undef BAD
}

/* A view has room for so many held ranges; of a unit whose do not fit everything goes home. */
static void views_of_holds(void **state)
{
	static struct scsi_task tasks[6], read;

	(void)state;
	read.nexus = &r->nexus[0];
	read.cdb[0] = 0x28;
	read.cdb[8] = 1;
	for (unsigned i = 0; i < ARRAY_SIZE(tasks); i++) {
		tasks[i].range = (struct scsi_range){ 10 + i, 11 + i };
		for (unsigned u = 0; u < 2; u++)
			assert_non_null(hold_take(&r->lu[u].order.holds, &tasks[i], true));
	}
	rig_views(r);
	assert_int_equal(r->view[0].n_holds, ARRAY_SIZE(tasks));
	for (unsigned lba = 8; lba < 18; lba++) {
		bool held = lba >= 10 && lba < 16;

		put_be32(read.cdb + 2, lba);
		memcpy(read.lun, rig_lun0, 8);
		assert_int_equal(scsi_route(&r->view[0], &read),
				 held ? SCSI_ROUTE_HOME : SCSI_ROUTE_LOCAL);
		memcpy(read.lun, rig_lun1, 8);
		assert_int_equal(scsi_route(&r->view[0], &read), SCSI_ROUTE_HOME);
	}
	for (unsigned u = 0; u < 2; u++)
		for (unsigned i = 0; i < ARRAY_SIZE(tasks); i++)
			hold_drop(&r->lu[u].order.holds,
				  hold_find(&r->lu[u].order.holds, &tasks[i]));
	rig_views(r);
	assert_int_equal(scsi_route(&r->view[0], &read), SCSI_ROUTE_LOCAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(at_login, setup, teardown),
		cmocka_unit_test_setup_teardown(stale_view, setup, teardown),
		cmocka_unit_test(priorities),
		cmocka_unit_test_setup_teardown(reports, setup, teardown),
		cmocka_unit_test_setup_teardown(capacity_change, quiet, teardown),
		cmocka_unit_test_setup_teardown(remap, quiet, teardown),
		cmocka_unit_test_setup_teardown(tmf_aborts, quiet, teardown),
		cmocka_unit_test_setup_teardown(tmf_clear_task_set, quiet, teardown),
		cmocka_unit_test_setup_teardown(tmf_clear_nobody, quiet, teardown),
		cmocka_unit_test_setup_teardown(tmf_resets, quiet, teardown),
		cmocka_unit_test_setup_teardown(tmf_refused, quiet, teardown),
		cmocka_unit_test_setup_teardown(views_of_holds, quiet, teardown),
		cmocka_unit_test(lu_params),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
