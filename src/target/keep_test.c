/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Who waits until something is kept is told when it is, also one who asks while others are being told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>

#include "run/worker.h"
#include "target/alua.h"
#include "target/unit.h"

#define GROUP 7

/* A target without anything but two units, one of which keeps nothing, on one worker. */
static struct tgt t;
static struct tworker tw;
static struct tgt_unit units[2];
static uint8_t value[SCSI_SAVED_MAX]; /* the last one that is stable */
static size_t value_len;
static unsigned n_saves;
static int save_result;

static int save(void *ctx, const void *v, size_t len)
{
	(void)ctx;
	n_saves++;
	memcpy(value, v, len);
	value_len = len;
	return save_result;
}

static void unit_init(struct tgt_unit *u, bool keeps)
{
	static const struct scsi_lu_params p = { .serial = "1",
						 .naa = { 0x31 },
						 .block_bytes = 512,
						 .size_bytes = 1 << 20,
						 .keeps = true };

	memset(u, 0, sizeof(*u));
	assert_int_equal(scsi_lu_init(&u->lu, &p), 0);
	u->lu.owner = u;
	u->t = &t;
	list_init(&u->keep.waiting);
	list_init(&u->keep.served);
	list_init(&u->drain_node);
	u->keep.to.save = keeps ? save : NULL;
	u->keep.buf = malloc(SCSI_SAVED_MAX);
	assert_non_null(u->keep.buf);
}

static int setup(void **state)
{
	(void)state;
	memset(&t, 0, sizeof(t));
	t.tw = &tw;
	assert_int_equal(worker_new(&tw.w, 0, NULL), 0);
	list_init(&t.chans);
	list_init(&t.aluas);
	list_init(&t.view_waits);
	unit_init(&units[0], true);
	unit_init(&units[1], false);
	n_saves = 0;
	save_result = 0;
	return 0;
}

static int teardown(void **state)
{
	struct list *pos, *tmp;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		scsi_lu_deinit(&units[i].lu);
		free(units[i].keep.buf);
	}
	list_for_each_safe (pos, tmp, &t.aluas)
		alua_free(list_entry(pos, struct tgt_alua, node));
	tw.w = worker_free(tw.w);
	return 0;
}

static void rounds(void)
{
	for (unsigned i = 0; i < 20; i++)
		(void)worker_run_once(tw.w, 0);
}

/* --- a unit --- */

static struct keep_wait first, second;
static unsigned at_first, at_second;

static void second_done(struct keep_wait *w, int result)
{
	(void)w;
	assert_int_equal(result, 0);
	at_second = n_saves;
}

static void first_done(struct keep_wait *w, int result)
{
	(void)w;
	assert_int_equal(result, 0);
	at_first = n_saves;
	second.done = second_done;
	keep_unit(&units[0], &second);
}

static void asks_again(void **state)
{
	(void)state;
	at_first = at_second = 0;
	first.done = first_done;
	keep_unit(&units[0], &first);
	rounds();
	assert_int_equal(at_first, 1);
	assert_int_equal(at_second, 2);
	assert_int_equal(n_saves, 2);
}

/* --- access states --- */

static struct tgt_alua *groups;
static uint8_t told[4]; /* what was stable when it was told */
static unsigned n_told;
static int told_result;

static void groups_init(void)
{
	const struct scsi_tpgs layout = { .n = 1, .tpg = { { .id = GROUP } } };

	n_told = 0;
	told_result = 0;
	assert_int_equal(tgt_alua_new(&groups, &t, "g"), 0);
	tgt_alua_configure(groups, &layout);
	for (unsigned i = 0; i < 2; i++)
		tgt_unit_set_alua(&units[i], groups, true);
	tgt_alua_settle(groups);
}

static uint8_t stable_state(void)
{
	static struct tgt_unit other;
	uint8_t found;

	unit_init(&other, false);
	assert_int_equal(scsi_lu_restore(&other.lu, value, value_len), 0);
	found = other.lu.alua_kept.tpg[0].state;
	free(other.keep.buf);
	return found;
}

static void state_told(void *ctx, int result)
{
	const uint8_t *next = ctx;
	struct scsi_tpg_want want = { .id = GROUP };

	told_result = result;
	told[n_told++] = stable_state();
	if (!next)
		return;
	want.state = *next;
	assert_int_equal(tgt_alua_set(groups, &want, 1, state_told, NULL), 0);
}

/* Each is told when its own state is stable, not when that of the one before is. */
static void states(void **state)
{
	static uint8_t then = SCSI_ALUA_UNAVAILABLE;
	const struct scsi_tpg_want want = { .id = GROUP, .state = SCSI_ALUA_STANDBY };

	(void)state;
	groups_init();
	assert_int_equal(tgt_alua_set(groups, &want, 1, state_told, &then), 0);
	assert_int_equal(n_told, 0);
	rounds();
	assert_int_equal(n_told, 2);
	assert_int_equal(told[0], SCSI_ALUA_STANDBY);
	assert_int_equal(told[1], SCSI_ALUA_UNAVAILABLE);
	assert_int_equal(n_saves, 2);
	assert_int_equal(t.n_saving, 0);
}

static void not_saved(void **state)
{
	const struct scsi_tpg_want want = { .id = GROUP, .state = SCSI_ALUA_STANDBY };

	(void)state;
	groups_init();
	save_result = -ENOSPC;
	assert_int_equal(tgt_alua_set(groups, &want, 1, state_told, NULL), 0);
	rounds();
	assert_int_equal(told_result, -ENOSPC);
	assert_int_equal(tgt_alua_now(groups)->now.tpg[0].state, SCSI_ALUA_STANDBY);
}

/* Groups and a unit that go while something of them is under way. */
static void taken_away(void **state)
{
	const struct scsi_tpg_want want = { .id = GROUP, .state = SCSI_ALUA_STANDBY };

	(void)state;
	groups_init();
	assert_int_equal(tgt_alua_set(groups, &want, 1, state_told, NULL), 0);
	assert_int_equal(t.n_saving, 1);
	for (unsigned i = 0; i < 2; i++)
		tgt_unit_set_alua(&units[i], NULL, false);
	tgt_alua_retire(groups);
	assert_false(list_empty(&t.aluas));
	rounds();
	assert_int_equal(n_told, 1);
	assert_true(list_empty(&t.aluas));
	assert_int_equal(t.n_saving, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(asks_again, setup, teardown),
		cmocka_unit_test_setup_teardown(states, setup, teardown),
		cmocka_unit_test_setup_teardown(not_saved, setup, teardown),
		cmocka_unit_test_setup_teardown(taken_away, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
