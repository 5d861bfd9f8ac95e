/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "sim/scenario.h"

#include <errno.h>
#include <limits.h>

#include "sim/dice.h"

#define SCRATCH    (DISKS_MAX - 1)
#define BIG_BLOCKS 256u /* pieces of 4 KiB: longer than the largest buffer of the target */

/* What may go wrong. */
struct trouble {
	bool net;
	bool disks;
	bool operator;
	bool death;
	bool rogues;
	bool memory;
	bool slow;
	bool restless; /* hosts that abort, reset, leave and come back */
	bool storm;    /* ... and do little else */
	bool late;     /* ... and all that may come late does */
	bool reserve;  /* hosts reserve */
};

/* --- the parts --- */

static void roll_net(struct scenario *s, const struct trouble *t)
{
	struct fabric_net *n = &s->net;

	n->way_min_ns = dice_range(500, 20000);
	n->way_max_ns = n->way_min_ns + dice_log(100, 200000);
	n->cm_again_ns = dice_range(10, 400) * NSEC_PER_MSEC;
	n->cm_tries = 6;
	n->timewait_ns = dice_log(NSEC_PER_MSEC, 2 * NSEC_PER_SEC);
	n->comm_est_pct = dice_below(2) ? 0 : 60;
	n->late_est_pct = dice_below(2) ? 0 : 50;
	n->no_dreq_pct = dice_below(2) ? 0 : dice_below(101);
	n->rtu_late_pct = dice_below(2) ? 0 : dice_below(101);
	n->flush_ns = dice_log(1000, 20 * NSEC_PER_MSEC);
	n->last_wqe_pct = dice_below(2) ? 0 : 70;
	n->fatal_pct = dice_below(101);
	n->early_pct = dice_below(101);
	n->retry_ns = 2 * NSEC_PER_SEC;
	n->scribble = true;
	if (!t->net)
		return;
	n->hiccup_pmille = dice_below(2) ? 0 : dice_below(60);
	n->hiccup_ns = dice_log(NSEC_PER_MSEC, 500 * NSEC_PER_MSEC);
	n->cm_lose_pct = dice_below(2) ? 0 : dice_below(60);
	n->no_est_pct = dice_below(2) ? 0 : 50;
	n->wr_fail_pmille = dice_below(2) ? 0 : dice_below(4);
	n->mute_pct = dice_below(2) ? 0 : dice_below(101);
}

/* Events cross, come when what they are about is over, or many at a time. */
static void make_late(struct scenario *s)
{
	s->dreq = dice_below(4);
	s->net.cm_lose_pct = 20 + dice_below(50);
	s->net.cm_again_ns = dice_range(1, 30) * NSEC_PER_MSEC;
	s->net.comm_est_pct = dice_below(3) ? 100 : 0;
	s->net.late_est_pct = 80;
	s->net.rtu_late_pct = dice_below(2) ? 0 : 100;
	s->net.flush_ns = dice_log(1000, 2 * NSEC_PER_MSEC);
	s->net.mute_pct = 0;
	s->pace.stall_pmille = dice_below(30);
	s->pace.stall_ns = dice_log(NSEC_PER_MSEC, 30 * NSEC_PER_MSEC);
	s->deed[DEED_CALM] = 2;
	s->deed[DEED_TERM] += dice_below(3) == 0;
	s->moment_permille[MOMENT_DRAIN] = 300;
	/* A connection may work for long before it is acknowledged, and end before. */
	if (dice_below(3) == 0) {
		s->net.no_rtu_pct = 70;
		s->net.comm_est_pct = 100;
		s->net.cm_again_ns = dice_range(100, 1000) * NSEC_PER_MSEC;
		s->net.wr_fail_pmille = 4;
		s->deed[DEED_ADDRESS] += 4;
	}
	for (unsigned i = 0; i < s->n_disks; i++) {
		s->mood[i].hang_pmille = 100 + dice_below(400);
		s->mood[i].stuck_pct = 90;
		s->mood[i].sync_pct = 0;
	}
}

