/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Copies beside other commands: exclusive ones of either unit, task management of both, units that go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scsi/copy_rig.h"

#include <errno.h>

static struct rig *r;

struct job {
	struct scsi_task t;
	struct scsi_act a;
	_Alignas(8) uint8_t data[SCSI_DATA_MIN_BYTES];
};

static struct job copy, copy2, caw, caw0;

static int setup(void **state)
{
	(void)state;
	r = rig_new_quiet();
	/* nothing is carried out here, so they may be larger than the disks of the rig */
	scsi_lu_set_size(&r->lu[0], 1ull << 30);
	scsi_lu_set_size(&r->lu[1], 1ull << 30);
	for (unsigned i = 0; i < 2; i++)
		for (unsigned lun = 0; lun < 2; lun++)
			memset(&r->nexus[i].lun[lun].uas, 0, sizeof(struct scsi_uas));
	rig_views(r);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rig_free(r);
	return 0;
}

static void drain(void)
{
	struct scsi_task *t;
	enum scsi_ask ask;
	int last = 1; /* of those that are still to be asked */

	for (int i = 0; i <= last; i++) {
		struct scsi_lu *lu = &r->lu[i & 1];

		while ((ask = scsi_lu_next(lu, &t)) != SCSI_ASK_NOTHING) {
			if (ask == SCSI_ASK_GATHER)
				scsi_lu_gathered(lu);
			if (ask == SCSI_ASK_HOLD)
				scsi_lu_held(lu);
			if (ask == SCSI_ASK_OTHER)
				last = i + 1;
			if (ask == SCSI_ASK_GO) {
				struct job *j = container_of(t, struct job, t);

				assert_int_equal(j->a.type, SCSI_ACT_WAIT);
				j->a = scsi_task_step(t,
						      &(struct scsi_event){ .type = SCSI_EV_GO });
			}
		}
	}
}

static void step(struct job *j, struct scsi_event ev)
{
	j->a = scsi_task_step(&j->t, &ev);
	drain();
}

static void begin(struct job *j, unsigned nexus, const uint8_t *lun, const uint8_t *cdb, size_t len,
		  uint64_t out_len)
{
	memset(&j->t, 0xa5, sizeof(j->t));
	memset(j->t.cdb, 0, sizeof(j->t.cdb));
	memcpy(j->t.cdb, cdb, len);
	memcpy(j->t.lun, lun, 8);
	j->t.attr = SCSI_ATTR_SIMPLE;
	j->t.tag = nexus;
	j->t.in_len = 0;
	j->t.out_len = out_len;
	j->t.nexus = &r->nexus[nexus];
	j->t.data = NULL;
	j->t.data_cap = 0;
	(void)scsi_route(&r->view[nexus], &j->t);
	scsi_route_home(&j->t);
	step(j, (struct scsi_event){ .type = SCSI_EV_START });
}

/* Start it: it is at its first piece, or waits. */
static void begin_copy(struct job *j, unsigned nexus, const uint8_t *lun, struct copy_segment s)
{
	size_t len = copy_rig_list(j->data, r->lu, 9, &s, 1);

	begin(j, nexus, lun, CDB(0x83, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, (uint8_t)len), len);
	assert_int_equal(j->a.type, SCSI_ACT_FETCH);
	j->t.data = j->data;
	j->t.data_cap = sizeof(j->data);
	step(j, (struct scsi_event){ .type = SCSI_EV_DATA });
}

/* Likewise with a list identifier of four bytes. */
static void begin_copy4(struct job *j, unsigned nexus, uint32_t id, struct copy_segment s)
{
	size_t len = copy_rig_list4(j->data, r->lu, id, &s, 1);

	begin(j, nexus, rig_lun0, CDB(0x83, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, (uint8_t)len), len);
	assert_int_equal(j->a.type, SCSI_ACT_FETCH);
	j->t.data = j->data;
	j->t.data_cap = sizeof(j->data);
	step(j, (struct scsi_event){ .type = SCSI_EV_DATA });
}

