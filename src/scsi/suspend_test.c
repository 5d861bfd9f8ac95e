/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Suspending a unit: by hand, and a random walk in which nothing may be under way while it is suspended. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/prng.h"
#include "scsi/answer.h"
#include "scsi/copy_rig.h"
#include "scsi/testrig.h"

#include <errno.h>
#include <string.h>

#define N_TASKS 12
#define STEPS   20000
#define VERIFY  0x2f
#define ORWRITE 0x8b
#define INQUIRY 0x12
#define COPY    0x83

static struct rig *r;

static struct job {
	struct scsi_task t;
	enum scsi_act_type act; /* the last one */
	bool there;
	_Alignas(8) uint8_t data[SCSI_DATA_LONG_BYTES];
} jobs[N_TASKS];

static bool hold_gather;
static bool holding, gathering; /* asked for, not answered */
static bool flushing;           /* likewise, also when it is not wanted any more */
static unsigned flushes;

static struct scsi_lu *lu(void)
{
	return &r->lu[0];
}

static int setup(void **state)
{
	(void)state;
	r = rig_new_quiet();
	/* nothing is carried out here, so it may be larger than the disk of the rig */
	(void)scsi_lu_set_size(lu(), 1ull << 30);
	for (unsigned i = 0; i < 2; i++)
		memset(&r->nexus[i].lun[0].uas, 0, sizeof(struct scsi_uas));
	rig_views(r);
	memset(jobs, 0, sizeof(jobs));
	hold_gather = holding = gathering = flushing = false;
	flushes = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (unsigned i = 0; i < N_TASKS; i++)
		if (jobs[i].there)
			return -1; /* a test that failed half way */
	rig_free(r);
	return 0;
}

/* --- doing what the core says --- */

static void took(struct job *j, struct scsi_act a)
{
	if (a.type == SCSI_ACT_NONE)
		return;
	j->act = a.type;
	j->there = a.type != SCSI_ACT_COMPLETE;
}

static bool touches_store(const struct job *j)
{
	switch (j->there ? j->act : SCSI_ACT_COMPLETE) {
	case SCSI_ACT_VERIFY:
	case SCSI_ACT_OR_WRITE:
	case SCSI_ACT_COPY:
		return true;
	default:
		return false;
	}
}

static void nothing_touches_store(void)
{
	for (unsigned i = 0; i < N_TASKS; i++)
		assert_false(
			touches_store(&jobs[i])); /* a copy of the other unit is at this one, too */
}

static void asked(struct scsi_lu *of, enum scsi_ask ask, struct scsi_task *t)
{
	struct job *j = container_of(t, struct job, t);

	switch (ask) {
	case SCSI_ASK_GATHER:
		gathering = of == lu();
		if (of == lu() && hold_gather)
			break;
		gathering = false;
		scsi_lu_gathered(of);
		break;
	case SCSI_ASK_HOLD:
		holding = of == lu() && hold_gather;
		if (!holding)
			scsi_lu_held(of);
		break;
	case SCSI_ASK_FLUSH:
		assert_ptr_equal(of, lu());
		assert_false(gathering);
		nothing_touches_store();
		flushing = true;
		flushes++;
		break;
	case SCSI_ASK_GO:
		assert_int_equal(j->act, SCSI_ACT_WAIT);
		took(j, scsi_task_step(t, &(struct scsi_event){ .type = SCSI_EV_GO }));
		break;
	default:
		break;
	}
}

static void drain(void)
{
	struct scsi_task *t = NULL;
	enum scsi_ask ask;

	/* twice, for one may have asked for the other */
	for (unsigned i = 0; i < 4; i++)
		while ((ask = scsi_lu_next(&r->lu[i & 1], &t)) != SCSI_ASK_NOTHING)
			asked(&r->lu[i & 1], ask, t);
	rig_views(r);
}

static void step(unsigned i, struct scsi_event ev)
{
	took(&jobs[i], scsi_task_step(&jobs[i].t, &ev));
	drain();
}

/* The action of @i ends, whatever it is; one that reads or writes ends with @result. */
static void end(unsigned i, int result)
{
	struct job *j = &jobs[i];

	switch (j->act) {
	case SCSI_ACT_ROOM:
		j->t.data = j->data;
		j->t.data_cap = sizeof(j->data);
		step(i, (struct scsi_event){ .type = SCSI_EV_ROOM });
		break;
	case SCSI_ACT_FETCH:
		j->t.data = j->data;
		j->t.data_cap = sizeof(j->data);
		step(i, (struct scsi_event){ .type = SCSI_EV_DATA });
		break;
	default:
		assert_int_not_equal(j->act, SCSI_ACT_WAIT);
		step(i, (struct scsi_event){ .type = SCSI_EV_IO_DONE, .result = result });
	}
}

