/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The order oracle. A small world around the core: three nexuses with two channels each, whose workers route by
 * views that reach them late, send commands home through queues that are delayed, and run local ones for
 * as long as chance wants. Commands of all attributes come, fail, are aborted; a second, naive, account of
 * the task sets judges every start, every status and, when nothing moves, whether something should.
 *
 * What it knows besides: the order in which a channel received its commands, and when each ran. No command
 * may run beside an ORDERED one, but HEADs; none may overtake an ORDERED one or a HEAD of its own channel;
 * an ORDERED one overtakes nobody of its channel. And COMPARE AND WRITE has its blocks for itself, whoever
 * sends it and with whatever attribute; who wants others is not to notice.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/prng.h"
#include "scsi/answer.h"
#include "scsi/scsi.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define N_NEXUS 3
#define N_CHANS 6
#define N_JOBS  48
#define STEPS   60000
#define NACA    0x04
#define NEVER   UINT64_MAX
#define CAW     0x89
#define BLOCKS  12 /* that all are about */

enum where {
	FREE,
	LOCAL,   /* its I/O runs, on its worker */
	TO_HOME, /* its next event is on the way there */
	WAITS,   /* at home */
	RUNS,    /* its I/O runs, or its worker looks for room */
};

struct job {
	struct scsi_task t;
	enum where where;
	unsigned chan;
	struct scsi_event ev;   /* on the way */
	enum scsi_act_type act; /* under way */
	bool abort;             /* with the event that comes next */
	bool will_fail;
	bool naca;
	uint64_t received; /* all clocks are w->now */
	uint64_t started;  /* NEVER: not yet */
	/* the naive account */
	bool in_set;
	uint64_t arrived;
	bool acas; /* it is the command with the ACA attribute */
	bool claims; /* it needs its blocks alone, and its set has let it: what comes later waits for it */
	bool asked; /* all workers are asked about its blocks, */
	bool sure;  /* and have answered */
};

struct chan {
	struct scsi_view view;
	bool view_due; /* it has not the last one */
	unsigned n_ordered;
	unsigned queue[N_JOBS]; /* on the way home, in order */
	unsigned n_queue;
};

struct world {
	struct prng rnd;
	struct scsi_lu lu;
	struct scsi_nexus nexus[N_NEXUS];
	struct chan chan[N_CHANS];
	struct job job[N_JOBS];
	uint8_t data[SCSI_DATA_MIN_BYTES];
	uint64_t now;
	uint64_t arrivals;
	bool gathering;
	bool gathered;
	bool holding;
	bool tst;
	int aca[N_NEXUS]; /* faulted nexus by set, -1: none */
	/* what happened */
	unsigned ordered_ran, heads_ran, acas, aborts, locals, blocked, alone_ran, alone_apart,
		passed;
};

static struct world *w;

static unsigned nexus_of(const struct job *j)
{
	return j->chan / 2;
}

static unsigned set_of(const struct job *j)
{
	return w->tst ? nexus_of(j) : 0;
}

/* --- the naive account --- */

static bool same_set(const struct job *a, const struct job *b)
{
	return a->in_set && b->in_set && set_of(a) == set_of(b);
}

static bool is_alone(const struct job *j)
{
	return j->t.cdb[0] == CAW && (j->t.attr != SCSI_ATTR_ACA || j->acas);
}

/* It may touch the medium. */
static bool runs(const struct job *j)
{
	return j->where == LOCAL ||
	       (j->started != NEVER && (j->where == RUNS || j->where == TO_HOME));
}

static bool is_barrier(const struct job *j)
{
	return j->t.attr == SCSI_ATTR_ORDERED;
}

static bool names_blocks(const struct job *j)
{
	return j->t.cdb[0] == CAW || j->t.cdb[0] == 0x2f;
}

/* Of what names no blocks nobody knows, but for TEST UNIT READY where it arrived, which is all that can be there. */
static bool overlap(const struct job *a, const struct job *b)
{
	struct cdb_range ra = cdb_range(a->t.cdb), rb = cdb_range(b->t.cdb);

	if (!names_blocks(a) || !names_blocks(b))
		return a->where != LOCAL && b->where != LOCAL;
	return ra.lba < rb.lba + rb.n_blocks && rb.lba < ra.lba + ra.n_blocks;
}

