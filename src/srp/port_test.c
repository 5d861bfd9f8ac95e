/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Logins, evictions and disables as the control worker sees them; a random walk with port_check(). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/prng.h"
#include "srp/port.h"
#include "wire/srp_login_rej.h"
#include "wire/srp_login_rsp.h"

#define N_POOL 4

static struct port port;
static struct port_nexus pool[N_POOL];

static int setup(void **state)
{
	struct port_config cfg = {
		.id = { .ext = { 7 } },
		.max_chans = 8,
		.limits = { .max_chans_per_nexus = 3, .max_limit = 40 },
		.pool = pool,
		.n_pool = N_POOL,
	};

	(void)state;
	port_init(&port, &cfg);
	port_enable(&port);
	return 0;
}

static struct port_login login_of(uint8_t who, bool single)
{
	return (struct port_login){
		.initiator = { .guid = { who } },
		.target = { .ext = { 7 } },
		.single = single,
	};
}

static int login(struct port_chan *pc, uint8_t who, bool single)
{
	struct port_login l = login_of(who, single);
	int r = port_login(&port, pc, &l);

	port_check(&port);
	return r;
}

static void expect_close(struct port_chan *pc, enum port_close why)
{
	struct port_chan *next = port_next_close(&port);

	assert_ptr_equal(next, pc);
	if (pc)
		assert_int_equal(pc->close, why);
}

static void expect_admission(struct port_chan *pc, uint32_t reject, uint8_t result)
{
	struct port_chan *next = port_next_admission(&port);

	port_check(&port);
	assert_ptr_equal(next, pc);
	if (!pc)
		return;
	assert_int_equal(pc->reject, reject);
	if (!reject)
		assert_int_equal(pc->result, result);
}

#define NOBODY ((struct port_chan *)NULL)

static unsigned release(struct port_chan *pc)
{
	void *user;
	unsigned r = port_release(pc, &user);

	port_check(&port);
	return r;
}

/* INV-20: the nexus goes with its last channel; its session comes back to the caller. */
static void one_login(void **state)
{
	struct port_chan a;
	struct port_chan b;
	int session;
	void *user;

	(void)state;
	assert_int_equal(login(&a, 1, true), 0);
	assert_null(a.nexus->user);
	a.nexus->user = &session;
	expect_admission(NOBODY, 0, 0);
	port_admit(&a);
	expect_admission(&a, 0, SRP_LOGIN_RESULT_NONE);
	expect_admission(NOBODY, 0, 0);
	assert_int_equal(login(&b, 1, false), 0);
	assert_ptr_equal(b.nexus, a.nexus);
	port_admit(&b);
	expect_admission(&b, 0, SRP_LOGIN_RESULT_CONTINUE);
	expect_close(NOBODY, PORT_KEEP);
	assert_int_equal(port_release(&a, &user), 0);
	assert_null(user);
	assert_int_equal(port_release(&b, &user), PORT_NEXUS_ENDED | PORT_EMPTY);
	assert_ptr_equal(user, &session);
	assert_int_equal(port.n_nexuses, 0);
	port_disable(&port);
	port_deinit(&port);
}

/* SRP-2.6: there is no other channel to go on beside the first of a nexus, or beside those that end. */
static void multi_alone(void **state)
{
	struct port_chan a;
	struct port_chan b;

	(void)state;
	assert_int_equal(login(&a, 1, false), 0);
	port_admit(&a);
	expect_admission(&a, 0, SRP_LOGIN_RESULT_NONE);
	port_closing(&a);
	port_quiet(&a);
	assert_int_equal(login(&b, 1, false), 0);
	port_admit(&b);
	expect_admission(&b, 0, SRP_LOGIN_RESULT_NONE);
	release(&a);
	release(&b);
	port_disable(&port);
	port_deinit(&port);
}