/* RECEIVE COPY STATUS(LID4) of the copy 1234h. Return: COPY OPERATION STATUS, 0 if there is none. */
static uint8_t ask_status(unsigned nexus)
{
	struct job *j = &copy2;

	begin(j, nexus, rig_lun0, CDB(0x84, 5, 0, 0, 0x12, 0x34, 0, 0, 0, 0, 0, 0, 1, 0), 0);
	assert_int_equal(j->a.type, SCSI_ACT_ROOM);
	j->t.data = j->data;
	j->t.data_cap = sizeof(j->data);
	step(j, (struct scsi_event){ .type = SCSI_EV_ROOM });
	assert_int_equal(j->a.type, SCSI_ACT_COMPLETE);
	return j->t.status == SCSI_STATUS_GOOD ? j->data[5] : 0;
}

/* COPY OPERATION ABORT. */
static uint8_t abort_copy(unsigned nexus, uint32_t id)
{
	begin(&copy2, nexus, rig_lun0,
	      CDB(0x83, 0x1c, 0, 0, (uint8_t)(id >> 8), (uint8_t)id, 0, 0, 0, 0, 0, 0, 0, 0), 0);
	assert_int_equal(copy2.a.type, SCSI_ACT_COMPLETE);
	return copy2.t.status;
}

static void begin_caw(struct job *j, unsigned nexus, const uint8_t *lun)
{
	begin(j, nexus, lun, CDB(0x89, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1), 8192);
}

static void io_done(struct job *j)
{
	step(j, (struct scsi_event){ .type = SCSI_EV_IO_DONE });
}

static const struct copy_segment long_one = { .from = 0, .to = 1, .n_blocks = 5000 * 8 };

static void expect_good(const struct job *j)
{
	assert_int_equal(j->a.type, SCSI_ACT_COMPLETE);
	assert_int_equal(j->t.status, SCSI_STATUS_GOOD);
}

static void finish(struct job *j)
{
	while (j->a.type == SCSI_ACT_COPY)
		io_done(j);
}

static void expect_copy_aborted(const struct job *j, unsigned asc)
{
	struct sense s;

	assert_int_equal(j->a.type, SCSI_ACT_COMPLETE);
	assert_int_equal(sense_decode(j->t.sense, j->t.sense_len, &s), 0);
	assert_int_equal(s.key, SENSE_COPY_ABORTED);
	assert_int_equal(s.asc, asc);
	assert_false(scsi_lu_visited(&r->lu[0]) || scsi_lu_visited(&r->lu[1]));
}

/* Every byte once; from the end where the front of the source would be written over. */
static void pieces(void **state)
{
	const uint64_t len = 5000 * 4096ull;

	(void)state;
	for (int back = 0; back < 2; back++) {
		uint64_t at = back ? len : 0;

		begin_copy(&copy, 0, rig_lun0,
			   (struct copy_segment){ .n_blocks = 40000,
						  .from_lba = back ? 0 : 100,
						  .to_lba = back ? 100 : 0 });
		while (copy.a.type == SCSI_ACT_COPY) {
			uint64_t n = copy.a.len_bytes;

			assert_true(n && n <= SCSI_COPY_BYTES);
			at -= back ? n : 0;
			assert_int_equal(copy.a.off_bytes, at + (back ? 51200 : 0));
			assert_int_equal(copy.t.copy.from_bytes, at + (back ? 0 : 51200));
			at += back ? 0 : n;
			io_done(&copy);
		}
		expect_good(&copy);
		assert_int_equal(at, back ? 0 : len);
	}
}