/* May @j, which has not started, start now, as far as its set is concerned? */
static bool naive_set_lets(const struct job *j)
{
	if (w->aca[set_of(j)] >= 0)
		return j->acas;
	if (j->claims || j->t.attr == SCSI_ATTR_HEAD)
		return true;
	if (is_barrier(j) && !w->gathered)
		return false;
	for (unsigned i = 0; i < N_JOBS; i++) {
		const struct job *o = &w->job[i];
		bool older = o->arrived < j->arrived;

		if (o == j || !same_set(o, j))
			continue;
		if (is_barrier(j) && (older || o->t.attr == SCSI_ATTR_HEAD))
			return false;
		if (!is_barrier(j) && j->t.attr == SCSI_ATTR_SIMPLE && older &&
		    (o->t.attr != SCSI_ATTR_SIMPLE || is_barrier(o)))
			return false;
	}
	return true;
}

/* ... as far as those are that need blocks alone. */
static bool naive_alone_lets(const struct job *j)
{
	for (unsigned i = 0; i < N_JOBS; i++) {
		const struct job *o = &w->job[i];

		if (o != j && runs(o) && (is_alone(j) || is_alone(o)) && overlap(j, o))
			return false;
	}
	return true;
}

static bool naive_may_start(const struct job *j)
{
	return naive_set_lets(j) && naive_alone_lets(j);
}

/* Do those that need blocks alone wait for no more than that? Then others have to wait for them. */
static void note_claims(void)
{
	for (unsigned i = 0; i < N_JOBS; i++) {
		struct job *j = &w->job[i];
		const struct scsi_hold *h = hold_find(&w->lu.order.holds, &j->t);

		if (j->where != WAITS || j->started != NEVER || !is_alone(j))
			continue;
		j->claims = h != NULL;
		j->asked = h && h->state != SCSI_HOLD_WANTED;
		j->sure &= j->claims;
	}
}

/* Does @j, which waits, wait for a claim of another, or let somebody go first who came before? */
static bool naive_waits(const struct job *j)
{
	for (unsigned i = 0; i < N_JOBS; i++) {
		const struct job *o = &w->job[i];

		if (o == j || o->where != WAITS || o->started != NEVER || !o->in_set ||
		    !overlap(o, j))
			continue;
		if (o->claims || (is_alone(j) && o->arrived < j->arrived && w->aca[set_of(o)] < 0 &&
				  (naive_set_lets(o) || is_barrier(o))))
			return true;
	}
	return false;
}

/* Nobody waits who need not. */
static void check_waits(const struct job *j)
{
	if (j->where != WAITS || j->started != NEVER)
		return;
	if (j->claims && (j->sure || w->gathered))
		assert_false(naive_alone_lets(j));
	else if (!is_alone(j) && !naive_waits(j))
		assert_false(naive_may_start(j));
	else if (is_alone(j) && !j->claims && w->lu.order.holds.n < SCSI_HOLDS_MAX)
		assert_true(naive_waits(j) || !naive_set_lets(j) || j->t.attr != SCSI_ATTR_SIMPLE ||
			    !naive_alone_lets(j));
}

/* What a new command gets at once while an ACA condition is in effect; GOOD: it is taken. */
static uint8_t naive_refusal(const struct job *j)
{
	int faulted = w->aca[set_of(j)];
	bool busy_with_one = false;

	if (faulted < 0)
		return SCSI_STATUS_GOOD;
	for (unsigned i = 0; i < N_JOBS; i++)
		busy_with_one |= w->job[i].acas && set_of(&w->job[i]) == set_of(j);
	if ((unsigned)faulted == nexus_of(j))
		return j->t.attr == SCSI_ATTR_ACA && !busy_with_one ? SCSI_STATUS_GOOD
								    : SCSI_STATUS_ACA_ACTIVE;
	return j->t.attr == SCSI_ATTR_ACA || j->naca ? SCSI_STATUS_ACA_ACTIVE : SCSI_STATUS_BUSY;
}

/* --- what must be true of a start --- */

static void check_channel_order(const struct job *j)
{
	for (unsigned i = 0; i < N_JOBS; i++) {
		const struct job *o = &w->job[i];

		if (o == j || o->where == FREE || o->chan != j->chan || o->received > j->received)
			continue;
		/* @o came before @j on the same way and has not ended */
		assert_false(j->t.attr == SCSI_ATTR_ORDERED);
		if (j->t.attr == SCSI_ATTR_SIMPLE)
			assert_true(o->t.attr == SCSI_ATTR_SIMPLE || o->abort);
	}
}