/* A nexus ends with its last channel that goes on: who logs in then, in whatever way, is a new one, and waits. */
static void follows(void **state)
{
	struct port_chan a;
	struct port_chan b;
	struct port_chan n;
	struct port_chan n2;
	struct port_chan last;

	(void)state;
	assert_int_equal(login(&a, 1, false), 0);
	assert_int_equal(login(&b, 1, false), 0);
	port_closing(&a);
	assert_int_equal(login(&n, 1, false), 0);
	assert_ptr_equal(n.nexus, b.nexus); /* that goes on, and the nexus with it */
	port_closing(&n);
	port_closing(&b);
	assert_int_equal(login(&n2, 1, false), 0);
	assert_ptr_not_equal(n2.nexus, a.nexus);
	assert_false(port_nexus_over(a.nexus));
	port_admit(&n2);
	port_quiet(&a);
	port_quiet(&n);
	expect_admission(NOBODY, 0, 0); /* a task of b may still write */
	/* so may it after the next one ended in its turn */
	port_closing(&n2);
	expect_admission(&n2, SRP_REJ_UNSPECIFIED, 0);
	port_quiet(&n2);
	assert_int_equal(login(&last, 1, true), 0);
	assert_ptr_not_equal(last.nexus, n2.nexus);
	port_admit(&last);
	expect_admission(NOBODY, 0, 0);
	assert_int_equal(release(&n2), PORT_NEXUS_ENDED);
	expect_admission(NOBODY, 0, 0);
	port_quiet(&b);
	assert_true(port_nexus_over(b.nexus));
	expect_admission(&last, 0, SRP_LOGIN_RESULT_NONE);
	release(&a);
	release(&b);
	assert_int_equal(release(&n), PORT_NEXUS_ENDED);
	port_check(&port);
	assert_int_equal(release(&last), PORT_NEXUS_ENDED | PORT_EMPTY);
}

/* The end of the old nexus may be that it is released without a word. */
static void follows_released(void **state)
{
	struct port_login l = login_of(1, false);
	struct port_chan a;
	struct port_chan n;

	(void)state;
	assert_int_equal(login(&a, 1, false), 0);
	port_closing(&a);
	assert_int_equal(login(&n, 1, false), 0);
	port_admit(&n);
	port_closing(&n);
	expect_admission(&n, SRP_REJ_UNSPECIFIED, 0);
	port_quiet(&n);
	assert_true(port_works(&port, &l)); /* a does */
	assert_int_equal(release(&a), PORT_NEXUS_ENDED);
	assert_false(port_works(&port, &l));
	release(&n);
	assert_int_equal(login(&a, 1, false), 0);
	port_close_chan(&a);
	expect_close(&a, PORT_CLOSE_SESSION);
	assert_int_equal(login(&n, 1, false), 0); /* a must go, so it is not joined */
	assert_ptr_not_equal(n.nexus, a.nexus);
	port_admit(&n);
	expect_admission(NOBODY, 0, 0);
	release(&a);
	expect_admission(&n, 0, SRP_LOGIN_RESULT_NONE);
}

/* INV-25: the reply to a single-channel login waits until no old command can do anything any more. */
static void eviction(void **state)
{
	struct port_chan a;
	struct port_chan b;
	struct port_chan other;
	struct port_chan n;
	struct port_chan n2;

	(void)state;
	assert_int_equal(login(&a, 1, true), 0);
	assert_int_equal(login(&b, 1, false), 0);
	assert_int_equal(login(&other, 2, true), 0);
	assert_int_equal(login(&n, 1, true), 0);
	expect_close(&a, PORT_CLOSE_EVICTED);
	expect_close(&b, PORT_CLOSE_EVICTED);
	expect_close(NOBODY, PORT_KEEP); /* another nexus is not touched */
	port_admit(&n);
	expect_admission(NOBODY, 0, 0);
	port_closing(&a);
	expect_admission(NOBODY, 0, 0);
	/* channels of the new set do not wait and are not waited for */
	assert_int_equal(login(&n2, 1, false), 0);
	port_admit(&n2);
	expect_admission(&n2, 0, SRP_LOGIN_RESULT_CONTINUE);
	port_quiet(&a);
	port_closing(&b);
	expect_admission(NOBODY, 0, 0); /* a task of it may still write */
	port_quiet(&b);
	expect_admission(&n, 0, SRP_LOGIN_RESULT_TERMINATED);
	release(&a);
	release(&b);
	/* channels that end anyway are neither told nor counted as terminated */
	port_closing(&n);
	port_closing(&n2);
	assert_int_equal(login(&a, 1, true), 0);
	expect_close(NOBODY, PORT_KEEP);
	port_admit(&a);
	expect_admission(NOBODY, 0, 0); /* but they are waited for */
	port_quiet(&n);
	release(&n2);
	expect_admission(&a, 0, SRP_LOGIN_RESULT_NONE);
}

