/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What outlives the process: when it is saved, that it comes back the same, and what else is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/prng.h"
#include "scsi/testrig.h"

#include <errno.h>
#include <string.h>

#define SA_REGISTER 0
#define SA_RESERVE  1
#define SA_RELEASE  2
#define SA_CLEAR    3
#define SA_PREEMPT  4
#define APTPL       0x01

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

static uint8_t pr_out(unsigned nexus, uint8_t sa, uint8_t type, uint64_t key, uint64_t sa_key,
		      uint8_t flags)
{
	memset(r->out, 0, 24);
	put_be64(r->out, key);
	put_be64(r->out + 8, sa_key);
	r->out[20] = flags;
	r->saves = 0;
	return rig_run(rig_from(r, nexus), rig_lun0, CDB(0x5f, sa, type, 0, 0, 0, 0, 0, 24, 0), 0,
		       24);
}

/* The program ends and another one begins with what was saved last. */
static void restart(void)
{
	struct rig *next = rig_new();
	struct scsi_map_entry map[] = { { &next->lu[0], 0, false }, { &next->lu[1], 1, false } };

	for (int i = 0; i < 2; i++)
		assert_int_equal(scsi_nexus_remap(&next->nexus[i], NULL, 0), 1);
	next->lu[0].keeps = true;
	assert_int_equal(scsi_lu_restore(&next->lu[0], r->saved, r->saved_len), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(scsi_nexus_remap(&next->nexus[i], map, 2), 1);
	rig_views(next);
	rig_free(r);
	r = next;
}

static void expect_uas(unsigned nexus, const uint16_t *want)
{
	struct scsi_uas *u = &r->nexus[nexus].lun[0].uas;
	uint16_t ua;

	while ((ua = scsi_uas_pop(u))) {
		if (ua == SCSI_UA_LUNS_CHANGED)
			continue;
		assert_int_equal(ua, *want);
		want++;
	}
	assert_int_equal(*want, 0);
	rig_views(r);
}

#define UAS(...) ((const uint16_t[4]){ __VA_ARGS__ }) /* with 0 behind */

/* [SAVE-1] A registration with APTPL and what is done with it is stable before the status. */
static void reservations(void **state)
{
	(void)state;
	assert_int_equal(pr_out(0, SA_REGISTER, 0, 0, 7, 0), 0);
	assert_int_equal(r->saves, 0);
	assert_int_equal(pr_out(0, SA_REGISTER, 0, 7, 8, APTPL), 0);
	assert_int_equal(r->saves, 1);
	assert_int_equal(r->changed, SCSI_CHANGED_LU);
	assert_int_equal(pr_out(1, SA_REGISTER, 0, 0, 9, APTPL), 0);
	assert_int_equal(pr_out(0, SA_RESERVE, SCSI_PR_WRITE_EXCLUSIVE, 8, 0, 0), 0);
	assert_int_equal(r->saves, 1);
	assert_int_equal(pr_out(0, SA_RESERVE, SCSI_PR_WRITE_EXCLUSIVE, 8, 0, 0), 0);
	assert_int_equal(r->saves, 0); /* nothing changed */
	restart();
	assert_int_equal(r->lu[0].pr.n, 2);
	assert_int_equal(r->lu[0].pr.type, SCSI_PR_WRITE_EXCLUSIVE);
	assert_int_equal(r->lu[0].pr.generation, 3);
	expect_uas(0, UAS(SCSI_UA_POWER_ON));
	expect_uas(1, UAS(SCSI_UA_POWER_ON));
	rig_run(rig_from(r, 1), rig_lun0, CDB(0x2a, 0, 0, 0, 0, 0, 0, 0, 1, 0), 0, 512);
	assert_int_equal(r->t.status, SCSI_STATUS_RESERVATION_CONFLICT);
	assert_int_equal(
		rig_run(rig_from(r, 0), rig_lun0, CDB(0x2a, 0, 0, 0, 0, 0, 0, 0, 1, 0), 0, 512), 0);
	/* PREEMPT: the other one hears of it, also when the program ends before it does */
	assert_int_equal(pr_out(1, SA_PREEMPT, SCSI_PR_EXCLUSIVE_ACCESS, 9, 8, 0), 0);
	assert_int_equal(r->saves, 1);
	restart();
	assert_int_equal(r->lu[0].pr.n, 1);
	assert_int_equal(r->lu[0].pr.reg[0].key, 9);
	expect_uas(0, UAS(SCSI_UA_POWER_ON, SCSI_UA_REGISTRATIONS_PREEMPTED));
	expect_uas(1, UAS(SCSI_UA_POWER_ON));
	/* APTPL off: that is saved, and nothing of it is there then */
	assert_int_equal(pr_out(1, SA_REGISTER, 0, 9, 10, 0), 0);
	assert_int_equal(r->saves, 1);
	assert_int_equal(pr_out(1, SA_RELEASE, SCSI_PR_EXCLUSIVE_ACCESS, 10, 0, 0), 0);
	assert_int_equal(r->saves, 0);
	restart();
	assert_int_equal(r->lu[0].pr.n, 0);
}

/* [SAVE-7] That they are lost is kept, whatever else is saved meanwhile, until they are replaced. */
static void lost(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++)
		assert_int_equal(scsi_nexus_remap(&r->nexus[i], NULL, 0), 1);
	scsi_lu_lose_pr(&r->lu[0]);
	r->saved_len = scsi_lu_save(&r->lu[0], r->saved);
	for (int i = 0; i < 2; i++) {
		restart();
		assert_true(r->lu[0].pr.lost);
		expect_uas(0, UAS(SCSI_UA_POWER_ON));
		rig_run(rig_from(r, 0), rig_lun0, CDB(0, 0, 0, 0, 0, 0), 0, 0);
		rig_expect_sense(r, SENSE_DATA_PROTECT, ASC_RESERVATIONS_LOST);
		r->saved_len = scsi_lu_save(&r->lu[0], r->saved);
	}
	assert_int_equal(pr_out(0, 8, SCSI_PR_WRITE_EXCLUSIVE, 0, 7, APTPL), 0);
	assert_int_equal(r->saves, 1);
	restart();
	assert_false(r->lu[0].pr.lost);
	assert_int_equal(r->lu[0].pr.n, 1);
	assert_int_equal(r->lu[0].pr.type, SCSI_PR_WRITE_EXCLUSIVE);
	/* a value that says both is none */
	memcpy(r->saved + r->saved_len, (uint8_t[]){ 7, 0, 0 }, 3);
	for (int i = 0; i < 2; i++)
		assert_int_equal(scsi_nexus_remap(&r->nexus[i], NULL, 0), 1);
	assert_int_equal(scsi_lu_restore(&r->lu[0], r->saved, r->saved_len + 3), -EINVAL);
}

