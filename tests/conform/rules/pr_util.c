/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* SPC-5 6.15.2: READ KEYS and what the rules about reservations share. */
#include "pr.h"

struct cmd *pr_out(struct nexus *n, uint8_t action, uint8_t type, uint64_t key,
		   uint64_t service_key)
{
	struct cmd *c = CMD(n, 0x5f, action, type, 0, 0, 0, 0, 0, 24, 0);
	uint8_t *p = data_out(c, NULL, 24);

	put_be64(p, key);
	put_be64(p + 8, service_key);
	return c;
}

struct cmd *pr_in(struct nexus *n, uint8_t action, uint32_t room)
{
	struct cmd *c = CMD(n, 0x5e, action, 0, 0, 0, 0, 0, (uint8_t)(room >> 8), (uint8_t)room, 0);

	if (room)
		data_in(c, room);
	return c;
}

uint32_t pr_generation(struct nexus *n)
{
	struct cmd *c = pr_in(n, 0, 4096);

	expect_good(c);
	return get_be32(c->in);
}

unsigned pr_n_keys(struct nexus *n)
{
	struct cmd *c = pr_in(n, 0, 4096);

	expect_good(c);
	return get_be32(c->in + 4) / 8;
}

bool pr_has_key(struct nexus *n, uint64_t key)
{
	struct cmd *c = pr_in(n, 0, 4096);

	expect_good(c);
	for (uint32_t at = 8; at + 8 <= got_in(c); at += 8)
		if (get_be64(c->in + at) == key)
			return true;
	return false;
}

uint8_t pr_reserved(struct nexus *n, uint64_t *ret_key)
{
	struct cmd *c = pr_in(n, 1, 64);

	expect_good(c);
	if (!get_be32(c->in + 4))
		return 0;
	EXPECT(n->t, get_be32(c->in + 4) == 16, "READ RESERVATION has %u bytes",
	       get_be32(c->in + 4));
	if (ret_key)
		*ret_key = get_be64(c->in + 8);
	return c->in[21] & 0x0f;
}

void pr_register(struct nexus *n, uint64_t key)
{
	expect_good(pr_out(n, PR_REGISTER_AND_IGNORE, 0, 0, key));
}

/* Whoever holds what: a registration that clears all. */
static void clear(struct test *t)
{
	struct nexus *a = nexus_a(t);

	cmd_run(pr_out(a, PR_REGISTER_AND_IGNORE, 0, 0, 0xcccc));
	cmd_run(pr_out(a, PR_CLEAR, 0, 0xcccc, 0));
	nexus_settle(a);
	nexus_settle(nexus_b(t));
}

void pr_begin(struct test *t)
{
	need_op(t, 0x5e, 0);
	need_op(t, 0x5f, PR_REGISTER);
	need_op(t, 0x5f, PR_REGISTER_AND_IGNORE);
	need_op(t, 0x5f, PR_CLEAR);
	(void)nexus_b(t);
	clear(t);
	at_end(t, clear);
}

void pr_both(struct test *t, struct nexus **a, struct nexus **b)
{
	pr_begin(t);
	*a = nexus_a(t);
	*b = nexus_b(t);
	pr_register(*a, KEY_A);
	pr_register(*b, KEY_B);
}

RULE(pr, register, DESTROYS,
     "REGISTER adds, changes and removes a key, needs the one that is there, and counts "
     "PRGENERATION up")
{
	struct nexus *a;
	struct nexus *b;
	uint32_t gen;

	pr_begin(t);
	a = nexus_a(t);
	b = nexus_b(t);
	EXPECT(t, pr_n_keys(a) == 0, "%u keys are there after CLEAR", pr_n_keys(a));
	gen = pr_generation(a);
	expect_good(pr_out(a, PR_REGISTER, 0, 0, KEY_A));
	EXPECT(t, pr_generation(a) == gen + 1,
	       "REGISTER leaves PRGENERATION as it was, or adds more than 1");
	EXPECT(t, pr_n_keys(b) == 1 && pr_has_key(b, KEY_A), "READ KEYS does not give the key");
	expect_status(pr_out(b, PR_REGISTER, 0, KEY_A, KEY_B),
		      RESERVATION_CONFLICT); /* B has none */
	expect_status(pr_out(a, PR_REGISTER, 0, 0, KEY_A + 1),
		      RESERVATION_CONFLICT);          /* and A has one */
	expect_good(pr_out(b, PR_REGISTER, 0, 0, 0)); /* nothing to remove: does nothing */
	EXPECT(t, pr_n_keys(b) == 1, "%u keys, there is 1", pr_n_keys(b));
	expect_good(pr_out(a, PR_REGISTER, 0, KEY_A, KEY_A + 1));
	EXPECT(t, pr_has_key(b, KEY_A + 1) && !pr_has_key(b, KEY_A), "the key was not changed");
	expect_good(pr_out(a, PR_REGISTER, 0, KEY_A + 1, 0));
	EXPECT(t, pr_n_keys(b) == 0, "%u keys, the last one was removed", pr_n_keys(b));
}