static void check_alone(const struct job *j)
{
	for (unsigned i = 0; i < N_JOBS; i++) {
		const struct job *o = &w->job[i];
		bool mine = !w->tst || nexus_of(o) == nexus_of(j);

		if (o == j || o->where == FREE || o->started == NEVER || !mine)
			continue;
		if (j->t.attr == SCSI_ATTR_ORDERED)
			assert_true(o->t.attr == SCSI_ATTR_HEAD);
		if (o->t.attr == SCSI_ATTR_ORDERED && !j->acas)
			assert_true(j->t.attr == SCSI_ATTR_HEAD);
	}
}

/* @j does something for the first time. */
static void starts(struct job *j)
{
	if (j->started != NEVER)
		return;
	if (j->where != LOCAL)
		assert_true(naive_may_start(j));
	assert_true(naive_alone_lets(j));
	if (!j->acas) {
		check_channel_order(j);
		check_alone(j);
	}
	j->started = w->now;
	w->ordered_ran += j->t.attr == SCSI_ATTR_ORDERED;
	w->heads_ran += j->t.attr == SCSI_ATTR_HEAD;
	w->alone_ran += is_alone(j);
	for (unsigned i = 0; i < N_JOBS; i++) {
		const struct job *o = &w->job[i];

		w->alone_apart += o != j && is_alone(o) && runs(o) && is_alone(j);
		w->passed += j->where == LOCAL && is_alone(o) && runs(o);
	}
	w->locals += j->where == LOCAL;
}

/* --- the world --- */

static void views_due(void)
{
	for (unsigned i = 0; i < N_CHANS; i++)
		w->chan[i].view_due = true;
}

static void send_home(struct job *j, struct scsi_event ev)
{
	struct chan *c = &w->chan[j->chan];

	j->ev = ev;
	j->where = TO_HOME;
	c->queue[c->n_queue++] = (unsigned)(j - w->job);
}

/* The naive account of an end with status. */
static void ended_at_home(struct job *j)
{
	bool bad = j->t.status == SCSI_STATUS_CHECK_CONDITION && !j->t.aborted;
	int *aca = &w->aca[set_of(j)];

	if (j->in_set && j->acas && bad && !j->naca)
		*aca = -1;
	if (j->in_set && !j->acas && bad && j->naca) {
		assert_true(w->gathered);
		assert_int_equal(*aca, -1);
		*aca = (int)nexus_of(j);
		w->acas++;
	}
	/* what is kept back by an ACA condition must not end */
	if (j->in_set && !j->t.aborted && !j->acas)
		assert_true(*aca < 0 || (bad && j->naca));
}

static void ends(struct job *j)
{
	struct chan *c = &w->chan[j->chan];

	if (j->where != LOCAL)
		ended_at_home(j);
	c->n_ordered -= j->t.attr != SCSI_ATTR_SIMPLE;
	j->where = FREE;
	j->in_set = false;
	j->acas = false;
}

/* The core said @a about @j, at home. */
static void took(struct job *j, struct scsi_act a)
{
	assert_int_equal(a.changed, SCSI_CHANGED_NOTHING);
	switch (a.type) {
	case SCSI_ACT_COMPLETE:
		if (j->in_set && j->started == NEVER && !j->abort &&
		    (j->t.attr != SCSI_ATTR_ACA || j->acas))
			starts(j);
		ends(j);
		break;
	case SCSI_ACT_WAIT:
		j->where = WAITS;
		w->blocked++;
		break;
	case SCSI_ACT_ROOM:
	case SCSI_ACT_VERIFY:
	case SCSI_ACT_COMPARE_AND_WRITE:
		starts(j);
		j->act = a.type;
		j->where = RUNS;
		break;
	default:
		fail();
	}
}

static void drain(void)
{
	static const struct scsi_event go = { .type = SCSI_EV_GO };
	struct scsi_task *t;
	enum scsi_ask ask;

	while ((ask = scsi_lu_next(&w->lu, &t)) != SCSI_ASK_NOTHING) {
		switch (ask) {
		case SCSI_ASK_GATHER:
			assert_false(w->gathering || w->gathered || w->holding);
			w->gathering = true;
			views_due();
			break;
		case SCSI_ASK_HOLD:
			assert_false(w->gathering || w->gathered || w->holding);
			note_claims();
			w->holding = true;
			views_due();
			break;
		case SCSI_ASK_PUBLISH:
			if (w->lu.order.state == SCSI_ORDER_OPEN)
				w->gathered = false;
			views_due();
			break;
		default:
			note_claims();
			assert_int_equal(container_of(t, struct job, t)->where, WAITS);
			took(container_of(t, struct job, t), scsi_task_step(t, &go));
		}
	}
	note_claims();
	for (unsigned i = 0; i < N_JOBS; i++)
		check_waits(&w->job[i]);
}