/* [SAVE-1] where nothing is kept, APTPL is refused, and the capabilities say so. */
static void capabilities(void **state)
{
	(void)state;
	for (unsigned keeps = 0; keeps < 2; keeps++) {
		r->lu[0].keeps = keeps;
		rig_run(rig_from(r, 0), rig_lun0, CDB(0x5e, 2, 0, 0, 0, 0, 0, 0, 8, 0), 8, 0);
		assert_int_equal(r->in[2] & 1, keeps);
		assert_int_equal(r->in[3] & 1, 0);
		assert_int_equal(pr_out(0, SA_REGISTER, 0, 0, 7, APTPL), keeps ? 0 : 2);
	}
	rig_run(rig_from(r, 0), rig_lun0, CDB(0x5e, 2, 0, 0, 0, 0, 0, 0, 8, 0), 8, 0);
	assert_int_equal(r->in[3] & 1, 1);
}

static uint8_t select_control(uint8_t sp, uint8_t b2)
{
	const uint8_t page[16] = { 0, 0, 0, 0, 0x0a, 0x0a, b2, 0x10, 0, 0x40, 0, 0, 0xff, 0xff };

	memcpy(r->out, page, 16);
	r->saves = 0;
	return rig_run(rig_from(r, 0), rig_lun0, CDB(0x15, 0x10 | sp, 0, 0, 16, 0), 0, 16);
}

static uint8_t sensed(uint8_t pc)
{
	assert_int_equal(rig_run(rig_from(r, 0), rig_lun0,
				 CDB(0x1a, 0x08, (uint8_t)(pc << 6 | 0x0a), 0, 255, 0), 255, 0),
			 0);
	assert_int_equal(r->in[4], 0x8a); /* PS */
	return r->in[6];
}