/* INV-25: a port that takes the place of another is told when that one's channels can do nothing any more. */
static void works(void **state)
{
	struct port_login l = login_of(1, true);
	struct port_login other = login_of(2, true);
	struct port_chan a;
	struct port_chan b;

	(void)state;
	assert_false(port_works(&port, &l));
	assert_int_equal(login(&a, 1, true), 0);
	assert_int_equal(login(&b, 1, false), 0);
	port_disable(&port);
	assert_true(port_works(&port, &l));
	assert_false(port_works(&port, &other));
	port_closing(&a);
	port_closing(&b);
	port_quiet(&b);
	assert_true(port_works(&port, &l));
	port_quiet(&a);
	assert_false(port_works(&port, &l));
	release(&a);
	release(&b);
	assert_false(port_works(&port, &l));
}

/* A channel that cannot be built is released without having said port_closing(). */
static void eviction_by_release(void **state)
{
	struct port_chan a;
	struct port_chan n;

	(void)state;
	assert_int_equal(login(&a, 1, true), 0);
	assert_int_equal(login(&n, 1, true), 0);
	port_admit(&n);
	expect_admission(NOBODY, 0, 0);
	release(&a); /* also forgets that it was to be told */
	expect_close(NOBODY, PORT_KEEP);
	expect_admission(&n, 0, SRP_LOGIN_RESULT_TERMINATED);
}

/* INV-3: a login overtaken by a newer one of the same initiator gets no reply but a reject. */
static void overtaken(void **state)
{
	struct port_chan a;
	struct port_chan b;
	struct port_chan n;

	(void)state;
	assert_int_equal(login(&a, 1, true), 0);
	assert_int_equal(login(&b, 1, true), 0);
	port_admit(&b); /* waits for a */
	assert_int_equal(login(&n, 1, true), 0);
	expect_close(&a, PORT_CLOSE_EVICTED);
	expect_close(&b, PORT_CLOSE_EVICTED);
	expect_admission(&b, SRP_REJ_UNSPECIFIED, 0);
	port_admit(&a);
	expect_admission(&a, SRP_REJ_UNSPECIFIED, 0);
	port_closing(&a);
	port_closing(&b);
	port_quiet(&a);
	port_quiet(&b);
	port_admit(&n);
	expect_admission(&n, 0, SRP_LOGIN_RESULT_TERMINATED);
}

/* INV-3, 21: disable before the first visit, between the two, and with a decision in the queue. */
static void disable(void **state)
{
	struct port_chan a;
	struct port_chan b;
	struct port_chan d;
	struct port_chan e;

	(void)state;
	assert_int_equal(login(&a, 1, true), 0);
	assert_int_equal(login(&b, 2, true), 0);
	assert_int_equal(login(&d, 3, true), 0);
	assert_int_equal(login(&e, 3, true), 0);
	port_admit(&b);
	port_admit(&e); /* waits for d */
	port_disable(&port);
	port_check(&port);
	expect_close(&a, PORT_CLOSE_DISABLED);
	expect_close(&b, PORT_CLOSE_DISABLED);
	expect_close(&d, PORT_CLOSE_DISABLED); /* told once, with the stronger reason */
	expect_close(&e, PORT_CLOSE_DISABLED);
	expect_close(NOBODY, PORT_KEEP);
	expect_admission(&b, SRP_REJ_RESOURCES, 0);
	expect_admission(&e, SRP_REJ_RESOURCES, 0);
	port_admit(&a);
	expect_admission(&a, SRP_REJ_RESOURCES, 0);
	port_disable(&port);
	expect_close(NOBODY, PORT_KEEP);
	assert_int_equal(release(&a), PORT_NEXUS_ENDED);
	assert_int_equal(login(&a, 9, true), SRP_REJ_RESOURCES);
	assert_null(a.port);
	release(&b);
	assert_int_equal(release(&d), 0);
	assert_int_equal(release(&e), PORT_NEXUS_ENDED | PORT_EMPTY);
	port_deinit(&port);
	port_enable(&port);
	assert_int_equal(login(&a, 9, true), 0);
}

