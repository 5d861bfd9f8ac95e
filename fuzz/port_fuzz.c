/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The registry of a port as a stream of events: logins of a few initiators, second visits, channels that
 * close and go, disables, other limits. Queues are drained after each event or later. Judged from outside,
 * besides port_check(): who is told what, how often, and that nothing is left in the end.
 * Input: pairs of (event and channel, argument).
 */
#include "fuzz.h"
#include "srp/port.h"
#include "wire/srp_login_rej.h"
#include "wire/srp_login_rsp.h"

#define N_CHANS 12u
#define N_POOL  4u

struct seat {
	struct port_chan pc;
	bool in, asked, closing, quiet, admitted;
	enum port_close told; /* the last reason */
	uint32_t limit;       /* as it was told */
	uint64_t born;        /* order of logins */
	unsigned n_answers;
};

struct world {
	struct port port;
	struct port_nexus pool[N_POOL];
	struct seat seat[N_CHANS];
	uint64_t n_born;
	int session[N_POOL]; /* what nexus->user points to: by index in the pool */
	bool live[N_POOL];   /* its session was made and has not come back */
};

static unsigned pool_index(const struct world *w, const struct port_nexus *n)
{
	return (unsigned)(n - w->pool);
}

static struct seat *seat_of(struct port_chan *pc)
{
	return container_of(pc, struct seat, pc);
}

/* --- what the registry says --- */

static void hear_closes(struct world *w)
{
	struct port_chan *pc;

	while ((pc = port_next_close(&w->port))) {
		struct seat *s = seat_of(pc);

		check(s->in && pc->close != PORT_KEEP && pc->close != s->told);
		/* never a milder reason than before */
		check(s->told != PORT_CLOSE_DISABLED);
		check(!(s->told == PORT_CLOSE_EVICTED && pc->close == PORT_CLOSE_SESSION));
		s->told = pc->close;
	}
}

/* INV-25: an older channel of the nexus may still do something. */
static bool older_stirs(const struct world *w, const struct seat *s)
{
	for (unsigned i = 0; i < N_CHANS; i++) {
		const struct seat *o = &w->seat[i];

		if (o->in && o->pc.nexus == s->pc.nexus && o->born < s->born && !o->quiet)
			return true;
	}
	return false;
}

static void hear_admissions(struct world *w)
{
	struct port_chan *pc;

	while ((pc = port_next_admission(&w->port))) {
		struct seat *s = seat_of(pc);

		check(s->in && s->asked && !s->n_answers);
		s->n_answers++;
		if (pc->reject)
			continue;
		s->admitted = true;
		check(w->port.enabled && s->told == PORT_KEEP && !s->closing); /* INV-3, 21 */
		check(pc->result <= SRP_LOGIN_RESULT_CONTINUE);
		check(pc->result !=
		      (pc->single ? SRP_LOGIN_RESULT_CONTINUE : SRP_LOGIN_RESULT_TERMINATED));
		check(!pc->single || !older_stirs(w, s));
	}
}

static void hear_limits(struct world *w)
{
	struct port_chan *pc;

	while ((pc = port_next_limit(&w->port))) {
		struct seat *s = seat_of(pc);

		check(s->in && !s->closing && pc->close == PORT_KEEP);
		s->limit = pc->limit;
	}
}

/* Everybody who stays knows its limit; those of a nexus together are not more than there is, unless the
 * limits became smaller than what each one always has. */
static void judge_shares(const struct world *w)
{
	for (unsigned n = 0; n < N_POOL; n++) {
		uint64_t sum = 0;
		unsigned count = 0;

		for (unsigned i = 0; i < N_CHANS; i++) {
			const struct seat *s = &w->seat[i];

			if (!s->in || s->pc.nexus != &w->pool[n] || s->closing || s->told)
				continue;
			check(s->limit == s->pc.limit && s->limit <= w->port.limits.max_limit);
			check(s->limit >= PORT_LIMIT_MIN);
			sum += s->limit;
			count++;
		}
		check(!w->port.limits.nexus_credits || sum <= w->port.limits.nexus_credits ||
		      sum == (uint64_t)count * PORT_LIMIT_MIN);
	}
}

static void hear(struct world *w)
{
	hear_closes(w);
	hear_limits(w);
	hear_admissions(w);
	check(!port_next_close(&w->port) && !port_next_limit(&w->port) &&
	      !port_next_admission(&w->port));
	judge_shares(w);
}

/* --- what happens --- */

static struct port_login login_of(unsigned arg)
{
	struct port_login l = { .target = { .ext = { 7 } },
				.bytes = 100 + (arg & 0x30) * 10,
				.single = arg & 8,
				.addr = { .len = 4, .bytes = { 10, 0, 0, arg & 0x40 ? 1 : 2 } } };