/* Send queues that fill, or transfers longer than the largest buffer of the target. */
static void make_wide(struct scenario *s)
{
	bool big = dice_below(2);
	struct disk_params *p = &s->disk[0];

	s->config.credits = 40;
	s->config.credits_host = 0;
	/* Else they would be what is waited for. */
	s->proc.pool[0] = s->proc.pool[1] = HOST_SLOTS_MAX;
	for (unsigned i = 0; i < s->n_hosts; i++) {
		struct host_ways *w = &s->ways[i];

		w->scattered = !big;
		w->n_slots = big ? 4 : HOST_SLOTS_MAX;
		w->max_blocks = big ? 2 * BIG_BLOCKS : 16;
		w->immediate = false;
		w->op[HOP_READ] += 40;
		w->op[HOP_WRITE] += 40;
	}
	if (!big)
		return;
	p->block_bytes = 4096;
	p->size_bytes = 4096ull * (2 * BIG_BLOCKS + dice_below(BIG_BLOCKS));
	p->mapped = false;
	p->unmap_grain = p->unmap_grain ? p->block_bytes : 0;
}

static void roll_pace(struct scenario *s, const struct trouble *t)
{
	s->pace.round_ns = (unsigned)dice_log(100, 20000);
	s->pace.partial_pct = dice_below(2) ? 0 : dice_below(80);
	if (!t->slow)
		return;
	s->pace.stall_pmille = dice_below(10);
	s->pace.stall_ns = dice_log(NSEC_PER_MSEC, NSEC_PER_SEC);
}

static void roll_disk(struct scenario *s, unsigned i, const struct trouble *t)
{
	struct disk_params *p = &s->disk[i];
	struct disk_mood *m = &s->mood[i];

	p->block_bytes = dice_below(4) ? 512 : 4096;
	p->size_bytes = (uint64_t)p->block_bytes * dice_range(40, 300);
	p->mapped = dice_below(4) == 0;
	p->direct = !p->mapped && dice_below(3) == 0;
	/* Without a power cut nobody would ever know. */
	p->volatile_cache = !p->mapped && s->deed[DEED_POWER];
	p->modelled = i != SCRATCH;
	p->unmap_grain = dice_below(3) ? p->block_bytes : 0;
	if (i == SCRATCH)
		p->block_bytes = 512;
	m->min_ns = dice_log(1000, 200000);
	m->max_ns = m->min_ns + dice_log(1000, 3 * NSEC_PER_MSEC);
	m->sync_pct = dice_below(2) ? 0 : dice_below(101);
	m->cancel_pct = dice_below(101);
	if (!t->disks || dice_below(3) == 0)
		return;
	m->slow_pmille = dice_below(2) ? 0 : dice_below(50);
	m->error_pmille = dice_below(2) ? 0 : dice_below(100);
	m->hang_pmille = dice_below(2) ? 0 : dice_below(20);
	m->stuck_pct = dice_below(2) ? 0 : dice_below(101);
}

static void roll_config(struct scenario *s, const struct trouble *t)
{
	struct proc_config *c = &s->config;

	s->proc.n_workers = 1 + dice_below(PROC_WORKERS_MAX);
	s->proc.pool[0] = (unsigned)dice_range(1, 12);
	s->proc.pool[1] = (unsigned)dice_range(1, 6);
	s->proc.pool[2] = (unsigned)dice_range(1, 3);
	s->proc.scratch = SCRATCH;
	c->n_disks = s->n_disks;
	c->enabled = true;
	c->keeps = dice_below(2);
	c->groups = dice_below(t->death ? 2 : 3) == 0;
	c->erases = !t->disks && !t->memory && dice_below(3) == 0; /* it does not fail */
	c->sets_access = dice_below(3);
	c->hook = dice_below(2);
	c->second = dice_below(3) == 0;
	c->max_chans = 16 + dice_below(16);
	c->max_chans_host = 8;
	c->credits = (unsigned)dice_log(4, 40);
	c->credits_host = dice_below(3) ? 0 : (unsigned)dice_range(16, 64);
	c->max_immediate = dice_below(4) ? 8192 : 65536;
	c->single_channel = dice_below(16) == 0;
	c->logins_per_s = !s->calm && dice_below(6) == 0 ? 1 + dice_below(40) : 100000;
	if (!s->calm && dice_below(8) == 0)
		c->memory_host = dice_log(100, 10000) * 1024;
	for (unsigned i = 0; i < s->n_disks; i++) {
		c->thin[i] = dice_below(2);
		c->direct[i] = s->disk[i].direct;
		/* Then what the disk keeps back must be asked for by each write. */
		c->write_through[i] = dice_below(4) == 0;
	}
	if (t->operator&& dice_below(4) == 0)
		c->max_chans_host = 1 + dice_below(3);
	if (t->rogues)
		c->max_chans += 16;
}