/* [SAVE-2], [SPACE-3] A threshold that was saved is so again; one that was not is as configured then. */
static void threshold(void **state)
{
	uint8_t cdb[10] = { 0x55, 0x11, 0, 0, 0, 0, 0, 0, 32 };

	(void)state;
	assert_int_equal(select_control(1, 0x06), 0);
	restart();
	assert_false(r->lu[0].mode.threshold);
	assert_false(scsi_lu_set_space(&r->lu[0], &(struct scsi_space){ .available_bytes = 1 }));
	memset(r->out, 0, 32);
	memcpy(r->out + 8, ((const uint8_t[]){ 0x5c, 0x02, 0, 0x14 }), 4);
	memcpy(r->out + 24, ((const uint8_t[]){ 0x82, 0x01, 0, 0, 0, 1, 0, 9 }), 8);
	expect_uas(0, UAS(SCSI_UA_POWER_ON));
	assert_int_equal(rig_run(rig_from(r, 0), rig_lun0, cdb, sizeof(cdb), 0, 32), 0);
	assert_int_equal(r->saves, 1);
	restart();
	assert_true(r->lu[0].mode.threshold && r->lu[0].mode_saved.threshold);
	assert_int_equal(r->lu[0].mode.threshold_sets, 65545);
	assert_false(r->lu[0].mode_default.threshold);
	expect_uas(0, UAS(SCSI_UA_POWER_ON));
	assert_int_equal(sensed(0), 0x06);
}

/* [SAVE-2] SP: saved values are what a reset and a restart give; without SP only the current ones change. */
static void mode_pages(void **state)
{
	(void)state;
	assert_int_equal(select_control(0, 0x26), 0);
	assert_int_equal(r->saves, 0);
	assert_int_equal(sensed(0), 0x26);
	assert_int_equal(sensed(3), 0x02);
	assert_int_equal(select_control(1, 0x06), 0);
	assert_int_equal(r->saves, 1);
	assert_int_equal(sensed(3), 0x06);
	assert_int_equal(sensed(2), 0x02);
	assert_int_equal(select_control(0, 0x22), 0);
	(void)rig_tmf(r, SCSI_TMF_LUN_RESET, 0, rig_lun0);
	expect_uas(0, UAS(SCSI_UA_BUS_DEVICE_RESET));
	assert_int_equal(sensed(0), 0x06);
	assert_int_equal(select_control(1, 0x06), 0);
	restart();
	expect_uas(0, UAS(SCSI_UA_POWER_ON));
	assert_int_equal(sensed(0), 0x06);
	assert_true(r->lu[0].mode.tas);
	/* of the other nexus, which had not heard of it */
	expect_uas(1, UAS(SCSI_UA_POWER_ON, SCSI_UA_MODE_CHANGED));
}

/* [SAVE-3] What could not be saved does not end with GOOD. */
static void fails(void **state)
{
	(void)state;
	r->fail_type = SCSI_ACT_SAVE;
	r->fail_result = -EIO;
	pr_out(0, SA_REGISTER, 0, 0, 7, APTPL);
	rig_expect_sense(r, 4, 0x4400);
	r->fail_type = SCSI_ACT_SAVE;
	select_control(1, 0x06);
	rig_expect_sense(r, 4, 0x4400);
	assert_int_equal(r->changed, SCSI_CHANGED_LU);
}

static void set_state(uint16_t group, uint8_t wanted)
{
	const struct scsi_tpg_want want = { .id = group, .state = wanted };

	assert_true(scsi_alua_set(&r->alua, &want, 1, SCSI_ALUA_BY_COMMAND, NULL));
}

/* Everything but what is written is refused, and changes nothing. */
static void damaged(void **state)
{
	struct prng rnd = prng_of(1);
	static uint8_t v[SCSI_SAVED_MAX];
	static struct scsi_lu lu;
	size_t len;

	(void)state;
	assert_int_equal(select_control(1, 0x06), 0);
	(void)scsi_uas_pop(&r->nexus[1].lun[0].uas);
	set_state(RIG_TPG_OTHER, SCSI_ALUA_STANDBY);
	rig_views(r);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(pr_out(i, SA_REGISTER, 0, 0, 7 + i, APTPL), 0);
	len = r->saved_len;
	assert_true(len > 0);
	memcpy(v, r->saved, len);
	for (size_t n = 0; n < len; n++) {
		bool whole = n == 1 || n == 1 + 3 + 8 || n == 1 + 3 + 8 + 3 + 8 + 2 * 34 ||
			     n == len - (3 + 4 + 2 * 5);

		lu = (struct scsi_lu){ 0 };
		list_init(&lu.nexuses);
		scsi_order_init(&lu);
		assert_int_equal(scsi_lu_restore(&lu, v, n), whole ? 0 : -EINVAL);
		if (!whole)
			assert_true(!lu.pr.n && !lu.mode_is_saved && !lu.n_owed &&
				    !lu.alua_kept.generation);
	}
	for (unsigned i = 0; i < 20000; i++) {
		size_t at = prng_below(&rnd, len ? len : 1);
		uint8_t was = v[at];

		v[at] = (uint8_t)prng_u64(&rnd);
		lu = (struct scsi_lu){ 0 };
		list_init(&lu.nexuses);
		scsi_order_init(&lu);
		if (!scsi_lu_restore(&lu, v, len)) /* another value, then: it must be one */
			assert_true(lu.pr.n <= SCSI_PR_MAX && lu.n_owed <= SCSI_OWED_MAX &&
				    lu.mode.tst <= 1 && lu.mode.qerr <= 3);
		for (unsigned k = 0; k < lu.alua_kept.n; k++)
			assert_non_null(scsi_alua_state_name(lu.alua_kept.tpg[k].state));
		v[at] = was;
	}
}

