/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* SPC-5 5.13.7 ff.: the six types, who may do what, RELEASE and CLEAR. */
#include "pr.h"

static const uint8_t types[] = { WRITE_EXCLUSIVE,
				 EXCLUSIVE_ACCESS,
				 WRITE_EXCLUSIVE_REGISTRANTS,
				 EXCLUSIVE_ACCESS_REGISTRANTS,
				 WRITE_EXCLUSIVE_ALL,
				 EXCLUSIVE_ACCESS_ALL };

static bool keeps_readers(uint8_t type)
{
	return type == EXCLUSIVE_ACCESS || type == EXCLUSIVE_ACCESS_REGISTRANTS ||
	       type == EXCLUSIVE_ACCESS_ALL;
}

static bool all_registrants(uint8_t type)
{
	return type == WRITE_EXCLUSIVE_ALL || type == EXCLUSIVE_ACCESS_ALL;
}

static bool lets_registrants(uint8_t type)
{
	return type >= WRITE_EXCLUSIVE_REGISTRANTS;
}

static void expect_access(struct nexus *n, bool reads, bool writes, const char *who)
{
	struct test *t = n->t;
	struct cmd *r = read_new(n, 10, 0, 1);
	struct cmd *w = write_new(n, 10, 0, 1, NULL);
	struct cmd *u = tur_new(n);

	cmd_run(r);
	cmd_run(w);
	cmd_run(u);
	EXPECT(t, r->status == (reads ? GOOD : RESERVATION_CONFLICT), "%s: %s", who, cmd_text(r));
	EXPECT(t, w->status == (writes ? GOOD : RESERVATION_CONFLICT), "%s: %s", who, cmd_text(w));
	EXPECT(t, u->status == GOOD, "%s: %s, which no reservation forbids", who, cmd_text(u));
}

/* A reservation of @type that @n is registrant of, and somebody else held, has ended. */
static void expect_released(struct nexus *n, uint8_t type)
{
	struct cmd *c = attention(n);

	if (lets_registrants(type))
		EXPECT(n->t, is_sense(c, UNIT_ATTENTION, RESERVATIONS_RELEASED), "type %u: %s",
		       type, cmd_text(c));
	else
		EXPECT(n->t, c->status == GOOD, "type %u: %s", type, cmd_text(c));
}

RULE(pr, types, DESTROYS, "each type keeps out whom it must: readers, writers, registered or not")
{
	pr_begin(t);
	for (unsigned i = 0; i < ARRAY_SIZE(types); i++) {
		struct nexus *a = nexus_a(t);
		struct nexus *b = nexus_b(t);
		uint64_t key = 1;

		pr_register(a, KEY_A);
		expect_good(pr_out(a, PR_RESERVE, types[i], KEY_A, 0));
		EXPECT(t, pr_reserved(b, &key) == types[i],
		       "READ RESERVATION gives type %u, not %u", pr_reserved(b, NULL), types[i]);
		EXPECT(t, key == (all_registrants(types[i]) ? 0 : KEY_A),
		       "READ RESERVATION of type %u gives the key %llx", types[i],
		       (unsigned long long)key);
		expect_access(a, true, true, text_of(t, "type %u, the holder", types[i]));
		expect_access(b, !keeps_readers(types[i]), false,
			      text_of(t, "type %u, not registered", types[i]));
		pr_register(b, KEY_B);
		expect_access(b, lets_registrants(types[i]) || !keeps_readers(types[i]),
			      lets_registrants(types[i]),
			      text_of(t, "type %u, registered", types[i]));
		expect_good(pr_out(a, PR_CLEAR, 0, KEY_A, 0));
		expect_access(b, true, true, "after CLEAR");
	}
}

RULE(pr, reserve_twice, DESTROYS,
     "RESERVE by the holder is done if it changes nothing, else it conflicts, as it does by others")
{
	struct nexus *a;
	struct nexus *b;

	pr_both(t, &a, &b);
	expect_good(pr_out(a, PR_RESERVE, WRITE_EXCLUSIVE, KEY_A, 0));
	expect_good(pr_out(a, PR_RESERVE, WRITE_EXCLUSIVE, KEY_A, 0));
	expect_status(pr_out(a, PR_RESERVE, EXCLUSIVE_ACCESS, KEY_A, 0), RESERVATION_CONFLICT);
	expect_status(pr_out(b, PR_RESERVE, WRITE_EXCLUSIVE, KEY_B, 0), RESERVATION_CONFLICT);
	EXPECT(t, pr_reserved(a, NULL) == WRITE_EXCLUSIVE, "the reservation is of type %u now",
	       pr_reserved(a, NULL));
}

RULE(pr, release, DESTROYS,
     "RELEASE: by the holder with its type; nothing happens by others; another type is INVALID "
     "RELEASE")
{
	struct nexus *a;
	struct nexus *b;

	pr_both(t, &a, &b);
	expect_good(pr_out(a, PR_RELEASE, WRITE_EXCLUSIVE, KEY_A, 0)); /* there is none */
	expect_good(pr_out(a, PR_RESERVE, WRITE_EXCLUSIVE, KEY_A, 0));
	expect_good(pr_out(b, PR_RELEASE, WRITE_EXCLUSIVE, KEY_B, 0));
	EXPECT(t, pr_reserved(b, NULL) == WRITE_EXCLUSIVE, "another nexus released it");
	expect_sense(pr_out(a, PR_RELEASE, EXCLUSIVE_ACCESS, KEY_A, 0), ILLEGAL_REQUEST,
		     INVALID_RELEASE);
	expect_good(pr_out(a, PR_RELEASE, WRITE_EXCLUSIVE, KEY_A, 0));
	EXPECT(t, !pr_reserved(b, NULL), "it was not released");
	EXPECT(t, pr_n_keys(b) == 2, "RELEASE took registrations away");
}