/* Has the worker, whose view is the last, a reason not to let it run where it is? */
static bool may_go_home(const struct chan *c, const struct job *j)
{
	if (c->view_due || c->n_ordered || j->naca || j->t.attr != SCSI_ATTR_SIMPLE ||
	    w->lu.order.state != SCSI_ORDER_OPEN || (j->t.cdb[0] != 0x2f && j->t.cdb[0] != 0))
		return true;
	for (unsigned i = 0; i < N_JOBS; i++) {
		const struct job *o = &w->job[i];

		if (o != j && hold_find(&w->lu.order.holds, &o->t) && overlap(o, j))
			return true;
	}
	return false;
}

static void new_command(void)
{
	static const uint8_t ops[] = { 0x2f, 0x2f, 0x2f, 0x2f, 0x00, 0x12, CAW };
	static const uint8_t attrs[] = { 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 2, 4 };
	unsigned ci = (unsigned)prng_below(&w->rnd, N_CHANS);
	struct chan *c = &w->chan[ci];
	struct job *j = w->job;
	uint8_t op = ops[prng_below(&w->rnd, sizeof(ops))];
	bool calm = w->now / 400 % 2; /* so that it is gathered and let go again and again */

	if (op == CAW && prng_below(&w->rnd, 3))
		op = 0x2f;
	while (j < w->job + N_JOBS && j->where != FREE)
		j++;
	if (j == w->job + N_JOBS)
		return;
	memset(j, 0, sizeof(*j));
	j->t.nexus = &w->nexus[ci / 2];
	j->t.cdb[0] = op;
	if (op == 0x2f) {
		j->t.cdb[5] = (uint8_t)prng_below(&w->rnd, BLOCKS);
		j->t.cdb[8] = (uint8_t)(1 + prng_below(&w->rnd, 2));
	}
	if (op == CAW) {
		j->t.cdb[9] = (uint8_t)prng_below(&w->rnd, BLOCKS);
		j->t.cdb[13] = (uint8_t)(1 + prng_below(&w->rnd, 2));
		j->t.out_len = 2048;
	}
	j->naca = !calm && prng_below(&w->rnd, 8) == 0;
	if (j->naca)
		j->t.cdb[cdb_len(op) - 1] = NACA;
	j->t.attr = calm ? SCSI_ATTR_SIMPLE : attrs[prng_below(&w->rnd, sizeof(attrs))];
	j->will_fail = prng_below(&w->rnd, 8) == 0;
	j->chan = ci;
	j->received = ++w->now;
	j->started = NEVER;
	if (scsi_route(&c->view, &j->t) == SCSI_ROUTE_LOCAL && c->n_ordered)
		scsi_route_home(&j->t);
	c->n_ordered += j->t.attr != SCSI_ATTR_SIMPLE;
	if (j->t.route == SCSI_ROUTE_HOME) {
		assert_true(may_go_home(c, j));
		send_home(j, (struct scsi_event){ .type = SCSI_EV_START });
		return;
	}
	assert_int_equal(j->t.attr, SCSI_ATTR_SIMPLE);
	assert_false(w->gathered && !c->view_due); /* every view says so */
	j->where = LOCAL;
	starts(j);
	if (scsi_task_step(&j->t, &(struct scsi_event){ .type = SCSI_EV_START }).type ==
	    SCSI_ACT_COMPLETE)
		ends(j);
}