static void roll_ops(const struct scenario *s, struct host_ways *w, const struct trouble *t)
{
	static const unsigned usual[HOP_COUNT] = {
		[HOP_READ] = 40,    [HOP_WRITE] = 40, [HOP_SYNC] = 4,    [HOP_VERIFY] = 3,
		[HOP_COMPARE] = 4,  [HOP_CAW] = 10,   [HOP_ORWRITE] = 4, [HOP_SAME] = 4,
		[HOP_UNMAP] = 4,    [HOP_TUR] = 2,    [HOP_INQUIRY] = 2, [HOP_LUNS] = 1,
		[HOP_CAPACITY] = 1, [HOP_MODE] = 1,   [HOP_SENSE] = 1,   [HOP_STOP] = 0,
		[HOP_CODES] = 1,    [HOP_BAD] = 2,
	};

	/* Each seed leaves some out and does some often. */
	for (unsigned i = 0; i <= HOP_BAD; i++) /* what came later has its own dice */
		w->op[i] = dice_below(4) ? usual[i] : dice_below(2) ? 0 : 4 * usual[i];
	w->op[HOP_WRITE] += 10;
	w->op[HOP_READ] += 10;
	if (s->config.erases)
		w->op[HOP_ERASE] = 1 + dice_below(2);
	if (s->config.groups) {
		w->op[HOP_GROUPS] = 2;
		w->op[HOP_ACCESS] = s->config.sets_access ? dice_below(5) : 0;
	}
	if (dice_below(8) == 0)
		w->op[HOP_STOP] = 2;
	if (dice_below(t->death && s->config.keeps ? 2 : 10) == 0)
		w->op[HOP_SELECT] = 3;
}

static void roll_host(struct scenario *s, struct host_ways *w, const struct trouble *t)
{
	*w = (struct host_ways){ .n_chans = dice_below(2) ? 1 : 1 + dice_below(HOST_CHANS_MAX),
				 .n_slots = (unsigned)dice_log(1, HOST_SLOTS_MAX),
				 .n_cmds = (unsigned)dice_range(30, 500 / s->n_hosts),
				 .max_blocks = (unsigned)dice_log(1, 16),
				 .short_pmille = dice_below(2) ? 0 : 40,
				 .extern_pct = dice_below(2) ? 0 : dice_below(101),
				 .solicit_pct = dice_below(2) ? 0 : 50,
				 .immediate = dice_below(3),
				 .reports = dice_below(3) == 0,
				 .careful = dice_below(2),
				 .think_ns = dice_log(1000, 5 * NSEC_PER_MSEC),
				 .timeout_ns = dice_range(10, 40) * NSEC_PER_SEC,
				 .again_ns = dice_log(NSEC_PER_MSEC, NSEC_PER_SEC) };
	if (dice_below(12) == 0)
		w->max_blocks = BIG_BLOCKS + dice_below(BIG_BLOCKS);
	w->order_pmille = dice_below(3) ? 30 : dice_below(2) ? 0 : dice_below(400);
	roll_ops(s, w, t);
	if (t->reserve && dice_below(5)) {
		if (dice_below(3) == 0)
			w->tmf_pmille += dice_below(60);
		w->op[HOP_PR_OUT] = 16;
		w->op[HOP_PR_IN] = 4;
		w->op[HOP_RESERVE] = dice_below(2) ? 0 : 5;
	}
	if (t->restless) {
		w->tmf_pmille = dice_below(2) ? 0 : dice_below(80);
		w->leave_pmille = dice_below(2) ? 0 : dice_below(20);
	}
	if (t->storm) {
		w->leave_pmille = 50 + dice_below(400);
		w->tmf_pmille += dice_below(2) ? 0 : dice_below(200);
		w->n_cmds = (unsigned)dice_range(20, 200);
		w->think_ns = dice_log(1000, NSEC_PER_MSEC);
		w->again_ns = dice_log(NSEC_PER_MSEC, 20 * NSEC_PER_MSEC);
	}
	w->hasty = !s->calm && dice_below(t->storm ? 2 : 6) == 0;
	w->clumsy_pmille = dice_below(4) ? 0 : 5 + dice_below(40);
	if (t->net) {
		w->freeze_pmille = dice_below(2) ? 0 : dice_below(10);
		w->cut_pmille = dice_below(2) ? 0 : dice_below(6);
	}
}