/* An orderly close turns into a fast one when the port is disabled; never the other way round. */
static void close_reasons(void **state)
{
	struct port_chan a;
	struct port_chan b;
	struct port_chan n;
	struct port_chan n2;

	(void)state;
	assert_int_equal(login(&a, 1, true), 0);
	assert_int_equal(login(&b, 1, false), 0);
	port_close_chan(&b);
	expect_close(&b, PORT_CLOSE_SESSION);
	port_close_nexus(a.nexus);
	expect_close(&a, PORT_CLOSE_SESSION);
	expect_close(NOBODY, PORT_KEEP);
	port_closing(&a);
	assert_int_equal(login(&n, 1, true), 0);
	expect_close(NOBODY, PORT_KEEP);
	assert_int_equal(login(&n2, 1, true), 0);
	expect_close(&n, PORT_CLOSE_EVICTED);
	port_close_chan(&n); /* it knows already */
	expect_close(NOBODY, PORT_KEEP);
	release(&n);
	release(&n2);
	port_disable(&port);
	expect_close(&a, PORT_CLOSE_DISABLED);
	expect_close(&b, PORT_CLOSE_DISABLED);
	port_close_nexus(a.nexus);
	expect_close(NOBODY, PORT_KEEP);
	port_enable(&port); /* does not pardon */
	port_admit(&b);
	expect_admission(&b, SRP_REJ_RESOURCES, 0);
}

/* A channel that is released takes its decision along. */
static void released_undecided(void **state)
{
	struct port_chan a;
	struct port_chan b;

	(void)state;
	assert_int_equal(login(&a, 1, false), 0);
	assert_int_equal(login(&b, 1, false), 0);
	port_admit(&a);
	release(&a);
	expect_admission(NOBODY, 0, 0);
	port_admit(&b);
	expect_admission(&b, 0, SRP_LOGIN_RESULT_NONE); /* nothing is left to go on beside it */
}

static void limits(void **state)
{
	struct port_chan pc[10];
	uint8_t i;

	(void)state;
	for (i = 0; i < 3; i++)
		assert_int_equal(login(&pc[i], 1, false), 0);
	assert_int_equal(login(&pc[3], 1, false), SRP_REJ_CHANNEL_LIMIT);
	assert_null(pc[3].port);
	/* who starts over is not kept out by the channels it replaces */
	assert_int_equal(login(&pc[3], 1, true), 0);
	for (i = 4; i < 7; i++)
		assert_int_equal(login(&pc[i], i, false), 0);
	assert_int_equal(port.n_nexuses, N_POOL);
	assert_int_equal(login(&pc[7], 8, false), SRP_REJ_RESOURCES); /* no nexus left */
	assert_int_equal(login(&pc[7], 4, false), 0);
	assert_int_equal(login(&pc[8], 5, false), SRP_REJ_RESOURCES); /* 8 channels in all */
	release(&pc[4]);
	assert_int_equal(login(&pc[8], 5, false), 0);
}

static void expect_limit(struct port_chan *pc, uint32_t limit)
{
	struct port_chan *next = port_next_limit(&port);

	assert_ptr_equal(next, pc);
	if (pc)
		assert_int_equal(pc->limit, limit);
}

/* The credits of a nexus are shared by its channels; who leaves makes room for the others. */
static void credits(void **state)
{
	struct port_limits l = { .max_chans_per_nexus = 8, .max_limit = 40, .nexus_credits = 30 };
	struct port_chan pc[4];
	struct port_chan other;

	(void)state;
	assert_int_equal(login(&other, 2, false), 0);
	port_set_limits(&port, &l);
	expect_limit(&other, 30);
	assert_int_equal(login(&pc[0], 1, false), 0);
	assert_int_equal(pc[0].limit, 30);
	expect_limit(NOBODY, 0); /* its own is in its login */
	assert_int_equal(login(&pc[1], 1, false), 0);
	assert_int_equal(pc[1].limit, 15);
	assert_int_equal(login(&pc[2], 1, false), 0);
	expect_limit(&pc[0], 10); /* once, with the last value */
	expect_limit(&pc[1], 10);
	expect_limit(NOBODY, 0);
	port_closing(&pc[1]);
	expect_limit(&pc[0], 15);
	port_close_chan(&pc[2]); /* queued to be told, but now it must go */
	expect_limit(&pc[0], 30);
	expect_limit(NOBODY, 0);
	release(&pc[0]); /* without a word */
	release(&pc[1]);
	release(&pc[2]);
	expect_limit(NOBODY, 0);
	l.nexus_credits = 0;
	port_set_limits(&port, &l);
	expect_limit(&other, 40);

	/* a share too small for work is none: the login is refused */
	l.nexus_credits = 3 * PORT_LIMIT_MIN;
	port_set_limits(&port, &l);
	assert_int_equal(login(&pc[0], 1, false), 0);
	assert_int_equal(login(&pc[1], 1, false), 0);
	assert_int_equal(login(&pc[2], 1, false), 0);
	assert_int_equal(login(&pc[3], 1, false), SRP_REJ_CHANNEL_LIMIT);
	assert_int_equal(login(&pc[3], 1, true), 0); /* starts over */
	assert_int_equal(pc[3].limit, 3 * PORT_LIMIT_MIN);
	/* limits that got smaller send nobody away */
	l.nexus_credits = 2;
	port_set_limits(&port, &l);
	expect_limit(&other, PORT_LIMIT_MIN);
	expect_limit(&pc[3], PORT_LIMIT_MIN);
}