static void come(unsigned i, unsigned unit, uint8_t attr, uint8_t opcode)
{
	struct scsi_task *t = &jobs[i].t;

	*t = (struct scsi_task){ .nexus = &r->nexus[i % 2],
				 .cdb = { opcode },
				 .lun = { 0, (uint8_t)unit },
				 .attr = attr,
				 .tag = i };
	switch (opcode) {
	case VERIFY:
		t->cdb[8] = 1;
		break;
	case ORWRITE:
		t->cdb[13] = 1;
		t->out_len = 512;
		break;
	case INQUIRY:
		t->cdb[4] = 96;
		t->in_len = 96;
		break;
	default: /* in the first unit, in several pieces */
		t->out_len = copy_rig_list(
			jobs[i].data, r->lu, (uint8_t)(i + 1),
			&(struct copy_segment){ .n_blocks = 40000, .to_lba = 50000 }, 1);
		t->cdb[13] = (uint8_t)t->out_len;
	}
	(void)scsi_route(&r->view[i % 2], t);
	step(i, (struct scsi_event){ .type = SCSI_EV_START });
}

static void come_simple(unsigned i)
{
	come(i, 0, SCSI_ATTR_SIMPLE, VERIFY);
}

static void abort_it(unsigned i)
{
	struct job *j = &jobs[i];

	step(i, (struct scsi_event){ .type = SCSI_EV_ABORT });
	if (j->there)
		end(i, -ECANCELED);
	assert_false(j->there);
}

static void suspend(int want)
{
	assert_int_equal(scsi_lu_suspend(lu()), want);
	drain();
}

static void resume(void)
{
	assert_true(scsi_lu_resume(lu()));
	drain();
}

static void flushed(int result)
{
	assert_true(flushing);
	flushing = false;
	scsi_lu_flushed(lu(), result);
	drain();
}

static void suspend_idle(void)
{
	suspend(0);
	flushed(0);
	assert_int_equal(lu()->suspend, SCSI_SUSPEND_SUSPENDED);
}

/* --- by hand --- */

static void waits_and_goes_on(void **state)
{
	(void)state;
	come_simple(0);
	assert_int_equal(jobs[0].t.route, SCSI_ROUTE_LOCAL);
	hold_gather = true;
	suspend(0);
	assert_true(gathering);
	come_simple(1); /* by now its view sends it home */
	assert_int_equal(jobs[1].act, SCSI_ACT_WAIT);
	assert_false(flushing);
	end(0, 0); /* so the caller has seen the last one that ran elsewhere */
	gathering = false;
	scsi_lu_gathered(lu());
	drain();
	come(2, 0, SCSI_ATTR_HEAD, VERIFY);
	come(3, 0, SCSI_ATTR_ORDERED, VERIFY);
	assert_int_equal(lu()->suspend, SCSI_SUSPEND_FLUSHING);
	flushed(0);
	assert_int_equal(lu()->suspend, SCSI_SUSPEND_SUSPENDED);
	come_simple(4);
	nothing_touches_store();
	resume();
	/* in order */
	assert_int_equal(jobs[1].act, SCSI_ACT_VERIFY);
	assert_int_equal(jobs[2].act, SCSI_ACT_VERIFY);
	assert_int_equal(jobs[3].act, SCSI_ACT_WAIT);
	assert_int_equal(jobs[4].act, SCSI_ACT_WAIT);
	end(2, 0);
	end(1, 0);
	end(3, 0);
	end(4, 0);
	assert_int_equal(lu()->order.state, SCSI_ORDER_OPEN);
	assert_int_equal(flushes, 1);
	assert_false(scsi_lu_resume(lu()));
}

static void waits_for_those_at_home(void **state)
{
	(void)state;
	come(0, 0, SCSI_ATTR_ORDERED, VERIFY);
	suspend(0);
	suspend(SCSI_SUSPEND_E_UNDER_WAY);
	assert_false(flushing);
	end(0, 0);
	flushed(0);
	suspend(SCSI_SUSPEND_E_ALREADY);
	resume();
}

static void gives_up(void **state)
{
	(void)state;
	come(0, 0, SCSI_ATTR_ORDERED, VERIFY);
	suspend(0);
	come_simple(1);
	resume(); /* too late: as before */
	assert_int_equal(lu()->suspend, SCSI_SUSPEND_SERVING);
	assert_int_equal(jobs[1].act, SCSI_ACT_WAIT); /* for the ORDERED one */
	end(0, 0);
	end(1, 0);
	assert_int_equal(flushes, 0);
	suspend(0);
	come_simple(1);
	flushed(-EIO);
	assert_int_equal(lu()->suspend, SCSI_SUSPEND_SERVING);
	end(1, 0);
	assert_int_equal(lu()->order.state, SCSI_ORDER_OPEN);
}