/* What ends channels, and leaves the process alone. */
static const unsigned may_storm = BIT(DEED_DISABLE) | BIT(DEED_RELOAD) | BIT(DEED_DEVICE) |
				  BIT(DEED_ADDRESS) | BIT(DEED_STALL) | BIT(DEED_REPORT);

static void roll_deeds(struct scenario *s, const struct trouble *t)
{
	if (t->operator) {
		s->deed[DEED_DISABLE] = dice_below(3);
		s->deed[DEED_RELOAD] = dice_below(6);
		s->deed[DEED_TERM] = dice_below(2);
		s->deed[DEED_REPORT] = 1;
	}
	if (t->death) {
		s->deed[DEED_KILL] = dice_below(3);
		s->deed[DEED_POWER] = dice_below(3);
		s->deed[DEED_DEVICE] = dice_below(3);
	}
	if (t->net)
		s->deed[DEED_ADDRESS] = dice_below(2);
	if (t->disks) {
		s->deed[DEED_DISK] = dice_below(2);
		s->deed[DEED_CALM] = 1;
	}
	if (t->slow)
		s->deed[DEED_STALL] = 1 + dice_below(3);
	s->n_deeds = (unsigned)dice_log(2, 80);
	s->deed_ns = dice_log(NSEC_PER_MSEC, 2 * NSEC_PER_SEC);
	for (unsigned i = 0; i < MOMENT_COUNT; i++) {
		unsigned n = (unsigned)dice_log(5, 500);

		s->moment_permille[i] = dice_below(3) ? 0 : n;
	}
	if (t->death && dice_below(2))
		s->moment_permille[MOMENT_KEPT] = 400;
	if (!t->storm)
		return;
	for (unsigned i = 0; i < DEED_COUNT; i++)
		if (may_storm & BIT(i) && dice_below(2))
			s->deed[i] += 1 + dice_below(3);
	s->deed_ns = dice_log(100000, 50 * NSEC_PER_MSEC);
}

/* --- the whole --- */

static const char *const kinds[] = { "calm",    "restless", "network", "disks", "operator", "death",
				     "hostile", "memory",   "storm",   "late",  "faults" };
static unsigned only_kind = UINT_MAX;

int scenario_only(const char *kind)
{
	for (only_kind = 0; only_kind < ARRAY_SIZE(kinds); only_kind++)
		if (!strcmp(kind, kinds[only_kind]))
			return 0;
	return strcmp(kind, "mixed") ? -EINVAL : 0;
}

static struct trouble roll_trouble(struct scenario *s)
{
	struct trouble t = { 0 };
	unsigned kind = dice_below(16);