	l.initiator.ext[7] = arg & 1;
	l.initiator.guid[7] = (arg >> 1) & 3; /* 0: no identity but with the address */
	return l;
}

static void login(struct world *w, struct seat *s, unsigned arg)
{
	const struct port_login l = login_of(arg);
	unsigned chans = w->port.n_chans;
	unsigned n;
	int r;

	*s = (struct seat){ 0 };
	r = port_login(&w->port, &s->pc, &l);
	if (r) {
		check(r == SRP_REJ_RESOURCES || r == SRP_REJ_CHANNEL_LIMIT);
		check(w->port.n_chans == chans && !s->pc.port); /* nothing was changed */
		return;
	}
	check(w->port.enabled && w->port.n_chans == chans + 1);
	s->in = true;
	s->limit = s->pc.limit;
	s->born = ++w->n_born;
	n = pool_index(w, s->pc.nexus);
	check(n < N_POOL && (s->pc.nexus->user != NULL) == w->live[n]);
	s->pc.nexus->user = &w->session[n];
	w->live[n] = true;
}

static void release(struct world *w, struct seat *s)
{
	unsigned n = pool_index(w, s->pc.nexus);
	bool last = s->pc.nexus->n_chans == 1;
	bool empty = w->port.n_chans == 1;
	void *user = w;
	unsigned r = port_release(&s->pc, &user);

	check(!!(r & PORT_NEXUS_ENDED) == last && !!(r & PORT_EMPTY) == empty);
	check(user == (last ? &w->session[n] : NULL));
	if (last)
		w->live[n] = false;
	s->in = false;
}

static void limits(struct world *w, unsigned arg)
{
	const struct port_limits l = { .max_chans_per_nexus = arg & 3,
				       .max_limit = PORT_LIMIT_MIN + (arg >> 2 & 15),
				       .nexus_credits = arg & 0x40 ? 8 + (arg & 31) : 0,
				       .nexus_bytes = arg & 0x80 ? 700 : 0 };

	port_set_limits(&w->port, &l);
}

static void happen(struct world *w, uint8_t what, uint8_t arg)
{
	struct seat *s = &w->seat[(what >> 4) % N_CHANS];

	switch (what & 15) {
	case 0:
	case 1:
	case 2:
		if (!s->in)
			login(w, s, arg);
		break;
	case 3:
	case 4:
		if (s->in && !s->asked) {
			s->asked = true;
			port_admit(&s->pc);
		}
		break;
	case 5:
	case 6:
		if (s->in && !s->closing) {
			s->closing = true;
			port_closing(&s->pc);
		}
		break;
	case 7:
	case 8:
		/* without a word only if it was never built */
		if (s->in && (s->closing || !s->asked) && (!s->asked || s->n_answers))
			release(w, s);
		break;
	case 9:
		if (s->in)
			port_close_chan(&s->pc);
		break;
	case 10:
		if (s->in)
			port_close_nexus(s->pc.nexus);
		break;
	case 11:
		port_disable(&w->port);
		break;
	case 12:
		port_enable(&w->port);
		break;
	case 13:
		limits(w, arg);
		break;
	case 14:
		if (s->in && s->closing && !s->quiet) {
			s->quiet = true;
			port_quiet(&s->pc);
		}
		break;
	default: /* time passes */
		break;
	}
}

/* The port is disabled and every channel does what it is told: nothing may be left. */
static void finish(struct world *w)
{
	port_disable(&w->port);
	hear(w);
	for (unsigned i = 0; i < N_CHANS; i++) {
		struct seat *s = &w->seat[i];

		if (!s->in)
			continue;
		check(s->told == PORT_CLOSE_DISABLED || s->closing);
		if (!s->asked)
			port_admit(&s->pc);
		s->asked = true;
		if (!s->closing)
			port_closing(&s->pc);
		s->closing = true;
		hear(w);
		if (!s->quiet && i & 1) /* else it goes without saying */
			port_quiet(&s->pc);
		hear(w);
		check(s->n_answers == 1);
		release(w, s);
		hear(w);
	}
	for (unsigned n = 0; n < N_POOL; n++)
		check(!w->live[n]);
	port_deinit(&w->port);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct world w;
	const struct port_config cfg = {
		.id = { .ext = { 7 } },
		.max_chans = 10,
		.limits = { .max_chans_per_nexus = 4, .max_limit = 32, .nexus_credits = 40 },
		.pool = w.pool,
		.n_pool = N_POOL,
	};

	memset(&w, 0, sizeof(w));
	port_init(&w.port, &cfg);
	port_enable(&w.port);
	for (size_t i = 0; i + 2 <= len && i < 4000; i += 2) {
		happen(&w, data[i], data[i + 1]);
		port_check(&w.port);
		if ((data[i] & 15) != 15) /* then the queues wait */
			hear(&w);
	}
	finish(&w);
	return 0;
}