RULE(pr, release_attention, DESTROYS,
     "RELEASE of a type for registrants is RESERVATIONS RELEASED for the other registrants, of "
     "others it is silent")
{
	pr_begin(t);
	for (unsigned i = 0; i < ARRAY_SIZE(types); i++) {
		struct nexus *a = nexus_a(t);
		struct nexus *b = nexus_b(t);

		pr_register(a, KEY_A);
		pr_register(b, KEY_B);
		nexus_settle(b);
		expect_good(pr_out(a, PR_RESERVE, types[i], KEY_A, 0));
		expect_good(pr_out(a, PR_RELEASE, types[i], KEY_A, 0));
		expect_released(b, types[i]);
		EXPECT(t, attention(a)->status == GOOD, "the holder hears: %s", cmd_text(a->cmds));
		expect_good(pr_out(a, PR_CLEAR, 0, KEY_A, 0));
	}
}

RULE(pr, clear, DESTROYS,
     "CLEAR takes the reservation and all registrations, and tells the others RESERVATIONS "
     "PREEMPTED")
{
	struct nexus *a;
	struct nexus *b;

	pr_both(t, &a, &b);
	expect_good(pr_out(a, PR_RESERVE, EXCLUSIVE_ACCESS, KEY_A, 0));
	expect_good(pr_out(b, PR_CLEAR, 0, KEY_B, 0)); /* any registrant may */
	EXPECT(t, !pr_n_keys(b) && !pr_reserved(b, NULL), "something is left");
	EXPECT(t, is_sense(attention(a), UNIT_ATTENTION, RESERVATIONS_PREEMPTED),
	       "the other nexus hears: %s", cmd_text(a->cmds));
	EXPECT(t, attention(b)->status == GOOD, "the one that cleared hears: %s",
	       cmd_text(b->cmds));
}

RULE(pr, unregister_holder, DESTROYS,
     "when the holder unregisters, the reservation is released, with an attention for the types of "
     "registrants")
{
	pr_begin(t);
	for (unsigned i = 0; i < 4; i++) {
		struct nexus *a = nexus_a(t);
		struct nexus *b = nexus_b(t);

		pr_register(a, KEY_A);
		pr_register(b, KEY_B);
		expect_good(pr_out(a, PR_RESERVE, types[i], KEY_A, 0));
		nexus_settle(b);
		expect_good(pr_out(a, PR_REGISTER, 0, KEY_A, 0));
		expect_released(b, types[i]);
		EXPECT(t, !pr_reserved(b, NULL),
		       "type %u: the reservation stays without its holder", types[i]);
		expect_good(pr_out(b, PR_CLEAR, 0, KEY_B, 0));
	}
}

RULE(pr, unregister_one_of_all, DESTROYS,
     "a reservation of all registrants stays until the last of them unregisters")
{
	struct nexus *a;
	struct nexus *b;

	pr_both(t, &a, &b);
	expect_good(pr_out(a, PR_RESERVE, EXCLUSIVE_ACCESS_ALL, KEY_A, 0));
	expect_good(pr_out(a, PR_REGISTER, 0, KEY_A, 0));
	EXPECT(t, pr_reserved(b, NULL) == EXCLUSIVE_ACCESS_ALL,
	       "it went with the one that made it");
	expect_status(write_new(a, 10, 0, 1, NULL), RESERVATION_CONFLICT);
	expect_good(pr_out(b, PR_REGISTER, 0, KEY_B, 0));
	EXPECT(t, !pr_reserved(b, NULL), "it stays without any registrant");
}

RULE(pr, survives_reset, ALONE,
     "a LOGICAL UNIT RESET and the end of its nexus leave registrations and reservation as they "
     "are")
{
	struct nexus *b;
	struct nexus *c;

	pr_begin(t);
	b = nexus_b(t);
	c = nexus_new(t, &(struct login){ .who = 'c', .flags = LOGIN_MULTI });
	pr_register(c, KEY_A);
	expect_good(pr_out(c, PR_RESERVE, WRITE_EXCLUSIVE, KEY_A, 0));
	expect_code(tmf_run(b, LUN_RESET, unit_of(t)->lun, 0), CODE_DONE);
	EXPECT(t, pr_reserved(b, NULL) == WRITE_EXCLUSIVE && pr_has_key(b, KEY_A),
	       "gone after a reset");
	nexus_end(c, false);
	EXPECT(t, pr_reserved(b, NULL) == WRITE_EXCLUSIVE && pr_has_key(b, KEY_A),
	       "gone after a logout");
	expect_status(write_new(b, 10, 0, 1, NULL), RESERVATION_CONFLICT);
	c = nexus_new(t, &(struct login){ .who = 'c', .flags = LOGIN_MULTI });
	expect_good(write_new(c, 10, 0, 1, NULL));
}