	if (only_kind <= ARRAY_SIZE(kinds))
		kind = only_kind;
	if (kind >= ARRAY_SIZE(kinds)) {
		s->kind = "mixed";
		t.net = dice_below(2);
		t.disks = dice_below(2);
		t.operator= dice_below(3) == 0;
		t.death = dice_below(3) == 0;
		t.rogues = dice_below(3) == 0;
		t.memory = dice_below(6) == 0;
		t.slow = dice_below(3) == 0;
		t.restless = dice_below(2);
		t.storm = dice_below(4) == 0;
		return t;
	}
	s->kind = kinds[kind];
	t.restless = kind == 1 || (kind > 1 && dice_below(3) == 0);
	t.net = kind == 2;
	t.disks = kind == 3;
	t.operator= kind == 4;
	t.death = kind == 5;
	t.rogues = kind == 6;
	t.memory = kind == 7;
	t.late = kind == 9;
	t.storm = kind == 8 || t.late;
	if (kind == 10) { /* calls fail while channels come and go */
		t.memory = true;
		t.storm = dice_below(2);
		t.operator= dice_below(2);
		t.death = dice_below(2);
	}
	if (t.storm) {
		t.net = t.late || dice_below(4) == 0;
		t.disks = t.late || dice_below(3) == 0;
	}
	return t;
}

/* Calls that fail: a few kinds of them, some seldom, some more often than not. */
static void roll_calls(struct scenario *s)
{
	static const enum fabric_call last[] = { FABRIC_MARKER, FABRIC_DISCONNECT, FABRIC_REJECT };

	for (unsigned i = 0; i < FABRIC_CALL_COUNT; i++) {
		unsigned n = (unsigned)dice_log(1, 300);

		s->call_fail_permille[i] = dice_below(3) ? 0 : n;
	}
	/* A device that fails in earnest fails at each of these. */
	for (unsigned i = 0; i < ARRAY_SIZE(last); i++)
		if (dice_below(6) == 0)
			s->call_fail_permille[last[i]] = 1000;
	/* A login has more than a hundred of these. */
	s->call_fail_permille[FABRIC_FIRST_RECV] /= 30;
}

/* Media that hosts and an operator take out and put in. */
static void roll_media(struct scenario *s)
{
	for (unsigned i = 0; i < s->n_disks; i++)
		s->config.removable[i] = dice_below(4);
	s->deed[DEED_EJECT] = dice_below(3);
	for (unsigned i = 0; i < s->n_hosts; i++) {
		s->ways[i].op[HOP_MEDIUM] = dice_below(4) ? 1 + dice_below(8) : 0;
		s->ways[i].op[HOP_TUR] += dice_below(10);
	}
}

/* Hosts write what a unit is called and what time it is. */
static void roll_ident(struct scenario *s)
{
	for (unsigned i = 0; i < s->n_hosts; i++)
		s->ways[i].op[HOP_IDENT] = dice_below(3) ? 1 + dice_below(10) : 0;
}

/* Hosts that say what becomes of commands that others abort, and abort them. */
static void roll_aborts(struct scenario *s)
{
	for (unsigned i = 0; i < s->n_hosts; i++) {
		s->ways[i].op[HOP_SELECT] += 1 + dice_below(4);
		s->ways[i].tmf_pmille += dice_below(80);
	}
}

/* Hosts that have copied inside the target, and disks that do that themselves. */
static void roll_copies(struct scenario *s)
{
	for (unsigned i = 0; i < s->n_disks; i++)
		s->disk[i].copies = dice_below(2);
	for (unsigned i = 0; i < s->n_hosts; i++)
		s->ways[i].op[HOP_COPY] = dice_below(4) ? 2 + dice_below(20) : 0;
}

/* Disks that others change. Erasing and copies would have to know when. */
static void roll_sizes(struct scenario *s)
{
	if (s->config.erases)
		return;
	s->config.threshold = dice_below(2);
	s->deed[DEED_SIZE] = 1 + dice_below(4);
	s->deed[DEED_FILL] = s->config.threshold ? 1 + dice_below(3) : 0;
	for (unsigned i = 0; i < s->n_disks; i++) {
		s->disk[i].changes = !s->disk[i].mapped;
		if (!s->config.threshold)
			continue;
		s->config.thin[i] = true; /* or it has none */
		s->disk[i].unmap_grain = s->disk[i].block_bytes;
	}
	for (unsigned i = 0; i < s->n_hosts; i++)
		s->ways[i].op[HOP_COPY] = 0;
}

