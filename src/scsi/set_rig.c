/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "scsi/set_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

struct rig *r;
struct job jobs[N_TASKS];
unsigned gathers, holds, publishes;
bool hold_gather;
bool gathering;
static bool holding; /* HOLD is not answered */

struct scsi_lu *lu(void)
{
	return &r->lu[0];
}

int setup(void **state)
{
	(void)state;
	r = rig_new_quiet();
	memset(jobs, 0, sizeof(jobs));
	gathers = 0;
	holds = 0;
	holding = false;
	publishes = 0;
	hold_gather = false;
	gathering = false;
	return 0;
}

int teardown(void **state)
{
	(void)state;
	if (lu()->order.set.n || lu()->order.orphans.n)
		return -1; /* a test that failed half way, which says more than this would */
	rig_free(r);
	return 0;
}

static void took(struct job *j, struct scsi_act a)
{
	if (a.type != SCSI_ACT_NONE)
		j->act = a.type;
}

static void held(void)
{
	assert_true(holding);
	holding = false;
	scsi_lu_held(lu());
}

void drain(void)
{
	struct scsi_task *t;
	enum scsi_ask ask;

	while ((ask = scsi_lu_next(lu(), &t)) != SCSI_ASK_NOTHING) {
		struct job *j = container_of(t, struct job, t);

		switch (ask) {
		case SCSI_ASK_GATHER:
			gathers++;
			gathering = true;
			if (!hold_gather) {
				gathering = false;
				scsi_lu_gathered(lu());
			}
			break;
		case SCSI_ASK_HOLD:
			holds++;
			holding = true;
			if (!hold_gather)
				held();
			break;
		case SCSI_ASK_PUBLISH:
			publishes++;
			break;
		default:
			assert_int_equal(j->act, SCSI_ACT_WAIT);
			took(j, scsi_task_step(t, &(struct scsi_event){ .type = SCSI_EV_GO }));
		}
	}
	rig_views(r);
}

void now_held(void)
{
	held();
	drain();
}

void gathered(void)
{
	assert_true(gathering);
	gathering = false;
	scsi_lu_gathered(lu());
	drain();
}

void step(unsigned i, struct scsi_event ev)
{
	took(&jobs[i], scsi_task_step(&jobs[i].t, &ev));
	drain();
}

void come(unsigned i, unsigned nexus, uint8_t attr, uint8_t opcode, uint8_t control)
{
	struct scsi_task *t = &jobs[i].t;

	*t = (struct scsi_task){ .nexus = &r->nexus[nexus],
				 .cdb = { opcode, 0, 0, 0, 0, 0, 0, 0, 1 },
				 .attr = attr,
				 .tag = i };
	if (cdb_len(opcode) == 6)
		t->cdb[8] = 0;
	t->cdb[cdb_len(opcode) - 1] = control;
	(void)scsi_route(&r->view[nexus], t);
	step(i, (struct scsi_event){ .type = SCSI_EV_START });
}

void simple(unsigned i)
{
	come(i, 0, SCSI_ATTR_SIMPLE, VERIFY, 0);
}

void end(unsigned i)
{
	assert_int_equal(jobs[i].act, SCSI_ACT_VERIFY);
	step(i, (struct scsi_event){ .type = SCSI_EV_IO_DONE });
}

void break_io(unsigned i)
{
	assert_int_equal(jobs[i].act, SCSI_ACT_VERIFY);
	step(i, (struct scsi_event){ .type = SCSI_EV_IO_DONE, .result = -EIO });
}

void expect_waits(unsigned i)
{
	assert_int_equal(jobs[i].act, SCSI_ACT_WAIT);
}

void expect_runs(unsigned i)
{
	assert_int_equal(jobs[i].act, SCSI_ACT_VERIFY);
}

void expect_status(unsigned i, uint8_t status)
{
	assert_int_equal(jobs[i].act, SCSI_ACT_COMPLETE);
	assert_int_equal(jobs[i].t.status, status);
	assert_false(jobs[i].t.aborted);
}

void expect_sense(unsigned i, uint8_t key, unsigned asc)
{
	struct sense s;

	expect_status(i, SCSI_STATUS_CHECK_CONDITION);
	assert_int_equal(sense_decode(jobs[i].t.sense, jobs[i].t.sense_len, &s), 0);
	assert_int_equal(s.key, key);
	assert_int_equal(s.asc, asc);
}

void expect_aborted(unsigned i)
{
	assert_int_equal(jobs[i].act, SCSI_ACT_COMPLETE);
	assert_true(jobs[i].t.aborted);
}

unsigned carry_out(struct scsi_tmf *m)
{
	unsigned hit = 0;

	for (unsigned i = 0; i < N_TASKS; i++) {
		struct job *j = &jobs[i];

		if (!j->t.nexus || j->act == SCSI_ACT_COMPLETE ||
		    !scsi_tmf_means(m, &j->t, j->t.lu))
			continue;
		hit |= BIT(i);
		scsi_tmf_hit(m, j->t.nexus);
		if (m->query)
			continue;
		step(i, (struct scsi_event){ .type = SCSI_EV_ABORT,
					     .tell = scsi_tmf_tells(m, j->t.nexus) });
		if (j->act == SCSI_ACT_VERIFY)
			step(i,
			     (struct scsi_event){ .type = SCSI_EV_IO_DONE, .result = -ECANCELED });
		if (j->act == SCSI_ACT_CLEAR)
			step(i, (struct scsi_event){ .type = SCSI_EV_CLEARED });
		assert_int_equal(j->act, SCSI_ACT_COMPLETE);
	}
	(void)scsi_tmf_finish(m);
	drain();
	return hit;
}

unsigned tmf_at(enum scsi_tmf_fn fn, unsigned nexus, uint64_t tag, enum scsi_tmf_response want)
{
	struct scsi_tmf m = { .fn = fn, .nexus = &r->nexus[nexus], .tag = tag };
	unsigned hit;

	scsi_tmf_start(&m);
	hit = carry_out(&m);
	assert_int_equal(m.response, want);
	return hit;
}

unsigned tmf(enum scsi_tmf_fn fn, unsigned nexus, uint64_t tag)
{
	return tmf_at(fn, nexus, tag, SCSI_TMF_FUNCTION_COMPLETE);
}

void set_mode(struct scsi_mode mode)
{
	struct scsi_mode m = mode;

	m.wce = true;
	(void)scsi_lu_set_mode(lu(), &m);
	drain();
}

void all_local(void)
{
	assert_int_equal(lu()->order.state, SCSI_ORDER_OPEN);
	assert_int_equal(lu()->order.n_reasons, 0);
	assert_int_equal(lu()->order.set.n, 0);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(r->view[i].lun[0].flags & SCSI_VIEW_GATHER, 0);
}

void establish(void)
{
	come(15, 0, SCSI_ATTR_SIMPLE, VERIFY, NACA);
	break_io(15);
	expect_sense(15, 3, 0x1100);
}