RULE(pr, register_and_ignore, DESTROYS,
     "REGISTER AND IGNORE EXISTING KEY replaces whatever key the nexus has")
{
	struct nexus *a;

	pr_begin(t);
	a = nexus_a(t);
	expect_good(pr_out(a, PR_REGISTER_AND_IGNORE, 0, 0x1234, KEY_A));
	expect_good(pr_out(a, PR_REGISTER_AND_IGNORE, 0, 0x5678, KEY_A + 5));
	EXPECT(t, pr_n_keys(a) == 1 && pr_has_key(a, KEY_A + 5), "the key was not replaced");
	expect_good(pr_out(a, PR_REGISTER_AND_IGNORE, 0, 0, 0));
	EXPECT(t, pr_n_keys(a) == 0, "a key of zero does not unregister");
}

RULE(pr, same_key, DESTROYS, "two nexuses may have the same key, and each is a registration")
{
	pr_begin(t);
	pr_register(nexus_a(t), KEY_A);
	pr_register(nexus_b(t), KEY_A);
	EXPECT(t, pr_n_keys(nexus_a(t)) == 2, "%u keys, there are 2", pr_n_keys(nexus_a(t)));
}

RULE(pr, not_registered, DESTROYS,
     "RESERVE, RELEASE, CLEAR and PREEMPT of a nexus without registration, or with another key, "
     "conflict")
{
	struct nexus *a;
	struct nexus *b;

	pr_begin(t);
	a = nexus_a(t);
	b = nexus_b(t);
	pr_register(a, KEY_A);
	for (unsigned i = PR_RESERVE; i <= PR_PREEMPT_AND_ABORT; i++) {
		uint8_t action = (uint8_t)i;

		expect_status(pr_out(b, action, WRITE_EXCLUSIVE, 0, KEY_A), RESERVATION_CONFLICT);
		expect_status(pr_out(b, action, WRITE_EXCLUSIVE, KEY_A, KEY_A),
			      RESERVATION_CONFLICT);
		expect_status(pr_out(a, action, WRITE_EXCLUSIVE, KEY_B, KEY_A),
			      RESERVATION_CONFLICT);
	}
	EXPECT(t, pr_n_keys(a) == 1, "a registration went by a command that conflicted");
}

RULE(pr, parameter_length, DESTROYS,
     "a parameter list of another length than 24 is PARAMETER LIST LENGTH ERROR")
{
	struct nexus *a;

	pr_begin(t);
	a = nexus_a(t);
	for (uint32_t len = 0; len < 32; len += len == 16 ? 7 : 8) {
		struct cmd *c = CMD(a, 0x5f, PR_REGISTER, 0, 0, 0, 0, 0, 0, (uint8_t)len, 0);

		if (len == 24)
			continue;
		if (len)
			data_out(c, NULL, len);
		expect_sense(c, ILLEGAL_REQUEST, PARAMETER_LIST_LENGTH_ERROR);
	}
}

RULE(pr, bad_type, DESTROYS, "a type or scope that there is not is INVALID FIELD IN CDB")
{
	static const uint8_t bad[] = { 0x00, 0x02, 0x04, 0x09, 0x0f, 0x11, 0x21, 0xf1 };
	struct nexus *a;

	pr_begin(t);
	a = nexus_a(t);
	pr_register(a, KEY_A);
	for (unsigned i = 0; i < sizeof(bad); i++)
		expect_bad_cdb(pr_out(a, PR_RESERVE, bad[i], KEY_A, 0), 2);
	EXPECT(t, !pr_reserved(a, NULL), "a reservation was made");
}

RULE(pr, in_allocation, DESTROYS,
     "READ KEYS with too little room: the first bytes, ADDITIONAL LENGTH as ever")
{
	pr_begin(t);
	pr_register(nexus_a(t), KEY_A);
	pr_register(nexus_b(t), KEY_B);
	for (uint32_t room = 8; room <= 32; room += 4) {
		struct cmd *c = pr_in(nexus_a(t), 0, room);

		expect_good(c);
		EXPECT(t, get_be32(c->in + 4) == 16,
		       "ADDITIONAL LENGTH is %u with %u bytes of room, two keys have 16",
		       get_be32(c->in + 4), room);
		EXPECT(t, got_in(c) == (room < 24 ? room : 24), "%u bytes of room, %u came", room,
		       got_in(c));
	}
}