static void tells_of_itself(void **state)
{
	(void)state;
	suspend_idle();
	come_simple(0);
	come(1, 0, SCSI_ATTR_SIMPLE, INQUIRY);
	assert_int_equal(jobs[1].act, SCSI_ACT_ROOM);
	end(1, 0);
	assert_false(jobs[1].there);
	assert_int_equal(jobs[1].t.status, SCSI_STATUS_GOOD);
	come(2, 0, SCSI_ATTR_ORDERED, INQUIRY); /* it may want its place */
	come(3, 0, SCSI_ATTR_HEAD, VERIFY);
	come(4, 0, SCSI_ATTR_HEAD, INQUIRY);
	end(4, 0);
	assert_false(jobs[4].there);
	abort_it(0);
	abort_it(2);
	abort_it(3);
	resume();
}

/* One that wants the unit for itself waits like others, and keeps nobody from being answered. */
static void claims(void **state)
{
	(void)state;
	come(0, 0, SCSI_ATTR_HEAD, VERIFY);
	come(1, 0, SCSI_ATTR_SIMPLE, ORWRITE);
	come(2, 0, SCSI_ATTR_HEAD, ORWRITE);
	assert_non_null(hold_find(&lu()->order.holds, &jobs[2].t));
	suspend(0);
	assert_int_equal(lu()->order.holds.n, 0);
	come(3, 0, SCSI_ATTR_SIMPLE, INQUIRY);
	end(3, 0);
	end(0, 0);
	flushed(0);
	assert_int_equal(jobs[1].act, SCSI_ACT_WAIT);
	resume();
	assert_int_equal(jobs[2].act, SCSI_ACT_OR_WRITE);
	end(2, 0);
	end(1, 0);
}

/* One that runs alone is waited for, and so is who comes meanwhile. */
static void runs_alone(void **state)
{
	(void)state;
	come(0, 0, SCSI_ATTR_SIMPLE, ORWRITE);
	assert_int_equal(jobs[0].act, SCSI_ACT_OR_WRITE);
	suspend(0);
	come(1, 0, SCSI_ATTR_SIMPLE, INQUIRY);
	come(2, 0, SCSI_ATTR_HEAD, VERIFY);
	come(3, 0, SCSI_ATTR_HEAD, INQUIRY);
	assert_int_equal(jobs[1].act, SCSI_ACT_WAIT);
	end(0, 0);
	end(1, 0);
	end(3, 0);
	flushed(0);
	assert_int_equal(jobs[2].act, SCSI_ACT_WAIT);
	resume();
	end(2, 0);
}

/* A copy stops between two pieces, whether the unit is its own or another. */
static void copies(void **state)
{
	(void)state;
	for (unsigned unit = 0; unit < 2; unit++) {
		suspend_idle();
		come(0, unit, SCSI_ATTR_SIMPLE, COPY);
		if (jobs[0].act == SCSI_ACT_FETCH) /* at the unit that serves */
			end(0, 0);
		assert_int_equal(jobs[0].act, SCSI_ACT_WAIT);
		resume();
		if (jobs[0].act == SCSI_ACT_FETCH)
			end(0, 0);
		assert_int_equal(jobs[0].act, SCSI_ACT_COPY);
		suspend(0); /* a piece is in flight */
		assert_false(flushing);
		end(0, 0);
		flushed(0);
		resume();
		assert_int_equal(jobs[0].act, SCSI_ACT_COPY); /* the next piece */
		while (jobs[0].there)
			end(0, 0);
		assert_int_equal(jobs[0].t.status, SCSI_STATUS_GOOD);
	}
}

/* Its LUN is taken away: it ends, for it needs nothing of the unit. */
static void unmapped(void **state)
{
	const struct scsi_map_entry map = { .lun = 1, .lu = &r->lu[1] };

	(void)state;
	suspend_idle();
	come_simple(0);
	come_simple(1);
	assert_int_equal(scsi_nexus_remap(&r->nexus[0], &map, 1), 1);
	drain();
	assert_false(jobs[0].there);
	assert_int_equal(jobs[0].t.status, SCSI_STATUS_CHECK_CONDITION);
	assert_int_equal(jobs[1].act, SCSI_ACT_WAIT);
	resume();
	end(1, 0);
}