static void memory(void **state)
{
	struct port_limits l = { .max_limit = 40, .nexus_bytes = 1000 };
	struct port_login login = login_of(1, false);
	struct port_chan pc[4];

	(void)state;
	port_set_limits(&port, &l);
	login.bytes = 1001;
	assert_int_equal(port_login(&port, &pc[0], &login), SRP_REJ_RESOURCES);
	login.bytes = 400;
	assert_int_equal(port_login(&port, &pc[0], &login), 0);
	assert_int_equal(port_login(&port, &pc[1], &login), 0);
	assert_int_equal(port_login(&port, &pc[2], &login), SRP_REJ_RESOURCES);
	login.single = true;
	assert_int_equal(port_login(&port, &pc[2], &login), 0); /* replaces the two */
	login.single = false;
	login.bytes = 600;
	assert_int_equal(port_login(&port, &pc[3], &login), 0);
	port_check(&port);
}

static int login_from(struct port_chan *pc, uint8_t guid, uint8_t host)
{
	struct port_login l = login_of(guid, true);

	l.addr.len = 4;
	l.addr.bytes[3] = host;
	return port_login(&port, pc, &l);
}

/* Identifiers without a GUID are no identity: the address tells hosts apart. With one it does not. */
static void nexus_key(void **state)
{
	struct port_chan a;
	struct port_chan b;
	struct port_chan d;
	struct port_chan e;
	struct port_login l;

	(void)state;
	assert_int_equal(login_from(&a, 0, 1), 0);
	assert_int_equal(login_from(&b, 0, 2), 0);
	assert_ptr_not_equal(a.nexus, b.nexus);
	expect_close(NOBODY, PORT_KEEP);
	assert_int_equal(login_from(&d, 0, 1), 0);
	assert_ptr_equal(a.nexus, d.nexus);
	expect_close(&a, PORT_CLOSE_EVICTED);
	release(&a);
	release(&b);
	release(&d);
	assert_int_equal(login_from(&a, 5, 1), 0);
	assert_int_equal(login_from(&b, 5, 2), 0);
	assert_ptr_equal(a.nexus, b.nexus);
	l = login_of(5, true);
	l.initiator.ext[0] = 1;
	assert_int_equal(port_login(&port, &d, &l), 0);
	assert_ptr_not_equal(d.nexus, a.nexus);
	l.target.ext[0] = 0; /* logged in under the wildcard identifier */
	assert_int_equal(port_login(&port, &e, &l), 0);
	assert_ptr_not_equal(e.nexus, d.nexus);
}

static void find(void **state)
{
	struct list ports = LIST_INIT(ports);
	struct srp_port_id id = { .ext = { 7 } };

	(void)state;
	assert_null(port_find(&ports, &id));
	list_push(&ports, &port.node);
	assert_ptr_equal(port_find(&ports, &id), &port);
	id.guid[7] = 1;
	assert_null(port_find(&ports, &id));
}

/* --- random walk: every admission is answered exactly once, everything ends --- */

struct walker {
	struct port_chan pc;
	bool in, asked, closing, told;
	uint32_t limit; /* as it was told */
	unsigned n_answers;
};

static struct walker walkers[12];

static void drain_queues(void)
{
	struct port_chan *pc;

	while ((pc = port_next_close(&port)) != NULL) {
		struct walker *w = container_of(pc, struct walker, pc);

		check(w->in);
		w->told = true;
	}
	while ((pc = port_next_limit(&port)) != NULL) {
		struct walker *w = container_of(pc, struct walker, pc);

		check(w->in && !w->told && !w->closing);
		w->limit = pc->limit;
	}
	while ((pc = port_next_admission(&port)) != NULL) {
		struct walker *w = container_of(pc, struct walker, pc);

		check(w->in && w->asked && !w->n_answers);
		check(pc->reject || (port.enabled && !w->closing && !w->told)); /* INV-3, 21 */
		w->n_answers++;
	}
}