/* A command that is alone at the other unit waits for the piece, and the copy for it. */
static void alone_there(void **state)
{
	(void)state;
	for (int at = 0; at < 2;
	     at++) { /* the copy was sent to LUN 0: its own unit, the other one */
		begin_copy(&copy, 0, rig_lun0, long_one);
		assert_int_equal(copy.a.type, SCSI_ACT_COPY);
		begin_caw(&caw, 1, at ? rig_lun1 : rig_lun0);
		assert_int_equal(caw.a.type, SCSI_ACT_WAIT);
		io_done(&copy);
		assert_int_equal(copy.a.type, SCSI_ACT_WAIT);
		assert_int_equal(caw.a.type, SCSI_ACT_COMPARE_AND_WRITE);
		io_done(&caw);
		expect_good(&caw);
		assert_int_equal(copy.a.type, SCSI_ACT_COPY);
		finish(&copy);
		expect_good(&copy);
		assert_false(scsi_lu_visited(&r->lu[1]));
	}
}

/* A copy comes when such a command is there already; one after the other they do not starve it. */
static void alone_first(void **state)
{
	(void)state;
	begin_caw(&caw, 1, rig_lun1);
	assert_int_equal(caw.a.type, SCSI_ACT_COMPARE_AND_WRITE);
	begin_copy(&copy, 0, rig_lun0, long_one);
	begin_copy(&copy2, 1, rig_lun0, long_one);
	assert_int_equal(copy.a.type, SCSI_ACT_WAIT);
	assert_int_equal(copy2.a.type, SCSI_ACT_WAIT);
	assert_true(scsi_lu_visited(&r->lu[1])); /* it may not be closed */
	/* who waits ends when it is told to */
	step(&copy2, (struct scsi_event){ .type = SCSI_EV_ABORT });
	assert_int_equal(copy2.a.type, SCSI_ACT_COMPLETE);
	io_done(&caw);
	assert_int_equal(copy.a.type, SCSI_ACT_COPY);
	begin_caw(&caw, 1, rig_lun1);
	io_done(&copy);
	io_done(&caw);
	assert_int_equal(copy.a.type, SCSI_ACT_COPY);
	finish(&copy);
	expect_good(&copy);
}

/* Two copies crosswise and a command that is alone at each unit: all end. */
static void crosswise(void **state)
{
	(void)state;
	begin_copy(&copy, 0, rig_lun0, long_one);
	begin_copy(&copy2, 1, rig_lun1,
		   (struct copy_segment){ .from = 1, .to = 0, .n_blocks = 1000 });
	begin_caw(&caw0, 0, rig_lun0);
	begin_caw(&caw, 1, rig_lun1);
	io_done(&copy);
	io_done(&copy2);
	for (unsigned i = 0; i < 100; i++) {
		struct job *all[] = { &copy, &copy2, &caw0, &caw };

		for (size_t k = 0; k < ARRAY_SIZE(all); k++)
			if (all[k]->a.type == SCSI_ACT_COPY ||
			    all[k]->a.type == SCSI_ACT_COMPARE_AND_WRITE)
				io_done(all[k]);
	}
	expect_good(&copy);
	expect_good(&copy2);
	expect_good(&caw0);
	expect_good(&caw);
}

static struct scsi_tmf tmf_at(enum scsi_tmf_fn fn, unsigned nexus, const uint8_t *lun)
{
	struct scsi_tmf m = { .fn = fn, .nexus = &r->nexus[nexus] };

	memcpy(m.lun, lun, 8);
	scsi_tmf_start(&m);
	return m;
}