/* --- access states --- */

/* A unit that begins with what @r->lu[0] would save now. */
static void reborn(struct scsi_lu *lu)
{
	static const struct scsi_lu_params p = { .serial = "SN",
						 .naa = { 0x31 },
						 .block_bytes = 512,
						 .size_bytes = 1 << 20,
						 .keeps = true };

	r->saved_len = scsi_lu_save(&r->lu[0], r->saved);
	assert_int_equal(scsi_lu_init(lu, &p), 0);
	assert_int_equal(scsi_lu_restore(lu, r->saved, r->saved_len), 0);
}

static void start_with(struct scsi_alua *a, const struct scsi_tpgs *groups, struct scsi_lu *lu)
{
	scsi_alua_init(a);
	(void)scsi_alua_configure(a, groups);
	(void)scsi_lu_set_alua(lu, a, true);
}

/* [SAVE-5] They come back, but where the configuration says something else than it did. */
static void access_states(void **state)
{
	struct scsi_tpgs groups = r->alua.now;
	struct scsi_alua a;
	static struct scsi_lu lu, late;

	(void)state;
	reborn(&lu); /* nothing has changed yet: nothing is kept */
	assert_int_equal(lu.alua_kept.generation, 0);
	set_state(RIG_TPG, SCSI_ALUA_STANDBY);
	reborn(&late);
	set_state(RIG_TPG, SCSI_ALUA_UNAVAILABLE);
	set_state(RIG_TPG_OTHER, SCSI_ALUA_NONOPTIMIZED);
	/* the newer of two that were not saved together counts, whoever comes first */
	reborn(&lu);
	start_with(&a, &groups, &late);
	assert_int_equal(a.now.tpg[0].state, SCSI_ALUA_STANDBY);
	assert_true(scsi_lu_set_alua(&lu, &a, true));
	assert_int_equal(a.now.tpg[0].state, SCSI_ALUA_UNAVAILABLE);
	assert_int_equal(a.now.tpg[0].by, SCSI_ALUA_BY_COMMAND);
	assert_int_equal(a.now.tpg[1].state, SCSI_ALUA_NONOPTIMIZED);
	assert_int_equal(a.generation, 3);
	(void)scsi_lu_set_alua(&late, NULL, false);
	late.alua_kept.generation = 2; /* older than what is there */
	(void)scsi_lu_set_alua(&late, &a, true);
	assert_int_equal(a.now.tpg[0].state, SCSI_ALUA_UNAVAILABLE);
	assert_true(scsi_alua_settle(&a)); /* they are to agree from now on */
	scsi_lu_deinit(&lu);
	scsi_lu_deinit(&late);
	reborn(&lu);
	reborn(&late);
	start_with(&a, &groups, &lu);
	(void)scsi_lu_set_alua(&late, &a, true);
	assert_int_equal(a.now.tpg[0].state, SCSI_ALUA_UNAVAILABLE);
	scsi_lu_deinit(&late);
	scsi_lu_deinit(&lu);
	/* the file was edited meanwhile */
	groups.tpg[0].configured = SCSI_ALUA_NONOPTIMIZED;
	reborn(&lu);
	start_with(&a, &groups, &lu);
	assert_int_equal(a.now.tpg[0].state, SCSI_ALUA_NONOPTIMIZED);
	assert_int_equal(a.now.tpg[1].state, SCSI_ALUA_NONOPTIMIZED);
	/* so that the old state does not come back with the old text */
	assert_true(scsi_alua_settle(&a));
	assert_int_equal(a.generation, 4);
	assert_false(scsi_alua_settle(&a));
	scsi_lu_deinit(&lu);
}

