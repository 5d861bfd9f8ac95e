/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A storm of logins against a target on loopback: refused ones of all kinds, accepted ones that end in all ways,
 * or plain ones against a rate limit. Each is judged; what happens to the target is for the caller to see, who
 * gets a line after each batch, when no connection is left, and answers with a line.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "storm_conn.h"

#define CONNS_MAX   256u
#define KINDS_MAX   64u
#define PATIENCE_NS (20 * NSEC_PER_SEC)
#define COMPLAINTS  10u

enum mode {
	MODE_REJECT,
	MODE_CYCLE,
	MODE_CAP
};

struct kind_count {
	const char *kind;
	uint64_t done, failed;
};

struct storm {
	enum mode mode;
	struct sockaddr_in to;
	struct plan_target target;
	uint64_t count, seed, late_ms;
	unsigned batches, conns, hosts;
	struct prng rnd;
	struct conn conn[CONNS_MAX];
	unsigned n_slots; /* twice as many as @conns: each may have a rival */
	uint64_t n_started, n_done, n_failed, n_accepted, n_refused, n_late;
	struct kind_count kinds[KINDS_MAX];
};

static struct kind_count *count_of(struct storm *s, const char *kind)
{
	unsigned i = 0;

	while (i < KINDS_MAX - 1 && s->kinds[i].kind && s->kinds[i].kind != kind)
		i++;
	s->kinds[i].kind = kind;
	return &s->kinds[i];
}

static struct conn *free_slot(struct storm *s)
{
	for (unsigned i = 0; i < s->n_slots; i++)
		if (s->conn[i].state == CONN_FREE)
			return &s->conn[i];
	return NULL;
}

static void begin(struct storm *s, struct conn *c)
{
	uint64_t now = conn_now_ns();

	c->late_ns = now + s->late_ms * NSEC_PER_MSEC;
	c->deadline_ns = now + PATIENCE_NS;
	conn_start(c, &s->to, 1 + (unsigned)(s->n_started % s->hosts));
}

static void start_one(struct storm *s, struct conn *c)
{
	switch (s->mode) {
	case MODE_REJECT:
		plan_reject(&c->plan, &s->target, &s->rnd);
		break;
	case MODE_CYCLE:
		plan_cycle(&c->plan, &s->target, &s->rnd, s->n_started);
		break;
	case MODE_CAP:
		plan_cap(&c->plan, &s->target, s->n_started);
		break;
	}
	s->n_started++;
	begin(s, c);
}

static void start_rival(struct storm *s, struct conn *first)
{
	struct conn *c = free_slot(s);

	check(c); /* there are two slots for each */
	plan_rival(&c->plan, &s->target, &first->plan);
	begin(s, c);
	conn_rival_started(first);
}

static void finish(struct storm *s, struct conn *c)
{
	struct kind_count *k = count_of(s, c->plan.kind);

	s->n_done += !c->plan.rival;
	s->n_late += c->state == CONN_LATE;
	s->n_accepted += c->login == LOGIN_ACCEPTED;
	s->n_refused += c->login == LOGIN_REFUSED;
	k->done++;
	if (c->state == CONN_FAILED) {
		k->failed++;
		if (s->n_failed++ < COMPLAINTS)
			(void)fprintf(stderr, "storm: seed %" PRIu64 ", %s: %s\n", s->seed,
				      c->plan.kind, c->text);
	}
	c->state = CONN_FREE;
}

/* One look at every connection. Return: how many are there. */
static unsigned round_of_all(struct storm *s)
{
	uint64_t now = conn_now_ns();
	unsigned n = 0;

	for (unsigned i = 0; i < s->n_slots; i++) {
		struct conn *c = &s->conn[i];

		if (c->state == CONN_FREE)
			continue;
		conn_run(c, now);
		if (c->state == CONN_WANTS_RIVAL)
			start_rival(s, c);
		if (c->state == CONN_DONE || c->state == CONN_LATE || c->state == CONN_FAILED)
			finish(s, c);
		n += c->state != CONN_FREE;
	}
	return n;
}

static void wait_for_some(struct storm *s)
{
	struct pollfd p[CONNS_MAX];
	nfds_t n = 0;

	for (unsigned i = 0; i < s->n_slots; i++) {
		const struct conn *c = &s->conn[i];

		if (c->state == CONN_BUSY)
			p[n++] = (struct pollfd){
				.fd = c->fd, .events = (short)(conn_wants_out(c) ? POLLOUT : POLLIN)
			};
	}
	if (n && poll(p, n, 100) < 0 && errno != EINTR)
		check_unreachable();
}