/* Somebody tries what hosts do about faults. */
static void roll_faults(struct scenario *s)
{
	s->deed[DEED_FAULT] = s->calm || !s->n_deeds ? 0 : 1 + dice_below(6);
}

/* An operator suspends disks, sometimes in the middle of whatever goes on. */
static void roll_suspends(struct scenario *s)
{
	s->deed[DEED_SUSPEND] = 1 + dice_below(6);
	if (dice_below(2))
		s->deed_ns = dice_log(NSEC_PER_MSEC, 300 * NSEC_PER_MSEC);
	if (dice_below(2))
		s->n_deeds += 1 + dice_below(40);
}

/* These have dice of their own, so that a seed that makes nothing of them is what it was without them. */
static void roll_more(struct scenario *s, struct prng own)
{
	struct prng all = dice_stream;

	dice_stream = prng_of(prng_u64(&own) ^ 0x6d656469756d);
	if (dice_below(5) == 0)
		roll_media(s);
	if (dice_below(5) == 0)
		roll_ident(s);
	if (dice_below(8) == 0)
		roll_aborts(s);
	if (dice_below(2) == 0)
		roll_copies(s);
	if (dice_below(5) == 0)
		roll_sizes(s);
	if (dice_below(6) == 0)
		roll_faults(s);
	if (dice_below(5) == 0)
		roll_suspends(s);
	dice_stream = all;
}

void scenario_roll(struct scenario *s)
{
	struct prng own = dice_stream;
	struct trouble t;

	*s = (struct scenario){ 0 };
	t = roll_trouble(s);
	t.reserve = dice_below(t.death ? 2 : 3) == 0;
	s->dreq = dice_below(2);
	s->registers = dice_below(3) == 0;
	s->n_hosts = 1 + dice_below(dice_below(2) ? 2 : 5);
	s->n_disks = 1 + dice_below(3);
	s->n_rogues = t.rogues ? 1 + dice_below(3) : 0;
	s->noisy = t.net;
	s->calm = !(t.net || t.disks ||
		    t.operator|| t.death || t.rogues || t.memory || t.slow || t.storm);
	roll_net(s, &t);
	roll_pace(s, &t);
	roll_deeds(s, &t);
	for (unsigned i = 0; i < s->n_disks; i++)
		roll_disk(s, i, &t);
	roll_disk(s, SCRATCH, &t);
	roll_config(s, &t);
	if (s->config.groups && (t.operator|| t.death))
		s->deed[DEED_ACCESS] = 1 + dice_below(3);
	for (unsigned i = 0; i < s->n_hosts; i++)
		roll_host(s, &s->ways[i], &t);
	if (t.late)
		make_late(s);
	else if (dice_below(12) == 0)
		make_wide(s);
	if (t.memory) {
		s->heap_fail_permille = dice_below(3) ? 0 : dice_below(100);
		roll_calls(s);
		s->timer_fail_permille = dice_below(3) ? 0 : dice_below(20);
	}
	/* Some of what rogues can do takes its time. */
	if (t.rogues && dice_below(3) == 0)
		s->linger_ns = 90 * NSEC_PER_SEC;
	roll_more(s, own);
	s->limit_ns = 100 * NSEC_PER_SEC;
}

void scenario_reconfigure(const struct scenario *s, struct proc_config *c)
{
	unsigned i = dice_below(s->n_disks);

	switch (dice_below(10)) {
	case 0:
		c->ro[i] = !c->ro[i];
		break;
	case 1:
		c->hidden[i] = !c->hidden[i];
		break;
	case 2:
		c->closed[i] = !c->closed[i];
		break;
	case 3:
		c->denied ^= BIT(dice_below(s->n_hosts));
		break;
	case 4:
		c->credits = (unsigned)dice_log(4, 40);
		break;
	case 5:
		c->credits_host = dice_below(2) ? 0 : (unsigned)dice_range(8, 64);
		break;
	case 6:
		c->max_chans_host = 1 + dice_below(8);
		break;
	case 7:
		c->second = !c->second;
		break;
	case 8:
		c->enabled = !c->enabled;
		break;
	default:
		c->max_immediate = dice_below(2) ? 8192 : 0;
		break;
	}
}