/* Task management of the unit that is only visited: answered when the copy is away, which then ends. */
static void task_management(void **state)
{
	static const struct {
		enum scsi_tmf_fn fn;
		unsigned nexus;
		bool ends;
	} fns[] = {
		{ SCSI_TMF_LUN_RESET, 1, true },       { SCSI_TMF_CLEAR_TASK_SET, 1, true },
		{ SCSI_TMF_ABORT_TASK_SET, 1, false }, { SCSI_TMF_ABORT_TASK_SET, 0, true },
		{ SCSI_TMF_ABORT_TASK, 0, false },     { SCSI_TMF_CLEAR_ACA, 0, false },
		{ SCSI_TMF_QUERY_TASK_SET, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(fns); i++) {
		struct scsi_tmf m;

		begin_copy(&copy, 0, rig_lun0, long_one);
		m = tmf_at(fns[i].fn, fns[i].nexus, rig_lun1);
		assert_int_equal(scsi_tmf_visited(&m), fns[i].ends);
		if (fns[i].ends) {
			io_done(&copy);
			expect_copy_aborted(&copy, ASC_THIRD_PARTY_FAILURE);
			assert_false(scsi_tmf_visited(&m));
		}
		(void)scsi_tmf_finish(&m);
		finish(&copy);
		for (unsigned n = 0; n < 2; n++)
			memset(&r->nexus[n].lun[1].uas, 0, sizeof(struct scsi_uas));
	}
}

/* A failing command of a unit with QERR aborts what is in its set: a copy that visits is not. */
static void clearing(void **state)
{
	struct scsi_tmf m = { .fn = SCSI_TMF_TASK_CLEARS,
			      .scope = SCSI_TMF_SCOPE_LU,
			      .lu = &r->lu[1] };
	struct scsi_pr_nexus victim = pr_nexus_of(&r->nexus[1]);

	(void)state;
	begin_copy(&copy, 0, rig_lun0, long_one);
	assert_false(scsi_tmf_visited(&m));
	m.scope = SCSI_TMF_SCOPE_VICTIMS; /* PREEMPT AND ABORT: those of who was pre-empted */
	m.victims = &victim;
	m.n_victims = 1;
	assert_false(scsi_tmf_visited(&m));
	victim = pr_nexus_of(&r->nexus[0]);
	assert_true(scsi_tmf_visited(&m));
	io_done(&copy);
	expect_copy_aborted(&copy, ASC_THIRD_PARTY_FAILURE);
	assert_false(scsi_tmf_visited(&m));
}

/* The nexus loses a unit, or may not write it any more, in the middle. */
static void unit_goes(void **state)
{
	const struct scsi_map_entry all[2] = { { .lu = &r->lu[0], .lun = 0 },
					       { .lu = &r->lu[1], .lun = 1 } };
	const struct scsi_map_entry locked[2] = {
		{ .lu = &r->lu[0], .lun = 0 }, { .lu = &r->lu[1], .lun = 1, .read_only = true }
	};

	(void)state;
	begin_copy(&copy, 0, rig_lun0, long_one);
	assert_int_equal(scsi_nexus_remap(&r->nexus[0], all, 1), 1);
	assert_true(scsi_lu_visited(&r->lu[1]));
	io_done(&copy);
	expect_copy_aborted(&copy, ASC_COPY_NOT_REACHABLE);
	assert_int_equal(scsi_nexus_remap(&r->nexus[0], all, 2), 1);
	memset(&r->nexus[0].lun[0].uas, 0, sizeof(struct scsi_uas));
	begin_copy(&copy, 0, rig_lun0, long_one);
	assert_int_equal(scsi_nexus_remap(&r->nexus[0], locked, 2), 1);
	io_done(&copy);
	expect_copy_aborted(&copy, ASC_WRITE_PROTECTED);
	/* the one that it was sent to */
	memset(&r->nexus[0].lun[0].uas, 0, sizeof(struct scsi_uas));
	begin_copy(&copy, 0, rig_lun0,
		   (struct copy_segment){ .from = 1, .to = 0, .n_blocks = 1000 });
	assert_int_equal(scsi_nexus_remap(&r->nexus[0], all + 1, 1), 1);
	io_done(&copy);
	expect_copy_aborted(&copy, ASC_COPY_NOT_REACHABLE);
}

/* An identifier that is in use; one nexus cannot use up what all copies need. */
static void stopped(void **state)
{
	(void)state;
	for (unsigned lid1 = 0; lid1 < 2; lid1++) {
		uint32_t id = lid1 ? 9 : 0x1234;

		if (lid1)
			begin_copy(&copy, 0, rig_lun0, long_one);
		else
			begin_copy4(&copy, 0, id, long_one);
		io_done(&copy);
		assert_int_equal(copy.a.type, SCSI_ACT_COPY);
		if (!lid1) {
			assert_int_equal(ask_status(0), 0x11);
			assert_int_equal(get_be32(copy2.data), 28);
			assert_int_equal(copy2.data[4], 1);
			assert_int_equal(get_be16(copy2.data + 6), 1);
			assert_int_equal(get_be64(copy2.data + 16), SCSI_COPY_BYTES);
			assert_int_equal(get_be16(copy2.data + 24), 0);
			assert_int_equal(ask_status(1), 0); /* it is no other's */
		}
		assert_int_equal(abort_copy(1, id), SCSI_STATUS_CHECK_CONDITION);
		assert_int_equal(abort_copy(0, id + 1), SCSI_STATUS_CHECK_CONDITION);
		assert_int_equal(abort_copy(0, id), SCSI_STATUS_GOOD);
		assert_int_equal(copy.a.type, SCSI_ACT_COPY); /* that piece is under way */
		io_done(&copy);
		expect_copy_aborted(&copy, ASC_NONE);
		assert_int_equal(abort_copy(0, id), SCSI_STATUS_CHECK_CONDITION);
	}
	assert_int_equal(ask_status(0), 0x60);
	assert_int_equal(copy2.data[12], SCSI_STATUS_CHECK_CONDITION);
	assert_int_equal(copy2.data[13], 20); /* sense data, padded */
	assert_int_equal(copy2.data[14], 18);
	assert_int_equal(copy2.data[32 + 2], SENSE_COPY_ABORTED);
	assert_int_equal(get_be64(copy2.data + 16), 2 * SCSI_COPY_BYTES);
	assert_int_equal(ask_status(0), 0); /* that was told */
}

/* Its command was aborted: nobody has heard what it ended with. */
static void aborted_command(void **state)
{
	(void)state;
	begin_copy4(&copy, 0, 0x1234, long_one);
	step(&copy, (struct scsi_event){ .type = SCSI_EV_ABORT });
	io_done(&copy);
	assert_true(copy.t.aborted);
	assert_int_equal(ask_status(0), 0x60);
	assert_int_equal(copy2.data[12], SCSI_STATUS_TASK_ABORTED);
	assert_int_equal(copy2.data[14], 0);
}

static void same_identifier(void **state)
{
	struct copy_segment s = long_one;
	size_t len;

	(void)state;
	begin_copy(&copy, 0, rig_lun0, s);
	begin_copy(&copy2, 0, rig_lun0, s);
	assert_int_equal(copy2.a.type, SCSI_ACT_COMPLETE);
	assert_int_equal(copy2.t.status, SCSI_STATUS_CHECK_CONDITION);
	for (unsigned i = 0; i < SCSI_COPY_NOTES; i++) /* as if others ran */
		if (!r->lu[0].copies.note[i].status)
			r->lu[0].copies.note[i].status = SCSI_COPY_RUNS;
	begin_copy(&copy2, 1, rig_lun0, s);
	assert_int_equal(copy2.t.status, SCSI_STATUS_BUSY);
	len = copy_rig_list(copy2.data, r->lu, 9, &s, 1);
	assert_int_equal(len, 108);
	step(&copy, (struct scsi_event){ .type = SCSI_EV_ABORT });
	io_done(&copy);
	assert_true(copy.t.aborted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(pieces, setup, teardown),
		cmocka_unit_test_setup_teardown(alone_there, setup, teardown),
		cmocka_unit_test_setup_teardown(alone_first, setup, teardown),
		cmocka_unit_test_setup_teardown(crosswise, setup, teardown),
		cmocka_unit_test_setup_teardown(task_management, setup, teardown),
		cmocka_unit_test_setup_teardown(clearing, setup, teardown),
		cmocka_unit_test_setup_teardown(unit_goes, setup, teardown),
		cmocka_unit_test_setup_teardown(stopped, setup, teardown),
		cmocka_unit_test_setup_teardown(aborted_command, setup, teardown),
		cmocka_unit_test_setup_teardown(same_identifier, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