/* Those that are there, rivals too: so there is a slot for one more rival of each. */
static unsigned busy(const struct storm *s)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->n_slots; i++)
		n += s->conn[i].state != CONN_FREE;
	return n;
}

static void batch(struct storm *s, uint64_t until)
{
	for (;;) {
		unsigned n = busy(s);

		while (s->n_started < until && n++ < s->conns)
			start_one(s, free_slot(s));
		if (!round_of_all(s) && s->n_started == until)
			return;
		wait_for_some(s);
	}
}

static void report(const struct storm *s)
{
	for (unsigned i = 0; i < KINDS_MAX && s->kinds[i].kind; i++)
		printf("kind %" PRIu64 " %" PRIu64 " %s\n", s->kinds[i].done, s->kinds[i].failed,
		       s->kinds[i].kind);
	printf("end %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", s->n_done,
	       s->n_failed, s->n_accepted, s->n_refused, s->n_late);
}

static void run(struct storm *s)
{
	char line[16];

	for (unsigned i = 1; i <= s->batches && s->n_failed < COMPLAINTS; i++) {
		uint64_t begin_ns = conn_now_ns();

		batch(s, s->count * i / s->batches);
		printf("batch %u %" PRIu64 " %" PRIu64 " %.6f\n", i, s->n_done, s->n_failed,
		       (double)(conn_now_ns() - begin_ns) / 1e9);
		(void)fflush(stdout);
		if (!fgets(line, sizeof(line), stdin))
			break;
	}
	report(s);
}

/* --- command line --- */

static bool parse_id(const char *text, struct srp_port_id *ret)
{
	uint64_t ext;
	uint64_t guid;

	if (sscanf(text, "%16" SCNx64 ":%16" SCNx64, &ext, &guid) != 2) // NOLINT(cert-err34-c)
		return false;
	put_be64(ret->ext, ext);
	put_be64(ret->guid, guid);
	return true;
}

static bool parse(struct storm *s, int argc, char **argv)
{
	static const struct option longs[] = { { "mode", required_argument, NULL, 'm' },
					       { "port", required_argument, NULL, 'p' },
					       { "target", required_argument, NULL, 't' },
					       { "denied", required_argument, NULL, 'd' },
					       { "count", required_argument, NULL, 'n' },
					       { "batches", required_argument, NULL, 'b' },
					       { "conns", required_argument, NULL, 'c' },
					       { "hosts", required_argument, NULL, 'h' },
					       { "seed", required_argument, NULL, 's' },
					       { "late-ms", required_argument, NULL, 'l' },
					       { 0 } };
	bool ok = true;
	int o;

	while ((o = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		const char *text = optarg ? optarg : "";
		unsigned long long v = strtoull(text, NULL, 10);

		switch (o) {
		case 'm':
			s->mode = strcmp(text, "reject") == 0  ? MODE_REJECT
				  : strcmp(text, "cycle") == 0 ? MODE_CYCLE
							       : MODE_CAP;
			break;
		case 'p':
			s->to.sin_port = htons((uint16_t)v);
			break;
		case 't':
			ok = ok && parse_id(text, &s->target.id);
			break;
		case 'd':
			ok = ok && parse_id(text, &s->target.denied);
			break;
		case 'n':
			s->count = v;
			break;
		case 'b':
			s->batches = (unsigned)v;
			break;
		case 'c':
			s->conns = (unsigned)v;
			break;
		case 'h':
			s->hosts = (unsigned)v;
			break;
		case 's':
			s->seed = v;
			break;
		case 'l':
			s->late_ms = v;
			break;
		default:
			return false;
		}
	}
	return ok && optind == argc && s->to.sin_port && s->count && s->batches && s->hosts &&
	       s->hosts <= 200 && s->conns && s->conns <= CONNS_MAX / 2;
}

int main(int argc, char **argv)
{
	static struct storm s = {
		.count = 1000, .batches = 1, .conns = 16, .hosts = 64, .seed = 1, .late_ms = 1000
	};

	s.to = (struct sockaddr_in){ .sin_family = AF_INET };
	s.to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (!parse(&s, argc, argv)) {
		(void)fprintf(stderr,
			      "usage: storm --mode reject|cycle|cap --port N --target EXT:GUID "
			      "--denied EXT:GUID [--count N] [--batches N] [--conns N] [--hosts N] "
			      "[--seed N] [--late-ms N]\n");
		return 2;
	}
	s.n_slots = 2 * s.conns;
	s.rnd = prng_of(s.seed);
	run(&s);
	return s.n_failed ? 1 : 0;
}
