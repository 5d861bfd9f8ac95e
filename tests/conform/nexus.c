/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Channels: login, the end, and the loop that lets things happen on all of them. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "test.h"

#define LOGIN_BYTES 56u
#define IU_LEN      8276u
#define IMM_OFFSET  68u
#define POLL_MAX    64u
#define DOZE_MS     20
#define FMT_BOTH    0x0006
#define IMMED_SUPP  0x80

static uint64_t now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* --- what the library says --- */

static void on_up(struct srp_raw *raw, void *user, const void *iu, size_t len)
{
	struct nexus *n = user;

	(void)raw;
	n->up = true;
	n->answer_len = min_size(len, sizeof(n->answer));
	memcpy(n->answer, iu, n->answer_len);
	lie_to(n->t, NULL, n->answer, &n->answer_len);
	if (n->answer_len < 52 || n->answer[0] != IU_LOGIN_RSP) {
		violate(n->t,
			"the login is answered with %zu bytes of IU type %02x, no LOGIN_RSP of 52",
			n->answer_len, n->answer_len ? n->answer[0] : 0);
		return;
	}
	n->credits = (int32_t)get_be32(n->answer + 4);
	n->max_it_iu = get_be32(n->answer + 16);
	n->immediate = n->login.flags & LOGIN_IMMED && n->answer[26] & IMMED_SUPP;
}

static void on_recv(struct srp_raw *raw, void *user, const void *iu, size_t len)
{
	(void)raw;
	answer_iu(user, iu, len);
}

static void on_down(struct srp_raw *raw, void *user, const struct srp_raw_down *why)
{
	struct nexus *n = user;

	(void)raw;
	n->up = false;
	n->down = true;
	n->why = why->reason;
	(void)snprintf(n->why_text, sizeof(n->why_text), "%s", why->text);
	n->rejected = why->reason == SRP_DOWN_REJECTED;
	if (n->rejected) {
		n->answer_len = min_size(why->iu_len, sizeof(n->answer));
		if (n->answer_len)
			memcpy(n->answer, why->iu, n->answer_len);
		lie_to(n->t, NULL, n->answer, &n->answer_len);
	}
	answers_lost(n);
}

static const struct srp_raw_ops raw_ops = { on_up, on_recv, on_down };

/* --- the loop --- */

static bool outstanding(const struct nexus *n)
{
	if (!n->up && !n->down)
		return true;
	for (const struct cmd *c = n->cmds; c; c = c->next)
		if (c->sent && !c->done && !c->lost)
			return true;
	return false;
}

/* Handle what has come on every channel that is not held. */
static void look(struct test *t)
{
	for (struct nexus *n = t->nexuses; n; n = n->next)
		if (!n->held && srp_ctx_process(n->ctx, 0))
			abort();
}

/* Wait until something comes, 20 ms at most. */
static void doze(struct test *t)
{
	struct pollfd fd[POLL_MAX];
	nfds_t n_fds = 0;

	for (struct nexus *n = t->nexuses; n && n_fds < POLL_MAX; n = n->next)
		if (!n->held)
			fd[n_fds++] = (struct pollfd){ .fd = srp_ctx_fd(n->ctx), .events = POLLIN };
	(void)poll(fd, n_fds, DOZE_MS);
}

static void check_violation(struct test *t)
{
	if (t->violation[0])
		fail(t, "%s", t->violation);
}

void pump(struct test *t, unsigned ms)
{
	uint64_t end = now_ms() + ms;
	bool more = true;

	while (more && now_ms() < end) {
		look(t);
		more = false;
		for (struct nexus *n = t->nexuses; n; n = n->next)
			more = more || (!n->held && outstanding(n));
		check_violation(t);
		if (more)
			doze(t);
	}
}

void await(struct cmd *c, unsigned ms)
{
	struct test *t = c->n->t;
	uint64_t end = now_ms() + ms;

	look(t);
	while (!c->done && !c->lost && now_ms() < end) {
		check_violation(t);
		doze(t);
		look(t);
	}
	check_violation(t);
}

void idle(struct test *t, unsigned ms)
{
	uint64_t end = now_ms() + ms;

	while (now_ms() < end) {
		look(t);
		doze(t);
	}
	check_violation(t);
}

void hold(struct nexus *n)
{
	/* What was sent leaves at the end of one round; nothing has come for it yet. */
	if (srp_ctx_process(n->ctx, 0))
		abort();
	n->held = true;
}

void let_go(struct nexus *n)
{
	n->held = false;
}

/* --- login --- */

static size_t login_encode(struct nexus *n, uint8_t *p)
{
	const struct config *cfg = n->t->cfg;
	const struct login *l = &n->login;
	bool named = l->id_ext || l->ioc_guid;

	memset(p, 0, LOGIN_BYTES);
	memcpy(p, "conform", 8);
	put_be16(p + 8, l->fmt ? l->fmt : FMT_BOTH);
	p[10] = l->flags;
	p[11] = l->opcode;
	put_be32(p + 12, l->iu_len ? l->iu_len : IU_LEN);
	memcpy(p + 16, n->id, 16);
	put_be64(p + 32, named ? l->id_ext : cfg->id_ext);
	put_be64(p + 40, named ? l->ioc_guid : cfg->ioc_guid);
	if (l->flags & LOGIN_IMMED)
		put_be16(p + 48, n->login.imm_offset);
	return l->len ? l->len : LOGIN_BYTES;
}