/* What @lu would save now, it finds in a process in which it is alone. */
static void comes_back(const struct scsi_lu *lu, const struct scsi_tpgs *groups, uint8_t state,
		       uint32_t generation)
{
	static uint8_t saved[SCSI_SAVED_MAX];
	size_t len = scsi_lu_save(lu, saved);
	struct scsi_alua a;
	static struct scsi_lu next;

	reborn(&next);
	next.alua_kept = (struct scsi_alua_kept){ 0 };
	assert_int_equal(scsi_lu_restore(&next, saved, len), 0);
	start_with(&a, groups, &next);
	assert_int_equal(a.now.tpg[0].state, state);
	assert_int_equal(a.generation, generation);
	assert_false(scsi_alua_settle(&a));
	scsi_lu_deinit(&next);
	scsi_alua_deinit(&a);
}

/*
 * [SAVE-5] A unit that comes to groups that are in use brings nothing, and keeps from then on what they are: what it
 * kept before would overrule in the next process what was set while it was away.
 */
static void access_states_of_late(void **state)
{
	struct scsi_tpgs groups = r->alua.now;
	struct scsi_alua a, other;
	static struct scsi_lu late;

	(void)state;
	set_state(RIG_TPG, SCSI_ALUA_STANDBY);
	set_state(RIG_TPG, SCSI_ALUA_UNAVAILABLE);
	reborn(&late);
	scsi_alua_init(&a);
	(void)scsi_alua_configure(&a, &groups);
	assert_false(scsi_alua_settle(&a));
	(void)scsi_lu_set_alua(&late, &a, true);
	assert_int_equal(a.now.tpg[0].state, SCSI_ALUA_OPTIMIZED);
	assert_int_equal(a.generation,
			 3); /* so the caller knows, and it counts more than what is on record */
	comes_back(&late, &groups, SCSI_ALUA_OPTIMIZED, 3);
	/* one that changes groups takes nothing along, nor finds it again */
	scsi_alua_init(&other);
	groups.tpg[0].preferred = true;
	(void)scsi_alua_configure(&other, &groups);
	(void)scsi_lu_set_alua(&late, NULL, false);
	(void)scsi_lu_set_alua(&late, &other, true);
	assert_true(scsi_alua_settle(&other));
	comes_back(&late, &groups, SCSI_ALUA_OPTIMIZED, 4);
	/* back among those it left nothing is new to it but that it was away */
	assert_true(scsi_lu_set_alua(&late, &a, true));
	assert_int_equal(a.generation, 5);
	scsi_lu_deinit(&late);
	scsi_alua_deinit(&a);
	scsi_alua_deinit(&other);
}

/* What came by another way counts like what a unit kept, and where both say the same nothing is new. */
static void access_states_restored(void **state)
{
	struct scsi_tpgs groups = r->alua.now;
	struct scsi_alua_kept kept;
	struct scsi_alua a;
	static struct scsi_lu lu;

	(void)state;
	set_state(RIG_TPG, SCSI_ALUA_STANDBY);
	reborn(&lu);
	kept = lu.alua_kept;
	scsi_alua_init(&a);
	(void)scsi_alua_configure(&a, &groups);
	scsi_alua_restore(&a, &kept);
	assert_int_equal(a.now.tpg[0].state, SCSI_ALUA_STANDBY);
	assert_int_equal(a.generation, 1);
	(void)scsi_lu_set_alua(&lu, &a, true);
	assert_false(scsi_alua_settle(&a));
	scsi_lu_deinit(&lu);
	scsi_alua_deinit(&a);
	/* the file was edited meanwhile */
	groups.tpg[0].configured = SCSI_ALUA_OFFLINE;
	scsi_alua_init(&a);
	(void)scsi_alua_configure(&a, &groups);
	scsi_alua_restore(&a, &kept);
	assert_int_equal(a.now.tpg[0].state, SCSI_ALUA_OFFLINE);
	scsi_alua_deinit(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(reservations, setup, teardown),
		cmocka_unit_test_setup_teardown(lost, setup, teardown),
		cmocka_unit_test_setup_teardown(capabilities, setup, teardown),
		cmocka_unit_test_setup_teardown(mode_pages, setup, teardown),
		cmocka_unit_test_setup_teardown(threshold, setup, teardown),
		cmocka_unit_test_setup_teardown(fails, setup, teardown),
		cmocka_unit_test_setup_teardown(damaged, setup, teardown),
		cmocka_unit_test_setup_teardown(access_states, setup, teardown),
		cmocka_unit_test_setup_teardown(access_states_of_late, setup, teardown),
		cmocka_unit_test_setup_teardown(access_states_restored, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