/* The home worker takes up the first message of a channel. */
static void deliver(struct chan *c)
{
	struct job *j;
	struct scsi_act a;
	uint8_t refusal;

	if (!c->n_queue)
		return;
	j = &w->job[c->queue[0]];
	memmove(c->queue, c->queue + 1, --c->n_queue * sizeof(c->queue[0]));
	if (j->abort) {
		a = scsi_task_step(&j->t, &(struct scsi_event){ .type = SCSI_EV_ABORT });
		if (a.type == SCSI_ACT_COMPLETE) {
			took(j, a);
			drain();
			return;
		}
	}
	if (j->ev.type == SCSI_EV_START) {
		refusal = naive_refusal(j);
		if (refusal) {
			a = scsi_task_step(&j->t, &j->ev);
			assert_int_equal(a.type, SCSI_ACT_COMPLETE);
			assert_int_equal(j->t.status, refusal);
			ends(j);
			drain();
			return;
		}
		j->acas = w->aca[set_of(j)] >= 0;
		if (j->t.attr != SCSI_ATTR_ACA || j->acas) {
			j->in_set = true;
			j->arrived = ++w->arrivals;
		}
	}
	if (j->ev.type == SCSI_EV_ROOM) {
		j->t.data = w->data;
		j->t.data_cap = sizeof(w->data);
	}
	a = scsi_task_step(&j->t, &j->ev);
	if (!j->in_set) { /* the ACA attribute without an ACA condition: refused, which may establish one */
		bool waits = a.type == SCSI_ACT_WAIT && j->t.phase == SCSI_PHASE_DORMANT;

		assert_true(a.type == SCSI_ACT_COMPLETE || (a.type == SCSI_ACT_WAIT && j->naca) ||
			    waits);
		j->in_set = true;
		j->arrived = ++w->arrivals;
		j->started = waits ? NEVER : w->now;
	}
	took(j, a);
	drain();
}

static void io_ends(void)
{
	unsigned at = (unsigned)prng_below(&w->rnd, N_JOBS);
	struct scsi_event ev = { .type = SCSI_EV_IO_DONE };
	struct job *j = &w->job[at];

	for (unsigned i = 0; i < N_JOBS && j->where != LOCAL && j->where != RUNS; i++)
		j = &w->job[(at + i) % N_JOBS];
	if (j->where == LOCAL) {
		ev.result = j->will_fail ? -EIO : 0;
		assert_int_equal(scsi_task_step(&j->t, &ev).type, SCSI_ACT_COMPLETE);
		ends(j);
	} else if (j->where == RUNS) {
		if (j->act == SCSI_ACT_ROOM)
			ev.type = SCSI_EV_ROOM;
		else
			ev.result = j->will_fail ? -EIO : 0;
		send_home(j, ev);
	}
}

static void abort_job(struct job *j)
{
	static const struct scsi_event abort = { .type = SCSI_EV_ABORT };

	if (j->where == FREE || j->abort)
		return;
	w->aborts++;
	j->abort = true;
	if (j->where == LOCAL) {
		assert_int_equal(scsi_task_step(&j->t, &abort).type, SCSI_ACT_NONE);
	} else if (j->where == WAITS) {
		took(j, scsi_task_step(&j->t, &abort));
		drain();
	}
}

static void clear_aca(void)
{
	unsigned n = (unsigned)prng_below(&w->rnd, N_NEXUS);
	struct scsi_tmf m = { .fn = SCSI_TMF_CLEAR_ACA, .nexus = &w->nexus[n] };
	unsigned set = w->tst ? n : 0;

	scsi_tmf_start(&m);
	for (unsigned i = 0; i < N_JOBS; i++) {
		struct job *j = &w->job[i];

		/* that of the ACA command is awaited by the glue: here it must have ended already */
		if (j->where != FREE && j->acas && scsi_tmf_means(&m, &j->t, j->t.lu))
			return;
	}
	(void)scsi_tmf_finish(&m);
	if (w->aca[set] == (int)n)
		w->aca[set] = -1;
	drain();
}

static void take_views(struct chan *c, unsigned n)
{
	if (!c->view_due)
		return;
	c->view_due = false;
	scsi_view_build(&w->nexus[n / 2], &c->view);
}

static void try_gather(void)
{
	if (!w->gathering)
		return;
	for (unsigned i = 0; i < N_CHANS; i++)
		if (w->chan[i].view_due)
			return;
	for (unsigned i = 0; i < N_JOBS; i++)
		if (w->job[i].where == LOCAL)
			return;
	w->gathering = false;
	w->gathered = true;
	scsi_lu_gathered(&w->lu);
	drain();
}

/* The answer to HOLD, when nobody is left who is in the way. */
static void try_hold(void)
{
	if (!w->holding)
		return;
	for (unsigned i = 0; i < N_CHANS; i++)
		if (w->chan[i].view_due)
			return;
	for (unsigned i = 0; i < N_JOBS; i++)
		for (unsigned k = 0; k < N_JOBS; k++)
			if (w->job[i].where == LOCAL && w->job[k].asked &&
			    overlap(&w->job[i], &w->job[k]))
				return;
	w->holding = false;
	scsi_lu_held(&w->lu);
	for (unsigned i = 0; i < N_JOBS; i++)
		w->job[i].sure |= w->job[i].asked;
	drain();
}