/* Whoever stays has been told its share, and the shares of a nexus are not more than there is. */
static void check_shares(void)
{
	uint32_t sum[5] = { 0 };
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(walkers); i++) {
		const struct walker *w = &walkers[i];

		if (!w->in || w->told || w->closing)
			continue;
		check(w->limit == w->pc.limit);
		sum[w->pc.nexus->initiator.guid[0]] += w->limit;
	}
	for (i = 0; i < ARRAY_SIZE(sum); i++)
		check(!port.limits.nexus_credits || sum[i] <= port.limits.nexus_credits);
}

static void walk_limits(struct prng *r)
{
	const struct port_limits l = {
		.max_chans_per_nexus = 3,
		.max_limit = 4 + (uint32_t)prng_below(r, 30),
		.nexus_credits = prng_below(r, 3) ? 12 + (uint32_t)prng_below(r, 40) : 0,
	};

	port_set_limits(&port, &l);
}

static void walk_one(struct prng *r, struct walker *w)
{
	void *user;

	if (!w->in) {
		*w = (struct walker){ 0 };
		w->in = login(&w->pc, (uint8_t)prng_below(r, 5), prng_below(r, 2)) == 0;
		w->limit = w->pc.limit;
	} else if (!w->asked && prng_below(r, 2)) {
		w->asked = true;
		port_admit(&w->pc);
	} else if (!w->closing && (w->told || prng_below(r, 4) == 0)) {
		w->closing = true;
		port_closing(&w->pc);
	} else if (w->closing && !w->pc.quiet && prng_below(r, 2)) {
		port_quiet(&w->pc);
	} else if (w->closing && (!w->asked || w->n_answers) && prng_below(r, 3) == 0) {
		(void)port_release(&w->pc, &user);
		w->in = false;
	}
}

static void random_walk(void **state)
{
	const char *env = getenv("PORT_WALK_SEED");
	struct prng r = prng_of(env ? strtoull(env, NULL, 0) : 1);
	unsigned i;

	(void)state;
	memset(walkers, 0, sizeof(walkers));
	for (i = 0; i < 200000; i++) {
		if (prng_below(&r, 100) == 0)
			port_disable(&port);
		else if (!port.enabled && prng_below(&r, 8) == 0)
			port_enable(&port);
		else if (prng_below(&r, 50) == 0)
			walk_limits(&r);
		else
			walk_one(&r, &walkers[prng_below(&r, ARRAY_SIZE(walkers))]);
		if (prng_below(&r, 2)) {
			drain_queues();
			check_shares();
		}
		port_check(&port);
	}
	/* everybody leaves: nothing may wait for what does not come */
	port_disable(&port);
	for (i = 0; i < 4 * ARRAY_SIZE(walkers) && port.n_chans; i++) {
		struct walker *w = &walkers[i % ARRAY_SIZE(walkers)];

		drain_queues();
		if (!w->in)
			continue;
		assert_true(w->told || w->closing);
		if (!w->closing)
			port_closing(&w->pc);
		if (!w->asked)
			port_admit(&w->pc);
		w->closing = w->asked = true;
		drain_queues();
		assert_int_equal(w->n_answers, 1);
		w->in = false;
		release(&w->pc);
	}
	port_deinit(&port);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(one_login, setup),
		cmocka_unit_test_setup(multi_alone, setup),
		cmocka_unit_test_setup(follows, setup),
		cmocka_unit_test_setup(follows_released, setup),
		cmocka_unit_test_setup(eviction, setup),
		cmocka_unit_test_setup(eviction_by_release, setup),
		cmocka_unit_test_setup(overtaken, setup),
		cmocka_unit_test_setup(disable, setup),
		cmocka_unit_test_setup(close_reasons, setup),
		cmocka_unit_test_setup(released_undecided, setup),
		cmocka_unit_test_setup(limits, setup),
		cmocka_unit_test_setup(credits, setup),
		cmocka_unit_test_setup(memory, setup),
		cmocka_unit_test_setup(nexus_key, setup),
		cmocka_unit_test_setup(works, setup),
		cmocka_unit_test_setup(find, setup),
		cmocka_unit_test_setup(random_walk, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