static struct nexus *nexus_start(struct test *t, const struct login *l)
{
	struct nexus *n = calloc(1, sizeof(*n));
	struct srp_raw_opts o = { .host = t->cfg->host,
				  .port = t->cfg->port,
				  .max_send = 1u << 17 };
	const struct srp_ctx_opts co = { .max_conns = 1 };
	uint8_t login[LOGIN_BYTES];

	if (!n || srp_ctx_new(&n->ctx, &co))
		abort();
	(void)srp_ctx_fd(n->ctx); /* from here on it is watched */
	n->t = t;
	n->login = *l;
	if (!n->login.imm_offset)
		n->login.imm_offset = IMM_OFFSET;
	put_be64(n->id, l->who ? (uint64_t)(unsigned char)l->who : 0x10000u + ++t->n_logins);
	put_be64(n->id + 8, t->cfg->initiator);
	n->next_tag = (uint64_t)(++t->n_logins) << 32 | 1;
	n->arena = mmap(NULL, ARENA_BYTES, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (n->arena == MAP_FAILED)
		abort();
	o.login = login;
	o.login_len = login_encode(n, login);
	n->next = t->nexuses;
	t->nexuses = n;
	if (srp_raw_connect(&n->raw, n->ctx, &o, &raw_ops, n))
		abort();
	return n;
}

static void await_login(struct nexus *n)
{
	uint64_t end = now_ms() + ANSWER_MS;

	look(n->t);
	while (!n->up && !n->down && now_ms() < end) {
		doze(n->t);
		look(n->t);
	}
	check_violation(n->t);
	EXPECT(n->t, n->up || n->down, "the login was not answered within %u s", ANSWER_MS / 1000);
}

struct nexus *nexus_new(struct test *t, const struct login *l)
{
	struct nexus *n = nexus_start(t, l);

	await_login(n);
	if (l->no_confirm)
		return n;
	EXPECT(t, n->up, "a login that should be accepted is refused: %s (reason %08x)",
	       n->why_text, n->rejected && n->answer_len >= 8 ? get_be32(n->answer + 4) : 0);
	if (srp_raw_reg(n->raw, n->arena, ARENA_BYTES, SRP_MEM_READABLE | SRP_MEM_WRITABLE,
			&n->key))
		fail(t, "the arena could not be registered");
	return n;
}

uint32_t login_refused(struct test *t, const struct login *l)
{
	struct nexus *n = nexus_start(t, l);

	await_login(n);
	EXPECT(t, !n->up, "a login that must be refused was accepted");
	EXPECT(t, n->rejected, "a login is refused without a reject: %s", n->why_text);
	if (!n->answer_len)
		return 0;
	EXPECT(t, n->answer_len >= 32 && n->answer[0] == IU_LOGIN_REJ,
	       "a reject carries %zu bytes of IU type %02x, no LOGIN_REJ of 32", n->answer_len,
	       n->answer[0]);
	return get_be32(n->answer + 4);
}

/* --- the end --- */

void nexus_end(struct nexus *n, bool abrupt)
{
	uint64_t end = now_ms() + ANSWER_MS;
	uint8_t out[16] = { IU_I_LOGOUT };

	n->held = false;
	if (n->up && !abrupt)
		(void)srp_raw_send(n->raw, out, sizeof(out));
	srp_raw_close(n->raw, abrupt ? SRP_CLOSE_ABRUPT : SRP_CLOSE_LOGOUT);
	look(n->t);
	while (!n->down && now_ms() < end) {
		doze(n->t);
		look(n->t);
	}
}

void nexus_free(struct nexus *n)
{
	struct nexus **at = &n->t->nexuses;

	if (!n->down)
		nexus_end(n, false);
	(void)cmds_free(n);
	while (*at != n)
		at = &(*at)->next;
	*at = n->next;
	if (srp_raw_free(n->raw) || srp_ctx_free(n->ctx) || munmap(n->arena, ARENA_BYTES))
		abort();
	free(n);
}

/* --- the two that stand all the time --- */

void nexus_settle(struct nexus *n)
{
	bool quiet = n->t->quiet;

	n->t->quiet = true;
	for (unsigned i = 0; i < 16; i++) {
		struct cmd *c = attention(n);

		if (c->status != CHECK_CONDITION || c->key != UNIT_ATTENTION)
			break;
	}
	n->t->quiet = quiet;
}

static struct nexus *standing(struct test *t, struct nexus **at, bool *fresh, char who)
{
	bool quiet = t->quiet;

	if (*at && (*at)->down) {
		(*at)->keep = false;
		*at = NULL;
	}
	if (!*at) {
		/* Not alone on its port where a channel of the rule was left over: it must not end that. */
		t->quiet = true;
		*at = nexus_new(t,
				&(struct login){ .who = who, .flags = LOGIN_MULTI | LOGIN_IMMED });
		(*at)->keep = true;
		t->quiet = quiet;
	}
	if (!*fresh)
		nexus_settle(*at);
	*fresh = true;
	return *at;
}

struct nexus *nexus_a(struct test *t)
{
	return standing(t, &t->a, &t->a_fresh, 'a');
}

struct nexus *nexus_b(struct test *t)
{
	return standing(t, &t->b, &t->b_fresh, 'b');
}

uint8_t *mem(struct nexus *n, size_t len)
{
	size_t at = (n->used + 63) & ~(size_t)63;

	EXPECT(n->t, at + len + GUARD_BYTES <= ARENA_BYTES, "a rule uses at most %u bytes a nexus",
	       ARENA_BYTES);
	n->used = at + len + GUARD_BYTES;
	memset(n->arena + at + len, FILL, GUARD_BYTES);
	return n->arena + at;
}