static void one_step(void)
{
	unsigned c = (unsigned)prng_below(&w->rnd, N_CHANS);

	w->now++;
	switch (prng_below(&w->rnd, 16)) {
	case 0:
	case 1:
		new_command();
		break;
	case 2:
		if (prng_below(&w->rnd, 8) == 0)
			abort_job(&w->job[prng_below(&w->rnd, N_JOBS)]);
		break;
	case 3:
		clear_aca();
		break;
	case 4:
		try_gather();
		try_hold();
		break;
	case 5:
	case 6:
	case 7:
		take_views(&w->chan[c], c);
		break;
	case 8:
	case 9:
	case 10:
	case 11:
		deliver(&w->chan[c]);
		break;
	default:
		io_ends();
	}
}

/* Let everything end: nothing may be left. */
static void settle(void)
{
	for (unsigned i = 0; i < 20000; i++) {
		unsigned c = i % N_CHANS;

		w->now++;
		deliver(&w->chan[c]);
		take_views(&w->chan[c], c);
		io_ends();
		try_gather();
		try_hold();
		clear_aca();
	}
	for (unsigned i = 0; i < N_JOBS; i++)
		assert_int_equal(w->job[i].where, FREE);
	assert_false(w->gathering || w->gathered || w->holding);
	assert_int_equal(w->lu.order.holds.n, 0);
	assert_int_equal(w->lu.order.state, SCSI_ORDER_OPEN);
	assert_int_equal(w->lu.order.set.n, 0);
}

static void world_begin(uint64_t seed)
{
	struct scsi_lu_params p = {
		.serial = "1", .naa = { 0x31, 1 }, .block_bytes = 512, .size_bytes = 1 << 20
	};
	struct scsi_port port = { .protocol = 4 };
	struct scsi_map_entry map = { &w->lu, 0, false };

	memset(w, 0, sizeof(*w));
	w->rnd = prng_of(seed);
	w->tst = seed & 1;
	assert_int_equal(scsi_lu_init(&w->lu, &p), 0);
	for (unsigned i = 0; i < N_NEXUS; i++) {
		w->aca[i] = -1;
		assert_int_equal(scsi_nexus_init(&w->nexus[i], &port, &port, &map, 1), 0);
		(void)scsi_uas_pop(&w->nexus[i].lun[0].uas);
	}
	if (w->tst)
		(void)scsi_lu_set_mode(&w->lu, &(struct scsi_mode){ .tst = 1, .reorder = 1 });
	for (unsigned i = 0; i < N_CHANS; i++) {
		w->chan[i].view_due = true;
		take_views(&w->chan[i], i);
	}
}

static void walks(void **state)
{
	unsigned ordered = 0, heads = 0, acas = 0, aborts = 0, locals = 0, blocked = 0, alone = 0;
	unsigned apart = 0, passed = 0;

	(void)state;
	w = calloc(1, sizeof(*w));
	assert_non_null(w);
	for (uint64_t seed = 1; seed <= 24; seed++) {
		world_begin(seed);
		for (unsigned i = 0; i < STEPS; i++)
			one_step();
		settle();
		ordered += w->ordered_ran;
		heads += w->heads_ran;
		acas += w->acas;
		aborts += w->aborts;
		locals += w->locals;
		blocked += w->blocked;
		alone += w->alone_ran;
		apart += w->alone_apart;
		passed += w->passed;
		for (unsigned i = 0; i < N_NEXUS; i++)
			scsi_nexus_deinit(&w->nexus[i]);
		scsi_lu_deinit(&w->lu);
	}
	free(w);
	/* the walk must get somewhere */
	print_message("ordered %u, heads %u, acas %u, aborts %u, local %u, waited %u, alone %u, "
		      "side by side %u, with local ones %u\n",
		      ordered, heads, acas, aborts, locals, blocked, alone, apart, passed);
	assert_true(ordered > 2000 && heads > 2000 && acas > 500 && aborts > 500);
	assert_true(locals > 1500 && blocked > 5000 && alone > 1000);
	assert_true(apart > 300 && passed > 150);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(walks) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