static void erasing(void **state)
{
	(void)state;
	lu()->erase.kind = SCSI_ERASE_FORMAT;
	suspend(SCSI_SUSPEND_E_ERASING);
	lu()->erase.failed = true;
	suspend_idle();
	resume();
	/* it begins in front of the operator */
	memset(&lu()->erase, 0, sizeof(lu()->erase));
	come(0, 0, SCSI_ATTR_ORDERED, VERIFY);
	suspend(0);
	lu()->erase.kind = SCSI_ERASE_FORMAT;
	end(0, 0);
	assert_false(flushing);
	lu()->erase.kind = SCSI_ERASE_NONE;
	drain();
	flushed(0);
	resume();
}

/* --- the walk --- */

static void walk_come(struct prng *rnd, unsigned i)
{
	static const uint8_t opcodes[] = { VERIFY, VERIFY, ORWRITE, INQUIRY, COPY };
	uint8_t opcode = opcodes[prng_below(rnd, ARRAY_SIZE(opcodes))];
	unsigned unit = opcode == COPY ? (unsigned)prng_below(rnd, 2) : 0;
	bool on = lu()->suspend != SCSI_SUSPEND_SERVING;

	come(i, unit, (uint8_t)prng_below(rnd, 3), opcode);
	if (on && unit == 0 && opcode != INQUIRY)
		assert_int_equal(jobs[i].act, SCSI_ACT_WAIT);
	if (on && opcode == INQUIRY && jobs[i].t.attr != SCSI_ATTR_ORDERED && !lu()->order.holds.n)
		assert_int_equal(jobs[i].act, SCSI_ACT_ROOM);
}

static void walk_task(struct prng *rnd)
{
	unsigned i = (unsigned)prng_below(rnd, N_TASKS);

	if (!jobs[i].there)
		walk_come(rnd, i);
	else if (prng_below(rnd, 12) == 0)
		abort_it(i);
	else if (jobs[i].act != SCSI_ACT_WAIT)
		end(i, prng_below(rnd, 20) ? 0 : -EIO);
}

/* The caller gathers when those elsewhere have ended. */
static void walk_gather(void)
{
	for (unsigned i = 0; i < N_TASKS; i++)
		if (jobs[i].there && jobs[i].t.route == SCSI_ROUTE_LOCAL)
			return;
	if (holding)
		scsi_lu_held(lu());
	else if (gathering)
		scsi_lu_gathered(lu());
	else
		return;
	gathering = holding = false;
	drain();
}

static void walk_operator(struct prng *rnd)
{
	if (lu()->suspend == SCSI_SUSPEND_SERVING && !flushing)
		suspend(0);
	else if (lu()->suspend == SCSI_SUSPEND_FLUSHING && flushing)
		flushed(prng_below(rnd, 4) ? 0 : -EIO);
	else if (lu()->suspend == SCSI_SUSPEND_SERVING)
		flushing = false; /* that was too late */
	else if (prng_below(rnd, 4) == 0)
		resume();
}

static void walk(void **state)
{
	struct prng rnd = prng_of(23);
	unsigned n_suspended = 0;

	(void)state;
	hold_gather = true;
	for (unsigned i = 0; i < STEPS; i++) {
		walk_task(&rnd);
		if (prng_below(&rnd, 4) == 0)
			walk_gather();
		if (prng_below(&rnd, 10) == 0)
			walk_operator(&rnd);
		if (lu()->suspend < SCSI_SUSPEND_FLUSHING)
			continue;
		nothing_touches_store();
		n_suspended++;
	}
	assert_in_range(n_suspended, STEPS / 20, STEPS);
	if (lu()->suspend != SCSI_SUSPEND_SERVING)
		resume();
	hold_gather = false;
	/* everything goes on, and ends */
	for (unsigned n = 0; n < 4 * N_TASKS * N_TASKS; n++) {
		walk_gather();
		if (jobs[n % N_TASKS].there && jobs[n % N_TASKS].act != SCSI_ACT_WAIT)
			end(n % N_TASKS, 0);
	}
	for (unsigned i = 0; i < N_TASKS; i++)
		assert_false(jobs[i].there);
	assert_int_equal(lu()->order.state, SCSI_ORDER_OPEN);
	assert_int_equal(lu()->order.n_reasons, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(waits_and_goes_on, setup, teardown),
		cmocka_unit_test_setup_teardown(waits_for_those_at_home, setup, teardown),
		cmocka_unit_test_setup_teardown(gives_up, setup, teardown),
		cmocka_unit_test_setup_teardown(tells_of_itself, setup, teardown),
		cmocka_unit_test_setup_teardown(claims, setup, teardown),
		cmocka_unit_test_setup_teardown(runs_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(copies, setup, teardown),
		cmocka_unit_test_setup_teardown(unmapped, setup, teardown),
		cmocka_unit_test_setup_teardown(erasing, setup, teardown),
		cmocka_unit_test_setup_teardown(walk, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
